"""Leagues seat members with their first score, and move everybody once when a period is closed."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chassis.errors import FailedPrecondition, InvalidArgument, NotFound, PermissionDenied
from cli.embedded import Servers
from laurels.erasure.v1.events_pb2 import ErasureReceipt, ErasureSettled, MemberErased
from laurels.leaderboard.v1 import boards_pb2, leagues_pb2
from laurels.leaderboard.v1 import programme_boards_pb2 as boards_pb
from laurels.leaderboard.v1 import programme_leagues_pb2 as leagues_pb
from laurels.leaderboard.v1 import programme_pb2 as pb
from laurels.leaderboard.v1.leagues_events_pb2 import (
    LeagueDemoted,
    LeagueJoined,
    LeagueLeft,
    LeaguePeriodClosed,
    LeaguePromoted,
    LeagueStayed,
)
from laurels.points.v1.members_events_pb2 import ConsentChanged
from laurels.points.v1.members_pb2 import CONSENT_PURPOSE_LEADERBOARDS
from laurels.programme.v1 import programme_pb2
from laurels.value.v1.events_pb2 import GRANT_REASON_STANDING, Grant, PointsGrant, RewardGranted
from services.leaderboard.periods import period_id
from tests.conftest import running
from tests.integration.leaderboard_support import (
    NOON,
    Leaderboard,
    credit,
    eventually,
    finished,
    listening,
    programme,
    purchase,
)

NOW = datetime.now(UTC)
# Four days that are over, and a period at hand that ends a year from now.
BEGAN = (NOW - timedelta(days=9)).replace(microsecond=0)
DAYS = [BEGAN + timedelta(days=day) for day in range(4)]
AT_HAND = BEGAN + timedelta(days=4)
SEATED = leagues_pb2.LEAGUE_MEMBER_STATE_SEATED
WAITING = leagues_pb2.LEAGUE_MEMBER_STATE_WAITING
NOT_SEATED = leagues_pb2.LEAGUE_MEMBER_STATE_NOT_SEATED
OUT = leagues_pb2.LEAGUE_MEMBER_STATE_OUT
PROMOTED, STAYED, DEMOTED, IDLE = (
    leagues_pb2.LEAGUE_OUTCOME_PROMOTED,
    leagues_pb2.LEAGUE_OUTCOME_STAYED,
    leagues_pb2.LEAGUE_OUTCOME_DEMOTED,
    leagues_pb2.LEAGUE_OUTCOME_IDLE,
)


def dated(grace_seconds: int = 0, ends_at: datetime = BEGAN + timedelta(days=365)) -> boards_pb.BoardSchedule:
    spans = [(day, day + timedelta(days=1)) for day in DAYS] + [(AT_HAND, ends_at)]
    fixed = boards_pb.FixedPeriods(periods=[boards_pb.FixedPeriod(starts_at=a, ends_at=b) for a, b in spans])
    return boards_pb.BoardSchedule(fixed=fixed, grace_seconds=grace_seconds)


def board(name: str = "sprint", **fields: Any) -> pb.Board:
    return pb.Board(**{"id": name, "name": name.title(), "submissions": True, "schedule": dated(), **fields})


def zone(members: int) -> leagues_pb.LeagueZone:
    return leagues_pb.LeagueZone(members=members)


def cup(first: int, last: int = 0, amount: int = 100) -> boards_pb.BoardPrize:
    grant = Grant(points=PointsGrant(currency="points", amount=amount))
    return boards_pb.BoardPrize(ranks=boards_pb.RankRange(first=first, last=last), grants=[grant])


def league(up: int = 1, down: int = 1, **fields: Any) -> leagues_pb.League:
    """Bronze, silver and gold in cohorts of four, in which so many go up and down."""
    divisions = [
        leagues_pb.LeagueDivision(id="bronze", promotion=zone(up), prizes=[cup(1)]),
        leagues_pb.LeagueDivision(id="silver", promotion=zone(up), demotion=zone(down), prizes=[cup(1, 2, 200)]),
        leagues_pb.LeagueDivision(id="gold", demotion=zone(down)),
    ]
    return leagues_pb.League(**{"id": "ladder", "board": "sprint", "divisions": divisions, "cohort_size": 4, **fields})


def with_league(*leagues: leagues_pb.League, boards: Any = None) -> programme_pb2.Programme:
    found = programme()
    found.leaderboard.boards.extend(boards or [board()])
    found.leaderboard.leagues.extend(leagues or [league()])
    return found


class Play:
    """What tests do to the league of a brand."""

    def __init__(self, service: Leaderboard, brand: str) -> None:
        self.service, self.brand, self._keys = service, brand, 0

    async def apply(self, *leagues: leagues_pb.League, boards: Any = None, version: int = 1) -> None:
        await self.service.apply(self.brand, with_league(*leagues, boards=boards), version)

    async def score(self, *scores: tuple[str, int], at: datetime = AT_HAND, key: str = "") -> Any:
        self._keys += 1
        submitted = [boards_pb2.ScoreSubmission(member=member, score=score) for member, score in scores]
        for submission in submitted:
            submission.occurred_at.FromDatetime(at)
        request = boards_pb2.SubmitScoresRequest(
            board="sprint", scores=submitted, idempotency_key=key or f"k{self._keys}"
        )
        return await self.service.call("SubmitScores", request, self.brand)

    async def mine(self, member: str, around: int = 0, **call: Any) -> leagues_pb2.GetMemberLeagueResponse:
        request = leagues_pb2.GetMemberLeagueRequest(member=member, league="ladder", around=around)
        found: leagues_pb2.GetMemberLeagueResponse = await self.service.call(
            "GetMemberLeague", request, self.brand, **call
        )
        return found

    async def where(self, member: str) -> tuple[str, int]:
        """The division and the cohort that a member is seated in."""
        found = await self.mine(member)
        assert found.state == SEATED
        return found.division, found.cohort

    async def results(self, member: str) -> list[tuple[str, str, int, int]]:
        """Divisions before and after, rank and outcome, the newest first."""
        request = leagues_pb2.ListMemberLeagueResultsRequest(member=member)
        found = (await self.service.call("ListMemberLeagueResults", request, self.brand)).results
        return [(r.division, r.to_division, r.rank, r.outcome) for r in found]

    async def joins(self, member: str, **call: Any) -> leagues_pb2.JoinLeagueResponse:
        request = leagues_pb2.JoinLeagueRequest(member=member, league="ladder")
        found: leagues_pb2.JoinLeagueResponse = await self.service.call("JoinLeague", request, self.brand, **call)
        return found

    async def leaves(self, member: str, **call: Any) -> bool:
        request = leagues_pb2.LeaveLeagueRequest(member=member, league="ladder")
        return bool((await self.service.call("LeaveLeague", request, self.brand, **call)).changed)

    async def cohort(self, division: str, number: int, period: datetime | None = None) -> Any:
        name = period_id(int(period.timestamp())) if period is not None else ""
        request = leagues_pb2.GetLeagueCohortRequest(
            league="ladder", division=division, cohort=str(number), period=name
        )
        return await self.service.call("GetLeagueCohort", request, self.brand)

    async def closed(self, count: int = 1) -> list[LeaguePeriodClosed]:
        """What is told of closed periods, once there are so many."""

        async def told() -> Any:
            found = await self.service.told(self.brand, LeaguePeriodClosed)
            return found if len(found) >= count else None

        found: list[LeaguePeriodClosed] = await eventually(told)
        return found

    async def told(self, kind: type[Any]) -> list[Any]:
        return await self.service.told(self.brand, kind)

    async def sound(self) -> bool:
        return await self.service.violations(self.brand) == []


@pytest.fixture(scope="module")
async def leaderboard(
    servers: Servers, settings_of: Callable[..., Any], token: Callable[..., str]
) -> AsyncIterator[Leaderboard]:
    async with listening(servers) as client, running("leaderboard", settings_of("leaderboard")) as channel:
        service = Leaderboard(servers, channel, client, token)
        yield service
        await service.forget()


@pytest.fixture
def play(leaderboard: Leaderboard, brand: str) -> Play:
    return Play(leaderboard, brand)


# -- seats --------------------------------------------------------------------


async def test_the_first_score_of_a_period_seats_and_its_caller_sees_the_cohort_at_once(play: Play) -> None:
    await play.apply()
    assert (await play.mine("ann")).state == NOT_SEATED
    await play.score(("ann", 5), ("bob", 9), ("cem", 7), ("ann", 1), ("dan", 1), ("eve", 99))
    found = await play.mine("ann", scope="member", subject="ann")
    assert (found.state, found.division, found.cohort, found.members) == (SEATED, "bronze", 1, 4)
    assert (found.period, found.ends_at.ToDatetime(tzinfo=UTC)) == (
        period_id(int(AT_HAND.timestamp())),
        BEGAN + timedelta(days=365),
    )
    assert [(e.entry.rank, e.entry.member, e.entry.score, e.outcome) for e in found.entries] == [
        (1, "bob", 9, PROMOTED),
        (2, "cem", 7, STAYED),
        (3, "ann", 6, STAYED),
        (4, "dan", 1, STAYED),
    ]
    assert (found.own.entry.member, found.own.entry.rank) == ("ann", 3)
    assert (found.promoted_to_rank, found.demoted_from_rank) == (1, 0)
    assert await play.where("eve") == ("bronze", 2)
    assert [e.entry.member for e in (await play.mine("bob", around=1)).entries] == ["bob", "cem"]
    told = await play.told(LeagueJoined)
    assert [(j.member, j.division, j.cohort) for j in told] == [
        (member, "bronze", 1 + number // 4) for number, member in enumerate(("ann", "bob", "cem", "dan", "eve"))
    ]
    assert await play.sound()


async def test_the_same_submission_from_many_callers_gives_one_seat(play: Play) -> None:
    await play.apply()
    await asyncio.gather(*(play.score(("ann", 1), ("bob", 2), key="same") for _ in range(12)))
    assert Counter(told.member for told in await play.told(LeagueJoined)) == {"ann": 1, "bob": 1}
    assert await play.sound()


async def test_no_cohort_is_larger_than_its_size_however_many_come_at_once(play: Play) -> None:
    await play.apply(league(cohort_size=7))
    await asyncio.gather(*(play.score((f"m{n % 90}", n)) for n in range(270)))
    request = leagues_pb2.ListLeagueCohortsRequest(league="ladder", division="bronze", page_size=10)
    first = await play.service.call("ListLeagueCohorts", request, play.brand)
    request.page_token = first.next_page_token
    rest = await play.service.call("ListLeagueCohorts", request, play.brand)
    assert [(c.cohort, c.members) for c in [*first.cohorts, *rest.cohorts]] == [
        *((number, 7) for number in range(1, 13)), (13, 6)
    ]  # fmt: skip
    assert len(await play.told(LeagueJoined)) == 90
    assert await play.sound()


async def test_the_same_writes_in_the_same_order_give_the_same_cohorts(play: Play) -> None:
    other = Play(play.service, f"{play.brand}-again")
    seats = []
    for again in (play, other):
        await again.apply()
        for number in range(11):
            await again.score((f"m{number * 7 % 11}", number), (f"n{number}", 1))
        query = "SELECT member, division, cohort, number FROM league_seats WHERE brand = $1 ORDER BY member"
        seats.append([tuple(row) for row in await again.service.fetch(query, again.brand)])
    assert len(seats[0]) == 22
    assert seats[0] == seats[1]


async def test_what_moves_a_board_seats_whatever_told_it_and_an_event_that_comes_again_does_not(play: Play) -> None:
    ends = NOON + timedelta(days=9_999)
    fixed = boards_pb.FixedPeriods(periods=[boards_pb.FixedPeriod(starts_at=NOON - timedelta(days=1), ends_at=ends)])
    schedule = {"schedule": boards_pb.BoardSchedule(fixed=fixed), "submissions": False}
    fed = [
        board("gems", points=pb.PointsFeed(currency="gems"), **schedule),
        board("spent", activity=pb.ActivityFeed(activity_type="purchase", score="attributes.amount"), **schedule),
        board("done", mission=boards_pb.MissionFeed(score=1), **schedule),
    ]
    leagues = [league(id=f"of-{of.id}", board=of.id) for of in fed]
    await play.apply(*leagues, boards=fed)
    events = [credit("ann", 5, currency="gems"), purchase("bob", "b1"), finished("cem"), purchase("dan", "d1", 0)]
    ids = await play.service.publish(play.brand, *events)
    await play.service.settled(play.brand, *ids)
    await play.service.delivered_again(play.brand, ids, *events)
    told = {(joined.league, joined.member) for joined in await play.told(LeagueJoined)}
    assert told == {("of-gems", "ann"), ("of-spent", "bob"), ("of-done", "cem")}
    assert len(await play.told(LeagueJoined)) == 3
    assert await play.sound()


async def test_members_of_like_skill_come_into_one_cohort(play: Play) -> None:
    by_skill = league(up=0, cohorts=leagues_pb.COHORT_RULE_BY_LAST_SCORE, skill_bands=[10, 100])
    for division in by_skill.divisions:
        division.ClearField("promotion")
    await play.apply(by_skill)
    scores = [("a1", 5), ("b1", 50), ("c1", 500), ("a2", 9), ("b2", 99), ("c2", 100), ("b3", 10)]
    await play.score(*scores, at=DAYS[0])
    await play.closed()
    await play.score(*((member, 1) for member, _ in scores), ("new", 1), ("newer", 1))
    cohorts: dict[int, list[str]] = {}
    for member in [name for name, _ in scores] + ["new", "newer"]:
        cohorts.setdefault((await play.where(member))[1], []).append(member)
    assert sorted(cohorts.values()) == [["a1", "a2"], ["b1", "b2", "b3"], ["c1", "c2"], ["new", "newer"]]
    assert await play.sound()


# -- taking part --------------------------------------------------------------


async def test_a_league_that_asks_for_it_seats_only_who_joined_and_whoever_left_no_more(play: Play) -> None:
    await play.apply(league(opt_in=True))
    await play.score(("ann", 5), ("bob", 6))
    assert (await play.mine("ann")).state == OUT
    joined = [await play.joins("ann", scope="member", subject="ann") for _ in range(2)]
    assert [(j.changed, j.state, j.division, j.cohort) for j in joined] == [
        (True, SEATED, "bronze", 1), (False, SEATED, "bronze", 1)
    ]  # fmt: skip
    found = await play.mine("ann")
    assert [(e.entry.rank, e.entry.member, e.entry.score) for e in found.entries] == [(1, "ann", 5)]
    await play.joins("cem")
    found = await play.mine("cem")
    assert [(e.entry.rank, e.entry.member) for e in found.entries] == [(1, "ann"), (0, "cem")]
    assert found.own.outcome == leagues_pb2.LEAGUE_OUTCOME_UNSPECIFIED
    assert [await play.leaves("ann") for _ in range(2)] == [True, False]
    assert [(left.member, left.division, left.idle_periods) for left in await play.told(LeagueLeft)] == [
        ("ann", "bronze", 0)
    ]
    assert (await play.mine("bob")).state == OUT
    assert await play.sound()


async def test_a_member_stays_out_of_a_league_that_they_left_and_begins_anew_in_the_lowest_division(
    play: Play,
) -> None:
    await play.apply()
    await play.score(("ann", 7), ("bob", 6), at=DAYS[0])
    await play.closed()
    assert (await play.mine("ann")).division == "silver"
    assert await play.leaves("ann")
    await play.score(("ann", 5), ("bob", 6))
    assert [(await play.mine(member)).state for member in ("ann", "bob")] == [OUT, SEATED]
    assert (await play.joins("ann")).division == "bronze"
    assert await play.sound()


async def test_nobody_joins_a_league_between_its_periods(play: Play) -> None:
    over = boards_pb.FixedPeriods(periods=[boards_pb.FixedPeriod(starts_at=DAYS[0], ends_at=DAYS[1])])
    await play.apply(boards=[board(schedule=boards_pb.BoardSchedule(fixed=over))])
    with pytest.raises(FailedPrecondition) as refused:
        await play.joins("ann")
    assert refused.value.reason == "no_period"


# -- closing ------------------------------------------------------------------


async def test_a_closed_period_moves_everybody_and_gives_each_prize_once(play: Play) -> None:
    await play.apply()
    await play.score(*((f"m{n}", 100 - n) for n in range(10)), at=DAYS[0])
    (told,) = await play.closed()
    assert (told.league, told.period) == ("ladder", period_id(int(DAYS[0].timestamp())))
    # Two cohorts of four, each with one that goes up, and one of two: half of one goes up, rounded up.
    assert (told.members, told.promoted, told.demoted) == (10, 3, 0)
    up = {told.member: (told.from_division, told.to_division, told.rank) for told in await play.told(LeaguePromoted)}
    assert up == dict.fromkeys(("m0", "m4", "m8"), ("bronze", "silver", 1))
    assert len(await play.told(LeagueStayed)) == 7
    granted = await play.told(RewardGranted)
    assert {g.key for g in granted} == {f"league:ladder:{told.period}:{member}" for member in up}
    assert {(g.reason, g.reference, g.grants[0].points.amount) for g in granted} == {
        (GRANT_REASON_STANDING, "ladder", 100)
    }
    assert await play.results("m5") == [("bronze", "bronze", 2, STAYED)]
    assert await play.results("m4") == [("bronze", "silver", 1, PROMOTED)]
    standing = await play.cohort("bronze", 2, DAYS[0])
    assert [(e.entry.rank, e.entry.member, e.outcome) for e in standing.entries] == [
        (1, "m4", PROMOTED), (2, "m5", STAYED), (3, "m6", STAYED), (4, "m7", STAYED)
    ]  # fmt: skip
    # The three in silver: the first goes up; of three not four a quarter goes down, rounded down: nobody.
    await play.score(("m0", 5), ("m4", 4), ("m8", 6), ("m1", 9), at=DAYS[1])
    *_, told = await play.closed(2)
    assert (told.members, told.promoted, told.demoted) == (4, 2, 0)
    assert await play.results("m8") == [("silver", "gold", 1, PROMOTED), ("bronze", "silver", 1, PROMOTED)]
    amounts = {g.member: g.grants[0].points.amount for g in await play.told(RewardGranted) if told.period in g.key}
    assert amounts == {"m8": 200, "m0": 200, "m1": 100}
    listed = leagues_pb2.ListLeaguePeriodsRequest(league="ladder", page_size=1)
    newest = await play.service.call("ListLeaguePeriods", listed, play.brand)
    listed.page_token = newest.next_page_token
    oldest = await play.service.call("ListLeaguePeriods", listed, play.brand)
    assert [(p.members, p.promoted) for p in [*newest.periods, *oldest.periods]] == [(4, 2), (10, 3)]
    assert await play.sound()


async def test_the_last_of_a_whole_cohort_go_down(play: Play) -> None:
    await play.apply(league(up=2, down=2))
    await play.score(*((f"m{n}", n) for n in range(8)), at=DAYS[0])
    await play.closed()
    silver = ["m2", "m3", "m6", "m7"]
    await play.score(*((member, number) for number, member in enumerate(silver)), at=DAYS[1])
    await play.closed(2)
    down = {told.member: (told.to_division, told.rank, told.idle_periods) for told in await play.told(LeagueDemoted)}
    assert down == {"m2": ("bronze", 4, 0), "m3": ("bronze", 3, 0)}
    assert await play.sound()


async def test_who_scores_before_the_last_period_is_closed_waits_and_is_seated_in_the_division_it_led_to(
    play: Play,
) -> None:
    grace = int((NOW - DAYS[1]).total_seconds()) + 4
    await play.apply(boards=[board(schedule=dated(grace))])
    await play.score(("ann", 5), ("bob", 4), at=DAYS[0])
    await play.score(("cem", 2), ("bob", 1), ("ann", 1), at=DAYS[1])
    found = [await play.mine(member) for member in ("ann", "cem")]
    assert [f.state for f in found] == [SEATED, WAITING]
    assert [f.period for f in found] == [period_id(int(day.timestamp())) for day in DAYS[:2]]
    await play.closed()

    async def seated() -> bool:
        return (await play.mine("cem")).state == SEATED

    await eventually(seated)
    assert [await play.where(member) for member in ("cem", "bob", "ann")] == [
        ("bronze", 1), ("bronze", 1), ("silver", 1)
    ]  # fmt: skip
    assert [joined.member for joined in await play.told(LeagueJoined)] == ["ann", "bob", "cem", "bob", "ann"]
    assert await play.sound()


async def test_who_scores_nothing_goes_down_and_a_score_ends_the_row(play: Play) -> None:
    await play.apply(league(up=3, idle=leagues_pb.IdleRule(demote_after=2, leave_after=9)))
    # All in one transaction, so that no period is closed before the others have their scores.
    days = [("ann", 0), ("bob", 0), ("bob", 1), ("ann", 1), ("bob", 3)]
    request = boards_pb2.SubmitScoresRequest(board="sprint", idempotency_key="days")
    for member, day in days:
        request.scores.add(member=member, score=1).occurred_at.FromDatetime(DAYS[day])
    await play.service.call("SubmitScores", request, play.brand)
    told = await play.closed(4)
    assert [closed.members for closed in told] == [2, 2, 0, 1]
    assert [(d.member, d.to_division, d.idle_periods) for d in await play.told(LeagueDemoted)] == [("ann", "silver", 2)]
    found = [await play.mine(member) for member in ("ann", "bob")]
    assert [(f.division, f.idle_periods) for f in found] == [("silver", 2), ("gold", 0)]
    assert await play.results("bob") == [
        ("gold", "gold", 1, STAYED), ("silver", "gold", 2, PROMOTED), ("bronze", "silver", 2, PROMOTED)
    ]  # fmt: skip
    assert await play.sound()


async def test_who_scores_nothing_for_too_long_leaves_and_begins_anew(play: Play) -> None:
    await play.apply(league(idle=leagues_pb.IdleRule(demote_after=1, leave_after=2)))
    await play.score(("ann", 1), at=DAYS[0])
    # Two idle days; nobody is left then, and the last day is not opened.
    assert [closed.members for closed in await play.closed(3)] == [1, 0, 0]
    assert [(left.member, left.division, left.idle_periods) for left in await play.told(LeagueLeft)] == [
        ("ann", "bronze", 2)
    ]
    await play.score(("ann", 1))
    assert await play.where("ann") == ("bronze", 1)
    assert len(await play.told(LeaguePeriodClosed)) == 3
    assert await play.sound()


async def test_a_period_that_nobody_can_be_moved_by_is_passed_over(play: Play) -> None:
    await play.apply()
    await play.score(("ann", 5), at=DAYS[0])
    await play.closed()
    await play.score(("ann", 5), at=DAYS[3])
    told = await play.closed(2)
    assert [closed.period for closed in told] == [period_id(int(day.timestamp())) for day in (DAYS[0], DAYS[3])]
    assert await play.results("ann") == [("silver", "gold", 1, PROMOTED), ("bronze", "silver", 1, PROMOTED)]


async def test_who_was_taken_off_the_board_is_ranked_in_no_cohort(play: Play) -> None:
    await play.apply(boards=[board(schedule=dated(int((NOW - DAYS[1]).total_seconds()) + 3))])
    await play.score(("ann", 9), ("bob", 5), ("cem", 4), at=DAYS[0])
    remove = boards_pb2.RemoveLeaderboardMemberRequest(board="sprint", member="ann", reason="Cheated.")
    await play.service.call("RemoveLeaderboardMember", remove, play.brand)
    found = await play.mine("bob")
    assert [(e.entry.rank, e.entry.member) for e in found.entries] == [(1, "bob"), (2, "cem"), (0, "ann")]
    await play.closed()
    assert await play.results("ann") == [("bronze", "bronze", 0, IDLE)]
    assert await play.results("bob") == [("bronze", "silver", 1, PROMOTED)]
    assert [granted.member for granted in await play.told(RewardGranted)] == ["bob"]
    assert await play.sound()


# -- who sees what ------------------------------------------------------------


async def test_consent_hides_the_name_in_a_cohort_and_not_the_place(play: Play) -> None:
    await play.apply()
    await play.score(("ann", 9), ("bob", 5))
    said = ConsentChanged(member="ann", purpose=CONSENT_PURPOSE_LEADERBOARDS, granted=False, changed_at=NOON)
    await play.service.settled(play.brand, *await play.service.publish(play.brand, said))
    seen = (await play.mine("bob", scope="member", subject="bob")).entries
    assert [(e.entry.rank, e.entry.member, bool(e.entry.alias)) for e in seen] == [(1, "", True), (2, "bob", False)]
    own = (await play.mine("ann", scope="member", subject="ann")).entries
    assert [e.entry.member for e in own] == ["ann", "bob"]
    assert [e.entry.member for e in (await play.cohort("bronze", 1)).entries] == ["", "bob"]


async def test_members_see_and_move_themselves_alone(play: Play) -> None:
    await play.apply()
    await play.score(("ann", 9))
    of_bob = {"scope": "member", "subject": "bob"}
    for call in (play.mine("ann", **of_bob), play.joins("ann", **of_bob), play.leaves("ann", **of_bob)):
        with pytest.raises(NotFound) as refused:
            await call
        assert refused.value.reason == "unknown_member"
    request = leagues_pb2.ListMemberLeagueResultsRequest(member="ann")
    with pytest.raises(NotFound):
        await play.service.call("ListMemberLeagueResults", request, play.brand, **of_bob)
    cohort = leagues_pb2.GetLeagueCohortRequest(league="ladder", division="bronze", cohort="1")
    with pytest.raises(PermissionDenied):
        await play.service.call("GetLeagueCohort", cohort, play.brand, **of_bob)
    found = await play.service.call("ListLeagues", leagues_pb2.ListLeaguesRequest(), play.brand, **of_bob)
    (shown,) = found.leagues
    assert (shown.league, [d.division for d in shown.divisions]) == ("ladder", ["bronze", "silver", "gold"])


async def test_what_there_is_not_is_told_as_such(play: Play) -> None:
    await play.apply()
    await play.score(("ann", 9))
    cohort = {"league": "ladder", "division": "bronze", "cohort": "1"}
    for changed, reason in (
        ({"league": "snakes"}, "unknown_league"),
        ({"division": "tin"}, "unknown_division"),
        ({"cohort": "2"}, "unknown_cohort"),
        ({"cohort": "first"}, "unknown_cohort"),
        ({"period": "20200101T000000Z"}, "unknown_period"),
        ({"period": "yesterday"}, "unknown_period"),
    ):
        request = leagues_pb2.GetLeagueCohortRequest(**(cohort | changed))
        with pytest.raises(NotFound) as refused:
            await play.service.call("GetLeagueCohort", request, play.brand)
        assert refused.value.reason == reason
    with pytest.raises(InvalidArgument):
        await play.mine("ann", around=101)


# -- erasure and damage -------------------------------------------------------


async def test_an_erased_member_leaves_a_seat_under_the_alias_and_nothing_else(play: Play) -> None:
    await play.apply(boards=[board(schedule=dated())])
    await play.score(("canary", 9), ("bob", 5), at=DAYS[0])
    await play.closed()
    await play.score(("canary", 9), ("bob", 5))
    erased = MemberErased(member="canary", erasure="e1", alias="!x1", erased_at=NOON)
    await play.service.settled(play.brand, *await play.service.publish(play.brand, erased))
    receipt = ErasureReceipt(erasure="e1", service="missions", after="points", alias="!x1")
    await play.service.settled(play.brand, *await play.service.publish(play.brand, receipt, member="canary"))
    settled = await play.service.publish(play.brand, ErasureSettled(erasure="e1"))
    await play.service.settled(play.brand, *settled)

    async def forgotten() -> bool:
        counts = [
            await play.service.fetch(
                f"SELECT count(*) FROM {table} AS row WHERE brand = $1 AND row::text LIKE $2",  # noqa: S608
                play.brand,
                f"%{needle}%",
            )
            for table, needle in (
                ("league_seats", "canary"),
                ("league_members", "canary"),
                ("league_waiting", "canary"),
                ("outbox", b"canary".hex()),
            )
        ]
        return all(rows[0][0] == 0 for rows in counts)

    await eventually(forgotten)
    standing = await play.cohort("bronze", 1, DAYS[0])
    assert [(e.entry.rank, e.entry.member, e.outcome) for e in standing.entries] == [
        (1, "!x1", PROMOTED), (2, "bob", STAYED)
    ]  # fmt: skip
    assert [(e.entry.rank, e.entry.member) for e in (await play.mine("bob")).entries] == [(1, "bob")]
    assert await play.sound()


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        ("UPDATE league_seats SET outcome = 2 WHERE member = 'm0' AND outcome = 1", "another outcome"),
        ("UPDATE league_seats SET rank = 3 WHERE member = 'm1' AND rank = 2", "another outcome"),
        ("UPDATE league_members SET division = 'gold' WHERE member = 'm1'", "is in division 'gold'"),
        ("DELETE FROM league_seats WHERE member = 'm1' AND outcome > 0", "numbered up to"),
        ("UPDATE league_seats SET outcome = 2 WHERE outcome = 0", "before the period is closed"),
        ("UPDATE league_seats SET number = number + 4, cohort = 1 WHERE cohort = 2", "more than its size"),
        ("DELETE FROM leagues", "which it did not come to"),
        ("UPDATE league_periods SET promoted = 0", "counts other"),
        ("DELETE FROM outbox WHERE type LIKE '%RewardGranted'", "did not tell the prize"),
        (
            "INSERT INTO league_waiting (brand, league, period, member, ends_at, joined_at) "
            "SELECT brand, league, period, member, now(), now() FROM league_seats WHERE member = 'm1'",
            "waits for a seat and has one",
        ),
        (
            "INSERT INTO outbox (brand, member, type, payload, traceparent, published_at) "
            "SELECT brand, member, type, payload, '', now() FROM outbox WHERE type LIKE '%LeagueJoined'",
            "told twice",
        ),
    ],
)
async def test_damage_is_found(play: Play, damage: str, sentence: str) -> None:
    await play.apply()
    await play.score(*((f"m{n}", 100 - n) for n in range(6)), at=DAYS[0])
    await play.closed()
    await play.score(*((f"m{n}", 100 - n) for n in range(6)))
    assert await play.sound()
    if damage.startswith("INSERT"):
        statement = f"{damage} AND brand = $1"
    else:
        statement = f"{damage} AND brand = $1" if " WHERE " in damage else f"{damage} WHERE brand = $1"
    await play.service.fetch(statement, play.brand)
    found = await play.service.violations(play.brand)
    assert any(sentence in violation for violation in found), found


@pytest.mark.parametrize(
    ("field", "bad", "detail"),
    [
        (".board", league(board="losers"), "board 'losers'"),
        (".board", league(board="earners"), "no schedule"),
        (".cohorts", league(cohorts=99), "which there is not"),
        (".cohort_size", league(cohort_size=1), "not within 2"),
        (".divisions", league(divisions=[]), "has 0 items"),
        (".divisions[0].demotion", league(divisions=[{"id": "a", "demotion": zone(1)}]), "from the lowest"),
        (".divisions[0].promotion", league(divisions=[{"id": "a", "promotion": zone(1)}]), "from the highest"),
        (".divisions[1].id", league(divisions=[{"id": "a"}, {"id": "a"}]), "is taken"),
        (".divisions[1].demotion", league(up=2, down=3), "more than a whole cohort"),
        (".divisions[0].promotion.members", league(up=5), "not within 1"),
        (".divisions[0].promotion", league(divisions=[{"id": "a", "promotion": {}}, {"id": "b"}]), "needs how much"),
        (
            ".divisions[0].promotion.percent",
            league(divisions=[{"id": "a", "promotion": {"percent": 101}}, {"id": "b"}]),
            "not within 1",
        ),
        (".divisions[0].prizes[0]", league(divisions=[{"id": "a", "prizes": [{}]}]), "needs which places"),
        (".skill_bands", league(skill_bands=[1]), "go with"),
        (".skill_bands[1]", league(cohorts=3, skill_bands=[5, 5]), "not within 6"),
        (".idle.demote_after", league(idle={"demote_after": -1}), "not within 0"),
    ],
)
async def test_a_bad_league_is_told_by_its_path(play: Play, field: str, bad: leagues_pb.League, detail: str) -> None:
    found = await play.service.problems(play.brand, with_league(bad))
    assert detail in found[f"leaderboard.leagues[0]{field}"]


async def test_a_league_stays_with_its_board(play: Play) -> None:
    boards = [board(), board("marathon")]
    await play.apply(boards=boards)
    moved = await play.service.problems(play.brand, with_league(league(board="marathon"), boards=boards))
    assert set(moved) == {"leaderboard.leagues[0].board"}
    assert await play.service.problems(play.brand, with_league(league(up=2, cohort_size=9), boards=boards)) == {}
