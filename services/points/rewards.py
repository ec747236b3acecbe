"""What a reward asks of a member, checked with the programme and judged at the moment of the request.

Nothing here reads or writes: what was counted and what is left comes as
arguments, so that the catalogue says of a reward what redeeming it would.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from chassis.conditions import INTEGER, TEXTS, Condition, ExpressionFailed, InvalidExpression, Vocabulary
from chassis.errors import DomainError, FailedPrecondition, FieldViolation, InvalidArgument, NotFound
from laurels.points.v1 import programme_pb2 as pb
from laurels.points.v1 import rewards_pb2
from services.activity import MEMBER_VARIABLES
from services.periods import Per, period_of
from services.points.lots import Part
from services.points.states import MemberState
from services.programme import AMOUNT_MAX, NAME_LENGTH_MAX, Problems

if TYPE_CHECKING:
    from services.points.programme import PointsRules

RESERVED, ISSUED, FULFILLED, CANCELLED, EXPIRED = (
    rewards_pb2.REDEMPTION_STATE_RESERVED,
    rewards_pb2.REDEMPTION_STATE_ISSUED,
    rewards_pb2.REDEMPTION_STATE_FULFILLED,
    rewards_pb2.REDEMPTION_STATE_CANCELLED,
    rewards_pb2.REDEMPTION_STATE_EXPIRED,
)
HOLDING = frozenset({RESERVED, ISSUED, FULFILLED})
"""States in which a redemption has its points and its piece of the stock."""
RESERVED_FIRST = frozenset({pb.REWARD_KIND_PHYSICAL, pb.REWARD_KIND_EXPERIENCE})
"""Kinds that somebody has to hand over; the others are issued at once."""
STOCK_MAX, MENUS_MAX, MENU_REWARDS_MAX, LIMITS_MAX, PRICES_MAX = 10**12, 100, 100, 5, 8
CONDITIONS_MAX = 1_000
"""So many different conditions compile within a call's deadline."""
TEXT_LENGTH_MAX, ADDRESS_LENGTH_MAX, IMAGES_MAX = 4_000, 500, 10
CODE_LENGTH, CODE_LENGTH_LEAST, CODE_LENGTH_MAX = 12, 8, 32
CODE_PREFIX = re.compile(r"[A-Z0-9-]{0,16}")
ADDRESS = re.compile(r"https://[!-~]+")
VARIABLES = {**MEMBER_VARIABLES, "member.enrolled_days": INTEGER, "member.segments": TEXTS}
_WORDS = Vocabulary(VARIABLES)
_IN_WORDS: Mapping[int, str] = {
    pb.REWARD_PERIOD_DAY: "a day",
    pb.REWARD_PERIOD_WEEK: "a week",
    pb.REWARD_PERIOD_MONTH: "a month",
    pb.REWARD_PERIOD_QUARTER: "a quarter",
    pb.REWARD_PERIOD_YEAR: "a year",
}
_OF_MENUS = (pb.REWARD_PERIOD_MONTH, pb.REWARD_PERIOD_QUARTER, pb.REWARD_PERIOD_YEAR)

CounterKey = tuple[str, str, str]
"""Name, owner, period, as in `counters.py`, which what the programme is compiled with cannot import."""
Count = Callable[[CounterKey], int]
"""What a counter stands at."""
Price = tuple[str, int]
"""Currency and amount."""


class UnknownReward(NotFound):
    """The programme has no such reward."""

    code = "unknown_reward"

    def __init__(self, reward: str) -> None:
        super().__init__(f"There is no reward {reward!r}.")


class UnknownMenu(NotFound):
    """The programme has no such perk menu."""

    code = "unknown_menu"

    def __init__(self, menu: str) -> None:
        super().__init__(f"There is no perk menu {menu!r}.")


class NotAvailable(FailedPrecondition):
    """The reward's window has not begun, or is over."""

    code = "reward_not_available"

    def __init__(self, reward: str, moment: datetime, *, begins: bool) -> None:
        said = "can be redeemed from" if begins else "could be redeemed until"
        super().__init__(f"Reward {reward!r} {said} {moment.astimezone(UTC).isoformat()}.")


