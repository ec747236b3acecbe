"""What an activity earns: every rule of its type whose condition holds adds its amount.

A rule that fails on an activity earns nothing there and is reported; it never
refuses the activity.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from chassis.conditions import Amount, Condition, ExpressionFailed

AMOUNT_MAX = 2**53 - 1


@dataclass(frozen=True, slots=True)
class Rule:
    """A compiled earning rule."""

    id: str
    condition: Condition
    amount: Amount
    currency: str


@dataclass(frozen=True, slots=True)
class Award:
    """What one rule gives for an activity; the amount is more than 0."""

    rule: str
    currency: str
    amount: int


def awards(rules: Sequence[Rule], values: Any, failed: Callable[[str, str], None]) -> list[Award]:
    """The awards of an activity under its type's rules.

    `values` are the activity's and the member's; `failed(rule, why)` is told
    of rules that could not be evaluated.
    """
    found = []
    for rule in rules:
        try:
            if not rule.condition.holds(values):
                continue
            amount = rule.amount.of(values)
        except ExpressionFailed as error:
            failed(rule.id, str(error))
            continue
        if amount > AMOUNT_MAX:
            failed(rule.id, f"the amount {amount} is over {AMOUNT_MAX}")
        elif amount > 0:
            found.append(Award(rule.id, rule.currency, amount))
    return found
