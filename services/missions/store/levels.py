"""The SQL of experience and of the levels that members have reached."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import asyncpg

from services.missions.level_rules import Experience, Reached

_LOCK = """
    SELECT member, experience, peak FROM experiences WHERE brand = $1 AND member = ANY($2::text[]) ORDER BY member"""
_SAVE = """
    INSERT INTO experiences (brand, member, experience, peak)
    SELECT $1, member, experience, peak
    FROM unnest($2::text[], $3::bigint[], $4::bigint[]) AS locked (member, experience, peak)"""
_UPDATE = """
    ON CONFLICT (brand, member) DO UPDATE SET experience = excluded.experience, peak = excluded.peak"""
_LEVELS = """
    SELECT member, level, reached_at, experience, programme_version FROM levels_reached
    WHERE brand = $1 AND member = ANY($2::text[])"""
_ADD_LEVELS = """
    INSERT INTO levels_reached (brand, member, level, reached_at, experience, programme_version)
    SELECT $1, member, level, reached_at, experience, programme_version
    FROM unnest($2::text[], $3::text[], $4::timestamptz[], $5::bigint[], $6::integer[])
        AS new (member, level, reached_at, experience, programme_version)"""


@dataclass(slots=True)
class Levels:
    """The levels that a member has reached; `added` are not saved yet. The experience's lock guards them."""

    member: str
    reached: dict[str, Reached] = field(default_factory=dict)
    added: list[Reached] = field(default_factory=list)


async def lock_experiences(connection: asyncpg.Connection, brand: str, members: list[str]) -> dict[str, Experience]:
    rows = await connection.fetch(_LOCK + " FOR NO KEY UPDATE", brand, members)
    return {row["member"]: Experience(**row, is_new=False) for row in rows}


async def experiences(connection: asyncpg.Connection, brand: str, members: Sequence[str]) -> dict[str, Experience]:
    """Experiences as they are, without a lock."""
    rows = await connection.fetch(_LOCK, brand, list(members)) if members else []
    return {row["member"]: Experience(**row, is_new=False) for row in rows}


async def save_experiences(connection: asyncpg.Connection, brand: str, changed: list[Experience]) -> None:
    """Saves locked rows, and adds new ones: one that another transaction added first is a unique violation."""
    for statement, is_new in ((_SAVE + _UPDATE, False), (_SAVE, True)):
        found = [experience for experience in changed if experience.is_new == is_new]
        if found:
            await connection.execute(
                statement,
                brand,
                [each.member for each in found],
                [each.experience for each in found],
                [each.peak for each in found],
            )


async def levels_of(connection: asyncpg.Connection, brand: str, members: list[str]) -> dict[str, Levels]:
    found: dict[str, Levels] = {}
    for row in await connection.fetch(_LEVELS, brand, members):
        of_member = found.setdefault(row["member"], Levels(row["member"]))
        of_member.reached[row["level"]] = Reached(
            row["level"], row["reached_at"], row["experience"], row["programme_version"]
        )
    return found


async def save_levels(connection: asyncpg.Connection, brand: str, levels: list[Levels]) -> None:
    rows = [(each.member, reached) for each in levels for reached in each.added]
    await connection.execute(
        _ADD_LEVELS,
        brand,
        [member for member, _ in rows],
        [reached.level for _, reached in rows],
        [reached.reached_at for _, reached in rows],
        [reached.experience for _, reached in rows],
        [reached.programme_version for _, reached in rows],
    )
