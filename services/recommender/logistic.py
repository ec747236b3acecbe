"""Logistic regression by Newton's method: the same columns give the same weights, with no random start."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

STEPS_MAX = 50
SPREAD_MIN = 1e-9
"""A column that varies by less is constant, and has no weight."""


@dataclass(frozen=True, slots=True)
class Logistic:
    """A fitted regression: columns less `centre` (d,), over `spread` (d,), times `weights` (d,), plus `intercept`."""

    centre: Vector
    spread: Vector
    weights: Vector
    intercept: float

    def probability(self, features: Matrix) -> Vector:
        """Of yes, for each row of features (n, d)."""
        slopes = self.weights / self.spread
        found: Vector = expit(features @ slopes + (self.intercept - self.centre @ slopes))
        return found


def fit(features: Matrix, outcomes: Vector, ridge: float = 1.0, weights: Vector | None = None) -> Logistic:
    """Fits outcomes (n,), shares from 0 to 1, to features (n, d), which need no constant column.

    The standardised weights have a normal prior of precision `ridge`; the
    intercept has one of a thousandth, so that outcomes all alike have an end.
    """
    counts = np.ones(len(outcomes)) if weights is None else weights
    if not counts.sum() > 0:
        raise ValueError("nothing to learn from")
    centre = np.average(features, axis=0, weights=counts)
    spread = np.sqrt(np.average((features - centre) ** 2, axis=0, weights=counts))
    spread = np.where(spread > SPREAD_MIN, spread, np.inf)
    design = np.column_stack([np.ones(len(outcomes)), (features - centre) / spread])
    prior = np.full(design.shape[1], ridge)
    prior[0] = 1e-3
    found = np.zeros(design.shape[1])
    loss = _loss(design, outcomes, counts, prior, found)
    for _ in range(STEPS_MAX):
        rate = expit(design @ found)
        slope = design.T @ (counts * (outcomes - rate)) - prior * found
        curve = (design * (counts * rate * (1 - rate))[:, None]).T @ design + np.diag(prior)
        step = np.linalg.solve(curve, slope)
        following = _loss(design, outcomes, counts, prior, found + step)
        while following > loss and np.abs(step).max() > 1e-10:
            step = step / 2
            following = _loss(design, outcomes, counts, prior, found + step)
        found, done, loss = found + step, loss - following < 1e-9 * (1 + abs(loss)), following
        if done:
            break
    return Logistic(centre, spread, found[1:], float(found[0]))


def _loss(design: Matrix, outcomes: Vector, counts: Vector, prior: Vector, weights: Vector) -> float:
    z = design @ weights
    return float(counts @ (np.logaddexp(0.0, z) - outcomes * z)) + 0.5 * float(prior @ (weights * weights))
