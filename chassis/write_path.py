"""Every write of a service, made once, in few transactions, for RPCs and events alike.

Requests that arrive while a transaction commits form the next one: nobody
waits for a timer, and a busy service commits hundreds of requests at the price
of one. In each transaction the events' ids are claimed, the states are locked
and loaded, pure rules decide one request after another, and states, facts and
outbox rows are saved together. Answers and acknowledgements follow the commit.

A request that is refused fails alone. An unexpected error splits the batch
until the request that causes it fails alone, too.
"""

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

import asyncpg

from chassis import metrics, outbox
from chassis.database import TRANSIENT, Database
from chassis.errors import DomainError, ResourceExhausted, Unavailable
from chassis.events import Event, NewEvent
from chassis.logging import logger
from chassis.tracing import span, traceparent

_log = logger("write_path")

RETRY_S = 15.0
"""How long a lost database is waited for before the callers are told."""
DELIVERIES_MAX = 8
"""After so many failed deliveries an event is parked (reliability.md, JetStream)."""


class NotYet(Unavailable):
    """An event cannot be decided before another one arrives; it is delivered again, never parked."""

    code = "not_yet"


class HeldBack(NotYet):
    """An earlier event of the same member failed in this batch."""


class Unit(Protocol):
    """A service's state for one transaction of one brand.

    Requests are what the service makes of RPCs and events: proto messages, or
    small values of its own.
    """

    events: list[NewEvent]

    async def load(self, connection: asyncpg.Connection, requests: Sequence[Any]) -> None:
        """Locks, in key order, and reads what the requests touch."""

    def decide(self, request: Any) -> Any:
        """Decides one request on the loaded states and returns its answer.

        When it raises a DomainError it has changed nothing.
        """

    async def save(self, connection: asyncpg.Connection) -> None:
        """Writes what the decisions changed."""


@dataclass(slots=True, eq=False)
class Operation:
    """One request on its way through the write path."""

    request: Any
    weight: int
    answer: asyncio.Future[Any]
    event: Event | None = None
    traceparent: str = ""


@dataclass(slots=True)
class _Queue:
    waiting: deque[Operation] = field(default_factory=deque)
    weight: int = 0
    flusher: asyncio.Task[None] | None = None


