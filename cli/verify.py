"""Whether what the suite promises holds over everything it keeps.

Each service checks its own database from its rows alone. Between services,
every event must have its one effect in every consumer, every reward and prize
its one credit, and what the consumers keep must be what their rules give when
the events are played again from the first to the last.
"""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from importlib import import_module
from typing import Any

import asyncpg
from rich.console import Console

from chassis.database import EVERY_BRAND
from chassis.events import message_class
from cli.data_folder import DataFolder
from cli.embedded import SERVICES, Servers
from cli.settlement import Unsettled, settlement_of
from laurels.activity.v1.events_pb2 import ActivityRecorded
from laurels.leaderboard.v1.events_pb2 import ScratchCardIssued, ScratchCardRevealed
from laurels.missions.v1.events_pb2 import MissionCompleted
from laurels.missions.v1.levels_events_pb2 import LevelReached
from laurels.points.v1.events_pb2 import PointsCredited
from laurels.programme.v1.programme_pb2 import Programme
from laurels.value.v1.events_pb2 import HoldRequested, HoldSettled, RewardGranted
from services.activity import moment_of
from services.credits import is_earned
from services.leaderboard import boards
from services.leaderboard import programme as leaderboard_programme
from services.leaderboard.board_rules import BoardRules
from services.leaderboard.periods import Continuous
from services.leaderboard.published import readable
from services.leaderboard.ranking import Fact, Limits, Operator
from services.leaderboard.rules import LeaderboardRules
from services.leaderboard.scratch import activity_cause, card_id, mission_cause
from services.missions import fold
from services.missions import programme as missions_programme
from services.missions.activities import fact_of, refund_of
from services.missions.store.members import Member
from services.points import grants
from services.recommender import programme as recommender_programme
from services.recommender.profile import Change
from services.recommender.programme import AMOUNT

SETTLE_S = 60.0
STATEMENT_TIMEOUT = "120s"
NAMED_MAX = 5
DEADLOCK = "deadlock detected"

Facts = Mapping[str, list[Any]]


async def verify(data: DataFolder, console: Console, *, settle_s: float = SETTLE_S) -> bool:
    """Prints every violation; whether there is none."""
    found = await violations(data, settle_s=settle_s)
    for sentence in found:
        console.print(f"[red]violated[/red]  {sentence}", highlight=False, soft_wrap=True)
    if found:
        console.print(f"[red]{len(found)} invariants do not hold.[/red]")
    else:
        console.print("[green]Everything holds[/green]: ledgers, activities, missions, boards, cards, models, events.")
    return not found


async def violations(data: DataFolder, *, settle_s: float = SETTLE_S) -> list[str]:
    """What does not hold, as sentences; waits for the suite to settle first."""
    found: list[str] = []
    async with settlement_of(data) as settlement:
        try:
            await settlement.reached(settle_s)
        except Unsettled as error:
            found.append(str(error))
    servers = Servers.of_running_suite(data)
    async with AsyncExitStack() as stack:
        databases = {}
        for service in SERVICES:
            databases[service] = await asyncpg.connect(servers.postgres.url(service), timeout=5)
            stack.push_async_callback(databases[service].close)
        for brand in await _brands(databases["points"]):
            sentences = await _brand_violations(databases, brand, data.seed_key())
            found += [f"{brand}: {sentence}" for sentence in sentences]
        found += await _every_event_has_its_effect(databases)
    log = servers.postgres.log
    if log.exists() and DEADLOCK in log.read_text(errors="replace"):
        found.append(f"PostgreSQL saw a deadlock; its log is {log}.")
    return found


async def _brand_violations(databases: Mapping[str, asyncpg.Connection], brand: str, seed_key: str) -> list[str]:
    found: list[str] = []
    async with AsyncExitStack() as stack:
        for connection in databases.values():
            await stack.enter_async_context(_seeing(connection, brand))
        for service, connection in databases.items():
            arguments = (seed_key,) if service == "leaderboard" else ()
            check = import_module(f"services.{service}.verification").violations
            found += [f"{service}: {sentence}" for sentence in await check(connection, *arguments)]
        found += await _programmes_agree(databases)
        facts = await _facts(databases)
        found += await _rewards_are_credited(databases, facts)
        found += await _rewards_are_issued(databases, facts)
        found += await _holds_are_as_asked(databases, facts)
        if await _history_is_whole(databases["points"]):
            found += await _missions_are_their_replay(databases, facts)
            found += await _boards_are_their_replay(databases, facts, brand)
            found += await _profiles_are_their_replay(databases, facts)
    return found


