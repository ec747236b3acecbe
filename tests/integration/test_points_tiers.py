"""Tiers over windows, kept, warned of, lost, set and subscribed to, on the real servers."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from chassis.errors import DomainError, InvalidArgument
from cli.embedded import Servers
from laurels.activity.v1.activity_pb2 import Activity
from laurels.activity.v1.events_pb2 import ActivityRecorded
from laurels.points.v1 import ledger_pb2, ledger_pb2_grpc, points_pb2, tiers_pb2, tiers_pb2_grpc
from laurels.points.v1 import programme_pb2 as pb
from laurels.points.v1 import programme_tiers_pb2 as tb
from laurels.points.v1.events_pb2 import TierChanged
from laurels.points.v1.tiers_events_pb2 import SubscriptionChanged, TierAtRisk
from laurels.programme.v1 import programme_pb2
from services.points.verification import violations
from tests.conftest import running
from tests.integration.points_support import (
    PER_UNIT,
    Points,
    Streams,
    eventually,
    programme,
    purchase,
    rule,
    streams_of,
    visit,
)

YEAR = tb.TierWindow(calendar=tb.CALENDAR_PERIOD_YEAR)
NEXT_YEAR = tb.TierKeep(end_of_year_after=1)
REASON = tiers_pb2.TierChangeReason
CALLERS = 20


@pytest.fixture(scope="module")
async def around(
    servers: Servers, settings_of: Callable[..., Any], token: Callable[..., str]
) -> AsyncIterator[tuple[Points, Streams]]:
    async with streams_of(servers) as client, running("points", settings_of("points")) as channel:
        stubs = (tiers_pb2_grpc.TiersServiceStub(channel), ledger_pb2_grpc.LedgerServiceStub(channel))
        points = Points(channel, token, *stubs)
        streams = Streams(points, client)
        yield points, streams
        await streams.forget()


@pytest.fixture(scope="module")
def points(around: tuple[Points, Streams]) -> Points:
    return around[0]


@pytest.fixture
def streams(around: tuple[Points, Streams], brand: str) -> Streams:
    around[1].touched(brand)
    return around[1]


@pytest.fixture
async def shop(points: Points, streams: Streams, brand: str) -> str:
    """A brand with the plain ladder: silver from 200 points ever earned, gold from 600."""
    await points.apply(brand, with_club())
    return brand


def with_club(**ladder: Any) -> programme_pb2.Programme:
    """The tests' programme, with its ladder changed, and a subscription that gives gold."""
    found = programme(PER_UNIT, rule("golden", "1", currency="gems", condition="member.tier == 'gold'"))
    found.activity_types.append(programme_pb2.ActivityType(type="club_paid"))
    found.activity_types.append(programme_pb2.ActivityType(type="club_left"))
    found.points.tiers.MergeFrom(pb.TierLadder(**ladder))
    found.points.subscriptions.add(
        id="club",
        tier="gold",
        paid_activity_type="club_paid",
        paid_days=30,
        cancelled_activity_type="club_left",
    )
    return found


def qualified(*qualifiers: tb.TierQualifier, silver: dict[str, int], gold: dict[str, int], **ladder: Any) -> Any:
    """A programme whose tiers demand so much of its qualifiers."""
    found = with_club(**ladder)
    tiers = found.points.tiers
    tiers.currency = ""
    tiers.qualifiers.extend(qualifiers)
    for level, demands in zip(tiers.levels, ({}, silver, gold), strict=True):
        level.threshold = 0
        for name, amount in demands.items():
            level.requirements.add(qualifier=name, amount=amount)
    return found


def at(activity: Activity, moment: datetime) -> Activity:
    activity.occurred_at.FromDatetime(moment)
    return activity


def day(year: int, month: int = 1, number: int = 1, hour: int = 12) -> datetime:
    return datetime(year, month, number, hour, tzinfo=UTC)


async def tier_of(points: Points, brand: str, member: str = "ann", **credential: Any) -> tiers_pb2.MemberTier:
    request = tiers_pb2.GetMemberTierRequest(member=member)
    return (await points.call("GetMemberTier", request, brand, **credential)).tier


