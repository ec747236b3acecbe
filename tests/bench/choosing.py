"""Chooses the constants of the recommender's models, without what they are measured on.

`make choose-recommender DATA=folder`, or `python -m tests.bench.choosing --help`.
Each constant has a grid and a criterion. A bandit's are played in the
simulated environments of `simulated.py`; the others' are judged by earlier
days of the training part, but for off-policy evaluation, whose draws of
policies and halves have other seeds than the measure. What is chosen is
printed beside what the modules hold; the last line is one JSON object.
"""

import argparse
import itertools
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import orjson
from rich.console import Console
from rich.table import Table

from services.recommender import churn, favourites, hours, offpolicy, policy, purchases, timing, value
from tests.bench import recommender as bench
from tests.bench import simulated

ENVIRONMENTS, ORDERS = 10, 3
GROCER_SPLITS = [(date(2017, month, 1).toordinal(), date(2017, month + 3, 1).toordinal()) for month in (5, 6, 7)]
"""Days that are taken for the present, and the day on which what followed ends: all before the hold-out."""

EQUAL = 0.001
"""Criteria that differ by less are equal, where one configuration is plainer than the other."""
RIDGES = ("pooling", "purchases", "timing")
"""Choices of one ridge. Of equals the strongest is taken: it departs least from the model that it corrects."""

Grid = Iterator[tuple[Any, float, str]]
"""Each configuration with its criterion, the higher the better, and what else is to be said of it."""


def bandits(folder: Path) -> Grid:
    """Bonus, noise and the prior's count: the mean over environments of the worst of three orders."""
    environments = [
        [make(number).ordered(order) for order in range(ORDERS)]
        for make in simulated.KINDS.values()
        for number in range(ENVIRONMENTS)
    ]
    for bonus, noise, count in itertools.product((0.35, 0.5, 0.7, 1.0), (0.05, 0.1), (3.0, 10.0)):
        with patch.multiple(policy, VARIANCE_COUNT=count):
            found = [
                [
                    _earned(environment, policy.Exploration(bonus, noise), order)
                    for order, environment in enumerate(same)
                ]
                for same in environments
            ]
        yield (bonus, noise, count), float(np.min(found, axis=1).mean()), f"mean {np.mean(found):.4f}"


def _earned(environment: simulated.Environment, exploration: policy.Exploration, seed: int) -> float:
    rounds, arms = environment.rewards.shape
    playing, draws = policy.Policy(arms, environment.features.shape[1], exploration), np.random.default_rng(seed)
    total = 0.0
    for x, rewards in zip(environment.features, environment.rewards, strict=True):
        arm = playing.decide(x, draws)
        total += float(rewards[arm])
        playing.learn(arm, x, float(rewards[arm]))
    return total / rounds


def pooling(folder: Path) -> Grid:
    """How far arms share a model of outcomes: the mean relative error of doubly robust over the three sets."""
    environments = bench.read_environments(folder)
    for pooled in (1.0, 10.0, 100.0, 1_000.0):
        with patch.object(offpolicy.cross_fitted, "__defaults__", (5, offpolicy.RIDGE, pooled)):
            found = [
                np.mean([bench.compared(environments, name, seed).error("doubly_robust") for seed in bench.OTHER_SEEDS])
                for name in ("offers_completed", "offers", "mailings")
            ]
        yield pooled, -float(np.mean(found)), ", ".join(f"{error:.4f}" for error in found)


def contact_hours(folder: Path) -> Grid:
    """The two steps of shrinking: log-likelihood a trip plus the share in the best three, local and UTC hours."""
    lines = bench.read_grocer(folder).trips()
    wide = itertools.product((2.0, 4.0), (4.0, 8.0), (365.0,))
    narrow = itertools.product((15.0, 20.0, 30.0), (12.0, 18.0, 25.0), (60.0, 90.0, 120.0))
    for steps in itertools.product(wide, narrow):
        with patch.multiple(hours, STEPS=tuple(hours.Shrinking(*step) for step in steps)):
            told, inside = np.mean(
                [
                    bench.hour_of_trips(lines, hour, now, until)
                    for now, until in GROCER_SPLITS
                    for hour in (lines.local_hour, lines.hour)
                ],
                axis=0,
            )
        yield steps, float(told + inside), f"log-likelihood {told:.4f}, in the best three {inside:.4f}"


def favourite(folder: Path) -> Grid:
    """Strength and half-life: the mean of exact and precision at ten."""
    lines = bench.read_grocer(folder)
    for strength, half_life in itertools.product((2.0, 5.0, 8.0, 12.0), (60.0, 90.0, 120.0, 180.0)):
        with patch.multiple(favourites, STRENGTH=strength, HALF_LIFE_DAYS=half_life):
            found = [bench.favourite(lines, now, until) for now, until in GROCER_SPLITS]
        exact, precision = np.mean([[each.exact, each.precision] for each in found], axis=0)
        yield (strength, half_life), float(exact + precision) / 2, f"exact {exact:.4f}, precision {precision:.4f}"


