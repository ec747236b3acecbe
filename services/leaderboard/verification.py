"""The invariants of the leaderboard's database, checked over everything it holds of a brand."""

import asyncpg

from services.leaderboard.board_verification import board_violations
from services.leaderboard.card_verification import card_violations
from services.leaderboard.group_verification import group_violations
from services.leaderboard.league_verification import league_violations
from services.leaderboard.programme import compile_document
from services.leaderboard.rank_verification import rank_violations
from services.leaderboard.sealing import Seal, key_of

RETENTION_DAYS = 7

# The brand stands in every statement, so that a superuser's connection, which
# row-level security lets through, sees one brand as well.
_FRAME = "SELECT current_setting('laurels.brand') AS brand, now() - make_interval(days => $1) AS kept_since"
_DEAD_LETTERS = "SELECT source, id, type, reason FROM dead_letters WHERE brand = $1 ORDER BY source, id"

_NOT_GIVEN = """
    SELECT key, place FROM parked_cards WHERE brand = $1 AND state = 2 AND NOT EXISTS (
        SELECT FROM scratch_cards WHERE scratch_cards.brand = $1 AND scratch_cards.card = parked_cards.card)
    ORDER BY key, place"""
_DOCUMENTS = "SELECT version, document FROM configurations WHERE brand = $1"


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
    for row in await connection.fetch(_DEAD_LETTERS, brand):
        found.append(f"Event {row['id']} of {row['source']}, a {row['type']}, was parked: {row['reason']}")
    for row in await connection.fetch(_NOT_GIVEN, brand):
        found.append(f"The parked card {row['place']} of grant {row['key']!r} is said to be given, and is not there.")
    documents = {row["version"]: row["document"] for row in await connection.fetch(_DOCUMENTS, brand)}
    rules = {version: compile_document(document) for version, document in documents.items()}
    found += await rank_violations(connection, brand, rules, frame["kept_since"])
    found += await group_violations(connection, brand, rules)
    found += await league_violations(connection, brand, rules, frame["kept_since"])
    return found + await card_violations(connection, brand, Seal(key_of(seed_key)), frame["kept_since"])
