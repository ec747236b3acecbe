"""What is delivered to a brand's endpoints, how it is signed, and when it is tried again: pure rules.

Deliveries follow Standard Webhooks (standardwebhooks.com): a body of `type`,
`timestamp` and `data`; the headers `webhook-id`, `webhook-timestamp` and
`webhook-signature`, the last signed by the convention's own library.
"""

import base64
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any

import orjson
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from standardwebhooks import Webhook

from laurels.missions.v1.campaigns_events_pb2 import CampaignTriggered, MessageRequested, OfferAccepted, OfferMade
from laurels.missions.v1.events_pb2 import BadgeEarned, MissionCompleted

TYPES: Mapping[type[Message], str] = {
    MessageRequested: "message.requested",
    OfferMade: "offer.made",
    OfferAccepted: "offer.accepted",
    CampaignTriggered: "campaign.triggered",
    MissionCompleted: "mission.completed",
    BadgeEarned: "badge.earned",
}
"""The events that endpoints may get, by their names there."""

SECRET_PREFIX, SECRET_BYTES = "whsec_", 32
PREVIOUS_LIVES = timedelta(days=1)
"""So long deliveries are signed by the secret before, too, after it was rotated."""

PAUSES: Sequence[timedelta] = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
)
"""Between one try and the next, as Standard Webhooks advises; behind the last try a delivery is given up."""
SPREAD = 0.2
"""A pause is longer by up to this part of it, so that what failed together is not tried together."""
GONE = 410
"""An endpoint that answers so wants no more of it (RFC 9110): that delivery is given up at once."""


def body_of(event: Message, at: datetime) -> str:
    """The body that tells of an event."""
    told = {"type": TYPES[type(event)], "timestamp": at.astimezone(UTC).isoformat(), "data": plain(event)}
    return orjson.dumps(told).decode()


def plain(message: Message) -> dict[str, Any]:
    """A message in the manner of the HTTP face: integers as numbers, zero values present, times in RFC 3339.

    >>> plain(BadgeEarned(member="ann", badge="first"))
    {'member': 'ann', 'badge': 'first', 'key': '', 'count': 0}
    """
    return {
        field.name: _plain_field(message, field)
        for field in message.DESCRIPTOR.fields
        if not field.has_presence or message.HasField(field.name)
    }


def _plain_field(message: Message, field: Any) -> Any:
    value = getattr(message, field.name)
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return dict(value)
    if field.is_repeated:
        return [_plain_value(each, field) for each in value]
    return _plain_value(value, field)


def _plain_value(value: Any, field: Any) -> Any:
    if isinstance(value, Timestamp):
        return value.ToDatetime(tzinfo=UTC).isoformat()
    if isinstance(value, Message):
        return plain(value)
    if field.enum_type is not None:
        return field.enum_type.values_by_number[value].name.lower()
    return value


def secret_of(random: bytes) -> str:
    """A secret, as receivers are told it."""
    return SECRET_PREFIX + base64.b64encode(random).decode()


def headers_of(delivery: str, body: str, at: datetime, secrets: Sequence[str]) -> dict[str, str]:
    """The headers that a delivery carries at a try, signed by each of the secrets."""
    # The library takes the moment for UTC whatever its zone is.
    at = at.astimezone(UTC)
    signatures = [Webhook(secret).sign(delivery, at, body) for secret in secrets]
    return {
        "content-type": "application/json",
        "user-agent": "Laurels-Webhooks",
        "webhook-id": delivery,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def is_taken(status: int) -> bool:
    """Whether an endpoint took what it answered so to."""
    return 200 <= status < 300


def next_try(
    delivery: str, attempts: int, status: int, at: datetime, pauses: Sequence[timedelta] = PAUSES
) -> datetime | None:
    """When a delivery is tried again after `attempts` tries, the last of which failed; None when it is given up.

    >>> at = datetime(2026, 3, 1, tzinfo=UTC)
    >>> next_try("dlv_1", 1, 500, at) - at < timedelta(seconds=6), next_try("dlv_1", 8, 500, at)
    (True, None)
    """
    if status == GONE or attempts > len(pauses):
        return None
    pause = pauses[attempts - 1]
    drawn = int.from_bytes(blake2b(f"{delivery}/{attempts}".encode(), digest_size=4).digest(), "big") / 2**32
    return at + pause + pause * (SPREAD * drawn)
