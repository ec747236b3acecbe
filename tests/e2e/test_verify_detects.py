# ruff: noqa: S608 - the statements are damage, put together from constants
"""The suite is able to fail: whatever is damaged in any database, `laurels verify` says so, and only then.

Each damage is done by the superuser, who passes by every rule that holds the
services, and is small enough to pass every constraint. It is undone after a
look, and after all of them everything must hold again.
"""

import asyncio
import io
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import asyncpg
import pytest

from cli.data_folder import ephemeral_folder
from cli.embedded import SERVICES
from cli.settlement import settlement_of
from cli.supervisor import Options, Suite, suite_on
from cli.verify import violations
from laurels.value.v1 import events_pb2 as value_pb
from tests.e2e.world import World, eventually

BRAND = "damaged"
CARDS = 40
"""The chance that none of them wins is 0.645^40, that all of them do is less."""
SETTLE_S = 60.0
RECONCILE = "LAURELS_RECONCILE_EVERY_S"


@dataclass(frozen=True)
class Damage:
    """Statements on a service's tables, the tables to restore, and what is said of it."""

    service: str
    tables: tuple[str, ...]
    statements: tuple[str, ...]
    says: str


def damage(service: str, tables: str, says: str, *statements: str) -> Damage:
    return Damage(service, tuple(tables.split()), statements, says)


WALLET = "owner = 'ann' AND currency = 'points' AND kind = 'available'"
ISSUED = "id = (SELECT debit FROM entries WHERE key = 'activity:ann-1:dollars')"
EARNED = "key = 'activity:ann-1:dollars'"
TELLING = "INSERT INTO outbox (brand, member, type, payload, traceparent, published_at)"
PARKED = "INSERT INTO dead_letters (source, id, brand, member, type, payload, reason)"

