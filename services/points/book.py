"""One transaction's members, wallets and keys, and the decisions on them.

Requests are decided one after another on the state that the ones before left.
A refused request leaves it untouched: every check comes before the first
change.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any

import asyncpg
from google.protobuf.timestamp_pb2 import Timestamp

from chassis import metrics
from chassis.configuration import Configurations
from chassis.errors import Aborted, FieldViolation, IdempotencyConflict, InvalidArgument, NotFound
from chassis.events import NO_MEMBER, NewEvent
from chassis.logging import logger
from laurels.activity.v1 import activity_pb2
from laurels.activity.v1.events_pb2 import ActivityRecorded, Earned
from laurels.points.v1 import events_pb2, points_pb2
from laurels.programme.v1 import programme_pb2
from laurels.programme.v1.events_pb2 import ProgrammeAdopted, ProgrammeApplied
from services.activity import moment_of
from services.points import ledger, store
from services.points.earning import Award
from services.points.ledger import AVAILABLE, ISSUED, PROGRAMME, REDEEMED, Account, UnknownCurrency, UnknownMember
from services.points.programme import PointsRules
from services.points.store import MemberState
from services.points.tiers import tier_for

CLOCK_AHEAD = timedelta(minutes=5)
_log = logger("points")


@dataclass(frozen=True, slots=True)
class Credit:
    """Points that another service's event grants; `key` makes it happen once."""

    member: str
    currency: str
    amount: int
    kind: int
    key: str
    reference: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class Adopted:
    """A service works under a version of the programme."""

    service: str
    version: int


def digest(message: Any) -> bytes:
    """What tells one request under a key from another."""
    return blake2b(message.SerializeToString(deterministic=True), digest_size=16).digest()


