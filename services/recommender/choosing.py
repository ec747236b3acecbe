"""One choice among several is drawn with a probability that is known exactly.

A policy scores each choice with what its slot's learner expects of it, a bonus
for what is little known, and a little chance; the highest wins, and a share of
the draws, the floor, is even. See `policy.py` for where that comes from. Pure:
the random source is an argument.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from laurels.recommender.v1 import policies_pb2 as pb
from services.recommender import bandit
from services.recommender.features import NOTHING, Context
from services.recommender.learner import Learner
from services.recommender.policy import Exploration
from services.recommender.slots import Choice

Vector = NDArray[np.float64]


class Why(Enum):
    """What made a choice."""

    ONLY = "there was nothing else to choose"
    LISTED = "it is the first that is listed"
    EVEN = "it was drawn evenly among all"
    UNTRIED = "its score won, and no outcome of it is known yet"
    BEST = "its score won, and it is the best by what is known"
    PROMISING = "its score won, though another is better by what is known"


@dataclass(frozen=True, slots=True)
class Drawn:
    """A drawn choice: its place among those to choose from, its probability, and why."""

    place: int
    propensity: float
    why: Why


@dataclass(frozen=True, slots=True)
class Style:
    """How a slot's policy chooses."""

    kind: int = pb.POLICY_KIND_PERSONAL
    exploration: Exploration = field(default_factory=Exploration)

    @classmethod
    def of(cls, configuration: pb.PolicyConfiguration | None, floor: float) -> "Style":
        """The style of a configuration, or the default one; `floor` is the slot's own."""
        if configuration is None:
            return cls(exploration=Exploration(floor=floor))
        usual = Exploration()
        found = Exploration(
            bonus=configuration.bonus if configuration.HasField("bonus") else usual.bonus,
            noise=configuration.noise if configuration.HasField("noise") else usual.noise,
            floor=configuration.floor if configuration.HasField("floor") else floor,
        )
        return cls(configuration.kind, found)

    def features(self, context: Context) -> tuple[float, ...]:
        """What it goes by."""
        return context.values if self.kind == pb.POLICY_KIND_PERSONAL else NOTHING

    def draw(
        self, learner: Learner, choices: Sequence[str], features: Sequence[float], draws: np.random.Generator
    ) -> Drawn:
        """One of the choices."""
        count = len(choices)
        if count == 1:
            return Drawn(0, 1.0, Why.ONLY)
        even = bool(draws.random() < self.exploration.floor)
        chance = draws.standard_normal(count)
        at_random = int(draws.integers(count))
        shares = self.probabilities(learner, choices, features)
        if even:
            return Drawn(at_random, float(shares[at_random]), Why.EVEN)
        if self.kind == pb.POLICY_KIND_ORDER:
            return Drawn(0, float(shares[0]), Why.LISTED)
        means, deviations = learner.expected(choices, features)
        place = int((means + deviations * (self.exploration.bonus + self.exploration.noise * chance)).argmax())
        if learner.taught(choices[place]) == 0:
            why = Why.UNTRIED
        else:
            why = Why.BEST if means[place] >= means.max() else Why.PROMISING
        return Drawn(place, float(shares[place]), why)

    def probabilities(self, learner: Learner, choices: Sequence[str], features: Sequence[float]) -> Vector:
        """The probability (K,) with which `draw` takes each of the choices; they sum to 1."""
        count, floor = len(choices), self.exploration.floor
        if count == 1:
            return np.ones(1)
        if self.kind == pb.POLICY_KIND_ORDER:
            found = np.full(count, floor / count)
            found[0] += 1.0 - floor
            return found
        means, deviations = learner.expected(choices, features)
        centres = means + self.exploration.bonus * deviations
        return bandit.propensities(centres, self.exploration.noise * deviations, floor)


def may_follow(choice: Choice, chosen: Sequence[Choice], category_max: int) -> bool:
    """Whether a choice may stand behind those chosen: it is another one, and its category has room."""
    if any(each.id == choice.id for each in chosen):
        return False
    if not category_max or not choice.category:
        return True
    return sum(each.category == choice.category for each in chosen) < category_max


def reason(why: Why, place: int, choice: Choice, context: Context, kind: int) -> str:
    """Why something was chosen, as a sentence for people; `place` counts the choices before it.

    >>> reason(Why.BEST, 0, Choice("tea", "reward", "tea", "tea"), Context(days_between={"tea": 30}), 1)
    'You buy this every 30 days.'
    >>> reason(Why.BEST, 0, Choice("tea", "reward", "tea"), Context(), 1)
    'It is popular here.'
    """
    sentence = _sentence(why, choice, context, personal=context.known and kind == pb.POLICY_KIND_PERSONAL)
    return sentence if place == 0 else "Of those left: " + sentence[0].lower() + sentence[1:]


def _sentence(why: Why, choice: Choice, context: Context, *, personal: bool) -> str:
    match why:
        case Why.ONLY:
            return "It is the only one to choose from here."
        case Why.LISTED:
            return "It is the first that is listed here."
        case Why.EVEN:
            return "It was picked at random, so that we keep learning what suits whom."
        case Why.UNTRIED:
            return "It is being tried: nobody's answer to it is known yet."
    if days := context.days_between.get(choice.category, 0):
        return f"You buy this every {days} days." if days > 1 else "You buy this every day."
    if why is Why.PROMISING:
        whom = "members like you" if personal else "members here"
        return f"It is being tried: it may suit {whom} better than what is known to do well."
    if not personal:
        return "It is popular here."
    if context.segments:
        return f"It suits your segment, {context.segments[0]}."
    return "It suits members like you, by what others answered so far."
