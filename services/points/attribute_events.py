"""What is told of members' attributes: those that are shared, and days of the year that come round.

A change is told with what made it. A new version that shares other attributes,
or follows other dates, begins a sweep over all members of whom something is
known, in batches; it tells of each who has such an attribute, and begins again
when another version comes meanwhile. Telling twice is no harm: what is told is
all that is shared.

An anniversary is told when its day begins for the member, once, and up to
seven days late. A date that is stated at enrolment counts from that day on,
one that is stated, changed or followed later only from the first day that has
begun nowhere yet, so that no change of it makes a day come round twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

from google.protobuf.struct_pb2 import Struct

from chassis.book import Kind
from laurels.points.v1 import members_events_pb2 as events
from laurels.programme.v1.programme_pb2 import Programme
from services.points.anniversaries import begins, is_told, next_day
from services.points.attributes import zone_of
from services.points.book import PARTICULARS, Book, Operation, Touched
from services.points.programme import PointsRules
from services.points.store import attributes as store
from services.points.store.attributes import Anniversaries, Anniversary, SweepRow

ANNIVERSARIES: Kind[str, Anniversaries] = Kind("anniversaries", 13, store.lock_anniversaries, store.save_anniversaries)
SWEEPS: Kind[str, SweepRow] = Kind("sweeps over particulars", 97, store.lock_sweeps, store.save_sweeps)
EARLIEST_ZONE = timezone(timedelta(hours=14))
"""Where every day begins first."""
_THE_SWEEP = "sweep"


@dataclass(frozen=True, slots=True)
class SweepOn:
    """The next members of a sweep, in their order, beyond the one who was looked at last; none at its end."""

    after: str
    members: Sequence[str]


@dataclass(frozen=True, slots=True)
class DueAnniversaries:
    """Members who have a day that began by `until`."""

    members: Sequence[str]
    until: datetime


def touch(member: str, rules: PointsRules, touched: Touched) -> None:
    """What a change of a member's attributes touches besides them."""
    if rules.members.anniversaries:
        touched.row(ANNIVERSARIES, member)


def note(
    book: Book, member: str, before: Mapping[str, Any], after: Mapping[str, Any], *, enrolled: bool = False
) -> None:
    """Tells what is shared when it changed, and follows the member's dates. `enrolled` when the member just was."""
    shared = book.rules.members.shared_values(after)
    if shared != ({} if enrolled else book.rules.members.shared_values(before)):
        _tell_shared(book, member, shared)
    if book.rules.members.anniversaries:
        _follow(book, member, after, enrolled=enrolled)


def to_sweep(before: Programme, after: Programme) -> list[str] | None:
    """The attributes that a version shares and the one before does not, or the other way round.

    None when nobody's attributes are to be looked at for the change: also the
    same dates are followed then, in the same zone.
    """
    shared = [
        {attribute.name for attribute in programme.points.member_attributes if attribute.shared}
        for programme in (before, after)
    ]
    followed = [
        {attribute.name for attribute in programme.points.member_attributes if attribute.anniversary}
        for programme in (before, after)
    ]
    zones = [(programme.time_zone, programme.points.guardianship.time_zone_attribute) for programme in (before, after)]
    moved = followed[0] != followed[1] or (bool(followed[1]) and zones[0] != zones[1])
    names = sorted(shared[0] ^ shared[1])
    return names if names or moved else None


