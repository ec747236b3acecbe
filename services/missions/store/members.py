"""What missions keeps of members."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import asyncpg
import orjson

_KNOWN = """
    SELECT member, enrolled_at, tier, consents, attributes, segments, (
        SELECT peak FROM experiences AS own
        WHERE own.brand = mission_members.brand AND own.member = mission_members.member
    ) AS peak
    FROM mission_members
    WHERE brand = $1 AND member = ANY ($2::text[])"""
_LOCK = f"{_KNOWN} ORDER BY member FOR NO KEY UPDATE"
_ADD = """
    INSERT INTO mission_members (brand, member, enrolled_at, tier, consents, attributes, segments)
    SELECT $1, member, enrolled_at, tier, consents, attributes, segments
    FROM unnest($2::text[], $3::timestamptz[], $4::text[], $5::jsonb[], $6::jsonb[], $7::jsonb[])
        AS new (member, enrolled_at, tier, consents, attributes, segments)"""
_SAVE = (
    _ADD
    + """
    ON CONFLICT (brand, member) DO UPDATE
    SET enrolled_at = excluded.enrolled_at, tier = excluded.tier, consents = excluded.consents,
        attributes = excluded.attributes, segments = excluded.segments"""
)


@dataclass(slots=True)
class Member:
    """A member as events told; `is_new` is one that has no row yet."""

    member: str
    enrolled_at: datetime | None = None
    tier: str = ""
    consents: dict[str, bool] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)
    segments: list[str] = field(default_factory=list)
    is_new: bool = field(default=False, compare=False)
    peak: int = field(default=0, compare=False)
    """The most experience that the member ever had; kept elsewhere."""


async def members(connection: asyncpg.Connection, brand: str, names: Sequence[str]) -> dict[str, Member]:
    """Those members that are known; nothing is locked."""
    return {row["member"]: _member(row) for row in await connection.fetch(_KNOWN, brand, names)}


async def lock(connection: asyncpg.Connection, brand: str, names: Sequence[str]) -> dict[str, Member]:
    """Those members that are known, locked in the order of their ids."""
    return {row["member"]: _member(row) for row in await connection.fetch(_LOCK, brand, names)}


async def save(connection: asyncpg.Connection, brand: str, changed: Sequence[Member]) -> None:
    """Writes new and changed members. One that another transaction added first is a unique violation."""
    for statement, some in (
        (_ADD, [member for member in changed if member.is_new]),
        (_SAVE, [member for member in changed if not member.is_new]),
    ):
        if some:
            await connection.execute(
                statement,
                brand,
                [member.member for member in some],
                [member.enrolled_at for member in some],
                [member.tier for member in some],
                [orjson.dumps(member.consents).decode() for member in some],
                [orjson.dumps(member.attributes).decode() for member in some],
                [orjson.dumps(member.segments).decode() for member in some],
            )


def _member(row: Any) -> Member:
    return Member(
        row["member"],
        row["enrolled_at"],
        row["tier"],
        orjson.loads(row["consents"]),
        orjson.loads(row["attributes"]),
        orjson.loads(row["segments"]),
        peak=row["peak"] or 0,
    )
