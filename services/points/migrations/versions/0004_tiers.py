"""What counts for tiers, where members stand by it, their subscriptions, and what happened to their tiers."""

from alembic import op

from chassis.migrations import app_role, secure

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    # Of most members of a plain ladder nothing but the tier is kept.
    op.execute("ALTER TABLE members ADD COLUMN tier_kept boolean NOT NULL DEFAULT false")
    op.execute("""
        CREATE TABLE tier_standings (
            brand text NOT NULL,
            member text NOT NULL,
            earned text NOT NULL,
            keep_until timestamptz,
            grace_until timestamptz,
            fallback text NOT NULL DEFAULT '',
            set_tier text NOT NULL DEFAULT '',
            locked boolean NOT NULL DEFAULT false,
            set_until timestamptz,
            counted jsonb NOT NULL DEFAULT '{}',
            due_at timestamptz,
            PRIMARY KEY (brand, member)
        )""")
    op.execute("CREATE INDEX tier_standings_due ON tier_standings (due_at) WHERE due_at IS NOT NULL")
    secure("tier_standings", grants="SELECT, INSERT, UPDATE, DELETE", every_brand="SELECT")
    op.execute("""
        CREATE TABLE tier_buckets (
            brand text NOT NULL,
            member text NOT NULL,
            qualifier text NOT NULL,
            bucket text NOT NULL,
            amount bigint NOT NULL,
            PRIMARY KEY (brand, member, qualifier, bucket)
        )""")
    secure("tier_buckets", grants="SELECT, INSERT, UPDATE (amount), DELETE")
    op.execute("""
        CREATE TABLE tier_subscriptions (
            brand text NOT NULL,
            member text NOT NULL,
            subscription text NOT NULL,
            paid_until timestamptz NOT NULL,
            active boolean NOT NULL,
            cancelled_at timestamptz,
            PRIMARY KEY (brand, member, subscription)
        )""")
    secure("tier_subscriptions", grants="SELECT, INSERT, UPDATE (paid_until, active, cancelled_at), DELETE")
    op.execute("CREATE SEQUENCE tier_history_ids")
    op.execute("""
        CREATE TABLE tier_history (
            id bigint PRIMARY KEY DEFAULT nextval('tier_history_ids'),
            brand text NOT NULL,
            member text NOT NULL,
            from_tier text NOT NULL,
            to_tier text NOT NULL,
            reason integer NOT NULL,
            note text NOT NULL,
            by text NOT NULL,
            until timestamptz,
            occurred_at timestamptz NOT NULL,
            recorded_at timestamptz NOT NULL DEFAULT now(),
            key text,
            digest bytea
        )""")
    op.execute("CREATE UNIQUE INDEX tier_history_key ON tier_history (brand, key) WHERE key IS NOT NULL")
    op.execute("CREATE INDEX tier_history_of_member ON tier_history (brand, member, id)")
    # What happened stays; an erased member's goes with them.
    secure("tier_history", grants="SELECT, INSERT, DELETE")
    op.execute(f"GRANT USAGE ON SEQUENCE tier_history_ids TO {app_role()}")
