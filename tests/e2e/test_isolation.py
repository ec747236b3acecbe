"""A second brand in the same suite sees none of the first's data, by any route.

The second brand has the same programme and asks, with credentials of its own
for every scope, for the first brand's objects by their real ids. Whatever it
is answered may not hold anything that only the first brand knows.
"""

import re
from typing import Any

import orjson

from cli.supervisor import Suite
from gateway.contract import methods
from tests.e2e.world import World, eventually

CANARY = "canary-member"
NAME = "Canary Person"
REFERENCE = "canary reference"
AMOUNT = 98_765_400  # earns 987,654 points, which nothing else does
SECRET = re.compile(rf"{CANARY}|{NAME}|{REFERENCE}|98765|987_?654")


async def test_no_route_shows_another_brands_data(suite: Suite, brand: str) -> None:
    async with World(suite, brand) as ours, World(suite, f"{brand}-other") as other:
        known = await populated(ours)
        asked = 0
        for method in methods():
            for binding in method.bindings:
                if binding.template == "/v1/programme":
                    continue  # a brand's own programme; its isolation is the test below
                path = re.sub(r"\{(\w+)\}", lambda found: known[found[1]], binding.template)
                query = "?slot=home&count=1" if path.endswith("recommendations") else ""
                for scope, subject in (("service manager", "shop"), ("member", CANARY)):
                    body = None if binding.verb == "GET" else body_for(binding.template)
                    response = await other.call(
                        binding.verb,
                        path + query,
                        body,
                        token=other.token(scope, subject),
                        headers={"idempotency-key": f"isolation-{asked}"} if binding.verb != "GET" else None,
                    )
                    asked += 1
                    assert response.status_code < 500, (binding, response.text)
                    assert not SECRET.search(without_echo(response.content)), (binding, response.text)
        assert asked > 30
        assert await ours.wallet(CANARY) == known["wallet"], "another brand moved our points"
        cards = (await ours.get(f"/v1/members/{CANARY}/scratch-cards"))["cards"]
        assert all("revealed_at" not in card for card in cards), "another brand revealed our card"
        decided = (await ours.get("/v1/reports/recommendations"))["outcomes"]
        assert sum(outcome["outcomes"] for outcome in decided) == 0, "another brand told an outcome of our decision"


async def test_programmes_are_apart(suite: Suite, brand: str) -> None:
    async with World(suite, brand) as ours, World(suite, f"{brand}-other") as other:
        programme = (await ours.get("/v1/programme"))["programme"] | {"name": NAME}
        response = await ours.call("PUT", "/v1/programme", {"programme": programme})
        assert response.json() == {"version": 2, "changed": True}
        seen = await other.call("GET", "/v1/programme")
        assert seen.json()["version"] == 1
        assert NAME not in seen.text


