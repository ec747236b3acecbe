"""Every SQL statement of boards: scores, facts, periods, standings, removals, changes.

Scores are added to by nobody but a transaction that has them locked, so that
the rules decide on them in memory.
"""

from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import asyncpg
import numpy as np
import orjson

from services.leaderboard.ranking import Fact, Score, Source

OPEN, CLOSING, CLOSED = 1, 2, 3
"""As PeriodState."""
# Microseconds from 1970 to 2000, where PostgreSQL's clock begins.
POSTGRES_EPOCH_US = 946_684_800_000_000

ScoreKey = tuple[str, int, str]
"""Board, period, member."""
PeriodKey = tuple[str, int]
"""Board, period."""
RemovalKey = tuple[str, str]
"""Board, member."""

_LOCK_SCORES = """
    SELECT known.* FROM unnest($2::text[], $3::bigint[], $4::text[]) AS wanted (board, period, member)
    CROSS JOIN LATERAL (
        SELECT board, period, member, score, sub_score, reached_at, moves, window_at, window_count, seen FROM scores
        WHERE brand = $1 AND scores.board = wanted.board AND scores.period = wanted.period
          AND scores.member = wanted.member
        LIMIT 1 FOR NO KEY UPDATE
    ) AS known"""
_ADD_SCORES = """
    INSERT INTO scores
        (brand, board, period, member, score, sub_score, reached_at, moves, window_at, window_count, seen)
    SELECT $1, * FROM unnest($2::text[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[], $7::timestamptz[],
        $8::bigint[], $9::bigint[], $10::integer[], $11::jsonb[])"""
_SAVE_SCORES = """
    UPDATE scores SET score = new.score, sub_score = new.sub_score, reached_at = new.reached_at, moves = new.moves,
        window_at = new.window_at, window_count = new.window_count, seen = new.seen
    FROM unnest($2::text[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[], $7::timestamptz[],
        $8::bigint[], $9::bigint[], $10::integer[], $11::jsonb[])
        AS new (board, period, member, score, sub_score, reached_at, moves, window_at, window_count, seen)
    WHERE scores.brand = $1 AND scores.board = new.board AND scores.period = new.period
      AND scores.member = new.member"""
_ADD_FACTS = """
    INSERT INTO board_facts (brand, board, period, member, score, sub_score, occurred_at, value, source)
    SELECT $1, * FROM unnest($2::text[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[], $7::timestamptz[],
        $8::text[], $9::smallint[])"""
_PERIOD = "board, period, ends_at, closes_at, state, members, archived, version, closed_at"
# Those who move scores hold a period in common, so that they do not wait for
# each other; who closes it waits for them, and they then find it closed.
_LOCK_PERIODS = f"""
    SELECT known.* FROM unnest($2::text[], $3::bigint[]) AS wanted (board, period)
    CROSS JOIN LATERAL (
        SELECT {_PERIOD} FROM board_periods
        WHERE brand = $1 AND board_periods.board = wanted.board AND board_periods.period = wanted.period
        LIMIT 1 FOR %s
    ) AS known"""  # noqa: S608
_ADD_PERIODS = """
    INSERT INTO board_periods (brand, board, period, ends_at, closes_at, state, members, archived, version)
    SELECT $1, board, period, ends_at, closes_at, 1, 0, 0, 0
    FROM unnest($2::text[], $3::bigint[], $4::timestamptz[], $5::timestamptz[])
        AS new (board, period, ends_at, closes_at)
    ON CONFLICT DO NOTHING"""
_SAVE_PERIODS = """
    UPDATE board_periods SET state = new.state, members = new.members, archived = new.archived,
        version = new.version, closed_at = new.closed_at
    FROM unnest($2::text[], $3::bigint[], $4::smallint[], $5::bigint[], $6::bigint[], $7::integer[], $8::timestamptz[])
        AS new (board, period, state, members, archived, version, closed_at)
    WHERE board_periods.brand = $1 AND board_periods.board = new.board AND board_periods.period = new.period"""
_ADD_STANDINGS = """
    INSERT INTO board_standings (brand, board, period, place, rank, member, score, sub_score, reached_at)
    SELECT $1, * FROM unnest($2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[], $7::bigint[],
        $8::bigint[], $9::timestamptz[])"""
