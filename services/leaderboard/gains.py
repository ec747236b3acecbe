"""What moves a board, as a feed reckons it."""

from collections.abc import Callable
from typing import NamedTuple

from services.leaderboard.ranking import GAIN_MAX

Failed = Callable[[str, str], None]
"""Is told which board or pool has an expression that failed, and why."""


class Gain(NamedTuple):
    """What an activity or another event moves a board by."""

    board: str
    score: int
    sub_score: int = 0
    value: str = ""


class Feed(NamedTuple):
    """A board that is moved: expressions, the text whose values count, if scores may be negative."""

    board: str
    condition: str
    score: str
    sub_score: str = ""
    distinct: str = ""
    signed: bool = False


def gain_of(feed: Feed, score: int, sub_score: int, value: str, failed: Failed) -> Gain | None:
    """What a score, as it was reckoned, moves the feed's board by; None when it does not.

    >>> feed = Feed("sprint", "", "points.amount")
    >>> gain_of(feed, 5, 0, "", print), gain_of(feed, 0, 0, "", print), gain_of(feed, -5, 0, "", print)
    (Gain(board='sprint', score=5, sub_score=0, value=''), None, None)
    """
    if max(abs(score), abs(sub_score)) > GAIN_MAX:
        failed(feed.board, f"the score {score} with {sub_score} is over {GAIN_MAX}")
        return None
    moves = score > 0 or (feed.signed and score < 0)
    return Gain(feed.board, score, sub_score, value) if moves and (value or not feed.distinct) else None
