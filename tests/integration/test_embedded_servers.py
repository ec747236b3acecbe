"""The embedded servers start, stop, survive kills, and never outlive who started them."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from signal import Signals

import asyncpg
import nats
import nats.errors
import nats.js.errors
import psutil
import pytest

from cli import embedded
from cli.child import Child
from cli.data_folder import DataFolder, DataFolderInUse, ephemeral_folder, free_port, port_is_free
from cli.embedded import Nats, Postgres, ServerFailed, Servers, ephemeral_servers, servers_on

PARENT = """
import asyncio, sys
from pathlib import Path
from cli.embedded import servers_on

async def main():
    async with servers_on(Path(sys.argv[1]), services=("points",)) as servers:
        print(servers.postgres.child.pid, servers.nats.child.pid, flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.fixture
def folder() -> Iterator[DataFolder]:
    data = ephemeral_folder()
    yield data
    data.remove()


@pytest.fixture(scope="module")
async def servers() -> AsyncIterator[Servers]:
    async with ephemeral_servers(services=("points", "missions")) as running:
        yield running


async def fetch(url: str, query: str) -> object:
    session = await asyncpg.connect(url)
    try:
        return await session.fetchval(query)
    finally:
        await session.close()


async def nats_client(server: Nats, user: str) -> nats.NATS:
    return await nats.connect(server.url(user), inbox_prefix=f"_INBOX.{user}".encode())


async def what_arrives(server: Nats, user: str, subjects: list[str]) -> list[str]:
    """The subjects that come through when `user` publishes to all of them."""
    operator, client = await nats_client(server, "operator"), await nats_client(server, user)
    heard = await operator.subscribe(">")
    await operator.flush()
    for subject in subjects:
        await client.publish(subject, b"body")
    await client.flush()
    await operator.publish("end", b"")
    arrived = [message.subject async for message in _until_end(heard)]
    await client.close()
    await operator.close()
    return arrived


async def _until_end(heard: nats.aio.subscription.Subscription) -> AsyncIterator[nats.aio.msg.Msg]:
    while (message := await heard.next_msg(timeout=5)).subject != "end":
        yield message


async def test_a_restart_keeps_data_ports_and_passwords(folder: DataFolder) -> None:
    async with servers_on(folder.path, services=("points",)) as first:
        before = (first.postgres.url("points", "owner"), first.nats.url("points"), first.nats.monitor_url)
        await fetch(before[0], "CREATE TABLE kept AS SELECT 42 AS answer")
        client = await nats_client(first.nats, "points")
        await client.jetstream().add_stream(name="POINTS", subjects=["laurels.points.>"])
        await client.jetstream().publish("laurels.points.Kept.p0.b.m", b"kept")
        await client.close()
    assert port_is_free(first.postgres.port)
    assert port_is_free(first.nats.port)
    async with servers_on(folder.path, services=("points",)) as second:
        assert (second.postgres.url("points", "owner"), second.nats.url("points"), second.nats.monitor_url) == before
        assert await fetch(before[0], "SELECT answer FROM kept") == 42
        client = await nats_client(second.nats, "points")
        assert (await client.jetstream().stream_info("POINTS")).state.messages == 1
        await client.close()


async def test_what_was_committed_survives_sigkill_of_both(folder: DataFolder) -> None:
    async with servers_on(folder.path, services=("points",)) as running:
        owner = running.postgres.url("points", "owner")
        await fetch(owner, "CREATE TABLE kept AS SELECT 42 AS answer")
        session = await asyncpg.connect(owner)
        busy = asyncio.create_task(session.fetchval("SELECT pg_sleep(20)"))
        client = await nats_client(running.nats, "points")
        await client.jetstream().add_stream(name="POINTS", subjects=["laurels.points.>"])
        await client.jetstream().publish("laurels.points.Kept.p0.b.m", b"kept")
        ports = (running.postgres.port, running.nats.port)
        await asyncio.gather(running.postgres.kill(), running.nats.kill())
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError), match=r".+"):
            await busy
        await running.start()
        assert (running.postgres.port, running.nats.port) == ports
        assert await fetch(owner, "SELECT answer FROM kept") == 42
        assert (await client.jetstream().stream_info("POINTS")).state.messages == 1
        await client.close()


