"""Whether a card won what it should have: checked with the published data and nothing else.

The checks are those of `docs/fairness.md`, by the same names as on the page
that the gateway serves. What cannot be known before the pool has closed is
pending: its seed is secret until then.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chassis.merkle import leaf_hash, root_by_inclusion
from services.leaderboard import fairness
from services.leaderboard.card_programme import DECK_MAX
from services.leaderboard.fairness import DECK, NOTHING, SCHEME, Draw, Table
from services.leaderboard.published import micros
from services.leaderboard.scratch import Odds, draw

HASH = re.compile(r"[0-9a-f]{64}")
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?Z")
PUBLISHED = ("pool", "commitment", "table", "table_hash", "root")
"""What of a pool's answer, kept before the draw, must be the same in a proof."""


class Malformed(ValueError):
    """The data is no proof; the sentence says where."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check by its name. `holds` is None while it cannot be known."""

    name: str
    holds: bool | None
    sentence: str


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof as read. `draws` are all of the pool's up to this one, where the file has them."""

    scheme: int
    card: str
    text: str
    table_hash: str
    commitment: str
    seed: bytes | None
    root: str
    draw: Draw
    link: str
    previous_link: str
    won_before: Mapping[str, int]
    spent_before: int
    taken_before: bytes
    salt: bytes
    path: Sequence[bytes]
    draws: Sequence[tuple[Draw, str]] | None


