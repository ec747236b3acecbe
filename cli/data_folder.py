"""One folder holds all that a suite on one machine keeps, and one suite at a time uses it.

    <data>/
      ephemeral        there when the folder is deleted at the end
      lock             held (flock) by the suite that runs
      run.json         addresses, ports and process ids; ports stay from run to run
      secrets/         passwords, signing key, seed key, ledger key; files of mode 0600
        jwks.json      the public half of the signing key
      postgres/        data, log; a link when its user cannot reach this folder
      nats/            configuration, streams, log
      logs/            a log for each process of a split suite

Secrets are made on first use and never change. Every file is written aside
and moved into place, so a kill leaves the old one or the new one.
"""

import base64
import fcntl
import os
import random
import secrets
import shutil
import socket
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import orjson
from joserfc.jwk import OKPKey

from chassis.credentials import new_key

PORTS_FROM = 15_000
PORT_ATTEMPTS_MAX = 200
DEFAULT_DATA = Path(".laurels")
EPHEMERAL_PREFIX, EPHEMERAL_MARK = "laurels-", "ephemeral"
PORT_CLAIMS = Path(tempfile.gettempdir(), f"laurels-ports-{os.geteuid()}")


class DataFolderInUse(Exception):
    """Another suite runs on this folder."""

    def __init__(self, path: Path, pid: int | None) -> None:
        by = f" by the process {pid}" if pid else ""
        super().__init__(
            f"The data folder {path} is in use{by}. Stop that suite first, or choose another folder with --data."
        )
        self.pid = pid


class DataFolderUnusable(Exception):
    """The folder cannot be made or written."""

    def __init__(self, path: Path, error: OSError) -> None:
        super().__init__(
            f"The data folder {path} cannot be used: {error.strerror or error}. "
            "Choose one that you may write to with --data."
        )


class DataFolder:
    """The folder of a suite. Nothing is made before it is needed.

    An ephemeral one may be deleted by anybody's `remove_abandoned` once it is
    no longer held.
    """

    def __init__(self, path: Path, *, ephemeral: bool = False) -> None:
        self.path, self.is_ephemeral = path.absolute(), ephemeral
        self.secrets = self.path / "secrets"
        self.postgres = self.path / "postgres"
        self.nats = self.path / "nats"
        self.logs = self.path / "logs"
        self._run = self.path / "run.json"
        self._claims: dict[int, int] = {}

    def prepare(self) -> None:
        """Makes the folder, closed to other users.

        As root the servers' unprivileged user may pass through it, not list it.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        self.path.chmod(0o711 if os.geteuid() == 0 else 0o700)
        for inner in (self.secrets, self.nats, self.logs):
            inner.mkdir(exist_ok=True)
            inner.chmod(0o700)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Holds the folder for this process. Raises DataFolderInUse, DataFolderUnusable."""
        try:
            self.prepare()
            lock = _locked(self.path / "lock")
        except OSError as error:
            raise DataFolderUnusable(self.path, error) from error
        if lock is None:
            raise DataFolderInUse(self.path, self.run().get("pid"))
        try:
            self.update_run(pid=os.getpid())
            if self.is_ephemeral:
                (self.path / EPHEMERAL_MARK).touch()
            yield
            self.update_run(pid=None)
        finally:
            self._release()
            os.close(lock)

    def is_held(self) -> bool:
        """Whether a suite runs on the folder."""
        lock = self.path / "lock"
        if not lock.exists():
            return False
        with lock.open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def run(self) -> dict[str, Any]:
        """What run.json says; empty before the first run."""
        return _read(self._run)

    def update_run(self, **values: Any) -> None:
        """Sets entries of run.json; None removes one."""
        merged = self.run() | values
        _write(self._run, {name: value for name, value in merged.items() if value is not None})

    def port(self, name: str, *, preferred: int = 0) -> int:
        """The port of `name`: the one of the last run, else `preferred`, else another if those are taken."""
        ports: dict[str, int] = self.run().get("ports", {})
        for wanted in (ports.get(name, 0), preferred):
            if wanted and self.claim(wanted):
                self.keep_port(name, wanted)
                return wanted
        for _ in range(PORT_ATTEMPTS_MAX):
            chosen = free_port(ports.values())
            if self.claim(chosen):
                self.keep_port(name, chosen)
                return chosen
        raise OSError("no free port found on 127.0.0.1")

    def claim(self, port: int) -> bool:
        """Takes a free port, before a server binds it, from other suites of this user; whether that worked.

        The claim lasts until the folder is no longer held. Where another user
        made the folder of claims, ports are taken without one.
        """
        if port in self._claims:
            return True
        if not port_is_free(port):
            return False
        try:
            claim = _locked(PORT_CLAIMS / str(port))
        except OSError:
            return True
        if claim is not None:
            self._claims[port] = claim
        return claim is not None

    def _release(self) -> None:
        for claim in self._claims.values():
            os.close(claim)
        self._claims.clear()

    def keep_port(self, name: str, port: int) -> None:
        """Keeps a port for the next run."""
        ports: dict[str, int] = self.run().get("ports", {})
        if ports.get(name) != port:
            self.update_run(ports=ports | {name: port})

    def password(self, user: str) -> str:
        """The password of a database role or a NATS user."""
        path = self.secrets / "passwords.json"
        passwords = _read(path)
        if user not in passwords:
            passwords[user] = secrets.token_urlsafe(24)
            _write(path, passwords)
        return str(passwords[user])

    def signing_key(self) -> OKPKey:
        """The key that signs local tokens; its public half is in `jwks`."""
        path = self.secrets / "signing_key.json"
        if not path.exists():
            _write(path, new_key().as_dict(private=True))
        key = OKPKey.import_key(_read(path))
        if not self.jwks.exists():
            _write(self.jwks, {"keys": [key.as_dict(private=False)]})
        return key

    @property
    def jwks(self) -> Path:
        """The file with the public keys, as a JWK set."""
        return self.secrets / "jwks.json"

    def seed_key(self) -> str:
        """The leaderboard's 32-byte key for drawing pool seeds, in base64."""
        return self._secret_key("seed_key")

    def webhook_key(self) -> str:
        """The missions service's 32-byte key for the secrets of webhooks at rest, in base64."""
        return self._secret_key("webhook_key")

    def ledger_key(self) -> str:
        """The 32-byte key that points signs the ledger's checkpoints with, in base64."""
        return self._secret_key("ledger_key")

    def _secret_key(self, name: str) -> str:
        path = self.secrets / f"{name}.json"
        if not path.exists():
            _write(path, {"key": base64.b64encode(secrets.token_bytes(32)).decode()})
        return str(_read(path)["key"])

    def erasure_key(self) -> str:
        """The points service's key for the fingerprints of erased members, in base64."""
        path = self.secrets / "erasure_key.json"
        if not path.exists():
            _write(path, {"key": base64.b64encode(secrets.token_bytes(32)).decode()})
        return str(_read(path)["key"])

    def remove(self) -> None:
        """Deletes the folder, with what its links lead to."""
        if self.postgres.is_symlink():
            shutil.rmtree(self.postgres.resolve(), ignore_errors=True)
        shutil.rmtree(self.path, ignore_errors=True)


