"""Every SQL statement of boards."""

import os
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg

from laurels.leaderboard.v1 import leaderboard_pb2
from services.leaderboard import pages
from services.leaderboard.ranking import Scores

STRIPES = 16
STRIPE = os.getpid() % STRIPES

# A row that was inserted carries no mark of a transaction that locked it; one
# that was updated carries this one's.
_ADD_SCORES = """
    WITH moved AS (
        INSERT INTO scores (brand, board, member, score, reached_at)
        SELECT $1, board, member, score, reached_at
        FROM unnest($2::text[], $3::text[], $4::bigint[], $5::timestamptz[]) WITH ORDINALITY
            AS new (board, member, score, reached_at, place)
        ORDER BY place
        ON CONFLICT (brand, board, member) DO UPDATE SET
            score = scores.score + excluded.score, reached_at = greatest(scores.reached_at, excluded.reached_at)
        RETURNING board, xmax = 0 AS is_new
    )
    INSERT INTO board_sizes (brand, board, stripe, members)
    SELECT $1, board, $6, count(*) FROM moved WHERE is_new GROUP BY board ORDER BY board
    ON CONFLICT (brand, board, stripe) DO UPDATE SET members = board_sizes.members + excluded.members"""
# The index `scores_order` gives the rows in rank order, so a page reads as many
# of its entries as the page's last rank says, and sorts none.
_ENTRIES = """
    SELECT size.members, page.rank, page.member, page.score
    FROM (SELECT coalesce(sum(members), 0)::bigint AS members FROM board_sizes
          WHERE brand = $1 AND board = $2) AS size
    LEFT JOIN LATERAL (
        SELECT $3::bigint + row_number() OVER (ORDER BY score DESC, reached_at, member) AS rank, member, score
        FROM (SELECT score, reached_at, member FROM scores WHERE brand = $1 AND board = $2
              ORDER BY score DESC, reached_at, member OFFSET $3::bigint LIMIT $4) AS wanted
    ) AS page ON true
    ORDER BY page.rank"""
# A rank is one more than the entries before it, which the same index counts.
# Materialized, or it would be counted anew wherever it is mentioned.
_AROUND = """
    WITH me AS MATERIALIZED (
        SELECT (SELECT count(*) FROM scores WHERE brand = $1 AND board = $2 AND score > own.score)
             + (SELECT count(*) FROM scores WHERE brand = $1 AND board = $2 AND score = own.score
                  AND (reached_at, member) < (own.reached_at, own.member)) AS before
        FROM scores AS own WHERE brand = $1 AND board = $2 AND member = $3
    ), near AS MATERIALIZED (
        SELECT before, greatest(before - $4::bigint, 0) AS skipped FROM me
    )
    SELECT size.members, near.before + 1 AS mine, page.rank, page.member, page.score
    FROM near
    CROSS JOIN (SELECT coalesce(sum(members), 0)::bigint AS members FROM board_sizes
                WHERE brand = $1 AND board = $2) AS size
    CROSS JOIN LATERAL (
        SELECT near.skipped + row_number() OVER (ORDER BY score DESC, reached_at, member) AS rank, member, score
        FROM (SELECT score, reached_at, member FROM scores WHERE brand = $1 AND board = $2
              ORDER BY score DESC, reached_at, member
              OFFSET near.skipped LIMIT near.before - near.skipped + 1 + $4::bigint) AS wanted
    ) AS page
    ORDER BY page.rank"""

Gain = tuple[str, str, int, datetime]
"""Board, member, what the score rises by, and when."""


async def add_scores(connection: asyncpg.Connection, brand: str, gains: Sequence[Gain]) -> None:
    """Adds to scores, in key order, and counts the members that are new to a board."""
    scores = Scores()
    for gain in gains:
        scores.add(*gain)
    keys = sorted(scores.by_key)
    gained = [scores.by_key[key] for key in keys]
    await connection.execute(
        _ADD_SCORES,
        brand,
        [board for board, _ in keys],
        [member for _, member in keys],
        [score for score, _ in gained],
        [reached_at for _, reached_at in gained],
        STRIPE,
    )


async def entries(
    connection: asyncpg.Connection, brand: str, board: str, page_size: int, page_token: str
) -> leaderboard_pb2.ListLeaderboardEntriesResponse:
    """A page of a board."""
    rows = await connection.fetch(_ENTRIES, brand, board, pages.rank_of(page_token), page_size + 1)
    found = [_entry(row) for row in rows if row["rank"] is not None]
    token = pages.after_rank(found[page_size - 1].rank) if len(found) > page_size else ""
    return leaderboard_pb2.ListLeaderboardEntriesResponse(
        entries=found[:page_size], next_page_token=token, members=rows[0]["members"]
    )


async def around(
    connection: asyncpg.Connection, brand: str, board: str, member: str, neighbours: int
) -> leaderboard_pb2.GetLeaderboardMemberResponse | None:
    """A member's place with so many neighbours on each side; None without a score."""
    rows = await connection.fetch(_AROUND, brand, board, member, neighbours)
    if not rows:
        return None
    near = [_entry(row) for row in rows]
    own = next(entry for entry in near if entry.rank == rows[0]["mine"])
    return leaderboard_pb2.GetLeaderboardMemberResponse(entry=own, neighbours=near, members=rows[0]["members"])


def _entry(row: Any) -> leaderboard_pb2.LeaderboardEntry:
    return leaderboard_pb2.LeaderboardEntry(rank=row["rank"], member=row["member"], score=row["score"])
