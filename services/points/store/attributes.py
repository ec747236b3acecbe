"""The SQL of anniversaries, and of the sweep over particulars that a new version asks for."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

import asyncpg

_ANNIVERSARIES = """
    SELECT member, attribute, on_date, zone, told_until, due_at FROM anniversaries
    WHERE brand = $1 AND member = ANY($2::text[]) ORDER BY member, attribute FOR NO KEY UPDATE"""
_SAVE_ANNIVERSARIES = """
    INSERT INTO anniversaries (brand, member, attribute, on_date, zone, told_until, due_at)
    SELECT $1, member, attribute, on_date, zone, told_until, due_at
    FROM unnest($2::text[], $3::text[], $4::date[], $5::text[], $6::date[], $7::timestamptz[])
        AS new (member, attribute, on_date, zone, told_until, due_at)
    ON CONFLICT (brand, member, attribute) DO UPDATE SET on_date = excluded.on_date, zone = excluded.zone,
        told_until = excluded.told_until, due_at = excluded.due_at"""
_DROP_ANNIVERSARIES = """
    DELETE FROM anniversaries USING unnest($2::text[], $3::text[]) AS ended (member, attribute)
    WHERE anniversaries.brand = $1 AND anniversaries.member = ended.member
      AND anniversaries.attribute = ended.attribute"""
_DUE = """
    SELECT DISTINCT member FROM (
        SELECT member FROM anniversaries WHERE brand = $1 AND due_at <= $2 ORDER BY due_at LIMIT $3
    ) AS due ORDER BY member"""
_SWEEP = "SELECT names, done_to FROM particulars_sweeps WHERE brand = $1"
# Who was looked at under the version before is looked at again, for what either version changed.
_BEGIN_SWEEP = """
    INSERT INTO particulars_sweeps (brand, names, done_to) VALUES ($1, $2, '')
    ON CONFLICT (brand) DO UPDATE SET names = particulars_sweeps.names || excluded.names, done_to = ''"""
_MOVE_SWEEP = "UPDATE particulars_sweeps SET done_to = $2 WHERE brand = $1"
_END_SWEEP = "DELETE FROM particulars_sweeps WHERE brand = $1"
_NEXT = """
    SELECT member FROM member_particulars WHERE brand = $1 AND member > $2 ORDER BY member LIMIT $3"""


@dataclass(slots=True)
class Anniversary:
    """A date of a member, as loaded under its lock: told up to a day, and due when the next one begins in the zone."""

    on_date: date
    zone: str
    told_until: date
    due_at: datetime | None


@dataclass(slots=True)
class Anniversaries:
    """All of a member's, by attribute; those of `changed` are to be saved, or dropped when they are gone."""

    member: str
    by_attribute: dict[str, Anniversary] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)


@dataclass(slots=True)
class SweepRow:
    """How far a brand's sweep has come; `is_over` when it is to end."""

    names: list[str]
    done_to: str
    is_over: bool = False


async def lock_anniversaries(
    connection: asyncpg.Connection, brand: str, members: Sequence[str]
) -> dict[str, Anniversaries]:
    """The anniversaries of every one of the members, locked."""
    found = {member: Anniversaries(member) for member in members}
    for member, attribute, *row in await connection.fetch(_ANNIVERSARIES, brand, members):
        found[member].by_attribute[attribute] = Anniversary(*row)
    return found


async def save_anniversaries(connection: asyncpg.Connection, brand: str, changed: Sequence[Anniversaries]) -> None:
    rows = [(each.member, name, each.by_attribute.get(name)) for each in changed for name in sorted(each.changed)]
    kept = [(member, name, row) for member, name, row in rows if row is not None]
    gone = [(member, name) for member, name, row in rows if row is None]
    if kept:
        await connection.execute(
            _SAVE_ANNIVERSARIES,
            brand,
            [member for member, _, _ in kept],
            [name for _, name, _ in kept],
            [row.on_date for _, _, row in kept],
            [row.zone for _, _, row in kept],
            [row.told_until for _, _, row in kept],
            [row.due_at for _, _, row in kept],
        )
    if gone:
        await connection.execute(_DROP_ANNIVERSARIES, brand, [member for member, _ in gone], [name for _, name in gone])


async def due_anniversaries(connection: asyncpg.Connection, brand: str, until: datetime, most: int) -> list[str]:
    """The members who have a day that began by a moment and is not told."""
    return [row["member"] for row in await connection.fetch(_DUE, brand, until, most)]


async def sweep(connection: asyncpg.Connection, brand: str) -> SweepRow | None:
    """How far the brand's sweep has come; None while there is none."""
    row = await connection.fetchrow(_SWEEP, brand)
    return SweepRow(**row) if row is not None else None


async def lock_sweeps(connection: asyncpg.Connection, brand: str, keys: Sequence[str]) -> dict[str, SweepRow]:
    """The brand's one sweep, locked, under the empty key."""
    row = await connection.fetchrow(_SWEEP + " FOR NO KEY UPDATE", brand)
    return {} if row is None else dict.fromkeys(keys, SweepRow(**row))


async def save_sweeps(connection: asyncpg.Connection, brand: str, changed: Sequence[SweepRow]) -> None:
    for row in changed:
        if row.is_over:
            await connection.execute(_END_SWEEP, brand)
        else:
            await connection.execute(_MOVE_SWEEP, brand, row.done_to)


async def begin_sweeps(connection: asyncpg.Connection, brand: str, names: Sequence[list[str]]) -> None:
    """Begins a sweep from the first member on, for attributes that become shared or cease to be."""
    for each in names:
        await connection.execute(_BEGIN_SWEEP, brand, each)


async def next_members(connection: asyncpg.Connection, brand: str, after: str, most: int) -> list[str]:
    """The next members of whom something is known."""
    return [row["member"] for row in await connection.fetch(_NEXT, brand, after, most)]
