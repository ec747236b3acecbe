"""Every event of a source has its effect, in each member's order, acknowledged after the commit.

A durable pull consumer for each source and lane. One request for many messages
is kept open at the server, so that an event is here as soon as it is stored;
what arrives while a batch commits is the next batch. A failed event comes back
after a pause that grows, and no later one of its member overtakes it; one that
cannot even be read is parked.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Awaitable, Callable, Container, Sequence
from dataclasses import replace

import orjson
from google.protobuf.message import DecodeError
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import NotFoundError
from opentelemetry.trace import SpanKind

from chassis import metrics, tracing
from chassis.database import Database
from chassis.events import PARTITIONS, Event, message_class, stream
from chassis.leadership import exclusively
from chassis.logging import logger
from chassis.loops import Beat
from chassis.transport import header, jetstream
from chassis.write_path import DELIVERIES_MAX, HeldBack, NotYet

BATCH = 500
PULL_EXPIRES_S = 5.0
ACK_WAIT_S = 30
ACK_PENDING_MAX = 5_000
PAUSE_FIRST_S, PAUSE_MAX_S = 0.1, 30.0
PAUSE_BEHIND_MAX_S = 1.0
STREAM_LOOK_S = 0.1
_log = logger("consumer")

Handler = Callable[[Sequence[Event]], Awaitable[list[BaseException | None]]]


def durable_name(service: str, lane: int, lanes: int) -> str:
    return f"{service}-{lane}-of-{lanes}"


def filter_subjects(source: str, events: Sequence[str], lane: int, lanes: int) -> list[str]:
    """The subjects of a lane: all of them, or its share of the partitions.

    As few filters as can be, and so more than the events asked for; the rest
    is acknowledged unread. Through two or three filters nats-server 2.15 spent
    1,150 µs on finding each message of a backlog of 20,000 from 5,000 members,
    through one 15 to 20.

    >>> filter_subjects("points", ["TierChanged"], 0, 1)
    ['laurels.points.TierChanged.>']
    >>> filter_subjects("points", ["ActivityRecorded", "TierChanged"], 0, 1)
    ['laurels.points.>']
    >>> filter_subjects("points", ["ActivityRecorded", "TierChanged"], 1, 4)
    ['laurels.points.*.p1.>', 'laurels.points.*.p5.>']
    """
    if lanes == 1:
        return [f"laurels.{source}.{events[0]}.>" if len(events) == 1 else f"laurels.{source}.>"]
    event = events[0] if len(events) == 1 else "*"
    return [f"laurels.{source}.{event}.p{number}.>" for number in range(lane, PARTITIONS, lanes)]


def consumer_config(service: str, source: str, events: Sequence[str], lane: int, lanes: int) -> ConsumerConfig:
    """The durable consumer of a lane, as reliability.md asks."""
    return ConsumerConfig(
        durable_name=durable_name(service, lane, lanes),
        deliver_policy=DeliverPolicy.ALL,
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=ACK_WAIT_S,
        max_deliver=-1,
        max_ack_pending=ACK_PENDING_MAX,
        filter_subjects=filter_subjects(source, events, lane, lanes),
    )


CONSUMER_FIELDS = ("ack_policy", "ack_wait", "max_deliver", "max_ack_pending")
"""What `consumer_config` says of a consumer, besides its subjects and where it begins."""


def same_subjects(one: ConsumerConfig, other: ConsumerConfig) -> bool:
    """Whether two consumers hear the same."""
    return _filters(one) == _filters(other)


class Rejected:
    """Events that failed and will come back; none of the same member's overtakes them meanwhile."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[str, str], set[int]] = {}
        self._tries: dict[int, int] = {}

    def is_before(self, event: Event, present: Container[int]) -> bool:
        """Whether an earlier event of the member waits that is not among those `present`."""
        waiting = self._waiting.get((event.brand, event.member), ())
        return any(known < event.id and known not in present for known in waiting)

    def tries(self, event_id: int) -> int:
        """How often the event failed by itself."""
        return self._tries.get(event_id, 0)

    def add(self, event: Event, *, counts: bool) -> None:
        """Notes a failure; one that counts is the event's own."""
        self._waiting.setdefault((event.brand, event.member), set()).add(event.id)
        if counts:
            self._tries[event.id] = self.tries(event.id) + 1

    def remove(self, event: Event) -> None:
        """Notes that the event has its effect."""
        self._tries.pop(event.id, None)
        if (waiting := self._waiting.get((event.brand, event.member))) is not None:
            waiting.discard(event.id)
            if not waiting:
                del self._waiting[event.brand, event.member]


