"""What other services grant is given once: points as one entry, a reward as one redemption without a price.

What cannot be given, such as a reward that is sold out, is parked until a
manager gives it or writes it off. An event's grants are given each on its own.
What was granted to somebody who was erased is nothing any more.
"""

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

import asyncpg

from chassis.answers import digest
from chassis.book import Kind
from chassis.errors import DomainError, FailedPrecondition, IdempotencyConflict, InvalidArgument, NotFound
from laurels.points.v1 import grants_pb2, points_pb2
from laurels.value.v1 import events_pb2 as value_pb
from services.points import codes, redemptions
from services.points.book import Book, Operation, Touched
from services.points.form import AMOUNT_MAX
from services.points.programme import PointsRules
from services.points.redemptions import RewardGiven
from services.points.store import value as store
from services.points.store.value import Given, Parked

PARKED, GIVEN, DISMISSED = (
    grants_pb2.PARKED_GRANT_STATE_PARKED,
    grants_pb2.PARKED_GRANT_STATE_GIVEN,
    grants_pb2.PARKED_GRANT_STATE_DISMISSED,
)
ENTRY_KINDS = {
    value_pb.GRANT_REASON_MISSION: points_pb2.ENTRY_KIND_MISSION,
    value_pb.GRANT_REASON_PRIZE: points_pb2.ENTRY_KIND_PRIZE,
    value_pb.GRANT_REASON_STANDING: points_pb2.ENTRY_KIND_STANDING,
    value_pb.GRANT_REASON_CAMPAIGN: points_pb2.ENTRY_KIND_CAMPAIGN,
    value_pb.GRANT_REASON_LEVEL: points_pb2.ENTRY_KIND_LEVEL,
}
GIVEN_REWARDS: Kind[str, Given] = Kind("given rewards", 48, store.given, store.add_given)
PARKED_GRANTS: Kind[str, Parked] = Kind("parked grants", 55, store.lock_parked, store.save_parked)
DECISIONS: Kind[str, bytes] = Kind("decisions on grants", 56, store.decisions, store.leave)
"""Digests of the requests that decided, by their keys; the parked grants keep both."""


class UnknownGrant(NotFound):
    """No such grant was parked in the brand."""

    code = "unknown_grant"

    def __init__(self, grant: str) -> None:
        super().__init__(f"There is no parked grant {grant!r}.")


class GrantEnded(FailedPrecondition):
    """The grant was decided on before, otherwise than now asked for."""

    code = "grant_ended"

    def __init__(self, state: int) -> None:
        super().__init__(f"The grant was {'given' if state == GIVEN else 'written off'}.")


@dataclass(frozen=True, slots=True)
class Chance:
    """What is drawn for a reward before its decision: a redemption's id, and characters for a code."""

    redemption: str
    characters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Granted:
    """What another service granted, with chance for each grant."""

    event: value_pb.RewardGranted
    chances: tuple[Chance, ...]


@dataclass(frozen=True, slots=True)
class Retry:
    """A manager's request to give a parked grant."""

    request: grants_pb2.RetryGrantRequest
    chance: Chance


@dataclass(frozen=True, slots=True)
class Piece:
    """One grant of an event; of a reward when `reward` is stated, else of points. `effect` is what it happens under.

    It is given as of the moment `at`.
    """

    key: str
    place: int
    effect: str
    member: str
    currency: str
    amount: int
    reward: str
    reason: int
    reference: str
    occurred_at: datetime
    version: int
    at: datetime
    chance: Chance

    @property
    def grant(self) -> str:
        """The id under which it is parked."""
        return blake2b(f"grant:{self.key}:{self.place}".encode(), digest_size=12).hexdigest()

    def asked(self) -> RewardGiven:
        """The reward as redemptions are made of it."""
        return RewardGiven(
            redemption=self.chance.redemption,
            member=self.member,
            reward=self.reward,
            reference=self.reference,
            at=self.at,
            characters=self.chance.characters,
        )


def drawn() -> Chance:
    """Chance for one grant; a decision has none of its own, and an id that was derived would lead to the erased."""
    return Chance(secrets.token_hex(12), codes.drawn())


