"""Every SQL statement of scratch cards and their pools."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import asyncpg

from chassis.merkle import Place
from laurels.leaderboard.v1 import programme_pb2 as pb
from laurels.leaderboard.v1 import scratch_cards_pb2
from services.leaderboard import pages
from services.leaderboard.published import Terms, terms_of
from services.leaderboard.scratch import Odds

_PUBLISHED_POOLS = "SELECT pool FROM scratch_pools WHERE brand = $1 AND pool = ANY($2::text[])"
_PUBLISH_POOLS = """
    INSERT INTO scratch_pools
        (brand, pool, name, nothing_weight, commitment, sealed_seed, scheme, table_text, root)
    SELECT $1, pool, name, nothing_weight, commitment, sealed_seed, scheme, table_text, root
    FROM unnest($2::text[], $3::text[], $4::bigint[], $5::text[], $6::bytea[], $7::integer[], $8::text[], $9::text[])
        AS new (pool, name, nothing_weight, commitment, sealed_seed, scheme, table_text, root)"""
_PUBLISH_PRIZES = """
    INSERT INTO scratch_prizes (brand, pool, id, place, name, weight, stock, currency, amount, remaining)
    SELECT $1, pool, id, place, name, weight, stock, currency, amount, stock
    FROM unnest($2::text[], $3::text[], $4::integer[], $5::text[], $6::bigint[], $7::bigint[], $8::text[], $9::bigint[])
        AS new (pool, id, place, name, weight, stock, currency, amount)"""
_PUBLISH_STATES = """
    INSERT INTO scratch_pool_states (brand, pool, issued, revealed, spent, head, taken, closes_at)
    SELECT $1, pool, 0, 0, 0, head, '', closes_at
    FROM unnest($2::text[], $3::text[], $4::timestamptz[]) AS new (pool, head, closes_at)"""
_PUBLISH_TILES = """
    INSERT INTO scratch_deck_tiles (brand, pool, level, number, hashes)
    SELECT $1, pool, level, number, hashes
    FROM unnest($2::text[], $3::integer[], $4::integer[], $5::bytea[]) AS new (pool, level, number, hashes)"""
_TILES = """
    SELECT level, number, hashes FROM scratch_deck_tiles
    JOIN unnest($3::integer[], $4::integer[]) AS wanted (level, number) USING (level, number)
    WHERE brand = $1 AND pool = $2"""
_ADD_CARDS = """
    INSERT INTO scratch_cards (brand, card, pool, member, cause, issued_at, revealed_at, prize, number, expires_at,
        own_seed, draw, position, link, parked_code, parked_detail)
    SELECT $1, new.* FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[],
        $8::text[], $9::bigint[], $10::timestamptz[], $11::text[], $12::bigint[], $13::integer[], $14::text[],
        $15::text[], $16::text[]) AS new"""
_POOLS_OF = """
    SELECT card, pool, number, member FROM scratch_cards WHERE brand = $1 AND card = ANY($2::text[])"""
_COLUMNS = """card, pool, member, cause, issued_at, revealed_at, prize, number, expires_at, own_seed, draw, position,
    link, parked_code, parked_detail"""
_LOCK_CARDS = f"""
    SELECT {_COLUMNS} FROM scratch_cards
    WHERE brand = $1 AND card = ANY($2::text[]) ORDER BY card FOR NO KEY UPDATE"""  # noqa: S608
_CARD = f"SELECT {_COLUMNS} FROM scratch_cards WHERE brand = $1 AND card = $2"  # noqa: S608
_PARKED_OF = """
    SELECT card FROM scratch_cards WHERE brand = $1 AND card = ANY($2::text[]) AND parked_code <> ''"""
_LOCK_STATES = """
    SELECT pool, issued, revealed, spent, head, taken, closes_at, closed_at FROM scratch_pool_states
    WHERE brand = $1 AND pool = ANY($2::text[]) ORDER BY pool FOR NO KEY UPDATE"""
_STATES = """
    SELECT pool, issued, revealed, spent, head, taken, closes_at, closed_at FROM scratch_pool_states
    WHERE brand = $1 AND pool = ANY($2::text[])"""
_SAVE_STATES = """
    UPDATE scratch_pool_states SET issued = new.issued, revealed = new.revealed, spent = new.spent, head = new.head,
        taken = new.taken, closed_at = new.closed_at
    FROM unnest($2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[], $7::bytea[], $8::timestamptz[])
        AS new (pool, issued, revealed, spent, head, taken, closed_at)
    WHERE scratch_pool_states.brand = $1 AND scratch_pool_states.pool = new.pool"""
# Counts are changed under the lock of their pool's state, which is taken before.
_COUNTS = """
    SELECT counts.pool, counts.member, counts.day, cards
    FROM scratch_counts AS counts JOIN unnest($2::text[], $3::text[], $4::text[]) AS wanted (pool, member, day)
      ON counts.pool = wanted.pool AND counts.member = wanted.member AND counts.day = wanted.day
    WHERE brand = $1"""
_SAVE_COUNTS = """
    INSERT INTO scratch_counts (brand, pool, member, day, cards)
    SELECT $1, pool, member, day, cards
    FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[]) AS new (pool, member, day, cards)
    ON CONFLICT (brand, pool, member, day) DO UPDATE SET cards = excluded.cards"""
_PARKED = """
    SELECT parked.key, parked.place, member, pool, code, detail, occurred_at
    FROM parked_cards AS parked JOIN unnest($2::text[], $3::integer[]) AS wanted (key, place)
      ON parked.key = wanted.key AND parked.place = wanted.place
    WHERE brand = $1"""
_PARK = """
    INSERT INTO parked_cards (brand, key, place, member, pool, code, detail, occurred_at)
    SELECT $1, new.* FROM unnest($2::text[], $3::integer[], $4::text[], $5::text[], $6::text[], $7::text[],
        $8::timestamptz[]) AS new"""
_POOLS = """
    INSERT INTO scratch_pools
        (brand, pool, name, nothing_weight, commitment, sealed_seed, scheme, table_text, root)
    SELECT $1, pool, name, nothing_weight, commitment, sealed_seed, scheme, table_text, root
    FROM unnest($2::text[], $3::text[], $4::bigint[], $5::text[], $6::bytea[], $7::integer[], $8::text[], $9::text[])
        AS new (pool, name, nothing_weight, commitment, sealed_seed, scheme, table_text, root)"""
_PUBLISH_PRIZES = """
    INSERT INTO scratch_prizes (brand, pool, id, place, name, weight, stock, currency, amount, remaining)
    SELECT $1, pool, id, place, name, weight, stock, currency, amount, stock
    FROM unnest($2::text[], $3::text[], $4::integer[], $5::text[], $6::bigint[], $7::bigint[], $8::text[], $9::bigint[])
        AS new (pool, id, place, name, weight, stock, currency, amount)"""
_PUBLISH_STATES = """
    INSERT INTO scratch_pool_states (brand, pool, issued, revealed, spent, head, taken, closes_at)
    SELECT $1, pool, 0, 0, 0, head, '', closes_at
    FROM unnest($2::text[], $3::text[], $4::timestamptz[]) AS new (pool, head, closes_at)"""
_PUBLISH_TILES = """
    INSERT INTO scratch_deck_tiles (brand, pool, level, number, hashes)
    SELECT $1, pool, level, number, hashes
    FROM unnest($2::text[], $3::integer[], $4::integer[], $5::bytea[]) AS new (pool, level, number, hashes)"""
_TILES = """
    SELECT level, number, hashes FROM scratch_deck_tiles
    JOIN unnest($3::integer[], $4::integer[]) AS wanted (level, number) USING (level, number)
    WHERE brand = $1 AND pool = $2"""
_ADD_CARDS = """
    INSERT INTO scratch_cards (brand, card, pool, member, cause, issued_at, revealed_at, prize, number, expires_at,
        own_seed, draw, position, link, parked_code, parked_detail)
    SELECT $1, new.* FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[],
        $8::text[], $9::bigint[], $10::timestamptz[], $11::text[], $12::bigint[], $13::integer[], $14::text[],
        $15::text[], $16::text[]) AS new"""
_POOLS_OF = """
    SELECT card, pool, number, member FROM scratch_cards WHERE brand = $1 AND card = ANY($2::text[])"""
_COLUMNS = """card, pool, member, cause, issued_at, revealed_at, prize, number, expires_at, own_seed, draw, position,
    link, parked_code, parked_detail"""
_LOCK_CARDS = f"""
    SELECT {_COLUMNS} FROM scratch_cards
    WHERE brand = $1 AND card = ANY($2::text[]) ORDER BY card FOR NO KEY UPDATE"""  # noqa: S608
_CARD = f"SELECT {_COLUMNS} FROM scratch_cards WHERE brand = $1 AND card = $2"  # noqa: S608
_PARKED_OF = """
    SELECT card FROM scratch_cards WHERE brand = $1 AND card = ANY($2::text[]) AND parked_code <> ''"""
_LOCK_STATES = """
    SELECT pool, issued, revealed, spent, head, taken, closes_at, closed_at FROM scratch_pool_states
    WHERE brand = $1 AND pool = ANY($2::text[]) ORDER BY pool FOR NO KEY UPDATE"""
_STATES = """
    SELECT pool, issued, revealed, spent, head, taken, closes_at, closed_at FROM scratch_pool_states
    WHERE brand = $1 AND pool = ANY($2::text[])"""
_SAVE_STATES = """
    UPDATE scratch_pool_states SET issued = new.issued, revealed = new.revealed, spent = new.spent, head = new.head,
        taken = new.taken, closed_at = new.closed_at
    FROM unnest($2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[], $7::bytea[], $8::timestamptz[])
        AS new (pool, issued, revealed, spent, head, taken, closed_at)
    WHERE scratch_pool_states.brand = $1 AND scratch_pool_states.pool = new.pool"""
# Counts are changed under the lock of their pool's state, which is taken before.
_COUNTS = """
    SELECT counts.pool, counts.member, counts.day, cards
    FROM scratch_counts AS counts JOIN unnest($2::text[], $3::text[], $4::text[]) AS wanted (pool, member, day)
      ON counts.pool = wanted.pool AND counts.member = wanted.member AND counts.day = wanted.day
    WHERE brand = $1"""
_SAVE_COUNTS = """
    INSERT INTO scratch_counts (brand, pool, member, day, cards)
    SELECT $1, pool, member, day, cards
    FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[]) AS new (pool, member, day, cards)
    ON CONFLICT (brand, pool, member, day) DO UPDATE SET cards = excluded.cards"""
_PARKED = """
    SELECT parked.key, parked.place, member, pool, code, detail, occurred_at
    FROM parked_cards AS parked JOIN unnest($2::text[], $3::integer[]) AS wanted (key, place)
      ON parked.key = wanted.key AND parked.place = wanted.place
    WHERE brand = $1"""
_PARK = """
    INSERT INTO parked_cards (brand, key, place, member, pool, code, detail, occurred_at)
    SELECT $1, new.* FROM unnest($2::text[], $3::integer[], $4::text[], $5::text[], $6::text[], $7::text[],
        $8::timestamptz[]) AS new"""
_PARKED_PAGE = """
    SELECT key, place, member, pool, code, detail, occurred_at FROM parked_cards
    WHERE brand = $1 AND (occurred_at, key, place) < ($2, $3, $4)
    ORDER BY occurred_at DESC, key DESC, place DESC LIMIT $5"""
_POOLS = """
    SELECT pool, name, nothing_weight, commitment, sealed_seed, scheme, table_text, root FROM scratch_pools
    WHERE brand = $1 AND pool = ANY($2::text[])"""
_PRIZES = """
    SELECT pool, id, name, weight, stock, currency, amount, remaining FROM scratch_prizes
    WHERE brand = $1 AND pool = ANY($2::text[]) ORDER BY pool, place"""
_LOCK_STOCK = """
    SELECT scratch_prizes.pool, scratch_prizes.id, stock, remaining
    FROM scratch_prizes JOIN unnest($2::text[], $3::text[]) AS wanted (pool, id)
      ON scratch_prizes.pool = wanted.pool AND scratch_prizes.id = wanted.id
    WHERE brand = $1
    ORDER BY scratch_prizes.pool, scratch_prizes.id FOR NO KEY UPDATE OF scratch_prizes"""
_SAVE_CARDS = """
    UPDATE scratch_cards SET revealed_at = new.revealed_at, prize = new.prize, own_seed = new.own_seed,
        draw = new.draw, position = new.position, link = new.link, parked_code = new.parked_code,
        parked_detail = new.parked_detail
    FROM unnest($2::text[], $3::timestamptz[], $4::text[], $5::text[], $6::bigint[], $7::integer[], $8::text[],
        $9::text[], $10::text[])
        AS new (card, revealed_at, prize, own_seed, draw, position, link, parked_code, parked_detail)
    WHERE scratch_cards.brand = $1 AND scratch_cards.card = new.card"""
_SAVE_STOCK = """
    UPDATE scratch_prizes SET remaining = new.remaining
    FROM unnest($2::text[], $3::text[], $4::bigint[]) AS new (pool, id, remaining)
    WHERE scratch_prizes.brand = $1 AND scratch_prizes.pool = new.pool AND scratch_prizes.id = new.id"""
_CARDS = f"""
    SELECT {_COLUMNS} FROM scratch_cards
    WHERE brand = $1 AND member = $2 AND (issued_at, card) < ($3, $4)
    ORDER BY issued_at DESC, card DESC LIMIT $5"""  # noqa: S608
_DRAWS = """
    SELECT draw, number, revealed_at, own_seed, coalesce(position, -1) AS position, coalesce(prize, '') AS prize, link
    FROM scratch_cards WHERE brand = $1 AND pool = $2 AND draw > $3 ORDER BY draw LIMIT $4"""
_BEFORE = """
    SELECT coalesce(prize, '') AS prize, count(*) AS count, array_agg(position) AS positions
    FROM scratch_cards WHERE brand = $1 AND pool = $2 AND draw < $3 GROUP BY 1 ORDER BY 1"""
_LINK = "SELECT link FROM scratch_cards WHERE brand = $1 AND pool = $2 AND draw = $3"
_OWED_CURRENCIES = """
    SELECT DISTINCT pool, currency FROM scratch_prizes AS prizes
    WHERE brand = $1 AND remaining > 0 AND currency <> '' AND EXISTS (
        SELECT FROM scratch_cards AS cards
        WHERE cards.brand = prizes.brand AND cards.pool = prizes.pool AND revealed_at IS NULL
            AND (expires_at IS NULL OR expires_at > now()) AND member NOT LIKE '!%')
    ORDER BY pool, currency"""
_ALL_POOLS = "SELECT pool, name FROM scratch_pools WHERE brand = $1 ORDER BY pool"
_CARD_COUNTS = """
    SELECT pool, issued, states.revealed, coalesce(won, 0) AS won, coalesce(parked, 0) AS parked,
        stock, stock_left, spent, closed_at
    FROM scratch_pool_states AS states
    JOIN (
        SELECT pool, sum(stock)::bigint AS stock, sum(remaining)::bigint AS stock_left
        FROM scratch_prizes WHERE brand = $1 GROUP BY pool
    ) AS prizes USING (pool)
    LEFT JOIN (
        SELECT pool, count(prize) AS won, count(*) FILTER (WHERE parked_code <> '') AS parked
        FROM scratch_cards WHERE brand = $1 GROUP BY pool
    ) AS cards USING (pool)
    WHERE states.brand = $1"""
_DUE = """
    SELECT brand, pool FROM scratch_pool_states WHERE closed_at IS NULL AND closes_at <= $1
    ORDER BY closes_at, brand, pool LIMIT $2"""
_ANY_POOL = "SELECT brand, pool, sealed_seed FROM scratch_pools LIMIT 1"

PrizeKey = tuple[str, str]
"""Pool and prize."""
CountKey = tuple[str, str, str]
"""Pool, member and day, "" for all members and for ever."""
ParkedKey = tuple[str, int]
"""The key of a grant, and the card's place in it."""


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
    number: int = 0
    expires_at: datetime | None = None
    own_seed: str = ""
    draw: int | None = None
    position: int | None = None
    link: str = ""
    parked_code: str = ""
    parked_detail: str = ""
    is_new: bool = field(default=False, compare=False)