POINTS = {
    "a balance": damage(
        "points",
        "accounts",
        "points: The balances of currency points (1) do not sum to zero.",
        f"UPDATE accounts SET balance = balance + 1 WHERE {WALLET}",
    ),
    "a balance at another's cost": damage(
        "points",
        "accounts",
        "do not sum to its balance",
        f"UPDATE accounts SET balance = balance + 1 WHERE {WALLET}",
        "UPDATE accounts SET balance = balance - 1 WHERE owner = 'bob' AND kind = 'available'",
    ),
    "what was ever earned": damage(
        "points",
        "accounts",
        "ever earned is not the sum of what was issued to it",
        f"UPDATE accounts SET earned = earned + 1 WHERE {WALLET}",
    ),
    "an entry's amount": damage(
        "points", "entries", "do not sum to its balance", f"UPDATE entries SET amount = amount + 1 WHERE {EARNED}"
    ),
    "an entry's amount, with all balances": damage(
        "points",
        "entries accounts",
        "Activity ann-1 and the entries for it do not say the same.",
        f"UPDATE accounts SET balance = balance - 1 WHERE {ISSUED}",
        f"UPDATE accounts SET balance = balance + 1, earned = earned + 1 WHERE {WALLET}",
        f"UPDATE entries SET amount = amount + 1 WHERE {EARNED}",
        "UPDATE entries SET credit_balance = credit_balance + 1 WHERE id >= (SELECT id FROM entries WHERE "
        f"{EARNED}) AND credit = (SELECT id FROM accounts WHERE {WALLET})",
        "UPDATE entries SET debit_balance = debit_balance + 1 WHERE id >= (SELECT id FROM entries WHERE "
        f"{EARNED}) AND debit = (SELECT id FROM accounts WHERE {WALLET})",
    ),
    "a balance in an entry": damage(
        "points",
        "entries",
        "The balance in the newest entry of account",
        "UPDATE entries SET debit_balance = debit_balance + 1 WHERE key LIKE 'spend:%'",
    ),
    "an entry deleted": damage("points", "entries", "do not sum to its balance", f"DELETE FROM entries WHERE {EARNED}"),
    "a spend deleted": damage(
        "points", "entries", "do not sum to its balance", "DELETE FROM entries WHERE key LIKE 'spend:%'"
    ),
    "an entry twice": damage(
        "points",
        # It is logged, as every new one is.
        "entries ledger_logs ledger_tiles ledger_checkpoints",
        "do not sum to its balance",
        "INSERT INTO entries (brand, key, digest, kind, debit, credit, amount, debit_balance, credit_balance, "
        "reference, occurred_at) SELECT brand, key || '-again', digest, kind, debit, credit, amount, debit_balance, "
        f"credit_balance, reference, occurred_at FROM entries WHERE {EARNED}",
    ),
    "an entry's moment": damage(
        "points",
        "entries",
        "Tile 0 of the ledger's log is not what the entries are.",
        f"UPDATE entries SET occurred_at = occurred_at + interval '1 microsecond' WHERE {EARNED}",
    ),
    "a hash in the ledger's log": damage(
        "points",
        "ledger_tiles",
        "Tile 0 of the ledger's log is not what the entries are.",
        "UPDATE ledger_tiles SET hashes = set_byte(hashes, 3, 255 - get_byte(hashes, 3))",
    ),
    "the root of the ledger's log": damage(
        "points",
        "ledger_logs",
        "entries is not its log's.",
        "UPDATE ledger_logs SET root = set_byte(root, 3, 255 - get_byte(root, 3))",
    ),
    "a checkpoint": damage(
        "points",
        "ledger_checkpoints",
        "entries is not its log's.",
        "UPDATE ledger_checkpoints SET root = set_byte(root, 3, 255 - get_byte(root, 3))",
    ),
    "a reward under another key": damage(
        "points",
        "entries",
        "1 rewards or prizes were not credited as owed, such as ('mission:come_back:ann', 'ann', 'points', 50).",
        "UPDATE entries SET key = 'mission:come_back:eve' WHERE key = 'mission:come_back:ann'",
    ),
    "an entry for another's wallet": damage(
        "points",
        "entries",
        "do not sum to its balance",
        f"UPDATE entries SET credit = (SELECT id FROM accounts WHERE owner = 'bob') WHERE {EARNED}",
    ),
    "a tier": damage(
        "points",
        "members",
        "Member bob is in a tier that is not the one of what they earned.",
        "UPDATE members SET tier = 'gold' WHERE member = 'bob'",
    ),
    "a member's enrolment": damage(
        "points",
        "members",
        "Member bob has activities but is not enrolled.",
        "UPDATE members SET enrolled_at = NULL WHERE member = 'bob'",
    ),
    "an activity deleted": damage(
        "points",
        "activities",
        "Activity ann-1 and the entries for it do not say the same.",
        "DELETE FROM activities WHERE id = 'ann-1'",
    ),
    "what an activity earned": damage(
        "points",
        "activities",
        "Activity ann-1 and the entries for it do not say the same.",
        """UPDATE activities SET earned = '{"points": 1000}' WHERE id = 'ann-1'""",
    ),
    "an activity not told": damage(
        "points",
        "outbox",
        "activities were recorded and",
        "DELETE FROM outbox WHERE id = (SELECT max(id) FROM outbox WHERE type LIKE '%ActivityRecorded')",
    ),
    "an activity told twice": damage(
        "points",
        "outbox",
        "missions has not applied events",
        f"{TELLING} SELECT brand, member, type, payload, '', now() FROM outbox "
        "WHERE id = (SELECT max(id) FROM outbox WHERE type LIKE '%ActivityRecorded')",
    ),
    "an activity told of another member": damage(
        "points",
        "outbox",
        "Progress differ from their replay",
        "UPDATE outbox SET payload = decode(replace(encode(payload, 'hex'), encode('bob', 'hex'), "
        "encode('ann', 'hex')), 'hex') WHERE type LIKE '%ActivityRecorded' AND member = 'bob'",
    ),
    "a credit not told": damage(
        "points",
        "outbox",
        "leaderboard has applied events",
        "DELETE FROM outbox WHERE id = (SELECT max(id) FROM outbox WHERE type LIKE '%PointsCredited')",
    ),
    "a tier not told": damage(
        "points",
        "outbox",
        "recommender has applied events",
        "DELETE FROM outbox WHERE id = (SELECT max(id) FROM outbox WHERE type LIKE '%TierChanged')",
    ),
}
MISSIONS = {
    "progress": damage(
        "missions",
        "member_missions",
        "Progress differ from their replay in 1 places, such as ('bob', 'regular'): kept (2, False), "
        "played again (1, False).",
        "UPDATE member_missions SET state = jsonb_set(state::jsonb, '{m,regular,3}', '[2]')::json WHERE member = 'bob'",
    ),
    "progress deleted": damage(
        "missions",
        "member_missions",
        "Progress differ from their replay",
        "UPDATE member_missions SET state = (state::jsonb #- '{m,regular}')::json WHERE member = 'bob'",
    ),
    "a badge removed": damage(
        "missions",
        "badges",
        "Member ann has badge returning 0 times by its row and 1 times by its awards.",
        "DELETE FROM badges WHERE member = 'ann' AND badge = 'returning'",
    ),
    "a badge given": damage(
        "missions",
        "badges",
        "Member bob has badge returning 1 times by its row and 0 times by its awards.",
        "INSERT INTO badges (brand, member, badge, mission, earned_at) SELECT brand, 'bob', badge, mission, earned_at "
        "FROM badges WHERE member = 'ann' AND badge = 'returning'",
    ),
    "a completion removed": damage(
        "missions",
        "completions",
        "by its state and at no time by its completion",
        "DELETE FROM completions WHERE member = 'ann' AND mission = 'come_back'",
    ),
    "a completion by another activity": damage(
        "missions",
        "completions",
        "Mission come_back of member ann is finished at",
        "UPDATE completions SET activity = 'ann-0' WHERE member = 'ann' AND mission = 'come_back'",
    ),
    "a mission finished and not told": damage(
        "missions",
        "outbox",
        "That member ann finished mission come_back is told by no event.",
        "DELETE FROM outbox WHERE type LIKE '%MissionCompleted' AND encode(payload, 'escape') LIKE '%come\\_back%'",
    ),
    "a badge not told": damage(
        "missions",
        "outbox",
        "That member ann earned a badge by mission:come_back:ann:returning is told by no event.",
        "DELETE FROM outbox WHERE type LIKE '%BadgeEarned' AND encode(payload, 'escape') LIKE '%returning%'",
    ),
}
A_WINNER = "card = (SELECT min(card) FROM scratch_cards WHERE prize IS NOT NULL)"
A_LOSER = "card = (SELECT min(card) FROM scratch_cards WHERE revealed_at IS NOT NULL AND prize IS NULL)"
LEADERBOARD = {
    "a score": damage(
        "leaderboard",
        "scores",
        "The score of 'bob' on board 'points' in period 0 is not what its facts say.",
        "UPDATE scores SET score = score + 1 WHERE board = 'points' AND member = 'bob'",
    ),
    "when a score was reached": damage(
        "leaderboard",
        "scores",
        "is not what its facts say.",
        "UPDATE scores SET reached_at = reached_at - interval '1 day' WHERE board = 'points' AND member = 'bob'",
    ),
    "a score deleted": damage(
        "leaderboard",
        "scores",
        "There are facts of 'bob' on board 'points' in period 0, and no score.",
        "DELETE FROM scores WHERE board = 'points' AND member = 'bob'",
    ),
    "a score and its facts": damage(
        "leaderboard",
        "scores board_facts",
        "Facts of boards that no event tells of differ from their replay",
        "UPDATE scores SET score = score + 1 WHERE board = 'points' AND member = 'bob'",
        "UPDATE board_facts SET score = score + 1 WHERE id = "
        "(SELECT min(id) FROM board_facts WHERE board = 'points' AND member = 'bob')",
    ),
    "a member's facts and score": damage(
        "leaderboard",
        "scores board_facts",
        "Facts of boards that events tell of differ from their replay",
        "DELETE FROM scores WHERE board = 'points' AND member = 'bob'",
        "DELETE FROM board_facts WHERE board = 'points' AND member = 'bob'",
    ),
    "a board's period": damage(
        "leaderboard",
        "board_periods",
        "Board 'points' has scores in period 0, which it does not have.",
        "DELETE FROM board_periods WHERE board = 'points'",
    ),
    "a card's prize": damage(
        "leaderboard",
        "scratch_cards",
        "but its draw gives",
        f"UPDATE scratch_cards SET prize = CASE prize WHEN 'golden' THEN 'ten' ELSE 'golden' END WHERE {A_WINNER}",
    ),
    "a card's prize taken": damage(
        "leaderboard",
        "scratch_cards",
        "won 'nothing', but its draw gives",
        f"UPDATE scratch_cards SET prize = NULL WHERE {A_WINNER}",
    ),
    "a prize for a card that won nothing": damage(
        "leaderboard",
        "scratch_cards scratch_prizes",
        "but its draw gives 'nothing'.",
        f"UPDATE scratch_cards SET prize = 'ten' WHERE {A_LOSER}",
        "UPDATE scratch_prizes SET remaining = remaining - 1 WHERE id = 'ten'",
    ),
    "a card hidden again": damage(
        "leaderboard",
        "scratch_cards",
        "was told, but there is no such revealed card.",
        f"UPDATE scratch_cards SET revealed_at = NULL, prize = NULL, draw = NULL WHERE {A_LOSER}",
    ),
    "a card of another member": damage(
        "leaderboard",
        "scratch_cards",
        "Scratch cards differ from their replay",
        f"UPDATE scratch_cards SET member = 'bob' WHERE {A_LOSER}",
    ),
    "a card deleted": damage(
        "leaderboard",
        "scratch_cards",
        "Scratch cards differ from their replay",
        "DELETE FROM scratch_cards WHERE revealed_at IS NULL",
    ),
    "a stock": damage(
        "leaderboard",
        "scratch_prizes",
        "Prize 'golden' of pool 'golden_disc' was won",
        "UPDATE scratch_prizes SET remaining = remaining - 1 WHERE id = 'golden'",
    ),
    "a commitment": damage(
        "leaderboard",
        "scratch_pools",
        "The seed of pool 'golden_disc' is not the one that was committed to.",
        "UPDATE scratch_pools SET commitment = repeat('0', 64)",
    ),
    "a seed": damage(
        "leaderboard",
        "scratch_pools",
        "golden_disc",
        "UPDATE scratch_pools SET sealed_seed = set_byte(sealed_seed, 20, get_byte(sealed_seed, 20) # 1)",
    ),
    "the odds": damage(
        "leaderboard",
        "scratch_pools",
        "Pool 'golden_disc' is kept other than it was published.",
        "UPDATE scratch_pools SET nothing_weight = 1000000",
    ),
    "a table": damage(
        "leaderboard",
        "scratch_pools",
        "Pool 'golden_disc' is not the one that the programme declares.",
        """UPDATE scratch_pools SET table_text = replace(table_text, '"face":"scratch_card"', '"face":"wheel"')""",
    ),
    "a table that is none": damage(
        "leaderboard",
        "scratch_pools",
        "The table of pool 'golden_disc' cannot be read.",
        "UPDATE scratch_pools SET table_text = replace(table_text, 'scratch_card', 'wheel')",
    ),
    "a member's own seed": damage(
        "leaderboard",
        "scratch_cards",
        "is not chained to the draws before it",
        f"UPDATE scratch_cards SET own_seed = 'another' WHERE {A_WINNER}",
    ),
    "a prize not granted": damage(
        "leaderboard",
        "outbox",
        "and no event grants it.",
        "DELETE FROM outbox WHERE id = (SELECT max(id) FROM outbox WHERE type LIKE '%RewardGranted')",
    ),
    "a prize's worth": damage(
        "leaderboard",
        "scratch_prizes",
        "Prize 'golden' of pool 'golden_disc' is kept other than it was published.",
        "UPDATE scratch_prizes SET amount = amount + 1 WHERE id = 'golden'",
    ),
    "more of a prize": damage(
        "leaderboard",
        "scratch_prizes",
        "Prize 'golden' of pool 'golden_disc' is kept other than it was published.",
        "UPDATE scratch_prizes SET stock = stock + 1, remaining = remaining + 1 WHERE id = 'golden'",
    ),
    "a reveal not told": damage(
        "leaderboard",
        "outbox",
        "and no event tells of it.",
        "DELETE FROM outbox WHERE id = (SELECT max(id) FROM outbox WHERE type LIKE '%ScratchCardRevealed')",
    ),
    "a card not told": damage(
        "leaderboard",
        "outbox",
        "Scratch cards told of differ from their replay",
        "DELETE FROM outbox WHERE id = (SELECT max(id) FROM outbox WHERE type LIKE '%ScratchCardIssued')",
    ),
}
RECOMMENDER = {
    "a profile's activities": damage(
        "recommender",
        "profiles",
        "Profiles differ from their replay",
        "UPDATE profiles SET activities = activities + 1 WHERE member = 'bob'",
    ),
    "a profile's amount": damage(
        "recommender",
        "profiles",
        "Profiles differ from their replay",
        "UPDATE profiles SET amount = amount + 1 WHERE member = 'bob'",
    ),
    "a profile's last moment": damage(
        "recommender",
        "profiles",
        "Profiles differ from their replay",
        "UPDATE profiles SET last_at = last_at + interval '1 day' WHERE member = 'bob'",
    ),
    "a profile's tier": damage(
        "recommender",
        "profiles",
        "Profiles' tiers differ from their replay",
        "UPDATE profiles SET tier = 'platinum' WHERE member = 'bob'",
    ),
    "a profile deleted": damage(
        "recommender", "profiles", "Profiles differ from their replay", "DELETE FROM profiles WHERE member = 'bob'"
    ),
    "an outcome's value": damage(
        "recommender",
        "outcomes",
        "Outcomes that were told other than they are",
        "UPDATE outcomes SET value = 0.5",
    ),
    "an outcome deleted": damage(
        "recommender", "outcomes", "Models that count other lessons than they have outcomes", "DELETE FROM outcomes"
    ),
    "what a model learnt": damage(
        "recommender",
        "learners",
        "Models that count other lessons than they have outcomes",
        "UPDATE learners SET lessons = lessons + 1",
    ),
    "what a decision was chosen from": damage(
        "recommender",
        "decisions",
        "Choices that were not among those to choose from",
        "UPDATE decisions SET among = ARRAY['another'] WHERE decision = (SELECT decision FROM outcomes)",
    ),
    "a decision that is open no more": damage(
        "recommender",
        "pending",
        "Decisions that are pending with an outcome, or neither",
        "DELETE FROM pending WHERE decision = (SELECT min(decision) FROM pending)",
    ),
    "a decision's propensity": damage(
        "recommender",
        "decisions",
        "Decisions that were told other than they are",
        "UPDATE decisions SET propensity = propensity / 2 WHERE place = 1",
    ),
    "a decision deleted": damage(
        "recommender",
        "decisions",
        "Decisions that were told other than they are",
        "DELETE FROM decisions WHERE decision NOT IN (SELECT decision FROM outcomes)",
    ),
    "a decision not told": damage(
        "recommender",
        "outbox",
        "Decisions that no event tells of",
        "DELETE FROM outbox WHERE id = (SELECT max(id) FROM outbox WHERE type LIKE '%RecommendationMade')",
    ),
    "an outcome not told": damage(
        "recommender",
        "outbox",
        "Outcomes that no event tells of",
        "DELETE FROM outbox WHERE type LIKE '%OutcomeRecorded'",
    ),
    "a decision of a version that never was": damage(
        "recommender",
        "decisions",
        "Decisions made under a programme that this service does not have",
        "UPDATE decisions SET programme_version = 7",
    ),
}
CONSUMERS = (
    ("missions", "points"),
    ("leaderboard", "points"),
    ("recommender", "points"),
    ("leaderboard", "missions"),
    ("points", "missions"),
    ("points", "leaderboard"),
    ("points", "recommender"),
    ("recommender", "missions"),
)
FIRST = "(SELECT min(id) FROM claims WHERE source = '{source}')"
CLAIMS_CLEARED = [
    damage(
        consumer,
        "inbox",
        f"{consumer} has not applied events",
        f"UPDATE inbox SET claimed = set_bit(claimed, ({FIRST.format(source=source)} % 1000)::int, 0) "
        f"WHERE source = '{source}' AND bucket = {FIRST.format(source=source)} / 1000 "
        f"AND get_bit(claimed, ({FIRST.format(source=source)} % 1000)::int) = 1",
    )
    for consumer, source in CONSUMERS
]
CLAIMS_MADE_UP = [
    damage(
        consumer,
        "inbox",
        f"{consumer} has applied events 999, which {source} never sent.",
        f"UPDATE inbox SET claimed = set_bit(claimed, 999, 1) WHERE source = '{source}' AND bucket = 0 "
        f"AND partition = (SELECT min(partition) FROM inbox WHERE source = '{source}' AND bucket = 0)",
    )
    for consumer, source in CONSUMERS
]
GRANTED = value_pb.RewardGranted(
    key="made:up",
    member="ann",
    reason=value_pb.GRANT_REASON_CAMPAIGN,
    grants=[
        value_pb.Grant(points=value_pb.PointsGrant(currency="points", amount=1)),
        value_pb.Grant(reward="single"),
    ],
)
VALUE = {
    f"{name} that {service} told and points never heard of": damage(
        service,
        "outbox",
        says,
        f"{TELLING} VALUES ('{BRAND}', 'ann', '{message.DESCRIPTOR.full_name}', "
        f"'\\x{message.SerializeToString().hex()}', '', now())",
    )
    for service in ("missions", "leaderboard")
    for name, message, says in (
        ("granted points", GRANTED, "1 rewards or prizes were not credited as owed"),
        ("a granted reward", GRANTED, "1 granted rewards were not issued, such as ('made:up#1', 'ann', 'single')"),
        (
            "a request to hold",
            value_pb.HoldRequested(key="made:up", member="ann", currency="points", amount=1),
            "1 requests to hold points were not decided, such as made:up",
        ),
    )
}
EVENTS_PARKED = [
    damage(
        service,
        "dead_letters",
        f"{BRAND}: {service}: Event",
        f"{PARKED} VALUES ('points', 9, '{BRAND}', 'ann', 'laurels.activity.v1.ActivityRecorded', '', 'KeyError')",
    )
    for service in SERVICES
]
PROGRAMMES = {
    f"the programme of {service}": damage(
        service,
        "configurations",
        f"{says} and points do not have the same programme as version 1.",
        "UPDATE configurations SET document = document || '\\x0a0158'::bytea",
    )
    for service, says in (("points", "missions"), ("missions", "missions"), ("leaderboard", "leaderboard"))
} | {
    "a version that was never recorded": damage(
        "recommender",
        "configurations",
        "recommender and points do not have the same programme as version 2.",
        "INSERT INTO configurations SELECT brand, 2, document, now() FROM configurations",
    )
}
DAMAGES = POINTS | MISSIONS | LEADERBOARD | RECOMMENDER | PROGRAMMES | VALUE


