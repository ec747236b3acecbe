"""Points that are held for another service, which asks for it and says how it ends, both by events.

A request is decided once, and told: held, or why not. The hold ends by the
first word of the service that asked. When it times out that service is asked;
the points stay held until it answers, since giving them back alone could give
their value twice.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import asyncpg

from chassis.answers import digest
from chassis.book import Kind
from chassis.errors import DomainError, InvalidArgument
from laurels.value.v1 import events_pb2 as value_pb
from services.points import holds, ledger
from services.points.book import Book, Moved, Operation, Touched
from services.points.form import AMOUNT_MAX
from services.points.holds import HOLDS
from services.points.ledger import HELD
from services.points.programme import PointsRules
from services.points.states import Hold
from services.points.store import holds as read_holds
from services.points.store import value as store
from services.points.store.value import HoldRequest

CAPTURE, RELEASE = value_pb.HOLD_END_CAPTURE, value_pb.HOLD_END_RELEASE
REQUESTS: Kind[str, HoldRequest] = Kind("requests to hold", 21, store.lock_requests, store.save_requests)


@dataclass(frozen=True, slots=True)
class HoldAsked:
    """A service's request to hold points, with the id of the hold that it may become."""

    event: value_pb.HoldRequested
    hold: str


@dataclass(frozen=True, slots=True)
class DueRequests:
    """Requests, by their keys, whose holds are due by `until`."""

    keys: Sequence[str]
    until: datetime


def asked(event: value_pb.HoldRequested) -> HoldAsked:
    """The request that an event is. The id is drawn: one that was derived would lead to the erased."""
    return HoldAsked(event, secrets.token_hex(12))


class Ask(Operation):
    """Decides requests to hold points."""

    requests = (HoldAsked,)
    moves_tiers = False

    def touch(self, request: HoldAsked, found: None, rules: PointsRules, touched: Touched) -> None:
        event = request.event
        touched.members.add(event.member)
        touched.wallet(event.member, event.currency, max(event.amount, 0))
        touched.accounts.add((event.member, event.currency, HELD))
        touched.row(HOLDS, request.hold)
        touched.row(REQUESTS, event.key)

    def decide(self, book: Book, request: HoldAsked) -> None:
        event = request.event
        if event.member in book.erased or book.row(REQUESTS, event.key) is not None:
            return
        due_at = event.expires_at.ToDatetime(tzinfo=UTC) if event.HasField("expires_at") else None
        decided = HoldRequest(event.key, event.member, request.hold, "", 0, due_at, book.now, is_new=True)
        try:
            self._check(book, event)
        except DomainError as refusal:
            decided.hold, decided.code, decided.due_at = "", refusal.reason, None
        else:
            self._hold(book, request)
        book.put(REQUESTS, event.key, decided)
        told = value_pb.HoldDecided(
            key=event.key,
            member=event.member,
            held=bool(decided.hold),
            code=decided.code,
            occurred_at=book.now,
        )
        book.tell(event.member, told)

    @staticmethod
    def _check(book: Book, event: value_pb.HoldRequested) -> None:
        book.member(event.member)
        book.check_guardian(event.member)
        book.spendable(event.currency)
        if not 1 <= event.amount <= AMOUNT_MAX:
            raise InvalidArgument(f"The amount {event.amount} is not within 1 and {AMOUNT_MAX}.")
        ledger.check_debit(book.wallet(event.member, event.currency), event.amount, floor=0)

    @staticmethod
    def _hold(book: Book, request: HoldAsked) -> None:
        event = request.event
        # It never times out by itself, so it has no moment of its own.
        holds.set_aside(
            book,
            request.hold,
            member=event.member,
            currency=event.currency,
            amount=event.amount,
            reference=event.reference,
            content=digest(event),
            expires_at=None,
        )


class Settle(Operation):
    """Ends holds by the word of the service that asked for them, and asks for it when they are due."""

    requests = (value_pb.HoldSettled, DueRequests)
    moves_tiers = False

    async def find(
        self, connection: asyncpg.Connection, brand: str, rules: PointsRules, requests: Sequence[Any]
    ) -> dict[str, Hold]:
        """The holds, by the keys of their requests."""
        keys = sorted({request.key for request in requests if isinstance(request, value_pb.HoldSettled)})
        named = await store.requests(connection, brand, keys)
        found = await read_holds(connection, brand, sorted(each.hold for each in named.values() if each.hold))
        return {key: found[each.hold] for key, each in named.items() if each.hold in found}

    def touch(self, request: Any, found: dict[str, Hold], rules: PointsRules, touched: Touched) -> None:
        if isinstance(request, DueRequests):
            for key in request.keys:
                touched.row(REQUESTS, key)
            return
        touched.row(REQUESTS, request.key)
        if (hold := found.get(request.key)) is not None and hold.state == holds.OPEN:
            touched.row(HOLDS, hold.hold)
            touched.wallet(hold.member, hold.currency)
            touched.accounts.add((hold.member, hold.currency, HELD))

    def decide(self, book: Book, request: Any) -> Any:
        if isinstance(request, DueRequests):
            return self._due(book, request)
        return self._settle(book, request)

    @staticmethod
    def _settle(book: Book, settled: value_pb.HoldSettled) -> None:
        if settled.end not in (CAPTURE, RELEASE):
            raise InvalidArgument(f"The hold {settled.key!r} is to end in a way that is not known: {settled.end}.")
        request = book.row(REQUESTS, settled.key)
        # Of somebody who was erased, nothing is left to end; a refused request has no hold.
        if request is None or request.ended or not request.hold:
            return
        hold = book.row(HOLDS, request.hold)
        if hold is None or (hold.member, hold.currency, HELD) not in book.accounts:
            raise Moved(f"the hold of {settled.key} was made just now")
        if hold.state != holds.OPEN:
            return
        if settled.end == CAPTURE:
            holds.capture(book, hold, hold.amount)
        else:
            holds.give_back(book, hold, holds.RELEASED, book.now)
        request.ended, request.due_at, request.ended_at = settled.end, None, book.now
        book.put(REQUESTS, settled.key, request)

    @staticmethod
    def _due(book: Book, request: DueRequests) -> int:
        done = 0
        for key in request.keys:
            row = book.row(REQUESTS, key)
            if row is None or row.due_at is None or row.due_at > request.until:
                continue
            book.tell(row.member, value_pb.HoldDue(key=key, member=row.member, occurred_at=row.due_at.astimezone(UTC)))
            row.due_at = None
            book.put(REQUESTS, key, row)
            done += 1
        return done
