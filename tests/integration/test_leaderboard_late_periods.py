"""A period outlives its board's place in the programme, and is not closed while a replay still fills it."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import pytest

from chassis.errors import NotFound
from cli.embedded import Servers
from laurels.leaderboard.v1 import leaderboard_pb2
from laurels.leaderboard.v1 import programme_boards_pb2 as boards_pb
from laurels.leaderboard.v1 import programme_pb2 as pb
from laurels.leaderboard.v1.boards_events_pb2 import BoardPeriodClosed
from laurels.value.v1.events_pb2 import RewardGranted
from services.leaderboard import ranks as ranks_module
from services.leaderboard.closing import Closer
from services.leaderboard.periods import period_id
from tests.conftest import running
from tests.integration.leaderboard_support import NOON, Leaderboard, eventually, listening, purchase
from tests.integration.test_leaderboard_periods import (
    AT_HAND,
    BEGAN,
    FIXED,
    NOW,
    PAST,
    Sport,
    board,
    closed,
    cup,
    replica,
    with_boards,
)

DATED = boards_pb.BoardSchedule(fixed=FIXED)
AFTER_ALL = NOW + timedelta(days=400)


@pytest.fixture(scope="module")
async def leaderboard(
    servers: Servers, settings_of: Callable[..., Any], token: Callable[..., str]
) -> AsyncIterator[Leaderboard]:
    settings = settings_of("leaderboard", late_period_quiet_s=3_600.0)
    async with listening(servers) as client, running("leaderboard", settings) as channel:
        service = Leaderboard(servers, channel, client, token)
        yield service
        await service.forget()


@pytest.fixture
def sport(leaderboard: Leaderboard, brand: str) -> Sport:
    return Sport(leaderboard, brand)


async def closer_of(servers: Servers, stack: AsyncExitStack, brand: str, monkeypatch: pytest.MonkeyPatch) -> Closer:
    """A replica that knows this brand alone, so that it closes no other test's periods."""
    monkeypatch.setattr(ranks_module, "_BRANDS", f"SELECT '{brand}' AS brand")
    return await replica(servers, stack)


async def standing(sport: Sport, period: str) -> list[tuple[int, str, int]]:
    request = leaderboard_pb2.ListLeaderboardEntriesRequest(board="sprint", period=period)
    found = await sport.service.call("ListLeaderboardEntries", request, sport.brand)
    return [(entry.rank, entry.member, entry.score) for entry in found.entries]


