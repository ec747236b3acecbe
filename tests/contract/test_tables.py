"""The tables that the code declares are the tables that the migrations make, and nobody gets past their brand."""

import asyncio
import re
from collections.abc import AsyncIterator
from importlib import import_module
from typing import Any

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import CheckConstraint, Column, Connection, MetaData, Text, inspect
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import SQLModel

from chassis import tables as chassis_tables
from cli.embedded import SERVICES, Servers

OWN = "relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
# What was entered, achieved, decided or published stays: read and add, nothing else.
APPEND_ONLY = {
    "points": {"entries", "activities", "ledger_checkpoints", "consent_records", "given_rewards"},
    "missions": {
        "campaign_triggers",
        "levels_reached",
        "quiz_answers",
        "milestones_reached",
        "challenge_rewards",
        "team_results",
    },
    "leaderboard": {
        "answers",
        "board_facts",
        "board_standings",
        "group_standings",
        "scratch_pools",
        "scratch_deck_tiles",
        "league_periods",
    },
    "recommender": {"candidates", "decisions", "late_outcomes", "model_versions", "outcomes", "promotions"},
}
by_service = pytest.mark.parametrize("service", SERVICES)


def declared(service: str) -> MetaData:
    """The tables of a service and of the chassis; the services' own share names, and so no metadata."""
    found = MetaData()
    for module in (chassis_tables, import_module(f"services.{service}.tables")):
        for model in vars(module).values():
            if isinstance(model, type) and issubclass(model, SQLModel) and model.__module__ == module.__name__:
                model.__table__.to_metadata(found)  # type: ignore[attr-defined]
    return found


@pytest.fixture
async def connection(servers: Servers, service: str) -> AsyncIterator[asyncpg.Connection]:
    """The service's database, as the superuser sees it."""
    opened = await asyncpg.connect(servers.postgres.admin_url(f"laurels_{service}"))
    yield opened
    await opened.close()


async def migrated(servers: Servers, service: str, ask: Any) -> Any:
    engine = create_async_engine(servers.postgres.admin_url(f"laurels_{service}", scheme="postgresql+asyncpg"))
    try:
        async with engine.connect() as opened:
            return await opened.run_sync(ask)
    finally:
        await engine.dispose()


@by_service
async def test_declared_tables_are_what_the_migrations_make(servers: Servers, service: str) -> None:
    metadata = declared(service)
    assert {"outbox", "inbox", "dead_letters", "configurations"} < metadata.tables.keys()
    assert await differences(servers, service, metadata) == []


async def test_a_table_that_drifted_is_noticed(servers: Servers) -> None:
    metadata = declared("missions")
    badges = metadata.tables["badges"]
    badges.columns["mission"].nullable = True
    badges.columns["earned_at"].type = Text()
    badges.append_column(Column("colour", Text))
    metadata.tables["badge_awards"].indexes.clear()
    metadata.remove(metadata.tables["completions"])
    found = await differences(servers, "missions", metadata)
    kinds = {entry[0][0] if isinstance(entry, list) else entry[0] for entry in found}
    assert kinds == {"add_column", "modify_nullable", "modify_type", "remove_index", "remove_table"}


async def differences(servers: Servers, service: str, metadata: MetaData) -> list[Any]:
    """What a migration would have to change."""
    options = {
        "compare_type": True,
        "compare_server_default": True,
        "include_name": lambda name, kind, _parents: kind != "table" or name != "alembic_version",
    }

    def compare(opened: Connection) -> list[Any]:
        return list(compare_metadata(MigrationContext.configure(opened, opts=options), metadata))

    return list(await migrated(servers, service, compare))


@by_service
async def test_declared_checks_are_what_the_migrations_make(servers: Servers, service: str) -> None:
    """Alembic compares no CHECK constraints; PostgreSQL says how it understands ours."""
    metadata = declared(service)

    def in_database(opened: Connection) -> dict[str, set[tuple[str, str]]]:
        inspector = inspect(opened)
        return {
            table: {(str(check["name"]), _plain(check["sqltext"])) for check in inspector.get_check_constraints(table)}
            for table in metadata.tables
        }

    found = await migrated(servers, service, in_database)
    written = {
        table.name: {
            (str(check.name), _plain(str(check.sqltext)))
            for check in table.constraints
            if isinstance(check, CheckConstraint)
        }
        for table in metadata.tables.values()
    }
    assert found == written


def _plain(condition: str) -> str:
    """A condition without what PostgreSQL writes its own way: parentheses, casts, and BETWEEN."""
    bare = re.sub(r"::(double precision|\w+)|[()']", " ", condition).lower()
    bare = re.sub(r"(\w+) between (\S+) and (\S+)", r"\1 >= \2 and \1 <= \3", bare)
    return " ".join(bare.split())


@by_service
async def test_every_table_with_a_brand_forces_its_rows_security(connection: asyncpg.Connection, service: str) -> None:
    rows = await connection.fetch(
        f"""
        SELECT relname, relrowsecurity AND relforcerowsecurity AS forced,
            EXISTS (SELECT FROM pg_attribute WHERE attrelid = pg_class.oid AND attname = 'brand') AS has_brand,
            ARRAY(SELECT pg_get_expr(polqual, polrelid) FROM pg_policy WHERE polrelid = pg_class.oid) AS policies
        FROM pg_class WHERE {OWN}"""  # noqa: S608
    )
    without_brand = {row["relname"] for row in rows if not row["has_brand"]}
    assert without_brand == {"alembic_version"}
    for row in rows:
        if row["has_brand"]:
            assert row["forced"], row["relname"]
            assert "(brand = current_setting('laurels.brand'::text))" in row["policies"], row["relname"]


