"""A member who is erased is taken out of everything that was told of them, and nothing is told twice for it.

An alias takes the member's place where something has to stay: in the outbox,
whose rows keep their ids and types, so that what was published and what was
claimed still agree. It is in the member's partition, for the same reason, and
no caller's id looks like it. What the relay or a reconciler publishes of an
alias has no effect anywhere.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from chassis import outbox
from chassis.database import EVERY_BRAND, Database
from chassis.events import NewEvent, partition
from chassis.logging import logger
from chassis.loops import Beat

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
_DROP_DEAD_LETTERS = "DELETE FROM dead_letters WHERE brand = $1 AND member = $2"
_NOTE = """
    INSERT INTO erasing (brand, erasure, member, alias, settled) VALUES ($1, $2, $3, $4, false)
    ON CONFLICT DO NOTHING"""
_MEMBERS = "SELECT member FROM erasing WHERE brand = $1"
_SETTLE = "UPDATE erasing SET settled = true WHERE brand = $1 AND erasure = $2 RETURNING brand, erasure, member, alias"
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


async def scrub(database: Database, erasing: Erasing, beat: Beat, *, keep: Sequence[str] = ()) -> None:
    """Takes the member out of the outbox, but for events of the types `keep`, and out of the dead letters."""
    async with database.reading(EVERY_BRAND) as connection:
        bounds: Any = await connection.fetchrow(_BOUNDS)
    for first in range(bounds["first"], bounds["last"] + 1, STRIDE):
        beat()
        async with database.transaction(EVERY_BRAND) as connection:
            await connection.execute(
                _SCRUB, erasing.brand, erasing.member, erasing.alias, first, first + STRIDE, list(keep)
            )
    async with database.transaction(EVERY_BRAND) as connection:
        await connection.execute(_DROP_DEAD_LETTERS, erasing.brand, erasing.member)


class Eraser:
    """Finishes a service's settled erasures; `last_word` is the event that says so."""

    def __init__(self, database: Database, last_word: Callable[[Erasing], NewEvent], wake: Callable[[], None]) -> None:
        self._database, self._last_word, self._wake = database, last_word, wake

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
        self._wake()
        _log.info("member erased", brand=erasing.brand, erasure=erasing.erasure)
