"""The hours at which a member is most likely there, for everybody, however little is known of them.

A member's hours are spread over the clock by a circular kernel (von Mises;
Mardia and Jupp, "Directional Statistics", 2000) and shrunk to the brand's: the
brand's hours are multiplied by how much more often the member came around
each. So a member never seen has the brand's hours, and no kernel carries a
member into hours at which the brand is closed. Visits count half after
HALF_LIFE_DAYS.
"""

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Places = NDArray[np.int64]

HOURS = 24
CONCENTRATION = 10.0
STRENGTH = 4.0
HALF_LIFE_DAYS = 120.0
"""See docs/decisions/0019 for where the three come from."""


def visits(member: Places, hour: Places, days_ago: Vector, members: int) -> Matrix:
    """What is known of each member: weighted visits (members, 24) by the hour of their day."""
    weights = np.exp2(-days_ago / HALF_LIFE_DAYS)
    found = np.bincount(member * HOURS + hour, weights, members * HOURS)
    return found.astype(np.float64).reshape(members, HOURS)


def likely(known: Matrix, brand: Vector) -> Matrix:
    """The probability (n, 24) of each hour for members of whom `known` (n, 24) is known; rows sum to 1.

    `brand` (24,) are all members' visits. An hour without any visit keeps a trace of probability.
    """
    common = (brand + 0.5) / (brand.sum() + 0.5 * HOURS)
    angles = 2 * np.pi * np.arange(HOURS) / HOURS
    kernel = np.exp(CONCENTRATION * (np.cos(angles[:, None] - angles) - 1.0))
    kernel /= kernel.sum(axis=1, keepdims=True)
    spread = common @ kernel
    found: Matrix = common * (known @ kernel + STRENGTH * spread) / spread
    found /= found.sum(axis=1, keepdims=True)
    return found


def best(probabilities: Matrix, count: int = 3) -> Places:
    """The most likely hours (n, count), the likeliest first."""
    found: Places = np.argsort(-probabilities, axis=1, kind="stable")[:, :count]
    return found
