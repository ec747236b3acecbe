"""The tables of the points service."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field, SQLModel

from chassis.tables import stamp


class Member(SQLModel, table=True):
    """A member, or one whom a refused request named (`enrolled_at` is null)."""

    __tablename__ = "members"

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    member: str = Field(sa_column=Column(Text, primary_key=True))
    display_name: str = Field(sa_column=Column(Text, nullable=False, server_default=text("''")))
    enrolled_at: datetime | None = Field(sa_column=stamp(nullable=True))
    tier: str = Field(sa_column=Column(Text, nullable=False, server_default=text("''")))
    seen_types: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False, server_default=text("'{}'")))
    tier_kept: bool = Field(sa_column=Column(Boolean, nullable=False, server_default=text("false")))
    segments: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False, server_default=text("'{}'")))


class Account(SQLModel, table=True):
    """A balance. Members' ids are positive, the programme's negative.

    The programme's accounts come in stripes, so that transactions that run at
    once, here and in replicas, do not wait for each other's lock on them.
    """

    __tablename__ = "accounts"
    __table_args__ = (
        UniqueConstraint("brand", "owner", "currency", "kind", "stripe", name="accounts_of_owner"),
        CheckConstraint("floor IS NULL OR balance >= floor", name="balance_at_or_above_floor"),
    )

    id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    brand: str = Field(sa_column=Column(Text, nullable=False))
    owner: str = Field(sa_column=Column(Text, nullable=False))
    currency: str = Field(sa_column=Column(Text, nullable=False))
    kind: str = Field(sa_column=Column(Text, nullable=False))
    stripe: int = Field(sa_column=Column(Integer, nullable=False))
    balance: int = Field(sa_column=Column(BigInteger, nullable=False, server_default=text("0")))
    earned: int = Field(sa_column=Column(BigInteger, nullable=False, server_default=text("0")))
    floor: int | None = Field(sa_column=Column(BigInteger, nullable=True))


class Entry(SQLModel, table=True):
    """A movement; append-only. The key that makes it happen once lives in it."""

    __tablename__ = "entries"
    __table_args__ = (
        UniqueConstraint("brand", "key", name="entries_key"),
        CheckConstraint("amount > 0", name="amount_is_positive"),
        CheckConstraint("debit <> credit", name="two_accounts"),
        Index("entries_debit", "debit", "id", postgresql_where=text("debit > 0")),
        Index("entries_credit", "credit", "id", postgresql_where=text("credit > 0")),
    )

    id: int = Field(sa_column=Column(BigInteger, primary_key=True))
    brand: str = Field(sa_column=Column(Text, nullable=False))
    key: str = Field(sa_column=Column(Text, nullable=False))
    digest: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    kind: int = Field(sa_column=Column(Integer, nullable=False))
    debit: int = Field(sa_column=Column(BigInteger, nullable=False))
    credit: int = Field(sa_column=Column(BigInteger, nullable=False))
    amount: int = Field(sa_column=Column(BigInteger, nullable=False))
    debit_balance: int | None = Field(sa_column=Column(BigInteger, nullable=True))
    credit_balance: int | None = Field(sa_column=Column(BigInteger, nullable=True))
    reference: str = Field(sa_column=Column(Text, nullable=False))
    occurred_at: datetime = Field(sa_column=stamp())
    recorded_at: datetime = Field(sa_column=stamp(default_now=True))
    lots: list[Any] | None = Field(sa_column=Column(JSONB, nullable=True))


class Lot(SQLModel, table=True):
    """What an account holds of one moment of expiry."""

    __tablename__ = "lots"
    __table_args__ = (
        CheckConstraint("remaining >= 0", name="remaining_is_not_negative"),
        Index("lots_due", "expires_at"),
        Index("lots_to_warn_of", "warn_at", postgresql_where=text("warn_at IS NOT NULL")),
    )

    brand: str = Field(sa_column=Column(Text, nullable=False))
    account: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    expires_at: datetime = Field(sa_column=Column(DateTime(timezone=True), primary_key=True))
    remaining: int = Field(sa_column=Column(BigInteger, nullable=False))
    warn_at: datetime | None = Field(sa_column=stamp(nullable=True))


class Hold(SQLModel, table=True):
    """Points that are or were set aside."""

    __tablename__ = "holds"
    __table_args__ = (
        CheckConstraint("captured >= 0 AND captured <= amount", name="captured_within_amount"),
        Index("holds_due", "expires_at", postgresql_where=text("state = 1")),
        Index("holds_of_member", "brand", "member"),
    )

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    hold: str = Field(sa_column=Column(Text, primary_key=True))
    member: str = Field(sa_column=Column(Text, nullable=False))
    currency: str = Field(sa_column=Column(Text, nullable=False))
    amount: int = Field(sa_column=Column(BigInteger, nullable=False))
    captured: int = Field(sa_column=Column(BigInteger, nullable=False, server_default=text("0")))
    state: int = Field(sa_column=Column(Integer, nullable=False))
    reference: str = Field(sa_column=Column(Text, nullable=False))
    digest: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    lots: list[Any] | None = Field(sa_column=Column(JSONB, nullable=True))
    made_at: datetime = Field(sa_column=stamp())
    expires_at: datetime | None = Field(sa_column=stamp(nullable=True))


class PendingLot(SQLModel, table=True):
    """Points that wait, or waited, until they become available."""

    __tablename__ = "pending_lots"
    __table_args__ = (
        CheckConstraint("amount >= 0", name="pending_amount_is_not_negative"),
        Index("pending_lots_due", "activates_at", postgresql_where=text("state = 1")),
        Index("pending_lots_of_member", "brand", "member", postgresql_where=text("state = 1")),
        Index("pending_lots_of_activity", "brand", "activity", postgresql_where=text("state = 1")),
        Index(
            "pending_lots_for_approval",
            "brand",
            "occurred_at",
            "lot",
            postgresql_where=text("state = 1 AND activates_at IS NULL AND until_type = ''"),
        ),
        Index("pending_lots_by_member", "brand", "member"),
    )

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    lot: str = Field(sa_column=Column(Text, primary_key=True))
    member: str = Field(sa_column=Column(Text, nullable=False))
    currency: str = Field(sa_column=Column(Text, nullable=False))
    amount: int = Field(sa_column=Column(BigInteger, nullable=False))
    state: int = Field(sa_column=Column(Integer, nullable=False))
    changes: int = Field(sa_column=Column(Integer, nullable=False, server_default=text("0")))
    reference: str = Field(sa_column=Column(Text, nullable=False))
    activity: str = Field(sa_column=Column(Text, nullable=False))
    occurred_at: datetime = Field(sa_column=stamp())
    activates_at: datetime | None = Field(sa_column=stamp(nullable=True))
    until_type: str = Field(sa_column=Column(Text, nullable=False, server_default=text("''")))


class Activity(SQLModel, table=True):
    """An activity as it was taken in, with what it earned."""

    __tablename__ = "activities"
    __table_args__ = (Index("activities_of_member", "brand", "member"),)

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    id: str = Field(sa_column=Column(Text, primary_key=True))
    member: str = Field(sa_column=Column(Text, nullable=False))
    type: str = Field(sa_column=Column(Text, nullable=False))
    occurred_at: datetime = Field(sa_column=stamp())
    recorded_at: datetime = Field(sa_column=stamp(default_now=True))
    attributes: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    digest: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    programme_version: int = Field(sa_column=Column(Integer, nullable=False))
    earned: dict[str, int] = Field(sa_column=Column(JSONB, nullable=False))


class Adoption(SQLModel, table=True):
    """The newest version of the programme that a service works under."""

    __tablename__ = "adoptions"

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    service: str = Field(sa_column=Column(Text, primary_key=True))
    version: int = Field(sa_column=Column(Integer, nullable=False))


class Counter(SQLModel, table=True):
    """A count within a period: of a cap, a budget, a stock or a limit."""

    __tablename__ = "counters"
    __table_args__ = (Index("counters_of_owner", "brand", "owner"),)

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    name: str = Field(sa_column=Column(Text, primary_key=True))
    owner: str = Field(sa_column=Column(Text, primary_key=True))
    period: str = Field(sa_column=Column(Text, primary_key=True))
    value: int = Field(sa_column=Column(BigInteger, nullable=False, server_default=text("0")))


class Refund(SQLModel, table=True):
    """How far a purchase of a member is refunded; its total is null until the purchase is known."""

    __tablename__ = "refunds"
    __table_args__ = (
        CheckConstraint("refunded > 0", name="refunded_is_positive"),
        Index("refunds_of_member", "brand", "member"),
    )

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    purchase: str = Field(sa_column=Column(Text, primary_key=True))
    member: str = Field(sa_column=Column(Text, primary_key=True))
    refund: str = Field(sa_column=Column(Text, nullable=False))
    refunded: int = Field(sa_column=Column(BigInteger, nullable=False))
    total: int | None = Field(sa_column=Column(BigInteger, nullable=True))
    due: dict[str, int] = Field(sa_column=Column(JSONB, nullable=False, server_default=text("'{}'")))
    pending: dict[str, int] = Field(sa_column=Column(JSONB, nullable=False, server_default=text("'{}'")))
    available: dict[str, int] = Field(sa_column=Column(JSONB, nullable=False, server_default=text("'{}'")))


class TierStanding(SQLModel, table=True):
    """Where a member stands in the ladder, beyond the tier itself; `due_at` is when to look again."""

    __tablename__ = "tier_standings"
    __table_args__ = (Index("tier_standings_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),)

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    member: str = Field(sa_column=Column(Text, primary_key=True))
    earned: str = Field(sa_column=Column(Text, nullable=False))
    keep_until: datetime | None = Field(sa_column=stamp(nullable=True))
    grace_until: datetime | None = Field(sa_column=stamp(nullable=True))
    fallback: str = Field(sa_column=Column(Text, nullable=False, server_default=text("''")))
    set_tier: str = Field(sa_column=Column(Text, nullable=False, server_default=text("''")))
    locked: bool = Field(sa_column=Column(Boolean, nullable=False, server_default=text("false")))
    set_until: datetime | None = Field(sa_column=stamp(nullable=True))
    counted: dict[str, int] = Field(sa_column=Column(JSONB, nullable=False, server_default=text("'{}'")))
    due_at: datetime | None = Field(sa_column=stamp(nullable=True))


class TierBucket(SQLModel, table=True):
    """What counts of one qualifier within a day or a month, or ever."""

    __tablename__ = "tier_buckets"

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    member: str = Field(sa_column=Column(Text, primary_key=True))
    qualifier: str = Field(sa_column=Column(Text, primary_key=True))
    bucket: str = Field(sa_column=Column(Text, primary_key=True))
    amount: int = Field(sa_column=Column(BigInteger, nullable=False))


class TierSubscription(SQLModel, table=True):
    """A member's subscription; it gives its tier while it is active."""

    __tablename__ = "tier_subscriptions"

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    member: str = Field(sa_column=Column(Text, primary_key=True))
    subscription: str = Field(sa_column=Column(Text, primary_key=True))
    paid_until: datetime = Field(sa_column=stamp())
    active: bool = Field(sa_column=Column(Boolean, nullable=False))
    cancelled_at: datetime | None = Field(sa_column=stamp(nullable=True))


