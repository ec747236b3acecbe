"""Every SQL statement of the points service.

Statements are set-based: their number does not depend on how many requests a
transaction carries. Rows are locked in key order.
"""

import itertools
import os
import socket
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zlib import crc32

import asyncpg
import orjson

from chassis.errors import InvalidArgument
from laurels.points.v1 import points_pb2 as pb
from laurels.programme.v1.events_pb2 import ProgrammeApplied
from laurels.programme.v1.programme_pb2 import Programme
from services.points.ledger import GROUP_MARK, PROGRAMME, Account, Entry
from services.points.lots import Part
from services.points.states import Counter, Hold, Lot, MemberState

STRIPES = 16
STRIPES_OWN = 2
"""So many transactions of a process run at once; each takes another stripe than the one before it."""
# By the host, too: in containers most processes have the same id.
_FIRST = crc32(f"{socket.gethostname()}:{os.getpid()}".encode()) % (STRIPES // STRIPES_OWN) * STRIPES_OWN
STRIPE = _FIRST
"""The stripe of what a process counts by itself."""
_stripes = itertools.cycle(range(_FIRST, _FIRST + STRIPES_OWN))

AccountKey = tuple[str, str, str]
"""Owner, currency, kind."""

# Joins on many keys are written so that the planner has one way only, through
# the key's index, whatever it knows of the table: lateral lookups to read, and
# upserts, whose conflict clause names the index, to write.
_MEMBERS_THERE = "SELECT member FROM members WHERE brand = $1 AND member = ANY($2::text[])"
_ENROLLED = _MEMBERS_THERE + " AND enrolled_at IS NOT NULL"
_ADD_MEMBERS = """
    INSERT INTO members (brand, member) SELECT $1, member FROM unnest($2::text[]) AS new (member)
    ON CONFLICT DO NOTHING"""
_STATES = "SELECT member, display_name, enrolled_at, tier, seen_types, tier_kept, segments FROM members "
_STATE_OF = _STATES + "WHERE brand = $1 AND member = $2 AND enrolled_at IS NOT NULL"
_LOCK_MEMBERS = _STATES + "WHERE brand = $1 AND member = ANY($2::text[]) ORDER BY member FOR NO KEY UPDATE"
_SAVE_MEMBERS = """
    INSERT INTO members (brand, member, display_name, enrolled_at, tier, seen_types)
    SELECT $1, member, display_name, enrolled_at, tier, string_to_array(seen_types, ',')
    FROM unnest($2::text[], $3::text[], $4::timestamptz[], $5::text[], $6::text[])
        AS new (member, display_name, enrolled_at, tier, seen_types)
    ON CONFLICT (brand, member) DO UPDATE SET display_name = excluded.display_name,
        enrolled_at = excluded.enrolled_at, tier = excluded.tier, seen_types = excluded.seen_types"""
_SAVE_SEGMENTS = """
    UPDATE members SET segments = string_to_array(new.segments, ' ')
    FROM unnest($2::text[], $3::text[]) AS new (member, segments)
    WHERE members.brand = $1 AND members.member = new.member"""
_LOCK_ACCOUNTS = """
    SELECT known.*, wanted.number
    FROM unnest($2::text[], $3::text[], $4::text[], $5::integer[]) WITH ORDINALITY
        AS wanted (owner, currency, kind, stripe, number)
    CROSS JOIN LATERAL (
        SELECT ctid AS place, id, balance, earned FROM accounts
        WHERE brand = $1 AND accounts.owner = wanted.owner AND accounts.currency = wanted.currency
          AND accounts.kind = wanted.kind AND accounts.stripe = wanted.stripe
        LIMIT 1 FOR NO KEY UPDATE
    ) AS known"""
_ADD_ACCOUNTS = """
    INSERT INTO accounts (id, brand, owner, currency, kind, stripe, floor)
    SELECT CASE WHEN owner = '' THEN -1 ELSE 1 END * nextval('account_ids'),
        $1, owner, currency, kind, stripe, floor
    FROM unnest($2::text[], $3::text[], $4::text[], $5::integer[], $6::bigint[])
        AS new (owner, currency, kind, stripe, floor)
    ON CONFLICT DO NOTHING"""
# By their places in the table, which nobody can change while they are locked: a
# third of what an upsert costs.
_SAVE_ACCOUNTS = """
    UPDATE accounts SET balance = new.balance, earned = new.earned, floor = new.floor
    FROM unnest($1::tid[], $2::bigint[], $3::bigint[], $4::bigint[]) AS new (place, floor, balance, earned)
    WHERE accounts.ctid = new.place"""
LOTS_AT_FIRST = 32
"""So many lots of an account are read at first; the rest where they hold less than may leave it."""
_LOTS = """
    SELECT wanted.account, known.expires_at, known.remaining
    FROM unnest($1::bigint[]) AS wanted (account)
    CROSS JOIN LATERAL (
        SELECT expires_at, remaining FROM lots WHERE lots.account = wanted.account ORDER BY expires_at LIMIT $2
    ) AS known"""
_CHANGE_LOTS = """
    INSERT INTO lots (brand, account, expires_at, remaining, warn_at)
    SELECT $1, account, expires_at, remaining, warn_at
    FROM unnest($2::bigint[], $3::timestamptz[], $4::bigint[], $5::timestamptz[])
        AS new (account, expires_at, remaining, warn_at)
    ON CONFLICT (account, expires_at) DO UPDATE SET remaining = lots.remaining + excluded.remaining"""
_TAKE_FROM_LOTS = """
    UPDATE lots SET remaining = lots.remaining + taken.remaining
    FROM unnest($1::bigint[], $2::timestamptz[], $3::bigint[]) AS taken (account, expires_at, remaining)
    WHERE lots.account = taken.account AND lots.expires_at = taken.expires_at"""
_DROP_EMPTY_LOTS = """
    DELETE FROM lots USING unnest($1::bigint[], $2::timestamptz[]) AS taken (account, expires_at)
    WHERE lots.account = taken.account AND lots.expires_at = taken.expires_at AND lots.remaining = 0"""
_KNOWN_ACTIVITIES = """
    SELECT id, digest, earned::text, member, type FROM activities WHERE brand = $1 AND id = ANY($2::text[])"""
_ADD_ACTIVITIES = """
    INSERT INTO activities (brand, id, member, type, occurred_at, attributes, digest, programme_version, earned)
    SELECT $1, id, member, type, occurred_at, attributes::jsonb, digest, $8, earned::jsonb
    FROM unnest($2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::text[], $7::bytea[], $9::text[])
        AS new (id, member, type, occurred_at, attributes, digest, earned)"""
_KNOWN_ENTRIES = """
    SELECT entries.id, key, digest, entries.kind, debit, credit, amount, debit_balance, credit_balance, reference,
        occurred_at, lots::text, accounts.currency
    FROM entries JOIN accounts ON accounts.id = greatest(debit, credit)
    WHERE entries.brand = $1 AND key = ANY($2::text[])"""
_ADD_ENTRIES = """
    INSERT INTO entries (brand, key, digest, kind, debit, credit, amount, debit_balance, credit_balance,
        reference, occurred_at, lots)
    SELECT $1, key, digest, kind, debit, credit, amount, debit_balance, credit_balance, reference, occurred_at,
        lots::jsonb
    FROM unnest($2::text[], $3::bytea[], $4::integer[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[],
            $9::bigint[], $10::text[], $11::timestamptz[], $12::text[]) WITH ORDINALITY
        AS new (key, digest, kind, debit, credit, amount, debit_balance, credit_balance, reference, occurred_at, lots,
            place)
    -- Ids are drawn under a lock that ends with the transaction: see store/log.py.
    CROSS JOIN (SELECT pg_advisory_xact_lock_shared(hashtextextended('ledger', 0))) AS writing
    ORDER BY place RETURNING id"""
# Both in one: a small transaction takes as long as its round trips.
_SAVE_ACCOUNTS_AND_ADD_ENTRIES = f"""
    WITH saved AS (
        UPDATE accounts SET balance = new.balance, earned = new.earned, floor = new.floor
        FROM unnest($13::tid[], $14::bigint[], $15::bigint[], $16::bigint[]) AS new (place, floor, balance, earned)
        WHERE accounts.ctid = new.place RETURNING 1
    ), made AS ({_ADD_ENTRIES})
    SELECT id, (SELECT count(*) FROM saved) AS saved FROM made"""  # noqa: S608 - of a constant
_HOLDS = """
    SELECT hold, member, currency, amount, captured, state, reference, digest, lots::text AS parts, made_at, expires_at
    FROM holds WHERE brand = $1 AND hold = ANY($2::text[])"""
_SAVE_HOLDS = """
    INSERT INTO holds (brand, hold, member, currency, amount, captured, state, reference, digest, lots, made_at,
        expires_at)
    SELECT $1, hold, member, currency, amount, captured, state, reference, digest, lots::jsonb, made_at, expires_at
    FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::integer[], $8::text[],
            $9::bytea[], $10::text[], $11::timestamptz[], $12::timestamptz[])
        AS new (hold, member, currency, amount, captured, state, reference, digest, lots, made_at, expires_at)
    ON CONFLICT (brand, hold) DO UPDATE SET captured = excluded.captured, state = excluded.state"""
_PENDING_LOTS = """
    SELECT lot, member, currency, amount, state, changes, reference, activity, occurred_at, activates_at, until_type
    FROM pending_lots WHERE brand = $1"""
_SAVE_PENDING_LOTS = """
    INSERT INTO pending_lots (brand, lot, member, currency, amount, state, changes, reference, activity, occurred_at,
        activates_at, until_type)
    SELECT $1, lot, member, currency, amount, state, changes, reference, activity, occurred_at, activates_at, until_type
    FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::integer[], $7::integer[], $8::text[],
            $9::text[], $10::timestamptz[], $11::timestamptz[], $12::text[])
        AS new (lot, member, currency, amount, state, changes, reference, activity, occurred_at, activates_at,
            until_type)
    ON CONFLICT (brand, lot) DO UPDATE SET amount = excluded.amount, state = excluded.state,
        changes = excluded.changes, activates_at = excluded.activates_at"""
_DUE_LOTS = """
    SELECT lot FROM pending_lots WHERE brand = $1 AND state = 1 AND activates_at <= $2 ORDER BY activates_at LIMIT $3"""
_DUE_HOLDS = """
    SELECT hold FROM holds WHERE brand = $1 AND state = 1 AND expires_at <= $2 ORDER BY expires_at LIMIT $3"""
_DUE_EXPIRY = """
    SELECT lots.account, lots.expires_at, accounts.owner, accounts.currency
    FROM lots JOIN accounts ON accounts.id = lots.account
    WHERE lots.brand = $1 AND lots.expires_at <= $2 ORDER BY lots.expires_at LIMIT $3"""
_DUE_WARNINGS = """
    SELECT lots.account, lots.expires_at, accounts.owner, accounts.currency
    FROM lots JOIN accounts ON accounts.id = lots.account
    WHERE lots.brand = $1 AND lots.warn_at <= $2 ORDER BY lots.warn_at LIMIT $3"""
_WARN = """
    UPDATE lots SET warn_at = NULL FROM unnest($1::bigint[], $2::timestamptz[]) AS told (account, expires_at)
    WHERE lots.account = told.account AND lots.expires_at = told.expires_at"""
_BRANDS_DUE = """
    SELECT DISTINCT brand FROM (
        (SELECT DISTINCT brand FROM pending_lots WHERE state = 1 AND activates_at <= $1)
        UNION ALL (SELECT DISTINCT brand FROM holds WHERE state = 1 AND expires_at <= $1)
        UNION ALL (SELECT DISTINCT brand FROM lots WHERE expires_at <= $1)
        UNION ALL (SELECT DISTINCT brand FROM lots WHERE warn_at <= $1)
        UNION ALL (SELECT DISTINCT brand FROM tier_standings WHERE due_at <= $1)
        UNION ALL (SELECT DISTINCT brand FROM redemptions WHERE state = 1 AND expires_at <= $1)
        UNION ALL (SELECT DISTINCT brand FROM hold_requests WHERE due_at <= $1)
        UNION ALL (SELECT DISTINCT brand FROM anniversaries WHERE due_at <= $1)
        UNION ALL (SELECT brand FROM particulars_sweeps)
    ) AS due"""
_ADD_COUNTERS = """
    INSERT INTO counters (brand, name, owner, period)
    SELECT $1, name, owner, period FROM unnest($2::text[], $3::text[], $4::text[]) AS new (name, owner, period)
    ON CONFLICT DO NOTHING"""
_LOCK_COUNTERS = """
    SELECT known.*
    FROM unnest($2::text[], $3::text[], $4::text[]) AS wanted (name, owner, period)
    CROSS JOIN LATERAL (
        SELECT name, owner, period, value FROM counters
        WHERE brand = $1 AND counters.name = wanted.name AND counters.owner = wanted.owner
          AND counters.period = wanted.period
        LIMIT 1 FOR NO KEY UPDATE
    ) AS known"""
_SAVE_COUNTERS = """
    INSERT INTO counters (brand, name, owner, period, value)
    SELECT $1, name, owner, period, value
    FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[]) AS new (name, owner, period, value)
    ON CONFLICT (brand, name, owner, period) DO UPDATE SET value = excluded.value"""
_LOCK_PROGRAMME = "SELECT pg_advisory_xact_lock(hashtextextended('programme:' || $1, 0))"
_ENTRIES_OF = """
    SELECT entries.id, entries.kind, amount, digest, reference, occurred_at, lots::text, source.currency,
        source.owner AS debit_owner, source.kind AS debit_kind, target.owner AS credit_owner,
        target.kind AS credit_kind, entries.key
    FROM entries JOIN accounts AS source ON source.id = debit JOIN accounts AS target ON target.id = credit
    WHERE entries.brand = $1 AND entries.id = ANY($2::bigint[])"""
_ADD_PROGRAMME = "INSERT INTO configurations (brand, version, document) VALUES ($1, $2, $3)"
_ADOPT = """
    INSERT INTO adoptions (brand, service, version) VALUES ($1, $2, $3)
    ON CONFLICT (brand, service) DO UPDATE SET version = greatest(adoptions.version, excluded.version)"""

_MEMBER = """
    SELECT member, display_name, enrolled_at, tier FROM members
    WHERE brand = $1 AND member = $2 AND enrolled_at IS NOT NULL"""
_WALLETS = """
    SELECT own.currency, own.balance AS available, own.earned,
        coalesce((SELECT balance FROM accounts AS other WHERE other.brand = $1 AND other.owner = $2
            AND other.currency = own.currency AND other.kind = 'pending' AND other.stripe = 0), 0) AS pending,
        coalesce((SELECT balance FROM accounts AS other WHERE other.brand = $1 AND other.owner = $2
            AND other.currency = own.currency AND other.kind = 'held' AND other.stripe = 0), 0) AS held,
        coalesce(next.remaining, 0) AS expiring_next, next.expires_at
    FROM accounts AS own
    LEFT JOIN LATERAL (
        SELECT expires_at, remaining FROM lots WHERE lots.account = own.id ORDER BY expires_at LIMIT 1
    ) AS next ON true
    WHERE own.brand = $1 AND own.owner = $2 AND own.kind = 'available' AND own.stripe = 0"""
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
    WHERE accounts.brand = $1 AND accounts.owner = $2 AND accounts.kind = $5
    ORDER BY movement.id DESC LIMIT $4"""
_LIABILITY = """
    SELECT currency, -coalesce(sum(balance) FILTER (WHERE kind = 'issued'), 0)::bigint AS issued,
        coalesce(sum(balance) FILTER (WHERE kind = 'redeemed'), 0)::bigint AS spent,
        coalesce(sum(balance) FILTER (WHERE kind = 'expired'), 0)::bigint AS expired
    FROM accounts WHERE brand = $1 AND owner = '' GROUP BY currency"""
_TIERS = "SELECT tier, count(*) AS members FROM members WHERE brand = $1 AND enrolled_at IS NOT NULL GROUP BY tier"
_ACTIVITIES = "SELECT count(*) FROM activities WHERE brand = $1"
_PROGRAMME = """
    SELECT version, document, recorded_at FROM configurations WHERE brand = $1 ORDER BY version DESC LIMIT 1"""
_ADOPTIONS = "SELECT service, version FROM adoptions WHERE brand = $1 ORDER BY service"


async def lock_members(
    connection: asyncpg.Connection,
    brand: str,
    members: Iterable[str],
    add: Iterable[str],
    erased: Callable[[Iterable[str]], Awaitable[set[str]]],
) -> dict[str, MemberState]:
    """The members that exist, those of `add` made where missing, unless they are among the `erased`."""
    wanted = sorted({*members, *add})
    if not wanted:
        return {}
    if add:
        there = {row["member"] for row in await connection.fetch(_MEMBERS_THERE, brand, wanted)}
        if (missing := set(add) - there) and (missing := missing - await erased(missing)):
            await connection.execute(_ADD_MEMBERS, brand, sorted(missing))
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


async def save_segments(connection: asyncpg.Connection, brand: str, changed: Sequence[MemberState]) -> None:
    """Saves the segments of locked members; ids of segments have no spaces."""
    by_member = {state.member: " ".join(sorted(state.segments)) for state in changed}
    await connection.execute(_SAVE_SEGMENTS, brand, list(by_member), list(by_member.values()))


async def member_state(connection: asyncpg.Connection, brand: str, member: str) -> MemberState | None:
    """An enrolled member as decisions see them, without a lock."""
    row = await connection.fetchrow(_STATE_OF, brand, member)
    return MemberState(*row) if row is not None else None


async def lock_accounts(
    connection: asyncpg.Connection, brand: str, keys: Collection[AccountKey], floor: Callable[[str], int]
) -> dict[AccountKey, Account]:
    """The accounts (owner, currency, kind), made where missing; `floor` gives a currency's for members."""
    stripe = next(_stripes)
    found = await _lock(connection, brand, keys, floor, stripe)
    if missing := set(keys) - found.keys():
        wanted = sorted(missing)
        floors = [_floor(key, floor) for key in wanted]
        await connection.execute(_ADD_ACCOUNTS, brand, *_columns(wanted, stripe), floors)
        found |= await _lock(connection, brand, missing, floor, stripe)
    return found


async def _lock(
    connection: asyncpg.Connection,
    brand: str,
    keys: Collection[AccountKey],
    floor: Callable[[str], int],
    stripe: int,
) -> dict[AccountKey, Account]:
    if not keys:
        return {}
    wanted, found = sorted(keys), {}
    for place, number, balance, earned, position in await connection.fetch(
        _LOCK_ACCOUNTS, brand, *_columns(wanted, stripe)
    ):
        key = wanted[position - 1]
        owner, currency, kind = key
        found[key] = Account(number, owner, currency, kind, balance, earned, _floor(key, floor), None, place)
    return found


def _floor(key: AccountKey, floor: Callable[[str], int]) -> int | None:
    owner, currency, kind = key
    if owner == PROGRAMME:
        return None
    return floor(currency) if kind == "available" and not owner.startswith(GROUP_MARK) else 0


def _columns(keys: Sequence[AccountKey], stripe: int) -> tuple[list[Any], ...]:
    """Owners, currencies, kinds and stripes."""
    owners, currencies, kinds = (list(column) for column in zip(*keys, strict=True))
    return owners, currencies, kinds, [stripe if owner == PROGRAMME else 0 for owner in owners]


async def save_accounts(connection: asyncpg.Connection, changed: Sequence[Account]) -> None:
    status = await connection.execute(_SAVE_ACCOUNTS, *_balances(changed))
    _check_saved(changed, int(status.removeprefix("UPDATE ")))


async def save_accounts_and_add_entries(
    connection: asyncpg.Connection, brand: str, changed: Sequence[Account], entries: Sequence[Entry]
) -> dict[str, int]:
    """Saves locked accounts and appends entries; the entries' ids by key."""
    rows = await connection.fetch(_SAVE_ACCOUNTS_AND_ADD_ENTRIES, brand, *_entry_columns(entries), *_balances(changed))
    _check_saved(changed, rows[0]["saved"])
    return {entry.key: number for entry, (number, _) in zip(entries, rows, strict=True)}


def _balances(changed: Sequence[Account]) -> tuple[list[Any], ...]:
    return (
        [account.place for account in changed],
        # One that a former programme let lower is let stay there.
        [None if account.floor is None else min(account.floor, account.balance) for account in changed],
        [account.balance for account in changed],
        [account.earned for account in changed],
    )


def _check_saved(changed: Sequence[Account], saved: int) -> None:
    if saved != len(changed):
        raise RuntimeError(f"of {len(changed)} locked accounts {saved} were saved")


async def load_lots(connection: asyncpg.Connection, accounts: Mapping[int, tuple[Account, int]]) -> None:
    """Gives each account its lots, soonest first: as many as hold what may leave it, or all."""
    for account, _ in accounts.values():
        account.lots = []
    await _read_lots(connection, accounts, LOTS_AT_FIRST)
    short = {
        number: (account, debit)
        for number, (account, debit) in accounts.items()
        if account.lots is not None
        and len(account.lots) == LOTS_AT_FIRST
        and sum(part for _, part in account.lots) < debit
    }
    if short:
        for account, _ in short.values():
            account.lots = []
        await _read_lots(connection, short, None)


async def _read_lots(
    connection: asyncpg.Connection, accounts: Mapping[int, tuple[Account, int]], most: int | None
) -> None:
    for row in await connection.fetch(_LOTS, sorted(accounts), most):
        held = accounts[row["account"]][0].lots
        assert held is not None  # noqa: S101 - given just before
        held.append((row["expires_at"], row["remaining"]))


async def change_lots(
    connection: asyncpg.Connection,
    brand: str,
    changes: Mapping[tuple[int, datetime], int],
    warnings: Mapping[tuple[int, datetime], datetime],
) -> None:
    """Adds to lots and takes from them; what is empty goes. `warnings` say when new ones are warned of."""
    more = sorted((key, by) for key, by in changes.items() if by > 0)
    less = sorted((key, by) for key, by in changes.items() if by < 0)
    if more:
        await connection.execute(_CHANGE_LOTS, brand, *_lot_columns(more), [warnings.get(key) for key, _ in more])
    if less:
        accounts, moments, amounts = _lot_columns(less)
        await connection.execute(_TAKE_FROM_LOTS, accounts, moments, amounts)
        await connection.execute(_DROP_EMPTY_LOTS, accounts, moments)


def _lot_columns(changes: Sequence[tuple[tuple[int, datetime], int]]) -> tuple[list[Any], ...]:
    return (
        [account for (account, _), _ in changes],
        [moment for (_, moment), _ in changes],
        [by for _, by in changes],
    )


def parts_json(parts: Sequence[Part]) -> str | None:
    """Parts of lots as they are kept with what took them; None for none."""
    if not parts:
        return None
    return orjson.dumps([[int(moment.timestamp()), amount] for moment, amount in parts]).decode()


def parts_of(kept: str | None) -> list[Part]:
    """What `parts_json` kept."""
    return [(datetime.fromtimestamp(moment, UTC), amount) for moment, amount in orjson.loads(kept or "[]")]


@dataclass(frozen=True, slots=True)
class KnownActivity:
    """An activity that was recorded, with its earnings by currency."""

    digest: bytes
    earned: dict[str, int]
    member: str
    type: str


async def known_activities(connection: asyncpg.Connection, brand: str, ids: Sequence[str]) -> dict[str, KnownActivity]:
    """The activities that are recorded already."""
    return {
        row["id"]: KnownActivity(row["digest"], orjson.loads(row["earned"]), row["member"], row["type"])
        for row in await connection.fetch(_KNOWN_ACTIVITIES, brand, ids)
    }


async def add_activities(connection: asyncpg.Connection, brand: str, rows: Sequence[Any]) -> None:
    """Adds activities: (id, member, type, occurred_at, attributes, digest, earned, version)."""
    ids, members, types, moments, attributes, digests, earned, versions = (
        list(column) for column in zip(*rows, strict=True)
    )
    await connection.execute(
        _ADD_ACTIVITIES,
        brand,
        ids,
        members,
        types,
        moments,
        [orjson.dumps(value).decode() for value in attributes],
        digests,
        versions[0],
        [orjson.dumps(value).decode() for value in earned],
    )


async def known_entries(connection: asyncpg.Connection, brand: str, keys: Sequence[str]) -> dict[str, Any]:
    """The entries that were made under the keys already."""
    return {row["key"]: row for row in await connection.fetch(_KNOWN_ENTRIES, brand, keys)}


def _entry_columns(entries: Sequence[Entry]) -> tuple[list[Any], ...]:
    return (
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
        [parts_json(e.lots) for e in entries],
    )


async def lock_newest_programme(connection: asyncpg.Connection, brand: str) -> tuple[int, Programme | None]:
    """The newest version and its programme; versions are recorded one after another until the transaction ends."""
    await connection.execute(_LOCK_PROGRAMME, brand)
    row = await connection.fetchrow(_PROGRAMME, brand)
    return (row["version"], Programme.FromString(row["document"])) if row is not None else (0, None)


async def add_programmes(connection: asyncpg.Connection, brand: str, applied: Sequence[ProgrammeApplied]) -> None:
    """Records new versions."""
    for version in applied:
        await connection.execute(_ADD_PROGRAMME, brand, version.version, version.programme.SerializeToString())


async def note_adoptions(connection: asyncpg.Connection, brand: str, adopted: Sequence[tuple[str, int]]) -> None:
    for service, version in adopted:
        await connection.execute(_ADOPT, brand, service, version)


async def lock_holds(connection: asyncpg.Connection, brand: str, names: Sequence[str]) -> dict[str, Hold]:
    """The holds of these ids, locked."""
    return _holds_of(await connection.fetch(_HOLDS + " ORDER BY hold FOR NO KEY UPDATE", brand, names))


async def holds(connection: asyncpg.Connection, brand: str, names: Sequence[str]) -> dict[str, Hold]:
    """The holds of these ids."""
    return _holds_of(await connection.fetch(_HOLDS, brand, names))


def _holds_of(rows: Iterable[Any]) -> dict[str, Hold]:
    return {row["hold"]: Hold(**{**row, "parts": parts_of(row["parts"])}) for row in rows}


async def save_holds(connection: asyncpg.Connection, brand: str, changed: Sequence[Hold]) -> None:
    await connection.execute(
        _SAVE_HOLDS,
        brand,
        [hold.hold for hold in changed],
        [hold.member for hold in changed],
        [hold.currency for hold in changed],
        [hold.amount for hold in changed],
        [hold.captured for hold in changed],
        [hold.state for hold in changed],
        [hold.reference for hold in changed],
        [hold.digest for hold in changed],
        [parts_json(hold.parts) for hold in changed],
        [hold.made_at for hold in changed],
        [hold.expires_at for hold in changed],
    )


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
    connection: asyncpg.Connection, brand: str, member_id: str, page_size: int, page_token: str, kind: str
) -> tuple[list[pb.Entry], str]:
    """A page of entries, newest first, and the token of the next."""
    before = 2**63 - 1
    if page_token:
        if not (page_token.isascii() and page_token.isdigit()) or len(page_token) > 18:
            raise InvalidArgument(f"page_token {page_token!r} is not one that this list gave.")
        before = int(page_token)
    rows = await connection.fetch(_STATEMENT, brand, member_id, before, page_size + 1, kind)
    entries = [pb.Entry(**row) for row in rows[:page_size]]
    return entries, str(entries[-1].id) if len(rows) > page_size else ""


