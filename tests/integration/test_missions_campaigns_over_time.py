"""Campaigns that time sets off: each happens once, whatever was down."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from chassis.configuration import Configurations
from chassis.database import Database
from chassis.write_path import WritePath
from cli.embedded import Servers
from laurels.missions.v1.campaigns_events_pb2 import MessageRequested
from laurels.points.v1.events_pb2 import MemberEnrolled
from services.missions.book import Book
from services.missions.campaigns import HAPPENED
from services.missions.journal import settle
from services.missions.operations import OPERATIONS
from services.missions.programme import compile_document
from services.missions.reaching import DueCampaigns, due_messages
from services.missions.sweeps import Sweeps
from tests.conftest import running
from tests.integration.campaigns_support import (
    AGO,
    BOUGHT,
    MESSAGE,
    Campaigns,
    bought,
    campaign,
    consents,
    forget,
    programme,
    streams,
)
from tests.integration.missions_support import eventually

DAY, HOUR, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(seconds=1)


@pytest.fixture(scope="module")
async def campaigns(
    servers: Servers, settings_of: Callable[..., Any], token: Callable[..., str]
) -> AsyncIterator[Campaigns]:
    async with streams(servers) as client, running("missions", settings_of("missions")) as channel:
        opened = Campaigns(servers, channel, client, token)
        yield opened
        await forget(client, opened.brands)


class Sweeper:
    """A replica's sweeps, run until moments of the test's own."""

    def __init__(self, servers: Servers) -> None:
        self.database = Database(servers.postgres.url("missions"))
        programmes = Configurations(compile_document)
        begin = partial(Book, programmes=programmes, operations=OPERATIONS, settle=settle)
        self.path = WritePath("missions", self.database, begin, on_commit=lambda: None)
        self._sweeps = Sweeps(self.database, self.path, (DueCampaigns(programmes), due_messages))

    async def until(self, brand: str, moment: datetime) -> None:
        """The first look at a campaign only says where it begins; the second does what is due."""
        for _ in range(3):
            await self._sweeps.run_until(brand, moment)

    async def close(self) -> None:
        await self.path.drain()
        await self.database.close()


@pytest.fixture
async def sweeper(servers: Servers) -> AsyncIterator[Sweeper]:
    opened = Sweeper(servers)
    yield opened
    await opened.close()


async def happened(campaigns: Campaigns, brand: str, name: str = "") -> list[tuple[str, int]]:
    return [
        (member, occurrence)
        for of, member, outcome, _, occurrence in await campaigns.outcomes(brand)
        if outcome == HAPPENED and of in (name or of)
    ]


async def test_silence_is_met_once_however_long_nobody_looked(
    campaigns: Campaigns, brand: str, sweeper: Sweeper
) -> None:
    silent = {"type": "purchase", "days": 30}
    await campaigns.started(
        brand,
        campaign("back", silence=silent, occurrences_max=5),
        campaign("old", silence=silent, **{"from": (AGO - 40 * DAY).isoformat()}),
    )
    now = datetime.now(UTC)
    await campaigns.heard(
        brand, bought("ann", "a1", now), bought("bob", "b1", now), bought("cid", "c1", now - 31 * DAY)
    )
    await sweeper.until(brand, now + 30 * DAY - SECOND)
    assert await happened(campaigns, brand, "back") == [], "who was silent before the campaign began is not met"
    assert await happened(campaigns, brand, "old") == [("cid", 1)], "unless it began before"
    await campaigns.heard(brand, bought("bob", "b2", now + 10 * DAY))
    # The service was down for days; two replicas look at once, and once more.
    other = Sweeper(campaigns.servers)
    late = now + 35 * DAY
    await asyncio.gather(sweeper.until(brand, late), other.until(brand, late))
    await sweeper.until(brand, late)
    await other.close()
    assert await happened(campaigns, brand, "back") == [("ann", 1)]
    await campaigns.heard(brand, bought("ann", "a2", now + 50 * DAY))
    await sweeper.until(brand, now + 90 * DAY)
    assert await happened(campaigns, brand, "back") == [("ann", 1), ("ann", 2), ("bob", 1)]
    rows = await campaigns.rows(
        "SELECT occurred_at FROM campaign_triggers WHERE brand = $1 AND campaign = 'back' ORDER BY 1", brand
    )
    assert [row["occurred_at"] for row in rows] == [now + (30 + days) * DAY for days in (0, 10, 50)]
    assert await campaigns.violations(brand) == []


async def test_months_since_joining_are_counted_by_the_brand_s_calendar(
    campaigns: Campaigns, brand: str, sweeper: Sweeper
) -> None:
    half_a_year = campaign("half", joining={"months": 6}, **{"from": "2026-01-01"})
    await campaigns.apply(brand, programme(half_a_year, zone="Europe/Berlin"))
    joined = {
        "ann": datetime(2026, 8, 30, 21, 59, tzinfo=UTC),  # the 30th in Berlin
        "bob": datetime(2026, 8, 31, 21, 59, tzinfo=UTC),  # the 31st
        "cid": datetime(2026, 8, 31, 22, 0, tzinfo=UTC),  # the 1st
    }
    await campaigns.heard(brand, *(MemberEnrolled(member=name, enrolled_at=at) for name, at in joined.items()))
    begins = datetime(2027, 2, 27, 23, tzinfo=UTC)  # 28 February in Berlin, the last day of both half years
    await sweeper.until(brand, begins - SECOND)
    assert await happened(campaigns, brand) == []
    await sweeper.until(brand, begins)
    assert await happened(campaigns, brand) == [("ann", 1), ("bob", 1)]
    await sweeper.until(brand, begins + DAY)
    await sweeper.until(brand, begins + 400 * DAY)
    assert await happened(campaigns, brand) == [("ann", 1), ("bob", 1), ("cid", 1)]


async def test_what_is_heard_late_behind_the_cursor_is_found(campaigns: Campaigns, brand: str) -> None:
    since = {"from": (AGO - 2 * DAY).isoformat()}
    await campaigns.started(brand, campaign("back", silence={"type": "purchase", "days": 1}, **since))
    await campaigns.heard(brand, bought("ann", "a1", AGO - HOUR))
    await eventually(lambda: happened(campaigns, brand))
    await campaigns.heard(brand, bought("dan", "d1", AGO - 2 * HOUR), bought("eve", "e1", AGO - 20 * DAY))
    await campaigns.rows("UPDATE campaign_cursors SET looked_back_at = now() - interval '61 minutes' "
                         "WHERE brand = $1 RETURNING 1", brand)  # fmt: skip

    async def found() -> bool:
        return len(await happened(campaigns, brand)) == 2

    await eventually(found)
    assert await happened(campaigns, brand) == [("ann", 1), ("dan", 1)]


async def test_many_more_than_one_look_takes_are_each_met_once(
    campaigns: Campaigns, brand: str, sweeper: Sweeper
) -> None:
    await campaigns.started(brand, campaign("back", silence={"type": "purchase", "days": 30}))
    now = datetime.now(UTC)
    members = [f"m{number}" for number in range(450)]
    await campaigns.heard(brand, *(bought(member, member, now) for member in members))
    await sweeper.until(brand, now + 31 * DAY)
    assert sorted(await happened(campaigns, brand)) == sorted((member, 1) for member in members)


async def test_a_message_that_became_due_in_the_quiet_hours_is_put_off(
    campaigns: Campaigns, brand: str, sweeper: Sweeper
) -> None:
    mail = campaign("mail", activity=BOUGHT, effects=[MESSAGE])
    tomorrow = (datetime.now(UTC) + DAY).replace(hour=12, minute=0, second=0, microsecond=0)
    await campaigns.apply(brand, programme(mail, quiet_hours={"from": "21:00", "until": "08:00"}))
    await campaigns.heard(brand, consents("ann"), bought("ann", "a1", tomorrow))
    # Nobody looked until the night: it waits for the morning.
    await sweeper.until(brand, tomorrow + 11 * HOUR)
    assert await campaigns.told(brand, MessageRequested) == []
    await sweeper.until(brand, tomorrow + 20 * HOUR - SECOND)
    assert await campaigns.told(brand, MessageRequested) == []
    await sweeper.until(brand, tomorrow + 20 * HOUR)
    await sweeper.until(brand, tomorrow + 21 * HOUR)
    assert len(await campaigns.told(brand, MessageRequested)) == 1
