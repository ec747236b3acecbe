"""Scratch cards: given for what a programme says, for grants, or by a back end; revealed once.

A pool's state is locked before its cards, so that cards are numbered without
gaps and draws are in an order. Whatever is decided about a card is decided by
the table that its pool published.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import asyncpg

from chassis import configuration
from chassis.book import Kind, Operation, Touched
from chassis.erasure import is_alias
from chassis.errors import IdempotencyConflict
from chassis.events import NO_MEMBER
from chassis.merkle import Place
from laurels.activity.v1.events_pb2 import ActivityRecorded
from laurels.leaderboard.v1 import programme_pb2 as pb
from laurels.leaderboard.v1 import scratch_cards_pb2
from laurels.leaderboard.v1.events_pb2 import ScratchCardIssued, ScratchCardRevealed, ScratchPoolClosed
from laurels.leaderboard.v1.programme_cards_pb2 import FACE_SCRATCH_CARD
from laurels.missions.v1.events_pb2 import MissionCompleted
from laurels.points.v1.events_pb2 import PointsCredited
from laurels.points.v1.points_pb2 import ENTRY_KIND_PRIZE
from laurels.points.v1.rewards_events_pb2 import RedemptionChanged
from laurels.value.v1.events_pb2 import GRANT_REASON_PRIZE, Grant, GrantParked, RewardGranted
from services.activity import moment_of
from services.leaderboard import fairness
from services.leaderboard.book import Book
from services.leaderboard.card_rules import (
    CardExpired,
    CardRefused,
    PoolClosed,
    check_cards,
    check_limits,
    check_window,
    counts_of,
    grant_of,
)
from services.leaderboard.fairness import DECK, NOTHING, SCHEME, Draw
from services.leaderboard.published import micros, terms_of, text_of
from services.leaderboard.rules import LeaderboardRules
from services.leaderboard.scratch import (
    UnknownCard,
    UnknownPool,
    activity_cause,
    card_id,
    commitment,
    draw,
    grant_cause,
    key_cause,
    mission_cause,
    prize_cause,
)
from services.leaderboard.store import cards as store
from services.leaderboard.store.cards import (
    CardState,
    Count,
    CountKey,
    NewPool,
    Parked,
    ParkedKey,
    Pool,
    PoolState,
    PrizeKey,
    Stock,
)

POOLS: Kind[str, PoolState] = Kind("pools", 47, store.lock_states, store.save_states)
CARDS: Kind[str, CardState] = Kind("cards", 50, store.lock_cards, store.save_cards)
COUNTS: Kind[CountKey, Count] = Kind("card counts", 55, store.counts, store.save_counts)
PARKED: Kind[ParkedKey, Parked] = Kind("parked cards", 57, store.parked, store.park)
STOCK: Kind[PrizeKey, Stock] = Kind("stock", 60, store.lock_stock, store.save_stock)
DECKS_REMEMBERED_MAX = 16


@dataclass(frozen=True, slots=True)
class Reveal:
    """A card to reveal; `member` is whose it must be, None when any member's will do."""

    card: str
    member: str | None
    own_seed: str = ""


@dataclass(frozen=True, slots=True)
class Issue:
    """A card that a back end gives under a key."""

    pool: str
    member: str
    key: str


@dataclass(frozen=True, slots=True)
class Close:
    """Pools to close: those that are due by a moment, or, without one, now."""

    pools: Sequence[str]
    until: datetime | None = None


@lru_cache(maxsize=DECKS_REMEMBERED_MAX)
def shuffled(text: str, seed: bytes) -> Sequence[int]:
    """The deck of a published table, which takes a while."""
    return fairness.deck_of(terms_of(text).table, seed)


async def publish(connection: asyncpg.Connection, book: Book, rules: LeaderboardRules) -> None:
    """Publishes a version's new pools with commitments to fresh seeds and to their tables.

    Before any card of theirs can be issued, and with the version or not at all.
    """
    new = []
    for name in sorted(await store.unpublished(connection, book.brand, rules.pools)):
        seed, declared = book.seal.new_seed(), rules.pools[name]
        text = text_of(book.brand, declared, rules.time_zone)
        terms, root = terms_of(text), b""
        tiles: Mapping[Place, bytes] = {}
        if terms.table.kind == DECK:
            root, tiles = fairness.tree_of(fairness.hashes_of(terms.table, seed, shuffled(text, seed)))
        new.append(
            NewPool(
                declared,
                commitment(seed),
                book.seal.close(book.brand, name, seed),
                text,
                terms.table.version.hex(),
                root.hex(),
                tiles,
                terms.closes_at,
            )
        )
    if new:
        await store.publish(connection, book.brand, new, SCHEME)


