"""Leagues: how far they are, members' divisions, seats in cohorts, who waits, and closed periods."""

from alembic import op

from chassis.migrations import app_role, secure

revision = "0005"
down_revision = "0004"

BRAND = "current_setting('laurels.brand')"
ERASING = f"SELECT member FROM erasing WHERE brand = {BRAND}"  # noqa: S608
# As before, and of leagues what there is, in the order in which others lock it. A
# seat stays under the alias, as a place in a standing does: others' ranks and
# zones build on it.
ERASE = f"""
    DELETE FROM board_facts USING (SELECT board, period FROM scores WHERE brand = {BRAND} AND member = $1) AS scored
        WHERE board_facts.brand = {BRAND} AND board_facts.board = scored.board AND board_facts.period = scored.period
        AND board_facts.member = $1 AND $1 IN ({ERASING});
    DELETE FROM scores WHERE brand = {BRAND} AND member = $1 AND $1 IN ({ERASING});
    DELETE FROM board_removals WHERE brand = {BRAND} AND member = $1 AND $1 IN ({ERASING});
    UPDATE board_standings SET member = $2
        WHERE brand = {BRAND} AND member = $1
        AND ($1, $2) IN (SELECT member, alias FROM erasing WHERE brand = {BRAND});
    DELETE FROM league_members WHERE brand = {BRAND} AND member = $1 AND $1 IN ({ERASING});
    UPDATE league_seats SET member = $2
        WHERE brand = {BRAND} AND member = $1
        AND ($1, $2) IN (SELECT member, alias FROM erasing WHERE brand = {BRAND});
    DELETE FROM league_waiting WHERE brand = {BRAND} AND member = $1 AND $1 IN ({ERASING});
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
        -- squawk-ignore-file prefer-bigint-over-smallint
        CREATE TABLE leagues (
            brand text NOT NULL,
            league text COLLATE "C" NOT NULL,
            period bigint NOT NULL,
            ends_at timestamptz NOT NULL,
            closes_at timestamptz NOT NULL,
            due_at timestamptz,
            state smallint NOT NULL,
            version integer NOT NULL,
            filling jsonb NOT NULL,
            PRIMARY KEY (brand, league),
            CONSTRAINT league_state_is_known CHECK (state >= 1 AND state <= 4)
        )""")
    op.execute("CREATE INDEX leagues_due ON leagues (due_at) WHERE due_at IS NOT NULL")
    # What is due is looked for in all brands at once.
    secure(
        "leagues",
        grants="SELECT, INSERT, UPDATE (period, ends_at, closes_at, due_at, state, version, filling)",
        every_brand="SELECT",
    )
    op.execute("""
        CREATE TABLE league_members (
            brand text NOT NULL,
            league text COLLATE "C" NOT NULL,
            member text COLLATE "C" NOT NULL,
            division text NOT NULL,
            skill bigint,
            idle integer NOT NULL,
            settled bigint NOT NULL,
            takes_part boolean,
            PRIMARY KEY (brand, league, member)
        )""")
    op.execute("CREATE INDEX league_members_of_member ON league_members (brand, member)")
    # Those for whom a period is still to be closed are found without looking at the others.
    op.execute("""
        CREATE INDEX league_members_to_settle ON league_members (brand, league, settled, member)
        WHERE division <> ''""")
    secure("league_members", grants="SELECT, INSERT, UPDATE (division, skill, idle, settled, takes_part)")
    op.execute("""
        CREATE TABLE league_seats (
            brand text NOT NULL,
            league text COLLATE "C" NOT NULL,
            period bigint NOT NULL,
            member text COLLATE "C" NOT NULL,
            division text COLLATE "C" NOT NULL,
            cohort integer NOT NULL,
            number integer NOT NULL,
            joined_at timestamptz NOT NULL,
            rank integer NOT NULL,
            score bigint NOT NULL,
            outcome smallint NOT NULL,
            to_division text NOT NULL,
            PRIMARY KEY (brand, league, period, member),
            CONSTRAINT seat_is_in_a_cohort CHECK (cohort > 0 AND number > 0 AND number <= 1000),
            CONSTRAINT rank_needs_an_outcome CHECK (rank = 0 OR outcome > 0)
        )""")
    op.execute("""
        CREATE UNIQUE INDEX league_seats_of_cohort ON league_seats (brand, league, period, division, cohort, number)""")
    op.execute("CREATE UNIQUE INDEX league_seats_of_member ON league_seats (brand, member, period, league)")
    op.execute("""
        CREATE INDEX league_seats_to_settle ON league_seats (brand, league, period, division, cohort)
        WHERE outcome = 0""")
    secure("league_seats", grants="SELECT, INSERT, UPDATE (rank, score, outcome, to_division)")
    op.execute("""
        CREATE TABLE league_waiting (
            brand text NOT NULL,
            league text COLLATE "C" NOT NULL,
            period bigint NOT NULL,
            member text COLLATE "C" NOT NULL,
            id bigint GENERATED ALWAYS AS IDENTITY,
            ends_at timestamptz NOT NULL,
            joined_at timestamptz NOT NULL,
            PRIMARY KEY (brand, league, period, member)
        )""")
    op.execute("CREATE INDEX league_waiting_in_order ON league_waiting (brand, league, period, id)")
    op.execute("CREATE INDEX league_waiting_of_member ON league_waiting (brand, member)")
    # UPDATE of what nothing changes: whoever seats somebody locks the row.
    secure("league_waiting", grants="SELECT, INSERT, DELETE, UPDATE (joined_at)")
    op.execute("""
        CREATE TABLE league_periods (
            brand text NOT NULL,
            league text COLLATE "C" NOT NULL,
            period bigint NOT NULL,
            ended_at timestamptz NOT NULL,
            closed_at timestamptz NOT NULL,
            version integer NOT NULL,
            members bigint NOT NULL,
            promoted bigint NOT NULL,
            demoted bigint NOT NULL,
            PRIMARY KEY (brand, league, period)
        )""")
    secure("league_periods", grants="SELECT, INSERT")
    op.execute(
        "CREATE OR REPLACE FUNCTION erase_member(text, text) RETURNS void LANGUAGE sql VOLATILE "
        f"SECURITY DEFINER SET search_path = public, pg_temp AS $body$ {ERASE} $body$"
    )
    op.execute(f"GRANT EXECUTE ON FUNCTION erase_member(text, text) TO {app_role()}")
