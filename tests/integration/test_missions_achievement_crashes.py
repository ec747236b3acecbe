"""Whatever badges, quizzes, levels or challenges were about when a process died, asking again ends as if it had not.

Each operation is cut off before every one of its statements, before its commit
and after it, as a killed process leaves it, and then asked again of another.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import asyncpg
import pytest

from chassis.configuration import Configurations
from chassis.database import Database
from chassis.events import Event
from chassis.write_path import WritePath
from cli.embedded import Servers
from laurels.missions.v1 import badges_pb2, quizzes_pb2, together_pb2
from laurels.missions.v1 import programme_together_pb2 as together
from laurels.missions.v1.programme_badges_pb2 import BadgeFamily
from laurels.missions.v1.programme_levels_pb2 import Level
from laurels.missions.v1.programme_pb2 import Badge
from laurels.points.v1.earning_events_pb2 import PointsRefunded
from laurels.programme.v1.events_pb2 import ProgrammeApplied
from laurels.programme.v1.programme_pb2 import Programme
from laurels.value.v1.events_pb2 import Grant
from services.missions.badge_operations import AwardAsked
from services.missions.book import Book
from services.missions.journal import settle
from services.missions.operations import OPERATIONS
from services.missions.programme import compile_document
from services.missions.quizzes import AnswerAsked, AttemptDue, StartAsked
from services.missions.store import quizzes as quiz_rows
from services.missions.store import together as rows
from services.missions.teams import CreateAsked, JoinAsked
from services.missions.together import PAGE, Look, PayOut
from services.missions.verification import violations
from tests.integration.missions_support import NOON, mission, programme, purchase
from tests.integration.mortal import Mortal, died
from tests.integration.social_support import AHEAD, contributions, points_grant, with_experience
from tests.integration.test_missions_quizzes import quiz

NOW = datetime.now(UTC)
Make = Callable[[Database, str], Awaitable[Any]]
"""Makes a request, from what was decided in a brand before."""
KEPT = (
    "SELECT member, badge, count, stands FROM badges WHERE brand = $1 ORDER BY 1, 2",
    "SELECT member, key, badge, revoked_at IS NULL FROM badge_awards WHERE brand = $1 ORDER BY 1, 2",
    "SELECT tally, sum(value)::bigint FROM tallies WHERE brand = $1 GROUP BY 1 ORDER BY 1",
    "SELECT member, experience, peak FROM experiences WHERE brand = $1 ORDER BY 1",
    "SELECT member, level FROM levels_reached WHERE brand = $1 ORDER BY 1, 2",
    "SELECT member, quiz, attempts, best_score, passed_at, open_attempt FROM quiz_records WHERE brand = $1 ORDER BY 1",
    "SELECT attempt, state, score, answered FROM quiz_attempts WHERE brand = $1 ORDER BY 1",
    "SELECT attempt, question, choices FROM quiz_answers WHERE brand = $1 ORDER BY 1, 2",
    "SELECT challenge, member, activity, counted FROM contributions WHERE brand = $1 ORDER BY 1, 2, 3",
    "SELECT challenge, milestone, total FROM milestones_reached WHERE brand = $1 ORDER BY 1, 2",
    "SELECT challenge, payout, paid_through, done FROM payouts WHERE brand = $1 ORDER BY 1, 2",
    "SELECT challenge, reward, member, contributed FROM challenge_rewards WHERE brand = $1 ORDER BY 1, 2, 3",
    "SELECT challenge, team, size FROM teams WHERE brand = $1 ORDER BY 1, 2",
    "SELECT challenge, team, rank, total FROM team_results WHERE brand = $1 ORDER BY 1, 2",
    "SELECT member, type, count(*) FROM outbox WHERE brand = $1 GROUP BY 1, 2 ORDER BY 1, 2",
)


def everything() -> Programme:
    """A programme with a badge, a quiz, a ladder, a challenge of the community and one of teams, which is over."""
    applied = with_experience(programme(mission("first", 1, badge="iron")))
    applied.missions.badges[0].MergeFrom(Badge(family="metal", grade=1, revocable=True))
    applied.missions.badges.add(id="gold", family="metal", grade=2, awarded=True)
    applied.missions.badge_families.append(BadgeFamily(id="metal"))
    applied.missions.quizzes.append(quiz(time_limit_s=600))
    applied.missions.levels.currency = "xp"
    applied.missions.levels.levels.append(Level(id="l1", threshold=10, rewards=[points_grant(5), Grant(badge="gold")]))
    reward = together.Milestone(id="half", total=5, rewards=[points_grant(10), Grant(badge="gold")])
    applied.missions.challenges.add(id="all", target=10, milestones=[reward], contributions=contributions())
    prize = together.TeamPrize(from_rank=1, to_rank=1, rewards=[points_grant(100)])
    over = {"begins_at": NOON - timedelta(days=1), "ends_at": NOON + timedelta(days=1)}
    applied.missions.team_challenges.add(id="cup", prizes=[prize], contributions=contributions(**over))
    applied.missions.team_challenges.add(id="open", contributions=contributions(ends_at=AHEAD))
    return applied


def bought(member: str, number: int, balance: int) -> Any:
    """A purchase that brings experience."""
    found = purchase(member, number, amount=6)
    found.earned.add(currency="xp", amount=balance, balance=balance)
    return found


def path_over(database: Database) -> WritePath:
    begin = partial(Book, programmes=Configurations(compile_document), operations=OPERATIONS, settle=settle)
    return WritePath("missions", database, begin, on_commit=lambda: None)


async def submit(path: WritePath, brand: str, request: Any) -> Any:
    """Hands a request in; an event as one."""
    if isinstance(request, Event):
        event = Event(request.source, request.id, brand, request.member, request.message)
        (failure,) = await path.submit_events([(event, event.message)])
        if failure is not None:
            raise failure
        return None
    return await path.submit(brand, request)


def event(number: int, member: str, message: Any) -> Event:
    return Event("points", number, "", member, message)


START = StartAsked(quizzes_pb2.StartQuizRequest(member="ann", quiz="facts", idempotency_key="1"), 1, NOW)
CREATE = CreateAsked(
    together_pb2.CreateTeamRequest(member="ann", challenge="open", name="Reds", idempotency_key="1"), "CODE1", NOW
)
CUP = CreateAsked(
    together_pb2.CreateTeamRequest(member="ann", challenge="cup", name="Reds", idempotency_key="2"), "CODE2", NOON
)
REFUND = PointsRefunded(
    member="ann", purchase="ann-0", refund="r", refunded=6, total=6, occurred_at=NOON, programme_version=1
)
AWARD = AwardAsked(badges_pb2.AwardBadgeRequest(member="bob", badge="gold", idempotency_key="1"), NOW)


async def _attempt(database: Database, brand: str) -> quiz_rows.Attempt:
    async with database.reading(brand) as connection:
        return (await quiz_rows.attempts(connection, brand, [START.attempt]))[START.attempt]


async def _answer(database: Database, brand: str) -> AnswerAsked:
    request = quizzes_pb2.AnswerQuestionRequest(
        member="ann", attempt=START.attempt, question="primes", choices=["p-1", "p-3"]
    )
    return AnswerAsked(request, await _attempt(database, brand), NOW + timedelta(seconds=1))


async def _due(database: Database, brand: str) -> AttemptDue:
    return AttemptDue(await _attempt(database, brand), NOW + timedelta(days=1))


async def _page(database: Database, brand: str) -> PayOut:
    async with database.reading(brand) as connection:
        payout = await rows.due_payout(connection, brand)
        assert payout is not None
        return PayOut(payout, await rows.recipients(connection, brand, payout, PAGE))


def always(request: Any) -> Make:
    async def made(database: Database, brand: str) -> Any:
        return request

    return made


async def _first_answer(database: Database, brand: str) -> AnswerAsked:
    request = quizzes_pb2.AnswerQuestionRequest(
        member="ann", attempt=START.attempt, question="capital", choices=["k-2"]
    )
    return AnswerAsked(request, await _attempt(database, brand), NOW)


BEFORE: list[Make] = [
    always(CUP),
    always(CREATE),
    always(event(1, "ann", bought("ann", 0, 6))),
    always(event(2, "bob", bought("bob", 0, 6))),
    always(START),
    _first_answer,
]
MILESTONE = always(Look("all", 1, closing=False))
CUT_OFF: dict[str, tuple[list[Make], Make]] = {
    "award": ([], always(AWARD)),
    "revocation": ([always(AWARD)], always(badges_pb2.RevokeBadgeRequest(member="bob", badge="gold"))),
    "activity": ([], always(event(3, "ann", bought("ann", 1, 12)))),
    "refund": ([], always(event(4, "ann", REFUND))),
    "start": ([], always(StartAsked(
        quizzes_pb2.StartQuizRequest(member="bob", quiz="facts", idempotency_key="2"), 1, NOW
    ))),
    "last answer": ([], _answer),
    "time-out": ([], _due),
    "team": ([], always(CreateAsked(
        together_pb2.CreateTeamRequest(member="bob", challenge="open", name="B", idempotency_key="3"), "CODE3", NOW
    ))),
    "joining": ([], always(JoinAsked(together_pb2.JoinTeamRequest(member="bob", code="CODE1"), NOW))),
    "milestone": ([], MILESTONE),
    "closing": ([], always(Look("cup", 1, closing=True))),
    "payout": ([MILESTONE], _page),
}  # fmt: skip


async def cut_off(servers: Servers, brand: str, request: Any, dies_at: int) -> bool:
    """Asks; whether the one who was asked died of it."""
    database = Mortal(servers.postgres.url("missions"), dies_at)
    return await died(database, submit(path_over(database), brand, request))


async def kept(connection: asyncpg.Connection, brand: str) -> list[Any]:
    return [[tuple(row) for row in await connection.fetch(query, brand)] for query in KEPT]


@pytest.mark.parametrize("operation", CUT_OFF)
async def test_an_operation_that_died_anywhere_is_done_once_when_it_is_asked_again(
    servers: Servers, brand: str, operation: str
) -> None:
    before, make = CUT_OFF[operation]
    healthy = Database(servers.postgres.url("missions"))
    path = path_over(healthy)
    admin = await asyncpg.connect(servers.postgres.admin_url("laurels_missions"))
    expected: list[Any] = []
    try:
        for dies_at in range(60):
            place = f"{brand}-{dies_at}"
            await path.submit(place, ProgrammeApplied(version=1, programme=everything()))
            for prepare in [*BEFORE, *before]:
                await submit(path, place, await prepare(healthy, place))
            request = await make(healthy, place)
            died = await cut_off(servers, place, request, dies_at)
            await submit(path, place, request)
            found = await kept(admin, place)
            if dies_at == 0:
                expected = found
            assert found == expected, f"cut off at statement {dies_at}"
            if dies_at and not died:
                break
        assert dies_at > 5, "it was cut off at each of its statements"
        async with healthy.reading(place) as connection:
            assert await violations(connection) == []
    finally:
        # What is due in these brands is no business of the sweeps of later tests.
        await admin.execute("DELETE FROM configurations WHERE starts_with(brand, $1)", f"{brand}-")
        await admin.close()
        await healthy.close()