class TierHistory(SQLModel, table=True):
    """Something that happened to a member's tier; append-only. The key of what was asked for lives in it."""

    __tablename__ = "tier_history"
    __table_args__ = (
        Index("tier_history_key", "brand", "key", unique=True, postgresql_where=text("key IS NOT NULL")),
        Index("tier_history_of_member", "brand", "member", "id"),
    )

    id: int = Field(sa_column=Column(BigInteger, primary_key=True, server_default=text("nextval('tier_history_ids')")))
    brand: str = Field(sa_column=Column(Text, nullable=False))
    member: str = Field(sa_column=Column(Text, nullable=False))
    from_tier: str = Field(sa_column=Column(Text, nullable=False))
    to_tier: str = Field(sa_column=Column(Text, nullable=False))
    reason: int = Field(sa_column=Column(Integer, nullable=False))
    note: str = Field(sa_column=Column(Text, nullable=False))
    by: str = Field(sa_column=Column(Text, nullable=False))
    until: datetime | None = Field(sa_column=stamp(nullable=True))
    occurred_at: datetime = Field(sa_column=stamp())
    recorded_at: datetime = Field(sa_column=stamp(default_now=True))
    key: str | None = Field(sa_column=Column(Text, nullable=True))
    digest: bytes | None = Field(sa_column=Column(LargeBinary, nullable=True))