_LOCK_REMOVALS = """
    SELECT known.* FROM unnest($2::text[], $3::text[]) AS wanted (board, member)
    CROSS JOIN LATERAL (
        SELECT board, member, removed, reason, changed_at FROM board_removals
        WHERE brand = $1 AND board_removals.board = wanted.board AND board_removals.member = wanted.member
        LIMIT 1 FOR NO KEY UPDATE
    ) AS known"""
_SAVE_REMOVALS = """
    INSERT INTO board_removals (brand, board, member, removed, reason, changed_at)
    SELECT $1, * FROM unnest($2::text[], $3::text[], $4::boolean[], $5::text[], $6::timestamptz[])
    ON CONFLICT (brand, board, member)
    DO UPDATE SET removed = excluded.removed, reason = excluded.reason, changed_at = excluded.changed_at"""
_REMOVED = "SELECT board, member FROM board_removals WHERE brand = $1 AND removed"
_CONSENTS = "SELECT member, leaderboards FROM known_members WHERE brand = $1 AND leaderboards IS NOT NULL"
_KNOWN = """
    SELECT member, tier, attributes, segments FROM known_members
    WHERE brand = $1 AND member > $2 ORDER BY member LIMIT $3"""
_ERASING = "SELECT member, alias FROM erasing WHERE brand = $1"
_FACTS = """
    SELECT known.* FROM unnest($2::text[], $3::bigint[], $4::text[]) AS wanted (board, period, member)
    CROSS JOIN LATERAL (
        SELECT board, period, member, score, sub_score, occurred_at, value, source FROM board_facts
        WHERE brand = $1 AND board_facts.board = wanted.board AND board_facts.period = wanted.period
          AND board_facts.member = wanted.member
        ORDER BY id
    ) AS known"""
_MEMBERS_AFTER = """
    SELECT member FROM (
        (SELECT member FROM scores WHERE brand = $1 AND board = $2 AND period = $3 AND member > $4
         ORDER BY member LIMIT $5)
        UNION
        (SELECT DISTINCT member FROM board_facts WHERE brand = $1 AND board = $2 AND period = $3 AND member > $4
         ORDER BY member LIMIT $5)
    ) AS known ORDER BY member LIMIT $5"""
# An open period's scores in few rows: strings of fixed-width numbers that
# arrays are made of at once, and the ids with a mark between them.
_COLUMNS = """
    SELECT string_agg(member, ' ') AS members, count(*) AS number, max(member) AS last,
        string_agg(int8send(score) || int8send(sub_score) || timestamptz_send(reached_at) || int8send(moves), '')
            AS columns
    FROM (SELECT member, score, sub_score, reached_at, moves FROM scores
          WHERE brand = $1 AND board = $2 AND period = $3 AND member > $4 ORDER BY member LIMIT $5) AS page"""
_PERIODS = f"SELECT {_PERIOD} FROM board_periods WHERE brand = $1 AND state < 3 ORDER BY board, period"  # noqa: S608
_PERIODS_OF = f"""
    SELECT {_PERIOD} FROM board_periods WHERE brand = $1 AND board = $2 AND period < $3
    ORDER BY period DESC LIMIT $4"""  # noqa: S608
_ONE_PERIOD = f"SELECT {_PERIOD} FROM board_periods WHERE brand = $1 AND board = $2 AND period = $3"  # noqa: S608
_STANDING = """
    SELECT place, rank, member, score, sub_score, reached_at FROM board_standings
    WHERE brand = $1 AND board = $2 AND period = $3 AND place > $4 ORDER BY place LIMIT $5"""
# Each by the index of the member's places, which has them in this order.
_STANDINGS_OF = """
    SELECT placed.*, coalesce(ranked.members, 0) AS members FROM (
        (SELECT board, period, '' AS scope, '' AS group_id, rank, member, score, sub_score, reached_at
         FROM board_standings
         WHERE brand = $1 AND member = $2 AND (period, board) <= ($3, $4) AND ((period, board) < ($3, $4) OR $5 > '')
         ORDER BY period DESC, board DESC LIMIT $7)
        UNION ALL
        (SELECT board, period, scope, group_id, rank, member, score, sub_score, reached_at FROM group_standings
         WHERE brand = $1 AND member = $2 AND (period, board, scope, group_id) < ($3, $4, $5, $6)
         ORDER BY period DESC, board DESC, scope DESC, group_id DESC LIMIT $7)
    ) AS placed LEFT JOIN LATERAL (
        SELECT members FROM board_periods WHERE placed.scope = '' AND board_periods.brand = $1
          AND board_periods.board = placed.board AND board_periods.period = placed.period
        UNION ALL
        SELECT members FROM board_groups WHERE board_groups.brand = $1 AND board_groups.board = placed.board
          AND board_groups.period = placed.period AND board_groups.scope = placed.scope
          AND board_groups.group_id = placed.group_id
        LIMIT 1
    ) AS ranked ON true
    ORDER BY period DESC, board DESC, scope DESC, group_id DESC LIMIT $7"""
