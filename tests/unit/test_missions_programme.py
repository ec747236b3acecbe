"""A missions section with a fault is refused with its place, and a right one counts what it says."""

from typing import Any

import pytest

from laurels.activity.v1.events_pb2 import ActivityRecorded
from laurels.missions.v1 import programme_goals_pb2 as goals_pb
from laurels.missions.v1 import programme_pb2 as pb
from laurels.points.v1 import programme_pb2 as points_pb
from laurels.points.v1.programme_pb2 import Currency, PointsProgramme
from laurels.programme.v1 import programme_pb2
from laurels.value.v1.events_pb2 import Grant
from services.missions.programme import MissionsRules, compile_document, compile_programme
from services.programme import Problems


def programme(*missions: pb.Mission, badges: tuple[str, ...] = ()) -> programme_pb2.Programme:
    return programme_pb2.Programme(
        activity_types=[
            programme_pb2.ActivityType(
                type="purchase",
                attributes=[
                    programme_pb2.Attribute(name="amount", kind=programme_pb2.ATTRIBUTE_KIND_INTEGER),
                    programme_pb2.Attribute(name="category", kind=programme_pb2.ATTRIBUTE_KIND_TEXT),
                ],
            ),
            programme_pb2.ActivityType(type="visit"),
        ],
        points=PointsProgramme(currencies=[Currency(id="points")]),
        missions=pb.MissionsProgramme(missions=missions, badges=[pb.Badge(id=badge) for badge in badges]),
    )


def mission(mission_id: str = "m", **fields: Any) -> pb.Mission:
    defaults: dict[str, Any] = {"activity_type": "purchase"}
    if "sum" not in fields:
        defaults["count"] = pb.CountGoal(target=3)
    return pb.Mission(id=mission_id, **(defaults | fields))


def problems(found: programme_pb2.Programme) -> dict[str, str]:
    collected = Problems()
    compile_programme(found, collected)
    return {problem.field: problem.detail for problem in collected.found}


def purchase(rules: MissionsRules, tier: str = "", kind: str = "purchase", **attributes: Any) -> dict[str, int]:
    """What a purchase counts, by mission, and `!mission` for those whose expressions fail."""
    recorded = ActivityRecorded(tier=tier)
    recorded.activity.id, recorded.activity.member, recorded.activity.type = "a1", "ann", kind
    recorded.activity.attributes.update(attributes)
    failed: list[str] = []
    found = {watch.rule.id: value for watch, value in rules.counts(recorded, lambda name, _: failed.append(name))}
    return found | {f"!{name}": 0 for name in failed}


def compiled(*missions: pb.Mission, badges: tuple[str, ...] = ()) -> MissionsRules:
    found = programme(*missions, badges=badges)
    assert problems(found) == {}
    return compile_document(found.SerializeToString())


GIFTS = ("currency", "amount", "badge")
FAULTS: list[tuple[str, pb.Mission, str, str]] = [
    ("id", mission("no spaces"), "missions.missions[1].id", "is not 1 to 64 characters"),
    ("taken id", mission("first"), "missions.missions[1].id", "is taken"),
    ("name", mission(name="x" * 201), "missions.missions[1].name", "longer than 200"),
    ("type", mission(activity_type="purchse"), "missions.missions[1].activity_type", "activity type 'purchse'"),
    ("no goal", mission(count=None), "missions.missions[1]", "has no goal"),
    ("count", mission(count=pb.CountGoal()), "missions.missions[1].count.target", "is 0, not within 1"),
    ("sum", mission(sum=pb.SumGoal(of="1", target=-1)), "missions.missions[1].sum.target", "is -1, not within 1"),
    ("bound", mission(count=pb.CountGoal(target=2**53)), "missions.missions[1].count.target", "not within 1"),
    ("condition", mission(condition="attributes.amonut > 1"), "missions.missions[1].condition", "undeclared reference"),
    ("condition type", mission(condition="attributes.amount"), "missions.missions[1].condition", "not true or false"),
    ("syntax", mission(condition="true) || (true"), "missions.missions[1].condition", "at 1:5"),
    ("sum type", mission(sum=pb.SumGoal(of="1.5", target=9)), "missions.missions[1].sum.of", "not a whole number"),
    ("sum empty", mission(sum=pb.SumGoal(target=9)), "missions.missions[1].sum.of", "is empty"),
    (
        "of another type",
        mission(activity_type="visit", condition="attributes.amount > 1"),
        "missions.missions[1].condition",
        "undeclared reference",
    ),
    (
        "of the points service",
        mission(condition="member.is_first_activity"),
        "missions.missions[1].condition",
        "undeclared reference",
    ),
    (
        "currency",
        mission(reward=pb.MissionReward(currency="gold", amount=1)),
        "missions.missions[1].reward.currency",
        "currency 'gold', which does not exist (points)",
    ),
    (
        "amount",
        mission(reward=pb.MissionReward(currency="points")),
        "missions.missions[1].reward.amount",
        "is 0, not within 1",
    ),
    ("badge", mission(badge="hero"), "missions.missions[1].badge", "badge 'hero', which does not exist"),
]


