"""Whatever an operation of the points service was doing when it died, asking again ends as if it had not.

Each operation is cut off before every one of its statements, before its commit
and after it, as a killed process leaves it, and then asked again of another.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import asyncpg
import pytest

from chassis.configuration import Configurations
from chassis.database import Database
from chassis.write_path import WritePath
from cli.embedded import Servers
from laurels.activity.v1 import activity_pb2
from laurels.points.v1 import ledger_pb2, points_pb2
from laurels.points.v1 import programme_pb2 as pb
from laurels.programme.v1 import programme_pb2
from services.points.book import Book
from services.points.holds import DueHolds, hold_id
from services.points.operations import OPERATIONS
from services.points.pending import DueLots, lot_id
from services.points.programme import compile_document
from services.points.spending import Credit
from services.points.verification import violations
from tests.integration.points_support import programme, purchase, rule

AGO = datetime.now(UTC) - timedelta(days=1)
ISSUED = ledger_pb2.LedgerAccount(kind=points_pb2.ACCOUNT_KIND_ISSUED)
REDEEMED = ledger_pb2.LedgerAccount(kind=points_pb2.ACCOUNT_KIND_REDEEMED)
HOLD, LOT = hold_id("held"), lot_id("activity:first:later")
KEPT = (
    "SELECT owner, currency, kind, sum(balance)::bigint, sum(earned)::bigint FROM accounts WHERE brand = $1 "
    "GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
    "SELECT key, kind, amount, debit_balance, credit_balance, lots::text FROM entries WHERE brand = $1 ORDER BY 1",
    "SELECT hold, state, captured FROM holds WHERE brand = $1 ORDER BY 1",
    "SELECT lot, state, amount FROM pending_lots WHERE brand = $1 ORDER BY 1",
    "SELECT owner, expires_at, remaining FROM lots JOIN accounts ON accounts.id = account WHERE lots.brand = $1 "
    "ORDER BY 1, 2",
    "SELECT member, tier, seen_types FROM members WHERE brand = $1 AND enrolled_at IS NOT NULL ORDER BY 1",
    "SELECT id, member, earned::text FROM activities WHERE brand = $1 ORDER BY 1",
    "SELECT version FROM configurations WHERE brand = $1 ORDER BY 1",
    "SELECT member, type, count(*) FROM outbox WHERE brand = $1 GROUP BY 1, 2 ORDER BY 1, 2",
)


def expiring(name: str = "Test") -> programme_pb2.Programme:
    """Points that expire, a rule that pays at once and one that pays later."""
    later = rule("later", "attributes.amount / 2")
    later.pending.days = 30
    found = programme(rule("now", "attributes.amount"), later, name=name)
    found.points.currencies[0].expiry.MergeFrom(pb.Expiry(days=365))
    return found


def bought(name: str, member: str = "ann", amount: int = 300) -> activity_pb2.Activity:
    activity = purchase(name, member, amount)
    activity.occurred_at.FromDatetime(AGO)
    return activity


def transfer(name: str, amount: int, debit: Any, credit: Any, *, linked: bool = False) -> ledger_pb2.Transfer:
    named = [side if not isinstance(side, str) else ledger_pb2.LedgerAccount(member=side) for side in (debit, credit)]
    return ledger_pb2.Transfer(
        id=name, currency="points", amount=amount, debit=named[0], credit=named[1], linked=linked, occurred_at=AGO
    )


# What was there before, and the operation that is cut off.
BEFORE = [
    programme_pb2.ApplyProgrammeRequest(programme=expiring()),
    activity_pb2.RecordActivitiesRequest(activities=[bought("first"), bought("second", "bob")]),
    points_pb2.SpendRequest(member="ann", currency="points", amount=20, idempotency_key="spent"),
    ledger_pb2.HoldPointsRequest(member="ann", currency="points", amount=50, idempotency_key="held"),
]
OPERATIONS_CUT_OFF = {
    "programme": programme_pb2.ApplyProgrammeRequest(programme=expiring("Renamed")),
    "activities": activity_pb2.RecordActivitiesRequest(activities=[bought("third"), bought("new", "cem")]),
    "enrolment": points_pb2.EnrolMemberRequest(member="dan", display_name="Dan"),
    "spend": points_pb2.SpendRequest(member="ann", currency="points", amount=30, idempotency_key="more"),
    "credit": Credit("ann", "points", 500, points_pb2.ENTRY_KIND_MISSION, "mission:m:ann", "m", AGO),
    "transfers": ledger_pb2.PostTransfersRequest(
        transfers=[
            transfer("t1", 10, "ann", "bob", linked=True),
            transfer("t2", 5, "bob", REDEEMED),
            transfer("t3", 7, ISSUED, "bob"),
        ]
    ),
    "hold": ledger_pb2.HoldPointsRequest(member="ann", currency="points", amount=5, idempotency_key="other"),
    "capture": ledger_pb2.CaptureHoldRequest(hold=HOLD, amount=15),
    "release": ledger_pb2.ReleaseHoldRequest(hold=HOLD),
    "activation": ledger_pb2.ActivatePendingLotRequest(lot=LOT),
    "cancellation": ledger_pb2.CancelPendingLotRequest(lot=LOT),
    "time-out": DueHolds([HOLD], datetime.now(UTC) + timedelta(days=60)),
    "due lot": DueLots([LOT], datetime.now(UTC) + timedelta(days=60)),
    "change": ledger_pb2.ChangePendingLotRequest(lot=LOT, amount=90, idempotency_key="changed"),
}


class Mortal(Database):
    """A database whose user dies at one of its statements."""

    def __init__(self, url: str, dies_at: int) -> None:
        super().__init__(url)
        self.left = dies_at
        self.dead = asyncio.Event()

    def step(self) -> None:
        self.left -= 1
        if self.left == 0:
            self.dead.set()
            raise asyncio.CancelledError

    @asynccontextmanager
    async def transaction(self, brand: str, *, read_only: bool = False) -> AsyncIterator[Any]:
        async with super().transaction(brand, read_only=read_only) as connection:
            yield _Mortal(connection, self.step)
            self.step()  # before the commit
        self.step()  # after it


class _Mortal:
    def __init__(self, connection: asyncpg.Connection, step: Callable[[], None]) -> None:
        self._connection, self._step = connection, step

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._connection, name)

        async def counted(*arguments: Any, **options: Any) -> Any:
            self._step()
            return await found(*arguments, **options)

        return counted if name in ("execute", "fetch", "fetchrow", "fetchval") else found


def path_over(database: Database) -> WritePath:
    begin = partial(Book, programmes=Configurations(compile_document), operations=OPERATIONS)
    return WritePath("points", database, begin, on_commit=lambda: None)


async def cut_off(servers: Servers, brand: str, request: Any, dies_at: int) -> bool:
    """Asks; whether the one who was asked died of it."""
    database = Mortal(servers.postgres.url("points"), dies_at)
    answer = asyncio.create_task(path_over(database).submit(brand, request))
    death = asyncio.create_task(database.dead.wait())
    try:
        await asyncio.wait({answer, death}, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            return True
        await answer
        return False
    finally:
        answer.cancel()
        death.cancel()
        await database.close()


async def kept(servers: Servers, brand: str) -> list[Any]:
    connection = await asyncpg.connect(servers.postgres.admin_url("laurels_points"))
    try:
        return [[tuple(row) for row in await connection.fetch(query, brand)] for query in KEPT]
    finally:
        await connection.close()


@pytest.mark.parametrize("operation", OPERATIONS_CUT_OFF)
async def test_an_operation_that_died_anywhere_is_done_once_when_it_is_asked_again(
    servers: Servers, brand: str, operation: str
) -> None:
    request = OPERATIONS_CUT_OFF[operation]
    healthy = Database(servers.postgres.url("points"))
    path = path_over(healthy)
    expected: list[Any] = []
    for dies_at in range(100):
        place = f"{brand}-{dies_at}"
        for before in BEFORE:
            await path.submit(place, before)
        died = await cut_off(servers, place, request, dies_at)
        await path.submit(place, request)
        found = await kept(servers, place)
        if dies_at == 0:
            expected = found
        assert found == expected, f"cut off at statement {dies_at}"
        if dies_at and not died:
            break
    await healthy.close()
    assert dies_at > 6, "it was cut off at each of its statements"
    connection = await asyncpg.connect(servers.postgres.url("points"))
    try:
        async with connection.transaction():
            await connection.execute("SELECT set_config('laurels.brand', $1, true)", f"{brand}-{dies_at}")
            assert await violations(connection) == []
    finally:
        await connection.close()
