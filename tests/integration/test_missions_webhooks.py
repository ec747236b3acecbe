"""Webhooks: events of the brand at real HTTP servers, signed, tried again, given up and replayed."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import grpc
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from chassis.configuration import Configurations
from chassis.database import Database
from chassis.errors import from_rpc
from chassis.sealing import Seal, WrongKey, key_of
from chassis.write_path import WritePath
from cli.embedded import Servers
from laurels.erasure.v1.events_pb2 import MemberErased
from laurels.missions.v1 import webhooks_pb2 as pb
from laurels.missions.v1.campaigns_events_pb2 import MessageRequested
from services.missions.book import Book
from services.missions.delivering import Deliverer
from services.missions.journal import settle
from services.missions.operations import OPERATIONS
from services.missions.programme import compile_document
from services.missions.store import webhooks as store
from tests.conftest import running
from tests.integration.campaigns_support import (
    AGO,
    BOUGHT,
    POINTS,
    Campaigns,
    Receiver,
    bought,
    campaign,
    consents,
    forget,
    streams,
)
from tests.integration.missions_support import eventually

DEAD, DELIVERED, WAITING = pb.DELIVERY_STATE_DEAD, pb.DELIVERY_STATE_DELIVERED, pb.DELIVERY_STATE_WAITING
MAIL = campaign(
    "mail",
    activity=BOUGHT,
    occurrences_max=100,
    effects=[{"message": {"channel": "email", "template": "hi", "fields": [{"name": "who", "value": "member.id"}]}}],
)


@pytest.fixture(scope="module")
async def campaigns(
    servers: Servers, settings_of: Callable[..., Any], token: Callable[..., str]
) -> AsyncIterator[Campaigns]:
    async with streams(servers) as client, running("missions", settings_of("missions")) as channel:
        opened = Campaigns(servers, channel, client, token)
        yield opened
        await forget(client, opened.brands)


async def registered(campaigns: Campaigns, brand: str, url: str, *types: str, key: str = "made") -> Any:
    request = pb.CreateWebhookRequest(url=url, types=types or ["message.requested"], idempotency_key=key)
    return await campaigns.call("CreateWebhook", request, brand, scope="manager")


async def deliveries(campaigns: Campaigns, brand: str, state: int = 0) -> list[Any]:
    request = pb.ListDeliveriesRequest(state=state, page_size=1_000)  # type: ignore[arg-type]
    return list((await campaigns.call("ListDeliveries", request, brand, scope="manager")).deliveries)


async def ended(campaigns: Campaigns, brand: str, state: int, count: int = 1) -> list[Any]:
    async def look() -> list[Any]:
        found = await deliveries(campaigns, brand, state)
        return found if len(found) == count else []

    found: list[Any] = await eventually(look)
    return found


async def sent(campaigns: Campaigns, brand: str, *members: str) -> None:
    """A message to each of the members becomes due."""
    await campaigns.started(brand, MAIL)
    await campaigns.heard(brand, *(consents(member) for member in members))
    await campaigns.heard(brand, *(bought(member, f"{member}-1") for member in members))


async def refused(asked: Any) -> Any:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await asked
    return from_rpc(error.value)


async def test_a_message_reaches_its_endpoint_signed(campaigns: Campaigns, brand: str) -> None:
    async with Receiver().running() as receiver:
        made = await registered(campaigns, brand, receiver.url)
        await sent(campaigns, brand, "ann")
        (delivery,) = await ended(campaigns, brand, DELIVERED)
        (body,) = receiver.verified(made.secret)
    (told,) = await campaigns.told(brand, MessageRequested)
    assert body["type"] == "message.requested"
    assert datetime.fromisoformat(body["timestamp"]).tzinfo is not None
    assert body["data"] == {
        "message": told.message, "member": "ann", "campaign": "mail", "channel": "email", "template": "hi",
        "fields": {"who": "ann"}, "requested_at": told.requested_at.ToDatetime(tzinfo=UTC).isoformat(),
    }  # fmt: skip
    first, headers, raw = receiver.posts[0]
    assert first == "POST /hooks?brand=ours HTTP/1.1"
    assert headers["webhook-id"] == delivery.delivery
    assert headers["host"] == f"127.0.0.1:{receiver.port}"
    assert abs(int(headers["webhook-timestamp"]) - datetime.now(UTC).timestamp()) < 60
    with pytest.raises(WebhookVerificationError):
        Webhook(made.secret).verify(raw.replace(b"ann", b"eve"), headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(made.secret).verify(raw, headers | {"webhook-timestamp": str(int(headers["webhook-timestamp"]) - 301)})
    assert [(each.status, each.detail) for each in delivery.tries] == [(200, "")]
    report = await campaigns.report(brand, "mail")
    assert (report.messages_requested, report.deliveries_delivered) == (1, 1)
    assert await campaigns.violations(brand) == []


async def test_each_endpoint_gets_the_types_that_it_asked_for(campaigns: Campaigns, brand: str) -> None:
    async with Receiver().running() as one, Receiver().running() as other:
        await registered(campaigns, brand, one.url, "campaign.triggered", "mission.completed", key="one")
        await registered(campaigns, brand, other.url, "message.requested", "badge.earned", key="other")
        await sent(campaigns, brand, "ann")
        await campaigns.heard(brand, *(bought("ann", f"more-{number}") for number in range(4)))
        await ended(campaigns, brand, DELIVERED, 5 + 1 + 5)
    types = [[json.loads(body)["type"] for _, _, body in receiver.posts] for receiver in (one, other)]
    assert sorted(types[0]) == ["campaign.triggered"] * 5 + ["mission.completed"]
    assert types[1] == ["message.requested"] * 5
    assert len({headers["webhook-id"] for _, headers, _ in (*one.posts, *other.posts)}) == 11


async def test_a_failed_try_is_made_again_under_the_same_id(campaigns: Campaigns, brand: str) -> None:
    async with Receiver(500, 503, 204).running() as receiver:
        made = await registered(campaigns, brand, receiver.url)
        await sent(campaigns, brand, "ann")
        (delivery,) = await ended(campaigns, brand, DELIVERED)
        assert len(receiver.verified(made.secret)) == 3
    assert len({headers["webhook-id"] for _, headers, _ in receiver.posts}) == 1
    assert delivery.attempts == 3
    assert [each.status for each in delivery.tries] == [204, 503, 500]


async def test_what_is_given_up_is_listed_and_replayed(campaigns: Campaigns, brand: str) -> None:
    async with Receiver(500, 500, 500, 200).running() as receiver:
        made = await registered(campaigns, brand, receiver.url)
        await sent(campaigns, brand, "ann")
        (dead,) = await ended(campaigns, brand, DEAD)
        assert (dead.attempts, [each.detail for each in dead.tries]) == (3, ["answered 500"] * 3)
        assert not dead.HasField("due_at")
        assert (await campaigns.report(brand, "mail")).deliveries_dead == 1
        replay = pb.ReplayDeliveryRequest(delivery=dead.delivery)
        answers = await asyncio.gather(
            *(campaigns.call("ReplayDelivery", replay, brand, scope="manager") for _ in range(10))
        )
        assert {answer.delivery.delivery for answer in answers} == {dead.delivery}
        (delivery,) = await ended(campaigns, brand, DELIVERED)
        assert delivery.delivery == dead.delivery
        await campaigns.call(
            "DeleteWebhook", pb.DeleteWebhookRequest(webhook=made.webhook.webhook), brand, scope="manager"
        )
        gone = await refused(campaigns.call("ReplayDelivery", replay, brand, scope="manager"))
        assert gone.reason == "unknown_webhook"
    unknown = pb.ReplayDeliveryRequest(delivery="dlv_0")
    assert (
        await refused(campaigns.call("ReplayDelivery", unknown, brand, scope="manager"))
    ).reason == "unknown_delivery"
    other = await refused(campaigns.call("ReplayDelivery", replay, f"{brand}-other", scope="manager"))
    assert other.reason == "unknown_delivery"


async def test_an_endpoint_that_is_gone_gets_no_second_try(campaigns: Campaigns, brand: str) -> None:
    async with Receiver(410).running() as receiver:
        await registered(campaigns, brand, receiver.url)
        await sent(campaigns, brand, "ann")
        (dead,) = await ended(campaigns, brand, DEAD)
    assert dead.attempts == len(receiver.posts) == 1


async def test_a_redirect_is_a_failure_and_is_not_followed(campaigns: Campaigns, brand: str) -> None:
    async with Receiver().running() as inside, Receiver(307, location=inside.url).running() as receiver:
        await registered(campaigns, brand, receiver.url)
        await sent(campaigns, brand, "ann")
        (dead,) = await ended(campaigns, brand, DEAD)
        assert [each.status for each in dead.tries] == [307] * 3
        assert inside.posts == []


async def test_a_slow_endpoint_does_not_hold_up_others(campaigns: Campaigns, brand: str) -> None:
    async with Receiver().running() as slow, Receiver().running() as quick:
        slow.open.clear()
        await registered(campaigns, brand, slow.url, key="slow")
        await registered(campaigns, brand, quick.url, key="quick")
        members = [f"m{number}" for number in range(30)]
        await sent(campaigns, brand, *members)
        await ended(campaigns, brand, DELIVERED, len(members))
        assert len(quick.posts) == len(members)
        assert len(slow.posts) == 4, "and gets no more at once than it may"
        slow.open.set()
        await ended(campaigns, brand, DELIVERED, 2 * len(members))


async def test_registering_is_answered_once_a_key_and_shows_the_secret_there_alone(
    campaigns: Campaigns, brand: str
) -> None:
    async with Receiver().running() as receiver:
        answers = await asyncio.gather(*(registered(campaigns, brand, receiver.url) for _ in range(20)))
        (made,) = {answer.SerializeToString(): answer for answer in answers}.values()
        other = registered(campaigns, brand, receiver.url + "&more=1")
        assert (await refused(other)).reason == "idempotency_conflict"
        rows = await campaigns.rows("SELECT * FROM webhook_endpoints WHERE brand = $1", brand)
        assert len(rows) == 1
        secret = made.secret.removeprefix("whsec_")
        assert len(base64.b64decode(secret)) == 32
        assert all(
            secret not in str(value) and secret.encode() not in bytes(row["sealed"]) for row in rows for value in row
        )
        listed = await campaigns.call("ListWebhooks", pb.ListWebhooksRequest(), brand, scope="manager")
        assert [each.url for each in listed.webhooks] == [receiver.url]
        assert secret not in str(listed)
        nothing = await campaigns.call("ListWebhooks", pb.ListWebhooksRequest(), f"{brand}-other", scope="manager")
        assert not nothing.webhooks


async def test_for_a_day_a_rotated_secret_signs_besides_the_new_one(campaigns: Campaigns, brand: str) -> None:
    async with Receiver().running() as receiver:
        made = await registered(campaigns, brand, receiver.url)
        rotate = pb.RotateWebhookSecretRequest(webhook=made.webhook.webhook, idempotency_key="r1")
        answers = await asyncio.gather(
            *(campaigns.call("RotateWebhookSecret", rotate, brand, scope="manager") for _ in range(10))
        )
        (new,) = {answer.secret for answer in answers}
        assert new != made.secret
        assert (await registered(campaigns, brand, receiver.url)).secret == ""
        await sent(campaigns, brand, "ann")
        await ended(campaigns, brand, DELIVERED)
        assert receiver.verified(new) == receiver.verified(made.secret)
        await campaigns.rows("UPDATE webhook_endpoints SET previous_until = now() WHERE brand = $1 RETURNING 1", brand)
        await campaigns.heard(brand, bought("ann", "ann-2"))
        await ended(campaigns, brand, DELIVERED, 2)
        _, headers, body = receiver.posts[1]
        assert Webhook(new).verify(body, headers)
        with pytest.raises(WebhookVerificationError):
            Webhook(made.secret).verify(body, headers)
    unknown = pb.RotateWebhookSecretRequest(webhook="wh_0", idempotency_key="r1")
    answer = await refused(campaigns.call("RotateWebhookSecret", unknown, brand, scope="manager"))
    assert answer.reason == "unknown_webhook"


@pytest.mark.parametrize(
    ("url", "types", "field"),
    [
        ("ftp://example.org/", ["message.requested"], "url"),
        ("https://user:word@example.org/", ["message.requested"], "url"),
        ("https://example.org/#here", ["message.requested"], "url"),
        ("https:///path", ["message.requested"], "url"),
        ("https://example.org:99999/", ["message.requested"], "url"),
        ("https://10.0.0.1/", ["message.requested"], "url"),
        ("https://169.254.169.254/latest", ["message.requested"], "url"),
        ("https://[fe80::1]/", ["message.requested"], "url"),
        ("https://example.org/" + "a" * 1_000, ["message.requested"], "url"),
        ("https://example.org/ü", ["message.requested"], "url"),
        ("https://example.org/", [], "types"),
        ("https://example.org/", ["message.requested", "points.credited"], "types[1]"),
    ],
)
async def test_a_bad_endpoint_is_refused(
    campaigns: Campaigns, brand: str, url: str, types: list[str], field: str
) -> None:
    request = pb.CreateWebhookRequest(url=url, types=types, idempotency_key="k")
    error = await refused(campaigns.call("CreateWebhook", request, brand, scope="manager"))
    assert field in [violation.field for violation in error.violations]


async def test_a_brand_has_so_many_endpoints_and_no_more(campaigns: Campaigns, brand: str) -> None:
    for number in range(50):
        await registered(campaigns, brand, f"https://example.org/{number}", key=f"k{number}")
    error = await refused(registered(campaigns, brand, "https://example.org/50", key="k50"))
    assert error.reason == "too_many_webhooks"


async def test_a_member_may_not_see_webhooks(campaigns: Campaigns, brand: str) -> None:
    asked = campaigns.call("ListDeliveries", pb.ListDeliveriesRequest(), brand, scope="member", subject="ann")
    assert (await refused(asked)).reason == "permission_denied"


async def test_a_name_is_refused_for_any_private_address_and_what_was_checked_is_what_is_met(
    campaigns: Campaigns, brand: str, servers: Servers
) -> None:
    """The name's addresses change between two look-ups, as an attacker's would."""
    database = Database(servers.postgres.url("missions"))
    begin = partial(Book, programmes=Configurations(compile_document), operations=OPERATIONS, settle=settle)
    path = WritePath("missions", database, begin, on_commit=lambda: None)
    seal = Seal(key_of(servers.data.webhook_key()))
    asked: list[str] = []

    async def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return {"mixed.test": ["93.184.215.14", "10.0.0.1"], "mapped.test": ["::ffff:127.0.0.1"]}.get(
            host, ["127.0.0.1"]
        )

    async with Receiver().running() as receiver:
        for name in ("private.test", "mixed.test", "mapped.test"):
            await registered(campaigns, brand, f"http://{name}:{receiver.port}/", key=name)
        strict = Deliverer(database, path, seal, resolve=resolve, pauses=(timedelta(days=1),))
        async with strict._client() as client:
            await sent(campaigns, brand, "ann")

            async def due() -> list[Any]:
                rows = await campaigns.rows("SELECT delivery FROM webhook_deliveries WHERE brand = $1", brand)
                return rows if len(rows) == 3 else []

            await eventually(due)
            rows = await campaigns.rows(
                "SELECT e.brand, e.webhook, url, sealed, previous, previous_until, delivery, body, attempts "
                "FROM webhook_endpoints e JOIN webhook_deliveries d USING (brand, webhook) WHERE e.brand = $1", brand
            )  # fmt: skip
            answers = {row["url"]: await strict._post(client, store.Due(**row), datetime.now(UTC)) for row in rows}
            assert {status for status, _ in answers.values()} == {0}
            assert all("private, loopback or link-local" in detail for _, detail in answers.values())
            assert receiver.posts == []
            # A name of this machine is met under its own name where that is allowed, at the address that was checked.
            lenient = Deliverer(database, path, seal, resolve=resolve, loopback=True)
            row = next(row for row in rows if "private" in row["url"])
            asked.clear()
            assert await lenient._post(client, store.Due(**row), datetime.now(UTC)) == (200, "")
            assert asked == ["private.test"], "it is looked up once a try"
            assert receiver.posts[0][1]["host"] == f"private.test:{receiver.port}"
    await path.drain()
    await database.close()


async def test_what_was_tried_and_not_recorded_is_tried_again_under_the_same_id(
    campaigns: Campaigns, brand: str
) -> None:
    """As a process leaves it that dies between the endpoint's answer and its own commit."""
    async with Receiver().running() as receiver:
        made = await registered(campaigns, brand, receiver.url)
        await sent(campaigns, brand, "ann")
        (delivery,) = await ended(campaigns, brand, DELIVERED)
        await campaigns.rows("DELETE FROM webhook_attempts WHERE brand = $1 RETURNING 1", brand)
        undo = "UPDATE webhook_deliveries SET state = 1, attempts = 0 WHERE brand = $1 RETURNING 1"
        await campaigns.rows(undo, brand)
        await ended(campaigns, brand, DELIVERED)
        assert len(receiver.verified(made.secret)) == 2
    assert {headers["webhook-id"] for _, headers, _ in receiver.posts} == {delivery.delivery}


