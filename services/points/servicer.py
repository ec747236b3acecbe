"""The RPCs of the points service.

Requests are checked for form here; what depends on the state is decided in the
write path. The brand is the caller's.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from chassis.configuration import Configurations
from chassis.credentials import IDENTIFIER, caller
from chassis.database import Database
from chassis.errors import FieldViolation, InvalidArgument, NotFound
from chassis.paging import page_size_of
from chassis.server import KEY
from chassis.write_path import WritePath
from laurels.activity.v1 import activity_pb2, activity_pb2_grpc
from laurels.points.v1 import points_pb2 as pb
from laurels.points.v1 import points_pb2_grpc
from laurels.programme.v1 import programme_pb2, programme_pb2_grpc
from services.points import store
from services.points.ledger import UnknownMember
from services.points.programme import PointsRules, compile_programme
from services.programme import Problems

ACTIVITIES_MAX = 1_000
MOMENT_FIRST_S, MOMENT_LAST_S = -62_135_596_800, 253_402_300_799
AMOUNT_MAX = 2**53 - 1
REFERENCE_LENGTH_MAX, DISPLAY_NAME_LENGTH_MAX = 200, 100


class ActivityServicer(activity_pb2_grpc.ActivityServiceServicer):
    """The entrance of activities."""

    def __init__(self, write_path: WritePath) -> None:
        self._write_path = write_path

    async def RecordActivities(
        self, request: activity_pb2.RecordActivitiesRequest, context: Any
    ) -> activity_pb2.RecordActivitiesResponse:
        _refuse(_activities_violations(request))
        answer: activity_pb2.RecordActivitiesResponse = await self._write_path.submit(
            caller().brand, request, weight=len(request.activities)
        )
        return answer


class PointsServicer(points_pb2_grpc.PointsServiceServicer):
    """Members, wallets and reports."""

    def __init__(self, write_path: WritePath, database: Database, programmes: Configurations[PointsRules]) -> None:
        self._write_path, self._database, self._programmes = write_path, database, programmes

    async def EnrolMember(self, request: pb.EnrolMemberRequest, context: Any) -> pb.EnrolMemberResponse:
        _refuse(_enrol_violations(request))
        brand = caller().brand
        answer: pb.EnrolMemberResponse = await self._write_path.submit(brand, request)
        if not answer.enrolled:
            answer.member.wallets.extend(await self._wallets(brand, request.member))
        return answer

    async def GetMember(self, request: pb.GetMemberRequest, context: Any) -> pb.GetMemberResponse:
        brand = caller().brand
        async with self._database.reading(brand) as connection:
            _, rules = await self._programmes.newest(connection, brand)
            member = await store.member(connection, brand, request.member, rules.currencies)
        if member is None:
            raise UnknownMember(request.member)
        return pb.GetMemberResponse(member=member)

    async def ListWallets(self, request: pb.ListWalletsRequest, context: Any) -> pb.ListWalletsResponse:
        return pb.ListWalletsResponse(wallets=await self._wallets(caller().brand, request.member))

    async def ListEntries(self, request: pb.ListEntriesRequest, context: Any) -> pb.ListEntriesResponse:
        brand, page_size = caller().brand, page_size_of(request.page_size)
        async with self._database.reading(brand) as connection:
            if await store.member(connection, brand, request.member, ()) is None:
                raise UnknownMember(request.member)
            entries, token = await store.statement(connection, brand, request.member, page_size, request.page_token)
        return pb.ListEntriesResponse(entries=entries, next_page_token=token)

    async def Spend(self, request: pb.SpendRequest, context: Any) -> pb.SpendResponse:
        _refuse(_spend_violations(request))
        answer: pb.SpendResponse = await self._write_path.submit(caller().brand, request)
        return answer

    async def ListRewards(self, request: pb.ListRewardsRequest, context: Any) -> pb.ListRewardsResponse:
        rules = await self._newest()
        cheapest_first = sorted(rules.programme.points.rewards, key=lambda reward: (reward.price, reward.id))
        return pb.ListRewardsResponse(rewards=cheapest_first)

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
            if await store.member(connection, brand, member, ()) is None:
                raise UnknownMember(member)
            return await store.wallets(connection, brand, member, rules.currencies)

    async def _newest(self) -> PointsRules:
        brand = caller().brand
        async with self._database.reading(brand) as connection:
            return (await self._programmes.newest(connection, brand))[1]


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
        _refuse(FieldViolation(problem.field, problem.detail) for problem in problems.found)
        answer: programme_pb2.ApplyProgrammeResponse = await self._write_path.submit(caller().brand, request)
        return answer

    async def ValidateProgramme(
        self, request: programme_pb2.ValidateProgrammeRequest, context: Any
    ) -> programme_pb2.ValidateProgrammeResponse:
        problems = Problems()
        compile_programme(request.programme, problems)
        return problems.response()


def _refuse(violations: Iterable[FieldViolation]) -> None:
    if found := list(violations):
        raise InvalidArgument.of(found[:100])


def _activities_violations(request: activity_pb2.RecordActivitiesRequest) -> Iterator[FieldViolation]:
    count = len(request.activities)
    if not 1 <= count <= ACTIVITIES_MAX:
        yield FieldViolation("activities", f"has {count} items, not 1 to {ACTIVITIES_MAX}")
        return
    for place, activity in enumerate(request.activities):
        if not KEY.fullmatch(activity.id):
            yield FieldViolation(f"activities[{place}].id", "is not 1 to 128 printable ASCII characters without spaces")
        if not IDENTIFIER.fullmatch(activity.member):
            yield FieldViolation(f"activities[{place}].member", "is not 1 to 64 characters of A-Z a-z 0-9 _ -")
        if not activity.HasField("occurred_at"):
            yield FieldViolation(f"activities[{place}].occurred_at", "is required")
        elif not MOMENT_FIRST_S <= activity.occurred_at.seconds <= MOMENT_LAST_S:
            yield FieldViolation(f"activities[{place}].occurred_at", "is not within the years 1 and 9999")


def _enrol_violations(request: pb.EnrolMemberRequest) -> Iterator[FieldViolation]:
    if not IDENTIFIER.fullmatch(request.member) or request.member in ("me", "_"):
        yield FieldViolation("member", "is not 1 to 64 characters of A-Z a-z 0-9 _ -, or is reserved")
    if len(request.display_name) > DISPLAY_NAME_LENGTH_MAX:
        yield FieldViolation("display_name", f"is longer than {DISPLAY_NAME_LENGTH_MAX} characters")


def _spend_violations(request: pb.SpendRequest) -> Iterator[FieldViolation]:
    if not 1 <= request.amount <= AMOUNT_MAX:
        yield FieldViolation("amount", f"is {request.amount}, not within 1 and {AMOUNT_MAX}")
    if len(request.reference) > REFERENCE_LENGTH_MAX:
        yield FieldViolation("reference", f"is longer than {REFERENCE_LENGTH_MAX} characters")
