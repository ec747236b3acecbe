"""What the tests of the leaderboard service share: a brand's programme, and events as other services send them."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
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
from laurels.erasure.v1.events_pb2 import ErasureReceipt, ErasureSettled, MemberErased
from laurels.leaderboard.v1 import boards_pb2_grpc, leaderboard_pb2_grpc, leagues_pb2_grpc, scratch_cards_pb2_grpc
from laurels.leaderboard.v1 import leaderboard_pb2 as boards_pb
from laurels.leaderboard.v1 import programme_pb2 as pb
from laurels.leaderboard.v1 import scratch_cards_pb2 as cards_pb
from laurels.missions.v1.events_pb2 import MissionCompleted
from laurels.missions.v1.levels_events_pb2 import LevelReached
from laurels.missions.v1.programme_pb2 import CountGoal, Mission, MissionsProgramme
from laurels.points.v1.events_pb2 import PointsCredited, TierChanged
from laurels.points.v1.members_events_pb2 import ConsentChanged, SharedAttributesChanged
from laurels.points.v1.programme_pb2 import Currency, PointsProgramme
from laurels.programme.v1 import programme_pb2, programme_pb2_grpc
from laurels.programme.v1.events_pb2 import ProgrammeApplied
from laurels.value.v1.events_pb2 import GrantParked, RewardGranted
from services.leaderboard.scratch import activity_cause, card_id
from services.leaderboard.verification import violations

WITHIN_S = 20.0
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
# Far above what a real outbox of the session reaches, so that no other test's events are taken for these.
_ids = itertools.count(10**16 + time.time_ns() // 1_000)

SENDERS = {
    ActivityRecorded: "points",
    PointsCredited: "points",
    ProgrammeApplied: "points",
    ConsentChanged: "points",
    SharedAttributesChanged: "points",
    TierChanged: "points",
    MissionCompleted: "missions",
    LevelReached: "missions",
    MemberErased: "points",
    ErasureSettled: "points",
    ErasureReceipt: "missions",
    RewardGranted: "missions",
    GrantParked: "points",
}


def prize(name: str, weight: int, stock: int, amount: int = 100) -> pb.Prize:
    return pb.Prize(id=name, name=name.title(), weight=weight, stock=stock, currency="points", amount=amount)


def pool(
    name: str, *prizes: pb.Prize, nothing_weight: int = 0, condition: str = "", mission: str = "", **fields: Any
) -> pb.ScratchPool:
    """A pool that gives cards for purchases, or for a mission; `fields` are its others."""
    issue = (
        pb.CardIssue(mission=mission)
        if mission
        else pb.CardIssue(activity=pb.ActivityIssue(activity_type="purchase", condition=condition))
    )
    return pb.ScratchPool(
        id=name, name=name.title(), issues=[issue], prizes=prizes, nothing_weight=nothing_weight, **fields
    )


def programme(*pools: pb.ScratchPool, score: str = "attributes.amount", condition: str = "") -> programme_pb2.Programme:
    """A programme with these pools, a board of points earned and one of amounts spent."""
    return programme_pb2.Programme(
        name="Test",
        activity_types=[
            programme_pb2.ActivityType(
                type="purchase",
                attributes=[programme_pb2.Attribute(name="amount", kind=programme_pb2.ATTRIBUTE_KIND_INTEGER)],
            )
        ],
        points=PointsProgramme(currencies=[Currency(id="points", name="Points"), Currency(id="gems", name="Gems")]),
        missions=MissionsProgramme(missions=[Mission(id="five", activity_type="purchase", count=CountGoal(target=5))]),
        leaderboard=pb.LeaderboardProgramme(
            boards=[
                pb.Board(id="earners", name="Earners", points=pb.PointsFeed(currency="points")),
                pb.Board(
                    id="spenders",
                    name="Spenders",
                    activity=pb.ActivityFeed(activity_type="purchase", condition=condition, score=score),
                ),
            ],
            scratch_pools=pools,
        ),
    )


def credit(member: str, amount: int, minute: int = 0, *, currency: str = "points", version: int = 1) -> PointsCredited:
    """Points earned so many minutes after noon."""
    return PointsCredited(
        member=member,
        currency=currency,
        amount=amount,
        occurred_at=NOON + timedelta(minutes=minute),
        programme_version=version,
    )


def purchase(member: str, name: str, amount: int = 1, minute: int = 0, *, version: int = 1) -> ActivityRecorded:
    """A purchase so many minutes after noon."""
    activity = Activity(id=name, member=member, type="purchase", occurred_at=NOON + timedelta(minutes=minute))
    activity.attributes.update({"amount": amount})
    return ActivityRecorded(activity=activity, programme_version=version)


def finished(member: str, mission: str = "five", *, version: int = 1) -> MissionCompleted:
    return MissionCompleted(member=member, mission=mission, completed_at=NOON, programme_version=version)


def card_of(brand: str, pool_id: str, activity: str) -> str:
    """The id of the card that a pool gives for an activity."""
    return card_id(brand, pool_id, activity_cause(activity))


class Leaderboard:
    """The service as its callers see it, and NATS as those whom it listens to see it."""

    def __init__(
        self, servers: Servers, channel: grpc.aio.Channel, client: nats.NATS, token: Callable[..., str]
    ) -> None:
        self.servers, self._client, self._js, self._token = servers, client, client.jetstream(), token
        self._stubs = [
            leaderboard_pb2_grpc.LeaderboardServiceStub(channel),
            boards_pb2_grpc.BoardServiceStub(channel),
            scratch_cards_pb2_grpc.ScratchCardServiceStub(channel),
            programme_pb2_grpc.ProgrammeValidationServiceStub(channel),
            leagues_pb2_grpc.LeagueServiceStub(channel),
        ]
        self._brands: set[str] = set()

    # -- events in ----------------------------------------------------------

    async def publish(self, brand: str, *messages: Message, ids: Sequence[int] = (), member: str = "") -> list[int]:
        """Publishes events in their order and returns their ids; `ids` are those of a publication to repeat.

        They are about `member` where they do not say it themselves.
        """
        self._brands.add(brand)
        numbers = list(ids) or [next(_ids) for _ in messages]
        await asyncio.gather(*(self._publish(brand, n, m, member) for n, m in zip(numbers, messages, strict=True)))
        return numbers

    async def _publish(self, brand: str, number: int, message: Any, about: str) -> None:
        source, kind = SENDERS[type(message)], message.DESCRIPTOR.full_name
        member = message.activity.member if isinstance(message, ActivityRecorded) else getattr(message, "member", "_")
        member = about or member
        headers = events.headers(source, number, kind, "")
        headers["Nats-Msg-Id"] = f"{number}-{time.time_ns()}"
        place = events.subject(source, events.short_name(kind), brand, member)
        await self._js.publish(place, message.SerializeToString(), headers=headers)

    async def apply(self, brand: str, applied: programme_pb2.Programme, version: int = 1) -> None:
        """Publishes a version of the brand's programme, and waits until it is taken over."""
        await self.settled(brand, *await self.publish(brand, ProgrammeApplied(version=version, programme=applied)))

    async def settled(self, brand: str, *ids: int) -> None:
        """Waits until the events have had their effect."""

        async def claimed() -> bool:
            query = "SELECT count(*) FROM claims WHERE brand = $1 AND id = ANY($2::bigint[])"
            return bool((await self.fetch(query, brand, ids))[0][0] == len(set(ids)))

        await eventually(claimed)

    async def delivered_again(self, brand: str, ids: Sequence[int], *messages: Message) -> None:
        """Publishes events once more under their ids, and waits until the service has acknowledged them."""
        await self.publish(brand, *messages, ids=ids)

        async def idle() -> bool:
            for stream in ("POINTS", "MISSIONS"):
                info = await self._js.consumer_info(stream, "leaderboard-0-of-1")
                if info.num_pending or info.num_ack_pending:
                    return False
            return True

        await eventually(idle)

    # -- events out ---------------------------------------------------------

    async def told(self, brand: str, kind: type[Any]) -> list[Any]:
        """The events of a kind in the outbox, in order."""
        query = "SELECT payload FROM outbox WHERE brand = $1 AND type = $2 ORDER BY id"
        return [kind.FromString(row["payload"]) for row in await self.fetch(query, brand, kind.DESCRIPTOR.full_name)]

    async def published(self, brand: str, kind: type[Any]) -> list[Any]:
        """The events of a kind on the LEADERBOARD stream, in order."""
        found = []
        subject = f"laurels.leaderboard.{kind.DESCRIPTOR.name}.*.{brand}.>"
        subscription = await self._js.subscribe(subject, stream="LEADERBOARD", ordered_consumer=True)
        try:
            while True:
                found.append(kind.FromString((await subscription.next_msg(timeout=0.3)).data))
        except nats.errors.TimeoutError:
            return found
        finally:
            await subscription.unsubscribe()

    # -- calls --------------------------------------------------------------

    async def call(self, method: str, request: Any, brand: str, **credential: Any) -> Any:
        """A call with a token of the brand. Raises the DomainError that it is refused with."""
        stub = next(getattr(stub, method) for stub in self._stubs if hasattr(stub, method))
        metadata = (("authorization", f"Bearer {self._token(brand, **credential)}"),)
        try:
            return await stub(request, metadata=metadata, timeout=20)
        except grpc.aio.AioRpcError as error:
            raise from_rpc(error) from None

    async def entries(self, brand: str, board: str, page_size: int = 0, page_token: str = "") -> Any:
        request = boards_pb.ListLeaderboardEntriesRequest(board=board, page_size=page_size, page_token=page_token)
        return await self.call("ListLeaderboardEntries", request, brand)

    async def top(self, brand: str, board: str) -> list[tuple[int, str, int]]:
        """Rank, member and score from the top."""
        return [(e.rank, e.member, e.score) for e in (await self.entries(brand, board, 1_000)).entries]

    async def place(self, brand: str, board: str, member: str, around: int = 0, **credential: Any) -> Any:
        request = boards_pb.GetLeaderboardMemberRequest(board=board, member=member, around=around)
        return await self.call("GetLeaderboardMember", request, brand, **credential)

    async def cards(self, brand: str, member: str, page_size: int = 0, page_token: str = "", **credential: Any) -> Any:
        request = cards_pb.ListScratchCardsRequest(member=member, page_size=page_size, page_token=page_token)
        return await self.call("ListScratchCards", request, brand, **credential)

    async def reveal(self, brand: str, card: str, own_seed: str = "", **credential: Any) -> cards_pb.ScratchCard:
        request = cards_pb.RevealScratchCardRequest(card=card, own_seed=own_seed)
        answer = await self.call("RevealScratchCard", request, brand, **credential)
        found: cards_pb.ScratchCard = answer.card
        return found

    async def issue(self, brand: str, pool_id: str, member: str, key: str, **credential: Any) -> cards_pb.ScratchCard:
        request = cards_pb.IssueScratchCardRequest(pool=pool_id, member=member, idempotency_key=key)
        found: cards_pb.ScratchCard = (await self.call("IssueScratchCard", request, brand, **credential)).card
        return found

    async def proof(self, brand: str, card: str, **credential: Any) -> cards_pb.GetScratchCardProofResponse:
        request = cards_pb.GetScratchCardProofRequest(card=card)
        found: cards_pb.GetScratchCardProofResponse = await self.call(
            "GetScratchCardProof", request, brand, **credential
        )
        return found

    async def draws(self, brand: str, pool_id: str, page_size: int = 1_000) -> list[cards_pb.ScratchDraw]:
        """All draws of a pool, by pages."""
        found, token = [], ""
        while True:
            request = cards_pb.ListScratchDrawsRequest(pool=pool_id, page_size=page_size, page_token=token)
            answer = await self.call("ListScratchDraws", request, brand)
            found += answer.draws
            if not (token := answer.next_page_token):
                return found

    async def close(self, brand: str, pool_id: str, **credential: Any) -> cards_pb.CloseScratchPoolResponse:
        request = cards_pb.CloseScratchPoolRequest(pool=pool_id)
        found: cards_pb.CloseScratchPoolResponse = await self.call("CloseScratchPool", request, brand, **credential)
        return found

    async def pool(self, brand: str, name: str) -> Any:
        return await self.call("GetScratchPool", cards_pb.GetScratchPoolRequest(pool=name), brand)

    async def report(self, brand: str) -> list[tuple[str, str, int, int, int]]:
        """Pool, name, issued, revealed and won."""
        found = await self.call("GetScratchPoolsReport", cards_pb.GetScratchPoolsReportRequest(), brand)
        return [(p.pool, p.name, p.issued, p.revealed, p.won) for p in found.pools]

    async def report_row(self, brand: str, pool_id: str) -> cards_pb.ScratchPoolCount:
        """A pool's row of the report."""
        found = await self.call("GetScratchPoolsReport", cards_pb.GetScratchPoolsReportRequest(), brand)
        return next(row for row in found.pools if row.pool == pool_id)

    async def problems(self, brand: str, proposed: programme_pb2.Programme, **credential: Any) -> dict[str, str]:
        request = programme_pb2.ValidateProgrammeRequest(programme=proposed)
        answer = await self.call("ValidateProgramme", request, brand, **credential)
        return {problem.field: problem.detail for problem in answer.problems}

    # -- the database -------------------------------------------------------

    async def fetch(self, query: str, *arguments: Any) -> list[Any]:
        """Rows of the database, as the superuser sees them."""
        session = await asyncpg.connect(self.servers.postgres.admin_url("laurels_leaderboard"))
        try:
            return list(await session.fetch(query, *arguments))
        finally:
            await session.close()

    async def republish(self, brand: str) -> None:
        """Has the relay publish once more what it published of the brand."""
        await self.fetch("UPDATE outbox SET published_at = NULL WHERE brand = $1", brand)

    async def all_published(self) -> bool:
        return not (await self.fetch("SELECT count(*) FROM outbox WHERE published_at IS NULL"))[0][0]

    async def violations(self, brand: str, seed_key: str = "") -> list[str]:
        """What `laurels verify` finds in the brand."""
        session = await asyncpg.connect(self.servers.postgres.admin_url("laurels_leaderboard"))
        try:
            async with session.transaction(isolation="repeatable_read", readonly=True):
                await session.execute("SELECT set_config('laurels.brand', $1, true)", brand)
                return await violations(session, seed_key or self.servers.data.seed_key())
        finally:
            await session.close()

    async def forget(self) -> None:
        """Takes the tests' events out of the streams, so that no later test's service meets them."""
        for brand in self._brands:
            for stream in ("POINTS", "MISSIONS", "LEADERBOARD"):
                await self._js.purge_stream(stream, subject=f"laurels.*.*.*.{brand}.>")


class _StreamSettings:
    stream_bytes_max, retention_days, stream_replicas = 8 * 2**30, 7, 1


@asynccontextmanager
async def listening(servers: Servers) -> AsyncIterator[nats.NATS]:
    """A connection that may publish as anybody, with the streams of those whom the service listens to.

    They are empty: events of other tests' brands, which this service never
    hears a programme of, would be delivered to it again and again.
    """
    client = await nats.connect(servers.nats.url("operator"))
    try:
        for source in ("points", "missions"):
            config = transport.stream_config(source, _StreamSettings())  # type: ignore[arg-type]
            await transport.ensure_stream(client.jetstream(), config)
            await client.jetstream().purge_stream(config.name or "")
        yield client
    finally:
        await client.close()


async def eventually(claim: Callable[[], Awaitable[Any]], within_s: float = WITHIN_S) -> Any:
    """What `claim` returns once it is true. Fails after `within_s` seconds."""
    deadline = time.monotonic() + within_s
    while True:
        found = await claim()
        if found:
            return found
        assert time.monotonic() < deadline, f"not within {within_s} seconds; last seen: {found!r}"
        await asyncio.sleep(0.02)
