"""What a request's fields may be, checked before anything is looked up."""

from collections.abc import Iterable, Iterator
from typing import Any

from chassis.credentials import IDENTIFIER
from chassis.errors import FieldViolation, InvalidArgument

AMOUNT_MAX = 2**53 - 1
MOMENT_FIRST_S, MOMENT_LAST_S = -2_208_988_800, 253_402_300_799
REFERENCE_LENGTH_MAX = 200
RESERVED = frozenset({"me", "_"})
MEMBER_DETAIL = "is not 1 to 64 characters of A-Z a-z 0-9 _ -, or is reserved"
IDENTIFIER_DETAIL = "is not 1 to 64 characters of A-Z a-z 0-9 _ -"


def refuse(violations: Iterable[FieldViolation]) -> None:
    """Raises InvalidArgument when there is a violation."""
    if found := list(violations):
        raise InvalidArgument.of(found[:100])


def moment_violations(field: str, moment: Any) -> Iterator[FieldViolation]:
    """What is wrong with a moment."""
    if not MOMENT_FIRST_S <= moment.seconds <= MOMENT_LAST_S or not 0 <= moment.nanos < 10**9:
        yield FieldViolation(field, "is not a moment within the years 1900 and 9999")


def text_violations(field: str, text: str, most: int) -> Iterator[FieldViolation]:
    """What is wrong with a text."""
    if len(text) > most:
        yield FieldViolation(field, f"is longer than {most} characters")
    if "\x00" in text:
        yield FieldViolation(field, "has a NUL character")


def plain(name: str) -> str:
    """A name as it may be looked up; one that cannot be anybody's is nobody's."""
    return name if IDENTIFIER.fullmatch(name) else ""
