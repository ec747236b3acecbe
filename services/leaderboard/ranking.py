"""A board's order: the highest score first, of equals the one reached first, then by member in byte order.

A score is the sum of what moved it, and was reached at the latest time of
what moved it; both come out the same in whatever order and grouping the
events arrive.
"""

from datetime import datetime

from chassis.errors import NotFound

GAIN_MAX = 2**53 - 1


class UnknownBoard(NotFound):
    """The programme has no such board."""

    code = "unknown_board"

    def __init__(self, board: str) -> None:
        super().__init__(f"The programme has no board {board!r}.")


class NotRanked(NotFound):
    """The member has no score on the board."""

    code = "not_ranked"

    def __init__(self, board: str, member: str) -> None:
        super().__init__(f"Member {member!r} has no score on board {board!r} yet.")


class Scores:
    """Scores, or what is to be added to them, by board and member."""

    def __init__(self) -> None:
        self.by_key: dict[tuple[str, str], tuple[int, datetime]] = {}

    def add(self, board: str, member: str, score: int, at: datetime) -> None:
        """Adds what was gained at a time.

        >>> from datetime import UTC
        >>> scores, noon, one = Scores(), datetime(2026, 1, 1, 12, tzinfo=UTC), datetime(2026, 1, 1, 13, tzinfo=UTC)
        >>> scores.add("spenders", "ann", 5, one)
        >>> scores.add("spenders", "ann", 2, noon)
        >>> score, reached_at = scores.by_key["spenders", "ann"]
        >>> score, reached_at == one
        (7, True)
        """
        known = self.by_key.get((board, member))
        self.by_key[board, member] = (score, at) if known is None else (known[0] + score, max(known[1], at))


def order(score: int, reached_at: datetime, member: str) -> tuple[int, datetime, bytes]:
    """What a board is sorted by, smallest first; the index of the table `scores` sorts alike.

    >>> from datetime import UTC
    >>> noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    >>> order(9, noon, "bob") < order(8, noon, "ann"), order(9, noon, "Zoe") < order(9, noon, "ann")
    (True, True)
    """
    return (-score, reached_at, member.encode())
