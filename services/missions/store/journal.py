"""Members' missions: the state, the facts that it came from, and checkpoints between them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import asyncpg
import orjson

from services.missions import calendar
from services.missions.fold import BEFORE_ALL, Checkpoint, Fact, Place, empty, fact_of

_LAST = """
    SELECT member, last_at, last_id FROM member_missions WHERE brand = $1 AND member = ANY ($2::text[])"""
_LOCK = """
    SELECT member, state, last_at, last_id, checkpoint_at FROM member_missions
    WHERE brand = $1 AND member = ANY ($2::text[]) ORDER BY member FOR NO KEY UPDATE"""
_ADD = """
    INSERT INTO member_missions (brand, member, state, last_at, last_id, checkpoint_at)
    SELECT $1, member, state::json, last_at, last_id, checkpoint_at
    FROM unnest($2::text[], $3::text[], $4::bigint[], $5::text[], $6::bigint[])
        AS new (member, state, last_at, last_id, checkpoint_at)"""
_SAVE = (
    _ADD
    + """
    ON CONFLICT (brand, member) DO UPDATE
    SET state = excluded.state, last_at = excluded.last_at, last_id = excluded.last_id,
        checkpoint_at = excluded.checkpoint_at"""
)
_STATE = "SELECT state, last_at, last_id, checkpoint_at FROM member_missions WHERE brand = $1 AND member = $2"
_ADD_FACTS = """
    INSERT INTO mission_facts (brand, member, at, id, version, body, activity)
    SELECT $1, member, at, id, version, body::json, activity
    FROM unnest($2::text[], $3::bigint[], $4::text[], $5::integer[], $6::text[], $7::bytea[])
        AS new (member, at, id, version, body, activity)
    ON CONFLICT DO NOTHING"""
_FACTS = """
    SELECT member, at, id, version, body FROM mission_facts
    WHERE brand = $1 AND member = ANY ($2::text[]) ORDER BY member, at, id"""
_FACT = """
    SELECT at, id, version, body, activity FROM mission_facts WHERE brand = $1 AND member = $2 AND id = $3 LIMIT 1"""
_VERSIONS = "SELECT DISTINCT version FROM mission_facts WHERE brand = $1 AND member = ANY ($2::text[])"
# What is behind the checkpoint before each new one: one statement for both, so that the older is found once.
_FORGET = """
    WITH behind AS (
        SELECT new.member, before.at, before.id
        FROM unnest($2::text[], $3::bigint[], $4::text[]) AS new (member, at, id)
        CROSS JOIN LATERAL (
            SELECT at, id FROM mission_checkpoints
            WHERE brand = $1 AND member = new.member AND (at, id) < (new.at, new.id)
            ORDER BY at DESC, id DESC LIMIT 1
        ) AS before
    ), facts AS (
        DELETE FROM mission_facts USING behind
        WHERE mission_facts.brand = $1 AND mission_facts.member = behind.member
            AND (mission_facts.at, mission_facts.id) <= (behind.at, behind.id)
    )
    DELETE FROM mission_checkpoints USING behind
    WHERE mission_checkpoints.brand = $1 AND mission_checkpoints.member = behind.member
        AND (mission_checkpoints.at, mission_checkpoints.id) < (behind.at, behind.id)"""
_CHECKPOINTS = """
    SELECT member, at, id, state FROM mission_checkpoints
    WHERE brand = $1 AND member = ANY ($2::text[]) ORDER BY member, at, id"""
_SAVE_CHECKPOINTS = """
    INSERT INTO mission_checkpoints (brand, member, at, id, state)
    SELECT $1, member, at, id, state::json
    FROM unnest($2::text[], $3::bigint[], $4::text[], $5::text[]) AS new (member, at, id, state)
    ON CONFLICT (brand, member, at, id) DO UPDATE SET state = excluded.state"""
_ADD_BEGINNINGS = """
    INSERT INTO mission_checkpoints (brand, member, at, id, state)
    SELECT $1, member, 0, '', $3::json FROM unnest($2::text[]) AS new (member)
    ON CONFLICT DO NOTHING"""
_MEMBER_COMPLETIONS = """
    SELECT member, mission, run, activity, completed_at, programme_version, state, retracted, claim_until, settled_at
    FROM completions WHERE brand = $1 AND member = ANY ($2::text[]) ORDER BY member, mission, run"""
_LOCK_COMPLETIONS = """
    SELECT completions.member, completions.mission, completions.run, activity, completed_at, programme_version, state,
        retracted, claim_until, settled_at
    FROM completions JOIN unnest($2::text[], $3::text[], $4::text[]) AS wanted (member, mission, run)
        ON completions.member = wanted.member AND completions.mission = wanted.mission
            AND completions.run = wanted.run
    WHERE completions.brand = $1
    ORDER BY completions.member, completions.mission, completions.run FOR NO KEY UPDATE OF completions"""
_SAVE_COMPLETIONS = """
    INSERT INTO completions
        (brand, member, mission, run, activity, completed_at, programme_version, state, retracted, claim_until,
         settled_at)
    SELECT $1, member, mission, run, activity, completed_at, programme_version, state, retracted, claim_until,
        settled_at
    FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::integer[], $8::text[],
        $9::boolean[], $10::timestamptz[], $11::timestamptz[])
        AS new (member, mission, run, activity, completed_at, programme_version, state, retracted, claim_until,
            settled_at)
    ON CONFLICT (brand, member, mission, run) DO UPDATE
    SET activity = excluded.activity, completed_at = excluded.completed_at,
        programme_version = excluded.programme_version, state = excluded.state, retracted = excluded.retracted,
        claim_until = excluded.claim_until, settled_at = coalesce(excluded.settled_at, completions.settled_at)"""
_COMPLETION_VERSIONS = """
    SELECT completions.member, completions.mission, completions.run, programme_version
    FROM completions JOIN unnest($2::text[], $3::text[], $4::text[]) AS wanted (member, mission, run)
        ON completions.member = wanted.member AND completions.mission = wanted.mission
            AND completions.run = wanted.run
    WHERE completions.brand = $1"""
_DUE = """
    SELECT member, mission, run FROM completions
    WHERE brand = $1 AND state = 'due' AND NOT retracted ORDER BY completed_at, member, mission, run LIMIT $2"""
_COUNTERS = """
    SELECT name, value FROM mission_counters WHERE brand = $1 AND name = ANY ($2::text[]) ORDER BY name
    FOR NO KEY UPDATE"""
_ADD_COUNTERS = """
    INSERT INTO mission_counters (brand, name, value) SELECT $1, name, 0 FROM unnest($2::text[]) AS new (name)
    ON CONFLICT DO NOTHING"""
_SAVE_COUNTERS = """
    UPDATE mission_counters SET value = new.value FROM unnest($2::text[], $3::bigint[]) AS new (name, value)
    WHERE mission_counters.brand = $1 AND mission_counters.name = new.name"""
_COUNTS = """
    SELECT mission, count(*) AS members FROM member_missions CROSS JOIN json_object_keys(state -> 'm') AS mission
    WHERE brand = $1 GROUP BY mission"""
_COMPLETED = """
    SELECT mission, count(DISTINCT member) AS completed FROM completions
    WHERE brand = $1 AND NOT retracted GROUP BY mission"""

DUE, CLAIMABLE, PAID, EXHAUSTED = "due", "claimable", "paid", "exhausted"
"""What becomes of a completion's rewards: given soon, waiting for a claim, given, not given for the limits."""


