"""What each brand's ledger comes to, for dashboards, and whether it sums to zero.

The programme's own accounts are few, so their totals are cheap. The trial
balance reads every account and is made seldom. One replica does it.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

from prometheus_client import Gauge

from chassis.database import EVERY_BRAND, Database
from chassis.leadership import exclusively
from chassis.loops import Beat, beating
from chassis.metrics import brand_label

TOTALS_EVERY_S = 15.0
TRIAL_BALANCE_EVERY_S = 600.0

TOTAL = Gauge(
    "laurels_points_total",
    "Points that a programme's account has taken in: issued is below zero by all that was issued",
    ("brand", "currency", "account"),
)
IMBALANCE = Gauge(
    "laurels_ledger_imbalance", "What a currency's balances sum to, which must be 0", ("brand", "currency")
)

_BRANDS = "SELECT DISTINCT brand FROM configurations ORDER BY brand"
_TOTALS = "SELECT currency, kind, sum(balance)::bigint AS total FROM accounts WHERE owner = '' GROUP BY 1, 2"
_TRIAL_BALANCE = "SELECT currency, sum(balance)::bigint AS total FROM accounts GROUP BY 1"
# All of a brand's accounts are read: in order is faster than by key, and takes longer than a request may.
_AT_LENGTH = "SET LOCAL statement_timeout = '5min'; SET LOCAL enable_seqscan = on"


def observing(database: Database) -> Callable[[Beat], Awaitable[None]]:
    """A loop that keeps the gauges, while no other replica does."""

    async def run(beat: Beat) -> None:
        # A trial balance may take minutes.
        async with exclusively(database.url, "points:totals", beat), beating(beat):
            due = 0.0
            while True:
                in_full = time.monotonic() >= due
                await observe(database, in_full=in_full)
                if in_full:
                    due = time.monotonic() + TRIAL_BALANCE_EVERY_S
                await asyncio.sleep(TOTALS_EVERY_S)

    return run


async def observe(database: Database, *, in_full: bool) -> None:
    """Sets the totals of every brand, and when `in_full` its trial balance.

    Brands past those that metrics tell apart are added up.
    """
    async with database.reading(EVERY_BRAND) as connection:
        brands = [row["brand"] for row in await connection.fetch(_BRANDS)]
    totals: dict[tuple[str, str, str], int] = {}
    imbalances: dict[tuple[str, str], int] = {}
    for brand in brands:
        label = brand_label(brand)
        async with database.reading(brand) as connection:
            for row in await connection.fetch(_TOTALS):
                key = (label, row["currency"], row["kind"])
                totals[key] = totals.get(key, 0) + row["total"]
            if in_full:
                await connection.execute(_AT_LENGTH)
                for row in await connection.fetch(_TRIAL_BALANCE):
                    # One brand's surplus must not hide another's want.
                    known = imbalances.get((label, row["currency"]), 0)
                    imbalances[label, row["currency"]] = known + abs(row["total"])
    for key, total in totals.items():
        TOTAL.labels(*key).set(total)
    for pair, total in imbalances.items():
        IMBALANCE.labels(*pair).set(total)
