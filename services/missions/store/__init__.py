"""Every SQL statement of the missions service.

Statements are set-based: their number does not depend on how many activities a
transaction carries. Rows are locked, and new ones inserted, in key order.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import asyncpg

_ADD_BADGES = """
    INSERT INTO badges (brand, member, badge, mission, earned_at)
    SELECT $1, member, badge, mission, earned_at
    FROM unnest($2::text[], $3::text[], $4::text[], $5::timestamptz[]) AS new (member, badge, mission, earned_at)
    ON CONFLICT DO NOTHING RETURNING member, badge"""

_BADGES_OF = """
    SELECT badge, earned_at FROM badges WHERE brand = $1 AND member = $2 ORDER BY earned_at DESC, badge"""
_HOLDERS = "SELECT badge, count(*) AS holders FROM badges WHERE brand = $1 GROUP BY badge"
_ERASE = "SELECT erase_member($1)"


class Badge(NamedTuple):
    """A row of `badges`."""

    member: str
    badge: str
    mission: str
    earned_at: datetime


async def add_badges(connection: asyncpg.Connection, brand: str, badges: Sequence[Badge]) -> set[tuple[str, str]]:
    """Gives badges and returns those, as (member, badge), that their members did not have."""
    if not badges:
        return set()
    columns = (list(column) for column in zip(*sorted(badges), strict=True))
    rows = await connection.fetch(_ADD_BADGES, brand, *columns)
    return {(row["member"], row["badge"]) for row in rows}


async def badges_of(connection: asyncpg.Connection, brand: str, member: str) -> list[tuple[str, datetime]]:
    """A member's badges with when they were earned, newest first."""
    return [(badge, earned_at) for badge, earned_at in await connection.fetch(_BADGES_OF, brand, member)]


async def holders(connection: asyncpg.Connection, brand: str) -> dict[str, int]:
    """How many members hold each badge that anybody holds."""
    return {row["badge"]: row["holders"] for row in await connection.fetch(_HOLDERS, brand)}


async def erase(connection: asyncpg.Connection, _brand: str, member: str, _alias: str) -> None:
    """Deletes everything of a member who is being erased."""
    await connection.execute(_ERASE, member)
