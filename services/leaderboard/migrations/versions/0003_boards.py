"""What is told of members, and boards in full: facts, periods, standings, and changes for the replicas' ranks."""

from alembic import op

from chassis.migrations import app_role, create_answers_table, secure

revision = "0003"
down_revision = "0002"

BRAND = "current_setting('laurels.brand')"
ERASING = f"(SELECT member FROM erasing WHERE brand = {BRAND})"  # noqa: S608
# A member's facts are found by the boards and periods that they have scores in,
# since no index of them begins with the member: it would cost every fact.
# A standing keeps its place under the alias. What replicas were told of the
# member within the last minute is told of the alias, which they pass over.
ERASE = f"""
    DELETE FROM board_facts USING (SELECT board, period FROM scores WHERE brand = {BRAND} AND member = $1) AS scored
        WHERE board_facts.brand = {BRAND} AND board_facts.board = scored.board AND board_facts.period = scored.period
        AND board_facts.member = $1 AND $1 IN {ERASING};
    DELETE FROM scores WHERE brand = {BRAND} AND member = $1 AND $1 IN {ERASING};
    DELETE FROM board_removals WHERE brand = {BRAND} AND member = $1 AND $1 IN {ERASING};
    UPDATE board_standings SET member = $2
        WHERE brand = {BRAND} AND member = $1
        AND ($1, $2) IN (SELECT member, alias FROM erasing WHERE brand = {BRAND});
    UPDATE board_changes SET changes = convert_to(
            replace(convert_from(changes, 'UTF8'), '"' || $1 || '"', '"' || $2 || '"'), 'UTF8')
        WHERE brand = {BRAND} AND position(convert_to('"' || $1 || '"', 'UTF8') IN changes) > 0
        AND ($1, $2) IN (SELECT member, alias FROM erasing WHERE brand = {BRAND});
    DELETE FROM known_members WHERE brand = {BRAND} AND member = $1 AND $1 IN {ERASING};
    DELETE FROM scratch_cards WHERE brand = {BRAND} AND member = $1 AND prize IS NULL AND $1 IN {ERASING};
    UPDATE scratch_cards SET member = $2, cause = ''
        WHERE brand = {BRAND} AND member = $1
        AND ($1, $2) IN (SELECT member, alias FROM erasing WHERE brand = {BRAND})"""  # noqa: S608


