"""Lots that expire, holds, and points that are on their way."""

from alembic import op

from chassis.migrations import app_role, secure

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    # Which lots a debit was taken from, so that they can have it again.
    op.execute("ALTER TABLE entries ADD COLUMN lots jsonb")
    # A later programme may let balances go further below zero.
    op.execute(f"GRANT UPDATE (floor) ON accounts TO {app_role()}")
    op.execute("""
        CREATE TABLE lots (
            brand text NOT NULL,
            account bigint NOT NULL,
            expires_at timestamptz NOT NULL,
            remaining bigint NOT NULL,
            warn_at timestamptz,
            PRIMARY KEY (account, expires_at),
            CONSTRAINT remaining_is_not_negative CHECK (remaining >= 0)
        )""")
    op.execute("CREATE INDEX lots_due ON lots (expires_at)")
    op.execute("CREATE INDEX lots_to_warn_of ON lots (warn_at) WHERE warn_at IS NOT NULL")
    secure("lots", grants="SELECT, INSERT, UPDATE (remaining, warn_at), DELETE", every_brand="SELECT")
    op.execute("""
        CREATE TABLE holds (
            brand text NOT NULL,
            hold text NOT NULL,
            member text NOT NULL,
            currency text NOT NULL,
            amount bigint NOT NULL,
            captured bigint NOT NULL DEFAULT 0,
            state integer NOT NULL,
            reference text NOT NULL,
            digest bytea NOT NULL,
            lots jsonb,
            made_at timestamptz NOT NULL,
            expires_at timestamptz,
            PRIMARY KEY (brand, hold),
            CONSTRAINT captured_within_amount CHECK (captured >= 0 AND captured <= amount)
        )""")
    op.execute("CREATE INDEX holds_due ON holds (expires_at) WHERE state = 1")
    secure("holds", grants="SELECT, INSERT, UPDATE (captured, state, member)", every_brand="SELECT")
    op.execute("""
        CREATE TABLE pending_lots (
            brand text NOT NULL,
            lot text NOT NULL,
            member text NOT NULL,
            currency text NOT NULL,
            amount bigint NOT NULL,
            state integer NOT NULL,
            changes integer NOT NULL DEFAULT 0,
            reference text NOT NULL,
            activity text NOT NULL,
            occurred_at timestamptz NOT NULL,
            activates_at timestamptz,
            until_type text NOT NULL DEFAULT '',
            PRIMARY KEY (brand, lot),
            CONSTRAINT pending_amount_is_not_negative CHECK (amount >= 0)
        )""")
    op.execute("CREATE INDEX pending_lots_due ON pending_lots (activates_at) WHERE state = 1")
    op.execute("CREATE INDEX pending_lots_of_member ON pending_lots (brand, member) WHERE state = 1")
    op.execute("CREATE INDEX pending_lots_of_activity ON pending_lots (brand, activity) WHERE state = 1")
    secure(
        "pending_lots",
        grants="SELECT, INSERT, UPDATE (amount, state, changes, activates_at, member)",
        every_brand="SELECT",
    )
    op.execute("""
        CREATE TABLE counters (
            brand text NOT NULL,
            name text NOT NULL,
            owner text NOT NULL,
            period text NOT NULL,
            value bigint NOT NULL DEFAULT 0,
            PRIMARY KEY (brand, name, owner, period)
        )""")
    secure("counters", grants="SELECT, INSERT, UPDATE (value), DELETE")