@dataclass(slots=True)
class MemberMissions:
    """A member's missions under their lock; `last` is the place of the newest fact, `is_new` without a row.

    `gone` are completions that were taken away, by mission and run, with what
    had become of their rewards. `checkpoint_at` is when the newest checkpoint was
    made, or, negative, when the first fact happened.
    """

    member: str
    state: dict[str, Any] = field(default_factory=empty)
    gone: dict[str, str] = field(default_factory=dict)
    last: Place = BEFORE_ALL
    checkpoint_at: int = 0
    is_new: bool = True


CompletionKey = tuple[str, str, str]
"""Member, mission, run."""


@dataclass(slots=True)
class Completion:
    """A row of `completions`."""

    member: str
    mission: str
    run: str
    activity: str
    completed_at: datetime
    programme_version: int
    state: str
    retracted: bool = False
    claim_until: datetime | None = None
    settled_at: datetime | None = None

    @property
    def key(self) -> CompletionKey:
        return self.member, self.mission, self.run

    @property
    def place(self) -> Place:
        return calendar.micros(self.completed_at), self.activity


@dataclass(slots=True)
class History:
    """What a member's state came from, as far as it is kept: the facts behind the oldest checkpoint."""

    facts: list[Fact] = field(default_factory=list)
    checkpoints: list[Checkpoint] = field(default_factory=list)
    completions: dict[tuple[str, str], Completion] = field(default_factory=dict)
    ids: set[str] = field(default_factory=set)

    def add(self, fact: Fact) -> bool:
        """Adds a fact, unless it is there; whether it was not."""
        if fact.id in self.ids:
            return False
        self.ids.add(fact.id)
        self.facts.append(fact)
        return True


