"""Activities are recorded with all that they earn, and release what waited for them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from chassis.answers import digest
from chassis.errors import FieldViolation, IdempotencyConflict, InvalidArgument
from laurels.activity.v1 import activity_pb2
from laurels.activity.v1.events_pb2 import ActivityRecorded
from laurels.points.v1 import points_pb2
from services.activity import moment_of
from services.points import group_wallets, limits, lots, pending, referrals, refunds, store
from services.points.book import PARTICULARS, Book, Operation, Touched
from services.points.boosters import boosted, touch_boosters
from services.points.earning import Award, Limit
from services.points.ledger import AVAILABLE, ISSUED, PENDING, PROGRAMME, BalanceTooHigh, UnknownMember
from services.points.programme import PointsRules
from services.points.sharing import touch_earning
from services.points.states import Lot, MemberState, Purchase
from services.points.store import KnownActivity

CLOCK_AHEAD = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Found:
    """What is known of activities that others name: the lots that wait, by what earned them, and purchases."""

    lots: Mapping[str, list[Lot]] = field(default_factory=dict)
    purchases: dict[str, Purchase] = field(default_factory=dict)


class Record(Operation):
    """Records activities."""

    requests = (activity_pb2.RecordActivitiesRequest,)

    async def find(
        self, connection: asyncpg.Connection, brand: str, rules: PointsRules, requests: Sequence[Any]
    ) -> Found:
        """The lots that wait for these activities, and the purchases that they refund."""
        named = {_released(activity, rules) for request in requests for activity in request.activities} - {""}
        waiting = await store.pending_lots_of_activities(connection, brand, sorted(named)) if named else {}
        if not rules.refunds:
            return Found(waiting)
        activities = [activity for request in requests for activity in request.activities]
        return Found(waiting, await refunds.find(connection, brand, rules, activities))

    def touch(
        self,
        request: activity_pb2.RecordActivitiesRequest,
        found: Found,
        rules: PointsRules,
        touched: Touched,
    ) -> None:
        into = touched.enrolling if rules.enrols_on_first_activity else touched.members
        windowed = not rules.ladder.is_plain
        for activity in request.activities:
            into.add(activity.member)
            if windowed or activity.type in rules.subscription_types:
                touched.standing(activity.member, moment_of(activity))
            touched.activities.add(activity.id)
            touch_boosters(activity.member, rules, touched)
            if activity.type in rules.reads_members:
                touched.row(PARTICULARS, activity.member)
            if (of_type := rules.rules.get(activity.type)) is not None:
                touched.accounts.update((activity.member, currency, AVAILABLE) for currency in of_type.currencies)
                touched.accounts.update((activity.member, currency, PENDING) for currency in of_type.pending)
                if of_type.limits:
                    limits.touch(touched, of_type, activity.member, moment_of(activity), rules.zone)
            if rules.shares:
                earnable = of_type.currencies if of_type is not None else ()
                touch_earning(touched, rules, activity.member, earnable, activity.type, moment_of(activity))
            for lot in found.lots.get(_released(activity, rules), ()):
                pending.touch_lot(lot, touched)
                touch_earning(touched, rules, lot.member, (lot.currency,), "", touched.now)
            if rules.refunds:
                refunds.touch(activity, found.purchases, rules, touched)

    def decide(self, book: Book, request: activity_pb2.RecordActivitiesRequest) -> Any:
        digests = self._check(book, request.activities)
        response = activity_pb2.RecordActivitiesResponse()
        for activity, content in zip(request.activities, digests, strict=True):
            known = book.activities.get(activity.id)
            if known is None:
                response.accepted += 1
                earned = self._record(book, activity, content)
            else:
                response.duplicates += 1
                earned = known.earned
            result = response.results.add()
            result.id, result.duplicate = activity.id, known is not None
            for currency, amount in earned.items():
                one = result.earned.add()
                one.currency, one.amount = currency, amount
        return response

    def _check(self, book: Book, activities: Sequence[activity_pb2.Activity]) -> list[bytes]:
        """The activities' digests, or a refusal of all of them."""
        rules = book.rules
        violations: list[FieldViolation] = []
        digests: list[bytes] = []
        latest = book.now + CLOCK_AHEAD
        seen: dict[str, bytes] = {}
        for place, activity in enumerate(activities):
            content = digest(activity)
            digests.append(content)
            known = book.activities.get(activity.id)
            before = known.digest if known is not None else seen.setdefault(activity.id, content)
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
            if activity.type in rules.refunds:
                violations.extend(refunds.violations(book, activity, f"activities[{place}]"))
            if moment_of(activity) > latest:
                detail = "is more than five minutes ahead of the clock"
                violations.append(FieldViolation(f"activities[{place}].occurred_at", detail))
            book.check_not_erased(activity.member)
            if not rules.enrols_on_first_activity and not book.is_enrolled(activity.member):
                raise UnknownMember(activity.member)
        if violations:
            raise InvalidArgument.of(violations[:100])
        return digests

    def _record(self, book: Book, activity: activity_pb2.Activity, content: bytes) -> dict[str, int]:
        rules = book.rules
        moment = moment_of(activity)
        member = book.members[activity.member]
        enrolled = book.join(member, moment)
        attributes = rules.schemas[activity.type].attribute_values(activity.attributes)
        book.settle_tier(member, moment)
        # What the rules award, as the member's boosters multiply it at the activity's moment.
        awards = boosted(book, member.member, moment, _awards(book, activity, member, moment))
        if rules.referral is not None:
            referrals.complete(book, rules.referral, activity, member, moment)
        if activity.type not in member.seen_types:
            member.seen_types.add(activity.type)
            book.change_member(member)
        earned: dict[str, int] = {}
        waits: dict[str, int] = {}
        limited = rules.rules[activity.type].limits if awards else {}
        for award in awards:
            gave = _give(book, activity, award, moment, waits, limited.get(award.rule))
            if gave:
                earned[award.currency] = earned.get(award.currency, 0) + gave
        _release(book, activity, moment)
        if activity.type in rules.refunds:
            refunds.apply(book, activity, moment)
        if member.member in book.standings.rows:
            book.standings.count(book, member, activity, moment)
            book.standings.hear(book, member, activity, moment)
        book.move_tier(member, moment)
        event = ActivityRecorded()
        event.activity.CopyFrom(activity)
        event.programme_version, event.tier, event.enrolled = book.version, member.tier, enrolled
        event.recorded_at.CopyFrom(book.stamp)
        for currency, amount in earned.items():
            one = event.earned.add()
            one.currency, one.amount, one.pending = currency, amount, waits.get(currency, 0)
            one.balance = book.balance(member.member, currency)
        book.tell(member.member, event)
        if activity.type in rules.refunded:
            refunds.note(book, activity, awards, moment)
            book.move_tier(member, moment)
        book.activities[activity.id] = KnownActivity(content, earned, activity.member, activity.type)
        book.add(
            store.add_activities,
            (activity.id, activity.member, activity.type, moment, attributes, content, earned, book.version),
        )
        return earned