async def test_a_board_that_left_the_programme_closes_with_its_prizes_and_its_history_is_read(
    sport: Sport, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields: dict[str, Any] = {"schedule": DATED, "ascending": True, "operator": boards_pb.SCORE_OPERATOR_BEST}
    await sport.service.apply(sport.brand, with_boards(board(prizes=[cup(1, amount=7)], **fields)))
    await sport.submit(("ann", 9), ("bob", 5), ("cem", 7), at=AT_HAND)
    await sport.service.apply(sport.brand, with_boards(board(prizes=[cup(1, amount=8)], **fields)), version=2)
    await sport.service.apply(sport.brand, with_boards(), version=3)
    in_order = [(1, "bob", 5), (2, "cem", 7), (3, "ann", 9)]
    assert await sport.top() == in_order
    with pytest.raises(NotFound) as refused:
        await sport.submit(("dan", 1), at=AT_HAND)
    assert refused.value.reason == "unknown_board"
    async with AsyncExitStack() as stack:
        # A replica that starts only now has the order, too.
        closer = await closer_of(servers, stack, sport.brand, monkeypatch)
        found, compiled = closer._ranks.board(sport.brand, "sprint")
        assert compiled.scoring.order.ascending
        assert [p.member for (_, _), index in found.indexes.items() for p in index.page(0, 9)] == ["bob", "cem", "ann"]
        await closer.run_until(AFTER_ALL)
    (told,) = await closed(sport)
    (prize,) = await sport.service.told(sport.brand, RewardGranted)
    assert (prize.member, prize.grants[0].points.amount, prize.programme_version) == ("bob", 8, 2)
    assert await standing(sport, told.period) == in_order
    assert await sport.service.violations(sport.brand) == []


async def test_a_board_that_comes_back_goes_on_in_its_period(sport: Sport) -> None:
    await sport.service.apply(sport.brand, with_boards(board(schedule=DATED)))
    await sport.submit(("ann", 2), at=AT_HAND)
    await sport.service.apply(sport.brand, with_boards(), version=2)
    await sport.service.apply(sport.brand, with_boards(board(schedule=DATED)), version=3)
    await sport.submit(("ann", 3), at=AT_HAND, key="again")
    assert await sport.top() == [(1, "ann", 5)]


async def test_old_events_fill_the_periods_that_they_happened_in_and_none_is_lost(
    sport: Sport, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a replay of years does, in which each period's events come one after another."""
    daily = boards_pb.BoardSchedule(cron=boards_pb.CronPeriods(expression="0 0 * * *", zone="Europe/Berlin"))
    feed = pb.ActivityFeed(activity_type="purchase", score="attributes.amount")
    fed = board(submissions=False, schedule=daily, prizes=[cup(1)], activity=feed)
    await sport.service.apply(sport.brand, with_boards(fed))
    async with AsyncExitStack() as stack:
        closer = await closer_of(servers, stack, sport.brand, monkeypatch)
        closer._quiet_s = 60.0
        moment, told = NOW, 0
        for turn in range(4):
            bought = [purchase("ann", f"{sport.brand}-{turn}-{day}", 1, day * 1_440) for day in range(5)]
            await sport.service.settled(sport.brand, *await sport.service.publish(sport.brand, *bought))
            await closer._ranks.catch_up()
            # Each look finds that they were moved since the one before.
            moment += timedelta(seconds=59)
            await closer.run_until(moment)
            told += len(await sport.service.told(sport.brand, BoardPeriodClosed))
        assert told == 0

        async def all_closed() -> bool:
            """After a minute without a move; a look that learns of the last one late waits another."""
            nonlocal moment
            moment += timedelta(seconds=60)
            await closer._ranks.catch_up()
            await closer.run_until(moment)
            return len(await sport.service.told(sport.brand, BoardPeriodClosed)) >= 5

        await eventually(all_closed)
    periods = {e.period for e in await closed(sport, 5)}
    starts = {period_id(int((NOON + timedelta(days=day, hours=-13)).timestamp())) for day in range(5)}
    assert periods == starts
    for period in sorted(periods):
        assert await standing(sport, period) == [(1, "ann", 4)]
    kept = await sport.service.fetch(
        "SELECT count(*) FROM board_facts WHERE brand = $1 AND board = 'sprint'", sport.brand
    )
    assert kept[0][0] == 20
    assert len(await sport.service.told(sport.brand, RewardGranted)) == 5
    assert await sport.service.violations(sport.brand) == []


async def test_a_period_that_was_scored_in_time_closes_when_it_is_due(
    sport: Sport, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sport.service.apply(sport.brand, with_boards(board(schedule=DATED)))
    await sport.submit(("ann", 2), at=AT_HAND)
    await sport.submit(("ann", 2), at=PAST)
    async with AsyncExitStack() as stack:
        closer = await closer_of(servers, stack, sport.brand, monkeypatch)
        closer._quiet_s = 3_600.0
        await closer.run_until(AFTER_ALL)
    (told,) = await closed(sport)
    assert told.period == period_id(int((BEGAN + timedelta(days=1)).timestamp()))

    async def is_open() -> bool:
        rows = await sport.service.fetch(
            "SELECT state FROM board_periods WHERE brand = $1 AND period = $2", sport.brand, int(BEGAN.timestamp())
        )
        return bool(rows[0]["state"] == 1)

    assert await eventually(is_open)
