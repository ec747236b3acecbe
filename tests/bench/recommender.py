"""How good the recommender's models are on real data, beside the targets and beside what others publish.

`make bench-recommender DATA=folder`, or `python -m tests.bench.recommender --help`.
The folder's parent has `eval/environments.py`, which defines the bandits'
environments. `--quick` takes the data that the repository carries, and
measures what they suffice for. What is missing is said, and left out. Peers
come with the dependency group `bench`, and play one seed of each environment.

Costs are CPU time of this process. The last line is one JSON object.
"""

import argparse
import importlib
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from rich.console import Console
from rich.table import Table

from services.recommender import churn, favourites, hours, offpolicy, policy, timing, value
from tests.bench.peers import bandits

CARRIED = Path(__file__).resolve().parents[2] / "examples"
SEEDS = range(5)
OFF_POLICY_SEEDS = range(20)

CALIBRATED_UNTIL = date(1997, 10, 1).toordinal()
"""The first day of the hold-out; the calibration ends at 1997-09-30."""
CDNOW_HORIZON_DAYS = 273
GROCER_NOW = date(2017, 10, 1).toordinal()

AT_LEAST, AT_MOST = "at least", "at most"


@dataclass
class Results:
    """What was measured, in order: for people with the target, for machines as JSON."""

    rows: list[tuple[str, float, str, float | None]] = field(default_factory=list)
    keys: dict[str, Any] = field(default_factory=dict)

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
        found = _rmse(outlook.purchases, count), auc(count == 0, away.probability), _rmse(worth, spent)
        results.add(f"{which}: RMSE of purchases", found[0], AT_MOST, rmse)
        results.add(f"{which}: AUC of active", found[1], AT_LEAST, area)
        results.add(f"{which}: AUC by Pareto/NBD alone", auc(count == 0, outlook.silent))
        results.add(f"{which}: RMSE of spend", found[2], AT_MOST, spend)
        for key, number in zip(("clv_rmse", "clv_auc", "clv_spend_rmse"), found, strict=True):
            results.keys.setdefault(key, {})[which] = number
        if "lifetimes" not in bandits.missing() and which == "sample":
            _lifetimes(own, results)


def _lifetimes(own: value.Histories, results: Results) -> None:
    from lifetimes import ParetoNBDFitter

    fitter = ParetoNBDFitter(penalizer_coef=0.0)
    _, cpu_s = _timed(lambda: fitter.fit(own.repeats, own.last, own.age))
    results.add("lifetimes, sample: fit, CPU s", cpu_s)
    for name in ("r", "alpha", "s", "beta"):
        results.add(f"lifetimes, sample: {name}", float(fitter.params_[name]))


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
    results.keys.setdefault("timing_mae", {})[name] = error
    results.keys.setdefault("timing_auc", {})[name] = area
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
    environments = _environments(folder)
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
        results.keys.setdefault("peers", {})[peer] = float(np.mean(found))
    ours = float(np.mean([rewards[name][0] for name in names]))
    results.add("ours: mean of all, seed 0", ours)


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
    """Estimates from logs of a known skewed policy, against the half of the customers that are the truth.

    The logging policy is a softmax of random weights on the standardised
    features over the root of their number, with a fifth of it even; the
    candidate is another such softmax. The truth is of the uniformly logged
    half: doubly robust there, which is unbiased whatever its model.
    """
    environments = _environments(folder)
    for name, targets in (("offers_completed", 0.020), ("offers", 0.036), ("mailings", 0.031)):
        errors: dict[str, list[float]] = {}
        covered: dict[str, int] = {}
        plain = []
        for seed in OFF_POLICY_SEEDS:
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
            model = offpolicy.cross_fitted(X[half], uniform, arms)
            judged = offpolicy.evaluate(uniform, candidate[half], model)
            truth = judged.doubly_robust.value
            log = offpolicy.Log(arm[kept], logging[rows, arm][kept], reward[kept], member[kept])
            found = offpolicy.evaluate(log, candidate[kept], offpolicy.cross_fitted(X[kept], log, arms))
            for estimator in ("ips", "snips", "direct", "doubly_robust"):
                estimate = getattr(found, estimator)
                errors.setdefault(estimator, []).append(abs(estimate.value - truth) / abs(truth))
                covered[estimator] = covered.get(estimator, 0) + int(estimate.low <= truth <= estimate.high)
            plain.append(abs(found.doubly_robust.value - judged.ips.value) / abs(judged.ips.value))
        for estimator, each in errors.items():
            wanted = (AT_MOST, targets) if estimator == "doubly_robust" else ("", None)
            results.add(f"{name}: relative error, {estimator}", float(np.mean(each)), *wanted)
            wanted = (AT_LEAST, 18.0) if estimator == "doubly_robust" else ("", None)
            results.add(f"{name}: covered of 20, {estimator}", covered[estimator], *wanted)
        results.add(f"{name}: relative error, doubly_robust, by the plain mean of the truth", float(np.mean(plain)))
        results.keys.setdefault("dr_error", {})[name] = float(np.mean(errors["doubly_robust"]))
        results.keys.setdefault("dr_covered", {})[name] = covered["doubly_robust"]


