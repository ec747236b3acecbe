"""What became of decisions: reported, seen in what members do, or nothing in time.

A decision has one outcome. It is recorded while the decision is pending, under
its lock, and gets the next number of its slot's stream when it teaches. What
comes later is found recorded: the same again changes nothing, another is
refused, and one behind the time-out is written down as late and counts for
nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from chassis.book import Kind, Operation, Touched
from chassis.errors import FailedPrecondition, FieldViolation, IdempotencyConflict, InvalidArgument, NotFound
from laurels.recommender.v1 import recommender_pb2 as pb
from laurels.recommender.v1.events_pb2 import OutcomeRecorded
from laurels.value.v1.events_pb2 import GRANT_REASON_RECOMMENDATION, Grant, RewardGranted
from services.recommender.book import Book
from services.recommender.programme import RecommenderRules
from services.recommender.recommending import COUNTERS
from services.recommender.slots import CounterKey
from services.recommender.store import decisions as rows
from services.recommender.store import models
from services.recommender.store.decisions import Decided, LateOutcome, NewOutcome, Open, Recorded
from services.recommender.store.models import Head

PENDING: Kind[str, Open] = Kind("pending", 10, rows.lock_pending, rows.save_pending)
# Read behind the lock of what is pending, so that no other outcome slips in between.
OUTCOMES: Kind[str, Recorded] = Kind("outcomes", 20, rows.outcomes, rows.save_outcomes)
HEADS: Kind[str, Head] = Kind("learners", 30, models.lock_heads, models.save_heads)


class UnknownDecision(NotFound):
    """There is no such decision, or it is not the caller's to see."""

    code = "unknown_decision"

    def __init__(self, decision: str) -> None:
        super().__init__(f"There is no decision {decision!r}.")


class OutcomeConflict(IdempotencyConflict):
    """A decision has another outcome already."""

    def __init__(self, decision: str, recorded: float, value: float) -> None:
        super().__init__(f"Decision {decision!r} has the outcome {recorded:g} already; it stays, and is not {value:g}.")


class OutcomeNotReported(FailedPrecondition):
    """The slot counts what members do."""

    code = "outcome_not_reported"

    def __init__(self, slot: str, kind: str) -> None:
        super().__init__(f"The slot {slot!r} counts an event of the member ({kind}), not what is reported.")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a caller says became of a decision. `member` is whose it must be; empty for anybody's."""

    decision: str
    value: float
    member: str = ""


@dataclass(frozen=True, slots=True)
class DueDecisions:
    """Decisions whose time is over by `until`."""

    decisions: Sequence[str]
    until: datetime


def touch(touched: Touched, decided: Decided) -> None:
    """Has what the outcome of a decision needs locked and read."""
    touched.row(PENDING, decided.decision)
    touched.row(OUTCOMES, decided.decision)
    touched.row(HEADS, decided.slot)
    for name, period, _ in decided.taken:
        touched.row(COUNTERS, CounterKey(name, "", period))


def record(
    book: Book, rules: RecommenderRules | None, decided: Decided, value: float, *, cause: str = "", defaulted: bool
) -> None:
    """Records the outcome of a pending decision: it teaches, gives back what it took, or is granted."""
    pending = book.row(PENDING, decided.decision)
    head = book.row(HEADS, decided.slot)
    assert pending is not None  # noqa: S101 - touched, and looked at by the caller
    assert head is not None  # noqa: S101 - touched, and made where missing
    pending.ended = True
    book.put(PENDING, decided.decision, pending)
    scaled = min(value / decided.value_most, 1.0)
    lesson = None
    if decided.teaches:
        head.lessons += 1
        lesson = head.lessons
        book.put(HEADS, decided.slot, head)
    if value == 0:
        for name, period, amount in decided.taken:
            key = CounterKey(name, "", period)
            counter = book.row(COUNTERS, key)
            assert counter is not None  # noqa: S101 - touched
            counter.value -= amount
            book.put(COUNTERS, key, counter)
    book.put(OUTCOMES, decided.decision, Recorded(decided.decision, value, defaulted))
    book.add(
        rows.add_outcomes,
        NewOutcome(decided.decision, decided.slot, decided.choice, value, scaled, defaulted, lesson, cause),
    )
    seen = book.count(decided.slot)
    seen.outcomes, seen.value = seen.outcomes + 1, seen.value + value
    told = OutcomeRecorded(
        member=decided.member,
        decision=decided.decision,
        slot=decided.slot,
        reward=decided.choice,
        value=value,
        recorded_at=book.now,
        defaulted=defaulted,
    )
    book.tell(decided.member, told)
    if value > 0 and rules is not None:
        _grant(book, rules, decided)


