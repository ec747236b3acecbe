"""How many prizes, and how much of its budget, each open pool has left, for dashboards. One replica tells it."""

import asyncio
from collections.abc import Awaitable, Callable

from prometheus_client import Gauge

from chassis.database import EVERY_BRAND, Database
from chassis.leadership import exclusively
from chassis.loops import Beat
from chassis.metrics import brand_label

EVERY_S = 15.0
POOLS_MAX = 50
"""So many pools of a brand are told apart; the rest is added up under OTHER_POOLS."""
OTHER_POOLS = "other"

PRIZES_LEFT = Gauge("laurels_prizes_left", "Prizes that an open pool can still give", ("brand", "pool"))
BUDGET_LEFT = Gauge(
    "laurels_prize_budget_left", "What an open pool that has a budget may still spend on prizes", ("brand", "pool")
)

_BRANDS = "SELECT DISTINCT brand FROM configurations ORDER BY brand"
_LEFT = """
    SELECT pools.pool,
        (SELECT coalesce(sum(remaining), 0)::bigint FROM scratch_prizes
         WHERE brand = pools.brand AND pool = pools.pool) AS prizes,
        CASE WHEN table_text <> '' THEN (table_text::jsonb ->> 'budget')::bigint END AS budget, spent
    FROM scratch_pools AS pools JOIN scratch_pool_states AS states
      ON states.brand = pools.brand AND states.pool = pools.pool
    WHERE pools.brand = $1 AND closed_at IS NULL ORDER BY pools.pool"""


def observing(database: Database) -> Callable[[Beat], Awaitable[None]]:
    """A loop that keeps the gauges, while no other replica does."""

    async def run(beat: Beat) -> None:
        async with exclusively(database.url, "leaderboard:prizes", beat):
            while True:
                beat()
                await observe(database)
                await asyncio.sleep(EVERY_S)

    return run


async def observe(database: Database) -> None:
    """Sets what is left in every open pool; one that has closed is no longer told."""
    async with database.reading(EVERY_BRAND) as connection:
        brands = [row["brand"] for row in await connection.fetch(_BRANDS)]
    prizes: dict[tuple[str, str], int] = {}
    budgets: dict[tuple[str, str], int] = {}
    for brand in brands:
        async with database.reading(brand) as connection:
            rows = await connection.fetch(_LEFT, brand)
        for place, row in enumerate(rows):
            key = (brand_label(brand), row["pool"] if place < POOLS_MAX else OTHER_POOLS)
            prizes[key] = prizes.get(key, 0) + row["prizes"]
            if row["budget"]:
                budgets[key] = budgets.get(key, 0) + row["budget"] - row["spent"]
    for gauge, found in ((PRIZES_LEFT, prizes), (BUDGET_LEFT, budgets)):
        gauge.clear()
        for key, left in found.items():
            gauge.labels(*key).set(left)