class Redemption(SQLModel, table=True):
    """A reward that a member took. `counted` are the counters that it raised: name, whether the member's, period."""

    __tablename__ = "redemptions"
    __table_args__ = (
        CheckConstraint("price >= 0", name="price_is_not_negative"),
        CheckConstraint("credited >= 0", name="credited_is_not_negative"),
        Index("redemptions_of_member", "brand", "member", "redeemed_at", "redemption"),
        Index("redemptions_due", "expires_at", postgresql_where=text("state = 1")),
    )

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    redemption: str = Field(sa_column=Column(Text, primary_key=True))
    member: str = Field(sa_column=Column(Text, nullable=False))
    reward: str = Field(sa_column=Column(Text, nullable=False))
    kind: int = Field(sa_column=Column(Integer, nullable=False))
    state: int = Field(sa_column=Column(Integer, nullable=False))
    currency: str = Field(sa_column=Column(Text, nullable=False))
    price: int = Field(sa_column=Column(BigInteger, nullable=False))
    code: str = Field(sa_column=Column(Text, nullable=False))
    menu: str = Field(sa_column=Column(Text, nullable=False))
    reference: str = Field(sa_column=Column(Text, nullable=False))
    digest: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    lots: list[Any] | None = Field(sa_column=Column(JSONB, nullable=True))
    counted: list[Any] = Field(sa_column=Column(JSONB, nullable=False))
    credited_currency: str = Field(sa_column=Column(Text, nullable=False))
    credited: int = Field(sa_column=Column(BigInteger, nullable=False))
    redeemed_at: datetime = Field(sa_column=stamp())
    changed_at: datetime = Field(sa_column=stamp())
    expires_at: datetime | None = Field(sa_column=stamp(nullable=True))
    programme_version: int = Field(sa_column=Column(Integer, nullable=False))