# -- events and their effects ------------------------------------------------


async def _every_event_has_its_effect(databases: Mapping[str, asyncpg.Connection]) -> list[str]:
    """Each consumer has claimed what each producer published for it, no more and no less."""
    found: list[str] = []
    async with AsyncExitStack() as stack:
        for connection in databases.values():
            await stack.enter_async_context(_seeing(connection, EVERY_BRAND))
        for consumer in SERVICES:
            subscriptions = import_module(f"services.{consumer}.subscriber").SUBSCRIPTIONS
            for producer, types in subscriptions.items():
                names = [kind.DESCRIPTOR.full_name for kind in types]
                sent = await _ids(databases[producer], "SELECT id FROM outbox WHERE type = ANY($1)", names)
                claimed = await _ids(databases[consumer], "SELECT id FROM claims WHERE source = $1", producer)
                if missing := sent - claimed:
                    found.append(f"{consumer} has not applied events {_named(missing)} of {producer}.")
                # Before the oldest that is kept, the outbox was forgotten and the inbox not yet.
                if extra := {event for event in claimed - sent if event >= min(sent, default=0)}:
                    found.append(f"{consumer} has applied events {_named(extra)}, which {producer} never sent.")
    return found


async def _programmes_agree(databases: Mapping[str, asyncpg.Connection]) -> list[str]:
    """Every service works under the very versions of the programme that points recorded."""
    kept = {}
    for service, connection in databases.items():
        rows = await connection.fetch("SELECT version, document FROM configurations")
        kept[service] = {row["version"]: Programme.FromString(row["document"]) for row in rows}
    recorded = kept.pop("points")
    found = []
    for service, versions in kept.items():
        other = sorted(v for v in versions.keys() | recorded.keys() if versions.get(v) != recorded.get(v))
        if other:
            found.append(f"{service} and points do not have the same programme as version {_named(other)}.")
    return found


async def _rewards_are_credited(databases: Mapping[str, asyncpg.Connection], facts: Facts) -> list[str]:
    """Every mission's reward, every card's prize and all points that were granted are one entry of the right amount.

    What was parked is not owed until it is given.
    """
    rows = await databases["points"].fetch(
        "SELECT key, owner, currency, amount FROM entries JOIN accounts ON accounts.id = credit "
        "WHERE entries.kind = ANY($1::integer[])",
        sorted(grants.ENTRY_KINDS.values()),
    )
    # What an erased member was given has no key any more that an event could name.
    credited = Counter(
        (row["key"], row["owner"], row["currency"], row["amount"]) for row in rows if not row["owner"].startswith("!")
    )
    owed: Counter[tuple[str, str, str, int]] = Counter()
    for card in facts[ScratchCardRevealed.DESCRIPTOR.full_name]:
        if card.HasField("prize") and not card.granted:
            owed[f"prize:{card.card}", card.member, card.prize.currency, card.prize.amount] += 1
    parked = await _parked(databases["points"])
    for granted in facts[RewardGranted.DESCRIPTOR.full_name]:
        for _, effect, grant in grants.effects(granted):
            if grant.WhichOneof("kind") == "points" and effect not in parked:
                # Once a key, also where the mission or the card told it besides.
                owed[effect, granted.member, grant.points.currency, grant.points.amount] = 1
    found = []
    if missing := owed - credited:
        found.append(f"{len(missing)} rewards or prizes were not credited as owed, such as {_named(missing)}.")
    if await _history_is_whole(databases["points"]) and (extra := credited - owed):
        found.append(f"{len(extra)} credits stand for no reward or prize, such as {_named(extra)}.")
    return found


