"""What events of points and missions move boards by: their fields, typed for expressions, and how these are evaluated.

An event's facts follow from the event and the programme's version that it
names, and from nothing else, so that a replay gives the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from chassis.conditions import INTEGER, MOMENT, TEXT, Amounts, Vocabulary
from laurels.activity.v1.events_pb2 import ActivityRecorded
from laurels.leaderboard.v1 import programme_boards_pb2 as boards_pb
from laurels.missions.v1.events_pb2 import MissionCompleted
from laurels.missions.v1.levels_events_pb2 import LevelReached
from laurels.points.v1.events_pb2 import PointsCredited
from laurels.points.v1.points_pb2 import ENTRY_KIND_EARN, EntryKind
from services.activity import moment_of
from services.leaderboard.gains import Failed, Feed, Gain, gain_of

POINTS_CREDITED, MISSION_COMPLETED, LEVEL_REACHED = (
    boards_pb.FEED_EVENT_POINTS_CREDITED,
    boards_pb.FEED_EVENT_MISSION_COMPLETED,
    boards_pb.FEED_EVENT_LEVEL_REACHED,
)
FIELDS: Mapping[int, Mapping[str, Any]] = {
    POINTS_CREDITED: {
        "points.currency": TEXT,
        "points.amount": INTEGER,
        "points.kind": TEXT,
        "points.reference": TEXT,
        "points.occurred_at": MOMENT,
    },
    MISSION_COMPLETED: {"mission.id": TEXT, "mission.run": TEXT, "mission.occurred_at": MOMENT},
    LEVEL_REACHED: {
        "level.id": TEXT,
        "level.place": INTEGER,
        "level.experience": INTEGER,
        "level.occurred_at": MOMENT,
    },
}


class EventSchema:
    """The vocabulary of expressions over events of a kind."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self.texts = [name for name, kind in fields.items() if kind is TEXT]
        self.vocabulary = Vocabulary({"member.id": TEXT, **fields})


SCHEMAS: Mapping[int, EventSchema] = {kind: EventSchema(fields) for kind, fields in FIELDS.items()}


@dataclass(slots=True)
class EventRules:
    """The boards that events of a kind move. All expressions are evaluated in one go."""

    kind: int
    feeds: list[Feed] = field(default_factory=list)
    _amounts: Amounts | None = None

    def gains(self, values: Mapping[str, Any], failed: Failed) -> list[Gain]:
        """What an event with these values moves; what fails on it does not, and is told to `failed`."""
        if self._amounts is None:
            sources = [(feed.condition, feed.score) for feed in self.feeds]
            sources += [(feed.condition, feed.sub_score or "0") for feed in self.feeds]
            self._amounts = SCHEMAS[self.kind].vocabulary.amounts(sources)
        broken: set[int] = set()

        def on_failure(place: int, why: str) -> None:
            broken.add(place % len(self.feeds))
            failed(self.feeds[place % len(self.feeds)].board, why)

        activation = SCHEMAS[self.kind].vocabulary.values(values)
        found = self._amounts.of(activation, on_failure)
        scores, sub_scores = found[: len(self.feeds)], found[len(self.feeds) :]
        gains = [
            gain_of(feed, score, sub_score, values[feed.distinct] if feed.distinct else "", failed)
            for place, (feed, score, sub_score) in enumerate(zip(self.feeds, scores, sub_scores, strict=True))
            if place not in broken
        ]
        return [gain for gain in gains if gain is not None]


@dataclass(frozen=True, slots=True)
class Told:
    """An event as expressions see it: its kind, whom it is about, when it happened, its fields."""

    kind: int
    member: str
    at: datetime
    fields: Mapping[str, Any]

    def values(self) -> dict[str, Any]:
        """The values of all its variables."""
        return {"member.id": self.member, **self.fields}


def told_by_credit(credited: PointsCredited) -> Told:
    """A credit."""
    at = _moment(credited.occurred_at)
    return _points(credited.member, credited.currency, credited.amount, credited.kind, credited.reference, at)


def told_by_activity(recorded: ActivityRecorded) -> Sequence[Told]:
    """What an activity earned, which no credit tells."""
    activity = recorded.activity
    return [
        _points(activity.member, each.currency, each.amount, ENTRY_KIND_EARN, activity.id, moment_of(activity))
        for each in recorded.earned
    ]


def told_by_mission(completed: MissionCompleted) -> Told:
    """A finished mission."""
    at = _moment(completed.completed_at)
    fields = {"mission.id": completed.mission, "mission.run": completed.run, "mission.occurred_at": at}
    return Told(MISSION_COMPLETED, completed.member, at, fields)


def told_by_level(reached: LevelReached) -> Told:
    """A level that was reached."""
    at = _moment(reached.reached_at)
    fields = {
        "level.id": reached.level,
        "level.place": reached.place,
        "level.experience": reached.experience,
        "level.occurred_at": at,
    }
    return Told(LEVEL_REACHED, reached.member, at, fields)


def _points(member: str, currency: str, amount: int, kind: int, reference: str, at: datetime) -> Told:
    known = EntryKind.DESCRIPTOR.values_by_number.get(kind)
    fields = {
        "points.currency": currency,
        "points.amount": amount,
        "points.kind": known.name.removeprefix("ENTRY_KIND_").lower() if known is not None else "",
        "points.reference": reference,
        "points.occurred_at": at,
    }
    return Told(POINTS_CREDITED, member, at, fields)


def _moment(at: Timestamp) -> datetime:
    return at.ToDatetime(tzinfo=UTC)
