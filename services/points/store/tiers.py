"""SQL of members' tiers. All rows belong to a member, whose lock is taken before any is read or written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import asyncpg
import orjson

from chassis.errors import InvalidArgument
from laurels.points.v1 import tiers_pb2
from services.points.tier_ladder import Standing

_STANDINGS = """
    SELECT member, earned, keep_until, grace_until, fallback, set_tier, locked, set_until, counted::text, due_at
    FROM tier_standings WHERE brand = $1 AND member = ANY($2::text[])"""
_SAVE_STANDINGS = """
    INSERT INTO tier_standings (brand, member, earned, keep_until, grace_until, fallback, set_tier, locked, set_until,
        counted, due_at)
    SELECT $1, member, earned, keep_until, grace_until, fallback, set_tier, locked, set_until, counted::jsonb, due_at
    FROM unnest($2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::text[], $7::text[], $8::boolean[],
            $9::timestamptz[], $10::text[], $11::timestamptz[])
        AS new (member, earned, keep_until, grace_until, fallback, set_tier, locked, set_until, counted, due_at)
    ON CONFLICT (brand, member) DO UPDATE SET earned = excluded.earned, keep_until = excluded.keep_until,
        grace_until = excluded.grace_until, fallback = excluded.fallback, set_tier = excluded.set_tier,
        locked = excluded.locked, set_until = excluded.set_until, counted = excluded.counted,
        due_at = excluded.due_at"""
_KEEP_MEMBERS = """
    INSERT INTO members (brand, member, tier_kept) SELECT $1, member, true FROM unnest($2::text[]) AS new (member)
    ON CONFLICT (brand, member) DO UPDATE SET tier_kept = excluded.tier_kept"""
_BUCKETS = """
    SELECT wanted.member, wanted.qualifier, known.bucket, known.amount
    FROM unnest($2::text[], $3::text[], $4::text[]) AS wanted (member, qualifier, first)
    CROSS JOIN LATERAL (
        SELECT bucket, amount FROM tier_buckets
        WHERE brand = $1 AND tier_buckets.member = wanted.member AND tier_buckets.qualifier = wanted.qualifier
          AND bucket >= wanted.first AND left(bucket, 1) = left(wanted.first, 1)
    ) AS known"""
_ADD_TO_BUCKETS = """
    INSERT INTO tier_buckets (brand, member, qualifier, bucket, amount)
    SELECT $1, member, qualifier, bucket, amount
    FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[]) AS new (member, qualifier, bucket, amount)
    ON CONFLICT (brand, member, qualifier, bucket) DO UPDATE SET amount = tier_buckets.amount + excluded.amount"""
# What was earned before a qualifier began to count it, by day: issued, less what was taken back.
_EARNED_BEFORE = """
    SELECT wanted.member, wanted.currency, (moved.occurred_at AT TIME ZONE $5)::date AS day,
        sum(moved.amount)::bigint AS amount
    FROM unnest($2::text[], $3::text[], $4::date[]) AS wanted (member, currency, since)
    CROSS JOIN LATERAL (
        SELECT id FROM accounts
        WHERE brand = $1 AND accounts.owner = wanted.member AND accounts.currency = wanted.currency
          AND accounts.kind IN ('available', 'pending') AND accounts.stripe = 0
    ) AS own
    CROSS JOIN LATERAL (
        SELECT amount, occurred_at, debit AS other FROM entries WHERE credit = own.id AND credit > 0 AND debit < 0
        UNION ALL
        SELECT -amount, occurred_at, credit FROM entries WHERE debit = own.id AND debit > 0 AND credit < 0
    ) AS moved
    JOIN accounts AS other ON other.id = moved.other AND other.kind = 'issued'
    WHERE (moved.occurred_at AT TIME ZONE $5)::date >= wanted.since
    GROUP BY 1, 2, 3"""
_SUBSCRIPTIONS = """
    SELECT member, subscription, paid_until, active, cancelled_at FROM tier_subscriptions
    WHERE brand = $1 AND member = ANY($2::text[]) ORDER BY member, subscription"""
_SAVE_SUBSCRIPTIONS = """
    INSERT INTO tier_subscriptions (brand, member, subscription, paid_until, active, cancelled_at)
    SELECT $1, member, subscription, paid_until, active, cancelled_at
    FROM unnest($2::text[], $3::text[], $4::timestamptz[], $5::boolean[], $6::timestamptz[])
        AS new (member, subscription, paid_until, active, cancelled_at)
    ON CONFLICT (brand, member, subscription) DO UPDATE SET paid_until = excluded.paid_until,
        active = excluded.active, cancelled_at = excluded.cancelled_at"""
_KNOWN_ACTS = """
    SELECT member, from_tier, to_tier, reason, note, by, until, occurred_at, key, digest FROM tier_history
    WHERE brand = $1 AND key = ANY($2::text[])"""
_ADD_HISTORY = """
    INSERT INTO tier_history (brand, member, from_tier, to_tier, reason, note, by, until, occurred_at, key, digest)
    SELECT $1, member, from_tier, to_tier, reason, note, by, until, occurred_at, key, digest
    FROM unnest($2::text[], $3::text[], $4::text[], $5::integer[], $6::text[], $7::text[], $8::timestamptz[],
            $9::timestamptz[], $10::text[], $11::bytea[]) WITH ORDINALITY
        AS new (member, from_tier, to_tier, reason, note, by, until, occurred_at, key, digest, place)
    ORDER BY place"""
_HISTORY = """
    SELECT id, from_tier, to_tier, reason, note, by, until, occurred_at FROM tier_history
    WHERE brand = $1 AND member = $2 AND id < $3 ORDER BY id DESC LIMIT $4"""
_SINCE = """
    SELECT occurred_at FROM tier_history
    WHERE brand = $1 AND member = $2 AND from_tier <> to_tier ORDER BY id DESC LIMIT 1"""
_DUE = """
    SELECT member, due_at FROM tier_standings WHERE brand = $1 AND due_at <= $2 ORDER BY due_at, member LIMIT $3"""
_EARNED = """
    SELECT currency, earned FROM accounts WHERE brand = $1 AND owner = $2 AND kind = 'available' AND stripe = 0"""


@dataclass(slots=True)
class Subscription:
    """A member's subscription as loaded under the member's lock."""

    member: str
    subscription: str
    paid_until: datetime
    active: bool
    cancelled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Act:
    """Something that happened to a member's tier; `key` and `digest` where somebody asked for it."""

    member: str
    from_tier: str
    to_tier: str
    reason: int
    note: str
    by: str
    until: datetime | None
    occurred_at: datetime
    key: str | None = None
    digest: bytes | None = None


