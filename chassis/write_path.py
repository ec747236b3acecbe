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
from contextvars import Context
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

import asyncpg

from chassis import inbox, metrics, outbox
from chassis.database import TRANSIENT, Database
from chassis.errors import DomainError, ResourceExhausted, Unavailable
from chassis.events import Event, NewEvent
from chassis.logging import logger
from chassis.tracing import on_behalf_of, together, traceparent

_log = logger("write_path")

GATHER_S = 0.006
"""So long after a commit at most, the next batch waits to become as large as the one before."""
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


class Answers:
    """The answers to requests that were handed in together, awaited as one.

    A future for each of five hundred events would cost more than deciding them.
    Whoever awaits them may be cancelled: the work goes on.
    """

    __slots__ = ("_missing", "_results", "complete")

    def __init__(self, count: int) -> None:
        self._results: list[Any] = [None] * count
        self._missing = count
        self.complete: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()

    def give(self, place: int, result: Any) -> None:
        """Answers one request; a failure is an exception."""
        self._results[place] = result
        self._missing -= 1
        if self._missing == 0 and not self.complete.done():
            self.complete.set_result(self._results)


@dataclass(slots=True, eq=False)
class Operation:
    """One request on its way through the write path, `place`d among those handed in with it."""

    request: Any
    weight: int
    answers: Answers
    place: int
    event: Event | None
    traceparent: str


@dataclass(slots=True)
class _Queue:
    """What waits of a brand, and how the batch before it went: its size, and when it ended."""

    waiting: deque[Operation] = field(default_factory=deque)
    flusher: asyncio.Task[None] | None = None
    size: int = 0
    ended_at: float = float("-inf")
    enough: asyncio.Future[None] | None = None


