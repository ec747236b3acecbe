"""A member can have everything that is held about them, and can have it all forgotten.

A canary, which is the member's id and part of every text about them, is looked
for in every column of every table of every database, in every message, in the
logs and in what the gateway answers.
"""

import asyncio
import os
import re
import signal
from datetime import UTC, datetime
from typing import Any

import asyncpg
import nats
from nats.js.api import ConsumerConfig, DeliverPolicy

from chassis.events import stream
from cli.embedded import SERVICES
from cli.supervisor import Suite
from cli.verify import violations
from gateway.contract import methods
from tests.contract.test_erasure import NAMED
from tests.e2e.world import World, eventually

CANARY = "canary-3b9d"
AMOUNT = 98_700
# What stands in the columns of a made-up row, as SQL literals by the column's type.
MADE_UP = {
    "text": "planted",
    "bigint": "1",
    "integer": "1",
    "smallint": "1",
    "double precision": "0.5",
    "boolean": "false",
    "timestamp with time zone": "2026-01-01T00:00:00Z",
    "date": "2026-01-01",
    "bytea": "",
    "json": "{}",
    "jsonb": "{}",
    "ARRAY": "{}",
}
# Where a table's constraints want something else.
PLANTED = {
    "hold_requests.code": "''",
    "parked_grants.currency": "''",
    "campaign_triggers.reason": "0",
    "pending.decision": "(SELECT decision FROM decisions WHERE member LIKE 'canary-%'"
    " ORDER BY decided_at DESC LIMIT 1)",
}
# What a made-up row needs beside it.
BESIDE = {"contributions": "INSERT INTO tallies (brand, tally, stripe, value) VALUES ($1, 'total:planted', 0, 1)"}
OF_NOBODY = {"laurels_leaderboard.answers"}
"""Tables with a column for a member that is always empty."""


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


def with_everything(programme: dict[str, Any]) -> dict[str, Any]:
    """The programme, with something of all that a member can have in the points service."""
    points = programme["points"]
    points["member_attributes"].append({"name": "birthday", "kind": "date", "personal": True})
    points["guardianship"] = {"age": 16, "birthday_attribute": "birthday"}
    points["tiers"]["window"] = {"rolling_days": 365}
    points["groups"] = {
        "kinds": [
            {
                "id": "household",
                "name": "Household",
                "members_max": 9,
                "roles": [{"role": "member", "may_spend": True}],
                "pooled": [{"currency": "points", "percent": 10}],
            }
        ]
    }
    points["gifts"] = {"currencies": [{"currency": "points", "giving": [{"amount": 1000, "per": "ever"}]}]}
    points["referrals"] = {
        "currency": "points",
        "referrer_amount": 5,
        "referee_amount": 5,
        "activity_type": "purchase",
        "window_days": 30,
        "caps": [{"amount": 1000, "per": "ever"}],
    }
    points["rewards"] += [
        {"id": "boost", "name": "Boost", "currency": "points", "price": 1, "kind": "booster",
         "booster": {"percent": 200, "days": 9}},
        {"id": "box", "name": "Box", "currency": "points", "price": 1, "kind": "physical",
         "limits": [{"per": "ever", "most": 3}]},
    ]  # fmt: skip
    programme["leaderboard"]["scratch_pools"] += [
        {"id": "few", "name": "Few", "limits": {"per_member": 1}, "prizes": [
            {"id": "coins", "name": "Coins", "weight": 1, "stock": 9, "currency": "points", "amount": 5}]},
        {"id": "boxes", "name": "Boxes", "prizes": [
            {"id": "few", "name": "Few", "weight": 1, "stock": 9, "scratch_card": "few"}]},
    ]  # fmt: skip
    points["subscriptions"] = [{"id": "club", "name": "Club", "tier": points["tiers"]["levels"][-1]["id"]}]
    later = {"id": "later", "activity_type": "review", "amount": "9", "currency": "points", "pending": {"days": 3000}}
    points["earning_rules"].append(later)
    attributes = [{"name": "of", "kind": "text"}, {"name": "amount", "kind": "integer"}]
    attributes = [attribute | {"required": True} for attribute in attributes]
    programme["activity_types"] += [{"type": "review"}, {"type": "refund", "attributes": attributes}]
    points["refunds"] = [
        {
            "activity_type": "refund",
            "purchase_type": "purchase",
            "purchase": "of",
            "amount": "amount",
            "total": "amount",
        }
    ]
    return programme


