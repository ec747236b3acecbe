"""Points that expire are kept in lots, and what expires soonest is spent first.

A lot is what an account holds of one moment of expiry. Moments are ends of
days in the brand's zone, so an account has at most one lot a day.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from laurels.points.v1 import programme_pb2 as pb

Part = tuple[datetime, int]
"""So much of what expires then."""


def expiry_of(rule: pb.Expiry, at: datetime, zone: ZoneInfo) -> datetime:
    """When points that became available `at` a moment expire: the end of a day in `zone`.

    >>> from datetime import UTC
    >>> noon, utc = datetime(2026, 1, 31, 12, tzinfo=UTC), ZoneInfo("UTC")
    >>> expiry_of(pb.Expiry(days=1), noon, utc).isoformat()
    '2026-02-02T00:00:00+00:00'
    >>> expiry_of(pb.Expiry(months=1), noon, utc).isoformat()
    '2026-03-01T00:00:00+00:00'
    >>> expiry_of(pb.Expiry(end_of_month_after=0), noon, utc).isoformat()
    '2026-02-01T00:00:00+00:00'
    >>> expiry_of(pb.Expiry(end_of_year_after=1), noon, utc).isoformat()
    '2028-01-01T00:00:00+00:00'
    """
    day = at.astimezone(zone).date()
    match rule.WhichOneof("rule"):
        case "days":
            last = day + timedelta(days=rule.days)
        case "inactive_days":
            last = day + timedelta(days=rule.inactive_days)
        case "months":
            last = months_later(day, rule.months)
        case "end_of_month_after":
            last = months_later(day.replace(day=1), rule.end_of_month_after + 1) - timedelta(days=1)
        case "end_of_year_after":
            last = date(day.year + rule.end_of_year_after, 12, 31)
        case "date":
            last = date.fromisoformat(rule.date)
        case _:
            raise ValueError("an expiry without a rule")
    return end_of_day(last, zone)


def activation_of(policy: pb.PendingPolicy, at: datetime, zone: ZoneInfo) -> datetime | None:
    """When points that were earned `at` a moment become available; None when something else says so.

    >>> from datetime import UTC
    >>> noon, utc = datetime(2026, 1, 30, 12, tzinfo=UTC), ZoneInfo("UTC")
    >>> activation_of(pb.PendingPolicy(days=1, rounding=pb.PENDING_ROUNDING_END_OF_MONTH), noon, utc).isoformat()
    '2026-02-01T00:00:00+00:00'
    >>> activation_of(pb.PendingPolicy(until_approved=True), noon, utc) is None
    True
    """
    match policy.WhichOneof("rule"):
        case "days":
            local = at.astimezone(zone)
            due = datetime.combine(local.date() + timedelta(days=policy.days), local.timetz().replace(tzinfo=None))
            moment = due.replace(tzinfo=zone).astimezone(at.tzinfo)
        case "hours":
            moment = at + timedelta(hours=policy.hours)
        case _:
            return None
    day = moment.astimezone(zone).date()
    match policy.rounding:
        case pb.PENDING_ROUNDING_END_OF_DAY:
            return end_of_day(day, zone)
        case pb.PENDING_ROUNDING_END_OF_WEEK:
            return end_of_day(day + timedelta(days=6 - day.weekday()), zone)
        case pb.PENDING_ROUNDING_END_OF_MONTH:
            return end_of_day(months_later(day.replace(day=1), 1) - timedelta(days=1), zone)
    return moment


def months_later(day: date, months: int) -> date:
    """The same day of a later month, or that month's last.

    >>> months_later(date(2026, 1, 31), 1)
    datetime.date(2026, 2, 28)
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    first = date(year, month + 1, 1)
    length = (date(year + (month + 1) // 12, (month + 1) % 12 + 1, 1) - first).days
    return first.replace(day=min(day.day, length))


def end_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The moment at which a day of the zone is over."""
    return datetime.combine(day + timedelta(days=1), time(), tzinfo=zone)


def take(lots: Sequence[Part], amount: int) -> list[Part]:
    """The parts that a debit is taken from, soonest first; fewer than `amount` when the lots hold less.

    `lots` are in the order of their expiry.

    >>> from datetime import UTC
    >>> may, june = datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)
    >>> [(part[0].month, part[1]) for part in take([(may, 10), (june, 20)], 15)]
    [(5, 10), (6, 5)]
    """
    parts = []
    for expires_at, remaining in lots:
        if amount == 0:
            break
        taken = min(remaining, amount)
        if taken:
            parts.append((expires_at, taken))
            amount -= taken
    return parts


def split(parts: Iterable[Part], amount: int) -> tuple[list[Part], list[Part]]:
    """The first `amount` of the parts, and the rest."""
    ordered = list(parts)
    first = take(ordered, amount)
    used = dict(first)
    rest = [(expires_at, part - used.get(expires_at, 0)) for expires_at, part in ordered]
    return first, [(expires_at, part) for expires_at, part in rest if part]


def total(parts: Iterable[Part]) -> int:
    """How much the parts are together."""
    return sum(amount for _, amount in parts)
