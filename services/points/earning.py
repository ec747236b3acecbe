"""What an activity earns: every rule of its type whose condition holds adds its amount.

A rule that fails on an activity earns nothing there and is reported; it never
refuses the activity.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from laurels.activity.v1.activity_pb2 import Activity
from services.activity import ActivitySchema, Expressions

AMOUNT_MAX = 2**53 - 1


@dataclass(frozen=True, slots=True)
class Award:
    """What one rule gives for an activity; the amount is more than 0."""

    rule: str
    currency: str
    amount: int


class TypeRules:
    """The earning rules of one activity type."""

    def __init__(self, schema: ActivitySchema) -> None:
        self._rules: list[str] = []
        self._expressions = Expressions(schema)
        self.currencies: list[str] = []
        self.pending: set[str] = set()

    def add(self, rule: str, currency: str, condition: str, amount: str, *, waits: bool = False) -> None:
        """Adds a rule whose expressions were checked; what one that `waits` pays is not available at once."""
        self._rules.append(rule)
        self.currencies.append(currency)
        if waits:
            self.pending.add(currency)
        self._expressions.add(condition, amount)

    def awards(
        self, activity: Activity, variables: Mapping[str, Any], failed: Callable[[str, str], None]
    ) -> list[Award]:
        """The awards of an activity.

        `variables` are the member's; `failed(rule, why)` is told of rules that
        could not be evaluated.
        """
        found = self._expressions.of(activity, variables, lambda place, why: failed(self._rules[place], why))
        awards = []
        for rule, currency, amount in zip(self._rules, self.currencies, found, strict=True):
            if amount > AMOUNT_MAX:
                failed(rule, f"the amount {amount} is over {AMOUNT_MAX}")
            elif amount > 0:
                awards.append(Award(rule, currency, amount))
        return awards