async def _rewards_are_issued(databases: Mapping[str, asyncpg.Connection], facts: Facts) -> list[str]:
    """Every reward that was granted is one redemption of it, or parked; no redemption is given for nothing."""
    parked = await _parked(databases["points"])
    owed = {
        (effect, granted.member, grant.reward)
        for granted in facts[RewardGranted.DESCRIPTOR.full_name]
        for _, effect, grant in grants.effects(granted)
        if grant.WhichOneof("kind") == "reward" and effect not in parked
    }
    rows = await databases["points"].fetch(
        "SELECT given.key, given.member, reward FROM given_rewards AS given JOIN redemptions "
        "ON redemptions.brand = given.brand AND redemptions.redemption = given.redemption"
    )
    issued = {tuple(row) for row in rows}
    found = []
    if missing := sorted(owed - issued):
        found.append(f"{len(missing)} granted rewards were not issued, such as {_named(missing)}.")
    if await _history_is_whole(databases["points"]) and (extra := sorted(issued - owed)):
        found.append(f"{len(extra)} rewards were issued that nothing granted, such as {_named(extra)}.")
    return found


async def _parked(connection: asyncpg.Connection) -> set[str]:
    """The keys of grants that are not given."""
    return {row["effect"] for row in await connection.fetch("SELECT effect FROM parked_grants WHERE state <> 2")}


async def _holds_are_as_asked(databases: Mapping[str, asyncpg.Connection], facts: Facts) -> list[str]:
    """Every request to hold points is decided, and each hold ended as it was said first, or is open."""
    rows = await databases["points"].fetch("SELECT key, member, hold, ended FROM hold_requests")
    decided = {row["key"]: row for row in rows}
    asked = {request.key: request.member for request in facts[HoldRequested.DESCRIPTOR.full_name]}
    words: dict[str, int] = {}
    for settled in facts[HoldSettled.DESCRIPTOR.full_name]:
        words.setdefault(settled.key, settled.end)
    found = []
    if missing := sorted(
        key for key, member in asked.items() if key not in decided or decided[key]["member"] != member
    ):
        found.append(f"{len(missing)} requests to hold points were not decided, such as {_named(missing)}.")
    otherwise = sorted(
        key for key, row in decided.items() if row["hold"] and key in asked and row["ended"] != words.get(key, 0)
    )
    if otherwise:
        found.append(f"{len(otherwise)} holds did not end as their services said, such as {_named(otherwise)}.")
    return found


# -- replay ------------------------------------------------------------------


async def _missions_are_their_replay(databases: Mapping[str, asyncpg.Connection], facts: Facts) -> list[str]:
    """Running totals that nothing holds back are what the activities alone lead to.

    Whatever else moves missions is folded anew by the service's own check.
    """
    connection = databases["missions"]
    rules = await _rules(connection, missions_programme.compile_document)
    of_member: dict[str, list[fold.Fact]] = {}
    for recorded in facts[ActivityRecorded.DESCRIPTOR.full_name]:
        activity, version = recorded.activity, recorded.programme_version
        of_type = rules[version].types.get(activity.type)
        if of_type is not None:
            values = of_type.values(activity, recorded.tier, _ignore)
            fact = fact_of(rules[version], activity, version, values, Member(activity.member))
            of_member.setdefault(activity.member, []).append(fact)
        of_member.setdefault(activity.member, []).extend(refund_of(rules[version], activity, version))
    comparable = {
        name
        for name in rules[max(rules)].missions
        if all(
            name not in each.gates and each.missions[name].simple for each in rules.values() if name in each.missions
        )
    }
    again = {
        (member, name): (run[fold.GOALS][0], run[fold.DONE] > 0)
        for member, found in of_member.items()
        for name, run in fold.replay([], found, rules.__getitem__).state["m"].items()
        if name in comparable
    }
    kept = {
        (row["member"], name): (run[fold.GOALS][0], run[fold.DONE] > 0)
        for row in await connection.fetch("SELECT member, state::text AS state FROM member_missions")
        for name, run in fold.loaded(row["state"])["m"].items()
        if name in comparable
    }
    return _difference("Progress", kept, again)


