"""As little of gRPC over HTTP/2 as a load client needs, so that it costs little.

One method a connection, with the same metadata in every call: the first call
puts its headers into the peer's table and the later ones name them by index
(RFC 7541, 6.1 and 6.2.1). Frames that are ready at the same time leave
together. Answers' headers are not decoded: an answer without a message is a
refusal. RFC 9113 has the frames, gRPC's "PROTOCOL-HTTP2" the messages.
"""

import asyncio
import string
from collections import deque
from collections.abc import Callable, Mapping

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0x0, 0x1, 0x3, 0x4, 0x6, 0x7, 0x8
ACK, END_STREAM, END_HEADERS = 0x1, 0x1, 0x4
INITIAL_WINDOW_SIZE = 0x4
WINDOW, WINDOW_MAX = 65_535, 2**31 - 1
FRAME_HEADER, MESSAGE_HEADER = 9, 5
DYNAMIC_FIRST = 62
"""Where the peer's table has the newest of the headers that we put there."""


class Refused(RuntimeError):
    """A call ended without a message."""


class Connection(asyncio.Protocol):
    """A connection on which one method is called."""

    def __init__(self, address: str, method: str, metadata: Mapping[str, str]) -> None:
        headers = {
            ":method": "POST",
            ":scheme": "http",
            ":path": method,
            ":authority": address,
            "te": "trailers",
            "content-type": "application/grpc",
            **metadata,
        }
        self._first_headers = b"".join(_indexed_from_now(name, value) for name, value in headers.items())
        self._later_headers = bytes(0x80 | DYNAMIC_FIRST + place for place in reversed(range(len(headers))))
        self._loop = asyncio.get_running_loop()
        self._received = bytearray()
        self._ready: list[bytes] = []
        self._blocked: deque[bytes] = deque()
        self._window, self._next_stream = WINDOW, 1
        self._answers: dict[int, asyncio.Future[bytes]] = {}
        self._messages: dict[int, bytearray] = {}
        self._followers: dict[int, Callable[[bytes], None]] = {}
        self._lost: Exception | None = None

    @classmethod
    async def open(cls, address: str, method: str, metadata: Mapping[str, str]) -> "Connection":
        host, _, port = address.rpartition(":")
        loop = asyncio.get_running_loop()
        _, made = await loop.create_connection(lambda: cls(address, method, metadata), host, int(port))
        return made

    # -- calling ------------------------------------------------------------

    def call(self, message: bytes) -> asyncio.Future[bytes]:
        """A unary call's answer. Raises Refused."""
        stream = self._begin()
        answer = self._answers[stream] = self._loop.create_future()
        self._put(_data(stream, message, END_STREAM))
        return answer

    def follow(self, answered: Callable[[bytes], None]) -> tuple[int, asyncio.Future[bytes]]:
        """Opens a bidirectional stream: its number, and what is done when it ends.

        `answered` is called with each message.
        """
        stream = self._begin()
        ended = self._answers[stream] = self._loop.create_future()
        self._followers[stream] = answered
        return stream, ended

    def send(self, stream: int, message: bytes) -> None:
        """One more message on an open stream. The caller bounds how many are without an answer."""
        self._put(_data(stream, message, 0))

    def finish(self, stream: int) -> None:
        """Says that no more messages come."""
        self._put(_frame(DATA, END_STREAM, stream, b""))

    def _begin(self) -> int:
        if self._lost is not None:
            raise self._lost
        stream, self._next_stream = self._next_stream, self._next_stream + 2
        self._put(_frame(HEADERS, END_HEADERS, stream, self._first_headers if stream == 1 else self._later_headers))
        self._messages[stream] = bytearray()
        return stream

    def _put(self, frame: bytes) -> None:
        if not self._ready:
            self._loop.call_soon(self._flush)
        self._ready.append(frame)

    def _flush(self) -> None:
        """Sends what the peer's window has room for; frames keep their order."""
        self._blocked.extend(self._ready)
        self._ready.clear()
        leaving = []
        while self._blocked:
            frame = self._blocked[0]
            size = len(frame) - FRAME_HEADER if frame[3] == DATA else 0
            if size > self._window:
                break
            self._window -= size
            leaving.append(self._blocked.popleft())
        if leaving and self._lost is None:
            self._transport.write(b"".join(leaving))

    # -- asyncio.Protocol ---------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport
        settings = INITIAL_WINDOW_SIZE.to_bytes(2) + WINDOW_MAX.to_bytes(4)
        more = _frame(WINDOW_UPDATE, 0, 0, (WINDOW_MAX - WINDOW).to_bytes(4))
        transport.write(PREFACE + _frame(SETTINGS, 0, 0, settings) + more)

    def connection_lost(self, error: Exception | None) -> None:
        self._lost = ConnectionError(f"the connection was lost: {error or 'closed by the server'}")
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(self._lost)

    def data_received(self, received: bytes) -> None:
        buffer = self._received
        buffer += received
        at, end = 0, len(buffer)
        while end - at >= FRAME_HEADER:
            size = buffer[at] << 16 | buffer[at + 1] << 8 | buffer[at + 2]
            after = at + FRAME_HEADER + size
            if after > end:
                break
            stream = int.from_bytes(buffer[at + 5 : at + 9]) & WINDOW_MAX
            self._take(buffer[at + 3], buffer[at + 4], stream, bytes(buffer[at + FRAME_HEADER : after]))
            at = after
        del buffer[:at]

    def _take(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if kind == DATA:
            self._message(stream, payload)
        elif kind == WINDOW_UPDATE:
            if stream == 0:
                self._window += int.from_bytes(payload)
                self._flush()
        elif kind == SETTINGS and not flags & ACK:
            self._put(_frame(SETTINGS, ACK, 0, b""))
        elif kind == PING and not flags & ACK:
            self._put(_frame(PING, ACK, 0, payload))
        elif kind == GOAWAY:
            self.connection_lost(ConnectionError("the server goes away"))
        if (kind in (DATA, HEADERS) and flags & END_STREAM) or kind == RST_STREAM:
            self._end(stream, payload)

    def _message(self, stream: int, payload: bytes) -> None:
        buffer = self._messages[stream]
        buffer += payload
        follower = self._followers.get(stream)
        if follower is None:
            return
        while len(buffer) >= MESSAGE_HEADER:
            after = MESSAGE_HEADER + int.from_bytes(buffer[1:MESSAGE_HEADER])
            if after > len(buffer):
                return
            follower(bytes(buffer[MESSAGE_HEADER:after]))
            del buffer[:after]

    def _end(self, stream: int, trailers: bytes) -> None:
        answer, message = self._answers.pop(stream), self._messages.pop(stream)
        followed = self._followers.pop(stream, None) is not None
        if answer.done():
            return
        if followed or len(message) >= MESSAGE_HEADER:
            answer.set_result(bytes(message[MESSAGE_HEADER:]))
        else:
            said = "".join(chr(byte) for byte in trailers if chr(byte) in string.printable)
            answer.set_exception(Refused(f"a call was refused: {said}"))


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3) + bytes((kind, flags)) + stream.to_bytes(4) + payload


def _data(stream: int, message: bytes, flags: int) -> bytes:
    return _frame(DATA, flags, stream, b"\0" + len(message).to_bytes(4) + message)


def _indexed_from_now(name: str, value: str) -> bytes:
    """A header in full, which enters the peer's table."""
    return b"\x40" + _text(name) + _text(value)


def _text(text: str) -> bytes:
    """A string as it is; lengths of 127 and more take further bytes (RFC 7541, 5.1)."""
    coded = text.encode()
    size = len(coded)
    if size < 127:
        return bytes((size,)) + coded
    size -= 127
    length = bytearray((127,))
    while size >= 128:
        length.append(size % 128 | 128)
        size //= 128
    length.append(size)
    return bytes(length) + coded
