"""A purchase is one trace, from the browser's request to the last consumer of its effects and back.

The suite runs as processes that send their spans over OTLP to a collector of
this test's own; nothing in it is replaced.
"""

import asyncio
import os
import re
import signal
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import grpc
import orjson
import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from cli.data_folder import ephemeral_folder
from cli.supervisor import Options, Suite, suite_on
from tests.e2e.world import World, eventually, purchase

TRACE, BROWSER = "5b8aa5a2d2c872e8321cf37308d69df2", "051581bf3cb55c13"
SAMPLED = f"00-{TRACE}-{BROWSER}-01"
EVERY_MS = "100"
WITHIN_S = 20.0


@dataclass(frozen=True)
class Seen:
    """A span as it reached the collector."""

    service: str
    name: str
    span: Span

    @property
    def attributes(self) -> dict[str, Any]:
        found = {}
        for one in self.span.attributes:
            kind = one.value.WhichOneof("value")
            found[one.key] = getattr(one.value, kind) if kind else None
        return found


class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    """An OTLP receiver that keeps what it gets."""

    def __init__(self) -> None:
        self.spans: list[Seen] = []

    async def Export(self, request: Any, context: Any) -> Any:
        for resource in request.resource_spans:
            (service,) = [one.value.string_value for one in resource.resource.attributes if one.key == "service.name"]
            for scope in resource.scope_spans:
                self.spans += [Seen(service, one.name, one) for one in scope.spans]
        return trace_service_pb2.ExportTraceServiceResponse()

    def of(self, trace: str) -> dict[str, Seen]:
        """The spans of a trace by their ids."""
        return {one.span.span_id.hex(): one for one in self.spans if one.span.trace_id.hex() == trace}

    def paths(self, trace: str) -> set[tuple[str, ...]]:
        """Each span's way from the caller down to it, as `service: name`."""
        known = self.of(trace)

        def path(one: Seen) -> tuple[str, ...]:
            above = known.get(one.span.parent_span_id.hex())
            return (*(path(above) if above is not None else ()), f"{one.service.removeprefix('laurels-')}: {one.name}")

        return {path(one) for one in known.values()}


