"""Whatever happens to a request, it has an id, a bounded place, a measured end and a plain answer.

The outermost layer: it gives each request its id and trace, refuses more than
`requests_max` at once, turns every error into a problem, and sets the headers
that every answer carries. No log line holds a credential, a query or a body.
"""

import re
import time
import uuid
from collections.abc import Callable

import structlog
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.errors import DomainError
from chassis.logging import logger
from chassis.server import REQUEST_ID
from chassis.tracing import describe, span
from gateway import metrics
from gateway.problems import Overloaded, problem, unexpected

ROUTE = "laurels.route"
"""Where the scope keeps the template of the route that was found, for metrics and spans."""
REQUEST = "laurels.request_id"
RELEASE = "laurels.release"
"""Where the scope keeps what gives the request's place to another, for answers that last."""
UNROUTED = "(none)"
_UNBOUNDED = ("/healthz", "/readyz", "/metrics")
"""What a full gateway still answers, so that it is not restarted for being busy."""
_PATH_SHOWN_MAX = 200
_UNSAFE = re.compile(r"[^\x21-\x7e]")
_log = logger("gateway")

_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"strict-transport-security", b"max-age=31536000"),
)
"""What every answer carries, unless its route states something else."""


class Edge:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, *, requests_max: int, fixed: frozenset[str]) -> None:
        self._app, self._fixed = app, fixed
        self._requests_max = requests_max
        self._in_flight = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request_id = scope[REQUEST] = _request_id(headers.get("x-request-id", ""))
        answer = _Answer(send, request_id)
        started = time.perf_counter()
        bound = structlog.contextvars.bind_contextvars(request_id=request_id)
        release = scope[RELEASE] = self._admit()
        try:
            with span("gateway", f"HTTP {scope['method']}", headers.get("traceparent", "")):
                await self._bounded(scope, receive, answer)
                self._describe(scope, answer.status)
        finally:
            release()
            self._measure(scope, answer.status, time.perf_counter() - started)
            structlog.contextvars.reset_contextvars(**bound)

    def _admit(self) -> Callable[[], None]:
        """Counts a request in; what it returns counts it out, once."""
        held = True
        self._in_flight += 1
        metrics.IN_FLIGHT.set(self._in_flight)

        def release() -> None:
            nonlocal held
            if held:
                held = False
                self._in_flight -= 1
                metrics.IN_FLIGHT.set(self._in_flight)

        return release

    async def _bounded(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        instance = shown_path(scope)
        try:
            if self._in_flight > self._requests_max and scope["path"] not in _UNBOUNDED:
                raise Overloaded("The gateway has as many requests at hand as it may have.")
            await self._app(scope, receive, answer)
            return
        except ClientDisconnect:
            answer.status = 499
            return
        except DomainError as error:
            response = problem(error, instance=instance, request_id=answer.request_id)
            if response.status_code >= 500:
                _log.warning("request failed", path=instance, status=response.status_code, error=repr(error))
        except Exception as error:  # noqa: BLE001 - the edge: told to the log in full, to the caller by its id
            _log.error("request failed", path=instance, exc_info=error)
            response = unexpected(instance=instance, request_id=answer.request_id)
        if answer.status:
            raise RuntimeError("failed after the answer had begun; the connection is cut")
        await without_body_for_head(scope, response)(scope, receive, answer)

    def _describe(self, scope: Scope, status: int) -> None:
        """The route and the outcome, for the span; a request's path may name a member, its route does not."""
        method, route = self._place(scope)
        attributes = {"http.request.method": method, "http.route": route, "http.response.status_code": status}
        describe(f"{method} {route}", attributes, failed=status >= 500)

    def _place(self, scope: Scope) -> tuple[str, str]:
        """Method and route of a request, both of few values."""
        fixed = scope["path"] if scope["path"] in self._fixed else UNROUTED
        return _known(scope["method"]), scope.get(ROUTE, fixed)

    def _measure(self, scope: Scope, status: int, elapsed_s: float) -> None:
        method, route = self._place(scope)
        metrics.REQUESTS.labels(method, route, str(status)).observe(elapsed_s)
        _log.debug("request", method=method, route=route, status=status, ms=round(elapsed_s * 1e3, 2))


class _Answer:
    """A `send` that adds the headers of every answer, and remembers its status."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send, self.request_id, self.status = send, request_id, 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            stated = {name for name, _ in message["headers"]}
            ours = [header for header in _HEADERS if header[0] not in stated]
            message["headers"] = [*message["headers"], (b"x-request-id", self.request_id.encode()), *ours]
        await self._send(message)


def without_body_for_head(scope: Scope, response: Response) -> Response:
    """The same answer, its length stated, with nothing in it when only its head was asked for."""
    if scope["method"] == "HEAD":
        response.body = b""
    return response


def shown_path(scope: Scope) -> str:
    """The request's path as it may stand in an answer and a log: bounded, printable, without the query."""
    raw = scope.get("raw_path") or scope["path"].encode()
    return _UNSAFE.sub("?", raw.decode("latin-1").partition("?")[0][:_PATH_SHOWN_MAX])


def _request_id(stated: str) -> str:
    return stated if REQUEST_ID.fullmatch(stated) else uuid.uuid4().hex


def _known(method: str) -> str:
    """A method's name as a metric's label: no client can invent another."""
    return method if method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS") else "OTHER"


def request_id(request: Request) -> str:
    """The id of a request within the edge."""
    found: str = request.scope[REQUEST]
    return found
