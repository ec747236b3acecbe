"""What is inferred about members follows the published models, sums to one where it must, and knows no future."""

import math
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import hyp2f1

from services.recommender import (
    churn,
    favourites,
    hours,
    logistic,
    offpolicy,
    policy,
    purchases,
    segments,
    timing,
    value,
)

CDNOW = Path(__file__).parents[2] / "examples/cdnow/CDNOW_sample.txt"
PUBLISHED = value.ParetoNbd(0.5532770, 10.5776835, 0.6062400, 11.6687352)


def sample() -> churn.Purchases:
    rows = sorted({(int(a), b) for _, a, b, _, _ in (line.split() for line in CDNOW.read_text().splitlines())})
    member = np.unique([row[0] for row in rows], return_inverse=True)[1].astype(np.int64)
    day = np.array([date(int(b[:4]), int(b[4:6]), int(b[6:])).toordinal() for _, b in rows])
    return churn.Purchases(member, day, np.ones(len(rows)))


def until_september() -> value.Histories:
    known = churn.histories(sample(), date(1997, 10, 1).toordinal()).purchases
    return value.Histories(known.repeats, known.last, np.maximum(known.age - 1 / 7, known.last))


def one(repeats: float, last: float, age: float) -> value.Histories:
    return value.Histories(np.array([repeats]), np.array([last]), np.array([age]))


def test_pareto_nbd_gives_the_parameters_published_for_cdnow() -> None:
    """Fader and Hardie: r .553, alpha 10.58, s .606, beta 11.67, log-likelihood -9595.0."""
    found = value.fit(until_september())
    assert [found.r, found.alpha, found.s, found.beta] == pytest.approx([0.553, 10.58, 0.606, 11.67], abs=0.005)
    assert found.log_likelihood(until_september()) == pytest.approx(-9595.0, abs=0.1)


def test_expected_purchases_are_as_good_as_published() -> None:
    own = until_september()
    bought = sample()
    later = bought.day >= date(1997, 10, 1).toordinal()
    count = np.bincount(bought.member[later], minlength=len(own))
    error = float(np.sqrt(np.mean((PUBLISHED.outlook(own, 39.0).purchases - count) ** 2)))
    assert error <= 1.603, "root mean square error of purchases in the 39 weeks held out"


LIFETIMES = (
    # repeats, last, age; there, purchases in 39 weeks, log-likelihood
    ((0.0, 0.0, 38.86), (0.295095806, 0.107058858, -0.521202396)),
    ((1.0, 3.0, 30.0), (0.284967131, 0.342935834, -4.555243963)),
    ((2.0, 20.0, 27.0), (0.854530933, 1.801967744, -8.674864269)),
    ((5.0, 30.5, 38.0), (0.852129599, 3.149724620, -17.407780312)),
    ((10.0, 12.0, 36.0), (0.005984745, 0.043568768, -21.376938130)),
    ((26.0, 38.0, 38.86), (0.986844319, 17.182395936, -43.819830581)),
    ((40.0, 38.9, 39.0), (0.998752742, 26.494286560, -49.690003908)),
)
"""What lifetimes 0.11.3 says of histories under the published parameters. `make bench-recommender` fits with it."""


@pytest.mark.parametrize(("history", "said"), LIFETIMES)
def test_pareto_nbd_says_what_lifetimes_says(
    history: tuple[float, float, float], said: tuple[float, float, float]
) -> None:
    outlook = PUBLISHED.outlook(one(*history), 39.0)
    found = [outlook.alive[0], outlook.purchases[0], PUBLISHED.log_likelihood(one(*history))]
    assert found == pytest.approx(said, abs=1e-8)


def test_two_forecasts_are_better_than_the_model_alone_and_add_up_to_as_many_purchases() -> None:
    bought, now = sample(), date(1997, 7, 1).toordinal()
    expecting, known = purchases.fit(bought, now, 91), churn.histories(bought, now)
    alone = value.fit(known.purchases).outlook(known.purchases, 13.0).purchases
    found = expecting.expected(known)
    later = bought.member[(bought.day >= now) & (bought.day < now + 91)]
    count = np.bincount(later, minlength=int(bought.member.max()) + 1)[known.member]
    assert found.sum() == pytest.approx(alone.sum(), rel=1e-9)
    assert np.mean((found - count) ** 2) < 0.99 * np.mean((alone - count) ** 2)


