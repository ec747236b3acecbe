"""A league's period is closed in steps, each a transaction that can be asked again.

It is closed when its board's is: the board's standing, which nothing changes
any more, ranks every cohort. First the league takes nobody in any more. Then
cohorts are settled, each whole: seats, divisions, events and prizes in one
transaction, in which a seat that has an outcome is passed over. Then those
without a seat are looked at for being idle; a member's row says which period
was closed for them last, so that nobody is moved twice by one. When nobody is
left, the period is closed and the next one opens: for those who waited first,
in their order.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import asyncpg

from chassis.book import NEWEST, Kind, Operation, Touched
from chassis.configuration import Configurations
from chassis.database import EVERY_BRAND, Database
from chassis.erasure import is_alias
from chassis.errors import NotFound
from chassis.events import NO_MEMBER
from chassis.leadership import exclusively
from chassis.loops import Beat
from chassis.write_path import WritePath
from laurels.leaderboard.v1.leagues_events_pb2 import (
    LeagueDemoted,
    LeagueLeft,
    LeaguePeriodClosed,
    LeaguePromoted,
    LeagueStayed,
)
from laurels.value.v1.events_pb2 import GRANT_REASON_STANDING, RewardGranted
from services.leaderboard import cards
from services.leaderboard.book import Book
from services.leaderboard.league_rules import LeagueRules, Outcome
from services.leaderboard.leagues import LEAGUES, MEMBERSHIPS, SEATS, WAITING, opened, seat
from services.leaderboard.periods import Span, period_id
from services.leaderboard.prizes import won
from services.leaderboard.rules import LeaderboardRules
from services.leaderboard.store import boards as board_store
from services.leaderboard.store import leagues as store
from services.leaderboard.store.leagues import (
    CLOSING,
    DORMANT,
    OPEN,
    OPENING,
    ClosedPeriod,
    Membership,
    Seat,
    Seated,
    State,
    Tally,
    TallyKey,
)

CohortOfBoard = tuple[str, str, int, str, int]
"""Board, league, period, division, cohort."""

COHORTS: Kind[CohortOfBoard, list[Seated]] = Kind("league cohorts", 44, store.cohorts, board_store.nothing_to_save)
BOARD_STATES: Kind[store.PeriodKey, int] = Kind(
    "league board periods", 45, store.board_states, board_store.nothing_to_save
)
TALLIES: Kind[TallyKey, Tally] = Kind("league tallies", 46, store.tallies, board_store.nothing_to_save)
QUEUES: Kind[tuple[str, int, int], int] = Kind("league queues", 48, store.count_waiting, board_store.nothing_to_save)
EVERY_S = 1.0
AT_ONCE = 100
PAGE = 500
"""So many members are moved or seated at once."""


@dataclass(frozen=True, slots=True)
class Freeze:
    """A league whose period is due; `version` is the programme's newest."""

    league: str
    period: int
    now: datetime
    version: int


