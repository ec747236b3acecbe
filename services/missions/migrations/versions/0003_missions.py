"""What is told of members."""

from alembic import op

from chassis.migrations import app_role, secure

revision = "0003"
down_revision = "0002"

BRAND = "current_setting('laurels.brand')"
ERASED = ("progress", "completions", "badges", "mission_members")


def upgrade() -> None:
    op.execute("""
        CREATE TABLE mission_members (
            brand text NOT NULL,
            member text COLLATE "C" NOT NULL,
            enrolled_at timestamptz,
            tier text NOT NULL,
            consents jsonb NOT NULL,
            attributes jsonb NOT NULL,
            segments jsonb NOT NULL,
            PRIMARY KEY (brand, member)
        )""")
    secure("mission_members", grants="SELECT, INSERT, UPDATE (enrolled_at, tier, consents, attributes, segments)")
    erase = "; ".join(
        f"DELETE FROM {table} WHERE brand = {BRAND} AND member = $1 "  # noqa: S608
        f"AND $1 IN (SELECT member FROM erasing WHERE brand = {BRAND})"
        for table in ERASED
    )
    op.execute(
        "CREATE OR REPLACE FUNCTION erase_member(text) RETURNS void LANGUAGE sql VOLATILE SECURITY DEFINER "
        f"SET search_path = public, pg_temp AS $body$ {erase} $body$"
    )
    op.execute(f"GRANT EXECUTE ON FUNCTION erase_member(text) TO {app_role()}")
