"""The tiers and subscriptions of a programme, checked and compiled."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from chassis.conditions import FLAG
from laurels.activity.v1.activity_pb2 import Activity
from laurels.points.v1 import programme_pb2
from laurels.points.v1 import programme_tiers_pb2 as pb
from laurels.programme.v1.programme_pb2 import ATTRIBUTE_KIND_INTEGER, Programme
from services.activity import ATTRIBUTE_NAME, ActivitySchema, Expressions
from services.points.tier_ladder import ONE_STEP, Ladder, Qualifier, Window
from services.programme import Problems

QUALIFIERS_MAX, TYPES_MAX, BENEFITS_MAX, FLAGS_MAX, SUBSCRIPTIONS_MAX = 8, 16, 32, 16, 32
WINDOW_BOUNDS = {"rolling_days": (1, 3_660), "rolling_months": (1, 120)}
KEEP_BOUNDS = {"days": (1, 3_660), "months": (1, 120), "end_of_month_after": (1, 120), "end_of_year_after": (1, 10)}
PERIODS = {pb.CALENDAR_PERIOD_MONTH: 1, pb.CALENDAR_PERIOD_QUARTER: 3, pb.CALENDAR_PERIOD_YEAR: 12}
PAID_DAYS_MAX = 3_660
EARNED = "earned"
"""The qualifier of a ladder that states none: what was earned in its currency."""


class TierCounts:
    """What an activity of one type adds to the qualifiers."""

    def __init__(self, schema: ActivitySchema) -> None:
        self._qualifiers: list[str] = []
        self._expressions = Expressions(schema)

    def add(self, qualifier: str, condition: str, amount: str) -> None:
        """Adds an amount whose expressions were checked."""
        self._qualifiers.append(qualifier)
        self._expressions.add(condition, amount)

    def of(self, activity: Activity, failed: Callable[[str, str], None]) -> list[tuple[str, int]]:
        """How much it adds to which qualifier; `failed(qualifier, why)` is told of what could not be evaluated."""
        found = self._expressions.of(activity, {}, lambda place, why: failed(self._qualifiers[place], why))
        return [(name, amount) for name, amount in zip(self._qualifiers, found, strict=True) if amount]


def benefit_variables(programme: Programme) -> dict[str, Any]:
    """The flags of all benefits, as earning rules may use them."""
    return {
        f"benefit.{flag}": FLAG
        for level in programme.points.tiers.levels
        for benefit in level.benefits
        for flag in benefit.flags
        if ATTRIBUTE_NAME.fullmatch(flag)
    }


def benefits_of(programme: Programme, tier: str) -> Sequence[pb.TierBenefit]:
    """What a tier gives; nothing where there is no such tier."""
    return next((level.benefits for level in programme.points.tiers.levels if level.id == tier), ())


def flags_of(programme: Programme) -> dict[str, dict[str, bool]]:
    """By tier, the value of every benefit's flag; empty where there is none."""
    names = benefit_variables(programme)
    if not names:
        return {}
    return {
        level.id: {
            name: name in {f"benefit.{flag}" for each in level.benefits for flag in each.flags} for name in names
        }
        for level in programme.points.tiers.levels
    }


def compile_ladder(
    points: programme_pb2.PointsProgramme, currencies: Sequence[str], zone: ZoneInfo, problems: Problems
) -> Ladder:
    """The tiers as they are decided on; what is wrong with the plain ladder is reported elsewhere."""
    tiers = points.tiers
    found = Ladder(
        tiers=[level.id for level in tiers.levels],
        match=tiers.match or pb.TIER_MATCH_ALL,
        keep=tiers.keep if tiers.HasField("keep") else None,
        downgrade=tiers.downgrade or pb.TIER_DOWNGRADE_BALANCE,
        grace_days=tiers.grace_days,
        is_plain=not tiers.qualifiers and not tiers.HasField("window"),
        zone=zone,
    )
    if tiers.qualifiers:
        _check_qualifiers(points, currencies, found, problems)
        _check_requirements(points, found, problems)
    else:
        window = _window("points.tiers.window", tiers.window, problems) if tiers.HasField("window") else Window()
        found.qualifiers = [Qualifier(EARNED, "", window, tiers.currency)]
        found.requirements = [[(EARNED, level.threshold)] if place else [] for place, level in enumerate(tiers.levels)]
        for place, level in enumerate(tiers.levels):
            if level.requirements:
                problems.add(f"points.tiers.levels[{place}].requirements", "are for ladders with qualifiers")
    _check_rules(tiers, found, problems)
    for place, level in enumerate(tiers.levels):
        _check_benefits(f"points.tiers.levels[{place}].benefits", level.benefits, problems)
    return found


