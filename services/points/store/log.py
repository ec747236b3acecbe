"""The SQL of the ledger's log.

Entries get their ids from one sequence, under a lock that writers share until
they commit. So whoever held it alone for a moment knows that every id up to
the sequence's newest is committed or gone, in all brands.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import asyncpg

from chassis.errors import InvalidArgument
from chassis.merkle import Place
from laurels.points.v1 import log_pb2
from services.points.leaves import VERSION, Leaf

SETTLING_MAX = "100ms"
"""How long writers wait at most behind a builder that waits for one of them to commit."""
ENTRIES_LOOKED_AT_MAX = 200_000
"""A page of a small brand's entries does not read through all those of large ones."""

_SETTLED = f"""
    SELECT set_config('lock_timeout', '{SETTLING_MAX}', true), pg_advisory_xact_lock(hashtextextended('ledger', 0))"""
_NEWEST_ID = "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM entries_id_seq"
# A chunk is read by one process: workers would be the writers' share of the machine.
_APPENDING = """
    SELECT set_config('max_parallel_workers_per_gather', '0', true),
        pg_advisory_xact_lock(hashtextextended('ledger_log', 0))"""
_REACHED = "SELECT coalesce(max(last_entry), 0) FROM ledger_logs"
# What services.points.leaves.Leaf encodes, hashed.
LEAF_HASH = f"""sha256('\\x00{VERSION:02x}'::bytea || int8send(id) || int8send(debit) || int8send(credit)
        || int8send(amount) || int4send(kind) || int8send((extract(epoch FROM occurred_at) * 1000000)::bigint)
        || int8send((extract(epoch FROM recorded_at) * 1000000)::bigint)
        || int2send(octet_length(currency)::smallint) || convert_to(currency, 'UTF8'))"""
_NEW_LEAVES = f"""
    SELECT brand, id, {LEAF_HASH} AS hash
    FROM (
        SELECT brand, id, debit, credit, amount, kind, occurred_at, recorded_at FROM entries
        WHERE id > $1 AND id <= $2 ORDER BY id LIMIT $3
    ) AS entry
    CROSS JOIN LATERAL (SELECT currency FROM accounts WHERE accounts.id = entry.credit LIMIT 1) AS account
    ORDER BY id"""  # noqa: S608 - put together from constants
_LOGS = "SELECT brand, size, last_entry, root FROM ledger_logs WHERE brand = ANY($1::text[])"
_TILES = """
    SELECT known.*
    FROM unnest($1::text[], $2::integer[], $3::bigint[]) AS wanted (brand, level, number)
    CROSS JOIN LATERAL (
        SELECT brand, level, number, first_entry, hashes FROM ledger_tiles
        WHERE ledger_tiles.brand = wanted.brand AND ledger_tiles.level = wanted.level
          AND ledger_tiles.number = wanted.number
        LIMIT 1
    ) AS known"""
_SAVE_TILES = """
    INSERT INTO ledger_tiles (brand, level, number, first_entry, hashes)
    SELECT brand, level, number, first_entry, hashes
    FROM unnest($1::text[], $2::integer[], $3::bigint[], $4::bigint[], $5::bytea[])
        AS new (brand, level, number, first_entry, hashes)
    ON CONFLICT (brand, level, number) DO UPDATE SET hashes = excluded.hashes"""
_SAVE_LOGS = """
    INSERT INTO ledger_logs (brand, size, last_entry, root)
    SELECT brand, size, last_entry, root
    FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bytea[]) AS new (brand, size, last_entry, root)
    ON CONFLICT (brand) DO UPDATE SET size = excluded.size, last_entry = excluded.last_entry, root = excluded.root"""
_UNSIGNED = """
    SELECT logs.brand, logs.size, logs.root, signed.size AS signed_size, signed.root AS signed_root,
        signed.note AS signed_note
    FROM ledger_logs AS logs LEFT JOIN LATERAL (
        SELECT size, root, note, made_at FROM ledger_checkpoints
        WHERE ledger_checkpoints.brand = logs.brand ORDER BY size DESC LIMIT 1
    ) AS signed ON true
    WHERE signed.size IS NULL OR (signed.size < logs.size AND signed.made_at <= $1)
    ORDER BY logs.brand"""