async def test_a_backend_left_by_a_killed_server_ends_before_the_next_start(folder: DataFolder) -> None:
    async with servers_on(folder.path, services=("points",)) as running:
        session = await asyncpg.connect(running.postgres.url("points"))
        backend = psutil.Process(await session.fetchval("SELECT pg_backend_pid()"))
        backend.suspend()
        waiting = asyncio.get_running_loop().call_later(1.0, backend.resume)
        await running.postgres.kill()
        await running.postgres.start()
        waiting.cancel()
        assert not backend.is_running() or backend.status() == psutil.STATUS_ZOMBIE
        session.terminate()


async def test_a_lock_file_whose_process_id_is_another_programs_does_not_prevent_the_start(folder: DataFolder) -> None:
    async with servers_on(folder.path, services=()) as running:
        await running.postgres.kill()
        lock = folder.postgres.resolve() / "data" / "postmaster.pid"
        _, _, rest = lock.read_text().partition("\n")
        other = await asyncio.create_subprocess_exec("sleep", "30", **({"user": 65534} if os.geteuid() == 0 else {}))
        lock.write_text(f"{other.pid}\n{rest}")
        await running.postgres.start()
        assert await fetch(running.postgres.admin_url(), "SELECT 1") == 1
        other.kill()
        await other.wait()


async def test_servers_are_gone_after_their_parent_was_killed_and_the_data_starts_again(folder: DataFolder) -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, folder.path, stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    children = [psutil.Process(int(pid)) for pid in (await parent.stdout.readline()).split()]
    family = children + [child for process in children for child in process.children(recursive=True)]
    assert len(family) > 4
    parent.kill()
    await parent.wait()
    _, alive = await asyncio.to_thread(psutil.wait_procs, family, 10)
    assert [process for process in alive if process.status() != psutil.STATUS_ZOMBIE] == []
    async with servers_on(folder.path, services=("points",)) as again:
        assert await fetch(again.postgres.url("points"), "SELECT 1") == 1


async def test_a_folder_serves_one_suite_at_a_time(folder: DataFolder) -> None:
    with folder.held():
        folder.update_run(pid=4711)
        assert folder.is_held()
        with pytest.raises(DataFolderInUse, match="in use by the process 4711"):
            async with servers_on(folder.path):
                pass
    assert not folder.is_held()


async def test_a_server_that_cannot_start_says_why_and_leaves_nothing(folder: DataFolder) -> None:
    folder.prepare()
    broken = Postgres(folder, settings={"shared_buffers": "much"})
    with pytest.raises(ServerFailed, match='invalid value for parameter "shared_buffers"'):
        await broken.start()
    assert not broken.runs
    whole = Postgres(folder)
    await whole.start()
    await whole.stop()


async def test_a_failed_start_of_one_server_stops_the_other(folder: DataFolder) -> None:
    running = Servers(folder, services=())
    running.postgres = Postgres(folder, settings={"max_connections": "none"})
    with pytest.raises(ServerFailed):
        await running.start()
    assert not running.nats.runs
    assert not running.postgres.runs


async def test_a_taken_port_is_replaced(folder: DataFolder) -> None:
    folder.prepare()
    first = DataFolder(folder.path).port("nats")
    blocker = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", first)
    assert folder.port("nats") != first
    blocker.close()
    await blocker.wait_closed()


def test_a_port_that_another_suite_is_about_to_bind_is_not_chosen(folder: DataFolder) -> None:
    other = ephemeral_folder()
    with folder.held(), other.held():
        port = folder.port("gateway", preferred=free_port())
        assert port_is_free(port)
        assert other.port("gateway", preferred=port) != port
        assert folder.port("gateway") == port
    with other.held():
        assert other.claim(port)
    other.remove()


