"""Slots have budgets, caps and time-outs; a slot's model follows one stream of outcomes and has versions."""

from alembic import op

from chassis.migrations import app_role, create_owners_function, secure

revision = "0004"
down_revision = "0002"


FILLED = ("decisions", "outcomes", "pending", "learners")
"""Tables that are read or filled over all brands here."""


def upgrade() -> None:
    for table in FILLED[:2]:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    # Nothing was released that wrote what is renamed and dropped here; later revisions only expand.
    op.execute(
        "-- squawk-ignore-file renaming-column, ban-drop-column, ban-drop-constraint, ban-drop-table\n"
        "-- squawk-ignore-file adding-not-nullable-field\n"
        "ALTER TABLE decisions RENAME COLUMN reward TO choice"
    )
    op.execute("ALTER TABLE decisions RENAME COLUMN model_version TO epoch")
    # The defaults are for what was decided before; new rows say all of it.
    op.execute("""
        ALTER TABLE decisions
            ADD basis text NOT NULL DEFAULT 'policy',
            ADD policy text NOT NULL DEFAULT '',
            ADD intended text NOT NULL DEFAULT '',
            ADD intended_propensity float8 NOT NULL DEFAULT 0,
            ADD among text[] NOT NULL DEFAULT '{}',
            ADD lessons bigint NOT NULL DEFAULT 0,
            ADD teaches boolean NOT NULL DEFAULT true,
            ADD value_most float8 NOT NULL DEFAULT 1,
            ADD due_at timestamptz,
            ADD taken jsonb NOT NULL DEFAULT '[]'""")
    # What learnt before learns anew, from the same outcomes in one order a slot; no time-out was stated then.
    op.execute("UPDATE decisions SET epoch = 0, due_at = decided_at + interval '7 days'")
    op.execute("ALTER TABLE decisions ALTER due_at SET NOT NULL")
    op.execute("CREATE INDEX decisions_of_slot ON decisions (brand, slot, decided_at DESC)")
    op.execute("ALTER TABLE outcomes RENAME COLUMN reward TO choice")
    op.execute("""
        ALTER TABLE outcomes
            DROP CONSTRAINT outcomes_in_order,
            DROP CONSTRAINT value_within_bounds,
            ADD scaled float8,
            ADD defaulted boolean NOT NULL DEFAULT false,
            ADD lesson bigint,
            ADD cause text NOT NULL DEFAULT ''""")
    op.execute("""
        UPDATE outcomes SET scaled = value, lesson = ordered.lesson
        FROM (
            SELECT brand, decision,
                row_number() OVER (PARTITION BY brand, slot ORDER BY recorded_at, decision) AS lesson
            FROM outcomes
        ) AS ordered
        WHERE outcomes.brand = ordered.brand AND outcomes.decision = ordered.decision""")
    op.execute("""
        ALTER TABLE outcomes
            DROP COLUMN updates,
            ALTER scaled SET NOT NULL,
            ADD CONSTRAINT outcomes_in_order UNIQUE (brand, slot, lesson),
            ADD CONSTRAINT value_within_bounds CHECK (value >= 0 AND scaled >= 0 AND scaled <= 1)""")
    op.execute("""
        CREATE TABLE pending (
            brand text NOT NULL,
            decision text NOT NULL,
            member text NOT NULL,
            slot text NOT NULL,
            choice text NOT NULL,
            decided_at timestamptz NOT NULL,
            due_at timestamptz NOT NULL,
            PRIMARY KEY (brand, decision),
            FOREIGN KEY (brand, decision) REFERENCES decisions (brand, decision) ON DELETE CASCADE
        )""")
    op.execute("CREATE INDEX pending_of_member ON pending (brand, member, slot, decided_at)")
    op.execute("CREATE INDEX pending_by_due ON pending (brand, due_at)")
    secure("pending", grants="SELECT, INSERT, DELETE")
    # A row's lock takes a right to update, and there is nothing of it that may change.
    op.execute(f"GRANT UPDATE (due_at) ON pending TO {app_role()}")
    op.execute("ALTER TABLE pending NO FORCE ROW LEVEL SECURITY")
    op.execute("""
        INSERT INTO pending (brand, decision, member, slot, choice, decided_at, due_at)
        SELECT brand, decision, member, slot, choice, decided_at, due_at FROM decisions
        WHERE NOT EXISTS (
            SELECT FROM outcomes WHERE outcomes.brand = decisions.brand AND outcomes.decision = decisions.decision)""")
    op.execute("""
        CREATE TABLE late_outcomes (
            brand text NOT NULL,
            decision text NOT NULL,
            value float8 NOT NULL,
            reported_at timestamptz NOT NULL,
            PRIMARY KEY (brand, decision),
            FOREIGN KEY (brand, decision) REFERENCES outcomes (brand, decision) ON DELETE CASCADE
        )""")
    secure("late_outcomes", grants="SELECT, INSERT")
    op.execute("""
        CREATE TABLE slot_counters (
            brand text NOT NULL,
            name text NOT NULL,
            owner text NOT NULL,
            period text NOT NULL,
            value bigint NOT NULL DEFAULT 0,
            PRIMARY KEY (brand, name, owner, period),
            CONSTRAINT counts_are_not_negative CHECK (value >= 0)
        ) WITH (fillfactor = 80)""")
    op.execute("CREATE INDEX slot_counters_of_owner ON slot_counters (brand, owner)")
    secure("slot_counters", grants="SELECT, INSERT, UPDATE (value)")
    op.execute("""
        CREATE TABLE learners (
            brand text NOT NULL,
            slot text NOT NULL,
            lessons bigint NOT NULL DEFAULT 0,
            epoch integer NOT NULL DEFAULT 0,
            version integer NOT NULL DEFAULT 0,
            kept bigint NOT NULL DEFAULT 0,
            policy text NOT NULL DEFAULT '',
            configuration bytea NOT NULL DEFAULT '',
            PRIMARY KEY (brand, slot)
        ) WITH (fillfactor = 80)""")
    secure("learners", grants="SELECT, INSERT, UPDATE (lessons, epoch, version, kept, policy, configuration)")
    op.execute("ALTER TABLE learners NO FORCE ROW LEVEL SECURITY")
    op.execute("""
        INSERT INTO learners (brand, slot, lessons)
        SELECT brand, slot, max(lesson) FROM outcomes GROUP BY brand, slot""")
    op.execute("""
        CREATE TABLE model_versions (
            brand text NOT NULL,
            slot text NOT NULL,
            version integer NOT NULL,
            epoch integer NOT NULL,
            lessons bigint NOT NULL,
            state bytea NOT NULL,
            restored_from integer NOT NULL,
            key text,
            made_at timestamptz NOT NULL,
            PRIMARY KEY (brand, slot, version),
            UNIQUE (brand, slot, key)
        )""")
    secure("model_versions", grants="SELECT, INSERT")
    op.execute("""
        CREATE TABLE candidates (
            brand text NOT NULL,
            slot text NOT NULL,
            candidate text NOT NULL,
            configuration bytea NOT NULL,
            created_by text NOT NULL,
            created_at timestamptz NOT NULL,
            PRIMARY KEY (brand, slot, candidate)
        )""")
    secure("candidates", grants="SELECT, INSERT")
    op.execute("""
        CREATE TABLE promotions (
            brand text NOT NULL,
            slot text NOT NULL,
            number integer NOT NULL,
            candidate text NOT NULL,
            evaluation bytea,
            override_reason text NOT NULL,
            promoted_by text NOT NULL,
            promoted_at timestamptz NOT NULL,
            PRIMARY KEY (brand, slot, number),
            FOREIGN KEY (brand, slot, candidate) REFERENCES candidates (brand, slot, candidate)
        )""")
    secure("promotions", grants="SELECT, INSERT")
    op.execute("DROP TABLE models")
    for table in FILLED:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    # What a member was offered goes with their decisions; only outcomes that a model learnt from stay, under the alias.
    create_owners_function(
        "erase_slots_of_member(text, text) RETURNS void",
        """
        UPDATE slot_counters SET value = value - given.amount
        FROM (
            SELECT part ->> 0 AS name, part ->> 1 AS period, sum((part ->> 2)::bigint) AS amount
            FROM pending JOIN decisions USING (brand, decision), jsonb_array_elements(taken) AS part
            WHERE pending.brand = current_setting('laurels.brand') AND pending.member = $1
                AND $1 IN (SELECT member FROM erasing WHERE brand = current_setting('laurels.brand'))
            GROUP BY 1, 2
        ) AS given
        WHERE slot_counters.brand = current_setting('laurels.brand') AND slot_counters.owner = ''
            AND slot_counters.name = given.name AND slot_counters.period = given.period;
        DELETE FROM slot_counters WHERE brand = current_setting('laurels.brand') AND owner = $1
            AND $1 IN (SELECT member FROM erasing WHERE brand = current_setting('laurels.brand'));
        DELETE FROM pending WHERE brand = current_setting('laurels.brand') AND member = $1
            AND $1 IN (SELECT member FROM erasing WHERE brand = current_setting('laurels.brand'))""",
    )
