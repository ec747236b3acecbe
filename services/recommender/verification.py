"""What must hold in a recommender's database, checked against what it stored.

Each version of a model is learnt again from the one before it, in the order of
the slot's stream, and compared bit for bit.
"""

from datetime import datetime
from typing import Any

import asyncpg

from laurels.recommender.v1.events_pb2 import OutcomeRecorded, RecommendationMade
from services.recommender.learner import Learner
from services.recommender.memory import bring

NAMED_MAX = 20
"""Rows that one sentence names at most."""
PAGE = 1_000
EVENTS_KEPT_DAYS = 1
"""Events are kept for at least this long, whatever the retention is set to."""

# The database forbids most of this itself; a check that trusts it would not find it tampered with.
_ROWS = {
    "Outcomes without their decision: {rows}.": """
        SELECT outcomes.decision FROM outcomes LEFT JOIN decisions USING (brand, decision)
        WHERE decisions.decision IS NULL ORDER BY 1""",
    "Outcomes told of another slot or choice than their decision's: {rows}.": """
        SELECT outcomes.decision FROM outcomes JOIN decisions USING (brand, decision)
        WHERE (outcomes.slot, outcomes.choice) <> (decisions.slot, decisions.choice) ORDER BY 1""",
    "Outcomes whose value is not within 0 and what their slot has most, or teaches another: {rows}.": """
        SELECT decision FROM outcomes JOIN decisions USING (brand, decision)
        WHERE NOT (value >= 0 AND value <= value_most) OR scaled <> least(value / value_most, 1) ORDER BY 1""",
    "Outcomes that teach and should not, or the other way round: {rows}.": """
        SELECT decision FROM outcomes JOIN decisions USING (brand, decision)
        WHERE (lesson IS NOT NULL) <> teaches ORDER BY 1""",
    "Defaults that are not 0, or came before their time: {rows}.": """
        SELECT decision FROM outcomes JOIN decisions USING (brand, decision)
        WHERE defaulted AND (value <> 0 OR recorded_at < due_at - interval '1 minute') ORDER BY 1""",
    "Late outcomes of decisions that did not time out: {rows}.": """
        SELECT late_outcomes.decision FROM late_outcomes LEFT JOIN outcomes USING (brand, decision)
        WHERE defaulted IS NOT TRUE ORDER BY 1""",
    "Decisions that are pending with an outcome, or neither: {rows}.": """
        SELECT decision FROM decisions LEFT JOIN pending USING (brand, decision)
            LEFT JOIN outcomes USING (brand, decision)
        WHERE (pending.decision IS NULL) = (outcomes.decision IS NULL) ORDER BY 1""",
    "Choices that were not among those to choose from: {rows}.": """
        SELECT decision FROM decisions WHERE among <> '{}' AND NOT choice = ANY (among) ORDER BY 1""",
    "Budgets that do not hold what open and accepted decisions took: {rows}.": """
        SELECT coalesce(kept.name, taken.name) || ' ' || coalesce(kept.period, taken.period)
            || ' (' || coalesce(kept.value, 0) || ', not ' || coalesce(taken.amount, 0) || ')'
        FROM (SELECT brand, name, period, value FROM slot_counters WHERE owner = '') AS kept
        FULL JOIN (
            SELECT decisions.brand, part ->> 0 AS name, part ->> 1 AS period, sum((part ->> 2)::bigint) AS amount
            FROM decisions LEFT JOIN outcomes USING (brand, decision), jsonb_array_elements(taken) AS part
            WHERE outcomes.value IS NULL OR outcomes.value > 0 GROUP BY 1, 2, 3
        ) AS taken USING (brand, name, period)
        WHERE coalesce(kept.value, 0) <> coalesce(taken.amount, 0) ORDER BY 1""",
    "Live policies that are not the last promoted: {rows}.": """
        SELECT slot FROM learners LEFT JOIN (
            SELECT DISTINCT ON (brand, slot) brand, slot, candidate, configuration
            FROM promotions JOIN candidates USING (brand, slot, candidate) ORDER BY brand, slot, number DESC
        ) AS last USING (brand, slot)
        WHERE (policy, learners.configuration) <> (coalesce(last.candidate, ''), coalesce(last.configuration, ''))
        ORDER BY 1""",
    "Promotions without a proof or a reason: {rows}.": """
        SELECT slot || '/' || candidate FROM promotions WHERE evaluation IS NULL AND override_reason = '' ORDER BY 1""",
    "Decisions whose propensity is not within 0 and 1, or is 0: {rows}.": """
        SELECT decision FROM decisions WHERE NOT (propensity > 0 AND propensity <= 1) ORDER BY 1""",
    "Decisions made under a programme that this service does not have: {rows}.": """
        SELECT decision FROM decisions LEFT JOIN configurations
          ON configurations.brand = decisions.brand AND version = programme_version
        WHERE version IS NULL ORDER BY 1""",
    "Profiles with a negative count, or activities without their moments: {rows}.": """
        SELECT member FROM profiles
        WHERE activities < 0 OR first_at > last_at OR (activities > 0) <> (first_at IS NOT NULL)
           OR (activities > 0) <> (last_at IS NOT NULL) ORDER BY 1""",
    "Models that count other lessons than they have outcomes: {rows}.": """
        SELECT coalesce(learners.slot, counted.slot)
            || ' (' || coalesce(learners.lessons, 0) || ' lessons, ' || coalesce(counted.outcomes, 0) || ' outcomes)'
        FROM learners FULL JOIN (
            SELECT brand, slot, count(*) AS outcomes, max(lesson) AS last FROM outcomes
            WHERE lesson IS NOT NULL GROUP BY brand, slot
        ) AS counted USING (brand, slot)
        WHERE (learners.lessons, learners.lessons) IS DISTINCT FROM
            (coalesce(counted.outcomes, 0), coalesce(counted.last, 0)) ORDER BY 1""",
    "Models whose newest version is not the last written: {rows}.": """
        SELECT slot FROM learners LEFT JOIN (
            SELECT DISTINCT ON (brand, slot) brand, slot, version, epoch, lessons
            FROM model_versions ORDER BY brand, slot, version DESC
        ) AS last USING (brand, slot)
        WHERE (learners.version, learners.epoch, kept)
            <> (coalesce(last.version, 0), coalesce(last.epoch, 0), coalesce(last.lessons, 0)) ORDER BY 1""",
    "Events that could not be applied: {rows}.": """
        SELECT source || ' ' || id || ' (' || type || ': ' || reason || ')' FROM dead_letters ORDER BY 1""",
}
_VERSIONS = "SELECT slot, version, epoch, lessons, restored_from FROM model_versions ORDER BY slot, version"
_STATE = (
    "SELECT state FROM model_versions WHERE brand = current_setting('laurels.brand') AND slot = $1 AND version = $2"
)
_KEPT_SINCE = "SELECT now() - make_interval(days => $1)"
_TOLD = "SELECT payload FROM outbox WHERE type = $1 AND member NOT LIKE '!%'"
_DECISIONS = """
    SELECT member, decision, slot, choice AS reward, propensity, decided_at, policy FROM decisions
    WHERE member NOT LIKE '!%' ORDER BY decision"""