async def history(points: Points, brand: str, member: str = "ann") -> list[tuple[str, str, str, str]]:
    """From, to, why and when, oldest first."""
    request = tiers_pb2.ListTierHistoryRequest(member=member)
    entries = (await points.call("ListTierHistory", request, brand)).entries
    return [
        (
            entry.from_tier,
            entry.to_tier,
            REASON.Name(entry.reason).removeprefix("TIER_CHANGE_REASON_"),
            entry.occurred_at.ToDatetime().isoformat(),
        )
        for entry in reversed(entries)
    ]


async def settled(points: Points, brand: str) -> None:
    await points.call("RunSchedules", ledger_pb2.RunSchedulesRequest(), brand)


async def code_of(call: Any) -> str:
    with pytest.raises(DomainError) as refusal:
        await call
    return refusal.value.reason


async def set_tier(points: Points, brand: str, key: str, tier: str, **more: Any) -> tiers_pb2.SetMemberTierResponse:
    request = {"member": "ann", "tier": tier, "reason": "She asked.", "idempotency_key": key} | more
    return await points.call("SetMemberTier", tiers_pb2.SetMemberTierRequest(**request), brand, scope="manager")


async def pay(points: Points, brand: str, key: str, until: datetime, name: str = "club") -> Any:
    request = tiers_pb2.PaySubscriptionRequest(member="ann", subscription=name, paid_until=until, idempotency_key=key)
    return await points.call("PaySubscription", request, brand)


async def found_wrong(servers: Servers, brand: str) -> list[str]:
    """What verification says of the brand."""
    connection = await asyncpg.connect(servers.postgres.url("points"))
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            await connection.execute("SELECT set_config('laurels.brand', $1, true)", brand)
            return await violations(connection)
    finally:
        await connection.close()


async def damage(servers: Servers, statement: str, *arguments: Any) -> None:
    connection = await asyncpg.connect(servers.postgres.admin_url("laurels_points"))
    try:
        await connection.execute(statement, *arguments)
    finally:
        await connection.close()


# -- what counts --------------------------------------------------------------


async def test_points_of_a_calendar_year_reach_a_tier_at_once_and_keep_it_to_the_end_of_the_next(
    points: Points, streams: Streams, servers: Servers, brand: str
) -> None:
    await points.apply(brand, with_club(window=YEAR, keep=NEXT_YEAR))
    this = datetime.now(UTC).year
    await points.record(brand, at(purchase("a", amount=150), day(this - 1, 12, 31)))
    await points.record(brand, at(purchase("b", amount=150), day(this)))
    assert (await tier_of(points, brand)).tier == "bronze"
    await points.record(brand, at(purchase("c", amount=50), day(this, 1, 2)))
    shown = await tier_of(points, brand)
    assert (shown.tier, shown.earned_tier, shown.next_tier) == ("silver", "silver", "gold")
    assert shown.keep_until.ToDatetime(tzinfo=UTC) == datetime(this + 2, 1, 1, tzinfo=UTC)
    assert shown.since.ToDatetime(tzinfo=UTC) == day(this, 1, 2)
    (row,) = shown.progress
    assert (row.qualifier, row.amount, row.missing_to_keep, row.missing_for_next) == ("earned", 200, 0, 400)
    assert row.counts_from.ToDatetime(tzinfo=UTC) == datetime(this, 1, 1, tzinfo=UTC)
    (told,) = await streams.told(brand, TierChanged)
    assert (told.from_tier, told.to_tier, told.reason) == ("bronze", "silver", REASON.TIER_CHANGE_REASON_QUALIFIED)
    assert await found_wrong(servers, brand) == []


async def test_a_late_activity_counts_in_the_window_it_belongs_to(points: Points, streams: Streams, brand: str) -> None:
    await points.apply(brand, with_club(window=YEAR, keep=NEXT_YEAR))
    this = datetime.now(UTC).year
    await points.record(brand, at(purchase("a", amount=150), day(this - 1, 6)))
    await points.record(brand, at(purchase("b", amount=10), day(this)))
    await points.record(brand, at(purchase("late", amount=50), day(this - 1, 12)))
    shown = await tier_of(points, brand)
    assert (shown.tier, shown.progress[0].amount) == ("silver", 10)
    assert shown.keep_until.ToDatetime(tzinfo=UTC) == datetime(this + 1, 1, 1, tzinfo=UTC)


