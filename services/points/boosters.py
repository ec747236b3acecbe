"""A booster multiplies what its member earns, for some days from its redemption.

Of several that are active the highest counts, for each currency. A booster is
judged at the moment of the activity. A programme without a booster among its
rewards pays nothing for them: no statement, no lookup.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from chassis.book import Kind
from services.points.book import Book, Touched
from services.points.earning import AMOUNT_MAX, Award
from services.points.programme import PointsRules
from services.points.store import rewards as store
from services.points.store.rewards import Booster, Boosters

BOOSTERS: Kind[str, Boosters] = Kind("boosters", 46, store.lock_boosters, store.save_boosters)


def touch_boosters(member: str, rules: PointsRules, touched: Touched) -> None:
    """Has a member's boosters read, where the programme has any."""
    if rules.catalogue.has_boosters:
        touched.row(BOOSTERS, member)


def boosters_of(book: Book, member: str, at: datetime) -> list[Booster]:
    """A member's boosters that are active at a moment; they were touched."""
    found = book.row(BOOSTERS, member)
    return [] if found is None else [each for each in found.boosters if each.starts_at <= at < each.ends_at]


def boosted(book: Book, member: str, at: datetime, awards: Sequence[Award]) -> list[Award]:
    """The awards as the member's boosters multiply them, rounded down."""
    active = boosters_of(book, member, at)
    return [multiplied(award, active) for award in awards] if active else list(awards)


def multiplied(award: Award, active: Iterable[Booster]) -> Award:
    """An award times the highest of the boosters for its currency.

    >>> from datetime import UTC
    >>> noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    >>> double, half_more = Booster("a", 200, [], noon, noon), Booster("b", 150, ["gems"], noon, noon)
    >>> multiplied(Award("rule", "points", 5), [double, half_more]).amount
    10
    >>> multiplied(Award("rule", "gems", 5), [half_more]).amount
    7
    """
    percent = max(
        (each.percent for each in active if not each.currencies or award.currency in each.currencies), default=100
    )
    return replace(award, amount=min(award.amount * percent // 100, AMOUNT_MAX))


def begin(book: Book, member: str, booster: Booster) -> None:
    """Gives a member a booster."""
    held = book.row(BOOSTERS, member) or Boosters(member)
    held.boosters.append(booster)
    book.put(BOOSTERS, member, held)


def end(book: Book, member: str, name: str, at: datetime) -> None:
    """Ends a booster at a moment, unless it ended before."""
    held = book.row(BOOSTERS, member)
    for booster in held.boosters if held is not None else ():
        if booster.booster == name:
            booster.ends_at = max(min(booster.ends_at, at), booster.starts_at)
    if held is not None:
        book.put(BOOSTERS, member, held)