@dataclass(slots=True)
class PoolState:
    """How far a pool is: see the table."""

    pool: str
    issued: int
    revealed: int
    spent: int
    head: str
    taken: bytes
    closes_at: datetime | None
    closed_at: datetime | None


@dataclass(slots=True)
class Count:
    """How many cards were given: see the table."""

    pool: str
    member: str
    day: str
    cards: int


@dataclass(slots=True)
class Parked:
    """A card that was granted and could not be given."""

    key: str
    place: int
    member: str
    pool: str
    code: str
    detail: str
    occurred_at: datetime


@dataclass(slots=True)
class Stock:
    """How many of a prize there were, and how many are left."""

    pool: str
    prize: str
    stock: int
    remaining: int


@dataclass(frozen=True, slots=True)
class Pool:
    """A pool as it was published, with what is left of each prize. `terms` is None in scheme 1."""

    pool: str
    name: str
    nothing_weight: int
    commitment: str
    sealed_seed: bytes
    scheme: int
    table_text: str
    root: str
    prizes: Mapping[str, pb.Prize]
    remaining: Mapping[str, int]
    terms: Terms | None

    @property
    def odds(self) -> Odds:
        weights = tuple(prize.weight for prize in self.prizes.values())
        return Odds(tuple(self.prizes), weights, self.nothing_weight)

    @property
    def published(self) -> pb.ScratchPool | str:
        """What of it must not change: its table's text, in scheme 1 prizes and weights."""
        if self.terms is not None:
            return self.table_text
        return pb.ScratchPool(id=self.pool, prizes=self.prizes.values(), nothing_weight=self.nothing_weight)


