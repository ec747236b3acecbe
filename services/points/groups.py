"""Groups of members, their invitations and their roles.

A member is in at most one group of a kind. A group has exactly one owner. Who
is in no group sees none: to others a group does not exist. All changes of a
member's places are made under the lock on the member, all of a group's under
the group's.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import asyncpg

from chassis.answers import digest
from chassis.book import Kind
from chassis.errors import FailedPrecondition, IdempotencyConflict, NotFound
from laurels.points.v1 import groups_events_pb2, groups_pb2
from laurels.points.v1 import programme_groups_pb2 as pb
from services.points import ledger
from services.points.book import GROUPS, Book, Moved, Operation, Touched
from services.points.ledger import GROUP_MARK, UnknownGroup
from services.points.programme import PointsRules
from services.points.sharing_rules import KindRules
from services.points.states import Group, Place, Places
from services.points.store import groups as rows

ACTIVE, DISSOLVED = groups_pb2.GROUP_STATE_ACTIVE, groups_pb2.GROUP_STATE_DISSOLVED
INVITED, IN, LEFT = (
    groups_pb2.GROUP_MEMBER_STATE_INVITED,
    groups_pb2.GROUP_MEMBER_STATE_ACTIVE,
    groups_pb2.GROUP_MEMBER_STATE_LEFT,
)
OWNER, MANAGER, MEMBER = pb.GROUP_ROLE_OWNER, pb.GROUP_ROLE_MANAGER, pb.GROUP_ROLE_MEMBER
PLACES: Kind[str, Places] = Kind("places in groups", 12, rows.places, rows.save_places)


class UnknownGroupKind(NotFound):
    """The programme has no such kind of groups."""

    code = "unknown_group_kind"

    def __init__(self, kind: str) -> None:
        super().__init__(f"The programme has no kind of groups {kind!r}.")


class AlreadyInGroup(FailedPrecondition):
    """The member is in a group of that kind."""

    code = "already_in_group"

    def __init__(self, member: str, kind: str) -> None:
        super().__init__(f"Member {member!r} is in a group of the kind {kind!r}; one is the most.")


class GroupFull(FailedPrecondition):
    """The group has as many members and invited ones as it may have."""

    code = "group_full"

    def __init__(self, most: int) -> None:
        super().__init__(f"The group has {most} members and invited ones, which is the most.")
        self.most = most


class NoRight(FailedPrecondition):
    """The member's role in the group does not allow it."""

    code = "no_right"

    def __init__(self, role: int, what: str) -> None:
        super().__init__(f"A group's {role_name(role)} may not {what}.")


class OwnerStays(FailedPrecondition):
    """The owner gives the group to another first, or dissolves it."""

    code = "owner_stays"

    def __init__(self) -> None:
        super().__init__("A group has an owner: make another member the owner first, or dissolve the group.")


def group_id(member: str, key: str) -> str:
    """The id of the group that a member's key makes."""
    return blake2b(f"group:{member}:{key}".encode(), digest_size=12).hexdigest()


def wallet_of(group: str) -> str:
    """The owner of a group's accounts."""
    return GROUP_MARK + group


def active_places(places: Places | None) -> list[Place]:
    """The places in groups that a member is in."""
    return [place for place in places.by_group.values() if place.state == IN] if places is not None else []


class Create(Operation):
    """Makes groups."""

    requests = (groups_pb2.CreateGroupRequest,)

    def touch(self, request: groups_pb2.CreateGroupRequest, found: None, rules: PointsRules, touched: Touched) -> None:
        name = group_id(request.member, request.idempotency_key)
        touched.members.add(request.member)
        touched.row(PLACES, request.member)
        touched.row(GROUPS, name)
        # All its accounts are made with it, so that nobody waits for another who makes one.
        for currency in rules.currencies:
            touched.wallet(wallet_of(name), currency)

    def decide(self, book: Book, request: groups_pb2.CreateGroupRequest) -> groups_pb2.CreateGroupResponse:
        name, content = group_id(request.member, request.idempotency_key), digest(request)
        if (known := book.row(GROUPS, name)) is not None:
            if known.digest != content:
                raise IdempotencyConflict(f"The key {request.idempotency_key!r} was used for another group.")
            return groups_pb2.CreateGroupResponse(group=known.shown())
        book.member(request.member)
        if request.kind not in book.rules.groups.kinds:
            raise UnknownGroupKind(request.kind)
        _require_free(book, request.member, request.kind)
        group = Group(name, request.kind, request.name, request.member, ACTIVE, 1, book.now, content, b"")
        book.put(GROUPS, name, group)
        put_place(book, request.member, Place(name, request.kind, OWNER, IN, {}, book.now))
        tell_change(book, group, request.member, OWNER, groups_events_pb2.GROUP_CHANGE_CREATED, request.member)
        return groups_pb2.CreateGroupResponse(group=group.shown())


