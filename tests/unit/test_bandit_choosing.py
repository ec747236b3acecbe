"""Choices are drawn with the probabilities that are written down for them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr

from services.recommender.bandit import Arms, Model, Why, best_probabilities, learn, prior, propensities

beliefs = st.lists(st.tuples(st.floats(-8, 8), st.floats(0.001, 20)), min_size=1, max_size=40)


def split(found: list[tuple[float, float]]) -> tuple[np.ndarray, np.ndarray]:
    means, deviations = np.array(found).T
    return means, deviations


def on_a_fine_grid(means: np.ndarray, deviations: np.ndarray) -> np.ndarray:
    """The same integral the slow way: midpoints, ever finer towards the lower end where the narrow arms are."""
    low, high = (means - 9 * deviations).max(), (means + 9 * deviations).max()
    edges = low + np.concatenate([[0.0], np.geomspace(deviations.min() * 1e-4, high - low, 60_000)])
    z, widths = (edges[1:] + edges[:-1]) / 2, np.diff(edges)
    t = (z - means[:, None]) / deviations[:, None]
    density, below = np.exp(-t * t / 2) / (deviations[:, None] * np.sqrt(2 * np.pi)), ndtr(t)
    others = np.array([np.delete(below, arm, axis=0).prod(axis=0) for arm in range(len(means))])
    return (density * others * widths).sum(axis=1)


def arms_of(*lessons: tuple[int, int]) -> Arms:
    """Arms of two features that have seen so many successes and failures each."""
    x = np.array([1.0, 0.5])
    models = []
    for successes, failures in lessons:
        model = prior(2)
        for value in [1.0] * successes + [0.0] * failures:
            model = learn(model, x, value)
        models.append(model)
    return Arms([f"arm-{number}" for number in range(len(models))], models)


@given(beliefs)
def test_probabilities_of_being_best_sum_to_one(found: list[tuple[float, float]]) -> None:
    probabilities = best_probabilities(*split(found))
    assert abs(probabilities.sum() - 1) < 1e-12
    assert (probabilities >= 0).all()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.floats(-3, 3), st.floats(0.01, 5)), min_size=2, max_size=8))
def test_probabilities_of_being_best_are_good_to_a_millionth(found: list[tuple[float, float]]) -> None:
    means, deviations = split(found)
    assert np.abs(best_probabilities(means, deviations) - on_a_fine_grid(means, deviations)).max() < 1e-6


def test_two_arms_agree_with_their_closed_form() -> None:
    """Two arms have a closed form: arms of all widths, a hundred times."""
    draws = np.random.default_rng(7)
    for _ in range(100):
        means, deviations = draws.normal(size=2), np.exp(draws.uniform(-6, 2, size=2))
        exact = ndtr((means[0] - means[1]) / np.hypot(*deviations))
        assert abs(best_probabilities(means, deviations)[0] - exact) < 1e-7


@given(st.integers(2, 100))
def test_equal_arms_are_equally_likely(count: int) -> None:
    found = best_probabilities(np.zeros(count), np.full(count, 0.7))
    assert np.allclose(found, 1 / count, atol=1e-12)


@given(beliefs, st.floats(0, 1))
def test_no_propensity_is_below_its_share_of_the_floor(found: list[tuple[float, float]], exploration: float) -> None:
    shares = propensities(*split(found), exploration)
    assert abs(shares.sum() - 1) < 1e-9
    assert (shares >= exploration / len(found) * (1 - 1e-12)).all()
    assert ((shares > 0) & (shares <= 1)).all()


@pytest.mark.parametrize("exploration", [0.0, 0.05, 0.5, 1.0])
def test_propensities_match_sampled_frequencies(exploration: float) -> None:
    arms = arms_of((3, 1), (10, 30), (0, 0), (2, 4))
    x, draws, rounds = np.array([1.0, -0.3]), np.random.default_rng(11), 4_000
    expected = propensities(*arms.beliefs(x), exploration)
    counts = np.zeros(4)
    for _ in range(rounds):
        (choice,) = arms.choose(x, exploration, 1, draws)
        assert choice.propensity == pytest.approx(expected[choice.arm], rel=1e-12)
        counts[choice.arm] += 1
    # Five standard deviations of a binomial share.
    bounds = 5 * np.sqrt(expected * (1 - expected) / rounds) + 1e-9
    assert (np.abs(counts / rounds - expected) <= bounds).all()


def test_counts_weighted_by_one_over_propensity_are_even_within_two_percent() -> None:
    """Two percent are two deviations of the least likely arm's count."""
    arms = arms_of((3, 3), (2, 3), (3, 2))
    x, draws, rounds = np.array([1.0, 0.2]), np.random.default_rng(5), 30_000
    weighted = np.zeros(3)
    for _ in range(rounds):
        (choice,) = arms.choose(x, 0.3, 1, draws)
        weighted[choice.arm] += 1 / choice.propensity
    assert np.abs(weighted / rounds - 1).max() < 0.02


