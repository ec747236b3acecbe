"""A leaderboard section is told all that is wrong with it, by path, and a right one does what it says."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from laurels.activity.v1.activity_pb2 import Activity
from laurels.activity.v1.events_pb2 import ActivityRecorded
from laurels.leaderboard.v1 import programme_pb2 as pb
from laurels.missions.v1.programme_pb2 import CountGoal, Mission, MissionsProgramme
from laurels.points.v1.programme_pb2 import Currency, PointsProgramme
from laurels.programme.v1 import programme_pb2
from services.leaderboard.card_programme import check_published
from services.leaderboard.programme import compile_document, compile_programme
from services.leaderboard.rules import Gain, LeaderboardRules
from services.programme import Problems

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def prize(name: str = "car", weight: int = 1, stock: int = 1, **fields: Any) -> pb.Prize:
    return pb.Prize(
        id=name, name=name.title(), weight=weight, stock=stock, **{"currency": "points", "amount": 5, **fields}
    )


def purchases(condition: str = "") -> pb.CardIssue:
    return pb.CardIssue(activity=pb.ActivityIssue(activity_type="purchase", condition=condition))


def whole() -> programme_pb2.Programme:
    """A programme with a board of each feed and a pool of each source."""
    return programme_pb2.Programme(
        activity_types=[
            programme_pb2.ActivityType(
                type="purchase",
                attributes=[programme_pb2.Attribute(name="amount", kind=programme_pb2.ATTRIBUTE_KIND_INTEGER)],
            ),
            programme_pb2.ActivityType(type="visit"),
        ],
        points=PointsProgramme(currencies=[Currency(id="points"), Currency(id="gems")]),
        missions=MissionsProgramme(missions=[Mission(id="five", activity_type="purchase", count=CountGoal(target=5))]),
        leaderboard=pb.LeaderboardProgramme(
            boards=[
                pb.Board(id="earners", points=pb.PointsFeed(currency="points")),
                pb.Board(
                    id="spenders",
                    activity=pb.ActivityFeed(
                        activity_type="purchase",
                        condition="attributes.amount > 0",
                        score="member.tier == 'gold' ? 2 * attributes.amount : attributes.amount",
                    ),
                ),
            ],
            scratch_pools=[
                pb.ScratchPool(
                    id="spring",
                    name="Spring",
                    issues=[purchases("attributes.amount >= 100"), pb.CardIssue(mission="five")],
                    prizes=[prize("car", 1, 2), prize("pen", 9, 50)],
                    nothing_weight=90,
                )
            ],
        ),
    )


def compiled(programme: programme_pb2.Programme) -> tuple[LeaderboardRules, dict[str, str]]:
    problems = Problems()
    rules = compile_programme(programme, problems)
    return rules, {problem.field: problem.detail for problem in problems.found}


def purchase(amount: int, tier: str = "") -> ActivityRecorded:
    activity = Activity(id="a1", member="ann", type="purchase", occurred_at=NOON)
    activity.attributes.update({"amount": amount})
    return ActivityRecorded(activity=activity, tier=tier, programme_version=1)


def refuse(name: str, why: str) -> None:
    raise AssertionError(f"{name} failed: {why}")


def test_a_right_section_has_no_problems() -> None:
    rules, problems = compiled(whole())
    assert problems == {}
    assert list(rules.boards) == ["earners", "spenders"]
    assert list(rules.pools) == ["spring"]
    assert rules.by_currency == {"points": ["earners"]}
    assert rules.by_mission == {"five": ["spring"]}
    assert list(rules.by_type) == ["purchase"]


def test_a_recorded_programme_compiles_alike() -> None:
    assert compile_document(whole().SerializeToString()).boards == compiled(whole())[0].boards


def test_an_activity_adds_to_boards_and_gives_cards_where_conditions_hold() -> None:
    rules = compiled(whole())[0].by_type["purchase"]
    assert rules.outcome(purchase(99), refuse).gains == [Gain("spenders", 99)]
    assert rules.outcome(purchase(99), refuse).pools == []
    assert rules.outcome(purchase(100, "gold"), refuse).gains == [Gain("spenders", 200)]
    assert rules.outcome(purchase(100), refuse).pools == ["spring"]
    assert rules.outcome(purchase(-3), refuse).gains == []


def test_a_score_of_zero_or_less_adds_nothing() -> None:
    programme = whole()
    programme.leaderboard.boards[1].activity.condition = ""
    rules = compiled(programme)[0].by_type["purchase"]
    assert rules.outcome(purchase(0), refuse).gains == []
    assert rules.outcome(purchase(-1), refuse).gains == []


def test_a_pool_gives_one_card_for_an_activity_that_meets_two_of_its_conditions() -> None:
    programme = whole()
    programme.leaderboard.scratch_pools[0].issues.insert(0, purchases())
    rules = compiled(programme)[0].by_type["purchase"]
    assert rules.outcome(purchase(100), refuse).pools == ["spring"]


def test_what_fails_on_an_activity_does_nothing_there_and_is_told() -> None:
    programme = whole()
    programme.leaderboard.boards[1].activity.score = "100 / (attributes.amount - 1)"
    programme.leaderboard.scratch_pools[0].issues[0].activity.condition = "100 / (attributes.amount - 2) > 0"
    rules = compiled(programme)[0].by_type["purchase"]
    told: list[str] = []
    failed: Callable[[str, str], None] = lambda name, why: told.append(f"{name}: {why}")  # noqa: E731
    outcome = rules.outcome(purchase(1), failed)
    assert (outcome.gains, outcome.pools) == ([], [])
    assert ["spenders" in told[0], len(told)] == [True, 1]
    outcome = rules.outcome(purchase(2), failed)
    assert (outcome.gains, outcome.pools) == ([Gain("spenders", 100)], [])
    assert "spring" in told[1]


def test_a_score_beyond_what_json_carries_is_told_and_adds_nothing() -> None:
    programme = whole()
    programme.leaderboard.boards[1].activity.score = "attributes.amount * 9007199254740992"
    told: list[str] = []
    outcome = compiled(programme)[0].by_type["purchase"].outcome(purchase(1), lambda *failure: told.append(failure[0]))
    assert outcome.gains == []
    assert told == ["spenders"]


Change = Callable[[pb.LeaderboardProgramme], Any]
PROBLEMS: dict[str, tuple[Change, str]] = {
    "boards[0].id": (lambda s: setattr(s.boards[0], "id", "a b"), "1 to 64 characters"),
    "boards[1].id": (lambda s: setattr(s.boards[1], "id", "earners"), "is taken"),
    "boards[0].name": (lambda s: setattr(s.boards[0], "name", "x" * 201), "longer than 200"),
    "boards[0]": (lambda s: s.boards[0].ClearField("points"), "needs what moves it"),
    "boards[0].points.currency": (lambda s: setattr(s.boards[0].points, "currency", "gold"), "'gold', which does not"),
    "boards[1].activity.activity_type": (lambda s: setattr(s.boards[1].activity, "activity_type", "sale"), "'sale'"),
    "boards[1].activity.condition": (lambda s: setattr(s.boards[1].activity, "condition", "attributes.amnt"), "amnt"),
    "boards[1].activity.score": (lambda s: setattr(s.boards[1].activity, "score", ""), "is empty"),
    "boards": (lambda s: s.boards.extend(pb.Board() for _ in range(999)), "more than 1000"),
    "scratch_pools[0].id": (lambda s: setattr(s.scratch_pools[0], "id", ""), "1 to 64 characters"),
    "scratch_pools[0].issues": (lambda s: s.scratch_pools[0].issues.extend([purchases()] * 99), "more than 100"),
    "scratch_pools[0].issues[0]": (lambda s: s.scratch_pools[0].issues[0].Clear(), "`activity` or `mission`"),
    "scratch_pools[0].issues[1].mission": (lambda s: setattr(s.scratch_pools[0].issues[1], "mission", "ten"), "'ten'"),
    "scratch_pools[0].issues[0].activity.activity_type": (
        lambda s: setattr(s.scratch_pools[0].issues[0].activity, "activity_type", "sale"),
        "'sale'",
    ),
    "scratch_pools[0].issues[0].activity.condition": (
        lambda s: setattr(s.scratch_pools[0].issues[0].activity, "condition", "attributes.amount"),
        "not true or false",
    ),
    "scratch_pools[0].prizes": (lambda s: s.scratch_pools[0].ClearField("prizes"), "at least one"),
    "scratch_pools[0].prizes[1].id": (lambda s: setattr(s.scratch_pools[0].prizes[1], "id", "car"), "is taken"),
    "scratch_pools[0].prizes[0].weight": (lambda s: setattr(s.scratch_pools[0].prizes[0], "weight", 0), "is 0"),
    "scratch_pools[0].prizes[0].stock": (lambda s: setattr(s.scratch_pools[0].prizes[0], "stock", 0), "is 0"),
    "scratch_pools[0].prizes[0].amount": (lambda s: setattr(s.scratch_pools[0].prizes[0], "amount", 2**53), "within"),
    "scratch_pools[0].prizes[0].currency": (
        lambda s: setattr(s.scratch_pools[0].prizes[0], "currency", ""),
        "(gems, points)",
    ),
    "scratch_pools[0].nothing_weight": (lambda s: setattr(s.scratch_pools[0], "nothing_weight", -1), "is -1"),
}


@pytest.mark.parametrize("path", PROBLEMS)
def test_a_mistake_is_told_with_its_path(path) -> None:
    programme = whole()
    change, said = PROBLEMS[path]
    change(programme.leaderboard)
    problems = compiled(programme)[1]
    assert said in problems[f"leaderboard.{path}"]


def test_all_mistakes_are_told_at_once_and_the_rest_still_compiles() -> None:
    programme = whole()
    programme.leaderboard.boards[0].points.currency = "gold"
    programme.leaderboard.scratch_pools[0].issues[1].mission = "ten"
    rules, problems = compiled(programme)
    assert set(problems) == {"leaderboard.boards[0].points.currency", "leaderboard.scratch_pools[0].issues[1].mission"}
    assert list(rules.boards) == ["spenders"]
    assert rules.pools == {}
    assert rules.by_type["purchase"].outcome(purchase(100), refuse).pools == []


def test_the_largest_weights_are_allowed_together() -> None:
    programme = whole()
    pool = programme.leaderboard.scratch_pools[0]
    del pool.prizes[:]
    pool.prizes.extend(prize(f"p{n}", 2**53 - 1, 2**53 - 1) for n in range(1_000))
    pool.nothing_weight = 2**53 - 1
    assert compiled(programme)[1] == {}


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (lambda pool: setattr(pool.prizes[1], "weight", 8), "prizes[1].weight"),
        (lambda pool: setattr(pool.prizes[0], "stock", 3), "prizes[0].stock"),
        (lambda pool: setattr(pool.prizes[0], "name", "Van"), "prizes[0].name"),
        (lambda pool: pool.prizes.pop(), "prizes"),
        (lambda pool: pool.prizes.append(prize("van")), "prizes"),
        (lambda pool: pool.prizes.reverse(), "prizes[0].id"),
        (lambda pool: setattr(pool, "nothing_weight", 0), "nothing_weight"),
    ],
)
def test_published_prizes_cannot_change(change, path) -> None:
    published = {"spring": whole().leaderboard.scratch_pools[0]}
    programme = whole()
    change(programme.leaderboard.scratch_pools[0])
    problems = Problems()
    check_published(programme, published, "b", problems)
    assert f"leaderboard.scratch_pools[0].{path}" in {problem.field for problem in problems.found}
    assert all("new pool a new id" in problem.detail for problem in problems.found)


def test_a_published_pools_name_and_issues_may_change_and_pools_be_added() -> None:
    published = {"spring": whole().leaderboard.scratch_pools[0]}
    programme = whole()
    programme.leaderboard.scratch_pools[0].name = "Late spring"
    del programme.leaderboard.scratch_pools[0].issues[1]
    programme.leaderboard.scratch_pools.insert(0, pb.ScratchPool(id="summer", issues=[purchases()], prizes=[prize()]))
    problems = Problems()
    check_published(programme, published, "b", problems)
    assert problems.found == []
