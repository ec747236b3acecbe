"""What is wrong with the suite that runs on this machine, in one table.

Every check runs, whatever the others find; one that cannot be made has failed.
Checks only look: they change nothing.
"""

import asyncio
import importlib
import importlib.metadata
import platform
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import asyncpg
import httpx
import nats
import orjson
from nats.js.api import ConsumerInfo
from rich.console import Console
from rich.table import Table

from chassis import schema
from chassis.events import stream
from cli.data_folder import DataFolder
from cli.embedded import SERVICES, Servers
from cli.supervisor import until_serving

CHECK_TIMEOUT_S = 15.0
ANSWER_TIMEOUT_S = 5.0
OUTBOX_AGE_S_MAX = 30.0
CLOCKS_APART_S_MAX = 1.0
DISK_FREE_BYTES_LEAST = 2**30
STREAM_FULL_MAX = 0.9
STUCK_AFTER_S = 2.0


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check saw; `holds` says whether that is well."""

    check: str
    holds: bool
    detail: str


class Unwell(Exception):
    """What a check found wrong."""


Check = Callable[[], Awaitable[str]]
"""Returns what it saw, or raises."""


async def doctor(data: DataFolder, console: Console) -> bool:
    """Prints all findings; whether everything is well."""
    findings = await examine(data)
    table = Table("check", "", "finding", box=None, padding=(0, 2, 0, 0))
    for finding in findings:
        mark = "[green]ok[/green]" if finding.holds else "[red]FAILED[/red]"
        table.add_row(finding.check, mark, finding.detail)
    console.print(table)
    failed = [finding for finding in findings if not finding.holds]
    if failed:
        console.print(f"[red]{len(failed)} of {len(findings)} checks failed.[/red]")
    return not failed


async def examine(data: DataFolder) -> list[Finding]:
    """Makes all checks at once."""
    if not data.is_held():
        problem = f"no suite runs on {data.path}; start one with `laurels up`, or name its folder with --data"
        return [Finding("versions", True, await versions()), Finding("suite", False, problem)]
    examination = Examination(data)
    return list(await asyncio.gather(*(_made(name, check) for name, check in examination.checks().items())))


async def _made(name: str, check: Check) -> Finding:
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_S):
            return Finding(name, True, await check())
    except TimeoutError:
        return Finding(name, False, f"no answer within {CHECK_TIMEOUT_S:.0f} s")
    except Exception as error:  # noqa: BLE001  a check that fails in whatever way is a finding
        return Finding(name, False, str(error) or type(error).__name__)


async def versions() -> str:
    """Ours and our interpreter's."""
    return f"laurels {importlib.metadata.version('laurels')}, Python {platform.python_version()}, {platform.platform()}"


