"""Experience climbs levels: what the points service's events tell of a member's balance is taken over.

A balance is taken over in the order in which the events arrive, which for a
member is the order in which it changed. Levels go by the most that it ever
was, so that they do not depend on the order at all.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import ClassVar

import asyncpg

from chassis.book import Kind, Operation, Touched
from laurels.activity.v1.events_pb2 import ActivityRecorded
from laurels.missions.v1.levels_events_pb2 import LevelReached
from laurels.points.v1.earning_events_pb2 import PointsRefunded
from laurels.points.v1.events_pb2 import PointsCredited
from laurels.value.v1.events_pb2 import GRANT_REASON_LEVEL
from services.activity import moment_of
from services.missions import gifts
from services.missions.book import Book
from services.missions.level_rules import Experience, Reached, hear, newly_reached, place_of
from services.missions.programme import MissionsRules
from services.missions.rewarding import OWN
from services.missions.store import levels as rows
from services.missions.store.levels import Levels

EXPERIENCES: Kind[str, Experience] = Kind("experiences", 60, rows.lock_experiences, rows.save_experiences)
LEVELS: Kind[str, Levels] = Kind("levels", 61, rows.levels_of, rows.save_levels)

Heard = ActivityRecorded | PointsCredited | PointsRefunded


async def look(connection: asyncpg.Connection, book: Book, members: Sequence[str]) -> None:
    """Reads what members have reached without locking it."""
    missing = sorted(set(members) - book.experiences.keys())
    if missing:
        book.experiences |= await rows.experiences(connection, book.brand, missing)


class Climb(Operation):
    """Takes over what events say of experience, and has levels reached."""

    requests: ClassVar[tuple[type, ...]] = (ActivityRecorded, PointsRefunded)

    def version(self, request: Heard) -> int:
        return request.programme_version

    async def find(
        self, connection: asyncpg.Connection, book: Book, rules: MissionsRules, requests: Sequence[Heard]
    ) -> set[str]:
        """The members who may reach a level that gives something which missions owns."""
        if rules.levels is None:
            return set()
        told: dict[str, int] = {}
        for request in requests:
            for balance in _balances(request, rules.levels.currency):
                told[_member(request)] = max(told.get(_member(request), 0), balance)
        await look(connection, book, list(told))
        found = {name for name, balance in told.items() if self._gives(book, rules, name, balance)}
        await gifts.find(connection, book, found)
        return found

    def _gives(self, book: Book, rules: MissionsRules, member: str, balance: int) -> bool:
        known = book.experiences.get(member)
        before = place_of(rules.levels.levels, known.peak if known is not None else 0) if rules.levels else 0
        reached = rules.levels.levels[before : place_of(rules.levels.levels, balance)] if rules.levels else []
        return any(grant.WhichOneof("kind") in OWN for level in reached for grant in level.rewards)

    def touch(self, request: Heard, found: set[str], rules: MissionsRules, touched: Touched) -> None:
        if rules.levels is None or not list(_balances(request, rules.levels.currency)):
            return
        member = _member(request)
        touched.row(EXPERIENCES, member)
        touched.row(LEVELS, member)
        if member in found:
            for level in rules.levels.levels:
                gifts.touch(touched, member, level.rewards)

    def decide(self, book: Book, rules: MissionsRules, request: Heard) -> None:
        if rules.levels is None:
            return
        member = _member(request)
        for balance in _balances(request, rules.levels.currency):
            found = book.row(EXPERIENCES, member) or Experience(member)
            if hear(found, balance):
                book.put(EXPERIENCES, member, found)
                self._reach(book, rules, member, found.peak, _moment(request))

    def _reach(self, book: Book, rules: MissionsRules, member: str, peak: int, at: datetime) -> None:
        if rules.levels is None:
            return
        levels = book.row(LEVELS, member) or Levels(member)
        for place, level in newly_reached(rules.levels.levels, peak, levels.reached):
            reached = Reached(level.id, at, peak, rules.version)
            levels.reached[level.id] = reached
            levels.added.append(reached)
            book.put(LEVELS, member, levels)
            told = LevelReached(
                member=member,
                level=level.id,
                place=place,
                experience=peak,
                reached_at=at,
                programme_version=rules.version,
            )
            book.tell(member, told)
            if level.rewards:
                key = f"level:{level.id}:{member}"
                gifts.give(book, rules, member, key, level.rewards, GRANT_REASON_LEVEL, level.id, at)


class ClimbByCredit(Climb):
    """Takes over what was credited for another cause than an activity."""

    requests = (PointsCredited,)


def _balances(request: Heard, currency: str) -> Iterator[int]:
    """The balances of a currency that an event tells."""
    match request:
        case ActivityRecorded():
            yield from (earned.balance for earned in request.earned if earned.currency == currency)
        case PointsCredited():
            if request.currency == currency:
                yield request.balance
        case PointsRefunded():
            yield from (taken.balance for taken in request.taken if taken.currency == currency)


def _member(request: Heard) -> str:
    return request.activity.member if isinstance(request, ActivityRecorded) else request.member


def _moment(request: Heard) -> datetime:
    if isinstance(request, ActivityRecorded):
        return moment_of(request.activity)
    return request.occurred_at.ToDatetime(tzinfo=UTC)
