"""The real nats-server and PostgreSQL for the whole session, and services on them.

Tests share the servers and keep apart by brand: each takes a brand of its own.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any

import grpc
import pytest

from chassis import credentials, migrations
from cli.embedded import SERVICES, Servers, ephemeral_servers

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
