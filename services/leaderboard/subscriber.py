"""What other services' events ask of the leaderboard service: most are its requests as they are."""

from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf.message import Message

from chassis.events import Event
from laurels.activity.v1.events_pb2 import ActivityRecorded
from laurels.erasure.v1.events_pb2 import ErasureReceipt, ErasureSettled, MemberErased
from laurels.missions.v1.events_pb2 import MissionCompleted
from laurels.points.v1.events_pb2 import PointsCredited
from laurels.programme.v1.events_pb2 import ProgrammeApplied
from services import erasure
from services.credits import is_earned

SUBSCRIPTIONS: Mapping[str, Sequence[type[Message]]] = {
    "points": [ActivityRecorded, PointsCredited, ProgrammeApplied, MemberErased, ErasureSettled],
    "missions": [MissionCompleted, ErasureReceipt],
}


def request_of(event: Event) -> Any:
    """The request that an event is, or None when it asks for nothing."""
    if isinstance(event.message, MemberErased | ErasureReceipt | ErasureSettled):
        return erasure.request_of(event)
    if isinstance(event.message, PointsCredited) and not is_earned(event.message):
        return None
    return event.message
