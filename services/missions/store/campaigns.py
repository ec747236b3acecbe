"""The statements of campaigns: what they know of members, what they count, and what became of triggers.

As all SQL of the service it is set-based, locks in key order, and leaves the
planner one way: by the primary key, or by the one index that is made for it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
import orjson

from services.missions.campaigns import CounterKey

WAITING, REQUESTED, DROPPED = 1, 2, 3
"""How a message stands."""

_LOCK_HOURS = """
    SELECT known.*
    FROM unnest($2::text[]) AS wanted (member)
    CROSS JOIN LATERAL (
        SELECT member, best_hour FROM campaign_hours
        WHERE brand = $1 AND campaign_hours.member = wanted.member LIMIT 1 FOR NO KEY UPDATE
    ) AS known"""
_SAVE_HOURS = """
    INSERT INTO campaign_hours (brand, member, best_hour)
    SELECT $1, member, best_hour FROM unnest($2::text[], $3::integer[]) AS new (member, best_hour)
    ON CONFLICT (brand, member) DO UPDATE SET best_hour = excluded.best_hour"""
_LOCK_SEEN = """
    SELECT known.*
    FROM unnest($2::text[], $3::text[]) AS wanted (member, type)
    CROSS JOIN LATERAL (
        SELECT member, type, first_at, last_at FROM campaign_seen
        WHERE brand = $1 AND campaign_seen.member = wanted.member AND campaign_seen.type = wanted.type
        LIMIT 1 FOR NO KEY UPDATE
    ) AS known"""
_SEEN = _LOCK_SEEN.replace(" FOR NO KEY UPDATE", "")
_SAVE_SEEN = """
    INSERT INTO campaign_seen (brand, member, type, first_at, last_at, noted_at)
    SELECT $1, member, type, first_at, last_at, now()
    FROM unnest($2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[]) AS new (member, type, first_at, last_at)
    ON CONFLICT (brand, member, type) DO UPDATE
    SET first_at = excluded.first_at, last_at = excluded.last_at, noted_at = excluded.noted_at"""
_LOCK_COUNTERS = """
    SELECT known.*
    FROM unnest($2::text[], $3::text[], $4::text[]) WITH ORDINALITY AS wanted (name, owner, period, place)
    CROSS JOIN LATERAL (
        SELECT name, owner, period, value FROM campaign_counters
        WHERE brand = $1 AND campaign_counters.owner = wanted.owner AND campaign_counters.name = wanted.name
          AND campaign_counters.period = wanted.period
        LIMIT 1 FOR NO KEY UPDATE
    ) AS known"""
_ADD_COUNTERS = """
    INSERT INTO campaign_counters (brand, name, owner, period, value)
    SELECT $1, name, '', '', 0 FROM unnest($2::text[]) AS new (name) ON CONFLICT DO NOTHING"""
_SAVE_COUNTERS = """
    INSERT INTO campaign_counters (brand, name, owner, period, value)
    SELECT $1, name, owner, period, value
    FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[]) AS new (name, owner, period, value)
    ON CONFLICT (brand, owner, name, period) DO UPDATE SET value = excluded.value"""
_KNOWN_TRIGGERS = """
    SELECT known.*
    FROM unnest($2::text[], $3::text[], $4::text[]) AS wanted (campaign, member, cause)
    CROSS JOIN LATERAL (
        SELECT campaign, member, cause FROM campaign_triggers
        WHERE brand = $1 AND campaign_triggers.member = wanted.member
          AND campaign_triggers.campaign = wanted.campaign AND campaign_triggers.cause = wanted.cause LIMIT 1
    ) AS known"""
_ADD_TRIGGERS = """
    INSERT INTO campaign_triggers (brand, campaign, member, cause, outcome, reason, occurrence, effects, points,
        occurred_at, programme_version)
    SELECT $1, campaign, member, cause, outcome, reason, occurrence, effects, points, occurred_at, programme_version
    FROM unnest($2::text[], $3::text[], $4::text[], $5::integer[], $6::integer[], $7::bigint[], $8::text[],
            $9::bigint[], $10::timestamptz[], $11::integer[])
        AS new (campaign, member, cause, outcome, reason, occurrence, effects, points, occurred_at,
            programme_version)"""
_OFFERS = """
    SELECT offer, member, campaign, reward, key, programme_version, offered_at, expires_at, accepted_at
    FROM campaign_offers WHERE brand = $1"""
_LOCK_OFFERS = _OFFERS + " AND offer = ANY($2::text[]) ORDER BY offer FOR NO KEY UPDATE"
_OFFERS_OF = _OFFERS + " AND member = $2 ORDER BY offered_at DESC, offer DESC LIMIT $3"
_SAVE_OFFERS = """
    INSERT INTO campaign_offers (brand, offer, member, campaign, reward, key, programme_version, offered_at, expires_at,
        accepted_at)
    SELECT $1, offer, member, campaign, reward, key, programme_version, offered_at, expires_at, accepted_at
    FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::integer[], $8::timestamptz[],
            $9::timestamptz[], $10::timestamptz[])
        AS new (offer, member, campaign, reward, key, programme_version, offered_at, expires_at, accepted_at)
    ON CONFLICT (brand, offer) DO UPDATE SET accepted_at = excluded.accepted_at"""
_MESSAGES = """
    SELECT message, member, campaign, channel, template, fields::text AS fields, state, contact_hour, occurred_at,
        due_at
    FROM campaign_messages WHERE brand = $1"""
_LOCK_MESSAGES = _MESSAGES + " AND message = ANY($2::text[]) ORDER BY message FOR NO KEY UPDATE"
_MESSAGES_OF = (
    _MESSAGES
    + """
    AND member = $2 AND (occurred_at, message) < ($3, $4) ORDER BY occurred_at DESC, message DESC LIMIT $5"""
)
_SAVE_MESSAGES = """
    INSERT INTO campaign_messages (brand, message, member, campaign, channel, template, fields, state, contact_hour,
        occurred_at, due_at)
    SELECT $1, message, member, campaign, channel, template, fields::jsonb, state, contact_hour, occurred_at, due_at
    FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::integer[], $9::integer[],
            $10::timestamptz[], $11::timestamptz[])
        AS new (message, member, campaign, channel, template, fields, state, contact_hour, occurred_at, due_at)
    ON CONFLICT (brand, message) DO UPDATE SET state = excluded.state, due_at = excluded.due_at"""
_DUE_MESSAGES = """
    SELECT message, member FROM campaign_messages
    WHERE brand = $1 AND state = 1 AND due_at <= $2 ORDER BY due_at LIMIT $3"""
_CURSORS = """
    SELECT campaign, reached_at, member, looked_back_at FROM campaign_cursors
    WHERE brand = $1 AND campaign = ANY($2::text[])"""
_LOCK_CURSORS = _CURSORS + " ORDER BY campaign FOR NO KEY UPDATE"
_SAVE_CURSORS = """
    INSERT INTO campaign_cursors (brand, campaign, reached_at, member, looked_back_at)
    SELECT $1, campaign, reached_at, member, looked_back_at
    FROM unnest($2::text[], $3::timestamptz[], $4::text[], $5::timestamptz[])
        AS new (campaign, reached_at, member, looked_back_at)
    ON CONFLICT (brand, campaign) DO UPDATE
    SET reached_at = excluded.reached_at, member = excluded.member, looked_back_at = excluded.looked_back_at"""
_RECORDED = "SELECT recorded_at FROM configurations WHERE brand = $1 AND version = $2"
_SILENT = """
    SELECT member, last_at AS since FROM campaign_seen
    WHERE brand = $1 AND type = $2 AND (last_at, member) > ($3, $4) AND last_at <= $5
    ORDER BY last_at, member LIMIT $6"""
_JOINED = """
    SELECT member, enrolled_at AS since FROM mission_members
    WHERE brand = $1 AND $2 = '' AND (enrolled_at, member) > ($3, $4) AND enrolled_at <= $5
    ORDER BY enrolled_at, member LIMIT $6"""
_SILENT_LATE = """
    SELECT member, last_at AS since FROM campaign_seen
    WHERE brand = $1 AND type = $2 AND (last_at, member) > ($3, $4) AND last_at <= $5 AND noted_at > $7
    ORDER BY last_at, member LIMIT $6"""
_JOINED_LATE = """
    SELECT member, enrolled_at AS since FROM mission_members
    WHERE brand = $1 AND $2 = '' AND (enrolled_at, member) > ($3, $4) AND enrolled_at <= $5 AND noted_at > $7
    ORDER BY enrolled_at, member LIMIT $6"""
_REPORT = """
    SELECT campaign, outcome, reason, count(*) AS times, count(DISTINCT member) AS members
    FROM campaign_triggers WHERE brand = $1 GROUP BY campaign, outcome, reason"""
_EFFECTS = """
    SELECT campaign, effect, count(*) AS times
    FROM campaign_triggers CROSS JOIN LATERAL unnest(string_to_array(effects, ' ')) AS effect
    WHERE brand = $1 AND outcome = 1 GROUP BY campaign, effect"""
_MESSAGE_COUNTS = """
    SELECT campaign, state, count(*) AS times FROM campaign_messages WHERE brand = $1 GROUP BY campaign, state"""
_DELIVERY_COUNTS = """
    SELECT campaign, state, count(*) AS times FROM webhook_deliveries
    WHERE brand = $1 AND campaign <> '' GROUP BY campaign, state"""


@dataclass(slots=True)
class Hours:
    """A member's best hour; -1 when it is not known."""

    member: str
    best_hour: int


