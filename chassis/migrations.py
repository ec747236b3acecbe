"""Schemas change by Alembic revisions, run by the owner; the application's role owns nothing.

Each service keeps its revisions in `services/<name>/migrations`. Run with the
owner's address: `LAURELS_OWNER_DATABASE_URL=… LAURELS_APP_ROLE=… python -m
chassis.migrations points`. `--sql` before the names prints the statements of all
revisions instead, for linting.
"""

import asyncio
import io
import sys
from typing import Any

from alembic import command, context, op
from alembic.config import Config
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from chassis.database import EVERY_BRAND
from chassis.schema import folder
from chassis.settings import DatabaseUrl

LOCK_TIMEOUT_S = 10


class MigrationSettings(BaseSettings):
    """What a migration job is told: the owner's address and whom to grant what."""

    model_config = SettingsConfigDict(env_prefix="LAURELS_", frozen=True, extra="ignore")

    owner_database_url: DatabaseUrl
    app_role: str


def config(service: str) -> Config:
    """Alembic's configuration of a service."""
    found = Config()
    found.set_main_option("script_location", str(folder(service)))
    return found


async def upgrade(service: str, owner_url: str, app_role: str) -> None:
    """Brings a service's database to the newest revision, in one transaction."""
    engine = create_async_engine(make_url(owner_url).set(drivername="postgresql+asyncpg"))
    try:
        async with engine.begin() as connection:
            for statement in _entry(str(engine.url.database), app_role):
                await connection.execute(text(statement))
            await connection.run_sync(_upgrade, service, app_role)
    finally:
        await engine.dispose()


def _entry(database: str, role: str) -> list[str]:
    """Lets the application's role, and besides the owner nobody, into the database."""
    for name in (database, role):
        if not name.replace("_", "").isalnum():
            raise ValueError(f"not a name: {name!r}")
    return [
        # Whoever waits for a lock makes everybody behind it wait: rather fail, and be run again.
        f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_S}s'",
        f'REVOKE ALL ON DATABASE "{database}" FROM PUBLIC',
        f'GRANT CONNECT ON DATABASE "{database}" TO "{role}"',
        "REVOKE ALL ON SCHEMA public FROM PUBLIC",
        f'GRANT USAGE ON SCHEMA public TO "{role}"',
    ]


def _upgrade(connection: Any, service: str, app_role: str) -> None:
    settings = config(service)
    settings.attributes.update(connection=connection, app_role=app_role)
    command.upgrade(settings, "head")


def statements(service: str, role: str = "laurels_app") -> str:
    """The SQL of all of a service's revisions, without a database."""
    settings, written = config(service), io.StringIO()
    settings.output_buffer = written
    settings.attributes["app_role"] = role
    command.upgrade(settings, "head", sql=True)
    return f"SET lock_timeout = '{LOCK_TIMEOUT_S}s';\n{written.getvalue()}"


def run_environment() -> None:
    """What each service's `migrations/env.py` calls."""
    if context.is_offline_mode():
        context.configure(dialect_name="postgresql", literal_binds=True)
        with context.begin_transaction():
            context.run_migrations()
        return
    context.configure(connection=context.config.attributes["connection"], transaction_per_migration=False)
    with context.begin_transaction():
        context.run_migrations()


def app_role() -> str:
    """The role to grant to, quoted; for use in revisions."""
    role: str = context.config.attributes["app_role"]
    if not role.replace("_", "").isalnum():
        raise ValueError(f"not a role name: {role!r}")
    return f'"{role}"'


def secure(table: str, *, grants: str, every_brand: str = "") -> None:
    """Forces row-level security by brand on a table and grants its use.

    `grants` are privileges of the application's role, such as "SELECT,
    INSERT"; `every_brand` the one that loops over all brands have besides:
    "SELECT" or "ALL".
    """
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY one_brand ON {table} USING (brand = current_setting('laurels.brand'))")
    if every_brand:
        op.execute(
            f"CREATE POLICY every_brand ON {table} FOR {every_brand} "
            f"USING (current_setting('laurels.brand') = '{EVERY_BRAND}')"
        )
    op.execute(f"GRANT {grants} ON {table} TO {app_role()}")


