"""Every open board's ranks, in each replica's memory: what PostgreSQL has, soon after, and at once for the writer.

A transaction that changes boards writes down what it changes, in one row. Its
own replica applies that when it is committed, before anybody is answered; the
others read such rows. What a row tells of a score is the whole score with the
number of its moves, of which the greater is the newer: rows may be applied
twice, and in any order.

No row is missed: reading goes on from the oldest transaction that had not ended
when it was read last. Rows are kept for a minute; whoever has not read for half
of that loads everything again.
"""

import asyncio
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import asyncpg
import numpy as np
import orjson

from chassis.configuration import Configurations
from chassis.database import EVERY_BRAND, TRANSIENT, Database
from chassis.erasure import is_alias
from chassis.errors import NotFound, Unavailable
from chassis.logging import logger
from chassis.loops import Beat
from services.leaderboard.board_rules import BoardRules
from services.leaderboard.rank_index import Order, RankIndex
from services.leaderboard.ranking import Score, UnknownBoard, microseconds
from services.leaderboard.rules import AskedRanks, LeaderboardRules
from services.leaderboard.scopes import NOTHING, Groups, Known
from services.leaderboard.store import boards as store

EVERY_S = 0.2
KEPT_S = 60.0
LOST_S = 30.0
CHUNK = 50_000
"""So many scores are loaded by a statement: well within its time-out."""
BREATH = 1_000
_BRANDS = "SELECT DISTINCT brand FROM configurations"
_log = logger("ranks")

Change = list[Any]
"""What kind it is, and what its kind says."""


def scored(score: Score) -> Change:
    """A score is now so."""
    reached = microseconds(score.reached_at)
    return ["score", score.board, score.period, score.member, score.score, score.sub_score, reached, score.moves]


def removed(board: str, member: str, is_removed: bool) -> Change:
    """A member is off a board now, or back."""
    return ["removed", board, member, is_removed]


def closed(board: str, period: int) -> Change:
    """A period's standing is written down: nobody needs its ranks."""
    return ["closed", board, period]


def consented(member: str, granted: bool) -> Change:
    """A member may be shown, or not."""
    return ["consented", member, granted]


def known(member: str, tier: str, attributes: dict[str, Any], segments: list[str]) -> Change:
    """What is known of a member is now so."""
    return ["known", member, tier, attributes, segments]


def erased(member: str, alias: str) -> Change:
    """A member is forgotten, and will be once more."""
    return ["erased", member, alias]


def settled(alias: str) -> Change:
    """Whoever the alias stands for is forgotten for good."""
    return ["settled", alias]


def adopted(version: int) -> Change:
    """There is a new version of the programme."""
    return ["adopted", version]


