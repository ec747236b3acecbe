"""The statements of earning: limits, refunds, approvals and the report of rules."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import asyncpg
import orjson

from laurels.programme.v1.programme_pb2 import Programme
from services.points.states import Counter, Lot, Purchase, Refund

CounterKey = tuple[str, str, str]
"""Name, owner, period."""

_COUNTERS = """
    SELECT known.*
    FROM unnest($2::text[], $3::text[], $4::text[]) WITH ORDINALITY AS wanted (name, owner, period, place)
    CROSS JOIN LATERAL (
        SELECT name, owner, period, value FROM counters
        WHERE brand = $1 AND counters.name = wanted.name AND counters.owner = wanted.owner
          AND counters.period = wanted.period
        LIMIT 1{lock}
    ) AS known"""
_READ_COUNTERS = _COUNTERS.format(lock="")
_LOCK_COUNTERS = _COUNTERS.format(lock=" FOR NO KEY UPDATE")
_ADD_COUNTERS = """
    INSERT INTO counters (brand, name, owner, period)
    SELECT $1, name, owner, period
    FROM unnest($2::text[], $3::text[], $4::text[]) WITH ORDINALITY AS new (name, owner, period, place)
    ORDER BY place ON CONFLICT DO NOTHING"""
_PURCHASES = """
    SELECT id, member, type, occurred_at, attributes::text, programme_version
    FROM activities WHERE brand = $1 AND id = ANY($2::text[])"""
_PROGRAMMES = "SELECT version, document FROM configurations WHERE brand = $1 AND version = ANY($2::integer[])"
_LOCK_REFUNDS = """
    SELECT known.*
    FROM unnest($2::text[], $3::text[]) AS wanted (purchase, member)
    CROSS JOIN LATERAL (
        SELECT purchase, member, refund, refunded, total, due::text, pending::text, available::text FROM refunds
        WHERE brand = $1 AND refunds.purchase = wanted.purchase AND refunds.member = wanted.member
        LIMIT 1 FOR NO KEY UPDATE
    ) AS known"""
_SAVE_REFUNDS = """
    INSERT INTO refunds (brand, purchase, member, refund, refunded, total, due, pending, available)
    SELECT $1, purchase, member, refund, refunded, total, due::jsonb, pending::jsonb, available::jsonb
    FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::text[], $8::text[], $9::text[])
        AS new (purchase, member, refund, refunded, total, due, pending, available)
    ON CONFLICT (brand, purchase, member) DO UPDATE SET refund = excluded.refund, refunded = excluded.refunded,
        total = excluded.total, due = excluded.due, pending = excluded.pending, available = excluded.available"""
_APPROVALS = """
    SELECT lot, member, currency, amount, state, changes, reference, activity, occurred_at, activates_at, until_type
    FROM pending_lots
    WHERE brand = $1 AND state = 1 AND activates_at IS NULL AND until_type = ''
      AND (occurred_at, lot) > ($2, $3) AND ($4 = '' OR reference = $4)
    ORDER BY occurred_at, lot LIMIT $5"""
_GIVEN = """
    SELECT reference, count(*) AS times, sum(amount)::bigint AS issued FROM entries
    WHERE brand = $1 AND key LIKE 'activity:%' AND kind IN (1, 8) GROUP BY reference"""


async def read_counters(
    connection: asyncpg.Connection, brand: str, keys: Sequence[CounterKey]
) -> dict[CounterKey, Counter]:
    """The counters that there are, unlocked."""
    return await _counters(connection, _READ_COUNTERS, brand, keys)


async def lock_counters(
    connection: asyncpg.Connection, brand: str, keys: Sequence[CounterKey]
) -> dict[CounterKey, Counter]:
    """Counters, locked in the order of the keys."""
    return await _counters(connection, _LOCK_COUNTERS, brand, keys)


async def add_counters(connection: asyncpg.Connection, brand: str, keys: Sequence[CounterKey]) -> None:
    """Makes the counters that are missing."""
    await connection.execute(_ADD_COUNTERS, brand, *_columns(keys))


async def _counters(
    connection: asyncpg.Connection, statement: str, brand: str, keys: Sequence[CounterKey]
) -> dict[CounterKey, Counter]:
    rows = await connection.fetch(statement, brand, *_columns(keys))
    return {(row["name"], row["owner"], row["period"]): Counter(**row) for row in rows}


def _columns(keys: Iterable[tuple[str, ...]]) -> list[list[str]]:
    return [list(column) for column in zip(*keys, strict=True)]


async def purchases(connection: asyncpg.Connection, brand: str, ids: Sequence[str]) -> dict[str, Purchase]:
    """Recorded activities by their ids, each with the rules that could give it something, in their order."""
    rows = await connection.fetch(_PURCHASES, brand, ids)
    versions = sorted({row["programme_version"] for row in rows})
    programmes = {
        row["version"]: Programme.FromString(row["document"]).points.earning_rules
        for row in await connection.fetch(_PROGRAMMES, brand, versions)
    }
    return {
        row["id"]: Purchase(
            id=row["id"],
            member=row["member"],
            type=row["type"],
            occurred_at=row["occurred_at"],
            attributes=orjson.loads(row["attributes"]),
            rules=[rule.id for rule in programmes[row["programme_version"]] if rule.activity_type == row["type"]],
        )
        for row in rows
    }


async def lock_refunds(
    connection: asyncpg.Connection, brand: str, keys: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], Refund]:
    """What was refunded by purchase and member, locked."""
    found = {}
    for row in await connection.fetch(_LOCK_REFUNDS, brand, *_columns(keys)):
        shares = {name: orjson.loads(row[name]) for name in ("due", "pending", "available")}
        found[row["purchase"], row["member"]] = Refund(**{**row, **shares})
    return found


async def save_refunds(connection: asyncpg.Connection, brand: str, changed: Sequence[Refund]) -> None:
    await connection.execute(
        _SAVE_REFUNDS,
        brand,
        [refund.purchase for refund in changed],
        [refund.member for refund in changed],
        [refund.refund for refund in changed],
        [refund.refunded for refund in changed],
        [refund.total for refund in changed],
        [orjson.dumps(refund.due).decode() for refund in changed],
        [orjson.dumps(refund.pending).decode() for refund in changed],
        [orjson.dumps(refund.available).decode() for refund in changed],
    )


async def approvals(
    connection: asyncpg.Connection, brand: str, after: tuple[Any, str], rule: str, most: int
) -> list[Lot]:
    """Lots that wait for approval after a moment and a lot, those earned first before others."""
    return [Lot(**row) for row in await connection.fetch(_APPROVALS, brand, *after, rule, most)]


async def given(connection: asyncpg.Connection, brand: str) -> Mapping[str, Any]:
    """How often and how much each earning rule gave; reads all entries of the brand."""
    return {row["reference"]: row for row in await connection.fetch(_GIVEN, brand)}
