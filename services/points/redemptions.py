"""A redemption takes its price, its piece of the stock and its code together, and gives points and stock back together.

What a redemption took is kept with it: the lots that the points left and the
counters that it raised. So it can be undone whatever the programme has become.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any

import asyncpg

from chassis.answers import digest
from chassis.book import Kind
from chassis.errors import FailedPrecondition, IdempotencyConflict, NotFound
from laurels.points.v1 import points_pb2, rewards_events_pb2, rewards_pb2
from laurels.points.v1 import programme_pb2 as pb
from services.points import boosters, codes, counters, ledger, rewards
from services.points.book import Book, Operation, Touched
from services.points.boosters import BOOSTERS
from services.points.codes import CODES
from services.points.ledger import AVAILABLE, ISSUED, PROGRAMME, REDEEMED
from services.points.programme import PointsRules
from services.points.rewards import CounterKey, Offer, Redemption, UnknownMenu, UnknownReward
from services.points.store import rewards as store
from services.points.store.rewards import Booster

REDEMPTIONS: Kind[str, Redemption] = Kind("redemptions", 50, store.lock_redemptions, store.save_redemptions)


class UnknownRedemption(NotFound):
    """The member has no such redemption."""

    code = "unknown_redemption"

    def __init__(self, redemption: str) -> None:
        super().__init__(f"There is no redemption {redemption!r}.")


class RedemptionEnded(FailedPrecondition):
    """The redemption ended before, otherwise than now asked for."""

    code = "redemption_ended"

    def __init__(self, redemption: Redemption) -> None:
        ended: dict[int, str] = {
            rewards.FULFILLED: "fulfilled",
            rewards.CANCELLED: "cancelled",
            rewards.EXPIRED: "expired",
        }
        super().__init__(f"The redemption was {ended[redemption.state]}.")


class NotCancellable(FailedPrecondition):
    """Its member may not cancel the redemption; the brand's back end may."""

    code = "not_cancellable"

    def __init__(self) -> None:
        super().__init__("Members cannot cancel this redemption.")


@dataclass(frozen=True, slots=True)
class RedemptionAsked:
    """A request to redeem: asked for `at` a moment, with random characters for a code."""

    request: rewards_pb2.RedeemRewardRequest
    at: datetime
    characters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RewardGiven:
    """A reward that is given to a member without a price, as the redemption of this id, with chance for a code."""

    redemption: str
    member: str
    reward: str
    reference: str
    at: datetime
    characters: tuple[str, ...]

    def asked(self) -> RedemptionAsked:
        """As if the member had asked for it."""
        request = rewards_pb2.RedeemRewardRequest(member=self.member, reward=self.reward, reference=self.reference)
        return RedemptionAsked(request, self.at, self.characters)


@dataclass(frozen=True, slots=True)
class Fulfil:
    """A redemption of a member was fulfilled."""

    member: str
    redemption: str


@dataclass(frozen=True, slots=True)
class Cancel:
    """A redemption of a member is to be cancelled, by the member or by the brand's back end."""

    member: str
    redemption: str
    by_member: bool


@dataclass(frozen=True, slots=True)
class DueRedemptions:
    """Reservations that end by `until`."""

    redemptions: Sequence[str]
    until: datetime


def redemption_id(key: str) -> str:
    """The id of the redemption that a caller's key makes."""
    return blake2b(f"redemption:{key}".encode(), digest_size=12).hexdigest()


class Redeem(Operation):
    """Redeems rewards."""

    requests = (RedemptionAsked,)

    def touch(self, asked: RedemptionAsked, found: None, rules: PointsRules, touched: Touched) -> None:
        request, name = asked.request, redemption_id(asked.request.idempotency_key)
        touched.members.add(request.member)
        touched.row(REDEMPTIONS, name)
        offer = rules.catalogue.offers.get(request.reward)
        if offer is None:
            return
        for currency, price in offer.prices:
            if not request.menu and request.currency in ("", currency):
                touched.wallet(request.member, currency, price)
        _touch_offer(offer, asked, name, rules, touched)

    def decide(self, book: Book, asked: RedemptionAsked) -> rewards_pb2.RedeemRewardResponse:
        request = asked.request
        name, content = redemption_id(request.idempotency_key), digest(request)
        if (known := book.row(REDEMPTIONS, name)) is not None:
            if known.digest != content:
                raise IdempotencyConflict(f"The key {request.idempotency_key!r} was used for another redemption.")
            return rewards_pb2.RedeemRewardResponse(redemption=known.shown())
        member, offer = book.member(request.member), book.rules.catalogue.offers.get(request.reward)
        book.check_guardian(request.member)
        if offer is None:
            raise UnknownReward(request.reward)
        price = _price(book, asked, offer)
        if (refused := rewards.refusal(offer, member, asked.at, book.rules.zone, _count(book))) is not None:
            raise refused
        code = codes.next_code(book, offer, asked.characters)
        if price is not None:
            ledger.check_debit(book.wallet(request.member, price[0]), price[1], floor=0)
        _check_cashback(book, request.member, offer)
        redemption = _made(book, asked, offer, name, price or ("", 0), code, content)
        return rewards_pb2.RedeemRewardResponse(redemption=redemption.shown())