async def test_spend_and_purchase_count_qualify_together_or_each(points: Points, streams: Streams, brand: str) -> None:
    spend = tb.TierQualifier(
        id="spend", spend=tb.TierSpend(activity_types=["purchase"], attribute="amount"), window=YEAR
    )
    often = tb.TierQualifier(
        id="often",
        activities=tb.TierCountOf(activity_types=["purchase", "visit"], condition="activity.id != 'not'"),
        window=tb.TierWindow(rolling_days=30),
    )
    demands = {"silver": {"spend": 100, "often": 2}, "gold": {"spend": 300, "often": 3}}
    await points.apply(brand, qualified(spend, often, **demands))
    now = datetime.now(UTC)
    await points.record(brand, at(purchase("a", amount=300), now), at(visit("not"), now))
    shown = await tier_of(points, brand)
    assert (shown.tier, [row.missing_for_next for row in shown.progress]) == ("bronze", [0, 1])
    await points.record(brand, at(visit("b"), now))
    assert (await tier_of(points, brand)).tier == "silver"
    await points.apply(brand, qualified(spend, often, match=tb.TIER_MATCH_ANY, **demands))
    await points.record(brand, at(purchase("c", "bob", amount=300), now))
    assert (await tier_of(points, brand, "bob")).tier == "gold"


async def test_a_refund_takes_spend_away_and_a_reversal_what_was_earned(
    points: Points, streams: Streams, servers: Servers, brand: str
) -> None:
    await points.apply(brand, with_club(window=tb.TierWindow(rolling_months=12)))
    await points.enrol(brand, "ann")
    transfer = ledger_pb2.Transfer(
        id="t",
        currency="points",
        amount=700,
        debit=ledger_pb2.LedgerAccount(kind=points_pb2.ACCOUNT_KIND_ISSUED),
        credit=ledger_pb2.LedgerAccount(member="ann"),
    )
    made = await points.call("PostTransfers", ledger_pb2.PostTransfersRequest(transfers=[transfer]), brand)
    assert (await tier_of(points, brand)).tier == "gold"
    reverse = ledger_pb2.ReverseTransferRequest(transfer=str(made.results[0].entry), idempotency_key="r")
    await points.call("ReverseTransfer", reverse, brand)
    assert (await tier_of(points, brand)).tier == "bronze"
    assert [reason for _, _, reason, _ in await history(points, brand)] == ["QUALIFIED", "TAKEN_BACK"]
    assert [sentence for sentence in await found_wrong(servers, brand) if "tier" in sentence] == []


async def test_a_tier_is_not_kept_by_what_was_taken_back(points: Points, streams: Streams, brand: str) -> None:
    spend = tb.TierSpend(activity_types=["purchase"], attribute="amount", less_activity_types=["refund"])
    found = qualified(
        tb.TierQualifier(id="spend", spend=spend, window=YEAR),
        silver={"spend": 100},
        gold={"spend": 300},
        keep=NEXT_YEAR,
    )
    attributes = [programme_pb2.Attribute(name="amount", kind=programme_pb2.ATTRIBUTE_KIND_INTEGER)]
    found.activity_types.add(type="refund", attributes=attributes)
    await points.apply(brand, found)
    now = datetime.now(UTC)
    await points.record(brand, at(purchase("a", amount=150), now), at(purchase("b", amount=250), now))
    assert (await tier_of(points, brand)).tier == "gold"
    refund = Activity(id="r", member="ann", type="refund", occurred_at=now)
    refund.attributes.update({"amount": 250})
    await points.record(brand, refund)
    assert [(to, reason) for _, to, reason, _ in await history(points, brand)] == [
        ("silver", "QUALIFIED"),
        ("gold", "QUALIFIED"),
        ("silver", "TAKEN_BACK"),
    ]


