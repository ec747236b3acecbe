"""Pools whose time is over are closed: a tick only says "look", the data says which are due."""

import asyncio
from datetime import UTC, datetime

from chassis.database import EVERY_BRAND, Database
from chassis.loops import Beat
from chassis.write_path import WritePath
from services.leaderboard.cards import Close
from services.leaderboard.store import cards as store

EVERY_S = 1.0
AT_ONCE = 200


class PoolCloser:
    """Closes what is due. Each pool is looked at again under its lock and closed at the moment that it was due."""

    def __init__(self, database: Database, write_path: WritePath) -> None:
        self._database, self._write_path = database, write_path

    async def run(self, beat: Beat) -> None:
        """Looks every second, for ever."""
        while True:
            beat()
            await self.run_until(datetime.now(UTC))
            await asyncio.sleep(EVERY_S)

    async def run_until(self, until: datetime) -> int:
        """Closes all that is due by a moment; how many pools that were."""
        done = 0
        while True:
            async with self._database.reading(EVERY_BRAND) as connection:
                due = await store.due_to_close(connection, until, AT_ONCE)
            closed = [
                await self._write_path.submit(brand, Close(pools, until), weight=len(pools))
                for brand, pools in due.items()
            ]
            if not sum(closed):
                return done
            done += sum(closed)