async def test_a_service_that_is_stopped_in_a_try_stops_and_its_successor_delivers(
    campaigns: Campaigns, brand: str, servers: Servers
) -> None:
    seal, database = Seal(key_of(servers.data.webhook_key())), Database(servers.postgres.url("missions"))
    begin = partial(Book, programmes=Configurations(compile_document), operations=OPERATIONS, settle=settle)
    path = WritePath("missions", database, begin, on_commit=lambda: None)
    async with Receiver().running() as receiver:
        receiver.open.clear()
        await registered(campaigns, brand, receiver.url)
        await sent(campaigns, brand, "ann")

        async def posted() -> bool:
            return bool(receiver.posts)

        await eventually(posted)
        # Another one, which tries the same and is stopped while the endpoint is silent.
        deliverer = Deliverer(database, path, seal, loopback=True)
        async with deliverer._client() as client:
            await deliverer._begin_due(client, datetime.now(UTC))

            async def both() -> bool:
                return len(receiver.posts) == 2

            await eventually(both)
            tries = list(deliverer._trying.values())
            for task in tries:
                task.cancel()
            async with asyncio.timeout(2):
                await asyncio.gather(*tries, return_exceptions=True)
        (waits,) = await deliveries(campaigns, brand, WAITING)
        receiver.open.set()
        (delivery,) = await ended(campaigns, brand, DELIVERED)
        assert delivery.delivery == waits.delivery
    await path.drain()
    await database.close()


