"""The gateway: settings, connections, routes, serve.

`run` works inside any event loop and touches no signal handler; `main` is the
process of its own.
"""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import uvicorn
from starlette.types import ASGIApp

from chassis import tracing
from chassis.credentials import Verifier
from chassis.errors import Unauthenticated
from chassis.logging import logger
from chassis.service import run_alone
from chassis.transport import connect
from gateway.app import EVENTS_TEMPLATE, Api, Readiness, application, rpc_routes
from gateway.backends import Backends
from gateway.events import EventStreams
from gateway.settings import GatewaySettings

_log = logger("gateway")
KEEP_ALIVE_S = 75
CONNECTIONS_WAITING_MAX = 2_048


async def run(settings: GatewaySettings, stop: asyncio.Event, started: Callable[[str], None] | None = None) -> None:
    """Serves until `stop`, then lets requests finish. `started` is told the address, as host:port."""
    tracing.configure("gateway", settings.otlp_endpoint)
    verifier = Verifier(settings.jwks, issuer=settings.token_issuer, audience=settings.token_audience)
    nats = await connect(
        settings.nats_url,
        name="gateway",
        user=settings.nats_user,
        password=settings.nats_password.get_secret_value(),
    )
    backends = Backends(settings.targets, deadline_s=settings.call_deadline_s)
    streams = EventStreams(nats, settings)

    async def readiness() -> Readiness:
        keys = "readable" if await _can_verify(verifier) else "unreadable"
        parts = {"keys": keys, "nats": "connected" if nats.is_connected else "disconnected"}
        return Readiness(keys == "readable" and not stop.is_set(), parts)

    api = Api(verifier, settings)
    for route in rpc_routes(backends, settings):
        api.add(route.binding.verb, route.binding.template, route)
    api.add("GET", EVENTS_TEMPLATE, streams)
    watching = asyncio.create_task(streams.watch())
    try:
        await _serve(application(api, settings, readiness), settings, stop, streams.drain, started)
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await backends.close()
        with contextlib.suppress(OSError):
            await nats.close()
        tracing.shutdown("gateway")


async def _can_verify(verifier: Verifier) -> bool:
    try:
        await verifier.verify("-")
    except Unauthenticated:
        return True  # the keys could be read, and are not this token's
    except (OSError, ValueError, httpx.HTTPError):
        return False
    return False


async def _serve(
    app: ASGIApp,
    settings: GatewaySettings,
    stop: asyncio.Event,
    drain: Callable[[], None],
    started: Callable[[str], None] | None,
) -> None:
    with _listening(settings.listen) as listener:
        host, port = listener.getsockname()[:2]
        server = _Server(_configuration(app, settings))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started and not serving.done():
            await asyncio.sleep(0.01)
        _log.info("serving", service="gateway", address=f"{host}:{port}")
        if started is not None:
            started(f"{host}:{port}")
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        _log.info("stopping", service="gateway")
        drain()
        server.should_exit = True
        await serving


class _Server(uvicorn.Server):
    """A uvicorn server that leaves signals to whoever owns the process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _configuration(app: ASGIApp, settings: GatewaySettings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http="httptools",
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=max(1, round(settings.drain_s)),
        backlog=CONNECTIONS_WAITING_MAX,
    )


def _listening(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host.strip("[]"), int(port)))
    return listener


def main() -> None:
    """Runs the gateway as a process of its own until SIGTERM or SIGINT."""
    settings: Any = GatewaySettings()  # type: ignore[call-arg]
    run_alone(run, settings)


if __name__ == "__main__":
    main()
