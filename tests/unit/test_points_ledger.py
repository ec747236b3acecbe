"""Whatever is moved, nothing comes from nowhere, no wallet passes its floor, and the entries say it all."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.points.ledger import AVAILABLE, ISSUED, PROGRAMME, Account, Entry, InsufficientPoints, check_debit, move

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
WALLETS = (1, 2, 3)
ISSUED_ID, REDEEMED_ID = -1, -2


@dataclass(frozen=True)
class Step:
    """A movement between two accounts; one out of a wallet is checked as a spend is."""

    debit: int
    credit: int
    amount: int


ACCOUNTS = st.sampled_from((*WALLETS, ISSUED_ID, REDEEMED_ID))
STEPS = st.lists(
    st.builds(Step, ACCOUNTS, ACCOUNTS, st.integers(1, 1_000)).filter(lambda step: step.debit != step.credit),
    max_size=60,
)
FLOORS = st.integers(-500, 0)


def books(floor: int) -> dict[int, Account]:
    """Empty accounts: wallets with a floor, the programme's own without."""
    wallets = {
        number: Account(number, f"member-{number}", "points", AVAILABLE, balance=0, earned=0, floor=floor)
        for number in WALLETS
    }
    return wallets | {
        number: Account(number, PROGRAMME, "points", ISSUED, balance=0, earned=0, floor=None)
        for number in (ISSUED_ID, REDEEMED_ID)
    }


def posted(step: Step, accounts: dict[int, Account], key: str) -> Entry | None:
    """The step's entry, or None when its source may not give the amount."""
    source, target = accounts[step.debit], accounts[step.credit]
    try:
        check_debit(source, step.amount)
    except InsufficientPoints:
        return None
    return move(source, target, step.amount, key=key, kind=1, reference="test", occurred_at=NOON)


def played(steps: list[Step], floor: int) -> tuple[dict[int, Account], list[Entry]]:
    accounts = books(floor)
    entries = [posted(step, accounts, f"key-{place}") for place, step in enumerate(steps)]
    return accounts, [entry for entry in entries if entry is not None]


@given(STEPS, FLOORS)
def test_balances_sum_to_zero_after_any_sequence_of_movements(steps: list[Step], floor: int) -> None:
    accounts, _ = played(steps, floor)
    assert sum(account.balance for account in accounts.values()) == 0


@given(STEPS, FLOORS)
def test_a_balance_is_what_its_entries_sum_to(steps: list[Step], floor: int) -> None:
    accounts, entries = played(steps, floor)
    sums: Counter[int] = Counter()
    for entry in entries:
        assert entry.amount > 0
        sums[entry.credit] += entry.amount
        sums[entry.debit] -= entry.amount
    assert {number: account.balance for number, account in accounts.items()} == {
        number: sums[number] for number in accounts
    }


@given(STEPS, FLOORS)
def test_no_wallet_ever_passes_its_floor(steps: list[Step], floor: int) -> None:
    accounts = books(floor)
    for place, step in enumerate(steps):
        before = {number: account.balance for number, account in accounts.items()}
        entry = posted(step, accounts, f"key-{place}")
        assert all(accounts[number].balance >= floor for number in WALLETS)
        if entry is None:  # refused exactly when it would have passed the floor, with nothing changed
            assert before[step.debit] - step.amount < floor
            assert {number: account.balance for number, account in accounts.items()} == before


@given(STEPS, FLOORS)
def test_an_entry_tells_the_wallets_balances_after_it_and_the_programmes_never(steps: list[Step], floor: int) -> None:
    _, entries = played(steps, floor)
    running: Counter[int] = Counter()
    for entry in entries:
        running[entry.debit] -= entry.amount
        running[entry.credit] += entry.amount
        assert entry.debit_balance == (running[entry.debit] if entry.debit in WALLETS else None)
        assert entry.credit_balance == (running[entry.credit] if entry.credit in WALLETS else None)


@given(st.integers(-500, 2**53), st.integers(0, 500), st.integers(1, 2**53))
def test_what_a_wallet_can_spend_is_what_lies_above_its_floor(balance: int, below: int, amount: int) -> None:
    floor = min(0, balance) - below
    wallet = Account(1, "ann", "points", AVAILABLE, balance=balance, earned=0, floor=floor)
    if amount <= balance - floor:
        check_debit(wallet, amount)
        return
    with pytest.raises(InsufficientPoints) as refusal:
        check_debit(wallet, amount)
    assert (refusal.value.available, refusal.value.amount) == (balance - floor, amount)
    assert wallet == Account(1, "ann", "points", AVAILABLE, balance=balance, earned=0, floor=floor)


def test_a_movement_carries_what_it_was_made_for() -> None:
    accounts = books(0)
    entry = move(
        accounts[ISSUED_ID],
        accounts[1],
        5,
        key="activity:a:rule",
        kind=1,
        reference="rule",
        occurred_at=NOON,
        digest=b"digest",
    )
    assert (entry.debit, entry.credit, entry.amount) == (ISSUED_ID, 1, 5)
    assert (entry.key, entry.kind, entry.reference, entry.occurred_at, entry.digest) == (
        "activity:a:rule",
        1,
        "rule",
        NOON,
        b"digest",
    )