def _columns(rows: Sequence[Any], *names: str) -> list[list[Any]]:
    return [[getattr(row, name) for row in rows] for name in names]


async def standings(connection: asyncpg.Connection, brand: str, members: Sequence[str]) -> dict[str, Standing]:
    rows = await connection.fetch(_STANDINGS, brand, members)
    return {row["member"]: Standing(**{**row, "counted": orjson.loads(row["counted"])}) for row in rows}


async def save_standings(connection: asyncpg.Connection, brand: str, changed: Sequence[Standing]) -> None:
    names = ("member", "earned", "keep_until", "grace_until", "fallback", "set_tier", "locked", "set_until")
    counted = [orjson.dumps(standing.counted).decode() for standing in changed]
    await connection.execute(_SAVE_STANDINGS, brand, *_columns(changed, *names), counted, *_columns(changed, "due_at"))


async def keep_members(connection: asyncpg.Connection, brand: str, members: Sequence[str]) -> None:
    """Notes that members have a standing that is to be read whatever the ladder."""
    await connection.execute(_KEEP_MEMBERS, brand, members)


async def buckets(
    connection: asyncpg.Connection, brand: str, wanted: Sequence[tuple[str, str, str]]
) -> dict[str, dict[str, dict[str, int]]]:
    """What counts, by member, qualifier and bucket, from a first bucket on: (member, qualifier, first)."""
    found: dict[str, dict[str, dict[str, int]]] = {}
    columns = [list(column) for column in zip(*wanted, strict=True)]
    for row in await connection.fetch(_BUCKETS, brand, *columns):
        found.setdefault(row["member"], {}).setdefault(row["qualifier"], {})[row["bucket"]] = row["amount"]
    return found