@dataclass(frozen=True, slots=True)
class NewPool:
    """A pool to publish; `head` is its version in hexadecimal, `tiles` those of its deck."""

    declared: pb.ScratchPool
    commitment: str
    sealed_seed: bytes
    table_text: str
    head: str
    root: str = ""
    tiles: Mapping[Place, bytes] = field(default_factory=dict)
    closes_at: datetime | None = None


async def unpublished(connection: asyncpg.Connection, brand: str, pools: Collection[str]) -> set[str]:
    """Which of the pools are not published yet."""
    rows = await connection.fetch(_PUBLISHED_POOLS, brand, sorted(pools))
    return set(pools) - {row["pool"] for row in rows}


async def publish(connection: asyncpg.Connection, brand: str, pools: Sequence[NewPool], scheme: int) -> None:
    """Publishes new pools. One that another transaction published first is a unique violation."""
    prizes = [(new.declared.id, place, prize) for new in pools for place, prize in enumerate(new.declared.prizes)]
    ids = [new.declared.id for new in pools]
    await connection.execute(
        _PUBLISH_POOLS,
        brand,
        ids,
        [new.declared.name for new in pools],
        [new.declared.nothing_weight for new in pools],
        [new.commitment for new in pools],
        [new.sealed_seed for new in pools],
        [scheme for _ in pools],
        [new.table_text for new in pools],
        [new.root for new in pools],
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
    await connection.execute(_PUBLISH_STATES, brand, ids, [new.head for new in pools], [new.closes_at for new in pools])
    tiles = [(new.declared.id, *place, hashes) for new in pools for place, hashes in new.tiles.items()]
    if tiles:
        await connection.execute(_PUBLISH_TILES, brand, *map(list, zip(*tiles, strict=True)))


async def tiles(connection: asyncpg.Connection, brand: str, pool: str, places: Collection[Place]) -> dict[Place, bytes]:
    """Tiles of a deck's tree."""
    wanted = sorted(places)
    rows = await connection.fetch(_TILES, brand, pool, [level for level, _ in wanted], [number for _, number in wanted])
    return {(row["level"], row["number"]): row["hashes"] for row in rows}


async def pools_of(connection: asyncpg.Connection, brand: str, cards: Iterable[str]) -> dict[str, tuple[str, int, str]]:
    """Pool, number and member of each of the cards that exist, which only an erasure changes; nothing is locked."""
    rows = await connection.fetch(_POOLS_OF, brand, sorted(set(cards)))
    return {row["card"]: (row["pool"], row["number"], row["member"]) for row in rows}


async def lock_cards(connection: asyncpg.Connection, brand: str, cards: Sequence[str]) -> dict[str, CardState]:
    """The cards that exist."""
    rows = await connection.fetch(_LOCK_CARDS, brand, cards)
    return {row["card"]: CardState(*row) for row in rows}


async def card(connection: asyncpg.Connection, brand: str, name: str) -> CardState | None:
    """A card; nothing is locked."""
    row = await connection.fetchrow(_CARD, brand, name)
    return CardState(*row) if row is not None else None


async def parked_of(connection: asyncpg.Connection, brand: str, cards: Collection[str]) -> set[str]:
    """Those of the cards whose prize could not be given; nothing is locked."""
    return {row["card"] for row in await connection.fetch(_PARKED_OF, brand, sorted(cards))}


async def save_cards(connection: asyncpg.Connection, brand: str, cards: Sequence[CardState]) -> None:
    """Issues new cards and changes others. One that another transaction issued first is a unique violation."""
    new = [card for card in cards if card.is_new]
    changed = [card for card in cards if not card.is_new]
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
            [card.number for card in new],
            [card.expires_at for card in new],
            [card.own_seed for card in new],
            [card.draw for card in new],
            [card.position for card in new],
            [card.link for card in new],
            [card.parked_code for card in new],
            [card.parked_detail for card in new],
        )
    if changed:
        await connection.execute(
            _SAVE_CARDS,
            brand,
            [card.card for card in changed],
            [card.revealed_at for card in changed],
            [card.prize for card in changed],
            [card.own_seed for card in changed],
            [card.draw for card in changed],
            [card.position for card in changed],
            [card.link for card in changed],
            [card.parked_code for card in changed],
            [card.parked_detail for card in changed],
        )


