"""A member's missions are a fold over facts in the order of their time: pure, and the same however they arrived.

A fact is whatever moves missions: an activity, opting in, an assignment, a
badge, a tier, a repaired streak. What an activity counts is found when it
arrives, under the version that it names, and kept with it; what that leads to
is folded. The state is plain JSON:

- `m`: the runs by mission, each a list (see `RUN` and the places after it);
- `b`: the badges that count for missions, with when they were earned;
- `w`: refunds whose purchase is not known yet, with how much they refund and when.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from laurels.missions.v1 import programme_goals_pb2 as pb
from laurels.value.v1.events_pb2 import Grant
from services.missions import calendar
from services.missions.goals import Goal, Streak, Total

RUN, BEGAN, BEGAN_BY, GOALS, DONE, DONE_BY, TIMES, SHAPE = range(8)
"""The places of a run: its name, when and by which fact it began, the goals' states, when and by which it was done
(0 before), how often the mission was done, this run included, and the kinds of its goals."""

ACTIVITY, JOIN, ASSIGN, BADGE, FED, REPAIR, REFUND = "a", "j", "s", "b", "f", "r", "u"
"""The kinds of facts. The subject is the activity's type, the mission, the badge, what is fed, or the purchase."""

Missions = dict[str, list[Any]]
Place = tuple[int, str]
"""A fact's place in the order: its time, and its id where two have the same."""
BEFORE_ALL: Place = (0, "")


@dataclass(slots=True)
class Fact:
    """Something that happened at a moment, in microseconds, and what it may count for.

    `minutes` are those that the member's clock and the brand's were ahead of
    UTC. `values` are what the expressions that look at the activity's type gave,
    in the programme's order; `out` the missions that are not for this member or
    not at this time. `total` is a purchase's total, or what a refund refunds.
    """

    at: int
    id: str
    kind: str
    subject: str
    version: int = 0
    minutes: tuple[int, int] = (0, 0)
    values: Sequence[Any] = ()
    out: Sequence[str] = ()
    total: int = 0
    left: int | None = None
    """What refunds left of `total`; None where none took anything."""

    @property
    def place(self) -> Place:
        return self.at, self.id

    def body(self) -> str:
        """All but its time, id and version, as it is kept."""
        packed = [self.kind, self.subject, self.minutes, self.values, self.out, self.total]
        return orjson.dumps(packed).decode()


def fact_of(at: int, name: str, version: int, body: str) -> Fact:
    """A fact as it was kept."""
    kind, subject, minutes, values, out, total = orjson.loads(body)
    return Fact(at, name, kind, subject, version, tuple(minutes), values, out, total)


@dataclass(frozen=True, slots=True)
class MissionRule:
    """A mission under one version of the programme, compiled."""

    id: str
    goals: tuple[Goal, ...]
    needs_all: bool = True
    recurrence: int = pb.RECURRENCE_UNSPECIFIED
    cron: str = ""
    by_brand: bool = False
    """Whether it goes by the brand's clock."""
    start: int = pb.START_BY_ITSELF
    deadline: int = 0
    """Microseconds from its beginning; 0 without bounds."""
    badges_needed: tuple[str, ...] = ()
    gives: tuple[str, ...] = ()
    """The badges that being done gives at once."""
    begins: tuple[str, ...] = ()
    """The missions that begin when this is done."""
    simple: bool = True
    """Whether it has one goal, of a total, and none of what may hold it back."""
    rewards: tuple[Grant, ...] = ()
    claiming: bool = False
    claim_within: int = 0
    """Microseconds; 0 without bounds."""
    times_a_member: int = 0
    times: int = 0
    budget: int = 0
    budget_currency: str = ""

    @property
    def shape(self) -> str:
        """The kinds of the goals; a version that changes one begins it anew."""
        return " ".join([goal.shape for goal in self.goals])

    def run_at(self, fact: Fact) -> str:
        """The run of a recurring mission that a fact is in, by the calendar."""
        minutes = fact.minutes[self.by_brand]
        if self.cron:
            return calendar.cron_run(self.cron, fact.at, minutes)
        if self.recurrence in (pb.RECURRENCE_UNSPECIFIED, pb.RECURRENCE_ON_COMPLETION):
            return ""
        return calendar.run_of(self.recurrence, fact.at, minutes)

    def is_reached(self, states: Sequence[Any]) -> bool:
        found = (goal.progress(state) >= goal.target for goal, state in zip(self.goals, states, strict=True))
        return all(found) if self.needs_all else any(found)

    def new_run(self, fact: Fact, times: int) -> list[Any]:
        return [self.run_at(fact), fact.at, fact.id, [goal.empty() for goal in self.goals], 0, "", times, self.shape]


