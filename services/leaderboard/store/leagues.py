"""Every SQL statement of leagues: how far they are, who is in which division, seats, and who waits for one."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

import asyncpg
import orjson

from services.leaderboard.league_rules import Filling

OPEN, CLOSING, OPENING, DORMANT = 1, 2, 3, 4
"""How far a league is: members are seated in its period; its period is closed; those who waited for its period are
seated first; no period is open until somebody joins one."""

MembershipKey = tuple[str, str]
"""League, member."""
SeatKey = tuple[str, int, str]
"""League, period, member."""
CohortKey = tuple[str, int, str, int]
"""League, period, division, cohort."""
PeriodKey = tuple[str, int]
"""League, period."""
TallyKey = tuple[str, int, str]
"""League, period, the lowest division."""

_AT_ONCE = datetime(1970, 1, 1, tzinfo=UTC)
_LEAGUE = "league, period, ends_at, closes_at, state, version, filling"
_LOCK_LEAGUES = f"""
    SELECT {_LEAGUE} FROM leagues WHERE brand = $1 AND league = ANY ($2::text[])
    ORDER BY league FOR NO KEY UPDATE"""  # noqa: S608
_ADD_LEAGUES = """
    INSERT INTO leagues (brand, league, period, ends_at, closes_at, due_at, state, version, filling)
    SELECT $1, * FROM unnest($2::text[], $3::bigint[], $4::timestamptz[], $5::timestamptz[], $6::timestamptz[],
        $7::smallint[], $8::integer[], $9::jsonb[])"""
_SAVE_LEAGUES = """
    UPDATE leagues SET period = new.period, ends_at = new.ends_at, closes_at = new.closes_at, due_at = new.due_at,
        state = new.state, version = new.version, filling = new.filling
    FROM unnest($2::text[], $3::bigint[], $4::timestamptz[], $5::timestamptz[], $6::timestamptz[],
        $7::smallint[], $8::integer[], $9::jsonb[])
        AS new (league, period, ends_at, closes_at, due_at, state, version, filling)
    WHERE leagues.brand = $1 AND leagues.league = new.league"""
_MEMBERSHIP = "league, member, division, skill, idle, settled, takes_part"
_LOCK_MEMBERSHIPS = f"""
    SELECT known.* FROM unnest($2::text[], $3::text[]) AS wanted (league, member)
    CROSS JOIN LATERAL (
        SELECT {_MEMBERSHIP} FROM league_members
        WHERE brand = $1 AND league_members.league = wanted.league AND league_members.member = wanted.member
        LIMIT 1 FOR NO KEY UPDATE
    ) AS known"""  # noqa: S608
_ADD_MEMBERSHIPS = """
    INSERT INTO league_members (brand, league, member, division, skill, idle, settled, takes_part)
    SELECT $1, * FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::integer[], $7::bigint[],
        $8::boolean[])"""
_SAVE_MEMBERSHIPS = """
    UPDATE league_members SET division = new.division, skill = new.skill, idle = new.idle, settled = new.settled,
        takes_part = new.takes_part
    FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::integer[], $7::bigint[], $8::boolean[])
        AS new (league, member, division, skill, idle, settled, takes_part)
    WHERE league_members.brand = $1 AND league_members.league = new.league AND league_members.member = new.member"""
_SEAT = "league, period, member, division, cohort, number, joined_at, rank, score, outcome, to_division"
_LOCK_SEATS = f"""
    SELECT known.* FROM unnest($2::text[], $3::bigint[], $4::text[]) AS wanted (league, period, member)
    CROSS JOIN LATERAL (
        SELECT {_SEAT} FROM league_seats
        WHERE brand = $1 AND league_seats.league = wanted.league AND league_seats.period = wanted.period
          AND league_seats.member = wanted.member
        LIMIT 1 FOR NO KEY UPDATE
    ) AS known"""  # noqa: S608
_ADD_SEATS = """
    INSERT INTO league_seats
        (brand, league, period, member, division, cohort, number, joined_at, rank, score, outcome, to_division)
    SELECT $1, *, 0, 0, 0, '' FROM unnest($2::text[], $3::bigint[], $4::text[], $5::text[], $6::integer[],
        $7::integer[], $8::timestamptz[])"""
_SETTLE_SEATS = """
    UPDATE league_seats SET rank = new.rank, score = new.score, outcome = new.outcome, to_division = new.to_division
    FROM unnest($2::text[], $3::bigint[], $4::text[], $5::integer[], $6::bigint[], $7::smallint[], $8::text[])
        AS new (league, period, member, rank, score, outcome, to_division)
    WHERE league_seats.brand = $1 AND league_seats.league = new.league AND league_seats.period = new.period
      AND league_seats.member = new.member"""
_LOCK_WAITING = """
    SELECT known.* FROM unnest($2::text[], $3::bigint[], $4::text[]) AS wanted (league, period, member)
    CROSS JOIN LATERAL (
        SELECT league, period, member, ends_at, joined_at FROM league_waiting
        WHERE brand = $1 AND league_waiting.league = wanted.league AND league_waiting.period = wanted.period
          AND league_waiting.member = wanted.member
        LIMIT 1 FOR UPDATE
    ) AS known"""
_ADD_WAITING = """
    INSERT INTO league_waiting (brand, league, period, member, ends_at, joined_at)
    SELECT $1, league, period, member, ends_at, joined_at
    FROM unnest($2::text[], $3::bigint[], $4::text[], $5::timestamptz[], $6::timestamptz[])
        WITH ORDINALITY AS new (league, period, member, ends_at, joined_at, place)
    ORDER BY place"""
_STOP_WAITING = """
    DELETE FROM league_waiting USING unnest($2::text[], $3::bigint[], $4::text[]) AS gone (league, period, member)
    WHERE brand = $1 AND league_waiting.league = gone.league AND league_waiting.period = gone.period
      AND league_waiting.member = gone.member"""
# Who needs no seat: has one, waits for one, or takes no part.
_SEATED = """
    SELECT wanted.league, wanted.period, wanted.member
    FROM unnest($2::text[], $3::bigint[], $4::text[], $5::boolean[]) AS wanted (league, period, member, opt_in)
    LEFT JOIN LATERAL (
        SELECT true AS found FROM league_seats
        WHERE brand = $1 AND league_seats.league = wanted.league AND league_seats.period = wanted.period
          AND league_seats.member = wanted.member LIMIT 1
    ) AS seat ON true
    LEFT JOIN LATERAL (
        SELECT true AS found FROM league_waiting
        WHERE brand = $1 AND league_waiting.league = wanted.league AND league_waiting.period = wanted.period
          AND league_waiting.member = wanted.member LIMIT 1
    ) AS waits ON true
    LEFT JOIN LATERAL (
        SELECT takes_part FROM league_members
        WHERE brand = $1 AND league_members.league = wanted.league AND league_members.member = wanted.member LIMIT 1
    ) AS known ON true
    WHERE seat.found OR waits.found OR NOT coalesce(known.takes_part, NOT wanted.opt_in)"""
# A closed period's places are its board's standing.
_COHORTS = f"""
    SELECT seat.*, standing.place, standing.score AS scored
    FROM unnest($2::text[], $3::bigint[], $4::text[], $5::integer[]) AS wanted (league, period, division, cohort)
    CROSS JOIN LATERAL (
        SELECT {_SEAT} FROM league_seats
        WHERE brand = $1 AND league_seats.league = wanted.league AND league_seats.period = wanted.period
          AND league_seats.division = wanted.division AND league_seats.cohort = wanted.cohort
        ORDER BY number FOR NO KEY UPDATE
    ) AS seat
    LEFT JOIN LATERAL (
        SELECT place, score FROM board_standings
        WHERE brand = $1 AND board_standings.member = seat.member AND board_standings.period = seat.period
          AND board_standings.board = $6 LIMIT 1
    ) AS standing ON true"""  # noqa: S608
_TALLY = """
    SELECT
        (SELECT count(*) FROM league_seats WHERE brand = $1 AND league = $2 AND period = $3) AS members,
        (SELECT count(*) FROM league_seats WHERE brand = $1 AND league = $2 AND period = $3 AND outcome = 1)
            AS promoted,
        (SELECT count(*) FROM league_seats WHERE brand = $1 AND league = $2 AND period = $3 AND outcome = 3)
            AS demoted,
        EXISTS (SELECT FROM league_seats WHERE brand = $1 AND league = $2 AND period = $3 AND outcome = 0)
            AS is_unsettled,
        EXISTS (SELECT FROM league_members WHERE brand = $1 AND league = $2 AND division <> '') AS has_members,
        EXISTS (SELECT FROM league_members WHERE brand = $1 AND league = $2 AND division <> '' AND division <> $4)
            AS has_higher"""
_NEXT_WAITED_FOR = """
    SELECT period, ends_at FROM league_waiting WHERE brand = $1 AND league = $2 ORDER BY period, id LIMIT 1"""
_ADD_PERIODS = """
    INSERT INTO league_periods (brand, league, period, ended_at, closed_at, version, members, promoted, demoted)
    SELECT $1, * FROM unnest($2::text[], $3::bigint[], $4::timestamptz[], $5::timestamptz[], $6::integer[],
        $7::bigint[], $8::bigint[], $9::bigint[])"""
_DUE = "SELECT brand, league FROM leagues WHERE due_at <= $1 ORDER BY due_at, league LIMIT $2"
_ONE_LEAGUE = f"SELECT {_LEAGUE} FROM leagues WHERE brand = $1 AND league = $2"  # noqa: S608
_UNSETTLED = """
    SELECT division, cohort, array_agg(member) AS members FROM league_seats
    WHERE brand = $1 AND league = $2 AND period = $3 AND outcome = 0
    GROUP BY division, cohort ORDER BY division, cohort LIMIT $4"""
_IDLE = """
    SELECT member FROM league_members
    WHERE brand = $1 AND league = $2 AND division <> '' AND settled < $3 ORDER BY settled, member LIMIT $4"""
_WAITING = """
    SELECT member FROM league_waiting WHERE brand = $1 AND league = $2 AND period = $3 ORDER BY id LIMIT $4"""
_COUNT_WAITING = """
    SELECT count(*) FROM (
        SELECT FROM league_waiting WHERE brand = $1 AND league = $2 AND period = $3 LIMIT $4) AS waiting"""
_BOARD_STATE = "SELECT state FROM board_periods WHERE brand = $1 AND board = $2 AND period = $3"
_MEMBERSHIP_OF = f"SELECT {_MEMBERSHIP} FROM league_members WHERE brand = $1 AND league = $2 AND member = $3"  # noqa: S608
_LAST_SEAT = f"""
    SELECT {_SEAT} FROM league_seats WHERE brand = $1 AND member = $2 AND league = $3
    ORDER BY period DESC LIMIT 1"""  # noqa: S608
_WAITS = """
    SELECT league, period, member, ends_at, joined_at FROM league_waiting
    WHERE brand = $1 AND league = $2 AND member = $3 ORDER BY period LIMIT 1"""
_SEATS_OF_COHORT = f"""
    SELECT {_SEAT} FROM league_seats
    WHERE brand = $1 AND league = $2 AND period = $3 AND division = $4 AND cohort = $5 ORDER BY number"""  # noqa: S608
_RESULTS = f"""
    SELECT {_SEAT} FROM league_seats
    WHERE brand = $1 AND member = $2 AND outcome <> 0 AND (period, league) < ($3, $4)
    ORDER BY period DESC, league DESC LIMIT $5"""  # noqa: S608
_PERIODS_OF = """
    SELECT period, ended_at, closed_at, members, promoted, demoted FROM league_periods
    WHERE brand = $1 AND league = $2 AND period < $3 ORDER BY period DESC LIMIT $4"""
_COHORTS_OF = """
    SELECT cohort, count(*) AS members FROM league_seats
    WHERE brand = $1 AND league = $2 AND period = $3 AND division = $4 AND cohort > $5
    GROUP BY cohort ORDER BY cohort LIMIT $6"""
_HAS_PERIOD = "SELECT EXISTS (SELECT FROM league_periods WHERE brand = $1 AND league = $2 AND period = $3)"


@dataclass(slots=True)
class State:
    """How far a league is. `version` is the programme's that its period is closed under."""

    league: str
    period: int
    ends_at: datetime
    closes_at: datetime
    state: int = OPEN
    version: int = 0
    filling: Filling = field(default_factory=dict)
    is_new: bool = field(default=False, compare=False)

    @property
    def due_at(self) -> datetime | None:
        """When there is something to do for whoever closes periods; None until somebody joins."""
        if self.state == OPEN:
            return self.closes_at
        # What was begun is gone on with before anything else is begun.
        return None if self.state == DORMANT else _AT_ONCE


