"""Allowances: so much within each of several periods, counted by counters."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from laurels.points.v1 import programme_groups_pb2 as pb
from services.periods import Per, period_of
from services.points import counters
from services.points.book import Book, Touched
from services.points.sharing_rules import Limit

_PER: Mapping[int, Per] = {
    pb.ALLOWANCE_PERIOD_DAY: Per.DAY,
    pb.ALLOWANCE_PERIOD_WEEK: Per.WEEK,
    pb.ALLOWANCE_PERIOD_MONTH: Per.MONTH,
    pb.ALLOWANCE_PERIOD_EVER: Per.EVER,
}


def limits_of(allowed: Iterable[pb.Allowance]) -> list[Limit]:
    """The limits that a programme states."""
    return [(allowance.amount, int(allowance.per)) for allowance in allowed]


def touch(touched: Touched, name: str, owner: str, periods: Iterable[int], at: datetime, zone: ZoneInfo) -> None:
    """Has the counters of these periods at a moment locked and read."""
    for period in _periods(periods, at, zone):
        counters.touch(touched, name, owner, period)


def are_touched(book: Book, name: str, owner: str, limits: Iterable[Limit], at: datetime) -> bool:
    """Whether the limits' counters at a moment were locked and read, without which they say nothing."""
    periods = _periods([per for _, per in limits], at, book.rules.zone)
    return all(book.row(counters.COUNTERS, (name, owner, period)) is not None for period in periods)


def remaining(book: Book, name: str, owner: str, limits: Iterable[Limit], at: datetime) -> int | None:
    """How much is left of the tightest limit at a moment; None where there is no limit."""
    left = [
        max(amount - counters.value(book, name, owner, period), 0)
        for amount, per in limits
        for period in _periods([per], at, book.rules.zone)
    ]
    return min(left, default=None)


def count(book: Book, name: str, owner: str, periods: Iterable[int], at: datetime, by: int) -> None:
    """Counts an amount in each of the periods that were touched."""
    for period in _periods(periods, at, book.rules.zone):
        counters.add(book, name, owner, period, by)


def _periods(periods: Iterable[int], at: datetime, zone: ZoneInfo) -> list[str]:
    """The counters' periods, each once."""
    kinds = {_PER[period] for period in periods}
    return sorted(period_of(per, at, zone) for per in kinds)
