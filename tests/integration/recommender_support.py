"""What the tests of the recommender service share: a brand's programme, and events as the points service sends them."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import grpc
import nats
import nats.errors
from google.protobuf.message import Message

from chassis import events, transport
from chassis.errors import from_rpc
from cli.embedded import Servers
from laurels.activity.v1.activity_pb2 import Activity
from laurels.activity.v1.events_pb2 import ActivityRecorded
from laurels.missions.v1.events_pb2 import MissionCompleted
from laurels.points.v1.events_pb2 import TierChanged
from laurels.points.v1.programme_pb2 import Currency, PointsProgramme, Reward, Tier, TierLadder
from laurels.points.v1.rewards_events_pb2 import RedemptionChanged
from laurels.programme.v1 import programme_pb2, programme_pb2_grpc
from laurels.programme.v1.events_pb2 import ProgrammeApplied
from laurels.recommender.v1 import policies_pb2_grpc, recommender_pb2_grpc
from laurels.recommender.v1 import programme_pb2 as section_pb2
from laurels.recommender.v1 import recommender_pb2 as pb
from services.recommender.learner import Lesson

WITHIN_S = 20.0
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
# Far above what a real outbox of the session reaches, and apart from the other services' tests.
_ids = itertools.count(3 * 10**15 + time.time_ns() // 1_000)


def programme(**slots: int) -> programme_pb2.Programme:
    """A programme of slots with so many rewards each, `r0` and up, and three tiers."""
    purchase = programme_pb2.ActivityType(
        type="purchase",
        attributes=[programme_pb2.Attribute(name="amount", kind=programme_pb2.ATTRIBUTE_KIND_INTEGER)],
    )
    weighing = programme_pb2.ActivityType(
        type="weighing", attributes=[programme_pb2.Attribute(name="amount", kind=programme_pb2.ATTRIBUTE_KIND_NUMBER)]
    )
    return programme_pb2.Programme(
        name="Test",
        activity_types=[purchase, weighing],
        points=PointsProgramme(
            currencies=[Currency(id="points", name="Points")],
            tiers=TierLadder(currency="points", levels=[Tier(id="bronze"), Tier(id="silver", threshold=100)]),
            rewards=[
                Reward(id=f"r{number}", name=f"Reward {number}", currency="points", price=100)
                for number in range(max(slots.values(), default=1))
            ],
        ),
        recommender=section_pb2.RecommenderProgramme(
            control_share=0,
            slots=[
                section_pb2.Slot(id=name, name=name.title(), rewards=[f"r{number}" for number in range(count)])
                for name, count in slots.items()
            ],
        ),
    )


def purchase(
    member: str, day: int = 0, *, version: int = 1, tier: str = "", type_name: str = "purchase", **attributes: Any
) -> ActivityRecorded:
    """The event of an activity, `day` days after noon of the first."""
    moment = NOON + timedelta(days=day)
    activity = Activity(id=f"{member}-{day}", member=member, type=type_name, occurred_at=moment)
    activity.attributes.update(attributes)
    return ActivityRecorded(activity=activity, programme_version=version, tier=tier, recorded_at=moment)


class Points:
    """The points service's side of NATS: its stream, and what it publishes there."""

    def __init__(self, client: nats.NATS) -> None:
        self._js = client.jetstream()
        self._brands: set[str] = set()

    async def publish(
        self, brand: str, *messages: Message, times: int = 1, backwards: bool = False, source: str = "points"
    ) -> list[int]:
        """Publishes events under rising ids, each `times` times, and returns the ids.

        `backwards` publishes the last one first.
        """
        self._brands.add(brand)
        numbered = [(next(_ids), message) for message in messages]
        for number, message in reversed(numbered) if backwards else numbered:
            kind = message.DESCRIPTOR.full_name
            place = events.subject(source, events.short_name(kind), brand, _member(message))
            for delivery in range(times):
                # Past the duplicate window: what the stream would drop is what the inbox must.
                message_id = f"{number}-{time.time_ns()}-{delivery}"
                headers = {"Nats-Msg-Id": message_id, "ce-id": str(number), "ce-type": kind}
                await self._js.publish(place, message.SerializeToString(), headers=headers)
        return [number for number, _ in numbered]

    async def told(self, brand: str, kind: type[Any]) -> list[Any]:
        """The brand's events of a kind that the recommender published, in order."""
        found = []
        self._brands.add(brand)
        subject = f"laurels.recommender.{kind.DESCRIPTOR.name}.*.{brand}.>"
        subscription = await self._js.subscribe(subject, stream="RECOMMENDER", ordered_consumer=True)
        try:
            while True:
                found.append(kind.FromString((await subscription.next_msg(timeout=0.3)).data))
        except nats.errors.TimeoutError:
            return found
        finally:
            await subscription.unsubscribe()

    async def forget(self) -> None:
        """Takes the tests' events out of the streams, so that no later test's service meets them."""
        for brand in self._brands:
            for stream in ("POINTS", "MISSIONS", "RECOMMENDER"):
                await self._js.purge_stream(stream, subject=f"laurels.*.*.*.{brand}.>")


