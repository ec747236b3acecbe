"""Every SQL statement of ranks that were told while a period was open."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import asyncpg

from services.leaderboard.store.boards import ScoreKey

_LOCK = """
    SELECT known.* FROM unnest($2::text[], $3::bigint[], $4::text[]) AS wanted (board, period, member)
    CROSS JOIN LATERAL (
        SELECT board, period, member, rank, told_at FROM ranks_told
        WHERE brand = $1 AND ranks_told.board = wanted.board AND ranks_told.period = wanted.period
          AND ranks_told.member = wanted.member
        LIMIT 1 FOR NO KEY UPDATE
    ) AS known"""
_ADD = """
    INSERT INTO ranks_told (brand, board, period, member, rank, told_at)
    SELECT $1, * FROM unnest($2::text[], $3::bigint[], $4::text[], $5::bigint[], $6::timestamptz[])"""
_SAVE = """
    UPDATE ranks_told SET rank = new.rank, told_at = new.told_at
    FROM unnest($2::text[], $3::bigint[], $4::text[], $5::bigint[], $6::timestamptz[])
        AS new (board, period, member, rank, told_at)
    WHERE ranks_told.brand = $1 AND ranks_told.board = new.board AND ranks_told.period = new.period
      AND ranks_told.member = new.member"""


@dataclass(slots=True)
class Told:
    """The best rank of a member in a period that was told while it was open."""

    board: str
    period: int
    member: str
    rank: int
    told_at: datetime
    is_new: bool = field(default=False, compare=False)


async def lock(connection: asyncpg.Connection, brand: str, keys: Sequence[ScoreKey]) -> dict[ScoreKey, Told]:
    """What was told of these members."""
    columns = [[key[place] for key in keys] for place in range(3)]
    rows = [Told(*row) for row in await connection.fetch(_LOCK, brand, *columns)]
    return {(row.board, row.period, row.member): row for row in rows}


async def save(connection: asyncpg.Connection, brand: str, told: Sequence[Told]) -> None:
    """Writes new and changed rows. One that another transaction added first is a unique violation."""
    for statement, some in (
        (_ADD, [row for row in told if row.is_new]),
        (_SAVE, [row for row in told if not row.is_new]),
    ):
        if some:
            await connection.execute(
                statement,
                brand,
                [row.board for row in some],
                [row.period for row in some],
                [row.member for row in some],
                [row.rank for row in some],
                [row.told_at for row in some],
            )
