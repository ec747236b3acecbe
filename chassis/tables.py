"""The tables that every service has for its write path, events and configuration."""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Text,
    func,
    text,
)
from sqlmodel import Field, SQLModel


def stamp(*, nullable: bool = False, default_now: bool = False) -> Column[datetime]:
    """A column for a moment in UTC."""
    return Column(DateTime(timezone=True), nullable=nullable, server_default=func.now() if default_now else None)


class Outbox(SQLModel, table=True):
    """Events that were committed and are to be published, or were within the retention."""

    __tablename__ = "outbox"
    __table_args__ = (Index("outbox_unpublished", "id", postgresql_where=text("published_at IS NULL")),)

    id: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    brand: str = Field(sa_column=Column(Text, nullable=False))
    member: str = Field(sa_column=Column(Text, nullable=False))
    type: str = Field(sa_column=Column(Text, nullable=False))
    payload: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    traceparent: str = Field(sa_column=Column(Text, nullable=False))
    created_at: datetime = Field(sa_column=stamp(default_now=True))
    published_at: datetime | None = Field(sa_column=stamp(nullable=True))


class Inbox(SQLModel, table=True):
    """Events whose effects are in this database: a bit for each of a thousand ids."""

    __tablename__ = "inbox"
    __table_args__ = (CheckConstraint("length(claimed) = 125", name="inbox_claimed_check"),)

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    source: str = Field(sa_column=Column(Text, primary_key=True))
    partition: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    bucket: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    claimed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    changed_at: datetime = Field(sa_column=stamp(default_now=True))


class DeadLetter(SQLModel, table=True):
    """Events that could not be applied, kept with the reason."""

    __tablename__ = "dead_letters"

    source: str = Field(sa_column=Column(Text, primary_key=True))
    id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    brand: str = Field(sa_column=Column(Text, nullable=False))
    member: str = Field(sa_column=Column(Text, nullable=False))
    type: str = Field(sa_column=Column(Text, nullable=False))
    payload: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    reason: str = Field(sa_column=Column(Text, nullable=False))
    parked_at: datetime = Field(sa_column=stamp(default_now=True))


class Configuration(SQLModel, table=True):
    """The versions of each brand's configuration document."""

    __tablename__ = "configurations"
    __table_args__ = (CheckConstraint("version > 0", name="configurations_version_check"),)

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    version: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    document: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    recorded_at: datetime = Field(sa_column=stamp(default_now=True))


class Erasing(SQLModel, table=True):
    """Members who are being erased; a row is there until nothing else names the member."""

    __tablename__ = "erasing"

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    erasure: str = Field(sa_column=Column(Text, primary_key=True))
    member: str = Field(sa_column=Column(Text, nullable=False))
    alias: str = Field(sa_column=Column(Text, nullable=False))
    settled: bool = Field(sa_column=Column(Boolean, nullable=False))
    noted_at: datetime = Field(sa_column=stamp(default_now=True))
