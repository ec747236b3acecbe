"""Whoever is erased leaves their groups, and what was theirs there goes to somebody who is left.

A group whose owner is erased belongs to the manager who has been in it for
longest, where there is none to the member who has; its wallet stays as it is.
Where nobody is left but invited ones it is dissolved, and what it has expires,
as the points of its last member do. Its name, which the owner gave it, is
emptied either way.
"""

from dataclasses import dataclass

import asyncpg

from chassis.errors import Aborted
from laurels.points.v1 import groups_events_pb2, points_pb2
from services.points.book import GROUPS, Book, Touched
from services.points.groups import (
    DISSOLVED,
    IN,
    LEFT,
    MANAGER,
    OWNER,
    PLACES,
    place_of,
    put_place,
    tell_change,
    wallet_of,
)
from services.points.ledger import AVAILABLE, BALANCE_MAX, EXPIRED, PROGRAMME
from services.points.programme import PointsRules
from services.points.states import Group, Place
from services.points.store import groups as rows

InGroups = dict[str, list[tuple[str, Place]]]
"""Who is in each group or invited."""


@dataclass(frozen=True, slots=True)
class Inheritance:
    """A group that a member leaves; who is the owner then, or who is invited to one that nobody is left in."""

    group: Group
    heir: str
    invited: list[str]


async def find(connection: asyncpg.Connection, brand: str, member: str) -> InGroups:
    """Who is in the groups that a member is in or invited to."""
    found = (await rows.places(connection, brand, [member])).get(member)
    groups = [place.group for place in found.by_group.values() if place.state != LEFT] if found is not None else []
    return await rows.in_groups(connection, brand, sorted(groups))


def touch(member: str, found: InGroups, rules: PointsRules, touched: Touched) -> None:
    """The groups, with those who may inherit them."""
    touched.row(PLACES, member)
    for group, places in found.items():
        touched.row(GROUPS, group)
        if not any(name == member and place.role == OWNER for name, place in places):
            continue
        heir = heir_of(member, places)
        for name in [heir] if heir else [name for name, _ in places]:
            touched.members.add(name)
            touched.row(PLACES, name)
        if not heir:
            for currency in rules.currencies:
                touched.wallet(wallet_of(group), currency, BALANCE_MAX)
                touched.accounts.add((PROGRAMME, currency, EXPIRED))


def heir_of(member: str, places: list[tuple[str, Place]]) -> str:
    """Who owns a group after a member; empty when nobody is left in it.

    >>> from datetime import UTC, datetime
    >>> def place(role: int, day: int, state: int = IN) -> Place:
    ...     return Place("g", "household", role, state, {}, datetime(2026, 3, day, tzinfo=UTC))
    >>> ann, bob, cem = ("ann", place(OWNER, 1)), ("bob", place(3, 2)), ("cem", place(MANAGER, 3))
    >>> heir_of("ann", [ann, bob, cem]), heir_of("ann", [ann, bob]), heir_of("ann", [ann])
    ('cem', 'bob', '')
    """
    left = [
        (place.role != MANAGER, place.joined_at, name)
        for name, place in places
        if name != member and place.state == IN and place.joined_at is not None
    ]
    return min(left)[2] if left else ""


def check(book: Book, member: str) -> list[Inheritance]:
    """Which groups the member leaves, and to whom. Raises Aborted when what was found has changed since."""
    changed = Aborted(f"The groups of member {member!r} changed meanwhile; try again.")
    places = book.row(PLACES, member)
    found = []
    for place in places.by_group.values() if places is not None else ():
        if place.state == LEFT:
            continue
        group = book.row(GROUPS, place.group)
        if group is None:
            raise changed
        if place.role != OWNER:
            found.append(Inheritance(group, group.owner, []))
            continue
        others = [
            (row.member, row.by_group[group.group])
            for row in sorted(book.rows(PLACES), key=lambda row: row.member)
            if row.member != member and group.group in row.by_group and row.by_group[group.group].state != LEFT
        ]
        heir = heir_of(member, others)
        wallets = ((wallet_of(group.group), currency, AVAILABLE) for currency in book.rules.currencies)
        if not heir and (len(others) + 1 != group.size or any(key not in book.accounts for key in wallets)):
            raise changed
        found.append(Inheritance(group, heir, [name for name, _ in others]))
    return found


def leave(book: Book, member: str, inheritances: list[Inheritance]) -> None:
    """Takes the member out of the groups, and tells the others what that changes for them."""
    for inherited in inheritances:
        group, heir = inherited.group, inherited.heir
        place = place_of(book, member, group.group)
        assert place is not None  # noqa: S101 - `check` found it
        place.state = LEFT
        put_place(book, member, place)
        group.size -= 1
        if group.owner == member:
            group.name = ""
            if heir:
                _inherit(book, group, heir)
            else:
                _dissolve(book, group, inherited.invited)
        book.put(GROUPS, group.group, group)


def _inherit(book: Book, group: Group, heir: str) -> None:
    group.owner = heir
    place = place_of(book, heir, group.group)
    assert place is not None  # noqa: S101 - `check` found it
    place.role = OWNER
    put_place(book, heir, place)
    tell_change(book, group, heir, OWNER, groups_events_pb2.GROUP_CHANGE_ROLE, "")


def _dissolve(book: Book, group: Group, invited: list[str]) -> None:
    group.state, group.size = DISSOLVED, 0
    for currency in book.rules.currencies:
        wallet = book.wallet(wallet_of(group.group), currency)
        if (amount := wallet.balance) > 0:
            book.move(
                wallet,
                book.accounts[PROGRAMME, currency, EXPIRED],
                amount,
                key=f"erase:{wallet.id}",
                kind=points_pb2.ENTRY_KIND_EXPIRE,
                reference="",
                occurred_at=book.now,
            )
            book.tell_group(wallet, -amount, points_pb2.ENTRY_KIND_EXPIRE, "", book.now)
    for name in invited:
        place = place_of(book, name, group.group)
        assert place is not None  # noqa: S101 - `check` found it
        place.state = LEFT
        put_place(book, name, place)
        tell_change(book, group, name, place.role, groups_events_pb2.GROUP_CHANGE_DISSOLVED, "")
