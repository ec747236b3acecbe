"""The real nats-server and PostgreSQL for the whole session, and services on them.

Tests share the servers and keep apart by brand: each takes a brand of its own.
"""

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any

import grpc
import pytest

from chassis import credentials, migrations
from cli.embedded import SERVICES, Servers, ephemeral_folder, ephemeral_servers
from cli.supervisor import Options, Suite, suite_on

_brands = itertools.count(1)


@pytest.fixture
def brand() -> str:
    """A brand that no other test uses."""
    return f"brand-{next(_brands)}"


@pytest.fixture(scope="session")
async def servers() -> AsyncIterator[Servers]:
    """Both servers, with every service's schema in place."""
    async with ephemeral_servers() as started:
        for service in SERVICES:
            await migrations.upgrade(service, started.postgres.url(service, "owner"), f"laurels_{service}_app")
        yield started


@pytest.fixture(scope="session")
def settings_of(servers: Servers) -> Callable[..., Any]:
    """Builds a service's settings on the session's servers."""

    def build(service: str, **overrides: Any) -> Any:
        data = servers.data
        values = {
            "database_url": servers.postgres.url(service),
            "nats_url": f"nats://127.0.0.1:{servers.nats.port}",
            "nats_user": service,
            "nats_password": data.password(f"nats_{service}"),
            "jwks": str(data.jwks),
            "drain_s": 1.0,
            "seed_key": data.seed_key(),
            "ledger_key": data.ledger_key(),
            "webhook_key": data.webhook_key(),
            "webhook_loopback": True,
            "webhook_pauses_s": (0.05, 0.05),
            "erasure_key": data.erasure_key(),
            "nats_eraser_user": "eraser",
            "late_period_quiet_s": 0.0,
            "nats_eraser_password": data.password("nats_eraser"),
        }
        kind = import_module(f"services.{service}.settings").Settings
        return kind(**(values | overrides))

    return build


@pytest.fixture(scope="session")
def token(servers: Servers) -> Callable[..., str]:
    """Signs tokens with the session's key."""

    def sign(brand: str, subject: str = "shop", scope: str = "service manager", lives_s: int = 3_600) -> str:
        return credentials.sign(servers.data.signing_key(), brand, subject, scope, lives_s=lives_s)

    return sign


@pytest.fixture(scope="session")
async def suite() -> AsyncIterator[Suite]:
    """The whole suite as an operator runs it, a process each, on a folder of its own."""
    folder = ephemeral_folder()
    os.environ["LAURELS_RECONCILE_EVERY_S"] = "2"
    # One credential polls here for what an app's many members would wait for.
    for name in ("MEMBER_RATE_PER_S", "MEMBER_BURST", "SERVICE_RATE_PER_S", "SERVICE_BURST"):
        os.environ[f"LAURELS_{name}"] = "1000000"
    try:
        async with suite_on(folder, Options(split=True)) as started:
            yield started
    finally:
        folder.remove()


@asynccontextmanager
async def running(service: str, settings: Any) -> AsyncIterator[grpc.aio.Channel]:
    """Runs a service in this process and connects to it."""
    run = import_module(f"services.{service}.__main__").run
    address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    stop = asyncio.Event()
    serving = asyncio.create_task(run(settings, stop, address.set_result))
    try:
        done, _ = await asyncio.wait({serving, address}, return_when=asyncio.FIRST_COMPLETED)
        if serving in done:
            serving.result()
        async with grpc.aio.insecure_channel(address.result()) as channel:
            yield channel
    finally:
        stop.set()
        await serving
