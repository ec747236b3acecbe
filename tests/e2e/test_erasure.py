"""A member can have everything that is held about them, and can have it all forgotten.

A canary, which is the member's id and part of every text about them, is looked
for in every row of every table of every service, and in every message.
"""

import asyncio
import os
import signal
from typing import Any

import asyncpg
import nats
from nats.js.api import ConsumerConfig, DeliverPolicy

from chassis.events import stream
from cli.embedded import SERVICES
from cli.supervisor import Suite
from cli.verify import violations
from tests.e2e.world import World, eventually

CANARY = "canary-3b9d"
AMOUNT = 98_700


async def populated(world: World) -> dict[str, Any]:
    """A member with something in every service, and another one beside."""
    programme = (await world.get("/v1/programme"))["programme"]
    programme["points"]["member_attributes"] = [{"name": "email", "kind": "text", "personal": True}]
    answer = await world.call("PUT", "/v1/programme", {"programme": programme})
    assert answer.status_code == 200, answer.text
    await world.call("POST", "/v1/members", {"member": CANARY, "display_name": CANARY, "attributes": {"email": CANARY}})
    given = {"consents": [{"purpose": "profiling", "granted": True, "text_version": "1", "method": CANARY}]}
    assert (await world.call("PUT", f"/v1/members/{CANARY}/consents", given)).json() == {"changed": 1}
    await world.buy(CANARY, AMOUNT, AMOUNT)
    await world.buy("other", AMOUNT)

    async def badges() -> int:
        return len((await world.get(f"/v1/members/{CANARY}/badges"))["badges"])

    async def cards() -> list[str]:
        return [card["card"] for card in (await world.get(f"/v1/members/{CANARY}/scratch-cards"))["cards"]]

    await eventually(badges, 2)

    async def issued() -> int:
        return len(await cards())

    await eventually(issued, 2)
    for card in (await cards())[:1]:
        await world.call("POST", f"/v1/scratch-cards/{card}:reveal", {})
    spend = {"amount": 7, "reference": CANARY}
    path = f"/v1/members/{CANARY}/wallets/points:spend"
    assert (await world.call("POST", path, spend, headers={"idempotency-key": CANARY})).status_code == 200
    choice = (await world.get(f"/v1/members/{CANARY}/recommendations?slot=home"))["recommendations"][0]
    await world.call("POST", f"/v1/decisions/{choice['decision']}:outcome", {"value": 1})
    return choice


async def test_an_export_is_everything_that_any_service_holds(suite: Suite, brand: str) -> None:
    async with World(suite, brand) as world:
        await populated(world)
        own = world.token("member", CANARY)
        whole = await world.get("/v1/members/me:export", token=own)
        held = {(section["service"], section["name"]): section["rows"] for section in whole["sections"]}
        assert {service for service, _ in held} == set(SERVICES)
        assert whole["truncated"] is False
        assert whole["next_cursor"] == ""
        filled = {name for name, rows in held.items() if rows}
        assert filled >= {
            ("points", "members"), ("points", "particulars"), ("points", "consents"), ("points", "wallets"),
            ("points", "entries"), ("points", "activities"), ("missions", "missions"), ("missions", "badges"),
            ("leaderboard", "scores"), ("leaderboard", "scratch_cards"), ("recommender", "profiles"),
            ("recommender", "decisions"), ("recommender", "outcomes"),
        }  # fmt: skip
        assert len(held["points", "activities"]) == 2
        assert (await world.call("GET", "/v1/members/nobody:export")).status_code == 404
        assert (
            await world.call("GET", f"/v1/members/{CANARY}:export", token=world.token("member", "other"))
        ).status_code == 404


async def test_after_the_receipts_no_store_holds_anything_of_an_erased_member(suite: Suite, brand: str) -> None:
    async with World(suite, brand) as world:
        await populated(world)
        answer = await world.call("DELETE", "/v1/members/me", token=world.token("member", CANARY))
        assert answer.status_code == 200, answer.text
        erasure = answer.json()["erasure"]
        assert (await world.call("GET", f"/v1/members/{CANARY}")).status_code == 404
        buying = {"id": "again", "member": CANARY, "type": "purchase", "occurred_at": "2026-01-01T00:00:00Z"}
        refused = await world.call(
            "POST", "/v1/activities", {"activities": [buying | {"attributes": {"amount": 1, "items": 1}}]}
        )
        assert refused.json()["code"] == "member_erased", refused.text

        async def state() -> str:
            return str((await world.get(f"/v1/erasures/{erasure}"))["state"])

        await eventually(state, "complete")
        found = await world.get(f"/v1/erasures/{erasure}")
        assert found["streams_purged"] == "yes"
        assert sorted({receipt["service"] for receipt in found["receipts"]}) == [
            "leaderboard",
            "missions",
            "recommender",
        ]
        assert await in_tables(suite, brand) == []
        assert await in_streams(suite, brand) == []
        for path in ("missions", "badges", "scratch-cards"):
            assert CANARY not in (await world.call("GET", f"/v1/members/{CANARY}/{path}")).text.replace(
                f"/{CANARY}/", ""
            )
        sentences = [sentence for sentence in await violations(suite.data) if sentence.startswith(f"{brand}:")]
        assert sentences == []
        assert await world.wallet("other") > 0


