"""One transaction's members, accounts and keys, and what decisions do to them.

Requests are decided one after another on the state that the ones before left.
What kinds of request there are, and what each touches and decides, is in the
modules of `operations.py`; they change state through the book alone. A refused
request leaves it untouched: every check comes before the first change.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar, TypeVar

import asyncpg
from google.protobuf.timestamp_pb2 import Timestamp

from chassis import book, metrics
from chassis.book import Kind, Rows
from chassis.configuration import Configurations
from chassis.errors import IdempotencyConflict, NotFound
from chassis.events import NO_MEMBER
from chassis.logging import logger
from laurels.points.v1 import events_pb2, groups_events_pb2, groups_pb2
from laurels.programme.v1.programme_pb2 import Programme
from services.erasure import MemberWasErased
from services.fingerprints import Fingerprints
from services.points import ledger, lots, store
from services.points.guardians import GuardianConsentRequired, awaits_guardian
from services.points.ledger import (
    AVAILABLE,
    EXPIRED,
    GROUP_MARK,
    ISSUED,
    ISSUED_MAX,
    PROGRAMME,
    REDEEMED,
    Account,
    BalanceTooHigh,
    NotSpendable,
    UnknownCurrency,
    UnknownGroup,
    UnknownMember,
)
from services.points.lots import Part
from services.points.programme import PointsRules
from services.points.states import Group, MemberState, Purchase
from services.points.store import AccountKey, tiers
from services.points.store import groups as group_rows
from services.points.store import members as members_store
from services.points.store.members import Particulars
from services.points.store.tiers import Act
from services.points.tier_standings import QUALIFIED, TAKEN_BACK, Standings, changed
from services.points.tiers import tier_for

_log = logger("points")
NO_RULES = PointsRules(Programme())
Row = TypeVar("Row")


GROUPS: Kind[str, Group] = Kind("groups", 10, group_rows.lock_groups, group_rows.save_groups)


class Moved(asyncpg.SerializationError):
    """What requests touch changed between its reading and its locking; the write path repeats the transaction.

    Only for what another transaction did: what a request of the same one did
    is there again the next time.
    """


PARTICULARS: Kind[str, Particulars] = Kind(
    "particulars", 11, members_store.lock_particulars, members_store.save_particulars
)


@dataclass(slots=True)
class Touched(book.Touched):
    """What the requests of a transaction touch, gathered before anything is locked.

    `debits` are how much may leave an account at most, for which lots are read.
    `tiered` are the members whose tier may move, `standings` those who have a
    standing in any case; `moments` say from when on, where that is before now.
    """

    members: set[str] = field(default_factory=set)
    enrolling: set[str] = field(default_factory=set)
    accounts: set[AccountKey] = field(default_factory=set)
    debits: dict[AccountKey, int] = field(default_factory=dict)
    activities: set[str] = field(default_factory=set)
    keys: set[str] = field(default_factory=set)
    newest: tuple[int, Programme | None] = (0, None)
    reversed: dict[int, Any] = field(default_factory=dict)
    purchases: dict[str, Purchase] = field(default_factory=dict)
    tiered: set[str] = field(default_factory=set)
    standings: set[str] = field(default_factory=set)
    moments: dict[str, datetime] = field(default_factory=dict)
    acts: set[str] = field(default_factory=set)

    @contextmanager
    def by(self, operation: "Operation") -> Iterator[None]:
        """Within the block, members that are added are an operation's, whose tiers it may move."""
        members, enrolling, self.members, self.enrolling = self.members, self.enrolling, set(), set()
        yield
        if operation.moves_tiers:
            self.tiered |= self.members | self.enrolling
        self.members |= members
        self.enrolling |= enrolling

    def standing(self, member: str, at: datetime) -> None:
        """A member's standing, which is decided on from a moment on."""
        self.standings.add(member)
        self.moments[member] = min(at, self.moments.get(member, at))

    def wallet(self, owner: str, currency: str, debit: int = 0) -> None:
        """An owner's available points, of which `debit` may leave."""
        key = (owner, currency, AVAILABLE)
        self.accounts.add(key)
        if debit:
            self.debits[key] = self.debits.get(key, 0) + debit


class Operation:
    """One kind of request: what it touches and what it decides."""

    requests: ClassVar[tuple[type, ...]]
    needs_programme: ClassVar[bool] = True
    moves_tiers: ClassVar[bool] = True
    """Whether `move_tier` may be called on the members that it touches."""

    async def find(
        self, connection: asyncpg.Connection, brand: str, rules: PointsRules, requests: Sequence[Any]
    ) -> Any:
        """Reads, without locking, what never changes and says what else is touched."""

    def touch(self, request: Any, found: Any, rules: PointsRules, touched: Touched) -> None:
        """Adds what the request touches; `found` is what `find` returned."""
        raise NotImplementedError

    def decide(self, book: "Book", request: Any) -> Any:
        """The answer. When it raises a DomainError it has changed nothing."""
        raise NotImplementedError


