"""What ends untold is started again, what is told to end stays ended."""

import asyncio
import os
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from cli import parts
from cli.parts import PartEnded, Supervised, process


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "PAUSE_FIRST_S", 0.01)
    monkeypatch.setattr(parts, "PAUSE_MAX_S", 0.04)


async def test_a_part_that_fails_is_started_again_until_it_holds() -> None:
    attempts: list[float] = []
    holds = asyncio.Event()

    async def body(told: asyncio.Event) -> None:
        attempts.append(asyncio.get_running_loop().time())
        if len(attempts) < 5:
            raise ValueError("not yet")
        holds.set()
        await told.wait()

    part = Supervised("part", body)
    await asyncio.wait_for(holds.wait(), 5)
    await part.stop()
    pauses = [after - before for before, after in pairwise(attempts)]
    assert part.restarts == 4
    assert pauses[0] >= 0.01
    assert pauses[-1] >= 0.04
    assert str(await part.failure()) == "not yet"


async def test_a_part_that_returns_untold_counts_as_failed() -> None:
    async def body(told: asyncio.Event) -> None:
        return

    part = Supervised("part", body)
    assert isinstance(await asyncio.wait_for(part.failure(), 5), PartEnded)
    await part.stop()


async def test_a_part_that_is_told_to_end_is_not_started_again() -> None:
    runs: list[str] = []

    async def body(told: asyncio.Event) -> None:
        runs.append("begun")
        await told.wait()
        runs.append("ended")

    part = Supervised("part", body)
    await asyncio.sleep(0)
    await part.stop()
    assert runs == ["begun", "ended"]
    assert part.restarts == 0


async def test_a_part_can_be_stopped_during_the_pause_before_a_restart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "PAUSE_FIRST_S", 60.0)

    async def body(told: asyncio.Event) -> None:
        raise ValueError("broken")

    part = Supervised("part", body)
    await part.failure()
    await asyncio.wait_for(part.stop(), 1)


async def test_an_abandoned_part_ends_in_the_middle_of_its_work() -> None:
    async def body(told: asyncio.Event) -> None:
        await asyncio.sleep(60)

    part = Supervised("part", body)
    await asyncio.sleep(0)
    part.abandon()
    await asyncio.wait_for(part.stop(), 1)


def module(folder: Path, source: str) -> dict[str, str]:
    """An environment in which `python -m worker` runs the source."""
    (folder / "worker.py").write_text(source)
    return {**os.environ, "PYTHONPATH": str(folder)}


async def test_a_killed_process_is_replaced_by_another(tmp_path: Path) -> None:
    environment = module(tmp_path, "import time\nprint('up', flush=True)\ntime.sleep(60)\n")
    pids: dict[str, int] = {}
    part = Supervised("worker", process("worker", "worker", environment, tmp_path / "log", pids))
    try:
        first = await until_another(pids, 0)
        os.kill(first, 9)
        second = await until_another(pids, first)
        assert second != first
        assert "worker ended with status -9" in str(await part.failure())
    finally:
        await part.stop()
    assert pids == {}


async def until_another(pids: dict[str, int], than: int) -> int:
    async with asyncio.timeout(10):
        while pids.get("worker", than) == than:
            await asyncio.sleep(0.01)
    return pids["worker"]


async def test_a_process_that_ends_at_once_points_to_its_log(tmp_path: Path) -> None:
    environment = module(tmp_path, "import sys\nsys.exit('no settings')\n")
    part = Supervised("worker", process("worker", "worker", environment, tmp_path / "log", {}))
    reason = str(await asyncio.wait_for(part.failure(), 10))
    await part.stop()
    assert reason == f"worker ended with status 1; its log is {tmp_path / 'log'}"
    assert "no settings" in (tmp_path / "log").read_text()


async def test_a_process_is_asked_before_it_is_killed(tmp_path: Path) -> None:
    source = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(print('drained', flush=True)))\n"
        "print('up', flush=True)\ntime.sleep(60)\n"
    )
    log = tmp_path / "log"
    part = Supervised("worker", process("worker", "worker", module(tmp_path, source), log, {}))
    async with asyncio.timeout(10):
        while not log.exists() or "up" not in log.read_text():
            await asyncio.sleep(0.01)
    await part.stop()
    assert "drained" in log.read_text()
    assert sys.executable
