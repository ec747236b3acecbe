"""How fast the ledger is beside what is said to be fast.

`make bench-points`, or `python -m tests.bench.points --help`. On one durable
PostgreSQL, in short turns one after another, so that what else the machine does
meets all alike: pgbench doing the smallest equal transaction
(tests/bench/peers/pgbench.py), the obvious alternative of FastAPI, SQLModel and
asyncpg (tests/bench/peers/alternative.py), and the points service through gRPC
and through the gateway. Load clients are processes of their own. A ratio is of
two turns of one round; the medians over all rounds are shown.

Events are written and published all the while, but for the batches of
transfers that are marked silent. The other services do not run: nobody listens
to the events. `--flat` shows instead that neither a member's entries nor the
table's size change what a spend costs.

The last line is one JSON object.
"""

import argparse
import asyncio
import os
import resource
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
import uvloop
from rich.console import Console
from rich.table import Table

from cli.supervisor import working_folder
from tests.bench import flat
from tests.bench.deployment import Deployment, Load, deployment_on
from tests.bench.peers import alternative
from tests.bench.peers.pgbench import Pgbench

MEMBERS = 100_000
BATCH = 500
SIZED = 50_000
"""So many transfers are weighed on the disk."""
REPLICAS = 2
"""Processes of the points service that serve best on two cores; one serves batches as well."""
WORKERS = 3
"""Workers of the alternative that serve best on two cores (of one to four)."""
LOGGED_WITHIN_S = 60.0
MOST_PER_SECOND = 60_000
ACTIVITIES_PER_SECOND_MAX = 12_000

TARGETS: Mapping[str, tuple[str, float]] = {
    "batch_vs_pgbench": ("at least", 3.0),
    "batch_vs_statement": ("at least", 0.5),
    "spend_vs_pgbench": ("at least", 0.5),
    "spend_vs_alternative": ("at least", 8.0),
    "stream_vs_pgbench": ("at least", 0.55),
    "bytes_per_entry": ("at most", 400.0),
    "activities_per_second": ("at least", 4_000.0),
}
RATIOS = {
    "batch_vs_pgbench": ("batch", "pgbench_16"),
    "batch_vs_statement": ("batch", "pgbench_batch"),
    "spend_vs_pgbench": ("spend", "pgbench_64"),
    "spend_vs_alternative": ("spend", "alternative"),
    "stream_vs_pgbench": ("stream", "pgbench_statement"),
    "batch_with_events_vs_pgbench": ("batch_with_events", "pgbench_16"),
}


_ALL_LOGGED = "SELECT coalesce(max(last_entry), 0) = (SELECT coalesce(max(id), 0) FROM entries) FROM ledger_logs"


@dataclass(slots=True)
class Turns:
    """What the turns of one measurement saw: rates, CPU microseconds for each thing done, percentiles."""

    what: str
    rates: list[float] = field(default_factory=list)
    cpu_us: list[dict[str, float]] = field(default_factory=list)
    seen: list[dict[str, float]] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return statistics.median(self.rates)

    def cost(self, part: str) -> float:
        """Median of the CPU µs that the parts whose names begin so use for each thing done."""
        costs = [sum(us for name, us in turn.items() if name.startswith(part)) for turn in self.cpu_us]
        return statistics.median(costs)


