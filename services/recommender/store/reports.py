"""How slots fare."""

from dataclasses import dataclass

import asyncpg

# Sums over members of their outcomes' number n and sum s: what a ratio's error takes, a member being one cluster.
_GROUPS = """
    SELECT slot, basis, count(*) FILTER (WHERE n > 0) AS members, sum(decisions)::bigint AS decisions,
        sum(n)::bigint AS outcomes, sum(s)::float8 AS value, sum(positive)::bigint AS positive,
        sum(n::float8 * n) AS nn, sum(n::float8 * s) AS ns, sum(s * s) AS ss
    FROM (
        SELECT decisions.slot, basis, member, count(*) AS decisions, count(outcomes.value) AS n,
            coalesce(sum(outcomes.value), 0) AS s, count(*) FILTER (WHERE outcomes.value > 0) AS positive
        FROM decisions LEFT JOIN outcomes
            ON outcomes.brand = decisions.brand AND outcomes.decision = decisions.decision
        WHERE decisions.brand = $1 GROUP BY decisions.slot, basis, member
    ) AS of_member
    GROUP BY slot, basis"""
_CHOICES = """
    SELECT decisions.slot, decisions.choice, count(*) AS decisions, count(outcomes.value) AS outcomes,
        coalesce(sum(outcomes.value), 0)::float8 AS value, count(*) FILTER (WHERE outcomes.value > 0) AS positive
    FROM decisions LEFT JOIN outcomes
        ON outcomes.brand = decisions.brand AND outcomes.decision = decisions.decision
    WHERE decisions.brand = $1 AND basis = 'policy' GROUP BY decisions.slot, decisions.choice"""
_LATE = """
    SELECT slot, count(*) AS late FROM late_outcomes
    JOIN outcomes ON outcomes.brand = late_outcomes.brand AND outcomes.decision = late_outcomes.decision
    WHERE late_outcomes.brand = $1 GROUP BY slot"""


@dataclass(frozen=True, slots=True)
class GroupSums:
    """What the decisions of one basis in a slot came to; nn, ns and ss are sums over members."""

    slot: str
    basis: str
    members: int = 0
    decisions: int = 0
    outcomes: int = 0
    value: float = 0.0
    positive: int = 0
    nn: float = 0.0
    ns: float = 0.0
    ss: float = 0.0


@dataclass(frozen=True, slots=True)
class ChoiceSums:
    """What the policy's decisions for a choice in a slot came to."""

    slot: str
    choice: str
    decisions: int = 0
    outcomes: int = 0
    value: float = 0.0
    positive: int = 0


async def groups(connection: asyncpg.Connection, brand: str) -> dict[tuple[str, str], GroupSums]:
    """By slot and basis."""
    return {(row["slot"], row["basis"]): GroupSums(**row) for row in await connection.fetch(_GROUPS, brand)}


async def choices(connection: asyncpg.Connection, brand: str) -> dict[tuple[str, str], ChoiceSums]:
    """By slot and choice."""
    return {(row["slot"], row["choice"]): ChoiceSums(**row) for row in await connection.fetch(_CHOICES, brand)}


async def late(connection: asyncpg.Connection, brand: str) -> dict[str, int]:
    """How many late outcomes each slot has."""
    return {row["slot"]: row["late"] for row in await connection.fetch(_LATE, brand)}