@pytest.fixture(scope="module")
async def small() -> AsyncIterator[Suite]:
    """A suite of its own in which something of everything happened; nothing in it is repaired unasked."""
    folder = ephemeral_folder()
    before = os.environ.get(RECONCILE)
    os.environ[RECONCILE] = "3600"
    try:
        async with suite_on(folder, Options()) as started:
            await populate(started)
            yield started
    finally:
        folder.remove()
        if before is None:
            del os.environ[RECONCILE]
        else:
            os.environ[RECONCILE] = before


async def populate(suite: Suite) -> None:
    """Ann does everything there is, Bob buys once and spends nothing."""
    async with World(suite, BRAND) as world:
        await world.call("POST", "/v1/members", {"member": "ann", "display_name": "Ann"})
        await world.buy("ann", *[12_000] * CARDS)
        await world.buy("bob", 1_000)
        async with settlement_of(suite.data) as settlement:
            await settlement.reached(SETTLE_S)
            cards = (await world.get("/v1/members/ann/scratch-cards?page_size=100"))["cards"]
            assert len(cards) == CARDS + 1  # one for the mission `regular`
            revealed = [world.call("POST", f"/v1/scratch-cards/{card['card']}:reveal", {}) for card in cards[1:]]
            assert {response.status_code for response in await asyncio.gather(*revealed)} == {200}
            choices = (await world.get("/v1/members/ann/recommendations?slot=home&count=3"))["recommendations"]
            await world.call("POST", f"/v1/decisions/{choices[0]['decision']}:outcome", {"value": 1.0})
            await settlement.reached(SETTLE_S)
        spent = await world.call(
            "POST", "/v1/members/ann/wallets/points:spend", {"amount": 80}, headers={"idempotency-key": "k"}
        )
        assert spent.status_code == 200, spent.text
    await logged(suite)


