"""The points section of a programme, checked and compiled."""

import contextlib
import re
from dataclasses import dataclass, field
from datetime import date
from zoneinfo import ZoneInfo

from chassis.conditions import FLAG, TEXTS
from laurels.points.v1 import programme_earning_pb2
from laurels.points.v1 import programme_pb2 as pb
from laurels.points.v1.programme_tiers_pb2 import TierSubscription
from laurels.programme.v1.programme_pb2 import ATTRIBUTE_KIND_TEXT, ATTRIBUTE_KIND_UNSPECIFIED, Programme
from services.activity import ATTRIBUTE_NAME, MEMBER_VARIABLES, ActivitySchema
from services.points.attributes import PREFIX, MemberSchema, compile_members
from services.points.earning import TypeRules
from services.points.programme_earning import (
    EARNING_VARIABLES,
    compile_multipliers,
    compile_refunds,
    limits_of,
    terms_of,
)
from services.points.rewards import Catalogue, compile_catalogue
from services.points.sharing_rules import (
    GiftRules,
    GroupRules,
    ReferralRules,
    compile_gifts,
    compile_groups,
    compile_referrals,
)
from services.points.tier_ladder import Ladder
from services.points.tier_programme import (
    TierCounts,
    benefit_variables,
    compile_counts,
    compile_ladder,
    compile_subscriptions,
    flags_of,
)
from services.programme import Problems, schemas

TYPES_MAX, ATTRIBUTES_MAX, CURRENCIES_MAX, RULES_MAX, TIERS_MAX, REWARDS_MAX = 256, 64, 32, 1_000, 32, 10_000
TYPE_NAME = re.compile(r"[a-z0-9_]{1,64}")
ISO_CURRENCY = re.compile(r"[A-Z]{3}")
EXPIRY_BOUNDS = {
    "days": (1, 36_500),
    "months": (1, 1_200),
    "end_of_month_after": (0, 1_200),
    "end_of_year_after": (0, 100),
    "inactive_days": (1, 36_500),
}
PENDING_BOUNDS = {"days": (1, 3_650), "hours": (1, 87_600)}
VARIABLES = {**MEMBER_VARIABLES, "member.is_first_activity": FLAG, "member.segments": TEXTS, **EARNING_VARIABLES}


@dataclass(slots=True)
class PointsRules:
    """A programme as the points service uses it."""

    programme: Programme
    schemas: dict[str, ActivitySchema] = field(default_factory=dict)
    rules: dict[str, TypeRules] = field(default_factory=dict)
    currencies: list[str] = field(default_factory=list)
    tier_currency: str = ""
    tiers: list[str] = field(default_factory=list)
    thresholds: list[int] = field(default_factory=list)
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    expiries: dict[str, pb.Expiry] = field(default_factory=dict)
    spendable: frozenset[str] = frozenset()
    floors: dict[str, int] = field(default_factory=dict)
    pending: dict[str, pb.PendingPolicy] = field(default_factory=dict)
    releasing: dict[str, str] = field(default_factory=dict)
    refunds: dict[str, programme_earning_pb2.RefundRule] = field(default_factory=dict)
    refunded: dict[str, programme_earning_pb2.RefundRule] = field(default_factory=dict)
    ladder: Ladder = field(default_factory=Ladder)
    tier_counts: dict[str, TierCounts] = field(default_factory=dict)
    tier_flags: dict[str, dict[str, bool]] = field(default_factory=dict)
    subscriptions: dict[str, TierSubscription] = field(default_factory=dict)
    subscription_types: frozenset[str] = frozenset()
    catalogue: Catalogue = field(default_factory=Catalogue)
    groups: GroupRules = field(default_factory=GroupRules)
    gifts: GiftRules = field(default_factory=GiftRules)
    referral: ReferralRules | None = None
    shares: bool = False
    """Whether what members earn causes anything besides: shares of groups, rewards of referrals."""
    members: MemberSchema = field(default_factory=MemberSchema)
    reads_members: set[str] = field(default_factory=set)

    @property
    def enrols_on_first_activity(self) -> bool:
        return self.programme.points.enrolment != pb.ENROLMENT_POLICY_EXPLICIT

    def floor(self, currency: str) -> int:
        """How low a member's available balance may be."""
        return self.floors.get(currency, 0)


def compile_document(document: bytes) -> PointsRules:
    """A recorded programme, compiled; what was recorded had no problems."""
    return compile_programme(Programme.FromString(document), Problems())


