"""The recommender section of a programme, checked and compiled."""

from dataclasses import dataclass, field
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from laurels.programme.v1.programme_pb2 import ATTRIBUTE_KIND_INTEGER, Programme
from services.programme import Problems
from services.recommender.slot_programme import SlotCompiler, member_vocabulary
from services.recommender.slots import MemberVocabulary, Slot

SLOTS_MAX = 100
CONTROL_SHARE = 0.05
AMOUNT = "amount"
"""The attribute that profiles add up, where it is declared as a whole number."""


@dataclass(slots=True)
class RecommenderRules:
    """A programme as the recommender uses it."""

    slots: dict[str, Slot] = field(default_factory=dict)
    tiers: dict[str, int] = field(default_factory=dict)
    amount_types: frozenset[str] = frozenset()
    control_share: float = CONTROL_SHARE
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    members: MemberVocabulary = field(default_factory=lambda: member_vocabulary(Programme()))
    by_activity: dict[str, list[Slot]] = field(default_factory=dict)
    """The slots whose outcome is an activity, by its type."""

    def by_kind(self, kind: str) -> list[Slot]:
        """The slots whose outcome is of a kind."""
        return [slot for slot in self.slots.values() if slot.counts.kind == kind]


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
    rules.zone = _zone(programme.time_zone)
    rules.members = member_vocabulary(programme)
    section = programme.recommender
    if section.HasField("control_share"):
        rules.control_share = section.control_share
        if not 0.0 <= section.control_share <= 1.0:
            problems.add("recommender.control_share", f"is {section.control_share}, not within 0 and 1")
    problems.items("recommender.slots", section.slots, SLOTS_MAX)
    compiler = SlotCompiler.of(programme, rules.members, problems)
    for place, slot in enumerate(section.slots):
        rules.slots.setdefault(slot.id, compiler.slot(f"recommender.slots[{place}]", slot))
    for compiled in rules.slots.values():
        if compiled.counts.schema is not None:
            rules.by_activity.setdefault(compiled.counts.activity_type, []).append(compiled)
    return rules


def _zone(name: str) -> ZoneInfo:
    """The programme's zone; points reports one that there is not."""
    try:
        return ZoneInfo(name or "UTC")
    except (ValueError, OSError, ZoneInfoNotFoundError):
        return ZoneInfo("UTC")