# -- giving cards ------------------------------------------------------------


async def know(connection: asyncpg.Connection, book: Book, pools: Iterable[str]) -> None:
    """Has what pools published at hand."""
    missing = set(pools) - book.pools.keys()
    if missing:
        book.pools |= await store.pools(connection, book.brand, missing)


def touch_issue(book: Book, touched: Touched, pool: str, member: str, cause: str, at: datetime) -> None:
    """Has all read that the giving of a card looks at; its pool is known."""
    touched.row(POOLS, pool)
    touched.row(CARDS, card_id(book.brand, pool, cause))
    found = book.pools.get(pool)
    if found is not None and found.terms is not None:
        for who, day, _, _ in counts_of(found.terms, member, at):
            touched.row(COUNTS, (pool, who, day))


def issue(book: Book, pool: str, member: str, cause: str, at: datetime) -> CardState:
    """The card that a pool gives for a cause, given now or before.

    Raises UnknownPool, PoolClosed and CardRefused, having changed nothing.
    """
    name = card_id(book.brand, pool, cause)
    if (known := book.row(CARDS, name)) is not None:
        return known
    published, state = book.pools.get(pool), book.row(POOLS, pool)
    if published is None or state is None:
        raise UnknownPool(pool)
    if state.closed_at is not None:
        raise PoolClosed(pool)
    terms, expires_at = published.terms, None
    if terms is not None:
        check_window(pool, terms, at)
        check_cards(pool, terms, state.issued, at)
        for who, day in check_limits(pool, terms, member, at, lambda *key: _given(book, (pool, *key))):
            key = (pool, who, day)
            book.put(COUNTS, key, Count(*key, _given(book, key) + 1))
        expires_at = terms.expires_at(at)
    state.issued += 1
    book.put(POOLS, pool, state)
    card = CardState(name, pool, member, cause, at, number=state.issued, expires_at=expires_at, is_new=True)
    book.put(CARDS, name, card)
    told = ScratchCardIssued(
        member=member, card=name, pool=pool, issued_at=at, number=card.number, expires_at=expires_at
    )
    book.tell(member, told)
    return card


def _given(book: Book, key: CountKey) -> int:
    found = book.row(COUNTS, key)
    return found.cards if found is not None else 0


def issue_if_allowed(book: Book, pool: str, member: str, cause: str, at: datetime) -> None:
    """Gives a card where the pool allows it; who did something goes without where it does not."""
    try:
        issue(book, pool, member, cause, at)
    except (CardRefused, PoolClosed, UnknownPool):
        return


class IssueByActivity(Operation):
    """Gives a card of each pool that an activity qualifies for."""

    requests = (ActivityRecorded,)

    async def find(
        self, connection: asyncpg.Connection, book: Book, rules: LeaderboardRules, requests: Sequence[ActivityRecorded]
    ) -> Book:
        await know(connection, book, (pool for request in requests for pool in _pools(book, rules, request)))
        return book

    def touch(self, request: ActivityRecorded, found: Book, rules: LeaderboardRules, touched: Touched) -> None:
        activity = request.activity
        for pool in _pools(found, rules, request):
            touch_issue(found, touched, pool, activity.member, activity_cause(activity.id), moment_of(activity))

    def decide(self, book: Book, rules: LeaderboardRules, request: ActivityRecorded) -> None:
        cause = activity_cause(request.activity.id)
        for pool in _pools(book, rules, request):
            issue_if_allowed(book, pool, request.activity.member, cause, moment_of(request.activity))


