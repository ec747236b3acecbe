"""A gRPC server on which every call is authenticated, bounded, measured and answered plainly.

One interceptor does all of it, since each further one costs every call. It
checks the credential and the scopes that the method's options state, holds a
member to their own requests, sets brand, request and trace for the logs, gives
calls without a deadline one, and turns a DomainError into its status.
"""

import asyncio
import os
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import grpc
import structlog
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from chassis import metrics
from chassis.credentials import Caller, Verifier, act_as, acting_as
from chassis.errors import (
    DomainError,
    FieldViolation,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    Unauthenticated,
    Unavailable,
    to_status,
)
from chassis.logging import logger
from chassis.tracing import span
from laurels.access.v1 import access_pb2

MESSAGE_BYTES_MAX = 4 * 2**20
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
KEY = re.compile(r"[!-~]{1,128}")
LIVE = "live"
"""The name under which the health service says whether the process is live."""
_SERVING = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
_log = logger("server")
_UNGUARDED = ("/grpc.health.v1.Health/", "/grpc.reflection.")


@dataclass(frozen=True, slots=True)
class Rule:
    """What the contract says of a method: who may call it, and whether it demands a key."""

    scopes: frozenset[str]
    key_required: bool
    names_member: bool
    member_optional: bool = False
    """Whether a request that names no member is about nobody, and so about no other member."""

    @classmethod
    def of(cls, method: MethodDescriptor) -> "Rule":
        options: Any = method.GetOptions()
        scopes = options.Extensions[access_pb2.scopes]
        member = method.input_type.fields_by_name.get("member")
        return cls(
            frozenset(access_pb2.Scope.Name(scope).removeprefix("SCOPE_").lower() for scope in scopes),
            options.Extensions[access_pb2.idempotency_key_required],
            member is not None,
            member is not None and member.has_presence,
        )

    def check_scopes(self, who: Caller) -> frozenset[str]:
        """The caller's scopes that the method takes. Raises PermissionDenied when there is none."""
        allowed = who.scopes & self.scopes
        if not allowed:
            raise PermissionDenied(f"This needs one of the scopes {', '.join(sorted(self.scopes)) or '(none)'}.")
        return allowed

    def check(self, who: Caller, request: Message) -> None:
        """Raises unless the caller may make this request."""
        allowed = self.check_scopes(who)
        named = getattr(request, "member", "") if self.names_member else ""
        about_nobody = self.member_optional and not named
        if allowed == {"member"} and self.names_member and named != who.subject and not about_nobody:
            raise NotFound(f"There is no member {named!r}.", code="unknown_member")
        if self.key_required and not KEY.fullmatch(request.idempotency_key):  # type: ignore[attr-defined]
            detail = "is required: 1 to 128 printable ASCII characters without spaces"
            raise InvalidArgument.of([FieldViolation("idempotency_key", detail)])


class Guard(grpc.aio.ServerInterceptor):
    """The one interceptor."""

    def __init__(self, service: str, verifier: Verifier, *, deadline_default_s: float) -> None:
        self._service, self._verifier, self._deadline_default_s = service, verifier, deadline_default_s
        self._handlers: dict[str, Any] = {}

    async def intercept_service(self, continuation: Any, details: Any) -> Any:
        name = details.method
        if name.startswith(_UNGUARDED):
            return await continuation(details)
        known = self._handlers.get(name)
        if known is None:
            handler = await continuation(details)
            if handler is None:
                return None
            known = self._handlers[name] = self._guarded(name, handler)
        return known

    def _guarded(self, name: str, handler: Any) -> Any:
        method = descriptor_pool.Default().FindMethodByName(name.lstrip("/").replace("/", "."))
        rule = Rule.of(method)
        coders = {
            "request_deserializer": handler.request_deserializer,
            "response_serializer": _serialised_by(handler.response_serializer),
        }

        # Each call is a task of its own, so that what is bound to its context ends with it.
        async def call(request: Message, context: Any) -> Any:
            observed = _Observed(self._service, method)
            try:
                metadata = observed.begin(context)
                with span(self._service, method.full_name, metadata.get("traceparent", "")):
                    who = await self._caller(metadata)
                    rule.check(who, request)
                    act_as(who)
                    structlog.contextvars.bind_contextvars(brand=who.brand)
                    if context.time_remaining() is not None:
                        return await handler.unary_unary(request, context)
                    async with asyncio.timeout(self._deadline_default_s):
                        return await handler.unary_unary(request, context)
            except BaseException as error:
                await observed.failed(error, context)
                raise
            finally:
                observed.end()

        async def stream(requests: Any, context: Any) -> Any:
            observed = _Observed(self._service, method)
            try:
                metadata = observed.begin(context)
                with span(self._service, method.full_name, metadata.get("traceparent", "")):
                    who = await self._caller(metadata)
                    rule.check_scopes(who)
                    structlog.contextvars.bind_contextvars(brand=who.brand)
                    with acting_as(who):
                        async for answer in handler.stream_stream(requests, context):
                            yield answer
            except BaseException as error:
                await observed.failed(error, context)
                raise
            finally:
                observed.end()

        if handler.stream_stream is not None:
            return grpc.stream_stream_rpc_method_handler(stream, **coders)
        return grpc.unary_unary_rpc_method_handler(call, **coders)

    async def _caller(self, metadata: dict[str, Any]) -> Caller:
        scheme, _, token = str(metadata.get("authorization", "")).partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated("A bearer token is required.")
        return await self._verifier.verify(token)


