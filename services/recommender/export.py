"""What the recommender service holds about a member, kind by kind."""

SECTIONS = {
    "profiles": """
        SELECT activities, amount, first_at, last_at, tier FROM profiles WHERE brand = $1 AND member = $2""",
    "decisions": """
        SELECT decision, slot, reward, place, propensity, explored, features, model_version, programme_version,
            decided_at
        FROM decisions WHERE brand = $1 AND member = $2 ORDER BY decided_at, decision""",
    "outcomes": """
        SELECT outcomes.decision, outcomes.slot, outcomes.reward, value, recorded_at
        FROM decisions JOIN outcomes ON outcomes.brand = decisions.brand AND outcomes.decision = decisions.decision
        WHERE decisions.brand = $1 AND member = $2 ORDER BY recorded_at, outcomes.decision""",
}
