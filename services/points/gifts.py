"""Members give points to each other; what was given keeps the moment at which it expires."""

from collections.abc import Sequence
from datetime import UTC, timedelta
from typing import Any

import asyncpg

from chassis.answers import digest
from chassis.errors import FailedPrecondition, FieldViolation, InvalidArgument
from laurels.points.v1 import groups_events_pb2, groups_pb2, points_pb2
from laurels.points.v1 import programme_groups_pb2 as pb
from services.points import allowances, ledger, store
from services.points.book import Book, Operation, Touched
from services.points.ledger import AVAILABLE, UnknownMember
from services.points.programme import PointsRules
from services.points.states import MemberState


class NotGiftable(FailedPrecondition):
    """The programme does not let members give this currency."""

    code = "not_giftable"

    def __init__(self, currency: str) -> None:
        super().__init__(f"{currency} cannot be given to another member.")


class GiftLimit(FailedPrecondition):
    """The giver would give more, or the receiver be given more, than they may."""

    code = "gift_limit"

    def __init__(self, who: str, left: int, amount: int) -> None:
        super().__init__(f"The {who} has {left} left of the limit on gifts, which is less than {amount}.")
        self.left = left


class GiftTooEarly(FailedPrecondition):
    """The giver has not been a member for long enough."""

    code = "gift_too_early"

    def __init__(self, days: int) -> None:
        super().__init__(f"Members give nothing in their first {days} days.")
        self.days = days


class Give(Operation):
    """Moves points from member to member."""

    requests = (groups_pb2.GivePointsRequest,)

    async def find(
        self, connection: asyncpg.Connection, brand: str, rules: PointsRules, requests: Sequence[Any]
    ) -> set[str]:
        """Which receivers there are, so that nobody makes accounts for members that do not exist."""
        return await store.enrolled(connection, brand, sorted({request.to for request in requests}))

    def touch(
        self, request: groups_pb2.GivePointsRequest, found: set[str], rules: PointsRules, touched: Touched
    ) -> None:
        touched.members.update((request.member, request.to))
        touched.keys.add(_key(request))
        bounds = rules.gifts.currencies.get(request.currency)
        if bounds is None or request.to not in found:
            return
        touched.wallet(request.member, request.currency, request.amount)
        touched.wallet(request.to, request.currency)
        for counter, member, allowed in _limits(request, bounds):
            periods = [per for _, per in allowances.limits_of(allowed)]
            allowances.touch(touched, counter, member, periods, touched.now, rules.zone)

    def decide(self, book: Book, request: groups_pb2.GivePointsRequest) -> groups_pb2.GivePointsResponse:
        key, content = _key(request), digest(request)
        answer = groups_pb2.GivePointsResponse()
        if (known := book.once(key, content, "gift")) is not None:
            _answer(book, answer.entry, request, known)
            return answer
        giver = book.member(request.member)
        book.check_guardian(request.member)
        book.spendable(request.currency)
        bounds = book.rules.gifts.currencies.get(request.currency)
        if bounds is None:
            raise NotGiftable(request.currency)
        book.member(request.to)
        target = book.accounts.get((request.to, request.currency, AVAILABLE))
        if target is None or not _are_counted(book, request, bounds):
            raise UnknownMember(request.to)  # who was not there when the transaction began
        _check(book, giver, request, bounds)
        wallet = book.wallet(request.member, request.currency)
        ledger.check_debit(wallet, request.amount, floor=0)
        ledger.check_credit(target, request.amount)
        entry = book.move(
            wallet,
            target,
            request.amount,
            key=key,
            kind=points_pb2.ENTRY_KIND_GIFT,
            reference=request.reference,
            occurred_at=book.now,
            digest=content,
        )
        for counter, member, allowed in _limits(request, bounds):
            periods = [per for _, per in allowances.limits_of(allowed)]
            allowances.count(book, counter, member, periods, book.now, request.amount)
        told: dict[str, Any] = {
            "currency": request.currency,
            "amount": request.amount,
            "reference": request.reference,
            "occurred_at": book.now,
        }
        given = groups_events_pb2.GiftGiven(member=request.member, to=request.to, balance=wallet.balance, **told)
        received = groups_events_pb2.GiftReceived(
            member=request.to, giver=request.member, balance=target.balance, **told
        )
        book.tell(request.member, given)
        book.tell(request.to, received)
        _answer(book, answer.entry, request, entry)
        return answer


def _check(book: Book, giver: MemberState, request: groups_pb2.GivePointsRequest, bounds: pb.GiftCurrency) -> None:
    """Raises when the gift is not within the programme's bounds."""
    least, most = max(bounds.amount_min, 1), bounds.amount_max or ledger.BALANCE_MAX
    if not least <= request.amount <= most:
        raise InvalidArgument.of([FieldViolation("amount", f"is {request.amount}, not within {least} and {most}")])
    cooling: timedelta = book.rules.gifts.cooling
    if giver.enrolled_at is not None and book.now < giver.enrolled_at + cooling:
        raise GiftTooEarly(cooling.days)
    for who, (counter, member, allowed) in zip(("giver", "receiver"), _limits(request, bounds), strict=True):
        left = allowances.remaining(book, counter, member, allowances.limits_of(allowed), book.now)
        if left is not None and left < request.amount:
            raise GiftLimit(who, left, request.amount)


def _are_counted(book: Book, request: groups_pb2.GivePointsRequest, bounds: pb.GiftCurrency) -> bool:
    return all(
        allowances.are_touched(book, counter, member, allowances.limits_of(allowed), book.now)
        for counter, member, allowed in _limits(request, bounds)
    )


def _limits(request: groups_pb2.GivePointsRequest, bounds: pb.GiftCurrency) -> list[tuple[str, str, Any]]:
    """The counters of the giver and of the receiver, with whose they are and what is allowed."""
    return [
        (f"gift:given:{request.currency}", request.member, bounds.giving),
        (f"gift:received:{request.currency}", request.to, bounds.receiving),
    ]


def _key(request: groups_pb2.GivePointsRequest) -> str:
    return f"gift:{request.member}:{request.idempotency_key}"


def _answer(book: Book, shown: points_pb2.Entry, request: groups_pb2.GivePointsRequest, entry: Any) -> None:
    """Shows an entry as the giver sees it; its id is known once it is kept."""
    kept = isinstance(entry, asyncpg.Record)
    balance, occurred_at = (
        (entry["debit_balance"], entry["occurred_at"]) if kept else (entry.debit_balance, entry.occurred_at)
    )
    shown.MergeFrom(
        points_pb2.Entry(
            id=entry["id"] if kept else 0,
            currency=request.currency,
            amount=-request.amount,
            balance=balance,
            kind=points_pb2.ENTRY_KIND_GIFT,
            reference=request.reference,
            occurred_at=occurred_at.astimezone(UTC),
        )
    )
    if not kept:
        book.answer(entry.key, lambda number: setattr(shown, "id", number))
