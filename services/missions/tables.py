"""The tables of the missions service."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from chassis.tables import stamp


class MissionMember(SQLModel, table=True):
    """What missions keeps of a member, as events told.

    `consents` are by purpose, as far as the member said; `attributes` the
    shared ones; `segments` those that the recommender told; `noted_at` is when
    the member was first heard of.
    """

    __tablename__ = "mission_members"
    __table_args__ = (Index("mission_members_joined", "brand", "enrolled_at", "member"),)

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    member: str = Field(sa_column=Column(Text(collation="C"), primary_key=True))
    enrolled_at: datetime | None = Field(sa_column=stamp(nullable=True))
    tier: str = Field(sa_column=Column(Text, nullable=False))
    consents: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    attributes: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    segments: list[str] = Field(sa_column=Column(JSONB, nullable=False))
    noted_at: datetime = Field(sa_column=stamp(default_now=True))


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


class CampaignHours(SQLModel, table=True):
    """A member's best hour as it was last predicted; -1 when it is not known."""

    __tablename__ = "campaign_hours"
    __table_args__ = (CheckConstraint("best_hour BETWEEN -1 AND 23", name="best_hour_of_day"),)

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    member: str = Field(sa_column=Column(Text, primary_key=True))
    best_hour: int = Field(sa_column=Column(Integer, nullable=False))


class CampaignSeen(SQLModel, table=True):
    """When a member first and last did an activity of a type; `noted_at` is when that was heard."""

    __tablename__ = "campaign_seen"
    __table_args__ = (
        CheckConstraint("first_at <= last_at", name="seen_in_order"),
        Index("campaign_seen_last", "brand", "type", "last_at", "member"),
    )

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    member: str = Field(sa_column=Column(Text, primary_key=True))
    type: str = Field(sa_column=Column(Text, primary_key=True))
    first_at: datetime = Field(sa_column=stamp())
    last_at: datetime = Field(sa_column=stamp())
    noted_at: datetime = Field(sa_column=stamp())


class CampaignCounter(SQLModel, table=True):
    """What caps, limits and budgets are kept by; `owner` is the member, or empty for all together."""

    __tablename__ = "campaign_counters"
    __table_args__ = (CheckConstraint("value >= 0", name="campaign_counters_value"),)

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    owner: str = Field(sa_column=Column(Text, primary_key=True))
    name: str = Field(sa_column=Column(Text, primary_key=True))
    period: str = Field(sa_column=Column(Text, primary_key=True))
    value: int = Field(sa_column=Column(BigInteger, nullable=False))


class CampaignTrigger(SQLModel, table=True):
    """What became of a trigger that held; append-only. `effects` are kinds, separated by spaces."""

    __tablename__ = "campaign_triggers"
    __table_args__ = (
        CheckConstraint("(outcome = 3) = (reason > 0)", name="suppressed_for_a_reason"),
        CheckConstraint("(outcome = 3) = (occurrence = 0)", name="occurrence_unless_suppressed"),
        Index("campaign_triggers_of_campaign", "brand", "campaign"),
    )

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    member: str = Field(sa_column=Column(Text, primary_key=True))
    campaign: str = Field(sa_column=Column(Text, primary_key=True))
    cause: str = Field(sa_column=Column(Text, primary_key=True))
    outcome: int = Field(sa_column=Column(Integer, nullable=False))
    reason: int = Field(sa_column=Column(Integer, nullable=False))
    occurrence: int = Field(sa_column=Column(BigInteger, nullable=False))
    effects: str = Field(sa_column=Column(Text, nullable=False))
    points: int = Field(sa_column=Column(BigInteger, nullable=False))
    occurred_at: datetime = Field(sa_column=stamp())
    programme_version: int = Field(sa_column=Column(Integer, nullable=False))
    recorded_at: datetime = Field(sa_column=stamp(default_now=True))


class CampaignCursor(SQLModel, table=True):
    """How far the sweep of a campaign has come: the last moment, and the last member of that moment."""

    __tablename__ = "campaign_cursors"

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    campaign: str = Field(sa_column=Column(Text, primary_key=True))
    reached_at: datetime = Field(sa_column=stamp())
    member: str = Field(sa_column=Column(Text, nullable=False))
    looked_back_at: datetime = Field(sa_column=stamp())


