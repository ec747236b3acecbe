"""Random earning, spending, holding, giving, reversing and expiring end as a page of rules says, after every step."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from chassis.errors import DomainError
from laurels.points.v1 import ledger_pb2, ledger_pb2_grpc, points_pb2
from laurels.points.v1 import programme_pb2 as pb
from tests.conftest import running
from tests.integration.points_support import PER_UNIT, Points, programme, purchase

MEMBERS = ("ann", "bob", "cem")
EXPIRES_DAYS = 30
HISTORIES, STEPS = 12, 25
ISSUED = ledger_pb2.LedgerAccount(kind=points_pb2.ACCOUNT_KIND_ISSUED)

members = st.sampled_from(MEMBERS)
amounts = st.integers(1, 60)
days = st.integers(0, EXPIRES_DAYS + 2)
places = st.integers(0, 5)


@dataclass
class Wallet:
    """The model: what a member has, by the day after which it expires, and what holds and spends took."""

    lots: dict[int, int] = field(default_factory=dict)
    held: int = 0

    def take(self, amount: int) -> dict[int, int] | None:
        """The soonest to expire; None when there is less."""
        if amount > sum(self.lots.values()):
            return None
        taken = {}
        for day in sorted(self.lots):
            taken[day] = min(self.lots[day], amount - sum(taken.values()))
            self.lots[day] -= taken[day]
        return {day: part for day, part in taken.items() if part}

    def give(self, parts: dict[int, int]) -> None:
        for day, part in parts.items():
            self.lots[day] = self.lots.get(day, 0) + part


class History(RuleBasedStateMachine):
    """One history of a brand of its own, asked of the service and of the model."""

    points: ClassVar[Points]
    loop: ClassVar[asyncio.AbstractEventLoop]
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
        found = programme(PER_UNIT)
        found.points.currencies[0].expiry.MergeFrom(pb.Expiry(days=EXPIRES_DAYS))
        self.do(self.points.apply(self.brand, found))
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

    @rule(member=members, amount=amounts, ago=days)
    def earn(self, member: str, amount: int, ago: int) -> None:
        activity = purchase(self.key(), member, amount)
        activity.occurred_at.FromDatetime(self.now - timedelta(days=ago))
        self.do(self.points.record(self.brand, activity))
        # Its day's end after EXPIRES_DAYS has passed when it is older.
        if ago <= EXPIRES_DAYS:
            self.wallets[member].give({-ago: amount})

    @rule(member=members, amount=amounts)
    def spend(self, member: str, amount: int) -> None:
        answer = self.do(self.points.spend(self.brand, self.key(), amount, member=member))
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
            assert first.code == "invalid_argument"
            return
        parts = self.wallets[giver].take(amount)
        assert first.code == ("insufficient_points" if parts is None else "")
        self.wallets[taker].give(parts or {})

    def teardown(self) -> None:
        if hasattr(self, "wallets"):
            self.compare()

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
        yield Points(channel, token, ledger_pb2_grpc.LedgerServiceStub(channel))


@pytest.mark.timeout(300)
async def test_every_history_ends_as_the_rules_say(points: Points) -> None:
    History.points, History.loop = points, asyncio.get_running_loop()
    profile = settings(
        max_examples=HISTORIES,
        stateful_step_count=STEPS,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    await asyncio.to_thread(run_state_machine_as_test, History, settings=profile)
