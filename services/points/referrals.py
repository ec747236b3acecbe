"""Members bring members, and both are rewarded once, on the referee's first qualifying activity.

How a member came is settled once: by a code that they state, or by a
qualifying activity before they stated one. It is changed under the lock on the
member. Nobody refers themselves, nor whoever referred them, however far up.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

import asyncpg

from chassis.book import Kind
from chassis.errors import FailedPrecondition, NotFound
from laurels.activity.v1.activity_pb2 import Activity
from laurels.points.v1 import groups_events_pb2, groups_pb2, points_pb2
from services.points import allowances
from services.points.book import Book, Moved, Operation, Touched
from services.points.ledger import AVAILABLE, BalanceTooHigh
from services.points.programme import PointsRules
from services.points.sharing_rules import ReferralRules
from services.points.states import Code, MemberState, Referral
from services.points.store import referrals as rows

ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""What people do not mistake for each other when they read a code aloud or copy it."""
CANDIDATES = 8
CLAIMED, COMPLETED, UNREFERRED = 1, 2, 3
"""Stated a code; bought after it; bought before it."""
COUNTER = "referral"
CODES: Kind[str, Code] = Kind("referral codes", 14, rows.codes, rows.add_codes)
REFERRALS: Kind[str, Referral] = Kind("referrals", 16, rows.referrals, rows.save_referrals)


class NoReferrals(FailedPrecondition):
    """The programme rewards no referrals."""

    code = "no_referrals"

    def __init__(self) -> None:
        super().__init__("The programme has no referrals.")


class UnknownReferralCode(NotFound):
    """It is no member's code."""

    code = "unknown_referral_code"

    def __init__(self, code: str) -> None:
        super().__init__(f"There is no referral code {code!r}.")


class SelfReferral(FailedPrecondition):
    """The code is the member's own."""

    code = "self_referral"

    def __init__(self) -> None:
        super().__init__("The code is the member's own.")


class ReferralCycle(FailedPrecondition):
    """The code's member came through the one who states it."""

    code = "referral_cycle"

    def __init__(self) -> None:
        super().__init__("The code is of a member whom this one brought, directly or through others.")


class AlreadyReferred(FailedPrecondition):
    """The member stated another code before."""

    code = "already_referred"

    def __init__(self) -> None:
        super().__init__("The member stated another code before.")


class ReferralTooLate(FailedPrecondition):
    """The member has bought, or has been a member for too long."""

    code = "referral_too_late"

    def __init__(self, days: int) -> None:
        super().__init__(f"A code is stated before the first purchase and within {days} days of enrolment.")


@dataclass(frozen=True, slots=True)
class KeepSecret:
    """Random bytes to become a brand's secret, if it has none."""

    secret: bytes


@dataclass(frozen=True, slots=True)
class MakeCode:
    """Gives a member the first of these codes that is nobody's."""

    member: str
    candidates: Sequence[str]


def codes_of(secret: bytes, member: str, length: int) -> list[str]:
    """The codes that a member may have, the first one first; who knows the secret alone can tell them.

    >>> codes_of(b"secret", "ann", 8) == codes_of(b"secret", "ann", 8) != codes_of(b"other", "ann", 8)
    True
    """
    found = []
    for attempt in range(CANDIDATES):
        number = int.from_bytes(hmac.digest(secret, f"{member}:{attempt}".encode(), sha256))
        letters = []
        for _ in range(length):
            number, letter = divmod(number, len(ALPHABET))
            letters.append(ALPHABET[letter])
        found.append("".join(letters))
    return found


