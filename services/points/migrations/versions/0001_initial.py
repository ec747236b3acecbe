"""The first schema of the points service."""

from alembic import op

from chassis.migrations import app_role, create_chassis_tables, secure

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_chassis_tables()
    op.execute("""
        CREATE TABLE members (
            brand text NOT NULL,
            member text NOT NULL,
            display_name text NOT NULL DEFAULT '',
            enrolled_at timestamptz,
            tier text NOT NULL DEFAULT '',
            seen_types text[] NOT NULL DEFAULT '{}',
            PRIMARY KEY (brand, member)
        )""")
    secure("members", grants="SELECT, INSERT, UPDATE, DELETE")
    op.execute("CREATE SEQUENCE account_ids")
    op.execute("""
        CREATE TABLE accounts (
            id bigint PRIMARY KEY,
            brand text NOT NULL,
            owner text NOT NULL,
            currency text NOT NULL,
            kind text NOT NULL,
            stripe integer NOT NULL,
            balance bigint NOT NULL DEFAULT 0,
            earned bigint NOT NULL DEFAULT 0,
            floor bigint,
            CONSTRAINT accounts_of_owner UNIQUE (brand, owner, currency, kind, stripe),
            CONSTRAINT balance_at_or_above_floor CHECK (floor IS NULL OR balance >= floor)
        )""")
    secure("accounts", grants="SELECT, INSERT, UPDATE (balance, earned)")
    op.execute("CREATE SEQUENCE entries_id_seq")
    op.execute("""
        CREATE TABLE entries (
            id bigint PRIMARY KEY DEFAULT nextval('entries_id_seq'),
            brand text NOT NULL,
            key text NOT NULL,
            digest bytea NOT NULL,
            kind integer NOT NULL,
            debit bigint NOT NULL,
            credit bigint NOT NULL,
            amount bigint NOT NULL,
            debit_balance bigint,
            credit_balance bigint,
            reference text NOT NULL,
            occurred_at timestamptz NOT NULL,
            recorded_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT entries_key UNIQUE (brand, key),
            CONSTRAINT amount_is_positive CHECK (amount > 0),
            CONSTRAINT two_accounts CHECK (debit <> credit)
        )""")
    op.execute("CREATE INDEX entries_debit ON entries (debit, id) WHERE debit > 0")
    op.execute("CREATE INDEX entries_credit ON entries (credit, id) WHERE credit > 0")
    # What was entered stays: the application may add and read, nothing else.
    secure("entries", grants="SELECT, INSERT")
    op.execute("""
        CREATE TABLE activities (
            brand text NOT NULL,
            id text NOT NULL,
            member text NOT NULL,
            type text NOT NULL,
            occurred_at timestamptz NOT NULL,
            recorded_at timestamptz NOT NULL DEFAULT now(),
            attributes jsonb NOT NULL,
            digest bytea NOT NULL,
            programme_version integer NOT NULL,
            earned jsonb NOT NULL,
            PRIMARY KEY (brand, id)
        )""")
    secure("activities", grants="SELECT, INSERT")
    op.execute("""
        CREATE TABLE adoptions (
            brand text NOT NULL,
            service text NOT NULL,
            version integer NOT NULL,
            PRIMARY KEY (brand, service)
        )""")
    secure("adoptions", grants="SELECT, INSERT, UPDATE")
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO " + app_role())
