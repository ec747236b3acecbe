"""Points that were earned and wait, each lot until its moment, an activity, or somebody's word.

A waiting lot's amount is in its member's `pending` account. It ends once: it
becomes available, or is cancelled.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

import asyncpg

from chassis.answers import digest
from chassis.book import Kind
from chassis.errors import FailedPrecondition, NotFound
from laurels.points.v1 import events_pb2, ledger_pb2, points_pb2
from services.points import group_wallets, store
from services.points.book import Book, Operation, Touched
from services.points.ledger import AVAILABLE, ISSUED, PENDING, PROGRAMME
from services.points.programme import PointsRules
from services.points.sharing import touch_earning
from services.points.states import Lot

WAITING, ACTIVATED, CANCELLED = (
    ledger_pb2.PENDING_STATE_WAITING,
    ledger_pb2.PENDING_STATE_ACTIVATED,
    ledger_pb2.PENDING_STATE_CANCELLED,
)


class UnknownLot(NotFound):
    """There is no such pending lot in the brand."""

    code = "unknown_lot"

    def __init__(self, lot: str) -> None:
        super().__init__(f"There is no pending lot {lot!r}.")


class LotEnded(FailedPrecondition):
    """The lot became available, or was cancelled."""

    code = "lot_ended"

    def __init__(self, state: int) -> None:
        super().__init__(f"The lot was {'activated' if state == ACTIVATED else 'cancelled'} before.")


LOTS: Kind[str, Lot] = Kind("pending lots", 30, store.lock_pending_lots, store.save_pending_lots)


@dataclass(frozen=True, slots=True)
class DueLots:
    """Lots whose moment has come by `until`."""

    lots: Sequence[str]
    until: datetime


def lot_id(key: str) -> str:
    """The id of the lot that an entry's key makes."""
    return blake2b(key.encode(), digest_size=12).hexdigest()


def activate(book: Book, lot: Lot, at: datetime) -> None:
    """Makes a waiting lot available."""
    _end(book, lot, ACTIVATED)
    book.move(
        book.wallet(lot.member, lot.currency, PENDING),
        book.wallet(lot.member, lot.currency),
        lot.amount,
        key=f"activate:{lot.lot}",
        kind=points_pb2.ENTRY_KIND_ACTIVATE,
        reference=lot.reference,
        occurred_at=at,
    )
    if lot.currency in book.rules.groups.pooled:
        earned = (lot.member, lot.currency, lot.amount)
        group_wallets.pool(book, *earned, source=f"activate:{lot.lot}", reference=lot.reference, at=at)
    _tell(book, lot, at)


def cancel(book: Book, lot: Lot, at: datetime) -> None:
    """Takes a waiting lot away."""
    amount = lot.amount
    _end(book, lot, CANCELLED)
    _take_back(book, lot, amount, f"cancel:{lot.lot}", at)
    _tell(book, lot, at)


def reduce(book: Book, lot: Lot, by: int, at: datetime) -> None:
    """Takes a part, or all, of a waiting lot away."""
    if by >= lot.amount:
        cancel(book, lot, at)
        return
    lot.amount -= by
    lot.changes += 1
    book.put(LOTS, lot.lot, lot)
    _take_back(book, lot, by, f"change:{lot.lot}:{lot.changes}", at)
    _tell(book, lot, at)


def take(book: Book, lot: Lot, by: int, *, key: str, kind: Any, reference: str, at: datetime) -> None:
    """Takes a part, or all, of a waiting lot away by an entry of the caller's kind and key."""
    if by >= lot.amount:
        lot.state = CANCELLED
    else:
        lot.amount -= by
        lot.changes += 1
    book.put(LOTS, lot.lot, lot)
    wallet = book.wallet(lot.member, lot.currency)
    wallet.earned -= by
    book.move(
        book.wallet(lot.member, lot.currency, PENDING),
        book.accounts[PROGRAMME, lot.currency, ISSUED],
        by,
        key=key,
        kind=kind,
        reference=reference,
        occurred_at=at,
    )
    book.keep_account(wallet)
    _tell(book, lot, at)


def touch_lot(lot: Lot, touched: Touched) -> None:
    """What ending or changing the lot touches."""
    touched.row(LOTS, lot.lot)
    touched.wallet(lot.member, lot.currency)
    touched.accounts.add((lot.member, lot.currency, PENDING))


def _end(book: Book, lot: Lot, state: int) -> None:
    lot.state = state
    book.put(LOTS, lot.lot, lot)


def _take_back(book: Book, lot: Lot, amount: int, key: str, at: datetime) -> None:
    wallet = book.wallet(lot.member, lot.currency)
    wallet.earned -= amount
    book.move(
        book.wallet(lot.member, lot.currency, PENDING),
        book.accounts[PROGRAMME, lot.currency, ISSUED],
        amount,
        key=key,
        kind=points_pb2.ENTRY_KIND_CANCEL,
        reference=lot.reference,
        occurred_at=at,
    )
    book.keep_account(wallet)


