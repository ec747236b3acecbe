"""Minutes of replay in which one part after another is killed, and at the end nothing is lost or doubled."""

import asyncio
import itertools
import os
import random
import signal
import time

import pytest

from cli import cdnow
from cli.embedded import SERVICES
from cli.replay import Shop, replay
from cli.settlement import settlement_of
from cli.supervisor import Suite
from cli.verify import violations
from tests.e2e.world import World

SOAK_S = 600.0
PAUSE_S = (2.0, 12.0)
SETTLE_S = 180.0
BATCH = 50
ROUND = 2_000


@pytest.mark.soak
@pytest.mark.timeout(3_600)
async def test_ten_minutes_of_kills_lose_nothing(suite: Suite) -> None:
    chance = random.Random(0)
    ends_at = time.monotonic() + SOAK_S

    async def kill() -> None:
        while time.monotonic() < ends_at:
            await asyncio.sleep(chance.uniform(*PAUSE_S))
            part = chance.choice([*SERVICES, "gateway", "nats", "postgres"])
            os.kill(suite.part_pid(part), signal.SIGKILL)

    killing = asyncio.create_task(kill())
    purchases = cdnow.activities()
    async with World(suite, "soak"):
        async with Shop(suite.gateway_url, suite.token("soak", "shop", "service"), patience_s=180) as shop:
            while time.monotonic() < ends_at and (some := list(itertools.islice(purchases, ROUND))):
                sent = await replay(shop, some, batch=BATCH)
                assert sent.accepted + sent.duplicates == len(some)
        await killing
        async with settlement_of(suite.data) as settlement:
            await settlement.reached(SETTLE_S)
        assert await violations(suite.data) == []