def touch_given(given: RewardGiven, rules: PointsRules, touched: Touched) -> None:
    """What giving a reward touches; its member is the caller's to touch."""
    if (offer := rules.catalogue.offers.get(given.reward)) is not None:
        _touch_offer(offer, given.asked(), given.redemption, rules, touched)


def give(book: Book, given: RewardGiven) -> Redemption:
    """Issues a reward without a price: its window, limits, stock and codes hold, its tiers and condition do not.

    Raises a DomainError.
    """
    asked = given.asked()
    member, offer = book.member(given.member), book.rules.catalogue.offers.get(given.reward)
    if offer is None:
        raise UnknownReward(given.reward)
    refused = rewards.refusal(offer, member, given.at, book.rules.zone, _count(book), granted=True)
    if refused is not None:
        raise refused
    code = codes.next_code(book, offer, given.characters)
    _check_cashback(book, given.member, offer)
    return _made(book, asked, offer, given.redemption, ("", 0), code, digest(asked.request))


def _touch_offer(offer: Offer, asked: RedemptionAsked, name: str, rules: PointsRules, touched: Touched) -> None:
    """What a redemption takes and gives besides its price."""
    for key in _counters(offer, asked, rules):
        counters.touch(touched, *key)
    codes.touch_code(offer, name, asked.characters, touched)
    if offer.reward.kind == pb.REWARD_KIND_CASHBACK:
        touched.wallet(asked.request.member, offer.reward.cashback.currency)
    if offer.reward.kind == pb.REWARD_KIND_BOOSTER:
        touched.row(BOOSTERS, asked.request.member)


def _check_cashback(book: Book, member: str, offer: Offer) -> None:
    """Raises BalanceTooHigh, UnknownCurrency."""
    cashback = offer.reward.cashback
    if cashback.amount:
        book.check_issue(book.wallet(member, cashback.currency), cashback.amount)


def _made(
    book: Book, asked: RedemptionAsked, offer: Offer, name: str, price: rewards.Price, code: str, content: bytes
) -> Redemption:
    """The redemption, with all that it takes and gives. Everything was checked."""
    request, cashback = asked.request, offer.reward.cashback
    redemption = Redemption(
        redemption=name,
        member=request.member,
        reward=request.reward,
        kind=offer.reward.kind or pb.REWARD_KIND_PHYSICAL,
        state=rewards.RESERVED if offer.is_reserved_first else rewards.ISSUED,
        currency=price[0],
        price=price[1],
        code=code,
        menu=request.menu,
        reference=request.reference,
        digest=content,
        parts=[],
        counted=list(_counters(offer, asked, book.rules)),
        credited_currency=cashback.currency,
        credited=cashback.amount,
        redeemed_at=asked.at,
        changed_at=asked.at,
        expires_at=rewards.expiry_of(offer.reward, asked.at),
        programme_version=book.version,
        is_new=True,
    )
    _take(book, offer, redemption)
    _tell(book, redemption)
    return redemption


