"""Cards from before there were tables are numbered and keep the scheme that they were drawn by."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from alembic import command
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from chassis import migrations
from cli.embedded import Servers

DATABASE = "laurels_leaderboard_before"
OWNER, APP = "laurels_leaderboard_owner", "laurels_leaderboard_app"


@pytest.fixture
async def before(servers: Servers) -> AsyncIterator[str]:
    """The owner's address of a database of its own, at the revision before tables."""
    admin = await asyncpg.connect(servers.postgres.admin_url("laurels_leaderboard"))
    try:
        await admin.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER}")
        url = servers.postgres.url("leaderboard", "owner").rpartition("/")[0] + f"/{DATABASE}"
        await upgrade(url, "0003")
        yield url
    finally:
        await admin.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        await admin.close()


async def upgrade(url: str, revision: str) -> None:
    engine = create_async_engine(make_url(url).set(drivername="postgresql+asyncpg"))

    def run(connection: Any) -> None:
        settings = migrations.config("leaderboard")
        settings.attributes.update(connection=connection, app_role=APP)
        command.upgrade(settings, revision)

    try:
        async with engine.begin() as connection:
            await connection.run_sync(run)
    finally:
        await engine.dispose()


async def test_cards_that_were_there_are_numbered_and_keep_their_scheme(servers: Servers, before: str) -> None:
    admin = await asyncpg.connect(servers.postgres.admin_url(DATABASE))
    try:
        await admin.execute("""
            INSERT INTO scratch_pools (brand, pool, name, nothing_weight, commitment, sealed_seed)
            VALUES ('a', 'spring', 'Spring', 1, 'c', 's'), ('a', 'empty', 'Empty', 1, 'c', 's'),
                ('b', 'spring', 'Spring', 1, 'c', 's')""")
        await admin.execute("""
            INSERT INTO scratch_cards (brand, card, pool, member, cause, issued_at, revealed_at)
            SELECT brand, lpad((100 - n)::text, 32, '0'), 'spring', 'm' || n, '',
                timestamptz '2026-03-01' + make_interval(mins => n / 2), CASE WHEN n < 4 THEN now() END
            FROM generate_series(1, 9) AS n, unnest(ARRAY['a', 'b']) AS brand""")
        await upgrade(before, "head")
        rows = await admin.fetch("SELECT number FROM scratch_cards WHERE brand = 'a' ORDER BY issued_at, card")
        assert [row["number"] for row in rows] == list(range(1, 10))
        states = await admin.fetch("SELECT brand, pool, issued, revealed, head FROM scratch_pool_states ORDER BY 1, 2")
        assert [tuple(row) for row in states] == [
            ("a", "empty", 0, 0, ""),
            ("a", "spring", 9, 3, ""),
            ("b", "spring", 9, 3, ""),
        ]
        schemes = await admin.fetch("SELECT DISTINCT scheme, table_text, root FROM scratch_pools")
        assert [tuple(row) for row in schemes] == [(1, "", "")]
        forced = (
            "SELECT count(*) FROM pg_class WHERE relname LIKE 'scratch_%' AND relkind = 'r' AND NOT relforcerowsecurity"
        )
        assert await admin.fetchval(forced) == 0
    finally:
        await admin.close()
