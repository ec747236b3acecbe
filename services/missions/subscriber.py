"""What other services' events ask of the missions service."""

from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf.message import Message

from chassis.events import Event
from laurels.activity.v1.events_pb2 import ActivityRecorded
from laurels.erasure.v1.events_pb2 import ErasureReceipt, ErasureSettled, MemberErased
from laurels.leaderboard.v1.ranks_events_pb2 import RankReached
from laurels.points.v1.earning_events_pb2 import PointsRefunded
from laurels.points.v1.events_pb2 import MemberEnrolled, PointsCredited, TierChanged
from laurels.points.v1.members_events_pb2 import AnniversaryReached, ConsentChanged, SharedAttributesChanged
from laurels.programme.v1.events_pb2 import ProgrammeApplied
from laurels.recommender.v1.predictions_events_pb2 import PredictionMade, SegmentChanged
from laurels.value.v1.events_pb2 import RewardGranted
from services import erasure

SUBSCRIPTIONS: Mapping[str, Sequence[type[Message]]] = {
    "points": [
        ActivityRecorded,
        ProgrammeApplied,
        MemberErased,
        ErasureSettled,
        MemberEnrolled,
        TierChanged,
        ConsentChanged,
        SharedAttributesChanged,
        PointsCredited,
        AnniversaryReached,
        PointsRefunded,
    ],
    "leaderboard": [RewardGranted, ErasureReceipt, RankReached],
    "recommender": [PredictionMade, SegmentChanged, ErasureReceipt, RewardGranted],
}


def request_of(event: Event) -> Any:
    """The request that an event is, or None when it asks for nothing: most are requests as they are."""
    if isinstance(event.message, MemberErased | ErasureReceipt | ErasureSettled):
        return erasure.request_of(event)
    return event.message
