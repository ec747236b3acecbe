"""What is told of members, and missions in full: states with the facts that they came from, runs, claims, limits."""

from alembic import op

from chassis.migrations import app_role, secure

revision = "0003"
down_revision = "0002"

BRAND = "current_setting('laurels.brand')"
ERASED = ("completions", "badges", "mission_members", "member_missions", "mission_facts", "mission_checkpoints")


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
    # Updated in place by each activity; room on the page keeps its index still.
    op.execute("""
        CREATE TABLE member_missions (
            brand text NOT NULL,
            member text COLLATE "C" NOT NULL,
            state json NOT NULL,
            last_at bigint NOT NULL,
            last_id text NOT NULL,
            checkpoint_at bigint NOT NULL,
            PRIMARY KEY (brand, member)
        ) WITH (fillfactor = 60)""")
    secure("member_missions", grants="SELECT, INSERT, UPDATE (state, last_at, last_id, checkpoint_at)")
    op.execute("""
        CREATE TABLE mission_facts (
            brand text NOT NULL,
            member text COLLATE "C" NOT NULL,
            at bigint NOT NULL,
            id text COLLATE "C" NOT NULL,
            version integer NOT NULL,
            body json NOT NULL,
            activity bytea NOT NULL,
            PRIMARY KEY (brand, member, at, id)
        )""")
    secure("mission_facts", grants="SELECT, INSERT, DELETE")
    op.execute("""
        CREATE TABLE mission_checkpoints (
            brand text NOT NULL,
            member text COLLATE "C" NOT NULL,
            at bigint NOT NULL,
            id text COLLATE "C" NOT NULL,
            state json NOT NULL,
            PRIMARY KEY (brand, member, at, id)
        )""")
    secure("mission_checkpoints", grants="SELECT, INSERT, UPDATE (state), DELETE")
    op.execute("""
        CREATE TABLE mission_counters (
            brand text NOT NULL,
            name text COLLATE "C" NOT NULL,
            value bigint NOT NULL,
            PRIMARY KEY (brand, name),
            CONSTRAINT counted CHECK (value >= 0)
        ) WITH (fillfactor = 50)""")
    secure("mission_counters", grants="SELECT, INSERT, UPDATE (value)")
    op.execute("""
        ALTER TABLE completions
            ADD COLUMN run text NOT NULL DEFAULT '',
            ADD COLUMN state text NOT NULL DEFAULT 'paid',
            ADD COLUMN retracted boolean NOT NULL DEFAULT false,
            ADD COLUMN claim_until timestamptz,
            ADD COLUMN settled_at timestamptz,
            ADD CONSTRAINT known_state CHECK (
                state = 'due' OR state = 'claimable' OR state = 'paid' OR state = 'exhausted'
            )""")
    # Nothing was released that would write rows without them.
    op.execute(
        "-- squawk-ignore ban-drop-default\n"
        "ALTER TABLE completions ALTER COLUMN run DROP DEFAULT, ALTER COLUMN state DROP DEFAULT"
    )
    op.execute("-- squawk-ignore ban-drop-constraint\nALTER TABLE completions DROP CONSTRAINT completions_pkey")
    op.execute("ALTER TABLE completions ADD PRIMARY KEY (brand, member, mission, run)")
    op.execute(
        "CREATE INDEX completions_due ON completions (brand, completed_at) WHERE state = 'due' AND NOT retracted"
    )
    op.execute(
        "GRANT UPDATE (activity, completed_at, programme_version, state, retracted, claim_until, settled_at) "
        f"ON completions TO {app_role()}"
    )
    _move_progress()
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


def _move_progress() -> None:
    """The sums that progress was become states; what they were of is not known any more, so they are a beginning."""
    op.execute("ALTER TABLE progress NO FORCE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE badges NO FORCE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE completions NO FORCE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE member_missions NO FORCE ROW LEVEL SECURITY")
    micros = "(extract(epoch FROM {}) * 1000000)::bigint"
    op.execute(f"""
        INSERT INTO member_missions (brand, member, state, last_at, last_id, checkpoint_at)
        SELECT progress.brand, progress.member,
            json_build_object(
                'm', json_object_agg(progress.mission, json_build_array(
                    '', 0, '', json_build_array(progress.progress),
                    coalesce({micros.format("progress.completed_at")}, 0), coalesce(completions.activity, ''),
                    (progress.completed_at IS NOT NULL)::integer, 't'
                )),
                'b', coalesce((
                    SELECT json_object_agg(badges.badge, {micros.format("badges.earned_at")}) FROM badges
                    WHERE badges.brand = progress.brand AND badges.member = progress.member
                ), '{{}}'::json),
                'w', '{{}}'::json
            ), 0, '', 0
        FROM progress LEFT JOIN completions
            ON completions.brand = progress.brand AND completions.member = progress.member
                AND completions.mission = progress.mission
        GROUP BY progress.brand, progress.member""")  # noqa: S608
    for table in ("badges", "completions", "member_missions"):
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute("-- squawk-ignore ban-drop-table\nDROP TABLE progress")
