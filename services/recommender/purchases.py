"""How many purchases a member will make in the time to come, by two forecasts together.

One is the Pareto/NBD model's, see `value.py`. It knows no trend, and takes all
members' purchases before the last for one even stream. The other is a Poisson
regression over recency, frequency, value, recent counts and that model's own
outlook, which learns from what followed one earlier day of the same past. What
can be learnt there is for a shorter time than is usually asked for: so the
regression says who buys more than the model thinks and who less, and the model
how many purchases there are together. The mean of the two is taken; forecasts
that err differently are better together than either (Bates and Granger, "The
Combination of Forecasts", 1969).
"""

from dataclasses import dataclass

import numpy as np

from services.recommender import churn, value
from services.recommender.logistic import SPREAD_MIN, Matrix, Vector

RIDGE = 300.0
STEPS_MAX = 50
EXPONENT_MAX = 10.0
"""Bound of the logarithm by which the regression may change an expectation."""
EXPECTED_MIN = 1e-6


@dataclass(frozen=True, slots=True)
class Factor:
    """What an expectation is multiplied by: the exponential of (columns - centre) times slopes, plus the intercept."""

    centre: Vector
    slopes: Vector
    intercept: float

    def of(self, columns: Matrix) -> Vector:
        found: Vector = np.exp(np.clip((columns - self.centre) @ self.slopes + self.intercept, None, EXPONENT_MAX))
        return found


@dataclass(frozen=True, slots=True)
class Expecting:
    """A fitted forecast for `horizon_days` from the day it was fitted for."""

    model: value.ParetoNbd
    factor: Factor
    horizon_days: int

    def expected(self, known: churn.Histories) -> Vector:
        """The expected number of purchases (n,) of each member in the horizon."""
        outlook = self.model.outlook(known.purchases, self.horizon_days / churn.WEEK_DAYS)
        found: Vector = outlook.purchases * 0.5 * (1.0 + self.factor.of(_columns(known, outlook)))
        return found


def fit(past: churn.Purchases, now: int, horizon_days: int) -> Expecting:
    """Learns from purchases before the day `now`; raises ValueError where nobody bought twice."""
    past = past.before(now)
    known = churn.histories(past, now)
    model = value.fit(known.purchases)
    watched = now - int(past.day.min())
    step = min(horizon_days, watched // 3)
    then = now - step
    earlier = churn.histories(past, then)
    outlook = value.fit(earlier.purchases).outlook(earlier.purchases, step / churn.WEEK_DAYS)
    followed = np.bincount(past.member[past.day >= then], minlength=int(past.member.max()) + 1)[earlier.member]
    factor = _regression(_columns(earlier, outlook), followed.astype(float), outlook.purchases)
    ahead = model.outlook(known.purchases, horizon_days / churn.WEEK_DAYS)
    together = float(factor.of(_columns(known, ahead)) @ ahead.purchases) / float(ahead.purchases.sum())
    return Expecting(
        model, Factor(factor.centre, factor.slopes, factor.intercept - float(np.log(together))), horizon_days
    )


def _columns(known: churn.Histories, outlook: value.Outlook) -> Matrix:
    return np.column_stack([churn.columns(known, outlook), np.log(outlook.purchases + EXPECTED_MIN)])


def _regression(columns: Matrix, counts: Vector, expected: Vector) -> Factor:
    """The factor that makes counts (n,) most likely, if they are Poisson around it times `expected` (n,).

    The standardised slopes have a normal prior of precision RIDGE; the
    intercept has one of a thousandth. Newton's method; steps that make it
    worse are halved.
    """
    centre, spread = columns.mean(axis=0), columns.std(axis=0)
    spread = np.where(spread > SPREAD_MIN, spread, np.inf)
    design = np.column_stack([np.ones(len(counts)), (columns - centre) / spread])
    base = np.log(expected + EXPECTED_MIN)
    prior = np.full(design.shape[1], RIDGE)
    prior[0] = 1e-3

    def loss(weights: Vector) -> float:
        z = np.minimum(design @ weights, EXPONENT_MAX) + base
        return float((np.exp(z) - counts * z).sum()) + 0.5 * float(prior @ (weights * weights))

    found = np.zeros(design.shape[1])
    before = loss(found)
    for _ in range(STEPS_MAX):
        mean = np.exp(np.minimum(design @ found, EXPONENT_MAX) + base)
        step = np.linalg.solve(
            (design * mean[:, None]).T @ design + np.diag(prior), design.T @ (counts - mean) - prior * found
        )
        following = loss(found + step)
        while following > before and np.abs(step).max() > 1e-10:
            step = step / 2
            following = loss(found + step)
        found, done, before = found + step, before - following < 1e-9 * (1 + abs(before)), following
        if done:
            break
    return Factor(centre, found[1:] / spread, float(found[0]))
