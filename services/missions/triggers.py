"""What members do, and what is heard of them, sets campaigns off.

A campaign is decided at the time of its trigger, on what is known of the
member when that is heard.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

import asyncpg
from google.protobuf.message import Message

from chassis.book import NEWEST, Operation, Touched
from chassis.conditions import ExpressionFailed
from laurels.activity.v1.events_pb2 import ActivityRecorded
from laurels.points.v1.events_pb2 import PointsCredited, TierChanged
from laurels.points.v1.members_events_pb2 import AnniversaryReached
from laurels.recommender.v1.predictions_events_pb2 import (
    PREDICTION_KIND_BEST_HOUR,
    PredictionMade,
    SegmentChanged,
)
from services.activity import moment_of
from services.book import Together
from services.missions import gifts
from services.missions.book import Book
from services.missions.campaigns import rises_to
from services.missions.members import MEMBERS, KnowTier
from services.missions.occurrences import HOURS, SEEN, holds, judge, lock, set_off, touch, variables
from services.missions.programme import MissionsRules
from services.missions.programme_campaigns import Campaign, CampaignRules
from services.missions.store import campaigns as store
from services.missions.store.campaigns import Hours, Seen
from services.missions.store.members import Member

HOURS_OF_DAY = frozenset(str(hour) for hour in range(24))


class ActivityHeard(Operation):
    """Remembers when a member did a type first and last, and sets campaigns off."""

    requests = (ActivityRecorded,)

    def version(self, request: ActivityRecorded) -> int:
        return request.programme_version

    async def find(
        self, connection: asyncpg.Connection, book: Book, rules: MissionsRules, requests: Sequence[ActivityRecorded]
    ) -> set[tuple[str, str]]:
        """The members and types, of those that are remembered, of which one came before: that never changes back."""
        if rules.campaigns.gives_missions:
            met = {
                request.activity.member
                for request in requests
                if request.earned or request.activity.type in rules.campaigns.by_activity
            }
            await gifts.find(connection, book, met)
        keys = {
            (request.activity.member, request.activity.type)
            for request in requests
            if request.activity.type in rules.campaigns.seen_types
        }
        return await store.seen_before(connection, book.brand, sorted(keys)) if keys else set()

    def touch(
        self, request: ActivityRecorded, found: set[tuple[str, str]], rules: MissionsRules, touched: Touched
    ) -> None:
        campaigns = rules.campaigns
        if not campaigns.all:
            return
        activity, at = request.activity, moment_of(request.activity)
        key = (activity.member, activity.type)
        if activity.type in campaigns.seen_types:
            touched.row(MEMBERS, activity.member)
            touched.row(SEEN, key)
        for campaign in _candidates(rules, request, at):
            if not (campaign.stated.activity.first and key in found):
                touch(touched, rules, campaign, activity.member, at)
        for campaign, _ in _reached(campaigns, request, at):
            touch(touched, rules, campaign, activity.member, at)

    def decide(self, book: Book, rules: MissionsRules, request: ActivityRecorded) -> None:
        campaigns = rules.campaigns
        if not campaigns.all:
            return
        activity, at = request.activity, moment_of(request.activity)
        cause = f"activity:{activity.id}"
        first = activity.type in campaigns.seen_types and _see(book, activity.member, activity.type, at)
        for campaign in _candidates(rules, request, at):
            if campaign.stated.activity.first and not first:
                continue
            known = lock(book, activity.member)
            values = _values(rules, campaign, request, known, at)
            if holds(book, campaign, values):
                set_off(book, rules, campaign, known, at, cause=cause, values=values)
        for campaign, trigger in _reached(campaigns, request, at):
            judge(book, rules, campaign, activity.member, at, cause=cause, trigger=trigger)


def _values(rules: MissionsRules, campaign: Campaign, request: ActivityRecorded, member: Member, at: datetime) -> Any:
    assert campaign.schema is not None  # noqa: S101 - campaigns by activity have one
    return campaign.schema.values(request.activity, variables(rules, member, at))


def _candidates(rules: MissionsRules, request: ActivityRecorded, at: datetime) -> Iterator[Campaign]:
    """The campaigns that an activity may set off: those whose condition fails on it alone are left out.

    So what no campaign wants costs no row.
    """
    nobody = Member(request.activity.member)
    for campaign in rules.campaigns.by_activity.get(request.activity.type, ()):
        if not campaign.runs_at(at):
            continue
        alone = not campaign.reads_member and campaign.stated.condition.strip() != ""
        if not alone or _holds_alone(campaign, _values(rules, campaign, request, nobody, at)):
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


def _see(book: Book, member: str, type_name: str, at: datetime) -> bool:
    """Remembers an activity; whether it is the first of its type that was heard of."""
    lock(book, member)
    seen = book.row(SEEN, (member, type_name))
    if seen is None:
        book.put(SEEN, (member, type_name), Seen(member, type_name, at, at))
        return True
    seen.first_at, seen.last_at = min(seen.first_at, at), max(seen.last_at, at)
    book.put(SEEN, (member, type_name), seen)
    return False


class Told(Operation):
    """An event of a member that is a trigger by itself; `matching` finds the campaigns and what they read of it."""

    def __init__(
        self,
        request: type,
        at: Callable[[Any], datetime],
        matching: Callable[[CampaignRules, Any], Iterator[tuple[Campaign, Mapping[str, Any]]]],
    ) -> None:
        self.requests = (request,)  # type: ignore[misc]
        self._at, self._matching = at, matching

    def version(self, request: Any) -> int:
        return getattr(request, "programme_version", 0) or NEWEST

    async def find(
        self, connection: asyncpg.Connection, book: Book, rules: MissionsRules, requests: Sequence[Any]
    ) -> None:
        if rules.campaigns.gives_missions:
            met = {each.member for each in requests if any(True for _ in self._matching(rules.campaigns, each))}
            await gifts.find(connection, book, met)

    def touch(self, request: Any, found: None, rules: MissionsRules, touched: Touched) -> None:
        at = self._at(request)
        for campaign, _ in self._matching(rules.campaigns, request):
            touch(touched, rules, campaign, request.member, at)

    def decide(self, book: Book, rules: MissionsRules, request: Any) -> None:
        at = self._at(request)
        for campaign, trigger in self._matching(rules.campaigns, request):
            judge(book, rules, campaign, request.member, at, cause=_cause(request), trigger=trigger)


class Foresee(Operation):
    """Takes over what the recommender says of a member: the best hour, and the segments."""

    requests = (PredictionMade, SegmentChanged)

    def version(self, request: Any) -> None:
        return None

    def touch(self, request: Any, found: None, rules: Any, touched: Touched) -> None:
        touched.row(MEMBERS, request.member)
        if isinstance(request, PredictionMade):
            touched.row(HOURS, request.member)

    def decide(self, book: Book, rules: Any, request: Any) -> None:
        member = lock(book, request.member)
        if isinstance(request, SegmentChanged):
            inside = {*member.segments, request.segment} if request.entered else {*member.segments} - {request.segment}
            member.segments = sorted(inside)
            book.put(MEMBERS, member.member, member)
        elif request.kind == PREDICTION_KIND_BEST_HOUR:
            book.put(HOURS, member.member, Hours(member.member, _hour(request.subject)))


def _hour(text: str) -> int:
    """An hour of the day; -1 for what is none."""
    return int(text) if text in HOURS_OF_DAY else -1


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
        if not campaign.stated.tier.tiers or changed.to_tier in campaign.stated.tier.tiers:
            yield campaign, {"trigger.from_tier": changed.from_tier, "trigger.to_tier": changed.to_tier}


def _of_anniversary(rules: CampaignRules, reached: AnniversaryReached) -> Iterator[tuple[Campaign, Mapping[str, Any]]]:
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


def _at_its_time(event: Any) -> datetime:
    return _moment(event.occurred_at)


def _as_of(event: Any) -> datetime:
    return _moment(event.as_of)


class AsOfNow(Together):
    """An event to which several topics react, and which names no version: it is decided under the newest."""

    def version(self, request: Any) -> int:
        return NEWEST


CREDITED = Told(PointsCredited, _at_its_time, _of_credit)
OPERATIONS: tuple[Operation, ...] = (
    Told(AnniversaryReached, _at_its_time, _of_anniversary),
    AsOfNow(TierChanged, KnowTier(), Told(TierChanged, _at_its_time, _of_tier)),
    AsOfNow(PredictionMade, Foresee(), Told(PredictionMade, _as_of, _of_prediction)),
    AsOfNow(SegmentChanged, Foresee(), Told(SegmentChanged, _as_of, _of_segment)),
)
"""All but those of activities and of points, to which others react, too."""
