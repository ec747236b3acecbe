"""The SQL of rewards: redemptions, coupon codes and boosters."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import asyncpg
import orjson

from chassis.errors import InvalidArgument
from laurels.points.v1 import rewards_pb2
from services.points.rewards import Redemption
from services.points.store import parts_json, parts_of

FREE, ISSUED, VOID = 1, 2, 3
"""How far a code has come. It only ever goes on."""

_REDEMPTIONS = """
    SELECT redemption, member, reward, kind, state, currency, price, code, menu, reference, digest, lots::text AS parts,
        counted::text, credited_currency, credited, redeemed_at, changed_at, expires_at, programme_version
    FROM redemptions WHERE brand = $1"""
# A key that another transaction took first must fail here, and be seen at the next try.
_ADD_REDEMPTIONS = """
    INSERT INTO redemptions (brand, redemption, member, reward, kind, state, currency, price, code, menu, reference,
        digest, lots, counted, credited_currency, credited, redeemed_at, changed_at, expires_at, programme_version)
    SELECT $1, redemption, member, reward, kind, state, currency, price, code, menu, reference, digest, lots::jsonb,
        counted::jsonb, credited_currency, credited, redeemed_at, changed_at, expires_at, programme_version
    FROM unnest($2::text[], $3::text[], $4::text[], $5::integer[], $6::integer[], $7::text[], $8::bigint[],
            $9::text[], $10::text[], $11::text[], $12::bytea[], $13::text[], $14::text[], $15::text[], $16::bigint[],
            $17::timestamptz[], $18::timestamptz[], $19::timestamptz[], $20::integer[])
        AS new (redemption, member, reward, kind, state, currency, price, code, menu, reference, digest, lots, counted,
            credited_currency, credited, redeemed_at, changed_at, expires_at, programme_version)"""
_MOVE_REDEMPTIONS = """
    UPDATE redemptions SET state = changed.state, changed_at = changed.changed_at
    FROM unnest($2::text[], $3::integer[], $4::timestamptz[]) AS changed (redemption, state, changed_at)
    WHERE redemptions.brand = $1 AND redemptions.redemption = changed.redemption"""
_PAGE = (
    _REDEMPTIONS
    + """
    AND member = $2 AND (redeemed_at, redemption) < ($3, $4) ORDER BY redeemed_at DESC, redemption DESC LIMIT $5"""
)
_DUE = """
    SELECT redemption FROM redemptions WHERE brand = $1 AND state = 1 AND expires_at <= $2
    ORDER BY expires_at LIMIT $3"""
_LOCK_CODES = """
    SELECT known.*
    FROM unnest($2::text[]) AS wanted (code)
    CROSS JOIN LATERAL (
        SELECT code, reward, state, redemption FROM reward_codes
        WHERE brand = $1 AND reward_codes.code = wanted.code LIMIT 1 FOR NO KEY UPDATE
    ) AS known"""
_KNOWN_CODES = _LOCK_CODES.replace(" FOR NO KEY UPDATE", "")
_SAVE_CODES = """
    INSERT INTO reward_codes (brand, code, reward, state, redemption)
    SELECT $1, code, reward, state, redemption
    FROM unnest($2::text[], $3::text[], $4::integer[], $5::text[]) WITH ORDINALITY
        AS new (code, reward, state, redemption, place)
    ORDER BY place
    ON CONFLICT (brand, code) DO UPDATE SET state = excluded.state, redemption = excluded.redemption
    WHERE reward_codes.state < excluded.state"""
_TAKE_FREE_CODES = """
    SELECT known.*
    FROM unnest($2::text[], $3::bigint[]) AS wanted (reward, count)
    CROSS JOIN LATERAL (
        SELECT reward, code FROM reward_codes
        WHERE brand = $1 AND reward_codes.reward = wanted.reward AND state = 1
        ORDER BY place LIMIT wanted.count FOR NO KEY UPDATE SKIP LOCKED
    ) AS known"""
_FREE_CODES = """
    SELECT reward, count(*) AS free FROM reward_codes
    WHERE brand = $1 AND state = 1 AND reward = ANY($2::text[]) GROUP BY reward"""
_ANY_FREE = """
    SELECT wanted.reward FROM unnest($2::text[]) AS wanted (reward)
    WHERE EXISTS (SELECT FROM reward_codes WHERE brand = $1 AND reward_codes.reward = wanted.reward AND state = 1)"""
_BOOSTERS = """
    SELECT member, booster, percent, currencies, starts_at, ends_at FROM boosters
    WHERE brand = $1 AND member = ANY($2::text[]) ORDER BY member, starts_at, booster"""
_SAVE_BOOSTERS = """
    INSERT INTO boosters (brand, booster, member, percent, currencies, starts_at, ends_at)
    SELECT $1, booster, member, percent, string_to_array(currencies, ','), starts_at, ends_at
    FROM unnest($2::text[], $3::text[], $4::integer[], $5::text[], $6::timestamptz[], $7::timestamptz[])
        AS new (booster, member, percent, currencies, starts_at, ends_at)
    ON CONFLICT (brand, booster) DO UPDATE SET ends_at = excluded.ends_at"""
_COUNTS = """
    SELECT known.*
    FROM unnest($2::text[], $3::text[], $4::text[]) AS wanted (name, owner, period)
    CROSS JOIN LATERAL (
        SELECT name, owner, period, value FROM counters
        WHERE brand = $1 AND counters.name = wanted.name AND counters.owner = wanted.owner
          AND counters.period = wanted.period LIMIT 1
    ) AS known"""
_USE = """
    SELECT reward, currency, count(*) FILTER (WHERE state IN (1, 2, 3)) AS redeemed,
        count(*) FILTER (WHERE state = 1) AS reserved, count(*) FILTER (WHERE state IN (4, 5)) AS cancelled,
        coalesce(sum(price) FILTER (WHERE state IN (1, 2, 3)), 0)::bigint AS amount
    FROM redemptions WHERE brand = $1 GROUP BY reward, currency ORDER BY reward, currency"""


@dataclass(slots=True)
class Code:
    """A code as loaded under its lock; `place` orders those that are added together."""

    code: str
    reward: str
    state: int
    redemption: str
    place: int = 0


@dataclass(slots=True)
class Booster:
    """A multiplier in percent, for these currencies or all, from one moment until another."""

    booster: str
    percent: int
    currencies: list[str]
    starts_at: datetime
    ends_at: datetime


@dataclass(slots=True)
class Boosters:
    """All boosters that a member ever had."""

    member: str
    boosters: list[Booster] = field(default_factory=list)


async def lock_redemptions(connection: asyncpg.Connection, brand: str, names: Sequence[str]) -> dict[str, Redemption]:
    """The redemptions of these ids, locked."""
    query = f"{_REDEMPTIONS} AND redemption = ANY($2::text[]) ORDER BY redemption FOR NO KEY UPDATE"
    return {row["redemption"]: _redemption(row) for row in await connection.fetch(query, brand, names)}


async def redemptions(connection: asyncpg.Connection, brand: str, names: Sequence[str]) -> dict[str, Redemption]:
    """The redemptions of these ids."""
    query = f"{_REDEMPTIONS} AND redemption = ANY($2::text[])"
    return {row["redemption"]: _redemption(row) for row in await connection.fetch(query, brand, names)}


def _redemption(row: Any) -> Redemption:
    counted = [
        (name, row["member"] if is_the_members else "", period)
        for name, is_the_members, period in orjson.loads(row["counted"])
    ]
    return Redemption(**{**row, "parts": parts_of(row["parts"]), "counted": counted})


async def save_redemptions(connection: asyncpg.Connection, brand: str, changed: Sequence[Redemption]) -> None:
    """Adds new redemptions, and moves those that were there to their states."""
    made = [each for each in changed if each.is_new]
    moved = [each for each in changed if not each.is_new]
    if made:
        await connection.execute(
            _ADD_REDEMPTIONS,
            brand,
            [each.redemption for each in made],
            [each.member for each in made],
            [each.reward for each in made],
            [each.kind for each in made],
            [each.state for each in made],
            [each.currency for each in made],
            [each.price for each in made],
            [each.code for each in made],
            [each.menu for each in made],
            [each.reference for each in made],
            [each.digest for each in made],
            [parts_json(each.parts) for each in made],
            # The member is named in one column only, so that erasure has one to change.
            [
                orjson.dumps([(name, bool(owner), period) for name, owner, period in each.counted]).decode()
                for each in made
            ],
            [each.credited_currency for each in made],
            [each.credited for each in made],
            [each.redeemed_at for each in made],
            [each.changed_at for each in made],
            [each.expires_at for each in made],
            [each.programme_version for each in made],
        )
    if moved:
        await connection.execute(
            _MOVE_REDEMPTIONS,
            brand,
            [each.redemption for each in moved],
            [each.state for each in moved],
            [each.changed_at for each in moved],
        )


async def redemptions_of(
    connection: asyncpg.Connection, brand: str, member: str, page_size: int, page_token: str
) -> tuple[list[rewards_pb2.Redemption], str]:
    """A page of a member's redemptions, newest first, and the token of the next."""
    before, name = datetime.max.replace(tzinfo=UTC), ""
    if page_token:
        before, name = _place(page_token)
    rows = await connection.fetch(_PAGE, brand, member, before, name, page_size + 1)
    found = [_redemption(row) for row in rows[:page_size]]
    token = ""
    if len(rows) > page_size:
        last = found[-1]
        token = f"{_micros(last.redeemed_at)}.{last.redemption}"
    return [each.shown() for each in found], token


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _micros(moment: datetime) -> int:
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 10**6 + since.microseconds


