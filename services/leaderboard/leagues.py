"""Members come into leagues: with their first score of a period, or because they join.

A league's row is locked by whoever seats somebody, so that seats are given one
after another: no cohort has more than its size, and the same joins in the same
order give the same cohorts. It is locked by those alone who have no seat yet.

Who scores in a period while the one before is not closed waits, since nobody
knows their division yet; the closing of that one seats them in the order in
which they came.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from chassis.book import Kind, Operation, Touched
from laurels.leaderboard.v1 import leagues_pb2
from laurels.leaderboard.v1.leagues_events_pb2 import LeagueJoined, LeagueLeft
from services.leaderboard import boards
from services.leaderboard.book import Book
from services.leaderboard.league_rules import LeagueRules, UnknownLeague, take_seat
from services.leaderboard.periods import Span, period_id
from services.leaderboard.ranking import Fact, NoPeriod
from services.leaderboard.rules import LeaderboardRules
from services.leaderboard.store import leagues as store
from services.leaderboard.store.boards import nothing_to_save
from services.leaderboard.store.leagues import (
    CLOSING,
    DORMANT,
    OPEN,
    Membership,
    MembershipKey,
    Seat,
    SeatKey,
    State,
    Waiting,
)

LEAGUES: Kind[str, State] = Kind("leagues", 40, store.lock_leagues, store.save_leagues)
MEMBERSHIPS: Kind[MembershipKey, Membership] = Kind(
    "league members", 41, store.lock_memberships, store.save_memberships
)
SEATS: Kind[SeatKey, Seat] = Kind("league seats", 42, store.lock_seats, store.add_seats)
WAITING: Kind[SeatKey, Waiting] = Kind("league waiting", 43, store.lock_waiting, nothing_to_save)
"""Appended in the order of the decisions, and so not saved in that of their keys."""

_STATES = leagues_pb2.LeagueMemberState


def touch_seat(touched: Touched, league: str, period: int, member: str) -> None:
    """Has all read that the seating of a member looks at."""
    touched.row(LEAGUES, league)
    touched.row(MEMBERSHIPS, (league, member))
    touched.row(SEATS, (league, period, member))
    touched.row(WAITING, (league, period, member))


def opened(league: LeagueRules, period: int, ends_at: datetime, state: State | None) -> State:
    """A league with a period that was just opened."""
    closes_at = ends_at + timedelta(seconds=league.grace_s)
    if state is None:
        return State(league.league, period, ends_at, closes_at, is_new=True)
    return replace(state, period=period, ends_at=ends_at, closes_at=closes_at, state=OPEN, version=0, filling={})


def is_over(state: State, period: int) -> bool:
    """Whether nobody is seated in a period any more."""
    return period < state.period or (period == state.period and state.state in (CLOSING, DORMANT))


def join(book: Book, league: LeagueRules, span: Span, member: str, at: datetime) -> Seat | Waiting | None:
    """The member's seat in a period, or that they wait for it; None for who takes no part in it."""
    key = (league.league, span.period, member)
    found = book.row(SEATS, key) or book.row(WAITING, key)
    if found is not None or key in book.seated or span.ends_at is None:
        return found
    known = book.row(MEMBERSHIPS, (league.league, member))
    if not league.takes_part(known.takes_part if known is not None else None):
        return None
    state = book.row(LEAGUES, league.league)
    if state is None or (state.state == DORMANT and span.period > state.period):
        state = opened(league, span.period, span.ends_at, state)
        book.put(LEAGUES, league.league, state)
    if is_over(state, span.period):
        return None
    if span.period > state.period or state.state != OPEN:
        waiting = Waiting(*key, span.ends_at, at)
        book.put(WAITING, key, waiting)
        book.add(store.add_waiting, waiting)
        return waiting
    return seat(book, league, state, member, at)


def seat(book: Book, league: LeagueRules, state: State, member: str, at: datetime) -> Seat:
    """Seats a member, who has no seat, in a league's period, which is open for them."""
    place = (league.league, member)
    known = book.row(MEMBERSHIPS, place) or Membership(*place, is_new=True)
    known.division = league.divisions[league.place_of(known.division)].division
    taken = take_seat(state.filling, known.division, league.band_of(known.skill), league.cohort_size)
    book.put(LEAGUES, league.league, state)
    book.put(MEMBERSHIPS, place, known)
    found = Seat(league.league, state.period, member, known.division, *taken, at)
    book.put(SEATS, (league.league, state.period, member), found)
    told = LeagueJoined(
        member=member,
        league=league.league,
        period=period_id(state.period),
        division=found.division,
        cohort=found.cohort,
        joined_at=at,
    )
    book.tell(member, told)
    return found


# -- with a score -------------------------------------------------------------


def _wanted(rules: LeaderboardRules, facts: Iterable[Fact]) -> Iterable[tuple[LeagueRules, Span, Fact]]:
    """The leagues that facts' boards feed, with the period that each is in."""
    for fact in facts:
        for name in rules.leagues_by_board.get(fact.board, ()):
            league = rules.leagues[name]
            span = league.periods.at(fact.occurred_at)
            if span is not None:
                yield league, span, fact


async def know(connection: asyncpg.Connection, book: Book, rules: LeaderboardRules, facts: Iterable[Fact]) -> None:
    """Learns, without locking, who needs no seat."""
    wanted = {(league.league, span.period, fact.member, league.opt_in) for league, span, fact in _wanted(rules, facts)}
    if wanted:
        book.seated |= await store.seated(connection, book.brand, sorted(wanted))


