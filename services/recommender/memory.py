"""Models that were read are kept for as long as they are the committed ones.

The versions are asked for at every decision; only models whose version moved
are read and laid out again. So replicas agree, and a decision costs no more
than its arithmetic.
"""

from collections import OrderedDict
from collections.abc import Iterable

import asyncpg

from services.recommender import store
from services.recommender.bandit import Arms, Model, prior
from services.recommender.profile import FEATURES
from services.recommender.programme import Slot

SLOTS_MAX = 1_000
PRIOR = prior(len(FEATURES))


class Memory:
    """The arms of the slots that were decided on last, by brand and slot."""

    def __init__(self) -> None:
        self._arms: OrderedDict[tuple[str, str], Arms] = OrderedDict()

    async def arms(self, connection: asyncpg.Connection, brand: str, slots: Iterable[Slot]) -> dict[str, Arms]:
        """The arms of each slot, as committed at this moment."""
        by_id = {slot.id: slot for slot in slots if slot.rewards}
        versions = await store.model_versions(connection, brand, by_id)
        known = {slot_id: self._known(brand, slot_id) for slot_id in by_id}
        moved = [
            (slot.id, reward)
            for slot in by_id.values()
            for reward in slot.rewards
            if (version := versions.get((slot.id, reward))) is not None
            and ((model := known[slot.id].get(reward)) is None or model.version != version)
        ]
        read = await store.models(connection, brand, moved) if moved else {}
        return {slot.id: self._laid_out(brand, slot, known[slot.id], read) for slot in by_id.values()}

    def _known(self, brand: str, slot: str) -> dict[str, Model]:
        arms = self._arms.get((brand, slot))
        return dict(zip(arms.names, arms.models, strict=True)) if arms is not None else {}

    def _laid_out(self, brand: str, slot: Slot, known: dict[str, Model], read: dict[store.ModelKey, Model]) -> Arms:
        models = [read.get((slot.id, reward)) or known.get(reward, PRIOR) for reward in slot.rewards]
        arms = self._arms.get((brand, slot.id))
        if (
            arms is None
            or arms.names != slot.rewards
            or any(a is not b for a, b in zip(arms.models, models, strict=True))
        ):
            arms = Arms(slot.rewards, models)
            self._arms[(brand, slot.id)] = arms
        self._arms.move_to_end((brand, slot.id))
        if len(self._arms) > SLOTS_MAX:
            self._arms.popitem(last=False)
        return arms
