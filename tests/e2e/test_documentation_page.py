"""The gateway's /docs is a page that a browser can work with, and that speaks to this installation alone."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import orjson
import pytest
from playwright.async_api import Browser, Page, async_playwright

from cli.embedded import SERVICES
from cli.supervisor import Suite
from gateway.app import BOARD_EVENTS_TEMPLATE, EVENTS_TEMPLATE
from gateway.contract import methods
from tests.e2e.world import World

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WAIT_MS = 15_000


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    """Debian's Chromium, driven as a person would."""
    if not CHROMIUM.exists():
        pytest.fail(f"{CHROMIUM} is missing. Install it: apt-get install -y --no-install-recommends chromium")
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield started
        await started.close()


@dataclass
class Seen:
    """A page, what it asked for, and what its console complained of."""

    page: Page
    requested: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def hosts(self) -> set[str]:
        """Every host that anything was asked of; what a page carries in itself has none."""
        return {urlsplit(url).netloc for url in self.requested if not url.startswith(("data:", "blob:"))}


@asynccontextmanager
async def documentation(browser: Browser, suite: Suite) -> AsyncIterator[Seen]:
    """The page, once its operations are drawn."""
    page = await browser.new_page()
    page.set_default_timeout(WAIT_MS)
    seen = Seen(page)
    page.on("request", lambda request: seen.requested.append(request.url))
    page.on("console", lambda said: seen.complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    page.on("requestfailed", lambda request: seen.complaints.append(f"{request.url}: {request.failure}"))
    try:
        response = await page.goto(f"{suite.gateway_url}/docs")
        assert response is not None
        assert response.status == 200
        await page.locator(".opblock").first.wait_for()
        yield seen
    finally:
        await page.close()


async def test_the_page_lists_every_operation_of_every_service(browser: Browser, suite: Suite) -> None:
    async with documentation(browser, suite) as seen:
        shown = await seen.page.locator(".opblock").evaluate_all(
            "blocks => blocks.map(block => [block.querySelector('.opblock-summary-method').textContent, "
            "block.querySelector('.opblock-summary-path').dataset.path])"
        )
    wanted = [[binding.verb.upper(), binding.template] for method in methods() for binding in method.bindings]
    assert sorted(shown) == sorted([*wanted, ["GET", EVENTS_TEMPLATE], ["GET", BOARD_EVENTS_TEMPLATE]])
    assert {method.package.split(".")[1] for method in methods() if method.bindings} >= set(SERVICES)


async def test_the_page_asks_no_other_host_for_anything_and_complains_of_nothing(
    browser: Browser, suite: Suite
) -> None:
    async with documentation(browser, suite) as seen:
        await seen.page.wait_for_load_state("networkidle")
        await seen.page.get_by_role("button", name="Authorize").first.click()
        await seen.page.locator(".modal-ux").wait_for()
        assert seen.hosts() == {urlsplit(suite.gateway_url).netloc}
        assert {urlsplit(url).path for url in seen.requested} >= {"/docs", "/docs/swagger-ui.css", "/openapi.json"}
        assert seen.complaints == []


async def test_an_operation_can_be_tried_out_with_a_token(browser: Browser, suite: Suite, brand: str) -> None:
    async with World(suite, brand) as world, documentation(browser, suite) as seen:
        page = seen.page
        await page.get_by_role("button", name="Authorize").first.click()
        dialog = page.locator(".modal-ux")
        await dialog.locator("input").fill(world.token("member", "ann"))
        await dialog.get_by_role("button", name="Apply credentials").click()
        await dialog.get_by_role("button", name="Close").click()
        operation = page.locator(".opblock", has=page.locator('.opblock-summary-path[data-path="/v1/rewards"]'))
        await operation.locator(".opblock-summary-control").click()
        await operation.get_by_role("button", name="Try it out").click()
        await operation.get_by_role("button", name="Execute").click()
        answer = operation.locator(".live-responses-table .response")
        await answer.wait_for()
        assert re.match(r"200\b", await answer.locator(".response-col_status").inner_text())
        body = orjson.loads(await answer.locator(".response-col_description pre").first.inner_text())
        assert body == await world.get("/v1/rewards")
        assert [reward["id"] for reward in body["rewards"]][:2] == ["free_shipping", "single"]
        assert seen.hosts() == {urlsplit(suite.gateway_url).netloc}
        assert seen.complaints == []


async def test_without_a_token_the_page_shows_the_refusal(browser: Browser, suite: Suite) -> None:
    async with documentation(browser, suite) as seen:
        page = seen.page
        operation = page.locator(".opblock", has=page.locator('.opblock-summary-path[data-path="/v1/rewards"]'))
        await operation.locator(".opblock-summary-control").click()
        await operation.get_by_role("button", name="Try it out").click()
        await operation.get_by_role("button", name="Execute").click()
        answer = operation.locator(".live-responses-table .response")
        await answer.wait_for()
        assert re.match(r"401\b", await answer.locator(".response-col_status").inner_text())
        assert "no_credential" in await answer.inner_text()
