"""Joining, claiming, limits, streaks and explanations, over gRPC on the real servers."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest

from chassis.errors import from_rpc
from cli.embedded import Servers
from laurels.activity.v1.events_pb2 import ActivityRecorded
from laurels.missions.v1 import missions_pb2 as missions_pb
from laurels.missions.v1 import participation_pb2 as pb
from laurels.missions.v1 import participation_pb2_grpc, programme_pb2
from laurels.missions.v1 import programme_goals_pb2 as goals
from laurels.value.v1.events_pb2 import Grant, RewardGranted
from tests.conftest import running
from tests.integration.missions_support import Points, fetch, mission, open_points, purchase
from tests.integration.test_missions_service import Missions


class Participation(Missions):
    """The service as members and back ends see it."""

    def __init__(self, servers: Servers, channel: grpc.aio.Channel, points: Points, token: Callable[..., str]) -> None:
        super().__init__(servers, channel, points, token)
        self._participation = participation_pb2_grpc.ParticipationServiceStub(channel)

    async def ask(self, method: str, request: Any, brand: str, **credential: Any) -> Any:
        metadata = (("authorization", f"Bearer {self._token(brand, **credential)}"),)
        return await getattr(self._participation, method)(request, metadata=metadata, timeout=20)

    async def refused(self, method: str, request: Any, brand: str, **credential: Any) -> str:
        with pytest.raises(grpc.aio.AioRpcError) as refusal:
            await self.ask(method, request, brand, **credential)
        return from_rpc(refusal.value).reason

    async def buy(self, brand: str, *purchases: ActivityRecorded) -> None:
        await self.settled(brand, await self.points.publish(brand, *purchases))

    async def shown(self, brand: str, member: str, name: str) -> missions_pb.MissionProgress:
        found = await self.call("ListMissions", missions_pb.ListMissionsRequest(member=member), brand)
        shown: missions_pb.MissionProgress = next(each for each in found.missions if each.mission == name)
        return shown

    async def granted(self, brand: str) -> list[str]:
        rows = await fetch(
            self.servers,
            "SELECT payload FROM outbox WHERE brand = $1 AND type LIKE '%RewardGranted' ORDER BY id",
            brand,
        )
        return [RewardGranted.FromString(row["payload"]).key for row in rows]


@pytest.fixture(scope="module")
async def missions(
    servers: Servers, settings_of: Callable[..., Any], token: Callable[..., str]
) -> AsyncIterator[Participation]:
    opened = open_points(servers)
    points = await anext(opened)
    async with running("missions", settings_of("missions")) as channel:
        yield Participation(servers, channel, points, token)
        await opened.aclose()  # type: ignore[attr-defined]


def claimed(name: str, target: int = 1, **limits: int) -> programme_pb2.Mission:
    found = mission(name, target, reward=5)
    found.claiming.SetInParent()
    if limits:
        found.limits.CopyFrom(goals.MissionLimits(budget_currency="points", **limits))
    return found


def now_purchase(member: str, number: int, **attributes: Any) -> ActivityRecorded:
    """A purchase so many seconds from now."""
    found = purchase(member, number, **attributes)
    found.activity.occurred_at.FromDatetime(datetime.now(UTC) + timedelta(seconds=number))
    return found


async def test_a_claim_of_fifty_callers_at_once_pays_once(missions: Participation, brand: str) -> None:
    await missions.started(brand, claimed("first"))
    await missions.buy(brand, purchase("ann"))
    shown = await missions.shown(brand, "ann", "first")
    assert [each.run for each in shown.claimable] == [""]
    assert await missions.granted(brand) == []
    request = pb.ClaimMissionRequest(member="ann", mission="first")
    answers = await asyncio.gather(*(missions.ask("ClaimMission", request, brand) for _ in range(50)))
    assert {(each.claimed_at.ToDatetime(), str(each.rewards)) for each in answers} == {
        (answers[0].claimed_at.ToDatetime(), str(answers[0].rewards))
    }
    assert await missions.granted(brand) == ["mission:first:ann"]
    assert not (await missions.shown(brand, "ann", "first")).claimable
    assert await missions.violations(brand) == []


async def test_limits_hold_for_many_claims_at_once(missions: Participation, brand: str) -> None:
    await missions.started(brand, claimed("few", times=7), claimed("budget", budget=26), mission("none", 9))
    await missions.buy(brand, *(purchase(f"m{number}") for number in range(20)))

    async def claim(name: str, number: int) -> str:
        try:
            await missions.ask("ClaimMission", pb.ClaimMissionRequest(member=f"m{number}", mission=name), brand)
        except grpc.aio.AioRpcError as refusal:
            return from_rpc(refusal).reason
        return "paid"

    for name, paid in (("few", 7), ("budget", 5)):
        answers = await asyncio.gather(*(claim(name, number) for number in range(20)))
        assert sorted(answers) == ["limit_reached"] * (20 - paid) + ["paid"] * paid
    assert len(await missions.granted(brand)) == 12
    assert await missions.violations(brand) == []


async def test_bounded_rewards_that_are_given_by_themselves_stop_at_the_limit(
    missions: Participation, brand: str
) -> None:
    bounded = mission("quick", 1, reward=5)
    bounded.limits.times = 3
    await missions.started(brand, bounded)
    await missions.buy(brand, *(purchase(f"m{number}", number) for number in range(5)))
    for _ in range(400):
        states = await fetch(missions.servers, "SELECT state FROM completions WHERE brand = $1", brand)
        if "due" not in {row[0] for row in states}:
            break
        await asyncio.sleep(0.02)
    assert sorted(row[0] for row in states) == ["exhausted"] * 2 + ["paid"] * 3
    assert await missions.granted(brand) == [f"mission:quick:m{number}" for number in range(3)]
    assert await missions.violations(brand) == []


async def test_opting_in_counts_from_then_on_and_until_the_deadline(missions: Participation, brand: str) -> None:
    joined = mission("sprint", 2)
    joined.start.by, joined.start.deadline_hours = goals.START_BY_OPT_IN, 1
    await missions.started(brand, joined)
    await missions.buy(brand, now_purchase("ann", -5))
    assert (await missions.shown(brand, "ann", "sprint")).state == missions_pb.MISSION_STATE_JOINABLE
    request = pb.JoinMissionRequest(member="ann", mission="sprint")
    answer = await missions.ask("JoinMission", request, brand, subject="ann", scope="member")
    assert (answer.progress.state, answer.progress.progress) == (missions_pb.MISSION_STATE_OPEN, 0)
    assert await missions.ask("JoinMission", request, brand) == answer
    await missions.buy(brand, now_purchase("ann", 60), now_purchase("ann", 3_700))
    shown = await missions.shown(brand, "ann", "sprint")
    assert (shown.progress, shown.target) == (1, 2)
    assert shown.ends_at.ToDatetime(tzinfo=UTC) > datetime.now(UTC)
    # One that arrives late, and happened before the end, counts.
    await missions.buy(brand, now_purchase("ann", 600))
    assert (await missions.shown(brand, "ann", "sprint")).state == missions_pb.MISSION_STATE_FINISHED


async def test_what_may_not_be_asked_is_refused_with_its_reason(missions: Participation, brand: str) -> None:
    opted = mission("opted", 1)
    opted.start.by, opted.eligible = goals.START_BY_OPT_IN, 'member.tier == "gold"'
    over = mission("over", 1)
    over.start.by = goals.START_BY_OPT_IN
    over.window.ends_at.FromDatetime(datetime(2026, 1, 1, tzinfo=UTC))
    await missions.started(brand, opted, over, mission("plain", 1), claimed("claimed", 2))
    join, claim = pb.JoinMissionRequest, pb.ClaimMissionRequest
    assert await missions.refused("JoinMission", join(member="ann", mission="nothing"), brand) == "unknown_mission"
    assert await missions.refused("JoinMission", join(member="ann", mission="plain"), brand) == "not_joinable"
    assert await missions.refused("JoinMission", join(member="ann", mission="opted"), brand) == "not_eligible"
    assert await missions.refused("JoinMission", join(member="ann", mission="over"), brand) == "mission_over"
    assert await missions.refused("ClaimMission", claim(member="ann", mission="claimed"), brand) == "nothing_to_claim"
    assert await missions.refused("ClaimMission", claim(member="ann", mission="nothing"), brand) == "unknown_mission"
    assign, repair = pb.AssignMissionRequest, pb.RepairStreakRequest
    assert await missions.refused("AssignMission", assign(member="ann", mission="plain"), brand) == "not_assignable"
    assert await missions.refused("RepairStreak", repair(member="ann", mission="plain"), brand) == "nothing_to_repair"
    for method, request in (
        ("JoinMission", join),
        ("ClaimMission", claim),
        ("ExplainMission", pb.ExplainMissionRequest),
    ):
        refused = await missions.refused(
            method, request(member="ann", mission="plain"), brand, subject="bob", scope="member"
        )
        assert refused == "unknown_member"


async def test_missions_begin_by_another_one_and_by_assignment(missions: Participation, brand: str) -> None:
    second = mission("second", 1, badge="done")
    second.start.by = goals.START_BY_MISSION
    second.start.after.append("first")
    assigned, given = mission("assigned", 1), mission("given", 1)
    assigned.start.by = given.start.by = goals.START_BY_ASSIGNMENT
    first = mission("first", 2)
    first.rewards.append(Grant(mission="given"))
    await missions.started(brand, first, second, assigned, given)
    await missions.buy(brand, now_purchase("ann", -9), now_purchase("ann", -8))
    progress = await missions.progress(brand, "ann")
    assert (progress["first"][2], progress["second"][2], progress["given"][2]) == (True, False, False)
    await missions.ask("AssignMission", pb.AssignMissionRequest(member="ann", mission="assigned"), brand)
    await missions.buy(brand, now_purchase("ann", 5))
    assert {name: found[2] for name, found in (await missions.progress(brand, "ann")).items()} == dict.fromkeys(
        ("first", "second", "assigned", "given"), True
    )
    assert await missions.violations(brand) == []


async def test_a_streak_is_repaired_by_the_back_end(missions: Participation, brand: str) -> None:
    streak = programme_pb2.Mission(id="row", name="Row", activity_type="purchase")
    streak.goals.add().streak.CopyFrom(goals.GoalStreak(target=30, repair_days=2))
    await missions.started(brand, streak)
    days = (6, 5, 4, 1, 0)
    await missions.buy(brand, *(now_purchase("ann", -86_400 * day - 1) for day in days))
    (goal,) = (await missions.shown(brand, "ann", "row")).goals
    assert (goal.current_streak, goal.longest_streak) == (2, 3)
    request = pb.RepairStreakRequest(member="ann", mission="row")
    (goal,) = (await missions.ask("RepairStreak", request, brand)).progress.goals
    assert (goal.current_streak, goal.longest_streak) == (5, 5)
    assert await missions.refused("RepairStreak", request, brand) == "nothing_to_repair"


async def test_an_explanation_says_clause_by_clause_what_was_seen(missions: Participation, brand: str) -> None:
    large = mission("large", 2, condition="attributes.amount >= 100")
    large.eligible = 'member.tier == "gold"'
    large.badges_needed.append("keen")
    await missions.started(brand, large, mission("any", 5, badge="keen"))
    await missions.buy(brand, purchase("ann", 1, amount=40, tier="silver"))
    asked = pb.ExplainMissionRequest(member="ann", mission="large", activity="ann-1")
    answer = await missions.ask("ExplainMission", asked, brand, subject="ann", scope="member")
    clauses = {each.clause: each for each in answer.clauses}
    assert not answer.holds
    assert {name: each.holds for name, each in clauses.items()} == {
        "activity_type": True,
        "condition": False,
        "eligible": False,
        "badges_needed": False,
        "start": True,
    }
    assert list(clauses["condition"].seen) == ["attributes.amount = 40"]
    assert clauses["condition"].says == "attributes.amount >= 100"
    assert list(clauses["eligible"].seen) == ['member.tier = "silver"']
    now = await missions.ask("ExplainMission", pb.ExplainMissionRequest(member="ann", mission="any"), brand)
    assert now.holds
    assert (now.progress.progress, now.progress.target) == (1, 5)
    asked.activity = "bob-1"
    assert await missions.refused("ExplainMission", asked, brand) == "unknown_activity"
