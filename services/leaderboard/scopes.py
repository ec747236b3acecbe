"""Boards within a board: who is in which group, and the groups' own scores.

What a replica has of them follows from the board's ranks and from what is
known of its members, and from nothing else.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from laurels.leaderboard.v1 import programme_boards_pb2 as boards_pb
from services.leaderboard.rank_index import Order, RankIndex, Ranking

SUM_MAX = 2**63 - 1
Scopes = Mapping[str, boards_pb.BoardScope]


class Known(NamedTuple):
    """What puts a member into groups."""

    tier: str = ""
    attributes: Mapping[str, Any] = {}
    segments: Sequence[str] = ()


class Team(NamedTuple):
    """A group's place among the groups. `rank` as the board ranks equals."""

    rank: int
    group: str
    score: int


NOTHING = Known()


def groups_of(scope: boards_pb.BoardScope, known: Known) -> Sequence[str]:
    """The groups of a scope that a member is in.

    >>> country = boards_pb.BoardScope(id="country", attribute="country")
    >>> groups_of(country, Known(attributes={"country": "de"})), groups_of(country, NOTHING)
    (('de',), ())
    """
    match scope.WhichOneof("by"):
        case "tier":
            return (known.tier,) if known.tier else ()
        case "segment":
            return tuple(dict.fromkeys(known.segments))
        case "attribute":
            value = known.attributes.get(scope.attribute)
            if isinstance(value, bool):
                return ("true" if value else "false",)
            if isinstance(value, float) and value.is_integer():
                return (str(int(value)),)
            return (str(value),) if isinstance(value, str | int) and value != "" else ()
    return ()


@dataclass(slots=True)
class Groups:
    """The groups of a board's period, by scope and group."""

    order: Order
    scopes: Scopes
    indexes: dict[tuple[str, str], RankIndex] = field(default_factory=dict)
    _teams: dict[str, tuple[int, list[Team]]] = field(default_factory=dict)
    version: int = 0

    def put(self, known: Known, member: str, score: int, sub_score: int, reached: int, moves: int) -> None:
        """Ranks a member in all groups that they are in."""
        for scope_id, scope in self.scopes.items():
            for group in groups_of(scope, known):
                index = self.indexes.get((scope_id, group))
                if index is None:
                    index = self.indexes[scope_id, group] = RankIndex(self.order)
                if index.moves(member) < moves:
                    index.put(member, score, sub_score, reached, moves)
                else:
                    index.restore(member)
                self.version += 1

    def remove(self, known: Known, member: str) -> None:
        """Takes a member out of all groups that they are in."""
        for scope_id, scope in self.scopes.items():
            for group in groups_of(scope, known):
                if (index := self.indexes.get((scope_id, group))) is not None:
                    index.remove(member)
                    self.version += 1

    def forget(self, member: str) -> None:
        for index in self.indexes.values():
            index.forget(member)
        self.version += 1

    def teams(self, scope_id: str) -> list[Team]:
        """The groups of a scope with a team score, from the top; reckoned when something has changed."""
        kept = self._teams.get(scope_id)
        if kept is None or kept[0] != self.version:
            kept = self._teams[scope_id] = (self.version, self._ranked(scope_id))
        return kept[1]

    def _ranked(self, scope_id: str) -> list[Team]:
        team = self.scopes[scope_id].team
        scores = {
            group: aggregate(team, index)
            for (scope, group), index in self.indexes.items()
            if scope == scope_id and len(index)
        }
        return ranked(self.order, scores)


def aggregate(team: boards_pb.TeamRanking, index: RankIndex) -> int:
    """The score of a group that has members."""
    best = sum(place.score for place in index.page(0, team.best))
    return aggregated(team, len(index), index.total(), best)


def aggregated(team: boards_pb.TeamRanking, members: int, whole: int, best: int) -> int:
    """A group's score of its members' number, the sum of their scores, and that of the best of them.

    No sum passes what a number of 64 bits holds.

    >>> mean = boards_pb.TeamRanking(aggregate=boards_pb.TEAM_AGGREGATE_MEAN)
    >>> aggregated(mean, 2, 5, 3)
    2
    """
    match team.aggregate:
        case boards_pb.TEAM_AGGREGATE_BEST:
            score = best
        case boards_pb.TEAM_AGGREGATE_MEAN:
            score = whole // members
        case _:
            score = whole
    return max(-SUM_MAX, min(score, SUM_MAX))


def ranked(order: Order, scores: Mapping[str, int]) -> list[Team]:
    """Groups from the top; of equal scores the one whose name is before, in byte order."""
    sign = 1 if order.ascending else -1
    ordered = sorted(scores, key=lambda group: (sign * scores[group], group.encode()))
    return list(_placed(order.ranking, [(group, scores[group]) for group in ordered]))


def _placed(ranking: Ranking, ordered: Iterable[tuple[str, int]]) -> Iterable[Team]:
    rank, before = 0, None
    for place, (group, score) in enumerate(ordered, 1):
        if ranking is Ranking.ORDINAL or score != before:
            rank = rank + 1 if ranking is Ranking.DENSE else place
        before = score
        yield Team(rank, group, score)
