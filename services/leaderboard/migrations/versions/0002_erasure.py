"""Members can be erased."""

from chassis.migrations import create_erasing_table, create_owners_function

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    create_erasing_table()
    # A won card stays under the alias, since the stock is reckoned by it. Its
    # cause may name the member, or an activity of theirs. Scores are looked up
    # board by board, as their key begins with the board.
    create_owners_function(
        "erase_member(text, text, integer) RETURNS void",
        """
        WITH gone AS (
            DELETE FROM scores USING (
                SELECT DISTINCT board FROM board_sizes WHERE brand = current_setting('laurels.brand')
            ) AS boards
            WHERE scores.brand = current_setting('laurels.brand') AND scores.board = boards.board
                AND scores.member = $1
                AND $1 IN (SELECT member FROM erasing WHERE brand = current_setting('laurels.brand'))
            RETURNING scores.board
        )
        INSERT INTO board_sizes (brand, board, stripe, members)
        SELECT current_setting('laurels.brand'), board, $3, -1 FROM gone ORDER BY board
        ON CONFLICT (brand, board, stripe) DO UPDATE SET members = board_sizes.members + excluded.members;
        DELETE FROM scratch_cards WHERE brand = current_setting('laurels.brand') AND member = $1 AND prize IS NULL
            AND $1 IN (SELECT member FROM erasing WHERE brand = current_setting('laurels.brand'));
        UPDATE scratch_cards SET member = $2, cause = ''
        WHERE brand = current_setting('laurels.brand') AND member = $1
            AND ($1, $2) IN (SELECT member, alias FROM erasing WHERE brand = current_setting('laurels.brand'))""",
    )
