"""Challenges and teams on the real servers: totals by facts, milestones once, rewards once."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chassis.errors import FailedPrecondition, InvalidArgument, NotFound
from cli.embedded import Servers
from laurels.missions.v1 import programme_together_pb2 as stated
from laurels.missions.v1 import together_pb2 as pb
from laurels.missions.v1.programme_pb2 import Badge
from laurels.missions.v1.together_events_pb2 import (
    ChallengeClosed,
    ChallengeRewarded,
    CommunityProgressed,
    TeamChanged,
)
from laurels.points.v1.earning_events_pb2 import PointsRefunded
from laurels.points.v1.members_events_pb2 import SharedAttributesChanged
from laurels.programme.v1.programme_pb2 import Programme
from laurels.value.v1.events_pb2 import Grant, RewardGranted
from tests.integration.missions_support import NOON, eventually, fetch, programme, purchase
from tests.integration.social_support import AGO, AHEAD, Missions, contributions, missions_on, points_grant


@pytest.fixture(scope="module")
async def missions(
    servers: Servers, settings_of: Callable[..., Any], token: Callable[..., str]
) -> AsyncIterator[Missions]:
    async with missions_on(servers, settings_of, token) as opened:
        yield opened


def community(*milestones: stated.Milestone, **counts: Any) -> Programme:
    """A programme with a challenge of the community, whose goal is 1,000."""
    applied = programme()
    applied.missions.challenges.add(
        id="together",
        name="Together",
        target=1_000,
        milestones=milestones,
        contributions=contributions(**counts),
    )
    return applied


def milestone(name: str, total: int, least: int = 0, reward: int = 10) -> stated.Milestone:
    return stated.Milestone(
        id=name, name=name.title(), total=total, contribution_min=least, rewards=[points_grant(reward)]
    )


def of_teams(*prizes: stated.TeamPrize, counts: dict[str, Any] | None = None, **more: Any) -> Programme:
    """A programme with a challenge of teams."""
    applied = programme()
    applied.missions.team_challenges.add(
        id="cup", name="Cup", prizes=prizes, contributions=contributions(**(counts or {})), **more
    )
    return applied


def refund(member: str, number: int, refunded: int, total: int) -> PointsRefunded:
    return PointsRefunded(
        member=member,
        purchase=f"{member}-{number}",
        refund=f"refund-{member}-{number}-{refunded}",
        refunded=refunded,
        total=total,
        occurred_at=NOON,
        programme_version=1,
    )


async def challenge(missions: Missions, brand: str, member: str = "", name: str = "together") -> pb.Challenge:
    request = pb.GetChallengeRequest(challenge=name, member=member or None)
    return (await missions.call("GetChallenge", request, brand)).challenge


async def closed(missions: Missions, brand: str) -> None:
    async def told() -> bool:
        paid = "SELECT count(*) FROM payouts WHERE brand = $1 AND NOT done"
        if not await missions.told(brand, ChallengeClosed):
            return False
        return bool((await fetch(missions.servers, paid, brand))[0][0] == 0)

    await eventually(told)


async def over(missions: Missions, brand: str, applied: Programme, version: int = 2) -> None:
    """Ends all challenges a moment ago, by another version, and waits until their results are final."""
    for of_kind in (applied.missions.challenges, applied.missions.team_challenges):
        for each in of_kind:
            each.contributions.ends_at.FromDatetime(datetime.now(UTC) - timedelta(seconds=1))
    await missions.started(brand, applied, version)
    await closed(missions, brand)


async def rewarded(missions: Missions, brand: str) -> list[tuple[str, str]]:
    """Who was granted points, and by which key; each once or as often as it was told."""
    granted = await missions.told(brand, RewardGranted)
    return sorted((event.member, event.key.split(":")[3]) for event in granted)


async def make_team(missions: Missions, brand: str, member: str, name: str = "Reds", key: str = "1") -> pb.Team:
    request = pb.CreateTeamRequest(member=member, challenge="cup", name=name, idempotency_key=key)
    return (await missions.call("CreateTeam", request, brand)).team


async def join(missions: Missions, brand: str, member: str, code: str) -> pb.Team:
    return (await missions.call("JoinTeam", pb.JoinTeamRequest(member=member, code=code), brand)).team


async def standing(missions: Missions, brand: str) -> list[tuple[str, int, int, int]]:
    """Name, size, score and rank of the teams, best first."""
    answer = await missions.call("ListTeams", pb.ListTeamsRequest(challenge="cup"), brand)
    return [(team.name, team.size, team.score, team.rank) for team in answer.teams]


# -- the community -------------------------------------------------------------


async def test_activities_of_all_add_up_and_each_sees_their_own(missions: Missions, brand: str) -> None:
    await missions.started(brand, community(condition="attributes.amount >= 10"))
    await missions.heard(
        brand,
        purchase("ann", 0, amount=100),
        purchase("bob", 1, amount=50),
        purchase("bob", 2, amount=25),
        purchase("bob", 3, amount=9),
        purchase("cem", 60 * 13, amount=10),
        purchase("dan", -60 * 13, amount=10),
        times=2,
    )
    found = await challenge(missions, brand, "bob")
    assert (found.total, found.target, found.contributed, found.final) == (185, 1_000, 75, False)
    assert (await challenge(missions, brand, "eve")).contributed == 0
    assert not (await challenge(missions, brand)).HasField("contributed")
    listed = await missions.call("ListChallenges", pb.ListChallengesRequest(member="ann"), brand)
    assert [(each.challenge, each.contributed) for each in listed.challenges] == [("together", 100)]
    assert await missions.violations(brand) == []


async def test_refunds_take_their_share_out_again_whatever_comes_first(missions: Missions, brand: str) -> None:
    await missions.started(brand, community())
    await missions.heard(brand, refund("bob", 0, 90, 90))
    await missions.heard(brand, purchase("ann", 0, amount=100), purchase("bob", 0, amount=90))
    assert (await challenge(missions, brand)).total == 100
    await missions.heard(brand, refund("ann", 0, 30, 100), times=2)
    assert (await challenge(missions, brand, "ann")).contributed == 70
    await missions.heard(brand, refund("ann", 0, 100, 100), refund("ann", 0, 30, 100))
    assert (await challenge(missions, brand)).total == 0
    assert await missions.violations(brand) == []


async def test_any_order_and_duplication_comes_to_the_same_total(missions: Missions, brand: str) -> None:
    await missions.started(brand, community())
    history: list[Any] = [purchase(f"m{n % 5}", n, amount=n + 1) for n in range(40)]
    history += [refund(f"m{n % 5}", n, n % 3 + 1, n + 1) for n in range(2, 40, 4)]
    history += [refund(f"m{n % 5}", n, n + 1, n + 1) for n in range(3, 40, 8)]
    random.Random(7).shuffle(history)
    await missions.heard(brand, *history, times=2)
    left = {n: n + 1 for n in range(40)}
    for n in range(2, 40, 4):
        left[n] -= left[n] * (n % 3 + 1) // (n + 1)
    for n in range(3, 40, 8):
        left[n] = 0
    assert (await challenge(missions, brand)).total == sum(left.values())
    for member in range(5):
        own = sum(value for n, value in left.items() if n % 5 == member)
        assert (await challenge(missions, brand, f"m{member}")).contributed == own
    assert await missions.violations(brand) == []


async def test_a_milestone_is_reached_once_and_rewards_those_who_contributed_enough(
    missions: Missions, brand: str
) -> None:
    applied = community(milestone("half", 500, least=100), milestone("whole", 1_000))
    await missions.started(brand, applied)
    await missions.heard(brand, purchase("ann", 0, amount=440), purchase("bob", 0, amount=59))
    await asyncio.gather(*(missions.heard(brand, purchase(f"m{n}", 0, amount=20)) for n in range(10)))

    async def paid() -> bool:
        return await rewarded(missions, brand) == [("ann", "half")]

    await eventually(paid)
    (reached,) = [event for event in await missions.told(brand, CommunityProgressed) if event.reached]
    assert list(reached.reached) == ["half"]
    assert reached.total >= 500, "never early"
    found = await challenge(missions, brand)
    assert [each.HasField("reached_at") for each in found.milestones] == [True, False]
    # What is taken out again does not take the milestone back, and who does enough later is rewarded at the end.
    await missions.heard(brand, refund("ann", 0, 440, 440), purchase("bob", 1, amount=41))
    await over(missions, brand, applied)
    assert await rewarded(missions, brand) == [("ann", "half"), ("bob", "half")]
    told = await missions.told(brand, ChallengeRewarded)
    assert sorted((event.member, event.reward, event.contributed) for event in told) == [
        ("ann", "milestone:half", 440),
        ("bob", "milestone:half", 100),
    ]
    assert (await challenge(missions, brand)).final
    assert await missions.violations(brand) == []


async def test_rewards_go_to_hundreds_of_contributors_once_each(missions: Missions, brand: str) -> None:
    await missions.started(brand, community(milestone("all", 450)))
    members = [f"m{n:03d}" for n in range(450)]
    await missions.heard(brand, *(purchase(member, 0, amount=1) for member in members))

    async def paid() -> bool:
        return len(await rewarded(missions, brand)) >= len(members)

    await eventually(paid)
    assert [member for member, _ in await rewarded(missions, brand)] == members
    assert await missions.violations(brand) == []


async def test_a_milestone_gives_badges_too(missions: Missions, brand: str) -> None:
    applied = community()
    applied.missions.badges.append(Badge(id="helper", name="Helper"))
    applied.missions.challenges[0].milestones.add(id="first", total=1, rewards=[Grant(badge="helper")])
    await missions.started(brand, applied)
    await missions.heard(brand, purchase("ann", 0, amount=5))

    async def holds() -> bool:
        query = "SELECT FROM badges WHERE brand = $1 AND member = 'ann' AND badge = 'helper' AND stands"
        return bool(await fetch(missions.servers, query, brand))

    await eventually(holds)
    assert await missions.violations(brand) == []


async def test_what_comes_after_the_result_is_final_changes_nothing(missions: Missions, brand: str) -> None:
    applied = community()
    await missions.started(brand, applied)
    await missions.heard(brand, purchase("ann", 0, amount=5))
    await over(missions, brand, applied)
    await missions.heard(brand, purchase("bob", 0, amount=50), refund("ann", 0, 5, 5))
    assert (await challenge(missions, brand)).total == 5
    (told,) = await missions.told(brand, ChallengeClosed)
    assert told.total == 5
    assert await missions.violations(brand) == []


async def test_the_total_is_told_now_and_then(missions: Missions, brand: str) -> None:
    await missions.started(brand, community())
    for number in range(20):
        await missions.heard(brand, purchase("ann", number, amount=1))

    async def told() -> list[int]:
        totals = [event.total for event in await missions.told(brand, CommunityProgressed)]
        return totals if totals and totals[-1] == 20 else []

    totals = await eventually(told)
    assert totals == sorted(set(totals))
    assert len(totals) < 10


# -- teams ---------------------------------------------------------------------


async def test_members_form_teams_and_leave_them(missions: Missions, brand: str) -> None:
    await missions.started(brand, of_teams(size_max=2))
    reds = await make_team(missions, brand, "ann")
    assert reds == await make_team(missions, brand, "ann"), "the same key makes one team"
    assert (reds.size, len(reds.code)) == (1, 8)
    assert (await join(missions, brand, "bob", reds.code)).size == 2
    assert (await join(missions, brand, "bob", reds.code)).size == 2
    with pytest.raises(FailedPrecondition) as refused:
        await join(missions, brand, "cem", reds.code)
    assert refused.value.reason == "team_full"
    with pytest.raises(FailedPrecondition) as refused:
        await make_team(missions, brand, "bob", "Blues")
    assert refused.value.reason == "already_in_team"
    with pytest.raises(NotFound):
        await join(missions, brand, "cem", "NOBODYS1")
    listed = await missions.call("ListMemberTeams", pb.ListMemberTeamsRequest(member="bob"), brand)
    assert [(team.team, team.code) for team in listed.teams] == [(reds.team, reds.code)]
    teams = await missions.call("ListTeams", pb.ListTeamsRequest(challenge="cup"), brand)
    assert [(team.name, team.code) for team in teams.teams] == [("Reds", "")], "codes are for those who are in it"
    leave = pb.LeaveTeamRequest(member="bob", team=reds.team)
    for _ in range(2):
        await missions.call("LeaveTeam", leave, brand)
    with pytest.raises(FailedPrecondition):
        await join(missions, brand, "bob", reds.code)
    with pytest.raises(NotFound):
        await missions.call("LeaveTeam", pb.LeaveTeamRequest(member="eve", team=reds.team), brand)
    assert len(await missions.told(brand, TeamChanged)) == 3
    assert await missions.violations(brand) == []


async def test_before_the_beginning_members_may_change_teams(missions: Missions, brand: str) -> None:
    begins = datetime.now(UTC) + timedelta(days=1)
    await missions.started(brand, of_teams(counts={"begins_at": begins}))
    reds, blues = await make_team(missions, brand, "ann"), await make_team(missions, brand, "bob", "Blues")
    await missions.call("LeaveTeam", pb.LeaveTeamRequest(member="ann", team=reds.team), brand)
    assert (await join(missions, brand, "ann", blues.code)).size == 2
    assert await standing(missions, brand) == [("Blues", 2, 0, 1)]
    assert await missions.violations(brand) == []


async def test_places_in_a_team_are_given_to_no_more_than_fit(missions: Missions, brand: str) -> None:
    await missions.started(brand, of_teams(size_max=5))
    code = (await make_team(missions, brand, "ann")).code
    asked = [join(missions, brand, f"m{n}", code) for n in range(25)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(answer, pb.Team) for answer in answers) == 4
    assert {answer.reason for answer in answers if isinstance(answer, FailedPrecondition)} == {"team_full"}
    assert await standing(missions, brand) == [("Reds", 5, 0, 1)]
    assert await missions.violations(brand) == []


async def test_the_best_teams_win_once_at_the_end(missions: Missions, brand: str) -> None:
    prizes = [
        stated.TeamPrize(from_rank=1, to_rank=1, rewards=[points_grant(100)]),
        stated.TeamPrize(from_rank=2, to_rank=3, contribution_min=5, rewards=[points_grant(10)]),
    ]
    applied = of_teams(*prizes, score=stated.TEAM_SCORE_MEAN, size_min=2)
    await missions.started(brand, applied)
    teams = {}
    for name, members in (("Reds", ["ann", "bob"]), ("Blues", ["cem", "dan", "eve"]), ("Lone", ["fay"])):
        teams[name] = await make_team(missions, brand, members[0], name)
        for member in members[1:]:
            await join(missions, brand, member, teams[name].code)
    amounts = {"ann": 10, "bob": 11, "cem": 20, "dan": 12, "eve": 4, "fay": 100, "gus": 1_000}
    await missions.heard(brand, *(purchase(member, 5, amount=amount) for member, amount in amounts.items()))
    await missions.call("LeaveTeam", pb.LeaveTeamRequest(member="dan", team=teams["Blues"].team), brand)
    # 36 by three is more than 21 by two, also without who left, who stays counted.
    assert await standing(missions, brand) == [("Blues", 3, 12, 1), ("Reds", 2, 10, 2)]
    await over(missions, brand, applied)
    assert await rewarded(missions, brand) == [
        ("ann", teams["Reds"].team),
        ("bob", teams["Reds"].team),
        ("cem", teams["Blues"].team),
        ("eve", teams["Blues"].team),
    ]
    assert await standing(missions, brand) == [("Blues", 3, 12, 1), ("Reds", 2, 10, 2)]
    with pytest.raises(FailedPrecondition) as refused:
        await make_team(missions, brand, "gus", "Late", key="late")
    assert refused.value.reason == "challenge_over"
    assert await missions.violations(brand) == []


async def test_an_attribute_makes_teams(missions: Missions, brand: str) -> None:
    await missions.started(brand, of_teams(formation=stated.TEAM_FORMATION_ATTRIBUTE, attribute="shop"))
    for member, shop in (("ann", "north"), ("bob", "north"), ("cem", "Köln Süd")):
        told = SharedAttributesChanged(member=member, changed_at=NOON)
        told.attributes.update({"shop": shop})
        await missions.heard(brand, told)
    await missions.heard(
        brand,
        *(purchase(member, 0, amount=amount) for member, amount in {"ann": 5, "bob": 6, "cem": 20, "dan": 9}.items()),
    )
    assert await standing(missions, brand) == [("Köln Süd", 1, 20, 1), ("north", 2, 11, 2)]
    moved = SharedAttributesChanged(member="ann", changed_at=NOON)
    moved.attributes.update({"shop": "south"})
    await missions.heard(brand, moved, purchase("ann", 1, amount=4))
    assert await standing(missions, brand) == [("Köln Süd", 1, 20, 1), ("north", 2, 15, 2)], "one team for good"
    with pytest.raises(FailedPrecondition) as refused:
        await make_team(missions, brand, "eve")
    assert refused.value.reason == "teams_by_attribute"
    assert await missions.violations(brand) == []


async def test_teams_come_in_pages(missions: Missions, brand: str) -> None:
    await missions.started(brand, of_teams())
    for number in range(5):
        await make_team(missions, brand, f"m{number}", f"Team {number}")
    await missions.heard(brand, *(purchase(f"m{n}", 0, amount=n + 1) for n in range(5)))
    names, token = [], ""
    while True:
        request = pb.ListTeamsRequest(challenge="cup", page_size=2, page_token=token)
        answer = await missions.call("ListTeams", request, brand)
        names += [team.name for team in answer.teams]
        token = answer.next_page_token
        if not token:
            break
    assert names == [f"Team {n}" for n in (4, 3, 2, 1, 0)]
    with pytest.raises(InvalidArgument):
        await missions.call("ListTeams", pb.ListTeamsRequest(challenge="cup", page_token="x"), brand)


async def test_members_and_brands_are_apart(missions: Missions, brand: str) -> None:
    applied = of_teams()
    await missions.started(brand, applied)
    await missions.started(f"{brand}-other", applied)
    reds = await make_team(missions, brand, "ann")
    with pytest.raises(NotFound):
        await join(missions, f"{brand}-other", "bob", reds.code)
    as_bob = {"subject": "bob", "scope": "member"}
    for method, request in (
        ("ListMemberTeams", pb.ListMemberTeamsRequest(member="ann")),
        ("ListChallenges", pb.ListChallengesRequest(member="ann")),
        ("GetChallenge", pb.GetChallengeRequest(challenge="cup", member="ann")),
        ("LeaveTeam", pb.LeaveTeamRequest(member="ann", team=reds.team)),
    ):
        with pytest.raises(NotFound) as refused:
            await missions.call(method, request, brand, **as_bob)
        assert refused.value.reason == "unknown_member"
    assert (await missions.call("GetChallenge", pb.GetChallengeRequest(challenge="cup"), brand, **as_bob)).challenge


async def test_bad_challenges_are_reported_with_their_paths(missions: Missions, brand: str) -> None:
    applied = community(milestone("one", 0), milestone("one", 5), of="attributes.nothing", lateness_days=91)
    applied.missions.challenges[0].milestones[1].rewards.add(reward="nothing")
    prizes = [stated.TeamPrize(from_rank=2, to_rank=1), stated.TeamPrize(from_rank=1, to_rank=3)]
    cup = of_teams(*prizes, counts={"ends_at": AGO, "activity_type": "nap"}, attribute="shop", size_min=20)
    applied.missions.team_challenges.extend(cup.missions.team_challenges)
    applied.missions.team_challenges.add(id="together", formation=stated.TEAM_FORMATION_ATTRIBUTE, size_max=3)
    where = "missions.team_challenges"
    assert (await missions.problems(brand, applied)).keys() == {
        "missions.challenges[0].contributions.of",
        "missions.challenges[0].contributions.lateness_days",
        "missions.challenges[0].milestones[0].total",
        "missions.challenges[0].milestones[1].id",
        "missions.challenges[0].milestones[1].rewards[1].reward",
        f"{where}[0].contributions.ends_at",
        f"{where}[0].contributions.activity_type",
        f"{where}[0].attribute",
        f"{where}[0].size_min",
        f"{where}[0].prizes[0].to_rank",
        f"{where}[1].id",
        f"{where}[1].contributions.begins_at",
        f"{where}[1].contributions.ends_at",
        f"{where}[1].contributions.activity_type",
        f"{where}[1].attribute",
        f"{where}[1].size_max",
    }


async def test_verification_finds_damage_to_challenges(missions: Missions, brand: str) -> None:
    applied = of_teams(stated.TeamPrize(from_rank=1, to_rank=1, rewards=[points_grant(100)]))
    applied.missions.challenges.extend(community(milestone("one", 1, least=5)).missions.challenges)
    applied.missions.challenges[0].contributions.ends_at.FromDatetime(AHEAD)
    await missions.started(brand, applied)
    await make_team(missions, brand, "ann")
    await missions.heard(brand, purchase("ann", 0, amount=5))

    async def paid() -> bool:
        return bool(await rewarded(missions, brand))

    await eventually(paid)
    assert await missions.violations(brand) == []
    for damage in (
        "UPDATE contributions SET counted = 1 WHERE brand = $1 AND challenge = 'together' RETURNING 1",
        "UPDATE tallies SET value = value + 1 WHERE brand = $1 AND tally = 'total:cup' RETURNING 1",
        "UPDATE tallies SET value = value + 1 WHERE brand = $1 AND tally LIKE 'team:cup:%' RETURNING 1",
        "UPDATE teams SET size = 5 WHERE brand = $1 RETURNING 1",
        "UPDATE challenge_rewards SET contributed = 1 WHERE brand = $1 RETURNING 1",
        "DELETE FROM outbox WHERE brand = $1 AND type LIKE '%ChallengeRewarded' RETURNING 1",
        "UPDATE challenge_rewards SET reward = 'milestone:lost' WHERE brand = $1 RETURNING 1",
    ):
        before = await missions.violations(brand)
        assert await fetch(missions.servers, damage, brand)
        assert set(await missions.violations(brand)) - set(before), damage
