"""A suite has settled when every effect of what it acknowledged is there.

That is: no service has an unpublished event, and no consumer has one waiting.
Both are seen twice with nothing new between, since an effect may cause another.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cache
from importlib import import_module
from typing import Any

import asyncpg
import nats
from nats.aio.client import Client
from nats.js.errors import NotFoundError

from chassis.events import stream
from cli.data_folder import DataFolder
from cli.embedded import SERVICES, Servers
from cli.gateway_client import CommandFailed

PAUSE_S = 0.02

# The newest id tells whether anything was published between two looks.
_OUTBOX = """
    SELECT (SELECT count(*) FROM outbox WHERE published_at IS NULL) AS waiting,
        (SELECT coalesce(max(id), 0) FROM outbox) AS newest"""

_ERASING = "SELECT count(*) FROM erasing"


class Unsettled(CommandFailed):
    """Effects are still outstanding after the time given; the sentence says where."""


class Settlement:
    """Looks at the outboxes and consumers of a running suite."""

    def __init__(self, databases: dict[str, asyncpg.Connection], client: Client) -> None:
        self._databases, self._client = databases, client

    async def reached(self, timeout_s: float) -> None:
        """Returns once the suite has settled. Raises Unsettled."""
        began, before = time.monotonic(), None
        while True:
            outstanding, newest = await self.look()
            if not outstanding and newest == before:
                return
            before = newest
            if time.monotonic() - began > timeout_s:
                left = ", ".join(f"{count} {where}" for where, count in outstanding.items())
                raise Unsettled(f"After {timeout_s:.0f} s effects are outstanding: {left or 'new ones keep coming'}.")
            await asyncio.sleep(PAUSE_S)

    async def look(self) -> tuple[dict[str, int], tuple[int, ...]]:
        """How many events wait where, and the newest event of each service."""
        outstanding: dict[str, int] = {}
        newest = []
        for service, connection in self._databases.items():
            row: Any = await connection.fetchrow(_OUTBOX)
            newest.append(row["newest"])
            if row["waiting"]:
                outstanding[f"unpublished by {service}"] = row["waiting"]
            if service == "points" and (erasing := await connection.fetchval(_ERASING)):
                outstanding["members who are being erased"] = erasing
            for name, count in (await self._lags(service)).items():
                outstanding[f"waiting from {service} for {name}"] = count
        return outstanding, tuple(newest)

    async def _lags(self, service: str) -> dict[str, int]:
        try:
            consumers = await self._client.jetstream().consumers_info(stream(service))
        except NotFoundError:
            return {}
        durable = [info for info in consumers if info.config.durable_name]
        lags = {info.name: (info.num_pending or 0) + (info.num_ack_pending or 0) for info in durable}
        # A consumer that is being made anew is not there for a moment, and what it lacks is not seen.
        for listener in listeners(service):
            if not any(name.startswith(f"{listener}-") for name in lags):
                lags[f"{listener}, which is being made"] = 1
        return {name: lag for name, lag in lags.items() if lag}


@cache
def listeners(producer: str) -> list[str]:
    """The services that listen to a service's events."""
    subscriptions = {name: import_module(f"services.{name}.subscriber").SUBSCRIPTIONS for name in SERVICES}
    return [name for name, sources in subscriptions.items() if producer in sources]


@asynccontextmanager
async def settlement_of(data: DataFolder) -> AsyncIterator[Settlement]:
    """Connects to the databases and to NATS of the suite that runs on a data folder."""
    servers = Servers.of_running_suite(data)
    async with AsyncExitStack() as stack:
        databases = {}
        for service in SERVICES:
            connection = await asyncpg.connect(servers.postgres.admin_url(f"laurels_{service}"), timeout=5)
            stack.push_async_callback(connection.close)
            databases[service] = connection
        client = await nats.connect(servers.nats.url("operator"), connect_timeout=5)
        stack.push_async_callback(client.close)
        yield Settlement(databases, client)