async def test_the_applications_role_owns_nothing_and_waits_are_bounded(servers: Servers) -> None:
    app = servers.postgres.url("points")
    assert await fetch(app, "SHOW lock_timeout") == "2s"
    assert await fetch(app, "SHOW statement_timeout") == "5s"
    assert await fetch(app, "SHOW idle_in_transaction_session_timeout") == "10s"
    assert await fetch(app, "SHOW synchronous_commit") == "on"
    assert not await fetch(app, "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await fetch(app, "CREATE TABLE mine (id int)")


async def test_a_role_cannot_connect_to_anothers_database_nor_without_its_password(servers: Servers) -> None:
    app = servers.postgres.url("points")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await fetch(app.removesuffix("points") + "missions", "SELECT 1")
    with pytest.raises(asyncpg.InvalidPasswordError):
        await fetch(app.replace(servers.data.password("laurels_points_app"), "guess"), "SELECT 1")


async def test_a_service_publishes_its_own_subjects_only(servers: Servers) -> None:
    own = ["laurels.missions.MissionCompleted.p0.b.m", "_laurels.reconcile.missions.points", "$JS.ACK.x"]
    others = [
        "laurels.points.PointsCredited.p0.b.m",
        "_laurels.reconcile.points.recommender",
        "_INBOX.points.stolen",
        "$JS.API.STREAM.DELETE.POINTS",
        "$JS.API.STREAM.PURGE.POINTS",
        "$JS.API.STREAM.MSG.DELETE.POINTS",
        "$JS.API.STREAM.UPDATE.POINTS",
        "$SYS.REQ.SERVER.PING",
        "anything",
    ]
    assert await what_arrives(servers.nats, "missions", own + others) == own


async def test_a_service_makes_its_own_stream_and_reads_anothers(servers: Servers) -> None:
    points, missions = await nats_client(servers.nats, "points"), await nats_client(servers.nats, "missions")
    await points.jetstream().add_stream(name="POINTS", subjects=["laurels.points.>"])
    await points.jetstream().publish("laurels.points.PointsCredited.p0.b.m", b"credited")
    reader = await missions.jetstream().pull_subscribe("laurels.points.>", durable="missions", stream="POINTS")
    (message,) = await reader.fetch(1, timeout=5)
    await message.ack_sync()
    assert (await reader.consumer_info()).num_ack_pending == 0
    with pytest.raises(nats.errors.TimeoutError):
        await missions.jetstream(timeout=0.3).add_stream(name="MINE", subjects=["laurels.mine.>"])
    await points.close()
    await missions.close()


async def test_a_consumer_answers_the_reconciler_of_a_producer(servers: Servers) -> None:
    points, missions = await nats_client(servers.nats, "points"), await nats_client(servers.nats, "missions")

    async def answer(message: nats.aio.msg.Msg) -> None:
        await message.respond(b"claimed: " + message.data)

    await missions.subscribe("_laurels.reconcile.*.missions", cb=answer)
    await missions.flush()
    reply = await points.request("_laurels.reconcile.points.missions", b"bucket", timeout=5)
    assert reply.data == b"claimed: bucket"
    await points.close()
    await missions.close()


async def test_the_gateway_hears_events_and_publishes_none(servers: Servers) -> None:
    gateway, points = await nats_client(servers.nats, "gateway"), await nats_client(servers.nats, "points")
    heard = await gateway.subscribe("laurels.*.*.*.brand.member")
    await gateway.flush()
    await points.publish("laurels.points.PointsCredited.p3.brand.other", b"not theirs")
    await points.publish("laurels.points.PointsCredited.p3.brand.member", b"credited")
    assert (await heard.next_msg(timeout=5)).data == b"credited"
    await gateway.close()
    await points.close()
    forged = ["laurels.points.PointsCredited.p0.b.m", "laurels.gateway.Any.p0.b.m"]
    assert await what_arrives(servers.nats, "gateway", forged) == []


async def test_nats_wants_a_password_and_a_bounded_message(servers: Servers) -> None:
    with pytest.raises((nats.errors.Error, OSError)):
        await nats.connect(f"nats://127.0.0.1:{servers.nats.port}", max_reconnect_attempts=0, allow_reconnect=False)
    client = await nats_client(servers.nats, "points")
    with pytest.raises(nats.errors.MaxPayloadError):
        await client.publish("laurels.points.Large.p0.b.m", bytes(2 * 1024 * 1024 + 1))
    await client.close()


async def test_secrets_are_for_their_owner_only(servers: Servers) -> None:
    servers.data.signing_key()
    servers.data.seed_key()
    files = [*servers.data.secrets.iterdir(), servers.data.nats / "nats.json"]
    assert {path.name for path in files} >= {"passwords.json", "signing_key.json", "jwks.json", "seed_key.json"}
    assert {oct(path.stat().st_mode & 0o777) for path in files} == {"0o600"}
    assert servers.data.secrets.stat().st_mode & 0o777 == 0o700
    assert servers.postgres.log.resolve().parent.stat().st_mode & 0o777 == 0o700
    listing = " ".join(" ".join(process.cmdline()) for process in psutil.process_iter() if process.pid != os.getpid())
    assert servers.data.password("postgres") not in listing


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become another user")
async def test_as_root_it_runs_from_folders_that_its_user_cannot_reach(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    package = embedded._postgres_install().parent
    for part in (package.name, f"{package.name}.libs"):
        shutil.copytree(package.with_name(part), closed / part)
    install = closed / package.name / "pginstall"
    data = DataFolder(closed / "data")
    server = Postgres(data, install=install)
    try:
        await server.start()
        assert await fetch(server.admin_url(), "SELECT 1") == 1
        assert psutil.Process(server.child.pid).uids().effective != 0
        assert closed.stat().st_mode & 0o777 == 0o700
        kept = data.postgres.resolve()
        assert kept.is_relative_to(embedded.OUTSIDE_HOME)
        await server.stop()
        await server.start()
        assert data.postgres.resolve() == kept
    finally:
        await server.stop()
        data.remove()
    assert not kept.exists()


async def test_it_runs_as_a_user_that_is_not_root(tmp_path: Path) -> None:
    as_user = [] if os.geteuid() != 0 else ["unshare", "--user", "--map-user=nobody"]
    if as_user and subprocess.run([*as_user, "true"], capture_output=True).returncode != 0:
        pytest.skip("this machine forbids user namespaces, so there is nobody else to be")
    parent = await asyncio.create_subprocess_exec(
        *as_user, sys.executable, "-c", PARENT, tmp_path / "data", stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    pids = (await parent.stdout.readline()).split()
    assert len(pids) == 2
    parent.send_signal(signal.SIGINT)
    assert await parent.wait() != 0
    assert not (tmp_path / "data" / "postgres").is_symlink()
    assert not any(psutil.pid_exists(int(pid)) for pid in pids)


async def test_a_child_is_ended_by_the_first_signal_that_works(tmp_path: Path) -> None:
    stubborn = Child.spawn(
        "stubborn", ["/bin/sh", "-c", "trap '' TERM; echo up; while :; do sleep 1; done"], log=tmp_path / "log"
    )
    while not (tmp_path / "log").read_text():
        await asyncio.sleep(0.01)
    assert await stubborn.stop((Signals.SIGTERM, 0.2)) == -Signals.SIGKILL
    assert await Child.spawn("quick", ["/bin/sh", "-c", "exit 3"], log=None).wait() == 3


def test_ports_lie_outside_the_range_of_outgoing_connections() -> None:
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert all(port < first or first < 16_000 for port in (free_port() for _ in range(50)))
