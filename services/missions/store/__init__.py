"""Every SQL statement of the missions service.

Statements are set-based: their number does not depend on how many activities a
transaction carries. Rows are locked, and new ones inserted, in key order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import asyncpg

from services.missions.progress import Progress

# Neither leaves the planner a choice, which it would make by what it believed
# of a table that was empty when the statement was first planned: the lateral
# part goes by the primary key, one descent for all missions of a member, in
# the members' order; the upsert of a locked row finds it by the primary key
# too. An update joined to the rows read the whole brand for each batch.
_LOCK_PROGRESS = """
    SELECT wanted.member, known.*
    FROM unnest($2::text[], $3::text[]) AS wanted (member, missions)
    CROSS JOIN LATERAL (
        SELECT mission, progress, target, completed_at FROM progress
        WHERE brand = $1 AND member = wanted.member AND mission = ANY (string_to_array(wanted.missions, ' '))
        ORDER BY mission FOR NO KEY UPDATE
    ) AS known"""
_SAVE_PROGRESS = """
    INSERT INTO progress (brand, member, mission, progress, target, completed_at)
    SELECT $1, member, mission, progress::bigint, target::bigint, completed_at::timestamptz
    FROM unnest(
        string_to_array($2, ' '), string_to_array($3, ' '), string_to_array($4, ' '), string_to_array($5, ' '),
        string_to_array($6, ' ', '')
    ) AS locked (member, mission, progress, target, completed_at)
    ON CONFLICT (brand, member, mission) DO UPDATE
    SET progress = excluded.progress, target = excluded.target, completed_at = excluded.completed_at"""
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

_PROGRESS_OF = "SELECT mission, progress, target, completed_at FROM progress WHERE brand = $1 AND member = $2"
# The tallies first, which count what is deleted then.
_ERASE = "SELECT erase_achievements($1), erase_member($1)"
_COUNTS = """
    SELECT mission, count(*) AS members, count(completed_at) AS completed FROM progress
    WHERE brand = $1 GROUP BY mission"""


@dataclass(slots=True, kw_only=True)
class Row(Progress):
    """A member's progress in a mission as loaded under its lock, or (not `known`) as it is to be added."""

    member: str
    mission: str
    known: bool = False


class Completion(NamedTuple):
    """A row of `completions`."""

    member: str
    mission: str
    activity: str
    completed_at: datetime
    programme_version: int


async def lock_progress(
    connection: asyncpg.Connection, brand: str, keys: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], Row]:
    """The rows that exist of members' missions, locked in key order."""
    missions: dict[str, list[str]] = {}
    for member, mission in keys:
        missions.setdefault(member, []).append(mission)
    wanted = [" ".join(of_member) for of_member in missions.values()]
    return {
        (member, mission): Row(progress, target, completed_at, member=member, mission=mission, known=True)
        for member, mission, progress, target, completed_at in await connection.fetch(
            _LOCK_PROGRESS, brand, list(missions), wanted
        )
    }


async def save_progress(connection: asyncpg.Connection, brand: str, rows: Sequence[Row]) -> None:
    """Updates locked rows and adds new ones.

    One that another transaction added first is a unique violation, and the
    batch is repeated. The columns of known ones go as text, ids having no
    spaces: the driver takes three times as long over arrays.
    """
    if known := [row for row in rows if row.known]:
        await connection.execute(
            _SAVE_PROGRESS,
            brand,
            " ".join([row.member for row in known]),
            " ".join([row.mission for row in known]),
            " ".join([str(row.progress) for row in known]),
            " ".join([str(row.target) for row in known]),
            " ".join([row.completed_at.isoformat() if row.completed_at is not None else "" for row in known]),
        )
    if new := [row for row in rows if not row.known]:
        await connection.execute(
            _ADD_PROGRESS,
            brand,
            [row.member for row in new],
            [row.mission for row in new],
            [row.progress for row in new],
            [row.target for row in new],
            [row.completed_at for row in new],
        )


async def add_completions(connection: asyncpg.Connection, brand: str, completions: Sequence[Completion]) -> None:
    if completions:
        await connection.execute(_ADD_COMPLETIONS, brand, *(list(c) for c in zip(*sorted(completions), strict=True)))


async def progress_of(connection: asyncpg.Connection, brand: str, member: str) -> dict[str, Progress]:
    """A member's progress by mission; empty for one of whom nothing is known."""
    rows = await connection.fetch(_PROGRESS_OF, brand, member)
    return {row["mission"]: Progress(row["progress"], row["target"], row["completed_at"]) for row in rows}


async def counts(connection: asyncpg.Connection, brand: str) -> dict[str, tuple[int, int]]:
    """How many members are on each mission, and how many finished it."""
    return {mission: (members, completed) for mission, members, completed in await connection.fetch(_COUNTS, brand)}


async def erase(connection: asyncpg.Connection, _brand: str, member: str, _alias: str) -> None:
    """Deletes everything of a member who is being erased."""
    await connection.execute(_ERASE, member)
