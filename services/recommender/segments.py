"""Members are grouped by what they do, with names that people know and labels that stay.

RFM segments come from quintiles of recency, frequency and amount within a
brand (Hughes, "Strategic Database Marketing", 1994), under the eleven names
that have become usual. Micro-segments come from clustering the same columns
(k-means; Lloyd, "Least Squares Quantization in PCM", 1982), begun without
chance from quantiles along the principal axis. A cluster of the next run takes
the label of the cluster before whose members it shares most (Kuhn's
assignment), so a label goes on meaning the same people.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Places = NDArray[np.int64]

QUINTILES = 5
STEPS_MAX = 100

NAMES = (
    "Champions",
    "Loyal",
    "Potential loyalists",
    "New",
    "Promising",
    "Need attention",
    "About to sleep",
    "Cannot lose them",
    "At risk",
    "Hibernating",
    "Lost",
)
"""By recency and by the mean of frequency and amount, each from 1, the worst, to 5: see GRID."""

GRID = (
    # 1          2                 3                 4            5
    ("Lost", "Hibernating", "At risk", "At risk", "Cannot lose them"),
    ("Hibernating", "Hibernating", "At risk", "At risk", "Cannot lose them"),
    ("About to sleep", "About to sleep", "Need attention", "Loyal", "Loyal"),
    ("Promising", "Potential loyalists", "Potential loyalists", "Loyal", "Loyal"),
    ("New", "Potential loyalists", "Potential loyalists", "Champions", "Champions"),
)
"""The name for a recency from 1 to 5, by row, and a frequency and amount from 1 to 5, by column."""


def quintiles(column: Vector) -> Places:
    """The fifth (n,) of each value among all, 1 the lowest to 5; equal values are in the same one."""
    if not len(column):
        return np.empty(0, np.int64)
    below = np.searchsorted(np.sort(column), column, side="left")
    upto = np.searchsorted(np.sort(column), column, side="right")
    middle = (below + upto) / (2 * len(column))
    found: Places = np.minimum(np.floor(middle * QUINTILES).astype(np.int64) + 1, QUINTILES)
    return found


def rfm(days_since: Vector, count: Vector, amount: Vector) -> NDArray[np.str_]:
    """The name (n,) of each member's segment among the brand's: days since the last activity, how many, how much."""
    recency = quintiles(-days_since)
    worth = (quintiles(count) + quintiles(amount) + 1) // 2
    found: NDArray[np.str_] = np.array(GRID)[recency - 1, worth - 1]
    return found


@dataclass(frozen=True, slots=True)
class Clusters:
    """Micro-segments: their centres (k, d) in standardised columns, and each member's label (n,), 0 to k - 1."""

    centres: Matrix
    label: Places


def cluster(columns: Matrix, count: int) -> Clusters:
    """Groups members (n, d) into at most `count` clusters; no chance is in it."""
    if not len(columns):
        raise ValueError("no members")
    spread = columns.std(axis=0)
    points = (columns - columns.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    count = min(count, len(np.unique(points, axis=0)))
    _, _, axes = np.linalg.svd(points.T @ points)
    # The sign of an axis is arbitrary: its largest entry points up.
    axis = axes[0] * np.sign(axes[0][np.abs(axes[0]).argmax()])
    order = np.argsort(points @ axis, kind="stable")
    centres = np.stack([points[part].mean(axis=0) for part in np.array_split(order, count)])
    label = np.full(len(points), -1)
    for _ in range(STEPS_MAX):
        distance = (centres * centres).sum(axis=1) - 2.0 * points @ centres.T
        nearest = distance.argmin(axis=1)
        if np.array_equal(nearest, label):
            break
        label = nearest
        sizes = np.bincount(label, minlength=count)
        sums = np.stack([np.bincount(label, column, count) for column in points.T], axis=1)
        # A cluster that lost everybody stays where it is.
        centres = np.where(sizes[:, None] > 0, sums / np.maximum(sizes, 1)[:, None], centres)
    return Clusters(centres, label.astype(np.int64))


def relabelled(label: Places, before: Places) -> Places:
    """Labels (n,) named after those that the same members had before (n,), -1 where a member is new.

    Each label goes to the one before that it shares the most members with, all
    together as many as can be; what is left takes the lowest free numbers.
    """
    count = int(max(label.max(initial=-1), before.max(initial=-1))) + 1
    known = before >= 0
    shared = np.bincount(label[known] * count + before[known], minlength=count * count).reshape(count, count)
    # Among equals the same number is kept.
    rows, columns = linear_sum_assignment(-(shared + 0.5 / (count + 1) * np.eye(count)))
    renamed = np.empty(count, np.int64)
    renamed[rows] = columns
    found: Places = renamed[label]
    return found
