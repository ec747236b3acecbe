"""What leaderboard keeps of members."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import orjson

_KNOWN = "SELECT member, tier FROM known_members WHERE brand = $1 AND member = ANY ($2::text[])"
_LOCK = """
    SELECT member, tier, leaderboards, attributes, segments FROM known_members
    WHERE brand = $1 AND member = ANY ($2::text[]) ORDER BY member FOR NO KEY UPDATE"""
_ADD = """
    INSERT INTO known_members (brand, member, tier, leaderboards, attributes, segments)
    SELECT $1, member, tier, leaderboards, attributes, segments
    FROM unnest($2::text[], $3::text[], $4::boolean[], $5::jsonb[], $6::jsonb[])
        AS new (member, tier, leaderboards, attributes, segments)"""
_SAVE = """
    UPDATE known_members SET tier = new.tier, leaderboards = new.leaderboards, attributes = new.attributes,
        segments = new.segments
    FROM unnest($2::text[], $3::text[], $4::boolean[], $5::jsonb[], $6::jsonb[])
        AS new (member, tier, leaderboards, attributes, segments)
    WHERE known_members.brand = $1 AND known_members.member = new.member"""


@dataclass(slots=True)
class Member:
    """A member as events told.

    `leaderboards` is the consent to be shown on boards: None when the member
    never said. `is_new` is one that has no row yet.
    """

    member: str
    tier: str = ""
    leaderboards: bool | None = None
    attributes: dict[str, Any] = field(default_factory=dict)
    segments: list[str] = field(default_factory=list)
    is_new: bool = field(default=False, compare=False)


async def tiers(connection: asyncpg.Connection, brand: str, members: Sequence[str]) -> Mapping[str, str]:
    """The tiers of those members that are known; nothing is locked."""
    return {row["member"]: row["tier"] for row in await connection.fetch(_KNOWN, brand, members)}


async def lock(connection: asyncpg.Connection, brand: str, members: Sequence[str]) -> dict[str, Member]:
    """The members that are known."""
    return {
        row["member"]: Member(
            row["member"],
            row["tier"],
            row["leaderboards"],
            orjson.loads(row["attributes"]),
            orjson.loads(row["segments"]),
        )
        for row in await connection.fetch(_LOCK, brand, members)
    }


async def save(connection: asyncpg.Connection, brand: str, members: Sequence[Member]) -> None:
    """Writes new and changed members. One that another transaction added first is a unique violation."""
    for statement, some in (
        (_ADD, [member for member in members if member.is_new]),
        (_SAVE, [member for member in members if not member.is_new]),
    ):
        if some:
            await connection.execute(
                statement,
                brand,
                [member.member for member in some],
                [member.tier for member in some],
                [member.leaderboards for member in some],
                [orjson.dumps(member.attributes).decode() for member in some],
                [orjson.dumps(member.segments).decode() for member in some],
            )
