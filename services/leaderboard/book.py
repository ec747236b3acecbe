"""One transaction of the leaderboard service, made of operations.

Each event is decided under the version of the programme that it names.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import asyncpg
import orjson

from chassis import metrics
from chassis.book import Operation
from chassis.configuration import Configurations
from chassis.logging import logger
from laurels.activity.v1.events_pb2 import ActivityRecorded
from laurels.programme.v1.events_pb2 import ProgrammeApplied
from services import book
from services.erasure import Erase
from services.leaderboard import ranks, store
from services.leaderboard.programme import compile_programme
from services.leaderboard.ranking import Fact, Score
from services.leaderboard.ranks import Change
from services.leaderboard.rules import LeaderboardRules, Outcome
from services.leaderboard.sealing import Seal
from services.leaderboard.store.boards import add_change
from services.leaderboard.store.cards import Pool
from services.leaderboard.store.groups import GroupKey
from services.leaderboard.store.parked import ParkedCard
from services.programme import Problems

_log = logger("leaderboard")

Adopting = Callable[[asyncpg.Connection, "Book", LeaderboardRules], Awaitable[None]]
"""What a topic does with a new version, in the transaction that takes it over."""


class Book(book.Book):
    """The unit of the leaderboard service's write path.

    `adopting` are the topics' own parts of taking a version over. `tiers` are
    those of members that were looked at without locking them; `pools` what the
    pools published that cards are given or drawn from, `drawings` what is known
    of the cards to reveal, `newest_version` the version at hand when there are
    such; `parked` are cards whose prize could not be given and now may have
    been. `standings` are the last places of standings that are being written
    down, `placed` who is in one. Of groups within boards, `grouped` says in which
    a member is, by scope; `group_standings` are their last places, `group_sums`
    their members and scores, `to_reward` places that are to give what they win,
    `team_counts` how many groups a scope ranks; `unfinished` are periods whose
    groups are not done. `parked_cards` are those to decide on. `submitted` are the moves of submissions,
    `facts` those of events, `moved` the scores that were, `changes` is what the replicas' ranks are to be
    told, under the number `change`, which the answers in `positioned` get as
    their position.
    """

    service = "leaderboard"

    def __init__(
        self,
        brand: str,
        now: datetime,
        *,
        programmes: Configurations[LeaderboardRules],
        operations: Mapping[type, Operation],
        adopting: Sequence[Adopting],
        seal: Seal,
    ) -> None:
        super().__init__(brand, now, programmes, operations, self._forget)
        self.seal = seal
        self.tiers: dict[str, str] = {}
        self.pools: dict[str, Pool] = {}
        self.drawings: dict[str, Any] = {}
        self.newest_version = 0
        self.parked: set[str] = set()
        self._adopting = adopting
        self._asked: set[str] = set()
        self.changes: list[Change] = []
        self.submitted: dict[int, list[Fact]] = {}
        self.moved: dict[Any, Score] = {}
        self.standings: dict[tuple[str, int], Any] = {}
        self.placed: set[tuple[str, int, str]] = set()
        self.grouped: dict[tuple[str, int, str], list[tuple[str, str]]] = {}
        self.group_standings: dict[GroupKey, Any] = {}
        self.group_sums: dict[tuple[str, int, str], dict[str, tuple[int, int, int]]] = {}
        self.to_reward: dict[GroupKey, list[Any]] = {}
        self.team_counts: dict[tuple[str, int, str], int] = {}
        self.unfinished: set[tuple[str, int]] = set()
        self.parked_cards: dict[str, ParkedCard] = {}
        self.seated: set[tuple[str, int, str]] = set()
        self.change = 0
        self.positioned: list[Any] = []
        self.taken_over: tuple[int, LeaderboardRules] | None = None
        self._outcomes: dict[int, Outcome | None] = {}
        self.facts: dict[int, list[Fact]] = {}

    async def adopt(self, connection: asyncpg.Connection, applied: ProgrammeApplied) -> None:
        await super().adopt(connection, applied)
        rules = compile_programme(applied.programme, Problems())
        for adopting in self._adopting:
            await adopting(connection, self, rules)
        if self.taken_over is None or applied.version > self.taken_over[0]:
            self.taken_over = applied.version, rules
        self.changes.append(ranks.adopted(applied.version))

    def decide(self, request: Any) -> Any:
        if isinstance(request, Erase):
            self._asked.add(request.member)
        return super().decide(request)

    def outcome(self, rules: LeaderboardRules, recorded: ActivityRecorded) -> Outcome | None:
        """What an activity does, evaluated once for all topics; None when nothing looks at its type."""
        if id(recorded) not in self._outcomes:
            of_type = rules.by_type.get(recorded.activity.type)
            self._outcomes[id(recorded)] = None if of_type is None else of_type.outcome(recorded, self.failed)
        return self._outcomes[id(recorded)]

    async def save(self, connection: asyncpg.Connection) -> None:
        """Saves all, and writes down for the replicas' ranks what it changed of boards."""
        self.changes += [ranks.scored(score) for score in self.moved.values()]
        await super().save(connection)
        if self.changes:
            self.change = await add_change(connection, self.brand, orjson.dumps(self.changes))

    async def _forget(self, connection: asyncpg.Connection, brand: str, member: str, alias: str) -> None:
        await store.erase(connection, brand, member, alias)
        self.changes = [change for change in self.changes if member not in change]
        # The last erasure leaves the id nowhere, and so not in what it tells.
        self.changes.append(ranks.erased(member, alias) if member in self._asked else ranks.settled(alias))

    def failed(self, name: str, why: str) -> None:
        """Is told of a board's or a pool's expression that failed on an event."""
        metrics.RULE_FAILURES.labels("leaderboard").inc()
        _log.warning("expression failed", board_or_pool=name, brand=self.brand, why=why)
