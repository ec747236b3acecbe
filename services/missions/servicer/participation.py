"""The RPCs of taking part in missions; the brand is the caller's."""

from datetime import UTC, datetime
from typing import Any

from chassis.configuration import Configurations
from chassis.credentials import caller
from chassis.database import Database
from chassis.errors import NotFound
from chassis.write_path import WritePath
from laurels.activity.v1.activity_pb2 import Activity
from laurels.missions.v1 import participation_pb2 as pb
from laurels.missions.v1 import participation_pb2_grpc
from services.missions import showing
from services.missions.explaining import explain, hold
from services.missions.fold import REFUND
from services.missions.participation import UnknownMission
from services.missions.programme import MissionsRules
from services.missions.servicer import member_id
from services.missions.store import journal, members
from services.missions.store.members import Member


class UnknownActivity(NotFound):
    """The activity is none of the member's that is kept."""

    code = "unknown_activity"

    def __init__(self, activity: str) -> None:
        super().__init__(f"No activity {activity!r} of this member is known here.")


class ParticipationServicer(participation_pb2_grpc.ParticipationServiceServicer):
    """What members and back ends do about missions."""

    def __init__(self, write_path: WritePath, database: Database, programmes: Configurations[MissionsRules]) -> None:
        self._write_path, self._database, self._programmes = write_path, database, programmes

    async def JoinMission(self, request: pb.JoinMissionRequest, context: Any) -> pb.JoinMissionResponse:
        answer: pb.JoinMissionResponse = await self._submit(request)
        return answer

    async def ClaimMission(self, request: pb.ClaimMissionRequest, context: Any) -> pb.ClaimMissionResponse:
        answer: pb.ClaimMissionResponse = await self._submit(request)
        return answer

    async def AssignMission(self, request: pb.AssignMissionRequest, context: Any) -> pb.AssignMissionResponse:
        answer: pb.AssignMissionResponse = await self._submit(request)
        return answer

    async def RepairStreak(self, request: pb.RepairStreakRequest, context: Any) -> pb.RepairStreakResponse:
        answer: pb.RepairStreakResponse = await self._submit(request)
        return answer

    async def _submit(self, request: Any) -> Any:
        member_id(request.member)
        return await self._write_path.submit(caller().brand, request)

    async def ExplainMission(self, request: pb.ExplainMissionRequest, context: Any) -> pb.ExplainMissionResponse:
        member, brand = member_id(request.member), caller().brand
        async with self._database.reading(brand) as connection:
            _, rules = await self._programmes.newest(connection, brand)
            found = None
            if request.activity:
                found = await journal.fact(connection, brand, member, request.activity)
                if found is None or not found[1]:
                    raise UnknownActivity(request.activity)
                rules = await self._programmes.at(connection, brand, found[0].version)
            if request.mission not in rules.missions:
                raise UnknownMission(request.mission)
            row = await journal.missions_of(connection, brand, member)
            completions = await journal.completions_of(connection, brand, member)
            known = (await members.members(connection, brand, [member])).get(member, Member(member))
            if found is not None:
                history = (await journal.histories(connection, brand, [member]))[member]
                refunded = sum(f.total for f in history.facts if f.kind == REFUND and f.subject == request.activity)
                if refunded:
                    found[0].left = max(0, found[0].total - refunded)
        now = datetime.now(UTC)
        mission = next(each for each in rules.programme.missions.missions if each.id == request.mission)
        asked = (found[0], Activity.FromString(found[1]), known.tier) if found is not None else None
        clauses = list(explain(rules, mission, row, known, now, asked))
        own = [completion for completion in completions if completion.mission == mission.id]
        return pb.ExplainMissionResponse(
            holds=hold(clauses),
            clauses=clauses,
            progress=showing.progress(rules, mission, row, own, known, now),
        )
