"""What a programme says of a mission, checked and compiled: its goals, window, beginning and end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.message import Message

from chassis.conditions import Condition, InvalidExpression, Text
from laurels.missions.v1 import programme_goals_pb2 as goals_pb
from laurels.missions.v1 import programme_pb2 as pb
from laurels.value.v1.events_pb2 import Grant, PointsGrant
from services.activity import ActivitySchema
from services.missions import calendar
from services.missions.eligibility import MemberVocabulary
from services.missions.fold import MissionRule
from services.missions.goals import Distinct, Goal, Reached, Streak, Total
from services.missions.goals import Sequence as Steps
from services.missions.store.members import Member
from services.programme import Problems

GOALS_MAX, STEPS_MAX, VALUES_MAX, BADGES_MAX, REWARDS_MAX = 16, 16, 100, 16, 16
HOURS_MAX = 24 * 366
RANK_MAX, OPEN_RANK_MAX = 10**9, 1_000
"""The worst rank to ask for, of a standing and while a period is open: the leaderboard service looks at so many."""


@dataclass(frozen=True, slots=True)
class Looking:
    """What a goal, or a step of one, looks at: an activity type, or something that is fed."""

    goal: int
    type: str = ""
    conditions: tuple[str, ...] = ()
    amount: str = "1"
    text: Text | None = None
    step: int = 0
    fed: str = ""

    @property
    def condition(self) -> str:
        """All conditions as one; a line break ends a comment that one may end with."""
        some = [source for source in self.conditions if source.strip()]
        return " && ".join(f"({source}\n)" for source in some) if len(some) > 1 else "".join(some)


@dataclass(frozen=True, slots=True)
class Gate:
    """Who may take part in a mission, and when, as far as that is known when an activity arrives."""

    mission: str
    condition: Condition | None = None
    source: str = ""
    starts: int = 0
    ends: int = 0
    joined_from: int = 0
    joined_until: int = 0
    """Days."""

    def is_open(self, at: int, member: Member) -> bool:
        """Whether a moment is in the window."""
        if at < self.starts or (self.ends and at >= self.ends):
            return False
        if member.enrolled_at is None or not (self.joined_from or self.joined_until):
            return True
        days = (at - calendar.micros(member.enrolled_at)) // calendar.DAY
        return days >= self.joined_from and (not self.joined_until or days < self.joined_until)


@dataclass(frozen=True, slots=True)
class Compiled:
    """A mission, compiled."""

    rule: MissionRule
    looking: Sequence[Looking]
    gate: Gate | None
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """What missions may refer to."""

    types: Mapping[str, ActivitySchema]
    currencies: set[str]
    badges: Mapping[str, Any]
    missions: set[str]
    tiers: set[str]
    boards: set[str]
    rewards: set[str]
    pools: set[str]
    members: MemberVocabulary
    quizzes: set[str] = field(default_factory=set)
    boards_for_ever: set[str] = field(default_factory=set)
    """Those whose period is never closed."""


def compile_mission(where: str, mission: pb.Mission, known: Known, problems: Problems) -> Compiled | None:
    """Compiles a mission; None where it has a problem that keeps it from counting."""
    before = len(problems.found)
    compiled = (
        [_plain_goal(where, mission, known, problems)] if not mission.goals else _goals(where, mission, known, problems)
    )
    goals = [goal for goal, _ in (found for found in compiled if found is not None)]
    looking = [each for found in compiled if found is not None for each in found[1]]
    rewards = _rewards(where, mission, known, problems)
    gate = _gate(where, mission, known, problems)
    _check_window(where, mission, problems)
    _check_start(where, mission, known, problems)
    _check_limits(where, mission, known, problems)
    for place, badge in enumerate(mission.badges_needed):
        problems.reference(f"{where}.badges_needed[{place}]", badge, known.badges, "badge")
    if len(mission.badges_needed) > BADGES_MAX:
        problems.add(f"{where}.badges_needed", f"has more than {BADGES_MAX} items")
    if len(problems.found) > before:
        return None
    window, start, limits = mission.window, mission.start, mission.limits
    own = (
        () if mission.HasField("claiming") else tuple(grant for grant in rewards if grant.WhichOneof("kind") == "badge")
    )
    by_itself = start.by in (goals_pb.START_BY_UNSPECIFIED, goals_pb.START_BY_ITSELF)
    rule = MissionRule(
        id=mission.id,
        goals=tuple(goals),
        needs_all=mission.goals_needed != goals_pb.GOALS_NEEDED_ANY,
        recurrence=window.recurrence,
        cron=window.cron,
        by_brand=window.zone == goals_pb.WINDOW_ZONE_BRAND,
        start=goals_pb.START_BY_ITSELF if by_itself else start.by,
        deadline=start.deadline_hours * calendar.HOUR,
        badges_needed=tuple(mission.badges_needed),
        gives=tuple(dict.fromkeys([*([mission.badge] if mission.badge else []), *(grant.badge for grant in own)])),
        simple=(
            by_itself
            and len(goals) == 1
            and isinstance(goals[0], Total)
            and not (window.recurrence or window.cron or mission.badges_needed)
        ),
        rewards=tuple(grant for grant in rewards if grant not in own),
        claiming=mission.HasField("claiming"),
        claim_within=mission.claiming.within_hours * calendar.HOUR,
        times_a_member=limits.times_a_member,
        times=limits.times,
        budget=limits.budget,
        budget_currency=limits.budget_currency,
    )
    return Compiled(rule, looking, gate, tuple(start.after))


Found = tuple[Goal, list[Looking]]


def _plain_goal(where: str, mission: pb.Mission, known: Known, problems: Problems) -> Found | None:
    """The goal of a mission that says `count` or `sum` itself."""
    kind = mission.WhichOneof("goal")
    if kind is None:
        problems.add(where, "has no goal: give it `count` or `sum`")
        return None
    goal = mission.sum if kind == "sum" else mission.count
    problems.bounded(f"{where}.{kind}.target", goal.target, 1)
    schema = _schema(f"{where}.activity_type", mission.activity_type, known, problems)
    if schema is None:
        return None
    problems.condition(f"{where}.condition", schema, mission.condition)
    amount = "1"
    if kind == "sum":
        amount = mission.sum.of
        problems.amount(f"{where}.sum.of", schema, amount)
    return Total(goal.target, kind == "sum"), [Looking(0, mission.activity_type, (mission.condition,), amount)]


def _goals(where: str, mission: pb.Mission, known: Known, problems: Problems) -> list[Found | None]:
    if mission.WhichOneof("goal") is not None:
        problems.add(f"{where}.goals", "stand in place of `count` and `sum`; give one of them")
    if len(mission.goals) > GOALS_MAX:
        problems.add(f"{where}.goals", f"has {len(mission.goals)} items, more than {GOALS_MAX}")
    return [
        _goal(f"{where}.goals[{place}]", place, goal, mission, known, problems)
        for place, goal in enumerate(mission.goals)
    ]


def _goal(
    where: str, place: int, goal: goals_pb.Goal, mission: pb.Mission, known: Known, problems: Problems
) -> Found | None:
    kind = goal.WhichOneof("kind")
    match kind:
        case None:
            problems.add(where, "has no kind: give it `count`, `sum`, `distinct`, `set`, `sequence`, `streak`, …")
            return None
        case "tier":
            problems.reference(f"{where}.tier.tier", goal.tier.tier, known.tiers, "tier")
            return Reached(), [Looking(place, fed=f"tier:{goal.tier.tier}")]
        case "rank":
            problems.reference(f"{where}.rank.board", goal.rank.board, known.boards, "board")
            while_open = goal.rank.while_open or goal.rank.board in known.boards_for_ever
            problems.bounded(f"{where}.rank.rank", goal.rank.rank, 1, OPEN_RANK_MAX if while_open else RANK_MAX)
            return Reached(goal.rank.rank), [Looking(place, fed=rank_feed(goal.rank.board, while_open))]
        case "quiz":
            problems.reference(f"{where}.quiz.quiz", goal.quiz.quiz, known.quizzes, "quiz")
            return Reached(), [Looking(place, fed=f"quiz:{goal.quiz.quiz}")]
        case "sequence":
            return _sequence(where, place, goal, mission, known, problems)
    type_name = goal.activity_type or mission.activity_type
    schema = _schema(f"{where}.activity_type", type_name, known, problems)
    if schema is None:
        return None
    conditions = _conditions(where, goal, mission, type_name, schema, problems)
    looking = Looking(place, type_name, conditions)
    match kind:
        case "count":
            problems.bounded(f"{where}.count.target", goal.count.target, 1)
            return Total(goal.count.target), [looking]
        case "sum":
            problems.bounded(f"{where}.sum.target", goal.sum.target, 1)
            problems.amount(f"{where}.sum.of", schema, goal.sum.of)
            return Total(goal.sum.target, True), [Looking(place, type_name, conditions, goal.sum.of)]
        case "distinct":
            problems.bounded(f"{where}.distinct.target", goal.distinct.target, 1, 1_000)
            text = _text(f"{where}.distinct.of", schema, goal.distinct.of, problems)
            return Distinct(goal.distinct.target), [Looking(place, type_name, conditions, text=text)]
        case "set":
            values = frozenset(goal.set.values)
            if not 1 <= len(values) <= VALUES_MAX or len(values) < len(goal.set.values) or "" in values:
                problems.add(f"{where}.set.values", f"are not 1 to {VALUES_MAX} different texts")
            text = _text(f"{where}.set.of", schema, goal.set.of, problems)
            return Distinct(len(values), values), [Looking(place, type_name, conditions, text=text)]
    streak = goal.streak
    problems.bounded(f"{where}.streak.target", streak.target, 1, 10_000)
    problems.bounded(f"{where}.streak.freeze_every", streak.freeze_every, 0, 10_000)
    problems.bounded(f"{where}.streak.freezes_max", streak.freezes_max, 0, 100)
    problems.bounded(f"{where}.streak.grace_hours", streak.grace_hours, 0, 24)
    problems.bounded(f"{where}.streak.repair_days", streak.repair_days, 0, 90)
    found = Streak(
        streak.target,
        streak.unit or goals_pb.STREAK_UNIT_DAY,
        streak.freeze_every,
        streak.freezes_max,
        streak.grace_hours * calendar.HOUR,
        streak.repair_days * calendar.DAY,
    )
    return found, [looking]


def rank_feed(board: str, while_open: bool) -> str:
    """What a board's ranks are called where goals are fed: those of standings, or those seen before, too."""
    return f"rank:{board}:open" if while_open else f"rank:{board}"


