"""What NATS lost is published again, and nothing else is."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.wrappers_pb2 import Int64Value, StringValue

from chassis import reconciler
from chassis.consumer import Consumer
from chassis.events import Event
from chassis.outbox import Relay
from chassis.reconciler import Producer, Reconciler
from chassis.write_path import WritePath
from cli.embedded import Servers
from tests.integration.chassis_support import SERVICE, STREAM, Note, Notes, Stage, eventually, looping, open_notes

READER = "reader"


@pytest.fixture
async def notes(servers: Servers, tmp_path: Path) -> AsyncIterator[Notes]:
    async for opened in open_notes(servers, tmp_path):
        yield opened


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """An event counts as published as soon as it is marked."""
    monkeypatch.setattr(reconciler, "SETTLED_S", 0.0)


class Sides:
    """The producing side, and a reader beside it; either's claims and rows are in the one database."""

    def __init__(self, notes: Notes, stage: Stage, types: Sequence[type[Any]] = (StringValue,)) -> None:
        self.notes, self.path = notes, notes.write_path(stage)
        names = [kind.DESCRIPTOR.name for kind in types]
        self.consumer = Consumer(
            READER, SERVICE, names, client=notes.client, database=notes.database, handle=self.handle
        )
        self.reconciler = Reconciler(
            READER,
            SERVICE,
            [kind.DESCRIPTOR.full_name for kind in types],
            database=notes.database,
            client=notes.client,
            consumers=[self.consumer],
            every_s=0.05,
        )

    async def handle(self, found: Sequence[Event]) -> list[BaseException | None]:
        return await self.path.submit_events([(event, Note(event.member, event.message.value)) for event in found])

    async def publish(self, brand: str, *told: tuple[str, str]) -> None:
        """Commits events and has them published."""
        await self.notes.append(brand, *told)
        async with looping(Relay(SERVICE, self.notes.database, self.notes.client).run):

            async def published() -> bool:
                rows = await self.notes.fetch("SELECT count(*) FROM outbox WHERE published_at IS NULL")
                return rows[0][0] == 0

            await eventually(published)

    async def taken(self, brand: str, count: int) -> list[tuple[str, str]]:
        """The notes that were taken, once they are so many and nothing is on its way."""

        async def enough() -> bool:
            return len(await self.notes.taken(brand)) >= count and await self.consumer.lag() == 0

        await eventually(enough)
        return await self.notes.taken(brand)

    async def made(self) -> None:
        """Returns when the consumer is there."""

        async def there() -> bool:
            return bool(await self.notes.js.consumers_info(STREAM))

        await eventually(there)


@pytest.fixture
def stage() -> Stage:
    return Stage(tells=False)


@pytest.fixture
async def sides(notes: Notes, stage: Stage) -> AsyncIterator[Sides]:
    async with AsyncExitStack() as stack:
        found = Sides(notes, stage)
        await stack.enter_async_context(looping(Producer(SERVICE, notes.database, notes.client).run))
        await notes.client.flush()
        yield found


async def test_events_that_nats_lost_before_they_were_read_have_their_effect(sides: Sides, brand: str) -> None:
    told = [(f"m{number}", f"event {number}") for number in range(30)]
    await sides.publish(brand, *told)
    await sides.notes.js.purge_stream(STREAM)
    async with looping(sides.consumer.run):
        await sides.made()
        assert await sides.reconciler.repair() == len(told)
        assert sorted(await sides.taken(brand, len(told))) == sorted(told)


async def test_only_what_is_missing_is_published_again(sides: Sides, brand: str) -> None:
    async with looping(sides.consumer.run):
        await sides.publish(brand, *(("ann", f"kept {number}") for number in range(20)))
        await sides.taken(brand, 20)
    await sides.publish(brand, ("ann", "lost 1"), ("bob", "lost 2"), ("ann", "lost 3"))
    await sides.notes.js.purge_stream(STREAM)
    async with looping(sides.consumer.run):
        assert await sides.reconciler.repair() == 3
        assert [text for _, text in (await sides.taken(brand, 23))[20:]] == ["lost 1", "lost 2", "lost 3"]
        assert sorted(await sides.notes.stored(brand)) == [("ann", "lost 1"), ("ann", "lost 3"), ("bob", "lost 2")]


async def test_nothing_is_published_when_nothing_is_missing(sides: Sides, brand: str) -> None:
    told = [("ann", str(number)) for number in range(10)]
    async with looping(sides.consumer.run):
        await sides.publish(brand, *told)
        await sides.taken(brand, len(told))
        assert await sides.reconciler.repair() == 0
        await sides.notes.js.purge_stream(STREAM)
        assert await sides.reconciler.repair() == 0
    assert await sides.notes.stored(brand) == []


