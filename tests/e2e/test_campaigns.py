"""A campaign over the whole suite: declared in the programme, set off by a purchase, credited, delivered and reported."""

from datetime import UTC, datetime
from typing import Any

from cli.supervisor import Suite
from tests.e2e.world import World, eventually
from tests.integration.campaigns_support import Receiver

WELCOME = {
    "id": "welcome",
    "name": "Welcome",
    "activity": {"type": "purchase", "first": True},
    "condition": "attributes.amount >= 100",
    "effects": [
        {"points": {"currency": "points", "amount": 777}},
        {"offer": {"reward": "single", "days": 30}},
        {"message": {"channel": "email", "template": "welcome", "fields": [{"name": "tier", "value": "member.tier"}]}},
    ],
}


async def test_a_first_purchase_is_welcomed(suite: Suite, brand: str) -> None:
    async with World(suite, brand) as world, Receiver().running() as receiver:
        programme = (await world.get("/v1/programme"))["programme"]
        programme["missions"]["campaigns"] = [WELCOME]
        applied = await world.call("PUT", "/v1/programme", {"programme": programme})
        assert applied.status_code == 200, applied.text
        hook = {"url": receiver.url, "types": ["message.requested"]}
        made = await world.call("POST", "/v1/webhooks", hook, headers={"idempotency-key": "hook"})
        assert made.status_code == 200, made.text
        await world.call("POST", "/v1/members", {"member": "ann"})
        consent = {"consents": [{"purpose": "marketing", "granted": True}]}
        await world.call("PUT", "/v1/members/ann/consents", consent)
        await world.buy("ann", 100, 100)

        async def entries() -> list[int]:
            found = (await world.get("/v1/members/ann/entries"))["entries"]
            return [entry["amount"] for entry in found if entry["amount"] == 777]

        await eventually(entries, [777])

        async def posts() -> int:
            return len(receiver.posts)

        await eventually(posts, 1)
        (told,) = receiver.verified(made.json()["secret"])
        assert (told["data"]["member"], told["data"]["template"]) == ("ann", "welcome")
        assert told["data"]["fields"]["tier"]

        mine: dict[str, Any] = {"token": world.token("member", "ann")}
        (offer,) = (await world.get("/v1/members/me/offers", **mine))["offers"]
        assert (offer["state"], offer["reward"]) == ("open", "single")
        path = f"/v1/members/me/offers/{offer['offer']}:accept"
        accepted = await world.call("POST", path, {}, headers={"idempotency-key": "a"}, **mine)
        assert accepted.json()["offer"]["state"] == "accepted"

        async def redemptions() -> list[str]:
            found = (await world.get("/v1/members/ann/redemptions"))["redemptions"]
            return [redemption["reward"] for redemption in found]

        await eventually(redemptions, ["single"])
        (row,) = (await world.get("/v1/reports/campaigns", token=world.token("manager")))["campaigns"]
        assert (row["triggered"], row["happened"], row["members"], row["deliveries_delivered"]) == (1, 1, 1, 1)
        (message,) = (await world.get("/v1/members/me/messages", **mine))["messages"]
        assert (message["state"], message["fields"]) == ("requested", told["data"]["fields"])
        assert datetime.fromisoformat(message["due_at"]) <= datetime.now(UTC)