async def test_earnings_before_the_window_was_declared_count(points: Points, shop: str) -> None:
    now = datetime.now(UTC)
    await points.record(shop, at(purchase("a", amount=500), now - timedelta(days=400)))
    await points.record(shop, at(purchase("b", amount=150), now - timedelta(days=40)))
    assert (await tier_of(points, shop)).tier == "gold"
    await points.apply(shop, with_club(window=tb.TierWindow(rolling_days=90)))
    await points.record(shop, at(purchase("c", amount=50), now))
    shown = await tier_of(points, shop)
    assert (shown.tier, shown.progress[0].amount) == ("silver", 200)


# -- time passes ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("downgrade", "follows"),
    [
        (tb.TIER_DOWNGRADE_NEVER, "gold"),
        (tb.TIER_DOWNGRADE_ONE_STEP, "silver"),
        (tb.TIER_DOWNGRADE_BALANCE, "bronze"),
    ],
    ids=["never", "one_step", "balance"],
)
async def test_a_tier_whose_time_is_over_is_lost_by_the_policy(
    points: Points, streams: Streams, brand: str, downgrade: Any, follows: str
) -> None:
    await points.apply(brand, with_club(window=YEAR, keep=NEXT_YEAR, downgrade=downgrade))
    this = datetime.now(UTC).year
    await points.record(brand, at(purchase("a", amount=700), day(this - 2, 5)))
    await asyncio.gather(*(settled(points, brand) for _ in range(5)))
    assert (await tier_of(points, brand)).tier == follows
    lost = [] if follows == "gold" else [("gold", follows, "LAPSED", f"{this}-01-01T00:00:00")]
    assert (await history(points, brand))[1:] == lost


async def _tier(points: Points, brand: str) -> str:
    return (await tier_of(points, brand)).tier


async def test_what_the_ended_year_held_keeps_a_tier(points: Points, streams: Streams, brand: str) -> None:
    await points.apply(brand, with_club(window=YEAR, keep=NEXT_YEAR))
    this = datetime.now(UTC).year
    purchases = [("a", 700, this - 3), ("b", 250, this - 2)]
    await points.record(brand, *(at(purchase(name, amount=amount), day(year)) for name, amount, year in purchases))
    await settled(points, brand)
    assert await history(points, brand) == [
        ("bronze", "gold", "QUALIFIED", day(this - 3).replace(tzinfo=None).isoformat()),
        ("gold", "silver", "LAPSED", f"{this - 1}-01-01T00:00:00"),
        ("silver", "bronze", "LAPSED", f"{this}-01-01T00:00:00"),
    ]


async def test_a_rolling_window_that_shrinks_takes_the_tier_after_a_warning(
    points: Points, streams: Streams, servers: Servers, brand: str
) -> None:
    ladder = {"window": tb.TierWindow(rolling_days=30), "grace_days": 10}
    await points.apply(brand, with_club(**ladder))
    today = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    midnight = today.replace(hour=0)
    for name, member, days in (("a", "ann", 45), ("b", "bob", 35)):
        await points.record(brand, at(purchase(name, member, amount=250), today - timedelta(days=days)))
    await settled(points, brand)
    assert ((await tier_of(points, brand)).tier, (await tier_of(points, brand, "bob")).tier) == ("bronze", "silver")
    lost = midnight - timedelta(days=5)
    assert (await history(points, brand))[-1] == ("silver", "bronze", "LAPSED", lost.replace(tzinfo=None).isoformat())
    told = {event.member: event for event in await streams.told(brand, TierAtRisk)}
    assert [(event.tier, event.next_tier) for event in told.values()] == [("silver", "bronze")] * 2
    assert told["ann"].lost_at.ToDatetime(tzinfo=UTC) == lost
    assert told["ann"].occurred_at.ToDatetime(tzinfo=UTC) == lost - timedelta(days=10)
    bob = await tier_of(points, brand, "bob")
    assert bob.at_risk_until.ToDatetime(tzinfo=UTC) == midnight + timedelta(days=5)
    assert (bob.progress[0].missing_to_keep, bob.progress[0].amount) == (200, 0)
    await points.record(brand, at(purchase("c", "bob", amount=200), today - timedelta(days=1)))
    bob = await tier_of(points, brand, "bob")
    assert (bob.tier, bob.HasField("at_risk_until")) == ("silver", False)
    assert await found_wrong(servers, brand) == []