_PLACED = """
    SELECT known.* FROM unnest($4::text[]) AS wanted (member)
    CROSS JOIN LATERAL (
        SELECT place, rank, member, score, sub_score, reached_at FROM board_standings
        WHERE brand = $1 AND board = $2 AND period = $3 AND board_standings.member = wanted.member LIMIT 1
    ) AS known"""
_ADD_CHANGE = "INSERT INTO board_changes (brand, changes) VALUES ($1, $2) RETURNING id"
_TOLD = "SELECT id FROM board_changes WHERE transaction >= $1 ORDER BY id"
_CHANGES = "SELECT id, brand, changes FROM board_changes WHERE id = ANY ($1::bigint[]) ORDER BY id"
_HORIZON = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
_NEWEST_CHANGE = "SELECT coalesce(max(id), 0) FROM board_changes"
_FORGET_CHANGES = "DELETE FROM board_changes WHERE made_at < now() - make_interval(secs => $1)"
_BOARDS = "SELECT DISTINCT board FROM board_periods WHERE brand = $1 ORDER BY board"
_VERSIONS = "SELECT version FROM configurations WHERE brand = $1 ORDER BY version DESC"
_DUE = """
    SELECT brand, board, period FROM board_periods
    WHERE state < 3 AND closes_at <= $1 ORDER BY closes_at, board LIMIT $2"""


@dataclass(slots=True)
class Period:
    """A period of a board. `version` is that of the programme it is closed under."""

    board: str
    period: int
    ends_at: datetime | None = None
    closes_at: datetime | None = None
    state: int = OPEN
    members: int = 0
    archived: int = 0
    version: int = 0
    closed_at: datetime | None = None
    is_new: bool = field(default=False, compare=False)


@dataclass(slots=True)
class Removal:
    """Whether a member is off a board."""

    board: str
    member: str
    removed: bool
    reason: str
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """A place in a closed period."""

    board: str
    period: int
    place: int
    rank: int
    member: str
    score: int
    sub_score: int
    reached_at: datetime


async def lock_scores(connection: asyncpg.Connection, brand: str, keys: Sequence[ScoreKey]) -> dict[ScoreKey, Score]:
    """The scores that there are."""
    found: dict[ScoreKey, Score] = {}
    for row in await connection.fetch(_LOCK_SCORES, brand, *_columns(keys, 3)):
        score = found[row["board"], row["period"], row["member"]] = Score(*row)
        score.seen = orjson.loads(row["seen"]) if row["seen"] else None
    return found


async def save_scores(connection: asyncpg.Connection, brand: str, scores: Sequence[Score]) -> None:
    """Writes new and changed scores. One that another transaction added first is a unique violation."""
    for statement, some in (
        (_ADD_SCORES, [score for score in scores if score.is_new]),
        (_SAVE_SCORES, [score for score in scores if not score.is_new]),
    ):
        if some:
            await connection.execute(
                statement,
                brand,
                [score.board for score in some],
                [score.period for score in some],
                [score.member for score in some],
                [score.score for score in some],
                [score.sub_score for score in some],
                [score.reached_at for score in some],
                [score.moves for score in some],
                [score.window_at for score in some],
                [score.window_count for score in some],
                [orjson.dumps(score.seen).decode() if score.seen is not None else None for score in some],
            )


async def add_facts(connection: asyncpg.Connection, brand: str, facts: Sequence[tuple[int, Fact]]) -> None:
    """Appends what moved scores, each with its period."""
    await connection.execute(
        _ADD_FACTS,
        brand,
        [fact.board for _, fact in facts],
        [period for period, _ in facts],
        [fact.member for _, fact in facts],
        [fact.score for _, fact in facts],
        [fact.sub_score for _, fact in facts],
        [fact.occurred_at for _, fact in facts],
        [fact.value for _, fact in facts],
        [fact.source.value for _, fact in facts],
    )