class Bench:
    """The measurements, each of which can be taken in turn."""

    def __init__(self, deployment: Deployment, pgbench: Pgbench, alternative_address: str, seconds: int) -> None:
        self._deployment, self._pgbench, self._seconds = deployment, pgbench, seconds
        self._alternative = alternative_address
        self._seed = time.time_ns()
        self.turns: dict[str, Turns] = {}
        transfers = {"callers": 4, "batch": BATCH, "most_per_second": MOST_PER_SECOND}
        self.measurements: dict[str, tuple[str, Callable[[str, str], Awaitable[None]]]] = {
            "pgbench_16": ("pgbench, one by one, 16 clients", self._by_pgbench(pgbench.one_by_one, 16)),
            "batch": ("transfers by 500, gRPC", self._by_load("batches", **transfers, silent=True)),
            "batch_with_events": ("transfers by 500 with events", self._by_load("batches", **transfers, silent=False)),
            "pgbench_batch": ("pgbench, 500 in a statement", self._by_pgbench(self._pgbench_batches, 1)),
            "pgbench_statement": ("pgbench, one statement, 16 clients", self._by_pgbench(pgbench.one_statement, 16)),
            "stream": ("transfers on streams, gRPC", self._by_load("stream", unanswered=256)),
            "pgbench_64": ("pgbench, one by one, 64 clients", self._by_pgbench(pgbench.one_by_one, 64)),
            "spend": ("spends, gRPC, 64 callers", self._by_load("spends", callers=64)),
            "alternative": ("the alternative, 64 callers", self._by_load("alternative", callers=64)),
            "activities": (
                "activities by 500, gateway",
                self._by_load("activities", callers=4, batch=BATCH, most_per_second=ACTIVITIES_PER_SECOND_MAX),
            ),
        }

    async def turn(self, name: str) -> None:
        """Measures once more, beginning and ending with nothing left to publish."""
        what, measure = self.measurements[name]
        await self._deployment.settled()
        await measure(name, what)

    async def _pgbench_batches(self, clients: int, seconds: int) -> float:
        return await self._pgbench.batches(BATCH, clients, seconds)

    def _by_pgbench(
        self, run: Callable[[int, int], Awaitable[float]], clients: int
    ) -> Callable[[str, str], Awaitable[None]]:
        async def measure(name: str, what: str) -> None:
            before, own, began = self._deployment.cpu_seconds(), _children_cpu_s(), time.perf_counter()
            rate = await run(clients, self._seconds)
            done = rate * (time.perf_counter() - began)
            self._note(name, what, {"per_second": rate, "done": done, "cpu_s": _children_cpu_s() - own}, before)

        return measure

    def _by_load(self, kind: str, **options: Any) -> Callable[[str, str], Awaitable[None]]:
        async def measure(name: str, what: str) -> None:
            elsewhere = {"activities": self._deployment.gateways, "alternative": [self._alternative]}
            client = await Load.made(kind, **options, **self._common(elsewhere.get(kind, self._deployment.replicas)))
            before, began = self._deployment.cpu_seconds(), time.perf_counter()
            found = await client.run()
            if kind == "activities":
                # Everything included: the clock stops when the last event is published.
                await self._deployment.settled()
                found["settled_per_second"] = found["done"] / (time.perf_counter() - began)
            self._note(name, what, found, before)

        return measure

    def _common(self, addresses: list[str]) -> dict[str, Any]:
        self._seed += 1
        token = self._deployment.token
        return {
            "addresses": addresses, "token": token, "members": MEMBERS, "seed": self._seed, "seconds": self._seconds,
        }  # fmt: skip

    def _note(self, name: str, what: str, found: dict[str, float], before: dict[str, float]) -> None:
        turns = self.turns.setdefault(name, Turns(what))
        used = {part: seconds - before.get(part, 0.0) for part, seconds in self._deployment.cpu_seconds().items()}
        used["load"] = found["cpu_s"]
        turns.rates.append(found["per_second"])
        turns.cpu_us.append({part: seconds / found["done"] * 1e6 for part, seconds in used.items()})
        turns.seen.append(found)

    def ratio(self, ours: str, theirs: str) -> float:
        """The median over the rounds of both measurements' ratio in one round."""
        pairs = zip(self.turns[ours].rates, self.turns[theirs].rates, strict=True)
        return statistics.median(our / their for our, their in pairs)

    def seen(self, name: str, what: str) -> float:
        return statistics.median(found[what] for found in self.turns[name].seen)


async def main(options: argparse.Namespace) -> None:
    console = Console(width=None if Console().is_terminal else 160)
    with working_folder(None) as data, TemporaryDirectory() as scripts:
        async with deployment_on(data) as deployment:
            await deployment.run_points(options.replicas)
            await deployment.fill(MEMBERS)
            if options.flat:
                options.batch = BATCH
                results = await flat.measured(deployment, Path(scripts), console, options, MEMBERS)
            else:
                results = await compared(deployment, Path(scripts), console, options)
    print(orjson.dumps(results).decode())


