"""A loop goes on whatever fails in it, tells when it is silent, and ends when it is told to."""

import asyncio
from types import SimpleNamespace

import pytest

from chassis import loops
from chassis.errors import Unavailable
from chassis.loops import SILENT_S, Beat, Loops

WITHIN_S = 5.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """A clock that is set by hand."""
    found = {"now": 1_000.0}
    monkeypatch.setattr(loops, "time", SimpleNamespace(monotonic=lambda: found["now"]))
    return found


@pytest.mark.parametrize("error", [RuntimeError("a defect"), Unavailable("away"), ConnectionError(), None], ids=repr)
async def test_a_loop_that_fails_or_ends_is_started_again(
    error: Exception | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loops, "PAUSE_MAX_S", 0.01)
    starts, third = [], asyncio.Event()

    async def body(beat: Beat) -> None:
        starts.append(beat)
        if len(starts) == 3:
            third.set()
            await asyncio.Event().wait()
        if error is not None:
            raise error

    running = Loops("tested")
    running.start("failing", body)
    async with asyncio.timeout(WITHIN_S):
        await third.wait()
        await running.stop()
    assert len(starts) == 3


async def test_a_loop_is_silent_when_it_has_not_moved_for_long_and_the_others_are_not(clock: dict[str, float]) -> None:
    beats: list[Beat] = []
    started = asyncio.Event()

    async def body(beat: Beat) -> None:
        beats.append(beat)
        if len(beats) == 2:
            started.set()
        await asyncio.Event().wait()

    running = Loops("tested")
    for name in ("moving", "stuck"):
        running.start(name, body)
    async with asyncio.timeout(WITHIN_S):
        await started.wait()
    clock["now"] += SILENT_S
    assert running.silent() == []
    clock["now"] += 1
    beats[0]()
    assert running.silent() == ["stuck"]
    await running.stop()
    assert running.silent() == []


async def test_stopping_waits_until_every_loop_has_cleaned_up() -> None:
    cleaned, started = [], asyncio.Event()

    async def body(_: Beat) -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            cleaned.append(True)

    running = Loops("tested")
    running.start("one", body)
    async with asyncio.timeout(WITHIN_S):
        await started.wait()
        await running.stop()
    assert cleaned == [True]
