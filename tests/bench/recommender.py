"""How good the recommender's models are on real data, beside the targets and beside what others publish.

`make bench-recommender DATA=folder`, or `python -m tests.bench.recommender --help`.
The folder's parent has `eval/environments.py`, which defines the bandits'
environments. `--quick` takes the data that the repository carries, and
measures what they suffice for. What is missing is said, and left out. Peers
come with the dependency group `bench`, and play one seed of each environment.

Costs are CPU time of this process. The last line is one JSON object with the
keys in KEYS; what was not measured is null there.
"""

import argparse
import importlib
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from rich.console import Console
from rich.table import Table

from services.recommender import churn, favourites, hours, offpolicy, policy, purchases, timing, value
from tests.bench.peers import bandits

CARRIED = Path(__file__).resolve().parents[2] / "examples"
SEEDS = range(5)
OFF_POLICY_SEEDS = range(20)
OTHER_SEEDS = range(100, 140)
"""Further draws of policies and halves, for what twenty owe to chance. They also chose, see `choosing.py`."""
GROCER_ZONE = "America/New_York"
"""The grocer's stamps are in UTC: its hours jump by one at each change to or from that zone's summer time."""
KEYS = (
    "bandit_mean", "offers_worst", "decide_us", "dr_error", "clv_rmse", "clv_auc", "timing_mae", "timing_auc",
    "favourite", "hour", "churn_auc", "recommend_p99_ms",
)  # fmt: skip
"""Of the last line, besides those that say more. `recommend_p99_ms` is of the running service."""

CALIBRATED_UNTIL = date(1997, 10, 1).toordinal()
"""The first day of the hold-out; the calibration ends at 1997-09-30."""
CDNOW_HORIZON_DAYS = 273
GROCER_NOW = date(2017, 10, 1).toordinal()

AT_LEAST, AT_MOST = "at least", "at most"


@dataclass
class Results:
    """What was measured, in order: for people with the target, for machines as JSON."""

    rows: list[tuple[str, float, str, float | None]] = field(default_factory=list)
    keys: dict[str, Any] = field(default_factory=lambda: dict.fromkeys(KEYS))

    def put(self, key: str, under: str, found: Any) -> None:
        """One of several numbers of a key."""
        self.keys[key] = (self.keys.get(key) or {}) | {under: found}

    def add(self, what: str, found: float, bound: str = "", target: float | None = None) -> None:
        self.rows.append((what, float(found), bound, target))


def main(options: argparse.Namespace) -> None:
    console = Console(width=None if Console().is_terminal else 120)
    results = Results()
    for package in bandits.missing():
        console.print(f"missing: {package}, not compared", highlight=False)
    folder = CARRIED if options.quick else Path(options.data)
    parts: dict[str, Callable[[Path, Results], None]] = {"value": values, "timing": cdnow_timing}
    if not options.quick:
        parts |= {"bandit": bandit, "offpolicy": off_policy, "grocer": grocer}
    parts["cost"] = cost
    for name, part in parts.items():
        if options.only and name not in options.only.split(","):
            continue
        try:
            part(folder, results)
        except (FileNotFoundError, ModuleNotFoundError) as absent:
            console.print(f"missing for {name}: {absent}", highlight=False)
    _print(console, results)
    print(orjson.dumps(results.keys, option=orjson.OPT_SERIALIZE_NUMPY).decode())


def cdnow(folder: Path, which: str) -> churn.Purchases:
    """Purchases by day, of one day merged; members numbered in the order of their ids."""
    if which == "master":
        lines = (folder / "cdnow/CDNOW_master.txt").read_text().splitlines()[1:]
        rows = [(int(a), b, float(d)) for a, b, _, d in (line.split() for line in lines)]
    else:
        lines = (folder / "cdnow/CDNOW_sample.txt").read_text().splitlines()
        rows = [(int(a), b, float(d)) for _, a, b, _, d in (line.split() for line in lines)]
    days = {text: date(int(text[:4]), int(text[4:6]), int(text[6:])).toordinal() for text in {row[1] for row in rows}}
    merged: dict[tuple[int, int], float] = {}
    for member, text, amount in rows:
        key = member, days[text]
        merged[key] = merged.get(key, 0.0) + amount
    keys = np.array(sorted(merged), np.int64)
    members = np.unique(keys[:, 0], return_inverse=True)[1].astype(np.int64)
    return churn.Purchases(members, keys[:, 1], np.array([merged[tuple(key)] for key in keys.tolist()]))


