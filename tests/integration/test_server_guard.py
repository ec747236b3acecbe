"""Every call is authenticated, held to its caller's own, bounded, and answered plainly."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status

from chassis import server as chassis_server
from chassis.credentials import Verifier, caller
from chassis.errors import FieldViolation, InvalidArgument, NotFound, from_rpc
from chassis.server import Server
from cli.embedded import Servers
from laurels.points.v1 import points_pb2, points_pb2_grpc
from tests.integration.chassis_support import WITHIN_S, Gate

Token = Callable[..., str]
SPEND = points_pb2.SpendRequest(member="ann", currency="points", amount=1, idempotency_key="once")


class Servicer(points_pb2_grpc.PointsServiceServicer):
    """A servicer that does what the test says, under the contract's own rules."""

    def __init__(self) -> None:
        self.calls: list[Any] = []
        self.does: Callable[[], Any] = lambda: None

    async def _answer(self, request: Any, answer: Any) -> Any:
        self.calls.append((request, caller()))
        done = self.does()
        if asyncio.iscoroutine(done):
            await done
        return answer

    async def GetMember(self, request: Any, context: Any) -> Any:
        return await self._answer(
            request, points_pb2.GetMemberResponse(member=points_pb2.Member(member=request.member))
        )

    async def Spend(self, request: Any, context: Any) -> Any:
        return await self._answer(request, points_pb2.SpendResponse())

    async def GetLiabilityReport(self, request: Any, context: Any) -> Any:
        return await self._answer(request, points_pb2.GetLiabilityReportResponse())


@pytest.fixture
def servicer() -> Servicer:
    return Servicer()


@asynccontextmanager
async def serving(
    servers: Servers, servicer: Servicer, deadline_default_s: float = 30.0
) -> AsyncIterator[tuple[Server, grpc.aio.Channel]]:
    served = Server(
        "guarded",
        Verifier(str(servers.data.jwks)),
        listen="127.0.0.1:0",
        concurrent_calls_max=100,
        deadline_default_s=deadline_default_s,
    )
    points_pb2_grpc.add_PointsServiceServicer_to_server(servicer, served.grpc)
    address = await served.start(["laurels.points.v1.PointsService"])
    try:
        async with grpc.aio.insecure_channel(address) as channel:
            yield served, channel
    finally:
        await served.stop(0)


@pytest.fixture
async def channel(servers: Servers, servicer: Servicer) -> AsyncIterator[grpc.aio.Channel]:
    async with serving(servers, servicer) as (_, opened):
        yield opened


@pytest.fixture
def points(channel: grpc.aio.Channel) -> Any:
    return points_pb2_grpc.PointsServiceStub(channel)


def bearing(token: str, *more: tuple[str, str]) -> dict[str, Any]:
    return {"metadata": (("authorization", f"Bearer {token}"), *more), "timeout": WITHIN_S}


async def refused(call: Any, status: grpc.StatusCode) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await call
    assert refusal.value.code() is status, refusal.value.details()
    return refusal.value


# Who


async def test_the_caller_is_the_credential_s_and_nothing_that_the_client_says_besides(
    points: Any, servicer: Servicer, token: Token, brand: str
) -> None:
    forged = (("brand", "another"), ("x-brand", "another"), ("laurels-brand", "another"))
    await points.GetMember(points_pb2.GetMemberRequest(member="ann"), **bearing(token(brand, "till"), *forged))
    ((_, who),) = servicer.calls
    assert (who.brand, who.subject) == (brand, "till")


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic YW5uOmFubg==", "Bearer not.a.token"])
async def test_a_call_without_a_credential_that_holds_is_refused(points: Any, servicer: Servicer, header: str) -> None:
    metadata = (("authorization", header),) if header else ()
    call = points.GetMember(points_pb2.GetMemberRequest(member="ann"), metadata=metadata, timeout=WITHIN_S)
    error = from_rpc(await refused(call, grpc.StatusCode.UNAUTHENTICATED))
    assert error.reason == "unauthenticated"
    assert servicer.calls == []