@by_service
async def test_only_the_chassis_loops_see_every_brand(connection: asyncpg.Connection, service: str) -> None:
    """And a starting leaderboard, which tries its key on any one seed."""
    rows = await connection.fetch(
        "SELECT polrelid::regclass::text AS name, polcmd::text AS command FROM pg_policy WHERE polname = 'every_brand'"
    )
    expected = {("outbox", "*"), ("inbox", "*"), ("dead_letters", "*"), ("configurations", "r"), ("erasing", "*")}
    if service == "leaderboard":
        expected |= {("scratch_pools", "r"), ("board_periods", "r"), ("board_changes", "*")}
        expected.add(("leagues", "r"))  # leagues whose period is over, and
        expected.add(("scratch_pool_states", "r"))  # pools to close are looked for in all brands at once
    if service == "missions":  # deliveries that are due are looked for in all brands at once
        expected |= {(name, "r") for name in ("webhook_deliveries", "webhook_endpoints")}
    if service == "points":  # what is due is looked for in all brands at once
        expected |= {(name, "r") for name in ("lots", "holds", "pending_lots", "tier_standings", "redemptions")}
        expected |= {(name, "r") for name in ("hold_requests", "anniversaries", "particulars_sweeps")}
        # the log's builder appends what is new in all brands in one transaction
        expected |= {("entries", "r"), ("accounts", "r")}
        expected |= {("ledger_logs", "*"), ("ledger_tiles", "*"), ("ledger_checkpoints", "*")}
    assert {(row["name"], row["command"]) for row in rows} == expected


@by_service
async def test_without_a_brand_every_query_is_an_error_and_with_another_s_there_is_nothing(
    servers: Servers, service: str
) -> None:
    application = await asyncpg.connect(servers.postgres.url(service))
    try:
        for table in declared(service).tables:
            with pytest.raises(asyncpg.UndefinedObjectError, match=r"laurels\.brand"):
                await application.fetch(f"SELECT * FROM {table}")  # noqa: S608
        async with application.transaction():
            await application.execute("SELECT set_config('laurels.brand', 'nobody-s', true)")
            for table in declared(service).tables:
                assert await application.fetchval(f"SELECT count(*) FROM {table}") == 0  # noqa: S608
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
                await application.execute("INSERT INTO configurations VALUES ('somebody-s', 1, '')")
    finally:
        await application.close()


@by_service
async def test_the_application_s_role_owns_nothing_and_can_do_nothing_but_its_work(
    connection: asyncpg.Connection, service: str
) -> None:
    role = f"laurels_{service}_app"
    owned = await connection.fetchval(
        "SELECT count(*) FROM pg_shdepend JOIN pg_roles r ON r.oid = refobjid WHERE rolname = $1 AND deptype = 'o'",
        role,
    )
    assert owned == 0
    (rights,) = await connection.fetch(
        "SELECT rolsuper, rolbypassrls, rolcreatedb, rolcreaterole, rolreplication FROM pg_roles WHERE rolname = $1",
        role,
    )
    assert not any(rights.values())
    assert not await connection.fetchval("SELECT has_schema_privilege($1, 'public', 'CREATE')", role)
    assert not await connection.fetchval("SELECT has_database_privilege($1, current_database(), 'CREATE')", role)
    members = "SELECT count(*) FROM pg_auth_members JOIN pg_roles ON pg_roles.oid = member WHERE rolname = $1"
    assert await connection.fetchval(members, role) == 0
    for (table,) in await connection.fetch(f"SELECT relname FROM pg_class WHERE {OWN}"):  # noqa: S608
        for right in ("TRUNCATE", "REFERENCES", "TRIGGER"):
            assert not await _may(connection, role, table, right), (table, right)


@by_service
async def test_what_was_recorded_can_be_added_to_and_not_changed(connection: asyncpg.Connection, service: str) -> None:
    role = f"laurels_{service}_app"
    for table in APPEND_ONLY[service]:
        rights = [right for right in ("SELECT", "INSERT") if not await _may(connection, role, table, right)]
        assert rights == [], table
        assert not await _may(connection, role, table, "DELETE"), table
        updatable = await connection.fetchval("SELECT has_any_column_privilege($1, $2, 'UPDATE')", role, table)
        assert not updatable, table


async def _may(connection: asyncpg.Connection, role: str, table: str, right: str) -> bool:
    return bool(await connection.fetchval("SELECT has_table_privilege($1, $2, $3)", role, table, right))


@by_service
async def test_another_service_s_roles_cannot_connect(servers: Servers, service: str) -> None:
    others = [other for other in SERVICES if other != service]

    async def refused(other: str) -> None:
        address = servers.postgres.url(other).rpartition("/")[0] + f"/laurels_{service}"
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asyncpg.connect(address)

    await asyncio.gather(*(refused(other) for other in others))
