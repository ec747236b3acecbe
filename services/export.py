"""Everything that a service holds about a member, page by page.

What the outbox repeats of it is not held twice: events are copies that go when
their retention ends.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import asyncpg
import orjson

from chassis.credentials import IDENTIFIER, caller
from chassis.database import Database
from chassis.errors import FieldViolation, InvalidArgument, NotFound
from laurels.export.v1 import export_pb2 as pb
from laurels.export.v1 import export_pb2_grpc

ROWS_MAX = 5_000
"""Rows of a page."""
FETCH = 200
"""Rows that are read ahead of the page, which their bytes may close."""
BYTES_MAX = 1_500_000
"""So many bytes of JSON close a page: a row's message is at most twice its size, and gRPC takes 4 MiB."""
_CURSOR = re.compile(r"(\d{1,3})\.(\d{1,9})")


async def _anybody(_connection: asyncpg.Connection, _brand: str, _member: str) -> None:
    """For services that do not know who is a member."""


class ExportServicer(export_pb2_grpc.ExportServiceServicer):
    """Exports by the queries of `sections`, whose parameters are brand and member and whose rows are in an order.

    `require` raises NotFound when there is no such member.
    """

    def __init__(
        self,
        service: str,
        database: Database,
        sections: Mapping[str, str],
        require: Callable[[asyncpg.Connection, str, str], Awaitable[None]] = _anybody,
    ) -> None:
        self._service, self._database, self._require = service, database, require
        self._sections = list(sections.items())

    async def ExportMember(self, request: pb.ExportMemberRequest, _context: Any) -> pb.ExportMemberResponse:
        if not IDENTIFIER.fullmatch(request.member):
            raise NotFound(f"There is no member {request.member!r}.", code="unknown_member")
        brand = caller().brand
        place, offset = _read(request.cursor, len(self._sections))
        answer = pb.ExportMemberResponse(member=request.member)
        rows = size = 0
        async with self._database.reading(brand) as connection:
            await self._require(connection, brand, request.member)
            while place < len(self._sections):
                name, query = self._sections[place]
                section = answer.sections.add(service=self._service, name=name)
                rest = f"SELECT to_jsonb(held)::text FROM ({query}) AS held OFFSET $3"  # noqa: S608
                async for (text,) in connection.cursor(rest, brand, request.member, offset, prefetch=FETCH):
                    if rows == ROWS_MAX or size > BYTES_MAX:
                        answer.next_cursor = f"{place}.{offset}"
                        return answer
                    section.rows.add().update(orjson.loads(text))
                    offset, rows, size = offset + 1, rows + 1, size + len(text)
                place, offset = place + 1, 0
        return answer


def _read(cursor: str, sections: int) -> tuple[int, int]:
    """The section and the row at which a page begins. Raises InvalidArgument."""
    if not cursor:
        return 0, 0
    found = _CURSOR.fullmatch(cursor)
    if found is None or int(found[1]) >= sections:
        raise InvalidArgument.of([FieldViolation("cursor", "is not one that this method gave")])
    return int(found[1]), int(found[2])
