"""One transaction's scores, cards and stock, and the decisions on them.

Each event is decided under the version of the programme that it names. A
refused request changes nothing: every check comes before the first change.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import asyncpg

from chassis import metrics
from chassis.configuration import Configurations
from chassis.events import NewEvent
from chassis.logging import logger
from chassis.write_path import NotYet
from laurels.activity.v1.events_pb2 import ActivityRecorded
from laurels.leaderboard.v1 import scratch_cards_pb2
from laurels.leaderboard.v1.events_pb2 import ScratchCardIssued, ScratchCardRevealed
from laurels.missions.v1.events_pb2 import MissionCompleted
from laurels.points.v1.events_pb2 import PointsCredited
from laurels.programme.v1.events_pb2 import ProgrammeApplied
from services.activity import moment_of
from services.erasure import Erase, Erasures, Settle
from services.leaderboard import store
from services.leaderboard.programme import LeaderboardRules, compile_programme
from services.leaderboard.ranking import Scores
from services.leaderboard.scratch import (
    UnknownCard,
    activity_cause,
    card_id,
    commitment,
    draw,
    mission_cause,
)
from services.leaderboard.sealing import Seal
from services.leaderboard.store import CardState, NewCard, Pool, PrizeKey
from services.programme import Problems, adopt

_log = logger("leaderboard")


@dataclass(frozen=True, slots=True)
class Reveal:
    """A card to reveal; `member` is whose it must be, None when any member's will do."""

    card: str
    member: str | None