def test_expected_purchases_do_not_look_beyond_the_stated_day() -> None:
    bought, now = sample(), date(1997, 7, 1).toordinal()
    known = churn.histories(bought, now)
    assert np.array_equal(
        purchases.fit(bought, now, 91).expected(known), purchases.fit(bought.before(now), now, 91).expected(known)
    )


@settings(deadline=None)
@given(st.integers(0, 60), st.floats(0.01, 0.99), st.floats(1, 200))
def test_the_probability_of_being_there_is_the_closed_form(repeats: int, share: float, age: float) -> None:
    """Equation (11) of Schmittlein, Morrison and Colombo for alpha below beta, by the hypergeometric function."""
    last = age * share if repeats else 0.0
    r, alpha, s, beta = 0.5532770, 10.5776835, 0.6062400, 11.6687352
    total, k = r + s + repeats, r + repeats

    def term(at: float) -> float:
        return float(hyp2f1(total, k, total + 1, (beta - alpha) / (beta + at))) * ((beta + age) / (beta + at)) ** total

    ratio = ((alpha + age) / (beta + age)) ** k * (term(last) - term(age))
    found = PUBLISHED.outlook(one(repeats, last, age), 10.0)
    assert found.alive[0] == pytest.approx(1 / (1 + s / total * ratio), rel=1e-6)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 20), st.floats(0.05, 0.95), st.floats(2, 100), st.floats(0.5, 100))
def test_silence_and_purchases_belong_together(repeats: int, share: float, age: float, horizon: float) -> None:
    """The slope of expected purchases at the start is the rate; somebody silent is at least gone."""
    own = one(repeats, age * share if repeats else 0.0, age)
    found = PUBLISHED.outlook(own, horizon)
    assert 0 <= 1 - found.alive[0] <= found.silent[0] + 1e-12
    assert found.silent[0] <= 1
    assert 1 - found.silent[0] <= found.purchases[0] + 1e-9, "Markov's inequality"
    near = PUBLISHED.outlook(own, 1e-5)
    assert near.purchases[0] == pytest.approx(1 - near.silent[0], rel=1e-3)


def test_silence_is_the_integral_over_the_moment_of_leaving() -> None:
    model, horizon = PUBLISHED, 39.0
    a, b, k = model.alpha + 30.0, model.beta + 30.0, model.r + 3
    left = quad(lambda u: (a / (a + u)) ** k * model.s * b**model.s / (b + u) ** (model.s + 1), 0, horizon)[0]
    stayed = (a / (a + horizon)) ** k * (b / (b + horizon)) ** model.s
    found = model.outlook(one(3, 20.0, 30.0), horizon)
    assert found.silent[0] == pytest.approx(1 - found.alive[0] * (1 - stayed - left), abs=1e-9)


def test_gamma_gamma_finds_the_parameters_that_made_the_values() -> None:
    draws = np.random.default_rng(3)
    p, q, gamma = 6.0, 4.0, 15.0
    rate = draws.gamma(q, 1 / gamma, 40_000)
    purchases = draws.integers(1, 9, len(rate)).astype(float)
    average = draws.gamma(p * purchases, 1 / (rate * purchases))
    found = value.fit_values(purchases, average)
    assert [found.p, found.q, found.gamma] == pytest.approx([p, q, gamma], rel=0.1)
    assert found.mean(np.zeros(1), np.zeros(1))[0] == pytest.approx(p * gamma / (q - 1), rel=0.05)


def test_values_in_cents_are_the_same_model_as_in_units() -> None:
    draws = np.random.default_rng(4)
    purchases, average = draws.integers(1, 5, 500).astype(float), draws.gamma(3, 10, 500)
    units, cents = value.fit_values(purchases, average), value.fit_values(purchases, average * 100)
    assert cents.gamma == pytest.approx(units.gamma * 100, rel=1e-3)
    assert cents.p == pytest.approx(units.p, rel=1e-3)


