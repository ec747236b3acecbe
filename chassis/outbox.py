"""What was committed is published, in each member's order, however often the relay dies.

Events are rows of the transaction that caused them. One relay a service, by an
advisory lock, reads the unpublished ones in id order and publishes them with
their id for JetStream's duplicate window; what it published but could not mark
is published again and dropped by the consumers' inbox.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any

import asyncpg
from nats.js.client import JetStreamContext

from chassis import metrics
from chassis.database import EVERY_BRAND, Database
from chassis.events import NewEvent, headers, short_name, subject
from chassis.leadership import exclusively
from chassis.loops import Beat
from chassis.tracing import traceparent

CHUNK = 500
POLL_S = 1.0

_APPEND = """
    INSERT INTO outbox (brand, member, type, payload, traceparent)
    SELECT $1, member, type, payload, $5
    FROM unnest($2::text[], $3::text[], $4::bytea[]) WITH ORDINALITY AS event (member, type, payload, place)
    ORDER BY place"""
_UNPUBLISHED = """
    SELECT id, brand, member, type, payload, traceparent, created_at
    FROM outbox WHERE published_at IS NULL ORDER BY id LIMIT $1"""
_MARK = "UPDATE outbox SET published_at = now() WHERE id = ANY($1::bigint[])"


async def append(connection: asyncpg.Connection, brand: str, events: Sequence[NewEvent]) -> None:
    """Adds events to the transaction at hand, in their order."""
    await connection.execute(
        _APPEND,
        brand,
        [event.member for event in events],
        [event.message.DESCRIPTOR.full_name for event in events],
        [event.message.SerializeToString() for event in events],
        traceparent(),
    )


class Relay:
    """Publishes a service's outbox."""

    def __init__(self, service: str, database: Database, js: JetStreamContext) -> None:
        self._service, self._database, self._js = service, database, js
        self._committed = asyncio.Event()

    def wake(self) -> None:
        """Says that events were committed."""
        self._committed.set()

    async def run(self, beat: Beat) -> None:
        """Publishes for ever, while no other replica does."""
        locking = asyncio.create_task(self._beat_while_waiting(beat))
        try:
            async with exclusively(self._database.url, f"relay:{self._service}"):
                locking.cancel()
                while True:
                    beat()
                    self._committed.clear()
                    if await self._publish_chunk() < CHUNK:
                        await self._wait()
        finally:
            locking.cancel()

    async def _beat_while_waiting(self, beat: Beat) -> None:
        while True:
            beat()
            await asyncio.sleep(POLL_S)

    async def _wait(self) -> None:
        try:
            await asyncio.wait_for(self._committed.wait(), POLL_S)
        except TimeoutError:
            return

    async def _publish_chunk(self) -> int:
        async with self._database.reading(EVERY_BRAND) as connection:
            rows = await connection.fetch(_UNPUBLISHED, CHUNK)
        metrics.OUTBOX_DEPTH.labels(self._service).set(len(rows))
        if not rows:
            return 0
        published, failure = await publish_in_order(self._js, self._service, rows)
        async with self._database.transaction(EVERY_BRAND) as connection:
            await connection.execute(_MARK, published)
        metrics.PUBLISHED.labels(self._service).inc(len(published))
        if failure is not None:
            raise failure
        return len(rows)


async def publish_in_order(
    js: JetStreamContext, service: str, rows: Sequence[Any]
) -> tuple[list[int], Exception | None]:
    """Publishes outbox rows and returns the ids that JetStream has, and the first failure.

    Many members at once, one event of a member at a time; after a failure the
    rest of its member's events stay back, so that they are not overtaken.
    """
    queues: dict[tuple[str, str], deque[Any]] = {}
    for row in rows:
        queues.setdefault((row["brand"], row["member"]), deque()).append(row)
    published: list[int] = []
    failure: Exception | None = None
    while queues:
        heads = [queue[0] for queue in queues.values()]
        for row, result in zip(heads, await _publish(js, service, heads), strict=True):
            member = (row["brand"], row["member"])
            if isinstance(result, Exception):
                failure = failure or result
                del queues[member]
                continue
            published.append(row["id"])
            queues[member].popleft()
            if not queues[member]:
                del queues[member]
    return published, failure


async def _publish(js: JetStreamContext, service: str, rows: Sequence[Any]) -> list[Any]:
    return await asyncio.gather(
        *(
            js.publish(
                subject(service, short_name(row["type"]), row["brand"], row["member"]),
                row["payload"],
                headers=headers(service, row["id"], row["type"], row["created_at"], row["traceparent"]),
            )
            for row in rows
        ),
        return_exceptions=True,
    )