_ADD_CHECKPOINT = """
    INSERT INTO ledger_checkpoints (brand, size, root, made_at, note) VALUES ($1, $2, $3, $4, $5)"""
_CHECKPOINTS = """
    SELECT size, root, made_at, note FROM ledger_checkpoints
    WHERE brand = $1 AND size < $2 ORDER BY size DESC LIMIT $3"""
_CHECKPOINT = "SELECT size, root, made_at, note FROM ledger_checkpoints WHERE brand = $1 AND size = $2"
_ENTRY = """
    SELECT entries.id, debit, credit, source.currency, amount, entries.kind, occurred_at, recorded_at,
        source.owner AS debit_owner, target.owner AS credit_owner
    FROM entries JOIN accounts AS source ON source.id = debit JOIN accounts AS target ON target.id = credit
    WHERE entries.brand = $1 AND entries.id = $2"""
_LOGGED_ENTRIES = """
    SELECT entry.id, entry.debit, entry.credit, account.currency, entry.amount, entry.kind, entry.occurred_at,
        entry.recorded_at
    FROM (
        SELECT id, debit, credit, amount, kind, occurred_at, recorded_at FROM entries
        WHERE brand = $1 AND id > $2 AND id <= $3 ORDER BY id LIMIT $4
    ) AS entry
    CROSS JOIN LATERAL (SELECT currency FROM accounts WHERE accounts.id = entry.credit LIMIT 1) AS account
    ORDER BY entry.id"""
_TILE_OF = """
    SELECT number, hashes FROM ledger_tiles
    WHERE brand = $1 AND level = 0 AND first_entry <= $2 ORDER BY first_entry DESC LIMIT 1"""


@dataclass(frozen=True, slots=True)
class Log:
    """How far a brand's log has come."""

    brand: str
    size: int
    last_entry: int
    root: bytes


@dataclass(frozen=True, slots=True)
class Tile:
    """A tile as it is kept; `first_entry` at level 0."""

    brand: str
    level: int
    number: int
    first_entry: int | None
    hashes: bytes


@dataclass(frozen=True, slots=True)
class Unsigned:
    """A log that grew since its newest checkpoint, whose columns are None when there is none."""

    brand: str
    size: int
    root: bytes
    signed_size: int | None
    signed_root: bytes | None
    signed_note: str | None


async def newest_id(connection: asyncpg.Connection) -> int:
    """The newest id of an entry of any brand, committed or not; 0 before the first."""
    return int(await connection.fetchval(_NEWEST_ID))


async def settled_id(connection: asyncpg.Connection) -> int:
    """An id up to which every entry of any brand is committed or gone.

    Raises LockNotAvailableError when a writer does not commit for SETTLING_MAX.
    The lock is held until the transaction ends; it should end at once.
    """
    await connection.execute(_SETTLED)
    return await newest_id(connection)


async def lock_logs(connection: asyncpg.Connection) -> int:
    """Makes this the only transaction that appends; the newest id that any log has, 0 when none has one."""
    await connection.execute(_APPENDING)
    return int(await connection.fetchval(_REACHED))


async def new_leaves(connection: asyncpg.Connection, after: int, until: int, most: int) -> list[Any]:
    """The entries of all brands between two ids, in their order: brand, id, hash."""
    return list(await connection.fetch(_NEW_LEAVES, after, until, most))


async def logs(connection: asyncpg.Connection, brands: Collection[str]) -> dict[str, Log]:
    """The logs of brands, those that have one."""
    return {row["brand"]: Log(**row) for row in await connection.fetch(_LOGS, sorted(brands))}


async def tiles(connection: asyncpg.Connection, wanted: Iterable[tuple[str, Place]]) -> list[Tile]:
    """The tiles at these places that are there."""
    rows = sorted(wanted)
    if not rows:
        return []
    columns = [brand for brand, _ in rows], [level for _, (level, _) in rows], [number for _, (_, number) in rows]
    return [Tile(**row) for row in await connection.fetch(_TILES, *columns)]


async def tiles_at(connection: asyncpg.Connection, brand: str, places: Iterable[Place]) -> dict[Place, bytes]:
    """The hashes of a brand's tiles at these places."""
    found = await tiles(connection, ((brand, place) for place in places))
    return {(tile.level, tile.number): tile.hashes for tile in found}