def _tell(book: Book, lot: Lot, at: datetime) -> None:
    book.tell(lot.member, events_pb2.PendingLotChanged(lot=lot.shown(), member=lot.member, occurred_at=at))


class EndOrChange(Operation):
    """Lots that a back end, or the clock, says something of."""

    requests = (
        ledger_pb2.ActivatePendingLotRequest,
        ledger_pb2.CancelPendingLotRequest,
        ledger_pb2.ChangePendingLotRequest,
        DueLots,
    )

    async def find(
        self, connection: asyncpg.Connection, brand: str, rules: PointsRules, requests: Sequence[Any]
    ) -> dict[str, Lot]:
        return await store.pending_lots(connection, brand, sorted({lot for r in requests for lot in _named(r)}))

    def touch(self, request: Any, found: dict[str, Lot], rules: PointsRules, touched: Touched) -> None:
        for name in _named(request):
            if (lot := found.get(name)) is not None:
                touch_lot(lot, touched)
                if isinstance(request, ledger_pb2.CancelPendingLotRequest | ledger_pb2.ChangePendingLotRequest):
                    touched.members.add(lot.member)
                touch_earning(touched, rules, lot.member, (lot.currency,), "", touched.now)
        if isinstance(request, ledger_pb2.ChangePendingLotRequest):
            touched.keys.add(_key(request))

    def decide(self, book: Book, request: Any) -> Any:
        match request:
            case DueLots():
                return self._due(book, request)
            case ledger_pb2.ActivatePendingLotRequest():
                lot = self._lot(book, request.lot)
                if lot.state == CANCELLED:
                    raise LotEnded(lot.state)
                if lot.state == WAITING:
                    activate(book, lot, book.now)
                return ledger_pb2.ActivatePendingLotResponse(lot=lot.shown())
            case ledger_pb2.CancelPendingLotRequest():
                lot = self._lot(book, request.lot)
                if lot.state == ACTIVATED:
                    raise LotEnded(lot.state)
                if lot.state == WAITING:
                    cancel(book, lot, book.now)
                    book.move_tier(book.members[lot.member], book.now)
                return ledger_pb2.CancelPendingLotResponse(lot=lot.shown())
        return self._change(book, request)

    def _due(self, book: Book, request: DueLots) -> int:
        done = 0
        for name in request.lots:
            lot = book.row(LOTS, name)
            if lot is None or lot.state != WAITING or lot.activates_at is None or lot.activates_at > request.until:
                continue
            activate(book, lot, lot.activates_at)
            done += 1
        return done

    def _change(self, book: Book, request: ledger_pb2.ChangePendingLotRequest) -> ledger_pb2.ChangePendingLotResponse:
        lot = self._lot(book, request.lot)
        key, content = _key(request), digest(request)
        if book.once(key, content, "change") is not None:
            return ledger_pb2.ChangePendingLotResponse(lot=lot.shown())
        if lot.state != WAITING:
            raise LotEnded(lot.state)
        activates_at = request.activates_at.ToDatetime(tzinfo=UTC) if request.HasField("activates_at") else None
        more = request.amount - lot.amount if request.amount else 0
        wallet, pending = book.wallet(lot.member, lot.currency), book.wallet(lot.member, lot.currency, PENDING)
        if more > 0:
            book.check_issue(pending, more)
        if not more and activates_at in (None, lot.activates_at):
            return ledger_pb2.ChangePendingLotResponse(lot=lot.shown())
        lot.amount += more
        lot.changes += 1
        lot.activates_at = activates_at or lot.activates_at
        book.put(LOTS, lot.lot, lot)
        if more:
            issued = book.accounts[PROGRAMME, lot.currency, ISSUED]
            source, target = (issued, pending) if more > 0 else (pending, issued)
            wallet.earned += more
            book.move(
                source,
                target,
                abs(more),
                key=key,
                kind=points_pb2.ENTRY_KIND_PENDING if more > 0 else points_pb2.ENTRY_KIND_CANCEL,
                reference=lot.reference,
                occurred_at=book.now,
                digest=content,
            )
            book.keep_account(wallet)
            book.move_tier(book.members[lot.member], book.now)
        _tell(book, lot, book.now)
        return ledger_pb2.ChangePendingLotResponse(lot=lot.shown())

    @staticmethod
    def _lot(book: Book, name: str) -> Lot:
        lot = book.row(LOTS, name)
        if lot is None:
            raise UnknownLot(name)
        return lot


def _key(request: ledger_pb2.ChangePendingLotRequest) -> str:
    return f"changed:{request.idempotency_key}"


def _named(request: Any) -> Sequence[str]:
    return request.lots if isinstance(request, DueLots) else (request.lot,)


def accounts_of(member: str, currency: str) -> set[tuple[str, str, str]]:
    """The accounts that earning with a delay moves."""
    return {(member, currency, AVAILABLE), (member, currency, PENDING)}
