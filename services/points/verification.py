"""The invariants of the points service's database, checked from its rows alone.

The checks run in a transaction of one brand and read everything it has, so
they take as long as the brand is large.
"""

from collections.abc import Mapping

import asyncpg

from chassis.configuration import newest_version
from laurels.programme.v1.programme_pb2 import Programme
from services.points import merkle, tier_verification
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
        JOIN accounts AS took ON took.id = back.debit JOIN accounts AS had ON had.id = made.credit
        WHERE back.key LIKE 'reverse:%' AND (back.amount <> made.amount
            OR (took.owner, took.currency, took.kind) <> (had.owner, had.currency, had.kind))""",
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
    "What refunds took of {rows} is not what the entries say.": """
        SELECT member || ' (' || currency || ')' FROM (
            SELECT member, taken.key AS currency, sum(taken.value::bigint) AS amount
            FROM refunds CROSS JOIN LATERAL (
                SELECT * FROM jsonb_each_text(pending) UNION ALL SELECT * FROM jsonb_each_text(available)
            ) AS taken GROUP BY 1, 2
        ) AS noted
        FULL JOIN (
            SELECT owner AS member, currency, sum(amount) AS amount
            FROM entries JOIN accounts ON accounts.id = debit
            WHERE entries.kind = 12 AND owner NOT LIKE '!%' GROUP BY 1, 2
        ) AS posted USING (member, currency)
        WHERE coalesce(noted.amount, 0) <> coalesce(posted.amount, 0)""",
    "Refunds of purchase {rows} took more than their share.": """
        SELECT purchase FROM refunds CROSS JOIN LATERAL jsonb_each_text(due) AS share
        WHERE coalesce((pending ->> share.key)::bigint, 0) + coalesce((available ->> share.key)::bigint, 0)
            > share.value::bigint""",
    "Redemption {rows} and the entries for it do not say the same.": """
        SELECT coalesce(kept.redemption, substr(entries.key, strpos(entries.key, ':') + 1)) FROM (
            SELECT redemption, 'redeem:' || redemption AS key, price AS amount FROM redemptions
            WHERE price > 0 AND member NOT LIKE '!%'
            UNION ALL
            SELECT redemption, 'unredeem:' || redemption, price FROM redemptions
            WHERE price > 0 AND state IN (4, 5) AND member NOT LIKE '!%'
        ) AS kept
        FULL JOIN (
            SELECT key, amount FROM entries WHERE (key LIKE 'redeem:%' OR key LIKE 'unredeem:%')
                AND NOT EXISTS (SELECT FROM accounts WHERE accounts.id IN (debit, credit) AND owner LIKE '!%')
        ) AS entries
          USING (key)
        WHERE kept.amount IS DISTINCT FROM entries.amount""",
    "The cashback of redemption {rows} and the entries for it do not say the same.": """
        SELECT coalesce(kept.redemption, substr(entries.key, strpos(entries.key, ':') + 1)) FROM (
            SELECT redemption, 'cashback:' || redemption AS key, credited AS amount FROM redemptions
            WHERE credited > 0 AND member NOT LIKE '!%'
            UNION ALL
            SELECT redemption, 'uncashback:' || redemption, credited FROM redemptions
            WHERE credited > 0 AND state IN (4, 5) AND member NOT LIKE '!%'
        ) AS kept
        FULL JOIN (
            SELECT key, amount FROM entries WHERE (key LIKE 'cashback:%' OR key LIKE 'uncashback:%')
                AND NOT EXISTS (SELECT FROM accounts WHERE accounts.id IN (debit, credit) AND owner LIKE '!%')
        ) AS entries
          USING (key)
        WHERE kept.amount IS DISTINCT FROM entries.amount""",
    "Counter {rows} is not what the redemptions that hold have raised it to.": """
        SELECT coalesce(raised.name, kept.name) || ' of ' || coalesce(raised.owner, kept.owner, '') FROM (
            SELECT counter ->> 0 AS name, CASE WHEN (counter -> 1)::boolean THEN member ELSE '' END AS owner,
                counter ->> 2 AS period, count(*) AS value
            FROM redemptions, jsonb_array_elements(counted) AS counter WHERE state IN (1, 2, 3) GROUP BY 1, 2, 3
        ) AS raised
        FULL JOIN (
            SELECT name, owner, period, value FROM counters
            WHERE value <> 0 AND (name LIKE 'stock:%' OR name LIKE 'reward:%' OR name LIKE 'menu:%')
        ) AS kept USING (name, owner, period)
        WHERE raised.value IS DISTINCT FROM kept.value""",
    "Coupon code {rows} is not issued to exactly the redemption that names it.": """
        SELECT coalesce(issued.code, named.code) FROM (
            SELECT code, redemption, state = 3 AS is_void FROM reward_codes WHERE state <> 1
        ) AS issued
        FULL JOIN (
            SELECT code, redemption, state IN (4, 5) AS is_void FROM redemptions WHERE code <> ''
        ) AS named USING (code, redemption)
        WHERE issued.is_void IS DISTINCT FROM named.is_void""",
    "The size of group {rows} is not the number of who is in it or invited.": """
        SELECT groups."group" FROM groups LEFT JOIN group_members AS place
          ON place."group" = groups."group" AND place.state < 3
        GROUP BY groups."group", size HAVING count(place.member) <> size""",
    "The owner of group {rows} is not the one member who has that role.": """
        SELECT groups."group" FROM groups
        WHERE state = 1 AND ARRAY(SELECT member FROM group_members AS place
            WHERE place."group" = groups."group" AND role = 1 AND place.state = 2) <> ARRAY[owner]""",
    "Group {rows} was dissolved and still has points or members.": """
        SELECT "group" FROM groups WHERE state = 2 AND (
            EXISTS (SELECT FROM accounts WHERE owner = '~' || "group" AND balance <> 0)
            OR EXISTS (SELECT FROM group_members AS place WHERE place."group" = groups."group" AND place.state < 3))""",
    "What member {rows} contributed to a group is not the sum of the entries for it.": """
        SELECT coalesce(noted.member, posted.member) FROM (
            SELECT member, "group", part.key AS currency, part.value::bigint AS amount
            FROM group_members, jsonb_each_text(contributed) AS part
        ) AS noted FULL JOIN (
            SELECT source.owner AS member, substr(target.owner, 2) AS "group", source.currency,
                sum(amount)::bigint AS amount
            FROM entries JOIN accounts AS source ON source.id = debit JOIN accounts AS target ON target.id = credit
            WHERE entries.kind = 30 GROUP BY 1, 2, 3
        ) AS posted USING (member, "group", currency)
        WHERE noted.amount IS DISTINCT FROM posted.amount""",
    "The referral of member {rows} and the entries for it do not say the same.": """
        SELECT coalesce(noted.key, posted.key) FROM (
            SELECT 'referral:' || referee || ':referrer' AS key, referrer AS member, referrer_amount AS amount
            FROM referrals WHERE referrer_amount > 0 AND referee NOT LIKE '!%' AND referrer NOT LIKE '!%'
            UNION ALL SELECT 'referral:' || referee || ':referee', referee, referee_amount
            FROM referrals WHERE referee_amount > 0 AND referee NOT LIKE '!%'
        ) AS noted FULL JOIN (
            SELECT key, owner AS member, amount FROM entries JOIN accounts ON accounts.id = credit
            WHERE key LIKE 'referral:%' AND owner NOT LIKE '!%'
        ) AS posted USING (key, member)
        WHERE noted.amount IS DISTINCT FROM posted.amount""",
    "The referral of member {rows} is completed without an activity, or has one without being so.": """
        SELECT referee FROM referrals LEFT JOIN activities ON id = activity AND member = referee
        WHERE (state IN (2, 3)) <> (id IS NOT NULL) AND NOT EXISTS (SELECT FROM erasing WHERE alias = referee)""",
    "Member {rows} came, through others, by their own code, in a circle.": """
        WITH RECURSIVE chain AS (
            SELECT referee AS head, referrer AS above, 1 AS depth FROM referrals WHERE referrer <> ''
            UNION ALL
            SELECT head, referrer, depth + 1 FROM chain JOIN referrals ON referee = above
            WHERE referrer <> '' AND above <> head AND depth < 64
        )
        SELECT head FROM chain WHERE above = head""",
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
    "Parked grant {rows} was given and has no effect, or has one and was not given.": """
        SELECT parked."grant" FROM parked_grants AS parked
        LEFT JOIN entries ON entries.brand = parked.brand AND entries.key = effect AND parked.reward = ''
        LEFT JOIN given_rewards AS given
          ON given.brand = parked.brand AND given.key = effect AND parked.reward <> ''
        WHERE (state = 2) <> (coalesce(entries.key, given.key) IS NOT NULL)
          AND NOT (state <> 2 AND parked.code = 'idempotency_conflict')
           OR (state = 2 AND parked.redemption <> coalesce(given.redemption, ''))""",
    "The redemption of granted reward {rows} does not exist, is another member's, or had a price.": """
        SELECT given.key FROM given_rewards AS given
        LEFT JOIN redemptions ON redemptions.brand = given.brand AND redemptions.redemption = given.redemption
        WHERE (redemptions.member, redemptions.price) IS DISTINCT FROM (given.member, 0::bigint)""",
    "Request {rows} to hold points and its hold do not say the same.": """
        SELECT request.key FROM hold_requests AS request
        LEFT JOIN holds ON holds.brand = request.brand AND holds.hold = request.hold
        WHERE (request.hold <> '') <> (holds.hold IS NOT NULL)
           OR holds.member <> request.member OR holds.state = 4
           OR (holds.state = 2 AND holds.captured <> holds.amount)
           OR (holds.hold IS NOT NULL AND ended <> CASE holds.state WHEN 2 THEN 1 WHEN 3 THEN 2 ELSE 0 END)
           OR (ended <> 0) <> (ended_at IS NOT NULL) OR (due_at IS NOT NULL AND (ended <> 0 OR request.hold = ''))""",
    "The anniversary of {rows} is not the date that the member has.": """
        SELECT followed.member || ' (' || attribute || ')' FROM anniversaries AS followed
        LEFT JOIN member_particulars AS known
          ON known.brand = followed.brand AND known.member = followed.member
        WHERE known.attributes ->> attribute IS DISTINCT FROM on_date::text""",
    "Event {rows} was parked.": "SELECT source || ' ' || id || ' (' || type || '): ' || reason FROM dead_letters",
}
# None while a new version's attributes are still looked at.
_NOT_FOLLOWED = """
    SELECT member_particulars.member FROM member_particulars
    JOIN members ON members.brand = member_particulars.brand AND members.member = member_particulars.member
    WHERE enrolled_at IS NOT NULL AND attributes ->> $1 ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$'
      AND NOT EXISTS (SELECT FROM particulars_sweeps)
      AND NOT EXISTS (SELECT FROM anniversaries AS followed WHERE followed.brand = members.brand
        AND followed.member = members.member AND followed.attribute = $1)
    ORDER BY 1"""
_EARNED = """
    SELECT member, tier, coalesce(earned, 0) AS earned FROM members
    LEFT JOIN accounts ON owner = member AND currency = $1 AND kind = 'available'
    WHERE enrolled_at IS NOT NULL AND NOT tier_kept"""
# What a limit counted, by the kind of its periods, beside what the rule gave; all together have the owner ''.
_COUNTED = """
    SELECT counted.rule, counted.owner, counted.amount, coalesce(given.amount, 0) AS given FROM (
        SELECT substr(name, 6) AS rule, CASE WHEN owner LIKE '#%' THEN '' ELSE owner END AS owner,
            sum(value) AS amount
        FROM counters WHERE name LIKE 'rule:%' GROUP BY 1, 2, left(period, 1)
    ) AS counted
    LEFT JOIN (
        SELECT reference AS rule, coalesce(owner, '') AS owner, sum(amount) AS amount
        FROM entries JOIN accounts ON accounts.id = credit
        WHERE key LIKE 'activity:%' AND entries.kind IN (1, 8) GROUP BY GROUPING SETS ((reference), (reference, owner))
    ) AS given USING (rule, owner)
    ORDER BY 1, 2"""
_WAITING_REFUNDS = """
    SELECT refunds.purchase FROM refunds
    JOIN activities ON activities.brand = refunds.brand AND activities.id = purchase
      AND activities.member = refunds.member
    WHERE type = ANY($1::text[]) AND total IS NULL"""
_VERSIONS = "SELECT document FROM configurations ORDER BY version"
_GIVEN = """
    SELECT reward, count(*) AS given FROM redemptions WHERE state IN (1, 2, 3) GROUP BY reward ORDER BY reward"""
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
    found += await _tiers(connection) + await _earning(connection) + await _stock(connection)
    found += await _anniversaries(connection)
    return found + await _log(connection)


async def _earning(connection: asyncpg.Connection) -> list[str]:
    """Limits counted what their rules gave, and no refund waits for a purchase that is there.

    A limit that a later version states counts from then on, so that under
    several versions it is only known to have counted no more.
    """
    brand = await connection.fetchval("SELECT current_setting('laurels.brand')")
    version = await newest_version(connection, brand)
    found = []
    wrong = [
        row["rule"] + (f" ({row['owner']})" if row["owner"] else "")
        for row in await connection.fetch(_COUNTED)
        if row["amount"] > row["given"] or (version == 1 and row["amount"] != row["given"])
    ]
    if wrong:
        found.append(f"The limits of rule {_named(wrong)} did not count what it gave.")
    if version == 1:
        types = sorted(compile_document(await connection.fetchval(_NEWEST)).refunded)
        if waiting := [row["purchase"] for row in await connection.fetch(_WAITING_REFUNDS, types)]:
            found.append(f"A refund waits for purchase {_named(waiting)}, which is recorded.")
    return found


async def _tiers(connection: asyncpg.Connection) -> list[str]:
    """A member's tier is the one of what they earned; under several versions only the newest is known to hold."""
    brand = await connection.fetchval("SELECT current_setting('laurels.brand')")
    found = []
    if wrong := await tier_verification.histories(connection):
        found.append(f"Member {_named(wrong)} is not in the tier that is the newest in the history.")
    if await newest_version(connection, brand) != 1:
        return found
    rules = compile_document(await connection.fetchval(_NEWEST))
    if wrong := await tier_verification.standings(connection, brand, rules):
        found.append(f"Member {_named(wrong)} is not in the tier that their standing gives.")
    if wrong := await tier_verification.counts(connection, rules):
        found.append(f"What counts for the tier of {_named(wrong)} is not what was earned and done.")
    if not rules.ladder.is_plain:
        return found
    wrong = [
        row["member"]
        for row in await connection.fetch(_EARNED, rules.tier_currency)
        if row["tier"] != tier_for(row["earned"], rules.thresholds, rules.tiers)
    ]
    if wrong:
        found.append(f"Member {_named(wrong)} is in a tier that is not the one of what they earned.")
    return found


async def _stock(connection: asyncpg.Connection) -> list[str]:
    """No more of a reward is given than the largest stock that a version of the programme gave it."""
    stocks: dict[str, int | None] = {}
    for row in await connection.fetch(_VERSIONS):
        for reward in Programme.FromString(row["document"]).points.rewards:
            known = stocks.get(reward.id, 0)
            stocks[reward.id] = max(known, reward.stock) if known is not None and reward.HasField("stock") else None
    beyond = [
        f"{row['reward']} ({row['given']} of {most})"
        for row in await connection.fetch(_GIVEN)
        if (most := stocks.get(row["reward"])) is not None and row["given"] > most
    ]
    return [f"More of reward {_named(beyond)} are given than there were."] if beyond else []


async def _anniversaries(connection: asyncpg.Connection) -> list[str]:
    """Every date that the newest version follows is followed of every member who has it."""
    newest = await connection.fetchval(_NEWEST)
    names = compile_document(newest).members.anniversaries if newest is not None else []
    missing = [f"{row['member']} ({name})" for name in names for row in await connection.fetch(_NOT_FOLLOWED, name)]
    return [f"The date of {_named(missing)} is not followed."] if missing else []


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
