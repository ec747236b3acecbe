"""What of an entry is under the log's hash, byte for byte; `docs/ledger-log.md` is the specification.

A leaf holds ids, amounts and moments, and nothing that a person is known by:
who owns an account can be erased and every proof still holds. The store makes
the same bytes in SQL; a test compares the two.
"""

import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from chassis.merkle import leaf_hash

VERSION = 1
_FIXED = struct.Struct(">BqqqqiqqH")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Leaf:
    """An entry as the log has it: `amount` of a currency from the account `debit` to the account `credit`."""

    entry: int
    debit: int
    credit: int
    currency: str
    amount: int
    kind: int
    occurred_at: datetime
    recorded_at: datetime

    def encoded(self) -> bytes:
        """The leaf's bytes. struct.error when a number does not fit."""
        currency = self.currency.encode()
        return (
            _FIXED.pack(
                VERSION,
                self.entry,
                self.debit,
                self.credit,
                self.amount,
                self.kind,
                microseconds(self.occurred_at),
                microseconds(self.recorded_at),
                len(currency),
            )
            + currency
        )

    def hashed(self) -> bytes:
        """The leaf's hash."""
        return leaf_hash(self.encoded())


def microseconds(moment: datetime) -> int:
    """A moment in microseconds since 1970, exactly.

    >>> microseconds(datetime(1970, 1, 1, 0, 0, 1, 5, tzinfo=UTC))
    1000005
    """
    return (moment - _EPOCH) // _MICROSECOND