def ephemeral_folder() -> DataFolder:
    """A new empty data folder; `remove` it after use. Those that killed suites left are removed first."""
    remove_abandoned()
    return DataFolder(Path(tempfile.mkdtemp(prefix=EPHEMERAL_PREFIX)), ephemeral=True)


def remove_abandoned() -> None:
    """Deletes this user's ephemeral folders that no suite holds any more."""
    for mark in Path(tempfile.gettempdir()).glob(f"{EPHEMERAL_PREFIX}*/{EPHEMERAL_MARK}"):
        with suppress(OSError):
            folder = DataFolder(mark.parent)
            if mark.stat().st_uid == os.geteuid() and not folder.is_held():
                folder.remove()


def _locked(path: Path) -> int | None:
    """An open file with the lock on it, which ends with the file's closing; None when another has it."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle


def port_is_free(port: int) -> bool:
    """Whether a server could bind the port on loopback now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen(1)
        except OSError:
            return False
    return True


def free_port(except_for: Any = ()) -> int:
    """A free loopback port outside the range of outgoing connections.

    Inside that range a client that reconnects to a stopped server can be given
    the server's port as its own, connect to itself, and hold the port for ever.
    """
    last = min(_outgoing_ports_from(), 65_535) - 1
    taken = set(except_for)
    for _ in range(PORT_ATTEMPTS_MAX):
        port = random.randint(PORTS_FROM, max(last, PORTS_FROM + 1_000))  # noqa: S311  not a secret
        if port not in taken and port_is_free(port):
            return port
    raise OSError(f"no free port found on 127.0.0.1 between {PORTS_FROM} and {last}")


def _outgoing_ports_from() -> int:
    setting = Path("/proc/sys/net/ipv4/ip_local_port_range")
    return int(setting.read_text().split()[0]) if setting.exists() else 32_768


def _read(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    found: dict[str, Any] = orjson.loads(path.read_bytes())
    return found


def _write(path: Path, content: Mapping[str, Any]) -> None:
    aside = path.with_name(path.name + ".new")
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(orjson.dumps(content, option=orjson.OPT_INDENT_2) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)
