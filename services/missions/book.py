"""One transaction's progress, and the activities that move it.

What an activity counts for follows from the activity and its version of the
programme alone. It is found first, so that no more is locked and read than
what the activities of the batch move.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from chassis import metrics
from chassis.configuration import Configurations
from chassis.events import NewEvent
from chassis.logging import logger
from chassis.write_path import NotYet
from laurels.activity.v1.events_pb2 import ActivityRecorded
from laurels.missions.v1.events_pb2 import BadgeEarned, MissionCompleted
from laurels.programme.v1.events_pb2 import ProgrammeApplied
from services.activity import moment_of
from services.erasure import Erase, Erasures, Settle
from services.missions import store
from services.missions.programme import Goal, MissionsRules, Step
from services.missions.progress import grow
from services.missions.store import Badge, Completion, Keyed, Row
from services.programme import adopt

_log = logger("missions")


@dataclass(frozen=True, slots=True, eq=False)
class Recorded:
    """An activity that was recorded; each is a request of its own."""

    event: ActivityRecorded


@dataclass(frozen=True, slots=True, eq=False)
class Applied:
    """A version of the programme to take over."""

    event: ProgrammeApplied


class Book:
    """The unit of the missions service's write path.

    Activities are decided at the time they happened; the transaction's own
    does not matter.
    """

    def __init__(self, brand: str, _now: datetime, programmes: Configurations[MissionsRules]) -> None:
        self.events: list[NewEvent] = []
        self._brand, self._programmes = brand, programmes
        self._adopted: dict[int, NewEvent] = {}
        self._rules: dict[int, MissionsRules | NotYet] = {}
        self._steps: dict[Recorded, list[Step]] = {}
        self._rows: dict[str, dict[str, Row]] = {}
        self._changed: list[Keyed] = []
        self._completions: list[Completion] = []
        self._badges: dict[tuple[str, str], Badge] = {}
        self._failing: set[str] = set()
        self._erasures = Erasures("missions", brand)

    # -- loading ------------------------------------------------------------

    async def load(self, connection: asyncpg.Connection, requests: Sequence[Any]) -> None:
        await self._erasures.load(connection, requests)
        # Versions first: activities of the same batch may be judged under them.
        for request in requests:
            if isinstance(request, Applied):
                applied = request.event
                self._adopted[applied.version] = await adopt(connection, "missions", self._brand, applied)
        recorded = [request for request in requests if isinstance(request, Recorded)]
        for version in {request.event.programme_version for request in recorded}:
            await self._load_rules(connection, version)
        for request in recorded:
            rules = self._rules[request.event.programme_version]
            if not isinstance(rules, NotYet):
                self._steps[request] = rules.steps(request.event, self._expression_failed)
        wanted: dict[str, set[str]] = {}
        for request, steps in self._steps.items():
            if steps:
                wanted.setdefault(request.event.activity.member, set()).update([goal.mission for goal, _ in steps])
        self._rows = await store.lock_progress(connection, self._brand, wanted)

    async def _load_rules(self, connection: asyncpg.Connection, version: int) -> None:
        try:
            self._rules[version] = await self._programmes.at(connection, self._brand, version)
        except NotYet as not_yet:
            self._rules[version] = not_yet  # refuses the version's activities, not the batch

    # -- deciding -----------------------------------------------------------

    def decide(self, request: Any) -> None:
        match request:
            case Recorded():
                self._count(request)
            case Applied():
                self.events.append(self._adopted[request.event.version])
            case Erase() | Settle():
                self._erasures.decide(request)
            case _:
                raise TypeError(f"not a request of the missions service: {type(request).__name__}")

    def _count(self, request: Recorded) -> None:
        recorded = request.event
        rules = self._rules[recorded.programme_version]
        if isinstance(rules, NotYet):
            raise NotYet(rules.detail)
        steps = self._steps[request]
        if not steps:
            return
        member, moment = recorded.activity.member, moment_of(recorded.activity)
        rows = self._rows[member]
        for goal, value in steps:
            row = rows.get(goal.mission)
            if row is None:
                row = rows[goal.mission] = Row()
            elif row.completed_at is not None:
                continue
            if not row.changed:
                row.changed = True
                self._changed.append((member, goal.mission, row))
            if grow(row, value, goal.target, moment):
                self._complete(recorded, goal, moment)

    def _complete(self, recorded: ActivityRecorded, goal: Goal, moment: datetime) -> None:
        member, version = recorded.activity.member, recorded.programme_version
        self._completions.append(Completion(member, goal.mission, recorded.activity.id, moment, version))
        self._tell(
            member,
            MissionCompleted(
                member=member,
                mission=goal.mission,
                reward=goal.reward,
                completed_at=moment,
                programme_version=version,
            ),
        )
        if goal.badge and (member, goal.badge) not in self._badges:
            self._badges[member, goal.badge] = Badge(member, goal.badge, goal.mission, moment)
            self._tell(member, BadgeEarned(member=member, badge=goal.badge, earned_at=moment))

    def _tell(self, member: str, message: Any) -> None:
        self.events.append(NewEvent(member, message))

    def _expression_failed(self, mission: str, why: str) -> None:
        metrics.RULE_FAILURES.labels("missions").inc()
        if mission in self._failing:
            return  # one line a transaction: it may fail on each of hundreds of activities
        self._failing.add(mission)
        _log.warning("mission's expression failed", mission=mission, brand=self._brand, why=why)

    # -- saving -------------------------------------------------------------

    async def save(self, connection: asyncpg.Connection) -> None:
        await store.save_progress(connection, self._brand, [keyed for keyed in self._changed if keyed[2].known])
        await store.add_progress(connection, self._brand, [keyed for keyed in self._changed if not keyed[2].known])
        await store.add_completions(connection, self._brand, self._completions)
        gained = await store.add_badges(connection, self._brand, list(self._badges.values()))
        if len(gained) < len(self._badges):
            self.events = [event for event in self.events if not _is_of_badge(event, self._badges.keys() - gained)]
        self.events = await self._erasures.save(connection, self.events, store.erase)


def _is_of_badge(event: NewEvent, badges: set[tuple[str, str]]) -> bool:
    """Whether an event says that a member earned one of the badges, given as (member, badge)."""
    return isinstance(event.message, BadgeEarned) and (event.message.member, event.message.badge) in badges