class EndOrFulfil(Operation):
    """Redemptions that are fulfilled, cancelled, or expire."""

    requests = (Fulfil, Cancel, DueRedemptions)

    async def find(
        self, connection: asyncpg.Connection, brand: str, rules: PointsRules, requests: Sequence[Any]
    ) -> dict[str, Redemption]:
        return await store.redemptions(connection, brand, sorted({name for r in requests for name in _named(r)}))

    def touch(self, request: Any, found: dict[str, Redemption], rules: PointsRules, touched: Touched) -> None:
        for name in _named(request):
            if (redemption := found.get(name)) is None:
                continue
            touched.row(REDEMPTIONS, name)
            touched.members.add(redemption.member)
            if redemption.price:
                touched.wallet(redemption.member, redemption.currency)
            if isinstance(request, Fulfil):
                continue
            if redemption.credited:
                touched.wallet(redemption.member, redemption.credited_currency, redemption.credited)
            for key in redemption.counted:
                counters.touch(touched, *key)
            if redemption.code:
                touched.row(CODES, redemption.code)
            if redemption.kind == pb.REWARD_KIND_BOOSTER:
                touched.row(BOOSTERS, redemption.member)

    def decide(self, book: Book, request: Any) -> Any:
        match request:
            case Fulfil():
                return rewards_pb2.FulfilRedemptionResponse(redemption=self._fulfil(book, request).shown())
            case Cancel():
                return rewards_pb2.CancelRedemptionResponse(redemption=self._cancel(book, request).shown())
        return self._due(book, request)

    def _fulfil(self, book: Book, request: Fulfil) -> Redemption:
        redemption = _own(book, request)
        if redemption.state in (rewards.CANCELLED, rewards.EXPIRED):
            raise RedemptionEnded(redemption)
        if redemption.state != rewards.FULFILLED:
            _move(book, redemption, rewards.FULFILLED, book.now)
        return redemption

    def _cancel(self, book: Book, request: Cancel) -> Redemption:
        redemption = _own(book, request)
        if redemption.state == rewards.CANCELLED:
            return redemption
        if redemption.state not in (rewards.RESERVED, rewards.ISSUED):
            raise RedemptionEnded(redemption)
        if request.by_member:
            offer = book.rules.catalogue.offers.get(redemption.reward)
            lets = offer is not None and offer.reward.member_may_cancel
            if redemption.state != rewards.RESERVED or not lets:
                raise NotCancellable
        _check_give_back(book, redemption)
        _give_back(book, redemption, rewards.CANCELLED, book.now)
        return redemption

    def _due(self, book: Book, request: DueRedemptions) -> int:
        done = 0
        for name in request.redemptions:
            redemption = book.row(REDEMPTIONS, name)
            if redemption is None or redemption.state != rewards.RESERVED:
                continue
            if redemption.expires_at is None or redemption.expires_at > request.until:
                continue
            _give_back(book, redemption, rewards.EXPIRED, redemption.expires_at)
            done += 1
        return done


def _price(book: Book, asked: RedemptionAsked, offer: Offer) -> rewards.Price | None:
    """What is to be paid; None for what is free or chosen from a menu. Raises a DomainError."""
    request = asked.request
    if not request.menu:
        price = rewards.price_of(offer, request.currency)
        if price is not None:
            book.spendable(price[0])
        return price
    menu = book.rules.catalogue.menus.get(request.menu)
    if menu is None:
        raise UnknownMenu(request.menu)
    member, zone = book.member(request.member), book.rules.zone
    refused = rewards.menu_refusal(menu, request.reward, member, asked.at, zone, _count(book))
    if refused is not None:
        raise refused
    return None


def _counters(offer: Offer, asked: RedemptionAsked, rules: PointsRules) -> Iterator[CounterKey]:
    """The counters that a redemption raises: of the stock, of the member's limits, of the menu."""
    member = asked.request.member
    yield offer.stock_counter
    for key, _ in offer.limit_counters(member, asked.at, rules.zone):
        yield key
    if (menu := rules.catalogue.menus.get(asked.request.menu)) is not None:
        yield from rewards.menu_counters(menu, asked.request.reward, member, asked.at, rules.zone)


def _count(book: Book) -> rewards.Count:
    return lambda key: counters.value(book, *key)