class Book:
    """The unit of the leaderboard service's write path."""

    def __init__(self, brand: str, now: datetime, programmes: Configurations[LeaderboardRules], seal: Seal) -> None:
        self.events: list[NewEvent] = []
        self._brand, self._now, self._programmes, self._seal = brand, now, programmes, seal
        self._adopted: dict[int, NewEvent] = {}
        self._rules: dict[int, LeaderboardRules] = {}
        self._scores = Scores()
        self._issued: dict[str, NewCard] = {}
        self._cards: dict[str, CardState] = {}
        self._pools: dict[str, Pool] = {}
        self._drawn: dict[str, str | None] = {}
        self._stock: dict[PrizeKey, int] = {}
        self._revealed: dict[str, CardState] = {}
        self._taken: dict[PrizeKey, int] = {}
        self._erasures = Erasures("leaderboard", brand)

    # -- loading ------------------------------------------------------------

    async def load(self, connection: asyncpg.Connection, requests: Sequence[Any]) -> None:
        await self._erasures.load(connection, requests)
        # Versions first: events of the same batch may be decided under them.
        for request in requests:
            if isinstance(request, ProgrammeApplied):
                await self._adopt(connection, request)
        versions = {
            r.programme_version for r in requests if not isinstance(r, Reveal | ProgrammeApplied | Erase | Settle)
        }
        for version in sorted(versions - self._rules.keys()):
            await self._load_rules(connection, version)
        if reveals := [request.card for request in requests if isinstance(request, Reveal)]:
            await self._load_cards(connection, reveals)

    async def _adopt(self, connection: asyncpg.Connection, applied: ProgrammeApplied) -> None:
        """Keeps a version, and publishes its new pools with commitments to fresh seeds.

        Before any card of theirs can be issued, and with the version or not at all.
        """
        self._adopted[applied.version] = await adopt(connection, "leaderboard", self._brand, applied)
        rules = self._rules[applied.version] = compile_programme(applied.programme, Problems())
        rows = []
        for pool in sorted(await store.unpublished(connection, self._brand, rules.pools)):
            seed = self._seal.new_seed()
            rows.append((rules.pools[pool], commitment(seed), self._seal.close(self._brand, pool, seed)))
        if rows:
            await store.publish(connection, self._brand, rows)

    async def _load_rules(self, connection: asyncpg.Connection, version: int) -> None:
        try:
            self._rules[version] = await self._programmes.at(connection, self._brand, version)
        except NotYet:
            return  # its events are refused one by one, the others are not held up

    async def _load_cards(self, connection: asyncpg.Connection, cards: Iterable[str]) -> None:
        """Locks the cards, draws those that are not revealed, and locks the stock of what they drew."""
        self._cards = await store.lock_cards(connection, self._brand, cards)
        self._pools = await store.pools(connection, self._brand, (card.pool for card in self._cards.values()))
        seeds = {p.pool: self._seal.open(self._brand, p.pool, p.sealed_seed) for p in self._pools.values()}
        odds = {pool.pool: pool.odds for pool in self._pools.values()}
        self._drawn = {
            card.card: draw(odds[card.pool], seeds[card.pool], card.pool, card.card)
            for card in self._cards.values()
            if card.revealed_at is None
        }
        drawn = {(self._cards[card].pool, prize) for card, prize in self._drawn.items() if prize is not None}
        if drawn:
            self._stock = await store.lock_stock(connection, self._brand, drawn)

    # -- deciding -----------------------------------------------------------

    def decide(self, request: Any) -> Any:
        match request:
            case PointsCredited():
                return self._credited(request)
            case ActivityRecorded():
                return self._recorded(request)
            case MissionCompleted():
                return self._completed(request)
            case Reveal():
                return self._reveal(request)
            case ProgrammeApplied():
                return self.events.append(self._adopted[request.version])
            case Erase() | Settle():
                return self._erasures.decide(request)
        raise TypeError(f"not a request of the leaderboard service: {type(request).__name__}")

    def _at(self, version: int) -> LeaderboardRules:
        rules = self._rules.get(version)
        if rules is None:
            raise NotYet(f"Version {version} of brand {self._brand!r} has not arrived yet.")
        return rules

    def _credited(self, credited: PointsCredited) -> None:
        rules, at = self._at(credited.programme_version), credited.occurred_at.ToDatetime(tzinfo=UTC)
        self._add_points(rules, credited.member, credited.currency, credited.amount, at)

    def _recorded(self, recorded: ActivityRecorded) -> None:
        activity = recorded.activity
        rules, at = self._at(recorded.programme_version), moment_of(activity)
        for earned in recorded.earned:
            self._add_points(rules, activity.member, earned.currency, earned.amount, at)
        of_type = rules.by_type.get(activity.type)
        if of_type is None:
            return
        outcome = of_type.outcome(recorded, self._failed)
        for board, score in outcome.gains:
            self._scores.add(board, activity.member, score, at)
        for pool in outcome.pools:
            self._issue(pool, activity.member, activity_cause(activity.id), at)

    def _add_points(self, rules: LeaderboardRules, member: str, currency: str, amount: int, at: datetime) -> None:
        for board in rules.by_currency.get(currency, ()):
            self._scores.add(board, member, amount, at)

    def _completed(self, completed: MissionCompleted) -> None:
        pools = self._at(completed.programme_version).by_mission.get(completed.mission, ())
        cause = mission_cause(completed.mission, completed.member)
        for pool in pools:
            self._issue(pool, completed.member, cause, completed.completed_at.ToDatetime(tzinfo=UTC))

    def _issue(self, pool: str, member: str, cause: str, at: datetime) -> None:
        card = card_id(self._brand, pool, cause)
        self._issued.setdefault(card, NewCard(card, pool, member, cause, at))

    def _reveal(self, request: Reveal) -> scratch_cards_pb2.RevealScratchCardResponse:
        card = self._cards.get(request.card)
        if card is None or (request.member is not None and card.member != request.member):
            raise UnknownCard(request.card)
        if card.revealed_at is None:
            card.revealed_at = self._now
            card.prize = self._take(card.pool, self._drawn[card.card])
            self._revealed[card.card] = card
            self._tell_revealed(card)
        return scratch_cards_pb2.RevealScratchCardResponse(card=self._shown(card))

    def _take(self, pool: str, prize: str | None) -> str | None:
        """The prize, one fewer being left of it; None when none was left."""
        if prize is None or self._stock[pool, prize] == 0:
            return None
        self._stock[pool, prize] -= 1
        self._taken[pool, prize] = self._stock[pool, prize]
        return prize

    def _shown(self, card: CardState) -> scratch_cards_pb2.ScratchCard:
        return scratch_cards_pb2.ScratchCard(
            card=card.card,
            pool=card.pool,
            member=card.member,
            issued_at=card.issued_at,
            revealed_at=card.revealed_at,
            prize=self._pools[card.pool].prizes[card.prize] if card.prize is not None else None,
        )

    def _tell_revealed(self, card: CardState) -> None:
        shown = self._shown(card)
        revealed = ScratchCardRevealed(
            member=card.member, card=card.card, pool=card.pool, revealed_at=shown.revealed_at
        )
        if shown.HasField("prize"):
            revealed.prize.CopyFrom(shown.prize)
        self.events.append(NewEvent(card.member, revealed))

    def _failed(self, name: str, why: str) -> None:
        metrics.RULE_FAILURES.labels("leaderboard").inc()
        _log.warning("expression failed", board_or_pool=name, brand=self._brand, why=why)

    # -- saving -------------------------------------------------------------

    async def save(self, connection: asyncpg.Connection) -> None:
        if self._revealed:
            await store.save_reveals(connection, self._brand, [self._revealed[c] for c in sorted(self._revealed)])
        if self._taken:
            await store.save_stock(connection, self._brand, self._taken)
        if self._scores.by_key:
            await store.add_scores(connection, self._brand, self._scores)
        if self._issued:
            await self._save_issued(connection)
        self.events = await self._erasures.save(connection, self.events, store.erase)

    async def _save_issued(self, connection: asyncpg.Connection) -> None:
        """Issues the cards; one that was issued before is not told of again."""
        new = await store.add_cards(connection, self._brand, self._issued.values())
        for card in self._issued.values():
            if card.card in new:
                issued = ScratchCardIssued(member=card.member, card=card.card, pool=card.pool, issued_at=card.issued_at)
                self.events.append(NewEvent(card.member, issued))
