"""What places in a standing are, and what they win."""

from collections.abc import Sequence
from typing import Any

from services.leaderboard.board_rules import Prize
from services.leaderboard.rank_index import Order, Ranking, Ties


class LastRank:
    """The last place that was written down, from which the next one's rank follows.

    `standing` is that place's row, None before the first.
    """

    def __init__(self, order: Order, standing: Any) -> None:
        self._order = order
        self._rank = 0 if standing is None else standing["rank"]
        self._equal = None if standing is None else self._group(standing["score"], standing["sub_score"])

    def rank_of(self, score: int, sub_score: int, number: int) -> int:
        """The rank of the next place, which is the one of this number."""
        group = self._group(score, sub_score)
        if self._order.ranking is Ranking.ORDINAL or group != self._equal:
            self._rank = self._rank + 1 if self._order.ranking is Ranking.DENSE else number
        self._equal = group
        return self._rank

    def _group(self, score: int, sub_score: int) -> tuple[int, int]:
        return (score, sub_score if self._order.ties is Ties.SUB_SCORE else 0)


def won(prizes: Sequence[Prize], rank: int, place: int, members: int) -> Sequence[Any]:
    """What a place wins: of the first prize whose ranks it has, or that is for the top so many per cent.

    >>> prizes = [Prize(1, 1, 0, ("cup",)), Prize(0, 0, 10, ("pen",))]
    >>> [won(prizes, place, place, 25) for place in (1, 2, 3, 4)]
    [('cup',), ('pen',), ('pen',), ()]
    """
    for prize in prizes:
        if prize.first <= rank <= prize.last if prize.first else place <= -(-members * prize.top_percent // 100):
            return prize.grants
    return ()
