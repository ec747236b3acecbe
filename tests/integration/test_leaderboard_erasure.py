"""A member is erased from boards and cards, whatever arrives in whatever order from two services."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from cli.embedded import Servers
from laurels.erasure.v1.events_pb2 import ErasureReceipt, ErasureSettled, MemberErased
from tests.conftest import running
from tests.integration.leaderboard_support import (
    NOON,
    Leaderboard,
    card_of,
    credit,
    eventually,
    finished,
    listening,
    pool,
    prize,
    programme,
    purchase,
)

ERASED = MemberErased(member="ann", erasure="e1", alias="!x1", erased_at=NOON)
OF_MISSIONS = ErasureReceipt(erasure="e1", service="missions", after="points", alias="!x1")
NAMING = """
    SELECT (SELECT count(*) FROM scores WHERE brand = $1 AND member = 'ann')
        + (SELECT count(*) FROM scratch_cards WHERE brand = $1 AND (member = 'ann' OR cause LIKE '%ann%'))
        + (SELECT count(*) FROM outbox WHERE brand = $1 AND (member = 'ann' OR payload LIKE '%ann%'))
        + (SELECT count(*) FROM erasing WHERE brand = $1)"""


@pytest.fixture(scope="module")
async def leaderboard(
    servers: Servers, settings_of: Callable[..., Any], token: Callable[..., str]
) -> AsyncIterator[Leaderboard]:
    async with listening(servers) as client, running("leaderboard", settings_of("leaderboard")) as channel:
        service = Leaderboard(servers, channel, client, token)
        yield service
        await service.forget()


async def played(leaderboard: Leaderboard, brand: str) -> None:
    """Two members on a board; one has won a card, lost none, and has another that is not revealed."""
    cards = [pool("spring", prize("pen", 1, 99)), pool("five", prize("cup", 1, 99), mission="five")]
    await leaderboard.apply(brand, programme(*cards))
    messages = [
        credit("ann", 50),
        credit("bob", 40),
        purchase("ann", "a1"),
        purchase("ann", "a2"),
        purchase("bob", "b1"),
    ]
    await leaderboard.settled(brand, *await leaderboard.publish(brand, *messages))
    won = await leaderboard.reveal(brand, card_of(brand, "spring", "a1"))
    assert won.prize.id == "pen"


async def receipts(leaderboard: Leaderboard, brand: str) -> list[str]:
    return sorted(receipt.after for receipt in await leaderboard.told(brand, ErasureReceipt) if receipt.service)


@pytest.mark.parametrize("first", ["points", "missions"])
async def test_what_missions_told_late_is_erased_with_its_last_word(
    leaderboard: Leaderboard, brand: str, first: str
) -> None:
    await played(leaderboard, brand)
    said = {
        "points": lambda: leaderboard.publish(brand, ERASED),
        "missions": lambda: leaderboard.publish(brand, OF_MISSIONS, member="ann"),
    }
    await leaderboard.settled(brand, *await said[first]())
    assert await receipts(leaderboard, brand) == [first]
    if first == "points":
        # On its way when the points service spoke; nothing puts the two streams in an order.
        await leaderboard.settled(brand, *await leaderboard.publish(brand, finished("ann")))
    (other,) = said.keys() - {first}
    await leaderboard.settled(brand, *await said[other]())
    assert await receipts(leaderboard, brand) == ["missions", "points"]
    await leaderboard.publish(brand, ErasureSettled(erasure="e1"))

    async def forgotten() -> bool:
        return bool((await leaderboard.fetch(NAMING, brand))[0][0] == 0)

    await eventually(forgotten)
    assert await leaderboard.top(brand, "earners") == [(1, "bob", 40)]
    assert (await leaderboard.entries(brand, "earners")).members == 1
    assert [row[1:] for row in await leaderboard.report(brand)] == [
        ("Spring", 3, 1, 1),
        ("Five", int(first == "points"), 0, 0),
    ]
    assert await leaderboard.violations(brand) == []
    (last,) = [r for r in await leaderboard.told(brand, ErasureReceipt) if r.service and not r.after]
    assert (last.erasure, last.service) == ("e1", "leaderboard")


async def test_reveals_that_race_an_erasure_leave_the_stock_right(leaderboard: Leaderboard, brand: str) -> None:
    await leaderboard.apply(brand, programme(pool("spring", prize("pen", 1, 5), nothing_weight=1)))
    messages = [purchase("ann", f"a{n}") for n in range(30)]
    await leaderboard.settled(brand, *await leaderboard.publish(brand, *messages))
    reveals = [leaderboard.reveal(brand, card_of(brand, "spring", f"a{n}")) for n in range(30)]
    ids, *_ = await asyncio.gather(leaderboard.publish(brand, ERASED), *reveals, return_exceptions=True)
    await leaderboard.settled(brand, *ids)  # type: ignore[misc]
    await leaderboard.settled(brand, *await leaderboard.publish(brand, OF_MISSIONS, member="ann"))
    await leaderboard.settled(brand, *await leaderboard.publish(brand, ErasureSettled(erasure="e1")))

    async def forgotten() -> bool:
        return bool((await leaderboard.fetch(NAMING, brand))[0][0] == 0)

    await eventually(forgotten)
    assert await leaderboard.violations(brand) == []
