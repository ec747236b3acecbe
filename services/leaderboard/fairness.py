"""A draw that anybody can check: what a card wins follows from what was published, and from nothing else.

This is scheme 2; `docs/fairness.md` states it for people who write a check of
their own. Everything here is a pure function of its arguments. Moments are
microseconds since 1970-01-01 00:00 UTC; the version of a pool is SHA-256 of
the text of its table.
"""

import hashlib
import hmac
import json
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any

from chassis.merkle import Edge, Place, leaf_hash

SCHEME = 2
DECK, ODDS = "deck", "odds"
WHOLE = 10_000
"""A curve's shares are in ten-thousandths."""
DIGEST_BITS = 256
SHUFFLE, SALT = b"shuffle", b"salt"
STRIDE = 64
"""So many bytes of taken positions are counted at once."""
NOTHING = ""
"""In a prize's place: nothing was won."""


@dataclass(frozen=True, slots=True)
class TablePrize:
    """A prize as published. `stock` is how many there are, in a deck how many of its cards hold it."""

    id: str
    weight: int
    stock: int
    value: int
    instead: str


@dataclass(frozen=True)
class Table:
    """What of a published table decides outcomes; `cards` is a deck's size.

    `curve` holds points of shares of the window and of what is released by
    then, both in ten-thousandths, from (0, …) to (10,000, 10,000); empty where
    everything is released at once.
    """

    text: str
    pool: str
    kind: str
    cards: int
    prizes: tuple[TablePrize, ...]
    nothing_weight: int
    budget: int
    starts_at: int
    ends_at: int
    curve: tuple[tuple[int, int], ...]

    @cached_property
    def version(self) -> bytes:
        """SHA-256 of the text."""
        return version_of(self.text)

    @cached_property
    def places(self) -> Mapping[str, int]:
        """Where each prize stands in the table."""
        return {prize.id: place for place, prize in enumerate(self.prizes)}

    @cached_property
    def bounds(self) -> Sequence[int]:
        """For each prize of odds, the first number that is above its own."""
        return list(accumulate(prize.weight for prize in self.prizes))

    def prize(self, name: str) -> TablePrize:
        """A prize by its id. KeyError when there is none."""
        return self.prizes[self.places[name]]


