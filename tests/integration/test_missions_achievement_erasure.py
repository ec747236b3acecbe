"""An erased member leaves badges, quizzes, levels, teams and challenges, and the totals stay what all achieved."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import asyncpg
import pytest

from cli.embedded import Servers
from laurels.erasure.v1.events_pb2 import ErasureSettled, MemberErased
from laurels.missions.v1 import badges_pb2, quizzes_pb2, together_pb2
from laurels.points.v1.events_pb2 import MemberEnrolled
from laurels.points.v1.members_events_pb2 import ConsentChanged
from laurels.points.v1.members_pb2 import CONSENT_PURPOSE_LEADERBOARDS
from services.missions.export import SECTIONS
from tests.contract.test_erasure import NAMED
from tests.integration.missions_support import NOON, eventually, fetch
from tests.integration.social_support import Missions, missions_on
from tests.integration.test_missions_achievement_crashes import bought, everything
from tests.integration.test_missions_quizzes import survey
from tests.integration.test_missions_together import refund

CANARY = "words of a canary"
OURS = (
    "badge_awards", "experiences", "levels_reached", "quiz_records", "quiz_attempts", "quiz_answers", "contributions",
    "refunded_activities", "challenge_rewards", "team_members", "teams", "badges",
)  # fmt: skip

EXPORTED = (
    "badges", "badge_awards", "experience", "levels", "quiz_attempts", "quiz_answers", "contributions", "refunds",
    "challenge_rewards", "teams", "teams_made",
)  # fmt: skip


@pytest.fixture(scope="module")
async def missions(
    servers: Servers, settings_of: Callable[..., Any], token: Callable[..., str]
) -> AsyncIterator[Missions]:
    async with missions_on(servers, settings_of, token) as opened:
        yield opened


async def naming(missions: Missions, brand: str, member: str) -> dict[str, int]:
    """How many rows of each table name a member."""
    found = {}
    for column in NAMED["missions"]:
        table, name = column.split(".")
        query = f'SELECT count(*) FROM {table} WHERE brand = $1 AND "{name}" = $2'  # noqa: S608
        found[table] = (await fetch(missions.servers, query, brand, member))[0][0]
    return found


async def test_nothing_names_an_erased_member_and_totals_stay(missions: Missions, brand: str) -> None:
    applied = everything()
    applied.missions.quizzes.append(survey())
    await missions.started(brand, applied)
    await missions.heard(brand, *(MemberEnrolled(member=name, enrolled_at=NOON) for name in ("ann", "bob")))
    consent = ConsentChanged(member="ann", purpose=CONSENT_PURPOSE_LEADERBOARDS, granted=True, changed_at=NOON)
    await missions.heard(brand, consent)
    for member in ("ann", "bob"):
        award = badges_pb2.AwardBadgeRequest(member=member, badge="gold", idempotency_key="1")
        await missions.call("AwardBadge", award, brand)
        start = quizzes_pb2.StartQuizRequest(member=member, quiz="taste", idempotency_key="1")
        attempt = (await missions.call("StartQuiz", start, brand)).attempt.attempt
        for question, choices, text in (("colour", ["red"], ""), ("why", [], CANARY if member == "ann" else "")):
            answer = quizzes_pb2.AnswerQuestionRequest(
                member=member, attempt=attempt, question=question, choices=choices, text=text
            )
            await missions.call("AnswerQuestion", answer, brand)
    team = together_pb2.CreateTeamRequest(member="ann", challenge="open", name=CANARY, idempotency_key="1")
    code = (await missions.call("CreateTeam", team, brand)).team.code
    await missions.call("JoinTeam", together_pb2.JoinTeamRequest(member="bob", code=code), brand)
    await missions.heard(brand, bought("ann", 0, 20), bought("bob", 0, 6), bought("ann", 1, 26))
    await missions.heard(brand, refund("ann", 1, 2, 6))

    async def rewarded() -> bool:
        return (await naming(missions, brand, "ann"))["challenge_rewards"] > 0

    await eventually(rewarded)
    before = await naming(missions, brand, "ann")
    assert all(before[table] for table in OURS), f"something of everything: {before}"
    exported = {name: await fetch(missions.servers, query, brand, "ann") for name, query in SECTIONS.items()}
    assert all(exported[name] for name in EXPORTED), "and the export has it"
    assert CANARY in str([dict(row) for row in exported["quiz_answers"]])

    await missions.heard(brand, MemberErased(member="ann", erasure="e", alias="!x", erased_at=NOON))
    assert not any((await naming(missions, brand, "ann")).values())
    for name, query in SECTIONS.items():
        assert not await fetch(missions.servers, query, brand, "ann"), name
    assert await missions.violations(brand) == []
    total = await missions.call("GetChallenge", together_pb2.GetChallengeRequest(challenge="open"), brand)
    assert total.challenge.total == 6 + 6 + 4
    (of_team,) = (await missions.call("ListTeams", together_pb2.ListTeamsRequest(challenge="open"), brand)).teams
    assert (of_team.size, of_team.score, of_team.name) == (2, 16, of_team.team)
    report = await missions.call("GetSurveyReport", quizzes_pb2.GetSurveyReportRequest(quiz="taste"), brand)
    assert (report.finished, report.questions[0].choices[0].answers, report.questions[1].answers) == (1, 1, 0)
    await missions.heard(brand, ErasureSettled(erasure="e"))

    async def scrubbed() -> bool:
        query = "SELECT count(*) FROM outbox WHERE brand = $1 AND (member = 'ann' OR position($2 in payload) > 0)"
        return bool((await fetch(missions.servers, query, brand, CANARY.encode()))[0][0] == 0)

    await eventually(scrubbed)
    assert await missions.violations(brand) == []
    connection = await asyncpg.connect(missions.servers.postgres.admin_url("laurels_missions"))
    try:
        for (table,) in await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):
            held = await connection.fetchval(f"SELECT count(*) FROM {table} AS t WHERE t::text LIKE $1", f"%{CANARY}%")  # noqa: S608
            assert held == 0, table
    finally:
        await connection.close()
