"""The tables of the leaderboard service."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    desc,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from chassis.tables import stamp


class Score(SQLModel, table=True):
    """A member's score in a board's period, and how often it was moved."""

    __tablename__ = "scores"
    __table_args__ = (
        CheckConstraint(
            "abs(score) < 9007199254740992 AND abs(sub_score) < 9007199254740992", name="score_is_a_json_number"
        ),
        Index("scores_of_member", "brand", "member"),
    )

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    board: str = Field(sa_column=Column(Text, primary_key=True))
    period: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    member: str = Field(sa_column=Column(Text(collation="C"), primary_key=True))
    score: int = Field(sa_column=Column(BigInteger, nullable=False))
    sub_score: int = Field(sa_column=Column(BigInteger, nullable=False))
    reached_at: datetime = Field(sa_column=stamp())
    moves: int = Field(sa_column=Column(BigInteger, nullable=False))
    window_at: int = Field(sa_column=Column(BigInteger, nullable=False))
    window_count: int = Field(sa_column=Column(Integer, nullable=False))
    seen: dict[str, int] | None = Field(sa_column=Column(JSONB, nullable=True))


class BoardFact(SQLModel, table=True):
    """What moved a score."""

    __tablename__ = "board_facts"

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    board: str = Field(sa_column=Column(Text, primary_key=True))
    period: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    member: str = Field(sa_column=Column(Text(collation="C"), primary_key=True))
    id: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    score: int = Field(sa_column=Column(BigInteger, nullable=False))
    sub_score: int = Field(sa_column=Column(BigInteger, nullable=False))
    occurred_at: datetime = Field(sa_column=stamp())
    value: str = Field(sa_column=Column(Text, nullable=False))
    source: int = Field(sa_column=Column(SmallInteger, nullable=False))


class BoardPeriod(SQLModel, table=True):
    """A period that had a score: how far it is, and how much of its standing is written down."""

    __tablename__ = "board_periods"
    __table_args__ = (
        CheckConstraint("archived >= 0 AND archived <= members", name="archived_is_within_members"),
        Index("board_periods_due", "closes_at", postgresql_where=text("state < 3 AND closes_at IS NOT NULL")),
    )

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    board: str = Field(sa_column=Column(Text, primary_key=True))
    period: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    ends_at: datetime | None = Field(sa_column=stamp(nullable=True))
    closes_at: datetime | None = Field(sa_column=stamp(nullable=True))
    state: int = Field(sa_column=Column(SmallInteger, nullable=False))
    members: int = Field(sa_column=Column(BigInteger, nullable=False))
    archived: int = Field(sa_column=Column(BigInteger, nullable=False))
    version: int = Field(sa_column=Column(Integer, nullable=False))
    closed_at: datetime | None = Field(sa_column=stamp(nullable=True))


class BoardStanding(SQLModel, table=True):
    """A place in a closed period."""

    __tablename__ = "board_standings"
    __table_args__ = (Index("board_standings_of_member", "brand", "member", "period", "board", unique=True),)

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    board: str = Field(sa_column=Column(Text, primary_key=True))
    period: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    place: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    rank: int = Field(sa_column=Column(BigInteger, nullable=False))
    member: str = Field(sa_column=Column(Text(collation="C"), nullable=False))
    score: int = Field(sa_column=Column(BigInteger, nullable=False))
    sub_score: int = Field(sa_column=Column(BigInteger, nullable=False))
    reached_at: datetime = Field(sa_column=stamp())


class BoardGroup(SQLModel, table=True):
    """A group within a board, in a period that closes or is closed: its members, its own place, how many it gave to."""

    __tablename__ = "board_groups"
    __table_args__ = (
        CheckConstraint("rewarded >= 0 AND rewarded <= members", name="rewarded_is_within_members"),
        Index(
            "board_groups_places",
            "brand",
            "board",
            "period",
            "scope",
            "place",
            unique=True,
            postgresql_where=text("place IS NOT NULL"),
        ),
    )

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    board: str = Field(sa_column=Column(Text, primary_key=True))
    period: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    scope: str = Field(sa_column=Column(Text(collation="C"), primary_key=True))
    group_id: str = Field(sa_column=Column(Text(collation="C"), primary_key=True))
    members: int = Field(sa_column=Column(BigInteger, nullable=False))
    score: int | None = Field(sa_column=Column(BigInteger, nullable=True))
    place: int | None = Field(sa_column=Column(BigInteger, nullable=True))
    rank: int | None = Field(sa_column=Column(BigInteger, nullable=True))
    rewarded: int = Field(sa_column=Column(BigInteger, nullable=False))


class GroupStanding(SQLModel, table=True):
    """A place in a group in a closed period."""

    __tablename__ = "group_standings"
    __table_args__ = (
        Index("group_standings_of_member", "brand", "member", "period", "board", "scope", "group_id", unique=True),
    )

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    board: str = Field(sa_column=Column(Text, primary_key=True))
    period: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    scope: str = Field(sa_column=Column(Text(collation="C"), primary_key=True))
    group_id: str = Field(sa_column=Column(Text(collation="C"), primary_key=True))
    place: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    rank: int = Field(sa_column=Column(BigInteger, nullable=False))
    member: str = Field(sa_column=Column(Text(collation="C"), nullable=False))
    score: int = Field(sa_column=Column(BigInteger, nullable=False))
    sub_score: int = Field(sa_column=Column(BigInteger, nullable=False))
    reached_at: datetime = Field(sa_column=stamp())


class BoardRemoval(SQLModel, table=True):
    """A member who was taken off a board, or was and is back."""

    __tablename__ = "board_removals"
    __table_args__ = (Index("board_removals_of_member", "brand", "member"),)

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    board: str = Field(sa_column=Column(Text, primary_key=True))
    member: str = Field(sa_column=Column(Text(collation="C"), primary_key=True))
    removed: bool = Field(sa_column=Column(Boolean, nullable=False))
    reason: str = Field(sa_column=Column(Text, nullable=False))
    changed_at: datetime = Field(sa_column=stamp())


class BoardChange(SQLModel, table=True):
    """What a transaction changed of boards, for the replicas' ranks; kept for a minute."""

    __tablename__ = "board_changes"
    __table_args__ = (Index("board_changes_by_transaction", "transaction"),)

    brand: str = Field(sa_column=Column(Text, nullable=False))
    id: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    transaction: int = Field(
        sa_column=Column(BigInteger, nullable=False, server_default=text("((pg_current_xact_id())::text)::bigint"))
    )
    made_at: datetime = Field(sa_column=stamp(default_now=True))
    changes: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class RankTold(SQLModel, table=True):
    """The best rank of a member in a period that was told while it was open."""

    __tablename__ = "ranks_told"
    __table_args__ = (
        CheckConstraint("rank > 0", name="rank_counts_from_one"),
        Index("ranks_told_of_member", "brand", "member"),
    )

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    board: str = Field(sa_column=Column(Text, primary_key=True))
    period: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    member: str = Field(sa_column=Column(Text(collation="C"), primary_key=True))
    rank: int = Field(sa_column=Column(BigInteger, nullable=False))
    told_at: datetime = Field(sa_column=stamp())


