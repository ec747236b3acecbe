"""The RPCs of how slots choose: versions of their models, candidates, promotions."""

from typing import Any

from chassis.configuration import Configurations
from chassis.credentials import IDENTIFIER, caller
from chassis.database import Database
from chassis.errors import FieldViolation, InvalidArgument
from chassis.write_path import WritePath
from laurels.recommender.v1 import policies_pb2 as pb
from laurels.recommender.v1 import policies_pb2_grpc
from services.recommender.evaluating import NothingLogged, evaluate
from services.recommender.programme import RecommenderRules
from services.recommender.promoting import CandidateAsked, PromotionAsked, shown
from services.recommender.recommending import UnknownSlot
from services.recommender.slots import Slot
from services.recommender.store import models, policies

REASON_LENGTH_MAX = 500
PROMOTIONS_SHOWN = 1_000
BONUS_MAX, NOISE_MIN, NOISE_MAX = 10.0, 0.01, 10.0


class PoliciesServicer(policies_pb2_grpc.PoliciesServiceServicer):
    """Models, candidates, promotions."""

    def __init__(self, write_path: WritePath, database: Database, programmes: Configurations[RecommenderRules]) -> None:
        self._write_path, self._database, self._programmes = write_path, database, programmes

    async def ListModelVersions(
        self, request: pb.ListModelVersionsRequest, context: Any
    ) -> pb.ListModelVersionsResponse:
        brand, slot = caller().brand, await self._slot(request.slot)
        async with self._database.reading(brand) as connection:
            head = (await models.heads(connection, brand, [slot.id])).get(slot.id)
            found = await models.versions(connection, brand, slot.id)
        return pb.ListModelVersionsResponse(versions=found, lessons=head.lessons if head is not None else 0)

    async def RestoreModel(self, request: pb.RestoreModelRequest, context: Any) -> pb.RestoreModelResponse:
        answer: pb.RestoreModelResponse = await self._write_path.submit(caller().brand, request)
        return answer

    async def CreateCandidate(self, request: pb.CreateCandidateRequest, context: Any) -> pb.CreateCandidateResponse:
        violations = [] if IDENTIFIER.fullmatch(request.candidate) else [_NO_IDENTIFIER]
        violations += _violations(request.configuration)
        if violations:
            raise InvalidArgument.of(violations)
        who = caller()
        asked = CandidateAsked(request, who.subject)
        answer: pb.CreateCandidateResponse = await self._write_path.submit(who.brand, asked)
        return answer

    async def ListCandidates(self, request: pb.ListCandidatesRequest, context: Any) -> pb.ListCandidatesResponse:
        brand, slot = caller().brand, await self._slot(request.slot)
        async with self._database.reading(brand) as connection:
            head = (await models.heads(connection, brand, [slot.id])).get(slot.id)
            found = await policies.candidates(connection, brand, slot.id)
            promotions = await policies.promotions(connection, brand, slot.id, PROMOTIONS_SHOWN)
        live = head.policy if head is not None else ""
        return pb.ListCandidatesResponse(
            candidates=[shown(candidate, live) for candidate in found],
            promotions=[promotion.shown() for promotion in promotions],
        )

    async def EvaluateCandidate(
        self, request: pb.EvaluateCandidateRequest, context: Any
    ) -> pb.EvaluateCandidateResponse:
        slot = await self._slot(request.slot)
        found = await evaluate(self._database, caller().brand, slot, request.candidate)
        return pb.EvaluateCandidateResponse(evaluation=found)

    async def PromoteCandidate(self, request: pb.PromoteCandidateRequest, context: Any) -> pb.PromoteCandidateResponse:
        reason = request.override_reason
        if len(reason) > REASON_LENGTH_MAX or "\0" in reason:
            detail = f"is longer than {REASON_LENGTH_MAX} characters, or has a NUL"
            raise InvalidArgument.of([FieldViolation("override_reason", detail)])
        who, slot = caller(), await self._slot(request.slot)
        evaluation = None
        try:
            evaluation = await evaluate(self._database, who.brand, slot, request.candidate)
        except NothingLogged:
            if not reason.strip():
                raise
        asked = PromotionAsked(request, evaluation, who.subject)
        answer: pb.PromoteCandidateResponse = await self._write_path.submit(who.brand, asked)
        return answer

    async def _slot(self, name: str) -> Slot:
        """A slot of the newest programme. Raises UnknownSlot, and NotFound (`unknown_brand`)."""
        brand = caller().brand
        async with self._database.reading(brand) as connection:
            _, rules = await self._programmes.newest(connection, brand)
        if name not in rules.slots:
            raise UnknownSlot(name)
        return rules.slots[name]


_NO_IDENTIFIER = FieldViolation("candidate", "is not 1 to 64 characters of A-Z a-z 0-9 _ -")


def _violations(stated: pb.PolicyConfiguration) -> list[FieldViolation]:
    """What is wrong with how a candidate chooses."""
    found = []
    if stated.kind not in pb.PolicyKind.values() or not stated.kind:
        found.append(FieldViolation("configuration.kind", "is not stated"))
    for name, least, most in (("bonus", 0.0, BONUS_MAX), ("noise", NOISE_MIN, NOISE_MAX), ("floor", 0.0, 1.0)):
        value = getattr(stated, name)
        if stated.HasField(name) and not least <= value <= most:
            found.append(FieldViolation(f"configuration.{name}", f"is {value}, not within {least} and {most}"))
    return found
