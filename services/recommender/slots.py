"""A slot as a decision meets it: what may be offered to whom, within which bounds, and what counts as an outcome."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from chassis.conditions import Amount, Condition, ExpressionFailed, Vocabulary
from laurels.recommender.v1 import programme_slots_pb2 as pb
from services.activity import ActivitySchema
from services.periods import Per, period_of
from services.recommender.features import Context

EXPLORATION_DEFAULT = 0.05
WITHIN_S, WITHIN_S_MAX = 604_800, 31_536_000
COUNT_MAX = 10


class CounterKey(NamedTuple):
    """What a counter counts, whose it is ("" for the programme's) and in which period."""

    name: str
    owner: str
    period: str


@dataclass(frozen=True, slots=True)
class Bound:
    """A budget or a cap: a counter's name, its period, its most, and what one recommendation takes of it."""

    name: str
    per: Per
    most: int
    takes: int = 1

    def key(self, owner: str, at: datetime, zone: ZoneInfo) -> CounterKey:
        return CounterKey(self.name, owner, period_of(self.per, at, zone))


@dataclass(frozen=True, slots=True)
class Choice:
    """Something that a slot may offer; `budgets` and `caps` are its own and the slot's, for what it takes of them."""

    id: str
    kind: str
    reference: str
    category: str = ""
    granted: bool = False
    eligibility: Condition | None = None
    budgets: tuple[Bound, ...] = ()
    caps: tuple[Bound, ...] = ()


@dataclass(frozen=True, slots=True)
class Counts:
    """What counts as an outcome; `kind` is empty where RecordOutcome says it."""

    kind: str = ""
    within_s: int = WITHIN_S
    value_most: float = 1.0
    activity_type: str = ""
    schema: ActivitySchema | None = None
    condition: Condition | None = None
    value: Amount | None = None

    def worth(self, values: Any) -> float | None:
        """What an activity of the type is worth, 0 to `value_most`; None when it does not count."""
        try:
            if self.condition is not None and not self.condition.holds(values):
                return None
            return self.clipped(self.value.of(values)) if self.value is not None else self.value_most
        except ExpressionFailed:
            return None

    def clipped(self, value: float) -> float:
        return min(max(float(value), 0.0), self.value_most)


@dataclass(frozen=True, slots=True)
class Slot:
    """A compiled slot."""

    id: str
    choices: tuple[Choice, ...]
    exploration: float = EXPLORATION_DEFAULT
    eligibility: Condition | None = None
    count_max: int = COUNT_MAX
    category_max: int = 0
    counts: Counts = field(default_factory=Counts)
    mode: int = pb.SLOT_MODE_LIVE
    trial_share: float = 0.0

    def counters(self, member: str, at: datetime, zone: ZoneInfo) -> Iterator[CounterKey]:
        """All that a recommendation may be counted on."""
        for choice in self.choices:
            yield from (bound.key("", at, zone) for bound in choice.budgets)
            yield from (bound.key(member, at, zone) for bound in choice.caps)

    def chooses_for(self, brand: str, member: str, control_share: float) -> "Group":
        """Who decides what the member gets."""
        if share(brand, member, "control") < control_share:
            return Group.CONTROL
        if self.mode == pb.SLOT_MODE_SHADOW:
            return Group.ORDER
        if self.mode == pb.SLOT_MODE_TRIAL and share(brand, member, f"trial:{self.id}") >= self.trial_share:
            return Group.ORDER
        return Group.POLICY


class Group(StrEnum):
    """What made a decision, as it is stored."""

    POLICY, CONTROL, ORDER = "policy", "control", "order"


def share(brand: str, member: str, purpose: str) -> float:
    """Where a member stands among all, 0 to 1, evenly spread and the same for ever; apart for each purpose.

    >>> share("shop", "ann", "control") == share("shop", "ann", "control")
    True
    """
    digest = blake2b(f"{purpose}\0{brand}\0{member}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


class MemberVocabulary:
    """What conditions over a member may say."""

    def __init__(self, variables: Mapping[str, Any], zeros: Mapping[str, Any]) -> None:
        self._vocabulary, self._zeros = Vocabulary(variables), dict(zeros)

    def condition(self, source: str) -> Condition:
        """A condition. Raises InvalidExpression."""
        return self._vocabulary.condition(source)

    def values(self, member: str, context: Context) -> Any:
        known = {
            "member.id": member,
            "member.tier": context.tier,
            "member.segments": list(context.segments),
            "member.activities": context.activities,
            "member.amount": context.amount,
            "member.days_since": context.days_since,
        }
        shared = {
            name: context.attributes.get(name.removeprefix("member.attributes."), zero)
            for name, zero in self._zeros.items()
        }
        return self._vocabulary.values(known | shared)


def holds(condition: Condition | None, values: Any) -> bool:
    """Whether a condition holds; one that fails does not."""
    try:
        return condition is None or condition.holds(values)
    except ExpressionFailed:
        return False


def eligible(slot: Slot, values: Any) -> Sequence[Choice]:
    """The choices that a member may be offered, in the programme's order."""
    if not holds(slot.eligibility, values):
        return ()
    return [choice for choice in slot.choices if holds(choice.eligibility, values)]