def _sequence(
    where: str, place: int, goal: goals_pb.Goal, mission: pb.Mission, known: Known, problems: Problems
) -> Found | None:
    steps = goal.sequence.steps
    if not 2 <= len(steps) <= STEPS_MAX:
        problems.add(f"{where}.sequence.steps", f"has {len(steps)} items, not 2 to {STEPS_MAX}")
    looking = []
    for number, step in enumerate(steps):
        at = f"{where}.sequence.steps[{number}]"
        problems.bounded(f"{at}.within_minutes", step.within_minutes, 0, HOURS_MAX * 60)
        type_name = step.activity_type or goal.activity_type or mission.activity_type
        schema = _schema(f"{at}.activity_type", type_name, known, problems)
        if schema is None:
            continue
        problems.condition(f"{at}.condition", schema, step.condition)
        conditions = (*_conditions(where, goal, mission, type_name, schema, problems), step.condition)
        looking.append(Looking(place, type_name, conditions, step=number))
    within = tuple(step.within_minutes * calendar.MINUTE for step in steps)
    # From the last step to the first, so that an activity is one link of a chain.
    return Steps(within), looking[::-1]


def _conditions(
    where: str,
    goal: goals_pb.Goal,
    mission: pb.Mission,
    type_name: str,
    schema: ActivitySchema,
    problems: Problems,
) -> tuple[str, ...]:
    """The conditions of a goal: the mission's holds for what is of the mission's type."""
    problems.condition(f"{where}.condition", schema, goal.condition)
    if type_name != mission.activity_type:
        return (goal.condition,)
    problems.condition(f"{where.partition('.goals')[0]}.condition", schema, mission.condition)
    return (mission.condition, goal.condition)