class NotEligible(FailedPrecondition):
    """The member's tier, or the condition, does not allow it."""

    code = "not_eligible"

    def __init__(self, what: str, why: str) -> None:
        super().__init__(f"{what} is for members {why}.")


class LimitReached(FailedPrecondition):
    """The member redeemed as many of it as a period allows."""

    code = "limit_reached"

    def __init__(self, reward: str, most: int, per: int) -> None:
        when = _IN_WORDS.get(per, "in all")
        super().__init__(f"A member may redeem {most} of reward {reward!r} {when}, and has.")


class SoldOut(FailedPrecondition):
    """All of the stock is taken."""

    code = "reward_sold_out"

    def __init__(self, reward: str) -> None:
        super().__init__(f"Nothing is left of reward {reward!r}.")


class CodesRunOut(FailedPrecondition):
    """All imported codes are issued."""

    code = "codes_run_out"

    def __init__(self, reward: str) -> None:
        super().__init__(f"Reward {reward!r} has no codes left.")


class MenuRequired(FailedPrecondition):
    """The reward has no price and is got from a perk menu only."""

    code = "menu_required"

    def __init__(self, reward: str) -> None:
        super().__init__(f"Reward {reward!r} has no price; it is chosen from a perk menu.")


class MenuUsedUp(FailedPrecondition):
    """The member chose as many as the period allows, or this one already."""

    code = "menu_used_up"


@dataclass(slots=True)
class Redemption:
    """A redemption as loaded under its lock.

    `parts` are the lots that its price left, `counted` the counters that it
    raised; both have them again when it is cancelled. `credited` is what
    cashback paid.
    """

    redemption: str
    member: str
    reward: str
    kind: int
    state: int
    currency: str
    price: int
    code: str
    menu: str
    reference: str
    digest: bytes
    parts: list[Part]
    counted: list[CounterKey]
    credited_currency: str
    credited: int
    redeemed_at: datetime
    changed_at: datetime
    expires_at: datetime | None
    programme_version: int
    is_new: bool = False

    def shown(self, *, code: bool = True) -> rewards_pb2.Redemption:
        """As its member sees it; without its code for everybody else."""
        return rewards_pb2.Redemption(
            redemption=self.redemption,
            member=self.member,
            reward=self.reward,
            kind=self.kind,  # type: ignore[arg-type]
            state=self.state,  # type: ignore[arg-type]
            currency=self.currency,
            price=self.price,
            code=self.code if code else "",
            menu=self.menu,
            reference=self.reference,
            redeemed_at=self.redeemed_at.astimezone(UTC),
            changed_at=self.changed_at.astimezone(UTC),
            expires_at=None if self.expires_at is None else self.expires_at.astimezone(UTC),
        )


@dataclass(slots=True)
class Offer:
    """A reward, compiled."""

    reward: pb.Reward
    prices: tuple[Price, ...] = ()
    tiers: frozenset[str] = frozenset()
    condition: Condition | None = None
    only_by_menu: bool = False

    @property
    def takes_imported_codes(self) -> bool:
        return self.reward.kind == pb.REWARD_KIND_COUPON and self.reward.codes.source == pb.CODE_SOURCE_IMPORTED

    @property
    def generates_codes(self) -> bool:
        return self.reward.kind == pb.REWARD_KIND_COUPON and not self.takes_imported_codes

    @property
    def is_reserved_first(self) -> bool:
        return (self.reward.kind or pb.REWARD_KIND_PHYSICAL) in RESERVED_FIRST

    @property
    def stock_counter(self) -> CounterKey:
        """How many hold; raised by every redemption, so that those of one reward come one after another."""
        return f"stock:{self.reward.id}", "", ""

    def limit_counters(self, member: str, at: datetime, zone: ZoneInfo) -> Iterator[tuple[CounterKey, pb.RewardLimit]]:
        """The member's counters of the periods that a moment is in, with their limits."""
        for limit in self.reward.limits:
            yield (f"reward:{self.reward.id}", member, period(limit.per, at, zone)), limit


