"""What is told is delivered to the brand's endpoints, too: a delivery is in the transaction of its event."""

from collections.abc import Iterable
from datetime import datetime
from hashlib import blake2b
from typing import Any

import asyncpg

from chassis.events import NewEvent
from laurels.missions.v1.campaigns_events_pb2 import MessageRequested
from services.missions.store import webhooks as store
from services.missions.store.webhooks import NewDelivery
from services.missions.webhook_rules import TYPES, body_of


async def fan_out(connection: asyncpg.Connection, brand: str, now: datetime, events: Iterable[NewEvent]) -> None:
    """Adds a delivery for each event and endpoint that gets its type, in the transaction that tells the event."""
    told = [event for event in events if type(event.message) in TYPES]
    if not told:
        return
    endpoints = await store.subscribed(connection, brand)
    found = [
        NewDelivery(
            _delivery_id(webhook, event.message),
            webhook,
            TYPES[type(event.message)],
            event.member,
            event.message.campaign if isinstance(event.message, MessageRequested) else "",
            body_of(event.message, now),
            now,
        )
        for event in told
        for webhook, types in endpoints
        if TYPES[type(event.message)] in types
    ]
    if found:
        await store.add_deliveries(connection, brand, found)


def _delivery_id(webhook: str, message: Any) -> str:
    """The id follows from the endpoint and what is told, which is told once."""
    said = message.SerializeToString(deterministic=True)
    kind = message.DESCRIPTOR.name.encode()
    return "dlv_" + blake2b(b"/".join((webhook.encode(), kind, said)), digest_size=12).hexdigest()
