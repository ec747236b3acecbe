"""A member's profile is the same whatever the order in which their activities arrive.

Counts and amounts are sums, the first and last moments a minimum and a maximum,
and the tier is the one that the newest event named: the points service numbers
its events under the member's lock, so the highest number tells the newest, also
when an activity of long ago is reported late.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from laurels.recommender.v1 import recommender_pb2 as pb

TIERS = 8
"""Tiers that are told apart, from the lowest up; those above count as the highest of them."""
DAY_S = 86_400.0

FEATURES = (
    "constant",
    "recency",
    "activities",
    "amount",
    "mean_amount",
    *(f"tier_{place}" for place in range(TIERS)),
)
"""What the features of a decision are, in their order.

constant     1 for everybody
recency      log(1 + days from the last activity to the decision) / 6
activities   log(1 + number of activities) / 5
amount       log(1 + sum of amounts in minor units) / 12, negative for negative sums
mean_amount  log(1 + amount per activity in minor units) / 12, likewise
tier_n       1 when the member is in the programme's tier n, counted from 0

The divisors bring a year, 150 activities and 1,600.00 of any currency to about
1, which is the scale that the models' prior expects.
"""


@dataclass(slots=True)
class Change:
    """What events add to a profile. Adding changes up gives the same in any order.

    `tier` is the one that the event numbered `tier_event` named.
    """

    activities: int = 0
    amount: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None
    tier: str = ""
    tier_event: int = 0

    def see_activity(self, occurred_at: datetime, amount: int) -> None:
        """Adds an activity."""
        self.activities += 1
        self.amount += amount
        if self.first_at is None or occurred_at < self.first_at:
            self.first_at = occurred_at
        if self.last_at is None or occurred_at > self.last_at:
            self.last_at = occurred_at

    def see_tier(self, tier: str, event: int) -> None:
        """Adds the tier that an event named."""
        if event > self.tier_event:
            self.tier, self.tier_event = tier, event


def features(profile: pb.Profile | None, tiers: Mapping[str, int], now: datetime) -> tuple[float, ...]:
    """The features of a decision at `now`, in the order of FEATURES.

    `tiers` gives the place of each tier of the programme, the lowest 0. A
    member never seen has nothing but the constant.

    >>> features(None, {}, datetime(2026, 1, 1, tzinfo=UTC))
    (1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    """
    found = [0.0] * len(FEATURES)
    found[0] = 1.0
    if profile is None:
        return tuple(found)
    if profile.activities > 0:
        elapsed = now - profile.last_at.ToDatetime(tzinfo=UTC)
        # An activity may be minutes ahead of this clock.
        days = max(elapsed.total_seconds() / DAY_S, 0.0)
        found[1] = math.log1p(days) / 6
        found[2] = math.log1p(profile.activities) / 5
        found[3] = _signed_log(profile.amount) / 12
        found[4] = _signed_log(profile.amount / profile.activities) / 12
    if (place := tiers.get(profile.tier)) is not None:
        found[5 + min(place, TIERS - 1)] = 1.0
    return tuple(found)


def _signed_log(amount: float) -> float:
    return math.copysign(math.log1p(abs(amount)), amount)
