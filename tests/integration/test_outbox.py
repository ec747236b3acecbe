"""What was committed is published, in each member's order, by one relay at a time, however it ends."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chassis.errors import Unavailable
from chassis.leadership import lock_key
from chassis.outbox import Relay
from cli.embedded import NATS_PAYLOAD_BYTES_MAX, Servers
from tests.integration.chassis_support import (
    SERVICE,
    STREAM,
    WITHIN_S,
    Note,
    Notes,
    Stage,
    eventually,
    fresh_stream,
    looping,
    open_notes,
    stopped,
)

LOCK = lock_key(f"relay:{SERVICE}")
# pg_locks shows a 64-bit key in two halves.
LOCKS = """
    SELECT pid, backend_xmin IS NOT NULL AS has_snapshot, EXISTS (
        SELECT FROM pg_locks WHERE pg_locks.pid = activity.pid AND locktype = 'advisory' AND granted
          AND (classid::bigint << 32 | objid::bigint) = $1
    ) AS granted
    FROM pg_stat_activity AS activity WHERE application_name = $2 ORDER BY granted"""


@pytest.fixture
async def notes(servers: Servers, tmp_path: Path) -> AsyncIterator[Notes]:
    async for opened in open_notes(servers, tmp_path):
        yield opened


def relay(notes: Notes) -> Relay:
    """A relay as another process has it."""
    return Relay(SERVICE, notes.database, notes.client)


async def published(notes: Notes, brand: str) -> set[int]:
    """The ids of the rows that are marked."""
    rows = await notes.fetch("SELECT id FROM outbox WHERE brand = $1 AND published_at IS NOT NULL", brand)
    return {row["id"] for row in rows}


async def all_published(notes: Notes) -> bool:
    rows = await notes.fetch("SELECT count(*) FROM outbox WHERE published_at IS NULL")
    return rows[0][0] == 0


async def holders(notes: Notes) -> tuple[list[int], list[int]]:
    """The backends that wait for the relay's lock, and those that hold it."""
    rows = await notes.fetch(LOCKS, LOCK, f"laurels:relay:{SERVICE}")
    return [row["pid"] for row in rows if not row["granted"]], [row["pid"] for row in rows if row["granted"]]


async def test_every_committed_event_is_published_once_and_in_its_member_s_order(notes: Notes, brand: str) -> None:
    told = [(f"m{number % 40}", f"event {number}") for number in range(1_500)]
    await notes.append(brand, *told[:700])
    async with looping(relay(notes).run):
        await notes.append(brand, *told[700:])
        await eventually(lambda: all_published(notes))
    found = await notes.stored(brand)
    assert sorted(found) == sorted(told)
    for member in {member for member, _ in told}:
        assert [note for note in found if note[0] == member] == [note for note in told if note[0] == member]


async def test_members_do_not_wait_for_each_other(notes: Notes, brand: str) -> None:
    """Each round publishes one event of every member, so that a member's many do not keep another's waiting."""
    await notes.append(brand, *(("ann", str(number)) for number in range(3)), ("bob", "0"), ("cid", "0"), ("bob", "1"))
    async with looping(relay(notes).run):
        await eventually(lambda: all_published(notes))
    found = await notes.stored(brand)
    assert [sorted(found[:3]), sorted(found[3:5]), found[5:]] == [
        [("ann", "0"), ("bob", "0"), ("cid", "0")],
        [("ann", "1"), ("bob", "1")],
        [("ann", "2")],
    ]


