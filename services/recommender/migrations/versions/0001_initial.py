"""The first schema of the recommender service."""

from alembic import op

from chassis.migrations import create_chassis_tables, secure

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_chassis_tables()
    # Room for updates in place: a profile's row changes with every activity.
    op.execute("""
        CREATE TABLE profiles (
            brand text NOT NULL,
            member text NOT NULL,
            activities bigint NOT NULL,
            amount numeric(40) NOT NULL,
            first_at timestamptz,
            last_at timestamptz,
            tier text NOT NULL,
            tier_event bigint NOT NULL,
            PRIMARY KEY (brand, member)
        ) WITH (fillfactor = 80)""")
    secure("profiles", grants="SELECT, INSERT, UPDATE")
    op.execute("""
        CREATE TABLE models (
            brand text NOT NULL,
            slot text NOT NULL,
            reward text NOT NULL,
            version integer NOT NULL,
            mean float8[] NOT NULL,
            precision float8[] NOT NULL,
            updates bigint NOT NULL,
            PRIMARY KEY (brand, slot, reward),
            CONSTRAINT updates_are_counted CHECK (updates >= 0)
        )""")
    secure("models", grants="SELECT, INSERT, UPDATE (version, mean, precision, updates)")
    op.execute("""
        CREATE TABLE decisions (
            brand text NOT NULL,
            decision text NOT NULL,
            member text NOT NULL,
            slot text NOT NULL,
            reward text NOT NULL,
            place integer NOT NULL,
            propensity float8 NOT NULL,
            explored boolean NOT NULL,
            features float8[] NOT NULL,
            model_version integer NOT NULL,
            programme_version integer NOT NULL,
            decided_at timestamptz NOT NULL,
            PRIMARY KEY (brand, decision),
            CONSTRAINT propensity_is_a_probability CHECK (propensity > 0 AND propensity <= 1)
        )""")
    op.execute("CREATE INDEX decisions_of_reward ON decisions (brand, slot, reward)")
    # What was decided and what followed stay: the application may add and read, nothing else.
    secure("decisions", grants="SELECT, INSERT")
    op.execute("""
        CREATE TABLE outcomes (
            brand text NOT NULL,
            decision text NOT NULL,
            slot text NOT NULL,
            reward text NOT NULL,
            value float8 NOT NULL,
            updates bigint NOT NULL,
            recorded_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (brand, decision),
            CONSTRAINT outcomes_of_decision FOREIGN KEY (brand, decision) REFERENCES decisions (brand, decision),
            CONSTRAINT outcomes_in_order UNIQUE (brand, slot, reward, updates),
            CONSTRAINT value_within_bounds CHECK (value >= 0 AND value <= 1)
        )""")
    secure("outcomes", grants="SELECT, INSERT")