async def compared(
    deployment: Deployment, scripts: Path, console: Console, options: argparse.Namespace
) -> dict[str, float]:
    """Everything in turns, printed."""
    weight, weight_with_events = await weighed(deployment)
    await deployment.run_gateways(options.gateways)
    pgbench = Pgbench(deployment.servers.postgres, scripts)
    await pgbench.prepare(BATCH)
    url = await alternative.prepare(deployment.servers.postgres, MEMBERS)
    address = await deployment.run_alternative(WORKERS, url)
    bench = Bench(deployment, pgbench, address, options.seconds)
    chosen = options.only.split(",") if options.only else list(bench.measurements)
    for number in range(options.rounds):
        console.print(f"round {number + 1} of {options.rounds}", highlight=False)
        for name in chosen:
            await bench.turn(name)
    _print_turns(console, bench, options)
    if options.only:
        return {name: turns.rate for name, turns in bench.turns.items()}
    found = {name: bench.ratio(*pair) for name, pair in RATIOS.items()}
    found["bytes_per_entry"] = weight
    found["activities_per_second"] = bench.seen("activities", "settled_per_second")
    found["bytes_per_entry_with_events"] = weight_with_events
    found["spend_p50_ms"], found["spend_p99_ms"] = bench.seen("spend", "p50_ms"), bench.seen("spend", "p99_ms")
    found["spend_p99_by_p50"] = statistics.median(turn["p99_ms"] / turn["p50_ms"] for turn in bench.turns["spend"].seen)
    results = {name: found.pop(name) for name in TARGETS} | found
    _print_results(console, results)
    return results


async def weighed(deployment: Deployment) -> tuple[float, float]:
    """Bytes on disk that a transfer takes, all indexes included: without and with its event in the outbox."""
    before = await _bytes(deployment)
    client = await Load.made(
        "batches", addresses=deployment.replicas[:1], token=deployment.token, members=MEMBERS, seed=1, seconds=600,
        warm_s=0.0, callers=1, batch=BATCH, silent=False, most_per_second=SIZED / (600 + 1.5),
    )  # fmt: skip
    done = (await client.run())["done"]
    after = await _bytes(deployment)
    grown = {table: size - before[table] for table, size in after.items()}
    return sum(size for table, size in grown.items() if table != "outbox") / done, sum(grown.values()) / done


async def _bytes(deployment: Deployment) -> dict[str, int]:
    """Bytes of each table once everything is published, and the ledger's log holds every entry there is."""
    await deployment.settled()
    async with deployment.session() as connection, asyncio.timeout(LOGGED_WITHIN_S):
        while not await connection.fetchval(_ALL_LOGGED):
            await asyncio.sleep(0.1)
        rows = await connection.fetch(
            "SELECT relname, pg_total_relation_size(oid) AS size FROM pg_class "
            "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
    return {row["relname"]: row["size"] for row in rows}


def _children_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _print_turns(console: Console, bench: Bench, options: argparse.Namespace) -> None:
    title = (
        f"{options.rounds} rounds of {options.seconds} s, {os.cpu_count()} cores, points in {options.replicas} "
        f"processes, the alternative in {WORKERS}, {options.gateways} gateway; medians"
    )
    table = Table(title=title, title_justify="left")
    table.add_column("measurement")
    parts = {"points": "points", "gateway": "gateway", "alternative": "alternative", "postgres": "PostgreSQL"}
    parts |= {"nats": "NATS", "load": "load"}
    for column in ("a second", "p50 ms", "p99 ms", *(f"{name} µs" for name in parts.values()), "all µs"):
        table.add_column(column, justify="right")
    for turns in bench.turns.values():
        percentiles = [
            f"{statistics.median(found[name] for found in turns.seen):,.1f}" if name in turns.seen[0] else ""
            for name in ("p50_ms", "p99_ms")
        ]
        costs = [turns.cost(part) for part in (*parts, "")]
        shown = (f"{cost:,.0f}" if cost >= 0.5 else "" for cost in costs)
        table.add_row(turns.what, f"{turns.rate:,.0f}", *percentiles, *shown)
    console.print(table)


def _print_results(console: Console, results: Mapping[str, float]) -> None:
    table = Table(title="Against the targets", title_justify="left")
    for column in ("measure", "is", "should be"):
        table.add_column(column, justify="left" if column == "measure" else "right")
    for name, value in results.items():
        wanted, bound = TARGETS.get(name, ("", 0.0))
        table.add_row(name, f"{value:,.2f}", f"{wanted} {bound:,.4g}" if wanted else "")
    console.print(table)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="turns of every measurement")
    parser.add_argument("--seconds", type=int, default=2, help="length of a turn")
    parser.add_argument("--replicas", type=int, default=REPLICAS, help="processes of the points service")
    parser.add_argument("--gateways", type=int, default=1, help="processes of the gateway")
    parser.add_argument("--only", default="", help="only these measurements, separated by commas; no ratios then")
    parser.add_argument("--flat", action="store_true", help="show that cost does not grow with the data")
    parser.add_argument("--entries", type=int, default=flat.ENTRIES, help="entries in the table, for --flat")
    return parser.parse_args()


if __name__ == "__main__":
    uvloop.run(main(arguments()))
