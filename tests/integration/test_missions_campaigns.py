"""Campaigns on the real servers: triggers in, points, cards, offers and messages out, within every bound."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest

from chassis.errors import from_rpc
from cli.embedded import Servers
from laurels.activity.v1.events_pb2 import Earned
from laurels.missions.v1 import campaigns_pb2 as pb
from laurels.missions.v1 import programme_goals_pb2 as goals_pb
from laurels.missions.v1.campaigns_events_pb2 import CampaignTriggered, MessageRequested, OfferAccepted, OfferMade
from laurels.missions.v1.events_pb2 import MissionCompleted
from laurels.points.v1.events_pb2 import MemberEnrolled, PointsCredited, TierChanged
from laurels.points.v1.members_events_pb2 import AnniversaryReached, SharedAttributesChanged
from laurels.programme.v1 import programme_pb2
from laurels.recommender.v1 import predictions_events_pb2 as predictions
from laurels.value.v1.events_pb2 import GRANT_REASON_CAMPAIGN, RewardGranted
from services.missions.campaigns import CONTROL, HAPPENED, SUPPRESSED, in_control
from tests.conftest import running
from tests.integration.campaigns_support import (
    AGO,
    BOUGHT,
    MESSAGE,
    POINTS,
    Campaigns,
    bought,
    campaign,
    consents,
    forget,
    programme,
    streams,
)
from tests.integration.missions_support import eventually

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.fixture(scope="module")
async def campaigns(
    servers: Servers, settings_of: Callable[..., Any], token: Callable[..., str]
) -> AsyncIterator[Campaigns]:
    async with streams(servers) as client, running("missions", settings_of("missions")) as channel:
        opened = Campaigns(servers, channel, client, token)
        yield opened
        await forget(client, opened.brands)


async def test_a_first_purchase_gives_points_once(campaigns: Campaigns, brand: str) -> None:
    first = campaign("welcome", activity=BOUGHT | {"first": True}, occurrences_max=5)
    await campaigns.started(brand, first)
    await campaigns.heard(brand, bought("ann", "a1"), bought("ann", "a2"), bought("bob", "b1"))
    granted = await campaigns.told(brand, RewardGranted)
    assert [(each.key, each.member, each.reference) for each in granted] == [
        ("campaign:welcome:ann:1", "ann", "welcome"),
        ("campaign:welcome:bob:1", "bob", "welcome"),
    ]
    points = granted[0].grants[0].points
    assert (points.currency, points.amount) == ("points", 100)
    assert (granted[0].reason, granted[0].programme_version) == (GRANT_REASON_CAMPAIGN, 1)
    assert granted[0].occurred_at.ToDatetime(tzinfo=UTC) == AGO
    told = await campaigns.told(brand, CampaignTriggered)
    assert [(each.member, each.campaign, each.occurrence) for each in told] == [
        ("ann", "welcome", 1),
        ("bob", "welcome", 1),
    ]
    report = await campaigns.report(brand, "welcome")
    assert (report.triggered, report.happened, report.members, report.control) == (2, 2, 2, 0)
    assert [(each.kind, each.times) for each in report.effects] == [("points", 2)]
    assert await campaigns.violations(brand) == []


async def test_conditions_read_the_activity_and_the_member(campaigns: Campaigns, brand: str) -> None:
    local = "attributes.amount > 100 && member.attributes.city == 'Bonn' && member.days_since_joining == 2"
    await campaigns.started(
        brand,
        campaign("local", activity=BOUGHT, condition=local),
        campaign("large", activity=BOUGHT, condition="attributes.amount > 500"),
        campaign("broken", activity=BOUGHT, condition="1 / attributes.amount > 5"),
    )
    shared = SharedAttributesChanged(member="ann", changed_at=AGO)
    shared.attributes.update({"city": "Bonn"})
    joined = [MemberEnrolled(member=each, enrolled_at=AGO - 2 * DAY) for each in ("ann", "bob")]
    await campaigns.heard(brand, *joined, shared)
    await campaigns.heard(brand, bought("ann", "a1", amount=101), bought("bob", "b1", amount=101))
    await campaigns.heard(brand, bought("cid", "c1", amount=501), bought("cid", "c2", amount=0))
    assert await campaigns.outcomes(brand) == [("large", "cid", HAPPENED, 0, 1), ("local", "ann", HAPPENED, 0, 1)]


async def test_each_kind_of_trigger_sets_its_campaign_off(campaigns: Campaigns, brand: str) -> None:
    await campaigns.started(
        brand,
        campaign("hundred", balance={"currency": "points", "reaches": 100}, occurrences_max=9),
        campaign("golden", tier={"to": ["gold"]}, condition="trigger.from_tier == 'silver'"),
        campaign("birthday", anniversary={"attribute": "birthday"}, condition="trigger.day.endsWith('-03-01')"),
        campaign("coffee", prediction={"kind": "PREDICTED_KIND_REPLENISHMENT_DUE", "subject": "coffee"}),
        campaign("leaving", prediction={"kind": "PREDICTED_KIND_CHURN_LIKELY", "percent_least": 70}),
        campaign("vip", segment={"segment": "vip"}),
        campaign("lost", segment={"segment": "vip", "left": True}, condition="!('vip' in member.segments)"),
    )

    def earned(name: str, amount: int, balance: int, pending: int = 0) -> Any:
        activity = bought("ann", name)
        activity.earned.append(Earned(currency="points", amount=amount, balance=balance, pending=pending))
        return activity

    def credited(amount: int, balance: int) -> PointsCredited:
        return PointsCredited(member="ann", currency="points", amount=amount, balance=balance, occurred_at=AGO,
                              programme_version=1)  # fmt: skip

    await campaigns.heard(
        brand,
        earned("a1", 99, 99),
        earned("a2", 1, 100),  # reaches it
        earned("a3", 1, 101),
        credited(50, 120),  # it had fallen, and reaches it again
        credited(5, 125),
        earned("a4", 30, 100, pending=30),  # what is not available yet reaches nothing
        TierChanged(member="ann", from_tier="silver", to_tier="gold", occurred_at=AGO),
        TierChanged(member="bob", from_tier="", to_tier="gold", occurred_at=AGO),
        TierChanged(member="cid", from_tier="gold", to_tier="silver", occurred_at=AGO),
        AnniversaryReached(member="ann", attribute="birthday", day="2026-03-01", occurred_at=AGO),
        AnniversaryReached(member="bob", attribute="birthday", day="2026-03-02", occurred_at=AGO),
    )
    made = predictions.PredictionMade
    due, leaving = predictions.PREDICTION_KIND_REPLENISHMENT_DUE, predictions.PREDICTION_KIND_CHURN_LIKELY
    await campaigns.heard(
        brand,
        made(member="ann", kind=due, subject="coffee", probability=0.6, as_of=AGO),
        made(member="bob", kind=due, subject="tea", probability=0.6, as_of=AGO),
        made(member="ann", kind=leaving, probability=0.7, as_of=AGO),
        made(member="bob", kind=leaving, probability=0.69, as_of=AGO),
        predictions.SegmentChanged(member="ann", segment="vip", entered=True, as_of=AGO),
        predictions.SegmentChanged(member="ann", segment="vip", entered=False, as_of=AGO + HOUR),
        source="recommender",
    )
    assert await campaigns.outcomes(brand) == [
        ("birthday", "ann", HAPPENED, 0, 1),
        ("coffee", "ann", HAPPENED, 0, 1),
        ("golden", "ann", HAPPENED, 0, 1),
        ("hundred", "ann", HAPPENED, 0, 1),
        ("hundred", "ann", HAPPENED, 0, 2),
        ("leaving", "ann", HAPPENED, 0, 1),
        ("lost", "ann", HAPPENED, 0, 1),
        ("vip", "ann", HAPPENED, 0, 1),
    ]


async def test_a_campaign_runs_within_its_window_by_the_time_of_its_trigger(campaigns: Campaigns, brand: str) -> None:
    window = {"from": AGO.isoformat(), "until": (AGO + HOUR).isoformat()}
    await campaigns.started(brand, campaign("hour", activity=BOUGHT, **window))
    second = timedelta(seconds=1)
    moments = {"ann": AGO - second, "bob": AGO, "cid": AGO + HOUR - second, "dan": AGO + HOUR}
    await campaigns.heard(brand, *(bought(member, f"{member}1", at) for member, at in moments.items()))
    assert [member for _, member, *_ in await campaigns.outcomes(brand)] == ["bob", "cid"]


async def test_limits_hold_for_a_member_a_period_and_all_campaigns(campaigns: Campaigns, brand: str) -> None:
    daily = {"per": "CAMPAIGN_PERIOD_DAY", "most": 2}
    await campaigns.started(
        brand,
        campaign("three", activity=BOUGHT, occurrences_max=3),
        campaign("daily", activity=BOUGHT, occurrences_max=99, caps=[daily]),
        campaign("mail", activity=BOUGHT, occurrences_max=99, effects=[MESSAGE]),
        campaign("push", activity=BOUGHT, occurrences_max=99, effects=[MESSAGE, POINTS]),
        zone="Europe/Berlin",
        caps=[{"per": "CAMPAIGN_PERIOD_MONTH", "most": 3}],
    )
    await campaigns.heard(brand, consents("ann"))
    # Half past eleven, and half past twelve of the next day, by the brand's clock.
    late, next_day = datetime(2026, 3, 1, 22, 30, tzinfo=UTC), datetime(2026, 3, 1, 23, 30, tzinfo=UTC)
    await campaigns.heard(
        brand, *(bought("ann", f"a{number}", late) for number in range(4)), bought("ann", "b", next_day)
    )
    suppressed = {
        name: {
            pb.SuppressionReason.Name(row.reason): row.times for row in (await campaigns.report(brand, name)).suppressed
        }
        for name in ("three", "daily", "mail", "push")
    }
    assert suppressed == {
        "three": {"SUPPRESSION_REASON_OCCURRENCES": 2},
        "daily": {"SUPPRESSION_REASON_CAMPAIGN_CAP": 2},
        "mail": {"SUPPRESSION_REASON_OVERALL_CAP": 3},
        "push": {"SUPPRESSION_REASON_OVERALL_CAP": 4},
    }
    assert (await campaigns.report(brand, "daily")).happened == 3
    assert await campaigns.violations(brand) == []


async def test_caps_and_budget_hold_when_many_replicas_decide_at_once(
    campaigns: Campaigns, brand: str, servers: Servers
) -> None:
    """Four write paths of their own, as four replicas have, are handed the same members at once."""
    from functools import partial

    from chassis.configuration import Configurations
    from chassis.database import Database
    from chassis.write_path import WritePath
    from services.missions.book import Book
    from services.missions.journal import settle
    from services.missions.operations import OPERATIONS
    from services.missions.programme import compile_document

    await campaigns.started(
        brand,
        campaign("budgeted", activity=BOUGHT, occurrences_max=99, budget={"times": 25, "points": 2_450}),
        campaign("capped", activity=BOUGHT, occurrences_max=99, caps=[{"per": "CAMPAIGN_PERIOD_DAY", "most": 4}]),
        campaign("once", activity=BOUGHT),
    )
    databases = [Database(servers.postgres.url("missions")) for _ in range(4)]
    begin = partial(Book, programmes=Configurations(compile_document), operations=OPERATIONS, settle=settle)
    paths = [
        WritePath("missions", database, begin, on_commit=lambda: None, batch_weight_max=5) for database in databases
    ]
    try:
        asked = [
            paths[number % 4].submit(brand, bought(f"m{number % 7}", f"p{number}", tier="silver"))
            for number in range(140)
        ]
        await asyncio.gather(*asked)
    finally:
        await asyncio.gather(*(path.drain() for path in paths))
        await asyncio.gather(*(database.close() for database in databases))
    assert (await campaigns.report(brand, "budgeted")).happened == 24  # the points are used up first
    assert (await campaigns.report(brand, "capped")).happened == 4 * 7
    assert (await campaigns.report(brand, "once")).happened == 7
    keys = [granted.key for granted in await campaigns.told(brand, RewardGranted)]
    assert len(keys) == len(set(keys)) == 24 + 28 + 7
    assert await campaigns.violations(brand) == []


async def test_the_control_group_gets_nothing_and_stays_the_same(campaigns: Campaigns, brand: str) -> None:
    half = campaign("half", activity=BOUGHT, occurrences_max=2, control_percent=50, effects=[POINTS, MESSAGE])
    await campaigns.started(brand, half)
    members = [f"m{number}" for number in range(12)]
    await campaigns.heard(brand, *(bought(member, f"{member}-1") for member in members))
    await campaigns.started(brand, half | {"condition": "true"}, version=2)
    await campaigns.heard(brand, *(bought(member, f"{member}-{n}", version=2) for member in members for n in (2, 3)))
    control = {member for member in members if in_control("half", member, 50)}
    assert 0 < len(control) < len(members)
    seen = await campaigns.outcomes(brand)
    assert {(member, outcome) for _, member, outcome, _, occurrence in seen if occurrence} == {
        (member, CONTROL if member in control else HAPPENED) for member in members
    }
    assert sum(outcome == SUPPRESSED for _, _, outcome, *_ in seen) == len(members)
    assert {granted.member for granted in await campaigns.told(brand, RewardGranted)} == set(members) - control
    told = await campaigns.told(brand, CampaignTriggered)
    assert {each.member for each in told} == set(members) - control, "who is in the control group is not to know"
    report = await campaigns.report(brand, "half")
    assert (report.control_members, report.members) == (len(control), len(members) - len(control))
    assert (report.control, report.happened) == (2 * len(control), 2 * (len(members) - len(control)))
    assert await campaigns.violations(brand) == []


async def test_an_offer_is_accepted_once_and_by_its_member_alone(campaigns: Campaigns, brand: str) -> None:
    offer = {"offer": {"reward": "mug", "days": 30}}
    card = {"scratch_card": "spring"}
    await campaigns.started(brand, campaign("mugs", activity=BOUGHT, effects=[offer, card]))
    await campaigns.heard(brand, bought("ann", "a1"), bought("bob", "b1", AGO - 30 * DAY))
    made = {each.member: each for each in await campaigns.told(brand, OfferMade)}
    assert made["ann"].expires_at.ToDatetime(tzinfo=UTC) == AGO + 30 * DAY

    async def offers(member: str) -> list[Any]:
        request = pb.ListOffersRequest(member=member)
        return list((await campaigns.call("ListOffers", request, brand, scope="member", subject=member)).offers)

    (open_offer,), (old,) = await offers("ann"), await offers("bob")
    assert (open_offer.state, open_offer.reward, open_offer.campaign) == (pb.OFFER_STATE_OPEN, "mug", "mugs")
    assert old.state == pb.OFFER_STATE_EXPIRED

    async def accept(member: str, name: str, key: str = "k", subject: str = "") -> Any:
        request = pb.AcceptOfferRequest(member=member, offer=name, idempotency_key=key)
        return await campaigns.call("AcceptOffer", request, brand, scope="member", subject=subject or member)

    for member, name, subject, code in (
        ("bob", open_offer.offer, "", "unknown_offer"),
        ("ann", open_offer.offer, "bob", "unknown_member"),
        ("ann", "off_0", "", "unknown_offer"),
        ("bob", old.offer, "", "offer_expired"),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await accept(member, name, subject=subject)
        assert from_rpc(refused.value).reason == code
    answers = await asyncio.gather(*(accept("ann", open_offer.offer, f"k{number % 3}") for number in range(50)))
    assert len({answer.SerializeToString() for answer in answers}) == 1
    assert answers[0].offer.state == pb.OFFER_STATE_ACCEPTED
    assert len(await campaigns.told(brand, OfferAccepted)) == 1
    granted = [each for each in await campaigns.told(brand, RewardGranted) if each.grants[0].reward]
    assert [(each.key, each.member, each.grants[0].reward) for each in granted] == [
        ("campaign:mugs:ann:1:0", "ann", "mug")
    ]
    cards = [each for each in await campaigns.told(brand, RewardGranted) if each.grants[0].scratch_card]
    assert sorted(each.key for each in cards) == ["campaign:mugs:ann:1", "campaign:mugs:bob:1"]
    assert await campaigns.violations(brand) == []


async def test_a_campaign_assigns_a_mission_and_its_activities_count_from_then_on(
    campaigns: Campaigns, brand: str
) -> None:
    assigned = programme(campaign("start", tier={"to": ["gold"]}, effects=[{"mission": "assigned"}]))
    mission = assigned.missions.missions.add(id="assigned", name="Assigned", activity_type="purchase")
    mission.count.target = 2
    mission.start.by = goals_pb.START_BY_ASSIGNMENT
    await campaigns.apply(brand, assigned)
    golden = TierChanged(member="ann", from_tier="silver", to_tier="gold", occurred_at=AGO)
    await campaigns.heard(brand, bought("ann", "a0", AGO - HOUR), golden)
    await campaigns.heard(brand, bought("ann", "a1", AGO + HOUR), bought("ann", "a2", AGO + 2 * HOUR))
    await campaigns.heard(brand, bought("bob", "b1", AGO + HOUR), bought("bob", "b2", AGO + 2 * HOUR))
    completed = await campaigns.told(brand, MissionCompleted)
    assert [(each.member, each.mission) for each in completed] == [("ann", "assigned")]
    assert await campaigns.violations(brand) == []


async def test_messages_need_consent_and_points_do_not(campaigns: Campaigns, brand: str) -> None:
    fields = [
        {"name": "shop", "value": "'ours'"},
        {"name": "spent", "value": "string(attributes.amount)"},
        {"name": "bad", "value": "string(1 / (attributes.amount - attributes.amount))"},
    ]
    mail = {"message": {"channel": "email", "template": "thanks", "fields": fields}}
    await campaigns.started(
        brand,
        campaign("only", activity=BOUGHT, effects=[mail]),
        campaign("both", activity=BOUGHT, effects=[mail, POINTS]),
    )
    await campaigns.heard(brand, consents("ann"), consents("bob", granted=False))
    await campaigns.heard(brand, bought("ann", "a1", amount=7), bought("bob", "b1", amount=7))
    requested = await eventually_told(campaigns, brand, 2)
    assert {each.member for each in requested} == {"ann"}
    assert dict(requested[0].fields) == {"shop": "ours", "spent": "7", "bad": ""}
    assert {(each.channel, each.template) for each in requested} == {("email", "thanks")}
    assert {each.key for each in await campaigns.told(brand, RewardGranted)} == {
        "campaign:both:ann:1",
        "campaign:both:bob:1",
    }
    (suppressed,) = (await campaigns.report(brand, "only")).suppressed
    assert (suppressed.reason, suppressed.times) == (pb.SUPPRESSION_REASON_NO_CONSENT, 1)
    report = await campaigns.report(brand, "both")
    assert (report.messages_requested, report.messages_dropped) == (1, 1)
    listed = await campaigns.call("ListMessages", pb.ListMessagesRequest(member="ann", page_size=1), brand)
    rest = await campaigns.call(
        "ListMessages", pb.ListMessagesRequest(member="ann", page_token=listed.next_page_token), brand
    )
    assert {each.message for each in (*listed.messages, *rest.messages)} == {each.message for each in requested}
    assert not rest.next_page_token


async def eventually_told(campaigns: Campaigns, brand: str, count: int) -> list[MessageRequested]:
    async def told() -> list[MessageRequested]:
        found = await campaigns.told(brand, MessageRequested)
        return found if len(found) >= count else []

    found: list[MessageRequested] = await eventually(told)
    assert len(found) == count
    return found


async def test_who_withdraws_consent_gets_no_message_that_waits(campaigns: Campaigns, brand: str) -> None:
    now = datetime.now(UTC)
    quiet = _quiet(now)
    await campaigns.started(brand, campaign("mail", activity=BOUGHT, effects=[MESSAGE]), quiet_hours=quiet)
    await campaigns.heard(brand, consents("ann"), bought("ann", "a1", now))
    report = await campaigns.report(brand, "mail")
    assert (report.messages_waiting, report.messages_requested) == (1, 0)
    await campaigns.heard(brand, consents("ann", granted=False, at=now))
    # The quiet hours end, by a new version of the programme; the message has to be looked at again.
    await campaigns.started(brand, campaign("mail", activity=BOUGHT, effects=[MESSAGE]), version=2)
    await campaigns.rows("UPDATE campaign_messages SET due_at = now() WHERE brand = $1 RETURNING 1", brand)

    async def dropped() -> bool:
        return bool((await campaigns.report(brand, "mail")).messages_dropped)

    await eventually(dropped)
    assert await campaigns.told(brand, MessageRequested) == []


def _quiet(now: datetime) -> dict[str, str]:
    """Quiet hours from an hour before now until some hours after."""
    return {"from": f"{(now - HOUR):%H}:00", "until": f"{(now + 4 * HOUR):%H}:00"}


async def test_a_message_waits_for_the_quiet_hours_of_the_member_s_zone_and_the_best_hour(
    campaigns: Campaigns, brand: str
) -> None:
    best = {"message": {"channel": "push", "template": "hi", "contact_hour": {"best": True, "hour": 12}}}
    await campaigns.started(
        brand,
        campaign("mail", activity=BOUGHT, effects=[MESSAGE]),
        campaign("push", activity=BOUGHT, effects=[best]),
        quiet_hours={"from": "21:00", "until": "08:00"},
    )
    shared = SharedAttributesChanged(member="ann", changed_at=AGO)
    shared.attributes.update({"zone": "Asia/Tokyo"})
    await campaigns.heard(brand, consents("ann"), consents("bob"), consents("cid"), shared)
    hours = {"ann": "19", "cid": "23"}  # the latter is quiet, and so not known
    made = [
        predictions.PredictionMade(member=member, kind=predictions.PREDICTION_KIND_BEST_HOUR, subject=hour, as_of=AGO)
        for member, hour in hours.items()
    ]
    await campaigns.heard(brand, *made, source="recommender")
    tomorrow = (datetime.now(UTC) + DAY).replace(hour=13, minute=10, second=0, microsecond=0)  # 22:10 in Tokyo
    await campaigns.heard(brand, *(bought(member, member, tomorrow) for member in ("ann", "bob", "cid")))
    rows = await campaigns.rows("SELECT member, channel, due_at FROM campaign_messages WHERE brand = $1", brand)
    due = {(row["member"], row["channel"]): row["due_at"] for row in rows}
    midnight = tomorrow.replace(hour=0, minute=0)
    assert due == {
        ("ann", "email"): midnight + 23 * HOUR,  # 08:00 in Tokyo
        ("bob", "email"): tomorrow,
        ("cid", "email"): tomorrow,
        ("ann", "push"): midnight + DAY + 10 * HOUR,  # 19:00 in Tokyo
        ("bob", "push"): midnight + DAY + 12 * HOUR,
        ("cid", "push"): midnight + DAY + 12 * HOUR,
    }


async def test_a_bad_section_is_refused_with_the_path_of_each_problem(campaigns: Campaigns, brand: str) -> None:
    bad_effects = [
        {"points": {"currency": "gold", "amount": 0}},
        {"scratch_card": "none"},
        {"mission": "none"},
        {"offer": {"reward": "none", "days": 0}},
        {"message": {"channel": "e mail", "template": "", "contact_hour": {"hour": 24},
                     "fields": [{"name": "A", "value": "1"}, {"name": "b", "value": "'x'"},
                                {"name": "b", "value": "''"}]}},
        {},
    ]  # fmt: skip
    bad = programme(
        campaign("a", activity={"type": "swim"}, control_percent=100, occurrences_max=-1),
        campaign("a", balance={"currency": "gold"}, condition="trigger.amnt > 1", **{"from": "soon", "until": "2026"}),
        campaign("b b", tier={"to": ["wood"]}, effects=[], budget={"times": -1, "points": -1}),
        campaign(
            "c", anniversary={"attribute": "city"}, caps=[{"most": 1}, {"per": 1, "most": 0}, {"per": 1, "most": 1}]
        ),
        campaign("d", joining={}, effects=bad_effects),
        campaign("e", silence={"type": "swim", "days": 0}, **{"from": "2026-03-02", "until": "2026-03-01"}),
        campaign("f", prediction={"percent_least": 101}),
        campaign("g", segment={"segment": ""}),
        campaign("h"),
        quiet_hours={"from": "21:10", "until": "25:00"},
        caps=[{"per": 9, "most": 1}],
    )
    answer = await campaigns.call(
        "ValidateProgramme", programme_pb2.ValidateProgrammeRequest(programme=bad), brand, scope="manager"
    )
    effects = "missions.campaigns[4].effects"
    assert {problem.field for problem in answer.problems} == {
        "missions.campaign_policy.quiet_hours.from", "missions.campaign_policy.quiet_hours.until",
        "missions.campaign_policy.caps[0].per",
        "missions.campaigns[0].activity.type", "missions.campaigns[0].control_percent",
        "missions.campaigns[0].occurrences_max", "missions.campaigns[1].id", "missions.campaigns[1].balance.currency",
        "missions.campaigns[1].balance.reaches", "missions.campaigns[1].condition", "missions.campaigns[1].from",
        "missions.campaigns[1].until", "missions.campaigns[2].id", "missions.campaigns[2].tier.to[0]",
        "missions.campaigns[2].effects", "missions.campaigns[2].budget.times", "missions.campaigns[2].budget.points",
        "missions.campaigns[3].anniversary.attribute", "missions.campaigns[3].caps[0].per",
        "missions.campaigns[3].caps[1].most", "missions.campaigns[3].caps[2].per", "missions.campaigns[4].joining",
        f"{effects}[0].points.currency", f"{effects}[0].points.amount", f"{effects}[1].scratch_card",
        f"{effects}[2].mission", f"{effects}[3].offer.reward", f"{effects}[3].offer.days",
        f"{effects}[4].message.channel", f"{effects}[4].message.template",
        f"{effects}[4].message.contact_hour.hour", f"{effects}[4].message.fields[0].name",
        f"{effects}[4].message.fields[0].value", f"{effects}[4].message.fields[2].name", f"{effects}[5]",
        "missions.campaigns[5].silence.type", "missions.campaigns[5].silence.days", "missions.campaigns[5].until",
        "missions.campaigns[6].prediction.kind", "missions.campaigns[6].prediction.percent_least",
        "missions.campaigns[7].segment.segment", "missions.campaigns[8]",
    }  # fmt: skip
    good = programme_pb2.ValidateProgrammeRequest(programme=programme(campaign("a", activity=BOUGHT)))
    assert not (await campaigns.call("ValidateProgramme", good, brand, scope="manager")).problems
