"""How many activities a second the missions service takes, database and NATS included.

`make bench-missions`, or `python -m tests.bench.missions --help`. Throw-away
servers hold a stream of recorded activities; the service pulls them while the
clock runs, from its first committed batch to its last. Each type is looked at
by at most twenty missions, of which some have conditions. The last line is
JSON: `activities_per_second` with twenty missions touched by each activity,
`idle_missions_overhead` (what a thousand missions of other types cost more
than none, by the service's CPU time), and `community_ratio` (how much of the
rate is left with a community challenge that every activity touches; null where
the programme cannot say one).
"""

import argparse
import asyncio
import os
import statistics
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import nats
import orjson
import uvloop
from nats.aio.client import Client
from rich.console import Console
from rich.table import Table

from chassis import events, logging, migrations, transport
from chassis.service import collect_less
from cli.embedded import Servers, ephemeral_servers
from laurels.activity.v1.events_pb2 import ActivityRecorded
from laurels.missions.v1 import programme_pb2 as pb
from laurels.points.v1.programme_pb2 import Currency, PointsProgramme
from laurels.programme.v1 import programme_pb2
from laurels.programme.v1.events_pb2 import ProgrammeApplied
from services.missions.__main__ import run
from services.missions.settings import Settings

TOUCHED = 20
START = datetime(2026, 3, 1, tzinfo=UTC)
WITHIN_S = 120.0
COMMUNITY_FIELDS = ("challenges",)
"""Where the programme may say community challenges."""


