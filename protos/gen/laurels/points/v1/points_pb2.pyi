import datetime

from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from laurels.access.v1 import access_pb2 as _access_pb2
from laurels.points.v1 import programme_pb2 as _programme_pb2
from laurels.points.v1 import programme_tiers_pb2 as _programme_tiers_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AccountKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ACCOUNT_KIND_UNSPECIFIED: _ClassVar[AccountKind]
    ACCOUNT_KIND_AVAILABLE: _ClassVar[AccountKind]
    ACCOUNT_KIND_PENDING: _ClassVar[AccountKind]
    ACCOUNT_KIND_HELD: _ClassVar[AccountKind]
    ACCOUNT_KIND_ISSUED: _ClassVar[AccountKind]
    ACCOUNT_KIND_REDEEMED: _ClassVar[AccountKind]
    ACCOUNT_KIND_EXPIRED: _ClassVar[AccountKind]

class EntryKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ENTRY_KIND_UNSPECIFIED: _ClassVar[EntryKind]
    ENTRY_KIND_EARN: _ClassVar[EntryKind]
    ENTRY_KIND_SPEND: _ClassVar[EntryKind]
    ENTRY_KIND_MISSION: _ClassVar[EntryKind]
    ENTRY_KIND_PRIZE: _ClassVar[EntryKind]
    ENTRY_KIND_HOLD: _ClassVar[EntryKind]
    ENTRY_KIND_CAPTURE: _ClassVar[EntryKind]
    ENTRY_KIND_RELEASE: _ClassVar[EntryKind]
    ENTRY_KIND_PENDING: _ClassVar[EntryKind]
    ENTRY_KIND_ACTIVATE: _ClassVar[EntryKind]
    ENTRY_KIND_CANCEL: _ClassVar[EntryKind]
    ENTRY_KIND_EXPIRE: _ClassVar[EntryKind]
    ENTRY_KIND_REFUND: _ClassVar[EntryKind]
    ENTRY_KIND_REVERSAL: _ClassVar[EntryKind]
    ENTRY_KIND_TRANSFER: _ClassVar[EntryKind]
    ENTRY_KIND_GIFT: _ClassVar[EntryKind]
    ENTRY_KIND_REDEMPTION: _ClassVar[EntryKind]
    ENTRY_KIND_REDEMPTION_CANCELLED: _ClassVar[EntryKind]
    ENTRY_KIND_REFERRAL: _ClassVar[EntryKind]
    ENTRY_KIND_CONTRIBUTION: _ClassVar[EntryKind]
    ENTRY_KIND_GROUP_SHARE: _ClassVar[EntryKind]
    ENTRY_KIND_STANDING: _ClassVar[EntryKind]
    ENTRY_KIND_CAMPAIGN: _ClassVar[EntryKind]
    ENTRY_KIND_LEVEL: _ClassVar[EntryKind]
ACCOUNT_KIND_UNSPECIFIED: AccountKind
ACCOUNT_KIND_AVAILABLE: AccountKind
ACCOUNT_KIND_PENDING: AccountKind
ACCOUNT_KIND_HELD: AccountKind
ACCOUNT_KIND_ISSUED: AccountKind
ACCOUNT_KIND_REDEEMED: AccountKind
ACCOUNT_KIND_EXPIRED: AccountKind
ENTRY_KIND_UNSPECIFIED: EntryKind
ENTRY_KIND_EARN: EntryKind
ENTRY_KIND_SPEND: EntryKind
ENTRY_KIND_MISSION: EntryKind
ENTRY_KIND_PRIZE: EntryKind
ENTRY_KIND_HOLD: EntryKind
ENTRY_KIND_CAPTURE: EntryKind
ENTRY_KIND_RELEASE: EntryKind
ENTRY_KIND_PENDING: EntryKind
ENTRY_KIND_ACTIVATE: EntryKind
ENTRY_KIND_CANCEL: EntryKind
ENTRY_KIND_EXPIRE: EntryKind
ENTRY_KIND_REFUND: EntryKind
ENTRY_KIND_REVERSAL: EntryKind
ENTRY_KIND_TRANSFER: EntryKind
ENTRY_KIND_GIFT: EntryKind
ENTRY_KIND_REDEMPTION: EntryKind
ENTRY_KIND_REDEMPTION_CANCELLED: EntryKind
ENTRY_KIND_REFERRAL: EntryKind
ENTRY_KIND_CONTRIBUTION: EntryKind
ENTRY_KIND_GROUP_SHARE: EntryKind
ENTRY_KIND_STANDING: EntryKind
ENTRY_KIND_CAMPAIGN: EntryKind
ENTRY_KIND_LEVEL: EntryKind

