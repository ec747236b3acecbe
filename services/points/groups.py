"""Groups pool what their members earn, in wallets of their own.

A member is in at most one group of a kind. A group has exactly one owner. Who
is in no group sees none: to others a group does not exist. All changes of a
member's places are made under the lock on the member, all of a group's under
the group's.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

import asyncpg

from chassis.errors import Aborted, FailedPrecondition, IdempotencyConflict, NotFound
from laurels.points.v1 import groups_events_pb2, groups_pb2, points_pb2
from laurels.points.v1 import programme_groups_pb2 as pb
from services.points import allowances, ledger, lots
from services.points.book import GROUPS, Book, Kind, Moved, Operation, Touched, digest
from services.points.ledger import AVAILABLE, BALANCE_MAX, GROUP_MARK, PROGRAMME, REDEEMED, Account, UnknownGroup
from services.points.lots import Part
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
        super().__init__(f"A group's {_role(role)} may not {what}.")


class OwnerStays(FailedPrecondition):
    """The owner gives the group to another first, or dissolves it."""

    code = "owner_stays"

    def __init__(self) -> None:
        super().__init__("A group has an owner: make another member the owner first, or dissolve the group.")


class SpendingLimit(FailedPrecondition):
    """The member would spend more of the group's wallet than the role may."""

    code = "spending_limit"

    def __init__(self, currency: str, left: int, amount: int) -> None:
        super().__init__(f"The member may spend {left} {currency} more of the group's, which is less than {amount}.")
        self.left = left


def group_id(member: str, key: str) -> str:
    """The id of the group that a member's key makes."""
    return blake2b(f"group:{member}:{key}".encode(), digest_size=12).hexdigest()


def wallet_of(group: str) -> str:
    """The owner of a group's accounts."""
    return GROUP_MARK + group


def active_places(places: Places | None) -> list[Place]:
    """The places in groups that a member is in."""
    return [place for place in places.by_group.values() if place.state == IN] if places is not None else []


# -- pooling ----------------------------------------------------------------


def touch_pools(member: str, currencies: Sequence[str], places: Places | None, rules: PointsRules, to: Touched) -> None:
    """What pooling a member's earnings in these currencies touches."""
    to.members.add(member)
    to.row(PLACES, member)
    for place in active_places(places):
        pooled = rules.groups.kind(place.kind).pooled
        for currency in currencies:
            if currency in pooled:
                to.wallet(wallet_of(place.group), currency)