async def share_periods(
    connection: asyncpg.Connection, brand: str, keys: Sequence[PeriodKey]
) -> dict[PeriodKey, Period]:
    """The periods that there are, held so that nobody closes them meanwhile."""
    rows = await connection.fetch(_LOCK_PERIODS % "SHARE", brand, *_columns(keys, 2))
    return {(row["board"], row["period"]): Period(*row) for row in rows}


async def lock_periods(
    connection: asyncpg.Connection, brand: str, keys: Sequence[PeriodKey]
) -> dict[PeriodKey, Period]:
    """The periods that there are, for one who closes them."""
    rows = await connection.fetch(_LOCK_PERIODS % "NO KEY UPDATE", brand, *_columns(keys, 2))
    return {(row["board"], row["period"]): Period(*row) for row in rows}


async def add_periods(connection: asyncpg.Connection, brand: str, periods: Sequence[Period]) -> None:
    """Opens periods; one that another transaction opened first stays as it is."""
    await connection.execute(
        _ADD_PERIODS,
        brand,
        [period.board for period in periods],
        [period.period for period in periods],
        [period.ends_at for period in periods],
        [period.closes_at for period in periods],
    )


async def save_periods(connection: asyncpg.Connection, brand: str, periods: Sequence[Period]) -> None:
    await connection.execute(
        _SAVE_PERIODS,
        brand,
        [period.board for period in periods],
        [period.period for period in periods],
        [period.state for period in periods],
        [period.members for period in periods],
        [period.archived for period in periods],
        [period.version for period in periods],
        [period.closed_at for period in periods],
    )


async def add_standings(connection: asyncpg.Connection, brand: str, standings: Sequence[Standing]) -> None:
    await connection.execute(
        _ADD_STANDINGS,
        brand,
        [standing.board for standing in standings],
        [standing.period for standing in standings],
        [standing.place for standing in standings],
        [standing.rank for standing in standings],
        [standing.member for standing in standings],
        [standing.score for standing in standings],
        [standing.sub_score for standing in standings],
        [standing.reached_at for standing in standings],
    )


async def lock_removals(
    connection: asyncpg.Connection, brand: str, keys: Sequence[RemovalKey]
) -> dict[RemovalKey, Removal]:
    rows = await connection.fetch(_LOCK_REMOVALS, brand, *_columns(keys, 2))
    return {(row["board"], row["member"]): Removal(*row) for row in rows}


async def save_removals(connection: asyncpg.Connection, brand: str, removals: Sequence[Removal]) -> None:
    await connection.execute(
        _SAVE_REMOVALS,
        brand,
        [removal.board for removal in removals],
        [removal.member for removal in removals],
        [removal.removed for removal in removals],
        [removal.reason for removal in removals],
        [removal.changed_at for removal in removals],
    )


# -- what replicas keep ranks of --------------------------------------------


async def add_change(connection: asyncpg.Connection, brand: str, changes: bytes) -> int:
    """Tells replicas of what the transaction changes; the change's number."""
    return int(await connection.fetchval(_ADD_CHANGE, brand, changes))


async def changes(
    connection: asyncpg.Connection, horizon: int, seen: Container[int]
) -> tuple[int, list[int], list[tuple[int, str, bytes]]]:
    """The next horizon, and what was committed by transactions from `horizon` on: numbers, and what was not `seen`.

    Every transaction before the next horizon has ended and is told of by now,
    if not before. For a connection of every brand.
    """
    following: int = await connection.fetchval(_HORIZON)
    told = [row["id"] for row in await connection.fetch(_TOLD, horizon)]
    unseen = [number for number in told if number not in seen]
    rows = await connection.fetch(_CHANGES, unseen) if unseen else []
    return following, told, [tuple(row) for row in rows]


async def horizon(connection: asyncpg.Connection) -> tuple[int, int]:
    """Where to go on from before anything else is read, and the newest change's number."""
    return await connection.fetchval(_HORIZON), int(await connection.fetchval(_NEWEST_CHANGE))


async def forget_changes(connection: asyncpg.Connection, older_than_s: float) -> None:
    await connection.execute(_FORGET_CHANGES, older_than_s)


async def removed(connection: asyncpg.Connection, brand: str) -> list[RemovalKey]:
    return [(row["board"], row["member"]) for row in await connection.fetch(_REMOVED, brand)]


async def consents(connection: asyncpg.Connection, brand: str) -> dict[str, bool]:
    """What members said of being shown; those who never did are not in it."""
    return {row["member"]: row["leaderboards"] for row in await connection.fetch(_CONSENTS, brand)}