async def filled(world: World, canary: str) -> None:
    """A member with a row in every table that can name them, who is named in events of others besides."""
    programme = (await world.get("/v1/programme"))["programme"]
    programme["points"]["member_attributes"] = [{"name": "email", "kind": "text", "personal": True}]
    answer = await world.call("PUT", "/v1/programme", {"programme": with_everything(programme)})
    assert answer.status_code == 200, answer.text
    done = 0

    async def do(method: str, path: str, body: dict[str, Any]) -> Any:
        nonlocal done
        done += 1
        answer = await world.call(method, path, body, headers={"idempotency-key": f"{canary}-{done}"})
        assert answer.status_code == 200, (path, answer.text)
        return answer.json()

    await do("POST", "/v1/members", {"member": "other", "attributes": {"birthday": "1990-01-01"}})
    code = (await world.get("/v1/members/other/referral"))["code"]
    attributes = {"email": canary, "birthday": "2015-01-01"}
    joined = {"member": canary, "display_name": canary, "attributes": attributes, "referral_code": code}
    await do("POST", "/v1/members", joined)
    said = {"granted": True, "text_version": "1", "method": canary}
    consents = [
        said | {"purpose": "guardian", "giver": "guardian"},
        said | {"purpose": "profiling", "giver": "guardian"},
    ]
    await do("PUT", f"/v1/members/{canary}/consents", {"consents": consents})
    await world.buy(canary, AMOUNT, AMOUNT)
    await world.buy("other", AMOUNT)
    its_code = (await world.get(f"/v1/members/{canary}/referral"))["code"]
    await do("POST", "/v1/members", {"member": "brought", "referral_code": its_code})
    await world.buy("brought", AMOUNT)
    now = datetime.now(UTC).isoformat()
    back = {"id": f"{canary}-refund", "member": canary, "type": "refund", "occurred_at": now}
    back["attributes"] = {"of": f"{canary}-0", "amount": 100}  # type: ignore[assignment]
    review = {"id": f"{canary}-review", "member": canary, "type": "review", "occurred_at": now}
    await do("POST", "/v1/activities", {"activities": [back, review]})
    own = f"/v1/members/{canary}"
    await do("POST", f"{own}/wallets/points:spend", {"amount": 7, "reference": canary})
    await do("POST", f"{own}/wallets/points:hold", {"amount": 7, "reference": canary})
    await do("POST", f"{own}/wallets/points:transfer", {"to": "other", "amount": 3, "reference": canary})
    await do("POST", "/v1/members/other/wallets/points:transfer", {"to": canary, "amount": 2, "reference": "thanks"})
    for reward in ("boost", "box"):
        await do("POST", f"{own}/redemptions", {"reward": reward, "reference": canary})
    await do("POST", f"{own}/subscriptions/club:pay", {"paid_until": "2099-01-01T00:00:00Z"})
    group = (await do("POST", f"{own}/groups", {"kind": "household", "name": canary}))["group"]["group"]
    await do("POST", f"/v1/groups/{group}/members:invite", {"member": canary, "target": "other"})
    await do("POST", f"/v1/members/other/groups/{group}:join", {})
    await do(
        "POST", f"/v1/groups/{group}/wallets/points:contribute", {"member": canary, "amount": 9, "reference": canary}
    )
    await do("POST", f"/v1/groups/{group}/wallets/points:spend", {"member": canary, "amount": 2, "reference": canary})
    theirs = (await do("POST", "/v1/members/brought/groups", {"kind": "household", "name": "Theirs"}))["group"]["group"]
    await do("POST", f"/v1/groups/{theirs}/members:invite", {"member": "brought", "target": canary})

    async def issued() -> bool:
        badges = (await world.get(f"{own}/badges"))["badges"]
        cards = (await world.get(f"{own}/scratch-cards"))["cards"]
        return len(badges) >= 2 and len(cards) >= 2

    await eventually(issued, True)
    card = (await world.get(f"{own}/scratch-cards"))["cards"][0]["card"]
    await do("POST", f"/v1/scratch-cards/{card}:reveal", {})
    for _ in range(2):  # the second one wins what its limit does not allow
        box = (await do("POST", "/v1/scratch-pools/boxes/cards", {"member": canary}))["card"]["card"]
        await do("POST", f"/v1/scratch-cards/{box}:reveal", {"own_seed": "random"})
    choice = (await world.get(f"{own}/recommendations?slot=home"))["recommendations"][0]
    await do("POST", f"/v1/decisions/{choice['decision']}:outcome", {"value": 1})


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
    # One that no other test of the suite uses, so that every table can be looked through, whosever rows it has.
    canary = f"canary-{brand}"
    async with World(suite, brand) as world:
        await filled(world, canary)
        await planted(suite, brand, canary)
        columns = {f"laurels_{service}.{column}" for service, columns in NAMED.items() for column in columns}
        named = {column.rpartition(".")[0] for column in columns}
        tables = {column.rpartition(".")[0] for column in await in_columns(suite, canary)}
        assert named - tables == OF_NOBODY, "each table that can name a member names the canary before"
        assert len(await in_streams(suite, brand, canary)) > 30
        own = world.token("member", canary)
        answer = await world.call("DELETE", "/v1/members/me", token=own)
        assert answer.status_code == 200, answer.text
        erasure = answer.json()["erasure"]
        assert (await world.call("GET", f"/v1/members/{canary}")).status_code == 404

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
        await refused_to_come_back(world, canary)
        assert await in_columns(suite, canary) == []
        assert await in_streams(suite, brand, canary) == []
        assert await in_answers(world, canary) == []
        assert in_logs(suite, canary) == []
        await taken_out_again(suite, brand)
        sentences = [sentence for sentence in await violations(suite.data) if sentence.startswith(f"{brand}:")]
        assert sentences == []
        assert await world.wallet("other") > 0


