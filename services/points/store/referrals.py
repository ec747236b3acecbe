"""The SQL of referrals."""

from collections.abc import Sequence

import asyncpg

from laurels.points.v1 import groups_pb2 as pb
from services.points.states import Code, Referral

CHAIN_MAX = 64
"""So many referrers of referrers are looked at for a cycle."""

_CODES = "SELECT code, member FROM referral_codes WHERE brand = $1 AND code = ANY($2::text[]) ORDER BY code"
_ADD_CODES = """
    INSERT INTO referral_codes (brand, code, member)
    SELECT $1, code, member FROM unnest($2::text[], $3::text[]) AS new (code, member)"""
_ADD_SECRET = "INSERT INTO referral_secrets (brand, secret) VALUES ($1, $2) ON CONFLICT DO NOTHING"
_SECRET = "SELECT secret FROM referral_secrets WHERE brand = $1"
_CODE_OF = "SELECT code FROM referral_codes WHERE brand = $1 AND member = $2"
_REFERRALS = """
    SELECT known.*
    FROM unnest($2::text[]) AS wanted (referee)
    CROSS JOIN LATERAL (
        SELECT referee, referrer, code, state, claimed_at, activity, referrer_amount, referee_amount, capped,
            completed_at
        FROM referrals WHERE brand = $1 AND referrals.referee = wanted.referee LIMIT 1
    ) AS known"""
_SAVE_REFERRALS = """
    INSERT INTO referrals (brand, referee, referrer, code, state, claimed_at, activity, referrer_amount,
        referee_amount, capped, completed_at)
    SELECT $1, referee, referrer, code, state, claimed_at, activity, referrer_amount, referee_amount, capped,
        completed_at
    FROM unnest($2::text[], $3::text[], $4::text[], $5::integer[], $6::timestamptz[], $7::text[], $8::bigint[],
            $9::bigint[], $10::boolean[], $11::timestamptz[])
        AS new (referee, referrer, code, state, claimed_at, activity, referrer_amount, referee_amount, capped,
            completed_at)
    ON CONFLICT (brand, referee) DO UPDATE SET state = excluded.state, activity = excluded.activity,
        referrer_amount = excluded.referrer_amount, referee_amount = excluded.referee_amount,
        capped = excluded.capped, completed_at = excluded.completed_at"""
_CHAINS = """
    WITH RECURSIVE chain AS (
        SELECT member AS head, member, 1 AS depth FROM unnest($2::text[]) AS heads (member)
        UNION ALL
        SELECT chain.head, referrals.referrer, depth + 1
        FROM chain JOIN referrals ON referrals.brand = $1 AND referrals.referee = chain.member
        WHERE referrals.referrer <> '' AND depth < $3
    )
    SELECT head, member FROM chain ORDER BY head, depth"""
_OF_REFERRER = """
    SELECT count(*) AS claimed, count(*) FILTER (WHERE state = 2) AS completed,
        coalesce(sum(referrer_amount), 0)::bigint AS rewarded
    FROM referrals WHERE brand = $1 AND referrer = $2 AND referrer <> ''"""
_REFERRED_BY = "SELECT code FROM referrals WHERE brand = $1 AND referee = $2"
_REPORT = """
    SELECT count(*) AS claimed, count(*) FILTER (WHERE state = 2) AS completed,
        count(*) FILTER (WHERE capped) AS capped,
        coalesce(sum(referrer_amount), 0)::bigint AS referrers_rewarded,
        coalesce(sum(referee_amount), 0)::bigint AS referees_rewarded,
        count(DISTINCT referrer) FILTER (WHERE state = 2) AS referrers
    FROM referrals WHERE brand = $1 AND referrer <> ''"""


async def codes(connection: asyncpg.Connection, brand: str, wanted: Sequence[str]) -> dict[str, Code]:
    """Whose these codes are; a code stays its member's."""
    return {row["code"]: Code(**row) for row in await connection.fetch(_CODES, brand, wanted)}


async def add_codes(connection: asyncpg.Connection, brand: str, made: Sequence[Code]) -> None:
    await connection.execute(_ADD_CODES, brand, [row.code for row in made], [row.member for row in made])


async def add_secrets(connection: asyncpg.Connection, brand: str, secrets: Sequence[bytes]) -> None:
    """Keeps the first secret that a brand is given."""
    await connection.execute(_ADD_SECRET, brand, secrets[0])


async def secret(connection: asyncpg.Connection, brand: str) -> bytes | None:
    found: bytes | None = await connection.fetchval(_SECRET, brand)
    return found


async def code_of(connection: asyncpg.Connection, brand: str, member: str) -> str:
    """A member's code; empty while there is none."""
    return await connection.fetchval(_CODE_OF, brand, member) or ""


async def referrals(connection: asyncpg.Connection, brand: str, referees: Sequence[str]) -> dict[str, Referral]:
    """What is known of how members came, for every one of them.

    Who changes it holds the lock on the member.
    """
    found = {referee: Referral(referee) for referee in referees}
    for row in await connection.fetch(_REFERRALS, brand, referees):
        found[row["referee"]] = Referral(**row)
    return found


async def save_referrals(connection: asyncpg.Connection, brand: str, changed: Sequence[Referral]) -> None:
    await connection.execute(
        _SAVE_REFERRALS,
        brand,
        [row.referee for row in changed],
        [row.referrer for row in changed],
        [row.code for row in changed],
        [row.state for row in changed],
        [row.claimed_at for row in changed],
        [row.activity for row in changed],
        [row.referrer_amount for row in changed],
        [row.referee_amount for row in changed],
        [row.capped for row in changed],
        [row.completed_at for row in changed],
    )


async def chains(connection: asyncpg.Connection, brand: str, heads: Sequence[str]) -> dict[str, list[str]]:
    """Each member with their referrer, that one's referrer and so on, at most CHAIN_MAX, by the member."""
    found: dict[str, list[str]] = {}
    for row in await connection.fetch(_CHAINS, brand, heads, CHAIN_MAX):
        found.setdefault(row["head"], []).append(row["member"])
    return found


async def referral_of(connection: asyncpg.Connection, brand: str, member: str) -> pb.GetReferralResponse:
    """A member's code and what came of it."""
    (row,) = await connection.fetch(_OF_REFERRER, brand, member)
    return pb.GetReferralResponse(
        **row,
        code=await code_of(connection, brand, member),
        referred_by_code=await connection.fetchval(_REFERRED_BY, brand, member) or "",
    )


async def report(connection: asyncpg.Connection, brand: str) -> pb.GetReferralsReportResponse:
    (row,) = await connection.fetch(_REPORT, brand)
    return pb.GetReferralsReportResponse(**row)
