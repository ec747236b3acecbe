"""What leaderboard keeps of a member: tier, consent, shared attributes, segments."""

from collections.abc import Sequence
from typing import Any

import asyncpg
from google.protobuf.json_format import MessageToDict

from chassis.book import Kind, Operation, Touched
from laurels.activity.v1.events_pb2 import ActivityRecorded
from laurels.points.v1.events_pb2 import MemberEnrolled, TierChanged
from laurels.points.v1.members_events_pb2 import ConsentChanged, SharedAttributesChanged
from laurels.points.v1.members_pb2 import CONSENT_PURPOSE_LEADERBOARDS
from services.leaderboard.book import Book
from services.leaderboard.ranks import consented, known
from services.leaderboard.store import members as store
from services.leaderboard.store.members import Member

MEMBERS: Kind[str, Member] = Kind("members", 10, store.lock, store.save)


class Know(Operation):
    """Takes over what is told of members."""

    requests = (MemberEnrolled, TierChanged, ConsentChanged, SharedAttributesChanged)

    def version(self, request: Any) -> None:
        return None

    def touch(self, request: Any, found: None, rules: None, touched: Touched) -> None:
        touched.row(MEMBERS, request.member)

    def decide(self, book: Book, rules: None, request: Any) -> None:
        member = book.row(MEMBERS, request.member) or Member(request.member, is_new=True)
        match request:
            case TierChanged():
                member.tier = request.to_tier
            case ConsentChanged():
                if request.purpose == CONSENT_PURPOSE_LEADERBOARDS:
                    member.leaderboards = request.granted
                    book.changes.append(consented(request.member, request.granted))
            case SharedAttributesChanged():
                member.attributes = MessageToDict(request.attributes)
        _keep(book, member)


class SeeActivity(Operation):
    """Takes the tier over that an activity was recorded with, where it is another."""

    requests = (ActivityRecorded,)

    def version(self, request: ActivityRecorded) -> int:
        return request.programme_version

    async def find(
        self, connection: asyncpg.Connection, book: Book, rules: Any, requests: Sequence[ActivityRecorded]
    ) -> dict[str, str]:
        names = sorted({request.activity.member for request in requests})
        book.tiers |= await store.tiers(connection, book.brand, names)
        return book.tiers

    def touch(self, request: ActivityRecorded, found: dict[str, str], rules: Any, touched: Touched) -> None:
        if found.get(request.activity.member) != request.tier:
            touched.row(MEMBERS, request.activity.member)

    def decide(self, book: Book, rules: Any, request: ActivityRecorded) -> None:
        name = request.activity.member
        member = book.row(MEMBERS, name)
        if member is None:
            if book.tiers.get(name) == request.tier:
                return  # known as it is, and so not locked
            member = Member(name, is_new=True)
        if member.is_new or member.tier != request.tier:
            member.tier = request.tier
            _keep(book, member)


def _keep(book: Book, member: Member) -> None:
    book.put(MEMBERS, member.member, member)
    book.changes.append(known(member.member, member.tier, member.attributes, member.segments))
