"""The example's data becomes the same activities every time, and its programmes are well-formed."""

from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

from cli import cdnow, programme_file
from gateway.json_codec import decode
from laurels.programme.v1.programme_pb2 import Programme
from services.points.programme import compile_programme
from services.programme import Problems


@pytest.fixture(scope="module")
def activities() -> list[dict[str, Any]]:
    return list(cdnow.activities())


def programme(name: str) -> Programme:
    descriptor: Any = Programme.DESCRIPTOR
    decoded: Programme = decode(descriptor, programme_file.load(cdnow.EXAMPLE / name).programme)
    return decoded


def test_every_purchase_is_there_once(activities: list[dict[str, Any]]) -> None:
    assert len(activities) == len({activity["id"] for activity in activities}) == 69_659
    assert len({activity["member"] for activity in activities}) == 23_570
    assert sum(activity["attributes"]["items"] for activity in activities) == 167_881
    assert sum(activity["attributes"]["amount"] for activity in activities) == 250_031_563


def test_a_line_becomes_the_activity_it_states(activities: list[dict[str, Any]]) -> None:
    assert activities[0] == {
        "id": "cdnow-2",
        "member": "c00001",
        "type": "purchase",
        "occurred_at": "1997-01-01T08:00:00Z",
        "attributes": {"amount": 1177, "items": 1},
    }


def test_activities_come_in_the_order_of_time_within_shop_hours(activities: list[dict[str, Any]]) -> None:
    times = [activity["occurred_at"] for activity in activities]
    assert times == sorted(times)
    assert all("08:00:00" <= time[11:19] < "22:00:00" for time in times)
    lines = defaultdict(list)
    for activity in activities:
        lines[activity["member"]].append(int(activity["id"].removeprefix("cdnow-")))
    assert all(numbers == sorted(numbers) for numbers in lines.values())
    assert max(Counter(times).values()) == 1


def test_the_sample_names_the_same_members(activities: list[dict[str, Any]]) -> None:
    sample = list(cdnow.activities(cdnow.SAMPLE))
    assert len(sample) == 6_919
    in_master = Counter((a["member"], a["occurred_at"][:10], *a["attributes"].values()) for a in activities)
    in_sample = Counter((a["member"], a["occurred_at"][:10], *a["attributes"].values()) for a in sample)
    assert in_sample <= in_master
    assert not {a["id"] for a in sample} & {a["id"] for a in activities}


@pytest.mark.parametrize("line", ["00001 19970101 1 11.7", "00001 19970101 -1 11.77", "", "00001,19970101,1,11.77"])
def test_a_malformed_line_is_refused_with_its_number(tmp_path: Path, line: str) -> None:
    file = tmp_path / "orders.txt"
    file.write_text(f" 00001 19970101  1   11.77\n{line}\n")
    with pytest.raises(ValueError, match=r"orders\.txt:2: not a purchase"):
        list(cdnow.activities(file))


def test_cards_go_to_about_three_percent_of_the_purchases(activities: list[dict[str, Any]]) -> None:
    large = sum(activity["attributes"]["amount"] >= 12_000 for activity in activities)
    assert 0.02 < large / len(activities) < 0.04


@pytest.mark.parametrize("name", ["programme.yaml", "second-brand.yaml"])
def test_an_example_programme_holds_before_the_points_service(name: str) -> None:
    problems = Problems()
    compile_programme(programme(name), problems)
    assert problems.found == []


@pytest.mark.parametrize("name", ["programme.yaml", "second-brand.yaml"])
def test_an_example_programme_refers_to_nothing_that_is_missing(name: str) -> None:
    whole = programme(name)
    rewards = {reward.id for reward in whole.points.rewards}
    assert {badge.id for badge in whole.missions.badges} == {mission.badge for mission in whole.missions.missions}
    assert all(rewards >= set(slot.rewards) for slot in whole.recommender.slots)
    fed = {issue.mission for pool in whole.leaderboard.scratch_pools for issue in pool.issues} - {""}
    assert fed <= {mission.id for mission in whole.missions.missions}


def test_the_second_brand_shows_each_way_to_override() -> None:
    first, second = programme("programme.yaml"), programme("second-brand.yaml")
    rules = {rule.id: rule for rule in second.points.earning_rules}
    assert list(rules) == ["dollars", "welcome"]
    assert (rules["dollars"].amount, rules["dollars"].currency) == ("attributes.amount / 50", "points")
    assert rules["welcome"].condition == ""
    assert [tier.threshold for tier in second.points.tiers.levels] == [0, 300, 600, 1200, 5000]
    assert [reward.id for reward in second.points.rewards][-2:] == ["concert", "score"]
    assert {mission.id: mission.WhichOneof("goal") for mission in second.missions.missions}["two_hundred"] == "count"
    assert len(second.leaderboard.scratch_pools[0].issues) == 1
    assert second.activity_types == first.activity_types