class Coding(Operation):
    """Makes secrets and codes."""

    requests = (KeepSecret, MakeCode)

    def touch(self, request: Any, found: None, rules: PointsRules, touched: Touched) -> None:
        if isinstance(request, MakeCode):
            touched.members.add(request.member)
            for code in request.candidates:
                touched.row(CODES, code)

    def decide(self, book: Book, request: Any) -> str:
        if isinstance(request, KeepSecret):
            book.add(rows.add_secrets, request.secret)
            return ""
        book.member(request.member)
        known: dict[str, Code | None] = {code: book.row(CODES, code) for code in request.candidates}
        for code, row in known.items():
            if row is not None and row.member == request.member:
                return code
        for code, row in known.items():
            if row is None:
                book.put(CODES, code, Code(code, request.member))
                return code
        raise RuntimeError(f"all {CANDIDATES} codes of a member are others'")


@dataclass(frozen=True, slots=True)
class Claims:
    """Whose the stated codes are, and everybody's referrers."""

    codes: dict[str, Code]
    chains: dict[str, list[str]]


async def find_claims(connection: asyncpg.Connection, brand: str, claims: Sequence[tuple[str, str]]) -> Claims:
    """What is needed to touch claims of (member, code)."""
    stated = {code_as_kept(code) for _, code in claims} - {""}
    if not stated:
        return Claims({}, {})
    codes = await rows.codes(connection, brand, sorted(stated))
    heads = {member for member, code in claims if code} | {code.member for code in codes.values()}
    return Claims(codes, await rows.chains(connection, brand, sorted(heads)))


def touch_claim(member: str, code: str, found: Claims, rules: PointsRules, touched: Touched) -> None:
    """What stating a code touches: both members, and everybody through whom they came."""
    kept = code_as_kept(code)
    owner = found.codes.get(kept)
    if rules.referral is None or owner is None:
        return
    touched.row(CODES, kept)
    for name in {member, owner.member, *found.chains.get(member, ()), *found.chains.get(owner.member, ())}:
        touched.members.add(name)
        touched.row(REFERRALS, name)


def claim(book: Book, member: MemberState, code: str) -> Referral | None:
    """The referral that stating a code makes, to be put; None when it was stated before. Raises a DomainError.

    A member who is not enrolled yet is as one who enrols now.
    """
    rules, kept = book.rules.referral, code_as_kept(code)
    if rules is None:
        raise NoReferrals
    owner = book.row(CODES, kept)
    known = book.row(REFERRALS, member.member)
    if owner is None or known is None:
        raise UnknownReferralCode(code)
    if known.state in (CLAIMED, COMPLETED):
        if known.code != kept:
            raise AlreadyReferred
        return None
    if owner.member == member.member:
        raise SelfReferral
    if known.state == UNREFERRED or book.now > (member.enrolled_at or book.now) + rules.window:
        raise ReferralTooLate(rules.window.days)
    book.member(owner.member)
    _require_no_cycle(book, member.member, owner.member)
    return Referral(member.member, owner.member, kept, CLAIMED, book.now, fresh=True)


def _require_no_cycle(book: Book, referee: str, referrer: str) -> None:
    above = referrer
    for _ in range(rows.CHAIN_MAX):
        if above == referee:
            raise ReferralCycle
        known = book.row(REFERRALS, above)
        if known is None:
            raise Moved(f"{above} is a referrer just now")
        if not known.referrer:
            return
        above = known.referrer


def code_as_kept(code: str) -> str:
    """A code as it is kept; empty for what can be none."""
    upper = code.strip().upper()
    return upper if 6 <= len(upper) <= 16 and set(upper) <= set(ALPHABET) else ""


class Claim(Operation):
    """Takes codes from members."""

    requests = (groups_pb2.ClaimReferralRequest,)

    async def find(
        self, connection: asyncpg.Connection, brand: str, rules: PointsRules, requests: Sequence[Any]
    ) -> Claims:
        return await find_claims(connection, brand, [(request.member, request.code) for request in requests])

    def touch(
        self, request: groups_pb2.ClaimReferralRequest, found: Claims, rules: PointsRules, touched: Touched
    ) -> None:
        touched.members.add(request.member)
        touch_claim(request.member, request.code, found, rules, touched)

    def decide(self, book: Book, request: groups_pb2.ClaimReferralRequest) -> groups_pb2.ClaimReferralResponse:
        member = book.member(request.member)
        if (referral := claim(book, member, request.code)) is not None:
            book.put(REFERRALS, request.member, referral)
        return groups_pb2.ClaimReferralResponse(code=code_as_kept(request.code))