async def test_a_waking_relay_publishes_at_once_what_the_write_path_committed(
    notes: Notes, brand: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chassis.outbox.POLL_S", 3_600)
    woken = relay(notes)
    path = notes.write_path(Stage(), on_commit=woken.wake)
    async with looping(woken.run):
        for number in range(3):
            await path.submit(brand, Note("ann", str(number)))
            await eventually(lambda: all_published(notes))
    assert await notes.stored(brand) == [("ann", "0"), ("ann", "1"), ("ann", "2")]


async def test_events_carry_their_id_type_source_and_trace(notes: Notes, brand: str) -> None:
    (number,) = await notes.append(brand, ("ann", "hello"))
    async with looping(relay(notes).run):
        await eventually(lambda: all_published(notes))
    message = await notes.js.get_last_msg(STREAM, f"laurels.{SERVICE}.StringValue.*.{brand}.ann")
    assert message.headers == {
        "Nats-Msg-Id": str(number),
        "ce-specversion": "1.0",
        "ce-id": str(number),
        "ce-source": f"/laurels/{SERVICE}",
        "ce-type": "google.protobuf.StringValue",
    }


# Refusals


async def test_an_event_that_jetstream_refuses_holds_back_the_rest_of_its_member_and_nobody_else(
    notes: Notes, brand: str
) -> None:
    await fresh_stream(notes, max_msg_size=1_024)
    large = "x" * 2_000
    ids = await notes.append(
        brand, ("ann", "1"), ("ann", large), ("ann", "3"), ("bob", "1"), ("bob", "2"), ("bob", "3")
    )
    with pytest.raises(Unavailable, match="refused"):
        async with asyncio.timeout(WITHIN_S):
            await relay(notes).run(lambda: None)
    assert await published(notes, brand) == set(ids) - set(ids[1:3])
    await fresh_stream(notes)
    async with looping(relay(notes).run):
        await eventually(lambda: all_published(notes))
    assert await notes.stored(brand) == [("ann", large), ("ann", "3")]


async def test_an_event_larger_than_nats_takes_holds_back_the_rest_of_its_member_and_nobody_else(
    notes: Notes, brand: str
) -> None:
    """The client refuses it before it is sent."""
    ids = await notes.append(brand, ("ann", "x" * NATS_PAYLOAD_BYTES_MAX), ("ann", "2"), ("bob", "1"), ("bob", "2"))
    with pytest.raises(Unavailable):
        async with asyncio.timeout(WITHIN_S):
            await relay(notes).run(lambda: None)
    assert await published(notes, brand) == set(ids[2:])
    assert await notes.stored(brand) == [("bob", "1"), ("bob", "2")]


# Ends


async def test_a_relay_that_dies_between_publishing_and_marking_is_repeated_and_the_stream_keeps_one_of_each(
    notes: Notes, brand: str
) -> None:
    told = [("ann", str(number)) for number in range(5)]
    await notes.append(brand, *told)
    async with notes.superuser() as session:
        # While these rows are locked they cannot be marked.
        async with session.transaction():
            await session.execute("SELECT FROM outbox FOR UPDATE")
            async with looping(relay(notes).run) as dying:
                await eventually(lambda: _has(notes, brand, 5))
                await stopped(dying)
        assert await published(notes, brand) == set()
    async with looping(relay(notes).run):
        await eventually(lambda: all_published(notes))
    assert await notes.stored(brand) == told


async def _has(notes: Notes, brand: str, count: int) -> bool:
    return len(await notes.stored(brand)) == count


async def test_one_relay_publishes_at_a_time_and_the_next_takes_over_when_it_ends(notes: Notes, brand: str) -> None:
    async with looping(relay(notes).run) as first:
        await eventually(lambda: _lock_is(notes, waiting=0, held=1))
        async with looping(relay(notes).run) as second:
            await eventually(lambda: _lock_is(notes, waiting=1, held=1))
            await notes.append(brand, ("ann", "1"))
            await eventually(lambda: all_published(notes))
            await stopped(first)
            await eventually(lambda: _lock_is(notes, waiting=0, held=1))
            await notes.append(brand, ("ann", "2"))
            await eventually(lambda: all_published(notes))
            assert not second.done()
    assert await notes.stored(brand) == [("ann", "1"), ("ann", "2")]
    await eventually(lambda: _lock_is(notes, waiting=0, held=0))


async def test_a_relay_that_waits_keeps_no_snapshot(notes: Notes) -> None:
    """Else no dead row of the database could be removed while two replicas run."""
    async with looping(relay(notes).run), looping(relay(notes).run):
        await eventually(lambda: _lock_is(notes, waiting=1, held=1))

        async def free() -> bool:
            rows = await notes.fetch(LOCKS, LOCK, f"laurels:relay:{SERVICE}")
            return not any(row["has_snapshot"] for row in rows)

        await eventually(free)


async def test_a_relay_that_loses_its_lock_stops_publishing_and_says_so(notes: Notes, brand: str) -> None:
    async with looping(relay(notes).run) as first:
        await eventually(lambda: _lock_is(notes, waiting=0, held=1))
        _, (holder,) = await holders(notes)
        await notes.fetch("SELECT pg_terminate_backend($1)", holder)
        with pytest.raises(Unavailable, match="lost"):
            async with asyncio.timeout(WITHIN_S):
                await asyncio.shield(first)
    async with looping(relay(notes).run):
        await notes.append(brand, ("ann", "hello"))
        await eventually(lambda: all_published(notes))


async def _lock_is(notes: Notes, *, waiting: int, held: int) -> bool:
    found = await holders(notes)
    return (len(found[0]), len(found[1])) == (waiting, held)


async def test_a_relay_that_is_stopped_as_it_is_woken_stops(notes: Notes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A commit and the end of the service may come in the same moment."""
    monkeypatch.setattr("chassis.outbox.POLL_S", 3_600)
    waiting = asyncio.Event()
    wait = asyncio.Event.wait

    async def told(event: asyncio.Event) -> bool:
        if event is stopping._committed:
            waiting.set()
        return await wait(event)

    stopping = relay(notes)
    monkeypatch.setattr(asyncio.Event, "wait", told)
    async with looping(stopping.run) as task:
        async with asyncio.timeout(WITHIN_S):
            await waiting.wait()
        stopping.wake()
        await stopped(task)
        assert task.cancelled()
