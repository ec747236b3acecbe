"""Counts within periods: what caps, budgets, stocks and limits are kept by.

A counter is named for what it counts, such as `rule:welcome`, and belongs to a
member, or to the programme ("" as owner). Its period is a date in the brand's
zone, or "" for ever.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from services.points import store
from services.points.book import Book, Kind, Touched
from services.points.states import Counter

CounterKey = tuple[str, str, str]
"""Name, owner, period."""
COUNTERS: Kind[CounterKey, Counter] = Kind("counters", 40, store.lock_counters, store.save_counters)


class Per(StrEnum):
    """The period that a count is for."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"
    EVER = "ever"


def period_of(per: Per, at: datetime, zone: ZoneInfo) -> str:
    """The period that a moment is in: its kind's first letter and its first day in the zone.

    Weeks begin on Monday.

    >>> from datetime import UTC
    >>> at = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)
    >>> [period_of(per, at, ZoneInfo("Europe/Berlin")) for per in Per]
    ['d2026-03-02', 'w2026-03-02', 'm2026-03-01', 'y2026-01-01', '']
    """
    day = at.astimezone(zone).date()
    match per:
        case Per.DAY:
            return f"d{day}"
        case Per.WEEK:
            return f"w{day - timedelta(days=day.weekday())}"
        case Per.MONTH:
            return f"m{day.replace(day=1)}"
        case Per.YEAR:
            return f"y{day.replace(month=1, day=1)}"
    return ""


def touch(touched: Touched, name: str, owner: str, period: str) -> None:
    """Has a counter locked and read."""
    touched.row(COUNTERS, (name, owner, period))


def value(book: Book, name: str, owner: str, period: str) -> int:
    """What a touched counter stands at; 0 before the first count."""
    found = book.row(COUNTERS, (name, owner, period))
    return found.value if found is not None else 0


def add(book: Book, name: str, owner: str, period: str, by: int) -> None:
    """Counts `by`, which may be negative, on a touched counter."""
    key = (name, owner, period)
    found = book.row(COUNTERS, key) or Counter(name, owner, period, 0)
    found.value += by
    book.put(COUNTERS, key, found)
