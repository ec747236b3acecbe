"""Whether members' tiers are what their standings give, and their standings what happened."""

from datetime import datetime
from typing import Any

import asyncpg
import orjson

from laurels.activity.v1.activity_pb2 import Activity
from services.points.programme import PointsRules
from services.points.store import tiers
from services.points.tier_ladder import Standing, highest

ROWS_AT_ONCE = 2_000
_NEWEST = """
    SELECT members.member FROM members
    CROSS JOIN LATERAL (
        SELECT to_tier FROM tier_history
        WHERE tier_history.brand = members.brand AND tier_history.member = members.member ORDER BY id DESC LIMIT 1
    ) AS newest
    WHERE newest.to_tier <> members.tier"""
_MEMBERS = "SELECT member, tier, tier_kept FROM members WHERE enrolled_at IS NOT NULL"
_BUCKETS = "SELECT member, qualifier, bucket, amount FROM tier_buckets WHERE amount <> 0"
_EARNED = "SELECT owner, currency, earned FROM accounts WHERE owner <> '' AND kind = 'available' AND earned <> 0"
_ACTIVITIES = "SELECT id, member, type, occurred_at, attributes::text FROM activities WHERE type = ANY($1::text[])"

Sums = dict[tuple[str, ...], int]


async def histories(connection: asyncpg.Connection) -> list[str]:
    """Members whose tier is not the newest in their history."""
    return [row["member"] for row in await connection.fetch(_NEWEST)]


async def standings(connection: asyncpg.Connection, brand: str, rules: PointsRules) -> list[str]:
    """Members whose tier is not the one that their standing gives, under a programme that never changed."""
    rows = await connection.fetch(_MEMBERS)
    names = [row["member"] for row in rows if row["tier_kept"] or not rules.ladder.is_plain]
    if not rules.ladder.tiers or not names:
        return []
    kept = await tiers.standings(connection, brand, names)
    paid = await tiers.subscriptions(connection, brand, names)
    found = {row["member"]: row["tier"] for row in rows}
    wrong = []
    for name in names:
        active = [row.subscription for row in paid.get(name, {}).values() if row.active]
        given = [rules.subscriptions[each].tier for each in active if each in rules.subscriptions]
        if found[name] != highest(rules.ladder, kept.get(name) or Standing(name), given):
            wrong.append(name)
    return wrong


async def counts(connection: asyncpg.Connection, rules: PointsRules) -> list[str]:
    """What counts and is not what was earned and done, under a programme that never changed."""
    if rules.ladder.is_plain:
        return []
    kept: Sums = {
        (row["member"], row["qualifier"], row["bucket"]): row["amount"] for row in await connection.fetch(_BUCKETS)
    }
    of_currencies = {each.id: each.currency for each in rules.ladder.qualifiers if each.currency}
    earned: Sums = {(row["owner"], row["currency"]): row["earned"] for row in await connection.fetch(_EARNED)}
    windowed = {each.id for each in rules.ladder.qualifiers if each.currency and not each.window.is_ever}
    wanted: Sums = {
        (owner, name): amount
        for (owner, currency), amount in earned.items()
        for name in windowed
        if of_currencies[name] == currency
    }
    done = await _done(connection, rules)
    sums: Sums = {}
    for (member, qualifier, _), amount in kept.items():
        if qualifier in windowed:
            sums[member, qualifier] = sums.get((member, qualifier), 0) + amount
    counted = {key: amount for key, amount in kept.items() if key[1] not in windowed}
    wrong = {*_differences(sums, wanted), *((member, name) for member, name, _ in _differences(counted, done))}
    return [f"{member} ({name})" for member, name in sorted(wrong)]


async def _done(connection: asyncpg.Connection, rules: PointsRules) -> Sums:
    """What all activities add, counted again."""
    windows = {each.id: each.window for each in rules.ladder.qualifiers}
    found: Sums = {}
    async for row in connection.cursor(_ACTIVITIES, sorted(rules.tier_counts), prefetch=ROWS_AT_ONCE):
        activity = _activity(row)
        for name, amount in rules.tier_counts[activity.type].of(activity, _passed_over):
            key = (activity.member, name, windows[name].bucket(rules.ladder.day(row["occurred_at"])))
            found[key] = found.get(key, 0) + amount
    return {key: amount for key, amount in found.items() if amount}


def _passed_over(_name: str, _why: str) -> None:
    """What failed when it was recorded counted for nothing, and was reported then."""


def _activity(row: Any) -> Activity:
    moment: datetime = row["occurred_at"]
    found = Activity(id=row["id"], member=row["member"], type=row["type"], occurred_at=moment)
    found.attributes.update(orjson.loads(row["attributes"]))
    return found


def _differences(one: Sums, other: Sums) -> set[Any]:
    return {key for key in one.keys() | other.keys() if one.get(key, 0) != other.get(key, 0)}
