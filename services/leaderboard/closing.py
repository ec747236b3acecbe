"""A period that is due is closed in steps, each a transaction that can be asked again.

First it takes no score any more: who moves one holds the period in common, and
whoever closes it waits for them. Then its standing is written down, a page of
the ranks at a time, with the prizes of the members on the page in the same
transaction: a member is in a standing once, and is given a prize with that row
or not at all. When nobody is left, the period is closed.

Pages go on after the last place that was written down, not at a number, so that
an erasure in between moves nobody past a page.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from chassis.book import Kind, Operation, Touched
from chassis.database import EVERY_BRAND, Database
from chassis.events import NO_MEMBER
from chassis.leadership import exclusively
from chassis.loops import Beat
from chassis.write_path import WritePath
from laurels.leaderboard.v1.boards_events_pb2 import BoardPeriodClosed
from laurels.value.v1.events_pb2 import GRANT_REASON_STANDING, RewardGranted
from services.leaderboard import cards, group_closing, ranks, reached
from services.leaderboard.board_rules import BoardRules, Prize
from services.leaderboard.book import Book
from services.leaderboard.live import Herald
from services.leaderboard.periods import period_id
from services.leaderboard.prizes import LastRank, won
from services.leaderboard.rank_index import Place
from services.leaderboard.ranking import EPOCH, microseconds
from services.leaderboard.ranks import Ranks
from services.leaderboard.reached import Lookout
from services.leaderboard.rules import LeaderboardRules
from services.leaderboard.store import boards as store
from services.leaderboard.store.boards import CLOSED, CLOSING, OPEN, Period, PeriodKey, Standing

CLOSED_PERIODS: Kind[PeriodKey, Period] = Kind("closed_periods", 20, store.lock_periods, store.save_periods)
"""Held alone by who closes one."""
EVERY_S = 1.0
AT_ONCE = 100
PAGE = 500
"""So many places are written down at once."""


@dataclass(frozen=True, slots=True)
class Freeze:
    """A period that takes no score any more; `version` is the programme's newest."""

    board: str
    period: int
    now: datetime
    version: int


@dataclass(frozen=True, slots=True)
class WriteDown:
    """Places of a frozen period, in the order after those that are written down; none when there is none left."""

    board: str
    period: int
    archived: int
    members: int
    places: Sequence[Place]
    version: int


