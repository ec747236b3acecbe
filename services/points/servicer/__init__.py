"""The RPCs of the points service.

Requests are checked for form here; what depends on the state is decided in the
write path. The brand is the caller's.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from chassis.configuration import Configurations
from chassis.credentials import IDENTIFIER, caller
from chassis.database import Database
from chassis.errors import FieldViolation, InvalidArgument, NotFound
from chassis.paging import page_size_of
from chassis.server import KEY
from chassis.write_path import WritePath
from laurels.activity.v1 import activity_pb2, activity_pb2_grpc
from laurels.points.v1 import ledger_pb2, ledger_pb2_grpc, points_pb2_grpc
from laurels.points.v1 import points_pb2 as pb
from laurels.programme.v1 import programme_pb2, programme_pb2_grpc
from services.points import store, transfers
from services.points.form import (
    AMOUNT_MAX,
    IDENTIFIER_DETAIL,
    MEMBER_DETAIL,
    REFERENCE_LENGTH_MAX,
    RESERVED,
    moment_violations,
    plain,
    refuse,
    text_violations,
)
from services.points.holds import UnknownHold
from services.points.ledger import AVAILABLE, HELD, PENDING, UnknownMember
from services.points.programme import PointsRules, compile_programme
from services.points.schedules import Schedules
from services.points.servicer.members import fill_particulars
from services.points.servicer.rewards import standings_of
from services.points.tier_programme import benefits_of
from services.programme import Problems

ACTIVITIES_MAX = 1_000
DISPLAY_NAME_LENGTH_MAX = 100
CODE_LENGTH_MAX = 64
HOLD_S_MAX = 31_536_000
PENDING_SHOWN_MAX = 1_000
STREAM_WAITING_MAX = 256
"""So many transfers of a stream are decided at once; more wait in the connection."""
_STATEMENTS = {
    pb.ACCOUNT_KIND_UNSPECIFIED: AVAILABLE,
    pb.ACCOUNT_KIND_AVAILABLE: AVAILABLE,
    pb.ACCOUNT_KIND_PENDING: PENDING,
    pb.ACCOUNT_KIND_HELD: HELD,
}


class ActivityServicer(activity_pb2_grpc.ActivityServiceServicer):
    """The entrance of activities."""

    def __init__(self, write_path: WritePath) -> None:
        self._write_path = write_path

    async def RecordActivities(
        self, request: activity_pb2.RecordActivitiesRequest, context: Any
    ) -> activity_pb2.RecordActivitiesResponse:
        refuse(_activities_violations(request))
        answer: activity_pb2.RecordActivitiesResponse = await self._write_path.submit(
            caller().brand, request, weight=len(request.activities)
        )
        return answer


class PointsServicer(points_pb2_grpc.PointsServiceServicer):
    """Members, wallets and reports."""

    def __init__(self, write_path: WritePath, database: Database, programmes: Configurations[PointsRules]) -> None:
        self._write_path, self._database, self._programmes = write_path, database, programmes

    async def EnrolMember(self, request: pb.EnrolMemberRequest, context: Any) -> pb.EnrolMemberResponse:
        refuse(_enrol_violations(request))
        brand = caller().brand
        answer: pb.EnrolMemberResponse = await self._write_path.submit(brand, request)
        if not answer.enrolled:
            answer.member.wallets.extend(await self._wallets(brand, request.member))
        return answer

    async def GetMember(self, request: pb.GetMemberRequest, context: Any) -> pb.GetMemberResponse:
        brand = caller().brand
        async with self._database.reading(brand) as connection:
            _, rules = await self._programmes.newest(connection, brand)
            member = await store.member(connection, brand, plain(request.member), rules.currencies)
            if member is not None and rules.members.declared:
                await fill_particulars(connection, brand, member, rules)
        if member is None:
            raise UnknownMember(request.member)
        return pb.GetMemberResponse(member=member, benefits=benefits_of(rules.programme, member.tier))

    async def ListWallets(self, request: pb.ListWalletsRequest, context: Any) -> pb.ListWalletsResponse:
        return pb.ListWalletsResponse(wallets=await self._wallets(caller().brand, request.member))

    async def ListEntries(self, request: pb.ListEntriesRequest, context: Any) -> pb.ListEntriesResponse:
        brand, page_size = caller().brand, page_size_of(request.page_size)
        if request.account not in _STATEMENTS:
            raise InvalidArgument.of([FieldViolation("account", "is not available, pending or held")])
        async with self._database.reading(brand) as connection:
            if await store.member(connection, brand, plain(request.member), ()) is None:
                raise UnknownMember(request.member)
            entries, token = await store.statement(
                connection, brand, request.member, page_size, request.page_token, _STATEMENTS[request.account]
            )
        return pb.ListEntriesResponse(entries=entries, next_page_token=token)

    async def Spend(self, request: pb.SpendRequest, context: Any) -> pb.SpendResponse:
        refuse(_spend_violations(request))
        answer: pb.SpendResponse = await self._write_path.submit(caller().brand, request)
        return answer

    async def ListRewards(self, request: pb.ListRewardsRequest, context: Any) -> pb.ListRewardsResponse:
        brand = caller().brand
        async with self._database.reading(brand) as connection:
            _, rules = await self._programmes.newest(connection, brand)
            standings = await standings_of(connection, brand, rules, request.member) if request.member else None
        cheapest_first = sorted(rules.programme.points.rewards, key=lambda reward: (reward.price, reward.id))
        answer = pb.ListRewardsResponse(rewards=cheapest_first)
        if standings is not None:
            offers = rules.catalogue.offers
            answer.standings.extend(standings.of(offers[reward.id]) for reward in cheapest_first)
        return answer

    async def GetLiabilityReport(
        self, request: pb.GetLiabilityReportRequest, context: Any
    ) -> pb.GetLiabilityReportResponse:
        rules, brand = await self._newest(), caller().brand
        async with self._database.reading(brand) as connection:
            found = await store.liability(connection, brand)
        return pb.GetLiabilityReportResponse(
            currencies=[found.get(c, pb.CurrencyLiability(currency=c)) for c in rules.currencies]
        )

    async def GetMembersReport(self, request: pb.GetMembersReportRequest, context: Any) -> pb.GetMembersReportResponse:
        rules, brand = await self._newest(), caller().brand
        async with self._database.reading(brand) as connection:
            counts = await store.members_by_tier(connection, brand)
            activities = await store.activities(connection, brand)
        tiers = [
            pb.TierCount(tier=level.id, name=level.name, members=counts.get(level.id, 0))
            for level in rules.programme.points.tiers.levels
        ]
        return pb.GetMembersReportResponse(members=sum(counts.values()), activities=activities, tiers=tiers)

    async def _wallets(self, brand: str, member: str) -> list[pb.Wallet]:
        async with self._database.reading(brand) as connection:
            _, rules = await self._programmes.newest(connection, brand)
            if await store.member(connection, brand, plain(member), ()) is None:
                raise UnknownMember(member)
            return await store.wallets(connection, brand, member, rules.currencies)

    async def _newest(self) -> PointsRules:
        brand = caller().brand
        async with self._database.reading(brand) as connection:
            return (await self._programmes.newest(connection, brand))[1]


class LedgerServicer(ledger_pb2_grpc.LedgerServiceServicer):
    """Transfers, holds and pending points."""

    def __init__(self, write_path: WritePath, database: Database, schedules: Schedules) -> None:
        self._write_path, self._database, self._schedules = write_path, database, schedules

    async def PostTransfers(
        self, request: ledger_pb2.PostTransfersRequest, context: Any
    ) -> ledger_pb2.PostTransfersResponse:
        refuse(transfers.violations(request.transfers))
        refuse(_transfer_violations(request.transfers))
        answer: ledger_pb2.PostTransfersResponse = await self._write_path.submit(
            caller().brand, request, weight=len(request.transfers)
        )
        return answer

    async def StreamTransfers(
        self, request_iterator: AsyncIterator[ledger_pb2.StreamTransfersRequest], context: Any
    ) -> AsyncIterator[ledger_pb2.StreamTransfersResponse]:
        brand = caller().brand
        async for batch in _at_hand(aiter(request_iterator), STREAM_WAITING_MAX):
            linked = [request.transfer.linked for request in batch]
            posted = iter(await self._write_path.submit_all(brand, _posts(batch)))
            for request, refused in zip(batch, linked, strict=True):
                response = ledger_pb2.StreamTransfersResponse()
                if refused:
                    response.result.id, response.result.code = request.transfer.id, "invalid_argument"
                    response.result.detail = "transfers of a stream are not linked"
                else:
                    answer = next(posted)
                    if isinstance(answer, BaseException):
                        raise answer
                    response.result.CopyFrom(answer.results[0])
                yield response

    async def ReverseTransfer(
        self, request: ledger_pb2.ReverseTransferRequest, context: Any
    ) -> ledger_pb2.ReverseTransferResponse:
        refuse(text_violations("reference", request.reference, REFERENCE_LENGTH_MAX))
        answer: ledger_pb2.ReverseTransferResponse = await self._write_path.submit(caller().brand, request)
        return answer

    async def HoldPoints(self, request: ledger_pb2.HoldPointsRequest, context: Any) -> ledger_pb2.HoldPointsResponse:
        refuse(_spend_violations(request))
        if not 0 <= request.expires_after_s <= HOLD_S_MAX:
            raise InvalidArgument.of([FieldViolation("expires_after_s", f"is not within 0 and {HOLD_S_MAX}")])
        answer: ledger_pb2.HoldPointsResponse = await self._write_path.submit(caller().brand, request)
        return answer

    async def GetHold(self, request: ledger_pb2.GetHoldRequest, context: Any) -> ledger_pb2.GetHoldResponse:
        brand = caller().brand
        async with self._database.reading(brand) as connection:
            found = await store.holds(connection, brand, [plain(request.hold)])
        if request.hold not in found:
            raise UnknownHold(request.hold)
        return ledger_pb2.GetHoldResponse(hold=found[request.hold].shown())

    async def CaptureHold(self, request: ledger_pb2.CaptureHoldRequest, context: Any) -> Any:
        if not 0 <= request.amount <= AMOUNT_MAX:
            raise InvalidArgument.of([FieldViolation("amount", f"is {request.amount}, not within 0 and {AMOUNT_MAX}")])
        return await self._submit(request, request.hold)

    async def ReleaseHold(self, request: ledger_pb2.ReleaseHoldRequest, context: Any) -> Any:
        return await self._submit(request, request.hold)

    async def ListPendingLots(
        self, request: ledger_pb2.ListPendingLotsRequest, context: Any
    ) -> ledger_pb2.ListPendingLotsResponse:
        brand = caller().brand
        async with self._database.reading(brand) as connection:
            if await store.member(connection, brand, plain(request.member), ()) is None:
                raise UnknownMember(request.member)
            found = await store.pending_lots_of_member(connection, brand, request.member, PENDING_SHOWN_MAX)
        return ledger_pb2.ListPendingLotsResponse(lots=[lot.shown() for lot in found])

    async def ActivatePendingLot(self, request: ledger_pb2.ActivatePendingLotRequest, context: Any) -> Any:
        return await self._submit(request, request.lot)

    async def ChangePendingLot(self, request: ledger_pb2.ChangePendingLotRequest, context: Any) -> Any:
        if not 0 <= request.amount <= AMOUNT_MAX:
            raise InvalidArgument.of([FieldViolation("amount", f"is {request.amount}, not within 0 and {AMOUNT_MAX}")])
        if request.HasField("activates_at"):
            refuse(moment_violations("activates_at", request.activates_at))
        return await self._submit(request, request.lot)

    async def CancelPendingLot(self, request: ledger_pb2.CancelPendingLotRequest, context: Any) -> Any:
        return await self._submit(request, request.lot)

    async def RunSchedules(
        self, request: ledger_pb2.RunSchedulesRequest, context: Any
    ) -> ledger_pb2.RunSchedulesResponse:
        now = datetime.now(UTC)
        until = now
        if request.HasField("until"):
            refuse(moment_violations("until", request.until))
            until = request.until.ToDatetime(tzinfo=UTC)
        if until > now:
            raise InvalidArgument.of([FieldViolation("until", "is ahead of the clock")])
        return ledger_pb2.RunSchedulesResponse(done=await self._schedules.run_until(caller().brand, until))

    async def _submit(self, request: Any, name: str) -> Any:
        refuse(text_violations("id", name, REFERENCE_LENGTH_MAX))
        return await self._write_path.submit(caller().brand, request)


class ProgrammeServicer(
    programme_pb2_grpc.ProgrammeServiceServicer, programme_pb2_grpc.ProgrammeValidationServiceServicer
):
    """The programme's versions, and the check of its points section."""

    def __init__(self, write_path: WritePath, database: Database) -> None:
        self._write_path, self._database = write_path, database

    async def GetProgramme(
        self, request: programme_pb2.GetProgrammeRequest, context: Any
    ) -> programme_pb2.GetProgrammeResponse:
        brand = caller().brand
        async with self._database.reading(brand) as connection:
            newest = await store.newest_programme(connection, brand)
            adoptions = await store.adoptions(connection, brand)
        if newest is None:
            raise NotFound(f"Brand {brand!r} has no programme yet.", code="unknown_brand")
        return programme_pb2.GetProgrammeResponse(
            version=newest["version"],
            programme=programme_pb2.Programme.FromString(newest["document"]),
            applied_at=newest["recorded_at"],
            adoptions=[
                programme_pb2.Adoption(service=service, version=adoptions.get(service, 0))
                for service in ("leaderboard", "missions", "points", "recommender")
            ],
        )

    async def ApplyProgramme(
        self, request: programme_pb2.ApplyProgrammeRequest, context: Any
    ) -> programme_pb2.ApplyProgrammeResponse:
        problems = Problems()
        compile_programme(request.programme, problems)
        refuse(FieldViolation(problem.field, problem.detail) for problem in problems.found)
        answer: programme_pb2.ApplyProgrammeResponse = await self._write_path.submit(caller().brand, request)
        return answer

    async def ValidateProgramme(
        self, request: programme_pb2.ValidateProgrammeRequest, context: Any
    ) -> programme_pb2.ValidateProgrammeResponse:
        problems = Problems()
        compile_programme(request.programme, problems)
        return problems.response()


