"""A card's id follows from what gave it, so that the same thing never gives two; and the draw of scheme 1.

Scheme 1 is that of pools which were published before tables were committed to;
`fairness.py` holds the one that followed. In scheme 1 an outcome follows from
the pool's secret seed and the card's id alone. The seed was drawn before the
pool's first card and SHA-256 of it published.

The draw: let W be the sum of all weights and b the number of bits of W - 1.
For n = 0, 1, 2, …, take the first b bits of HMAC-SHA256(seed, pool "\\n" card
"\\n" n), as an unsigned number, most significant bit first; the first one below
W is the draw. Numbers that are not below W are passed over rather than folded
back, so every draw is equally likely. The prizes' weights, in the order of the
programme, take the numbers from 0 on; what is above them wins nothing.
"""

import hashlib
import hmac
import re
from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate

from chassis.errors import NotFound

DIGEST_BITS = 256
CARD_ID_LENGTH = 32
CARD = re.compile(rf"[0-9a-f]{{{CARD_ID_LENGTH}}}")
"""What the ids of cards look like."""


class UnknownCard(NotFound):
    """There is no such card, or it is another member's."""

    code = "unknown_card"

    def __init__(self, card: str) -> None:
        super().__init__(f"There is no card {card!r}.")


class UnknownPool(NotFound):
    """The brand has no such pool."""

    code = "unknown_pool"

    def __init__(self, pool: str) -> None:
        super().__init__(f"There is no pool {pool!r}.")


@dataclass(frozen=True, slots=True)
class Odds:
    """A pool's prizes, by id, with their weights in the order of the programme."""

    prizes: tuple[str, ...]
    weights: tuple[int, ...]
    nothing_weight: int


def activity_cause(activity: str) -> str:
    """What a card is for, when an activity gave it."""
    return f"activity:{activity}"


def mission_cause(mission: str, member: str) -> str:
    """What a card is for, when a finished mission gave it."""
    return f"mission:{mission}:{member}"


def grant_cause(key: str, place: int) -> str:
    """What a card is for, when another service granted it at a place under a key."""
    return f"grant:{key}:{place}"


def key_cause(key: str) -> str:
    """What a card is for, when a back end gave it under a key."""
    return f"key:{key}"


def prize_cause(card: str) -> str:
    """What a card is for, when another card won it."""
    return f"prize:{card}"


def card_id(brand: str, pool: str, cause: str) -> str:
    """The id of the card that a pool gives for a cause: 32 hexadecimal digits."""
    return hashlib.sha256(f"{brand}\n{pool}\n{cause}".encode()).hexdigest()[:CARD_ID_LENGTH]


def commitment(seed: bytes) -> str:
    """What is published of a seed: its SHA-256 in hexadecimal."""
    return hashlib.sha256(seed).hexdigest()


def number_below(total: int, seed: bytes, pool: str, card: str) -> int:
    """The card's number, from 0 to `total` - 1 with equal likelihood.

    More than half of the numbers of so many bits are below `total`, so fewer
    than two are looked at on average.
    """
    spare = DIGEST_BITS - (total - 1).bit_length()
    n = 0
    while True:
        block = hmac.digest(seed, f"{pool}\n{card}\n{n}".encode(), hashlib.sha256)
        number = int.from_bytes(block, "big") >> spare
        if number < total:
            return number
        n += 1


def prize_at(number: int, odds: Odds) -> str | None:
    """The prize that a number stands for; None is nothing.

    >>> odds = Odds(("car", "pen"), (1, 3), nothing_weight=2)
    >>> [prize_at(number, odds) for number in range(6)]
    ['car', 'pen', 'pen', 'pen', None, None]
    """
    place = bisect_right(list(accumulate(odds.weights)), number)
    return odds.prizes[place] if place < len(odds.prizes) else None


def draw(odds: Odds, seed: bytes, pool: str, card: str) -> str | None:
    """The prize that a card draws; None is nothing. Whether any is left is not asked here."""
    return prize_at(number_below(sum(odds.weights) + odds.nothing_weight, seed, pool, card), odds)
