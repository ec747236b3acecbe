"""What managers and back ends say of a member's tier, and what is due of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from chassis.answers import digest
from chassis.errors import FieldViolation, IdempotencyConflict, InvalidArgument, NotFound
from laurels.points.v1 import tiers_pb2
from services.points.book import Book, Operation, Touched
from services.points.programme import PointsRules
from services.points.store.tiers import Act, Subscription


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, and who makes it."""

    request: Any
    by: str


@dataclass(frozen=True, slots=True)
class DueTiers:
    """Members of whose tier something is due by `until`, each with the moment at which it was."""

    members: Sequence[tuple[str, datetime]]
    until: datetime


class UnknownTier(NotFound):
    """The programme has no such tier."""

    code = "unknown_tier"

    def __init__(self, tier: str) -> None:
        super().__init__(f"The programme has no tier {tier!r}.")


class UnknownSubscription(NotFound):
    """The programme has no such subscription, or the member never had it."""

    code = "unknown_subscription"

    def __init__(self, subscription: str) -> None:
        super().__init__(f"There is no subscription {subscription!r}.")


class AskTier(Operation):
    """Sets tiers, and pays and cancels subscriptions."""

    requests = (Asked,)

    def touch(self, request: Asked, found: None, rules: PointsRules, touched: Touched) -> None:
        asked = request.request
        touched.members.add(asked.member)
        touched.standings.add(asked.member)
        touched.acts.add(_key(asked))

    def decide(self, book: Book, request: Asked) -> Any:
        asked = request.request
        known = book.standings.known.get(_key(asked))
        if known is not None:
            if known.digest != digest(asked):
                raise IdempotencyConflict(f"The key {asked.idempotency_key!r} was used for another request.")
            return _answered(book, asked, known)
        book.member(asked.member)
        particulars = {"by": request.by, "key": _key(asked), "digest": digest(asked), "always": True}
        match asked:
            case tiers_pb2.SetMemberTierRequest():
                self._set(book, asked, particulars)
            case tiers_pb2.PaySubscriptionRequest():
                self._pay(book, asked, particulars)
            case _:
                self._cancel(book, asked, particulars)
        return _answered(book, asked, book.standings.known[_key(asked)])

    @staticmethod
    def _set(book: Book, asked: tiers_pb2.SetMemberTierRequest, particulars: dict[str, Any]) -> None:
        member = book.member(asked.member)
        if not book.rules.tiers or (asked.tier and asked.tier not in book.rules.tiers):
            raise UnknownTier(asked.tier)
        until = _ahead(book, "until", asked.until) if asked.HasField("until") else None
        book.settle_tier(member, book.now)
        standing = book.standings.rows[asked.member]
        standing.set_tier, standing.locked, standing.set_until = asked.tier, asked.locked, until
        book.standings.keep(member)
        reason = tiers_pb2.TIER_CHANGE_REASON_SET
        book.standings.show(book, member, book.now, reason, note=asked.reason, until=until, **particulars)

    @staticmethod
    def _pay(book: Book, asked: tiers_pb2.PaySubscriptionRequest, particulars: dict[str, Any]) -> None:
        member = book.member(asked.member)
        if asked.subscription not in book.rules.subscriptions:
            raise UnknownSubscription(asked.subscription)
        until = _ahead(book, "paid_until", asked.paid_until)
        book.settle_tier(member, book.now)
        book.standings.pay(book, member, asked.subscription, until, book.now, **particulars)

    @staticmethod
    def _cancel(book: Book, asked: tiers_pb2.CancelSubscriptionRequest, particulars: dict[str, Any]) -> None:
        member = book.member(asked.member)
        if asked.subscription not in book.standings.subscriptions.get(asked.member, {}):
            raise UnknownSubscription(asked.subscription)
        book.settle_tier(member, book.now)
        book.standings.cancel(book, member, asked.subscription, book.now, **particulars)


class PassTime(Operation):
    """Decides what is due of members' tiers."""

    requests = (DueTiers,)

    def touch(self, request: DueTiers, found: None, rules: PointsRules, touched: Touched) -> None:
        for member, due_at in request.members:
            touched.members.add(member)
            touched.standing(member, due_at)

    def decide(self, book: Book, request: DueTiers) -> int:
        done = 0
        for name, _ in request.members:
            if (member := book.members.get(name)) is not None:
                done += book.standings.settle(book, member, request.until)
        return done


def _ahead(book: Book, field: str, moment: Any) -> datetime:
    found: datetime = moment.ToDatetime(tzinfo=UTC)
    if found <= book.now:
        raise InvalidArgument.of([FieldViolation(field, "is not ahead of the clock")])
    return found


def _key(asked: Any) -> str:
    """The key in the history; its prefix keeps requests of different kinds apart."""
    match asked:
        case tiers_pb2.SetMemberTierRequest():
            return f"set:{asked.idempotency_key}"
        case tiers_pb2.PaySubscriptionRequest():
            return f"pay:{asked.idempotency_key}"
    return f"cancel:{asked.idempotency_key}"


def _answered(book: Book, asked: Any, act: Act) -> Any:
    """The answer, from what was noted when it was first asked for."""
    if isinstance(asked, tiers_pb2.SetMemberTierRequest):
        return tiers_pb2.SetMemberTierResponse(tier=act.to_tier, from_tier=act.from_tier)
    paid = isinstance(asked, tiers_pb2.PaySubscriptionRequest)
    assert act.until is not None  # noqa: S101 - every payment and cancellation notes it
    subscription = shown(book.rules, Subscription(asked.member, asked.subscription, act.until, active=paid))
    kind = tiers_pb2.PaySubscriptionResponse if paid else tiers_pb2.CancelSubscriptionResponse
    return kind(subscription=subscription, tier=act.to_tier)


def shown(rules: PointsRules, subscription: Subscription) -> tiers_pb2.MemberSubscription:
    """A subscription as callers see it."""
    declared = rules.subscriptions.get(subscription.subscription)
    return tiers_pb2.MemberSubscription(
        subscription=subscription.subscription,
        tier=declared.tier if declared is not None else "",
        paid_until=subscription.paid_until.astimezone(UTC),
        active=subscription.active,
    )