def _activities_violations(request: activity_pb2.RecordActivitiesRequest) -> Iterator[FieldViolation]:
    count = len(request.activities)
    if not 1 <= count <= ACTIVITIES_MAX:
        yield FieldViolation("activities", f"has {count} items, not 1 to {ACTIVITIES_MAX}")
        return
    for place, activity in enumerate(request.activities):
        if not KEY.fullmatch(activity.id):
            yield FieldViolation(f"activities[{place}].id", "is not 1 to 128 printable ASCII characters without spaces")
        if not IDENTIFIER.fullmatch(activity.member) or activity.member in RESERVED:
            yield FieldViolation(f"activities[{place}].member", MEMBER_DETAIL)
        if not activity.HasField("occurred_at"):
            yield FieldViolation(f"activities[{place}].occurred_at", "is required")
        else:
            yield from moment_violations(f"activities[{place}].occurred_at", activity.occurred_at)


def _enrol_violations(request: pb.EnrolMemberRequest) -> Iterator[FieldViolation]:
    if not IDENTIFIER.fullmatch(request.member) or request.member in RESERVED:
        yield FieldViolation("member", MEMBER_DETAIL)
    yield from text_violations("display_name", request.display_name, DISPLAY_NAME_LENGTH_MAX)
    yield from text_violations("referral_code", request.referral_code, CODE_LENGTH_MAX)


