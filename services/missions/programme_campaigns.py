"""The campaigns of a programme, checked and compiled, and found by what sets them off."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from chassis.conditions import (
    FLAG,
    INTEGER,
    MOMENT,
    NUMBER,
    TEXT,
    Condition,
    InvalidExpression,
    Text,
    Vocabulary,
)
from laurels.missions.v1 import programme_campaigns_pb2 as pb
from laurels.missions.v1.programme_pb2 import MissionsProgramme
from laurels.programme.v1.programme_pb2 import Programme
from services.activity import ActivitySchema
from services.missions.campaigns import Bounds, Cap, joined_for
from services.missions.contact import NEVER_QUIET, QuietHours, quarter_of
from services.programme import IDENTIFIER, Problems, schemas

CAMPAIGNS_MAX, CAPS_MAX, EFFECTS_MAX, FIELDS_MAX = 1_000, 5, 10, 20
TIMES_MAX, DAYS_MAX, MONTHS_MAX, OFFER_DAYS_MAX = 1_000_000, 3_650, 120, 365
FIELD_NAME = re.compile(r"[a-z_][a-z0-9_]{0,63}")
OVERALL = "overall"
"""What counts over all campaigns that send a message."""
Item = TypeVar("Item")

_MORE: Mapping[str, Any] = {"member.days_since_joining": INTEGER}
_OF_TRIGGERS: Mapping[str, Mapping[str, Any]] = {
    "activity": {},
    "balance": {"trigger.currency": TEXT, "trigger.amount": INTEGER, "trigger.balance": INTEGER},
    "tier": {"trigger.from_tier": TEXT, "trigger.to_tier": TEXT},
    "anniversary": {"trigger.attribute": TEXT, "trigger.day": TEXT},
    "joining": {"trigger.since": MOMENT},
    "silence": {"trigger.since": MOMENT},
    "prediction": {"trigger.subject": TEXT, "trigger.probability": NUMBER},
    "segment": {"trigger.segment": TEXT, "trigger.entered": FLAG},
}
_READS_MEMBER = re.compile(r"\bmember\s*\.\s*(?!id\b)")


@dataclass(frozen=True, slots=True, eq=False)
class MessageEffect:
    """A message; `place` among the campaign's effects, its fields as expressions."""

    place: int
    message: pb.CampaignMessage
    fields: Sequence[tuple[str, Text]]


@dataclass(frozen=True, slots=True, eq=False)
class Campaign:
    """A campaign, compiled.

    `schema` is that of the activities that set it off; None for others.
    `reads_member` is false where the condition can be judged on the trigger
    alone, before anything of the member is read.
    """

    stated: pb.Campaign
    kind: str
    schema: ActivitySchema | None
    vocabulary: Vocabulary
    condition: Condition
    reads_member: bool
    since: datetime | None
    until: datetime | None
    bounds: Bounds
    messages: Sequence[MessageEffect]

    @property
    def id(self) -> str:
        return self.stated.id

    def runs_at(self, at: datetime) -> bool:
        return (self.since is None or self.since <= at) and (self.until is None or at < self.until)

    def values(self, member: Mapping[str, Any], trigger: Mapping[str, Any]) -> Any:
        """Values for its expressions, of a trigger that is no activity."""
        return self.vocabulary.values({**member, **trigger})

    def due_at(self, since: datetime, zone: ZoneInfo) -> datetime:
        """When it is due for a member who has been silent, or a member, since a moment."""
        if self.kind == "silence":
            return since + timedelta(days=self.stated.silence.days)
        return joined_for(since, self.stated.joining.days, self.stated.joining.months, zone)