class Consumer:
    """Consumes some events of one source in one lane."""

    def __init__(
        self,
        service: str,
        source: str,
        events: Sequence[str],
        *,
        client: Client,
        database: Database,
        handle: Handler,
        lane: int = 0,
        lanes: int = 1,
    ) -> None:
        self._service, self._source, self._events = service, source, tuple(events)
        self._client, self._database, self._handle = client, database, handle
        self._lane, self._lanes = lane, lanes
        self._durable = durable_name(service, lane, lanes)
        self._arrived: deque[Msg] = deque()
        self._something = asyncio.Event()
        self._open = 0
        self._heard_at = 0.0
        self._gone = False
        self._reconnects = 0
        self._rejected = Rejected()
        self._effect_seconds = metrics.EFFECT_SECONDS.labels(service, source)
        self._inbox = ""
        self._subscription: Subscription | None = None

    async def run(self, beat: Beat) -> None:
        """Consumes for ever, while no other replica works in this lane."""
        lane = f"{self._service}:{self._source}:{self._lane}:{self._lanes}"
        async with exclusively(self._database.url, lane, beat):
            await self._consume(beat)

    async def _consume(self, beat: Beat) -> None:
        await self._await_stream(beat)
        self._gone = True
        try:
            while True:
                beat()
                if self._gone or self._reconnects != self._client.stats["reconnects"]:
                    await self._resume()
                await self._ask()
                if not self._arrived:
                    await self._wait()
                    continue
                batch = [self._arrived.popleft() for _ in range(min(len(self._arrived), BATCH))]
                await self._ask()
                await self._apply(batch)
        finally:
            await self._unsubscribe()

    async def _await_stream(self, beat: Beat) -> None:
        """The producer makes its stream when it starts, which may be later."""
        while True:
            beat()
            try:
                await jetstream(self._client).stream_info(stream(self._source))
                return
            except NotFoundError:
                await asyncio.sleep(STREAM_LOOK_S)

    async def _resume(self) -> None:
        """Goes on behind the last event before which every one has its effect.

        What was delivered to a worker that died, or got lost with a connection,
        would come back after ACK_WAIT_S, behind later events of the same
        members. So the consumer is made anew where it stood, and answers to a
        new inbox; what it brings a second time is claimed already.
        """
        reconnects = self._client.stats["reconnects"]
        js, name = jetstream(self._client), stream(self._source)
        wanted = consumer_config(self._service, self._source, self._events, self._lane, self._lanes)
        await self._unsubscribe()
        found = None
        with contextlib.suppress(NotFoundError):
            found = await js.consumer_info(name, self._durable)
        if found is None or found.num_ack_pending or _filters(found.config) != _filters(wanted):
            if found is not None:
                await js.delete_consumer(name, self._durable)
                stood_at = found.ack_floor.stream_seq if found.ack_floor is not None else 0
                wanted.deliver_policy, wanted.opt_start_seq = DeliverPolicy.BY_START_SEQUENCE, stood_at + 1
            await js.add_consumer(name, wanted)
        self._arrived.clear()
        self._rejected = Rejected()
        self._inbox = self._client.new_inbox()
        self._subscription = await self._client.subscribe(
            self._inbox, cb=self._on_message, pending_msgs_limit=4 * BATCH
        )
        self._open, self._heard_at, self._gone, self._reconnects = 0, time.monotonic(), False, reconnects

    async def _unsubscribe(self) -> None:
        subscription, self._subscription = self._subscription, None
        if subscription is not None and not self._client.is_closed:
            await subscription.unsubscribe()

    async def _on_message(self, message: Msg) -> None:
        self._heard_at = time.monotonic()
        status = header(message, "Status")
        if not status:
            self._open -= 1
            self._arrived.append(message)
        elif status != "100":
            unsent = header(message, "Nats-Pending-Messages")
            self._open = max(self._open - int(unsent), 0) if unsent.isdigit() else 0
            # Nobody answers for a consumer that was deleted; asking again and again would not bring it back.
            self._gone = self._gone or status == "503"
        self._something.set()

    async def _ask(self) -> None:
        """Keeps about a batch of messages requested, not counting those at hand."""
        wanted = BATCH - max(self._open, 0) - len(self._arrived)
        if wanted < BATCH // 2:
            return
        request = {
            "batch": wanted,
            "expires": int(PULL_EXPIRES_S * 1e9),
            "idle_heartbeat": int(PULL_EXPIRES_S / 4 * 1e9),
        }
        self._open = max(self._open, 0) + wanted
        await self._client.publish(
            f"$JS.API.CONSUMER.MSG.NEXT.{stream(self._source)}.{self._durable}",
            orjson.dumps(request),
            reply=self._inbox,
        )

    async def _wait(self) -> None:
        self._something.clear()
        try:
            # Not asyncio.wait_for; see chassis.outbox.
            async with asyncio.timeout(PULL_EXPIRES_S / 2):
                await self._something.wait()
        except TimeoutError:
            # No message and no heartbeat: the request was lost with a
            # connection, or the consumer with the store.
            if time.monotonic() - self._heard_at > PULL_EXPIRES_S / 2:
                self._gone = True

    async def _apply(self, batch: Sequence[Msg]) -> None:
        events, messages = [], []
        seen: set[int] = set()
        for message in batch:
            if not self._wants(message):
                await message.ack()
                continue
            event = self._read(message)
            if event is None:
                await message.term()
            elif self._rejected.is_before(event, seen):
                await self._reject(event, message, HeldBack("An earlier event of the same member failed."))
            else:
                seen.add(event.id)
                events.append(event)
                messages.append(message)
        parts = [self._begun(event) for event in events]
        failures = await self._handle(
            [
                event if part.traceparent == event.traceparent else replace(event, traceparent=part.traceparent)
                for event, part in zip(events, parts, strict=True)
            ]
        )
        acknowledged, now = 0, time.time()
        for event, part, message, failure in zip(events, parts, messages, failures, strict=True):
            part.end(failure)
            if failure is None:
                await message.ack()
                self._rejected.remove(event)
                self._effect_seconds.observe(max(0.0, now - _stored_at(message)))
                acknowledged += 1
            else:
                await self._reject(event, message, failure)
        metrics.CONSUMED.labels(self._service, self._source).inc(acknowledged)

    def _begun(self, event: Event) -> tracing.Part:
        """The event's effect, in the trace of what caused it."""
        return tracing.begin(
            self._service,
            f"process {event.message.DESCRIPTOR.name}",
            event.traceparent,
            SpanKind.CONSUMER,
            tracing.messaging("process", stream(self._source), event.id, event.brand),
        )

    async def _reject(self, event: Event, message: Msg, failure: BaseException) -> None:
        metrics.REJECTED.labels(self._service, self._source).inc()
        if event.deliveries == 1 or event.deliveries >= DELIVERIES_MAX:
            with tracing.on_behalf_of(event.traceparent):
                _log.warning(
                    "event rejected", service=self._service, source=self._source, event_id=event.id, error=repr(failure)
                )
        self._rejected.add(event, counts=not isinstance(failure, NotYet))
        pause = PAUSE_FIRST_S * 2 ** min(_deliveries(message) - 1, 16)
        await message.nak(delay=min(pause, PAUSE_BEHIND_MAX_S if isinstance(failure, HeldBack) else PAUSE_MAX_S))

    def _wants(self, message: Msg) -> bool:
        return len(self._events) == 1 or message.subject.split(".", 3)[2] in self._events

    def _read(self, message: Msg) -> Event | None:
        tokens = message.subject.split(".", 5)
        try:
            event_id = _event_id(header(message, "ce-id"))
            return Event(
                source=self._source,
                id=event_id,
                brand=tokens[4],
                member=tokens[5],
                message=message_class(header(message, "ce-type")).FromString(message.data),
                traceparent=header(message, "traceparent"),
                deliveries=self._rejected.tries(event_id) + 1,
            )
        except (ValueError, KeyError, IndexError, DecodeError) as error:
            # Not one of ours, or of a version that this code does not know.
            # Its row stays in the producer's outbox, where the reconciler
            # finds it unclaimed.
            metrics.DEAD_LETTERS.labels(self._service, self._source).inc()
            _log.error("event unreadable", service=self._service, subject=message.subject, error=repr(error))
            return None

    @property
    def lane(self) -> int:
        """Which of the source's lanes it works in."""
        return self._lane

    @property
    def source(self) -> str:
        """Whose events it consumes."""
        return self._source

    async def lag(self) -> int:
        """How many events wait to be acknowledged."""
        info = await jetstream(self._client).consumer_info(stream(self._source), self._durable)
        return int(info.num_pending or 0) + int(info.num_ack_pending or 0)


