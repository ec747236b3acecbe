"""A refund takes back what its purchase earned, in proportion to how much of the purchase is refunded by then.

The share is reckoned on all refunds of the purchase together and rounded down,
less what the ones before had: refunds that together are the whole take back
exactly everything, and never more. What is pending is taken before what is
available; what was pooled of it comes back from the groups' wallets, as far as
they have it, before the member's own is taken. What the policy does not let be
taken is forgone.

It does not matter which arrives first. A refund whose purchase is not known is
kept, and takes its share as soon as the purchase is recorded.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import asyncpg

from chassis.book import Kind
from chassis.errors import FailedPrecondition, FieldViolation
from laurels.activity.v1.activity_pb2 import Activity
from laurels.points.v1 import earning_events_pb2, points_pb2
from laurels.points.v1 import programme_earning_pb2 as pb
from services.points import group_wallets, lots, pending, store
from services.points.book import Book, Moved, Touched
from services.points.earning import Award
from services.points.groups import PLACES, wallet_of
from services.points.ledger import AVAILABLE, BALANCE_MAX, ISSUED, PENDING, PROGRAMME, Account
from services.points.lots import Part
from services.points.programme import PointsRules
from services.points.states import Awarded, Lot, Purchase, Refund
from services.points.store import earning as statements
from services.points.store import groups

RefundKey = tuple[str, str]
"""The purchase's activity id, and the member."""
# The member's lock guards them, also before there is a row.
REFUNDS: Kind[RefundKey, Refund] = Kind("refunds", 45, statements.lock_refunds, statements.save_refunds)


async def _save_nothing(_connection: asyncpg.Connection, _brand: str, _rows: Sequence[Any]) -> None:
    """Reversals are entries, which are appended by whoever makes them."""


# Read after the wallets are locked: an award that was reversed before then is not taken back again.
REVERSALS: Kind[str, Any] = Kind("reversals", 44, store.known_entries, _save_nothing)


class AlreadyRefunded(FailedPrecondition):
    """A refund of the purchase took back what the entry gave, or a part of it."""

    code = "already_refunded"

    def __init__(self, entry: int) -> None:
        super().__init__(f"A refund took back what the transfer {entry} gave.")


async def find(
    connection: asyncpg.Connection, brand: str, rules: PointsRules, activities: Sequence[Activity]
) -> dict[str, Purchase]:
    """The purchases that refunds among the activities name and that are recorded, with what they were given."""
    named = {purchase_of(activity, rules) for activity in activities if activity.type in rules.refunds} - {""}
    if not named:
        return {}
    found = await statements.purchases(connection, brand, sorted(named))
    keys = [f"activity:{purchase.id}:{rule}" for purchase in found.values() for rule in purchase.rules]
    entries = await store.known_entries(connection, brand, keys) if keys else {}
    for purchase in found.values():
        given = (entries.get(f"activity:{purchase.id}:{rule}") for rule in purchase.rules)
        purchase.awards = [
            Awarded(
                entry["key"],
                entry["currency"],
                entry["amount"],
                entry["kind"] == points_pb2.ENTRY_KIND_PENDING,
                entry["id"],
            )
            for entry in given
            if entry is not None
        ]
    await _find_pooled(connection, brand, list(found.values()))
    return found


async def _find_pooled(connection: asyncpg.Connection, brand: str, purchases: Sequence[Purchase]) -> None:
    """What of the awards went to the groups that their members are or were in."""
    places = await groups.places(connection, brand, sorted({purchase.member for purchase in purchases}))
    wanted: dict[str, tuple[Awarded, str]] = {}
    for purchase in purchases:
        of_member = places.get(purchase.member)
        for award in purchase.awards:
            for group in of_member.by_group if of_member is not None else ():
                wanted[_pool_key(award, group)] = (award, group)
            if award.waited:
                wanted[_source(award)] = (award, "")
    entries = await store.known_entries(connection, brand, sorted(wanted)) if wanted else {}
    for key, entry in entries.items():
        award, group = wanted[key]
        if group:
            award.pooled[group] = entry["amount"]
        else:
            award.activated = True


def _source(award: Awarded) -> str:
    """The key of the entry by which an award became available."""
    return f"activate:{pending.lot_id(award.key)}" if award.waited else award.key


def _pool_key(award: Awarded, group: str) -> str:
    return group_wallets.pool_key(_source(award), group)


def purchase_of(activity: Activity, rules: PointsRules) -> str:
    """The purchase that a refund names; empty when it is not well-formed."""
    present, name = activity.attributes.fields, rules.refunds[activity.type].purchase
    return present[name].string_value if name in present else ""


