"""Cards that could not be given are given after all, or written off, by a manager."""

from collections.abc import Sequence
from typing import Any

import asyncpg

from chassis.answers import digest
from chassis.book import Kind, Operation, Touched
from chassis.erasure import is_alias
from chassis.errors import FailedPrecondition, IdempotencyConflict, NotFound
from laurels.leaderboard.v1 import scratch_cards_pb2 as pb
from services.leaderboard import cards
from services.leaderboard.book import Book
from services.leaderboard.rules import LeaderboardRules
from services.leaderboard.scratch import grant_cause, prize_cause
from services.leaderboard.store import parked as store
from services.leaderboard.store.parked import ParkedCard

PARKED, GIVEN, DISMISSED = pb.PARKED_CARD_STATE_PARKED, pb.PARKED_CARD_STATE_GIVEN, pb.PARKED_CARD_STATE_DISMISSED
DECISIONS: Kind[str, bytes] = Kind("decisions on cards", 58, store.decisions, store.leave)
TO_DECIDE: Kind[str, ParkedCard] = Kind("cards to decide on", 59, store.lock, store.decide)


class UnknownParkedCard(NotFound):
    """No such card was parked in the brand."""

    code = "unknown_parked_card"

    def __init__(self, parked: str) -> None:
        super().__init__(f"There is no parked card {parked!r}.")


class ParkedCardEnded(FailedPrecondition):
    """The card was decided on before, otherwise than now asked for."""

    code = "parked_card_ended"

    def __init__(self, state: int) -> None:
        super().__init__(f"The card was {'given' if state == GIVEN else 'written off'}.")


class DecideParkedCards(Operation):
    """Gives parked cards, or writes them off."""

    requests = (pb.RetryParkedCardRequest, pb.DismissParkedCardRequest)

    async def find(
        self, connection: asyncpg.Connection, book: Book, rules: LeaderboardRules, requests: Sequence[Any]
    ) -> Book:
        """Reads whose cards they are and of which pools, which does not change."""
        book.parked_cards |= await store.find(connection, book.brand, {request.parked for request in requests})
        await cards.know(connection, book, (found.pool for found in book.parked_cards.values()))
        return book

    def touch(self, request: Any, found: Book, rules: LeaderboardRules, touched: Touched) -> None:
        touched.row(DECISIONS, request.idempotency_key)
        parked = found.parked_cards.get(request.parked)
        if parked is None:
            return
        touched.row(TO_DECIDE, parked.parked)
        if isinstance(request, pb.RetryParkedCardRequest):
            cards.touch_issue(found, touched, parked.pool, parked.member, _cause(parked), touched.now)
            if _won_by(parked):
                touched.row(cards.CARDS, _won_by(parked))

    def decide(self, book: Book, rules: LeaderboardRules, request: Any) -> Any:
        parked, content = book.row(TO_DECIDE, request.parked), digest(request)
        if parked is None or is_alias(parked.member):
            raise UnknownParkedCard(request.parked)
        if book.row(DECISIONS, request.idempotency_key) not in (None, content):
            raise IdempotencyConflict(f"The key {request.idempotency_key!r} was used for another decision.")
        retries = isinstance(request, pb.RetryParkedCardRequest)
        wanted = GIVEN if retries else DISMISSED
        if parked.state not in (PARKED, wanted):
            raise ParkedCardEnded(parked.state)
        if parked.state == PARKED:
            if retries:
                parked.card = _give(book, parked)
            else:
                parked.note = request.reason
            parked.state, parked.decided_at = wanted, book.now
            parked.decision_key, parked.decision_digest = request.idempotency_key, content
            book.put(DECISIONS, request.idempotency_key, content)
            book.put(TO_DECIDE, parked.parked, parked)
        if retries:
            return pb.RetryParkedCardResponse(card=parked.shown())
        return pb.DismissParkedCardResponse(card=parked.shown())


def _won_by(parked: ParkedCard) -> str:
    """The card that won the parked one; empty when none did."""
    prefix = cards.prize_key("")
    return parked.key.removeprefix(prefix) if parked.key.startswith(prefix) else ""


def _cause(parked: ParkedCard) -> str:
    """What the card would have been given for, so that it is that very card."""
    return prize_cause(_won_by(parked)) if _won_by(parked) else grant_cause(parked.key, parked.place)


def _give(book: Book, parked: ParkedCard) -> str:
    """The card's id. Raises what stands in its way, having changed nothing."""
    given = cards.issue(book, parked.pool, parked.member, _cause(parked), book.now)
    winner = book.row(cards.CARDS, _won_by(parked)) if _won_by(parked) else None
    if winner is not None:
        winner.parked_code = winner.parked_detail = ""
        book.put(cards.CARDS, winner.card, winner)
    return given.card
