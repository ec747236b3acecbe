"""A browser that follows its member's events sees each change once, also across reconnects and restarts.

`GET /v1/members/{member}/events` answers server-sent events, and so does
`GET /v1/leaderboards/{board}/events` with a live board's changes. Each has the
event's name, its message as JSON, and as `id` the cursor to go on from; a
client that sends it back as Last-Event-ID goes on there, at any replica. A
comment each `heartbeat_s` keeps proxies from closing a quiet stream. `event:
reset` says that events may be missing and the client should read the state
anew.
"""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator

from google.protobuf.message import DecodeError
from nats.aio.client import Client
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from chassis.credentials import IDENTIFIER, Caller
from chassis.errors import FieldViolation, InvalidArgument, NotFound, Unavailable
from chassis.events import NO_MEMBER, message_class
from chassis.logging import logger
from chassis.server import Rule
from chassis.transport import connect, jetstream
from gateway import json_codec, metrics
from gateway.edge import RELEASE
from gateway.feed import FAILURES, Cursor, Delivered, Feed, Reset, reconnections
from gateway.problems import Overloaded, TooManyStreams
from gateway.settings import GatewaySettings
from gateway.transcoder import Inbound

RECONNECT_MS = 2_000
LIFETIME_S = 3_600.0
"""A stream ends after an hour, so that streams spread over replicas again; the client goes on where it was."""
CONNECTION_S = 2.0
"""How long a new stream waits for NATS, so that a start or a restart of it refuses nobody."""
BOARD_MARK = "@"
"""Stands before a board's id where subjects have a member's; no member's id begins so."""
_HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no", "vary": "Authorization"}
_MEDIA_TYPE = "text/event-stream"
_log = logger("events")


class EventStreams:
    """The route of event streams, and all streams that are open."""

    rule = Rule(scopes=frozenset({"member", "service"}), key_required=False, names_member=True)

    def __init__(self, settings: GatewaySettings) -> None:
        self.settings = settings
        self._client: Client | None = None
        self._feeds: set[Feed] = set()
        self._per_brand: Counter[str] = Counter()
        self._per_subject: Counter[tuple[str, str]] = Counter()
        self._draining = asyncio.Event()

    @property
    def is_connected(self) -> bool:
        return self._client is not None and self._client.is_connected

    async def keep_connected(self) -> None:
        """Connects to NATS, and repairs all feeds whenever it was lost and found. Runs until cancelled.

        Until the first connection, streams are refused and everything else works.
        """
        settings = self.settings
        self._client = await connect(
            settings.nats_url,
            name="gateway",
            user=settings.nats_user,
            password=settings.nats_password.get_secret_value(),
        )
        try:
            async for _ in reconnections(self._client):
                for feed in self._feeds:
                    feed.repair()
        finally:
            with contextlib.suppress(*FAILURES):
                await asyncio.shield(self._client.close())

    def drain(self) -> None:
        """Ends all streams; their clients go on at another replica."""
        self._draining.set()

    async def __call__(self, inbound: Inbound) -> Response:
        """Answers with a stream. Raises DomainError before the stream has begun."""
        return await self.follow(inbound, _member(inbound))

    async def follow(self, inbound: Inbound, whose: str) -> Response:
        """A stream of the events whose subjects end with `whose`: a member, or what stands for a board."""
        who = inbound.who
        cursor = _cursor(inbound.http)
        if inbound.http.method == "HEAD":
            return Response(headers=_HEADERS, media_type=_MEDIA_TYPE)
        self._take_place(who)
        try:
            client = await self._connected()
            feed = Feed(client, jetstream(client), who.brand, whose)
            await feed.open(cursor)
        except BaseException:
            self._leave(who)
            raise
        return _Stream(self, feed, who)

    async def _connected(self) -> Client:
        """The connection, after a short wait while it is being made. Raises Unavailable."""
        patience = time.monotonic() + CONNECTION_S
        while self._client is None or not self._client.is_connected:
            if time.monotonic() > patience:
                raise Unavailable("The event streams cannot be reached at the moment.")
            await asyncio.sleep(0.05)
        return self._client

    def _take_place(self, who: Caller) -> None:
        bounds = self.settings
        if self._draining.is_set() or len(self._feeds) >= bounds.streams_max:
            raise Overloaded("The gateway has as many event streams open as it may have.")
        if self._per_brand[who.brand] >= bounds.streams_per_brand_max:
            raise TooManyStreams("The brand has as many event streams open as it may have.")
        if who.is_member_only and self._per_subject[who.brand, who.subject] >= bounds.streams_per_subject_max:
            raise TooManyStreams("The member has as many event streams open as they may have.")
        self._per_brand[who.brand] += 1
        self._per_subject[who.brand, who.subject] += 1

    def _leave(self, who: Caller) -> None:
        self._per_brand -= Counter([who.brand])  # which drops what has come to zero
        self._per_subject -= Counter([(who.brand, who.subject)])

    @contextlib.asynccontextmanager
    async def opened(self, feed: Feed, who: Caller) -> AsyncIterator[asyncio.Event]:
        """Counts a feed as open within the block; gives the event that asks it to end."""
        self._feeds.add(feed)
        metrics.STREAMS.set(len(self._feeds))
        try:
            yield self._draining
        finally:
            self._feeds.discard(feed)
            self._leave(who)
            metrics.STREAMS.set(len(self._feeds))
            # A request that is being cancelled still gives its consumers back.
            await asyncio.shield(feed.close())