def _grant(book: Book, rules: RecommenderRules, decided: Decided) -> None:
    """Gives what was accepted, where the programme says so; the key makes it happen once."""
    slot = rules.slots.get(decided.slot)
    choice = next((each for each in slot.choices if each.id == decided.choice), None) if slot else None
    if choice is None or not choice.granted:
        return
    told = RewardGranted(
        key=f"recommendation:{decided.decision}",
        member=decided.member,
        grants=[Grant(**{choice.kind: choice.reference})],  # type: ignore[arg-type]
        reason=GRANT_REASON_RECOMMENDATION,
        reference=decided.slot,
        occurred_at=book.now,
        programme_version=decided.programme_version,
    )
    book.tell(decided.member, told)


class Record(Operation):
    """Takes what a caller reports."""

    requests = (Outcome,)

    async def find(
        self, connection: asyncpg.Connection, book: Book, rules: RecommenderRules, requests: Sequence[Outcome]
    ) -> dict[str, Decided]:
        book.decided |= await rows.decisions(connection, book.brand, [request.decision for request in requests])
        return book.decided

    def touch(self, request: Outcome, found: dict[str, Decided], rules: RecommenderRules, touched: Touched) -> None:
        if request.decision in found:
            touch(touched, found[request.decision])

    def decide(self, book: Book, rules: RecommenderRules, request: Outcome) -> pb.RecordOutcomeResponse:
        decided = book.decided.get(request.decision)
        if decided is None or request.member not in ("", decided.member):
            raise UnknownDecision(request.decision)
        slot = rules.slots.get(decided.slot)
        if slot is not None and slot.counts.kind:
            raise OutcomeNotReported(slot.id, slot.counts.kind)
        if request.value > decided.value_most:
            detail = f"is {request.value:g}, not within 0 and {decided.value_most:g}"
            raise InvalidArgument.of([FieldViolation("value", detail)])
        known = book.row(OUTCOMES, request.decision)
        if known is not None:
            return self._again(book, known, request)
        pending = book.row(PENDING, request.decision)
        if pending is None:
            raise UnknownDecision(request.decision)  # it was erased meanwhile
        record(book, rules, decided, request.value, defaulted=False)
        return pb.RecordOutcomeResponse(recorded=True)

    def _again(self, book: Book, known: Recorded, request: Outcome) -> pb.RecordOutcomeResponse:
        if not known.defaulted:
            if known.value != request.value:
                raise OutcomeConflict(request.decision, known.value, request.value)
            return pb.RecordOutcomeResponse()
        if known.late is None:
            book.put(OUTCOMES, known.decision, Recorded(known.decision, known.value, True, request.value))
            book.add(rows.add_late, LateOutcome(known.decision, request.value, book.now))
        elif known.late != request.value:
            raise OutcomeConflict(request.decision, known.late, request.value)
        return pb.RecordOutcomeResponse(late=True)


class Default(Operation):
    """Counts as 0 of what nothing was heard in time; answers how many those were."""

    requests = (DueDecisions,)

    def version(self, request: DueDecisions) -> None:
        return None

    async def find(
        self, connection: asyncpg.Connection, book: Book, rules: None, requests: Sequence[DueDecisions]
    ) -> dict[str, Decided]:
        wanted = [decision for request in requests for decision in request.decisions]
        book.decided |= await rows.decisions(connection, book.brand, wanted)
        return book.decided

    def touch(self, request: DueDecisions, found: dict[str, Decided], rules: None, touched: Touched) -> None:
        for decision in request.decisions:
            if decision in found:
                touch(touched, found[decision])

    def decide(self, book: Book, rules: None, request: DueDecisions) -> int:
        done = 0
        for decision in request.decisions:
            pending = book.row(PENDING, decision)
            if pending is None or pending.ended or pending.due_at > request.until:
                continue
            record(book, None, book.decided[decision], 0.0, defaulted=True)
            done += 1
        return done
