"""What other services' events ask of the leaderboard service: most are its requests as they are."""

from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf.message import Message

from chassis.events import Event
from laurels.activity.v1.events_pb2 import ActivityRecorded
from laurels.erasure.v1.events_pb2 import ErasureReceipt, ErasureSettled, MemberErased
from laurels.missions.v1.events_pb2 import MissionCompleted
from laurels.points.v1.events_pb2 import MemberEnrolled, PointsCredited, TierChanged
from laurels.points.v1.members_events_pb2 import ConsentChanged, SharedAttributesChanged
from laurels.programme.v1.events_pb2 import ProgrammeApplied
from services import erasure

SUBSCRIPTIONS: Mapping[str, Sequence[type[Message]]] = {
    "points": [
        ActivityRecorded,
        PointsCredited,
        ProgrammeApplied,
        MemberErased,
        ErasureSettled,
        MemberEnrolled,
        TierChanged,
        ConsentChanged,
        SharedAttributesChanged,
    ],
    "missions": [MissionCompleted, ErasureReceipt],
}


def request_of(event: Event) -> Any:
    """The request that an event is, or None when it asks for nothing."""
    if isinstance(event.message, MemberErased | ErasureReceipt | ErasureSettled):
        return erasure.request_of(event)
    return event.message