@dataclass(slots=True)
class BrandRanks:
    """A brand's boards as far as they are open, who is off them, and what members said of being shown."""

    rules: LeaderboardRules | None = None
    version: int = 0
    departed: dict[str, BoardRules] = field(default_factory=dict)
    """Boards that the programme no longer has, as it had them last: their periods end, and stay readable."""
    indexes: dict[tuple[str, int], RankIndex] = field(default_factory=dict)
    removed: dict[str, set[str]] = field(default_factory=dict)
    consents: dict[str, bool] = field(default_factory=dict)
    groups: dict[tuple[str, int], Groups] = field(default_factory=dict)
    """Of boards with scopes, which alone need what is `known` of members."""
    known: dict[str, Known] = field(default_factory=dict)
    scoped: bool = False
    is_stale: bool = False
    told: int = 0
    """How often what members said has changed."""
    erasing: dict[str, str] = field(default_factory=dict)
    """Members who are being erased, by alias."""
    said: dict[tuple[str, ...], int] = field(default_factory=dict)
    """The number of the change that spoke last of a removal or a consent."""

    def index(self, board: str, period: int) -> RankIndex:
        found = self.indexes.get((board, period))
        if found is None:
            found = self.indexes[board, period] = RankIndex(self._order(board))
        return found

    def board(self, board: str) -> BoardRules | None:
        """A board as the programme has it, or had it last."""
        compiled = self.rules.compiled.get(board) if self.rules is not None else None
        return compiled if compiled is not None else self.departed.get(board)

    def _order(self, board: str) -> Order:
        compiled = self.board(board)
        return compiled.scoring.order if compiled is not None else Order()

    def adopt(self, version: int, rules: LeaderboardRules) -> None:
        """Takes a version over; boards that it orders in another way are ordered anew."""
        if version <= self.version:
            return
        before = self.rules.compiled if self.rules is not None else {}
        left = {name: board for name, board in before.items() if name not in rules.compiled}
        # Boards within boards are made when the brand is loaded, and so is known how a
        # board was last that left with a version which this replica did not see.
        self.is_stale = self.is_stale or any(
            board.scopes and (name not in before or _within(before[name]) != _within(board))
            for name, board in rules.compiled.items()
        )
        unseen = any(name not in rules.compiled and self.board(name) is None for name, _ in self.indexes)
        self.is_stale = self.is_stale or unseen or bool(left and version > self.version + 1)
        self.version, self.rules = version, rules
        self.departed = {name: board for name, board in (self.departed | left).items() if name not in rules.compiled}
        self.scoped = any(board.scopes for board in [*rules.compiled.values(), *self.departed.values()])
        for key, index in list(self.indexes.items()):
            order = self._order(key[0])
            if index.order != order:
                again = self.indexes[key] = RankIndex(order)
                for member, score, sub_score, reached, moves, ranked in index.everyone():
                    again.put(member, score, sub_score, reached, moves)
                    if not ranked:
                        again.remove(member)

    def put(self, board: str, period: int, member: str, score: int, sub_score: int, reached: int, moves: int) -> None:
        index = self.index(board, period)
        index.put(member, score, sub_score, reached, moves)
        if member in self.removed.get(board, ()):
            index.remove(member)
        elif self.scoped:
            self._regroup(board, period, member)

    def _regroup(self, board: str, period: int, member: str) -> None:
        """Ranks a member in the groups that they are in as they are ranked on the board."""
        compiled = self.board(board)
        if compiled is None or not compiled.scopes:
            return
        groups = self.groups.get((board, period))
        if groups is None:
            groups = self.groups[board, period] = Groups(compiled.scoring.order, compiled.scopes)
        index = self.indexes[board, period]
        place = index.place(member)
        if place is None:
            groups.remove(self.known.get(member, NOTHING), member)
        else:
            known = self.known.get(member, NOTHING)
            groups.put(known, member, place.score, place.sub_score, place.reached, index.moves(member))

    def know(self, member: str, known: Known) -> None:
        """Moves a member from the groups that they were in to those that they are in now."""
        if not self.scoped:
            return
        before, self.known[member] = self.known.get(member, NOTHING), known
        for groups in self.groups.values():
            groups.remove(before, member)
        for board, period in list(self.indexes):
            self._regroup(board, period, member)

    def group(self) -> Iterator[None]:
        """Makes all boards within boards, of ranks that were loaded; comes up for air now and then."""
        for (board, period), index in self.indexes.items():
            compiled = self.board(board)
            if compiled is None or not compiled.scopes:
                continue
            for number, (member, *_, ranked) in enumerate(index.everyone(), 1):
                if ranked:
                    self._regroup(board, period, member)
                if number % BREATH == 0:
                    yield
        self.is_stale = False

    def remove(self, board: str, member: str, is_removed: bool) -> None:
        off = self.removed.setdefault(board, set())
        (off.add if is_removed else off.discard)(member)
        for (name, period), index in self.indexes.items():
            if name == board:
                (index.remove if is_removed else index.restore)(member)
                self._regroup(board, period, member)

    def forget(self, member: str) -> None:
        self.consents.pop(member, None)
        for of in [of for of in self.said if of[-1] == member]:
            del self.said[of]
        for off in self.removed.values():
            off.discard(member)
        for index in self.indexes.values():
            index.forget(member)
        self.known.pop(member, None)
        for groups in self.groups.values():
            groups.forget(member)

    def is_shown(self, board: BoardRules, member: str) -> bool:
        """Whether a board may say whose place it is."""
        said = self.consents.get(member)
        return said is True or (said is None and not board.with_consent)


