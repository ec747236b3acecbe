"""The recommender section is checked in full, each problem under its path."""

import math

import pytest

from laurels.points.v1.programme_pb2 import PointsProgramme, Reward, Tier, TierLadder
from laurels.programme.v1 import programme_pb2 as pb
from laurels.recommender.v1.programme_pb2 import RecommenderProgramme, Slot
from services.programme import Problems
from services.recommender.programme import RecommenderRules, compile_document, compile_programme
from services.recommender.slots import EXPLORATION_DEFAULT


def programme(*slots: Slot, rewards: int = 3) -> pb.Programme:
    found = pb.Programme(recommender=RecommenderProgramme(slots=slots))
    found.points.CopyFrom(
        PointsProgramme(
            rewards=[Reward(id=f"r{number}") for number in range(rewards)],
            tiers=TierLadder(levels=[Tier(id="bronze"), Tier(id="gold", threshold=10)]),
        )
    )
    return found


def checked(*slots: Slot, rewards: int = 3) -> tuple[RecommenderRules, dict[str, str]]:
    problems = Problems()
    rules = compile_programme(programme(*slots, rewards=rewards), problems)
    return rules, {problem.field: problem.detail for problem in problems.found}


def test_a_right_section_has_no_problems() -> None:
    rules, problems = checked(
        Slot(id="home", name="Home", rewards=["r2", "r0"], exploration=0.1), Slot(id="b", rewards=["r1"])
    )
    assert not problems
    assert [choice.id for choice in rules.slots["home"].choices] == ["r2", "r0"]
    assert rules.slots["home"].exploration == 0.1
    assert rules.tiers == {"bronze": 0, "gold": 1}


def test_exploration_is_a_twentieth_when_absent_and_nothing_when_zero() -> None:
    rules, _ = checked(Slot(id="a", rewards=["r0"]), Slot(id="b", rewards=["r0"], exploration=0))
    assert (rules.slots["a"].exploration, rules.slots["b"].exploration) == (EXPLORATION_DEFAULT, 0.0)


def test_every_problem_is_told_with_its_path() -> None:
    _, problems = checked(
        Slot(id="home", rewards=["r0", "r1", "gone"]),
        Slot(id="home", rewards=["r0", "r0"]),
        Slot(id="no spaces", rewards=[]),
        Slot(id="d", name="n" * 201, rewards=["r0"], exploration=1.5),
    )
    assert set(problems) == {
        "recommender.slots[0].rewards[2]",
        "recommender.slots[1].id",
        "recommender.slots[1].rewards[1]",
        "recommender.slots[2].id",
        "recommender.slots[2].rewards",
        "recommender.slots[3].name",
        "recommender.slots[3].exploration",
    }
    assert "'gone'" in problems["recommender.slots[0].rewards[2]"]


@pytest.mark.parametrize("exploration", [-0.01, 1.01, math.nan, math.inf])
def test_an_exploration_that_is_no_share_is_a_problem(exploration: float) -> None:
    rules, problems = checked(Slot(id="a", rewards=["r0"], exploration=exploration))
    assert list(problems) == ["recommender.slots[0].exploration"]
    assert 0 <= rules.slots["a"].exploration <= 1


def test_slots_and_rewards_are_bounded_at_a_hundred() -> None:
    many = [f"r{number}" for number in range(101)]
    assert not checked(Slot(id="a", rewards=many[:100]), rewards=101)[1]
    assert list(checked(Slot(id="a", rewards=many), rewards=101)[1]) == ["recommender.slots[0].rewards"]
    slots = [Slot(id=f"s{number}", rewards=["r0"]) for number in range(101)]
    assert not checked(*slots[:100])[1]
    assert list(checked(*slots)[1]) == ["recommender.slots"]


def test_only_whole_declared_amounts_are_added_up() -> None:
    found = programme()
    for name, kind in (("purchase", pb.ATTRIBUTE_KIND_INTEGER), ("refund", pb.ATTRIBUTE_KIND_NUMBER)):
        found.activity_types.add(type=name, attributes=[pb.Attribute(name="amount", kind=kind)])
    found.activity_types.add(type="visit")
    assert compile_document(found.SerializeToString()).amount_types == {"purchase"}