@dataclass(slots=True)
class Catalogue:
    """The rewards and perk menus of a programme, by their ids."""

    offers: dict[str, Offer] = field(default_factory=dict)
    menus: dict[str, pb.PerkMenu] = field(default_factory=dict)
    has_boosters: bool = False


_PER: Mapping[int, Per] = {
    pb.REWARD_PERIOD_DAY: Per.DAY,
    pb.REWARD_PERIOD_WEEK: Per.WEEK,
    pb.REWARD_PERIOD_MONTH: Per.MONTH,
    pb.REWARD_PERIOD_QUARTER: Per.QUARTER,
    pb.REWARD_PERIOD_YEAR: Per.YEAR,
}


def period(per: int, at: datetime, zone: ZoneInfo) -> str:
    """The period of a programme's kind that a moment is in; where none is stated, ever."""
    return period_of(_PER.get(per, Per.EVER), at, zone)


def menu_counters(menu: pb.PerkMenu, reward: str, member: str, at: datetime, zone: ZoneInfo) -> tuple[CounterKey, ...]:
    """The member's counters of a menu in the period: of all that was chosen, and of one reward."""
    within = period(menu.per, at, zone)
    return (f"menu:{menu.id}", member, within), (f"menu:{menu.id}:{reward}", member, within)


def price_of(offer: Offer, currency: str) -> Price | None:
    """The price to pay in a currency, the first one when none is named; None when it is free.

    Raises InvalidArgument, MenuRequired.
    """
    if offer.only_by_menu:
        raise MenuRequired(offer.reward.id)
    if not currency:
        return offer.prices[0] if offer.prices else None
    for price in offer.prices:
        if price[0] == currency:
            return price
    known = ", ".join(name for name, _ in offer.prices) or "it is free"
    raise InvalidArgument.of(
        [FieldViolation("currency", f"{currency!r} is none that the reward is priced in ({known})")]
    )


def refusal(
    offer: Offer, member: MemberState, at: datetime, zone: ZoneInfo, count: Count, *, granted: bool = False
) -> DomainError | None:
    """Why a member cannot have a reward whatever they pay; None when they can.

    Its tiers and its condition say who may ask for it, not who may be
    `granted` it.
    """
    reward = offer.reward
    if reward.HasField("available_from") and at < (begins := _moment(reward.available_from)):
        return NotAvailable(reward.id, begins, begins=True)
    if reward.HasField("available_until") and at >= (ends := _moment(reward.available_until)):
        return NotAvailable(reward.id, ends, begins=False)
    if not granted and offer.tiers and member.tier not in offer.tiers:
        return NotEligible(f"Reward {reward.id!r}", f"of {', '.join(sorted(offer.tiers))}")
    if not granted and offer.condition is not None and not _holds(offer.condition, member, at):
        return NotEligible(f"Reward {reward.id!r}", "who meet its condition")
    for key, limit in offer.limit_counters(member.member, at, zone):
        if count(key) >= limit.most:
            return LimitReached(reward.id, limit.most, limit.per)
    if stock_left(offer, count) == 0:
        return SoldOut(reward.id)
    return None


def menu_refusal(
    menu: pb.PerkMenu, reward: str, member: MemberState, at: datetime, zone: ZoneInfo, count: Count
) -> DomainError | None:
    """Why a member cannot choose a reward from a menu now; None when they can."""
    if reward not in menu.rewards:
        return InvalidArgument.of([FieldViolation("reward", f"{reward!r} is not on the perk menu {menu.id!r}")])
    if menu.tiers and member.tier not in menu.tiers:
        return NotEligible(f"Perk menu {menu.id!r}", f"of {', '.join(sorted(menu.tiers))}")
    of_menu, of_reward = menu_counters(menu, reward, member.member, at, zone)
    if count(of_menu) >= menu.choose:
        return MenuUsedUp(f"All {menu.choose} choices of the perk menu {menu.id!r} are used in this period.")
    if count(of_reward):
        return MenuUsedUp(f"Reward {reward!r} was chosen from the perk menu {menu.id!r} in this period.")
    return None