class IssueByMission(Operation):
    """Gives a card of each pool that a finished mission is to give."""

    requests = (MissionCompleted,)

    def version(self, request: MissionCompleted) -> int:
        return request.programme_version

    async def find(
        self, connection: asyncpg.Connection, book: Book, rules: LeaderboardRules, requests: Sequence[MissionCompleted]
    ) -> Book:
        await know(connection, book, (p for request in requests for p in rules.by_mission.get(request.mission, ())))
        return book

    def touch(self, request: MissionCompleted, found: Book, rules: LeaderboardRules, touched: Touched) -> None:
        cause, at = mission_cause(request.mission, request.member), request.completed_at.ToDatetime(tzinfo=UTC)
        for pool in rules.by_mission.get(request.mission, ()):
            touch_issue(found, touched, pool, request.member, cause, at)

    def decide(self, book: Book, rules: LeaderboardRules, request: MissionCompleted) -> None:
        cause, at = mission_cause(request.mission, request.member), request.completed_at.ToDatetime(tzinfo=UTC)
        for pool in rules.by_mission.get(request.mission, ()):
            issue_if_allowed(book, pool, request.member, cause, at)


def _pools(book: Book, rules: LeaderboardRules, request: ActivityRecorded) -> Sequence[str]:
    outcome = book.outcome(rules, request)
    return outcome.pools if outcome is not None else ()


class IssueByKey(Operation):
    """Gives a card that a back end asks for. The same key is the same card."""

    requests = (Issue,)

    async def find(
        self, connection: asyncpg.Connection, book: Book, rules: LeaderboardRules, requests: Sequence[Issue]
    ) -> Book:
        await know(connection, book, (request.pool for request in requests))
        return book

    def touch(self, request: Issue, found: Book, rules: LeaderboardRules, touched: Touched) -> None:
        touch_issue(found, touched, request.pool, request.member, key_cause(request.key), found.now)

    def decide(self, book: Book, rules: LeaderboardRules, request: Issue) -> scratch_cards_pb2.IssueScratchCardResponse:
        card = issue(book, request.pool, request.member, key_cause(request.key), book.now)
        if card.member != request.member:
            raise IdempotencyConflict("The key was used for another member.")
        return scratch_cards_pb2.IssueScratchCardResponse(card=given(book.pools[request.pool], card))


class IssueByGrant(Operation):
    """Gives the cards of what another service granted; those that cannot be given are parked."""

    requests = (RewardGranted,)

    def version(self, request: RewardGranted) -> int:
        # The pool may be one that this version publishes.
        return request.programme_version

    async def find(
        self, connection: asyncpg.Connection, book: Book, rules: LeaderboardRules, requests: Sequence[RewardGranted]
    ) -> Book:
        await know(connection, book, (pool for request in requests for _, pool in cards_of(request.grants)))
        return book

    def touch(self, request: RewardGranted, found: Book, rules: LeaderboardRules, touched: Touched) -> None:
        touch_granted(found, touched, request.key, request.member, request.grants, _occurred_at(request))

    def decide(self, book: Book, rules: LeaderboardRules, request: RewardGranted) -> None:
        give_granted(book, request.key, request.member, request.grants, _occurred_at(request))


def cards_of(grants: Sequence[Grant]) -> list[tuple[int, str]]:
    """The cards among grants: the place of each, and its pool."""
    return [
        (place, grant.scratch_card) for place, grant in enumerate(grants) if grant.WhichOneof("kind") == "scratch_card"
    ]


def touch_granted(book: Book, touched: Touched, key: str, member: str, grants: Sequence[Grant], at: datetime) -> None:
    """Has all read that the giving of granted cards looks at; their pools are known."""
    for place, pool in cards_of(grants):
        touch_issue(book, touched, pool, member, grant_cause(key, place), at)
        touched.row(PARKED, (key, place))


def give_granted(book: Book, key: str, member: str, grants: Sequence[Grant], at: datetime) -> None:
    """Gives the cards among what is granted under a key, once; those that cannot be given are parked."""
    for place, pool in cards_of(grants):
        if book.row(PARKED, (key, place)) is not None:
            continue
        try:
            issue(book, pool, member, grant_cause(key, place), at)
        except (CardRefused, PoolClosed, UnknownPool) as refusal:
            _park(book, key, place, member, pool, refusal.reason, refusal.detail, at)


def _occurred_at(request: RewardGranted) -> datetime:
    return request.occurred_at.ToDatetime(tzinfo=UTC)


def _park(book: Book, key: str, place: int, member: str, pool: str, code: str, detail: str, at: datetime) -> None:
    book.put(PARKED, (key, place), Parked(key, place, member, pool, code, detail, at))
    told = GrantParked(key=key, member=member, grant=Grant(scratch_card=pool), code=code, detail=detail, occurred_at=at)
    book.tell(member, told)


