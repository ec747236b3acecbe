"""How every service reads and checks a programme, and takes a new version over.

Validation finds all problems rather than the first, each with its path, so
that the author mends a file in one go.
"""

import re
from collections.abc import Collection, Container, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import asyncpg

from chassis import configuration
from chassis.conditions import Amount, Condition, InvalidExpression, Vocabulary
from chassis.events import NO_MEMBER, NewEvent
from laurels.programme.v1.events_pb2 import ProgrammeAdopted, ProgrammeApplied
from laurels.programme.v1.programme_pb2 import Problem, Programme, ValidateProgrammeResponse
from services.activity import ActivitySchema

IDENTIFIER = re.compile(r"[A-Za-z0-9_-]{1,64}")
NAME_LENGTH_MAX = 200
AMOUNT_MAX = 2**53 - 1


class Worded(Protocol):
    """What expressions may be over."""

    vocabulary: Vocabulary


class Problems:
    """Collects what is wrong with a programme."""

    def __init__(self) -> None:
        self.found: list[Problem] = []

    def add(self, field: str, detail: str) -> None:
        self.found.append(Problem(field=field, detail=detail))

    def response(self) -> ValidateProgrammeResponse:
        return ValidateProgrammeResponse(problems=self.found)

    def name(self, field: str, value: str) -> None:
        """A name for people."""
        if len(value) > NAME_LENGTH_MAX:
            self.add(field, f"is longer than {NAME_LENGTH_MAX} characters")

    def items(self, field: str, items: Sequence[Any], most: int) -> dict[str, Any]:
        """The items by their ids, which must be well-formed and unique."""
        if len(items) > most:
            self.add(field, f"has {len(items)} items, more than {most}")
        found: dict[str, Any] = {}
        for place, item in enumerate(items):
            self.identifier(f"{field}[{place}].id", item.id, found)
            found[item.id] = item
            self.name(f"{field}[{place}].name", item.name)
        return found

    def identifier(self, field: str, value: str, taken: Container[str]) -> None:
        """An id, which must be well-formed and not taken."""
        if not IDENTIFIER.fullmatch(value):
            self.add(field, f"{value!r} is not 1 to 64 characters of A-Z a-z 0-9 _ -")
        elif value in taken:
            self.add(field, f"{value!r} is taken by an item before it")

    def reference(self, field: str, value: str, known: Collection[str], what: str) -> bool:
        """A reference that must resolve. Returns whether it does."""
        if value in known:
            return True
        ids = sorted(known)
        listed = ", ".join(ids[:10]) or "there are none"
        self.add(field, f"refers to {what} {value!r}, which does not exist ({listed}{', …' if len(ids) > 10 else ''})")
        return False

    def bounded(self, field: str, value: int, least: int, most: int = AMOUNT_MAX) -> None:
        if not least <= value <= most:
            self.add(field, f"is {value}, not within {least} and {most}")

    def window(self, where: str, stated: Any, zone: ZoneInfo) -> tuple[datetime | None, datetime | None]:
        """When something begins and ends by its `from` and `until`, in UTC; None for an end that is open."""
        found: list[datetime | None] = []
        for name, end in (("from", False), ("until", True)):
            text = getattr(stated, name)
            try:
                found.append(moment_in(text, zone, end=end))
            except (ValueError, OverflowError):
                detail = f"{text!r} is neither a date, such as 2027-12-31, nor an RFC 3339 moment"
                self.add(f"{where}.{name}", detail)
                found.append(None)
        since, until = found
        if since is not None and until is not None and since >= until:
            self.add(f"{where}.until", "is not after `from`")
        return since, until

    def condition(self, field: str, schema: Worded, source: str) -> Condition | None:
        try:
            return schema.vocabulary.condition(source)
        except InvalidExpression as error:
            self.add(field, str(error))
            return None

    def amount(self, field: str, schema: Worded, source: str) -> Amount | None:
        try:
            return schema.vocabulary.amount(source)
        except InvalidExpression as error:
            self.add(field, str(error))
            return None


def moment_in(text: str, zone: ZoneInfo, *, end: bool = False) -> datetime | None:
    """A moment, or the beginning (or `end`) of a date in the zone, in UTC; None for no text. Raises ValueError.

    >>> berlin = ZoneInfo("Europe/Berlin")
    >>> moment_in("2026-03-29", berlin, end=True).isoformat()
    '2026-03-29T22:00:00+00:00'
    >>> moment_in("2026-03-29T10:00:00Z", berlin).isoformat()
    '2026-03-29T10:00:00+00:00'
    """
    if not text:
        return None
    if len(text) == len("2026-03-29"):
        day = date.fromisoformat(text) + timedelta(days=1 if end else 0)
        return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError("a moment without its offset")
    return found.astimezone(UTC)


def schemas(programme: Programme, variables: Mapping[str, Any]) -> dict[str, ActivitySchema]:
    """The programme's activity types as a service sees them."""
    return {declared.type: ActivitySchema(declared, variables) for declared in programme.activity_types}


async def adopt(connection: asyncpg.Connection, service: str, brand: str, applied: ProgrammeApplied) -> NewEvent:
    """Keeps a version that the points service recorded; returns the event that says so."""
    await configuration.record(connection, brand, applied.version, applied.programme.SerializeToString())
    return NewEvent(NO_MEMBER, ProgrammeAdopted(service=service, version=applied.version))
