"""A child process is watched from its start, and never outlives its parent.

The end of a child is seen at once (by a pidfd, not by polling). When the
parent is killed, even by SIGKILL, the kernel signals the child; this is tied
to the thread that started it, so children are started from the event loop's
thread. Linux only.
"""

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from signal import Signals

LAUNCHER = Path(__file__).with_name("launch.py")
LOG_BYTES_MAX = 16 * 1024 * 1024


class Child:
    """A running program. `name` is what messages call it."""

    def __init__(self, name: str, process: subprocess.Popen[bytes]) -> None:
        self.name = name
        self._process = process
        self._loop = asyncio.get_running_loop()
        self._exited: asyncio.Future[int] = self._loop.create_future()
        self._pidfd = os.pidfd_open(process.pid)
        self._loop.add_reader(self._pidfd, self._reap)

    @classmethod
    def spawn(
        cls,
        name: str,
        command: Sequence[str | Path],
        *,
        log: Path | None,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        user: tuple[int, int] | None = None,
        death_signal: Signals = Signals.SIGTERM,
    ) -> "Child":
        """Starts `command` in a session of its own.

        Its output is appended to `log`, or shown with ours when there is none.
        `user` is the uid and gid to become; `death_signal` is what the program
        gets when we die.
        """
        uid, gid = user or ("-", "-")
        launch = [sys.executable, "-I", "-S", LAUNCHER, int(death_signal), os.getpid(), uid, gid, *command]
        output = _appending(log) if log is not None else None
        try:
            process = subprocess.Popen(  # noqa: S603  a command of ours, no shell
                [str(part) for part in launch],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=cwd,
                env=env,
                start_new_session=True,
            )
        finally:
            if output is not None:
                os.close(output)
        return cls(name, process)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """Its exit status, minus the signal's number if one ended it; None while it runs."""
        return self._exited.result() if self._exited.done() else None

    async def wait(self) -> int:
        """Waits for its end; its exit status."""
        return await asyncio.shield(self._exited)

    async def ends_within(self, timeout_s: float) -> bool:
        """Whether it ends in the next `timeout_s` seconds."""
        await asyncio.wait([self._exited], timeout=timeout_s)
        return self._exited.done()

    def signal(self, number: Signals) -> None:
        """Sends a signal, if it still runs."""
        if not self._exited.done():
            self._process.send_signal(number)

    async def stop(self, *ladder: tuple[Signals, float]) -> int:
        """Ends it by the first signal that works; its exit status.

        `ladder` holds signals, each with the seconds to wait before the next;
        after the last comes SIGKILL.
        """
        for number, patience_s in ladder:
            self.signal(number)
            if await self.ends_within(patience_s):
                return self._exited.result()
        self.signal(Signals.SIGKILL)
        return await self.wait()

    def _reap(self) -> None:
        self._loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        self._exited.set_result(self._process.wait())


def log_tail(log: Path, *, lines: int = 12) -> str:
    """The last lines of a log, each indented; empty when there is no log."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 16_384))
        text = file.read().decode(errors="replace")
    return "\n".join(f"    {line}" for line in text.splitlines()[-lines:])


def _appending(log: Path) -> int:
    if log.exists() and log.stat().st_size > LOG_BYTES_MAX:
        log.replace(log.with_name(log.name + ".1"))
    return os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
