"""Which of a member's badges count: those that were earned, not taken back, and have no higher grade above them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from laurels.missions.v1 import programme_badges_pb2 as pb
from laurels.missions.v1.programme_pb2 import Badge


@dataclass(frozen=True, slots=True)
class BadgeBook:
    """The badges of a programme, by id and by family."""

    badges: Mapping[str, Badge] = field(default_factory=dict)
    families: Mapping[str, pb.BadgeFamily] = field(default_factory=dict)
    by_family: Mapping[str, list[Badge]] = field(default_factory=dict)

    def kin(self, badge: str) -> list[str]:
        """The ids of the badges whose standing a badge may change, its own first."""
        found = self.badges.get(badge)
        if found is None or not self.replaces(found.family):
            return [badge]
        return [badge, *(other.id for other in self.by_family[found.family] if other.id != badge)]

    def replaces(self, family: str) -> bool:
        """Whether a higher grade of a family replaces the lower ones."""
        found = self.families.get(family)
        return found is not None and found.policy != pb.BADGE_GRADE_POLICY_ADDS

    def grade(self, badge: str) -> int:
        found = self.badges.get(badge)
        return found.grade if found is not None else 0


def book_of(badges: Iterable[Badge], families: Iterable[pb.BadgeFamily]) -> BadgeBook:
    by_family: dict[str, list[Badge]] = {}
    known = {family.id: family for family in families}
    listed = list(badges)
    for badge in listed:
        if badge.family in known:
            by_family.setdefault(badge.family, []).append(badge)
    return BadgeBook({badge.id: badge for badge in listed}, known, by_family)


def standing(book: BadgeBook, counts: Mapping[str, int]) -> set[str]:
    """The badges that a member is shown with, of those earned so many times.

    >>> from laurels.missions.v1.programme_pb2 import Badge
    >>> grades = [Badge(id=name, family="metal", grade=place) for place, name in enumerate(["iron", "gold"], 1)]
    >>> metals = book_of(grades, [pb.BadgeFamily(id="metal")])
    >>> standing(metals, {"iron": 1, "gold": 1}), standing(metals, {"iron": 1, "gold": 0})
    ({'gold'}, {'iron'})
    """
    earned = {badge for badge, count in counts.items() if count > 0}
    best: dict[str, int] = {}
    for badge in earned:
        found = book.badges.get(badge)
        if found is not None and book.replaces(found.family):
            best[found.family] = max(best.get(found.family, 0), found.grade)
    return {
        badge
        for badge in earned
        if (found := book.badges.get(badge)) is None or best.get(found.family, found.grade) == found.grade
    }