@dataclass(slots=True)
class CampaignRules:
    """The campaigns by their ids in the programme's order, and by what sets them off.

    `seen_types` are the activity types of which it is remembered when a member
    did them first and last; `gives_missions` says whether a campaign assigns any.
    """

    all: dict[str, Campaign] = field(default_factory=dict)
    by_activity: dict[str, list[Campaign]] = field(default_factory=dict)
    by_currency: dict[str, list[Campaign]] = field(default_factory=dict)
    by_attribute: dict[str, list[Campaign]] = field(default_factory=dict)
    by_segment: dict[str, list[Campaign]] = field(default_factory=dict)
    of_tiers: list[Campaign] = field(default_factory=list)
    of_predictions: list[Campaign] = field(default_factory=list)
    of_time: list[Campaign] = field(default_factory=list)
    seen_types: set[str] = field(default_factory=set)
    quiet: QuietHours = NEVER_QUIET
    gives_missions: bool = False

    def add(self, campaign: Campaign) -> None:
        """Adds a campaign where what sets it off is looked for."""
        stated = campaign.stated
        self.all[stated.id] = campaign
        self.gives_missions |= any(effect.WhichOneof("kind") == "mission" for effect in stated.effects)
        match campaign.kind:
            case "activity":
                self.by_activity.setdefault(stated.activity.type, []).append(campaign)
                if stated.activity.first:
                    self.seen_types.add(stated.activity.type)
            case "balance":
                self.by_currency.setdefault(stated.balance.currency, []).append(campaign)
            case "tier":
                self.of_tiers.append(campaign)
            case "anniversary":
                self.by_attribute.setdefault(stated.anniversary.attribute, []).append(campaign)
            case "prediction":
                self.of_predictions.append(campaign)
            case "segment":
                self.by_segment.setdefault(stated.segment.segment, []).append(campaign)
            case "silence":
                self.seen_types.add(stated.silence.type)
                self.of_time.append(campaign)
            case "joining":
                self.of_time.append(campaign)


def compile_campaigns(
    programme: Programme, members: Mapping[str, Any], zone: ZoneInfo, problems: Problems
) -> CampaignRules:
    """Compiles what is right and reports what is not; a campaign with a problem never happens.

    `members` are the variables of conditions over members, with their types.
    """
    section, rules = programme.missions, CampaignRules()
    overall = _policy(section.campaign_policy, rules, problems)
    problems.items("missions.campaigns", section.campaigns, CAMPAIGNS_MAX)
    if not section.campaigns:
        return rules
    known = _Known(programme, section, {**members, **_MORE})
    for place, stated in enumerate(section.campaigns):
        before = len(problems.found)
        compiled = _campaign(f"missions.campaigns[{place}]", stated, overall, known, zone, problems)
        if compiled is not None and len(problems.found) == before and stated.id not in rules.all:
            rules.add(compiled)
    return rules


class _Known:
    """What campaigns may refer to."""

    def __init__(self, programme: Programme, section: MissionsProgramme, members: Mapping[str, Any]) -> None:
        self.types = schemas(programme, members)
        self._members, self._vocabularies = members, dict[str, Vocabulary]()
        self.currencies = {currency.id for currency in programme.points.currencies}
        self.tiers = {tier.id for tier in programme.points.tiers.levels}
        self.rewards = {reward.id for reward in programme.points.rewards}
        self.pools = {pool.id for pool in programme.leaderboard.scratch_pools}
        self.missions = {mission.id for mission in section.missions}
        self.dates = {each.name for each in programme.points.member_attributes if each.anniversary}

    def vocabulary(self, kind: str) -> Vocabulary:
        """The vocabulary of campaigns that a kind of trigger sets off, unless it is an activity."""
        if kind not in self._vocabularies:
            self._vocabularies[kind] = Vocabulary({**self._members, **_OF_TRIGGERS[kind]})
        return self._vocabularies[kind]


def _policy(policy: pb.CampaignPolicy, rules: CampaignRules, problems: Problems) -> list[Cap]:
    where = "missions.campaign_policy"
    if policy.HasField("quiet_hours"):
        times = []
        for name in ("from", "until"):
            try:
                times.append(quarter_of(getattr(policy.quiet_hours, name)))
            except ValueError:
                written = getattr(policy.quiet_hours, name)
                problems.add(f"{where}.quiet_hours.{name}", f"{written!r} is no quarter of an hour, such as 21:30")
        if len(times) == len(("from", "until")):
            rules.quiet = QuietHours(*times)
    return list(_caps(f"{where}.caps", OVERALL, policy.caps, problems))


