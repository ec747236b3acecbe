"""Services are killed between a card's reveal, its telling and its credit, and every prize is paid once."""

import asyncio
import os
import signal
from collections import Counter
from functools import partial
from typing import Any

import httpx
import pytest

from cli.settlement import settlement_of
from cli.supervisor import Suite
from cli.verify import violations
from tests.e2e.world import World, eventually

CARDS, PRIZES, SETTLE_S, PATIENCE = 120, 60, 90.0, 200
MEMBERS = [f"m{number}" for number in range(12)]


@pytest.mark.parametrize("parts", [("leaderboard", "points"), ("nats", "leaderboard")], ids="-".join)
async def test_every_prize_is_paid_once_whoever_is_killed(suite: Suite, brand: str, parts: tuple[str, ...]) -> None:
    brand = f"{brand}-{parts[0]}"
    async with World(suite, brand) as world:
        await publish(world)
        for member in MEMBERS:
            await world.call("POST", "/v1/members", {"member": member})
        cards = [await insisting(world, "/v1/scratch-pools/kills/cards", number) for number in range(CARDS)]
        assert sorted(answer["card"]["number"] for answer in cards) == list(range(1, CARDS + 1))

        async def reveal(number: int) -> Any:
            card = cards[number]["card"]["card"]
            return (await insisting(world, f"/v1/scratch-cards/{card}:reveal", number))["card"]

        async def kill() -> None:
            for part in parts:
                await asyncio.sleep(0.05)
                os.kill(suite.part_pid(part), signal.SIGKILL)

        first = [reveal(number) for number in range(CARDS // 2)]
        *answers, _ = await asyncio.gather(*first, kill())
        answers += await asyncio.gather(*(reveal(number) for number in range(CARDS // 2, CARDS)))
        assert all(suite.parts[part].restarts for part in parts)
        again = await asyncio.gather(*(reveal(number) for number in range(CARDS)))
        assert [answer.get("prize") for answer in again] == [answer.get("prize") for answer in answers]
        async with settlement_of(suite.data) as settlement:
            await settlement.reached(SETTLE_S)
        owed = Counter(answer["member"] for answer in answers if "prize" in answer)
        assert sum(owed.values()) == PRIZES
        for member in MEMBERS:
            await eventually(partial(world.wallet, member), 5 * owed[member])
    assert await violations(suite.data) == []


async def publish(world: World) -> None:
    programme = (await world.get("/v1/programme"))["programme"]
    prize = {"id": "coins", "name": "Coins", "stock": PRIZES, "currency": "points", "amount": 5}
    programme["leaderboard"]["scratch_pools"].append(
        {"id": "kills", "name": "Kills", "kind": "deck", "cards": CARDS, "prizes": [prize]}
    )
    answer = await world.call("PUT", "/v1/programme", {"programme": programme})
    assert answer.status_code == 200, answer.text

    async def published() -> bool:
        return (await world.call("GET", "/v1/scratch-pools/kills")).status_code == 200

    await eventually(published, True)


async def insisting(world: World, path: str, number: int) -> Any:
    """The answer to a request that is sent again until there is one, as a client does."""
    body: dict[str, Any] = {"own_seed": f"own-{number}"}
    if path.endswith("/cards"):
        body = {"member": MEMBERS[number % len(MEMBERS)]}
    headers = {"idempotency-key": f"{path}-{number}".replace("/", "_")}
    for _ in range(PATIENCE):
        try:
            answer = await world.call("POST", path, body, headers=headers)
        except httpx.TransportError:
            answer = None
        if answer is not None and answer.status_code == 200:
            return answer.json()
        assert answer is None or answer.status_code in (500, 503, 504), answer.text
        await asyncio.sleep(0.1)
    raise AssertionError(f"{path} had no answer")
