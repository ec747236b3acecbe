"""Wherever the closing of a league's period dies, going on with it ends as if it had not.

It is cut off before every one of its statements, before each commit and after
it, and gone on with by another. Nothing else runs meanwhile.
"""

import asyncio
from collections.abc import Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import asyncpg
import pytest

from chassis.configuration import Configurations
from chassis.database import Database
from chassis.write_path import WritePath
from cli.embedded import Servers
from laurels.leaderboard.v1 import programme_boards_pb2 as boards_pb
from laurels.leaderboard.v1 import programme_leagues_pb2 as leagues_pb
from laurels.leaderboard.v1 import programme_pb2 as pb
from laurels.points.v1.events_pb2 import PointsCredited
from laurels.programme.v1.events_pb2 import ProgrammeApplied
from laurels.value.v1.events_pb2 import Grant, PointsGrant
from services.leaderboard import league_closing
from services.leaderboard import ranks as ranks_module
from services.leaderboard.__main__ import apply
from services.leaderboard.book import Book
from services.leaderboard.closing import Closer
from services.leaderboard.league_closing import LeagueCloser
from services.leaderboard.operations import ADOPTING, OPERATIONS
from services.leaderboard.programme import compile_document
from services.leaderboard.ranks import Ranks
from services.leaderboard.sealing import Seal, key_of
from services.leaderboard.verification import violations
from tests.integration.leaderboard_support import pool, prize, programme
from tests.integration.mortal import Mortal, died

BEGAN = (datetime.now(UTC) + timedelta(days=30)).replace(microsecond=0)
DAYS = [BEGAN + timedelta(days=day) for day in range(4)]
"""All ahead, so that no service that runs closes them."""
# What is kept and told, without the moments and ids that are drawn anew.
KEPT = (
    "SELECT league, period, ends_at, closes_at, due_at, state, version, filling::text FROM leagues WHERE brand = $1",
    """SELECT league, member, division, skill, idle, settled, takes_part FROM league_members WHERE brand = $1
       ORDER BY 1, 2""",
    """SELECT league, period, member, division, cohort, number, joined_at, rank, score, outcome, to_division
       FROM league_seats WHERE brand = $1 ORDER BY 1, 2, 3""",
    "SELECT league, period, member FROM league_waiting WHERE brand = $1 ORDER BY id",
    "SELECT league, period, version, members, promoted, demoted FROM league_periods WHERE brand = $1 ORDER BY 1, 2",
    "SELECT member, number FROM scratch_cards WHERE brand = $1 ORDER BY number",
    """SELECT member, type, CASE WHEN type ~ '(ScratchCardIssued|LeaguePeriodClosed|Adopted|BoardPeriodClosed)$'
       THEN '' ELSE payload END FROM outbox WHERE brand = $1 ORDER BY 2, 1, 3""",
)


def declared() -> Any:
    """Cohorts of four; the first of each wins points and a card, and who is idle goes down."""
    spans = [boards_pb.FixedPeriod(starts_at=day, ends_at=day + timedelta(days=1)) for day in DAYS]
    schedule = boards_pb.BoardSchedule(fixed=boards_pb.FixedPeriods(periods=spans))
    grants = [Grant(points=PointsGrant(currency="points", amount=5)), Grant(scratch_card="spring")]
    cup = boards_pb.BoardPrize(ranks=boards_pb.RankRange(first=1), grants=grants)
    one = leagues_pb.LeagueZone(members=1)
    found = programme(pool("spring", prize("pen", 1, 99)))
    found.leaderboard.boards.append(pb.Board(id="gems", points=pb.PointsFeed(currency="gems"), schedule=schedule))
    found.leaderboard.leagues.add(
        id="ladder",
        board="gems",
        cohort_size=4,
        divisions=[
            leagues_pb.LeagueDivision(id="bronze", promotion=one, prizes=[cup]),
            leagues_pb.LeagueDivision(id="silver", demotion=one, prizes=[cup]),
        ],
        idle=leagues_pb.IdleRule(demote_after=1, leave_after=3),
    )
    return found


class Replica:
    """The service without its callers, on a database that its user may die at."""

    def __init__(self, servers: Servers, database: Database) -> None:
        self.programmes, self.database = Configurations(compile_document), database
        self.ranks = Ranks(database, self.programmes)
        begin = partial(
            Book,
            programmes=self.programmes,
            operations=OPERATIONS,
            adopting=ADOPTING,
            seal=Seal(key_of(servers.data.seed_key())),
        )
        committed = partial(apply, self.ranks)
        self.path = WritePath("leaderboard", database, begin, on_commit=lambda: None, committed=committed)

    def closer(self) -> LeagueCloser:
        return LeagueCloser(self.database, self.path, self.programmes)


@asynccontextmanager
async def immortal(servers: Servers) -> Any:
    database = Database(servers.postgres.url("leaderboard"))
    try:
        replica = Replica(servers, database)
        await replica.ranks.load()
        yield replica
        await replica.path.drain()
    finally:
        await database.close()