@dataclass(slots=True)
class Counter:
    """How much of a limit is used."""

    name: str
    value: int


class NewFact(NamedTuple):
    """A row of `mission_facts`; `activity` is the activity itself, serialised."""

    member: str
    fact: Fact
    activity: bytes


class Boundary(NamedTuple):
    """A member, and the place of a new checkpoint."""

    member: str
    place: Place


async def last_places(connection: asyncpg.Connection, brand: str, members: Sequence[str]) -> dict[str, Place]:
    """The places of members' newest facts; nothing is locked."""
    return {row["member"]: (row["last_at"], row["last_id"]) for row in await connection.fetch(_LAST, brand, members)}


async def lock(connection: asyncpg.Connection, brand: str, members: Sequence[str]) -> dict[str, MemberMissions]:
    """The members that have missions, locked in the order of their ids."""
    return {row[0]: _missions(*row) for row in await connection.fetch(_LOCK, brand, members)}


async def save(connection: asyncpg.Connection, brand: str, changed: Sequence[MemberMissions]) -> None:
    """Writes new and changed members. One that another transaction added first is a unique violation."""
    for statement, some in (
        (_ADD, [each for each in changed if each.is_new]),
        (_SAVE, [each for each in changed if not each.is_new]),
    ):
        if some:
            await connection.execute(
                statement,
                brand,
                [each.member for each in some],
                [_packed(each) for each in some],
                [each.last[0] for each in some],
                [each.last[1] for each in some],
                [each.checkpoint_at for each in some],
            )


async def missions_of(connection: asyncpg.Connection, brand: str, member: str) -> MemberMissions:
    """A member's missions; nothing is locked."""
    row = await connection.fetchrow(_STATE, brand, member)
    return _missions(member, *row) if row is not None else MemberMissions(member)


def _missions(member: str, state: str, last_at: int, last_id: str, checkpoint_at: int) -> MemberMissions:
    found = orjson.loads(state)
    gone = found.pop("x", {})
    return MemberMissions(member, found, gone, (last_at, last_id), checkpoint_at, False)


def _packed(each: MemberMissions) -> str:
    return orjson.dumps(each.state | {"x": each.gone} if each.gone else each.state).decode()


async def versions(connection: asyncpg.Connection, brand: str, members: Sequence[str]) -> list[int]:
    """The versions that members' facts were judged under."""
    return [row["version"] for row in await connection.fetch(_VERSIONS, brand, members)]


async def add_facts(connection: asyncpg.Connection, brand: str, new: Sequence[NewFact]) -> None:
    await connection.execute(
        _ADD_FACTS,
        brand,
        [each.member for each in new],
        [each.fact.at for each in new],
        [each.fact.id for each in new],
        [each.fact.version for each in new],
        [each.fact.body() for each in new],
        [each.activity for each in new],
    )


async def histories(connection: asyncpg.Connection, brand: str, members: Sequence[str]) -> dict[str, History]:
    """What the members' states came from. Their missions' lock guards it."""
    found = {member: History() for member in members}
    for row in await connection.fetch(_CHECKPOINTS, brand, members):
        found[row["member"]].checkpoints.append(Checkpoint((row["at"], row["id"]), row["state"]))
    for row in await connection.fetch(_FACTS, brand, members):
        history, fact = found[row["member"]], fact_of(row["at"], row["id"], row["version"], row["body"])
        if not history.checkpoints or fact.place > history.checkpoints[0].place:
            history.add(fact)
    for row in await connection.fetch(_MEMBER_COMPLETIONS, brand, members):
        completion = Completion(*row)
        found[completion.member].completions[completion.mission, completion.run] = completion
    return found


async def save_nothing(_connection: asyncpg.Connection, _brand: str, _rows: Sequence[Any]) -> None:
    """Facts are appended, and checkpoints saved, by whoever makes them."""