async def _boards_are_their_replay(databases: Mapping[str, asyncpg.Connection], facts: Facts, brand: str) -> list[str]:
    connection = databases["leaderboard"]
    rules = await _rules(connection, leaderboard_programme.compile_document)
    moved: Counter[tuple[Any, ...]] = Counter()
    cards: dict[str, tuple[str, str]] = {}
    for credited in filter(is_earned, facts[PointsCredited.DESCRIPTOR.full_name]):
        under = rules[credited.programme_version]
        moved.update(_placed(under, boards.facts_of_credit(under, credited)))
    for recorded in facts[ActivityRecorded.DESCRIPTOR.full_name]:
        under, member = rules[recorded.programme_version], recorded.activity.member
        of_type = under.by_type.get(recorded.activity.type)
        outcome = of_type.outcome(recorded, _ignore) if of_type is not None else None
        moved.update(_placed(under, boards.facts_of_activity(under, recorded, outcome)))
        if outcome is None:
            continue
        cause = activity_cause(recorded.activity.id)
        cards |= {card_id(brand, pool, cause): (pool, member) for pool in outcome.pools}
    for done in facts[MissionCompleted.DESCRIPTOR.full_name]:
        cause = mission_cause(done.mission, done.member)
        under = rules[done.programme_version]
        moved.update(_placed(under, boards.facts_of_mission(under, done)))
        cards |= {card_id(brand, pool, cause): (pool, done.member) for pool in under.by_mission.get(done.mission, ())}
    for reached in facts[LevelReached.DESCRIPTOR.full_name]:
        under = rules[reached.programme_version]
        moved.update(_placed(under, boards.facts_of_level(under, reached)))
    rows = await connection.fetch(
        "SELECT board, period, member, score, sub_score, occurred_at, value FROM board_facts WHERE source = 0"
    )
    kept = Counter(tuple(row) for row in rows)
    # What a board does not take, for its limits or after its period, is no fact.
    choosy = {name for version in rules.values() for name, board in version.compiled.items() if not _takes_all(board)}
    missing = {fact: count for fact, count in (moved - kept).items() if fact[0] not in choosy}
    return [
        *_difference("Facts of boards that no event tells of", dict(kept - moved), {}),
        *_difference("Facts of boards that events tell of", {}, missing),
        *await _cards_are_their_replay(connection, facts, cards),
    ]


async def _cards_are_their_replay(
    connection: asyncpg.Connection, facts: Facts, cards: Mapping[str, tuple[str, str]]
) -> list[str]:
    """Cards that activities and missions give, by pool and member, are there and were told of.

    A pool that has limits, or was closed, gave at most these: which of them came
    in time is not in the events.
    """
    rows = await connection.fetch(
        "SELECT pool, table_text, closed_at FROM scratch_pools JOIN scratch_pool_states USING (brand, pool)"
    )
    limited = {
        row["pool"]
        for row in rows
        if row["closed_at"] is not None or ((terms := readable(row["table_text"])) is not None and terms.limits_cards)
    }
    rows = await connection.fetch("SELECT card, pool, member, cause FROM scratch_cards WHERE member NOT LIKE '!%'")
    given = {
        row["card"]: (row["pool"], row["member"]) for row in rows if row["cause"].startswith(("activity:", "mission:"))
    }
    others = {row["card"] for row in rows} - given.keys()
    told = {issued.card: (issued.pool, issued.member) for issued in facts[ScratchCardIssued.DESCRIPTOR.full_name]}
    told = {card: told[card] for card in told.keys() - others}
    due = {card: of for card, of in cards.items() if of[0] not in limited or card in given}
    return [
        *_difference("Scratch cards", given, due),
        *_difference("Scratch cards told of", told, due),
    ]


def _placed(rules: LeaderboardRules, facts: Iterable[Fact]) -> Iterator[tuple[Any, ...]]:
    """Facts as they are kept: with the period that each is in."""
    for fact in facts:
        span = rules.compiled[fact.board].periods.at(fact.occurred_at)
        if span is not None:
            yield (fact.board, span.period, *fact[1:-1])


def _takes_all(board: BoardRules) -> bool:
    return (
        board.scoring.limits == Limits()
        and board.scoring.operator is not Operator.DISTINCT
        and isinstance(board.periods, Continuous)
    )