def _place(token: str) -> tuple[datetime, str]:
    micros, _, name = token.partition(".")
    if not (micros.isascii() and micros.isdigit()) or len(micros) > 17 or not name.isalnum():
        raise InvalidArgument(f"page_token {token!r} is not one that this list gave.")
    seconds, rest = divmod(int(micros), 10**6)
    try:
        return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest), name
    except (ValueError, OverflowError, OSError):
        raise InvalidArgument(f"page_token {token!r} is not one that this list gave.") from None


async def due_redemptions(connection: asyncpg.Connection, brand: str, until: datetime, most: int) -> list[str]:
    """Reservations that end by a moment."""
    return [row["redemption"] for row in await connection.fetch(_DUE, brand, until, most)]


async def lock_codes(connection: asyncpg.Connection, brand: str, codes: Sequence[str]) -> dict[str, Code]:
    """Those of the codes that the brand has, locked."""
    return {row["code"]: Code(*row) for row in await connection.fetch(_LOCK_CODES, brand, codes)}


async def known_codes(connection: asyncpg.Connection, brand: str, codes: Sequence[str]) -> dict[str, Code]:
    """Those of the codes that the brand has."""
    return {row["code"]: Code(*row) for row in await connection.fetch(_KNOWN_CODES, brand, codes)}


