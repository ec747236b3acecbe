"""Every SQL statement of scratch cards and their pools."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import asyncpg

from laurels.leaderboard.v1 import programme_pb2 as pb
from laurels.leaderboard.v1 import scratch_cards_pb2
from services.leaderboard import pages
from services.leaderboard.scratch import Odds

_PUBLISHED_POOLS = "SELECT pool FROM scratch_pools WHERE brand = $1 AND pool = ANY($2::text[])"
_PUBLISH_POOLS = """
    INSERT INTO scratch_pools (brand, pool, name, nothing_weight, commitment, sealed_seed)
    SELECT $1, pool, name, nothing_weight, commitment, sealed_seed
    FROM unnest($2::text[], $3::text[], $4::bigint[], $5::text[], $6::bytea[])
        AS new (pool, name, nothing_weight, commitment, sealed_seed)"""
_PUBLISH_PRIZES = """
    INSERT INTO scratch_prizes (brand, pool, id, place, name, weight, stock, currency, amount, remaining)
    SELECT $1, pool, id, place, name, weight, stock, currency, amount, stock
    FROM unnest($2::text[], $3::text[], $4::integer[], $5::text[], $6::bigint[], $7::bigint[], $8::text[], $9::bigint[])
        AS new (pool, id, place, name, weight, stock, currency, amount)"""
_ADD_CARDS = """
    INSERT INTO scratch_cards (brand, card, pool, member, cause, issued_at, revealed_at, prize)
    SELECT $1, card, pool, member, cause, issued_at, revealed_at, prize
    FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[], $8::text[])
        AS new (card, pool, member, cause, issued_at, revealed_at, prize)"""
_DRAWN_FROM = "SELECT card, pool FROM scratch_cards WHERE brand = $1 AND card = ANY($2::text[])"
_LOCK_CARDS = """
    SELECT card, pool, member, cause, issued_at, revealed_at, prize FROM scratch_cards
    WHERE brand = $1 AND card = ANY($2::text[]) ORDER BY card FOR NO KEY UPDATE"""
_POOLS = """
    SELECT pool, name, nothing_weight, commitment, sealed_seed FROM scratch_pools
    WHERE brand = $1 AND pool = ANY($2::text[])"""
_PRIZES = """
    SELECT pool, id, name, weight, stock, currency, amount, remaining FROM scratch_prizes
    WHERE brand = $1 AND pool = ANY($2::text[]) ORDER BY pool, place"""
_LOCK_STOCK = """
    SELECT scratch_prizes.pool, scratch_prizes.id, remaining
    FROM scratch_prizes JOIN unnest($2::text[], $3::text[]) AS wanted (pool, id)
      ON scratch_prizes.pool = wanted.pool AND scratch_prizes.id = wanted.id
    WHERE brand = $1
    ORDER BY scratch_prizes.pool, scratch_prizes.id FOR NO KEY UPDATE OF scratch_prizes"""
_SAVE_REVEALS = """
    UPDATE scratch_cards SET revealed_at = new.revealed_at, prize = new.prize
    FROM unnest($2::text[], $3::timestamptz[], $4::text[]) AS new (card, revealed_at, prize)
    WHERE scratch_cards.brand = $1 AND scratch_cards.card = new.card"""
_SAVE_STOCK = """
    UPDATE scratch_prizes SET remaining = new.remaining
    FROM unnest($2::text[], $3::text[], $4::bigint[]) AS new (pool, id, remaining)
    WHERE scratch_prizes.brand = $1 AND scratch_prizes.pool = new.pool AND scratch_prizes.id = new.id"""
_CARDS = """
    SELECT card, cards.pool, member, issued_at, revealed_at,
        prizes.id, prizes.name, weight, stock, currency, amount
    FROM scratch_cards AS cards LEFT JOIN scratch_prizes AS prizes
      ON prizes.brand = cards.brand AND prizes.pool = cards.pool AND prizes.id = cards.prize
    WHERE cards.brand = $1 AND member = $2 AND (issued_at, card) < ($3, $4)
    ORDER BY issued_at DESC, card DESC LIMIT $5"""
_OWED_CURRENCIES = """
    SELECT DISTINCT pool, currency FROM scratch_prizes AS prizes
    WHERE brand = $1 AND remaining > 0 AND EXISTS (
        SELECT FROM scratch_cards AS cards
        WHERE cards.brand = prizes.brand AND cards.pool = prizes.pool AND revealed_at IS NULL)
    ORDER BY pool, currency"""
_ALL_POOLS = "SELECT pool, name FROM scratch_pools WHERE brand = $1 ORDER BY pool"
_CARD_COUNTS = """
    SELECT pool, count(*) AS issued, count(revealed_at) AS revealed, count(prize) AS won
    FROM scratch_cards WHERE brand = $1 GROUP BY pool"""
_ANY_POOL = "SELECT brand, pool, sealed_seed FROM scratch_pools LIMIT 1"

PrizeKey = tuple[str, str]
"""Pool and prize."""


@dataclass(slots=True)
class CardState:
    """A card. `prize` is what it won, by id; `is_new` is one that has no row yet."""

    card: str
    pool: str
    member: str
    cause: str
    issued_at: datetime
    revealed_at: datetime | None = None
    prize: str | None = None
    is_new: bool = field(default=False, compare=False)


@dataclass(slots=True)
class Stock:
    """How many of a prize are left."""

    pool: str
    prize: str
    remaining: int


@dataclass(frozen=True, slots=True)
class Pool:
    """A pool as it was published, with what is left of each prize."""

    pool: str
    name: str
    nothing_weight: int
    commitment: str
    sealed_seed: bytes
    prizes: Mapping[str, pb.Prize]
    remaining: Mapping[str, int]

    @property
    def odds(self) -> Odds:
        weights = tuple(prize.weight for prize in self.prizes.values())
        return Odds(tuple(self.prizes), weights, self.nothing_weight)

    @property
    def published(self) -> pb.ScratchPool:
        """What of it must not change."""
        return pb.ScratchPool(id=self.pool, prizes=self.prizes.values(), nothing_weight=self.nothing_weight)


async def unpublished(connection: asyncpg.Connection, brand: str, pools: Collection[str]) -> set[str]:
    """Which of the pools are not published yet."""
    rows = await connection.fetch(_PUBLISHED_POOLS, brand, sorted(pools))
    return set(pools) - {row["pool"] for row in rows}


async def publish(
    connection: asyncpg.Connection, brand: str, pools: Sequence[tuple[pb.ScratchPool, str, bytes]]
) -> None:
    """Publishes new pools, each with its commitment and its sealed seed.

    One that another transaction published first is a unique violation.
    """
    prizes = [(pool.id, place, prize) for pool, _, _ in pools for place, prize in enumerate(pool.prizes)]
    await connection.execute(
        _PUBLISH_POOLS,
        brand,
        [pool.id for pool, _, _ in pools],
        [pool.name for pool, _, _ in pools],
        [pool.nothing_weight for pool, _, _ in pools],
        [commitment for _, commitment, _ in pools],
        [sealed_seed for _, _, sealed_seed in pools],
    )
    await connection.execute(
        _PUBLISH_PRIZES,
        brand,
        [pool for pool, _, _ in prizes],
        [prize.id for _, _, prize in prizes],
        [place for _, place, _ in prizes],
        [prize.name for _, _, prize in prizes],
        [prize.weight for _, _, prize in prizes],
        [prize.stock for _, _, prize in prizes],
        [prize.currency for _, _, prize in prizes],
        [prize.amount for _, _, prize in prizes],
    )


async def pools_of(connection: asyncpg.Connection, brand: str, cards: Iterable[str]) -> dict[str, str]:
    """The pool of each of the cards that exist, which never changes; nothing is locked."""
    rows = await connection.fetch(_DRAWN_FROM, brand, sorted(set(cards)))
    return {row["card"]: row["pool"] for row in rows}


async def lock_cards(connection: asyncpg.Connection, brand: str, cards: Sequence[str]) -> dict[str, CardState]:
    """The cards that exist."""
    rows = await connection.fetch(_LOCK_CARDS, brand, cards)
    return {row["card"]: CardState(*row) for row in rows}


async def save_cards(connection: asyncpg.Connection, brand: str, cards: Sequence[CardState]) -> None:
    """Issues new cards and reveals others. One that another transaction issued first is a unique violation."""
    new = [card for card in cards if card.is_new]
    revealed = [card for card in cards if not card.is_new]
    if new:
        await connection.execute(
            _ADD_CARDS,
            brand,
            [card.card for card in new],
            [card.pool for card in new],
            [card.member for card in new],
            [card.cause for card in new],
            [card.issued_at for card in new],
            [card.revealed_at for card in new],
            [card.prize for card in new],
        )
    if revealed:
        await connection.execute(
            _SAVE_REVEALS,
            brand,
            [card.card for card in revealed],
            [card.revealed_at for card in revealed],
            [card.prize for card in revealed],
        )


async def pools(connection: asyncpg.Connection, brand: str, ids: Iterable[str]) -> dict[str, Pool]:
    """The pools that are published; what remains of their prizes is not locked."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    rows = await connection.fetch(_POOLS, brand, wanted)
    prizes: dict[str, dict[str, pb.Prize]] = {}
    remaining: dict[str, dict[str, int]] = {}
    for row in await connection.fetch(_PRIZES, brand, wanted):
        prizes.setdefault(row["pool"], {})[row["id"]] = _prize(row)
        remaining.setdefault(row["pool"], {})[row["id"]] = row["remaining"]
    return {row["pool"]: Pool(**row, prizes=prizes[row["pool"]], remaining=remaining[row["pool"]]) for row in rows}


