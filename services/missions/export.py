"""What the missions service holds about a member, kind by kind."""

SECTIONS = {
    "member": """
        SELECT enrolled_at, tier, consents, attributes, segments FROM mission_members
        WHERE brand = $1 AND member = $2""",
    "progress": """
        SELECT mission, progress, target, completed_at FROM progress
        WHERE brand = $1 AND member = $2 ORDER BY mission""",
    "completions": """
        SELECT mission, activity, completed_at, programme_version, recorded_at FROM completions
        WHERE brand = $1 AND member = $2 ORDER BY mission""",
    "badges": """
        SELECT badge, mission, earned_at, recorded_at FROM badges WHERE brand = $1 AND member = $2 ORDER BY badge""",
}