def compile_programme(programme: Programme, problems: Problems) -> PointsRules:
    """Compiles what is right and reports what is not."""
    _check_frame(programme, problems)
    points = programme.points
    members = compile_members(points, problems)
    variables = {**VARIABLES, **benefit_variables(programme), **members.variables}
    rules = PointsRules(programme, schemas(programme, variables), members=members)
    rules.currencies = list(problems.items("points.currencies", points.currencies, CURRENCIES_MAX))
    _compile_currencies(rules, problems)
    problems.items("points.rewards", points.rewards, REWARDS_MAX)
    _compile_rules(rules, problems)
    _compile_tiers(rules, problems)
    compile_multipliers(programme.points, rules.rules, rules.schemas, rules.currencies, rules.zone, problems)
    rules.refunds = compile_refunds(programme.points, rules.schemas, problems)
    rules.refunded = {rule.purchase_type: rule for rule in rules.refunds.values()}
    rules.catalogue = compile_catalogue(rules, problems)
    rules.groups = compile_groups(points.groups, rules.currencies, rules.spendable, problems)
    rules.gifts = compile_gifts(points.gifts, rules.currencies, rules.spendable, problems)
    if points.HasField("referrals"):
        rules.referral = compile_referrals(points.referrals, rules.currencies, rules.schemas, problems)
    rules.shares = bool(rules.groups.pooled) or rules.referral is not None
    return rules


def _check_frame(programme: Programme, problems: Problems) -> None:
    """What belongs to no one section: the name, the zone and the activity types."""
    problems.name("name", programme.name)
    try:
        ZoneInfo(programme.time_zone or "UTC")
    except (KeyError, ValueError, OSError):
        problems.add("time_zone", f"{programme.time_zone!r} is not an IANA time zone, such as Europe/Berlin")
    if len(programme.activity_types) > TYPES_MAX:
        problems.add("activity_types", f"has {len(programme.activity_types)} items, more than {TYPES_MAX}")
    seen: set[str] = set()
    for place, declared in enumerate(programme.activity_types):
        where = f"activity_types[{place}]"
        if not TYPE_NAME.fullmatch(declared.type):
            problems.add(f"{where}.type", f"{declared.type!r} is not 1 to 64 characters of a-z 0-9 _")
        if declared.type in seen:
            problems.add(f"{where}.type", f"{declared.type!r} is declared twice")
        seen.add(declared.type)
        if len(declared.attributes) > ATTRIBUTES_MAX:
            problems.add(f"{where}.attributes", f"has {len(declared.attributes)} items, more than {ATTRIBUTES_MAX}")
        names: set[str] = set()
        for number, attribute in enumerate(declared.attributes):
            spot = f"{where}.attributes[{number}]"
            if not ATTRIBUTE_NAME.fullmatch(attribute.name):
                problems.add(f"{spot}.name", f"{attribute.name!r} is not 1 to 64 of a-z 0-9 _, no digit first")
            if attribute.name in names:
                problems.add(f"{spot}.name", f"{attribute.name!r} is declared twice")
            names.add(attribute.name)
            if attribute.kind == ATTRIBUTE_KIND_UNSPECIFIED:
                problems.add(f"{spot}.kind", "is required: integer, number, text or flag")


def _compile_currencies(rules: PointsRules, problems: Problems) -> None:
    programme = rules.programme
    with contextlib.suppress(KeyError, ValueError, OSError):
        rules.zone = ZoneInfo(programme.time_zone or "UTC")
    spendable = set()
    for place, currency in enumerate(programme.points.currencies):
        where = f"points.currencies[{place}]"
        if currency.purpose not in (pb.CURRENCY_PURPOSE_STATUS, pb.CURRENCY_PURPOSE_EXPERIENCE):
            spendable.add(currency.id)
        is_cashback = currency.purpose == pb.CURRENCY_PURPOSE_CASHBACK
        if is_cashback and not ISO_CURRENCY.fullmatch(currency.iso_currency):
            problems.add(f"{where}.iso_currency", "is required for cashback: three letters, such as EUR")
        if currency.iso_currency and not is_cashback:
            problems.add(f"{where}.iso_currency", "is for the purpose cashback only")
        problems.bounded(f"{where}.overdraft_max", currency.overdraft_max, 0)
        rules.floors[currency.id] = -currency.overdraft_max
        if currency.HasField("expiry"):
            _check_expiry(f"{where}.expiry", currency.expiry, problems)
            rules.expiries[currency.id] = currency.expiry
    rules.spendable = frozenset(spendable)


