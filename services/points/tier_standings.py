"""Members' standings within one transaction: what counts, what is due, and the tier that follows.

Only members whose tier is more than what they ever earned in one currency have
one loaded. Whatever was due by a moment is decided before anything that
happened then.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import asyncpg

from laurels.activity.v1.activity_pb2 import Activity
from laurels.points.v1 import events_pb2, tiers_events_pb2, tiers_pb2
from services.points.ledger import AVAILABLE, Account
from services.points.states import MemberState
from services.points.store import AccountKey, tiers
from services.points.store.tiers import Act, Subscription
from services.points.tier_ladder import EVER, Ladder, Standing, highest

if TYPE_CHECKING:
    from services.points.book import Book
    from services.points.programme import PointsRules

QUALIFIED, LAPSED, TAKEN_BACK, SET_ENDED, PAID, ENDED = (
    tiers_pb2.TIER_CHANGE_REASON_QUALIFIED,
    tiers_pb2.TIER_CHANGE_REASON_LAPSED,
    tiers_pb2.TIER_CHANGE_REASON_TAKEN_BACK,
    tiers_pb2.TIER_CHANGE_REASON_SET_ENDED,
    tiers_pb2.TIER_CHANGE_REASON_SUBSCRIPTION_PAID,
    tiers_pb2.TIER_CHANGE_REASON_SUBSCRIPTION_ENDED,
)


class Standings:
    """The standings, subscriptions and buckets of a transaction's members."""

    def __init__(self) -> None:
        self.rows: dict[str, Standing] = {}
        self.known: dict[str, Act] = {}
        self.subscriptions: dict[str, dict[str, Subscription]] = {}
        self._buckets: dict[str, dict[str, dict[str, int]]] = {}
        self._loaded: dict[str, Standing] = {}
        self._added: dict[tuple[str, str, str], int] = {}
        self._taken: dict[str, dict[tuple[str, str], int]] = {}
        self._changed: dict[tuple[str, str], Subscription] = {}
        self._kept: set[str] = set()
        self._acts: list[Act] = []

    # -- loading and saving -----------------------------------------------------

    async def load(
        self,
        connection: asyncpg.Connection,
        brand: str,
        rules: "PointsRules",
        members: Mapping[str, MemberState],
        accounts: Mapping[AccountKey, Account],
        moments: Mapping[str, datetime],
    ) -> None:
        """Reads what decisions on these members from the given moments on look at."""
        names, ladder = sorted(moments), rules.ladder
        found = await tiers.standings(connection, brand, names)
        for name in names:
            state = members.get(name)
            self.rows[name] = found.get(name) or Standing(name, state.tier if state is not None else "")
        self._loaded = {name: replace(row, counted=dict(row.counted)) for name, row in self.rows.items()}
        # Those of a programme before still come to their end.
        if rules.subscriptions or any(members[name].tier_kept for name in names if name in members):
            self.subscriptions = await tiers.subscriptions(connection, brand, names)
        if not ladder.is_plain:
            await self._load_buckets(connection, brand, ladder, accounts, moments)
        for row in self.rows.values():  # by this version of the programme
            row.due_at = self._due(ladder, row)

    async def _load_buckets(
        self,
        connection: asyncpg.Connection,
        brand: str,
        ladder: Ladder,
        accounts: Mapping[AccountKey, Account],
        moments: Mapping[str, datetime],
    ) -> None:
        counted = [each for each in ladder.qualifiers if not (each.currency and each.window.is_ever)]
        wanted, before = [], []
        for name, row in self.rows.items():
            first = ladder.day(min(moments[name], row.due_at or moments[name])) - timedelta(days=1)
            for each in counted:
                wanted.append((name, each.id, each.window.bounds(first)[0]))
                wallet = accounts.get((name, each.currency, AVAILABLE))
                if wallet is None or each.id in row.counted:
                    continue
                row.counted[each.id] = wallet.earned
                if wallet.earned:
                    before.append((name, each.currency, each.window.first(first)))
        if wanted:
            self._buckets = await tiers.buckets(connection, brand, wanted)
        if before:
            earned = await tiers.earned_before(connection, brand, sorted(set(before)), ladder.zone.key)
            for name, currency, day, amount in earned:
                for each in counted:
                    if each.currency == currency and each.id not in self._loaded[name].counted:
                        self._add(name, each.id, each.window.bucket(day), amount)
            self._taken.clear()  # what was taken back long ago is not taken now

    async def save(self, connection: asyncpg.Connection, brand: str) -> None:
        if changed := [row for name, row in self.rows.items() if row != self._loaded[name]]:
            await tiers.save_standings(connection, brand, changed)
        if self._kept:
            await tiers.keep_members(connection, brand, sorted(self._kept))
        if self._added:
            await tiers.add_to_buckets(connection, brand, self._added)
        if self._changed:
            rows = [self._changed[key] for key in sorted(self._changed)]
            await tiers.save_subscriptions(connection, brand, rows)
        if self._acts:
            await tiers.add_history(connection, brand, self._acts)

    # -- what happens -------------------------------------------------------------

    def count(self, book: "Book", member: MemberState, activity: Activity, at: datetime) -> None:
        """Adds what an activity counts for to the buckets of its day."""
        of_type = book.rules.tier_counts.get(activity.type)
        if of_type is None:
            return
        ladder = book.rules.ladder
        windows = {each.id: each.window for each in ladder.qualifiers}
        for name, amount in of_type.of(activity, lambda name, why: book.rule_failed(f"tiers:{name}", why)):
            self._add(member.member, name, windows[name].bucket(ladder.day(at)), amount)

    def hear(self, book: "Book", member: MemberState, activity: Activity, at: datetime) -> None:
        """Pays or ends the subscriptions that activities of the type speak of."""
        for subscription in book.rules.subscriptions.values():
            if activity.type == subscription.paid_activity_type:
                local = at.astimezone(book.rules.zone)
                end = local.date() + timedelta(days=subscription.paid_days)
                until = datetime.combine(end, local.time(), tzinfo=book.rules.zone)
                self.pay(book, member, subscription.id, until.astimezone(UTC), at)
            elif activity.type == subscription.cancelled_activity_type:
                self.cancel(book, member, subscription.id, at)

    def move(self, book: "Book", member: MemberState, at: datetime) -> None:
        """Puts a member into the tier that follows from what counts at a moment."""
        ladder, standing = book.rules.ladder, self.rows[member.member]
        if not ladder.tiers:
            return
        self.settle(book, member, at)
        buckets = self._count_earned(book, ladder, standing, at)
        if buckets is None:
            return
        before = ladder.place(standing.earned)
        ladder.qualify(standing, buckets, at)
        if (taken := self._taken.pop(member.member, None)) is not None:
            ladder.take_back(standing, buckets, _reached_with(ladder, buckets, taken, at), at)
        standing.due_at = self._due(ladder, standing)
        self.settle(book, member, at, lapsed=TAKEN_BACK)
        self.show(book, member, at, QUALIFIED if ladder.place(standing.earned) >= before else TAKEN_BACK)

    def settle(self, book: "Book", member: MemberState, until: datetime, *, lapsed: int = LAPSED) -> int:
        """Decides, one after another, everything of a member that was due by a moment; how many things that were."""
        ladder, standing = book.rules.ladder, self.rows[member.member]
        done = 0
        while (due := standing.due_at) is not None and due <= until:
            done += 1
            reason, note = self._pass(book, ladder, standing, due, lapsed)
            standing.due_at = self._due(ladder, standing)
            self.show(book, member, due, reason, note=note)
        return done

    def _pass(self, book: "Book", ladder: Ladder, standing: Standing, due: datetime, lapsed: int) -> tuple[int, str]:
        if standing.set_until == due:
            standing.set_tier, standing.locked, standing.set_until = "", False, None
            return SET_ENDED, ""
        for subscription in self._active(standing.member):
            if subscription.paid_until == due:
                subscription.active = False
                self._keep(subscription)
                self._tell(book, subscription, due)
                return ENDED, subscription.subscription
        risk = ladder.lapse(standing, self._counts(book, ladder, standing), due)
        if risk is not None:
            told = tiers_events_pb2.TierAtRisk(
                member=standing.member,
                tier=risk.tier,
                next_tier=risk.next_tier,
                lost_at=risk.lost_at.astimezone(UTC),
                occurred_at=risk.at.astimezone(UTC),
            )
            book.tell(standing.member, told)
        return lapsed, ""

    def pay(
        self, book: "Book", member: MemberState, name: str, until: datetime, at: datetime, **asked: Any
    ) -> Subscription:
        """Has a subscription paid until a moment, unless it is for longer or was cancelled after the payment."""
        known = self.subscriptions.get(member.member, {}).get(name)
        subscription = known or Subscription(member.member, name, until, active=False)
        late = subscription.cancelled_at is not None and at < subscription.cancelled_at
        if known is None or (until > subscription.paid_until and not late):
            subscription.paid_until, subscription.active = until, True
            self.subscriptions.setdefault(member.member, {})[name] = subscription
            self._keep(subscription)
            self.keep(member)
            self._tell(book, subscription, at)
            asked["always"] = True
        self.show(book, member, at, PAID, note=name, until=subscription.paid_until, **asked)
        return subscription

    def cancel(self, book: "Book", member: MemberState, name: str, at: datetime, **asked: Any) -> Subscription | None:
        """Ends a subscription at a moment; None when the member never had it."""
        subscription = self.subscriptions.get(member.member, {}).get(name)
        if subscription is None:
            return None
        subscription.cancelled_at = max(at, subscription.cancelled_at or at)
        self._keep(subscription)
        if subscription.active:
            subscription.active, subscription.paid_until = False, min(subscription.paid_until, at)
            self._tell(book, subscription, at)
            asked["always"] = True
        self.show(book, member, at, ENDED, note=name, until=subscription.paid_until, **asked)
        return subscription

    def keep(self, member: MemberState) -> None:
        """Has the member's standing read from now on, whatever the ladder."""
        if not member.tier_kept:
            member.tier_kept = True
            self._kept.add(member.member)

    def show(
        self,
        book: "Book",
        member: MemberState,
        at: datetime,
        reason: int,
        *,
        note: str = "",
        by: str = "",
        until: datetime | None = None,
        key: str | None = None,
        digest: bytes | None = None,
        always: bool = False,
    ) -> Act | None:
        """Puts a member into the tier that their standing gives, and tells and notes it when it is another."""
        ladder, standing = book.rules.ladder, self.rows[member.member]
        given = [
            book.rules.subscriptions[each.subscription].tier
            for each in self._active(member.member)
            if each.subscription in book.rules.subscriptions
        ]
        tier = highest(ladder, standing, given) if ladder.tiers else member.tier
        if tier == member.tier and not always:
            return None
        standing.due_at = self._due(ladder, standing)
        act = Act(member.member, member.tier, tier, reason, note, by, until, at, key, digest)
        self.note(act)
        if tier != member.tier:
            book.tell(member.member, changed(act))
            member.tier = tier
            book.change_member(member)
        return act

    def note(self, act: Act) -> None:
        """Adds to the history."""
        self._acts.append(act)
        if act.key is not None:
            self.known[act.key] = act

    # -- what they rest on --------------------------------------------------------

    def _count_earned(
        self, book: "Book", ladder: Ladder, standing: Standing, at: datetime
    ) -> Mapping[str, Mapping[str, int]] | None:
        """All that counts, once what was earned or taken back since is in it; None when that cannot be known."""
        for each in ladder.qualifiers:
            if not each.currency:
                continue
            wallet = book.accounts.get((standing.member, each.currency, AVAILABLE))
            if wallet is None:
                return None
            if not each.window.is_ever and (more := wallet.earned - standing.counted.get(each.id, 0)):
                standing.counted[each.id] = wallet.earned
                self._add(standing.member, each.id, each.window.bucket(ladder.day(at)), more)
        return self._counts(book, ladder, standing)

    def _counts(self, book: "Book", ladder: Ladder, standing: Standing) -> Mapping[str, Mapping[str, int]]:
        """All that counts, by qualifier and bucket; what was ever earned is read off the wallet."""
        found: dict[str, Mapping[str, int]] = dict(self._buckets.get(standing.member, {}))
        for each in ladder.qualifiers:
            wallet = book.accounts.get((standing.member, each.currency, AVAILABLE))
            if each.currency and each.window.is_ever and wallet is not None:
                found[each.id] = {EVER: wallet.earned}
        return found

    def _add(self, member: str, qualifier: str, bucket: str, amount: int) -> None:
        held = self._buckets.setdefault(member, {}).setdefault(qualifier, {})
        held[bucket] = held.get(bucket, 0) + amount
        key = (member, qualifier, bucket)
        self._added[key] = self._added.get(key, 0) + amount
        if amount < 0:
            taken = self._taken.setdefault(member, {})
            taken[qualifier, bucket] = taken.get((qualifier, bucket), 0) - amount

    def _active(self, member: str) -> Sequence[Subscription]:
        return [row for row in self.subscriptions.get(member, {}).values() if row.active]

    def _due(self, ladder: Ladder, standing: Standing) -> datetime | None:
        ends = [each.paid_until for each in self._active(standing.member)]
        ends += [due for due in (standing.set_until, ladder.due(standing)) if due is not None]
        return min(ends, default=None)

    def _keep(self, subscription: Subscription) -> None:
        self._changed[subscription.member, subscription.subscription] = subscription

    @staticmethod
    def _tell(book: "Book", subscription: Subscription, at: datetime) -> None:
        declared = book.rules.subscriptions.get(subscription.subscription)
        told = tiers_events_pb2.SubscriptionChanged(
            member=subscription.member,
            subscription=subscription.subscription,
            tier=declared.tier if declared is not None else "",
            paid_until=subscription.paid_until.astimezone(UTC),
            active=subscription.active,
            occurred_at=at.astimezone(UTC),
        )
        book.tell(subscription.member, told)


def _reached_with(
    ladder: Ladder, buckets: Mapping[str, Mapping[str, int]], taken: Mapping[tuple[str, str], int], at: datetime
) -> int:
    """The place that the windows would reach had nothing been taken."""
    found = {name: dict(of_it) for name, of_it in buckets.items()}
    for (name, bucket), amount in taken.items():
        found[name][bucket] += amount
    return ladder.reached_on(ladder.tallies(found), ladder.day(at))


def changed(act: Act) -> events_pb2.TierChanged:
    """What is told of a change."""
    return events_pb2.TierChanged(
        member=act.member,
        from_tier=act.from_tier,
        to_tier=act.to_tier,
        occurred_at=act.occurred_at.astimezone(UTC),
        reason=act.reason,  # type: ignore[arg-type]
    )
