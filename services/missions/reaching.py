"""Time passes: members who have been silent, or members, for long enough, and messages whose hour has come.

A cursor for each campaign says how far it has looked, and moves in the
transaction of what it found, so that nobody is passed by while the service is
down and nobody is met twice. What is heard of late, behind the cursor, is
looked for once an hour, as far back as late activities are waited for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import asyncpg

from chassis.book import Kind, Operation, Touched
from chassis.configuration import Configurations
from chassis.errors import NotFound
from laurels.missions.v1.campaigns_events_pb2 import MessageRequested
from services.missions import gifts
from services.missions.book import Book
from services.missions.campaigns import joined_before
from services.missions.contact import contact_at
from services.missions.members import MEMBERS, zone_of
from services.missions.occurrences import MARKETING, MESSAGES, SEEN, TRIGGERS, judge, lock, touch
from services.missions.programme import MissionsRules
from services.missions.programme_campaigns import Campaign
from services.missions.store import campaigns as store
from services.missions.store.campaigns import DROPPED, REQUESTED, WAITING, Cursor

CURSORS: Kind[str, Cursor] = Kind("campaign cursors", 9, store.lock_cursors, store.save_cursors)
LOOK_BACK_EVERY, LOOK_BACK = timedelta(hours=1), timedelta(days=8)
"""What is late by more than a week is not waited for, and so not looked for."""
UNCOMMITTED = timedelta(minutes=1)
"""A transaction is over after so long; its rows bear the moment that it began."""
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Passed:
    """Members for whom a campaign is due: since when each is silent, or a member.

    `reached` is how far that has looked; None for what came late, of which
    everything was looked at by `looked_back_at`, unless that is None.
    """

    campaign: str
    members: Sequence[tuple[str, datetime]]
    reached: tuple[datetime, str] | None
    looked_back_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SendMessages:
    """Messages with their members, to be requested as of `until` if that is a moment at which they may leave."""

    messages: Sequence[tuple[str, str]]
    until: datetime


class Reach(Operation):
    """Sets off campaigns that time sets off."""

    requests = (Passed,)

    async def find(
        self, connection: asyncpg.Connection, book: Book, rules: MissionsRules, requests: Sequence[Passed]
    ) -> None:
        if rules.campaigns.gives_missions:
            await gifts.find(connection, book, {member for request in requests for member, _ in request.members})

    def touch(self, request: Passed, found: None, rules: MissionsRules, touched: Touched) -> None:
        touched.row(CURSORS, request.campaign)
        campaign = rules.campaigns.all.get(request.campaign)
        if campaign is None:
            return
        for member, since in request.members:
            touch(touched, rules, campaign, member, campaign.due_at(since, rules.zone))
            touched.row(TRIGGERS, (campaign.id, member, _cause(campaign, since)))
            if campaign.kind == "silence":
                touched.row(SEEN, (member, campaign.stated.silence.type))

    def decide(self, book: Book, rules: MissionsRules, request: Passed) -> int:
        campaign = rules.campaigns.all.get(request.campaign)
        if campaign is None or campaign not in rules.campaigns.of_time:
            return 0
        for member, since in request.members:
            if self._since(book, campaign, member) == since:
                at = campaign.due_at(since, rules.zone)
                trigger = {"trigger.since": since}
                judge(book, rules, campaign, member, at, cause=_cause(campaign, since), trigger=trigger)
        cursor = book.row(CURSORS, campaign.id) or Cursor(campaign.id, BEGINNING, "", book.now)
        if request.reached is not None:
            cursor.reached_at, cursor.member = max((cursor.reached_at, cursor.member), request.reached)
        if request.looked_back_at is not None:
            cursor.looked_back_at = max(cursor.looked_back_at, request.looked_back_at)
        book.put(CURSORS, campaign.id, cursor)
        return max(1, len(request.members))

    def _since(self, book: Book, campaign: Campaign, member: str) -> datetime | None:
        """Since when the member is silent, or a member, as it is now."""
        if campaign.kind == "silence":
            seen = book.row(SEEN, (member, campaign.stated.silence.type))
            return seen.last_at if seen is not None else None
        known = book.row(MEMBERS, member)
        return known.enrolled_at if known is not None else None


def _cause(campaign: Campaign, since: datetime) -> str:
    return f"{campaign.kind}:{since.astimezone(UTC).isoformat()}"


class Send(Operation):
    """Requests messages, puts off those that may not leave now, and drops those without consent."""

    requests = (SendMessages,)

    def touch(self, request: SendMessages, found: None, rules: MissionsRules, touched: Touched) -> None:
        for message, member in request.messages:
            touched.row(MEMBERS, member)
            touched.row(MESSAGES, message)

    def decide(self, book: Book, rules: MissionsRules, request: SendMessages) -> int:
        done = 0
        for name, member in request.messages:
            message = book.row(MESSAGES, name)
            if message is None or message.state != WAITING or message.due_at > request.until:
                continue
            done += 1
            known = lock(book, member)
            hour = message.contact_hour if message.contact_hour >= 0 else None
            due_at = contact_at(request.until, zone_of(known, rules), rules.campaigns.quiet, hour)
            if not known.consents.get(MARKETING, False):
                message.state = DROPPED
            elif due_at > request.until:
                message.due_at = due_at
            else:
                message.state = REQUESTED
                told = MessageRequested(
                    message=message.message,
                    member=member,
                    campaign=message.campaign,
                    channel=message.channel,
                    template=message.template,
                    fields=message.fields,
                    requested_at=request.until,
                )
                book.tell(member, told)
            book.put(MESSAGES, name, message)
        return done


OPERATIONS: tuple[Operation, ...] = (Reach(), Send())


async def due_messages(connection: asyncpg.Connection, brand: str, until: datetime, most: int) -> SendMessages | None:
    """Messages whose hour has come."""
    found = await store.due_messages(connection, brand, until, most)
    return SendMessages(found, until) if found else None


class DueCampaigns:
    """Finds the members for whom a campaign of time is due, campaign by campaign."""

    def __init__(self, programmes: Configurations[MissionsRules]) -> None:
        self._programmes = programmes
        self._looking_back: dict[tuple[str, str], tuple[datetime, str]] = {}

    async def __call__(self, connection: asyncpg.Connection, brand: str, until: datetime, most: int) -> Passed | None:
        try:
            version, rules = await self._programmes.newest(connection, brand)
        except NotFound:
            return None
        campaigns = {campaign.id: campaign for campaign in rules.campaigns.of_time}
        if not campaigns:
            return None
        known = await store.cursors(connection, brand, sorted(campaigns))
        for campaign in campaigns.values():
            cursor = known.get(campaign.id)
            if cursor is None:
                began = campaign.since or await store.recorded_at(connection, brand, version)
                return Passed(campaign.id, (), (_due_before(campaign, began, rules), ""), until)
            found = await self._due(connection, brand, campaign, cursor, rules, until, most)
            if found is not None:
                return found
        return None

    async def _due(
        self,
        connection: asyncpg.Connection,
        brand: str,
        campaign: Campaign,
        cursor: Cursor,
        rules: MissionsRules,
        until: datetime,
        most: int,
    ) -> Passed | None:
        type_name = campaign.stated.silence.type
        last = _due_before(campaign, until, rules) - timedelta(microseconds=1)
        members = await store.reached(connection, brand, type_name, (cursor.reached_at, cursor.member), last, most)
        if members:
            return Passed(campaign.id, members, (members[-1][1], members[-1][0]))
        if until - cursor.looked_back_at < LOOK_BACK_EVERY:
            return None
        behind = self._looking_back.pop((brand, campaign.id), (last - LOOK_BACK, ""))
        noted_after = cursor.looked_back_at - UNCOMMITTED
        members = await store.reached(
            connection, brand, type_name, behind, min(last, cursor.reached_at), most, noted_after=noted_after
        )
        if len(members) < most:
            return Passed(campaign.id, members, None, until)
        self._looking_back[brand, campaign.id] = (members[-1][1], members[-1][0])
        return Passed(campaign.id, members, None)


def _due_before(campaign: Campaign, moment: datetime, rules: MissionsRules) -> datetime:
    """Silent, or a member, since before this is long enough at a moment."""
    if campaign.kind == "silence":
        return moment - timedelta(days=campaign.stated.silence.days) + timedelta(microseconds=1)
    joining = campaign.stated.joining
    return joined_before(moment, joining.days, joining.months, rules.zone)
