"""Boards are mended: members are taken off and put back, scores are reckoned anew from their facts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from chassis.book import Kind, Operation, Touched
from chassis.errors import Aborted
from laurels.leaderboard.v1 import boards_pb2
from services.leaderboard import ranking, ranks
from services.leaderboard.boards import PERIODS, SCORES
from services.leaderboard.book import Book
from services.leaderboard.periods import period_id
from services.leaderboard.ranking import Fact, PeriodClosed, Score, Scoring, UnknownBoard, UnknownPeriod
from services.leaderboard.rules import LeaderboardRules
from services.leaderboard.store import boards as store
from services.leaderboard.store.boards import CLOSING, OPEN, Removal, RemovalKey, ScoreKey

REMOVALS: Kind[RemovalKey, Removal] = Kind("removals", 29, store.lock_removals, store.save_removals)
FACTS: Kind[ScoreKey, list[Fact]] = Kind("facts", 31, store.facts, store.nothing_to_save)
"""Read when the scores that they make are locked."""
PAGE = 1_000


@dataclass(frozen=True, slots=True)
class Rebuild:
    """A page of a period's members, whose scores are reckoned anew."""

    board: str
    period: int
    members: Sequence[str]


class Move(Operation):
    """Takes members off boards, and puts them back."""

    requests = (boards_pb2.RemoveLeaderboardMemberRequest, boards_pb2.RestoreLeaderboardMemberRequest)

    async def find(
        self, connection: asyncpg.Connection, book: Book, rules: LeaderboardRules, requests: Sequence[Any]
    ) -> list[tuple[str, int]]:
        """The periods that are not closed."""
        return [(period.board, period.period) for period in await store.open_periods(connection, book.brand)]

    def touch(self, request: Any, found: list[tuple[str, int]], rules: LeaderboardRules, touched: Touched) -> None:
        touched.row(REMOVALS, (request.board, request.member))
        for board, period in found:
            if board == request.board:
                touched.row(PERIODS, (board, period))

    def decide(self, book: Book, rules: LeaderboardRules, request: Any) -> Any:
        removes = isinstance(request, boards_pb2.RemoveLeaderboardMemberRequest)
        if request.board not in rules.compiled:
            raise UnknownBoard(request.board)
        key = (request.board, request.member)
        known = book.row(REMOVALS, key)
        changed = removes != (known is not None and known.removed)
        if changed:
            # Who is on a standing must not change while it is written down.
            if any(period.state == CLOSING for period in book.rows(PERIODS) if period.board == request.board):
                raise Aborted("A period of the board is being closed; try again.", code="period_closing")
            reason = request.reason if removes else ""
            book.put(REMOVALS, key, Removal(*key, removes, reason, book.now))
            book.changes.append(ranks.removed(*key, removes))
        if removes:
            return boards_pb2.RemoveLeaderboardMemberResponse(changed=changed)
        return boards_pb2.RestoreLeaderboardMemberResponse(changed=changed)


class RebuildScores(Operation):
    """Mends scores that are not what their facts say."""

    requests = (Rebuild,)

    def touch(self, request: Rebuild, found: None, rules: LeaderboardRules, touched: Touched) -> None:
        touched.row(PERIODS, (request.board, request.period))
        for member in request.members:
            touched.row(SCORES, (request.board, request.period, member))
            touched.row(FACTS, (request.board, request.period, member))

    def decide(self, book: Book, rules: LeaderboardRules, request: Rebuild) -> boards_pb2.RebuildLeaderboardResponse:
        board = rules.compiled.get(request.board)
        if board is None:
            raise UnknownBoard(request.board)
        period = book.row(PERIODS, (request.board, request.period))
        if period is None:
            raise UnknownPeriod(request.board, period_id(request.period))
        if period.state != OPEN:
            raise PeriodClosed(period_id(request.period))
        answer = boards_pb2.RebuildLeaderboardResponse(looked_at=len(request.members))
        for member in request.members:
            key = (request.board, request.period, member)
            facts = book.row(FACTS, key)
            if facts and mend(book, board.scoring, key, facts):
                answer.mended += 1
        return answer


def reckoned(scoring: Scoring, key: ScoreKey, facts: Sequence[Fact]) -> Score:
    """The score that facts make."""
    score = Score(*key)
    for fact in facts:
        ranking.move(scoring, score, fact)
    return score


def mend(book: Book, scoring: Scoring, key: ScoreKey, facts: Sequence[Fact]) -> bool:
    """Makes a score what its facts say; whether it was not."""
    right, known = reckoned(scoring, key, facts), book.row(SCORES, key)
    if known is not None and same(known, right):
        return False
    score = known or Score(*key, is_new=True)
    score.score, score.sub_score, score.reached_at, score.seen = (
        right.score,
        right.sub_score,
        right.reached_at,
        right.seen,
    )
    # More moves than replicas have seen, or they would take the mended score for an old one.
    score.moves = max(score.moves, right.moves) + 1
    book.put(SCORES, key, score)
    book.moved[key] = score
    return True


def same(one: Score, other: Score) -> bool:
    """Whether two are the same score."""
    return (one.score, one.sub_score, one.reached_at) == (other.score, other.sub_score, other.reached_at)
