"""Points move from one account to another, and never come from nowhere.

Double entry: every entry debits one account and credits another by the same
amount, so the balances of a currency always sum to zero. A credit raises a
balance, a debit lowers it. Members' accounts never pass their floor; the
programme's own accounts have none: `issued` is as far below zero as was ever
issued, `redeemed` as far above as was ever spent.
"""

from dataclasses import dataclass
from datetime import datetime

from chassis.errors import FailedPrecondition, NotFound

ISSUED, REDEEMED, AVAILABLE = "issued", "redeemed", "available"
PROGRAMME = ""
"""The owner of the programme's own accounts."""


class InsufficientPoints(FailedPrecondition):
    """A wallet holds less than what is to be spent."""

    code = "insufficient_points"

    def __init__(self, currency: str, available: int, amount: int) -> None:
        super().__init__(f"The wallet holds {available} {currency}, which is less than {amount}.")
        self.available, self.amount = available, amount


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


@dataclass(slots=True)
class Account:
    """An account as loaded under its lock. `floor` None means no floor."""

    id: int
    balance: int
    earned: int
    floor: int | None


@dataclass(slots=True)
class Entry:
    """One movement: `amount` (more than 0) from `debit` to `credit`.

    The balances are the members' after it; None for the programme's accounts.
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

    The caller has checked that the source may give the amount.
    """
    source.balance -= amount
    target.balance += amount
    return Entry(
        key=key,
        kind=kind,
        debit=source.id,
        credit=target.id,
        amount=amount,
        debit_balance=source.balance if source.floor is not None else None,
        credit_balance=target.balance if target.floor is not None else None,
        reference=reference,
        occurred_at=occurred_at,
        digest=digest,
    )


def check_spend(wallet: Account, currency: str, amount: int) -> None:
    """Raises InsufficientPoints when the wallet would pass its floor.

    >>> check_spend(Account(1, balance=100, earned=100, floor=0), "points", 100)
    >>> check_spend(Account(1, balance=100, earned=100, floor=0), "points", 101)
    Traceback (most recent call last):
    services.points.ledger.InsufficientPoints: The wallet holds 100 points, which is less than 101.
    """
    if wallet.floor is not None and wallet.balance - amount < wallet.floor:
        raise InsufficientPoints(currency, wallet.balance - wallet.floor, amount)
