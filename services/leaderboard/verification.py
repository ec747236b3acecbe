"""The invariants of the leaderboard's database, checked over everything it holds of a brand."""

import asyncpg

from services.leaderboard.board_verification import board_violations
from services.leaderboard.card_verification import card_violations
from services.leaderboard.league_verification import league_violations
from services.leaderboard.sealing import Seal, key_of

RETENTION_DAYS = 7

# The brand stands in every statement, so that a superuser's connection, which
# row-level security lets through, sees one brand as well.
_FRAME = "SELECT current_setting('laurels.brand') AS brand, now() - make_interval(days => $1) AS kept_since"
_DEAD_LETTERS = "SELECT source, id, type, reason FROM dead_letters WHERE brand = $1 ORDER BY source, id"


async def violations(
    connection: asyncpg.Connection, seed_key: str, *, retention_days: int = RETENTION_DAYS
) -> list[str]:
    """What does not hold, as sentences; none when all does.

    `connection` is in a transaction whose `laurels.brand` is set, a repeatable
    read unless nothing else runs. `seed_key` is LAURELS_SEED_KEY,
    `retention_days` how long published events are kept.
    """
    (frame,) = await connection.fetch(_FRAME, retention_days)
    brand = frame["brand"]
    found = await board_violations(connection, brand)
    found += await league_violations(connection, brand, frame["kept_since"])
    for row in await connection.fetch(_DEAD_LETTERS, brand):
        found.append(f"Event {row['id']} of {row['source']}, a {row['type']}, was parked: {row['reason']}")
    return found + await card_violations(connection, brand, Seal(key_of(seed_key)), frame["kept_since"])
