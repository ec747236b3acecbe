"""What bounds an earning rule: caps by period, for each member and for all together, and a budget.

What would exceed a limit is cut to what is left of it. A limit is judged at the
activity's own moment; what is taken back later makes no room again.

A member's counts are guarded by the member's lock. What all members share is
counted in stripes, one used by each process, as the programme's accounts are:
while less than three quarters of a limit are used, a transaction locks its own
stripe only, and may give a sixty-fourth of the limit. The sixteen that may do
so at once give at most the quarter that is left, so they never pass the limit
together. After that, or where a transaction needs more, it locks all stripes
and knows the count. What is spent is not locked any more.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import asyncpg

from chassis.book import Kind
from chassis.events import NO_MEMBER
from laurels.points.v1 import earning_events_pb2
from laurels.points.v1 import programme_earning_pb2 as pb
from services.periods import Per, period_of
from services.points import store
from services.points.book import Book, Touched
from services.points.counters import CounterKey
from services.points.earning import Award, Limit, TypeRules
from services.points.states import Counter, Tally
from services.points.store import earning as statements

STRIPES = [f"#{stripe:02}" for stripe in range(store.STRIPES)]
"""The owners of the programme's counts; no member's id begins so."""
FAR, AT_ONCE = 4, 64
"""A quarter of a limit is left, and a sixty-fourth may be given: 16 of those are the quarter."""
TIGHT_MAX = 10_000
PERIODS: Mapping[int, Per] = {
    pb.CAP_PERIOD_DAY: Per.DAY,
    pb.CAP_PERIOD_WEEK: Per.WEEK,
    pb.CAP_PERIOD_MONTH: Per.MONTH,
    pb.CAP_PERIOD_EVER: Per.EVER,
}
TallyKey = tuple[str, str, int]
"""Name, period, limit."""
# What needed more at once than its own stripe may give; forgetting it costs one repetition.
_tight: set[tuple[str, str, str, int]] = set()


async def _lock_tallies(connection: asyncpg.Connection, brand: str, keys: Sequence[TallyKey]) -> dict[TallyKey, Tally]:
    """Locks this process's stripe of each count, all of them where the count must be known, none of what is spent."""
    every = [(name, stripe, period) for name, period, _ in keys for stripe in STRIPES]
    seen = await statements.read_counters(connection, brand, every)
    used = _totals(seen.values())
    # Counts never fall, so what is spent needs no lock.
    found = {key: Tally(key[0], key[1], 0, 0, True) for key in keys if used[key[0], key[1]] >= key[2]}
    keys = [key for key in keys if key not in found]
    if not keys:
        return found
    far = {
        (name, period, most)
        for name, period, most in keys
        if (brand, name, period, most) not in _tight and is_far(most, used[name, period])
    }
    own = STRIPES[store.STRIPE]
    wanted = sorted(
        (name, stripe, period)
        for name, period, most in keys
        for stripe in ([own] if (name, period, most) in far else STRIPES)
    )
    if missing := [key for key in wanted if key not in seen]:
        await statements.add_counters(connection, brand, missing)
    locked = await statements.lock_counters(connection, brand, wanted)
    # Others may have added to their stripes while this one was waited for.
    used = _totals((await statements.read_counters(connection, brand, every) if far else locked).values())
    for key in keys:
        name, period, most = key
        left = max(0, most - used[name, period])
        if key in far:
            left = most // AT_ONCE if is_far(most, used[name, period]) else 0
        found[key] = Tally(name, period, locked[name, own, period].value, left, key not in far)
    return found


async def _save_tallies(connection: asyncpg.Connection, brand: str, changed: Sequence[Tally]) -> None:
    own = STRIPES[store.STRIPE]
    await store.save_counters(connection, brand, [Counter(t.name, own, t.period, t.own) for t in changed])


# Last of all locks, since others wait for it.
TALLIES: Kind[TallyKey, Tally] = Kind("tallies of rules", 95, _lock_tallies, _save_tallies)
CAPS: Kind[CounterKey, Counter] = Kind("members' caps", 41, statements.read_counters, store.save_counters)


