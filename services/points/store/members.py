"""The SQL statements of members' particulars, consents and erasures."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import asyncpg
import orjson

from chassis import erasure

HISTORY_MAX = 1_000

_PARTICULARS = """
    SELECT member, attributes::text, consents::text FROM member_particulars
    WHERE brand = $1 AND member = ANY($2::text[])"""
_LOCK_PARTICULARS = _PARTICULARS + " ORDER BY member FOR NO KEY UPDATE"
_SAVE_PARTICULARS = """
    INSERT INTO member_particulars (brand, member, attributes, consents)
    SELECT $1, member, attributes::jsonb, consents::jsonb
    FROM unnest($2::text[], $3::text[], $4::text[]) AS new (member, attributes, consents)
    ON CONFLICT (brand, member) DO UPDATE SET attributes = excluded.attributes, consents = excluded.consents"""
_ADD_CONSENTS = """
    INSERT INTO consent_records (brand, member, purpose, granted, text_version, method, giver, recorded_by, recorded_at)
    SELECT $1, member, purpose, granted, text_version, method, giver, recorded_by, recorded_at
    FROM unnest($2::text[], $3::integer[], $4::boolean[], $5::text[], $6::text[], $7::integer[], $8::text[],
            $9::timestamptz[]) WITH ORDINALITY
        AS new (member, purpose, granted, text_version, method, giver, recorded_by, recorded_at, place)
    ORDER BY place"""
_CONSENTS = """
    SELECT purpose, granted, text_version, method, giver, recorded_by, recorded_at FROM consent_records
    WHERE brand = $1 AND member = $2 ORDER BY id DESC LIMIT $3"""
_ERASED = "SELECT fingerprint FROM erasures WHERE brand = $1 AND fingerprint = ANY($2::bytea[])"
_ERASURE_OF = "SELECT erasure FROM erasures WHERE brand = $1 AND fingerprint = $2"
_ERASURES = """
    SELECT erasure, alias, salt, state, scrubbed, receipts::text, streams, requested_at, completed_at FROM erasures
    WHERE brand = $1 AND erasure = ANY($2::text[])"""
_LOCK_ERASURES = _ERASURES + " ORDER BY erasure FOR NO KEY UPDATE"
_SAVE_ERASURES = """
    UPDATE erasures SET salt = new.salt, state = new.state, scrubbed = new.scrubbed, receipts = new.receipts::jsonb,
        streams = new.streams, completed_at = new.completed_at
    FROM unnest($2::text[], $3::text[], $4::integer[], $5::boolean[], $6::text[], $7::integer[], $8::timestamptz[])
        AS new (erasure, salt, state, scrubbed, receipts, streams, completed_at)
    WHERE erasures.brand = $1 AND erasures.erasure = new.erasure"""
_ADD_ERASURE = """
    INSERT INTO erasures (brand, erasure, alias, fingerprint, salt, state, requested_at)
    VALUES ($1, $2, $3, $4, $5, 1, $6)"""
_ERASE = "SELECT erase_member($1, $2)"
_OPEN_HOLDS = "SELECT hold FROM holds WHERE brand = $1 AND member = $2 AND state = 1 ORDER BY hold"
_WAITING_LOTS = "SELECT lot FROM pending_lots WHERE brand = $1 AND member = $2 AND state = 1 ORDER BY lot"
_ERASING = "SELECT brand, erasure, member, alias FROM erasing ORDER BY noted_at"
_SCRUB_ENTRIES = "SELECT scrub_entries($1, $2, $3, $4)"
_SCRUB_ACTIVITIES = "SELECT scrub_activities($1, $2, $3, $4)"


@dataclass(slots=True)
class Particulars:
    """What is known about a member; `consents` is the newest word by purpose."""

    member: str
    attributes: dict[str, Any] = field(default_factory=dict)
    consents: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NewConsent:
    """A row of `consent_records`."""

    member: str
    purpose: int
    granted: bool
    text_version: str
    method: str
    giver: int
    recorded_by: str
    recorded_at: datetime


@dataclass(slots=True)
class Erasure:
    """An erasure as loaded under its lock."""

    erasure: str
    alias: str
    salt: str
    state: int
    scrubbed: bool
    receipts: list[dict[str, str]]
    streams: int
    requested_at: datetime
    completed_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewErasure:
    """A member to erase."""

    member: str
    erasure: str
    alias: str
    fingerprint: bytes
    salt: str
    requested_at: datetime


async def particulars(connection: asyncpg.Connection, brand: str, members: Iterable[str]) -> dict[str, Particulars]:
    """Of those members of whom something is known."""
    return _by_member(await connection.fetch(_PARTICULARS, brand, sorted(members)))


async def lock_particulars(
    connection: asyncpg.Connection, brand: str, members: Sequence[str]
) -> dict[str, Particulars]:
    return _by_member(await connection.fetch(_LOCK_PARTICULARS, brand, members))


def _by_member(rows: Iterable[Any]) -> dict[str, Particulars]:
    return {
        row["member"]: Particulars(row["member"], orjson.loads(row["attributes"]), orjson.loads(row["consents"]))
        for row in rows
    }


async def save_particulars(connection: asyncpg.Connection, brand: str, changed: Sequence[Particulars]) -> None:
    await connection.execute(
        _SAVE_PARTICULARS,
        brand,
        [found.member for found in changed],
        [orjson.dumps(found.attributes).decode() for found in changed],
        [orjson.dumps(found.consents).decode() for found in changed],
    )


async def add_consents(connection: asyncpg.Connection, brand: str, new: Sequence[NewConsent]) -> None:
    names = ("member", "purpose", "granted", "text_version", "method", "giver", "recorded_by", "recorded_at")
    await connection.execute(_ADD_CONSENTS, brand, *([getattr(row, name) for row in new] for name in names))


async def consents(connection: asyncpg.Connection, brand: str, member: str) -> list[Any]:
    """The newest records, newest first."""
    return list(await connection.fetch(_CONSENTS, brand, member, HISTORY_MAX))


async def erased(connection: asyncpg.Connection, brand: str, fingerprints: Mapping[bytes, str]) -> set[str]:
    """Which members were erased, given by their fingerprints."""
    rows = await connection.fetch(_ERASED, brand, sorted(fingerprints))
    return {fingerprints[row["fingerprint"]] for row in rows}


async def erasure_of(connection: asyncpg.Connection, brand: str, fingerprint: bytes) -> str:
    """The erasure of a member; empty when there was none."""
    return str(await connection.fetchval(_ERASURE_OF, brand, fingerprint) or "")


async def erasures(connection: asyncpg.Connection, brand: str, ids: Collection[str]) -> dict[str, Erasure]:
    return _by_erasure(await connection.fetch(_ERASURES, brand, sorted(ids)))


async def lock_erasures(connection: asyncpg.Connection, brand: str, ids: Sequence[str]) -> dict[str, Erasure]:
    return _by_erasure(await connection.fetch(_LOCK_ERASURES, brand, ids))


def _by_erasure(rows: Iterable[Any]) -> dict[str, Erasure]:
    return {row["erasure"]: Erasure(**{**row, "receipts": orjson.loads(row["receipts"])}) for row in rows}


async def save_erasures(connection: asyncpg.Connection, brand: str, changed: Sequence[Erasure]) -> None:
    await connection.execute(
        _SAVE_ERASURES,
        brand,
        [found.erasure for found in changed],
        [found.salt for found in changed],
        [found.state for found in changed],
        [found.scrubbed for found in changed],
        [orjson.dumps(found.receipts).decode() for found in changed],
        [found.streams for found in changed],
        [found.completed_at for found in changed],
    )


async def erase(connection: asyncpg.Connection, brand: str, new: Sequence[NewErasure]) -> None:
    """Erases members from all rows that can be reached at once; the texts of what stays are scrubbed later."""
    for row in new:
        await erasure.note(connection, brand, row.erasure, row.member, row.alias)
        await connection.execute(
            _ADD_ERASURE, brand, row.erasure, row.alias, row.fingerprint, row.salt, row.requested_at
        )
        await connection.execute(_ERASE, row.member, row.alias)


async def end_erasures(connection: asyncpg.Connection, brand: str, ended: Sequence[str]) -> None:
    """Forgets whom erasures were of."""
    for name in ended:
        await erasure.end(connection, brand, name)


async def open_holds(connection: asyncpg.Connection, brand: str, member: str) -> list[str]:
    return [row["hold"] for row in await connection.fetch(_OPEN_HOLDS, brand, member)]


async def waiting_lots(connection: asyncpg.Connection, brand: str, member: str) -> list[str]:
    return [row["lot"] for row in await connection.fetch(_WAITING_LOTS, brand, member)]


async def erasing(connection: asyncpg.Connection) -> list[erasure.Erasing]:
    """The erasures of all brands that are not complete; for a connection of every brand."""
    return [erasure.Erasing(**row) for row in await connection.fetch(_ERASING)]


async def scrub_entries(connection: asyncpg.Connection, alias: str, salt: str, after: int, most: int) -> int | None:
    """Scrubs a page of an alias' entries beyond `after`; the last one's id, or None after the last page."""
    found: int | None = await connection.fetchval(_SCRUB_ENTRIES, alias, salt, after, most)
    return found


async def scrub_activities(connection: asyncpg.Connection, member: str, alias: str, salt: str, most: int) -> int:
    """Scrubs some of a member's activities; how many."""
    return int(await connection.fetchval(_SCRUB_ACTIVITIES, member, alias, salt, most))
