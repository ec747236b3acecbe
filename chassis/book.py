"""A unit of the write path that is made of operations: what each kind of request touches and decides.

A transaction first asks every request what it touches, locks and reads that in
the order of its kinds, and then decides the requests one after another on the
state that the ones before left. A refused request leaves the state untouched:
every check comes before the first change.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import asyncpg

from chassis.configuration import Configurations
from chassis.errors import NotFound
from chassis.events import NewEvent
from chassis.write_path import NotYet

Key = TypeVar("Key")
Row = TypeVar("Row")

NEWEST = 0
"""In place of a version: the newest one that the service has."""


@dataclass(frozen=True, eq=False)
class Kind(Generic[Key, Row]):
    """A kind of rows that a transaction locks, changes and saves.

    `lock(connection, brand, keys)` returns those that exist, locked in key
    order; `save` writes new and changed ones, which it gets in key order.
    Kinds are locked in the order of `rank`, which no two of a service share.
    """

    name: str
    rank: int
    lock: Callable[[asyncpg.Connection, str, list[Key]], Awaitable[dict[Key, Row]]]
    save: Callable[[asyncpg.Connection, str, list[Row]], Awaitable[None]]


@dataclass(slots=True)
class Touched:
    """What the requests of a transaction touch, gathered before anything is locked.

    `follow` are requests that a request causes, asked what they touch in turn;
    `now` is the transaction's moment.
    """

    now: datetime
    rows: dict[Kind[Any, Any], set[Any]] = field(default_factory=dict)
    follow: list[Any] = field(default_factory=list)

    def row(self, kind: Kind[Key, Any], key: Key) -> None:
        self.rows.setdefault(kind, set()).add(key)


class Operation:
    """One kind of request: what it touches and what it decides."""

    requests: ClassVar[tuple[type, ...]]

    def version(self, request: Any) -> int | None:
        """The version of the configuration that the request is decided under; None when it needs none."""
        return NEWEST

    async def find(self, connection: asyncpg.Connection, book: Any, rules: Any, requests: Sequence[Any]) -> Any:
        """Reads, without locking, what never changes and says what else is touched."""

    def touch(self, request: Any, found: Any, rules: Any, touched: Touched) -> None:
        """Adds what the request touches; `found` is what `find` returned."""

    def decide(self, book: Any, rules: Any, request: Any) -> Any:
        """The answer. When it raises a DomainError it has changed nothing."""
        raise NotImplementedError


class Rows:
    """What one transaction of one brand locked and changes, and what it tells of it."""

    def __init__(self, brand: str) -> None:
        self.events: list[NewEvent] = []
        self.brand = brand
        self._rows: dict[Kind[Any, Any], dict[Any, Any]] = {}
        self._changed: dict[Kind[Any, Any], dict[Any, Any]] = {}
        self._adds: dict[Callable[..., Awaitable[Any]], list[Any]] = {}

    async def lock(self, connection: asyncpg.Connection, wanted: Mapping[Kind[Any, Any], Collection[Any]]) -> None:
        """Locks and reads rows, kind by kind in the order of their ranks."""
        for kind in sorted(wanted, key=lambda kind: kind.rank):
            if wanted[kind]:
                self._rows[kind] = await kind.lock(connection, self.brand, sorted(wanted[kind]))

    def rows(self, kind: Kind[Any, Row]) -> list[Row]:
        """All rows of a kind that were touched or made."""
        return list(self._rows.get(kind, {}).values())

    def row(self, kind: Kind[Key, Row], key: Key) -> Row | None:
        """A row that was touched or made, or None when there is none."""
        return self._rows.get(kind, {}).get(key)

    def put(self, kind: Kind[Key, Row], key: Key, row: Row) -> None:
        """A new or changed row, to be saved."""
        self._rows.setdefault(kind, {})[key] = row
        self._changed.setdefault(kind, {})[key] = row

    def add(self, save: Callable[[asyncpg.Connection, str, list[Any]], Awaitable[Any]], row: Any) -> None:
        """A row to append, by the statement that appends such rows."""
        self._adds.setdefault(save, []).append(row)

    def tell(self, member: str, message: Any) -> None:
        """An event about a member, or about none (`NO_MEMBER`)."""
        self.events.append(NewEvent(member, message))

    async def save(self, connection: asyncpg.Connection) -> None:
        for kind in sorted(self._changed, key=lambda kind: kind.rank):
            changed = self._changed[kind]
            await kind.save(connection, self.brand, [changed[key] for key in sorted(changed)])
        for save, rows in self._adds.items():
            await save(connection, self.brand, rows)


class Book(Rows):
    """What the requests of one transaction of one brand read and change.

    `rules` by version are there while requests are touched and decided; those
    of a version that has not arrived are refused with NotYet, those of a brand
    without any with NotFound (`unknown_brand`).
    """

    def __init__(
        self,
        brand: str,
        now: datetime,
        configurations: Configurations[Any],
        operations: Mapping[type, Operation],
    ) -> None:
        super().__init__(brand)
        self.now = now
        self._configurations, self._operations = configurations, operations
        self._rules: dict[int, Any] = {}
        self.newest = NEWEST
        """The number of the newest version, once a request asked for it."""

    # -- loading ------------------------------------------------------------

    async def load(self, connection: asyncpg.Connection, requests: Sequence[Any]) -> None:
        touched = Touched(self.now)
        while requests:
            groups: dict[tuple[Operation, int | None], list[Any]] = {}
            for request in requests:
                operation = self.operation(request)
                groups.setdefault((operation, operation.version(request)), []).append(request)
            for (operation, version), of_kind in groups.items():
                rules = await self._load_rules(connection, version)
                if isinstance(rules, NotYet | NotFound):
                    continue  # each is refused for it, the others are not held up
                found = await operation.find(connection, self, rules, of_kind)
                for request in of_kind:
                    operation.touch(request, found, rules, touched)
            requests, touched.follow = touched.follow, []
        await self.lock(connection, touched.rows)

    async def _load_rules(self, connection: asyncpg.Connection, version: int | None) -> Any:
        if version is None:
            return None
        if version not in self._rules:
            try:
                if version == NEWEST:
                    self.newest, self._rules[version] = await self._configurations.newest(connection, self.brand)
                else:
                    self._rules[version] = await self._configurations.at(connection, self.brand, version)
            except (NotYet, NotFound) as missing:
                self._rules[version] = missing
        return self._rules[version]

    # -- deciding -----------------------------------------------------------

    def operation(self, request: Any) -> Operation:
        found = self._operations.get(type(request))
        if found is None:
            raise TypeError(f"not a request of this service: {type(request).__name__}")
        return found

    def decide(self, request: Any) -> Any:
        operation = self.operation(request)
        version = operation.version(request)
        return operation.decide(self, None if version is None else self.rules(version), request)

    def rules(self, version: int = NEWEST) -> Any:
        """The configuration of a version that a request of this transaction names. Raises NotYet, NotFound."""
        found = self._rules[version]
        if isinstance(found, NotYet | NotFound):
            raise type(found)(found.detail, code=found.reason)
        return found


class _Deciding(Protocol):
    requests: ClassVar[tuple[type, ...]]


Deciding = TypeVar("Deciding", bound=_Deciding)


def registry(operations: Iterable[Deciding]) -> dict[type, Deciding]:
    """Operations by the requests that they decide."""
    return {request: operation for operation in operations for request in operation.requests}
