"""One command runs the whole suite on one machine, and leaves nothing running when it ends.

The servers start first, then the schemas are brought up to date, then services
and gateway start, all in this process or one process each. What ends untold
is started again. The first Ctrl-C drains: the gateway, the services, the
servers. The second ends everything at once. When this process is killed, the
kernel ends its children.
"""

import asyncio
import contextlib
import importlib
import os
import shutil
import signal
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import httpx
from grpc_health.v1 import health_pb2, health_pb2_grpc
from rich.console import Console
from rich.table import Table

from chassis import logging, migrations
from cli.child import log_tail
from cli.data_folder import DataFolder, ephemeral_folder
from cli.embedded import SERVICES, EmbeddedError, Nats, Postgres, Servers
from cli.gateway_client import local_token
from cli.parts import Body, PartEnded, Supervised, ends_before, process

START_TIMEOUT_S = 120.0
PROBE_PAUSE_S = 0.02
GATEWAY_PORT = 8080
STREAM_BYTES_MAX = 1 * 2**30
STREAM_BYTES_LEAST = 64 * 2**20
TOKEN_LIVES_S = 86_400
INTERRUPTED = 130
END_NOW_S = 2.0


class SuiteFailed(EmbeddedError):
    """The suite did not come up; the sentence says which part of it, and why."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a suite runs. `port` is the gateway's; 0 takes the last one, 8080 or a free one."""

    split: bool = False
    port: int = 0
    log_level: str = "warning"