@dataclass(slots=True)
class Membership:
    """A member's place in a league.

    `division` is empty for who is in none. `idle` counts the periods in a row
    without a score, `settled` is the last period that was closed for the
    member. `takes_part` is what the member said, None for nothing.
    """

    league: str
    member: str
    division: str = ""
    skill: int | None = None
    idle: int = 0
    settled: int = 0
    takes_part: bool | None = None
    is_new: bool = field(default=False, compare=False)


@dataclass(slots=True)
class Seat:
    """A member's seat in a cohort, and, once the period is closed, what came of it."""

    league: str
    period: int
    member: str
    division: str
    cohort: int
    number: int
    joined_at: datetime
    rank: int = 0
    score: int = 0
    outcome: int = 0
    to_division: str = ""


class Seated(NamedTuple):
    """A seat, with the place in the standing of the board and the score there; None without."""

    seat: Seat
    place: int | None
    score: int | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A member who is seated when a period opens."""

    league: str
    period: int
    member: str
    ends_at: datetime
    joined_at: datetime


class Tally(NamedTuple):
    """What a period that is closed comes to, who is in the league, and the next period that somebody waits for."""

    members: int
    promoted: int
    demoted: int
    is_unsettled: bool
    has_members: bool
    has_higher: bool
    waited_for: tuple[int, datetime] | None


@dataclass(frozen=True, slots=True)
class ClosedPeriod:
    """A closed period."""

    league: str
    period: int
    ended_at: datetime
    closed_at: datetime
    version: int
    members: int
    promoted: int
    demoted: int


# -- rows -------------------------------------------------------------------


def _state(row: Any) -> State:
    found = State(*row)
    found.filling = orjson.loads(row["filling"])
    return found


async def lock_leagues(connection: asyncpg.Connection, brand: str, leagues: Sequence[str]) -> dict[str, State]:
    return {row["league"]: _state(row) for row in await connection.fetch(_LOCK_LEAGUES, brand, leagues)}


async def save_leagues(connection: asyncpg.Connection, brand: str, states: Sequence[State]) -> None:
    """Writes new and changed ones. One that another transaction added first is a unique violation."""
    for statement, some in (
        (_ADD_LEAGUES, [state for state in states if state.is_new]),
        (_SAVE_LEAGUES, [state for state in states if not state.is_new]),
    ):
        if some:
            await connection.execute(
                statement,
                brand,
                [state.league for state in some],
                [state.period for state in some],
                [state.ends_at for state in some],
                [state.closes_at for state in some],
                [state.due_at for state in some],
                [state.state for state in some],
                [state.version for state in some],
                [orjson.dumps(state.filling).decode() for state in some],
            )


async def lock_memberships(
    connection: asyncpg.Connection, brand: str, keys: Sequence[MembershipKey]
) -> dict[MembershipKey, Membership]:
    rows = await connection.fetch(_LOCK_MEMBERSHIPS, brand, *_columns(keys, 2))
    return {(row["league"], row["member"]): Membership(*row) for row in rows}


async def save_memberships(connection: asyncpg.Connection, brand: str, memberships: Sequence[Membership]) -> None:
    """Writes new and changed ones. One that another transaction added first is a unique violation."""
    for statement, some in (
        (_ADD_MEMBERSHIPS, [known for known in memberships if known.is_new]),
        (_SAVE_MEMBERSHIPS, [known for known in memberships if not known.is_new]),
    ):
        if some:
            await connection.execute(
                statement,
                brand,
                [known.league for known in some],
                [known.member for known in some],
                [known.division for known in some],
                [known.skill for known in some],
                [known.idle for known in some],
                [known.settled for known in some],
                [known.takes_part for known in some],
            )


async def lock_seats(connection: asyncpg.Connection, brand: str, keys: Sequence[SeatKey]) -> dict[SeatKey, Seat]:
    rows = await connection.fetch(_LOCK_SEATS, brand, *_columns(keys, 3))
    return {(row["league"], row["period"], row["member"]): Seat(*row) for row in rows}


async def add_seats(connection: asyncpg.Connection, brand: str, seats: Sequence[Seat]) -> None:
    await connection.execute(
        _ADD_SEATS,
        brand,
        [seat.league for seat in seats],
        [seat.period for seat in seats],
        [seat.member for seat in seats],
        [seat.division for seat in seats],
        [seat.cohort for seat in seats],
        [seat.number for seat in seats],
        [seat.joined_at for seat in seats],
    )


async def settle_seats(connection: asyncpg.Connection, brand: str, seats: Sequence[Seat]) -> None:
    """Writes down what came of seats."""
    await connection.execute(
        _SETTLE_SEATS,
        brand,
        [seat.league for seat in seats],
        [seat.period for seat in seats],
        [seat.member for seat in seats],
        [seat.rank for seat in seats],
        [seat.score for seat in seats],
        [seat.outcome for seat in seats],
        [seat.to_division for seat in seats],
    )


async def lock_waiting(connection: asyncpg.Connection, brand: str, keys: Sequence[SeatKey]) -> dict[SeatKey, Waiting]:
    rows = await connection.fetch(_LOCK_WAITING, brand, *_columns(keys, 3))
    return {(row["league"], row["period"], row["member"]): Waiting(*row) for row in rows}


async def add_waiting(connection: asyncpg.Connection, brand: str, waiting: Sequence[Waiting]) -> None:
    """Has members wait, in this order behind those who do."""
    await connection.execute(
        _ADD_WAITING,
        brand,
        [one.league for one in waiting],
        [one.period for one in waiting],
        [one.member for one in waiting],
        [one.ends_at for one in waiting],
        [one.joined_at for one in waiting],
    )


async def stop_waiting(connection: asyncpg.Connection, brand: str, waiting: Sequence[Waiting]) -> None:
    keys = [(one.league, one.period, one.member) for one in waiting]
    await connection.execute(_STOP_WAITING, brand, *_columns(keys, 3))


async def seated(
    connection: asyncpg.Connection, brand: str, wanted: Sequence[tuple[str, int, str, bool]]
) -> set[SeatKey]:
    """Those who need no seat in a period, by league, period, member and whether members have to join the league.

    Nothing is locked.
    """
    return {tuple(row) for row in await connection.fetch(_SEATED, brand, *_columns(wanted, 4))}


async def cohorts(
    connection: asyncpg.Connection, brand: str, keys: Sequence[tuple[str, str, int, str, int]]
) -> dict[tuple[str, str, int, str, int], list[Seated]]:
    """The seats of cohorts, by board and cohort, locked, with their places in the board's standing."""
    found: dict[tuple[str, str, int, str, int], list[Seated]] = {}
    for board in sorted({key[0] for key in keys}):
        of_board = [key[1:] for key in keys if key[0] == board]
        for *seat, place, scored in await connection.fetch(_COHORTS, brand, *_columns(of_board, 4), board):
            taken = Seat(*seat)
            key = (board, taken.league, taken.period, taken.division, taken.cohort)
            found.setdefault(key, []).append(Seated(taken, place, scored))
    return found


