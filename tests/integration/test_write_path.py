"""The write path keeps its promises whatever is in a batch, and whatever becomes of the database meanwhile."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from chassis import write_path
from chassis.database import Database
from chassis.errors import FailedPrecondition, ResourceExhausted, Unavailable
from chassis.tracing import on_behalf_of
from chassis.write_path import DELIVERIES_MAX, HeldBack, NotYet, WritePath
from cli.embedded import Servers
from tests.integration.chassis_support import (
    SERVICE,
    WITHIN_S,
    Book,
    Gate,
    Note,
    Notes,
    Stage,
    counted,
    event,
    open_notes,
)

_ids = itertools.count(10**15)
REFUSED = FailedPrecondition("Not this one.", code="refused")


@pytest.fixture
async def notes(servers: Servers, tmp_path: Path) -> AsyncIterator[Notes]:
    async for opened in open_notes(servers, tmp_path):
        yield opened


@pytest.fixture
def stage() -> Stage:
    return Stage(refused={"refused": REFUSED}, broken={"broken"})


@pytest.fixture
def path(notes: Notes, stage: Stage) -> WritePath:
    return notes.write_path(stage)


async def together(path: WritePath, brand: str, *requests: Note) -> list[Any]:
    """The outcomes of requests that arrive at once."""
    async with asyncio.timeout(WITHIN_S):
        return await asyncio.gather(*(path.submit(brand, note) for note in requests), return_exceptions=True)


@asynccontextmanager
async def held_up(path: WritePath, brand: str, stage: Stage) -> AsyncIterator[None]:
    """While a first note's transaction is kept from committing."""
    gate = stage.before_commit = Gate()
    first = asyncio.create_task(path.submit(brand, Note("first", "first")))
    await gate.reached()
    try:
        yield
    finally:
        gate.open()
        await first


# Batches


async def test_each_event_is_of_the_trace_of_the_request_that_made_it_and_not_of_its_batch(
    notes: Notes, path: WritePath, stage: Stage, brand: str
) -> None:
    traces = [f"00-{number:032x}-{number:016x}-01" for number in (1, 2)] + [""]

    async def traced(number: int) -> None:
        with on_behalf_of(traces[number]):
            await path.submit(brand, Note("ann", str(number)))

    async with held_up(path, brand, stage):
        waiting = asyncio.gather(*(traced(number) for number in range(3)))
        await asyncio.sleep(0)
    await waiting
    assert await notes.transactions(brand) == [1, 3]
    rows = await notes.fetch("SELECT traceparent FROM outbox WHERE brand = $1 AND member = 'ann' ORDER BY id", brand)
    assert [row["traceparent"] for row in rows] == traces


async def test_requests_that_arrive_while_a_transaction_commits_form_the_next_one(
    notes: Notes, path: WritePath, stage: Stage, brand: str
) -> None:
    async with held_up(path, brand, stage):
        waiting = asyncio.gather(*(path.submit(brand, note) for note in counted(range(30))))
        await asyncio.sleep(0)
    assert await waiting == [f"m{number} noted note {number}" for number in range(30)]
    assert await notes.transactions(brand) == [1, 30]


async def test_callers_who_ask_again_once_they_are_answered_are_decided_together(
    notes: Notes, path: WritePath, stage: Stage, brand: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write_path, "GATHER_S", WITHIN_S)
    async with held_up(path, brand, stage):
        waiting = asyncio.gather(*(path.submit(brand, note) for note in counted(range(3))))
        await asyncio.sleep(0)
    await waiting
    again = [asyncio.create_task(path.submit(brand, Note("ann", "0")))]
    for number in (1, 2):
        # Statements of another session take longer than a batch that waits for nobody.
        assert await notes.transactions(brand) == [1, 3]
        again.append(asyncio.create_task(path.submit(brand, Note("ann", str(number)))))
    async with asyncio.timeout(WITHIN_S / 2):
        await asyncio.gather(*again)
    assert await notes.transactions(brand) == [1, 3, 3]


