"""A member who is erased is taken out of everything that was told of them, and nothing is told twice for it.

An alias takes the member's place where something has to stay: in the outbox,
whose rows keep their ids and types, so that what was published and what was
claimed still agree. It is in the member's partition, for the same reason, and
no caller's id looks like it. What the relay or a reconciler publishes of an
alias has no effect anywhere.

Events about others that name the member keep their effect: the alias takes the
id's place in them, and what the member wrote goes (`fields.proto` says where
that is). The alias leads to them afterwards, so that their messages can be
taken off the streams.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from chassis import outbox
from chassis.database import EVERY_BRAND, Database
from chassis.events import NewEvent, message_class, partition
from chassis.logging import logger
from chassis.loops import Beat
from laurels.access.v1 import fields_pb2

MARK = "!"
"""What an alias begins with; no member's id does."""
STRIDE = 20_000
"""So many ids of the outbox are looked through at once: there is no index by member, which would cost every event."""
EVERY_S = 0.5
_log = logger("erasure")

_BOUNDS = "SELECT coalesce(min(id), 0) AS first, coalesce(max(id), 0) AS last FROM outbox"
_SCRUB = """
    UPDATE outbox SET member = $3, payload = '', traceparent = ''
    WHERE id >= $4 AND id < $5 AND brand = $1 AND member = $2 AND type <> ALL($6::text[])"""
# Wherever the id stands within a payload; only decoding tells whether it is an id of its own there.
_NAMING = """
    SELECT id, type, member, payload FROM outbox
    WHERE id >= $4 AND id < $5 AND brand = $1 AND member <> $2 AND position($3::bytea IN payload) > 0"""
_REWRITE = """
    UPDATE outbox SET payload = new.payload FROM unnest($1::bigint[], $2::bytea[]) AS new (id, payload)
    WHERE outbox.id = new.id"""
_NAMING_DEAD_LETTERS = """
    SELECT source, id, brand, member, type, payload, reason, parked_at FROM dead_letters
    WHERE brand = $1 AND member <> $2 AND position($3::bytea IN payload) > 0"""
_DROP_DEAD_LETTER = "DELETE FROM dead_letters WHERE source = $1 AND id = $2"
_ADD_DEAD_LETTER = """
    INSERT INTO dead_letters (source, id, brand, member, type, payload, reason, parked_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"""
_DROP_DEAD_LETTERS = "DELETE FROM dead_letters WHERE brand = $1 AND member = $2"
_NOTE = """
    INSERT INTO erasing (brand, erasure, member, alias, settled) VALUES ($1, $2, $3, $4, false)
    ON CONFLICT DO NOTHING"""
# What is remembered of a member who was erased has no alias.
_SETTLE = """
    UPDATE erasing SET settled = true WHERE brand = $1 AND erasure = $2 AND alias <> ''
    RETURNING brand, erasure, member, alias"""
_REMEMBER = "INSERT INTO erasing (brand, erasure, member, alias, settled) VALUES ($1, $2, $3, '', false)"
_KNOWN = "SELECT member FROM erasing WHERE brand = $1 AND member = ANY($2::text[])"
_MEMBERS = "SELECT member FROM erasing WHERE brand = $1"
_SETTLED = "SELECT brand, erasure, member, alias FROM erasing WHERE settled"
_END = "DELETE FROM erasing WHERE brand = $1 AND erasure = $2 RETURNING erasure"


@dataclass(frozen=True, slots=True)
class Erasing:
    """An erasure that this service has not finished."""

    brand: str
    erasure: str
    member: str
    alias: str


def is_alias(member: str) -> bool:
    """Whether a member's place is taken by an alias."""
    return member.startswith(MARK)


def alias_of(member: str, draw: Callable[[], str]) -> str:
    """An alias in the member's partition, from what `draw` gives: another text each time.

    >>> from itertools import count
    >>> from chassis.events import partition
    >>> numbers = count()
    >>> alias = alias_of("ann", lambda: str(next(numbers)))
    >>> is_alias(alias), partition(alias) == partition("ann")
    (True, True)
    """
    while True:
        alias = MARK + draw()
        if partition(alias) == partition(member):
            return alias


async def note(connection: asyncpg.Connection, brand: str, erasure: str, member: str, alias: str) -> None:
    """Remembers whom an erasure is of until it ends."""
    await connection.execute(_NOTE, brand, erasure, member, alias)


async def members(connection: asyncpg.Connection, brand: str) -> set[str]:
    """Whose erasure has not ended."""
    return {row["member"] for row in await connection.fetch(_MEMBERS, brand)}


async def settle(connection: asyncpg.Connection, brand: str, erasure: str) -> Erasing | None:
    """Says that nothing new of the member will come; None when the erasure ended before."""
    row = await connection.fetchrow(_SETTLE, brand, erasure)
    return Erasing(**row) if row is not None else None