class RewardCode(SQLModel, table=True):
    """A coupon code: free, issued to a redemption, or void. Free ones are issued in the order of `place`."""

    __tablename__ = "reward_codes"
    __table_args__ = (
        CheckConstraint("(state = 1) = (redemption = '')", name="issued_to_one"),
        Index("reward_codes_free", "brand", "reward", "place", postgresql_where=text("state = 1")),
    )

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    code: str = Field(sa_column=Column(Text, primary_key=True))
    reward: str = Field(sa_column=Column(Text, nullable=False))
    place: int = Field(
        sa_column=Column(BigInteger, nullable=False, server_default=text("nextval('reward_codes_place_seq')"))
    )
    state: int = Field(sa_column=Column(Integer, nullable=False))
    redemption: str = Field(sa_column=Column(Text, nullable=False))


class Booster(SQLModel, table=True):
    """A member's multiplier of what they earn, in percent; for all currencies when none are named."""

    __tablename__ = "boosters"
    __table_args__ = (Index("boosters_of_member", "brand", "member"),)

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    booster: str = Field(sa_column=Column(Text, primary_key=True))
    member: str = Field(sa_column=Column(Text, nullable=False))
    percent: int = Field(sa_column=Column(Integer, nullable=False))
    currencies: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    starts_at: datetime = Field(sa_column=stamp())
    ends_at: datetime = Field(sa_column=stamp())


