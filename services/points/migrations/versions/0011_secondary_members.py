"""An erasure renames the activity of a referral with the activity, and empties the names of the member's groups."""

from alembic import op

from chassis.migrations import app_role

revision = "0011"
down_revision = "0010"

BRAND = "current_setting('laurels.brand')"


def upgrade() -> None:
    being_erased = f"($1, $2) IN (SELECT member, alias FROM erasing WHERE brand = {BRAND})"  # noqa: S608
    new_id = "'!' || left(encode(sha256(convert_to($3 || page.id, 'UTF8')), 'hex'), 32)"
    body = f"""
        WITH page AS (
            SELECT id FROM activities WHERE brand = {BRAND} AND member = $1 AND {being_erased} LIMIT $4
        ), lots AS (
            UPDATE pending_lots SET activity = {new_id}
            FROM page WHERE pending_lots.brand = {BRAND} AND pending_lots.member = $2
                AND pending_lots.activity = page.id
        ), referred AS (
            UPDATE referrals SET activity = {new_id}
            FROM page WHERE referrals.brand = {BRAND} AND referrals.referee = $2 AND referrals.activity = page.id
        ), done AS (
            UPDATE activities SET id = {new_id}, member = $2, attributes = '{{}}', digest = ''
            FROM page WHERE activities.brand = {BRAND} AND activities.id = page.id RETURNING 1
        )
        SELECT count(*) FROM done"""  # noqa: S608
    op.execute(
        "CREATE OR REPLACE FUNCTION scrub_activities(text, text, text, integer) RETURNS bigint LANGUAGE sql VOLATILE "
        f"SECURITY DEFINER SET search_path = public, pg_temp AS $body$ {body} $body$"
    )
    op.execute(f"GRANT EXECUTE ON FUNCTION scrub_activities(text, text, text, integer) TO {app_role()}")
    op.execute(f"GRANT UPDATE (name) ON groups TO {app_role()}")
