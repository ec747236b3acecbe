"""The hours at which a member is most likely there, for everybody, however little is known of them.

A member's hours are spread over the clock by a circular kernel (von Mises;
Mardia and Jupp, "Directional Statistics", 2000) and shrunk, twice: their whole
past by a wide kernel to the brand's hours, which says whether they come in the
morning or the evening; then what is recent by a narrow kernel to that, which
says when exactly. Shrinking multiplies: the hours that are shrunk to are
multiplied by how much more often the member came around each. So a member
never seen has the brand's hours, and no kernel carries a member into hours at
which the brand is closed.

An hour is of the member's or the shop's own clock. Hours of UTC are another
habit after each change to or from summer time.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Places = NDArray[np.int64]

HOURS = 24


@dataclass(frozen=True, slots=True)
class Shrinking:
    """One of the two steps.

    concentration   of the kernel: the larger, the narrower
    strength        so many visits are the hours that are shrunk to worth
    half_life_days  a visit counts half after so many days
    """

    concentration: float
    strength: float
    half_life_days: float


STEPS = (Shrinking(2.0, 4.0, 365.0), Shrinking(20.0, 18.0, 60.0))
"""`make choose-recommender` chose the numbers; see docs/decisions/0019."""


def visits(member: Places, hour: Places, days_ago: Vector, members: int) -> NDArray[np.float64]:
    """What is known of each member: weighted visits (steps, members, 24) by the hour of their day."""
    cell = member * HOURS + hour
    found = [np.bincount(cell, np.exp2(-days_ago / step.half_life_days), members * HOURS) for step in STEPS]
    return np.stack(found).astype(np.float64).reshape(len(STEPS), members, HOURS)


def likely(known: NDArray[np.float64], brand: Vector) -> Matrix:
    """The probability (n, 24) of each hour for members of whom `known` (steps, n, 24) is known; rows sum to 1.

    `brand` (24,) are all members' visits. An hour without any visit keeps a trace of probability.
    """
    found: Matrix = np.tile((brand + 0.5) / (brand.sum() + 0.5 * HOURS), (known.shape[1], 1))
    angles = 2 * np.pi * np.arange(HOURS) / HOURS
    for step, own in zip(STEPS, known, strict=True):
        kernel = np.exp(step.concentration * (np.cos(angles[:, None] - angles) - 1.0))
        kernel /= kernel.sum(axis=1, keepdims=True)
        spread = found @ kernel
        found = found * (own @ kernel + step.strength * spread) / spread
        found /= found.sum(axis=1, keepdims=True)
    return found


def best(probabilities: Matrix, count: int = 3) -> Places:
    """The most likely hours (n, count), the likeliest first."""
    found: Places = np.argsort(-probabilities, axis=1, kind="stable")[:, :count]
    return found
