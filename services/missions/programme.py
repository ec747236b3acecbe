"""The missions section of a programme, checked and compiled.

Missions are indexed by the activity type they look at, so that an activity
meets only those that it can move.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from laurels.activity.v1.events_pb2 import ActivityRecorded
from laurels.missions.v1 import programme_pb2 as pb
from laurels.missions.v1.programme_levels_pb2 import LevelLadder
from laurels.missions.v1.programme_quizzes_pb2 import Quiz
from laurels.points.v1 import programme_pb2 as points_pb
from laurels.programme.v1.programme_pb2 import Programme
from services.activity import MEMBER_VARIABLES, ActivitySchema, Expressions
from services.missions.badge_rules import BadgeBook
from services.missions.eligibility import MemberVocabulary
from services.missions.programme_badges import compile_badges, given_badges
from services.missions.programme_grants import Grantable
from services.missions.programme_levels import compile_levels
from services.missions.programme_quizzes import compile_quizzes
from services.missions.programme_together import TogetherRules, compile_together
from services.programme import IDENTIFIER, Problems, schemas

MISSIONS_MAX, BADGES_MAX = 10_000, 10_000


@dataclass(frozen=True, slots=True)
class Goal:
    """What finishes a mission, and what that gives."""

    mission: str
    target: int
    reward: pb.MissionReward | None
    badge: str


Step = tuple[Goal, int]
"""A goal and what an activity counts towards it: 1 or more."""


@dataclass(slots=True)
class TypeGoals:
    """The goals that look at one activity type: those that every activity counts for, and those with expressions."""

    expressions: Expressions
    always: list[Step] = field(default_factory=list)
    judged: list[Goal] = field(default_factory=list)

    def steps(self, recorded: ActivityRecorded, failed: Callable[[str, str], None]) -> list[Step]:
        """What an activity counts for. `failed(mission, why)` is told of expressions that fail; they count nothing."""
        if not self.judged:
            return self.always
        activity = recorded.activity
        member = {"member.id": activity.member, "member.tier": recorded.tier}
        found = self.expressions.of(activity, member, lambda place, why: failed(self.judged[place].mission, why))
        counted = [(goal, value) for goal, value in zip(self.judged, found, strict=True) if value > 0]
        return [*self.always, *counted]


@dataclass(slots=True)
class MissionsRules:
    """A programme as the missions service uses it."""

    programme: Programme
    version: int = 0
    """Set where it is known, in a transaction."""
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    zone_attribute: str = ""
    """The shared attribute of members that names the zone of their days."""
    members: MemberVocabulary = field(init=False)
    by_type: dict[str, TypeGoals] = field(default_factory=dict)
    badges: BadgeBook = field(default_factory=BadgeBook)
    quizzes: dict[str, Quiz] = field(default_factory=dict)
    together: TogetherRules = field(default_factory=TogetherRules)
    levels: LevelLadder | None = None

    def __post_init__(self) -> None:
        self.zone = zone_named(self.programme.time_zone) or self.zone
        self.zone_attribute = self.programme.missions.time_zone_attribute
        self.members = MemberVocabulary(self.programme)

    def steps(self, recorded: ActivityRecorded, failed: Callable[[str, str], None]) -> list[Step]:
        """What an activity counts for, under this version."""
        goals = self.by_type.get(recorded.activity.type)
        return goals.steps(recorded, failed) if goals is not None else []


@lru_cache(maxsize=1_000)
def zone_named(name: str) -> ZoneInfo | None:
    """An IANA time zone, or None when there is none of the name."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        return None


def compile_document(document: bytes) -> MissionsRules:
    """A recorded programme, compiled; what was recorded had no problems."""
    return compile_programme(Programme.FromString(document), Problems())


