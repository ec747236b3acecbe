"""When a period closes, the standing of every group is kept, and gives its prizes once, whatever dies when."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from chassis.errors import NotFound
from cli.embedded import Servers
from laurels.erasure.v1.events_pb2 import ErasureReceipt, ErasureSettled, MemberErased
from laurels.leaderboard.v1 import boards_pb2, leaderboard_pb2
from laurels.leaderboard.v1 import programme_boards_pb2 as boards_pb
from laurels.leaderboard.v1.boards_events_pb2 import BoardPeriodClosed
from laurels.leaderboard.v1.events_pb2 import ScratchCardIssued
from laurels.points.v1.events_pb2 import TierChanged
from laurels.points.v1.members_events_pb2 import ConsentChanged
from laurels.points.v1.members_pb2 import CONSENT_PURPOSE_LEADERBOARDS
from laurels.value.v1.events_pb2 import Grant, PointsGrant, RewardGranted
from services.leaderboard import closing, group_closing
from services.leaderboard import ranks as ranks_module
from tests.conftest import running
from tests.integration.leaderboard_support import NOON, Leaderboard, eventually, listening, pool, prize
from tests.integration.test_leaderboard_late_periods import AFTER_ALL
from tests.integration.test_leaderboard_periods import (
    AT_HAND,
    FIXED,
    Sport,
    board,
    closed,
    cup,
    lives,
    replica,
    with_boards,
)

DATED = boards_pb.BoardSchedule(fixed=FIXED)
MEMBERS = [
    ("ann", 50, "de"),
    ("bob", 40, "fr"),
    ("cem", 40, "de"),
    ("dan", 30, "de"),
    ("eve", 20, "fr"),
    ("flo", 9, ""),
]


def country(**fields: Any) -> boards_pb.BoardScope:
    return boards_pb.BoardScope(**{"id": "country", "attribute": "country", **fields})


def team(*prizes: boards_pb.BoardPrize, aggregate: Any = boards_pb.TEAM_AGGREGATE_SUM) -> boards_pb.TeamRanking:
    return boards_pb.TeamRanking(aggregate=aggregate, prizes=prizes)


def points(amount: int) -> Grant:
    return Grant(points=PointsGrant(currency="points", amount=amount))


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


async def scored(sport: Sport, *scopes: boards_pb.BoardScope, pools: Any = (), **fields: Any) -> None:
    """A board with the members' scores in the period at hand."""
    shop = with_boards(board(schedule=DATED, scopes=scopes, **fields))
    shop.leaderboard.scratch_pools.extend(pools)
    await sport.service.apply(sport.brand, shop)
    told: list[Any] = [lives(member, land) for member, _, land in MEMBERS if land]
    told += [TierChanged(member="ann", to_tier="gold"), TierChanged(member="flo", to_tier="gold")]
    await sport.service.settled(sport.brand, *await sport.service.publish(sport.brand, *told))
    await sport.submit(*((member, score) for member, score, _ in MEMBERS), at=AT_HAND)


async def close(sport: Sport, servers: Servers, monkeypatch: pytest.MonkeyPatch) -> str:
    """The period's id, once it is closed."""
    monkeypatch.setattr(ranks_module, "_BRANDS", f"SELECT '{sport.brand}' AS brand")
    async with AsyncExitStack() as stack:
        await (await replica(servers, stack)).run_until(AFTER_ALL)
    (told,) = await closed(sport)

    async def gone() -> bool:  # from the memory of the replica that is asked
        try:
            await sport.service.call("ListLeaderboardEntries", _listing(period=told.period), sport.brand)
        except NotFound:
            return False
        return (await sport.top()) == []

    await eventually(gone)
    return told.period


def _listing(**fields: Any) -> leaderboard_pb2.ListLeaderboardEntriesRequest:
    return leaderboard_pb2.ListLeaderboardEntriesRequest(board="sprint", **fields)


async def read(sport: Sport, **fields: Any) -> list[tuple[int, str, int]]:
    found = await sport.service.call("ListLeaderboardEntries", _listing(**fields), sport.brand)
    return [(e.rank, e.member or e.group or e.alias, e.score) for e in found.entries]


async def won(sport: Sport) -> Counter[tuple[str, int]]:
    """Members with the points that they were granted."""
    granted = await sport.service.told(sport.brand, RewardGranted)
    return Counter((each.member, grant.points.amount) for each in granted for grant in each.grants)


