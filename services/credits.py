"""What of the credits that points tells was earned, and what was only moved or given back."""

from laurels.points.v1 import points_pb2
from laurels.points.v1.events_pb2 import PointsCredited

MOVED = frozenset(
    {
        points_pb2.ENTRY_KIND_TRANSFER,
        points_pb2.ENTRY_KIND_REVERSAL,
        points_pb2.ENTRY_KIND_REDEMPTION,
        points_pb2.ENTRY_KIND_REDEMPTION_CANCELLED,
    }
)
"""Kinds of entries by which a back end moves points or takes a step back, and what is paid out for points."""


def is_earned(credited: PointsCredited) -> bool:
    """Whether the points are new ones that the member did something for.

    >>> is_earned(PointsCredited(kind="ENTRY_KIND_MISSION")), is_earned(PointsCredited(kind="ENTRY_KIND_REVERSAL"))
    (True, False)
    """
    return credited.kind not in MOVED
