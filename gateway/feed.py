"""A member's events from all streams, from a cursor on: none lost, none twice.

A feed reads the four JetStream streams through ephemeral pull consumers that
keep no state. Its own position in each stream is the only one that counts: it
makes a consumer again from there whenever one is gone, silent, or has skipped a
message. Messages are asked for in bounded batches as the reader takes them, so
a slow reader costs at most SOURCES × BATCH messages.

A cursor is the positions in all streams, so any replica can go on from it. A
position that its stream no longer knows (the store was wiped, or the messages
have aged out) makes the feed say `Reset` and go on from now.
"""

import asyncio
import contextlib
import json
import re
import time
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Self

import nats.errors
import nats.js.errors
from nats.aio.client import Client
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, StreamInfo
from nats.js.client import JetStreamContext

from chassis.errors import InvalidArgument, Unavailable
from chassis.events import NO_MEMBER, stream
from chassis.logging import logger
from gateway import metrics

SOURCES = ("points", "missions", "leaderboard", "recommender")
"""The services whose events are followed. Their order is that of a cursor's positions."""
FOR_ALL: Mapping[str, Sequence[str]] = {"missions": ("CommunityProgressed", "ChallengeClosed")}
"""Events about no member that every member of the brand may follow, by service."""
BATCH = 64
PULL_EXPIRES_S = 30.0
IDLE_HEARTBEAT_S = 5.0
SILENT_S = 12.0
"""Two heartbeats and some: a consumer silent for longer is made again."""
INACTIVE_S = 60.0
"""After so long without a pull the server forgets a consumer that we could not delete."""
RETRY_S = (0.25, 0.5, 1.0, 2.0)
REMEMBERED_IDS_MAX = 1_024

FAILURES = (nats.errors.Error, TimeoutError, OSError)
_CURSOR = re.compile(r"1" + r"\.([0-9a-f]{4})-(\d{1,19})" * len(SOURCES), re.ASCII)
_LOST_CONNECTION: Any = object()
"""Stands among the arrived messages where the connection was lost."""
_log = logger("feed")


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a stream. `era` tells a stream from one of the same name that was made after it was wiped."""

    era: str
    sequence: int

    def __str__(self) -> str:
        return f"{self.era}-{self.sequence}"


@dataclass(frozen=True, slots=True)
class Cursor:
    """A position in every stream, in the order of SOURCES."""

    positions: tuple[Position, ...]

    @classmethod
    def parse(cls, text: str) -> "Cursor":
        """Raises InvalidArgument.

        >>> Cursor.parse("1.c0fe-12.c0fe-0.c0fe-7.0a0b-3").positions[2].sequence
        7
        """
        if (match := _CURSOR.fullmatch(text)) is None:
            raise InvalidArgument("Last-Event-ID is not an id that this stream gave.", code="malformed_cursor")
        parts = iter(match.groups())
        return cls(tuple(Position(era, int(sequence)) for era, sequence in zip(parts, parts, strict=True)))

    def __str__(self) -> str:
        return ".".join(["1", *map(str, self.positions)])

    def moved(self, index: int, sequence: int) -> "Cursor":
        """The cursor after a message of one stream."""
        place = Position(self.positions[index].era, sequence)
        return Cursor((*self.positions[:index], place, *self.positions[index + 1 :]))


@dataclass(frozen=True, slots=True)
class Delivered:
    """An event as NATS brought it, and where to go on after it."""

    cursor: Cursor
    source: str
    type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Reset:
    """Events may be missing: the reader should look at the state itself. Goes on from `cursor`."""

    cursor: Cursor


@dataclass(slots=True)
class _Lane:
    """One stream's consumer. `generation` tells its messages from those of its predecessors."""

    index: int
    generation: int = 0
    consumer: str = ""
    sequence: int = 0
    wanted: int = 0
    heard_at: float = 0.0
    retry_at: float = 0.0
    attempts: int = 0

    @property
    def source(self) -> str:
        return SOURCES[self.index]


class _LostPositionError(Exception):
    """A stream does not know our position."""


async def _ends(js: JetStreamContext) -> Cursor:
    """Where the streams end now. Raises one of FAILURES."""
    infos = await asyncio.gather(*(js.stream_info(stream(source)) for source in SOURCES))
    return Cursor(tuple(Position(_era(info), info.state.last_seq) for info in infos))


def _era(info: StreamInfo) -> str:
    return blake2b(str(info.created).encode(), digest_size=2).hexdigest()