class OfGroup(Operation):
    """What is asked of one group, which is touched where it exists."""

    async def find(
        self, connection: asyncpg.Connection, brand: str, rules: PointsRules, requests: Sequence[Any]
    ) -> dict[str, Group]:
        """The groups; one that exists stays, and what else is read is looked at again under its lock."""
        return await rows.groups(connection, brand, sorted({request.group for request in requests}))


class Enter(OfGroup):
    """Invites members, lets them join, or adds them."""

    requests = (groups_pb2.InviteToGroupRequest, groups_pb2.AddToGroupRequest, groups_pb2.JoinGroupRequest)

    def touch(self, request: Any, found: dict[str, Group], rules: PointsRules, touched: Touched) -> None:
        touch_members(request, touched)
        # What somebody who joins here earns later in the transaction is pooled at once.
        if request.group in found:
            for currency in rules.groups.pooled:
                touched.wallet(wallet_of(request.group), currency)

    def decide(self, book: Book, request: Any) -> Any:
        match request:
            case groups_pb2.JoinGroupRequest():
                return groups_pb2.JoinGroupResponse(group=self._join(book, request).shown())
            case groups_pb2.AddToGroupRequest():
                group = self._admit(book, request, "", IN)
                return groups_pb2.AddToGroupResponse(group=group.shown())
        group = self._admit(book, request, request.member, INVITED)
        return groups_pb2.InviteToGroupResponse(group=group.shown())

    def _join(self, book: Book, request: groups_pb2.JoinGroupRequest) -> Group:
        group = book.group(request.group)
        place = place_of(book, request.member, request.group)
        if place is None or place.state == LEFT:
            raise UnknownGroup(request.group)
        book.member(request.member)
        if place.state == INVITED:
            _require_free(book, request.member, group.kind)
            place.state, place.joined_at = IN, book.now
            put_place(book, request.member, place)
            tell_change(book, group, request.member, place.role, groups_events_pb2.GROUP_CHANGE_JOINED, request.member)
        return group

    def _admit(self, book: Book, request: Any, by: str, state: int) -> Group:
        role = request.role or MEMBER
        group, own = acting(book, request.group, by)
        if own is not None:
            kind = kind_of(book, group)
            if not kind.may(own.role, "may_invite") or (role == MANAGER and own.role != OWNER):
                raise NoRight(own.role, f"invite a {role_name(role)}")
        book.member(request.target)
        place = place_of(book, request.target, group.group)
        if place is not None and (place.state == IN or place.state == state):
            return group
        if state == IN:
            _require_free(book, request.target, group.kind)
        if place is None or place.state == LEFT:
            _require_room(book, group)
            group.size += 1
            book.put(GROUPS, group.group, group)
        contributed = place.contributed if place is not None else {}
        joined_at = book.now if state == IN else None
        put_place(book, request.target, Place(group.group, group.kind, role, state, contributed, joined_at))
        change = groups_events_pb2.GROUP_CHANGE_JOINED if state == IN else groups_events_pb2.GROUP_CHANGE_INVITED
        tell_change(book, group, request.target, role, change, by)
        return group


class Leave(Operation):
    """Lets members go, or takes them out."""

    requests = (groups_pb2.LeaveGroupRequest, groups_pb2.RemoveFromGroupRequest)

    def touch(self, request: Any, found: None, rules: PointsRules, touched: Touched) -> None:
        touch_members(request, touched)

    def decide(self, book: Book, request: Any) -> Any:
        if isinstance(request, groups_pb2.LeaveGroupRequest):
            group = book.group(request.group)
            place = place_of(book, request.member, group.group)
            if place is None or place.state == LEFT:
                raise UnknownGroup(request.group)
            self._out(book, group, request.member, place, groups_events_pb2.GROUP_CHANGE_LEFT, request.member)
            return groups_pb2.LeaveGroupResponse()
        group, own = acting(book, request.group, request.member)
        target = place_of(book, request.target, group.group)
        if target is None or target.state == LEFT:
            raise ledger.UnknownMember(request.target)
        if own is not None:
            kind = kind_of(book, group)
            if not kind.may(own.role, "may_remove") or (target.role != MEMBER and own.role != OWNER):
                raise NoRight(own.role, f"remove a {role_name(target.role)}")
        self._out(book, group, request.target, target, groups_events_pb2.GROUP_CHANGE_REMOVED, request.member)
        return groups_pb2.RemoveFromGroupResponse(group=group.shown())

    def _out(self, book: Book, group: Group, member: str, place: Place, change: Any, by: str) -> None:
        if place.role == OWNER:
            raise OwnerStays
        place.state = LEFT
        put_place(book, member, place)
        group.size -= 1
        book.put(GROUPS, group.group, group)
        tell_change(book, group, member, place.role, change, by)


