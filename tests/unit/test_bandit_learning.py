"""Models learn what they are told: the posterior's approximation, stable, repeatable, and worth having."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from services.recommender.bandit import Arms, Model, learn, prior
from services.recommender.memory import PRIOR
from services.recommender.profile import FEATURES


def sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


def batch_laplace(inputs: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mode and precision of the posterior of all outcomes at once, from a standard normal prior."""

    def loss(w: np.ndarray) -> float:
        z = inputs @ w
        return float(w @ w / 2 + (np.logaddexp(0, z) - values * z).sum())

    mode = minimize(loss, np.zeros(inputs.shape[1]), method="BFGS", options={"gtol": 1e-10}).x
    rates = sigmoid(inputs @ mode)
    return mode, np.eye(inputs.shape[1]) + (inputs.T * (rates * (1 - rates))) @ inputs


def taught(inputs: np.ndarray, values: np.ndarray) -> Model:
    model = prior(inputs.shape[1])
    for x, value in zip(inputs, values, strict=True):
        model = learn(model, x, float(value))
    return model


@settings(deadline=None)
@given(st.floats(0, 1), st.lists(st.floats(-3, 3), min_size=1, max_size=6))
def test_one_outcome_gives_exactly_the_laplace_approximation(value: float, x: list[float]) -> None:
    inputs = np.array([x])
    model = taught(inputs, np.array([value]))
    rate = sigmoid(inputs @ model.mean)[0]
    # At the mode the gradient of the log posterior is nothing.
    assert np.abs((value - rate) * inputs[0] - model.mean).max() < 1e-12
    assert np.allclose(model.precision, np.eye(len(x)) + rate * (1 - rate) * np.outer(x, x), atol=1e-12)


def test_many_outcomes_give_about_the_batch_fit() -> None:
    """Within a third of a posterior deviation of every weight, and of a tenth of its width."""
    draws = np.random.default_rng(2)
    weights = np.array([-0.8, 1.2, -0.5, 0.7])
    inputs = np.column_stack([np.ones(2_000), draws.normal(size=(2_000, 3)) * 0.7])
    values = (draws.random(2_000) < sigmoid(inputs @ weights)).astype(float)
    online, (mode, precision) = taught(inputs, values), batch_laplace(inputs, values)
    deviations = np.sqrt(np.diag(np.linalg.inv(precision)))
    assert (np.abs(online.mean - mode) < deviations / 3).all()
    assert np.allclose(np.sqrt(np.diag(online.covariance)), deviations, rtol=0.1)


def test_learning_again_gives_the_same_bits() -> None:
    draws = np.random.default_rng(9)
    inputs, values = draws.normal(size=(500, 13)), draws.random(500)
    once, again = taught(inputs, values), taught(inputs, values)
    assert once.mean.tobytes() == again.mean.tobytes()
    assert once.precision.tobytes() == again.precision.tobytes()


def test_learning_leaves_the_model_before_as_it_was() -> None:
    model = prior(3)
    learn(model, np.ones(3), 1.0)
    assert not model.mean.any()
    assert (model.precision == np.eye(3)).all()
    assert (model.updates, PRIOR.updates) == (0, 0)


@pytest.mark.parametrize("scale", [0.01, 1.0, 30.0])
@pytest.mark.parametrize("values", ["all 1", "all 0", "mixed"])
def test_ten_thousand_outcomes_keep_the_model_sound(scale: float, values: str) -> None:
    draws = np.random.default_rng(4)
    model = prior(len(FEATURES))
    for number in range(10_000):
        x = np.concatenate([[1.0], draws.normal(size=len(FEATURES) - 1) * scale])
        value = {"all 1": 1.0, "all 0": 0.0, "mixed": float(number % 2)}[values]
        model = learn(model, x, value)
    assert model.updates == 10_000
    assert np.isfinite(model.mean).all()
    assert (model.precision == model.precision.T).all()
    eigenvalues = np.linalg.eigvalsh(model.precision)
    assert eigenvalues.min() >= 1 - 1e-6
    assert np.allclose(model.covariance @ model.precision, np.eye(len(FEATURES)), atol=1e-6)


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(-50, 50), st.floats(0, 1)), min_size=1, max_size=60))
def test_certainty_only_grows(lessons: list[tuple[float, float]]) -> None:
    model = prior(2)
    for feature, value in lessons:
        following = learn(model, np.array([1.0, feature]), value)
        growth = following.precision - model.precision
        assert np.linalg.eigvalsh(growth).min() >= -1e-9 * max(1.0, np.abs(growth).max())
        assert following.updates == model.updates + 1
        model = following


def play(learns: bool, seed: int, rounds: int = 2_500) -> float:
    """The mean outcome among four rewards where two kinds of members want different ones."""
    rates = np.array([[0.30, 0.05, 0.15, 0.10], [0.05, 0.35, 0.15, 0.10]])
    draws = np.random.default_rng(seed)
    models = [prior(2) for _ in range(4)]
    total = 0.0
    for _ in range(rounds):
        kind = int(draws.integers(2))
        x = np.array([1.0, kind])
        (choice,) = Arms("abcd", models).choose(x, 0.05 if learns else 1.0, 1, draws)
        value = float(draws.random() < rates[kind, choice.arm])
        models[choice.arm] = learn(models[choice.arm], x, value)
        total += value
    return total / rounds


@pytest.mark.parametrize("seed", range(3))
def test_learning_beats_even_choices_clearly(seed: int) -> None:
    """Even choices earn .156 on average, the best possible ones .325; a learner must keep over four fifths of that."""
    assert play(learns=False, seed=seed) < 0.18
    assert play(learns=True, seed=seed) > 0.26


def test_a_model_that_is_not_positive_definite_is_an_error() -> None:
    broken = Model(np.zeros(2), np.array([[1.0, 2.0], [2.0, 1.0]]))
    with pytest.raises(ArithmeticError):
        learn(broken, np.ones(2), 1.0)
    with pytest.raises(ArithmeticError):
        _ = broken.covariance
