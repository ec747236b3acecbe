"""Bad input gets an error that says what, where and why, and loses nothing."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console

from chassis.credentials import sign
from cli.apply import apply
from cli.gateway_client import Target
from cli.programme_file import ProgrammeFileInvalid
from cli.supervisor import Suite
from tests.e2e.world import World, purchase

PAST = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.fixture
async def world(suite: Suite, brand: str) -> AsyncIterator[World]:
    async with World(suite, brand) as made:
        yield made


async def refused(world: World, body: object = None, **arguments: object) -> tuple[int, dict]:
    response = await world.call("POST", "/v1/activities", body, **arguments)
    assert response.headers["content-type"].startswith("application/problem+json")
    return response.status_code, response.json()


async def test_malformed_json(world: World) -> None:
    status, problem = await refused(world, content=b'{"activities": [')
    assert status == 400
    assert "JSON" in problem["detail"]


async def test_an_unknown_field_is_named(world: World) -> None:
    status, problem = await refused(world, {"activities": [purchase("a", "ann", PAST, 100) | {"colour": "red"}]})
    assert status == 400
    assert problem["errors"][0]["field"] == "activities[0].colour"


async def test_an_undeclared_attribute_and_type_are_named(world: World) -> None:
    wrong = purchase("a", "ann", PAST, 100)
    wrong["attributes"]["amonut"] = 1
    status, problem = await refused(world, {"activities": [wrong, purchase("b", "ann", PAST, 1) | {"type": "purchas"}]})
    assert status == 400
    assert [error["field"] for error in problem["errors"]] == ["activities[0].attributes.amonut", "activities[1].type"]


async def test_an_activity_of_the_far_future(world: World) -> None:
    status, problem = await refused(
        world, {"activities": [purchase("a", "ann", datetime.now(UTC) + timedelta(hours=1), 100)]}
    )
    assert (status, problem["errors"][0]["field"]) == (400, "activities[0].occurred_at")


async def test_one_bad_activity_refuses_its_request_and_no_other(world: World) -> None:
    good, bad = purchase("good", "ann", PAST, 100), purchase("bad", "ann", PAST, 100) | {"member": "a b"}
    status, problem = await refused(world, {"activities": [good, bad]})
    assert (status, problem["errors"][0]["field"]) == (400, "activities[1].member")
    response = await world.call("POST", "/v1/activities", {"activities": [good]})
    assert response.json()["accepted"] == 1


async def test_a_duplicate_id_with_another_body(world: World) -> None:
    await world.call("POST", "/v1/activities", {"activities": [purchase("a", "ann", PAST, 1_000)]})
    status, problem = await refused(world, {"activities": [purchase("a", "ann", PAST, 2_000)]})
    assert (status, problem["code"]) == (422, "idempotency_conflict")
    assert await world.wallet("ann") == 60
    same = await world.call("POST", "/v1/activities", {"activities": [purchase("a", "ann", PAST, 1_000)]})
    assert same.json()["duplicates"] == 1
    assert same.json()["results"][0]["earned"] == [{"currency": "points", "amount": 60}]


async def test_an_unknown_brand(world: World) -> None:
    stranger = world.suite.token("nobody-applied-this", "shop", "service")
    status, problem = await refused(world, {"activities": [purchase("a", "ann", PAST, 1)]}, token=stranger)
    assert (status, problem["code"]) == (404, "unknown_brand")


async def test_an_expired_token(world: World) -> None:
    expired = sign(world.suite.data.signing_key(), world.brand, "shop", "service", lives_s=-120)
    status, problem = await refused(world, {"activities": [purchase("a", "ann", PAST, 1)]}, token=expired)
    assert (status, problem["code"]) == (401, "expired_token")


async def test_no_token_at_all(world: World) -> None:
    response = await world.http.get("/v1/rewards")
    assert response.status_code == 401
    assert response.headers["www-authenticate"].startswith("Bearer")


async def test_a_scope_that_is_not_enough(world: World) -> None:
    response = await world.call("GET", "/v1/reports/liability", token=world.token("service"))
    assert (response.status_code, response.json()["code"]) == (403, "permission_denied")


async def test_a_member_reading_anothers_wallet_is_told_that_there_is_no_such_member(world: World) -> None:
    await world.buy("bob", 1_000)
    ann = world.token("member", "ann")
    for member in ("bob", "nobody"):
        response = await world.call("GET", f"/v1/members/{member}/wallets", token=ann)
        assert (response.status_code, response.json()["code"]) == (404, "unknown_member")


@pytest.mark.parametrize(
    ("old", "new", "place", "says"),
    [
        ("- mission: regular", "- mission: reguler", "reguler", "mission"),
        ("attributes.amount >= 12000", "attributes.amonut >= 12000", "amonut", "undeclared reference"),
        ("badge: collector", "badge: hoarder", "hoarder", "badge"),
        ("rewards: [free_shipping,", "rewards: [free_shiping,", "free_shiping", "reward"),
    ],
)
async def test_a_programme_that_refers_to_nothing_is_refused_with_file_line_and_column(
    world: World, tmp_path, old: str, new: str, place: str, says: str
) -> None:
    from cli.cdnow import PROGRAMME

    source = PROGRAMME.read_text()
    assert old in source
    file = tmp_path / "programme.yaml"
    file.write_text(source.replace(old, new))
    line = next(n for n, text in enumerate(file.read_text().splitlines(), 1) if place in text)
    import asyncio

    target = Target(world.suite.data.path, world.suite.gateway_url, brand=world.brand)
    with pytest.raises(ProgrammeFileInvalid) as caught:
        await asyncio.to_thread(apply, file, target, dry_run=False, yes=True, console=Console(quiet=True))
    assert f"{file}:{line}:" in str(caught.value)
    assert says in str(caught.value)
    assert (await world.get("/v1/programme"))["version"] == 1