def stock_left(offer: Offer, count: Count) -> int | None:
    """How many are left for all; None without a stock. A programme may lower a stock below what is taken."""
    if not offer.reward.HasField("stock"):
        return None
    return max(offer.reward.stock - count(offer.stock_counter), 0)


def left_for_member(offer: Offer, member: str, at: datetime, zone: ZoneInfo, count: Count) -> int | None:
    """How many a member may redeem now by the limits; None without one."""
    left = [max(limit.most - count(key), 0) for key, limit in offer.limit_counters(member, at, zone)]
    return min(left) if left else None


def expiry_of(reward: pb.Reward, at: datetime) -> datetime | None:
    """When a redemption made `at` a moment ends by itself."""
    if reward.kind == pb.REWARD_KIND_BOOSTER:
        return at + timedelta(days=reward.booster.days)
    if reward.reserved_hours_max:
        return at + timedelta(hours=reward.reserved_hours_max)
    return None


def _moment(stamp: Any) -> datetime:
    found: datetime = stamp.ToDatetime(tzinfo=UTC)
    return found


def _holds(condition: Condition, member: MemberState, at: datetime) -> bool:
    """A condition that fails on a member does not hold."""
    enrolled_at = member.enrolled_at or at
    values = {
        "member.id": member.member,
        "member.tier": member.tier,
        "member.enrolled_days": max((at - enrolled_at).days, 0),
        "member.segments": sorted(member.segments),
    }
    try:
        return condition.holds(_WORDS.values(values))
    except ExpressionFailed:
        return False


# -- checking ---------------------------------------------------------------


def compile_catalogue(rules: "PointsRules", problems: Problems) -> Catalogue:
    """The rewards and menus of a programme whose currencies and tiers are compiled; reports what is wrong."""
    points = rules.programme.points
    catalogue = Catalogue()
    conditions: dict[str, Condition | None] = {}
    for place, reward in enumerate(points.rewards):
        where = f"points.rewards[{place}]"
        offer = Offer(reward, tuple(_prices(where, reward, rules, problems)), frozenset(reward.tiers))
        _check_reward(where, reward, rules, problems)
        offer.condition = _condition(f"{where}.condition", reward.condition, conditions, problems)
        catalogue.offers.setdefault(reward.id, offer)
        catalogue.has_boosters |= reward.kind == pb.REWARD_KIND_BOOSTER
    catalogue.menus = problems.items("points.perk_menus", points.perk_menus, MENUS_MAX)
    for place, menu in enumerate(points.perk_menus):
        _check_menu(f"points.perk_menus[{place}]", menu, rules, catalogue, problems)
    return catalogue


def _prices(where: str, reward: pb.Reward, rules: "PointsRules", problems: Problems) -> Iterator[Price]:
    if reward.currency or reward.price or reward.other_prices:
        if problems.reference(f"{where}.currency", reward.currency, rules.currencies, "currency"):
            _check_spendable(f"{where}.currency", reward.currency, rules, problems)
        problems.bounded(f"{where}.price", reward.price, 1)
        yield reward.currency, reward.price
    if len(reward.other_prices) > PRICES_MAX:
        problems.add(f"{where}.other_prices", f"has {len(reward.other_prices)} items, more than {PRICES_MAX}")
    seen = {reward.currency}
    for place, option in enumerate(reward.other_prices):
        spot = f"{where}.other_prices[{place}]"
        if problems.reference(f"{spot}.currency", option.currency, rules.currencies, "currency"):
            if option.currency in seen:
                problems.add(f"{spot}.currency", f"{option.currency!r} has a price before it")
            else:
                _check_spendable(f"{spot}.currency", option.currency, rules, problems)
        seen.add(option.currency)
        problems.bounded(f"{spot}.price", option.price, 1)
        yield option.currency, option.price


def _check_spendable(field_: str, currency: str, rules: "PointsRules", problems: Problems) -> None:
    if currency not in rules.spendable:
        problems.add(field_, f"{currency!r} is counted, not spent")


