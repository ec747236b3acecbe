"""Candidates for slots' policies, what was promoted, and the log that they are judged on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from laurels.recommender.v1 import policies_pb2 as pb

CANDIDATES_MAX = 1_000
LOGGED_MAX = 5_000
_CANDIDATES = """
    SELECT slot, candidate, configuration, created_by, created_at FROM candidates
    WHERE brand = $1 AND slot = $2 ORDER BY created_at DESC, candidate"""
_LOCK_CANDIDATES = """
    SELECT slot, candidate, configuration, created_by, created_at FROM candidates
    WHERE brand = $1 AND (slot, candidate) IN (SELECT * FROM unnest($2::text[], $3::text[]))"""
_COUNT = "SELECT count(*) FROM candidates WHERE brand = $1 AND slot = $2"
_ADD_CANDIDATES = """
    INSERT INTO candidates (brand, slot, candidate, configuration, created_by, created_at)
    SELECT $1, slot, candidate, configuration, created_by, created_at
    FROM unnest($2::text[], $3::text[], $4::bytea[], $5::text[], $6::timestamptz[])
        AS new (slot, candidate, configuration, created_by, created_at)"""
_PROMOTIONS = """
    SELECT slot, number, candidate, evaluation, override_reason, promoted_by, promoted_at FROM promotions
    WHERE brand = $1 AND slot = $2 ORDER BY number DESC LIMIT $3"""
_ADD_PROMOTION = """
    INSERT INTO promotions
        (brand, slot, number, candidate, evaluation, override_reason, promoted_by, promoted_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"""
# The newest that the policy itself made and that are known, of nobody who was erased.
_LOGGED = """
    SELECT member, decisions.choice, propensity, features, among, lessons, value
    FROM decisions JOIN outcomes ON outcomes.brand = decisions.brand AND outcomes.decision = decisions.decision
    WHERE decisions.brand = $1 AND decisions.slot = $2 AND epoch = $3 AND basis = 'policy' AND teaches
        AND among <> '{}' AND member NOT LIKE '!%'
    ORDER BY decided_at DESC, decisions.decision LIMIT $4"""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A candidate for a slot's policy."""

    slot: str
    candidate: str
    configuration: bytes
    created_by: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Promotion:
    """A candidate that was promoted."""

    slot: str
    number: int
    candidate: str
    evaluation: bytes | None
    override_reason: str
    promoted_by: str
    promoted_at: datetime

    def shown(self) -> pb.Promotion:
        return pb.Promotion(
            candidate=self.candidate,
            evaluation=pb.CandidateEvaluation.FromString(self.evaluation) if self.evaluation is not None else None,
            override_reason=self.override_reason,
            promoted_by=self.promoted_by,
            promoted_at=self.promoted_at,
        )


@dataclass(frozen=True, slots=True)
class Logged:
    """A decision of the live policy with its outcome."""

    member: str
    choice: str
    propensity: float
    features: Sequence[float]
    among: Sequence[str]
    lessons: int
    value: float


async def candidates(connection: asyncpg.Connection, brand: str, slot: str) -> list[Candidate]:
    """A slot's candidates, newest first."""
    return [Candidate(**row) for row in await connection.fetch(_CANDIDATES, brand, slot)]


async def read_candidates(
    connection: asyncpg.Connection, brand: str, keys: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], Candidate]:
    """Candidates by slot and id, as far as they exist; they never change."""
    slots, names = [key[0] for key in keys], [key[1] for key in keys]
    rows = await connection.fetch(_LOCK_CANDIDATES, brand, slots, names)
    return {(row["slot"], row["candidate"]): Candidate(**row) for row in rows}


async def count(connection: asyncpg.Connection, brand: str, slot: str) -> int:
    return int(await connection.fetchval(_COUNT, brand, slot))


async def add_candidates(connection: asyncpg.Connection, brand: str, new: Sequence[Candidate]) -> None:
    columns: list[list[Any]] = [
        [each.slot for each in new],
        [each.candidate for each in new],
        [each.configuration for each in new],
        [each.created_by for each in new],
        [each.created_at for each in new],
    ]
    await connection.execute(_ADD_CANDIDATES, brand, *columns)


async def promotions(connection: asyncpg.Connection, brand: str, slot: str, most: int) -> list[Promotion]:
    """A slot's promotions, newest first."""
    return [Promotion(**row) for row in await connection.fetch(_PROMOTIONS, brand, slot, most)]


async def add_promotions(connection: asyncpg.Connection, brand: str, new: Sequence[Promotion]) -> None:
    rows = [
        (brand, p.slot, p.number, p.candidate, p.evaluation, p.override_reason, p.promoted_by, p.promoted_at)
        for p in new
    ]
    await connection.executemany(_ADD_PROMOTION, rows)


async def logged(connection: asyncpg.Connection, brand: str, slot: str, epoch: int) -> list[Logged]:
    """The newest decisions of the slot's policy with their outcomes, at most LOGGED_MAX, in the stream's order."""
    rows = await connection.fetch(_LOGGED, brand, slot, epoch, LOGGED_MAX)
    return sorted((Logged(**row) for row in rows), key=lambda each: each.lessons)
