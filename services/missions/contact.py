"""A message leaves outside the quiet hours and at its contact hour, as the member's clock shows them.

Clocks are moved by whole quarters of an hour and quiet hours begin and end on
one, so that what holds at a moment holds for its whole quarter: looking at one
quarter after another is exact, over daylight saving too, where an hour comes
twice or not at all.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

QUARTER = timedelta(minutes=15)
AHEAD_MAX = timedelta(days=4)
"""An hour that one night leaves out comes the day after; one zone has left out a whole day."""
MIDNIGHT = time(0)
_WRITTEN = re.compile(r"[0-2][0-9]:[0-5][0-9]")


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From a time of day until another, past midnight when that is earlier; none when they are the same."""

    since: time = MIDNIGHT
    until: time = MIDNIGHT

    def cover(self, at: time) -> bool:
        """Whether a time of day is within them.

        >>> night = QuietHours(time(21), time(8))
        >>> [night.cover(time(hour)) for hour in (7, 8, 20, 21)]
        [True, False, False, True]
        """
        if self.since <= self.until:
            return self.since <= at < self.until
        return at >= self.since or at < self.until

    def cover_hour(self, hour: int) -> bool:
        """Whether the whole of an hour is within them."""
        return all(self.cover(time(hour, minute)) for minute in (0, 15, 30, 45))


NEVER_QUIET = QuietHours()


def quarter_of(text: str) -> time:
    """A time of day, written `HH:MM`. ValueError unless it is a quarter of an hour.

    >>> quarter_of("21:30")
    datetime.time(21, 30)
    >>> quarter_of("21:40")
    Traceback (most recent call last):
    ValueError: not a quarter of an hour
    """
    if not _WRITTEN.fullmatch(text):
        raise ValueError("not written HH:MM")
    found = time.fromisoformat(text)
    if found.minute % 15:
        raise ValueError("not a quarter of an hour")
    return found


def contact_at(moment: datetime, zone: ZoneInfo, quiet: QuietHours, hour: int | None = None) -> datetime:
    """The first moment from `moment` on at which a message may leave, in UTC.

    With `hour` it leaves within that hour of the day, unless all of that hour
    is quiet.

    >>> berlin = ZoneInfo("Europe/Berlin")
    >>> late = datetime(2026, 3, 28, 22, 5, tzinfo=UTC)
    >>> contact_at(late, berlin, QuietHours(time(21), time(8))).isoformat()
    '2026-03-29T06:00:00+00:00'
    >>> contact_at(late, berlin, NEVER_QUIET, hour=2).isoformat()
    '2026-03-30T00:00:00+00:00'
    """
    moment = moment.astimezone(UTC)
    if hour is not None and quiet.cover_hour(hour):
        hour = None
    last, at = moment + AHEAD_MAX, moment
    while at < last:
        shown = at.astimezone(zone)
        if not quiet.cover(shown.time()) and hour in (None, shown.hour):
            return at
        at = _quarter_after(at)
    return moment


def _quarter_after(moment: datetime) -> datetime:
    """The next full quarter of an hour."""
    begun = moment.replace(minute=moment.minute - moment.minute % 15, second=0, microsecond=0)
    return begun + QUARTER
