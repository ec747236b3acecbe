"""Rows as a transaction loads them under their locks, and as callers see them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from laurels.points.v1 import ledger_pb2
from services.points.lots import Part


class MemberState:
    """A member as loaded under its lock."""

    __slots__ = ("display_name", "enrolled_at", "member", "seen_types", "tier")

    def __init__(
        self, member: str, display_name: str, enrolled_at: datetime | None, tier: str, seen_types: list[str]
    ) -> None:
        self.member, self.display_name, self.enrolled_at = member, display_name, enrolled_at
        self.tier, self.seen_types = tier, set(seen_types)


@dataclass(slots=True)
class Hold:
    """A hold as loaded under its lock. `parts` are the lots that it was taken from."""

    hold: str
    member: str
    currency: str
    amount: int
    captured: int
    state: int
    reference: str
    digest: bytes
    parts: list[Part]
    made_at: datetime
    expires_at: datetime | None

    def shown(self) -> ledger_pb2.Hold:
        return ledger_pb2.Hold(
            hold=self.hold,
            member=self.member,
            currency=self.currency,
            amount=self.amount,
            captured=self.captured,
            state=self.state,  # type: ignore[arg-type]
            reference=self.reference,
            made_at=self.made_at.astimezone(UTC),
            expires_at=None if self.expires_at is None else self.expires_at.astimezone(UTC),
        )


@dataclass(slots=True)
class Lot:
    """A pending lot as loaded under its lock."""

    lot: str
    member: str
    currency: str
    amount: int
    state: int
    changes: int
    reference: str
    activity: str
    occurred_at: datetime
    activates_at: datetime | None
    until_type: str

    def shown(self) -> ledger_pb2.PendingLot:
        return ledger_pb2.PendingLot(
            lot=self.lot,
            member=self.member,
            currency=self.currency,
            amount=self.amount,
            state=self.state,  # type: ignore[arg-type]
            reference=self.reference,
            activity=self.activity,
            occurred_at=self.occurred_at.astimezone(UTC),
            activates_at=None if self.activates_at is None else self.activates_at.astimezone(UTC),
        )


@dataclass(slots=True)
class Counter:
    """A count within a period."""

    name: str
    owner: str
    period: str
    value: int


@dataclass(slots=True)
class Tally:
    """What all members together may be given still, as far as this transaction knows.

    `own` is this process's count; `left` what the transaction may give, which
    is all there is left where it is `exact`.
    """

    name: str
    period: str
    own: int
    left: int
    exact: bool


@dataclass(frozen=True, slots=True)
class Awarded:
    """What a rule gave for an activity, under its entry's key; the entry's id is 0 in the transaction that made it."""

    key: str
    currency: str
    amount: int
    waited: bool
    entry: int = 0


@dataclass(slots=True)
class Purchase:
    """An activity that may be refunded, with what it was given."""

    id: str
    member: str
    type: str
    occurred_at: datetime
    attributes: Mapping[str, Any]
    rules: Sequence[str] = ()
    awards: Sequence[Awarded] = ()


@dataclass(slots=True)
class Refund:
    """How far a member's purchase is refunded, as loaded under the member's lock.

    `refund` is the newest refund's activity id. `total` is None until the
    purchase is known. By currency: `due` is the refunds' share of the earnings,
    `pending` and `available` what was taken of it.
    """

    purchase: str
    member: str
    refund: str
    refunded: int = 0
    total: int | None = None
    due: dict[str, int] = field(default_factory=dict)
    pending: dict[str, int] = field(default_factory=dict)
    available: dict[str, int] = field(default_factory=dict)
