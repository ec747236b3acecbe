import datetime

from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from laurels.access.v1 import access_pb2 as _access_pb2
from laurels.points.v1 import programme_tiers_pb2 as _programme_tiers_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TierChangeReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TIER_CHANGE_REASON_UNSPECIFIED: _ClassVar[TierChangeReason]
    TIER_CHANGE_REASON_QUALIFIED: _ClassVar[TierChangeReason]
    TIER_CHANGE_REASON_LAPSED: _ClassVar[TierChangeReason]
    TIER_CHANGE_REASON_TAKEN_BACK: _ClassVar[TierChangeReason]
    TIER_CHANGE_REASON_SET: _ClassVar[TierChangeReason]
    TIER_CHANGE_REASON_SET_ENDED: _ClassVar[TierChangeReason]
    TIER_CHANGE_REASON_SUBSCRIPTION_PAID: _ClassVar[TierChangeReason]
    TIER_CHANGE_REASON_SUBSCRIPTION_ENDED: _ClassVar[TierChangeReason]
TIER_CHANGE_REASON_UNSPECIFIED: TierChangeReason
TIER_CHANGE_REASON_QUALIFIED: TierChangeReason
TIER_CHANGE_REASON_LAPSED: TierChangeReason
TIER_CHANGE_REASON_TAKEN_BACK: TierChangeReason
TIER_CHANGE_REASON_SET: TierChangeReason
TIER_CHANGE_REASON_SET_ENDED: TierChangeReason
TIER_CHANGE_REASON_SUBSCRIPTION_PAID: TierChangeReason
TIER_CHANGE_REASON_SUBSCRIPTION_ENDED: TierChangeReason

class TierShown(_message.Message):
    __slots__ = ("id", "name", "requirements", "benefits")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    REQUIREMENTS_FIELD_NUMBER: _ClassVar[int]
    BENEFITS_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    requirements: _containers.RepeatedCompositeFieldContainer[_programme_tiers_pb2.TierRequirement]
    benefits: _containers.RepeatedCompositeFieldContainer[_programme_tiers_pb2.TierBenefit]
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., requirements: _Optional[_Iterable[_Union[_programme_tiers_pb2.TierRequirement, _Mapping]]] = ..., benefits: _Optional[_Iterable[_Union[_programme_tiers_pb2.TierBenefit, _Mapping]]] = ...) -> None: ...

class ListTiersRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListTiersResponse(_message.Message):
    __slots__ = ("tiers", "match")
    TIERS_FIELD_NUMBER: _ClassVar[int]
    MATCH_FIELD_NUMBER: _ClassVar[int]
    tiers: _containers.RepeatedCompositeFieldContainer[TierShown]
    match: _programme_tiers_pb2.TierMatch
    def __init__(self, tiers: _Optional[_Iterable[_Union[TierShown, _Mapping]]] = ..., match: _Optional[_Union[_programme_tiers_pb2.TierMatch, str]] = ...) -> None: ...

class TierProgress(_message.Message):
    __slots__ = ("qualifier", "name", "amount", "counts_from", "missing_to_keep", "missing_for_next")
    QUALIFIER_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    COUNTS_FROM_FIELD_NUMBER: _ClassVar[int]
    MISSING_TO_KEEP_FIELD_NUMBER: _ClassVar[int]
    MISSING_FOR_NEXT_FIELD_NUMBER: _ClassVar[int]
    qualifier: str
    name: str
    amount: int
    counts_from: _timestamp_pb2.Timestamp
    missing_to_keep: int
    missing_for_next: int
    def __init__(self, qualifier: _Optional[str] = ..., name: _Optional[str] = ..., amount: _Optional[int] = ..., counts_from: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., missing_to_keep: _Optional[int] = ..., missing_for_next: _Optional[int] = ...) -> None: ...

