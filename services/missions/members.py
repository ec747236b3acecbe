"""What missions keeps of a member: enrolment, tier, zone, consents, shared attributes, segments."""

from collections.abc import Sequence
from datetime import UTC
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import asyncpg
from google.protobuf.json_format import MessageToDict

from chassis.book import NEWEST, Kind, Operation, Touched
from laurels.activity.v1.events_pb2 import ActivityRecorded
from laurels.points.v1.events_pb2 import MemberEnrolled, TierChanged
from laurels.points.v1.members_events_pb2 import ConsentChanged, SharedAttributesChanged
from services.activity import moment_of
from services.missions import calendar, journal
from services.missions.book import Book
from services.missions.eligibility import PURPOSES
from services.missions.programme import MissionsRules, zone_named
from services.missions.store import members as store
from services.missions.store.members import Member
from services.missions.store.tallies import count

MEMBERS: Kind[str, Member] = Kind("members", 10, store.lock, store.save)


def seen(book: Book, name: str) -> Member:
    """A member as the transaction knows them: locked, looked at, or one of whom nothing was told."""
    return book.row(MEMBERS, name) or book.known.get(name) or Member(name)


async def look(connection: asyncpg.Connection, book: Book, names: Sequence[str]) -> None:
    """Reads members without locking them, for `seen`."""
    missing = sorted(set(names) - book.known.keys())
    if missing:
        book.known |= await store.members(connection, book.brand, missing)


def zone_of(member: Member, rules: MissionsRules) -> ZoneInfo:
    """The zone of the member's days: the shared attribute that the programme names, or the programme's own zone."""
    name = member.attributes.get(rules.zone_attribute) if rules.zone_attribute else None
    return (zone_named(name) if isinstance(name, str) else None) or rules.zone


class Know(Operation):
    """Takes over what is told of members."""

    requests: ClassVar[tuple[type, ...]] = (MemberEnrolled, ConsentChanged, SharedAttributesChanged)

    def version(self, request: Any) -> None:
        return None

    def touch(self, request: Any, found: None, rules: None, touched: Touched) -> None:
        touched.row(MEMBERS, request.member)

    def decide(self, book: Book, rules: None, request: Any) -> None:
        member = book.row(MEMBERS, request.member) or Member(request.member, is_new=True)
        match request:
            case MemberEnrolled():
                _count_enrolment(book, member)
                member.enrolled_at = member.enrolled_at or request.enrolled_at.ToDatetime(tzinfo=UTC)
            case TierChanged():
                member.tier = request.to_tier
            case ConsentChanged():
                if request.purpose in PURPOSES:
                    member.consents[PURPOSES[request.purpose]] = request.granted
            case SharedAttributesChanged():
                member.attributes = MessageToDict(request.attributes)
        book.put(MEMBERS, request.member, member)


class KnowTier(Know):
    """Takes a tier over, and feeds it to the missions whose goal it is."""

    requests = (TierChanged,)

    def version(self, request: TierChanged) -> int:  # type: ignore[override]
        return NEWEST

    async def find(
        self, connection: asyncpg.Connection, book: Book, rules: MissionsRules, requests: Sequence[TierChanged]
    ) -> None:
        await journal.find_late(connection, book, [each.member for each in requests if _tier(each) in rules.by_feed])

    def touch(self, request: TierChanged, found: None, rules: Any, touched: Touched) -> None:
        super().touch(request, None, None, touched)
        if _tier(request) in rules.by_feed:
            journal.touch(touched, request.member, late=True)

    def decide(self, book: Book, rules: Any, request: TierChanged) -> None:
        super().decide(book, None, request)
        at = calendar.micros(request.occurred_at.ToDatetime(tzinfo=UTC))
        journal.feed(book, rules, request.member, _tier(request), 1, at=at, key=str(at))


def _tier(changed: TierChanged) -> str:
    """What a tier is called where goals are fed."""
    return f"tier:{changed.to_tier}"


class SeeActivity(Operation):
    """Takes over the tier that an activity was recorded with, and who joined with it."""

    requests = (ActivityRecorded,)

    def version(self, request: ActivityRecorded) -> int:
        return request.programme_version

    async def find(
        self, connection: asyncpg.Connection, book: Book, rules: Any, requests: Sequence[ActivityRecorded]
    ) -> dict[str, Member]:
        await look(connection, book, [request.activity.member for request in requests])
        return book.known

    def touch(self, request: ActivityRecorded, found: dict[str, Member], rules: Any, touched: Touched) -> None:
        if _news(request, found.get(request.activity.member)):
            touched.row(MEMBERS, request.activity.member)

    def decide(self, book: Book, rules: Any, request: ActivityRecorded) -> None:
        name = request.activity.member
        member = book.row(MEMBERS, name)
        if member is None:
            if not _news(request, book.known.get(name)):
                return  # known as it is, and so not locked
            member = Member(name, is_new=True)
        if member.is_new or _news(request, member):
            member.tier = request.tier
            if request.enrolled:
                _count_enrolment(book, member)
                member.enrolled_at = member.enrolled_at or moment_of(request.activity)
            book.put(MEMBERS, name, member)


def _count_enrolment(book: Book, member: Member) -> None:
    """Counts a member who joins now: how rare a badge is goes by the number of members."""
    count(book, "members", member.member, 0 if member.enrolled_at is not None else 1)


def _news(request: ActivityRecorded, known: Member | None) -> bool:
    return known is None or known.tier != request.tier or (request.enrolled and known.enrolled_at is None)
