"""What a member's purchases so far say of those to come: how many, how likely any, and worth how much.

Purchases follow the Pareto/NBD model (Schmittlein, Morrison and Colombo,
"Counting Your Customers: Who Are They and What Will They Do Next?", 1987): a
member buys at a rate of their own until they leave for good at a moment that
nobody sees; rates of buying and of leaving are gamma distributed over the
members. Values follow the Gamma-Gamma model (Fader and Hardie, "The
Gamma-Gamma Model of Monetary Value", 2013).

Everything takes and gives columns, one place a member, and stands at a stated
moment: the end of each member's history. The unit of time is the caller's; the
published parameters are for weeks. The same columns give the same model.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import digamma, gammaln

Vector = NDArray[np.float64]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(20)
FADED = 36.0
"""Where exp(-x) counts as nothing: 2e-16."""
ROWS = 2_048
"""Members that are integrated at once: the arrays stay in the processor's cache."""
LOGARITHM_MAX = 12.0
"""Bound of each parameter's logarithm. Data without any leaving would drive them on for ever."""


@dataclass(frozen=True, slots=True)
class Histories:
    """Purchases of members since their first, each as a column (n,).

    repeats  purchases after the first; those of one day are one
    last     time from the first purchase to the last, 0 where there was no other
    age      time from the first purchase to the moment at which we stand
    """

    repeats: Vector
    last: Vector
    age: Vector

    def __post_init__(self) -> None:
        if not self.repeats.shape == self.last.shape == self.age.shape:
            raise ValueError("columns of histories differ in length")
        if np.any(self.last < 0) or np.any(self.last > self.age) or np.any((self.repeats == 0) != (self.last == 0)):
            raise ValueError("a history's last purchase lies between its first and its end, and is another one")

    def __len__(self) -> int:
        return len(self.repeats)

    def chunks(self) -> Iterator[tuple[slice, "Histories"]]:
        """The members a few thousand at a time, with their places."""
        for start in range(0, len(self), ROWS):
            part = slice(start, start + ROWS)
            yield part, Histories(self.repeats[part], self.last[part], self.age[part])

    def distinct(self) -> tuple["Histories", Vector]:
        """Each different history once, with the number of members who have it."""
        rows, counts = np.unique(np.column_stack([self.repeats, self.last, self.age]), axis=0, return_counts=True)
        return Histories(*np.ascontiguousarray(rows.T)), counts.astype(float)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is expected of each member (n,) in the time that follows.

    alive      probability that they have not left
    purchases  expected number of purchases in the horizon
    silent     probability of no purchase in the horizon
    """

    alive: Vector
    purchases: Vector
    silent: Vector


@dataclass(frozen=True, slots=True)
class ParetoNbd:
    """Rates of buying are gamma with shape r and rate alpha; rates of leaving gamma with shape s and rate beta."""

    r: float
    alpha: float
    s: float
    beta: float

    def log_likelihood(self, histories: Histories) -> float:
        """Of all members together; equation (2) of Fader and Hardie, "A Note on Deriving the Pareto/NBD", 2005."""
        different, counts = histories.distinct()
        logarithms = np.log([self.r, self.alpha, self.s, self.beta])
        return -_loss(logarithms, different, counts)[0] * float(counts.sum())

    def outlook(self, histories: Histories, horizon: float) -> Outlook:
        """What is expected of each member in `horizon` units of time from the end of their history."""
        found = Outlook(*(np.empty(len(histories)) for _ in range(3)))
        for part, some in histories.chunks():
            k, b = self.r + some.repeats, self.beta + some.last
            since = some.age - some.last
            here = _survive(k, self.alpha + some.last, self.s, b, since)
            alive = here / (here + _leave(k, self.alpha + some.last, self.s, b, since))
            a, b = self.alpha + some.age, self.beta + some.age
            silent = _survive(k, a, self.s, b, horizon) + _leave(k, a, self.s, b, horizon)
            found.alive[part] = alive
            found.purchases[part] = alive * k / a * self._lifetime(b, horizon)
            found.silent[part] = 1.0 - alive * (1.0 - np.minimum(silent, 1.0))
        return found

    def _lifetime(self, b: Vector, horizon: float) -> Vector:
        """Expected time until leaving or the horizon, of those who are there."""
        steps = np.log1p(horizon / b)
        power = self.s - 1.0
        found: Vector = b * (steps if abs(power) < 1e-9 else -np.expm1(-power * steps) / power)
        return found


def fit(histories: Histories) -> ParetoNbd:
    """The parameters that make the histories most likely.

    Raises ValueError where nobody bought twice: nothing can be told then.
    """
    if not len(histories) or histories.repeats.sum() == 0:
        raise ValueError("no member bought twice")
    different, counts = histories.distinct()
    # Begins where a mean member buys at the mean rate and stays about as long as we have watched.
    age = float(np.average(different.age, weights=counts))
    pace = float(np.average(different.repeats, weights=counts)) / age
    start = np.log([0.5, 0.5 / pace, 0.5, age])
    bounds = [(-LOGARITHM_MAX, LOGARITHM_MAX)] * 4
    found = minimize(
        _loss, start, (different, counts), "L-BFGS-B", jac=True, bounds=bounds, options={"ftol": 1e-13, "gtol": 1e-8}
    )
    return ParetoNbd(*(float(value) for value in np.exp(found.x)))


def _survive(k: Vector, a: Vector, s: float, b: Vector, length: Vector | float) -> Vector:
    """The probability of staying for `length` without a purchase, when rates are gamma (k, a) and (s, b)."""
    found: Vector = np.exp(-k * np.log1p(length / a) - s * np.log1p(length / b))
    return found


def _nodes(k: Vector, a: Vector, length: Vector | float) -> tuple[Vector, Vector]:
    """Moments (nodes, n) in 0 to `length`, and weights (nodes, n) that hold (a / (a + moment))^k already.

    Over v = log(1 + moment / a) that factor is exp(-k v), which is smooth,
    and nothing beyond FADED / k: 20 nodes are good to 1e-10.
    """
    end = np.minimum(np.log1p(length / a), FADED / k)
    v = np.multiply.outer(0.5 * (1.0 + _NODES), end)
    grown = np.exp(v)
    return a * (grown - 1.0), np.multiply.outer(0.5 * _WEIGHTS, end) * a * grown * np.exp(-k * v)


def _leave(k: Vector, a: Vector, s: float, b: Vector, length: Vector | float) -> Vector:
    """The probability of leaving within `length` before any purchase, when rates are gamma (k, a) and (s, b)."""
    moments, weights = _nodes(k, a, length)
    weights *= np.exp(-(s + 1.0) * np.log1p(moments / b))
    found: Vector = weights.sum(axis=0) * (s / b)
    return found


def _loss(logarithms: Vector, different: Histories, counts: Vector) -> tuple[float, Vector]:
    """The negative log-likelihood a member, and its slopes by the logarithms of r, alpha, s and beta."""
    r, alpha, s, beta = np.exp(logarithms)
    total, slopes = 0.0, np.zeros(4)
    for part, some in different.chunks():
        value, by_r, by_alpha, by_s, by_beta = _terms(r, alpha, s, beta, some)
        total += float(counts[part] @ value)
        slopes += [counts[part] @ by_r, counts[part] @ by_alpha, counts[part] @ by_s, counts[part] @ by_beta]
    members = counts.sum()
    return -total / members, -slopes * [r, alpha, s, beta] / members


def _terms(r: float, alpha: float, s: float, beta: float, some: Histories) -> tuple[Vector, ...]:
    """Each history's log-likelihood, and its slopes by r, alpha, s and beta.

    The likelihood is that of the purchases up to the last one and of still
    being there, times the probability of the silence since: stayed, or left.
    """
    k, a, b, since = r + some.repeats, alpha + some.last, beta + some.last, some.age - some.last
    stayed = _survive(k, a, s, b, since)
    moments, weights = _nodes(k, a, since)
    weights *= np.exp(-(s + 1.0) * np.log1p(moments / b)) * (s / b)
    left = weights.sum(axis=0)
    silence = stayed + left
    log_a, log_b = np.log1p(moments / a), np.log1p(moments / b)
    by_k = -stayed * np.log1p(since / a) - (weights * log_a).sum(axis=0)
    by_a = stayed * k * since / (a * (a + since)) + k / a * (weights * (moments / (a + moments))).sum(axis=0)
    by_s = -stayed * np.log1p(since / b) + left / s - (weights * log_b).sum(axis=0)
    by_b = stayed * s * since / (b * (b + since)) + (weights * (s / b - (s + 1.0) / (b + moments))).sum(axis=0)
    value = gammaln(k) - math.lgamma(r) + r * math.log(alpha) - k * np.log(a) + s * (math.log(beta) - np.log(b))
    return (
        value + np.log(silence),
        digamma(k) - digamma(r) + math.log(alpha) - np.log(a) + by_k / silence,
        r / alpha - k / a + by_a / silence,
        math.log(beta) - np.log(b) + by_s / silence,
        s / beta - s / b + by_b / silence,
    )


@dataclass(frozen=True, slots=True)
class GammaGamma:
    """A member's purchases are gamma with shape p; their rate is gamma with shape q and rate gamma over the members."""

    p: float
    q: float
    gamma: float

    def mean(self, purchases: Vector, average: Vector) -> Vector:
        """The expected value (n,) of a next purchase, after `purchases` of `average` value each.

        Without a purchase of any value it is what a member is worth who is
        drawn from all of them.
        """
        found: Vector = self.p * (self.gamma + purchases * average) / (self.p * purchases + self.q - 1.0)
        return found