@dataclass(frozen=True, slots=True)
class Settle:
    """Cohorts of a frozen period: division, number, and who is seated there."""

    league: str
    period: int
    version: int
    cohorts: Sequence[tuple[str, int, Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Idle:
    """Members without a seat in a frozen period all of whose cohorts are settled."""

    league: str
    period: int
    version: int
    members: Sequence[str]


@dataclass(frozen=True, slots=True)
class Finish:
    """A frozen period in which everybody was moved."""

    league: str
    period: int
    version: int


@dataclass(frozen=True, slots=True)
class SeatWaiting:
    """The first of those who wait for a period that is opening, in their order."""

    league: str
    period: int
    members: Sequence[str]
    version: int = NEWEST


Step = Freeze | Settle | Idle | Finish | SeatWaiting


class CloseLeagues(Operation):
    """Closes leagues' periods and opens the next ones. Answers whether there was anything to do."""

    requests = (Freeze, Settle, Idle, Finish, SeatWaiting)

    def version(self, request: Step) -> int:
        return request.version

    async def find(
        self, connection: asyncpg.Connection, book: Book, rules: LeaderboardRules, requests: Sequence[Step]
    ) -> Book:
        for request in requests:
            league = rules.leagues.get(request.league)
            for division in league.divisions if league is not None and isinstance(request, Settle) else ():
                grants = [grant for prize in division.prizes for grant in prize.grants]
                await cards.know(connection, book, (pool for _, pool in cards.cards_of(grants)))
        return book

    def touch(self, request: Step, found: Book, rules: LeaderboardRules, touched: Touched) -> None:
        league = rules.leagues.get(request.league)
        if league is None:
            return
        touched.row(LEAGUES, league.league)
        match request:
            case Freeze():
                touched.row(BOARD_STATES, (league.board, request.period))
            case Settle():
                for division, cohort, members in request.cohorts:
                    touched.row(COHORTS, (league.board, league.league, request.period, division, cohort))
                    self._touch_moved(found, league, request.period, division, members, touched)
            case Idle():
                for member in request.members:
                    touched.row(MEMBERSHIPS, (league.league, member))
            case Finish():
                touched.row(TALLIES, (league.league, request.period, league.divisions[0].division))
            case SeatWaiting():
                touched.row(QUEUES, (league.league, request.period, len(request.members) + 1))
                for member in request.members:
                    touched.row(MEMBERSHIPS, (league.league, member))
                    touched.row(SEATS, (league.league, request.period, member))
                    touched.row(WAITING, (league.league, request.period, member))

    @staticmethod
    def _touch_moved(
        book: Book, league: LeagueRules, period: int, division: str, members: Sequence[str], touched: Touched
    ) -> None:
        prizes = league.divisions[league.place_of(division)].prizes
        for member in members:
            touched.row(MEMBERSHIPS, (league.league, member))
            for prize in prizes:
                key = prize_key(league.league, period, member)
                cards.touch_granted(book, touched, key, member, prize.grants, book.now)

    def decide(self, book: Book, rules: LeaderboardRules, request: Step) -> bool:
        league, state = rules.leagues.get(request.league), book.row(LEAGUES, request.league)
        if league is None or state is None or state.period != request.period:
            return False
        match request:
            case Freeze():
                return freeze(book, league, state, request)
            case Settle() if state.state == CLOSING:
                settled = [self._settle(book, league, state, where, number) for where, number, _ in request.cohorts]
                return any(settled)
            case Idle() if state.state == CLOSING:
                missed = [miss(book, league, state, member) for member in request.members]
                return any(missed)
            case Finish() if state.state == CLOSING:
                return finish(book, league, state)
            case SeatWaiting() if state.state == OPENING:
                return seat_waiting(book, league, state, request.members)
        return False

    @staticmethod
    def _settle(book: Book, league: LeagueRules, state: State, division: str, cohort: int) -> bool:
        found = book.row(COHORTS, (league.board, league.league, state.period, division, cohort)) or []
        if not found or any(seated.seat.outcome for seated in found):
            return False
        settle(book, league, state, found)
        return True


def prize_key(league: str, period: int, member: str) -> str:
    """The key of what a member's place in a cohort is granted under."""
    return f"league:{league}:{period_id(period)}:{member}"


def freeze(book: Book, league: LeagueRules, state: State, request: Freeze) -> bool:
    """Takes nobody in any more, once the board's standing is written down, or nobody had a score."""
    if state.state != OPEN or state.closes_at > request.now:
        return False
    if book.row(BOARD_STATES, (league.board, state.period)) not in (None, board_store.CLOSED):
        return False
    state.state, state.version = CLOSING, request.version
    book.put(LEAGUES, league.league, state)
    return True


def settle(book: Book, league: LeagueRules, state: State, cohort: Sequence[Seated]) -> None:
    """Moves everybody of a cohort, and gives them their prizes."""
    ranked = sorted((found for found in cohort if found.place is not None), key=lambda found: found.place or 0)
    for rank, found in enumerate(ranked, 1):
        _settle_ranked(book, league, state, found, rank, len(ranked))
    for found in cohort:
        if found.place is None:
            found.seat.outcome = Outcome.IDLE.value
            known = _moving(book, league, state, found.seat)
            if known is not None:
                found.seat.to_division = _idled(book, league, state, known)
            book.add(store.settle_seats, found.seat)


def _settle_ranked(book: Book, league: LeagueRules, state: State, found: Seated, rank: int, ranked: int) -> None:
    seated, place = found.seat, league.place_of(found.seat.division)
    outcome = league.outcome(place, rank, ranked)
    seated.rank, seated.score, seated.outcome = rank, found.score or 0, outcome.value
    known = _moving(book, league, state, seated)
    if known is not None:
        known.skill, known.idle = league.skill_after(known.skill, seated.score), 0
        known.division = seated.to_division = league.divisions[league.moved(place, outcome)].division
        _tell_moved(book, state, seated, outcome)
    book.add(store.settle_seats, seated)
    grants = won(league.divisions[place].prizes, rank, rank, ranked)
    if grants and not is_alias(seated.member):
        granted = RewardGranted(
            key=prize_key(league.league, state.period, seated.member),
            member=seated.member,
            grants=grants,
            reason=GRANT_REASON_STANDING,
            reference=league.league,
            occurred_at=state.ends_at.astimezone(UTC),
            programme_version=state.version,
        )
        book.tell(seated.member, granted)
        # Cards are this service's own, given when the cohort is settled.
        cards.give_granted(book, granted.key, seated.member, granted.grants, book.now)


def _moving(book: Book, league: LeagueRules, state: State, seated: Seat) -> Membership | None:
    """The member's row, if the seat moves them: not who has left, or is erased."""
    key = (league.league, seated.member)
    known = book.row(MEMBERSHIPS, key)
    if known is None:
        return None
    book.put(MEMBERSHIPS, key, known)
    known.settled = state.period
    return known if known.division == seated.division else None


def _tell_moved(book: Book, state: State, seated: Seat, outcome: Outcome) -> None:
    of: dict[str, Any] = {
        "member": seated.member,
        "league": seated.league,
        "period": period_id(seated.period),
        "rank": seated.rank,
        "score": seated.score,
        "ended_at": state.ends_at.astimezone(UTC),
    }
    if outcome is Outcome.STAYED:
        book.tell(seated.member, LeagueStayed(division=seated.division, **of))
        return
    kind = LeaguePromoted if outcome is Outcome.PROMOTED else LeagueDemoted
    book.tell(seated.member, kind(from_division=seated.division, to_division=seated.to_division, **of))


def miss(book: Book, league: LeagueRules, state: State, member: str) -> bool:
    """A period without a seat is closed for a member, once."""
    key = (league.league, member)
    known = book.row(MEMBERSHIPS, key)
    if known is None or not known.division or known.settled >= state.period:
        return False
    known.settled = state.period
    book.put(MEMBERSHIPS, key, known)
    _idled(book, league, state, known)
    return True


def _idled(book: Book, league: LeagueRules, state: State, known: Membership) -> str:
    """Counts an idle period, which may demote, or be one too many; the division afterwards."""
    before, place = known.division, league.place_of(known.division)
    known.idle += 1
    after, idle, ended_at = league.idled(place, known.idle), known.idle, state.ends_at.astimezone(UTC)
    if after is None:
        known.division, known.skill, known.idle = "", None, 0
        left = LeagueLeft(
            member=known.member, league=league.league, division=before, idle_periods=idle, left_at=ended_at
        )
        book.tell(known.member, left)
    elif after != place:
        known.division = league.divisions[after].division
        demoted = LeagueDemoted(
            member=known.member,
            league=league.league,
            period=period_id(state.period),
            from_division=before,
            to_division=known.division,
            ended_at=ended_at,
            idle_periods=idle,
        )
        book.tell(known.member, demoted)
    return known.division


def finish(book: Book, league: LeagueRules, state: State) -> bool:
    """Closes the period, and opens the next one that there is anything to do in."""
    tally = book.row(TALLIES, (league.league, state.period, league.divisions[0].division))
    if tally is None or tally.is_unsettled:
        return False
    counts = (tally.members, tally.promoted, tally.demoted)
    book.add(
        store.add_periods,
        ClosedPeriod(league.league, state.period, state.ends_at, book.now, state.version, *counts),
    )
    told = LeaguePeriodClosed(
        league=league.league,
        period=period_id(state.period),
        members=tally.members,
        promoted=tally.promoted,
        demoted=tally.demoted,
        ended_at=state.ends_at.astimezone(UTC),
        closed_at=book.now,
    )
    book.tell(NO_MEMBER, told)
    following = next_period(league, state, tally)
    if following is None:
        state.state = DORMANT
    else:
        state = opened(league, *following, state)
        state.state = OPENING
    book.put(LEAGUES, league.league, state)
    return True


def next_period(league: LeagueRules, state: State, tally: Tally) -> tuple[int, datetime] | None:
    """The period to open; None when nothing can happen before somebody joins.

    The one that follows is opened while being idle in it may move somebody.
    Otherwise those without a member are passed over, so that a league that
    nobody plays for years is not closed for each week of them.
    """
    follows = _after(league, state.ends_at)
    idle_moves = (league.leave_after and tally.has_members) or (league.demote_after and tally.has_higher)
    if tally.waited_for is not None and (follows is None or not idle_moves or tally.waited_for[0] <= follows[0]):
        return tally.waited_for
    return follows if idle_moves else None


def _after(league: LeagueRules, ends_at: datetime) -> tuple[int, datetime] | None:
    """The period at the end of one; where the schedule has changed, the first that begins after it."""
    span: Span | None = league.periods.at(ends_at)
    if span is not None and span.ends_at is not None and span.starts_at < ends_at:
        span = league.periods.at(span.ends_at)
    return (span.period, span.ends_at) if span is not None and span.ends_at is not None else None


def seat_waiting(book: Book, league: LeagueRules, state: State, members: Sequence[str]) -> bool:
    """Seats those who waited, who still take part; when nobody else waits, all others are seated, too."""
    found = 0
    for member in members:
        waiting = book.row(WAITING, (league.league, state.period, member))
        if waiting is None:
            continue  # erased meanwhile
        found += 1
        known = book.row(MEMBERSHIPS, (league.league, member))
        if league.takes_part(known.takes_part if known is not None else None):
            seat(book, league, state, member, waiting.joined_at.astimezone(UTC))
        book.add(store.stop_waiting, waiting)
    still = book.row(QUEUES, (league.league, state.period, len(members) + 1)) or 0
    if still <= found:
        state.state = OPEN
    book.put(LEAGUES, league.league, state)
    return True


class LeagueCloser:
    """Closes what is due, in one replica at a time."""

    def __init__(self, database: Database, write_path: WritePath, programmes: Configurations[LeaderboardRules]) -> None:
        self._database, self._write_path, self._programmes = database, write_path, programmes

    async def run(self, beat: Beat) -> None:
        """Looks every second, for ever."""
        async with exclusively(self._database.url, "leagues:closing", beat):
            while True:
                beat()
                await self.run_until(datetime.now(UTC), beat)
                await asyncio.sleep(EVERY_S)

    async def run_until(self, now: datetime, beat: Beat = lambda: None) -> None:
        """Closes what is due by a moment, and opens what follows."""
        progressed = True
        while progressed:
            async with self._database.reading(EVERY_BRAND) as connection:
                due = await store.due(connection, now, AT_ONCE)
            progressed = False
            for brand, league in due:
                while await self._step(brand, league, now):
                    beat()
                    progressed = True

    async def _step(self, brand: str, name: str, now: datetime) -> bool:
        """Does what is next for a league; whether there was anything."""
        async with self._database.reading(brand) as connection:
            state = await store.one_league(connection, brand, name)
            try:
                version, rules = await self._programmes.newest(connection, brand)
            except NotFound:
                return False
            league = rules.leagues.get(name)
            if state is None or league is None:
                return False  # it rests until the programme has it again
            request = await self._request(connection, brand, league, state, now, version)
        if request is None:
            return False
        done: bool = await self._write_path.submit(brand, request, weight=PAGE)
        return done

    @staticmethod
    async def _request(
        connection: asyncpg.Connection, brand: str, league: LeagueRules, state: State, now: datetime, version: int
    ) -> Step | None:
        name, period = league.league, state.period
        match state.state:
            case store.OPEN:
                return Freeze(name, period, now, version) if state.closes_at <= now else None
            case store.CLOSING:
                at_once = max(PAGE // league.cohort_size, 1)
                if cohorts := await store.unsettled(connection, brand, name, period, at_once):
                    return Settle(name, period, state.version, cohorts)
                if members := await store.idle(connection, brand, name, period, PAGE):
                    return Idle(name, period, state.version, members)
                return Finish(name, period, state.version)
            case store.OPENING:
                return SeatWaiting(name, period, await store.waiting(connection, brand, name, period, PAGE))
        return None
