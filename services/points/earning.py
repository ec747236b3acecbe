"""What an activity earns: every rule of its type whose condition holds adds its amount.

A rule that fails on an activity earns nothing there and is reported; it never
refuses the activity.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from chassis.conditions import Amounts
from services.activity import ActivitySchema

AMOUNT_MAX = 2**53 - 1


@dataclass(frozen=True, slots=True)
class Award:
    """What one rule gives for an activity; the amount is more than 0."""

    rule: str
    currency: str
    amount: int


@dataclass(slots=True)
class TypeRules:
    """The earning rules of one activity type, evaluated in one go.

    `rules` are ids with currencies, `sources` their conditions with amounts.
    """

    schema: ActivitySchema
    rules: list[tuple[str, str]] = field(default_factory=list)
    sources: list[tuple[str, str]] = field(default_factory=list)
    amounts: Amounts | None = None

    def add(self, rule: str, currency: str, condition: str, amount: str) -> None:
        """Adds a rule whose expressions were checked."""
        self.rules.append((rule, currency))
        self.sources.append((condition, amount))

    def awards(self, values: Any, failed: Callable[[str, str], None]) -> list[Award]:
        """The awards of an activity.

        `values` are the activity's and the member's; `failed(rule, why)` is
        told of rules that could not be evaluated.
        """
        if self.amounts is None:
            self.amounts = self.schema.vocabulary.amounts(self.sources)
        found = self.amounts.of(values, lambda place, why: failed(self.rules[place][0], why))
        awards = []
        for (rule, currency), amount in zip(self.rules, found, strict=True):
            if amount > AMOUNT_MAX:
                failed(rule, f"the amount {amount} is over {AMOUNT_MAX}")
            elif amount > 0:
                awards.append(Award(rule, currency, amount))
        return awards
