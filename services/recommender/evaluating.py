"""What a candidate would have earned is estimated over what the live policy decided, by what was known then.

The slot's stream is replayed: at each logged decision the learner stands where
it stood, and the candidate's probabilities are those that it would have had.
The model of outcomes is cross-fitted by members (`offpolicy.py`).
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

import numpy as np

from chassis.database import Database
from chassis.errors import FailedPrecondition
from laurels.recommender.v1 import policies_pb2 as pb
from services.recommender import memory, offpolicy
from services.recommender.choosing import Style
from services.recommender.features import FEATURES, NOTHING
from services.recommender.learner import Learner, Lesson
from services.recommender.promoting import UnknownCandidate
from services.recommender.slots import Slot
from services.recommender.store import models
from services.recommender.store import policies as store
from services.recommender.store.policies import Logged


class NothingLogged(FailedPrecondition):
    """There are too few decisions to go by."""

    code = "nothing_logged"

    def __init__(self, slot: str) -> None:
        super().__init__(f"The slot {slot!r} has no two members with a decision of its policy whose outcome is known.")


@dataclass(frozen=True, slots=True)
class Replay:
    """A log, the learner that stood at its beginning, and the lessons from there on."""

    log: Sequence[Logged]
    learner: Learner
    lessons: Sequence[Lesson]


async def evaluate(database: Database, brand: str, slot: Slot, name: str) -> pb.CandidateEvaluation:
    """What a candidate would have earned. Raises UnknownCandidate, NothingLogged."""
    async with database.reading(brand) as connection:
        found = await store.read_candidates(connection, brand, [(slot.id, name)])
        if not found:
            raise UnknownCandidate(slot.id, name)
        head = (await models.heads(connection, brand, [slot.id])).get(slot.id)
        log = await store.logged(connection, brand, slot.id, head.epoch) if head is not None else []
        log = [each for each in log if len(each.features) == len(FEATURES)]
        if head is None or len({each.member for each in log}) < 2:
            raise NothingLogged(slot.id)
        learner = await memory.learner_at(connection, brand, slot.id, head.epoch, log[0].lessons)
        lessons: list[Lesson] = []
        while (last := lessons[-1].number if lessons else log[0].lessons) < log[-1].lessons:
            more = await models.lessons(connection, brand, slot.id, last, log[-1].lessons)
            if not more:
                break
            lessons += more
    configuration = pb.PolicyConfiguration.FromString(found[slot.id, name].configuration)
    style = Style.of(configuration, slot.exploration)
    return await asyncio.to_thread(estimate, Replay(log, learner, lessons), style)


def estimate(replay: Replay, style: Style) -> pb.CandidateEvaluation:
    """What a style would have earned over a replayed log."""
    arms = {choice: place for place, choice in enumerate(sorted({c for each in replay.log for c in each.among}))}
    candidate = np.zeros((len(replay.log), len(arms)))
    lessons, learner = iter(replay.lessons), replay.learner
    following = next(lessons, None)
    for row, each in enumerate(replay.log):
        while following is not None and following.number <= each.lessons:
            learner.learn(following)
            following = next(lessons, None)
        goes_by = each.features if style.kind == pb.POLICY_KIND_PERSONAL else NOTHING
        places = [arms[choice] for choice in each.among]
        candidate[row, places] = style.probabilities(learner, each.among, goes_by)
    members = {member: number for number, member in enumerate(sorted({each.member for each in replay.log}))}
    log = offpolicy.Log(
        arm=np.array([arms[each.choice] for each in replay.log]),
        propensity=np.array([each.propensity for each in replay.log]),
        outcome=np.array([each.value for each in replay.log]),
        member=np.array([members[each.member] for each in replay.log]),
    )
    features = np.array([each.features for each in replay.log])
    found = offpolicy.evaluate(log, candidate, offpolicy.cross_fitted(features, log, len(arms)))
    # What was logged is the live policy's own: weights of 1 and no model.
    own = np.zeros_like(candidate)
    own[np.arange(len(replay.log)), log.arm] = log.propensity
    live = offpolicy.evaluate(log, own, np.zeros_like(candidate)).ips
    return pb.CandidateEvaluation(
        decisions=len(replay.log),
        effective_size=found.effective_size,
        live=_shown(live),
        ips=_shown(found.ips),
        snips=_shown(found.snips),
        direct=_shown(found.direct),
        doubly_robust=_shown(found.doubly_robust),
        proven=isfinite(found.doubly_robust.low) and found.doubly_robust.low >= live.value,
    )


def _shown(found: offpolicy.Estimate) -> pb.OutcomeEstimate | None:
    """An estimate; None where it has no bounds, such as one of no weight at all."""
    if not (isfinite(found.low) and isfinite(found.high)):
        return None
    return pb.OutcomeEstimate(value=found.value, low=found.low, high=found.high)
