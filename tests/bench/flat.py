"""What a spend costs does not grow with the data.

Two claims, each the ratio of two medians of callers' waits. Members with
100,000 entries spend as fast as members with ten: both take turns. The table
with millions of entries is as fast as the one with a hundred thousand: before
and after lie minutes apart, so both are put in proportion to what pgbench did
between the turns.

The rows are made by SQL, with the balances that they add up to.
"""

import argparse
import statistics
import time
from pathlib import Path
from typing import Any

import asyncpg
from rich.console import Console
from rich.table import Table

from laurels.points.v1 import points_pb2
from tests.bench.deployment import BRAND, Deployment, load
from tests.bench.load import CURRENCY
from tests.bench.peers.pgbench import Pgbench

ENTRIES = 10_000_000
MANY, FEW = 100_000, 10
APIECE = 8
"""So many members have many entries, and so many have few."""
CALLERS = 64
RATIO_MAX = 1.2
CHUNK = 1_000_000

# Each entry issues one point, so that the n-th of a member leaves what was there before and n.
_ADD = """
    INSERT INTO entries (brand, key, digest, kind, debit, credit, amount, credit_balance, reference, occurred_at)
    SELECT $1, 'transfer:' || gen_random_uuid(), '\\x00112233445566778899aabbccddeeff', $2, $3, accounts.id, 1,
        accounts.balance + place, '', now()
    FROM generate_series(1, $4::bigint) AS place
    CROSS JOIN (
        SELECT id, balance FROM accounts
        WHERE brand = $1 AND kind = 'available' AND substr(owner, 2)::bigint BETWEEN $5 AND $6
    ) AS accounts"""
_RAISE = """
    UPDATE accounts SET balance = balance + $2, earned = earned + $2
    WHERE brand = $1 AND kind = 'available' AND substr(owner, 2)::bigint BETWEEN $3 AND $4"""
_ISSUED = "SELECT id FROM accounts WHERE brand = $1 AND kind = 'issued' AND currency = $2 ORDER BY stripe LIMIT 1"
_ISSUE = "UPDATE accounts SET balance = balance - $2 WHERE id = $1"
_INDEXES = """
    SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition, conname,
        pg_get_constraintdef(pg_constraint.oid) AS constraint_definition
    FROM pg_index LEFT JOIN pg_constraint ON conindid = indexrelid WHERE indrelid = 'entries'::regclass"""


async def measured(
    deployment: Deployment, scripts: Path, console: Console, options: argparse.Namespace, members: int
) -> dict[str, float]:
    """Both ratios, printed."""
    pgbench = Pgbench(deployment.servers.postgres, scripts)
    await pgbench.prepare(options.batch)
    seeds = iter(range(time.time_ns(), 2**63))

    async def spends(first: int, count: int) -> dict[str, float]:
        return await load(
            "spends", addresses=deployment.replicas, token=deployment.token, callers=CALLERS, seconds=options.seconds,
            first=first, members=count, seed=next(seeds),
        )  # fmt: skip

    async def of_table() -> float:
        """The median wait in proportion to that of a pgbench client, as the median of the rounds."""
        found = []
        for _ in range(options.rounds):
            before = await pgbench.one_by_one(CALLERS, options.seconds)
            waited = (await spends(2 * APIECE, members - 2 * APIECE))["p50_ms"]
            after = await pgbench.one_by_one(CALLERS, options.seconds)
            found.append(waited / (CALLERS * 1_000 / ((before + after) / 2)))
            await deployment.settled()
        return statistics.median(found)

    await _give(deployment, FEW, 0, APIECE - 1)
    await _give(deployment, MANY, APIECE, 2 * APIECE - 1)
    few, many = [], []
    for number in range(2 * options.rounds):
        # The one that goes second meets what the first left to be published, so they take turns in that, too.
        for first, waits in ((0, few), (APIECE, many)) if number % 2 else ((APIECE, many), (0, few)):
            waits.append((await spends(first, APIECE))["p50_ms"])
            await deployment.settled()
    by_member = statistics.median(b / a for a, b in zip(few, many, strict=True))
    small = await of_table()
    began = time.perf_counter()
    each = options.entries // (members - 2 * APIECE) + 1
    await _give(deployment, each, 2 * APIECE, members - 1)
    console.print(f"{options.entries:,} entries added in {time.perf_counter() - began:.0f} s", highlight=False)
    large = await of_table()
    results = {
        "flat_member_ratio": by_member,
        "flat_table_ratio": large / small,
        "flat_few_p50_ms": statistics.median(few),
        "flat_many_p50_ms": statistics.median(many),
        "flat_small_by_pgbench": small,
        "flat_large_by_pgbench": large,
        "flat_entries": await _count(deployment),
    }
    table = Table(title="What a spend costs as the data grows", title_justify="left")
    for column in ("measure", "is", "at most"):
        table.add_column(column, justify="left" if column == "measure" else "right")
    rows = {
        f"wait of members with {MANY:,} entries, by that of members with {FEW}": by_member,
        f"wait in a table of {results['flat_entries']:,.0f} entries, by that in the small one": large / small,
    }
    for what, ratio in rows.items():
        table.add_row(what, f"{ratio:.2f}", f"{RATIO_MAX}")
    console.print(table)
    return results


async def _give(deployment: Deployment, each: int, first: int, last: int) -> None:
    """Gives members so many entries each, without the service; indexes of large fills are made afterwards."""
    await deployment.settled()
    async with deployment.session() as connection:
        many = each * (last - first + 1) > CHUNK
        indexes = await _without_indexes(connection) if many else []
        issued = await connection.fetchval(_ISSUED, BRAND, CURRENCY)
        async with connection.transaction():
            kind = points_pb2.ENTRY_KIND_TRANSFER
            await connection.execute(_ADD, BRAND, kind, issued, each, first, last)
            await connection.execute(_RAISE, BRAND, each, first, last)
            await connection.execute(_ISSUE, issued, each * (last - first + 1))
        for statement in indexes:
            await connection.execute(statement)
        await connection.execute("VACUUM ANALYZE")
        await connection.execute("CHECKPOINT")


async def _without_indexes(connection: asyncpg.Connection) -> list[str]:
    """Drops the entries' indexes; the statements that make them again."""
    await connection.execute("SET maintenance_work_mem = '512MB'")
    again = []
    rows: list[Any] = await connection.fetch(_INDEXES)
    for row in rows:
        if row["conname"]:
            await connection.execute(f"ALTER TABLE entries DROP CONSTRAINT {row['conname']}")
            again.append(f"ALTER TABLE entries ADD CONSTRAINT {row['conname']} {row['constraint_definition']}")
        else:
            await connection.execute(f"DROP INDEX {row['name']}")
            again.append(row["definition"])
    return again


async def _count(deployment: Deployment) -> int:
    async with deployment.session() as connection:
        return int(await connection.fetchval("SELECT count(*) FROM entries"))
