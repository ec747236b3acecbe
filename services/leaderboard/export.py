"""What the leaderboard service holds about a member, kind by kind."""

SECTIONS = {
    "scores": """
        SELECT board, period, score, sub_score, reached_at, moves FROM scores
        WHERE brand = $1 AND member = $2 ORDER BY board, period""",
    # Facts are looked up by the boards and periods that there is a score in.
    "board_facts": """
        SELECT fact.* FROM scores CROSS JOIN LATERAL (
            SELECT board, period, id, score, sub_score, occurred_at, value FROM board_facts
            WHERE board_facts.brand = $1 AND board_facts.board = scores.board AND board_facts.period = scores.period
              AND board_facts.member = $2
        ) AS fact WHERE scores.brand = $1 AND scores.member = $2 ORDER BY fact.id""",
    "board_standings": """
        SELECT board, period, place, rank, score, sub_score, reached_at FROM board_standings
        WHERE brand = $1 AND member = $2 ORDER BY period, board""",
    "group_standings": """
        SELECT board, period, scope, group_id, place, rank, score, sub_score, reached_at FROM group_standings
        WHERE brand = $1 AND member = $2 ORDER BY period, board, scope, group_id""",
    "board_removals": """
        SELECT board, removed, reason, changed_at FROM board_removals
        WHERE brand = $1 AND member = $2 ORDER BY board""",
    "scratch_cards": """
        SELECT card, pool, number, cause, issued_at, expires_at, revealed_at, own_seed, prize, parked_code
        FROM scratch_cards WHERE brand = $1 AND member = $2 ORDER BY issued_at, card""",
    "members": """
        SELECT tier, leaderboards, attributes, segments FROM known_members WHERE brand = $1 AND member = $2""",
    "scratch_counts": """
        SELECT pool, day, cards FROM scratch_counts WHERE brand = $1 AND member = $2 ORDER BY pool, day""",
    "parked_cards": """
        SELECT key, place, pool, code, detail, occurred_at, state, decided_at, card FROM parked_cards
        WHERE brand = $1 AND member = $2 ORDER BY key, place""",
    "ranks_told": """
        SELECT board, period, rank, told_at FROM ranks_told
        WHERE brand = $1 AND member = $2 ORDER BY board, period""",
    "league_members": """
        SELECT league, division, skill, idle, settled, takes_part FROM league_members
        WHERE brand = $1 AND member = $2 ORDER BY league""",
    "league_seats": """
        SELECT league, period, division, cohort, number, joined_at, rank, score, outcome, to_division
        FROM league_seats WHERE brand = $1 AND member = $2 ORDER BY period, league""",
    "league_waiting": """
        SELECT league, period, joined_at FROM league_waiting WHERE brand = $1 AND member = $2
        ORDER BY period, league""",
}