def _check_reward(where: str, reward: pb.Reward, rules: "PointsRules", problems: Problems) -> None:
    if reward.HasField("stock"):
        problems.bounded(f"{where}.stock", reward.stock, 0, STOCK_MAX)
    _check_limits(where, reward.limits, problems)
    begins, ends = reward.available_from, reward.available_until
    for name, moment in (("available_from", begins), ("available_until", ends)):
        if not _is_moment(moment):
            problems.add(f"{where}.{name}", "is not a moment within the years 1900 and 9999")
    both = reward.HasField("available_from") and reward.HasField("available_until")
    if both and _is_moment(ends) and (begins.seconds, begins.nanos) >= (ends.seconds, ends.nanos):
        problems.add(f"{where}.available_until", "is not after available_from")
    for place, tier in enumerate(reward.tiers):
        problems.reference(f"{where}.tiers[{place}]", tier, rules.tiers, "tier")
    _check_texts(where, reward, problems)
    _check_kind(where, reward, rules, problems)
    problems.bounded(f"{where}.reserved_hours_max", reward.reserved_hours_max, 0, 8_760)


def _check_limits(where: str, limits: Sequence[pb.RewardLimit], problems: Problems) -> None:
    if len(limits) > LIMITS_MAX:
        problems.add(f"{where}.limits", f"has {len(limits)} items, more than {LIMITS_MAX}")
    seen: set[int] = set()
    for place, limit in enumerate(limits):
        per = limit.per or pb.REWARD_PERIOD_EVER
        if per in seen:
            problems.add(f"{where}.limits[{place}].per", "has a limit before it")
        seen.add(per)
        problems.bounded(f"{where}.limits[{place}].most", limit.most, 1, 1_000_000)


def _check_texts(where: str, reward: pb.Reward, problems: Problems) -> None:
    _check_text(f"{where}.description", reward.description, TEXT_LENGTH_MAX, problems)
    _check_text(f"{where}.recipient", reward.recipient, NAME_LENGTH_MAX, problems)
    _check_text(f"{where}.partner.name", reward.partner.name, NAME_LENGTH_MAX, problems)
    _check_text(f"{where}.partner.terms", reward.partner.terms, TEXT_LENGTH_MAX, problems)
    if reward.HasField("partner") and not reward.partner.name:
        problems.add(f"{where}.partner.name", "is required")
    if reward.partner.url:
        _check_address(f"{where}.partner.url", reward.partner.url, problems)
    if len(reward.images) > IMAGES_MAX:
        problems.add(f"{where}.images", f"has {len(reward.images)} items, more than {IMAGES_MAX}")
    for place, image in enumerate(reward.images):
        _check_address(f"{where}.images[{place}]", image, problems)


def _check_text(field_: str, value: str, most: int, problems: Problems) -> None:
    if len(value) > most:
        problems.add(field_, f"is longer than {most} characters")


def _check_address(field_: str, value: str, problems: Problems) -> None:
    if len(value) > ADDRESS_LENGTH_MAX or not ADDRESS.fullmatch(value):
        problems.add(field_, f"is not an https address of at most {ADDRESS_LENGTH_MAX} characters")


_PARTICULARS = {
    "codes": pb.REWARD_KIND_COUPON,
    "cashback": pb.REWARD_KIND_CASHBACK,
    "booster": pb.REWARD_KIND_BOOSTER,
}


