"""Grants and holds of other services, anniversaries, and the sweep over particulars that a new version asks for."""

from alembic import op

from chassis.migrations import app_role, secure

revision = "0010"
down_revision = "0009"

BRAND = "current_setting('laurels.brand')"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE parked_grants (
            brand text NOT NULL,
            "grant" text NOT NULL,
            key text NOT NULL,
            place integer NOT NULL,
            effect text NOT NULL,
            member text NOT NULL,
            currency text NOT NULL,
            amount bigint NOT NULL,
            reward text NOT NULL,
            reason integer NOT NULL,
            reference text NOT NULL,
            occurred_at timestamptz NOT NULL,
            programme_version integer NOT NULL,
            state integer NOT NULL,
            code text NOT NULL,
            detail text NOT NULL,
            redemption text NOT NULL,
            parked_at timestamptz NOT NULL,
            decided_at timestamptz,
            decision_key text,
            decision_digest bytea,
            note text NOT NULL,
            PRIMARY KEY (brand, "grant"),
            CONSTRAINT points_or_reward CHECK (currency = '' OR reward = '')
        )""")
    op.execute('CREATE INDEX parked_grants_by_state ON parked_grants (brand, state, parked_at, "grant")')
    op.execute("CREATE INDEX parked_grants_of_member ON parked_grants (brand, member)")
    op.execute(
        "CREATE UNIQUE INDEX parked_grants_decision ON parked_grants (brand, decision_key) "
        "WHERE decision_key IS NOT NULL"
    )
    decided = "state, redemption, decided_at, decision_key, decision_digest, note"
    secure("parked_grants", grants=f"SELECT, INSERT, UPDATE ({decided})")
    op.execute("""
        CREATE TABLE given_rewards (
            brand text NOT NULL,
            key text NOT NULL,
            member text NOT NULL,
            redemption text NOT NULL,
            given_at timestamptz NOT NULL,
            PRIMARY KEY (brand, key)
        )""")
    op.execute("CREATE INDEX given_rewards_of_member ON given_rewards (brand, member)")
    secure("given_rewards", grants="SELECT, INSERT")
    op.execute("""
        CREATE TABLE hold_requests (
            brand text NOT NULL,
            key text NOT NULL,
            member text NOT NULL,
            hold text NOT NULL,
            code text NOT NULL,
            ended integer NOT NULL,
            due_at timestamptz,
            decided_at timestamptz NOT NULL,
            ended_at timestamptz,
            PRIMARY KEY (brand, key),
            CONSTRAINT held_or_refused CHECK ((hold = '') <> (code = ''))
        )""")
    op.execute("CREATE UNIQUE INDEX hold_requests_hold ON hold_requests (brand, hold) WHERE hold <> ''")
    op.execute("CREATE INDEX hold_requests_of_member ON hold_requests (brand, member)")
    op.execute("CREATE INDEX hold_requests_due ON hold_requests (due_at) WHERE due_at IS NOT NULL")
    secure("hold_requests", grants="SELECT, INSERT, UPDATE (ended, due_at, ended_at)", every_brand="SELECT")
    op.execute("""
        CREATE TABLE anniversaries (
            brand text NOT NULL,
            member text NOT NULL,
            attribute text NOT NULL,
            on_date date NOT NULL,
            zone text NOT NULL,
            told_until date NOT NULL,
            due_at timestamptz,
            PRIMARY KEY (brand, member, attribute)
        )""")
    op.execute("CREATE INDEX anniversaries_due ON anniversaries (due_at) WHERE due_at IS NOT NULL")
    secure(
        "anniversaries",
        grants="SELECT, INSERT, UPDATE (on_date, zone, told_until, due_at), DELETE",
        every_brand="SELECT",
    )
    op.execute("""
        CREATE TABLE particulars_sweeps (
            brand text NOT NULL,
            names text[] NOT NULL,
            done_to text NOT NULL,
            PRIMARY KEY (brand)
        )""")
    secure("particulars_sweeps", grants="SELECT, INSERT, UPDATE (names, done_to), DELETE", every_brand="SELECT")
    being_erased = f"($1, $2) IN (SELECT member, alias FROM erasing WHERE brand = {BRAND})"  # noqa: S608
    body = f"""
        UPDATE accounts SET owner = $2 WHERE brand = {BRAND} AND owner = $1 AND {being_erased};
        UPDATE holds SET member = $2, reference = '', digest = ''
            WHERE brand = {BRAND} AND member = $1 AND {being_erased};
        UPDATE pending_lots SET member = $2 WHERE brand = {BRAND} AND member = $1 AND {being_erased};
        UPDATE counters SET owner = $2 WHERE brand = {BRAND} AND owner = $1 AND {being_erased};
        DELETE FROM refunds WHERE brand = {BRAND} AND member = $1 AND {being_erased};
        DELETE FROM tier_standings WHERE brand = {BRAND} AND member = $1 AND {being_erased};
        DELETE FROM tier_buckets WHERE brand = {BRAND} AND member = $1 AND {being_erased};
        DELETE FROM tier_subscriptions WHERE brand = {BRAND} AND member = $1 AND {being_erased};
        DELETE FROM tier_history WHERE brand = {BRAND} AND member = $1 AND {being_erased};
        UPDATE redemptions SET member = $2, reference = '', digest = ''
            WHERE brand = {BRAND} AND member = $1 AND {being_erased};
        DELETE FROM boosters WHERE brand = {BRAND} AND member = $1 AND {being_erased};
        UPDATE groups SET owner = $2 WHERE brand = {BRAND} AND owner = $1 AND {being_erased};
        UPDATE group_members SET member = $2 WHERE brand = {BRAND} AND member = $1 AND {being_erased};
        DELETE FROM referral_codes WHERE brand = {BRAND} AND member = $1 AND {being_erased};
        UPDATE referrals SET referee = $2, code = '' WHERE brand = {BRAND} AND referee = $1 AND {being_erased};
        UPDATE referrals SET referrer = $2, code = '' WHERE brand = {BRAND} AND referrer = $1 AND {being_erased};
        UPDATE entries SET key = '!' || id, digest = ''
            WHERE brand = {BRAND} AND key = 'referral:' || $1 || ':' || 'referrer' AND {being_erased};
        UPDATE entries SET key = '!' || id, digest = '', reference = ''
            WHERE brand = {BRAND} AND starts_with(key, 'group-spend:' || $1 || ':') AND {being_erased};
        DELETE FROM parked_grants WHERE brand = {BRAND} AND member = $1 AND {being_erased};
        DELETE FROM given_rewards WHERE brand = {BRAND} AND member = $1 AND {being_erased};
        DELETE FROM hold_requests WHERE brand = {BRAND} AND member = $1 AND {being_erased};
        DELETE FROM anniversaries WHERE brand = {BRAND} AND member = $1 AND {being_erased};
        DELETE FROM consent_records WHERE brand = {BRAND} AND member = $1 AND {being_erased};
        DELETE FROM member_particulars WHERE brand = {BRAND} AND member = $1 AND {being_erased};
        DELETE FROM members WHERE brand = {BRAND} AND member = $1 AND {being_erased}"""  # noqa: S608
    op.execute(
        "CREATE OR REPLACE FUNCTION erase_member(text, text) RETURNS void LANGUAGE sql VOLATILE SECURITY DEFINER "
        f"SET search_path = public, pg_temp AS $body$ {body} $body$"
    )
    op.execute(f"GRANT EXECUTE ON FUNCTION erase_member(text, text) TO {app_role()}")
