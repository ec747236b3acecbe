"""Counts within periods: what caps, budgets, stocks and limits are kept by.

A counter is named for what it counts, such as `rule:welcome`, and belongs to a
member, or to the programme ("" as owner). Its period is a date in the brand's
zone, or "" for ever.
"""

from chassis.book import Kind
from services.points import store
from services.points.book import Book, Touched
from services.points.states import Counter

CounterKey = tuple[str, str, str]
"""Name, owner, period."""
COUNTERS: Kind[CounterKey, Counter] = Kind("counters", 40, store.lock_counters, store.save_counters)


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
