"""When the day of a date comes round, in a member's time zone. Pure."""

from calendar import isleap
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

LATE_DAYS_MAX = 7
"""A day that was missed is told so many days later at most; an older one helps nobody."""
YEAR_LAST = 9998


def day_in(year: int, on: date) -> date:
    """The anniversary of a date in a year; of 29 February on the 28th where there is none.

    >>> day_in(2027, date(2008, 2, 29)), day_in(2028, date(2008, 2, 29))
    (datetime.date(2027, 2, 28), datetime.date(2028, 2, 29))
    """
    if (on.month, on.day) == (2, 29) and not isleap(year):
        return date(year, 2, 28)
    return on.replace(year=year)


def next_day(on: date, after: date) -> date | None:
    """The first anniversary of a date beyond a day, a year after the date at the soonest; None beyond the calendar.

    >>> next_day(date(1990, 5, 1), date(2026, 4, 30)), next_day(date(1990, 5, 1), date(2026, 5, 1))
    (datetime.date(2026, 5, 1), datetime.date(2027, 5, 1))
    >>> next_day(date(2026, 5, 1), date(2026, 4, 1))
    datetime.date(2027, 5, 1)
    """
    year = max(after.year, on.year + 1)
    if year > YEAR_LAST:
        return None
    found = day_in(year, on)
    return found if found > after else day_in(year + 1, on)


def begins(day: date, zone: ZoneInfo) -> datetime:
    """When a day begins in a zone, also where clocks skip its midnight.

    >>> begins(date(2026, 3, 29), ZoneInfo("Europe/Berlin")).isoformat()
    '2026-03-28T23:00:00+00:00'
    >>> begins(date(2018, 11, 4), ZoneInfo("America/Sao_Paulo")).isoformat()
    '2018-11-04T03:00:00+00:00'
    """
    return datetime.combine(day, time(), zone).astimezone(UTC)


def is_told(day: date, today: date) -> bool:
    """Whether a day that came round is told today still."""
    return timedelta() <= today - day <= timedelta(days=LATE_DAYS_MAX)