async def lock_states(connection: asyncpg.Connection, brand: str, pools: Sequence[str]) -> dict[str, PoolState]:
    """How far the pools are that are published."""
    rows = await connection.fetch(_LOCK_STATES, brand, pools)
    return {row["pool"]: PoolState(*row) for row in rows}


async def states(connection: asyncpg.Connection, brand: str, pools: Collection[str]) -> dict[str, PoolState]:
    """How far the pools are that are published; nothing is locked."""
    return {row["pool"]: PoolState(*row) for row in await connection.fetch(_STATES, brand, sorted(set(pools)))}


async def save_states(connection: asyncpg.Connection, brand: str, states: Sequence[PoolState]) -> None:
    await connection.execute(
        _SAVE_STATES,
        brand,
        [state.pool for state in states],
        [state.issued for state in states],
        [state.revealed for state in states],
        [state.spent for state in states],
        [state.head for state in states],
        [state.taken for state in states],
        [state.closed_at for state in states],
    )


async def counts(connection: asyncpg.Connection, brand: str, keys: Sequence[CountKey]) -> dict[CountKey, Count]:
    """How many cards were given; the pools' states are locked."""
    rows = await connection.fetch(_COUNTS, brand, *map(list, zip(*keys, strict=True)))
    return {(row["pool"], row["member"], row["day"]): Count(*row) for row in rows}