def taught(floor: float = 0.0, bonus: float = 0.2, noise: float = 0.03) -> policy.Policy:
    draws = np.random.default_rng(8)
    made = policy.Policy(4, 3, policy.Exploration(bonus, noise, floor))
    for _ in range(40):
        x = draws.normal(size=3)
        made.learn(int(draws.integers(4)), x, float(draws.random()))
    return made


@settings(deadline=None)
@given(st.lists(st.floats(-3, 3), min_size=3, max_size=3), st.floats(0, 1), st.floats(0.01, 2))
def test_propensities_of_a_policy_sum_to_one(x: list[float], floor: float, noise: float) -> None:
    found = taught(floor, noise=noise).propensities(np.array(x))
    assert found.sum() == pytest.approx(1.0, abs=1e-9)
    assert (found >= floor / 4 - 1e-12).all()


def test_propensities_match_frequencies() -> None:
    """60,000 draws: each frequency within five standard deviations of its propensity."""
    made, draws, x = taught(0.1, noise=1.0), np.random.default_rng(9), np.array([1.0, 0.4, -0.6])
    counts, rounds = np.zeros(4), 60_000
    for _ in range(rounds):
        counts[made.decide(x, draws)] += 1
    shares = made.propensities(x)
    assert (np.abs(counts / rounds - shares) < 5 * np.sqrt(shares * (1 - shares) / rounds)).all()


def test_a_policy_believes_what_ridge_regression_says() -> None:
    draws = np.random.default_rng(10)
    made, X, values = policy.Policy(1, 4), draws.normal(size=(300, 4)), draws.normal(size=300)  # noqa: N806
    for x, outcome in zip(X, values, strict=True):
        made.learn(0, x, float(outcome))
    precision, start = X.T @ X + np.eye(4), np.array([policy.START, 0.0, 0.0, 0.0])
    mean = start + np.linalg.solve(precision, X.T @ (values - X @ start))
    assert made.means[0] == pytest.approx(mean, abs=1e-10)
    # What is left, and what the prior is left by: the posterior's sum of squares.
    left = float(((values - X @ mean) ** 2).sum() + ((mean - start) ** 2).sum())
    variance = (policy.VARIANCE_START * policy.VARIANCE_COUNT + left) / (policy.VARIANCE_COUNT + 300)
    x = draws.normal(size=4)
    assert made.expected(x)[1][0] == pytest.approx(math.sqrt(variance * (x @ np.linalg.solve(precision, x))), abs=1e-10)


def test_an_arm_whose_outcomes_vary_is_less_surely_known_than_one_whose_do_not() -> None:
    """Both earned .4 on average in 40 trials; what each is explored by differs, and neither changes the other's."""
    made, x = policy.Policy(3, 1), np.ones(1)
    for number in range(40):
        made.learn(0, x, 1.0 if number % 5 < 2 else 0.0)
        made.learn(1, x, 0.4)
    means, deviations = made.expected(x)
    assert means[0] == pytest.approx(means[1], abs=1e-6)
    assert deviations[0] > 2 * deviations[1]
    assert deviations[2] == policy.Policy(3, 1).expected(x)[1][2]


def test_a_policy_finds_the_arm_that_earns_much_and_seldom() -> None:
    """Two of five trials earn 1, the other arm a sure .25: found within 1,000 rounds in at least 18 of 20 runs.

    With the floor of exploration that slots have unless they say otherwise.
    """
    found = 0
    for seed in range(20):
        made = policy.Policy(2, 1, policy.Exploration(floor=0.05))
        draws, x = np.random.default_rng(seed), np.ones(1)
        for _ in range(1_000):
            arm = made.decide(x, draws)
            made.learn(arm, x, float(draws.random() < 0.4) if arm == 0 else 0.25)
        found += int(made.expected(x)[0].argmax() == 0)
    assert found >= 18


