"""What fails in a replay is told as itself, however many senders there are."""

import asyncio
from functools import partial

import httpx
import pytest

from cli.gateway_client import CommandFailed, GatewayRefused
from cli.replay import Shop, in_parallel, replay

ACTIVITIES = [{"id": f"a{number}", "member": f"m{number}", "type": "purchase"} for number in range(40)]


def shop(answer: httpx.Response | None) -> Shop:
    def handle(request: httpx.Request) -> httpx.Response:
        if answer is None:
            raise httpx.ConnectError("refused", request=request)
        return answer

    made = Shop("http://gateway", "token", patience_s=0.0)
    made._client = httpx.AsyncClient(base_url="http://gateway", transport=httpx.MockTransport(handle))
    return made


async def test_a_refusal_ends_the_replay_as_a_refusal() -> None:
    refusal = httpx.Response(400, json={"code": "invalid_argument", "detail": "No such type."})
    async with shop(refusal) as refused:
        with pytest.raises(GatewayRefused, match="No such type"):
            await replay(refused, ACTIVITIES, batch=1)


async def test_a_gateway_that_stays_away_ends_the_replay_with_a_sentence() -> None:
    async with shop(None) as gone:
        with pytest.raises(CommandFailed, match="did not succeed within 0 s: refused"):
            await replay(gone, ACTIVITIES, batch=1)


async def test_work_in_parallel_fails_as_its_first_failure() -> None:
    async def fail(number: int) -> None:
        await asyncio.sleep(0)
        raise CommandFailed(f"piece {number}")

    with pytest.raises(CommandFailed, match="piece 0"):
        await in_parallel((partial(fail, number) for number in range(5)), at_once=2)