class WritePath:
    """The write path of one service.

    `begin(brand, now)` opens a unit; `committed(unit)` is told of each that was
    committed, before anybody is answered. Batches are of one brand, since a
    transaction sees one brand only; at most `transactions_max` run at once.
    """

    def __init__(
        self,
        service: str,
        database: Database,
        begin: Callable[[str, datetime], Unit],
        *,
        on_commit: Callable[[], None],
        committed: Callable[[Any], None] | None = None,
        batch_weight_max: int = 500,
        queue_weight_max: int = 20_000,
        transactions_max: int = 2,
    ) -> None:
        self._service, self._database, self._begin, self._on_commit = service, database, begin, on_commit
        self._committed = committed
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
        answers = Answers(1)
        self._enqueue(brand, Operation(request, weight, answers, 0, None, traceparent()))
        (result,) = await answers.complete
        if isinstance(result, BaseException):
            raise result
        return result

    async def submit_all(self, brand: str, requests: Sequence[Any]) -> list[Any]:
        """The answers to requests that arrived together, each on its own, in their order, once all are durable.

        What a request was refused for stands in its answer's place. Raises
        ResourceExhausted when too much is waiting.
        """
        if not requests:
            return []
        if self._weight + len(requests) > self._queue_weight_max:
            raise ResourceExhausted("The service has too many writes waiting; try again.", code="overloaded")
        answers, trace = Answers(len(requests)), traceparent()
        for place, request in enumerate(requests):
            self._enqueue(brand, Operation(request, 1, answers, place, None, trace))
        return await answers.complete

    async def submit_events(self, events: Sequence[tuple[Event, Any]]) -> list[BaseException | None]:
        """Applies events, each as a request or None, and returns each one's failure or None.

        An event that was applied before is not applied again. One that fails
        at its last delivery is parked with the reason and counts as applied.
        """
        if not events:
            return []
        answers = Answers(len(events))
        for place, (event, request) in enumerate(events):
            self._enqueue(event.brand, Operation(request, 1, answers, place, event, event.traceparent))
        results = await answers.complete
        return [result if isinstance(result, BaseException) else None for result in results]

    async def drain(self) -> None:
        """Waits until nothing waits."""
        while flushers := [queue.flusher for queue in self._queues.values() if queue.flusher is not None]:
            await asyncio.gather(*flushers, return_exceptions=True)

    def _enqueue(self, brand: str, operation: Operation) -> None:
        queue = self._queues.get(brand)
        if queue is None:
            queue = self._queues[brand] = _Queue()
        queue.waiting.append(operation)
        self._weight += operation.weight
        if queue.flusher is None:
            # In a context of its own: what it logs is not the first caller's.
            queue.flusher = asyncio.create_task(self._flush(brand, queue), context=Context())
        elif queue.enough is not None and len(queue.waiting) >= queue.size and not queue.enough.done():
            queue.enough.set_result(None)

    async def _flush(self, brand: str, queue: _Queue) -> None:
        while queue.waiting:
            async with self._slots:
                await self._gather(queue)
                batch = self._take(queue)
                metrics.QUEUE.labels(self._service).set(self._weight)
                await self._run(brand, batch)
                queue.size, queue.ended_at = len(batch), asyncio.get_running_loop().time()
        queue.flusher = None

    async def _gather(self, queue: _Queue) -> None:
        """Waits until as many requests are there as the batch before had, but not for long.

        Its callers were just answered and many are about to ask again; without
        this, a batch begins with the first of them. A lone caller's batch
        before had one request, so that it waits for nobody.
        """
        loop = asyncio.get_running_loop()
        until = queue.ended_at + GATHER_S
        if len(queue.waiting) >= queue.size or loop.time() >= until:
            return
        queue.enough = loop.create_future()
        try:
            async with asyncio.timeout_at(until):
                await queue.enough
        except TimeoutError:
            pass  # those who did not come back will be in a later batch
        finally:
            queue.enough = None

    def _take(self, queue: _Queue) -> list[Operation]:
        batch = [queue.waiting.popleft()]
        weight = batch[0].weight
        while queue.waiting and weight + queue.waiting[0].weight <= self._batch_weight_max:
            weight += queue.waiting[0].weight
            batch.append(queue.waiting.popleft())
        self._weight -= weight
        return batch

    async def _run(self, brand: str, batch: list[Operation]) -> set[str]:
        """Commits a batch and answers everybody in it, whatever happens; returns the members whose events failed."""
        try:
            results = await self._persist(brand, batch)
        except Exception as error:  # noqa: BLE001 - isolated by splitting, then told to its one caller
            results = await self._failed(brand, batch, error)
        if not results:
            return await self._split(brand, batch)
        return _answer(batch, results)

    async def _failed(self, brand: str, batch: list[Operation], error: Exception) -> list[Any]:
        """The results of a batch that cannot be committed; none when it is to be split."""
        lost = isinstance(error, TRANSIENT) and not isinstance(error, asyncpg.UniqueViolationError)
        if len(batch) > 1 and not lost:
            return []
        with on_behalf_of(batch[0].traceparent):
            _log.error("transaction failed", service=self._service, brand=brand, requests=len(batch), exc_info=error)
        if lost:
            return [Unavailable(f"The database of {self._service} is away; try again.") for _ in batch]
        return [await self._park_or(brand, batch[0], error)]

    async def _persist(self, brand: str, batch: list[Operation]) -> list[Any]:
        """Commits a batch; repeats it over what may go away by itself."""
        give_up_at = time.monotonic() + RETRY_S
        pause = 0.02
        while True:
            try:
                with together(self._service, "transaction", [op.traceparent for op in batch]) as contexts:
                    return await self._commit(brand, batch, contexts)
            except TRANSIENT as error:
                # A key that another transaction took is seen at the next try.
                hopeless = isinstance(error, asyncpg.UniqueViolationError) and pause > 0.1
                if hopeless or time.monotonic() > give_up_at:
                    raise
                _log.warning("transaction repeated", service=self._service, brand=brand, error=repr(error))
                await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - jitter, not a secret
                pause = min(pause * 2, 1.0)

    async def _split(self, brand: str, batch: list[Operation]) -> set[str]:
        metrics.BATCH_SPLITS.labels(self._service).inc()
        middle = len(batch) // 2
        behind = await self._run(brand, batch[:middle])
        held = [op for op in batch[middle:] if op.event is not None and op.event.member in behind]
        _answer(held, [_held_back() for _ in held])
        rest = [op for op in batch[middle:] if op not in held]
        return behind | await self._run(brand, rest) if rest else behind

    async def _commit(self, brand: str, batch: list[Operation], contexts: Sequence[str]) -> list[Any]:
        started = time.perf_counter()
        unit = self._begin(brand, datetime.now(UTC))
        async with self._database.transaction(brand) as connection:
            claims = await inbox.lock(connection, brand, (op.event for op in batch if op.event is not None))
            duplicates = {op for op in batch if op.event is not None and not claims.take(op.event)}
            live = [op.request for op in batch if op.request is not None and op not in duplicates]
            await unit.load(connection, live)
            results = _decide(unit, batch, duplicates, contexts)
            await unit.save(connection)
            if unit.events:
                await outbox.append(connection, brand, unit.events)
            await self._give_back_or_park(connection, brand, batch, results, claims)
            await claims.save()
        if self._committed is not None:
            self._committed(unit)
        metrics.BATCH_SIZE.labels(self._service).observe(len(batch))
        metrics.BATCH_SECONDS.labels(self._service).observe(time.perf_counter() - started)
        if unit.events:
            self._on_commit()
        return results

    async def _give_back_or_park(
        self,
        connection: asyncpg.Connection,
        brand: str,
        batch: list[Operation],
        results: list[Any],
        claims: inbox.Claims,
    ) -> None:
        """Gives back the claims of events that were refused; parks those refused too often."""
        for place, (operation, result) in enumerate(zip(batch, results, strict=True)):
            event = operation.event
            if event is None or not isinstance(result, DomainError):
                continue
            if event.deliveries < DELIVERIES_MAX or isinstance(result, NotYet):
                claims.give_back(event)
            else:
                await self._park(connection, brand, event, str(result))
                results[place] = None

    async def _park_or(self, brand: str, operation: Operation, error: Exception) -> Any:
        """Parks an event whose handling is broken at its last delivery; else its error."""
        event = operation.event
        if event is None or event.deliveries < DELIVERIES_MAX:
            return error
        try:
            async with self._database.transaction(brand) as connection:
                claims = await inbox.lock(connection, brand, [event])
                if claims.take(event):
                    await self._park(connection, brand, event, repr(error))
                    await claims.save()
        except Exception as parking:  # noqa: BLE001 - what cannot be parked comes again, and others go on
            _log.error("event not parked", service=self._service, event_id=event.id, error=repr(parking))
            return error
        return None

    async def _park(self, connection: asyncpg.Connection, brand: str, event: Event, reason: str) -> None:
        with on_behalf_of(event.traceparent):
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


