"""Contextual bandits that others publish, behind the two calls that a policy has here: decide and learn."""

import importlib.util
from typing import Any, Protocol

import numpy as np


class Deciding(Protocol):
    """What is measured."""

    def decide(self, x: np.ndarray) -> int: ...

    def learn(self, arm: int, x: np.ndarray, value: float) -> None: ...


class Mabwiser:
    """MABWiser's LinUCB."""

    def __init__(self, arms: int, features: int, seed: int) -> None:
        from mabwiser.mab import MAB, LearningPolicy

        self._mab: Any = MAB(list(range(arms)), LearningPolicy.LinUCB(alpha=0.3), seed=seed)
        # It cannot decide before it has been fitted: nothing at all, for every arm.
        self._mab.fit(list(range(arms)), [0.0] * arms, np.zeros((arms, features)))

    def decide(self, x: np.ndarray) -> int:
        return int(self._mab.predict(x[None, :]))

    def learn(self, arm: int, x: np.ndarray, value: float) -> None:
        self._mab.partial_fit([arm], [value], x[None, :])


class VowpalWabbit:
    """Vowpal Wabbit's contextual bandit as it comes."""

    def __init__(self, arms: int, features: int, seed: int) -> None:
        from vowpalwabbit import Workspace

        self._vw: Any = Workspace(f"--cb_explore {arms} --quiet --random_seed {seed}")
        self._draws = np.random.default_rng(seed)
        self._probability = 1.0

    def decide(self, x: np.ndarray) -> int:
        shares = np.array(self._vw.predict("| " + _text(x)))
        shares /= shares.sum()
        arm = int(self._draws.choice(len(shares), p=shares))
        self._probability = float(shares[arm])
        return arm

    def learn(self, arm: int, x: np.ndarray, value: float) -> None:
        self._vw.learn(f"{arm + 1}:{-value}:{self._probability} | {_text(x)}")


class River:
    """river's LinUCB with disjoint arms."""

    def __init__(self, arms: int, features: int, seed: int) -> None:
        from river import bandit

        self._policy: Any = bandit.LinUCBDisjoint(alpha=0.3, seed=seed)
        self._arms = list(range(arms))

    def decide(self, x: np.ndarray) -> int:
        return int(self._policy.pull(self._arms, context=dict(enumerate(x.tolist()))))

    def learn(self, arm: int, x: np.ndarray, value: float) -> None:
        self._policy.update(arm, dict(enumerate(x.tolist())), value)


PEERS = {"mabwiser": Mabwiser, "vowpalwabbit": VowpalWabbit, "river": River}


def missing() -> list[str]:
    """The packages that are not installed, of all that are measured beside ours."""
    return [name for name in (*PEERS, "lifetimes", "implicit") if importlib.util.find_spec(name) is None]


def _text(x: np.ndarray) -> str:
    return " ".join(f"{place}:{value:.6g}" for place, value in enumerate(x))
