"""Every SQL statement of the recommender service.

Statements are set-based: their number does not depend on how many requests a
transaction carries. Rows are locked in key order, models before profiles.
Arrays of several rows travel as one flat array that is cut by the row's place.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
import numpy as np

from laurels.recommender.v1 import recommender_pb2 as pb
from services.recommender.bandit import Model
from services.recommender.profile import Change

ModelKey = tuple[str, str]
"""Slot, reward."""

# Sums are kept whole; what is told stays within what JSON numbers hold.
_PROFILE_COLUMNS = """
    member, activities, greatest(least(amount, 9007199254740991), -9007199254740991)::bigint AS amount,
    first_at, last_at, tier"""
_CHANGE_PROFILES = """
    INSERT INTO profiles (brand, member, activities, amount, first_at, last_at, tier, tier_event)
    SELECT $1, member, activities, amount, first_at, last_at, tier, tier_event
    FROM unnest($2::text[], $3::bigint[], $4::numeric[], $5::timestamptz[], $6::timestamptz[], $7::text[],
            $8::bigint[]) AS new (member, activities, amount, first_at, last_at, tier, tier_event)
    ORDER BY member
    ON CONFLICT (brand, member) DO UPDATE SET
        activities = profiles.activities + excluded.activities,
        amount = profiles.amount + excluded.amount,
        first_at = least(profiles.first_at, excluded.first_at),
        last_at = greatest(profiles.last_at, excluded.last_at),
        tier = CASE WHEN excluded.tier_event > profiles.tier_event THEN excluded.tier ELSE profiles.tier END,
        tier_event = greatest(profiles.tier_event, excluded.tier_event)"""
_PROFILES = f"SELECT {_PROFILE_COLUMNS} FROM profiles WHERE brand = $1 AND member = ANY($2::text[])"  # noqa: S608

_ADD_MODELS = """
    INSERT INTO models (brand, slot, reward, version, mean, precision, updates)
    SELECT $1, slot, reward, $4, $5, $6, $7 FROM unnest($2::text[], $3::text[]) AS new (slot, reward)
    ORDER BY slot, reward ON CONFLICT DO NOTHING"""
_MODEL_VERSIONS = "SELECT slot, reward, version FROM models WHERE brand = $1 AND slot = ANY($2::text[])"
_MODELS = """
    SELECT models.slot, models.reward, mean, precision, updates, version
    FROM models JOIN unnest($2::text[], $3::text[]) AS wanted (slot, reward)
      ON models.slot = wanted.slot AND models.reward = wanted.reward
    WHERE brand = $1"""
_LOCK_MODELS = f"{_MODELS} ORDER BY models.slot, models.reward FOR NO KEY UPDATE OF models"
_SAVE_MODELS = """
    UPDATE models SET version = new.version, updates = new.updates,
        mean = ($6::float8[])[(place - 1) * $8::integer + 1 : place * $8::integer],
        precision = ($7::float8[])[(place - 1) * $8::integer ^ 2 + 1 : place * $8::integer ^ 2]
    FROM unnest($2::text[], $3::text[], $4::integer[], $5::bigint[]) WITH ORDINALITY
        AS new (slot, reward, version, updates, place)
    WHERE models.brand = $1 AND models.slot = new.slot AND models.reward = new.reward"""

_ADD_DECISIONS = """
    INSERT INTO decisions (brand, decision, member, slot, reward, place, propensity, explored, features,
        model_version, programme_version, decided_at)
    SELECT $1, decision, member, slot, reward, answer_place, propensity, explored,
        ($9::float8[])[(place - 1) * $11::integer + 1 : place * $11::integer], model_version, $12, $13
    FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::integer[], $7::float8[], $8::boolean[],
            $10::integer[]) WITH ORDINALITY
        AS new (decision, member, slot, reward, answer_place, propensity, explored, model_version, place)"""
_DECISIONS = """
    SELECT decision, member, slot, reward, features FROM decisions
    WHERE brand = $1 AND decision = ANY($2::text[])"""
_OUTCOMES = "SELECT decision, value FROM outcomes WHERE brand = $1 AND decision = ANY($2::text[])"
_ADD_OUTCOMES = """
    INSERT INTO outcomes (brand, decision, slot, reward, value, updates)
    SELECT $1, decision, slot, reward, value, updates
    FROM unnest($2::text[], $3::text[], $4::text[], $5::float8[], $6::bigint[])
        AS new (decision, slot, reward, value, updates)"""
_REPORT = """
    SELECT slot, reward, sum(decisions)::bigint AS decisions, sum(outcomes)::bigint AS outcomes,
        coalesce(sum(total) / nullif(sum(outcomes), 0)::float8, 0) AS mean_value
    FROM (
        SELECT slot, reward, count(*) AS decisions, 0 AS outcomes, 0::float8 AS total
        FROM decisions WHERE brand = $1 GROUP BY slot, reward
        UNION ALL
        SELECT slot, reward, 0, count(*), sum(value) FROM outcomes WHERE brand = $1 GROUP BY slot, reward
    ) AS counted
    GROUP BY slot, reward"""

_ERASE = "SELECT erase_member($1, $2)"


@dataclass(frozen=True, slots=True)
class NewDecision:
    """A choice to be stored."""

    decision: str
    member: str
    slot: str
    reward: str
    place: int
    propensity: float
    explored: bool
    features: tuple[float, ...]
    model_version: int


@dataclass(frozen=True, slots=True)
class NewOutcome:
    """An outcome to be stored; `updates` is its place in what the model has learnt."""

    decision: str
    slot: str
    reward: str
    value: float
    updates: int


async def change_profiles(connection: asyncpg.Connection, brand: str, changes: Mapping[str, Change]) -> None:
    """Adds changes to profiles, made where missing."""
    members = sorted(changes)
    ordered = [changes[member] for member in members]
    await connection.execute(
        _CHANGE_PROFILES,
        brand,
        members,
        [change.activities for change in ordered],
        [change.amount for change in ordered],
        [change.first_at for change in ordered],
        [change.last_at for change in ordered],
        [change.tier for change in ordered],
        [change.tier_event for change in ordered],
    )


async def profiles(connection: asyncpg.Connection, brand: str, members: Iterable[str]) -> dict[str, pb.Profile]:
    """The profiles of those members that have one."""
    rows = await connection.fetch(_PROFILES, brand, sorted(set(members)))
    return {row["member"]: pb.Profile(**row) for row in rows}


async def model_versions(connection: asyncpg.Connection, brand: str, slots: Iterable[str]) -> dict[ModelKey, int]:
    """The versions of the slots' models, as far as they have learnt anything."""
    rows = await connection.fetch(_MODEL_VERSIONS, brand, sorted(set(slots)))
    return {(row["slot"], row["reward"]): row["version"] for row in rows}


