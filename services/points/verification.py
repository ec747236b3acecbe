"""The invariants of the points service's database, checked from its rows alone.

The checks run in a transaction of one brand and read everything it has, so
they take as long as the brand is large.
"""

from collections.abc import Mapping

import asyncpg

from chassis.configuration import newest_version
from services.points import merkle
from services.points.programme import compile_document
from services.points.store.log import LEAF_HASH
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
    "What account {rows} ever earned is not the sum of what was issued to it.": """
        SELECT accounts.id || ' (' || owner || ', ' || currency || ')' FROM accounts
        LEFT JOIN (SELECT credit, sum(amount) AS amount FROM entries WHERE debit < 0 GROUP BY credit) AS issued
          ON issued.credit = accounts.id
        WHERE owner <> '' AND coalesce(issued.amount, 0) <> earned""",
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
        WHERE members.member IS NULL""",
    "{rows}.": """
        SELECT recorded || ' activities were recorded and ' || told || ' were told' FROM
            (SELECT count(*) AS recorded FROM activities WHERE recorded_at >= (SELECT min(created_at) FROM outbox)),
            (SELECT count(*) AS told FROM outbox WHERE type = 'laurels.activity.v1.ActivityRecorded')
        WHERE recorded <> told""",
    "Tile {rows} of the ledger's log is not what the entries are.": f"""
        SELECT coalesce(kept.number, again.number) FROM (
            SELECT number, first_entry, hashes FROM ledger_tiles WHERE level = 0
        ) AS kept FULL JOIN (
            SELECT number, min(id) AS first_entry, string_agg(hash, ''::bytea ORDER BY id) AS hashes FROM (
                SELECT id, (row_number() OVER (ORDER BY id) - 1) / {merkle.TILE_HASHES} AS number, {LEAF_HASH} AS hash
                FROM (
                    SELECT entries.id, debit, credit, currency, amount, entries.kind, occurred_at, recorded_at
                    FROM entries JOIN accounts ON accounts.id = credit
                    WHERE entries.id <= (SELECT last_entry FROM ledger_logs)
                ) AS entry
            ) AS leaf GROUP BY number
        ) AS again USING (number)
        WHERE (kept.first_entry, kept.hashes) IS DISTINCT FROM (again.first_entry, again.hashes)
        ORDER BY 1""",  # noqa: S608 - put together from constants
    "Event {rows} was parked.": "SELECT source || ' ' || id || ' (' || type || '): ' || reason FROM dead_letters",
}
_EARNED = """
    SELECT member, tier, coalesce(earned, 0) AS earned FROM members
    LEFT JOIN accounts ON owner = member AND currency = $1 AND kind = 'available'
    WHERE enrolled_at IS NOT NULL"""
_NEWEST = "SELECT document FROM configurations ORDER BY version DESC LIMIT 1"
_LEAF_TILES = "SELECT hashes FROM ledger_tiles WHERE level = 0 ORDER BY number"
_UPPER_TILES = "SELECT level, number, hashes FROM ledger_tiles WHERE level > 0"
_ROOTS = "SELECT size, root FROM ledger_checkpoints UNION ALL SELECT size, root FROM ledger_logs ORDER BY size"
_SIZE = "SELECT coalesce(max(size), 0) FROM ledger_logs"


async def violations(connection: asyncpg.Connection) -> list[str]:
    """A sentence for each invariant that does not hold in the transaction's brand; none when all do."""
    found = []
    for sentence, query in _QUERIES.items():
        rows = [str(row[0]) for row in await connection.fetch(query)]
        if rows:
            found.append(sentence.format(rows=_named(rows)))
    return found + await _tiers(connection) + await _log(connection)


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


async def _log(connection: asyncpg.Connection) -> list[str]:
    """The upper tiles are the roots of the lower ones, and every root that was kept or signed is the tiles'."""
    edge, upper, size = merkle.Edge(0, {}), dict[merkle.Place, bytes](), 0
    kept = await connection.fetch(_ROOTS)
    other = []
    number = 0
    async for tile in connection.cursor(_LEAF_TILES):
        changed = edge.append(tile["hashes"])
        size += len(tile["hashes"]) // merkle.HASH_BYTES
        upper |= {place: hashes for place, hashes in changed.items() if place[0]}
        while number < len(kept) and kept[number]["size"] <= size:
            if _root(upper | changed, kept[number]["size"]) != kept[number]["root"]:
                other.append(str(kept[number]["size"]))
            number += 1
    found = []
    there = {(row["level"], row["number"]): row["hashes"] for row in await connection.fetch(_UPPER_TILES)}
    if wrong := sorted(place for place in there.keys() | upper.keys() if there.get(place) != upper.get(place)):
        named = _named([f"{number} of level {level}" for level, number in wrong])
        found.append(f"Tile {named} of the ledger's log does not follow from those below it.")
    if other:
        found.append(f"The root of the ledger's first {_named(other)} entries is not its log's.")
    if number < len(kept) or size != await connection.fetchval(_SIZE):
        found.append("The ledger's log does not have as many entries as its tiles.")
    return found


def _root(tiles: merkle.Tiles, size: int) -> bytes | None:
    try:
        return merkle.root_of(tiles, (0, size))
    except (KeyError, merkle.TreeTooSmall):
        return None


def _named(rows: list[str]) -> str:
    more = len(rows) - ROWS_NAMED_MAX
    return ", ".join(rows[:ROWS_NAMED_MAX]) + (f" and {more} more" if more > 0 else "")