def test_choices_weighed_by_their_propensities_are_as_many_of_every_arm() -> None:
    """Counted 1 / propensity, each arm's choices come to the rounds, within four deviations; 2 % in the benchmark."""
    made, draws, rounds = taught(0.2), np.random.default_rng(12), 20_000
    sums, squares = np.zeros(4), np.zeros(4)
    for _ in range(rounds):
        x = np.concatenate([[1.0], draws.normal(size=2)])
        arm = made.decide(x, draws)
        weight = 1.0 / made.propensities(x)[arm]
        sums[arm] += weight
        squares[arm] += weight * weight
    assert (np.abs(sums / rounds - 1.0) < 4 * np.sqrt(squares / rounds - 1.0) / np.sqrt(rounds)).all()


def test_the_same_outcomes_teach_a_policy_the_same_bit_for_bit() -> None:
    assert np.array_equal(taught().means, taught().means)
    assert np.array_equal(taught().covariances, taught().covariances)


def log_of(seed: int, count: int = 400, certain: bool = False) -> tuple[offpolicy.Log, np.ndarray, np.ndarray]:
    draws = np.random.default_rng(seed)
    logging = draws.dirichlet(np.ones(3), count) * 0.7 + 0.1
    arm = np.array([draws.choice(3, p=row) for row in logging])
    propensity = np.ones(count) if certain else logging[np.arange(count), arm]
    log = offpolicy.Log(arm, propensity, draws.random(count), draws.integers(0, 90, count))
    return log, draws.dirichlet(np.ones(3), count), draws.random((count, 3))


@pytest.mark.parametrize("seed", range(5))
def test_doubly_robust_is_ips_when_the_model_is_zero(seed: int) -> None:
    log, candidate, model = log_of(seed)
    found = offpolicy.evaluate(log, candidate, np.zeros_like(model))
    assert found.doubly_robust == found.ips


@pytest.mark.parametrize("seed", range(5))
def test_doubly_robust_is_the_direct_method_when_propensities_are_one_and_the_model_is_right(seed: int) -> None:
    """A log of certain choices, whose outcomes the model knows: nothing is left to correct."""
    log, candidate, model = log_of(seed, certain=True)
    model[np.arange(len(log.arm)), log.arm] = log.outcome
    found = offpolicy.evaluate(log, candidate, model)
    assert found.doubly_robust.value == pytest.approx(found.direct.value, abs=1e-12)


def test_a_policy_that_is_evaluated_on_its_own_certain_log_earned_what_it_earned() -> None:
    log, _, model = log_of(1, certain=True)
    found = offpolicy.evaluate(log, np.eye(3)[log.arm], model)
    for estimate in (found.ips, found.snips, found.doubly_robust):
        assert estimate.value == pytest.approx(log.outcome.mean())
    assert found.effective_size == pytest.approx(len(log.arm))


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    """300 logs with a known truth: a 95 % interval covers it in 90 to 99 percent."""
    draws = np.random.default_rng(12)
    covered = 0
    for _ in range(300):
        arm = draws.choice(2, size=500, p=[0.8, 0.2])
        outcome = (draws.random(500) < np.array([0.3, 0.6])[arm]).astype(float)
        log = offpolicy.Log(arm, np.array([0.8, 0.2])[arm], outcome, np.arange(500))
        model = offpolicy.cross_fitted(np.ones((500, 1)), log, 2)
        estimate = offpolicy.evaluate(log, np.tile([0.1, 0.9], (500, 1)), model).doubly_robust
        covered += estimate.low <= 0.1 * 0.3 + 0.9 * 0.6 <= estimate.high
    assert 0.90 <= covered / 300 <= 0.99


def test_a_model_never_sees_the_member_whom_it_foretells() -> None:
    """Changing a member's outcomes changes nothing that is expected of that member."""
    log, _, _ = log_of(2)
    features = np.column_stack([np.ones(len(log.arm)), np.linspace(0, 1, len(log.arm))])
    own = log.member == 7
    changed = offpolicy.Log(log.arm, log.propensity, np.where(own, 9.0, log.outcome), log.member)
    before, after = offpolicy.cross_fitted(features, log, 3), offpolicy.cross_fitted(features, changed, 3)
    assert np.array_equal(before[own], after[own])
    assert not np.array_equal(before, after)


