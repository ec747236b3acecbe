"""What other services' events ask of the leaderboard service: most are its requests as they are."""

from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf.message import Message

from chassis.events import Event
from laurels.activity.v1.events_pb2 import ActivityRecorded
from laurels.erasure.v1.events_pb2 import ErasureReceipt, ErasureSettled, MemberErased
from laurels.missions.v1.events_pb2 import MissionCompleted
from laurels.missions.v1.levels_events_pb2 import LevelReached
from laurels.points.v1.events_pb2 import MemberEnrolled, PointsCredited, TierChanged
from laurels.points.v1.members_events_pb2 import ConsentChanged, SharedAttributesChanged
from laurels.points.v1.rewards_events_pb2 import RedemptionChanged
from laurels.programme.v1.events_pb2 import ProgrammeApplied
from laurels.value.v1.events_pb2 import GrantParked, RewardGranted
from services import erasure
from services.credits import is_earned
from services.leaderboard.cards import prize_key
from services.leaderboard.scratch import CARD

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
        GrantParked,
        RedemptionChanged,
    ],
    "missions": [MissionCompleted, ErasureReceipt, RewardGranted, GrantParked, LevelReached],
    "recommender": [RewardGranted, ErasureReceipt],
}


def request_of(event: Event) -> Any:
    """The request that an event is, or None when it asks for nothing."""
    if isinstance(event.message, MemberErased | ErasureReceipt | ErasureSettled):
        return erasure.request_of(event)
    if isinstance(event.message, GrantParked) and not event.message.key.startswith(prize_key("")):
        return None  # what others granted
    if isinstance(event.message, RedemptionChanged) and not CARD.fullmatch(event.message.redemption.reference):
        return None  # what no card won
    if isinstance(event.message, PointsCredited) and not is_earned(event.message):
        return None
    return event.message
