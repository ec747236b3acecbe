"""uvicorn with a bound on everything that a client can make it wait for or keep.

uvicorn's httptools protocol takes heads of any size at any pace; here a
request's head is bounded in bytes and in time, and connections in number.
Signals stay with whoever owns the process.
"""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway.settings import GatewaySettings

HEAD_BYTES_MAX = 64 * 1024
HEAD_S = 10.0
KEEP_ALIVE_S = 75
BACKLOG = 2_048


class BoundedProtocol(HttpToolsProtocol):
    """One connection."""

    connections_max = 1_000_000

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._in_head, self._head_bytes = False, 0
        self._head_timer: asyncio.TimerHandle | None = None
        if len(self.connections) > self.connections_max:
            transport.close()
        else:
            self._begin_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_head()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES_MAX and not self._fits(data):
                return
        super().data_received(data)

    def _fits(self, data: bytes) -> bool:
        """Whether the head ends within its bound although the bytes at hand, a body among them, do not."""
        end = data.find(b"\r\n\r\n")
        if end >= 0 and self._head_bytes - len(data) + end <= HEAD_BYTES_MAX:
            return True
        self.send_400_response(f"The head of the request is larger than {HEAD_BYTES_MAX} bytes.")
        return False

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if not self._in_head:
            self._begin_head()

    def on_headers_complete(self) -> None:
        self._end_head()
        super().on_headers_complete()

    def _begin_head(self) -> None:
        self._in_head, self._head_bytes = True, 0
        self._head_timer = self.loop.call_later(HEAD_S, self.transport.close)

    def _end_head(self) -> None:
        self._in_head = False
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(
    app: ASGIApp,
    settings: GatewaySettings,
    *,
    started: Callable[[str], None],
    stop: asyncio.Event,
    drain: Callable[[], None],
) -> None:
    """Serves until `stop`; then calls `drain`, lets requests finish for `drain_s`, and returns.

    `started` is told host:port once connections are taken. OSError when the
    address is taken.
    """
    with _listening(settings.listen) as listener:
        host, port = listener.getsockname()[:2]
        server = _Server(_configuration(app, settings))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started and not serving.done():
            await asyncio.sleep(0.005)
        if not serving.done():
            started(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if stop.is_set():
                await asyncio.sleep(settings.unready_s)
        finally:
            stopping.cancel()
            drain()
            server.should_exit = True
            await serving


def _configuration(app: ASGIApp, settings: GatewaySettings) -> uvicorn.Config:
    protocol: Any = type("Protocol", (BoundedProtocol,), {"connections_max": settings.connections_max})
    return uvicorn.Config(
        app,
        http=protocol,
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=max(1, round(settings.drain_s)),
        backlog=BACKLOG,
    )


def _listening(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host.strip("[]"), int(port)))
    except OSError:
        listener.close()
        raise
    return listener
