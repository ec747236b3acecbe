"""Slots' streams of outcomes, the versions of what they taught, and which policy is live."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from laurels.recommender.v1 import policies_pb2 as pb
from services.recommender.learner import Lesson

_COLUMNS = "slot, lessons, epoch, version, kept, policy, configuration"
_HEADS = f"SELECT {_COLUMNS} FROM learners WHERE brand = $1 AND slot = ANY($2::text[])"  # noqa: S608
_LOCK = f"""
    SELECT {_COLUMNS} FROM learners WHERE brand = $1 AND slot = ANY($2::text[])
    ORDER BY slot FOR NO KEY UPDATE"""  # noqa: S608
_ADD = """
    INSERT INTO learners (brand, slot) SELECT $1, slot FROM unnest($2::text[]) AS new (slot) ORDER BY slot
    ON CONFLICT DO NOTHING"""
_SAVE = """
    UPDATE learners SET lessons = new.lessons, epoch = new.epoch, version = new.version, kept = new.kept,
        policy = new.policy, configuration = new.configuration
    FROM unnest($2::text[], $3::bigint[], $4::integer[], $5::integer[], $6::bigint[], $7::text[], $8::bytea[])
        AS new (slot, lessons, epoch, version, kept, policy, configuration)
    WHERE learners.brand = $1 AND learners.slot = new.slot"""
_LESSONS = """
    SELECT lesson, outcomes.choice, features, scaled
    FROM outcomes JOIN decisions ON decisions.brand = outcomes.brand AND decisions.decision = outcomes.decision
    WHERE outcomes.brand = $1 AND outcomes.slot = $2 AND lesson > $3 AND lesson <= $4
    ORDER BY lesson LIMIT $5"""
_VERSION = """
    SELECT slot, version, epoch, lessons, state, restored_from, key, made_at FROM model_versions
    WHERE brand = $1 AND slot = $2 AND version = $3"""
_VERSION_UNTIL = """
    SELECT slot, version, epoch, lessons, state, restored_from, key, made_at FROM model_versions
    WHERE brand = $1 AND slot = $2 AND epoch = $3 AND lessons <= $4 ORDER BY version DESC LIMIT 1"""
_VERSION_OF_KEY = """
    SELECT slot, version, epoch, lessons, state, restored_from, key, made_at FROM model_versions
    WHERE brand = $1 AND slot = $2 AND key = $3"""
_VERSIONS = """
    SELECT version, lessons, restored_from, made_at FROM model_versions
    WHERE brand = $1 AND slot = $2 ORDER BY version DESC LIMIT 1000"""
_ADD_VERSIONS = """
    INSERT INTO model_versions (brand, slot, version, epoch, lessons, state, restored_from, key, made_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"""
_BEHIND = "SELECT slot FROM learners WHERE brand = $1 AND lessons - kept >= $2 ORDER BY slot LIMIT $3"
LESSONS_AT_ONCE = 5_000


@dataclass(slots=True)
class Head:
    """How far a slot's stream has come, and its live policy; see `tables.Learner`."""

    slot: str
    lessons: int = 0
    epoch: int = 0
    version: int = 0
    kept: int = 0
    policy: str = ""
    configuration: bytes = b""


@dataclass(frozen=True, slots=True)
class Version:
    """A written version of a slot's model."""

    slot: str
    version: int
    epoch: int
    lessons: int
    state: bytes
    restored_from: int
    key: str | None
    made_at: datetime


async def heads(connection: asyncpg.Connection, brand: str, slots: Iterable[str]) -> dict[str, Head]:
    """The heads of slots that have one; nothing is locked."""
    return {row["slot"]: Head(**row) for row in await connection.fetch(_HEADS, brand, sorted(set(slots)))}


async def lock_heads(connection: asyncpg.Connection, brand: str, slots: Sequence[str]) -> dict[str, Head]:
    """The heads of slots, locked, and made where missing."""
    found = {row["slot"]: Head(**row) for row in await connection.fetch(_LOCK, brand, slots)}
    if missing := [slot for slot in slots if slot not in found]:
        await connection.execute(_ADD, brand, missing)
        found |= {row["slot"]: Head(**row) for row in await connection.fetch(_LOCK, brand, missing)}
    return found


async def save_heads(connection: asyncpg.Connection, brand: str, changed: Sequence[Head]) -> None:
    await connection.execute(
        _SAVE,
        brand,
        [each.slot for each in changed],
        [each.lessons for each in changed],
        [each.epoch for each in changed],
        [each.version for each in changed],
        [each.kept for each in changed],
        [each.policy for each in changed],
        [each.configuration for each in changed],
    )


async def lessons(connection: asyncpg.Connection, brand: str, slot: str, after: int, until: int) -> list[Lesson]:
    """The next lessons of a slot, at most LESSONS_AT_ONCE."""
    rows = await connection.fetch(_LESSONS, brand, slot, after, until, LESSONS_AT_ONCE)
    return [Lesson(row["lesson"], row["choice"], row["features"], row["scaled"]) for row in rows]


async def version(connection: asyncpg.Connection, brand: str, slot: str, number: int) -> Version | None:
    """A version by its number."""
    return _version(await connection.fetchrow(_VERSION, brand, slot, number))


async def version_until(connection: asyncpg.Connection, brand: str, slot: str, epoch: int, most: int) -> Version | None:
    """The newest version of an epoch that learnt no more lessons than `most`."""
    return _version(await connection.fetchrow(_VERSION_UNTIL, brand, slot, epoch, most))


async def version_of_key(connection: asyncpg.Connection, brand: str, slot: str, key: str) -> Version | None:
    """The version that a key restored."""
    return _version(await connection.fetchrow(_VERSION_OF_KEY, brand, slot, key))


def _version(row: Any) -> Version | None:
    return Version(**row) if row is not None else None


async def versions(connection: asyncpg.Connection, brand: str, slot: str) -> list[pb.ModelVersion]:
    """A slot's versions, newest first."""
    return [pb.ModelVersion(**row) for row in await connection.fetch(_VERSIONS, brand, slot)]


async def add_versions(connection: asyncpg.Connection, brand: str, new: Sequence[Version]) -> None:
    rows = [(brand, v.slot, v.version, v.epoch, v.lessons, v.state, v.restored_from, v.key, v.made_at) for v in new]
    await connection.executemany(_ADD_VERSIONS, rows)


async def behind(connection: asyncpg.Connection, brand: str, by: int, most: int) -> list[str]:
    """Slots that learnt so many lessons since their newest version."""
    return [row["slot"] for row in await connection.fetch(_BEHIND, brand, by, most)]


def configurations(found: Mapping[str, Head]) -> dict[str, pb.PolicyConfiguration]:
    """The live policies of slots, where it is not the default."""
    return {slot: pb.PolicyConfiguration.FromString(head.configuration) for slot, head in found.items() if head.policy}
