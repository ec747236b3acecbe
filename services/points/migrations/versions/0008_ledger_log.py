"""The log that makes the ledger verifiable: tiles of hashes, and signed checkpoints."""

from alembic import op

from chassis.database import EVERY_BRAND
from chassis.migrations import app_role, secure

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE ledger_logs (
            brand text PRIMARY KEY,
            size bigint NOT NULL,
            last_entry bigint NOT NULL,
            root bytea NOT NULL,
            CONSTRAINT size_is_positive CHECK (size > 0)
        )""")
    secure("ledger_logs", grants="SELECT, INSERT, UPDATE (size, last_entry, root)", every_brand="ALL")
    op.execute("CREATE INDEX ledger_logs_last_entry ON ledger_logs (last_entry)")
    op.execute("""
        CREATE TABLE ledger_tiles (
            brand text NOT NULL,
            level integer NOT NULL,
            number bigint NOT NULL,
            first_entry bigint,
            hashes bytea NOT NULL,
            PRIMARY KEY (brand, level, number),
            CONSTRAINT first_entry_of_leaves CHECK ((level = 0) = (first_entry IS NOT NULL))
        )""")
    # Hashes do not become smaller by being compressed.
    op.execute("ALTER TABLE ledger_tiles ALTER COLUMN hashes SET STORAGE EXTERNAL")
    op.execute("CREATE INDEX ledger_tiles_first_entry ON ledger_tiles (brand, first_entry) WHERE level = 0")
    secure("ledger_tiles", grants="SELECT, INSERT, UPDATE (hashes)", every_brand="ALL")
    op.execute("""
        CREATE TABLE ledger_checkpoints (
            brand text NOT NULL,
            size bigint NOT NULL,
            root bytea NOT NULL,
            made_at timestamptz NOT NULL,
            note text NOT NULL,
            PRIMARY KEY (brand, size)
        )""")
    # What was signed stays.
    secure("ledger_checkpoints", grants="SELECT, INSERT", every_brand="ALL")
    # The builder reads what is new in all brands at once, and how far the ids have come.
    for table in ("entries", "accounts"):
        op.execute(
            f"CREATE POLICY every_brand ON {table} FOR SELECT "
            f"USING (current_setting('laurels.brand') = '{EVERY_BRAND}')"
        )
    op.execute(f"GRANT SELECT ON SEQUENCE entries_id_seq TO {app_role()}")
