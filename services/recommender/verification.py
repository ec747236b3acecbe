"""What must hold in a recommender's database, checked against what it stored.

The models are learnt again from their outcomes, in the order in which these
were learnt, and compared.
"""

from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from typing import Any

import asyncpg
import numpy as np

from laurels.recommender.v1.events_pb2 import OutcomeRecorded, RecommendationMade
from services.recommender import store
from services.recommender.bandit import Model, learn
from services.recommender.memory import PRIOR

TOLERANCE = 1e-9
"""Relative: libraries of linear algebra differ in the last digits."""
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
    "Outcomes told of another slot or reward than their decision's: {rows}.": """
        SELECT outcomes.decision FROM outcomes JOIN decisions USING (brand, decision)
        WHERE (outcomes.slot, outcomes.reward) <> (decisions.slot, decisions.reward) ORDER BY 1""",
    "Outcomes whose value is not within 0 and 1: {rows}.": """
        SELECT decision FROM outcomes WHERE NOT (value >= 0 AND value <= 1) ORDER BY 1""",
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
    "Models that count other updates than they have outcomes: {rows}.": """
        SELECT coalesce(models.slot, counted.slot) || '/' || coalesce(models.reward, counted.reward)
            || ' (' || coalesce(models.updates, 0) || ' updates, ' || coalesce(counted.outcomes, 0) || ' outcomes)'
        FROM models FULL JOIN (
            SELECT brand, slot, reward, count(*) AS outcomes FROM outcomes GROUP BY brand, slot, reward
        ) AS counted USING (brand, slot, reward)
        WHERE models.updates IS DISTINCT FROM coalesce(counted.outcomes, 0) ORDER BY 1""",
    "Events that could not be applied: {rows}.": """
        SELECT source || ' ' || id || ' (' || type || ': ' || reason || ')' FROM dead_letters ORDER BY 1""",
}
_MODELS = "SELECT slot, reward, mean, precision, updates, version FROM models ORDER BY slot, reward"
_LESSONS = """
    SELECT features, value FROM outcomes JOIN decisions USING (brand, decision)
    WHERE outcomes.slot = $1 AND outcomes.reward = $2 ORDER BY outcomes.updates"""
_KEPT_SINCE = "SELECT now() - make_interval(days => $1)"
_TOLD = "SELECT payload FROM outbox WHERE type = $1 AND member NOT LIKE '!%'"
_DECISIONS = """
    SELECT member, decision, slot, reward, propensity, decided_at FROM decisions
    WHERE member NOT LIKE '!%' ORDER BY decision"""
_OUTCOMES = """
    SELECT member, decision, outcomes.slot, outcomes.reward, value, recorded_at
    FROM outcomes JOIN decisions USING (brand, decision) WHERE member NOT LIKE '!%' ORDER BY decision"""


async def violations(connection: asyncpg.Connection) -> list[str]:
    """A sentence for each invariant that does not hold in the brand of the transaction; none when all do."""
    found = []
    for sentence, query in _ROWS.items():
        rows = [str(row[0]) for row in await connection.fetch(query)]
        if rows:
            found.append(sentence.format(rows=_named(rows)))
    for row in await connection.fetch(_MODELS):
        again = await _learnt_again(connection, row["slot"], row["reward"])
        found += _differences(f"{row['slot']}/{row['reward']}", store.model_of(row), again)
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
        event.ClearField(moment)  # an outcome's is the service's in one and the database's in the other
        if event != kind(**{name: value for name, value in row.items() if name != moment}):
            wrong.append(row["decision"])
    wrong += sorted(told)
    sentences = ((f"{what} that no event tells of: ", untold), (f"{what} that were told other than they are: ", wrong))
    return [f"{sentence}{_named(names)}." for sentence, names in sentences if names]


async def _learnt_again(connection: asyncpg.Connection, slot: str, reward: str) -> Model:
    model = PRIOR
    async for lesson in _lessons(connection, slot, reward):
        model = learn(model, np.array(lesson["features"]), lesson["value"])
    return model


async def _lessons(connection: asyncpg.Connection, slot: str, reward: str) -> AsyncIterator[Any]:
    async for lesson in connection.cursor(_LESSONS, slot, reward, prefetch=PAGE):
        yield lesson


def _differences(name: str, kept: Model, again: Model) -> Iterator[str]:
    """Sentences on how a model differs from what its outcomes teach."""
    for part, here, there in (("mean", kept.mean, again.mean), ("precision", kept.precision, again.precision)):
        if here.shape != there.shape:
            yield f"The model {name} has a {part} of shape {here.shape}, where its outcomes give {there.shape}."
        elif not np.abs(here - there).max() <= TOLERANCE * max(1.0, float(np.abs(there).max())):
            off = float(np.abs(here - there).max())
            yield f"The {part} of the model {name} is not what its {again.updates} outcomes teach: {off:g} off."


def _named(rows: list[str]) -> str:
    more = f" and {len(rows) - NAMED_MAX} more" if len(rows) > NAMED_MAX else ""
    return ", ".join(rows[:NAMED_MAX]) + more