async def test_a_batch_waits_a_moment_for_callers_who_do_not_come_back_and_a_lone_caller_for_nobody(
    notes: Notes, path: WritePath, stage: Stage, brand: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with held_up(path, brand, stage):
        waiting = asyncio.gather(*(path.submit(brand, note) for note in counted(range(3))))
        await asyncio.sleep(0)
    await waiting
    await path.submit(brand, Note("ann", "alone"))
    monkeypatch.setattr(write_path, "GATHER_S", 4 * WITHIN_S)
    async with asyncio.timeout(WITHIN_S):
        await path.submit(brand, Note("ann", "alone again"))
    assert await notes.transactions(brand) == [1, 3, 1, 1]


async def test_a_batch_takes_no_more_than_its_weight(notes: Notes, stage: Stage, brand: str) -> None:
    path = notes.write_path(stage, batch_weight_max=10)
    async with held_up(path, brand, stage):
        requests = [path.submit(brand, note, weight=3) for note in counted(range(7))]
        waiting = asyncio.gather(*requests, path.submit(brand, Note("heavy", "heavy"), weight=25))
        await asyncio.sleep(0)
    await waiting
    assert await notes.transactions(brand) == [1, 3, 3, 1, 1]


async def test_brands_do_not_share_transactions_and_few_run_at_once(notes: Notes, stage: Stage, brand: str) -> None:
    path = notes.write_path(stage, transactions_max=2)
    gate = stage.before_commit = Gate()
    brands = [f"{brand}-{number}" for number in range(4)]
    waiting = asyncio.gather(*(path.submit(one, Note("ann", "hello")) for one in brands))
    await gate.reached()
    async with notes.superuser() as session:
        # A third would have reached the gate as well by the time that this many statements are answered.
        while gate.entered < 2:
            await session.execute("SELECT 1")
        for _ in range(20):
            await session.execute("SELECT 1")
    assert gate.entered == 2
    gate.open()
    await waiting
    for one in brands:
        assert await notes.taken(one) == [("ann", "hello")]


async def test_a_request_is_answered_after_its_commit(notes: Notes, path: WritePath, stage: Stage, brand: str) -> None:
    gate = stage.before_commit = Gate()
    answer = asyncio.create_task(path.submit(brand, Note("ann", "hello")))
    await gate.reached()
    assert await notes.taken(brand) == []
    assert not answer.done()
    gate.open()
    assert await answer == "ann noted hello"
    assert await notes.taken(brand) == [("ann", "hello")]


async def test_the_relay_is_woken_by_commits_that_left_events_and_by_no_others(
    notes: Notes, stage: Stage, brand: str
) -> None:
    woken: list[None] = []
    path = notes.write_path(stage, on_commit=lambda: woken.append(None))
    await together(path, brand, Note("ann", "refused"))
    assert woken == []
    await together(path, brand, Note("ann", "hello"))
    assert woken == [None]


# Failures


async def test_a_refused_request_fails_alone_and_splits_no_batch(notes: Notes, path: WritePath, brand: str) -> None:
    requests = counted(range(20))
    requests[7] = Note("m7", "refused")
    outcomes = await together(path, brand, *requests)
    assert outcomes[7] is REFUSED
    assert [outcome for outcome in outcomes if isinstance(outcome, Exception)] == [REFUSED]
    assert await notes.transactions(brand) == [19]


@pytest.mark.parametrize(
    ("bad", "expected"),
    [
        (Note("bad", "broken"), RuntimeError),
        (Note("bad", "longer than the database takes"), asyncpg.CheckViolationError),
        (Note("bad", "no integer", 2**40), asyncpg.DataError),
        (Note("bad", "no \x00 text"), asyncpg.DataError),
    ],
    ids=["the code fails", "a constraint refuses", "a value does not fit", "a text cannot be kept"],
)
async def test_an_unexpected_error_fails_the_request_that_causes_it_and_no_other(
    notes: Notes, path: WritePath, brand: str, bad: Note, expected: type[Exception]
) -> None:
    requests = counted(range(16))
    requests[11] = bad
    outcomes = await together(path, brand, *requests)
    assert isinstance(outcomes[11], expected)
    assert [place for place, outcome in enumerate(outcomes) if isinstance(outcome, Exception)] == [11]
    others = [(note.member, note.text) for note in requests if note is not bad]
    assert await notes.taken(brand) == others
    published = await notes.fetch("SELECT member FROM outbox WHERE brand = $1 ORDER BY id", brand)
    assert [row["member"] for row in published] == [member for member, _ in others]


async def test_too_many_waiting_writes_are_refused_at_once_and_those_waiting_are_not(
    notes: Notes, stage: Stage, brand: str
) -> None:
    path = notes.write_path(stage, queue_weight_max=10)
    async with held_up(path, brand, stage):
        waiting = asyncio.gather(*(path.submit(brand, note, weight=2) for note in counted(range(5))))
        await asyncio.sleep(0)
        with pytest.raises(ResourceExhausted) as refusal:
            await path.submit(brand, Note("late", "late"))
        assert refusal.value.reason == "overloaded"
    await waiting
    assert await path.submit(brand, Note("later", "later")) == "later noted later"
    assert ("late", "late") not in await notes.taken(brand)


# Callers that go away


async def test_a_caller_that_goes_away_does_not_take_its_request_back(
    notes: Notes, path: WritePath, stage: Stage, brand: str
) -> None:
    gate = stage.before_commit = Gate()
    caller = asyncio.create_task(path.submit(brand, Note("ann", "hello")))
    await gate.reached()
    queued = asyncio.create_task(path.submit(brand, Note("bob", "hello")))
    await asyncio.sleep(0)
    for task in (caller, queued):
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    gate.open()
    await path.drain()
    assert await notes.taken(brand) == [("ann", "hello"), ("bob", "hello")]


async def test_a_consumer_that_goes_away_does_not_stop_its_brand(
    notes: Notes, path: WritePath, stage: Stage, brand: str
) -> None:
    """One that loses its lock is cancelled in the middle of a batch."""
    gate = stage.before_commit = Gate()
    number = next(_ids)
    consumer = asyncio.create_task(path.submit_events([event(number, brand, Note("ann", "hello"))]))
    await gate.reached()
    consumer.cancel()
    with pytest.raises(asyncio.CancelledError):
        await consumer
    gate.open()
    assert await together(path, brand, Note("bob", "hello")) == ["bob noted hello"]
    assert await notes.taken(brand) == [("ann", "hello"), ("bob", "hello")]
    assert await notes.claimed(brand) == {number}


async def test_draining_waits_until_every_brand_s_writes_are_durable(
    notes: Notes, path: WritePath, stage: Stage, brand: str
) -> None:
    gate = stage.before_commit = Gate()
    other = f"{brand}-other"
    callers = [asyncio.create_task(path.submit(one, note)) for one in (brand, other) for note in counted(range(3))]
    await gate.reached()
    draining = asyncio.create_task(path.drain())
    await asyncio.sleep(0)
    assert not draining.done()
    gate.open()
    await draining
    assert all(caller.done() for caller in callers)
    assert len(await notes.taken(brand)) == len(await notes.taken(other)) == 3
    await path.drain()


# Lost connections


class LossyDatabase(Database):
    """The database, whose first transaction's connection the server cuts, or loses after it has committed."""

    def __init__(self, notes: Notes, committing: bool) -> None:
        super().__init__(notes.database.url)
        self._notes, self._committing = notes, committing
        self.lost = 0

    async def lose(self, connection: asyncpg.Connection) -> None:
        """Cuts the first transaction that comes by."""
        if self.lost or self._committing:
            return
        self.lost += 1
        await self._notes.fetch("SELECT pg_terminate_backend($1)", await connection.fetchval("SELECT pg_backend_pid()"))

    @asynccontextmanager
    async def transaction(self, brand: str, *, read_only: bool = False) -> AsyncIterator[asyncpg.Connection]:
        async with super().transaction(brand, read_only=read_only) as connection:
            yield connection
        if self._committing and not self.lost:
            self.lost += 1
            raise asyncpg.ConnectionDoesNotExistError("lost after the commit")


@pytest.mark.parametrize("committing", [False, True], ids=["before the commit", "between the commit and its answer"])
async def test_an_event_whose_connection_is_lost_is_repeated_and_applied_once(
    notes: Notes, stage: Stage, brand: str, committing: bool
) -> None:
    lossy = LossyDatabase(notes, committing)
    path = WritePath(SERVICE, lossy, lambda one, _now: Book(stage, one), on_commit=lambda: None)
    stage.before_commit = lossy.lose
    number = next(_ids)
    try:
        assert await path.submit_events([event(number, brand, Note("ann", "hello"))]) == [None]
        assert lossy.lost == 1
        assert await notes.taken(brand) == [("ann", "hello")]
        assert await notes.claimed(brand) == {number}
    finally:
        await lossy.close()


async def test_requests_whose_connection_is_lost_before_the_commit_are_repeated_and_applied_once(
    notes: Notes, stage: Stage, brand: str
) -> None:
    lossy = LossyDatabase(notes, committing=False)
    path = WritePath(SERVICE, lossy, lambda one, _now: Book(stage, one), on_commit=lambda: None)
    stage.before_commit = lossy.lose
    try:
        outcomes = await together(path, brand, *counted(range(5)), Note("ann", "refused"))
        assert outcomes == [*(f"m{number} noted note {number}" for number in range(5)), REFUSED]
        assert lossy.lost == 1
        assert await notes.transactions(brand) == [5]
    finally:
        await lossy.close()


async def test_a_database_that_stays_away_is_told_as_such_and_nobody_waits_for_ever(
    monkeypatch: pytest.MonkeyPatch, stage: Stage, brand: str
) -> None:
    monkeypatch.setattr(write_path, "RETRY_S", 0.1)
    nowhere = Database("postgresql://nobody@127.0.0.1:1/nothing")
    path = WritePath(SERVICE, nowhere, lambda one, _now: Book(stage, one), on_commit=lambda: None)
    outcomes = await together(path, brand, *counted(range(3)))
    assert [type(outcome) for outcome in outcomes] == [Unavailable] * 3


# Events


async def test_an_event_is_applied_once_however_often_it_is_delivered(
    notes: Notes, path: WritePath, brand: str
) -> None:
    numbers = [next(_ids) for _ in range(3)]
    events = [event(number, brand, Note("ann", f"event {number % 10}")) for number in numbers]
    assert await path.submit_events(events) == [None] * 3
    assert await path.submit_events([*events, *reversed(events)]) == [None] * 6
    twice = event(next(_ids), brand, Note("bob", "twice"))
    assert await path.submit_events([twice, twice]) == [None, None]
    assert await notes.taken(brand) == [*(("ann", f"event {number % 10}") for number in numbers), ("bob", "twice")]


async def test_an_event_is_applied_once_when_two_write_paths_get_it_at_the_same_time(
    notes: Notes, stage: Stage, brand: str
) -> None:
    paths = [notes.write_path(stage), notes.write_path(stage)]
    numbers = [next(_ids) for _ in range(300)]
    events = [event(number, brand, Note(f"m{place % 30}", f"event {place}")) for place, number in enumerate(numbers)]
    slices = [events[first : first + 25] for first in range(0, 300, 25)]
    outcomes = await asyncio.gather(*(path.submit_events(piece) for piece in slices for path in paths))
    assert {failure for found in outcomes for failure in found} == {None}
    assert sorted(await notes.taken(brand)) == sorted((note.member, note.text) for _, note in events)
    assert await notes.claimed(brand) == set(numbers)


async def test_an_event_that_is_no_request_is_claimed_and_has_no_effect(
    notes: Notes, path: WritePath, brand: str
) -> None:
    number = next(_ids)
    found, _ = event(number, brand, Note("ann", "of no interest"))
    assert await path.submit_events([(found, None)]) == [None]
    assert await notes.claimed(brand) == {number}
    assert await notes.taken(brand) == []


async def test_a_refused_event_is_not_claimed_and_takes_effect_when_it_comes_back(
    notes: Notes, path: WritePath, stage: Stage, brand: str
) -> None:
    number, other = next(_ids), next(_ids)
    batch = [event(number, brand, Note("ann", "refused")), event(other, brand, Note("bob", "hello"))]
    assert await path.submit_events(batch) == [REFUSED, None]
    assert await notes.claimed(brand) == {other}
    stage.refused.clear()
    assert await path.submit_events([event(number, brand, Note("ann", "refused"), 2)]) == [None]
    assert await notes.taken(brand) == [("bob", "hello"), ("ann", "refused")]


@pytest.mark.parametrize("text", ["refused", "broken"])
async def test_an_event_that_fails_is_parked_at_its_eighth_delivery_with_the_reason(
    notes: Notes, path: WritePath, stage: Stage, brand: str, text: str
) -> None:
    number = next(_ids)
    for delivery in range(1, DELIVERIES_MAX):
        (failure,) = await path.submit_events([event(number, brand, Note("ann", text), delivery)])
        assert failure is not None
    assert await notes.parked(brand) == []
    assert await path.submit_events([event(number, brand, Note("ann", text), DELIVERIES_MAX)]) == [None]
    reason = {"refused": "Not this one.", "broken": "RuntimeError(\"broken by 'broken'\")"}[text]
    assert await notes.parked(brand) == [(number, reason)]
    assert await notes.claimed(brand) == {number}
    # Parked is decided: a delivery that comes late changes nothing.
    stage.refused.clear()
    stage.broken.clear()
    assert await path.submit_events([event(number, brand, Note("ann", text), DELIVERIES_MAX + 1)]) == [None]
    assert await notes.taken(brand) == []


async def test_what_is_parked_can_be_read_again(notes: Notes, path: WritePath, brand: str) -> None:
    found, note = event(next(_ids), brand, Note("ann", "refused"), DELIVERIES_MAX)
    await path.submit_events([(found, note)])
    (row,) = await notes.fetch("SELECT source, member, type, payload FROM dead_letters WHERE brand = $1", brand)
    assert row["source"] == "elsewhere"
    assert row["member"] == "ann"
    assert row["type"] == "google.protobuf.StringValue"
    assert row["payload"] == found.message.SerializeToString()


async def test_an_event_that_must_wait_for_another_is_never_parked(
    notes: Notes, path: WritePath, stage: Stage, brand: str
) -> None:
    stage.refused["early"] = NotYet("Its version has not arrived.")
    number = next(_ids)
    (failure,) = await path.submit_events([event(number, brand, Note("ann", "early"), 10 * DELIVERIES_MAX)])
    assert isinstance(failure, NotYet)
    assert await notes.parked(brand) == []
    assert await notes.claimed(brand) == set()


@pytest.mark.parametrize("text", ["refused", "broken"])
async def test_later_events_of_a_member_wait_for_one_that_failed_before_them(
    notes: Notes, path: WritePath, stage: Stage, brand: str, text: str
) -> None:
    told = [("ann", "1"), ("bob", "1"), ("ann", text), ("bob", "2"), ("ann", "3"), ("bob", "3"), ("ann", "4")]
    events = [event(next(_ids), brand, Note(*note)) for note in told]
    outcomes = await path.submit_events(events)
    failed = {place: type(outcome) for place, outcome in enumerate(outcomes) if outcome is not None}
    assert failed == {2: FailedPrecondition if text == "refused" else RuntimeError, 4: HeldBack, 6: HeldBack}
    assert await notes.taken(brand) == [("ann", "1"), ("bob", "1"), ("bob", "2"), ("bob", "3")]
    stage.refused.clear()
    stage.broken.clear()
    assert await path.submit_events(events) == [None] * 7
    assert [taken for taken in await notes.taken(brand) if taken[0] == "ann"] == [
        ("ann", "1"),
        ("ann", text),
        ("ann", "3"),
        ("ann", "4"),
    ]


async def test_an_event_that_cannot_even_be_parked_fails_alone_and_its_brand_goes_on(
    notes: Notes, path: WritePath, brand: str
) -> None:
    """An id beyond PostgreSQL's integers comes from no outbox of ours."""
    unheard_of = event(2**80, brand, Note("ann", "unclaimable"), DELIVERIES_MAX)
    async with asyncio.timeout(WITHIN_S):
        failure, other = await path.submit_events([unheard_of, event(next(_ids), brand, Note("bob", "hello"))])
    assert isinstance(failure, Exception)
    assert other is None
    assert await together(path, brand, Note("cid", "hello")) == ["cid noted hello"]
    assert await notes.taken(brand) == [("bob", "hello"), ("cid", "hello")]
