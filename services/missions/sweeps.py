"""What is due is done, for one brand at a time.

A tick only says "look"; the data says what is due by a moment, so a late or
lost tick loses nothing. Each thing is a request, looked at again under its
lock. Only one replica sweeps.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import asyncpg

from chassis.database import EVERY_BRAND, Database
from chassis.leadership import exclusively
from chassis.loops import Beat, beating
from chassis.write_path import WritePath
from services.missions import participation

EVERY_S = 1.0
AT_ONCE = 200
"""So many due things a transaction, so that callers do not wait for it."""

BRANDS_AT_ONCE = 4
"""So many brands are looked at together: fewer than there are connections."""

Due = Callable[[asyncpg.Connection, str, datetime, int], Awaitable[Any]]
"""The request that does what is due in a brand by a moment, at most so much of it; None when nothing is.

Its answer is how many things were done: 0 when what is due cannot be done, and is not to be tried for ever.
"""

DUES: tuple[Due, ...] = (participation.due,)
"""What is looked for, topic by topic."""

_BRANDS = "SELECT DISTINCT brand FROM configurations"


class Sweeps:
    """Does what is due."""

    def __init__(self, database: Database, write_path: WritePath, dues: Sequence[Due] = DUES) -> None:
        self._database, self._write_path, self._dues = database, write_path, dues

    async def run(self, beat: Beat) -> None:
        """Looks every second, for ever, in the one replica that holds the lock."""
        async with exclusively(self._database.url, "missions:sweeps", beat), beating(beat):
            while True:
                now = datetime.now(UTC)
                async with self._database.reading(EVERY_BRAND) as connection:
                    brands = [row["brand"] for row in await connection.fetch(_BRANDS)]
                for place in range(0, len(brands), BRANDS_AT_ONCE):
                    some = brands[place : place + BRANDS_AT_ONCE]
                    await asyncio.gather(*(self.run_until(brand, now) for brand in some))
                await asyncio.sleep(EVERY_S)

    async def run_until(self, brand: str, until: datetime) -> int:
        """Does everything of a brand that is due by a moment; how many things that were."""
        done, dues = 0, list(self._dues)
        while dues:
            # In one transaction: of most brands nothing is due.
            async with self._database.reading(brand) as connection:
                found = [(due, await due(connection, brand, until, AT_ONCE)) for due in dues]
            dues = []
            for due, request in found:
                if request is None:
                    continue
                if count := await self._write_path.submit(brand, request, weight=AT_ONCE):
                    done += count
                    dues.append(due)
        return done
