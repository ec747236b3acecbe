"""Random earning, spending, holding, giving, refunding, reversing, expiring and erasing end as a page of rules says.

What each member has, and the whole statement of it, is compared after every step.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import asyncpg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from chassis.errors import DomainError
from cli.embedded import Servers
from laurels.points.v1 import (
    groups_pb2,
    groups_pb2_grpc,
    ledger_pb2,
    ledger_pb2_grpc,
    members_pb2,
    members_pb2_grpc,
    points_pb2,
    programme_earning_pb2,
)
from laurels.points.v1 import programme_groups_pb2 as pg
from laurels.points.v1 import programme_pb2 as pb
from laurels.programme.v1 import programme_pb2
from services.points.verification import violations
from tests.conftest import running
from tests.integration.points_support import INTEGER, PER_UNIT, TEXT, Points, programme, purchase
from tests.integration.points_support import rule as earning_rule

MEMBERS = ("ann", "bob", "cem", "dan")
EXPIRES_DAYS = 30
HISTORIES, STEPS = 12, 30
VISIT, VISITS_MOST = 25, 60
"""What a visit earns, and how much all of a member's visits together may."""
GIVEN_MOST = 70
"""How much a member may give to others as gifts."""
REMAINING_MIN = 2
"""So many members are left by the erasures of a history, so that something still happens in it."""
ISSUED = ledger_pb2.LedgerAccount(kind=points_pb2.ACCOUNT_KIND_ISSUED)

members = st.sampled_from(MEMBERS)
amounts = st.integers(1, 60)
days = st.integers(0, EXPIRES_DAYS + 2)
places = st.integers(0, 5)


def rules_of_play() -> programme_pb2.Programme:
    """Points that expire, visits that are capped, gifts that are limited, and refunds down to zero."""
    found = programme(PER_UNIT)
    found.points.currencies[0].expiry.MergeFrom(pb.Expiry(days=EXPIRES_DAYS))
    visits = earning_rule("visits", str(VISIT), of="visit")
    visits.caps.add(
        scope=programme_earning_pb2.CAP_SCOPE_MEMBER, period=programme_earning_pb2.CAP_PERIOD_EVER, amount=VISITS_MOST
    )
    found.points.earning_rules.append(visits)
    giving = pg.Allowance(amount=GIVEN_MOST, per=pg.ALLOWANCE_PERIOD_EVER)
    found.points.gifts.currencies.add(currency="points", giving=[giving])
    attributes = [
        programme_pb2.Attribute(name="of", kind=TEXT, required=True),
        programme_pb2.Attribute(name="amount", kind=INTEGER, required=True),
    ]
    found.activity_types.append(programme_pb2.ActivityType(type="refund", attributes=attributes))
    found.points.refunds.add(
        activity_type="refund",
        purchase_type="purchase",
        purchase="of",
        amount="amount",
        total="amount",
        policy=programme_earning_pb2.REFUND_POLICY_DOWN_TO_ZERO,
    )
    return found


@dataclass
class Wallet:
    """The model: what a member has, by the day after which it expires, and what holds and limits took."""

    lots: dict[int, int] = field(default_factory=dict)
    held: int = 0
    visits: int = 0
    given: int = 0

    def take(self, amount: int, first: int | None = None) -> dict[int, int] | None:
        """The soonest to expire, after those of the day `first`; None when there is less."""
        if amount > sum(self.lots.values()):
            return None
        taken: dict[int, int] = {}
        for day in sorted(self.lots, key=lambda day: (day != first, day)):
            taken[day] = min(self.lots[day], amount - sum(taken.values()))
            self.lots[day] -= taken[day]
        return {day: part for day, part in taken.items() if part}

    def give(self, parts: dict[int, int]) -> None:
        for day, part in parts.items():
            self.lots[day] = self.lots.get(day, 0) + part


@dataclass
class Bought:
    """The model: a purchase, and how much of it was refunded."""

    purchase: str
    member: str
    amount: int
    ago: int
    refunded: int = 0