async def known(connection: asyncpg.Connection, brand: str, after: str, most: int) -> list[tuple[str, str, str, str]]:
    """Members after one: id, tier, attributes and segments as JSON."""
    return [tuple(row) for row in await connection.fetch(_KNOWN, brand, after, most)]


async def erasing(connection: asyncpg.Connection, brand: str) -> dict[str, str]:
    """Members who are being erased, by alias."""
    return {row["alias"]: row["member"] for row in await connection.fetch(_ERASING, brand)}


async def boards(connection: asyncpg.Connection, brand: str) -> list[str]:
    """The boards that ever had a score."""
    return [row["board"] for row in await connection.fetch(_BOARDS, brand)]


async def versions(connection: asyncpg.Connection, brand: str) -> list[int]:
    """The programme's versions, the newest first."""
    return [row["version"] for row in await connection.fetch(_VERSIONS, brand)]


async def open_periods(connection: asyncpg.Connection, brand: str) -> list[Period]:
    return [Period(*row) for row in await connection.fetch(_PERIODS, brand)]


async def columns(
    connection: asyncpg.Connection, brand: str, board: str, period: int, after: str, most: int
) -> tuple[list[str], np.ndarray]:
    """Members after one, and their scores, sub-scores, times in microseconds since 1970, and moves."""
    row: Any = await connection.fetchrow(_COLUMNS, brand, board, period, after, most)
    if not row["number"]:
        return [], np.zeros((4, 0), "i8")
    found = np.frombuffer(row["columns"], ">i8").astype("i8").reshape(row["number"], 4).T.copy()
    found[2] += POSTGRES_EPOCH_US
    return row["members"].split(" "), found


# -- reading ----------------------------------------------------------------


async def members_after(
    connection: asyncpg.Connection, brand: str, board: str, period: int, after: str, most: int
) -> list[str]:
    """Members with a score or a fact, after one."""
    return [row["member"] for row in await connection.fetch(_MEMBERS_AFTER, brand, board, period, after, most)]


async def facts(connection: asyncpg.Connection, brand: str, keys: Sequence[ScoreKey]) -> dict[ScoreKey, list[Fact]]:
    """What moved scores, in the order that it came in."""
    found: dict[ScoreKey, list[Fact]] = {}
    for row in await connection.fetch(_FACTS, brand, *_columns(keys, 3)):
        board, period, member, score, sub_score, occurred_at, value, source = row
        fact = Fact(board, member, score, sub_score, occurred_at, value, Source(source))
        found.setdefault((board, period, member), []).append(fact)
    return found


async def nothing_to_save(connection: asyncpg.Connection, brand: str, rows: Sequence[Any]) -> None:
    """Of what is only read."""


async def one_period(connection: asyncpg.Connection, brand: str, board: str, period: int) -> Period | None:
    row = await connection.fetchrow(_ONE_PERIOD, brand, board, period)
    return Period(*row) if row is not None else None


async def periods_of(connection: asyncpg.Connection, brand: str, board: str, before: int, most: int) -> list[Period]:
    """A board's periods before one, the newest first."""
    return [Period(*row) for row in await connection.fetch(_PERIODS_OF, brand, board, before, most)]


async def standing(
    connection: asyncpg.Connection, brand: str, board: str, period: int, after: int, most: int
) -> list[Any]:
    """The places of a closed period after one."""
    return list(await connection.fetch(_STANDING, brand, board, period, after, most))


async def placed(
    connection: asyncpg.Connection, brand: str, board: str, period: int, members: Sequence[str]
) -> list[Any]:
    """Members' places in a closed period."""
    return list(await connection.fetch(_PLACED, brand, board, period, list(members)))


async def standings_of(
    connection: asyncpg.Connection, brand: str, member: str, before: tuple[int, str, str, str], most: int
) -> list[Any]:
    """A member's places in closed periods, on boards and in groups, the newest period first."""
    return list(await connection.fetch(_STANDINGS_OF, brand, member, *before, most))


async def due_periods(connection: asyncpg.Connection, now: datetime, most: int) -> list[tuple[str, str, int]]:
    """Brand, board and period of what is to be closed. For a connection of every brand."""
    return [tuple(row) for row in await connection.fetch(_DUE, now, most)]


def _columns(keys: Sequence[tuple[Any, ...]], width: int) -> list[list[Any]]:
    return [[key[place] for key in keys] for place in range(width)]