async def test_a_parked_event_is_not_missing(sides: Sides, stage: Stage, brand: str) -> None:
    stage.broken.add("bad")
    await sides.publish(brand, ("ann", "bad"))
    (row,) = await sides.notes.fetch("SELECT id FROM outbox WHERE brand = $1", brand)
    last = Event(SERVICE, row["id"], brand, "ann", StringValue(value="bad"), deliveries=8)
    assert await sides.handle([last]) == [None]
    await sides.notes.js.purge_stream(STREAM)
    async with looping(sides.consumer.run):
        await sides.made()
        assert await sides.reconciler.repair() == 0


async def test_an_event_that_is_still_to_be_read_is_not_missing(sides: Sides, brand: str) -> None:
    """A consumer with a backlog is behind for another reason."""
    async with looping(sides.consumer.run):
        await sides.made()
    await sides.publish(brand, ("ann", "1"), ("ann", "2"))
    assert await sides.consumer.lag() == 2
    assert await sides.reconciler.repair() == 0
    assert await sides.notes.stored(brand) == [("ann", "1"), ("ann", "2")]


async def test_an_event_published_a_moment_ago_is_not_missing(
    sides: Sides, brand: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciler, "SETTLED_S", 60.0)
    await sides.publish(brand, ("ann", "1"))
    await sides.notes.js.purge_stream(STREAM)
    async with looping(sides.consumer.run):
        await sides.made()
        assert await sides.reconciler.repair() == 0


async def test_an_event_that_was_never_published_is_the_relay_s_to_publish(sides: Sides, brand: str) -> None:
    async with looping(sides.consumer.run):
        await sides.made()
        await sides.notes.append(brand, ("ann", "1"))
        assert await sides.reconciler.repair() == 0
    assert await sides.notes.stored(brand) == []


async def test_events_of_a_type_that_the_reader_does_not_take_are_not_missing(notes: Notes, brand: str) -> None:
    other = Sides(notes, Stage(tells=False), types=(Int64Value,))
    async with looping(Producer(SERVICE, notes.database, notes.client).run):
        await notes.client.flush()
        await other.publish(brand, ("ann", "1"))
        async with looping(other.consumer.run):
            await other.made()
            assert await other.reconciler.repair() == 0


async def test_a_reconciler_repairs_by_itself_and_outlives_a_producer_that_is_away(
    notes: Notes, stage: Stage, brand: str
) -> None:
    sides = Sides(notes, stage)
    await sides.publish(brand, ("ann", "lost"))
    await notes.js.purge_stream(STREAM)
    async with looping(sides.consumer.run):
        await sides.made()
        async with looping(sides.reconciler.run) as loop:
            with pytest.raises(reconciler.nats.errors.NoRespondersError):
                await sides.reconciler.repair()
            async with looping(Producer(SERVICE, notes.database, notes.client).run):
                assert await sides.taken(brand, 1) == [("ann", "lost")]
            assert not loop.done()


async def test_what_is_older_than_repair_needs_is_forgotten_and_claims_outlive_what_they_claim(
    notes: Notes, stage: Stage, brand: str
) -> None:
    path: WritePath = notes.write_path(stage)
    await notes.append(brand, ("ann", "published long ago"), ("ann", "published lately"), ("ann", "unpublished"))
    await path.submit_events([(Event(SERVICE, 10**12, brand, "ann", StringValue()), None)])
    await path.submit_events([(Event(SERVICE, 10**13, brand, "ann", StringValue()), None)])
    async with notes.superuser() as session:
        days = "now() - make_interval(days => $1)"
        text = "convert_from(substring(payload from 3), 'UTF8')"
        for days_ago, found in ((8, "published long ago"), (6, "published lately")):
            await session.execute(f"UPDATE outbox SET published_at = {days} WHERE {text} = $2", days_ago, found)  # noqa: S608
        for days_ago, bucket in ((9, 10**9), (7, 10**10)):
            await session.execute(f"UPDATE inbox SET changed_at = {days} WHERE bucket = $2", days_ago, bucket)  # noqa: S608
    async with looping(lambda beat: reconciler.forget(notes.database, 7, beat)):

        async def forgotten() -> bool:
            return await notes.claimed(brand) == {10**13}

        await eventually(forgotten)
    left = await notes.fetch("SELECT payload FROM outbox WHERE brand = $1 ORDER BY id", brand)
    assert [StringValue.FromString(row["payload"]).value for row in left] == ["published lately", "unpublished"]
