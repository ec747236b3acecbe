"""Rules that stack, multiply and are bounded, refunds, and approvals, over gRPC on the real servers."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from chassis.errors import DomainError, InvalidArgument
from cli.embedded import Servers
from laurels.activity.v1.activity_pb2 import Activity
from laurels.points.v1 import (
    earning_events_pb2,
    earning_pb2,
    earning_pb2_grpc,
    events_pb2,
    ledger_pb2,
    ledger_pb2_grpc,
    points_pb2,
)
from laurels.points.v1 import programme_earning_pb2 as pe
from laurels.points.v1 import programme_pb2 as pb
from laurels.programme.v1 import programme_pb2
from services.points import limits
from services.points.verification import violations
from tests.conftest import running
from tests.integration.points_support import (
    INTEGER,
    NOON,
    PER_UNIT,
    TEXT,
    Points,
    Streams,
    earned,
    programme,
    purchase,
    rule,
    streams_of,
    visit,
)

GOLD_ON_WEEKENDS = "member.tier == 'gold' && activity.weekday >= 6"
MEMBER_DAY = pe.EarningCap(scope=pe.CAP_SCOPE_MEMBER, period=pe.CAP_PERIOD_DAY, amount=150)


@pytest.fixture(scope="module")
async def earning(settings_of: Callable[..., Any], token: Callable[..., str]) -> AsyncIterator[Points]:
    async with running("points", settings_of("points")) as channel:
        stubs = (earning_pb2_grpc.EarningServiceStub(channel), ledger_pb2_grpc.LedgerServiceStub(channel))
        yield Points(channel, token, *stubs)


@pytest.fixture(scope="module")
async def streams(servers: Servers, earning: Points) -> AsyncIterator[Streams]:
    async with streams_of(servers) as client:
        found = Streams(earning, client)
        yield found
        await found.forget()


@pytest.fixture
def checked(servers: Servers, brand: str) -> Callable[..., Any]:
    """What `laurels verify` finds in the test's brand, after a statement of damage that is rolled back."""

    async def check(damage: str = "") -> list[str]:
        session = await asyncpg.connect(servers.postgres.admin_url("laurels_points"))
        try:
            transaction = session.transaction(isolation="repeatable_read")
            await transaction.start()
            await session.execute("SELECT set_config('laurels.brand', $1, true)", brand)
            await session.execute("SET LOCAL ROLE laurels_points_owner")
            if damage:
                await session.execute(damage)
            found = await violations(session)
            await transaction.rollback()
        finally:
            await session.close()
        return found

    return check


def bound(name: str = "per_unit", amount: str = "attributes.amount", **more: Any) -> pb.EarningRule:
    """A rule of purchases with terms of its own; `since` is its `from`."""
    since = more.pop("since", "")
    found = pb.EarningRule(id=name, activity_type="purchase", amount=amount, currency="points", **more)
    setattr(found, "from", since)
    return found


def refundable(policy: Any = pe.REFUND_POLICY_DOWN_TO_ZERO, *rules: pb.EarningRule) -> programme_pb2.Programme:
    """A programme in which an activity of type `refund` takes back what a purchase earned."""
    found = programme(*rules)
    found.activity_types.append(
        programme_pb2.ActivityType(
            type="refund",
            attributes=[
                programme_pb2.Attribute(name="of", kind=TEXT, required=True),
                programme_pb2.Attribute(name="amount", kind=INTEGER, required=True),
            ],
        )
    )
    found.points.refunds.add(
        activity_type="refund", purchase_type="purchase", purchase="of", amount="amount", total="amount", policy=policy
    )
    return found


def refund(name: str, of: str, amount: int, member: str = "ann") -> Activity:
    found = Activity(id=name, member=member, type="refund", occurred_at=NOON + timedelta(hours=1))
    found.attributes.update({"of": of, "amount": amount})
    return found


async def paths_of(call: Any) -> list[str]:
    with pytest.raises(InvalidArgument) as refusal:
        await call
    return [violation.field for violation in refusal.value.violations]


async def report(earning: Points, brand: str) -> dict[str, earning_pb2.EarningRuleReport]:
    answer = await earning.call("GetEarningRulesReport", earning_pb2.GetEarningRulesReportRequest(), brand)
    return {row.rule: row for row in answer.rules}