def programme(live: int, *, idle_only: bool = False, community: bool = False) -> programme_pb2.Programme:
    """`live` missions, at most twenty a type; purchases are looked at unless all are idle."""
    kinds = [f"kind{number}" for number in range(-(-live // TOUCHED) or 1)]
    if not idle_only:
        kinds[0] = "purchase"
    attributes = [programme_pb2.Attribute(name="amount", kind=programme_pb2.ATTRIBUTE_KIND_INTEGER)]
    found = programme_pb2.Programme(
        activity_types=[
            programme_pb2.ActivityType(type=kind, attributes=attributes) for kind in dict.fromkeys(["purchase", *kinds])
        ],
        points=PointsProgramme(currencies=[Currency(id="points", name="Points")]),
    )
    for number in range(live):
        mission = pb.Mission(id=f"m{number}", name=f"M{number}", activity_type=kinds[number // TOUCHED])
        mission.reward.currency, mission.reward.amount = "points", 5
        if number % 4 == 3:
            mission.condition = f"attributes.amount >= {number % 50}"
        if number % 4 == 2:
            mission.sum.of, mission.sum.target = "attributes.amount", 100_000
        else:
            mission.count.target = 50 + number
        found.missions.missions.append(mission)
    if community:
        _add_community(found)
    return found


def _add_community(found: programme_pb2.Programme) -> bool:
    """Adds a community challenge that every purchase touches; whether the programme can say one."""
    missions: Any = found.missions
    for name in COMMUNITY_FIELDS:
        if name in missions.DESCRIPTOR.fields_by_name:
            challenge = getattr(missions, name).add(id="together", name="Together", target=2**40)
            challenge.contributions.activity_type = "purchase"
            return True
    return False


def activity(number: int, members: int) -> ActivityRecorded:
    moment = START + timedelta(seconds=number)
    found = ActivityRecorded(programme_version=1, recorded_at=moment)
    found.activity.id, found.activity.member, found.activity.type = f"a{number}", f"c{number % members}", "purchase"
    found.activity.occurred_at.FromDatetime(moment)
    found.activity.attributes.update({"amount": 10 + number % 90})
    return found


class Bench:
    """The servers, and a brand a measurement."""

    def __init__(self, servers: Servers, client: Client) -> None:
        self._servers, self._client, self._js = servers, client, client.jetstream()
        self._ids = 0

    async def measure(
        self, brand: str, found: programme_pb2.Programme, activities: int, members: int
    ) -> dict[str, Any]:
        """Activities a second, and the CPU of the service, in microseconds an activity."""
        await self._js.purge_stream("POINTS")
        await self._publish(brand, [(events.NO_MEMBER, ProgrammeApplied(version=1, programme=found))])
        told = [activity(number, members) for number in range(activities)]
        await self._publish(brand, [(each.activity.member, each) for each in told])
        watching = await asyncpg.connect(self._servers.postgres.admin_url("laurels_missions"))
        # What sweeps all brands has this one only.
        await watching.execute("DELETE FROM configurations")
        stop, started = asyncio.Event(), asyncio.get_running_loop().create_future()
        serving = asyncio.create_task(run(self._settings(), stop, started.set_result))
        try:
            await started
            count, began, cpu = 0, 0.0, 0.0
            give_up = time.monotonic() + WITHIN_S
            first = 0
            while count < activities + 1:
                if time.monotonic() > give_up:
                    raise TimeoutError(f"{count} of {activities} activities after {WITHIN_S} seconds")
                await asyncio.sleep(0.05)
                count = await watching.fetchval(
                    "SELECT coalesce(sum(bit_count(claimed)), 0)::bigint FROM inbox WHERE brand = $1", brand
                )
                # The first batches compile expressions and plan statements.
                if not began and count > activities // 10:
                    first, began, cpu = count, time.perf_counter(), time.process_time()
            seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
        finally:
            stop.set()
            await serving
            await watching.close()
        return {"rate": (count - first) / seconds, "cpu_us": cpu / (count - first) * 1e6}

    async def _publish(self, brand: str, told: list[tuple[str, Any]]) -> None:
        pending = []
        for member, message in told:
            self._ids += 1
            kind = message.DESCRIPTOR.full_name
            headers = {"Nats-Msg-Id": f"{brand}-{self._ids}", "ce-id": str(self._ids), "ce-type": kind}
            place = events.subject("points", events.short_name(kind), brand, member)
            pending.append(
                await self._js.publish_async(place, message.SerializeToString(), headers=headers, wait_stall=10)
            )
            if len(pending) == 1_000:
                await asyncio.gather(*pending)
                pending.clear()
        await asyncio.gather(*pending)

    def _settings(self) -> Settings:
        data = self._servers.data
        values = {
            "database_url": self._servers.postgres.url("missions"),
            "nats_url": f"nats://127.0.0.1:{self._servers.nats.port}",
            "nats_user": "missions",
            "nats_password": data.password("nats_missions"),
            "jwks": str(data.jwks),
            "webhook_key": data.webhook_key(),
            "drain_s": 0.0,
        }
        return Settings(**values)  # type: ignore[arg-type]


class _StreamSettings:
    stream_bytes_max, retention_days, stream_replicas = 8 * 2**30, 7, 1


async def main(options: argparse.Namespace) -> None:
    logging.configure("json", "error")
    collect_less()
    console, count = Console(), options.activities
    async with ephemeral_servers() as servers:
        await migrations.upgrade("missions", servers.postgres.url("missions", "owner"), "laurels_missions_app")
        client = await nats.connect(servers.nats.url("operator"))
        config = transport.stream_config("points", _StreamSettings())  # type: ignore[arg-type]
        await transport.ensure_stream(client.jetstream(), config)
        bench = Bench(servers, client)
        table = Table(title=f"Missions, {os.cpu_count()} cores, {count:,} activities each", title_justify="left")
        for name in ("live missions", "touched", "members", "activities a second", "CPU µs an activity"):
            table.add_column(name, justify="right")
        found: dict[tuple[int, int], dict[str, Any]] = {}
        for live, members in ((10, 1_000), (100, 1), (100, 1_000), (100, 100_000), (1_000, 1_000)):
            found[live, members] = await bench.measure(f"b{live}-{members}", programme(live), count, members)
            one = found[live, members]
            touched = str(min(live, TOUCHED))
            table.add_row(f"{live:,}", touched, f"{members:,}", f"{one['rate']:,.0f}", f"{one['cpu_us']:,.0f}")
        overheads = []
        for turn in range(options.turns):
            none = await bench.measure(f"none{turn}", programme(0), count, 1_000)
            idle = await bench.measure(f"idle{turn}", programme(1_000, idle_only=True), count, 1_000)
            overheads.append(idle["cpu_us"] / none["cpu_us"] - 1)
            for live, one in ((0, none), (1_000, idle)):
                table.add_row(f"{live:,}", "0", "1,000", f"{one['rate']:,.0f}", f"{one['cpu_us']:,.0f}")
        ratio = None
        if _add_community(programme(0)):
            together = await bench.measure("together", programme(100, community=True), count, 1_000)
            ratio = round(together["rate"] / found[100, 1_000]["rate"], 3)
        await client.close()
    console.print(table)
    results = {
        "activities_per_second": round(found[100, 1_000]["rate"]),
        "idle_missions_overhead": round(statistics.median(overheads), 3),
        "community_ratio": ratio,
    }
    print(orjson.dumps(results).decode())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=Path(__file__).stem)
    parser.add_argument("--activities", type=int, default=10_000, help="activities of each measurement")
    parser.add_argument("--turns", type=int, default=1, help="how often idle missions are compared with none")
    uvloop.run(main(parser.parse_args()))