async def planted(suite: Suite, brand: str, canary: str) -> None:
    """A made-up row of the canary in each table that can name a member and that the requests left empty."""
    there = set(await in_columns(suite, canary))
    for service, columns in NAMED.items():
        connection = await asyncpg.connect(suite.servers.postgres.admin_url(f"laurels_{service}"))
        try:
            for table in sorted({column.partition(".")[0] for column in columns}):
                naming = {column.partition(".")[2] for column in columns if column.startswith(f"{table}.")}
                place = f"laurels_{service}.{table}"
                if place not in OF_NOBODY and not any(found.startswith(f"{place}.") for found in there):
                    await _plant(connection, table, dict.fromkeys(naming, canary) | {"brand": brand})
        finally:
            await connection.close()


async def taken_out_again(suite: Suite, brand: str) -> None:
    """What follows no rule is nothing for a verification: seats of a league that there is not."""
    connection = await asyncpg.connect(suite.servers.postgres.admin_url("laurels_leaderboard"))
    try:
        for table in ("league_members", "league_seats", "league_waiting"):
            await connection.execute(f"DELETE FROM {table} WHERE brand = $1 AND league = 'planted'", brand)  # noqa: S608
    finally:
        await connection.close()


async def _plant(connection: asyncpg.Connection, table: str, known: dict[str, str]) -> None:
    columns = await connection.fetch(
        "SELECT column_name, data_type, column_name = ANY ($2::text[]) OR is_nullable = 'NO' "
        "AND column_default IS NULL AND is_identity = 'NO' AND is_generated = 'NEVER' AS needed "
        "FROM information_schema.columns WHERE table_schema = 'public' AND table_name = $1",
        table,
        list(known),
    )
    values = {
        name: PLANTED.get(f"{table}.{name}") or repr(known.get(name) or MADE_UP[kind])
        for name, kind, needed in columns
        if needed
    }
    names = ", ".join(f'"{name}"' for name in values)
    if table in BESIDE:
        await connection.execute(BESIDE[table], known["brand"])
    await connection.execute(f"INSERT INTO {table} ({names}) VALUES ({', '.join(values.values())})")  # noqa: S608


async def refused_to_come_back(world: World, canary: str) -> None:
    """However somebody would be made under the id."""
    buying = {"id": "again", "member": canary, "type": "purchase", "occurred_at": "2026-01-01T00:00:00Z"}
    activities = {"activities": [buying | {"attributes": {"amount": 1, "items": 1}}]}
    for path, body in (("/v1/activities", activities), ("/v1/members", {"member": canary})):
        refused = await world.call("POST", path, body)
        assert refused.json()["code"] == "member_erased", refused.text
    # The member's own token is still valid; no service writes anything for it.
    own = world.token("member", canary)
    refused = await world.call("GET", "/v1/members/me/recommendations?slot=home", token=own)
    assert refused.json()["code"] == "member_erased", refused.text
    for method in methods():
        for binding in method.bindings:
            if "{member}" in binding.template:
                path = re.sub(r"\{(\w+)\}", lambda part: canary if part[1] == "member" else "points", binding.template)
                body = None if binding.verb == "GET" else {}
                tried = {"idempotency-key": "again"} if body is not None else None
                await world.call(binding.verb, path, body, token=own, headers=tried)