async def decide(earning: Points, brand: str, **named: Any) -> dict[str, str]:
    """The code of each lot that was decided on; empty for those that were."""
    answer = await earning.call("DecideApprovals", earning_pb2.DecideApprovalsRequest(**named), brand)
    return {result.lot: result.code for result in answer.results}


async def waiting(earning: Points, brand: str, page_size: int = 0, rule: str = "") -> list[ledger_pb2.PendingLot]:
    """All lots that wait for approval, through as many pages as it takes."""
    found, token = [], ""
    while True:
        request = earning_pb2.ListApprovalsRequest(page_size=page_size, page_token=token, rule=rule)
        answer = await earning.call("ListApprovals", request, brand)
        found += answer.lots
        token = answer.next_page_token
        if not token:
            return found


# -- rules -------------------------------------------------------------------


async def test_the_hour_and_weekday_are_the_zones(earning: Points, brand: str) -> None:
    found = programme(
        rule("late", "activity.hour", condition="activity.hour == 0"),
        rule("monday", "100", condition="activity.weekday == 1"),
    )
    found.time_zone = "Europe/Berlin"
    await earning.apply(brand, found)
    # The 1st of March 2026 is a Sunday; at 23:30 in UTC it is Monday, half past midnight, in Berlin.
    answer = await earning.record(brand, purchase("a", minute=690), purchase("b", minute=0))
    assert earned(answer) == [{"points": 100}, {}]


async def test_gold_members_earn_double_on_the_weekend(earning: Points, brand: str) -> None:
    found = programme(PER_UNIT, rule("gem", "3", currency="gems"))
    found.points.multipliers.add(id="weekend", condition=GOLD_ON_WEEKENDS, currencies=["points"], percent=200)
    setattr(found.points.multipliers[0], "from", "2026-03-01")
    found.points.multipliers[0].until = "2026-03-08"
    await earning.apply(brand, found)
    day = 24 * 60
    answer = await earning.record(
        brand,
        purchase("bronze", amount=600),
        purchase("gold", amount=101),
        purchase("monday", amount=100, minute=day),
        purchase("saturday", amount=100, minute=6 * day),
        purchase("after", amount=100, minute=13 * day),
    )
    assert [found["points"] for found in earned(answer)] == [600, 202, 100, 200, 100]
    assert {found["gems"] for found in earned(answer)} == {3}


async def test_multipliers_add_up_and_exclusive_ones_give_way_to_the_highest_priority(
    earning: Points, brand: str
) -> None:
    found = programme(PER_UNIT)
    for name, percent, priority in (("low", 300, 1), ("high", 150, 2), ("off", 900, 3)):
        found.points.multipliers.add(
            id=name,
            activity_type="purchase",
            condition="attributes.gift" if name == "off" else "",
            percent=percent,
            stacking=pe.STACKING_EXCLUSIVE,
            group="g",
            priority=priority,
        )
    found.points.multipliers.add(id="more", percent=125)
    await earning.apply(brand, found)
    assert earned(await earning.record(brand, purchase("a", amount=101))) == [{"points": 176}]


async def test_an_exclusive_rule_gives_way_and_an_additive_one_does_not(earning: Points, brand: str) -> None:
    exclusive = {"stacking": pe.STACKING_EXCLUSIVE, "group": "welcome"}
    await earning.apply(
        brand,
        programme(
            bound("first", "10", **exclusive),
            bound("second", "20", **exclusive),
            bound("top", "1000", condition="attributes.amount > 500", priority=5, **exclusive),
            bound("over", "5000", since="2027-01-01", priority=9, **exclusive),
            bound("added", "3", stacking=pe.STACKING_ADDITIVE, group="welcome"),
        ),
    )
    answer = await earning.record(brand, purchase("a", amount=100), purchase("b", amount=501))
    assert earned(answer) == [{"points": 13}, {"points": 1003}]


async def test_a_rule_is_bound_to_its_window(earning: Points, brand: str) -> None:
    window = bound(since="2026-03-01T12:01:00Z", until="2026-03-01")
    await earning.apply(brand, programme(window))
    answer = await earning.record(brand, *(purchase(f"p{m}", amount=7, minute=m) for m in (0, 1, 719, 720)))
    assert earned(answer) == [{}, {"points": 7}, {"points": 7}, {}]