async def in_tables(suite: Suite, brand: str) -> list[str]:
    """The tables in which the canary stands, in whatever form PostgreSQL shows a row."""
    found = []
    for service in SERVICES:
        connection = await asyncpg.connect(suite.servers.postgres.admin_url(f"laurels_{service}"))
        try:
            tables = await connection.fetch(
                "SELECT relname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attname = 'brand' "
                "WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
            )
            assert len(tables) > 5
            for (table,) in tables:
                query = f"SELECT count(*) FROM {table} AS t WHERE brand = $1 AND (t::text LIKE $2 OR t::text LIKE $3)"  # noqa: S608
                if await connection.fetchval(query, brand, f"%{CANARY}%", f"%{CANARY.encode().hex()}%"):
                    found.append(f"{service}.{table}")
        finally:
            await connection.close()
    return found


async def in_streams(suite: Suite, brand: str) -> list[str]:
    """The subjects of messages of the brand that hold the canary."""
    client = await nats.connect(suite.servers.nats.url("operator"))
    js = client.jetstream()
    found, looked = [], 0
    try:
        for service in SERVICES:
            config = ConsumerConfig(deliver_policy=DeliverPolicy.ALL)
            subject = f"laurels.{service}.*.*.{brand}.>"
            subscription = await js.pull_subscribe(subject, stream=stream(service), config=config)
            info = await subscription.consumer_info()
            left = info.num_pending or 0
            while left:
                for message in await subscription.fetch(min(left, 500), timeout=5):
                    left, looked = left - 1, looked + 1
                    if CANARY in message.subject or CANARY.encode() in message.data:
                        found.append(message.subject)
            await subscription.unsubscribe()
    finally:
        await client.close()
    assert looked > 0
    return found


async def test_two_members_are_erased_at_once_and_a_third_is_untouched(suite: Suite, brand: str) -> None:
    async with World(suite, brand) as world:
        for member in ("ann", "bob", "eve"):
            await world.buy(member, AMOUNT)

        async def missions() -> bool:
            return all([(await world.get(f"/v1/members/{m}/badges"))["badges"] for m in ("ann", "bob", "eve")])

        await eventually(missions, True)
        before = await world.wallet("eve")
        answers = await asyncio.gather(*(world.call("DELETE", f"/v1/members/{m}") for m in ("ann", "bob", "ann")))
        names = [answer.json()["erasure"] for answer in answers]
        assert names[0] == names[2] != names[1]
        for name in names[:2]:

            async def state(name: str = name) -> str:
                return str((await world.get(f"/v1/erasures/{name}"))["state"])

            await eventually(state, "complete")
        assert await world.wallet("eve") == before
        board = await world.get("/v1/leaderboards/points/entries")
        assert [entry["member"] for entry in board["entries"]] == ["eve"]
        assert board["members"] == 1


async def test_an_erasure_waits_for_a_service_that_is_away(suite: Suite, brand: str) -> None:
    async with World(suite, brand) as world:
        await world.buy("ann", AMOUNT)
        away = suite.part_pid("recommender")
        os.kill(away, signal.SIGSTOP)
        try:
            erasure = (await world.call("DELETE", "/v1/members/ann")).json()["erasure"]

            async def heard() -> list[tuple[str, str]]:
                found = await world.get(f"/v1/erasures/{erasure}")
                assert found["state"] == "erased"
                return sorted((receipt["service"], receipt["after"]) for receipt in found["receipts"])

            await eventually(heard, [("leaderboard", "missions"), ("leaderboard", "points"), ("missions", "points")])
        finally:
            os.kill(away, signal.SIGCONT)

        async def state() -> str:
            return str((await world.get(f"/v1/erasures/{erasure}"))["state"])

        await eventually(state, "complete")
