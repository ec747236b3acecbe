"""Spends, the credits of other services' events, and enrolment."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from chassis.answers import digest
from chassis.errors import IdempotencyConflict
from laurels.points.v1 import events_pb2, points_pb2
from services.points import attribute_events, ledger, members, referrals
from services.points.book import PARTICULARS, Book, Operation, Touched
from services.points.ledger import PROGRAMME, REDEEMED
from services.points.programme import PointsRules


@dataclass(frozen=True, slots=True)
class Credit:
    """Points that another service's event grants; `key` makes it happen once."""

    member: str
    currency: str
    amount: int
    kind: int
    key: str
    reference: str
    occurred_at: datetime


class Spend(Operation):
    """Spends what is available."""

    requests = (points_pb2.SpendRequest,)
    moves_tiers = False

    def touch(self, request: points_pb2.SpendRequest, found: None, rules: PointsRules, touched: Touched) -> None:
        touched.members.add(request.member)
        touched.keys.add(_key(request))
        touched.wallet(request.member, request.currency, request.amount)

    def decide(self, book: Book, request: points_pb2.SpendRequest) -> points_pb2.SpendResponse:
        key, content = _key(request), digest(request)
        answer = points_pb2.SpendResponse()
        if (known := book.once(key, content, "spend")) is not None:
            _show(answer.entry, book, request, known)
            if isinstance(known, ledger.Entry):
                book.answer(key, lambda number: setattr(answer.entry, "id", number))
            return answer
        book.member(request.member)
        book.check_guardian(request.member)
        book.spendable(request.currency)
        wallet = book.wallet(request.member, request.currency)
        ledger.check_debit(wallet, request.amount, floor=0)
        entry = book.move(
            wallet,
            book.accounts[PROGRAMME, request.currency, REDEEMED],
            request.amount,
            key=key,
            kind=points_pb2.ENTRY_KIND_SPEND,
            reference=request.reference,
            occurred_at=book.now,
            digest=content,
        )
        book.tell_debit(request.member, request.currency, request.amount, request.reference, book.now)
        _show(answer.entry, book, request, entry)
        book.answer(key, lambda number: setattr(answer.entry, "id", number))
        return answer


class Grant(Operation):
    """Credits what a mission or a card won."""

    requests = (Credit,)

    def touch(self, request: Credit, found: None, rules: PointsRules, touched: Touched) -> None:
        touched.members.add(request.member)
        touched.keys.add(request.key)
        touched.wallet(request.member, request.currency)

    def decide(self, book: Book, request: Credit) -> None:
        if request.key in book.known or request.key in book.entries or request.member in book.erased:
            return
        member = book.member(request.member)
        wallet = book.wallet(request.member, request.currency)
        book.check_issue(wallet, request.amount)
        book.issue(
            wallet,
            request.amount,
            key=request.key,
            kind=request.kind,
            reference=request.reference,
            occurred_at=request.occurred_at,
        )
        book.tell_credit(
            request.member, request.currency, request.amount, request.kind, request.reference, request.occurred_at
        )
        book.move_tier(member, request.occurred_at)


class Enrol(Operation):
    """Enrols a member."""

    requests = (points_pb2.EnrolMemberRequest,)
    moves_tiers = False

    async def find(
        self, connection: asyncpg.Connection, brand: str, rules: PointsRules, requests: Sequence[Any]
    ) -> referrals.Claims:
        claims = [(request.member, request.referral_code) for request in requests if request.referral_code]
        return await referrals.find_claims(connection, brand, claims)

    def touch(
        self,
        request: points_pb2.EnrolMemberRequest,
        found: referrals.Claims,
        rules: PointsRules,
        touched: Touched,
    ) -> None:
        touched.enrolling.add(request.member)
        if request.referral_code:
            referrals.touch_claim(request.member, request.referral_code, found, rules, touched)
        if rules.members.declared or request.attributes.fields:
            touched.row(PARTICULARS, request.member)
        attribute_events.touch(request.member, rules, touched)

    def decide(self, book: Book, request: points_pb2.EnrolMemberRequest) -> points_pb2.EnrolMemberResponse:
        rules = book.rules
        book.check_not_erased(request.member)
        member = book.members[request.member]
        if member.enrolled_at is not None and member.display_name not in ("", request.display_name):
            raise IdempotencyConflict(f"Member {request.member!r} is enrolled with other particulars.")
        referral = referrals.claim(book, member, request.referral_code) if request.referral_code else None
        particulars = members.enrol(book, request, enrolled=member.enrolled_at is not None)
        enrolled = book.join(member, book.now)
        if referral is not None:
            book.put(referrals.REFERRALS, member.member, referral)
        if enrolled:
            told = events_pb2.MemberEnrolled(member=member.member, enrolled_at=member.enrolled_at, tier=member.tier)
            book.tell(member.member, told)
        if member.display_name != request.display_name:
            member.display_name = request.display_name
            book.change_member(member)
        known = book.row(PARTICULARS, request.member)
        before = known.attributes if known is not None else {}
        if particulars.attributes != before:
            book.put(PARTICULARS, request.member, particulars)
        attribute_events.note(book, request.member, before, particulars.attributes, enrolled=enrolled)
        shown = members.shown(book, member, particulars)
        if enrolled:
            shown.wallets.extend(points_pb2.Wallet(currency=currency) for currency in rules.currencies)
        return points_pb2.EnrolMemberResponse(member=shown, enrolled=enrolled)


def _key(request: points_pb2.SpendRequest) -> str:
    """The entry's key of a spend; its prefix keeps callers out of the programme's own keys."""
    return f"spend:{request.idempotency_key}"


def _show(shown: points_pb2.Entry, book: Book, request: points_pb2.SpendRequest, entry: Any) -> None:
    """A spend's entry as its member sees it; its id is known once it is kept."""
    kept = isinstance(entry, asyncpg.Record)
    balance, occurred_at = (
        (entry["debit_balance"], entry["occurred_at"]) if kept else (entry.debit_balance, entry.occurred_at)
    )
    shown.id = entry["id"] if kept else 0
    shown.currency, shown.amount, shown.balance = request.currency, -request.amount, balance
    shown.kind, shown.reference = points_pb2.ENTRY_KIND_SPEND, request.reference
    shown.occurred_at.CopyFrom(book.stamp_of(occurred_at))
