"""The invariants of scratch cards, checked over all that there are.

Nothing that a decision kept is trusted: every card's id is computed again from
its cause, and every pool's draws are made again, in their order, from the
opened seed and the published table. Memory is bounded by the events within the
retention; cards are read as a stream.
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
from laurels.value.v1.events_pb2 import GRANT_REASON_PRIZE, RewardGranted
from services.leaderboard import fairness
from services.leaderboard.card_rules import grant_of
from services.leaderboard.cards import prize_key, shuffled
from services.leaderboard.fairness import DECK, NOTHING, Draw, Table
from services.leaderboard.published import micros, readable, text_of, zone_of
from services.leaderboard.scratch import card_id, commitment, draw
from services.leaderboard.sealing import Seal, WrongSeedKey
from services.leaderboard.store import cards as store
from services.leaderboard.store.cards import Pool, PoolState, PrizeKey

_POOLS = "SELECT pool, table_text FROM scratch_pools WHERE brand = $1 ORDER BY pool"
_DOCUMENTS = "SELECT document FROM configurations WHERE brand = $1 ORDER BY version"
_EVENTS = "SELECT id, payload FROM outbox WHERE brand = $1 AND type = $2 AND member NOT LIKE '!%' ORDER BY id"
_PRIZES = "SELECT pool, id, weight, stock, currency, amount FROM scratch_prizes WHERE brand = $1 ORDER BY pool, place"
_CARDS = """
    SELECT card, pool, member, cause, issued_at, revealed_at, prize, number, expires_at, own_seed, draw, position, link
    FROM scratch_cards WHERE brand = $1 ORDER BY pool, draw, card"""


async def card_violations(connection: asyncpg.Connection, brand: str, seal: Seal, kept_since: datetime) -> list[str]:
    """What does not hold; events are kept since `kept_since`."""
    rows = await connection.fetch(_POOLS, brand)
    whole = [row["pool"] for row in rows if not row["table_text"] or readable(row["table_text"])]
    pools = await store.pools(connection, brand, whole)
    states = await store.states(connection, brand, pools)
    audit = _Audit(brand, pools, states, seal, kept_since=kept_since)
    for row in rows:
        if row["pool"] not in pools:
            audit.violation(f"The table of pool {row['pool']!r} cannot be read.")
    audit.open_seeds()
    for row in await connection.fetch(_DOCUMENTS, brand):
        audit.see_programme(Programme.FromString(row["document"]))
    for row in await connection.fetch(_PRIZES, brand):
        audit.see_prize(row)
    async for row in connection.cursor(_EVENTS, brand, ScratchCardRevealed.DESCRIPTOR.full_name):
        audit.see_revealed(row["id"], ScratchCardRevealed.FromString(row["payload"]))
    async for row in connection.cursor(_EVENTS, brand, ScratchCardIssued.DESCRIPTOR.full_name):
        audit.see_issued(row["id"], ScratchCardIssued.FromString(row["payload"]))
    async for row in connection.cursor(_EVENTS, brand, RewardGranted.DESCRIPTOR.full_name):
        audit.see_granted(row["id"], RewardGranted.FromString(row["payload"]))
    async for row in connection.cursor(_CARDS, brand):
        audit.see_card(row)
    audit.close()
    return audit.found


@dataclass(slots=True)
class _Replay:
    """A pool's draws, made again one after another."""

    pool: Pool
    table: Table
    seed: bytes
    head: bytes
    draws: int = 0
    won: Counter[str] = field(default_factory=Counter)
    spent: int = 0
    taken: bytes = b""

    def next(self, card: Any) -> Iterator[str]:
        """What is wrong with the next draw, which is this card's."""
        table, name, at = self.table, card["card"], micros(card["revealed_at"])
        self.draws += 1
        if card["draw"] != self.draws:
            yield f"Card {name!r} is draw {card['draw']} of pool {self.pool.pool!r}, where draw {self.draws} is due."
        position, won = -1, card["prize"] or NOTHING
        if table.kind == DECK:
            try:
                root = bytes.fromhex(self.pool.root)
                position = fairness.position_of(table, root, card["number"], card["own_seed"], self.taken, at)
                expected = fairness.prize_of(table, shuffled(self.pool.table_text, self.seed)[position])
                self.taken = fairness.with_taken(self.taken, position, table.cards)
            except ValueError as error:
                yield f"Card {name!r} was drawn, but {error}."
                return
            if card["position"] != position:
                yield f"Card {name!r} took position {card['position']}, but its draw gives {position}."
        else:
            drawn = fairness.drawn_of(table, self.seed, card["number"], card["own_seed"])
            expected = fairness.won_of(table, drawn, self.won.__getitem__, self.spent, at)
        if won != expected:
            yield f"Card {name!r} won {won or 'nothing'!r}, but its draw gives {expected or 'nothing'!r}."
        if won in self.pool.prizes:
            self.won[won] += 1
            self.spent += self.pool.prizes[won].value
        told = Draw(card["draw"] or 0, card["number"], at, card["own_seed"], position, won)
        self.head = fairness.link_of(self.head, told)
        if card["link"] != self.head.hex():
            yield f"Card {name!r} is not chained to the draws before it in pool {self.pool.pool!r}."