class Book:
    """The unit of the points service's write path."""

    def __init__(self, brand: str, now: datetime, programmes: Configurations[PointsRules]) -> None:
        self.events: list[NewEvent] = []
        self._brand, self._now, self._programmes = brand, now, programmes
        self._stamp = Timestamp()
        self._stamp.FromDatetime(now)
        self._version = 0
        self._rules: PointsRules | None = None
        self._members: dict[str, MemberState] = {}
        self._accounts: dict[store.AccountKey, Account] = {}
        self._activities: dict[str, tuple[bytes, dict[str, int]]] = {}
        self._known: dict[str, Any] = {}
        self._changed_members: dict[str, MemberState] = {}
        self._changed_accounts: dict[int, Account] = {}
        self._new_activities: list[Any] = []
        self._new_entries: dict[str, ledger.Entry] = {}
        self._answered_entries: dict[str, points_pb2.Entry] = {}
        self._applied: ProgrammeApplied | None = None
        self._adopted: list[Adopted] = []

    # -- loading ------------------------------------------------------------

    async def load(self, connection: asyncpg.Connection, requests: Sequence[Any]) -> None:
        try:
            self._version, self._rules = await self._programmes.newest(connection, self._brand)
        except NotFound:
            return  # every request but the first programme is refused for it
        members, enrolling, wallets, activity_ids, keys = self._touched(requests)
        self._members = await store.lock_members(connection, self._brand, members, enrolling)
        self._accounts = await store.lock_accounts(connection, self._brand, wallets)
        if activity_ids:
            self._activities = await store.known_activities(connection, self._brand, sorted(activity_ids))
        if keys:
            self._known = await store.known_entries(connection, self._brand, sorted(keys))

    def _touched(self, requests: Sequence[Any]) -> tuple[set[str], set[str], set[tuple[str, str]], set[str], set[str]]:
        """Members, members to add, wallets, activity ids and entry keys that the requests touch."""
        rules = self._programme()
        members: set[str] = set()
        enrolling: set[str] = set()
        wallets: set[tuple[str, str]] = set()
        ids: set[str] = set()
        keys: set[str] = set()
        for request in requests:
            if isinstance(request, activity_pb2.RecordActivitiesRequest):
                for activity in request.activities:
                    (enrolling if rules.enrols_on_first_activity else members).add(activity.member)
                    ids.add(activity.id)
                    if (of_type := rules.rules.get(activity.type)) is not None:
                        wallets.update((activity.member, currency) for currency in of_type.currencies)
            elif isinstance(request, points_pb2.EnrolMemberRequest):
                enrolling.add(request.member)
            elif isinstance(request, points_pb2.SpendRequest):
                members.add(request.member)
                keys.add(spend_key(request.idempotency_key))
                if request.currency in rules.currencies:
                    wallets.add((request.member, request.currency))
            elif isinstance(request, Credit):
                members.add(request.member)
                keys.add(request.key)
                if request.currency in rules.currencies:
                    wallets.add((request.member, request.currency))
        return members, enrolling, wallets, ids, keys

    # -- deciding -----------------------------------------------------------

    def decide(self, request: Any) -> Any:
        match request:
            case activity_pb2.RecordActivitiesRequest():
                return self._record(request)
            case points_pb2.SpendRequest():
                return self._spend(request)
            case Credit():
                return self._credit(request)
            case points_pb2.EnrolMemberRequest():
                return self._enrol(request)
            case programme_pb2.ApplyProgrammeRequest():
                return self._apply(request)
            case Adopted():
                return self._adopted.append(request)
        raise TypeError(f"not a request of the points service: {type(request).__name__}")

    def _programme(self) -> PointsRules:
        if self._rules is None:
            raise NotFound(f"Brand {self._brand!r} has no programme yet.", code="unknown_brand")
        return self._rules

    def _record(self, request: activity_pb2.RecordActivitiesRequest) -> activity_pb2.RecordActivitiesResponse:
        digests = self._check_activities(request.activities)
        response = activity_pb2.RecordActivitiesResponse()
        for activity, content in zip(request.activities, digests, strict=True):
            known = self._activities.get(activity.id)
            if known is None:
                response.accepted += 1
                earned = self._record_one(activity, content)
            else:
                response.duplicates += 1
                earned = known[1]
            result = response.results.add(id=activity.id, duplicate=known is not None)
            for currency, amount in earned.items():
                result.earned.add(currency=currency, amount=amount)
        return response

    def _check_activities(self, activities: Sequence[activity_pb2.Activity]) -> list[bytes]:
        """The activities' digests, or a refusal of all of them."""
        rules = self._programme()
        violations: list[FieldViolation] = []
        digests: list[bytes] = []
        latest = self._now + CLOCK_AHEAD
        seen: dict[str, bytes] = {}
        for place, activity in enumerate(activities):
            content = digest(activity)
            digests.append(content)
            known = self._activities.get(activity.id)
            before = known[0] if known is not None else seen.setdefault(activity.id, content)
            if before != content:
                raise IdempotencyConflict(
                    f"Activity {activity.id!r} (activities[{place}]) was recorded before with other content."
                )
            if known is not None:
                continue
            schema = rules.schemas.get(activity.type)
            if schema is None:
                declared = ", ".join(sorted(rules.schemas)) or "none"
                detail = f"{activity.type!r} is not declared by the programme (declared: {declared})"
                violations.append(FieldViolation(f"activities[{place}].type", detail))
                continue
            violations.extend(schema.violations(activity, f"activities[{place}]"))
            if moment_of(activity) > latest:
                detail = "is more than five minutes ahead of the clock"
                violations.append(FieldViolation(f"activities[{place}].occurred_at", detail))
            if not rules.enrols_on_first_activity and not self._is_enrolled(activity.member):
                raise UnknownMember(activity.member)
        if violations:
            raise InvalidArgument.of(violations[:100])
        return digests

    def _record_one(self, activity: activity_pb2.Activity, content: bytes) -> dict[str, int]:
        rules = self._programme()
        schema = rules.schemas[activity.type]
        moment = moment_of(activity)
        member = self._members[activity.member]
        enrolled = self._join(member, moment)
        attributes = schema.attribute_values(activity.attributes)
        of_type = rules.rules.get(activity.type)
        given: list[Award] = []
        if of_type is not None:
            variables = {
                "member.id": member.member,
                "member.tier": member.tier,
                "member.is_first_activity": activity.type not in member.seen_types,
            }
            given = of_type.awards(activity, variables, self._rule_failed)
        if activity.type not in member.seen_types:
            member.seen_types.add(activity.type)
            self._changed_members[member.member] = member
        earned: dict[str, int] = {}
        for award in given:
            self._issue(
                member.member,
                award.currency,
                award.amount,
                key=f"activity:{activity.id}:{award.rule}",
                kind=points_pb2.ENTRY_KIND_EARN,
                reference=award.rule,
                occurred_at=moment,
            )
            earned[award.currency] = earned.get(award.currency, 0) + award.amount
        self._move_tier(member, moment)
        self._tell(
            member.member,
            ActivityRecorded(
                activity=activity,
                programme_version=self._version,
                earned=[
                    Earned(currency=c, amount=a, balance=self._balance(member.member, c)) for c, a in earned.items()
                ],
                tier=member.tier,
                recorded_at=self._stamp,
                enrolled=enrolled,
            ),
        )
        self._activities[activity.id] = (content, earned)
        self._new_activities.append((activity.id, activity.member, activity.type, moment, attributes, content, earned))
        return earned

    def _spend(self, request: points_pb2.SpendRequest) -> points_pb2.SpendResponse:
        rules = self._programme()
        key, content = spend_key(request.idempotency_key), digest(request)
        if (known := self._known.get(key)) is not None:
            if known["digest"] != content:
                raise IdempotencyConflict(f"The key {request.idempotency_key!r} was used for another spend.")
            return points_pb2.SpendResponse(entry=_spent(known))
        if (made := self._new_entries.get(key)) is not None:
            if made.digest != content:
                raise IdempotencyConflict(f"The key {request.idempotency_key!r} was used for another spend.")
            return points_pb2.SpendResponse(entry=self._answered_entries[key])
        if not self._is_enrolled(request.member):
            raise UnknownMember(request.member)
        if request.currency not in rules.currencies:
            raise UnknownCurrency(request.currency)
        wallet = self._accounts[request.member, request.currency, AVAILABLE]
        ledger.check_spend(wallet, request.currency, request.amount)
        entry = self._move(
            wallet,
            self._accounts[PROGRAMME, request.currency, REDEEMED],
            request.amount,
            key=key,
            kind=points_pb2.ENTRY_KIND_SPEND,
            reference=request.reference,
            occurred_at=self._now,
            digest=content,
        )
        self._tell(
            request.member,
            events_pb2.PointsSpent(
                member=request.member,
                currency=request.currency,
                amount=request.amount,
                balance=wallet.balance,
                reference=request.reference,
                occurred_at=self._now,
            ),
        )
        answer = points_pb2.SpendResponse(
            entry=points_pb2.Entry(
                currency=request.currency,
                amount=-request.amount,
                balance=wallet.balance,
                kind=points_pb2.ENTRY_KIND_SPEND,
                reference=request.reference,
                occurred_at=entry.occurred_at,
            )
        )
        self._answered_entries[key] = answer.entry  # its id is drawn with the row
        return answer

    def _credit(self, credit: Credit) -> None:
        if credit.key in self._known or credit.key in self._new_entries:
            return
        if credit.currency not in self._programme().currencies:
            raise UnknownCurrency(credit.currency)
        if not self._is_enrolled(credit.member):
            raise UnknownMember(credit.member)
        self._issue(
            credit.member,
            credit.currency,
            credit.amount,
            key=credit.key,
            kind=credit.kind,
            reference=credit.reference,
            occurred_at=credit.occurred_at,
        )
        self._tell_credit(
            credit.member, credit.currency, credit.amount, credit.kind, credit.reference, credit.occurred_at
        )
        self._move_tier(self._members[credit.member], credit.occurred_at)

    def _enrol(self, request: points_pb2.EnrolMemberRequest) -> points_pb2.EnrolMemberResponse:
        rules = self._programme()
        member = self._members[request.member]
        if member.enrolled_at is not None and member.display_name not in ("", request.display_name):
            raise IdempotencyConflict(f"Member {request.member!r} is enrolled with other particulars.")
        enrolled = self._join(member, self._now)
        if enrolled:
            self._tell(member.member, events_pb2.MemberEnrolled(member=member.member, enrolled_at=member.enrolled_at))
        if member.display_name != request.display_name:
            member.display_name = request.display_name
            self._changed_members[member.member] = member
        shown = points_pb2.Member(
            member=member.member, display_name=member.display_name, enrolled_at=member.enrolled_at, tier=member.tier
        )
        if enrolled:
            shown.wallets.extend(points_pb2.Wallet(currency=currency) for currency in rules.currencies)
        return points_pb2.EnrolMemberResponse(member=shown, enrolled=enrolled)

    def _apply(self, request: programme_pb2.ApplyProgrammeRequest) -> programme_pb2.ApplyProgrammeResponse:
        if self._applied is not None:
            raise Aborted("Another version was applied at the same moment; look at it first.", code="stale_version")
        if request.expected_version and request.expected_version != self._version:
            raise Aborted(
                f"The newest version is {self._version}, not {request.expected_version}.", code="stale_version"
            )
        if self._rules is not None and self._rules.programme == request.programme:
            return programme_pb2.ApplyProgrammeResponse(version=self._version)
        version = self._version + 1
        self._applied = ProgrammeApplied(version=version, programme=request.programme, applied_at=self._now)
        self._adopted.append(Adopted("points", version))
        self._tell(NO_MEMBER, self._applied)
        self._tell(NO_MEMBER, ProgrammeAdopted(service="points", version=version))
        return programme_pb2.ApplyProgrammeResponse(version=version, changed=True)

    # -- changing -----------------------------------------------------------

    def _balance(self, member: str, currency: str) -> int:
        return self._accounts[member, currency, AVAILABLE].balance

    def _is_enrolled(self, member: str) -> bool:
        found = self._members.get(member)
        return found is not None and found.enrolled_at is not None

    def _join(self, member: MemberState, at: datetime) -> bool:
        """Enrols whoever is not; whether it did."""
        if member.enrolled_at is not None:
            return False
        rules = self._programme()
        member.enrolled_at = at
        member.tier = tier_for(0, rules.thresholds, rules.tiers)
        self._changed_members[member.member] = member
        return True

    def _issue(self, member: str, currency: str, amount: int, **particulars: Any) -> None:
        wallet = self._accounts[member, currency, AVAILABLE]
        wallet.earned += amount
        self._move(self._accounts[PROGRAMME, currency, ISSUED], wallet, amount, **particulars)

    def _move(self, source: Account, target: Account, amount: int, **particulars: Any) -> ledger.Entry:
        entry = ledger.move(source, target, amount, **particulars)
        self._new_entries[entry.key] = entry
        self._changed_accounts[source.id] = source
        self._changed_accounts[target.id] = target
        return entry

    def _move_tier(self, member: MemberState, at: datetime) -> None:
        rules = self._programme()
        wallet = self._accounts.get((member.member, rules.tier_currency, AVAILABLE))
        if wallet is None:
            return
        tier = tier_for(wallet.earned, rules.thresholds, rules.tiers)
        if tier == member.tier:
            return
        self._tell(
            member.member,
            events_pb2.TierChanged(member=member.member, from_tier=member.tier, to_tier=tier, occurred_at=at),
        )
        member.tier = tier
        self._changed_members[member.member] = member

    def _tell(self, member: str, message: Any) -> None:
        self.events.append(NewEvent(member, message))

    def _tell_credit(
        self, member: str, currency: str, amount: int, kind: Any, reference: str, occurred_at: Any
    ) -> None:
        self._tell(
            member,
            events_pb2.PointsCredited(
                member=member,
                currency=currency,
                amount=amount,
                balance=self._balance(member, currency),
                kind=kind,
                reference=reference,
                occurred_at=occurred_at,
                programme_version=self._version,
            ),
        )

    def _rule_failed(self, rule: str, why: str) -> None:
        metrics.RULE_FAILURES.labels("points").inc()
        _log.warning("earning rule failed", rule=rule, brand=self._brand, why=why)

    # -- saving -------------------------------------------------------------

    async def save(self, connection: asyncpg.Connection) -> None:
        if self._changed_members:
            changed = [self._changed_members[name] for name in sorted(self._changed_members)]
            await store.save_members(connection, self._brand, changed)
        if self._changed_accounts:
            accounts = [self._changed_accounts[number] for number in sorted(self._changed_accounts)]
            await store.save_accounts(connection, self._brand, accounts)
        if self._new_activities:
            await store.add_activities(connection, self._brand, self._version, self._new_activities)
        if self._new_entries:
            ids = await store.add_entries(connection, self._brand, list(self._new_entries.values()))
            for key, answered in self._answered_entries.items():
                answered.id = ids[key]
        if self._applied is not None:
            await store.add_programme(connection, self._brand, self._applied)
        for adopted in self._adopted:
            await store.note_adoption(connection, self._brand, adopted.service, adopted.version)


def spend_key(idempotency_key: str) -> str:
    """The entry's key of a spend; its prefix keeps callers out of the programme's own keys."""
    return f"spend:{idempotency_key}"


def _spent(row: Any) -> points_pb2.Entry:
    return points_pb2.Entry(
        id=row["id"],
        currency=row["currency"],
        amount=-row["amount"],
        balance=row["debit_balance"],
        kind=row["kind"],
        reference=row["reference"],
        occurred_at=row["occurred_at"].astimezone(UTC),
    )
