"""Any one process is killed in the middle of a replay, and the end is as if it had not been.

The same purchases go into a brand of their own for each part that is killed
with SIGKILL, and into one where nothing is. What every service keeps must then
be the same, and every invariant must hold.
"""

import asyncio
import itertools
import os
import signal
from collections.abc import Callable
from typing import Any

import asyncpg
import pytest

from cli import cdnow
from cli.embedded import SERVICES
from cli.replay import Shop, replay
from cli.settlement import settlement_of
from cli.supervisor import Suite
from cli.verify import violations
from tests.e2e.world import World

PURCHASES = 3_000
BATCH = 50
SETTLE_S = 90.0

# Everything that is kept of a brand, but for what is drawn by chance (ids,
# seeds) or says when it was written.
KEPT = {
    "points": (
        "SELECT owner, currency, kind, sum(balance)::bigint, sum(earned)::bigint FROM accounts "
        "WHERE brand = $1 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
        "SELECT member, tier, enrolled_at FROM members WHERE brand = $1 ORDER BY 1",
        "SELECT key, amount, reference, occurred_at FROM entries WHERE brand = $1 ORDER BY 1",
        "SELECT id, member, earned::text FROM activities WHERE brand = $1 ORDER BY 1",
    ),
    "missions": (
        "SELECT member, state::jsonb::text FROM member_missions WHERE brand = $1 ORDER BY 1",
        "SELECT member, mission, run, activity, state FROM completions WHERE brand = $1 ORDER BY 1, 2, 3",
        "SELECT member, badge, earned_at FROM badges WHERE brand = $1 ORDER BY 1, 2",
    ),
    "leaderboard": (
        "SELECT board, member, score, reached_at FROM scores WHERE brand = $1 ORDER BY 1, 2",
        "SELECT pool, member, cause, issued_at FROM scratch_cards WHERE brand = $1 ORDER BY 1, 2, 3",
    ),
    "recommender": (
        "SELECT member, activities, amount, first_at, last_at, tier FROM profiles WHERE brand = $1 ORDER BY 1",
    ),
}


async def kept(suite: Suite, brand: str) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for service, queries in KEPT.items():
        connection = await asyncpg.connect(suite.servers.postgres.admin_url(f"laurels_{service}"))
        try:
            for query in queries:
                found[query] = [tuple(row) for row in await connection.fetch(query, brand)]
        finally:
            await connection.close()
    return found


async def replayed(suite: Suite, brand: str, half_way: Callable[[], None]) -> dict[str, list[Any]]:
    """What is kept after a replay, in whose middle `half_way` is called."""
    async with World(suite, brand):
        purchases = list(itertools.islice(cdnow.activities(), PURCHASES))
        progress = {"sent": 0, "told": False}

        def advanced(count: int) -> None:
            progress["sent"] += count
            if progress["sent"] > PURCHASES // 2 and not progress["told"]:
                progress["told"] = True
                half_way()

        async with Shop(suite.gateway_url, suite.token(brand, "shop", "service")) as shop:
            sent = await replay(shop, purchases, batch=BATCH, advanced=advanced)
        assert sent.accepted + sent.duplicates == PURCHASES
        assert progress["told"]
    async with settlement_of(suite.data) as settlement:
        await settlement.reached(SETTLE_S)
    return await kept(suite, brand)


@pytest.fixture(scope="module")
async def undisturbed(suite: Suite) -> dict[str, list[Any]]:
    """What is kept when nothing is killed."""
    return await replayed(suite, "undisturbed", lambda: None)


@pytest.mark.parametrize("part", [*SERVICES, "gateway", "nats", "postgres"])
async def test_a_killed_part_changes_nothing(suite: Suite, undisturbed: dict[str, list[Any]], part: str) -> None:
    killed: list[int] = []

    def kill() -> None:
        killed.append(suite.part_pid(part))
        os.kill(killed[0], signal.SIGKILL)

    found = await replayed(suite, f"without-{part}", kill)
    assert suite.parts[part].restarts > 0
    assert suite.part_pid(part) != killed[0]
    for query, rows in undisturbed.items():
        assert found[query] == rows, query
    assert await violations(suite.data) == []


async def test_a_wiped_nats_store_loses_nothing(suite: Suite, undisturbed: dict[str, list[Any]]) -> None:
    """Everything that NATS holds is deleted with events in flight; the reconcilers send it again."""
    store = suite.data.nats / "jetstream"

    def wipe() -> None:
        os.kill(suite.part_pid("nats"), signal.SIGKILL)
        for path in sorted(store.rglob("*"), reverse=True):
            path.unlink() if not path.is_dir() else path.rmdir()

    found = await replayed(suite, "wiped", wipe)
    for _ in range(60):  # the reconcilers look every two seconds, once their consumers are idle
        if found == undisturbed:
            break
        await asyncio.sleep(0.5)
        found = await kept(suite, "wiped")
    for query, rows in undisturbed.items():
        assert found[query] == rows, query
    assert await violations(suite.data) == []