def _caps(where: str, name: str, caps: Sequence[pb.FrequencyCap], problems: Problems) -> Iterator[Cap]:
    if len(caps) > CAPS_MAX:
        problems.add(where, f"has {len(caps)} items, more than {CAPS_MAX}")
    taken = set()
    for place, cap in enumerate(caps):
        if cap.per not in pb.CampaignPeriod.values() or not cap.per:
            problems.add(f"{where}[{place}].per", "is required: day, week, month, year or ever")
        elif cap.per in taken:
            problems.add(f"{where}[{place}].per", "is the period of a cap before it")
        taken.add(cap.per)
        problems.bounded(f"{where}[{place}].most", cap.most, 1, TIMES_MAX)
        yield Cap(name, cap.per, cap.most)


def _campaign(
    where: str, stated: pb.Campaign, overall: Sequence[Cap], known: _Known, zone: ZoneInfo, problems: Problems
) -> Campaign | None:
    kind = stated.WhichOneof("trigger")
    if kind is None:
        problems.add(where, "has no trigger, such as `activity`")
        return None
    schema = _check_trigger(where, stated, known, problems)
    vocabulary = known.vocabulary(kind) if kind != "activity" else schema.vocabulary if schema is not None else None
    # Expressions over a type that does not exist are not judged; all else is.
    condition = (
        _compiled(f"{where}.condition", vocabulary.condition, stated.condition, problems)
        if vocabulary is not None
        else None
    )
    since, until = problems.window(where, stated, zone)
    problems.bounded(f"{where}.control_percent", stated.control_percent, 0, 99)
    problems.bounded(f"{where}.occurrences_max", stated.occurrences_max, 0, TIMES_MAX)
    caps = list(_caps(f"{where}.caps", f"cap:{stated.id}", stated.caps, problems))
    problems.bounded(f"{where}.budget.times", stated.budget.times, 0)
    problems.bounded(f"{where}.budget.points", stated.budget.points, 0)
    messages = list(_check_effects(where, stated.effects, known, vocabulary, problems))
    if condition is None or vocabulary is None:
        return None
    bounds = Bounds(
        campaign=stated.id,
        occurrences_max=stated.occurrences_max or 1,
        caps=caps,
        overall=overall if messages else (),
        needs_consent=len(messages) == len(stated.effects),
        budget_times=stated.budget.times,
        budget_points=stated.budget.points,
        points=sum(effect.points.amount for effect in stated.effects),
        control_percent=stated.control_percent,
    )
    reads_member = _READS_MEMBER.search(stated.condition) is not None
    of_activity = schema if kind == "activity" else None
    return Campaign(stated, kind, of_activity, vocabulary, condition, reads_member, since, until, bounds, messages)


def _compiled(where: str, compile_source: Callable[[str], Item], source: str, problems: Problems) -> Item | None:
    try:
        return compile_source(source)
    except InvalidExpression as error:
        problems.add(where, str(error))
        return None


def _check_trigger(where: str, stated: pb.Campaign, known: _Known, problems: Problems) -> ActivitySchema | None:
    """The schema of the activity type that the trigger looks at, where it does."""
    match stated.WhichOneof("trigger"):
        case "activity":
            return _type(f"{where}.activity.type", stated.activity.type, known, problems)
        case "silence":
            problems.bounded(f"{where}.silence.days", stated.silence.days, 1, DAYS_MAX)
            return _type(f"{where}.silence.type", stated.silence.type, known, problems)
        case "balance":
            currency = stated.balance.currency
            problems.reference(f"{where}.balance.currency", currency, known.currencies, "currency")
            problems.bounded(f"{where}.balance.reaches", stated.balance.reaches, 1)
        case "tier":
            for place, tier in enumerate(stated.tier.tiers):
                problems.reference(f"{where}.tier.tiers[{place}]", tier, known.tiers, "tier")
        case "anniversary":
            attribute = stated.anniversary.attribute
            problems.reference(f"{where}.anniversary.attribute", attribute, known.dates, "anniversary")
        case "joining":
            problems.bounded(f"{where}.joining.days", stated.joining.days, 0, DAYS_MAX)
            problems.bounded(f"{where}.joining.months", stated.joining.months, 0, MONTHS_MAX)
            if not stated.joining.days and not stated.joining.months:
                problems.add(f"{where}.joining", "is no time: give it `days` or `months`")
        case "prediction":
            if stated.prediction.kind not in pb.PredictedKind.values() or not stated.prediction.kind:
                problems.add(f"{where}.prediction.kind", "is required: replenishment_due or churn_likely")
            problems.bounded(f"{where}.prediction.percent_least", stated.prediction.percent_least, 0, 100)
        case "segment":
            if not IDENTIFIER.fullmatch(stated.segment.segment):
                problems.add(f"{where}.segment.segment", "is not 1 to 64 characters of A-Z a-z 0-9 _ -")
    return None


