"""Every SQL statement of the points service.

Statements are set-based: their number does not depend on how many requests a
transaction carries. Rows are locked in key order.
"""

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import asyncpg
import orjson

from chassis.errors import InvalidArgument
from laurels.points.v1 import points_pb2 as pb
from laurels.programme.v1.events_pb2 import ProgrammeApplied
from services.points.ledger import AVAILABLE, ISSUED, PROGRAMME, REDEEMED, Account, Entry

STRIPES = 16
STRIPE = os.getpid() % STRIPES

AccountKey = tuple[str, str, str]
"""Owner, currency, kind."""

# Joins on many keys are written so that the planner has one way only, through
# the key's index, whatever it knows of the table: lateral lookups to read, and
# upserts, whose conflict clause names the index, to write.
_MEMBERS_THERE = "SELECT member FROM members WHERE brand = $1 AND member = ANY($2::text[])"
_ADD_MEMBERS = """
    INSERT INTO members (brand, member) SELECT $1, member FROM unnest($2::text[]) AS new (member)
    ON CONFLICT DO NOTHING"""
_LOCK_MEMBERS = """
    SELECT member, display_name, enrolled_at, tier, seen_types FROM members
    WHERE brand = $1 AND member = ANY($2::text[]) ORDER BY member FOR NO KEY UPDATE"""
_SAVE_MEMBERS = """
    INSERT INTO members (brand, member, display_name, enrolled_at, tier, seen_types)
    SELECT $1, member, display_name, enrolled_at, tier, string_to_array(seen_types, ',')
    FROM unnest($2::text[], $3::text[], $4::timestamptz[], $5::text[], $6::text[])
        AS new (member, display_name, enrolled_at, tier, seen_types)
    ON CONFLICT (brand, member) DO UPDATE SET display_name = excluded.display_name,
        enrolled_at = excluded.enrolled_at, tier = excluded.tier, seen_types = excluded.seen_types"""
_LOCK_ACCOUNTS = """
    SELECT known.*
    FROM unnest($2::text[], $3::text[], $4::text[], $5::integer[]) AS wanted (owner, currency, kind, stripe)
    CROSS JOIN LATERAL (
        SELECT id, owner, currency, kind, balance, earned, floor FROM accounts
        WHERE brand = $1 AND accounts.owner = wanted.owner AND accounts.currency = wanted.currency
          AND accounts.kind = wanted.kind AND accounts.stripe = wanted.stripe
        LIMIT 1 FOR NO KEY UPDATE
    ) AS known"""
_ADD_ACCOUNTS = """
    INSERT INTO accounts (id, brand, owner, currency, kind, stripe, floor)
    SELECT CASE WHEN owner = '' THEN -1 ELSE 1 END * nextval('account_ids'),
        $1, owner, currency, kind, stripe, CASE WHEN owner <> '' THEN 0 END
    FROM unnest($2::text[], $3::text[], $4::text[], $5::integer[]) AS new (owner, currency, kind, stripe)
    ON CONFLICT DO NOTHING"""
_SAVE_ACCOUNTS = """
    INSERT INTO accounts (id, brand, owner, currency, kind, stripe, floor, balance, earned)
    SELECT id, $1, '', '', '', 0, floor, balance, earned
    FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[]) AS new (id, floor, balance, earned)
    ON CONFLICT (id) DO UPDATE SET balance = excluded.balance, earned = excluded.earned"""
_KNOWN_ACTIVITIES = "SELECT id, digest, earned::text FROM activities WHERE brand = $1 AND id = ANY($2::text[])"
_ADD_ACTIVITIES = """
    INSERT INTO activities (brand, id, member, type, occurred_at, attributes, digest, programme_version, earned)
    SELECT $1, id, member, type, occurred_at, attributes::jsonb, digest, $8, earned::jsonb
    FROM unnest($2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::text[], $7::bytea[], $9::text[])
        AS new (id, member, type, occurred_at, attributes, digest, earned)"""
_KNOWN_ENTRIES = """
    SELECT entries.id, key, digest, entries.kind, amount, debit_balance, credit_balance, reference, occurred_at,
        accounts.currency
    FROM entries JOIN accounts ON accounts.id = greatest(debit, credit)
    WHERE entries.brand = $1 AND key = ANY($2::text[])"""
_ADD_ENTRIES = """
    INSERT INTO entries (brand, key, digest, kind, debit, credit, amount, debit_balance, credit_balance,
        reference, occurred_at)
    SELECT $1, key, digest, kind, debit, credit, amount, debit_balance, credit_balance, reference, occurred_at
    FROM unnest($2::text[], $3::bytea[], $4::integer[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[],
            $9::bigint[], $10::text[], $11::timestamptz[]) WITH ORDINALITY
        AS new (key, digest, kind, debit, credit, amount, debit_balance, credit_balance, reference, occurred_at, place)
    ORDER BY place RETURNING id, key"""
_ADD_PROGRAMME = "INSERT INTO configurations (brand, version, document) VALUES ($1, $2, $3)"
_ADOPT = """
    INSERT INTO adoptions (brand, service, version) VALUES ($1, $2, $3)
    ON CONFLICT (brand, service) DO UPDATE SET version = greatest(adoptions.version, excluded.version)"""