@dataclass(slots=True)
class Seen:
    """When a member first and last did an activity of a type."""

    member: str
    type: str
    first_at: datetime
    last_at: datetime


@dataclass(slots=True)
class Counter:
    """A count within a period."""

    name: str
    owner: str
    period: str
    value: int


@dataclass(frozen=True, slots=True)
class Trigger:
    """What became of a trigger that held."""

    campaign: str
    member: str
    cause: str
    outcome: int
    reason: int
    occurrence: int
    effects: str
    points: int
    occurred_at: datetime
    programme_version: int


TriggerKey = tuple[str, str, str]
"""Campaign, member, cause."""


@dataclass(slots=True)
class Offer:
    """A reward that a member may accept."""

    offer: str
    member: str
    campaign: str
    reward: str
    key: str
    programme_version: int
    offered_at: datetime
    expires_at: datetime
    accepted_at: datetime | None = None


@dataclass(slots=True)
class Message:
    """A message to a member; `contact_hour` is -1 for any hour."""

    message: str
    member: str
    campaign: str
    channel: str
    template: str
    fields: dict[str, str]
    state: int
    contact_hour: int
    occurred_at: datetime
    due_at: datetime


@dataclass(slots=True)
class Cursor:
    """How far the sweep of a campaign has come, and when it last looked back for what came late."""

    campaign: str
    reached_at: datetime
    member: str
    looked_back_at: datetime


