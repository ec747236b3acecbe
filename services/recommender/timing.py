"""When something is bought again: the probability by day, from purchases before a stated day alone.

What repeats is a series: a member's purchases, or a member's purchases of one
product category. Days count from any origin. Earlier days of the same past are
taken as if they were the present; what followed each of them until the stated
day teaches a discrete-time hazard (Allison, "Discrete-Time Methods for the
Analysis of Event Histories", 1982): the probability of a purchase in the next
stretch of days where there was none so far. Series that were still silent at
the stated day count for as long as they were watched.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.recommender import logistic
from services.recommender.logistic import Logistic, Matrix, Vector

Places = NDArray[np.int64]

SHRINK = 2.0
"""So many intervals of the mean length are added to each series' own."""
RIDGE = 300.0
"""Of the hazard's weights; see docs/decisions/0019."""
ROWS_MAX = 600_000
"""Stretches that are learnt from; of more, every n-th series is taken."""


@dataclass(frozen=True, slots=True)
class Purchases:
    """Days of purchases, as columns sorted by series and then day, each day of a series once.

    `member` (series,) says whose each series is: members' paces help their categories.
    """

    series: Places
    day: Places
    member: Places

    def before(self, day: int) -> "Purchases":
        """Those before a day."""
        return Purchases(self.series[self.day < day], self.day[self.day < day], self.member)


