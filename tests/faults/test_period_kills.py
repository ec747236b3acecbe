"""A board's period closes under load while its service is killed at each step, and every prize is credited once."""

import asyncio
import os
import signal
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx

from cli.settlement import settlement_of
from cli.supervisor import Suite
from cli.verify import violations
from laurels.points.v1.points_pb2 import ENTRY_KIND_STANDING
from laurels.value.v1.events_pb2 import RewardGranted
from services.leaderboard.group_closing import PAGE
from tests.e2e.world import World, eventually, purchase

MEMBERS = [f"m{number:03}" for number in range(PAGE + 60)]
OPEN_S, LOADERS, PATIENCE, SETTLE_S = 12.0, 4, 900, 120.0
BOARD_PRIZE, GROUP_PRIZE, TEAM_PRIZE = 5, 3, 2
BOARD = "closing"

# What changes with each step of a close: frozen, each page, groups ranked, each page of their prizes, closed.
_STEP = """
    SELECT state, archived,
        (SELECT count(place) FROM board_groups WHERE brand = $1) AS ranked,
        (SELECT coalesce(sum(rewarded), 0) FROM board_groups WHERE brand = $1) AS rewarded
    FROM board_periods WHERE brand = $1 AND board = $2"""
# Each step takes so long before it is committed that a kill after one falls into the next.
_SLOW = """
    CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.1); RETURN NULL; END';
    CREATE TRIGGER slow AFTER UPDATE ON board_periods EXECUTE FUNCTION slow();
    CREATE TRIGGER slow AFTER UPDATE ON board_groups EXECUTE FUNCTION slow()"""
_FAST = "DROP FUNCTION IF EXISTS slow() CASCADE"
CLOSED = 3


async def test_a_period_that_closes_while_its_service_is_killed_at_each_step_credits_each_prize_once(
    suite: Suite, brand: str
) -> None:
    async with World(suite, brand) as world:
        ends_at = await open_board(world)
        # Whoever did something is known with a tier.
        moment = datetime.now(UTC) - timedelta(days=1)
        for first in range(0, len(MEMBERS), 100):
            bought = [purchase(f"first-{member}", member, moment, 100, 1) for member in MEMBERS[first : first + 100]]
            answer = await world.call("POST", "/v1/activities", {"activities": bought})
            assert answer.status_code == 200, answer.text
        async with settlement_of(suite.data) as settlement:
            await settlement.reached(SETTLE_S)
        scores = [{"member": member, "score": 10} for member in MEMBERS]
        taken = 10 * await submitted(world, "all", scores, ends_at)
        stop = asyncio.Event()
        loads = [asyncio.create_task(load(world, number, ends_at, stop)) for number in range(LOADERS)]
        try:
            kills = await kill_at_each_step(suite, brand)
        finally:
            stop.set()
        taken += sum(await asyncio.gather(*loads))
        async with settlement_of(suite.data) as settlement:
            await settlement.reached(SETTLE_S)
        # Frozen, two pages, ranked, two pages of prizes, closed.
        assert kills >= 6
        await check(suite, brand, taken)
    assert await violations(suite.data) == []


async def open_board(world: World) -> datetime:
    """A board with a prize for everybody, on the board, in their tier, and for their tier's place; when it ends."""
    programme = (await world.get("/v1/programme"))["programme"]
    ends_at = datetime.now(UTC) + timedelta(seconds=OPEN_S)

    def prize(amount: int) -> list[dict[str, Any]]:
        grant = {"points": {"currency": "points", "amount": amount}}
        return [{"ranks": {"first": 1, "last": 100_000}, "grants": [grant]}]

    programme["leaderboard"]["boards"].append(
        {
            "id": BOARD,
            "name": "Closing",
            "submissions": True,
            "schedule": {"fixed": {"periods": [{"starts_at": "2020-01-01T00:00:00Z", "ends_at": ends_at.isoformat()}]}},
            "prizes": prize(BOARD_PRIZE),
            "scopes": [
                {
                    "id": "tier",
                    "tier": {},
                    "prizes": prize(GROUP_PRIZE),
                    "team": {"aggregate": "sum", "prizes": prize(TEAM_PRIZE)},
                }
            ],
        }
    )
    answer = await world.call("PUT", "/v1/programme", {"programme": programme})
    assert answer.status_code == 200, answer.text

    async def known() -> int:
        return (await world.call("GET", f"/v1/leaderboards/{BOARD}/entries")).status_code

    await eventually(known, 200)
    return ends_at