def granted(event: value_pb.RewardGranted) -> Granted | None:
    """The request that an event is; None when it grants nothing that points gives."""
    if not any(grant.WhichOneof("kind") in ("points", "reward") for grant in event.grants):
        return None
    return Granted(event, tuple(drawn() for _ in event.grants))


def effects(event: value_pb.RewardGranted) -> Iterator[tuple[int, str, value_pb.Grant]]:
    """The place of each grant that points gives, and the key that it happens under.

    The first grant of points happens under the event's own key, whatever its
    place, as missions and prizes always did; every other under the key and its
    place.

    >>> points = value_pb.Grant(points=value_pb.PointsGrant(currency="points", amount=1))
    >>> event = value_pb.RewardGranted(key="k", grants=[value_pb.Grant(reward="mug"), points, points])
    >>> [(place, effect) for place, effect, _ in effects(event)]
    [(0, 'k#0'), (1, 'k'), (2, 'k#2')]
    """
    seen = False
    for place, grant in enumerate(event.grants):
        match grant.WhichOneof("kind"):
            case "points":
                yield place, f"{event.key}#{place}" if seen else event.key, grant
                seen = True
            case "reward":
                yield place, f"{event.key}#{place}", grant


def _pieces(asked: Granted) -> list[Piece]:
    event = asked.event
    occurred_at = event.occurred_at.ToDatetime(tzinfo=UTC)
    return [
        Piece(
            key=event.key,
            place=place,
            effect=effect,
            member=event.member,
            currency=grant.points.currency,
            amount=grant.points.amount,
            reward=grant.reward,
            reason=event.reason,
            reference=event.reference,
            occurred_at=occurred_at,
            version=event.programme_version,
            at=occurred_at,
            chance=asked.chances[place],
        )
        for place, effect, grant in effects(event)
    ]


def _piece_of(parked: Parked, at: datetime, chance: Chance) -> Piece:
    return Piece(
        key=parked.key,
        place=parked.place,
        effect=parked.effect,
        member=parked.member,
        currency=parked.currency,
        amount=parked.amount,
        reward=parked.reward,
        reason=parked.reason,
        reference=parked.reference,
        occurred_at=parked.occurred_at,
        version=parked.programme_version,
        at=at,
        chance=chance,
    )


def _touch(piece: Piece, rules: PointsRules, touched: Touched) -> None:
    touched.members.add(piece.member)
    if not piece.reward:
        touched.keys.add(piece.effect)
        touched.wallet(piece.member, piece.currency)
        return
    touched.row(GIVEN_REWARDS, piece.effect)
    redemptions.touch_given(piece.asked(), rules, touched)


def _give(book: Book, piece: Piece) -> str:
    """Gives what was not given before; the redemption that a reward became. Raises a DomainError."""
    if not piece.reward:
        _credit(book, piece)
        return ""
    if (known := book.row(GIVEN_REWARDS, piece.effect)) is not None:
        return known.redemption
    redemption = redemptions.give(book, piece.asked())
    book.put(GIVEN_REWARDS, piece.effect, Given(piece.effect, piece.member, redemption.redemption, book.now))
    return redemption.redemption


def _credit(book: Book, piece: Piece) -> None:
    member = book.member(piece.member)
    wallet = book.wallet(piece.member, piece.currency)
    known = book.known.get(piece.effect) or book.entries.get(piece.effect)
    if known is not None:
        credit, amount = (
            (known["credit"], known["amount"]) if isinstance(known, asyncpg.Record) else (known.credit, known.amount)
        )
        if (credit, amount) != (wallet.id, piece.amount):
            raise IdempotencyConflict(f"Another entry stands under the key {piece.effect!r}.")
        return
    if not 1 <= piece.amount <= AMOUNT_MAX:
        raise InvalidArgument(f"The amount {piece.amount} is not within 1 and {AMOUNT_MAX}.")
    kind = ENTRY_KINDS.get(piece.reason)  # type: ignore[call-overload]
    if kind is None:
        raise InvalidArgument(f"The reason {piece.reason} is none that points knows.", code="unknown_reason")
    book.check_issue(wallet, piece.amount)
    book.issue(wallet, piece.amount, key=piece.effect, kind=kind, reference=piece.reference, occurred_at=piece.at)
    book.tell_credit(piece.member, piece.currency, piece.amount, kind, piece.reference, piece.at)
    book.move_tier(member, piece.at)


