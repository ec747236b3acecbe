"""A programme as the leaderboard service uses it, indexed by what it looks at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from laurels.activity.v1.events_pb2 import ActivityRecorded
from laurels.leaderboard.v1 import programme_pb2 as pb
from services.activity import ActivitySchema, Expressions
from services.leaderboard.board_rules import BoardRules
from services.leaderboard.event_feeds import EventRules
from services.leaderboard.gains import Failed, Feed, Gain, gain_of
from services.leaderboard.league_rules import LeagueRules

OPEN_RANK_MAX = 1_000
"""The worst rank that a goal may ask for while a period is open: so much of a board is looked at once a second."""


class Outcome(NamedTuple):
    """What an activity does: what it moves boards by, and pools that give a card."""

    gains: list[Gain]
    pools: list[str]


@dataclass
class TypeRules:
    """What looks at one activity type.

    `feeds` are boards; `issues` pools with a condition. A pool gives one card
    for an activity, whatever number of its conditions hold. All expressions are
    evaluated in one go.
    """

    schema: ActivitySchema
    feeds: list[Feed] = field(default_factory=list)
    issues: list[tuple[str, str]] = field(default_factory=list)
    expressions: Expressions | None = None

    def outcome(self, recorded: ActivityRecorded, failed: Failed) -> Outcome:
        """What an activity does. What fails on it does nothing there and is told to `failed`."""
        expressions = self.expressions or self._compile()
        names = self._names
        activity = recorded.activity
        member = {"member.id": activity.member, "member.tier": recorded.tier}
        broken: set[int] = set()

        def on_failure(place: int, why: str) -> None:
            broken.add(place)
            failed(names[place], why)

        found = expressions.of(activity, member, on_failure)
        gains = []
        for place, feed in enumerate(self.feeds):
            score, with_sub = found[place], self._sub_scores.get(place)
            sub_score = found[with_sub] if with_sub is not None else 0
            value = activity.attributes.fields[feed.distinct].string_value if feed.distinct else ""
            gain = gain_of(feed, score, sub_score, value, failed) if with_sub not in broken else None
            if gain is not None:
                gains.append(gain)
        holding = zip(self.issues, found[len(found) - len(self.issues) :], strict=True)
        return Outcome(gains, list(dict.fromkeys(pool for (pool, _), holds in holding if holds)))

    def _compile(self) -> Expressions:
        self.expressions = Expressions(self.schema)
        self._names = [feed.board for feed in self.feeds]
        for feed in self.feeds:
            self.expressions.add(feed.condition, feed.score)
        self._sub_scores: dict[int, int] = {}
        for place, feed in enumerate(self.feeds):
            if feed.sub_score:
                self._sub_scores[place] = len(self._names)
                self._names.append(feed.board)
                self.expressions.add(feed.condition, feed.sub_score)
        for pool, condition in self.issues:
            self._names.append(pool)
            self.expressions.add(condition, "1")
        return self.expressions


@dataclass(frozen=True, slots=True)
class AskedRanks:
    """The ranks of a board that goals of missions ask for: in a standing, and while a period is open, best first."""

    final: Sequence[int] = ()
    while_open: Sequence[int] = ()

    def asked_while_open(self, rank: int) -> int:
        """The best rank that a goal asks for and that `rank` reaches; 0 where it reaches none.

        >>> asked = AskedRanks(while_open=(3, 10))
        >>> [asked.asked_while_open(rank) for rank in (1, 3, 4, 11)]
        [3, 3, 10, 0]
        """
        return next((asked for asked in self.while_open if rank <= asked), 0)


@dataclass(slots=True)
class LeaderboardRules:
    """A programme as the leaderboard service uses it.

    `boards` and `pools` hold, in the programme's order, those without
    problems, `compiled` the boards compiled. The rest is indexed by what it
    looks at: a currency, an activity type, a mission; boards by mission with
    what it moves them by, under "" for any mission.
    """

    boards: dict[str, pb.Board] = field(default_factory=dict)
    pools: dict[str, pb.ScratchPool] = field(default_factory=dict)
    by_currency: dict[str, list[str]] = field(default_factory=dict)
    by_type: dict[str, TypeRules] = field(default_factory=dict)
    by_mission: dict[str, list[str]] = field(default_factory=dict)
    time_zone: str = "UTC"
    compiled: dict[str, BoardRules] = field(default_factory=dict)
    boards_by_mission: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    by_event: dict[int, EventRules] = field(default_factory=dict)
    ranks_asked: dict[str, AskedRanks] = field(default_factory=dict)
    leagues: dict[str, LeagueRules] = field(default_factory=dict)
    leagues_by_board: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Known:
    """The ids that the section may refer to."""

    currencies: frozenset[str]
    missions: frozenset[str]
    schemas: Mapping[str, ActivitySchema]
    rewards: frozenset[str] = frozenset()
    badges: frozenset[str] = frozenset()
    pools: frozenset[str] = frozenset()


def of_type(rules: LeaderboardRules, known: Known, activity_type: str) -> TypeRules:
    """What looks at an activity type, to be added to."""
    return rules.by_type.setdefault(activity_type, TypeRules(known.schemas[activity_type]))
