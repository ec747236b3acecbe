"""What the tests of badges, quizzes, levels and challenges share: the missions service and its callers."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
from google.protobuf.message import Message

from chassis.database import Database
from chassis.errors import from_rpc
from cli.embedded import Servers
from laurels.missions.v1 import (
    badges_pb2_grpc,
    levels_pb2_grpc,
    missions_pb2_grpc,
    quizzes_pb2_grpc,
    together_pb2_grpc,
)
from laurels.missions.v1 import programme_together_pb2 as together
from laurels.points.v1.programme_pb2 import CURRENCY_PURPOSE_EXPERIENCE, Currency
from laurels.programme.v1 import programme_pb2, programme_pb2_grpc
from laurels.value.v1.events_pb2 import Grant, PointsGrant
from services.missions.verification import violations
from tests.conftest import running
from tests.integration.missions_support import NOON, Points, eventually, fetch, open_points, programme

AGO, AHEAD = datetime.now(UTC) - timedelta(days=400), datetime.now(UTC) + timedelta(days=400)


class Missions:
    """The service as its callers and its producer see it."""

    def __init__(self, servers: Servers, channel: grpc.aio.Channel, points: Points, token: Callable[..., str]) -> None:
        self.servers, self.points, self._token = servers, points, token
        self._stubs: list[Any] = [
            missions_pb2_grpc.MissionsServiceStub(channel),
            badges_pb2_grpc.BadgesServiceStub(channel),
            quizzes_pb2_grpc.QuizzesServiceStub(channel),
            levels_pb2_grpc.LevelsServiceStub(channel),
            together_pb2_grpc.ChallengesServiceStub(channel),
            programme_pb2_grpc.ProgrammeValidationServiceStub(channel),
        ]

    async def call(self, method: str, request: Any, brand: str, **credential: Any) -> Any:
        """One call; a refusal is raised as the DomainError that it was."""
        (stub,) = [stub for stub in self._stubs if hasattr(stub, method)]
        metadata = (("authorization", f"Bearer {self._token(brand, **credential)}"),)
        try:
            return await getattr(stub, method)(request, metadata=metadata, timeout=20)
        except grpc.aio.AioRpcError as error:
            raise from_rpc(error) from None

    async def started(self, brand: str, applied: programme_pb2.Programme, version: int = 1) -> None:
        """Applies a programme and waits until it is taken over."""
        await self.points.apply(brand, applied, version)

        async def adopted() -> bool:
            query = "SELECT FROM configurations WHERE brand = $1 AND version = $2"
            return bool(await fetch(self.servers, query, brand, version))

        await eventually(adopted)

    async def heard(self, brand: str, *messages: Message, times: int = 1) -> list[int]:
        """Publishes events of the points service and waits until they are applied."""
        ids = await self.points.publish(brand, *messages, times=times)

        async def claimed() -> bool:
            query = "SELECT count(*) FROM claims WHERE brand = $1 AND source = 'points' AND id = ANY($2::bigint[])"
            return bool((await fetch(self.servers, query, brand, ids))[0][0] == len(set(ids)))

        await eventually(claimed)
        return ids

    async def told(self, brand: str, kind: type[Any]) -> list[Any]:
        """The events of a kind that the service has committed, in their order."""
        query = "SELECT payload FROM outbox WHERE brand = $1 AND type = $2 ORDER BY id"
        rows = await fetch(self.servers, query, brand, kind.DESCRIPTOR.full_name)
        return [kind.FromString(row["payload"]) for row in rows]

    async def problems(self, brand: str, applied: programme_pb2.Programme) -> dict[str, str]:
        """What is wrong with a programme, by path."""
        request = programme_pb2.ValidateProgrammeRequest(programme=applied)
        answer = await self.call("ValidateProgramme", request, brand)
        return {problem.field: problem.detail for problem in answer.problems}

    async def violations(self, brand: str) -> list[str]:
        database = Database(self.servers.postgres.url("missions"))
        try:
            async with database.reading(brand) as connection:
                return await violations(connection)
        finally:
            await database.close()


@asynccontextmanager
async def missions_on(
    servers: Servers, settings_of: Callable[..., Any], token: Callable[..., str]
) -> AsyncIterator[Missions]:
    opened = open_points(servers)
    points = await anext(opened)
    async with running("missions", settings_of("missions")) as channel:
        yield Missions(servers, channel, points, token)
        await opened.aclose()


def with_experience(applied: programme_pb2.Programme) -> programme_pb2.Programme:
    """A programme with a currency of experience."""
    applied.points.currencies.append(Currency(id="xp", name="Experience", purpose=CURRENCY_PURPOSE_EXPERIENCE))
    return applied


def points_grant(amount: int) -> Grant:
    return Grant(points=PointsGrant(currency="points", amount=amount))


def contributions(**stated: Any) -> together.Contributions:
    """Purchases by what they cost, on the day of the tests' noon; final at once afterwards."""
    values = {
        "activity_type": "purchase",
        "of": "attributes.amount",
        "begins_at": NOON - timedelta(hours=12),
        "ends_at": AHEAD,
        "lateness_days": 0,
    }
    return together.Contributions(**(values | stated))


__all__ = ["AGO", "AHEAD", "NOON", "Missions", "contributions", "eventually", "fetch", "missions_on", "programme"]