class Close(Operation):
    """Freezes periods and writes their standings down."""

    requests = (Freeze, WriteDown)

    def version(self, request: Freeze | WriteDown) -> int:
        return request.version

    async def find(
        self, connection: asyncpg.Connection, book: Book, rules: LeaderboardRules, requests: Sequence[Any]
    ) -> Book:
        """Reads the last place that is written down, and who of the page is: of both nothing changes but names."""
        for request in requests:
            if not isinstance(request, WriteDown):
                continue
            key = (request.board, request.period)
            last = await store.standing(connection, book.brand, *key, request.archived - 1, 1)
            book.standings[key] = last[0] if last else None
            members = [place.member for place in request.places]
            book.placed |= {(*key, row["member"]) for row in await store.placed(connection, book.brand, *key, members)}
            if (board := rules.compiled.get(request.board)) is not None:
                await group_closing.find(connection, book, board, request.period, members)
                if not members and await group_closing.is_unfinished(connection, book.brand, board, request.period):
                    book.unfinished.add(key)
            grants = [grant for prize in _prizes(rules, request) for grant in prize.grants]
            await cards.know(connection, book, (pool for _, pool in cards.cards_of(grants)))
        return book

    def touch(self, request: Freeze | WriteDown, found: Book, rules: LeaderboardRules, touched: Touched) -> None:
        touched.row(CLOSED_PERIODS, (request.board, request.period))
        if isinstance(request, WriteDown):
            for place in request.places:
                group_closing.touch(found, touched, request.board, request.period, place.member)
            for prize in _prizes(rules, request):
                for place in request.places if cards.cards_of(prize.grants) else ():
                    key = _key(request, place.member)
                    cards.touch_granted(found, touched, key, place.member, prize.grants, found.now)

    def decide(self, book: Book, rules: LeaderboardRules, request: Freeze | WriteDown) -> bool:
        """Whether there was anything to do."""
        period = book.row(CLOSED_PERIODS, (request.board, request.period))
        board = rules.compiled.get(request.board)
        if period is None or board is None:
            return False
        if isinstance(request, Freeze):
            return self._freeze(book, period, request)
        if period.state != CLOSING or period.archived != request.archived:
            return False
        if request.archived == 0:
            period.members = request.members
        if request.places:
            self._write_down(book, rules, board, period, request)
        elif (period.board, period.period) in book.unfinished:
            return False
        else:
            self._close(book, period)
        book.put(CLOSED_PERIODS, (period.board, period.period), period)
        return True

    @staticmethod
    def _freeze(book: Book, period: Period, request: Freeze) -> bool:
        if period.state != OPEN or period.closes_at is None or period.closes_at > request.now:
            return False
        period.state, period.version = CLOSING, request.version
        book.put(CLOSED_PERIODS, (period.board, period.period), period)
        return True

    @staticmethod
    def _write_down(book: Book, rules: LeaderboardRules, board: BoardRules, period: Period, request: WriteDown) -> None:
        key = (period.board, period.period)
        before = book.standings[key]
        last, last_of_groups = LastRank(board.scoring.order, before), {}  # type: ignore[var-annotated]
        for place in request.places:
            if (*key, place.member) in book.placed:
                continue
            period.archived += 1
            rank = last.rank_of(place.score, place.sub_score, period.archived)
            reached_at = EPOCH + (place.reached * _MICROSECOND)
            row = Standing(*key, period.archived, rank, place.member, place.score, place.sub_score, reached_at)
            book.add(store.add_standings, row)
            group_closing.write_down(book, board, last_of_groups, row)
            reached.tell_final(book, rules, period, row)
            grants = won(board.prizes, rank, period.archived, period.members)
            if grants:
                granted = RewardGranted(
                    key=_key(period, place.member),
                    member=place.member,
                    grants=grants,
                    reason=GRANT_REASON_STANDING,
                    reference=period.board,
                    occurred_at=period.ends_at.astimezone(UTC) if period.ends_at is not None else None,
                    programme_version=period.version,
                )
                book.tell(place.member, granted)
                # Cards are this service's own, given when the standing is written down.
                cards.give_granted(book, granted.key, place.member, granted.grants, book.now)
        period.members = max(period.members, period.archived)

    @staticmethod
    def _close(book: Book, period: Period) -> None:
        period.state, period.members, period.closed_at = CLOSED, period.archived, book.now
        book.changes.append(ranks.closed(period.board, period.period))
        told = BoardPeriodClosed(
            board=period.board, period=period_id(period.period), members=period.members, closed_at=book.now
        )
        if period.ends_at is not None:
            told.ended_at.FromDatetime(period.ends_at.astimezone(UTC))
        book.tell(NO_MEMBER, told)


def _prizes(rules: LeaderboardRules, request: WriteDown) -> Sequence[Prize]:
    board = rules.compiled.get(request.board)
    return board.prizes if board is not None else ()


def _key(period: WriteDown | Period, member: str) -> str:
    """The key of what a member's place is granted under."""
    return f"board:{period.board}:{period_id(period.period)}:{member}"


_MICROSECOND = EPOCH.resolution