@pytest.mark.parametrize(("fault", "field", "detail"), [row[1:] for row in FAULTS], ids=[row[0] for row in FAULTS])
def test_a_fault_is_named_with_its_place(fault: pb.Mission, field: str, detail: str) -> None:
    found = problems(programme(mission("first"), fault))
    assert list(found) == [field]
    assert detail in found[field]


@pytest.mark.parametrize(
    "fault", [pytest.param(row[1], id=row[0]) for row in FAULTS if row[0] not in ("name", "bound", *GIFTS)]
)
def test_a_mission_that_cannot_be_followed_counts_nothing_should_it_be_recorded(fault: pb.Mission) -> None:
    rules = compile_document(programme(mission("first"), fault).SerializeToString())
    assert purchase(rules, amount=5) == {"first": 1}


def test_a_badge_that_no_mission_gives_is_a_problem() -> None:
    found = problems(programme(mission(badge="hero"), badges=("hero", "ghost")))
    assert found == {"missions.badges[1]": "'ghost' is given by no mission, level or challenge, and not `awarded`"}


def test_all_faults_are_found_at_once() -> None:
    faults = [fault for _, fault, _, _ in FAULTS[2:]]
    assert len(problems(programme(*faults))) >= len(faults)


def test_more_missions_and_badges_than_the_bound_are_refused() -> None:
    found = problems(
        programme(
            *(mission(f"m{number}", badge=f"b{number}") for number in range(10_001)),
            badges=tuple(f"b{number}" for number in range(10_001)),
        )
    )
    assert found == {
        "missions.missions": "has 10001 items, more than 10000",
        "missions.badges": "has 10001 items, more than 10000",
    }


def test_an_empty_section_is_valid() -> None:
    assert problems(programme_pb2.Programme()) == {}


def test_only_missions_of_the_type_whose_condition_holds_count() -> None:
    rules = compiled(
        mission("any"),
        mission("visits", activity_type="visit"),
        mission("large", condition="attributes.amount >= 100"),
        mission("jazz", condition='attributes.category == "jazz"'),
        mission("gold", condition='member.tier == "gold" && member.id == "ann"'),
        mission("spent", sum=pb.SumGoal(of="attributes.amount", target=1_000)),
    )
    assert purchase(rules, amount=99) == {"any": 1, "spent": 99}
    assert purchase(rules, amount=100, category="jazz") == {"any": 1, "large": 1, "jazz": 1, "spent": 100}
    assert purchase(rules, tier="gold") == {"any": 1, "gold": 1}
    assert purchase(rules, kind="visit") == {"visits": 1}
    assert purchase(rules, kind="review") == {}


def test_a_negative_value_counts_as_nothing() -> None:
    rules = compiled(mission("spent", sum=pb.SumGoal(of="attributes.amount - 50", target=1_000)))
    assert purchase(rules, amount=49) == {}
    assert purchase(rules, amount=50) == {}
    assert purchase(rules, amount=51) == {"spent": 1}


def test_an_expression_that_fails_counts_as_nothing_and_leaves_the_others_alone() -> None:
    rules = compiled(
        *(mission(f"even{number}", condition=f"attributes.amount % 2 == {number} - {number}") for number in range(12)),
        mission("ratio", condition="1000 / attributes.amount > 3"),
        mission("parts", sum=pb.SumGoal(of="1000 / attributes.amount", target=9)),
        mission("always"),
    )
    evens = {f"even{number}": 1 for number in range(12)}
    assert purchase(rules, amount=0) == {"always": 1, **evens, "!ratio": 0, "!parts": 0}
    assert purchase(rules, amount=100) == {"always": 1, **evens, "ratio": 1, "parts": 10}


def test_a_sum_whose_condition_does_not_hold_is_not_evaluated() -> None:
    rules = compiled(
        mission("parts", condition="attributes.amount > 0", sum=pb.SumGoal(of="1000 / attributes.amount", target=9))
    )
    assert purchase(rules, amount=0) == {}


def with_goals(*some: goals_pb.Goal, **fields: Any) -> pb.Mission:
    return pb.Mission(id="m", activity_type="purchase", goals=some, **fields)


