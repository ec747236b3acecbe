"""An event has its effect once: its id is claimed in the transaction of its effect.

Claims are bits: a row holds those of a thousand ids of one source and
partition, so that a batch of hundreds of events changes a dozen rows and a
claim costs a few bits for as long as it is kept. A partition's events are
applied by one worker at a time, so workers do not wait for each other's rows.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import asyncpg

from chassis.events import Event, partition

BUCKET = 1_000
"""Ids in a row; `create_chassis_tables` and the view `claims` know it, too."""
BUCKET_BYTES = BUCKET // 8

Key = tuple[str, int, int]
"""Source, partition, bucket."""

_LOCK = """
    SELECT known.*
    FROM unnest($2::text[], $3::integer[], $4::bigint[]) AS wanted (source, partition, bucket)
    CROSS JOIN LATERAL (
        SELECT source, partition, bucket, claimed FROM inbox
        WHERE brand = $1 AND inbox.source = wanted.source AND inbox.partition = wanted.partition
          AND inbox.bucket = wanted.bucket
        LIMIT 1 FOR NO KEY UPDATE
    ) AS known"""
_ADD = """
    INSERT INTO inbox (brand, source, partition, bucket, claimed)
    SELECT $1, source, partition, bucket, $5
    FROM unnest($2::text[], $3::integer[], $4::bigint[]) AS new (source, partition, bucket)
    ON CONFLICT DO NOTHING"""
_SAVE = """
    INSERT INTO inbox (brand, source, partition, bucket, claimed)
    SELECT $1, source, partition, bucket, claimed
    FROM unnest($2::text[], $3::integer[], $4::bigint[], $5::bytea[]) AS new (source, partition, bucket, claimed)
    ON CONFLICT (brand, source, partition, bucket) DO UPDATE SET claimed = excluded.claimed, changed_at = now()"""


class Claims:
    """The claims of one transaction, locked in key order until it ends."""

    def __init__(self, connection: asyncpg.Connection, brand: str, bits: dict[Key, int]) -> None:
        self._connection, self._brand, self._bits = connection, brand, bits
        self._changed: set[Key] = set()

    def take(self, event: Event) -> bool:
        """Claims an event; whether nobody had."""
        key, bit = _place(event)
        if self._bits[key] & bit:
            return False
        self._bits[key] |= bit
        self._changed.add(key)
        return True

    def give_back(self, event: Event) -> None:
        """Takes a claim of this transaction back."""
        key, bit = _place(event)
        self._bits[key] &= ~bit

    async def save(self) -> None:
        """Writes what was claimed."""
        if not self._changed:
            return
        keys = sorted(self._changed)
        bits = [self._bits[key].to_bytes(BUCKET_BYTES, "little") for key in keys]
        await self._connection.execute(_SAVE, self._brand, *_columns(keys), bits)


async def lock(connection: asyncpg.Connection, brand: str, events: Iterable[Event]) -> Claims:
    """Locks the claims that the events need."""
    wanted = {_place(event)[0] for event in events}
    bits = await _locked(connection, brand, wanted)
    if missing := wanted - bits.keys():
        await connection.execute(_ADD, brand, *_columns(sorted(missing)), bytes(BUCKET_BYTES))
        bits |= await _locked(connection, brand, missing)
    return Claims(connection, brand, bits)


async def _locked(connection: asyncpg.Connection, brand: str, keys: Collection[Key]) -> dict[Key, int]:
    if not keys:
        return {}
    return {
        (row["source"], row["partition"], row["bucket"]): int.from_bytes(row["claimed"], "little")
        for row in await connection.fetch(_LOCK, brand, *_columns(sorted(keys)))
    }


def _place(event: Event) -> tuple[Key, int]:
    """The row of an event's claim, and its bit in it."""
    bucket, place = divmod(event.id, BUCKET)
    return (event.source, partition(event.member), bucket), 1 << place


def _columns(keys: Sequence[Key]) -> tuple[list[Any], ...]:
    sources, partitions, buckets = (list(column) for column in zip(*keys, strict=True))
    return sources, partitions, buckets
