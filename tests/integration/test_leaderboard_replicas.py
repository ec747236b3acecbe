"""Two replicas that write at once neither lose, nor repeat, nor block each other."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from chassis.configuration import Configurations
from chassis.database import Database
from chassis.errors import NotFound
from chassis.events import Event
from chassis.write_path import WritePath
from cli.embedded import Servers
from laurels.leaderboard.v1.events_pb2 import ScratchCardIssued, ScratchCardRevealed
from laurels.programme.v1.events_pb2 import ProgrammeApplied
from services.leaderboard.book import Book
from services.leaderboard.cards import Reveal
from services.leaderboard.operations import ADOPTING, OPERATIONS
from services.leaderboard.programme import compile_document
from services.leaderboard.sealing import Seal, key_of
from tests.conftest import running
from tests.integration.leaderboard_support import (
    NOON,
    Leaderboard,
    card_of,
    credit,
    eventually,
    listening,
    pool,
    prize,
    programme,
    purchase,
)

# Of a source that no service has, so that no reconciler misses them.
SOURCE = "replay"


@pytest.fixture(scope="module")
async def leaderboard(
    servers: Servers, settings_of: Callable[..., Any], token: Callable[..., str]
) -> AsyncIterator[Leaderboard]:
    async with listening(servers) as client, running("leaderboard", settings_of("leaderboard")) as channel:
        yield Leaderboard(servers, channel, client, token)


@pytest.fixture
async def replicas(servers: Servers) -> AsyncIterator[list[WritePath]]:
    """The write paths of two replicas, each with connections of its own."""
    seal = Seal(key_of(servers.data.seed_key()))
    async with AsyncExitStack() as stack:
        paths = []
        for _ in range(2):
            database = Database(servers.postgres.url("leaderboard"))
            stack.push_async_callback(database.close)
            begin = partial(
                Book,
                programmes=Configurations(compile_document),
                operations=OPERATIONS,
                adopting=ADOPTING,
                seal=seal,
            )
            paths.append(WritePath("leaderboard", database, begin, on_commit=lambda: None, batch_weight_max=50))
            stack.push_async_callback(paths[-1].drain)
        yield paths


async def deadlocks(leaderboard: Leaderboard) -> int:
    rows = await leaderboard.fetch("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    return int(rows[0]["deadlocks"])


async def apply_all(path: WritePath, events: list[Event]) -> None:
    failures = await path.submit_events([(event, event.message) for event in events])
    assert [failure for failure in failures if failure is not None] == []


async def test_replicas_that_move_the_same_members_lose_nothing_and_apply_each_event_once(
    leaderboard: Leaderboard, replicas: list[WritePath], brand: str
) -> None:
    before = await deadlocks(leaderboard)
    applied = ProgrammeApplied(version=1, programme=programme(pool("spring", prize("pen", 1, 9))))
    first = int(brand.rpartition("-")[2]) * 1_000_000
    await apply_all(replicas[0], [Event(SOURCE, first, brand, "_", applied)])
    chance = random.Random(3)
    earned = [credit(f"m{chance.randrange(40)}", chance.randint(1, 9), chance.randrange(60)) for _ in range(600)]
    purchases = [purchase(f"m{chance.randrange(40)}", f"{brand}-{n}", chance.randint(1, 9), n) for n in range(200)]
    messages: list[Any] = [*earned, *purchases]
    events = [
        Event(SOURCE, first + n, brand, getattr(message, "member", "") or message.activity.member, message)
        for n, message in enumerate(messages, 1)
    ]
    # First each half of the events of the same members, then each all of them.
    chance.shuffle(events)
    await asyncio.gather(*(apply_all(path, events[half::2]) for half, path in enumerate(replicas)))
    await asyncio.gather(*(apply_all(path, chance.sample(events, len(events))) for path in replicas))
    expected: dict[str, tuple[int, Any]] = {}
    for event in earned:
        score, reached_at = expected.get(event.member, (0, NOON))
        at = event.occurred_at.ToDatetime(tzinfo=NOON.tzinfo)
        expected[event.member] = (score + event.amount, max(reached_at, at))
    rows = await leaderboard.fetch(
        "SELECT member, score, reached_at FROM scores WHERE brand = $1 AND board = 'earners'", brand
    )
    assert {row["member"]: (row["score"], row["reached_at"]) for row in rows} == expected
    spent = sum(int(event.activity.attributes["amount"]) for event in purchases)

    async def told() -> bool:  # to the replica that is asked, which wrote none of it
        try:
            return sum(score for _, _, score in await leaderboard.top(brand, "spenders")) == spent
        except NotFound:  # nor has it heard of the brand yet
            return False

    await eventually(told)
    assert len(await leaderboard.told(brand, ScratchCardIssued)) == len(purchases)
    assert await leaderboard.violations(brand) == []
    assert await deadlocks(leaderboard) == before


async def test_replicas_that_reveal_the_same_cards_agree_and_never_oversell(
    leaderboard: Leaderboard, replicas: list[WritePath], brand: str
) -> None:
    before = await deadlocks(leaderboard)
    pools = [pool(name, prize("car", 1, 1), prize("pen", 9, 70), nothing_weight=3) for name in ("autumn", "spring")]
    first = int(brand.rpartition("-")[2]) * 1_000_000
    messages: list[Any] = [ProgrammeApplied(version=1, programme=programme(*pools))]
    messages += [purchase(f"m{n}", f"{brand}-{n}", 1, n) for n in range(150)]
    for n, message in enumerate(messages):
        member = message.activity.member if n else "_"
        await apply_all(replicas[0], [Event(SOURCE, first + n, brand, member, message)])
    cards = [card_of(brand, name, f"{brand}-{n}") for n in range(150) for name in ("spring", "autumn")]
    chance = random.Random(5)

    async def reveal_all(path: WritePath, some: list[str]) -> dict[str, Any]:
        order = chance.sample(some, len(some))
        answers = await asyncio.gather(*(path.submit(brand, Reveal(card, None)) for card in order))
        return dict(zip(order, (answer.card for answer in answers), strict=True))

    # First each half of the cards, which share the stock alone; then each all of them.
    chance.shuffle(cards)
    parts = await asyncio.gather(*(reveal_all(path, cards[half::2]) for half, path in enumerate(replicas)))
    one, other = await asyncio.gather(*(reveal_all(path, cards) for path in replicas))
    assert one == other
    assert all(one[card] == answer for part in parts for card, answer in part.items())
    assert len(await leaderboard.told(brand, ScratchCardRevealed)) == len(cards)
    assert await leaderboard.violations(brand) == []
    assert await deadlocks(leaderboard) == before
    for name in ("spring", "autumn"):
        left = {stock.prize.id: stock.remaining for stock in (await leaderboard.pool(brand, name)).prizes}
        assert left["pen"] == 0
        won = [card.prize.id for card in one.values() if card.pool == name and card.HasField("prize")]
        assert len(won) == 71 - sum(left.values())


async def test_scores_reached_at_one_time_by_many_are_never_ranked_alike(
    leaderboard: Leaderboard, replicas: list[WritePath], brand: str
) -> None:
    first = int(brand.rpartition("-")[2]) * 1_000_000
    messages: list[Any] = [ProgrammeApplied(version=1, programme=programme())]
    messages += [credit(f"m{n:03}", 5, 0) for n in range(120)]
    for n, message in enumerate(messages):
        await apply_all(replicas[n % 2], [Event(SOURCE, first + n, brand, getattr(message, "member", "_"), message)])

    async def ranked() -> bool:
        return await leaderboard.top(brand, "earners") == [(n + 1, f"m{n:03}", 5) for n in range(120)]

    await eventually(ranked)
    rows = await leaderboard.fetch("SELECT DISTINCT reached_at FROM scores WHERE brand = $1", brand)
    assert [row["reached_at"] - NOON for row in rows] == [timedelta()]