def touch_completion(referral: Referral, rules: ReferralRules, at: datetime, zone: Any, touched: Touched) -> None:
    """What a referee's activity at a moment touches."""
    touched.row(REFERRALS, referral.referee)
    if referral.state == CLAIMED:
        touched.members.add(referral.referrer)
        for member in (referral.referee, referral.referrer):
            touched.wallet(member, rules.terms.currency)
        allowances.touch(touched, COUNTER, referral.referrer, [per for _, per in rules.caps], at, zone)


def complete(book: Book, rules: ReferralRules, activity: Activity, member: MemberState, at: datetime) -> None:
    """Rewards both sides when this is the referee's first qualifying activity; remembers it of others."""
    if activity.type != rules.terms.activity_type:
        return
    known = book.row(REFERRALS, member.member)
    if known is None or known.state in (COMPLETED, UNREFERRED) or member.enrolled_at is None:
        return
    if at > member.enrolled_at + rules.window or not _qualifies(book, rules, activity, member):
        return
    if known.state != CLAIMED:
        known.state, known.activity, known.completed_at = UNREFERRED, activity.id, at
        book.put(REFERRALS, member.member, known)
        return
    if known.fresh:
        return  # Claimed beside this activity, in one transaction; the next one completes it.
    counted = allowances.are_touched(book, COUNTER, known.referrer, rules.caps, at)
    if not counted or (known.referrer, rules.terms.currency, AVAILABLE) not in book.accounts:
        raise Moved(f"{member.member} was referred just now")
    left = allowances.remaining(book, COUNTER, known.referrer, rules.caps, at)
    wanted = rules.terms.referrer_amount if book.is_enrolled(known.referrer) else 0
    amount = wanted if left is None else min(wanted, left)
    known.capped = amount < wanted
    known.referrer_amount = _reward(book, known, known.referrer, "referrer", amount, at)
    known.referee_amount = _reward(book, known, member.member, "referee", rules.terms.referee_amount, at)
    allowances.count(book, COUNTER, known.referrer, [per for _, per in rules.caps], at, known.referrer_amount)
    known.state, known.activity, known.completed_at = COMPLETED, activity.id, at
    book.put(REFERRALS, member.member, known)
    told = groups_events_pb2.ReferralCompleted(
        member=known.referrer,
        referee=member.member,
        activity=activity.id,
        currency=rules.terms.currency,
        referrer_amount=known.referrer_amount,
        referee_amount=known.referee_amount,
        capped=known.capped,
        occurred_at=at,
    )
    book.tell(known.referrer, told)


def _qualifies(book: Book, rules: ReferralRules, activity: Activity, member: MemberState) -> bool:
    variables = {
        "member.id": member.member,
        "member.tier": member.tier,
        "member.is_first_activity": activity.type not in member.seen_types,
        "member.segments": sorted(member.segments),
    }
    return rules.condition.of(activity, variables, lambda _, why: book.rule_failed("referral", why)) == [1]


def _reward(book: Book, referral: Referral, member: str, side: str, amount: int, at: datetime) -> int:
    """Credits one side; how much it could."""
    if not amount:
        return 0
    wallet = book.wallet(member, book.rules.referral.terms.currency)  # type: ignore[union-attr]
    try:
        book.check_issue(wallet, amount)
    except BalanceTooHigh as error:
        book.rule_failed("referral", error.detail)
        return 0
    kind, key = points_pb2.ENTRY_KIND_REFERRAL, f"referral:{referral.referee}:{side}"
    book.issue(wallet, amount, key=key, kind=kind, reference=referral.code, occurred_at=at)
    book.tell_credit(member, wallet.currency, amount, kind, referral.code, at)
    book.move_tier(book.members[member], at)
    return amount