def _schema(field: str, name: str, known: Known, problems: Problems) -> ActivitySchema | None:
    return known.types[name] if problems.reference(field, name, known.types, "activity type") else None


def _text(field: str, schema: ActivitySchema, source: str, problems: Problems) -> Text | None:
    try:
        return schema.vocabulary.text(source)
    except InvalidExpression as error:
        problems.add(field, str(error))
        return None


def _rewards(where: str, mission: pb.Mission, known: Known, problems: Problems) -> list[Grant]:
    """All that the mission gives: `reward` and `rewards`; its `badge` is given by being done."""
    found = []
    if mission.HasField("reward"):
        problems.reference(f"{where}.reward.currency", mission.reward.currency, known.currencies, "currency")
        problems.bounded(f"{where}.reward.amount", mission.reward.amount, 1)
        found.append(Grant(points=PointsGrant(currency=mission.reward.currency, amount=mission.reward.amount)))
    if mission.badge:
        problems.reference(f"{where}.badge", mission.badge, known.badges, "badge")
    if len(mission.rewards) > REWARDS_MAX:
        problems.add(f"{where}.rewards", f"has {len(mission.rewards)} items, more than {REWARDS_MAX}")
    for place, grant in enumerate(mission.rewards):
        check_grant(f"{where}.rewards[{place}]", grant, known, problems)
        found.append(grant)
    return found


