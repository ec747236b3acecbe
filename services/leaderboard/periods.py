"""A board's periods: every moment is in one at most, whoever asks and when.

A period is named by the second at which it begins, 0 where a board has none.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Protocol
from zoneinfo import ZoneInfo

from cronsim import CronSim

CONTINUOUS = 0
REMEMBERED_MAX = 4_000
_ID = re.compile(r"[0-9]{8}T[0-9]{6}Z")


@dataclass(frozen=True, slots=True)
class Span:
    """A period. One without an end never closes."""

    period: int
    ends_at: datetime | None

    @property
    def starts_at(self) -> datetime:
        return datetime.fromtimestamp(self.period, UTC)


class Periods(Protocol):
    """How a board's periods follow."""

    def at(self, moment: datetime) -> Span | None:
        """The period that a moment is in; None in none."""


class Continuous:
    """One period for ever."""

    def at(self, moment: datetime) -> Span | None:
        return Span(CONTINUOUS, None)


class Fixed:
    """Periods at fixed dates, in order and apart."""

    def __init__(self, dates: Sequence[tuple[datetime, datetime]]) -> None:
        self._spans = [Span(int(starts_at.timestamp()), ends_at) for starts_at, ends_at in dates]
        self._starts = [starts_at for starts_at, _ in dates]

    def at(self, moment: datetime) -> Span | None:
        place = bisect_right(self._starts, moment) - 1
        span = self._spans[place] if place >= 0 else None
        return span if span is not None and span.ends_at is not None and moment < span.ends_at else None


class Cron:
    """Periods that follow a cron expression in a zone.

    >>> daily = Cron("0 0 * * *", ZoneInfo("Europe/Berlin"))
    >>> span = daily.at(datetime(2026, 3, 29, 12, tzinfo=UTC))
    >>> span.starts_at.isoformat(), span.ends_at.isoformat()
    ('2026-03-28T23:00:00+00:00', '2026-03-29T22:00:00+00:00')
    """

    def __init__(self, expression: str, zone: ZoneInfo) -> None:
        self._expression, self._zone = expression, zone
        self._starts: list[datetime] = []
        self._spans: list[Span] = []

    def at(self, moment: datetime) -> Span | None:
        place = bisect_right(self._starts, moment) - 1
        if place >= 0 and (ends_at := self._spans[place].ends_at) is not None and moment < ends_at:
            return self._spans[place]
        starts_at, ends_at = self._around(moment)
        span = Span(int(starts_at.timestamp()), ends_at)
        if len(self._starts) >= REMEMBERED_MAX:
            self._starts, self._spans = [], []
        place = bisect_right(self._starts, starts_at)
        self._starts.insert(place, starts_at)
        self._spans.insert(place, span)
        return span

    def _around(self, moment: datetime) -> tuple[datetime, datetime]:
        """The last time up to a moment, and the first after it."""
        # The times are those that following one another gives: seen backwards
        # they may differ where clocks change.
        local = moment.astimezone(self._zone)
        back = list(islice(CronSim(self._expression, local + timedelta(minutes=1), reverse=True), 3))
        before = back[-1]
        for after in self._following(back[-1] - timedelta(minutes=1)):
            if after > moment:
                return before.astimezone(UTC), after
            before = after
        raise ValueError(f"{self._expression!r} has no end")  # refused when the programme is checked

    def _following(self, moment: datetime) -> Iterator[datetime]:
        for local in CronSim(self._expression, moment):
            yield local.astimezone(UTC)


def period_id(period: int) -> str:
    """A period's id; empty where a board has none.

    >>> period_id(int(datetime(2026, 3, 1, tzinfo=UTC).timestamp())), period_id(0)
    ('20260301T000000Z', '')
    """
    return f"{datetime.fromtimestamp(period, UTC):%Y%m%dT%H%M%SZ}" if period else ""


def period_of(text: str) -> int | None:
    """The period that an id names; None for what is none.

    >>> period_id(period_of("20260301T000000Z")), period_of("yesterday")
    ('20260301T000000Z', None)
    """
    if not _ID.fullmatch(text):
        return None
    try:
        return int(datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp())
    except ValueError:
        return None
