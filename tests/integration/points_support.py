"""What the tests of the points service share: a brand's programme, its callers, and the services around it."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import nats
from google.protobuf.message import Message

from chassis import events, logging, transport
from chassis.errors import from_rpc
from cli.embedded import SERVICES, Servers
from laurels.activity.v1 import activity_pb2, activity_pb2_grpc
from laurels.activity.v1.activity_pb2 import Activity
from laurels.leaderboard.v1.events_pb2 import ScratchCardRevealed
from laurels.leaderboard.v1.programme_pb2 import Prize
from laurels.points.v1 import points_pb2, points_pb2_grpc
from laurels.points.v1 import programme_pb2 as pb
from laurels.points.v1.events_pb2 import MemberEnrolled
from laurels.programme.v1 import programme_pb2, programme_pb2_grpc
from laurels.value.v1 import events_pb2 as value_pb

# The default renderer draws every local variable of a traceback, which takes seconds for a batch of requests.
logging.configure("json", "warning")

WITHIN_S = 20.0
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
# Far above what a real outbox of the session reaches, and apart from the other services' tests.
_ids = itertools.count(5 * 10**15 + time.time_ns() // 1_000)

INTEGER, NUMBER, TEXT, FLAG = (
    programme_pb2.ATTRIBUTE_KIND_INTEGER,
    programme_pb2.ATTRIBUTE_KIND_NUMBER,
    programme_pb2.ATTRIBUTE_KIND_TEXT,
    programme_pb2.ATTRIBUTE_KIND_FLAG,
)


def rule(
    name: str, amount: str, *, condition: str = "", currency: str = "points", of: str = "purchase"
) -> pb.EarningRule:
    return pb.EarningRule(id=name, activity_type=of, condition=condition, amount=amount, currency=currency)


PER_UNIT = rule("per_unit", "attributes.amount")
"""A point a unit: what is bought is what is earned."""


def programme(*rules: pb.EarningRule, explicit: bool = False, name: str = "Test") -> programme_pb2.Programme:
    """A programme of these rules, in two currencies, with three tiers and three rewards."""
    return programme_pb2.Programme(
        name=name,
        activity_types=[
            programme_pb2.ActivityType(
                type="purchase",
                attributes=[
                    programme_pb2.Attribute(name="amount", kind=INTEGER, required=True),
                    programme_pb2.Attribute(name="pieces", kind=INTEGER),
                    programme_pb2.Attribute(name="weight", kind=NUMBER),
                    programme_pb2.Attribute(name="category", kind=TEXT),
                    programme_pb2.Attribute(name="gift", kind=FLAG),
                ],
            ),
            programme_pb2.ActivityType(type="visit"),
        ],
        points=pb.PointsProgramme(
            enrolment=pb.ENROLMENT_POLICY_EXPLICIT if explicit else pb.ENROLMENT_POLICY_ON_FIRST_ACTIVITY,
            currencies=[pb.Currency(id="points", name="Points"), pb.Currency(id="gems", name="Gems")],
            earning_rules=rules or [PER_UNIT],
            tiers=pb.TierLadder(
                currency="points",
                levels=[
                    pb.Tier(id="bronze", name="Bronze", threshold=0),
                    pb.Tier(id="silver", name="Silver", threshold=200),
                    pb.Tier(id="gold", name="Gold", threshold=600),
                ],
            ),
            rewards=[
                pb.Reward(id="album", name="An album", currency="points", price=400),
                pb.Reward(id="single", name="A single", currency="points", price=150),
                pb.Reward(id="ring", name="A ring", currency="gems", price=150),
            ],
        ),
    )


def visit(name: str, member: str = "ann", minute: int = 0) -> Activity:
    """A visit so many minutes after noon."""
    return Activity(id=name, member=member, type="visit", occurred_at=NOON + timedelta(minutes=minute))


def purchase(name: str, member: str = "ann", amount: int = 100, minute: int = 0, **attributes: Any) -> Activity:
    """A purchase so many minutes after noon."""
    found = Activity(id=name, member=member, type="purchase", occurred_at=NOON + timedelta(minutes=minute))
    found.attributes.update({"amount": amount, **attributes})
    return found


def finished(member: str, mission: str, amount: int = 0, currency: str = "points") -> value_pb.RewardGranted:
    """A mission that was finished at noon; it pays nothing, or so much."""
    points = value_pb.PointsGrant(currency=currency, amount=amount)
    return value_pb.RewardGranted(
        key=f"mission:{mission}:{member}",
        member=member,
        grants=[value_pb.Grant(points=points)] if amount else [],
        reason=value_pb.GRANT_REASON_MISSION,
        reference=mission,
        occurred_at=NOON,
        programme_version=1,
    )


def revealed(member: str, card: str, amount: int = 0, currency: str = "points") -> ScratchCardRevealed:
    """A card's reveal; it won nothing when the amount is 0."""
    prize = Prize(id="prize", name="Prize", currency=currency, amount=amount) if amount else None
    return ScratchCardRevealed(member=member, card=card, pool="pool", prize=prize, revealed_at=NOON)