# -- revealing ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Drawing:
    """What is known of a card's draw before anything is locked.

    `member` is whose it is unless they are being erased; `seed` is the pool's secret.
    """

    pool: Pool
    number: int
    member: str
    seed: bytes = field(repr=False)


class RevealCard(Operation):
    """Reveals cards. What a prize gives is told, or given, in the same transaction."""

    requests = (Reveal,)

    def version(self, request: Reveal) -> None:
        return None

    async def find(self, connection: asyncpg.Connection, book: Book, rules: None, requests: Sequence[Reveal]) -> Book:
        of_card = await store.pools_of(connection, book.brand, (request.card for request in requests))
        await know(connection, book, (pool for pool, _, _ in of_card.values()))
        for card, (pool, number, member) in of_card.items():
            found = book.pools[pool]
            book.drawings[card] = Drawing(found, number, member, book.seal.open(book.brand, pool, found.sealed_seed))
        won = (prize.scratch_card for drawing in book.drawings.values() for prize in drawing.pool.prizes.values())
        await know(connection, book, {pool for pool in won if pool})
        book.newest_version = await configuration.newest_version(connection, book.brand)
        return book

    def touch(self, request: Reveal, found: Book, rules: None, touched: Touched) -> None:
        drawing = found.drawings.get(request.card)
        if drawing is None:
            return
        touched.row(POOLS, drawing.pool.pool)
        touched.row(CARDS, request.card)
        for prize in _possible(drawing, request):
            touched.row(STOCK, (drawing.pool.pool, prize.id))
            if prize.scratch_card:
                cause = prize_cause(request.card)
                touch_issue(found, touched, prize.scratch_card, drawing.member, cause, found.now)
                touched.row(PARKED, (prize_key(request.card), 0))

    def decide(self, book: Book, rules: None, request: Reveal) -> scratch_cards_pb2.RevealScratchCardResponse:
        drawing, card = book.drawings.get(request.card), book.row(CARDS, request.card)
        if drawing is None or card is None or is_alias(card.member):
            raise UnknownCard(request.card)
        if request.member is not None and card.member != request.member:
            raise UnknownCard(request.card)
        if card.revealed_at is None:
            self._reveal(book, drawing, card, request.own_seed)
        return scratch_cards_pb2.RevealScratchCardResponse(card=shown(drawing.pool, card, book.now))

    def _reveal(self, book: Book, drawing: Drawing, card: CardState, own: str) -> None:
        pool, state = drawing.pool, _state(book, card.pool)
        if state.closed_at is not None:
            raise PoolClosed(card.pool)
        if card.expires_at is not None and card.expires_at <= book.now:
            raise CardExpired(card.card, card.expires_at)
        won = (
            _drawn(book, drawing, state, card, own)
            if pool.terms is not None
            else _drawn_in_scheme_1(book, drawing, card)
        )
        state.revealed += 1
        card.revealed_at, card.prize = book.now, won or None
        book.put(POOLS, card.pool, state)
        book.put(CARDS, card.card, card)
        prize = pool.prizes[won] if won else None
        _tell_revealed(book, card, prize)
        if prize is not None:
            _give(book, card, prize)


def _possible(drawing: Drawing, request: Reveal) -> list[pb.Prize]:
    """The prizes that a reveal may win: of odds what it draws and what stands for that, of a deck each."""
    pool = drawing.pool
    if pool.terms is None:
        drawn = draw(pool.odds, drawing.seed, pool.pool, request.card)
        return [pool.prizes[drawn]] if drawn is not None else []
    table = pool.terms.table
    if table.kind == DECK:
        return list(pool.prizes.values())
    found, name = [], fairness.drawn_of(table, drawing.seed, drawing.number, request.own_seed)
    while name != NOTHING:
        found.append(pool.prizes[name])
        name = found[-1].instead
    return found


