"""The tables of the recommender service."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    Text,
    UniqueConstraint,
    desc,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
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


class Decision(SQLModel, table=True):
    """A choice with the probability that it had; append-only.

    `place` is the choice's place in its answer, from 0. `basis` says what made
    it, `policy` which policy was live, `among` what it chose from; `intended`
    is what the policy would have chosen where it did not. The features, the
    programme's version, and the model's epoch and lessons say what it was
    decided on. `taken` is what it took of budgets: lists of counter, period
    and amount.
    """

    __tablename__ = "decisions"
    __table_args__ = (
        CheckConstraint("propensity > 0 AND propensity <= 1", name="propensity_is_a_probability"),
        Index("decisions_of_reward", "brand", "slot", "choice"),
        Index("decisions_of_member", "brand", "member"),
        Index("decisions_of_slot", "brand", "slot", desc("decided_at")),
    )

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    decision: str = Field(sa_column=Column(Text, primary_key=True))
    member: str = Field(sa_column=Column(Text, nullable=False))
    slot: str = Field(sa_column=Column(Text, nullable=False))
    choice: str = Field(sa_column=Column(Text, nullable=False))
    place: int = Field(sa_column=Column(Integer, nullable=False))
    propensity: float = Field(sa_column=Column(Double, nullable=False))
    explored: bool = Field(sa_column=Column(Boolean, nullable=False))
    features: list[float] = Field(sa_column=Column(ARRAY(Double), nullable=False))
    epoch: int = Field(sa_column=Column(Integer, nullable=False))
    programme_version: int = Field(sa_column=Column(Integer, nullable=False))
    decided_at: datetime = Field(sa_column=stamp())
    basis: str = Field(sa_column=Column(Text, nullable=False, server_default="policy"))
    policy: str = Field(sa_column=Column(Text, nullable=False, server_default=""))
    intended: str = Field(sa_column=Column(Text, nullable=False, server_default=""))
    intended_propensity: float = Field(sa_column=Column(Double, nullable=False, server_default="0"))
    among: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False, server_default="{}"))
    lessons: int = Field(sa_column=Column(BigInteger, nullable=False, server_default="0"))
    teaches: bool = Field(sa_column=Column(Boolean, nullable=False, server_default="true"))
    value_most: float = Field(sa_column=Column(Double, nullable=False, server_default="1"))
    due_at: datetime = Field(sa_column=stamp())
    taken: Any = Field(sa_column=Column(JSONB, nullable=False, server_default="[]"))


class Outcome(SQLModel, table=True):
    """What became of a decision; append-only.

    `scaled` is the value over the slot's `value_most`, `lesson` its place in
    what the slot learnt, from 1; null for one that teaches nothing. `cause` is
    what reported it: empty for a caller and for the time-out.
    """

    __tablename__ = "outcomes"
    __table_args__ = (
        ForeignKeyConstraint(["brand", "decision"], ["decisions.brand", "decisions.decision"]),
        UniqueConstraint("brand", "slot", "lesson", name="outcomes_in_order"),
        CheckConstraint("value >= 0 AND scaled >= 0 AND scaled <= 1", name="value_within_bounds"),
    )

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    decision: str = Field(sa_column=Column(Text, primary_key=True))
    slot: str = Field(sa_column=Column(Text, nullable=False))
    choice: str = Field(sa_column=Column(Text, nullable=False))
    value: float = Field(sa_column=Column(Double, nullable=False))
    recorded_at: datetime = Field(sa_column=stamp(default_now=True))
    scaled: float = Field(sa_column=Column(Double, nullable=False))
    defaulted: bool = Field(sa_column=Column(Boolean, nullable=False, server_default="false"))
    lesson: int | None = Field(sa_column=Column(BigInteger, nullable=True))
    cause: str = Field(sa_column=Column(Text, nullable=False, server_default=""))


class Pending(SQLModel, table=True):
    """A decision whose outcome is not known yet."""

    __tablename__ = "pending"
    __table_args__ = (
        ForeignKeyConstraint(["brand", "decision"], ["decisions.brand", "decisions.decision"], ondelete="CASCADE"),
        Index("pending_of_member", "brand", "member", "slot", "decided_at"),
        Index("pending_by_due", "brand", "due_at"),
    )

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    decision: str = Field(sa_column=Column(Text, primary_key=True))
    member: str = Field(sa_column=Column(Text, nullable=False))
    slot: str = Field(sa_column=Column(Text, nullable=False))
    choice: str = Field(sa_column=Column(Text, nullable=False))
    decided_at: datetime = Field(sa_column=stamp())
    due_at: datetime = Field(sa_column=stamp())


class LateOutcome(SQLModel, table=True):
    """What was reported of a decision after it had counted as 0; append-only."""

    __tablename__ = "late_outcomes"
    __table_args__ = (
        ForeignKeyConstraint(["brand", "decision"], ["outcomes.brand", "outcomes.decision"], ondelete="CASCADE"),
    )

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    decision: str = Field(sa_column=Column(Text, primary_key=True))
    value: float = Field(sa_column=Column(Double, nullable=False))
    reported_at: datetime = Field(sa_column=stamp())


class SlotCounter(SQLModel, table=True):
    """What is taken of a budget (no owner), or how often a member was offered something."""

    __tablename__ = "slot_counters"
    __table_args__ = (
        CheckConstraint("value >= 0", name="counts_are_not_negative"),
        Index("slot_counters_of_owner", "brand", "owner"),
    )

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    name: str = Field(sa_column=Column(Text, primary_key=True))
    owner: str = Field(sa_column=Column(Text, primary_key=True))
    period: str = Field(sa_column=Column(Text, primary_key=True))
    value: int = Field(sa_column=Column(BigInteger, nullable=False, server_default="0"))


class Learner(SQLModel, table=True):
    """How far a slot's stream of outcomes has come, and which policy is live in it.

    `epoch` counts how often its model was restored, `version` its written
    versions, of which the newest has `kept` lessons.
    """

    __tablename__ = "learners"

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    slot: str = Field(sa_column=Column(Text, primary_key=True))
    lessons: int = Field(sa_column=Column(BigInteger, nullable=False, server_default="0"))
    epoch: int = Field(sa_column=Column(Integer, nullable=False, server_default="0"))
    version: int = Field(sa_column=Column(Integer, nullable=False, server_default="0"))
    kept: int = Field(sa_column=Column(BigInteger, nullable=False, server_default="0"))
    policy: str = Field(sa_column=Column(Text, nullable=False, server_default=""))
    configuration: bytes = Field(sa_column=Column(LargeBinary, nullable=False, server_default=""))


class ModelVersion(SQLModel, table=True):
    """What a slot had learnt after so many lessons, exactly; append-only."""

    __tablename__ = "model_versions"
    __table_args__ = (UniqueConstraint("brand", "slot", "key"),)

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    slot: str = Field(sa_column=Column(Text, primary_key=True))
    version: int = Field(sa_column=Column(Integer, primary_key=True))
    epoch: int = Field(sa_column=Column(Integer, nullable=False))
    lessons: int = Field(sa_column=Column(BigInteger, nullable=False))
    state: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    restored_from: int = Field(sa_column=Column(Integer, nullable=False))
    key: str | None = Field(sa_column=Column(Text, nullable=True))
    made_at: datetime = Field(sa_column=stamp())


class Candidate(SQLModel, table=True):
    """A candidate for a slot's policy; append-only."""

    __tablename__ = "candidates"

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    slot: str = Field(sa_column=Column(Text, primary_key=True))
    candidate: str = Field(sa_column=Column(Text, primary_key=True))
    configuration: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    created_by: str = Field(sa_column=Column(Text, nullable=False))
    created_at: datetime = Field(sa_column=stamp())


class Promotion(SQLModel, table=True):
    """A candidate that was promoted, on which evaluation, and why without one that proves it; append-only."""

    __tablename__ = "promotions"
    __table_args__ = (
        ForeignKeyConstraint(
            ["brand", "slot", "candidate"], ["candidates.brand", "candidates.slot", "candidates.candidate"]
        ),
    )

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    slot: str = Field(sa_column=Column(Text, primary_key=True))
    number: int = Field(sa_column=Column(Integer, primary_key=True))
    candidate: str = Field(sa_column=Column(Text, nullable=False))
    evaluation: bytes | None = Field(sa_column=Column(LargeBinary, nullable=True))
    override_reason: str = Field(sa_column=Column(Text, nullable=False))
    promoted_by: str = Field(sa_column=Column(Text, nullable=False))
    promoted_at: datetime = Field(sa_column=stamp())
