"""The challenges of a programme, checked and compiled.

As missions, they are indexed by the activity type that they look at.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp

from laurels.activity.v1.events_pb2 import ActivityRecorded
from laurels.missions.v1 import programme_together_pb2 as pb
from laurels.programme.v1.programme_pb2 import Programme
from services.activity import ActivitySchema, Expressions, moment_of
from services.missions.programme_grants import Grantable
from services.programme import IDENTIFIER, Problems

CHALLENGES_MAX, MILESTONES_MAX, PRIZES_MAX = 100, 20, 20
LATENESS_DAYS, LATENESS_DAYS_MAX = 7, 90
TEAM_SIZE_MAX, TEAM_SIZE_MOST = 10, 1_000
RANK_MAX = 1_000


@dataclass(frozen=True, slots=True)
class ChallengeRules:
    """A challenge with its times; `final_at` is when nothing changes it any more.

    One of `community` and `teams` is there. `is_each` when an activity counts
    one rather than an amount.
    """

    challenge: str
    name: str
    begins_at: datetime
    ends_at: datetime
    final_at: datetime
    is_each: bool
    community: pb.CommunityChallenge | None = None
    teams: pb.TeamChallenge | None = None

    @property
    def members_form_teams(self) -> bool:
        return self.teams is not None and self.teams.formation != pb.TEAM_FORMATION_ATTRIBUTE

    @property
    def team_size_max(self) -> int:
        return (self.teams.size_max if self.teams is not None else 0) or TEAM_SIZE_MAX


Contribution = tuple[ChallengeRules, int]
"""A challenge and what an activity counts towards it: 1 or more."""


@dataclass(slots=True)
class TypeChallenges:
    """The challenges that look at one activity type."""

    expressions: Expressions
    challenges: list[ChallengeRules] = field(default_factory=list)


@dataclass(slots=True)
class TogetherRules:
    """A programme's challenges, by id and by activity type."""

    challenges: dict[str, ChallengeRules] = field(default_factory=dict)
    by_type: dict[str, TypeChallenges] = field(default_factory=dict)

    def contributions(
        self, recorded: ActivityRecorded, variables: Mapping[str, object], failed: Callable[[str, str], None]
    ) -> list[Contribution]:
        """What an activity counts for. `failed(challenge, why)` is told of expressions that fail."""
        of_type = self.by_type.get(recorded.activity.type)
        if of_type is None:
            return []
        at = moment_of(recorded.activity)
        if not any(found.begins_at <= at < found.ends_at for found in of_type.challenges):
            return []
        values = of_type.expressions.of(
            recorded.activity, variables, lambda place, why: failed(of_type.challenges[place].challenge, why)
        )
        return [
            (found, value)
            for found, value in zip(of_type.challenges, values, strict=True)
            if value > 0 and found.begins_at <= at < found.ends_at
        ]


def compile_together(
    programme: Programme, schemas: Mapping[str, ActivitySchema], grantable: Grantable, problems: Problems
) -> TogetherRules:
    """Compiles what is right and reports what is not; a challenge with a problem counts nothing."""
    rules = TogetherRules()
    taken: set[str] = set()
    stated: list[tuple[str, pb.CommunityChallenge | pb.TeamChallenge]] = []
    for field_name in ("challenges", "team_challenges"):
        challenges = getattr(programme.missions, field_name)
        if len(challenges) > CHALLENGES_MAX:
            problems.add(f"missions.{field_name}", f"has {len(challenges)} items, more than {CHALLENGES_MAX}")
        stated += [(f"missions.{field_name}[{place}]", challenge) for place, challenge in enumerate(challenges)]
    for where, challenge in stated:
        before = len(problems.found)
        problems.identifier(f"{where}.id", challenge.id, taken)
        problems.name(f"{where}.name", challenge.name)
        taken.add(challenge.id)
        found = _check_contributions(f"{where}.contributions", challenge.contributions, schemas, problems)
        if isinstance(challenge, pb.CommunityChallenge):
            _check_community(where, challenge, grantable, problems)
        else:
            _check_teams(where, challenge, grantable, problems)
        if found is not None and len(problems.found) == before:
            _add(rules, challenge, schemas)
    return rules