class Feed:
    """The events of one member, for one reader. Use as an async context manager."""

    def __init__(self, client: Client, js: JetStreamContext, brand: str, member: str) -> None:
        self._client, self._js = client, js
        self._brand, self._subject_end = brand, f"*.*.{brand}.{member}"
        self._name = f"feed-{uuid.uuid4().hex}"
        self._inbox = client.new_inbox()
        self._arrived: asyncio.Queue[Any] = asyncio.Queue()
        self._lanes = [_Lane(index) for index in range(len(SOURCES))]
        self._seen: dict[tuple[str, str], None] = {}
        self._reset = False
        self.cursor = Cursor(())

    def _subjects(self, source: str) -> list[str]:
        """The subjects of a service's events that the member follows: their own, and those for everybody."""
        for_all = [f"laurels.{source}.{event}.*.{self._brand}.{NO_MEMBER}" for event in FOR_ALL.get(source, ())]
        return [f"laurels.{source}.{self._subject_end}", *for_all]

    async def open(self, cursor: Cursor | None) -> None:
        """Takes the position: `cursor`, or the streams' end. Raises Unavailable.

        When it returns, nothing that is published from then on can be missed.
        """
        try:
            self.cursor = cursor or await _ends(self._js)
            self._subscription = await self._client.subscribe(f"{self._inbox}.*", cb=self._arrived.put)
            await asyncio.gather(*(self._start(lane) for lane in self._lanes))
        except _LostPositionError:
            self._reset = True
        except FAILURES as error:
            await self.close()
            raise Unavailable("The event streams cannot be reached at the moment.") from error

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Forgets the consumers, here and on the server; what cannot be reached forgets them itself."""
        with contextlib.suppress(*FAILURES):
            if hasattr(self, "_subscription"):
                await self._subscription.unsubscribe()
        names = [(lane.source, lane.consumer) for lane in self._lanes if lane.consumer]
        if self._client.is_connected:
            await asyncio.gather(*(self._forget(source, name) for source, name in names))

    async def _forget(self, source: str, consumer: str) -> None:
        with contextlib.suppress(*FAILURES):
            async with asyncio.timeout(2):
                await self._js.delete_consumer(stream(source), consumer)

    def repair(self) -> None:
        """Makes every consumer again: the connection was lost, and messages with it."""
        self._arrived.put_nowait(_LOST_CONNECTION)

    async def next(self, timeout_s: float) -> Delivered | Reset | None:
        """The next event; None when there was none for `timeout_s` seconds."""
        deadline = time.monotonic() + timeout_s
        while True:
            if self._reset:
                return await self._start_over()
            if not await self._mend():
                continue
            wait = min(deadline, *(lane.retry_at or deadline for lane in self._lanes)) - time.monotonic()
            try:
                async with asyncio.timeout(max(wait, 0)):
                    arrived = await self._arrived.get()
            except TimeoutError:
                if time.monotonic() >= deadline:
                    return None
                continue
            if (event := await self._take(arrived)) is not None:
                return event

    # Consumers --------------------------------------------------------------------------------------------------

    async def _start(self, lane: _Lane) -> None:
        """Makes a lane's consumer from our position on. Raises one of FAILURES, _LostPositionError."""
        await self._check_position(lane)
        if lane.consumer:
            await self._forget(lane.source, lane.consumer)
        lane.generation += 1
        lane.consumer = f"{self._name}-{lane.index}-{lane.generation}"
        lane.sequence = 0
        await self._js.add_consumer(
            stream(lane.source),
            ConsumerConfig(
                name=lane.consumer,
                deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
                opt_start_seq=self.cursor.positions[lane.index].sequence + 1,
                ack_policy=AckPolicy.NONE,
                filter_subjects=self._subjects(lane.source),
                inactive_threshold=INACTIVE_S,
                mem_storage=True,
                num_replicas=1,
            ),
        )
        await self._pull(lane)
        lane.heard_at, lane.retry_at = time.monotonic(), 0.0

    async def _check_position(self, lane: _Lane) -> None:
        info = await self._js.stream_info(stream(lane.source))
        place = self.cursor.positions[lane.index]
        if place.era != _era(info) or not info.state.first_seq - 1 <= place.sequence <= info.state.last_seq:
            raise _LostPositionError

    async def _pull(self, lane: _Lane) -> None:
        """Asks for the next batch; it comes as soon as there is something, message by message."""
        lane.wanted = BATCH
        request = {
            "batch": BATCH,
            "expires": int(PULL_EXPIRES_S * 1e9),
            "idle_heartbeat": int(IDLE_HEARTBEAT_S * 1e9),
        }
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{stream(lane.source)}.{lane.consumer}"
        reply = f"{self._inbox}.{lane.index}-{lane.generation}"
        await self._client.publish(subject, json.dumps(request).encode(), reply=reply)

    async def _mend(self) -> bool:
        """Starts again what is silent or failed and due. Whether our position still holds."""
        now = time.monotonic()
        for lane in self._lanes:
            if not lane.retry_at and now - lane.heard_at > SILENT_S:
                self._fail(lane, "silent")
        due = [lane for lane in self._lanes if lane.retry_at and lane.retry_at <= now]
        if due and not self._client.is_connected:
            for lane in due:
                lane.retry_at = now + RETRY_S[0]
        elif due:
            await asyncio.gather(*(self._restart(lane) for lane in due))
        return not self._reset

    async def _restart(self, lane: _Lane) -> None:
        try:
            await self._start(lane)
            lane.attempts = 0
        except _LostPositionError:
            self._reset = True
        except FAILURES as error:
            self._fail(lane, repr(error))

    def _fail(self, lane: _Lane, reason: str) -> None:
        """Plans a lane's new start: at once the first time, then after growing pauses."""
        metrics.STREAM_REPAIRS.labels(lane.source).inc()
        _log.debug("consumer made again", source=lane.source, reason=reason)
        lane.retry_at = time.monotonic() + (RETRY_S[min(lane.attempts, len(RETRY_S)) - 1] if lane.attempts else 0)
        lane.attempts += 1
        lane.generation += 1  # what still arrives for the old one is not taken

    async def _start_over(self) -> Reset | None:
        """Takes the position now, after one was lost. None while the streams cannot be reached."""
        try:
            self.cursor = await _ends(self._js)
        except FAILURES:
            await asyncio.sleep(RETRY_S[-1])
            return None
        self._reset = False
        self._seen.clear()
        for lane in self._lanes:
            lane.generation += 1
            lane.retry_at = time.monotonic()
        return Reset(self.cursor)

    # Messages ---------------------------------------------------------------------------------------------------

    async def _take(self, arrived: Any) -> Delivered | None:
        if arrived is _LOST_CONNECTION:
            for lane in self._lanes:
                self._fail(lane, "the connection was lost")
            return None
        status = (arrived.headers or {}).get("Status")
        if status is not None and not arrived.reply.startswith("$JS.ACK."):
            await self._take_status(arrived.subject, status, (arrived.headers or {}).get("Description", ""))
            return None
        return await self._take_event(arrived)

    async def _take_status(self, subject: str, status: str, description: str) -> None:
        index, _, generation = subject.rpartition(".")[2].partition("-")
        lane = self._lanes[int(index)]
        if int(generation) != lane.generation:
            return
        lane.heard_at = time.monotonic()
        if status in ("404", "408") or (status == "409" and "batch completed" in description.lower()):
            await self._pull(lane)
        elif status != "100":  # 100 is a heartbeat; 409 and 503 mean that the consumer is gone
            self._fail(lane, f"{status} {description}")

    async def _take_event(self, message: Any) -> Delivered | None:
        place = message.metadata
        lane = next((each for each in self._lanes if each.consumer == place.consumer), None)
        if lane is None or lane.retry_at:
            return None
        if place.sequence.consumer != lane.sequence + 1:
            self._fail(lane, "a message was skipped")
            return None
        lane.sequence, lane.heard_at = place.sequence.consumer, time.monotonic()
        self.cursor = self.cursor.moved(lane.index, place.sequence.stream)
        lane.wanted -= 1
        if not lane.wanted:
            await self._pull(lane)
        headers = message.headers or {}
        if not self._is_new(lane.source, headers.get("ce-id", "")):
            return None
        return Delivered(self.cursor, lane.source, headers.get("ce-type", ""), message.data)

    def _is_new(self, source: str, event_id: str) -> bool:
        """Whether an id was not just sent: the outbox may publish one twice after a crash."""
        if not event_id:
            return True
        if (source, event_id) in self._seen:
            return False
        self._seen[source, event_id] = None
        if len(self._seen) > REMEMBERED_IDS_MAX:
            del self._seen[next(iter(self._seen))]
        return True


async def reconnections(client: Client, *, look_every_s: float = 0.25) -> AsyncIterator[None]:
    """Yields after each time the connection was lost and found again."""
    before = client.stats["reconnects"]
    while True:
        await asyncio.sleep(look_every_s)
        if (now := client.stats["reconnects"]) != before and client.is_connected:
            before = now
            yield