def _awards(book: Book, activity: activity_pb2.Activity, member: MemberState, moment: datetime) -> list[Award]:
    of_type = book.rules.rules.get(activity.type)
    if of_type is None:
        return []
    variables: dict[str, Any] = {
        "member.id": member.member,
        "member.tier": member.tier,
        "member.is_first_activity": activity.type not in member.seen_types,
        "member.segments": sorted(member.segments),
        **book.rules.tier_flags.get(member.tier, {}),
    }
    if of_type.reads_clock:
        local = moment.astimezone(book.rules.zone)
        variables |= {"activity.hour": local.hour, "activity.weekday": local.isoweekday()}
    if activity.type in book.rules.reads_members:
        known = book.row(PARTICULARS, member.member)
        variables |= book.rules.members.values(known.attributes if known is not None else {})
    paused = limits.paused(book, of_type) if of_type.budgets else ()
    return of_type.awards(activity, variables, book.rule_failed, moment, paused)


def _give(
    book: Book,
    activity: activity_pb2.Activity,
    award: Award,
    moment: datetime,
    waits: dict[str, int],
    bounds: Sequence[Limit] | None,
) -> int:
    """Credits what the limits leave of an award, at once or as a lot that waits; how much that was."""
    if bounds is not None:
        amount = limits.cut(book, award, bounds, activity.member, moment)
        if not amount:
            return 0
        award = replace(award, amount=amount)
    wallet = book.wallet(activity.member, award.currency)
    policy = book.rules.pending.get(award.rule)
    target = wallet if policy is None else book.wallet(activity.member, award.currency, PENDING)
    try:
        book.check_issue(target, award.amount)
    except BalanceTooHigh as error:
        book.rule_failed(award.rule, error.detail)
        return 0
    if bounds is not None:
        limits.count(book, award, bounds, activity.member, moment)
    key = f"activity:{activity.id}:{award.rule}"
    particulars: dict[str, Any] = {"key": key, "reference": award.rule, "occurred_at": moment}
    if policy is None:
        book.issue(wallet, award.amount, kind=points_pb2.ENTRY_KIND_EARN, **particulars)
        if award.currency in book.rules.groups.pooled:
            earned = (activity.member, award.currency, award.amount)
            group_wallets.pool(book, *earned, source=key, reference=award.rule, at=moment)
        return award.amount
    wallet.earned += award.amount
    book.keep_account(wallet)
    book.move(
        book.accounts[PROGRAMME, award.currency, ISSUED],
        target,
        award.amount,
        kind=points_pb2.ENTRY_KIND_PENDING,
        **particulars,
    )
    waits[award.currency] = waits.get(award.currency, 0) + award.amount
    lot = Lot(
        lot=pending.lot_id(key),
        member=activity.member,
        currency=award.currency,
        amount=award.amount,
        state=pending.WAITING,
        changes=0,
        reference=award.rule,
        activity=activity.id,
        occurred_at=moment,
        activates_at=lots.activation_of(policy, moment, book.rules.zone),
        until_type=policy.until_activity.activity_type,
    )
    book.put(pending.LOTS, lot.lot, lot)
    return award.amount


def _released(activity: activity_pb2.Activity, rules: PointsRules) -> str:
    """The activity whose points this one releases; empty when none."""
    attribute = rules.releasing.get(activity.type)
    if attribute is None or attribute not in activity.attributes.fields:
        return ""
    return activity.attributes.fields[attribute].string_value


def _release(book: Book, activity: activity_pb2.Activity, moment: datetime) -> None:
    """Makes available what waited for this activity; of the same member's only."""
    released = _released(activity, book.rules)
    if not released:
        return
    for lot in book.rows(pending.LOTS):
        waited = lot.activity == released and lot.until_type == activity.type and lot.state == pending.WAITING
        if waited and lot.member == activity.member:
            pending.activate(book, lot, moment)
