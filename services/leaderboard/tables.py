"""The tables of the leaderboard service."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Index, Integer, LargeBinary, Text, desc
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from chassis.tables import stamp


class Score(SQLModel, table=True):
    """A member's score on a board; the index is the board's order."""

    __tablename__ = "scores"
    __table_args__ = (
        CheckConstraint("score > 0 AND score < 9007199254740992", name="score_is_a_json_number"),
        Index("scores_order", "brand", "board", desc("score"), "reached_at", "member"),
    )

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    board: str = Field(sa_column=Column(Text, primary_key=True))
    member: str = Field(sa_column=Column(Text(collation="C"), primary_key=True))
    score: int = Field(sa_column=Column(BigInteger, nullable=False))
    reached_at: datetime = Field(sa_column=stamp())


class BoardSize(SQLModel, table=True):
    """How many members a board ranks: the sum over its stripes, one used by each process."""

    __tablename__ = "board_sizes"

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    board: str = Field(sa_column=Column(Text, primary_key=True))
    stripe: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    members: int = Field(sa_column=Column(BigInteger, nullable=False))


class ScratchPool(SQLModel, table=True):
    """A pool as it was published first, with its seed encrypted."""

    __tablename__ = "scratch_pools"

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    pool: str = Field(sa_column=Column(Text, primary_key=True))
    name: str = Field(sa_column=Column(Text, nullable=False))
    nothing_weight: int = Field(sa_column=Column(BigInteger, nullable=False))
    commitment: str = Field(sa_column=Column(Text, nullable=False))
    sealed_seed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    published_at: datetime = Field(sa_column=stamp(default_now=True))


class ScratchPrize(SQLModel, table=True):
    """A prize as it was published, and what is left of it."""

    __tablename__ = "scratch_prizes"
    __table_args__ = (
        CheckConstraint("weight > 0 AND stock > 0 AND amount > 0", name="prize_is_worth_something"),
        CheckConstraint("remaining >= 0 AND remaining <= stock", name="stock_is_never_exceeded"),
    )

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    pool: str = Field(sa_column=Column(Text, primary_key=True))
    id: str = Field(sa_column=Column(Text, primary_key=True))
    place: int = Field(sa_column=Column(Integer, nullable=False))
    name: str = Field(sa_column=Column(Text, nullable=False))
    weight: int = Field(sa_column=Column(BigInteger, nullable=False))
    stock: int = Field(sa_column=Column(BigInteger, nullable=False))
    currency: str = Field(sa_column=Column(Text, nullable=False))
    amount: int = Field(sa_column=Column(BigInteger, nullable=False))
    remaining: int = Field(sa_column=Column(BigInteger, nullable=False))


class ScratchCard(SQLModel, table=True):
    """A card; what gave it is its cause, from which its id follows."""

    __tablename__ = "scratch_cards"
    __table_args__ = (
        CheckConstraint("prize IS NULL OR revealed_at IS NOT NULL", name="prize_needs_a_reveal"),
        Index("scratch_cards_of_member", "brand", "member", desc("issued_at"), desc("card")),
    )

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    card: str = Field(sa_column=Column(Text(collation="C"), primary_key=True))
    pool: str = Field(sa_column=Column(Text, nullable=False))
    member: str = Field(sa_column=Column(Text, nullable=False))
    cause: str = Field(sa_column=Column(Text, nullable=False))
    issued_at: datetime = Field(sa_column=stamp())
    revealed_at: datetime | None = Field(sa_column=stamp(nullable=True))
    prize: str | None = Field(sa_column=Column(Text, nullable=True))


class Member(SQLModel, table=True):
    """What events told of a member; `leaderboards` is the consent to be shown, null when the member never said."""

    __tablename__ = "known_members"

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    member: str = Field(sa_column=Column(Text(collation="C"), primary_key=True))
    tier: str = Field(sa_column=Column(Text, nullable=False))
    leaderboards: bool | None = Field(sa_column=Column(Boolean, nullable=True))
    attributes: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    segments: list[str] = Field(sa_column=Column(JSONB, nullable=False))
