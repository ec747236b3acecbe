"""What a league decides: into which cohort a member comes, and where a place in it leads.

Zones never overlap, and everybody has one outcome: of a cohort's n ranked
members ceil(n·p) go up and floor(n·d) go down, where p + d is at most 1, so
that together they are at most n.
"""

from bisect import bisect_right
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

from chassis.errors import NotFound
from services.leaderboard.board_rules import Prize
from services.leaderboard.periods import Periods

Filling = dict[str, Any]
"""How far a period's cohorts are filled, by division: the last cohort's number, and by band the open one's with how
many are in it."""
NEWCOMERS = 0
"""The band of members without a skill."""


class UnknownLeague(NotFound):
    """The programme has no such league."""

    code = "unknown_league"

    def __init__(self, league: str) -> None:
        super().__init__(f"The programme has no league {league!r}.")


class UnknownDivision(NotFound):
    """The league has no such division."""

    code = "unknown_division"

    def __init__(self, league: str, division: str) -> None:
        super().__init__(f"League {league!r} has no division {division!r}.")


class UnknownCohort(NotFound):
    """Nobody is seated in such a cohort."""

    code = "unknown_cohort"

    def __init__(self, division: str, cohort: str) -> None:
        super().__init__(f"Division {division!r} has no cohort {cohort!r} in the period.")


class CohortRule(Enum):
    """Who comes into one cohort of a division."""

    BY_JOINING = "joining"
    BY_LAST_SCORE = "last score"
    BY_RATING = "rating"


class Outcome(Enum):
    """Where a place leads; stored by its number, as LeagueOutcome."""

    NONE = 0
    PROMOTED = 1
    STAYED = 2
    DEMOTED = 3
    IDLE = 4


@dataclass(frozen=True, slots=True)
class Zone:
    """A part of a cohort: `members` of `of`; of fewer the same share."""

    members: int = 0
    of: int = 1

    def up(self, ranked: int) -> int:
        """How many of so many, rounded up.

        >>> [Zone(7, 30).up(ranked) for ranked in (0, 1, 10, 30)]
        [0, 1, 3, 7]
        """
        return -(-ranked * self.members // self.of)

    def down(self, ranked: int) -> int:
        """How many of so many, rounded down.

        >>> [Zone(5, 30).down(ranked) for ranked in (0, 1, 10, 30)]
        [0, 0, 1, 5]
        """
        return ranked * self.members // self.of


@dataclass(frozen=True, slots=True)
class Division:
    """A division, compiled."""

    division: str
    name: str
    promotion: Zone
    demotion: Zone
    prizes: tuple[Prize, ...] = ()


class Zones(NamedTuple):
    """How many of a cohort's ranked members go up from its top, and down from its bottom."""

    promoted: int
    demoted: int


@dataclass(frozen=True, slots=True)
class LeagueRules:
    """A league, compiled. Its periods are its board's."""

    league: str
    name: str
    board: str
    periods: Periods
    grace_s: int
    divisions: tuple[Division, ...]
    cohort_size: int
    rule: CohortRule = CohortRule.BY_JOINING
    bands: tuple[int, ...] = ()
    opt_in: bool = False
    demote_after: int = 0
    leave_after: int = 0

    def takes_part(self, said: bool | None) -> bool:
        """Whether a member takes part who said so, or not, or nothing."""
        return said if said is not None else not self.opt_in

    def place_of(self, division: str) -> int:
        """A division's place, 0 for the lowest, and for one that there is not."""
        return next((place for place, known in enumerate(self.divisions) if known.division == division), 0)

    def band_of(self, skill: int | None) -> int:
        """The band of a skill.

        >>> league = LeagueRules("l", "", "b", None, 0, (), 30, CohortRule.BY_LAST_SCORE)
        >>> [league.band_of(skill) for skill in (None, -5, 0, 1, 2, 3, 4)]
        [0, 1, 1, 2, 3, 3, 4]
        """
        if self.rule is CohortRule.BY_JOINING or skill is None:
            return NEWCOMERS
        return 1 + (bisect_right(self.bands, skill) if self.bands else max(skill, 0).bit_length())

    def skill_after(self, skill: int | None, score: int) -> int:
        """A member's skill after a period with a score."""
        if self.rule is CohortRule.BY_RATING and skill is not None:
            return (skill + score) // 2
        return score

    def zones(self, place: int, ranked: int) -> Zones:
        """Of so many ranked members of a cohort of the division at a place."""
        division = self.divisions[place]
        promoted = division.promotion.up(ranked) if place < len(self.divisions) - 1 else 0
        return Zones(promoted, division.demotion.down(ranked) if place > 0 else 0)

    def outcome(self, place: int, rank: int, ranked: int) -> Outcome:
        """Where a rank leads, 1 being first."""
        zones = self.zones(place, ranked)
        if rank <= zones.promoted:
            return Outcome.PROMOTED
        return Outcome.DEMOTED if rank > ranked - zones.demoted else Outcome.STAYED

    def moved(self, place: int, outcome: Outcome) -> int:
        """The place of the division that an outcome by rank leads to."""
        return place + {Outcome.PROMOTED: 1, Outcome.DEMOTED: -1}.get(outcome, 0)

    def idled(self, place: int, idle: int) -> int | None:
        """The division's place after so many idle periods in a row; None for who leaves."""
        if self.leave_after and idle >= self.leave_after:
            return None
        return max(place - 1, 0) if self.demote_after and idle >= self.demote_after else place


def take_seat(filling: Filling, division: str, band: int, size: int) -> tuple[int, int]:
    """The next seat of a division's band: its cohort, from 1, and its number in it, from 1.

    >>> filling = {}
    >>> [take_seat(filling, "bronze", band, 2) for band in (0, 0, 3, 0, 3)]
    [(1, 1), (1, 2), (2, 1), (3, 1), (2, 2)]
    """
    of_division = filling.setdefault(division, {"last": 0, "open": {}})
    cohort, members = of_division["open"].get(str(band), (0, size))
    if members >= size:
        cohort, members = of_division["last"] + 1, 0
        of_division["last"] = cohort
    of_division["open"][str(band)] = [cohort, members + 1]
    return cohort, members + 1


def shares(promotion: Zone, demotion: Zone) -> bool:
    """Whether a cohort has room for both."""
    return promotion.members * demotion.of + demotion.members * promotion.of <= promotion.of * demotion.of
