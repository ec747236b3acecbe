"""Ranks on boards finish the missions that ask for them: once, in their order, for whom they are."""

import itertools
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chassis.database import Database
from chassis.events import Event
from cli.embedded import Servers
from laurels.leaderboard.v1 import programme_boards_pb2 as boards_pb
from laurels.leaderboard.v1 import programme_pb2 as leaderboard_pb
from laurels.leaderboard.v1.ranks_events_pb2 import RankReached
from laurels.missions.v1 import participation_pb2, programme_pb2
from laurels.missions.v1 import programme_goals_pb2 as goals
from laurels.missions.v1.events_pb2 import MissionCompleted
from laurels.programme.v1.programme_pb2 import ValidateProgrammeRequest
from services.missions.subscriber import request_of
from tests.conftest import running
from tests.integration.missions_support import fetch, open_points, programme
from tests.integration.test_missions_crash_points import path_over
from tests.integration.test_missions_participation import Participation

ENDS = datetime(2026, 3, 9, tzinfo=UTC)
_ids = itertools.count(10**17 + time.time_ns() // 1_000)


@pytest.fixture(scope="module")
async def missions(
    servers: Servers, settings_of: Callable[..., Any], token: Callable[..., str]
) -> AsyncIterator[Participation]:
    opened = open_points(servers)
    points = await anext(opened)
    async with running("missions", settings_of("missions")) as channel:
        yield Participation(servers, channel, points, token)
        await opened.aclose()  # type: ignore[attr-defined]


def ranked(name: str, rank: int, *, while_open: bool = False, board: str = "weekly") -> programme_pb2.Mission:
    found = programme_pb2.Mission(id=name, name=name.title())
    found.reward.currency, found.reward.amount = "points", 5
    found.goals.add().rank.CopyFrom(goals.GoalRank(board=board, rank=rank, while_open=while_open))
    return found


def with_boards(*missions: programme_pb2.Mission) -> Any:
    found = programme(*missions)
    weekly = boards_pb.BoardSchedule(cron=boards_pb.CronPeriods(expression="0 0 * * 1"))
    found.leaderboard.boards.extend(
        [
            leaderboard_pb.Board(id="weekly", name="Weekly", submissions=True, schedule=weekly),
            leaderboard_pb.Board(id="ever", name="Ever", submissions=True),
        ]
    )
    return found


def reached(member: str, rank: int, *, final: bool = True, week: int = 0, board: str = "weekly") -> RankReached:
    ends = ENDS + timedelta(weeks=week)
    return RankReached(
        member=member,
        board=board,
        period=f"{ends - timedelta(weeks=1):%Y%m%dT000000Z}" if board == "weekly" else "",
        rank=rank,
        final=final,
        occurred_at=ends if final else ends - timedelta(days=2),
        programme_version=1,
    )


async def started(missions: Participation, brand: str, applied: Any) -> None:
    await missions.points.apply(brand, applied)
    for _ in range(1_000):
        if await fetch(missions.servers, "SELECT FROM configurations WHERE brand = $1", brand):
            return
    raise AssertionError("the programme was not taken over")


async def hear(missions: Participation, brand: str, *told: RankReached) -> None:
    """Applies events of the leaderboard service, twice each."""
    database = Database(missions.servers.postgres.url("missions"))
    try:
        path = path_over(database)
        events = [Event("leaderboard", next(_ids), brand, each.member, each) for each in told]
        for _ in range(2):
            assert set(await path.submit_events([(event, request_of(event)) for event in events])) == {None}
    finally:
        await database.close()


async def done(missions: Participation, brand: str) -> set[tuple[str, str, str]]:
    query = "SELECT payload FROM outbox WHERE brand = $1 AND type LIKE '%MissionCompleted'"
    events = [MissionCompleted.FromString(row[0]) for row in await fetch(missions.servers, query, brand)]
    assert len({(event.member, event.mission, event.run) for event in events}) == len(events)
    return {(event.member, event.mission, event.run) for event in events}


async def test_a_rank_of_a_standing_or_a_better_one_finishes_a_mission_once(
    missions: Participation, brand: str
) -> None:
    await started(missions, brand, with_boards(ranked("podium", 3), ranked("seen", 3, while_open=True)))
    await hear(missions, brand, reached("ann", 4), reached("bob", 2), reached("cem", 1, final=False))
    # One that was seen while the period was open does for the goal that says so alone.
    assert await done(missions, brand) == {("bob", "podium", ""), ("bob", "seen", ""), ("cem", "seen", "")}
    await hear(missions, brand, reached("bob", 1, week=1), reached("ann", 3, week=1))
    assert ("ann", "podium", "") in await done(missions, brand)
    assert sorted(await missions.granted(brand)) == [
        f"mission:{mission}:{member}"
        for mission, members in (("podium", ("ann", "bob")), ("seen", ("ann", "bob", "cem")))
        for member in members
    ]
    assert await missions.violations(brand) == []


async def test_a_week_s_standing_counts_in_the_week_that_it_ends(missions: Participation, brand: str) -> None:
    weekly = ranked("weekly", 3)
    weekly.window.recurrence = goals.RECURRENCE_WEEKLY
    await started(missions, brand, with_boards(weekly))
    await hear(missions, brand, reached("ann", 2), reached("ann", 3, week=1), reached("ann", 9, week=2))
    assert await done(missions, brand) == {("ann", "weekly", "2026-03-02"), ("ann", "weekly", "2026-03-09")}
    assert await missions.violations(brand) == []


async def test_who_is_not_eligible_or_outside_the_window_reaches_nothing(missions: Participation, brand: str) -> None:
    gold, later = ranked("gold", 3), ranked("later", 3)
    gold.eligible = 'member.tier == "gold"'
    later.window.starts_at.FromDatetime(ENDS)
    await started(missions, brand, with_boards(gold, later))
    await hear(missions, brand, reached("ann", 1))
    assert await done(missions, brand) == set()
    await hear(missions, brand, reached("ann", 1, week=1))
    assert await done(missions, brand) == {("ann", "later", "")}
    assert await missions.violations(brand) == []


async def test_an_explanation_says_the_best_rank_that_was_told(missions: Participation, brand: str) -> None:
    await started(missions, brand, with_boards(ranked("podium", 3)))
    asked = participation_pb2.ExplainMissionRequest(member="ann", mission="podium")

    async def clause() -> tuple[bool, bool, str, list[str]]:
        answer = await missions.ask("ExplainMission", asked, brand, subject="ann", scope="member")
        found = {each.clause: each for each in answer.clauses}["goals[0].rank"]
        return answer.holds, found.holds, found.says, list(found.seen)

    says = 'rank 3 or better on board "weekly"'
    assert await clause() == (True, False, says, ["no rank told"])
    await hear(missions, brand, reached("ann", 9), reached("ann", 5, week=1), reached("ann", 7, week=2))
    assert await clause() == (True, False, says, ["rank = 5"])
    await hear(missions, brand, reached("ann", 2, week=3))
    assert (await clause())[1:] == (True, says, ["rank = 2"])


async def test_bad_ranks_are_told_by_their_path(missions: Participation, brand: str) -> None:
    bad = with_boards(
        ranked("none", 1, board="nowhere"), ranked("deep", 1_001, board="ever"), ranked("zero", 0), ranked("far", 10**6)
    )
    answer = await missions.call("ValidateProgramme", ValidateProgrammeRequest(programme=bad), brand)
    assert {problem.field for problem in answer.problems} == {
        "missions.missions[0].goals[0].rank.board",
        "missions.missions[1].goals[0].rank.rank",
        "missions.missions[2].goals[0].rank.rank",
    }