async def test_a_wrong_key_stops_the_service_before_it_starts(
    campaigns: Campaigns, brand: str, settings_of: Callable[..., Any]
) -> None:
    await registered(campaigns, brand, "https://example.org/")
    other = base64.b64encode(bytes(range(32))).decode()
    with pytest.raises(WrongKey):
        async with running("missions", settings_of("missions", webhook_key=other)):
            pass


async def test_an_erased_member_is_in_no_table(campaigns: Campaigns, brand: str) -> None:
    offer = campaign("mugs", activity=BOUGHT, effects=[{"offer": {"reward": "mug", "days": 30}}])
    back = campaign("back", silence={"type": "purchase", "days": 1}, **{"from": (AGO - timedelta(days=9)).isoformat()})
    async with Receiver(500).running() as receiver:
        await registered(campaigns, brand, receiver.url)
        await campaigns.started(brand, MAIL, offer, back)
        await campaigns.heard(brand, consents("canary"), consents("bob"))
        await campaigns.heard(brand, bought("canary", "c1"), bought("bob", "b1"))
        await ended(campaigns, brand, DEAD, 2)
        assert "canary" in await held(campaigns, brand)
        await campaigns.heard(brand, MemberErased(member="canary", erasure="e1", alias="!gone", erased_at=AGO))
    assert "canary" not in await held(campaigns, brand)
    assert len(await deliveries(campaigns, brand)) == 1
    assert [member for _, member, *_ in await campaigns.outcomes(brand) if member != "bob"] == []


