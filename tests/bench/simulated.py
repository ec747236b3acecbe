"""Environments for bandits that are drawn by chance: to choose a policy's constants on, never to report.

What is true of them is in their text, so that what was chosen on them owes
nothing to the real sets that measure. A number fixes an environment.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Matrix = np.ndarray


@dataclass(frozen=True, slots=True)
class Environment:
    """Rounds of features (n, d), the first constant, and what each arm would earn there (n, K)."""

    features: Matrix
    rewards: Matrix

    def ordered(self, order: int) -> "Environment":
        """The same rounds in another order."""
        places = np.random.default_rng(order).permutation(len(self.features))
        return Environment(self.features[places], self.rewards[places])


def classes(number: int) -> Environment:
    """One arm is right, and earns 1: 3 to 11 classes of two normal clouds each in 8 to 39 dimensions, 2,000 rounds."""
    draws = np.random.default_rng([1, number])
    arms, d, rounds = int(draws.integers(3, 12)), int(draws.integers(8, 40)), 2_000
    clouds = draws.normal(size=(2 * arms, d)) * draws.uniform(0.5, 1.2)
    cloud = draws.integers(0, 2 * arms, rounds)
    points = (clouds[cloud] + draws.normal(size=(rounds, d))) * 2.0 / np.sqrt(d)
    rewards = np.zeros((rounds, arms))
    rewards[np.arange(rounds), cloud // 2] = 1.0
    return Environment(_with_constant(points), rewards)


def offers(number: int) -> Environment:
    """An offer is taken or not, by a logistic of the features, and earns its value then: 4 to 11 arms, 6,000 rounds.

    Values are from 0 to 1, several may be 0; some features are yes or no. Arms differ less in what they
    earn than in how often.
    """
    draws = np.random.default_rng([2, number])
    arms, d, rounds = int(draws.integers(4, 12)), int(draws.integers(4, 12)), 6_000
    points = draws.normal(size=(rounds, d)) * draws.uniform(0.3, 1.0, d)
    binary = draws.random(d) < 0.4
    points[:, binary] = points[:, binary] > 0
    features = _with_constant(points)
    weights = 0.3 * draws.normal(size=(arms, d + 1)) + 0.5 * draws.normal(size=d + 1)
    weights[:, 0] = draws.normal(-0.5, 1.0, arms)
    values = draws.choice([0.0, 0.2, 0.4, 0.6, 0.8, 1.0], arms)
    taken = draws.random((rounds, arms)) < 1.0 / (1.0 + np.exp(-features @ weights.T))
    return Environment(features, taken * values)


def linear(number: int) -> Environment:
    """A linear outcome with normal noise of the arm's own, cut to 0 to 1: 4 to 19 arms, 3,000 rounds."""
    draws = np.random.default_rng([3, number])
    arms, d, rounds = int(draws.integers(4, 20)), int(draws.integers(5, 20)), 3_000
    features = _with_constant(draws.normal(size=(rounds, d)))
    weights = 0.2 * draws.normal(size=(arms, d + 1)) / np.sqrt(d)
    weights[:, 0] = draws.normal(0.4, 0.15, arms)
    noise = draws.normal(size=(rounds, arms)) * draws.uniform(0.05, 0.4, arms)
    return Environment(features, np.clip(features @ weights.T + noise, 0.0, 1.0))


KINDS: dict[str, Callable[[int], Environment]] = {"classes": classes, "offers": offers, "linear": linear}


def _with_constant(points: Matrix) -> Matrix:
    return np.hstack([np.ones((len(points), 1)), points])