class Closer:
    """Closes periods that are due and tells of live boards and of ranks, in one replica at a time.

    A period that had its first score after it was due, as in a replay, is
    closed when it was not moved for `quiet_s` seconds.
    """

    def __init__(self, database: Database, write_path: WritePath, all_ranks: Ranks, *, quiet_s: float = 0.0) -> None:
        self._database, self._write_path, self._ranks, self._quiet_s = database, write_path, all_ranks, quiet_s
        self._herald = Herald(write_path, all_ranks)
        self._lookout = Lookout(write_path, all_ranks)
        self._late: dict[tuple[str, str, int], tuple[int, datetime]] = {}
        """Of periods that were scored late: how they were when they were seen to change last, and when that was."""

    async def run(self, beat: Beat) -> None:
        """Looks every second, for ever."""
        async with exclusively(self._database.url, "boards:closing", beat):
            while True:
                beat()
                now = datetime.now(UTC)
                await self.run_until(now, beat)
                await self._herald.look(now)
                await self._lookout.look(now)
                await asyncio.sleep(EVERY_S)

    async def run_until(self, now: datetime, beat: Beat = lambda: None) -> None:
        """Closes what is due by a moment."""
        async with self._database.reading(EVERY_BRAND) as connection:
            due = await store.due_periods(connection, now, AT_ONCE)
        for brand, board, period in due:
            beat()
            await self._close(brand, board, period, now, beat)

    async def _close(self, brand: str, board: str, number: int, now: datetime, beat: Beat) -> None:
        async with self._database.reading(brand) as connection:
            period = await store.one_period(connection, brand, board, number)
            # Of a board that the programme no longer has, as it had it last.
            last = await self._ranks.last_with(connection, brand, board)
        if period is None or last is None:
            return
        version, rules = last
        if period.state == OPEN:
            if self._is_moving(brand, period, rules, now):
                return
            if not await self._write_path.submit(brand, Freeze(board, number, now, version)):
                return
        else:
            version = period.version
        # Whatever moved a score before it was frozen is committed by now.
        await self._ranks.catch_up()
        while await self._next_page(brand, board, number, version):
            beat()

    def _is_moving(self, brand: str, period: Period, board: BoardRules, now: datetime) -> bool:
        """Whether a period that began to be scored when it was over may still be: by a replay, or an import."""
        if period.ends_at is None or period.closes_at is None:
            return False
        if period.closes_at <= period.ends_at + timedelta(seconds=board.grace_s):
            return False
        key, index = (brand, period.board, period.period), self._ranks.index(brand, period.board, period.period)
        version = index.version if index is not None else 0
        seen = self._late.get(key)
        if seen is None or seen[0] != version:
            seen = self._late[key] = (version, now)
        if now - seen[1] < timedelta(seconds=self._quiet_s):
            return True
        del self._late[key]
        return False

    async def _next_page(self, brand: str, board: str, number: int, version: int) -> bool:
        async with self._database.reading(brand) as connection:
            period = await store.one_period(connection, brand, board, number)
            if period is None or period.state != CLOSING:
                return False
            last = await store.standing(connection, brand, board, number, period.archived - 1, 1)
            index = self._ranks.index(brand, board, number)
            start = 0
            if index is not None and last:
                row = last[0]
                reached = microseconds(row["reached_at"])
                start = index.position_after(row["score"], row["sub_score"], reached, row["member"])
            places = index.page(start, PAGE) if index is not None else []
            # After an erased member's place the page may begin too early, among equals.
            while places and len(await self._placed(connection, brand, board, number, places)) == len(places):
                start += len(places)
                places = index.page(start, PAGE) if index is not None else []
            compiled = await self._ranks.board_at(connection, brand, board, version)
            groups = None
            if not places and compiled is not None:
                groups = await group_closing.next_request(connection, brand, compiled, period)
        if groups is not None:
            ranked_or_rewarded: bool = await self._write_path.submit(brand, groups, weight=PAGE)
            return ranked_or_rewarded
        members = len(index) if index is not None else 0
        page = WriteDown(board, number, period.archived, members, places, version)
        done: bool = await self._write_path.submit(brand, page, weight=PAGE)
        return done

    @staticmethod
    async def _placed(
        connection: asyncpg.Connection, brand: str, board: str, number: int, places: Sequence[Place]
    ) -> list[Any]:
        return await store.placed(connection, brand, board, number, [place.member for place in places])
