"""Boards on the real servers: events move them exactly once, and their order is the one that was promised."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from chassis.errors import InvalidArgument, NotFound, PermissionDenied
from cli.embedded import Servers
from laurels.points.v1 import points_pb2
from laurels.programme.v1.events_pb2 import ProgrammeAdopted, ProgrammeApplied
from services.leaderboard.ranking import order
from tests.conftest import running
from tests.integration.leaderboard_support import (
    NOON,
    Leaderboard,
    credit,
    eventually,
    listening,
    pool,
    prize,
    programme,
    purchase,
)


@pytest.fixture(scope="module")
async def leaderboard(
    servers: Servers, settings_of: Callable[..., Any], token: Callable[..., str]
) -> AsyncIterator[Leaderboard]:
    async with listening(servers) as client, running("leaderboard", settings_of("leaderboard")) as channel:
        service = Leaderboard(servers, channel, client, token)
        yield service
        await service.forget()


async def test_credits_and_activities_add_to_their_boards(leaderboard: Leaderboard, brand: str) -> None:
    await leaderboard.apply(brand, programme(condition="attributes.amount > 10"))
    ids = await leaderboard.publish(
        brand,
        credit("ann", 5),
        credit("ann", 7),
        credit("bob", 11),
        credit("bob", 1_000, currency="gems"),
        purchase("ann", "a1", 100),
        purchase("ann", "a2", 10),
        purchase("bob", "b1", 101),
    )
    await leaderboard.settled(brand, *ids)
    assert await leaderboard.top(brand, "earners") == [(1, "ann", 12), (2, "bob", 11)]
    assert await leaderboard.top(brand, "spenders") == [(1, "bob", 101), (2, "ann", 100)]
    assert await leaderboard.violations(brand) == []


async def test_what_a_back_end_transfers_or_takes_back_moves_no_board(leaderboard: Leaderboard, brand: str) -> None:
    await leaderboard.apply(brand, programme())
    moved = []
    for kind in ("TRANSFER", "REVERSAL", "REDEMPTION", "MISSION", "PRIZE", "REFERRAL"):
        credited = credit("ann", 10)
        credited.kind = points_pb2.EntryKind.Value(f"ENTRY_KIND_{kind}")
        moved.append(credited)
    await leaderboard.settled(brand, *await leaderboard.publish(brand, *moved))
    assert await leaderboard.top(brand, "earners") == [(1, "ann", 30)]


async def test_an_event_that_is_delivered_twice_moves_a_board_once(leaderboard: Leaderboard, brand: str) -> None:
    await leaderboard.apply(brand, programme(pool("spring", prize("pen", 1, 9))))
    messages = [credit("ann", 5), purchase("ann", "a1", 9)] + [credit(f"m{n}", n) for n in range(1, 300)]
    ids = await leaderboard.publish(brand, *messages)
    await leaderboard.settled(brand, *ids)
    before = await leaderboard.top(brand, "earners"), await leaderboard.top(brand, "spenders")
    for _ in range(2):
        await leaderboard.delivered_again(brand, ids, *messages)
    assert (await leaderboard.top(brand, "earners"), await leaderboard.top(brand, "spenders")) == before
    assert len(before[0]) == 300
    assert len((await leaderboard.cards(brand, "ann")).cards) == 1
    assert await leaderboard.violations(brand) == []


async def test_an_event_before_its_version_waits_for_it_and_is_decided_under_it(
    leaderboard: Leaderboard, brand: str
) -> None:
    await leaderboard.apply(brand, programme(score="1"))
    ids = await leaderboard.publish(brand, purchase("ann", "a2", 7, version=2), purchase("bob", "b1", 7, version=1))
    await leaderboard.settled(brand, ids[1])
    assert await leaderboard.top(brand, "spenders") == [(1, "bob", 1)]
    await leaderboard.apply(brand, programme(score="100"), version=2)
    await leaderboard.settled(brand, *ids)
    later = await leaderboard.publish(brand, purchase("bob", "b2", 7, version=1))
    await leaderboard.settled(brand, *later)
    assert await leaderboard.top(brand, "spenders") == [(1, "ann", 100), (2, "bob", 2)]


async def test_a_version_and_its_events_may_come_together(leaderboard: Leaderboard, brand: str) -> None:
    applied = ProgrammeApplied(version=1, programme=programme(pool("spring", prize("pen", 1, 9))))
    ids = await leaderboard.publish(brand, applied, *(purchase(f"m{n}", f"a{n}", 5) for n in range(50)))
    await leaderboard.settled(brand, *ids)
    assert len(await leaderboard.top(brand, "spenders")) == 50
    assert await leaderboard.report(brand) == [("spring", "Spring", 50, 0, 0)]
    assert await leaderboard.violations(brand) == []


async def test_an_adopted_version_is_told_to_the_points_service(leaderboard: Leaderboard, brand: str) -> None:
    await leaderboard.apply(brand, programme())
    await leaderboard.apply(brand, programme(score="2"), version=2)

    async def adopted() -> bool:
        told = await leaderboard.published(brand, ProgrammeAdopted)
        return [(event.service, event.version) for event in told] == [("leaderboard", 1), ("leaderboard", 2)]

    await eventually(adopted)


async def test_a_feed_that_fails_on_an_activity_adds_nothing_there(leaderboard: Leaderboard, brand: str) -> None:
    await leaderboard.apply(brand, programme(score="100 / (attributes.amount - 1)"))
    ids = await leaderboard.publish(brand, purchase("ann", "a1", 1), purchase("ann", "a2", 2))
    await leaderboard.settled(brand, *ids)
    assert await leaderboard.top(brand, "spenders") == [(1, "ann", 100)]
    assert await leaderboard.violations(brand) == []


async def test_the_order_is_by_score_then_time_then_member_and_pages_agree_with_it(
    leaderboard: Leaderboard, brand: str
) -> None:
    await leaderboard.apply(brand, programme())
    chance = random.Random(7)
    members = [f"{first}{n}" for n in range(60) for first in "aZ_-"]
    expected: dict[str, tuple[int, int]] = {}
    messages = []
    for member in members:
        gains = [(chance.randint(1, 4), chance.randint(0, 3)) for _ in range(chance.randint(1, 3))]
        messages += [credit(member, amount, minute) for amount, minute in gains]
        expected[member] = (sum(amount for amount, _ in gains), max(minute for _, minute in gains))
    chance.shuffle(messages)
    await leaderboard.settled(brand, *await leaderboard.publish(brand, *messages))
    ranked = sorted(members, key=lambda m: order(expected[m][0], NOON + timedelta(minutes=expected[m][1]), m))
    whole = [(rank, member, expected[member][0]) for rank, member in enumerate(ranked, 1)]
    assert await leaderboard.top(brand, "earners") == whole
    paged, page_token, sizes = [], "", []
    while True:
        page = await leaderboard.entries(brand, "earners", 48, page_token)
        paged += [(entry.rank, entry.member, entry.score) for entry in page.entries]
        sizes.append((len(page.entries), page.members))
        if not (page_token := page.next_page_token):
            break
    assert paged == whole
    assert sizes == [(48, 240)] * 5
    for rank, member, score in whole[::31]:
        place = await leaderboard.place(brand, "earners", member, 3)
        assert (place.entry.rank, place.entry.member, place.entry.score) == (rank, member, score)
        near = [(entry.rank, entry.member, entry.score) for entry in place.neighbours]
        assert near == whole[max(rank - 4, 0) : rank + 3]
        assert place.members == 240
    alone = await leaderboard.place(brand, "earners", whole[-1][1])
    assert list(alone.neighbours) == [alone.entry]


async def test_the_last_page_has_no_token_and_one_after_it_is_empty(leaderboard: Leaderboard, brand: str) -> None:
    await leaderboard.apply(brand, programme())
    ids = await leaderboard.publish(brand, credit("ann", 3), credit("bob", 2))
    await leaderboard.settled(brand, *ids)
    first = await leaderboard.entries(brand, "earners", 1)
    second = await leaderboard.entries(brand, "earners", 1, first.next_page_token)
    assert [entry.member for entry in second.entries] == ["bob"]
    assert second.next_page_token == ""
    empty = await leaderboard.entries(brand, "spenders")
    assert (list(empty.entries), empty.next_page_token, empty.members) == ([], "", 0)


async def test_bad_reads_are_refused_saying_why(leaderboard: Leaderboard, brand: str) -> None:
    with pytest.raises(NotFound) as refused:
        await leaderboard.entries(brand, "earners")
    assert refused.value.reason == "unknown_brand"
    await leaderboard.apply(brand, programme())
    for call, reason in (
        (leaderboard.entries(brand, "losers"), "unknown_board"),
        (leaderboard.place(brand, "losers", "ann"), "unknown_board"),
        (leaderboard.place(brand, "earners", "ann"), "not_ranked"),
        (leaderboard.place(brand, "earners", "bob", subject="ann", scope="member"), "unknown_member"),
    ):
        with pytest.raises(NotFound) as refused:
            await call
        assert refused.value.reason == reason
    for call, field in (
        (leaderboard.entries(brand, "earners", 1_001), "page_size"),
        (leaderboard.entries(brand, "earners", page_token="50"), "page_token"),
        (leaderboard.place(brand, "earners", "ann", 101), "around"),
        (leaderboard.place(brand, "earners", "ann", -1), "around"),
    ):
        with pytest.raises(InvalidArgument) as malformed:
            await call
        assert [violation.field for violation in malformed.value.violations] == [field]
    with pytest.raises(PermissionDenied):
        await leaderboard.place(brand, "earners", "ann", scope="manager")


async def test_brands_do_not_see_each_others_boards(leaderboard: Leaderboard, brand: str) -> None:
    other = f"{brand}-other"
    for name in (brand, other):
        await leaderboard.apply(name, programme())
    ids = await leaderboard.publish(brand, credit("ann", 5))
    await leaderboard.settled(brand, *ids)
    assert await leaderboard.top(other, "earners") == []
    with pytest.raises(NotFound):
        await leaderboard.place(other, "earners", "ann")
    app = await asyncpg.connect(leaderboard.servers.postgres.url("leaderboard"))
    try:
        for table in ("scores", "board_sizes", "scratch_pools", "scratch_prizes", "scratch_cards"):
            with pytest.raises(asyncpg.UndefinedObjectError):
                await app.fetch(f"SELECT FROM {table}")
        await app.execute("SELECT set_config('laurels.brand', $1, false)", other)
        for table in ("scores", "board_sizes"):
            assert await app.fetch(f"SELECT FROM {table} WHERE brand = $1", brand) == []
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await app.execute(f"DELETE FROM {table}")  # noqa: S608
    finally:
        await app.close()


async def test_concurrent_brands_and_reads_do_not_disturb_a_sum(leaderboard: Leaderboard, brand: str) -> None:
    brands = [f"{brand}-{n}" for n in range(3)]
    for name in brands:
        await leaderboard.apply(name, programme())
    waves = [[credit(f"m{n % 17}", 1 + n % 5, n % 7) for n in range(400)] for _ in brands]
    published = await asyncio.gather(*(leaderboard.publish(b, *w) for b, w in zip(brands, waves, strict=True)))
    for name, ids in zip(brands, published, strict=True):
        await leaderboard.settled(name, *ids)
        assert sum(score for _, _, score in await leaderboard.top(name, "earners")) == sum(
            1 + n % 5 for n in range(400)
        )
        assert await leaderboard.violations(name) == []