def _drawn(book: Book, drawing: Drawing, state: PoolState, card: CardState, own: str) -> str:
    """What a card wins, taken out of what is left; the draw is on the card and in the chain."""
    pool, table, at = drawing.pool, drawing.pool.terms.table, micros(book.now)  # type: ignore[union-attr]
    position = -1
    if table.kind == DECK:
        position = fairness.position_of(table, bytes.fromhex(pool.root), card.number, own, state.taken, at)
        won = fairness.prize_of(table, shuffled(pool.table_text, drawing.seed)[position])
        state.taken = fairness.with_taken(state.taken, position, table.cards)
    else:
        drawn = fairness.drawn_of(table, drawing.seed, card.number, own)
        won = fairness.won_of(table, drawn, lambda prize: _won_so_far(book, pool.pool, prize), state.spent, at)
    if won:
        _take(book, (pool.pool, won))
        state.spent += pool.prizes[won].value
    card.own_seed, card.draw, card.position = own, state.revealed + 1, position if position >= 0 else None
    link = fairness.link_of(bytes.fromhex(state.head), Draw(card.draw, card.number, at, own, position, won))
    card.link = state.head = link.hex()
    return won


def _drawn_in_scheme_1(book: Book, drawing: Drawing, card: CardState) -> str:
    """The draw of pools that were published before there were tables: by the card's id, without the member's seed."""
    prize = draw(drawing.pool.odds, drawing.seed, card.pool, card.card)
    if prize is None or _stock(book, (card.pool, prize)).remaining == 0:
        return NOTHING
    _take(book, (card.pool, prize))
    return prize


def _state(book: Book, pool: str) -> PoolState:
    state = book.row(POOLS, pool)
    if state is None:
        raise UnknownPool(pool)
    return state


def _stock(book: Book, key: PrizeKey) -> Stock:
    stock = book.row(STOCK, key)
    if stock is None:
        raise LookupError(f"prize {key} was not touched")
    return stock


def _won_so_far(book: Book, pool: str, prize: str) -> int:
    stock = _stock(book, (pool, prize))
    return stock.stock - stock.remaining


def _take(book: Book, key: PrizeKey) -> None:
    stock = _stock(book, key)
    stock.remaining -= 1
    book.put(STOCK, key, stock)


def prize_key(card: str) -> str:
    """The key under which a card's prize is given."""
    return f"prize:{card}"


def _tell_revealed(book: Book, card: CardState, prize: pb.Prize | None) -> None:
    book.tell(
        card.member,
        ScratchCardRevealed(
            member=card.member,
            card=card.card,
            pool=card.pool,
            revealed_at=card.revealed_at,
            prize=prize,
            granted=prize is not None,
        ),
    )


def _give(book: Book, card: CardState, prize: pb.Prize) -> None:
    """Gives a card that a card won here and now, and has all else given by the service that owns its kind."""
    key = prize_key(card.card)
    if not prize.scratch_card:
        book.tell(
            card.member,
            RewardGranted(
                key=key,
                member=card.member,
                grants=[grant_of(prize)],
                reason=GRANT_REASON_PRIZE,
                reference=card.card,
                occurred_at=card.revealed_at,
                programme_version=book.newest_version,
            ),
        )
        return
    try:
        issue(book, prize.scratch_card, card.member, prize_cause(card.card), book.now)
    except (CardRefused, PoolClosed, UnknownPool) as refusal:
        card.parked_code, card.parked_detail = refusal.reason, refusal.detail
        _park(book, key, 0, card.member, prize.scratch_card, refusal.reason, refusal.detail, book.now)


class ShowParked(Operation):
    """Shows on a card that its prize could not be given."""

    requests = (GrantParked,)

    def version(self, request: GrantParked) -> None:
        return None

    def touch(self, request: GrantParked, found: None, rules: None, touched: Touched) -> None:
        touched.row(CARDS, request.key.removeprefix(prize_key("")))

    def decide(self, book: Book, rules: None, request: GrantParked) -> None:
        name = request.key.removeprefix(prize_key(""))
        card = book.row(CARDS, name)
        if card is not None:
            card.parked_code, card.parked_detail = request.code, request.detail
            book.put(CARDS, name, card)


class ShowGiven(Operation):
    """Shows no more that a prize could not be given, once points gave it after all."""

    requests = (PointsCredited,)

    async def find(
        self,
        connection: asyncpg.Connection,
        book: Book,
        rules: Any,
        requests: Sequence[PointsCredited | RedemptionChanged],
    ) -> set[str]:
        named = {card for request in requests if (card := _prize_given(request)) is not None}
        book.parked |= await store.parked_of(connection, book.brand, named) if named else set()
        return book.parked

    def touch(self, request: PointsCredited | RedemptionChanged, found: set[str], rules: Any, touched: Touched) -> None:
        if (name := _prize_given(request)) in found:
            touched.row(CARDS, name)

    def decide(self, book: Book, rules: Any, request: PointsCredited | RedemptionChanged) -> None:
        name = _prize_given(request)
        card = book.row(CARDS, name) if name in book.parked else None
        if name is not None and card is not None and card.member == request.member:
            card.parked_code = card.parked_detail = ""
            book.put(CARDS, name, card)


