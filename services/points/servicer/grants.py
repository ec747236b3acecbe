"""The RPCs of parked grants."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from chassis.credentials import IDENTIFIER, caller
from chassis.database import Database
from chassis.errors import FieldViolation, InvalidArgument
from chassis.paging import page_size_of
from chassis.write_path import WritePath
from laurels.points.v1 import grants_pb2 as pb
from laurels.points.v1 import grants_pb2_grpc
from services.activity import EPOCH
from services.points.form import REFERENCE_LENGTH_MAX, plain, refuse, text_violations
from services.points.grants import PARKED, Retry, drawn
from services.points.store import value as store
from services.points.store.value import Parked

_FIRST = datetime(1, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class GrantsServicer(grants_pb2_grpc.GrantsServiceServicer):
    """Parked grants."""

    def __init__(self, write_path: WritePath, database: Database) -> None:
        self._write_path, self._database = write_path, database

    async def ListParkedGrants(self, request: pb.ListParkedGrantsRequest, context: Any) -> pb.ListParkedGrantsResponse:
        brand, page_size = caller().brand, page_size_of(request.page_size)
        state, after = request.state or PARKED, _place(request.page_token)
        async with self._database.reading(brand) as connection:
            found = await store.parked_page(connection, brand, state, after, page_size + 1)
        page = found[:page_size]
        token = _token(page[-1]) if len(found) > page_size else ""
        return pb.ListParkedGrantsResponse(grants=[each.shown() for each in page], next_page_token=token)

    async def RetryGrant(self, request: pb.RetryGrantRequest, context: Any) -> pb.RetryGrantResponse:
        # Chance is drawn here: a decision has none of its own.
        answer: pb.RetryGrantResponse = await self._write_path.submit(caller().brand, Retry(_named(request), drawn()))
        return answer

    async def DismissGrant(self, request: pb.DismissGrantRequest, context: Any) -> pb.DismissGrantResponse:
        refuse(_dismiss_violations(request))
        answer: pb.DismissGrantResponse = await self._write_path.submit(caller().brand, _named(request))
        return answer


def _named(request: Any) -> Any:
    """The request with a grant's id as it may be looked up."""
    request.grant = plain(request.grant)
    return request


def _dismiss_violations(request: pb.DismissGrantRequest) -> Iterator[FieldViolation]:
    yield from text_violations("reason", request.reason, REFERENCE_LENGTH_MAX)


def _token(parked: Parked) -> str:
    """Where the next page begins: the last grant's moment, in microseconds, and id."""
    return f"{(parked.parked_at - EPOCH) // _MICROSECOND}.{parked.grant}"


def _place(token: str) -> tuple[datetime, str]:
    if not token:
        return _FIRST, ""
    moment, _, grant = token.partition(".")
    try:
        return EPOCH + int(moment) * _MICROSECOND, grant if IDENTIFIER.fullmatch(grant) else ""
    except (ValueError, OverflowError):
        raise InvalidArgument(f"page_token {token[:40]!r} is not one that this list gave.") from None
