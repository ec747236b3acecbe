"""Members' particulars, consents and erasure."""

from alembic import op

from chassis.migrations import create_erasing_table, create_owners_function, secure

revision = "0006"
down_revision = "0005"

BRAND = "current_setting('laurels.brand')"


def upgrade() -> None:
    create_erasing_table()
    op.execute("""
        CREATE TABLE member_particulars (
            brand text NOT NULL,
            member text NOT NULL,
            attributes jsonb NOT NULL DEFAULT '{}',
            consents jsonb NOT NULL DEFAULT '{}',
            PRIMARY KEY (brand, member)
        )""")
    secure("member_particulars", grants="SELECT, INSERT, UPDATE (attributes, consents)")
    op.execute("""
        CREATE TABLE consent_records (
            brand text NOT NULL,
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            member text NOT NULL,
            purpose integer NOT NULL,
            granted boolean NOT NULL,
            text_version text NOT NULL,
            method text NOT NULL,
            giver integer NOT NULL,
            recorded_by text NOT NULL,
            recorded_at timestamptz NOT NULL
        )""")
    op.execute("CREATE INDEX consent_records_of_member ON consent_records (brand, member, id)")
    # What was consented to stays, unless its member is being erased.
    secure("consent_records", grants="SELECT, INSERT")
    op.execute("""
        CREATE TABLE erasures (
            brand text NOT NULL,
            erasure text NOT NULL,
            alias text NOT NULL,
            fingerprint bytea NOT NULL,
            salt text NOT NULL,
            state integer NOT NULL,
            scrubbed boolean NOT NULL DEFAULT false,
            receipts jsonb NOT NULL DEFAULT '[]',
            streams integer NOT NULL DEFAULT 0,
            requested_at timestamptz NOT NULL,
            completed_at timestamptz,
            PRIMARY KEY (brand, erasure),
            CONSTRAINT erasures_fingerprint UNIQUE (brand, fingerprint)
        )""")
    secure("erasures", grants="SELECT, INSERT, UPDATE (salt, state, scrubbed, receipts, streams, completed_at)")
    # What an export and an erasure find a member's rows by.
    op.execute("CREATE INDEX activities_of_member ON activities (brand, member)")
    op.execute("CREATE INDEX holds_of_member ON holds (brand, member)")
    op.execute("CREATE INDEX pending_lots_by_member ON pending_lots (brand, member)")
    op.execute("CREATE INDEX counters_of_owner ON counters (brand, owner)")
    being_erased = f"($1, $2) IN (SELECT member, alias FROM erasing WHERE brand = {BRAND})"  # noqa: S608
    create_owners_function(
        "erase_member(text, text) RETURNS void",
        f"""
        UPDATE accounts SET owner = $2 WHERE brand = {BRAND} AND owner = $1 AND {being_erased};
        UPDATE holds SET member = $2, reference = '', digest = ''
            WHERE brand = {BRAND} AND member = $1 AND {being_erased};
        UPDATE pending_lots SET member = $2 WHERE brand = {BRAND} AND member = $1 AND {being_erased};
        UPDATE counters SET owner = $2 WHERE brand = {BRAND} AND owner = $1 AND {being_erased};
        DELETE FROM consent_records WHERE brand = {BRAND} AND member = $1 AND {being_erased};
        DELETE FROM member_particulars WHERE brand = {BRAND} AND member = $1 AND {being_erased};
        DELETE FROM members WHERE brand = {BRAND} AND member = $1 AND {being_erased}""",  # noqa: S608
    )
    # Of an alias' entries the texts that callers chose go: keys, digests and
    # references. Keys that make reversals and ends of holds happen once stay,
    # and so does what ties an entry to its activity, under the activity's new id.
    create_owners_function(
        "scrub_entries(text, text, bigint, integer) RETURNS bigint",
        f"""
        WITH own AS (
            SELECT id FROM accounts WHERE brand = {BRAND} AND owner = $1 AND $1 LIKE '!%'
        ), page AS (
            SELECT id FROM (
                SELECT found.id FROM own CROSS JOIN LATERAL (
                    SELECT id FROM entries WHERE credit = own.id AND credit > 0 AND id > $3 ORDER BY id LIMIT $4
                ) AS found
                UNION
                SELECT found.id FROM own CROSS JOIN LATERAL (
                    SELECT id FROM entries WHERE debit = own.id AND debit > 0 AND id > $3 ORDER BY id LIMIT $4
                ) AS found
            ) AS either ORDER BY id LIMIT $4
        ), done AS (
            UPDATE entries SET
                key = CASE
                    WHEN key LIKE 'activity:%' THEN 'activity:' || {_new_id("substr(key, 10, length(key) - 10 - length(reference))")} || ':' || reference
                    WHEN key ~ '^(reverse|expire|hold|capture|release|activate|cancel|erase):' THEN key
                    ELSE '!' || entries.id END,
                reference = CASE WHEN key LIKE 'activity:%' THEN reference ELSE '' END,
                digest = ''
            FROM page WHERE entries.id = page.id AND key !~ '^(activity:![0-9a-f]{{32}}:|!)'
        )
        SELECT max(id) FROM page""",  # noqa: S608, E501
    )
    create_owners_function(
        "scrub_activities(text, text, text, integer) RETURNS bigint",
        f"""
        WITH page AS (
            SELECT id FROM activities WHERE brand = {BRAND} AND member = $1 AND {being_erased} LIMIT $4
        ), lots AS (
            UPDATE pending_lots SET activity = {_new_id("page.id", "$3")}
            FROM page WHERE pending_lots.brand = {BRAND} AND pending_lots.member = $2
                AND pending_lots.activity = page.id
        ), done AS (
            UPDATE activities SET id = {_new_id("page.id", "$3")}, member = $2, attributes = '{{}}', digest = ''
            FROM page WHERE activities.brand = {BRAND} AND activities.id = page.id RETURNING 1
        )
        SELECT count(*) FROM done""",  # noqa: S608
    )


def _new_id(name: str, salt: str = "$2") -> str:
    """What an activity is called after its member's erasure; without the salt, which goes, it leads to no id."""
    return f"'!' || left(encode(sha256(convert_to({salt} || {name}, 'UTF8')), 'hex'), 32)"
