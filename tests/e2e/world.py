"""What end-to-end tests share: a brand of a running suite, and what happens in it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import orjson
from rich.console import Console

from cli import cdnow
from cli.apply import apply
from cli.gateway_client import Target
from cli.supervisor import Suite

PATIENCE_S = 20.0
PAUSE_S = 0.01


class World:
    """A brand with the CDNOW programme, spoken to over HTTP."""

    def __init__(self, suite: Suite, brand: str) -> None:
        self.suite, self.brand = suite, brand
        self.http = httpx.AsyncClient(base_url=suite.gateway_url, timeout=30)

    async def __aenter__(self) -> "World":
        target = Target(self.suite.data.path, self.suite.gateway_url, brand=self.brand)
        quiet = Console(quiet=True)
        await asyncio.to_thread(apply, cdnow.PROGRAMME, target, dry_run=False, yes=True, console=quiet)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.aclose()

    def token(self, scope: str = "service manager", subject: str = "shop") -> str:
        return self.suite.token(self.brand, subject, scope)

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str = "",
        headers: dict[str, str] | None = None,
        content: bytes | None = None,
    ) -> httpx.Response:
        """One request, as the brand's back end unless a token is given."""
        sent = {"authorization": f"Bearer {token or self.token()}", "content-type": "application/json"}
        raw = content if content is not None else (None if body is None else orjson.dumps(body))
        return await self.http.request(method, path, content=raw, headers=sent | (headers or {}))

    async def get(self, path: str, **arguments: Any) -> Any:
        response = await self.call("GET", path, **arguments)
        assert response.status_code == 200, response.text
        return response.json()

    async def buy(self, member: str, *amounts: int, items: int = 1, first: int = 0) -> None:
        """Purchases of a member, an hour apart, the newest of them a day ago."""
        newest = datetime.now(UTC) - timedelta(days=1)
        activities = [
            purchase(f"{member}-{first + place}", member, newest - timedelta(hours=len(amounts) - place), amount, items)
            for place, amount in enumerate(amounts)
        ]
        response = await self.call("POST", "/v1/activities", {"activities": activities})
        assert response.status_code == 200, response.text

    async def wallet(self, member: str) -> int:
        wallets = (await self.get(f"/v1/members/{member}/wallets"))["wallets"]
        return int({wallet["currency"]: wallet["available"] for wallet in wallets}["points"])


def purchase(activity: str, member: str, moment: datetime, amount: int, items: int = 1) -> dict[str, Any]:
    return {
        "id": activity,
        "member": member,
        "type": "purchase",
        "occurred_at": moment.isoformat(),
        "attributes": {"amount": amount, "items": items},
    }


async def eventually(look: Callable[[], Awaitable[Any]], wanted: Any) -> None:
    """Waits until `look` gives what is wanted; fails with what it gave last."""
    began = time.monotonic()
    while (seen := await look()) != wanted:
        assert time.monotonic() - began < PATIENCE_S, f"{seen!r} is not yet {wanted!r}"
        await asyncio.sleep(PAUSE_S)