async def fact(connection: asyncpg.Connection, brand: str, member: str, name: str) -> tuple[Fact, bytes] | None:
    """A fact of a member and the activity that it was, if it was one; None when it is not kept."""
    row = await connection.fetchrow(_FACT, brand, member, name)
    return (fact_of(row["at"], row["id"], row["version"], row["body"]), row["activity"]) if row is not None else None


async def add_beginnings(connection: asyncpg.Connection, brand: str, members: Sequence[str]) -> None:
    """Checkpoints before the first fact, of members who have none."""
    await connection.execute(_ADD_BEGINNINGS, brand, list(dict.fromkeys(members)), orjson.dumps(empty()).decode())


async def save_checkpoints(connection: asyncpg.Connection, brand: str, new: Sequence[tuple[str, Checkpoint]]) -> None:
    newest = {(member, checkpoint.place): checkpoint for member, checkpoint in new}
    await connection.execute(
        _SAVE_CHECKPOINTS,
        brand,
        [member for member, _ in newest],
        [place[0] for _, place in newest],
        [place[1] for _, place in newest],
        [checkpoint.state for checkpoint in newest.values()],
    )


async def forget(connection: asyncpg.Connection, brand: str, old: Sequence[Boundary]) -> None:
    """Deletes what is behind the checkpoint before each of these new ones: nothing is folded anew from before it."""
    columns = [[each.member for each in old], [each.place[0] for each in old], [each.place[1] for each in old]]
    await connection.execute(_FORGET, brand, *columns)


async def lock_completions(
    connection: asyncpg.Connection, brand: str, keys: Sequence[CompletionKey]
) -> dict[CompletionKey, Completion]:
    columns = [list(column) for column in zip(*keys, strict=True)]
    return {
        row.key: row for row in [Completion(*row) for row in await connection.fetch(_LOCK_COMPLETIONS, brand, *columns)]
    }


async def save_completions(connection: asyncpg.Connection, brand: str, rows: Sequence[Completion]) -> None:
    await connection.execute(
        _SAVE_COMPLETIONS,
        brand,
        [row.member for row in rows],
        [row.mission for row in rows],
        [row.run for row in rows],
        [row.activity for row in rows],
        [row.completed_at for row in rows],
        [row.programme_version for row in rows],
        [row.state for row in rows],
        [row.retracted for row in rows],
        [row.claim_until for row in rows],
        [row.settled_at for row in rows],
    )


async def completions_of(connection: asyncpg.Connection, brand: str, member: str) -> list[Completion]:
    """A member's completions; nothing is locked."""
    return [Completion(*row) for row in await connection.fetch(_MEMBER_COMPLETIONS, brand, [member])]


async def completion_versions(
    connection: asyncpg.Connection, brand: str, keys: Sequence[CompletionKey]
) -> dict[CompletionKey, int]:
    """The versions that completions were finished under; nothing is locked."""
    columns = [list(column) for column in zip(*keys, strict=True)]
    rows = await connection.fetch(_COMPLETION_VERSIONS, brand, *columns)
    return {(row["member"], row["mission"], row["run"]): row["programme_version"] for row in rows}


async def due(connection: asyncpg.Connection, brand: str, most: int) -> list[CompletionKey]:
    """Completions whose rewards are due."""
    return [(row[0], row[1], row[2]) for row in await connection.fetch(_DUE, brand, most)]


async def lock_counters(connection: asyncpg.Connection, brand: str, names: Sequence[str]) -> dict[str, Counter]:
    await connection.execute(_ADD_COUNTERS, brand, names)
    return {row["name"]: Counter(row["name"], row["value"]) for row in await connection.fetch(_COUNTERS, brand, names)}


async def save_counters(connection: asyncpg.Connection, brand: str, changed: Sequence[Counter]) -> None:
    await connection.execute(_SAVE_COUNTERS, brand, [each.name for each in changed], [each.value for each in changed])


async def counts(connection: asyncpg.Connection, brand: str) -> dict[str, tuple[int, int]]:
    """How many members are on each mission, and how many finished it."""
    completed = {row["mission"]: row["completed"] for row in await connection.fetch(_COMPLETED, brand)}
    members = {row["mission"]: row["members"] for row in await connection.fetch(_COUNTS, brand)}
    return {name: (members.get(name, 0), completed.get(name, 0)) for name in members.keys() | completed.keys()}
