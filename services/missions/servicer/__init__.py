"""The RPCs of the missions service; the brand is the caller's."""

from datetime import UTC, datetime
from typing import Any

from chassis.configuration import Configurations
from chassis.credentials import IDENTIFIER, caller
from chassis.database import Database
from chassis.errors import NotFound
from laurels.missions.v1 import missions_pb2 as pb
from laurels.missions.v1 import missions_pb2_grpc
from laurels.programme.v1 import programme_pb2, programme_pb2_grpc
from services.missions import showing
from services.missions.programme import MissionsRules, compile_programme
from services.missions.servicer.badges import badges_of, rarity
from services.missions.store import journal, members
from services.missions.store.journal import Completion
from services.missions.store.members import Member
from services.programme import Problems


class MissionsServicer(missions_pb2_grpc.MissionsServiceServicer):
    """Missions and badges of members, and how they go."""

    def __init__(self, database: Database, programmes: Configurations[MissionsRules]) -> None:
        self._database, self._programmes = database, programmes

    async def ListMissions(self, request: pb.ListMissionsRequest, context: Any) -> pb.ListMissionsResponse:
        member, brand = member_id(request.member), caller().brand
        async with self._database.reading(brand) as connection:
            _, rules = await self._programmes.newest(connection, brand)
            row = await journal.missions_of(connection, brand, member)
            completions: dict[str, list[Completion]] = {}
            for completion in await journal.completions_of(connection, brand, member):
                completions.setdefault(completion.mission, []).append(completion)
            known = (await members.members(connection, brand, [member])).get(member, Member(member))
        now = datetime.now(UTC)
        return pb.ListMissionsResponse(
            missions=[
                showing.progress(rules, mission, row, completions.get(mission.id, ()), known, now)
                for mission in rules.programme.missions.missions
            ]
        )

    async def ListMemberBadges(self, request: pb.ListMemberBadgesRequest, context: Any) -> pb.ListMemberBadgesResponse:
        member, brand = member_id(request.member), caller().brand
        async with self._database.reading(brand) as connection:
            _, rules = await self._programmes.newest(connection, brand)
            earned = await badges_of(connection, brand, member, rules.badges)
        return pb.ListMemberBadgesResponse(badges=earned)

    async def ListBadges(self, request: pb.ListBadgesRequest, context: Any) -> pb.ListBadgesResponse:
        brand = caller().brand
        async with self._database.reading(brand) as connection:
            _, rules = await self._programmes.newest(connection, brand)
            member = caller().subject if caller().is_member_only else None
            badges = await rarity(connection, brand, rules.badges, seen_by=member)
        return pb.ListBadgesResponse(badges=badges)

    async def GetMissionsReport(
        self, request: pb.GetMissionsReportRequest, context: Any
    ) -> pb.GetMissionsReportResponse:
        brand = caller().brand
        async with self._database.reading(brand) as connection:
            _, rules = await self._programmes.newest(connection, brand)
            counts = await journal.counts(connection, brand)
        response = pb.GetMissionsReportResponse()
        for mission in rules.programme.missions.missions:
            members, completed = counts.get(mission.id, (0, 0))
            response.missions.add(mission=mission.id, name=mission.name, members=members, completed=completed)
        return response


class ProgrammeServicer(programme_pb2_grpc.ProgrammeValidationServiceServicer):
    """The check of a programme's missions section."""

    async def ValidateProgramme(
        self, request: programme_pb2.ValidateProgrammeRequest, context: Any
    ) -> programme_pb2.ValidateProgrammeResponse:
        problems = Problems()
        compile_programme(request.programme, problems)
        return problems.response()


def member_id(member: str) -> str:
    """A member's id. Raises NotFound (`unknown_member`) for what cannot be one."""
    if not IDENTIFIER.fullmatch(member):
        raise NotFound(f"There is no member {member!r}.", code="unknown_member")
    return member
