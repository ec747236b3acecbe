"""The real servers with as many processes of the points service as a measurement wants.

As an operator runs them: each its own process, on durable servers, with tracing
off and the limits on one credential's requests lifted, since one load client
stands for many callers.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from signal import Signals
from typing import Any

import asyncpg
import grpc
import httpx
import orjson
import psutil
from google.protobuf.json_format import ParseDict
from nats.js.api import StreamConfig

from chassis import migrations, transport
from chassis.credentials import sign
from chassis.events import stream
from cli.child import Child, log_tail
from cli.data_folder import DataFolder
from cli.embedded import SERVICES, Servers, servers_on
from cli.supervisor import until_serving
from laurels.points.v1 import points_pb2
from laurels.programme.v1 import programme_pb2, programme_pb2_grpc
from tests.bench.load import CURRENCY

BRAND = "bench"
LIVES_S = 86_400
STOP_S = 15.0
STREAM_BYTES_MAX = 2**20
SETTLE_S = 300.0
POLL_S = 0.02
BALANCE = 1_000_000_000
NO_LIMITS = {
    f"LAURELS_{name}": "1000000"
    for name in ("MEMBER_RATE_PER_S", "MEMBER_BURST", "SERVICE_RATE_PER_S", "SERVICE_BURST")
}

# What a shop's purchases earn: ten rules, of which three to four pay on one.
RULES = (
    ("", "attributes.amount / 100"),
    ("attributes.items >= 5", "25"),
    ("member.is_first_activity", "50"),
    ("attributes.category == 'books'", "attributes.amount / 200"),
    ("attributes.category == 'music' && attributes.items >= 2", "10"),
    ("attributes.channel == 'app'", "5"),
    ("attributes.amount >= 10000", "100"),
    ("member.tier == 'gold'", "attributes.amount / 500"),
    ("member.tier == 'silver' && attributes.channel != 'shop'", "3"),
    ("attributes.category == 'food' && attributes.amount < 1000", "1"),
)
PROGRAMME = {
    "name": "Bench",
    "activity_types": [
        {"type": "visit"},
        {
            "type": "purchase",
            "attributes": [
                {"name": "amount", "kind": "ATTRIBUTE_KIND_INTEGER", "required": True},
                {"name": "items", "kind": "ATTRIBUTE_KIND_INTEGER"},
                {"name": "category", "kind": "ATTRIBUTE_KIND_TEXT"},
                {"name": "channel", "kind": "ATTRIBUTE_KIND_TEXT"},
            ],
        },
    ],
    "points": {
        "enrolment": "ENROLMENT_POLICY_ON_FIRST_ACTIVITY",
        "currencies": [{"id": CURRENCY, "name": "Points"}],
        "earning_rules": [
            {
                "id": f"rule_{place}",
                "activity_type": "purchase",
                "condition": condition,
                "amount": amount,
                "currency": CURRENCY,
            }
            for place, (condition, amount) in enumerate(RULES)
        ],
        "tiers": {
            "currency": CURRENCY,
            "levels": [
                {"id": "bronze", "name": "Bronze", "threshold": 0},
                {"id": "silver", "name": "Silver", "threshold": 2_000},
                {"id": "gold", "name": "Gold", "threshold": 2_000_000_000},
            ],
        },
    },
}

_MEMBERS = """
    INSERT INTO members (brand, member, enrolled_at, tier, seen_types)
    SELECT $1, 'm' || number, now(), $3, '{visit}' FROM generate_series(0, $2::bigint - 1) AS number"""
_ACCOUNTS = """
    INSERT INTO accounts (id, brand, owner, currency, kind, stripe, balance, earned, floor)
    SELECT nextval('account_ids'), $1, 'm' || number, $3, 'available', 0, $4, $4, 0
    FROM generate_series(0, $2::bigint - 1) AS number"""
_ISSUED = """
    INSERT INTO accounts (id, brand, owner, currency, kind, stripe, balance)
    VALUES (-nextval('account_ids'), $1, '', $2, 'issued', 0, $3) RETURNING id"""
_GIFTS = """
    INSERT INTO entries (brand, key, digest, kind, debit, credit, amount, credit_balance, reference, occurred_at)
    SELECT $1, 'transfer:gift-' || owner, '\\x00', $4, $2, id, $3, $3, '', now()
    FROM accounts WHERE brand = $1 AND kind = 'available'"""


class Deployment:
    """Servers, replicas of the points service, and gateways before them."""

    def __init__(self, servers: Servers, stack: AsyncExitStack) -> None:
        self.servers, self._stack = servers, stack
        self.replicas: list[str] = []
        self.gateways: list[str] = []
        self.children: dict[str, Child] = {}
        self.token = sign(servers.data.signing_key(), BRAND, "shop", "service manager", lives_s=LIVES_S)

    async def run_points(self, count: int) -> None:
        """Starts so many processes of the service."""
        self.replicas = [f"127.0.0.1:{self.servers.data.port(f'points-{number}')}" for number in range(count)]
        for number, address in enumerate(self.replicas):
            told = {
                "listen": address,
                "database_url": self.servers.postgres.url("points"),
                "ledger_key": self.servers.data.ledger_key(),
                "erasure_key": self.servers.data.erasure_key(),
            }
            self._spawn(f"points-{number}", "services.points", self._told("points", told))
        for number, address in enumerate(self.replicas):
            await self._alive(f"points-{number}", until_serving(address))

    async def run_gateways(self, count: int) -> None:
        """Starts so many gateways before all replicas."""
        self.gateways = [f"127.0.0.1:{self.servers.data.port(f'gateway-{number}')}" for number in range(count)]
        points = "ipv4:" + ",".join(self.replicas)
        nowhere = {f"{name}_target": "127.0.0.1:1" for name in SERVICES}
        for number, address in enumerate(self.gateways):
            told = nowhere | {"listen": address, "points_target": points}
            self._spawn(f"gateway-{number}", "gateway", self._told("gateway", told) | NO_LIMITS)
        async with httpx.AsyncClient() as client:
            for address in self.gateways:
                await self._alive(
                    f"gateway-{self.gateways.index(address)}", _until(client, f"http://{address}/healthz")
                )

    async def run_alternative(self, count: int, url: str) -> str:
        """Starts the alternative with so many workers; its address."""
        port = self.servers.data.port("alternative")
        options = ("--workers", count, "--port", port, "--loop", "uvloop", "--http", "httptools")
        quiet = ("--no-access-log", "--log-level", "warning")
        command = ["uvicorn", "tests.bench.peers.alternative:app", *options, *quiet]
        self._spawn("alternative", command, {"LAURELS_BENCH_URL": url})
        async with httpx.AsyncClient() as client:
            await self._alive("alternative", _until(client, f"http://127.0.0.1:{port}/openapi.json"))
        return f"127.0.0.1:{port}"

    async def _alive(self, name: str, ready: Coroutine[Any, Any, None]) -> None:
        """Waits until a part is ready. Raises RuntimeError when it ends instead."""
        waiting, ended = asyncio.ensure_future(ready), asyncio.ensure_future(self.children[name].wait())
        await asyncio.wait((waiting, ended), return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
        if not waiting.done():
            waiting.cancel()
            raise RuntimeError(f"{name} ended before it served")
        await waiting

    def _told(self, user: str, more: dict[str, str]) -> dict[str, str]:
        data = self.servers.data
        values = {
            "jwks": str(data.jwks),
            "nats_url": f"nats://127.0.0.1:{self.servers.nats.port}",
            "nats_user": user,
            "nats_password": data.password(f"nats_{user}"),
        } | more
        return {f"LAURELS_{name.upper()}": value for name, value in values.items()}

    def _spawn(self, name: str, module: str | Sequence[Any], told: dict[str, str]) -> None:
        command = [sys.executable, "-m", *([module] if isinstance(module, str) else module)]
        log = self.servers.data.logs / f"{name}.log"
        child = Child.spawn(name, command, log=log, env={**os.environ, **told}, death_signal=Signals.SIGKILL)
        self.children[name] = child
        self._stack.push_async_callback(child.stop, (Signals.SIGTERM, STOP_S))

    async def fill(self, members: int) -> None:
        """Applies the programme, enrols members `m0`, `m1`, … and gives each points.

        By SQL, with what the service itself would have written.
        """
        told = (("authorization", f"Bearer {self.token}"),)
        async with grpc.aio.insecure_channel(self.replicas[0]) as channel:
            applied = ParseDict(PROGRAMME, programme_pb2.Programme())
            programmes: Any = programme_pb2_grpc.ProgrammeServiceStub(channel)
            await programmes.ApplyProgramme(programme_pb2.ApplyProgrammeRequest(programme=applied), metadata=told)
        async with self.session() as connection, connection.transaction():
            await connection.execute(_MEMBERS, BRAND, members, "silver")
            await connection.execute(_ACCOUNTS, BRAND, members, CURRENCY, BALANCE)
            issued = await connection.fetchval(_ISSUED, BRAND, CURRENCY, -BALANCE * members)
            await connection.execute(_GIFTS, BRAND, issued, BALANCE, points_pb2.ENTRY_KIND_TRANSFER)
        async with self.session() as connection:
            await connection.execute("VACUUM ANALYZE")

    @asynccontextmanager
    async def session(self, database: str = "laurels_points") -> AsyncIterator[asyncpg.Connection]:
        """The superuser's."""
        connection = await asyncpg.connect(self.servers.postgres.admin_url(database))
        try:
            yield connection
        finally:
            await connection.close()

    async def settled(self) -> None:
        """Waits until every event is published."""
        async with self.session() as connection, asyncio.timeout(SETTLE_S):
            while await connection.fetchval("SELECT count(*) FROM outbox WHERE published_at IS NULL"):
                await asyncio.sleep(POLL_S)

    def cpu_seconds(self) -> dict[str, float]:
        """CPU time that each part has used, its children included."""
        parts = {name: child.pid for name, child in self.children.items()}
        parts |= {"postgres": self.servers.postgres.child.pid, "nats": self.servers.nats.child.pid}
        found = {}
        for name, pid in parts.items():
            part = psutil.Process(pid)
            found[name] = sum(_cpu_seconds(process) for process in (part, *part.children(recursive=True)))
        return found


