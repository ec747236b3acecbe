"""What a programme says of earning besides its rules, checked and compiled: terms, limits, multipliers, refunds."""

from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

from chassis.conditions import INTEGER
from laurels.points.v1 import programme_earning_pb2 as pb
from laurels.points.v1.programme_pb2 import EarningRule, PointsProgramme
from laurels.programme.v1.programme_pb2 import ATTRIBUTE_KIND_INTEGER, ATTRIBUTE_KIND_TEXT
from services.activity import ActivitySchema
from services.points.earning import ALWAYS, Limit, Multiplier, Terms, TypeRules
from services.programme import IDENTIFIER, Problems

MULTIPLIERS_MAX, REFUNDS_MAX, CAPS_MAX, PERCENT_MAX, PRIORITY_MAX = 100, 100, 8, 100_000, 1_000_000
EARNING_VARIABLES = {"activity.hour": INTEGER, "activity.weekday": INTEGER}
_SCOPES = {pb.CAP_SCOPE_UNSPECIFIED: False, pb.CAP_SCOPE_MEMBER: False, pb.CAP_SCOPE_PROGRAMME: True}
_KINDS: Mapping[int, str] = {ATTRIBUTE_KIND_INTEGER: "integer", ATTRIBUTE_KIND_TEXT: "text"}


def terms_of(where: str, item: EarningRule | pb.Multiplier, zone: ZoneInfo, problems: Problems) -> Terms:
    """When a rule or a multiplier counts and what it excludes."""
    since, until = problems.window(where, item, zone)
    if item.group and not IDENTIFIER.fullmatch(item.group):
        problems.add(f"{where}.group", f"{item.group!r} is not 1 to 64 characters of A-Z a-z 0-9 _ -")
    problems.bounded(f"{where}.priority", item.priority, -PRIORITY_MAX, PRIORITY_MAX)
    exclusive = item.stacking == pb.STACKING_EXCLUSIVE
    if item.stacking not in pb.Stacking.values():
        problems.add(f"{where}.stacking", "is neither additive nor exclusive")
    elif exclusive and not item.group:
        problems.add(f"{where}.group", "is required where stacking is exclusive")
    found_terms = Terms(since, until, item.group if exclusive else "", item.priority if exclusive else 0)
    return ALWAYS if found_terms == ALWAYS else found_terms


def limits_of(where: str, rule: EarningRule, problems: Problems) -> list[Limit]:
    """The caps of a rule, and its budget."""
    if len(rule.caps) > CAPS_MAX:
        problems.add(f"{where}.caps", f"has {len(rule.caps)} items, more than {CAPS_MAX}")
    found: dict[tuple[bool, int], Limit] = {}
    for place, cap in enumerate(rule.caps):
        spot = f"{where}.caps[{place}]"
        problems.bounded(f"{spot}.amount", cap.amount, 1)
        shared = _SCOPES.get(cap.scope)
        if shared is None:
            problems.add(f"{spot}.scope", "is neither member nor programme")
        elif cap.period not in pb.CapPeriod.values() or not cap.period:
            problems.add(f"{spot}.period", "is required: day, week, month or ever")
        elif (shared, cap.period) in found:
            problems.add(spot, "is for a scope and period that a cap before it is for")
        else:
            found[shared, cap.period] = Limit(cap.amount, cap.period, shared)
    problems.bounded(f"{where}.budget", rule.budget, 0)
    if rule.budget > 0:
        if (True, pb.CAP_PERIOD_EVER) in found:
            problems.add(f"{where}.budget", "is the programme's cap for ever already")
        found[True, pb.CAP_PERIOD_EVER] = Limit(rule.budget, pb.CAP_PERIOD_EVER, shared=True, is_budget=True)
    return list(found.values())


def compile_multipliers(
    points: PointsProgramme,
    rules: Mapping[str, TypeRules],
    schemas: Mapping[str, ActivitySchema],
    currencies: Sequence[str],
    zone: ZoneInfo,
    problems: Problems,
) -> None:
    """Adds each multiplier to the rules of the types that it looks at."""
    if len(points.multipliers) > MULTIPLIERS_MAX:
        problems.add("points.multipliers", f"has {len(points.multipliers)} items, more than {MULTIPLIERS_MAX}")
    seen: set[str] = set()
    for place, item in enumerate(points.multipliers):
        where = f"points.multipliers[{place}]"
        problems.identifier(f"{where}.id", item.id, seen)
        seen.add(item.id)
        problems.bounded(f"{where}.percent", item.percent, 1, PERCENT_MAX)
        for number, currency in enumerate(item.currencies):
            problems.reference(f"{where}.currencies[{number}]", currency, currencies, "currency")
        compiled = Multiplier(item.id, frozenset(item.currencies), item.percent, terms_of(where, item, zone, problems))
        types = [item.activity_type] if item.activity_type else sorted(rules)
        if item.activity_type:
            known = problems.reference(f"{where}.activity_type", item.activity_type, schemas, "activity type")
            types = types if known else []
        for of in types:
            # One that is wrong for several types is reported once.
            if problems.condition(f"{where}.condition", schemas[of], item.condition) is None:
                break
            if of in rules:
                rules[of].multiply(compiled, item.condition)


def compile_refunds(
    points: PointsProgramme, schemas: Mapping[str, ActivitySchema], problems: Problems
) -> dict[str, pb.RefundRule]:
    """The refund rules by the activity type that is a refund."""
    if len(points.refunds) > REFUNDS_MAX:
        problems.add("points.refunds", f"has {len(points.refunds)} items, more than {REFUNDS_MAX}")
    found: dict[str, pb.RefundRule] = {}
    of_purchase: dict[str, pb.RefundRule] = {}
    for place, rule in enumerate(points.refunds):
        where = f"points.refunds[{place}]"
        if rule.policy not in pb.RefundPolicy.values():
            problems.add(f"{where}.policy", "is none of pending_only, down_to_zero, into_negative")
        if rule.activity_type in found:
            problems.add(f"{where}.activity_type", f"{rule.activity_type!r} has a refund rule before it")
            continue
        # One that arrives before its purchase is settled by the purchase's type alone.
        other = of_purchase.setdefault(rule.purchase_type, rule)
        if (other.total, other.policy) != (rule.total, rule.policy):
            problems.add(where, "differs in its total or policy from a rule before it for that purchase type")
        own = problems.reference(f"{where}.activity_type", rule.activity_type, schemas, "activity type")
        if problems.reference(f"{where}.purchase_type", rule.purchase_type, schemas, "activity type"):
            _check(f"{where}.total", schemas[rule.purchase_type], rule.total, ATTRIBUTE_KIND_INTEGER, problems)
        if own:
            if rule.activity_type == rule.purchase_type:
                problems.add(f"{where}.purchase_type", "is the type that is the refund")
            schema = schemas[rule.activity_type]
            _check(f"{where}.purchase", schema, rule.purchase, ATTRIBUTE_KIND_TEXT, problems)
            _check(f"{where}.amount", schema, rule.amount, ATTRIBUTE_KIND_INTEGER, problems)
            found[rule.activity_type] = rule
    return found


def _check(where: str, schema: ActivitySchema, name: str, kind: int, problems: Problems) -> None:
    declared = schema.attributes.get(name)
    if declared is None or declared.kind != kind or not declared.required:
        problems.add(where, f"{name!r} is not a required attribute of kind {_KINDS[kind]} of {schema.type!r}")