def earned(answer: activity_pb2.RecordActivitiesResponse) -> list[dict[str, int]]:
    """What each activity of an answer earned, by currency."""
    return [{earning.currency: earning.amount for earning in result.earned} for result in answer.results]


class Points:
    """The points service as its callers see it."""

    def __init__(self, channel: grpc.aio.Channel, token: Callable[..., str], *more: Any) -> None:
        self._token = token
        self._stubs = [
            *more,
            activity_pb2_grpc.ActivityServiceStub(channel),
            points_pb2_grpc.PointsServiceStub(channel),
            programme_pb2_grpc.ProgrammeServiceStub(channel),
            programme_pb2_grpc.ProgrammeValidationServiceStub(channel),
        ]

    async def call(self, method: str, request: Any, brand: str, **credential: Any) -> Any:
        """One call; a refusal is raised as the DomainError that it was."""
        (stub,) = [stub for stub in self._stubs if hasattr(stub, method)]
        metadata = (("authorization", f"Bearer {self._token(brand, **credential)}"),)
        try:
            return await getattr(stub, method)(request, metadata=metadata, timeout=30)
        except grpc.aio.AioRpcError as error:
            raise from_rpc(error) from None

    async def stream(self, method: str, requests: Any, brand: str, **credential: Any) -> AsyncIterator[Any]:
        """The answers of a streaming call."""
        (stub,) = [stub for stub in self._stubs if hasattr(stub, method)]
        metadata = (("authorization", f"Bearer {self._token(brand, **credential)}"),)
        async for answer in getattr(stub, method)(requests, metadata=metadata, timeout=30):
            yield answer

    async def apply(self, brand: str, applied: programme_pb2.Programme, expected: int = 0) -> tuple[int, bool]:
        """The version under which the programme is recorded, and whether this call did."""
        request = programme_pb2.ApplyProgrammeRequest(programme=applied, expected_version=expected)
        answer = await self.call("ApplyProgramme", request, brand)
        return answer.version, answer.changed

    async def programme(self, brand: str) -> programme_pb2.GetProgrammeResponse:
        return await self.call("GetProgramme", programme_pb2.GetProgrammeRequest(), brand)

    async def record(self, brand: str, *activities: Activity) -> activity_pb2.RecordActivitiesResponse:
        return await self.call(
            "RecordActivities", activity_pb2.RecordActivitiesRequest(activities=activities), brand, scope="service"
        )

    async def enrol(self, brand: str, member: str, name: str = "") -> points_pb2.EnrolMemberResponse:
        request = points_pb2.EnrolMemberRequest(member=member, display_name=name)
        return await self.call("EnrolMember", request, brand)

    async def member(self, brand: str, member: str, **credential: Any) -> points_pb2.Member:
        request = points_pb2.GetMemberRequest(member=member)
        return (await self.call("GetMember", request, brand, **credential)).member

    async def wallets(self, brand: str, member: str, **credential: Any) -> dict[str, tuple[int, int]]:
        """What is available and what was ever earned, by currency."""
        answer = await self.call("ListWallets", points_pb2.ListWalletsRequest(member=member), brand, **credential)
        return {wallet.currency: (wallet.available, wallet.earned) for wallet in answer.wallets}

    async def available(self, brand: str, member: str = "ann", currency: str = "points") -> int:
        return (await self.wallets(brand, member))[currency][0]

    async def spend(
        self, brand: str, key: str, amount: int, *, member: str = "ann", currency: str = "points", reference: str = ""
    ) -> points_pb2.Entry:
        request = points_pb2.SpendRequest(
            member=member, currency=currency, amount=amount, reference=reference, idempotency_key=key
        )
        return (await self.call("Spend", request, brand, scope="service")).entry

    async def page(
        self, brand: str, member: str = "ann", page_size: int = 0, page_token: str = ""
    ) -> points_pb2.ListEntriesResponse:
        request = points_pb2.ListEntriesRequest(member=member, page_size=page_size, page_token=page_token)
        return await self.call("ListEntries", request, brand)

    async def statement(self, brand: str, member: str = "ann", page_size: int = 1_000) -> list[points_pb2.Entry]:
        """All entries, newest first, through as many pages as it takes."""
        entries: list[points_pb2.Entry] = []
        token = ""
        while True:
            answer = await self.page(brand, member, page_size, token)
            assert len(answer.entries) <= page_size
            entries += answer.entries
            token = answer.next_page_token
            if not token:
                return entries

    async def rewards(self, brand: str) -> list[str]:
        answer = await self.call("ListRewards", points_pb2.ListRewardsRequest(), brand)
        return [reward.id for reward in answer.rewards]

    async def liability(self, brand: str) -> dict[str, tuple[int, int, int]]:
        """What was issued and spent and is outstanding, by currency."""
        answer = await self.call("GetLiabilityReport", points_pb2.GetLiabilityReportRequest(), brand)
        return {row.currency: (row.issued, row.spent, row.outstanding) for row in answer.currencies}

    async def members(self, brand: str) -> points_pb2.GetMembersReportResponse:
        return await self.call("GetMembersReport", points_pb2.GetMembersReportRequest(), brand)


