"""The tables of the missions service."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, Text
from sqlmodel import Field, SQLModel

from chassis.tables import stamp


class Progress(SQLModel, table=True):
    """How far a member is in a mission. A row is there from the first activity that counts.

    `target` is the one it was last decided under, so that the row says by
    itself whether it is complete.
    """

    __tablename__ = "progress"
    __table_args__ = (
        CheckConstraint("progress BETWEEN 0 AND target", name="progress_within_target"),
        CheckConstraint("(completed_at IS NOT NULL) = (progress = target)", name="complete_at_target"),
    )

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    member: str = Field(sa_column=Column(Text, primary_key=True))
    mission: str = Field(sa_column=Column(Text, primary_key=True))
    progress: int = Field(sa_column=Column(BigInteger, nullable=False))
    target: int = Field(sa_column=Column(BigInteger, nullable=False))
    completed_at: datetime | None = Field(sa_column=stamp(nullable=True))


class Completion(SQLModel, table=True):
    """A finished mission; append-only. `activity` is the one that finished it."""

    __tablename__ = "completions"

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    member: str = Field(sa_column=Column(Text, primary_key=True))
    mission: str = Field(sa_column=Column(Text, primary_key=True))
    activity: str = Field(sa_column=Column(Text, nullable=False))
    completed_at: datetime = Field(sa_column=stamp())
    programme_version: int = Field(sa_column=Column(Integer, nullable=False))
    recorded_at: datetime = Field(sa_column=stamp(default_now=True))


class Badge(SQLModel, table=True):
    """A badge that a member has; append-only. `mission` is the one that gave it."""

    __tablename__ = "badges"
    __table_args__ = (Index("badges_holders", "brand", "badge"),)

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    member: str = Field(sa_column=Column(Text, primary_key=True))
    badge: str = Field(sa_column=Column(Text, primary_key=True))
    mission: str = Field(sa_column=Column(Text, nullable=False))
    earned_at: datetime = Field(sa_column=stamp())
    recorded_at: datetime = Field(sa_column=stamp(default_now=True))
