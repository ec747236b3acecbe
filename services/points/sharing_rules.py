"""The sections of a programme on groups, gifts and referrals, checked and compiled."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from laurels.points.v1 import programme_groups_pb2 as pb
from services.activity import ActivitySchema, Expressions
from services.programme import Problems

KINDS_MAX, MEMBERS_MAX, ALLOWANCES_MAX, CURRENCIES_MAX = 16, 1_000, 16, 32
DAYS_MAX = 3_650
CODE_LENGTH, CODE_LENGTH_MIN, CODE_LENGTH_MAX = 8, 6, 16

Limit = tuple[int, int]
"""So much within a period (`pb.AllowancePeriod`)."""


@dataclass(slots=True)
class KindRules:
    """A kind of groups."""

    members_max: int
    distribution: int
    pooled: dict[str, int] = field(default_factory=dict)
    rights: dict[int, pb.GroupRoleRights] = field(default_factory=dict)
    limits: dict[tuple[int, str], list[Limit]] = field(default_factory=dict)

    def may(self, role: int, right: str) -> bool:
        """Whether a role has a right, such as `may_invite`; the owner has all."""
        if role == pb.GROUP_ROLE_OWNER:
            return True
        rights = self.rights.get(role)
        return rights is not None and bool(getattr(rights, right))


NO_KIND = KindRules(0, pb.GROUP_DISTRIBUTION_OWNER)


@dataclass(slots=True)
class GroupRules:
    """All kinds of groups."""

    kinds: dict[str, KindRules] = field(default_factory=dict)
    pooled: frozenset[str] = frozenset()
    periods: dict[str, set[int]] = field(default_factory=dict)

    def kind(self, kind: str) -> KindRules:
        """A kind; one that pools nothing and lets nobody in where there is none."""
        return self.kinds.get(kind, NO_KIND)


@dataclass(slots=True)
class GiftRules:
    """What members may give."""

    currencies: dict[str, pb.GiftCurrency] = field(default_factory=dict)
    cooling: timedelta = timedelta()


@dataclass(slots=True)
class ReferralRules:
    """How members are rewarded for members."""

    terms: pb.ReferralProgramme
    window: timedelta
    caps: list[Limit]
    condition: Expressions
    code_length: int


def compile_groups(
    section: pb.GroupsProgramme, currencies: Collection[str], spendable: Collection[str], problems: Problems
) -> GroupRules:
    """The kinds of groups."""
    rules = GroupRules()
    problems.items("points.groups.kinds", section.kinds, KINDS_MAX)
    for place, kind in enumerate(section.kinds):
        where = f"points.groups.kinds[{place}]"
        problems.bounded(f"{where}.members_max", kind.members_max, 1, MEMBERS_MAX)
        found = KindRules(kind.members_max, kind.distribution)
        for number, share in enumerate(kind.pooled):
            spot = f"{where}.pooled[{number}]"
            _currency(f"{spot}.currency", share.currency, currencies, spendable, found.pooled, problems)
            problems.bounded(f"{spot}.percent", share.percent, 1, 100)
            found.pooled[share.currency] = share.percent
        for number, rights in enumerate(kind.roles):
            _compile_role(f"{where}.roles[{number}]", rights, found, currencies, spendable, problems)
        for (_, currency), limits in found.limits.items():
            rules.periods.setdefault(currency, set()).update(per for _, per in limits)
        rules.kinds[kind.id] = found
    rules.pooled = frozenset(currency for kind in rules.kinds.values() for currency in kind.pooled)
    return rules


def _compile_role(
    where: str,
    rights: pb.GroupRoleRights,
    found: KindRules,
    currencies: Collection[str],
    spendable: Collection[str],
    problems: Problems,
) -> None:
    if rights.role == pb.GROUP_ROLE_UNSPECIFIED:
        problems.add(f"{where}.role", "is required: owner, manager or member")
    elif rights.role in found.rights:
        problems.add(f"{where}.role", "is listed twice")
    found.rights[rights.role] = rights
    if len(rights.limits) > ALLOWANCES_MAX:
        problems.add(f"{where}.limits", f"has {len(rights.limits)} items, more than {ALLOWANCES_MAX}")
    for number, limit in enumerate(rights.limits):
        spot = f"{where}.limits[{number}]"
        _currency(f"{spot}.currency", limit.currency, currencies, spendable, (), problems)
        (allowed,) = _allowances([limit.allowance], f"{spot}.allowance", problems)
        found.limits.setdefault((rights.role, limit.currency), []).append(allowed)


def compile_gifts(
    section: pb.GiftsProgramme, currencies: Collection[str], spendable: Collection[str], problems: Problems
) -> GiftRules:
    """What may be given."""
    rules = GiftRules(cooling=timedelta(days=section.cooling_days))
    problems.bounded("points.gifts.cooling_days", section.cooling_days, 0, DAYS_MAX)
    if len(section.currencies) > CURRENCIES_MAX:
        problems.add("points.gifts.currencies", f"has {len(section.currencies)} items, more than {CURRENCIES_MAX}")
    for place, bounds in enumerate(section.currencies):
        where = f"points.gifts.currencies[{place}]"
        _currency(f"{where}.currency", bounds.currency, currencies, spendable, rules.currencies, problems)
        problems.bounded(f"{where}.amount_min", bounds.amount_min, 0)
        problems.bounded(f"{where}.amount_max", bounds.amount_max, 0)
        if 0 < bounds.amount_max < bounds.amount_min:
            problems.add(f"{where}.amount_max", f"is {bounds.amount_max}, less than amount_min")
        for name in ("giving", "receiving"):
            allowed = getattr(bounds, name)
            if len(allowed) > ALLOWANCES_MAX:
                problems.add(f"{where}.{name}", f"has {len(allowed)} items, more than {ALLOWANCES_MAX}")
            _allowances(allowed, f"{where}.{name}[{{}}]", problems)
        rules.currencies[bounds.currency] = bounds
    return rules


def compile_referrals(
    section: pb.ReferralProgramme,
    currencies: Collection[str],
    schemas: Mapping[str, ActivitySchema],
    problems: Problems,
) -> ReferralRules | None:
    """How referrals are rewarded; None where something is wrong with it."""
    where = "points.referrals"
    problems.reference(f"{where}.currency", section.currency, currencies, "currency")
    problems.bounded(f"{where}.referrer_amount", section.referrer_amount, 0)
    problems.bounded(f"{where}.referee_amount", section.referee_amount, 0)
    if not section.referrer_amount and not section.referee_amount:
        problems.add(f"{where}.referrer_amount", "and referee_amount are both 0; nobody would be rewarded")
    problems.bounded(f"{where}.window_days", section.window_days, 1, DAYS_MAX)
    if section.code_length:
        problems.bounded(f"{where}.code_length", section.code_length, CODE_LENGTH_MIN, CODE_LENGTH_MAX)
    if len(section.caps) > ALLOWANCES_MAX:
        problems.add(f"{where}.caps", f"has {len(section.caps)} items, more than {ALLOWANCES_MAX}")
    caps = _allowances(section.caps, f"{where}.caps[{{}}]", problems)
    if not problems.reference(f"{where}.activity_type", section.activity_type, schemas, "activity type"):
        return None
    schema = schemas[section.activity_type]
    if problems.condition(f"{where}.condition", schema, section.condition) is None:
        return None
    condition = Expressions(schema)
    condition.add(section.condition, "1")
    window = timedelta(days=min(max(section.window_days, 1), DAYS_MAX))
    return ReferralRules(section, window, caps, condition, section.code_length or CODE_LENGTH)


def _currency(
    where: str,
    currency: str,
    currencies: Collection[str],
    spendable: Collection[str],
    taken: Iterable[str],
    problems: Problems,
) -> None:
    """A currency that members spend, named once."""
    if not problems.reference(where, currency, currencies, "currency"):
        return
    if currency not in spendable:
        problems.add(where, f"{currency!r} is counted, not spent")
    if currency in taken:
        problems.add(where, f"{currency!r} is listed twice")


def _allowances(allowed: Iterable[pb.Allowance], where: str, problems: Problems) -> list[Limit]:
    """Limits, of which the problems are told by place within `where`, a pattern with one number."""
    found = []
    for number, allowance in enumerate(allowed):
        spot = where.format(number)
        problems.bounded(f"{spot}.amount", allowance.amount, 0)
        if allowance.per == pb.ALLOWANCE_PERIOD_UNSPECIFIED:
            problems.add(f"{spot}.per", "is required: day, week, month or ever")
        found.append((allowance.amount, int(allowance.per)))
    return found
