"""An outbox from which a member was taken still says which events there were."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chassis.erasure import Erasing, alias_of, scrub
from chassis.events import partition
from chassis.outbox import Relay
from cli.embedded import Servers
from tests.integration.chassis_support import SERVICE, Notes, eventually, looping, open_notes


@pytest.fixture
async def notes(servers: Servers, tmp_path: Path) -> AsyncIterator[Notes]:
    async for opened in open_notes(servers, tmp_path):
        yield opened


async def test_scrubbed_events_keep_ids_types_and_partition_and_nothing_else(notes: Notes, brand: str) -> None:
    told = [("ann" if number % 3 else "bob", f"about {number}") for number in range(90)]
    before = await notes.append(brand, *told)
    elsewhere = await notes.append(f"{brand}-other", ("ann", "another ann"))
    alias = alias_of("ann", iter("abcdefghijklmnopqrstuvwxyz0123456789" * 9).__next__)
    await scrub(notes.database, Erasing(brand, "e", "ann", alias), lambda: None)
    rows = await notes.fetch("SELECT id, member, type, payload FROM outbox WHERE brand = $1 ORDER BY id", brand)
    assert [row["id"] for row in rows] == before
    assert {row["type"] for row in rows} == {"google.protobuf.StringValue"}
    assert [row["member"] for row in rows] == [alias if member == "ann" else "bob" for member, _ in told]
    assert [row["payload"] == b"" for row in rows] == [member == "ann" for member, _ in told]
    assert partition(alias) == partition("ann")
    (other,) = await notes.fetch("SELECT member FROM outbox WHERE id = $1", elsewhere[0])
    assert other["member"] == "ann"


async def test_what_was_scrubbed_before_it_was_published_is_published_of_the_alias(notes: Notes, brand: str) -> None:
    await notes.append(brand, ("ann", "a secret"), ("bob", "kept"), ("ann", "another"))
    await scrub(notes.database, Erasing(brand, "e", "ann", "!x"), lambda: None)
    async with looping(Relay(SERVICE, notes.database, notes.client).run):

        async def published() -> bool:
            rows = await notes.fetch("SELECT count(*) FROM outbox WHERE published_at IS NULL")
            return bool(rows[0][0] == 0)

        await eventually(published)
    assert sorted(await notes.stored(brand)) == [("!x", ""), ("!x", ""), ("bob", "kept")]
