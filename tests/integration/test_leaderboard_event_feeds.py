"""Boards are fed by what points and missions tell, through expressions over the events' own fields."""

import random
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest
from google.protobuf.message import Message

from cli.embedded import Servers
from laurels.activity.v1.events_pb2 import Earned
from laurels.leaderboard.v1 import programme_boards_pb2 as boards_pb
from laurels.leaderboard.v1 import programme_pb2 as pb
from laurels.missions.v1.events_pb2 import MissionCompleted
from laurels.missions.v1.levels_events_pb2 import LevelReached
from laurels.points.v1 import points_pb2
from tests.conftest import running
from tests.integration.leaderboard_support import NOON, Leaderboard, credit, listening, purchase
from tests.integration.test_leaderboard_periods import Sport, board, with_boards

POINTS, MISSIONS, LEVELS = (
    boards_pb.FEED_EVENT_POINTS_CREDITED,
    boards_pb.FEED_EVENT_MISSION_COMPLETED,
    boards_pb.FEED_EVENT_LEVEL_REACHED,
)


@pytest.fixture(scope="module")
async def leaderboard(
    servers: Servers, settings_of: Callable[..., Any], token: Callable[..., str]
) -> AsyncIterator[Leaderboard]:
    async with listening(servers) as client, running("leaderboard", settings_of("leaderboard")) as channel:
        service = Leaderboard(servers, channel, client, token)
        yield service
        await service.forget()


@pytest.fixture
def sport(leaderboard: Leaderboard, brand: str) -> Sport:
    return Sport(leaderboard, brand)


def fed(event: Any, score: str, condition: str = "", **fields: Any) -> pb.Board:
    feed = boards_pb.EventFeed(event=event, score=score, condition=condition)
    return board(submissions=False, event=feed, **fields)


def finished(member: str, mission: str, minute: int = 0, run: str = "", version: int = 1) -> MissionCompleted:
    at = NOON + timedelta(minutes=minute)
    return MissionCompleted(member=member, mission=mission, run=run, completed_at=at, programme_version=version)


def reached(member: str, level: str, place: int, experience: int, version: int = 1) -> LevelReached:
    return LevelReached(
        member=member, level=level, place=place, experience=experience, reached_at=NOON, programme_version=version
    )


async def see(sport: Sport, *messages: Message) -> list[int]:
    ids = await sport.service.publish(sport.brand, *messages)
    await sport.service.settled(sport.brand, *ids)
    return ids


async def test_points_that_were_earned_move_a_board_by_their_fields(sport: Sport) -> None:
    score, condition = "points.amount / 2", "points.currency == 'points' && points.kind in ['earn', 'mission']"
    await sport.service.apply(sport.brand, with_boards(fed(POINTS, score, condition)))
    mission, prize, moved = credit("ann", 10), credit("ann", 1_000), credit("ann", 1_000)
    mission.kind = points_pb2.ENTRY_KIND_MISSION
    prize.kind = points_pb2.ENTRY_KIND_PRIZE
    moved.kind = points_pb2.ENTRY_KIND_TRANSFER
    bought = purchase("bob", f"{sport.brand}-1", 1)
    bought.earned.extend([Earned(currency="points", amount=30), Earned(currency="gems", amount=500)])
    await see(sport, mission, prize, moved, bought)
    assert await sport.top() == [(1, "bob", 15), (2, "ann", 5)]
    assert await sport.service.violations(sport.brand) == []


async def test_missions_and_levels_move_boards_with_sub_scores_and_different_values(sport: Sport) -> None:
    best = {"operator": boards_pb.SCORE_OPERATOR_BEST, "ties": boards_pb.TIE_RULE_SUB_SCORE}
    await sport.service.apply(
        sport.brand,
        with_boards(
            fed(LEVELS, "level.place", "member.id != 'eve'", sub_score="level.experience", **best),
            fed(
                MISSIONS, "1", "mission.run == ''", id="variety", operator=boards_pb.SCORE_OPERATOR_DISTINCT,
                distinct="mission.id",
            ),
        ),
    )  # fmt: skip
    done = [
        finished("ann", "five"),
        finished("ann", "five", 1),
        finished("ann", "ten", 2),
        finished("bob", "x", 3, "7"),
    ]
    levels = [reached("ann", "one", 1, 50), reached("bob", "two", 2, 100), reached("ann", "two", 2, 120)]
    await see(sport, *done, *levels, reached("eve", "nine", 9, 900))
    assert await sport.top() == [(1, "ann", 2), (2, "bob", 2)]
    assert await sport.top("variety") == [(1, "ann", 2)]
    assert await sport.service.violations(sport.brand) == []


