"""Every event comes, in each member's order, again when it failed, and to one worker at a time."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.wrappers_pb2 import Int64Value, StringValue

from chassis import consumer, events
from chassis.consumer import Consumer, durable_name
from chassis.errors import FailedPrecondition
from chassis.events import Event
from chassis.outbox import Relay
from cli.embedded import Servers
from tests.integration.chassis_support import (
    SERVICE,
    STREAM,
    WITHIN_S,
    Note,
    Notes,
    Stage,
    eventually,
    looping,
    open_notes,
    stopped,
)

READER = "reader"
_ids = itertools.count(10**14)


@pytest.fixture
async def notes(servers: Servers, tmp_path: Path) -> AsyncIterator[Notes]:
    async for opened in open_notes(servers, tmp_path):
        yield opened


class Heard:
    """A handler that keeps what it is given, and fails what it is told to."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.at: list[float] = []
        self.fails: Callable[[Event], BaseException | None] = lambda _: None

    async def __call__(self, found: Sequence[Event]) -> list[BaseException | None]:
        self.events += found
        self.at += [time.monotonic()] * len(found)
        return [self.fails(event) for event in found]

    @property
    def texts(self) -> list[str]:
        return [event.message.value for event in self.events]


def reader(notes: Notes, handle: Any, *types: str, **lanes: int) -> Consumer:
    """A consumer as another process has it."""
    return Consumer(
        READER, SERVICE, types or ("StringValue",), client=notes.client, database=notes.database, handle=handle, **lanes
    )


async def publish(notes: Notes, brand: str, member: str, text: str, event_id: int | None = None, **changed: str) -> int:
    """Publishes an event as a relay does, but for the headers that are `changed`."""
    number = next(_ids) if event_id is None else event_id
    message = StringValue(value=text)
    body = changed.pop("body", "").encode() or message.SerializeToString()
    headers = events.headers(SERVICE, number, message.DESCRIPTOR.full_name, "")
    headers |= {"Nats-Msg-Id": str(time.monotonic_ns())} | {
        key.replace("_", "-"): found for key, found in changed.items()
    }
    place = events.subject(SERVICE, "StringValue", brand, member)
    await notes.js.publish(place, body, headers=headers)
    return number


async def heard(handler: Heard, count: int) -> None:
    async def enough() -> bool:
        return len(handler.events) >= count

    await eventually(enough)


async def settled(notes: Notes, lane: int = 0, lanes: int = 1) -> bool:
    """Whether nothing waits, neither to be delivered nor to be acknowledged."""
    info = await notes.js.consumer_info(STREAM, durable_name(READER, lane, lanes))
    return info.num_pending == 0 and info.num_ack_pending == 0


async def test_an_event_arrives_as_it_was_published(notes: Notes, brand: str) -> None:
    handler, trace = Heard(), f"00-{'a' * 32}-{'b' * 16}-01"
    async with looping(reader(notes, handler).run):
        number = await publish(notes, brand, "ann", "hello", traceparent=trace)
        await heard(handler, 1)
    assert handler.events == [Event(SERVICE, number, brand, "ann", StringValue(value="hello"), trace, 1)]


async def test_a_member_s_events_come_in_order_and_are_acknowledged_after_they_were_handled(
    notes: Notes, brand: str
) -> None:
    told = [(f"m{number % 7}", str(number)) for number in range(1_200)]
    await notes.append(brand, *told)
    handler = Heard()
    async with looping(Relay(SERVICE, notes.database, notes.client).run), looping(reader(notes, handler).run):
        await heard(handler, len(told))
        await eventually(lambda: settled(notes))
    assert len(handler.events) == len(told)
    for member in {member for member, _ in told}:
        own = [event.message.value for event in handler.events if event.member == member]
        assert own == [text for found, text in told if found == member]


@pytest.mark.parametrize(
    "wrong",
    [
        {"ce_id": "no number"},
        {"ce_id": ""},
        {"ce_id": str(2**63)},
        {"ce_id": "-1"},
        {"ce_type": "laurels.nothing.v1.OfThisName"},
        {"ce_type": ""},
        {"body": "\x0a\x7fcut off"},
    ],
    ids=str,
)
async def test_a_message_that_cannot_be_read_is_given_up_and_does_not_stop_the_others(
    notes: Notes, brand: str, wrong: dict[str, str]
) -> None:
    handler = Heard()
    await publish(notes, brand, "ann", "before")
    await publish(notes, brand, "ann", "unreadable", **wrong)
    await publish(notes, brand, "ann", "after")
    async with looping(reader(notes, handler).run):
        await heard(handler, 2)
        await eventually(lambda: settled(notes))
    assert handler.texts == ["before", "after"]


async def test_events_that_nobody_asked_for_are_passed_over(notes: Notes, brand: str) -> None:
    """With two types the filter is the whole source."""
    handler = Heard()
    await notes.js.publish(events.subject(SERVICE, "BoolValue", brand, "ann"), b"not even a message")
    await publish(notes, brand, "ann", "hello")
    async with looping(reader(notes, handler, StringValue.DESCRIPTOR.name, Int64Value.DESCRIPTOR.name).run):
        await heard(handler, 1)
        await eventually(lambda: settled(notes))
    assert handler.texts == ["hello"]


