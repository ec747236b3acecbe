"""The RPCs of approvals, and the report of the earning rules."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from chassis.configuration import Configurations
from chassis.credentials import IDENTIFIER, caller
from chassis.database import Database
from chassis.errors import FieldViolation, InvalidArgument
from chassis.paging import page_size_of
from chassis.write_path import WritePath
from laurels.points.v1 import earning_pb2 as pb
from laurels.points.v1 import earning_pb2_grpc
from services.activity import EPOCH
from services.points import limits
from services.points.form import IDENTIFIER_DETAIL, REFERENCE_LENGTH_MAX, refuse, text_violations
from services.points.programme import PointsRules
from services.points.states import Lot
from services.points.store import earning as statements

DECISIONS_MAX = 1_000
_FIRST = datetime(1, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class EarningServicer(earning_pb2_grpc.EarningServiceServicer):
    """Approvals and the report of the earning rules."""

    def __init__(self, write_path: WritePath, database: Database, programmes: Configurations[PointsRules]) -> None:
        self._write_path, self._database, self._programmes = write_path, database, programmes

    async def ListApprovals(self, request: pb.ListApprovalsRequest, context: Any) -> pb.ListApprovalsResponse:
        brand, page_size = caller().brand, page_size_of(request.page_size)
        if request.rule and not IDENTIFIER.fullmatch(request.rule):
            raise InvalidArgument.of([FieldViolation("rule", IDENTIFIER_DETAIL)])
        after = _place(request.page_token)
        async with self._database.reading(brand) as connection:
            found = await statements.approvals(connection, brand, after, request.rule, page_size + 1)
        page = found[:page_size]
        token = _token(page[-1]) if len(found) > page_size else ""
        return pb.ListApprovalsResponse(lots=[lot.shown() for lot in page], next_page_token=token)

    async def DecideApprovals(self, request: pb.DecideApprovalsRequest, context: Any) -> pb.DecideApprovalsResponse:
        refuse(_decisions_violations(request))
        answer: pb.DecideApprovalsResponse = await self._write_path.submit(
            caller().brand, request, weight=len(request.approve) + len(request.reject)
        )
        return answer

    async def GetEarningRulesReport(
        self, request: pb.GetEarningRulesReportRequest, context: Any
    ) -> pb.GetEarningRulesReportResponse:
        brand = caller().brand
        async with self._database.reading(brand) as connection:
            _, rules = await self._programmes.newest(connection, brand)
            given = await statements.given(connection, brand)
            earning_rules = rules.programme.points.earning_rules
            budgeted = [rule.id for rule in earning_rules if rule.budget]
            spent = await limits.spent(connection, brand, budgeted) if budgeted else {}
        answer = pb.GetEarningRulesReportResponse()
        for rule in earning_rules:
            row = given.get(rule.id)
            left = max(0, rule.budget - spent.get(rule.id, 0))
            answer.rules.add(
                rule=rule.id,
                currency=rule.currency,
                times=row["times"] if row is not None else 0,
                issued=row["issued"] if row is not None else 0,
                budget=rule.budget,
                budget_left=left,
                paused=rule.budget > 0 and left == 0,
            )
        return answer


def _decisions_violations(request: pb.DecideApprovalsRequest) -> Iterator[FieldViolation]:
    names = [*request.approve, *request.reject]
    if not 1 <= len(names) <= DECISIONS_MAX:
        yield FieldViolation("approve", f"and reject have {len(names)} items together, not 1 to {DECISIONS_MAX}")
        return
    seen: set[str] = set()
    for field, lots in (("approve", request.approve), ("reject", request.reject)):
        for place, lot in enumerate(lots):
            yield from text_violations(f"{field}[{place}]", lot, REFERENCE_LENGTH_MAX)
            if lot in seen:
                yield FieldViolation(f"{field}[{place}]", "is named before")
            seen.add(lot)
    yield from text_violations("reason", request.reason, REFERENCE_LENGTH_MAX)


def _token(lot: Lot) -> str:
    """Where the next page begins: the last lot's moment, in microseconds, and id."""
    return f"{(lot.occurred_at - EPOCH) // _MICROSECOND}.{lot.lot}"


def _place(token: str) -> tuple[datetime, str]:
    if not token:
        return _FIRST, ""
    moment, _, lot = token.partition(".")
    try:
        return EPOCH + int(moment) * _MICROSECOND, lot if IDENTIFIER.fullmatch(lot) else ""
    except (ValueError, OverflowError):
        raise InvalidArgument(f"page_token {token[:40]!r} is not one that this list gave.") from None
