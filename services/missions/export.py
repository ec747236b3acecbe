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
        SELECT badge, mission, earned_at, recorded_at, count, stands FROM badges
        WHERE brand = $1 AND member = $2 ORDER BY badge""",
    "badge_awards": """
        SELECT key, badge, activity, earned_at, recorded_at, revoked_at FROM badge_awards
        WHERE brand = $1 AND member = $2 ORDER BY key""",
    "experience": """
        SELECT experience, peak FROM experiences WHERE brand = $1 AND member = $2""",
    "levels": """
        SELECT level, reached_at, experience FROM levels_reached
        WHERE brand = $1 AND member = $2 ORDER BY level""",
    "quiz_attempts": """
        SELECT attempt, quiz, number, state, started_at, expires_at, finished_at, score, passed FROM quiz_attempts
        WHERE brand = $1 AND member = $2 ORDER BY quiz, number""",
    "quiz_answers": """
        SELECT attempt, question, choices, open_text, is_right, answered_at FROM quiz_answers
        WHERE brand = $1 AND member = $2 ORDER BY attempt, question""",
    # Contributions are found by challenge and member; each challenge that has any has a total.
    "contributions": """
        SELECT own.* FROM (
            SELECT DISTINCT substr(tally, 7) AS challenge FROM tallies WHERE brand = $1 AND starts_with(tally, 'total:')
        ) AS known
        CROSS JOIN LATERAL (
            SELECT challenge, activity, team, value, counted, occurred_at FROM contributions
            WHERE brand = $1 AND contributions.challenge = known.challenge AND member = $2
        ) AS own
        ORDER BY challenge, activity""",
    "refunds": """
        SELECT activity, refunded, total FROM refunded_activities WHERE brand = $1 AND member = $2 ORDER BY activity""",
    "challenge_rewards": """
        SELECT challenge, reward, contributed, rewarded_at FROM challenge_rewards
        WHERE brand = $1 AND member = $2 ORDER BY challenge, reward""",
    "teams": """
        SELECT challenge, team, joined_at, left_at FROM team_members
        WHERE brand = $1 AND member = $2 ORDER BY challenge""",
    "teams_made": """
        SELECT challenge, team, name, made_at FROM teams WHERE brand = $1 AND owner = $2 ORDER BY challenge, team""",
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
