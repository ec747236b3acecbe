"""The invariants of the points service's database, checked from its rows alone.

The checks run in a transaction of one brand and read everything it has, so
they take as long as the brand is large.
"""

from collections.abc import Mapping

import asyncpg

from chassis.configuration import newest_version
from services.points.programme import compile_document
from services.points.tiers import tier_for

ROWS_NAMED_MAX = 5

# Each query gives one row a violation; its first column names it.
_QUERIES: Mapping[str, str] = {
    "The balances of currency {rows} do not sum to zero.": """
        SELECT currency || ' (' || sum(balance) || ')' FROM accounts GROUP BY currency HAVING sum(balance) <> 0""",
    "The entries of account {rows} do not sum to its balance.": """
        SELECT accounts.id || ' (' || owner || ', ' || currency || ', ' || kind || ')' FROM accounts
        LEFT JOIN (
            SELECT account, sum(amount) AS amount FROM (
                SELECT credit AS account, amount FROM entries UNION ALL SELECT debit, -amount FROM entries
            ) AS posted GROUP BY account
        ) AS posted ON posted.account = accounts.id
        WHERE coalesce(posted.amount, 0) <> balance""",
    "What account {rows} ever earned is not the sum of what was issued to its owner.": """
        SELECT accounts.id || ' (' || accounts.owner || ', ' || accounts.currency || ')' FROM accounts
        LEFT JOIN (
            SELECT owner, currency, sum(amount) AS amount FROM (
                SELECT target.owner, target.currency, amount FROM entries
                JOIN accounts AS source ON source.id = debit AND source.kind = 'issued'
                JOIN accounts AS target ON target.id = credit
                UNION ALL
                SELECT source.owner, source.currency, -amount FROM entries
                JOIN accounts AS target ON target.id = credit AND target.kind = 'issued'
                JOIN accounts AS source ON source.id = debit
            ) AS moved GROUP BY owner, currency
        ) AS issued USING (owner, currency)
        WHERE accounts.owner <> '' AND accounts.kind = 'available' AND coalesce(issued.amount, 0) <> earned""",
    "The lots of account {rows} hold more than its balance.": """
        SELECT accounts.id || ' (' || owner || ', ' || currency || ')' FROM accounts
        JOIN (SELECT account, sum(remaining) AS remaining FROM lots GROUP BY account) AS held ON held.account = id
        WHERE kind <> 'available' OR held.remaining > greatest(balance, 0)""",
    "The open holds of {rows} are not what is held.": """
        SELECT coalesce(open.member, kept.owner) || ' (' || coalesce(open.currency, kept.currency) || ')' FROM (
            SELECT member, currency, sum(amount) AS amount FROM holds WHERE state = 1 GROUP BY member, currency
        ) AS open
        FULL JOIN (SELECT owner, currency, balance FROM accounts WHERE kind = 'held') AS kept
          ON kept.owner = open.member AND kept.currency = open.currency
        WHERE coalesce(open.amount, 0) <> coalesce(kept.balance, 0)""",
    "Hold {rows} and the entries that ended it do not say the same.": """
        SELECT hold FROM holds
        LEFT JOIN entries AS taken ON taken.brand = holds.brand AND taken.key = 'capture:' || hold
        LEFT JOIN entries AS given ON given.brand = holds.brand AND given.key = 'release:' || hold
        WHERE coalesce(taken.amount, 0) <> captured
           OR coalesce(given.amount, 0) <> CASE WHEN state = 1 THEN 0 ELSE holds.amount - captured END
           OR (captured > 0) <> (state = 2)""",
    "The waiting lots of {rows} are not what is pending.": """
        SELECT coalesce(waiting.member, kept.owner) || ' (' || coalesce(waiting.currency, kept.currency) || ')' FROM (
            SELECT member, currency, sum(amount) AS amount FROM pending_lots WHERE state = 1 GROUP BY member, currency
        ) AS waiting
        FULL JOIN (SELECT owner, currency, balance FROM accounts WHERE kind = 'pending') AS kept
          ON kept.owner = waiting.member AND kept.currency = waiting.currency
        WHERE coalesce(waiting.amount, 0) <> coalesce(kept.balance, 0)""",
    "Entry {rows} was reversed by another amount or more than once.": """
        SELECT made.id FROM entries AS back
        JOIN entries AS made ON made.id = substr(back.key, 9)::bigint
        WHERE back.key LIKE 'reverse:%' AND (back.amount <> made.amount OR back.debit <> made.credit)""",
    "Account {rows} is below its floor.": "SELECT id FROM accounts WHERE floor IS NOT NULL AND balance < floor",
    "Entry {rows} names an account that does not exist, or two currencies.": """
        SELECT entries.id FROM entries
        LEFT JOIN accounts AS source ON source.id = debit LEFT JOIN accounts AS target ON target.id = credit
        WHERE source.id IS NULL OR target.id IS NULL OR source.currency <> target.currency""",
    "The balance in the newest entry of account {rows} is not the account's.": """
        SELECT account FROM (
            SELECT DISTINCT ON (account) account, balance FROM (
                SELECT credit AS account, id, credit_balance AS balance FROM entries WHERE credit > 0
                UNION ALL SELECT debit, id, debit_balance FROM entries WHERE debit > 0
            ) AS posted ORDER BY account, id DESC
        ) AS newest JOIN accounts ON accounts.id = account WHERE newest.balance <> accounts.balance""",
    "Activity {rows} and the entries for it do not say the same.": """
        SELECT coalesce(noted.id, posted.id) FROM (
            SELECT id, earned.key AS currency, earned.value::bigint AS amount
            FROM activities, jsonb_each_text(earned) AS earned
        ) AS noted FULL JOIN (
            SELECT substr(key, 10, length(key) - 10 - length(reference)) AS id, currency, sum(amount)::bigint AS amount
            FROM entries JOIN accounts ON accounts.id = credit
            WHERE key LIKE 'activity:%' GROUP BY 1, 2
        ) AS posted USING (id, currency)
        WHERE noted.amount IS DISTINCT FROM posted.amount""",
    "Member {rows} has activities but is not enrolled.": """
        SELECT DISTINCT activities.member FROM activities
        LEFT JOIN members ON members.member = activities.member AND members.enrolled_at IS NOT NULL
        WHERE members.member IS NULL AND activities.member NOT LIKE '!%'
            AND NOT EXISTS (SELECT FROM erasing WHERE erasing.member = activities.member)""",
    "{rows}.": """
        SELECT recorded || ' activities were recorded and ' || told || ' were told' FROM
            (SELECT count(*) AS recorded FROM activities WHERE recorded_at >= (SELECT min(created_at) FROM outbox)),
            (SELECT count(*) AS told FROM outbox WHERE type = 'laurels.activity.v1.ActivityRecorded')
        WHERE recorded <> told""",
    "What is left of member {rows}, who was erased, is not the ledger's alone.": """
        SELECT alias FROM erasures WHERE state = 3 AND (
            salt <> '' OR EXISTS (SELECT FROM erasing WHERE erasing.erasure = erasures.erasure)
            OR EXISTS (SELECT FROM accounts WHERE owner = alias AND balance > 0)
            OR EXISTS (SELECT FROM members WHERE member = alias)
            OR EXISTS (SELECT FROM activities WHERE member = alias AND (digest <> '' OR attributes <> '{}'))
            OR EXISTS (SELECT FROM holds WHERE member = alias AND (digest <> '' OR reference <> '' OR state = 1))
            OR EXISTS (SELECT FROM accounts JOIN entries ON credit = accounts.id WHERE owner = alias AND digest <> '')
            OR EXISTS (SELECT FROM accounts JOIN entries ON debit = accounts.id WHERE owner = alias AND digest <> '')
        )""",
    "Erasure {rows} is not complete after 72 hours.": """
        SELECT erasure FROM erasures WHERE state <> 3 AND requested_at < now() - interval '72 hours'""",
    "The consents that count of member {rows} are not the newest that were recorded.": """
        SELECT member FROM (
            SELECT member, jsonb_object_agg(purpose, granted) AS counts FROM (
                SELECT DISTINCT ON (member, purpose) member, purpose, granted FROM consent_records
                ORDER BY member, purpose, id DESC
            ) AS newest GROUP BY member
        ) AS recorded FULL JOIN (
            SELECT member, jsonb_object_agg(purpose, said -> 'granted') AS counts
            FROM member_particulars CROSS JOIN LATERAL jsonb_each(consents) AS given (purpose, said) GROUP BY member
        ) AS kept USING (member)
        WHERE recorded.counts IS DISTINCT FROM kept.counts""",
    "Event {rows} was parked.": "SELECT source || ' ' || id || ' (' || type || '): ' || reason FROM dead_letters",
}
_EARNED = """
    SELECT member, tier, coalesce(earned, 0) AS earned FROM members
    LEFT JOIN accounts ON owner = member AND currency = $1 AND kind = 'available'
    WHERE enrolled_at IS NOT NULL"""
