"""The invariants of leagues, checked over all that there are.

Every closed period's outcomes are reckoned again from the board's standing,
under the version of the programme that it was closed under.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

import asyncpg

from laurels.leaderboard.v1.leagues_events_pb2 import LeagueDemoted, LeagueJoined, LeaguePromoted, LeagueStayed
from laurels.value.v1.events_pb2 import RewardGranted
from services.leaderboard.league_closing import prize_key
from services.leaderboard.league_rules import LeagueRules, Outcome
from services.leaderboard.periods import period_id
from services.leaderboard.prizes import won
from services.leaderboard.rules import LeaderboardRules

_COHORTS = """
    SELECT league, period, division, cohort, count(*) AS members, max(number) AS last FROM league_seats
    WHERE brand = $1 GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4"""
_UNTIMELY = """
    SELECT seat.league, seat.period, seat.member, seat.outcome FROM league_seats AS seat
    JOIN leagues ON leagues.brand = $1 AND leagues.league = seat.league
    WHERE seat.brand = $1 AND CASE
        WHEN seat.period = leagues.period AND state IN (1, 3) THEN outcome <> 0
        WHEN seat.period = leagues.period AND state = 2 THEN false
        ELSE outcome = 0 END
    ORDER BY 1, 2, 3"""
_WITHOUT_A_LEAGUE = """
    SELECT DISTINCT league, period FROM league_seats WHERE brand = $1 AND NOT EXISTS (
        SELECT FROM leagues WHERE leagues.brand = $1 AND leagues.league = league_seats.league
          AND leagues.period >= league_seats.period)"""
_ELSEWHERE = """
    SELECT known.league, known.member, known.division, seat.division AS seated, seat.to_division, seat.outcome
    FROM league_members AS known CROSS JOIN LATERAL (
        SELECT period, division, to_division, outcome FROM league_seats
        WHERE brand = $1 AND league_seats.member = known.member AND league_seats.league = known.league
        ORDER BY period DESC LIMIT 1
    ) AS seat
    WHERE known.brand = $1 AND known.division <> '' AND CASE
        WHEN seat.outcome = 0 THEN known.division <> seat.division
        WHEN known.settled = seat.period AND known.idle = 0 THEN known.division <> seat.to_division
        ELSE false END
    ORDER BY 1, 2"""
_TOO_LATE = """
    SELECT waiting.league, waiting.period, waiting.member FROM league_waiting AS waiting
    JOIN leagues ON leagues.brand = $1 AND leagues.league = waiting.league
    WHERE waiting.brand = $1
      AND (waiting.period < leagues.period OR (waiting.period = leagues.period AND state <> 3))
    ORDER BY 1, 2, 3"""
_TWO_PLACES = """
    SELECT waiting.league, waiting.period, waiting.member FROM league_waiting AS waiting
    JOIN league_seats AS seat ON seat.brand = $1 AND seat.league = waiting.league AND seat.period = waiting.period
      AND seat.member = waiting.member
    WHERE waiting.brand = $1 ORDER BY 1, 2, 3"""
_PERIODS = """
    SELECT league, period, version, members, promoted, demoted, closed_at FROM league_periods
    WHERE brand = $1 ORDER BY league, period"""
_SEATS = """
    SELECT seat.division, seat.cohort, seat.member, seat.rank, seat.score, seat.outcome, place,
        standing.score AS scored, seat.member NOT LIKE '!%' AND NOT EXISTS (
            SELECT FROM erasing WHERE erasing.brand = $1 AND erasing.member = seat.member) AS is_told
    FROM league_seats AS seat LEFT JOIN board_standings AS standing
        ON standing.brand = $1 AND standing.board = $4 AND standing.period = $3 AND standing.member = seat.member
    WHERE seat.brand = $1 AND seat.league = $2 AND seat.period = $3
    ORDER BY seat.division, seat.cohort, place NULLS LAST"""
_TOLD = "SELECT payload FROM outbox WHERE brand = $1 AND type = $2 AND member NOT LIKE '!%' ORDER BY id"
_MARGIN = timedelta(days=1)
"""Prizes are told before their period is closed, and not looked for where that may be longer ago than events are
kept."""


async def league_violations(
    connection: asyncpg.Connection, brand: str, rules: Mapping[int, LeaderboardRules], kept_since: datetime
) -> list[str]:
    """What does not hold; `rules` are those of every version, and events are kept from `kept_since` on."""
    versions = {version: compiled.leagues for version, compiled in rules.items()}
    found = list(_sizes(versions, await connection.fetch(_COHORTS, brand)))
    found += [
        f"League {row['league']!r} has seats in period {row['period']}, which it did not come to."
        for row in await connection.fetch(_WITHOUT_A_LEAGUE, brand)
    ]
    for row in await connection.fetch(_UNTIMELY, brand):
        has = "an outcome before the period is closed" if row["outcome"] else "no outcome of a closed period"
        found.append(f"The seat of {row['member']!r} in league {row['league']!r} and period {row['period']} has {has}.")
    for row in await connection.fetch(_ELSEWHERE, brand):
        right = row["to_division"] if row["outcome"] else row["seated"]
        found.append(
            f"Member {row['member']!r} is in division {row['division']!r} of league {row['league']!r}, "
            f"and the last seat says {right!r}."
        )
    late, two = await connection.fetch(_TOO_LATE, brand), await connection.fetch(_TWO_PLACES, brand)
    found += [f"{_named(row)} waits for a period that is open or over." for row in late]
    found += [f"{_named(row)} waits for a seat and has one." for row in two]
    granted = {event.key for event in await _told(connection, brand, RewardGranted)}
    for row in await connection.fetch(_PERIODS, brand):
        owed = granted if row["closed_at"] > kept_since + _MARGIN else None
        league = versions.get(row["version"], {}).get(row["league"])
        found += [sentence async for sentence in _closed(connection, brand, row, league, owed)]
    for kinds in ((LeagueJoined,), (LeaguePromoted, LeagueDemoted, LeagueStayed)):
        told = [event for kind in kinds for event in await _told(connection, brand, kind)]
        found += _told_twice(kinds[0].DESCRIPTOR.name, told)
    return found


def _named(row: Any) -> str:
    return f"Member {row['member']!r} of league {row['league']!r} in period {row['period']}"


def _sizes(versions: Mapping[int, Mapping[str, LeagueRules]], rows: list[Any]) -> Iterator[str]:
    """No cohort is larger than any version let it be, and seats are numbered without gaps."""
    sizes: dict[str, int] = {}
    for leagues in versions.values():
        for name, league in leagues.items():
            sizes[name] = max(sizes.get(name, 0), league.cohort_size)
    for row in rows:
        name = f"Cohort {row['cohort']} of division {row['division']!r} of league {row['league']!r} "
        name += f"in period {row['period']}"
        if row["members"] > sizes.get(row["league"], 0):
            yield f"{name} has {row['members']} members, more than its size."
        if row["members"] != row["last"]:
            yield f"{name} has {row['members']} members, whose seats are numbered up to {row['last']}."


async def _closed(
    connection: asyncpg.Connection, brand: str, period: Any, league: LeagueRules | None, granted: set[str] | None
) -> AsyncIterator[str]:
    """A closed period's outcomes are those of its board's standing, and its prizes were told."""
    name = f"Period {period_id(period['period'])} of league {period['league']!r}"
    if league is None:
        yield f"{name} was closed under version {period['version']}, which has no such league."
        return
    rows = await connection.fetch(_SEATS, brand, league.league, period["period"], league.board)
    outcomes = [Outcome(row["outcome"]) for row in rows]
    counts = (len(rows), outcomes.count(Outcome.PROMOTED), outcomes.count(Outcome.DEMOTED))
    if counts != (period["members"], period["promoted"], period["demoted"]):
        yield f"{name} counts other members, promotions or demotions than its seats."
    for (division, cohort), seats in groupby(rows, key=lambda row: (row["division"], row["cohort"])):
        cohort_seats = list(seats)
        ranked, place = sum(row["place"] is not None for row in cohort_seats), league.place_of(division)
        for rank, row in enumerate(cohort_seats, 1):
            right: tuple[int, int, Outcome] = (0, 0, Outcome.IDLE)
            if row["place"] is not None:
                right = (rank, row["scored"], league.outcome(place, rank, ranked))
                key = prize_key(league.league, period["period"], row["member"])
                owed = won(league.divisions[place].prizes, rank, rank, ranked) and row["is_told"]
                if granted is not None and owed and key not in granted:
                    yield f"{name} did not tell the prize {key!r}."
            if (row["rank"], row["score"], Outcome(row["outcome"])) != right:
                yield (
                    f"{name} has {row['member']!r} in cohort {cohort} of division {division!r} with another outcome "
                    "than the board's standing gives."
                )


async def _told(connection: asyncpg.Connection, brand: str, kind: type[Any]) -> list[Any]:
    rows = await connection.fetch(_TOLD, brand, kind.DESCRIPTOR.full_name)
    return [kind.FromString(row["payload"]) for row in rows]


def _told_twice(name: str, events: list[Any]) -> list[str]:
    seen: set[tuple[str, str, str]] = set()
    found = []
    for event in events:
        key = (event.member, event.league, event.period)
        if key in seen:
            found.append(f"{name} and its like told twice of {event.member!r} in {event.league!r} {event.period}.")
        seen.add(key)
    return found
