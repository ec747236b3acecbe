"""How what moves a score makes it: the same whatever the order that the moves arrive in.

A sum, a count and a number of different values do not depend on the order of
what they are made of; the best, the worst and the last are the least by a key
that leaves no two moves equal unless they are alike. The time at which a score
was reached follows from the same moves. So a board can be reckoned again from
its facts, and is the same.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import NamedTuple

from chassis.errors import FailedPrecondition, InvalidArgument, NotFound, ResourceExhausted
from services.leaderboard.rank_index import Order, Ties

GAIN_MAX = SCORE_MAX = 2**53 - 1
VALUES_MAX = 1_000
"""So many different values of a member count in a period."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Operator(Enum):
    """How what moves a score makes it."""

    ADD = "add"
    BEST = "best"
    WORST = "worst"
    LAST = "last"
    COUNT = "count"
    DISTINCT = "distinct"


class Source(Enum):
    """Where a fact is from; stored by its number."""

    EVENT = 0
    SUBMITTED = 1
    IMPORTED = 2


class UnknownBoard(NotFound):
    """The programme has no such board."""

    code = "unknown_board"

    def __init__(self, board: str) -> None:
        super().__init__(f"The programme has no board {board!r}.")


class UnknownPeriod(NotFound):
    """The board had no score in such a period."""

    code = "unknown_period"

    def __init__(self, board: str, period: str) -> None:
        super().__init__(f"Board {board!r} has no period {period!r} with a score.")


class UnknownScope(NotFound):
    """The board has no such scope, or not for this."""

    code = "unknown_scope"

    def __init__(self, board: str, scope: str) -> None:
        super().__init__(f"Board {board!r} has no scope {scope!r} for this.")


class NotRanked(NotFound):
    """The member has no score on the board."""

    code = "not_ranked"

    def __init__(self, board: str, member: str) -> None:
        super().__init__(f"Member {member!r} has no score on board {board!r} yet.")


class NoSubmissions(FailedPrecondition):
    """The board is moved by events only."""

    code = "no_submissions"

    def __init__(self, board: str) -> None:
        super().__init__(f"Board {board!r} takes no submissions.")


class PeriodClosed(FailedPrecondition):
    """The period takes no scores any more."""

    code = "period_closed"

    def __init__(self, period: str) -> None:
        super().__init__(f"Period {period!r} is closed.")


class NoPeriod(FailedPrecondition):
    """The board has no period at that time."""

    code = "no_period"

    def __init__(self) -> None:
        super().__init__("The board has no period at that time.")


class OutOfBounds(InvalidArgument):
    """A score that the board does not take."""

    code = "out_of_bounds"

    def __init__(self, score: int, least: int, most: int) -> None:
        super().__init__(f"A score of {score} is not within {least} and {most}.")


class RateLimited(ResourceExhausted):
    """The member moves the score too often."""

    code = "rate_limited"

    def __init__(self, count: int, window_s: int) -> None:
        super().__init__(f"A member's score moves at most {count} times in {window_s} seconds.")


class ScoreTooLarge(FailedPrecondition):
    """The sum would not be a number that JSON keeps."""

    code = "score_too_large"

    def __init__(self) -> None:
        super().__init__("The score would pass 2^53 - 1.")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a member may do. No `count` is no limit of the rate."""

    least: int = -SCORE_MAX
    most: int = SCORE_MAX
    count: int = 0
    window_s: int = 1


@dataclass(frozen=True, slots=True)
class Scoring:
    """How a board makes scores."""

    operator: Operator
    order: Order
    limits: Limits = Limits()


class Fact(NamedTuple):
    """What moves a member's score on a board."""

    board: str
    member: str
    score: int
    sub_score: int
    occurred_at: datetime
    value: str = ""
    source: Source = Source.EVENT


@dataclass(slots=True)
class Score:
    """A member's score in a board's period.

    `moves` counts its changes. `window_at` and `window_count` say how many
    moves the newest window had, `seen` when each different value was first
    there, in microseconds since 1970. `is_new` is one that has no row yet.
    """

    board: str
    period: int
    member: str
    score: int = 0
    sub_score: int = 0
    reached_at: datetime = EPOCH
    moves: int = 0
    window_at: int = 0
    window_count: int = 0
    seen: dict[str, int] | None = None
    is_new: bool = False


