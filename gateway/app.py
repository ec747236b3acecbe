"""Every path is routed, authenticated, limited and scoped in one place, before anything is read or called.

The application serves the contract's routes and the event stream under /v1,
the documentation, and the probes.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

import httpx
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import Receive, Scope, Send

from chassis.credentials import Caller, Verifier
from chassis.errors import PermissionDenied, Unauthenticated, Unavailable
from chassis.server import Rule
from chassis.tracing import traceparent
from gateway import documentation, fairness
from gateway.backends import Backends, Context
from gateway.contract import Method, methods
from gateway.edge import ROUTE, Edge, request_id, without_body_for_head
from gateway.export import ExportRoutes
from gateway.limits import Rate, TokenBuckets
from gateway.problems import MethodNotAllowed, NoSuchRoute
from gateway.programme import ProgrammeRoutes
from gateway.routes import Routes
from gateway.settings import GatewaySettings
from gateway.transcoder import Handler, Inbound, RpcRoute

EVENTS_TEMPLATE = "/v1/members/{member}/events"
BOARD_EVENTS_TEMPLATE = "/v1/leaderboards/{board}/events"


class Target(Protocol):
    """What serves a route: who may call it, and how it answers."""

    rule: Rule

    async def __call__(self, inbound: Inbound) -> Response: ...


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether the gateway should get requests, and the state of what it leans on."""

    ready: bool
    parts: dict[str, str]


class Api:
    """Everything under /v1, as one ASGI application."""

    def __init__(self, verifier: Verifier, settings: GatewaySettings) -> None:
        self._verifier = verifier
        self._routes: Routes[tuple[str, Target]] = Routes()
        self._buckets = TokenBuckets()
        self._member_rate = Rate(settings.member_rate_per_s, settings.member_burst)
        self._service_rate = Rate(settings.service_rate_per_s, settings.service_burst)

    def add(self, verb: str, template: str, target: Target) -> None:
        """Serves a route. Raises ValueError when it is taken."""
        self._routes.add(verb, template, (template, target))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        response = without_body_for_head(scope, await self._respond(request))
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        raw = request.scope.get("raw_path") or request.scope["path"].encode()
        match = self._routes.find(raw.decode("latin-1").partition("?")[0])
        if match is None:
            raise NoSuchRoute
        if request.method == "OPTIONS":
            return Response(status_code=204, headers={"allow": match.allowed})
        found = match.targets.get("GET" if request.method == "HEAD" else request.method)
        if found is None:
            raise MethodNotAllowed(request.method[:16], match.allowed)
        (template, target), names = found
        request.scope[ROUTE] = template
        who = await self._authenticate(request)
        self._buckets.take((who.brand, who.subject), self._member_rate if who.is_member_only else self._service_rate)
        if not who.scopes & target.rule.scopes:
            needed = ", ".join(sorted(target.rule.scopes)) or "(none)"
            raise PermissionDenied(f"This needs one of the scopes {needed}.")
        context = Context(who.token, request_id(request), traceparent())
        return await target(Inbound(request, who, dict(zip(names, match.values, strict=True)), context))

    async def _authenticate(self, request: Request) -> Caller:
        """The caller, from the credential alone: no header and no body can say who it is."""
        stated = request.headers.getlist("authorization")
        scheme, _, token = (stated[0] if stated else "").partition(" ")
        if len(stated) > 1 or scheme.lower() != "bearer" or not token.strip():
            raise Unauthenticated("Send a credential: Authorization: Bearer <token>.", code="no_credential")
        try:
            return await self._verifier.verify(token.strip())
        except (OSError, ValueError, httpx.HTTPError) as error:
            raise Unavailable("The keys that credentials are checked with cannot be read.") from error


def rpc_routes(backends: Backends, settings: GatewaySettings) -> list[RpcRoute]:
    """A route for each HTTP form of each RPC of the contract."""
    special = ProgrammeRoutes(backends).handlers | ExportRoutes(backends).handlers
    return [
        RpcRoute(
            method,
            binding,
            special.get(method.name) or _calling(backends, method),
            body_bytes_max=settings.body_bytes_max,
            body_timeout_s=settings.body_timeout_s,
        )
        for method in methods()
        for binding in method.bindings
    ]


def _calling(backends: Backends, method: Method) -> Handler:
    host = backends.host_of(method)

    async def call(request: bytes, context: Context) -> bytes:
        return await backends.call(host, method, request, context)

    return call


def application(api: Api, settings: GatewaySettings, readiness: Callable[[], Awaitable[Readiness]]) -> Starlette:
    """The whole HTTP application."""

    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "alive"}, headers={"cache-control": "no-store"})

    async def readyz(_: Request) -> Response:
        state = await readiness()
        status = "ready" if state.ready else "not_ready"
        body = {"status": status, "parts": state.parts}
        return JSONResponse(body, 200 if state.ready else 503, headers={"cache-control": "no-store"})

    async def metrics_page(_: Request) -> Response:
        return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)

    routes: list[BaseRoute] = [
        Mount("/v1", app=api),
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        Route("/metrics", metrics_page),
        *documentation.routes(),
        *fairness.routes(),
    ]
    fixed = frozenset(route.path for route in routes if isinstance(route, Route))

    async def nowhere(scope: Scope, _receive: Receive, _send: Send) -> None:
        if scope["path"] in fixed:
            raise MethodNotAllowed(scope["method"][:16], "GET, HEAD")
        raise NoSuchRoute

    routes.append(Mount("/", app=nowhere))
    middleware = [Middleware(Edge, requests_max=settings.requests_max, fixed=fixed)]
    if settings.cors_origins:
        middleware.insert(0, _cors(settings.cors_origins))
    return Starlette(routes=routes, middleware=middleware, exception_handlers={HTTPException: _as_refusal})


async def _as_refusal(request: Request, error: Exception) -> Response:
    """Starlette's own refusals, as ours."""
    if isinstance(error, HTTPException) and error.status_code == 405:
        raise MethodNotAllowed(request.method[:16], (error.headers or {}).get("Allow", "")) from error
    raise NoSuchRoute from error


def _cors(origins: tuple[str, ...]) -> Middleware:
    """Outermost, so that refusals can be read by the pages that caused them."""
    return Middleware(
        CORSMiddleware,
        allow_origins=list(origins),
        allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=[
            "Authorization",
            "Content-Type",
            "Idempotency-Key",
            "If-None-Match",
            "Last-Event-ID",
            "Traceparent",
            "X-Request-Id",
        ],
        expose_headers=["ETag", "Retry-After", "X-Request-Id"],
        max_age=600,
    )
