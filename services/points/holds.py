"""Points that are set aside, until the hold ends: captured, released or timed out, by exactly one of them.

An open hold's amount is in its member's `held` account, and the hold keeps the
lots that it was taken from.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

import asyncpg

from chassis.answers import digest
from chassis.book import Kind
from chassis.errors import FailedPrecondition, FieldViolation, IdempotencyConflict, InvalidArgument, NotFound
from laurels.points.v1 import events_pb2, ledger_pb2, points_pb2
from services.points import ledger, lots, store
from services.points.book import Book, Operation, Touched
from services.points.ledger import HELD, PROGRAMME, REDEEMED
from services.points.programme import PointsRules
from services.points.states import Hold
from services.points.store import value as value_store

OPEN, CAPTURED, RELEASED, TIMED_OUT = (
    ledger_pb2.HOLD_STATE_OPEN,
    ledger_pb2.HOLD_STATE_CAPTURED,
    ledger_pb2.HOLD_STATE_RELEASED,
    ledger_pb2.HOLD_STATE_TIMED_OUT,
)
EXPIRES_AFTER_S = 7 * 86_400


class UnknownHold(NotFound):
    """There is no such hold in the brand."""

    code = "unknown_hold"

    def __init__(self, hold: str) -> None:
        super().__init__(f"There is no hold {hold!r}.")


class HoldEnded(FailedPrecondition):
    """The hold ended before, otherwise than now asked for."""

    code = "hold_ended"

    def __init__(self, hold: Hold) -> None:
        ended: dict[int, str] = {
            CAPTURED: f"captured with {hold.captured}",
            RELEASED: "released",
            TIMED_OUT: "timed out",
        }
        super().__init__(f"The hold was {ended[hold.state]}.")


class HoldOfAService(FailedPrecondition):
    """Another service asked for the hold, and that service's word ends it."""

    code = "hold_of_a_service"

    def __init__(self, hold: str) -> None:
        super().__init__(f"The hold {hold!r} is ended by the service that asked for it.")


HOLDS: Kind[str, Hold] = Kind("holds", 20, store.lock_holds, store.save_holds)
OF_SERVICES: Kind[str, str] = Kind("holds of services", 22, value_store.requested, value_store.leave)
"""Those holds that another service asked for; the request is made with the hold and never without it."""


@dataclass(frozen=True, slots=True)
class DueHolds:
    """Holds that time out by `until`."""

    holds: Sequence[str]
    until: datetime


def hold_id(key: str) -> str:
    """The id of the hold that a caller's key makes."""
    return blake2b(f"hold:{key}".encode(), digest_size=12).hexdigest()


class Authorise(Operation):
    """Sets points aside."""

    requests = (ledger_pb2.HoldPointsRequest,)
    moves_tiers = False

    def touch(self, request: ledger_pb2.HoldPointsRequest, found: None, rules: PointsRules, touched: Touched) -> None:
        touched.members.add(request.member)
        touched.wallet(request.member, request.currency, request.amount)
        touched.accounts.add((request.member, request.currency, HELD))
        touched.row(HOLDS, hold_id(request.idempotency_key))

    def decide(self, book: Book, request: ledger_pb2.HoldPointsRequest) -> ledger_pb2.HoldPointsResponse:
        name, content = hold_id(request.idempotency_key), digest(request)
        if (known := book.row(HOLDS, name)) is not None:
            if known.digest != content:
                raise IdempotencyConflict(f"The key {request.idempotency_key!r} was used for another hold.")
            return ledger_pb2.HoldPointsResponse(hold=known.shown())
        book.member(request.member)
        book.check_guardian(request.member)
        book.spendable(request.currency)
        wallet = book.wallet(request.member, request.currency)
        ledger.check_debit(wallet, request.amount, floor=0)
        hold = set_aside(
            book,
            name,
            member=request.member,
            currency=request.currency,
            amount=request.amount,
            reference=request.reference,
            content=content,
            expires_at=book.now + timedelta(seconds=request.expires_after_s or EXPIRES_AFTER_S),
        )
        return ledger_pb2.HoldPointsResponse(hold=hold.shown())