async def test_what_was_due_is_decided_before_what_came_after_it(points: Points, streams: Streams, brand: str) -> None:
    """One request brings a year of which a part is over: the tier is lost between two of its purchases."""
    await points.apply(brand, with_club(window=tb.TierWindow(rolling_days=10)))
    start = datetime.now(UTC) - timedelta(days=60)
    await points.record(
        brand,
        at(purchase("a", amount=600), start),
        at(purchase("b", amount=1), start + timedelta(days=30)),
        at(purchase("c", amount=600), start + timedelta(days=59, hours=23)),
    )
    assert [event.tier for event in await streams.told(brand, ActivityRecorded)] == ["gold", "bronze", "gold"]
    assert [(before, after) for before, after, _, _ in await history(points, brand)] == [
        ("bronze", "gold"),
        ("gold", "bronze"),
        ("bronze", "gold"),
    ]


async def test_a_tier_reached_on_another_ladder_is_kept_by_the_new_one(
    points: Points, streams: Streams, shop: str
) -> None:
    now = datetime.now(UTC)
    await points.record(shop, at(purchase("a", amount=700), now - timedelta(days=400)))
    await points.apply(shop, with_club(window=tb.TierWindow(rolling_days=90), keep=tb.TierKeep(days=10)))
    await points.record(shop, at(purchase("b", amount=1), now - timedelta(days=30)))
    await points.record(shop, at(purchase("c", amount=1), now - timedelta(days=5)))
    await settled(points, shop)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    lost = ("gold", "bronze", "LAPSED", (midnight - timedelta(days=19)).isoformat())
    assert (await history(points, shop))[1:] == [lost]


# -- managers ------------------------------------------------------------------


async def test_a_manager_sets_a_tier_until_a_moment_and_what_is_earned_holds_afterwards(
    points: Points, streams: Streams, servers: Servers, shop: str
) -> None:
    await points.record(shop, purchase("a", amount=250))
    until = datetime.now(UTC) + timedelta(seconds=2)
    answers = await asyncio.gather(*(set_tier(points, shop, "k", "gold", until=until) for _ in range(CALLERS)))
    assert {(answer.from_tier, answer.tier) for answer in answers} == {("silver", "gold")}
    shown = await tier_of(points, shop)
    assert (shown.tier, shown.earned_tier, shown.set_tier, shown.locked) == ("gold", "silver", "gold", False)
    assert await code_of(set_tier(points, shop, "k", "silver")) == "idempotency_conflict"
    await points.record(shop, purchase("b", amount=10))
    assert (await tier_of(points, shop)).tier == "gold"
    await eventually(lambda: _tier(points, shop), "silver")
    assert [(to, reason) for _, to, reason, _ in await history(points, shop)] == [
        ("silver", "QUALIFIED"),
        ("gold", "SET"),
        ("silver", "SET_ENDED"),
    ]
    reasons = [event.reason for event in await streams.told(shop, TierChanged)]
    assert reasons == [
        REASON.TIER_CHANGE_REASON_QUALIFIED,
        REASON.TIER_CHANGE_REASON_SET,
        REASON.TIER_CHANGE_REASON_SET_ENDED,
    ]
    assert await found_wrong(servers, shop) == []


async def test_a_locked_tier_is_neither_raised_nor_lowered_and_a_set_one_is_raised(points: Points, shop: str) -> None:
    await points.enrol(shop, "ann")
    await set_tier(points, shop, "k", "silver", locked=True)
    await points.record(shop, purchase("a", amount=700))
    shown = await tier_of(points, shop)
    assert (shown.tier, shown.earned_tier, shown.locked) == ("silver", "gold", True)
    await set_tier(points, shop, "l", "silver")
    assert (await tier_of(points, shop)).tier == "gold"
    await set_tier(points, shop, "m", "")
    assert (await tier_of(points, shop)).tier == "gold"
    request = tiers_pb2.ListTierHistoryRequest(member="ann", page_size=1)
    first = await points.call("ListTierHistory", request, shop)
    assert (first.entries[0].note, first.entries[0].by) == ("She asked.", "shop")
    request.page_token = first.next_page_token
    assert (await points.call("ListTierHistory", request, shop)).entries[0].to_tier == "gold"