class Member(_message.Message):
    __slots__ = ("member", "display_name", "enrolled_at", "tier", "wallets", "attributes", "awaits_guardian")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    ENROLLED_AT_FIELD_NUMBER: _ClassVar[int]
    TIER_FIELD_NUMBER: _ClassVar[int]
    WALLETS_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    AWAITS_GUARDIAN_FIELD_NUMBER: _ClassVar[int]
    member: str
    display_name: str
    enrolled_at: _timestamp_pb2.Timestamp
    tier: str
    wallets: _containers.RepeatedCompositeFieldContainer[Wallet]
    attributes: _struct_pb2.Struct
    awaits_guardian: bool
    def __init__(self, member: _Optional[str] = ..., display_name: _Optional[str] = ..., enrolled_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., tier: _Optional[str] = ..., wallets: _Optional[_Iterable[_Union[Wallet, _Mapping]]] = ..., attributes: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., awaits_guardian: _Optional[bool] = ...) -> None: ...

class Wallet(_message.Message):
    __slots__ = ("currency", "available", "earned", "pending", "held", "expiring_next", "expires_at")
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_FIELD_NUMBER: _ClassVar[int]
    EARNED_FIELD_NUMBER: _ClassVar[int]
    PENDING_FIELD_NUMBER: _ClassVar[int]
    HELD_FIELD_NUMBER: _ClassVar[int]
    EXPIRING_NEXT_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    currency: str
    available: int
    earned: int
    pending: int
    held: int
    expiring_next: int
    expires_at: _timestamp_pb2.Timestamp
    def __init__(self, currency: _Optional[str] = ..., available: _Optional[int] = ..., earned: _Optional[int] = ..., pending: _Optional[int] = ..., held: _Optional[int] = ..., expiring_next: _Optional[int] = ..., expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Entry(_message.Message):
    __slots__ = ("id", "currency", "amount", "balance", "kind", "reference", "occurred_at")
    ID_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    BALANCE_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_AT_FIELD_NUMBER: _ClassVar[int]
    id: int
    currency: str
    amount: int
    balance: int
    kind: EntryKind
    reference: str
    occurred_at: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[int] = ..., currency: _Optional[str] = ..., amount: _Optional[int] = ..., balance: _Optional[int] = ..., kind: _Optional[_Union[EntryKind, str]] = ..., reference: _Optional[str] = ..., occurred_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class EnrolMemberRequest(_message.Message):
    __slots__ = ("member", "display_name", "referral_code", "attributes")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    REFERRAL_CODE_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    member: str
    display_name: str
    referral_code: str
    attributes: _struct_pb2.Struct
    def __init__(self, member: _Optional[str] = ..., display_name: _Optional[str] = ..., referral_code: _Optional[str] = ..., attributes: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class EnrolMemberResponse(_message.Message):
    __slots__ = ("member", "enrolled")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    ENROLLED_FIELD_NUMBER: _ClassVar[int]
    member: Member
    enrolled: bool
    def __init__(self, member: _Optional[_Union[Member, _Mapping]] = ..., enrolled: _Optional[bool] = ...) -> None: ...

class GetMemberRequest(_message.Message):
    __slots__ = ("member",)
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    member: str
    def __init__(self, member: _Optional[str] = ...) -> None: ...

class GetMemberResponse(_message.Message):
    __slots__ = ("member", "benefits")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    BENEFITS_FIELD_NUMBER: _ClassVar[int]
    member: Member
    benefits: _containers.RepeatedCompositeFieldContainer[_programme_tiers_pb2.TierBenefit]
    def __init__(self, member: _Optional[_Union[Member, _Mapping]] = ..., benefits: _Optional[_Iterable[_Union[_programme_tiers_pb2.TierBenefit, _Mapping]]] = ...) -> None: ...

class ListWalletsRequest(_message.Message):
    __slots__ = ("member",)
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    member: str
    def __init__(self, member: _Optional[str] = ...) -> None: ...

class ListWalletsResponse(_message.Message):
    __slots__ = ("wallets",)
    WALLETS_FIELD_NUMBER: _ClassVar[int]
    wallets: _containers.RepeatedCompositeFieldContainer[Wallet]
    def __init__(self, wallets: _Optional[_Iterable[_Union[Wallet, _Mapping]]] = ...) -> None: ...

class ListEntriesRequest(_message.Message):
    __slots__ = ("member", "page_size", "page_token", "account")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    member: str
    page_size: int
    page_token: str
    account: AccountKind
    def __init__(self, member: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., account: _Optional[_Union[AccountKind, str]] = ...) -> None: ...

class ListEntriesResponse(_message.Message):
    __slots__ = ("entries", "next_page_token")
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[Entry]
    next_page_token: str
    def __init__(self, entries: _Optional[_Iterable[_Union[Entry, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class SpendRequest(_message.Message):
    __slots__ = ("member", "currency", "amount", "reference", "idempotency_key")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    member: str
    currency: str
    amount: int
    reference: str
    idempotency_key: str
    def __init__(self, member: _Optional[str] = ..., currency: _Optional[str] = ..., amount: _Optional[int] = ..., reference: _Optional[str] = ..., idempotency_key: _Optional[str] = ...) -> None: ...

class SpendResponse(_message.Message):
    __slots__ = ("entry",)
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    entry: Entry
    def __init__(self, entry: _Optional[_Union[Entry, _Mapping]] = ...) -> None: ...

class ListRewardsRequest(_message.Message):
    __slots__ = ("member",)
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    member: str
    def __init__(self, member: _Optional[str] = ...) -> None: ...

class ListRewardsResponse(_message.Message):
    __slots__ = ("rewards", "standings")
    REWARDS_FIELD_NUMBER: _ClassVar[int]
    STANDINGS_FIELD_NUMBER: _ClassVar[int]
    rewards: _containers.RepeatedCompositeFieldContainer[_programme_pb2.Reward]
    standings: _containers.RepeatedCompositeFieldContainer[RewardStanding]
    def __init__(self, rewards: _Optional[_Iterable[_Union[_programme_pb2.Reward, _Mapping]]] = ..., standings: _Optional[_Iterable[_Union[RewardStanding, _Mapping]]] = ...) -> None: ...

class RewardStanding(_message.Message):
    __slots__ = ("reward", "redeemable", "affordable", "code", "detail", "left_for_member", "stock_left")
    REWARD_FIELD_NUMBER: _ClassVar[int]
    REDEEMABLE_FIELD_NUMBER: _ClassVar[int]
    AFFORDABLE_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    LEFT_FOR_MEMBER_FIELD_NUMBER: _ClassVar[int]
    STOCK_LEFT_FIELD_NUMBER: _ClassVar[int]
    reward: str
    redeemable: bool
    affordable: bool
    code: str
    detail: str
    left_for_member: int
    stock_left: int
    def __init__(self, reward: _Optional[str] = ..., redeemable: _Optional[bool] = ..., affordable: _Optional[bool] = ..., code: _Optional[str] = ..., detail: _Optional[str] = ..., left_for_member: _Optional[int] = ..., stock_left: _Optional[int] = ...) -> None: ...

class GetLiabilityReportRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetLiabilityReportResponse(_message.Message):
    __slots__ = ("currencies",)
    CURRENCIES_FIELD_NUMBER: _ClassVar[int]
    currencies: _containers.RepeatedCompositeFieldContainer[CurrencyLiability]
    def __init__(self, currencies: _Optional[_Iterable[_Union[CurrencyLiability, _Mapping]]] = ...) -> None: ...

class CurrencyLiability(_message.Message):
    __slots__ = ("currency", "issued", "spent", "outstanding", "expired")
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    ISSUED_FIELD_NUMBER: _ClassVar[int]
    SPENT_FIELD_NUMBER: _ClassVar[int]
    OUTSTANDING_FIELD_NUMBER: _ClassVar[int]
    EXPIRED_FIELD_NUMBER: _ClassVar[int]
    currency: str
    issued: int
    spent: int
    outstanding: int
    expired: int
    def __init__(self, currency: _Optional[str] = ..., issued: _Optional[int] = ..., spent: _Optional[int] = ..., outstanding: _Optional[int] = ..., expired: _Optional[int] = ...) -> None: ...

class GetMembersReportRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetMembersReportResponse(_message.Message):
    __slots__ = ("members", "activities", "tiers")
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    ACTIVITIES_FIELD_NUMBER: _ClassVar[int]
    TIERS_FIELD_NUMBER: _ClassVar[int]
    members: int
    activities: int
    tiers: _containers.RepeatedCompositeFieldContainer[TierCount]
    def __init__(self, members: _Optional[int] = ..., activities: _Optional[int] = ..., tiers: _Optional[_Iterable[_Union[TierCount, _Mapping]]] = ...) -> None: ...

class TierCount(_message.Message):
    __slots__ = ("tier", "name", "members")
    TIER_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    tier: str
    name: str
    members: int
    def __init__(self, tier: _Optional[str] = ..., name: _Optional[str] = ..., members: _Optional[int] = ...) -> None: ...