async def _profiles_are_their_replay(databases: Mapping[str, asyncpg.Connection], facts: Facts) -> list[str]:
    connection = databases["recommender"]
    rules = await _rules(connection, recommender_programme.compile_document)
    changes: dict[str, Change] = {}
    for recorded in facts[ActivityRecorded.DESCRIPTOR.full_name]:
        activity, values = recorded.activity, recorded.activity.attributes.fields
        counts = activity.type in rules[recorded.programme_version].amount_types and AMOUNT in values
        amount = int(values[AMOUNT].number_value) if counts else 0
        changes.setdefault(activity.member, Change()).see_activity(moment_of(activity), amount)
    again = {name: (seen.activities, seen.amount, seen.first_at, seen.last_at) for name, seen in changes.items()}
    rows = await connection.fetch("SELECT member, activities, amount::text, first_at, last_at, tier FROM profiles")
    kept = {
        row["member"]: (row["activities"], int(row["amount"]), row["first_at"], row["last_at"])
        for row in rows
        if row["activities"] > 0
    }
    # Each change of a tier is told, so that the newest event names the one that the member is in.
    tiers = {row["member"]: row["tier"] for row in await databases["points"].fetch("SELECT member, tier FROM members")}
    kept_tiers = {row["member"]: row["tier"] for row in rows}
    return [
        *_difference("Profiles", kept, again),
        *_difference("Profiles' tiers", kept_tiers, {name: tiers.get(name) for name in kept_tiers}),
    ]


# -- reading -----------------------------------------------------------------


async def _brands(connection: asyncpg.Connection) -> list[str]:
    async with _seeing(connection, EVERY_BRAND):
        rows = await connection.fetch("SELECT DISTINCT brand FROM configurations ORDER BY brand")
    return [row["brand"] for row in rows]


@asynccontextmanager
async def _seeing(connection: asyncpg.Connection, brand: str) -> AsyncIterator[None]:
    """One snapshot of one brand, as the application's role sees it."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        await connection.execute("SELECT set_config('laurels.brand', $1, true)", brand)
        await connection.execute("SELECT set_config('statement_timeout', $1, true)", STATEMENT_TIMEOUT)
        await connection.execute("SELECT set_config('idle_in_transaction_session_timeout', '0', true)")
        yield


async def _facts(databases: Mapping[str, asyncpg.Connection]) -> Facts:
    """The events that other services keep effects of, by type and in order."""
    wanted = {
        "points": (ActivityRecorded, PointsCredited),
        "missions": (MissionCompleted, LevelReached, RewardGranted, HoldRequested, HoldSettled),
        "leaderboard": (ScratchCardIssued, ScratchCardRevealed, RewardGranted, HoldRequested, HoldSettled),
        "recommender": (RewardGranted,),
    }
    facts: dict[str, list[Any]] = {}
    for service, kinds in wanted.items():
        for kind in kinds:
            name = kind.DESCRIPTOR.full_name
            # Of what an erased member did, only the ids of its events are left.
            rows = await databases[service].fetch(
                "SELECT payload FROM outbox WHERE type = $1 AND member NOT LIKE '!%' ORDER BY id", name
            )
            facts.setdefault(name, []).extend(message_class(name).FromString(row["payload"]) for row in rows)
    return facts


async def _history_is_whole(connection: asyncpg.Connection) -> bool:
    """Whether the outbox still holds the brand's first event; later ones went after it."""
    return bool(
        await connection.fetchval(
            "SELECT EXISTS (SELECT FROM outbox WHERE type = 'laurels.programme.v1.ProgrammeApplied' "
            "AND created_at <= (SELECT min(recorded_at) FROM configurations))"
        )
    )


async def _rules(connection: asyncpg.Connection, compile_document: Any) -> dict[int, Any]:
    rows = await connection.fetch("SELECT version, document FROM configurations")
    return {row["version"]: compile_document(row["document"]) for row in rows}


async def _ids(connection: asyncpg.Connection, query: str, argument: Any) -> set[int]:
    return {row["id"] for row in await connection.fetch(query, argument)}


def _difference(what: str, kept: Mapping[Any, Any], again: Mapping[Any, Any]) -> list[str]:
    keys = sorted(key for key in kept.keys() | again.keys() if kept.get(key, ...) != again.get(key, ...))
    if not keys:
        return []
    examples = [f"{key}: kept {kept.get(key, 'nothing')}, played again {again.get(key, 'nothing')}" for key in keys]
    return [f"{what} differ from their replay in {len(keys)} places, such as {_named(examples)}."]


def _named(rows: Iterable[Any]) -> str:
    return ", ".join(str(row) for row in list(rows)[:NAMED_MAX])


def _ignore(_rule: str, _why: str) -> None:
    """A rule that failed was told of when it was decided."""
