"""The RPCs of challenges and teams."""

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import asyncpg

from chassis.configuration import Configurations
from chassis.credentials import IDENTIFIER, caller
from chassis.database import Database
from chassis.errors import FieldViolation, InvalidArgument, NotFound
from chassis.paging import page_size_of
from chassis.write_path import WritePath
from laurels.missions.v1 import programme_together_pb2, together_pb2_grpc
from laurels.missions.v1 import together_pb2 as pb
from services.missions.challenge_rules import Standing, ranked, shown_score
from services.missions.programme import MissionsRules
from services.missions.programme_together import ChallengeRules
from services.missions.store import together as rows
from services.missions.teams import CreateAsked, JoinAsked, LeaveAsked, UnknownChallenge, UnknownTeam, shown

CODE_LENGTH, CODE_LETTERS = 8, "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""40 bits, without letters that look like digits: nobody guesses one of a thousand teams in a billion tries."""
NAME_LENGTH_MAX = 100


class ChallengesServicer(together_pb2_grpc.ChallengesServiceServicer):
    """Challenges of the community and of teams."""

    def __init__(self, write_path: WritePath, database: Database, programmes: Configurations[MissionsRules]) -> None:
        self._write_path, self._database, self._programmes = write_path, database, programmes

    async def GetChallenge(self, request: pb.GetChallengeRequest, context: Any) -> pb.GetChallengeResponse:
        brand = caller().brand
        member = _member(request.member) if request.member else None
        async with self._database.reading(brand) as connection:
            challenge = await self._challenge(connection, brand, request.challenge)
            (found,) = await _states(connection, brand, [challenge], member)
        return pb.GetChallengeResponse(challenge=found)

    async def ListChallenges(self, request: pb.ListChallengesRequest, context: Any) -> pb.ListChallengesResponse:
        brand, member = caller().brand, _member(request.member)
        async with self._database.reading(brand) as connection:
            _, rules = await self._programmes.newest(connection, brand)
            found = await _states(connection, brand, list(rules.together.challenges.values()), member)
        return pb.ListChallengesResponse(challenges=found)

    async def ListTeams(self, request: pb.ListTeamsRequest, context: Any) -> pb.ListTeamsResponse:
        brand, page_size = caller().brand, page_size_of(request.page_size)
        first = _offset(request.page_token)
        async with self._database.reading(brand) as connection:
            challenge = await self._challenge(connection, brand, request.challenge)
            if challenge.teams is None:
                raise UnknownChallenge(request.challenge)
            standing, final = await _standing(connection, brand, challenge)
            page = standing[first : first + page_size]
            names = await rows.teams(connection, brand, [(challenge.challenge, team.team) for team in page])
        answer = pb.ListTeamsResponse(score=challenge.teams.score or programme_together_pb2.TEAM_SCORE_SUM, final=final)
        for team in page:
            named = names.get((challenge.challenge, team.team))
            answer.teams.add(
                team=team.team,
                challenge=challenge.challenge,
                name=(named.name if named is not None else "") or team.team,
                size=team.size,
                score=shown_score(team, challenge.teams.score),
                rank=team.rank,
            )
        if first + page_size < len(standing):
            answer.next_page_token = str(first + page_size)
        return answer

    async def CreateTeam(self, request: pb.CreateTeamRequest, context: Any) -> pb.CreateTeamResponse:
        if not IDENTIFIER.fullmatch(request.challenge):
            raise UnknownChallenge(request.challenge)
        _member(request.member)
        name = request.name
        if not 1 <= len(name.strip()) <= len(name) <= NAME_LENGTH_MAX or not name.isprintable():
            detail = f"is not 1 to {NAME_LENGTH_MAX} printable characters"
            raise InvalidArgument.of([FieldViolation("name", detail)])
        # Chance is drawn here: a decision has none of its own.
        code = "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))
        asked = CreateAsked(request, code, datetime.now(UTC))
        answer: pb.CreateTeamResponse = await self._write_path.submit(caller().brand, asked)
        return answer

    async def JoinTeam(self, request: pb.JoinTeamRequest, context: Any) -> pb.JoinTeamResponse:
        _member(request.member)
        if not IDENTIFIER.fullmatch(request.code):
            raise UnknownTeam
        asked = JoinAsked(request, datetime.now(UTC))
        answer: pb.JoinTeamResponse = await self._write_path.submit(caller().brand, asked)
        return answer

    async def LeaveTeam(self, request: pb.LeaveTeamRequest, context: Any) -> pb.LeaveTeamResponse:
        _member(request.member)
        if not IDENTIFIER.fullmatch(request.team):
            raise UnknownTeam
        asked = LeaveAsked(request, datetime.now(UTC))
        answer: pb.LeaveTeamResponse = await self._write_path.submit(caller().brand, asked)
        return answer

    async def ListMemberTeams(self, request: pb.ListMemberTeamsRequest, context: Any) -> pb.ListMemberTeamsResponse:
        brand, member = caller().brand, _member(request.member)
        answer = pb.ListMemberTeamsResponse()
        async with self._database.reading(brand) as connection:
            _, rules = await self._programmes.newest(connection, brand)
            places = [place for place in await rows.places_of(connection, brand, member) if place.left_at is None]
            teams = await rows.teams(connection, brand, [(place.challenge, place.team) for place in places])
            for place in places:
                team, challenge = teams[place.challenge, place.team], rules.together.challenges.get(place.challenge)
                found = answer.teams.add()
                found.CopyFrom(shown(team))
                if challenge is None or challenge.teams is None:
                    continue  # it has left the programme
                standing, _ = await _standing(connection, brand, challenge)
                for own in standing:
                    if own.team == team.team:
                        found.size, found.rank = own.size, own.rank
                        found.score = shown_score(own, challenge.teams.score)
        return answer

    async def _challenge(self, connection: asyncpg.Connection, brand: str, name: str) -> ChallengeRules:
        _, rules = await self._programmes.newest(connection, brand)
        challenge = rules.together.challenges.get(name)
        if challenge is None:
            raise UnknownChallenge(name)
        return challenge


