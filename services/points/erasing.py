"""Members are erased: at once from all that says who they are, then from every text, service and stream.

What was moved stays under an alias, so that the ledger balances: holds are
released, pending points cancelled, and what is left expires; a debt stays the
alias'. Ids, accounts, amounts, kinds and moments of entries do not change. The
alias is drawn and leads to nobody; a fingerprint under a key keeps the id from
being enrolled again.
"""

import asyncio
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import asyncpg
from nats.aio.client import Client
from nats.js.errors import NotFoundError

from chassis import erasure
from chassis.book import Kind
from chassis.database import EVERY_BRAND, Database
from chassis.errors import Aborted, NotFound
from chassis.events import NO_MEMBER, short_name, stream, subject
from chassis.loops import Beat
from chassis.transport import connect, jetstream
from chassis.write_path import WritePath
from laurels.erasure.v1.events_pb2 import ErasureSettled, MemberErased
from laurels.points.v1 import members_pb2, points_pb2
from services.fingerprints import Fingerprints
from services.points import holds, inheritance, pending
from services.points.book import Book, Operation, Touched
from services.points.ledger import BALANCE_MAX, EXPIRED, HELD, PENDING, PROGRAMME
from services.points.programme import PointsRules
from services.points.settings import Settings
from services.points.store import members as store
from services.points.store.members import Erasure, NewErasure

RECEIPTS_DUE = frozenset(
    {
        ("leaderboard", "missions"),
        ("leaderboard", "points"),
        ("leaderboard", "recommender"),
        ("missions", "leaderboard"),
        ("missions", "points"),
        ("missions", "recommender"),
        ("recommender", "missions"),
        ("recommender", "points"),
    }
)
"""Who has heard whose last word, when nothing can bring a member back: each service, of each that it listens to."""
SERVICES = frozenset(service for service, _ in RECEIPTS_DUE)
ERASED, SETTLED, COMPLETE = (
    members_pb2.ERASURE_STATE_ERASED,
    members_pb2.ERASURE_STATE_SETTLED,
    members_pb2.ERASURE_STATE_COMPLETE,
)
EVERY_S = 0.5
PAGE = 2_000


class UnknownErasure(NotFound):
    """There is no such erasure in the brand."""

    code = "unknown_erasure"

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no erasure {name!r}.")


ERASURES: Kind[str, Erasure] = Kind("erasures", 62, store.lock_erasures, store.save_erasures)


@dataclass(frozen=True, slots=True)
class Received:
    """A service's receipt."""

    erasure: str
    service: str
    after: str


@dataclass(frozen=True, slots=True)
class Scrubbed:
    """The points service has scrubbed its own texts and events."""

    erasure: str


@dataclass(frozen=True, slots=True)
class Completed:
    """Nothing names the member any more; `streams` says what became of those."""

    erasure: str
    streams: int


def new_erasure(brand: str, member: str, prints: Fingerprints, requested_at: Any) -> NewErasure:
    """An erasure with an alias that nobody can be traced by."""
    return NewErasure(
        member=member,
        erasure=secrets.token_hex(16),
        alias=erasure.alias_of(member, lambda: secrets.token_hex(16)),
        fingerprint=prints.of(brand, member),
        salt=secrets.token_hex(16),
        requested_at=requested_at,
    )


@dataclass(frozen=True, slots=True)
class Left:
    """What a member leaves that is not of a fixed number."""

    holds: list[str]
    lots: list[str]
    groups: inheritance.InGroups


class Erase(Operation):
    """Erases a member from the points service."""

    requests = (NewErasure,)

    async def find(
        self, connection: asyncpg.Connection, brand: str, rules: PointsRules, requests: Sequence[NewErasure]
    ) -> dict[str, "Left"]:
        """The open holds, the waiting lots and who is in the groups, by member."""
        return {
            request.member: Left(
                await store.open_holds(connection, brand, request.member),
                await store.waiting_lots(connection, brand, request.member),
                await inheritance.find(connection, brand, request.member),
            )
            for request in requests
        }

    def touch(
        self,
        request: NewErasure,
        found: dict[str, "Left"],
        rules: PointsRules,
        touched: Touched,
    ) -> None:
        touched.members.add(request.member)
        left = found[request.member]
        for name in left.holds:
            touched.row(holds.HOLDS, name)
        for name in left.lots:
            touched.row(pending.LOTS, name)
        inheritance.touch(request.member, left.groups, rules, touched)
        for currency in rules.currencies:
            # All lots are read: nothing may stay.
            touched.wallet(request.member, currency, BALANCE_MAX)
            touched.accounts.update((request.member, currency, kind) for kind in (HELD, PENDING))
            touched.accounts.add((PROGRAMME, currency, EXPIRED))

    def decide(self, book: Book, request: NewErasure) -> members_pb2.EraseMemberResponse:
        name = request.member
        book.member(name)
        open_holds = [h for h in book.rows(holds.HOLDS) if h.member == name and h.state == holds.OPEN]
        waiting = [lot for lot in book.rows(pending.LOTS) if lot.member == name and lot.state == pending.WAITING]
        for kind, rows in ((HELD, open_holds), (PENDING, waiting)):
            for currency in book.rules.currencies:
                known = sum(row.amount for row in rows if row.currency == currency)
                if book.wallet(name, currency, kind).balance != known:
                    raise Aborted(f"Points of member {name!r} moved meanwhile; try again.")
        inheritances = inheritance.check(book, name)
        told = len(book.events)
        for hold in open_holds:
            holds.give_back(book, hold, holds.RELEASED, book.now)
        for lot in waiting:
            pending.cancel(book, lot, book.now)
        # Nobody is left to be told of them.
        del book.events[told:]
        inheritance.leave(book, name, inheritances)
        for currency in book.rules.currencies:
            self._expire(book, name, currency)
        book.add(store.erase, request)
        book.members.pop(name)
        book.erased.add(name)
        book.tell(
            name,
            MemberErased(member=name, erasure=request.erasure, alias=request.alias, erased_at=book.stamp),
        )
        return members_pb2.EraseMemberResponse(erasure=request.erasure)

    @staticmethod
    def _expire(book: Book, member: str, currency: str) -> None:
        wallet = book.wallet(member, currency)
        if wallet.balance > 0:
            book.move(
                wallet,
                book.accounts[PROGRAMME, currency, EXPIRED],
                wallet.balance,
                key=f"erase:{wallet.id}",
                kind=points_pb2.ENTRY_KIND_EXPIRE,
                reference="",
                occurred_at=book.now,
            )


