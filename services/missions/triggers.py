"""What members do, and what is heard of them, sets campaigns off.

What is heard is kept by when it was said, so that late news of old changes
nothing that is newer. A campaign is decided on what was known when its trigger
was heard.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from chassis.book import NEWEST, Operation, Touched
from chassis.conditions import ExpressionFailed
from laurels.activity.v1.events_pb2 import ActivityRecorded
from laurels.points.v1 import members_pb2
from laurels.points.v1.events_pb2 import MemberEnrolled, PointsCredited, TierChanged
from laurels.points.v1.members_events_pb2 import AnniversaryReached, ConsentChanged, SharedAttributesChanged
from laurels.recommender.v1.predictions_events_pb2 import (
    PREDICTION_KIND_BEST_HOUR,
    PredictionMade,
    SegmentChanged,
)
from services.activity import moment_of
from services.missions.campaigns import Member, is_newer, rises_to
from services.missions.occurrences import MEMBERS, SEEN, holds, judge, member_of, set_off, touch
from services.missions.programme_campaigns import Campaign, CampaignRules
from services.missions.store.campaigns import Seen

SEGMENTS_MAX, ATTRIBUTES_BYTES_MAX = 1_000, 100_000


class ActivityHeard(Operation):
    """An activity: who joined, their tier, when they did a type first and last, and the campaigns that it sets off."""

    requests = (ActivityRecorded,)

    def version(self, request: ActivityRecorded) -> int:
        return request.programme_version

    def touch(self, request: ActivityRecorded, found: None, rules: Any, touched: Touched) -> None:
        campaigns: CampaignRules = rules.campaigns
        if not campaigns.all:
            if request.enrolled:
                touched.row(MEMBERS, request.activity.member)
            return
        activity, at = request.activity, moment_of(request.activity)
        seen = activity.type in campaigns.seen_types
        candidates = [*_candidates(campaigns, request, at), *(each for each, _ in _reached(campaigns, request, at))]
        if candidates or seen or request.enrolled:
            touched.row(MEMBERS, activity.member)
        if seen:
            touched.row(SEEN, (activity.member, activity.type))
        for campaign in candidates:
            touch(touched, campaigns, campaign, activity.member, at)

    def decide(self, book: Any, rules: Any, request: ActivityRecorded) -> None:
        campaigns: CampaignRules = rules.campaigns
        activity, at = request.activity, moment_of(request.activity)
        if request.enrolled:
            _enrol(book, activity.member, at)
        if not campaigns.all:
            return
        first = activity.type in campaigns.seen_types and _see(book, activity.member, activity.type, at)
        known = book.row(MEMBERS, activity.member)
        if known is None:
            return
        if request.tier and is_newer(known.tier_at, at):
            # As of this activity; what TierChanged says of the same moment says the same.
            known.tier = request.tier
        for campaign in _candidates(campaigns, request, at):
            if campaign.stated.activity.first and not first:
                continue
            values = _values(campaign, request, known, at, campaigns)
            if holds(book, campaign, values):
                cause = f"activity:{activity.id}"
                version = request.programme_version
                set_off(book, campaigns, campaign, known, at, cause=cause, version=version, values=values)
        for campaign, trigger in _reached(campaigns, request, at):
            judge(
                book,
                campaigns,
                campaign,
                activity.member,
                at,
                cause=f"activity:{activity.id}",
                version=request.programme_version,
                trigger=trigger,
            )


def _values(
    campaign: Campaign, request: ActivityRecorded, member: Member, at: datetime, rules: CampaignRules
) -> Any:
    assert campaign.schema is not None  # noqa: S101 - campaigns by activity have one
    return campaign.schema.values(request.activity, member.variables(at, rules.zone))


def _candidates(rules: CampaignRules, request: ActivityRecorded, at: datetime) -> Iterator[Campaign]:
    """The campaigns that an activity may set off: those whose condition fails on it alone are left out.

    So what no campaign wants costs no row.
    """
    nobody = Member(request.activity.member)
    for campaign in rules.by_activity.get(request.activity.type, ()):
        if not campaign.runs_at(at):
            continue
        if campaign.reads_member or not campaign.stated.condition.strip():
            yield campaign
        elif _holds_alone(campaign, _values(campaign, request, nobody, at, rules)):
            yield campaign


def _holds_alone(campaign: Campaign, values: Any) -> bool:
    try:
        return campaign.condition.holds(values)
    except ExpressionFailed:
        return True  # to be judged, and told, once


def _reached(
    rules: CampaignRules, request: ActivityRecorded, at: datetime
) -> Iterator[tuple[Campaign, Mapping[str, Any]]]:
    """The campaigns whose balance the activity's earnings reach."""
    for earned in request.earned:
        for campaign in rules.by_currency.get(earned.currency, ()):
            available = earned.amount - earned.pending
            if campaign.runs_at(at) and rises_to(available, earned.balance, campaign.stated.balance.reaches):
                yield campaign, _of_balance(earned.currency, available, earned.balance)


