"""One transaction of the recommender service, made of operations.

Choices are made on the models that are committed. A refused request leaves
everything untouched: every check comes before the first change.
"""

import os
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import asyncpg
import numpy as np

from chassis.book import Operation
from chassis.configuration import Configurations
from chassis.errors import NotFound
from chassis.write_path import NotYet
from laurels.missions.v1.events_pb2 import MissionCompleted
from laurels.points.v1.rewards_events_pb2 import RedemptionChanged
from services import book
from services.fingerprints import Fingerprints
from services.recommender import store
from services.recommender.learner import Learner
from services.recommender.memory import Memory
from services.recommender.profile import Change
from services.recommender.programme import RecommenderRules
from services.recommender.store.decisions import Decided, Open
from services.recommender.store.policies import Promotion

EARLY = (RedemptionChanged, MissionCompleted)
"""Events that are decided under the newest version, whichever that is."""


@dataclass(frozen=True, slots=True)
class Chance:
    """The random sources: `draws` makes choices, `secret(n)` gives n bytes that nobody can guess."""

    draws: np.random.Generator = field(default_factory=np.random.default_rng)
    secret: Callable[[int], bytes] = os.urandom

    def decision_id(self) -> str:
        """A new id of 32 hexadecimal digits, 122 bits of them unknown to anybody."""
        return uuid.UUID(bytes=self.secret(16), version=4).hex


@dataclass(slots=True)
class Seen:
    """What a transaction adds to the counts of a slot, for metrics."""

    decisions: int = 0
    outcomes: int = 0
    value: float = 0.0


class Book(book.Book):
    """The unit of the recommender service's write path.

    `changes` are what is added to profiles, by member; they add up in any
    order, and so no profile is locked before it is saved. `seen` is what was
    decided and recorded, by slot; `known` what choices go by, and `decided` the
    decisions whose outcomes are at hand, `open` those that were pending when
    they were looked at without locking them. `learners` are to be kept,
    `versions` those that keys restore; `candidates` how many a slot has, and
    `promotions` its newest.
    """

    service = "recommender"

    def __init__(
        self,
        brand: str,
        now: datetime,
        *,
        programmes: Configurations[RecommenderRules],
        operations: Mapping[type, Operation],
        memory: Memory,
        chance: Chance,
        prints: Fingerprints,
    ) -> None:
        super().__init__(brand, now, programmes, operations, store.erase)
        self.memory, self.chance, self.prints = memory, chance, prints
        self.changes: dict[str, Change] = {}
        self.seen: dict[str, Seen] = {}
        self.known: Any = None
        self.decided: dict[str, Decided] = {}
        self.open: dict[str, Open] = {}
        self.learners: dict[str, Learner] = {}
        self.versions: dict[str, Any] = {}
        self.candidates: dict[str, int] = {}
        self.promotions: dict[str, Promotion | None] = {}

    def decide(self, request: Any) -> Any:
        try:
            return super().decide(request)
        except NotFound as refusal:
            # An event of a member may overtake the brand's first programme.
            if refusal.reason == "unknown_brand" and isinstance(request, EARLY):
                raise NotYet(refusal.detail) from None
            raise

    def count(self, slot: str) -> Seen:
        return self.seen.setdefault(slot, Seen())

    async def save(self, connection: asyncpg.Connection) -> None:
        if self.changes:
            await store.change_profiles(connection, self.brand, self.changes)
        await super().save(connection)
