"""The SQL of badges: what members have, and each time that they earned it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

HoldingKey = tuple[str, str]
"""Member and badge."""
AwardKey = tuple[str, str]
"""Member, and the key of what gave the badge."""

_LOCK_HOLDINGS = """
    SELECT known.* FROM unnest($2::text[], $3::text[]) AS wanted (member, badge)
    CROSS JOIN LATERAL (
        SELECT member, badge, mission, earned_at, count, stands FROM badges
        WHERE brand = $1 AND badges.member = wanted.member AND badges.badge = wanted.badge
        FOR NO KEY UPDATE
    ) AS known"""
_SAVE_HOLDINGS = """
    INSERT INTO badges (brand, member, badge, mission, earned_at, count, stands)
    SELECT $1, member, badge, mission, earned_at, count, stands
    FROM unnest($2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::bigint[], $7::boolean[])
        AS locked (member, badge, mission, earned_at, count, stands)
    ON CONFLICT (brand, member, badge) DO UPDATE
    SET earned_at = excluded.earned_at, count = excluded.count, stands = excluded.stands"""
_ADD_HOLDINGS = _SAVE_HOLDINGS[: _SAVE_HOLDINGS.index("ON CONFLICT")]
_LOCK_AWARDS = """
    SELECT known.* FROM unnest($2::text[], $3::text[]) AS wanted (member, key)
    CROSS JOIN LATERAL (
        SELECT member, key, badge, activity, earned_at, told, revoked_at FROM badge_awards
        WHERE brand = $1 AND badge_awards.member = wanted.member AND badge_awards.key = wanted.key
        FOR NO KEY UPDATE
    ) AS known"""
_ADD_AWARDS = """
    INSERT INTO badge_awards (brand, member, key, badge, activity, earned_at, told, revoked_at)
    SELECT $1, member, key, badge, activity, earned_at, told, revoked_at
    FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::boolean[],
            $8::timestamptz[])
        AS new (member, key, badge, activity, earned_at, told, revoked_at)"""
_SAVE_AWARDS = (
    _ADD_AWARDS
    + " ON CONFLICT (brand, member, key) DO UPDATE SET revoked_at = excluded.revoked_at, told = excluded.told"
)
_BY_ACTIVITY = """
    SELECT known.* FROM unnest($2::text[], $3::text[]) AS wanted (member, activity)
    CROSS JOIN LATERAL (
        SELECT member, key, badge, activity, earned_at, told, revoked_at FROM badge_awards
        WHERE brand = $1 AND badge_awards.member = wanted.member AND badge_awards.activity = wanted.activity
            AND badge_awards.activity <> '' AND revoked_at IS NULL
    ) AS known"""
_STANDING_OF = """
    SELECT member, key, badge, activity, earned_at, told, revoked_at FROM badge_awards
    WHERE brand = $1 AND member = $2 AND revoked_at IS NULL"""
_OF_MEMBER = """
    SELECT badge, earned_at, count FROM badges WHERE brand = $1 AND member = $2 AND stands
    ORDER BY earned_at DESC, badge"""


@dataclass(slots=True)
class Holding:
    """A badge that a member earned: how often, and whether it stands rather than being replaced or taken away."""

    member: str
    badge: str
    mission: str
    earned_at: datetime
    count: int
    stands: bool
    is_new: bool = False


@dataclass(slots=True)
class Award:
    """One time that a member earned a badge, by which activity, if one did, and whether BadgeEarned told it."""

    member: str
    key: str
    badge: str
    activity: str
    earned_at: datetime
    told: bool
    revoked_at: datetime | None = None
    is_new: bool = False


async def lock_holdings(
    connection: asyncpg.Connection, brand: str, keys: list[HoldingKey]
) -> dict[HoldingKey, Holding]:
    rows = await connection.fetch(_LOCK_HOLDINGS, brand, *_columns(keys))
    return {(row["member"], row["badge"]): Holding(**row) for row in rows}


async def save_holdings(connection: asyncpg.Connection, brand: str, holdings: list[Holding]) -> None:
    """Saves locked rows, and adds new ones: one that another transaction added first is a unique violation."""
    for statement, is_new in ((_SAVE_HOLDINGS, False), (_ADD_HOLDINGS, True)):
        found = [holding for holding in holdings if holding.is_new == is_new]
        if found:
            await connection.execute(
                statement,
                brand,
                [each.member for each in found],
                [each.badge for each in found],
                [each.mission for each in found],
                [each.earned_at for each in found],
                [each.count for each in found],
                [each.stands for each in found],
            )


async def lock_awards(connection: asyncpg.Connection, brand: str, keys: list[AwardKey]) -> dict[AwardKey, Award]:
    rows = await connection.fetch(_LOCK_AWARDS, brand, *_columns(keys))
    return {(row["member"], row["key"]): Award(**row) for row in rows}


async def save_awards(connection: asyncpg.Connection, brand: str, awards: list[Award]) -> None:
    for statement, is_new in ((_SAVE_AWARDS, False), (_ADD_AWARDS, True)):
        found = [award for award in awards if award.is_new == is_new]
        if found:
            await connection.execute(
                statement,
                brand,
                [each.member for each in found],
                [each.key for each in found],
                [each.badge for each in found],
                [each.activity for each in found],
                [each.earned_at for each in found],
                [each.told for each in found],
                [each.revoked_at for each in found],
            )


async def by_activity(connection: asyncpg.Connection, brand: str, keys: Sequence[tuple[str, str]]) -> list[Award]:
    """The awards that stand and that activities, given as (member, activity), earned."""
    rows = await connection.fetch(_BY_ACTIVITY, brand, *_columns(keys)) if keys else []
    return [Award(**row) for row in rows]


async def standing_of(connection: asyncpg.Connection, brand: str, member: str) -> list[Award]:
    """All awards of a member that stand."""
    return [Award(**row) for row in await connection.fetch(_STANDING_OF, brand, member)]


async def of_member(connection: asyncpg.Connection, brand: str, member: str) -> list[Any]:
    """The badges that stand of a member, newest first."""
    return list(await connection.fetch(_OF_MEMBER, brand, member))


def _columns(keys: Sequence[tuple[str, str]]) -> tuple[list[str], list[str]]:
    return [key[0] for key in keys], [key[1] for key in keys]
