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
    "best_hour": """
        SELECT best_hour FROM campaign_hours WHERE brand = $1 AND member = $2 ORDER BY best_hour""",
    "activities_seen": """
        SELECT type, first_at, last_at FROM campaign_seen WHERE brand = $1 AND member = $2 ORDER BY type""",
    "campaign_counters": """
        SELECT name, period, value FROM campaign_counters WHERE brand = $1 AND owner = $2 ORDER BY name, period""",
    "campaign_triggers": """
        SELECT campaign, cause, outcome, reason, occurrence, effects, points, occurred_at, programme_version,
            recorded_at
        FROM campaign_triggers WHERE brand = $1 AND member = $2 ORDER BY campaign, cause""",
    "offers": """
        SELECT offer, campaign, reward, offered_at, expires_at, accepted_at
        FROM campaign_offers WHERE brand = $1 AND member = $2 ORDER BY offered_at, offer""",
    "messages": """
        SELECT message, campaign, channel, template, fields, state, contact_hour, occurred_at, due_at
        FROM campaign_messages WHERE brand = $1 AND member = $2 ORDER BY occurred_at, message""",
    "webhook_deliveries": """
        SELECT delivery, webhook, type, body, state, attempts, due_at, created_at
        FROM webhook_deliveries WHERE brand = $1 AND member = $2 ORDER BY created_at, delivery""",
}