class WritePath:
    """The write path of one service.

    `begin(brand, now)` opens a unit. Batches are of one brand, since a
    transaction sees one brand only; at most `transactions_max` run at once.
    """

    def __init__(
        self,
        service: str,
        database: Database,
        begin: Callable[[str, datetime], Unit],
        *,
        on_commit: Callable[[], None],
        batch_weight_max: int = 500,
        queue_weight_max: int = 20_000,
        transactions_max: int = 2,
    ) -> None:
        self._service, self._database, self._begin, self._on_commit = service, database, begin, on_commit
        self._batch_weight_max, self._queue_weight_max = batch_weight_max, queue_weight_max
        self._slots = asyncio.Semaphore(transactions_max)
        self._queues: dict[str, _Queue] = {}
        self._weight = 0

    async def submit(self, brand: str, request: Any, *, weight: int = 1) -> Any:
        """The answer to a request, once it is durable.

        Raises its DomainError; ResourceExhausted when too much is waiting;
        Unavailable when the database stays away. A caller that goes away does
        not take the request back.
        """
        if self._weight + weight > self._queue_weight_max:
            raise ResourceExhausted("The service has too many writes waiting; try again.", code="overloaded")
        operation = self._enqueue(brand, request, weight, None)
        return await asyncio.shield(operation.answer)

    async def submit_events(self, events: Sequence[tuple[Event, Any]]) -> list[BaseException | None]:
        """Applies events, each as a request or None, and returns each one's failure or None.

        An event that was applied before is not applied again. One that fails
        at its last delivery is parked with the reason and counts as applied.
        """
        operations = [self._enqueue(event.brand, request, 1, event) for event, request in events]
        results = await asyncio.gather(*(operation.answer for operation in operations), return_exceptions=True)
        return [result if isinstance(result, BaseException) else None for result in results]

    async def drain(self) -> None:
        """Waits until nothing waits."""
        while flushers := [queue.flusher for queue in self._queues.values() if queue.flusher is not None]:
            await asyncio.gather(*flushers, return_exceptions=True)

    def _enqueue(self, brand: str, request: Any, weight: int, event: Event | None) -> Operation:
        trace = event.traceparent if event is not None else traceparent()
        operation = Operation(request, weight, asyncio.get_running_loop().create_future(), event, trace)
        queue = self._queues.setdefault(brand, _Queue())
        queue.waiting.append(operation)
        queue.weight += weight
        self._weight += weight
        if queue.flusher is None:
            queue.flusher = asyncio.create_task(self._flush(brand, queue))
        return operation

    async def _flush(self, brand: str, queue: _Queue) -> None:
        while queue.waiting:
            async with self._slots:
                batch = self._take(queue)
                metrics.QUEUE.labels(self._service).set(self._weight)
                await self._run(brand, batch)
        queue.flusher = None
        del self._queues[brand]

    def _take(self, queue: _Queue) -> list[Operation]:
        batch = [queue.waiting.popleft()]
        weight = batch[0].weight
        while queue.waiting and weight + queue.waiting[0].weight <= self._batch_weight_max:
            weight += queue.waiting[0].weight
            batch.append(queue.waiting.popleft())
        queue.weight -= weight
        self._weight -= weight
        return batch

    async def _run(self, brand: str, batch: list[Operation]) -> None:
        """Commits a batch and answers everybody in it, whatever happens."""
        try:
            results = await self._persist(brand, batch)
        except Exception as error:  # noqa: BLE001 - isolated by splitting, then told to its one caller
            lost = isinstance(error, TRANSIENT) and not isinstance(error, asyncpg.UniqueViolationError)
            if len(batch) > 1 and not lost:
                await self._split(brand, batch)
                return
            _log.error("transaction failed", service=self._service, requests=len(batch), exc_info=error)
            if lost:
                results = [Unavailable(f"The database of {self._service} is away; try again.") for _ in batch]
            else:
                results = [await self._park_or(brand, batch[0], error)]
        for operation, result in zip(batch, results, strict=True):
            if operation.answer.done():
                continue
            if isinstance(result, BaseException):
                operation.answer.set_exception(result)
            else:
                operation.answer.set_result(result)

    async def _persist(self, brand: str, batch: list[Operation]) -> list[Any]:
        """Commits a batch; repeats it over what may go away by itself."""
        give_up_at = time.monotonic() + RETRY_S
        pause = 0.02
        while True:
            try:
                with span(self._service, "transaction", batch[0].traceparent):
                    return await self._commit(brand, batch)
            except TRANSIENT as error:
                # A key that another transaction took is seen at the next try.
                hopeless = isinstance(error, asyncpg.UniqueViolationError) and pause > 0.1
                if hopeless or time.monotonic() > give_up_at:
                    raise
                _log.warning("transaction repeated", service=self._service, error=repr(error))
                await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - jitter, not a secret
                pause = min(pause * 2, 1.0)

    async def _split(self, brand: str, batch: list[Operation]) -> None:
        metrics.BATCH_SPLITS.labels(self._service).inc()
        middle = len(batch) // 2
        await self._run(brand, batch[:middle])
        await self._run(brand, batch[middle:])

    async def _commit(self, brand: str, batch: list[Operation]) -> list[Any]:
        started = time.perf_counter()
        unit = self._begin(brand, datetime.now(UTC))
        async with self._database.transaction(brand) as connection:
            duplicates = await _claim(connection, brand, batch)
            live = [op.request for op in batch if op.request is not None and op not in duplicates]
            await unit.load(connection, live)
            results = _decide(unit, batch, duplicates)
            await unit.save(connection)
            if unit.events:
                await outbox.append(connection, brand, unit.events)
            await self._release_or_park(connection, brand, batch, results)
        metrics.BATCH_SIZE.labels(self._service).observe(len(batch))
        metrics.BATCH_SECONDS.labels(self._service).observe(time.perf_counter() - started)
        if unit.events:
            self._on_commit()
        return results

    async def _release_or_park(
        self, connection: asyncpg.Connection, brand: str, batch: list[Operation], results: list[Any]
    ) -> None:
        """Gives up the claims of events that were refused; parks those refused too often."""
        refused = [
            (place, operation.event)
            for place, operation in enumerate(batch)
            if operation.event is not None and isinstance(results[place], DomainError)
        ]
        for place, event in refused:
            if event.deliveries >= DELIVERIES_MAX and not isinstance(results[place], NotYet):
                await self._park(connection, brand, event, str(results[place]))
                results[place] = None
        released = [event for place, event in refused if results[place] is not None]
        if released:
            await connection.execute(
                "DELETE FROM inbox USING unnest($1::text[], $2::bigint[]) AS gone (source, id) "
                "WHERE inbox.source = gone.source AND inbox.id = gone.id",
                [event.source for event in released],
                [event.id for event in released],
            )

    async def _park_or(self, brand: str, operation: Operation, error: Exception) -> Any:
        """Parks an event whose handling is broken at its last delivery; else its error."""
        event = operation.event
        if event is None or event.deliveries < DELIVERIES_MAX:
            return error
        try:
            async with self._database.transaction(brand) as connection:
                if operation not in await _claim(connection, brand, [operation]):
                    await self._park(connection, brand, event, repr(error))
        except TRANSIENT:
            return error
        return None

    async def _park(self, connection: asyncpg.Connection, brand: str, event: Event, reason: str) -> None:
        _log.error("event parked", service=self._service, source=event.source, event_id=event.id, reason=reason)
        metrics.DEAD_LETTERS.labels(self._service, event.source).inc()
        await connection.execute(
            "INSERT INTO dead_letters (source, id, brand, member, type, payload, reason) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
            event.source,
            event.id,
            brand,
            event.member,
            event.message.DESCRIPTOR.full_name,
            event.message.SerializeToString(),
            reason,
        )