@dataclass(frozen=True, slots=True)
class Horizon:
    """How far is looked ahead and what is soon, in days; and how often something was bought that is foretold."""

    days: int
    window: int
    purchases_min: int

    @property
    def edges(self) -> Vector:
        """The ends of the stretches, in days: 0, then each a quarter longer; the window and the horizon among them."""
        found = {0, self.window, self.days}
        edge = 1.0
        while edge < self.days:
            found.add(round(edge))
            edge = max(edge + 1.0, edge * 1.25)
        return np.array(sorted(found), float)


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is expected of the series (n,) that were bought often enough.

    within  (n, stretches) probability of a purchase by the end of each stretch
    edges   (stretches,) those ends, in days from the stated day
    """

    series: Places
    within: Matrix
    edges: Vector

    def by(self, day: float) -> Vector:
        """The probability (n,) of a purchase in the first `day` days."""
        edges = np.concatenate([[0.0], self.edges])
        place = int(np.clip(np.searchsorted(edges, day), 1, len(self.edges)))
        before = self.within[:, place - 2] if place > 1 else np.zeros(len(self.series))
        share = min((day - edges[place - 1]) / (edges[place] - edges[place - 1]), 1.0)
        found: Vector = before + share * (self.within[:, place - 1] - before)
        return found

    def median(self) -> Vector:
        """The first day (n,) by which a purchase is as likely as not; the horizon where none is.

        Days are whole, so nothing else has a smaller absolute error to expect.
        """
        edges = np.concatenate([[0.0], self.edges])
        within = np.column_stack([np.zeros(len(self.series)), self.within])
        place = np.clip((within < 0.5).sum(axis=1), 1, len(self.edges))
        rows = np.arange(len(self.series))
        low, high = within[rows, place - 1], within[rows, place]
        share = np.clip((0.5 - low) / np.maximum(high - low, 1e-12), 0.0, 1.0)
        found: Vector = np.ceil(edges[place - 1] + share * (edges[place] - edges[place - 1]) - 1e-9)
        return found


@dataclass(frozen=True, slots=True)
class Timing:
    """A fitted model of when something is bought again."""

    hazard: Logistic
    horizon: Horizon

    def forecast(self, past: Purchases, now: int) -> Forecast:
        """Foretells from purchases before the day `now`."""
        series, traits = _traits(past, now, self.horizon)
        edges = self.horizon.edges
        staying = np.ones(len(series))
        within = np.empty((len(series), len(edges) - 1))
        for place in range(len(edges) - 1):
            staying = staying * (1.0 - self.hazard.probability(_stretch(traits, edges, place)))
            within[:, place] = 1.0 - staying
        return Forecast(series, within, edges[1:])


def fit(past: Purchases, now: int, horizon: Horizon) -> Timing:
    """Learns from purchases before the day `now`; raises ValueError where nothing was bought often enough before."""
    past = past.before(now)
    begin = int(past.day.min()) if len(past.day) else now
    watched = now - begin
    # Present days that leave at least a window behind them to see, and as much past before them as can be had.
    steps = [round(now - horizon.window - share * 0.5 * watched) for share in np.linspace(0.0, 1.0, 6)]
    edges = horizon.edges
    rows, outcomes = [], []
    for then in sorted(set(steps)):
        series, traits = _traits(past.before(then), then, horizon)
        if not len(series):
            continue
        following = np.full(len(past.member), np.inf)
        later = past.day >= then
        np.minimum.at(following, past.series[later], (past.day[later] - then).astype(float))
        wait = following[series]
        for place in range(len(edges) - 1):
            # A purchase on the n-th day, counted from 0, is in the stretch that ends after it.
            there = wait >= edges[place]
            if edges[place + 1] > now - then or not there.any():
                break
            rows.append(_stretch(traits[there], edges, place))
            outcomes.append((wait[there] < edges[place + 1]).astype(float))
    if not rows:
        raise ValueError("nothing was bought often enough to learn from")
    features, bought = np.concatenate(rows), np.concatenate(outcomes)
    every = -(-len(bought) // ROWS_MAX)
    return Timing(logistic.fit(features[::every], bought[::every], RIDGE), horizon)


def _traits(past: Purchases, now: int, horizon: Horizon) -> tuple[Places, Matrix]:
    """The series bought often enough before `now`, and what is known of each then."""
    size = len(past.member)
    count = np.bincount(past.series, minlength=size).astype(float)
    first, last = np.full(size, np.inf), np.full(size, -np.inf)
    np.minimum.at(first, past.series, past.day.astype(float))
    np.maximum.at(last, past.series, past.day.astype(float))
    chosen = np.flatnonzero(count >= horizon.purchases_min)
    if not len(chosen):
        return chosen, np.empty((0, 0))
    same = past.series[1:] == past.series[:-1]
    gaps, of = np.diff(past.day)[same].astype(float), past.series[1:][same]
    logarithms = np.bincount(of, np.log(gaps), size)
    squares = np.bincount(of, np.log(gaps) ** 2, size)
    n = count[chosen] - 1
    common = float(np.log(gaps).mean())
    pace = (logarithms[chosen] + SHRINK * common) / (n + SHRINK)
    spread = np.sqrt(np.maximum((squares[chosen] + SHRINK * 0.5) / (n + SHRINK) - (logarithms[chosen] / n) ** 2, 0.01))
    elapsed = now - last[chosen]
    mean = (last[chosen] - first[chosen] + SHRINK * np.exp(common)) / (n + SHRINK)
    recent = [
        np.bincount(past.series, past.day >= now - span, size)[chosen]
        for span in (horizon.window, 2 * horizon.window, 4 * horizon.window, horizon.days)
    ]
    fading = np.bincount(past.series, np.exp2((past.day - now) / (2 * horizon.window)), size)[chosen]
    latest = np.ones(size)
    latest[of] = gaps  # sorted by day: the last one stays
    # The member's own pace over all that they buy.
    whose = past.member[past.series]
    members = int(past.member.max()) + 1
    lines = np.bincount(whose, past.day >= now - horizon.days, members)[past.member[chosen]]
    seen = np.full(members, -np.inf)
    np.maximum.at(seen, whose, past.day.astype(float))
    away = now - seen[past.member[chosen]]
    return chosen, np.column_stack(
        [
            pace, np.log(mean), np.log(elapsed), spread, np.log(count[chosen]),
            *(np.log1p(found) for found in recent), np.log1p(lines), np.log(away),
            np.log(latest[chosen]), np.log(fading + 0.05),
        ]
    )  # fmt: skip


def _stretch(traits: Matrix, edges: Vector, place: int) -> Matrix:
    """The features of the hazard in a stretch of days: what is known, and where in its rhythm a series is by then."""
    pace, mean, elapsed = traits[:, 0], traits[:, 1], traits[:, 2]
    low, high = edges[place], edges[place + 1]
    middle = np.log((low + high) / 2)
    length = np.log(high - low)
    phase = np.log(np.exp(elapsed) + (low + high) / 2) - pace
    so_far = elapsed - pace
    one = np.ones(len(traits))
    return np.column_stack(
        [
            traits, middle * one, middle * middle * one, length * one, phase, phase**2, phase**3, so_far**2,
            mean * mean, elapsed * elapsed, mean * elapsed, traits[:, 4] * phase, traits[:, 3] * phase,
            middle * mean, middle * elapsed, middle * traits[:, 4], middle * traits[:, 6], traits[:, 6] * elapsed,
            traits[:, 6] ** 2,
        ]
    )  # fmt: skip