def _check_kind(where: str, reward: pb.Reward, rules: "PointsRules", problems: Problems) -> None:
    """What one kind states is stated by it alone."""
    for name, kind in _PARTICULARS.items():
        if reward.HasField(name) and reward.kind != kind:
            problems.add(f"{where}.{name}", f"is for the kind {name if name != 'codes' else 'coupon'} only")
    if reward.recipient and reward.kind != pb.REWARD_KIND_DONATION:
        problems.add(f"{where}.recipient", "is for the kind donation only")
    if (reward.reserved_hours_max or reward.member_may_cancel) and (
        (reward.kind or pb.REWARD_KIND_PHYSICAL) not in RESERVED_FIRST
    ):
        name = "reserved_hours_max" if reward.reserved_hours_max else "member_may_cancel"
        problems.add(f"{where}.{name}", "is for the kinds physical and experience, which are reserved first")
    if reward.kind == pb.REWARD_KIND_COUPON:
        _check_codes(f"{where}.codes", reward.codes, problems)
    if reward.kind == pb.REWARD_KIND_CASHBACK:
        _check_cashback(f"{where}.cashback", reward.cashback, rules, problems)
    if reward.kind == pb.REWARD_KIND_BOOSTER:
        problems.bounded(f"{where}.booster.percent", reward.booster.percent, 101, 10_000)
        problems.bounded(f"{where}.booster.days", reward.booster.days, 1, 366)
        for place, currency in enumerate(reward.booster.currencies):
            problems.reference(f"{where}.booster.currencies[{place}]", currency, rules.currencies, "currency")


def _check_codes(where: str, codes: pb.CouponCodes, problems: Problems) -> None:
    if codes.length:
        problems.bounded(f"{where}.length", codes.length, CODE_LENGTH_LEAST, CODE_LENGTH_MAX)
    if not CODE_PREFIX.fullmatch(codes.prefix):
        problems.add(f"{where}.prefix", "is not at most 16 characters of A-Z 0-9 -")
    if codes.source == pb.CODE_SOURCE_IMPORTED and (codes.prefix or codes.length):
        problems.add(where, "has a prefix or a length, which are for generated codes")


def _check_cashback(where: str, cashback: pb.Cashback, rules: "PointsRules", problems: Problems) -> None:
    known = [
        currency.id
        for currency in rules.programme.points.currencies
        if currency.purpose == pb.CURRENCY_PURPOSE_CASHBACK
    ]
    problems.reference(f"{where}.currency", cashback.currency, known, "cashback currency")
    problems.bounded(f"{where}.amount", cashback.amount, 1, AMOUNT_MAX)


def _condition(field_: str, source: str, known: dict[str, Condition | None], problems: Problems) -> Condition | None:
    """A condition compiled once for all rewards that state it."""
    if not source.strip():
        return None
    if source not in known and len(known) >= CONDITIONS_MAX:
        problems.add(field_, f"is one of more than {CONDITIONS_MAX} different conditions")
        return None
    if known.get(source) is None:
        try:
            known[source] = _WORDS.condition(source)
        except InvalidExpression as error:
            known[source] = None
            problems.add(field_, str(error))
    return known[source]


def _check_menu(where: str, menu: pb.PerkMenu, rules: "PointsRules", catalogue: Catalogue, problems: Problems) -> None:
    if not 1 <= len(menu.rewards) <= MENU_REWARDS_MAX:
        problems.add(f"{where}.rewards", f"has {len(menu.rewards)} items, not 1 to {MENU_REWARDS_MAX}")
    seen: set[str] = set()
    for place, reward in enumerate(menu.rewards):
        spot = f"{where}.rewards[{place}]"
        if problems.reference(spot, reward, catalogue.offers, "reward"):
            offer = catalogue.offers[reward]
            offer.only_by_menu = not offer.prices
        if reward in seen:
            problems.add(spot, f"{reward!r} is listed twice")
        seen.add(reward)
    if menu.rewards:
        problems.bounded(f"{where}.choose", menu.choose, 1, len(menu.rewards))
    if menu.per not in _OF_MENUS:
        problems.add(f"{where}.per", "is required: month, quarter or year")
    for place, tier in enumerate(menu.tiers):
        problems.reference(f"{where}.tiers[{place}]", tier, rules.tiers, "tier")


def _is_moment(stamp: Any) -> bool:
    return bool(-2_208_988_800 <= stamp.seconds <= 253_402_300_799 and 0 <= stamp.nanos < 10**9)


def is_code(text: str) -> bool:
    """Whether a text can be an imported code."""
    return 1 <= len(text) <= 64 and text.isascii() and text.isprintable() and " " not in text