async def _states(
    connection: asyncpg.Connection, brand: str, challenges: Sequence[ChallengeRules], member: str | None
) -> list[pb.Challenge]:
    """Challenges as they stand, with what a member contributed."""
    names = [challenge.challenge for challenge in challenges]
    totals = await rows.totals(connection, brand, names)
    states = await rows.states(connection, brand, names)
    milestones = await rows.milestones(connection, brand, names)
    own = await rows.contributed(connection, brand, member, names) if member is not None else {}
    found = []
    for challenge in challenges:
        name, state = challenge.challenge, states.get(challenge.challenge)
        shown_state = pb.Challenge(
            challenge=name,
            name=challenge.name,
            begins_at=challenge.begins_at,
            ends_at=challenge.ends_at,
            total=totals[name],
            final=state is not None and state.closed_at is not None,
            contributed=own.get(name, 0) if member is not None else None,
        )
        if challenge.community is not None:
            shown_state.target = challenge.community.target
            for milestone in challenge.community.milestones:
                reached = milestones[name].reached.get(milestone.id)
                shown_state.milestones.add(
                    milestone=milestone.id,
                    name=milestone.name,
                    total=milestone.total,
                    reached_at=reached.reached_at if reached is not None else None,
                )
        found.append(shown_state)
    return found


async def _standing(
    connection: asyncpg.Connection, brand: str, challenge: ChallengeRules
) -> tuple[list[Standing], bool]:
    """The standing of a challenge's teams, best first, and whether it is final."""
    state = (await rows.states(connection, brand, [challenge.challenge])).get(challenge.challenge)
    if state is not None and state.closed_at is not None:
        return await rows.results(connection, brand, challenge.challenge), True
    teams = (await rows.standings(connection, brand, [challenge.challenge]))[challenge.challenge]
    if challenge.teams is None:
        return [], False
    return ranked(teams, challenge.teams.score, challenge.teams.size_min), False


def _offset(page_token: str) -> int:
    if not page_token:
        return 0
    if not (page_token.isascii() and page_token.isdigit()) or len(page_token) > 9:
        raise InvalidArgument(f"page_token {page_token!r} is not one that this list gave.")
    return int(page_token)


def _member(member: str) -> str:
    if not IDENTIFIER.fullmatch(member):
        raise NotFound(f"There is no member {member!r}.", code="unknown_member")
    return member
