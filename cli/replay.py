"""A history of activities goes through the gateway as a shop would send it.

Each member's activities are sent in their order, many members at once. What
fails for a reason that may pass is sent again as it is: an activity's id makes
it count once.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import httpx
import orjson

from cli.gateway_client import CommandFailed, GatewayRefused

BATCH = 500
SENDERS = 4
PATIENCE_S = 60.0
PAUSE_S = 0.1
PASSING = frozenset({429, 502, 503, 504})
TIMEOUT_S = 35.0


@dataclass(slots=True)
class Sent:
    """What a replay came to."""

    accepted: int = 0
    duplicates: int = 0
    seconds: float = 0.0


class Shop:
    """A back end of the brand: calls the gateway, patiently."""

    def __init__(self, address: str, token: str, *, patience_s: float = PATIENCE_S) -> None:
        self._patience_s = patience_s
        self._client = httpx.AsyncClient(
            base_url=address,
            headers={"authorization": f"Bearer {token}", "content-type": "application/json"},
            timeout=TIMEOUT_S,
            limits=httpx.Limits(max_connections=64, max_keepalive_connections=64),
        )

    async def __aenter__(self) -> "Shop":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def call(self, method: str, path: str, body: Any = None, *, key: str = "") -> Any:
        """The answer's JSON. Raises GatewayRefused, CommandFailed when patience ends."""
        content = None if body is None else orjson.dumps(body)
        headers = {"idempotency-key": key} if key else {}
        give_up_at = time.monotonic() + self._patience_s
        while True:
            try:
                response = await self._client.request(method, path, content=content, headers=headers)
                if response.is_success:
                    return orjson.loads(response.content)
                if response.status_code not in PASSING:
                    raise GatewayRefused(response.status_code, orjson.loads(response.content))
                reason = f"status {response.status_code}"
            except httpx.TransportError as error:
                reason = str(error) or type(error).__name__
            if time.monotonic() > give_up_at:
                raise CommandFailed(f"{method} {path} did not succeed within {self._patience_s:.0f} s: {reason}")
            await asyncio.sleep(PAUSE_S)


async def replay(
    shop: Shop,
    activities: Iterable[Mapping[str, Any]],
    *,
    batch: int = BATCH,
    senders: int = SENDERS,
    advanced: Callable[[int], None] = lambda _: None,
) -> Sent:
    """Sends activities; `advanced` is told how many were acknowledged each time."""
    shares: list[list[Mapping[str, Any]]] = [[] for _ in range(senders)]
    for activity in activities:
        shares[crc32(activity["member"].encode()) % senders].append(activity)
    sent, began = Sent(), time.monotonic()

    async def send(share: Sequence[Mapping[str, Any]]) -> None:
        for first in range(0, len(share), batch):
            answer = await shop.call("POST", "/v1/activities", {"activities": share[first : first + batch]})
            sent.accepted += answer["accepted"]
            sent.duplicates += answer["duplicates"]
            advanced(answer["accepted"] + answer["duplicates"])

    await _all(send(share) for share in shares)
    sent.seconds = time.monotonic() - began
    return sent


async def in_parallel(work: Iterable[Callable[[], Awaitable[None]]], *, at_once: int) -> None:
    """Does all of the work, so much of it at a time."""
    left = iter(work)

    async def worker() -> None:
        for item in left:
            await item()

    await _all(worker() for _ in range(at_once))


async def _all(work: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Does all at once. What fails first ends the others, and is what is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            for one in work:
                group.create_task(one)
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
