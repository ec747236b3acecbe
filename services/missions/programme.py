"""The missions section of a programme, checked and compiled.

What looks at activities is indexed by their type, so that an activity meets
only what it can move.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from chassis.conditions import ExpressionFailed, Text
from laurels.activity.v1.activity_pb2 import Activity
from laurels.activity.v1.events_pb2 import ActivityRecorded
from laurels.missions.v1.programme_levels_pb2 import LevelLadder
from laurels.missions.v1.programme_quizzes_pb2 import Quiz
from laurels.points.v1 import programme_earning_pb2 as earning_pb
from laurels.points.v1 import programme_pb2 as points_pb
from laurels.programme.v1.programme_pb2 import Programme
from services.activity import MEMBER_VARIABLES, ActivitySchema, Expressions
from services.missions import calendar
from services.missions.badge_rules import BadgeBook
from services.missions.eligibility import MemberVocabulary
from services.missions.fold import FoldRules, MissionRule, Watch
from services.missions.goal_programme import Gate, Known, Looking, compile_mission, names_of
from services.missions.goals import Streak
from services.missions.programme_badges import compile_badges, given_badges
from services.missions.programme_campaigns import CampaignRules, compile_campaigns
from services.missions.programme_grants import Grantable
from services.missions.programme_levels import compile_levels
from services.missions.programme_quizzes import compile_quizzes
from services.missions.programme_together import TogetherRules, compile_together
from services.programme import IDENTIFIER, Problems, schemas

MISSIONS_MAX, BADGES_MAX = 10_000, 10_000
LATENESS_DAYS, LATENESS_DAYS_MAX = 7, 90

Failed = Callable[[str, str], None]
"""Is told of expressions that fail, by their mission and why; they count nothing."""
_ZEROS: Mapping[int, Any] = {1: 0, 2: 0.0, 3: "", 4: False}
"""By AttributeKind."""


@dataclass(slots=True)
class TypeRules:
    """What looks at one activity type: `always`, and behind it what has expressions.

    The order is the programme's, so that a version's values are understood
    whenever they are read again.
    """

    schema: ActivitySchema
    always: list[Watch] = field(default_factory=list)
    judged: list[Watch] = field(default_factory=list)
    conditions: list[str] = field(default_factory=list)
    texts: dict[int, Text] = field(default_factory=dict)
    gates: dict[str, Gate] = field(default_factory=dict)
    total: str = ""
    """The attribute that says a purchase's total, where it may be refunded."""
    by_calendar: bool = False
    """Whether something counts days, weeks or months."""
    _expressions: Expressions | None = None

    def add(self, rule: MissionRule, looking: Looking) -> None:
        watch = Watch(rule, looking.goal, looking.step)
        self.by_calendar |= bool(rule.recurrence or rule.cron or any(isinstance(goal, Streak) for goal in rule.goals))
        if looking.amount == "1" and looking.text is None and not looking.condition:
            self.always.append(watch)
            return
        if looking.text is not None:
            self.texts[len(self.judged)] = looking.text
        self.judged.append(watch)
        self.conditions.append(looking.condition)
        if self._expressions is None:
            self._expressions = Expressions(self.schema)
        self._expressions.add(looking.condition, looking.amount)

    @property
    def watches(self) -> list[Watch]:
        return [*self.always, *self.judged]

    def values(self, activity: Activity, tier: str, failed: Failed) -> list[Any]:
        """What an activity counts for each of `judged`: 0 or an empty text where it does not."""
        if self._expressions is None:
            return []
        member = {"member.id": activity.member, "member.tier": tier}
        found: list[Any] = self._expressions.of(
            activity, member, lambda place, why: failed(self.judged[place].rule.id, why)
        )
        for place, amount in enumerate(found):
            if amount <= 0:
                found[place] = 0
            elif place in self.texts:
                found[place] = self._text(place, activity, member, failed)
        return found

    def _text(self, place: int, activity: Activity, member: Mapping[str, Any], failed: Failed) -> str:
        try:
            return self.texts[place].of(self.seen(activity, member))
        except ExpressionFailed as error:
            failed(self.judged[place].rule.id, str(error))
            return ""

    def plain(self, activity: Activity, member: Mapping[str, Any]) -> dict[str, Any]:
        """All that expressions may read of an activity, by variable."""
        present = self.schema.attribute_values(activity.attributes)
        return {
            **{
                f"attributes.{name}": present.get(name, _ZEROS.get(attribute.kind))
                for name, attribute in self.schema.attributes.items()
            },
            "activity.id": activity.id,
            "activity.occurred_at": calendar.moment(
                activity.occurred_at.seconds * calendar.SECOND + activity.occurred_at.nanos // 1_000
            ),
            **member,
        }

    def seen(self, activity: Activity, member: Mapping[str, Any]) -> Any:
        return self.schema.vocabulary.values(self.plain(activity, member))