_OUTCOMES = """
    SELECT member, decision, outcomes.slot, outcomes.choice AS reward, value, recorded_at, defaulted
    FROM outcomes JOIN decisions USING (brand, decision) WHERE member NOT LIKE '!%' ORDER BY decision"""


async def violations(connection: asyncpg.Connection) -> list[str]:
    """A sentence for each invariant that does not hold in the brand of the transaction; none when all do."""
    found = []
    for sentence, query in _ROWS.items():
        rows = [str(row[0]) for row in await connection.fetch(query)]
        if rows:
            found.append(sentence.format(rows=_named(rows)))
    found += await _models(connection)
    kept_since = await connection.fetchval(_KEPT_SINCE, EVENTS_KEPT_DAYS)
    found += await _telling(connection, "Decisions", _DECISIONS, RecommendationMade, "decided_at", kept_since)
    found += await _telling(connection, "Outcomes", _OUTCOMES, OutcomeRecorded, "recorded_at", kept_since)
    return found


async def _telling(
    connection: asyncpg.Connection, what: str, query: str, kind: type[Any], moment: str, kept_since: datetime
) -> list[str]:
    """What was stored and what was told of it are one to one and the same, as long as events are kept."""
    rows = await connection.fetch(_TOLD, kind.DESCRIPTOR.full_name)
    told = {event.decision: event for event in (kind.FromString(row["payload"]) for row in rows)}
    wrong, untold = [], []
    if len(told) < len(rows):
        wrong.append(f"{len(rows) - len(told)} told twice")
    async for row in connection.cursor(query, prefetch=PAGE):
        event = told.pop(row["decision"], None)
        if event is None:
            untold += [row["decision"]] if row[moment] > kept_since else []
            continue
        if "basis" in kind.DESCRIPTOR.fields_by_name:
            event.ClearField("basis")  # stored as a word
        event.ClearField(moment)  # an outcome's is the service's in one and the database's in the other
        if event != kind(**{name: value for name, value in row.items() if name != moment}):
            wrong.append(row["decision"])
    wrong += sorted(told)
    sentences = ((f"{what} that no event tells of: ", untold), (f"{what} that were told other than they are: ", wrong))
    return [f"{sentence}{_named(names)}." for sentence, names in sentences if names]


async def _models(connection: asyncpg.Connection) -> list[str]:
    """Sentences on versions that are not what their outcomes teach, or not what they restored."""
    brand = await connection.fetchval("SELECT current_setting('laurels.brand')")
    found: list[str] = []
    before: dict[str, Learner | None] = {}
    for row in await connection.fetch(_VERSIONS):
        slot, number = row["slot"], row["version"]
        state = await connection.fetchval(_STATE, slot, number)
        if row["restored_from"]:
            wanted = await connection.fetchval(_STATE, slot, row["restored_from"])
            learner = Learner.restored(state, lessons=row["lessons"], epoch=row["epoch"])
        else:
            learner = before.get(slot, Learner(epoch=row["epoch"]))
            if learner is not None:
                await bring(connection, brand, slot, learner, row["lessons"])
            wanted = learner.state() if learner is not None else state
        # One of other features cannot be learnt again; what follows it began anew.
        before[slot] = learner
        if state != wanted:
            found.append(f"Version {number} of the model {slot} is not what its {row['lessons']} lessons teach.")
            before[slot] = Learner.restored(state, lessons=row["lessons"], epoch=row["epoch"])
    return found


def _named(rows: list[str]) -> str:
    more = f" and {len(rows) - NAMED_MAX} more" if len(rows) > NAMED_MAX else ""
    return ", ".join(rows[:NAMED_MAX]) + more
