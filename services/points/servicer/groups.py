"""The RPCs of groups, gifts and referrals.

A member sees the groups that they are in; what a request's `member` may do in
a group is decided in the write path, under the group's lock.
"""

import secrets
from collections.abc import Iterator
from typing import Any

import asyncpg

from chassis.configuration import Configurations
from chassis.credentials import IDENTIFIER, caller
from chassis.database import Database
from chassis.errors import FieldViolation
from chassis.paging import page_size_of
from chassis.write_path import WritePath
from laurels.points.v1 import groups_pb2 as pb
from laurels.points.v1 import groups_pb2_grpc
from laurels.points.v1 import programme_groups_pb2 as programme
from services.points import groups, referrals, store
from services.points.form import (
    AMOUNT_MAX,
    IDENTIFIER_DETAIL,
    MEMBER_DETAIL,
    REFERENCE_LENGTH_MAX,
    plain,
    refuse,
    text_violations,
)
from services.points.ledger import UnknownGroup, UnknownMember
from services.points.programme import PointsRules
from services.points.servicer import CODE_LENGTH_MAX
from services.points.states import Group, Place
from services.points.store import groups as group_rows
from services.points.store import referrals as referral_rows

NAME_LENGTH_MAX = 100
SECRET_BYTES = 32


class GroupServicer(groups_pb2_grpc.GroupServiceServicer):
    """Groups, their members and their wallets."""

    def __init__(self, write_path: WritePath, database: Database, programmes: Configurations[PointsRules]) -> None:
        self._write_path, self._database, self._programmes = write_path, database, programmes

    async def CreateGroup(self, request: pb.CreateGroupRequest, context: Any) -> Any:
        refuse(text_violations("name", request.name, NAME_LENGTH_MAX))
        return await self._submit(request, "member", "kind")

    async def ListMemberGroups(self, request: pb.ListMemberGroupsRequest, context: Any) -> pb.ListMemberGroupsResponse:
        brand, member = caller().brand, plain(request.member)
        async with self._database.reading(brand) as connection:
            if await store.member(connection, brand, member, ()) is None:
                raise UnknownMember(request.member)
            places = (await group_rows.places(connection, brand, [member])).get(member)
            there = [p for p in places.by_group.values() if p.state != groups.LEFT] if places is not None else []
            found = await group_rows.groups(connection, brand, [place.group for place in there])
        there.sort(key=lambda place: (-place.state, place.group))
        return pb.ListMemberGroupsResponse(
            groups=[pb.Membership(group=found[p.group].shown(), place=p.shown(member)) for p in there]
        )

    async def GetGroup(self, request: pb.GetGroupRequest, context: Any) -> pb.GetGroupResponse:
        brand = caller().brand
        async with self._database.reading(brand) as connection:
            group, members = await self._seen(connection, request.group)
            _, rules = await self._programmes.newest(connection, brand)
            owner = groups.wallet_of(group.group)
            wallets = await store.wallets(connection, brand, owner, rules.currencies)
        shown = [place.shown(member) for member, place in members]
        return pb.GetGroupResponse(group=group.shown(), members=shown, wallets=wallets)

    async def ListGroupEntries(self, request: pb.ListGroupEntriesRequest, context: Any) -> pb.ListGroupEntriesResponse:
        page_size = page_size_of(request.page_size)
        async with self._database.reading(caller().brand) as connection:
            group, _ = await self._seen(connection, request.group)
            entries, token = await group_rows.group_statement(
                connection, caller().brand, group.group, page_size, request.page_token
            )
        return pb.ListGroupEntriesResponse(entries=entries, next_page_token=token)

    async def InviteToGroup(self, request: pb.InviteToGroupRequest, context: Any) -> Any:
        refuse(_role_violations(request.role))
        return await self._submit(request, "group", "target", optional="member")

    async def AddToGroup(self, request: pb.AddToGroupRequest, context: Any) -> Any:
        refuse(_role_violations(request.role))
        return await self._submit(request, "group", "target")

    async def JoinGroup(self, request: pb.JoinGroupRequest, context: Any) -> Any:
        return await self._submit(request, "group", "member")

    async def LeaveGroup(self, request: pb.LeaveGroupRequest, context: Any) -> Any:
        return await self._submit(request, "group", "member")

    async def RemoveFromGroup(self, request: pb.RemoveFromGroupRequest, context: Any) -> Any:
        return await self._submit(request, "group", "target", optional="member")

    async def ChangeGroupRole(self, request: pb.ChangeGroupRoleRequest, context: Any) -> Any:
        if request.role not in (groups.OWNER, groups.MANAGER, groups.MEMBER):
            refuse([FieldViolation("role", "is required: owner, manager or member")])
        return await self._submit(request, "group", "target", optional="member")

    async def DissolveGroup(self, request: pb.DissolveGroupRequest, context: Any) -> Any:
        return await self._submit(request, "group", optional="member")

    async def SpendFromGroup(self, request: pb.SpendFromGroupRequest, context: Any) -> Any:
        refuse(_amount_violations(request))
        return await self._submit(request, "group", "currency", "member")

    async def ContributeToGroup(self, request: pb.ContributeToGroupRequest, context: Any) -> Any:
        refuse(_amount_violations(request))
        return await self._submit(request, "group", "currency", "member")

    async def _submit(self, request: Any, *named: str, optional: str = "") -> Any:
        refuse(_name_violations(request, *named, *([optional] if optional and getattr(request, optional) else [])))
        return await self._write_path.submit(caller().brand, request)

    async def _seen(self, connection: asyncpg.Connection, name: str) -> tuple[Group, list[tuple[str, Place]]]:
        """A group with its members, to a back end and to those who are in it. Raises UnknownGroup."""
        who, group = caller(), plain(name)
        found = await group_rows.groups(connection, who.brand, [group])
        members = (await group_rows.in_groups(connection, who.brand, [group])).get(group, [])
        is_in = any(member == who.subject and place.state == groups.IN for member, place in members)
        if group not in found or (who.is_member_only and not is_in):
            raise UnknownGroup(name)
        return found[group], members