class MemberTier(_message.Message):
    __slots__ = ("member", "tier", "name", "since", "earned_tier", "keep_until", "at_risk_until", "progress", "next_tier", "benefits", "set_tier", "locked", "set_until")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    TIER_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    EARNED_TIER_FIELD_NUMBER: _ClassVar[int]
    KEEP_UNTIL_FIELD_NUMBER: _ClassVar[int]
    AT_RISK_UNTIL_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    NEXT_TIER_FIELD_NUMBER: _ClassVar[int]
    BENEFITS_FIELD_NUMBER: _ClassVar[int]
    SET_TIER_FIELD_NUMBER: _ClassVar[int]
    LOCKED_FIELD_NUMBER: _ClassVar[int]
    SET_UNTIL_FIELD_NUMBER: _ClassVar[int]
    member: str
    tier: str
    name: str
    since: _timestamp_pb2.Timestamp
    earned_tier: str
    keep_until: _timestamp_pb2.Timestamp
    at_risk_until: _timestamp_pb2.Timestamp
    progress: _containers.RepeatedCompositeFieldContainer[TierProgress]
    next_tier: str
    benefits: _containers.RepeatedCompositeFieldContainer[_programme_tiers_pb2.TierBenefit]
    set_tier: str
    locked: bool
    set_until: _timestamp_pb2.Timestamp
    def __init__(self, member: _Optional[str] = ..., tier: _Optional[str] = ..., name: _Optional[str] = ..., since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., earned_tier: _Optional[str] = ..., keep_until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., at_risk_until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., progress: _Optional[_Iterable[_Union[TierProgress, _Mapping]]] = ..., next_tier: _Optional[str] = ..., benefits: _Optional[_Iterable[_Union[_programme_tiers_pb2.TierBenefit, _Mapping]]] = ..., set_tier: _Optional[str] = ..., locked: _Optional[bool] = ..., set_until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class GetMemberTierRequest(_message.Message):
    __slots__ = ("member",)
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    member: str
    def __init__(self, member: _Optional[str] = ...) -> None: ...

class GetMemberTierResponse(_message.Message):
    __slots__ = ("tier",)
    TIER_FIELD_NUMBER: _ClassVar[int]
    tier: MemberTier
    def __init__(self, tier: _Optional[_Union[MemberTier, _Mapping]] = ...) -> None: ...

class SetMemberTierRequest(_message.Message):
    __slots__ = ("member", "tier", "locked", "reason", "until", "idempotency_key")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    TIER_FIELD_NUMBER: _ClassVar[int]
    LOCKED_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    member: str
    tier: str
    locked: bool
    reason: str
    until: _timestamp_pb2.Timestamp
    idempotency_key: str
    def __init__(self, member: _Optional[str] = ..., tier: _Optional[str] = ..., locked: _Optional[bool] = ..., reason: _Optional[str] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., idempotency_key: _Optional[str] = ...) -> None: ...

class SetMemberTierResponse(_message.Message):
    __slots__ = ("tier", "from_tier")
    TIER_FIELD_NUMBER: _ClassVar[int]
    FROM_TIER_FIELD_NUMBER: _ClassVar[int]
    tier: str
    from_tier: str
    def __init__(self, tier: _Optional[str] = ..., from_tier: _Optional[str] = ...) -> None: ...

class TierHistoryEntry(_message.Message):
    __slots__ = ("id", "from_tier", "to_tier", "reason", "note", "by", "until", "occurred_at")
    ID_FIELD_NUMBER: _ClassVar[int]
    FROM_TIER_FIELD_NUMBER: _ClassVar[int]
    TO_TIER_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    BY_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_AT_FIELD_NUMBER: _ClassVar[int]
    id: int
    from_tier: str
    to_tier: str
    reason: TierChangeReason
    note: str
    by: str
    until: _timestamp_pb2.Timestamp
    occurred_at: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[int] = ..., from_tier: _Optional[str] = ..., to_tier: _Optional[str] = ..., reason: _Optional[_Union[TierChangeReason, str]] = ..., note: _Optional[str] = ..., by: _Optional[str] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., occurred_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ListTierHistoryRequest(_message.Message):
    __slots__ = ("member", "page_size", "page_token")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    member: str
    page_size: int
    page_token: str
    def __init__(self, member: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListTierHistoryResponse(_message.Message):
    __slots__ = ("entries", "next_page_token")
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[TierHistoryEntry]
    next_page_token: str
    def __init__(self, entries: _Optional[_Iterable[_Union[TierHistoryEntry, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class MemberSubscription(_message.Message):
    __slots__ = ("subscription", "tier", "paid_until", "active")
    SUBSCRIPTION_FIELD_NUMBER: _ClassVar[int]
    TIER_FIELD_NUMBER: _ClassVar[int]
    PAID_UNTIL_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_FIELD_NUMBER: _ClassVar[int]
    subscription: str
    tier: str
    paid_until: _timestamp_pb2.Timestamp
    active: bool
    def __init__(self, subscription: _Optional[str] = ..., tier: _Optional[str] = ..., paid_until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., active: _Optional[bool] = ...) -> None: ...

class ListSubscriptionsRequest(_message.Message):
    __slots__ = ("member",)
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    member: str
    def __init__(self, member: _Optional[str] = ...) -> None: ...

class ListSubscriptionsResponse(_message.Message):
    __slots__ = ("subscriptions",)
    SUBSCRIPTIONS_FIELD_NUMBER: _ClassVar[int]
    subscriptions: _containers.RepeatedCompositeFieldContainer[MemberSubscription]
    def __init__(self, subscriptions: _Optional[_Iterable[_Union[MemberSubscription, _Mapping]]] = ...) -> None: ...

class PaySubscriptionRequest(_message.Message):
    __slots__ = ("member", "subscription", "paid_until", "idempotency_key")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    SUBSCRIPTION_FIELD_NUMBER: _ClassVar[int]
    PAID_UNTIL_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    member: str
    subscription: str
    paid_until: _timestamp_pb2.Timestamp
    idempotency_key: str
    def __init__(self, member: _Optional[str] = ..., subscription: _Optional[str] = ..., paid_until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., idempotency_key: _Optional[str] = ...) -> None: ...

class PaySubscriptionResponse(_message.Message):
    __slots__ = ("subscription", "tier")
    SUBSCRIPTION_FIELD_NUMBER: _ClassVar[int]
    TIER_FIELD_NUMBER: _ClassVar[int]
    subscription: MemberSubscription
    tier: str
    def __init__(self, subscription: _Optional[_Union[MemberSubscription, _Mapping]] = ..., tier: _Optional[str] = ...) -> None: ...

class CancelSubscriptionRequest(_message.Message):
    __slots__ = ("member", "subscription", "idempotency_key")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    SUBSCRIPTION_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    member: str
    subscription: str
    idempotency_key: str
    def __init__(self, member: _Optional[str] = ..., subscription: _Optional[str] = ..., idempotency_key: _Optional[str] = ...) -> None: ...

class CancelSubscriptionResponse(_message.Message):
    __slots__ = ("subscription", "tier")
    SUBSCRIPTION_FIELD_NUMBER: _ClassVar[int]
    TIER_FIELD_NUMBER: _ClassVar[int]
    subscription: MemberSubscription
    tier: str
    def __init__(self, subscription: _Optional[_Union[MemberSubscription, _Mapping]] = ..., tier: _Optional[str] = ...) -> None: ...
