"""An event is a protobuf message with an id that is unique at its source.

On NATS it travels as a CloudEvent in binary mode: attributes in headers, the
message as the body, and a subject that says service, event, partition, brand
and member. The partition comes from the member's id, so all events of a member
share one.
"""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from zlib import crc32

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.message import Message

from chassis.tracing import traceparent

PARTITIONS = 8
NO_MEMBER = "_"
"""The member token of an event that concerns no member."""


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event that a decision made: about whom, what happened, and in which trace."""

    member: str
    message: Message
    traceparent: str = field(default_factory=traceparent)


@dataclass(frozen=True, slots=True)
class Event:
    """An event as a consumer gets it. `deliveries` counts this one."""

    source: str
    id: int
    brand: str
    member: str
    message: Message
    traceparent: str = ""
    deliveries: int = 1


def stream(service: str) -> str:
    """The name of the stream that a service publishes to."""
    return service.upper()


def partition(member: str) -> int:
    """The partition of a member's events, 0 to PARTITIONS - 1.

    >>> partition("c00001"), partition("c00002")
    (1, 3)
    """
    return crc32(member.encode()) % PARTITIONS


def subject(service: str, event: str, brand: str, member: str) -> str:
    """The subject of an event.

    >>> subject("points", "TierChanged", "cdnow", "c00001")
    'laurels.points.TierChanged.p1.cdnow.c00001'
    """
    return f"laurels.{service}.{event}.p{partition(member)}.{brand}.{member}"


def short_name(message_type: str) -> str:
    """The event's name in subjects.

    >>> short_name("laurels.points.v1.TierChanged")
    'TierChanged'
    """
    return message_type.rpartition(".")[2]


@lru_cache
def message_class(message_type: str) -> Any:
    """The class of a full message name. KeyError when the process does not know it."""
    return message_factory.GetMessageClass(descriptor_pool.Default().FindMessageTypeByName(message_type))


def headers(service: str, event_id: int, message_type: str, traceparent: str) -> dict[str, str]:
    """An event's CloudEvents headers, and the id that JetStream drops duplicates by."""
    found = {
        "Nats-Msg-Id": str(event_id),
        "ce-specversion": "1.0",
        "ce-id": str(event_id),
        "ce-source": f"/laurels/{service}",
        "ce-type": message_type,
    }
    if traceparent:
        found["traceparent"] = traceparent
    return found