async def in_columns(suite: Suite, canary: str) -> list[str]:
    """The columns, of all tables of all databases, in which the canary stands: as text, within JSON or as bytes."""
    found, looked = [], 0
    databases = await _rows(suite, "postgres", "SELECT datname FROM pg_database WHERE NOT datistemplate")
    for (database,) in databases:
        connection = await asyncpg.connect(suite.servers.postgres.admin_url(database))
        try:
            columns = await connection.fetch(
                "SELECT table_name, column_name FROM information_schema.columns "
                "JOIN information_schema.tables USING (table_schema, table_name) "
                "WHERE table_schema = 'public' AND table_type = 'BASE TABLE' "
                "AND data_type IN ('text', 'character varying', 'jsonb', 'json', 'bytea', 'ARRAY', 'USER-DEFINED')"
            )
            for table, column in columns:
                looked += 1
                query = f'SELECT EXISTS (SELECT FROM "{table}" WHERE strpos("{column}"::text, $1) > 0 OR strpos("{column}"::text, $2) > 0)'  # noqa: S608, E501
                if await connection.fetchval(query, canary, canary.encode().hex()):
                    found.append(f"{database}.{table}.{column}")
        finally:
            await connection.close()
    assert looked > 150
    return found


async def _rows(suite: Suite, database: str, query: str) -> list[Any]:
    connection = await asyncpg.connect(suite.servers.postgres.admin_url(database))
    try:
        return list(await connection.fetch(query))
    finally:
        await connection.close()


async def in_streams(suite: Suite, brand: str, canary: str) -> list[str]:
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
                    if canary in message.subject or canary.encode() in message.data:
                        found.append(message.subject)
            await subscription.unsubscribe()
    finally:
        await client.close()
    assert looked > 0
    return found


async def in_answers(world: World, canary: str) -> list[str]:
    """The routes that read, of the canary and of those who knew them, whose answers hold the canary."""
    found = []
    for method in methods():
        for binding in method.bindings:
            if binding.verb != "GET" or binding.template.startswith("/v1/rewards/"):
                continue
            for member in (canary, "other", "brought"):
                known = {"member": member, "currency": "points", "leaderboard": "points", "board": "points"}
                path = re.sub(r"\{(\w+)\}", lambda part, known=known: known.get(part[1], "none"), binding.template)
                query = "?slot=home" if path.endswith("recommendations") else ""
                answer = await world.call("GET", path + query)
                said = answer.json() if answer.content else {}
                # An answer repeats what was asked, and says that there is nobody of that name.
                for echoed in ("instance", "detail", "request_id"):
                    said.pop(echoed, None)
                if canary in str(said):
                    found.append(path)
    return found


def in_logs(suite: Suite, canary: str) -> list[str]:
    """The lines of all logs that hold the canary."""
    lines = [
        line
        for path in sorted(suite.data.path.rglob("*.log"))
        for line in path.read_text(errors="replace").splitlines()
    ]
    assert lines
    return [line for line in lines if canary in line]


async def test_two_members_are_erased_at_once_and_a_third_is_untouched(suite: Suite, brand: str) -> None:
    async with World(suite, brand) as world:
        for member in ("ann", "bob", "eve"):
            await world.buy(member, AMOUNT)

        async def missions() -> bool:
            return all([(await world.get(f"/v1/members/{m}/badges"))["badges"] for m in ("ann", "bob", "eve")])

        await eventually(missions, True)

        async def eves() -> int:
            return await world.wallet("eve")

        await eventually(eves, before := 987 + 150)  # what the purchase earns, and the missions that it ends
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

            answered = [
                ("leaderboard", "missions"),
                ("leaderboard", "points"),
                ("missions", "leaderboard"),
                ("missions", "points"),
            ]
            await eventually(heard, answered)
        finally:
            os.kill(away, signal.SIGCONT)

        async def state() -> str:
            return str((await world.get(f"/v1/erasures/{erasure}"))["state"])

        await eventually(state, "complete")
