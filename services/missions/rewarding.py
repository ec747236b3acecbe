"""What finishing a mission gives: once a member, mission and run, by itself, on claim, and within its limits."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from chassis.book import Kind
from laurels.missions.v1 import programme_pb2 as pb
from laurels.missions.v1.events_pb2 import MissionCompleted
from laurels.value.v1.events_pb2 import GRANT_REASON_MISSION, Grant, RewardGranted
from services.missions.book import Book
from services.missions.fold import Done, MissionRule
from services.missions.store import journal as store
from services.missions.store.journal import CLAIMABLE, DUE, EXHAUSTED, PAID, Completion, CompletionKey, Counter

COMPLETIONS: Kind[CompletionKey, Completion] = Kind("completions", 30, store.lock_completions, store.save_completions)
# Last of all locks, since all members of a mission wait for it.
COUNTERS: Kind[str, Counter] = Kind("limits of missions", 95, store.lock_counters, store.save_counters)

OWN = ("badge", "mission")
"""The kinds of grants that missions applies itself."""


def key_of(completion: Completion) -> str:
    """What makes a completion's reward be given once."""
    key = f"mission:{completion.mission}:{completion.member}"
    return f"{key}:{completion.run}" if completion.run else key


def complete(book: Book, completion: Completion, done: Done, *, again: bool) -> None:
    """Notes a completion and tells of it; gives what is given by itself.

    `again` is one that had been taken away: what became of its reward stays.
    """
    rule = done.rule
    if not again:
        completion.state = _first_state(rule, done)
    if rule.claim_within:
        completion.claim_until = completion.completed_at + timedelta(microseconds=rule.claim_within)
    book.put(COMPLETIONS, completion.key, completion)
    told = MissionCompleted(
        member=completion.member,
        mission=rule.id,
        completed_at=completion.completed_at,
        programme_version=done.version,
        run=completion.run,
    )
    stated = rule.rewards[0] if rule.rewards and rule.rewards[0].HasField("points") else None
    if stated is not None:
        told.reward.CopyFrom(pb.MissionReward(currency=stated.points.currency, amount=stated.points.amount))
    book.tell(completion.member, told)
    for badge in rule.gives:
        key = f"{key_of(completion)}:{badge}"
        book.give_badge(completion.member, badge, key, completion.completed_at, cause=rule.id)
    if completion.state == PAID and not again:
        completion.settled_at = book.now
        tell(
            book,
            done.version,
            completion.member,
            key_of(completion),
            rule.rewards,
            GRANT_REASON_MISSION,
            rule.id,
            completion.completed_at,
        )


def _first_state(rule: MissionRule, done: Done) -> str:
    if rule.times_a_member and done.times > rule.times_a_member:
        return EXHAUSTED
    if rule.claiming:
        return CLAIMABLE
    return DUE if rule.times or rule.budget else PAID


def tell(
    book: Book,
    version: int,
    member: str,
    key: str,
    grants: Iterable[Grant],
    reason: int,
    reference: str,
    at: datetime,
) -> None:
    """Tells those that own them of grants; nothing where missions owns all."""
    others = [grant for grant in grants if grant.WhichOneof("kind") not in OWN]
    if others:
        told = RewardGranted(
            key=key,
            member=member,
            grants=others,
            reason=reason,  # type: ignore[arg-type]
            reference=reference,
            occurred_at=at,
            programme_version=version,
        )
        book.tell(member, told)


def counters_of(rule: MissionRule) -> list[str]:
    """The names of the counters that bound a mission for all members together."""
    return [f"times:{rule.id}"] * bool(rule.times) + [f"budget:{rule.id}"] * bool(rule.budget)


def is_within(book: Book, rule: MissionRule) -> bool:
    """Whether a mission's limits leave one more reward. Its counters were touched."""
    if rule.times and _used(book, f"times:{rule.id}") >= rule.times:
        return False
    return not rule.budget or _used(book, f"budget:{rule.id}") + cost(rule) <= rule.budget


def take(book: Book, rule: MissionRule) -> None:
    """Counts one reward on the mission's limits."""
    for name in counters_of(rule):
        counter = book.row(COUNTERS, name)
        if counter is not None:
            counter.value += cost(rule) if name.startswith("budget:") else 1
            book.put(COUNTERS, name, counter)


def cost(rule: MissionRule) -> int:
    """What one reward takes of the budget, in its currency's minor units."""
    return sum(grant.points.amount for grant in rule.rewards if grant.points.currency == rule.budget_currency)


def _used(book: Book, name: str) -> int:
    counter = book.row(COUNTERS, name)
    return counter.value if counter is not None else 0