class History(RuleBasedStateMachine):
    """One history of a brand of its own, asked of the service and of the model."""

    points: ClassVar[Points]
    loop: ClassVar[asyncio.AbstractEventLoop]
    verified: ClassVar[Callable[[str], Any]]
    brands: ClassVar[int] = 0

    @initialize()
    def begin(self) -> None:
        History.brands += 1
        self.brand = f"machine-{History.brands}"
        self.now = datetime.now(UTC)
        self.asked = 0
        self.wallets = {member: Wallet() for member in MEMBERS}
        self.holds: list[tuple[str, str, dict[int, int]]] = []
        self.spends: list[tuple[int, str, dict[int, int]]] = []
        self.gone: list[tuple[int, str, dict[int, int]]] = []
        self.purchases: list[Bought] = []
        self.do(self.points.apply(self.brand, rules_of_play()))
        for member in MEMBERS:
            self.do(self.points.enrol(self.brand, member))

    def do(self, call: Any) -> Any:
        """The answer, or the code of the refusal."""
        try:
            return asyncio.run_coroutine_threadsafe(call, self.loop).result(30)
        except DomainError as refusal:
            return refusal.reason

    def key(self) -> str:
        self.asked += 1
        return f"k{self.asked}"

    def is_gone(self, member: str, answer: Any, code: str = "unknown_member") -> bool:
        """Whether the member was erased, as the answer must say then."""
        if member in self.wallets:
            return False
        assert answer == code
        return True

    @rule(member=members, amount=amounts, ago=days)
    def earn(self, member: str, amount: int, ago: int) -> None:
        activity = purchase(self.key(), member, amount)
        activity.occurred_at.FromDatetime(self.now - timedelta(days=ago))
        answer = self.do(self.points.record(self.brand, activity))
        if self.is_gone(member, answer, "member_erased"):
            return
        self.purchases.append(Bought(activity.id, member, amount, ago))
        # Its day's end after EXPIRES_DAYS has passed when it is older.
        if ago <= EXPIRES_DAYS:
            self.wallets[member].give({-ago: amount})

    @rule(member=members)
    def visit(self, member: str) -> None:
        activity = purchase(self.key(), member)
        activity.type = "visit"
        activity.attributes.Clear()
        activity.occurred_at.FromDatetime(self.now)
        answer = self.do(self.points.record(self.brand, activity))
        if self.is_gone(member, answer, "member_erased"):
            return
        wallet = self.wallets[member]
        earned = min(VISIT, VISITS_MOST - wallet.visits)
        wallet.visits += earned
        wallet.give({0: earned})

    @rule(place=places, amount=amounts)
    def refund(self, place: int, amount: int) -> None:
        if place >= len(self.purchases):
            return
        bought = self.purchases[place]
        activity = purchase(self.key(), bought.member, amount, of=bought.purchase)
        activity.type = "refund"
        activity.occurred_at.FromDatetime(self.now)
        assert self.do(self.points.record(self.brand, activity)).results[0].id == activity.id
        # A point was earned a unit, so the share is what is refunded, never more than the whole together.
        share = min(amount, bought.amount - bought.refunded)
        bought.refunded += share
        wallet = self.wallets[bought.member]
        wallet.take(min(share, sum(wallet.lots.values())), first=-bought.ago)

    @precondition(lambda self: len(self.wallets) > REMAINING_MIN)
    @rule(member=members)
    def erase(self, member: str) -> None:
        request = members_pb2.EraseMemberRequest(member=member)
        first = self.do(self.points.call("EraseMember", request, self.brand))
        assert first.erasure
        assert self.do(self.points.call("EraseMember", request, self.brand)) == first
        self.wallets.pop(member, None)
        self.holds = [hold for hold in self.holds if hold[1] != member]
        self.purchases = [bought for bought in self.purchases if bought.member != member]
        self.gone = [*self.gone, *(spent for spent in self.spends if spent[1] == member)]
        self.spends = [spent for spent in self.spends if spent[1] != member]
        assert self.do(self.points.enrol(self.brand, member)) == "member_erased"

    @precondition(lambda self: self.gone)
    @rule(place=places)
    def reverse_of_the_erased(self, place: int) -> None:
        entry = self.gone[place % len(self.gone)][0]
        request = ledger_pb2.ReverseTransferRequest(transfer=str(entry), idempotency_key=self.key())
        assert self.do(self.points.call("ReverseTransfer", request, self.brand)) == "member_erased"

    @rule(giver=members, taker=members, amount=amounts)
    def give(self, giver: str, taker: str, amount: int) -> None:
        request = groups_pb2.GivePointsRequest(
            member=giver, to=taker, currency="points", amount=amount, idempotency_key=self.key()
        )
        answer = self.do(self.points.call("GivePoints", request, self.brand))
        if giver == taker:
            assert answer == "invalid_argument"
            return
        if self.is_gone(giver, answer) or self.is_gone(taker, answer):
            return
        wallet = self.wallets[giver]
        if wallet.given + amount > GIVEN_MOST:
            assert answer == "gift_limit"
            return
        parts = wallet.take(amount)
        if parts is None:
            assert answer == "insufficient_points"
            return
        assert answer.entry.amount == -amount
        wallet.given += amount
        self.wallets[taker].give(parts)

    @rule(member=members, amount=amounts)
    def spend(self, member: str, amount: int) -> None:
        answer = self.do(self.points.spend(self.brand, self.key(), amount, member=member))
        if self.is_gone(member, answer):
            return
        parts = self.wallets[member].take(amount)
        if parts is None:
            assert answer == "insufficient_points"
        else:
            self.spends.append((answer.id, member, parts))

    @rule(member=members, amount=amounts)
    def hold(self, member: str, amount: int) -> None:
        request = ledger_pb2.HoldPointsRequest(
            member=member, currency="points", amount=amount, idempotency_key=self.key()
        )
        answer = self.do(self.points.call("HoldPoints", request, self.brand))
        if self.is_gone(member, answer):
            return
        parts = self.wallets[member].take(amount)
        if parts is None:
            assert answer == "insufficient_points"
        else:
            self.wallets[member].held += amount
            self.holds.append((answer.hold.hold, member, parts))

    @rule(place=places, amount=amounts)
    def capture(self, place: int, amount: int) -> None:
        if place >= len(self.holds):
            return
        name, member, parts = self.holds[place]
        request = ledger_pb2.CaptureHoldRequest(hold=name, amount=amount)
        answer = self.do(self.points.call("CaptureHold", request, self.brand))
        total = sum(parts.values())
        if amount > total:
            assert answer == "invalid_argument"
            return
        del self.holds[place]
        self.wallets[member].held -= total
        rest = Wallet(dict(parts))
        rest.take(amount)
        self.wallets[member].give(rest.lots)

    @rule(place=places)
    def release(self, place: int) -> None:
        if place >= len(self.holds):
            return
        name, member, parts = self.holds.pop(place)
        self.do(self.points.call("ReleaseHold", ledger_pb2.ReleaseHoldRequest(hold=name), self.brand))
        self.wallets[member].held -= sum(parts.values())
        self.wallets[member].give(parts)

    @rule(place=places)
    def reverse(self, place: int) -> None:
        if place >= len(self.spends):
            return
        entry, member, parts = self.spends.pop(place)
        request = ledger_pb2.ReverseTransferRequest(transfer=str(entry), idempotency_key=self.key())
        assert self.do(self.points.call("ReverseTransfer", request, self.brand)).entry > entry
        self.wallets[member].give(parts)

    @rule(giver=members, taker=members, amount=amounts)
    def transfer(self, giver: str, taker: str, amount: int) -> None:
        debit, credit = ledger_pb2.LedgerAccount(member=giver), ledger_pb2.LedgerAccount(member=taker)
        asked = ledger_pb2.Transfer(id=self.key(), currency="points", amount=amount, debit=debit, credit=credit)
        request = ledger_pb2.PostTransfersRequest(transfers=[asked, asked])
        first, second = self.do(self.points.call("PostTransfers", request, self.brand)).results
        assert (first.code, first.entry) == (second.code, second.entry)
        if giver == taker:
            assert first.code == ("invalid_argument" if giver in self.wallets else "unknown_member")
            return
        if self.is_gone(giver, first.code) or self.is_gone(taker, first.code):
            return
        parts = self.wallets[giver].take(amount)
        assert first.code == ("insufficient_points" if parts is None else "")
        self.wallets[taker].give(parts or {})

    def teardown(self) -> None:
        if hasattr(self, "wallets"):
            self.compare()
            assert self.do(History.verified(self.brand)) == []

    def check_invariants(self, *arguments: Any, **options: Any) -> None:
        """After every step, as hypothesis calls it."""
        super().check_invariants(*arguments, **options)
        if hasattr(self, "wallets"):
            self.compare()

    def compare(self) -> None:
        self.do(self.points.call("RunSchedules", ledger_pb2.RunSchedulesRequest(), self.brand))
        for member, model in self.wallets.items():
            request = points_pb2.ListWalletsRequest(member=member)
            wallet = self.do(self.points.call("ListWallets", request, self.brand)).wallets[0]
            left = {day: part for day, part in model.lots.items() if part}
            assert wallet.available == sum(left.values())
            assert wallet.held == model.held
            assert wallet.expiring_next == (left[min(left)] if left else 0)
            statement = self.do(self.points.statement(self.brand, member))
            assert sum(entry.amount for entry in statement) == wallet.available
            assert not statement or statement[0].balance == wallet.available


