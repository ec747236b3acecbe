"""Ranks that goals of missions ask for are told: from standings, and where a goal asks so, while a period is open.

A standing tells each member's rank in the transaction that writes it down, so
once. While a period is open one replica looks at the top of the board once a
second; what it tells is kept, under its period, so that no restart and no other
replica tells it again. Who was at a rank between two looks only is not seen.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from chassis.book import Kind, Operation, Touched
from chassis.write_path import WritePath
from laurels.leaderboard.v1.ranks_events_pb2 import RankReached
from services.leaderboard.boards import PERIODS
from services.leaderboard.book import Book
from services.leaderboard.periods import period_id
from services.leaderboard.rank_index import Place, RankIndex
from services.leaderboard.ranks import Ranks
from services.leaderboard.rules import AskedRanks, LeaderboardRules
from services.leaderboard.store import reached as store
from services.leaderboard.store.boards import OPEN, Period, ScoreKey, Standing
from services.leaderboard.store.reached import Told

TOLD: Kind[ScoreKey, Told] = Kind("ranks told", 32, store.lock, store.save)
PAGE = 500
PLACES_MAX = 10_000
"""So many places of a board are looked at: where equals share a rank, more may have one that is asked for."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Members at ranks that are asked for, as they were seen in a period that is open."""

    board: str
    period: int
    ranks: Sequence[tuple[str, int]]
    version: int


class TellOfRanks(Operation):
    """Tells of ranks that were seen, unless as good a one was told before."""

    requests = (Seen,)

    def version(self, request: Seen) -> int:
        return request.version

    def touch(self, request: Seen, found: None, rules: LeaderboardRules, touched: Touched) -> None:
        touched.row(PERIODS, (request.board, request.period))
        for member, _ in request.ranks:
            touched.row(TOLD, (request.board, request.period, member))

    def decide(self, book: Book, rules: LeaderboardRules, request: Seen) -> None:
        period, asked = book.row(PERIODS, (request.board, request.period)), rules.ranks_asked.get(request.board)
        if period is None or period.state != OPEN or asked is None:
            return  # its standing tells them
        for member, rank in request.ranks:
            key = (request.board, request.period, member)
            before, wanted = book.row(TOLD, key), asked.asked_while_open(rank)
            if not wanted or (before is not None and asked.asked_while_open(before.rank) in range(1, wanted + 1)):
                continue
            book.put(TOLD, key, Told(*key, rank, book.now, before is None or before.is_new))
            told = RankReached(
                member=member,
                board=request.board,
                period=period_id(request.period),
                rank=rank,
                occurred_at=book.now,
                programme_version=request.version,
            )
            book.tell(member, told)


def tell_final(book: Book, rules: LeaderboardRules, period: Period, place: Standing) -> None:
    """Tells of a place in a standing, if a goal asks for its rank."""
    asked = rules.ranks_asked.get(period.board)
    if asked is None or not asked.final or place.rank > asked.final[-1] or period.ends_at is None:
        return
    told = RankReached(
        member=place.member,
        board=period.board,
        period=period_id(period.period),
        rank=place.rank,
        final=True,
        occurred_at=period.ends_at.astimezone(UTC),
        programme_version=period.version,
    )
    book.tell(place.member, told)


class Lookout:
    """Looks at the boards of which ranks are asked for while they are open."""

    def __init__(self, write_path: WritePath, ranks: Ranks) -> None:
        self._write_path, self._ranks = write_path, ranks
        self._looked: dict[tuple[str, str], tuple[int, int, int]] = {}
        self._best: dict[tuple[str, str], dict[str, int]] = {}
        """The ranks that are known to be told, of the period at hand."""

    async def look(self, now: datetime) -> None:
        """Has ranks told that were not, of every board that changed since the last look."""
        for brand, board, period, index, version, asked in list(self._ranks.asked(now)):
            key, state = (brand, board), (period, version, index.version)
            looked = self._looked.get(key, (-1, 0, 0))
            if looked == state:
                continue
            if looked[:2] != state[:2]:
                self._best[key] = {}
            best = self._best[key]
            for some in _pages(index, asked):
                news = [
                    (place.member, place.rank)
                    for place in some
                    if not 0 < best.get(place.member, 0) <= asked.asked_while_open(place.rank)
                ]
                if news:
                    await self._write_path.submit(brand, Seen(board, period, news, version), weight=len(news))
                    best |= {member: asked.asked_while_open(rank) for member, rank in news}
            self._looked[key] = state


def _pages(index: RankIndex, asked: AskedRanks) -> Iterator[list[Place]]:
    """The places at ranks that are asked for, by pages."""
    for start in range(0, PLACES_MAX, PAGE):
        places = index.page(start, PAGE)
        wanted = [place for place in places if place.rank <= asked.while_open[-1]]
        if wanted:
            yield wanted
        if len(wanted) < PAGE:
            return
