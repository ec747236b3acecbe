"""Choices are drawn with the probabilities that are written down for them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr

from services.recommender.bandit import best_probabilities, propensities

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
    draws, rounds = np.random.default_rng(11), 100_000
    means, deviations = np.array([0.4, 0.1, 0.0, -0.3]), np.array([0.3, 0.1, 0.9, 0.4])
    expected = propensities(means, deviations, exploration)
    best = (means + deviations * draws.standard_normal((rounds, 4))).argmax(axis=1)
    drawn = np.where(draws.random(rounds) < exploration, draws.integers(4, size=rounds), best)
    # Five standard deviations of a binomial share.
    bounds = 5 * np.sqrt(expected * (1 - expected) / rounds) + 1e-9
    assert (np.abs(np.bincount(drawn, minlength=4) / rounds - expected) <= bounds).all()


def test_an_arm_that_cannot_win_still_has_a_propensity_above_zero() -> None:
    shares = propensities(np.array([0.0, -1e6]), np.array([1e-3, 1e-3]), 0.0)
    assert 0 < shares[1] < 1e-9
