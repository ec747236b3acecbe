"""How likely a member is to buy nothing in the time to come, learnt from the past alone.

Earlier days of the same past are taken as if they were the present, and what
followed each until the next is known. A logistic regression learns there what
recency, frequency and value, and the outlook of the Pareto/NBD model fitted
to the purchases before that day, say of members who stay away. How far ahead is
asked may be longer than what has been watched: the outlook is then for that
time, and the regression is taken over as it is.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.recommender import logistic, value
from services.recommender.logistic import Matrix, Vector

Places = NDArray[np.int64]

SHARES = (0.1, 0.2, 0.4)
"""Recent stretches whose purchases are counted, as shares of the time watched."""
ODDS_MAX = 12.0
WEEK_DAYS = 7.0


@dataclass(frozen=True, slots=True)
class Purchases:
    """A brand's purchases, as columns: whose, numbered from 0; the day, from any origin; the amount.

    Those of one member on one day are one.
    """

    member: Places
    day: Places
    amount: Vector

    def before(self, day: int) -> "Purchases":
        """Those before a day."""
        past = self.day < day
        return Purchases(self.member[past], self.day[past], self.amount[past])


@dataclass(frozen=True, slots=True)
class Histories:
    """What the purchases before a day say of each member (n,) who has any."""

    member: Places
    purchases: value.Histories
    total: Vector
    recent: Matrix


def histories(past: Purchases, now: int) -> Histories:
    """The members with purchases before the day `now`, with times in weeks."""
    past = past.before(now)
    if not len(past.day):
        raise ValueError("no purchase before that day")
    begin = int(past.day.min())
    size = int(past.member.max()) + 1
    days = np.unique(past.member * (now - begin) + (past.day - begin))
    whose, day = days // (now - begin), days % (now - begin) + begin
    count = np.bincount(whose, minlength=size)
    first, last = np.full(size, now), np.full(size, begin)
    np.minimum.at(first, whose, day)
    np.maximum.at(last, whose, day)
    member = np.flatnonzero(count)
    recent = [np.bincount(whose, day >= now - share * (now - begin), size)[member] for share in SHARES]
    of = count[member].astype(np.float64)
    last_in, age = ((found - first)[member].astype(np.float64) / WEEK_DAYS for found in (last, np.full(size, now)))
    return Histories(
        member,
        value.Histories(of - 1.0, last_in, age),
        np.bincount(past.member, past.amount, size)[member].astype(np.float64),
        np.column_stack(recent).astype(np.float64),
    )


@dataclass(frozen=True, slots=True)
class Churn:
    """Members, and the probability (n,) of each to buy nothing in the horizon."""

    member: Places
    probability: Vector


def foretell(past: Purchases, now: int, horizon: int) -> Churn:
    """The probability of no purchase from the day `now` on for `horizon` days, by purchases before it."""
    past = past.before(now)
    known, features = _features(past, now, horizon)
    watched = now - int(past.day.min())
    step = min(horizon, watched // 3)
    rows, outcomes = [], []
    for then in (now - step, now - 2 * step):
        if (then - (now - watched)) * 3 < watched:
            continue
        some, columns = _features(past, then, step)
        later = past.member[(past.day >= then) & (past.day < then + step)]
        rows.append(columns)
        outcomes.append(~np.isin(some.member, later))
    model = logistic.fit(np.concatenate(rows), np.concatenate(outcomes).astype(float))
    return Churn(known.member, model.probability(features))


def _features(past: Purchases, now: int, horizon: int) -> tuple[Histories, Matrix]:
    known = histories(past, now)
    own = known.purchases
    return known, columns(known, value.fit(own).outlook(own, horizon / WEEK_DAYS))


def columns(known: Histories, outlook: value.Outlook) -> Matrix:
    """What regressions are given of members (n, 7): the odds of silence, recency, frequency, amount, recent counts."""
    own, silent = known.purchases, outlook.silent
    odds = np.log(np.maximum(silent, 1e-12)) - np.log(np.maximum(1.0 - silent, 1e-12))
    return np.column_stack(
        [
            np.clip(odds, -ODDS_MAX, ODDS_MAX),
            np.log1p((own.age - own.last) * WEEK_DAYS),
            np.log1p(own.repeats + 1.0),
            np.log1p(np.maximum(known.total, 0.0)),
            np.log1p(known.recent),
        ]
    )
