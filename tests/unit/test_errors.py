"""An error is the same on both sides of the wire."""

from types import SimpleNamespace
from typing import Any

import grpc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chassis import errors
from chassis.errors import DomainError, FieldViolation, InvalidArgument, Unavailable, from_rpc, to_status
from chassis.write_path import HeldBack, NotYet

KINDS = (
    errors.InvalidArgument,
    errors.Unauthenticated,
    errors.PermissionDenied,
    errors.NotFound,
    errors.IdempotencyConflict,
    errors.Aborted,
    errors.FailedPrecondition,
    errors.ResourceExhausted,
    errors.Unavailable,
)
TEXTS = st.text(max_size=60)
VIOLATIONS = st.builds(FieldViolation, TEXTS, TEXTS)


def received(error: DomainError) -> Any:
    """The error as a client's call has it."""
    status = to_status(error)
    return SimpleNamespace(
        code=lambda: status.code, details=lambda: status.details, trailing_metadata=lambda: status.trailing_metadata
    )


@given(
    st.sampled_from(KINDS),
    st.text(min_size=1, max_size=60),
    st.from_regex(r"[a-z_]{1,30}", fullmatch=True),
    st.lists(VIOLATIONS, max_size=5),
)
def test_a_caller_gets_the_kind_sentence_reason_and_violations_that_were_raised(
    kind: type[DomainError], detail: str, reason: str, violations: list[FieldViolation]
) -> None:
    found = from_rpc(received(kind(detail, code=reason, violations=violations)))
    assert type(found) is kind
    assert (found.detail, found.reason, found.violations) == (detail, reason, tuple(violations))


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_has_a_status_of_its_own_and_a_default_reason(kind: type[DomainError]) -> None:
    assert [other for other in KINDS if other.status is kind.status] == [kind]
    assert kind("No.").reason == kind.code != DomainError.code


def test_the_reasons_of_special_cases_travel_too() -> None:
    found = from_rpc(received(HeldBack("Wait.")))
    assert (type(found), found.reason) == (Unavailable, NotYet.code)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (grpc.StatusCode.DEADLINE_EXCEEDED, Unavailable),
        (grpc.StatusCode.UNAVAILABLE, Unavailable),
        (grpc.StatusCode.INTERNAL, DomainError),
        (grpc.StatusCode.CANCELLED, DomainError),
    ],
)
def test_a_status_that_no_service_of_ours_made_is_told_by_its_name(
    code: grpc.StatusCode, kind: type[DomainError]
) -> None:
    found = from_rpc(SimpleNamespace(code=lambda: code, details=lambda: None, trailing_metadata=lambda: None))
    assert (type(found), found.reason, found.detail, found.violations) == (kind, code.name.lower(), code.name, ())


def test_an_invalid_argument_s_sentence_is_its_first_violation_and_says_that_there_are_more() -> None:
    one, two = FieldViolation("amount", "is negative"), FieldViolation("member", "is required")
    assert str(InvalidArgument.of([one])) == "amount: is negative"
    assert str(InvalidArgument.of(iter([one, two, two]))) == "amount: is negative (and 2 more)"
    assert InvalidArgument.of([one, two]).violations == (one, two)


@given(
    st.text(min_size=1, max_size=3_000),
    st.lists(st.builds(FieldViolation, st.text(max_size=900), st.text(max_size=900))),
)
@settings(deadline=None)
def test_an_error_fits_into_the_headers_of_an_answer(detail: str, violations: list[FieldViolation]) -> None:
    """A client drops an answer with more than 8 KiB of them, which lie in base64 and percent-encoded."""
    error = InvalidArgument(detail, violations=violations)
    status = to_status(error)
    ((_, packed),) = status.trailing_metadata
    escaped = sum(1 if 0x20 <= byte < 0x7F and byte != ord("%") else 3 for byte in status.details.encode())
    assert len(packed) * 4 / 3 + escaped < 8_000
    found = from_rpc(received(error))
    assert detail.startswith(found.detail.removesuffix("…"))
    assert len(found.violations) == len(violations) or sum(len(v.field) + len(v.detail) for v in violations) > 750
