"""What other services' events tell the recommender.

An activity changes its member's profile, a tier does, and a new version of the
programme is taken over. Activities, redemptions and finished missions are
outcomes of what was recommended.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf.message import Message

from chassis.events import Event
from laurels.activity.v1.events_pb2 import ActivityRecorded
from laurels.erasure.v1.events_pb2 import ErasureReceipt, ErasureSettled, MemberErased
from laurels.missions.v1.events_pb2 import MissionCompleted
from laurels.points.v1.events_pb2 import TierChanged
from laurels.points.v1.rewards_events_pb2 import RedemptionChanged
from laurels.programme.v1.events_pb2 import ProgrammeApplied
from services import erasure
from services.activity import INTEGER_MAX, moment_of
from services.recommender.profiles import SeenActivity, SeenTier
from services.recommender.programme import AMOUNT

SUBSCRIPTIONS: Mapping[str, Sequence[type[Message]]] = {
    "points": [ActivityRecorded, TierChanged, ProgrammeApplied, MemberErased, ErasureSettled, RedemptionChanged],
    "missions": [MissionCompleted, ErasureReceipt],
}


def request_of(event: Event) -> Any:
    """The request that an event is, or None when it asks for nothing."""
    match event.message:
        case ActivityRecorded() as recorded:
            return _seen(event.id, recorded)
        case TierChanged() as moved:
            return SeenTier(moved.member, event.id, moved.to_tier)
        case ProgrammeApplied() | RedemptionChanged() | MissionCompleted() as told:
            return told
    return erasure.request_of(event)


def _seen(event: int, recorded: ActivityRecorded) -> SeenActivity:
    activity = recorded.activity
    values = activity.attributes.fields
    amount = values[AMOUNT].number_value if AMOUNT in values else None
    return SeenActivity(
        activity=activity,
        event=event,
        programme_version=recorded.programme_version,
        occurred_at=moment_of(activity),
        amount=amount if amount is not None and abs(amount) <= INTEGER_MAX else None,
        tier=recorded.tier,
    )
