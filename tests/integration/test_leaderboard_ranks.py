"""Ranks that goals of missions ask for are told once: from standings, and where they ask so, while a period is open."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cli.embedded import Servers
from laurels.leaderboard.v1 import programme_boards_pb2 as boards_pb
from laurels.leaderboard.v1.boards_events_pb2 import BoardPeriodClosed
from laurels.leaderboard.v1.ranks_events_pb2 import RankReached
from laurels.missions.v1.programme_goals_pb2 import GoalRank
from laurels.missions.v1.programme_pb2 import Mission
from laurels.programme.v1 import programme_pb2
from services.leaderboard import ranks as ranks_module
from services.leaderboard.periods import period_id
from tests.conftest import running
from tests.integration.leaderboard_support import Leaderboard, eventually, listening
from tests.integration.test_leaderboard_periods import (
    AT_HAND,
    BEGAN,
    FIXED,
    PAST,
    Sport,
    board,
    closed,
    replica,
    with_boards,
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


def asking(*boards: Any, **ranks: GoalRank) -> programme_pb2.Programme:
    """A programme with boards, and a mission for each rank."""
    found = with_boards(*boards)
    for name, rank in ranks.items():
        mission = Mission(id=name, name=name.title())
        mission.goals.add().rank.CopyFrom(rank)
        found.missions.missions.append(mission)
    return found


async def told(sport: Sport, count: int = 0) -> list[RankReached]:
    async def enough() -> Any:
        found = await sport.service.told(sport.brand, RankReached)
        return found if len(found) >= count else None

    found: list[RankReached] = await eventually(enough)
    return found


def facts(events: list[RankReached]) -> list[tuple[str, int, bool]]:
    return sorted((event.member, event.rank, event.final) for event in events)


async def test_a_standing_tells_the_ranks_that_goals_ask_for_and_no_others(sport: Sport) -> None:
    dated = board(schedule=boards_pb.BoardSchedule(fixed=FIXED), ranks=boards_pb.RANK_METHOD_COMPETITION)
    asked = asking(
        dated, board("other"), best=GoalRank(board="sprint", rank=2), podium=GoalRank(board="sprint", rank=3)
    )
    await sport.service.apply(sport.brand, asked)
    await sport.submit(("ann", 9), ("bob", 7), ("cem", 7), ("dan", 1), at=PAST)
    await sport.submit(("dan", 5), at=AT_HAND)
    await closed(sport)
    events = await told(sport)
    # Two share the second rank, so that nobody has the third.
    assert facts(events) == [("ann", 1, True), ("bob", 2, True), ("cem", 2, True)]
    assert {event.period for event in events} == {period_id(int(BEGAN.timestamp()))}
    assert {event.occurred_at.ToDatetime(tzinfo=UTC) for event in events} == {BEGAN + timedelta(days=1)}
    assert await sport.service.violations(sport.brand) == []
    await sport.service.fetch(
        "DELETE FROM outbox WHERE brand = $1 AND type LIKE '%RankReached' AND member = 'bob'", sport.brand
    )
    assert await sport.service.violations(sport.brand) == [
        "The rank 2 of 'bob' in the standing of 'sprint' is told by no event."
    ]


async def test_while_a_board_is_open_each_better_rank_that_is_asked_for_is_told_once(
    sport: Sport, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    dated = board(schedule=boards_pb.BoardSchedule(fixed=FIXED))
    asked = asking(
        dated,
        board("ever"),
        first=GoalRank(board="sprint", rank=1, while_open=True),
        third=GoalRank(board="sprint", rank=3, while_open=True),
        ever=GoalRank(board="ever", rank=1),
    )
    await sport.service.apply(sport.brand, asked)
    await sport.submit(("ann", 9), ("bob", 7), ("cem", 5), ("dan", 1), at=AT_HAND)
    assert facts(await told(sport, 3)) == [("ann", 1, False), ("bob", 2, False), ("cem", 3, False)]
    await sport.submit(("bob", 6), ("dan", 7), at=AT_HAND)
    # From the second rank to the first is another goal's; to go down is none's.
    assert facts(await told(sport, 5))[1:] == [
        ("bob", 1, False),
        ("bob", 2, False),
        ("cem", 3, False),
        ("dan", 3, False),
    ]
    await sport.submit(("dan", 1), board="ever")
    (of_ever,) = [event for event in await told(sport, 6) if event.board == "ever"]
    assert (of_ever.member, of_ever.rank, of_ever.period, of_ever.final) == ("dan", 1, "", False)
    # Replicas that know nothing of what was told, at once, tell nothing more.
    monkeypatch.setattr(ranks_module, "_BRANDS", f"SELECT '{sport.brand}' AS brand")
    async with AsyncExitStack() as stack:
        others = [await replica(servers, stack) for _ in range(3)]
        await asyncio.gather(*(other._lookout.look(datetime.now(UTC)) for other in others))
    assert len(await told(sport)) == 6
    assert await sport.service.violations(sport.brand) == []
    await sport.service.fetch("UPDATE ranks_told SET rank = 2 WHERE brand = $1 AND board = 'ever'", sport.brand)
    assert await sport.service.violations(sport.brand) == [
        "The rank 1 of 'dan' on board 'ever' was told last; 2 is kept."
    ]


async def test_replicas_that_look_at_once_tell_a_rank_once(
    sport: Sport, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sport.service.apply(
        sport.brand, asking(board("ever"), top=GoalRank(board="ever", rank=600), best=GoalRank(board="ever", rank=10))
    )
    monkeypatch.setattr(ranks_module, "_BRANDS", f"SELECT '{sport.brand}' AS brand")
    async with AsyncExitStack() as stack:
        for first in (0, 400):
            await sport.submit(
                *((f"m{n:03}", 1_000 - n) for n in range(first, first + 400)), board="ever", key=f"{first}"
            )
        others = [await replica(servers, stack) for _ in range(3)]
        await asyncio.gather(*(other._lookout.look(datetime.now(UTC)) for other in others))
    events = await told(sport, 600)
    assert facts(events) == [(f"m{n:03}", n + 1, False) for n in range(600)]
    assert await sport.service.violations(sport.brand) == []
    assert not await sport.service.told(sport.brand, BoardPeriodClosed)