def pool(book: Book, member: str, currency: str, amount: int, *, source: str, reference: str, at: datetime) -> None:
    """Moves the groups' shares of what a member just earned; `source` is the key of its entry.

    Never more than the member has, so that a debt is paid before.
    """
    places = book.row(PLACES, member)
    left = amount
    for place in active_places(places):
        percent = book.rules.groups.kind(place.kind).pooled.get(currency)
        if percent is None:
            continue
        target = book.accounts.get((wallet_of(place.group), currency, AVAILABLE))
        if target is None:
            raise Moved(f"{member} joined {place.group} just now")
        wallet = book.wallet(member, currency)
        share = min(amount * percent // 100, left, max(wallet.balance, 0), BALANCE_MAX - target.balance)
        if share <= 0:
            continue
        left -= share
        _contribute(
            book,
            member,
            place,
            wallet,
            target,
            share,
            parts=_earned_parts(book, wallet, share, at),
            key=f"pool:{source}:{place.group}",
            reference=reference,
            occurred_at=at,
        )


def _earned_parts(book: Book, wallet: Account, share: int, at: datetime) -> list[Part] | None:
    """The lots of which a share of what was earned at a moment is: its own first."""
    if wallet.lots is None:
        return None
    own = lots.expiry_of(book.rules.expiries[wallet.currency], at, book.rules.zone)
    held = [part for part in wallet.lots if part[0] == own] + [part for part in wallet.lots if part[0] != own]
    return lots.take(held, share)


def _contribute(
    book: Book, member: str, place: Place, wallet: Account, target: Account, amount: int, **particulars: Any
) -> ledger.Entry:
    entry = book.move(wallet, target, amount, kind=points_pb2.ENTRY_KIND_CONTRIBUTION, **particulars)
    place.contributed[wallet.currency] = place.contributed.get(wallet.currency, 0) + amount
    _put(book, member, place)
    kind, reference = points_pb2.ENTRY_KIND_CONTRIBUTION, particulars["reference"]
    book.tell_group(target, amount, kind, reference, particulars["occurred_at"], member, wallet.balance)
    return entry


# -- membership -------------------------------------------------------------


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
        _put(book, request.member, Place(name, request.kind, OWNER, IN, {}, book.now))
        _tell(book, group, request.member, OWNER, groups_events_pb2.GROUP_CHANGE_CREATED, request.member)
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
        _touch_members(request, touched)
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
        place = _place(book, request.member, request.group)
        if place is None or place.state == LEFT:
            raise UnknownGroup(request.group)
        book.member(request.member)
        if place.state == INVITED:
            _require_free(book, request.member, group.kind)
            place.state, place.joined_at = IN, book.now
            _put(book, request.member, place)
            _tell(book, group, request.member, place.role, groups_events_pb2.GROUP_CHANGE_JOINED, request.member)
        return group

    def _admit(self, book: Book, request: Any, by: str, state: int) -> Group:
        role = request.role or MEMBER
        group, own = _acting(book, request.group, by)
        if own is not None:
            kind = _kind(book, group)
            if not kind.may(own.role, "may_invite") or (role == MANAGER and own.role != OWNER):
                raise NoRight(own.role, f"invite a {_role(role)}")
        book.member(request.target)
        place = _place(book, request.target, group.group)
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
        _put(book, request.target, Place(group.group, group.kind, role, state, contributed, joined_at))
        change = groups_events_pb2.GROUP_CHANGE_JOINED if state == IN else groups_events_pb2.GROUP_CHANGE_INVITED
        _tell(book, group, request.target, role, change, by)
        return group


class Leave(Operation):
    """Lets members go, or takes them out."""

    requests = (groups_pb2.LeaveGroupRequest, groups_pb2.RemoveFromGroupRequest)

    def touch(self, request: Any, found: None, rules: PointsRules, touched: Touched) -> None:
        _touch_members(request, touched)

    def decide(self, book: Book, request: Any) -> Any:
        if isinstance(request, groups_pb2.LeaveGroupRequest):
            group = book.group(request.group)
            place = _place(book, request.member, group.group)
            if place is None or place.state == LEFT:
                raise UnknownGroup(request.group)
            self._out(book, group, request.member, place, groups_events_pb2.GROUP_CHANGE_LEFT, request.member)
            return groups_pb2.LeaveGroupResponse()
        group, own = _acting(book, request.group, request.member)
        target = _place(book, request.target, group.group)
        if target is None or target.state == LEFT:
            raise ledger.UnknownMember(request.target)
        if own is not None:
            kind = _kind(book, group)
            if not kind.may(own.role, "may_remove") or (target.role != MEMBER and own.role != OWNER):
                raise NoRight(own.role, f"remove a {_role(target.role)}")
        self._out(book, group, request.target, target, groups_events_pb2.GROUP_CHANGE_REMOVED, request.member)
        return groups_pb2.RemoveFromGroupResponse(group=group.shown())

    def _out(self, book: Book, group: Group, member: str, place: Place, change: Any, by: str) -> None:
        if place.role == OWNER:
            raise OwnerStays
        place.state = LEFT
        _put(book, member, place)
        group.size -= 1
        book.put(GROUPS, group.group, group)
        _tell(book, group, member, place.role, change, by)


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
        _touch_members(request, touched)
        if (group := found.get(request.group)) is not None:
            touched.members.add(group.owner)
            touched.row(PLACES, group.owner)

    def decide(self, book: Book, request: groups_pb2.ChangeGroupRoleRequest) -> groups_pb2.ChangeGroupRoleResponse:
        group, own = _acting(book, request.group, request.member)
        if own is not None and own.role != OWNER:
            raise NoRight(own.role, "change roles")
        place = _place(book, request.target, group.group)
        if place is None or place.state == LEFT:
            raise ledger.UnknownMember(request.target)
        if place.role == request.role:
            return groups_pb2.ChangeGroupRoleResponse(group=group.shown())
        if place.role == OWNER or (request.role == OWNER and place.state != IN):
            raise OwnerStays
        if request.role == OWNER:
            before = _place(book, group.owner, group.group)
            if before is None:
                raise Moved(f"{group.group} has another owner just now")
            before.role = MANAGER
            _put(book, group.owner, before)
            _tell(book, group, group.owner, MANAGER, groups_events_pb2.GROUP_CHANGE_ROLE, request.member)
            group.owner = request.target
            book.put(GROUPS, group.group, group)
        place.role = request.role
        _put(book, request.target, place)
        _tell(book, group, request.target, place.role, groups_events_pb2.GROUP_CHANGE_ROLE, request.member)
        return groups_pb2.ChangeGroupRoleResponse(group=group.shown())


class Dissolve(Operation):
    """Ends groups and gives their balances to members."""

    requests = (groups_pb2.DissolveGroupRequest,)

    async def find(
        self, connection: asyncpg.Connection, brand: str, rules: PointsRules, requests: Sequence[Any]
    ) -> dict[str, list[tuple[str, Place]]]:
        """Who is in the groups, which is looked at again under their locks."""
        return await rows.in_groups(connection, brand, sorted({request.group for request in requests}))

    def touch(
        self,
        request: groups_pb2.DissolveGroupRequest,
        found: dict[str, list[tuple[str, Place]]],
        rules: PointsRules,
        touched: Touched,
    ) -> None:
        _touch_members(request, touched)
        if request.group in found:
            for currency in rules.currencies:
                touched.wallet(wallet_of(request.group), currency, BALANCE_MAX)
        for member, place in found.get(request.group, ()):
            touched.members.add(member)
            touched.row(PLACES, member)
            if place.state == IN:
                for currency in rules.currencies:
                    touched.wallet(member, currency)

    def decide(self, book: Book, request: groups_pb2.DissolveGroupRequest) -> groups_pb2.DissolveGroupResponse:
        content = digest(request)
        ended = book.row(GROUPS, request.group)
        if ended is not None and ended.state == DISSOLVED and ended.ended_digest == content:
            return groups_pb2.DissolveGroupResponse(group=ended.shown())
        group, own = _acting(book, request.group, request.member)
        if own is not None and own.role != OWNER:
            raise NoRight(own.role, "dissolve it")
        places = [
            (of_member.member, of_member.by_group[group.group])
            for of_member in sorted(book.rows(PLACES), key=lambda found: found.member)
            if group.group in of_member.by_group and of_member.by_group[group.group].state != LEFT
        ]
        members = [member for member, place in places if place.state == IN]
        equally = _kind(book, group).distribution == pb.GROUP_DISTRIBUTION_EQUALLY
        if len(places) != group.size:
            raise Moved(f"{group.group} has other members just now")
        wanted = [(member, currency, AVAILABLE) for member in members for currency in book.rules.currencies]
        if any(key not in book.accounts for key in wanted):
            raise Aborted("A member joined the group just now; try again.")
        shares = self._shares(book, group, members if equally else [group.owner])
        for wallet, amount in shares:
            ledger.check_credit(wallet, amount)
        for wallet, amount in shares:
            self._give(book, group, wallet, amount)
        group.state, group.size, group.ended_digest = DISSOLVED, 0, content
        book.put(GROUPS, group.group, group)
        for member, place in places:
            place.state = LEFT
            _put(book, member, place)
            _tell(book, group, member, place.role, groups_events_pb2.GROUP_CHANGE_DISSOLVED, request.member)
        return groups_pb2.DissolveGroupResponse(group=group.shown())

    @staticmethod
    def _shares(book: Book, group: Group, members: Sequence[str]) -> list[tuple[Account, int]]:
        """Whose wallets get how much."""
        found = []
        for currency in book.rules.currencies:
            balance = book.wallet(wallet_of(group.group), currency).balance
            for member, amount in shares_of(balance, members, group.owner).items():
                if amount:
                    found.append((book.wallet(member, currency), amount))
        return found

    @staticmethod
    def _give(book: Book, group: Group, wallet: Account, amount: int) -> None:
        source = book.wallet(wallet_of(group.group), wallet.currency)
        kind = points_pb2.ENTRY_KIND_GROUP_SHARE
        book.move(
            source,
            wallet,
            amount,
            key=f"dissolve:{group.group}:{wallet.currency}:{wallet.owner}",
            kind=kind,
            reference=group.group,
            occurred_at=book.now,
        )
        book.tell_group(source, -amount, kind, group.group, book.now, wallet.owner, wallet.balance)


def shares_of(balance: int, members: Sequence[str], owner: str) -> dict[str, int]:
    """What each of the members gets of a balance; the owner, who is one of them, gets besides what is left over.

    >>> shares_of(10, ["ann", "bob", "cat"], "bob")
    {'ann': 3, 'bob': 4, 'cat': 3}
    """
    each, over = divmod(balance, len(members))
    return {member: each + (over if member == owner else 0) for member in members}


# -- the wallet -------------------------------------------------------------


class SpendOfGroup(OfGroup):
    """Spends of a group's wallet."""

    requests = (groups_pb2.SpendFromGroupRequest,)

    def touch(
        self,
        request: groups_pb2.SpendFromGroupRequest,
        found: dict[str, Group],
        rules: PointsRules,
        touched: Touched,
    ) -> None:
        _touch_members(request, touched)
        touched.keys.add(_spend_key(request))
        if request.group not in found:
            return
        touched.wallet(wallet_of(request.group), request.currency, request.amount)
        # Which kind and role it is, and so which periods count, is known under the locks.
        periods = rules.groups.periods.get(request.currency, ())
        counter = _counter(request.group, request.currency)
        allowances.touch(touched, counter, request.member, periods, touched.now, rules.zone)

    def decide(self, book: Book, request: groups_pb2.SpendFromGroupRequest) -> groups_pb2.SpendFromGroupResponse:
        key, content = _spend_key(request), digest(request)
        answer = groups_pb2.SpendFromGroupResponse()
        if (known := book.once(key, content, "spend")) is not None:
            _answer(book, answer.entry, request, known, "debit_balance", -1)
            return answer
        group = book.group(request.group)
        place = _place(book, request.member, group.group)
        if place is None or place.state != IN:
            raise UnknownGroup(request.group)
        rules = _kind(book, group)
        if not rules.may(place.role, "may_spend"):
            raise NoRight(place.role, "spend of its wallet")
        book.spendable(request.currency)
        wallet = _wallet(book, group.group, request.currency)
        counter = _counter(group.group, request.currency)
        limits = rules.limits.get((place.role, request.currency), [])
        left = allowances.remaining(book, counter, request.member, limits, book.now)
        if left is not None and left < request.amount:
            raise SpendingLimit(request.currency, left, request.amount)
        ledger.check_debit(wallet, request.amount, floor=0)
        entry = book.move(
            wallet,
            book.accounts[PROGRAMME, request.currency, REDEEMED],
            request.amount,
            key=key,
            kind=points_pb2.ENTRY_KIND_SPEND,
            reference=request.reference,
            occurred_at=book.now,
            digest=content,
        )
        periods = book.rules.groups.periods.get(request.currency, ())
        allowances.count(book, counter, request.member, periods, book.now, request.amount)
        kind = points_pb2.ENTRY_KIND_SPEND
        book.tell_group(wallet, -request.amount, kind, request.reference, book.now, request.member)
        _answer(book, answer.entry, request, entry, "debit_balance", -1)
        return answer


class Contribute(OfGroup):
    """Puts members' points into a group's wallet."""

    requests = (groups_pb2.ContributeToGroupRequest,)

    def touch(
        self,
        request: groups_pb2.ContributeToGroupRequest,
        found: dict[str, Group],
        rules: PointsRules,
        touched: Touched,
    ) -> None:
        _touch_members(request, touched)
        touched.keys.add(_contribute_key(request))
        if request.group not in found:
            return
        touched.wallet(request.member, request.currency, request.amount)
        touched.wallet(wallet_of(request.group), request.currency)

    def decide(self, book: Book, request: groups_pb2.ContributeToGroupRequest) -> groups_pb2.ContributeToGroupResponse:
        key, content = _contribute_key(request), digest(request)
        answer = groups_pb2.ContributeToGroupResponse()
        if (known := book.once(key, content, "contribution")) is not None:
            _answer(book, answer.entry, request, known, "credit_balance", 1)
            return answer
        group = book.group(request.group)
        place = _place(book, request.member, group.group)
        if place is None or place.state != IN:
            raise UnknownGroup(request.group)
        book.spendable(request.currency)
        wallet = book.wallet(request.member, request.currency)
        target = _wallet(book, group.group, request.currency)
        ledger.check_debit(wallet, request.amount, floor=0)
        ledger.check_credit(target, request.amount)
        particulars = {"key": key, "reference": request.reference, "occurred_at": book.now, "digest": content}
        entry = _contribute(book, request.member, place, wallet, target, request.amount, **particulars)
        _answer(book, answer.entry, request, entry, "credit_balance", 1)
        return answer


# -- what they share --------------------------------------------------------


def _touch_members(request: Any, touched: Touched) -> None:
    """The group, and the members that a request names."""
    touched.row(GROUPS, request.group)
    for name in (getattr(request, "member", ""), getattr(request, "target", "")):
        if name:
            touched.members.add(name)
            touched.row(PLACES, name)


def _acting(book: Book, name: str, member: str) -> tuple[Group, Place | None]:
    """A group with the place of the member who acts; none for the brand. Raises UnknownGroup."""
    group = book.group(name)
    if not member:
        return group, None
    place = _place(book, member, name)
    if place is None or place.state != IN:
        raise UnknownGroup(name)
    return group, place


def _place(book: Book, member: str, group: str) -> Place | None:
    places = book.row(PLACES, member)
    return places.by_group.get(group) if places is not None else None


def _wallet(book: Book, group: str, currency: str) -> Account:
    """A group's wallet of a currency that there is."""
    wallet = book.accounts.get((wallet_of(group), currency, AVAILABLE))
    if wallet is None:
        raise Moved(f"{group} was made just now")
    return wallet


def _put(book: Book, member: str, place: Place) -> None:
    places = book.row(PLACES, member) or Places(member)
    places.by_group[place.group] = place
    places.changed.add(place.group)
    book.put(PLACES, member, places)


def _require_free(book: Book, member: str, kind: str) -> None:
    """Raises AlreadyInGroup unless the member is in no group of the kind."""
    if any(place.kind == kind for place in active_places(book.row(PLACES, member))):
        raise AlreadyInGroup(member, kind)


def _require_room(book: Book, group: Group) -> None:
    most = _kind(book, group).members_max
    if group.size >= most:
        raise GroupFull(most)


def _kind(book: Book, group: Group) -> KindRules:
    return book.rules.groups.kind(group.kind)


def _role(role: int) -> str:
    return pb.GroupRole.Name(role).removeprefix("GROUP_ROLE_").lower()


def _tell(book: Book, group: Group, member: str, role: Any, change: Any, by: str) -> None:
    told = groups_events_pb2.GroupChanged(
        member=member, group=group.shown(), change=change, role=role, by=by, occurred_at=book.stamp
    )
    book.tell(member, told)


def _counter(group: str, currency: str) -> str:
    return f"group:{group}:{currency}"


def _spend_key(request: groups_pb2.SpendFromGroupRequest) -> str:
    """The entry's key; the member in it is the one who spent."""
    return f"group-spend:{request.member}:{request.idempotency_key}"


def _contribute_key(request: groups_pb2.ContributeToGroupRequest) -> str:
    return f"contribute:{request.member}:{request.idempotency_key}"


def _answer(book: Book, shown: groups_pb2.GroupEntry, request: Any, entry: Any, balance: str, sign: int) -> None:
    """Shows an entry as the group sees it; its id is known once it is kept."""
    kept = isinstance(entry, asyncpg.Record)

    def value(name: str) -> Any:
        return entry[name] if kept else getattr(entry, name)

    shown.MergeFrom(
        groups_pb2.GroupEntry(
            id=entry["id"] if kept else 0,
            currency=request.currency,
            amount=sign * request.amount,
            balance=value(balance),
            kind=value("kind"),
            reference=request.reference,
            occurred_at=value("occurred_at").astimezone(UTC),
            member=request.member,
        )
    )
    if not kept:
        book.answer(entry.key, lambda number: setattr(shown, "id", number))
