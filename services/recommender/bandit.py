"""How likely each of several normal scores is to be the highest, exactly enough to be written down.

Scores are drawn, the highest wins, and a share of the choices is spread evenly,
so that no arm's probability falls to nothing (Thompson sampling; Chapelle and
Li, "An Empirical Evaluation of Thompson Sampling", 2011). What was chosen with
which probability is what off-policy evaluation goes by.
"""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

Vector = NDArray[np.float64]

TAIL = 6.0
"""Deviations from the mean beyond which a normal density counts as nothing: Phi(-6) is 1e-9."""
PANEL = 4.0
"""Width of a quadrature panel, in deviations of the narrowest arm that matters there."""
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(12)
PROPENSITY_MIN = 1e-12
"""What is drawn was possible, whatever the rounding."""


def propensities(means: Vector, deviations: Vector, exploration: float) -> Vector:
    """The probability (K,) of each arm to be chosen: Thompson sampling with an even floor."""
    floor = exploration / len(means)
    found: Vector = np.clip((1.0 - exploration) * best_probabilities(means, deviations) + floor, PROPENSITY_MIN, 1.0)
    return found


def best_probabilities(means: Vector, deviations: Vector) -> Vector:
    """The probability (K,) of each of K independent normal scores to be the highest; they sum to 1.

    P(a) is the integral over z of a's density times the others' distribution
    functions. Gauss-Legendre on panels that suit every arm, see `_panels`, is
    good to 1e-7 for up to 100 arms.
    """
    if len(means) == 1:
        return np.ones(1)
    lowest = float((means - TAIL * deviations).max())
    possible = means + TAIL * deviations > lowest
    m, s = means[possible, None], deviations[possible, None]
    edges = _panels(lowest, float((m + TAIL * s).max()), float(s.min()))
    half = np.diff(edges) / 2
    z = (edges[:-1, None] + half[:, None] * (1.0 + _NODES)).ravel()
    weights = (half[:, None] * _WEIGHTS).ravel()
    t = (z - m) / s
    below = ndtr(t)  # nowhere 0: no z is more than TAIL deviations under a mean
    density = np.exp(-0.5 * t * t) / (s * math.sqrt(2.0 * math.pi))
    found = np.zeros(len(means))
    found[possible] = (density / below) @ (below.prod(axis=0) * weights)
    normalised: Vector = found / found.sum()
    return normalised


def _panels(lowest: float, highest: float, narrowest: float) -> Vector:
    """The edges of the quadrature's panels from `lowest` to `highest`.

    `lowest` is the highest lower end of all arms, so every arm that matters
    reaches from there or below to somewhere above it. At a distance y above it
    only arms at least y / (2 TAIL) wide still matter: panels may grow with y,
    and their number depends on the ratio of the widest arm to the narrowest
    only by its logarithm.
    """
    width = PANEL * narrowest
    even = math.ceil(2 * TAIL / PANEL)
    edges = [width * step for step in range(even + 1)]
    span, growth = highest - lowest, 1.0 + PANEL / (2 * TAIL)
    if edges[-1] < span:
        more = math.ceil(math.log(span / edges[-1]) / math.log(growth))
        edges += [edges[-1] * growth**step for step in range(1, more + 1)]
    found: Vector = lowest + np.minimum(np.array(edges), span)
    return found
