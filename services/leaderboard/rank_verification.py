"""The invariants of ranks that are told, as long as their events are kept."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import asyncpg

from laurels.leaderboard.v1.ranks_events_pb2 import RankReached
from services.leaderboard.periods import period_id
from services.leaderboard.rules import LeaderboardRules

_TOLD = """
    SELECT payload FROM outbox WHERE brand = $1 AND type = $2 AND member NOT LIKE '!%'
        AND member NOT IN (SELECT member FROM erasing WHERE brand = $1) ORDER BY id"""
_WHILE_OPEN = """
    SELECT board, period, member, rank, told_at FROM ranks_told WHERE brand = $1
    ORDER BY board COLLATE "C", period, member"""
_STANDINGS = """
    SELECT board, period, member, rank, closed_at, version
    FROM board_standings JOIN board_periods USING (brand, board, period)
    WHERE brand = $1 AND member NOT LIKE '!%' ORDER BY board COLLATE "C", period, place"""


async def rank_violations(
    connection: asyncpg.Connection, brand: str, rules: Mapping[int, LeaderboardRules], kept_since: datetime
) -> list[str]:
    """What does not hold; `rules` are those of every version."""
    rows = await connection.fetch(_TOLD, brand, RankReached.DESCRIPTOR.full_name)
    events = [RankReached.FromString(row["payload"]) for row in rows]
    final = [event for event in events if event.final]
    return [
        *_told_twice(events),
        *_final(final, await connection.fetch(_STANDINGS, brand), rules, kept_since),
        *_while_open(
            [event for event in events if not event.final], await connection.fetch(_WHILE_OPEN, brand), kept_since
        ),
    ]


def _told_twice(events: list[RankReached]) -> Iterator[str]:
    seen: set[tuple[object, ...]] = set()
    for event in events:
        # While a period is open each better rank that is asked for is told once.
        place = (event.member, event.board, event.period, event.final, 0 if event.final else event.rank)
        if place in seen:
            yield f"{_said(event)} was told twice."
        seen.add(place)


def _final(
    events: list[RankReached], standings: list[Any], rules: Mapping[int, LeaderboardRules], kept_since: datetime
) -> Iterator[str]:
    """What a standing tells is in it, and what goals ask of it is told."""
    places = {(row["board"], period_id(row["period"]), row["member"]): row for row in standings}
    told = set()
    for event in events:
        key = (event.board, event.period, event.member)
        told.add(key)
        if key not in places or places[key]["rank"] != event.rank:
            yield f"{_said(event)} was told; the standing says otherwise."
    for key, row in places.items():
        asked = rules[row["version"]].ranks_asked.get(row["board"]) if row["version"] in rules else None
        is_asked = asked is not None and asked.final and row["rank"] <= asked.final[-1]
        if is_asked and key not in told and row["closed_at"] is not None and row["closed_at"] > kept_since:
            yield f"The rank {row['rank']} of {row['member']!r} in the standing of {key[0]!r} is told by no event."


def _while_open(events: list[RankReached], rows: list[Any], kept_since: datetime) -> Iterator[str]:
    """The best rank that is kept is the newest that was told."""
    newest = {(event.board, event.period, event.member): event for event in events}
    kept = {(row["board"], period_id(row["period"]), row["member"]): row for row in rows}
    for key, row in kept.items():
        event = newest.get(key)
        if event is None and row["told_at"] > kept_since:
            yield f"The rank {row['rank']} of {row['member']!r} on board {row['board']!r} is told by no event."
        elif event is not None and (event.rank, event.occurred_at.ToDatetime(tzinfo=UTC)) != (
            row["rank"],
            row["told_at"].astimezone(UTC),
        ):
            yield f"{_said(event)} was told last; {row['rank']} is kept."
    for key, event in newest.items():
        if key not in kept:
            yield f"{_said(event)} was told, and nothing is kept of it."


def _said(event: RankReached) -> str:
    return f"The rank {event.rank} of {event.member!r} on board {event.board!r}"
