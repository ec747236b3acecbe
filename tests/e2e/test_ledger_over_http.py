"""Transfers, holds and reversals as a back end makes them over HTTP, and what a member sees of them."""

from collections.abc import AsyncIterator

import pytest

from cli.supervisor import Suite
from tests.e2e.world import World


@pytest.fixture
async def world(suite: Suite, brand: str) -> AsyncIterator[World]:
    async with World(suite, brand) as made:
        yield made


async def test_a_hold_is_captured_in_part_and_the_member_sees_both_sides(world: World) -> None:
    await world.buy("ann", 10_000)  # 100 points, and 50 for the first purchase
    path = "/v1/members/ann/wallets/points:hold"
    body = {"amount": 60, "reference": "order 7"}
    missing = await world.call("POST", path, body)
    assert (missing.status_code, missing.json()["code"]) == (400, "idempotency_key_required")
    held = (await world.call("POST", path, body, headers={"idempotency-key": "order-7"})).json()["hold"]
    assert (held["state"], held["amount"], held["captured"]) == ("open", 60, 0)
    member = world.token("member", "ann")
    (wallet,) = (await world.get("/v1/members/me/wallets", token=member))["wallets"]
    assert (wallet["available"], wallet["held"]) == (90, 60)
    captured = await world.call("POST", f"/v1/holds/{held['hold']}:capture", {"amount": 25})
    assert captured.json()["hold"]["state"] == "captured"
    again = await world.call("POST", f"/v1/holds/{held['hold']}:release", {})
    assert (again.status_code, again.json()["code"]) == (409, "hold_ended")
    (wallet,) = (await world.get("/v1/members/me/wallets", token=member))["wallets"]
    assert (wallet["available"], wallet["held"]) == (125, 0)
    forbidden = await world.call("POST", f"/v1/holds/{held['hold']}:capture", {}, token=member)
    assert forbidden.status_code == 403


async def test_transfers_say_of_each_what_became_of_it(world: World) -> None:
    await world.buy("ann", 10_000)
    await world.call("POST", "/v1/members", {"member": "bob"})
    transfers = [
        {"id": "a", "currency": "points", "amount": 40, "debit": {"member": "ann"}, "credit": {"member": "bob"}},
        {"id": "b", "currency": "points", "amount": 999, "debit": {"member": "ann"}, "credit": {"kind": "redeemed"}},
        {"id": "c", "currency": "points", "amount": 10, "debit": {"kind": "issued"}, "credit": {"member": "bob"}},
    ]
    results = (await world.call("POST", "/v1/transfers", {"transfers": transfers})).json()["results"]
    assert [result["code"] for result in results] == ["", "insufficient_points", ""]
    assert await world.wallet("bob") == 50
    path = f"/v1/transfers/{results[0]['entry']}:reverse"
    reversed_ = await world.call("POST", path, {"reference": "a mistake"}, headers={"idempotency-key": "r1"})
    assert reversed_.status_code == 200
    assert (await world.wallet("ann"), await world.wallet("bob")) == (150, 10)
    entries = (await world.get("/v1/members/bob/entries"))["entries"]
    assert [(entry["kind"], entry["amount"]) for entry in entries] == [
        ("reversal", -40),
        ("transfer", 10),
        ("transfer", 40),
    ]
