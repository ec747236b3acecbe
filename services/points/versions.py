"""The programme's versions, and which service works under which."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from chassis.errors import Aborted, FieldViolation, InvalidArgument
from chassis.events import NO_MEMBER
from laurels.programme.v1 import programme_pb2
from laurels.programme.v1.events_pb2 import ProgrammeAdopted, ProgrammeApplied
from laurels.programme.v1.programme_pb2 import Programme
from services.points import attribute_events, store
from services.points.book import Book, Operation, Touched
from services.points.programme import PointsRules
from services.points.store import attributes as attributes_store


@dataclass(frozen=True, slots=True)
class Adopted:
    """A service works under a version of the programme."""

    service: str
    version: int


class Apply(Operation):
    """Records versions."""

    requests = (programme_pb2.ApplyProgrammeRequest,)
    needs_programme = False

    async def find(
        self, connection: asyncpg.Connection, brand: str, rules: PointsRules, requests: Sequence[Any]
    ) -> tuple[int, Programme | None]:
        return await store.lock_newest_programme(connection, brand)

    def touch(
        self,
        request: programme_pb2.ApplyProgrammeRequest,
        found: tuple[int, Programme | None],
        rules: PointsRules,
        touched: Touched,
    ) -> None:
        touched.newest = found

    def decide(self, book: Book, request: programme_pb2.ApplyProgrammeRequest) -> programme_pb2.ApplyProgrammeResponse:
        newest, programme = book.newest
        if request.expected_version and request.expected_version != newest:
            raise Aborted(f"The newest version is {newest}, not {request.expected_version}.", code="stale_version")
        if programme is not None and programme == request.programme:
            return programme_pb2.ApplyProgrammeResponse(version=newest)
        if programme is not None:
            _require_currencies(programme, request.programme)
            _require_group_kinds(programme, request.programme)
            if (names := attribute_events.to_sweep(programme, request.programme)) is not None:
                book.add(attributes_store.begin_sweeps, names)
        version = newest + 1
        applied = ProgrammeApplied(version=version, programme=request.programme, applied_at=book.now)
        book.newest = (version, request.programme)
        book.add(store.add_programmes, applied)
        book.add(store.note_adoptions, ("points", version))
        book.tell(NO_MEMBER, applied)
        book.tell(NO_MEMBER, ProgrammeAdopted(service="points", version=version))
        return programme_pb2.ApplyProgrammeResponse(version=version, changed=True)


class Adopt(Operation):
    """Notes who works under which version."""

    requests = (Adopted,)
    needs_programme = False

    def touch(self, request: Adopted, found: None, rules: PointsRules, touched: Touched) -> None:
        """An adoption is noted by one statement that needs no lock."""

    def decide(self, book: Book, request: Adopted) -> None:
        book.add(store.note_adoptions, (request.service, request.version))


def _require_currencies(before: Programme, after: Programme) -> None:
    """Members may hold every currency that was applied once."""
    kept = {currency.id for currency in after.points.currencies}
    gone = [currency.id for currency in before.points.currencies if currency.id not in kept]
    if gone:
        detail = f"lacks {', '.join(gone)}; a currency that was applied once stays"
        raise InvalidArgument.of([FieldViolation("programme.points.currencies", detail)])
    expired = {currency.id for currency in before.points.currencies if currency.HasField("expiry")}
    for place, currency in enumerate(after.points.currencies):
        if currency.id in expired and not currency.HasField("expiry"):
            detail = "may be changed and not dropped, since members hold lots that expire; a late date ends expiry"
            raise InvalidArgument.of([FieldViolation(f"programme.points.currencies[{place}].expiry", detail)])


def _require_group_kinds(before: Programme, after: Programme) -> None:
    """Groups may be of every kind that was applied once."""
    kept = {kind.id for kind in after.points.groups.kinds}
    gone = [kind.id for kind in before.points.groups.kinds if kind.id not in kept]
    if gone:
        detail = f"lacks {', '.join(gone)}; a kind that was applied once stays"
        raise InvalidArgument.of([FieldViolation("programme.points.groups.kinds", detail)])