class Group(SQLModel, table=True):
    """A group. `size` counts who is in it or invited."""

    __tablename__ = "groups"
    __table_args__ = (CheckConstraint("size >= 0", name="size_is_not_negative"),)

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    group: str = Field(sa_column=Column(Text, primary_key=True))
    kind: str = Field(sa_column=Column(Text, nullable=False))
    name: str = Field(sa_column=Column(Text, nullable=False))
    owner: str = Field(sa_column=Column(Text, nullable=False))
    state: int = Field(sa_column=Column(Integer, nullable=False))
    size: int = Field(sa_column=Column(Integer, nullable=False))
    made_at: datetime = Field(sa_column=stamp())
    digest: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    ended_digest: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class GroupMember(SQLModel, table=True):
    """A place that a member has or had in a group, with what the member ever put into its wallets."""

    __tablename__ = "group_members"
    __table_args__ = (
        Index("group_members_of_group", "brand", "group", "member", postgresql_where=text("state < 3")),
        Index("one_group_of_a_kind", "brand", "member", "kind", unique=True, postgresql_where=text("state = 2")),
    )

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    member: str = Field(sa_column=Column(Text, primary_key=True))
    group: str = Field(sa_column=Column(Text, primary_key=True))
    kind: str = Field(sa_column=Column(Text, nullable=False))
    role: int = Field(sa_column=Column(Integer, nullable=False))
    state: int = Field(sa_column=Column(Integer, nullable=False))
    contributed: dict[str, int] = Field(sa_column=Column(JSONB, nullable=False))
    joined_at: datetime | None = Field(sa_column=stamp(nullable=True))


class ReferralSecret(SQLModel, table=True):
    """What makes a brand's referral codes unguessable; made once."""

    __tablename__ = "referral_secrets"

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    secret: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class ReferralCode(SQLModel, table=True):
    """The code that a member gives to others."""

    __tablename__ = "referral_codes"
    __table_args__ = (UniqueConstraint("brand", "member", name="one_code_a_member"),)

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    code: str = Field(sa_column=Column(Text, primary_key=True))
    member: str = Field(sa_column=Column(Text, nullable=False))


class Referral(SQLModel, table=True):
    """How a member came: brought by another (`referrer`), or by nobody before the first purchase."""

    __tablename__ = "referrals"
    __table_args__ = (
        CheckConstraint("referee <> referrer", name="nobody_refers_themselves"),
        Index("referrals_of_referrer", "brand", "referrer", postgresql_where=text("referrer <> ''")),
    )

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    referee: str = Field(sa_column=Column(Text, primary_key=True))
    referrer: str = Field(sa_column=Column(Text, nullable=False))
    code: str = Field(sa_column=Column(Text, nullable=False))
    state: int = Field(sa_column=Column(Integer, nullable=False))
    claimed_at: datetime | None = Field(sa_column=stamp(nullable=True))
    activity: str = Field(sa_column=Column(Text, nullable=False))
    referrer_amount: int = Field(sa_column=Column(BigInteger, nullable=False))
    referee_amount: int = Field(sa_column=Column(BigInteger, nullable=False))
    capped: bool = Field(sa_column=Column(Boolean, nullable=False))
    completed_at: datetime | None = Field(sa_column=stamp(nullable=True))


