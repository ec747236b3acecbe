"""Decisions, what is pending of them, their outcomes, and what they are counted on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import asyncpg
import orjson

from services.recommender.slots import CounterKey

_ADD_DECISIONS = """
    WITH new AS MATERIALIZED (
        SELECT decision, member, slot, choice, answer_place, propensity, explored,
            ($9::float8[])[(place - 1) * $11::integer + 1 : place * $11::integer] AS features, epoch, lessons, basis,
            policy, intended, intended_propensity,
            (SELECT coalesce(array_agg(value ORDER BY number), '{}')
                FROM jsonb_array_elements_text(among) WITH ORDINALITY AS each (value, number)) AS among,
            teaches, value_most, due_at, taken, programme_version
        FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::integer[], $7::float8[], $8::boolean[],
                $10::integer[], $13::bigint[], $14::text[], $15::text[], $16::text[], $17::float8[], $18::jsonb[],
                $19::boolean[], $20::float8[], $21::timestamptz[], $22::jsonb[], $23::integer[]) WITH ORDINALITY
            AS new (decision, member, slot, choice, answer_place, propensity, explored, epoch, lessons, basis, policy,
                intended, intended_propensity, among, teaches, value_most, due_at, taken, programme_version, place)
    ), stored AS (
        INSERT INTO decisions (brand, decision, member, slot, choice, place, propensity, explored, features, epoch,
            lessons, basis, policy, intended, intended_propensity, among, teaches, value_most, due_at, taken,
            programme_version, decided_at)
        SELECT $1, decision, member, slot, choice, answer_place, propensity, explored, features, epoch,
            lessons, basis, policy, intended, intended_propensity, among, teaches, value_most, due_at, taken,
            programme_version, $12 FROM new
    )
    INSERT INTO pending (brand, decision, member, slot, choice, decided_at, due_at)
    SELECT $1, decision, member, slot, choice, $12, due_at FROM new"""
_DECISIONS = """
    SELECT decision, member, slot, choice, value_most, teaches, taken::text, programme_version
    FROM decisions WHERE brand = $1 AND decision = ANY($2::text[])"""
_PENDING_OF = """
    SELECT decision, member, slot, choice, decided_at, due_at FROM pending
    WHERE brand = $1 AND member = ANY($2::text[]) AND slot = ANY($3::text[])
    ORDER BY member, slot, decided_at, decision"""
_LOCK_PENDING = """
    SELECT decision, member, slot, choice, decided_at, due_at FROM pending
    WHERE brand = $1 AND decision = ANY($2::text[]) ORDER BY decision FOR UPDATE"""
_END_PENDING = "DELETE FROM pending WHERE brand = $1 AND decision = ANY($2::text[])"
_DUE = "SELECT decision FROM pending WHERE brand = $1 AND due_at <= $2 ORDER BY due_at, decision LIMIT $3"
_OUTCOMES = """
    SELECT outcomes.decision, outcomes.value, defaulted, late_outcomes.value AS late
    FROM outcomes LEFT JOIN late_outcomes
        ON late_outcomes.brand = outcomes.brand AND late_outcomes.decision = outcomes.decision
    WHERE outcomes.brand = $1 AND outcomes.decision = ANY($2::text[])"""
_ADD_OUTCOMES = """
    INSERT INTO outcomes (brand, decision, slot, choice, value, scaled, defaulted, lesson, cause)
    SELECT $1, decision, slot, choice, value, scaled, defaulted, lesson, cause
    FROM unnest($2::text[], $3::text[], $4::text[], $5::float8[], $6::float8[], $7::boolean[], $8::bigint[],
            $9::text[])
        AS new (decision, slot, choice, value, scaled, defaulted, lesson, cause)"""
_ADD_LATE = """
    INSERT INTO late_outcomes (brand, decision, value, reported_at)
    SELECT $1, decision, value, reported_at
    FROM unnest($2::text[], $3::float8[], $4::timestamptz[]) AS new (decision, value, reported_at)"""
_ADD_COUNTERS = """
    INSERT INTO slot_counters (brand, name, owner, period)
    SELECT $1, name, owner, period FROM unnest($2::text[], $3::text[], $4::text[]) AS new (name, owner, period)
    ON CONFLICT DO NOTHING"""
_LOCK_COUNTERS = """
    SELECT known.*
    FROM unnest($2::text[], $3::text[], $4::text[]) AS wanted (name, owner, period)
    CROSS JOIN LATERAL (
        SELECT name, owner, period, value FROM slot_counters
        WHERE brand = $1 AND slot_counters.name = wanted.name AND slot_counters.owner = wanted.owner
          AND slot_counters.period = wanted.period
        LIMIT 1 FOR NO KEY UPDATE
    ) AS known"""
_COUNTERS = _LOCK_COUNTERS.replace(" FOR NO KEY UPDATE", "")
_SAVE_COUNTERS = """
    UPDATE slot_counters SET value = new.value
    FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[]) AS new (name, owner, period, value)
    WHERE slot_counters.brand = $1 AND slot_counters.name = new.name AND slot_counters.owner = new.owner
      AND slot_counters.period = new.period"""


@dataclass(frozen=True, slots=True)
class NewDecision:
    """A choice to be stored; see `tables.Decision`."""

    decision: str
    member: str
    slot: str
    choice: str
    place: int
    propensity: float
    explored: bool
    features: tuple[float, ...]
    epoch: int
    lessons: int
    basis: str
    policy: str
    intended: str
    intended_propensity: float
    among: Sequence[str]
    teaches: bool
    value_most: float
    decided_at: datetime
    due_at: datetime
    taken: Sequence[tuple[str, str, int]]
    programme_version: int


@dataclass(frozen=True, slots=True)
class Decided:
    """What an outcome needs of its decision, which never changes."""

    decision: str
    member: str
    slot: str
    choice: str
    value_most: float
    teaches: bool
    taken: Sequence[tuple[str, str, int]]
    programme_version: int


@dataclass(slots=True)
class Open:
    """A decision without an outcome, `ended` once it has one."""

    decision: str
    member: str
    slot: str
    choice: str
    decided_at: datetime
    due_at: datetime
    ended: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Recorded:
    """An outcome that is stored, with what was reported after it by default."""

    decision: str
    value: float
    defaulted: bool
    late: float | None = None


@dataclass(frozen=True, slots=True)
class NewOutcome:
    """An outcome to be stored."""

    decision: str
    slot: str
    choice: str
    value: float
    scaled: float
    defaulted: bool
    lesson: int | None
    cause: str


@dataclass(frozen=True, slots=True)
class LateOutcome:
    """An outcome that is written down and counts for nothing."""

    decision: str
    value: float
    reported_at: datetime


@dataclass(slots=True)
class Counter:
    """What a counter stands at."""

    name: str
    owner: str
    period: str
    value: int


async def add_decisions(connection: asyncpg.Connection, brand: str, new: Sequence[NewDecision]) -> None:
    """Stores decisions of one moment, each pending."""
    await connection.execute(
        _ADD_DECISIONS,
        brand,
        [each.decision for each in new],
        [each.member for each in new],
        [each.slot for each in new],
        [each.choice for each in new],
        [each.place for each in new],
        [each.propensity for each in new],
        [each.explored for each in new],
        [value for each in new for value in each.features],
        [each.epoch for each in new],
        len(new[0].features),
        new[0].decided_at,
        [each.lessons for each in new],
        [each.basis for each in new],
        [each.policy for each in new],
        [each.intended for each in new],
        [each.intended_propensity for each in new],
        [orjson.dumps(each.among).decode() for each in new],
        [each.teaches for each in new],
        [each.value_most for each in new],
        [each.due_at for each in new],
        [orjson.dumps(each.taken).decode() for each in new],
        [each.programme_version for each in new],
    )


async def decisions(connection: asyncpg.Connection, brand: str, ids: Iterable[str]) -> dict[str, Decided]:
    """The decisions that exist."""
    rows = await connection.fetch(_DECISIONS, brand, sorted(set(ids)))
    return {row["decision"]: Decided(**dict(row) | {"taken": _taken(row["taken"])}) for row in rows}


def _taken(text: str) -> list[tuple[str, str, int]]:
    return [(name, period, amount) for name, period, amount in orjson.loads(text)]


async def pending_of(
    connection: asyncpg.Connection, brand: str, members: Iterable[str], slots: Iterable[str]
) -> list[Open]:
    """What is pending of members in slots, the oldest first; nothing is locked."""
    rows = await connection.fetch(_PENDING_OF, brand, sorted(set(members)), sorted(set(slots)))
    return [Open(**row) for row in rows]


async def lock_pending(connection: asyncpg.Connection, brand: str, ids: Sequence[str]) -> dict[str, Open]:
    """Those that are pending, locked."""
    return {row["decision"]: Open(**row) for row in await connection.fetch(_LOCK_PENDING, brand, ids)}


async def save_pending(connection: asyncpg.Connection, brand: str, changed: Sequence[Open]) -> None:
    """Takes away those that ended."""
    await connection.execute(_END_PENDING, brand, [each.decision for each in changed if each.ended])


async def due(connection: asyncpg.Connection, brand: str, until: datetime, most: int) -> list[str]:
    """Decisions whose time is over."""
    return [row["decision"] for row in await connection.fetch(_DUE, brand, until, most)]


async def outcomes(connection: asyncpg.Connection, brand: str, ids: Sequence[str]) -> dict[str, Recorded]:
    """The outcomes that are known."""
    return {row["decision"]: Recorded(**row) for row in await connection.fetch(_OUTCOMES, brand, ids)}


async def save_outcomes(_connection: asyncpg.Connection, _brand: str, _changed: Sequence[Recorded]) -> None:
    """Outcomes never change; new ones are appended."""


async def add_outcomes(connection: asyncpg.Connection, brand: str, new: Sequence[NewOutcome]) -> None:
    await connection.execute(
        _ADD_OUTCOMES,
        brand,
        [each.decision for each in new],
        [each.slot for each in new],
        [each.choice for each in new],
        [each.value for each in new],
        [each.scaled for each in new],
        [each.defaulted for each in new],
        [each.lesson for each in new],
        [each.cause for each in new],
    )


async def add_late(connection: asyncpg.Connection, brand: str, new: Sequence[LateOutcome]) -> None:
    columns: list[list[Any]] = [
        [each.decision for each in new],
        [each.value for each in new],
        [each.reported_at for each in new],
    ]
    await connection.execute(_ADD_LATE, brand, *columns)


async def lock_counters(
    connection: asyncpg.Connection, brand: str, keys: Sequence[CounterKey]
) -> dict[CounterKey, Counter]:
    """Counters, locked in key order and made where missing, so that a first count waits, too."""
    found = await _counters(connection, _LOCK_COUNTERS, brand, keys)
    if missing := [key for key in keys if key not in found]:
        await connection.execute(_ADD_COUNTERS, brand, *(list(column) for column in zip(*missing, strict=True)))
        found |= await _counters(connection, _LOCK_COUNTERS, brand, missing)
    return found


async def counters(connection: asyncpg.Connection, brand: str, keys: Sequence[CounterKey]) -> dict[CounterKey, Counter]:
    """Counters as they stand, those that ever counted."""
    return await _counters(connection, _COUNTERS, brand, keys) if keys else {}


async def _counters(
    connection: asyncpg.Connection, statement: str, brand: str, keys: Sequence[CounterKey]
) -> dict[CounterKey, Counter]:
    columns = (list(column) for column in zip(*keys, strict=True))
    rows = await connection.fetch(statement, brand, *columns)
    return {CounterKey(row["name"], row["owner"], row["period"]): Counter(**row) for row in rows}


async def save_counters(connection: asyncpg.Connection, brand: str, changed: Sequence[Counter]) -> None:
    await connection.execute(
        _SAVE_COUNTERS,
        brand,
        [each.name for each in changed],
        [each.owner for each in changed],
        [each.period for each in changed],
        [each.value for each in changed],
    )
