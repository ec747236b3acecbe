"""What other services' events ask of the leaderboard service: they are its requests as they are."""

from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf.message import Message

from chassis.events import Event
from laurels.activity.v1.events_pb2 import ActivityRecorded
from laurels.missions.v1.events_pb2 import MissionCompleted
from laurels.points.v1.events_pb2 import PointsCredited
from laurels.programme.v1.events_pb2 import ProgrammeApplied

SUBSCRIPTIONS: Mapping[str, Sequence[type[Message]]] = {
    "points": [ActivityRecorded, PointsCredited, ProgrammeApplied],
    "missions": [MissionCompleted],
}


def request_of(event: Event) -> Any:
    """The request that an event is."""
    return event.message
