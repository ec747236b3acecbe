"""Redemptions, coupon codes and boosters."""

from alembic import op

from chassis.migrations import app_role, secure

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE redemptions (
            brand text NOT NULL,
            redemption text NOT NULL,
            member text NOT NULL,
            reward text NOT NULL,
            kind integer NOT NULL,
            state integer NOT NULL,
            currency text NOT NULL,
            price bigint NOT NULL,
            code text NOT NULL,
            menu text NOT NULL,
            reference text NOT NULL,
            digest bytea NOT NULL,
            lots jsonb,
            counted jsonb NOT NULL,
            credited_currency text NOT NULL,
            credited bigint NOT NULL,
            redeemed_at timestamptz NOT NULL,
            changed_at timestamptz NOT NULL,
            expires_at timestamptz,
            programme_version integer NOT NULL,
            PRIMARY KEY (brand, redemption),
            CONSTRAINT price_is_not_negative CHECK (price >= 0),
            CONSTRAINT credited_is_not_negative CHECK (credited >= 0)
        )""")
    op.execute("CREATE INDEX redemptions_of_member ON redemptions (brand, member, redeemed_at, redemption)")
    op.execute("CREATE INDEX redemptions_due ON redemptions (expires_at) WHERE state = 1")
    secure("redemptions", grants="SELECT, INSERT, UPDATE (state, changed_at, member, reference)", every_brand="SELECT")
    op.execute("CREATE SEQUENCE reward_codes_place_seq")
    op.execute("""
        CREATE TABLE reward_codes (
            brand text NOT NULL,
            code text NOT NULL,
            reward text NOT NULL,
            place bigint NOT NULL DEFAULT nextval('reward_codes_place_seq'),
            state integer NOT NULL,
            redemption text NOT NULL,
            PRIMARY KEY (brand, code),
            CONSTRAINT issued_to_one CHECK ((state = 1) = (redemption = ''))
        )""")
    # Codes are issued in the order of their places.
    op.execute("CREATE INDEX reward_codes_free ON reward_codes (brand, reward, place) WHERE state = 1")
    secure("reward_codes", grants="SELECT, INSERT, UPDATE (state, redemption)")
    op.execute(f"GRANT USAGE ON SEQUENCE reward_codes_place_seq TO {app_role()}")
    op.execute("""
        CREATE TABLE boosters (
            brand text NOT NULL,
            booster text NOT NULL,
            member text NOT NULL,
            percent integer NOT NULL,
            currencies text[] NOT NULL,
            starts_at timestamptz NOT NULL,
            ends_at timestamptz NOT NULL,
            PRIMARY KEY (brand, booster)
        )""")
    op.execute("CREATE INDEX boosters_of_member ON boosters (brand, member)")
    secure("boosters", grants="SELECT, INSERT, UPDATE (ends_at, member)")
