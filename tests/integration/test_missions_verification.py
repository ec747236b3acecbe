"""`laurels verify` is able to fail: each kind of damage to the missions database is found, and named."""

from collections.abc import Callable
from typing import Any

import asyncpg
import pytest

from cli.embedded import Servers
from services.missions.verification import violations
from tests.conftest import running
from tests.integration.missions_support import eventually, fetch, mission, open_points, programme, purchase

BRAND = "missions-verified"

DAMAGE = {
    "progress that no fact leads to": (
        "UPDATE member_missions SET state = replace(state::text, '[2]', '[1]')::json",
        "Mission large of member ann is at [1] and not finished; its facts lead to at [2] and not finished.",
    ),
    "a fact that is missing": (
        "DELETE FROM mission_facts WHERE id = 'ann-1'",
        "Mission large of member ann is at [2] and not finished; its facts lead to at [1] and not finished.",
    ),
    "no state for facts and a completion": (
        "DELETE FROM member_missions",
        "Mission first of member ann is finished at no time by its state "
        "and at 2026-03-01T12:00:00+00:00 by its completion.",
    ),
    "no completion for a finished run": (
        "DELETE FROM completions WHERE mission = 'first'",
        "Mission first of member ann is finished at 2026-03-01T12:00:00+00:00 by its state "
        "and at no time by its completion.",
    ),
    "a limit that was not counted": (
        "INSERT INTO mission_counters VALUES ('missions-verified', 'times:first', 1)",
        "The counter times:first is 1; what was paid is 0.",
    ),
    "a reward that was not told": (
        "DELETE FROM outbox WHERE type LIKE '%RewardGranted'",
        "What mission:first:ann pays is told by no event.",
    ),
    "a reward that was told twice": (
        "INSERT INTO outbox (brand, member, type, payload, traceparent) "
        "SELECT brand, member, type, payload, '' FROM outbox WHERE type LIKE '%RewardGranted'",
        "What mission:first:ann pays is told by 2 events.",
    ),
    "a reward for nothing": (
        "UPDATE completions SET state = 'exhausted'",
        "pays mission:first:ann, which no completion stands for.",
    ),
    "a mission that the version does not have": (
        "UPDATE completions SET programme_version = 7 WHERE mission = 'first'",
        "Mission first of member ann was finished under version 7, which has no such mission.",
    ),
    "a badge that nothing gave": (
        "INSERT INTO badges (brand, member, badge, mission, earned_at) VALUES ('missions-verified', 'eve', 'newcomer', "
        "'first', '2026-03-01T12:00Z')",
        "Member eve has badge newcomer 1 times by its row and 0 times by its awards.",
    ),
    "a badge of another mission": (
        "UPDATE badge_awards SET key = 'mission:large:ann:newcomer' WHERE brand = 'missions-verified'",
        "Member ann finished mission first and was not given its badge newcomer.",
    ),
    "a badge not given": (
        "DELETE FROM badge_awards",
        "Member ann finished mission first and was not given its badge newcomer.",
    ),
    "a badge that is gone": (
        "DELETE FROM badges",
        "Member ann has badge newcomer 0 times by its row and 1 times by its awards.",
    ),
    "a holder not counted": (
        "UPDATE tallies SET value = 0 WHERE tally = 'badge:newcomer'",
        "The tally badge:newcomer stands at 0, and what it counts comes to 1.",
    ),
    "a completion not told": (
        "DELETE FROM outbox WHERE type LIKE '%MissionCompleted'",
        "That member ann finished mission first is told by no event.",
    ),
    "a completion told that never was": (
        "DELETE FROM completions WHERE mission = 'first'",
        "says that member ann finished first; no completion does.",
    ),
    "a badge not told": (
        "DELETE FROM outbox WHERE type LIKE '%BadgeEarned'",
        "That member ann earned a badge by mission:first:ann:newcomer is told by no event.",
    ),
    "a badge told that never was": (
        "DELETE FROM badge_awards",
        "That member ann earned a badge by mission:first:ann:newcomer is told by 1 events, and it is so 0 times.",
    ),
    "a parked event": (
        "INSERT INTO dead_letters (source, id, brand, member, type, payload, reason) "
        "VALUES ('points', 9, 'missions-verified', 'ann', 'laurels.activity.v1.ActivityRecorded', '', 'KeyError')",
        "Event 9 of points (laurels.activity.v1.ActivityRecorded, member ann) is parked: KeyError",
    ),
}


@pytest.fixture(scope="module")
async def verified(servers: Servers, settings_of: Callable[..., Any]) -> Servers:
    """A brand in which ann finished `first` and is on her way in `large`."""
    opened = open_points(servers)
    points = await anext(opened)
    async with running("missions", settings_of("missions")):
        await points.apply(BRAND, programme(mission("first", 1, badge="newcomer", reward=5), mission("large", 3)))
        await points.publish(BRAND, purchase("ann", 0), purchase("ann", 1))
        await eventually(
            lambda: fetch(servers, "SELECT FROM member_missions WHERE brand = $1 AND last_id = 'ann-1'", BRAND)
        )
        await opened.aclose()
    return servers


async def found_after(servers: Servers, *statements: str) -> list[str]:
    """What is found after the statements, which are taken back."""
    session = await asyncpg.connect(servers.postgres.admin_url("laurels_missions"))
    undo = session.transaction()
    await undo.start()
    try:
        await session.execute("SELECT set_config('laurels.brand', $1, true)", BRAND)
        for statement in statements:
            await session.execute(statement)
        return await violations(session)
    finally:
        await undo.rollback()
        await session.close()


async def test_what_the_service_did_holds(verified: Servers) -> None:
    assert await found_after(verified) == []


@pytest.mark.parametrize("damage", DAMAGE)
async def test_damage_is_found(verified: Servers, damage: str) -> None:
    statement, sentence = DAMAGE[damage]
    found = await found_after(verified, statement)
    assert any(sentence in said for said in found), found


async def test_another_reward_than_the_programme_says_is_found(verified: Servers) -> None:
    told = await fetch(
        verified, "SELECT id, payload FROM outbox WHERE brand = $1 AND type LIKE '%RewardGranted'", BRAND
    )
    assert len(told) == 1
    changed = told[0]["payload"].replace(b"points\x10\x05", b"points\x10\x06")
    damage = f"UPDATE outbox SET payload = '\\x{changed.hex()}' WHERE id = {told[0]['id']}"  # noqa: S608
    found = await found_after(verified, damage)
    assert found == [
        f"Event {told[0]['id']} pays mission:first:ann something else than the version of its completion says."
    ]


async def test_events_that_the_retention_took_are_not_missed(verified: Servers) -> None:
    assert (
        await found_after(
            verified,
            "UPDATE completions SET recorded_at = now() - interval '25 hours'",
            "UPDATE badge_awards SET recorded_at = now() - interval '25 hours'",
            "DELETE FROM outbox",
        )
        == []
    )


async def test_a_long_list_is_cut_with_its_length_said(verified: Servers) -> None:
    found = await found_after(
        verified,
        "INSERT INTO dead_letters (source, id, brand, member, type, payload, reason) "
        "SELECT 'points', n, 'missions-verified', 'ann', 't', '', 'r' FROM generate_series(1, 250) AS n",
    )
    assert len(found) == 101
    assert found[-1] == "And 150 more like the one before."


async def test_another_brand_is_not_looked_at(verified: Servers) -> None:
    elsewhere = "INSERT INTO mission_facts VALUES ('elsewhere', 'eve', 1, 'a', 1, '[]', '')"
    assert await found_after(verified, elsewhere) == []
