"""One transaction of the missions service, made of operations.

Each event is decided under the version of the programme that it names.
Activities are decided at the time they happened; the transaction's own does
not matter to them.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any

import asyncpg

from chassis import metrics
from chassis.book import Kind, Operation
from chassis.configuration import Configurations
from chassis.errors import NotFound
from chassis.logging import logger
from chassis.write_path import NotYet
from laurels.points.v1.events_pb2 import TierChanged
from laurels.value.v1.events_pb2 import RewardGranted
from services import book
from services.missions import store
from services.missions.badges import Give, Take, settle
from services.missions.fold import Done, MissionRule, Place
from services.missions.level_rules import Experience
from services.missions.outgoing import fan_out
from services.missions.programme import MissionsRules
from services.missions.programme_together import Contribution
from services.missions.store.journal import CompletionKey
from services.missions.store.members import Member
from services.missions.store.together import Team

_log = logger("missions")

EARLY = (TierChanged, RewardGranted)
"""Events that are decided under the newest version, whichever that is."""


class Book(book.Book):
    """The unit of the missions service's write path.

    `known` are members that were looked at without locking them, `last` the
    places of their newest facts; `values` what activities count, by the identity
    of their events. `unsettled` are members whose facts are to be folded anew
    before their state is read or saved, and `late_done` what they finished
    before what is kept. `paying` are the missions whose rewards are due or claimed. `endpoints`
    are how many the brand has, and `registered` which, where a request asks.
    `badges_asked` is given and taken last. `contributions` are what activities
    count for in challenges, by activity, and `closed` which of those have ended;
    `experiences`, `teams_by_code` and `challenges_of_teams` were looked at
    without locking them.
    """

    service = "missions"

    def __init__(
        self,
        brand: str,
        now: datetime,
        *,
        programmes: Configurations[MissionsRules],
        operations: Mapping[type, Operation],
        settle: Callable[["Book", str], None],
    ) -> None:
        super().__init__(brand, now, programmes, operations, store.erase)
        self._settle = settle
        self.known: dict[str, Member] = {}
        self.values: dict[int, list[Any]] = {}
        self.last: dict[str, Place] = {}
        self.paying: dict[CompletionKey, MissionRule] = {}
        self.unsettled: set[str] = set()
        self.late_done: dict[str, list[Done]] = {}
        self.endpoints = 0
        self.registered: set[str] = set()
        self.badges_asked: list[Give | Take] = []
        self.contributions: dict[str, list[Contribution]] = {}
        self.closed: dict[str, bool] = {}
        self.experiences: dict[str, Experience] = {}
        self.teams_by_code: dict[str, Team] = {}
        self.challenges_of_teams: dict[tuple[str, str], str] = {}
        self._failing: set[str] = set()

    async def _load_rules(self, connection: asyncpg.Connection, version: int | None) -> Any:
        rules = await super()._load_rules(connection, version)
        if isinstance(rules, MissionsRules):
            rules.version = version or self.newest
            # What is decided under the newest is folded under its number.
            self._rules[rules.version] = rules
        return rules

    async def load_rules(self, connection: asyncpg.Connection, version: int) -> None:
        """Makes a version's rules available to decisions, besides those that requests name."""
        await self._load_rules(connection, version)

    def decide(self, request: Any) -> Any:
        try:
            return super().decide(request)
        except NotFound as refusal:
            # An event of a member may overtake the brand's first programme.
            if refusal.reason == "unknown_brand" and isinstance(request, EARLY):
                raise NotYet(refusal.detail) from None
            raise

    def settle(self, member: str) -> None:
        """Folds a member's facts anew where that is due; whoever reads the state calls it first."""
        self._settle(self, member)

    def give_badge(
        self, member: str, badge: str, key: str, at: datetime, *, cause: str = "", activity: str = ""
    ) -> None:
        """Has a badge given when the transaction ends, once a member and key.

        `cause` is the mission or what else gave it, `activity` the one whose
        refund takes it away again, where the badge is revocable.
        """
        self.badges_asked.append(Give(member, badge, key, at, cause, activity))

    def take_badges(self, member: str, at: datetime, *, activity: str = "", prefix: str = "") -> None:
        """Has taken away what an activity earned, or what was given under keys of a prefix, where it is revocable."""
        self.badges_asked.append(Take(member, at, activity=activity, prefix=prefix))

    def expression_failed(self, name: str, why: str) -> None:
        """Logs and counts an expression that failed on the values at hand; it counts as nothing there."""
        metrics.RULE_FAILURES.labels("missions").inc()
        if name in self._failing:
            return  # one line a transaction: it may fail on each of hundreds of activities
        self._failing.add(name)
        _log.warning("expression failed", name=name, brand=self.brand, why=why)

    async def save(self, connection: asyncpg.Connection) -> None:
        for member in sorted(self.unsettled):
            self.settle(member)
        await settle(connection, self, self.badges_asked)
        await fan_out(connection, self.brand, self.now, self.events)
        await super().save(connection)

    async def read(self, connection: asyncpg.Connection, kind: Kind[Any, Any], keys: Collection[Any]) -> None:
        """Locks and reads rows of a kind after all others were, but for those that were touched before."""
        known = self._rows.setdefault(kind, {})
        if missing := sorted(keys - known.keys()):
            known.update(await kind.lock(connection, self.brand, missing))
