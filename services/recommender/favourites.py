"""What a member buys most, and will most likely buy again: products or categories, by one number.

The number is the expected share of the member's baskets with the item: its
baskets so far, shrunk to the item's share in all baskets of the brand as if
STRENGTH baskets of the common kind had been seen. Members who have bought
little have what is popular, those who have bought much have their own.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Places = NDArray[np.int64]

STRENGTH = 0.5


@dataclass(frozen=True, slots=True)
class Favourites:
    """Each member's items, the favourite first: `item` (members, count) and `share` (members, count) of baskets."""

    item: Places
    share: NDArray[np.float64]


def favourites(member: Places, item: Places, baskets: Vector, count: int = 10) -> Favourites:
    """The `count` favourites of each member.

    `member` (n,) and `item` (n,) are numbered from 0; `baskets` (members,) are
    each member's. A pair stands as often as the item was in a basket of theirs.
    Ties go to the lower number.
    """
    members, items = len(baskets), int(item.max()) + 1 if len(item) else 0
    if items == 0 or baskets.sum() <= 0:
        raise ValueError("nothing was bought")
    popular = np.bincount(item, minlength=items) / baskets.sum()
    count = min(count, items)
    chosen = np.empty((members, count), np.int64)
    shares = np.empty((members, count))
    order = np.argsort(member, kind="stable")
    whose, what = member[order], item[order]
    # As many members at once as make a table of a few million cells.
    at_once = max(1, 4_000_000 // items)
    for start in range(0, members, at_once):
        stop = min(start + at_once, members)
        low, high = np.searchsorted(whose, [start, stop])
        cells = (whose[low:high] - start) * items + what[low:high]
        seen = np.bincount(cells, minlength=(stop - start) * items).reshape(stop - start, items)
        score = (seen + STRENGTH * popular) / (baskets[start:stop, None] + STRENGTH)
        best = np.argsort(-score, axis=1, kind="stable")[:, :count]
        chosen[start:stop], shares[start:stop] = best, np.take_along_axis(score, best, axis=1)
    return Favourites(chosen, shares)
