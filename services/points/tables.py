"""The tables of the points service."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field, SQLModel

from chassis.tables import stamp


class Member(SQLModel, table=True):
    """A member, or one whom a refused request named (`enrolled_at` is null)."""

    __tablename__ = "members"

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    member: str = Field(sa_column=Column(Text, primary_key=True))
    display_name: str = Field(sa_column=Column(Text, nullable=False, server_default=text("''")))
    enrolled_at: datetime | None = Field(sa_column=stamp(nullable=True))
    tier: str = Field(sa_column=Column(Text, nullable=False, server_default=text("''")))
    seen_types: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False, server_default=text("'{}'")))


class Account(SQLModel, table=True):
    """A balance. Members' ids are positive, the programme's negative.

    The programme's accounts come in stripes, so that transactions that run at
    once, here and in replicas, do not wait for each other's lock on them.
    """

    __tablename__ = "accounts"
    __table_args__ = (
        UniqueConstraint("brand", "owner", "currency", "kind", "stripe", name="accounts_of_owner"),
        CheckConstraint("floor IS NULL OR balance >= floor", name="balance_at_or_above_floor"),
    )

    id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    brand: str = Field(sa_column=Column(Text, nullable=False))
    owner: str = Field(sa_column=Column(Text, nullable=False))
    currency: str = Field(sa_column=Column(Text, nullable=False))
    kind: str = Field(sa_column=Column(Text, nullable=False))
    stripe: int = Field(sa_column=Column(Integer, nullable=False))
    balance: int = Field(sa_column=Column(BigInteger, nullable=False, server_default=text("0")))
    earned: int = Field(sa_column=Column(BigInteger, nullable=False, server_default=text("0")))
    floor: int | None = Field(sa_column=Column(BigInteger, nullable=True))


class Entry(SQLModel, table=True):
    """A movement; append-only. The key that makes it happen once lives in it."""

    __tablename__ = "entries"
    __table_args__ = (
        UniqueConstraint("brand", "key", name="entries_key"),
        CheckConstraint("amount > 0", name="amount_is_positive"),
        CheckConstraint("debit <> credit", name="two_accounts"),
        Index("entries_debit", "debit", "id", postgresql_where=text("debit > 0")),
        Index("entries_credit", "credit", "id", postgresql_where=text("credit > 0")),
    )

    id: int = Field(sa_column=Column(BigInteger, primary_key=True))
    brand: str = Field(sa_column=Column(Text, nullable=False))
    key: str = Field(sa_column=Column(Text, nullable=False))
    digest: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    kind: int = Field(sa_column=Column(Integer, nullable=False))
    debit: int = Field(sa_column=Column(BigInteger, nullable=False))
    credit: int = Field(sa_column=Column(BigInteger, nullable=False))
    amount: int = Field(sa_column=Column(BigInteger, nullable=False))
    debit_balance: int | None = Field(sa_column=Column(BigInteger, nullable=True))
    credit_balance: int | None = Field(sa_column=Column(BigInteger, nullable=True))
    reference: str = Field(sa_column=Column(Text, nullable=False))
    occurred_at: datetime = Field(sa_column=stamp())
    recorded_at: datetime = Field(sa_column=stamp(default_now=True))
    lots: list[Any] | None = Field(sa_column=Column(JSONB, nullable=True))


class Lot(SQLModel, table=True):
    """What an account holds of one moment of expiry."""

    __tablename__ = "lots"
    __table_args__ = (
        CheckConstraint("remaining >= 0", name="remaining_is_not_negative"),
        Index("lots_due", "expires_at"),
    )

    brand: str = Field(sa_column=Column(Text, nullable=False))
    account: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    expires_at: datetime = Field(sa_column=Column(DateTime(timezone=True), primary_key=True))
    remaining: int = Field(sa_column=Column(BigInteger, nullable=False))
    warned: bool = Field(sa_column=Column(Boolean, nullable=False, server_default=text("false")))


class Hold(SQLModel, table=True):
    """Points that are or were set aside."""

    __tablename__ = "holds"
    __table_args__ = (
        CheckConstraint("captured >= 0 AND captured <= amount", name="captured_within_amount"),
        Index("holds_due", "expires_at", postgresql_where=text("state = 1")),
    )

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    hold: str = Field(sa_column=Column(Text, primary_key=True))
    member: str = Field(sa_column=Column(Text, nullable=False))
    currency: str = Field(sa_column=Column(Text, nullable=False))
    amount: int = Field(sa_column=Column(BigInteger, nullable=False))
    captured: int = Field(sa_column=Column(BigInteger, nullable=False, server_default=text("0")))
    state: int = Field(sa_column=Column(Integer, nullable=False))
    reference: str = Field(sa_column=Column(Text, nullable=False))
    digest: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    lots: list[Any] | None = Field(sa_column=Column(JSONB, nullable=True))
    made_at: datetime = Field(sa_column=stamp())
    expires_at: datetime | None = Field(sa_column=stamp(nullable=True))


class PendingLot(SQLModel, table=True):
    """Points that wait, or waited, until they become available."""

    __tablename__ = "pending_lots"
    __table_args__ = (
        CheckConstraint("amount >= 0", name="pending_amount_is_not_negative"),
        Index("pending_lots_due", "activates_at", postgresql_where=text("state = 1")),
        Index("pending_lots_of_member", "brand", "member", postgresql_where=text("state = 1")),
        Index("pending_lots_of_activity", "brand", "activity", postgresql_where=text("state = 1")),
    )

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    lot: str = Field(sa_column=Column(Text, primary_key=True))
    member: str = Field(sa_column=Column(Text, nullable=False))
    currency: str = Field(sa_column=Column(Text, nullable=False))
    amount: int = Field(sa_column=Column(BigInteger, nullable=False))
    state: int = Field(sa_column=Column(Integer, nullable=False))
    changes: int = Field(sa_column=Column(Integer, nullable=False, server_default=text("0")))
    reference: str = Field(sa_column=Column(Text, nullable=False))
    activity: str = Field(sa_column=Column(Text, nullable=False))
    occurred_at: datetime = Field(sa_column=stamp())
    activates_at: datetime | None = Field(sa_column=stamp(nullable=True))
    until_type: str = Field(sa_column=Column(Text, nullable=False, server_default=text("''")))


class Activity(SQLModel, table=True):
    """An activity as it was taken in, with what it earned."""

    __tablename__ = "activities"

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    id: str = Field(sa_column=Column(Text, primary_key=True))
    member: str = Field(sa_column=Column(Text, nullable=False))
    type: str = Field(sa_column=Column(Text, nullable=False))
    occurred_at: datetime = Field(sa_column=stamp())
    recorded_at: datetime = Field(sa_column=stamp(default_now=True))
    attributes: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    digest: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    programme_version: int = Field(sa_column=Column(Integer, nullable=False))
    earned: dict[str, int] = Field(sa_column=Column(JSONB, nullable=False))


class Adoption(SQLModel, table=True):
    """The newest version of the programme that a service works under."""

    __tablename__ = "adoptions"

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    service: str = Field(sa_column=Column(Text, primary_key=True))
    version: int = Field(sa_column=Column(Integer, nullable=False))


class Counter(SQLModel, table=True):
    """A count within a period: of a cap, a budget, a stock or a limit."""

    __tablename__ = "counters"

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    name: str = Field(sa_column=Column(Text, primary_key=True))
    owner: str = Field(sa_column=Column(Text, primary_key=True))
    period: str = Field(sa_column=Column(Text, primary_key=True))
    value: int = Field(sa_column=Column(BigInteger, nullable=False, server_default=text("0")))