class GiftServicer(groups_pb2_grpc.GiftServiceServicer):
    """Gifts from member to member."""

    def __init__(self, write_path: WritePath) -> None:
        self._write_path = write_path

    async def GivePoints(self, request: pb.GivePointsRequest, context: Any) -> Any:
        refuse(_name_violations(request, "member", "currency", "to"))
        refuse(_amount_violations(request))
        if request.to == request.member:
            refuse([FieldViolation("to", "is the giver")])
        return await self._write_path.submit(caller().brand, request)


class ReferralServicer(groups_pb2_grpc.ReferralServiceServicer):
    """Codes, and what came of them."""

    def __init__(self, write_path: WritePath, database: Database, programmes: Configurations[PointsRules]) -> None:
        self._write_path, self._database, self._programmes = write_path, database, programmes

    async def GetReferral(self, request: pb.GetReferralRequest, context: Any) -> pb.GetReferralResponse:
        brand, member = caller().brand, plain(request.member)
        async with self._database.reading(brand) as connection:
            _, rules = await self._programmes.newest(connection, brand)
            if await store.member(connection, brand, member, ()) is None:
                raise UnknownMember(request.member)
            if rules.referral is None:
                raise referrals.NoReferrals
            found = await referral_rows.referral_of(connection, brand, member)
            secret = await referral_rows.secret(connection, brand)
        found.currency = rules.referral.terms.currency
        if not found.code:
            secret = secret or await self._make_secret(brand)
            candidates = tuple(referrals.codes_of(secret, member, rules.referral.code_length))
            found.code = await self._write_path.submit(brand, referrals.MakeCode(member, candidates))
        return found

    async def ClaimReferral(self, request: pb.ClaimReferralRequest, context: Any) -> Any:
        refuse(_name_violations(request, "member"))
        refuse(text_violations("code", request.code, CODE_LENGTH_MAX))
        return await self._write_path.submit(caller().brand, request)

    async def GetReferralsReport(
        self, request: pb.GetReferralsReportRequest, context: Any
    ) -> pb.GetReferralsReportResponse:
        brand = caller().brand
        async with self._database.reading(brand) as connection:
            await self._programmes.newest(connection, brand)
            return await referral_rows.report(connection, brand)

    async def _make_secret(self, brand: str) -> bytes:
        """The brand's secret, which whoever comes first makes."""
        await self._write_path.submit(brand, referrals.KeepSecret(secrets.token_bytes(SECRET_BYTES)))
        async with self._database.reading(brand) as connection:
            kept = await referral_rows.secret(connection, brand)
        if kept is None:
            raise RuntimeError("a brand's secret was kept and is not there")
        return kept


def _name_violations(request: Any, *fields: str) -> Iterator[FieldViolation]:
    for field in fields:
        if not IDENTIFIER.fullmatch(getattr(request, field)):
            yield FieldViolation(field, IDENTIFIER_DETAIL if field in ("group", "kind", "currency") else MEMBER_DETAIL)


def _amount_violations(request: Any) -> Iterator[FieldViolation]:
    if not 1 <= request.amount <= AMOUNT_MAX:
        yield FieldViolation("amount", f"is {request.amount}, not within 1 and {AMOUNT_MAX}")
    yield from text_violations("reference", request.reference, REFERENCE_LENGTH_MAX)


def _role_violations(role: int) -> Iterator[FieldViolation]:
    """What is wrong with the role of somebody who comes in."""
    if role not in (programme.GROUP_ROLE_UNSPECIFIED, groups.MANAGER, groups.MEMBER):
        yield FieldViolation("role", "is manager or member; another becomes the owner by ChangeGroupRole")
