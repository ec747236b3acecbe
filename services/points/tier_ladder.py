"""What a member must reach for a tier, how long it is kept, and what follows: pure decisions.

What counts is kept in buckets: sums by day, by month, or one for ever, as its
window needs. A decision looks at whole days of the brand's zone, so that it
comes out the same however late it is made.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property, lru_cache
from itertools import accumulate
from zoneinfo import ZoneInfo

from laurels.points.v1 import programme_tiers_pb2 as pb
from services.points.lots import end_of_day, months_later

EVER = ""
DAYS_REMEMBERED_MAX = 4_096
"""For so many days a window's bounds are remembered: eleven years. Working one out costs ten look-ups."""
Buckets = Mapping[str, int]
"""What counts of one qualifier, by bucket: `d2026-03-02`, `m2026-03-01`, or empty for ever."""
NEVER, ONE_STEP = pb.TIER_DOWNGRADE_NEVER, pb.TIER_DOWNGRADE_ONE_STEP


@dataclass(frozen=True, slots=True)
class Window:
    """The days over which something counts: the last `days`, the last `months`, or the calendar's `period` of months.

    All are 0 where it counts ever.
    """

    days: int = 0
    months: int = 0
    period: int = 0

    @property
    def is_ever(self) -> bool:
        return not (self.days or self.months or self.period)

    def bucket(self, day: date) -> str:
        """The bucket that a day's sum is in.

        >>> [window.bucket(date(2026, 5, 20)) for window in (Window(), Window(days=7), Window(period=12))]
        ['', 'd2026-05-20', 'm2026-05-01']
        """
        if self.is_ever:
            return EVER
        return f"m{day.replace(day=1)}" if self.period else f"d{day}"

    def first(self, day: date) -> date:
        """The first day that counts on `day`.

        >>> day = date(2026, 5, 31)
        >>> [str(window.first(day)) for window in (Window(days=7), Window(months=3), Window(period=3))]
        ['2026-05-25', '2026-03-01', '2026-04-01']
        """
        if self.days:
            return day - timedelta(days=self.days - 1)
        if self.months:
            return months_later(day, -self.months) + timedelta(days=1)
        return day.replace(month=(day.month - 1) // self.period * self.period + 1, day=1)

    @lru_cache(DAYS_REMEMBERED_MAX)  # noqa: B019
    def bounds(self, day: date) -> tuple[str, str]:
        """The first and the last bucket that count on `day`."""
        if self.is_ever:
            return EVER, EVER
        last = months_later(self.first(day), self.period - 1) if self.period else day
        return self.bucket(self.first(day)), self.bucket(last)

    @lru_cache(DAYS_REMEMBERED_MAX)  # noqa: B019 - windows are few, and live as long as the programme
    def leaves(self, bucket: str) -> date:
        """The first day on which what is in a bucket counts no longer.

        >>> Window(days=7).leaves("d2026-05-20"), Window(period=3).leaves("m2026-05-01")
        (datetime.date(2026, 5, 27), datetime.date(2026, 7, 1))
        >>> Window(months=1).leaves("d2026-01-31")
        datetime.date(2026, 3, 1)
        """
        day = date.fromisoformat(bucket[1:])
        if self.days:
            return day + timedelta(days=self.days)
        if self.period:
            return months_later(self.first(day), self.period)
        gone = months_later(day, self.months)
        while self.first(gone) <= day:
            gone += timedelta(days=1)
        return gone


@dataclass(frozen=True, slots=True)
class Qualifier:
    """Something that is counted; `currency` where that is what was earned in one."""

    id: str
    name: str
    window: Window
    currency: str = ""


class Tally:
    """What counts of one qualifier, summed over any window in the time of two look-ups."""

    __slots__ = ("_keys", "_sums")

    def __init__(self, buckets: Buckets) -> None:
        self._keys = sorted(buckets)
        self._sums = [0, *accumulate(buckets[key] for key in self._keys)]

    def between(self, first: str, last: str) -> int:
        return self._sums[bisect_right(self._keys, last)] - self._sums[bisect_left(self._keys, first)]


@dataclass(slots=True)
class Standing:
    """Where a member stands by what counts, and what a manager set.

    `fallback` is the tier that the windows held when the time of `earned` was
    over; `counted` is how much of what was ever earned is in the buckets, by
    qualifier.
    """

    member: str
    earned: str = ""
    keep_until: datetime | None = None
    grace_until: datetime | None = None
    fallback: str = ""
    set_tier: str = ""
    locked: bool = False
    set_until: datetime | None = None
    counted: dict[str, int] = field(default_factory=dict)
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AtRisk:
    """A tier was not kept and will be lost."""

    tier: str
    next_tier: str
    lost_at: datetime
    at: datetime


@dataclass
class Ladder:
    """The tiers of a programme, compiled.

    `requirements` are, for each tier, how much of which qualifier; those of
    the first are empty. `is_plain` says that all that counts is what was ever
    earned in one currency.
    """

    tiers: list[str] = field(default_factory=list)
    requirements: list[list[tuple[str, int]]] = field(default_factory=list)
    qualifiers: list[Qualifier] = field(default_factory=list)
    match: int = pb.TIER_MATCH_ALL
    keep: pb.TierKeep | None = None
    downgrade: int = pb.TIER_DOWNGRADE_BALANCE
    grace_days: int = 0
    is_plain: bool = True
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))

    @cached_property
    def follows(self) -> bool:
        """Whether a tier is at any moment just what counts, which only an ending purchase changes."""
        return all(qualifier.window.is_ever for qualifier in self.qualifiers)

    def place(self, tier: str) -> int:
        """How high a tier is: 0 for the first, and for one that is none."""
        return self.tiers.index(tier) if tier in self.tiers else 0

    def day(self, at: datetime) -> date:
        return at.astimezone(self.zone).date()

    def amounts(self, tallies: Mapping[str, Tally], day: date) -> dict[str, int]:
        """What counts on a day, by qualifier."""
        return {each.id: tallies[each.id].between(*each.window.bounds(day)) for each in self.qualifiers}

    def reached(self, amounts: Mapping[str, int]) -> int:
        """The place of the highest tier whose requirements are met."""
        enough = any if self.match == pb.TIER_MATCH_ANY else all
        for place in range(len(self.tiers) - 1, 0, -1):
            if enough(amounts[name] >= least for name, least in self.requirements[place]):
                return place
        return 0

    def reached_on(self, tallies: Mapping[str, Tally], day: date) -> int:
        return self.reached(self.amounts(tallies, day))

    def tallies(self, buckets: Mapping[str, Buckets]) -> dict[str, Tally]:
        return {each.id: Tally(buckets.get(each.id, {})) for each in self.qualifiers}

    # -- what counts has changed ------------------------------------------------

    def qualify(self, standing: Standing, buckets: Mapping[str, Buckets], at: datetime) -> None:
        """Looks at what counts at a moment, and at the newest day of which something is counted.

        A late activity may have reached a tier on its own day, or be what was
        missing now. A tier whose time would be over by the newest day is not
        given any more.
        """
        tallies, held = self.tallies(buckets), self.place(standing.earned)
        if self.follows:
            standing.earned = self.tiers[self.reached_on(tallies, self.day(at))]
            standing.keep_until = standing.grace_until = None
            return
        day = self.day(at)
        newest = self._newest(buckets, day)
        best = self.reached_on(tallies, newest)
        until = self._kept_until(tallies, buckets, best, newest)
        if newest > day and (place := self.reached_on(tallies, day)) > best:
            end = self._kept_until(tallies, buckets, place, day)
            if end is None or self.day(end) > newest:
                best, until = place, end
        if best > held:
            standing.earned, standing.keep_until, standing.grace_until = self.tiers[best], until, None
        elif best == held:
            if self.keep is None or standing.keep_until is None or (until is not None and until > standing.keep_until):
                standing.keep_until = until
            if self.keep is None or standing.grace_until is None or (until is not None and until > at):
                standing.grace_until = None
        elif standing.grace_until is None and self.downgrade != NEVER:
            if self.keep is None:  # what counted was taken back
                moment = max(at, end_of_day(newest - timedelta(days=1), self.zone))
                standing.keep_until = min(standing.keep_until or moment, moment)
            elif standing.keep_until is None:
                standing.keep_until = self._end_of_keep(self.keep, self.day(at))

    def take_back(self, standing: Standing, buckets: Mapping[str, Buckets], before: int, at: datetime) -> None:
        """Ends a tier that the windows reached until something was taken back, and reach no longer.

        `before` is the place that they reached with it. A tier that was only
        kept still is kept on.
        """
        tallies, held, day = self.tallies(buckets), self.place(standing.earned), self.day(at)
        place = self.reached_on(tallies, day)
        if self.keep is None or self.downgrade == NEVER or not before >= held > place:
            return
        standing.earned, standing.grace_until, standing.fallback = self.tiers[place], None, ""
        standing.keep_until = self._kept_until(tallies, buckets, place, day)

    def _newest(self, buckets: Mapping[str, Buckets], day: date) -> date:
        newest = [max(of_it) for each in self.qualifiers if not each.window.is_ever and (of_it := buckets.get(each.id))]
        return max([day, *(date.fromisoformat(bucket[1:]) for bucket in newest)])

    def _kept_until(
        self, tallies: Mapping[str, Tally], buckets: Mapping[str, Buckets], place: int, day: date
    ) -> datetime | None:
        """Until when a tier that is reached on a day is kept; None for ever."""
        if place == 0 or self.downgrade == NEVER:
            return None
        if self.keep is not None:
            return self._end_of_keep(self.keep, day)
        return self._end_of_windows(tallies, buckets, place, day)

    def _end_of_keep(self, keep: pb.TierKeep, day: date) -> datetime:
        match keep.WhichOneof("rule"):
            case "days":
                last = day + timedelta(days=keep.days)
            case "months":
                last = months_later(day, keep.months)
            case "end_of_month_after":
                last = months_later(day.replace(day=1), keep.end_of_month_after + 1) - timedelta(days=1)
            case _:
                last = date(day.year + keep.end_of_year_after, 12, 31)
        return end_of_day(last, self.zone)

    def _end_of_windows(
        self, tallies: Mapping[str, Tally], buckets: Mapping[str, Buckets], place: int, day: date
    ) -> datetime | None:
        """When the windows cease to reach a tier if nothing is added; None for never."""
        held = [(each.window, buckets.get(each.id, {})) for each in self.qualifiers if not each.window.is_ever]
        ends = sorted({gone for window, of_it in held for bucket in of_it if (gone := window.leaves(bucket)) > day})

        def is_over(gone: date) -> bool:
            return self.reached_on(tallies, gone) < place

        if all(amount >= 0 for _, of_it in held for amount in of_it.values()):
            first = bisect_left(ends, True, key=is_over)  # what counts only shrinks
        else:
            first = next((number for number, gone in enumerate(ends) if is_over(gone)), len(ends))
        return end_of_day(ends[first] - timedelta(days=1), self.zone) if first < len(ends) else None

    # -- time has passed --------------------------------------------------------

    def due(self, standing: Standing) -> datetime | None:
        """When the earned tier is to be looked at next; None for never."""
        if self.follows or self.downgrade == NEVER or not self.tiers:
            return None
        return standing.grace_until or standing.keep_until

    def lapse(self, standing: Standing, buckets: Mapping[str, Buckets], due: datetime) -> AtRisk | None:
        """Decides on a tier whose time, or whose grace period, was over at `due`.

        Where tiers are kept for a time, what the windows held in its last
        moment decides: of a calendar year, the year that ended. Otherwise what
        they hold from then on does.
        """
        tallies, held = self.tallies(buckets), self.place(standing.earned)
        day = self.day(due)
        looked_at = day - timedelta(days=1) if self.keep is not None else day
        place = self.reached_on(tallies, looked_at)
        if standing.grace_until is not None and self.keep is not None:
            place = max(place, self.place(standing.fallback))
        if place < held and standing.grace_until is None and self.grace_days:
            standing.fallback = self.tiers[place]
            standing.grace_until = end_of_day(day + timedelta(days=self.grace_days - 1), self.zone)
            follows = held - 1 if self.downgrade == ONE_STEP else place
            return AtRisk(standing.earned, self.tiers[follows], standing.grace_until, due)
        if place < held and self.downgrade == ONE_STEP:
            place = held - 1
        over = standing.keep_until or due
        standing.earned, standing.grace_until, standing.fallback = self.tiers[place], None, ""
        from_day = self.day(over) - timedelta(days=1) if self.keep is not None else day
        standing.keep_until = self._kept_until(tallies, buckets, place, from_day)
        if standing.keep_until is not None and standing.keep_until <= due:
            standing.keep_until = self._kept_until(tallies, buckets, place, day)
        return None


def missing(ladder: Ladder, amounts: Mapping[str, int], place: int) -> dict[str, int]:
    """How much of each qualifier a tier still demands; nothing of those that need not be met any more."""
    if not 0 <= place < len(ladder.tiers):
        return {}
    lacking = {name: max(0, least - amounts[name]) for name, least in ladder.requirements[place]}
    if ladder.match == pb.TIER_MATCH_ANY and 0 in lacking.values():
        return dict.fromkeys(lacking, 0)
    return lacking


def highest(ladder: Ladder, standing: Standing, given: Sequence[str]) -> str:
    """The tier that a member is in: `given` are the ones of what they subscribed to and pay for."""
    if standing.set_tier in ladder.tiers and standing.locked:
        return standing.set_tier
    return ladder.tiers[max(ladder.place(tier) for tier in (standing.earned, standing.set_tier, *given))]
