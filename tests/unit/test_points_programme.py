"""A points section with a fault is refused with the fault's place, and a right one is compiled to what it says."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laurels.activity.v1.activity_pb2 import Activity
from laurels.points.v1 import programme_pb2 as pb
from laurels.programme.v1 import programme_pb2
from services.points.earning import AMOUNT_MAX, Award
from services.points.programme import PointsRules, compile_document, compile_programme
from services.programme import Problems

INTEGER = programme_pb2.ATTRIBUTE_KIND_INTEGER
Programme = programme_pb2.Programme


def whole() -> Programme:
    """A programme with something of everything."""
    return Programme(
        name="Whole",
        time_zone="Europe/Vienna",
        activity_types=[
            programme_pb2.ActivityType(
                type="purchase",
                attributes=[
                    programme_pb2.Attribute(name="amount", kind=INTEGER, required=True),
                    programme_pb2.Attribute(name="category", kind=programme_pb2.ATTRIBUTE_KIND_TEXT),
                ],
            ),
            programme_pb2.ActivityType(type="visit"),
        ],
        points=pb.PointsProgramme(
            currencies=[pb.Currency(id="points", name="Points"), pb.Currency(id="gems", name="Gems")],
            earning_rules=[
                pb.EarningRule(id="each", activity_type="purchase", amount="attributes.amount", currency="points"),
                pb.EarningRule(id="visits", activity_type="visit", amount="1", currency="gems"),
            ],
            tiers=pb.TierLadder(
                currency="points",
                levels=[pb.Tier(id="bronze", threshold=0), pb.Tier(id="silver", threshold=500)],
            ),
            rewards=[pb.Reward(id="album", name="An album", currency="points", price=400)],
        ),
    )


def problems(programme: Programme) -> dict[str, str]:
    collected = Problems()
    compile_programme(programme, collected)
    assert len({problem.field for problem in collected.found}) == len(collected.found), "a place is named twice"
    return {problem.field: problem.detail for problem in collected.found}


def compiled(*rules: pb.EarningRule) -> PointsRules:
    programme = whole()
    del programme.points.earning_rules[:]
    programme.points.earning_rules.extend(rules)
    assert problems(programme) == {}
    return compile_document(programme.SerializeToString())


def rule(name: str, amount: str, condition: str = "", currency: str = "points") -> pb.EarningRule:
    return pb.EarningRule(id=name, activity_type="purchase", condition=condition, amount=amount, currency=currency)


def set_to(path: str, value: Any) -> Callable[[Programme], None]:
    """Sets the field at a path such as `points.rewards[0].price`."""

    def change(programme: Programme) -> None:
        *way, last = path.replace("[", ".").replace("]", "").split(".")
        found: Any = programme
        for step in way:
            found = found[int(step)] if step.isdigit() else getattr(found, step)
        setattr(found, last, value)

    return change


def added(path: str, *messages: Any) -> Callable[[Programme], None]:
    """Adds to the list at a path such as `points.rewards`."""

    def change(programme: Programme) -> None:
        found: Any = programme
        for step in path.split("."):
            found = getattr(found, step)
        found.extend(messages)

    return change


def attributes(*found: programme_pb2.Attribute) -> Callable[[Programme], None]:
    return lambda programme: programme.activity_types[1].attributes.extend(found)


def attribute(name: str, kind: Any = INTEGER) -> programme_pb2.Attribute:
    return programme_pb2.Attribute(name=name, kind=kind)


RULE, REWARD, LEVEL, TYPE = (
    "points.earning_rules[0]",
    "points.rewards[0]",
    "points.tiers.levels[1]",
    "activity_types[1]",
)
FAULTS: dict[str, tuple[Callable[[Programme], None], str, str]] = {
    "name": (set_to("name", "x" * 201), "name", "longer than 200"),
    "zone": (set_to("time_zone", "Vienna"), "time_zone", "is not an IANA time zone"),
    "zone path": (set_to("time_zone", "../UTC"), "time_zone", "is not an IANA time zone"),
    "type": (
        added("activity_types", programme_pb2.ActivityType(type="Stroll")),
        "activity_types[2].type",
        "is not 1 to 64 characters of a-z 0-9 _",
    ),
    "type empty": (added("activity_types", programme_pb2.ActivityType()), "activity_types[2].type", "is not 1 to 64"),
    "type twice": (
        added("activity_types", programme_pb2.ActivityType(type="visit")),
        "activity_types[2].type",
        "declared twice",
    ),
    "types": (
        added("activity_types", *(programme_pb2.ActivityType(type=f"t{n}") for n in range(255))),
        "activity_types",
        "has 257 items, more than 256",
    ),
    "attribute": (attributes(attribute("Colour")), f"{TYPE}.attributes[0].name", "is not 1 to 64"),
    "attribute digit": (attributes(attribute("1st")), f"{TYPE}.attributes[0].name", "no digit first"),
    "attribute twice": (
        attributes(attribute("a"), attribute("a")),
        f"{TYPE}.attributes[1].name",
        "declared twice",
    ),
    "attribute kind": (attributes(attribute("a", 0)), f"{TYPE}.attributes[0].kind", "is required"),
    "attributes": (
        attributes(*(attribute(f"a{n}") for n in range(65))),
        f"{TYPE}.attributes",
        "has 65 items, more than 64",
    ),
    "currency": (
        added("points.currencies", pb.Currency(id="a b")),
        "points.currencies[2].id",
        "is not 1 to 64 characters",
    ),
    "currency name": (
        added("points.currencies", pb.Currency(id="c", name="x" * 201)),
        "points.currencies[2].name",
        "longer than 200",
    ),
    "currency twice": (added("points.currencies", pb.Currency(id="gems")), "points.currencies[2].id", "is taken"),
    "currencies": (
        added("points.currencies", *(pb.Currency(id=f"c{n}") for n in range(31))),
        "points.currencies",
        "has 33 items, more than 32",
    ),
    "rule id": (set_to(f"{RULE}.id", ""), f"{RULE}.id", "is not 1 to 64 characters"),
    "rule id twice": (set_to("points.earning_rules[1].id", "each"), "points.earning_rules[1].id", "is taken"),
    "rule type": (
        set_to(f"{RULE}.activity_type", "purchse"),
        f"{RULE}.activity_type",
        "activity type 'purchse', which does not exist (purchase, visit)",
    ),
    "rule currency": (
        set_to(f"{RULE}.currency", "shells"),
        f"{RULE}.currency",
        "currency 'shells', which does not exist (gems, points)",
    ),
    "condition name": (
        set_to(f"{RULE}.condition", "attributes.amonut > 1"),
        f"{RULE}.condition",
        "at 1:11: undeclared reference",
    ),
    "condition type": (set_to(f"{RULE}.condition", "attributes.amount"), f"{RULE}.condition", "not true or false"),
    "condition syntax": (set_to(f"{RULE}.condition", "true) || (true"), f"{RULE}.condition", "at 1:5"),
    "condition length": (
        set_to(f"{RULE}.condition", "true || " * 600 + "true"),
        f"{RULE}.condition",
        "longer than 4096",
    ),
    "amount empty": (set_to(f"{RULE}.amount", " "), f"{RULE}.amount", "is empty"),
    "amount type": (set_to(f"{RULE}.amount", "1.5"), f"{RULE}.amount", "not a whole number"),
    "amount kinds": (set_to(f"{RULE}.amount", "attributes.category + 1"), f"{RULE}.amount", "no matching overload"),
    "another type's attribute": (
        set_to("points.earning_rules[1].amount", "attributes.amount"),
        "points.earning_rules[1].amount",
        "undeclared reference",
    ),
    "rules": (
        added("points.earning_rules", *(rule(f"r{n}", "1") for n in range(999))),
        "points.earning_rules",
        "has 1001 items, more than 1000",
    ),
    "ladder currency": (
        set_to("points.tiers.currency", "shells"),
        "points.tiers.currency",
        "currency 'shells', which does not exist",
    ),
    "first tier": (
        set_to("points.tiers.levels[0].threshold", 1),
        "points.tiers.levels[0].threshold",
        "the first tier begins at 0",
    ),
    "tier below": (set_to(f"{LEVEL}.threshold", 0), f"{LEVEL}.threshold", "is not above the tier's before it"),
    "tier id": (set_to(f"{LEVEL}.id", "no spaces"), f"{LEVEL}.id", "is not 1 to 64 characters"),
    "tier id twice": (set_to(f"{LEVEL}.id", "bronze"), f"{LEVEL}.id", "is taken"),
    "tier name": (set_to(f"{LEVEL}.name", "x" * 201), f"{LEVEL}.name", "longer than 200"),
    "tiers": (
        added("points.tiers.levels", *(pb.Tier(id=f"t{n}", threshold=600 + n) for n in range(31))),
        "points.tiers.levels",
        "has 33 items, more than 32",
    ),
    "reward id": (set_to(f"{REWARD}.id", "x" * 65), f"{REWARD}.id", "is not 1 to 64 characters"),
    "reward id twice": (
        added("points.rewards", pb.Reward(id="album", currency="gems", price=1)),
        "points.rewards[1].id",
        "is taken",
    ),
    "reward name": (set_to(f"{REWARD}.name", "x" * 201), f"{REWARD}.name", "longer than 200"),
    "reward currency": (set_to(f"{REWARD}.currency", ""), f"{REWARD}.currency", "currency '', which does not exist"),
    "free reward": (set_to(f"{REWARD}.price", 0), f"{REWARD}.price", "is 0, not within 1"),
    "dear reward": (set_to(f"{REWARD}.price", 2**53), f"{REWARD}.price", "not within 1 and 9007199254740991"),
    "rewards": (
        added("points.rewards", *(pb.Reward(id=f"r{n}", currency="gems", price=1) for n in range(10_000))),
        "points.rewards",
        "has 10001 items, more than 10000",
    ),
}

# Faults that neither hide nor cause another.
APART = [
    *("name", "zone", "type empty", "rule id", "condition name", "amount type"),
    *("ladder currency", "first tier", "reward name", "free reward"),
]


def test_a_right_programme_has_no_problems() -> None:
    assert problems(whole()) == {}
    assert problems(Programme()) == {}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named_with_its_place(fault: str) -> None:
    change, field, detail = FAULTS[fault]
    programme = whole()
    change(programme)
    found = problems(programme)
    assert list(found) == [field]
    assert detail in found[field]


@given(st.lists(st.sampled_from(APART), unique=True))
def test_all_faults_are_found_at_once(faults: list[str]) -> None:
    programme = whole()
    for fault in faults:
        FAULTS[fault][0](programme)
    assert set(problems(programme)) == {FAULTS[fault][1] for fault in faults}


def test_a_compiled_programme_says_what_the_document_says() -> None:
    rules = compile_document(whole().SerializeToString())
    assert rules.programme == whole()
    assert rules.currencies == ["points", "gems"]
    assert (rules.tier_currency, rules.tiers, rules.thresholds) == ("points", ["bronze", "silver"], [0, 500])
    assert list(rules.schemas) == ["purchase", "visit"]
    assert {of: found.currencies for of, found in rules.rules.items()} == {"purchase": ["points"], "visit": ["gems"]}


@pytest.mark.parametrize(
    ("policy", "by_activity"),
    [
        (pb.ENROLMENT_POLICY_UNSPECIFIED, True),
        (pb.ENROLMENT_POLICY_ON_FIRST_ACTIVITY, True),
        (pb.ENROLMENT_POLICY_EXPLICIT, False),
    ],
)
def test_only_an_explicit_policy_keeps_activities_from_enrolling(policy: Any, by_activity: bool) -> None:
    assert PointsRules(Programme(points=pb.PointsProgramme(enrolment=policy))).enrols_on_first_activity is by_activity


def awards(rules: PointsRules, *, first: bool = False, tier: str = "", **values: Any) -> tuple[list[Award], list[str]]:
    """What a purchase is awarded, and the rules that failed on it."""
    activity = Activity(id="a", member="ann", type="purchase")
    activity.attributes.update(values)
    member = {"member.id": "ann", "member.tier": tier, "member.is_first_activity": first}
    failed: list[str] = []
    return rules.rules["purchase"].awards(activity, member, lambda name, _: failed.append(name)), failed


@given(st.integers(-(2**53), 2**53), st.booleans(), st.sampled_from(["", "bronze", "silver"]))
def test_every_rule_that_holds_awards_a_positive_amount(amount: int, first: bool, tier: str) -> None:
    rules = _RULES
    found, failed = awards(rules, first=first, tier=tier, amount=amount)
    wanted = [
        ("each", amount if amount <= AMOUNT_MAX else 0),
        ("first", 7 if first else 0),
        ("silver", amount // 2 if tier == "silver" and amount > 0 else 0),
    ]
    assert [(award.rule, award.amount) for award in found] == [(name, value) for name, value in wanted if value > 0]
    assert failed == (["each"] if amount > AMOUNT_MAX else [])


_RULES = compiled(
    rule("each", "attributes.amount"),
    rule("first", "7", "member.is_first_activity", "gems"),
    rule("silver", "attributes.amount / 2", "member.tier == 'silver' && attributes.amount > 0"),
)


def test_a_rule_that_fails_awards_nothing_and_leaves_the_others_alone() -> None:
    rules = compiled(
        *(rule(f"fine{n}", "1") for n in range(15)),
        rule("share", "100 / attributes.amount"),
        rule("much", "9223372036854775807 + attributes.amount"),
        rule("last", "2", "attributes.category == 'book'"),
    )
    found, failed = awards(rules, amount=0, category="book")
    assert [award.rule for award in found] == [*(f"fine{n}" for n in range(15)), "last"]
    assert failed == ["share", "much"]
    found, failed = awards(rules, amount=50)
    assert Award("share", "points", 2) in found
    assert failed == ["much"]
