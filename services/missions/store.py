"""Every SQL statement of the missions service.

Statements are set-based: their number does not depend on how many activities a
transaction carries. Rows are locked, and new ones inserted, in key order.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import asyncpg

from services.missions.progress import Progress

Key = tuple[str, str]
"""Member, mission."""

# The lateral part is run for each key in the order of the arrays, by the
# primary key, whatever the planner believes of the table's size.
_LOCK_PROGRESS = """
    SELECT wanted.member, wanted.mission, known.progress, known.target, known.completed_at
    FROM unnest($2::text[], $3::text[]) AS wanted (member, mission)
    CROSS JOIN LATERAL (
        SELECT progress, target, completed_at FROM progress
        WHERE brand = $1 AND member = wanted.member AND mission = wanted.mission FOR NO KEY UPDATE
    ) AS known"""
_SAVE_PROGRESS = """
    UPDATE progress SET progress = new.progress, target = new.target, completed_at = new.completed_at
    FROM unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::timestamptz[])
        AS new (member, mission, progress, target, completed_at)
    WHERE progress.brand = $1 AND progress.member = new.member AND progress.mission = new.mission"""
_ADD_PROGRESS = """
    INSERT INTO progress (brand, member, mission, progress, target, completed_at)
    SELECT $1, member, mission, progress, target, completed_at
    FROM unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::timestamptz[])
        AS new (member, mission, progress, target, completed_at)"""
_ADD_COMPLETIONS = """
    INSERT INTO completions (brand, member, mission, activity, completed_at, programme_version)
    SELECT $1, member, mission, activity, completed_at, programme_version
    FROM unnest($2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::integer[])
        AS new (member, mission, activity, completed_at, programme_version)"""
_ADD_BADGES = """
    INSERT INTO badges (brand, member, badge, mission, earned_at)
    SELECT $1, member, badge, mission, earned_at
    FROM unnest($2::text[], $3::text[], $4::text[], $5::timestamptz[]) AS new (member, badge, mission, earned_at)
    ON CONFLICT DO NOTHING RETURNING member, badge"""

_PROGRESS_OF = "SELECT mission, progress, target, completed_at FROM progress WHERE brand = $1 AND member = $2"
_BADGES_OF = """
    SELECT badge, earned_at FROM badges WHERE brand = $1 AND member = $2 ORDER BY earned_at DESC, badge"""
_HOLDERS = "SELECT badge, count(*) AS holders FROM badges WHERE brand = $1 GROUP BY badge"
_COUNTS = """
    SELECT mission, count(*) AS members, count(completed_at) AS completed FROM progress
    WHERE brand = $1 GROUP BY mission"""


class Completion(NamedTuple):
    """A row of `completions`."""

    member: str
    mission: str
    activity: str
    completed_at: datetime
    programme_version: int


class Badge(NamedTuple):
    """A row of `badges`."""

    member: str
    badge: str
    mission: str
    earned_at: datetime


async def lock_progress(connection: asyncpg.Connection, brand: str, keys: Iterable[Key]) -> dict[Key, Progress]:
    """The rows that exist, locked in key order."""
    wanted = sorted(keys)
    if not wanted:
        return {}
    members, missions = (list(column) for column in zip(*wanted, strict=True))
    rows = await connection.fetch(_LOCK_PROGRESS, brand, members, missions)
    return {(member, mission): Progress(*state) for member, mission, *state in rows}


async def save_progress(connection: asyncpg.Connection, brand: str, changed: Mapping[Key, Progress]) -> None:
    """Updates rows that are locked."""
    if changed:
        await connection.execute(_SAVE_PROGRESS, brand, *_columns(changed))


async def add_progress(connection: asyncpg.Connection, brand: str, new: Mapping[Key, Progress]) -> None:
    """Adds rows; one that another transaction added first is a unique violation, and the batch is repeated."""
    if new:
        await connection.execute(_ADD_PROGRESS, brand, *_columns(new))


def _columns(states: Mapping[Key, Progress]) -> list[list[Any]]:
    """Member, mission, progress, target, completed_at, in key order."""
    rows = sorted(states.items(), key=lambda item: item[0])
    return [
        [member for (member, _), _ in rows],
        [mission for (_, mission), _ in rows],
        [state.progress for _, state in rows],
        [state.target for _, state in rows],
        [state.completed_at for _, state in rows],
    ]


async def add_completions(connection: asyncpg.Connection, brand: str, completions: Sequence[Completion]) -> None:
    if completions:
        await connection.execute(_ADD_COMPLETIONS, brand, *(list(c) for c in zip(*sorted(completions), strict=True)))


async def add_badges(connection: asyncpg.Connection, brand: str, badges: Sequence[Badge]) -> set[tuple[str, str]]:
    """Gives badges and returns those, as (member, badge), that their members did not have."""
    if not badges:
        return set()
    columns = (list(column) for column in zip(*sorted(badges), strict=True))
    rows = await connection.fetch(_ADD_BADGES, brand, *columns)
    return {(row["member"], row["badge"]) for row in rows}


async def progress_of(connection: asyncpg.Connection, brand: str, member: str) -> dict[str, Progress]:
    """A member's progress by mission; empty for one of whom nothing is known."""
    rows = await connection.fetch(_PROGRESS_OF, brand, member)
    return {mission: Progress(*state) for mission, *state in rows}


async def badges_of(connection: asyncpg.Connection, brand: str, member: str) -> list[tuple[str, datetime]]:
    """A member's badges with when they were earned, newest first."""
    return [(badge, earned_at) for badge, earned_at in await connection.fetch(_BADGES_OF, brand, member)]


async def holders(connection: asyncpg.Connection, brand: str) -> dict[str, int]:
    """How many members hold each badge that anybody holds."""
    return {row["badge"]: row["holders"] for row in await connection.fetch(_HOLDERS, brand)}


async def counts(connection: asyncpg.Connection, brand: str) -> dict[str, tuple[int, int]]:
    """How many members are on each mission, and how many finished it."""
    return {mission: (members, completed) for mission, members, completed in await connection.fetch(_COUNTS, brand)}
