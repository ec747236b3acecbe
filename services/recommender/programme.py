"""The recommender section of a programme, checked and compiled."""

from dataclasses import dataclass, field

from laurels.programme.v1.programme_pb2 import ATTRIBUTE_KIND_INTEGER, Programme
from laurels.recommender.v1 import programme_pb2 as pb
from services.programme import Problems

SLOTS_MAX, REWARDS_MAX = 100, 100
EXPLORATION_DEFAULT = 0.05
AMOUNT = "amount"
"""The attribute that profiles add up, where it is declared as a whole number."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A compiled slot: the rewards that it chooses among, and the share of even choices."""

    id: str
    rewards: tuple[str, ...]
    exploration: float


@dataclass(slots=True)
class RecommenderRules:
    """A programme as the recommender uses it."""

    slots: dict[str, Slot] = field(default_factory=dict)
    tiers: dict[str, int] = field(default_factory=dict)
    amount_types: frozenset[str] = frozenset()


def compile_document(document: bytes) -> RecommenderRules:
    """A recorded programme, compiled; what was recorded had no problems."""
    return compile_programme(Programme.FromString(document), Problems())


def compile_programme(programme: Programme, problems: Problems) -> RecommenderRules:
    """Compiles what is right and reports what is not."""
    rules = RecommenderRules()
    rules.tiers = {level.id: place for place, level in enumerate(programme.points.tiers.levels)}
    rules.amount_types = frozenset(
        declared.type
        for declared in programme.activity_types
        if any(a.name == AMOUNT and a.kind == ATTRIBUTE_KIND_INTEGER for a in declared.attributes)
    )
    known = {reward.id for reward in programme.points.rewards}
    problems.items("recommender.slots", programme.recommender.slots, SLOTS_MAX)
    for place, slot in enumerate(programme.recommender.slots):
        compiled = _compile_slot(f"recommender.slots[{place}]", slot, known, problems)
        rules.slots.setdefault(slot.id, compiled)
    return rules


def _compile_slot(where: str, slot: pb.Slot, known: set[str], problems: Problems) -> Slot:
    if not 1 <= len(slot.rewards) <= REWARDS_MAX:
        problems.add(f"{where}.rewards", f"has {len(slot.rewards)} items, not 1 to {REWARDS_MAX}")
    eligible: dict[str, None] = {}
    for number, reward in enumerate(slot.rewards):
        spot = f"{where}.rewards[{number}]"
        if reward in eligible:
            problems.add(spot, f"{reward!r} is listed twice")
        elif problems.reference(spot, reward, known, "reward"):
            eligible[reward] = None
    exploration = slot.exploration if slot.HasField("exploration") else EXPLORATION_DEFAULT
    if not 0.0 <= exploration <= 1.0:
        problems.add(f"{where}.exploration", f"is {exploration}, not within 0 and 1")
        exploration = EXPLORATION_DEFAULT
    return Slot(slot.id, tuple(eligible), exploration)
