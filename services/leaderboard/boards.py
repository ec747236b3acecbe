"""What moves boards: activities, credits, missions, submissions.

A move is decided with its period held open and its score locked, and kept as a
fact. An event's move that a board does not take has no effect on it.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from chassis import answers
from chassis.book import Kind, Operation, Touched
from chassis.errors import DomainError
from chassis.events import NO_MEMBER
from chassis.logging import logger
from laurels.activity.v1.events_pb2 import ActivityRecorded
from laurels.leaderboard.v1 import boards_pb2
from laurels.missions.v1.events_pb2 import MissionCompleted
from laurels.missions.v1.levels_events_pb2 import LevelReached
from laurels.points.v1.events_pb2 import PointsCredited
from services.activity import moment_of
from services.leaderboard import ranking
from services.leaderboard.board_rules import BoardRules
from services.leaderboard.book import Book
from services.leaderboard.event_feeds import (
    POINTS_CREDITED,
    Told,
    told_by_activity,
    told_by_credit,
    told_by_level,
    told_by_mission,
)
from services.leaderboard.gains import Failed
from services.leaderboard.periods import Span, period_id
from services.leaderboard.ranking import (
    Fact,
    NoPeriod,
    NoSubmissions,
    PeriodClosed,
    Score,
    Source,
    UnknownBoard,
)
from services.leaderboard.rules import LeaderboardRules
from services.leaderboard.store import boards as store
from services.leaderboard.store.boards import OPEN, Period, PeriodKey, ScoreKey

PERIODS: Kind[PeriodKey, Period] = Kind("periods", 21, store.share_periods, store.add_periods)
"""Held in common by those who move scores."""
SCORES: Kind[ScoreKey, Score] = Kind("scores", 30, store.lock_scores, store.save_scores)

_log = logger("boards")


def unheard(board: str, why: str) -> None:
    """Where nobody needs to hear of an expression that failed again."""


def span_of(board: BoardRules, at: datetime) -> Span:
    """The period that a moment is in. Raises NoPeriod."""
    span = board.periods.at(at)
    if span is None:
        raise NoPeriod
    return span


def touch_move(rules: LeaderboardRules, fact: Fact, touched: Touched) -> None:
    """Touches what a move needs, if the board has a period then."""
    span = rules.compiled[fact.board].periods.at(fact.occurred_at)
    if span is not None:
        touched.row(PERIODS, (fact.board, span.period))
        touched.row(SCORES, (fact.board, span.period, fact.member))


def move(book: Book, board: BoardRules, fact: Fact, counts_at: datetime | None) -> None:
    """Moves a score. `counts_at` is when it counts against the limits; None holds it to none.

    Raises NoPeriod, PeriodClosed, OutOfBounds, RateLimited, ScoreTooLarge.
    """
    span = span_of(board, fact.occurred_at)
    key = (fact.board, span.period)
    period = book.row(PERIODS, key)
    if period is not None and period.state != OPEN:
        raise PeriodClosed(period_id(span.period))
    score_key = (fact.board, span.period, fact.member)
    score = book.row(SCORES, score_key)
    ranking.check(board.scoring, score, fact, counts_at)
    if score is None:
        score = Score(fact.board, span.period, fact.member, is_new=True)
    if not ranking.move(board.scoring, score, fact):
        return
    if counts_at is not None:
        ranking.count(board.scoring, score, counts_at)
    if period is None:
        closes_at = None
        if span.ends_at is not None:
            # One that was over before its first score is not due before it has that.
            closes_at = max(span.ends_at + timedelta(seconds=board.grace_s), book.now)
        book.put(PERIODS, key, Period(fact.board, span.period, span.ends_at, closes_at, is_new=True))
    book.put(SCORES, score_key, score)
    book.moved[score_key] = score
    book.add(store.add_facts, (span.period, fact))


# -- events -------------------------------------------------------------------


class OfEvents(Operation):
    """Moves boards by what an event says."""

    def facts_of(self, book: Book, rules: LeaderboardRules, request: Any) -> list[Fact]:
        """By what it moves them."""
        raise NotImplementedError

    async def find(
        self, connection: asyncpg.Connection, book: Book, rules: LeaderboardRules, requests: Sequence[Any]
    ) -> Book:
        return book

    def touch(self, request: Any, found: Book, rules: LeaderboardRules, touched: Touched) -> None:
        found.facts[id(request)] = self.facts_of(found, rules, request)
        for fact in found.facts[id(request)]:
            touch_move(rules, fact, touched)

    def decide(self, book: Book, rules: LeaderboardRules, request: Any) -> None:
        for fact in book.facts[id(request)]:
            try:
                move(book, rules.compiled[fact.board], fact, fact.occurred_at)
            except DomainError as refusal:
                _log.info("score not moved", brand=book.brand, board=fact.board, why=refusal.reason)


def facts_of_event(rules: LeaderboardRules, told: Told, failed: Failed = unheard) -> list[Fact]:
    """What an event moves by expressions."""
    of_kind = rules.by_event.get(told.kind)
    gains = of_kind.gains(told.values(), failed) if of_kind is not None else ()
    return [Fact(gain.board, told.member, gain.score, gain.sub_score, told.at, gain.value) for gain in gains]


def facts_of_level(rules: LeaderboardRules, reached: LevelReached, failed: Failed = unheard) -> list[Fact]:
    """What a level that was reached moves."""
    return facts_of_event(rules, told_by_level(reached), failed)


def facts_of_credit(rules: LeaderboardRules, credited: PointsCredited, failed: Failed = unheard) -> list[Fact]:
    """What a credit moves: the boards of its currency, and those that reckon with it."""
    at = credited.occurred_at.ToDatetime(tzinfo=UTC)
    boards = rules.by_currency.get(credited.currency, ())
    facts = [Fact(board, credited.member, credited.amount, 0, at) for board in boards]
    return facts + facts_of_event(rules, told_by_credit(credited), failed)


def facts_of_mission(rules: LeaderboardRules, completed: MissionCompleted, failed: Failed = unheard) -> list[Fact]:
    """What a finished mission moves: its boards, those of any mission, and those that reckon with it."""
    at = completed.completed_at.ToDatetime(tzinfo=UTC)
    boards = [*rules.boards_by_mission.get(completed.mission, ()), *rules.boards_by_mission.get("", ())]
    facts = [Fact(board, completed.member, score, 0, at) for board, score in boards]
    return facts + facts_of_event(rules, told_by_mission(completed), failed)


def facts_of_activity(
    rules: LeaderboardRules, recorded: ActivityRecorded, outcome: Any, failed: Failed = unheard
) -> list[Fact]:
    """What an activity moves: the boards of what it earned, and those that reckon with it or with that."""
    member, at = recorded.activity.member, moment_of(recorded.activity)
    facts = [
        Fact(board, member, earned.amount, 0, at)
        for earned in recorded.earned
        for board in rules.by_currency.get(earned.currency, ())
    ]
    for told in told_by_activity(recorded) if POINTS_CREDITED in rules.by_event else ():
        facts += facts_of_event(rules, told, failed)
    gains = outcome.gains if outcome is not None else ()
    return facts + [Fact(gain.board, member, gain.score, gain.sub_score, at, gain.value) for gain in gains]


class MoveByCredit(OfEvents):
    """Adds credits to the boards of their currency."""

    requests = (PointsCredited,)

    def version(self, request: PointsCredited) -> int:
        return request.programme_version

    def facts_of(self, book: Book, rules: LeaderboardRules, request: PointsCredited) -> list[Fact]:
        return facts_of_credit(rules, request, book.failed)


class MoveByMission(OfEvents):
    """Moves boards by finished missions."""

    requests = (MissionCompleted,)

    def facts_of(self, book: Book, rules: LeaderboardRules, request: MissionCompleted) -> list[Fact]:
        return facts_of_mission(rules, request, book.failed)


class MoveByLevel(OfEvents):
    """Moves boards by levels that were reached."""

    requests = (LevelReached,)

    def version(self, request: LevelReached) -> int:
        return request.programme_version

    def facts_of(self, book: Book, rules: LeaderboardRules, request: LevelReached) -> list[Fact]:
        return facts_of_level(rules, request, book.failed)


class MoveByActivity(OfEvents):
    """Adds what an activity earned, and what boards reckon of it."""

    requests = (ActivityRecorded,)

    def facts_of(self, book: Book, rules: LeaderboardRules, request: ActivityRecorded) -> list[Fact]:
        return facts_of_activity(rules, request, book.outcome(rules, request), book.failed)


# -- submissions --------------------------------------------------------------


class Submit(Operation):
    """Takes scores in by the hundred; those that are refused hold no others up."""

    requests = (boards_pb2.SubmitScoresRequest, boards_pb2.ImportScoresRequest)

    async def find(
        self, connection: asyncpg.Connection, book: Book, rules: LeaderboardRules, requests: Sequence[Any]
    ) -> dict[int, list[Fact]]:
        """The moves, made once for touching and deciding."""
        book.submitted |= {id(request): facts_of_request(request, book.now) for request in requests}
        return book.submitted

    def touch(self, request: Any, found: dict[int, list[Fact]], rules: LeaderboardRules, touched: Touched) -> None:
        answers.touch(touched, _key(request))
        if request.board in rules.compiled:
            for fact in found[id(request)]:
                touch_move(rules, fact, touched)

    def decide(self, book: Book, rules: LeaderboardRules, request: Any) -> Any:
        imports = isinstance(request, boards_pb2.ImportScoresRequest)
        kind = boards_pb2.ImportScoresResponse if imports else boards_pb2.SubmitScoresResponse
        key = _key(request)
        if (given := answers.given(book, key, request, kind)) is not None:
            return given
        board = rules.compiled.get(request.board)
        if board is None:
            raise UnknownBoard(request.board)
        if not imports and not board.submissions:
            raise NoSubmissions(request.board)
        answer = kind()
        counts_at = None if imports else book.now
        for place, fact in enumerate(book.submitted[id(request)]):
            try:
                move(book, board, fact, counts_at)
                answer.accepted += 1
            except DomainError as refusal:
                answer.refused.add(place=place, code=refusal.reason, detail=refusal.detail)
        # The answer names no member, and neither does what is kept of the request.
        answers.keep(book, key, NO_MEMBER, request, answer)
        book.positioned.append(answer)
        return answer


def facts_of_request(request: Any, now: datetime) -> list[Fact]:
    """The moves that are submitted."""
    board, source = request.board, Source.SUBMITTED
    if isinstance(request, boards_pb2.ImportScoresRequest):
        source = Source.IMPORTED
    return [
        Fact(
            board,
            score.member,
            score.score,
            score.sub_score,
            score.occurred_at.ToDatetime(tzinfo=UTC) if score.HasField("occurred_at") else now,
            score.value,
            source,
        )
        for score in request.scores
    ]


def _key(request: Any) -> str:
    kind = "import" if isinstance(request, boards_pb2.ImportScoresRequest) else "scores"
    return f"{kind}:{request.idempotency_key}"
