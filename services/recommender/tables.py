"""The tables of the recommender service."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKeyConstraint,
    Index,
    Integer,
    Numeric,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel

from chassis.tables import stamp


class Profile(SQLModel, table=True):
    """What a member's activities say. The amount's sum has no bound, so that no activity can break it."""

    __tablename__ = "profiles"

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    member: str = Field(sa_column=Column(Text, primary_key=True))
    activities: int = Field(sa_column=Column(BigInteger, nullable=False))
    amount: Decimal = Field(sa_column=Column(Numeric(scale=0, precision=40), nullable=False))
    first_at: datetime | None = Field(sa_column=stamp(nullable=True))
    last_at: datetime | None = Field(sa_column=stamp(nullable=True))
    tier: str = Field(sa_column=Column(Text, nullable=False))
    tier_event: int = Field(sa_column=Column(BigInteger, nullable=False))


class Model(SQLModel, table=True):
    """What is believed about a reward in a slot; `precision` is a matrix, row by row.

    `version` numbers the committed states, `updates` counts the outcomes learnt.
    """

    __tablename__ = "models"
    __table_args__ = (CheckConstraint("updates >= 0", name="updates_are_counted"),)

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    slot: str = Field(sa_column=Column(Text, primary_key=True))
    reward: str = Field(sa_column=Column(Text, primary_key=True))
    version: int = Field(sa_column=Column(Integer, nullable=False))
    mean: list[float] = Field(sa_column=Column(ARRAY(Double), nullable=False))
    precision: list[float] = Field(sa_column=Column(ARRAY(Double), nullable=False))
    updates: int = Field(sa_column=Column(BigInteger, nullable=False))


class Decision(SQLModel, table=True):
    """A choice with the probability that it had; append-only.

    `place` is the choice's place in its answer, from 0. The features and the
    versions say what it was decided on.
    """

    __tablename__ = "decisions"
    __table_args__ = (
        CheckConstraint("propensity > 0 AND propensity <= 1", name="propensity_is_a_probability"),
        Index("decisions_of_reward", "brand", "slot", "reward"),
        Index("decisions_of_member", "brand", "member"),
    )

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    decision: str = Field(sa_column=Column(Text, primary_key=True))
    member: str = Field(sa_column=Column(Text, nullable=False))
    slot: str = Field(sa_column=Column(Text, nullable=False))
    reward: str = Field(sa_column=Column(Text, nullable=False))
    place: int = Field(sa_column=Column(Integer, nullable=False))
    propensity: float = Field(sa_column=Column(Double, nullable=False))
    explored: bool = Field(sa_column=Column(Boolean, nullable=False))
    features: list[float] = Field(sa_column=Column(ARRAY(Double), nullable=False))
    model_version: int = Field(sa_column=Column(Integer, nullable=False))
    programme_version: int = Field(sa_column=Column(Integer, nullable=False))
    decided_at: datetime = Field(sa_column=stamp())


class Outcome(SQLModel, table=True):
    """What became of a decision; append-only. `updates` is its place in what the model has learnt, from 1."""

    __tablename__ = "outcomes"
    __table_args__ = (
        ForeignKeyConstraint(["brand", "decision"], ["decisions.brand", "decisions.decision"]),
        UniqueConstraint("brand", "slot", "reward", "updates", name="outcomes_in_order"),
        CheckConstraint("value >= 0 AND value <= 1", name="value_within_bounds"),
    )

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    decision: str = Field(sa_column=Column(Text, primary_key=True))
    slot: str = Field(sa_column=Column(Text, nullable=False))
    reward: str = Field(sa_column=Column(Text, nullable=False))
    value: float = Field(sa_column=Column(Double, nullable=False))
    updates: int = Field(sa_column=Column(BigInteger, nullable=False))
    recorded_at: datetime = Field(sa_column=stamp(default_now=True))
