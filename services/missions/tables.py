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
    SmallInteger,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
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


class Badge(SQLModel, table=True):
    """A badge that a member has earned `count` times; `mission` is the one that gave it first, if one did.

    `stands` while it is neither taken away nor replaced by a higher grade.
    """

    __tablename__ = "badges"
    __table_args__ = (CheckConstraint("count >= 0 AND (count > 0 OR NOT stands)", name="badges_stand_when_earned"),)

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    member: str = Field(sa_column=Column(Text, primary_key=True))
    badge: str = Field(sa_column=Column(Text, primary_key=True))
    mission: str = Field(sa_column=Column(Text, nullable=False))
    earned_at: datetime = Field(sa_column=stamp())
    recorded_at: datetime = Field(sa_column=stamp(default_now=True))
    count: int = Field(sa_column=Column(BigInteger, nullable=False, server_default=text("1")))
    stands: bool = Field(sa_column=Column(Boolean, nullable=False, server_default=text("true")))


class BadgeAward(SQLModel, table=True):
    """One time that a member earned a badge, under the key of what gave it."""

    __tablename__ = "badge_awards"
    __table_args__ = (
        Index("badge_awards_by_activity", "brand", "member", "activity", postgresql_where=text("activity <> ''")),
    )

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    member: str = Field(sa_column=Column(Text, primary_key=True))
    key: str = Field(sa_column=Column(Text, primary_key=True))
    badge: str = Field(sa_column=Column(Text, nullable=False))
    activity: str = Field(sa_column=Column(Text, nullable=False))
    earned_at: datetime = Field(sa_column=stamp())
    told: bool = Field(sa_column=Column(Boolean, nullable=False))
    recorded_at: datetime = Field(sa_column=stamp(default_now=True))
    revoked_at: datetime | None = Field(sa_column=stamp(nullable=True))


class Tally(SQLModel, table=True):
    """A stripe of a count that many transactions raise."""

    __tablename__ = "tallies"

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    tally: str = Field(sa_column=Column(Text, primary_key=True))
    stripe: int = Field(sa_column=Column(SmallInteger, primary_key=True, autoincrement=False))
    value: int = Field(sa_column=Column(BigInteger, nullable=False))


class Experience(SQLModel, table=True):
    """A member's experience, and the most that it ever was."""

    __tablename__ = "experiences"
    __table_args__ = (CheckConstraint("peak >= experience", name="peak_is_the_most"),)

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    member: str = Field(sa_column=Column(Text, primary_key=True))
    experience: int = Field(sa_column=Column(BigInteger, nullable=False))
    peak: int = Field(sa_column=Column(BigInteger, nullable=False))


class LevelReached(SQLModel, table=True):
    """A level that a member reached; append-only."""

    __tablename__ = "levels_reached"

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    member: str = Field(sa_column=Column(Text, primary_key=True))
    level: str = Field(sa_column=Column(Text, primary_key=True))
    reached_at: datetime = Field(sa_column=stamp())
    experience: int = Field(sa_column=Column(BigInteger, nullable=False))
    programme_version: int = Field(sa_column=Column(Integer, nullable=False))
    recorded_at: datetime = Field(sa_column=stamp(default_now=True))


class QuizRecord(SQLModel, table=True):
    """How a member did in a quiz."""

    __tablename__ = "quiz_records"
    __table_args__ = (CheckConstraint("attempts >= 0", name="quiz_records_attempts_check"),)

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    member: str = Field(sa_column=Column(Text, primary_key=True))
    quiz: str = Field(sa_column=Column(Text, primary_key=True))
    attempts: int = Field(sa_column=Column(Integer, nullable=False))
    best_score: int = Field(sa_column=Column(Integer, nullable=False))
    passed_at: datetime | None = Field(sa_column=stamp(nullable=True))
    open_attempt: str = Field(sa_column=Column(Text, nullable=False))


