"""Every SQL statement of the recommender service: here of profiles, the report and erasure, beside it topic by topic.

Statements are set-based: their number does not depend on how many requests a
transaction carries. Rows are locked in key order. Arrays of several rows travel
as one flat array that is cut by the row's place.
"""

from collections.abc import Iterable, Mapping

import asyncpg

from laurels.recommender.v1 import recommender_pb2 as pb
from services.recommender.profile import Change

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

_REPORT = """
    SELECT slot, choice AS reward, sum(decisions)::bigint AS decisions, sum(outcomes)::bigint AS outcomes,
        coalesce(sum(total) / nullif(sum(outcomes), 0)::float8, 0) AS mean_value
    FROM (
        SELECT slot, choice, count(*) AS decisions, 0 AS outcomes, 0::float8 AS total
        FROM decisions WHERE brand = $1 GROUP BY slot, choice
        UNION ALL
        SELECT slot, choice, 0, count(*), sum(value) FROM outcomes WHERE brand = $1 GROUP BY slot, choice
    ) AS counted
    GROUP BY slot, choice"""

_ERASE_SLOTS = "SELECT erase_slots_of_member($1, $2)"
_ERASE = "SELECT erase_member($1, $2)"


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


async def report(connection: asyncpg.Connection, brand: str) -> dict[tuple[str, str], pb.RewardOutcome]:
    """How each choice of a slot fares that was ever recommended."""
    return {(row["slot"], row["reward"]): pb.RewardOutcome(**row) for row in await connection.fetch(_REPORT, brand)}


async def erase(connection: asyncpg.Connection, _brand: str, member: str, alias: str) -> None:
    """Deletes everything of a member who is being erased, but for what models learnt from, which the alias keeps."""
    await connection.execute(_ERASE_SLOTS, member, alias)
    await connection.execute(_ERASE, member, alias)