def compile_programme(programme: Programme, problems: Problems) -> MissionsRules:
    """Compiles what is right and reports what is not.

    A mission with a problem counts nothing, should it be recorded all the same.
    """
    rules = MissionsRules(programme)
    known = schemas(programme, MEMBER_VARIABLES)
    currencies = {currency.id for currency in programme.points.currencies}
    missions, badges = programme.missions.missions, programme.missions.badges
    problems.items("missions.missions", missions, MISSIONS_MAX)
    badge_ids = problems.items("missions.badges", badges, BADGES_MAX)
    taken: set[str] = set()
    for place, mission in enumerate(missions):
        where = f"missions.missions[{place}]"
        _check_gifts(where, mission, currencies, badge_ids, problems)
        goal = _goal(where, mission, problems)
        resolved = problems.reference(f"{where}.activity_type", mission.activity_type, known, "activity type")
        schema = known[mission.activity_type] if resolved else None
        compiles = schema is not None and _check_expressions(where, mission, schema, problems)
        if schema is not None and goal is not None and compiles and mission.id not in taken:
            _add(rules.by_type.setdefault(mission.activity_type, TypeGoals(Expressions(schema))), mission, goal)
        taken.add(mission.id)
    _check_zone(programme, problems)
    grantable = Grantable.of(programme)
    rules.badges = compile_badges(programme.missions, problems)
    rules.quizzes = compile_quizzes(programme.missions.quizzes, problems)
    rules.together = compile_together(programme, known, grantable, problems)
    rules.levels = compile_levels(programme, grantable, problems)
    given = {mission.badge for mission in missions} | given_badges(programme.missions)
    for place, badge in enumerate(badges):
        if badge.id not in given:
            problems.add(
                f"missions.badges[{place}]",
                f"{badge.id!r} is given by no mission, level or challenge, and not `awarded`",
            )
    return rules


def target_of(mission: pb.Mission) -> int:
    """Where a mission is finished; 0 when it has no goal."""
    return mission.sum.target if mission.WhichOneof("goal") == "sum" else mission.count.target


def _check_zone(programme: Programme, problems: Problems) -> None:
    name = programme.missions.time_zone_attribute
    declared = {attribute.name: attribute for attribute in programme.points.member_attributes}
    if not name or not problems.reference("missions.time_zone_attribute", name, declared, "member attribute"):
        return
    if declared[name].kind != points_pb.MEMBER_ATTRIBUTE_KIND_TEXT or declared[name].personal:
        problems.add("missions.time_zone_attribute", f"{name!r} is not a text that is not personal")


def _check_gifts(
    where: str, mission: pb.Mission, currencies: set[str], badges: dict[str, Any], problems: Problems
) -> None:
    if mission.HasField("reward"):
        problems.reference(f"{where}.reward.currency", mission.reward.currency, currencies, "currency")
        problems.bounded(f"{where}.reward.amount", mission.reward.amount, 1)
    if mission.badge:
        problems.reference(f"{where}.badge", mission.badge, badges, "badge")


def _goal(where: str, mission: pb.Mission, problems: Problems) -> Goal | None:
    """The mission's goal; None when it has none that could be followed."""
    kind = mission.WhichOneof("goal")
    if kind is None:
        problems.add(where, "has no goal: give it `count` or `sum`")
        return None
    problems.bounded(f"{where}.{kind}.target", target_of(mission), 1)
    if target_of(mission) < 1 or not IDENTIFIER.fullmatch(mission.id):
        return None
    reward = mission.reward if mission.HasField("reward") else None
    return Goal(mission.id, target_of(mission), reward, mission.badge)


def _check_expressions(where: str, mission: pb.Mission, schema: ActivitySchema, problems: Problems) -> bool:
    """Whether the mission's expressions compile."""
    checked: list[object] = [problems.condition(f"{where}.condition", schema, mission.condition)]
    if mission.WhichOneof("goal") == "sum":
        checked.append(problems.amount(f"{where}.sum.of", schema, mission.sum.of))
    return None not in checked


def _add(goals: TypeGoals, mission: pb.Mission, goal: Goal) -> None:
    amount = mission.sum.of if mission.WhichOneof("goal") == "sum" else "1"
    if amount == "1" and not mission.condition.strip():
        goals.always.append((goal, 1))
        return
    goals.judged.append(goal)
    goals.expressions.add(mission.condition, amount)