class QuizAttempt(SQLModel, table=True):
    """One go of a member at a quiz; `state` is an AttemptState."""

    __tablename__ = "quiz_attempts"
    __table_args__ = (
        Index("quiz_attempts_of_member", "brand", "member", "quiz", "number", unique=True),
        Index("quiz_attempts_due", "brand", "expires_at", postgresql_where=text("state = 1")),
        CheckConstraint("(finished_at IS NULL) = (state = 1)", name="attempts_end_or_are_open"),
    )

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    attempt: str = Field(sa_column=Column(Text, primary_key=True))
    member: str = Field(sa_column=Column(Text, nullable=False))
    quiz: str = Field(sa_column=Column(Text, nullable=False))
    number: int = Field(sa_column=Column(Integer, nullable=False))
    state: int = Field(sa_column=Column(Integer, nullable=False))
    started_at: datetime = Field(sa_column=stamp())
    expires_at: datetime | None = Field(sa_column=stamp(nullable=True))
    finished_at: datetime | None = Field(sa_column=stamp(nullable=True))
    score: int = Field(sa_column=Column(Integer, nullable=False))
    answered: int = Field(sa_column=Column(Integer, nullable=False))
    passed: bool = Field(sa_column=Column(Boolean, nullable=False))
    programme_version: int = Field(sa_column=Column(Integer, nullable=False))


class QuizAnswer(SQLModel, table=True):
    """An answer to a question of an attempt; append-only. `open_text` is the member's own words."""

    __tablename__ = "quiz_answers"
    __table_args__ = (Index("quiz_answers_of_member", "brand", "member"),)

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    attempt: str = Field(sa_column=Column(Text, primary_key=True))
    question: str = Field(sa_column=Column(Text, primary_key=True))
    member: str = Field(sa_column=Column(Text, nullable=False))
    choices: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    open_text: str = Field(sa_column=Column(Text, nullable=False))
    is_right: bool | None = Field(sa_column=Column(Boolean, nullable=True))
    answered_at: datetime = Field(sa_column=stamp())


class Contribution(SQLModel, table=True):
    """What an activity counts for in a challenge; refunds leave `counted` of its `value`."""

    __tablename__ = "contributions"
    __table_args__ = (
        CheckConstraint("value > 0", name="contributions_value_check"),
        CheckConstraint("counted BETWEEN 0 AND value", name="counted_within_value"),
    )

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    challenge: str = Field(sa_column=Column(Text, primary_key=True))
    member: str = Field(sa_column=Column(Text, primary_key=True))
    activity: str = Field(sa_column=Column(Text, primary_key=True))
    team: str = Field(sa_column=Column(Text, nullable=False))
    value: int = Field(sa_column=Column(BigInteger, nullable=False))
    counted: int = Field(sa_column=Column(BigInteger, nullable=False))
    is_each: bool = Field(sa_column=Column(Boolean, nullable=False))
    occurred_at: datetime = Field(sa_column=stamp())


class RefundedActivity(SQLModel, table=True):
    """How much of an activity is refunded, also when it is not known yet."""

    __tablename__ = "refunded_activities"

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    member: str = Field(sa_column=Column(Text, primary_key=True))
    activity: str = Field(sa_column=Column(Text, primary_key=True))
    refunded: int = Field(sa_column=Column(BigInteger, nullable=False))
    total: int = Field(sa_column=Column(BigInteger, nullable=False))


class ChallengeState(SQLModel, table=True):
    """The total of a challenge that was last told, and when its result became final."""

    __tablename__ = "challenge_states"

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    challenge: str = Field(sa_column=Column(Text, primary_key=True))
    told_total: int = Field(sa_column=Column(BigInteger, nullable=False))
    told_at: datetime = Field(sa_column=stamp())
    closed_at: datetime | None = Field(sa_column=stamp(nullable=True))