class ChangeRole(OfGroup):
    """Gives members other roles."""

    requests = (groups_pb2.ChangeGroupRoleRequest,)

    def touch(
        self,
        request: groups_pb2.ChangeGroupRoleRequest,
        found: dict[str, Group],
        rules: PointsRules,
        touched: Touched,
    ) -> None:
        touch_members(request, touched)
        if (group := found.get(request.group)) is not None:
            touched.members.add(group.owner)
            touched.row(PLACES, group.owner)

    def decide(self, book: Book, request: groups_pb2.ChangeGroupRoleRequest) -> groups_pb2.ChangeGroupRoleResponse:
        group, own = acting(book, request.group, request.member)
        if own is not None and own.role != OWNER:
            raise NoRight(own.role, "change roles")
        place = place_of(book, request.target, group.group)
        if place is None or place.state == LEFT:
            raise ledger.UnknownMember(request.target)
        if place.role == request.role:
            return groups_pb2.ChangeGroupRoleResponse(group=group.shown())
        if place.role == OWNER or (request.role == OWNER and place.state != IN):
            raise OwnerStays
        if request.role == OWNER:
            before = place_of(book, group.owner, group.group)
            if before is None:
                raise Moved(f"{group.group} has another owner just now")
            before.role = MANAGER
            put_place(book, group.owner, before)
            tell_change(book, group, group.owner, MANAGER, groups_events_pb2.GROUP_CHANGE_ROLE, request.member)
            group.owner = request.target
            book.put(GROUPS, group.group, group)
        place.role = request.role
        put_place(book, request.target, place)
        tell_change(book, group, request.target, place.role, groups_events_pb2.GROUP_CHANGE_ROLE, request.member)
        return groups_pb2.ChangeGroupRoleResponse(group=group.shown())


def touch_members(request: Any, touched: Touched) -> None:
    """The group, and the members that a request names."""
    touched.row(GROUPS, request.group)
    for name in (getattr(request, "member", ""), getattr(request, "target", "")):
        if name:
            touched.members.add(name)
            touched.row(PLACES, name)


def acting(book: Book, name: str, member: str) -> tuple[Group, Place | None]:
    """A group with the place of the member who acts; none for the brand. Raises UnknownGroup."""
    group = book.group(name)
    if not member:
        return group, None
    place = place_of(book, member, name)
    if place is None or place.state != IN:
        raise UnknownGroup(name)
    return group, place


def place_of(book: Book, member: str, group: str) -> Place | None:
    places = book.row(PLACES, member)
    return places.by_group.get(group) if places is not None else None


def put_place(book: Book, member: str, place: Place) -> None:
    places = book.row(PLACES, member) or Places(member)
    places.by_group[place.group] = place
    places.changed.add(place.group)
    book.put(PLACES, member, places)


def _require_free(book: Book, member: str, kind: str) -> None:
    """Raises AlreadyInGroup unless the member is in no group of the kind."""
    if any(place.kind == kind for place in active_places(book.row(PLACES, member))):
        raise AlreadyInGroup(member, kind)


def _require_room(book: Book, group: Group) -> None:
    most = kind_of(book, group).members_max
    if group.size >= most:
        raise GroupFull(most)


def kind_of(book: Book, group: Group) -> KindRules:
    return book.rules.groups.kind(group.kind)


def role_name(role: int) -> str:
    return pb.GroupRole.Name(role).removeprefix("GROUP_ROLE_").lower()


def tell_change(book: Book, group: Group, member: str, role: Any, change: Any, by: str) -> None:
    told = groups_events_pb2.GroupChanged(
        member=member, group=group.shown(), change=change, role=role, by=by, occurred_at=book.stamp
    )
    book.tell(member, told)