def _check_expiry(where: str, expiry: pb.Expiry, problems: Problems) -> None:
    rule = expiry.WhichOneof("rule")
    if rule is None:
        problems.add(where, f"has no rule: one of {', '.join(EXPIRY_BOUNDS)}, date")
    elif rule == "date":
        try:
            date.fromisoformat(expiry.date)
        except ValueError:
            problems.add(f"{where}.date", f"{expiry.date!r} is not a date such as 2027-12-31")
    else:
        problems.bounded(f"{where}.{rule}", getattr(expiry, rule), *EXPIRY_BOUNDS[rule])
    problems.bounded(f"{where}.warning_days", expiry.warning_days, 0, 365)


def _check_pending(where: str, policy: pb.PendingPolicy, rules: PointsRules, problems: Problems) -> None:
    rule = policy.WhichOneof("rule")
    if rule is None:
        problems.add(where, "has no rule: one of days, hours, until_activity, until_approved")
    elif rule in PENDING_BOUNDS:
        problems.bounded(f"{where}.{rule}", getattr(policy, rule), *PENDING_BOUNDS[rule])
    elif policy.rounding:
        problems.add(f"{where}.rounding", "is for days and hours only")
    if rule != "until_activity":
        return
    until = policy.until_activity
    spot = f"{where}.until_activity"
    if not problems.reference(f"{spot}.activity_type", until.activity_type, rules.schemas, "activity type"):
        return
    declared = rules.schemas[until.activity_type].attributes.get(until.attribute)
    if declared is None or declared.kind != ATTRIBUTE_KIND_TEXT:
        problems.add(f"{spot}.attribute", f"{until.attribute!r} is not an attribute of kind text of that type")
    elif rules.releasing.setdefault(until.activity_type, until.attribute) != until.attribute:
        problems.add(f"{spot}.attribute", "differs from the one that another rule reads of the same type")


def _compile_rules(rules: PointsRules, problems: Problems) -> None:
    earning_rules = rules.programme.points.earning_rules
    if len(earning_rules) > RULES_MAX:
        problems.add("points.earning_rules", f"has {len(earning_rules)} items, more than {RULES_MAX}")
    seen: set[str] = set()
    for place, rule in enumerate(earning_rules):
        where = f"points.earning_rules[{place}]"
        problems.identifier(f"{where}.id", rule.id, seen)
        seen.add(rule.id)
        problems.reference(f"{where}.currency", rule.currency, rules.currencies, "currency")
        if not problems.reference(f"{where}.activity_type", rule.activity_type, rules.schemas, "activity type"):
            continue
        schema = rules.schemas[rule.activity_type]
        if rule.HasField("pending"):
            _check_pending(f"{where}.pending", rule.pending, rules, problems)
            rules.pending[rule.id] = rule.pending
        condition = problems.condition(f"{where}.condition", schema, rule.condition)
        amount = problems.amount(f"{where}.amount", schema, rule.amount)
        terms, limits = terms_of(where, rule, rules.zone, problems), limits_of(where, rule, problems)
        if condition is not None and amount is not None:
            if PREFIX in rule.condition or PREFIX in rule.amount:
                rules.reads_members.add(rule.activity_type)
            of_type = rules.rules.setdefault(rule.activity_type, TypeRules(schema))
            waits = rule.HasField("pending")
            of_type.add(rule.id, rule.currency, rule.condition, rule.amount, waits=waits, terms=terms, limits=limits)


def _compile_tiers(rules: PointsRules, problems: Problems) -> None:
    ladder = rules.programme.points.tiers
    problems.items("points.tiers.levels", ladder.levels, TIERS_MAX)
    rules.subscriptions = compile_subscriptions(rules.programme.points, rules.schemas, problems)
    rules.subscription_types = frozenset(
        kind
        for subscription in rules.subscriptions.values()
        for kind in (subscription.paid_activity_type, subscription.cancelled_activity_type)
        if kind
    )
    if not ladder.levels:
        return
    rules.ladder = compile_ladder(rules.programme.points, rules.currencies, rules.zone, problems)
    rules.tier_counts = compile_counts(rules.programme, rules.schemas, problems)
    rules.tier_flags = flags_of(rules.programme)
    rules.tiers = [level.id for level in ladder.levels]
    if ladder.qualifiers:
        return
    problems.reference("points.tiers.currency", ladder.currency, rules.currencies, "currency")
    for place, level in enumerate(ladder.levels):
        if place == 0 and level.threshold != 0:
            problems.add("points.tiers.levels[0].threshold", f"is {level.threshold}; the first tier begins at 0")
        if place and level.threshold <= ladder.levels[place - 1].threshold:
            problems.add(f"points.tiers.levels[{place}].threshold", "is not above the tier's before it")
    rules.tier_currency = ladder.currency
    rules.thresholds = [level.threshold for level in ladder.levels]