def microseconds(moment: datetime) -> int:
    """Since 1970."""
    return (moment - EPOCH) // _MICROSECOND


def check(scoring: Scoring, known: Score | None, fact: Fact, at: datetime | None) -> None:
    """Raises when a fact is out of bounds or comes too often; `at` is when it counts, None where it is free of both."""
    limits = scoring.limits
    if at is not None:
        if not limits.least <= fact.score <= limits.most:
            raise OutOfBounds(fact.score, limits.least, limits.most)
        if limits.count and known is not None:
            _, count = _window(limits, known, at)
            if count >= limits.count:
                raise RateLimited(limits.count, limits.window_s)
    if known is not None and scoring.operator is Operator.ADD and _too_large(known, fact):
        raise ScoreTooLarge


def count(scoring: Scoring, score: Score, at: datetime) -> None:
    """Counts a move against the rate."""
    if scoring.limits.count:
        score.window_at, moved = _window(scoring.limits, score, at)
        score.window_count = moved + 1


def move(scoring: Scoring, score: Score, fact: Fact) -> bool:
    """Moves a score by a fact; False when it has no part in it: a value that counted before.

    >>> scoring = Scoring(Operator.BEST, Order())
    >>> score = Score("sprint", 0, "ann")
    >>> noon, one = datetime(2026, 1, 1, 12, tzinfo=UTC), datetime(2026, 1, 1, 13, tzinfo=UTC)
    >>> for points, at in ((5, noon), (9, one), (9, noon), (2, one)):
    ...     _ = move(scoring, score, Fact("sprint", "ann", points, 0, at))
    >>> score.score, score.reached_at == noon, score.moves
    (9, True, 4)
    """
    operator, at = scoring.operator, fact.occurred_at
    if operator is Operator.DISTINCT:
        if not _see(score, fact):
            return False
    elif score.moves == 0:
        score.score = 1 if operator is Operator.COUNT else fact.score
        score.sub_score, score.reached_at = fact.sub_score, at
    elif operator is Operator.ADD or operator is Operator.COUNT:
        score.score += 1 if operator is Operator.COUNT else fact.score
        score.sub_score += fact.sub_score
        score.reached_at = max(score.reached_at, at)
    elif _key(scoring, fact.score, fact.sub_score, at) < _key(scoring, score.score, score.sub_score, score.reached_at):
        score.score, score.sub_score, score.reached_at = fact.score, fact.sub_score, at
    score.moves += 1
    return True


def _see(score: Score, fact: Fact) -> bool:
    seen = score.seen = {} if score.seen is None else score.seen
    at, first = microseconds(fact.occurred_at), seen.get(fact.value)
    if (first is None and len(seen) >= VALUES_MAX) or (first is not None and first <= at):
        return False
    seen[fact.value] = at
    score.score = len(seen)
    score.reached_at = EPOCH + max(seen.values()) * _MICROSECOND
    return True


def _key(scoring: Scoring, score: int, sub_score: int, at: datetime) -> tuple[object, ...]:
    """Of two moves the one with the lesser key stays."""
    sign = 1 if scoring.order.ascending else -1
    if scoring.operator is Operator.WORST:
        sign = -sign
    second = sign * sub_score
    ranked = second if scoring.order.ties is Ties.SUB_SCORE else 0
    if scoring.operator is Operator.LAST:
        return (-microseconds(at), sign * score, second)
    return (sign * score, ranked, at, second)


def _too_large(score: Score, fact: Fact) -> bool:
    return abs(score.score + fact.score) > SCORE_MAX or abs(score.sub_score + fact.sub_score) > SCORE_MAX


def _window(limits: Limits, score: Score, at: datetime) -> tuple[int, int]:
    """The window that a moment counts in, and how many moves it had."""
    seconds = int(at.timestamp())
    window = seconds - seconds % limits.window_s
    if window > score.window_at or not score.window_count:
        return window, 0
    return score.window_at, score.window_count
