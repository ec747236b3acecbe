"""The RPCs of badges that back ends give, and that members show to one another."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from chassis.configuration import Configurations
from chassis.credentials import IDENTIFIER, caller
from chassis.database import Database
from chassis.errors import FieldViolation, InvalidArgument, NotFound
from chassis.write_path import WritePath
from laurels.missions.v1 import badges_pb2 as pb
from laurels.missions.v1 import badges_pb2_grpc, missions_pb2
from services.missions.badge_operations import AwardAsked
from services.missions.badge_rules import BadgeBook
from services.missions.badges import shown
from services.missions.programme import MissionsRules
from services.missions.store import badges as rows
from services.missions.store import members, tallies

IDENTIFIER_DETAIL = "is not 1 to 64 characters of A-Z a-z 0-9 _ -"
ACTIVITY_LENGTH_MAX = 128


class BadgesServicer(badges_pb2_grpc.BadgesServiceServicer):
    """Badges given, taken away, and shown to others."""

    def __init__(self, write_path: WritePath, database: Database, programmes: Configurations[MissionsRules]) -> None:
        self._write_path, self._database, self._programmes = write_path, database, programmes

    async def AwardBadge(self, request: pb.AwardBadgeRequest, context: Any) -> pb.AwardBadgeResponse:
        _refuse(_violations(request))
        asked = AwardAsked(request, datetime.now(UTC))
        answer: pb.AwardBadgeResponse = await self._write_path.submit(caller().brand, asked)
        return answer

    async def RevokeBadge(self, request: pb.RevokeBadgeRequest, context: Any) -> pb.RevokeBadgeResponse:
        _refuse(_violations(request))
        answer: pb.RevokeBadgeResponse = await self._write_path.submit(caller().brand, request)
        return answer

    async def ListPublicBadges(self, request: pb.ListPublicBadgesRequest, context: Any) -> pb.ListPublicBadgesResponse:
        brand, holder = caller().brand, request.holder
        unknown = NotFound(f"There is no member {holder!r}.", code="unknown_member")
        if not IDENTIFIER.fullmatch(holder):
            raise unknown
        async with self._database.reading(brand) as connection:
            _, rules = await self._programmes.newest(connection, brand)
            known = (await members.members(connection, brand, [holder])).get(holder)
            if known is None or not known.consents.get("leaderboards"):
                raise unknown
            earned = await rows.of_member(connection, brand, holder)
        badges = rules.badges.badges
        return pb.ListPublicBadgesResponse(
            badges=[
                shown(rules.badges, row["badge"], row["earned_at"], row["count"])
                for row in earned
                if row["badge"] in badges and not badges[row["badge"]].secret
            ]
        )


async def badges_of(connection: Any, brand: str, member: str, badges: BadgeBook) -> list[missions_pb2.EarnedBadge]:
    """The badges that a member has, newest first."""
    return [
        shown(badges, row["badge"], row["earned_at"], row["count"])
        for row in await rows.of_member(connection, brand, member)
    ]


async def rarity(
    connection: Any, brand: str, badges: BadgeBook, *, seen_by: str | None
) -> list[missions_pb2.BadgeRarity]:
    """All badges with how rare they are, in the programme's order; without secret ones that a member does not have.

    `seen_by` is the member who looks, None for the brand.
    """
    own = set()
    if seen_by is not None:
        own = {row["badge"] for row in await rows.of_member(connection, brand, seen_by)}
    listed = [badge for badge in badges.badges.values() if seen_by is None or not badge.secret or badge.id in own]
    counts = await tallies.read(connection, brand, ["members", *(f"badge:{badge.id}" for badge in listed)])
    everybody = counts.get("members", 0)
    found = []
    for badge in listed:
        holders = counts.get(f"badge:{badge.id}", 0)
        found.append(
            missions_pb2.BadgeRarity(
                badge=badge.id,
                name=badge.name,
                holders=holders,
                # Who was given a badge may not have joined yet.
                share=min(holders / everybody, 1.0) if everybody else 0.0,
                family=badge.family,
                grade=badge.grade,
            )
        )
    return found


def _violations(request: pb.AwardBadgeRequest | pb.RevokeBadgeRequest) -> Iterator[FieldViolation]:
    for field in ("member", "badge"):
        if not IDENTIFIER.fullmatch(getattr(request, field)):
            yield FieldViolation(field, IDENTIFIER_DETAIL)
    activity = getattr(request, "activity", "")
    if len(activity) > ACTIVITY_LENGTH_MAX or not (activity.isascii() and activity.isprintable()):
        yield FieldViolation("activity", f"is not up to {ACTIVITY_LENGTH_MAX} printable ASCII characters")


def _refuse(found: Iterator[FieldViolation]) -> None:
    if wrong := list(found):
        raise InvalidArgument.of(wrong)
