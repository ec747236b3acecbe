"""What moves boards."""

from datetime import UTC, datetime

from chassis.book import Operation
from laurels.activity.v1.events_pb2 import ActivityRecorded
from laurels.points.v1.events_pb2 import PointsCredited
from services.activity import moment_of
from services.leaderboard.book import Book
from services.leaderboard.rules import LeaderboardRules
from services.leaderboard.store import boards as store


class MoveByCredit(Operation):
    """Adds credits to the boards of their currency."""

    requests = (PointsCredited,)

    def version(self, request: PointsCredited) -> int:
        return request.programme_version

    def decide(self, book: Book, rules: LeaderboardRules, request: PointsCredited) -> None:
        at = request.occurred_at.ToDatetime(tzinfo=UTC)
        _add_points(book, rules, request.member, request.currency, request.amount, at)


class MoveByActivity(Operation):
    """Adds what an activity earned, and what boards reckon of it."""

    requests = (ActivityRecorded,)

    def decide(self, book: Book, rules: LeaderboardRules, request: ActivityRecorded) -> None:
        member, at = request.activity.member, moment_of(request.activity)
        for earned in request.earned:
            _add_points(book, rules, member, earned.currency, earned.amount, at)
        outcome = book.outcome(rules, request)
        for board, score in outcome.gains if outcome is not None else ():
            book.add(store.add_scores, (board, member, score, at))


def _add_points(book: Book, rules: LeaderboardRules, member: str, currency: str, amount: int, at: datetime) -> None:
    for board in rules.by_currency.get(currency, ()):
        book.add(store.add_scores, (board, member, amount, at))