async def add_to_buckets(connection: asyncpg.Connection, brand: str, added: Mapping[tuple[str, str, str], int]) -> None:
    keys = sorted(added)
    columns = [list(column) for column in zip(*keys, strict=True)]
    await connection.execute(_ADD_TO_BUCKETS, brand, *columns, [added[key] for key in keys])


async def earned_before(
    connection: asyncpg.Connection, brand: str, wanted: Sequence[tuple[str, str, date]], zone: str
) -> list[tuple[str, str, date, int]]:
    """What members earned in currencies since a day, by day: (member, currency, day, amount)."""
    columns = [list(column) for column in zip(*wanted, strict=True)]
    return [tuple(row) for row in await connection.fetch(_EARNED_BEFORE, brand, *columns, zone)]


async def subscriptions(
    connection: asyncpg.Connection, brand: str, members: Sequence[str]
) -> dict[str, dict[str, Subscription]]:
    """Members' subscriptions, by member and id."""
    found: dict[str, dict[str, Subscription]] = {}
    for row in await connection.fetch(_SUBSCRIPTIONS, brand, members):
        found.setdefault(row["member"], {})[row["subscription"]] = Subscription(**row)
    return found


async def save_subscriptions(connection: asyncpg.Connection, brand: str, changed: Sequence[Subscription]) -> None:
    names = ("member", "subscription", "paid_until", "active", "cancelled_at")
    await connection.execute(_SAVE_SUBSCRIPTIONS, brand, *_columns(changed, *names))


async def known_acts(connection: asyncpg.Connection, brand: str, keys: Sequence[str]) -> dict[str, Act]:
    """What was asked for under the keys already."""
    return {row["key"]: Act(**row) for row in await connection.fetch(_KNOWN_ACTS, brand, keys)}


async def add_history(connection: asyncpg.Connection, brand: str, acts: Sequence[Act]) -> None:
    names = ("member", "from_tier", "to_tier", "reason", "note", "by", "until", "occurred_at", "key", "digest")
    await connection.execute(_ADD_HISTORY, brand, *_columns(acts, *names))


async def history(
    connection: asyncpg.Connection, brand: str, member: str, page_size: int, page_token: str
) -> tuple[list[tiers_pb2.TierHistoryEntry], str]:
    """A page of what happened to a member's tier, newest first, and the token of the next."""
    before = 2**63 - 1
    if page_token:
        if not (page_token.isascii() and page_token.isdigit()) or len(page_token) > 18:
            raise InvalidArgument(f"page_token {page_token!r} is not one that this list gave.")
        before = int(page_token)
    rows = await connection.fetch(_HISTORY, brand, member, before, page_size + 1)
    entries = [tiers_pb2.TierHistoryEntry(**row) for row in rows[:page_size]]
    return entries, str(entries[-1].id) if len(rows) > page_size else ""


async def since(connection: asyncpg.Connection, brand: str, member: str) -> datetime | None:
    """Since when a member is in their tier; None where they began with it."""
    found: datetime | None = await connection.fetchval(_SINCE, brand, member)
    return found


async def earned(connection: asyncpg.Connection, brand: str, member: str) -> dict[str, int]:
    """What a member ever earned, by currency."""
    return {row["currency"]: row["earned"] for row in await connection.fetch(_EARNED, brand, member)}


async def due(connection: asyncpg.Connection, brand: str, until: datetime, most: int) -> list[tuple[str, datetime]]:
    """The members whose standing is to be looked at by a moment, and when it was due."""
    return [(row["member"], row["due_at"]) for row in await connection.fetch(_DUE, brand, until, most)]
