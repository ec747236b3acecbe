"""The wallets of groups: members fill them with what they earn and give, and spend from them within their limits.

When a group is dissolved, what it has goes to its members.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import asyncpg

from chassis.answers import digest
from chassis.errors import Aborted, FailedPrecondition
from laurels.points.v1 import groups_events_pb2, groups_pb2, points_pb2
from laurels.points.v1 import programme_groups_pb2 as pb
from services.points import allowances, ledger, lots
from services.points.book import GROUPS, Book, Moved, Operation, Touched
from services.points.groups import (
    DISSOLVED,
    IN,
    LEFT,
    OWNER,
    PLACES,
    NoRight,
    OfGroup,
    acting,
    active_places,
    kind_of,
    place_of,
    put_place,
    tell_change,
    touch_members,
    wallet_of,
)
from services.points.ledger import AVAILABLE, BALANCE_MAX, PROGRAMME, REDEEMED, Account, UnknownGroup
from services.points.lots import Part
from services.points.programme import PointsRules
from services.points.states import Group, Place, Places
from services.points.store import groups as rows


class SpendingLimit(FailedPrecondition):
    """The member would spend more of the group's wallet than the role may."""

    code = "spending_limit"

    def __init__(self, currency: str, left: int, amount: int) -> None:
        super().__init__(f"The member may spend {left} {currency} more of the group's, which is less than {amount}.")
        self.left = left


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
            key=pool_key(source, place.group),
            reference=reference,
            occurred_at=at,
        )


def pool_key(source: str, group: str) -> str:
    """The key of the entry by which a group had its share of what the entry of the key `source` made available."""
    return f"pool:{source}:{group}"


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
    put_place(book, member, place)
    kind, reference = points_pb2.ENTRY_KIND_CONTRIBUTION, particulars["reference"]
    book.tell_group(target, amount, kind, reference, particulars["occurred_at"], member, wallet.balance)
    return entry


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
        touch_members(request, touched)
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
        place = place_of(book, request.member, group.group)
        if place is None or place.state != IN:
            raise UnknownGroup(request.group)
        rules = kind_of(book, group)
        if not rules.may(place.role, "may_spend"):
            raise NoRight(place.role, "spend of its wallet")
        book.check_guardian(request.member)
        book.spendable(request.currency)
        wallet = _wallet(book, group.group, request.currency)
        counter = _counter(group.group, request.currency)
        limits = rules.limits.get((place.role, request.currency), [])
        if not allowances.are_touched(book, counter, request.member, limits, book.now):
            raise UnknownGroup(request.group)  # which was not there when the transaction began
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
        touch_members(request, touched)
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
        place = place_of(book, request.member, group.group)
        if place is None or place.state != IN:
            raise UnknownGroup(request.group)
        book.check_guardian(request.member)
        book.spendable(request.currency)
        wallet = book.wallet(request.member, request.currency)
        target = _wallet(book, group.group, request.currency)
        ledger.check_debit(wallet, request.amount, floor=0)
        ledger.check_credit(target, request.amount)
        particulars = {"key": key, "reference": request.reference, "occurred_at": book.now, "digest": content}
        entry = _contribute(book, request.member, place, wallet, target, request.amount, **particulars)
        _answer(book, answer.entry, request, entry, "credit_balance", 1)
        return answer


# -- the end ----------------------------------------------------------------


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
        touch_members(request, touched)
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
        group, own = acting(book, request.group, request.member)
        if own is not None and own.role != OWNER:
            raise NoRight(own.role, "dissolve it")
        places = [
            (of_member.member, of_member.by_group[group.group])
            for of_member in sorted(book.rows(PLACES), key=lambda found: found.member)
            if group.group in of_member.by_group and of_member.by_group[group.group].state != LEFT
        ]
        members = [member for member, place in places if place.state == IN]
        equally = kind_of(book, group).distribution == pb.GROUP_DISTRIBUTION_EQUALLY
        wanted = [(member, currency, AVAILABLE) for member in members for currency in book.rules.currencies]
        if len(places) != group.size or any(key not in book.accounts for key in wanted):
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
            put_place(book, member, place)
            tell_change(book, group, member, place.role, groups_events_pb2.GROUP_CHANGE_DISSOLVED, request.member)
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


# -- what they share --------------------------------------------------------


def _wallet(book: Book, group: str, currency: str) -> Account:
    """A group's wallet of a currency that there is. Raises UnknownGroup for one that was made just now."""
    wallet = book.accounts.get((wallet_of(group), currency, AVAILABLE))
    if wallet is None:
        raise UnknownGroup(group)
    return wallet


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
