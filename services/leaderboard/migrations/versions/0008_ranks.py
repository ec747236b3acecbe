"""Ranks that goals of missions ask for, as they were told while a period was open."""

from alembic import op

from chassis.migrations import app_role, secure

revision = "0008"
down_revision = "0007"

BRAND = "current_setting('laurels.brand')"
ERASING = f"SELECT member FROM erasing WHERE brand = {BRAND}"  # noqa: S608
# As before, and besides what was told of the member's ranks.
ERASE = f"""
    DELETE FROM board_facts USING (SELECT board, period FROM scores WHERE brand = {BRAND} AND member = $1) AS scored
        WHERE board_facts.brand = {BRAND} AND board_facts.board = scored.board AND board_facts.period = scored.period
        AND board_facts.member = $1 AND $1 IN ({ERASING});
    DELETE FROM scores WHERE brand = {BRAND} AND member = $1 AND $1 IN ({ERASING});
    DELETE FROM board_removals WHERE brand = {BRAND} AND member = $1 AND $1 IN ({ERASING});
    UPDATE board_standings SET member = $2
        WHERE brand = {BRAND} AND member = $1
        AND ($1, $2) IN (SELECT member, alias FROM erasing WHERE brand = {BRAND});
    UPDATE group_standings SET member = $2
        WHERE brand = {BRAND} AND member = $1
        AND ($1, $2) IN (SELECT member, alias FROM erasing WHERE brand = {BRAND});
    UPDATE board_changes SET changes = convert_to(
            replace(convert_from(changes, 'UTF8'), '"' || $1 || '"', '"' || $2 || '"'), 'UTF8')
        WHERE brand = {BRAND} AND position(convert_to('"' || $1 || '"', 'UTF8') IN changes) > 0
        AND ($1, $2) IN (SELECT member, alias FROM erasing WHERE brand = {BRAND});
    DELETE FROM known_members WHERE brand = {BRAND} AND member = $1 AND $1 IN ({ERASING});
    DELETE FROM scratch_counts WHERE brand = {BRAND} AND member = $1 AND $1 IN ({ERASING});
    DELETE FROM league_members WHERE brand = {BRAND} AND member = $1 AND $1 IN ({ERASING});
    UPDATE league_seats SET member = $2
        WHERE brand = {BRAND} AND member = $1
        AND ($1, $2) IN (SELECT member, alias FROM erasing WHERE brand = {BRAND});
    DELETE FROM league_waiting WHERE brand = {BRAND} AND member = $1 AND $1 IN ({ERASING});
    DELETE FROM ranks_told WHERE brand = {BRAND} AND member = $1 AND $1 IN ({ERASING});
    DELETE FROM parked_cards WHERE brand = {BRAND} AND member = $1 AND $1 IN ({ERASING});
    UPDATE scratch_cards SET member = $2, cause = ''
        WHERE brand = {BRAND} AND member = $1
        AND ($1, $2) IN (SELECT member, alias FROM erasing WHERE brand = {BRAND})"""  # noqa: S608


def upgrade() -> None:
    op.execute("""
        CREATE TABLE ranks_told (
            brand text NOT NULL,
            board text NOT NULL,
            period bigint NOT NULL,
            member text COLLATE "C" NOT NULL,
            rank bigint NOT NULL,
            told_at timestamptz NOT NULL,
            PRIMARY KEY (brand, board, period, member),
            CONSTRAINT rank_counts_from_one CHECK (rank > 0)
        )""")
    op.execute("CREATE INDEX ranks_told_of_member ON ranks_told (brand, member)")
    secure("ranks_told", grants="SELECT, INSERT, UPDATE (rank, told_at)")
    op.execute(
        "CREATE OR REPLACE FUNCTION erase_member(text, text) RETURNS void LANGUAGE sql VOLATILE "
        f"SECURITY DEFINER SET search_path = public, pg_temp AS $body$ {ERASE} $body$"
    )
    op.execute(f"GRANT EXECUTE ON FUNCTION erase_member(text, text) TO {app_role()}")