class Load:
    """A load client, ready to begin."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def made(cls, kind: str, **options: Any) -> "Load":
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.bench.load",
            kind,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(orjson.dumps(options) + b"\n")
        if await process.stdout.readline() != b"ready\n":
            raise RuntimeError(f"the load client for {kind} did not begin")
        return cls(process)

    async def run(self) -> dict[str, float]:
        """What it saw."""
        said, _ = await self._process.communicate(b"\n")
        if self._process.returncode:
            raise RuntimeError(f"the load client ended with status {self._process.returncode}")
        found: dict[str, float] = orjson.loads(said)
        return found


async def load(kind: str, **options: Any) -> dict[str, float]:
    """Runs one load client to its end."""
    return await (await Load.made(kind, **options)).run()


@asynccontextmanager
async def deployment_on(data: DataFolder) -> AsyncIterator[Deployment]:
    """The servers with the points service's schema, and nothing running on them yet."""
    async with servers_on(data, services=("points",)) as servers, AsyncExitStack() as stack:
        data.signing_key()
        await _make_streams(servers)
        await migrations.upgrade("points", servers.postgres.url("points", "owner"), "laurels_points_app")
        deployment = Deployment(servers, stack)
        with _logs_shown(deployment):
            yield deployment


async def _make_streams(servers: Servers) -> None:
    """The streams of the services that do not run, for which points would look again and again."""
    for service in [each for each in SERVICES if each != "points"]:
        nats_url, password = servers.nats.url(service), servers.data.password(f"nats_{service}")
        client = await transport.connect(nats_url, name=service, user=service, password=password)
        config = StreamConfig(name=stream(service), subjects=[f"laurels.{service}.>"], max_bytes=STREAM_BYTES_MAX)
        await transport.ensure_stream(transport.jetstream(client), config)
        await client.close()


@contextmanager
def _logs_shown(deployment: Deployment) -> Iterator[None]:
    """Shows the end of each log when the work fails, since the logs go with their folder."""
    try:
        yield
    except BaseException:
        for name in deployment.children:
            log: Path = deployment.servers.data.logs / f"{name}.log"
            if tail := log_tail(log):
                print(f"{name}:\n{tail}", file=sys.stderr)
        raise


def _cpu_seconds(process: psutil.Process) -> float:
    """A process' CPU time and that of its children that ended."""
    try:
        return float(sum(process.cpu_times()[:4]))
    except psutil.NoSuchProcess:  # its parent has it by now
        return 0.0


async def _until(client: httpx.AsyncClient, url: str) -> None:
    """Waits until a GET succeeds."""
    while not await _answers(client, url):
        await asyncio.sleep(POLL_S)


async def _answers(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(url)).is_success
    except httpx.TransportError:
        return False
