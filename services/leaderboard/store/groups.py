"""Every SQL statement of the standings of groups within boards."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import asyncpg
import orjson

from services.leaderboard.scopes import Known

GroupKey = tuple[str, int, str, str]
"""Board, period, scope, group."""

_KNOWN = """
    SELECT known.* FROM unnest($2::text[]) AS wanted (member)
    CROSS JOIN LATERAL (
        SELECT member, tier, attributes, segments FROM known_members
        WHERE brand = $1 AND known_members.member = wanted.member LIMIT 1
    ) AS known"""
_GROUP = "board, period, scope, group_id, members, score, place, rank, rewarded"
_LOCK = f"""
    SELECT known.* FROM unnest($2::text[], $3::bigint[], $4::text[], $5::text[])
        AS wanted (board, period, scope, group_id)
    CROSS JOIN LATERAL (
        SELECT {_GROUP} FROM board_groups
        WHERE brand = $1 AND board_groups.board = wanted.board AND board_groups.period = wanted.period
          AND board_groups.scope = wanted.scope AND board_groups.group_id = wanted.group_id
        LIMIT 1 FOR NO KEY UPDATE
    ) AS known"""  # noqa: S608
_ADD = """
    INSERT INTO board_groups (brand, board, period, scope, group_id, members, score, place, rank, rewarded)
    SELECT $1, * FROM unnest($2::text[], $3::bigint[], $4::text[], $5::text[], $6::bigint[], $7::bigint[],
        $8::bigint[], $9::bigint[], $10::bigint[])"""
_SAVE = """
    UPDATE board_groups SET members = new.members, score = new.score, place = new.place, rank = new.rank,
        rewarded = new.rewarded
    FROM unnest($2::text[], $3::bigint[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[],
        $9::bigint[], $10::bigint[])
        AS new (board, period, scope, group_id, members, score, place, rank, rewarded)
    WHERE board_groups.brand = $1 AND board_groups.board = new.board AND board_groups.period = new.period
      AND board_groups.scope = new.scope AND board_groups.group_id = new.group_id"""
_ADD_PLACES = """
    INSERT INTO group_standings
        (brand, board, period, scope, group_id, place, rank, member, score, sub_score, reached_at)
    SELECT $1, * FROM unnest($2::text[], $3::bigint[], $4::text[], $5::text[], $6::bigint[], $7::bigint[],
        $8::text[], $9::bigint[], $10::bigint[], $11::timestamptz[])"""
_PLACE = "place, rank, member, score, sub_score, reached_at"
_LAST = f"""
    SELECT wanted.scope, wanted.group_id, known.* FROM unnest($4::text[], $5::text[]) AS wanted (scope, group_id)
    CROSS JOIN LATERAL (
        SELECT {_PLACE} FROM group_standings
        WHERE brand = $1 AND board = $2 AND period = $3
          AND group_standings.scope = wanted.scope AND group_standings.group_id = wanted.group_id
        ORDER BY place DESC LIMIT 1
    ) AS known"""  # noqa: S608
_STANDING = f"""
    SELECT {_PLACE} FROM group_standings
    WHERE brand = $1 AND board = $2 AND period = $3 AND scope = $4 AND group_id = $5 AND place > $6
    ORDER BY place LIMIT $7"""  # noqa: S608
_PLACED = f"""
    SELECT group_id, {_PLACE} FROM group_standings
    WHERE brand = $1 AND board = $2 AND period = $3 AND scope = $4 AND member = $5 ORDER BY group_id LIMIT $6"""  # noqa: S608
_SUMS = """
    SELECT group_id, count(*) AS members, sum(score) AS whole, sum(score) FILTER (WHERE place <= $5) AS best
    FROM group_standings WHERE brand = $1 AND board = $2 AND period = $3 AND scope = $4 GROUP BY group_id"""
_GROUPS = f"""
    SELECT {_GROUP} FROM board_groups
    WHERE brand = $1 AND board = $2 AND period = $3 AND scope = $4 AND group_id = $5"""  # noqa: S608
_TEAMS = f"""
    SELECT {_GROUP} FROM board_groups
    WHERE brand = $1 AND board = $2 AND period = $3 AND scope = $4 AND place > $5 ORDER BY place LIMIT $6"""  # noqa: S608
_TEAM_COUNT = """
    SELECT count(*) FROM board_groups
    WHERE brand = $1 AND board = $2 AND period = $3 AND scope = $4 AND place IS NOT NULL"""
_IS_UNRANKED = """
    SELECT EXISTS (SELECT FROM board_groups
        WHERE brand = $1 AND board = $2 AND period = $3 AND scope = $4 AND place IS NULL)"""
_UNREWARDED = f"""
    SELECT {_GROUP} FROM board_groups
    WHERE brand = $1 AND board = $2 AND period = $3 AND scope = ANY ($4::text[]) AND rewarded < members
    ORDER BY scope, group_id LIMIT $5"""  # noqa: S608


@dataclass(slots=True)
class Group:
    """A group in a period that closes or is closed.

    `members` of it have a place. `score`, `place` and `rank` are the group's
    own, None where groups are not ranked, or not yet. `rewarded` places were
    looked at for what they win.
    """

    board: str
    period: int
    scope: str
    group_id: str
    members: int = 0
    score: int | None = None
    place: int | None = None
    rank: int | None = None
    rewarded: int = 0
    is_new: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class GroupPlace:
    """A place in a group."""

    board: str
    period: int
    scope: str
    group_id: str
    place: int
    rank: int
    member: str
    score: int
    sub_score: int
    reached_at: datetime


async def known(connection: asyncpg.Connection, brand: str, members: Iterable[str]) -> Mapping[str, Known]:
    """What puts members into groups; nothing is locked."""
    return {
        row["member"]: Known(row["tier"], orjson.loads(row["attributes"]), orjson.loads(row["segments"]))
        for row in await connection.fetch(_KNOWN, brand, list(members))
    }


async def lock(connection: asyncpg.Connection, brand: str, keys: Sequence[GroupKey]) -> dict[GroupKey, Group]:
    """The groups that there are."""
    columns = [[key[place] for key in keys] for place in range(4)]
    rows = [Group(*row) for row in await connection.fetch(_LOCK, brand, *columns)]
    return {(row.board, row.period, row.scope, row.group_id): row for row in rows}


async def save(connection: asyncpg.Connection, brand: str, groups: Sequence[Group]) -> None:
    """Writes new and changed groups."""
    for statement, some in (
        (_ADD, [group for group in groups if group.is_new]),
        (_SAVE, [group for group in groups if not group.is_new]),
    ):
        if some:
            await connection.execute(
                statement,
                brand,
                [group.board for group in some],
                [group.period for group in some],
                [group.scope for group in some],
                [group.group_id for group in some],
                [group.members for group in some],
                [group.score for group in some],
                [group.place for group in some],
                [group.rank for group in some],
                [group.rewarded for group in some],
            )


async def add_places(connection: asyncpg.Connection, brand: str, places: Sequence[GroupPlace]) -> None:
    await connection.execute(
        _ADD_PLACES,
        brand,
        [place.board for place in places],
        [place.period for place in places],
        [place.scope for place in places],
        [place.group_id for place in places],
        [place.place for place in places],
        [place.rank for place in places],
        [place.member for place in places],
        [place.score for place in places],
        [place.sub_score for place in places],
        [place.reached_at for place in places],
    )


async def last_places(
    connection: asyncpg.Connection, brand: str, board: str, period: int, groups: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], Any]:
    """The last place that is written down of each group, by scope and group."""
    wanted = list(groups)
    rows = await connection.fetch(
        _LAST, brand, board, period, [scope for scope, _ in wanted], [group for _, group in wanted]
    )
    return {(row["scope"], row["group_id"]): row for row in rows}


async def standing(connection: asyncpg.Connection, brand: str, key: GroupKey, after: int, most: int) -> list[Any]:
    """The places of a group after one."""
    return list(await connection.fetch(_STANDING, brand, *key, after, most))


async def placed(
    connection: asyncpg.Connection, brand: str, board: str, period: int, scope: str, member: str, most: int
) -> list[Any]:
    """A member's places in groups of a scope."""
    return list(await connection.fetch(_PLACED, brand, board, period, scope, member, most))


async def sums(
    connection: asyncpg.Connection, brand: str, board: str, period: int, scope: str, best: int
) -> dict[str, tuple[int, int, int]]:
    """By group how many members have a place, the sum of their scores, and that of the first so many."""
    rows = await connection.fetch(_SUMS, brand, board, period, scope, best)
    return {row["group_id"]: (row["members"], int(row["whole"]), int(row["best"] or 0)) for row in rows}


async def group(connection: asyncpg.Connection, brand: str, key: GroupKey) -> Group | None:
    row = await connection.fetchrow(_GROUPS, brand, *key)
    return Group(*row) if row is not None else None


async def teams(
    connection: asyncpg.Connection, brand: str, board: str, period: int, scope: str, after: int, most: int
) -> tuple[list[Group], int]:
    """The groups of a scope after a place, and how many are ranked."""
    rows = await connection.fetch(_TEAMS, brand, board, period, scope, after, most)
    count = await connection.fetchval(_TEAM_COUNT, brand, board, period, scope)
    return [Group(*row) for row in rows], int(count)


async def is_unranked(connection: asyncpg.Connection, brand: str, board: str, period: int, scope: str) -> bool:
    """Whether a scope has groups that are not ranked yet."""
    return bool(await connection.fetchval(_IS_UNRANKED, brand, board, period, scope))


async def unrewarded(
    connection: asyncpg.Connection, brand: str, board: str, period: int, scopes: Sequence[str], most: int
) -> list[Group]:
    """Groups of which not every place was looked at for what it wins."""
    return [Group(*row) for row in await connection.fetch(_UNREWARDED, brand, board, period, list(scopes), most)]
