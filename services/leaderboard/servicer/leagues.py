"""The RPCs of leagues.

Seats are read from the database, the ranks of an open period from memory, those
of a closed one from its board's standing.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import asyncpg

from chassis.credentials import IDENTIFIER, caller
from chassis.database import Database
from chassis.errors import FieldViolation, InvalidArgument, NotFound
from chassis.paging import page_size_of
from chassis.write_path import WritePath
from laurels.leaderboard.v1 import leaderboard_pb2, leagues_pb2, leagues_pb2_grpc
from services.leaderboard import pages
from services.leaderboard.aliases import Aliases
from services.leaderboard.league_rules import LeagueRules, Outcome, UnknownCohort, UnknownDivision, UnknownLeague
from services.leaderboard.periods import period_id, period_of
from services.leaderboard.rank_index import Place
from services.leaderboard.ranking import UnknownPeriod
from services.leaderboard.ranks import Ranks
from services.leaderboard.rules import LeaderboardRules
from services.leaderboard.servicer.boards import AROUND_MAX, View, place_of
from services.leaderboard.store import boards as board_store
from services.leaderboard.store import leagues as store
from services.leaderboard.store.leagues import Seat

_NUMBER = re.compile(r"[0-9]{1,9}")
_STATES = leagues_pb2.LeagueMemberState


def _named(outcome: int) -> str:
    """What the contract calls an outcome."""
    return leagues_pb2.LeagueOutcome.Name(outcome)


class Standing:
    """A cohort's entries from the top, those without a score last, and which ranks go up and down."""

    def __init__(
        self, league: LeagueRules, seats: Sequence[Seat], placed: Sequence[leaderboard_pb2.LeaderboardEntry],
        unplaced: Sequence[leaderboard_pb2.LeaderboardEntry], order: Sequence[Seat],
    ) -> None:  # fmt: skip
        self.entries: list[leagues_pb2.LeagueEntry] = []
        self.members = [seat.member for seat in order]
        place, ranked = league.place_of(seats[0].division) if seats else 0, len(placed)
        settled = any(seat.outcome for seat in seats)
        for rank, (entry, seat) in enumerate(zip([*placed, *unplaced], order, strict=True), 1):
            entry.rank = rank if rank <= ranked else 0
            if settled:
                outcome = Outcome(seat.outcome)
            else:
                outcome = league.outcome(place, rank, ranked) if rank <= ranked else Outcome.NONE
            self.entries.append(leagues_pb2.LeagueEntry(entry=entry, outcome=_named(outcome.value)))
        up = [entry.entry.rank for entry in self.entries if entry.outcome == Outcome.PROMOTED.value]
        down = [entry.entry.rank for entry in self.entries if entry.outcome == Outcome.DEMOTED.value]
        self.promoted_to, self.demoted_from = max(up, default=0), min(down, default=0)