@dataclass(frozen=True, slots=True)
class Watch:
    """What looks at an activity type: a mission's goal, or a step of one that is a sequence."""

    rule: MissionRule
    goal: int = 0
    step: int = 0


@dataclass(slots=True)
class FoldRules:
    """What a version of the programme says of the fold."""

    missions: dict[str, MissionRule] = field(default_factory=dict)
    by_type: dict[str, Sequence[Watch]] = field(default_factory=dict)
    """In the order of a fact's `values`, behind those that need none."""
    by_feed: dict[str, list[Watch]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Done:
    """A run of a mission that a fact finished."""

    rule: MissionRule
    run: str
    at: int
    by: str
    version: int
    times: int


Told = Callable[[Done], None]


def empty() -> dict[str, Any]:
    """The state before the first fact."""
    return {"m": {}, "b": {}, "w": {}}


def fold(state: dict[str, Any], fact: Fact, rules: FoldRules, told: Told) -> None:
    """Takes a fact into the state; `told` hears of what it finished."""
    missions: Missions = state["m"]
    match fact.kind:
        case "a":
            _count(state, missions, fact, rules, told)
        case "j" | "s":
            rule = rules.missions.get(fact.subject)
            if rule is not None and fact.subject not in missions:
                missions[fact.subject] = rule.new_run(fact, 0)
        case "b":
            state["b"].setdefault(fact.subject, fact.at)
        case "f":
            for watch in rules.by_feed.get(fact.subject, ()):
                if watch.rule.id in fact.out:
                    continue
                _apply(state, missions, fact, watch, fact.values[0], rules, told)
        case "r":
            _repair(state, missions, fact, rules, told)


def _count(state: dict[str, Any], missions: Missions, fact: Fact, rules: FoldRules, told: Told) -> None:
    watches = rules.by_type.get(fact.subject)
    if watches is None or fact.left == 0:
        return
    always = len(watches) - len(fact.values)
    for place, watch in enumerate(watches):
        value = 1 if place < always else fact.values[place - always]
        if not value:
            continue
        rule = watch.rule
        run = missions.get(rule.id)
        # Most of what is counted: a running total, which nothing holds back.
        if run is not None and rule.simple and not fact.out and fact.left is None and run[SHAPE] == "t":
            if run[DONE]:
                continue
            goals = run[GOALS]
            goals[0] += value
            if goals[0] >= rule.goals[0].target:
                _finish(state, missions, run, fact, rule, rules, told)
        elif rule.id not in fact.out:
            _apply(state, missions, fact, watch, value, rules, told)


def _apply(
    state: dict[str, Any],
    missions: Missions,
    fact: Fact,
    watch: Watch,
    value: Any,
    rules: FoldRules,
    told: Told,
) -> None:
    rule = watch.rule
    run = missions.get(rule.id)
    if rule.badges_needed and not all(badge in state["b"] for badge in rule.badges_needed):
        return
    if run is None:
        if rule.start != pb.START_BY_ITSELF:
            return
        run = missions[rule.id] = rule.new_run(fact, 0)
    elif rule.start != pb.START_BY_ITSELF and (
        fact.id == run[BEGAN_BY] or (rule.deadline and fact.at >= run[BEGAN] + rule.deadline)
    ):
        return
    _roll(run, rule, fact)
    goal = rule.goals[watch.goal] if watch.goal < len(rule.goals) else None
    if goal is None or (run[DONE] and not isinstance(goal, Streak)):
        return
    if fact.left is not None and getattr(goal, "is_sum", False):
        value = value * fact.left // fact.total
    goals = run[GOALS]
    goals[watch.goal] = goal.count(goals[watch.goal], watch.step, value, fact.at, fact.minutes[0])
    if not run[DONE] and goal.progress(goals[watch.goal]) >= goal.target and rule.is_reached(goals):
        _finish(state, missions, run, fact, rule, rules, told)


def _roll(run: list[Any], rule: MissionRule, fact: Fact) -> None:
    """Begins the next run of a mission that comes back, where it is due; adapts the goals to another version's."""
    if run[SHAPE] != rule.shape:
        known = dict(enumerate(zip(run[SHAPE].split(), run[GOALS], strict=True)))
        run[GOALS] = [
            known[place][1] if known.get(place, ("",))[0] == goal.shape else goal.empty()
            for place, goal in enumerate(rule.goals)
        ]
        run[SHAPE] = rule.shape
    if rule.recurrence == pb.RECURRENCE_ON_COMPLETION:
        if run[DONE] and run[DONE_BY] != fact.id:
            _begin_again(run, rule, str(run[TIMES] + 1), fact)
    elif rule.cron or rule.recurrence:
        name = rule.run_at(fact)
        if name > run[RUN]:
            _begin_again(run, rule, name, fact)


def _begin_again(run: list[Any], rule: MissionRule, name: str, fact: Fact) -> None:
    kept = run[GOALS]
    # A streak goes on: its periods are its own.
    goals = [
        kept[place] if isinstance(goal, Streak) and rule.recurrence != pb.RECURRENCE_ON_COMPLETION else goal.empty()
        for place, goal in enumerate(rule.goals)
    ]
    run[RUN], run[GOALS], run[DONE], run[DONE_BY] = name, goals, 0, ""
    if rule.start == pb.START_BY_ITSELF:
        run[BEGAN], run[BEGAN_BY] = fact.at, fact.id


def _finish(
    state: dict[str, Any],
    missions: Missions,
    run: list[Any],
    fact: Fact,
    rule: MissionRule,
    rules: FoldRules,
    told: Told,
) -> None:
    run[DONE], run[DONE_BY] = fact.at, fact.id
    run[TIMES] += 1
    for place, goal in enumerate(rule.goals):
        if isinstance(goal, Total):
            run[GOALS][place] = min(run[GOALS][place], goal.target)
    for badge in rule.gives:
        state["b"].setdefault(badge, fact.at)
    for following in rule.begins:
        other = rules.missions.get(following)
        if other is not None and following not in missions:
            missions[following] = other.new_run(fact, 0)
    told(Done(rule, run[RUN], fact.at, fact.id, fact.version, run[TIMES]))


def _repair(state: dict[str, Any], missions: Missions, fact: Fact, rules: FoldRules, told: Told) -> None:
    rule, run = rules.missions.get(fact.subject), missions.get(fact.subject)
    if rule is None or run is None:
        return
    for place, goal in enumerate(rule.goals):
        if isinstance(goal, Streak):
            run[GOALS][place] = goal.repair(run[GOALS][place], fact.at)
    if not run[DONE] and rule.is_reached(run[GOALS]):
        _finish(state, missions, run, fact, rule, rules, told)


@dataclass(slots=True)
class Checkpoint:
    """A state as it was behind a place in the order."""

    place: Place
    state: str


@dataclass(slots=True)
class Replayed:
    """What facts lead to from a checkpoint on."""

    state: dict[str, Any]
    done: list[Done]
    checkpoints: list[Checkpoint]


def replay(checkpoints: Sequence[Checkpoint], facts: Iterable[Fact], rules_at: Callable[[int], FoldRules]) -> Replayed:
    """Folds facts, in whatever order they are given, onto the oldest checkpoint; the others are made anew on the way.

    A fact that is given twice counts once. A refund takes out of its purchase
    what it refunds, wherever the two are.
    """
    facts = sorted({fact.id: fact for fact in facts}.values(), key=lambda fact: fact.place)
    base = checkpoints[0] if checkpoints else Checkpoint(BEFORE_ALL, "")
    state = loaded(base.state)
    _take_refunds(facts, state["w"])
    done: list[Done] = []
    made = [base] if checkpoints else []
    later = list(checkpoints[1:])
    purchases: set[str] = set()
    for fact in facts:
        while later and fact.place > later[0].place:
            made.append(Checkpoint(later.pop(0).place, dumped(state)))
        # What a checkpoint waits for is what came before it.
        if fact.kind == ACTIVITY:
            purchases.add(fact.id)
            state["w"].pop(fact.id, None)
        elif fact.kind == REFUND and fact.subject not in purchases:
            state["w"][fact.subject] = [state["w"].get(fact.subject, (0,))[0] + fact.total, fact.at]
        fold(state, fact, rules_at(fact.version), done.append)
    made += [Checkpoint(checkpoint.place, dumped(state)) for checkpoint in later]
    return Replayed(state, done, made)


def _take_refunds(facts: Sequence[Fact], waiting: Mapping[str, Sequence[int]]) -> None:
    """Leaves of each purchase what its refunds leave, be they before or behind it."""
    refunded = dict(waiting)
    for fact in facts:
        if fact.kind == REFUND:
            refunded[fact.subject] = [refunded.get(fact.subject, (0,))[0] + fact.total, fact.at]
    for fact in facts:
        fact.left = None
        take(fact, refunded)


def take(fact: Fact, refunded: dict[str, Sequence[int]]) -> None:
    """Leaves of a purchase what refunds leave of it, and forgets these."""
    if refunded and fact.kind == ACTIVITY and fact.id in refunded:
        fact.left = max(0, fact.total - refunded.pop(fact.id)[0])


def loaded(text: str) -> dict[str, Any]:
    """A state as it was kept."""
    found: dict[str, Any] = orjson.loads(text) if text else empty()
    return found


def dumped(state: Mapping[str, Any]) -> str:
    """A state as it is kept."""
    return orjson.dumps(state).decode()