async def _claim(connection: asyncpg.Connection, brand: str, batch: Sequence[Operation]) -> set[Operation]:
    """Claims the events of a batch and returns the operations that were applied before.

    Of two deliveries of one event in the same batch, the first one counts.
    """
    by_id: dict[tuple[str, int], Operation] = {}
    duplicates: set[Operation] = set()
    for operation in batch:
        if operation.event is None:
            continue
        key = (operation.event.source, operation.event.id)
        if key in by_id:
            duplicates.add(operation)
        else:
            by_id[key] = operation
    if not by_id:
        return duplicates
    keys = sorted(by_id)
    rows = await connection.fetch(
        "INSERT INTO inbox (source, id, brand) SELECT source, id, $3 "
        "FROM unnest($1::text[], $2::bigint[]) AS event (source, id) "
        "ON CONFLICT DO NOTHING RETURNING source, id",
        [source for source, _ in keys],
        [event_id for _, event_id in keys],
        brand,
    )
    claimed = {(row["source"], row["id"]) for row in rows}
    return duplicates | {operation for key, operation in by_id.items() if key not in claimed}


def _decide(unit: Unit, batch: Sequence[Operation], duplicates: set[Operation]) -> list[Any]:
    results: list[Any] = []
    behind: set[str] = set()
    for operation in batch:
        if operation in duplicates or operation.request is None:
            results.append(None)
        elif operation.event is not None and operation.event.member in behind:
            results.append(HeldBack("An earlier event of the same member failed."))
        else:
            try:
                results.append(unit.decide(operation.request))
            except DomainError as refusal:
                results.append(refusal)
                if operation.event is not None:
                    behind.add(operation.event.member)
    return results
