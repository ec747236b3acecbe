"""What open pools have left is told by brand and pool."""

import asyncpg
import pytest
from prometheus_client import REGISTRY

from chassis import metrics
from chassis.configuration import record
from chassis.database import Database
from cli.embedded import Servers
from services.leaderboard import prizes_left

_POOL = """
    INSERT INTO scratch_pools (brand, pool, name, nothing_weight, commitment, sealed_seed, scheme, table_text, root)
    VALUES ($1, $2, '', 0, '', '', 1, $3, '')"""
_PRIZE = """
    INSERT INTO scratch_prizes (brand, pool, id, place, name, weight, stock, currency, amount, remaining)
    VALUES ($1, $2, $3, 0, '', 1, 10, 'points', 5, $4)"""
_STATE = """
    INSERT INTO scratch_pool_states (brand, pool, issued, revealed, spent, head, taken, closed_at)
    VALUES ($1, $2, 0, 0, $3, '', '', NULL)"""


def told(name: str, brand: str, pool: str) -> float | None:
    return REGISTRY.get_sample_value(name, {"brand": brand, "pool": pool})


async def test_prizes_and_budgets_of_open_pools_are_told_and_of_closed_ones_no_longer(
    servers: Servers, brand: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "_brands", {brand})
    monkeypatch.setattr(prizes_left, "POOLS_MAX", 2)
    database = Database(servers.postgres.url("leaderboard"))
    session = await asyncpg.connect(servers.postgres.admin_url("laurels_leaderboard"))
    try:
        async with database.transaction(brand) as connection:
            await record(connection, brand, 1, b"")
        for pool, text in (("a", '{"budget": 30}'), ("b", '{"budget": 0}'), ("c", ""), ("d", "")):
            await session.execute(_POOL, brand, pool, text)
            await session.execute(_PRIZE, brand, pool, "car", 3)
            await session.execute(_PRIZE, brand, pool, "pen", 4)
            await session.execute(_STATE, brand, pool, 12)
        await prizes_left.observe(database)
        assert told("laurels_prizes_left", brand, "a") == 7
        assert told("laurels_prize_budget_left", brand, "a") == 18
        assert told("laurels_prize_budget_left", brand, "b") is None, "a pool without a budget has none left to tell"
        assert told("laurels_prizes_left", brand, prizes_left.OTHER_POOLS) == 14, "pools past the bound are added up"
        await session.execute("UPDATE scratch_pool_states SET closed_at = now() WHERE brand = $1 AND pool = 'a'", brand)
        await prizes_left.observe(database)
        assert told("laurels_prizes_left", brand, "a") is None
        assert told("laurels_prize_budget_left", brand, "a") is None
    finally:
        for table in ("scratch_prizes", "scratch_pool_states", "scratch_pools", "configurations"):
            await session.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            await session.execute(f"DELETE FROM {table} WHERE brand = $1", brand)  # noqa: S608
            await session.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        await session.close()
        await database.close()