async def end(connection: asyncpg.Connection, brand: str, erasure: str) -> bool:
    """Forgets whom an erasure was of; whether it was still known."""
    return await connection.fetchval(_END, brand, erasure) is not None


async def known(connection: asyncpg.Connection, brand: str, members: Sequence[str]) -> list[str]:
    """Those of the members, or marks, of whom there is or was an erasure."""
    return [row["member"] for row in await connection.fetch(_KNOWN, brand, members)]


def rename(message: Message, member: str, alias: str) -> bool:
    """Puts an alias where an event names a member as another, and empties what is of them; whether it did."""
    found = False
    for field, value in message.ListFields():
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            for item in value if field.is_repeated else [value]:
                # An item of a map is a key; no map of an event has messages that name members.
                if isinstance(item, Message):
                    found |= rename(item, member, alias)
        elif _is(field, fields_pb2.other_member) and value == member:
            setattr(message, field.name, alias)
            for other in message.DESCRIPTOR.fields:
                if _is(other, fields_pb2.of_other_member):
                    message.ClearField(other.name)
            found = True
    return found


def _is(field: Any, option: Any) -> bool:
    return bool(field.GetOptions().Extensions[option])


def _renamed(row: Any, member: str, alias: str) -> bytes | None:
    """The payload of a row without the member; None when it does not name them."""
    message = message_class(row["type"]).FromString(row["payload"])
    payload: bytes | None = message.SerializeToString() if rename(message, member, alias) else None
    return payload


async def scrub(database: Database, erasing: Erasing, beat: Beat, *, keep: Sequence[str] = ()) -> None:
    """Takes the member out of the outbox, but for events of the types `keep`, and out of the dead letters."""
    brand, member, alias = erasing.brand, erasing.member, erasing.alias
    for first in await _strides(database):
        beat()
        async with database.transaction(EVERY_BRAND) as connection:
            await connection.execute(_SCRUB, brand, member, alias, first, first + STRIDE, list(keep))
            naming = await connection.fetch(_NAMING, brand, member, member.encode(), first, first + STRIDE)
            changed = {row["id"]: payload for row in naming if (payload := _renamed(row, member, alias)) is not None}
            if changed:
                await connection.execute(_REWRITE, list(changed), list(changed.values()))
    async with database.transaction(EVERY_BRAND) as connection:
        await connection.execute(_DROP_DEAD_LETTERS, brand, member)
        for row in await connection.fetch(_NAMING_DEAD_LETTERS, brand, member, member.encode()):
            if (payload := _renamed(row, member, alias)) is not None:
                await connection.execute(_DROP_DEAD_LETTER, row["source"], row["id"])
                await connection.execute(_ADD_DEAD_LETTER, *(dict(row) | {"payload": payload}).values())


async def naming(database: Database, erasing: Erasing, beat: Beat) -> set[tuple[str, str]]:
    """The types of events about others that named an erased member, with whom they are about."""
    found: set[tuple[str, str]] = set()
    brand, alias = erasing.brand, erasing.alias
    for first in await _strides(database):
        beat()
        async with database.reading(EVERY_BRAND) as connection:
            rows = await connection.fetch(_NAMING, brand, alias, alias.encode(), first, first + STRIDE)
        found |= {(row["type"], row["member"]) for row in rows}
    return found


async def _strides(database: Database) -> range:
    """Where to begin looking through the outbox, page by page."""
    async with database.reading(EVERY_BRAND) as connection:
        bounds: Any = await connection.fetchrow(_BOUNDS)
    return range(bounds["first"], bounds["last"] + 1, STRIDE)


class Eraser:
    """Finishes a service's settled erasures; `last_word` is the event that says so.

    `mark` gives what a service remembers of the member, by which nobody can
    tell who it was; without it nothing is remembered.
    """

    def __init__(
        self,
        database: Database,
        last_word: Callable[[Erasing], NewEvent],
        wake: Callable[[], None],
        mark: Callable[[Erasing], str] | None = None,
    ) -> None:
        self._database, self._last_word, self._wake, self._mark = database, last_word, wake, mark

    async def run(self, beat: Beat) -> None:
        """Looks for ever."""
        while True:
            beat()
            async with self._database.reading(EVERY_BRAND) as connection:
                settled = [Erasing(**row) for row in await connection.fetch(_SETTLED)]
            for erasing in settled:
                await self._finish(erasing, beat)
            await asyncio.sleep(EVERY_S)

    async def _finish(self, erasing: Erasing, beat: Beat) -> None:
        await scrub(self._database, erasing, beat)
        async with self._database.transaction(erasing.brand) as connection:
            if await end(connection, erasing.brand, erasing.erasure):
                await outbox.append(connection, erasing.brand, [self._last_word(erasing)])
                if self._mark is not None:
                    await connection.execute(_REMEMBER, erasing.brand, erasing.erasure, self._mark(erasing))
        self._wake()
        _log.info("member erased", brand=erasing.brand, erasure=erasing.erasure)