@given(st.integers(0, 50))
@settings(deadline=None, max_examples=15)
def test_arms_that_share_a_model_solve_the_normal_equations_of_all_at_once(seed: int) -> None:
    draws = np.random.default_rng(seed)
    members, arms, d = 40, 3, 4
    log = offpolicy.Log(
        draws.integers(0, arms, members), np.full(members, 1 / 3), draws.normal(size=members), np.arange(members)
    )
    features = np.hstack([np.ones((members, 1)), draws.normal(size=(members, d - 1))])
    found = offpolicy.cross_fitted(features, log, arms, folds=2, ridge=0.7, pooling=5.0)
    held_out = log.member % 2 == 0
    own = features[:, None, :] * (log.arm[:, None] == np.arange(arms))[:, :, None]
    design = np.hstack([features, own.reshape(members, arms * d)])
    penalty = np.diag([0.7] * d + [0.7, 5.0, 5.0, 5.0] * arms)
    X = design[~held_out]  # noqa: N806
    weights = np.linalg.solve(X.T @ X + penalty, X.T @ log.outcome[~held_out])
    each = weights[:d] + weights[d:].reshape(arms, d)
    assert found[held_out] == pytest.approx(features[held_out] @ each.T, abs=1e-9)


def test_logistic_regression_is_at_the_top_of_its_likelihood() -> None:
    draws = np.random.default_rng(2)
    X = draws.normal(size=(4_000, 3))  # noqa: N806
    yes = (draws.random(4_000) < 1 / (1 + np.exp(-(X @ [1.0, -2.0, 0.0] + 0.5)))).astype(float)
    found = logistic.fit(X, yes)
    assert found.weights / found.spread == pytest.approx([1.0, -2.0, 0.0], abs=0.15)
    assert found.probability(X).mean() == pytest.approx(yes.mean(), abs=1e-4)


def weekly(members: int = 80, days: int = 200) -> timing.Purchases:
    """Members who buy every 7 days, each from another day on."""
    rows = [(who, day) for who in range(members) for day in range(who % 7, days, 7)]
    series, day = np.array(rows, np.int64).T
    return timing.Purchases(series, day, np.arange(members))


def test_who_buys_every_week_is_expected_when_the_week_is_over() -> None:
    bought, now = weekly(), 150
    horizon = timing.Horizon(30, 7, 5)
    forecast = timing.fit(bought, now, horizon).forecast(bought.before(now), now)
    wait = np.array([bought.day[(bought.series == who) & (bought.day >= now)].min() - now + 1 for who in range(80)])
    assert np.abs(forecast.median() - wait[forecast.series]).mean() <= 2.0, "days"
    assert (np.diff(forecast.within, axis=1) >= 0).all()
    assert ((forecast.within >= 0) & (forecast.within <= 1)).all()
    assert forecast.by(7).mean() > 0.85


def test_timing_and_churn_do_not_look_beyond_the_stated_day() -> None:
    bought, now = sample(), date(1997, 10, 1).toordinal()
    series = timing.Purchases(bought.member, bought.day, np.arange(int(bought.member.max()) + 1))
    horizon = timing.Horizon(90, 28, 3)
    whole, cut = (
        timing.fit(some, now, horizon).forecast(some.before(now), now) for some in (series, series.before(now))
    )
    assert np.array_equal(whole.within, cut.within)
    assert np.array_equal(
        churn.foretell(bought, now, 273).probability, churn.foretell(bought.before(now), now, 273).probability
    )


def test_who_is_active_on_cdnow_is_foretold_from_the_past() -> None:
    """Issue's measure: area under the curve at least .775 on the sample, which Pareto/NBD alone does not reach."""
    bought, now = sample(), date(1997, 10, 1).toordinal()
    found = churn.foretell(bought, now, 273)
    away = ~np.isin(found.member, bought.member[bought.day >= now])
    pairs = found.probability[away][:, None] - found.probability[~away]
    assert float((pairs > 0).mean() + (pairs == 0).mean() / 2) >= 0.775


