"""The RPCs of the recommender service.

Requests are checked for form here; what depends on the state is decided in the
write path. The brand is the caller's.
"""

import re
from datetime import UTC, datetime
from math import isfinite
from typing import Any

from chassis.configuration import Configurations
from chassis.credentials import IDENTIFIER, caller
from chassis.database import Database
from chassis.errors import FieldViolation, InvalidArgument, NotFound
from chassis.write_path import WritePath
from laurels.programme.v1 import programme_pb2, programme_pb2_grpc
from laurels.recommender.v1 import recommender_pb2 as pb
from laurels.recommender.v1 import recommender_pb2_grpc
from services.programme import Problems
from services.recommender import reporting, store
from services.recommender.outcomes import Outcome, UnknownDecision
from services.recommender.programme import RecommenderRules, compile_programme
from services.recommender.slots import COUNT_MAX

CHOICE_WEIGHT = 5
"""A choice costs as much time on the processor as some five other requests, and batches are bounded by weight."""
DECISION = re.compile(r"[0-9a-f]{32}")


class UnknownMember(NotFound):
    """Nothing is known about a member."""

    code = "unknown_member"

    def __init__(self, member: str) -> None:
        super().__init__(f"Nothing is known about a member {member!r}.")


class RecommenderServicer(recommender_pb2_grpc.RecommenderServiceServicer):
    """Recommendations, outcomes, profiles and their report."""

    def __init__(self, write_path: WritePath, database: Database, programmes: Configurations[RecommenderRules]) -> None:
        self._write_path, self._database, self._programmes = write_path, database, programmes

    async def ListRecommendations(
        self, request: pb.ListRecommendationsRequest, context: Any
    ) -> pb.ListRecommendationsResponse:
        if not IDENTIFIER.fullmatch(request.member):
            raise InvalidArgument.of([FieldViolation("member", "is not 1 to 64 characters of A-Z a-z 0-9 _ -")])
        if not 0 <= request.count <= COUNT_MAX:
            raise InvalidArgument.of([FieldViolation("count", f"is {request.count}, not within 1 and {COUNT_MAX}")])
        answer: pb.ListRecommendationsResponse = await self._write_path.submit(
            caller().brand, request, weight=CHOICE_WEIGHT * max(request.count, 1)
        )
        return answer

    async def RecordOutcome(self, request: pb.RecordOutcomeRequest, context: Any) -> pb.RecordOutcomeResponse:
        # The slot's own most is known with the decision.
        if not (isfinite(request.value) and request.value >= 0):
            raise InvalidArgument.of([FieldViolation("value", f"is {request.value}, not a number of at least 0")])
        if not DECISION.fullmatch(request.decision):
            raise UnknownDecision(request.decision)
        who = caller()
        # The request names no member, so a member's own identity goes with it.
        owner = "" if "service" in who.scopes else who.subject
        outcome = Outcome(request.decision, abs(request.value), owner)
        answer: pb.RecordOutcomeResponse = await self._write_path.submit(who.brand, outcome)
        return answer

    async def GetInsights(self, request: pb.GetInsightsRequest, context: Any) -> pb.GetInsightsResponse:
        if not IDENTIFIER.fullmatch(request.member):
            raise UnknownMember(request.member)
        brand = caller().brand
        async with self._database.reading(brand) as connection:
            found = await store.profiles(connection, brand, [request.member])
        if request.member not in found:
            raise UnknownMember(request.member)
        return pb.GetInsightsResponse(profile=found[request.member])

    async def GetRecommendationsReport(
        self, request: pb.GetRecommendationsReportRequest, context: Any
    ) -> pb.GetRecommendationsReportResponse:
        brand = caller().brand
        async with self._database.reading(brand) as connection:
            _, rules = await self._programmes.newest(connection, brand)
            found = await store.report(connection, brand)
            slots = await reporting.report(connection, brand, rules, datetime.now(UTC))
        return pb.GetRecommendationsReportResponse(
            outcomes=[
                found.get((slot.id, choice.id), pb.RewardOutcome(slot=slot.id, reward=choice.id))
                for slot in rules.slots.values()
                for choice in slot.choices
            ],
            slots=slots,
        )


class ProgrammeServicer(programme_pb2_grpc.ProgrammeValidationServiceServicer):
    """The check of a programme's recommender section."""

    async def ValidateProgramme(
        self, request: programme_pb2.ValidateProgrammeRequest, context: Any
    ) -> programme_pb2.ValidateProgrammeResponse:
        problems = Problems()
        compile_programme(request.programme, problems)
        return problems.response()
