"""What the tests of campaigns share: programmes with campaigns, a missions service, and a receiver of webhooks."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import nats
from google.protobuf.json_format import ParseDict
from standardwebhooks import Webhook

from chassis import events, transport
from chassis.database import Database
from cli.embedded import Servers
from laurels.activity.v1.events_pb2 import ActivityRecorded
from laurels.missions.v1 import campaigns_pb2, campaigns_pb2_grpc, webhooks_pb2_grpc
from laurels.missions.v1 import programme_campaigns_pb2 as pb
from laurels.points.v1 import members_pb2
from laurels.points.v1.members_events_pb2 import ConsentChanged
from laurels.programme.v1 import programme_pb2, programme_pb2_grpc
from laurels.programme.v1.events_pb2 import ProgrammeApplied
from services.missions.verification import violations
from tests.integration import missions_support
from tests.integration.missions_support import eventually, fetch

AGO = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
_ids = itertools.count(5 * 10**15 + int(datetime.now(UTC).timestamp() * 1_000_000))

POINTS = {"points": {"currency": "points", "amount": 100}}
MESSAGE = {"message": {"channel": "email", "template": "hello"}}
BOUGHT = {"type": "purchase"}


def campaign(name: str, **stated: Any) -> dict[str, Any]:
    """A campaign that gives points, unless it states other effects."""
    return {"id": name, "name": name.title(), "effects": [POINTS]} | stated


def programme(*campaigns: dict[str, Any], zone: str = "", **policy: Any) -> programme_pb2.Programme:
    """A programme of these campaigns, and of all that they may refer to."""
    found = missions_support.programme(missions_support.mission("shopper", 5))
    found.time_zone = zone
    more = {
        "points": {
            "tiers": {"levels": [{"id": "silver", "name": "Silver"}, {"id": "gold", "name": "Gold", "threshold": 9}]},
            "rewards": [{"id": "mug", "name": "Mug"}],
            "member_attributes": [
                {"name": "city", "kind": "MEMBER_ATTRIBUTE_KIND_TEXT", "shared": True},
                {"name": "zone", "kind": "MEMBER_ATTRIBUTE_KIND_TEXT", "shared": True},
                {"name": "birthday", "kind": "MEMBER_ATTRIBUTE_KIND_DATE", "personal": True, "anniversary": True},
            ],
        },
        "leaderboard": {"scratch_pools": [{"id": "spring", "name": "Spring"}]},
        "missions": {"campaigns": list(campaigns), "campaign_policy": policy, "time_zone_attribute": "zone"},
    }
    found.MergeFrom(ParseDict(more, programme_pb2.Programme()))
    return found


def bought(member: str, name: str, at: datetime = AGO, *, version: int = 1, **attributes: Any) -> ActivityRecorded:
    """A purchase."""
    found = missions_support.purchase(member, version=version, **attributes)
    found.activity.id = name
    found.activity.occurred_at.FromDatetime(at)
    return found


def consents(member: str, granted: bool = True, at: datetime = AGO) -> ConsentChanged:
    return ConsentChanged(member=member, purpose=members_pb2.CONSENT_PURPOSE_MARKETING, granted=granted, changed_at=at)


class Campaigns:
    """The missions service, and the services that it listens to, as a brand sees them."""

    def __init__(
        self, servers: Servers, channel: grpc.aio.Channel, client: nats.NATS, token: Callable[..., str]
    ) -> None:
        self.servers, self._client, self._token = servers, client, token
        self._js = client.jetstream()
        self._stubs = [
            campaigns_pb2_grpc.CampaignsServiceStub(channel),
            webhooks_pb2_grpc.WebhooksServiceStub(channel),
            programme_pb2_grpc.ProgrammeValidationServiceStub(channel),
        ]
        self.brands: set[str] = set()

    async def call(self, method: str, request: Any, brand: str, **credential: Any) -> Any:
        stub = next(stub for stub in self._stubs if hasattr(stub, method))
        metadata = (("authorization", f"Bearer {self._token(brand, **credential)}"),)
        return await getattr(stub, method)(request, metadata=metadata, timeout=10)

    async def started(self, brand: str, *campaigns: dict[str, Any], version: int = 1, **policy: Any) -> None:
        """Applies a programme of the campaigns."""
        await self.apply(brand, programme(*campaigns, **policy), version)

    async def apply(self, brand: str, applied: programme_pb2.Programme, version: int = 1) -> None:
        await self.heard(brand, ProgrammeApplied(version=version, programme=applied))

    async def heard(self, brand: str, *messages: Any, source: str = "points") -> None:
        """Publishes events as a service and waits until they have had their effect."""
        self.brands.add(brand)
        ids = []
        for message in messages:
            number = next(_ids)
            ids.append(number)
            kind = message.DESCRIPTOR.full_name
            member = message.activity.member if isinstance(message, ActivityRecorded) else None
            member = member or getattr(message, "member", "") or events.NO_MEMBER
            headers = {"Nats-Msg-Id": str(number), "ce-id": str(number), "ce-type": kind}
            place = events.subject(source, events.short_name(kind), brand, member)
            await self._js.publish(place, message.SerializeToString(), headers=headers)
        query = "SELECT count(*) FROM claims WHERE brand = $1 AND source = $2 AND id = ANY($3::bigint[])"

        async def claimed() -> bool:
            return bool((await fetch(self.servers, query, brand, source, ids))[0][0] == len(ids))

        await eventually(claimed)

    async def told(self, brand: str, kind: type[Any]) -> list[Any]:
        """What the service told of a kind, from its outbox, in order."""
        rows = await self.rows("SELECT payload FROM outbox WHERE brand = $1 AND type = $2 ORDER BY id", brand,
                               kind.DESCRIPTOR.full_name)  # fmt: skip
        return [kind.FromString(row["payload"]) for row in rows]

    async def rows(self, query: str, *arguments: Any) -> list[Any]:
        return await fetch(self.servers, query, *arguments)

    async def report(self, brand: str, name: str) -> campaigns_pb2.CampaignCount:
        request = campaigns_pb2.GetCampaignsReportRequest()
        found = await self.call("GetCampaignsReport", request, brand, scope="manager")
        return next(row for row in found.campaigns if row.campaign == name)

    async def outcomes(self, brand: str) -> list[tuple[str, str, int, int, int]]:
        """What became of triggers: campaign, member, outcome, reason, occurrence."""
        query = (
            "SELECT campaign, member, outcome, reason, occurrence FROM campaign_triggers "
            "WHERE brand = $1 ORDER BY 1, 2, 5"
        )
        return [tuple(row) for row in await self.rows(query, brand)]

    async def violations(self, brand: str) -> list[str]:
        database = Database(self.servers.postgres.url("missions"))
        try:
            async with database.reading(brand) as connection:
                return await violations(connection)
        finally:
            await database.close()


@asynccontextmanager
async def streams(servers: Servers) -> AsyncIterator[nats.NATS]:
    """A client that may publish as points and recommender, whose streams are there."""
    client = await nats.connect(servers.nats.url("operator"))
    try:
        for service in ("points", "recommender"):
            config = transport.stream_config(service, missions_support._StreamSettings())  # type: ignore[arg-type]
            await transport.ensure_stream(client.jetstream(), config)
        yield client
    finally:
        await client.close()


async def forget(client: nats.NATS, brands: set[str]) -> None:
    """Takes the tests' events out of the streams, so that no later test's service meets them."""
    for brand in brands:
        for stream in ("POINTS", "RECOMMENDER", "MISSIONS"):
            await client.jetstream().purge_stream(stream, subject=f"laurels.*.*.*.{brand}.>")


class Receiver:
    """An HTTP server at 127.0.0.1 that keeps what is posted to it and answers with `statuses`, the last for ever."""

    def __init__(self, *statuses: int, location: str = "") -> None:
        self.statuses, self.location = list(statuses) or [200], location
        self.posts: list[tuple[str, dict[str, str], bytes]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks?brand=ours"

    def verified(self, secret: str) -> list[Any]:
        """What was posted, each verified by the convention's own library."""
        return [Webhook(secret).verify(body, headers) for _, headers, body in self.posts]

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Receiver"]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            self.open.set()
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.strip().split("\r\n")
            headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
            body = await reader.readexactly(int(headers["content-length"]))
            self.posts.append((first, headers, body))
            await self.open.wait()
            status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
            location = f"location: {self.location}\r\n" if self.location else ""
            writer.write(f"HTTP/1.1 {status} As Told\r\n{location}content-length: 0\r\n\r\n".encode())
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the sender went away
        finally:
            writer.close()


def data_of(posted: list[Any]) -> list[Any]:
    return [json.loads(json.dumps(each))["data"] for each in posted]


__all__ = ["AGO", "BOUGHT", "MESSAGE", "POINTS", "pb"]
