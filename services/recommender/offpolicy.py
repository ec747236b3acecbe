"""What a policy would have earned is estimated from decisions that another one made, with how sure that is.

Logged decisions say what was chosen, with which probability, and what it
earned. Four estimators, each with a 95 % confidence interval:

IPS     outcomes weighted by the candidate's probability over the logged one
        (Horvitz and Thompson, 1952): unbiased, and noisy.
SNIPS   the same over the sum of the weights (Swaminathan and Joachims, "The
        Self-Normalized Estimator for Counterfactual Learning", 2015).
DM      the direct method: what a model of the outcomes expects of the candidate.
DR      doubly robust (Dudik, Langford and Li, "Doubly Robust Policy Evaluation
        and Learning", 2011): the direct method, corrected by the weighted
        errors of the model. Unbiased if the propensities are right, and as
        exact as the model is good.

The effective sample size (Kish) says how many decisions of the candidate's own
the weights are worth. Intervals take decisions of one member as one cluster.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Places = NDArray[np.int64]

RIDGE, POOLING = 1.0, 100.0
"""Precisions of the shared weights and of the arms' deviations; see `cross_fitted` and docs/decisions/0019."""


@dataclass(frozen=True, slots=True)
class Log:
    """Logged decisions, as columns (n,); `member` numbers whose they were, from 0."""

    arm: Places
    propensity: Vector
    outcome: Vector
    member: Places

    def __post_init__(self) -> None:
        if not len(self.arm) == len(self.propensity) == len(self.outcome) == len(self.member):
            raise ValueError("columns of the log differ in length")
        if len(self.arm) < 2:
            raise ValueError("fewer than two decisions")
        if np.any(self.propensity <= 0) or np.any(self.propensity > 1):
            raise ValueError("a propensity is above 0 and at most 1")


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean outcome a decision, and the 95 % interval around it."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A candidate by each estimator, and what the log is worth for it."""

    ips: Estimate
    snips: Estimate
    direct: Estimate
    doubly_robust: Estimate
    effective_size: float


def evaluate(log: Log, candidate: Matrix, model: Matrix) -> Evaluation:
    """What the candidate would have earned.

    `candidate` (n, K) is its probability of each arm at each decision, `model`
    (n, K) the outcome expected of each arm, made without that decision's own
    outcome, see `cross_fitted`. A model of zeros makes DR the same as IPS.
    """
    rows = np.arange(len(log.arm))
    weights = candidate[rows, log.arm] / log.propensity
    expected = (candidate * model).sum(axis=1)
    correction = weights * (log.outcome - model[rows, log.arm])
    total = float(weights.sum())
    snips = float(weights @ log.outcome) / total if total > 0 else 0.0
    return Evaluation(
        ips=_estimate(weights * log.outcome, log.member),
        # The ratio's error, linearised.
        snips=_estimate(weights * (log.outcome - snips) / (total / len(rows)), log.member, snips)
        if total > 0
        else Estimate(0.0, -np.inf, np.inf),
        direct=_estimate(expected, log.member),
        doubly_robust=_estimate(expected + correction, log.member),
        effective_size=total**2 / float(weights @ weights) if total > 0 else 0.0,
    )


def _estimate(terms: Vector, member: Places, around: float | None = None) -> Estimate:
    """The mean of the terms with its interval, decisions of one member being one cluster.

    Student's t with as many degrees of freedom as there are clusters, less one.
    """
    count = len(terms)
    value = float(terms.mean())
    sums = np.bincount(member, terms - value)
    clusters = int(np.count_nonzero(np.bincount(member)))
    if clusters < 2:
        return Estimate(value if around is None else around, -np.inf, np.inf)
    deviation = float(np.sqrt((sums @ sums) * clusters / (clusters - 1))) / count
    reach = float(stdtrit(clusters - 1, 0.975)) * deviation
    centre = value if around is None else around
    return Estimate(centre, centre - reach, centre + reach)


def cross_fitted(
    features: Matrix, log: Log, arms: int, folds: int = 5, ridge: float = RIDGE, pooling: float = POOLING
) -> Matrix:
    """The outcome (n, K) expected of each arm at each decision, by models that never saw that member.

    Arms share a ridge regression on the features (n, d), of which the first is
    the constant 1, and each has a deviation from it: the constant's is as free
    as the shared weights, the others' are held to 0 by `pooling`. So arms with
    few decisions take from all what they have not seen, and those with many go
    their own way.
    """
    fold = log.member % folds
    d = features.shape[1]
    moments, products = np.zeros((folds, arms, d, d)), np.zeros((folds, arms, d))
    for number in range(folds):
        for arm in range(arms):
            part = (fold == number) & (log.arm == arm)
            moments[number, arm] = features[part].T @ features[part]
            products[number, arm] = features[part].T @ log.outcome[part]
    found = np.zeros((len(log.arm), arms))
    for number in range(folds):
        here, rest = fold == number, np.arange(folds) != number
        weights = _pooled(moments[rest].sum(axis=0), products[rest].sum(axis=0), ridge, pooling)
        found[here] = features[here] @ weights.T
    return found


def _pooled(moments: NDArray[np.float64], products: Matrix, ridge: float, pooling: float) -> Matrix:
    """Each arm's weights (K, d): the shared ones and its deviation.

    The deviations are eliminated arm by arm from the normal equations, so that the work grows with K, not K^3.
    """
    d = products.shape[1]
    held = np.diag([ridge] + [pooling] * (d - 1))
    alone = np.linalg.solve(moments + held, products[:, :, None])[:, :, 0]
    answer = np.linalg.solve(moments + held, moments)
    left = moments - moments @ answer
    shared = np.linalg.solve(
        left.sum(axis=0) + ridge * np.eye(d), (products - (moments @ alone[:, :, None])[:, :, 0]).sum(axis=0)
    )
    weights: Matrix = shared + alone - answer @ shared
    return weights
