"""Scratch cards that anybody can check: numbered, drawn from a published table, chained."""

from alembic import op

from chassis.migrations import app_role, secure

revision = "0004"
down_revision = "0003"

BRAND = "current_setting('laurels.brand')"
ERASING = f"SELECT member FROM erasing WHERE brand = {BRAND}"  # noqa: S608
# Cards are numbered without gaps, and what was drawn is checked by anybody: a
# card stays, under the alias and without what gave it.
ERASE = f"""
    DELETE FROM board_facts USING (SELECT board, period FROM scores WHERE brand = {BRAND} AND member = $1) AS scored
        WHERE board_facts.brand = {BRAND} AND board_facts.board = scored.board AND board_facts.period = scored.period
        AND board_facts.member = $1 AND $1 IN ({ERASING});
    DELETE FROM scores WHERE brand = {BRAND} AND member = $1 AND $1 IN ({ERASING});
    DELETE FROM board_removals WHERE brand = {BRAND} AND member = $1 AND $1 IN ({ERASING});
    UPDATE board_standings SET member = $2
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
    for table in ("scratch_pools", "scratch_prizes", "scratch_cards"):
        # The owner fills the new columns in for every brand.
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute("""
        ALTER TABLE scratch_pools
            ADD COLUMN scheme integer NOT NULL DEFAULT 1,
            ADD COLUMN table_text text NOT NULL DEFAULT '',
            ADD COLUMN root text NOT NULL DEFAULT ''""")
    op.execute("""
        ALTER TABLE scratch_pools
            ALTER COLUMN scheme DROP DEFAULT, ALTER COLUMN table_text DROP DEFAULT, ALTER COLUMN root DROP DEFAULT""")
    op.execute("""
        ALTER TABLE scratch_prizes
            DROP CONSTRAINT prize_is_worth_something,
            ADD CONSTRAINT prize_is_worth_something CHECK (weight >= 0 AND stock > 0 AND amount >= 0)""")
    op.execute("""
        ALTER TABLE scratch_cards
            ADD COLUMN number bigint,
            ADD COLUMN expires_at timestamptz,
            ADD COLUMN own_seed text NOT NULL DEFAULT '',
            ADD COLUMN draw bigint,
            ADD COLUMN position integer,
            ADD COLUMN link text NOT NULL DEFAULT '',
            ADD COLUMN parked_code text NOT NULL DEFAULT '',
            ADD COLUMN parked_detail text NOT NULL DEFAULT ''""")
    op.execute("""
        ALTER TABLE scratch_cards
            ALTER COLUMN own_seed DROP DEFAULT, ALTER COLUMN link DROP DEFAULT,
            ALTER COLUMN parked_code DROP DEFAULT, ALTER COLUMN parked_detail DROP DEFAULT""")
    op.execute("""
        UPDATE scratch_cards SET number = numbered.number
        FROM (SELECT brand, card, row_number() OVER (PARTITION BY brand, pool ORDER BY issued_at, card) AS number
              FROM scratch_cards) AS numbered
        WHERE numbered.brand = scratch_cards.brand AND numbered.card = scratch_cards.card""")
    op.execute("ALTER TABLE scratch_cards ALTER COLUMN number SET NOT NULL")
    op.execute("""
        ALTER TABLE scratch_cards
            ADD CONSTRAINT draw_needs_a_reveal CHECK (draw IS NULL OR revealed_at IS NOT NULL)""")
    op.execute("CREATE UNIQUE INDEX scratch_cards_numbers ON scratch_cards (brand, pool, number)")
    op.execute("CREATE UNIQUE INDEX scratch_cards_draws ON scratch_cards (brand, pool, draw) WHERE draw IS NOT NULL")
    op.execute("""
        CREATE TABLE scratch_pool_states (
            brand text NOT NULL,
            pool text COLLATE "C" NOT NULL,
            issued bigint NOT NULL,
            revealed bigint NOT NULL,
            spent bigint NOT NULL,
            head text NOT NULL,
            taken bytea NOT NULL,
            closes_at timestamptz,
            closed_at timestamptz,
            PRIMARY KEY (brand, pool),
            CONSTRAINT reveals_are_of_cards CHECK (revealed >= 0 AND revealed <= issued AND spent >= 0)
        )""")
    op.execute("CREATE INDEX scratch_pools_to_close ON scratch_pool_states (closes_at) WHERE closed_at IS NULL")
    op.execute("""
        INSERT INTO scratch_pool_states (brand, pool, issued, revealed, spent, head, taken)
        SELECT brand, pool, coalesce(cards.issued, 0), coalesce(cards.revealed, 0), 0, '', ''
        FROM scratch_pools LEFT JOIN (
            SELECT brand, pool, count(*) AS issued, count(revealed_at) AS revealed
            FROM scratch_cards GROUP BY brand, pool
        ) AS cards USING (brand, pool)""")
    # What is due is looked for in all brands at once.
    secure(
        "scratch_pool_states",
        grants="SELECT, INSERT, UPDATE (issued, revealed, spent, head, taken, closed_at)",
        every_brand="SELECT",
    )
    for table in ("scratch_pools", "scratch_prizes", "scratch_cards"):
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(
        f"GRANT UPDATE (own_seed, draw, position, link, parked_code, parked_detail) ON scratch_cards TO {app_role()}"
    )
    op.execute("""
        CREATE TABLE scratch_counts (
            brand text NOT NULL,
            pool text COLLATE "C" NOT NULL,
            member text COLLATE "C" NOT NULL,
            day text COLLATE "C" NOT NULL,
            cards bigint NOT NULL,
            PRIMARY KEY (brand, pool, member, day)
        )""")
    op.execute("CREATE INDEX scratch_counts_of_member ON scratch_counts (brand, member)")
    secure("scratch_counts", grants="SELECT, INSERT, UPDATE (cards)")
    op.execute("""
        CREATE TABLE scratch_deck_tiles (
            brand text NOT NULL,
            pool text NOT NULL,
            level integer NOT NULL,
            number integer NOT NULL,
            hashes bytea NOT NULL,
            PRIMARY KEY (brand, pool, level, number)
        )""")
    secure("scratch_deck_tiles", grants="SELECT, INSERT")
    op.execute("""
        CREATE TABLE parked_cards (
            brand text NOT NULL,
            key text COLLATE "C" NOT NULL,
            place integer NOT NULL,
            member text NOT NULL,
            pool text NOT NULL,
            code text NOT NULL,
            detail text NOT NULL,
            occurred_at timestamptz NOT NULL,
            PRIMARY KEY (brand, key, place)
        )""")
    op.execute("CREATE INDEX parked_cards_of_member ON parked_cards (brand, member)")
    secure("parked_cards", grants="SELECT, INSERT")
    op.execute(
        "CREATE OR REPLACE FUNCTION erase_member(text, text) RETURNS void LANGUAGE sql VOLATILE "
        f"SECURITY DEFINER SET search_path = public, pg_temp AS $body$ {ERASE} $body$"
    )
    op.execute(f"GRANT EXECUTE ON FUNCTION erase_member(text, text) TO {app_role()}")
