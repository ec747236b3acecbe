"""What the points service holds about a member, kind by kind."""

_ACCOUNTS = "SELECT id FROM accounts WHERE brand = $1 AND owner = $2"

SECTIONS = {
    "members": """
        SELECT member, display_name, enrolled_at, tier, seen_types, segments FROM members
        WHERE brand = $1 AND member = $2""",
    "particulars": "SELECT attributes, consents FROM member_particulars WHERE brand = $1 AND member = $2",
    "consents": """
        SELECT purpose, granted, text_version, method, giver, recorded_by, recorded_at FROM consent_records
        WHERE brand = $1 AND member = $2 ORDER BY id""",
    "wallets": """
        SELECT currency, kind, balance, earned FROM accounts WHERE brand = $1 AND owner = $2 ORDER BY currency, kind""",
    "lots": f"""
        SELECT currency, expires_at, remaining FROM accounts JOIN lots ON lots.account = accounts.id
        WHERE accounts.id IN ({_ACCOUNTS}) ORDER BY currency, expires_at""",  # noqa: S608
    "holds": """
        SELECT hold, currency, amount, captured, state, reference, made_at, expires_at FROM holds
        WHERE brand = $1 AND member = $2 ORDER BY made_at, hold""",
    "pending_lots": """
        SELECT lot, currency, amount, state, reference, activity, occurred_at, activates_at FROM pending_lots
        WHERE brand = $1 AND member = $2 ORDER BY occurred_at, lot""",
    "counters": """
        SELECT name, period, value FROM counters WHERE brand = $1 AND owner = $2 ORDER BY name, period""",
    "tier": """
        SELECT earned, keep_until, grace_until, set_tier, locked, set_until, counted FROM tier_standings
        WHERE brand = $1 AND member = $2""",
    "tier_history": """
        SELECT from_tier, to_tier, reason, note, by, until, occurred_at FROM tier_history
        WHERE brand = $1 AND member = $2 ORDER BY id""",
    "subscriptions": """
        SELECT subscription, paid_until, active, cancelled_at FROM tier_subscriptions
        WHERE brand = $1 AND member = $2 ORDER BY subscription""",
    "redemptions": """
        SELECT redemption, reward, kind, state, currency, price, code, reference, redeemed_at, changed_at
        FROM redemptions WHERE brand = $1 AND member = $2 ORDER BY redeemed_at, redemption""",
    "boosters": """
        SELECT booster, percent, currencies, starts_at, ends_at FROM boosters
        WHERE brand = $1 AND member = $2 ORDER BY starts_at, booster""",
    "refunds": """
        SELECT purchase, refund, refunded, total, due, pending, available FROM refunds
        WHERE brand = $1 AND member = $2 ORDER BY purchase""",
    "groups": """
        SELECT "group", kind, role, state, contributed, joined_at FROM group_members
        WHERE brand = $1 AND member = $2 ORDER BY joined_at, kind""",
    "given_rewards": """
        SELECT key, redemption, given_at FROM given_rewards WHERE brand = $1 AND member = $2 ORDER BY given_at, key""",
    "parked_grants": """
        SELECT "grant", key, place, currency, amount, reward, reason, reference, occurred_at, state, code, detail,
            redemption, parked_at, decided_at, note
        FROM parked_grants WHERE brand = $1 AND member = $2 ORDER BY parked_at, "grant\"""",
    "hold_requests": """
        SELECT key, hold, code, ended, due_at, decided_at, ended_at FROM hold_requests
        WHERE brand = $1 AND member = $2 ORDER BY decided_at, key""",
    "anniversaries": """
        SELECT attribute, on_date, zone, told_until, due_at FROM anniversaries
        WHERE brand = $1 AND member = $2 ORDER BY attribute""",
    "referral_code": "SELECT code FROM referral_codes WHERE brand = $1 AND member = $2",
    "referrals": """
        SELECT referee = $2 AS brought, code, state, claimed_at, completed_at,
            CASE WHEN referee = $2 THEN referee_amount ELSE referrer_amount END AS reward
        FROM referrals WHERE brand = $1 AND (referee = $2 OR referrer = $2) ORDER BY claimed_at, referee""",
    "activities": """
        SELECT id, type, occurred_at, recorded_at, attributes, earned, programme_version FROM activities
        WHERE brand = $1 AND member = $2 ORDER BY id""",
    "entries": """
        SELECT movement.id, currency, accounts.kind AS account, movement.amount, movement.balance, movement.kind,
            movement.key, movement.reference, movement.occurred_at, movement.recorded_at
        FROM accounts CROSS JOIN LATERAL (
            SELECT id, amount, credit_balance AS balance, kind, key, reference, occurred_at, recorded_at
            FROM entries WHERE credit = accounts.id AND credit > 0
            UNION ALL
            SELECT id, -amount, debit_balance, kind, key, reference, occurred_at, recorded_at
            FROM entries WHERE debit = accounts.id AND debit > 0
        ) AS movement
        WHERE accounts.brand = $1 AND owner = $2 ORDER BY movement.id, movement.amount""",
}
