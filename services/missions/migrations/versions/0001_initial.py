"""The first schema of the missions service."""

from alembic import op

from chassis.migrations import create_chassis_tables, secure

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_chassis_tables()
    # Progress is updated in place; room on the page keeps its index still.
    op.execute("""
        CREATE TABLE progress (
            brand text NOT NULL,
            member text NOT NULL,
            mission text NOT NULL,
            progress bigint NOT NULL,
            target bigint NOT NULL,
            completed_at timestamptz,
            PRIMARY KEY (brand, member, mission),
            CONSTRAINT progress_within_target CHECK (progress BETWEEN 0 AND target),
            CONSTRAINT complete_at_target CHECK ((completed_at IS NOT NULL) = (progress = target))
        ) WITH (fillfactor = 80)""")
    secure("progress", grants="SELECT, INSERT, UPDATE (progress, target, completed_at)")
    op.execute("""
        CREATE TABLE completions (
            brand text NOT NULL,
            member text NOT NULL,
            mission text NOT NULL,
            activity text NOT NULL,
            completed_at timestamptz NOT NULL,
            programme_version integer NOT NULL,
            recorded_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (brand, member, mission)
        )""")
    # What was achieved stays: the application may add and read, nothing else.
    secure("completions", grants="SELECT, INSERT")
    op.execute("""
        CREATE TABLE badges (
            brand text NOT NULL,
            member text NOT NULL,
            badge text NOT NULL,
            mission text NOT NULL,
            earned_at timestamptz NOT NULL,
            recorded_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (brand, member, badge)
        )""")
    op.execute("CREATE INDEX badges_holders ON badges (brand, badge)")
    secure("badges", grants="SELECT, INSERT")