class LeagueServicer(leagues_pb2_grpc.LeagueServiceServicer):
    """Leagues."""

    def __init__(self, write_path: WritePath, database: Database, ranks: Ranks, aliases: Aliases) -> None:
        self._write_path, self._database, self._ranks, self._aliases = write_path, database, ranks, aliases

    def _rules(self) -> LeaderboardRules:
        """The brand's newest programme. Raises NotFound (`unknown_brand`)."""
        brand = caller().brand
        _, rules = self._ranks.rules(brand)
        if rules is None:
            raise NotFound(f"Brand {brand!r} has no programme yet.", code="unknown_brand")
        return rules

    def _league(self, name: str) -> LeagueRules:
        """Raises NotFound (`unknown_brand`), UnknownLeague."""
        league = self._rules().leagues.get(name)
        if league is None:
            raise UnknownLeague(name)
        return league

    def _division(self, league: LeagueRules, name: str) -> str:
        if all(division.division != name for division in league.divisions):
            raise UnknownDivision(league.league, name)
        return name

    async def _period(self, connection: asyncpg.Connection, league: LeagueRules, asked: str) -> int:
        """The period that is asked for, or the league's last one. Raises UnknownPeriod."""
        state = await store.one_league(connection, caller().brand, league.league)
        number = period_of(asked) if asked else (state.period if state is not None else None)
        is_known = number is not None and (
            (state is not None and state.period == number)
            or await store.has_period(connection, caller().brand, league.league, number)
        )
        if number is None or not is_known:
            raise UnknownPeriod(league.board, asked)
        return number

    async def _standing(
        self, connection: asyncpg.Connection, league: LeagueRules, period: int, seats: Sequence[Seat], own: str = ""
    ) -> Standing:
        """The standing of a cohort, in the order of its board."""
        brand = caller().brand
        ranks, board = self._ranks.board(brand, league.board)
        view = View(brand, ranks, board, self._aliases)
        of_member = {seat.member: seat for seat in seats}
        index = ranks.indexes.get((league.board, period))
        if index is not None:
            places = index.places(of_member)
        else:
            rows = await board_store.placed(connection, brand, league.board, period, list(of_member))
            places = sorted(map(place_of, rows))
        there = {place.member for place in places}
        rest = [seat for seat in seats if seat.member not in there]
        placed, unplaced = (leaderboard_pb2.ListLeaderboardEntriesResponse().entries for _ in range(2))
        view.show(placed, places, own)
        view.show(unplaced, (Place(0, 0, seat.member, 0, 0, 0) for seat in rest), own)
        for entry in unplaced:
            entry.ClearField("reached_at")
        order = [*(of_member[place.member] for place in places), *rest]
        return Standing(league, seats, list(placed), list(unplaced), order)

    # -- reading ------------------------------------------------------------

    async def ListLeagues(
        self, request: leagues_pb2.ListLeaguesRequest, context: Any
    ) -> leagues_pb2.ListLeaguesResponse:
        answer = leagues_pb2.ListLeaguesResponse()
        for league in self._rules().leagues.values():
            shown = answer.leagues.add(
                league=league.league,
                name=league.name,
                board=league.board,
                cohort_size=league.cohort_size,
                opt_in=league.opt_in,
            )
            for division in league.divisions:
                shown.divisions.add(division=division.division, name=division.name)
            span = league.periods.at(datetime.now(UTC))
            if span is not None and span.ends_at is not None:
                shown.period = period_id(span.period)
                shown.starts_at.FromDatetime(span.starts_at)
                shown.ends_at.FromDatetime(span.ends_at.astimezone(UTC))
        return answer

    async def GetMemberLeague(
        self, request: leagues_pb2.GetMemberLeagueRequest, context: Any
    ) -> leagues_pb2.GetMemberLeagueResponse:
        if not 0 <= request.around <= AROUND_MAX:
            raise InvalidArgument.of([FieldViolation("around", f"is {request.around}, not within 0 and {AROUND_MAX}")])
        await self._ranks.at_least(request.position)
        league, brand, member = self._league(request.league), caller().brand, request.member
        answer = leagues_pb2.GetMemberLeagueResponse(league=league.league, position=self._ranks.position)
        async with self._database.reading(brand) as connection:
            known = await store.membership(connection, brand, league.league, member)
            seat = await store.last_seat(connection, brand, league.league, member)
            waiting = await store.waits(connection, brand, league.league, member)
            takes_part = league.takes_part(known.takes_part if known is not None else None)
            if seat is not None and seat.outcome == Outcome.NONE.value:
                await self._show_seat(connection, league, seat, request, answer)
            elif waiting is not None and takes_part:
                answer.state, answer.period = _STATES.LEAGUE_MEMBER_STATE_WAITING, period_id(waiting.period)
                answer.ends_at.FromDatetime(waiting.ends_at.astimezone(UTC))
            else:
                answer.state = _STATES.LEAGUE_MEMBER_STATE_NOT_SEATED if takes_part else _STATES.LEAGUE_MEMBER_STATE_OUT
                span = league.periods.at(datetime.now(UTC))
                if span is not None and span.ends_at is not None:
                    answer.period = period_id(span.period)
                    answer.ends_at.FromDatetime(span.ends_at.astimezone(UTC))
        if not answer.division:
            division = known.division if known is not None else ""
            answer.division = league.divisions[league.place_of(division)].division
        answer.idle_periods = known.idle if known is not None else 0
        return answer

    async def _show_seat(
        self,
        connection: asyncpg.Connection,
        league: LeagueRules,
        seat: Seat,
        request: leagues_pb2.GetMemberLeagueRequest,
        answer: leagues_pb2.GetMemberLeagueResponse,
    ) -> None:
        brand = caller().brand
        seats = await store.seats_of_cohort(connection, brand, league.league, seat.period, seat.division, seat.cohort)
        state = await store.one_league(connection, brand, league.league)
        standing = await self._standing(connection, league, seat.period, seats, seat.member)
        place = standing.members.index(seat.member)
        first = max(place - request.around, 0) if request.around else 0
        last = place + request.around + 1 if request.around else len(seats)
        answer.state, answer.period = _STATES.LEAGUE_MEMBER_STATE_SEATED, period_id(seat.period)
        if state is not None and state.period == seat.period:
            answer.ends_at.FromDatetime(state.ends_at.astimezone(UTC))
        answer.division, answer.cohort, answer.members = seat.division, seat.cohort, len(seats)
        answer.entries.extend(standing.entries[first:last])
        answer.own.CopyFrom(standing.entries[place])
        answer.promoted_to_rank, answer.demoted_from_rank = standing.promoted_to, standing.demoted_from

    async def ListMemberLeagueResults(
        self, request: leagues_pb2.ListMemberLeagueResultsRequest, context: Any
    ) -> leagues_pb2.ListMemberLeagueResultsResponse:
        brand, page_size = caller().brand, page_size_of(request.page_size)
        self._rules()
        before = pages.standing_before(request.page_token)
        async with self._database.reading(brand) as connection:
            found = await store.results(connection, brand, request.member, before[:2], page_size + 1)
        answer = leagues_pb2.ListMemberLeagueResultsResponse()
        for seat in found[:page_size]:
            answer.results.add(
                league=seat.league,
                period=period_id(seat.period),
                division=seat.division,
                to_division=seat.to_division,
                cohort=seat.cohort,
                rank=seat.rank,
                score=seat.score,
                outcome=_named(seat.outcome),
            )
        if len(found) > page_size:
            last = found[page_size - 1]
            answer.next_page_token = pages.before_standing(last.period, last.league)
        return answer

    async def ListLeaguePeriods(
        self, request: leagues_pb2.ListLeaguePeriodsRequest, context: Any
    ) -> leagues_pb2.ListLeaguePeriodsResponse:
        league, page_size = self._league(request.league), page_size_of(request.page_size)
        before = pages.period_before(request.page_token)
        async with self._database.reading(caller().brand) as connection:
            found = await store.periods_of(connection, caller().brand, league.league, before, page_size + 1)
        answer = leagues_pb2.ListLeaguePeriodsResponse()
        for row in found[:page_size]:
            shown = answer.periods.add(
                period=period_id(row["period"]),
                members=row["members"],
                promoted=row["promoted"],
                demoted=row["demoted"],
            )
            shown.ended_at.FromDatetime(row["ended_at"].astimezone(UTC))
            shown.closed_at.FromDatetime(row["closed_at"].astimezone(UTC))
        if len(found) > page_size:
            answer.next_page_token = pages.before_period(found[page_size - 1]["period"])
        return answer

    async def ListLeagueCohorts(
        self, request: leagues_pb2.ListLeagueCohortsRequest, context: Any
    ) -> leagues_pb2.ListLeagueCohortsResponse:
        league, page_size = self._league(request.league), page_size_of(request.page_size)
        division, after = self._division(league, request.division), pages.rank_of(request.page_token)
        async with self._database.reading(caller().brand) as connection:
            period = await self._period(connection, league, request.period)
            found = await store.cohorts_of(
                connection, caller().brand, league.league, period, division, after, page_size + 1
            )
        answer = leagues_pb2.ListLeagueCohortsResponse(period=period_id(period))
        for row in found[:page_size]:
            answer.cohorts.add(cohort=row["cohort"], members=row["members"])
        if len(found) > page_size:
            answer.next_page_token = pages.after_rank(found[page_size - 1]["cohort"])
        return answer

    async def GetLeagueCohort(
        self, request: leagues_pb2.GetLeagueCohortRequest, context: Any
    ) -> leagues_pb2.GetLeagueCohortResponse:
        await self._ranks.at_least(request.position)
        league = self._league(request.league)
        division = self._division(league, request.division)
        async with self._database.reading(caller().brand) as connection:
            period = await self._period(connection, league, request.period)
            number = int(request.cohort) if _NUMBER.fullmatch(request.cohort) else 0
            seats = await store.seats_of_cohort(connection, caller().brand, league.league, period, division, number)
            if not seats:
                raise UnknownCohort(division, request.cohort)
            standing = await self._standing(connection, league, period, seats)
        return leagues_pb2.GetLeagueCohortResponse(
            period=period_id(period),
            entries=standing.entries,
            promoted_to_rank=standing.promoted_to,
            demoted_from_rank=standing.demoted_from,
            position=self._ranks.position,
        )

    # -- writing ------------------------------------------------------------

    async def JoinLeague(self, request: leagues_pb2.JoinLeagueRequest, context: Any) -> leagues_pb2.JoinLeagueResponse:
        _check_member(request.member)
        answer: leagues_pb2.JoinLeagueResponse = await self._write_path.submit(caller().brand, request)
        return answer

    async def LeaveLeague(
        self, request: leagues_pb2.LeaveLeagueRequest, context: Any
    ) -> leagues_pb2.LeaveLeagueResponse:
        _check_member(request.member)
        answer: leagues_pb2.LeaveLeagueResponse = await self._write_path.submit(caller().brand, request)
        return answer


def _check_member(member: str) -> None:
    if not IDENTIFIER.fullmatch(member):
        raise InvalidArgument.of([FieldViolation("member", "is not 1 to 64 characters of A-Z a-z 0-9 _ -")])
