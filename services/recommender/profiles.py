"""Events change profiles: an activity, and a tier."""

from dataclasses import dataclass
from datetime import datetime

from chassis.book import Operation
from laurels.activity.v1.activity_pb2 import Activity
from services.recommender.book import Book
from services.recommender.profile import Change
from services.recommender.programme import RecommenderRules


@dataclass(frozen=True, slots=True)
class SeenActivity:
    """An activity that the points service recorded as its event number `event`."""

    activity: Activity
    event: int
    programme_version: int
    occurred_at: datetime
    amount: float | None
    tier: str

    @property
    def member(self) -> str:
        return self.activity.member


@dataclass(frozen=True, slots=True)
class SeenTier:
    """A tier that the points service's event number `event` named."""

    member: str
    event: int
    tier: str


class SeeActivity(Operation):
    """Adds an activity to its member's profile, under the version that it was recorded under."""

    requests = (SeenActivity,)

    def version(self, request: SeenActivity) -> int:
        return request.programme_version

    def decide(self, book: Book, rules: RecommenderRules, request: SeenActivity) -> None:
        counts = request.amount is not None and request.activity.type in rules.amount_types
        change = book.changes.setdefault(request.member, Change())
        change.see_activity(request.occurred_at, int(request.amount or 0) if counts else 0)
        change.see_tier(request.tier, request.event)


class SeeTier(Operation):
    """Takes over the tier that a member came to."""

    requests = (SeenTier,)

    def version(self, request: SeenTier) -> None:
        return None

    def decide(self, book: Book, rules: None, request: SeenTier) -> None:
        book.changes.setdefault(request.member, Change()).see_tier(request.tier, request.event)