def touch(activity: Activity, found: dict[str, Purchase], rules: PointsRules, touched: Touched) -> None:
    """What a purchase that may be refunded, or a refund, touches."""
    if activity.type in rules.refunded:
        touched.row(REFUNDS, (activity.id, activity.member))
    if activity.type not in rules.refunds:
        return
    named = purchase_of(activity, rules)
    touched.row(REFUNDS, (named, activity.member))
    touched.activities.add(named)
    purchase = found.get(named)
    if purchase is None:
        # It may be recorded in this transaction, before the refund is.
        of_type = rules.rules.get(rules.refunds[activity.type].purchase_type)
        for currency in of_type.currencies if of_type is not None else ():
            touched.wallet(activity.member, currency, BALANCE_MAX)
        return
    touched.purchases[named] = purchase
    if purchase.member != activity.member:
        return
    for award in purchase.awards:
        # All lots of the wallet are read: the purchase's own may be any of them.
        touched.wallet(activity.member, award.currency, BALANCE_MAX)
        touched.row(REVERSALS, f"reverse:{award.entry}")
        if award.waited:
            touched.accounts.add((activity.member, award.currency, PENDING))
            touched.row(pending.LOTS, pending.lot_id(award.key))
        for group in award.pooled:
            touched.wallet(wallet_of(group), award.currency, BALANCE_MAX)


def violations(book: Book, activity: Activity, path: str) -> Iterator[FieldViolation]:
    """What is wrong with a refund whose attributes are of their kinds."""
    rule = book.rules.refunds.get(activity.type)
    if rule is None or rule.amount not in activity.attributes.fields:
        return
    if activity.attributes.fields[rule.amount].number_value < 1:
        yield FieldViolation(f"{path}.attributes.{rule.amount}", "is less than 1")
    known = book.activities.get(purchase_of(activity, book.rules))
    if known is not None and (known.member != activity.member or known.type != rule.purchase_type):
        detail = f"names an activity that is not a {rule.purchase_type!r} of this member"
        yield FieldViolation(f"{path}.attributes.{rule.purchase}", detail)


def note(book: Book, activity: Activity, awarded: Sequence[Award], moment: datetime) -> None:
    """Keeps in mind what a purchase was given, and takes the share of refunds that arrived before it."""
    rules = book.rules
    awards = [
        Awarded(entry.key, award.currency, entry.amount, entry.kind == points_pb2.ENTRY_KIND_PENDING)
        for award in awarded
        if (entry := book.entries.get(f"activity:{activity.id}:{award.rule}")) is not None
    ]
    attributes = rules.schemas[activity.type].attribute_values(activity.attributes)
    places = book.row(PLACES, activity.member)
    for award in awards:
        for group in places.by_group if places is not None and not award.waited else ():
            if (pooled := book.entries.get(_pool_key(award, group))) is not None:
                award.pooled[group] = pooled.amount
    purchase = Purchase(activity.id, activity.member, activity.type, moment, attributes, awards=awards)
    book.purchases[activity.id] = purchase
    refund = book.row(REFUNDS, (activity.id, activity.member))
    if refund is None:
        return
    _settle(book, refund, purchase, rules.refunded[activity.type], 0, moment)


def apply(book: Book, activity: Activity, moment: datetime) -> None:
    """Takes the share of a refund, when its purchase is known; else keeps it."""
    rule = book.rules.refunds[activity.type]
    named = purchase_of(activity, book.rules)
    refund = book.row(REFUNDS, (named, activity.member)) or Refund(named, activity.member, activity.id)
    before, refund.refund = refund.refunded, activity.id
    refund.refunded = min(BALANCE_MAX, refund.refunded + int(activity.attributes.fields[rule.amount].number_value))
    book.put(REFUNDS, (named, activity.member), refund)
    known = book.activities.get(named)
    if known is None or known.member != activity.member or known.type != rule.purchase_type:
        return
    purchase = book.purchases.get(named)
    if purchase is None:
        raise asyncpg.SerializationError("the purchase was recorded after it was looked for")
    _settle(book, refund, purchase, rule, before, moment)


def due(base: int, refunded: int, total: int) -> int:
    """The share of what a purchase was given that refunds of so much of its total take back, rounded down.

    A purchase without a total is refunded whole by any refund.

    >>> [due(100, refunded, 3) for refunded in (1, 2, 3, 4)], due(100, 1, 0)
    ([33, 66, 100, 100], 100)
    """
    return base if refunded >= total else base * refunded // total


def _settle(book: Book, refund: Refund, purchase: Purchase, rule: pb.RefundRule, before: int, at: datetime) -> None:
    """Takes the share of what is refunded beyond `before`, whose share was taken."""
    total = refund.total = max(0, int(purchase.attributes.get(rule.total, 0)))
    told = earning_events_pb2.PointsRefunded(
        member=refund.member,
        purchase=refund.purchase,
        refund=refund.refund,
        refunded=min(refund.refunded, total),
        total=total,
        occurred_at=at,
        programme_version=book.version,
    )
    for currency in sorted({award.currency for award in purchase.awards}):
        awards = [award for award in purchase.awards if award.currency == currency]
        waiting = [lot for award in awards if (lot := _lot(book, award)) is not None and lot.state == pending.WAITING]
        base = refund.pending.get(currency, 0) + sum(_kept(book, award) for award in awards)
        share = due(base, refund.refunded, total) - refund.due.get(currency, 0)
        if share <= 0:
            continue
        from_pending = _take_pending(book, refund, waiting, share, at)
        from_available = 0
        if rule.policy != pb.REFUND_POLICY_PENDING_ONLY:
            _take_pooled(book, refund, purchase, awards, before, share - from_pending, at)
            lowest = rule.policy == pb.REFUND_POLICY_INTO_NEGATIVE
            from_available = _take_available(book, refund, purchase, currency, share - from_pending, lowest, at)
        for taken, amount in ((refund.due, share), (refund.pending, from_pending), (refund.available, from_available)):
            taken[currency] = taken.get(currency, 0) + amount
        told.taken.add(
            currency=currency,
            due=share,
            pending=from_pending,
            available=from_available,
            balance=book.balance(refund.member, currency),
        )
    book.put(REFUNDS, (refund.purchase, refund.member), refund)
    book.tell(refund.member, told)