async def held(campaigns: Campaigns, brand: str) -> str:
    """All that campaigns hold of a brand, as text."""
    tables = (
        "campaign_hours", "campaign_seen", "campaign_counters", "campaign_triggers", "campaign_cursors",
        "campaign_offers", "campaign_messages", "webhook_deliveries", "webhook_attempts", "mission_members",
    )  # fmt: skip
    rows = [await campaigns.rows(f"SELECT * FROM {table} WHERE brand = $1", brand) for table in tables]  # noqa: S608
    return str([[tuple(row) for row in of_table] for of_table in rows])


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        ("UPDATE campaign_counters SET value = 3 WHERE name = 'times:mail' AND owner = 'ann' AND brand = $1",
         "Campaign mail came to member ann 1 times, and is counted 3 times."),
        ("UPDATE campaign_counters SET owner = 'eve' WHERE name = 'times:mail' AND owner = 'ann' AND brand = $1",
         "Campaign mail is counted 1 times for member eve, and never came."),
        ("UPDATE campaign_triggers SET occurrence = 2 WHERE campaign = 'mail' AND member = 'ann' AND brand = $1",
         "The occurrences of campaign mail for member ann are numbered [2]."),
        ("UPDATE campaign_triggers SET programme_version = 7 WHERE campaign = 'mail' AND member = 'ann' AND brand = $1",
         "Campaign mail came to member ann under version 7, which has no such campaign."),
        ("UPDATE campaign_triggers SET outcome = 2 WHERE campaign = 'mail' AND member = 'ann' AND brand = $1",
         "Member ann was in the control group by campaign mail, and should not be."),
        ("DELETE FROM campaign_triggers WHERE campaign = 'gift' AND member = 'ann' AND brand = $1",
         "The grant campaign:gift:ann:1 is told by an event, and did not happen."),
        ("DELETE FROM outbox WHERE type LIKE '%RewardGranted' AND brand = $1",
         "The grant campaign:gift:ann:1 is told by no event."),
        ("DELETE FROM outbox WHERE type LIKE '%CampaignTriggered' AND brand = $1",
         "Occurrence 1 of campaign mail for member ann is told by no event."),
        ("INSERT INTO outbox (brand, member, type, payload, traceparent) SELECT brand, member, type, payload, '' "
         "FROM outbox WHERE type LIKE '%CampaignTriggered' AND brand = $1",
         "Occurrence 1 of campaign mail for member ann is told by 2 events."),
        ("UPDATE campaign_counters SET value = 0 WHERE name = 'budget-points:gift' AND brand = $1",
         "Campaign gift took 100 of its budget, and 0 are counted."),
        ("DELETE FROM campaign_offers WHERE brand = $1", "Campaign gift gave member ann 1 offers, and there are 0."),
        ("UPDATE campaign_messages SET state = 3 WHERE brand = $1",
         "Message {message} is told by an event, and was not requested."),
        ("DELETE FROM webhook_attempts WHERE brand = $1",
         "Delivery {delivery} to webhook {webhook} was taken, by no try."),
    ],
)  # fmt: skip
async def test_verification_finds_damage(campaigns: Campaigns, brand: str, damage: str, sentence: str) -> None:
    gift = campaign("gift", activity=BOUGHT, budget={"points": 1_000},
                    effects=[POINTS, {"offer": {"reward": "mug", "days": 9}}])  # fmt: skip
    async with Receiver().running() as receiver:
        made = await registered(campaigns, brand, receiver.url)
        await campaigns.started(brand, MAIL, gift)
        await campaigns.heard(brand, consents("ann"), bought("ann", "a1"))
        (delivery,) = await ended(campaigns, brand, DELIVERED)
    (told,) = await campaigns.told(brand, MessageRequested)
    assert await campaigns.violations(brand) == []
    await campaigns.rows(damage + " RETURNING 1", brand)
    found = await campaigns.violations(brand)
    names = {"message": told.message, "delivery": delivery.delivery, "webhook": made.webhook.webhook}
    assert sentence.format(**names) in found