async def test_what_a_manager_says_is_checked(points: Points, shop: str) -> None:
    await points.enrol(shop, "ann")
    past = datetime.now(UTC) - timedelta(days=1)
    assert await code_of(set_tier(points, shop, "a", "platinum")) == "unknown_tier"
    assert await code_of(set_tier(points, shop, "b", "gold", member="nobody")) == "unknown_member"
    assert await code_of(set_tier(points, shop, "c", "gold", reason="")) == "invalid_argument"
    assert await code_of(set_tier(points, shop, "d", "gold", until=past)) == "invalid_argument"
    assert await code_of(set_tier(points, shop, "", "gold")) == "invalid_argument"
    request = tiers_pb2.SetMemberTierRequest(member="ann", tier="gold", reason="Me.", idempotency_key="e")
    assert await code_of(points.call("SetMemberTier", request, shop, subject="ann", scope="member")) == (
        "permission_denied"
    )


# -- subscriptions -------------------------------------------------------------


async def test_a_subscription_gives_its_tier_while_it_is_paid(
    points: Points, streams: Streams, servers: Servers, shop: str
) -> None:
    await points.record(shop, purchase("a", amount=250))
    until = datetime.now(UTC) + timedelta(seconds=2)
    answers = await asyncio.gather(*(pay(points, shop, "k", until) for _ in range(CALLERS)))
    assert {(answer.tier, answer.subscription.active) for answer in answers} == {("gold", True)}
    assert await code_of(pay(points, shop, "k", until + timedelta(days=1))) == "idempotency_conflict"
    await points.record(shop, purchase("b", amount=1))
    assert (await points.wallets(shop, "ann"))["gems"] == (1, 1)
    await eventually(lambda: _tier(points, shop), "silver")
    assert [event.active for event in await streams.told(shop, SubscriptionChanged)] == [True, False]
    assert [(to, reason) for _, to, reason, _ in await history(points, shop)][1:] == [
        ("gold", "SUBSCRIPTION_PAID"),
        ("silver", "SUBSCRIPTION_ENDED"),
    ]
    assert await found_wrong(servers, shop) == []


async def test_a_shorter_payment_shortens_nothing_and_a_cancellation_ends_at_once(points: Points, shop: str) -> None:
    await points.enrol(shop, "ann")
    now = datetime.now(UTC)
    await pay(points, shop, "a", now + timedelta(days=30))
    await pay(points, shop, "b", now + timedelta(days=10))
    request = tiers_pb2.ListSubscriptionsRequest(member="ann")
    (shown,) = (await points.call("ListSubscriptions", request, shop)).subscriptions
    assert (shown.subscription, shown.tier, shown.active) == ("club", "gold", True)
    assert shown.paid_until.ToDatetime(tzinfo=UTC) == now + timedelta(days=30)
    cancel = tiers_pb2.CancelSubscriptionRequest(member="ann", subscription="club", idempotency_key="c")
    for _ in range(2):
        answer = await points.call("CancelSubscription", cancel, shop)
        assert (answer.tier, answer.subscription.active) == ("bronze", False)
    await pay(points, shop, "a", now + timedelta(days=30))  # the first payment again pays nothing again
    assert (await tier_of(points, shop)).tier == "bronze"
    assert await code_of(pay(points, shop, "d", now + timedelta(days=1), "gym")) == "unknown_subscription"
    assert await code_of(pay(points, shop, "e", now)) == "invalid_argument"