async def tallies(connection: asyncpg.Connection, brand: str, keys: Sequence[TallyKey]) -> dict[TallyKey, Tally]:
    """What periods come to; right while their leagues are locked."""
    found = {}
    for key in keys:
        league, _, _ = key
        row: Any = await connection.fetchrow(_TALLY, brand, *key)
        waited_for = await connection.fetchrow(_NEXT_WAITED_FOR, brand, league)
        found[key] = Tally(**row, waited_for=tuple(waited_for) if waited_for is not None else None)
    return found


async def count_waiting(
    connection: asyncpg.Connection, brand: str, keys: Sequence[tuple[str, int, int]]
) -> dict[tuple[str, int, int], int]:
    """How many wait for periods, counted up to a number; right while their leagues are locked."""
    return {key: int(await connection.fetchval(_COUNT_WAITING, brand, *key)) for key in keys}


async def board_states(connection: asyncpg.Connection, brand: str, keys: Sequence[PeriodKey]) -> dict[PeriodKey, int]:
    """How far boards' periods are, as PeriodState; those that had no score are left out."""
    found = {key: await connection.fetchval(_BOARD_STATE, brand, *key) for key in keys}
    return {key: state for key, state in found.items() if state is not None}


async def add_periods(connection: asyncpg.Connection, brand: str, periods: Sequence[ClosedPeriod]) -> None:
    await connection.execute(
        _ADD_PERIODS,
        brand,
        [period.league for period in periods],
        [period.period for period in periods],
        [period.ended_at for period in periods],
        [period.closed_at for period in periods],
        [period.version for period in periods],
        [period.members for period in periods],
        [period.promoted for period in periods],
        [period.demoted for period in periods],
    )


