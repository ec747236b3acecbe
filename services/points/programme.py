"""The points section of a programme, checked and compiled."""

import re
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from chassis.conditions import FLAG
from laurels.points.v1 import programme_pb2 as pb
from laurels.programme.v1.programme_pb2 import ATTRIBUTE_KIND_UNSPECIFIED, Programme
from services.activity import ATTRIBUTE_NAME, MEMBER_VARIABLES, ActivitySchema
from services.points.earning import TypeRules
from services.programme import Problems, schemas

TYPES_MAX, ATTRIBUTES_MAX, CURRENCIES_MAX, RULES_MAX, TIERS_MAX, REWARDS_MAX = 256, 64, 32, 1_000, 32, 10_000
TYPE_NAME = re.compile(r"[a-z0-9_]{1,64}")
VARIABLES = {**MEMBER_VARIABLES, "member.is_first_activity": FLAG}


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

    @property
    def enrols_on_first_activity(self) -> bool:
        return self.programme.points.enrolment != pb.ENROLMENT_POLICY_EXPLICIT


def compile_document(document: bytes) -> PointsRules:
    """A recorded programme, compiled; what was recorded had no problems."""
    return compile_programme(Programme.FromString(document), Problems())


def compile_programme(programme: Programme, problems: Problems) -> PointsRules:
    """Compiles what is right and reports what is not."""
    _check_frame(programme, problems)
    points = programme.points
    rules = PointsRules(programme, schemas(programme, VARIABLES))
    rules.currencies = list(problems.items("points.currencies", points.currencies, CURRENCIES_MAX))
    problems.items("points.rewards", points.rewards, REWARDS_MAX)
    for place, reward in enumerate(points.rewards):
        where = f"points.rewards[{place}]"
        problems.reference(f"{where}.currency", reward.currency, rules.currencies, "currency")
        problems.bounded(f"{where}.price", reward.price, 1)
    _compile_rules(rules, problems)
    _compile_tiers(rules, problems)
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
        condition = problems.condition(f"{where}.condition", schema, rule.condition)
        amount = problems.amount(f"{where}.amount", schema, rule.amount)
        if condition is not None and amount is not None:
            of_type = rules.rules.setdefault(rule.activity_type, TypeRules(schema))
            of_type.add(rule.id, rule.currency, rule.condition, rule.amount)


def _compile_tiers(rules: PointsRules, problems: Problems) -> None:
    ladder = rules.programme.points.tiers
    problems.items("points.tiers.levels", ladder.levels, TIERS_MAX)
    if not ladder.levels:
        return
    problems.reference("points.tiers.currency", ladder.currency, rules.currencies, "currency")
    for place, level in enumerate(ladder.levels):
        if place == 0 and level.threshold != 0:
            problems.add("points.tiers.levels[0].threshold", f"is {level.threshold}; the first tier begins at 0")
        if place and level.threshold <= ladder.levels[place - 1].threshold:
            problems.add(f"points.tiers.levels[{place}].threshold", "is not above the tier's before it")
    rules.tier_currency = ladder.currency
    rules.tiers = [level.id for level in ladder.levels]
    rules.thresholds = [level.threshold for level in ladder.levels]