class LedgerLog(SQLModel, table=True):
    """How far a brand's log has come: its entries, the newest of them, and their root."""

    __tablename__ = "ledger_logs"
    __table_args__ = (
        CheckConstraint("size > 0", name="size_is_positive"),
        Index("ledger_logs_last_entry", "last_entry"),
    )

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    size: int = Field(sa_column=Column(BigInteger, nullable=False))
    last_entry: int = Field(sa_column=Column(BigInteger, nullable=False))
    root: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class LedgerTile(SQLModel, table=True):
    """Up to 256 hashes of the log, side by side; `first_entry` is whose hash is the first, at level 0."""

    __tablename__ = "ledger_tiles"
    __table_args__ = (
        CheckConstraint("(level = 0) = (first_entry IS NOT NULL)", name="first_entry_of_leaves"),
        Index("ledger_tiles_first_entry", "brand", "first_entry", postgresql_where=text("level = 0")),
    )

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    level: int = Field(sa_column=Column(Integer, primary_key=True))
    number: int = Field(sa_column=Column(BigInteger, primary_key=True))
    first_entry: int | None = Field(sa_column=Column(BigInteger, nullable=True))
    hashes: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class LedgerCheckpoint(SQLModel, table=True):
    """What was signed of the log; append-only."""

    __tablename__ = "ledger_checkpoints"

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    size: int = Field(sa_column=Column(BigInteger, primary_key=True))
    root: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    made_at: datetime = Field(sa_column=stamp())
    note: str = Field(sa_column=Column(Text, nullable=False))


class MemberParticulars(SQLModel, table=True):
    """What is known about a member: declared attributes, and the newest word on each purpose of consent."""

    __tablename__ = "member_particulars"

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    member: str = Field(sa_column=Column(Text, primary_key=True))
    attributes: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False, server_default=text("'{}'")))
    consents: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False, server_default=text("'{}'")))


class ConsentRecord(SQLModel, table=True):
    """A consent that was given or withdrawn; append-only."""

    __tablename__ = "consent_records"
    __table_args__ = (Index("consent_records_of_member", "brand", "member", "id"),)

    brand: str = Field(sa_column=Column(Text, nullable=False))
    id: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    member: str = Field(sa_column=Column(Text, nullable=False))
    purpose: int = Field(sa_column=Column(Integer, nullable=False))
    granted: bool = Field(sa_column=Column(Boolean, nullable=False))
    text_version: str = Field(sa_column=Column(Text, nullable=False))
    method: str = Field(sa_column=Column(Text, nullable=False))
    giver: int = Field(sa_column=Column(Integer, nullable=False))
    recorded_by: str = Field(sa_column=Column(Text, nullable=False))
    recorded_at: datetime = Field(sa_column=stamp())


class Erasure(SQLModel, table=True):
    """An erasure. Whom it was of, only the fingerprint says, to who has id and key; the salt goes at the end."""

    __tablename__ = "erasures"
    __table_args__ = (UniqueConstraint("brand", "fingerprint", name="erasures_fingerprint"),)

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    erasure: str = Field(sa_column=Column(Text, primary_key=True))
    alias: str = Field(sa_column=Column(Text, nullable=False))
    fingerprint: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    salt: str = Field(sa_column=Column(Text, nullable=False))
    state: int = Field(sa_column=Column(Integer, nullable=False))
    scrubbed: bool = Field(sa_column=Column(Boolean, nullable=False, server_default=text("false")))
    receipts: list[Any] = Field(sa_column=Column(JSONB, nullable=False, server_default=text("'[]'")))
    streams: int = Field(sa_column=Column(Integer, nullable=False, server_default=text("0")))
    requested_at: datetime = Field(sa_column=stamp())
    completed_at: datetime | None = Field(sa_column=stamp(nullable=True))