def test_later_choices_carry_the_propensity_given_those_before() -> None:
    arms = arms_of((6, 2), (5, 5), (1, 2), (0, 0))
    x, draws, rounds, exploration = np.array([1.0, 0.2]), np.random.default_rng(3), 6_000, 0.05
    means, deviations = arms.beliefs(x)
    seconds: dict[int, np.ndarray] = {first: np.zeros(4) for first in range(4)}
    for _ in range(rounds):
        first, second = arms.choose(x, exploration, 2, draws)
        left = [arm for arm in range(4) if arm != first.arm]
        shares = propensities(means[left], deviations[left], exploration)
        assert second.propensity == pytest.approx(shares[left.index(second.arm)], rel=1e-12)
        seconds[first.arm][second.arm] += 1
    for first, counts in seconds.items():
        left = [arm for arm in range(4) if arm != first]
        shares, seen = propensities(means[left], deviations[left], exploration), counts.sum()
        assert seen > 300
        assert (np.abs(counts[left] / seen - shares) <= 5 * np.sqrt(shares * (1 - shares) / seen)).all()


@given(st.integers(1, 12), st.integers(1, 10), st.integers(0, 2**32))
def test_choices_are_different_and_as_many_as_there_are(arms: int, count: int, seed: int) -> None:
    slot = arms_of(*[(number % 3, 1) for number in range(arms)])
    choices = slot.choose(np.array([1.0, 0.0]), 0.05, count, np.random.default_rng(seed))
    assert len(choices) == min(arms, count)
    assert len({choice.arm for choice in choices}) == len(choices)
    assert all(0 < choice.propensity <= 1 for choice in choices)
    if count >= arms:
        assert (choices[-1].propensity, choices[-1].why) == (1.0, Why.ONLY)


def test_the_same_random_source_gives_the_same_choices() -> None:
    arms, x = arms_of((3, 1), (1, 3), (0, 0)), np.array([1.0, 1.0])
    once, again = (arms.choose(x, 0.2, 3, np.random.default_rng(42)) for _ in range(2))
    assert once == again


def test_the_reason_tells_what_made_the_choice() -> None:
    """Even draws, untried arms, the best one, and one that won by its draw: each is told as what it was."""
    arms, x, draws = arms_of((8, 2), (6, 4), (0, 0)), np.array([1.0, 0.5]), np.random.default_rng(1)
    best = int(np.argmax(arms.beliefs(x)[0]))
    seen = set()
    for _ in range(3_000):
        (choice,) = arms.choose(x, 0.3, 1, draws)
        seen.add(choice.why)
        if choice.why is Why.UNTRIED:
            assert choice.arm == 2
        elif choice.why is Why.BEST:
            assert choice.arm == best
        elif choice.why is Why.PROMISING:
            assert choice.arm not in (2, best)
    assert seen == {Why.EVEN, Why.UNTRIED, Why.BEST, Why.PROMISING}
    assert {choice.why for _ in range(300) for choice in arms.choose(x, 1.0, 1, draws)} == {Why.EVEN}
    assert Why.EVEN not in {choice.why for _ in range(300) for choice in arms.choose(x, 0.0, 1, draws)}


def test_an_arm_that_cannot_win_still_has_a_propensity_above_zero() -> None:
    shares = propensities(np.array([0.0, -1e6]), np.array([1e-3, 1e-3]), 0.0)
    assert 0 < shares[1] < 1e-9


def test_a_belief_that_is_sure_has_a_deviation_above_zero() -> None:
    sure = Model(np.array([1.0]), np.array([[1e30]]), 1, 1)
    _, deviations = Arms(["a", "b"], [sure, prior(1)]).beliefs(np.array([1.0]))
    assert (deviations > 0).all()
    assert np.isfinite(best_probabilities(np.zeros(2), deviations)).all()
