"""Days, weeks and months as members live them, and the runs of missions that come back.

A moment is in microseconds since 1970 in UTC; with the minutes that the
member's clock was ahead of UTC it is what that clock showed. Dates are counted
on that, never by 24 hours, so a day is a day over daylight saving and travel.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from laurels.missions.v1 import programme_goals_pb2 as pb

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - what a clock shows has no zone
_EPOCH_DAY = EPOCH.toordinal()
_MONDAY = 3
"""1970-01-01 was a Thursday, three days after a Monday."""


def micros(moment: datetime) -> int:
    """A moment in microseconds since 1970."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def moment(at: int) -> datetime:
    """The moment of so many microseconds since 1970."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)


def ahead(at: int, zone: ZoneInfo) -> int:
    """The minutes that clocks of a zone are ahead of UTC at a moment.

    >>> ahead(micros(datetime(2026, 7, 1, tzinfo=UTC)), ZoneInfo("Europe/Berlin"))
    120
    """
    offset = moment(at).astimezone(zone).utcoffset()
    return int(offset.total_seconds()) // 60 if offset is not None else 0


def clock(at: int, minutes: int) -> datetime:
    """What a clock so many minutes ahead of UTC shows, without a zone."""
    return EPOCH + timedelta(microseconds=at, minutes=minutes)


def period(unit: int, at: int, minutes: int) -> int:
    """The number of the calendar day, week or month that a clock shows, from 1970.

    >>> noon = micros(datetime(2026, 3, 1, 23, 30, tzinfo=UTC))
    >>> period(pb.STREAK_UNIT_DAY, noon, 60) - period(pb.STREAK_UNIT_DAY, noon, 0)
    1
    """
    day = (at + minutes * MINUTE) // DAY
    if unit == pb.STREAK_UNIT_WEEK:
        return (day + _MONDAY) // 7
    if unit == pb.STREAK_UNIT_MONTH:
        shown = date.fromordinal(day + _EPOCH_DAY)
        return shown.year * 12 + shown.month - 1
    return day


def begins(unit: int, number: int) -> int:
    """When a period begins by a clock that shows it, in microseconds of that clock."""
    if unit == pb.STREAK_UNIT_WEEK:
        return (number * 7 - _MONDAY) * DAY
    if unit == pb.STREAK_UNIT_MONTH:
        return (date(number // 12, number % 12 + 1, 1).toordinal() - _EPOCH_DAY) * DAY
    return number * DAY


_UNITS: Mapping[int, int] = {
    pb.RECURRENCE_DAILY: pb.STREAK_UNIT_DAY,
    pb.RECURRENCE_WEEKLY: pb.STREAK_UNIT_WEEK,
    pb.RECURRENCE_MONTHLY: pb.STREAK_UNIT_MONTH,
}


def run_of(recurrence: int, at: int, minutes: int) -> str:
    """The run of a calendar recurrence that a moment is in: the day that it began.

    >>> run_of(pb.RECURRENCE_WEEKLY, micros(datetime(2026, 3, 1, 23, 30, tzinfo=UTC)), 60)
    '2026-03-02'
    """
    unit = _UNITS[recurrence]
    return str(date.fromordinal(begins(unit, period(unit, at, minutes)) // DAY + _EPOCH_DAY))


def run_end(recurrence: int, run: str) -> datetime:
    """When a run of a calendar recurrence is over, by the clock that it goes by."""
    unit = _UNITS[recurrence]
    first = (date.fromisoformat(run).toordinal() - _EPOCH_DAY) * DAY
    return clock(begins(unit, period(unit, first, 0) + 1), 0)


@lru_cache(maxsize=4_096)
def _fired(expression: str, minute: int) -> str:
    return next(CronSim(expression, clock(minute * MINUTE, 0) + timedelta(minutes=1), reverse=True)).isoformat(
        timespec="minutes"
    )


def cron_run(expression: str, at: int, minutes: int) -> str:
    """The run of a cron expression that a moment is in: the minute, by the clock, at which it began.

    >>> cron_run("0 18 * * 5", micros(datetime(2026, 3, 4, 12, tzinfo=UTC)), 0)
    '2026-02-27T18:00'
    """
    return _fired(expression, at // MINUTE + minutes)


def cron_end(expression: str, run: str) -> datetime:
    """When a run of a cron expression is over, by the clock that it goes by."""
    following: datetime = next(CronSim(expression, datetime.fromisoformat(run)))
    return following


def cron_problem(expression: str) -> str:
    """What is wrong with a cron expression; empty when nothing is."""
    if len(expression.split()) != 5:
        return "is not five fields: minute, hour, day of the month, month, day of the week"
    try:
        next(CronSim(expression, EPOCH))
    except (CronSimError, StopIteration):
        return "is not a cron expression that ever comes due"
    return ""