@pytest.mark.parametrize(
    ("scope", "allowed"),
    [("manager", True), ("service manager", True), ("member", False), ("service", False), ("", False)],
)
async def test_a_method_is_open_to_the_scopes_that_the_contract_states(
    points: Any, servicer: Servicer, token: Token, brand: str, scope: str, allowed: bool
) -> None:
    """GetLiabilityReport states `manager`."""
    call = points.GetLiabilityReport(
        points_pb2.GetLiabilityReportRequest(), **bearing(token(brand, "somebody", scope=scope))
    )
    if allowed:
        await call
    else:
        error = await refused(call, grpc.StatusCode.PERMISSION_DENIED)
        assert "manager" in str(error.details())
    assert len(servicer.calls) == allowed


async def test_a_member_gets_their_own_and_another_s_is_answered_like_one_that_does_not_exist(
    points: Any, servicer: Servicer, token: Token, brand: str
) -> None:
    ann = bearing(token(brand, "ann", scope="member"))
    assert (await points.GetMember(points_pb2.GetMemberRequest(member="ann"), **ann)).member.member == "ann"
    for other in ("bob", "ANN", "", "ann "):
        call = points.GetMember(points_pb2.GetMemberRequest(member=other), **ann)
        assert from_rpc(await refused(call, grpc.StatusCode.NOT_FOUND)).reason == "unknown_member"
    assert [request.member for request, _ in servicer.calls] == ["ann"]


async def test_a_member_s_credential_that_is_a_back_end_s_too_may_name_others(
    points: Any, token: Token, brand: str
) -> None:
    both = bearing(token(brand, "ann", scope="member service"))
    assert (await points.GetMember(points_pb2.GetMemberRequest(member="bob"), **both)).member.member == "bob"


# What


@pytest.mark.parametrize("key", ["", " ", "two words", "naïve", "x" * 129, "line\nbreak"])
async def test_a_method_that_moves_value_needs_a_key(
    points: Any, servicer: Servicer, token: Token, brand: str, key: str
) -> None:
    request = points_pb2.SpendRequest(member="ann", currency="points", amount=1, idempotency_key=key)
    error = from_rpc(await refused(points.Spend(request, **bearing(token(brand))), grpc.StatusCode.INVALID_ARGUMENT))
    assert [violation.field for violation in error.violations] == ["idempotency_key"]
    assert servicer.calls == []


@pytest.mark.parametrize("key", ["!", "order-17:spend", "x" * 128])
async def test_a_printable_key_is_taken(points: Any, token: Token, brand: str, key: str) -> None:
    request = points_pb2.SpendRequest(member="ann", currency="points", amount=1, idempotency_key=key)
    await points.Spend(request, **bearing(token(brand)))


async def test_a_request_beyond_the_bound_is_refused(points: Any, servicer: Servicer, token: Token, brand: str) -> None:
    request = points_pb2.GetMemberRequest(member="x" * chassis_server.MESSAGE_BYTES_MAX)
    await refused(points.GetMember(request, **bearing(token(brand))), grpc.StatusCode.RESOURCE_EXHAUSTED)
    assert servicer.calls == []


# How it is answered


async def test_a_refusal_arrives_with_its_reason_and_fields(
    points: Any, servicer: Servicer, token: Token, brand: str
) -> None:
    refusal = NotFound("There is no member 'ann'.", code="unknown_member", violations=[FieldViolation("member", "no")])
    servicer.does = _raising(refusal)
    error = await refused(points.Spend(SPEND, **bearing(token(brand))), grpc.StatusCode.NOT_FOUND)
    told = from_rpc(error)
    assert (told.detail, told.reason, told.violations) == (refusal.detail, refusal.reason, refusal.violations)
    info = error_details_pb2.ErrorInfo()
    status = rpc_status.from_call(error)  # type: ignore[arg-type]
    assert status is not None
    assert status.details[0].Unpack(info)
    assert (info.domain, info.reason) == ("laurels", "unknown_member")


