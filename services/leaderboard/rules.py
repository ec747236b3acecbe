"""A programme as the leaderboard service uses it, indexed by what it looks at."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from laurels.activity.v1.events_pb2 import ActivityRecorded
from laurels.leaderboard.v1 import programme_pb2 as pb
from services.activity import ActivitySchema, Expressions
from services.leaderboard.ranking import GAIN_MAX

Failed = Callable[[str, str], None]
"""Is told which board or pool has an expression that failed on an activity, and why."""


class Outcome(NamedTuple):
    """What an activity does: boards with what they rise by, and pools that give a card."""

    gains: list[tuple[str, int]]
    pools: list[str]


@dataclass
class TypeRules:
    """What looks at one activity type.

    `feeds` are boards with condition and score; `issues` pools with a
    condition. A pool gives one card for an activity, whatever number of its
    conditions hold. All expressions are evaluated in one go.
    """

    schema: ActivitySchema
    feeds: list[tuple[str, str, str]] = field(default_factory=list)
    issues: list[tuple[str, str]] = field(default_factory=list)
    expressions: Expressions | None = None

    def outcome(self, recorded: ActivityRecorded, failed: Failed) -> Outcome:
        """What an activity does. What fails on it does nothing there and is told to `failed`."""
        expressions = self.expressions or self._compile()
        names = self._names
        activity = recorded.activity
        member = {"member.id": activity.member, "member.tier": recorded.tier}
        found = expressions.of(activity, member, lambda place, why: failed(names[place], why))
        gains = []
        for board, score in zip(names, found[: len(self.feeds)], strict=False):
            if score > GAIN_MAX:
                failed(board, f"the score {score} is over {GAIN_MAX}")
            elif score > 0:
                gains.append((board, score))
        holding = zip(self.issues, found[len(self.feeds) :], strict=True)
        return Outcome(gains, list(dict.fromkeys(pool for (pool, _), holds in holding if holds)))

    def _compile(self) -> Expressions:
        self._names = [board for board, _, _ in self.feeds] + [pool for pool, _ in self.issues]
        self.expressions = Expressions(self.schema)
        for _, condition, score in self.feeds:
            self.expressions.add(condition, score)
        for _, condition in self.issues:
            self.expressions.add(condition, "1")
        return self.expressions


@dataclass(slots=True)
class LeaderboardRules:
    """A programme as the leaderboard service uses it.

    `boards` and `pools` hold, in the programme's order, those without
    problems. The rest is indexed by what it looks at: a currency, an activity
    type, a mission.
    """

    boards: dict[str, pb.Board] = field(default_factory=dict)
    pools: dict[str, pb.ScratchPool] = field(default_factory=dict)
    by_currency: dict[str, list[str]] = field(default_factory=dict)
    by_type: dict[str, TypeRules] = field(default_factory=dict)
    by_mission: dict[str, list[str]] = field(default_factory=dict)
    time_zone: str = "UTC"


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
