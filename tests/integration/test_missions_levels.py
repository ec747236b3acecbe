"""Levels on the real servers: climbed by experience, once each, and kept."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from chassis.errors import NotFound
from cli.embedded import Servers
from laurels.missions.v1 import levels_pb2 as pb
from laurels.missions.v1.levels_events_pb2 import LevelReached
from laurels.missions.v1.programme_levels_pb2 import Level
from laurels.missions.v1.programme_pb2 import Badge
from laurels.points.v1.earning_events_pb2 import PointsRefunded, TakenBack
from laurels.points.v1.events_pb2 import PointsCredited
from laurels.programme.v1.programme_pb2 import Programme
from laurels.value.v1.events_pb2 import GRANT_REASON_LEVEL, Grant, RewardGranted
from tests.integration.missions_support import NOON, fetch, programme, purchase
from tests.integration.social_support import Missions, missions_on, points_grant, with_experience


@pytest.fixture(scope="module")
async def missions(
    servers: Servers, settings_of: Callable[..., Any], token: Callable[..., str]
) -> AsyncIterator[Missions]:
    async with missions_on(servers, settings_of, token) as opened:
        yield opened


def climbing(*thresholds: int) -> Programme:
    """A programme with a level at each threshold; the second gives points and a badge."""
    applied = with_experience(programme())
    applied.missions.badges.append(Badge(id="climber", name="Climber"))
    levels = [Level(id=f"l{place}", name=f"Level {place}", threshold=at) for place, at in enumerate(thresholds, 1)]
    if len(levels) > 1:
        levels[1].rewards.extend([points_grant(50), Grant(badge="climber")])
    applied.missions.levels.currency = "xp"
    applied.missions.levels.levels.extend(levels)
    return applied


def earning(member: str, number: int, amount: int, balance: int) -> Any:
    """A purchase that earned experience."""
    recorded = purchase(member, number)
    recorded.earned.add(currency="xp", amount=amount, balance=balance)
    recorded.earned.add(currency="points", amount=1, balance=1_000_000)
    return recorded


async def level(missions: Missions, brand: str, member: str = "ann", **credential: Any) -> pb.GetLevelResponse:
    return await missions.call("GetLevel", pb.GetLevelRequest(member=member), brand, **credential)


async def test_experience_climbs_levels_and_each_is_told_and_rewarded_once(missions: Missions, brand: str) -> None:
    applied = climbing(10, 100, 1_000)
    await missions.started(brand, applied)
    before = await level(missions, brand)
    assert (before.level, before.place, before.experience, before.next_level, before.next_threshold) == (
        "", 0, 0, "l1", 10
    )  # fmt: skip
    await missions.heard(brand, earning("ann", 0, 60, 60), times=2)
    first = await level(missions, brand, subject="ann", scope="member")
    assert (first.level, first.name, first.place, first.experience, first.next_level) == ("l1", "Level 1", 1, 60, "l2")
    credited = PointsCredited(
        member="ann", currency="xp", amount=2_000, balance=2_060, reference="m", occurred_at=NOON, programme_version=1
    )
    await missions.heard(brand, credited, times=2)
    top = await level(missions, brand)
    assert (top.level, top.place, top.experience, top.next_level) == ("l3", 3, 2_060, "")
    assert top.HasField("reached_at")
    told = [(event.level, event.place, event.experience) for event in await missions.told(brand, LevelReached)]
    assert told == [("l1", 1, 60), ("l2", 2, 2_060), ("l3", 3, 2_060)]
    (granted,) = await missions.told(brand, RewardGranted)
    assert (granted.key, granted.reason, len(granted.grants)) == ("level:l2:ann", GRANT_REASON_LEVEL, 1)
    assert await fetch(missions.servers, "SELECT FROM badges WHERE brand = $1 AND badge = 'climber' AND stands", brand)
    assert await missions.violations(brand) == []


async def test_a_level_is_kept_when_experience_is_taken_back(missions: Missions, brand: str) -> None:
    await missions.started(brand, climbing(10, 100))
    await missions.heard(brand, earning("ann", 0, 60, 60))
    taken = PointsRefunded(
        member="ann",
        purchase="ann-0",
        refund="refund",
        refunded=1,
        total=1,
        taken=[TakenBack(currency="xp", due=60, available=60, balance=0)],
        occurred_at=NOON,
        programme_version=1,
    )
    await missions.heard(brand, taken, earning("ann", 1, 20, 20))
    found = await level(missions, brand)
    assert (found.level, found.experience) == ("l1", 20)
    assert [event.level for event in await missions.told(brand, LevelReached)] == ["l1"]
    assert await missions.violations(brand) == []


async def test_another_version_of_the_ladder_rewards_no_level_twice(missions: Missions, brand: str) -> None:
    await missions.started(brand, climbing(10, 100))
    await missions.heard(brand, earning("ann", 0, 150, 150))
    await missions.started(brand, climbing(20, 50, 120), version=2)
    later = earning("ann", 1, 10, 160)
    later.programme_version = 2
    await missions.heard(brand, later)
    assert [event.level for event in await missions.told(brand, LevelReached)] == ["l1", "l2", "l3"]
    assert len(await missions.told(brand, RewardGranted)) == 1
    assert await missions.violations(brand) == []


async def test_levels_are_the_member_s_own_and_need_a_ladder(missions: Missions, brand: str) -> None:
    await missions.started(brand, programme())
    with pytest.raises(NotFound) as refused:
        await level(missions, brand)
    assert refused.value.reason == "no_levels"
    with pytest.raises(NotFound) as refused:
        await level(missions, brand, subject="bob", scope="member")
    assert refused.value.reason == "unknown_member"


async def test_bad_ladders_are_reported_with_their_paths(missions: Missions, brand: str) -> None:
    applied = climbing(10, 10)
    applied.missions.levels.currency = "points"
    applied.missions.levels.levels.add(id="l1", threshold=11, rewards=[Grant()])
    where = "missions.levels"
    assert (await missions.problems(brand, applied)).keys() == {
        f"{where}.currency",
        f"{where}.levels[1].threshold",
        f"{where}.levels[2].id",
        f"{where}.levels[2].rewards[0]",
    }
    empty = with_experience(programme())
    empty.missions.levels.currency = "xp"
    assert (await missions.problems(brand, empty)).keys() == {f"{where}.levels"}


async def test_verification_finds_damage_to_levels(missions: Missions, brand: str) -> None:
    await missions.started(brand, climbing(10))
    await missions.heard(brand, earning("ann", 0, 60, 60))
    assert await missions.violations(brand) == []
    for damage in (
        "UPDATE experiences SET peak = 5, experience = 5 WHERE brand = $1 RETURNING 1",
        "DELETE FROM outbox WHERE brand = $1 AND type LIKE '%LevelReached' RETURNING 1",
    ):
        before = await missions.violations(brand)
        assert await fetch(missions.servers, damage, brand)
        assert len(await missions.violations(brand)) > len(before), damage
