"""The gateway: `python -m gateway`.

`run` works inside any event loop and touches no signal handler.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx

from chassis import tracing
from chassis.credentials import Verifier
from chassis.errors import Unauthenticated
from chassis.logging import logger
from chassis.service import run_alone
from gateway.app import BOARD_EVENTS_TEMPLATE, EVENTS_TEMPLATE, Api, Readiness, application, rpc_routes
from gateway.backends import Backends
from gateway.events import BoardStreams, EventStreams
from gateway.server import serve
from gateway.settings import GatewaySettings

_log = logger("gateway")


async def run(settings: GatewaySettings, stop: asyncio.Event, started: Callable[[str], None] | None = None) -> None:
    """Serves until `stop`, then lets requests finish. `started` is told the address, as host:port."""
    tracing.configure("gateway", settings.otlp_endpoint)
    verifier = Verifier(settings.jwks, issuer=settings.token_issuer, audience=settings.token_audience)
    backends = Backends(settings.targets, deadline_s=settings.call_deadline_s)
    streams = EventStreams(settings)
    connecting = asyncio.create_task(streams.keep_connected())

    async def readiness() -> Readiness:
        keys = "readable" if await _can_verify(verifier) else "unreadable"
        parts = {"keys": keys, "nats": "connected" if streams.is_connected else "disconnected"}
        return Readiness(keys == "readable" and not stop.is_set(), parts)

    def announce(address: str) -> None:
        _log.info("serving", service="gateway", address=address)
        if started is not None:
            started(address)

    def drain() -> None:
        _log.info("stopping", service="gateway")
        streams.drain()

    api = Api(verifier, settings)
    for route in rpc_routes(backends, settings):
        api.add(route.binding.verb, route.binding.template, route)
    api.add("GET", EVENTS_TEMPLATE, streams)
    api.add("GET", BOARD_EVENTS_TEMPLATE, BoardStreams(streams))
    try:
        await serve(application(api, settings, readiness), settings, started=announce, stop=stop, drain=drain)
    finally:
        connecting.cancel()
        await asyncio.gather(connecting, return_exceptions=True)
        await backends.close()
        tracing.shutdown("gateway")


async def _can_verify(verifier: Verifier) -> bool:
    try:
        await verifier.verify("-")
    except Unauthenticated:
        return True  # the keys could be read, and are not this token's
    except (OSError, ValueError, httpx.HTTPError):
        return False
    return False


def main() -> None:
    """Runs the gateway as a process of its own until SIGTERM or SIGINT."""
    settings: Any = GatewaySettings()  # type: ignore[call-arg]
    run_alone(run, settings)


if __name__ == "__main__":
    main()
