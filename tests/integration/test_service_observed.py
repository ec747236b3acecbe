"""A service tells probes and Prometheus what the manifests ask it for."""

import asyncio
import importlib
import re
import socket
import urllib.request
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import pytest
import yaml
from grpc_health.v1 import health_pb2, health_pb2_grpc

from chassis import loops
from chassis.server import LIVE
from tests.contract.test_telemetry import ROOT, exported

WITHIN_S = 20.0


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@pytest.fixture(scope="module")
async def points(settings_of: Callable[..., Any]) -> AsyncIterator[tuple[str, str]]:
    """A points service; its address and its page of metrics."""
    port, stop = _free_port(), asyncio.Event()
    address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    settings = settings_of("points", metrics_listen=f"127.0.0.1:{port}", drain_s=0.0)
    run = importlib.import_module("services.points.__main__").run
    running = asyncio.create_task(run(settings, stop, address.set_result))
    await asyncio.wait([running, address], return_when=asyncio.FIRST_COMPLETED)
    yield address.result(), f"http://127.0.0.1:{port}/metrics"
    stop.set()
    await running


def _page(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - our own page
        text: str = answer.read().decode()
        return text


async def _until(found: Callable[[], Any]) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not await found():
            await asyncio.sleep(0.1)


async def test_the_probes_of_the_manifest_are_answered(
    points: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = next(iter(yaml.safe_load_all((ROOT / "k8s" / "base" / "points.yaml").read_text())))
    (container,) = manifest["spec"]["template"]["spec"]["containers"]
    names = {container[f"{kind}Probe"]["grpc"].get("service", "") for kind in ("startup", "readiness", "liveness")}
    assert names == {"", LIVE}
    async with grpc.aio.insecure_channel(points[0]) as channel:
        health = health_pb2_grpc.HealthStub(channel)

        async def says(name: str, status: int) -> bool:
            try:
                answer = await health.Check(health_pb2.HealthCheckRequest(service=name), timeout=5)
            except grpc.aio.AioRpcError as error:
                if error.code() != grpc.StatusCode.NOT_FOUND:
                    raise
                return False  # it has not looked for the first time
            return bool(answer.status == status)

        for name in names:
            await _until(lambda name=name: says(name, health_pb2.HealthCheckResponse.SERVING))
        # Every loop counts as silent: the process is no longer live, and still ready.
        monkeypatch.setattr(loops, "SILENT_S", -1.0)
        await _until(lambda: says(LIVE, health_pb2.HealthCheckResponse.NOT_SERVING))
        assert await says("", health_pb2.HealthCheckResponse.SERVING)
        monkeypatch.setattr(loops, "SILENT_S", 30.0)
        await _until(lambda: says(LIVE, health_pb2.HealthCheckResponse.SERVING))


async def test_its_page_has_what_rules_and_dashboards_ask_for(points: tuple[str, str]) -> None:
    async def measured() -> bool:
        page = await asyncio.to_thread(_page, points[1])
        return all(
            re.search(rf'^{name}{{[^}}]*service="points"', page, re.MULTILINE)
            for name in ("laurels_database_pool_size", "laurels_outbox_age_seconds", "laurels_loop_beat_seconds")
        )

    await _until(measured)
    page = await asyncio.to_thread(_page, points[1])
    told = {line.split()[2] for line in page.splitlines() if line.startswith("# TYPE ")}
    for name in exported():
        if name.startswith(("laurels_http_", "laurels_event_streams", "laurels_prize")):
            continue  # the gateway's and the leaderboard's
        family = name if name in told else name.rpartition("_")[0]
        assert family in told, name