def columns(rows: Iterable[Any], *names: str) -> list[list[Any]]:
    """The attributes of rows, each as a column."""
    found = list(rows)
    return [[getattr(row, name) for row in found] for name in names]


async def lock_hours(connection: asyncpg.Connection, brand: str, members: list[str]) -> dict[str, Hours]:
    """Best hours, under the members' locks."""
    return {row["member"]: Hours(**row) for row in await connection.fetch(_LOCK_HOURS, brand, members)}


async def save_hours(connection: asyncpg.Connection, brand: str, rows: Sequence[Hours]) -> None:
    await connection.execute(_SAVE_HOURS, brand, *columns(rows, "member", "best_hour"))


async def lock_seen(
    connection: asyncpg.Connection, brand: str, keys: list[tuple[str, str]]
) -> dict[tuple[str, str], Seen]:
    """By member and type, under the members' locks."""
    rows = await connection.fetch(_LOCK_SEEN, brand, *_unzipped(keys))
    return {(row["member"], row["type"]): Seen(**row) for row in rows}


async def seen_before(connection: asyncpg.Connection, brand: str, keys: list[tuple[str, str]]) -> set[tuple[str, str]]:
    """Those members and types of which there was an activity; nothing is locked."""
    return {(row["member"], row["type"]) for row in await connection.fetch(_SEEN, brand, *_unzipped(keys))}


async def save_seen(connection: asyncpg.Connection, brand: str, rows: Sequence[Seen]) -> None:
    await connection.execute(_SAVE_SEEN, brand, *columns(rows, "member", "type", "first_at", "last_at"))


async def lock_counters(
    connection: asyncpg.Connection, brand: str, keys: list[CounterKey]
) -> dict[CounterKey, Counter]:
    """Counters, locked. A member's are under the member's lock; those of all members are made where they are missing.

    So that two transactions that count first do not both begin at nothing.
    """
    found = await _counters(connection, brand, keys)
    if missing := [key for key in keys if not key[1] and key not in found]:
        await connection.execute(_ADD_COUNTERS, brand, [name for name, _, _ in missing])
        found |= await _counters(connection, brand, missing)
    return found


async def _counters(connection: asyncpg.Connection, brand: str, keys: list[CounterKey]) -> dict[CounterKey, Counter]:
    rows = await connection.fetch(_LOCK_COUNTERS, brand, *_unzipped(keys))
    return {(row["name"], row["owner"], row["period"]): Counter(**row) for row in rows}


async def save_counters(connection: asyncpg.Connection, brand: str, rows: Sequence[Counter]) -> None:
    await connection.execute(_SAVE_COUNTERS, brand, *columns(rows, "name", "owner", "period", "value"))


async def known_triggers(
    connection: asyncpg.Connection, brand: str, keys: list[TriggerKey]
) -> dict[TriggerKey, TriggerKey]:
    """Those that are there, under the members' locks."""
    rows = await connection.fetch(_KNOWN_TRIGGERS, brand, *_unzipped(keys))
    return {key: key for row in rows if (key := (row["campaign"], row["member"], row["cause"]))}


