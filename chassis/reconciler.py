"""Every published event has its effect, also when NATS lost it.

PostgreSQL is the record on both sides: the producer's outbox and the
consumer's inbox. An idle consumer tells the producer how many events of each
thousand ids it has claimed; where the producer has published more, it answers
with their ids, and the consumer asks for the ones it lacks to be published
again. Claims are a subset of what was published, so equal numbers are equal
sets.
"""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from typing import Any

import nats.errors
import orjson
from nats.aio.client import Client
from nats.aio.msg import Msg

from chassis import metrics
from chassis.consumer import Consumer
from chassis.database import EVERY_BRAND, Database
from chassis.events import headers, short_name, subject
from chassis.inbox import BUCKET
from chassis.logging import logger
from chassis.loops import Beat
from chassis.transport import PUBLISH_TIMEOUT_S, jetstream

SETTLED_S = 5.0
"""An event published this recently may still be on its way."""
_log = logger("reconciler")

_CLAIMED = "SELECT bucket, sum(bit_count(claimed))::bigint AS count FROM inbox WHERE source = $1 GROUP BY bucket"
_CLAIMED_IDS = """
    SELECT bucket * $3 + place AS id FROM inbox CROSS JOIN generate_series(0, $3 - 1) AS place
    WHERE source = $1 AND bucket = $2 AND get_bit(claimed, place) = 1"""
_PUBLISHED = """
    SELECT id / $2 AS bucket, count(*) AS count FROM outbox
    WHERE type = ANY($1::text[]) AND published_at < now() - make_interval(secs => $3)
    GROUP BY 1"""
_PUBLISHED_IDS = """
    SELECT id FROM outbox
    WHERE type = ANY($1::text[]) AND id >= $2 AND id < $3
      AND published_at < now() - make_interval(secs => $4) ORDER BY id"""
_ROWS = """
    SELECT id, brand, member, type, payload, traceparent FROM outbox
    WHERE id = ANY($1::bigint[]) AND published_at IS NOT NULL ORDER BY id"""
_FORGET = {
    "outbox": "DELETE FROM outbox WHERE published_at < now() - make_interval(days => $1)",
    # A day longer than the outbox, so that nothing is repaired that was applied.
    "inbox": "DELETE FROM inbox WHERE changed_at < now() - make_interval(days => $1 + 1)",
}


def request_subject(producer: str, consumer: str) -> str:
    return f"_laurels.reconcile.{producer}.{consumer}"


class Producer:
    """The producing side: answers what was published, and publishes again."""

    def __init__(self, service: str, database: Database, client: Client) -> None:
        self._service, self._database, self._client = service, database, client

    async def run(self, beat: Beat) -> None:
        """Answers consumers for ever."""
        subscription = await self._client.subscribe(
            request_subject(self._service, "*"), queue="reconcile", cb=self._answer
        )
        try:
            while True:
                beat()
                await asyncio.sleep(1)
        finally:
            if not self._client.is_closed:
                await subscription.unsubscribe()

    async def _answer(self, message: Msg) -> None:
        request = orjson.loads(message.data)
        if "publish" in request:
            reply: Any = await self._publish_again(request["publish"])
        elif "bucket" in request:
            reply = await self._ids(request["types"], request["bucket"])
        else:
            reply = await self._counts(request["types"])
        await message.respond(orjson.dumps(reply))

    async def _counts(self, types: Sequence[str]) -> list[list[int]]:
        async with self._database.reading(EVERY_BRAND) as connection:
            rows = await connection.fetch(_PUBLISHED, types, BUCKET, SETTLED_S)
        return [[row["bucket"], row["count"]] for row in rows]

    async def _ids(self, types: Sequence[str], bucket: int) -> list[int]:
        first = bucket * BUCKET
        async with self._database.reading(EVERY_BRAND) as connection:
            rows = await connection.fetch(_PUBLISHED_IDS, types, first, first + BUCKET, SETTLED_S)
        return [row["id"] for row in rows]

    async def _publish_again(self, ids: Sequence[int]) -> int:
        async with self._database.reading(EVERY_BRAND) as connection:
            rows = await connection.fetch(_ROWS, ids[:BUCKET])
        js = jetstream(self._client)
        attempt = time.time_ns()
        for row in rows:
            again = headers(self._service, row["id"], row["type"], row["traceparent"])
            # A message id of its own, or the duplicate window would drop it.
            again["Nats-Msg-Id"] = f"{row['id']}-{attempt}"
            place = subject(self._service, short_name(row["type"]), row["brand"], row["member"])
            await js.publish(place, row["payload"], headers=again)
        metrics.REPAIRED.labels(self._service).inc(len(rows))
        _log.warning("events published again", service=self._service, count=len(rows))
        return len(rows)


class Reconciler:
    """The consuming side: compares with one producer and asks for what is missing."""

    def __init__(
        self,
        service: str,
        source: str,
        types: Sequence[str],
        *,
        database: Database,
        client: Client,
        consumers: Sequence[Consumer],
        every_s: float,
    ) -> None:
        self._service, self._source, self._types = service, source, list(types)
        self._database, self._client, self._consumers, self._every_s = database, client, consumers, every_s

    async def run(self, beat: Beat) -> None:
        """Compares for ever."""
        while True:
            due = time.monotonic() + self._every_s
            while (left := due - time.monotonic()) > 0:
                beat()
                await asyncio.sleep(min(left, 1.0))
            with contextlib.suppress(nats.errors.NoRespondersError, nats.errors.TimeoutError):
                await self.repair()

    async def repair(self) -> int:
        """Asks for everything missing once; returns how many events were published again.

        A consumer with a backlog is not behind for want of events; it is left
        alone until it is idle.
        """
        if sum([await consumer.lag() for consumer in self._consumers]):
            return 0
        published = await self._ask({"types": self._types})
        async with self._database.reading(EVERY_BRAND) as connection:
            rows = await connection.fetch(_CLAIMED, self._source)
        claimed = {row["bucket"]: row["count"] for row in rows}
        repaired = 0
        for bucket, count in published:
            if claimed.get(bucket, 0) < count:
                repaired += await self._repair_bucket(bucket)
        return repaired

    async def _repair_bucket(self, bucket: int) -> int:
        sent = await self._ask({"types": self._types, "bucket": bucket})
        async with self._database.reading(EVERY_BRAND) as connection:
            rows = await connection.fetch(_CLAIMED_IDS, self._source, bucket, BUCKET)
        missing = sorted(set(sent) - {row["id"] for row in rows})
        return int(await self._ask({"publish": missing})) if missing else 0

    async def _ask(self, request: dict[str, Any]) -> Any:
        reply = await self._client.request(
            request_subject(self._source, self._service), orjson.dumps(request), timeout=PUBLISH_TIMEOUT_S
        )
        return orjson.loads(reply.data)


async def forget(database: Database, days: int, beat: Beat) -> None:
    """Deletes, once an hour, what is older than repair needs."""
    while True:
        for statement in _FORGET.values():
            async with database.transaction(EVERY_BRAND) as connection:
                await connection.execute(statement, days)
        due = time.monotonic() + 3_600
        while time.monotonic() < due:
            beat()
            await asyncio.sleep(5)
