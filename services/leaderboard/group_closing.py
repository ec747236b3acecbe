"""The standings of a board's groups, which are written down with the board's own, and what they win.

A member's places in groups are written in the transaction that writes the place
on the board, in the board's order: so whoever is on the standing is in those of
their groups, once, as the groups were at that moment. When all places are
written, the groups themselves are ranked, and then each place gives what it
wins, a page at a time; a group keeps how many of its places were looked at.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

import asyncpg

from chassis.book import Kind, Operation, Touched
from chassis.erasure import is_alias
from laurels.value.v1.events_pb2 import GRANT_REASON_STANDING, Grant, RewardGranted
from services.leaderboard import cards
from services.leaderboard.board_rules import BoardRules
from services.leaderboard.book import Book
from services.leaderboard.periods import period_id
from services.leaderboard.prizes import LastRank, won
from services.leaderboard.rules import LeaderboardRules
from services.leaderboard.scopes import NOTHING, aggregated, groups_of, ranked
from services.leaderboard.store import boards as board_store
from services.leaderboard.store import groups as store
from services.leaderboard.store.boards import Period, Standing
from services.leaderboard.store.groups import Group, GroupKey, GroupPlace

GROUPS: Kind[GroupKey, Group] = Kind("board groups", 23, store.lock, store.save)
GROUPS_AT_ONCE, PAGE = 100, 500


@dataclass(frozen=True, slots=True)
class RankGroups:
    """A scope whose groups are to be ranked, of a period whose places are written down."""

    board: str
    period: int
    scope: str
    version: int


@dataclass(frozen=True, slots=True)
class Reward:
    """Groups whose places give what they win: of each those after its `rewarded`, up to a page in all."""

    board: str
    period: int
    groups: Sequence[Group]
    version: int
    ends_at: datetime | None


# -- writing down -----------------------------------------------------------


async def find(
    connection: asyncpg.Connection, book: Book, board: BoardRules, period: int, members: Sequence[str]
) -> None:
    """Reads which groups the members of a page are in, and each group's last place."""
    if not board.scopes:
        return
    known = await store.known(connection, book.brand, members)
    for member in members:
        groups = _groups(board, known.get(member, NOTHING))
        book.grouped[board.board, period, member] = list(groups)
    wanted = {group for member in members for group in book.grouped[board.board, period, member]}
    last = await store.last_places(connection, book.brand, board.board, period, sorted(wanted))
    book.group_standings |= {(board.board, period, *group): row for group, row in last.items()}


def _groups(board: BoardRules, known: Any) -> Iterator[tuple[str, str]]:
    for scope_id, scope in board.scopes.items():
        for group in groups_of(scope, known):
            yield scope_id, group


def touch(book: Book, touched: Touched, board: str, period: int, member: str) -> None:
    """Has the groups locked that a member of a page is in."""
    for group in book.grouped.get((board, period, member), ()):
        touched.row(GROUPS, (board, period, *group))


def write_down(book: Book, board: BoardRules, last: dict[GroupKey, LastRank], row: Standing) -> None:
    """Writes a member's places in groups down; `last` are the ranks before them, of this page."""
    for group in book.grouped.get((row.board, row.period, row.member), ()):
        key = (row.board, row.period, *group)
        found = book.row(GROUPS, key) or Group(*key, is_new=True)
        if key not in last:
            last[key] = LastRank(board.scoring.order, book.group_standings.get(key))
        found.members += 1
        rank = last[key].rank_of(row.score, row.sub_score, found.members)
        place = GroupPlace(*key, found.members, rank, row.member, row.score, row.sub_score, row.reached_at)
        book.add(store.add_places, place)
        book.put(GROUPS, key, found)


# -- ranking and rewarding --------------------------------------------------


async def next_request(
    connection: asyncpg.Connection, brand: str, board: BoardRules, period: Period
) -> "RankGroups | Reward | None":
    """What is to be done next with the groups of a period whose places are all written down; None when nothing is."""
    key = (period.board, period.period)
    for scope_id, scope in board.scopes.items():
        if scope.HasField("team") and await store.is_unranked(connection, brand, *key, scope_id):
            return RankGroups(*key, scope_id, period.version)
    scopes = [scope_id for scope_id, prizes in board.scope_prizes.items() if prizes.places or prizes.teams]
    groups = await store.unrewarded(connection, brand, *key, scopes, GROUPS_AT_ONCE) if scopes else []
    return Reward(*key, groups, period.version, period.ends_at) if groups else None


async def is_unfinished(connection: asyncpg.Connection, brand: str, board: BoardRules, number: int) -> bool:
    """Whether something is left to be done with the groups of a period."""
    period = await board_store.one_period(connection, brand, board.board, number)
    return period is not None and await next_request(connection, brand, board, period) is not None