async def scored(replica: Replica, brand: str, day: int, *members: str) -> None:
    """Credits of a day, each a little less than the one before."""
    for number, member in enumerate(members):
        at = DAYS[day] + timedelta(minutes=number)
        credited = PointsCredited(
            member=member, currency="gems", amount=99 - number, occurred_at=at, programme_version=1
        )
        await replica.path.submit(brand, credited)


async def begun(servers: Servers, brand: str) -> None:
    """A first day that is closed, a second whose board is, and members who wait for the third."""
    async with immortal(servers) as replica:
        await replica.path.submit(brand, ProgrammeApplied(version=1, programme=declared()))
        await scored(replica, brand, 0, "x0", "x1")
        boards = Closer(replica.database, replica.path, replica.ranks)
        await boards.run_until(DAYS[1])
        await replica.closer().run_until(DAYS[1])
        await scored(replica, brand, 1, *(f"m{number}" for number in range(9)))
        await scored(replica, brand, 2, "m5", "x0", "m0", "new", "m8")
        await boards.run_until(DAYS[2])


async def closed(replica: Replica, brand: str) -> None:
    """Closes the second day, and opens the third."""
    while await replica.closer()._step(brand, "ladder", DAYS[2]):
        pass


async def dying(database: Mortal, asking: Coroutine[Any, Any, None]) -> None:
    """Asks; whoever asks may die at a statement of its own, too."""
    try:
        await asking
    except asyncio.CancelledError:
        if not database.dead.is_set():
            raise


async def read(servers: Servers, *queries: tuple[Any, ...]) -> list[list[tuple[Any, ...]]]:
    """Rows of the database, as the superuser sees them."""
    session = await asyncpg.connect(servers.postgres.admin_url("laurels_leaderboard"))
    try:
        return [[tuple(row) for row in await session.fetch(*query)] for query in queries]
    finally:
        await session.close()


async def kept(servers: Servers, brand: str) -> list[list[tuple[Any, ...]]]:
    return await read(servers, *((query, brand) for query in KEPT))


async def found_wrong(servers: Servers, brand: str) -> list[str]:
    """What `laurels verify` finds in the brand."""
    session = await asyncpg.connect(servers.postgres.admin_url("laurels_leaderboard"))
    try:
        async with session.transaction(isolation="repeatable_read", readonly=True):
            await session.execute("SELECT set_config('laurels.brand', $1, true)", brand)
            return await violations(session, servers.data.seed_key())
    finally:
        await session.close()


async def test_a_closing_that_dies_at_any_statement_moves_everybody_once(
    servers: Servers, brand: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(league_closing, "PAGE", 4)  # a cohort, or four members, at once
    doomed = f"{brand}-doomed"
    monkeypatch.setattr(ranks_module, "_BRANDS", f"{ranks_module._BRANDS} WHERE brand IN ('{brand}', '{doomed}')")
    for each in (brand, doomed):
        await begun(servers, each)
    async with immortal(servers) as replica:
        before = await kept(servers, doomed)
        assert before == await kept(servers, brand)
        await closed(replica, brand)
    deaths, dies_at = 0, 1
    while True:
        database = Mortal(servers.postgres.url("leaderboard"), dies_at)
        await died(database, dying(database, closed(Replica(servers, database), doomed)))
        if not database.dead.is_set():
            break
        deaths, after = deaths + 1, await kept(servers, doomed)
        # As soon as something was committed, each statement of the next step has its turn.
        before, dies_at = after, dies_at + 1 if after == before else 1
    assert deaths > 60
    assert await kept(servers, doomed) == await kept(servers, brand)
    third = int(DAYS[2].timestamp())
    seats = "SELECT member, division FROM league_seats WHERE brand = $1 AND period = $2 ORDER BY joined_at, member"
    cards = "SELECT member FROM scratch_cards WHERE brand = $1 ORDER BY member"
    seated, given = await read(servers, (seats, doomed, third), (cards, doomed))
    # In the order in which they came: x0 was promoted on the first day and idle on the second; m0, m4 and m8 won.
    assert seated == [("m5", "bronze"), ("x0", "bronze"), ("m0", "silver"), ("new", "bronze"), ("m8", "silver")]
    assert [member for (member,) in given] == ["m0", "m4", "m8", "x0"]
    assert await found_wrong(servers, doomed) == []


async def test_scores_that_come_while_two_close_a_period_are_all_seated_once(servers: Servers, brand: str) -> None:
    await begun(servers, brand)
    names = [f"late{number}" for number in range(60)]
    async with immortal(servers) as replica, immortal(servers) as other:
        loads = [scored((replica, other)[part % 2], brand, 2, *names[part::6]) for part in range(6)]
        closings = [one.closer().run_until(DAYS[2]) for one in (replica, other)]
        await asyncio.gather(*closings, *loads)
        await other.closer().run_until(DAYS[2])
    query = "SELECT member FROM league_seats WHERE brand = $1 AND period = $2"
    (seated,) = await read(servers, (query, brand, int(DAYS[2].timestamp())))
    assert {member for (member,) in seated} == {*names, "m5", "x0", "m0", "new", "m8"}
    assert await found_wrong(servers, brand) == []
