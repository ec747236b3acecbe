"""The periods that something is counted in: calendar periods of the brand's zone, or ever."""

from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo


class Per(StrEnum):
    """The period that a count is for."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"
    EVER = "ever"


def period_of(per: Per, at: datetime, zone: ZoneInfo) -> str:
    """The period that a moment is in: its kind's first letter and its first day in the zone.

    Weeks begin on Monday.

    >>> from datetime import UTC
    >>> at = datetime(2026, 5, 31, 23, 30, tzinfo=UTC)
    >>> [period_of(per, at, ZoneInfo("Europe/Berlin")) for per in Per]
    ['d2026-06-01', 'w2026-06-01', 'm2026-06-01', 'q2026-04-01', 'y2026-01-01', '']
    """
    day = at.astimezone(zone).date()
    match per:
        case Per.DAY:
            return f"d{day}"
        case Per.WEEK:
            return f"w{day - timedelta(days=day.weekday())}"
        case Per.MONTH:
            return f"m{day.replace(day=1)}"
        case Per.QUARTER:
            return f"q{day.replace(month=day.month - (day.month - 1) % 3, day=1)}"
        case Per.YEAR:
            return f"y{day.replace(month=1, day=1)}"
    return ""
