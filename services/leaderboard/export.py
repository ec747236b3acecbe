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
        SELECT card, pool, number, cause, issued_at, expires_at, revealed_at, own_seed, prize, parked_code
        FROM scratch_cards WHERE brand = $1 AND member = $2 ORDER BY issued_at, card""",
    "members": """
        SELECT tier, leaderboards, attributes, segments FROM known_members WHERE brand = $1 AND member = $2""",
    "scratch_counts": """
        SELECT pool, day, cards FROM scratch_counts WHERE brand = $1 AND member = $2 ORDER BY pool, day""",
    "parked_cards": """
        SELECT key, place, pool, code, detail, occurred_at FROM parked_cards
        WHERE brand = $1 AND member = $2 ORDER BY key, place""",
}
