"""Teams of a challenge: who is in which, and who still may change that.

Before the challenge begins a member may leave a team and join another. From
then on they are in one team only: who leaves stays counted in the team's size
and what they contributed stays the team's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import asyncpg

from chassis.book import Kind, Operation, Touched
from chassis.errors import FailedPrecondition, IdempotencyConflict, NotFound
from laurels.missions.v1 import together_pb2 as pb
from laurels.missions.v1.together_events_pb2 import (
    TEAM_CHANGE_CREATED,
    TEAM_CHANGE_JOINED,
    TEAM_CHANGE_LEFT,
    TeamChange,
    TeamChanged,
)
from services.missions.book import Book
from services.missions.challenge_rules import team_id, team_of_value
from services.missions.members import seen
from services.missions.programme import MissionsRules
from services.missions.programme_together import ChallengeRules
from services.missions.store import together as rows
from services.missions.store.tallies import count
from services.missions.store.together import ChallengeMember, Place, Team, TeamKey

TEAMS: Kind[TeamKey, Team] = Kind("teams", 69, rows.lock_teams, rows.save_teams)
PLACES: Kind[ChallengeMember, Place] = Kind("places in teams", 70, rows.lock_places, rows.save_places)
# Added unless it is there, and never locked: many contribute to such a team.
NAMED_TEAMS: Kind[TeamKey, Team] = Kind("teams of an attribute", 72, rows.lock_teams, rows.name_teams)


class UnknownChallenge(NotFound):
    """The programme has no such challenge."""

    code = "unknown_challenge"

    def __init__(self, challenge: str) -> None:
        super().__init__(f"There is no challenge {challenge!r}.")


class UnknownTeam(NotFound):
    """There is no such team, or it is not the member's to see."""

    code = "unknown_team"

    def __init__(self) -> None:
        super().__init__("There is no such team.")


class TeamsByAttribute(FailedPrecondition):
    """Members do not form the teams of this challenge."""

    code = "teams_by_attribute"

    def __init__(self, challenge: str) -> None:
        super().__init__(f"Members do not form the teams of {challenge!r}.")


class ChallengeOver(FailedPrecondition):
    """The challenge has ended; its teams do not change any more."""

    code = "challenge_over"

    def __init__(self, challenge: str) -> None:
        super().__init__(f"The challenge {challenge!r} is over.")


class AlreadyInTeam(FailedPrecondition):
    """The member is in a team of the challenge, or was after it began."""

    code = "already_in_team"

    def __init__(self, challenge: str) -> None:
        super().__init__(f"The member is in a team of {challenge!r}, or was after it began; one is the most.")


class TeamFull(FailedPrecondition):
    """The team has as many members as it may have."""

    code = "team_full"

    def __init__(self, most: int) -> None:
        super().__init__(f"The team has {most} members, which is the most.")


@dataclass(frozen=True, slots=True)
class CreateAsked:
    """A member makes a team, `at` a moment, which a random code lets others join."""

    request: pb.CreateTeamRequest
    code: str
    at: datetime

    @property
    def key(self) -> TeamKey:
        return self.request.challenge, team_id(self.request.member, self.request.idempotency_key)


@dataclass(frozen=True, slots=True)
class JoinAsked:
    """A member joins a team by its code, `at` a moment."""

    request: pb.JoinTeamRequest
    at: datetime


@dataclass(frozen=True, slots=True)
class LeaveAsked:
    """A member leaves a team, `at` a moment."""

    request: pb.LeaveTeamRequest
    at: datetime


class Create(Operation):
    """Makes teams."""

    requests = (CreateAsked,)

    def touch(self, asked: CreateAsked, found: None, rules: MissionsRules, touched: Touched) -> None:
        touched.row(TEAMS, asked.key)
        touched.row(PLACES, (asked.request.challenge, asked.request.member))

    def decide(self, book: Book, rules: MissionsRules, asked: CreateAsked) -> pb.CreateTeamResponse:
        request = asked.request
        if (known := book.row(TEAMS, asked.key)) is not None:
            if known.name not in (request.name, ""):
                raise IdempotencyConflict(f"The key {request.idempotency_key!r} was used for another team.")
            return pb.CreateTeamResponse(team=shown(known))
        challenge = _formed(rules, request.challenge, asked.at)
        _require_free(book, challenge, request.member)
        team = Team(*asked.key, request.name, asked.code, request.member, 0, asked.at, is_new=True)
        _enter(book, team, request.member, asked.at, TEAM_CHANGE_CREATED)
        return pb.CreateTeamResponse(team=shown(team))


class Join(Operation):
    """Lets members join teams."""

    requests = (JoinAsked,)

    async def find(
        self, connection: asyncpg.Connection, book: Book, rules: MissionsRules, requests: Sequence[JoinAsked]
    ) -> dict[str, Team]:
        """The teams by code; a team's code stays."""
        book.teams_by_code |= await rows.by_code(
            connection, book.brand, sorted({asked.request.code for asked in requests})
        )
        return book.teams_by_code

    def touch(self, asked: JoinAsked, found: dict[str, Team], rules: MissionsRules, touched: Touched) -> None:
        if (team := found.get(asked.request.code)) is not None:
            touched.row(TEAMS, (team.challenge, team.team))
            touched.row(PLACES, (team.challenge, asked.request.member))

    def decide(self, book: Book, rules: MissionsRules, asked: JoinAsked) -> pb.JoinTeamResponse:
        member, named = asked.request.member, book.teams_by_code.get(asked.request.code)
        team = book.row(TEAMS, (named.challenge, named.team)) if named is not None else None
        if team is None:
            raise UnknownTeam
        place = book.row(PLACES, (team.challenge, member))
        if place is not None and place.team == team.team and place.left_at is None:
            return pb.JoinTeamResponse(team=shown(team))
        challenge = _formed(rules, team.challenge, asked.at)
        _require_free(book, challenge, member)
        if team.size >= challenge.team_size_max:
            raise TeamFull(challenge.team_size_max)
        _enter(book, team, member, asked.at, TEAM_CHANGE_JOINED)
        return pb.JoinTeamResponse(team=shown(team))