async def submitted(world: World, key: str, scores: list[dict[str, Any]], ends_at: datetime) -> int:
    """How many of the scores were taken in; asked again until there is an answer, as a client does."""
    at = (ends_at - timedelta(hours=1)).isoformat()
    body = {"scores": [{**score, "occurred_at": at} for score in scores]}
    for _ in range(PATIENCE):
        try:
            answer = await world.call(
                "POST", f"/v1/leaderboards/{BOARD}/scores", body, headers={"idempotency-key": key}
            )
        except httpx.TransportError:
            answer = None
        if answer is not None and answer.status_code == 200:
            return int(answer.json().get("accepted", 0))
        assert answer is None or answer.status_code in (500, 503, 504), answer.text
        await asyncio.sleep(0.1)
    raise AssertionError(f"{key} had no answer")


async def load(world: World, number: int, ends_at: datetime, stop: asyncio.Event) -> int:
    """Scores of one each until the end; what they come to."""
    taken = turn = 0
    while not stop.is_set():
        turn += 1
        member = MEMBERS[(turn * LOADERS + number) % len(MEMBERS)]
        taken += await submitted(world, f"load-{number}-{turn}", [{"member": member, "score": 1}], ends_at)
        await asyncio.sleep(0.02)
    return taken


async def kill_at_each_step(suite: Suite, brand: str) -> int:
    """Kills the service after each step of the close, which is within the next one; how often."""
    connection = await asyncpg.connect(suite.servers.postgres.admin_url("laurels_leaderboard"))
    try:
        await connection.execute(_SLOW)
        before = await connection.fetchrow(_STEP, brand, BOARD)
        kills = 0
        async with asyncio.timeout(SETTLE_S):
            while True:
                step = await connection.fetchrow(_STEP, brand, BOARD)
                if step != before:
                    await asyncio.sleep(0.03 * (kills % 3))
                    os.kill(suite.part_pid("leaderboard"), signal.SIGKILL)
                    before, kills = step, kills + 1
                    if step["state"] == CLOSED:
                        return kills
                await asyncio.sleep(0.001)
    finally:
        await connection.execute(_FAST)
        await connection.close()


async def check(suite: Suite, brand: str, taken: int) -> None:
    """Every prize was told once and credited once, and the standing has every score that was taken in."""
    leaderboard = await asyncpg.connect(suite.servers.postgres.admin_url("laurels_leaderboard"))
    points = await asyncpg.connect(suite.servers.postgres.admin_url("laurels_points"))
    try:
        standing = await leaderboard.fetchrow(
            "SELECT count(*), sum(score) FROM board_standings WHERE brand = $1 AND board = $2", brand, BOARD
        )
        assert tuple(standing) == (len(MEMBERS), taken)
        rows = await leaderboard.fetch(
            "SELECT payload FROM outbox WHERE brand = $1 AND type = $2", brand, RewardGranted.DESCRIPTOR.full_name
        )
        granted = [RewardGranted.FromString(row["payload"]) for row in rows]
        told = Counter(each.key for each in granted if each.reference == BOARD)
        assert (len(told), set(told.values())) == (3 * len(MEMBERS), {1})
        rows = await points.fetch(
            "SELECT key, amount FROM entries WHERE brand = $1 AND kind = $2", brand, ENTRY_KIND_STANDING
        )
        assert Counter(row["key"] for row in rows) == told
        expected = len(MEMBERS) * (BOARD_PRIZE + GROUP_PRIZE + TEAM_PRIZE)
        assert sum(row["amount"] for row in rows) == expected
    finally:
        await leaderboard.close()
        await points.close()