async def test_each_group_s_standing_is_kept_and_wins_by_rank_percentile_and_team(
    sport: Sport, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    half = boards_pb.BoardPrize(top_percent=50, grants=[points(5)])
    scopes = (
        country(prizes=[cup(1, amount=7), half], team=team(cup(1, amount=3))),
        boards_pb.BoardScope(id="tier", tier=boards_pb.ScopeByTier(), prizes=[cup(2, amount=11)]),
    )
    await scored(sport, *scopes, prizes=[cup(1)], ranks=boards_pb.RANK_METHOD_COMPETITION)
    period = await close(sport, servers, monkeypatch)
    german = [(1, "ann", 50), (2, "cem", 40), (3, "dan", 30)]
    assert await read(sport, period=period, scope="country", group="de") == german
    assert await read(sport, period=period, scope="country", group="fr") == [(1, "bob", 40), (2, "eve", 20)]
    assert await read(sport, period=period, scope="country") == [(1, "de", 120), (2, "fr", 60)]
    assert await read(sport, period=period, scope="tier", group="gold") == [(1, "ann", 50), (2, "flo", 9)]
    assert await read(sport, period=period, scope="country", group="it") == []
    # Of three the top half is two; of the cup's winner no more than the first prize is given.
    assert await won(sport) == Counter(
        [("ann", 100), ("ann", 7), ("cem", 5), ("bob", 7), ("ann", 3), ("cem", 3), ("dan", 3), ("flo", 11)]
    )
    for listing in ({"scope": "planet"}, {"scope": "tier"}):
        if listing["scope"] == "planet":
            with pytest.raises(NotFound):
                await read(sport, period=period, **listing)
        else:
            assert await read(sport, period=period, **listing) == []
    assert await sport.service.violations(sport.brand) == []


async def test_a_member_s_place_in_a_group_stays_readable_and_whoever_moved_since_was_where_they_were(
    sport: Sport, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    await scored(sport, country(team=team()))
    period = await close(sport, servers, monkeypatch)
    told = await sport.service.publish(sport.brand, lives("cem", "fr"))
    await sport.service.settled(sport.brand, *told)
    request = leaderboard_pb2.GetLeaderboardMemberRequest(
        board="sprint", member="cem", scope="country", period=period, around=1
    )
    place = await sport.service.call("GetLeaderboardMember", request, sport.brand)
    assert (place.entry.rank, place.members, place.percentile) == (2, 3, 50.0)
    assert [entry.member for entry in place.neighbours] == ["ann", "cem", "dan"]
    request.member = "flo"
    with pytest.raises(NotFound) as refused:
        await sport.service.call("GetLeaderboardMember", request, sport.brand)
    assert refused.value.reason == "not_ranked"
    standings, token = [], ""
    while True:
        listed = boards_pb2.ListMemberStandingsRequest(member="cem", page_size=1, page_token=token)
        page = await sport.service.call("ListMemberStandings", listed, sport.brand, scope="member", subject="cem")
        standings += [(s.board, s.scope, s.group, s.entry.rank, s.members) for s in page.standings]
        if not (token := page.next_page_token):
            break
    assert standings == [("sprint", "country", "de", 2, 3), ("sprint", "", "", 3, 6)]


async def test_consent_and_erasure_hold_for_the_standings_of_groups(
    sport: Sport, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    await scored(sport, country())
    period = await close(sport, servers, monkeypatch)
    said = ConsentChanged(member="ann", purpose=CONSENT_PURPOSE_LEADERBOARDS, granted=False, changed_at=NOON)
    erased = MemberErased(member="cem", erasure="e1", alias="!x1", erased_at=NOON)
    await sport.service.settled(sport.brand, *await sport.service.publish(sport.brand, said, erased))
    receipt = ErasureReceipt(erasure="e1", service="missions", after="points", alias="!x1")
    await sport.service.settled(sport.brand, *await sport.service.publish(sport.brand, receipt, member="cem"))
    await sport.service.settled(sport.brand, *await sport.service.publish(sport.brand, ErasureSettled(erasure="e1")))
    first, second, third = await read(sport, period=period, scope="country", group="de")
    assert first[1] not in ("", "ann")
    assert (second, third) == ((2, "!x1", 40), (3, "dan", 30))
    assert await sport.service.violations(sport.brand) == []


async def test_a_close_that_dies_anywhere_gives_every_group_s_prize_once(
    sport: Sport, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (closing, group_closing):
        monkeypatch.setattr(module, "PAGE", 3)
    monkeypatch.setattr(group_closing, "GROUPS_AT_ONCE", 2)
    monkeypatch.setattr(ranks_module, "_BRANDS", f"SELECT '{sport.brand}' AS brand")
    card = boards_pb.BoardPrize(
        ranks=boards_pb.RankRange(first=1, last=9), grants=[points(1), Grant(scratch_card="spring")]
    )
    scopes = (country(prizes=[card], team=team(cup(1, 9, amount=2))),)
    spring = pool("spring", prize("pen", 1, 99))
    await scored(sport, *scopes, pools=[spring])
    more = [f"m{n:02}" for n in range(24)]
    told = [lives(member, f"land {n % 5}") for n, member in enumerate(more)]
    await sport.service.settled(sport.brand, *await sport.service.publish(sport.brand, *told))
    await sport.submit(*((member, 5) for member in more), at=AT_HAND)
    dead = 0
    for dies_at in range(1, 60):
        async with AsyncExitStack() as stack:
            doomed = await replica(servers, stack)
            killed = asyncio.create_task(doomed.run_until(AFTER_ALL))
            await asyncio.sleep(0.002 * dies_at)
            killed.cancel()
            dead += (await asyncio.gather(killed, return_exceptions=True))[0] is not None
        if await sport.service.told(sport.brand, BoardPeriodClosed):
            break
    async with AsyncExitStack() as stack:
        await (await replica(servers, stack)).run_until(AFTER_ALL)
    assert dead > 1
    assert len(await sport.service.told(sport.brand, BoardPeriodClosed)) == 1
    grouped = [member for member, _, land in MEMBERS if land] + more
    assert await won(sport) == Counter(
        [(member, 1) for member in grouped] + [(member, 2) for member in grouped]
    ) + Counter(
        {(member, 0): 1 for member in grouped}  # the card, which is no points
    )
    cards = await sport.service.told(sport.brand, ScratchCardIssued)
    assert Counter(each.member for each in cards) == Counter(grouped)
    assert await sport.service.violations(sport.brand) == []


async def test_verification_finds_a_group_s_standing_that_is_not_the_board_s(
    sport: Sport, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    await scored(sport, country(prizes=[cup(1)], team=team()))
    await close(sport, servers, monkeypatch)
    of_brand = "WHERE brand = $1 AND group_id = 'de'"
    for damage, repair, sentence in (
        (
            f"UPDATE group_standings SET score = 41 {of_brand} AND place = 2",  # noqa: S608
            f"UPDATE group_standings SET score = 40 {of_brand} AND place = 2",  # noqa: S608
            "otherwise than on the board",
        ),
        (
            f"UPDATE board_groups SET score = 1 {of_brand}",  # noqa: S608
            f"UPDATE board_groups SET score = 120 {of_brand}",  # noqa: S608
            "not ranked by their members' scores",
        ),
        (
            f"UPDATE board_groups SET rewarded = 1 {of_brand}",  # noqa: S608
            f"UPDATE board_groups SET rewarded = 3 {of_brand}",  # noqa: S608
            "not looked at for all that it wins",
        ),
        (
            f"UPDATE group_standings SET rank = 9 {of_brand} AND place = 3",  # noqa: S608
            f"UPDATE group_standings SET rank = 3 {of_brand} AND place = 3",  # noqa: S608
            "out of order",
        ),
    ):
        await sport.service.fetch(damage, sport.brand)
        assert any(sentence in found for found in await sport.service.violations(sport.brand)), sentence
        await sport.service.fetch(repair, sport.brand)
    assert await sport.service.violations(sport.brand) == []


async def test_a_scope_s_bad_prizes_are_told_by_their_path(sport: Sport) -> None:
    where = "leaderboard.boards[2].scopes[0]"
    timeless = await sport.service.problems(
        sport.brand, with_boards(board(scopes=[country(prizes=[cup(1)], team=team(cup(1)))]))
    )
    assert "no schedule" in timeless[f"{where}.prizes"]
    assert "no schedule" in timeless[f"{where}.team.prizes"]
    bad = country(prizes=[cup(3, 2)], team=team(boards_pb.BoardPrize(top_percent=50)))
    found = await sport.service.problems(sport.brand, with_boards(board(schedule=DATED, scopes=[bad])))
    assert set(found) == {f"{where}.prizes[0].ranks.last", f"{where}.team.prizes[0].grants"}
