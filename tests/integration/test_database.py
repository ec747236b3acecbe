"""A transaction is of one brand, and leaves nothing behind on its connection, however it ends."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from chassis.database import EVERY_BRAND, Database
from cli.embedded import Servers

_STATE = "SELECT pg_current_xact_id_if_assigned(), current_setting('laurels.brand', true)"
_OPEN = "SELECT count(*) FROM pg_stat_activity WHERE pid = $1 AND state LIKE 'idle in transaction%'"


@pytest.fixture
async def database(servers: Servers) -> AsyncIterator[Database]:
    """A pool of one connection, so that what one transaction leaves the next one meets."""
    opened = Database(servers.postgres.url("missions"), pool_size=1)
    yield opened
    await opened.close()


@pytest.mark.parametrize("brand", ["", "a b", "x'; RESET ROLE; --", "ä", "a" * 65, "main\n"])
@pytest.mark.parametrize("read_only", [False, True], ids=["writing", "reading"])
async def test_what_is_no_brand_never_reaches_the_database(database: Database, brand: str, read_only: bool) -> None:
    with pytest.raises(ValueError, match="not a brand"):
        async with database.transaction(brand, read_only=read_only):
            pytest.fail("it began")


@pytest.mark.parametrize("brand", ["main", "A-b_9", EVERY_BRAND])
async def test_a_transaction_is_of_its_brand(database: Database, brand: str) -> None:
    for opened in (database.transaction(brand), database.reading(brand)):
        async with opened as connection:
            assert await connection.fetchval("SELECT current_setting('laurels.brand')") == brand


async def test_what_a_transaction_wrote_is_there_once_it_ends_and_not_when_it_fails(database: Database) -> None:
    insert = "INSERT INTO configurations (brand, version, document) VALUES ('kept', $1, '')"
    async with database.transaction("kept") as connection:
        await connection.execute(insert, 1)

    async def fail() -> None:
        async with database.transaction("kept") as connection:
            await connection.execute(insert, 2)
            raise RuntimeError("never mind")

    with pytest.raises(RuntimeError, match="never mind"):
        await fail()
    async with database.reading("kept") as connection:
        assert await connection.fetchval("SELECT array_agg(version) FROM configurations WHERE brand = 'kept'") == [1]


async def test_a_reading_transaction_writes_nothing(database: Database) -> None:
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        async with database.reading("main") as connection:
            await connection.execute("INSERT INTO configurations (brand, version, document) VALUES ('main', 9, '')")


@pytest.mark.parametrize("end", ["refused", "cancelled", "lost"])
async def test_a_connection_is_clean_or_closed_after_a_transaction_that_failed(
    servers: Servers, database: Database, end: str
) -> None:
    begun = asyncio.Event()

    async def fail() -> None:
        async with database.transaction("main") as connection:
            begun.set()
            match end:
                case "refused":
                    await connection.execute("SELECT 1 / 0")
                case "cancelled":
                    await connection.execute("SELECT pg_sleep(4)")
                case "lost":
                    await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    failing = asyncio.create_task(fail())
    await begun.wait()
    if end == "cancelled":
        failing.cancel()
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, asyncio.CancelledError)):
        await failing
    async with database.transaction("other") as connection:
        assert tuple(await connection.fetchrow(_STATE)) == (None, "other")
        used = await connection.fetchval("SELECT pg_backend_pid()")
    watching = await asyncpg.connect(servers.postgres.admin_url("laurels_missions"))
    try:
        assert await watching.fetchval(_OPEN, used) == 0
    finally:
        await watching.close()
