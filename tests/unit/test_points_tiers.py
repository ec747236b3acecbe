"""A tier is a step function of what was ever earned: it rises with it, and each step is at its threshold."""

from hypothesis import given
from hypothesis import strategies as st

from services.points.tiers import tier_for

AMOUNTS = st.integers(0, 2**53)
LADDERS = st.sets(st.integers(1, 2**53), max_size=31).map(lambda steps: [0, *sorted(steps)])


def names(ladder: list[int]) -> list[str]:
    return [f"tier-{place}" for place in range(len(ladder))]


@given(AMOUNTS, AMOUNTS, LADDERS)
def test_earning_more_never_lowers_a_tier(one: int, other: int, ladder: list[int]) -> None:
    tiers = names(ladder)
    lower, higher = (tiers.index(tier_for(amount, ladder, tiers)) for amount in sorted((one, other)))
    assert lower <= higher


@given(LADDERS, st.data())
def test_a_tier_begins_at_its_threshold_and_not_one_before(ladder: list[int], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(ladder) - 1))
    tiers = names(ladder)
    assert tier_for(ladder[place], ladder, tiers) == tiers[place]
    if place:
        assert tier_for(ladder[place] - 1, ladder, tiers) == tiers[place - 1]


@given(AMOUNTS, LADDERS)
def test_the_tier_is_the_highest_whose_threshold_is_reached(earned: int, ladder: list[int]) -> None:
    reached = [tier for tier, threshold in zip(names(ladder), ladder, strict=True) if threshold <= earned]
    assert tier_for(earned, ladder, names(ladder)) == reached[-1]


@given(AMOUNTS)
def test_without_tiers_there_is_none(earned: int) -> None:
    assert tier_for(earned, [], []) == ""
