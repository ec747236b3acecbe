"""Points that wait for somebody's word: approved or rejected, each lot on its own."""

from collections.abc import Sequence

import asyncpg

from chassis.errors import DomainError, FailedPrecondition
from laurels.points.v1 import earning_events_pb2, earning_pb2
from services.points import store
from services.points.book import Book, Operation, Touched
from services.points.pending import (
    ACTIVATED,
    CANCELLED,
    LOTS,
    WAITING,
    LotEnded,
    UnknownLot,
    activate,
    cancel,
    touch_lot,
)
from services.points.programme import PointsRules
from services.points.states import Lot


class NotForApproval(FailedPrecondition):
    """The lot waits for a moment or an activity, not for a word."""

    code = "not_for_approval"

    def __init__(self, lot: str) -> None:
        super().__init__(f"The lot {lot!r} does not wait for approval.")


class DecideApprovals(Operation):
    """Approves and rejects."""

    requests = (earning_pb2.DecideApprovalsRequest,)

    async def find(
        self,
        connection: asyncpg.Connection,
        brand: str,
        rules: PointsRules,
        requests: Sequence[earning_pb2.DecideApprovalsRequest],
    ) -> dict[str, Lot]:
        named = {lot for request in requests for lot in (*request.approve, *request.reject)}
        return await store.pending_lots(connection, brand, sorted(named))

    def touch(
        self,
        request: earning_pb2.DecideApprovalsRequest,
        found: dict[str, Lot],
        rules: PointsRules,
        touched: Touched,
    ) -> None:
        for name in (*request.approve, *request.reject):
            if (lot := found.get(name)) is not None:
                touch_lot(lot, touched)
                touched.members.add(lot.member)

    def decide(self, book: Book, request: earning_pb2.DecideApprovalsRequest) -> earning_pb2.DecideApprovalsResponse:
        answer = earning_pb2.DecideApprovalsResponse()
        for approved, names in ((True, request.approve), (False, request.reject)):
            for name in names:
                result = answer.results.add(lot=name)
                try:
                    _decide(book, name, approved, request.reason)
                except DomainError as refusal:
                    result.code, result.detail = refusal.reason, refusal.detail
                lot = book.row(LOTS, name)
                if lot is not None:
                    result.state = lot.state  # type: ignore[assignment]
        return answer


def _decide(book: Book, name: str, approved: bool, reason: str) -> None:
    lot = book.row(LOTS, name)
    if lot is None:
        raise UnknownLot(name)
    if lot.activates_at is not None or lot.until_type:
        raise NotForApproval(name)
    if lot.state == (ACTIVATED if approved else CANCELLED):
        return
    if lot.state != WAITING:
        raise LotEnded(lot.state)
    if approved:
        activate(book, lot, book.now)
    else:
        cancel(book, lot, book.now)
        book.move_tier(book.members[lot.member], book.now)
    book.tell(
        lot.member,
        earning_events_pb2.ApprovalDecided(
            lot=lot.shown(), member=lot.member, approved=approved, reason=reason, occurred_at=book.now
        ),
    )