class Leave(Operation):
    """Lets members leave teams."""

    requests = (LeaveAsked,)

    async def find(
        self, connection: asyncpg.Connection, book: Book, rules: MissionsRules, requests: Sequence[LeaveAsked]
    ) -> dict[tuple[str, str], str]:
        """The challenges of the teams that members are in, by member and team."""
        for member in sorted({asked.request.member for asked in requests}):
            for place in await rows.places_of(connection, book.brand, member):
                book.challenges_of_teams[member, place.team] = place.challenge
        return book.challenges_of_teams

    def touch(
        self, asked: LeaveAsked, found: dict[tuple[str, str], str], rules: MissionsRules, touched: Touched
    ) -> None:
        challenge = found.get((asked.request.member, asked.request.team))
        if challenge is not None:
            touched.row(TEAMS, (challenge, asked.request.team))
            touched.row(PLACES, (challenge, asked.request.member))

    def decide(self, book: Book, rules: MissionsRules, asked: LeaveAsked) -> pb.LeaveTeamResponse:
        member = asked.request.member
        name = book.challenges_of_teams.get((member, asked.request.team), "")
        place, team = book.row(PLACES, (name, member)), book.row(TEAMS, (name, asked.request.team))
        if place is None or team is None or place.team != team.team:
            raise UnknownTeam
        if place.left_at is not None:
            return pb.LeaveTeamResponse()
        challenge = _formed(rules, name, asked.at)
        if asked.at < challenge.begins_at:
            place.team = ""
            team.size -= 1
            count(book, f"size:{name}:{team.team}", member, -1)
        else:
            place.left_at = asked.at
        book.put(PLACES, (name, member), place)
        book.put(TEAMS, (name, team.team), team)
        _tell(book, team, member, TEAM_CHANGE_LEFT, asked.at)
        return pb.LeaveTeamResponse()


def touch_place(touched: Touched, challenge: ChallengeRules, member: str) -> None:
    """What counting a member's contribution to a team touches."""
    touched.row(PLACES, (challenge.challenge, member))


def team_for(book: Book, challenge: ChallengeRules, member: str, at: datetime) -> str | None:
    """The team that a member's contribution is for; None when it is for none.

    Where an attribute makes the teams, who contributes first is counted to
    the team of their value now.
    """
    name = challenge.challenge
    place = book.row(PLACES, (name, member))
    if place is not None and place.team:
        return place.team if place.left_at is None or at < place.left_at else None
    if challenge.teams is None or challenge.members_form_teams:
        return None
    value = seen(book, member).attributes.get(challenge.teams.attribute)
    if not isinstance(value, str) or not value:
        return None
    team = Team(name, team_of_value(value), value, None, "", 0, book.now)
    book.put(NAMED_TEAMS, (name, team.team), team)
    book.put(PLACES, (name, member), Place(name, member, team.team, at, None, is_new=place is None))
    count(book, f"size:{name}:{team.team}", member, 1)
    _tell(book, team, member, TEAM_CHANGE_JOINED, at)
    return team.team


def shown(team: Team) -> pb.Team:
    """A team as those who are in it see it, without its standing."""
    return pb.Team(
        team=team.team, challenge=team.challenge, name=team.name or team.team, size=team.size, code=team.code or ""
    )


def _formed(rules: MissionsRules, name: str, at: datetime) -> ChallengeRules:
    """A challenge whose teams members form and may change. Raises UnknownChallenge, TeamsByAttribute, ChallengeOver."""
    challenge = rules.together.challenges.get(name)
    if challenge is None or challenge.teams is None:
        raise UnknownChallenge(name)
    if not challenge.members_form_teams:
        raise TeamsByAttribute(name)
    if at >= challenge.ends_at:
        raise ChallengeOver(name)
    return challenge


def _require_free(book: Book, challenge: ChallengeRules, member: str) -> None:
    place = book.row(PLACES, (challenge.challenge, member))
    if place is not None and place.team:
        raise AlreadyInTeam(challenge.challenge)


def _enter(book: Book, team: Team, member: str, at: datetime, change: TeamChange) -> None:
    key = (team.challenge, member)
    known = book.row(PLACES, key)
    book.put(PLACES, key, Place(team.challenge, member, team.team, at, None, is_new=known is None or known.is_new))
    team.size += 1
    book.put(TEAMS, (team.challenge, team.team), team)
    count(book, f"size:{team.challenge}:{team.team}", member, 1)
    _tell(book, team, member, change, at)


def _tell(book: Book, team: Team, member: str, change: TeamChange, at: datetime) -> None:
    told = TeamChanged(
        member=member,
        challenge=team.challenge,
        team=team.team,
        change=change,
        size=team.size,
        occurred_at=at.astimezone(UTC),
    )
    book.tell(member, told)
