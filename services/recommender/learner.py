"""What a slot learnt from its one stream of outcomes: the same stream gives the same state, bit for bit.

Each outcome that teaches has a number in its slot, which is given under a lock
when it is recorded: the stream. Whoever holds a learner brings it up to date by
learning what is behind its number, so that replicas agree without talking.
A choice's arm comes with its first lesson or its first look, and looks change
nothing that is believed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import orjson
from numpy.typing import NDArray

from services.recommender.features import FEATURES
from services.recommender.policy import Policy

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Lesson:
    """An outcome of 0 to 1 that teaches: its number in the slot, what was chosen, and on which features."""

    number: int
    choice: str
    features: Sequence[float]
    value: float


class Learner:
    """A slot's policy after `lessons` lessons.

    `epoch` counts how often the model was restored: learners of one epoch and
    as many lessons are the same.
    """

    def __init__(self, *, lessons: int = 0, epoch: int = 0) -> None:
        self.lessons, self.epoch = lessons, epoch
        self._policy = Policy(0, len(FEATURES))
        self._arms: dict[str, int] = {}
        self._taught: dict[str, int] = {}

    def learn(self, lesson: Lesson) -> None:
        """Learns the next lesson of the stream; one of other features than are used now teaches nothing."""
        self.lessons = lesson.number
        if len(lesson.features) != len(FEATURES):
            return
        arm = self._arm(lesson.choice)
        self._policy.learn(arm, np.array(lesson.features), lesson.value)
        self._taught[lesson.choice] = self._taught.get(lesson.choice, 0) + 1

    def expected(self, choices: Sequence[str], features: Sequence[float]) -> tuple[Vector, Vector]:
        """The choices' expected outcomes (K,) at the features, and the deviations of these expectations."""
        places = [self._arm(choice) for choice in choices]
        means, deviations = self._policy.expected(np.array(features))
        return means[places], deviations[places]

    def taught(self, choice: str) -> int:
        """How many outcomes of a choice were learnt from."""
        return self._taught.get(choice, 0)

    def _arm(self, choice: str) -> int:
        arm = self._arms.get(choice)
        if arm is None:
            arm = self._arms[choice] = len(self._arms)
            self._policy.grow(1)
        return arm

    def state(self) -> bytes:
        """What was learnt, exactly, whatever was looked at and in which order."""
        taught = dict(sorted(self._taught.items()))
        places = [self._arms[choice] for choice in taught]
        head = orjson.dumps({"taught": list(taught.items()), "features": len(FEATURES)})
        return head + b"\n" + self._policy.part(places).state()

    @classmethod
    def restored(cls, state: bytes, *, lessons: int, epoch: int) -> "Learner | None":
        """The learner whose state this is; None when it is of other features than are used now."""
        head, _, rest = state.partition(b"\n")
        stated = orjson.loads(head)
        if stated["features"] != len(FEATURES):
            return None
        found = cls(lessons=lessons, epoch=epoch)
        found._taught = dict(stated["taught"])
        found._arms = {choice: place for place, choice in enumerate(found._taught)}
        found._policy = Policy.restored(rest, len(found._arms), len(FEATURES))
        return found