def create_chassis_tables() -> None:
    """The tables of `chassis.tables`; each service's first revision calls it."""
    op.execute(f"GRANT SELECT ON alembic_version TO {app_role()}")
    op.execute("""
        CREATE TABLE outbox (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            brand text NOT NULL,
            member text NOT NULL,
            type text NOT NULL,
            payload bytea NOT NULL,
            traceparent text NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            published_at timestamptz
        )""")
    op.execute("CREATE INDEX outbox_unpublished ON outbox (id) WHERE published_at IS NULL")
    secure("outbox", grants="SELECT, INSERT, UPDATE, DELETE", every_brand="ALL")
    op.execute("""
        CREATE TABLE inbox (
            brand text NOT NULL,
            source text NOT NULL,
            partition integer NOT NULL,
            bucket bigint NOT NULL,
            claimed bytea NOT NULL CHECK (length(claimed) = 125),
            changed_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (brand, source, partition, bucket)
        )""")
    secure("inbox", grants="SELECT, INSERT, UPDATE (claimed, changed_at), DELETE", every_brand="ALL")
    # The claims one by one, for people and checks.
    op.execute("""
        CREATE VIEW claims WITH (security_invoker) AS
        SELECT brand, source, bucket * 1000 + place AS id
        FROM inbox CROSS JOIN generate_series(0, 999) AS place WHERE get_bit(claimed, place) = 1""")
    op.execute(f"GRANT SELECT ON claims TO {app_role()}")
    op.execute("""
        CREATE TABLE dead_letters (
            source text NOT NULL,
            id bigint NOT NULL,
            brand text NOT NULL,
            member text NOT NULL,
            type text NOT NULL,
            payload bytea NOT NULL,
            reason text NOT NULL,
            parked_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (source, id)
        )""")
    secure("dead_letters", grants="SELECT, INSERT, DELETE", every_brand="ALL")
    op.execute("""
        CREATE TABLE configurations (
            brand text NOT NULL,
            version integer NOT NULL CHECK (version > 0),
            document bytea NOT NULL,
            recorded_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (brand, version)
        )""")
    secure("configurations", grants="SELECT, INSERT", every_brand="SELECT")


def create_erasing_table() -> None:
    """The table of `chassis.erasure`."""
    op.execute("""
        CREATE TABLE erasing (
            brand text NOT NULL,
            erasure text NOT NULL,
            member text NOT NULL,
            alias text NOT NULL,
            settled boolean NOT NULL,
            noted_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (brand, erasure)
        )""")
    secure("erasing", grants="SELECT, INSERT, UPDATE (settled), DELETE", every_brand="ALL")


def create_answers_table() -> None:
    """The table of `chassis.answers`; a service that has it declares it, and deletes from it what names the erased."""
    op.execute("""
        CREATE TABLE answers (
            brand text NOT NULL,
            key text NOT NULL,
            member text NOT NULL,
            digest bytea NOT NULL,
            answer bytea NOT NULL,
            answered_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (brand, key)
        )""")
    op.execute("CREATE INDEX answers_of_member ON answers (brand, member)")
    secure("answers", grants="SELECT, INSERT")


def create_owners_function(signature: str, body: str) -> None:
    """A function that does, with the owner's rights, the one thing that the application may not do otherwise.

    Row-level security holds for the owner, too, so it sees the brand of its
    caller's transaction. `body` is in SQL.
    """
    op.execute(
        f"CREATE FUNCTION {signature} LANGUAGE sql VOLATILE SECURITY DEFINER "
        f"SET search_path = public, pg_temp AS $body$ {body} $body$"
    )
    name = signature[: signature.index(")") + 1]
    op.execute(f"REVOKE ALL ON FUNCTION {name} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {name} TO {app_role()}")


def main() -> None:
    if sys.argv[1:2] == ["--sql"]:
        sys.stdout.write("".join(statements(service) for service in sys.argv[2:]))
        return
    settings = MigrationSettings()  # type: ignore[call-arg]
    for service in sys.argv[1:]:
        asyncio.run(upgrade(service, settings.owner_database_url.get_secret_value(), settings.app_role))


if __name__ == "__main__":
    main()