async def populated(world: World) -> dict[str, Any]:
    """A member with something of everything; the ids of it all, by path variable."""
    programme = (await world.get("/v1/programme"))["programme"]
    programme["missions"]["campaigns"] = [
        {
            "id": "mugs",
            "name": NAME,
            "activity": {"type": "purchase"},
            "effects": [
                {"offer": {"reward": "single", "days": 30}},
                {"message": {"channel": "email", "template": "hi", "fields": [{"name": "of", "value": f"'{NAME}'"}]}},
            ],
        }
    ]
    programme["points"]["groups"] = {"kinds": [{"id": "household", "name": "Household", "members_max": 5}]}
    question = {
        "id": "one",
        "text": "Which?",
        "choices": [{"id": "a", "text": "A", "right": True}, {"id": "b", "text": "B"}],
    }
    programme["missions"]["quizzes"] = [{"id": "facts", "name": "Facts", "questions": [question]}]
    counted = {"activity_type": "purchase", "begins_at": "2000-01-01T00:00:00Z", "ends_at": "2999-01-01T00:00:00Z"}
    weekly = {"cron": {"expression": "0 0 * * 1"}}
    programme["leaderboard"]["boards"].append({"id": "week", "points": {"currency": "points"}, "schedule": weekly})
    programme["leaderboard"]["leagues"] = [{"id": "ladder", "board": "week", "divisions": [{"id": "bronze"}]}]
    programme["missions"]["team_challenges"] = [{"id": "cup", "name": "Cup", "contributions": counted}]
    await world.call("PUT", "/v1/programme", {"programme": programme})
    await world.call("POST", "/v1/members", {"member": CANARY, "display_name": NAME})
    consent = {"consents": [{"purpose": "marketing", "granted": True}]}
    await world.call("PUT", f"/v1/members/{CANARY}/consents", consent)
    hook = {"url": "https://127.0.0.1:9/", "types": ["message.requested"]}
    made = await world.call("POST", "/v1/webhooks", hook, headers={"idempotency-key": "populate"})
    body = {"kind": "household", "name": NAME}
    group = await world.call("POST", f"/v1/members/{CANARY}/groups", body, headers={"idempotency-key": "populate"})
    await world.buy(CANARY, AMOUNT, AMOUNT)
    spend = {"amount": 7, "reference": REFERENCE}
    path = f"/v1/members/{CANARY}/wallets/points:spend"
    spent = await world.call("POST", path, spend, headers={"idempotency-key": "populate"})
    path = f"/v1/members/{CANARY}/wallets/points:hold"
    held = await world.call("POST", path, spend, headers={"idempotency-key": "populate"})

    path, body = f"/v1/members/{CANARY}/redemptions", {"reward": "single", "reference": REFERENCE}
    redeemed = await world.call("POST", path, body, headers={"idempotency-key": "populate"})

    async def cards() -> int:
        return len((await world.get(f"/v1/members/{CANARY}/scratch-cards"))["cards"])

    await eventually(cards, 2)

    async def missions() -> int:
        return len((await world.get(f"/v1/members/{CANARY}/badges"))["badges"])

    await eventually(missions, 2)
    wallet = 2 * AMOUNT // 100 + 50 + 50 + 100 - 7 - 7 - 150
    await eventually(lambda: world.wallet(CANARY), wallet)

    async def seats() -> int:
        return int((await world.get(f"/v1/members/{CANARY}/leagues/ladder"))["members"])

    await eventually(seats, 1)
    card = (await world.get(f"/v1/members/{CANARY}/scratch-cards"))["cards"][0]["card"]
    await world.call("POST", "/v1/members", {"member": "leaver"})

    async def deliveries() -> int:
        return len((await world.get("/v1/webhook-deliveries"))["deliveries"])

    await eventually(deliveries, 1)
    delivery = (await world.get("/v1/webhook-deliveries"))["deliveries"][0]["delivery"]
    offer = (await world.get(f"/v1/members/{CANARY}/offers"))["offers"][0]["offer"]
    choice = (await world.get(f"/v1/members/{CANARY}/recommendations?slot=home"))["recommendations"][0]
    entry = (await world.get(f"/v1/members/{CANARY}/entries"))["entries"][0]["id"]
    return {
        "member": CANARY,
        "target": CANARY,
        "group": group.json()["group"]["group"],
        "entry": str(entry),
        "currency": "points",
        "board": "points",
        "pool": "golden_disc",
        "card": card,
        "decision": choice["decision"],
        "slot": "home",
        "candidate": "plain",
        "hold": held.json()["hold"]["hold"],
        "transfer": str(spent.json()["entry"]["id"]),
        "lot": "0" * 24,  # the programme has no pending points
        "reward": "single",
        "offer": offer,
        "webhook": made.json()["webhook"]["webhook"],
        "delivery": delivery,
        "mission": "come_back",
        "redemption": redeemed.json()["redemption"]["redemption"],
        "erasure": (await world.call("DELETE", "/v1/members/leaver")).json()["erasure"],
        "wallet": wallet,
        "subscription": "club",
        "grant": "0" * 24,  # nothing was parked
        "parked": "0" * 32,
        "league": "ladder",
        "division": "bronze",
        "cohort": "1",
        **await taken_on(world),
    }


async def taken_on(world: World) -> dict[str, Any]:
    """A quiz begun, a challenge, a team and a badge of the member, by path variable."""
    path, key = f"/v1/members/{CANARY}", {"idempotency-key": "populate"}
    attempt = await world.call("POST", f"{path}/quizzes/facts:start", {}, headers=key)
    team = await world.call("POST", f"{path}/teams", {"challenge": "cup", "name": NAME}, headers=key)
    return {
        "quiz": "facts",
        "attempt": attempt.json()["attempt"]["attempt"],
        "challenge": "cup",
        "team": team.json()["team"]["team"],
        "badge": "collector",
        "holder": CANARY,
    }