class Suite:
    """The servers, the services and the gateway on a data folder that the caller holds."""

    def __init__(self, data: DataFolder, options: Options = Options(), *, services: tuple[str, ...] = SERVICES) -> None:
        self.data, self.options, self.services = data, options, services
        self.servers = Servers(data, services=services)
        self.pids: dict[str, int] = {}
        self._stages: list[dict[str, Supervised]] = []
        self._ports: dict[str, int] = {}

    @property
    def gateway_url(self) -> str:
        """The gateway's address."""
        return f"http://127.0.0.1:{self._ports['gateway']}"

    @property
    def parts(self) -> dict[str, Supervised]:
        """All that is supervised, by name."""
        return {name: part for stage in self._stages for name, part in stage.items()}

    def service_address(self, service: str) -> str:
        """The host and port of a service's gRPC server."""
        return f"127.0.0.1:{self._ports[service]}"

    async def start(self) -> None:
        """Returns when everything takes requests. Raises SuiteFailed, EmbeddedError."""
        self._ports = {name: self.data.port(name) for name in self.services}
        self._ports["gateway"] = self._gateway_port()
        self.data.signing_key()
        await self.servers.start()
        self._supervise({"postgres": _server(self.servers.postgres), "nats": _server(self.servers.nats)})
        await self._migrate()
        self._supervise({name: self._service(name) for name in self.services})
        self._supervise({"gateway": self._gateway()})
        await self._until_ready()
        self._note_run()

    async def stop(self) -> None:
        """Drains and stops everything, the gateway first."""
        while self._stages:
            await asyncio.gather(*(part.stop() for part in self._stages[-1].values()))
            self._stages.pop()
        await self.servers.stop()
        self.data.update_run(pids=None, gateway=None)

    async def end_now(self) -> None:
        """Ends everything at once, without waiting for work in hand."""
        for part in self.parts.values():
            part.abandon()
        postgres, nats = self.servers.postgres, self.servers.nats
        ending = [postgres.child.stop((signal.SIGQUIT, END_NOW_S))] if postgres.runs else []
        ending += [nats.child.stop((signal.SIGTERM, END_NOW_S))] if nats.runs else []
        await asyncio.gather(*ending)

    def token(self, brand: str, subject: str, scopes: str) -> str:
        """A token that lives a day."""
        return local_token(self.data.path, brand, subject, scopes, lives_s=TOKEN_LIVES_S)

    def part_pid(self, name: str) -> int:
        """The process id of a server, or of a service or the gateway when they run split. KeyError otherwise."""
        servers: dict[str, Postgres | Nats] = {"postgres": self.servers.postgres, "nats": self.servers.nats}
        return servers[name].child.pid if name in servers else self.pids[name]

    def settings(self, part: str) -> dict[str, str]:
        """What a service or the gateway is told, by the names of its settings' fields."""
        common = {
            "listen": f"127.0.0.1:{self._ports[part]}",
            "jwks": str(self.data.jwks),
            "nats_url": f"nats://127.0.0.1:{self.servers.nats.port}",
            "nats_user": part,
            "nats_password": self.data.password(f"nats_{part}"),
            "log_format": "json" if self.options.split else "console",
            "log_level": "info" if self.options.split else self.options.log_level,
        }
        if part == "gateway":
            return common | {f"{name}_target": self.service_address(name) for name in self.services}
        own = {"seed_key": self.data.seed_key()} if part == "leaderboard" else {}
        if part == "recommender":
            own = {"erasure_key": self.data.erasure_key()}
        if part == "missions":
            own = {"webhook_key": self.data.webhook_key(), "webhook_loopback": "true"}
        if part == "points":
            own = {
                "ledger_key": self.data.ledger_key(),
                "erasure_key": self.data.erasure_key(),
                "nats_eraser_user": "eraser",
                "nats_eraser_password": self.data.password("nats_eraser"),
            }
        return (
            common
            | own
            | {
                "database_url": self.servers.postgres.url(part),
                "stream_bytes_max": str(self._stream_bytes_max()),
            }
        )

    def _stream_bytes_max(self) -> int:
        """A stream's bound on disk: a gibibyte, less where all of them would not fit in half of what is free."""
        free = shutil.disk_usage(self.data.path).free
        return max(STREAM_BYTES_LEAST, min(STREAM_BYTES_MAX, free // 2 // len(SERVICES)))

    def _gateway_port(self) -> int:
        if self.options.port == 0:
            return self.data.port("gateway", preferred=GATEWAY_PORT)
        if not self.data.claim(self.options.port):
            raise SuiteFailed(f"Port {self.options.port} is taken. Choose another with --port.")
        self.data.keep_port("gateway", self.options.port)
        return self.options.port

    async def _migrate(self) -> None:
        for service in self.services:
            await migrations.upgrade(service, self.servers.postgres.url(service, "owner"), f"laurels_{service}_app")

    def _supervise(self, bodies: Mapping[str, Body]) -> None:
        self._stages.append({name: Supervised(name, body) for name, body in bodies.items()})

    def _service(self, name: str) -> Body:
        return self._body(name, f"services.{name}", f"services.{name}.settings", "Settings")

    def _gateway(self) -> Body:
        return self._body("gateway", "gateway", "gateway.settings", "GatewaySettings")

    def _body(self, name: str, package: str, settings_module: str, settings_class: str) -> Body:
        if self.options.split:
            told = {f"LAURELS_{field.upper()}": value for field, value in self.settings(name).items()}
            return process(name, package, {**os.environ, **told}, self.data.logs / f"{name}.log", self.pids)
        run = importlib.import_module(f"{package}.__main__").run
        settings_type = getattr(importlib.import_module(settings_module), settings_class)

        async def body(told: asyncio.Event) -> None:
            await run(settings_type(**self.settings(name)), told)

        return body

    async def _until_ready(self) -> None:
        """Waits for every part's health. Raises SuiteFailed when one ends first, or it takes too long."""
        ready = asyncio.ensure_future(self._all_ready())
        failures = {asyncio.create_task(part.failure()): name for name, part in self.parts.items()}
        try:
            done, _ = await asyncio.wait(
                [ready, *failures], timeout=START_TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED
            )
            if not done:
                raise SuiteFailed(
                    f"Not everything was ready within {START_TIMEOUT_S:.0f} seconds. {self._where_logs_are()}"
                )
            for failed, name in failures.items():
                if failed in done and ready not in done:
                    log = log_tail(self.data.logs / f"{name}.log")
                    raise SuiteFailed("\n".join([f"{name} did not start: {failed.result()}", log])) from failed.result()
        finally:
            for wait in (ready, *failures):
                wait.cancel()
            await asyncio.gather(ready, *failures, return_exceptions=True)

    async def _all_ready(self) -> None:
        for name in self.services:
            await until_serving(self.service_address(name))
        async with httpx.AsyncClient(base_url=self.gateway_url, timeout=5) as client:
            while not await _is_ready(client):
                await asyncio.sleep(PROBE_PAUSE_S)

    def _where_logs_are(self) -> str:
        return f"Logs are in {self.data.logs}." if self.options.split else "--verbose shows more."

    def _note_run(self) -> None:
        self.data.update_run(
            pid=os.getpid(),
            split=self.options.split,
            gateway=self.gateway_url,
            services={name: self.service_address(name) for name in self.services},
            pids={name: self.part_pid(name) for name in ("postgres", "nats", *self.pids)},
        )


async def until_serving(address: str) -> None:
    """Waits until the gRPC server at the address says that it serves."""
    async with grpc.aio.insecure_channel(address) as channel:
        health: Any = health_pb2_grpc.HealthStub(channel)
        while True:
            with contextlib.suppress(grpc.aio.AioRpcError):
                answer = await health.Check(health_pb2.HealthCheckRequest(), timeout=5, wait_for_ready=True)
                if answer.status == health_pb2.HealthCheckResponse.SERVING:
                    return
            await asyncio.sleep(PROBE_PAUSE_S)


async def _is_ready(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/readyz")).is_success
    except httpx.HTTPError:
        return False


def _server(server: Postgres | Nats) -> Body:
    """An embedded server as a part. It runs already the first time."""

    async def body(told: asyncio.Event) -> None:
        await server.start()
        if await ends_before(server.child, told):
            raise PartEnded(f"ended with status {server.child.returncode}")
        await server.stop()

    return body


@asynccontextmanager
async def suite_on(data: DataFolder, options: Options = Options()) -> AsyncIterator[Suite]:
    """Runs a suite on the folder within the block. Raises DataFolderInUse, EmbeddedError."""
    with data.held():
        suite = Suite(data, options)
        try:
            await suite.start()
            yield suite
        finally:
            await suite.stop()


async def up(data: DataFolder | None, options: Options, brand: str, console: Console) -> int:
    """Runs a suite until Ctrl-C, on an ephemeral folder when there is none; the exit status."""
    interrupts = Interrupts()
    logging.configure("console", options.log_level)
    with working_folder(data) as folder, folder.held():
        suite = Suite(folder, options)
        began = time.monotonic()
        try:
            with console.status("Starting"):
                interrupted = await interrupts.during(suite.start())
            if not interrupted:
                announce(suite, brand, data is not None, time.monotonic() - began, console)
                await interrupts.wait()
        finally:
            console.print("Stopping; Ctrl-C again stops at once.")
            hurried = await interrupts.during(suite.stop())
            if hurried:
                await suite.end_now()
    if hurried:
        console.print("Stopped at once. Nothing that was acknowledged is lost.")
        os._exit(INTERRUPTED)  # an orderly exit would wait for the work that was to be left
    return 0


class Interrupts:
    """Ctrl-C and its kin (SIGINT, SIGTERM, SIGHUP), as something to wait for."""

    def __init__(self) -> None:
        self._came = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup stays in force
                asyncio.get_running_loop().add_signal_handler(number, self._came.set)

    async def wait(self) -> None:
        """Waits for the next one."""
        await self._came.wait()
        self._came.clear()

    async def during(self, work: Any) -> bool:
        """Works until done, or until the next interrupt cancels it; whether one did."""
        task, interrupt = asyncio.ensure_future(work), asyncio.ensure_future(self.wait())
        await asyncio.wait({task, interrupt}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            task.cancel()
            await asyncio.wait({task})
            return True
        interrupt.cancel()
        await task
        return False


def announce(suite: Suite, brand: str, kept: bool, took_s: float, console: Console) -> None:
    """Prints where everything is."""
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    rows = {
        "gateway": suite.gateway_url,
        "documentation": f"{suite.gateway_url}/docs",
        **{name: f"{suite.service_address(name)} (gRPC)" for name in suite.services},
        "PostgreSQL": f"127.0.0.1:{suite.servers.postgres.port}",
        "NATS": f"127.0.0.1:{suite.servers.nats.port}, monitoring {suite.servers.nats.monitor_url}",
        "data": f"kept in {suite.data.path}" if kept else f"in {suite.data.path}, deleted at the end",
        "processes": f"one each, logs in {suite.data.logs}" if suite.options.split else "services and gateway in one",
    }
    for name, value in rows.items():
        table.add_row(name, value, style=None)
    console.print(f"[green]Laurels runs[/green], after {took_s:.1f} s.")
    console.print(table, soft_wrap=True)
    console.print(
        f"\nA token for the brand {brand!r} with the scopes service and manager, valid for a day:", soft_wrap=True
    )
    console.print(suite.token(brand, "laurels-up", "service manager"), soft_wrap=True, highlight=False)
    where = "" if kept and suite.data.path == Path(".laurels").absolute() else f" --data {suite.data.path}"
    console.print(f"\nNext: laurels apply examples/cdnow/programme.yaml{where}", highlight=False, soft_wrap=True)
    console.print("Ctrl-C stops.")


@contextlib.contextmanager
def working_folder(data: DataFolder | None) -> Iterator[DataFolder]:
    """The folder given, or an ephemeral one for the block."""
    if data is not None:
        yield data
        return
    folder = ephemeral_folder()
    try:
        yield folder
    finally:
        folder.remove()
