"""A part of the suite that ends without being told to is started again, at the same address.

The pause before it grows from a fifth of a second to five, and begins anew
after half a minute of work. A part is a coroutine of this process or a process
of its own.
"""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from signal import Signals

from chassis.logging import logger
from cli.child import Child

PAUSE_FIRST_S, PAUSE_MAX_S = 0.2, 5.0
WORKED_S = 30.0
DRAIN_S = 20.0
_log = logger("supervisor")

Body = Callable[[asyncio.Event], Awaitable[None]]
"""Works until the event is set, then ends in good order."""


class PartEnded(Exception):
    """A part ended although nobody told it to."""


class Supervised:
    """One part, kept running."""

    def __init__(self, name: str, body: Body) -> None:
        self.name = name
        self.restarts = 0
        self._body = body
        self._told = asyncio.Event()
        self._failed: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._keep(), name=f"supervise {name}")

    async def failure(self) -> BaseException:
        """Waits for the first time that the part ends untold; what ended it."""
        return await asyncio.shield(self._failed)

    async def stop(self) -> None:
        """Tells the part to end and waits for it."""
        self._told.set()
        await asyncio.wait([self._task])

    def abandon(self) -> None:
        """Ends the part in the middle of whatever it does; `stop` then returns soon."""
        self._told.set()
        self._task.cancel()

    async def _keep(self) -> None:
        pause_s = PAUSE_FIRST_S
        while not self._told.is_set():
            began = time.monotonic()
            reason = await self._run()
            if self._told.is_set():
                return
            if not self._failed.done():
                self._failed.set_result(reason)
            if time.monotonic() - began > WORKED_S:
                pause_s = PAUSE_FIRST_S
            _log.error("ended, is started again", name=self.name, reason=str(reason), after_s=pause_s)
            self.restarts += 1
            await _within(pause_s, self._told)
            pause_s = min(pause_s * 2, PAUSE_MAX_S)

    async def _run(self) -> BaseException:
        try:
            await self._body(self._told)
        except Exception as error:  # noqa: BLE001  whatever a part fails of, it is reported and started again
            return error
        return PartEnded(f"{self.name} ended")


def process(name: str, module: str, environment: Mapping[str, str], log: Path, pids: dict[str, int]) -> Body:
    """`python -m module` as a part; its process id is kept in `pids`, its output in `log`.

    It is killed when we die: it holds nothing that is not durable.
    """

    async def body(told: asyncio.Event) -> None:
        child = Child.spawn(
            name, [sys.executable, "-m", module], log=log, env=environment, death_signal=Signals.SIGKILL
        )
        pids[name] = child.pid
        try:
            if await ends_before(child, told):
                raise PartEnded(f"{name} ended with status {child.returncode}; its log is {log}")
            await child.stop((Signals.SIGTERM, DRAIN_S))
        finally:
            pids.pop(name, None)
            child.signal(Signals.SIGKILL)

    return body


async def ends_before(child: Child, told: asyncio.Event) -> bool:
    """Waits for the child's end or for the event; whether the child ended untold."""
    waits = [asyncio.ensure_future(child.wait()), asyncio.ensure_future(told.wait())]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
    return not told.is_set()


async def _within(timeout_s: float, event: asyncio.Event) -> None:
    try:
        # Not asyncio.wait_for: in Python 3.11 it forgets a cancellation that comes with what it waits for.
        async with asyncio.timeout(timeout_s):
            await event.wait()
    except TimeoutError:
        return