def values(folder: Path, results: Results) -> None:
    """Pareto/NBD with Gamma-Gamma, and who stays active, on CDNOW."""
    targets = {"sample": (1.603, 0.783, 72.3), "master": (1.726, 0.772, 92.9)}
    for which, (rmse, area, spend) in targets.items():
        bought = cdnow(folder, which)
        past = bought.before(CALIBRATED_UNTIL)
        # The published histories end on the last day of the calibration.
        known = churn.histories(past, CALIBRATED_UNTIL)
        last = known.purchases.last
        own = value.Histories(known.purchases.repeats, last, np.maximum(known.purchases.age - 1 / 7, last))
        model, cpu_s = _timed(lambda own=own: value.fit(own))
        results.add(f"{which}: Pareto/NBD fit, CPU s", cpu_s, AT_MOST, 2.0)
        likelihood = model.log_likelihood(own)
        if which == "sample":
            results.add("sample: log-likelihood", likelihood, "-9595.0 ± 0.1", None)
            results.keys["clv_log_likelihood"] = likelihood
            published = {"r": 0.553, "alpha": 10.58, "s": 0.606, "beta": 11.67}
            for name, number in published.items():
                results.add(f"sample: {name}", getattr(model, name), "published", number)
        outlook = model.outlook(own, CDNOW_HORIZON_DAYS / 7)
        later = bought.day >= CALIBRATED_UNTIL
        size = int(bought.member.max()) + 1
        count = np.bincount(bought.member[later], minlength=size)[known.member]
        spent = np.bincount(bought.member[later], bought.amount[later], size)[known.member]
        first = np.zeros(size)
        begins = np.unique(past.member, return_index=True)
        first[begins[0]] = past.amount[begins[1]]
        repeats = own.repeats
        average = np.where(repeats > 0, (known.total - first[known.member]) / np.maximum(repeats, 1), 0.0)
        worth = outlook.purchases * value.fit_values(repeats, average).mean(repeats, average)
        away = churn.foretell(past, CALIBRATED_UNTIL, CDNOW_HORIZON_DAYS)
        expecting = purchases.fit(past, CALIBRATED_UNTIL, CDNOW_HORIZON_DAYS)
        found = _rmse(expecting.expected(known), count), auc(count == 0, away.probability), _rmse(worth, spent)
        results.add(f"{which}: RMSE of purchases", found[0], AT_MOST, rmse)
        results.add(f"{which}: RMSE of purchases by Pareto/NBD alone", _rmse(outlook.purchases, count))
        results.add(f"{which}: AUC of active", found[1], AT_LEAST, area)
        results.add(f"{which}: AUC by Pareto/NBD alone", auc(count == 0, outlook.silent))
        results.add(f"{which}: RMSE of spend", found[2], AT_MOST, spend)
        for key, number in zip(("clv_rmse", "clv_auc", "clv_spend_rmse"), found, strict=True):
            results.put(key, which, number)
        if "lifetimes" not in bandits.missing() and which == "sample":
            _lifetimes(own, count, results)


def _lifetimes(own: value.Histories, count: Any, results: Results) -> None:
    from lifetimes import ParetoNBDFitter

    fitter = ParetoNBDFitter(penalizer_coef=0.0)
    _, cpu_s = _timed(lambda: fitter.fit(own.repeats, own.last, own.age))
    results.add("lifetimes, sample: fit, CPU s", cpu_s)
    for name in ("r", "alpha", "s", "beta"):
        results.add(f"lifetimes, sample: {name}", float(fitter.params_[name]))
    weeks = CDNOW_HORIZON_DAYS / 7
    expected = fitter.conditional_expected_number_of_purchases_up_to_time(weeks, own.repeats, own.last, own.age)
    results.add("lifetimes, sample: RMSE of purchases", _rmse(np.asarray(expected), count))
    results.put("peers", "lifetimes_clv_rmse", _rmse(np.asarray(expected), count))


def cdnow_timing(folder: Path, results: Results) -> None:
    bought = cdnow(folder, "master")
    now = date(1998, 1, 1).toordinal()  # 1997-12-31 is past
    series = timing.Purchases(bought.member, bought.day, np.arange(int(bought.member.max()) + 1))
    _timing("cdnow", series, now, timing.Horizon(180, 28, 3), (54.0, 0.701), results)