async def lock_stock(connection: asyncpg.Connection, brand: str, prizes: Sequence[PrizeKey]) -> dict[PrizeKey, Stock]:
    """What is left of prizes."""
    rows = await connection.fetch(_LOCK_STOCK, brand, [pool for pool, _ in prizes], [prize for _, prize in prizes])
    return {(row["pool"], row["id"]): Stock(*row) for row in rows}


async def save_stock(connection: asyncpg.Connection, brand: str, stocks: Sequence[Stock]) -> None:
    await connection.execute(
        _SAVE_STOCK,
        brand,
        [stock.pool for stock in stocks],
        [stock.prize for stock in stocks],
        [stock.remaining for stock in stocks],
    )


async def cards(
    connection: asyncpg.Connection, brand: str, member: str, page_size: int, page_token: str
) -> tuple[list[scratch_cards_pb2.ScratchCard], str]:
    """A page of a member's cards, newest first, and the token of the next."""
    rows = await connection.fetch(_CARDS, brand, member, *pages.card_of(page_token), page_size + 1)
    found = [
        scratch_cards_pb2.ScratchCard(
            card=row["card"],
            pool=row["pool"],
            member=row["member"],
            issued_at=row["issued_at"],
            revealed_at=row["revealed_at"],
            prize=_prize(row) if row["id"] is not None else None,
        )
        for row in rows[:page_size]
    ]
    if len(rows) <= page_size:
        return found, ""
    return found, pages.after_card(rows[page_size - 1]["issued_at"], found[-1].card)


async def owed_currencies(connection: asyncpg.Connection, brand: str) -> list[tuple[str, str]]:
    """Pools with unrevealed cards, each with the currencies that those may still win."""
    return [(row["pool"], row["currency"]) for row in await connection.fetch(_OWED_CURRENCIES, brand)]


async def pool_names(connection: asyncpg.Connection, brand: str) -> dict[str, str]:
    """The names of all published pools, by id."""
    return {row["pool"]: row["name"] for row in await connection.fetch(_ALL_POOLS, brand)}


async def card_counts(connection: asyncpg.Connection, brand: str) -> dict[str, Any]:
    """How many cards each pool issued, had revealed, and won."""
    return {row["pool"]: row for row in await connection.fetch(_CARD_COUNTS, brand)}


async def any_pool(connection: asyncpg.Connection) -> Any:
    """Brand, id and sealed seed of any pool; None before the first. For a connection of every brand."""
    return await connection.fetchrow(_ANY_POOL)


def _prize(row: Any) -> pb.Prize:
    return pb.Prize(
        id=row["id"],
        name=row["name"],
        weight=row["weight"],
        stock=row["stock"],
        currency=row["currency"],
        amount=row["amount"],
    )