def touch_join(book: Book, rules: LeaderboardRules, facts: Iterable[Fact], touched: Touched) -> None:
    for league, span, fact in _wanted(rules, facts):
        if (league.league, span.period, fact.member) not in book.seated:
            touch_seat(touched, league.league, span.period, fact.member)


def join_by(book: Book, rules: LeaderboardRules, facts: Iterable[Fact]) -> None:
    """Seats those whose scores facts moved; what a board did not take seats nobody."""
    for league, span, fact in _wanted(rules, facts):
        if (fact.board, span.period, fact.member) in book.moved:
            join(book, league, span, fact.member, fact.occurred_at)


class JoinByEvent(Operation):
    """Seats the members whose scores an event moved, after that."""

    def __init__(self, moving: boards.OfEvents) -> None:
        self._moving = moving

    async def find(
        self, connection: asyncpg.Connection, book: Book, rules: LeaderboardRules, requests: Sequence[Any]
    ) -> Book:
        if rules.leagues:
            facts = [fact for request in requests for fact in self._moving.facts_of(book, rules, request)]
            await know(connection, book, rules, facts)
        return book

    def touch(self, request: Any, found: Book, rules: LeaderboardRules, touched: Touched) -> None:
        if rules.leagues:
            touch_join(found, rules, self._moving.facts_of(found, rules, request), touched)

    def decide(self, book: Book, rules: LeaderboardRules, request: Any) -> None:
        if rules.leagues:
            join_by(book, rules, self._moving.facts_of(book, rules, request))


class JoinBySubmission(Operation):
    """Takes scores in, and seats those whom they moved."""

    requests = boards.Submit.requests

    def __init__(self, submitting: boards.Submit) -> None:
        self._submitting = submitting

    async def find(
        self, connection: asyncpg.Connection, book: Book, rules: LeaderboardRules, requests: Sequence[Any]
    ) -> Book:
        submitted = await self._submitting.find(connection, book, rules, requests)
        if rules.leagues:
            await know(connection, book, rules, (fact for request in requests for fact in submitted[id(request)]))
        return book

    def touch(self, request: Any, found: Book, rules: LeaderboardRules, touched: Touched) -> None:
        self._submitting.touch(request, found.submitted, rules, touched)
        if rules.leagues:
            touch_join(found, rules, found.submitted[id(request)], touched)

    def decide(self, book: Book, rules: LeaderboardRules, request: Any) -> Any:
        answer = self._submitting.decide(book, rules, request)
        if rules.leagues:
            join_by(book, rules, book.submitted[id(request)])
        return answer


# -- by saying so -------------------------------------------------------------


class SayPart(Operation):
    """Has members take part in leagues, or not."""

    requests = (leagues_pb2.JoinLeagueRequest, leagues_pb2.LeaveLeagueRequest)

    async def find(
        self, connection: asyncpg.Connection, book: Book, rules: LeaderboardRules, requests: Sequence[Any]
    ) -> datetime:
        return book.now

    def touch(self, request: Any, found: datetime, rules: LeaderboardRules, touched: Touched) -> None:
        league = rules.leagues.get(request.league)
        if league is None:
            return
        span = league.periods.at(found) if isinstance(request, leagues_pb2.JoinLeagueRequest) else None
        if span is not None:
            touch_seat(touched, request.league, span.period, request.member)
        else:
            touched.row(MEMBERSHIPS, (request.league, request.member))

    def decide(self, book: Book, rules: LeaderboardRules, request: Any) -> Any:
        league = rules.leagues.get(request.league)
        if league is None:
            raise UnknownLeague(request.league)
        if isinstance(request, leagues_pb2.JoinLeagueRequest):
            return self._join(book, league, request.member)
        return self._leave(book, league, request.member)

    @staticmethod
    def _join(book: Book, league: LeagueRules, member: str) -> leagues_pb2.JoinLeagueResponse:
        span = league.periods.at(book.now)
        if span is None:
            raise NoPeriod
        changed = _says(book, league, member, takes_part=True)
        # A score of the same transaction may have been passed over since the member took no part.
        book.seated.discard((league.league, span.period, member))
        found = join(book, league, span, member, book.now)
        answer = leagues_pb2.JoinLeagueResponse(changed=changed, period=period_id(span.period))
        match found:
            case Seat():
                answer.state = _STATES.LEAGUE_MEMBER_STATE_SEATED
                answer.division, answer.cohort = found.division, found.cohort
            case Waiting():
                answer.state = _STATES.LEAGUE_MEMBER_STATE_WAITING
            case None:
                answer.state = _STATES.LEAGUE_MEMBER_STATE_NOT_SEATED
        return answer

    @staticmethod
    def _leave(book: Book, league: LeagueRules, member: str) -> leagues_pb2.LeaveLeagueResponse:
        key = (league.league, member)
        known = book.row(MEMBERSHIPS, key)
        division = known.division if known is not None else ""
        changed = _says(book, league, member, takes_part=False)
        known = book.row(MEMBERSHIPS, key)
        if changed and known is not None:
            known.division, known.skill, known.idle = "", None, 0
            book.tell(member, LeagueLeft(member=member, league=league.league, division=division, left_at=book.now))
        return leagues_pb2.LeaveLeagueResponse(changed=changed)


def _says(book: Book, league: LeagueRules, member: str, *, takes_part: bool) -> bool:
    """Notes what a member says; whether it was otherwise until now."""
    key = (league.league, member)
    known = book.row(MEMBERSHIPS, key) or Membership(*key, is_new=True)
    changed = league.takes_part(known.takes_part) != takes_part
    if known.takes_part != takes_part:
        known.takes_part = takes_part
        book.put(MEMBERSHIPS, key, known)
    return changed
