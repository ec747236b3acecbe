"""How many activities a second go through everything, and how soon the last effect of one is there.

`make bench-pipeline`, or `python -m tests.bench.pipeline --help`. A throw-away
suite takes CDNOW's history through the HTTP gateway, in batches as a shop
would send them. The clock stops when no service has an event to publish or to
apply. Then, in the quiet suite, single purchases that finish a mission are
followed from their acknowledgement to the board that the mission's reward
moves: points, missions, points again, leaderboard.
"""

import argparse
import asyncio
import os
import statistics
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import psutil
import uvloop
from rich.console import Console
from rich.table import Table

from cli import cdnow
from cli.apply import apply
from cli.data_folder import DataFolder
from cli.gateway_client import GatewayRefused, Target
from cli.replay import Shop, replay
from cli.settlement import settlement_of
from cli.supervisor import Options, Suite, suite_on, working_folder

BRAND = "bench"
EFFECTS = 200
POLL_S = 0.001
SETTLE_S = 300.0


async def main(options: argparse.Namespace) -> None:
    console = Console()
    results: dict[str, Any] = {}
    with working_folder(None) as folder:
        async with suite_on(folder, Options(split=options.split)) as suite:
            target = Target(folder.path, suite.gateway_url, brand=BRAND)
            quiet = Console(quiet=True)
            await asyncio.to_thread(apply, cdnow.PROGRAMME, target, dry_run=False, yes=True, console=quiet)
            async with Shop(suite.gateway_url, suite.token(BRAND, "shop", "service manager")) as shop:
                before = cpu_seconds(suite)
                results |= await throughput(shop, folder, options)
                spent = {name: seconds - before[name] for name, seconds in cpu_seconds(suite).items()}
                results |= await effects(shop, options.effects)
    table = Table(title=f"CDNOW through the whole suite, {os.cpu_count()} cores", title_justify="left")
    table.add_column("measure")
    table.add_column("value", justify="right")
    for name, value in results.items():
        table.add_row(name, f"{value:,.1f}" if isinstance(value, float) else f"{value:,}")
    for name, seconds in spent.items():
        table.add_row(f"CPU µs an activity, {name}", f"{seconds / results['activities'] * 1e6:,.0f}")
    console.print(table)
    print(orjson.dumps(results).decode())


def cpu_seconds(suite: Suite) -> dict[str, float]:
    """CPU time that each part has used, its children included; this process sends the load."""
    parts = {name: suite.part_pid(name) for name in ("postgres", "nats")} | suite.pids
    found = {"the load and what else is in this process": sum(psutil.Process().cpu_times()[:2])}
    for name, pid in parts.items():
        part = psutil.Process(pid)
        found[name] = sum(sum(process.cpu_times()[:2]) for process in (part, *part.children(recursive=True)))
    return found


async def throughput(shop: Shop, folder: DataFolder, options: argparse.Namespace) -> dict[str, Any]:
    """Replays the history and waits for its last effect."""
    activities = list(cdnow.activities())[: options.limit or None]
    began = time.perf_counter()
    sent = await replay(shop, activities, batch=options.batch, senders=options.senders)
    acknowledged = time.perf_counter() - began
    async with settlement_of(folder) as settlement:
        await settlement.reached(SETTLE_S)
    whole = time.perf_counter() - began
    return {
        "activities": sent.accepted,
        "acknowledged_per_second": sent.accepted / acknowledged,
        "activities_per_second": sent.accepted / whole,
    }


async def effects(shop: Shop, count: int) -> dict[str, Any]:
    """Milliseconds from the acknowledgement of a purchase to its last effect, one at a time."""
    taken = []
    for number in range(count):
        member, moment = f"quiet-{number}", datetime.now(UTC) - timedelta(hours=1)
        await shop.call("POST", "/v1/activities", {"activities": [purchase(member, 0, moment)]})
        await until_score(shop, member, 60)
        await shop.call("POST", "/v1/activities", {"activities": [purchase(member, 1, moment)]})
        acknowledged = time.perf_counter()
        # Ten dollars twice, 50 for the first purchase, 50 for the mission of the second.
        await until_score(shop, member, 120)
        taken.append((time.perf_counter() - acknowledged) * 1_000)
    percentiles = statistics.quantiles(taken, n=100)
    return {
        "effect_ms_min": min(taken),
        "effect_ms_p50": statistics.median(taken),
        "effect_ms_p90": percentiles[89],
        "effect_ms_p99": percentiles[98],
        "effect_ms_max": max(taken),
    }


def purchase(member: str, number: int, moment: datetime) -> dict[str, Any]:
    return {
        "id": f"{member}-{number}",
        "member": member,
        "type": "purchase",
        "occurred_at": moment.isoformat(),
        "attributes": {"amount": 1_000, "items": 1},
    }


async def until_score(shop: Shop, member: str, score: int) -> None:
    """Waits until the member's neighbourhood on the points board shows the score."""
    while True:
        try:
            answer = await shop.call("GET", f"/v1/leaderboards/points/members/{member}")
            if answer["entry"]["score"] >= score:
                return
        except GatewayRefused as refused:
            if refused.code != "not_ranked":
                raise
        await asyncio.sleep(POLL_S)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--split", action=argparse.BooleanOptionalAction, default=True, help="a process a service")
    parser.add_argument("--limit", type=int, default=0, help="only so many purchases; 0 for all")
    parser.add_argument("--batch", type=int, default=500, help="activities in a request")
    parser.add_argument("--senders", type=int, default=4, help="requests at once")
    parser.add_argument("--effects", type=int, default=EFFECTS, help="purchases followed one at a time")
    return parser.parse_args()


if __name__ == "__main__":
    uvloop.run(main(arguments()))
