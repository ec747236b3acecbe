"""What the missions service holds about a member, kind by kind."""

SECTIONS = {
    "member": """
        SELECT enrolled_at, tier, consents, attributes, segments FROM mission_members
        WHERE brand = $1 AND member = $2""",
    "missions": """
        SELECT state, last_at, checkpoint_at FROM member_missions WHERE brand = $1 AND member = $2""",
    "mission_facts": """
        SELECT at, id, version, body FROM mission_facts WHERE brand = $1 AND member = $2 ORDER BY at, id""",
    "mission_checkpoints": """
        SELECT at, state FROM mission_checkpoints WHERE brand = $1 AND member = $2 ORDER BY at, id""",
    "completions": """
        SELECT mission, run, activity, completed_at, programme_version, recorded_at, state, retracted, claim_until,
            settled_at
        FROM completions WHERE brand = $1 AND member = $2 ORDER BY mission, run""",
    "badges": """
        SELECT badge, mission, earned_at, recorded_at FROM badges WHERE brand = $1 AND member = $2 ORDER BY badge""",
}