def purchase_ridge(folder: Path) -> Grid:
    """The ridge of purchases: error over the Pareto/NBD's alone, CDNOW, 56, 91 and 120 days before its hold-out."""
    sets = [bench.cdnow(folder, which).before(bench.CALIBRATED_UNTIL) for which in ("sample", "master")]
    for ridge in (10.0, 30.0, 100.0, 300.0, 1_000.0):
        with patch.multiple(purchases, RIDGE=ridge):
            found = [_error(bought, ahead) for bought in sets for ahead in (56, 91, 120)]
        yield ridge, -float(np.mean(found)), ", ".join(f"{error:.3f}" for error in found)


def _error(bought: churn.Purchases, ahead: int) -> float:
    now = bench.CALIBRATED_UNTIL - ahead
    expecting, known = purchases.fit(bought, now, ahead), churn.histories(bought, now)
    size = int(bought.member.max()) + 1
    count = np.bincount(bought.member[bought.day >= now], minlength=size)[known.member]
    alone = value.fit(known.purchases).outlook(known.purchases, ahead / churn.WEEK_DAYS).purchases
    return float(np.mean((expecting.expected(known) - count) ** 2) / np.mean((alone - count) ** 2)) ** 0.5


def timing_ridge(folder: Path) -> Grid:
    """The hazard's ridge: the area under the curve, 60 and 90 days before the stated day, CDNOW and trips."""
    bought = bench.cdnow(folder, "master")
    until = date(1998, 1, 1).toordinal()
    shop = timing.Purchases(bought.member, bought.day, np.arange(int(bought.member.max()) + 1)).before(until)
    lines = bench.read_grocer(folder)
    trips = bench.series_of(lines.household, lines.day, np.arange(lines.members)).before(bench.GROCER_NOW)
    for ridge in (3.0, 10.0, 30.0, 100.0, 300.0):
        with patch.multiple(timing, RIDGE=ridge):
            found = [_area(shop, until - before, timing.Horizon(60, 28, 3)) for before in (60, 90)] + [
                _area(trips, bench.GROCER_NOW - before, timing.Horizon(60, 7, 5)) for before in (60, 90)
            ]
        yield ridge, float(np.mean(found)), ", ".join(f"{area:.4f}" for area in found)


def _area(bought: timing.Purchases, now: int, horizon: timing.Horizon) -> float:
    past = bought.before(now)
    forecast = timing.fit(past, now, horizon).forecast(past, now)
    soon = np.unique(bought.series[(bought.day >= now) & (bought.day < now + horizon.window)])
    return bench.auc(np.isin(forecast.series, soon), forecast.by(horizon.window))


CHOICES: dict[str, tuple[Callable[[Path], Grid], Callable[[], Any]]] = {
    "bandit": (bandits, lambda: (policy.Exploration().bonus, policy.Exploration().noise, policy.VARIANCE_COUNT)),
    "pooling": (pooling, lambda: offpolicy.POOLING),
    "hours": (
        contact_hours,
        lambda: tuple((step.concentration, step.strength, step.half_life_days) for step in hours.STEPS),
    ),
    "favourites": (favourite, lambda: (favourites.STRENGTH, favourites.HALF_LIFE_DAYS)),
    "purchases": (purchase_ridge, lambda: purchases.RIDGE),
    "timing": (timing_ridge, lambda: timing.RIDGE),
}


def chosen_of(name: str, rows: list[tuple[Any, float, str]]) -> Any:
    """The best configuration; of ridges that are equal to EQUAL, the strongest."""
    best = max(row[1] for row in rows)
    if name not in RIDGES:
        return next(row[0] for row in rows if row[1] == best)
    return max(row[0] for row in rows if row[1] >= best - EQUAL)


def main(options: argparse.Namespace) -> None:
    console = Console(width=None if Console().is_terminal else 120)
    chosen = {}
    for name, (grid, held) in CHOICES.items():
        if options.only and name not in options.only.split(","):
            continue
        rows = list(grid(Path(options.data)))
        best = chosen_of(name, rows)
        table = Table(title=f"{name}: {grid.__doc__}", title_justify="left")
        for column in ("configuration", "criterion", "of it", ""):
            table.add_column(column)
        for configuration, criterion, detail in sorted(rows, key=lambda row: -row[1])[: options.rows]:
            marks = [
                mark for mark, is_it in (("chosen", configuration == best), ("held", configuration == held())) if is_it
            ]
            table.add_row(str(configuration), f"{criterion:.4f}", detail, ", ".join(marks))
        console.print(table)
        chosen[name] = {"chosen": best, "held": held()}
    print(orjson.dumps(chosen).decode())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="../shared/data", help="folder of the data that the repository cannot carry")
    parser.add_argument("--only", default="", help=f"of {', '.join(CHOICES)}, by commas")
    parser.add_argument("--rows", type=int, default=12, help="the best rows of each grid that are shown")
    main(parser.parse_args())