def upgrade() -> None:
    create_answers_table()
    # Nothing was released that wrote what is dropped here and in the next revision; later ones only expand.
    op.execute("""
        -- squawk-ignore-file ban-drop-default, ban-drop-constraint, ban-drop-table, ban-drop-function
        -- squawk-ignore-file prefer-bigint-over-smallint, require-concurrent-index-deletion, adding-not-nullable-field
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
    _create_boards()
    op.execute("DROP FUNCTION erase_member(text, text, integer)")
    op.execute(
        "CREATE FUNCTION erase_member(text, text) RETURNS void LANGUAGE sql VOLATILE "
        f"SECURITY DEFINER SET search_path = public, pg_temp AS $body$ {ERASE} $body$"
    )
    op.execute("REVOKE ALL ON FUNCTION erase_member(text, text) FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION erase_member(text, text) TO {app_role()}")


def _create_boards() -> None:
    # Ranks are in the replicas' memory: no index follows the scores, and their
    # changes move no index entry.
    op.execute("DROP INDEX scores_order")
    op.execute("DROP TABLE board_sizes")
    op.execute("""
        ALTER TABLE scores
            ADD COLUMN period bigint NOT NULL DEFAULT 0,
            ADD COLUMN sub_score bigint NOT NULL DEFAULT 0,
            ADD COLUMN moves bigint NOT NULL DEFAULT 1,
            ADD COLUMN window_at bigint NOT NULL DEFAULT 0,
            ADD COLUMN window_count integer NOT NULL DEFAULT 0,
            ADD COLUMN seen jsonb,
            DROP CONSTRAINT score_is_a_json_number,
            DROP CONSTRAINT scores_pkey,
            ADD PRIMARY KEY (brand, board, period, member),
            ADD CONSTRAINT score_is_a_json_number
                CHECK (abs(score) < 9007199254740992 AND abs(sub_score) < 9007199254740992)""")
    for column in ("period", "sub_score", "moves", "window_at", "window_count"):
        op.execute(f"ALTER TABLE scores ALTER COLUMN {column} DROP DEFAULT")
    op.execute("ALTER TABLE scores SET (fillfactor = 80)")
    op.execute("CREATE INDEX scores_of_member ON scores (brand, member)")
    op.execute("REVOKE ALL ON scores FROM " + app_role())
    columns = "score, sub_score, reached_at, moves, window_at, window_count, seen"
    op.execute(f"GRANT SELECT, INSERT, UPDATE ({columns}) ON scores TO {app_role()}")
    op.execute("""
        CREATE TABLE board_facts (
            brand text NOT NULL,
            board text NOT NULL,
            period bigint NOT NULL,
            member text COLLATE "C" NOT NULL,
            id bigint GENERATED ALWAYS AS IDENTITY,
            score bigint NOT NULL,
            sub_score bigint NOT NULL,
            occurred_at timestamptz NOT NULL,
            value text NOT NULL,
            source smallint NOT NULL,
            PRIMARY KEY (brand, board, period, member, id)
        )""")
    # What was there before facts were kept is one fact a score.
    op.execute("ALTER TABLE scores NO FORCE ROW LEVEL SECURITY")
    op.execute("""
        INSERT INTO board_facts (brand, board, period, member, score, sub_score, occurred_at, value, source)
        SELECT brand, board, period, member, score, sub_score, reached_at, '', 2 FROM scores""")
    op.execute("ALTER TABLE scores FORCE ROW LEVEL SECURITY")
    secure("board_facts", grants="SELECT, INSERT")
    op.execute("""
        CREATE TABLE board_periods (
            brand text NOT NULL,
            board text NOT NULL,
            period bigint NOT NULL,
            ends_at timestamptz,
            closes_at timestamptz,
            state smallint NOT NULL,
            members bigint NOT NULL,
            archived bigint NOT NULL,
            version integer NOT NULL,
            closed_at timestamptz,
            PRIMARY KEY (brand, board, period),
            CONSTRAINT archived_is_within_members CHECK (archived >= 0 AND archived <= members)
        )""")
    op.execute("CREATE INDEX board_periods_due ON board_periods (closes_at) WHERE state < 3 AND closes_at IS NOT NULL")
    op.execute("ALTER TABLE scores NO FORCE ROW LEVEL SECURITY")
    op.execute("""
        INSERT INTO board_periods (brand, board, period, state, members, archived, version)
        SELECT DISTINCT brand, board, period, 1, 0, 0, 0 FROM scores""")
    op.execute("ALTER TABLE scores FORCE ROW LEVEL SECURITY")
    secure(
        "board_periods",
        grants="SELECT, INSERT, UPDATE (state, members, archived, version, closed_at)",
        every_brand="SELECT",
    )
    op.execute("""
        CREATE TABLE board_standings (
            brand text NOT NULL,
            board text NOT NULL,
            period bigint NOT NULL,
            place bigint NOT NULL,
            rank bigint NOT NULL,
            member text COLLATE "C" NOT NULL,
            score bigint NOT NULL,
            sub_score bigint NOT NULL,
            reached_at timestamptz NOT NULL,
            PRIMARY KEY (brand, board, period, place)
        )""")
    op.execute("CREATE UNIQUE INDEX board_standings_of_member ON board_standings (brand, member, period, board)")
    secure("board_standings", grants="SELECT, INSERT")
    op.execute("""
        CREATE TABLE board_removals (
            brand text NOT NULL,
            board text NOT NULL,
            member text COLLATE "C" NOT NULL,
            removed boolean NOT NULL,
            reason text NOT NULL,
            changed_at timestamptz NOT NULL,
            PRIMARY KEY (brand, board, member)
        )""")
    op.execute("CREATE INDEX board_removals_of_member ON board_removals (brand, member)")
    secure("board_removals", grants="SELECT, INSERT, UPDATE (removed, reason, changed_at)")
    op.execute("""
        CREATE TABLE board_changes (
            brand text NOT NULL,
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            transaction bigint NOT NULL DEFAULT (pg_current_xact_id()::text)::bigint,
            made_at timestamptz NOT NULL DEFAULT now(),
            changes bytea NOT NULL
        )""")
    op.execute("CREATE INDEX board_changes_by_transaction ON board_changes (transaction)")
    secure("board_changes", grants="SELECT, INSERT, DELETE", every_brand="ALL")
