"""What is told of members, and boards in full."""

from alembic import op

from chassis.migrations import app_role, secure

revision = "0003"
down_revision = "0002"

BRAND = "current_setting('laurels.brand')"
ERASING = f"SELECT member FROM erasing WHERE brand = {BRAND}"  # noqa: S608
ERASE = f"""
    WITH gone AS (
        DELETE FROM scores USING (SELECT DISTINCT board FROM board_sizes WHERE brand = {BRAND}) AS boards
        WHERE scores.brand = {BRAND} AND scores.board = boards.board AND scores.member = $1 AND $1 IN ({ERASING})
        RETURNING scores.board
    )
    INSERT INTO board_sizes (brand, board, stripe, members)
    SELECT {BRAND}, board, $3, -1 FROM gone ORDER BY board
    ON CONFLICT (brand, board, stripe) DO UPDATE SET members = board_sizes.members + excluded.members;
    DELETE FROM known_members WHERE brand = {BRAND} AND member = $1 AND $1 IN ({ERASING});
    DELETE FROM scratch_cards WHERE brand = {BRAND} AND member = $1 AND prize IS NULL AND $1 IN ({ERASING});
    UPDATE scratch_cards SET member = $2, cause = ''
    WHERE brand = {BRAND} AND member = $1
        AND ($1, $2) IN (SELECT member, alias FROM erasing WHERE brand = {BRAND})"""  # noqa: S608


def upgrade() -> None:
    op.execute("""
        CREATE TABLE known_members (
            brand text NOT NULL,
            member text COLLATE "C" NOT NULL,
            tier text NOT NULL,
            leaderboards boolean,
            attributes jsonb NOT NULL,
            segments jsonb NOT NULL,
            PRIMARY KEY (brand, member)
        )""")
    secure("known_members", grants="SELECT, INSERT, UPDATE (tier, leaderboards, attributes, segments)")
    op.execute(
        "CREATE OR REPLACE FUNCTION erase_member(text, text, integer) RETURNS void LANGUAGE sql VOLATILE "
        f"SECURITY DEFINER SET search_path = public, pg_temp AS $body$ {ERASE} $body$"
    )
    op.execute(f"GRANT EXECUTE ON FUNCTION erase_member(text, text, integer) TO {app_role()}")