_NEWEST = "SELECT document FROM configurations ORDER BY version DESC LIMIT 1"


async def violations(connection: asyncpg.Connection) -> list[str]:
    """A sentence for each invariant that does not hold in the transaction's brand; none when all do."""
    found = []
    for sentence, query in _QUERIES.items():
        rows = [str(row[0]) for row in await connection.fetch(query)]
        if rows:
            found.append(sentence.format(rows=_named(rows)))
    return found + await _tiers(connection)


async def _tiers(connection: asyncpg.Connection) -> list[str]:
    """A member's tier is the one of what they earned; under several versions only the newest is known to hold."""
    brand = await connection.fetchval("SELECT current_setting('laurels.brand')")
    if await newest_version(connection, brand) != 1:
        return []
    rules = compile_document(await connection.fetchval(_NEWEST))
    wrong = [
        row["member"]
        for row in await connection.fetch(_EARNED, rules.tier_currency)
        if row["tier"] != tier_for(row["earned"], rules.thresholds, rules.tiers)
    ]
    return [f"Member {_named(wrong)} is in a tier that is not the one of what they earned."] if wrong else []


def _named(rows: list[str]) -> str:
    more = len(rows) - ROWS_NAMED_MAX
    return ", ".join(rows[:ROWS_NAMED_MAX]) + (f" and {more} more" if more > 0 else "")