def _lot(book: Book, award: Awarded) -> Lot | None:
    return book.row(pending.LOTS, pending.lot_id(award.key)) if award.waited else None


def _kept(book: Book, award: Awarded) -> int:
    """What is left of an award, but for what refunds took of it: not what was cancelled, changed or reversed."""
    if award.waited:
        lot = _lot(book, award)
        return lot.amount if lot is not None and lot.state != pending.CANCELLED else 0
    reversal = f"reverse:{award.entry}"
    return 0 if book.row(REVERSALS, reversal) is not None or reversal in book.entries else award.amount


def key_of_award(award: Any) -> RefundKey:
    """Under what the refunds of the purchase are kept that an entry of kind EARN was given for."""
    purchase = award["key"].removeprefix("activity:").removesuffix(f":{award['reference']}")
    return purchase, award["credit_owner"]


def check_reversal(book: Book, award: Any) -> None:
    """Raises AlreadyRefunded where a refund took its share of an entry of kind EARN."""
    refund = book.row(REFUNDS, key_of_award(award))
    if refund is not None and refund.due.get(award["currency"]):
        raise AlreadyRefunded(award["id"])


def _take_pending(book: Book, refund: Refund, waiting: Sequence[Lot], share: int, at: datetime) -> int:
    taken = 0
    for lot in waiting:
        part = min(lot.amount, share - taken)
        if not part:
            break
        pending.take(
            book,
            lot,
            part,
            key=f"refund_pending:{refund.refund}:{lot.lot}",
            kind=points_pb2.ENTRY_KIND_REFUND,
            reference=refund.purchase,
            at=at,
        )
        taken += part
    return taken


def _take_available(
    book: Book, refund: Refund, purchase: Purchase, currency: str, wanted: int, into_negative: bool, at: datetime
) -> int:
    wallet = book.wallet(refund.member, currency, AVAILABLE)
    lowest = (wallet.floor or 0) if into_negative else 0
    amount = min(wanted, max(0, wallet.balance - lowest))
    if not amount:
        return 0
    wallet.earned -= amount
    book.move(
        wallet,
        book.accounts[PROGRAMME, currency, ISSUED],
        amount,
        key=f"refund:{refund.refund}:{currency}",
        kind=points_pb2.ENTRY_KIND_REFUND,
        reference=refund.purchase,
        occurred_at=at,
        parts=_parts(book, wallet, amount, purchase),
    )
    return amount


def _take_pooled(
    book: Book, refund: Refund, purchase: Purchase, awards: Sequence[Awarded], before: int, most: int, at: datetime
) -> None:
    """Gives the member back what groups have of the share of awards that was pooled."""
    pooled: dict[str, int] = {}
    for award in awards:
        lot = _lot(book, award)
        if lot is not None and lot.state == pending.ACTIVATED and award.entry and not award.activated:
            raise Moved(f"the lot {lot.lot} was activated just now")
        if _kept(book, award):
            for group, amount in award.pooled.items():
                pooled[group] = pooled.get(group, 0) + amount
    total = refund.total or 0
    for group, amount in sorted(pooled.items()):
        wallet = book.wallet(wallet_of(group), awards[0].currency)
        share = due(amount, refund.refunded, total) - (due(amount, before, total) if before else 0)
        share = min(share, most, max(0, wallet.balance))
        if share <= 0:
            continue
        most -= share
        own = book.wallet(refund.member, wallet.currency)
        kind = points_pb2.ENTRY_KIND_GROUP_SHARE
        book.move(
            wallet,
            own,
            share,
            key=f"unpool:{refund.refund}:{wallet.currency}:{group}",
            kind=kind,
            reference=refund.purchase,
            occurred_at=at,
            parts=_parts(book, wallet, share, purchase),
        )
        book.tell_group(wallet, -share, kind, refund.purchase, at, refund.member, own.balance)


def _parts(book: Book, wallet: Account, amount: int, purchase: Purchase) -> list[Part] | None:
    """The lots that the points leave: the one that the purchase's went into, then those that expire soonest."""
    if wallet.lots is None:
        return None
    expires_at = lots.expiry_of(book.rules.expiries[wallet.currency], purchase.occurred_at, book.rules.zone)
    own_first = sorted(wallet.lots, key=lambda part: (part[0] != expires_at, part[0]))
    return sorted(lots.take(own_first, amount))
