"""What slots learnt stays in memory, and is brought up to date before it decides.

How far each slot's stream of outcomes has come is asked for at every decision;
only the lessons behind that are read. So replicas agree, and a decision costs
no more than its arithmetic.
"""

from collections import OrderedDict
from collections.abc import Iterable

import asyncpg

from services.recommender.learner import Learner
from services.recommender.store import models as store
from services.recommender.store.models import Head

SLOTS_MAX = 1_000


class Memory:
    """The learners of the slots that were decided on last, by brand and slot."""

    def __init__(self) -> None:
        self._learners: OrderedDict[tuple[str, str], Learner] = OrderedDict()

    async def learners(
        self, connection: asyncpg.Connection, brand: str, slots: Iterable[str]
    ) -> tuple[dict[str, Learner], dict[str, Head]]:
        """Each slot's learner and head, as committed at this moment."""
        wanted = sorted(set(slots))
        heads = await store.heads(connection, brand, wanted)
        found = {}
        for slot in wanted:
            head = heads.setdefault(slot, Head(slot))
            learner = self._learners.get((brand, slot))
            # One that is ahead saw a transaction that a statement before it did not, and is right.
            if learner is None or learner.epoch != head.epoch:
                learner = await learner_at(connection, brand, slot, head.epoch, head.lessons)
            else:
                await bring(connection, brand, slot, learner, head.lessons)
            self._learners[brand, slot] = found[slot] = learner
            self._learners.move_to_end((brand, slot))
        while len(self._learners) > SLOTS_MAX:
            self._learners.popitem(last=False)
        return found, heads


async def learner_at(connection: asyncpg.Connection, brand: str, slot: str, epoch: int, lessons: int) -> Learner:
    """The learner of a slot after so many lessons, from the nearest version before."""
    version = await store.version_until(connection, brand, slot, epoch, lessons)
    learner = None
    if version is not None:
        learner = Learner.restored(version.state, lessons=version.lessons, epoch=epoch)
    # What learnt on other features begins anew; what it had to learn on these is in the stream.
    learner = learner or Learner(epoch=epoch)
    await bring(connection, brand, slot, learner, lessons)
    return learner


async def bring(connection: asyncpg.Connection, brand: str, slot: str, learner: Learner, until: int) -> None:
    """Has a learner learn the lessons up to a number."""
    while learner.lessons < until:
        found = await store.lessons(connection, brand, slot, learner.lessons, until)
        for lesson in found:
            learner.learn(lesson)
        if not found:
            learner.lessons = until
