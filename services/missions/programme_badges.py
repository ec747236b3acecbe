"""The badges of a programme, checked: families, grades, and that each can be earned."""

from collections.abc import Iterable, Iterator

from laurels.missions.v1.programme_pb2 import Badge, MissionsProgramme
from laurels.value.v1.events_pb2 import Grant
from services.missions.badge_rules import BadgeBook, book_of
from services.programme import Problems

FAMILIES_MAX = 1_000


def compile_badges(missions: MissionsProgramme, problems: Problems) -> BadgeBook:
    """The badges; those with problems are there as they are stated."""
    families = problems.items("missions.badge_families", missions.badge_families, FAMILIES_MAX)
    grades: set[tuple[str, int]] = set()
    for place, badge in enumerate(missions.badges):
        _check_grade(f"missions.badges[{place}]", badge, families, grades, problems)
    used = {badge.family for badge in missions.badges}
    for place, family in enumerate(missions.badge_families):
        if family.id not in used:
            problems.add(f"missions.badge_families[{place}]", f"no badge is of the family {family.id!r}")
    return book_of(missions.badges, missions.badge_families)


def _check_grade(
    where: str, badge: Badge, families: Iterable[str], grades: set[tuple[str, int]], problems: Problems
) -> None:
    if not badge.family:
        if badge.grade:
            problems.add(f"{where}.grade", "is stated without a family")
        return
    problems.reference(f"{where}.family", badge.family, set(families), "badge family")
    problems.bounded(f"{where}.grade", badge.grade, 1, 1_000)
    if (badge.family, badge.grade) in grades:
        problems.add(f"{where}.grade", f"{badge.grade} is the grade of a badge of the family before it")
    grades.add((badge.family, badge.grade))


def given_badges(missions: MissionsProgramme) -> set[str]:
    """The badges that a level, a milestone or a prize gives, or that are declared as awarded."""
    return {badge.id for badge in missions.badges if badge.awarded} | {
        grant.badge for grant in _grants(missions) if grant.WhichOneof("kind") == "badge"
    }


def _grants(missions: MissionsProgramme) -> Iterator[Grant]:
    for level in missions.levels.levels:
        yield from level.rewards
    for challenge in missions.challenges:
        for milestone in challenge.milestones:
            yield from milestone.rewards
    for team_challenge in missions.team_challenges:
        for prize in team_challenge.prizes:
            yield from prize.rewards