def _filters(config: ConsumerConfig) -> list[str]:
    """The subjects of a consumer; the server tells a single one otherwise than several."""
    return sorted(config.filter_subjects or ([config.filter_subject] if config.filter_subject else []))


def _deliveries(message: Msg) -> int:
    """The delivery count, the fifth token of `$JS.ACK.<stream>.<consumer>.<count>…`, with or without a domain.

    >>> class Reply: reply = "$JS.ACK.POINTS.missions-0-of-1.3.10.12.1700000000.0"
    >>> _deliveries(Reply())
    3
    """
    tokens = message.reply.split(".")
    return int(tokens[4] if len(tokens) < 12 else tokens[6])


def _stored_at(message: Msg) -> float:
    """When the server stored the message, as Unix time: the token but one behind the sequences, in nanoseconds.

    >>> class Reply: reply = "$JS.ACK.POINTS.missions-0-of-1.3.10.12.1700000000500000000.0"
    >>> _stored_at(Reply())
    1700000000.5
    """
    tokens = message.reply.split(".")
    return int(tokens[7] if len(tokens) < 12 else tokens[9]) / 1e9


def _event_id(text: str) -> int:
    """An id as an outbox gives it, which the inbox can claim. Raises ValueError.

    >>> _event_id("17")
    17
    >>> _event_id("9223372036854775808")
    Traceback (most recent call last):
    ValueError: no event id: '9223372036854775808'
    """
    if not 0 < (number := int(text)) < 2**63:
        raise ValueError(f"no event id: {text!r}")
    return number
