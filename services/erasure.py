"""Every service erases a member when it has heard the last word on them, and says so as its own last word.

Points speaks first. A service erases when it hears MemberErased, and again
when another service that it listens to gives its receipt, since each of them
may have told more meanwhile. Its receipts are behind everything that it told
of the member; after the first one it tells nothing more of them. It answers
receipts that were given after points' last word only: two services that listen
to each other would answer each other for ever. When all receipts are there, ErasureSettled makes it erase once
more, for what callers asked in between, and take the id out of its events.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from chassis import erasure
from chassis.erasure import Erasing
from chassis.errors import FailedPrecondition
from chassis.events import NO_MEMBER, Event, NewEvent
from laurels.erasure.v1.events_pb2 import ErasureReceipt, ErasureSettled, MemberErased
from services.fingerprints import Fingerprints


class MemberWasErased(FailedPrecondition):
    """The id is of somebody who asked to be erased."""

    code = "member_erased"

    def __init__(self, member: str) -> None:
        super().__init__(f"Member {member!r} was erased and does not come back under this id.")

FIRST = "points"
"""The service that erases first."""


@dataclass(frozen=True, slots=True)
class Erase:
    """A member to erase, now that the last word of `after` was heard; `answers` says whether that gets a receipt."""

    member: str
    alias: str
    erasure: str
    after: str
    answers: bool = True


@dataclass(frozen=True, slots=True)
class Settle:
    """An erasure of which every service has given its receipts."""

    erasure: str


def request_of(event: Event) -> Erase | Settle | None:
    """The request that an event of another service is, or None when it asks for nothing."""
    match event.message:
        case MemberErased() as erased:
            return Erase(erased.member, erased.alias, erased.erasure, event.source)
        case ErasureReceipt() as receipt if receipt.after:
            return Erase(event.member, receipt.alias, receipt.erasure, event.source, receipt.after == FIRST)
        case ErasureSettled() as settled:
            return Settle(settled.erasure)
    return None


def remembered_by(prints: Fingerprints) -> Callable[[Erasing], str]:
    """The mark that a service keeps of whom it erased, so that nothing is made under the id again."""
    return lambda erasing: prints.of(erasing.brand, erasing.member).hex()


async def erased(connection: asyncpg.Connection, brand: str, members: Iterable[str], prints: Fingerprints) -> set[str]:
    """Those of the members who were erased here, or are being erased."""
    marks = {prints.of(brand, member).hex(): member for member in members}
    found = await erasure.known(connection, brand, [*marks, *marks.values()])
    return {marks.get(mark, mark) for mark in found}


def last_word(service: str) -> Callable[[Erasing], NewEvent]:
    """A service's last receipt; it names no member."""

    def told(erasing: Erasing) -> NewEvent:
        return NewEvent(NO_MEMBER, ErasureReceipt(erasure=erasing.erasure, service=service, alias=erasing.alias))

    return told


class Erasures:
    """What one transaction of a service erases."""

    def __init__(self, service: str, brand: str) -> None:
        self._service, self._brand = service, brand
        self._settled: list[Erasing] = []
        self._asked: list[Erase] = []

    async def load(self, connection: asyncpg.Connection, requests: Sequence[Any]) -> None:
        for request in requests:
            if isinstance(request, Settle):
                found = await erasure.settle(connection, self._brand, request.erasure)
                self._settled += [found] if found is not None else []

    def decide(self, request: Erase | Settle) -> None:
        if isinstance(request, Erase):
            self._asked.append(request)

    async def save(
        self,
        connection: asyncpg.Connection,
        events: Sequence[NewEvent],
        erase: Callable[[asyncpg.Connection, str, str, str], Awaitable[None]],
    ) -> list[NewEvent]:
        """Erases after all else was saved, by `erase(connection, brand, member, alias)`; the events to tell."""
        # Noted by those that are answered: what comes after the end is of somebody whom nobody knows any more.
        for asked in self._asked:
            if asked.answers:
                await erasure.note(connection, self._brand, asked.erasure, asked.member, asked.alias)
        members = {asked.member: asked.alias for asked in self._asked}
        members |= {found.member: found.alias for found in self._settled}
        for member in sorted(members):
            await erase(connection, self._brand, member, members[member])
        silent = members.keys() | (await erasure.members(connection, self._brand) if events else set())
        if not silent:
            return list(events)
        return [event for event in events if event.member not in silent] + [
            NewEvent(
                asked.member,
                ErasureReceipt(erasure=asked.erasure, service=self._service, after=asked.after, alias=asked.alias),
            )
            for asked in self._asked
            if asked.answers
        ]