COUNTED = goals_pb.Goal(count=goals_pb.GoalCount(target=1))
WHERE = "missions.missions[1]"
GOAL_FAULTS: list[tuple[pb.Mission, str, str]] = [
    (with_goals(goals_pb.Goal()), f"{WHERE}.goals[0]", "has no kind"),
    (with_goals(COUNTED, count=pb.CountGoal(target=1)), f"{WHERE}.goals", "stand in place of"),
    (with_goals(*[COUNTED] * 17), f"{WHERE}.goals", "more than 16"),
    (
        with_goals(goals_pb.Goal(distinct=goals_pb.GoalDistinct(of="attributes.amount", target=2))),
        f"{WHERE}.goals[0].distinct.of",
        "not a text",
    ),
    (
        with_goals(goals_pb.Goal(set=goals_pb.GoalSet(of="attributes.category", values=["a", "a"]))),
        f"{WHERE}.goals[0].set.values",
        "different texts",
    ),
    (
        with_goals(goals_pb.Goal(sequence=goals_pb.GoalSequence(steps=[goals_pb.SequenceStep()]))),
        f"{WHERE}.goals[0].sequence.steps",
        "has 1 items, not 2",
    ),
    (
        with_goals(goals_pb.Goal(activity_type="visit", condition="attributes.amount > 1", count=COUNTED.count)),
        f"{WHERE}.goals[0].condition",
        "undeclared reference",
    ),
    (with_goals(goals_pb.Goal(tier=goals_pb.GoalTier(tier="gold"))), f"{WHERE}.goals[0].tier.tier", "tier 'gold'"),
    (
        with_goals(goals_pb.Goal(rank=goals_pb.GoalRank(board="top", rank=1))),
        f"{WHERE}.goals[0].rank.board",
        "board 'top'",
    ),
    (with_goals(goals_pb.Goal(streak=goals_pb.GoalStreak())), f"{WHERE}.goals[0].streak.target", "is 0"),
    (mission(window=goals_pb.Window(cron="0 25 * * *")), f"{WHERE}.window.cron", "is not a cron expression"),
    (mission(window=goals_pb.Window(cron="* * *")), f"{WHERE}.window.cron", "is not five fields"),
    (
        mission(window=goals_pb.Window(joined_days_from=5, joined_days_until=5)),
        f"{WHERE}.window.joined_days_until",
        "is not after",
    ),
    (mission(start=goals_pb.Start(by=goals_pb.START_BY_MISSION)), f"{WHERE}.start.after", "names missions where"),
    (
        mission(start=goals_pb.Start(by=goals_pb.START_BY_MISSION, after=["ghost"])),
        f"{WHERE}.start.after[0]",
        "mission 'ghost'",
    ),
    (mission(start=goals_pb.Start(deadline_hours=1)), f"{WHERE}.start.deadline_hours", "begun once"),
    (mission(limits=goals_pb.MissionLimits(budget=5)), f"{WHERE}.limits.budget_currency", "currency ''"),
    (mission(eligible="member.tiers == 'x'"), f"{WHERE}.eligible", "undeclared reference"),
    (mission(badges_needed=["hero"]), f"{WHERE}.badges_needed[0]", "badge 'hero'"),
    (mission(rewards=[Grant()]), f"{WHERE}.rewards[0]", "gives nothing"),
    (mission(rewards=[Grant(scratch_card="pool")]), f"{WHERE}.rewards[0].scratch_card", "pool 'pool'"),
    (mission(rewards=[Grant(mission="ghost")]), f"{WHERE}.rewards[0].mission", "mission 'ghost'"),
]


@pytest.mark.parametrize(("fault", "field", "detail"), GOAL_FAULTS, ids=[row[1] + row[2][:12] for row in GOAL_FAULTS])
def test_a_fault_of_goals_windows_and_ends_is_named_with_its_place(fault: pb.Mission, field: str, detail: str) -> None:
    found = problems(programme(mission("first"), fault))
    assert list(found) == [field]
    assert detail in found[field]


def test_the_zone_of_members_is_a_shared_text() -> None:
    found = programme(mission())
    found.missions.time_zone_attribute, found.missions.lateness_days = "zone", 91
    assert "member attribute 'zone'" in problems(found)["missions.time_zone_attribute"]
    assert "is 91" in problems(found)["missions.lateness_days"]
    found.points.member_attributes.add(name="zone", kind=points_pb.MEMBER_ATTRIBUTE_KIND_TEXT)
    assert "is not a text that is `shared`" in problems(found)["missions.time_zone_attribute"]