@pytest.fixture
async def points(settings_of: Callable[..., Any], token: Callable[..., str]) -> AsyncIterator[Points]:
    async with running("points", settings_of("points")) as channel:
        services = (
            ledger_pb2_grpc.LedgerServiceStub,
            groups_pb2_grpc.GiftServiceStub,
            members_pb2_grpc.MembersServiceStub,
        )
        yield Points(channel, token, *(stub(channel) for stub in services))


@pytest.fixture
async def verified(servers: Servers) -> AsyncIterator[Callable[[str], Any]]:
    """What `laurels verify` finds in a brand."""
    session = await asyncpg.connect(servers.postgres.url("points"))

    async def found(brand: str) -> list[str]:
        async with session.transaction(isolation="repeatable_read"):
            await session.execute("SELECT set_config('laurels.brand', $1, true)", brand)
            return await violations(session)

    yield found
    await session.close()


@pytest.mark.timeout(300)
async def test_every_history_ends_as_the_rules_say(points: Points, verified: Callable[[str], Any]) -> None:
    History.points, History.loop = points, asyncio.get_running_loop()
    History.verified = staticmethod(verified)
    profile = settings(
        max_examples=HISTORIES,
        stateful_step_count=STEPS,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    await asyncio.to_thread(run_state_machine_as_test, History, settings=profile)
