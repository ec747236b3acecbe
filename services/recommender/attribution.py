"""What members do is the outcome of what was recommended to them, where a slot counts it.

It is the outcome of the newest decision of the slot that is pending and stood
when it happened. One that arrives behind the decision's time-out counts for
nothing: the decision has its outcome.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import asyncpg

from chassis.book import Operation, Touched
from laurels.missions.v1.events_pb2 import MissionCompleted
from laurels.points.v1 import rewards_pb2
from laurels.points.v1.rewards_events_pb2 import RedemptionChanged
from services.recommender import outcomes
from services.recommender.book import Book
from services.recommender.outcomes import PENDING
from services.recommender.profiles import SeenActivity
from services.recommender.programme import RecommenderRules
from services.recommender.slots import Slot
from services.recommender.store import decisions as rows
from services.recommender.store.decisions import Open


@dataclass(frozen=True, slots=True)
class Happened:
    """Something that a member did: whose, when, what it is called, and what it is worth in a slot, if it counts there.

    `takes` are the choices that it takes up; None for whichever was offered.
    """

    member: str
    at: datetime
    cause: str
    slots: Sequence[Slot]
    worth: Callable[[Slot], float | None]
    reference: str | None = None

    def concerns(self, slot: Slot, decision: Open) -> bool:
        """Whether it may be the outcome of a decision of the slot."""
        if decision.member != self.member or decision.slot != slot.id:
            return False
        if not decision.decided_at <= self.at < decision.due_at:
            return False
        return self.reference is None or any(
            choice.id == decision.choice and choice.reference == self.reference for choice in slot.choices
        )


class _Attribute(Operation):
    """What kinds of events share."""

    def happened(self, rules: RecommenderRules, request: Any) -> Happened | None:
        """What the event says that a member did; None when no slot counts such."""
        raise NotImplementedError

    async def find(
        self, connection: asyncpg.Connection, book: Book, rules: RecommenderRules, requests: Sequence[Any]
    ) -> list[Open]:
        seen = [each for request in requests if (each := self.happened(rules, request)) is not None]
        if not seen:
            return []
        members, slots = {each.member for each in seen}, {slot.id for each in seen for slot in each.slots}
        found = await rows.pending_of(connection, book.brand, members, slots)
        if found:
            book.decided |= await rows.decisions(connection, book.brand, [each.decision for each in found])
        book.open |= {each.decision: each for each in found}
        return found

    def touch(self, request: Any, found: list[Open], rules: RecommenderRules, touched: Touched) -> None:
        event = self.happened(rules, request) if found else None
        for slot in event.slots if event is not None else ():
            for pending in found:
                if event is not None and event.concerns(slot, pending):
                    touched.follow.append(Lock(pending.decision))

    def decide(self, book: Book, rules: RecommenderRules, request: Any) -> None:
        if not book.open or (event := self.happened(rules, request)) is None:
            return
        for slot in event.slots:
            worth = event.worth(slot)
            if worth is None:
                continue
            decision = next(self._pending(book, event, slot), None)
            if decision is not None:
                decided = book.decided[decision]
                outcomes.record(
                    book, rules, decided, min(worth, decided.value_most), cause=event.cause, defaulted=False
                )

    def _pending(self, book: Book, event: Happened, slot: Slot) -> Iterator[str]:
        """The decisions of the slot that it may be the outcome of, the newest first."""
        for known in sorted(book.open.values(), key=lambda each: (each.decided_at, each.decision), reverse=True):
            if event.concerns(slot, known):
                pending = book.row(PENDING, known.decision)
                if pending is not None and not pending.ended:
                    yield known.decision


@dataclass(frozen=True, slots=True)
class Lock:
    """Asks for a decision to be locked."""

    decision: str


class LockDecision(Operation):
    """Locks what the outcome of a decision needs, for the event that asked for it."""

    requests = (Lock,)

    def version(self, request: Lock) -> None:
        return None

    async def find(
        self, connection: asyncpg.Connection, book: Book, rules: None, requests: Sequence[Lock]
    ) -> dict[str, Any]:
        return book.decided

    def touch(self, request: Lock, found: dict[str, Any], rules: None, touched: Touched) -> None:
        if request.decision in found:
            outcomes.touch(touched, found[request.decision])


class SeeActivity(_Attribute):
    """An activity of the type that a slot counts."""

    requests = (SeenActivity,)

    def version(self, request: SeenActivity) -> int:
        return request.programme_version

    def happened(self, rules: RecommenderRules, request: SeenActivity) -> Happened | None:
        slots = rules.by_activity.get(request.activity.type)
        if not slots:
            return None
        return Happened(
            request.member,
            request.occurred_at,
            request.activity.id,
            slots,
            lambda slot: slot.counts.worth(slot.counts.schema.values(request.activity, {})),  # type: ignore[union-attr]
        )


class SeeRedemption(_Attribute):
    """A reward that was recommended is redeemed."""

    requests = (RedemptionChanged,)

    def happened(self, rules: RecommenderRules, request: RedemptionChanged) -> Happened | None:
        redemption = request.redemption
        # Its first state is its taking; the later ones are of the same.
        first = redemption.changed_at == redemption.redeemed_at and redemption.state in (
            rewards_pb2.REDEMPTION_STATE_RESERVED,
            rewards_pb2.REDEMPTION_STATE_ISSUED,
        )
        slots = rules.by_kind("redemption") if first else []
        if not slots:
            return None
        return Happened(
            request.member,
            redemption.redeemed_at.ToDatetime(tzinfo=UTC),
            redemption.redemption,
            slots,
            lambda slot: slot.counts.value_most,
            redemption.reward,
        )


class SeeMission(_Attribute):
    """A mission that was recommended is finished."""

    requests = (MissionCompleted,)

    def happened(self, rules: RecommenderRules, request: MissionCompleted) -> Happened | None:
        slots = rules.by_kind("mission")
        if not slots:
            return None
        return Happened(
            request.member,
            request.completed_at.ToDatetime(tzinfo=UTC),
            f"{request.mission}:{request.run}",
            slots,
            lambda slot: slot.counts.value_most,
            request.mission,
        )
