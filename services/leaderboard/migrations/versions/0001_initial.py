"""The first schema of the leaderboard service."""

from alembic import op

from chassis.migrations import create_chassis_tables, secure

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_chassis_tables()
    op.execute("""
        CREATE TABLE scores (
            brand text NOT NULL,
            board text NOT NULL,
            member text COLLATE "C" NOT NULL,
            score bigint NOT NULL,
            reached_at timestamptz NOT NULL,
            PRIMARY KEY (brand, board, member),
            CONSTRAINT score_is_a_json_number CHECK (score > 0 AND score < 9007199254740992)
        )""")
    op.execute("CREATE INDEX scores_order ON scores (brand, board, score DESC, reached_at, member)")
    secure("scores", grants="SELECT, INSERT, UPDATE (score, reached_at)")
    op.execute("""
        CREATE TABLE board_sizes (
            brand text NOT NULL,
            board text NOT NULL,
            stripe integer NOT NULL,
            members bigint NOT NULL,
            PRIMARY KEY (brand, board, stripe)
        )""")
    secure("board_sizes", grants="SELECT, INSERT, UPDATE (members)")
    op.execute("""
        CREATE TABLE scratch_pools (
            brand text NOT NULL,
            pool text NOT NULL,
            name text NOT NULL,
            nothing_weight bigint NOT NULL,
            commitment text NOT NULL,
            sealed_seed bytea NOT NULL,
            published_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (brand, pool)
        )""")
    # What was published stays. A starting service tries its key on any one seed.
    secure("scratch_pools", grants="SELECT, INSERT", every_brand="SELECT")
    op.execute("""
        CREATE TABLE scratch_prizes (
            brand text NOT NULL,
            pool text NOT NULL,
            id text NOT NULL,
            place integer NOT NULL,
            name text NOT NULL,
            weight bigint NOT NULL,
            stock bigint NOT NULL,
            currency text NOT NULL,
            amount bigint NOT NULL,
            remaining bigint NOT NULL,
            PRIMARY KEY (brand, pool, id),
            CONSTRAINT prize_is_worth_something CHECK (weight > 0 AND stock > 0 AND amount > 0),
            CONSTRAINT stock_is_never_exceeded CHECK (remaining >= 0 AND remaining <= stock)
        )""")
    secure("scratch_prizes", grants="SELECT, INSERT, UPDATE (remaining)")
    op.execute("""
        CREATE TABLE scratch_cards (
            brand text NOT NULL,
            card text COLLATE "C" NOT NULL,
            pool text NOT NULL,
            member text NOT NULL,
            cause text NOT NULL,
            issued_at timestamptz NOT NULL,
            revealed_at timestamptz,
            prize text,
            PRIMARY KEY (brand, card),
            CONSTRAINT prize_needs_a_reveal CHECK (prize IS NULL OR revealed_at IS NOT NULL)
        )""")
    op.execute("CREATE INDEX scratch_cards_of_member ON scratch_cards (brand, member, issued_at DESC, card DESC)")
    secure("scratch_cards", grants="SELECT, INSERT, UPDATE (revealed_at, prize)")
