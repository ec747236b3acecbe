"""What the leaderboard service holds about a member, kind by kind."""

SECTIONS = {
    # The scores' key begins with the board, so they are looked up board by board.
    "scores": """
        SELECT known.board, known.score, known.reached_at
        FROM (SELECT DISTINCT board FROM board_sizes WHERE brand = $1) AS boards
        CROSS JOIN LATERAL (
            SELECT board, score, reached_at FROM scores
            WHERE scores.brand = $1 AND scores.board = boards.board AND scores.member = $2 LIMIT 1
        ) AS known ORDER BY known.board""",
    "scratch_cards": """
        SELECT card, pool, cause, issued_at, revealed_at, prize FROM scratch_cards
        WHERE brand = $1 AND member = $2 ORDER BY issued_at, card""",
    "members": """
        SELECT tier, leaderboards, attributes, segments FROM known_members WHERE brand = $1 AND member = $2""",
}
