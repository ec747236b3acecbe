"""The slots of a programme, checked and compiled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from cel_expr_python import cel

from chassis.conditions import FLAG, INTEGER, NUMBER, TEXT, Condition, InvalidExpression
from laurels.points.v1 import programme_pb2 as points_pb
from laurels.programme.v1.programme_pb2 import Programme
from laurels.recommender.v1 import programme_pb2 as section_pb
from laurels.recommender.v1 import programme_slots_pb2 as pb
from services.activity import ATTRIBUTE_NAME, ActivitySchema
from services.periods import Per
from services.programme import AMOUNT_MAX, Problems, schemas
from services.recommender.slots import (
    COUNT_MAX,
    EXPLORATION_DEFAULT,
    WITHIN_S,
    WITHIN_S_MAX,
    Bound,
    Choice,
    Counts,
    MemberVocabulary,
    Slot,
)

CHOICES_MAX, CAPS_MAX, MESSAGE_LENGTH_MAX, CAP_MOST = 100, 5, 500, 1_000_000
_ATTRIBUTE = "member.attributes."
_KINDS: Mapping[int, tuple[Any, Any]] = {
    points_pb.MEMBER_ATTRIBUTE_KIND_TEXT: (TEXT, ""),
    points_pb.MEMBER_ATTRIBUTE_KIND_INTEGER: (INTEGER, 0),
    points_pb.MEMBER_ATTRIBUTE_KIND_NUMBER: (NUMBER, 0.0),
    points_pb.MEMBER_ATTRIBUTE_KIND_FLAG: (FLAG, False),
    points_pb.MEMBER_ATTRIBUTE_KIND_DATE: (TEXT, ""),
}
_PERIODS: Mapping[int, Per] = {
    pb.SLOT_PERIOD_DAY: Per.DAY,
    pb.SLOT_PERIOD_WEEK: Per.WEEK,
    pb.SLOT_PERIOD_MONTH: Per.MONTH,
    pb.SLOT_PERIOD_QUARTER: Per.QUARTER,
    pb.SLOT_PERIOD_YEAR: Per.YEAR,
    pb.SLOT_PERIOD_EVER: Per.EVER,
}


def member_vocabulary(programme: Programme) -> MemberVocabulary:
    """What conditions over members may say in a programme: attributes that are shared, and none that is personal."""
    declared = {
        _ATTRIBUTE + attribute.name: _KINDS[attribute.kind]
        for attribute in programme.points.member_attributes
        if attribute.shared
        and not attribute.personal
        and attribute.kind in _KINDS
        and ATTRIBUTE_NAME.fullmatch(attribute.name)
    }
    variables = {
        "member.id": TEXT,
        "member.tier": TEXT,
        "member.segments": cel.Type.List(TEXT),
        "member.activities": INTEGER,
        "member.amount": INTEGER,
        "member.days_since": INTEGER,
    } | {name: kind for name, (kind, _) in declared.items()}
    return MemberVocabulary(variables, {name: zero for name, (_, zero) in declared.items()})


@dataclass(frozen=True, slots=True)
class SlotCompiler:
    """Compiles the slots of one programme, and reports what is not right."""

    problems: Problems
    members: MemberVocabulary
    types: Mapping[str, ActivitySchema]
    known: Mapping[str, set[str]]

    @classmethod
    def of(cls, programme: Programme, members: MemberVocabulary, problems: Problems) -> "SlotCompiler":
        known = {
            "reward": {reward.id for reward in programme.points.rewards},
            "mission": {mission.id for mission in programme.missions.missions},
            "scratch_card": {pool.id for pool in programme.leaderboard.scratch_pools},
        }
        return cls(problems, members, schemas(programme, {}), known)

    def slot(self, where: str, stated: section_pb.Slot) -> Slot:
        choices = self._choices(where, stated)
        if not 1 <= len(stated.rewards) + len(stated.choices) <= CHOICES_MAX:
            count = len(stated.rewards) + len(stated.choices)
            self.problems.add(f"{where}.rewards", f"has {count} items with `choices`, not 1 to {CHOICES_MAX}")
        exploration = stated.exploration if stated.HasField("exploration") else EXPLORATION_DEFAULT
        exploration = self._share(f"{where}.exploration", exploration, EXPLORATION_DEFAULT)
        if not 0 <= stated.count_max <= COUNT_MAX:
            self.problems.add(f"{where}.count_max", f"is {stated.count_max}, not within 1 and {COUNT_MAX}")
        if stated.category_max < 0:
            self.problems.add(f"{where}.category_max", "is negative")
        if stated.mode != pb.SLOT_MODE_TRIAL and stated.trial_share:
            self.problems.add(f"{where}.trial_share", "is for `mode: SLOT_MODE_TRIAL` alone")
        return Slot(
            id=stated.id,
            choices=choices,
            exploration=exploration,
            eligibility=self._condition(f"{where}.eligibility", stated.eligibility),
            count_max=stated.count_max or COUNT_MAX,
            category_max=stated.category_max,
            counts=self._counts(f"{where}.outcome", stated),
            mode=stated.mode or pb.SLOT_MODE_LIVE,
            trial_share=self._share(f"{where}.trial_share", stated.trial_share, 0.0),
        )

    def _share(self, field: str, value: float, otherwise: float) -> float:
        if 0.0 <= value <= 1.0:
            return value
        self.problems.add(field, f"is {value}, not within 0 and 1")
        return otherwise

    def _condition(self, field: str, source: str) -> Condition | None:
        if not source.strip():
            return None
        try:
            return self.members.condition(source)
        except InvalidExpression as error:
            self.problems.add(field, str(error))
            return None

    # -- choices --------------------------------------------------------------

    def _choices(self, where: str, stated: section_pb.Slot) -> tuple[Choice, ...]:
        caps = self._caps(f"{where}.caps", stated.caps, f"slot:{stated.id}")
        found: dict[str, Choice] = {}
        for number, reward in enumerate(stated.rewards):
            spot = f"{where}.rewards[{number}]"
            if reward in found:
                self.problems.add(spot, f"{reward!r} is listed twice")
            elif self.problems.reference(spot, reward, self.known["reward"], "reward"):
                budgets = self._budgets(f"{where}.budget", stated, "", 0)
                found[reward] = Choice(reward, "reward", reward, budgets=budgets, caps=caps)
        for number, choice in enumerate(stated.choices):
            spot = f"{where}.choices[{number}]"
            self.problems.identifier(f"{spot}.id", choice.id, found)
            self.problems.name(f"{spot}.name", choice.name)
            compiled = self._choice(spot, where, stated, choice, caps)
            if compiled is not None:
                found.setdefault(choice.id, compiled)
        return tuple(found.values())

    def _choice(
        self, spot: str, where: str, slot: section_pb.Slot, stated: pb.SlotChoice, caps: tuple[Bound, ...]
    ) -> Choice | None:
        kind = stated.WhichOneof("kind")
        if kind is None:
            self.problems.add(spot, "offers nothing: state `reward`, `mission`, `scratch_card` or `message`")
            return None
        reference: str = getattr(stated, kind)
        if kind == "message":
            if not 1 <= len(reference) <= MESSAGE_LENGTH_MAX:
                self.problems.add(f"{spot}.message", f"has {len(reference)} characters, not 1 to {MESSAGE_LENGTH_MAX}")
            if stated.granted:
                self.problems.add(f"{spot}.granted", "is for what can be given, not for a message")
        elif not self.problems.reference(f"{spot}.{kind}", reference, self.known[kind], kind.replace("_", " ")):
            return None
        if stated.category:
            self.problems.identifier(f"{spot}.category", stated.category, ())
        self.problems.bounded(f"{spot}.cost", stated.cost, 0)
        name = f"{slot.id}:{stated.id}"
        return Choice(
            id=stated.id,
            kind=kind,
            reference=reference,
            category=stated.category,
            granted=stated.granted,
            eligibility=self._condition(f"{spot}.eligibility", stated.eligibility),
            budgets=(
                *self._budgets(f"{where}.budget", slot, "", stated.cost),
                *self._budgets(f"{spot}.budget", stated, name, stated.cost),
            ),
            caps=(*caps, *self._caps(f"{spot}.caps", stated.caps, f"choice:{name}")),
        )

    def _budgets(self, field: str, stated: Any, choice: str, cost: int) -> tuple[Bound, ...]:
        """The bounds of a slot's or a choice's budget: on the number, and on the value."""
        if not stated.HasField("budget"):
            return ()
        budget: pb.SlotBudget = stated.budget
        per = self._per(field, budget.per)
        of = f"choice:{choice}" if choice else f"slot:{stated.id}"
        found = []
        for part, takes in (("count", 1), ("value", cost)):
            if budget.HasField(part):
                most: int = getattr(budget, part)
                self.problems.bounded(f"{field}.{part}", most, 0)
                found.append(Bound(f"{part}:{of}", per, most, takes))
        if not found:
            self.problems.add(field, "bounds nothing: state `count` or `value`")
        return tuple(found)

    def _caps(self, field: str, stated: Sequence[pb.SlotCap], of: str) -> tuple[Bound, ...]:
        if len(stated) > CAPS_MAX:
            self.problems.add(field, f"has {len(stated)} items, more than {CAPS_MAX}")
        found: dict[Per, Bound] = {}
        for place, cap in enumerate(stated):
            spot = f"{field}[{place}]"
            per = self._per(spot, cap.per)
            if per in found:
                self.problems.add(f"{spot}.per", "is the period of a cap before it")
            self.problems.bounded(f"{spot}.most", cap.most, 1, CAP_MOST)
            found.setdefault(per, Bound(f"cap:{of}", per, cap.most))
        return tuple(found.values())

    def _per(self, field: str, stated: int) -> Per:
        if stated not in _PERIODS:
            self.problems.add(f"{field}.per", "is not stated")
        return _PERIODS.get(stated, Per.EVER)

    # -- outcomes -------------------------------------------------------------

    def _counts(self, where: str, slot: section_pb.Slot) -> Counts:
        stated = slot.outcome
        within = stated.within_seconds or WITHIN_S
        self.problems.bounded(f"{where}.within_seconds", within, 1, WITHIN_S_MAX)
        most = stated.value_most if stated.HasField("value_most") else 1.0
        if not (isfinite(most) and 0 < most <= AMOUNT_MAX):
            self.problems.add(f"{where}.value_most", f"is {most}, not above 0 and at most {AMOUNT_MAX}")
            most = 1.0
        kind = stated.WhichOneof("counts") or ""
        self._check_takers(where, slot, kind)
        if kind != "activity":
            return Counts(kind, within, most)
        counted = stated.activity
        if not self.problems.reference(
            f"{where}.activity.activity_type", counted.activity_type, self.types, "activity type"
        ):
            return Counts(kind, within, most)
        schema = self.types[counted.activity_type]
        condition = self.problems.condition(f"{where}.activity.condition", schema, counted.condition)
        value = self.problems.amount(f"{where}.activity.value", schema, counted.value) if counted.value else None
        return Counts(kind, within, most, counted.activity_type, schema, condition, value)

    def _check_takers(self, where: str, slot: section_pb.Slot, kind: str) -> None:
        """Reports choices that nothing can come of, since another kind of thing counts."""
        wanted = {"redemption": "reward", "mission": "mission"}.get(kind)
        if wanted is None:
            return
        others = [choice.id for choice in slot.choices if choice.WhichOneof("kind") != wanted]
        others += list(slot.rewards) if wanted != "reward" else []
        if others:
            self.problems.add(f"{where}.{kind}", f"never happens to {others[0]!r}, which is no {wanted}")
