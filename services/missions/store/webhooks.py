"""The statements of webhooks: endpoints, deliveries and tries."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from services.missions.store.campaigns import columns

WAITING, DELIVERED, DEAD = 1, 2, 3
"""How a delivery stands."""

_ENDPOINTS = """
    SELECT webhook, url, types, key, digest, sealed, previous, previous_until, rotated_key, created_at, rotated_at
    FROM webhook_endpoints WHERE brand = $1"""
_LOCK_ENDPOINTS = _ENDPOINTS + " AND webhook = ANY($2::text[]) ORDER BY webhook FOR NO KEY UPDATE"
_LIST_ENDPOINTS = _ENDPOINTS + " ORDER BY created_at, webhook"
_SAVE_ENDPOINTS = """
    INSERT INTO webhook_endpoints (brand, webhook, url, types, key, digest, sealed, previous, previous_until,
        rotated_key, created_at, rotated_at)
    SELECT $1, webhook, url, types, key, digest, sealed, previous, previous_until, rotated_key, created_at, rotated_at
    FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::bytea[], $7::bytea[], $8::bytea[],
            $9::timestamptz[], $10::text[], $11::timestamptz[], $12::timestamptz[])
        AS new (webhook, url, types, key, digest, sealed, previous, previous_until, rotated_key, created_at, rotated_at)
    ON CONFLICT (brand, webhook) DO UPDATE SET sealed = excluded.sealed, previous = excluded.previous,
        previous_until = excluded.previous_until, rotated_key = excluded.rotated_key,
        rotated_at = excluded.rotated_at"""
_DELETE_ENDPOINTS = "DELETE FROM webhook_endpoints WHERE brand = $1 AND webhook = ANY($2::text[])"
_GIVE_UP = """
    UPDATE webhook_deliveries SET state = 3 WHERE brand = $1 AND webhook = ANY($2::text[]) AND state = 1"""
_COUNT_ENDPOINTS = "SELECT count(*) FROM webhook_endpoints WHERE brand = $1"
_SUBSCRIBED = "SELECT webhook, types FROM webhook_endpoints WHERE brand = $1 ORDER BY webhook"
_ANY_SEALED = "SELECT brand, webhook, sealed FROM webhook_endpoints LIMIT 1"
_ADD_DELIVERIES = """
    INSERT INTO webhook_deliveries (brand, delivery, webhook, type, member, campaign, body, state, attempts, due_at,
        created_at)
    SELECT $1, delivery, webhook, type, member, campaign, body, 1, 0, created_at, created_at
    FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::timestamptz[])
        AS new (delivery, webhook, type, member, campaign, body, created_at)
    ON CONFLICT DO NOTHING"""
_DELIVERIES = """
    SELECT delivery, webhook, type, member, state, attempts, due_at, created_at FROM webhook_deliveries
    WHERE brand = $1"""
_LOCK_DELIVERIES = _DELIVERIES + " AND delivery = ANY($2::text[]) ORDER BY delivery FOR NO KEY UPDATE"
_PAGE = (
    _DELIVERIES
    + """
    AND ($2 = 0 OR state = $2) AND (created_at, delivery) < ($3, $4)
    ORDER BY created_at DESC, delivery DESC LIMIT $5"""
)
_SAVE_DELIVERIES = """
    UPDATE webhook_deliveries SET state = new.state, attempts = new.attempts, due_at = new.due_at
    FROM unnest($2::text[], $3::integer[], $4::integer[], $5::timestamptz[]) AS new (delivery, state, attempts, due_at)
    WHERE webhook_deliveries.brand = $1 AND webhook_deliveries.delivery = new.delivery"""
_ADD_ATTEMPTS = """
    INSERT INTO webhook_attempts (brand, delivery, attempted_at, status, detail)
    SELECT $1, delivery, attempted_at, status, detail
    FROM unnest($2::text[], $3::timestamptz[], $4::integer[], $5::text[])
        AS new (delivery, attempted_at, status, detail)
    ON CONFLICT DO NOTHING"""
_ATTEMPTS = """
    SELECT newest.*
    FROM unnest($2::text[]) AS wanted (delivery)
    CROSS JOIN LATERAL (
        SELECT delivery, attempted_at, status, detail FROM webhook_attempts
        WHERE brand = $1 AND webhook_attempts.delivery = wanted.delivery
        ORDER BY attempted_at DESC LIMIT $3
    ) AS newest"""
# Each endpoint has its own turn, so that one with a long list does not hide the others.
_DUE = """
    SELECT endpoint.brand, endpoint.webhook, endpoint.url, endpoint.sealed, endpoint.previous,
        endpoint.previous_until, due.delivery, due.body, due.attempts
    FROM webhook_endpoints AS endpoint
    CROSS JOIN LATERAL (
        SELECT delivery, body, attempts FROM webhook_deliveries
        WHERE brand = endpoint.brand AND webhook = endpoint.webhook AND state = 1 AND due_at <= $1
        ORDER BY due_at LIMIT $2
    ) AS due"""
_BRANDS = "SELECT DISTINCT brand FROM configurations ORDER BY brand"
_FORGET = """
    DELETE FROM webhook_deliveries WHERE brand = $1 AND delivery IN (
        SELECT delivery FROM webhook_deliveries
        WHERE brand = $1 AND created_at < $2 AND state <> 1 ORDER BY created_at LIMIT $3)
    RETURNING delivery"""
_FORGET_ATTEMPTS = "DELETE FROM webhook_attempts WHERE brand = $1 AND delivery = ANY($2::text[])"


@dataclass(slots=True)
class Endpoint:
    """An endpoint; its secrets are sealed, the one before the last until `previous_until`."""

    webhook: str
    url: str
    types: str
    key: str
    digest: bytes
    sealed: bytes
    previous: bytes
    previous_until: datetime | None
    rotated_key: str
    created_at: datetime
    rotated_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """An event to be delivered."""

    delivery: str
    webhook: str
    type: str
    member: str
    campaign: str
    body: str
    created_at: datetime


@dataclass(slots=True)
class Delivery:
    """How a delivery stands."""

    delivery: str
    webhook: str
    type: str
    member: str
    state: int
    attempts: int
    due_at: datetime
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Attempt:
    """A try; `status` is 0 where the endpoint did not answer."""

    delivery: str
    attempted_at: datetime
    status: int
    detail: str


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery whose next try is due, with all that it needs."""

    brand: str
    webhook: str
    url: str
    sealed: bytes
    previous: bytes
    previous_until: datetime | None
    delivery: str
    body: str
    attempts: int