class CloseGroups(Operation):
    """Ranks groups, and gives what their places win.

    Both are asked for by the one that closes the period, whose state nobody
    else changes meanwhile: the groups' rows alone are locked.
    """

    requests = (RankGroups, Reward)

    def version(self, request: RankGroups | Reward) -> int:
        return request.version

    async def find(
        self, connection: asyncpg.Connection, book: Book, rules: LeaderboardRules, requests: Sequence[Any]
    ) -> Book:
        """Reads the places, of which nothing changes but names."""
        for request in requests:
            board = rules.compiled.get(request.board)
            if board is None:
                continue
            if isinstance(request, RankGroups):
                key = (request.board, request.period, request.scope)
                best = board.scopes[request.scope].team.best
                book.group_sums[key] = await store.sums(connection, book.brand, *key, best)
                continue
            left = PAGE
            for group in request.groups:
                of_group = (group.board, group.period, group.scope, group.group_id)
                rows = await store.standing(connection, book.brand, of_group, group.rewarded, left)
                book.to_reward[of_group] = rows
                left -= len(rows)
                if (of_scope := of_group[:3]) not in book.team_counts:
                    _, book.team_counts[of_scope] = await store.teams(connection, book.brand, *of_scope, 0, 0)
                if left <= 0:
                    break
            pools = (pool for prizes in board.scope_prizes.values() for _, pool in cards.cards_of(prizes.all_grants()))
            await cards.know(connection, book, pools)
        return book

    def touch(self, request: RankGroups | Reward, found: Book, rules: LeaderboardRules, touched: Touched) -> None:
        board = rules.compiled.get(request.board)
        if board is None:
            return
        if isinstance(request, RankGroups):
            for name in found.group_sums[request.board, request.period, request.scope]:
                touched.row(GROUPS, (request.board, request.period, request.scope, name))
            return
        for group in request.groups:
            key = (group.board, group.period, group.scope, group.group_id)
            touched.row(GROUPS, key)
            for row in found.to_reward.get(key, ()):
                for granted_under, grants in _won(board, group, row, found.team_counts[key[:3]]):
                    cards.touch_granted(found, touched, granted_under, row["member"], grants, found.now)

    def decide(self, book: Book, rules: LeaderboardRules, request: RankGroups | Reward) -> bool:
        """Whether there was anything to do."""
        board = rules.compiled.get(request.board)
        if board is None:
            return False
        return (
            self._rank(book, board, request) if isinstance(request, RankGroups) else self._reward(book, board, request)
        )

    @staticmethod
    def _rank(book: Book, board: BoardRules, request: RankGroups) -> bool:
        sums, scope = book.group_sums[request.board, request.period, request.scope], board.scopes[request.scope]
        scores = {group: aggregated(scope.team, *parts) for group, parts in sums.items()}
        for place, team in enumerate(ranked(board.scoring.order, scores), 1):
            key = (request.board, request.period, request.scope, team.group)
            group = book.row(GROUPS, key)
            if group is None or group.place is not None:
                return False
            group.score, group.place, group.rank = team.score, place, team.rank
            book.put(GROUPS, key, group)
        return bool(scores)

    @staticmethod
    def _reward(book: Book, board: BoardRules, request: Reward) -> bool:
        done = False
        for seen in request.groups:
            key = (seen.board, seen.period, seen.scope, seen.group_id)
            group, rows = book.row(GROUPS, key), book.to_reward.get(key, ())
            if group is None or not rows or group.rewarded != seen.rewarded:
                continue
            for row in rows:
                group.rewarded, done = row["place"], True
                if is_alias(row["member"]):
                    continue  # who was erased since wins nothing any more
                for granted_under, grants in _won(board, group, row, book.team_counts[key[:3]]):
                    _grant(book, request, granted_under, row["member"], grants)
            book.put(GROUPS, key, group)
        return done


def _grant(book: Book, request: Reward, key: str, member: str, grants: Sequence[Grant]) -> None:
    granted = RewardGranted(
        key=key,
        member=member,
        grants=grants,
        reason=GRANT_REASON_STANDING,
        reference=request.board,
        occurred_at=request.ends_at.astimezone(UTC) if request.ends_at is not None else None,
        programme_version=request.version,
    )
    book.tell(member, granted)
    cards.give_granted(book, key, member, granted.grants, book.now)


def _won(board: BoardRules, group: Group, row: Any, teams: int) -> Iterator[tuple[str, Sequence[Grant]]]:
    """What a place in a group wins, and what the group's own place does, each with its key."""
    prizes = board.scope_prizes[group.scope]
    # A group may have any text as its name, which a key has not.
    name = blake2b(group.group_id.encode(), digest_size=8).hexdigest()
    key = f"board:{group.board}:{period_id(group.period)}:{group.scope}:{name}"
    if grants := won(prizes.places, row["rank"], row["place"], group.members):
        yield f"{key}:{row['member']}", grants
    grants = won(prizes.teams, group.rank or 0, group.place or 0, teams) if group.place is not None else ()
    if grants:
        yield f"{key}:team:{row['member']}", grants