async def models(connection: asyncpg.Connection, brand: str, keys: Iterable[ModelKey]) -> dict[ModelKey, Model]:
    """The models that exist."""
    slots, rewards = _columns(sorted(keys), 2)
    return _by_key(await connection.fetch(_MODELS, brand, slots, rewards))


async def lock_models(
    connection: asyncpg.Connection, brand: str, keys: Iterable[ModelKey], prior: Model
) -> dict[ModelKey, Model]:
    """The models under their locks, made from the prior where missing."""
    slots, rewards = _columns(sorted(keys), 2)
    mean, precision = prior.mean.tolist(), prior.precision.ravel().tolist()
    await connection.execute(_ADD_MODELS, brand, slots, rewards, prior.version, mean, precision, prior.updates)
    return _by_key(await connection.fetch(_LOCK_MODELS, brand, slots, rewards))


async def save_models(connection: asyncpg.Connection, brand: str, changed: Mapping[ModelKey, Model]) -> None:
    """Replaces models, all of the same number of features."""
    keys = sorted(changed)
    ordered = [changed[key] for key in keys]
    slots, rewards = _columns(keys, 2)
    await connection.execute(
        _SAVE_MODELS,
        brand,
        slots,
        rewards,
        [model.version for model in ordered],
        [model.updates for model in ordered],
        np.concatenate([model.mean for model in ordered]).tolist(),
        np.concatenate([model.precision.ravel() for model in ordered]).tolist(),
        len(ordered[0].mean),
    )


async def add_decisions(
    connection: asyncpg.Connection, brand: str, programme_version: int, decided_at: datetime, new: Sequence[NewDecision]
) -> None:
    await connection.execute(
        _ADD_DECISIONS,
        brand,
        [decision.decision for decision in new],
        [decision.member for decision in new],
        [decision.slot for decision in new],
        [decision.reward for decision in new],
        [decision.place for decision in new],
        [decision.propensity for decision in new],
        [decision.explored for decision in new],
        [value for decision in new for value in decision.features],
        [decision.model_version for decision in new],
        len(new[0].features),
        programme_version,
        decided_at,
    )


async def decisions(connection: asyncpg.Connection, brand: str, ids: Iterable[str]) -> dict[str, Any]:
    """Member, slot, reward and features of the decisions that exist."""
    return {row["decision"]: row for row in await connection.fetch(_DECISIONS, brand, sorted(ids))}


async def outcomes(connection: asyncpg.Connection, brand: str, ids: Iterable[str]) -> dict[str, float]:
    """The values of the decisions whose outcome is known."""
    return {row["decision"]: row["value"] for row in await connection.fetch(_OUTCOMES, brand, sorted(ids))}


async def add_outcomes(connection: asyncpg.Connection, brand: str, new: Sequence[NewOutcome]) -> None:
    await connection.execute(
        _ADD_OUTCOMES,
        brand,
        [outcome.decision for outcome in new],
        [outcome.slot for outcome in new],
        [outcome.reward for outcome in new],
        [outcome.value for outcome in new],
        [outcome.updates for outcome in new],
    )


async def report(connection: asyncpg.Connection, brand: str) -> dict[ModelKey, pb.RewardOutcome]:
    """How each reward fares that was ever recommended."""
    return {(row["slot"], row["reward"]): pb.RewardOutcome(**row) for row in await connection.fetch(_REPORT, brand)}


async def erase(connection: asyncpg.Connection, _brand: str, member: str, alias: str) -> None:
    """Deletes everything of a member who is being erased, but for what models learnt from, which the alias keeps."""
    await connection.execute(_ERASE, member, alias)


def _by_key(rows: Iterable[Any]) -> dict[ModelKey, Model]:
    return {(row["slot"], row["reward"]): model_of(row) for row in rows}


def model_of(row: Any) -> Model:
    """The model of a row of `models`."""
    mean = np.array(row["mean"])
    precision = np.array(row["precision"]).reshape(len(mean), len(mean))
    return Model(mean, precision, row["updates"], row["version"])


def _columns(rows: Sequence[tuple[Any, ...]], width: int) -> list[list[Any]]:
    return [[row[column] for row in rows] for column in range(width)]
