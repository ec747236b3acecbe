"""Points move from one account to another, and never come from nowhere.

Double entry: every entry debits one account and credits another by the same
amount, so the balances of a currency always sum to zero. A credit raises a
balance, a debit lowers it. Members' and groups' accounts never pass their
floor; the programme's own accounts have none: `issued` is as far below zero as
was ever issued, `redeemed` and `expired` as far above as was ever spent or
expired.
"""

from dataclasses import dataclass, field
from datetime import datetime

from chassis.errors import FailedPrecondition, NotFound
from services.points.lots import Part

AVAILABLE, PENDING, HELD = "available", "pending", "held"
ISSUED, REDEEMED, EXPIRED = "issued", "redeemed", "expired"
PROGRAMME = ""
"""The owner of the programme's own accounts."""
GROUP_MARK = "~"
"""What the owner of a group's account begins with; no member's id does."""
BALANCE_MAX = 2**53 - 1
"""Amounts and balances are JSON numbers to clients."""
ISSUED_MAX = 2**62


class InsufficientPoints(FailedPrecondition):
    """A wallet holds less than what is to leave it."""

    code = "insufficient_points"

    def __init__(self, currency: str, available: int, amount: int) -> None:
        super().__init__(f"The wallet holds {available} {currency}, which is less than {amount}.")
        self.available, self.amount = available, amount


class BalanceTooHigh(FailedPrecondition):
    """A wallet, or what was ever issued, would pass what can be counted."""

    code = "balance_too_high"

    def __init__(self, currency: str) -> None:
        super().__init__(f"A balance in {currency} would pass {BALANCE_MAX}.")


class NotSpendable(FailedPrecondition):
    """The currency counts for tiers or levels; nobody spends it."""

    code = "not_spendable"

    def __init__(self, currency: str) -> None:
        super().__init__(f"{currency} is counted, not spent.")


class UnknownMember(NotFound):
    """There is no such member in the brand."""

    code = "unknown_member"

    def __init__(self, member: str) -> None:
        super().__init__(f"There is no member {member!r}.")


class UnknownCurrency(NotFound):
    """The programme has no such currency."""

    code = "unknown_currency"

    def __init__(self, currency: str) -> None:
        super().__init__(f"The programme has no currency {currency!r}.")


class UnknownGroup(NotFound):
    """The brand has no such group, or it is not the caller's to see."""

    code = "unknown_group"

    def __init__(self, group: str) -> None:
        super().__init__(f"There is no group {group!r}.")


@dataclass(slots=True)
class Account:
    """An account as loaded under its lock, at its `place` in the table. `floor` None means no floor.

    `lots` are what it holds by moment of expiry, soonest first, as far as they
    were needed; None where its currency does not expire.
    """

    id: int
    owner: str
    currency: str
    kind: str
    balance: int
    earned: int
    floor: int | None
    lots: list[Part] | None = None
    place: tuple[int, int] | None = None


@dataclass(slots=True)
class Entry:
    """One movement: `amount` (more than 0) from `debit` to `credit`.

    The balances are the owners' after it; None for the programme's accounts.
    `lots` are the parts that left the debited account, where it keeps lots.
    """

    key: str
    kind: int
    debit: int
    credit: int
    amount: int
    debit_balance: int | None
    credit_balance: int | None
    reference: str
    occurred_at: datetime
    digest: bytes = b""
    lots: list[Part] = field(default_factory=list)


def move(
    source: Account,
    target: Account,
    amount: int,
    *,
    key: str,
    kind: int,
    reference: str,
    occurred_at: datetime,
    digest: bytes = b"",
) -> Entry:
    """The entry of a movement, with both balances changed.

    The caller has checked that the source may give the amount and the target
    may take it.
    """
    source.balance -= amount
    target.balance += amount
    return Entry(
        key,
        kind,
        source.id,
        target.id,
        amount,
        source.balance if source.floor is not None else None,
        target.balance if target.floor is not None else None,
        reference,
        occurred_at,
        digest,
    )


def check_debit(wallet: Account, amount: int, floor: int | None = None) -> None:
    """Raises InsufficientPoints when the wallet would pass its floor, or the one given.

    >>> wallet = Account(1, "ann", "points", AVAILABLE, balance=100, earned=100, floor=0)
    >>> check_debit(wallet, 100)
    >>> check_debit(wallet, 101)
    Traceback (most recent call last):
    services.points.ledger.InsufficientPoints: The wallet holds 100 points, which is less than 101.
    """
    lowest = wallet.floor if floor is None else floor
    if lowest is not None and wallet.balance - amount < lowest:
        raise InsufficientPoints(wallet.currency, wallet.balance - lowest, amount)


def check_credit(wallet: Account, amount: int) -> None:
    """Raises BalanceTooHigh when the wallet would hold more than can be counted."""
    if wallet.balance + amount > BALANCE_MAX:
        raise BalanceTooHigh(wallet.currency)
