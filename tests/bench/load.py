"""A load client, which is a process of its own so that what it costs is not what it measures.

`python -m tests.bench.load KIND`, with the options as JSON on standard input.
It makes its requests, says `ready`, waits for a line, drives the load, and
says what it saw within the measured seconds as one line of JSON. A request
that is refused ends it: nothing is measured that did not happen.
"""

import asyncio
import gc
import random
import sys
import time
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import orjson
import uvloop

from laurels.points.v1 import ledger_pb2, points_pb2
from tests.bench import http2

DEADLINE_S = 30.0
CURRENCY = "points"
PREPARED_S = 1.5
"""So much more is prepared than is measured: warming up, and what is under way at the end."""


class Window:
    """Counts what is answered between the warm-up and the end."""

    def __init__(self, options: dict[str, Any]) -> None:
        began = time.perf_counter()
        self._first = began + options.get("warm_s", 0.5)
        self.last = self._first + options["seconds"]
        self._done = self._all = 0
        self._began_cpu = time.process_time()
        self._taken: list[float] = []
        self._seen_last = self._first

    @property
    def is_open(self) -> bool:
        return time.perf_counter() < self.last

    def answered(self, asked_at: float, count: int = 1) -> None:
        """Notes that a request was answered now, which did `count` things."""
        now = time.perf_counter()
        self._all += count
        if self._first <= now <= self.last:
            self._done += count
            self._taken.append(now - asked_at)
            self._seen_last = now

    def results(self) -> dict[str, float]:
        """The rate a second, percentiles in milliseconds, and what was done and used in all."""
        taken = sorted(self._taken)
        if not taken:
            raise RuntimeError("nothing was answered in the measured seconds")

        def at(part: float) -> float:
            return taken[min(len(taken) - 1, int(part * len(taken)))] * 1_000

        return {
            # What was prepared may have come to an end before the window did.
            "per_second": self._done / (self._seen_last - self._first),
            "done": self._all,
            "cpu_s": time.process_time() - self._began_cpu,
            "p50_ms": at(0.5),
            "p99_ms": at(0.99),
            "max_ms": taken[-1] * 1_000,
        }


def member_of(number: int) -> str:
    return f"m{number}"


def transfer(chosen: random.Random, members: int) -> ledger_pb2.Transfer:
    """Points that a member gives back: the movement that pgbench makes, with its two accounts."""
    return ledger_pb2.Transfer(
        id=str(uuid.UUID(int=chosen.getrandbits(128))),
        currency=CURRENCY,
        amount=chosen.randint(1, 10),
        debit=ledger_pb2.LedgerAccount(member=member_of(chosen.randrange(members))),
        credit=ledger_pb2.LedgerAccount(kind=points_pb2.ACCOUNT_KIND_REDEEMED),
    )


def channels(options: dict[str, Any]) -> list[grpc.aio.Channel]:
    """A connection to each address."""
    return [grpc.aio.insecure_channel(address) for address in options["addresses"]]


def called(options: dict[str, Any]) -> dict[str, str]:
    """What goes with every call."""
    return {"authorization": f"Bearer {options['token']}", "grpc-timeout": f"{DEADLINE_S:.0f}S"}