@dataclass(slots=True)
class MissionsRules(FoldRules):
    """A programme as the missions service uses it."""

    programme: Programme = field(default_factory=Programme)
    version: int = 0
    """Set where it is known, in a transaction."""
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    zone_attribute: str = ""
    """The shared attribute of members that names the zone of their days."""
    lateness: int = LATENESS_DAYS * calendar.DAY
    """Microseconds."""
    members: MemberVocabulary = field(init=False)
    types: dict[str, TypeRules] = field(default_factory=dict)
    gates: dict[str, Gate] = field(default_factory=dict)
    refunds: dict[str, earning_pb.RefundRule] = field(default_factory=dict)
    """By the activity type that refunds."""
    campaigns: CampaignRules = field(default_factory=CampaignRules)
    badges: BadgeBook = field(default_factory=BadgeBook)
    quizzes: dict[str, Quiz] = field(default_factory=dict)
    together: TogetherRules = field(default_factory=TogetherRules)
    levels: LevelLadder | None = None

    def __post_init__(self) -> None:
        self.zone = zone_named(self.programme.time_zone) or self.zone
        self.zone_attribute = self.programme.missions.time_zone_attribute
        self.lateness = (self.programme.missions.lateness_days or LATENESS_DAYS) * calendar.DAY
        self.members = MemberVocabulary(self.programme)

    def counts(self, recorded: ActivityRecorded, failed: Failed) -> list[tuple[Watch, Any]]:
        """What an activity counts for under this version, whoever's it is: what looks at it, and the value."""
        of_type = self.types.get(recorded.activity.type)
        if of_type is None:
            return []
        values = of_type.values(recorded.activity, recorded.tier, failed)
        return [
            *((watch, 1) for watch in of_type.always),
            *((watch, value) for watch, value in zip(of_type.judged, values, strict=True) if value),
        ]


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
    rules = MissionsRules(programme=programme)
    missions, badges = programme.missions.missions, programme.missions.badges
    problems.items("missions.missions", missions, MISSIONS_MAX)
    badge_ids = problems.items("missions.badges", badges, BADGES_MAX)
    known = Known(
        types=schemas(programme, MEMBER_VARIABLES),
        currencies=names_of(programme.points.currencies),
        badges=badge_ids,
        missions=names_of(missions),
        tiers=names_of(programme.points.tiers.levels),
        boards=names_of(programme.leaderboard.boards),
        rewards=names_of(programme.points.rewards),
        pools=names_of(programme.leaderboard.scratch_pools),
        members=rules.members,
        quizzes=names_of(programme.missions.quizzes),
        boards_for_ever={board.id for board in programme.leaderboard.boards if not board.HasField("schedule")},
    )
    if programme.missions.lateness_days:
        problems.bounded("missions.lateness_days", programme.missions.lateness_days, 1, LATENESS_DAYS_MAX)
    _check_zone(programme, problems)
    _compile_missions(rules, known, problems)
    for refund in programme.points.refunds:
        if refund.activity_type in known.types and refund.purchase_type in rules.types:
            rules.refunds[refund.activity_type] = refund
            rules.types[refund.purchase_type].total = refund.total
    grantable = Grantable.of(programme)
    rules.badges = compile_badges(programme.missions, problems)
    rules.quizzes = compile_quizzes(programme.missions.quizzes, problems)
    rules.together = compile_together(programme, known.types, grantable, problems)
    rules.levels = compile_levels(programme, grantable, problems)
    given = given_badges(programme.missions) | {mission.badge for mission in missions}
    given |= {grant.badge for mission in missions for grant in mission.rewards if grant.badge}
    for place, badge in enumerate(badges):
        if badge.id not in given:
            problems.add(
                f"missions.badges[{place}]",
                f"{badge.id!r} is given by no mission, level or challenge, and not `awarded`",
            )
    rules.campaigns = compile_campaigns(programme, rules.members.variables, rules.zone, problems)
    return rules


def _compile_missions(rules: MissionsRules, known: Known, problems: Problems) -> None:
    taken: set[str] = set()
    compiled = []
    for place, mission in enumerate(rules.programme.missions.missions):
        found = compile_mission(f"missions.missions[{place}]", mission, known, problems)
        if found is not None and mission.id not in taken and IDENTIFIER.fullmatch(mission.id):
            compiled.append(found)
        taken.add(mission.id)
    begins: dict[str, list[str]] = {}
    for found in compiled:
        for before in found.after:
            begins.setdefault(before, []).append(found.rule.id)
    for found in compiled:
        given = [grant.mission for grant in found.rule.rewards if grant.mission and not found.rule.claiming]
        rule = replace(found.rule, begins=(*begins.get(found.rule.id, ()), *given))
        rules.missions[rule.id] = rule
        if found.gate is not None:
            rules.gates[rule.id] = found.gate
        for looking in found.looking:
            if looking.fed:
                rules.by_feed.setdefault(looking.fed, []).append(Watch(rule, looking.goal, looking.step))
                continue
            of_type = rules.types.get(looking.type)
            if of_type is None:
                of_type = rules.types[looking.type] = TypeRules(known.types[looking.type])
            of_type.add(rule, looking)
            if found.gate is not None:
                of_type.gates[rule.id] = found.gate
    rules.by_type = {name: of_type.watches for name, of_type in rules.types.items()}


def _check_zone(programme: Programme, problems: Problems) -> None:
    name = programme.missions.time_zone_attribute
    declared = {attribute.name: attribute for attribute in programme.points.member_attributes}
    if not name or not problems.reference("missions.time_zone_attribute", name, declared, "member attribute"):
        return
    attribute = declared[name]
    if attribute.kind != points_pb.MEMBER_ATTRIBUTE_KIND_TEXT or not attribute.shared:
        problems.add("missions.time_zone_attribute", f"{name!r} is not a text that is `shared`")