# -- limits ------------------------------------------------------------------


async def test_caps_cut_what_exceeds_them_by_the_activitys_own_day(
    earning: Points, brand: str, checked: Callable[..., Any]
) -> None:
    caps = [MEMBER_DAY, pe.EarningCap(scope=pe.CAP_SCOPE_PROGRAMME, period=pe.CAP_PERIOD_WEEK, amount=400)]
    await earning.apply(brand, programme(bound(caps=caps)))
    day = 24 * 60
    answer = await earning.record(
        brand,
        purchase("a", amount=100),
        purchase("b", amount=100),
        purchase("c", amount=100),
        purchase("tomorrow", amount=100, minute=day),
        purchase("yesterday", amount=200, minute=-day),
        purchase("bob", member="bob", amount=300),
        purchase("eve", member="eve", amount=300),
    )
    # Sunday ends a week, and Monday begins the next one: 350 and 100 of 400.
    assert earned(answer) == [
        {"points": 100}, {"points": 50}, {}, {"points": 100}, {"points": 150}, {"points": 100}, {},
    ]  # fmt: skip
    assert earned(await earning.record(brand, purchase("b", amount=100))) == [{"points": 50}]
    assert await checked() == []
    damage = "UPDATE counters SET value = value - 1 WHERE owner = 'bob'"
    assert await checked(damage) == ["The limits of rule per_unit (bob) did not count what it gave."]
    damage = "UPDATE counters SET value = value + 1 WHERE owner LIKE '#%' AND value > 0"
    assert await checked(damage) == ["The limits of rule per_unit did not count what it gave."]


async def test_a_spent_budget_pauses_its_rule_says_so_once_and_a_higher_one_resumes_it(
    earning: Points, brand: str, streams: Streams, checked: Callable[..., Any]
) -> None:
    exclusive = {"stacking": pe.STACKING_EXCLUSIVE, "group": "g"}
    first = programme(bound("promo", budget=1_000, priority=1, **exclusive), bound("usual", "1", **exclusive))
    await earning.apply(brand, first)
    batches = [
        [purchase(f"p{caller}-{n}", member=f"m{caller % 7}", amount=40, minute=n) for n in range(3)]
        for caller in range(20)
    ]
    answers = await asyncio.gather(*(earning.record(brand, *batch) for batch in batches))
    amounts = sorted(found["points"] for answer in answers for found in earned(answer))
    assert amounts == [1] * 35 + [40] * 25
    row = (await report(earning, brand))["promo"]
    assert (row.times, row.issued, row.budget, row.budget_left, row.paused) == (25, 1_000, 1_000, 0, True)
    assert (await report(earning, brand))["usual"].times == 35
    assert await checked() == []
    first.points.earning_rules[0].budget = 1_030
    await earning.apply(brand, first)
    assert next((row.budget_left, row.paused) for row in (await report(earning, brand)).values()) == (30, False)
    again = await earning.record(brand, purchase("x", amount=40), purchase("y", amount=40))
    assert earned(again) == [{"points": 30}, {"points": 1}]
    told = await streams.told(brand, earning_events_pb2.EarningRulePaused)
    assert [(event.rule, event.budget, event.programme_version) for event in told] == [
        ("promo", 1_000, 1),
        ("promo", 1_030, 2),
    ]