def _take(book: Book, offer: Offer, redemption: Redemption) -> None:
    """Takes what a redemption takes, and gives what is given at once. Everything was checked."""
    at, member = redemption.redeemed_at, redemption.member
    if redemption.price:
        entry = book.move(
            book.wallet(member, redemption.currency),
            book.accounts[PROGRAMME, redemption.currency, REDEEMED],
            redemption.price,
            key=f"redeem:{redemption.redemption}",
            kind=points_pb2.ENTRY_KIND_REDEMPTION,
            reference=redemption.reward,
            occurred_at=at,
            digest=redemption.digest,
        )
        redemption.parts = entry.lots
        book.tell_debit(member, redemption.currency, redemption.price, redemption.reward, at)
    for key in redemption.counted:
        counters.add(book, *key, by=1)
    if redemption.code:
        codes.issue(book, offer, redemption.code, redemption.redemption)
    if redemption.credited:
        book.issue(
            book.wallet(member, redemption.credited_currency),
            redemption.credited,
            key=f"cashback:{redemption.redemption}",
            kind=points_pb2.ENTRY_KIND_REDEMPTION,
            reference=redemption.reward,
            occurred_at=at,
        )
        book.tell_credit(
            member,
            redemption.credited_currency,
            redemption.credited,
            points_pb2.ENTRY_KIND_REDEMPTION,
            redemption.reward,
            at,
        )
        book.move_tier(book.members[member], at)
    if redemption.kind == pb.REWARD_KIND_BOOSTER and redemption.expires_at is not None:
        booster = offer.reward.booster
        begun = Booster(redemption.redemption, booster.percent, list(booster.currencies), at, redemption.expires_at)
        boosters.begin(book, member, begun)
    book.put(REDEMPTIONS, redemption.redemption, redemption)


def _check_give_back(book: Book, redemption: Redemption) -> None:
    """Raises InsufficientPoints when cashback was spent, BalanceTooHigh."""
    if redemption.credited:
        ledger.check_debit(book.wallet(redemption.member, redemption.credited_currency), redemption.credited, floor=0)
    if redemption.price:
        ledger.check_credit(book.wallet(redemption.member, redemption.currency), redemption.price)


def _give_back(book: Book, redemption: Redemption, state: int, at: datetime) -> None:
    """Ends a redemption: points to their lots, counts down, its code void, its booster over."""
    member = redemption.member
    if redemption.price:
        book.move(
            book.accounts[PROGRAMME, redemption.currency, REDEEMED],
            book.wallet(member, redemption.currency),
            redemption.price,
            key=f"unredeem:{redemption.redemption}",
            kind=points_pb2.ENTRY_KIND_REDEMPTION_CANCELLED,
            reference=redemption.reward,
            occurred_at=at,
            given=redemption.parts,
        )
    for key in redemption.counted:
        counters.add(book, *key, by=-1)
    if redemption.code:
        codes.void(book, redemption.code)
    if redemption.credited:
        wallet = book.wallet(member, redemption.credited_currency)
        wallet.earned -= redemption.credited
        book.move(
            wallet,
            book.accounts[PROGRAMME, redemption.credited_currency, ISSUED],
            redemption.credited,
            key=f"uncashback:{redemption.redemption}",
            kind=points_pb2.ENTRY_KIND_REDEMPTION_CANCELLED,
            reference=redemption.reward,
            occurred_at=at,
        )
        book.tell_debit(member, redemption.credited_currency, redemption.credited, redemption.reward, at)
        if (state_of := book.members.get(member)) is not None:
            book.move_tier(state_of, at)
    if redemption.kind == pb.REWARD_KIND_BOOSTER:
        boosters.end(book, member, redemption.redemption, at)
    _move(book, redemption, state, at)


def _move(book: Book, redemption: Redemption, state: int, at: datetime) -> None:
    redemption.state, redemption.changed_at = state, at
    book.put(REDEMPTIONS, redemption.redemption, redemption)
    _tell(book, redemption)


def _own(book: Book, request: Fulfil | Cancel) -> Redemption:
    """A redemption of the member who is named; another's is like none."""
    redemption = book.row(REDEMPTIONS, request.redemption)
    if redemption is None or redemption.member != request.member:
        raise UnknownRedemption(request.redemption)
    return redemption


def _tell(book: Book, redemption: Redemption) -> None:
    """Says what became of a redemption.

    What goes back is no PointsCredited: boards count those, and who redeems
    and cancels would climb.
    """
    wallet = book.accounts.get((redemption.member, redemption.currency, AVAILABLE))
    told = rewards_events_pb2.RedemptionChanged(
        redemption=redemption.shown(code=False),
        member=redemption.member,
        occurred_at=redemption.changed_at,
        balance=wallet.balance if wallet is not None else 0,
    )
    book.tell(redemption.member, told)


def _named(request: Any) -> Sequence[str]:
    return request.redemptions if isinstance(request, DueRedemptions) else (request.redemption,)
