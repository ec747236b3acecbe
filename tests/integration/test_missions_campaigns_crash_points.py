"""Whatever a campaign's or a webhook's operation was doing when it died, asking again ends as if it had not.

Each operation is cut off before every one of its statements, before its commit
and after it, as a killed process leaves it, and then asked again of another.
"""

from datetime import timedelta
from functools import partial
from typing import Any

import asyncpg
import pytest

from chassis.configuration import Configurations
from chassis.database import Database
from chassis.sealing import Seal, key_of
from chassis.write_path import WritePath
from cli.embedded import Servers
from laurels.programme.v1.events_pb2 import ProgrammeApplied
from services.missions.book import Book
from services.missions.journal import settle
from services.missions.offers import Accept
from services.missions.operations import OPERATIONS
from services.missions.programme import compile_document
from services.missions.reaching import Passed, SendMessages
from services.missions.store.webhooks import Attempt
from services.missions.verification import violations
from services.missions.webhooks import Register, Remove, Replay, Rotate, Tried
from tests.integration.campaigns_support import AGO, BOUGHT, MESSAGE, POINTS, bought, campaign, consents, programme
from tests.integration.mortal import Mortal, died

DAY = timedelta(days=1)
KEPT = (
    "SELECT campaign, member, cause, outcome, occurrence FROM campaign_triggers WHERE brand = $1 ORDER BY 1, 2, 3",
    "SELECT name, owner, period, value FROM campaign_counters WHERE brand = $1 AND value > 0 ORDER BY 1, 2, 3",
    "SELECT offer, member, accepted_at IS NULL FROM campaign_offers WHERE brand = $1 ORDER BY 1",
    "SELECT message, member, state FROM campaign_messages WHERE brand = $1 ORDER BY 1",
    "SELECT webhook, url, length(previous), rotated_key FROM webhook_endpoints WHERE brand = $1 ORDER BY 1",
    "SELECT webhook, type, member, state, attempts FROM webhook_deliveries WHERE brand = $1 ORDER BY 1, 2, 3",
    "SELECT status, detail FROM webhook_attempts WHERE brand = $1 ORDER BY 1, 2",
    "SELECT campaign, member FROM campaign_cursors WHERE brand = $1 ORDER BY 1",
    "SELECT member, type, count(*) FROM outbox WHERE brand = $1 GROUP BY 1, 2 ORDER BY 1, 2",
)
TYPES = ("message.requested", "campaign.triggered")
CUT_OFF = programme(
    campaign("all", activity=BOUGHT, budget={"times": 9}, caps=[{"per": "CAMPAIGN_PERIOD_DAY", "most": 5}],
             effects=[POINTS, MESSAGE, {"offer": {"reward": "mug", "days": 300}}]),
    campaign("back", silence={"type": "purchase", "days": 30}),
)  # fmt: skip
REQUESTS: dict[str, Any] = {
    "activity": lambda found: bought("bob", "b1", AGO, tier="silver"),
    "silence": lambda found: Passed("back", [("ann", AGO)], (AGO, "ann")),
    "messages": lambda found: SendMessages([(found["message"], "ann")], AGO + DAY),
    "acceptance": lambda found: Accept("ann", found["offer"]),
    "rotation": lambda found: Rotate("hook", "rotated", found["sealed"]),
    "removal": lambda found: Remove("hook"),
    "replay": lambda found: Replay(found["delivery"]),
}


def path_over(database: Database) -> WritePath:
    begin = partial(Book, programmes=Configurations(compile_document), operations=OPERATIONS, settle=settle)
    return WritePath("missions", database, begin, on_commit=lambda: None)


@pytest.mark.parametrize("operation", REQUESTS)
async def test_an_operation_that_died_anywhere_is_done_once_when_it_is_asked_again(
    servers: Servers, brand: str, operation: str
) -> None:
    """An event that died is delivered again, and its claim keeps it out where it was committed; here the test does."""
    database = Database(servers.postgres.url("missions"))
    healthy = path_over(database)
    seal = Seal(key_of(servers.data.webhook_key()))
    admin = await asyncpg.connect(servers.postgres.admin_url("laurels_missions"))
    expected: list[Any] = []
    for dies_at in range(60):
        place = f"{brand}-{dies_at}"
        await healthy.submit(place, ProgrammeApplied(version=1, programme=CUT_OFF))
        await healthy.submit(
            place,
            Register("hook", "http://127.0.0.1:9/", TYPES, "made", b"", seal.close(f"{place}/hook", b"whsec_AAAA")),
        )
        await healthy.submit(place, consents("ann"))
        await healthy.submit(place, bought("ann", "a1", AGO, tier="silver"))
        found = {
            "message": await admin.fetchval("SELECT message FROM campaign_messages WHERE brand = $1", place),
            "offer": await admin.fetchval("SELECT offer FROM campaign_offers WHERE brand = $1", place),
            "sealed": seal.close(f"{place}/hook", b"whsec_BBBB"),
            "delivery": await admin.fetchval("SELECT delivery FROM webhook_deliveries WHERE brand = $1", place),
        }
        if operation == "replay":
            attempt = Attempt(found["delivery"], AGO, 410, "answered 410")
            await healthy.submit(place, Tried(attempt))
        request = REQUESTS[operation](found)
        died = await cut_off(servers, place, request, dies_at)
        committed = died and operation == "activity" and await admin.fetchval(
            "SELECT count(*) FROM campaign_triggers WHERE brand = $1 AND member = 'bob'", place
        )  # fmt: skip
        if (died and not committed) or operation != "activity":
            await healthy.submit(place, request)
        kept = [[tuple(row) for row in await admin.fetch(query, place)] for query in KEPT]
        if dies_at == 0:
            expected = kept
        assert kept == expected, f"cut off at statement {dies_at}"
        async with database.reading(place) as connection:
            assert await violations(connection) == []
        if dies_at and not died:
            break
    await admin.close()
    await database.close()
    assert dies_at > 4, "it was cut off at each of its statements"


async def cut_off(servers: Servers, brand: str, request: Any, dies_at: int) -> bool:
    """Asks; whether the one who was asked died of it."""
    database = Mortal(servers.postgres.url("missions"), dies_at)
    return await died(database, path_over(database).submit(brand, request))