async def logged(suite: Suite) -> None:
    """Waits until the ledger's log has every entry and a checkpoint, so that no damage gets into it."""
    session = await asyncpg.connect(suite.servers.postgres.admin_url("laurels_points"))

    async def is_whole() -> bool:
        query = "SELECT max(id) = (SELECT max(last_entry) FROM ledger_logs) FROM entries"
        return bool(await session.fetchval(query) and await session.fetchval("SELECT count(*) FROM ledger_checkpoints"))

    try:
        await eventually(is_whole, True)
    finally:
        await session.close()


@asynccontextmanager
async def damaged(suite: Suite, done: Damage) -> AsyncIterator[None]:
    """The damage within the block; afterwards the tables are as they were, to the bit."""
    session = await asyncpg.connect(suite.servers.postgres.admin_url(f"laurels_{done.service}"))
    try:
        saved = {table: io.BytesIO() for table in done.tables}
        for table, copy in saved.items():
            await session.copy_from_table(table, output=copy, format="binary")
        async with session.transaction():
            # As a restore would: no trigger and no foreign key stands in the way.
            await session.execute("SET LOCAL session_replication_role = replica")
            for statement in done.statements:
                changed = await session.execute(statement)
                assert not changed.endswith(" 0"), f"nothing to damage: {statement}"
        try:
            yield
        finally:
            async with session.transaction():
                await session.execute("SET LOCAL session_replication_role = replica")
                for table, copy in saved.items():
                    copy.seek(0)
                    await session.execute(f"DELETE FROM {table}")
                    await session.copy_to_table(table, source=copy, format="binary")
    finally:
        await session.close()