def check_grant(where: str, grant: Grant, known: Known, problems: Problems) -> None:
    """Reports what is wrong with something that is given."""
    match grant.WhichOneof("kind"):
        case "points":
            problems.reference(f"{where}.points.currency", grant.points.currency, known.currencies, "currency")
            problems.bounded(f"{where}.points.amount", grant.points.amount, 1)
        case "reward":
            problems.reference(f"{where}.reward", grant.reward, known.rewards, "reward")
        case "scratch_card":
            problems.reference(f"{where}.scratch_card", grant.scratch_card, known.pools, "scratch-card pool")
        case "badge":
            problems.reference(f"{where}.badge", grant.badge, known.badges, "badge")
        case "mission":
            problems.reference(f"{where}.mission", grant.mission, known.missions, "mission")
        case _:
            problems.add(where, "gives nothing: give it `points`, `reward`, `scratch_card`, `badge` or `mission`")


def _gate(where: str, mission: pb.Mission, known: Known, problems: Problems) -> Gate | None:
    condition = known.members.condition(f"{where}.eligible", mission.eligible, problems)
    window = mission.window
    gate = Gate(
        mission.id,
        condition if mission.eligible.strip() else None,
        mission.eligible,
        calendar.micros(_moment(window, "starts_at")) if window.HasField("starts_at") else 0,
        calendar.micros(_moment(window, "ends_at")) if window.HasField("ends_at") else 0,
        window.joined_days_from,
        window.joined_days_until,
    )
    return gate if gate != Gate(mission.id, source=mission.eligible) else None


def _moment(window: goals_pb.Window, name: str) -> Any:
    return calendar.moment(getattr(window, name).ToMicroseconds())


def _check_window(where: str, mission: pb.Mission, problems: Problems) -> None:
    window = mission.window
    problems.bounded(f"{where}.window.joined_days_from", window.joined_days_from, 0, 36_500)
    problems.bounded(f"{where}.window.joined_days_until", window.joined_days_until, 0, 36_500)
    if 0 < window.joined_days_until <= window.joined_days_from:
        problems.add(f"{where}.window.joined_days_until", "is not after `joined_days_from`")
    is_bounded = window.HasField("starts_at") and window.HasField("ends_at")
    if is_bounded and window.ends_at.ToMicroseconds() <= window.starts_at.ToMicroseconds():
        problems.add(f"{where}.window.ends_at", "is not after `starts_at`")
    if window.cron:
        if window.recurrence:
            problems.add(f"{where}.window.cron", "stands in place of `recurrence`; give one of them")
        if problem := calendar.cron_problem(window.cron):
            problems.add(f"{where}.window.cron", problem)


def _check_start(where: str, mission: pb.Mission, known: Known, problems: Problems) -> None:
    start = mission.start
    problems.bounded(f"{where}.start.deadline_hours", start.deadline_hours, 0, HOURS_MAX)
    comes_back = bool(mission.window.recurrence or mission.window.cron)
    if start.deadline_hours and (comes_back or start.by <= goals_pb.START_BY_ITSELF):
        problems.add(f"{where}.start.deadline_hours", "is for missions that are begun once, and not by themselves")
    if bool(start.after) != (start.by == goals_pb.START_BY_MISSION):
        problems.add(f"{where}.start.after", "names missions where, and only where, `by` is START_BY_MISSION")
    if len(start.after) > BADGES_MAX:
        problems.add(f"{where}.start.after", f"has more than {BADGES_MAX} items")
    for place, name in enumerate(start.after):
        problems.reference(f"{where}.start.after[{place}]", name, known.missions, "mission")
        if name == mission.id:
            problems.add(f"{where}.start.after[{place}]", "is the mission itself")


def _check_limits(where: str, mission: pb.Mission, known: Known, problems: Problems) -> None:
    limits = mission.limits
    problems.bounded(f"{where}.claiming.within_hours", mission.claiming.within_hours, 0, HOURS_MAX)
    problems.bounded(f"{where}.limits.times_a_member", limits.times_a_member, 0)
    problems.bounded(f"{where}.limits.times", limits.times, 0)
    problems.bounded(f"{where}.limits.budget", limits.budget, 0)
    if limits.budget:
        problems.reference(f"{where}.limits.budget_currency", limits.budget_currency, known.currencies, "currency")


def names_of(items: Sequence[Message]) -> set[str]:
    """The ids of items of another section."""
    return {item.id for item in items}  # type: ignore[attr-defined]
