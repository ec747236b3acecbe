"""Batches of the missions service, whatever is in them and whoever else writes."""

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import AsyncIterator
from functools import partial

import pytest

from chassis.configuration import Configurations
from chassis.database import Database
from chassis.events import Event
from chassis.write_path import NotYet, WritePath
from cli.embedded import Servers
from laurels.missions.v1.events_pb2 import BadgeEarned, MissionCompleted
from laurels.programme.v1.events_pb2 import ProgrammeApplied
from services.missions.book import Book
from services.missions.fold import DONE, GOALS
from services.missions.journal import settle
from services.missions.operations import OPERATIONS
from services.missions.programme import compile_document
from services.missions.store import journal
from services.missions.subscriber import request_of
from services.missions.verification import violations
from tests.integration.missions_support import fetch, mission, programme, purchase

_ids = itertools.count(10**17)
MISSIONS = (
    mission("five", 5, badge="keen", reward=10),
    mission("forty", 40, badge="keen"),
    mission("large", 4, condition="attributes.amount >= 150", badge="big"),
    mission("spent", 1_000, of="attributes.amount"),
    mission("never", 1, condition="false"),
)


@pytest.fixture
async def database(servers: Servers) -> AsyncIterator[Database]:
    opened = Database(servers.postgres.url("missions"))
    yield opened
    await opened.close()


def replica(database: Database) -> WritePath:
    """A write path with memory of its own, as another process has it."""
    begin = partial(Book, programmes=Configurations(compile_document), operations=OPERATIONS, settle=settle)
    return WritePath("missions", database, begin, on_commit=lambda: None)


def event(brand: str, message: object, member: str = "_") -> Event:
    return Event("points", next(_ids), brand, member, message)  # type: ignore[arg-type]


async def apply_events(path: WritePath, *events: Event) -> list[BaseException | None]:
    return await path.submit_events([(found, request_of(found)) for found in events])


async def start(path: WritePath, brand: str) -> None:
    assert await apply_events(path, event(brand, ProgrammeApplied(version=1, programme=programme(*MISSIONS)))) == [None]


async def states(database: Database, brand: str, members: set[str]) -> dict[tuple[str, str], tuple[int, bool]]:
    async with database.reading(brand) as connection:
        return {
            (member, name): (run[GOALS][0], run[DONE] > 0)
            for member in members
            for name, run in (await journal.missions_of(connection, brand, member)).state["m"].items()
        }


def expected(purchases: list[tuple[str, int]]) -> dict[tuple[str, str], tuple[int, bool]]:
    """The states that purchases (member, amount) lead to, worked out by hand."""
    sums: Counter[tuple[str, str]] = Counter()
    for member, amount in purchases:
        sums[member, "five"] += 1
        sums[member, "forty"] += 1
        sums[member, "large"] += amount >= 150
        sums[member, "spent"] += amount
    targets = {"five": 5, "forty": 40, "large": 4, "spent": 1_000}
    return {key: (min(value, targets[key[1]]), value >= targets[key[1]]) for key, value in sums.items() if value}


async def test_two_replicas_that_write_the_same_members_lose_and_double_nothing(
    database: Database, servers: Servers, brand: str
) -> None:
    """Partitions keep a member to one worker; while they move, two may meet."""
    one, other = replica(database), replica(database)
    await start(one, brand)
    random.seed(5)
    purchases = [(f"m{random.randrange(20)}", random.randrange(200)) for _ in range(1_200)]
    events = [
        event(brand, purchase(member, number, amount=amount), member)
        for number, (member, amount) in enumerate(purchases)
    ]
    slices = [events[first : first + 50] for first in range(0, len(events), 50)]
    # Each slice goes to both, so that every event is delivered twice at once.
    outcomes = await asyncio.gather(*(apply_events(path, *piece) for piece in slices for path in (one, other)))
    assert {outcome for found in outcomes for outcome in found} == {None}
    assert await states(database, brand, {member for member, _ in purchases}) == expected(purchases)
    async with database.reading(brand) as connection:
        assert await violations(connection) == []


async def test_only_members_that_moved_are_written(database: Database, servers: Servers, brand: str) -> None:
    path = replica(database)
    await start(path, brand)
    await apply_events(path, event(brand, purchase("ann", 0, amount=10), "ann"))
    await apply_events(path, event(brand, purchase("bob", 0, amount=10), "bob"))
    rows = "SELECT member, xmin::text FROM member_missions WHERE brand = $1"
    before = {row["member"]: row["xmin"] for row in await fetch(servers, rows, brand)}
    await apply_events(path, event(brand, purchase("ann", 1, amount=0), "ann"))
    await apply_events(path, event(brand, purchase("bob", 1, type_name="visit"), "bob"))
    after = {row["member"]: row["xmin"] for row in await fetch(servers, rows, brand)}
    assert {name for name in before if before[name] != after[name]} == {"ann"}
    assert await states(database, brand, {"ann"}) == expected([("ann", 10), ("ann", 0)])


async def test_a_bad_event_fails_alone_in_a_batch_of_many(database: Database, brand: str) -> None:
    path = replica(database)
    await start(path, brand)
    events = [event(brand, purchase(f"m{number}", amount=1), f"m{number}") for number in range(60)]
    events[17] = event(brand, purchase("m17", amount=float("nan")), "m17")
    events[40] = event(brand, purchase("m40", version=9), "m40")
    outcomes = await apply_events(path, *events)
    assert {place for place, outcome in enumerate(outcomes) if outcome is not None} == {17, 40}
    assert isinstance(outcomes[17], ValueError)
    assert isinstance(outcomes[40], NotYet)
    done = await states(database, brand, {f"m{number}" for number in range(60)})
    assert {member for member, name in done if name == "five"} == {f"m{n}" for n in range(60)} - {"m17", "m40"}


async def test_the_finishing_activity_is_the_one_that_reaches_the_target_within_a_batch(
    database: Database, servers: Servers, brand: str
) -> None:
    path = replica(database)
    await start(path, brand)
    await apply_events(path, *(event(brand, purchase("ann", n, amount=200), "ann") for n in range(9)))
    rows = await fetch(
        servers, "SELECT mission, activity, completed_at FROM completions WHERE brand = $1 ORDER BY 1", brand
    )
    assert {row["mission"]: row["activity"] for row in rows} == {"five": "ann-4", "large": "ann-3", "spent": "ann-4"}
    told = await fetch(servers, "SELECT type, payload FROM outbox WHERE brand = $1 ORDER BY id", brand)
    messages = [
        kind.FromString(row["payload"])
        for row in told
        for kind in (MissionCompleted, BadgeEarned)
        if row["type"] == kind.DESCRIPTOR.full_name
    ]
    # What is achieved is settled first, and what it gives last.
    told_in_order = [getattr(found, "mission", "") or found.badge for found in messages]
    assert told_in_order == ["large", "five", "spent", "big", "keen"]


async def test_a_badge_held_already_is_not_earned_again_in_a_later_batch(
    database: Database, servers: Servers, brand: str
) -> None:
    path = replica(database)
    await start(path, brand)
    for number in range(41):
        assert await apply_events(path, event(brand, purchase("ann", number, amount=1), "ann")) == [None]
    badges = await fetch(servers, "SELECT badge, mission FROM badges WHERE brand = $1", brand)
    assert [tuple(row) for row in badges] == [("keen", "five")]
    earned = await fetch(servers, "SELECT count(*) FROM outbox WHERE brand = $1 AND type LIKE '%.BadgeEarned'", brand)
    assert earned[0][0] == 1
