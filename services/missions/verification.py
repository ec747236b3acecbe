"""Finds whatever in a brand's missions, progress and badges does not add up.

`laurels verify` calls this with a transaction of one brand. Each sentence names
the rows it is about; none means that every invariant of the service holds.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import asyncpg

from laurels.missions.v1.events_pb2 import MissionCompleted
from laurels.missions.v1.programme_pb2 import Mission
from laurels.programme.v1.programme_pb2 import Programme
from services.missions import achievement_verification

SENTENCES_MAX = 100
"""So many of one kind are listed; the rest is counted."""
EVENTS_KEPT_DAYS = 1
"""Events are kept for at least this long, whatever the retention is set to."""

Completed = tuple[str, str, datetime, int]
"""Member, mission, when, under which version of the programme."""

_PROGRESS = """
    SELECT member, mission, progress, target, completed_at FROM progress
    WHERE brand = current_setting('laurels.brand')
      AND (progress < 0 OR progress > target OR target < 1 OR (completed_at IS NOT NULL) <> (progress = target))
    ORDER BY member, mission"""
_UNMATCHED = """
    SELECT coalesce(progress.member, completions.member) AS member,
        coalesce(progress.mission, completions.mission) AS mission,
        progress.completed_at AS in_progress, completions.completed_at AS in_completions
    FROM (
        SELECT * FROM progress WHERE brand = current_setting('laurels.brand') AND completed_at IS NOT NULL
    ) AS progress
    FULL JOIN (SELECT * FROM completions WHERE brand = current_setting('laurels.brand')) AS completions
      USING (member, mission)
    WHERE progress.completed_at IS DISTINCT FROM completions.completed_at
    ORDER BY 1, 2"""
_COMPLETIONS = """
    SELECT member, mission, completed_at, programme_version, recorded_at FROM completions
    WHERE brand = current_setting('laurels.brand')"""
_AWARDS = "SELECT member, key, badge FROM badge_awards WHERE brand = current_setting('laurels.brand')"
_VERSIONS = "SELECT version, document FROM configurations WHERE brand = current_setting('laurels.brand')"
_EVENTS = """
    SELECT id, payload FROM outbox
    WHERE brand = current_setting('laurels.brand') AND type = $1 AND member NOT LIKE '!%'
        AND member NOT IN (SELECT member FROM erasing WHERE brand = current_setting('laurels.brand'))
    ORDER BY id"""
_KEPT_SINCE = "SELECT now() - make_interval(days => $1)"
_DEAD_LETTERS = """
    SELECT source, id, type, member, reason FROM dead_letters
    WHERE brand = current_setting('laurels.brand') ORDER BY source, id"""


async def violations(connection: asyncpg.Connection) -> list[str]:
    """What does not hold in the brand of the transaction, as sentences."""
    missions = await _missions_by_version(connection)
    completions = await connection.fetch(_COMPLETIONS)
    awards = await connection.fetch(_AWARDS)
    kept_since = await connection.fetchval(_KEPT_SINCE, EVENTS_KEPT_DAYS)
    found: list[str] = []
    for sentences in (
        _progress(await connection.fetch(_PROGRESS)),
        _unmatched(await connection.fetch(_UNMATCHED)),
        _unknown_missions(completions, missions),
        _badges(awards, completions, missions),
        _completion_events(await connection.fetch(_EVENTS, _name(MissionCompleted)), completions, missions, kept_since),
        _dead_letters(await connection.fetch(_DEAD_LETTERS)),
        *await achievement_verification.violations(connection),
    ):
        found += _bounded(list(sentences))
    return found


async def _missions_by_version(connection: asyncpg.Connection) -> dict[tuple[int, str], Mission]:
    """Every mission of every version of the programme, by version and id."""
    return {
        (row["version"], mission.id): mission
        for row in await connection.fetch(_VERSIONS)
        for mission in Programme.FromString(row["document"]).missions.missions
    }


def _progress(rows: Iterable[Any]) -> Iterator[str]:
    for row in rows:
        state = "finished" if row["completed_at"] else "not finished"
        yield (
            f"Progress of member {row['member']} in mission {row['mission']} is {row['progress']} "
            f"of {row['target']} and {state}."
        )


def _unmatched(rows: Iterable[Any]) -> Iterator[str]:
    for row in rows:
        yield (
            f"Mission {row['mission']} of member {row['member']} is finished at {_said(row['in_progress'])} "
            f"by its progress and at {_said(row['in_completions'])} by its completion."
        )


def _unknown_missions(completions: Iterable[Any], missions: Mapping[tuple[int, str], Mission]) -> Iterator[str]:
    for row in completions:
        if (row["programme_version"], row["mission"]) not in missions:
            yield (
                f"Mission {row['mission']} of member {row['member']} was finished under version "
                f"{row['programme_version']}, which has no such mission."
            )


def _badges(
    awards: Iterable[Any], completions: Iterable[Any], missions: Mapping[tuple[int, str], Mission]
) -> Iterator[str]:
    """Each completion's badge was given, once."""
    given = {(row["member"], row["key"]): row["badge"] for row in awards}
    for row in completions:
        mission = missions.get((row["programme_version"], row["mission"]))
        if mission is None or not mission.badge:
            continue
        if given.get((row["member"], f"mission:{mission.id}:{row['member']}")) != mission.badge:
            yield f"Member {row['member']} finished mission {mission.id} and was not given its badge {mission.badge}."


def _completion_events(
    rows: Iterable[Any],
    completions: Iterable[Any],
    missions: Mapping[tuple[int, str], Mission],
    kept_since: datetime,
) -> Iterator[str]:
    """Completions and MissionCompleted events are one to one, as long as events are kept."""
    recorded: dict[Completed, datetime] = {
        (row["member"], row["mission"], row["completed_at"], row["programme_version"]): row["recorded_at"]
        for row in completions
    }
    told: Counter[Completed] = Counter()
    for row in rows:
        event = MissionCompleted.FromString(row["payload"])
        fact = (event.member, event.mission, event.completed_at.ToDatetime(tzinfo=UTC), event.programme_version)
        told[fact] += 1
        if fact not in recorded:
            yield f"Event {row['id']} says that member {event.member} finished {event.mission}; no completion does."
        mission = missions.get((event.programme_version, event.mission))
        if mission is not None and (event.HasField("reward"), event.reward) != (
            mission.HasField("reward"),
            mission.reward,
        ):
            yield (
                f"Event {row['id']} pays member {event.member} for {event.mission} something else than version "
                f"{event.programme_version} says."
            )
    for (member, mission_id, _, _), times in told.items():
        if times > 1:
            yield f"That member {member} finished mission {mission_id} is told by {times} events."
    for fact, recorded_at in recorded.items():
        if fact not in told and recorded_at > kept_since:
            yield f"That member {fact[0]} finished mission {fact[1]} is told by no event."


def _dead_letters(rows: Iterable[Any]) -> Iterator[str]:
    for row in rows:
        yield (
            f"Event {row['id']} of {row['source']} ({row['type']}, member {row['member']}) is parked: {row['reason']}"
        )


def _bounded(sentences: list[str]) -> list[str]:
    more = len(sentences) - SENTENCES_MAX
    return [*sentences[:SENTENCES_MAX], f"And {more} more like the one before."] if more > 0 else sentences


def _said(moment: datetime | None) -> str:
    return moment.astimezone(UTC).isoformat() if moment is not None else "no time"


def _name(kind: type[Any]) -> str:
    name: str = kind.DESCRIPTOR.full_name
    return name
