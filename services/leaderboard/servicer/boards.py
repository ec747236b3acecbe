"""The RPCs of boards.

Open periods are read from the ranks in memory, closed ones from the standings
that were written down.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from chassis.credentials import IDENTIFIER, caller
from chassis.database import Database
from chassis.errors import FieldViolation, InvalidArgument
from chassis.paging import page_size_of
from chassis.write_path import WritePath
from laurels.leaderboard.v1 import boards_pb2, boards_pb2_grpc, leaderboard_pb2, leaderboard_pb2_grpc
from services.leaderboard import pages
from services.leaderboard.aliases import Aliases
from services.leaderboard.board_rules import BoardRules
from services.leaderboard.periods import period_id, period_of
from services.leaderboard.rank_index import Place, RankIndex
from services.leaderboard.ranking import SCORE_MAX, NotRanked, Operator, UnknownPeriod, UnknownScope, microseconds
from services.leaderboard.ranks import BrandRanks, Ranks
from services.leaderboard.repairs import PAGE as REBUILD_PAGE
from services.leaderboard.repairs import Rebuild
from services.leaderboard.scopes import NOTHING, groups_of
from services.leaderboard.store import boards as store
from services.leaderboard.store import groups as group_store
from services.leaderboard.store.boards import CLOSED, Period

AROUND_MAX = 100
GROUPS_MAX = 1_000
SCORES_MAX = RANKS_MAX = 1_000
REASON_LENGTH_MAX = 500
VALUE_LENGTH_MAX = 128
AHEAD = timedelta(minutes=1)
SKIP_MAX = 10**9
PAGES_MAX = 64
"""So many pages are kept: a page that is read again and again is most often a top."""
_SECOND = 1_000_000


class View:
    """A board's period as one caller sees it."""

    def __init__(self, brand: str, ranks: BrandRanks, board: BoardRules, aliases: Aliases) -> None:
        self.brand, self.ranks, self.board = brand, ranks, board
        self._aliases = aliases

    def show(self, entries: Any, places: Iterable[Place], own: str = "") -> None:
        """Adds places to an answer's entries; `own` is a member who sees that a place is theirs."""
        add, consents, unless_said = entries.add, self.ranks.consents, not self.board.with_consent
        for _, rank, member, score, sub_score, reached in places:
            # Set one by one: with keywords it takes twice as long, and pages are made of this.
            entry = add()
            entry.rank, entry.score = rank, score
            if sub_score:
                entry.sub_score = sub_score
            reached_at = entry.reached_at
            reached_at.seconds, part = divmod(reached, _SECOND)
            reached_at.nanos = part * 1_000
            if consents.get(member, unless_said) or member == own:
                entry.member = member
            else:
                entry.alias = self._aliases.of(self.brand, self.board.board, member)

    def show_rows(self, entries: Any, rows: Iterable[Any], own: str = "") -> None:
        """Adds places of a standing to an answer's entries."""
        self.show(entries, map(place_of, rows), own)


def place_of(row: Any) -> Place:
    """A row of a standing as a place."""
    reached = microseconds(row["reached_at"])
    return Place(row["place"] - 1, row["rank"], row["member"], row["score"], row["sub_score"], reached)