async def save_counts(connection: asyncpg.Connection, brand: str, counts: Sequence[Count]) -> None:
    await connection.execute(
        _SAVE_COUNTS,
        brand,
        [count.pool for count in counts],
        [count.member for count in counts],
        [count.day for count in counts],
        [count.cards for count in counts],
    )


async def parked(connection: asyncpg.Connection, brand: str, keys: Sequence[ParkedKey]) -> dict[ParkedKey, Parked]:
    """Cards that could not be given."""
    rows = await connection.fetch(_PARKED, brand, *map(list, zip(*keys, strict=True)))
    return {(row["key"], row["place"]): Parked(*row) for row in rows}


async def park(connection: asyncpg.Connection, brand: str, cards: Sequence[Parked]) -> None:
    """Keeps cards that could not be given. One that another transaction kept first is a unique violation."""
    await connection.execute(
        _PARK,
        brand,
        [each.key for each in cards],
        [each.place for each in cards],
        [each.member for each in cards],
        [each.pool for each in cards],
        [each.code for each in cards],
        [each.detail for each in cards],
        [each.occurred_at for each in cards],
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
    found = {}
    for row in rows:
        name, terms = row["pool"], terms_of(row["table_text"]) if row["table_text"] else None
        of_pool = prizes[name] if terms is None else terms.prizes
        found[name] = Pool(**row, prizes=of_pool, remaining=remaining[name], terms=terms)
    return found


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
) -> tuple[list[CardState], str]:
    """A page of a member's cards, newest first, and the token of the next."""
    rows = await connection.fetch(_CARDS, brand, member, *pages.card_of(page_token), page_size + 1)
    found = [CardState(*row) for row in rows[:page_size]]
    return found, pages.after_card(found[-1].issued_at, found[-1].card) if len(rows) > page_size else ""