async def test_processes_that_do_not_wait_for_each_other_give_no_more_than_the_budget(
    earning: Points, brand: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    budget = 6_400
    await earning.apply(brand, programme(bound(budget=budget)))
    given = 0
    for number in range(40):
        monkeypatch.setattr(limits.store, "STRIPE", number % limits.store.STRIPES)
        answer = await earning.record(brand, *(purchase(f"p{number}-{n}", amount=9) for n in range(19)))
        given += sum(found.get("points", 0) for found in earned(answer))
    assert given == budget
    row = (await report(earning, brand))["per_unit"]
    assert (row.issued, row.budget_left, row.paused) == (budget, 0, True)


# -- refunds -----------------------------------------------------------------


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("first", ["purchase", "refund"])
async def test_it_does_not_matter_which_of_a_purchase_and_its_refund_arrives_first(
    earning: Points, brand: str, first: str, together: bool, checked: Callable[..., Any]
) -> None:
    await earning.apply(brand, refundable())
    activities = [purchase("p", amount=700), refund("r", "p", 300)]
    if first == "refund":
        activities.reverse()
    for batch in [activities] if together else [[activity] for activity in activities]:
        await earning.record(brand, *batch)
    assert (await earning.wallets(brand, "ann"))["points"] == (400, 400)
    assert (await earning.member(brand, "ann")).tier == "silver"
    assert await checked() == []


async def test_activities_in_any_order_leave_the_same_balances(
    earning: Points, brand: str, checked: Callable[..., Any]
) -> None:
    later = rule("later", "attributes.amount / 3", currency="gems")
    later.pending.until_approved = True
    activities = [purchase(f"p{n}", f"m{n % 3}", amount=31 + n * 7) for n in range(9)]
    activities += [refund(f"r{n}-{part}", f"p{n}", 5 + n * part, f"m{n % 3}") for n in range(9) for part in range(3)]
    found = []
    for seed in range(4):
        name = f"{brand}-{seed}" if seed else brand
        await earning.apply(name, refundable(pe.REFUND_POLICY_DOWN_TO_ZERO, PER_UNIT, later))
        chance = random.Random(seed)
        left = chance.sample(activities, len(activities))
        while left:
            size = chance.randint(1, 12)
            batch, left = left[:size], left[size:]
            await earning.record(name, *batch)
        wallets = [
            await earning.call("ListWallets", points_pb2.ListWalletsRequest(member=f"m{n}"), name) for n in range(3)
        ]
        found.append([(w.currency, w.available, w.pending, w.earned) for one in wallets for w in one.wallets])
    assert found == [found[0]] * 4
    assert await checked() == []


async def test_refunds_in_parts_take_back_exactly_everything(
    earning: Points, brand: str, streams: Streams, checked: Callable[..., Any]
) -> None:
    found = refundable(pe.REFUND_POLICY_DOWN_TO_ZERO, PER_UNIT, rule("gem", "7", currency="gems"))
    await earning.apply(brand, found)
    await earning.record(brand, purchase("p", amount=100), purchase("other", amount=50))
    left = []
    for name, amount in (("r1", 33), ("r2", 33), ("r3", 33), ("r4", 1), ("r5", 50)):
        activity = refund(name, "p", amount)
        answers = await asyncio.gather(*(earning.record(brand, activity) for _ in range(5)))
        assert sum(answer.accepted for answer in answers) == 1
        wallets = await earning.wallets(brand, "ann")
        left.append((wallets["points"][0], wallets["gems"][0]))
    assert left == [(117, 12), (84, 10), (51, 8), (50, 7), (50, 7)]
    kinds = [entry.kind for entry in await earning.statement(brand)]
    assert kinds.count(points_pb2.ENTRY_KIND_REFUND) == 8
    told = await streams.told(brand, earning_events_pb2.PointsRefunded)
    assert next((e.purchase, e.refund, e.refunded, e.total) for e in told) == ("p", "r1", 33, 100)
    assert [sum(t.available for t in e.taken if t.currency == "points") for e in told] == [33, 33, 33, 1, 0]
    assert await checked() == []
    damage = 'UPDATE refunds SET available = \'{"points": 99, "gems": 7}\''
    assert await checked(damage) == ["What refunds took of ann (points) is not what the entries say."]
    damage = 'UPDATE refunds SET due = \'{"points": 99, "gems": 7}\''
    assert await checked(damage) == ["Refunds of purchase p took more than their share."]
    damage = "UPDATE refunds SET total = NULL"
    assert await checked(damage) == ["A refund waits for purchase p, which is recorded."]


@pytest.mark.parametrize(
    ("policy", "available"),
    [
        (pe.REFUND_POLICY_PENDING_ONLY, 20),
        (pe.REFUND_POLICY_DOWN_TO_ZERO, 0),
        (pe.REFUND_POLICY_INTO_NEGATIVE, -30),
    ],
)
async def test_pending_points_are_taken_first_and_the_rest_as_the_policy_says(
    earning: Points, brand: str, policy: Any, available: int, streams: Streams, checked: Callable[..., Any]
) -> None:
    later = rule("later", "attributes.amount / 2")
    later.pending.days = 3_000
    found = refundable(policy, PER_UNIT, later)
    found.points.currencies[0].overdraft_max = 30
    found.points.currencies[0].expiry.days = 3_000
    await earning.apply(brand, found)
    await earning.record(brand, purchase("p", amount=100))
    await earning.spend(brand, "s", 80)
    await earning.record(brand, refund("r", "p", 20))
    wallets = await earning.call("ListWallets", points_pb2.ListWalletsRequest(member="ann"), brand)
    assert next((w.available, w.pending, w.earned) for w in wallets.wallets) == (20, 20, 120)
    await earning.record(brand, refund("r2", "p", 80))
    wallets = await earning.call("ListWallets", points_pb2.ListWalletsRequest(member="ann"), brand)
    assert next((w.available, w.pending, w.earned) for w in wallets.wallets) == (available, 0, 80 + available)
    assert (await earning.member(brand, "ann")).tier == "bronze"
    await earning.record(brand, purchase("q", amount=500), refund("r3", "p", 1))
    assert await earning.available(brand) == 500 + available, "what could not be taken is forgone"
    (_, second, third) = await streams.told(brand, earning_events_pb2.PointsRefunded)
    assert not third.taken
    taken = second.taken[0]
    assert (taken.due, taken.pending, taken.available, taken.balance) == (120, 20, 20 - available, available)
    assert await checked() == []


async def test_a_refund_takes_nothing_of_what_was_cancelled_or_reversed_before(earning: Points, brand: str) -> None:
    later = rule("later", "50")
    later.pending.until_approved = True
    await earning.apply(brand, refundable(pe.REFUND_POLICY_INTO_NEGATIVE, PER_UNIT, later))
    await earning.record(brand, purchase("p", amount=100), purchase("other", amount=1_000))
    entries = {entry.amount: entry for entry in await earning.statement(brand)}
    reversal = ledger_pb2.ReverseTransferRequest(transfer=str(entries[100].id), idempotency_key="k")
    await earning.call("ReverseTransfer", reversal, brand)
    lots = {lot.activity: lot.lot for lot in await waiting(earning, brand)}
    await decide(earning, brand, reject=[lots["p"]])
    await earning.record(brand, refund("r", "p", 100))
    assert await earning.available(brand) == 1_000


async def test_a_purchase_from_before_the_refund_rule_is_refunded_by_what_it_earned_then(
    earning: Points, brand: str, checked: Callable[..., Any]
) -> None:
    await earning.apply(brand, programme(rule("former", "attributes.amount * 2")))
    await earning.record(brand, purchase("p", amount=100))
    await earning.apply(brand, refundable())
    await earning.record(brand, refund("r", "p", 25))
    assert await earning.available(brand) == 150
    assert await checked() == []


async def test_what_a_refund_took_back_is_not_reversed_besides(earning: Points, brand: str) -> None:
    await earning.apply(brand, refundable())
    await earning.record(brand, purchase("p", amount=100), purchase("q", amount=300), refund("r", "p", 1))
    entries = {entry.amount: entry for entry in await earning.statement(brand)}
    reversal = ledger_pb2.ReverseTransferRequest(transfer=str(entries[100].id), idempotency_key="k")
    with pytest.raises(DomainError) as refusal:
        await earning.call("ReverseTransfer", reversal, brand)
    assert refusal.value.reason == "already_refunded"
    reversal = ledger_pb2.ReverseTransferRequest(transfer=str(entries[300].id), idempotency_key="k")
    await earning.call("ReverseTransfer", reversal, brand)
    assert await earning.available(brand) == 99


async def test_replicas_that_reverse_and_refund_at_the_same_time_take_back_once(
    earning: Points, brand: str, settings_of: Callable[..., Any], token: Callable[..., str], checked: Callable[..., Any]
) -> None:
    await earning.apply(brand, refundable())
    await earning.record(brand, *(purchase(f"p{n:02}", amount=100 + n) for n in range(20)), purchase("q", amount=5_000))
    entries = {entry.amount: entry for entry in await earning.statement(brand)}
    async with running("points", settings_of("points")) as channel:
        other = Points(channel, token, ledger_pb2_grpc.LedgerServiceStub(channel))
        for n in range(20):
            reversal = ledger_pb2.ReverseTransferRequest(transfer=str(entries[100 + n].id), idempotency_key=f"k{n}")
            await asyncio.gather(
                earning.record(brand, refund(f"r{n}", f"p{n:02}", 100 + n)),
                other.call("ReverseTransfer", reversal, brand),
                return_exceptions=True,
            )
    assert await earning.available(brand) == 5_000
    assert await checked() == []


async def test_a_refund_leaves_the_lot_that_its_purchase_went_into(earning: Points, brand: str) -> None:
    found = refundable()
    found.points.currencies[0].expiry.days = 300
    await earning.apply(brand, found)
    today = datetime.now(UTC)
    for name, days, amount in (("soon", 20, 10), ("late", 1, 40)):
        activity = purchase(name, amount=amount)
        activity.occurred_at.FromDatetime(today - timedelta(days=days))
        await earning.record(brand, activity)
    await earning.record(brand, refund("r", "late", 40))
    wallet = (await earning.call("ListWallets", points_pb2.ListWalletsRequest(member="ann"), brand)).wallets[0]
    assert (wallet.available, wallet.expiring_next) == (10, 10)


async def test_a_refund_of_anothers_purchase_or_of_no_purchase_is_refused_with_its_place(
    earning: Points, brand: str
) -> None:
    await earning.apply(brand, refundable())
    await earning.record(brand, purchase("p", member="bob"), visit("v"))
    for wrong in (refund("r", "p", 10), refund("r", "v", 10)):
        assert await paths_of(earning.record(brand, visit("w"), wrong)) == ["activities[1].attributes.of"]
    assert await paths_of(earning.record(brand, refund("r", "x", 0))) == ["activities[0].attributes.amount"]
    assert await earning.available(brand, "bob") == 100


async def test_replicas_that_take_a_purchase_and_its_refund_at_the_same_time_agree(
    earning: Points, brand: str, settings_of: Callable[..., Any], token: Callable[..., str], checked: Callable[..., Any]
) -> None:
    await earning.apply(brand, refundable(pe.REFUND_POLICY_DOWN_TO_ZERO, bound(budget=2_000, caps=[MEMBER_DAY])))
    members = [f"m{number:02}" for number in range(25)]
    async with running("points", settings_of("points")) as channel:
        other = Points(channel, token)
        for member in members:
            await asyncio.gather(
                earning.record(brand, purchase(f"p-{member}", member)),
                other.record(brand, refund(f"r-{member}", f"p-{member}", 25, member)),
                other.record(brand, purchase(f"q-{member}", member, amount=1)),
            )
    balances = [await earning.available(brand, member) for member in members]
    row = (await report(earning, brand))["per_unit"]
    assert (row.issued, row.paused) == (2_000, True)
    assert set(balances[:19]) == {76}
    assert await checked() == []


# -- approvals ---------------------------------------------------------------


async def test_reviews_wait_for_approval_and_are_decided_many_at_a_time(
    earning: Points, brand: str, streams: Streams, checked: Callable[..., Any]
) -> None:
    review = rule("review", "300", of="visit")
    review.pending.until_approved = True
    delayed = rule("delayed", "attributes.amount")
    delayed.pending.days = 3_000
    await earning.apply(brand, programme(review, delayed))
    await earning.record(brand, *(visit(f"v{n}", f"m{n}", n) for n in range(7)), purchase("p"))
    lots = await waiting(earning, brand, page_size=3)
    assert [lot.activity for lot in lots] == [f"v{n}" for n in range(7)]
    assert await waiting(earning, brand, rule="delayed") == []
    names = [lot.lot for lot in lots]
    own = (await earning.call("ListPendingLots", ledger_pb2.ListPendingLotsRequest(member="ann"), brand)).lots[0].lot
    named = {"approve": [*names[:3], own], "reject": [names[3], "none"], "reason": "checked"}
    answers = await asyncio.gather(*(decide(earning, brand, **named) for _ in range(10)))
    assert all(answer == answers[0] for answer in answers)
    assert answers[0] == dict.fromkeys(names[:4], "") | {own: "not_for_approval", "none": "unknown_lot"}
    assert (await decide(earning, brand, approve=[names[3]]))[names[3]] == "lot_ended"
    assert [await earning.available(brand, f"m{n}") for n in range(5)] == [300, 300, 300, 0, 0]
    assert [(await earning.member(brand, f"m{n}")).tier for n in (2, 3, 4)] == ["silver", "bronze", "silver"]
    assert [lot.lot for lot in await waiting(earning, brand)] == names[4:]
    told = await streams.told(brand, earning_events_pb2.ApprovalDecided, events_pb2.PendingLotChanged)
    decided = [event for event in told if isinstance(event, earning_events_pb2.ApprovalDecided)]
    assert [(e.member, e.approved, e.reason) for e in decided] == [
        ("m0", True, "checked"), ("m1", True, "checked"), ("m2", True, "checked"), ("m3", False, "checked"),
    ]  # fmt: skip
    assert len(told) == 2 * len(decided)
    assert await checked() == []


async def test_approvals_and_the_report_are_not_for_members(earning: Points, brand: str) -> None:
    await earning.apply(brand, programme())
    requests = {
        "ListApprovals": earning_pb2.ListApprovalsRequest(),
        "DecideApprovals": earning_pb2.DecideApprovalsRequest(approve=["x"]),
        "GetEarningRulesReport": earning_pb2.GetEarningRulesReportRequest(),
    }
    for method, request in requests.items():
        with pytest.raises(DomainError) as refusal:
            await earning.call(method, request, brand, subject="ann", scope="member")
        assert refusal.value.reason == "permission_denied"
    wrong = earning_pb2.DecideApprovalsRequest(approve=["x"], reject=["x"])
    assert await paths_of(earning.call("DecideApprovals", wrong, brand)) == ["reject[0]"]
    assert await paths_of(earning.call("DecideApprovals", earning_pb2.DecideApprovalsRequest(), brand)) == ["approve"]
    with pytest.raises(InvalidArgument):
        await earning.call("ListApprovals", earning_pb2.ListApprovalsRequest(page_token="x"), brand)


async def test_another_brands_lots_are_like_lots_that_do_not_exist(earning: Points, brand: str) -> None:
    review = rule("review", "300", of="visit")
    review.pending.until_approved = True
    other = f"{brand}-other"
    for name in (brand, other):
        await earning.apply(name, programme(review))
    await earning.record(brand, visit("v"))
    (lot,) = await waiting(earning, brand)
    assert await waiting(earning, other) == []
    assert await decide(earning, other, approve=[lot.lot]) == {lot.lot: "unknown_lot"}


# -- programmes that are wrong -----------------------------------------------


async def test_a_wrong_section_is_refused_with_the_places(earning: Points, brand: str) -> None:
    found = refundable()
    wrong = found.points.earning_rules[0]
    setattr(wrong, "from", "2026-13-01")
    wrong.until = "2026-03-01T10:00:00"
    wrong.stacking = pe.STACKING_EXCLUSIVE
    wrong.budget = -1
    wrong.caps.extend([MEMBER_DAY, MEMBER_DAY, pe.EarningCap(period=pe.CAP_PERIOD_DAY), pe.EarningCap(amount=1)])
    found.points.multipliers.add(id="m", condition="attributes.amount > 1", currencies=["coins"], percent=0)
    found.points.multipliers.add(id="m", activity_type="none", percent=200, group="a b")
    found.points.refunds.add(
        activity_type="refund", purchase_type="visit", purchase="amount", amount="of", total="amount"
    )
    found.points.refunds.add(
        activity_type="visit", purchase_type="purchase", purchase="of", amount="amount", total="pieces"
    )
    found.activity_types[1].attributes.add(name="amount", kind=TEXT, required=True)
    paths = await paths_of(earning.apply(brand, found))
    assert sorted(path.removeprefix("points.") for path in paths) == [
        "earning_rules[0].budget",
        "earning_rules[0].caps[1]",
        "earning_rules[0].caps[2]",
        "earning_rules[0].caps[2].amount",
        "earning_rules[0].caps[3].period",
        "earning_rules[0].from",
        "earning_rules[0].group",
        "earning_rules[0].until",
        "multipliers[0].currencies[0]",
        "multipliers[0].percent",
        "multipliers[1].activity_type",
        "multipliers[1].group",
        "multipliers[1].id",
        "refunds[1].activity_type",
        "refunds[2]",
        "refunds[2].amount",
        "refunds[2].purchase",
        "refunds[2].total",
    ]