class End(Operation):
    """Ends holds."""

    requests = (ledger_pb2.CaptureHoldRequest, ledger_pb2.ReleaseHoldRequest, DueHolds)

    async def find(
        self, connection: asyncpg.Connection, brand: str, rules: PointsRules, requests: Sequence[Any]
    ) -> dict[str, Hold]:
        return await store.holds(connection, brand, sorted({hold for r in requests for hold in _named(r)}))

    def touch(self, request: Any, found: dict[str, Hold], rules: PointsRules, touched: Touched) -> None:
        for name in _named(request):
            if (hold := found.get(name)) is not None:
                touched.row(HOLDS, name)
                touched.row(OF_SERVICES, name)
                touched.wallet(hold.member, hold.currency)
                touched.accounts.add((hold.member, hold.currency, HELD))

    def decide(self, book: Book, request: Any) -> Any:
        match request:
            case DueHolds():
                return self._due(book, request)
            case ledger_pb2.CaptureHoldRequest():
                return ledger_pb2.CaptureHoldResponse(hold=self._capture(book, request).shown())
        hold = self._hold(book, request.hold)
        if hold.state == CAPTURED:
            raise HoldEnded(hold)
        if hold.state == OPEN:
            give_back(book, hold, RELEASED, book.now)
        return ledger_pb2.ReleaseHoldResponse(hold=hold.shown())

    def _capture(self, book: Book, request: ledger_pb2.CaptureHoldRequest) -> Hold:
        hold = self._hold(book, request.hold)
        amount = request.amount or hold.amount
        if hold.state != OPEN:
            if hold.state == CAPTURED and hold.captured == amount:
                return hold
            raise HoldEnded(hold)
        if amount > hold.amount:
            raise InvalidArgument.of([FieldViolation("amount", f"is {amount}; {hold.amount} are held")])
        capture(book, hold, amount)
        return hold

    def _due(self, book: Book, request: DueHolds) -> int:
        done = 0
        for name in request.holds:
            hold = book.row(HOLDS, name)
            if hold is None or hold.state != OPEN or hold.expires_at is None or hold.expires_at > request.until:
                continue
            give_back(book, hold, TIMED_OUT, hold.expires_at)
            done += 1
        return done

    @staticmethod
    def _hold(book: Book, name: str) -> Hold:
        hold = book.row(HOLDS, name)
        if hold is None:
            raise UnknownHold(name)
        if book.row(OF_SERVICES, name) is not None:
            raise HoldOfAService(name)
        return hold


def set_aside(
    book: Book,
    name: str,
    *,
    member: str,
    currency: str,
    amount: int,
    reference: str,
    content: bytes,
    expires_at: datetime | None,
) -> Hold:
    """A new hold, of points that are there."""
    entry = book.move(
        book.wallet(member, currency),
        book.wallet(member, currency, HELD),
        amount,
        key=f"hold:{name}",
        kind=points_pb2.ENTRY_KIND_HOLD,
        reference=reference,
        occurred_at=book.now,
        digest=content,
    )
    hold = Hold(
        hold=name,
        member=member,
        currency=currency,
        amount=amount,
        captured=0,
        state=OPEN,
        reference=reference,
        digest=content,
        parts=entry.lots,
        made_at=book.now,
        expires_at=expires_at,
    )
    book.put(HOLDS, name, hold)
    _tell(book, hold, book.now)
    return hold


def capture(book: Book, hold: Hold, amount: int) -> None:
    """Ends an open hold by spending an amount that it has; the rest goes back."""
    spent, rest = lots.split(hold.parts, amount)
    held, wallet = book.wallet(hold.member, hold.currency, HELD), book.wallet(hold.member, hold.currency)
    hold.captured, hold.state = amount, CAPTURED
    particulars: dict[str, Any] = {"reference": hold.reference, "occurred_at": book.now}
    entry = book.move(
        held,
        book.accounts[PROGRAMME, hold.currency, REDEEMED],
        amount,
        key=f"capture:{hold.hold}",
        kind=points_pb2.ENTRY_KIND_CAPTURE,
        **particulars,
    )
    entry.lots = spent
    if amount < hold.amount:
        book.move(
            held,
            wallet,
            hold.amount - amount,
            key=f"release:{hold.hold}",
            kind=points_pb2.ENTRY_KIND_RELEASE,
            given=rest,
            **particulars,
        )
    book.put(HOLDS, hold.hold, hold)
    book.tell_debit(hold.member, hold.currency, amount, hold.reference, book.now)
    _tell(book, hold, book.now)


def give_back(book: Book, hold: Hold, state: int, at: datetime) -> None:
    """Ends an open hold with nothing spent."""
    hold.state = state
    book.move(
        book.wallet(hold.member, hold.currency, HELD),
        book.wallet(hold.member, hold.currency),
        hold.amount,
        key=f"release:{hold.hold}",
        kind=points_pb2.ENTRY_KIND_RELEASE,
        reference=hold.reference,
        occurred_at=at,
        given=hold.parts,
    )
    book.put(HOLDS, hold.hold, hold)
    _tell(book, hold, at)


def _tell(book: Book, hold: Hold, at: datetime) -> None:
    book.tell(hold.member, events_pb2.HoldChanged(hold=hold.shown(), member=hold.member, occurred_at=at))


def _named(request: Any) -> Sequence[str]:
    return request.holds if isinstance(request, DueHolds) else (request.hold,)
