"""The event stream, against a real nats-server that is stopped, wiped and started again under it."""

import asyncio
import shutil
import socket
import subprocess
import sysconfig
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import nats
import orjson
import pytest

from chassis.events import headers, subject
from gateway import feed
from gateway.__main__ import run
from gateway.feed import SOURCES, Cursor
from laurels.leaderboard.v1.boards_events_pb2 import BoardChanged
from laurels.missions.v1 import events_pb2 as missions_pb2
from laurels.missions.v1 import together_events_pb2
from laurels.points.v1 import events_pb2 as points_pb2
from tests.unit.gateway_world import bearer, gateway_settings

PROGRAM = Path(sysconfig.get_path("scripts")) / "nats-server"


class Nats:
    """A nats-server on one port and one folder, and a client that publishes as the services do."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self._ids = iter(range(1, 1_000_000))

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    async def start(self) -> None:
        command = [
            PROGRAM,
            "-a",
            "127.0.0.1",
            "-p",
            str(self.port),
            "-js",
            "-sd",
            self.folder,
            "-l",
            f"{self.folder}.log",
        ]
        self._process = subprocess.Popen([str(part) for part in command])
        async with asyncio.timeout(10):
            while not await self._answers():
                await asyncio.sleep(0.01)
        self.client = await nats.connect(self.url, allow_reconnect=False)
        self.js = self.client.jetstream()
        for source in SOURCES:
            await self.js.add_stream(name=source.upper(), subjects=[f"laurels.{source}.>"])

    async def _answers(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.close()
        return True

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    async def wipe(self) -> None:
        """Kills the server, removes its store, and starts another."""
        self.kill()
        shutil.rmtree(self.folder)
        await self.start()

    async def publish(self, member: str, message: Any, *, brand: str = "acme", event_id: int = 0) -> None:
        name = type(message).DESCRIPTOR
        source = name.full_name.split(".")[1]
        number = event_id or next(self._ids)
        found = headers(source, number, name.full_name, "")
        found["Nats-Msg-Id"] = f"{number}-{time.monotonic_ns()}"  # the server's window is not what is tested
        await self.js.publish(subject(source, name.name, brand, member), message.SerializeToString(), headers=found)

    async def credit(self, member: str, amount: int, **more: Any) -> None:
        await self.publish(member, points_pb2.PointsCredited(member=member, amount=amount), **more)

    async def consumers(self) -> int:
        infos = await asyncio.gather(*(self.js.stream_info(source.upper()) for source in SOURCES))
        return sum(info.state.consumer_count for info in infos)


class Reader:
    """A client that reads one stream."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.aiter_lines()
        self.last_id = ""
        self.comments = 0
        self.retry_ms = 0

    async def next(self, timeout_s: float = 10.0) -> tuple[str, Any]:
        """The next event and its data. Raises StopAsyncIteration when the stream ends."""
        async with asyncio.timeout(timeout_s):
            name, data = "", ""
            while True:
                line = await anext(self._lines)
                field, _, value = line.partition(": ")
                if line == "" and data:
                    return name, orjson.loads(data)
                if line.startswith(":"):
                    self.comments += 1
                elif field == "id":
                    self.last_id = value
                elif field == "retry":
                    self.retry_ms = int(value)
                elif field == "event":
                    name = value
                elif field == "data":
                    data = value

    async def amounts(self, count: int) -> list[int]:
        return [(await self.next())[1]["amount"] for _ in range(count)]

    async def silent_for(self, seconds: float) -> bool:
        try:
            await self.next(seconds)
        except TimeoutError:
            return True
        return False


class Gateway:
    def __init__(self, address: str, stop: Callable[[], None]) -> None:
        self.stop = stop
        self.http = httpx.AsyncClient(base_url=f"http://{address}", timeout=30)

    @asynccontextmanager
    async def follow(
        self, member: str = "c1", *, after: str = "", credential: dict[str, str] | None = None
    ) -> AsyncIterator[Reader]:
        sent = (bearer() if credential is None else credential) | ({"last-event-id": after} if after else {})
        async with self.http.stream("GET", f"/v1/members/{member}/events", headers=sent) as response:
            if response.status_code != 200:
                await response.aread()
            yield Reader(response)

    async def status(self, member: str, **more: Any) -> tuple[int, str]:
        async with self.follow(member, **more) as reader:
            code = "" if reader.response.status_code == 200 else reader.response.json()["code"]
            return reader.response.status_code, code


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Nats]:
    server = Nats(tmp_path / "nats")
    await server.start()
    try:
        yield server
    finally:
        await server.client.close()
        server.kill()