def _of_balance(currency: str, amount: int, balance: int) -> Mapping[str, Any]:
    return {"trigger.currency": currency, "trigger.amount": amount, "trigger.balance": balance}


def _enrol(book: Any, member: str, at: datetime) -> None:
    known = member_of(book, member)
    known.enrolled_at = at
    book.put(MEMBERS, member, known)


def _see(book: Any, member: str, type_name: str, at: datetime) -> bool:
    """Remembers an activity; whether it is the first of its type that was heard of."""
    seen = book.row(SEEN, (member, type_name))
    if seen is None:
        book.put(SEEN, (member, type_name), Seen(member, type_name, at, at))
        return True
    seen.first_at, seen.last_at = min(seen.first_at, at), max(seen.last_at, at)
    book.put(SEEN, (member, type_name), seen)
    return False


class MemberHeard(Operation):
    """What changes what is known of a member and sets nothing off."""

    requests = (MemberEnrolled, ConsentChanged, SharedAttributesChanged)

    def version(self, request: Any) -> None:
        return None

    def touch(self, request: Any, found: None, rules: None, touched: Touched) -> None:
        touched.row(MEMBERS, request.member)

    def decide(self, book: Any, rules: None, request: Any) -> None:
        known = member_of(book, request.member)
        match request:
            case MemberEnrolled():
                known.enrolled_at = _moment(request.enrolled_at)
            case ConsentChanged():
                at = _moment(request.changed_at)
                if request.purpose != members_pb2.CONSENT_PURPOSE_MARKETING or not is_newer(known.marketing_at, at):
                    return
                known.marketing, known.marketing_at = request.granted, at
            case SharedAttributesChanged():
                at = _moment(request.changed_at)
                if not is_newer(known.attributes_at, at) or request.ByteSize() > ATTRIBUTES_BYTES_MAX:
                    return
                known.attributes, known.attributes_at = MessageToDict(request.attributes), at
        book.put(MEMBERS, request.member, known)


class Told(Operation):
    """An event of a member that is a trigger by itself; `matching` finds the campaigns and what they read of it."""

    def __init__(
        self,
        request: type,
        at: Callable[[Any], datetime],
        matching: Callable[[CampaignRules, Any], Iterator[tuple[Campaign, Mapping[str, Any]]]],
        note: Callable[[Member, Any, datetime], bool] = lambda member, request, at: False,
    ) -> None:
        self.requests = (request,)  # type: ignore[misc]
        self._at, self._matching, self._note = at, matching, note

    def version(self, request: Any) -> int:
        return getattr(request, "programme_version", 0) or NEWEST

    def touch(self, request: Any, found: None, rules: Any, touched: Touched) -> None:
        at = self._at(request)
        for campaign, _ in self._matching(rules.campaigns, request):
            touch(touched, rules.campaigns, campaign, request.member, at)
        if self._note(Member(request.member), request, at):
            touched.row(MEMBERS, request.member)

    def decide(self, book: Any, rules: Any, request: Any) -> None:
        at = self._at(request)
        known = member_of(book, request.member)
        if self._note(known, request, at):
            book.put(MEMBERS, request.member, known)
        for campaign, trigger in self._matching(rules.campaigns, request):
            judge(
                book,
                rules.campaigns,
                campaign,
                request.member,
                at,
                cause=_cause(request),
                version=self.version(request) or book.newest,
                trigger=trigger,
            )