class Ranks:
    """The ranks of all brands' open boards."""

    def __init__(self, database: Database, programmes: Configurations[LeaderboardRules]) -> None:
        self._database, self._programmes = database, programmes
        self._brands: dict[str, BrandRanks] = {}
        self._horizon = 0
        self._seen: set[int] = set()
        self._read_at = 0.0
        self._catching_up: asyncio.Task[None] | None = None
        self._meanwhile: list[tuple[str, int, list[Change]]] | None = None
        """What was applied while boards are made anew; None when none are."""
        self.position = 0

    # -- reading ------------------------------------------------------------

    def board(self, brand: str, board: str) -> tuple[BrandRanks, BoardRules]:
        """Raises NotFound (`unknown_brand`), UnknownBoard."""
        found = self._brands.get(brand)
        if found is None or found.rules is None:
            raise NotFound(f"Brand {brand!r} has no programme yet.", code="unknown_brand")
        compiled = found.board(board)
        if compiled is None:
            raise UnknownBoard(board)
        return found, compiled

    def rules(self, brand: str) -> tuple[int, LeaderboardRules | None]:
        found = self._brands.get(brand)
        return (found.version, found.rules) if found is not None else (0, None)

    def index(self, brand: str, board: str, period: int) -> RankIndex | None:
        found = self._brands.get(brand)
        return found.indexes.get((board, period)) if found is not None else None

    async def at_least(self, position: int) -> None:
        """Waits until the change that a write was told is applied. Raises Unavailable."""
        if position <= 0 or position in self._seen:
            return
        try:
            # It was committed before its caller could ask, so that reading once finds it.
            await self.catch_up()
        except TRANSIENT:
            raise Unavailable("The board's changes cannot be read at the moment; try again.") from None

    def live(self, now: datetime) -> Iterator[tuple[str, str, int, RankIndex]]:
        """The live boards' periods at hand that have a score: brand, board, period, index."""
        for brand, ranks in self._brands.items():
            for board in ranks.rules.compiled.values() if ranks.rules is not None else ():
                span = board.periods.at(now) if board.live else None
                index = ranks.indexes.get((board.board, span.period)) if span is not None else None
                if span is not None and index is not None:
                    yield brand, board.board, span.period, index

    def asked(self, now: datetime) -> Iterator[tuple[str, str, int, RankIndex, int, AskedRanks]]:
        """The periods at hand of which goals ask for ranks: brand, board, period, index, version, the ranks."""
        for brand, ranks in self._brands.items():
            if (rules := ranks.rules) is None:
                continue
            for board, asked in rules.ranks_asked.items():
                span = rules.compiled[board].periods.at(now) if asked.while_open else None
                index = ranks.indexes.get((board, span.period)) if span is not None else None
                if span is not None and index is not None:
                    yield brand, board, span.period, index, ranks.version, asked

    # -- following ----------------------------------------------------------

    def apply(self, brand: str, number: int, changes: Iterable[Change]) -> None:
        """Applies what a committed transaction changed."""
        if number in self._seen:
            return
        self._seen.add(number)
        self.position = max(self.position, number)
        changes = list(changes)
        self._apply(self._brands.setdefault(brand, BrandRanks()), number, changes)
        if self._meanwhile is not None:
            self._meanwhile.append((brand, number, changes))

    @staticmethod
    def _apply(ranks: BrandRanks, number: int, changes: Iterable[Change]) -> None:
        for kind, *said in changes:
            match kind:
                case "score" if not is_alias(said[2]):
                    ranks.put(*said)
                case "removed":
                    if _is_news(ranks, ("removed", said[0], said[1]), number):
                        ranks.remove(*said)
                case "consented":
                    if _is_news(ranks, ("consented", said[0]), number):
                        ranks.consents[said[0]] = said[1]
                        ranks.told += 1
                case "closed":
                    ranks.indexes.pop((said[0], said[1]), None)
                    ranks.groups.pop((said[0], said[1]), None)
                case "known" if ranks.scoped and not is_alias(said[0]):
                    if _is_news(ranks, ("known", said[0]), number):
                        ranks.know(said[0], Known(*said[1:]))
                case "erased":
                    ranks.erasing[said[1]] = said[0]
                    ranks.forget(said[0])
                case "settled":
                    ranks.forget(ranks.erasing.pop(said[0], ""))

    def adopt(self, brand: str, version: int, rules: LeaderboardRules) -> None:
        """Takes a version over that this replica adopted."""
        self._brands.setdefault(brand, BrandRanks()).adopt(version, rules)

    async def catch_up(self) -> None:
        """Applies all that was committed before it was called."""
        # A reading that began before may have missed it; the one after it has not.
        if (running := self._catching_up) is not None:
            await asyncio.wait({running})
        if self._catching_up is None or self._catching_up.done():
            self._catching_up = asyncio.create_task(self._read())
        await asyncio.shield(self._catching_up)

    async def _read(self) -> None:
        await self._read_changes()
        stale = [brand for brand, ranks in self._brands.items() if ranks.is_stale]
        if not stale:
            return
        # What this replica commits meanwhile is applied to what is replaced then, and so once more.
        self._meanwhile = []
        try:
            fresh = {brand: await self._load_brand(brand, lambda: None) for brand in stale}
            for brand, number, changes in self._meanwhile:
                if brand in fresh:
                    self._apply(fresh[brand], number, changes)
        finally:
            self._meanwhile = None
        for brand, ranks in fresh.items():
            before = self._brands[brand]
            ranks.said = before.said | ranks.said
            if before.rules is not None:
                ranks.adopt(before.version, before.rules)
        self._brands |= fresh

    async def _read_changes(self) -> None:
        async with self._database.reading(EVERY_BRAND) as connection:
            following, told, rows = await store.changes(connection, self._horizon, self._seen)
        newer: set[str] = set()
        for number, brand, packed in rows:
            changes = orjson.loads(packed)
            self.apply(brand, number, changes)
            if any(kind == "adopted" for kind, *_ in changes):
                newer.add(brand)
        for brand in newer:
            await self._adopt_newest(brand)
        # What is before the horizon is not told of again; what is applied twice does no harm.
        newest = told[-1] if told else 0
        self._seen = {number for number in self._seen if number > newest} | set(told)
        self._horizon = following
        self._read_at = time.monotonic()

    async def _adopt_newest(self, brand: str) -> None:
        async with self._database.reading(brand) as connection:
            version, rules = await self._programmes.newest(connection, brand)
        self.adopt(brand, version, rules)

    async def run(self, beat: Beat) -> None:
        """Follows for ever."""
        forgotten_at, position = 0.0, 0
        while True:
            beat()
            if time.monotonic() - self._read_at > LOST_S:
                _log.warning("ranks are loaded again")
                await self.load(beat)
            await self.catch_up()
            if time.monotonic() - forgotten_at > KEPT_S / 4:
                async with self._database.transaction(EVERY_BRAND) as connection:
                    await store.forget_changes(connection, KEPT_S)
                # What spoke last so long ago is not contradicted by what is read late.
                for ranks in self._brands.values():
                    ranks.said = {of: number for of, number in ranks.said.items() if number > position}
                forgotten_at, position = time.monotonic(), self.position
            await asyncio.sleep(EVERY_S)

    # -- loading ------------------------------------------------------------

    async def load(self, beat: Beat = lambda: None) -> None:
        """Reads everything from the database."""
        async with self._database.reading(EVERY_BRAND) as connection:
            horizon, newest = await store.horizon(connection)
            names = [row["brand"] for row in await connection.fetch(_BRANDS)]
        loaded = {name: await self._load_brand(name, beat) for name in names}
        self._brands, self._horizon, self._read_at = loaded, horizon, time.monotonic()
        self._seen = set()
        self.position = max(self.position, newest)
        await self.catch_up()

    async def _load_brand(self, brand: str, beat: Beat) -> BrandRanks:
        ranks = BrandRanks()
        async with self._database.reading(brand) as connection:
            ranks.adopt(*await self._programmes.newest(connection, brand))
            for board in await store.boards(connection, brand):
                last = await self.last_with(connection, brand, board)
                if last is not None and last[0] != ranks.version:
                    ranks.departed[board] = last[1]
            ranks.scoped = ranks.scoped or any(board.scopes for board in ranks.departed.values())
            for board, member in await store.removed(connection, brand):
                ranks.removed.setdefault(board, set()).add(member)
            ranks.consents = await store.consents(connection, brand)
            ranks.erasing = await store.erasing(connection, brand)
            periods = await store.open_periods(connection, brand)
        for period in periods:
            await self._load_index(brand, ranks, period.board, period.period, beat)
        if ranks.scoped:
            await self._load_known(brand, ranks, beat)
        for _ in ranks.group():
            beat()
            await asyncio.sleep(0)
        return ranks

    async def board_at(self, connection: asyncpg.Connection, brand: str, board: str, version: int) -> BoardRules | None:
        """A board as a version has it."""
        return (await self._programmes.at(connection, brand, version)).compiled.get(board)

    async def last_with(self, connection: asyncpg.Connection, brand: str, board: str) -> tuple[int, BoardRules] | None:
        """The newest version that has a board, and the board; None when none has."""
        for version in await store.versions(connection, brand):
            compiled = (await self._programmes.at(connection, brand, version)).compiled.get(board)
            if compiled is not None:
                return version, compiled
        return None

    async def _load_known(self, brand: str, ranks: BrandRanks, beat: Beat) -> None:
        after = ""
        while True:
            beat()
            async with self._database.reading(brand) as connection:
                some = await store.known(connection, brand, after, CHUNK)
            for member, tier, attributes, segments in some:
                ranks.known[member] = Known(tier, orjson.loads(attributes), orjson.loads(segments))
            if len(some) < CHUNK:
                return
            after = some[-1][0]

    async def _load_index(self, brand: str, ranks: BrandRanks, board: str, period: int, beat: Beat) -> None:
        members: list[str] = []
        parts: list[Any] = []
        after = ""
        while True:
            beat()
            async with self._database.reading(brand) as connection:
                some, columns = await store.columns(connection, brand, board, period, after, CHUNK)
            members += some
            parts.append(columns)
            if len(some) < CHUNK:
                break
            after = some[-1]
        index = ranks.index(board, period)
        index.load(members, np.concatenate(parts, axis=1))
        for member in ranks.removed.get(board, ()):
            index.remove(member)


def _within(board: BoardRules) -> tuple[Any, ...]:
    """What boards within a board depend on."""
    return board.scoring.order, {name: scope.SerializeToString() for name, scope in board.scopes.items()}


def _is_news(ranks: BrandRanks, of: tuple[str, ...], number: int) -> bool:
    if number < ranks.said.get(of, 0):
        return False
    ranks.said[of] = number
    return True
