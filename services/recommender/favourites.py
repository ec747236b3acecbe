"""What a member buys most, and will most likely buy again: products or categories, by one number.

The number is the expected share of the member's baskets with the item: their
baskets so far, of which those long ago count less, shrunk to the item's share
in all baskets of the brand as if STRENGTH of the common kind had been seen.
Members who have bought little have what is popular, those who have bought much
have their own.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Places = NDArray[np.int64]

STRENGTH = 8.0
HALF_LIFE_DAYS = 120.0
"""A basket counts half after so many days. `make choose-recommender` chose both; see docs/decisions/0019."""
CELLS = 4_000_000
"""Members times items that are a table at once."""


@dataclass(frozen=True, slots=True)
class Favourites:
    """Each member's items, the favourite first: `item` (members, count) and `share` (members, count) of baskets."""

    item: Places
    share: NDArray[np.float64]


def weights(days_ago: Vector) -> Vector:
    """What baskets (n,) of so many days ago count."""
    found: Vector = np.exp2(-days_ago / HALF_LIFE_DAYS)
    return found


def favourites(member: Places, item: Places, weight: Vector, baskets: Vector, count: int = 10) -> Favourites:
    """The `count` favourites of each member.

    `member` (n,) and `item` (n,) are numbered from 0; a pair stands as often as the item was in a basket of
    theirs, each time with that basket's `weight` (n,), see `weights`. `baskets` (members,) are the weights of each
    member's baskets together. Ties go to the lower number.
    """
    members, items = len(baskets), int(item.max()) + 1 if len(item) else 0
    if items == 0 or baskets.sum() <= 0:
        raise ValueError("nothing was bought")
    popular = np.bincount(item, weight, items) / baskets.sum()
    count = min(count, items)
    chosen = np.empty((members, count), np.int64)
    shares = np.empty((members, count))
    order = np.argsort(member, kind="stable")
    whose, what, worth = member[order], item[order], weight[order]
    at_once = max(1, CELLS // items)
    for start in range(0, members, at_once):
        stop = min(start + at_once, members)
        low, high = np.searchsorted(whose, [start, stop])
        cells = (whose[low:high] - start) * items + what[low:high]
        seen = np.bincount(cells, worth[low:high], (stop - start) * items).reshape(stop - start, items)
        score = (seen + STRENGTH * popular) / (baskets[start:stop, None] + STRENGTH)
        best = np.argsort(-score, axis=1, kind="stable")[:, :count]
        chosen[start:stop], shares[start:stop] = best, np.take_along_axis(score, best, axis=1)
    return Favourites(chosen, shares)
