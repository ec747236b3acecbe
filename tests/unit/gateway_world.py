"""A gateway whose services are told by the test what to answer.

The gRPC between them is real: one grpc.aio server stands for all services and
raises errors as the chassis does.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import httpx
import orjson
from google.protobuf import message_factory

from chassis.credentials import Verifier, new_key, sign
from chassis.errors import DomainError, to_status
from gateway.app import Api, Readiness, application, rpc_routes
from gateway.backends import Backends
from gateway.contract import Method, methods
from gateway.settings import GatewaySettings

KEY = new_key()
Answer = Callable[[Any], Awaitable[Any] | Any]


def token(subject: str = "shop", scope: str = "service", *, brand: str = "acme", lives_s: int = 3_600) -> str:
    return sign(KEY, brand, subject, scope, lives_s=lives_s)


def bearer(subject: str = "shop", scope: str = "service", **more: Any) -> dict[str, str]:
    return {"authorization": f"Bearer {token(subject, scope, **more)}"}


def write_keys(folder: Path) -> str:
    path = folder / "jwks.json"
    path.write_bytes(orjson.dumps({"keys": [KEY.as_dict(private=False)]}))
    return str(path)


class Services:
    """All services at one address. `answers` maps an RPC's name to what answers it."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.requests: list[Any] = []
        self.metadata: list[dict[str, str]] = []
        self.remaining_s: list[float] = []
        self.server = grpc.aio.server()

    async def start(self) -> str:
        by_service: dict[str, dict[str, Any]] = {}
        for method in methods():
            handlers = by_service.setdefault(method.descriptor.containing_service.full_name, {})
            handlers[method.descriptor.name] = self._handler(method)
        self.server.add_generic_rpc_handlers(
            tuple(grpc.method_handlers_generic_handler(name, handlers) for name, handlers in by_service.items())
        )
        port = self.server.add_insecure_port("127.0.0.1:0")
        await self.server.start()
        return f"127.0.0.1:{port}"

    def _handler(self, method: Method) -> Any:
        request_class = message_factory.GetMessageClass(method.descriptor.input_type)
        response_class = message_factory.GetMessageClass(method.descriptor.output_type)

        async def call(request: Any, context: Any) -> Any:
            self.requests.append(request)
            self.metadata.append(dict(context.invocation_metadata()))
            self.remaining_s.append(context.time_remaining())
            answer = self.answers.get(method.descriptor.name, lambda _: response_class())
            try:
                given = answer(request)
                return await given if isinstance(given, Awaitable) else given
            except DomainError as error:
                await context.abort_with_status(to_status(error))

        return grpc.unary_unary_rpc_method_handler(
            call, request_deserializer=request_class.FromString, response_serializer=response_class.SerializeToString
        )


class World:
    """A gateway before fake services, and an HTTP client of it."""

    def __init__(self, services: Services, http: httpx.AsyncClient, ready: dict[str, bool]) -> None:
        self.services, self.http, self.ready = services, http, ready

    async def request(self, verb: str, path: str, **more: Any) -> httpx.Response:
        """A request with the credential of a shop, or with the `headers` that are given."""
        return await self.http.request(verb, path, **({"headers": bearer()} | more))


def gateway_settings(folder: Path, target: str, **overrides: Any) -> GatewaySettings:
    values: dict[str, Any] = {
        "jwks": write_keys(folder),
        "points_target": target,
        "missions_target": target,
        "leaderboard_target": target,
        "recommender_target": target,
        "call_deadline_s": 2.0,
    }
    return GatewaySettings(**(values | overrides))


@asynccontextmanager
async def gateway(folder: Path, **overrides: Any) -> AsyncIterator[World]:
    """A running world with these settings."""
    services = Services()
    settings = gateway_settings(folder, await services.start(), **overrides)
    backends = Backends(settings.targets, deadline_s=settings.call_deadline_s)
    ready = {"yes": True}

    async def readiness() -> Readiness:
        return Readiness(ready["yes"], {"keys": "readable"})

    api = Api(Verifier(settings.jwks), settings)
    for route in rpc_routes(backends, settings):
        api.add(route.binding.verb, route.binding.template, route)
    transport = httpx.ASGITransport(application(api, settings, readiness), raise_app_exceptions=False)
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            yield World(services, client, ready)
    finally:
        await backends.close()
        await services.server.stop(None)