async def lock_endpoints(connection: asyncpg.Connection, brand: str, webhooks: list[str]) -> dict[str, Endpoint]:
    return {row["webhook"]: Endpoint(**row) for row in await connection.fetch(_LOCK_ENDPOINTS, brand, webhooks)}


async def endpoints(connection: asyncpg.Connection, brand: str) -> list[Endpoint]:
    """The brand's endpoints, oldest first."""
    return [Endpoint(**row) for row in await connection.fetch(_LIST_ENDPOINTS, brand)]


async def save_endpoints(connection: asyncpg.Connection, brand: str, rows: Sequence[Endpoint]) -> None:
    names = ("webhook", "url", "types", "key", "digest", "sealed", "previous", "previous_until", "rotated_key")
    await connection.execute(_SAVE_ENDPOINTS, brand, *columns(rows, *names, "created_at", "rotated_at"))


async def delete_endpoints(connection: asyncpg.Connection, brand: str, webhooks: Sequence[str]) -> None:
    """Removes endpoints; what waits for them is given up."""
    await connection.execute(_DELETE_ENDPOINTS, brand, list(webhooks))
    await connection.execute(_GIVE_UP, brand, list(webhooks))


async def count_endpoints(connection: asyncpg.Connection, brand: str) -> int:
    return int(await connection.fetchval(_COUNT_ENDPOINTS, brand))


async def subscribed(connection: asyncpg.Connection, brand: str) -> list[tuple[str, frozenset[str]]]:
    """The brand's endpoints and the types that each gets."""
    return [(row["webhook"], frozenset(row["types"].split())) for row in await connection.fetch(_SUBSCRIBED, brand)]


async def any_sealed(connection: asyncpg.Connection) -> Any:
    """A sealed secret of any brand, or None."""
    return await connection.fetchrow(_ANY_SEALED)


async def add_deliveries(connection: asyncpg.Connection, brand: str, rows: Sequence[NewDelivery]) -> None:
    names = ("delivery", "webhook", "type", "member", "campaign", "body", "created_at")
    await connection.execute(_ADD_DELIVERIES, brand, *columns(sorted(rows, key=lambda row: row.delivery), *names))


async def lock_deliveries(connection: asyncpg.Connection, brand: str, deliveries: list[str]) -> dict[str, Delivery]:
    return {row["delivery"]: Delivery(**row) for row in await connection.fetch(_LOCK_DELIVERIES, brand, deliveries)}


async def save_deliveries(connection: asyncpg.Connection, brand: str, rows: Sequence[Delivery]) -> None:
    await connection.execute(_SAVE_DELIVERIES, brand, *columns(rows, "delivery", "state", "attempts", "due_at"))


async def page_of_deliveries(
    connection: asyncpg.Connection, brand: str, state: int, before: tuple[datetime, str], most: int
) -> list[Delivery]:
    """Deliveries before a place, newest first; of every state for 0."""
    return [Delivery(**row) for row in await connection.fetch(_PAGE, brand, state, *before, most)]


async def add_attempts(connection: asyncpg.Connection, brand: str, rows: Sequence[Attempt]) -> None:
    await connection.execute(_ADD_ATTEMPTS, brand, *columns(rows, "delivery", "attempted_at", "status", "detail"))


async def attempts_of(
    connection: asyncpg.Connection, brand: str, deliveries: Sequence[str], most: int
) -> dict[str, list[Attempt]]:
    """The newest tries of deliveries, newest first."""
    found: dict[str, list[Attempt]] = {}
    for row in await connection.fetch(_ATTEMPTS, brand, list(deliveries), most):
        found.setdefault(row["delivery"], []).append(Attempt(**row))
    return found


async def due(connection: asyncpg.Connection, now: datetime, most: int) -> list[Due]:
    """What is due in all brands, at most so much an endpoint."""
    return [Due(**row) for row in await connection.fetch(_DUE, now, most)]


async def brands(connection: asyncpg.Connection) -> list[str]:
    """Every brand."""
    return [row["brand"] for row in await connection.fetch(_BRANDS)]


async def forget(connection: asyncpg.Connection, brand: str, before: datetime, most: int) -> int:
    """Deletes deliveries that were made before a moment and wait for nothing, with their tries; how many."""
    gone = [row["delivery"] for row in await connection.fetch(_FORGET, brand, before, most)]
    if gone:
        await connection.execute(_FORGET_ATTEMPTS, brand, gone)
    return len(gone)
