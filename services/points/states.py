"""Rows as a transaction loads them under their locks, and as callers see them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from laurels.points.v1 import groups_pb2, ledger_pb2
from services.points.lots import Part


class MemberState:
    """A member as loaded under its lock."""

    __slots__ = ("display_name", "enrolled_at", "member", "seen_types", "segments", "tier", "tier_kept")

    def __init__(
        self,
        member: str,
        display_name: str,
        enrolled_at: datetime | None,
        tier: str,
        seen_types: list[str],
        tier_kept: bool = False,
        segments: Collection[str] = (),
    ) -> None:
        self.member, self.display_name, self.enrolled_at = member, display_name, enrolled_at
        self.tier, self.seen_types = tier, set(seen_types)
        self.tier_kept = tier_kept
        self.segments = frozenset(segments)


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


@dataclass(slots=True)
class Awarded:
    """What a rule gave for an activity, under its entry's key; the entry's id is 0 in the transaction that made it.

    `pooled` is what of it went to groups, once it was available.
    """

    key: str
    currency: str
    amount: int
    waited: bool
    entry: int = 0
    activated: bool = False
    pooled: dict[str, int] = field(default_factory=dict)


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


@dataclass(slots=True)
class Group:
    """A group as loaded under its lock. `size` counts who is in it or invited."""

    group: str
    kind: str
    name: str
    owner: str
    state: int
    size: int
    made_at: datetime
    digest: bytes
    ended_digest: bytes

    def shown(self) -> groups_pb2.Group:
        return groups_pb2.Group(
            group=self.group,
            kind=self.kind,
            name=self.name,
            owner=self.owner,
            state=self.state,  # type: ignore[arg-type]
            size=self.size,
            made_at=self.made_at.astimezone(UTC),
        )


@dataclass(slots=True)
class Place:
    """A member's place in a group; `contributed` is by currency."""

    group: str
    kind: str
    role: int
    state: int
    contributed: dict[str, int]
    joined_at: datetime | None

    def shown(self, member: str) -> groups_pb2.GroupMember:
        return groups_pb2.GroupMember(
            member=member,
            role=self.role,  # type: ignore[arg-type]
            state=self.state,  # type: ignore[arg-type]
            contributed=[
                groups_pb2.GroupContribution(currency=currency, amount=amount)
                for currency, amount in sorted(self.contributed.items())
            ],
            joined_at=None if self.joined_at is None else self.joined_at.astimezone(UTC),
        )


@dataclass(slots=True)
class Places:
    """All places that a member has or had, by group; those of `changed` are to be saved."""

    member: str
    by_group: dict[str, Place] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Code:
    """The code that a member gives to others."""

    code: str
    member: str


@dataclass(slots=True)
class Referral:
    """What is known of how a member came; `state` 0 when nothing is.

    `fresh` when it was claimed in the transaction at hand.
    """

    referee: str
    referrer: str = ""
    code: str = ""
    state: int = 0
    claimed_at: datetime | None = None
    activity: str = ""
    referrer_amount: int = 0
    referee_amount: int = 0
    capped: bool = False
    completed_at: datetime | None = None
    fresh: bool = False