def is_far(most: int, used: int) -> bool:
    """Whether so little of a limit is used that a transaction need not know the count.

    >>> is_far(1_000, 750), is_far(1_000, 751), is_far(63, 0)
    (True, False, False)
    """
    return most >= AT_ONCE and (most - used) * FAR >= most


def touch(touched: Touched, of_type: TypeRules, member: str, moment: datetime, zone: ZoneInfo) -> None:
    """Has the counts locked and read that an activity may add to."""
    for rule, limits in of_type.limits.items():
        for limit in limits:
            period = period_of(PERIODS[limit.period], moment, zone)
            if limit.shared:
                touched.row(TALLIES, (name_of(rule), period, limit.most))
            else:
                touched.row(CAPS, (name_of(rule), member, period))


def name_of(rule: str) -> str:
    """The name of a rule's counters."""
    return f"rule:{rule}"


async def spent(connection: asyncpg.Connection, brand: str, rules: Sequence[str]) -> dict[str, int]:
    """How much of the rules' budgets was given."""
    keys = [(name_of(rule), stripe, "") for rule in rules for stripe in STRIPES]
    totals = _totals((await statements.read_counters(connection, brand, keys)).values())
    return {rule: totals[name_of(rule), ""] for rule in rules}


def paused(book: Book, of_type: TypeRules) -> Collection[str]:
    """The rules whose budget is spent."""
    return [rule for rule, budget in of_type.budgets.items() if _tally(book, rule, "", budget).left == 0]


def cut(book: Book, award: Award, limits: Sequence[Limit], member: str, moment: datetime) -> int:
    """How much of an award the limits leave; has the transaction repeated when it must know more for that."""
    amount = award.amount
    for limit in limits:
        period = period_of(PERIODS[limit.period], moment, book.rules.zone)
        if not limit.shared:
            counter = book.row(CAPS, (name_of(award.rule), member, period))
            amount = min(amount, max(0, limit.most - (counter.value if counter is not None else 0)))
            continue
        tally = _tally(book, award.rule, period, limit)
        if amount > tally.left and not tally.exact:
            _demand(book.brand, tally, limit)
        amount = min(amount, tally.left)
    return amount


def count(book: Book, award: Award, limits: Sequence[Limit], member: str, moment: datetime) -> None:
    """Counts what was given, and tells when that was the last of a budget."""
    for limit in limits:
        period = period_of(PERIODS[limit.period], moment, book.rules.zone)
        if not limit.shared:
            key = (name_of(award.rule), member, period)
            counter = book.row(CAPS, key) or Counter(*key, 0)
            counter.value += award.amount
            book.put(CAPS, key, counter)
            continue
        tally = _tally(book, award.rule, period, limit)
        tally.own += award.amount
        tally.left -= award.amount
        book.put(TALLIES, (tally.name, period, limit.most), tally)
        if limit.is_budget and tally.exact and tally.left == 0:
            told = earning_events_pb2.EarningRulePaused(
                rule=award.rule,
                currency=award.currency,
                budget=limit.most,
                occurred_at=moment,
                programme_version=book.version,
            )
            book.tell(NO_MEMBER, told)


def _tally(book: Book, rule: str, period: str, limit: Limit) -> Tally:
    tally = book.row(TALLIES, (name_of(rule), period, limit.most))
    if tally is None:
        raise LookupError(f"the count of {rule} was not touched")
    if tally.left == 0 and not tally.exact:
        _demand(book.brand, tally, limit)
    return tally


def _demand(brand: str, tally: Tally, limit: Limit) -> None:
    """Repeats the transaction, which then locks the whole count."""
    if len(_tight) >= TIGHT_MAX:
        _tight.clear()
    _tight.add((brand, tally.name, tally.period, limit.most))
    raise asyncpg.SerializationError(f"the count {tally.name} must be known exactly")


def _totals(counters: Iterable[Counter]) -> dict[tuple[str, str], int]:
    """What the stripes are together, by name and period."""
    totals: dict[tuple[str, str], int] = defaultdict(int)
    for counter in counters:
        totals[counter.name, counter.period] += counter.value
    return totals
