import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from laurels.points.v1 import ledger_pb2 as _ledger_pb2
from laurels.points.v1 import points_pb2 as _points_pb2
from laurels.points.v1 import tiers_pb2 as _tiers_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class MemberEnrolled(_message.Message):
    __slots__ = ("member", "enrolled_at", "tier")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    ENROLLED_AT_FIELD_NUMBER: _ClassVar[int]
    TIER_FIELD_NUMBER: _ClassVar[int]
    member: str
    enrolled_at: _timestamp_pb2.Timestamp
    tier: str
    def __init__(self, member: _Optional[str] = ..., enrolled_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., tier: _Optional[str] = ...) -> None: ...

class PointsCredited(_message.Message):
    __slots__ = ("member", "currency", "amount", "balance", "kind", "reference", "occurred_at", "programme_version")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    BALANCE_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_AT_FIELD_NUMBER: _ClassVar[int]
    PROGRAMME_VERSION_FIELD_NUMBER: _ClassVar[int]
    member: str
    currency: str
    amount: int
    balance: int
    kind: _points_pb2.EntryKind
    reference: str
    occurred_at: _timestamp_pb2.Timestamp
    programme_version: int
    def __init__(self, member: _Optional[str] = ..., currency: _Optional[str] = ..., amount: _Optional[int] = ..., balance: _Optional[int] = ..., kind: _Optional[_Union[_points_pb2.EntryKind, str]] = ..., reference: _Optional[str] = ..., occurred_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., programme_version: _Optional[int] = ...) -> None: ...

class PointsSpent(_message.Message):
    __slots__ = ("member", "currency", "amount", "balance", "reference", "occurred_at")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    BALANCE_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_AT_FIELD_NUMBER: _ClassVar[int]
    member: str
    currency: str
    amount: int
    balance: int
    reference: str
    occurred_at: _timestamp_pb2.Timestamp
    def __init__(self, member: _Optional[str] = ..., currency: _Optional[str] = ..., amount: _Optional[int] = ..., balance: _Optional[int] = ..., reference: _Optional[str] = ..., occurred_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class TierChanged(_message.Message):
    __slots__ = ("member", "from_tier", "to_tier", "occurred_at", "reason")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    FROM_TIER_FIELD_NUMBER: _ClassVar[int]
    TO_TIER_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_AT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    member: str
    from_tier: str
    to_tier: str
    occurred_at: _timestamp_pb2.Timestamp
    reason: _tiers_pb2.TierChangeReason
    def __init__(self, member: _Optional[str] = ..., from_tier: _Optional[str] = ..., to_tier: _Optional[str] = ..., occurred_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., reason: _Optional[_Union[_tiers_pb2.TierChangeReason, str]] = ...) -> None: ...

class PendingLotChanged(_message.Message):
    __slots__ = ("lot", "member", "occurred_at")
    LOT_FIELD_NUMBER: _ClassVar[int]
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_AT_FIELD_NUMBER: _ClassVar[int]
    lot: _ledger_pb2.PendingLot
    member: str
    occurred_at: _timestamp_pb2.Timestamp
    def __init__(self, lot: _Optional[_Union[_ledger_pb2.PendingLot, _Mapping]] = ..., member: _Optional[str] = ..., occurred_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class HoldChanged(_message.Message):
    __slots__ = ("hold", "member", "occurred_at")
    HOLD_FIELD_NUMBER: _ClassVar[int]
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_AT_FIELD_NUMBER: _ClassVar[int]
    hold: _ledger_pb2.Hold
    member: str
    occurred_at: _timestamp_pb2.Timestamp
    def __init__(self, hold: _Optional[_Union[_ledger_pb2.Hold, _Mapping]] = ..., member: _Optional[str] = ..., occurred_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class PointsExpiring(_message.Message):
    __slots__ = ("member", "currency", "amount", "expires_at")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    member: str
    currency: str
    amount: int
    expires_at: _timestamp_pb2.Timestamp
    def __init__(self, member: _Optional[str] = ..., currency: _Optional[str] = ..., amount: _Optional[int] = ..., expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class PointsExpired(_message.Message):
    __slots__ = ("member", "currency", "amount", "balance", "expired_at")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    BALANCE_FIELD_NUMBER: _ClassVar[int]
    EXPIRED_AT_FIELD_NUMBER: _ClassVar[int]
    member: str
    currency: str
    amount: int
    balance: int
    expired_at: _timestamp_pb2.Timestamp
    def __init__(self, member: _Optional[str] = ..., currency: _Optional[str] = ..., amount: _Optional[int] = ..., balance: _Optional[int] = ..., expired_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