class LeaderboardServicer(leaderboard_pb2_grpc.LeaderboardServiceServicer, boards_pb2_grpc.BoardServiceServicer):
    """Boards."""

    def __init__(self, write_path: WritePath, database: Database, ranks: Ranks, aliases: Aliases) -> None:
        self._write_path, self._database, self._ranks, self._aliases = write_path, database, ranks, aliases
        self._pages: dict[tuple[str, str, int, str, int, int], tuple[Any, ...]] = {}

    # -- reading ------------------------------------------------------------

    async def ListLeaderboardEntries(self, request: leaderboard_pb2.ListLeaderboardEntriesRequest, context: Any) -> Any:
        page_size = page_size_of(request.page_size)
        start = pages.rank_of(request.page_token) if request.page_token else request.skip
        if not 0 <= start <= SKIP_MAX:
            raise InvalidArgument.of([FieldViolation("skip", f"is {start}, not within 0 and {SKIP_MAX}")])
        view, number = await self._view(request)
        if request.scope and request.period and (view.board.board, number) not in view.ranks.indexes:
            return await self._list_closed_scope(view, request, number, start, page_size)
        if request.scope and not request.group:
            return self._teams(view, request.scope, number, start, page_size)
        index = view.ranks.indexes.get((request.board, number)) if number is not None else None
        if request.scope:
            index = self._within(view, request.scope, request.group, number)
        elif index is None and request.period:
            return await self._list_closed(view, number, start, page_size)
        if index is None:
            return leaderboard_pb2.ListLeaderboardEntriesResponse(
                period=period_id(number or 0), position=self._ranks.position
            )
        assert number is not None  # noqa: S101 - there is an index of it
        page = self._page(view, index, number, f"{request.scope}/{request.group}", start, page_size)
        # Messages that follow one another are one message.
        at = leaderboard_pb2.ListLeaderboardEntriesResponse(position=self._ranks.position)
        return page + at.SerializeToString()

    def _page(self, view: View, index: RankIndex, number: int, within: str, start: int, page_size: int) -> bytes:
        """A page, serialised, but for its position; made anew when the board or a consent has changed."""
        key = (view.brand, view.board.board, number, within, start, page_size)
        made_of = (index, view.board, index.version, view.ranks.told)
        kept = self._pages.get(key)
        if kept is not None and kept[:-1] == made_of:
            page: bytes = kept[-1]
            return page
        more = start + page_size < len(index)
        answer = leaderboard_pb2.ListLeaderboardEntriesResponse(
            next_page_token=pages.after_rank(start + page_size) if more else "",
            members=len(index),
            period=period_id(number),
        )
        view.show(answer.entries, index.page(start, page_size))
        page = answer.SerializeToString()
        if len(self._pages) >= PAGES_MAX:
            del self._pages[next(iter(self._pages))]
        self._pages[key] = (*made_of, page)
        return page

    def _within(self, view: View, scope: str, group: str, number: int | None) -> RankIndex | None:
        """The board within the board. Raises UnknownScope."""
        if scope not in view.board.scopes:
            raise UnknownScope(view.board.board, scope)
        groups = view.ranks.groups.get((view.board.board, number)) if number is not None else None
        return groups.indexes.get((scope, group)) if groups is not None else None

    @staticmethod
    def _group_of(view: View, scope: str, group: str, member: str) -> str:
        """The group that a member is in: the one that is named, or their only one. Raises UnknownScope."""
        known = view.ranks.known.get(member, NOTHING)
        groups = groups_of(view.board.scopes[scope], known) if scope in view.board.scopes else ()
        if group in groups:
            return group
        if group or len(groups) != 1:
            raise UnknownScope(view.board.board, scope)
        return groups[0]

    def _teams(
        self, view: View, scope: str, number: int | None, start: int, page_size: int
    ) -> leaderboard_pb2.ListLeaderboardEntriesResponse:
        """A page of a scope's groups. Raises UnknownScope."""
        if scope not in view.board.scopes or not view.board.scopes[scope].HasField("team"):
            raise UnknownScope(view.board.board, scope)
        groups = view.ranks.groups.get((view.board.board, number)) if number is not None else None
        teams = groups.teams(scope) if groups is not None else []
        return leaderboard_pb2.ListLeaderboardEntriesResponse(
            entries=[
                leaderboard_pb2.LeaderboardEntry(rank=team.rank, group=team.group, score=team.score)
                for team in teams[start : start + page_size]
            ],
            next_page_token=pages.after_rank(start + page_size) if start + page_size < len(teams) else "",
            members=len(teams),
            period=period_id(number or 0),
            position=self._ranks.position,
        )

    async def _list_closed(
        self, view: View, number: int | None, start: int, page_size: int
    ) -> leaderboard_pb2.ListLeaderboardEntriesResponse:
        period = await self._period(view, number)
        async with self._database.reading(view.brand) as connection:
            rows = await store.standing(connection, view.brand, period.board, period.period, start, page_size)
        more = start + page_size < period.members
        answer = leaderboard_pb2.ListLeaderboardEntriesResponse(
            next_page_token=pages.after_rank(start + page_size) if more else "",
            members=period.members,
            period=period_id(period.period),
            position=self._ranks.position,
        )
        view.show_rows(answer.entries, rows)
        return answer

    async def _list_closed_scope(
        self,
        view: View,
        request: leaderboard_pb2.ListLeaderboardEntriesRequest,
        number: int | None,
        start: int,
        page_size: int,
    ) -> leaderboard_pb2.ListLeaderboardEntriesResponse:
        """A page of what was written down of a group, or of a scope's groups. Raises UnknownPeriod, UnknownScope."""
        period = await self._period(view, number)
        key = (period.board, period.period, request.scope)
        answer = leaderboard_pb2.ListLeaderboardEntriesResponse(
            period=period_id(period.period), position=self._ranks.position
        )
        async with self._database.reading(view.brand) as connection:
            if request.group:
                group = await group_store.group(connection, view.brand, (*key, request.group))
                rows = await group_store.standing(connection, view.brand, (*key, request.group), start, page_size)
                answer.members = group.members if group is not None else 0
                view.show_rows(answer.entries, rows)
            else:
                teams, answer.members = await group_store.teams(connection, view.brand, *key, start, page_size)
                for team in teams:
                    answer.entries.add(rank=team.rank or 0, group=team.group_id, score=team.score or 0)
        if not answer.members and request.scope not in view.board.scopes:
            raise UnknownScope(view.board.board, request.scope)
        if start + page_size < answer.members:
            answer.next_page_token = pages.after_rank(start + page_size)
        return answer

    async def GetLeaderboardMember(
        self, request: leaderboard_pb2.GetLeaderboardMemberRequest, context: Any
    ) -> leaderboard_pb2.GetLeaderboardMemberResponse:
        around, member = request.around, request.member
        if not 0 <= around <= AROUND_MAX:
            raise InvalidArgument.of([FieldViolation("around", f"is {around}, not within 0 and {AROUND_MAX}")])
        view, number = await self._view(request)
        index = view.ranks.indexes.get((request.board, number)) if number is not None else None
        if request.scope and request.period and index is None:
            return await self._member_closed_scope(view, request, number)
        if request.scope:
            group = self._group_of(view, request.scope, request.group, member)
            index = self._within(view, request.scope, group, number)
        elif index is None and request.period:
            return await self._member_closed(view, number, member, around)
        place = index.place(member) if index is not None else None
        if index is None or number is None or place is None:
            raise NotRanked(request.board, member)
        near = [place]
        if around:
            first = max(place.position - around, 0)
            near = index.page(first, place.position - first + around + 1)
        answer = leaderboard_pb2.GetLeaderboardMemberResponse(
            members=len(index),
            percentile=_percentile(place.position + 1, len(index)),
            period=period_id(number),
            position=self._ranks.position,
        )
        view.show(answer.neighbours, near, member)
        answer.entry.CopyFrom(answer.neighbours[place.position - near[0].position])
        return answer

    async def _member_closed(
        self, view: View, number: int | None, member: str, around: int
    ) -> leaderboard_pb2.GetLeaderboardMemberResponse:
        period = await self._period(view, number)
        key = (period.board, period.period)
        async with self._database.reading(view.brand) as connection:
            found = await store.placed(connection, view.brand, *key, [member])
            if not found:
                raise NotRanked(period.board, member)
            place = found[0]["place"]
            first = max(place - around, 1)
            rows = await store.standing(connection, view.brand, *key, first - 1, place - first + around + 1)
        answer = leaderboard_pb2.GetLeaderboardMemberResponse(
            members=period.members,
            percentile=_percentile(place, period.members),
            period=period_id(period.period),
            position=self._ranks.position,
        )
        view.show_rows(answer.neighbours, rows, member)
        answer.entry.CopyFrom(answer.neighbours[place - first])
        return answer

    async def _member_closed_scope(
        self, view: View, request: leaderboard_pb2.GetLeaderboardMemberRequest, number: int | None
    ) -> leaderboard_pb2.GetLeaderboardMemberResponse:
        """A place in a group as it was written down. Raises UnknownPeriod, UnknownScope, NotRanked."""
        period = await self._period(view, number)
        key, member, around = (period.board, period.period, request.scope), request.member, request.around
        async with self._database.reading(view.brand) as connection:
            found = await group_store.placed(connection, view.brand, *key, member, GROUPS_MAX)
            found = [row for row in found if request.group in ("", row["group_id"])]
            if not found:
                if request.scope not in view.board.scopes:
                    raise UnknownScope(period.board, request.scope)
                raise NotRanked(period.board, member)
            if len(found) > 1:  # in many groups, of which none was named
                raise UnknownScope(period.board, request.scope)
            of_group, place = (*key, found[0]["group_id"]), found[0]["place"]
            group = await group_store.group(connection, view.brand, of_group)
            first = max(place - around, 1)
            rows = await group_store.standing(connection, view.brand, of_group, first - 1, place - first + around + 1)
        members = group.members if group is not None else 0
        answer = leaderboard_pb2.GetLeaderboardMemberResponse(
            members=members,
            percentile=_percentile(place, members),
            period=period_id(period.period),
            position=self._ranks.position,
        )
        view.show_rows(answer.neighbours, rows, member)
        answer.entry.CopyFrom(answer.neighbours[place - first])
        return answer

    async def GetLeaderboardRanks(
        self, request: boards_pb2.GetLeaderboardRanksRequest, context: Any
    ) -> boards_pb2.GetLeaderboardRanksResponse:
        if not 1 <= len(request.members) <= RANKS_MAX:
            raise InvalidArgument.of([_count("members", len(request.members), RANKS_MAX)])
        view, number = await self._view(request)
        index = view.ranks.indexes.get((request.board, number)) if number is not None else None
        answer = boards_pb2.GetLeaderboardRanksResponse(period=period_id(number or 0), position=self._ranks.position)
        members = self._visible(view, dict.fromkeys(request.members))
        if index is None and request.period:
            period = await self._period(view, number)
            async with self._database.reading(view.brand) as connection:
                rows = await store.placed(connection, view.brand, period.board, period.period, members)
            view.show_rows(answer.entries, sorted(rows, key=lambda row: row["place"]))
            answer.members = period.members
        elif index is not None:
            view.show(answer.entries, index.places(members))
            answer.members = len(index)
        return answer

    @staticmethod
    def _visible(view: View, members: Iterable[str]) -> list[str]:
        """Those whom the caller may ask about: a member not about others who do not consent to be shown."""
        who = caller()
        if who.scopes & {"service", "manager"}:
            return list(members)
        return [member for member in members if member == who.subject or view.ranks.is_shown(view.board, member)]

    async def ListLeaderboardPeriods(
        self, request: boards_pb2.ListLeaderboardPeriodsRequest, context: Any
    ) -> boards_pb2.ListLeaderboardPeriodsResponse:
        brand, page_size = caller().brand, page_size_of(request.page_size)
        self._ranks.board(brand, request.board)
        before = pages.period_before(request.page_token)
        async with self._database.reading(brand) as connection:
            found = await store.periods_of(connection, brand, request.board, before, page_size + 1)
        answer = boards_pb2.ListLeaderboardPeriodsResponse(periods=[_shown(period) for period in found[:page_size]])
        if len(found) > page_size:
            answer.next_page_token = pages.before_period(found[page_size - 1].period)
        return answer

    async def ListMemberStandings(
        self, request: boards_pb2.ListMemberStandingsRequest, context: Any
    ) -> boards_pb2.ListMemberStandingsResponse:
        brand, page_size = caller().brand, page_size_of(request.page_size)
        before = pages.standing_before(request.page_token)
        async with self._database.reading(brand) as connection:
            rows = await store.standings_of(connection, brand, request.member, before, page_size + 1)
        answer = boards_pb2.ListMemberStandingsResponse()
        for row in rows[:page_size]:
            entry = leaderboard_pb2.LeaderboardEntry(
                rank=row["rank"], member=row["member"], score=row["score"], sub_score=row["sub_score"]
            )
            entry.reached_at.FromDatetime(row["reached_at"].astimezone(UTC))
            answer.standings.add(
                board=row["board"],
                period=period_id(row["period"]),
                entry=entry,
                members=row["members"],
                scope=row["scope"],
                group=row["group_id"],
            )
        if len(rows) > page_size:
            last = rows[page_size - 1]
            answer.next_page_token = pages.before_standing(
                last["period"], last["board"], last["scope"], last["group_id"]
            )
        return answer

    async def _view(self, request: Any) -> tuple[View, int | None]:
        """The board, and which period is asked for; None where it has none now."""
        brand = caller().brand
        await self._ranks.at_least(request.position)
        ranks, board = self._ranks.board(brand, request.board)
        view = View(brand, ranks, board, self._aliases)
        if request.period:
            number = period_of(request.period)
            if number is None:
                raise UnknownPeriod(request.board, request.period)
            return view, number
        span = board.periods.at(datetime.now(UTC))
        return view, span.period if span is not None else None

    async def _period(self, view: View, number: int | None) -> Period:
        """A closed period. Raises UnknownPeriod."""
        async with self._database.reading(view.brand) as connection:
            found = await store.one_period(connection, view.brand, view.board.board, number or 0)
        if found is None or found.state != CLOSED:
            raise UnknownPeriod(view.board.board, period_id(number or 0))
        return found

    # -- writing ------------------------------------------------------------

    async def SubmitScores(
        self, request: boards_pb2.SubmitScoresRequest, context: Any
    ) -> boards_pb2.SubmitScoresResponse:
        answer: boards_pb2.SubmitScoresResponse = await self._submit(request)
        return answer

    async def ImportScores(
        self, request: boards_pb2.ImportScoresRequest, context: Any
    ) -> boards_pb2.ImportScoresResponse:
        answer: boards_pb2.ImportScoresResponse = await self._submit(request)
        return answer

    async def _submit(self, request: Any) -> Any:
        brand = caller().brand
        _, board = self._ranks.board(brand, request.board)
        if violations := list(_violations(board, request.scores, datetime.now(UTC) + AHEAD)):
            raise InvalidArgument.of(violations)
        return await self._write_path.submit(brand, request, weight=len(request.scores))

    async def RemoveLeaderboardMember(
        self, request: boards_pb2.RemoveLeaderboardMemberRequest, context: Any
    ) -> boards_pb2.RemoveLeaderboardMemberResponse:
        _check_member(request.member)
        if len(request.reason) > REASON_LENGTH_MAX:
            raise InvalidArgument.of([FieldViolation("reason", f"is longer than {REASON_LENGTH_MAX} characters")])
        answer: boards_pb2.RemoveLeaderboardMemberResponse = await self._write_path.submit(caller().brand, request)
        return answer

    async def RestoreLeaderboardMember(
        self, request: boards_pb2.RestoreLeaderboardMemberRequest, context: Any
    ) -> boards_pb2.RestoreLeaderboardMemberResponse:
        _check_member(request.member)
        answer: boards_pb2.RestoreLeaderboardMemberResponse = await self._write_path.submit(caller().brand, request)
        return answer

    async def RebuildLeaderboard(
        self, request: boards_pb2.RebuildLeaderboardRequest, context: Any
    ) -> boards_pb2.RebuildLeaderboardResponse:
        brand = caller().brand
        _, board = self._ranks.board(brand, request.board)
        span = board.periods.at(datetime.now(UTC))
        number = period_of(request.period) if request.period else (span.period if span is not None else None)
        if number is None:
            raise UnknownPeriod(request.board, request.period)
        async with self._database.reading(brand) as connection:
            members = await store.members_after(connection, brand, request.board, number, request.after, REBUILD_PAGE)
        page = Rebuild(request.board, number, members)
        answer: boards_pb2.RebuildLeaderboardResponse = await self._write_path.submit(brand, page, weight=REBUILD_PAGE)
        if len(members) == REBUILD_PAGE:
            answer.next_after = members[-1]
        return answer