class Answer(SQLModel, table=True):
    """What was answered to a request under a key."""

    __tablename__ = "answers"
    __table_args__ = (Index("answers_of_member", "brand", "member"),)

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    key: str = Field(sa_column=Column(Text, primary_key=True))
    member: str = Field(sa_column=Column(Text, nullable=False))
    digest: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    answer: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    answered_at: datetime = Field(sa_column=stamp(default_now=True))


class ScratchPool(SQLModel, table=True):
    """A pool as it was published first, with its seed encrypted; `scheme` says how its cards are drawn."""

    __tablename__ = "scratch_pools"

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    pool: str = Field(sa_column=Column(Text, primary_key=True))
    name: str = Field(sa_column=Column(Text, nullable=False))
    nothing_weight: int = Field(sa_column=Column(BigInteger, nullable=False))
    commitment: str = Field(sa_column=Column(Text, nullable=False))
    sealed_seed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    published_at: datetime = Field(sa_column=stamp(default_now=True))
    scheme: int = Field(sa_column=Column(Integer, nullable=False))
    table_text: str = Field(sa_column=Column(Text, nullable=False))
    root: str = Field(sa_column=Column(Text, nullable=False))


class ScratchPoolState(SQLModel, table=True):
    """How far a pool is: cards given and revealed, budget spent, positions taken, the link of the last draw."""

    __tablename__ = "scratch_pool_states"
    __table_args__ = (
        CheckConstraint("revealed >= 0 AND revealed <= issued AND spent >= 0", name="reveals_are_of_cards"),
        Index("scratch_pools_to_close", "closes_at", postgresql_where=text("closed_at IS NULL")),
    )

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    pool: str = Field(sa_column=Column(Text(collation="C"), primary_key=True))
    issued: int = Field(sa_column=Column(BigInteger, nullable=False))
    revealed: int = Field(sa_column=Column(BigInteger, nullable=False))
    spent: int = Field(sa_column=Column(BigInteger, nullable=False))
    head: str = Field(sa_column=Column(Text, nullable=False))
    taken: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    closes_at: datetime | None = Field(sa_column=stamp(nullable=True))
    closed_at: datetime | None = Field(sa_column=stamp(nullable=True))