async def liability(connection: asyncpg.Connection, brand: str) -> Mapping[str, pb.CurrencyLiability]:
    return {
        row["currency"]: pb.CurrencyLiability(**row, outstanding=row["issued"] - row["spent"] - row["expired"])
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


async def lock_pending_lots(connection: asyncpg.Connection, brand: str, names: Sequence[str]) -> dict[str, Lot]:
    """The pending lots of these ids, locked."""
    query = f"{_PENDING_LOTS} AND lot = ANY($2::text[]) ORDER BY lot FOR NO KEY UPDATE"
    return {row["lot"]: Lot(**row) for row in await connection.fetch(query, brand, names)}


async def pending_lots(connection: asyncpg.Connection, brand: str, names: Sequence[str]) -> dict[str, Lot]:
    """The pending lots of these ids."""
    rows = await connection.fetch(f"{_PENDING_LOTS} AND lot = ANY($2::text[])", brand, names)
    return {row["lot"]: Lot(**row) for row in rows}


async def pending_lots_of_activities(
    connection: asyncpg.Connection, brand: str, activities: Sequence[str]
) -> dict[str, list[Lot]]:
    """The waiting lots that activities earned, by activity."""
    query = f"{_PENDING_LOTS} AND activity = ANY($2::text[]) AND state = 1 ORDER BY lot"
    found: dict[str, list[Lot]] = {}
    for row in await connection.fetch(query, brand, activities):
        found.setdefault(row["activity"], []).append(Lot(**row))
    return found


async def pending_lots_of_member(connection: asyncpg.Connection, brand: str, member_id: str, most: int) -> list[Lot]:
    """A member's waiting lots, those with the earliest moment first."""
    query = f"{_PENDING_LOTS} AND member = $2 AND state = 1 ORDER BY activates_at NULLS LAST, lot LIMIT $3"
    return [Lot(**row) for row in await connection.fetch(query, brand, member_id, most)]


async def save_pending_lots(connection: asyncpg.Connection, brand: str, changed: Sequence[Lot]) -> None:
    await connection.execute(
        _SAVE_PENDING_LOTS,
        brand,
        [lot.lot for lot in changed],
        [lot.member for lot in changed],
        [lot.currency for lot in changed],
        [lot.amount for lot in changed],
        [lot.state for lot in changed],
        [lot.changes for lot in changed],
        [lot.reference for lot in changed],
        [lot.activity for lot in changed],
        [lot.occurred_at for lot in changed],
        [lot.activates_at for lot in changed],
        [lot.until_type for lot in changed],
    )


# -- what is due -------------------------------------------------------------


async def brands_due(connection: asyncpg.Connection, until: datetime) -> list[str]:
    """The brands of which something is due by a moment."""
    return [row["brand"] for row in await connection.fetch(_BRANDS_DUE, until)]


async def due_lots(connection: asyncpg.Connection, brand: str, until: datetime, most: int) -> list[str]:
    return [row["lot"] for row in await connection.fetch(_DUE_LOTS, brand, until, most)]


async def due_holds(connection: asyncpg.Connection, brand: str, until: datetime, most: int) -> list[str]:
    return [row["hold"] for row in await connection.fetch(_DUE_HOLDS, brand, until, most)]


async def due_expiry(connection: asyncpg.Connection, brand: str, until: datetime, most: int) -> list[Any]:
    """Lots that expire by a moment: account, expires_at, owner, currency."""
    return list(await connection.fetch(_DUE_EXPIRY, brand, until, most))


async def due_warnings(connection: asyncpg.Connection, brand: str, until: datetime, most: int) -> list[Any]:
    """Lots of whose expiry somebody is to be told by a moment."""
    return list(await connection.fetch(_DUE_WARNINGS, brand, until, most))


async def note_warnings(connection: asyncpg.Connection, _brand: str, told: Sequence[tuple[int, datetime]]) -> None:
    await connection.execute(_WARN, [account for account, _ in told], [moment for _, moment in told])


async def entries_of(connection: asyncpg.Connection, brand: str, ids: Sequence[int]) -> dict[int, Any]:
    """Entries by their ids, with the accounts that they moved."""
    return {row["id"]: row for row in await connection.fetch(_ENTRIES_OF, brand, ids)}


async def lock_counters(
    connection: asyncpg.Connection, brand: str, keys: Sequence[tuple[str, str, str]]
) -> dict[tuple[str, str, str], Counter]:
    """Counters (name, owner, period), locked in key order and made where missing, so that a first count waits, too."""
    found = await _locked_counters(connection, brand, keys)
    if missing := [key for key in keys if key not in found]:
        await connection.execute(_ADD_COUNTERS, brand, *(list(column) for column in zip(*missing, strict=True)))
        found |= await _locked_counters(connection, brand, missing)
    return found


async def _locked_counters(
    connection: asyncpg.Connection, brand: str, keys: Sequence[tuple[str, str, str]]
) -> dict[tuple[str, str, str], Counter]:
    columns = (list(column) for column in zip(*keys, strict=True))
    rows = await connection.fetch(_LOCK_COUNTERS, brand, *columns)
    return {(row["name"], row["owner"], row["period"]): Counter(**row) for row in rows}


async def save_counters(connection: asyncpg.Connection, brand: str, changed: Sequence[Counter]) -> None:
    await connection.execute(
        _SAVE_COUNTERS,
        brand,
        [counter.name for counter in changed],
        [counter.owner for counter in changed],
        [counter.period for counter in changed],
        [counter.value for counter in changed],
    )


async def enrolled(connection: asyncpg.Connection, brand: str, members: Sequence[str]) -> set[str]:
    """Which of these members there are."""
    return {row["member"] for row in await connection.fetch(_ENROLLED, brand, members)}