class Book(Rows):
    """The unit of the points service's write path."""

    def __init__(
        self,
        brand: str,
        now: datetime,
        programmes: Configurations[PointsRules],
        operations: Mapping[type, Operation],
        prints: Fingerprints | None = None,
    ) -> None:
        super().__init__(brand)
        self.now = now
        self.stamp = Timestamp()
        self.stamp.FromDatetime(now)
        self._stamps: dict[datetime, Timestamp] = {now: self.stamp}
        self.version = 0
        self.members: dict[str, MemberState] = {}
        self.accounts: dict[AccountKey, Account] = {}
        self.activities: dict[str, store.KnownActivity] = {}
        self.known: dict[str, Any] = {}
        self.entries: dict[str, ledger.Entry] = {}
        self.newest: tuple[int, Programme | None] = (0, None)
        self.reversed: dict[int, Any] = {}
        self.purchases: dict[str, Purchase] = {}
        self.standings = Standings()
        self.erased: set[str] = set()
        self._prints = prints
        self._programmes, self._operations = programmes, operations
        self._rules: PointsRules | None = None
        self._changed_members: dict[str, MemberState] = {}
        self._changed_accounts: dict[int, Account] = {}
        self._lot_changes: dict[tuple[int, datetime], int] = {}
        self._lot_warnings: dict[tuple[int, datetime], datetime] = {}
        self._answers: list[tuple[str, Callable[[int], None]]] = []
        self._results: list[tuple[str, Any]] = []

    # -- loading ------------------------------------------------------------

    async def load(self, connection: asyncpg.Connection, requests: Sequence[Any]) -> None:
        try:
            self.version, self._rules = await self._programmes.newest(connection, self.brand)
        except NotFound:
            self._rules = None  # every request but the first programme is refused for it
        touched = await self._touched(connection, requests)
        self.newest, self.reversed = touched.newest, touched.reversed
        self.purchases = touched.purchases
        if self._rules is None:
            return
        if touched.keys:
            self.known = await store.known_entries(connection, self.brand, sorted(touched.keys))
        if touched.members or touched.enrolling:
            await self._lock_members(connection, touched)
        if touched.accounts:
            await self._lock_accounts(connection, touched, self._rules)
        await self._load_standings(connection, touched, self._rules)
        await self.lock(connection, touched.rows)
        if touched.activities:
            self.activities = await store.known_activities(connection, self.brand, sorted(touched.activities))

    async def _touched(self, connection: asyncpg.Connection, requests: Sequence[Any]) -> Touched:
        touched, rules = Touched(now=self.now), self._rules
        while requests:
            by_operation: dict[Operation, list[Any]] = {}
            for request in requests:
                operation = self._operations.get(type(request))
                if operation is not None and (rules is not None or not operation.needs_programme):
                    by_operation.setdefault(operation, []).append(request)
            for operation, of_kind in by_operation.items():
                found = await operation.find(connection, self.brand, rules or NO_RULES, of_kind)
                with touched.by(operation):
                    for request in of_kind:
                        operation.touch(request, found, rules or NO_RULES, touched)
            requests, touched.follow = touched.follow, []
        if rules is None:
            return touched
        if not rules.ladder.is_plain:
            currencies = {each.currency for each in rules.ladder.qualifiers if each.currency}
            tiered = touched.tiered | touched.standings
            touched.accounts.update((member, currency, AVAILABLE) for member in tiered for currency in currencies)
        touched.accounts = {key for key in touched.accounts if key[1] in rules.currencies}
        if rules.members.guardianship is not None:
            for member in touched.members:
                touched.row(PARTICULARS, member)
        for currency in {currency for _, currency, _ in touched.accounts}:
            kinds = (ISSUED, REDEEMED, EXPIRED) if currency in rules.expiries else (ISSUED, REDEEMED)
            touched.accounts.update((PROGRAMME, currency, kind) for kind in kinds)
        return touched

    async def _load_standings(self, connection: asyncpg.Connection, touched: Touched, rules: PointsRules) -> None:
        """Those of members whose tier is more than what they ever earned in one currency."""
        if touched.acts:
            self.standings.known = await tiers.known_acts(connection, self.brand, sorted(touched.acts))
        moments = {
            member: min(self.now, touched.moments.get(member, self.now))
            for member in touched.tiered | touched.standings
            if (state := self.members.get(member)) is not None
            and (not rules.ladder.is_plain or state.tier_kept or member in touched.standings)
        }
        if moments:
            await self.standings.load(connection, self.brand, rules, self.members, self.accounts, moments)

    async def _lock_members(self, connection: asyncpg.Connection, touched: Touched) -> None:
        """Locks members; of those who were erased nothing is made and nothing locked."""

        async def erased(members: Iterable[str]) -> set[str]:
            if self._prints is None:
                return set()
            prints = {self._prints.of(self.brand, member): member for member in members}
            self.erased |= await members_store.erased(connection, self.brand, prints)
            return self.erased

        self.members = await store.lock_members(connection, self.brand, touched.members, touched.enrolling, erased)
        unknown = (touched.members | touched.enrolling) - self.members.keys()
        if named := unknown - self.erased:
            await erased(named)
        # Nobody has accounts before they are a member, whatever a request names.
        if unknown:
            touched.accounts = {key for key in touched.accounts if key[0] not in unknown}
        if self.erased:
            touched.accounts = {key for key in touched.accounts if key[0] not in self.erased}
            for kind, keys in touched.rows.items():
                touched.rows[kind] = {
                    key for key in keys if self.erased.isdisjoint(key if isinstance(key, tuple) else (key,))
                }

    async def _lock_accounts(self, connection: asyncpg.Connection, touched: Touched, rules: PointsRules) -> None:
        self.accounts = await store.lock_accounts(connection, self.brand, touched.accounts, rules.floor)
        expiring = {
            account.id: (account, touched.debits.get(key, 0))
            for key, account in self.accounts.items()
            if key[1] in rules.expiries and key[2] == AVAILABLE
        }
        if expiring:
            await store.load_lots(connection, expiring)

    # -- deciding -----------------------------------------------------------

    def decide(self, request: Any) -> Any:
        operation = self._operations.get(type(request))
        if operation is None:
            raise TypeError(f"not a request of the points service: {type(request).__name__}")
        if operation.needs_programme and self._rules is None:
            raise NotFound(f"Brand {self.brand!r} has no programme yet.", code="unknown_brand")
        return operation.decide(self, request)

    @property
    def rules(self) -> PointsRules:
        """The newest version's. Raises NotFound (`unknown_brand`) before the first."""
        if self._rules is None:
            raise NotFound(f"Brand {self.brand!r} has no programme yet.", code="unknown_brand")
        return self._rules

    def member(self, member: str) -> MemberState:
        """An enrolled member. Raises UnknownMember."""
        found = self.members.get(member)
        if found is None or found.enrolled_at is None:
            raise UnknownMember(member)
        return found

    def group(self, group: str) -> Group:
        """A group that was touched and is not dissolved. Raises UnknownGroup."""
        found = self.row(GROUPS, group)
        if found is None or found.state != groups_pb2.GROUP_STATE_ACTIVE:
            raise UnknownGroup(group)
        return found

    def check_not_erased(self, member: str) -> None:
        """Raises MemberWasErased for an id under which nobody comes back."""
        if member in self.erased:
            raise MemberWasErased(member)

    def check_guardian(self, member: str) -> None:
        """Raises GuardianConsentRequired when a minor, who may earn, would do more without a guardian's consent."""
        rules = self.rules
        if rules.members.guardianship is None:
            return
        if awaits_guardian(rules.members, self.row(PARTICULARS, member), self.now, rules.zone):
            raise GuardianConsentRequired(member)

    def is_enrolled(self, member: str) -> bool:
        found = self.members.get(member)
        return found is not None and found.enrolled_at is not None

    def wallet(self, owner: str, currency: str, kind: str = AVAILABLE) -> Account:
        """An owner's account, which was touched. Raises UnknownCurrency."""
        account = self.accounts.get((owner, currency, kind))
        if account is None:
            raise UnknownCurrency(currency)
        return account

    def spendable(self, currency: str) -> None:
        """Raises UnknownCurrency, NotSpendable."""
        if currency not in self.rules.currencies:
            raise UnknownCurrency(currency)
        if currency not in self.rules.spendable:
            raise NotSpendable(currency)

    def balance(self, member: str, currency: str) -> int:
        return self.accounts[member, currency, AVAILABLE].balance

    def once(self, key: str, content: bytes, what: str) -> Any:
        """What was made under a key before, as an entry; None when nothing was.

        Raises IdempotencyConflict when it was something else.
        """
        found = self.known.get(key) or self.entries.get(key)
        if found is None:
            return None
        known = found["digest"] if isinstance(found, asyncpg.Record) else found.digest
        if known != content:
            raise IdempotencyConflict(f"The key of this {what} was used for another one.")
        return found

    # -- changing -----------------------------------------------------------

    def change_member(self, member: MemberState) -> None:
        self._changed_members[member.member] = member

    def join(self, member: MemberState, at: datetime) -> bool:
        """Enrols whoever is not; whether it did."""
        if member.enrolled_at is not None:
            return False
        member.enrolled_at = at
        member.tier = self.rules.tiers[0] if self.rules.tiers else ""
        self.change_member(member)
        return True

    def check_issue(self, wallet: Account, amount: int) -> None:
        """Raises BalanceTooHigh when so much cannot be issued to the wallet."""
        ledger.check_credit(wallet, amount)
        if self.accounts[PROGRAMME, wallet.currency, ISSUED].balance - amount < -ISSUED_MAX:
            raise BalanceTooHigh(wallet.currency)

    def issue(self, wallet: Account, amount: int, **particulars: Any) -> ledger.Entry:
        """New points, which `check_issue` let pass."""
        wallet.earned += amount
        return self.move(self.accounts[PROGRAMME, wallet.currency, ISSUED], wallet, amount, **particulars)

    def move(
        self,
        source: Account,
        target: Account,
        amount: int,
        *,
        key: str,
        kind: int,
        reference: str,
        occurred_at: datetime,
        digest: bytes = b"",
        parts: Sequence[Part] | None = None,
        given: Sequence[Part] | None = None,
    ) -> ledger.Entry:
        """Moves points that may be moved, with the lots that they are in.

        `parts` are the lots that they leave; the soonest to expire when not
        stated. `given` are the lots that they reach; when not stated, the ones
        they left, or one that expires by the currency's rule.
        """
        before = target.balance
        left = self._leave(source, amount, parts) if source.lots is not None else []
        entry = ledger.move(
            source, target, amount, key=key, kind=kind, reference=reference, occurred_at=occurred_at, digest=digest
        )
        if left:
            entry.lots = left
        self._changed_accounts[source.id] = source
        self._changed_accounts[target.id] = target
        self.entries[key] = entry
        if target.lots is not None:
            reached = given if given is not None else left
            self._reach(target, amount, before, reached, occurred_at)
        if source.lots is not None:
            self._keep_alive(source, occurred_at)
        return entry

    def keep_account(self, account: Account) -> None:
        """Has an account saved of which more than its balance changed."""
        self._changed_accounts[account.id] = account

    def _leave(self, source: Account, amount: int, parts: Sequence[Part] | None) -> list[Part]:
        if source.lots is None:
            return []
        left = lots.take(source.lots, amount) if parts is None else list(parts)
        for expires_at, part in left:
            self._change_lot(source, expires_at, -part)
        return left

    def _reach(self, target: Account, amount: int, before: int, parts: Sequence[Part], occurred_at: datetime) -> None:
        """Puts what arrives into lots; what fills a debt is in none."""
        rule = self.rules.expiries[target.currency]
        arriving = list(parts)
        if missing := amount - lots.total(arriving):
            arriving.append((lots.expiry_of(rule, occurred_at, self.rules.zone), missing))
        owed = min(max(-before, 0), amount)
        _, kept = lots.split(sorted(arriving), owed)
        for expires_at, part in kept:
            self._change_lot(target, expires_at, part)
        self._keep_alive(target, occurred_at)

    def _keep_alive(self, account: Account, at: datetime) -> None:
        """Under a rule of inactivity all lots move to the moment that follows from the newest movement."""
        rule = self.rules.expiries[account.currency]
        if rule.WhichOneof("rule") != "inactive_days" or not account.lots:
            return
        expires_at = max(lots.expiry_of(rule, at, self.rules.zone), account.lots[-1][0])
        for known, part in list(account.lots):
            if known != expires_at:
                self._change_lot(account, known, -part)
                self._change_lot(account, expires_at, part)

    def _change_lot(self, account: Account, expires_at: datetime, by: int) -> None:
        assert account.lots is not None  # noqa: S101 - the callers looked
        held = dict(account.lots)
        held[expires_at] = held.get(expires_at, 0) + by
        account.lots[:] = sorted((moment, part) for moment, part in held.items() if part)
        change = (account.id, expires_at)
        self._lot_changes[change] = self._lot_changes.get(change, 0) + by
        if warning_days := self.rules.expiries[account.currency].warning_days:
            self._lot_warnings[change] = expires_at - timedelta(days=warning_days)

    def answer(self, key: str, given: Callable[[int], None]) -> None:
        """Has `given` told the id of the entry that was made under the key, once it has one."""
        self._answers.append((key, given))

    def settle_tier(self, member: MemberState, until: datetime) -> None:
        """Decides what was due of a member's tier by a moment, before anything that happened then is."""
        if member.member in self.standings.rows:
            self.standings.settle(self, member, until)

    def number(self, key: str, result: Any) -> None:
        """Has the id of the entry that was made under the key put into the result's `entry`."""
        self._results.append((key, result))

    def move_tier(self, member: MemberState, at: datetime) -> None:
        """Puts a member into the tier of what counts at a moment, and tells when it is another.

        What was earned or taken back since the call before counts on that
        moment's day.
        """
        rules = self.rules
        if member.member in self.standings.rows:
            self.standings.move(self, member, at)
            return
        wallet = self.accounts.get((member.member, rules.tier_currency, AVAILABLE))
        if wallet is None:
            return
        tier = tier_for(wallet.earned, rules.thresholds, rules.tiers)
        if tier == member.tier:
            return
        before = rules.tiers.index(member.tier) if member.tier in rules.tiers else 0
        reason = QUALIFIED if rules.tiers and rules.tiers.index(tier) >= before else TAKEN_BACK
        act = Act(member.member, member.tier, tier, reason, "", "", None, at)
        self.standings.note(act)
        self.tell(member.member, changed(act))
        member.tier = tier
        self.change_member(member)

    def stamp_of(self, at: datetime) -> Timestamp:
        """A moment as messages carry it; made once a transaction, since making one costs as much as an event."""
        found = self._stamps.get(at)
        if found is None:
            found = self._stamps[at] = Timestamp()
            found.FromDatetime(at)
        return found

    def tell_credit(
        self, member: str, currency: str, amount: int, kind: Any, reference: str, occurred_at: datetime
    ) -> None:
        # Field by field: a message that is constructed by keywords costs ten times as much.
        event = events_pb2.PointsCredited()
        event.member, event.currency, event.amount = member, currency, amount
        event.balance, event.kind, event.reference = self.balance(member, currency), kind, reference
        event.occurred_at.CopyFrom(self.stamp_of(occurred_at))
        event.programme_version = self.version
        self.tell(member, event)

    def tell_debit(self, member: str, currency: str, amount: int, reference: str, occurred_at: datetime) -> None:
        event = events_pb2.PointsSpent()
        event.member, event.currency, event.amount = member, currency, amount
        event.balance, event.reference = self.balance(member, currency), reference
        event.occurred_at.CopyFrom(self.stamp_of(occurred_at))
        self.tell(member, event)

    def tell_group(
        self,
        account: Account,
        by: int,
        kind: Any,
        reference: str,
        occurred_at: datetime,
        member: str = "",
        member_balance: int | None = None,
    ) -> None:
        """Tells that the balance of a group's wallet changed, and by whom."""
        event = groups_events_pb2.GroupCredited if by > 0 else groups_events_pb2.GroupDebited
        told = event(
            member=member,
            group=account.owner.removeprefix(GROUP_MARK),
            currency=account.currency,
            amount=abs(by),
            balance=account.balance,
            kind=kind,
            reference=reference,
            occurred_at=occurred_at,
            member_balance=member_balance,
        )
        self.tell(member or NO_MEMBER, told)

    def rule_failed(self, rule: str, why: str) -> None:
        """Says that an earning rule could not be followed; it then earns nothing."""
        metrics.RULE_FAILURES.labels("points").inc()
        _log.warning("earning rule failed", rule=rule, brand=self.brand, why=why)

    # -- saving -------------------------------------------------------------

    async def save(self, connection: asyncpg.Connection) -> None:
        if self._changed_members:
            await store.save_members(connection, self.brand, _in_order(self._changed_members))
        ids: dict[str, int] = {}
        accounts, entries = _in_order(self._changed_accounts), list(self.entries.values())
        if accounts and entries:
            ids = await store.save_accounts_and_add_entries(connection, self.brand, accounts, entries)
        elif accounts:
            await store.save_accounts(connection, accounts)
        if self._lot_changes:
            await store.change_lots(connection, self.brand, self._lot_changes, self._lot_warnings)
        await super().save(connection)
        await self.standings.save(connection, self.brand)
        for key, given in self._answers:
            given(ids[key])
        for key, result in self._results:
            result.entry = ids[key]


def _in_order(rows: Mapping[Any, Row]) -> list[Row]:
    return [rows[key] for key in sorted(rows)]
