"""What the tests of the missions service share: a brand's programme, and events as the points service sends them."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import nats
import nats.js.errors
from google.protobuf.message import Message

from chassis import events, logging, transport
from cli.embedded import Servers
from laurels.activity.v1.activity_pb2 import Activity
from laurels.activity.v1.events_pb2 import ActivityRecorded
from laurels.missions.v1 import programme_pb2 as pb
from laurels.points.v1.programme_pb2 import Currency, PointsProgramme
from laurels.programme.v1 import programme_pb2
from laurels.programme.v1.events_pb2 import ProgrammeApplied

# The default renderer draws every local variable of a traceback, which takes seconds for a batch of events.
logging.configure("json", "warning")

WITHIN_S = 20.0
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
# Far above what a real outbox of the session reaches, so that no other test's events are taken for these.
_ids = itertools.count(10**15 + time.time_ns() // 1_000)


def mission(
    name: str, target: int, *, condition: str = "", badge: str = "", reward: int = 0, of: str = ""
) -> pb.Mission:
    """A mission on purchases: a count, or the sum of `of`."""
    found = pb.Mission(id=name, name=name.title(), activity_type="purchase", condition=condition, badge=badge)
    if of:
        found.sum.of, found.sum.target = of, target
    else:
        found.count.target = target
    if reward:
        found.reward.currency, found.reward.amount = "points", reward
    return found


def programme(*missions: pb.Mission) -> programme_pb2.Programme:
    """A programme of these missions, with the badges they give."""
    badges = {found.badge for found in missions if found.badge}
    return programme_pb2.Programme(
        name="Test",
        activity_types=[
            programme_pb2.ActivityType(
                type="purchase",
                attributes=[
                    programme_pb2.Attribute(name="amount", kind=programme_pb2.ATTRIBUTE_KIND_INTEGER),
                    programme_pb2.Attribute(name="category", kind=programme_pb2.ATTRIBUTE_KIND_TEXT),
                ],
            )
        ],
        points=PointsProgramme(currencies=[Currency(id="points", name="Points")]),
        missions=pb.MissionsProgramme(
            missions=missions, badges=[pb.Badge(id=badge, name=badge.title()) for badge in sorted(badges)]
        ),
    )


def purchase(
    member: str, number: int = 0, *, version: int = 1, tier: str = "", type_name: str = "purchase", **attributes: Any
) -> ActivityRecorded:
    """The event of a purchase, `number` minutes after noon."""
    moment = NOON + timedelta(minutes=number)
    activity = Activity(id=f"{member}-{number}", member=member, type=type_name, occurred_at=moment)
    activity.attributes.update(attributes)
    return ActivityRecorded(activity=activity, programme_version=version, tier=tier, recorded_at=moment)


class Points:
    """The points service's side of NATS: its stream, and what it publishes there."""

    def __init__(self, servers: Servers, client: nats.NATS) -> None:
        self._servers, self._client, self._js = servers, client, client.jetstream()
        self._brands: set[str] = set()

    async def publish(self, brand: str, *messages: Message, event_id: int | None = None, times: int = 1) -> list[int]:
        """Publishes events in their order, each `times` times over, and returns their ids."""
        self._brands.add(brand)
        published = []
        for message in messages:
            number = event_id or next(_ids)
            member = message.activity.member if isinstance(message, ActivityRecorded) else events.NO_MEMBER
            kind = message.DESCRIPTOR.full_name
            for delivery in range(times):
                # Past the duplicate window: what the stream would drop is what the inbox must.
                message_id = f"{number}-{time.time_ns()}-{delivery}"
                found = {"Nats-Msg-Id": message_id, "ce-id": str(number), "ce-type": kind}
                place = events.subject("points", events.short_name(kind), brand, member)
                await self._js.publish(place, message.SerializeToString(), headers=found)
            published.append(number)
        return published

    async def apply(self, brand: str, applied: programme_pb2.Programme, version: int = 1) -> None:
        """Publishes a version of the brand's programme."""
        await self.publish(brand, ProgrammeApplied(version=version, programme=applied))

    async def missions_events(self, brand: str, kind: type[Any]) -> list[tuple[int, Any]]:
        """The brand's events of a kind on the MISSIONS stream: id and message, in order."""
        found = []
        subject = f"laurels.missions.{kind.DESCRIPTOR.name}.*.{brand}.>"
        subscription = await self._js.subscribe(subject, stream="MISSIONS", ordered_consumer=True)
        try:
            while True:
                message = await subscription.next_msg(timeout=0.3)
                found.append((int(transport.header(message, "ce-id")), kind.FromString(message.data)))
        except nats.errors.TimeoutError:
            return found
        finally:
            await subscription.unsubscribe()

    async def forget(self) -> None:
        """Takes the tests' events out of the streams, so that no later test's service meets them."""
        for brand in self._brands:
            for stream in ("POINTS", "MISSIONS"):
                await self._js.purge_stream(stream, subject=f"laurels.*.*.*.{brand}.>")


async def open_points(servers: Servers) -> AsyncIterator[Points]:
    """The points service's side, while the generator is held."""
    client = await nats.connect(servers.nats.url("operator"))
    config = transport.stream_config("points", _StreamSettings())  # type: ignore[arg-type]
    await transport.ensure_stream(client.jetstream(), config)
    points = Points(servers, client)
    try:
        yield points
    finally:
        await points.forget()
        await client.close()


class _StreamSettings:
    stream_bytes_max, retention_days, stream_replicas = 8 * 2**30, 7, 1


async def fetch(servers: Servers, query: str, *arguments: Any) -> list[Any]:
    """Rows of the missions database, as the superuser sees them."""
    session = await asyncpg.connect(servers.postgres.admin_url("laurels_missions"))
    try:
        return list(await session.fetch(query, *arguments))
    finally:
        await session.close()


async def eventually(claim: Callable[[], Awaitable[Any]], within_s: float = WITHIN_S) -> Any:
    """What `claim` returns once it is true. Fails after `within_s` seconds."""
    deadline = time.monotonic() + within_s
    while True:
        found = await claim()
        if found:
            return found
        assert time.monotonic() < deadline, f"not within {within_s} seconds; last seen: {found!r}"
        await asyncio.sleep(0.02)