def canonical(table: Mapping[str, Any]) -> str:
    """The one text of a table: JSON of objects, lists, texts and whole numbers, keys sorted, without spaces.

    >>> canonical({"pool": "spring", "cards": 3, "face": "Glücksrad"})
    '{"cards":3,"face":"Glücksrad","pool":"spring"}'
    """
    return json.dumps(table, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def version_of(text: str) -> bytes:
    """A pool's version: SHA-256 of its table's text in UTF-8, 32 bytes."""
    return hashlib.sha256(text.encode()).digest()


def parse(text: str) -> Table:
    """A published table. ValueError, KeyError, TypeError when it is none."""
    table = json.loads(text)
    window, pacing = table.get("window") or {}, table.get("pacing") or []
    return Table(
        text,
        table["pool"],
        table["kind"],
        int(table["cards"]),
        tuple(
            TablePrize(p["id"], int(p["weight"]), int(p["stock"]), int(p["value"]), p["instead"])
            for p in table["prizes"]
        ),
        int(table["nothing_weight"]),
        int(table["budget"]),
        int(window.get("starts_at", 0)),
        int(window.get("ends_at", 0)),
        _curve([(int(point["elapsed"]), int(point["released"])) for point in pacing]),
    )


def _curve(points: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    if not points:
        return ()
    found = list(points)
    if found[0][0] > 0:
        found.insert(0, (0, 0))
    if found[-1][0] < WHOLE:
        found.append((WHOLE, WHOLE))
    return tuple(found)


# -- numbers -----------------------------------------------------------------


def number_below(total: int, key: bytes, message: bytes) -> int:
    """A number from 0 to `total` - 1, each equally likely to whoever does not know the key.

    Let b be the number of bits of `total` - 1. For n = 0, 1, 2, … the first b
    bits of HMAC-SHA256(key, message || n in four bytes) are a number, most
    significant bit first; the first one below `total` is it. Larger ones are
    passed over rather than folded back, so there is no bias; more than half
    are below, so fewer than two are looked at on average.

    >>> number_below(1, b"", b"")
    0
    """
    spare = DIGEST_BITS - (total - 1).bit_length()
    n = 0
    while True:
        block = hmac.digest(key, message + n.to_bytes(4, "big"), hashlib.sha256)
        number = int.from_bytes(block, "big") >> spare
        if number < total:
            return number
        n += 1


def message_of(version: bytes, number: int, own: bytes) -> bytes:
    """What is authenticated: the pool's version, a number in eight bytes, and the member's own seed."""
    return version + number.to_bytes(8, "big") + own


def drawn_of(table: Table, seed: bytes, number: int, own: str) -> str:
    """The prize that a card draws from odds, NOTHING for none, whether or not any is left."""
    total = table.bounds[-1] + table.nothing_weight
    found = number_below(total, seed, message_of(table.version, number, own.encode()))
    return prize_of(table, bisect_right(table.bounds, found))


# -- pacing, stock and budget ------------------------------------------------


def released(table: Table, whole: int, at: int) -> int:
    """How many of a whole the curve has released by a moment, rounded down.

    >>> table = Table("", "p", ODDS, 0, (), 0, 0, 1_000, 2_000, ((0, 0), (5_000, 2_000), (10_000, 10_000)))
    >>> [released(table, 100, at) for at in (0, 1_000, 1_250, 1_500, 1_999, 2_000, 9_000)]
    [0, 0, 10, 20, 99, 100, 100]
    """
    if not table.curve:
        return whole
    length = table.ends_at - table.starts_at
    elapsed = min(max(at - table.starts_at, 0), length)
    if elapsed == length:
        return whole
    scaled = elapsed * WHOLE
    found = table.curve[0]
    for after in table.curve[1:]:
        if scaled < after[0] * length:
            break
        found = after
    # Between two points the share grows in proportion, in whole numbers throughout.
    run = (after[0] - found[0]) * length
    share = found[1] * run + (after[1] - found[1]) * (scaled - found[0] * length)
    return whole * share // (WHOLE * run)


def won_of(table: Table, drawn: str, won: Callable[[str], int], spent: int, at: int) -> str:
    """What a drawn prize becomes: itself while it may be given, else what stands for it, at the end nothing.

    A prize may be given while fewer than what is released of its stock were
    won, and its value fits into what is released of the budget.
    """
    prize = drawn
    while prize != NOTHING:
        known = table.prize(prize)
        if won(prize) < released(table, known.stock, at) and (
            not table.budget or spent + known.value <= released(table, table.budget, at)
        ):
            return prize
        prize = known.instead
    return NOTHING


# -- decks -------------------------------------------------------------------


def deck_of(table: Table, seed: bytes) -> "array[int]":
    """A deck as shuffled: at each position the place of its prize in the table, or the number of prizes for none.

    It begins with each prize as often as its stock says, in the table's order,
    then nothing. For i from the last position down to 1, what is at i changes
    places with what is at the number below i + 1 that the seed gives for the
    version, i and "shuffle" (Fisher and Yates).
    """
    deck = array("H")
    for place, prize in enumerate(table.prizes):
        deck.extend([place] * prize.stock)
    deck.extend([len(table.prizes)] * (table.cards - len(deck)))
    version = table.version
    for i in range(table.cards - 1, 0, -1):
        j = number_below(i + 1, seed, message_of(version, i, SHUFFLE))
        deck[i], deck[j] = deck[j], deck[i]
    return deck


def prize_of(table: Table, place: int) -> str:
    """The prize at a place of the table, NOTHING behind the last."""
    return table.prizes[place].id if place < len(table.prizes) else NOTHING


def salt_of(version: bytes, seed: bytes, position: int) -> bytes:
    """What keeps a position's leaf from being guessed: HMAC-SHA256(seed, version || position || "salt")."""
    return hmac.digest(seed, message_of(version, position, SALT), hashlib.sha256)


def leaf_of(salt: bytes, position: int, prize: str) -> bytes:
    """A position's leaf: its salt, the position in eight bytes, the prize's id or nothing."""
    return salt + position.to_bytes(8, "big") + prize.encode()


def hashes_of(table: Table, seed: bytes, deck: Sequence[int]) -> bytes:
    """The hashes of all leaves of a deck, side by side."""
    version = table.version
    names = [prize.id for prize in table.prizes] + [NOTHING]
    return b"".join(
        leaf_hash(leaf_of(salt_of(version, seed, position), position, names[place]))
        for position, place in enumerate(deck)
    )


def tree_of(hashes: bytes) -> tuple[bytes, dict[Place, bytes]]:
    """The Merkle root over a deck (RFC 9162, section 2.1), and the tiles that proofs are read from."""
    edge = Edge(0, {})
    tiles = edge.append(hashes)
    return edge.root(), tiles


def taken_of(positions: Iterable[int], cards: int) -> bytes:
    """The positions that are taken, of a deck of so many cards; empty when none is."""
    found = bytearray((cards + 7) // 8)
    for position in positions:
        found[position >> 3] |= 1 << (position & 7)
    return bytes(found) if any(found) else b""


def is_taken(taken: bytes, position: int) -> bool:
    """Whether a position's bit is set: the lowest bit of the first byte is position 0."""
    return bool(position >> 3 < len(taken) and taken[position >> 3] >> (position & 7) & 1)


def with_taken(taken: bytes, position: int, cards: int) -> bytes:
    """The positions that are taken, with one more.

    >>> with_taken(b"", 9, 12).hex()
    '0002'
    """
    found = bytearray(taken.ljust((cards + 7) // 8, b"\0"))
    found[position >> 3] |= 1 << (position & 7)
    return bytes(found)


def position_of(table: Table, root: bytes, number: int, own: str, taken: bytes, at: int) -> int:
    """The position that a card takes in a deck, of those that nobody took before.

    They are numbered from the lowest on; the number below their count that the
    deck's root gives for the version, the card's number and the member's own
    seed is the one. Only what the curve has opened is looked at, or all where
    nothing of that is left. Nothing secret is in it: the deck's order is the
    secret. ValueError when all are taken.
    """
    opened = released(table, table.cards, at)
    free = opened - _taken_below(taken, opened)
    if not free:
        opened = table.cards
        free = opened - _taken_below(taken, opened)
    if not free:
        raise ValueError("every position of the deck is taken")
    return _free_at(taken, number_below(free, root, message_of(table.version, number, own.encode())))


def _taken_below(taken: bytes, end: int) -> int:
    whole = int.from_bytes(taken[: end >> 3], "little").bit_count()
    rest = taken[end >> 3] & ((1 << (end & 7)) - 1) if end >> 3 < len(taken) else 0
    return whole + rest.bit_count()


def _free_at(taken: bytes, number: int) -> int:
    """The free position before which so many are free."""
    position = 0
    for stride in (STRIDE, 1):
        for at in range(position >> 3, len(taken), stride):
            held = taken[at : at + stride]
            free = 8 * len(held) - int.from_bytes(held, "little").bit_count()
            if number < free:
                break
            number -= free
            position += 8 * len(held)
    while is_taken(taken, position) or number:
        number -= not is_taken(taken, position)
        position += 1
    return position


# -- the chain of draws ------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Draw:
    """A draw of a pool, the `draw`-th of them. `position` is -1 where the pool is no deck; `won` a prize or NOTHING."""

    draw: int
    number: int
    at: int
    own: str
    position: int
    won: str


def link_of(before: bytes, draw: Draw) -> bytes:
    """The link of a draw: SHA-256 over the link before it and its six facts, a line each.

    The link before the first is the pool's version. So each link stands for
    all draws up to it, in their order.
    """
    facts = (draw.draw, draw.number, draw.at, draw.own, draw.position, draw.won)
    return hashlib.sha256(before + "\n".join(map(str, facts)).encode()).digest()