def _timing(
    name: str,
    series: timing.Purchases,
    now: int,
    horizon: timing.Horizon,
    targets: tuple[float, float],
    results: Results,
) -> None:
    past = series.before(now)
    began = time.process_time()
    forecast = timing.fit(past, now, horizon).forecast(past, now)
    results.add(f"timing {name}: fit and forecast, CPU s", time.process_time() - began)
    following = np.full(len(series.member), np.inf)
    later = series.day >= now
    np.minimum.at(following, series.series[later], series.day[later] - now + 1.0)
    following = following[forecast.series]
    wait, soon = np.minimum(following, horizon.days), following <= horizon.window
    error = float(np.abs(forecast.median() - wait).mean())
    area = auc(soon, forecast.by(horizon.window))
    results.add(f"timing {name}: error, days", error, AT_MOST, targets[0])
    results.add(f"timing {name}: AUC", area, AT_LEAST, targets[1])
    results.put("timing_mae", name, error)
    results.put("timing_auc", name, area)
    # The textbook: the median interval less what has passed of it.
    same = past.series[1:] == past.series[:-1]
    gaps, whose = np.diff(past.day)[same], past.series[1:][same]
    order = np.lexsort((gaps, whose))
    gaps, whose = gaps[order], whose[order]
    starts, counts = np.unique(whose, return_index=True, return_counts=True)[1:]
    usual = np.zeros(len(series.member))
    usual[np.unique(whose)] = (gaps[starts + (counts - 1) // 2] + gaps[starts + counts // 2]) / 2
    last = np.zeros(len(series.member))
    np.maximum.at(last, past.series, past.day.astype(float))
    left = (usual - (now - 1 - last))[forecast.series]
    results.add(f"textbook {name}: error, days", float(np.abs(np.clip(left, 0, horizon.days) - wait).mean()))
    results.add(f"textbook {name}: AUC", auc(soon, -left))


def bandit(folder: Path, results: Results) -> None:
    """One configuration of ours in all environments, and peers in one seed of each."""
    environments = read_environments(folder)
    names = ("digits", "segments", "offers")
    rewards: dict[str, list[float]] = {}
    for name in names:
        rewards[name] = [
            play(environments, name, seed, lambda arms, d, seed=seed: Drawn(policy.Policy(arms, d), seed))
            for seed in SEEDS
        ]
        results.add(f"bandit {name}: mean reward", float(np.mean(rewards[name])))
    mean, worst = float(np.mean([np.mean(found) for found in rewards.values()])), min(rewards["offers"])
    results.add("bandit: mean of all", mean, AT_LEAST, 0.728)
    results.add("bandit: worst seed of offers", worst, AT_LEAST, 0.436)
    results.keys |= {"bandit_mean": mean, "offers_worst": worst}
    for peer, made in bandits.PEERS.items():
        if peer in bandits.missing():
            continue
        found = [play(environments, name, 0, lambda arms, d, made=made: made(arms, d, 0)) for name in names]
        for name, reward in zip(names, found, strict=True):
            results.add(f"{peer} {name}: reward, seed 0", reward)
        results.add(f"{peer}: mean of all, seed 0", float(np.mean(found)))
        results.put("peers", f"{peer}_bandit_mean", float(np.mean(found)))
    ours = float(np.mean([rewards[name][0] for name in names]))
    results.add("ours: mean of all, seed 0", ours)
    results.put("peers", "ours_bandit_mean", ours)


class Drawn:
    """A policy with its own random source."""

    def __init__(self, made: policy.Policy, seed: int) -> None:
        self._policy, self._draws = made, np.random.default_rng(seed)
        self.learn = made.learn

    def decide(self, x: np.ndarray) -> int:
        return self._policy.decide(x, self._draws)


def play(environments: Any, name: str, seed: int, made: Callable[[int, int], bandits.Deciding]) -> float:
    """The mean reward of a policy that learns as it goes; logged environments by replay."""
    if name in ("digits", "segments"):
        X, right, arms = environments.__dict__[name](seed)  # noqa: N806 -- as the environments call it
        playing = made(arms, X.shape[1])
        won = 0
        for x, wanted in zip(X, right, strict=True):
            arm = playing.decide(x)
            won += arm == wanted
            playing.learn(arm, x, float(arm == wanted))
        return won / len(X)
    X, logged, rewards, arms, _ = environments.__dict__[name](seed)  # noqa: N806
    playing = made(arms, X.shape[1])
    total, played = 0.0, 0
    for x, arm, reward in zip(X, logged.tolist(), rewards.tolist(), strict=True):
        if playing.decide(x) == arm:
            total, played = total + reward, played + 1
            playing.learn(arm, x, reward)
    return total / played


def off_policy(folder: Path, results: Results) -> None:
    """Estimates from logs of a known skewed policy, against the half of the customers that are the truth."""
    environments = read_environments(folder)
    for name, target in (("offers_completed", 0.020), ("offers", 0.036), ("mailings", 0.031)):
        found = [compared(environments, name, seed) for seed in OFF_POLICY_SEEDS]
        for estimator in ESTIMATORS:
            error = float(np.mean([each.error(estimator) for each in found]))
            covered = sum(each.covered(estimator) for each in found)
            judged = estimator == "doubly_robust"
            results.add(f"{name}: relative error, {estimator}", error, *((AT_MOST, target) if judged else ()))
            results.add(f"{name}: covered of 20, {estimator}", covered, *((AT_LEAST, 18.0) if judged else ()))
            if judged:
                results.put("dr_error", name, error)
                results.put("dr_covered", name, covered)
        further = [compared(environments, name, seed) for seed in OTHER_SEEDS]
        error = float(np.mean([each.error("doubly_robust") for each in further]))
        results.add(f"{name}: relative error, doubly_robust, 40 other seeds", error)
        results.put("dr_error_other_seeds", name, error)
        for allowing in (False, True):
            covered = sum(each.covered("doubly_robust", allowing) for each in further)
            allowed = ", the truth's own error allowed for" if allowing else ""
            results.add(f"{name}: covered of 40 other seeds{allowed}", covered)


ESTIMATORS = ("ips", "snips", "direct", "doubly_robust")


@dataclass(frozen=True, slots=True)
class Compared:
    """What is said of a candidate from the log, and what is true of it."""

    said: offpolicy.Evaluation
    truth: float
    truth_reach: float

    def error(self, estimator: str) -> float:
        """Relative."""
        return abs(getattr(self.said, estimator).value - self.truth) / abs(self.truth)

    def covered(self, estimator: str, allowing: bool = False) -> bool:
        """Is the truth inside the interval?

        The truth is an estimate itself, of other customers; its error is allowed for if it is asked.
        """
        estimate = getattr(self.said, estimator)
        reach = float(np.hypot(estimate.high - estimate.value, self.truth_reach if allowing else 0.0))
        return abs(estimate.value - self.truth) <= reach


def compared(environments: Any, name: str, seed: int) -> Compared:
    """One draw of the logging policy, the candidate and the halves.

    The logging policy is a softmax of random weights on the standardised
    features over the root of their number, with a fifth of it even; the
    candidate is another such softmax. The truth is of the uniformly logged
    half: doubly robust there, which is unbiased whatever its model.
    """
    X, arm, reward, arms, member = environments.__dict__[name.split("_")[0]](seed)  # noqa: N806
    if name == "offers_completed":
        reward = (reward > 0).astype(float)
    draws = np.random.default_rng(seed)
    scaled = (X - X.mean(axis=0)) / (X.std(axis=0) + 1e-9)
    scaled[:, 0] = 1.0
    scaled /= np.sqrt(X.shape[1])
    logging = 0.2 / arms + 0.8 * _softmax(scaled @ draws.normal(size=(X.shape[1], arms)))
    candidate = _softmax(scaled @ draws.normal(size=(X.shape[1], arms)))
    half = (draws.permutation(int(member.max()) + 1) < (int(member.max()) + 1) // 2)[member]
    rows = np.arange(len(arm))
    kept = ~half & (draws.random(len(arm)) < logging[rows, arm] / logging.max())
    uniform = offpolicy.Log(arm[half], np.full(int(half.sum()), 1.0 / arms), reward[half], member[half])
    truth = offpolicy.evaluate(uniform, candidate[half], offpolicy.cross_fitted(X[half], uniform, arms))
    log = offpolicy.Log(arm[kept], logging[rows, arm][kept], reward[kept], member[kept])
    said = offpolicy.evaluate(log, candidate[kept], offpolicy.cross_fitted(X[kept], log, arms))
    return Compared(said, truth.doubly_robust.value, truth.doubly_robust.high - truth.doubly_robust.value)


@dataclass(frozen=True, slots=True)
class Grocer:
    """The grocer's purchase lines as columns; households and product types are numbered, -1 being no type."""

    household: Any
    day: Any
    hour: Any
    local_hour: Any
    kind: Any
    basket: Any
    amount: Any

    @property
    def members(self) -> int:
        return int(self.household.max()) + 1

    def trips(self) -> "Grocer":
        """The first line of each basket."""
        first = np.unique(self.basket, return_index=True)[1]
        return Grocer(**{column.name: getattr(self, column.name)[first] for column in fields(self)})


def read_grocer(folder: Path) -> Grocer:
    import pandas as pd

    lines = pd.read_parquet(folder / "completejourney/transactions.parquet")
    types = pd.read_parquet(folder / "completejourney/products.parquet")[["product_id", "product_type"]]
    lines = lines.merge(types, on="product_id", how="left")
    stamps = lines.transaction_timestamp
    return Grocer(
        household=pd.factorize(lines.household_id, sort=True)[0].astype(np.int64),
        day=((stamps.dt.normalize() - pd.Timestamp(1970, 1, 1)).dt.days + date(1970, 1, 1).toordinal()).to_numpy(
            np.int64
        ),
        hour=stamps.dt.hour.to_numpy(np.int64),
        local_hour=stamps.dt.tz_localize("UTC").dt.tz_convert(GROCER_ZONE).dt.hour.to_numpy(np.int64),
        kind=pd.factorize(lines.product_type, sort=True)[0].astype(np.int64),
        basket=pd.factorize(lines.basket_id)[0].astype(np.int64),
        amount=lines.sales_value.to_numpy(),
    )


def grocer(folder: Path, results: Results) -> None:
    """Trips and product types of the grocer's households, before and after 2017-10-01."""
    lines = read_grocer(folder)
    household, day = lines.household, lines.day
    series = series_of(household, day, np.arange(lines.members))
    _timing("trips", series, GROCER_NOW, timing.Horizon(60, 7, 5), (8.2, 0.803), results)
    typed = lines.kind >= 0
    kinds = int(lines.kind.max()) + 1
    pairs, place = np.unique(household[typed] * kinds + lines.kind[typed], return_inverse=True)
    series = series_of(place.astype(np.int64), day[typed], pairs // kinds)
    _timing("types", series, GROCER_NOW, timing.Horizon(60, 14, 5), (17.3, 0.708), results)

    away = churn.foretell(churn.Purchases(household, day, lines.amount), GROCER_NOW, 56)
    silent = ~np.isin(away.member, household[(day >= GROCER_NOW) & (day < GROCER_NOW + 56)])
    results.keys["churn_auc"] = auc(silent, away.probability)
    results.add("grocer: churn AUC", results.keys["churn_auc"], AT_LEAST, 0.885)

    trips = lines.trips()
    for clock, hour in (("local", trips.local_hour), ("UTC", trips.hour)):
        told, inside = hour_of_trips(trips, hour, GROCER_NOW)
        results.add(f"grocer: {clock} hour, log-likelihood a trip", told, AT_LEAST, -2.655)
        results.add(f"grocer: {clock} hour, share in the best three", inside, AT_LEAST, 0.359)
        results.put("hour" if clock == "local" else "hour_utc", "log_likelihood", told)
        results.put("hour" if clock == "local" else "hour_utc", "best_three", inside)

    for least in (1, 3, 5):
        ours = favourite(lines, GROCER_NOW, least=least)
        label = f"grocer: favourite, {least} trips or more on either side, {ours.households} households"
        judged = least == 1
        results.add(f"{label}: exact", ours.exact, *((AT_LEAST, 0.415) if judged else ()))
        results.add(f"{label}: exact, ties to the first", ours.first)
        results.add(f"{label}: precision at ten", ours.precision, *((AT_LEAST, 0.705) if judged else ()))
        results.put("favourite", f"from_{least}", {"exact": ours.exact, "precision_at_ten": ours.precision})
    if "implicit" not in bandits.missing():
        theirs = favourite(lines, GROCER_NOW, ranked=_implicit)
        results.add("implicit's ALS: favourite, exact", theirs.exact)
        results.add("implicit's ALS: favourite, precision at ten", theirs.precision)
        results.put("peers", "implicit_favourite", {"exact": theirs.exact, "precision_at_ten": theirs.precision})


def hour_of_trips(trips: Grocer, hour: Any, now: int, until: int = 10**9) -> tuple[float, float]:
    """Log-likelihood a trip from the day `now` until another, and the share in the best three hours.

    Of households that came before; everything is learnt before `now`.
    """
    before, after = trips.day < now, (trips.day >= now) & (trips.day < until)
    days_ago = (now - trips.day[before]).astype(float)
    known = hours.visits(trips.household[before], hour[before], days_ago, trips.members)
    shares = hours.likely(known, np.bincount(hour[before], minlength=hours.HOURS).astype(float))
    after &= (np.bincount(trips.household[before], minlength=trips.members) > 0)[trips.household]
    whose, came = trips.household[after], hour[after]
    told = float(np.log(shares[whose, came]).mean())
    inside = float((hours.best(shares)[whose] == came[:, None]).any(axis=1).mean())
    return told, inside


@dataclass(frozen=True, slots=True)
class Favourite:
    """How right favourites were: the first, ties of those bought most counting or not, and the share of ten bought."""

    households: int
    exact: float
    first: float
    precision: float


def favourite(
    lines: Grocer, now: int, until: int = 10**9, least: int = 1, ranked: Callable[[Any, Any], Any] | None = None
) -> Favourite:
    """Favourites by baskets before the day `now`, against baskets from then on; households that came in both."""
    members, kinds = lines.members, int(lines.kind.max()) + 1
    typed = lines.kind >= 0

    def distinct(*columns: Any, rows: Any) -> Any:
        return np.unique(np.column_stack([column[rows] for column in columns]), axis=0).T

    past, following = typed & (lines.day < now), typed & (lines.day >= now) & (lines.day < until)
    whose, _, day = distinct(lines.household, lines.basket, lines.day, rows=past)
    trips = np.bincount(whose, minlength=members)
    baskets = np.bincount(whose, favourites.weights((now - day).astype(float)), members)
    who, what, _, day = distinct(lines.household, lines.kind, lines.basket, lines.day, rows=past)
    if ranked is None:
        weight = favourites.weights((now - day).astype(float))
        item = favourites.favourites(who, what, weight, baskets).item
    else:
        item = ranked(who, what)
    later_trips = np.bincount(distinct(lines.household, lines.basket, rows=following)[0], minlength=members)
    who, what, _ = distinct(lines.household, lines.kind, lines.basket, rows=following)
    later = np.bincount(who * kinds + what, minlength=members * kinds).reshape(members, kinds)
    there = (trips >= least) & (later_trips >= least)
    chosen, counts = item[there], later[there]
    best = counts[np.arange(len(counts)), chosen[:, 0]]
    return Favourite(
        len(counts),
        float((best == counts.max(axis=1)).mean()),
        float((chosen[:, 0] == counts.argmax(axis=1)).mean()),
        float((np.take_along_axis(counts, chosen, axis=1) > 0).mean()),
    )


def _implicit(who: Any, what: Any) -> Any:
    """Ten items of each member by implicit's alternating least squares (Hu, Koren and Volinsky), as it comes."""
    from implicit.als import AlternatingLeastSquares
    from scipy.sparse import csr_matrix

    table = csr_matrix((np.ones(len(who), np.float32), (who, what)))
    model = AlternatingLeastSquares(random_state=1, num_threads=1)
    model.fit(table, show_progress=False)
    return model.recommend(np.arange(table.shape[0]), table, N=10, filter_already_liked_items=False)[0]


def cost(folder: Path, results: Results) -> None:
    """CPU of deciding and learning at 50 arms and 50 features; of scoring a million; frequencies by propensity."""
    draws = np.random.default_rng(1)
    contexts, weights = draws.normal(size=(3_000, 50)) / 3, draws.normal(size=(50, 50)) / 5
    for exact, bound in ((False, 60.0), (True, 300.0)):
        playing = policy.Policy(50, 50)
        began = time.process_time()
        for x in contexts:
            arm = playing.decide(x, draws)
            if exact:
                playing.propensities(x)
            playing.learn(arm, x, float(weights[arm] @ x))
        us = (time.process_time() - began) / len(contexts) * 1e6
        results.add(f"decide and learn{', with propensities' if exact else ''}: CPU µs", us, AT_MOST, bound)
        results.keys["decide_propensity_us" if exact else "decide_us"] = us
    results.keys["weighted_counts"] = weighted_counts()
    results.add("weighted counts: worst arm's deviation", results.keys["weighted_counts"], AT_MOST, 0.02)
    repeats = draws.poisson(1.5, 1_000_000).astype(float)
    age = draws.uniform(20, 39, len(repeats))
    own = value.Histories(repeats, np.where(repeats > 0, age * draws.uniform(0.01, 1, len(repeats)), 0.0), age)
    model, spend = value.ParetoNbd(0.553, 10.58, 0.606, 11.67), value.GammaGamma(6.25, 3.74, 15.44)
    _, cpu_s = _timed(lambda: model.outlook(own, 39.0).purchases * spend.mean(repeats, age))
    results.add("a million members scored: CPU s", cpu_s, AT_MOST, 1.0)
    results.keys["score_million_s"] = cpu_s


def weighted_counts() -> float:
    """The largest deviation from 1 of an arm's choices, each counted 1 / propensity, a round.

    Four arms of three features with a floor of a fifth, 200,000 rounds: the rarest arm's
    count has a deviation of one hundredth.
    """
    draws = np.random.default_rng(5)
    playing = policy.Policy(4, 3, policy.Exploration(floor=0.2))
    truth = draws.normal(size=(4, 3)) / 3
    sums, rounds = np.zeros(4), 200_000
    for number in range(rounds):
        x = np.concatenate([[1.0], draws.normal(size=2)])
        arm = playing.decide(x, draws)
        sums[arm] += 1.0 / playing.propensities(x)[arm]
        if number < 200:
            playing.learn(arm, x, float(truth[arm] @ x + draws.normal()))
    return float(np.abs(sums / rounds - 1.0).max())


def auc(positive: Any, score: Any) -> float:
    """The probability that a positive has the higher score; ties count half."""
    _, place, counts = np.unique(score, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    yes = int(np.sum(positive))
    return float((ranks[positive].sum() - yes * (yes + 1) / 2) / (yes * (len(ranks) - yes)))


def series_of(number: Any, day: Any, member: Any) -> timing.Purchases:
    rows = np.unique(np.column_stack([number, day]), axis=0)
    return timing.Purchases(rows[:, 0], rows[:, 1], member)


def _softmax(scores: Any) -> Any:
    grown = np.exp(scores - scores.max(axis=1, keepdims=True))
    return grown / grown.sum(axis=1, keepdims=True)


def _rmse(found: Any, wanted: Any) -> float:
    return float(np.sqrt(np.mean((found - wanted) ** 2)))


def _timed(do: Callable[[], Any]) -> tuple[Any, float]:
    began = time.process_time()
    done = do()
    return done, time.process_time() - began


def read_environments(folder: Path) -> Any:
    """The module that defines the environments, from beside the data."""
    where = folder.resolve().parent / "eval"
    if not (where / "environments.py").exists():
        raise FileNotFoundError(where / "environments.py")
    sys.path.insert(0, str(where))
    try:
        return importlib.import_module("environments")
    finally:
        sys.path.remove(str(where))


def _print(console: Console, results: Results) -> None:
    table = Table(title="Measured, beside the targets", title_justify="left")
    for column in ("measure", "is", "should be", ""):
        table.add_column(column, justify="left" if column in ("measure", "") else "right")
    for what, found, bound, target in results.rows:
        wanted = f"{bound} {target:,.4g}" if target is not None else bound
        met = {AT_LEAST: found >= (target or 0.0), AT_MOST: found <= (target or 0.0)}.get(bound)
        table.add_row(what, f"{found:,.4f}", wanted, "" if met is None or target is None else "yes" if met else "NO")
    console.print(table)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="../shared/data", help="folder of the data that the repository cannot carry")
    parser.add_argument("--quick", action="store_true", help="with the data that the repository carries")
    parser.add_argument("--only", default="", help="of value, timing, bandit, offpolicy, grocer and cost, by commas")
    return parser.parse_args()


if __name__ == "__main__":
    main(arguments())
