"""Every statement runs inside one brand, or fails.

A transaction names its brand to PostgreSQL, whose row-level security then
shows and takes that brand's rows only. Loops that serve all brands use
`EVERY_BRAND`, which the policies of the chassis' own tables allow; it is not a
possible brand id.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

EVERY_BRAND = "*"

# reliability.md: a statement that waits longer than this is part of a problem.
SESSION = {
    "lock_timeout": "2s",
    "statement_timeout": "5s",
    "idle_in_transaction_session_timeout": "10s",
    "synchronous_commit": "on",
    "timezone": "UTC",
    "jit": "off",
    # Every statement of a service looks rows up by key. On a table that grew
    # since it was last analysed the planner would rather scan it for each
    # batch, and cost would follow the table's size: measured at four times the
    # database's CPU after 30,000 activities.
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}

TRANSIENT: tuple[type[BaseException], ...] = (
    asyncpg.PostgresConnectionError,
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.LockNotAvailableError,
    asyncpg.QueryCanceledError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.InterfaceError,
    asyncpg.UniqueViolationError,
    DBAPIError,
    PoolTimeout,
    OSError,
)
"""What may go away by itself: lost connections, lock trouble, a key that another transaction took first."""


def engine_url(url: str) -> Any:
    """A postgresql:// address as SQLAlchemy's asyncpg dialect takes it."""
    return make_url(url).set(drivername="postgresql+asyncpg")


class Database:
    """A pool of connections to one service's database."""

    def __init__(self, url: str, *, pool_size: int = 8) -> None:
        self.url = url
        self.engine: AsyncEngine = create_async_engine(
            engine_url(url),
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=5,
            pool_pre_ping=True,
            connect_args={"server_settings": SESSION, "timeout": 5},
        )

    @asynccontextmanager
    async def transaction(self, brand: str, *, read_only: bool = False) -> AsyncIterator[asyncpg.Connection]:
        """One transaction of the brand, on asyncpg's own connection."""
        async with self.engine.connect() as pooled:
            connection: Any = (await pooled.get_raw_connection()).driver_connection
            async with connection.transaction(readonly=read_only):
                await connection.execute("SELECT set_config('laurels.brand', $1, true)", brand)
                yield connection

    def reading(self, brand: str) -> Any:
        """A read-only transaction of the brand."""
        return self.transaction(brand, read_only=True)

    async def ping(self) -> None:
        """Raises when the database does not answer."""
        async with self.engine.connect() as pooled:
            connection: Any = (await pooled.get_raw_connection()).driver_connection
            await connection.execute("SELECT 1")

    async def close(self) -> None:
        await self.engine.dispose()
