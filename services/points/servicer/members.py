"""The RPCs of members' particulars, consents and erasures."""

from datetime import UTC, datetime
from typing import Any

import asyncpg

from chassis.configuration import Configurations
from chassis.credentials import IDENTIFIER, caller
from chassis.database import Database
from chassis.errors import Aborted, FieldViolation, InvalidArgument
from chassis.write_path import WritePath
from laurels.points.v1 import members_pb2 as pb
from laurels.points.v1 import members_pb2_grpc, points_pb2
from services.fingerprints import Fingerprints
from services.points import members
from services.points import store as points_store
from services.points.erasing import UnknownErasure, new_erasure
from services.points.form import plain, refuse, text_violations
from services.points.guardians import awaits_guardian
from services.points.ledger import UnknownMember
from services.points.programme import PointsRules
from services.points.store import members as store
from services.points.store.members import Particulars

ATTEMPTS = 5


class MembersServicer(members_pb2_grpc.MembersServiceServicer):
    """Particulars, consents and erasures."""

    def __init__(
        self,
        write_path: WritePath,
        database: Database,
        programmes: Configurations[PointsRules],
        prints: Fingerprints,
    ) -> None:
        self._write_path, self._database, self._programmes, self._prints = write_path, database, programmes, prints

    async def CorrectMember(self, request: pb.CorrectMemberRequest, context: Any) -> pb.CorrectMemberResponse:
        _require_id(request.member)
        refuse(text_violations("display_name", request.display_name, members.DISPLAY_NAME_LENGTH_MAX))
        if len(request.update_mask) > members.MASK_MAX:
            raise InvalidArgument.of([FieldViolation("update_mask", f"has more than {members.MASK_MAX} items")])
        correction = members.Correction(request, "service" not in caller().scopes)
        answer: pb.CorrectMemberResponse = await self._write_path.submit(caller().brand, correction)
        return answer

    async def GetConsents(self, request: pb.GetConsentsRequest, context: Any) -> pb.GetConsentsResponse:
        brand = caller().brand
        async with self._database.reading(brand) as connection:
            await require_member(connection, brand, request.member)
            _, rules = await self._programmes.newest(connection, brand)
            known = await store.particulars(connection, brand, [request.member])
            history = await store.consents(connection, brand, request.member)
        found = known.get(request.member, Particulars(request.member))
        return pb.GetConsentsResponse(
            consents=members.newest_consents(found),
            history=[_record(row) for row in history],
            awaits_guardian=awaits_guardian(rules.members, found, datetime.now(UTC), rules.zone),
        )

    async def PutConsents(self, request: pb.PutConsentsRequest, context: Any) -> pb.PutConsentsResponse:
        _require_id(request.member)
        refuse(members.consents_violations(request))
        who = caller()
        by_member = "service" not in who.scopes
        change = members.ConsentChange(request, f"{'member' if by_member else 'service'}:{who.subject}", by_member)
        answer: pb.PutConsentsResponse = await self._write_path.submit(who.brand, change)
        return answer

    async def EraseMember(self, request: pb.EraseMemberRequest, context: Any) -> pb.EraseMemberResponse:
        _require_id(request.member)
        brand = caller().brand
        for attempt in range(ATTEMPTS):
            if before := await self._erasure_of(brand, request.member):
                return pb.EraseMemberResponse(erasure=before)
            new = new_erasure(brand, request.member, self._prints, datetime.now(UTC))
            try:
                answer: pb.EraseMemberResponse = await self._write_path.submit(brand, new)
            except Aborted:
                if attempt == ATTEMPTS - 1:
                    raise
            except UnknownMember:
                # Two may ask at once.
                if before := await self._erasure_of(brand, request.member):
                    return pb.EraseMemberResponse(erasure=before)
                raise
            else:
                return answer
        raise AssertionError("the last attempt answers or raises")

    async def _erasure_of(self, brand: str, member: str) -> str:
        async with self._database.reading(brand) as connection:
            return await store.erasure_of(connection, brand, self._prints.of(brand, member))

    async def GetErasure(self, request: pb.GetErasureRequest, context: Any) -> pb.GetErasureResponse:
        brand = caller().brand
        async with self._database.reading(brand) as connection:
            found = await store.erasures(connection, brand, [plain(request.erasure)])
        row = found.get(request.erasure)
        if row is None:
            raise UnknownErasure(request.erasure)
        return pb.GetErasureResponse(
            erasure=row.erasure,
            state=row.state,  # type: ignore[arg-type]
            requested_at=row.requested_at,
            completed_at=row.completed_at,
            receipts=[
                pb.ErasureReceiptRecord(
                    service=receipt["service"],
                    after=receipt["after"],
                    received_at=datetime.fromisoformat(receipt["received_at"]),
                )
                for receipt in row.receipts
            ],
            streams_purged=row.streams,  # type: ignore[arg-type]
            alias=row.alias,
        )


async def require_member(connection: asyncpg.Connection, brand: str, member: str) -> None:
    """Raises UnknownMember."""
    if await points_store.member(connection, brand, plain(member), ()) is None:
        raise UnknownMember(member)


async def fill_particulars(
    connection: asyncpg.Connection, brand: str, member: points_pb2.Member, rules: PointsRules
) -> None:
    """Adds what is known about a member, as far as the caller may see it."""
    found = (await store.particulars(connection, brand, [member.member])).get(member.member)
    if found is None:
        return
    manages_only = caller().scopes.isdisjoint({"service", "member"})
    declared = rules.members.declared
    member.attributes.update(
        {
            name: value
            for name, value in found.attributes.items()
            if not (manages_only and (name not in declared or declared[name].personal))
        }
    )
    member.awaits_guardian = awaits_guardian(rules.members, found, datetime.now(UTC), rules.zone)


def _require_id(member: str) -> None:
    if not IDENTIFIER.fullmatch(member):
        raise UnknownMember(member)


def _record(row: Any) -> pb.ConsentRecord:
    return pb.ConsentRecord(
        consent=pb.Consent(
            purpose=row["purpose"],
            granted=row["granted"],
            text_version=row["text_version"],
            method=row["method"],
            giver=row["giver"],
        ),
        recorded_by=row["recorded_by"],
        recorded_at=row["recorded_at"],
    )