def body_for(template: str) -> dict[str, Any]:
    """A well-formed body for each route that takes one."""
    bodies: dict[str, dict[str, Any]] = {
        "/v1/activities": {"activities": []},
        "/v1/members": {"member": "somebody-else"},
        "/v1/members/{member}": {},
        "/v1/members/{member}/consents": {"consents": [{"purpose": "profiling", "granted": True}]},
        "/v1/members/{member}/wallets/{currency}:spend": {"amount": 1},
        "/v1/members/{member}/wallets/{currency}:hold": {"amount": 1},
        "/v1/members/{member}/missions/{mission}:join": {},
        "/v1/members/{member}/missions/{mission}:claim": {},
        "/v1/members/{member}/missions/{mission}:assign": {},
        "/v1/members/{member}/missions/{mission}:repair": {},
        "/v1/members/{member}/missions/{mission}:explain": {},
        "/v1/holds/{hold}:capture": {},
        "/v1/holds/{hold}:release": {},
        "/v1/transfers": {"transfers": []},
        "/v1/transfers/{transfer}:reverse": {},
        "/v1/pending/{lot}": {"amount": 1},
        "/v1/pending/{lot}:activate": {},
        "/v1/pending/{lot}:cancel": {},
        "/v1/schedules:run": {},
        "/v1/scratch-cards/{card}:reveal": {"own_seed": "theirs"},
        "/v1/scratch-cards/parked/{parked}:retry": {},
        "/v1/scratch-cards/parked/{parked}:dismiss": {"reason": "Somebody asked."},
        "/v1/scratch-pools/{pool}/cards": {"member": CANARY},
        "/v1/scratch-pools/{pool}:close": {},
        "/v1/decisions/{decision}:outcome": {"value": 1},
        "/v1/slots/{slot}/models:restore": {"version": 1},
        "/v1/slots/{slot}/candidates": {"candidate": "theirs", "configuration": {"kind": "order"}},
        "/v1/slots/{slot}/candidates/{candidate}:promote": {"override_reason": "Theirs."},
        "/v1/programme:validate": {"programme": {}},
        "/v1/members/{member}/tier:set": {"tier": "gold", "reason": "Somebody asked."},
        "/v1/members/{member}/subscriptions/{subscription}:pay": {"paid_until": "2099-01-01T00:00:00Z"},
        "/v1/members/{member}/subscriptions/{subscription}:cancel": {},
        "/v1/members/{member}/redemptions": {"reward": "single"},
        "/v1/approvals": {"decisions": []},
        "/v1/members/{member}/groups": {"kind": "household", "name": "Theirs"},
        "/v1/members/{member}/groups/{group}:join": {},
        "/v1/members/{member}/groups/{group}:leave": {},
        "/v1/members/{member}/referral:claim": {"code": "NOBODYS"},
        "/v1/members/{member}/wallets/{currency}:transfer": {"to": "somebody", "amount": 1},
        "/v1/groups/{group}/members:invite": {"target": "somebody"},
        "/v1/groups/{group}/members:add": {"target": "somebody"},
        "/v1/groups/{group}/members/{target}:remove": {},
        "/v1/groups/{group}/members/{target}:role": {"role": "manager"},
        "/v1/groups/{group}:dissolve": {},
        "/v1/groups/{group}/wallets/{currency}:spend": {"amount": 1},
        "/v1/groups/{group}/wallets/{currency}:contribute": {"amount": 1},
        "/v1/members/{member}/redemptions/{redemption}:fulfil": {},
        "/v1/members/{member}/redemptions/{redemption}:cancel": {},
        "/v1/rewards/{reward}/codes": {"codes": ["ONE"]},
        "/v1/members/{member}/offers/{offer}:accept": {},
        "/v1/webhooks": {"url": "https://example.org/", "types": ["message.requested"]},
        "/v1/webhooks/{webhook}": {},
        "/v1/webhooks/{webhook}:rotate": {},
        "/v1/webhook-deliveries/{delivery}:replay": {},
        "/v1/members/{member}/badges/{badge}:award": {},
        "/v1/members/{member}/badges/{badge}:revoke": {},
        "/v1/members/{member}/quizzes/{quiz}:start": {},
        "/v1/members/{member}/attempts/{attempt}:answer": {"question": "one", "choices": ["a"]},
        "/v1/members/{member}/teams": {"challenge": "cup", "name": "Theirs"},
        "/v1/members/{member}/teams:join": {"code": "NOBODYS1"},
        "/v1/members/{member}/teams/{team}:leave": {},
        "/v1/grants/{grant}:retry": {},
        "/v1/grants/{grant}:dismiss": {},
        "/v1/leaderboards/{board}/scores": {"scores": [{"member": CANARY, "score": 1}]},
        "/v1/leaderboards/{board}/scores:import": {"scores": [{"member": "somebody", "score": 1}]},
        "/v1/leaderboards/{board}/ranks": {"members": [CANARY]},
        "/v1/leaderboards/{board}/members/{member}:remove": {},
        "/v1/leaderboards/{board}/members/{member}:restore": {},
        "/v1/leaderboards/{board}:rebuild": {},
        "/v1/members/{member}/leagues/{league}:join": {},
        "/v1/members/{member}/leagues/{league}:leave": {},
    }
    return bodies[template]


def without_echo(content: bytes) -> str:
    """The answer without what it merely repeats of the question."""
    answer = orjson.loads(content) if content else {}
    for echoed in ("instance", "detail", "request_id"):
        answer.pop(echoed, None)
    text = orjson.dumps(answer).decode()
    # The insights, wallets and recommendations of our own member of that name would repeat the name.
    return text.replace(f'"member":"{CANARY}"', "")