class BoardStreams:
    """The route of event streams of boards, which share the bounds of all streams.

    A board that there is not, or that is not live, is silent.
    """

    rule = Rule(scopes=frozenset({"member", "service", "manager"}), key_required=False, names_member=False)

    def __init__(self, streams: EventStreams) -> None:
        self._streams = streams

    async def __call__(self, inbound: Inbound) -> Response:
        """Answers with a stream. Raises DomainError before the stream has begun."""
        board = inbound.variables["board"]
        if not IDENTIFIER.fullmatch(board):
            raise NotFound(f"There is no board {board[:64]!r}.", code="unknown_board")
        return await self._streams.follow(inbound, f"{BOARD_MARK}{board}")


class _Stream(Response):
    """An answer that goes on until somebody ends it."""

    def __init__(self, streams: EventStreams, feed: Feed, who: Caller) -> None:
        super().__init__(headers=_HEADERS, media_type=_MEDIA_TYPE)
        del self.headers["content-length"]
        self._streams, self._feed, self._who = streams, feed, who

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope.get(RELEASE, lambda: None)()  # an open stream does not take a place among the requests in flight
        async with self._streams.opened(self._feed, self._who) as ending:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            writing = asyncio.create_task(self._write(send))
            leaving = asyncio.create_task(_disconnected(receive))
            asked = asyncio.create_task(ending.wait())
            rest_s = min(self._who.expires_at - time.time(), LIFETIME_S)
            try:
                await asyncio.wait({writing, leaving, asked}, timeout=rest_s, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (writing, leaving, asked):
                    task.cancel()
                (failure, *_) = await asyncio.gather(writing, leaving, asked, return_exceptions=True)
            if isinstance(failure, Exception):
                _log.warning("event stream ended", error=repr(failure))
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(1):
                    await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _write(self, send: Send) -> None:
        settings = self._streams.settings

        async def put(text: bytes) -> None:
            # A client that takes nothing for so long gives its place to another.
            async with asyncio.timeout(settings.stalled_client_s):
                await send({"type": "http.response.body", "body": text, "more_body": True})

        # An id without data sets the client's Last-Event-ID and shows it no event.
        await put(b"retry: %d\nid: %s\n\n" % (RECONNECT_MS, str(self._feed.cursor).encode()))
        while True:
            found = await self._feed.next(settings.heartbeat_s)
            text = b":\n\n" if found is None else _told(found)
            if text:
                await put(text)
            if isinstance(found, Delivered):
                metrics.EVENTS_SENT.labels(found.source).inc()


def _told(found: Delivered | Reset) -> bytes:
    """An event as text; empty for one that this version does not know."""
    if isinstance(found, Reset):
        return b"event: reset\nid: %s\ndata: {}\n\n" % str(found.cursor).encode()
    try:
        message = message_class(found.type).FromString(found.body)
        text = json_codec.dumps(message)
    except (KeyError, DecodeError, json_codec.Unrepresentable) as error:
        _log.error("event not shown", type=found.type[:100], source=found.source, error=repr(error))
        return b""
    name: str = message.DESCRIPTOR.name
    return b"event: %s\nid: %s\ndata: %s\n\n" % (name.encode(), str(found.cursor).encode(), text)


def _member(inbound: Inbound) -> str:
    """Whose events. They become part of a subject, so that only ids that mean nothing there pass."""
    named, who = inbound.variables["member"], inbound.who
    if named == "me":
        if "member" not in who.scopes:
            raise InvalidArgument.of([FieldViolation("member", "may be `me` only where the credential is a member's")])
        named = who.subject
    own = who.scopes & EventStreams.rule.scopes != {"member"} or named == who.subject
    if not own or not IDENTIFIER.fullmatch(named) or named == NO_MEMBER:
        raise NotFound(f"There is no member {named[:64]!r}.", code="unknown_member")
    return named


def _cursor(request: Request) -> Cursor | None:
    if request.url.query:
        raise InvalidArgument("This request takes no query.")
    stated = request.headers.get("last-event-id", "")
    return Cursor.parse(stated) if stated else None


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