class ShowRedeemed(ShowGiven):
    """The same, of a reward; a redemption is decided under no version here."""

    requests = (RedemptionChanged,)  # type: ignore[assignment]

    def version(self, request: RedemptionChanged) -> None:
        return None


def _prize_given(request: PointsCredited | RedemptionChanged) -> str | None:
    """The card whose prize an event of points may be; a redemption names whatever its caller said."""
    if isinstance(request, RedemptionChanged):
        return request.redemption.reference or None
    return request.reference if request.kind == ENTRY_KIND_PRIZE else None


# -- closing -----------------------------------------------------------------


class ClosePools(Operation):
    """Closes pools, each once, and publishes their seeds. Answers how many, or the one that was asked for."""

    requests = (Close,)

    async def find(self, connection: asyncpg.Connection, book: Book, rules: Any, requests: Sequence[Close]) -> None:
        await know(connection, book, (pool for request in requests for pool in request.pools))

    def touch(self, request: Close, found: None, rules: Any, touched: Touched) -> None:
        for pool in request.pools:
            touched.row(POOLS, pool)

    def decide(self, book: Book, rules: Any, request: Close) -> int | scratch_cards_pb2.CloseScratchPoolResponse:
        if request.until is None:
            (pool,) = request.pools
            if book.row(POOLS, pool) is None:
                raise UnknownPool(pool)
            self._close(book, pool, book.now)
            seed = book.seal.open(book.brand, pool, book.pools[pool].sealed_seed)
            return scratch_cards_pb2.CloseScratchPoolResponse(closed_at=_state(book, pool).closed_at, seed=seed.hex())
        done = 0
        for pool in request.pools:
            state = book.row(POOLS, pool)
            if state is not None and state.closes_at is not None and state.closes_at <= request.until:
                done += self._close(book, pool, state.closes_at)
        return done

    def _close(self, book: Book, pool: str, at: datetime) -> bool:
        state = _state(book, pool)
        if state.closed_at is not None:
            return False
        state.closed_at = at
        book.put(POOLS, pool, state)
        told = ScratchPoolClosed(
            pool=pool,
            seed=book.seal.open(book.brand, pool, book.pools[pool].sealed_seed).hex(),
            closed_at=at.astimezone(UTC),
            issued=state.issued,
            revealed=state.revealed,
            head=state.head,
        )
        book.tell(NO_MEMBER, told)
        return True


# -- showing -----------------------------------------------------------------


def given(pool: Pool, card: CardState) -> scratch_cards_pb2.ScratchCard:
    """A card as it was given, whatever happened to it since."""
    return scratch_cards_pb2.ScratchCard(
        card=card.card,
        pool=card.pool,
        member=card.member,
        issued_at=card.issued_at,
        number=card.number,
        state=scratch_cards_pb2.CARD_STATE_SEALED,
        face=face_of(pool),
        expires_at=card.expires_at,
    )


def shown(
    pool: Pool, card: CardState, now: datetime, closed_at: datetime | None = None
) -> scratch_cards_pb2.ScratchCard:
    """A card as it stands; `closed_at` is when its pool was closed."""
    found = given(pool, card)
    if card.revealed_at is not None:
        found.state = scratch_cards_pb2.CARD_STATE_REVEALED
        found.revealed_at.FromDatetime(card.revealed_at)
        found.own_seed = card.own_seed
        if card.prize is not None:
            found.prize.CopyFrom(pool.prizes[card.prize])
        if card.parked_code:
            found.parked.code, found.parked.detail = card.parked_code, card.parked_detail
    elif closed_at is not None or (card.expires_at is not None and card.expires_at <= now):
        found.state = scratch_cards_pb2.CARD_STATE_EXPIRED
    return found


def face_of(pool: Pool) -> Any:
    """What clients show a pool's cards as."""
    return pool.terms.face if pool.terms is not None else FACE_SCRATCH_CARD
