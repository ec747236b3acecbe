"""What a pool publishes: its table, made once from the programme, and the terms that it states.

All that is decided about a card is decided by the table, never by the
programme of the day: what was published stays.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from google.protobuf.timestamp_pb2 import Timestamp

from laurels.leaderboard.v1 import programme_cards_pb2 as cards_pb
from laurels.leaderboard.v1 import programme_pb2 as pb
from laurels.programme.v1.programme_pb2 import Programme
from services.leaderboard.fairness import DECK, ODDS, SCHEME, Table, canonical, parse

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
DAY = 86_400_000_000
"""A day in microseconds."""
KINDS: Mapping[int, str] = {
    cards_pb.POOL_KIND_UNSPECIFIED: ODDS,
    cards_pb.POOL_KIND_ODDS: ODDS,
    cards_pb.POOL_KIND_DECK: DECK,
}
KIND_NUMBERS = {ODDS: cards_pb.POOL_KIND_ODDS, DECK: cards_pb.POOL_KIND_DECK}
FACES: Mapping[int, str] = {
    cards_pb.FACE_UNSPECIFIED: "scratch_card",
    cards_pb.FACE_SCRATCH_CARD: "scratch_card",
    cards_pb.FACE_WHEEL: "wheel",
    cards_pb.FACE_SEALED_BOX: "sealed_box",
}
FACE_NUMBERS = {
    "scratch_card": cards_pb.FACE_SCRATCH_CARD,
    "wheel": cards_pb.FACE_WHEEL,
    "sealed_box": cards_pb.FACE_SEALED_BOX,
}
PRIZE_FIELDS = tuple(each.name for each in pb.Prize.DESCRIPTOR.fields)
TABLES_REMEMBERED_MAX = 256


def micros(at: datetime) -> int:
    """A moment as the tables and draws state it.

    >>> micros(datetime(1970, 1, 1, 0, 0, 1, 5, tzinfo=UTC))
    1000005
    """
    return (at - EPOCH) // MICROSECOND


def micros_of(stamp: Timestamp) -> int:
    """A moment of a message, whatever is in it: one beyond the calendar is a problem to be told."""
    return stamp.seconds * 1_000_000 + stamp.nanos // 1_000


def zone_of(programme: Programme) -> str:
    """The zone of a programme's days; UTC where it names none that there is, which is told to the author elsewhere."""
    try:
        return ZoneInfo(programme.time_zone or "UTC").key
    except (KeyError, ValueError, OSError):
        return "UTC"


def table_of(brand: str, pool: pb.ScratchPool, time_zone: str) -> dict[str, Any]:
    """The table of a pool that the programme declares; `canonical` of it is what is published."""
    window: dict[str, int] = {}
    if pool.HasField("window"):
        ends_at = micros_of(pool.window.ends_at)
        window = {
            "starts_at": micros_of(pool.window.starts_at),
            "ends_at": ends_at,
            "closes_at": ends_at + pool.window.reveal_days * DAY,
        }
    return {
        "scheme": SCHEME,
        "brand": brand,
        "pool": pool.id,
        "kind": KINDS.get(pool.kind, ""),
        "face": FACES.get(pool.face, ""),
        "prizes": [{name: getattr(prize, name) for name in PRIZE_FIELDS} for prize in pool.prizes],
        "nothing_weight": pool.nothing_weight,
        "cards": pool.cards,
        "budget": pool.budget,
        "window": window,
        "valid_days": pool.valid_days,
        "limits": {
            "per_member_day": pool.limits.per_member_day,
            "per_member": pool.limits.per_member,
            "per_day": pool.limits.per_day,
            "time_zone": time_zone,
        },
        "pacing": [{"elapsed": point.elapsed, "released": point.released} for point in pool.pacing],
    }


def text_of(brand: str, pool: pb.ScratchPool, time_zone: str) -> str:
    """The text of a pool's table."""
    return canonical(table_of(brand, pool, time_zone))


@dataclass(frozen=True, slots=True)
class Terms:
    """What a table states besides how cards are drawn. A limit of 0 is none; `zone` is that of days."""

    table: Table
    face: int
    prizes: Mapping[str, pb.Prize]
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    closes_at: datetime | None = None
    valid_days: int = 0
    per_member_day: int = 0
    per_member: int = 0
    per_day: int = 0
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))

    @property
    def limits_cards(self) -> bool:
        """Whether something that asks for a card may go without one."""
        limits = (self.per_member_day, self.per_member, self.per_day, self.table.cards)
        return any(limits) or self.starts_at is not None

    def day_of(self, at: datetime) -> str:
        """The day of a moment, as counts are kept by."""
        return at.astimezone(self.zone).date().isoformat()

    def expires_at(self, issued_at: datetime) -> datetime | None:
        """When a card that was given at a moment expires; None when it does not."""
        ends = [self.closes_at] if self.closes_at is not None else []
        if self.valid_days:
            ends.append(issued_at + timedelta(days=self.valid_days))
        return min(ends, default=None)


@lru_cache(maxsize=TABLES_REMEMBERED_MAX)
def terms_of(text: str) -> Terms:
    """The terms of a published table."""
    table = json.loads(text)
    limits, window = table["limits"], {name: _moment(at) for name, at in table["window"].items()}
    return Terms(
        parse(text),
        FACE_NUMBERS[table["face"]],
        {prize["id"]: pb.Prize(**prize) for prize in table["prizes"]},
        window.get("starts_at"),
        window.get("ends_at"),
        window.get("closes_at"),
        table["valid_days"],
        limits["per_member_day"],
        limits["per_member"],
        limits["per_day"],
        ZoneInfo(limits["time_zone"]),
    )


def readable(text: str) -> Terms | None:
    """The terms of a text, or None when it is no table."""
    try:
        return terms_of(text)
    except (ValueError, KeyError, TypeError):
        return None


def _moment(at: int) -> datetime:
    return EPOCH + at * MICROSECOND