async def test_an_undamaged_suite_holds(small: Suite) -> None:
    assert await violations(small.data) == []


@pytest.mark.parametrize("name", DAMAGES)
async def test_damage_is_found(small: Suite, name: str) -> None:
    async with damaged(small, DAMAGES[name]):
        found = await violations(small.data)
    assert any(DAMAGES[name].says in sentence for sentence in found), found


@pytest.mark.parametrize(
    "everywhere", [CLAIMS_CLEARED, CLAIMS_MADE_UP, EVENTS_PARKED], ids=["claims cleared", "claims made up", "parked"]
)
async def test_damage_is_found_in_each_service_that_has_it(small: Suite, everywhere: list[Damage]) -> None:
    async with AsyncExitStack() as stack:
        for done in everywhere:
            await stack.enter_async_context(damaged(small, done))
        found = await violations(small.data)
    for done in everywhere:
        assert any(done.says in sentence for sentence in found), (done.says, found)


async def test_all_repaired_it_holds_again(small: Suite) -> None:
    assert await violations(small.data) == []


async def command(suite: Suite) -> tuple[int, str]:
    """The exit status of `laurels verify`, and what it printed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cli", "verify", "--data", str(suite.data.path)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    return process.returncode, output.decode()


async def test_the_command_exits_with_1_while_something_does_not_hold(small: Suite) -> None:
    async with damaged(small, POINTS["a balance"]):
        status, printed = await command(small)
    assert status == 1, printed
    assert f"{BRAND}: {POINTS['a balance'].says}" in printed
    assert "invariants do not hold" in printed
    status, printed = await command(small)
    assert (status, "Everything holds" in printed) == (0, True), printed