class MilestoneReached(SQLModel, table=True):
    """A milestone that was reached; append-only."""

    __tablename__ = "milestones_reached"

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    challenge: str = Field(sa_column=Column(Text, primary_key=True))
    milestone: str = Field(sa_column=Column(Text, primary_key=True))
    total: int = Field(sa_column=Column(BigInteger, nullable=False))
    reached_at: datetime = Field(sa_column=stamp())


class Payout(SQLModel, table=True):
    """Rewards that go out page by page; `grants` is a RewardGranted that holds them."""

    __tablename__ = "payouts"
    __table_args__ = (Index("payouts_due", "brand", "challenge", "payout", postgresql_where=text("NOT done")),)

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    challenge: str = Field(sa_column=Column(Text, primary_key=True))
    payout: str = Field(sa_column=Column(Text, primary_key=True))
    team: str = Field(sa_column=Column(Text, nullable=False))
    contribution_min: int = Field(sa_column=Column(BigInteger, nullable=False))
    grants: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    programme_version: int = Field(sa_column=Column(Integer, nullable=False))
    decided_at: datetime = Field(sa_column=stamp())
    paid_through: str = Field(sa_column=Column(Text, nullable=False))
    done: bool = Field(sa_column=Column(Boolean, nullable=False))


class ChallengeReward(SQLModel, table=True):
    """A reward of a challenge that a member got; append-only."""

    __tablename__ = "challenge_rewards"
    __table_args__ = (Index("challenge_rewards_of_member", "brand", "member"),)

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    challenge: str = Field(sa_column=Column(Text, primary_key=True))
    reward: str = Field(sa_column=Column(Text, primary_key=True))
    member: str = Field(sa_column=Column(Text, primary_key=True))
    contributed: int = Field(sa_column=Column(BigInteger, nullable=False))
    rewarded_at: datetime = Field(sa_column=stamp())


class Team(SQLModel, table=True):
    """A team of a challenge. `code` and `owner` are there where members form it."""

    __tablename__ = "teams"
    __table_args__ = (
        CheckConstraint("size >= 0", name="teams_size_check"),
        Index("teams_by_code", "brand", "code", unique=True),
        Index("teams_by_owner", "brand", "owner", postgresql_where=text("owner <> ''")),
    )

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    challenge: str = Field(sa_column=Column(Text, primary_key=True))
    team: str = Field(sa_column=Column(Text, primary_key=True))
    name: str = Field(sa_column=Column(Text, nullable=False))
    code: str | None = Field(sa_column=Column(Text, nullable=True))
    owner: str = Field(sa_column=Column(Text, nullable=False))
    size: int = Field(sa_column=Column(Integer, nullable=False))
    made_at: datetime = Field(sa_column=stamp())


class TeamMember(SQLModel, table=True):
    """A member's team in a challenge; `team` is empty after leaving it before the beginning."""

    __tablename__ = "team_members"
    __table_args__ = (
        Index("team_members_by_team", "brand", "challenge", "team", "member"),
        Index("team_members_of_member", "brand", "member"),
    )

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    challenge: str = Field(sa_column=Column(Text, primary_key=True))
    member: str = Field(sa_column=Column(Text, primary_key=True))
    team: str = Field(sa_column=Column(Text, nullable=False))
    joined_at: datetime = Field(sa_column=stamp())
    left_at: datetime | None = Field(sa_column=stamp(nullable=True))


class TeamResult(SQLModel, table=True):
    """A team's final standing; append-only."""

    __tablename__ = "team_results"
    __table_args__ = (CheckConstraint("rank > 0", name="team_results_rank_check"),)

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    challenge: str = Field(sa_column=Column(Text, primary_key=True))
    team: str = Field(sa_column=Column(Text, primary_key=True))
    rank: int = Field(sa_column=Column(Integer, nullable=False))
    size: int = Field(sa_column=Column(Integer, nullable=False))
    total: int = Field(sa_column=Column(BigInteger, nullable=False))
