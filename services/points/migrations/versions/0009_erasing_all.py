"""An erasure reaches tiers, redemptions, boosters, refunds, groups and referrals, too."""

from alembic import op

from chassis.migrations import app_role

revision = "0009"
down_revision = "0008"

BRAND = "current_setting('laurels.brand')"


def upgrade() -> None:
    being_erased = f"($1, $2) IN (SELECT member, alias FROM erasing WHERE brand = {BRAND})"  # noqa: S608
    op.execute("CREATE INDEX refunds_of_member ON refunds (brand, member)")
    # What others' rows say of the member: the entry that rewarded who brought
    # them, and what they spent of a group's wallet.
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
        DELETE FROM consent_records WHERE brand = {BRAND} AND member = $1 AND {being_erased};
        DELETE FROM member_particulars WHERE brand = {BRAND} AND member = $1 AND {being_erased};
        DELETE FROM members WHERE brand = {BRAND} AND member = $1 AND {being_erased}"""  # noqa: S608
    op.execute(
        "CREATE OR REPLACE FUNCTION erase_member(text, text) RETURNS void LANGUAGE sql VOLATILE SECURITY DEFINER "
        f"SET search_path = public, pg_temp AS $body$ {body} $body$"
    )
    op.execute(f"GRANT EXECUTE ON FUNCTION erase_member(text, text) TO {app_role()}")