def _type(where: str, name: str, known: _Known, problems: Problems) -> ActivitySchema | None:
    return known.types[name] if problems.reference(where, name, known.types, "activity type") else None


def _check_effects(
    where: str, effects: Sequence[pb.CampaignEffect], known: _Known, vocabulary: Vocabulary | None, problems: Problems
) -> Iterator[MessageEffect]:
    """Checks the effects; gives the messages among them, compiled."""
    problems.bounded(f"{where}.effects", len(effects), 1, EFFECTS_MAX)
    for place, effect in enumerate(effects):
        spot = f"{where}.effects[{place}]"
        match effect.WhichOneof("kind"):
            case "points":
                problems.reference(f"{spot}.points.currency", effect.points.currency, known.currencies, "currency")
                problems.bounded(f"{spot}.points.amount", effect.points.amount, 1)
            case "scratch_card":
                problems.reference(f"{spot}.scratch_card", effect.scratch_card, known.pools, "scratch-card pool")
            case "mission":
                problems.reference(f"{spot}.mission", effect.mission, known.missions, "mission")
            case "offer":
                problems.reference(f"{spot}.offer.reward", effect.offer.reward, known.rewards, "reward")
                problems.bounded(f"{spot}.offer.days", effect.offer.days, 1, OFFER_DAYS_MAX)
            case "message":
                yield _message(f"{spot}.message", place, effect.message, vocabulary, problems)
            case None:
                problems.add(spot, "is nothing: give it one of points, scratch_card, mission, offer, message")


def _message(
    where: str, place: int, stated: pb.CampaignMessage, vocabulary: Vocabulary | None, problems: Problems
) -> MessageEffect:
    for name in ("channel", "template"):
        if not IDENTIFIER.fullmatch(getattr(stated, name)):
            problems.add(f"{where}.{name}", "is not 1 to 64 characters of A-Z a-z 0-9 _ -")
    if stated.contact_hour.HasField("hour"):
        problems.bounded(f"{where}.contact_hour.hour", stated.contact_hour.hour, 0, 23)
    return MessageEffect(place, stated, list(_fields(f"{where}.fields", stated.fields, vocabulary, problems)))


def _fields(
    where: str, fields: Collection[pb.MessageField], vocabulary: Vocabulary | None, problems: Problems
) -> Iterable[tuple[str, Text]]:
    if len(fields) > FIELDS_MAX:
        problems.add(where, f"has {len(fields)} items, more than {FIELDS_MAX}")
    taken = set()
    for place, stated in enumerate(fields):
        if not FIELD_NAME.fullmatch(stated.name):
            problems.add(f"{where}[{place}].name", f"{stated.name!r} is not a letter or _, then a-z, 0-9 or _")
        elif stated.name in taken:
            problems.add(f"{where}[{place}].name", f"{stated.name!r} is taken by a field before it")
        taken.add(stated.name)
        if vocabulary is None:
            continue
        compiled = _compiled(f"{where}[{place}].value", vocabulary.text, stated.value, problems)
        if compiled is not None:
            yield stated.name, compiled