@given(st.lists(st.integers(0, 23), max_size=50))
def test_hours_sum_to_one_and_a_stranger_has_the_brands(visited: list[int]) -> None:
    brand = np.bincount([8, 9, 9, 12, 18, 18, 18, 19], minlength=24).astype(float)
    member = np.zeros(len(visited), np.int64)
    known = hours.visits(member, np.array(visited, np.int64), np.arange(len(visited), dtype=float), 2)
    found = hours.likely(known, brand)
    assert found.sum(axis=1) == pytest.approx([1.0, 1.0])
    assert found[1] == pytest.approx((brand + 0.5) / (brand + 0.5).sum())


def test_a_visitor_at_midnight_is_met_on_both_sides_of_it() -> None:
    hour = np.array([23] * 20 + [0] * 20)
    found = hours.likely(hours.visits(np.zeros(40, np.int64), hour, np.zeros(40), 1), np.ones(24))
    assert set(hours.best(found, 4)[0].tolist()) == {22, 23, 0, 1}


def test_a_favourite_is_ones_own_and_a_stranger_has_what_is_popular() -> None:
    member = np.array([0, 0, 0, 0, 1, 1, 1, 2, 2])
    item = np.array([2, 2, 2, 1, 1, 1, 0, 1, 1])
    seen = 10.0  # so often, that what is popular counts little
    found = favourites.favourites(member, item, np.full(9, seen), seen * np.array([4.0, 3.0, 2.0, 0.0]), 2)
    assert found.item[:, 0].tolist() == [2, 1, 1, 1]
    assert found.share[0, 0] > found.share[0, 1]


def test_a_new_habit_outweighs_an_old_one() -> None:
    member, item = np.zeros(22, np.int64), np.array([0] * 12 + [1] * 10)
    weight = favourites.weights(np.array([365.0] * 12 + [5.0] * 10))
    assert favourites.favourites(member, item, weight, np.array([weight.sum()])).item[0].tolist() == [1, 0]
    assert favourites.weights(np.array([0.0, favourites.HALF_LIFE_DAYS])).tolist() == [1.0, 0.5]


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60))
def test_quintiles_keep_the_order_and_equals_together(column: list[float]) -> None:
    found = segments.quintiles(np.array(column))
    for value_, fifth in zip(column, found, strict=True):
        assert 1 <= fifth <= 5
        assert all(other >= fifth for larger, other in zip(column, found, strict=True) if larger > value_)
        assert all(other == fifth for same, other in zip(column, found, strict=True) if same == value_)


def test_segments_have_the_names_that_people_know() -> None:
    assert {name for row in segments.GRID for name in row} == set(segments.NAMES)
    days = np.arange(100.0)
    best = segments.rfm(days, 100 - days, 100 - days)
    assert best[0] == "Champions"
    assert best[-1] == "Lost"
    assert segments.rfm(days, days, days)[-1] == "Cannot lose them"


def groups(seed: int) -> np.ndarray:
    draws = np.random.default_rng(seed)
    return np.concatenate([draws.normal(centre, 0.3, size=(200, 2)) for centre in ((0, 0), (4, 0), (0, 5))])


def test_clusters_find_the_groups_and_labels_stay_between_runs() -> None:
    first = segments.cluster(groups(1), 3)
    assert [len(set(first.label[part : part + 200].tolist())) for part in (0, 200, 400)] == [1, 1, 1]
    again = segments.cluster(groups(2)[::-1].copy(), 3)
    named = segments.relabelled(again.label, first.label[::-1])
    assert np.array_equal(named, first.label[::-1])


@given(st.permutations(range(4)), st.lists(st.integers(0, 3), min_size=4, max_size=40))
def test_relabelling_undoes_any_change_of_numbers(order: list[int], before: list[int]) -> None:
    label = np.array(before, np.int64)
    changed = np.array(order, np.int64)[label]
    assert np.array_equal(segments.relabelled(changed, label), label)