# -- what is due ------------------------------------------------------------


async def due(connection: asyncpg.Connection, now: datetime, most: int) -> list[tuple[str, str]]:
    """Brand and league of what there is to do for. For a connection of every brand."""
    return [tuple(row) for row in await connection.fetch(_DUE, now, most)]


async def one_league(connection: asyncpg.Connection, brand: str, league: str) -> State | None:
    row = await connection.fetchrow(_ONE_LEAGUE, brand, league)
    return _state(row) if row is not None else None


async def unsettled(
    connection: asyncpg.Connection, brand: str, league: str, period: int, most: int
) -> list[tuple[str, int, list[str]]]:
    """Cohorts that nothing has come of yet: division, number, members."""
    return [tuple(row) for row in await connection.fetch(_UNSETTLED, brand, league, period, most)]


async def idle(connection: asyncpg.Connection, brand: str, league: str, period: int, most: int) -> list[str]:
    """Members of divisions for whom a period was not closed yet."""
    return [row["member"] for row in await connection.fetch(_IDLE, brand, league, period, most)]


async def waiting(connection: asyncpg.Connection, brand: str, league: str, period: int, most: int) -> list[str]:
    """Those who wait for a period, in the order in which they began to."""
    return [row["member"] for row in await connection.fetch(_WAITING, brand, league, period, most)]


