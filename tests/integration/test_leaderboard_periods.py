"""Scores come in by the hundred, periods close and give their prizes once, and boards can be mended."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from chassis.configuration import Configurations
from chassis.database import Database
from chassis.errors import FailedPrecondition, IdempotencyConflict, InvalidArgument, NotFound, PermissionDenied
from chassis.write_path import WritePath
from cli.embedded import Servers
from laurels.erasure.v1.events_pb2 import ErasureReceipt, ErasureSettled, MemberErased
from laurels.leaderboard.v1 import boards_pb2, leaderboard_pb2
from laurels.leaderboard.v1 import programme_boards_pb2 as boards_pb
from laurels.leaderboard.v1 import programme_pb2 as pb
from laurels.leaderboard.v1.boards_events_pb2 import BoardChanged, BoardPeriodClosed
from laurels.points.v1.events_pb2 import TierChanged
from laurels.points.v1.members_events_pb2 import ConsentChanged, SharedAttributesChanged
from laurels.points.v1.members_pb2 import CONSENT_PURPOSE_LEADERBOARDS
from laurels.programme.v1 import programme_pb2
from laurels.value.v1.events_pb2 import Grant, PointsGrant, RewardGranted
from services.leaderboard import closing
from services.leaderboard import ranks as ranks_module
from services.leaderboard.__main__ import apply
from services.leaderboard.book import Book
from services.leaderboard.closing import Closer
from services.leaderboard.operations import ADOPTING, OPERATIONS
from services.leaderboard.periods import period_id
from services.leaderboard.programme import compile_document
from services.leaderboard.ranks import Ranks
from services.leaderboard.sealing import Seal, key_of
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
# A period at hand that closes a year from now, and one that closed before any service looked.
BEGAN = (NOW - timedelta(days=9)).replace(microsecond=0)
FIXED = boards_pb.FixedPeriods(
    periods=[
        boards_pb.FixedPeriod(starts_at=BEGAN, ends_at=BEGAN + timedelta(days=1)),
        boards_pb.FixedPeriod(starts_at=BEGAN + timedelta(days=1), ends_at=BEGAN + timedelta(days=365)),
    ]
)
PAST, AT_HAND = BEGAN + timedelta(hours=1), BEGAN + timedelta(days=2)


def cup(first: int, last: int = 0, amount: int = 100) -> boards_pb.BoardPrize:
    grant = Grant(points=PointsGrant(currency="points", amount=amount))
    return boards_pb.BoardPrize(ranks=boards_pb.RankRange(first=first, last=last), grants=[grant])


def board(name: str = "sprint", **fields: Any) -> pb.Board:
    return pb.Board(**{"id": name, "name": name.title(), "submissions": True, **fields})


def with_boards(*boards: pb.Board) -> programme_pb2.Programme:
    found = programme()
    found.leaderboard.boards.extend(boards)
    return found


class Sport:
    """What tests do to a board of a brand."""

    def __init__(self, service: Leaderboard, brand: str) -> None:
        self.service, self.brand = service, brand

    async def submit(
        self, *scores: tuple[Any, ...], board: str = "sprint", key: str = "", at: datetime | None = None, **call: Any
    ) -> Any:
        """Submits member, score and sub-score."""
        submitted = [
            boards_pb2.ScoreSubmission(member=s[0], score=s[1], sub_score=s[2] if s[2:] else 0) for s in scores
        ]
        for submission in submitted if at is not None else ():
            submission.occurred_at.FromDatetime(at)
        key = key or f"{scores}-{at}"[:128].replace(" ", "")
        request = boards_pb2.SubmitScoresRequest(board=board, scores=submitted, idempotency_key=key)
        return await self.service.call("SubmitScores", request, self.brand, **call)

    async def ranks(self, *members: str, board: str = "sprint", **call: Any) -> list[tuple[int, str]]:
        request = boards_pb2.GetLeaderboardRanksRequest(board=board, members=members)
        found = await self.service.call("GetLeaderboardRanks", request, self.brand, **call)
        return [(entry.rank, entry.member) for entry in found.entries]

    async def top(self, board: str = "sprint") -> list[tuple[int, str, int]]:
        return await self.service.top(self.brand, board)


@pytest.fixture(scope="module")
async def leaderboard(
    servers: Servers, settings_of: Callable[..., Any], token: Callable[..., str]
) -> AsyncIterator[Leaderboard]:
    async with listening(servers) as client, running("leaderboard", settings_of("leaderboard")) as channel:
        service = Leaderboard(servers, channel, client, token)
        yield service
        await service.forget()


@pytest.fixture
def sport(leaderboard: Leaderboard, brand: str) -> Sport:
    return Sport(leaderboard, brand)


# -- submissions --------------------------------------------------------------


async def test_a_submission_is_seen_by_its_caller_at_once_and_the_same_key_has_one_effect(sport: Sport) -> None:
    await sport.service.apply(sport.brand, with_boards(board()))
    answers = await asyncio.gather(*(sport.submit(("ann", 5), ("bob", 7), ("ann", 4), key="k1") for _ in range(8)))
    assert {answer.accepted for answer in answers} == {3}
    assert await sport.top() == [(1, "ann", 9), (2, "bob", 7)]
    with pytest.raises(IdempotencyConflict):
        await sport.submit(("ann", 6), key="k1")
    assert await sport.service.violations(sport.brand) == []


async def test_each_refused_score_of_many_is_told_and_holds_no_other_up(sport: Sport) -> None:
    limits = {"bounds": boards_pb.ScoreBounds(minimum=1, maximum=100)}
    rate = boards_pb.ScoreRateLimit(count=2, window_seconds=31_536_000)
    schedule = boards_pb.BoardSchedule(fixed=FIXED)
    await sport.service.apply(sport.brand, with_boards(board(rate_limit=rate, schedule=schedule, **limits)))
    answer = await sport.submit(("ann", 5), ("ann", 101), ("bob", 0), ("ann", 6), ("ann", 7), ("bob", 100))
    assert answer.accepted == 3
    assert [(r.place, r.code) for r in answer.refused] == [
        (1, "out_of_bounds"), (2, "out_of_bounds"), (4, "rate_limited")
    ]  # fmt: skip
    assert await sport.top() == [(1, "bob", 100), (2, "ann", 11)]
    answer = await sport.submit(("bob", 1), at=BEGAN - timedelta(days=1))
    assert [r.code for r in answer.refused] == ["no_period"]
    assert await sport.service.violations(sport.brand) == []


async def test_a_rate_limit_holds_for_many_callers_at_once(sport: Sport) -> None:
    rate = boards_pb.ScoreRateLimit(count=10, window_seconds=31_536_000)
    await sport.service.apply(sport.brand, with_boards(board(rate_limit=rate)))
    answers = await asyncio.gather(*(sport.submit(("ann", 1), key=f"k{n}") for n in range(40)))
    assert sum(answer.accepted for answer in answers) == 10
    assert await sport.top() == [(1, "ann", 10)]


async def test_bad_submissions_are_refused_saying_why(sport: Sport) -> None:
    await sport.service.apply(sport.brand, with_boards(board()))
    for call, reason in (
        (sport.submit(("ann", 1), board="losers"), "unknown_board"),
        (sport.submit(("ann", 1), board="earners"), "no_submissions"),
    ):
        with pytest.raises((NotFound, FailedPrecondition)) as refused:
            await call
        assert refused.value.reason == reason
    for call, field in (
        (sport.submit(("a b", 1)), "scores[0].member"),
        (sport.submit(("ann", 2**53)), "scores[0].score"),
        (sport.submit(("ann", 1), at=datetime.now(UTC) + timedelta(hours=1)), "scores[0].occurred_at"),
        (sport.submit(), "scores"),
    ):
        with pytest.raises(InvalidArgument) as malformed:
            await call
        assert [violation.field for violation in malformed.value.violations] == [field]
    with pytest.raises(PermissionDenied):
        await sport.submit(("ann", 1), scope="member", subject="ann")


async def test_sub_scores_ties_and_ranks_are_as_the_board_says(sport: Sport) -> None:
    best = {"operator": boards_pb.SCORE_OPERATOR_BEST, "ascending": True, "ties": boards_pb.TIE_RULE_SUB_SCORE}
    await sport.service.apply(
        sport.brand,
        with_boards(
            board(ranks=boards_pb.RANK_METHOD_COMPETITION, **best),
            board("dense", ranks=boards_pb.RANK_METHOD_DENSE, **best),
        ),
    )
    runs = [("ann", 60, 3), ("bob", 60, 2), ("cem", 60, 2), ("dan", 61, 0), ("ann", 70, 0), ("eve", 60, 3)]
    await sport.submit(*runs)
    await sport.submit(*runs, board="dense", key="dense")
    found = [(rank, member) for rank, member, _ in await sport.top()]
    assert found == [(1, "bob"), (1, "cem"), (3, "ann"), (3, "eve"), (5, "dan")]
    assert [rank for rank, _, _ in await sport.top("dense")] == [1, 1, 2, 2, 3]
    assert await sport.ranks("dan", "ann", "nobody") == [(3, "ann"), (5, "dan")]


async def test_any_page_is_read_by_what_it_skips_and_a_place_says_how_many_are_behind(sport: Sport) -> None:
    await sport.service.apply(sport.brand, with_boards(board()))
    await sport.submit(*((f"m{n}", 100 - n) for n in range(11)))
    page = await sport.service.call("ListLeaderboardEntries", _listing(skip=7, page_size=3), sport.brand)
    assert [(e.rank, e.member) for e in page.entries] == [(8, "m7"), (9, "m8"), (10, "m9")]
    last = _listing(page_token=page.next_page_token)
    assert [e.member for e in (await sport.service.call("ListLeaderboardEntries", last, sport.brand)).entries] == [
        "m10"
    ]
    for member, percentile in (("m0", 100.0), ("m5", 50.0), ("m10", 0.0)):
        assert (await sport.service.place(sport.brand, "sprint", member)).percentile == percentile
    with pytest.raises(InvalidArgument):
        await sport.service.call("ListLeaderboardEntries", _listing(skip=-1), sport.brand)


async def test_missions_and_different_values_move_boards(sport: Sport) -> None:
    shop = with_boards(
        board("done", submissions=False, mission=boards_pb.MissionFeed(score=7)),
        board("five", submissions=False, mission=boards_pb.MissionFeed(mission="five", score=2)),
        board(
            "variety",
            submissions=False,
            operator=boards_pb.SCORE_OPERATOR_DISTINCT,
            distinct="category",
            activity=pb.ActivityFeed(activity_type="purchase", score="1"),
        ),
    )
    kind = programme_pb2.ATTRIBUTE_KIND_TEXT
    shop.activity_types[0].attributes.append(programme_pb2.Attribute(name="category", kind=kind))
    await sport.service.apply(sport.brand, shop)
    bought = [purchase("ann", f"a{n}", 5) for n in range(4)]
    for activity, category in zip(bought, ("tea", "jam", "tea", ""), strict=True):
        activity.activity.attributes.update({"category": category})
    ids = await sport.service.publish(sport.brand, finished("ann"), finished("bob", "other"), *bought)
    await sport.service.settled(sport.brand, *ids)
    assert await sport.top("done") == [(1, "ann", 7), (2, "bob", 7)]
    assert await sport.top("five") == [(1, "ann", 2)]
    assert await sport.top("variety") == [(1, "ann", 2)]
    assert await sport.service.violations(sport.brand) == []


# -- who is shown -------------------------------------------------------------


def said(member: str, granted: bool) -> ConsentChanged:
    return ConsentChanged(member=member, purpose=CONSENT_PURPOSE_LEADERBOARDS, granted=granted, changed_at=NOON)


async def test_consent_hides_the_name_and_not_the_rank(sport: Sport) -> None:
    shown = board("shown", names=boards_pb.NAME_RULE_WITH_CONSENT)
    await sport.service.apply(sport.brand, with_boards(board(), shown))
    for name in ("sprint", "shown"):
        await sport.submit(("ann", 3), ("bob", 2), ("cem", 1), board=name, key=name)
    ids = await sport.service.publish(sport.brand, said("ann", False), said("bob", True))
    await sport.service.settled(sport.brand, *ids)
    hidden: dict[str, list[str]] = {}
    for name, visible in (("sprint", ["", "bob", "cem"]), ("shown", ["", "bob", ""])):
        entries = (await sport.service.entries(sport.brand, name)).entries
        assert [(entry.rank, entry.member) for entry in entries] == list(enumerate(visible, 1))
        assert all(bool(entry.member) != bool(entry.alias) for entry in entries)
        hidden[name] = [entry.alias for entry in entries]
    assert hidden["sprint"][0] != hidden["shown"][0]
    own = await sport.service.place(sport.brand, "sprint", "ann", 1, scope="member", subject="ann")
    assert [entry.member for entry in own.neighbours] == ["ann", "bob"]
    other = await sport.service.place(sport.brand, "sprint", "bob", 1, scope="member", subject="bob")
    assert other.neighbours[0].alias == hidden["sprint"][0]
    assert await sport.ranks("ann", "bob", scope="member", subject="bob") == [(2, "bob")]


# -- boards within boards -----------------------------------------------------


def lives(member: str, country: str) -> SharedAttributesChanged:
    found = SharedAttributesChanged(member=member, changed_at=NOON)
    found.attributes.update({"country": country})
    return found


async def test_members_of_a_group_are_ranked_among_each_other_and_groups_by_their_members(
    sport: Sport, servers: Servers
) -> None:
    best = boards_pb.TeamRanking(aggregate=boards_pb.TEAM_AGGREGATE_BEST, best=2)
    mean = boards_pb.TeamRanking(aggregate=boards_pb.TEAM_AGGREGATE_MEAN)
    scopes = [
        boards_pb.BoardScope(id="country", attribute="country", team=best),
        boards_pb.BoardScope(id="land", attribute="country", team=mean),
        boards_pb.BoardScope(id="tier", tier=boards_pb.ScopeByTier()),
    ]
    await sport.service.apply(sport.brand, with_boards(board(scopes=scopes)))
    told: list[Any] = [lives("ann", "de"), lives("bob", "fr"), lives("cem", "de"), lives("dan", "de")]
    told += [TierChanged(member=name, to_tier="gold") for name in ("ann", "bob")]
    await sport.service.settled(sport.brand, *await sport.service.publish(sport.brand, *told))
    await sport.submit(("ann", 5), ("bob", 9), ("cem", 6), ("dan", 1), ("eve", 99))

    async def within(scope: str, group: str = "") -> list[tuple[int, str, int]]:
        request = _listing(scope=scope, group=group)
        found = await sport.service.call("ListLeaderboardEntries", request, sport.brand)
        return [(e.rank, e.member or e.group, e.score) for e in found.entries]

    async def claims(*expected: list[tuple[int, str, int]]) -> bool:
        groups = (("country", "de"), ("country", ""), ("land", ""), ("tier", "gold"))
        return [await within(*group) for group in groups] == list(expected)

    first = (
        [(1, "cem", 6), (2, "ann", 5), (3, "dan", 1)],
        [(1, "de", 11), (2, "fr", 9)],
        [(1, "fr", 9), (2, "de", 4)],
        [(1, "bob", 9), (2, "ann", 5)],
    )
    await eventually(lambda: claims(*first))
    moved = await sport.service.publish(
        sport.brand, lives("cem", "fr"), TierChanged(member="bob", from_tier="gold", to_tier="silver")
    )
    await sport.service.settled(sport.brand, *moved)
    await sport.submit(("ann", 1), key="more")
    second = (
        [(1, "ann", 6), (2, "dan", 1)],
        [(1, "fr", 15), (2, "de", 7)],
        [(1, "fr", 7), (2, "de", 3)],
        [(1, "ann", 6)],
    )
    assert await claims(*second)
    back = await sport.service.publish(sport.brand, lives("cem", "de"))
    await sport.service.settled(sport.brand, *back)
    assert await within("country", "de") == [(1, "ann", 6), (2, "cem", 6), (3, "dan", 1)] or await within(
        "country", "de"
    ) == [(1, "cem", 6), (2, "ann", 6), (3, "dan", 1)]
    place = leaderboard_pb2.GetLeaderboardMemberRequest(board="sprint", member="dan", scope="country")
    assert (await sport.service.call("GetLeaderboardMember", place, sport.brand)).entry.rank == 3
    remove = boards_pb2.RemoveLeaderboardMemberRequest(board="sprint", member="ann")
    await sport.service.call("RemoveLeaderboardMember", remove, sport.brand)
    assert await within("country", "de") == [(1, "cem", 6), (2, "dan", 1)]
    for scope, group in (("planet", "earth"), ("planet", ""), ("tier", "")):
        with pytest.raises(NotFound) as refused:
            await within(scope, group)
        assert refused.value.reason == "unknown_scope"
    # A replica that starts has the same.
    async with AsyncExitStack() as stack:
        fresh = (await replica(servers, stack))._ranks
        groups = fresh.board(sport.brand, "sprint")[0].groups["sprint", 0]
        assert [p.member for p in groups.indexes["country", "de"].page(0, 9)] == ["cem", "dan"]


# -- periods ------------------------------------------------------------------


@pytest.fixture
async def closer(leaderboard: Leaderboard, servers: Servers) -> AsyncIterator[Closer]:
    """A replica that closes periods when it is told to."""
    async with AsyncExitStack() as stack:
        yield await replica(servers, stack)


async def replica(servers: Servers, stack: AsyncExitStack) -> Closer:
    database = Database(servers.postgres.url("leaderboard"))
    stack.push_async_callback(database.close)
    programmes = Configurations(compile_document)
    ranks = Ranks(database, programmes)
    await ranks.load()
    seal = Seal(key_of(servers.data.seed_key()))
    begin = partial(Book, programmes=programmes, operations=OPERATIONS, adopting=ADOPTING, seal=seal)
    path = WritePath("leaderboard", database, begin, on_commit=lambda: None, committed=partial(apply, ranks))
    stack.push_async_callback(path.drain)
    return Closer(database, path, ranks)


async def closed(sport: Sport, count: int = 1) -> list[BoardPeriodClosed]:
    async def told() -> Any:
        found = await sport.service.told(sport.brand, BoardPeriodClosed)
        return found if len(found) >= count else None

    found: list[BoardPeriodClosed] = await eventually(told)
    return found


async def test_a_closed_period_keeps_its_standing_gives_its_prizes_and_takes_no_score(sport: Sport) -> None:
    percent = boards_pb.BoardPrize(top_percent=50, grants=[Grant(reward="pen")])
    percent.grants[0].points.CopyFrom(PointsGrant(currency="gems", amount=5))
    dated = board(
        schedule=boards_pb.BoardSchedule(fixed=FIXED),
        prizes=[cup(1), cup(2, 3, 50), percent],
        ranks=boards_pb.RANK_METHOD_COMPETITION,
    )
    await sport.service.apply(sport.brand, with_boards(dated))
    past = [(f"m{n}", 100 - n // 2) for n in range(10)]  # pairs of equals
    await sport.submit(*past, at=PAST)
    await sport.submit(("ann", 1), at=AT_HAND)
    (told,) = await closed(sport)
    assert (told.board, told.period, told.members) == ("sprint", period_id(int(BEGAN.timestamp())), 10)
    assert await sport.top() == [(1, "ann", 1)]
    standing = await sport.service.call(
        "ListLeaderboardEntries",
        _listing(period=told.period, page_size=7),
        sport.brand,
    )
    assert [(e.rank, e.member, e.score) for e in standing.entries] == [
        (1 + n - n % 2, f"m{n}", 100 - n // 2) for n in range(7)
    ]
    rest = await sport.service.call(
        "ListLeaderboardEntries", _listing(period=told.period, page_token=standing.next_page_token), sport.brand
    )
    assert [e.member for e in rest.entries] == ["m7", "m8", "m9"]
    granted = await sport.service.told(sport.brand, RewardGranted)
    amounts = {g.member: [(x.points.currency, x.points.amount) for x in g.grants] for g in granted}
    points = {f"m{n}": [("points", 100)] for n in (0, 1)} | {f"m{n}": [("points", 50)] for n in (2, 3)}
    assert amounts == points | {"m4": [("gems", 5)]}
    assert {g.key for g in granted} == {f"board:sprint:{told.period}:m{n}" for n in range(5)}
    late = await sport.submit(("m0", 5), at=PAST, key="late")
    assert [r.code for r in late.refused] == ["period_closed"]
    own = boards_pb2.ListMemberStandingsRequest(member="m5")
    (place,) = (await sport.service.call("ListMemberStandings", own, sport.brand)).standings
    assert (place.board, place.period, place.entry.rank, place.members) == ("sprint", told.period, 5, 10)
    listed = boards_pb2.ListLeaderboardPeriodsRequest(board="sprint")
    periods = (await sport.service.call("ListLeaderboardPeriods", listed, sport.brand)).periods
    assert [(p.state, p.members) for p in periods] == [
        (boards_pb2.PERIOD_STATE_OPEN, 0), (boards_pb2.PERIOD_STATE_CLOSED, 10)
    ]  # fmt: skip
    assert await sport.service.violations(sport.brand) == []


def _listing(**fields: Any) -> Any:
    return leaderboard_pb2.ListLeaderboardEntriesRequest(board="sprint", **fields)


async def test_a_period_of_a_cron_expression_begins_where_the_last_one_ended(sport: Sport) -> None:
    weekly = boards_pb.CronPeriods(expression="0 0 * * 1", zone="Europe/Berlin")
    await sport.service.apply(sport.brand, with_boards(board(schedule=boards_pb.BoardSchedule(cron=weekly))))
    await sport.submit(("ann", 1), key="now")
    await sport.submit(("bob", 9), at=NOW - timedelta(days=7))
    await closed(sport)
    assert await sport.top() == [(1, "ann", 1)]
    listed = boards_pb2.ListLeaderboardPeriodsRequest(board="sprint")
    now, past = (await sport.service.call("ListLeaderboardPeriods", listed, sport.brand)).periods
    assert past.ends_at == now.starts_at
    assert past.closes_at.ToDatetime() > past.ends_at.ToDatetime()  # it was scored after it was over


async def test_a_live_board_tells_that_it_changed_and_of_no_member(sport: Sport) -> None:
    await sport.service.apply(sport.brand, with_boards(board(live=True), board("quiet")))
    await sport.submit(("canary", 5), key="first")
    await sport.submit(("canary", 5), board="quiet", key="quiet")

    async def told() -> Any:
        return await sport.service.told(sport.brand, BoardChanged)

    changed = (await eventually(told))[0]
    assert (changed.board, changed.members) == ("sprint", 1)
    assert changed.position > 0
    await sport.submit(("bob", 5), key="second")

    async def again() -> bool:
        return [change.members for change in await told()] == [1, 2]

    await eventually(again)


# -- repair -------------------------------------------------------------------


async def test_a_removed_member_is_off_the_board_until_restored_and_scores_go_on(sport: Sport) -> None:
    await sport.service.apply(sport.brand, with_boards(board()))
    await sport.submit(("ann", 5), ("bob", 4), ("cem", 3))
    remove = boards_pb2.RemoveLeaderboardMemberRequest(board="sprint", member="ann", reason="Cheated.")
    restore = boards_pb2.RestoreLeaderboardMemberRequest(board="sprint", member="ann")
    changed = [(await sport.service.call("RemoveLeaderboardMember", remove, sport.brand)).changed for _ in range(2)]
    assert changed == [True, False]
    assert await sport.top() == [(1, "bob", 4), (2, "cem", 3)]
    await sport.submit(("ann", 6))
    assert await sport.top() == [(1, "bob", 4), (2, "cem", 3)]
    changed = [(await sport.service.call("RestoreLeaderboardMember", restore, sport.brand)).changed for _ in range(2)]
    assert changed == [True, False]
    assert await sport.top() == [(1, "ann", 11), (2, "bob", 4), (3, "cem", 3)]
    with pytest.raises(PermissionDenied):
        await sport.service.call("RemoveLeaderboardMember", remove, sport.brand, scope="service")


async def test_a_board_is_rebuilt_from_its_facts(sport: Sport) -> None:
    await sport.service.apply(sport.brand, with_boards(board()))
    await sport.submit(*((f"m{n % 7}", n) for n in range(30)))
    before = await sport.top()
    await sport.service.fetch("UPDATE scores SET score = 9999 WHERE brand = $1 AND member = 'm3'", sport.brand)
    await sport.service.fetch("DELETE FROM scores WHERE brand = $1 AND member = 'm4'", sport.brand)
    assert len(await sport.service.violations(sport.brand)) == 2
    request = boards_pb2.RebuildLeaderboardRequest(board="sprint")
    answer = await sport.service.call("RebuildLeaderboard", request, sport.brand)
    assert (answer.looked_at, answer.mended, answer.next_after) == (7, 2, "")
    assert await sport.top() == before
    assert await sport.service.violations(sport.brand) == []
    assert (await sport.service.call("RebuildLeaderboard", request, sport.brand)).mended == 0


async def test_history_is_imported_without_limits(sport: Sport) -> None:
    limits = {"bounds": boards_pb.ScoreBounds(maximum=10), "submissions": False}
    feed = {"points": pb.PointsFeed(currency="gems")}
    await sport.service.apply(sport.brand, with_boards(board(**limits, **feed)))
    request = boards_pb2.ImportScoresRequest(board="sprint", idempotency_key="old")
    for name, score in (("ann", 500), ("bob", 5)):
        request.scores.add(member=name, score=score).occurred_at.FromDatetime(NOON)
    answers = [await sport.service.call("ImportScores", request, sport.brand) for _ in range(2)]
    assert [answer.accepted for answer in answers] == [2, 2]
    assert await sport.top() == [(1, "ann", 500), (2, "bob", 5)]
    assert await sport.service.violations(sport.brand) == []


async def test_an_erased_member_is_on_no_board_and_keeps_past_places_under_the_alias(sport: Sport) -> None:
    await sport.service.apply(sport.brand, with_boards(board(schedule=boards_pb.BoardSchedule(fixed=FIXED))))
    await sport.submit(("canary", 5), ("bob", 4), at=PAST)
    (told,) = await closed(sport)
    await sport.submit(("canary", 9), ("bob", 3), at=AT_HAND)
    ids = await sport.service.publish(
        sport.brand, said("canary", True), MemberErased(member="canary", erasure="e1", alias="!x1", erased_at=NOON)
    )
    await sport.service.settled(sport.brand, *ids)
    receipt = ErasureReceipt(erasure="e1", service="missions", after="points", alias="!x1")
    await sport.service.settled(sport.brand, *await sport.service.publish(sport.brand, receipt, member="canary"))
    await sport.service.settled(sport.brand, *await sport.service.publish(sport.brand, ErasureSettled(erasure="e1")))
    assert await sport.top() == [(1, "bob", 3)]
    standing = await sport.service.call("ListLeaderboardEntries", _listing(period=told.period), sport.brand)
    assert [entry.member for entry in standing.entries] == ["!x1", "bob"]

    async def forgotten() -> bool:
        counts = [
            await sport.service.fetch(f"SELECT count(*) FROM {table} AS row WHERE brand = $1 AND row::text LIKE $2",  # noqa: S608
                                      sport.brand, f"%{needle}%")
            for table, needle in (
                ("scores", "canary"), ("board_facts", "canary"), ("board_standings", "canary"),
                ("known_members", "canary"), ("board_changes", b"canary".hex()), ("answers", b"canary".hex()),
                ("outbox", b"canary".hex()), ("erasing", "canary"),
            )
        ]  # fmt: skip
        return all(rows[0][0] == 0 for rows in counts)

    await eventually(forgotten)
    assert await sport.service.violations(sport.brand) == []


# -- what dies --------------------------------------------------------------


async def test_a_close_that_dies_at_any_step_under_load_gives_every_prize_once(
    leaderboard: Leaderboard, servers: Servers, brand: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sport = Sport(leaderboard, brand)
    monkeypatch.setattr(closing, "PAGE", 7)
    # Replicas of this test load this brand alone, not those of all tests before it.
    monkeypatch.setattr(ranks_module, "_BRANDS", f"SELECT '{brand}' AS brand")
    ahead = NOW + timedelta(days=40)  # so that the service itself does not close it
    dated = boards_pb.FixedPeriods(
        periods=[boards_pb.FixedPeriod(starts_at=BEGAN, ends_at=ahead.replace(microsecond=0))]
    )
    await leaderboard.apply(
        brand, with_boards(board(schedule=boards_pb.BoardSchedule(fixed=dated), prizes=[cup(1, 100)]))
    )
    await sport.submit(*((f"m{n:02}", 100 - n) for n in range(40)))
    stop = asyncio.Event()

    async def load() -> int:
        taken = n = 0
        while not stop.is_set():
            n += 1
            answer = await sport.submit((f"m{n % 50:02}", 1), key=f"load-{n}")
            taken += answer.accepted
        return taken

    loading = asyncio.create_task(load())
    try:
        due, dead = NOW + timedelta(days=50), 0
        for dies_at in range(1, 40):
            async with AsyncExitStack() as stack:
                doomed = await replica(servers, stack)
                killed = asyncio.create_task(doomed.run_until(due))
                # Between any two of its statements: at each turn of the loop a little later.
                await asyncio.sleep(0.003 * dies_at)
                killed.cancel()
                dead += (await asyncio.gather(killed, return_exceptions=True))[0] is not None
            if await leaderboard.told(brand, BoardPeriodClosed):
                break
        async with AsyncExitStack() as stack:
            await (await replica(servers, stack)).run_until(due)
    finally:
        stop.set()
    taken = await loading
    (told,) = await leaderboard.told(brand, BoardPeriodClosed)
    assert dead > 1
    granted = Counter(grant.key for grant in await leaderboard.told(brand, RewardGranted))
    places = await leaderboard.fetch("SELECT member FROM board_standings WHERE brand = $1", brand)
    assert granted == Counter(f"board:sprint:{told.period}:{row['member']}" for row in places)
    scored = await leaderboard.fetch("SELECT sum(score) FROM board_standings WHERE brand = $1", brand)
    assert scored[0][0] == sum(100 - n for n in range(40)) + taken
    assert await leaderboard.violations(brand) == []


async def test_a_replica_hears_of_what_another_wrote_and_waits_for_a_position(sport: Sport, closer: Closer) -> None:
    await sport.service.apply(sport.brand, with_boards(board()))
    answer = await sport.submit(("ann", 5))
    assert answer.position > 0
    ranks = closer._ranks
    await ranks.at_least(answer.position)
    index = ranks.index(sport.brand, "sprint", 0)
    assert index is not None
    assert index.rank("ann") == 1
    ids = await sport.service.publish(sport.brand, credit("ann", 3))
    await sport.service.settled(sport.brand, *ids)
    await ranks.catch_up()
    earners = ranks.index(sport.brand, "earners", 0)
    assert earners is not None
    assert earners.rank("ann") == 1


@pytest.mark.parametrize(
    ("field", "bad", "detail"),
    [
        ("", board(submissions=False), "needs what moves it"),
        (".operator", board(operator=99), "which there is not"),
        (".sub_score", board(sub_score="1"), "belongs to a board with an activity feed"),
        (".bounds.maximum", board(bounds=boards_pb.ScoreBounds(minimum=5, maximum=4)), "not within 5"),
        (".rate_limit.window_seconds", board(rate_limit=boards_pb.ScoreRateLimit(count=1)), "is 0"),
        (".schedule", board(schedule=boards_pb.BoardSchedule()), "`cron` or `fixed`"),
        (
            ".schedule.cron.expression",
            board(schedule=boards_pb.BoardSchedule(cron=boards_pb.CronPeriods(expression="0 0 31 2 *"))),
            "names no day",
        ),
        (
            ".schedule.cron.zone",
            board(schedule=boards_pb.BoardSchedule(cron=boards_pb.CronPeriods(expression="0 0 * * *", zone="Mars"))),
            "is no time zone",
        ),
        (".prizes", board(prizes=[cup(1)]), "no schedule"),
        (".mission.score", board(mission=boards_pb.MissionFeed()), "moves nothing"),
    ],
)
async def test_a_bad_board_is_told_by_its_path(sport: Sport, field: str, bad: pb.Board, detail: str) -> None:
    found = await sport.service.problems(sport.brand, with_boards(bad))
    assert detail in found[f"leaderboard.boards[2]{field}"]


async def test_a_board_s_scores_stay_as_they_were_reckoned(sport: Sport) -> None:
    best = boards_pb.SCORE_OPERATOR_BEST
    await sport.service.apply(sport.brand, with_boards(board(), board("runs", operator=best)))
    for changed, field in (
        (board(operator=best), "leaderboard.boards[2].operator"),
        (board("runs", operator=best, ascending=True), "leaderboard.boards[2].ascending"),
        (board("runs", operator=best, ties=boards_pb.TIE_RULE_SUB_SCORE), "leaderboard.boards[2].ties"),
    ):
        assert set(await sport.service.problems(sport.brand, with_boards(changed))) == {field}
    harmless = board(ascending=True, ties=boards_pb.TIE_RULE_LAST, ranks=boards_pb.RANK_METHOD_DENSE)
    assert await sport.service.problems(sport.brand, with_boards(harmless)) == {}


async def test_a_new_order_holds_for_the_scores_that_there_are(sport: Sport) -> None:
    await sport.service.apply(sport.brand, with_boards(board()))
    await sport.submit(("ann", 5), ("bob", 4), ("cem", 5))
    await sport.service.apply(
        sport.brand, with_boards(board(ascending=True, ranks=boards_pb.RANK_METHOD_COMPETITION)), version=2
    )
    assert await sport.top() == [(1, "bob", 4), (2, "ann", 5), (2, "cem", 5)]
    assert await sport.service.violations(sport.brand) == []
