"""What must hold in a recommender's database, checked against what it stored.

The models are learnt again from their outcomes, in the order in which these
were learnt, and compared.
"""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import numpy as np

from services.recommender import store
from services.recommender.bandit import Model, learn
from services.recommender.memory import PRIOR

TOLERANCE = 1e-9
"""Relative: libraries of linear algebra differ in the last digits."""
NAMED_MAX = 20
"""Rows that one sentence names at most."""
PAGE = 1_000

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
    return found


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
