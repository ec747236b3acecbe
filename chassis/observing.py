"""What Prometheus is told that no piece of work tells by itself: lag, the outbox's age, the pool's use.

Every replica looks, since any may be the only one left; lag and age are the
service's, so that the greatest of all replicas' answers is right.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence

import nats.errors

from chassis import metrics
from chassis.consumer import Consumer
from chassis.database import EVERY_BRAND, Database
from chassis.loops import Beat

EVERY_S = 5.0
_AGE = """
    SELECT coalesce(extract(epoch FROM now() - created_at), 0)::float
    FROM outbox WHERE published_at IS NULL ORDER BY id LIMIT 1"""


def observing(service: str, database: Database, consumers: Sequence[Consumer]) -> Callable[[Beat], Awaitable[None]]:
    """A loop that looks every EVERY_S."""

    async def run(beat: Beat) -> None:
        while True:
            beat()
            size, idle = database.pool_use()
            metrics.POOL_SIZE.labels(service).set(size)
            metrics.POOL_IDLE.labels(service).set(idle)
            async with database.reading(EVERY_BRAND) as connection:
                metrics.OUTBOX_AGE.labels(service).set(await connection.fetchval(_AGE) or 0.0)
            for consumer in consumers:
                # Before its stream or its first worker is there, a consumer has no lag to tell.
                with contextlib.suppress(nats.errors.Error):
                    lag = await consumer.lag()
                    metrics.CONSUMER_LAG.labels(service, consumer.source, str(consumer.lane)).set(lag)
            await asyncio.sleep(EVERY_S)

    return run