class _Observed:
    """A call with its logs and metrics; its failures become statuses."""

    __slots__ = ("_method", "_request_id", "_service", "_started", "_status")

    def __init__(self, service: str, method: MethodDescriptor) -> None:
        self._service, self._method = service, method
        self._started, self._status, self._request_id = time.perf_counter(), "OK", ""

    def begin(self, context: Any) -> dict[str, Any]:
        """Binds the call to its logs; its metadata."""
        metadata = dict(context.invocation_metadata())
        request_id = metadata.get("x-request-id", "")
        if not REQUEST_ID.fullmatch(request_id):
            request_id = os.urandom(16).hex()
        self._request_id = request_id
        structlog.contextvars.bind_contextvars(request_id=request_id, method=self._method.name)
        return metadata

    async def failed(self, error: BaseException, context: Any) -> None:
        """Ends the call with the status of its failure, or leaves it to be raised."""
        match error:
            case DomainError():
                self._status = error.status.name
                await context.abort_with_status(to_status(error))
            case TimeoutError():
                self._status = "DEADLINE_EXCEEDED"
                await context.abort(
                    grpc.StatusCode.DEADLINE_EXCEEDED, "The call took too long; it may have had effect."
                )
            case asyncio.CancelledError():
                self._status = "CANCELLED"
            case Exception():  # the edge: told to the log in full, to the caller by its id
                self._status = "INTERNAL"
                _log.error("call failed", service=self._service, exc_info=error)
                await context.abort(grpc.StatusCode.INTERNAL, f"Something went wrong here; request {self._request_id}.")

    def end(self) -> None:
        """Measures the call."""
        _calls(self._service, self._method.name, self._status).observe(time.perf_counter() - self._started)


def _serialised_by(serialise: Callable[[Any], bytes]) -> Callable[[Any], bytes]:
    """What makes bytes of answers; a method that keeps answers serialised returns them as they are."""
    return lambda answer: answer if type(answer) is bytes else serialise(answer)


@cache
def _calls(service: str, method: str, status: str) -> Any:
    """The metric of one method's outcome; looking it up by its labels costs as much as a decision."""
    return metrics.CALLS.labels(service, method, status)


class Server:
    """A gRPC server with health and reflection."""

    def __init__(
        self,
        service: str,
        verifier: Verifier,
        *,
        listen: str,
        concurrent_calls_max: int,
        deadline_default_s: float,
        unready_s: float = 0.0,
    ) -> None:
        self._service = service
        self._listen = listen
        self._unready_s = unready_s
        self.health = health.aio.HealthServicer()
        self.grpc = grpc.aio.server(
            interceptors=[Guard(service, verifier, deadline_default_s=deadline_default_s)],
            maximum_concurrent_rpcs=concurrent_calls_max,
            options=[
                ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
                ("grpc.max_send_message_length", MESSAGE_BYTES_MAX),
                ("grpc.max_connection_age_ms", 300_000),
                ("grpc.max_connection_age_grace_ms", 30_000),
                ("grpc.keepalive_permit_without_calls", 1),
                ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
                ("grpc.so_reuseport", 0),
            ],
        )
        health_pb2_grpc.add_HealthServicer_to_server(self.health, self.grpc)

    async def start(self, names: Sequence[str]) -> str:
        """Serves, announces the named services, and returns the address it is bound to.

        Raises Unavailable when the address is taken.
        """
        reflection.enable_server_reflection([*names, health.SERVICE_NAME, reflection.SERVICE_NAME], self.grpc)
        host = self._listen.rpartition(":")[0]
        try:
            port = self.grpc.add_insecure_port(self._listen)
        except RuntimeError as error:
            raise Unavailable(f"{self._service} cannot listen on {self._listen}: {error}") from error
        await self.grpc.start()
        return f"{host}:{port}"

    async def set_health(self, *, ready: bool, live: bool) -> None:
        """Says under the name of no service whether it is ready, and under LIVE whether it is live."""
        await self.health.set("", _SERVING if ready else _NOT_SERVING)
        await self.health.set(LIVE, _SERVING if live else _NOT_SERVING)

    async def stop(self, grace_s: float) -> None:
        """Says that it stops, takes calls for `unready_s` more, then lets those at hand finish for `grace_s`."""
        await self.health.enter_graceful_shutdown()
        await asyncio.sleep(self._unready_s)
        await self.grpc.stop(grace_s)
