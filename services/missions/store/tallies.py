"""Counts that many transactions raise at once.

A tally is a sum of stripes, one a partition of members, so that those who
count for members of different partitions do not wait for one another. It is
the last thing that a transaction writes, all of its tallies in one statement
and in key order.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import asyncpg

from chassis.book import Book
from chassis.events import partition

_SAVE = """
    INSERT INTO tallies (brand, tally, stripe, value)
    SELECT $1, tally, stripe, value
    FROM unnest($2::text[], $3::smallint[], $4::bigint[]) AS new (tally, stripe, value)
    ON CONFLICT (brand, tally, stripe) DO UPDATE SET value = tallies.value + excluded.value"""
_READ = """
    SELECT tally, sum(value)::bigint AS value FROM tallies
    WHERE brand = $1 AND tally = ANY($2::text[]) GROUP BY tally"""


class Count(NamedTuple):
    """By how much a tally changes for a member."""

    tally: str
    member: str
    by: int


def count(book: Book, tally: str, member: str, by: int) -> None:
    """Raises or, below 0, lowers a tally."""
    if by:
        book.add(save, Count(tally, member, by))


async def save(connection: asyncpg.Connection, brand: str, counts: Iterable[Count]) -> None:
    changes: dict[tuple[str, int], int] = defaultdict(int)
    for tally, member, by in counts:
        changes[tally, partition(member)] += by
    rows = sorted((*key, by) for key, by in changes.items() if by)
    if rows:
        await connection.execute(
            _SAVE, brand, [row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows]
        )


async def read(connection: asyncpg.Connection, brand: str, tallies: Sequence[str]) -> dict[str, int]:
    """What tallies stand at, all at one moment; those that nobody raised are left out."""
    rows = await connection.fetch(_READ, brand, list(tallies)) if tallies else []
    return {row["tally"]: row["value"] for row in rows}