class Sweep(Operation):
    """Tells what a new version shares, and follows the dates that it follows."""

    requests = (SweepOn,)
    moves_tiers = False

    def touch(self, request: SweepOn, found: None, rules: PointsRules, touched: Touched) -> None:
        touched.row(SWEEPS, _THE_SWEEP)
        for member in request.members:
            touched.members.add(member)
            touched.row(PARTICULARS, member)
            touched.row(ANNIVERSARIES, member)

    def decide(self, book: Book, request: SweepOn) -> int:
        row = book.row(SWEEPS, _THE_SWEEP)
        if row is None or row.done_to != request.after:
            return 0
        for member in request.members:
            known = book.row(PARTICULARS, member)
            if known is None or not book.is_enrolled(member):
                continue
            if not known.attributes.keys().isdisjoint(row.names):
                _tell_shared(book, member, book.rules.members.shared_values(known.attributes))
            _follow(book, member, known.attributes)
        row.is_over = not request.members
        row.done_to = request.members[-1] if request.members else row.done_to
        book.put(SWEEPS, _THE_SWEEP, row)
        return len(request.members) or 1


class Reach(Operation):
    """Tells days that came round."""

    requests = (DueAnniversaries,)
    moves_tiers = False

    def touch(self, request: DueAnniversaries, found: None, rules: PointsRules, touched: Touched) -> None:
        for member in request.members:
            touched.row(ANNIVERSARIES, member)

    def decide(self, book: Book, request: DueAnniversaries) -> int:
        done = 0
        for member in request.members:
            known = book.row(ANNIVERSARIES, member)
            for attribute, row in sorted(known.by_attribute.items()) if known is not None else ():
                while row.due_at is not None and row.due_at <= request.until:
                    self._reach(book, member, attribute, row, request.until)
                    known.changed.add(attribute)  # type: ignore[union-attr]
                    done += 1
            if known is not None and known.changed:
                book.put(ANNIVERSARIES, member, known)
        return done

    @staticmethod
    def _reach(book: Book, member: str, attribute: str, row: Anniversary, until: datetime) -> None:
        zone = zone_of(row.zone) or book.rules.zone
        day = next_day(row.on_date, row.told_until)
        if day is None or row.due_at is None:
            row.due_at = None
            return
        if is_told(day, until.astimezone(zone).date()):
            told = events.AnniversaryReached(
                member=member, attribute=attribute, day=day.isoformat(), occurred_at=begins(day, zone)
            )
            book.tell(member, told)
        row.told_until = day
        row.due_at = _due(row.on_date, day, zone)


def _tell_shared(book: Book, member: str, shared: dict[str, Any]) -> None:
    attributes = Struct()
    attributes.update(shared)
    book.tell(member, events.SharedAttributesChanged(member=member, attributes=attributes, changed_at=book.stamp))


def _follow(book: Book, member: str, attributes: Mapping[str, Any], *, enrolled: bool = False) -> None:
    """Keeps when the days of a member's dates come round; withdrawn dates, and those not followed, go."""
    known = book.row(ANNIVERSARIES, member)
    if known is None:
        return  # of somebody who was erased
    schema = book.rules.members
    zone = schema.zone(attributes, book.rules.zone)
    # A day that has begun somewhere may have been told there, and withdrawn since.
    today, begun = book.now.astimezone(zone).date(), book.now.astimezone(EARLIEST_ZONE).date()
    dates = {name: on for name in schema.anniversaries if (on := _date(attributes.get(name))) is not None}
    for name in known.by_attribute.keys() - dates.keys():
        del known.by_attribute[name]
        known.changed.add(name)
    for name, on in dates.items():
        row = known.by_attribute.get(name)
        if row is not None and (row.on_date, row.zone) == (on, zone.key):
            continue
        if row is None:
            told_until = today - timedelta(days=1) if enrolled else begun
        else:
            told_until = row.told_until if row.on_date == on else max(row.told_until, begun)
        known.by_attribute[name] = Anniversary(on, zone.key, told_until, _due(on, told_until, zone))
        known.changed.add(name)
    if known.changed:
        book.put(ANNIVERSARIES, member, known)


def _due(on: date, after: date, zone: ZoneInfo) -> datetime | None:
    day = next_day(on, after)
    return None if day is None else begins(day, zone)


def _date(value: Any) -> date | None:
    """A date as it is kept; None for what an older version let be there."""
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
