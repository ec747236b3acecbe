"""The tables of the points service."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, LargeBinary, Text, UniqueConstraint, text
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

    The programme's accounts come in stripes, one used by each process, so that
    replicas do not wait for each other's lock on them.
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
