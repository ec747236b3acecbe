"""Every statement runs inside one brand, or fails.

A transaction names its brand to PostgreSQL, whose row-level security then
shows and takes that brand's rows only. Loops that serve all brands use
`EVERY_BRAND`, which the policies of the chassis' own tables allow; it is not a
possible brand id.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import asyncpg

EVERY_BRAND = "*"
IDENTIFIER = re.compile(r"[A-Za-z0-9_-]{1,64}")
CONNECT_TIMEOUT_S, ACQUIRE_TIMEOUT_S, PING_TIMEOUT_S, CLOSE_TIMEOUT_S = 5, 5, 2, 5

# reliability.md: a statement that waits longer than this is part of a problem.
SESSION = {
    "lock_timeout": "2s",
    "statement_timeout": "5s",
    "idle_in_transaction_session_timeout": "10s",
    "synchronous_commit": "on",
    "timezone": "UTC",
    "jit": "off",
    # Every statement of a service looks rows up by key. On a table that grew
    # since it was last analysed the planner might rather scan it for each
    # batch, and cost would follow the table's size.
    "enable_seqscan": "off",
    # A bitmap scan leaves the index entries of dead rows as they are, and reads
    # them again each time: the relay's look at the outbox took milliseconds.
    "enable_bitmapscan": "off",
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
    asyncpg.InternalClientError,
    asyncpg.UniqueViolationError,
    OSError,
)
"""What may go away by itself: lost connections, lock trouble, a key that another transaction took first.

asyncpg tells with an InternalClientError of a connection that was used between
the server's last word and its end.
"""


class Database:
    """A pool of connections to one service's database, made when first used.

    asyncpg's own pool: a checkout from SQLAlchemy's with its ping costs more
    CPU than a whole transaction (measured: 1.1 against 0.4 ms). It hands out
    no connection that it knows to be closed; one that breaks in use makes its
    transaction fail, which the write path repeats.
    """

    def __init__(self, url: str, *, pool_size: int = 8) -> None:
        self.url = url
        self._pool_size = pool_size
        self._pool: asyncpg.Pool | None = None
        self._opening = asyncio.Lock()

    @asynccontextmanager
    async def transaction(self, brand: str, *, read_only: bool = False) -> AsyncIterator[asyncpg.Connection]:
        """One transaction of the brand; cursors may be opened in one that only reads.

        Raises ValueError for what is no brand's id.
        """
        if brand != EVERY_BRAND and not IDENTIFIER.fullmatch(brand):
            raise ValueError(f"not a brand: {brand!r}")
        pool = self._pool or await self._open()
        async with pool.acquire(timeout=ACQUIRE_TIMEOUT_S) as pooled:
            connection: Any = pooled  # a proxy of a Connection
            # The brand as a literal, which has no other characters than an id: so it begins in one round trip.
            begun = f"SET LOCAL laurels.brand = '{brand}'"
            if read_only:
                async with connection.transaction(readonly=True):
                    await connection.execute(begun)
                    yield connection
                return
            try:
                await connection.execute(f"BEGIN; {begun}")
                yield connection
                await connection.execute("COMMIT")
            except BaseException:
                await _roll_back(connection)
                raise

    def reading(self, brand: str) -> AbstractAsyncContextManager[asyncpg.Connection]:
        """A read-only transaction of the brand."""
        return self.transaction(brand, read_only=True)

    def pool_use(self) -> tuple[int, int]:
        """How many connections are open, and how many of them nothing uses."""
        return (self._pool.get_size(), self._pool.get_idle_size()) if self._pool is not None else (0, 0)

    async def ping(self) -> None:
        """Raises when the database does not answer."""
        pool = self._pool or await self._open()
        await pool.execute("SELECT 1", timeout=PING_TIMEOUT_S)

    async def _open(self) -> asyncpg.Pool:
        async with self._opening:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    self.url,
                    min_size=1,
                    max_size=self._pool_size,
                    timeout=CONNECT_TIMEOUT_S,
                    server_settings=SESSION,
                    reset=_nothing_to_reset,
                )
            return self._pool

    async def close(self) -> None:
        """Closes every connection; those in use are waited for, but not for long."""
        if self._pool is None:
            return
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()
        self._pool = None


async def _roll_back(connection: Any) -> None:
    """Ends a transaction without effect, whatever state it is in; a connection that cannot is closed."""
    if connection.is_closed():
        return
    try:
        await connection.execute("ROLLBACK")
    except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError):
        connection.terminate()
    except BaseException:
        connection.terminate()
        raise


async def _nothing_to_reset(_: object) -> None:
    """What a transaction sets is its own and ends with it."""
