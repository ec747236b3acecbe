"""Ctrl-C ends a command quietly, however early it comes, and a second one at once."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from cli import demo
from cli.supervisor import Options

ROOT = Path(__file__).resolve().parents[2]


def test_an_interrupt_while_the_modules_load_shows_no_traceback(tmp_path: Path) -> None:
    # What the command imports first stands for the half second in which a user presses Ctrl-C.
    (tmp_path / "typer.py").write_text("import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(60)\n")
    path = os.pathsep.join([str(tmp_path), str(ROOT), str(ROOT / "protos" / "gen")])
    ended = subprocess.run(
        [sys.executable, "-c", "from cli.__main__ import main; main()"],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (130, b"")


async def test_a_second_interrupt_ends_a_demonstration_that_is_stopping_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[str] = []

    class Suite:
        def __init__(self, *_: Any) -> None:
            """Starts nothing."""

        async def stop(self) -> None:
            told.append("stopping")
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.sleep(60)

        async def end_now(self) -> None:
            told.append("ended")

    class Demonstration:
        holds = False

        def __init__(self, *_: Any) -> None:
            """Shows nothing."""

        async def run(self) -> None:
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.sleep(60)

    def left(status: int) -> None:
        told.append(f"left with {status}")

    monkeypatch.setattr(demo, "Suite", Suite)
    monkeypatch.setattr(demo, "Demonstration", Demonstration)
    monkeypatch.setattr(demo.os, "_exit", left)
    try:
        async with asyncio.timeout(20):
            await demo.demo(Options(), stay=True, limit=0, console=Console(quiet=True))
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().remove_signal_handler(number)
    assert told == ["stopping", "ended", "left with 130"]