def _cause(request: Message) -> str:
    """What tells an event from others: its contents, since no two of a member say the same."""
    said = blake2b(request.SerializeToString(deterministic=True), digest_size=12).hexdigest()
    return f"{request.DESCRIPTOR.name}:{said}"


def _moment(stamp: Any) -> datetime:
    found: datetime = stamp.ToDatetime(tzinfo=UTC)
    return found


def _of_credit(rules: CampaignRules, credited: PointsCredited) -> Iterator[tuple[Campaign, Mapping[str, Any]]]:
    for campaign in rules.by_currency.get(credited.currency, ()):
        if rises_to(credited.amount, credited.balance, campaign.stated.balance.reaches):
            yield campaign, _of_balance(credited.currency, credited.amount, credited.balance)


def _of_tier(rules: CampaignRules, changed: TierChanged) -> Iterator[tuple[Campaign, Mapping[str, Any]]]:
    for campaign in rules.of_tiers:
        if not campaign.stated.tier.to or changed.to_tier in campaign.stated.tier.to:
            yield campaign, {"trigger.from_tier": changed.from_tier, "trigger.to_tier": changed.to_tier}


def _of_anniversary(
    rules: CampaignRules, reached: AnniversaryReached
) -> Iterator[tuple[Campaign, Mapping[str, Any]]]:
    for campaign in rules.by_attribute.get(reached.attribute, ()):
        yield campaign, {"trigger.attribute": reached.attribute, "trigger.day": reached.day}


def _of_prediction(rules: CampaignRules, made: PredictionMade) -> Iterator[tuple[Campaign, Mapping[str, Any]]]:
    for campaign in rules.of_predictions:
        wanted = campaign.stated.prediction
        # The kinds that a campaign may name have the recommender's numbers.
        if int(wanted.kind) != int(made.kind) or wanted.subject not in ("", made.subject):
            continue
        if made.probability * 100 >= wanted.percent_least:
            yield campaign, {"trigger.subject": made.subject, "trigger.probability": made.probability}


def _of_segment(rules: CampaignRules, changed: SegmentChanged) -> Iterator[tuple[Campaign, Mapping[str, Any]]]:
    for campaign in rules.by_segment.get(changed.segment, ()):
        if campaign.stated.segment.left != changed.entered:
            yield campaign, {"trigger.segment": changed.segment, "trigger.entered": changed.entered}


def _note_tier(member: Member, changed: TierChanged, at: datetime) -> bool:
    if not is_newer(member.tier_at, at):
        return False
    member.tier, member.tier_at = changed.to_tier, at
    return True


def _note_hour(member: Member, made: PredictionMade, at: datetime) -> bool:
    if made.kind != PREDICTION_KIND_BEST_HOUR or not is_newer(member.best_hour_at, at):
        return False
    known = made.subject.isascii() and made.subject.isdigit() and len(made.subject) <= len("23")
    member.best_hour = int(made.subject) if known and int(made.subject) < 24 else -1
    member.best_hour_at = at
    return True


def _note_segment(member: Member, changed: SegmentChanged, at: datetime) -> bool:
    before = member.segments.get(changed.segment)
    if before is not None and not is_newer(before[1], at):
        return False
    if before is None and len(member.segments) >= SEGMENTS_MAX:
        return False
    member.segments = {**member.segments, changed.segment: (changed.entered, at)}
    return True


OPERATIONS: tuple[Operation, ...] = (
    MemberHeard(),
    Told(PointsCredited, lambda credited: _moment(credited.occurred_at), _of_credit),
    Told(TierChanged, lambda changed: _moment(changed.occurred_at), _of_tier, _note_tier),
    Told(AnniversaryReached, lambda reached: _moment(reached.occurred_at), _of_anniversary),
    Told(PredictionMade, lambda made: _moment(made.as_of), _of_prediction, _note_hour),
    Told(SegmentChanged, lambda changed: _moment(changed.as_of), _of_segment, _note_segment),
)
"""All but that of activities, which missions count, too."""
