"""A member checks a card's draw in the browser or by the command line, offline, and both say the same."""

import asyncio
from collections.abc import AsyncIterator
from copy import deepcopy
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest
from playwright.async_api import Browser, Page, async_playwright
from typer.testing import CliRunner

from cli.__main__ import app
from cli.card_check import check
from cli.cards import BROKEN, HOLDS, PENDING, verdict
from cli.supervisor import Suite
from tests.e2e.test_documentation_page import ARGUMENTS, CHROMIUM, WAIT_MS
from tests.e2e.world import World, eventually
from tests.fair_pool import FairPool, pools
from tests.tampering import TAMPERED

VERDICTS = {HOLDS: "holds", BROKEN: "broken", PENDING: "pending"}


@pytest.fixture(scope="module")
async def page(suite: Suite) -> AsyncIterator[Page]:
    """The page in Debian's Chromium, which is offline once it is there."""
    if not CHROMIUM.exists():
        pytest.fail(f"{CHROMIUM} is missing. Install it: apt-get install -y --no-install-recommends chromium")
    async with async_playwright() as playwright:
        browser: Browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        opened = await browser.new_page()
        opened.set_default_timeout(WAIT_MS)
        complaints: list[str] = []
        requested: list[str] = []
        opened.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        opened.on("request", lambda request: requested.append(request.url))
        response = await opened.goto(f"{suite.gateway_url}/verify-card")
        assert response is not None
        assert response.status == 200
        await opened.context.set_offline(True)
        yield opened
        hosts = {urlsplit(url).netloc for url in requested if not url.startswith("data:")}
        assert hosts == {urlsplit(suite.gateway_url).netloc}
        assert complaints == []
        await browser.close()


async def shown(page: Page, proof: Any, published: Any = None) -> tuple[str, dict[str, bool | None]]:
    """What the page says of a proof: its verdict, and each check by name."""
    await page.locator("#proof").fill(orjson.dumps(proof).decode())
    await page.locator("#published").fill(orjson.dumps(published).decode() if published is not None else "")
    await page.locator("#check").click()
    await page.locator("#verdict[data-verdict]").wait_for()
    checks = await page.locator("#checks li").evaluate_all(
        "items => items.map(item => [item.dataset.name, item.dataset.holds])"
    )
    held = {"true": True, "false": False, "pending": None}
    return str(await page.locator("#verdict").get_attribute("data-verdict")), {
        name: held[said] for name, said in checks
    }


async def agreed(page: Page, proof: Any, published: Any = None) -> int:
    """The exit status of the command, which is what the page says, check by check."""
    found = check(proof, published)
    said, checks = await shown(page, proof, published)
    assert checks == {each.name: each.holds for each in found}
    assert said == VERDICTS[verdict(found)]
    return verdict(found)


@pytest.fixture(scope="module")
def played() -> dict[str, FairPool]:
    return pools()


@pytest.mark.parametrize("kind", ["odds", "deck"])
async def test_page_and_command_agree_on_fair_draws(page: Page, played: dict[str, FairPool], kind: str) -> None:
    pool = played[kind]
    for place in (0, 1, 7, 20, 36):
        assert await agreed(page, pool.whole(place), pool.proofs[0]) == HOLDS
        assert await agreed(page, {**pool.proofs[place], "seed": ""}) == PENDING


async def test_page_and_command_agree_on_whatever_was_tampered_with(page: Page, played: dict[str, FairPool]) -> None:
    for tamper in TAMPERED:
        pool = played[tamper.kind]
        data = tamper.of(deepcopy(pool.whole(tamper.place)))
        assert await agreed(page, data, pool.proofs[0]) == BROKEN, tamper.name


async def test_a_members_card_is_checked_before_and_after_its_pool_closes(
    page: Page, suite: Suite, brand: str, tmp_path: Path
) -> None:
    async with World(suite, brand) as world:
        await publish_pools(world)
        for pool in ("deck", "odds"):
            path = f"/v1/scratch-pools/{pool}"
            given = await world.call("POST", f"{path}/cards", {"member": "ann"}, headers={"idempotency-key": "one"})
            assert given.status_code == 200, given.text
            card = given.json()["card"]["card"]
            kept = await world.get(path)
            ann = world.token("member", "ann")
            body = {"own_seed": "drawn-by-my-phone"}
            revealed = await world.call("POST", f"/v1/scratch-cards/{card}:reveal", body, token=ann)
            assert revealed.json()["card"]["own_seed"] == "drawn-by-my-phone"
            proof = (await world.call("GET", f"/v1/scratch-cards/{card}/proof", token=ann)).json()
            assert await agreed(page, proof, kept) == PENDING
            closed = await world.call("POST", f"{path}:close", {}, token=world.token("manager", "boss"))
            assert closed.status_code == 200, closed.text
            file, published = tmp_path / f"{pool}.json", tmp_path / f"{pool}-published.json"
            published.write_bytes(orjson.dumps(kept))
            runner = CliRunner()
            arguments = ["export-card", card, "--out", str(file), "--gateway", suite.gateway_url]
            arguments += ["--token", world.token("service", "shop")]
            exported = await asyncio.to_thread(runner.invoke, app, arguments)
            assert exported.exit_code == 0, exported.output
            told = runner.invoke(app, ["verify-card", str(file), "--published", str(published)])
            assert told.exit_code == HOLDS, told.output
            assert "The draw was fair." in told.output
            data = orjson.loads(file.read_bytes())
            assert await agreed(page, data, kept) == HOLDS
            data["draw"]["own_seed"] = "another"
            file.write_bytes(orjson.dumps(data))
            assert runner.invoke(app, ["verify-card", str(file)]).exit_code == BROKEN
            assert await agreed(page, data, kept) == BROKEN


async def publish_pools(world: World) -> None:
    programme = (await world.get("/v1/programme"))["programme"]
    prizes = [{"id": "pen", "name": "Pen", "stock": 3, "currency": "points", "amount": 5}]
    programme["leaderboard"]["scratch_pools"] += [
        {"id": "deck", "name": "Deck", "kind": "deck", "cards": 5, "prizes": prizes},
        {"id": "odds", "name": "Odds", "prizes": [{**prizes[0], "weight": 1}], "nothing_weight": 1, "face": "wheel"},
    ]
    answer = await world.call("PUT", "/v1/programme", {"programme": programme})
    assert answer.status_code == 200, answer.text

    async def adopted() -> bool:
        return (await world.call("GET", "/v1/scratch-pools/odds")).status_code == 200

    await eventually(adopted, True)