async def add_triggers(connection: asyncpg.Connection, brand: str, rows: Sequence[Trigger]) -> None:
    await connection.execute(
        _ADD_TRIGGERS,
        brand,
        *columns(
            sorted(rows, key=lambda row: (row.member, row.campaign, row.cause)),
            *("campaign", "member", "cause", "outcome", "reason", "occurrence", "effects", "points"),
            *("occurred_at", "programme_version"),
        ),
    )


async def lock_offers(connection: asyncpg.Connection, brand: str, offers: list[str]) -> dict[str, Offer]:
    return {row["offer"]: Offer(**row) for row in await connection.fetch(_LOCK_OFFERS, brand, offers)}


async def offers_of(connection: asyncpg.Connection, brand: str, member: str, most: int) -> list[Offer]:
    """A member's offers, newest first."""
    return [Offer(**row) for row in await connection.fetch(_OFFERS_OF, brand, member, most)]


async def save_offers(connection: asyncpg.Connection, brand: str, rows: Sequence[Offer]) -> None:
    await connection.execute(
        _SAVE_OFFERS,
        brand,
        *columns(
            rows,
            *("offer", "member", "campaign", "reward", "key", "programme_version"),
            *("offered_at", "expires_at", "accepted_at"),
        ),
    )


async def lock_messages(connection: asyncpg.Connection, brand: str, messages: list[str]) -> dict[str, Message]:
    return {row["message"]: _message(row) for row in await connection.fetch(_LOCK_MESSAGES, brand, messages)}


async def messages_of(
    connection: asyncpg.Connection, brand: str, member: str, before: tuple[datetime, str], most: int
) -> list[Message]:
    """A member's messages before a place, newest first."""
    return [_message(row) for row in await connection.fetch(_MESSAGES_OF, brand, member, *before, most)]


def _message(row: Any) -> Message:
    return Message(**dict(row) | {"fields": orjson.loads(row["fields"])})


async def save_messages(connection: asyncpg.Connection, brand: str, rows: Sequence[Message]) -> None:
    stated = columns(rows, "message", "member", "campaign", "channel", "template")
    fields = [orjson.dumps(row.fields).decode() for row in rows]
    rest = columns(rows, "state", "contact_hour", "occurred_at", "due_at")
    await connection.execute(_SAVE_MESSAGES, brand, *stated, fields, *rest)


async def due_messages(connection: asyncpg.Connection, brand: str, until: datetime, most: int) -> list[tuple[str, str]]:
    """Messages, with their members, that are due by a moment."""
    rows = await connection.fetch(_DUE_MESSAGES, brand, until, most)
    return [(row["message"], row["member"]) for row in rows]


async def cursors(connection: asyncpg.Connection, brand: str, campaigns: list[str]) -> dict[str, Cursor]:
    """Cursors, unlocked."""
    return {row["campaign"]: Cursor(**row) for row in await connection.fetch(_CURSORS, brand, campaigns)}


async def lock_cursors(connection: asyncpg.Connection, brand: str, campaigns: list[str]) -> dict[str, Cursor]:
    return {row["campaign"]: Cursor(**row) for row in await connection.fetch(_LOCK_CURSORS, brand, campaigns)}


async def save_cursors(connection: asyncpg.Connection, brand: str, rows: Sequence[Cursor]) -> None:
    stated = columns(rows, "campaign", "reached_at", "member", "looked_back_at")
    await connection.execute(_SAVE_CURSORS, brand, *stated)


async def recorded_at(connection: asyncpg.Connection, brand: str, version: int) -> datetime:
    """When a version was taken over."""
    found: datetime = await connection.fetchval(_RECORDED, brand, version)
    return found


async def reached(
    connection: asyncpg.Connection,
    brand: str,
    type_name: str,
    after: tuple[datetime, str],
    until: datetime,
    most: int,
    *,
    noted_after: datetime | None = None,
) -> list[tuple[str, datetime]]:
    """Members behind a place, and the moment up to `until` since when they are silent in a type, or members for "".

    With `noted_after` only those of which that was heard after a moment.
    """
    late = noted_after is not None
    statement = (_SILENT_LATE if late else _SILENT) if type_name else (_JOINED_LATE if late else _JOINED)
    arguments = (type_name, *after, until, most, *([noted_after] if late else []))
    return [(row["member"], row["since"]) for row in await connection.fetch(statement, brand, *arguments)]


@dataclass(frozen=True, slots=True)
class Counts:
    """What the report of campaigns is made of."""

    triggers: Sequence[Any]
    effects: Sequence[Any]
    messages: Sequence[Any]
    deliveries: Sequence[Any]


async def counts(connection: asyncpg.Connection, brand: str) -> Counts:
    """How campaigns go."""
    return Counts(
        *[await connection.fetch(query, brand) for query in (_REPORT, _EFFECTS, _MESSAGE_COUNTS, _DELIVERY_COUNTS)]
    )


def _unzipped(keys: Iterable[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*keys, strict=True)]
