"""Transfers, holds, pending points and expiry, over gRPC on the real servers."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from chassis.errors import DomainError
from cli.embedded import Servers
from laurels.points.v1 import groups_pb2, groups_pb2_grpc, ledger_pb2, ledger_pb2_grpc, points_pb2
from laurels.points.v1 import programme_pb2 as pb
from laurels.points.v1.events_pb2 import PointsExpired, PointsExpiring
from tests.conftest import running
from tests.integration.points_support import PER_UNIT, Points, Streams, programme, purchase, streams_of

MEMBER = ledger_pb2.LedgerAccount
ISSUED = ledger_pb2.LedgerAccount(kind=points_pb2.ACCOUNT_KIND_ISSUED)
REDEEMED = ledger_pb2.LedgerAccount(kind=points_pb2.ACCOUNT_KIND_REDEEMED)


@pytest.fixture(scope="module")
async def ledger(settings_of: Callable[..., Any], token: Callable[..., str]) -> AsyncIterator[Points]:
    async with running("points", settings_of("points")) as channel:
        stubs = (ledger_pb2_grpc.LedgerServiceStub(channel), groups_pb2_grpc.GiftServiceStub(channel))
        yield Points(channel, token, *stubs)


@pytest.fixture
async def streams(servers: Servers, ledger: Points) -> AsyncIterator[Streams]:
    async with streams_of(servers) as client:
        opened = Streams(ledger, client)
        yield opened
        await opened.forget()


def transfer(name: str, amount: int, debit: Any, credit: Any, **more: Any) -> ledger_pb2.Transfer:
    def account(found: Any) -> Any:
        return MEMBER(member=found) if isinstance(found, str) else found

    more = {"currency": "points"} | more
    return ledger_pb2.Transfer(id=name, amount=amount, debit=account(debit), credit=account(credit), **more)


async def post(ledger: Points, brand: str, *transfers: ledger_pb2.Transfer) -> list[ledger_pb2.TransferResult]:
    answer = await ledger.call("PostTransfers", ledger_pb2.PostTransfersRequest(transfers=transfers), brand)
    return list(answer.results)


async def code_of(call: Any) -> str:
    with pytest.raises(DomainError) as refusal:
        await call
    return refusal.value.reason


def with_currency(**currency: Any) -> Any:
    found = programme(PER_UNIT)
    found.points.currencies[0].MergeFrom(pb.Currency(**currency))
    return found


async def test_transfers_are_made_once_each_and_a_refused_one_fails_alone(ledger: Points, brand: str) -> None:
    await ledger.apply(brand, programme())
    for member in ("ann", "bob"):
        await ledger.enrol(brand, member)
    batch = [
        transfer("t1", 100, ISSUED, "ann"),
        transfer("t2", 500, "ann", REDEEMED),
        transfer("t3", 40, "ann", "bob"),
        transfer("t4", 1, "ann", "nobody"),
        transfer("t1", 100, ISSUED, "ann"),
        transfer("t5", 0, ISSUED, "ann"),
        transfer("t6", 1, ISSUED, REDEEMED),
    ]
    results = await post(ledger, brand, *batch)
    assert [result.code for result in results] == [
        "", "insufficient_points", "", "unknown_member", "", "invalid_argument", "invalid_argument",
    ]  # fmt: skip
    assert results[0].entry == results[4].entry > 0
    assert results[4].duplicate
    again = await post(ledger, brand, *batch)
    assert [(r.entry, r.duplicate) for r in again if not r.code] == [(r.entry, True) for r in results if not r.code]
    assert (await ledger.available(brand), await ledger.available(brand, "bob")) == (60, 40)
    other = await post(ledger, brand, transfer("t1", 101, ISSUED, "ann"))
    assert other[0].code == "idempotency_conflict"


async def test_a_chain_is_made_whole_or_not_at_all(ledger: Points, brand: str) -> None:
    await ledger.apply(brand, programme())
    for member in ("ann", "bob"):
        await ledger.enrol(brand, member)
    results = await post(
        ledger,
        brand,
        transfer("a1", 10, ISSUED, "ann", linked=True),
        transfer("a2", 10, "ann", "bob", linked=True),
        transfer("a3", 10, "bob", REDEEMED),
        transfer("b1", 10, ISSUED, "ann", linked=True),
        transfer("b2", 11, "ann", "bob"),
        transfer("c", 5, ISSUED, "ann"),
    )
    assert [r.code for r in results] == ["", "", "", "linked_failed", "insufficient_points", ""]
    assert (await ledger.available(brand), await ledger.available(brand, "bob")) == (5, 0)


async def test_a_stream_answers_each_transfer_in_its_order(ledger: Points, brand: str) -> None:
    await ledger.apply(brand, programme())
    await ledger.enrol(brand, "ann")

    async def requests() -> AsyncIterator[ledger_pb2.StreamTransfersRequest]:
        for number in range(300):
            asked = (
                transfer(f"s{number}", 1, ISSUED, "ann")
                if number % 3
                else transfer(f"s{number}", 9_999, "ann", REDEEMED)
            )
            yield ledger_pb2.StreamTransfersRequest(transfer=asked)

    results = [answer.result async for answer in ledger.stream("StreamTransfers", requests(), brand)]
    assert [r.id for r in results] == [f"s{number}" for number in range(300)]
    assert [bool(r.code) for r in results] == [number % 3 == 0 for number in range(300)]
    assert await ledger.available(brand) == 200


async def test_a_transfer_is_reversed_once(ledger: Points, brand: str) -> None:
    await ledger.apply(brand, programme())
    await ledger.enrol(brand, "ann")
    (made,) = await post(ledger, brand, transfer("t1", 100, ISSUED, "ann"))
    request = ledger_pb2.ReverseTransferRequest(transfer=str(made.entry), idempotency_key="r")
    answers = await asyncio.gather(*(ledger.call("ReverseTransfer", request, brand) for _ in range(10)))
    assert len({answer.entry for answer in answers}) == 1
    assert answers[0].entry > made.entry
    assert (await ledger.wallets(brand, "ann"))["points"] == (0, 0)
    request.idempotency_key = "again"
    assert await code_of(ledger.call("ReverseTransfer", request, brand)) == "already_reversed"
    request.transfer = str(answers[0].entry)
    assert await code_of(ledger.call("ReverseTransfer", request, brand)) == "not_reversible"
    request.transfer = "999999999"
    assert await code_of(ledger.call("ReverseTransfer", request, brand)) == "unknown_transfer"


async def held(ledger: Points, brand: str, key: str, amount: int, **more: Any) -> ledger_pb2.Hold:
    request = ledger_pb2.HoldPointsRequest(member="ann", currency="points", amount=amount, idempotency_key=key, **more)
    return (await ledger.call("HoldPoints", request, brand)).hold


async def test_a_hold_ends_once_by_a_capture_or_a_release(ledger: Points, brand: str) -> None:
    await ledger.apply(brand, programme())
    await ledger.record(brand, purchase("p", amount=100))
    hold = await held(ledger, brand, "h", 60)
    assert (await held(ledger, brand, "h", 60)).hold == hold.hold
    assert await code_of(held(ledger, brand, "h2", 41)) == "insufficient_points"
    assert await code_of(ledger.spend(brand, "s", 41)) == "insufficient_points"
    capture = ledger_pb2.CaptureHoldRequest(hold=hold.hold, amount=25)
    release = ledger_pb2.ReleaseHoldRequest(hold=hold.hold)
    calls = [ledger.call("CaptureHold", capture, brand)] * 1 + [ledger.call("ReleaseHold", release, brand)]
    ended = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(isinstance(answer, DomainError) for answer in ended) == 1
    captured = not isinstance(ended[0], DomainError)
    assert await ledger.available(brand) == (75 if captured else 100)
    wallet = (await ledger.call("ListWallets", points_pb2.ListWalletsRequest(member="ann"), brand)).wallets[0]
    assert wallet.held == 0
    kinds = [entry.kind for entry in await ledger.statement(brand)]
    assert kinds[-2:] == [points_pb2.ENTRY_KIND_HOLD, points_pb2.ENTRY_KIND_EARN]


async def test_what_is_pending_becomes_available_by_its_moment_an_activity_or_a_word(
    ledger: Points, brand: str
) -> None:
    found = programme(PER_UNIT)
    found.points.earning_rules[0].pending.days = 3
    await ledger.apply(brand, found)
    recent = datetime.now(UTC) - timedelta(days=2)
    await ledger.record(brand, purchase("old", amount=10))
    for name in ("one", "two", "three"):
        activity = purchase(name, amount=100)
        activity.occurred_at.FromDatetime(recent)
        await ledger.record(brand, activity)
    await ledger.call("RunSchedules", ledger_pb2.RunSchedulesRequest(), brand)
    assert await ledger.available(brand) == 10
    lots = {
        lot.activity: lot
        for lot in (await ledger.call("ListPendingLots", ledger_pb2.ListPendingLotsRequest(member="ann"), brand)).lots
    }
    assert sorted(lots) == ["one", "three", "two"]
    await ledger.call("ActivatePendingLot", ledger_pb2.ActivatePendingLotRequest(lot=lots["one"].lot), brand)
    await ledger.call("CancelPendingLot", ledger_pb2.CancelPendingLotRequest(lot=lots["two"].lot), brand)
    change = ledger_pb2.ChangePendingLotRequest(lot=lots["three"].lot, amount=70, idempotency_key="c")
    await ledger.call("ChangePendingLot", change, brand)
    await ledger.call("ChangePendingLot", change, brand)
    wallet = (await ledger.call("ListWallets", points_pb2.ListWalletsRequest(member="ann"), brand)).wallets[0]
    assert (wallet.available, wallet.pending, wallet.earned) == (110, 70, 180)
    cancel = ledger_pb2.CancelPendingLotRequest(lot=lots["one"].lot)
    assert await code_of(ledger.call("CancelPendingLot", cancel, brand)) == "lot_ended"


async def test_what_expires_soonest_is_spent_first_and_the_rest_expires(ledger: Points, brand: str) -> None:
    await ledger.apply(brand, with_currency(expiry=pb.Expiry(days=30)))
    today = datetime.now(UTC)
    for name, days, amount in (("a", 29, 10), ("b", 20, 20), ("c", 40, 5)):
        activity = purchase(name, amount=amount)
        activity.occurred_at.FromDatetime(today - timedelta(days=days))
        await ledger.record(brand, activity)
    await ledger.call("RunSchedules", ledger_pb2.RunSchedulesRequest(), brand)
    assert await ledger.available(brand) == 30
    entry = await ledger.spend(brand, "s", 15)
    wallet = (await ledger.call("ListWallets", points_pb2.ListWalletsRequest(member="ann"), brand)).wallets[0]
    assert (wallet.available, wallet.expiring_next) == (15, 15)
    request = ledger_pb2.ReverseTransferRequest(transfer=str(entry.id), idempotency_key="r")
    await ledger.call("ReverseTransfer", request, brand)
    wallet = (await ledger.call("ListWallets", points_pb2.ListWalletsRequest(member="ann"), brand)).wallets[0]
    assert (wallet.available, wallet.expiring_next) == (30, 10)
    assert (await ledger.liability(brand))["points"] == (35, 0, 30)


async def test_a_member_is_warned_once_before_points_expire_and_told_when_they_do(
    ledger: Points, streams: Streams, brand: str
) -> None:
    await ledger.apply(brand, with_currency(expiry=pb.Expiry(days=30, warning_days=7)))
    today = datetime.now(UTC)
    for name, days, amount in (("soon", 25, 10), ("later", 3, 20), ("over", 40, 5)):
        activity = purchase(name, amount=amount)
        activity.occurred_at.FromDatetime(today - timedelta(days=days))
        await ledger.record(brand, activity)
    for _ in range(2):
        await ledger.call("RunSchedules", ledger_pb2.RunSchedulesRequest(), brand)
    expiring = await streams.told(brand, PointsExpiring)
    assert [(event.member, event.amount) for event in expiring] == [("ann", 10)]
    expired = await streams.told(brand, PointsExpired)
    assert [(event.member, event.amount, event.balance) for event in expired] == [("ann", 5, 30)]


async def test_inactivity_takes_everything_and_any_movement_puts_it_off(ledger: Points, brand: str) -> None:
    await ledger.apply(brand, with_currency(expiry=pb.Expiry(inactive_days=30)))
    today = datetime.now(UTC)
    for member, days in (("ann", (80, 55, 27)), ("bob", (80, 45))):
        for place, ago in enumerate(days):
            activity = purchase(f"{member}-{place}", member, 10)
            activity.occurred_at.FromDatetime(today - timedelta(days=ago))
            await ledger.record(brand, activity)
            # As the clock would have it: what is over before the next purchase has expired by then.
            until = ledger_pb2.RunSchedulesRequest()
            until.until.FromDatetime(today - timedelta(days=ago))
            await ledger.call("RunSchedules", until, brand)
    await ledger.call("RunSchedules", ledger_pb2.RunSchedulesRequest(), brand)
    assert await ledger.available(brand, "bob") == 0
    wallet = (await ledger.call("ListWallets", points_pb2.ListWalletsRequest(member="ann"), brand)).wallets[0]
    assert wallet.available == wallet.expiring_next > 0


async def test_a_refused_request_leaves_no_accounts_of_whom_it_names(
    ledger: Points, brand: str, servers: Servers
) -> None:
    found = programme()
    found.points.gifts.currencies.add(currency="points")
    await ledger.apply(brand, found)
    await ledger.record(brand, purchase("p"))
    given = groups_pb2.GivePointsRequest(member="nobody-1", to="ann", currency="points", amount=1, idempotency_key="g")
    hold = ledger_pb2.HoldPointsRequest(member="nobody-2", currency="points", amount=1, idempotency_key="h")
    for method, request in (("GivePoints", given), ("HoldPoints", hold)):
        assert await code_of(ledger.call(method, request, brand)) == "unknown_member"
    assert await code_of(ledger.spend(brand, "s", 1, member="nobody-3")) == "unknown_member"
    (result,) = await post(ledger, brand, transfer("t", 1, debit="nobody-4", credit="nobody-5"))
    assert result.code == "unknown_member"
    connection = await asyncpg.connect(servers.postgres.admin_url("laurels_points"))
    try:
        rows = await connection.fetch(
            "SELECT owner FROM accounts WHERE brand = $1 AND owner LIKE 'nobody%' "
            "UNION ALL SELECT member FROM members WHERE brand = $1 AND member LIKE 'nobody%'",
            brand,
        )
    finally:
        await connection.close()
    assert rows == []