def metadata(options: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {options['token']}"),)


async def batches(options: dict[str, Any]) -> Callable[[], Awaitable[Window]]:
    """Transfers in batches, so many batches at once."""
    chosen = random.Random(options["seed"])
    size, silent = options["batch"], options["silent"]
    count = int(options["most_per_second"] * (options["seconds"] + PREPARED_S)) // size
    bodies = [
        ledger_pb2.PostTransfersRequest(
            transfers=[transfer(chosen, options["members"]) for _ in range(size)], silent=silent
        ).SerializeToString()
        for _ in range(count)
    ]
    name = "/laurels.points.v1.LedgerService/PostTransfers"
    calls = [channel.unary_unary(name) for channel in channels(options)]
    told = metadata(options)

    async def load() -> Window:
        window = Window(options)

        async def caller(call: Any) -> None:
            while bodies and window.is_open:
                body, asked_at = bodies.pop(), time.perf_counter()
                answer = await call(body, timeout=DEADLINE_S, metadata=told)
                window.answered(asked_at, size)
                for result in ledger_pb2.PostTransfersResponse.FromString(answer).results:
                    if result.code:
                        raise RuntimeError(f"a transfer was refused: {result.code} {result.detail}")

        await at_once(options["callers"], calls, caller)
        return window

    return load


async def spends(options: dict[str, Any]) -> Callable[[], Awaitable[Window]]:
    """Single spends, each caller one after another."""
    name = "/laurels.points.v1.PointsService/Spend"
    chosen, first, members = random.Random(options["seed"]), options.get("first", 0), options["members"]

    async def load() -> Window:
        connections = [await http2.Connection.open(each, name, called(options)) for each in options["addresses"]]
        window = Window(options)

        async def caller(connection: http2.Connection) -> None:
            while window.is_open:
                request = points_pb2.SpendRequest(
                    member=member_of(first + chosen.randrange(members)),
                    currency=CURRENCY,
                    amount=chosen.randint(1, 10),
                    idempotency_key=str(uuid.UUID(int=chosen.getrandbits(128))),
                )
                asked_at = time.perf_counter()
                await connection.call(request.SerializeToString())
                window.answered(asked_at)

        await at_once(options["callers"], connections, caller)
        return window

    return load


async def stream(options: dict[str, Any]) -> Callable[[], Awaitable[Window]]:
    """Single transfers over one stream an address, with a bound on those without an answer."""
    name = "/laurels.points.v1.LedgerService/StreamTransfers"
    chosen, most = random.Random(options["seed"]), options["unanswered"]

    async def load() -> Window:
        connections = [await http2.Connection.open(each, name, called(options)) for each in options["addresses"]]
        window = Window(options)

        async def one(connection: http2.Connection) -> None:
            asked: deque[float] = deque()

            def answered(message: bytes) -> None:
                result = ledger_pb2.StreamTransfersResponse.FromString(message).result
                if result.code:
                    raise RuntimeError(f"a transfer was refused: {result.code} {result.detail}")
                window.answered(asked.popleft())
                if window.is_open:
                    ask()
                elif not asked:
                    connection.finish(number)

            def ask() -> None:
                asked.append(time.perf_counter())
                request = ledger_pb2.StreamTransfersRequest(transfer=transfer(chosen, options["members"]))
                connection.send(number, request.SerializeToString())

            number, ended = connection.follow(answered)
            for _ in range(most):
                ask()
            await ended

        await asyncio.gather(*(one(connection) for connection in connections))
        return window

    return load


async def alternative(options: dict[str, Any]) -> Callable[[], Awaitable[Window]]:
    """Single spends over HTTP, each caller on a connection of its own."""
    chosen, members = random.Random(options["seed"]), options["members"]

    async def load() -> Window:
        window = Window(options)

        async def caller(address: str) -> None:
            connection = await Connection.open(address)
            while window.is_open:
                path = f"/members/{member_of(chosen.randrange(members))}/spend"
                key = str(uuid.UUID(int=chosen.getrandbits(128)))
                body = orjson.dumps({"amount": chosen.randint(1, 10)})
                asked_at = time.perf_counter()
                await connection.post(path, f"idempotency-key: {key}\r\n", body)
                window.answered(asked_at)

        await at_once(options["callers"], options["addresses"], caller)
        return window

    return load


async def activities(options: dict[str, Any]) -> Callable[[], Awaitable[Window]]:
    """Activities in batches through the gateway."""
    chosen, size = random.Random(options["seed"]), options["batch"]
    count = int(options["most_per_second"] * (options["seconds"] + PREPARED_S)) // size
    bodies = [
        orjson.dumps({"activities": [purchase(chosen, options["members"]) for _ in range(size)]}) for _ in range(count)
    ]
    header = f"authorization: Bearer {options['token']}\r\n"

    async def load() -> Window:
        window = Window(options)

        async def caller(address: str) -> None:
            connection = await Connection.open(address)
            while bodies and window.is_open:
                body, asked_at = bodies.pop(), time.perf_counter()
                answer = orjson.loads(await connection.post("/v1/activities", header, body))
                window.answered(asked_at, answer["accepted"])

        await at_once(options["callers"], options["addresses"], caller)
        return window

    return load


def purchase(chosen: random.Random, members: int) -> dict[str, Any]:
    moment = datetime.now(UTC) - timedelta(seconds=chosen.randrange(86_400))
    return {
        "id": str(uuid.UUID(int=chosen.getrandbits(128))),
        "member": member_of(chosen.randrange(members)),
        "type": "purchase",
        "occurred_at": moment.isoformat(),
        "attributes": {
            "amount": chosen.randint(100, 20_000),
            "items": chosen.randint(1, 12),
            "category": chosen.choice(["music", "books", "games", "films", "food"]),
            "channel": chosen.choice(["web", "app", "shop"]),
        },
    }


class Connection:
    """As little of HTTP/1.1 as a load client needs, so that it costs little."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str) -> None:
        self._reader, self._writer, self._host = reader, writer, host

    @classmethod
    async def open(cls, address: str) -> "Connection":
        host, _, port = address.rpartition(":")
        return cls(*await asyncio.open_connection(host, int(port), limit=2**20), address)

    async def post(self, path: str, headers: str, body: bytes) -> bytes:
        """The body of a successful answer."""
        head = f"POST {path} HTTP/1.1\r\nhost: {self._host}\r\ncontent-type: application/json\r\n{headers}"
        self._writer.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
        answer = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        _, _, rest = answer.partition(b"content-length:")
        content = await self._reader.readexactly(int(rest.partition(b"\r\n")[0]))
        if not answer.startswith(b"http/1.1 2"):
            raise RuntimeError(f"{path} was refused: {content.decode(errors='replace')}")
        return content


async def at_once(count: int, ways: Sequence[Any], caller: Callable[[Any], Awaitable[None]]) -> None:
    """So many callers, spread over the ways to call."""
    async with asyncio.TaskGroup() as callers:
        for number in range(count):
            callers.create_task(caller(ways[number % len(ways)]))


KINDS = {
    "batches": batches,
    "spends": spends,
    "stream": stream,
    "alternative": alternative,
    "activities": activities,
}


async def main() -> None:
    options = orjson.loads(sys.stdin.buffer.readline())
    load = await KINDS[sys.argv[1]](options)
    gc.collect()
    gc.freeze()
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    window = await load()
    print(orjson.dumps(window.results()).decode(), flush=True)


if __name__ == "__main__":
    uvloop.run(main())