class ScratchPrize(SQLModel, table=True):
    """A prize as it was published, and what is left of it."""

    __tablename__ = "scratch_prizes"
    __table_args__ = (
        CheckConstraint("weight >= 0 AND stock > 0 AND amount >= 0", name="prize_is_worth_something"),
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
    """A card; its id follows from what gave it, its cause. `draw` is null before the reveal and in scheme 1."""

    __tablename__ = "scratch_cards"
    __table_args__ = (
        CheckConstraint("prize IS NULL OR revealed_at IS NOT NULL", name="prize_needs_a_reveal"),
        CheckConstraint("draw IS NULL OR revealed_at IS NOT NULL", name="draw_needs_a_reveal"),
        Index("scratch_cards_of_member", "brand", "member", desc("issued_at"), desc("card")),
        Index("scratch_cards_numbers", "brand", "pool", "number", unique=True),
        Index("scratch_cards_draws", "brand", "pool", "draw", unique=True, postgresql_where=text("draw IS NOT NULL")),
    )

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    card: str = Field(sa_column=Column(Text(collation="C"), primary_key=True))
    pool: str = Field(sa_column=Column(Text, nullable=False))
    member: str = Field(sa_column=Column(Text, nullable=False))
    cause: str = Field(sa_column=Column(Text, nullable=False))
    issued_at: datetime = Field(sa_column=stamp())
    revealed_at: datetime | None = Field(sa_column=stamp(nullable=True))
    prize: str | None = Field(sa_column=Column(Text, nullable=True))
    number: int = Field(sa_column=Column(BigInteger, nullable=False))
    expires_at: datetime | None = Field(sa_column=stamp(nullable=True))
    own_seed: str = Field(sa_column=Column(Text, nullable=False))
    draw: int | None = Field(sa_column=Column(BigInteger, nullable=True))
    position: int | None = Field(sa_column=Column(Integer, nullable=True))
    link: str = Field(sa_column=Column(Text, nullable=False))
    parked_code: str = Field(sa_column=Column(Text, nullable=False))
    parked_detail: str = Field(sa_column=Column(Text, nullable=False))


class ScratchCount(SQLModel, table=True):
    """How many cards a pool gave on a day, or ever ("" as day), to a member or to all ("" as member)."""

    __tablename__ = "scratch_counts"
    __table_args__ = (Index("scratch_counts_of_member", "brand", "member"),)

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    pool: str = Field(sa_column=Column(Text(collation="C"), primary_key=True))
    member: str = Field(sa_column=Column(Text(collation="C"), primary_key=True))
    day: str = Field(sa_column=Column(Text(collation="C"), primary_key=True))
    cards: int = Field(sa_column=Column(BigInteger, nullable=False))


class ScratchDeckTile(SQLModel, table=True):
    """Hashes of the tree over a deck's leaves, up to 256 side by side, from which proofs are made."""

    __tablename__ = "scratch_deck_tiles"

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    pool: str = Field(sa_column=Column(Text, primary_key=True))
    level: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    number: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    hashes: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class ParkedCard(SQLModel, table=True):
    """A card that was granted under a key and could not be given, and what was decided of it."""

    __tablename__ = "parked_cards"
    __table_args__ = (
        Index("parked_cards_of_member", "brand", "member"),
        Index("parked_cards_by_id", "brand", "parked", unique=True),
        Index("parked_cards_by_state", "brand", "state", "occurred_at", "key", "place"),
        Index(
            "parked_cards_decisions",
            "brand",
            "decision_key",
            unique=True,
            postgresql_where=text("decision_key <> ''::text"),
        ),
    )

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    key: str = Field(sa_column=Column(Text(collation="C"), primary_key=True))
    place: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    member: str = Field(sa_column=Column(Text, nullable=False))
    pool: str = Field(sa_column=Column(Text, nullable=False))
    code: str = Field(sa_column=Column(Text, nullable=False))
    detail: str = Field(sa_column=Column(Text, nullable=False))
    occurred_at: datetime = Field(sa_column=stamp())
    parked: str = Field(
        sa_column=Column(Text, Computed("md5(key || '#' || place::text)", persisted=True), nullable=False)
    )
    state: int = Field(sa_column=Column(SmallInteger, nullable=False, server_default=text("1")))
    decided_at: datetime | None = Field(sa_column=stamp(nullable=True))
    card: str = Field(sa_column=Column(Text, nullable=False, server_default=text("''")))
    decision_key: str = Field(sa_column=Column(Text(collation="C"), nullable=False, server_default=text("''")))
    decision_digest: bytes = Field(sa_column=Column(LargeBinary, nullable=False, server_default=text("''")))
    note: str = Field(sa_column=Column(Text, nullable=False, server_default=text("''")))


class Member(SQLModel, table=True):
    """What events told of a member; `leaderboards` is the consent to be shown, null when the member never said."""

    __tablename__ = "known_members"

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    member: str = Field(sa_column=Column(Text(collation="C"), primary_key=True))
    tier: str = Field(sa_column=Column(Text, nullable=False))
    leaderboards: bool | None = Field(sa_column=Column(Boolean, nullable=True))
    attributes: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    segments: list[str] = Field(sa_column=Column(JSONB, nullable=False))


class League(SQLModel, table=True):
    """How far a league is, and how its cohorts are filled; `due_at` is when there is something to do for it."""

    __tablename__ = "leagues"
    __table_args__ = (
        CheckConstraint("state >= 1 AND state <= 4", name="league_state_is_known"),
        Index("leagues_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    )

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    league: str = Field(sa_column=Column(Text(collation="C"), primary_key=True))
    period: int = Field(sa_column=Column(BigInteger, nullable=False))
    ends_at: datetime = Field(sa_column=stamp())
    closes_at: datetime = Field(sa_column=stamp())
    due_at: datetime | None = Field(sa_column=stamp(nullable=True))
    state: int = Field(sa_column=Column(SmallInteger, nullable=False))
    version: int = Field(sa_column=Column(Integer, nullable=False))
    filling: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))


class LeagueMember(SQLModel, table=True):
    """A member's division in a league, "" for none, and the last period that was closed for them."""

    __tablename__ = "league_members"
    __table_args__ = (
        Index("league_members_of_member", "brand", "member"),
        Index(
            "league_members_to_settle",
            "brand",
            "league",
            "settled",
            "member",
            postgresql_where=text("division <> ''"),
        ),
    )

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    league: str = Field(sa_column=Column(Text(collation="C"), primary_key=True))
    member: str = Field(sa_column=Column(Text(collation="C"), primary_key=True))
    division: str = Field(sa_column=Column(Text, nullable=False))
    skill: int | None = Field(sa_column=Column(BigInteger, nullable=True))
    idle: int = Field(sa_column=Column(Integer, nullable=False))
    settled: int = Field(sa_column=Column(BigInteger, nullable=False))
    takes_part: bool | None = Field(sa_column=Column(Boolean, nullable=True))


class LeagueSeat(SQLModel, table=True):
    """A seat in a cohort of a period, and what came of it when that was closed; `outcome` is 0 before."""

    __tablename__ = "league_seats"
    __table_args__ = (
        CheckConstraint("cohort > 0 AND number > 0 AND number <= 1000", name="seat_is_in_a_cohort"),
        CheckConstraint("rank = 0 OR outcome > 0", name="rank_needs_an_outcome"),
        Index("league_seats_of_cohort", "brand", "league", "period", "division", "cohort", "number", unique=True),
        Index("league_seats_of_member", "brand", "member", "period", "league", unique=True),
        Index(
            "league_seats_to_settle",
            "brand",
            "league",
            "period",
            "division",
            "cohort",
            postgresql_where=text("outcome = 0"),
        ),
    )

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    league: str = Field(sa_column=Column(Text(collation="C"), primary_key=True))
    period: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    member: str = Field(sa_column=Column(Text(collation="C"), primary_key=True))
    division: str = Field(sa_column=Column(Text(collation="C"), nullable=False))
    cohort: int = Field(sa_column=Column(Integer, nullable=False))
    number: int = Field(sa_column=Column(Integer, nullable=False))
    joined_at: datetime = Field(sa_column=stamp())
    rank: int = Field(sa_column=Column(Integer, nullable=False))
    score: int = Field(sa_column=Column(BigInteger, nullable=False))
    outcome: int = Field(sa_column=Column(SmallInteger, nullable=False))
    to_division: str = Field(sa_column=Column(Text, nullable=False))


class LeagueWaiting(SQLModel, table=True):
    """A member who is seated when a period opens, in the order of `id`."""

    __tablename__ = "league_waiting"
    __table_args__ = (
        Index("league_waiting_in_order", "brand", "league", "period", "id"),
        Index("league_waiting_of_member", "brand", "member"),
    )

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    league: str = Field(sa_column=Column(Text(collation="C"), primary_key=True))
    period: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    member: str = Field(sa_column=Column(Text(collation="C"), primary_key=True))
    id: int = Field(sa_column=Column(BigInteger, Identity(always=True), nullable=False))
    ends_at: datetime = Field(sa_column=stamp())
    joined_at: datetime = Field(sa_column=stamp())


class LeaguePeriod(SQLModel, table=True):
    """A closed period of a league."""

    __tablename__ = "league_periods"

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    league: str = Field(sa_column=Column(Text(collation="C"), primary_key=True))
    period: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    ended_at: datetime = Field(sa_column=stamp())
    closed_at: datetime = Field(sa_column=stamp())
    version: int = Field(sa_column=Column(Integer, nullable=False))
    members: int = Field(sa_column=Column(BigInteger, nullable=False))
    promoted: int = Field(sa_column=Column(BigInteger, nullable=False))
    demoted: int = Field(sa_column=Column(BigInteger, nullable=False))