class Follow(Operation):
    """Follows an erasure through all services to its end."""

    requests = (Received, Scrubbed, Completed)

    def touch(self, request: Any, found: None, rules: PointsRules, touched: Touched) -> None:
        touched.row(ERASURES, request.erasure)

    def decide(self, book: Book, request: Any) -> None:
        row = book.row(ERASURES, request.erasure)
        if row is None or row.state == COMPLETE:
            return
        match request:
            case Received():
                if (request.service, request.after) not in received(row):
                    at = book.now.isoformat()
                    row.receipts.append({"service": request.service, "after": request.after, "received_at": at})
            case Scrubbed():
                row.scrubbed = True
            case Completed():
                row.state, row.streams, row.completed_at, row.salt = COMPLETE, request.streams, book.now, ""
                book.add(store.end_erasures, request.erasure)
        if row.state == ERASED and row.scrubbed and received(row) >= RECEIPTS_DUE:
            row.state = SETTLED
            book.tell(NO_MEMBER, ErasureSettled(erasure=row.erasure))
        book.put(ERASURES, row.erasure, row)


def received(row: Erasure) -> set[tuple[str, str]]:
    """Who has given a receipt after whose last word; with an empty one, the service's own last."""
    return {(receipt["service"], receipt["after"]) for receipt in row.receipts}


class Eraser:
    """Scrubs what erased members left, and purges the streams, with the rights of a NATS user of its own."""

    def __init__(self, database: Database, write_path: WritePath, settings: Settings) -> None:
        self._database, self._write_path, self._settings = database, write_path, settings
        self._client: Client | None = None

    async def run(self, beat: Beat) -> None:
        """Looks for ever."""
        try:
            while True:
                beat()
                async with self._database.reading(EVERY_BRAND) as connection:
                    found = await store.erasing(connection)
                for erasing in found:
                    await self._follow(erasing, beat)
                await asyncio.sleep(EVERY_S)
        finally:
            client, self._client = self._client, None
            if client is not None:
                await client.close()

    async def _follow(self, erasing: erasure.Erasing, beat: Beat) -> None:
        async with self._database.reading(erasing.brand) as connection:
            row = (await store.erasures(connection, erasing.brand, [erasing.erasure]))[erasing.erasure]
        if not row.scrubbed:
            await self._scrub(erasing, row.salt, beat)
            # A lost event of the member that is published again from now on names nobody.
            await erasure.scrub(self._database, erasing, beat, keep=[MemberErased.DESCRIPTOR.full_name])
            await self._write_path.submit(erasing.brand, Scrubbed(erasing.erasure))
        elif row.state == SETTLED and received(row) >= {(service, "") for service in SERVICES}:
            await erasure.scrub(self._database, erasing, beat)
            streams = await self.purge(erasing, beat)
            await self._write_path.submit(erasing.brand, Completed(erasing.erasure, streams))

    async def _scrub(self, erasing: erasure.Erasing, salt: str, beat: Beat) -> None:
        """Page by page, so that no statement takes long."""
        after: int | None = 0
        while after is not None:
            beat()
            async with self._database.transaction(erasing.brand) as connection:
                after = await store.scrub_entries(connection, erasing.alias, salt, after, PAGE)
        scrubbed = PAGE
        while scrubbed:
            beat()
            async with self._database.transaction(erasing.brand) as connection:
                scrubbed = await store.scrub_activities(connection, erasing.member, erasing.alias, salt, PAGE)

    async def purge(self, erasing: erasure.Erasing, beat: Beat) -> int:
        """Takes the messages about a member, and those that name them, off every stream; whether it could."""
        user = self._settings.nats_eraser_user
        if not user:
            return members_pb2.STREAMS_PURGED_NOT_CONFIGURED
        if self._client is None:
            password = self._settings.nats_eraser_password.get_secret_value()
            self._client = await connect(self._settings.nats_url, name=user, user=user, password=password)
        for service in sorted({"points", *SERVICES}):
            beat()
            await self._purge(self._client, service, f"laurels.*.*.*.{erasing.brand}.{erasing.member}")
        # What had not been consumed of these is published again from the outbox, which names the alias.
        for type_name, member in sorted(await erasure.naming(self._database, erasing, beat)):
            beat()
            await self._purge(self._client, "points", subject("points", short_name(type_name), erasing.brand, member))
        return members_pb2.STREAMS_PURGED_YES

    @staticmethod
    async def _purge(client: Client, service: str, name: str) -> None:
        with suppress(NotFoundError):
            await jetstream(client).purge_stream(stream(service), subject=name)