class Examination:
    """The checks of one running suite."""

    def __init__(self, data: DataFolder) -> None:
        self._data, self._run = data, data.run()
        self._servers = Servers.of_running_suite(data)

    def checks(self) -> dict[str, Check]:
        """All checks by name, in the order they are shown."""
        checks: dict[str, Check] = {
            "versions": versions,
            "suite": self._suite,
            "disk": self._disk,
            "PostgreSQL": self._postgres,
            "NATS": self._nats,
            "clocks": self._clocks,
            "gateway": self._gateway,
            "keys": self._keys,
            "trial balance": self._trial_balance,
        }
        for service in SERVICES:
            checks |= {
                f"{service}: serving": partial(self._serving, service),
                f"{service}: schema": partial(self._schema, service),
                f"{service}: stream": partial(self._stream, service),
                f"{service}: consumers": partial(self._consumers, service),
                f"{service}: outbox": partial(self._outbox, service),
                f"{service}: dead letters": partial(self._dead_letters, service),
                f"{service}: programmes": partial(self._programmes, service),
            }
        return checks

    async def _suite(self) -> str:
        if "gateway" not in self._run:
            raise Unwell(f"the process {self._run.get('pid')} holds the folder, but is not ready yet")
        how = "a process each" if self._run.get("split") else "one process"
        return f"process {self._run['pid']}, services in {how}, data in {self._data.path}"

    async def _disk(self) -> str:
        free = shutil.disk_usage(self._data.path).free
        seen = f"{free / 2**30:.1f} GiB free"
        if free < DISK_FREE_BYTES_LEAST:
            raise Unwell(f"{seen}; less than {DISK_FREE_BYTES_LEAST / 2**30:.0f} GiB")
        return seen

    async def _postgres(self) -> str:
        async with self._database("postgres") as session:
            version = await session.fetchval("SHOW server_version")
            used = await session.fetchval("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'")
            most = await session.fetchval("SHOW max_connections")
        return f"{version} on port {self._servers.postgres.port}, {used} of {most} connections"

    async def _nats(self) -> str:
        server = await self._monitored("/varz")
        health = await self._monitored("/healthz")
        if health.get("status") != "ok":
            raise Unwell(f"not healthy: {health.get('error', health)}")
        return f"{server['version']} on port {self._servers.nats.port}, {server['connections']} connections"

    async def _clocks(self) -> str:
        """Three clocks that decide together: a service's, the database's and the broker's."""
        apart_s = {"PostgreSQL": await _apart_s(self._postgres_now), "NATS": await _apart_s(self._nats_now)}
        seen = "apart from ours: " + ", ".join(f"{name} {apart:+.3f} s" for name, apart in apart_s.items())
        if max(map(abs, apart_s.values())) > CLOCKS_APART_S_MAX:
            raise Unwell(seen)
        return seen

    async def _postgres_now(self) -> datetime:
        async with self._database("postgres") as session:
            now: datetime = await session.fetchval("SELECT clock_timestamp()")
        return now

    async def _nats_now(self) -> datetime:
        return datetime.fromisoformat((await self._monitored("/varz"))["now"])

    async def _gateway(self) -> str:
        async with httpx.AsyncClient(timeout=ANSWER_TIMEOUT_S) as client:
            answer = await client.get(f"{self._run['gateway']}/readyz")
        if not answer.is_success:
            raise Unwell(f"{self._run['gateway']} is not ready: {answer.text[:200]}")
        return f"ready at {self._run['gateway']}"

    async def _keys(self) -> str:
        """The keys that credentials are checked with can be read, and the one that signs here is among them."""
        signing = self._data.signing_key().as_dict(private=False)
        published = orjson.loads(self._data.jwks.read_bytes())["keys"]
        if signing["x"] not in {key.get("x") for key in published}:
            raise Unwell(f"{self._data.jwks} lacks the key that signs here; its tokens are refused")
        return f"{len(published)} in {self._data.jwks.name}, the one that signs among them"

    async def _trial_balance(self) -> str:
        """Every currency's balances sum to zero, since each entry moves an amount between two accounts."""
        async with self._database("laurels_points") as session:
            rows = await session.fetch(
                "SELECT brand, currency, sum(balance)::bigint AS total, count(*) AS accounts"
                " FROM accounts GROUP BY 1, 2 ORDER BY 1, 2"
            )
        wrong = [f"{row['currency']} of {row['brand']} by {row['total']:,}" for row in rows if row["total"]]
        if wrong:
            raise Unwell(f"does not sum to zero: {', '.join(wrong)}; see docs/runbooks/LedgerImbalance.md")
        return f"{len(rows)} currencies, {sum(row['accounts'] for row in rows):,} accounts, each sums to zero"

    async def _serving(self, service: str) -> str:
        address: str = self._run["services"][service]
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                await until_serving(address)
        except TimeoutError:
            raise Unwell(f"{address} did not say that it serves within {ANSWER_TIMEOUT_S:.0f} s") from None
        return address

    async def _schema(self, service: str) -> str:
        async with self._database(f"laurels_{service}") as session:
            found = await session.fetchval("SELECT version_num FROM alembic_version")
        newest = schema.revisions(service)[-1]
        if found != newest:
            raise Unwell(f"at revision {found}, the code is at {newest}")
        return f"at its newest revision, {found}"

    async def _stream(self, service: str) -> str:
        async with self._broker() as client:
            info = await client.jetstream().stream_info(stream(service))
        held, most = int(info.state.bytes), int(info.config.max_bytes or 0)
        seen = f"{info.state.messages:,} events, {held / 2**20:.1f} MiB of {most / 2**20:.0f}"
        if most > 0 and held > most * STREAM_FULL_MAX:
            raise Unwell(f"{seen}: nearly full; events wait in the outbox when it is")
        return seen

    async def _consumers(self, service: str) -> str:
        """Every source that the service listens to has a consumer, and each moves."""
        sources = importlib.import_module(f"services.{service}.subscriber").SUBSCRIPTIONS
        async with self._broker() as client:
            before = {source: await self._lanes(client, service, source) for source in sources}
            waiting = [source for source, lanes in before.items() if any(map(_lag, lanes))]
            if waiting:
                await asyncio.sleep(STUCK_AFTER_S)
                for source in waiting:
                    _require_movement(service, source, before[source], await self._lanes(client, service, source))
        return ", ".join(f"{source} {sum(map(_lag, lanes)):,} behind" for source, lanes in before.items())

    async def _lanes(self, client: Any, service: str, source: str) -> list[ConsumerInfo]:
        lanes = [
            info
            for info in await client.jetstream().consumers_info(stream(source))
            if info.name.startswith(f"{service}-")
        ]
        if not lanes:
            raise Unwell(f"no consumer on the stream {stream(source)}")
        return lanes

    async def _outbox(self, service: str) -> str:
        async with self._database(f"laurels_{service}") as session:
            row = await session.fetchrow(
                "SELECT count(*) AS depth, extract(epoch FROM now() - min(created_at))::float AS age"
                " FROM outbox WHERE published_at IS NULL"
            )
        if row is None or not row["depth"]:
            return "empty"
        depth, age_s = int(row["depth"]), float(row["age"])
        seen = f"{depth:,} to publish, the oldest for {age_s:.1f} s"
        if age_s > OUTBOX_AGE_S_MAX:
            raise Unwell(f"{seen}; the relay does not keep up, or NATS takes nothing")
        return seen

    async def _dead_letters(self, service: str) -> str:
        async with self._database(f"laurels_{service}") as session:
            rows = await session.fetch("SELECT source, type, count(*) AS count FROM dead_letters GROUP BY 1, 2")
            newest = await session.fetchval("SELECT reason FROM dead_letters ORDER BY parked_at DESC LIMIT 1")
        if rows:
            found = ", ".join(f"{row['count']} of {row['type']} from {row['source']}" for row in rows)
            raise Unwell(f"{found}; the newest because: {newest}")
        return "none"

    async def _programmes(self, service: str) -> str:
        """The service works under the newest version of every brand's programme."""
        newest = await self._newest_versions("points")
        own = newest if service == "points" else await self._newest_versions(service)
        behind = [
            f"{brand} at {own.get(brand, 0)} of {version}"
            for brand, version in newest.items()
            if own.get(brand, 0) < version
        ]
        if behind:
            raise Unwell(", ".join(behind))
        return f"{len(own)} brand{'' if len(own) == 1 else 's'}, all at the newest version"

    async def _newest_versions(self, service: str) -> dict[str, int]:
        async with self._database(f"laurels_{service}") as session:
            return dict(await session.fetch("SELECT brand, max(version) FROM configurations GROUP BY 1 ORDER BY 1"))

    @asynccontextmanager
    async def _database(self, name: str) -> "AsyncIterator[asyncpg.Connection[Any]]":
        session = await asyncpg.connect(self._servers.postgres.admin_url(name), timeout=ANSWER_TIMEOUT_S)
        try:
            yield session
        finally:
            await session.close()

    @asynccontextmanager
    async def _broker(self) -> AsyncIterator[Any]:
        client = await nats.connect(
            self._servers.nats.url("operator"),
            inbox_prefix=b"_INBOX.operator",
            allow_reconnect=False,
            connect_timeout=int(ANSWER_TIMEOUT_S),
        )
        try:
            yield client
        finally:
            await client.close()

    async def _monitored(self, path: str) -> dict[str, Any]:
        async with httpx.AsyncClient(timeout=ANSWER_TIMEOUT_S) as client:
            answer = await client.get(f"{self._servers.nats.monitor_url}{path}")
        found: dict[str, Any] = answer.json()
        return found


async def _apart_s(clock: Callable[[], Awaitable[datetime]]) -> float:
    """How far a clock is ahead of ours, beyond what the asking itself may explain; in seconds."""
    before = datetime.now(UTC)
    other = await clock()
    after = datetime.now(UTC)
    return max(0.0, (other - after).total_seconds()) + min(0.0, (other - before).total_seconds())


def _lag(info: ConsumerInfo) -> int:
    return (info.num_pending or 0) + (info.num_ack_pending or 0)


def _require_movement(service: str, source: str, before: list[ConsumerInfo], after: list[ConsumerInfo]) -> None:
    acknowledged = {info.name: info.ack_floor.stream_seq for info in before if info.ack_floor}
    for info in after:
        if _lag(info) and info.ack_floor and info.ack_floor.stream_seq == acknowledged.get(info.name):
            raise Unwell(
                f"{info.name} is {_lag(info):,} events behind on {stream(source)} and acknowledged none"
                f" for {STUCK_AFTER_S:.0f} s; the log of {service} says why"
            )