@dataclass(slots=True)
class _Audit:
    brand: str
    pools: dict[str, Pool]
    states: dict[str, PoolState]
    seal: Seal
    kept_since: datetime
    found: list[str] = field(default_factory=list)
    seeds: dict[str, bytes] = field(default_factory=dict)
    won: Counter[PrizeKey] = field(default_factory=Counter)
    revealed: dict[str, ScratchCardRevealed] = field(default_factory=dict)
    issued: dict[str, ScratchCardIssued] = field(default_factory=dict)
    granted: dict[str, RewardGranted] = field(default_factory=dict)
    declared: set[str] = field(default_factory=set)
    replays: dict[str, _Replay] = field(default_factory=dict)
    cards: Counter[str] = field(default_factory=Counter)
    last: Counter[str] = field(default_factory=Counter)
    drawn: Counter[str] = field(default_factory=Counter)

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
            if pool.terms is None:
                continue
            table = pool.terms.table
            if pool.nothing_weight != table.nothing_weight:
                self.violation(f"Pool {pool.pool!r} is kept other than it was published.")
            self.replays[pool.pool] = _Replay(pool, table, seed, table.version)
            if table.kind == DECK:
                root, _ = fairness.tree_of(fairness.hashes_of(table, seed, shuffled(pool.table_text, seed)))
                if root.hex() != pool.root:
                    self.violation(f"The deck of pool {pool.pool!r} is not the one that was committed to.")

    def see_programme(self, programme: Programme) -> None:
        """Checks the pools against the version that published them, which is the first to declare them."""
        for pool in programme.leaderboard.scratch_pools:
            if pool.id in self.declared:
                continue
            self.declared.add(pool.id)
            kept = self.pools.get(pool.id)
            if kept is None:
                continue  # recorded with faults, and so never published
            if kept.terms is not None:
                same = kept.table_text == text_of(self.brand, pool, zone_of(programme))
            else:
                same = list(kept.prizes.values()) == list(pool.prizes) and kept.nothing_weight == pool.nothing_weight
            if not same:
                self.violation(f"Pool {pool.id!r} is not the one that the programme declares.")

    def see_prize(self, row: Any) -> None:
        pool = self.pools.get(row["pool"])
        prize = pool.prizes.get(row["id"]) if pool is not None else None
        kept = (row["weight"], row["stock"], row["currency"], row["amount"])
        if prize is None or kept != (prize.weight, prize.stock, prize.currency, prize.amount):
            self.violation(f"Prize {row['id']!r} of pool {row['pool']!r} is kept other than it was published.")

    def see_revealed(self, event_id: int, event: ScratchCardRevealed) -> None:
        if event.card in self.revealed:
            self.violation(f"The reveal of card {event.card!r} was told twice, the second time in event {event_id}.")
        self.revealed[event.card] = event

    def see_issued(self, event_id: int, event: ScratchCardIssued) -> None:
        if event.card in self.issued:
            self.violation(f"The issue of card {event.card!r} was told twice, the second time in event {event_id}.")
        self.issued[event.card] = event

    def see_granted(self, event_id: int, event: RewardGranted) -> None:
        if event.key in self.granted:
            self.violation(f"The grant of {event.key!r} was told twice, the second time in event {event_id}.")
        if event.reason == GRANT_REASON_PRIZE:
            self.granted[event.key] = event

    def see_card(self, card: Any) -> None:
        """Checks a card of the table by itself, and against the events about it."""
        name = card["card"]
        self.cards[card["pool"]] += 1
        self.last[card["pool"]] = max(self.last[card["pool"]], card["number"])
        erased = is_alias(card["member"])  # whose cause and events are gone
        if not erased and name != card_id(self.brand, card["pool"], card["cause"]):
            self.violation(f"Card {name!r} is not the one that pool {card['pool']!r} gives for {card['cause']!r}.")
        if (told := self.issued.pop(name, None)) is not None and not erased:
            expected = ScratchCardIssued(
                member=card["member"],
                card=name,
                pool=card["pool"],
                issued_at=card["issued_at"],
                number=told.number and card["number"],  # which events told before there were numbers do not say
                expires_at=card["expires_at"],
            )
            if told != expected:
                self.violation(f"The issue of card {name!r} was told other than the card says.")
        if card["revealed_at"] is None:
            return
        self.drawn[card["pool"]] += 1
        if card["prize"] is not None:
            self.won[card["pool"], card["prize"]] += 1
        for sentence in self._outcome(card):
            self.violation(sentence)
        told_revealed, told_granted = self.revealed.pop(name, None), self.granted.pop(prize_key(name), None)
        if erased:
            return
        for sentence in self._telling(card, told_revealed):
            self.violation(sentence)
        for sentence in self._giving(card, told_granted):
            self.violation(sentence)

    def _outcome(self, card: Any) -> Iterator[str]:
        """What is wrong with what a revealed card won."""
        pool = self.pools.get(card["pool"])
        if pool is None:
            yield f"Card {card['card']!r} is of pool {card['pool']!r}, which was not published."
            return
        if pool.pool not in self.seeds:
            return  # told already
        if pool.terms is not None:
            yield from self.replays[pool.pool].next(card)
            return
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
            # What was told before there were grants was credited from this event.
            expected.granted = told.granted or pool.terms is not None
        if told != expected:
            yield f"The reveal of card {card['card']!r} was told other than the card says."

    def _giving(self, card: Any, told: RewardGranted | None) -> Iterator[str]:
        """What is wrong with the grant of what a revealed card won."""
        pool = self.pools.get(card["pool"])
        prize = pool.prizes.get(card["prize"]) if pool is not None and card["prize"] is not None else None
        if prize is None or prize.scratch_card:
            if told is not None:
                yield f"A grant of {told.key!r} was told, but the card won nothing that another service gives."
        elif told is None:
            if card["revealed_at"] > self.kept_since and pool is not None and pool.terms is not None:
                yield f"Card {card['card']!r} won {prize.id!r}, and no event grants it."
        elif (told.member, list(told.grants)) != (card["member"], [grant_of(prize)]):
            yield f"The prize of card {card['card']!r} was granted other than the card says."

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
            self._close_pool(pool)
        for (pool_id, prize_id), won in sorted(self.won.items()):
            self.violation(f"Prize {prize_id!r} of pool {pool_id!r} was won {won} times and does not exist.")
        for name in sorted(self.revealed):
            self.violation(f"The reveal of card {name!r} was told, but there is no such revealed card.")
        for name in sorted(self.issued):
            self.violation(f"The issue of card {name!r} was told, but there is no such card.")
        for key in sorted(self.granted):
            self.violation(f"A grant of {key!r} was told, but there is no such revealed card.")

    def _close_pool(self, pool: Pool) -> None:
        state, name = self.states.get(pool.pool), pool.pool
        if state is None:
            self.violation(f"Pool {name!r} was published and has no state.")
            return
        if not state.issued == self.cards[name] == self.last[name]:
            self.violation(
                f"Pool {name!r} counts {state.issued} cards given, has {self.cards[name]}, "
                f"and the last one's number is {self.last[name]}."
            )
        if state.revealed != self.drawn[name]:
            self.violation(f"Pool {name!r} counts {state.revealed} cards revealed, and {self.drawn[name]} are.")
        replay = self.replays.get(name)
        if replay is None:
            return
        if (state.spent, state.head) != (replay.spent, replay.head.hex()) or state.taken != replay.taken:
            self.violation(f"The state of pool {name!r} is not what its draws give when they are made again.")
        if replay.table.budget and replay.spent > replay.table.budget:
            self.violation(f"Pool {name!r} gave prizes worth {replay.spent}, more than its budget.")
