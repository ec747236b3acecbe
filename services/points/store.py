"""Every SQL statement of the points service.

Statements are set-based: their number does not depend on how many requests a
transaction carries. Rows are locked in key order.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
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

_ADD_MEMBERS = """
    INSERT INTO members (brand, member) SELECT $1, member FROM unnest($2::text[]) AS new (member)
    ON CONFLICT DO NOTHING"""
_LOCK_MEMBERS = """
    SELECT member, display_name, enrolled_at, tier, seen_types FROM members
    WHERE brand = $1 AND member = ANY($2::text[]) ORDER BY member FOR NO KEY UPDATE"""
_SAVE_MEMBERS = """
    UPDATE members SET display_name = new.display_name, enrolled_at = new.enrolled_at, tier = new.tier,
        seen_types = string_to_array(new.seen_types, ',')
    FROM unnest($2::text[], $3::text[], $4::timestamptz[], $5::text[], $6::text[])
        AS new (member, display_name, enrolled_at, tier, seen_types)
    WHERE members.brand = $1 AND members.member = new.member"""
_ADD_ACCOUNTS = """
    INSERT INTO accounts (id, brand, owner, currency, kind, stripe, floor)
    SELECT CASE WHEN owner = '' THEN -1 ELSE 1 END * nextval('account_ids'),
        $1, owner, currency, kind, CASE WHEN owner = '' THEN $5::integer ELSE 0 END, CASE WHEN owner <> '' THEN 0 END
    FROM unnest($2::text[], $3::text[], $4::text[]) AS new (owner, currency, kind)
    WHERE NOT EXISTS (
        SELECT FROM accounts AS known
        WHERE known.brand = $1 AND known.owner = new.owner AND known.currency = new.currency AND known.kind = new.kind
          AND known.stripe = CASE WHEN new.owner = '' THEN $5::integer ELSE 0 END)
    ON CONFLICT DO NOTHING"""
_LOCK_ACCOUNTS = """
    SELECT accounts.id, accounts.owner, accounts.currency, accounts.kind, balance, earned, floor
    FROM accounts JOIN unnest($2::text[], $3::text[], $4::text[]) AS wanted (owner, currency, kind)
      ON accounts.owner = wanted.owner AND accounts.currency = wanted.currency AND accounts.kind = wanted.kind
    WHERE brand = $1 AND stripe = CASE WHEN accounts.owner = '' THEN $5::integer ELSE 0 END
    ORDER BY accounts.id FOR NO KEY UPDATE OF accounts"""
_SAVE_ACCOUNTS = """
    UPDATE accounts SET balance = new.balance, earned = new.earned
    FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS new (id, balance, earned)
    WHERE accounts.id = new.id"""
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
    missing = sorted(set(add))
    if missing:
        await connection.execute(_ADD_MEMBERS, brand, missing)
    rows = await connection.fetch(_LOCK_MEMBERS, brand, sorted({*members, *missing}))
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
    if not keys:
        return {}
    owners, currencies, kinds = (list(column) for column in zip(*sorted(keys), strict=True))
    await connection.execute(_ADD_ACCOUNTS, brand, owners, currencies, kinds, STRIPE)
    rows = await connection.fetch(_LOCK_ACCOUNTS, brand, owners, currencies, kinds, STRIPE)
    return {
        (row["owner"], row["currency"], row["kind"]): Account(row["id"], row["balance"], row["earned"], row["floor"])
        for row in rows
    }


async def save_accounts(connection: asyncpg.Connection, changed: Sequence[Account]) -> None:
    await connection.execute(
        _SAVE_ACCOUNTS, [a.id for a in changed], [a.balance for a in changed], [a.earned for a in changed]
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