async def save_codes(connection: asyncpg.Connection, brand: str, changed: Sequence[Code]) -> None:
    """Adds codes in the order of their places, and moves those that are there on."""
    ordered = sorted(changed, key=lambda code: code.place)
    await connection.execute(
        _SAVE_CODES,
        brand,
        [code.code for code in ordered],
        [code.reward for code in ordered],
        [code.state for code in ordered],
        [code.redemption for code in ordered],
    )


async def take_free_codes(
    connection: asyncpg.Connection, brand: str, wanted: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], deque[str]]:
    """The first free codes of each reward, one for each of (reward, redemption), locked; by (reward, "")."""
    counts: dict[str, int] = {}
    for reward, _ in wanted:
        counts[reward] = counts.get(reward, 0) + 1
    found: dict[tuple[str, str], deque[str]] = {}
    for row in await connection.fetch(_TAKE_FREE_CODES, brand, list(counts), list(counts.values())):
        found.setdefault((row["reward"], ""), deque()).append(row["code"])
    return found


async def leave_free_codes(_connection: asyncpg.Connection, _brand: str, _changed: Sequence[deque[str]]) -> None:
    """What was not taken stays free; what was is saved as codes."""


async def free_codes(connection: asyncpg.Connection, brand: str, rewards: Sequence[str]) -> dict[str, int]:
    """How many codes are free, by reward."""
    return {row["reward"]: row["free"] for row in await connection.fetch(_FREE_CODES, brand, rewards)}


async def with_free_codes(connection: asyncpg.Connection, brand: str, rewards: Sequence[str]) -> set[str]:
    """The rewards that have a free code."""
    return {row["reward"] for row in await connection.fetch(_ANY_FREE, brand, rewards)}


async def lock_boosters(connection: asyncpg.Connection, brand: str, members: Sequence[str]) -> dict[str, Boosters]:
    """Members' boosters; whoever changes them has the member locked."""
    found = {member: Boosters(member) for member in members}
    for member, *booster in await connection.fetch(_BOOSTERS, brand, members):
        found[member].boosters.append(Booster(*booster))
    return found


async def save_boosters(connection: asyncpg.Connection, brand: str, changed: Sequence[Boosters]) -> None:
    rows = [(held.member, booster) for held in changed for booster in held.boosters]
    await connection.execute(
        _SAVE_BOOSTERS,
        brand,
        [booster.booster for _, booster in rows],
        [member for member, _ in rows],
        [booster.percent for _, booster in rows],
        [",".join(booster.currencies) for _, booster in rows],
        [booster.starts_at for _, booster in rows],
        [booster.ends_at for _, booster in rows],
    )


async def counts(
    connection: asyncpg.Connection, brand: str, keys: Sequence[tuple[str, str, str]]
) -> Mapping[tuple[str, str, str], int]:
    """What counters (name, owner, period) stand at; those that never counted are absent."""
    if not keys:
        return {}
    columns = (list(column) for column in zip(*keys, strict=True))
    rows = await connection.fetch(_COUNTS, brand, *columns)
    return {(row["name"], row["owner"], row["period"]): row["value"] for row in rows}


async def use(connection: asyncpg.Connection, brand: str) -> list[Any]:
    """What became of each reward, by the currency that was paid."""
    return list(await connection.fetch(_USE, brand))
