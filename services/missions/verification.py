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
from laurels.value.v1.events_pb2 import GRANT_REASON_MISSION, RewardGranted
from services.missions import achievement_verification, calendar, campaign_verification, rewarding
from services.missions.fold import DONE, DONE_BY, GOALS, RUN, Checkpoint, MissionRule, fact_of, loaded, replay
from services.missions.programme import MissionsRules, compile_document
from services.missions.rewarding import OWN
from services.missions.store.journal import PAID, CompletionKey, History

SENTENCES_MAX = 100
"""So many of one kind are listed; the rest is counted."""
EVENTS_KEPT_DAYS = 1
"""Events are kept for at least this long, whatever the retention is set to."""

Missions = Mapping[tuple[int, str], MissionRule]
"""By version and id."""

_STATES = """
    SELECT member, state::text AS state FROM member_missions
    WHERE brand = current_setting('laurels.brand') ORDER BY member"""
_FACTS = """
    SELECT member, at, id, version, body::text AS body FROM mission_facts
    WHERE brand = current_setting('laurels.brand') ORDER BY member, at, id"""
_CHECKPOINTS = """
    SELECT member, at, id, state::text AS state FROM mission_checkpoints
    WHERE brand = current_setting('laurels.brand') ORDER BY member, at, id"""
_COUNTERS = """
    SELECT name, value FROM mission_counters WHERE brand = current_setting('laurels.brand') ORDER BY name"""
_COMPLETIONS = """
    SELECT member, mission, run, activity, completed_at, programme_version, recorded_at, state, retracted
    FROM completions WHERE brand = current_setting('laurels.brand') ORDER BY member, mission, run"""
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
    rules = await _rules_by_version(connection)
    missions = {(version, name): rule for version, each in rules.items() for name, rule in each.missions.items()}
    completions = await connection.fetch(_COMPLETIONS)
    kept_since = await connection.fetchval(_KEPT_SINCE, EVENTS_KEPT_DAYS)
    states = {row["member"]: loaded(row["state"]) for row in await connection.fetch(_STATES)}
    granted = await connection.fetch(_EVENTS, _name(RewardGranted))
    facts = await connection.fetch(_FACTS)
    found: list[str] = []
    for sentences in (
        _replays(states, facts, await connection.fetch(_CHECKPOINTS), rules),
        _unmatched(states, completions),
        _unknown_missions(completions, missions),
        _badges(await connection.fetch(_AWARDS), completions, missions),
        _completion_events(await connection.fetch(_EVENTS, _name(MissionCompleted)), completions, kept_since),
        _rewards(granted, completions, missions, kept_since),
        _limits(await connection.fetch(_COUNTERS), completions, missions),
        _dead_letters(await connection.fetch(_DEAD_LETTERS)),
        *await achievement_verification.violations(connection),
        *await campaign_verification.violations(connection, kept_since),
    ):
        found += _bounded(list(sentences))
    return found


async def _rules_by_version(connection: asyncpg.Connection) -> dict[int, MissionsRules]:
    return {row["version"]: compile_document(row["document"]) for row in await connection.fetch(_VERSIONS)}


def _replays(
    states: Mapping[str, Any], facts: Iterable[Any], checkpoints: Iterable[Any], rules: Mapping[int, MissionsRules]
) -> Iterator[str]:
    """Each member's state is what the facts behind its oldest checkpoint lead to."""
    of_member: dict[str, History] = {member: History() for member in states}
    for row in checkpoints:
        history = of_member.setdefault(row["member"], History())
        history.checkpoints.append(Checkpoint((row["at"], row["id"]), row["state"]))
    for row in facts:
        history = of_member.setdefault(row["member"], History())
        fact = fact_of(row["at"], row["id"], row["version"], row["body"])
        if not history.checkpoints or fact.place > history.checkpoints[0].place:
            history.add(fact)
    for member, history in sorted(of_member.items()):
        kept = states.get(member)
        if kept is None:
            yield f"Facts of member {member} are kept, and no missions."
            continue
        if not history.facts and not history.checkpoints:
            continue  # from before facts were kept
        again = replay(history.checkpoints, history.facts, rules.__getitem__).state
        missions = kept["m"].keys() | again["m"].keys()
        for mission in sorted(name for name in missions if kept["m"].get(name) != again["m"].get(name)):
            yield (
                f"Mission {mission} of member {member} is {_run_said(kept['m'].get(mission))}; "
                f"its facts lead to {_run_said(again['m'].get(mission))}."
            )
        if kept["b"] != again["b"]:
            yield f"The badges that count for missions of member {member} are not what their facts lead to."


def _run_said(run: Any) -> str:
    if run is None:
        return "not begun"
    state = f"finished at {calendar.moment(run[DONE]).isoformat()}" if run[DONE] else "not finished"
    return f"at {run[GOALS]} and {state}"


