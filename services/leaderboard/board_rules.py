"""A board of a programme as the leaderboard service uses it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from laurels.leaderboard.v1 import programme_boards_pb2 as boards_pb
from laurels.value.v1.events_pb2 import Grant
from services.leaderboard.periods import Periods
from services.leaderboard.ranking import Scoring


@dataclass(frozen=True, slots=True)
class Prize:
    """Ranks, or the top so many per cent, and what they win."""

    first: int
    last: int
    top_percent: int
    grants: tuple[Grant, ...]


@dataclass(frozen=True, slots=True)
class ScopePrizes:
    """What places in a scope's groups win, and what its groups' own places do."""

    places: tuple[Prize, ...]
    teams: tuple[Prize, ...]

    def all_grants(self) -> list[Grant]:
        """All that may be won."""
        return [grant for prize in (*self.places, *self.teams) for grant in prize.grants]


@dataclass(frozen=True, slots=True)
class BoardRules:
    """A board, compiled."""

    board: str
    scoring: Scoring
    periods: Periods
    grace_s: int
    prizes: tuple[Prize, ...]
    submissions: bool
    with_consent: bool
    live: bool
    scopes: Mapping[str, boards_pb.BoardScope]
    scope_prizes: Mapping[str, ScopePrizes] = field(default_factory=dict)