# -- reading ----------------------------------------------------------------


async def membership(connection: asyncpg.Connection, brand: str, league: str, member: str) -> Membership | None:
    row = await connection.fetchrow(_MEMBERSHIP_OF, brand, league, member)
    return Membership(*row) if row is not None else None


async def last_seat(connection: asyncpg.Connection, brand: str, league: str, member: str) -> Seat | None:
    """A member's seat in the newest period that they have one in."""
    row = await connection.fetchrow(_LAST_SEAT, brand, member, league)
    return Seat(*row) if row is not None else None


async def waits(connection: asyncpg.Connection, brand: str, league: str, member: str) -> Waiting | None:
    """The next period that a member waits for."""
    row = await connection.fetchrow(_WAITS, brand, league, member)
    return Waiting(*row) if row is not None else None


async def seats_of_cohort(
    connection: asyncpg.Connection, brand: str, league: str, period: int, division: str, cohort: int
) -> list[Seat]:
    rows = await connection.fetch(_SEATS_OF_COHORT, brand, league, period, division, cohort)
    return [Seat(*row) for row in rows]


async def results(
    connection: asyncpg.Connection, brand: str, member: str, before: tuple[int, str], most: int
) -> list[Seat]:
    """What came of a member's seats in closed periods, the newest first."""
    return [Seat(*row) for row in await connection.fetch(_RESULTS, brand, member, *before, most)]


async def periods_of(connection: asyncpg.Connection, brand: str, league: str, before: int, most: int) -> list[Any]:
    """A league's closed periods before one, the newest first."""
    return list(await connection.fetch(_PERIODS_OF, brand, league, before, most))


async def cohorts_of(
    connection: asyncpg.Connection, brand: str, league: str, period: int, division: str, after: int, most: int
) -> list[Any]:
    """A division's cohorts after one, and how many are seated in each."""
    return list(await connection.fetch(_COHORTS_OF, brand, league, period, division, after, most))


async def has_period(connection: asyncpg.Connection, brand: str, league: str, period: int) -> bool:
    """Whether a period was closed."""
    return bool(await connection.fetchval(_HAS_PERIOD, brand, league, period))


def _columns(keys: Sequence[tuple[Any, ...]], width: int) -> list[list[Any]]:
    return [[key[place] for key in keys] for place in range(width)]
