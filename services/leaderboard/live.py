"""Live boards tell that they changed, at most once a second and by one replica, for those who follow them.

The event says that there is something to read, and names no member: what a
board shows of whom is decided when it is read.
"""

from dataclasses import dataclass
from datetime import datetime

from chassis.book import Operation
from chassis.write_path import WritePath
from laurels.leaderboard.v1.boards_events_pb2 import BoardChanged
from services.leaderboard.book import Book
from services.leaderboard.periods import period_id
from services.leaderboard.ranks import Ranks

MARK = "@"
"""What stands before a board's id in place of a member in the subjects of its changes; no member's id begins so."""


@dataclass(frozen=True, slots=True)
class Tell:
    """A board that changed."""

    board: str
    period: int
    members: int
    position: int


class TellOfChange(Operation):
    """Tells that boards changed."""

    requests = (Tell,)

    def version(self, request: Tell) -> None:
        return None

    def decide(self, book: Book, rules: None, request: Tell) -> None:
        changed = BoardChanged(
            board=request.board, period=period_id(request.period), members=request.members, position=request.position
        )
        book.tell(f"{MARK}{request.board}", changed)


class Herald:
    """Tells of changes since it looked last; the first look only learns how things are."""

    def __init__(self, write_path: WritePath, ranks: Ranks) -> None:
        self._write_path, self._ranks = write_path, ranks
        self._seen: dict[tuple[str, str], tuple[int, int]] = {}
        self._looked = False

    async def look(self, now: datetime) -> None:
        """Tells of every live board that changed."""
        for brand, board, period, index in list(self._ranks.live(now)):
            state = (period, index.version)
            if self._seen.get((brand, board)) == state:
                continue
            self._seen[brand, board] = state
            if self._looked:
                await self._write_path.submit(brand, Tell(board, period, len(index), self._ranks.position))
        self._looked = True
