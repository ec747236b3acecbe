"""What the books of services that follow the programme share: taking versions over, and erasing members."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

import asyncpg

from chassis import book
from chassis.configuration import Configurations
from chassis.events import NewEvent
from laurels.programme.v1.events_pb2 import ProgrammeApplied
from services.erasure import Erase, Erasures, Settle
from services.programme import adopt


class Book(book.Book):
    """A unit of the write path of a service that hears of the programme and of erasures from points.

    `service` names it; `erase(connection, brand, member, alias)` deletes what
    it has of a member.
    """

    service: ClassVar[str]

    def __init__(
        self,
        brand: str,
        now: datetime,
        configurations: Configurations[Any],
        operations: Mapping[type, book.Operation],
        erase: Callable[[asyncpg.Connection, str, str, str], Awaitable[None]],
    ) -> None:
        super().__init__(brand, now, configurations, operations)
        self.adopted: dict[int, NewEvent] = {}
        self.erasures = Erasures(self.service, brand)
        self._erase = erase

    async def load(self, connection: asyncpg.Connection, requests: Sequence[Any]) -> None:
        await self.erasures.load(connection, requests)
        # Versions first: events of the same batch may be decided under them.
        for request in requests:
            if isinstance(request, ProgrammeApplied):
                await self.adopt(connection, request)
        await super().load(connection, requests)

    async def adopt(self, connection: asyncpg.Connection, applied: ProgrammeApplied) -> None:
        """Keeps a version."""
        self.adopted[applied.version] = await adopt(connection, self.service, self.brand, applied)

    async def save(self, connection: asyncpg.Connection) -> None:
        await super().save(connection)
        self.events = await self.erasures.save(connection, self.events, self._erase)


class Adopt(book.Operation):
    """Says that a version was taken over."""

    requests = (ProgrammeApplied,)

    def version(self, request: ProgrammeApplied) -> None:
        return None

    def decide(self, book: Book, rules: None, request: ProgrammeApplied) -> None:
        book.events.append(book.adopted[request.version])


class Forget(book.Operation):
    """Erases members."""

    requests = (Erase, Settle)

    def version(self, request: Erase | Settle) -> None:
        return None

    def decide(self, book: Book, rules: None, request: Erase | Settle) -> None:
        book.erasures.decide(request)


class Together(book.Operation):
    """An event to which several topics react, one after another; none of them refuses it.

    It is decided under the version that the event names.
    """

    def __init__(self, request: type, *parts: book.Operation) -> None:
        self.requests = (request,)  # type: ignore[misc]
        self._parts = parts

    def version(self, request: Any) -> int:
        version: int = request.programme_version
        return version

    async def find(self, connection: asyncpg.Connection, book: Any, rules: Any, requests: Sequence[Any]) -> list[Any]:
        return [await part.find(connection, book, rules, requests) for part in self._parts]

    def touch(self, request: Any, found: list[Any], rules: Any, touched: book.Touched) -> None:
        for part, of_part in zip(self._parts, found, strict=True):
            part.touch(request, of_part, rules, touched)

    def decide(self, book: Any, rules: Any, request: Any) -> None:
        for part in self._parts:
            part.decide(book, rules, request)