async def draws(
    connection: asyncpg.Connection, brand: str, pool: str, page_size: int, page_token: str
) -> scratch_cards_pb2.ListScratchDrawsResponse:
    """A page of a pool's draws."""
    rows = await connection.fetch(_DRAWS, brand, pool, pages.draw_of(page_token), page_size + 1)
    found = [scratch_cards_pb2.ScratchDraw(**row) for row in rows[:page_size]]
    token = pages.after_draw(found[-1].draw) if len(rows) > page_size else ""
    return scratch_cards_pb2.ListScratchDrawsResponse(draws=found, next_page_token=token)


async def before(
    connection: asyncpg.Connection, brand: str, pool: str, draw: int
) -> tuple[dict[str, int], list[int], str]:
    """What the draws before one won, which positions they took, and the link of the last of them."""
    rows = await connection.fetch(_BEFORE, brand, pool, draw)
    won = {row["prize"]: row["count"] for row in rows if row["prize"]}
    positions = [position for row in rows for position in row["positions"] if position is not None]
    return won, positions, await connection.fetchval(_LINK, brand, pool, draw - 1) or ""


async def due_to_close(connection: asyncpg.Connection, until: datetime, most: int) -> dict[str, list[str]]:
    """The pools of every brand that close by a moment, by brand. For a connection of every brand."""
    found: dict[str, list[str]] = {}
    for row in await connection.fetch(_DUE, until, most):
        found.setdefault(row["brand"], []).append(row["pool"])
    return found


async def owed_currencies(connection: asyncpg.Connection, brand: str) -> list[tuple[str, str]]:
    """Pools with unrevealed cards, each with the currencies that those may still win."""
    return [(row["pool"], row["currency"]) for row in await connection.fetch(_OWED_CURRENCIES, brand)]


async def pool_names(connection: asyncpg.Connection, brand: str) -> dict[str, str]:
    """The names of all published pools, by id."""
    return {row["pool"]: row["name"] for row in await connection.fetch(_ALL_POOLS, brand)}


async def card_counts(connection: asyncpg.Connection, brand: str) -> dict[str, Any]:
    """How each pool goes, as the report says it; `spent` is what of the budget is gone."""
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