_MEMBER = """
    SELECT member, display_name, enrolled_at, tier FROM members
    WHERE brand = $1 AND member = $2 AND enrolled_at IS NOT NULL"""
_WALLETS = """
    SELECT currency, balance AS available, earned FROM accounts
    WHERE brand = $1 AND owner = $2 AND kind = 'available' AND stripe = 0"""
_STATEMENT = """
    SELECT movement.id, accounts.currency, movement.amount, movement.balance, movement.kind,
        movement.reference, movement.occurred_at
    FROM accounts CROSS JOIN LATERAL (
        (SELECT id, amount, credit_balance AS balance, kind, reference, occurred_at FROM entries
         WHERE credit = accounts.id AND credit > 0 AND id < $3 ORDER BY id DESC LIMIT $4)
        UNION ALL
        (SELECT id, -amount, debit_balance, kind, reference, occurred_at FROM entries
         WHERE debit = accounts.id AND debit > 0 AND id < $3 ORDER BY id DESC LIMIT $4)
    ) AS movement
    WHERE accounts.brand = $1 AND accounts.owner = $2
    ORDER BY movement.id DESC LIMIT $4"""
_LIABILITY = """
    SELECT currency, -coalesce(sum(balance) FILTER (WHERE kind = 'issued'), 0)::bigint AS issued,
        coalesce(sum(balance) FILTER (WHERE kind = 'redeemed'), 0)::bigint AS spent
    FROM accounts WHERE brand = $1 AND owner = '' GROUP BY currency"""
_TIERS = "SELECT tier, count(*) AS members FROM members WHERE brand = $1 AND enrolled_at IS NOT NULL GROUP BY tier"
_ACTIVITIES = "SELECT count(*) FROM activities WHERE brand = $1"
_PROGRAMME = """
    SELECT version, document, recorded_at FROM configurations WHERE brand = $1 ORDER BY version DESC LIMIT 1"""
_ADOPTIONS = "SELECT service, version FROM adoptions WHERE brand = $1 ORDER BY service"


class MemberState:
    """A member as loaded under its lock."""

    __slots__ = ("display_name", "enrolled_at", "member", "seen_types", "tier")

    def __init__(
        self, member: str, display_name: str, enrolled_at: datetime | None, tier: str, seen_types: list[str]
    ) -> None:
        self.member, self.display_name, self.enrolled_at = member, display_name, enrolled_at
        self.tier, self.seen_types = tier, set(seen_types)


async def lock_members(
    connection: asyncpg.Connection, brand: str, members: Iterable[str], add: Iterable[str]
) -> dict[str, MemberState]:
    """The members that exist, those of `add` made where missing."""
    wanted = sorted({*members, *add})
    if not wanted:
        return {}
    if add:
        there = {row["member"] for row in await connection.fetch(_MEMBERS_THERE, brand, wanted)}
        if missing := sorted(set(add) - there):
            await connection.execute(_ADD_MEMBERS, brand, missing)
    rows = await connection.fetch(_LOCK_MEMBERS, brand, wanted)
    return {row["member"]: MemberState(*row) for row in rows}


async def save_members(connection: asyncpg.Connection, brand: str, changed: Sequence[MemberState]) -> None:
    await connection.execute(
        _SAVE_MEMBERS,
        brand,
        [state.member for state in changed],
        [state.display_name for state in changed],
        [state.enrolled_at for state in changed],
        [state.tier for state in changed],
        [",".join(sorted(state.seen_types)) for state in changed],
    )


async def lock_accounts(
    connection: asyncpg.Connection, brand: str, wallets: Iterable[tuple[str, str]]
) -> dict[AccountKey, Account]:
    """The wallets (owner, currency) and the programme's accounts of their currencies, made where missing."""
    keys = {(owner, currency, AVAILABLE) for owner, currency in wallets}
    keys |= {(PROGRAMME, currency, kind) for _, currency, _ in keys for kind in (ISSUED, REDEEMED)}
    found = await _lock(connection, brand, keys)
    if missing := keys - found.keys():
        await connection.execute(_ADD_ACCOUNTS, brand, *_columns(missing))
        found |= await _lock(connection, brand, missing)
    return found


async def _lock(connection: asyncpg.Connection, brand: str, keys: Collection[AccountKey]) -> dict[AccountKey, Account]:
    if not keys:
        return {}
    return {
        (row["owner"], row["currency"], row["kind"]): Account(row["id"], row["balance"], row["earned"], row["floor"])
        for row in await connection.fetch(_LOCK_ACCOUNTS, brand, *_columns(keys))
    }


def _columns(keys: Collection[AccountKey]) -> tuple[list[Any], ...]:
    """Owners, currencies, kinds and stripes, in key order."""
    owners, currencies, kinds = (list(column) for column in zip(*sorted(keys), strict=True))
    return owners, currencies, kinds, [STRIPE if owner == PROGRAMME else 0 for owner in owners]