async def test_a_failed_event_comes_back_after_pauses_that_grow_and_others_go_on_meanwhile(
    notes: Notes, brand: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer, "PAUSE_FIRST_S", 0.05)
    handler = Heard()
    refusal = FailedPrecondition("Not yet.")
    handler.fails = lambda event: refusal if event.message.value == "bad" and event.deliveries < 5 else None
    async with looping(reader(notes, handler).run):
        await publish(notes, brand, "ann", "bad")
        await publish(notes, brand, "bob", "good")
        await heard(handler, 6)
        await eventually(lambda: settled(notes))
    tries = [
        (event.deliveries, at) for event, at in zip(handler.events, handler.at, strict=True) if event.member == "ann"
    ]
    assert [deliveries for deliveries, _ in tries] == [1, 2, 3, 4, 5]
    pauses = [later - earlier for (_, earlier), (_, later) in itertools.pairwise(tries)]
    # The server counts a pause from when it has the answer, never from before.
    assert all(pause >= least for pause, least in zip(pauses, (0.05, 0.1, 0.2, 0.4), strict=True)), pauses
    assert handler.texts.index("good") < 3


async def test_what_a_dead_worker_had_in_hand_comes_at_once_and_before_all_that_came_later(
    notes: Notes, brand: str
) -> None:
    """Within WITHIN_S, and so before the server would bring it back by itself."""
    cut = asyncio.Event()

    async def never(_: Sequence[Event]) -> list[BaseException | None]:
        cut.set()
        return await asyncio.Event().wait()  # type: ignore[return-value]

    first = await publish(notes, brand, "ann", "first")
    async with looping(reader(notes, never).run) as worker:
        async with asyncio.timeout(WITHIN_S):
            await cut.wait()
        await stopped(worker)
    second = await publish(notes, brand, "ann", "second")
    handler = Heard()
    async with looping(reader(notes, handler).run):
        await heard(handler, 2)
    assert [event.id for event in handler.events] == [first, second]


async def test_nothing_of_a_member_overtakes_an_event_that_failed(notes: Notes, brand: str) -> None:
    handler, applied = Heard(), []

    def fails(event: Event) -> BaseException | None:
        if event.message.value == "first" and handler.texts.count("first") < 4:
            return FailedPrecondition("Not yet.")
        applied.append(event.message.value)
        return None

    handler.fails = fails
    async with looping(reader(notes, handler).run):
        await publish(notes, brand, "ann", "first")
        await heard(handler, 1)
        for text in ("second", "third"):
            await publish(notes, brand, "ann", text)
        await publish(notes, brand, "bob", "other")
        await eventually(lambda: settled(notes))
    assert applied == ["other", "first", "second", "third"]
    assert [event.deliveries for event in handler.events if event.message.value == "first"] == [1, 2, 3, 4]


async def test_an_event_that_was_published_twice_is_applied_once(notes: Notes, brand: str) -> None:
    """The relay died between publishing and marking, longer ago than the stream remembers."""
    path = notes.write_path(Stage())
    handler = Heard()

    async def handle(found: Sequence[Event]) -> list[BaseException | None]:
        failures = await path.submit_events([(event, Note(event.member, event.message.value)) for event in found])
        await handler(found)
        return failures

    async with looping(reader(notes, handle).run):
        number = await publish(notes, brand, "ann", "hello")
        await publish(notes, brand, "ann", "hello", event_id=number)
        await publish(notes, brand, "ann", "after")
        await heard(handler, 3)
        await eventually(lambda: settled(notes))
    assert handler.texts == ["hello", "hello", "after"]
    assert await notes.taken(brand) == [("ann", "hello"), ("ann", "after")]


async def test_a_lane_gets_the_events_of_its_partitions_and_each_event_one_lane(notes: Notes, brand: str) -> None:
    lanes = [Heard() for _ in range(8)]
    members = [f"m{number}" for number in range(40)]
    for member in members:
        await publish(notes, brand, member, member)
    async with asyncio.TaskGroup() as running:
        tasks = [
            running.create_task(reader(notes, handler, lane=lane, lanes=8).run(lambda: None))
            for lane, handler in enumerate(lanes)
        ]

        async def all_heard() -> bool:
            return sum(len(handler.events) for handler in lanes) >= len(members)

        await eventually(all_heard)
        for task in tasks:
            await stopped(task)
    for lane, handler in enumerate(lanes):
        assert sorted(handler.texts) == sorted(member for member in members if events.partition(member) == lane)


async def test_a_lane_has_one_worker_and_the_next_goes_on_where_it_ended(notes: Notes, brand: str) -> None:
    one, other = Heard(), Heard()
    async with looping(reader(notes, one).run) as first:
        await publish(notes, brand, "ann", "1")
        await heard(one, 1)
        async with looping(reader(notes, other).run):
            for number in range(2, 6):
                await publish(notes, brand, "ann", str(number))
            await heard(one, 5)
            await eventually(lambda: settled(notes))
            assert other.texts == []
            await stopped(first)
            await publish(notes, brand, "ann", "6")
            await heard(other, 1)
    assert (one.texts, other.texts) == (["1", "2", "3", "4", "5"], ["6"])


async def test_a_consumer_that_nats_lost_is_made_again(
    notes: Notes, brand: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer, "PULL_EXPIRES_S", 0.4)
    handler = Heard()
    async with looping(reader(notes, handler).run):
        await publish(notes, brand, "ann", "before")
        await heard(handler, 1)
        await notes.js.delete_consumer(STREAM, durable_name(READER, 0, 1))
        await publish(notes, brand, "ann", "after")

        async def came() -> bool:
            return "after" in handler.texts

        await eventually(came)


async def test_a_consumer_that_is_stopped_as_an_event_arrives_stops(
    notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting, wait = asyncio.Event(), asyncio.Event.wait
    stopping = reader(notes, Heard())

    async def told(event: asyncio.Event) -> bool:
        if event is stopping._something:
            waiting.set()
        return await wait(event)

    monkeypatch.setattr(asyncio.Event, "wait", told)
    async with looping(stopping.run) as task:
        async with asyncio.timeout(WITHIN_S):
            await waiting.wait()
        stopping._something.set()
        await stopped(task)
        assert task.cancelled()
