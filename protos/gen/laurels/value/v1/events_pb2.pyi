import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GrantReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    GRANT_REASON_UNSPECIFIED: _ClassVar[GrantReason]
    GRANT_REASON_MISSION: _ClassVar[GrantReason]
    GRANT_REASON_PRIZE: _ClassVar[GrantReason]
    GRANT_REASON_STANDING: _ClassVar[GrantReason]
    GRANT_REASON_CAMPAIGN: _ClassVar[GrantReason]
    GRANT_REASON_LEVEL: _ClassVar[GrantReason]
    GRANT_REASON_RECOMMENDATION: _ClassVar[GrantReason]

class HoldEnd(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    HOLD_END_UNSPECIFIED: _ClassVar[HoldEnd]
    HOLD_END_CAPTURE: _ClassVar[HoldEnd]
    HOLD_END_RELEASE: _ClassVar[HoldEnd]
GRANT_REASON_UNSPECIFIED: GrantReason
GRANT_REASON_MISSION: GrantReason
GRANT_REASON_PRIZE: GrantReason
GRANT_REASON_STANDING: GrantReason
GRANT_REASON_CAMPAIGN: GrantReason
GRANT_REASON_LEVEL: GrantReason
GRANT_REASON_RECOMMENDATION: GrantReason
HOLD_END_UNSPECIFIED: HoldEnd
HOLD_END_CAPTURE: HoldEnd
HOLD_END_RELEASE: HoldEnd

class Grant(_message.Message):
    __slots__ = ("points", "reward", "scratch_card", "badge", "mission")
    POINTS_FIELD_NUMBER: _ClassVar[int]
    REWARD_FIELD_NUMBER: _ClassVar[int]
    SCRATCH_CARD_FIELD_NUMBER: _ClassVar[int]
    BADGE_FIELD_NUMBER: _ClassVar[int]
    MISSION_FIELD_NUMBER: _ClassVar[int]
    points: PointsGrant
    reward: str
    scratch_card: str
    badge: str
    mission: str
    def __init__(self, points: _Optional[_Union[PointsGrant, _Mapping]] = ..., reward: _Optional[str] = ..., scratch_card: _Optional[str] = ..., badge: _Optional[str] = ..., mission: _Optional[str] = ...) -> None: ...

class PointsGrant(_message.Message):
    __slots__ = ("currency", "amount")
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    currency: str
    amount: int
    def __init__(self, currency: _Optional[str] = ..., amount: _Optional[int] = ...) -> None: ...

class RewardGranted(_message.Message):
    __slots__ = ("key", "member", "grants", "reason", "reference", "occurred_at", "programme_version")
    KEY_FIELD_NUMBER: _ClassVar[int]
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    GRANTS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_AT_FIELD_NUMBER: _ClassVar[int]
    PROGRAMME_VERSION_FIELD_NUMBER: _ClassVar[int]
    key: str
    member: str
    grants: _containers.RepeatedCompositeFieldContainer[Grant]
    reason: GrantReason
    reference: str
    occurred_at: _timestamp_pb2.Timestamp
    programme_version: int
    def __init__(self, key: _Optional[str] = ..., member: _Optional[str] = ..., grants: _Optional[_Iterable[_Union[Grant, _Mapping]]] = ..., reason: _Optional[_Union[GrantReason, str]] = ..., reference: _Optional[str] = ..., occurred_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., programme_version: _Optional[int] = ...) -> None: ...

class GrantParked(_message.Message):
    __slots__ = ("key", "member", "grant", "code", "detail", "occurred_at")
    KEY_FIELD_NUMBER: _ClassVar[int]
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    GRANT_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_AT_FIELD_NUMBER: _ClassVar[int]
    key: str
    member: str
    grant: Grant
    code: str
    detail: str
    occurred_at: _timestamp_pb2.Timestamp
    def __init__(self, key: _Optional[str] = ..., member: _Optional[str] = ..., grant: _Optional[_Union[Grant, _Mapping]] = ..., code: _Optional[str] = ..., detail: _Optional[str] = ..., occurred_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class HoldRequested(_message.Message):
    __slots__ = ("key", "member", "currency", "amount", "expires_at", "reference", "occurred_at")
    KEY_FIELD_NUMBER: _ClassVar[int]
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_AT_FIELD_NUMBER: _ClassVar[int]
    key: str
    member: str
    currency: str
    amount: int
    expires_at: _timestamp_pb2.Timestamp
    reference: str
    occurred_at: _timestamp_pb2.Timestamp
    def __init__(self, key: _Optional[str] = ..., member: _Optional[str] = ..., currency: _Optional[str] = ..., amount: _Optional[int] = ..., expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., reference: _Optional[str] = ..., occurred_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class HoldDecided(_message.Message):
    __slots__ = ("key", "member", "held", "code", "occurred_at")
    KEY_FIELD_NUMBER: _ClassVar[int]
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    HELD_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_AT_FIELD_NUMBER: _ClassVar[int]
    key: str
    member: str
    held: bool
    code: str
    occurred_at: _timestamp_pb2.Timestamp
    def __init__(self, key: _Optional[str] = ..., member: _Optional[str] = ..., held: _Optional[bool] = ..., code: _Optional[str] = ..., occurred_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class HoldSettled(_message.Message):
    __slots__ = ("key", "member", "end", "occurred_at")
    KEY_FIELD_NUMBER: _ClassVar[int]
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_AT_FIELD_NUMBER: _ClassVar[int]
    key: str
    member: str
    end: HoldEnd
    occurred_at: _timestamp_pb2.Timestamp
    def __init__(self, key: _Optional[str] = ..., member: _Optional[str] = ..., end: _Optional[_Union[HoldEnd, str]] = ..., occurred_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class HoldDue(_message.Message):
    __slots__ = ("key", "member", "occurred_at")
    KEY_FIELD_NUMBER: _ClassVar[int]
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_AT_FIELD_NUMBER: _ClassVar[int]
    key: str
    member: str
    occurred_at: _timestamp_pb2.Timestamp
    def __init__(self, key: _Optional[str] = ..., member: _Optional[str] = ..., occurred_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
