"""The tables of the missions service."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from chassis.tables import stamp


class MissionMember(SQLModel, table=True):
    """What missions keeps of a member, as events told.

    `consents` are by purpose, as far as the member said; `attributes` the
    shared ones; `segments` those that the recommender told.
    """

    __tablename__ = "mission_members"

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    member: str = Field(sa_column=Column(Text(collation="C"), primary_key=True))
    enrolled_at: datetime | None = Field(sa_column=stamp(nullable=True))
    tier: str = Field(sa_column=Column(Text, nullable=False))
    consents: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    attributes: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    segments: list[str] = Field(sa_column=Column(JSONB, nullable=False))


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
