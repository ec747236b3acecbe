"""What the verification of the recommender promises to find, it finds; a sound database passes it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import asyncpg
import pytest

from chassis.database import Database
from cli.embedded import Servers
from services.recommender.verification import violations
from tests.conftest import running
from tests.integration.recommender_support import (
    Points,
    Recommender,
    applied,
    eventually,
    points_of,
    programme,
    purchase,
)


@pytest.fixture(scope="module")
async def points(servers: Servers) -> AsyncIterator[Points]:
    async with points_of(servers) as found:
        yield found


@pytest.fixture(scope="module")
async def recommender(
    servers: Servers, points: Points, settings_of: Callable[..., Any], token: Callable[..., str]
) -> AsyncIterator[Recommender]:
    async with running("recommender", settings_of("recommender", keep_every=1)) as channel:
        yield Recommender(servers, channel, token)


@pytest.fixture
async def taught(recommender: Recommender, points: Points, brand: str) -> str:
    """A brand whose slot `home` of two rewards has learnt from 30 members."""
    found = [purchase(f"m{number}", number, amount=100 * number, tier="bronze") for number in range(30)]
    await recommender.settled(brand, await points.publish(brand, applied(programme(home=2)), *found))
    answers = await asyncio.gather(*(recommender.recommend(brand, f"m{number}", count=2) for number in range(30)))
    outcomes = [(choice.decision, (number % 5) / 4) for number, answer in enumerate(answers) for choice in answer]
    await asyncio.gather(*(recommender.record(brand, decision, value) for decision, value in outcomes))

    async def kept() -> bool:
        return bool((await recommender.head(brand, "home"))["kept"] == 60)

    await eventually(kept)
    return brand


async def verified(servers: Servers, brand: str) -> list[str]:
    """What the verification finds with the application's rights."""
    database = Database(servers.postgres.url("recommender"))
    try:
        async with database.reading(brand) as connection:
            return await violations(connection)
    finally:
        await database.close()


async def tamper(servers: Servers, *statements: str, brand: str = "") -> None:
    """Changes the database past every foreign key, as no application can.

    Statements find the brand as the setting `laurels.brand`.
    """
    session = await asyncpg.connect(servers.postgres.admin_url("laurels_recommender"))
    try:
        async with session.transaction():
            await session.execute("SET LOCAL session_replication_role = replica")
            await session.execute("SELECT set_config('laurels.brand', $1, true)", brand)
            for statement in statements:
                await session.execute(statement)
    finally:
        await session.close()


async def test_a_sound_brand_passes(servers: Servers, taught: str) -> None:
    assert await verified(servers, taught) == []


async def test_an_unused_brand_passes(servers: Servers, recommender: Recommender, brand: str) -> None:
    assert await verified(servers, brand) == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            "UPDATE model_versions SET state = set_byte(state, 200, get_byte(state, 200) # 1) WHERE version = 1",
            "Version 1 of the model home is not what its 60 lessons teach.",
        ),
        ("DELETE FROM model_versions", "Models whose newest version is not the last written: home."),
        ("UPDATE learners SET lessons = 59 WHERE slot = 'home'", "home (59 lessons, 60 outcomes)"),
        ("DELETE FROM learners WHERE slot = 'home'", "home (0 lessons, 60 outcomes)"),
        ("UPDATE outcomes SET scaled = 1 - scaled WHERE lesson = 2", "or teaches another: "),
        ("UPDATE outcomes SET value = 0.1, scaled = 0.1 WHERE lesson = 2", "Version 1 of the model home is not what"),
        (
            "UPDATE outcomes SET value = 0.1, scaled = 0.1 WHERE lesson = 2",
            "Outcomes that were told other than they are",
        ),
        ("UPDATE decisions SET features[1] = 2 WHERE member = 'm7'", "Version 1 of the model home is not what"),
        ("UPDATE decisions SET teaches = false WHERE member = 'm7'", "Outcomes that teach and should not"),
        (
            "UPDATE outcomes SET defaulted = true WHERE lesson = 2",
            "Defaults that are not 0, or came before their time: ",
        ),
        (
            "UPDATE decisions SET among = ARRAY['r9'] WHERE member = 'm7'",
            "Choices that were not among those to choose from: ",
        ),
        (
            "UPDATE decisions SET taken = '[[\"count:slot:home\", \"d2026-01-01\", 1]]' WHERE member = 'm7'",
            "count:slot:home d2026-01-01 (0, not ",
        ),
        (
            "UPDATE learners SET policy = 'mine' WHERE slot = 'home'",
            "Live policies that are not the last promoted: home.",
        ),
        ("DELETE FROM decisions WHERE member = 'm7'", "Outcomes without their decision: "),
        ("UPDATE decisions SET choice = 'r9' WHERE member = 'm7'", "another slot or choice"),
        (
            "UPDATE decisions SET programme_version = 5 WHERE member = 'm7'",
            "a programme that this service does not have",
        ),
        ("UPDATE profiles SET activities = -1 WHERE member = 'm7'", "a negative count, or activities without"),
    ],
)
async def test_what_was_tampered_with_is_named(servers: Servers, taught: str, change: str, sentence: str) -> None:
    where = " AND " if " WHERE " in change else " WHERE "
    await tamper(servers, f"{change}{where}brand = current_setting('laurels.brand')", brand=taught)
    found = await verified(servers, taught)
    assert any(sentence in line for line in found), found


async def test_a_propensity_that_is_none_is_named(servers: Servers, taught: str) -> None:
    forge = """
        INSERT INTO decisions (brand, decision, member, slot, choice, place, propensity, explored, features, epoch,
            programme_version, decided_at, due_at)
        SELECT brand, 'forged', member, slot, choice, place, 'NaN', explored, features, epoch, programme_version,
            decided_at - interval '2 days', due_at
        FROM decisions WHERE brand = current_setting('laurels.brand') LIMIT 1"""
    check = "propensity_is_a_probability"
    await tamper(servers, f"ALTER TABLE decisions DROP CONSTRAINT {check}", forge, brand=taught)
    try:
        assert await verified(servers, taught) == [
            "Decisions that are pending with an outcome, or neither: forged.",
            "Decisions whose propensity is not within 0 and 1, or is 0: forged.",
        ]
    finally:
        await tamper(
            servers,
            "DELETE FROM decisions WHERE decision = 'forged'",
            f"ALTER TABLE decisions ADD CONSTRAINT {check} CHECK (propensity > 0 AND propensity <= 1)",
        )


async def test_a_dead_letter_is_named_with_its_reason(servers: Servers, taught: str) -> None:
    park = """
        INSERT INTO dead_letters (source, id, brand, member, type, payload, reason)
        VALUES ('points', 4711, current_setting('laurels.brand'), 'm1', 'laurels.x', '', 'why not')"""
    await tamper(servers, park, brand=taught)
    assert await verified(servers, taught) == ["Events that could not be applied: points 4711 (laurels.x: why not)."]
    await tamper(servers, "DELETE FROM dead_letters WHERE brand = current_setting('laurels.brand')", brand=taught)
