"""Whoever asks may die at any of its statements."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from chassis.database import Database


class Mortal(Database):
    """A database whose user dies at one of its statements."""

    def __init__(self, url: str, dies_at: int) -> None:
        super().__init__(url)
        self.left, self.steps = dies_at, 0
        self.dead = asyncio.Event()

    def step(self) -> None:
        self.left -= 1
        self.steps += 1
        if self.left == 0:
            self.dead.set()
            raise asyncio.CancelledError

    @asynccontextmanager
    async def transaction(self, brand: str, *, read_only: bool = False) -> AsyncIterator[Any]:
        async with super().transaction(brand, read_only=read_only) as connection:
            yield _Mortal(connection, self.step)
            self.step()  # before the commit
        self.step()  # after it


class _Mortal:
    def __init__(self, connection: asyncpg.Connection, step: Callable[[], None]) -> None:
        self._connection, self._step = connection, step

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._connection, name)

        async def counted(*arguments: Any, **options: Any) -> Any:
            self._step()
            return await found(*arguments, **options)

        return counted if name in ("execute", "fetch", "fetchrow", "fetchval") else found


async def died(database: Mortal, asking: Coroutine[Any, Any, Any]) -> bool:
    """Asks over the database, and closes it; whether the one who was asked died of it."""
    answer = asyncio.create_task(asking)
    death = asyncio.create_task(database.dead.wait())
    try:
        await asyncio.wait({answer, death}, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            return True
        await answer
        return False
    finally:
        answer.cancel()
        death.cancel()
        await database.close()
