"""Refunds of purchases, and what waits for approval."""

from alembic import op

from chassis.migrations import secure

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE refunds (
            brand text NOT NULL,
            purchase text NOT NULL,
            member text NOT NULL,
            refund text NOT NULL,
            refunded bigint NOT NULL,
            total bigint,
            due jsonb NOT NULL DEFAULT '{}',
            pending jsonb NOT NULL DEFAULT '{}',
            available jsonb NOT NULL DEFAULT '{}',
            PRIMARY KEY (brand, purchase, member),
            CONSTRAINT refunded_is_positive CHECK (refunded > 0)
        )""")
    secure(
        "refunds", grants="SELECT, INSERT, UPDATE (refund, refunded, total, due, pending, available, member), DELETE"
    )
    op.execute("""
        CREATE INDEX pending_lots_for_approval ON pending_lots (brand, occurred_at, lot)
        WHERE state = 1 AND activates_at IS NULL AND until_type = ''""")