async def test_a_refusal_with_many_long_violations_arrives_with_as_many_as_headers_take(
    points: Any, servicer: Servicer, token: Token, brand: str
) -> None:
    """A hundred are what a batch of activities may have; each is a sentence."""
    violations = [FieldViolation(f"activities[{place}].attributes.amount", "ü" * 200) for place in range(100)]
    servicer.does = _raising(InvalidArgument.of(violations))
    error = from_rpc(await refused(points.Spend(SPEND, **bearing(token(brand))), grpc.StatusCode.INVALID_ARGUMENT))
    assert error.reason == "invalid_argument"
    assert str(error).startswith("activities[0].attributes.amount: üü")
    told = len(error.violations)
    assert told > 5
    assert error.violations == tuple(violations[:told])


@pytest.mark.parametrize(("sent", "kept"), [("req-17.a_B", True), ("", False), ("two words", False), ("x" * 65, False)])
async def test_an_unexpected_error_is_told_by_the_request_s_id_and_by_nothing_of_what_it_was(
    points: Any, servicer: Servicer, token: Token, brand: str, sent: str, kept: bool
) -> None:
    servicer.does = _raising(RuntimeError("password=hunter2 in /srv/secrets"))
    call = points.Spend(SPEND, **bearing(token(brand), *([("x-request-id", sent)] if sent else [])))
    error = await refused(call, grpc.StatusCode.INTERNAL)
    sentence, _, number = str(error.details()).removesuffix(".").rpartition(" ")
    assert sentence == "Something went wrong here; request"
    assert number == sent if kept else (number != sent and len(number) == 32)
    assert "hunter2" not in repr(error)
    assert rpc_status.from_call(error) is None  # type: ignore[arg-type]


def _raising(error: Exception) -> Callable[[], None]:
    def does() -> None:
        raise error

    return does


async def test_a_call_without_a_deadline_gets_one(
    servers: Servers, servicer: Servicer, token: Token, brand: str
) -> None:
    servicer.does = lambda: asyncio.Event().wait()
    async with serving(servers, servicer, deadline_default_s=0.05) as (_, channel):
        points = points_pb2_grpc.PointsServiceStub(channel)
        call = points.Spend(SPEND, metadata=bearing(token(brand))["metadata"])
        async with asyncio.timeout(WITHIN_S):
            error = await refused(call, grpc.StatusCode.DEADLINE_EXCEEDED)
        assert "may have had effect" in str(error.details())


async def test_a_stopping_server_lets_calls_finish_and_takes_no_new_ones(
    servers: Servers, servicer: Servicer, token: Token, brand: str
) -> None:
    gate = Gate()
    servicer.does = lambda: gate(None)
    async with serving(servers, servicer) as (served, channel):
        points = points_pb2_grpc.PointsServiceStub(channel)
        at_hand = asyncio.ensure_future(points.Spend(SPEND, **bearing(token(brand))))
        await gate.reached()
        stopping = asyncio.create_task(served.stop(WITHIN_S))

        async def refuses() -> None:
            async with asyncio.timeout(WITHIN_S):
                while gate.entered == 1:
                    late = points.Spend(SPEND, metadata=bearing(token(brand))["metadata"], timeout=0.2)
                    try:
                        await late
                    except grpc.aio.AioRpcError as error:
                        if error.code() is grpc.StatusCode.UNAVAILABLE:
                            return

        await refuses()
        gate.open()
        assert await at_hand == points_pb2.SpendResponse()
        await stopping


async def test_health_and_reflection_ask_for_no_credential(servers: Servers, servicer: Servicer) -> None:
    async with serving(servers, servicer) as (served, channel):
        health = health_pb2_grpc.HealthStub(channel)
        for ready, expected in (
            (True, health_pb2.HealthCheckResponse.SERVING),
            (False, health_pb2.HealthCheckResponse.NOT_SERVING),
        ):
            await served.set_health(ready=ready, live=True)
            assert (await health.Check(health_pb2.HealthCheckRequest(), timeout=WITHIN_S)).status == expected
