"""What an activity earns: its type's rules whose condition holds add up, but for those that their group excludes.

Multipliers then raise what the rules give, rounded down. A rule that fails on
an activity earns nothing there and is reported; it never refuses the activity.
Limits (`limits.py`) cut what is left of it.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from laurels.activity.v1.activity_pb2 import Activity
from services.activity import ActivitySchema, Expressions

AMOUNT_MAX = 2**53 - 1
CLOCK_VARIABLES = frozenset({"activity.hour", "activity.weekday"})


@dataclass(frozen=True, slots=True)
class Award:
    """What one rule gives for an activity; the amount is more than 0."""

    rule: str
    currency: str
    amount: int


@dataclass(frozen=True, slots=True)
class Terms:
    """When a rule or a multiplier counts, and what it excludes: `group` is empty where it excludes nothing."""

    since: datetime | None = None
    until: datetime | None = None
    group: str = ""
    priority: int = 0

    def holds_at(self, moment: datetime) -> bool:
        """Whether a moment is in the window, whose end is not."""
        return (self.since is None or moment >= self.since) and (self.until is None or moment < self.until)


ALWAYS = Terms()


@dataclass(frozen=True, slots=True)
class Limit:
    """The most that a rule gives in a period, to each member or, when `shared`, to all together.

    `period` is a CapPeriod. A budget is shared, for ever, and told when it is spent.
    """

    most: int
    period: int
    shared: bool = False
    is_budget: bool = False


@dataclass(frozen=True, slots=True)
class Multiplier:
    """Makes `percent` of each 100 that a rule gives, in some currencies or, when it names none, in all."""

    name: str
    currencies: frozenset[str]
    percent: int
    terms: Terms


class TypeRules:
    """The earning rules of one activity type, with the multipliers that look at it."""

    def __init__(self, schema: ActivitySchema) -> None:
        self._rules: list[str] = []
        self._terms: list[Terms] = []
        self._multipliers: list[Multiplier] = []
        self._expressions = Expressions(schema)
        self._plain = True
        self._reads_clock: bool | None = None
        self.currencies: list[str] = []
        self.pending: set[str] = set()
        self.limits: dict[str, list[Limit]] = {}
        self.budgets: dict[str, Limit] = {}

    def add(
        self,
        rule: str,
        currency: str,
        condition: str,
        amount: str,
        *,
        waits: bool = False,
        terms: Terms = ALWAYS,
        limits: Sequence[Limit] = (),
    ) -> None:
        """Adds a rule whose expressions were checked; what one that `waits` pays is not available at once."""
        if self._multipliers:
            raise ValueError("rules come before multipliers")
        self._rules.append(rule)
        self._terms.append(terms)
        self.currencies.append(currency)
        self._plain = self._plain and terms == ALWAYS
        if waits:
            self.pending.add(currency)
        if limits:
            # A member's own first, so that no more is asked of what all share than the member may have.
            self.limits[rule] = sorted(limits, key=lambda limit: limit.shared)
            self.budgets.update((rule, limit) for limit in limits if limit.is_budget)
        self._expressions.add(condition, amount)

    def multiply(self, multiplier: Multiplier, condition: str) -> None:
        """Adds a multiplier whose condition was checked, after all rules."""
        self._multipliers.append(multiplier)
        self._plain = False
        self._expressions.add(condition, str(multiplier.percent))

    @property
    def reads_clock(self) -> bool:
        """Whether an expression reads the hour or the weekday, which take a conversion to the zone."""
        if self._reads_clock is None:
            self._reads_clock = not CLOCK_VARIABLES.isdisjoint(self._expressions.variables)
        return self._reads_clock

    def awards(
        self,
        activity: Activity,
        variables: Mapping[str, Any],
        failed: Callable[[str, str], None],
        moment: datetime | None = None,
        paused: Collection[str] = (),
    ) -> list[Award]:
        """The awards of an activity that happened at a moment, before limits.

        `variables` are the member's; `failed(rule, why)` is told of rules that
        could not be evaluated; `paused` are the rules that take no part.
        """
        found = self._expressions.of(activity, variables, lambda place, why: failed(self._name(place), why))
        count = len(self._rules)
        amounts = found[:count]
        if self._plain and not paused:
            return list(self._given(amounts, failed))
        if moment is None:
            raise ValueError("rules with windows need the activity's moment")
        for place, rule in enumerate(self._rules):
            if rule in paused or not self._terms[place].holds_at(moment):
                amounts[place] = 0
        _exclude(amounts, self._terms)
        if self._multipliers:
            self._multiply(amounts, found[count:], moment)
        return list(self._given(amounts, failed))

    def _multiply(self, amounts: list[int], percents: list[int], moment: datetime) -> None:
        for place, multiplier in enumerate(self._multipliers):
            if not multiplier.terms.holds_at(moment):
                percents[place] = 0
        _exclude(percents, [multiplier.terms for multiplier in self._multipliers])
        holding = [m for m, percent in zip(self._multipliers, percents, strict=True) if percent]
        if not holding:
            return
        for place, amount in enumerate(amounts):
            if amount > 0:
                currency = self.currencies[place]
                amounts[place] = multiplied(
                    amount, (m.percent for m in holding if not m.currencies or currency in m.currencies)
                )

    def _given(self, amounts: Iterable[int], failed: Callable[[str, str], None]) -> Iterator[Award]:
        for rule, currency, amount in zip(self._rules, self.currencies, amounts, strict=True):
            if amount > AMOUNT_MAX:
                failed(rule, f"the amount {amount} is over {AMOUNT_MAX}")
            elif amount > 0:
                yield Award(rule, currency, amount)

    def _name(self, place: int) -> str:
        count = len(self._rules)
        return self._rules[place] if place < count else self._multipliers[place - count].name


def multiplied(amount: int, percents: Iterable[int]) -> int:
    """An amount with all that multiplies it, which adds up, rounded down; never below 0.

    >>> multiplied(101, [200, 150]), multiplied(101, [50]), multiplied(101, []), multiplied(101, [40, 40])
    (252, 50, 101, 0)
    """
    return amount * max(0, 100 + sum(percent - 100 for percent in percents)) // 100


def _exclude(amounts: list[int], terms: list[Terms]) -> None:
    """Sets to 0 what another one of its group, of a higher priority or before it, excludes."""
    first: dict[str, int] = {}
    for place, (amount, term) in enumerate(zip(amounts, terms, strict=True)):
        if amount <= 0 or not term.group:
            continue
        best = first.setdefault(term.group, place)
        if best == place:
            continue
        if term.priority > terms[best].priority:
            first[term.group] = place
            amounts[best] = 0
        else:
            amounts[place] = 0
