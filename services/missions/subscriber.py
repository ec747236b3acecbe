"""What the points service's events ask of the missions service."""

from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf.message import Message

from chassis.events import Event
from laurels.activity.v1.events_pb2 import ActivityRecorded
from laurels.erasure.v1.events_pb2 import ErasureSettled, MemberErased
from laurels.programme.v1.events_pb2 import ProgrammeApplied
from services import erasure
from services.missions.book import Applied, Recorded

SUBSCRIPTIONS: Mapping[str, Sequence[type[Message]]] = {
    "points": [ActivityRecorded, ProgrammeApplied, MemberErased, ErasureSettled]
}


def request_of(event: Event) -> Any:
    """The request that an event is, or None when it asks for nothing."""
    match event.message:
        case ActivityRecorded() as recorded:
            return Recorded(recorded)
        case ProgrammeApplied() as applied:
            return Applied(applied)
    return erasure.request_of(event)
