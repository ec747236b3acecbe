"""What the recommender service holds about a member, kind by kind."""

SECTIONS = {
    "profiles": """
        SELECT activities, amount, first_at, last_at, tier FROM profiles WHERE brand = $1 AND member = $2""",
    "decisions": """
        SELECT decision, slot, choice, place, propensity, explored, features, epoch, lessons, programme_version,
            decided_at, basis, policy, due_at
        FROM decisions WHERE brand = $1 AND member = $2 ORDER BY decided_at, decision""",
    "outcomes": """
        SELECT outcomes.decision, outcomes.slot, outcomes.choice, value, defaulted, cause, recorded_at
        FROM decisions JOIN outcomes ON outcomes.brand = decisions.brand AND outcomes.decision = decisions.decision
        WHERE decisions.brand = $1 AND member = $2 ORDER BY recorded_at, outcomes.decision""",
    "pending": """
        SELECT decision, slot, choice, due_at FROM pending
        WHERE brand = $1 AND member = $2 ORDER BY due_at, decision""",
    "late_outcomes": """
        SELECT late_outcomes.decision, value, reported_at
        FROM late_outcomes JOIN decisions
            ON decisions.brand = late_outcomes.brand AND decisions.decision = late_outcomes.decision
        WHERE decisions.brand = $1 AND member = $2 ORDER BY reported_at, late_outcomes.decision""",
    "slot_counters": """
        SELECT name, period, value FROM slot_counters WHERE brand = $1 AND owner = $2 ORDER BY name, period""",
}
