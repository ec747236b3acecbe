"""Groups, and members who bring members."""

from alembic import op

from chassis.migrations import secure

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE groups (
            brand text NOT NULL,
            "group" text NOT NULL,
            kind text NOT NULL,
            name text NOT NULL,
            owner text NOT NULL,
            state integer NOT NULL,
            size integer NOT NULL,
            made_at timestamptz NOT NULL,
            digest bytea NOT NULL,
            ended_digest bytea NOT NULL,
            PRIMARY KEY (brand, "group"),
            CONSTRAINT size_is_not_negative CHECK (size >= 0)
        )""")
    secure("groups", grants="SELECT, INSERT, UPDATE (owner, state, size, ended_digest)")
    op.execute("""
        CREATE TABLE group_members (
            brand text NOT NULL,
            member text NOT NULL,
            "group" text NOT NULL,
            kind text NOT NULL,
            role integer NOT NULL,
            state integer NOT NULL,
            contributed jsonb NOT NULL,
            joined_at timestamptz,
            PRIMARY KEY (brand, member, "group")
        )""")
    op.execute('CREATE INDEX group_members_of_group ON group_members (brand, "group", member) WHERE state < 3')
    op.execute("CREATE UNIQUE INDEX one_group_of_a_kind ON group_members (brand, member, kind) WHERE state = 2")
    secure("group_members", grants="SELECT, INSERT, UPDATE (role, state, contributed, joined_at, member)")
    op.execute("""
        CREATE TABLE referral_secrets (
            brand text NOT NULL,
            secret bytea NOT NULL,
            PRIMARY KEY (brand)
        )""")
    secure("referral_secrets", grants="SELECT, INSERT")
    op.execute("""
        CREATE TABLE referral_codes (
            brand text NOT NULL,
            code text NOT NULL,
            member text NOT NULL,
            PRIMARY KEY (brand, code),
            CONSTRAINT one_code_a_member UNIQUE (brand, member)
        )""")
    secure("referral_codes", grants="SELECT, INSERT, UPDATE (member)")
    op.execute("""
        CREATE TABLE referrals (
            brand text NOT NULL,
            referee text NOT NULL,
            referrer text NOT NULL,
            code text NOT NULL,
            state integer NOT NULL,
            claimed_at timestamptz,
            activity text NOT NULL,
            referrer_amount bigint NOT NULL,
            referee_amount bigint NOT NULL,
            capped boolean NOT NULL,
            completed_at timestamptz,
            PRIMARY KEY (brand, referee),
            CONSTRAINT nobody_refers_themselves CHECK (referee <> referrer)
        )""")
    op.execute("CREATE INDEX referrals_of_referrer ON referrals (brand, referrer) WHERE referrer <> ''")
    secure(
        "referrals",
        grants="SELECT, INSERT, UPDATE (state, activity, referrer_amount, referee_amount, capped, completed_at, "
        "referee, referrer)",
    )
