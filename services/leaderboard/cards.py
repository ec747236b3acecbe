"""Scratch cards: issued for what a programme says, revealed once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import asyncpg

from chassis.book import Kind, Operation, Touched
from laurels.activity.v1.events_pb2 import ActivityRecorded
from laurels.leaderboard.v1 import scratch_cards_pb2
from laurels.leaderboard.v1.events_pb2 import ScratchCardIssued, ScratchCardRevealed
from laurels.missions.v1.events_pb2 import MissionCompleted
from services.activity import moment_of
from services.leaderboard.book import Book
from services.leaderboard.rules import LeaderboardRules
from services.leaderboard.scratch import UnknownCard, activity_cause, card_id, commitment, draw, mission_cause
from services.leaderboard.store import cards as store
from services.leaderboard.store.cards import CardState, Pool, PrizeKey, Stock

CARDS: Kind[str, CardState] = Kind("cards", 50, store.lock_cards, store.save_cards)
STOCK: Kind[PrizeKey, Stock] = Kind("stock", 60, store.lock_stock, store.save_stock)


@dataclass(frozen=True, slots=True)
class Reveal:
    """A card to reveal; `member` is whose it must be, None when any member's will do."""

    card: str
    member: str | None


async def publish(connection: asyncpg.Connection, book: Book, rules: LeaderboardRules) -> None:
    """Publishes a version's new pools with commitments to fresh seeds.

    Before any card of theirs can be issued, and with the version or not at all.
    """
    rows = []
    for pool in sorted(await store.unpublished(connection, book.brand, rules.pools)):
        seed = book.seal.new_seed()
        rows.append((rules.pools[pool], commitment(seed), book.seal.close(book.brand, pool, seed)))
    if rows:
        await store.publish(connection, book.brand, rows)


class IssueByActivity(Operation):
    """Issues a card of each pool that an activity qualifies for."""

    requests = (ActivityRecorded,)

    async def find(
        self, connection: asyncpg.Connection, book: Book, rules: LeaderboardRules, requests: Sequence[ActivityRecorded]
    ) -> Book:
        return book

    def touch(self, request: ActivityRecorded, found: Book, rules: LeaderboardRules, touched: Touched) -> None:
        for pool in _pools(found, rules, request):
            touched.row(CARDS, card_id(found.brand, pool, activity_cause(request.activity.id)))

    def decide(self, book: Book, rules: LeaderboardRules, request: ActivityRecorded) -> None:
        cause = activity_cause(request.activity.id)
        for pool in _pools(book, rules, request):
            issue(book, pool, request.activity.member, cause, moment_of(request.activity))


class IssueByMission(Operation):
    """Issues a card of each pool that a finished mission gives."""

    requests = (MissionCompleted,)

    def version(self, request: MissionCompleted) -> int:
        return request.programme_version

    async def find(
        self, connection: asyncpg.Connection, book: Book, rules: LeaderboardRules, requests: Sequence[MissionCompleted]
    ) -> str:
        return book.brand

    def touch(self, request: MissionCompleted, found: str, rules: LeaderboardRules, touched: Touched) -> None:
        for pool in rules.by_mission.get(request.mission, ()):
            touched.row(CARDS, card_id(found, pool, mission_cause(request.mission, request.member)))

    def decide(self, book: Book, rules: LeaderboardRules, request: MissionCompleted) -> None:
        cause, at = mission_cause(request.mission, request.member), request.completed_at.ToDatetime(tzinfo=UTC)
        for pool in rules.by_mission.get(request.mission, ()):
            issue(book, pool, request.member, cause, at)


def issue(book: Book, pool: str, member: str, cause: str, at: datetime) -> None:
    """Issues the card that a pool gives for a cause, whose row was touched; one that is there stays as it is."""
    card = card_id(book.brand, pool, cause)
    if book.row(CARDS, card) is not None:
        return
    book.put(CARDS, card, CardState(card, pool, member, cause, at, is_new=True))
    book.tell(member, ScratchCardIssued(member=member, card=card, pool=pool, issued_at=at))


def _pools(book: Book, rules: LeaderboardRules, request: ActivityRecorded) -> Sequence[str]:
    outcome = book.outcome(rules, request)
    return outcome.pools if outcome is not None else ()


class RevealCard(Operation):
    """Reveals cards."""

    requests = (Reveal,)

    def version(self, request: Reveal) -> None:
        return None

    async def find(
        self, connection: asyncpg.Connection, book: Book, rules: None, requests: Sequence[Reveal]
    ) -> dict[str, PrizeKey | None]:
        """What each card draws, which follows from it and its pool's seed."""
        of_card = await store.pools_of(connection, book.brand, (request.card for request in requests))
        pools = await store.pools(connection, book.brand, of_card.values())
        book.pools |= pools
        seeds = {p.pool: book.seal.open(book.brand, p.pool, p.sealed_seed) for p in pools.values()}
        odds = {pool.pool: pool.odds for pool in pools.values()}
        for card, pool in of_card.items():
            prize = draw(odds[pool], seeds[pool], pool, card)
            book.drawn[card] = None if prize is None else (pool, prize)
        return book.drawn

    def touch(self, request: Reveal, found: dict[str, PrizeKey | None], rules: None, touched: Touched) -> None:
        if request.card in found:
            touched.row(CARDS, request.card)
            if (drawn := found[request.card]) is not None:
                touched.row(STOCK, drawn)

    def decide(self, book: Book, rules: None, request: Reveal) -> scratch_cards_pb2.RevealScratchCardResponse:
        card = book.row(CARDS, request.card) if request.card in book.drawn else None
        if card is None or (request.member is not None and card.member != request.member):
            raise UnknownCard(request.card)
        pool = book.pools[card.pool]
        if card.revealed_at is None:
            card.revealed_at = book.now
            card.prize = _take(book, book.drawn[card.card])
            book.put(CARDS, card.card, card)
            _tell_revealed(book, pool, card)
        return scratch_cards_pb2.RevealScratchCardResponse(card=_shown(pool, card))


def _take(book: Book, drawn: PrizeKey | None) -> str | None:
    """The prize, one fewer being left of it; None when none was left."""
    stock = book.row(STOCK, drawn) if drawn is not None else None
    if stock is None or stock.remaining == 0:
        return None
    stock.remaining -= 1
    book.put(STOCK, (stock.pool, stock.prize), stock)
    return stock.prize


def _shown(pool: Pool, card: CardState) -> scratch_cards_pb2.ScratchCard:
    return scratch_cards_pb2.ScratchCard(
        card=card.card,
        pool=card.pool,
        member=card.member,
        issued_at=card.issued_at,
        revealed_at=card.revealed_at,
        prize=pool.prizes[card.prize] if card.prize is not None else None,
    )


def _tell_revealed(book: Book, pool: Pool, card: CardState) -> None:
    shown = _shown(pool, card)
    revealed = ScratchCardRevealed(member=card.member, card=card.card, pool=card.pool, revealed_at=shown.revealed_at)
    if shown.HasField("prize"):
        revealed.prize.CopyFrom(shown.prize)
    book.tell(card.member, revealed)
