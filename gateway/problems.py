"""Every refusal is an RFC 9457 problem, whoever refused.

The machine-readable `code` is what programs decide on; `detail` is a sentence
for people; `errors` names each bad field. What went wrong inside is told to the
log under the request's id, never to the caller.

The refusals that only an HTTP edge knows are added to chassis.errors' tree:

    DomainError
    ├── MethodNotAllowed       the path exists, not with this method
    ├── UnsupportedMediaType   the body is not JSON
    ├── RequestTimeout         the body did not arrive in time
    ├── NotImplementedByPeer   a service does not know the RPC yet
    ├── NotFound       NoSuchRoute
    ├── ResourceExhausted  BodyTooLarge, TooManyRequests, TooManyStreams
    └── Unavailable    Overloaded, DeadlineExceeded
"""

import math
from typing import Any

import orjson
from starlette.responses import Response

from chassis.errors import (
    Aborted,
    DomainError,
    FailedPrecondition,
    IdempotencyConflict,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    ResourceExhausted,
    Unauthenticated,
    Unavailable,
)

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:laurels:problem:"
RETRY_AFTER_S = 1.0


class NoSuchRoute(NotFound):
    code = "no_such_route"

    def __init__(self) -> None:
        super().__init__("There is nothing at this path.")


class MethodNotAllowed(DomainError):
    code = "method_not_allowed"

    def __init__(self, method: str, allowed: str) -> None:
        super().__init__(f"{method} cannot be done here; {allowed} can.")
        self.allowed = allowed


class UnsupportedMediaType(DomainError):
    code = "unsupported_media_type"


class RequestTimeout(DomainError):
    code = "request_timeout"


class NotImplementedByPeer(DomainError):
    code = "unimplemented"


class BodyTooLarge(ResourceExhausted):
    code = "body_too_large"

    def __init__(self, bytes_max: int) -> None:
        super().__init__(f"The body is larger than {bytes_max} bytes.")


class TooManyRequests(ResourceExhausted):
    code = "too_many_requests"

    def __init__(self, retry_after_s: float) -> None:
        super().__init__("This credential sends requests faster than it may.")
        self.retry_after_s = retry_after_s


class TooManyStreams(ResourceExhausted):
    code = "too_many_streams"


class Overloaded(Unavailable):
    code = "overloaded"


class DeadlineExceeded(Unavailable):
    code = "deadline_exceeded"


_STATUSES: dict[type[DomainError], int] = {
    MethodNotAllowed: 405,
    UnsupportedMediaType: 415,
    RequestTimeout: 408,
    NotImplementedByPeer: 501,
    BodyTooLarge: 413,
    DeadlineExceeded: 504,
    InvalidArgument: 400,
    Unauthenticated: 401,
    PermissionDenied: 403,
    NotFound: 404,
    IdempotencyConflict: 422,
    Aborted: 409,
    FailedPrecondition: 409,
    ResourceExhausted: 429,
    Unavailable: 503,
}


def status_of(error: DomainError) -> int:
    """The HTTP status of a refusal: that of its kind, or of its nearest ancestor that has one."""
    return next((_STATUSES[kind] for kind in type(error).__mro__ if kind in _STATUSES), 500)


def problem(error: DomainError, *, instance: str, request_id: str) -> Response:
    """The response that tells a refusal. A kind without a status is told as `unexpected`."""
    status = status_of(error)
    if status == 500:
        return unexpected(instance=instance, request_id=request_id)
    body = _body(status, error.reason, error.detail, instance, request_id)
    if error.violations:
        body["errors"] = [{"field": v.field, "detail": v.detail} for v in error.violations]
    return _response(status, body, _headers(error, status))


def unexpected(*, instance: str, request_id: str) -> Response:
    """The response to a failure of ours. It says nothing but whom to ask."""
    detail = f"Something went wrong here. The request's id, {request_id}, leads to the reason in our log."
    return _response(500, _body(500, "internal", detail, instance, request_id), {})


def _body(status: int, code: str, detail: str, instance: str, request_id: str) -> dict[str, Any]:
    return {
        "type": TYPE_PREFIX + code,
        "title": code.replace("_", " ").capitalize(),
        "status": status,
        "detail": detail,
        "instance": instance,
        "code": code,
        "request_id": request_id,
    }


def _headers(error: DomainError, status: int) -> dict[str, str]:
    if isinstance(error, MethodNotAllowed):
        return {"allow": error.allowed}
    if status == 401:
        fault = "" if error.reason == "no_credential" else ', error="invalid_token"'
        return {"www-authenticate": f'Bearer realm="laurels"{fault}'}
    if status in (429, 503):
        return {"retry-after": str(max(1, math.ceil(getattr(error, "retry_after_s", RETRY_AFTER_S))))}
    return {}


def _response(status: int, body: dict[str, Any], headers: dict[str, str]) -> Response:
    return Response(orjson.dumps(body), status, headers | {"cache-control": "no-store"}, MEDIA_TYPE)