def _unmatched(states: Mapping[str, Any], completions: Iterable[Any]) -> Iterator[str]:
    """Finished runs and completions that stand are one to one, and agree on when and by what."""
    standing = {(row["member"], row["mission"], row["run"]): row for row in completions if not row["retracted"]}
    for member, state in states.items():
        for mission, run in state["m"].items():
            row = standing.get((member, mission, run[RUN]))
            by_state = (run[DONE], run[DONE_BY]) if run[DONE] else None
            by_row = (calendar.micros(row["completed_at"]), row["activity"]) if row is not None else None
            if by_state != by_row:
                yield (
                    f"Mission {mission} of member {member} is finished at {_said(_moment(by_state))} by its state and "
                    f"at {_said(_moment(by_row))} by its completion."
                )
    for (member, mission, _), row in standing.items():
        if mission not in states.get(member, {"m": {}})["m"]:
            yield (
                f"Mission {mission} of member {member} is finished at no time by its state and at "
                f"{_said(row['completed_at'])} by its completion."
            )


def _moment(place: tuple[int, str] | None) -> datetime | None:
    return calendar.moment(place[0]) if place is not None else None


def _unknown_missions(completions: Iterable[Any], missions: Missions) -> Iterator[str]:
    for row in completions:
        if (row["programme_version"], row["mission"]) not in missions:
            yield (
                f"Mission {row['mission']} of member {row['member']} was finished under version "
                f"{row['programme_version']}, which has no such mission."
            )


def _badges(awards: Iterable[Any], completions: Iterable[Any], missions: Missions) -> Iterator[str]:
    """Each completion's badges were given under its key, and taken back no further than it was itself."""
    given = {(row["member"], row["key"]): row["badge"] for row in awards}
    for row in completions:
        rule = missions.get((row["programme_version"], row["mission"]))
        run = f":{row['run']}" if row["run"] else ""
        for badge in rule.gives if rule is not None else ():
            if given.get((row["member"], f"mission:{row['mission']}:{row['member']}{run}:{badge}")) != badge:
                yield f"Member {row['member']} finished mission {row['mission']} and was not given its badge {badge}."


def _completion_events(rows: Iterable[Any], completions: Iterable[Any], kept_since: datetime) -> Iterator[str]:
    """Each completion is told, and what is told was a completion, as long as events are kept."""
    recorded = {(row["member"], row["mission"], row["run"]): row for row in completions}
    told: Counter[CompletionKey] = Counter()
    for row in rows:
        event = MissionCompleted.FromString(row["payload"])
        key = (event.member, event.mission, event.run)
        told[key] += 1
        if key not in recorded:
            yield f"Event {row['id']} says that member {event.member} finished {event.mission}; no completion does."
    for key, row in recorded.items():
        if key not in told and row["recorded_at"] > kept_since:
            yield f"That member {key[0]} finished mission {key[1]} is told by no event."


def _rewards(
    rows: Iterable[Any], completions: Iterable[Any], missions: Missions, kept_since: datetime
) -> Iterator[str]:
    """Each paid completion's rewards are told once under its key, and are what its version says."""
    owed = {}
    for row in completions:
        rule = missions.get((row["programme_version"], row["mission"]))
        others = [] if rule is None else [grant for grant in rule.rewards if grant.WhichOneof("kind") not in OWN]
        if row["state"] == PAID and others:
            run = f":{row['run']}" if row["run"] else ""
            owed[f"mission:{row['mission']}:{row['member']}{run}"] = (row, others)
    told: Counter[str] = Counter()
    for row in rows:
        event = RewardGranted.FromString(row["payload"])
        if event.reason != GRANT_REASON_MISSION or not event.key.startswith("mission:"):
            continue  # a challenge's is checked with the challenges
        told[event.key] += 1
        if event.key not in owed:
            yield f"Event {row['id']} pays {event.key}, which no completion stands for."
        elif list(event.grants) != owed[event.key][1]:
            yield f"Event {row['id']} pays {event.key} something else than the version of its completion says."
    for key, times in told.items():
        if times > 1:
            yield f"What {key} pays is told by {times} events."
    for key, (row, _) in owed.items():
        if key not in told and row["recorded_at"] > kept_since:
            yield f"What {key} pays is told by no event."


def _limits(counters: Iterable[Any], completions: Iterable[Any], missions: Missions) -> Iterator[str]:
    """What counts on a mission's limits is what it paid."""
    counted = {row["name"]: row["value"] for row in counters}
    paid: Counter[str] = Counter()
    for row in completions:
        rule = missions.get((row["programme_version"], row["mission"]))
        if rule is not None and row["state"] == PAID:
            if rule.times:
                paid[f"times:{rule.id}"] += 1
            if rule.budget:
                paid[f"budget:{rule.id}"] += rewarding.cost(rule)
    for name in sorted(counted.keys() | paid.keys()):
        if counted.get(name, 0) != paid[name]:
            yield f"The counter {name} is {counted.get(name, 0)}; what was paid is {paid[name]}."


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
