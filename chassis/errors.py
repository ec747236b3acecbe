"""Every refusal is a `DomainError`, and every caller sees it as the same thing.

A service raises the error; the server's interceptor turns it into a gRPC
status with rich details; the gateway turns that into problem+json. The code is
stable and for programs, the sentence is for people.

    DomainError
    ├── InvalidArgument        a field is malformed or out of bounds
    ├── Unauthenticated        no credential, or one that does not hold
    ├── PermissionDenied       the credential's scope is not enough
    ├── NotFound               no such thing, or not the caller's to see
    ├── IdempotencyConflict    the key was used for another request
    ├── Aborted                the state moved on since the caller looked
    ├── FailedPrecondition     the state does not allow it
    ├── ResourceExhausted      a limit on rate, size or number is reached
    └── Unavailable            try again
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import grpc
from google.protobuf import any_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

DOMAIN = "laurels"
# Together 7 of the 8 KiB that headers may have: the sentence is there twice,
# once with every byte beyond ASCII as three, and the rest in base64.
DETAIL_BYTES_MAX, VIOLATIONS_BYTES_MAX = 512, 3_072


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One bad field: its path in the request, and what is wrong with it."""

    field: str
    detail: str


class DomainError(Exception):
    """A refusal that is the caller's to read.

    `code` is the machine-readable reason in snake_case; `status` the gRPC
    status it travels as; `violations` name bad fields.
    """

    code: ClassVar[str] = "internal"
    status: ClassVar[grpc.StatusCode] = grpc.StatusCode.INTERNAL

    def __init__(self, detail: str, *, code: str = "", violations: Sequence[FieldViolation] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.reason = code or self.code
        self.violations = tuple(violations)


class InvalidArgument(DomainError):
    code = "invalid_argument"
    status = grpc.StatusCode.INVALID_ARGUMENT

    @classmethod
    def of(cls, violations: Iterable[FieldViolation]) -> "InvalidArgument":
        """An error whose sentence is the first violation."""
        found = list(violations)
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        return cls(f"{found[0].field}: {found[0].detail}{more}", violations=found)


class Unauthenticated(DomainError):
    code = "unauthenticated"
    status = grpc.StatusCode.UNAUTHENTICATED


class PermissionDenied(DomainError):
    code = "permission_denied"
    status = grpc.StatusCode.PERMISSION_DENIED


class NotFound(DomainError):
    code = "not_found"
    status = grpc.StatusCode.NOT_FOUND


class IdempotencyConflict(DomainError):
    code = "idempotency_conflict"
    status = grpc.StatusCode.ALREADY_EXISTS


class Aborted(DomainError):
    code = "aborted"
    status = grpc.StatusCode.ABORTED


class FailedPrecondition(DomainError):
    code = "failed_precondition"
    status = grpc.StatusCode.FAILED_PRECONDITION


class ResourceExhausted(DomainError):
    code = "resource_exhausted"
    status = grpc.StatusCode.RESOURCE_EXHAUSTED


class Unavailable(DomainError):
    code = "unavailable"
    status = grpc.StatusCode.UNAVAILABLE


def to_status(error: DomainError) -> Any:
    """The gRPC status of an error, with ErrorInfo and BadRequest details.

    It travels in the answer's headers, and a client that finds them larger
    than 8 KiB drops it for an error of its own. So the sentence is cut, and
    violations that do not fit are left out, the last ones first.
    """
    details = [_packed(error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN))]
    if error.violations:
        details.append(_packed(_bad_request(error.violations)))
    number: int = code_pb2.Code.Value(error.status.name)
    message = _cut(error.detail, DETAIL_BYTES_MAX)
    return rpc_status.to_status(status_pb2.Status(code=number, message=message, details=details))


def _bad_request(violations: Sequence[FieldViolation]) -> Any:
    bad = error_details_pb2.BadRequest()
    for violation in violations:
        field, detail = _cut(violation.field, DETAIL_BYTES_MAX), _cut(violation.detail, DETAIL_BYTES_MAX)
        bad.field_violations.add(field=field, description=detail)
        if bad.ByteSize() > VIOLATIONS_BYTES_MAX:
            del bad.field_violations[-1]
            break
    return bad


def _cut(text: str, bytes_max: int) -> str:
    """A text's beginning, so that it is no longer than `bytes_max` in UTF-8.

    >>> _cut("Größe", 7), _cut("Größe", 6)
    ('Größe', 'Gr…')
    """
    encoded = text.encode()
    if len(encoded) <= bytes_max:
        return text
    return encoded[: bytes_max - len("…".encode())].decode(errors="ignore") + "…"


def from_rpc(error: Any) -> DomainError:
    """The error that a called service raised, as it raised it.

    A status without our details (a deadline, a lost connection) becomes an
    error of the same status, with the status' name as its reason.
    """
    status = rpc_status.from_call(error)
    code: grpc.StatusCode = error.code()
    kind = _BY_STATUS.get(code, DomainError)
    reason, violations = code.name.lower(), []
    for detail in status.details if status is not None else ():
        info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        if detail.Unpack(info):
            reason = info.reason
        elif detail.Unpack(bad):
            violations = [FieldViolation(v.field, v.description) for v in bad.field_violations]
    return kind(error.details() or code.name, code=reason, violations=violations)


def _packed(message: Any) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(message)
    return packed


_BY_STATUS: Mapping[grpc.StatusCode, type[DomainError]] = {
    kind.status: kind
    for kind in (
        InvalidArgument,
        Unauthenticated,
        PermissionDenied,
        NotFound,
        IdempotencyConflict,
        Aborted,
        FailedPrecondition,
        ResourceExhausted,
        Unavailable,
    )
} | {grpc.StatusCode.DEADLINE_EXCEEDED: Unavailable}
