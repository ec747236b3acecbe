"""What other services' events ask of the points service.

A won card is a credit, and what is granted is credited
or issued; the key in each makes it happen once, however often the event
arrives. So it is with points that are to be held, and with how that ends.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any

from google.protobuf.message import Message

from chassis.events import Event
from laurels.erasure.v1.events_pb2 import ErasureReceipt
from laurels.leaderboard.v1.events_pb2 import ScratchCardRevealed
from laurels.points.v1 import points_pb2
from laurels.programme.v1.events_pb2 import ProgrammeAdopted
from laurels.recommender.v1.predictions_events_pb2 import SegmentChanged
from laurels.value.v1.events_pb2 import HoldRequested, HoldSettled, RewardGranted
from services.points import grants, service_holds
from services.points.erasing import Received
from services.points.spending import Credit
from services.points.versions import Adopted

SUBSCRIPTIONS: Mapping[str, Sequence[type[Message]]] = {
    "missions": [ProgrammeAdopted, ErasureReceipt, RewardGranted, HoldRequested, HoldSettled],
    "leaderboard": [ScratchCardRevealed, ProgrammeAdopted, ErasureReceipt, RewardGranted, HoldRequested, HoldSettled],
    "recommender": [ProgrammeAdopted, ErasureReceipt, SegmentChanged, RewardGranted],
}


def request_of(event: Event) -> Any:
    """The request that an event is, or None when it asks for nothing."""
    match event.message:
        # What is granted comes as RewardGranted; only what was told before there was such is credited from here.
        case ScratchCardRevealed() as revealed if revealed.HasField("prize") and not revealed.granted:
            return Credit(
                member=revealed.member,
                currency=revealed.prize.currency,
                amount=revealed.prize.amount,
                kind=points_pb2.ENTRY_KIND_PRIZE,
                key=f"prize:{revealed.card}",
                reference=revealed.card,
                occurred_at=revealed.revealed_at.ToDatetime(tzinfo=UTC),
            )
        case ProgrammeAdopted() as adopted:
            return Adopted(adopted.service, adopted.version)
        case ErasureReceipt() as receipt:
            return Received(receipt.erasure, receipt.service, receipt.after)
        case RewardGranted() as granted:
            return grants.granted(granted)
        case HoldRequested() as requested:
            return service_holds.asked(requested)
        case HoldSettled() as settled:
            return settled
        case SegmentChanged() as changed:
            return changed
    return None
