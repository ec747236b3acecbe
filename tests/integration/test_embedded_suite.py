"""`laurels up` runs everything, keeps it running, and leaves nothing running behind."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import httpx
import psutil
import pytest

from cli import supervisor
from cli.cdnow import PROGRAMME
from cli.data_folder import DataFolder, ephemeral_folder
from cli.doctor import examine
from cli.embedded import ServerFailed
from cli.gateway_client import GatewayClient, Target
from cli.supervisor import Options, Suite, SuiteFailed, suite_on

READY = "Ctrl-C stops."


@pytest.fixture
def folder() -> Iterator[DataFolder]:
    data = ephemeral_folder()
    yield data
    data.remove()


class Up:
    """A `laurels up` of its own."""

    def __init__(self, process: asyncio.subprocess.Process, printed: str) -> None:
        self.process, self.printed = process, printed
        self.family = psutil.Process(process.pid).children(recursive=True)

    @property
    def gateway(self) -> str:
        found = re.search(r"gateway +(http://\S+)", self.printed)
        assert found, self.printed
        return found[1]

    async def ended(self) -> int:
        """Waits for its end; its status. Nothing that it started may be left."""
        status = await asyncio.wait_for(self.process.wait(), 60)
        _, alive = await asyncio.to_thread(psutil.wait_procs, self.family, 10)
        assert [process for process in alive if process.status() != psutil.STATUS_ZOMBIE] == []
        return status


async def begun(*arguments: str | Path, temporary: Path | None = None) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cli", "up", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "COLUMNS": "500", **({"TMPDIR": str(temporary)} if temporary else {})},
    )


async def printed_until(process: asyncio.subprocess.Process, mark: str) -> str:
    assert process.stdout is not None
    printed = ""
    while mark not in printed:
        line = (await process.stdout.readline()).decode()
        assert line, f"ended early: {printed}"
        printed += line
    return printed


@asynccontextmanager
async def up(*arguments: str | Path, temporary: Path | None = None) -> AsyncIterator[Up]:
    process = await begun(*arguments, temporary=temporary)
    try:
        yield Up(process, await asyncio.wait_for(printed_until(process, READY), 120))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def answers(address: str, token: str) -> int:
    """The status of a request that goes through gateway, points service and database; 0 for no answer."""
    async with httpx.AsyncClient(timeout=5) as client:
        try:
            headers = {"authorization": f"Bearer {token}"}
            return (await client.get(f"{address}/v1/programme", headers=headers)).status_code
        except httpx.HTTPError:
            return 0


async def until_answers(suite: Suite) -> None:
    token = suite.token("main", "test", "manager")
    async with asyncio.timeout(60):
        while await answers(suite.gateway_url, token) != 404:
            await asyncio.sleep(0.05)


async def test_up_says_where_everything_is_and_ctrl_c_stops_it_all(folder: DataFolder) -> None:
    async with up("--data", folder.path) as running:
        assert f"kept in {folder.path}" in running.printed
        token = next(line for line in running.printed.splitlines() if line.startswith("ey"))
        assert await answers(running.gateway, token) == 404
        second = await begun("--data", folder.path)
        output, _ = await second.communicate()
        assert second.returncode == 1
        assert f"is in use by the process {running.process.pid}" in output.decode()
        assert len(running.family) > 4
        running.process.send_signal(signal.SIGINT)
        assert await running.ended() == 0
    assert not folder.is_held()
    assert "gateway" not in folder.run()


async def test_what_was_applied_is_there_after_a_restart_at_the_same_addresses(folder: DataFolder) -> None:
    async with suite_on(folder) as first:
        addresses = [first.gateway_url, *map(first.service_address, first.services)]
        await asyncio.to_thread(apply_example, folder)
    async with suite_on(folder) as second:
        assert [second.gateway_url, *map(second.service_address, second.services)] == addresses
        assert await answers(second.gateway_url, second.token("main", "test", "manager")) == 200


def apply_example(folder: DataFolder) -> None:
    from rich.console import Console

    from cli.apply import apply

    with Path(os.devnull).open("w") as nowhere:
        apply(PROGRAMME, Target(folder.path), dry_run=False, yes=True, console=Console(file=nowhere))


async def test_ctrl_c_twice_ends_at_once(folder: DataFolder) -> None:
    async with up("--split", "--data", folder.path) as running:
        stopped = [process for process in running.family if process.name().startswith("python")]
        for process in stopped:
            process.suspend()  # a service that would not drain
        running.process.send_signal(signal.SIGINT)
        assert running.process.stdout is not None
        assert b"Ctrl-C again" in await running.process.stdout.readline()
        running.process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(running.ended(), 15) == 130


async def test_ctrl_c_while_it_starts_leaves_nothing(folder: DataFolder) -> None:
    process = await begun("--data", folder.path)
    while "postgres" not in folder.run().get("ports", {}):
        await asyncio.sleep(0.02)
    family = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(process.wait(), 30) == 0
    _, alive = await asyncio.to_thread(psutil.wait_procs, family, 5)
    assert alive == []
    assert not folder.is_held()


async def test_nothing_outlives_a_killed_supervisor(folder: DataFolder) -> None:
    async with up("--split", "--data", folder.path) as running:
        assert len([process for process in running.family if process.name().startswith("python")]) == 5
        running.process.kill()
        await running.ended()
    assert not folder.is_held()


async def test_an_ephemeral_suite_leaves_no_folder_and_sweeps_up_after_killed_ones(tmp_path: Path) -> None:
    async with up("--ephemeral", temporary=tmp_path) as killed:
        left = Path(re.search(r"in (\S+), deleted at the end", killed.printed)[1])  # type: ignore[index]
        killed.process.kill()
        await killed.ended()
    assert left.exists()
    async with up("--ephemeral", temporary=tmp_path) as running:
        assert not left.exists()
        own = Path(re.search(r"in (\S+), deleted at the end", running.printed)[1])  # type: ignore[index]
        running.process.send_signal(signal.SIGINT)
        assert await running.ended() == 0
    assert not own.exists()


async def test_every_killed_part_of_a_split_suite_comes_back_at_its_address(folder: DataFolder) -> None:
    async with suite_on(folder, Options(split=True)) as suite:
        await until_answers(suite)
        for part in ("postgres", "nats", "points", "missions", "leaderboard", "recommender", "gateway"):
            pid = suite.part_pid(part)
            os.kill(pid, signal.SIGKILL)
            async with asyncio.timeout(30):
                while suite.parts[part].restarts == 0 or suite.pids.get(part, 0) == pid:
                    await asyncio.sleep(0.02)
        await until_answers(suite)
        async with asyncio.timeout(60):
            for service in suite.services:
                await supervisor.until_serving(suite.service_address(service))
        assert {name: part.restarts for name, part in suite.parts.items()} == dict.fromkeys(suite.parts, 1)


async def test_a_killed_server_comes_back_under_services_in_one_process(folder: DataFolder) -> None:
    async with suite_on(folder) as suite:
        for part in ("postgres", "nats"):
            os.kill(suite.part_pid(part), signal.SIGKILL)
        async with asyncio.timeout(30):
            while any(suite.parts[part].restarts == 0 for part in ("postgres", "nats")):
                await asyncio.sleep(0.02)
        await until_answers(suite)


async def test_a_taken_port_is_refused_by_name(folder: DataFolder) -> None:
    blocker = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    port = blocker.sockets[0].getsockname()[1]
    with pytest.raises(SuiteFailed, match=f"Port {port} is taken"):
        async with suite_on(folder, Options(port=port)):
            pass
    blocker.close()
    await blocker.wait_closed()


async def test_a_service_that_cannot_start_is_named_with_the_end_of_its_log(
    folder: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = Suite.settings

    def wrong(self: Suite, part: str) -> dict[str, str]:
        return told(self, part) | ({"seed_key": "short"} if part == "leaderboard" else {})

    monkeypatch.setattr(Suite, "settings", wrong)
    with pytest.raises(SuiteFailed, match="leaderboard did not start") as failed:
        async with suite_on(folder, Options(split=True)):
            pass
    assert "seed_key" in str(failed.value)
    assert not folder.is_held()


async def test_a_server_that_cannot_start_stops_the_suite(folder: DataFolder) -> None:
    folder.prepare()
    with folder.held():
        suite = Suite(folder)
        suite.servers.postgres._settings["shared_buffers"] = "much"
        with pytest.raises(ServerFailed, match="shared_buffers"):
            await suite.start()
        await suite.stop()
        assert not suite.servers.nats.runs


async def test_the_doctor_finds_nothing_wrong_with_a_sound_suite_and_names_what_is(folder: DataFolder) -> None:
    async with suite_on(folder) as suite:
        await asyncio.to_thread(apply_example, folder)
        await asyncio.to_thread(record_one, folder)
        async with asyncio.timeout(20):
            while broken := await broken_checks(folder):
                assert all("behind" in finding or "version" in finding for finding in broken.values()), broken
        admin = suite.servers.postgres.admin_url("laurels_missions")
        session = await asyncpg.connect(admin)
        await session.execute(
            "INSERT INTO dead_letters (source, id, brand, member, type, payload, reason)"
            " VALUES ('points', 1, 'main', 'm', 'laurels.points.v1.TierChanged', '', 'poison')"
        )
        await session.execute("UPDATE alembic_version SET version_num = 'older'")
        await session.execute(
            "INSERT INTO outbox (brand, member, type, payload, traceparent, created_at)"
            " OVERRIDING SYSTEM VALUE VALUES ('main', 'm', 'x', '', '', now() - interval '1 hour')"
        )
        await session.execute("DELETE FROM configurations")
        await session.close()
        ledger = await asyncpg.connect(suite.servers.postgres.admin_url("laurels_points"))
        await ledger.execute("UPDATE accounts SET balance = balance + 7 WHERE owner = 'm1'")
        await ledger.close()
        keys = folder.jwks.read_text()
        folder.jwks.write_text('{"keys": []}')
        found = await broken_checks(folder)
        folder.jwks.write_text(keys)
        assert "points of main by 7" in found["trial balance"]
        assert "lacks the key that signs here" in found["keys"]
        assert (
            "1 of laurels.points.v1.TierChanged from points; the newest because: poison"
            in found["missions: dead letters"]
        )
        assert "at revision older, the code is at" in found["missions: schema"]
        assert found["missions: programmes"] == "main at 0 of 1"
        suite.servers.nats.child.signal(signal.SIGSTOP)
        found = await broken_checks(folder)
        suite.servers.nats.child.signal(signal.SIGCONT)
        assert {"NATS", "points: stream", "missions: consumers"} <= found.keys()


def record_one(folder: DataFolder) -> None:
    target = Target(folder.path)
    activity = {
        "id": "a1",
        "member": "m1",
        "type": "purchase",
        "occurred_at": "1997-01-01T10:00:00Z",
        "attributes": {"amount": 2_500},
    }
    with GatewayClient(target.address(), target.credential("service")) as client:
        assert client.call("POST", "/v1/activities", {"activities": [activity]})["accepted"] == 1


async def broken_checks(folder: DataFolder) -> dict[str, str]:
    return {finding.check: finding.detail for finding in await examine(folder) if not finding.holds}


async def test_the_doctor_of_a_folder_where_nothing_runs_says_so(folder: DataFolder) -> None:
    assert "no suite runs on" in (await broken_checks(folder))["suite"]