def _decide(unit: Unit, batch: Sequence[Operation], duplicates: set[Operation], contexts: Sequence[str]) -> list[Any]:
    """The answers or refusals of a batch; what each decision tells is in the trace of `contexts`."""
    results: list[Any] = []
    behind: set[str] = set()
    at_hand = traceparent()
    for operation, context in zip(batch, contexts, strict=True):
        if operation in duplicates or operation.request is None:
            results.append(None)
        elif operation.event is not None and operation.event.member in behind:
            results.append(_held_back())
        else:
            try:
                if context == at_hand:
                    results.append(unit.decide(operation.request))
                else:
                    with on_behalf_of(context):
                        results.append(unit.decide(operation.request))
            except DomainError as refusal:
                results.append(refusal)
                if operation.event is not None:
                    behind.add(operation.event.member)
    return results


def _held_back() -> HeldBack:
    return HeldBack("An earlier event of the same member failed.")


def _answer(batch: Sequence[Operation], results: Sequence[Any]) -> set[str]:
    """Answers everybody in a batch; returns the members whose events failed."""
    behind = set()
    for operation, result in zip(batch, results, strict=True):
        operation.answers.give(operation.place, result)
        if operation.event is not None and isinstance(result, BaseException):
            behind.add(operation.event.member)
    return behind
