"""When a campaign happens to a member, and when it does not: pure rules.

A campaign whose trigger and condition hold happens, unless something says no;
what says no is asked in one order, so that treated and control members pass
the same bounds: occurrences, the campaign's caps, the caps of all campaigns,
consent, budget, and last the control group.
"""

from calendar import monthrange
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from hashlib import blake2b
from zoneinfo import ZoneInfo

from laurels.missions.v1 import campaigns_pb2 as shown
from laurels.missions.v1 import programme_campaigns_pb2 as pb
from services.periods import Per, period_of

_PERIODS: Mapping[int, Per] = {
    pb.CAMPAIGN_PERIOD_DAY: Per.DAY,
    pb.CAMPAIGN_PERIOD_WEEK: Per.WEEK,
    pb.CAMPAIGN_PERIOD_MONTH: Per.MONTH,
    pb.CAMPAIGN_PERIOD_YEAR: Per.YEAR,
}
"""Every other one is for ever."""

HAPPENED, CONTROL, SUPPRESSED = 1, 2, 3
"""What became of a trigger that held."""

CounterKey = tuple[str, str, str]
"""What is counted, of whom ("" for all members together), in which period."""


def days_since(joined: datetime | None, at: datetime, zone: ZoneInfo) -> int:
    """How many days, by the zone's calendar, somebody has been a member at a moment; -1 when that is not known."""
    return (at.astimezone(zone).date() - joined.astimezone(zone).date()).days if joined is not None else -1


def in_control(campaign: str, member: str, percent: int) -> bool:
    """Whether a member is in a campaign's control group: always the same members, others in each campaign.

    A larger group holds all of a smaller one.

    >>> [in_control("welcome", f"m{number}", 50) for number in range(4)]
    [False, False, True, False]
    """
    drawn = int.from_bytes(blake2b(f"{campaign}/{member}".encode(), digest_size=8).digest(), "big")
    return drawn * 100 < percent << 64


def rises_to(amount: int, balance: int, bound: int) -> bool:
    """Whether a balance that rose by `amount` to `balance` came from below the bound to it or above.

    >>> rises_to(10, 100, 100), rises_to(10, 110, 100), rises_to(50, 120, 100)
    (True, False, True)
    """
    return balance - amount < bound <= balance


def joined_for(enrolled_at: datetime, days: int, months: int, zone: ZoneInfo) -> datetime:
    """When a member has been one for so many months and then days: the beginning of that day in the zone.

    In a month that is too short it is the last day.

    >>> joined_for(datetime(2026, 8, 31, 9, tzinfo=UTC), 0, 6, ZoneInfo("UTC")).isoformat()
    '2027-02-28T00:00:00+00:00'
    """
    return _begins(_reached(enrolled_at.astimezone(zone).date(), days, months), zone)


def joined_before(until: datetime, days: int, months: int, zone: ZoneInfo) -> datetime:
    """Who joined before this moment, and nobody else, has been a member for so long at `until`.

    >>> joined_before(datetime(2027, 2, 28, 12, tzinfo=UTC), 0, 6, ZoneInfo("UTC")).isoformat()
    '2026-09-01T00:00:00+00:00'
    """
    today = until.astimezone(zone).date()
    # A month is 28 days at least; from there the first day is looked for whose time has not come.
    joined = _reached(today, 0, -months) - timedelta(days=days + 4)
    while _reached(joined, days, months) <= today:
        joined += timedelta(days=1)
    return _begins(joined, zone)


def _reached(day: date, days: int, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1])) + timedelta(days=days)


def _begins(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(0), zone).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Cap:
    """So often for a member within a period; `name` is what is counted."""

    name: str
    per: int
    most: int

    def counter(self, member: str, at: datetime, zone: ZoneInfo) -> CounterKey:
        return self.name, member, period_of(_PERIODS.get(self.per, Per.EVER), at, zone)


@dataclass(frozen=True, slots=True)
class Bounds:
    """All that bounds a campaign. `points` is what one occurrence gives, of all currencies."""

    campaign: str
    occurrences_max: int
    caps: Sequence[Cap]
    overall: Sequence[Cap]
    needs_consent: bool
    budget_times: int
    budget_points: int
    points: int
    control_percent: int

    @property
    def occurrences(self) -> str:
        """What counts how often it came to a member."""
        return f"times:{self.campaign}"

    @property
    def times(self) -> CounterKey:
        """What counts how often it happened in all."""
        return f"budget-times:{self.campaign}", "", ""

    @property
    def given(self) -> CounterKey:
        """What counts the points that it gave in all."""
        return f"budget-points:{self.campaign}", "", ""

    def counters(self, member: str, at: datetime, zone: ZoneInfo) -> list[CounterKey]:
        """All that `decide` may read or change for a member at a moment."""
        keys = [(self.occurrences, member, "")]
        keys += [cap.counter(member, at, zone) for cap in (*self.caps, *self.overall)]
        keys += [self.times] if self.budget_times else []
        keys += [self.given] if self.budget_points else []
        return keys


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of a trigger that held; `occurrence` is 0 when it was suppressed."""

    outcome: int
    reason: int = shown.SUPPRESSION_REASON_UNSPECIFIED
    occurrence: int = 0
    counted: Mapping[CounterKey, int] = field(default_factory=dict)


def decide(
    bounds: Bounds, member: str, at: datetime, zone: ZoneInfo, count: Callable[[CounterKey], int], *, consents: bool
) -> Outcome:
    """What becomes of a trigger that held, and what is counted for it.

    `count` says where counters stand, `consents` whether the member consents
    to marketing.
    """
    times = (bounds.occurrences, member, "")
    caps = {cap.counter(member, at, zone): cap.most for cap in bounds.caps}
    overall = {cap.counter(member, at, zone): cap.most for cap in bounds.overall}
    if (occurrence := count(times) + 1) > bounds.occurrences_max:
        return Outcome(SUPPRESSED, shown.SUPPRESSION_REASON_OCCURRENCES)
    if any(count(key) >= most for key, most in caps.items()):
        return Outcome(SUPPRESSED, shown.SUPPRESSION_REASON_CAMPAIGN_CAP)
    if any(count(key) >= most for key, most in overall.items()):
        return Outcome(SUPPRESSED, shown.SUPPRESSION_REASON_OVERALL_CAP)
    if bounds.needs_consent and not consents:
        return Outcome(SUPPRESSED, shown.SUPPRESSION_REASON_NO_CONSENT)
    spent = (bounds.budget_times and count(bounds.times) >= bounds.budget_times) or (
        bounds.budget_points and count(bounds.given) + bounds.points > bounds.budget_points
    )
    if spent:
        return Outcome(SUPPRESSED, shown.SUPPRESSION_REASON_BUDGET)
    counted = dict.fromkeys([times, *caps], 1)
    if in_control(bounds.campaign, member, bounds.control_percent):
        return Outcome(CONTROL, occurrence=occurrence, counted=counted)
    counted |= dict.fromkeys(overall, 1)
    if bounds.budget_times:
        counted[bounds.times] = 1
    if bounds.budget_points and bounds.points:
        counted[bounds.given] = bounds.points
    return Outcome(HAPPENED, occurrence=occurrence, counted=counted)
