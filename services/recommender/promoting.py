"""Candidates for a slot's policy: added, and promoted once the log proves them or a manager answers for it."""

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from chassis.book import Kind, Operation, Touched
from chassis.errors import FailedPrecondition, IdempotencyConflict, NotFound
from chassis.events import NO_MEMBER
from laurels.recommender.v1 import policies_pb2 as pb
from laurels.recommender.v1.policies_events_pb2 import ModelPromoted
from services.recommender.book import Book
from services.recommender.outcomes import HEADS
from services.recommender.programme import RecommenderRules
from services.recommender.recommending import UnknownSlot
from services.recommender.store import policies as store
from services.recommender.store.policies import CANDIDATES_MAX, Candidate, Promotion


async def _save(_connection: asyncpg.Connection, _brand: str, _changed: Sequence[Candidate]) -> None:
    """Candidates never change; new ones are appended."""


CANDIDATES: Kind[tuple[str, str], Candidate] = Kind("candidates", 50, store.read_candidates, _save)


class UnknownCandidate(NotFound):
    """The slot has no such candidate."""

    code = "unknown_candidate"

    def __init__(self, slot: str, candidate: str) -> None:
        super().__init__(f"The slot {slot!r} has no candidate {candidate!r}.")


class NotProven(FailedPrecondition):
    """The log does not prove that a candidate earns what the live policy does."""

    code = "not_proven"

    def __init__(self, candidate: str, evaluation: pb.CandidateEvaluation | None) -> None:
        why = (
            f"its doubly robust estimate begins at {evaluation.doubly_robust.low:.4g}, "
            f"and the live policy earned {evaluation.live.value:.4g}"
            if evaluation is not None
            else "there is nothing to go by"
        )
        super().__init__(f"The log does not prove the candidate {candidate!r}: {why}.")


class TooManyCandidates(FailedPrecondition):
    """The slot has as many candidates as there may be."""

    code = "too_many_candidates"

    def __init__(self, slot: str) -> None:
        super().__init__(f"The slot {slot!r} has {CANDIDATES_MAX} candidates already.")


@dataclass(frozen=True, slots=True)
class CandidateAsked:
    """A candidate to add, and who asked."""

    request: pb.CreateCandidateRequest
    by: str


@dataclass(frozen=True, slots=True)
class PromotionAsked:
    """A candidate to promote, what it was estimated to earn, and who asked."""

    request: pb.PromoteCandidateRequest
    evaluation: pb.CandidateEvaluation | None
    by: str


class Create(Operation):
    """Adds candidates."""

    requests = (CandidateAsked,)

    async def find(
        self, connection: asyncpg.Connection, book: Book, rules: RecommenderRules, requests: Sequence[CandidateAsked]
    ) -> None:
        for slot in {asked.request.slot for asked in requests}:
            book.candidates[slot] = await store.count(connection, book.brand, slot)

    def touch(self, request: CandidateAsked, found: None, rules: RecommenderRules, touched: Touched) -> None:
        touched.row(CANDIDATES, (request.request.slot, request.request.candidate))

    def decide(self, book: Book, rules: RecommenderRules, request: CandidateAsked) -> pb.CreateCandidateResponse:
        asked = request.request
        if asked.slot not in rules.slots:
            raise UnknownSlot(asked.slot)
        key = (asked.slot, asked.candidate)
        configuration = asked.configuration.SerializeToString(deterministic=True)
        found = book.row(CANDIDATES, key)
        if found is None:
            if book.candidates[asked.slot] >= CANDIDATES_MAX:
                raise TooManyCandidates(asked.slot)
            found = Candidate(*key, configuration, request.by, book.now)
            book.candidates[asked.slot] += 1
            book.put(CANDIDATES, key, found)
            book.add(store.add_candidates, found)
        elif found.configuration != configuration:
            raise IdempotencyConflict(f"The candidate {asked.candidate!r} is there with another configuration.")
        return pb.CreateCandidateResponse(candidate=shown(found, live=""))


class Promote(Operation):
    """Promotes candidates; each promotion stays on record."""

    requests = (PromotionAsked,)

    async def find(
        self, connection: asyncpg.Connection, book: Book, rules: RecommenderRules, requests: Sequence[PromotionAsked]
    ) -> None:
        for slot in {asked.request.slot for asked in requests}:
            newest = await store.promotions(connection, book.brand, slot, 1)
            book.promotions[slot] = newest[0] if newest else None

    def touch(self, request: PromotionAsked, found: None, rules: RecommenderRules, touched: Touched) -> None:
        touched.row(HEADS, request.request.slot)
        touched.row(CANDIDATES, (request.request.slot, request.request.candidate))

    def decide(self, book: Book, rules: RecommenderRules, request: PromotionAsked) -> pb.PromoteCandidateResponse:
        asked, evaluation = request.request, request.evaluation
        candidate = book.row(CANDIDATES, (asked.slot, asked.candidate))
        if candidate is None:
            raise UnknownCandidate(asked.slot, asked.candidate)
        last, head = book.promotions[asked.slot], book.row(HEADS, asked.slot)
        assert head is not None  # noqa: S101 - touched, and made where missing
        if last is not None and head.policy == last.candidate == asked.candidate:
            return pb.PromoteCandidateResponse(promotion=last.shown())
        proven = evaluation is not None and evaluation.proven
        if not proven and not asked.override_reason:
            raise NotProven(asked.candidate, evaluation)
        made = Promotion(
            slot=asked.slot,
            number=last.number + 1 if last is not None else 1,
            candidate=asked.candidate,
            evaluation=evaluation.SerializeToString(deterministic=True) if evaluation is not None else None,
            override_reason="" if proven else asked.override_reason,
            promoted_by=request.by,
            promoted_at=book.now,
        )
        head.policy, head.configuration = candidate.candidate, candidate.configuration
        book.put(HEADS, asked.slot, head)
        book.add(store.add_promotions, made)
        book.promotions[asked.slot] = made
        told = ModelPromoted(
            slot=asked.slot, candidate=asked.candidate, overridden=not proven, promoted_at=made.promoted_at
        )
        book.tell(NO_MEMBER, told)
        return pb.PromoteCandidateResponse(promotion=made.shown())


def shown(candidate: Candidate, live: str) -> pb.Candidate:
    return pb.Candidate(
        candidate=candidate.candidate,
        configuration=pb.PolicyConfiguration.FromString(candidate.configuration),
        created_by=candidate.created_by,
        created_at=candidate.created_at,
        live=candidate.candidate == live,
    )