def read(data: Any) -> Proof:
    """The proof that a JSON document holds. Raises Malformed."""
    try:
        listed = data.get("draws")
        return Proof(
            _whole(data["scheme"]),
            str(data["card"]),
            str(data["table"]),
            str(data["table_hash"]),
            str(data["commitment"]),
            bytes.fromhex(data["seed"]) if data.get("seed") else None,
            str(data["root"]),
            *_draw(data["draw"]),
            str(data["previous_link"]),
            {str(each["prize"]): _whole(each["count"]) for each in data.get("won_before", ())},
            _whole(data.get("spent_before", 0)),
            bytes.fromhex(data.get("taken_before", "")),
            bytes.fromhex(data.get("salt", "")),
            [bytes.fromhex(each) for each in data.get("path", ())],
            None if listed is None else [_draw(each) for each in listed],
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Malformed(f"The file is no proof of a card: {error!r}.") from None


def _draw(data: Any) -> tuple[Draw, str]:
    found = Draw(
        _whole(data["draw"]),
        _whole(data["number"]),
        _micros(data["revealed_at"]),
        str(data["own_seed"]),
        _whole(data["position"]),
        str(data["prize"]),
    )
    return found, str(data["link"])


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise Malformed(f"{value!r} is not a whole number")
    return value


def _micros(text: Any) -> int:
    found = _MOMENT.fullmatch(text)
    if found is None:
        raise Malformed(f"{text!r} is not a moment in microseconds")
    return micros(datetime.fromisoformat(f"{found[1]}+00:00")) + int((found[2] or "").ljust(6, "0"))


def check(data: Any, published: Any = None) -> list[Check]:
    """All checks of a proof; `published` is the pool's answer as it was kept before, where somebody did."""
    try:
        proof = read(data)
        found = list(_checks(proof))
    except Malformed as error:
        return [Check("form", False, str(error))]
    except (KeyError, TypeError, ValueError, IndexError) as error:
        return [Check("form", False, f"The published table cannot be read: {error!r}.")]
    if published is not None:
        differing = [name for name in PUBLISHED if not isinstance(published, dict) or published.get(name) != data[name]]
        said = f"The proof has another {', '.join(differing)}." if differing else "The proof is of the pool as kept."
        found.insert(0, Check("published", not differing, said))
    return found


def _checks(proof: Proof) -> Iterator[Check]:
    if proof.scheme == SCHEME - 1:
        yield _seed(proof)
        yield _outcome_of_scheme_1(proof)
        return
    if proof.scheme != SCHEME:
        raise Malformed(f"Scheme {proof.scheme} is not known.")
    table = fairness.parse(proof.text)
    if table.kind == DECK and not 1 <= table.cards <= DECK_MAX:
        raise Malformed(f"A deck of {table.cards} cards is none.")
    same = table.version.hex() == proof.table_hash
    yield Check("table", same, "The table is the one that was committed to." if same else "The table is another one.")
    yield _seed(proof)
    if table.kind == DECK:
        yield _permutation(proof, table)
        yield _position(proof, table)
        yield _leaf(proof, table)
    else:
        yield _outcome(proof, table)
    yield _link(proof)
    if proof.draws is not None:
        yield _draws(proof, table, proof.draws)


def _seed(proof: Proof) -> Check:
    if proof.seed is None:
        return Check("seed", None, "The pool has not closed, so its seed is still secret.")
    same = hashlib.sha256(proof.seed).hexdigest() == proof.commitment
    return Check("seed", same, "The seed is the one that was committed to." if same else "The seed is another one.")


def _permutation(proof: Proof, table: Table) -> Check:
    if proof.seed is None:
        return Check("permutation", None, "The deck's order can be made again when the pool has closed.")
    deck = fairness.deck_of(table, proof.seed)
    root, _ = fairness.tree_of(fairness.hashes_of(table, proof.seed, deck))
    same = root.hex() == proof.root
    said = "The deck was shuffled by the seed." if same else "The deck is not the one that the seed gives."
    return Check("permutation", same, said)


def _position(proof: Proof, table: Table) -> Check:
    made = proof.draw
    expected = fairness.position_of(
        table, bytes.fromhex(proof.root), made.number, made.own, proof.taken_before, made.at
    )
    if made.position == expected:
        return Check("position", True, f"Of the positions that were left the card took {expected}, as it must.")
    return Check("position", False, f"The card took position {made.position}, and must take {expected}.")


def _leaf(proof: Proof, table: Table) -> Check:
    leaf = fairness.leaf_of(proof.salt, max(proof.draw.position, 0), proof.draw.won)
    root = root_by_inclusion(leaf_hash(leaf), proof.draw.position, table.cards, proof.path)
    won = proof.draw.won or "nothing"
    if root is not None and root.hex() == proof.root:
        return Check("leaf", True, f"That position of the deck holds {won!r} since it was published.")
    return Check("leaf", False, f"That position of the deck does not hold {won!r}.")


def _outcome(proof: Proof, table: Table) -> Check:
    if proof.seed is None:
        return Check("outcome", None, "What the card draws can be computed when the pool has closed.")
    made = proof.draw
    drawn = fairness.drawn_of(table, proof.seed, made.number, made.own)
    won = fairness.won_of(table, drawn, lambda prize: proof.won_before.get(prize, 0), proof.spent_before, made.at)
    return _won(drawn, won, made.won)


def _won(drawn: str, won: str, said: str) -> Check:
    became = "" if won == drawn else f", which became {won or 'nothing'!r}"
    if won == said:
        return Check("outcome", True, f"The card drew {drawn or 'nothing'!r}{became}.")
    return Check("outcome", False, f"The card drew {drawn or 'nothing'!r}{became}, and not {said or 'nothing'!r}.")


def _outcome_of_scheme_1(proof: Proof) -> Check:
    if proof.seed is None:
        return Check("outcome", None, "What the card draws can be computed when the pool has closed.")
    published = json.loads(proof.text)
    odds = Odds(
        tuple(prize["id"] for prize in published["prizes"]),
        tuple(_whole(prize["weight"]) for prize in published["prizes"]),
        _whole(published["nothing_weight"]),
    )
    drawn = draw(odds, proof.seed, str(published["pool"]), proof.card) or NOTHING
    # In scheme 1 nobody can show whether any was left.
    return _won(drawn, drawn if proof.draw.won else NOTHING, proof.draw.won)


def _link(proof: Proof) -> Check:
    chained = HASH.fullmatch(proof.previous_link) is not None and (
        fairness.link_of(bytes.fromhex(proof.previous_link), proof.draw).hex() == proof.link
    )
    said = "The draw is chained to the ones before it." if chained else "The draw's link is not that of its facts."
    return Check("link", chained, said)


def _draws(proof: Proof, table: Table, draws: Sequence[tuple[Draw, str]]) -> Check:
    """All draws up to this one, made again."""
    head, won, spent, taken = table.version, Counter[str](), 0, b""
    deck = fairness.deck_of(table, proof.seed) if table.kind == DECK and proof.seed is not None else None
    numbers: set[int] = set()
    for place, (made, link) in enumerate(draws, 1):
        if made.draw == proof.draw.draw:
            before = {name: count for name, count in won.items() if count}
            told = {name: count for name, count in proof.won_before.items() if count}
            if head.hex() != proof.previous_link or (before, spent, taken) != (
                told,
                proof.spent_before,
                proof.taken_before,
            ):
                return Check("draws", False, f"What the proof says of the draws before draw {place} is not so.")
            if (made, link) != (proof.draw, proof.link):
                return Check("draws", False, "The pool's draws have another one in this one's place.")
        head = fairness.link_of(head, made)
        if made.draw != place or made.number in numbers or link != head.hex():
            return Check("draws", False, f"Draw {place} is not chained to those before it.")
        numbers.add(made.number)
        if table.kind == DECK:
            position = fairness.position_of(table, bytes.fromhex(proof.root), made.number, made.own, taken, made.at)
            expected = made.won if deck is None else fairness.prize_of(table, deck[position])
            taken = fairness.with_taken(taken, position, table.cards)
            wrong = position != made.position
        else:
            expected, wrong = made.won, False
            if proof.seed is not None:
                drawn = fairness.drawn_of(table, proof.seed, made.number, made.own)
                expected = fairness.won_of(table, drawn, won.__getitem__, spent, made.at)
        if wrong or expected != made.won:
            return Check("draws", False, f"Draw {place}, of card {made.number}, has another outcome than it must have.")
        if made.won:
            won[made.won] += 1
            spent += table.prize(made.won).value
    if not any(made.draw == proof.draw.draw for made, _ in draws):
        return Check("draws", False, "The pool's draws do not have this one.")
    return Check("draws", True, f"All {len(draws)} draws of the pool follow from what was published, in their order.")
