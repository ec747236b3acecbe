"""Profiles are the same in any order of arrival, and their features are bounded and explained."""

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laurels.recommender.v1 import policies_pb2 as pb
from laurels.recommender.v1.recommender_pb2 import Profile
from services.recommender.choosing import Why, reason
from services.recommender.features import Context
from services.recommender.profile import FEATURES, TIERS, Change, features
from services.recommender.slots import Choice

NOW = datetime(2026, 3, 1, tzinfo=UTC)
events = st.lists(
    st.tuples(
        st.datetimes(timezones=st.just(UTC)), st.integers(-(2**53), 2**53), st.sampled_from(["", "bronze", "gold"])
    ),
    max_size=20,
)


def added_up(numbered: list[tuple[int, tuple[datetime, int, str]]]) -> Change:
    change = Change()
    for number, (moment, amount, tier) in numbered:
        change.see_activity(moment, amount)
        change.see_tier(tier, number)
    return change


@given(events, st.randoms(use_true_random=False))
def test_a_profile_is_the_same_in_any_order(found: list[tuple[datetime, int, str]], draws: object) -> None:
    numbered = list(enumerate(found, start=1))
    shuffled = numbered.copy()
    draws.shuffle(shuffled)  # type: ignore[attr-defined]
    assert added_up(numbered) == added_up(shuffled)


def test_the_tier_is_the_newest_events_also_when_its_activity_is_the_oldest() -> None:
    change = Change()
    change.see_activity(NOW, 1)
    change.see_tier("bronze", 10)
    change.see_activity(NOW - timedelta(days=30), 1)
    change.see_tier("gold", 11)
    assert change.tier == "gold"


def test_a_member_never_seen_has_the_constant_alone() -> None:
    assert features(None, {"bronze": 0}, NOW) == (1.0, *[0.0] * (len(FEATURES) - 1))


def test_recency_is_measured_at_the_decision() -> None:
    profile = Profile(activities=3, amount=300, first_at=NOW, last_at=NOW)
    at_once, later = (features(profile, {}, NOW + timedelta(days=days)) for days in (0, 364))
    place = FEATURES.index("recency")
    assert (at_once[place], later[place]) == (0.0, pytest.approx(math.log(365) / 6))


def test_an_activity_ahead_of_the_clock_is_as_recent_as_now() -> None:
    profile = Profile(activities=1, first_at=NOW + timedelta(minutes=4), last_at=NOW + timedelta(minutes=4))
    assert features(profile, {}, NOW)[FEATURES.index("recency")] == 0.0


@given(st.integers(1, 10**9), st.integers(-(2**53), 2**53), st.integers(0, 40_000), st.integers(0, 40))
def test_features_stay_near_one(activities: int, amount: int, days: int, tier: int) -> None:
    profile = Profile(activities=activities, amount=amount, last_at=NOW, first_at=NOW, tier=f"t{tier}")
    found = features(profile, {f"t{place}": place for place in range(32)}, NOW + timedelta(days=days))
    assert len(found) == len(FEATURES)
    assert all(abs(value) < 5 for value in found)
    assert sum(found[-TIERS:]) == (1.0 if tier < 32 else 0.0)


def test_tiers_are_told_apart_up_to_the_eighth() -> None:
    tiers = {f"t{place}": place for place in range(10)}
    found = [features(Profile(tier=tier), tiers, NOW)[-TIERS:].index(1.0) for tier in tiers]
    assert found == [0, 1, 2, 3, 4, 5, 6, 7, 7, 7]


@pytest.mark.parametrize("why", Why)
@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("kind", [pb.POLICY_KIND_ORDER, pb.POLICY_KIND_PERSONAL])
@pytest.mark.parametrize("is_known", [True, False])
def test_every_reason_is_a_sentence(why: Why, place: int, kind: int, is_known: bool) -> None:
    sentence = reason(why, place, Choice("tea", "reward", "tea"), Context(known=is_known), kind)
    assert sentence[0].isupper()
    assert sentence.endswith(".")
    assert "{" not in sentence
    assert ("members like you" in sentence) <= (is_known and kind == pb.POLICY_KIND_PERSONAL)