def fit_values(purchases: Vector, average: Vector) -> GammaGamma:
    """The parameters that make the average values most likely; members without a positive average say nothing.

    q stays above 1, where the mean over the members exists.
    """
    counted = (purchases > 0) & (average > 0)
    if not counted.any():
        raise ValueError("no purchase has a value")
    rows, weights = np.unique(np.column_stack([purchases, average])[counted], axis=0, return_counts=True)
    x, z = np.ascontiguousarray(rows.T)
    scale = float(np.average(z, weights=weights * x))  # the model's form does not depend on the currency's unit
    z = z / scale

    def loss(parameters: Vector) -> tuple[float, Vector]:
        p, more, g = np.exp(parameters)
        q = 1.0 + more
        px, total = p * x, g + z * x
        value = (
            gammaln(px + q) - gammaln(px) - gammaln(q) + q * np.log(g) + px * np.log(z * x) - (px + q) * np.log(total)
        )
        both = digamma(px + q)
        by_p = x * (both - digamma(px) + np.log(z * x) - np.log(total))
        by_q = both - digamma(q) + math.log(g) - np.log(total)
        by_g = q / g - (px + q) / total
        slopes = np.array([weights @ by_p * p, weights @ by_q * more, weights @ by_g * g])
        return -float(weights @ (value - np.log(z))) / weights.sum(), -slopes / weights.sum()

    bounds = [(-LOGARITHM_MAX, LOGARITHM_MAX)] * 3
    found = minimize(loss, np.log([2.0, 2.0, 1.0]), method="L-BFGS-B", jac=True, bounds=bounds, options={"ftol": 1e-13})
    p, more, g = (float(value) for value in np.exp(found.x))
    return GammaGamma(p, 1.0 + more, g * scale)