class ParkedGrant(SQLModel, table=True):
    """A grant that could not be given, and what a manager decided; `effect` is the key that makes it happen once."""

    __tablename__ = "parked_grants"
    __table_args__ = (
        CheckConstraint("currency = '' OR reward = ''", name="points_or_reward"),
        Index("parked_grants_by_state", "brand", "state", "parked_at", "grant"),
        Index("parked_grants_of_member", "brand", "member"),
        Index(
            "parked_grants_decision",
            "brand",
            "decision_key",
            unique=True,
            postgresql_where=text("decision_key IS NOT NULL"),
        ),
    )

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    grant: str = Field(sa_column=Column(Text, primary_key=True))
    key: str = Field(sa_column=Column(Text, nullable=False))
    place: int = Field(sa_column=Column(Integer, nullable=False))
    effect: str = Field(sa_column=Column(Text, nullable=False))
    member: str = Field(sa_column=Column(Text, nullable=False))
    currency: str = Field(sa_column=Column(Text, nullable=False))
    amount: int = Field(sa_column=Column(BigInteger, nullable=False))
    reward: str = Field(sa_column=Column(Text, nullable=False))
    reason: int = Field(sa_column=Column(Integer, nullable=False))
    reference: str = Field(sa_column=Column(Text, nullable=False))
    occurred_at: datetime = Field(sa_column=stamp())
    programme_version: int = Field(sa_column=Column(Integer, nullable=False))
    state: int = Field(sa_column=Column(Integer, nullable=False))
    code: str = Field(sa_column=Column(Text, nullable=False))
    detail: str = Field(sa_column=Column(Text, nullable=False))
    redemption: str = Field(sa_column=Column(Text, nullable=False))
    parked_at: datetime = Field(sa_column=stamp())
    decided_at: datetime | None = Field(sa_column=stamp(nullable=True))
    decision_key: str | None = Field(sa_column=Column(Text, nullable=True))
    decision_digest: bytes | None = Field(sa_column=Column(LargeBinary, nullable=True))
    note: str = Field(sa_column=Column(Text, nullable=False))


class GivenReward(SQLModel, table=True):
    """The redemption that a granted reward became; append-only. The key that makes it happen once lives in it."""

    __tablename__ = "given_rewards"
    __table_args__ = (Index("given_rewards_of_member", "brand", "member"),)

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    key: str = Field(sa_column=Column(Text, primary_key=True))
    member: str = Field(sa_column=Column(Text, nullable=False))
    redemption: str = Field(sa_column=Column(Text, nullable=False))
    given_at: datetime = Field(sa_column=stamp())


class HoldRequest(SQLModel, table=True):
    """Another service's request to hold points, decided once: its hold, or why there is none, and how it ended."""

    __tablename__ = "hold_requests"
    __table_args__ = (
        CheckConstraint("(hold = '') <> (code = '')", name="held_or_refused"),
        Index("hold_requests_hold", "brand", "hold", unique=True, postgresql_where=text("hold <> ''")),
        Index("hold_requests_of_member", "brand", "member"),
        Index("hold_requests_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    )

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    key: str = Field(sa_column=Column(Text, primary_key=True))
    member: str = Field(sa_column=Column(Text, nullable=False))
    hold: str = Field(sa_column=Column(Text, nullable=False))
    code: str = Field(sa_column=Column(Text, nullable=False))
    ended: int = Field(sa_column=Column(Integer, nullable=False))
    due_at: datetime | None = Field(sa_column=stamp(nullable=True))
    decided_at: datetime = Field(sa_column=stamp())
    ended_at: datetime | None = Field(sa_column=stamp(nullable=True))


class Anniversary(SQLModel, table=True):
    """A date of a member whose day comes round; told up to a day, and due when the next one begins."""

    __tablename__ = "anniversaries"
    __table_args__ = (Index("anniversaries_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),)

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    member: str = Field(sa_column=Column(Text, primary_key=True))
    attribute: str = Field(sa_column=Column(Text, primary_key=True))
    on_date: date = Field(sa_column=Column(Date, nullable=False))
    zone: str = Field(sa_column=Column(Text, nullable=False))
    told_until: date = Field(sa_column=Column(Date, nullable=False))
    due_at: datetime | None = Field(sa_column=stamp(nullable=True))


class ParticularsSweep(SQLModel, table=True):
    """How far a new version's attributes were told of the members who had some; gone when all were.

    `names` are the attributes that became shared, or ceased to be; `done_to`
    is the last member who was looked at.
    """

    __tablename__ = "particulars_sweeps"

    brand: str = Field(sa_column=Column(Text, primary_key=True))
    names: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    done_to: str = Field(sa_column=Column(Text, nullable=False))