@asynccontextmanager
async def serving(folder: Path, broker: Nats, **overrides: Any) -> AsyncIterator[Gateway]:
    values = {"listen": "127.0.0.1:0", "nats_url": broker.url, "heartbeat_s": 0.2, "drain_s": 1.0}
    settings = gateway_settings(folder, "127.0.0.1:1", **(values | overrides))
    stop, address = asyncio.Event(), asyncio.get_running_loop().create_future()
    running = asyncio.create_task(run(settings, stop, address.set_result))
    await asyncio.wait({running, address}, return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        running.result()
    found = Gateway(await address, stop.set)
    try:
        yield found
    finally:
        await found.http.aclose()
        stop.set()
        await running


@pytest.fixture
async def served(tmp_path: Path, broker: Nats) -> AsyncIterator[Gateway]:
    async with serving(tmp_path, broker) as found:
        yield found


async def eventually(holds: Callable[[], Any], timeout_s: float = 10.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not await holds():
            await asyncio.sleep(0.05)


async def test_a_change_reaches_the_member_who_follows(broker: Nats, served: Gateway) -> None:
    await broker.credit("c1", 1)
    async with served.follow("me", credential=bearer("c1", "member")) as reader:
        assert reader.response.headers["content-type"].startswith("text/event-stream")
        assert reader.response.headers["cache-control"] == "no-store"
        await broker.credit("c1", 2)
        name, data = await reader.next()
        assert name == "PointsCredited"
        assert data == {
            "member": "c1",
            "currency": "",
            "amount": 2,
            "balance": 0,
            "kind": "unspecified",
            "reference": "",
            "programme_version": 0,
        }
        assert reader.retry_ms > 0


async def test_only_the_own_brand_and_member_are_heard(broker: Nats, served: Gateway) -> None:
    async with served.follow("c1") as reader:
        await broker.credit("c2", 1)
        await broker.credit("c1", 2, brand="other")
        await broker.credit("_", 3)
        await broker.credit("c1", 4)
        assert await reader.amounts(1) == [4]


async def test_a_board_s_changes_reach_those_who_follow_it_and_no_others(broker: Nats, served: Gateway) -> None:
    who = bearer("c1", "member")
    async with served.http.stream("GET", "/v1/leaderboards/sprint/events", headers=who) as response:
        reader = Reader(response)
        await broker.publish("@marathon", BoardChanged(board="marathon", members=1))
        await broker.publish("@sprint", BoardChanged(board="sprint", members=2), brand="other")
        await broker.publish("@sprint", BoardChanged(board="sprint", members=3))
        assert await reader.next() == ("BoardChanged", {"board": "sprint", "period": "", "members": 3, "position": 0})
    assert await served.status("@sprint") == (404, "unknown_member")
    refused = await served.http.get("/v1/leaderboards/a.b/events", headers=who)
    assert (refused.status_code, refused.json()["code"]) == (404, "unknown_board")


async def test_what_is_for_everybody_in_the_brand_is_heard_and_nothing_else_of_nobody(
    broker: Nats, served: Gateway
) -> None:
    async with served.follow("me", credential=bearer("c1", "member")) as reader:
        await broker.publish("_", together_events_pb2.ChallengeClosed(challenge="theirs"), brand="other")
        await broker.publish("_", missions_pb2.MissionCompleted(mission="m"))
        await broker.credit("_", 3)
        await broker.publish("_", together_events_pb2.CommunityProgressed(challenge="all", total=5))
        name, data = await reader.next()
        assert (name, data["challenge"], data["total"]) == ("CommunityProgressed", "all", 5)


async def test_events_of_every_service_are_heard(broker: Nats, served: Gateway) -> None:
    async with served.follow("c1") as reader:
        await broker.publish("c1", missions_pb2.MissionCompleted(member="c1", mission="m"))
        assert (await reader.next())[0] == "MissionCompleted"
        await broker.credit("c1", 1)
        assert (await reader.next())[0] == "PointsCredited"


async def test_nothing_after_the_first_byte_is_missed(broker: Nats, served: Gateway) -> None:
    for amount in range(1, 11):
        async with served.follow("c1") as reader:
            await broker.credit("c1", amount)
            assert await reader.amounts(1) == [amount]


async def test_a_stream_goes_on_where_it_broke_off_with_nothing_lost_and_nothing_twice(
    broker: Nats, served: Gateway
) -> None:
    expected, heard, last = [], [], ""
    async with served.follow("c1") as reader:
        assert await reader.silent_for(0.3)
        last = reader.last_id
    for turn in range(6):
        for amount in range(turn * 10 + 1, turn * 10 + 11):
            expected.append(amount)
            await broker.credit("c1", amount)
            await broker.publish("c1", missions_pb2.BadgeEarned(member="c1", badge=str(amount)))
        async with served.follow("c1", after=last) as reader:
            for _ in range(7 + turn):  # breaks off in the middle, each time elsewhere
                name, data = await reader.next()
                heard.append((name, data.get("amount") or int(data["badge"])))
                last = reader.last_id
    async with served.follow("c1", after=last) as reader:
        while len(heard) < 2 * len(expected):
            name, data = await reader.next()
            heard.append((name, data.get("amount") or int(data["badge"])))
        assert await reader.silent_for(0.5)
    assert [value for name, value in heard if name == "PointsCredited"] == expected
    assert [value for name, value in heard if name == "BadgeEarned"] == expected


async def test_another_replica_goes_on_as_well(tmp_path: Path, broker: Nats, served: Gateway) -> None:
    async with served.follow("c1") as reader:
        await broker.credit("c1", 1)
        await reader.next()
        last = reader.last_id
    await broker.credit("c1", 2)
    async with serving(tmp_path, broker) as replica, replica.follow("c1", after=last) as reader:
        assert await reader.amounts(1) == [2]


async def test_an_event_that_was_published_twice_is_sent_once(broker: Nats, served: Gateway) -> None:
    async with served.follow("c1") as reader:
        await broker.credit("c1", 1, event_id=900)
        await broker.credit("c1", 1, event_id=900)
        await broker.credit("c1", 2, event_id=901)
        assert await reader.amounts(2) == [1, 2]


async def test_a_long_absence_is_caught_up_in_order(broker: Nats, served: Gateway) -> None:
    async with served.follow("c1") as reader:
        assert await reader.silent_for(0.3)
        last = reader.last_id
    await asyncio.gather(*(broker.credit("other", n) for n in range(200)))
    for amount in range(1, 301):
        await broker.credit("c1", amount)
    async with served.follow("c1", after=last) as reader:
        assert await reader.amounts(300) == list(range(1, 301))


async def test_a_quiet_stream_is_kept_open_by_comments(served: Gateway) -> None:
    async with served.follow("c1") as reader:
        assert await reader.silent_for(1.0)
        assert reader.comments >= 3


async def test_a_restart_of_nats_loses_and_doubles_nothing(broker: Nats, served: Gateway) -> None:
    async with served.follow("c1") as reader:
        await broker.credit("c1", 1)
        assert await reader.amounts(1) == [1]
        for turn in (10, 20):
            broker.kill()
            await asyncio.sleep(0.3)
            await broker.start()
            await broker.credit("c1", turn)
            await broker.credit("c1", turn + 1)
            assert await reader.amounts(2) == [turn, turn + 1]
        assert await reader.silent_for(0.5)


async def test_a_consumer_that_is_gone_is_made_again(
    broker: Nats, served: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "SILENT_S", 0.5)
    async with served.follow("c1") as reader:
        await broker.credit("c1", 1)
        await reader.next()
        for source in SOURCES:
            for info in await broker.js.consumers_info(source.upper()):
                await broker.js.delete_consumer(source.upper(), info.name)
        await broker.credit("c1", 2)
        assert await reader.amounts(1) == [2]


async def test_a_wiped_store_is_told_and_followed_from_then_on(broker: Nats, served: Gateway) -> None:
    async with served.follow("c1") as reader:
        await broker.credit("c1", 1)
        await reader.next()
        before = reader.last_id
        await broker.wipe()
        assert await reader.next(20) == ("reset", {})
        await broker.credit("c1", 2)
        assert await reader.amounts(1) == [2]
    for amount in range(10, 15):  # the new store is longer than the old one was
        await broker.credit("c1", amount)
    async with served.follow("c1", after=before) as reader:
        assert await reader.next() == ("reset", {})
        await broker.credit("c1", 3)
        assert await reader.amounts(1) == [3]


async def test_a_place_beyond_the_end_or_before_the_beginning_is_told(broker: Nats, served: Gateway) -> None:
    async with served.follow("c1") as reader:
        for amount in (1, 2, 3):
            await broker.credit("c1", amount)
        await reader.amounts(1)
        early = reader.last_id
        await reader.amounts(2)
        cursor = Cursor.parse(reader.last_id)
    beyond = str(cursor.moved(0, 10**6))
    async with served.follow("c1", after=beyond) as reader:
        assert (await reader.next())[0] == "reset"
    await broker.js.purge_stream("POINTS")
    await broker.credit("c1", 4)
    async with served.follow("c1", after=early) as reader:
        assert (await reader.next())[0] == "reset"
    async with served.follow("c1", after=str(cursor)) as reader:
        assert await reader.amounts(1) == [4]


@pytest.mark.parametrize(
    "cursor", ["1", "x", "1.a.b.c.d", "2.0000-1.0000-1.0000-1.0000-1", "1.0000-1.0000-1.0000-1", "0"]
)
async def test_a_malformed_place_is_refused(served: Gateway, cursor: str) -> None:
    assert await served.status("c1", after=cursor) == (400, "malformed_cursor")


async def test_whose_events_may_be_followed(served: Gateway) -> None:
    member = bearer("c1", "member")
    assert await served.status("c1", credential=member) == (200, "")
    assert await served.status("me", credential=member) == (200, "")
    assert await served.status("c2", credential=member) == (404, "unknown_member")
    assert await served.status("c2", credential=bearer()) == (200, "")
    assert await served.status("me", credential=bearer()) == (400, "invalid_argument")
    assert await served.status("c1", credential=bearer(scope="manager")) == (403, "permission_denied")
    assert await served.status("c1", credential={}) == (401, "no_credential")


@pytest.mark.parametrize("member", ["*", ">", "a.b", "_", "%3E", "c1.*", "x" * 65, "a%20b"])
async def test_no_id_reaches_into_other_subjects(served: Gateway, member: str) -> None:
    assert await served.status(member) == (404, "unknown_member")


async def test_the_members_that_events_without_one_carry_cannot_be_followed_by_name(served: Gateway) -> None:
    assert await served.status("me", credential=bearer("_", "member")) == (404, "unknown_member")


async def test_a_stream_ends_with_its_credential(served: Gateway) -> None:
    async with served.follow("c1", credential=bearer("c1", "member", lives_s=2)) as reader:
        with pytest.raises(StopAsyncIteration):
            await reader.next(5)


async def test_consumers_are_gone_when_the_client_is(broker: Nats, served: Gateway) -> None:
    async with served.follow("c1"), served.follow("c2"):
        assert await broker.consumers() == 8

    async def none_left() -> bool:
        return await broker.consumers() == 0

    await eventually(none_left)


async def test_streams_are_bounded_for_a_member_a_brand_and_in_all(tmp_path: Path, broker: Nats) -> None:
    bounds = {"streams_max": 3, "streams_per_brand_max": 2, "streams_per_subject_max": 1}
    async with serving(tmp_path, broker, **bounds) as gateway:
        member = bearer("c1", "member")
        async with gateway.follow("me", credential=member):
            assert await gateway.status("me", credential=member) == (429, "too_many_streams")
            async with gateway.follow("c2"):
                assert await gateway.status("c3") == (429, "too_many_streams")
                async with gateway.follow("c4", credential=bearer(brand="other")):
                    assert await gateway.status("c5", credential=bearer(brand="third")) == (503, "overloaded")

        async def free_again() -> bool:
            return await gateway.status("me", credential=member) == (200, "")

        await eventually(free_again)


async def test_streams_leave_room_for_requests(tmp_path: Path, broker: Nats) -> None:
    async with serving(tmp_path, broker, requests_max=1) as gateway, gateway.follow("c1"), gateway.follow("c2"):
        response = await gateway.http.get("/v1/rewards", headers=bearer())
        assert response.json()["code"] == "unavailable"  # the service is not there, the place is


async def test_a_client_that_takes_nothing_gives_its_place_up(tmp_path: Path, broker: Nats) -> None:
    async with serving(tmp_path, broker, stalled_client_s=0.5) as gateway:
        host, port = gateway.http.base_url.host, gateway.http.base_url.port
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        connection.connect((host, port))
        connection.setblocking(False)
        lines = ["GET /v1/members/c1/events HTTP/1.1", "Host: x", *(f"{k}: {v}" for k, v in bearer().items()), "", ""]
        await asyncio.get_running_loop().sock_sendall(connection, "\r\n".join(lines).encode())

        async def opened() -> bool:
            return await broker.consumers() == 4

        async def closed() -> bool:
            for _ in range(20):
                message = points_pb2.PointsSpent(member="c1", reference="x" * 60_000)
                await broker.publish("c1", message)
            return await broker.consumers() == 0

        await eventually(opened)
        await eventually(closed, 30)
        connection.close()


async def test_a_gateway_that_stops_ends_its_streams(tmp_path: Path, broker: Nats) -> None:
    async with serving(tmp_path, broker, drain_s=30.0) as gateway, gateway.follow("c1") as reader:
        assert await reader.silent_for(0.3)
        gateway.stop()
        with pytest.raises(StopAsyncIteration):
            await reader.next(5)
    assert await broker.consumers() == 0


async def test_an_event_that_this_version_does_not_know_is_passed_over(broker: Nats, served: Gateway) -> None:
    async with served.follow("c1") as reader:
        for kind, body in (("laurels.points.v1.NotYet", b""), ("laurels.points.v1.PointsCredited", b"\xff\xff")):
            told = {"ce-type": kind, "ce-id": kind}
            await broker.js.publish(subject("points", "NotYet", "acme", "c1"), body, headers=told)
        await broker.credit("c1", 5)
        assert await reader.amounts(1) == [5]


async def test_without_nats_a_stream_is_refused_and_requests_go_on(tmp_path: Path, broker: Nats) -> None:
    async with serving(tmp_path, broker) as gateway:
        broker.kill()
        status, code = await gateway.status("c1")
        assert (status, code) == (503, "unavailable")
        assert (await gateway.http.get("/healthz")).status_code == 200
        state = (await gateway.http.get("/readyz")).json()
        assert state["parts"]["nats"] == "disconnected"
        await broker.start()
        await eventually(lambda: _opens(gateway))


async def _opens(gateway: Gateway) -> bool:
    return (await gateway.status("c1"))[0] == 200


async def test_a_head_opens_no_stream(broker: Nats, served: Gateway) -> None:
    response = await served.http.head("/v1/members/c1/events", headers=bearer())
    assert response.status_code == 200
    assert await broker.consumers() == 0


async def test_a_message_that_got_lost_on_the_way_is_asked_for_again(
    broker: Nats, served: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    take, lost = feed.Feed._take, []

    async def losing(self: feed.Feed, arrived: Any) -> Any:
        if arrived.reply.startswith("$JS.ACK.") and not lost and b"\x18\x02" in arrived.data:
            lost.append(arrived)
            return None
        return await take(self, arrived)

    monkeypatch.setattr(feed.Feed, "_take", losing)
    async with served.follow("c1") as reader:
        for amount in (1, 2, 3):
            await broker.credit("c1", amount)
        assert await reader.amounts(3) == [1, 2, 3]
    assert lost


async def test_a_consumer_that_says_nothing_is_made_again(
    broker: Nats, served: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = feed.Feed._take

    async def deaf_at_first(self: feed.Feed, arrived: Any) -> Any:
        return None if max(lane.generation for lane in self._lanes) == 1 else await take(self, arrived)

    monkeypatch.setattr(feed.Feed, "_take", deaf_at_first)
    monkeypatch.setattr(feed, "SILENT_S", 0.5)
    async with served.follow("c1") as reader:
        await broker.credit("c1", 1)
        assert await reader.amounts(1) == [1]
