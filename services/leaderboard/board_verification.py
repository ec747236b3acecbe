"""The invariants of boards, checked over all that there are.

Every score is reckoned again from its facts, and every standing ordered again
from its places. Scores and facts are read as streams side by side.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC
from typing import Any

import asyncpg

from laurels.leaderboard.v1.boards_events_pb2 import BoardPeriodClosed
from laurels.value.v1.events_pb2 import RewardGranted
from services.leaderboard.periods import period_id
from services.leaderboard.programme import compile_document
from services.leaderboard.rank_index import Order, Ranking, Ties
from services.leaderboard.ranking import Fact, Score, Source, microseconds
from services.leaderboard.repairs import reckoned, same
from services.leaderboard.rules import LeaderboardRules
from services.leaderboard.store.boards import CLOSED, CLOSING, ScoreKey

_DOCUMENTS = "SELECT version, document FROM configurations WHERE brand = $1 ORDER BY version"
_SCORES = """
    SELECT board, period, member, score, sub_score, reached_at, moves, window_at, window_count, NULL AS seen
    FROM scores WHERE brand = $1 ORDER BY board COLLATE "C", period, member"""
_FACTS = """
    SELECT board, period, member, score, sub_score, occurred_at, value, source FROM board_facts
    WHERE brand = $1 ORDER BY board COLLATE "C", period, member, id"""
_PERIODS = """
    SELECT board, period, state, members, archived, version FROM board_periods WHERE brand = $1
    ORDER BY board COLLATE "C", period"""
_ORPHANS = """
    SELECT DISTINCT board, period FROM scores WHERE brand = $1 AND NOT EXISTS (
        SELECT FROM board_periods WHERE board_periods.brand = $1 AND board_periods.board = scores.board
            AND board_periods.period = scores.period)"""
_STANDING = """
    SELECT place, rank, member, score, sub_score, reached_at FROM board_standings
    WHERE brand = $1 AND board = $2 AND period = $3 ORDER BY place"""
# What the erased had is in their places alone.
_UNLIKE = """
    SELECT standing.member FROM board_standings AS standing LEFT JOIN scores AS kept
        ON kept.brand = $1 AND kept.board = $2 AND kept.period = $3 AND kept.member = standing.member
    WHERE standing.brand = $1 AND standing.board = $2 AND standing.period = $3 AND standing.member NOT LIKE '!%'
        AND (kept.score, kept.sub_score, kept.reached_at)
            IS DISTINCT FROM (standing.score, standing.sub_score, standing.reached_at)
    ORDER BY standing.place LIMIT 20"""
_TOLD = "SELECT payload FROM outbox WHERE brand = $1 AND type = $2 AND member NOT LIKE '!%' ORDER BY id"


async def board_violations(connection: asyncpg.Connection, brand: str) -> list[str]:
    """What does not hold."""
    versions = {row["version"]: row["document"] for row in await connection.fetch(_DOCUMENTS, brand)}
    rules = _compiled(versions, max(versions, default=0))
    found = [sentence async for sentence in _scores(connection, brand, rules)]
    found += [
        f"Board {row['board']!r} has scores in period {row['period']}, which it does not have."
        for row in await connection.fetch(_ORPHANS, brand)
    ]
    for row in await connection.fetch(_PERIODS, brand):
        under = _compiled(versions, row["version"]) if row["version"] else rules
        found += [sentence async for sentence in _standing(connection, brand, under, row)]
    found += list(_told_twice(RewardGranted, await connection.fetch(_TOLD, brand, RewardGranted.DESCRIPTOR.full_name)))
    closed = await connection.fetch(_TOLD, brand, BoardPeriodClosed.DESCRIPTOR.full_name)
    return found + list(_told_twice(BoardPeriodClosed, closed))


def _compiled(versions: Mapping[int, bytes], version: int) -> LeaderboardRules:
    document = versions.get(version)
    return compile_document(document) if document is not None else LeaderboardRules()


async def _scores(connection: asyncpg.Connection, brand: str, rules: LeaderboardRules) -> AsyncIterator[str]:
    """Every score is what its facts say."""
    facts = _facts(connection, brand)
    known = await anext(facts, None)
    async for row in connection.cursor(_SCORES, brand):
        score = Score(*row)
        key = _ordered((score.board, score.period, score.member))
        while known is not None and _ordered(known[0]) < key:
            yield _without_a_score(known[0])
            known = await anext(facts, None)
        if known is None or _ordered(known[0]) != key:
            yield f"The score of {score.member!r} on board {score.board!r} in period {score.period} has no facts."
            continue
        board = rules.compiled.get(score.board)
        if board is not None and not same(reckoned(board.scoring, known[0], known[1]), score):
            yield (
                f"The score of {score.member!r} on board {score.board!r} in period {score.period} "
                "is not what its facts say."
            )
        known = await anext(facts, None)
    while known is not None:
        yield _without_a_score(known[0])
        known = await anext(facts, None)


async def _facts(connection: asyncpg.Connection, brand: str) -> AsyncIterator[tuple[ScoreKey, list[Fact]]]:
    key: ScoreKey | None = None
    facts: list[Fact] = []
    async for board, period, member, score, sub_score, occurred_at, value, source in connection.cursor(_FACTS, brand):
        if key is not None and key != (board, period, member):
            yield key, facts
            facts = []
        key = (board, period, member)
        facts.append(Fact(board, member, score, sub_score, occurred_at, value, Source(source)))
    if key is not None:
        yield key, facts


def _without_a_score(key: ScoreKey) -> str:
    return f"There are facts of {key[2]!r} on board {key[0]!r} in period {key[1]}, and no score."


def _ordered(key: ScoreKey) -> tuple[bytes, int, bytes]:
    return key[0].encode(), key[1], key[2].encode()


async def _standing(
    connection: asyncpg.Connection, brand: str, rules: LeaderboardRules, period: Any
) -> AsyncIterator[str]:
    """A standing is whole, in its board's order, and of the scores that were there."""
    board, number, name = period["board"], period["period"], f"The standing of board {period['board']!r}"
    name += f" in period {period_id(number) or number}"
    rows = await connection.fetch(_STANDING, brand, board, number)
    if len(rows) != period["archived"] or (period["state"] == CLOSED and len(rows) != period["members"]):
        yield f"{name} has {len(rows)} places and counts {period['archived']} of {period['members']}."
    if period["state"] not in (CLOSING, CLOSED) and rows:
        yield f"{name} is written down, and the period is open."
    compiled = rules.compiled.get(board)
    if compiled is not None:
        for sentence in _disorder(compiled.scoring.order, rows):
            yield f"{name} {sentence}"
    for row in await connection.fetch(_UNLIKE, brand, board, number):
        yield f"{name} has {row['member']!r} with another score than was there."


