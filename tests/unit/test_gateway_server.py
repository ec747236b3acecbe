"""The server: what a client can make it wait for or keep is bounded, and stopping loses no request."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway import server
from gateway.__main__ import run
from laurels.points.v1 import points_pb2
from tests.unit.gateway_world import Services, bearer, gateway_settings


class Running:
    def __init__(self, address: str, services: Services, stop: asyncio.Event, task: "asyncio.Task[None]") -> None:
        self.host, _, port = address.rpartition(":")
        self.port, self.services, self.stop, self.task = int(port), services, stop, task

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    async def raw(self, *pieces: bytes, pause_s: float = 0.0) -> bytes:
        """What is answered to these bytes until the connection is closed, by us after two seconds."""
        reader, writer = await asyncio.open_connection(self.host, self.port)
        try:
            for piece in pieces:
                writer.write(piece)
                await asyncio.sleep(pause_s)
            async with asyncio.timeout(2):
                return await reader.read()
        except ConnectionError:
            return b""
        except TimeoutError:
            return b"still open"
        finally:
            writer.close()


@asynccontextmanager
async def running(folder: Path, **overrides: Any) -> AsyncIterator[Running]:
    """A gateway without NATS, which only streams need."""
    services = Services()
    values = {"listen": "127.0.0.1:0", "nats_url": "nats://127.0.0.1:1", "drain_s": 5.0}
    settings = gateway_settings(folder, await services.start(), **(values | overrides))
    stop, address = asyncio.Event(), asyncio.get_running_loop().create_future()
    task = asyncio.create_task(run(settings, stop, address.set_result))
    try:
        yield Running(await address, services, stop, task)
    finally:
        stop.set()
        await task
        await services.server.stop(None)


async def test_requests_are_served_while_nats_was_never_there(tmp_path: Path) -> None:
    async with running(tmp_path) as gateway, httpx.AsyncClient(base_url=gateway.url, headers=bearer()) as http:
        assert (await http.get("/v1/rewards")).status_code == 200
        assert (await http.get("/v1/members/c1/events")).json()["code"] == "unavailable"
        assert (await http.get("/readyz")).json()["parts"] == {"keys": "readable", "nats": "disconnected"}


async def test_a_head_is_bounded_in_size(tmp_path: Path) -> None:
    async with running(tmp_path) as gateway:
        start = b"GET /healthz HTTP/1.1\r\nhost: x\r\n"
        allowed = await gateway.raw(start + b"x: " + b"y" * 30_000 + b"\r\nconnection: close\r\n\r\n")
        assert allowed.startswith(b"HTTP/1.1 200")
        endless = [start + b"x: ", *[b"y" * 20_000] * 10]
        refused = await gateway.raw(*endless, pause_s=0.01)
        assert refused.startswith(b"HTTP/1.1 400") or refused == b""


async def test_a_large_body_after_a_small_head_is_not_taken_for_a_large_head(tmp_path: Path) -> None:
    async with running(tmp_path) as gateway, httpx.AsyncClient(base_url=gateway.url, headers=bearer()) as http:
        for _ in range(3):
            body = b'{"member":"c1"' + b" " * 1_500_000 + b"}"
            response = await http.post("/v1/members", content=body, headers={"content-type": "application/json"})
            assert response.status_code == 200


async def test_a_head_is_bounded_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "HEAD_S", 0.3)
    async with running(tmp_path) as gateway:
        assert await gateway.raw() == b""
        assert await gateway.raw(b"GET /healthz HTTP/1.1\r\n", b"x: y\r\n", pause_s=0.2) in (
            b"",
            b"ConnectionResetError",
        )
        async with httpx.AsyncClient(base_url=gateway.url, headers=bearer()) as http:
            assert (await http.get("/healthz")).status_code == 200
            await asyncio.sleep(0.5)  # a kept-alive connection may be quiet for longer than a head may take
            assert (await http.get("/healthz")).status_code == 200


async def test_connections_are_bounded_in_number(tmp_path: Path) -> None:
    async with running(tmp_path, connections_max=3) as gateway:
        held = [await asyncio.open_connection(gateway.host, gateway.port) for _ in range(3)]
        await asyncio.sleep(0.1)
        assert await gateway.raw(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n") == b""
        for _, writer in held:
            writer.close()
        await asyncio.sleep(0.1)
        request = b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
        assert (await gateway.raw(request)).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"nonsense\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\ncontent-length: x\r\n\r\n",
        b"POST /v1/members HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nhost: x\r\nx: a\x00b\r\n\r\n",
        b"GET /healthz\x00 HTTP/1.1\r\nhost: x\r\n\r\n",
    ],
)
async def test_what_is_no_http_is_refused(tmp_path: Path, request_bytes: bytes) -> None:
    async with running(tmp_path) as gateway:
        answer = await gateway.raw(request_bytes)
        assert answer.startswith(b"HTTP/1.1 400")
        async with httpx.AsyncClient(base_url=gateway.url) as http:
            assert (await http.get("/healthz")).status_code == 200


async def test_a_request_at_hand_is_finished_when_the_gateway_stops(tmp_path: Path) -> None:
    async with running(tmp_path) as gateway, httpx.AsyncClient(base_url=gateway.url, headers=bearer()) as http:
        go_on = asyncio.Event()

        async def wait(_: Any) -> Any:
            await go_on.wait()
            return points_pb2.ListRewardsResponse()

        gateway.services.answers["ListRewards"] = wait
        asked = asyncio.create_task(http.get("/v1/rewards"))
        while not gateway.services.requests:
            await asyncio.sleep(0.01)
        gateway.stop.set()
        await asyncio.sleep(0.3)
        assert not gateway.task.done()
        go_on.set()
        assert (await asked).status_code == 200
        async with asyncio.timeout(3):
            await gateway.task


async def test_a_stopping_gateway_is_not_ready_before_it_closes(tmp_path: Path) -> None:
    async with running(tmp_path, unready_s=0.5) as gateway, httpx.AsyncClient(base_url=gateway.url) as http:
        gateway.stop.set()
        await asyncio.sleep(0.1)
        assert (await http.get("/readyz")).status_code == 503
        assert (await http.get("/healthz")).status_code == 200


async def test_an_address_that_is_taken_is_told(tmp_path: Path) -> None:
    async with running(tmp_path) as gateway:
        settings = gateway_settings(tmp_path, "127.0.0.1:1", listen=f"127.0.0.1:{gateway.port}")
        with pytest.raises(OSError, match="in use"):
            await run(settings, asyncio.Event())
