"""The standings of groups within boards, and what becomes of cards that were parked."""

from alembic import op

from chassis.migrations import app_role, secure

revision = "0007"
down_revision = "0005"

BRAND = "current_setting('laurels.brand')"
ERASING = f"SELECT member FROM erasing WHERE brand = {BRAND}"  # noqa: S608
# As before, and besides the member's places in groups, which stay under the alias.
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
    DELETE FROM parked_cards WHERE brand = {BRAND} AND member = $1 AND $1 IN ({ERASING});
    UPDATE scratch_cards SET member = $2, cause = ''
        WHERE brand = {BRAND} AND member = $1
        AND ($1, $2) IN (SELECT member, alias FROM erasing WHERE brand = {BRAND})"""  # noqa: S608


def upgrade() -> None:
    op.execute("""
        CREATE TABLE board_groups (
            brand text NOT NULL,
            board text NOT NULL,
            period bigint NOT NULL,
            scope text COLLATE "C" NOT NULL,
            group_id text COLLATE "C" NOT NULL,
            members bigint NOT NULL,
            score bigint,
            place bigint,
            rank bigint,
            rewarded bigint NOT NULL,
            PRIMARY KEY (brand, board, period, scope, group_id),
            CONSTRAINT rewarded_is_within_members CHECK (rewarded >= 0 AND rewarded <= members)
        )""")
    op.execute("""
        CREATE UNIQUE INDEX board_groups_places ON board_groups (brand, board, period, scope, place)
            WHERE place IS NOT NULL""")
    secure("board_groups", grants="SELECT, INSERT, UPDATE (members, score, place, rank, rewarded)")
    op.execute("""
        CREATE TABLE group_standings (
            brand text NOT NULL,
            board text NOT NULL,
            period bigint NOT NULL,
            scope text COLLATE "C" NOT NULL,
            group_id text COLLATE "C" NOT NULL,
            place bigint NOT NULL,
            rank bigint NOT NULL,
            member text COLLATE "C" NOT NULL,
            score bigint NOT NULL,
            sub_score bigint NOT NULL,
            reached_at timestamptz NOT NULL,
            PRIMARY KEY (brand, board, period, scope, group_id, place)
        )""")
    op.execute("""
        CREATE UNIQUE INDEX group_standings_of_member
            ON group_standings (brand, member, period, board, scope, group_id)""")
    secure("group_standings", grants="SELECT, INSERT")
    # Decided on by an id, which follows from the key. A card's key keeps what was decided of it.
    # The table is written anew for that id; few cards are ever parked.
    op.execute("""
        -- squawk-ignore-file prefer-bigint-over-smallint, require-concurrent-index-creation
        -- squawk-ignore-file adding-field-with-default
        ALTER TABLE parked_cards
            ADD COLUMN parked text NOT NULL GENERATED ALWAYS AS (md5(key || '#' || place::text)) STORED,
            ADD COLUMN state smallint NOT NULL DEFAULT 1,
            ADD COLUMN decided_at timestamptz,
            ADD COLUMN card text NOT NULL DEFAULT '',
            ADD COLUMN decision_key text COLLATE "C" NOT NULL DEFAULT '',
            ADD COLUMN decision_digest bytea NOT NULL DEFAULT '',
            ADD COLUMN note text NOT NULL DEFAULT ''""")
    op.execute("CREATE UNIQUE INDEX parked_cards_by_id ON parked_cards (brand, parked)")
    op.execute("CREATE INDEX parked_cards_by_state ON parked_cards (brand, state, occurred_at, key, place)")
    op.execute("""
        CREATE UNIQUE INDEX parked_cards_decisions ON parked_cards (brand, decision_key) WHERE decision_key <> ''""")
    columns = "state, decided_at, card, decision_key, decision_digest, note"
    op.execute(f"GRANT UPDATE ({columns}) ON parked_cards TO {app_role()}")
    op.execute(
        "CREATE OR REPLACE FUNCTION erase_member(text, text) RETURNS void LANGUAGE sql VOLATILE "
        f"SECURITY DEFINER SET search_path = public, pg_temp AS $body$ {ERASE} $body$"
    )
    op.execute(f"GRANT EXECUTE ON FUNCTION erase_member(text, text) TO {app_role()}")
