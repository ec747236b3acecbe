"""Rows as a transaction loads them under their locks, and as callers see them."""

from dataclasses import dataclass
from datetime import UTC, datetime

from laurels.points.v1 import ledger_pb2
from services.points.lots import Part


class MemberState:
    """A member as loaded under its lock."""

    __slots__ = ("display_name", "enrolled_at", "member", "seen_types", "tier", "tier_kept")

    def __init__(
        self,
        member: str,
        display_name: str,
        enrolled_at: datetime | None,
        tier: str,
        seen_types: list[str],
        tier_kept: bool = False,
    ) -> None:
        self.member, self.display_name, self.enrolled_at = member, display_name, enrolled_at
        self.tier, self.seen_types = tier, set(seen_types)
        self.tier_kept = tier_kept


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
