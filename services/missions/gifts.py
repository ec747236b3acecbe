"""What missions gives: what it owns at once, the rest as an event that others act upon.

The event and what is given here are in the transaction of what caused them.
The key makes both happen once: a topic calls `give` once a key, which it
ensures by the row that stands for the cause.
"""

from collections.abc import Callable, Iterable
from datetime import datetime

from chassis.book import Touched
from laurels.value.v1.events_pb2 import Grant, RewardGranted
from services.missions.book import Book
from services.missions.programme import MissionsRules

OWN = ("badge", "mission")
"""The kinds of grants that missions applies itself."""

Assign = Callable[[Book, MissionsRules, str, str, str, datetime], None]
"""Assigns a mission: book, rules, member, mission, key, when."""


def touch(touched: Touched, member: str, grants: Iterable[Grant]) -> None:
    """Has locked and read what `give` will change of a member."""


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
    """Gives a member what is granted; `touch` was called with the same.

    `reason` is a GrantReason, `reference` what it stands for (a mission, a
    campaign), `at` when that happened.
    """
    told = RewardGranted(
        key=key,
        member=member,
        reason=reason,  # type: ignore[arg-type]
        reference=reference,
        occurred_at=at,
        programme_version=rules.version,
    )
    for place, grant in enumerate(grants):
        kind = grant.WhichOneof("kind")
        if kind == "badge":
            book.give_badge(rules.badges, member, grant.badge, f"{key}:{place}", at, cause=reference)
        elif kind is not None and kind not in OWN:
            told.grants.append(grant)
    if told.grants:
        book.tell(member, told)
