"""The tables of the missions service."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Boolean, CheckConstraint, Column, Index, Integer, LargeBinary, Text, text
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


class MemberMissions(SQLModel, table=True):
    """A member's missions: the state after the fact at `last_at` and `last_id`, in microseconds since 1970."""

    __tablename__ = "member_missions"

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    member: str = Field(sa_column=Column(Text(collation="C"), primary_key=True))
    state: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    last_at: int = Field(sa_column=Column(BigInteger, nullable=False))
    last_id: str = Field(sa_column=Column(Text, nullable=False))
    checkpoint_at: int = Field(sa_column=Column(BigInteger, nullable=False))


class MissionFact(SQLModel, table=True):
    """Something that moved a member's missions, as long as it may have to be folded anew; `activity` is what it was."""

    __tablename__ = "mission_facts"

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    member: str = Field(sa_column=Column(Text(collation="C"), primary_key=True))
    at: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    id: str = Field(sa_column=Column(Text(collation="C"), primary_key=True))
    version: int = Field(sa_column=Column(Integer, nullable=False))
    body: list[Any] = Field(sa_column=Column(JSON, nullable=False))
    activity: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class MissionCheckpoint(SQLModel, table=True):
    """A member's state behind a fact, from which later ones are folded anew."""

    __tablename__ = "mission_checkpoints"

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    member: str = Field(sa_column=Column(Text(collation="C"), primary_key=True))
    at: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    id: str = Field(sa_column=Column(Text(collation="C"), primary_key=True))
    state: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))


class MissionCounter(SQLModel, table=True):
    """How much of a mission's limit for all members is used."""

    __tablename__ = "mission_counters"
    __table_args__ = (CheckConstraint("value >= 0", name="counted"),)

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    name: str = Field(sa_column=Column(Text(collation="C"), primary_key=True))
    value: int = Field(sa_column=Column(BigInteger, nullable=False))


class Completion(SQLModel, table=True):
    """A run of a mission that was finished, and what became of its rewards. `activity` is what finished it.

    One that a refund or a late activity took away again is `retracted`.
    """

    __tablename__ = "completions"
    __table_args__ = (
        CheckConstraint(
            "state = 'due' OR state = 'claimable' OR state = 'paid' OR state = 'exhausted'", name="known_state"
        ),
        Index("completions_due", "brand", "completed_at", postgresql_where=text("state = 'due' AND NOT retracted")),
    )

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    member: str = Field(sa_column=Column(Text, primary_key=True))
    mission: str = Field(sa_column=Column(Text, primary_key=True))
    run: str = Field(sa_column=Column(Text, primary_key=True))
    activity: str = Field(sa_column=Column(Text, nullable=False))
    completed_at: datetime = Field(sa_column=stamp())
    programme_version: int = Field(sa_column=Column(Integer, nullable=False))
    recorded_at: datetime = Field(sa_column=stamp(default_now=True))
    state: str = Field(sa_column=Column(Text, nullable=False))
    retracted: bool = Field(sa_column=Column(Boolean, nullable=False, server_default=text("false")))
    claim_until: datetime | None = Field(sa_column=stamp(nullable=True))
    settled_at: datetime | None = Field(sa_column=stamp(nullable=True))


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