async def test_a_subscription_that_the_programme_has_no_more_ends(
    points: Points, streams: Streams, servers: Servers, shop: str
) -> None:
    await points.enrol(shop, "ann")
    await pay(points, shop, "a", datetime.now(UTC) + timedelta(seconds=1.5))
    without = with_club()
    del without.points.subscriptions[:]
    await points.apply(shop, without)
    assert await code_of(pay(points, shop, "b", datetime.now(UTC) + timedelta(days=1))) == "unknown_subscription"
    await eventually(lambda: _tier(points, shop), "bronze")
    assert await found_wrong(servers, shop) == []
    mine = {"subject": "ann", "scope": "member"}
    request = tiers_pb2.PaySubscriptionRequest(member="ann", subscription="club", idempotency_key="c")
    assert await code_of(points.call("PaySubscription", request, shop, **mine)) == "permission_denied"


async def test_activities_pay_and_end_a_subscription(points: Points, streams: Streams, shop: str) -> None:
    now = datetime.now(UTC)
    paid, left = (
        Activity(id=name, member="ann", type=name, occurred_at=now - timedelta(days=days))
        for name, days in (("club_paid", 3), ("club_left", 1))
    )
    await points.record(shop, paid, at(purchase("a", amount=1), now - timedelta(days=2)))
    assert (await tier_of(points, shop)).tier == "gold"
    await points.record(shop, left)
    assert (await tier_of(points, shop)).tier == "bronze"
    late = Activity(id="late", member="ann", type="club_paid", occurred_at=now - timedelta(days=2))
    await points.record(shop, late)
    assert (await tier_of(points, shop)).tier == "bronze"
    assert (await points.wallets(shop, "ann"))["gems"] == (1, 1)


# -- what members see -----------------------------------------------------------


async def test_benefits_are_shown_and_their_flags_hold_in_earning_rules(
    points: Points, streams: Streams, brand: str
) -> None:
    found = with_club()
    found.points.tiers.levels[1].benefits.add(id="ship", name="Free delivery", flags=["free_delivery"])
    found.points.earning_rules.add(
        id="flag", activity_type="visit", condition="benefit.free_delivery", amount="5", currency="gems"
    )
    await points.apply(brand, found)
    await points.record(brand, visit("v1"), purchase("a", amount=250), visit("v2"))
    assert (await points.wallets(brand, "ann"))["gems"] == (5, 5)
    answer = await points.call("GetMember", points_pb2.GetMemberRequest(member="ann"), brand)
    assert [benefit.name for benefit in answer.benefits] == ["Free delivery"]
    assert [benefit.id for benefit in (await tier_of(points, brand)).benefits] == ["ship"]
    tiers = (await points.call("ListTiers", tiers_pb2.ListTiersRequest(), brand, scope="member")).tiers
    assert [tier.id for tier in tiers] == ["bronze", "silver", "gold"]
    assert [benefit.id for benefit in tiers[1].benefits] == ["ship"]
    assert [(r.qualifier, r.amount) for r in tiers[2].requirements] == [("earned", 600)]


async def test_a_member_sees_their_own_standing_and_no_other_s(points: Points, shop: str) -> None:
    for member in ("ann", "bob"):
        await points.enrol(shop, member)
    assert (await tier_of(points, shop, subject="ann", scope="member")).member == "ann"
    assert await code_of(tier_of(points, shop, "bob", subject="ann", scope="member")) == "unknown_member"
    request = tiers_pb2.ListSubscriptionsRequest(member="bob")
    mine = {"subject": "ann", "scope": "member"}
    assert await code_of(points.call("ListSubscriptions", request, shop, **mine)) == "unknown_member"
    assert await code_of(tier_of(points, shop, "nobody")) == "unknown_member"
    history_of = tiers_pb2.ListTierHistoryRequest(member="ann")
    assert await code_of(points.call("ListTierHistory", history_of, shop, **mine)) == "permission_denied"


# -- what may go wrong ------------------------------------------------------------


