"""What is due is done: pending points, holds that time out, expiry, and warnings before it.

A tick only says "look"; the data says what is due by a moment, so a late or
lost tick loses nothing. Each thing is looked at again under its lock, and is
decided at the moment that it was due.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from chassis.database import EVERY_BRAND, Database
from chassis.loops import Beat
from chassis.write_path import WritePath
from laurels.points.v1 import events_pb2, points_pb2
from services.points import attribute_events, service_holds, store
from services.points.book import Book, Operation, Touched
from services.points.holds import DueHolds
from services.points.ledger import AVAILABLE, EXPIRED, GROUP_MARK, PROGRAMME
from services.points.pending import DueLots
from services.points.programme import PointsRules
from services.points.redemptions import DueRedemptions
from services.points.store import attributes as attributes_store
from services.points.store import rewards as rewards_store
from services.points.store import tiers as tier_store
from services.points.store import value as value_store
from services.points.tier_operations import DueTiers

EVERY_S = 1.0
AT_ONCE = 200
"""So many due things a transaction, so that callers do not wait for it."""


@dataclass(frozen=True, slots=True)
class DueLot:
    """A lot that expires, or of whose expiry its owner is to be told."""

    account: int
    expires_at: datetime
    owner: str
    currency: str


@dataclass(frozen=True, slots=True)
class Expire:
    """Lots that expire by `until`."""

    lots: Sequence[DueLot]
    until: datetime


@dataclass(frozen=True, slots=True)
class Warn:
    """Lots whose owners are told that they will expire."""

    lots: Sequence[DueLot]


class Expiry(Operation):
    """Expires lots, and warns of it."""

    requests = (Expire, Warn)

    def touch(self, request: Any, found: None, rules: PointsRules, touched: Touched) -> None:
        for lot in request.lots:
            touched.wallet(lot.owner, lot.currency)

    def decide(self, book: Book, request: Any) -> int:
        return self._expire(book, request) if isinstance(request, Expire) else self._warn(book, request)

    def _expire(self, book: Book, request: Expire) -> int:
        done = 0
        for lot in request.lots:
            wallet = book.accounts.get((lot.owner, lot.currency, AVAILABLE))
            amount = dict(wallet.lots or ()).get(lot.expires_at, 0) if wallet is not None else 0
            if wallet is None or not amount or lot.expires_at > request.until:
                continue
            book.move(
                wallet,
                book.accounts[PROGRAMME, lot.currency, EXPIRED],
                amount,
                key=f"expire:{wallet.id}:{int(lot.expires_at.timestamp())}:{book.stamp.ToNanoseconds()}",
                kind=points_pb2.ENTRY_KIND_EXPIRE,
                reference="",
                occurred_at=lot.expires_at,
                parts=[(lot.expires_at, amount)],
            )
            done += 1
            if lot.owner.startswith(GROUP_MARK):
                book.tell_group(wallet, -amount, points_pb2.ENTRY_KIND_EXPIRE, "", lot.expires_at)
            else:
                told = events_pb2.PointsExpired(
                    member=lot.owner,
                    currency=lot.currency,
                    amount=amount,
                    balance=wallet.balance,
                    expired_at=lot.expires_at.astimezone(UTC),
                )
                book.tell(lot.owner, told)
        return done

    def _warn(self, book: Book, request: Warn) -> int:
        for lot in request.lots:
            wallet = book.accounts.get((lot.owner, lot.currency, AVAILABLE))
            amount = dict(wallet.lots or ()).get(lot.expires_at, 0) if wallet is not None else 0
            book.add(store.note_warnings, (lot.account, lot.expires_at))
            if amount and lot.expires_at > book.now and not lot.owner.startswith(GROUP_MARK):
                told = events_pb2.PointsExpiring(
                    member=lot.owner,
                    currency=lot.currency,
                    amount=amount,
                    expires_at=lot.expires_at.astimezone(UTC),
                )
                book.tell(lot.owner, told)
        return len(request.lots)


class Schedules:
    """Does what is due, for one brand at a time."""

    def __init__(self, database: Database, write_path: WritePath) -> None:
        self._database, self._write_path = database, write_path

    async def run(self, beat: Beat) -> None:
        """Looks every second, for ever."""
        while True:
            beat()
            now = datetime.now(UTC)
            async with self._database.reading(EVERY_BRAND) as connection:
                brands = await store.brands_due(connection, now)
            for brand in brands:
                beat()
                await self.run_until(brand, now)
            await asyncio.sleep(EVERY_S)

    async def run_until(self, brand: str, until: datetime) -> int:
        """Does everything of a brand that is due by a moment; how many things that were."""
        done = 0
        for due in self._dues(brand, until):
            # What is due and cannot be done, such as a lot of damaged data, is not tried for ever.
            while (request := await due()) is not None:
                count = await self._write_path.submit(brand, request, weight=AT_ONCE)
                if not count:
                    break
                done += count
        return done

    def _dues(self, brand: str, until: datetime) -> Sequence[Callable[[], Awaitable[Any]]]:
        async def lots() -> Any:
            async with self._database.reading(brand) as connection:
                found = await store.due_lots(connection, brand, until, AT_ONCE)
            return DueLots(found, until) if found else None

        async def holds() -> Any:
            async with self._database.reading(brand) as connection:
                found = await store.due_holds(connection, brand, until, AT_ONCE)
            return DueHolds(found, until) if found else None

        async def expiry() -> Any:
            async with self._database.reading(brand) as connection:
                found = await store.due_expiry(connection, brand, until, AT_ONCE)
            return Expire([DueLot(**row) for row in found], until) if found else None

        async def warnings() -> Any:
            async with self._database.reading(brand) as connection:
                found = await store.due_warnings(connection, brand, until, AT_ONCE)
            return Warn([DueLot(**row) for row in found]) if found else None

        async def tiers() -> Any:
            async with self._database.reading(brand) as connection:
                found = await tier_store.due(connection, brand, until, AT_ONCE)
            return DueTiers(found, until) if found else None

        async def reservations() -> Any:
            async with self._database.reading(brand) as connection:
                found = await rewards_store.due_redemptions(connection, brand, until, AT_ONCE)
            return DueRedemptions(found, until) if found else None

        async def service_holds_due() -> Any:
            async with self._database.reading(brand) as connection:
                found = await value_store.due_requests(connection, brand, until, AT_ONCE)
            return service_holds.DueRequests(found, until) if found else None

        async def sweep() -> Any:
            async with self._database.reading(brand) as connection:
                found = await attributes_store.sweep(connection, brand)
                if found is None:
                    return None
                members = await attributes_store.next_members(connection, brand, found.done_to, AT_ONCE)
            return attribute_events.SweepOn(found.done_to, members)

        async def anniversaries() -> Any:
            async with self._database.reading(brand) as connection:
                found = await attributes_store.due_anniversaries(connection, brand, until, AT_ONCE)
            return attribute_events.DueAnniversaries(found, until) if found else None

        return (
            lots,
            holds,
            expiry,
            warnings,
            tiers,
            reservations,
            service_holds_due,
            # What a new version asks for comes before what is due under it.
            sweep,
            anniversaries,
        )