def _spend_violations(request: pb.SpendRequest | ledger_pb2.HoldPointsRequest) -> Iterator[FieldViolation]:
    if not 1 <= request.amount <= AMOUNT_MAX:
        yield FieldViolation("amount", f"is {request.amount}, not within 1 and {AMOUNT_MAX}")
    if not IDENTIFIER.fullmatch(request.member):
        yield FieldViolation("member", MEMBER_DETAIL)
    if not IDENTIFIER.fullmatch(request.currency):
        yield FieldViolation("currency", IDENTIFIER_DETAIL)
    yield from text_violations("reference", request.reference, REFERENCE_LENGTH_MAX)


def _transfer_violations(found: Sequence[Any]) -> Iterator[FieldViolation]:
    """What cannot even be looked up; all else is told as the transfer's result."""
    sound: set[str] = set()
    for place, transfer in enumerate(found):
        if not KEY.fullmatch(transfer.id):
            yield FieldViolation(f"transfers[{place}].id", "is not 1 to 128 printable ASCII characters without spaces")
        currency, debit, credit = transfer.currency, transfer.debit, transfer.credit
        if currency not in sound:
            if IDENTIFIER.fullmatch(currency):
                sound.add(currency)
            else:
                yield FieldViolation(f"transfers[{place}].currency", IDENTIFIER_DETAIL)
        for side, owner, named in (
            ("debit", "member", debit.member),
            ("debit", "group", debit.group),
            ("credit", "member", credit.member),
            ("credit", "group", credit.group),
        ):
            if named and not IDENTIFIER.fullmatch(named):
                yield FieldViolation(f"transfers[{place}].{side}.{owner}", IDENTIFIER_DETAIL)


def _posts(batch: Sequence[Any]) -> list[ledger_pb2.PostTransfersRequest]:
    """The transfers of a stream that may be made, each a request of its own."""
    posts = []
    for request in batch:
        if not request.transfer.linked:
            post = ledger_pb2.PostTransfersRequest()
            post.transfers.append(request.transfer)
            posts.append(post)
    return posts


async def _at_hand(requests: AsyncIterator[Any], most: int) -> AsyncIterator[list[Any]]:
    """The requests of a stream, as many at a time as have arrived."""
    arrived: asyncio.Queue[Any] = asyncio.Queue(most)
    end = object()

    async def read() -> None:
        try:
            async for request in requests:
                await arrived.put(request)
        finally:
            await arrived.put(end)

    reading = asyncio.create_task(read())
    try:
        while True:
            batch = [await arrived.get()]
            while not arrived.empty() and len(batch) < most:
                batch.append(arrived.get_nowait())
            ended = batch[-1] is end
            if ended:
                batch.pop()
            if batch:
                yield batch
            if ended:
                return
    finally:
        reading.cancel()