async def test_events_give_the_same_board_in_whatever_order_and_however_often_they_come(
    sport: Sport, leaderboard: Leaderboard
) -> None:
    chance = random.Random(11)
    events: list[Message] = []
    for n in range(60):
        member = f"m{n % 7}"
        events += [finished(member, f"mission {n % 5}", n, str(n)), reached(member, f"level {n}", n % 4 + 1, n)]
        earned = credit(member, n % 11 + 1, n)
        earned.kind = points_pb2.ENTRY_KIND_MISSION
        events.append(earned)
    shop = with_boards(
        fed(POINTS, "points.amount"),
        fed(MISSIONS, "mission.id.startsWith('mission') ? 3 : 0", id="missions"),
        fed(LEVELS, "level.place * 10 + level.experience", id="levels", operator=boards_pb.SCORE_OPERATOR_LAST),
    )
    seen = []
    for turn in range(2):
        again = Sport(leaderboard, f"{sport.brand}-{turn}")
        await again.service.apply(again.brand, shop)
        order = chance.sample(events, len(events)) if turn else events
        ids = await see(again, *order)
        await again.service.delivered_again(again.brand, ids, *order)
        seen.append([await again.top(name) for name in ("sprint", "missions", "levels")])
        assert await again.service.violations(again.brand) == []
    assert seen[0] == seen[1]
    assert seen[0][0][0][2] > 0


async def test_an_event_is_decided_under_its_own_version_and_waits_for_it(sport: Sport) -> None:
    await sport.service.apply(sport.brand, with_boards(fed(MISSIONS, "1")))
    later = await sport.service.publish(sport.brand, finished("ann", "five", version=2))
    await see(sport, finished("bob", "five", 1))
    assert await sport.top() == [(1, "bob", 1)]
    await sport.service.apply(sport.brand, with_boards(fed(MISSIONS, "100")), version=2)
    await sport.service.settled(sport.brand, *later)
    # What names the older version is decided under that, whenever it comes.
    await see(sport, finished("ann", "six", 2))
    assert await sport.top() == [(1, "ann", 101), (2, "bob", 1)]


async def test_an_expression_that_fails_on_an_event_moves_nothing_and_holds_no_other_board_up(sport: Sport) -> None:
    broken = fed(POINTS, "100 / (points.amount - 5)", id="broken")
    twice = fed(POINTS, "points.amount", id="twice", sub_score="100 / (points.amount - 7)")
    await sport.service.apply(sport.brand, with_boards(broken, twice, fed(POINTS, "points.amount")))
    await see(sport, credit("ann", 5), credit("ann", 7), credit("ann", 15))
    assert await sport.top("broken") == [(1, "ann", 60)]
    assert await sport.top("twice") == [(1, "ann", 20)]
    assert await sport.top() == [(1, "ann", 27)]


@pytest.mark.parametrize(
    ("field", "bad", "detail"),
    [
        (".event.event", fed(0, "1"), "needs which events"),
        (".event.score", fed(POINTS, "points.amont"), "undeclared reference to 'points.amont'"),
        (".event.score", fed(POINTS, "points.currency"), "not a whole number"),
        (".event.condition", fed(LEVELS, "1", "mission.id == 'x'"), "undeclared reference"),
        (".event.condition", fed(LEVELS, "1", "level.place"), "not true or false"),
        (".sub_score", fed(LEVELS, "1", sub_score="level.id"), "not a whole number"),
        (
            ".distinct",
            fed(MISSIONS, "1", operator=boards_pb.SCORE_OPERATOR_DISTINCT, distinct="mission.occurred_at"),
            "text attribute",
        ),
        (".distinct", fed(MISSIONS, "1", distinct="mission.id"), "goes with SCORE_OPERATOR_DISTINCT"),
    ],
)
async def test_a_bad_feed_is_told_by_its_path(sport: Sport, field: str, bad: pb.Board, detail: str) -> None:
    found = await sport.service.problems(sport.brand, with_boards(bad))
    assert detail in found[f"leaderboard.boards[2]{field}"]
