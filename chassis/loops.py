"""Background loops that outlive the outages of what they depend on.

A loop that fails is logged, counted and started again after a pause that grows
to five seconds. Each tells when it last moved; a loop silent for longer than
`SILENT_S` makes the process not live.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import nats.errors

from chassis import metrics
from chassis.database import TRANSIENT
from chassis.errors import DomainError
from chassis.logging import logger

SILENT_S = 30.0
PAUSE_MAX_S = 5.0
CANCEL_AGAIN_S = 1.0
_log = logger("loops")

Beat = Callable[[], None]


@asynccontextmanager
async def beating(beat: Beat) -> AsyncIterator[None]:
    """Beats every second within the block: for one that is alive though it does not move."""

    async def keep() -> None:
        while True:
            beat()
            await asyncio.sleep(1)

    keeping = asyncio.create_task(keep())
    try:
        yield
    finally:
        keeping.cancel()


class Loops:
    """The background loops of one service."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._tasks: list[asyncio.Task[None]] = []
        self._beats: dict[str, float] = {}

    def start(self, name: str, body: Callable[[Beat], Awaitable[None]]) -> None:
        """Runs `body(beat)` until `stop`; it calls `beat()` whenever it moves."""
        self._beats[name] = time.monotonic()
        self._tasks.append(asyncio.create_task(self._forever(name, body), name=f"{self._service}:{name}"))

    async def _forever(self, name: str, body: Callable[[Beat], Awaitable[None]]) -> None:
        def beat() -> None:
            self._beats[name] = time.monotonic()
            metrics.LOOP_BEATS.labels(self._service, name).set_to_current_time()

        pause = 0.1
        while True:
            started = time.monotonic()
            beat()
            try:
                await body(beat)
            except Exception as error:  # noqa: BLE001 - a loop must go on; what failed is logged and counted
                expected = isinstance(error, (*TRANSIENT, DomainError, nats.errors.Error))
                log = _log.warning if expected else _log.error
                log("loop failed", service=self._service, loop=name, error=repr(error), exc_info=not expected)
                metrics.LOOP_FAILURES.labels(self._service, name).inc()
            pause = 0.1 if time.monotonic() - started > PAUSE_MAX_S else min(pause * 2, PAUSE_MAX_S)
            await asyncio.sleep(pause)

    def silent(self) -> list[str]:
        """The loops that have not moved for SILENT_S."""
        now = time.monotonic()
        return [name for name, at in self._beats.items() if now - at > SILENT_S]

    async def stop(self) -> None:
        """Cancels all loops and waits for them."""
        while pending := [task for task in self._tasks if not task.done()]:
            for task in pending:
                task.cancel()
            # Asked again: a loop that is just connecting to the database may have its cancellation swallowed.
            await asyncio.wait(pending, timeout=CANCEL_AGAIN_S)
        self._tasks.clear()
        self._beats.clear()
