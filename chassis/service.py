"""A service starts in order, works while its parts come and go, and stops without losing a request.

`Service` holds what every service has. Its composition root opens it, adds its
servicers and subscriptions, and serves until told to stop.
"""

import asyncio
import contextlib
import gc
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Self

import nats.errors
import uvloop
from google.protobuf.message import Message
from prometheus_client import start_http_server

from chassis import logging, schema, tracing
from chassis.consumer import Consumer, Handler
from chassis.credentials import Verifier
from chassis.database import TRANSIENT, Database
from chassis.erasure import is_alias
from chassis.events import Event
from chassis.loops import Beat, Loops
from chassis.observing import observing
from chassis.outbox import Relay, publish_again
from chassis.reconciler import Producer, Reconciler, forget
from chassis.server import Server
from chassis.settings import ServiceSettings
from chassis.transport import connect, ensure_stream, jetstream, stream_config
from chassis.write_path import Unit, WritePath

_log = logging.logger("service")
READINESS_EVERY_S = 1.0


class Service:
    """One service's chassis: database, NATS, write path, loops and server."""

    def __init__(self, name: str, settings: ServiceSettings) -> None:
        self.name, self.settings = name, settings
        self.database = Database(settings.database_url.get_secret_value(), pool_size=settings.database_pool_size)
        self.loops = Loops(name)
        self.server = Server(
            name,
            Verifier(settings.jwks, issuer=settings.token_issuer, audience=settings.token_audience),
            listen=settings.listen,
            concurrent_calls_max=settings.concurrent_calls_max,
            deadline_default_s=settings.deadline_default_s,
            unready_s=settings.unready_s,
        )
        self._write_paths: list[WritePath] = []
        self._consumers: list[Consumer] = []
        self.address = ""

    async def __aenter__(self) -> Self:
        tracing.configure(self.name, self.settings.otlp_endpoint)
        await self._await_database()
        await schema.require_current(self.name, self.database)
        self.nats = await connect(
            self.settings.nats_url,
            name=self.name,
            user=self.settings.nats_user,
            password=self.settings.nats_password.get_secret_value(),
        )
        self.js = jetstream(self.nats)
        await self._ensure_stream()
        self.relay = Relay(self.name, self.database, self.nats)
        self.loops.start("relay", self._relay)
        self.loops.start("reconcile-producer", Producer(self.name, self.database, self.nats).run)
        self.loops.start("retention", lambda beat: forget(self.database, self.settings.retention_days, beat))
        return self

    async def _await_database(self) -> None:
        """A database that is still starting is waited for; RETRIES bounds it."""
        for attempt in range(50):
            try:
                await self.database.ping()
                return
            except TRANSIENT as error:
                if attempt == 49:
                    raise
                _log.info("waiting for the database", service=self.name, error=repr(error))
                await asyncio.sleep(0.2)

    async def _ensure_stream(self) -> None:
        await ensure_stream(
            self.js, stream_config(self.name, self.settings), missing=lambda: publish_again(self.database)
        )

    async def _relay(self, beat: Beat) -> None:
        # The store may have been wiped while the connection was down.
        await self._ensure_stream()
        await self.relay.run(beat)

    def write_path(
        self, begin: Callable[[str, datetime], Unit], committed: Callable[[Any], None] | None = None
    ) -> WritePath:
        """The service's write path, over units that `begin` opens; `committed` is told of each that was committed."""
        path = WritePath(
            self.name,
            self.database,
            begin,
            on_commit=self.relay.wake,
            committed=committed,
            batch_weight_max=self.settings.batch_weight_max,
            queue_weight_max=self.settings.queue_weight_max,
        )
        self._write_paths.append(path)
        return path

    def subscribe(
        self,
        source: str,
        types: Sequence[type[Message]],
        write_path: WritePath,
        translate: Callable[[Event], Any],
    ) -> None:
        """Applies a source's events through the write path, as the requests that `translate` makes of them.

        An event that it makes None of is claimed and has no effect.
        """

        async def handle(events: Sequence[Event]) -> list[BaseException | None]:
            return await write_path.submit_events([(event, _translated(event, translate)) for event in events])

        self.consume(source, types, handle)

    def consume(self, source: str, types: Sequence[type[Message]], handle: Handler) -> None:
        """Consumes a source's events in every lane, and reconciles them with it."""
        lanes = self.settings.lanes
        consumers = [
            Consumer(
                self.name,
                source,
                [kind.DESCRIPTOR.name for kind in types],
                client=self.nats,
                database=self.database,
                handle=handle,
                lane=lane,
                lanes=lanes,
            )
            for lane in range(lanes)
        ]
        self._consumers += consumers
        for lane, consumer in enumerate(consumers):
            self.loops.start(f"consume-{source}-{lane}", consumer.run)
        reconciler = Reconciler(
            self.name,
            source,
            [kind.DESCRIPTOR.full_name for kind in types],
            database=self.database,
            client=self.nats,
            consumers=consumers,
            every_s=self.settings.reconcile_every_s,
        )
        self.loops.start(f"reconcile-{source}", reconciler.run)

    async def serve(
        self, names: Sequence[str], stop: asyncio.Event, started: Callable[[str], None] | None = None
    ) -> None:
        """Serves the named gRPC services until `stop`, then drains.

        `started` is told the address once calls are taken.
        """
        self.address = await self.server.start(names)
        self.loops.start("readiness", self._watch)
        self.loops.start("observe", observing(self.name, self.database, self._consumers))
        if self.settings.metrics_listen:
            host, _, port = self.settings.metrics_listen.rpartition(":")
            start_http_server(int(port), host)
        _log.info("serving", service=self.name, address=self.address)
        if started is not None:
            started(self.address)
        await stop.wait()
        _log.info("stopping", service=self.name)

    async def _watch(self, beat: Beat) -> None:
        """Ready means that the database and NATS answer; live, that every loop moves."""
        while True:
            beat()
            await self.server.set_health(ready=await self.is_ready(), live=not self.loops.silent())
            await asyncio.sleep(READINESS_EVERY_S)

    async def is_ready(self) -> bool:
        if not self.nats.is_connected:
            return False
        try:
            async with asyncio.timeout(2):
                await self.database.ping()
        except TRANSIENT:
            return False
        return True

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stops in the order of reliability.md: calls, loops, transactions, connections."""
        await self.server.stop(self.settings.drain_s)
        # The consumers first: while they hand in a backlog, nothing would ever be drained.
        await self.loops.stop()
        for path in self._write_paths:
            await path.drain()
        if hasattr(self, "nats"):
            with contextlib.suppress(nats.errors.Error, OSError):
                await self.nats.close()
        await self.database.close()
        tracing.shutdown(self.name)


@dataclass(frozen=True, slots=True)
class Untranslatable:
    """An event that could not be made a request; no unit knows it, so it fails alone and is parked."""

    reason: str


def _translated(event: Event, translate: Callable[[Event], Any]) -> Any:
    if is_alias(event.member):
        return None
    try:
        return translate(event)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is this event's alone
        return Untranslatable(repr(error))


def collect_less() -> None:
    """Makes the cyclic collector run by tens of thousands of objects, not by hundreds.

    A batch makes many objects and no cycles, so that a collection in its midst
    walks them for nothing. What the imports made is never walked again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def run_alone(run: Callable[[Any, asyncio.Event], Any], settings: ServiceSettings) -> None:
    """Runs a service as a process of its own until SIGTERM or SIGINT."""
    logging.configure(settings.log_format, settings.log_level)

    async def main() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await run(settings, stop)

    collect_less()
    uvloop.run(main())