@pytest.fixture(scope="module")
async def observed() -> AsyncIterator[tuple[Suite, Collector]]:
    """A suite, a process each, that tells the collector its spans."""
    collector, server = Collector(), grpc.aio.server()
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(collector, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    told = {
        "LAURELS_OTLP_ENDPOINT": f"http://127.0.0.1:{port}",
        "OTEL_BSP_SCHEDULE_DELAY": EVERY_MS,
        "LAURELS_CALL_DEADLINE_S": "4",
    }
    before = {name: os.environ.get(name) for name in told}
    folder = ephemeral_folder()
    os.environ.update(told)
    try:
        async with suite_on(folder, Options(split=True)) as suite:
            yield suite, collector
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
        folder.remove()
        await server.stop(None)


@pytest.fixture(scope="module")
async def world(observed: tuple[Suite, Collector]) -> AsyncIterator[World]:
    async with World(observed[0], "traced") as made:
        yield made


async def until(found: Callable[[], bool], what: Callable[[], Any]) -> None:
    began = time.monotonic()
    while not found():
        assert time.monotonic() - began < WITHIN_S, what()
        await asyncio.sleep(0.05)


async def buy(world: World, activity: str, traceparent: str) -> None:
    bought = purchase(activity, "ann", datetime(2026, 3, 1, 10, tzinfo=UTC), 1_000)
    body = {"activities": [bought]}
    answer = await world.call("POST", "/v1/activities", body, headers={"traceparent": traceparent})
    assert answer.status_code == 200, answer.text


BOUGHT = (
    "gateway: POST /v1/activities",
    "points: laurels.activity.v1.ActivityService.RecordActivities",
    "points: transaction",
    "points: publish ActivityRecorded",
)
FINISHED = (*BOUGHT, "missions: process ActivityRecorded", "missions: transaction")
PAID = (*FINISHED, "missions: publish RewardGranted", "points: process RewardGranted", "points: transaction")
CREDITED = (*PAID, "points: publish PointsCredited")


async def test_a_purchase_its_mission_and_the_mission_s_reward_are_one_tree(
    observed: tuple[Suite, Collector], world: World
) -> None:
    collector = observed[1]
    await buy(world, "first", "")
    await eventually(lambda: world.wallet("ann"), 60)
    await buy(world, "second", SAMPLED)
    # Ten dollars twice, 50 for the first purchase, 50 for the mission that the second one finishes.
    await eventually(lambda: world.wallet("ann"), 120)
    wanted = {
        BOUGHT,
        (*BOUGHT, "leaderboard: process ActivityRecorded", "leaderboard: transaction"),
        (*BOUGHT, "recommender: process ActivityRecorded", "recommender: transaction"),
        FINISHED,
        (*FINISHED, "missions: publish MissionCompleted"),
        (*FINISHED, "missions: publish BadgeEarned"),
        PAID,
        CREDITED,
        (*CREDITED, "leaderboard: process PointsCredited", "leaderboard: transaction"),
    }
    await until(lambda: wanted <= collector.paths(TRACE), lambda: sorted(collector.paths(TRACE)))

    known = collector.of(TRACE)
    roots = [one for one in known.values() if one.span.parent_span_id.hex() not in known]
    assert [(one.name, one.span.parent_span_id.hex()) for one in roots] == [("POST /v1/activities", BROWSER)]
    for one in known.values():
        assert one.span.status.code != Status.STATUS_CODE_ERROR, one
        assert one.span.end_time_unix_nano >= one.span.start_time_unix_nano
        above = known.get(one.span.parent_span_id.hex())
        if above is not None and one.service == above.service:
            assert one.span.start_time_unix_nano >= above.span.start_time_unix_nano, "an effect is after its cause"
    kinds = {one.name.partition(" ")[0]: one.span.kind for one in known.values()}
    assert kinds["POST"] == Span.SPAN_KIND_SERVER
    assert kinds["laurels.activity.v1.ActivityService.RecordActivities"] == Span.SPAN_KIND_SERVER
    assert (kinds["publish"], kinds["process"]) == (Span.SPAN_KIND_PRODUCER, Span.SPAN_KIND_CONSUMER)
    (edge,) = roots
    assert edge.attributes["http.route"] == "/v1/activities"
    assert edge.attributes["http.response.status_code"] == 200
    text = "".join(f"{one.name}{one.attributes}" for one in known.values())
    assert "ann" not in re.findall(r"\w+", text), "no span says whom it is about"


async def test_requests_that_share_a_transaction_keep_traces_of_their_own(
    observed: tuple[Suite, Collector], world: World
) -> None:
    collector = observed[1]
    traces = [f"{number:032x}" for number in range(1, 17)]
    await asyncio.gather(
        *(buy(world, f"together-{trace}", f"00-{trace}-{BROWSER}-01") for trace in traces),
    )
    for trace in traces:
        await until(lambda trace=trace: BOUGHT in collector.paths(trace), lambda trace=trace: collector.paths(trace))
        told = [one for one in collector.of(trace).values() if one.name == "publish ActivityRecorded"]
        assert len(told) == 1, "its own activity, and no other's"
    shared = [one for one in collector.spans if one.name == "transaction" and one.attributes["laurels.batch.size"] > 1]
    assert shared, "some were decided together"


async def test_what_the_caller_does_not_want_recorded_is_not(observed: tuple[Suite, Collector], world: World) -> None:
    collector, silent = observed[1], "c" * 32
    await buy(world, "silent", f"00-{silent}-{BROWSER}-00")
    await buy(world, "told", f"00-{'d' * 32}-{BROWSER}-01")
    await until(lambda: BOUGHT in collector.paths("d" * 32), lambda: collector.paths("d" * 32))
    assert collector.of(silent) == {}


async def test_a_line_of_log_says_in_which_trace_it_is(observed: tuple[Suite, Collector], world: World) -> None:
    suite, collector = observed
    trace = "e" * 32
    os.kill(suite.part_pid("recommender"), signal.SIGSTOP)  # so that the call's deadline passes
    try:
        answer = await world.call(
            "GET",
            "/v1/members/ann/recommendations?slot=home&count=1",
            headers={"traceparent": f"00-{trace}-{BROWSER}-01"},
        )
    finally:
        os.kill(suite.part_pid("recommender"), signal.SIGCONT)
    assert answer.status_code == 504
    lines = [orjson.loads(line) for line in (suite.data.logs / "gateway.log").read_text().splitlines()]
    (line,) = [line for line in lines if line.get("trace_id") == trace]
    assert line["event"] == "request failed"
    await until(lambda: line["span_id"] in collector.of(trace), lambda: (line, collector.of(trace)))
    failed = collector.of(trace)[line["span_id"]]
    assert failed.span.status.code == Status.STATUS_CODE_ERROR
    assert failed.attributes["http.response.status_code"] == 504
