"""A member's tier is the highest whose threshold what they ever earned has reached."""

from bisect import bisect_right
from collections.abc import Sequence


def tier_for(earned: int, thresholds: Sequence[int], tiers: Sequence[str]) -> str:
    """The tier for an amount ever earned; empty where there are no tiers.

    `thresholds` rise, and belong to `tiers` of the same place.

    >>> tier_for(499, [0, 500, 2000], ["bronze", "silver", "gold"])
    'bronze'
    >>> tier_for(500, [0, 500, 2000], ["bronze", "silver", "gold"])
    'silver'
    """
    place = bisect_right(thresholds, earned)
    return tiers[place - 1] if place else ""