def _disorder(order: Order, rows: list[Any]) -> Iterator[str]:
    before, rank, group = None, 0, None
    for number, row in enumerate(rows, 1):
        member = row["member"]
        key = order.key(row["score"], row["sub_score"], microseconds(row["reached_at"].astimezone(UTC)), member)
        # An alias says nothing of where the member's id was among equals.
        if before is not None and key[:3] < before[:3]:
            yield f"has {member!r} at place {row['place']}, which belongs before the one before it."
        before = key
        equal = (row["score"], row["sub_score"] if order.ties is Ties.SUB_SCORE else 0)
        if order.ranking is Ranking.ORDINAL or equal != group:
            rank = rank + 1 if order.ranking is Ranking.DENSE else number
        group = equal
        if (row["place"], row["rank"]) != (number, rank):
            yield f"has {member!r} as place {row['place']} and rank {row['rank']}, not {number} and {rank}."


def _told_twice(kind: type[Any], rows: list[Any]) -> Iterator[str]:
    seen: set[str] = set()
    for row in rows:
        event = kind.FromString(row["payload"])
        key = event.key if kind is RewardGranted else f"{event.board} {event.period}"
        if key in seen:
            yield f"{kind.DESCRIPTOR.name} {key!r} was told twice."
        seen.add(key)
