"""What contributions come to: totals, what refunds leave of them, and the standing of teams.

A total is the sum of its facts, so their order does not matter, nor does it
whether a refund arrives before what it refunds.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from hashlib import blake2b

from chassis.credentials import IDENTIFIER
from laurels.missions.v1 import programme_together_pb2 as pb


@dataclass(frozen=True, slots=True)
class Refunded:
    """How much of a purchase is refunded, in the unit of its total."""

    refunded: int
    total: int

    @property
    def is_whole(self) -> bool:
        return self.total > 0 and self.refunded >= self.total


def kept(value: int, is_each: bool, refund: Refunded | None) -> int:
    """What a refund leaves of a contribution.

    A share of a sum, rounded up, so that a contribution is gone only when its
    purchase is; an activity that counts one (`is_each`) stays until then.

    >>> kept(100, False, Refunded(30, 90)), kept(100, False, Refunded(90, 90)), kept(1, True, Refunded(30, 90))
    (67, 0, 1)
    """
    if refund is None or refund.refunded <= 0 or refund.total <= 0:
        return value
    if refund.is_whole:
        return 0
    return value if is_each else value - value * refund.refunded // refund.total


def later(one: Refunded | None, other: Refunded) -> Refunded:
    """The one that stands for more: a purchase is never refunded less than before."""
    return other if one is None or other.refunded > one.refunded else one


@dataclass(frozen=True, slots=True)
class Standing:
    """A team with its size and what its members contributed; `rank` is 0 before it is ranked."""

    team: str
    size: int
    total: int
    rank: int = 0


def ranked(teams: Iterable[Standing], score: int, size_min: int) -> list[Standing]:
    """Teams that are large enough, best first; equal ones share a rank, and the next one's is behind all of them.

    Means are compared as fractions, without rounding.

    >>> mean = pb.TEAM_SCORE_MEAN
    >>> teams = [Standing("a", 3, 10), Standing("b", 2, 7), Standing("c", 6, 20), Standing("d", 1, 9)]
    >>> [(team.team, team.rank) for team in ranked(teams, mean, 2)]
    [('b', 1), ('a', 2), ('c', 2)]
    """
    found: list[Standing] = []
    for team in sorted(
        (team for team in teams if team.size >= max(size_min, 1)),
        key=lambda team: (-_key(team, score), team.team),
    ):
        level = bool(found) and _key(found[-1], score) == _key(team, score)
        rank = found[-1].rank if level else len(found) + 1
        found.append(Standing(team.team, team.size, team.total, rank))
    return found


def _key(team: Standing, score: int) -> Fraction:
    return Fraction(team.total, team.size) if score == pb.TEAM_SCORE_MEAN else Fraction(team.total)


def shown_score(team: Standing, score: int) -> int:
    """A team's score; of a mean, the whole part."""
    return team.total // max(team.size, 1) if score == pb.TEAM_SCORE_MEAN else team.total


def prize_of(prizes: Sequence[pb.TeamPrize], rank: int) -> pb.TeamPrize | None:
    """What a rank wins, if anything."""
    return next((prize for prize in prizes if prize.from_rank <= rank <= prize.to_rank), None)


def team_id(member: str, key: str) -> str:
    """The id of the team that a member's key makes."""
    return blake2b(f"team:{member}:{key}".encode(), digest_size=12).hexdigest()


def team_of_value(value: str) -> str:
    """The id of the team of an attribute's value: the value itself where it can be an id, else its digest.

    >>> team_of_value("north"), len(team_of_value("Köln Süd"))
    ('north', 24)
    """
    if IDENTIFIER.fullmatch(value):
        return value
    return blake2b(f"value:{value}".encode(), digest_size=12).hexdigest()