class Streams:
    """What the services around points see and say on NATS."""

    def __init__(self, points: Points, client: nats.NATS) -> None:
        self._points, self._js = points, client.jetstream()
        self._brands: set[str] = set()

    async def publish(self, service: str, brand: str, *messages: Any, times: int = 1) -> None:
        """Publishes a service's events in their order, each under an id of its own and `times` times over."""
        self._brands.add(brand)
        for message in messages:
            number, kind = next(_ids), message.DESCRIPTOR.full_name
            member = getattr(message, "member", events.NO_MEMBER)
            for delivery in range(times):
                headers = events.headers(service, number, kind, "")
                # Past the duplicate window: what the stream would drop is what the inbox must.
                headers["Nats-Msg-Id"] = f"{number}-{delivery}"
                place = events.subject(service, events.short_name(kind), brand, member)
                await self._js.publish(place, message.SerializeToString(), headers=headers)

    async def told(self, brand: str, *kinds: type[Any]) -> list[Message]:
        """What points published of the brand until now, in the stream's order, of these kinds or all.

        What was committed before the first mark is in the relay's round of that
        mark or an earlier one, and that round is over when the second mark comes.
        """
        self._brands.add(brand)
        subscription = await self._js.subscribe(
            f"laurels.points.*.*.{brand}.>", stream=events.stream("points"), ordered_consumer=True
        )
        found: list[Message] = []
        try:
            for _ in range(2):
                mark = f"mark-{next(_ids)}"
                await self._points.enrol(brand, mark)
                while True:
                    message = await subscription.next_msg(timeout=WITHIN_S)
                    event = events.message_class(transport.header(message, "ce-type")).FromString(message.data)
                    if not (isinstance(event, MemberEnrolled) and event.member.startswith("mark-")):
                        found.append(event)
                    elif event.member == mark:
                        break
        finally:
            await subscription.unsubscribe()
        return [event for event in found if not kinds or isinstance(event, kinds)]

    async def forget(self) -> None:
        """Takes the tests' events out of the streams, so that no later test's service meets them."""
        for brand in self._brands:
            for service in SERVICES:
                await self._js.purge_stream(events.stream(service), subject=f"laurels.*.*.*.{brand}.>")

    def touched(self, brand: str) -> None:
        """Says that the service publishes events of a brand, to be forgotten."""
        self._brands.add(brand)


@asynccontextmanager
async def streams_of(servers: Servers) -> AsyncIterator[nats.NATS]:
    """A connection to NATS on which every service's stream exists, as points finds them in production."""
    client = await nats.connect(servers.nats.url("operator"))
    try:
        for service in SERVICES:
            config = transport.stream_config(service, _StreamSettings())  # type: ignore[arg-type]
            await transport.ensure_stream(client.jetstream(), config)
        yield client
    finally:
        await client.close()


class _StreamSettings:
    stream_bytes_max, retention_days, stream_replicas = 8 * 2**30, 7, 1


async def eventually(claim: Callable[[], Awaitable[Any]], wanted: Any, within_s: float = WITHIN_S) -> None:
    """Waits until `claim` gives what is wanted. Fails after `within_s` seconds with what it gave last."""
    deadline = time.monotonic() + within_s
    while (found := await claim()) != wanted:
        assert time.monotonic() < deadline, f"not within {within_s} seconds: {found!r} is not {wanted!r}"
        await asyncio.sleep(0.02)