async def save_accounts(connection: asyncpg.Connection, brand: str, changed: Sequence[Account]) -> None:
    await connection.execute(
        _SAVE_ACCOUNTS,
        brand,
        [account.id for account in changed],
        [account.floor for account in changed],
        [account.balance for account in changed],
        [account.earned for account in changed],
    )


async def known_activities(
    connection: asyncpg.Connection, brand: str, ids: Sequence[str]
) -> dict[str, tuple[bytes, dict[str, int]]]:
    """The digest and the earnings of the activities that are recorded already."""
    rows = await connection.fetch(_KNOWN_ACTIVITIES, brand, ids)
    return {row["id"]: (row["digest"], orjson.loads(row["earned"])) for row in rows}


async def add_activities(connection: asyncpg.Connection, brand: str, version: int, rows: Sequence[Any]) -> None:
    """Adds activities: (id, member, type, occurred_at, attributes, digest, earned)."""
    ids, members, types, moments, attributes, digests, earned = (list(column) for column in zip(*rows, strict=True))
    await connection.execute(
        _ADD_ACTIVITIES,
        brand,
        ids,
        members,
        types,
        moments,
        [orjson.dumps(value).decode() for value in attributes],
        digests,
        version,
        [orjson.dumps(value).decode() for value in earned],
    )


async def known_entries(connection: asyncpg.Connection, brand: str, keys: Sequence[str]) -> dict[str, Any]:
    """The entries that were made under the keys already."""
    return {row["key"]: row for row in await connection.fetch(_KNOWN_ENTRIES, brand, keys)}


async def add_entries(connection: asyncpg.Connection, brand: str, entries: Sequence[Entry]) -> dict[str, int]:
    """Appends entries and returns their ids by key."""
    rows = await connection.fetch(
        _ADD_ENTRIES,
        brand,
        [e.key for e in entries],
        [e.digest for e in entries],
        [e.kind for e in entries],
        [e.debit for e in entries],
        [e.credit for e in entries],
        [e.amount for e in entries],
        [e.debit_balance for e in entries],
        [e.credit_balance for e in entries],
        [e.reference for e in entries],
        [e.occurred_at for e in entries],
    )
    return {row["key"]: row["id"] for row in rows}


async def add_programme(connection: asyncpg.Connection, brand: str, applied: ProgrammeApplied) -> None:
    """Records a new version; one that another transaction took first is a unique violation."""
    await connection.execute(_ADD_PROGRAMME, brand, applied.version, applied.programme.SerializeToString())


async def note_adoption(connection: asyncpg.Connection, brand: str, service: str, version: int) -> None:
    await connection.execute(_ADOPT, brand, service, version)


async def member(
    connection: asyncpg.Connection, brand: str, member_id: str, currencies: Sequence[str]
) -> pb.Member | None:
    """A member with wallets in the order of `currencies`; None when there is none."""
    row = await connection.fetchrow(_MEMBER, brand, member_id)
    if row is None:
        return None
    return pb.Member(**row, wallets=await wallets(connection, brand, member_id, currencies))


async def wallets(
    connection: asyncpg.Connection, brand: str, member_id: str, currencies: Sequence[str]
) -> list[pb.Wallet]:
    """One wallet a currency, in the order of `currencies`."""
    rows = {row["currency"]: row for row in await connection.fetch(_WALLETS, brand, member_id)}
    return [pb.Wallet(**rows[c]) if c in rows else pb.Wallet(currency=c) for c in currencies]


async def statement(
    connection: asyncpg.Connection, brand: str, member_id: str, page_size: int, page_token: str
) -> tuple[list[pb.Entry], str]:
    """A page of entries, newest first, and the token of the next."""
    before = 2**63 - 1
    if page_token:
        if not page_token.isdigit() or len(page_token) > 18:
            raise InvalidArgument(f"page_token {page_token!r} is not one that this list gave.")
        before = int(page_token)
    rows = await connection.fetch(_STATEMENT, brand, member_id, before, page_size + 1)
    entries = [pb.Entry(**row) for row in rows[:page_size]]
    return entries, str(entries[-1].id) if len(rows) > page_size else ""


async def liability(connection: asyncpg.Connection, brand: str) -> Mapping[str, pb.CurrencyLiability]:
    return {
        row["currency"]: pb.CurrencyLiability(**row, outstanding=row["issued"] - row["spent"])
        for row in await connection.fetch(_LIABILITY, brand)
    }


async def members_by_tier(connection: asyncpg.Connection, brand: str) -> dict[str, int]:
    return {row["tier"]: row["members"] for row in await connection.fetch(_TIERS, brand)}


async def activities(connection: asyncpg.Connection, brand: str) -> int:
    return int(await connection.fetchval(_ACTIVITIES, brand))


async def newest_programme(connection: asyncpg.Connection, brand: str) -> Any:
    """Version, document and time of the newest programme; None before the first."""
    return await connection.fetchrow(_PROGRAMME, brand)


async def adoptions(connection: asyncpg.Connection, brand: str) -> dict[str, int]:
    return {row["service"]: row["version"] for row in await connection.fetch(_ADOPTIONS, brand)}