def grocer(folder: Path, results: Results) -> None:
    """Trips and product types of the grocer's households, before and after 2017-10-01."""
    import pandas as pd

    lines = pd.read_parquet(folder / "completejourney/transactions.parquet")
    types = pd.read_parquet(folder / "completejourney/products.parquet")[["product_id", "product_type"]]
    lines = lines.merge(types, on="product_id", how="left")
    stamps = lines.transaction_timestamp
    day = (stamps.dt.normalize() - pd.Timestamp(1970, 1, 1)).dt.days.to_numpy() + date(1970, 1, 1).toordinal()
    household = pd.factorize(lines.household_id, sort=True)[0].astype(np.int64)
    hour = stamps.dt.hour.to_numpy().astype(np.int64)
    members = int(household.max()) + 1
    past = day < GROCER_NOW

    series = _series(household, day.astype(np.int64), np.arange(members))
    _timing("trips", series, GROCER_NOW, timing.Horizon(60, 7, 5), (8.2, 0.803), results)
    typed = lines.product_type.notna().to_numpy()
    kinds = pd.factorize(lines.product_type[typed], sort=True)[0].astype(np.int64)
    pairs, place = np.unique(household[typed] * (int(kinds.max()) + 1) + kinds, return_inverse=True)
    whose = pairs // (int(kinds.max()) + 1)
    series = _series(place.astype(np.int64), day[typed].astype(np.int64), whose)
    _timing("types", series, GROCER_NOW, timing.Horizon(60, 14, 5), (17.3, 0.708), results)

    bought = churn.Purchases(household, day.astype(np.int64), lines.sales_value.to_numpy())
    away = churn.foretell(bought, GROCER_NOW, 56)
    silent = ~np.isin(away.member, household[~past & (day < GROCER_NOW + 56)])
    results.keys["churn_auc"] = auc(silent, away.probability)
    results.add("grocer: churn AUC", results.keys["churn_auc"], AT_LEAST, 0.885)

    _, trip = np.unique(lines.basket_id.to_numpy(), return_index=True)
    before, after = trip[past[trip]], trip[~past[trip]]
    known = hours.visits(household[before], hour[before], (GROCER_NOW - day[before]).astype(float), members)
    shares = hours.likely(known, np.bincount(hour[before], minlength=hours.HOURS).astype(float))
    seen = np.bincount(household[before], minlength=members) > 0
    after = after[seen[household[after]]]
    told = float(np.log(shares[household[after], hour[after]]).mean())
    inside = float((hours.best(shares)[household[after]] == hour[after][:, None]).any(axis=1).mean())
    results.add("grocer: hour, log-likelihood a trip", told, AT_LEAST, -2.655)
    results.add("grocer: hour, share in the best three", inside, AT_LEAST, 0.359)
    results.keys["hour"] = {"log_likelihood": told, "best_three": inside}
    _favourites(lines.basket_id.to_numpy()[typed], household[typed], kinds, past[typed], results)


def _favourites(basket: Any, household: Any, kind: Any, past: Any, results: Results) -> None:
    """Favourites by baskets before, against baskets after; households that came in both."""
    members, kinds = int(household.max()) + 1, int(kind.max()) + 1

    def table(rows: Any) -> Any:
        triples = np.unique(np.column_stack([household[rows], kind[rows], basket[rows]]), axis=0)
        return triples[:, 0], triples[:, 1]

    def trips(rows: Any) -> Any:
        return np.bincount(np.unique(np.column_stack([household[rows], basket[rows]]), axis=0)[:, 0], minlength=members)

    baskets, following = trips(past), trips(~past)
    found = favourites.favourites(*table(past), baskets.astype(float))
    who, what = table(~past)
    later = np.bincount(who * kinds + what, minlength=members * kinds).reshape(members, kinds)
    for least in (1, 5):
        there = (baskets >= least) & (following >= least)
        ranked, counts = found.item[there], later[there]
        best = counts[np.arange(len(counts)), ranked[:, 0]]
        exact = float((best == counts.max(axis=1)).mean())
        first = float((ranked[:, 0] == counts.argmax(axis=1)).mean())
        precision = float((np.take_along_axis(counts, ranked, axis=1) > 0).mean())
        label = f"grocer: favourite, {least} trips or more on either side, {len(counts)} households"
        wanted = ((AT_LEAST, 0.415), (AT_LEAST, 0.705)) if least == 1 else (("", None), ("", None))
        results.add(f"{label}: exact", exact, *wanted[0])
        results.add(f"{label}: exact, ties to the first", first)
        results.add(f"{label}: precision at ten", precision, *wanted[1])
        results.keys.setdefault("favourite", {})[f"from_{least}"] = {"exact": exact, "precision_at_ten": precision}


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


def _series(series: Any, day: Any, member: Any) -> timing.Purchases:
    rows = np.unique(np.column_stack([series, day]), axis=0)
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


def _environments(folder: Path) -> Any:
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
