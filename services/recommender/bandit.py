"""Each choice is drawn with a probability that is known exactly, and what followed is learnt from.

Every arm has a Bayesian logistic regression of its outcome, with a Gaussian
belief about the weights. To choose, each arm's score for the member is drawn
from that belief, and the highest wins (Thompson sampling; Chapelle and Li,
"An Empirical Evaluation of Thompson Sampling", 2011). A share of the choices is
spread evenly over all arms, so that no arm's probability falls to nothing. To
learn, the belief moves to the Laplace approximation of its posterior
(Spiegelhalter and Lauritzen, "Sequential updating of conditional
probabilities", 1990).

Nothing here reads a clock or a random source of its own; learning the same
outcomes in the same order gives the same model, bit for bit.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dposv, dpotrf, dpotri
from scipy.special import ndtr

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

TAIL = 6.0
"""Deviations from the mean beyond which a normal density counts as nothing: Phi(-6) is 1e-9."""
PANEL = 4.0
"""Width of a quadrature panel, in deviations of the narrowest arm that matters there."""
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(12)
PROPENSITY_MIN = 1e-12
"""What is drawn was possible, whatever the rounding."""
NEWTON_STEPS_MAX = 60


@dataclass(frozen=True, eq=False)
class Model:
    """An arm's belief about its weights: normal, with a mean (d,) and a precision matrix (d, d).

    `updates` counts the outcomes that it has learnt from; `version` numbers
    its committed states.
    """

    mean: Vector
    precision: Matrix
    updates: int = 0
    version: int = 0

    @cached_property
    def covariance(self) -> Matrix:
        """The inverse of the precision (d, d)."""
        factor, failed = dpotrf(self.precision, lower=1)
        lower, failed_again = dpotri(factor, lower=1)
        if failed or failed_again:
            raise ArithmeticError("the precision matrix is not positive definite")
        found: Matrix = np.tril(lower) + np.tril(lower, -1).T
        return found


def prior(features: int) -> Model:
    """The belief before any outcome: every weight is standard normal, independently.

    With features of size about 1, all rates between a few and over 90 percent
    are thought possible.
    """
    return Model(np.zeros(features), np.eye(features))


def learn(model: Model, x: Vector, value: float) -> Model:
    """The belief after an outcome of `value`, 0 to 1, where the features were `x` (d,).

    The posterior's mode lies on the line mean + S x t, S being the covariance,
    so it is found exactly by one root in t: t = value - sigmoid(m + v t), with
    m = mean.x and v = x'S x. The curvature there is added to the precision.
    """
    _, direction, failed = dposv(model.precision, x, lower=1)
    if failed:
        raise ArithmeticError("the precision matrix is not positive definite")
    step = _mode(float(model.mean @ x), float(x @ direction), value)
    rate = value - step
    return replace(
        model,
        mean=model.mean + step * direction,
        precision=model.precision + max(rate * (1.0 - rate), 0.0) * (x[:, None] * x),
        updates=model.updates + 1,
    )


def _mode(m: float, v: float, value: float) -> float:
    """The root of t - value + sigmoid(m + v t), which rises with t; Newton's method, kept in a bracket."""
    low, high = value - 1.0, value
    t = value - _sigmoid(m)
    for _ in range(NEWTON_STEPS_MAX):
        rate = _sigmoid(m + v * t)
        excess = t - value + rate
        low, high = (low, t) if excess > 0 else (t, high)
        following = t - excess / (1.0 + v * rate * (1.0 - rate))
        if not low <= following <= high:
            following = (low + high) / 2
        if abs(following - t) <= 1e-15:
            return following
        t = following
    return t


def _sigmoid(z: float) -> float:
    if z >= 0:
        return 1.0 / (1.0 + math.exp(-z))
    grown = math.exp(max(z, -700.0))
    return grown / (1.0 + grown)


class Why(Enum):
    """What made a choice."""

    ONLY = "there was nothing else to choose"
    EVEN = "it was drawn evenly among all, by the exploration floor"
    UNTRIED = "its score won, and no outcome of it is known yet"
    BEST = "its score won, and it is the best by what is known"
    PROMISING = "its score won, though another is better by what is known"


@dataclass(frozen=True, slots=True)
class Choice:
    """A chosen arm: its place among the arms, its probability given the choices before it, and why."""

    arm: int
    propensity: float
    why: Why


class Arms:
    """Arms of known models, laid out for choosing: K arms of d features."""

    def __init__(self, names: Sequence[str], models: Sequence[Model]) -> None:
        self.names, self.models = tuple(names), tuple(models)
        self._means = np.stack([model.mean for model in models])
        self._covariances = np.stack([model.covariance for model in models])

    def beliefs(self, x: Vector) -> tuple[Vector, Vector]:
        """Mean and deviation of each arm's score (K,) at the features `x` (d,)."""
        variances = (self._covariances @ x) @ x
        return self._means @ x, np.sqrt(np.maximum(variances, 1e-24))

    def choose(self, x: Vector, exploration: float, count: int, draws: np.random.Generator) -> list[Choice]:
        """Up to `count` different arms, one after another, each by a fresh draw among those left."""
        means, deviations = self.beliefs(x)
        left = list(range(len(self.names)))
        chosen = []
        for _ in range(min(count, len(left))):
            choice = self._draw(left, means[left], deviations[left], exploration, draws)
            left.remove(choice.arm)
            chosen.append(choice)
        return chosen

    def _draw(
        self, left: Sequence[int], means: Vector, deviations: Vector, exploration: float, draws: np.random.Generator
    ) -> Choice:
        if len(left) == 1:
            return Choice(left[0], 1.0, Why.ONLY)
        even = draws.random() < exploration
        place = int(
            draws.integers(len(left)) if even else np.argmax(means + deviations * draws.standard_normal(len(left)))
        )
        shares = propensities(means, deviations, exploration)
        return Choice(left[place], float(shares[place]), Why.EVEN if even else self._why(left, means, place))

    def _why(self, left: Sequence[int], means: Vector, place: int) -> Why:
        if self.models[left[place]].updates == 0:
            return Why.UNTRIED
        return Why.BEST if means[place] >= means.max() else Why.PROMISING


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
