"""One transaction of the missions service, made of operations.

Each event is decided under the version of the programme that it names.
Activities are decided at the time they happened; the transaction's own does
not matter to them.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import asyncpg

from chassis import metrics
from chassis.book import Operation, Touched
from chassis.configuration import Configurations
from chassis.events import NewEvent
from chassis.logging import logger
from laurels.missions.v1.events_pb2 import BadgeEarned
from services import book
from services.missions import store
from services.missions.programme import MissionsRules, Step
from services.missions.store import Badge
from services.missions.store.members import Member

_log = logger("missions")


class Book(book.Book):
    """The unit of the missions service's write path.

    `known` are members that were looked at without locking them; `steps` what
    activities count for, by the identity of their events.
    """

    service = "missions"

    def __init__(
        self,
        brand: str,
        now: datetime,
        *,
        programmes: Configurations[MissionsRules],
        operations: Mapping[type, Operation],
    ) -> None:
        super().__init__(brand, now, programmes, operations, store.erase)
        self.known: dict[str, Member] = {}
        self.steps: dict[int, list[Step]] = {}
        self._badges: dict[tuple[str, str], Badge] = {}
        self._failing: set[str] = set()

    async def _load_rules(self, connection: asyncpg.Connection, version: int | None) -> Any:
        rules = await super()._load_rules(connection, version)
        if isinstance(rules, MissionsRules):
            rules.version = version or self.newest
        return rules

    def give_badge(self, member: str, badge: str, cause: str, at: datetime) -> None:
        """Gives a badge, unless the member has it; `cause` is the mission or what else gave it."""
        if (member, badge) not in self._badges:
            self._badges[member, badge] = Badge(member, badge, cause, at)
            self.tell(member, BadgeEarned(member=member, badge=badge, earned_at=at))

    def expression_failed(self, name: str, why: str) -> None:
        """Logs and counts an expression that failed on the values at hand; it counts as nothing there."""
        metrics.RULE_FAILURES.labels("missions").inc()
        if name in self._failing:
            return  # one line a transaction: it may fail on each of hundreds of activities
        self._failing.add(name)
        _log.warning("expression failed", name=name, brand=self.brand, why=why)

    async def save(self, connection: asyncpg.Connection) -> None:
        gained = await store.add_badges(connection, self.brand, list(self._badges.values()))
        if len(gained) < len(self._badges):
            self.events = [event for event in self.events if not _is_of_badge(event, self._badges.keys() - gained)]
        await super().save(connection)


class Together(Operation):
    """An event to which several topics react, one after another; none of them refuses it.

    It is decided under the version that the event names.
    """

    def __init__(self, request: type, *parts: Operation) -> None:
        self.requests = (request,)  # type: ignore[misc]
        self._parts = parts

    def version(self, request: Any) -> int:
        version: int = request.programme_version
        return version

    async def find(self, connection: asyncpg.Connection, book: Any, rules: Any, requests: Sequence[Any]) -> list[Any]:
        return [await part.find(connection, book, rules, requests) for part in self._parts]

    def touch(self, request: Any, found: list[Any], rules: Any, touched: Touched) -> None:
        for part, of_part in zip(self._parts, found, strict=True):
            part.touch(request, of_part, rules, touched)

    def decide(self, book: Any, rules: Any, request: Any) -> None:
        for part in self._parts:
            part.decide(book, rules, request)


def _is_of_badge(event: NewEvent, badges: set[tuple[str, str]]) -> bool:
    """Whether an event says that a member earned one of the badges, given as (member, badge)."""
    return isinstance(event.message, BadgeEarned) and (event.message.member, event.message.badge) in badges
