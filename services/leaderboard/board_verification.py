"""The invariants of boards, checked over all that there are."""

import asyncpg

_SIZES = """
    SELECT board, coalesce(ranked.members, 0) AS ranked, coalesce(counted.members, 0) AS counted
    FROM (SELECT board, count(*) AS members FROM scores WHERE brand = $1 GROUP BY board) AS ranked
    FULL JOIN (SELECT board, sum(members)::bigint AS members FROM board_sizes WHERE brand = $1 GROUP BY board)
        AS counted USING (board)
    WHERE coalesce(ranked.members, 0) <> coalesce(counted.members, 0) ORDER BY board"""


async def board_violations(connection: asyncpg.Connection, brand: str) -> list[str]:
    """What does not hold."""
    return [
        f"Board {row['board']!r} ranks {row['ranked']} members and counts {row['counted']}."
        for row in await connection.fetch(_SIZES, brand)
    ]
