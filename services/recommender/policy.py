"""Arms are chosen with a little optimism and a little chance, and how likely a choice was is known exactly.

Every arm has a Bayesian linear regression of its outcome, kept in memory as
arrays. How noisy an arm's outcomes are is learnt with it: one that earns much and
seldom is given more trials than one that earns the same each time, which a
variance common to all arms would give up after a few unlucky ones. An arm's
score is normal: its mean is the expected outcome plus `bonus` deviations of that
expectation, as in LinUCB (Li, Chu, Langford and Schapire, "A Contextual-Bandit
Approach to Personalized News Article Recommendation", 2010), and it is drawn
`noise` deviations wide, as in RandUCB (Vaswani, Mehrabian, Durand and Kveton,
"Old Dog Learns New Tricks: Randomized UCB for Bandit Problems", 2020). The
highest score wins; a share `floor` of the choices is spread evenly. So a
propensity is one integral, see `bandit.propensities`, and an outcome may be any
value, not only yes or no.

Nothing here reads a clock or a random source of its own; learning the same
outcomes in the same order gives the same state, bit for bit.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.recommender import bandit

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]


START = 0.5
"""What is expected of an arm that nothing is known of, where the first feature is the constant 1.

It is the middle of an outcome from 0 to 1, and above what most arms earn: each gets its chance.
"""
VARIANCE_START, VARIANCE_COUNT = 0.25, 10.0
"""The outcomes' variance before any is known, the largest that yes or no can have, and the outcomes that it counts as.
"""
_PARTS = ("squares", "counts", "means", "covariances", "_triangles")
"""What is learnt, a row an arm."""


@dataclass(frozen=True, slots=True)
class Exploration:
    """How choices are drawn: see the module's text, and docs/decisions/0019 for where the numbers come from."""

    bonus: float = 0.5
    noise: float = 0.05
    floor: float = 0.0

    def __post_init__(self) -> None:
        if self.bonus < 0 or self.noise <= 0 or not 0 <= self.floor <= 1:
            raise ValueError("a bonus is not negative, noise is above 0, and a floor is a share")


class Policy:
    """K arms of d features each, that decide and learn.

    means (K, d)          what is believed about each arm's weights
    covariances (K, d, d) how surely, in units of the outcomes' own variance; the prior is the identity
    squares, counts (K,)  the variance of each arm's outcomes is their ratio: squared surprises, each over what was
                          to be expected of it (the conjugate update of a normal and inverse gamma belief)

    Nothing is shared between arms: each could be a row of its own.

    The first feature is the constant 1; features should be of size about 1, and outcomes too.
    """

    def __init__(self, arms: int, features: int, exploration: Exploration | None = None) -> None:
        self.exploration = exploration or Exploration()
        self.means: Matrix = np.zeros((arms, features))
        self.means[:, 0] = START
        self.squares: Vector = np.full(arms, VARIANCE_START * VARIANCE_COUNT)
        self.counts: Vector = np.full(arms, VARIANCE_COUNT)
        self.covariances: Matrix = np.tile(np.eye(features), (arms, 1, 1))
        # The upper triangles alone, the entries off the diagonal twice: x'Sx of every arm is one product then.
        rows, columns = np.triu_indices(features)
        self._rows, self._columns = rows, columns
        self._twice = np.where(rows == columns, 1.0, 2.0)
        self._triangles: Matrix = self.covariances[:, rows, columns] * self._twice

    def expected(self, x: Vector) -> tuple[Vector, Vector]:
        """Each arm's expected outcome (K,) at the features `x` (d,), and the deviation of that expectation."""
        variances = self._triangles @ (x.take(self._rows) * x.take(self._columns))
        return self.means @ x, np.sqrt(np.maximum(variances * self.squares / self.counts, 1e-24))

    def decide(self, x: Vector, draws: np.random.Generator) -> int:
        """The arm for the features `x` (d,)."""
        if self.exploration.floor and draws.random() < self.exploration.floor:
            return int(draws.integers(len(self.means)))
        means, deviations = self.expected(x)
        chance = self.exploration.noise * draws.standard_normal(len(means))
        return int((means + deviations * (chance + self.exploration.bonus)).argmax())

    def propensities(self, x: Vector) -> Vector:
        """The probability (K,) with which `decide` chooses each arm; they sum to 1."""
        means, deviations = self.expected(x)
        spread = self.exploration.noise * deviations
        return bandit.propensities(means + self.exploration.bonus * deviations, spread, self.exploration.floor)

    def learn(self, arm: int, x: Vector, value: float, weight: float = 1.0) -> None:
        """Moves what is believed about an arm by an outcome; exact, by the formula of Sherman and Morrison.

        `weight` is the number of such outcomes at once, above 0.
        """
        direction = self.covariances[arm] @ x
        gain = weight / (1.0 + weight * float(direction @ x))
        surprise = value - float(self.means[arm] @ x)
        self.squares[arm] += gain * surprise * surprise
        self.counts[arm] += weight
        self.means[arm] += (gain * surprise) * direction
        self.covariances[arm] -= np.multiply.outer(gain * direction, direction)
        taken = direction.take(self._rows) * direction.take(self._columns)
        taken *= gain * self._twice
        self._triangles[arm] -= taken

    def grow(self, arms: int) -> None:
        """Adds so many arms of which nothing is known yet, behind those that there are."""
        new = Policy(arms, self.means.shape[1], self.exploration)
        for name in _PARTS:
            setattr(self, name, np.concatenate([getattr(self, name), getattr(new, name)]))

    def part(self, arms: Sequence[int]) -> "Policy":
        """A copy that has these arms alone, in their order."""
        found = Policy(len(arms), self.means.shape[1], self.exploration)
        for name in _PARTS:
            setattr(found, name, getattr(self, name)[list(arms)])
        return found

    def state(self) -> bytes:
        """All that was learnt, exactly; see `restored`."""
        return b"".join(np.ascontiguousarray(getattr(self, name), "<f8").tobytes() for name in _PARTS)

    @classmethod
    def restored(cls, state: bytes, arms: int, features: int) -> "Policy":
        """The policy of so many arms and features whose state this is, bit for bit. Raises ValueError for no such."""
        found = cls(arms, features)
        values = np.frombuffer(state, "<f8")
        shapes = [getattr(found, name).shape for name in _PARTS]
        sizes = [math.prod(shape) for shape in shapes]
        if len(values) != sum(sizes):
            raise ValueError(f"not the state of {arms} arms of {features} features")
        for name, part, shape in zip(_PARTS, np.split(values, np.cumsum(sizes)[:-1]), shapes, strict=True):
            setattr(found, name, part.reshape(shape).copy())
        return found