def _violations(
    board: BoardRules, scores: Sequence[boards_pb2.ScoreSubmission], latest: datetime
) -> Iterable[FieldViolation]:
    if not 1 <= len(scores) <= SCORES_MAX:
        yield _count("scores", len(scores), SCORES_MAX)
        return
    is_member, counts_values = IDENTIFIER.fullmatch, board.scoring.operator is Operator.DISTINCT
    latest_s = latest.timestamp()
    for place, score in enumerate(scores):
        if not is_member(score.member):
            yield FieldViolation(f"scores[{place}].member", "is not 1 to 64 characters of A-Z a-z 0-9 _ -")
        if not (-SCORE_MAX <= score.score <= SCORE_MAX and -SCORE_MAX <= score.sub_score <= SCORE_MAX):
            yield FieldViolation(f"scores[{place}].score", f"is not within -{SCORE_MAX} and {SCORE_MAX}")
        if not 0 <= score.occurred_at.seconds <= latest_s:
            yield FieldViolation(f"scores[{place}].occurred_at", "is before 1970 or later than a minute from now")
        if counts_values and not (1 <= len(score.value) <= VALUE_LENGTH_MAX and "\0" not in score.value):
            yield FieldViolation(f"scores[{place}].value", f"is not 1 to {VALUE_LENGTH_MAX} characters")
        elif score.value and not counts_values:
            yield FieldViolation(f"scores[{place}].value", "belongs to boards that count different values")


def _check_member(member: str) -> None:
    if not IDENTIFIER.fullmatch(member):
        raise InvalidArgument.of([FieldViolation("member", "is not 1 to 64 characters of A-Z a-z 0-9 _ -")])


def _count(field: str, number: int, most: int) -> FieldViolation:
    return FieldViolation(field, f"has {number} items, not 1 to {most}")


def _percentile(place: int, members: int) -> float:
    return 100.0 * (members - place) / (members - 1) if members > 1 else 100.0


def _shown(period: Period) -> boards_pb2.BoardPeriod:
    state = boards_pb2.PeriodState.Name(period.state)
    found = boards_pb2.BoardPeriod(period=period_id(period.period), state=state, members=period.members)
    if period.period:
        found.starts_at.FromSeconds(period.period)
    if period.ends_at is not None:
        found.ends_at.FromDatetime(period.ends_at.astimezone(UTC))
    if period.closes_at is not None:
        found.closes_at.FromDatetime(period.closes_at.astimezone(UTC))
    return found