def _check_qualifiers(
    points: programme_pb2.PointsProgramme, currencies: Sequence[str], found: Ladder, problems: Problems
) -> None:
    tiers = points.tiers
    problems.items("points.tiers.qualifiers", tiers.qualifiers, QUALIFIERS_MAX)
    for name in ("currency", "window"):
        if tiers.currency if name == "currency" else tiers.HasField("window"):
            problems.add(f"points.tiers.{name}", "is for ladders without qualifiers")
    for place, qualifier in enumerate(tiers.qualifiers):
        where = f"points.tiers.qualifiers[{place}]"
        window = Window()
        if qualifier.HasField("window"):
            window = _window(f"{where}.window", qualifier.window, problems)
        counts = qualifier.WhichOneof("counts")
        if counts is None:
            problems.add(where, "counts nothing: one of earned, spend, activities")
        elif counts == "earned":
            problems.reference(f"{where}.earned", qualifier.earned, currencies, "currency")
        found.qualifiers.append(Qualifier(qualifier.id, qualifier.name, window, qualifier.earned))


def _check_requirements(points: programme_pb2.PointsProgramme, found: Ladder, problems: Problems) -> None:
    known = [qualifier.id for qualifier in found.qualifiers]
    before: dict[str, int] = {}
    for place, level in enumerate(points.tiers.levels):
        where = f"points.tiers.levels[{place}]"
        if level.threshold:
            problems.add(f"{where}.threshold", "is for ladders without qualifiers")
        if place == 0 and level.requirements:
            problems.add(f"{where}.requirements", "the first tier has none")
        if place and not level.requirements:
            problems.add(f"{where}.requirements", "are needed: what is demanded of which qualifier")
        amounts: dict[str, int] = {}
        for number, requirement in enumerate(level.requirements):
            spot = f"{where}.requirements[{number}]"
            problems.reference(f"{spot}.qualifier", requirement.qualifier, known, "qualifier")
            problems.bounded(f"{spot}.amount", requirement.amount, 1)
            if requirement.qualifier in amounts:
                problems.add(f"{spot}.qualifier", f"{requirement.qualifier!r} is required twice")
            if requirement.amount < before.get(requirement.qualifier, 0):
                problems.add(f"{spot}.amount", "is below what a tier before it demands")
            amounts[requirement.qualifier] = requirement.amount
        if place > 1 and amounts == {name: before.get(name) for name in amounts}:
            problems.add(f"{where}.requirements", "demand no more than the tier's before it")
        before |= amounts
        found.requirements.append([(name, least) for name, least in amounts.items() if name in known])


def _window(where: str, window: pb.TierWindow, problems: Problems) -> Window:
    kind = window.WhichOneof("kind")
    if kind is None:
        problems.add(where, "has no kind: one of rolling_days, rolling_months, calendar")
        return Window()
    if kind == "calendar":
        if window.calendar not in PERIODS:
            problems.add(f"{where}.calendar", "is not month, quarter or year")
        return Window(period=PERIODS.get(window.calendar, 12))
    size = getattr(window, kind)
    problems.bounded(f"{where}.{kind}", size, *WINDOW_BOUNDS[kind])
    return Window(days=size) if kind == "rolling_days" else Window(months=size)


def _check_rules(tiers: programme_pb2.TierLadder, found: Ladder, problems: Problems) -> None:
    problems.bounded("points.tiers.grace_days", tiers.grace_days, 0, 365)
    if tiers.HasField("keep"):
        rule = tiers.keep.WhichOneof("rule")
        if rule is None:
            problems.add("points.tiers.keep", f"has no rule: one of {', '.join(KEEP_BOUNDS)}")
        else:
            problems.bounded(f"points.tiers.keep.{rule}", getattr(tiers.keep, rule), *KEEP_BOUNDS[rule])
    if found.follows:
        stated = {
            "keep": tiers.HasField("keep"),
            "downgrade": bool(tiers.downgrade),
            "grace_days": bool(tiers.grace_days),
        }
        for name in (name for name, is_stated in stated.items() if is_stated):
            problems.add(f"points.tiers.{name}", "needs something that counts over a window")
    elif tiers.downgrade == ONE_STEP and not tiers.HasField("keep"):
        problems.add("points.tiers.downgrade", "one step needs keep: how long the lower tier is held")


