"""The invariants of scratch cards, checked over all that there are.

Nothing that a decision kept is trusted: every card's id and draw are computed
again, from its cause and from the opened seed. Memory is bounded by the events
within the retention; cards are read as a stream.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import asyncpg

from chassis.erasure import is_alias
from laurels.leaderboard.v1.events_pb2 import ScratchCardIssued, ScratchCardRevealed
from laurels.programme.v1.programme_pb2 import Programme
from services.leaderboard.scratch import card_id, commitment, draw
from services.leaderboard.sealing import Seal, WrongSeedKey
from services.leaderboard.store import cards as store
from services.leaderboard.store.cards import Pool, PrizeKey

_POOLS = "SELECT pool FROM scratch_pools WHERE brand = $1"
_DOCUMENTS = "SELECT document FROM configurations WHERE brand = $1 ORDER BY version"
_EVENTS = "SELECT id, payload FROM outbox WHERE brand = $1 AND type = $2 AND member NOT LIKE '!%' ORDER BY id"
_CARDS = """
    SELECT card, pool, member, cause, issued_at, revealed_at, prize FROM scratch_cards WHERE brand = $1 ORDER BY card"""


async def card_violations(connection: asyncpg.Connection, brand: str, seal: Seal, kept_since: datetime) -> list[str]:
    """What does not hold; events are kept since `kept_since`."""
    pools = await store.pools(connection, brand, [row["pool"] for row in await connection.fetch(_POOLS, brand)])
    audit = _Audit(brand, pools, seal, kept_since=kept_since)
    audit.open_seeds()
    for row in await connection.fetch(_DOCUMENTS, brand):
        audit.see_programme(Programme.FromString(row["document"]))
    async for row in connection.cursor(_EVENTS, brand, ScratchCardRevealed.DESCRIPTOR.full_name):
        audit.see_revealed(row["id"], ScratchCardRevealed.FromString(row["payload"]))
    async for row in connection.cursor(_EVENTS, brand, ScratchCardIssued.DESCRIPTOR.full_name):
        audit.see_issued(row["id"], ScratchCardIssued.FromString(row["payload"]))
    async for row in connection.cursor(_CARDS, brand):
        audit.see_card(row)
    audit.close()
    return audit.found


@dataclass(slots=True)
class _Audit:
    brand: str
    pools: dict[str, Pool]
    seal: Seal
    kept_since: datetime
    found: list[str] = field(default_factory=list)
    seeds: dict[str, bytes] = field(default_factory=dict)
    won: Counter[PrizeKey] = field(default_factory=Counter)
    revealed: dict[str, ScratchCardRevealed] = field(default_factory=dict)
    issued: dict[str, ScratchCardIssued] = field(default_factory=dict)
    declared: set[str] = field(default_factory=set)

    def violation(self, sentence: str) -> None:
        self.found.append(sentence)

    def open_seeds(self) -> None:
        for pool in self.pools.values():
            try:
                seed = self.seal.open(self.brand, pool.pool, pool.sealed_seed)
            except WrongSeedKey as error:
                self.violation(str(error))
                continue
            self.seeds[pool.pool] = seed
            if commitment(seed) != pool.commitment:
                self.violation(f"The seed of pool {pool.pool!r} is not the one that was committed to.")

    def see_programme(self, programme: Programme) -> None:
        """Checks the pools against the version that published them, which is the first to declare them."""
        for pool in programme.leaderboard.scratch_pools:
            if pool.id in self.declared:
                continue
            self.declared.add(pool.id)
            kept = self.pools.get(pool.id)
            if kept is None:
                continue  # recorded with faults, and so never published
            if (list(kept.prizes.values()), kept.odds.nothing_weight) != (list(pool.prizes), pool.nothing_weight):
                self.violation(f"Pool {pool.id!r} is not the one that the programme declares.")

    def see_revealed(self, event_id: int, event: ScratchCardRevealed) -> None:
        if event.card in self.revealed:
            self.violation(f"The reveal of card {event.card!r} was told twice, the second time in event {event_id}.")
        self.revealed[event.card] = event

    def see_issued(self, event_id: int, event: ScratchCardIssued) -> None:
        if event.card in self.issued:
            self.violation(f"The issue of card {event.card!r} was told twice, the second time in event {event_id}.")
        self.issued[event.card] = event

    def see_card(self, card: Any) -> None:
        """Checks a card of the table by itself, and against the events about it."""
        name = card["card"]
        erased = is_alias(card["member"])  # whose card won, and whose cause and events are gone
        if not erased and name != card_id(self.brand, card["pool"], card["cause"]):
            self.violation(f"Card {name!r} is not the one that pool {card['pool']!r} gives for {card['cause']!r}.")
        if (told := self.issued.pop(name, None)) is not None:
            expected = ScratchCardIssued(
                member=card["member"], card=name, pool=card["pool"], issued_at=card["issued_at"]
            )
            if told != expected:
                self.violation(f"The issue of card {name!r} was told other than the card says.")
        if card["revealed_at"] is None:
            return
        if card["prize"] is not None:
            self.won[card["pool"], card["prize"]] += 1
        for sentence in self._outcome(card):
            self.violation(sentence)
        if erased:
            return
        for sentence in self._telling(card, self.revealed.pop(name, None)):
            self.violation(sentence)

    def _outcome(self, card: Any) -> Iterator[str]:
        """What is wrong with what a revealed card won."""
        pool = self.pools.get(card["pool"])
        if pool is None:
            yield f"Card {card['card']!r} is of pool {card['pool']!r}, which was not published."
            return
        if pool.pool not in self.seeds:
            return  # told already
        drawn = draw(pool.odds, self.seeds[pool.pool], pool.pool, card["card"])
        if card["prize"] is None and drawn is not None and pool.remaining[drawn] > 0:
            yield f"Card {card['card']!r} drew {drawn!r} and won nothing, with {pool.remaining[drawn]} of it left."
        elif card["prize"] is not None and card["prize"] != drawn:
            yield f"Card {card['card']!r} won {card['prize']!r}, but its draw gives {drawn or 'nothing'!r}."

    def _telling(self, card: Any, told: ScratchCardRevealed | None) -> Iterator[str]:
        """What is wrong with the event about a revealed card."""
        if told is None:
            if card["revealed_at"] > self.kept_since:
                yield f"Card {card['card']!r} was revealed at {card['revealed_at']}, and no event tells of it."
            return
        expected = ScratchCardRevealed(
            member=card["member"], card=card["card"], pool=card["pool"], revealed_at=card["revealed_at"]
        )
        pool = self.pools.get(card["pool"])
        if card["prize"] is not None and pool is not None and card["prize"] in pool.prizes:
            expected.prize.CopyFrom(pool.prizes[card["prize"]])
        if told != expected:
            yield f"The reveal of card {card['card']!r} was told other than the card says."

    def close(self) -> None:
        """Checks what only the whole shows: the stock, and events about no card."""
        for pool in self.pools.values():
            for prize in pool.prizes.values():
                won, left = self.won.pop((pool.pool, prize.id), 0), pool.remaining[prize.id]
                if won + left != prize.stock:
                    self.violation(
                        f"Prize {prize.id!r} of pool {pool.pool!r} was won {won} times and {left} are left, "
                        f"of {prize.stock} at first."
                    )
        for (pool_id, prize_id), won in sorted(self.won.items()):
            self.violation(f"Prize {prize_id!r} of pool {pool_id!r} was won {won} times and does not exist.")
        for name in sorted(self.revealed):
            self.violation(f"The reveal of card {name!r} was told, but there is no such revealed card.")
        for name in sorted(self.issued):
            self.violation(f"The issue of card {name!r} was told, but there is no such card.")
