"""Badges that come again and go, quizzes, levels, challenges and teams."""

from alembic import op

from chassis.migrations import app_role, create_owners_function, secure

revision = "0005"
down_revision = "0004"

BRAND = "current_setting('laurels.brand')"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE tallies (
            brand text NOT NULL,
            tally text NOT NULL,
            -- squawk-ignore prefer-bigint-over-smallint
            stripe smallint NOT NULL,
            value bigint NOT NULL,
            PRIMARY KEY (brand, tally, stripe)
        ) WITH (fillfactor = 50)""")
    secure("tallies", grants="SELECT, INSERT, UPDATE (value)")
    _levels()
    _badges()
    _quizzes()
    _challenges()
    _teams()
    _erasure()


def _levels() -> None:
    op.execute("""
        CREATE TABLE experiences (
            brand text NOT NULL,
            member text NOT NULL,
            experience bigint NOT NULL,
            peak bigint NOT NULL,
            PRIMARY KEY (brand, member),
            CONSTRAINT peak_is_the_most CHECK (peak >= experience)
        ) WITH (fillfactor = 80)""")
    secure("experiences", grants="SELECT, INSERT, UPDATE (experience, peak)")
    op.execute("""
        CREATE TABLE levels_reached (
            brand text NOT NULL,
            member text NOT NULL,
            level text NOT NULL,
            reached_at timestamptz NOT NULL,
            experience bigint NOT NULL,
            programme_version integer NOT NULL,
            recorded_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (brand, member, level)
        )""")
    secure("levels_reached", grants="SELECT, INSERT")


def _badges() -> None:
    op.execute("ALTER TABLE badges ADD COLUMN count bigint NOT NULL DEFAULT 1")
    op.execute("ALTER TABLE badges ADD COLUMN stands boolean NOT NULL DEFAULT true")
    op.execute(
        "ALTER TABLE badges ADD CONSTRAINT badges_stand_when_earned CHECK (count >= 0 AND (count > 0 OR NOT stands))"
    )
    op.execute(f"GRANT UPDATE (earned_at, count, stands) ON badges TO {app_role()}")
    op.execute("-- squawk-ignore require-concurrent-index-deletion\nDROP INDEX badges_holders")
    op.execute("""
        CREATE TABLE badge_awards (
            brand text NOT NULL,
            member text NOT NULL,
            key text NOT NULL,
            badge text NOT NULL,
            activity text NOT NULL,
            earned_at timestamptz NOT NULL,
            told boolean NOT NULL,
            recorded_at timestamptz NOT NULL DEFAULT now(),
            revoked_at timestamptz,
            PRIMARY KEY (brand, member, key)
        )""")
    op.execute("CREATE INDEX badge_awards_by_activity ON badge_awards (brand, member, activity) WHERE activity <> ''")
    secure("badge_awards", grants="SELECT, INSERT, UPDATE (told, revoked_at)")
    # The owner, too, sees no brand's rows but the one that is set; these are of all.
    op.execute("ALTER TABLE badges NO FORCE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE badge_awards NO FORCE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE tallies NO FORCE ROW LEVEL SECURITY")
    op.execute("""
        INSERT INTO badge_awards (brand, member, key, badge, activity, earned_at, told, recorded_at)
        SELECT brand, member, 'mission:' || mission || ':' || member || ':' || badge, badge, '', earned_at, true,
            recorded_at
        FROM badges""")
    op.execute("""
        INSERT INTO tallies (brand, tally, stripe, value)
        SELECT brand, 'badge:' || badge, 0, count(*) FROM badges GROUP BY brand, badge""")
    for table in ("badges", "badge_awards", "tallies"):
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def _quizzes() -> None:
    op.execute("""
        CREATE TABLE quiz_records (
            brand text NOT NULL,
            member text NOT NULL,
            quiz text NOT NULL,
            attempts integer NOT NULL CHECK (attempts >= 0),
            best_score integer NOT NULL,
            passed_at timestamptz,
            open_attempt text NOT NULL,
            PRIMARY KEY (brand, member, quiz)
        )""")
    secure("quiz_records", grants="SELECT, INSERT, UPDATE (attempts, best_score, passed_at, open_attempt)")
    op.execute("""
        CREATE TABLE quiz_attempts (
            brand text NOT NULL,
            attempt text NOT NULL,
            member text NOT NULL,
            quiz text NOT NULL,
            number integer NOT NULL,
            state integer NOT NULL,
            started_at timestamptz NOT NULL,
            expires_at timestamptz,
            finished_at timestamptz,
            score integer NOT NULL,
            answered integer NOT NULL,
            passed boolean NOT NULL,
            programme_version integer NOT NULL,
            PRIMARY KEY (brand, attempt),
            CONSTRAINT attempts_end_or_are_open CHECK ((finished_at IS NULL) = (state = 1))
        )""")
    op.execute("CREATE UNIQUE INDEX quiz_attempts_of_member ON quiz_attempts (brand, member, quiz, number)")
    op.execute("CREATE INDEX quiz_attempts_due ON quiz_attempts (brand, expires_at) WHERE state = 1")
    secure("quiz_attempts", grants="SELECT, INSERT, UPDATE (state, finished_at, score, answered, passed)")
    op.execute("""
        CREATE TABLE quiz_answers (
            brand text NOT NULL,
            attempt text NOT NULL,
            question text NOT NULL,
            member text NOT NULL,
            choices text[] NOT NULL,
            open_text text NOT NULL,
            is_right boolean,
            answered_at timestamptz NOT NULL,
            PRIMARY KEY (brand, attempt, question)
        )""")
    op.execute("CREATE INDEX quiz_answers_of_member ON quiz_answers (brand, member)")
    secure("quiz_answers", grants="SELECT, INSERT")


def _challenges() -> None:
    op.execute("""
        CREATE TABLE contributions (
            brand text NOT NULL,
            challenge text NOT NULL,
            member text NOT NULL,
            activity text NOT NULL,
            team text NOT NULL,
            value bigint NOT NULL CHECK (value > 0),
            counted bigint NOT NULL,
            is_each boolean NOT NULL,
            occurred_at timestamptz NOT NULL,
            PRIMARY KEY (brand, challenge, member, activity),
            CONSTRAINT counted_within_value CHECK (counted BETWEEN 0 AND value)
        )""")
    secure("contributions", grants="SELECT, INSERT, UPDATE (counted)")
    op.execute("""
        CREATE TABLE refunded_activities (
            brand text NOT NULL,
            member text NOT NULL,
            activity text NOT NULL,
            refunded bigint NOT NULL,
            total bigint NOT NULL,
            PRIMARY KEY (brand, member, activity)
        )""")
    secure("refunded_activities", grants="SELECT, INSERT, UPDATE (refunded, total)")
    op.execute("""
        CREATE TABLE challenge_states (
            brand text NOT NULL,
            challenge text NOT NULL,
            told_total bigint NOT NULL,
            told_at timestamptz NOT NULL,
            closed_at timestamptz,
            PRIMARY KEY (brand, challenge)
        )""")
    secure("challenge_states", grants="SELECT, INSERT, UPDATE (told_total, told_at, closed_at)")
    op.execute("""
        CREATE TABLE milestones_reached (
            brand text NOT NULL,
            challenge text NOT NULL,
            milestone text NOT NULL,
            total bigint NOT NULL,
            reached_at timestamptz NOT NULL,
            PRIMARY KEY (brand, challenge, milestone)
        )""")
    secure("milestones_reached", grants="SELECT, INSERT")
    op.execute("""
        CREATE TABLE payouts (
            brand text NOT NULL,
            challenge text NOT NULL,
            payout text NOT NULL,
            team text NOT NULL,
            contribution_min bigint NOT NULL,
            grants bytea NOT NULL,
            programme_version integer NOT NULL,
            decided_at timestamptz NOT NULL,
            paid_through text NOT NULL,
            done boolean NOT NULL,
            PRIMARY KEY (brand, challenge, payout)
        )""")
    op.execute("CREATE INDEX payouts_due ON payouts (brand, challenge, payout) WHERE NOT done")
    secure("payouts", grants="SELECT, INSERT, UPDATE (paid_through, done, decided_at)")
    op.execute("""
        CREATE TABLE challenge_rewards (
            brand text NOT NULL,
            challenge text NOT NULL,
            reward text NOT NULL,
            member text NOT NULL,
            contributed bigint NOT NULL,
            rewarded_at timestamptz NOT NULL,
            PRIMARY KEY (brand, challenge, reward, member)
        )""")
    op.execute("CREATE INDEX challenge_rewards_of_member ON challenge_rewards (brand, member)")
    secure("challenge_rewards", grants="SELECT, INSERT")


def _teams() -> None:
    op.execute("""
        CREATE TABLE teams (
            brand text NOT NULL,
            challenge text NOT NULL,
            team text NOT NULL,
            name text NOT NULL,
            code text,
            owner text NOT NULL,
            size integer NOT NULL CHECK (size >= 0),
            made_at timestamptz NOT NULL,
            PRIMARY KEY (brand, challenge, team)
        )""")
    op.execute("CREATE UNIQUE INDEX teams_by_code ON teams (brand, code)")
    op.execute("CREATE INDEX teams_by_owner ON teams (brand, owner) WHERE owner <> ''")
    secure("teams", grants="SELECT, INSERT, UPDATE (size)")
    op.execute("""
        CREATE TABLE team_members (
            brand text NOT NULL,
            challenge text NOT NULL,
            member text NOT NULL,
            team text NOT NULL,
            joined_at timestamptz NOT NULL,
            left_at timestamptz,
            PRIMARY KEY (brand, challenge, member)
        )""")
    op.execute("CREATE INDEX team_members_by_team ON team_members (brand, challenge, team, member)")
    op.execute("CREATE INDEX team_members_of_member ON team_members (brand, member)")
    secure("team_members", grants="SELECT, INSERT, UPDATE (team, joined_at, left_at)")
    op.execute("""
        CREATE TABLE team_results (
            brand text NOT NULL,
            challenge text NOT NULL,
            team text NOT NULL,
            rank integer NOT NULL CHECK (rank > 0),
            size integer NOT NULL,
            total bigint NOT NULL,
            PRIMARY KEY (brand, challenge, team)
        )""")
    secure("team_results", grants="SELECT, INSERT")


def _erasure() -> None:
    """What an erased member contributed stays in the totals, without the member."""
    being_erased = f"member = $1 AND $1 IN (SELECT member FROM erasing WHERE brand = {BRAND})"  # noqa: S608

    def less(tally: str, rows: str, by: str) -> str:
        return f"""
        INSERT INTO tallies (brand, tally, stripe, value)
        SELECT {BRAND}, {tally}, 0, {by} FROM {rows} WHERE brand = {BRAND} AND {being_erased} GROUP BY 2 ORDER BY 2
        ON CONFLICT (brand, tally, stripe) DO UPDATE SET value = tallies.value + excluded.value;"""  # noqa: S608

    finished = f"""(
            SELECT brand, member, attempt, quiz FROM quiz_attempts WHERE brand = {BRAND} AND member = $1 AND state = 2
        ) AS done"""  # noqa: S608
    chosen = f"""(
            SELECT given.brand, given.member, done.quiz, given.question, unnest(given.choices) AS choice
            FROM {finished} JOIN quiz_answers AS given USING (brand, attempt)
        ) AS chosen"""  # noqa: S608
    answered = f"""(
            SELECT given.brand, given.member, done.quiz, given.question
            FROM {finished} JOIN quiz_answers AS given USING (brand, attempt)
            WHERE given.choices <> '{{}}' OR given.open_text <> ''
        ) AS answered"""  # noqa: S608
    present = "(SELECT brand, member, challenge, team FROM team_members WHERE team <> '') AS present"
    # Contributions are found by challenge and member; each challenge that has any has a total.
    challenges = f"(SELECT DISTINCT substr(tally, 7) AS challenge FROM tallies WHERE brand = {BRAND} AND starts_with(tally, 'total:')) AS known"  # noqa: S608, E501
    contributed = f"""(
            SELECT own.* FROM {challenges} CROSS JOIN LATERAL (
                SELECT brand, challenge, member, team, counted FROM contributions
                WHERE brand = {BRAND} AND contributions.challenge = known.challenge AND member = $1
            ) AS own
        ) AS contributed"""  # noqa: S608
    tables = (
        "badges", "badge_awards", "levels_reached", "experiences", "quiz_answers", "quiz_attempts", "quiz_records",
        "refunded_activities", "challenge_rewards", "team_members",
    )  # fmt: skip
    unnamed = f"""
        UPDATE teams SET owner = '', name = '' WHERE brand = {BRAND} AND owner = $1
            AND $1 IN (SELECT member FROM erasing WHERE brand = {BRAND});
        DELETE FROM contributions USING {challenges} WHERE brand = {BRAND}
            AND contributions.challenge = known.challenge AND {being_erased};"""  # noqa: S608
    deletes = [f"DELETE FROM {table} WHERE brand = {BRAND} AND {being_erased}" for table in tables]  # noqa: S608
    body = (
        less("'badge:' || badge", "(SELECT * FROM badges WHERE stands) AS standing", "-count(*)")
        + less("'members'", "(SELECT * FROM mission_members WHERE enrolled_at IS NOT NULL) AS enrolled", "-count(*)")
        + less("'choice:' || quiz || ':' || question || ':' || choice", chosen, "-count(*)")
        + less("'answers:' || quiz || ':' || question", answered, "-count(*)")
        + less("'quiz:' || quiz", finished, "-count(*)")
        + less("'erased-total:' || challenge", contributed, "sum(counted)")
        + less(
            "'erased-team:' || challenge || ':' || team",
            f"(SELECT * FROM {contributed} WHERE team <> '') AS of_teams",  # noqa: S608
            "sum(counted)",
        )
        + less("'erased-size:' || challenge || ':' || team", present, "count(*)")
        + unnamed
        + ";".join(f"\n        {delete}" for delete in deletes)
    )
    create_owners_function("erase_achievements(text) RETURNS void", body)