def _check_benefits(where: str, benefits: Sequence[pb.TierBenefit], problems: Problems) -> None:
    problems.items(where, benefits, BENEFITS_MAX)
    for place, benefit in enumerate(benefits):
        if len(benefit.flags) > FLAGS_MAX:
            problems.add(f"{where}[{place}].flags", f"has {len(benefit.flags)} items, more than {FLAGS_MAX}")
        for number, flag in enumerate(benefit.flags):
            if not ATTRIBUTE_NAME.fullmatch(flag):
                problems.add(
                    f"{where}[{place}].flags[{number}]", f"{flag!r} is not 1 to 64 of a-z 0-9 _, no digit first"
                )


def compile_counts(
    programme: Programme, schemas: Mapping[str, ActivitySchema], problems: Problems
) -> dict[str, TierCounts]:
    """By activity type, what its activities add to the qualifiers.

    Conditions read the activity alone, so that what counts can be counted again.
    """
    plain = {
        declared.type: ActivitySchema(declared, {}) for declared in programme.activity_types if declared.type in schemas
    }
    counts: dict[str, TierCounts] = {}
    for place, qualifier in enumerate(programme.points.tiers.qualifiers):
        where = f"points.tiers.qualifiers[{place}]"
        if qualifier.WhichOneof("counts") == "spend":
            spend, spot = qualifier.spend, f"{where}.spend"
            amount = f"attributes.{spend.attribute}"
            lists = (
                (f"{spot}.activity_types", spend.activity_types, amount),
                (f"{spot}.less_activity_types", spend.less_activity_types, f"-{amount}"),
            )
            condition = spend.condition
        elif qualifier.WhichOneof("counts") == "activities":
            spot, condition = f"{where}.activities", qualifier.activities.condition
            lists = ((f"{spot}.activity_types", qualifier.activities.activity_types, "1"),)  # type: ignore[assignment]
        else:
            continue
        if not lists[0][1]:
            problems.add(lists[0][0], "is needed: what is counted")
        for field, types, source in lists:
            if len(types) > TYPES_MAX:
                problems.add(field, f"has {len(types)} items, more than {TYPES_MAX}")
            for number, kind in enumerate(types):
                if not problems.reference(f"{field}[{number}]", kind, plain, "activity type"):
                    continue
                if kind in types[:number] or (field is not lists[0][0] and kind in lists[0][1]):
                    problems.add(f"{field}[{number}]", f"{kind!r} is stated twice")
                    continue
                if qualifier.WhichOneof("counts") == "spend" and not _is_integer(
                    plain[kind], qualifier.spend.attribute
                ):
                    detail = f"{qualifier.spend.attribute!r} is not an attribute of kind integer of {kind!r}"
                    problems.add(f"{spot}.attribute", detail)
                    continue
                if problems.condition(f"{spot}.condition", plain[kind], condition) is not None:
                    counts.setdefault(kind, TierCounts(plain[kind])).add(qualifier.id, condition, source)
    return counts


def _is_integer(schema: ActivitySchema, attribute: str) -> bool:
    declared = schema.attributes.get(attribute)
    return declared is not None and declared.kind == ATTRIBUTE_KIND_INTEGER


def compile_subscriptions(
    points: programme_pb2.PointsProgramme, schemas: Mapping[str, ActivitySchema], problems: Problems
) -> dict[str, pb.TierSubscription]:
    """The subscriptions by their ids."""
    found = problems.items("points.subscriptions", points.subscriptions, SUBSCRIPTIONS_MAX)
    for place, subscription in enumerate(points.subscriptions):
        where = f"points.subscriptions[{place}]"
        problems.reference(f"{where}.tier", subscription.tier, [level.id for level in points.tiers.levels], "tier")
        for name in ("paid_activity_type", "cancelled_activity_type"):
            if kind := getattr(subscription, name):
                problems.reference(f"{where}.{name}", kind, schemas, "activity type")
        if subscription.paid_activity_type:
            problems.bounded(f"{where}.paid_days", subscription.paid_days, 1, PAID_DAYS_MAX)
            if subscription.paid_activity_type == subscription.cancelled_activity_type:
                problems.add(f"{where}.cancelled_activity_type", "is the one that pays it")
        elif subscription.paid_days:
            problems.add(f"{where}.paid_days", "is for paid_activity_type only")
    return found