async def test_what_is_wrong_with_tiers_is_said_with_its_place(points: Points, brand: str) -> None:
    found = with_club(downgrade=tb.TIER_DOWNGRADE_ONE_STEP, grace_days=366)
    found.points.tiers.keep.days = 0
    found.points.tiers.levels[1].requirements.add(qualifier="x", amount=1)
    found.points.tiers.levels[1].benefits.add(id="b", flags=["No"])
    found.points.subscriptions.add(id="gym", tier="iron", paid_days=3)
    wrong = await refused(points, brand, found)
    assert wrong == {
        "points.tiers.keep", "points.tiers.downgrade", "points.tiers.grace_days", "points.tiers.keep.days",
        "points.tiers.levels[1].requirements", "points.tiers.levels[1].benefits[0].flags[0]",
        "points.subscriptions[1].tier", "points.subscriptions[1].paid_days",
    }  # fmt: skip
    spend = tb.TierSpend(activity_types=["visit", "trip"], attribute="amount", condition="member.tier == 'gold'")
    found = qualified(
        tb.TierQualifier(id="a", window=tb.TierWindow()),
        tb.TierQualifier(id="b", spend=spend),
        tb.TierQualifier(id="c", earned="euros", window=tb.TierWindow(rolling_days=0)),
        tb.TierQualifier(
            id="d", activities=tb.TierCountOf(activity_types=["purchase"], condition="attributes.amonut > 1")
        ),
        silver={"a": 5, "z": 1},
        gold={"a": 4},
        downgrade=tb.TIER_DOWNGRADE_ONE_STEP,
    )
    found.points.tiers.levels[2].threshold = 7
    found.points.tiers.currency = "points"
    wrong = await refused(points, brand, found)
    assert {path.removeprefix("points.tiers.") for path in wrong} == {
        "qualifiers[0]", "qualifiers[0].window", "qualifiers[1].spend.attribute",
        "qualifiers[1].spend.activity_types[1]", "qualifiers[2].earned", "qualifiers[2].window.rolling_days",
        "qualifiers[3].activities.condition", "levels[1].requirements[1].qualifier",
        "levels[2].requirements[0].amount", "levels[2].threshold", "currency", "downgrade",
    }  # fmt: skip


async def refused(points: Points, brand: str, found: programme_pb2.Programme) -> set[str]:
    with pytest.raises(InvalidArgument) as refusal:
        await points.apply(brand, found)
    return {violation.field for violation in refusal.value.violations}


async def test_callers_at_once_reach_a_tier_once(
    points: Points, streams: Streams, servers: Servers, brand: str
) -> None:
    await points.apply(brand, with_club(window=tb.TierWindow(rolling_days=7)))
    now = datetime.now(UTC)
    activities = [at(purchase(f"p{number}", amount=30), now) for number in range(CALLERS)]
    await asyncio.gather(*(points.record(brand, activity) for activity in [*activities, *activities]))
    shown = await tier_of(points, brand)
    assert (shown.tier, shown.progress[0].amount) == ("gold", 600)
    assert [event.to_tier for event in await streams.told(brand, TierChanged)] == ["silver", "gold"]
    assert await found_wrong(servers, brand) == []


async def test_verification_finds_damage(points: Points, streams: Streams, servers: Servers, brand: str) -> None:
    spend = tb.TierQualifier(
        id="spend",
        spend=tb.TierSpend(activity_types=["purchase"], attribute="amount", condition="attributes.amount > 5"),
        window=YEAR,
    )
    status = tb.TierQualifier(id="status", earned="points", window=YEAR)
    demands = {"silver": {"spend": 100}, "gold": {"spend": 300, "status": 300}}
    await points.apply(brand, qualified(spend, status, **demands))
    now = datetime.now(UTC)
    await points.record(brand, at(purchase("a", amount=150), now), at(purchase("b", amount=5), now))
    assert await found_wrong(servers, brand) == []
    change = "UPDATE tier_buckets SET amount = amount + 1 WHERE brand = $1 AND qualifier = $2"
    for qualifier in ("spend", "status"):
        await damage(servers, change, brand, qualifier)
        (sentence,) = await found_wrong(servers, brand)
        assert f"ann ({qualifier})" in sentence
        await damage(servers, change.replace("+", "-"), brand, qualifier)
    await damage(servers, "UPDATE members SET tier = 'gold' WHERE brand = $1", brand)
    sentences = await found_wrong(servers, brand)
    assert len(sentences) == 2
    assert "newest in the history" in sentences[0]
    assert "that their standing gives" in sentences[1]
