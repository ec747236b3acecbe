"""Back ends, other services and refunds give badges and take them away."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b

import asyncpg

from chassis.book import Operation, Touched
from chassis.errors import FailedPrecondition, IdempotencyConflict, NotFound
from laurels.missions.v1 import badges_pb2
from laurels.points.v1.earning_events_pb2 import PointsRefunded
from laurels.value.v1.events_pb2 import Grant
from services.missions import gifts
from services.missions.badges import AWARDS, Give, Take
from services.missions.book import Book
from services.missions.programme import MissionsRules


class UnknownBadge(NotFound):
    """The programme has no such badge."""

    code = "unknown_badge"

    def __init__(self, badge: str) -> None:
        super().__init__(f"There is no badge {badge!r}.")


class NotAwarded(FailedPrecondition):
    """The programme does not declare the badge as one that back ends give."""

    code = "not_awarded"

    def __init__(self, badge: str) -> None:
        super().__init__(f"The badge {badge!r} is not declared as `awarded`.")


@dataclass(frozen=True, slots=True)
class AwardAsked:
    """A back end gives a badge, `at` a moment."""

    request: badges_pb2.AwardBadgeRequest
    at: datetime

    @property
    def key(self) -> str:
        """Digests the caller's key, which may be anything, even a key of the suite's own."""
        return f"award:{blake2b(self.request.idempotency_key.encode(), digest_size=16).hexdigest()}"


class GiveOrTake(Operation):
    """Back ends give badges and take them away. The answers are complete when the transaction is."""

    requests = (AwardAsked, badges_pb2.RevokeBadgeRequest)

    async def find(
        self,
        connection: asyncpg.Connection,
        book: Book,
        rules: MissionsRules,
        requests: Sequence[AwardAsked | badges_pb2.RevokeBadgeRequest],
    ) -> None:
        await gifts.find(connection, book, [r.request.member for r in requests if isinstance(r, AwardAsked)])

    def touch(
        self, request: AwardAsked | badges_pb2.RevokeBadgeRequest, found: None, rules: MissionsRules, touched: Touched
    ) -> None:
        if isinstance(request, AwardAsked):
            touched.row(AWARDS, (request.request.member, request.key))
            gifts.touch(touched, request.request.member, [Grant(badge=request.request.badge)])

    def decide(
        self, book: Book, rules: MissionsRules, request: AwardAsked | badges_pb2.RevokeBadgeRequest
    ) -> badges_pb2.AwardBadgeResponse | badges_pb2.RevokeBadgeResponse:
        if isinstance(request, AwardAsked):
            return self._give(book, rules, request)
        revoked = badges_pb2.RevokeBadgeResponse()
        book.badges_asked.append(Take(request.member, book.now, badge=request.badge, answer=revoked))
        return revoked

    def _give(self, book: Book, rules: MissionsRules, asked: AwardAsked) -> badges_pb2.AwardBadgeResponse:
        request = asked.request
        known = book.row(AWARDS, (request.member, asked.key))
        given = [each for each in book.badges_asked if isinstance(each, Give)]
        before = {(each.member, each.key): each.badge for each in given}.get((request.member, asked.key), "")
        if request.badge != (known.badge if known is not None else before or request.badge):
            raise IdempotencyConflict(f"The key {request.idempotency_key!r} was used for another badge.")
        declared = rules.badges.badges.get(request.badge)
        if declared is None:
            raise UnknownBadge(request.badge)
        if not declared.awarded:
            raise NotAwarded(request.badge)
        gifts.note_badge(book, rules, request.member, request.badge, asked.key, asked.at)
        answer = badges_pb2.AwardBadgeResponse()
        book.badges_asked.append(Give(request.member, request.badge, asked.key, asked.at, "", request.activity, answer))
        return answer


class RevokeRefunded(Operation):
    """Takes away the badges that a purchase earned which is wholly refunded."""

    requests = (PointsRefunded,)

    def version(self, request: PointsRefunded) -> int:
        return request.programme_version

    def decide(self, book: Book, rules: MissionsRules, request: PointsRefunded) -> None:
        if request.refunded >= request.total:
            at = request.occurred_at.ToDatetime(tzinfo=UTC)
            book.take_badges(request.member, at, activity=request.purchase)