async def save_tiles(connection: asyncpg.Connection, changed: Sequence[Tile]) -> None:
    await connection.execute(
        _SAVE_TILES,
        [tile.brand for tile in changed],
        [tile.level for tile in changed],
        [tile.number for tile in changed],
        [tile.first_entry for tile in changed],
        [tile.hashes for tile in changed],
    )


async def save_logs(connection: asyncpg.Connection, changed: Sequence[Log]) -> None:
    await connection.execute(
        _SAVE_LOGS,
        [log.brand for log in changed],
        [log.size for log in changed],
        [log.last_entry for log in changed],
        [log.root for log in changed],
    )


async def unsigned(connection: asyncpg.Connection, before: datetime) -> list[Unsigned]:
    """The logs that grew since their newest checkpoint, and that one was made by `before`."""
    return [Unsigned(**row) for row in await connection.fetch(_UNSIGNED, before)]


async def add_checkpoint(
    connection: asyncpg.Connection, brand: str, size: int, root: bytes, made_at: datetime, note: str
) -> None:
    await connection.execute(_ADD_CHECKPOINT, brand, size, root, made_at, note)


async def checkpoints(
    connection: asyncpg.Connection, brand: str, page_size: int, page_token: str
) -> tuple[list[log_pb2.Checkpoint], str]:
    """A page of checkpoints, newest first, and the token of the next."""
    before = _number_of(page_token) if page_token else 2**63 - 1
    rows = await connection.fetch(_CHECKPOINTS, brand, before, page_size + 1)
    found = [log_pb2.Checkpoint(**row) for row in rows[:page_size]]
    return found, str(found[-1].size) if len(rows) > page_size else ""


async def checkpoint(connection: asyncpg.Connection, brand: str, size: int) -> log_pb2.Checkpoint | None:
    """The checkpoint of so many entries, the newest for 0; None when there is none."""
    if size:
        row = await connection.fetchrow(_CHECKPOINT, brand, size)
    else:
        row = await connection.fetchrow(_CHECKPOINTS, brand, 2**63 - 1, 1)
    return log_pb2.Checkpoint(**row) if row is not None else None


async def entry(connection: asyncpg.Connection, brand: str, number: int) -> tuple[Leaf, set[str]] | None:
    """An entry as it is hashed, and the owners of its accounts; None when there is none."""
    row = await connection.fetchrow(_ENTRY, brand, number)
    return None if row is None else (_leaf(row), {row["debit_owner"], row["credit_owner"]})


async def place_of(connection: asyncpg.Connection, brand: str, leaf: Leaf) -> int | None:
    """Which leaf of the log an entry is, from 0 on; None when it is none."""
    row = await connection.fetchrow(_TILE_OF, brand, leaf.entry)
    if row is None:
        return None
    hashes, wanted = row["hashes"], leaf.hashed()
    size = len(wanted)
    for place in range(len(hashes) // size):
        if hashes[place * size : (place + 1) * size] == wanted:
            return int(row["number"]) * 256 + place
    return None


async def logged_entries(
    connection: asyncpg.Connection, brand: str, page_size: int, page_token: str
) -> tuple[list[Leaf], str]:
    """A page of the log's entries, oldest first, and the token of the next."""
    after = _number_of(page_token) if page_token else 0
    known = (await logs(connection, [brand])).get(brand)
    last = known.last_entry if known is not None else 0
    until = min(last, after + ENTRIES_LOOKED_AT_MAX)
    rows = await connection.fetch(_LOGGED_ENTRIES, brand, after, until, page_size)
    reached = rows[-1]["id"] if len(rows) == page_size else until
    return [_leaf(row) for row in rows], str(reached) if reached < last else ""


def _leaf(row: Any) -> Leaf:
    return Leaf(
        row["id"],
        row["debit"],
        row["credit"],
        row["currency"],
        row["amount"],
        row["kind"],
        row["occurred_at"].astimezone(UTC),
        row["recorded_at"].astimezone(UTC),
    )


def _number_of(page_token: str) -> int:
    if not (page_token.isascii() and page_token.isdigit()) or len(page_token) > 18:
        raise InvalidArgument(f"page_token {page_token!r} is not one that this list gave.")
    return int(page_token)
