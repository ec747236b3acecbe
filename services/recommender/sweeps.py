"""What is due is done: decisions whose time is over, and versions of what slots learnt.

A tick only says "look"; the data says what is due by a moment, so a late or
lost tick loses nothing. Each thing is looked at again under its lock.
"""

import asyncio
from datetime import UTC, datetime
from typing import Any

from chassis.database import EVERY_BRAND, Database
from chassis.leadership import exclusively
from chassis.loops import Beat, beating
from chassis.write_path import WritePath
from services.recommender.outcomes import DueDecisions
from services.recommender.store import decisions, models
from services.recommender.versions import KEEP_EVERY, KeepVersions

EVERY_S = 1.0
AT_ONCE = 200
"""So many due decisions a transaction, so that callers do not wait for it."""
SLOTS_AT_ONCE = 5
_BRANDS = "SELECT DISTINCT brand FROM configurations"


class Sweeps:
    """Does what is due."""

    def __init__(self, database: Database, write_path: WritePath, *, keep_every: int = KEEP_EVERY) -> None:
        self._database, self._write_path, self._keep_every = database, write_path, keep_every

    async def run(self, beat: Beat) -> None:
        """Looks every second, for ever, in the one replica that holds the lock."""
        async with exclusively(self._database.url, "recommender:sweeps", beat), beating(beat):
            while True:
                now = datetime.now(UTC)
                async with self._database.reading(EVERY_BRAND) as connection:
                    brands = [row["brand"] for row in await connection.fetch(_BRANDS)]
                for brand in brands:
                    await self.run_until(brand, now)
                await asyncio.sleep(EVERY_S)

    async def run_until(self, brand: str, until: datetime) -> int:
        """Does everything of a brand that is due by a moment; how many things that were."""
        done = 0
        while requests := await self._due(brand, until):
            counts = [await self._write_path.submit(brand, request, weight=AT_ONCE) for request in requests]
            done += sum(counts)
            # What is due and cannot be done is not tried for ever.
            if not any(counts):
                break
        return done

    async def _due(self, brand: str, until: datetime) -> list[Any]:
        async with self._database.reading(brand) as connection:
            due = await decisions.due(connection, brand, until, AT_ONCE)
            behind = await models.behind(connection, brand, self._keep_every, SLOTS_AT_ONCE)
        return [*([DueDecisions(due, until)] if due else []), *([KeepVersions(behind)] if behind else [])]