def _check_contributions(
    where: str, found: pb.Contributions, schemas: Mapping[str, ActivitySchema], problems: Problems
) -> ActivitySchema | None:
    for name in ("begins_at", "ends_at"):
        if not found.HasField(name):
            problems.add(f"{where}.{name}", "is required")
    if found.HasField("begins_at") and found.HasField("ends_at") and _moment(found.ends_at) <= _moment(found.begins_at):
        problems.add(f"{where}.ends_at", "is not after begins_at")
    problems.bounded(f"{where}.lateness_days", found.lateness_days, 0, LATENESS_DAYS_MAX)
    if not problems.reference(f"{where}.activity_type", found.activity_type, schemas, "activity type"):
        return None
    schema = schemas[found.activity_type]
    problems.condition(f"{where}.condition", schema, found.condition)
    if found.of.strip():
        problems.amount(f"{where}.of", schema, found.of)
    return schema


def _check_community(where: str, challenge: pb.CommunityChallenge, grantable: Grantable, problems: Problems) -> None:
    problems.bounded(f"{where}.target", challenge.target, 1)
    problems.items(f"{where}.milestones", challenge.milestones, MILESTONES_MAX)
    for place, milestone in enumerate(challenge.milestones):
        problems.bounded(f"{where}.milestones[{place}].total", milestone.total, 1)
        problems.bounded(f"{where}.milestones[{place}].contribution_min", milestone.contribution_min, 0)
        grantable.check(f"{where}.milestones[{place}].rewards", milestone.rewards, problems)


def _check_teams(where: str, challenge: pb.TeamChallenge, grantable: Grantable, problems: Problems) -> None:
    problems.bounded(f"{where}.size_min", challenge.size_min, 0, TEAM_SIZE_MOST)
    problems.bounded(f"{where}.size_max", challenge.size_max, 0, TEAM_SIZE_MOST)
    if challenge.formation == pb.TEAM_FORMATION_ATTRIBUTE:
        if not IDENTIFIER.fullmatch(challenge.attribute):
            problems.add(f"{where}.attribute", "is required: the attribute whose values are the teams")
        if challenge.size_max:
            problems.add(f"{where}.size_max", "is stated, and an attribute makes the teams")
    elif challenge.attribute:
        problems.add(f"{where}.attribute", "is stated, and members form the teams")
    if challenge.formation != pb.TEAM_FORMATION_ATTRIBUTE and challenge.size_min > (
        challenge.size_max or TEAM_SIZE_MAX
    ):
        problems.add(f"{where}.size_min", "is more than size_max")
    if len(challenge.prizes) > PRIZES_MAX:
        problems.add(f"{where}.prizes", f"has {len(challenge.prizes)} items, more than {PRIZES_MAX}")
    won: set[int] = set()
    for place, prize in enumerate(challenge.prizes):
        at = f"{where}.prizes[{place}]"
        problems.bounded(f"{at}.from_rank", prize.from_rank, 1, RANK_MAX)
        problems.bounded(f"{at}.to_rank", prize.to_rank, max(prize.from_rank, 1), RANK_MAX)
        problems.bounded(f"{at}.contribution_min", prize.contribution_min, 0)
        ranks = set(range(max(prize.from_rank, 1), min(prize.to_rank, RANK_MAX) + 1))
        if ranks & won:
            problems.add(at, "is of ranks that a prize before it has")
        won |= ranks
        grantable.check(f"{at}.rewards", prize.rewards, problems)


def _add(
    rules: TogetherRules,
    challenge: pb.CommunityChallenge | pb.TeamChallenge,
    schemas: Mapping[str, ActivitySchema],
) -> None:
    stated = challenge.contributions
    ends_at = _moment(stated.ends_at)
    lateness = stated.lateness_days if stated.HasField("lateness_days") else LATENESS_DAYS
    found = ChallengeRules(
        challenge=challenge.id,
        name=challenge.name,
        begins_at=_moment(stated.begins_at),
        ends_at=ends_at,
        final_at=ends_at + timedelta(days=lateness),
        is_each=not stated.of.strip(),
        community=challenge if isinstance(challenge, pb.CommunityChallenge) else None,
        teams=challenge if isinstance(challenge, pb.TeamChallenge) else None,
    )
    rules.challenges[challenge.id] = found
    of_type = rules.by_type.get(stated.activity_type)
    if of_type is None:
        of_type = rules.by_type[stated.activity_type] = TypeChallenges(Expressions(schemas[stated.activity_type]))
    of_type.challenges.append(found)
    of_type.expressions.add(stated.condition, stated.of if stated.of.strip() else "1")


def _moment(stamp: Timestamp) -> datetime:
    return stamp.ToDatetime(tzinfo=UTC)