def _member(message: Message) -> str:
    match message:
        case ActivityRecorded():
            return message.activity.member
        case TierChanged() | RedemptionChanged() | MissionCompleted():
            return message.member
    return events.NO_MEMBER


class _StreamSettings:
    stream_bytes_max, retention_days, stream_replicas = 8 * 2**30, 7, 1


@asynccontextmanager
async def points_of(servers: Servers) -> AsyncIterator[Points]:
    """The points service's side within the block."""
    client = await nats.connect(servers.nats.url("operator"))
    for source in ("points", "missions"):
        config = transport.stream_config(source, _StreamSettings())  # type: ignore[arg-type]
        await transport.ensure_stream(client.jetstream(), config)
    points = Points(client)
    try:
        yield points
    finally:
        await points.forget()
        await client.close()


class Recommender:
    """The service as its callers see it, and what it keeps."""

    def __init__(self, servers: Servers, channel: grpc.aio.Channel, token: Callable[..., str]) -> None:
        self._servers, self._token = servers, token
        self._service = recommender_pb2_grpc.RecommenderServiceStub(channel)
        self._policies = policies_pb2_grpc.PoliciesServiceStub(channel)
        self._validation = programme_pb2_grpc.ProgrammeValidationServiceStub(channel)

    async def call(self, method: str, request: Any, brand: str, **credential: Any) -> Any:
        stub = self._validation if method == "ValidateProgramme" else self._service
        stub = self._policies if hasattr(self._policies, method) else stub
        metadata = (("authorization", f"Bearer {self._token(brand, **credential)}"),)
        try:
            return await getattr(stub, method)(request, metadata=metadata, timeout=10)
        except grpc.aio.AioRpcError as error:
            raise from_rpc(error) from None

    async def recommend(
        self, brand: str, member: str = "m1", slot: str = "home", count: int = 0, **credential: Any
    ) -> list[pb.Recommendation]:
        request = pb.ListRecommendationsRequest(member=member, slot=slot, count=count)
        answer = await self.call("ListRecommendations", request, brand, **credential)
        return list(answer.recommendations)

    async def record(self, brand: str, decision: str, value: float, **credential: Any) -> bool:
        """Reports an outcome; whether it was recorded now."""
        request = pb.RecordOutcomeRequest(decision=decision, value=value)
        return bool((await self.call("RecordOutcome", request, brand, **credential)).recorded)

    async def profile(self, brand: str, member: str, **credential: Any) -> pb.Profile:
        found = await self.call("GetInsights", pb.GetInsightsRequest(member=member), brand, **credential)
        return found.profile

    async def report(self, brand: str, **credential: Any) -> list[tuple[str, str, int, int, float]]:
        found = await self.call("GetRecommendationsReport", pb.GetRecommendationsReportRequest(), brand, **credential)
        return [(row.slot, row.reward, row.decisions, row.outcomes, row.mean_value) for row in found.outcomes]

    async def fetch(self, query: str, *arguments: Any) -> list[Any]:
        """Rows of the recommender's database, as the superuser sees them."""
        session = await asyncpg.connect(self._servers.postgres.admin_url("laurels_recommender"))
        try:
            return list(await session.fetch(query, *arguments))
        finally:
            await session.close()

    async def lessons(self, brand: str, slot: str) -> list[Lesson]:
        """The slot's stream of outcomes that teach."""
        query = """
            SELECT lesson, outcomes.choice, features, scaled FROM outcomes JOIN decisions USING (brand, decision)
            WHERE brand = $1 AND outcomes.slot = $2 AND lesson IS NOT NULL ORDER BY lesson"""
        return [Lesson(*row) for row in await self.fetch(query, brand, slot)]

    async def head(self, brand: str, slot: str) -> Any:
        """The slot's row of `learners`."""
        (row,) = await self.fetch("SELECT * FROM learners WHERE brand = $1 AND slot = $2", brand, slot)
        return row

    async def settled(self, brand: str, ids: list[int], source: str = "points") -> None:
        """Waits until the events of a service are applied."""

        async def claimed() -> bool:
            query = "SELECT count(*) FROM claims WHERE brand = $1 AND source = $3 AND id = ANY($2::bigint[])"
            return bool((await self.fetch(query, brand, ids, source))[0][0] == len(set(ids)))

        await eventually(claimed)


async def eventually(claim: Callable[[], Awaitable[Any]], within_s: float = WITHIN_S) -> Any:
    """What `claim` returns once it is true. Fails after `within_s` seconds."""
    deadline = time.monotonic() + within_s
    while True:
        found = await claim()
        if found:
            return found
        assert time.monotonic() < deadline, f"not within {within_s} seconds; last seen: {found!r}"
        await asyncio.sleep(0.02)


def applied(found: programme_pb2.Programme, version: int = 1) -> ProgrammeApplied:
    return ProgrammeApplied(version=version, programme=found)
