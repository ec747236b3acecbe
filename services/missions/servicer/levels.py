"""The RPCs of levels."""

from typing import Any

from chassis.configuration import Configurations
from chassis.credentials import IDENTIFIER, caller
from chassis.database import Database
from chassis.errors import NotFound
from laurels.missions.v1 import levels_pb2 as pb
from laurels.missions.v1 import levels_pb2_grpc
from services.missions.level_rules import Experience, place_of
from services.missions.programme import MissionsRules
from services.missions.store import levels as rows
from services.missions.store.levels import Levels


class LevelsServicer(levels_pb2_grpc.LevelsServiceServicer):
    """How far members have climbed."""

    def __init__(self, database: Database, programmes: Configurations[MissionsRules]) -> None:
        self._database, self._programmes = database, programmes

    async def GetLevel(self, request: pb.GetLevelRequest, context: Any) -> pb.GetLevelResponse:
        brand, member = caller().brand, request.member
        if not IDENTIFIER.fullmatch(member):
            raise NotFound(f"There is no member {member!r}.", code="unknown_member")
        async with self._database.reading(brand) as connection:
            _, rules = await self._programmes.newest(connection, brand)
            if rules.levels is None:
                raise NotFound("The programme has no levels.", code="no_levels")
            found = (await rows.experiences(connection, brand, [member])).get(member) or Experience(member)
            levels = (await rows.levels_of(connection, brand, [member])).get(member) or Levels(member)
        ladder = rules.levels.levels
        place = place_of(ladder, found.peak)
        answer = pb.GetLevelResponse(experience=found.experience, currency=rules.levels.currency, place=place)
        if place:
            answer.level, answer.name = ladder[place - 1].id, ladder[place - 1].name
            if (reached := levels.reached.get(answer.level)) is not None:
                answer.reached_at.FromDatetime(reached.reached_at)
        if place < len(ladder):
            following = ladder[place]
            answer.next_level, answer.next_name = following.id, following.name
            answer.next_threshold = following.threshold
        return answer