class CampaignOffer(SQLModel, table=True):
    """A reward that a member may accept; `key` is that of the grant which acceptance tells."""

    __tablename__ = "campaign_offers"
    __table_args__ = (
        CheckConstraint("accepted_at IS NULL OR accepted_at < expires_at", name="accepted_in_time"),
        Index("campaign_offers_of_member", "brand", "member", "offered_at"),
    )

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    offer: str = Field(sa_column=Column(Text, primary_key=True))
    member: str = Field(sa_column=Column(Text, nullable=False))
    campaign: str = Field(sa_column=Column(Text, nullable=False))
    reward: str = Field(sa_column=Column(Text, nullable=False))
    key: str = Field(sa_column=Column(Text, nullable=False))
    programme_version: int = Field(sa_column=Column(Integer, nullable=False))
    offered_at: datetime = Field(sa_column=stamp())
    expires_at: datetime = Field(sa_column=stamp())
    accepted_at: datetime | None = Field(sa_column=stamp(nullable=True))


class CampaignMessage(SQLModel, table=True):
    """A message that waits (1), was requested (2) or dropped (3); `contact_hour` is -1 for any."""

    __tablename__ = "campaign_messages"
    __table_args__ = (
        CheckConstraint("state BETWEEN 1 AND 3", name="campaign_messages_state"),
        CheckConstraint("contact_hour BETWEEN -1 AND 23", name="contact_hour_of_day"),
        Index("campaign_messages_due", "brand", "due_at", postgresql_where=text("state = 1")),
        Index("campaign_messages_of_member", "brand", "member", "occurred_at", "message"),
    )

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    message: str = Field(sa_column=Column(Text, primary_key=True))
    member: str = Field(sa_column=Column(Text, nullable=False))
    campaign: str = Field(sa_column=Column(Text, nullable=False))
    channel: str = Field(sa_column=Column(Text, nullable=False))
    template: str = Field(sa_column=Column(Text, nullable=False))
    fields: dict[str, str] = Field(sa_column=Column(JSONB, nullable=False))
    state: int = Field(sa_column=Column(Integer, nullable=False))
    contact_hour: int = Field(sa_column=Column(Integer, nullable=False))
    occurred_at: datetime = Field(sa_column=stamp())
    due_at: datetime = Field(sa_column=stamp())


class WebhookEndpoint(SQLModel, table=True):
    """An endpoint of the brand; its secrets are sealed. `types` are separated by spaces."""

    __tablename__ = "webhook_endpoints"

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    webhook: str = Field(sa_column=Column(Text, primary_key=True))
    url: str = Field(sa_column=Column(Text, nullable=False))
    types: str = Field(sa_column=Column(Text, nullable=False))
    key: str = Field(sa_column=Column(Text, nullable=False))
    digest: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    sealed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    previous: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    previous_until: datetime | None = Field(sa_column=stamp(nullable=True))
    rotated_key: str = Field(sa_column=Column(Text, nullable=False))
    created_at: datetime = Field(sa_column=stamp())
    rotated_at: datetime | None = Field(sa_column=stamp(nullable=True))


class WebhookDelivery(SQLModel, table=True):
    """An event on its way to an endpoint: it waits (1), was delivered (2) or given up (3)."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        CheckConstraint("state BETWEEN 1 AND 3", name="webhook_deliveries_state"),
        Index("webhook_deliveries_due", "brand", "webhook", "due_at", postgresql_where=text("state = 1")),
        Index("webhook_deliveries_newest", "brand", "created_at", "delivery"),
        Index("webhook_deliveries_of_member", "brand", "member"),
    )

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    delivery: str = Field(sa_column=Column(Text, primary_key=True))
    webhook: str = Field(sa_column=Column(Text, nullable=False))
    type: str = Field(sa_column=Column(Text, nullable=False))
    member: str = Field(sa_column=Column(Text, nullable=False))
    campaign: str = Field(sa_column=Column(Text, nullable=False))
    body: str = Field(sa_column=Column(Text, nullable=False))
    state: int = Field(sa_column=Column(Integer, nullable=False))
    attempts: int = Field(sa_column=Column(Integer, nullable=False))
    due_at: datetime = Field(sa_column=stamp())
    created_at: datetime = Field(sa_column=stamp())


class WebhookAttempt(SQLModel, table=True):
    """A try to deliver; `status` is 0 where the endpoint did not answer."""

    __tablename__ = "webhook_attempts"

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    delivery: str = Field(sa_column=Column(Text, primary_key=True))
    attempted_at: datetime = Field(sa_column=Column(DateTime(timezone=True), primary_key=True))
    status: int = Field(sa_column=Column(Integer, nullable=False))
    detail: str = Field(sa_column=Column(Text, nullable=False))