class Give(Operation):
    """Gives what is granted, and parks what cannot be given."""

    requests = (Granted,)

    def touch(self, request: Granted, found: None, rules: PointsRules, touched: Touched) -> None:
        for piece in _pieces(request):
            touched.row(PARKED_GRANTS, piece.grant)
            _touch(piece, rules, touched)

    def decide(self, book: Book, request: Granted) -> None:
        if request.event.member in book.erased:
            return
        for piece in _pieces(request):
            if book.row(PARKED_GRANTS, piece.grant) is not None:
                continue
            try:
                _give(book, piece)
            except DomainError as refusal:
                self._park(book, piece, refusal)

    @staticmethod
    def _park(book: Book, piece: Piece, refusal: DomainError) -> None:
        parked = Parked(
            grant=piece.grant,
            key=piece.key,
            place=piece.place,
            effect=piece.effect,
            member=piece.member,
            currency=piece.currency,
            amount=piece.amount,
            reward=piece.reward,
            reason=piece.reason,
            reference=piece.reference,
            occurred_at=piece.occurred_at,
            programme_version=piece.version,
            state=PARKED,
            code=refusal.reason,
            detail=refusal.detail,
            redemption="",
            parked_at=book.now,
            is_new=True,
        )
        book.put(PARKED_GRANTS, piece.grant, parked)
        told = value_pb.GrantParked(
            key=piece.key,
            member=piece.member,
            grant=parked.content(),
            code=refusal.reason,
            detail=refusal.detail,
            occurred_at=book.now,
        )
        book.tell(piece.member, told)


class DecideParked(Operation):
    """Gives parked grants, or writes them off."""

    requests = (Retry, grants_pb2.DismissGrantRequest)

    async def find(
        self, connection: asyncpg.Connection, brand: str, rules: PointsRules, requests: Sequence[Any]
    ) -> dict[str, Parked]:
        return await store.parked(connection, brand, sorted({_asked(request).grant for request in requests}))

    def touch(self, request: Any, found: dict[str, Parked], rules: PointsRules, touched: Touched) -> None:
        asked = _asked(request)
        touched.row(DECISIONS, asked.idempotency_key)
        parked = found.get(asked.grant)
        if parked is None:
            return
        touched.row(PARKED_GRANTS, parked.grant)
        if isinstance(request, Retry):
            _touch(_piece_of(parked, touched.now, request.chance), rules, touched)

    def decide(self, book: Book, request: Any) -> Any:
        asked = _asked(request)
        parked = book.row(PARKED_GRANTS, asked.grant)
        if parked is None or parked.member in book.erased:
            raise UnknownGrant(asked.grant)
        content = digest(asked)
        if book.row(DECISIONS, asked.idempotency_key) not in (None, content):
            raise IdempotencyConflict(f"The key {asked.idempotency_key!r} was used for another decision.")
        wanted = GIVEN if isinstance(request, Retry) else DISMISSED
        if parked.state not in (PARKED, wanted):
            raise GrantEnded(parked.state)
        if parked.state == PARKED:
            if isinstance(request, Retry):
                parked.redemption = _give(book, _piece_of(parked, book.now, request.chance))
            else:
                parked.note = asked.reason
            parked.state, parked.decided_at = wanted, book.now
            parked.decision_key, parked.decision_digest = asked.idempotency_key, content
            book.put(DECISIONS, asked.idempotency_key, content)
            book.put(PARKED_GRANTS, parked.grant, parked)
        if wanted == GIVEN:
            return grants_pb2.RetryGrantResponse(grant=parked.shown())
        return grants_pb2.DismissGrantResponse(grant=parked.shown())


def _asked(request: Any) -> Any:
    """The caller's own message."""
    return request.request if isinstance(request, Retry) else request
