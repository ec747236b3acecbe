"""What missions gives: what it owns at once, the rest as an event that others act upon.

The event and what is given here are in the transaction of what caused them.
The key makes both happen once: a topic calls `give` once a key, which it
ensures by the row that stands for the cause.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import asyncpg

from chassis.book import NEWEST, Operation, Touched
from laurels.value.v1.events_pb2 import Grant, RewardGranted
from services.missions import calendar, journal, rewarding
from services.missions.book import Book
from services.missions.fold import ASSIGN, BADGE, Fact
from services.missions.programme import MissionsRules


async def find(connection: asyncpg.Connection, book: Book, members: Iterable[str]) -> None:
    """Reads what `give` will need of members; an operation's `find` calls it."""
    await journal.find_late(connection, book, members)


def touch(touched: Touched, member: str, grants: Iterable[Grant]) -> None:
    """Has locked and read what `give` will change of a member; an operation's `touch` calls it."""
    if any(grant.WhichOneof("kind") in rewarding.OWN for grant in grants):
        journal.touch(touched, member, late=True)


def give(
    book: Book,
    rules: MissionsRules,
    member: str,
    key: str,
    grants: Iterable[Grant],
    reason: int,
    reference: str,
    at: datetime,
) -> None:
    """Gives a member what is granted; `find` and `touch` were called with the same.

    `reason` is a GrantReason, `reference` what it stands for (a mission, a
    campaign), `at` when that happened.
    """
    grants = list(grants)
    rewarding.tell(book, rules.version, member, key, grants, reason, reference, at)
    receive(book, rules, member, key, grants, reference, at)


def receive(
    book: Book, rules: MissionsRules, member: str, key: str, grants: Iterable[Grant], reference: str, at: datetime
) -> None:
    """Gives a member what is missions' own among grants."""
    moment = calendar.micros(at)
    minutes = calendar.ahead(moment, rules.zone)
    for place, grant in enumerate(grants):
        kind = grant.WhichOneof("kind")
        name = f"{kind} {key} {place}"
        if kind == "badge":
            book.give_badge(member, grant.badge, f"{key}:{place}", at, cause=reference)
            note_badge(book, rules, member, grant.badge, f"{key}:{place}", at)
        elif kind == "mission":
            fact = Fact(moment, name, ASSIGN, grant.mission, rules.version, (minutes, minutes))
            journal.add(book, rules, member, fact)


def note_badge(book: Book, rules: MissionsRules, member: str, badge: str, key: str, at: datetime) -> None:
    """Takes the fact that a member has a badge, which missions may ask for; `touch` was called with it."""
    moment = calendar.micros(at)
    minutes = calendar.ahead(moment, rules.zone)
    fact = Fact(moment, f"badge {key}", BADGE, badge, rules.version, (minutes, minutes))
    journal.add(book, rules, member, fact)


class Receive(Operation):
    """Gives what another service granted, as far as missions owns it."""

    requests = (RewardGranted,)

    def version(self, request: RewardGranted) -> int:
        return NEWEST

    async def find(
        self, connection: asyncpg.Connection, book: Book, rules: MissionsRules, requests: Sequence[RewardGranted]
    ) -> None:
        await find(connection, book, [request.member for request in requests])

    def touch(self, request: RewardGranted, found: None, rules: MissionsRules, touched: Touched) -> None:
        touch(touched, request.member, request.grants)

    def decide(self, book: Book, rules: MissionsRules, request: RewardGranted) -> None:
        at = request.occurred_at.ToDatetime(tzinfo=UTC)
        receive(book, rules, request.member, request.key, request.grants, request.reference, at)
