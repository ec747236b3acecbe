"""What a decision goes by: the member's profile, or nothing of them at all.

Whoever is not known, and whoever did not consent to profiling, has the
constant alone. What follows for the latter teaches nothing, so that no model
has a trace of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from laurels.recommender.v1 import recommender_pb2 as pb
from services.recommender.profile import FEATURES as FEATURES
from services.recommender.profile import features

NOTHING = (1.0, *(0.0 for _ in FEATURES[1:]))


@dataclass(frozen=True, slots=True)
class Context:
    """What is known of a member at a decision.

    `values` are in the order of FEATURES. `days_between` says of categories
    that the member buys how many days there are from one time to the next.
    """

    values: tuple[float, ...] = NOTHING
    known: bool = False
    teaches: bool = True
    tier: str = ""
    activities: int = 0
    amount: int = 0
    days_since: int = -1
    segments: tuple[str, ...] = ()
    attributes: Mapping[str, object] = field(default_factory=dict)
    days_between: Mapping[str, int] = field(default_factory=dict)


def context(
    profile: pb.Profile | None, tiers: Mapping[str, int], now: datetime, *, may_profile: bool = True
) -> Context:
    """What a decision at `now` goes by; nothing of a member without a profile, or who may not be profiled."""
    if not may_profile:
        return Context(teaches=False)
    if profile is None:
        return Context()
    seen = profile.activities > 0
    return Context(
        values=features(profile, tiers, now),
        known=True,
        tier=profile.tier,
        activities=profile.activities,
        amount=profile.amount,
        days_since=max((now - profile.last_at.ToDatetime(tzinfo=UTC)).days, 0) if seen else -1,
    )
