import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from laurels.access.v1 import fields_pb2 as _fields_pb2
from laurels.points.v1 import groups_pb2 as _groups_pb2
from laurels.points.v1 import points_pb2 as _points_pb2
from laurels.points.v1 import programme_groups_pb2 as _programme_groups_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GroupChange(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    GROUP_CHANGE_UNSPECIFIED: _ClassVar[GroupChange]
    GROUP_CHANGE_CREATED: _ClassVar[GroupChange]
    GROUP_CHANGE_INVITED: _ClassVar[GroupChange]
    GROUP_CHANGE_JOINED: _ClassVar[GroupChange]
    GROUP_CHANGE_LEFT: _ClassVar[GroupChange]
    GROUP_CHANGE_REMOVED: _ClassVar[GroupChange]
    GROUP_CHANGE_ROLE: _ClassVar[GroupChange]
    GROUP_CHANGE_DISSOLVED: _ClassVar[GroupChange]
GROUP_CHANGE_UNSPECIFIED: GroupChange
GROUP_CHANGE_CREATED: GroupChange
GROUP_CHANGE_INVITED: GroupChange
GROUP_CHANGE_JOINED: GroupChange
GROUP_CHANGE_LEFT: GroupChange
GROUP_CHANGE_REMOVED: GroupChange
GROUP_CHANGE_ROLE: GroupChange
GROUP_CHANGE_DISSOLVED: GroupChange

class GroupChanged(_message.Message):
    __slots__ = ("member", "group", "change", "role", "by", "occurred_at")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    BY_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_AT_FIELD_NUMBER: _ClassVar[int]
    member: str
    group: _groups_pb2.Group
    change: GroupChange
    role: _programme_groups_pb2.GroupRole
    by: str
    occurred_at: _timestamp_pb2.Timestamp
    def __init__(self, member: _Optional[str] = ..., group: _Optional[_Union[_groups_pb2.Group, _Mapping]] = ..., change: _Optional[_Union[GroupChange, str]] = ..., role: _Optional[_Union[_programme_groups_pb2.GroupRole, str]] = ..., by: _Optional[str] = ..., occurred_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class GroupCredited(_message.Message):
    __slots__ = ("member", "group", "currency", "amount", "balance", "kind", "reference", "occurred_at", "member_balance")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    BALANCE_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_AT_FIELD_NUMBER: _ClassVar[int]
    MEMBER_BALANCE_FIELD_NUMBER: _ClassVar[int]
    member: str
    group: str
    currency: str
    amount: int
    balance: int
    kind: _points_pb2.EntryKind
    reference: str
    occurred_at: _timestamp_pb2.Timestamp
    member_balance: int
    def __init__(self, member: _Optional[str] = ..., group: _Optional[str] = ..., currency: _Optional[str] = ..., amount: _Optional[int] = ..., balance: _Optional[int] = ..., kind: _Optional[_Union[_points_pb2.EntryKind, str]] = ..., reference: _Optional[str] = ..., occurred_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., member_balance: _Optional[int] = ...) -> None: ...

class GroupDebited(_message.Message):
    __slots__ = ("member", "group", "currency", "amount", "balance", "kind", "reference", "occurred_at", "member_balance")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    BALANCE_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_AT_FIELD_NUMBER: _ClassVar[int]
    MEMBER_BALANCE_FIELD_NUMBER: _ClassVar[int]
    member: str
    group: str
    currency: str
    amount: int
    balance: int
    kind: _points_pb2.EntryKind
    reference: str
    occurred_at: _timestamp_pb2.Timestamp
    member_balance: int
    def __init__(self, member: _Optional[str] = ..., group: _Optional[str] = ..., currency: _Optional[str] = ..., amount: _Optional[int] = ..., balance: _Optional[int] = ..., kind: _Optional[_Union[_points_pb2.EntryKind, str]] = ..., reference: _Optional[str] = ..., occurred_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., member_balance: _Optional[int] = ...) -> None: ...

class GiftGiven(_message.Message):
    __slots__ = ("member", "to", "currency", "amount", "balance", "reference", "occurred_at")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    BALANCE_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_AT_FIELD_NUMBER: _ClassVar[int]
    member: str
    to: str
    currency: str
    amount: int
    balance: int
    reference: str
    occurred_at: _timestamp_pb2.Timestamp
    def __init__(self, member: _Optional[str] = ..., to: _Optional[str] = ..., currency: _Optional[str] = ..., amount: _Optional[int] = ..., balance: _Optional[int] = ..., reference: _Optional[str] = ..., occurred_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class GiftReceived(_message.Message):
    __slots__ = ("member", "giver", "currency", "amount", "balance", "reference", "occurred_at")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    GIVER_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    BALANCE_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_AT_FIELD_NUMBER: _ClassVar[int]
    member: str
    giver: str
    currency: str
    amount: int
    balance: int
    reference: str
    occurred_at: _timestamp_pb2.Timestamp
    def __init__(self, member: _Optional[str] = ..., giver: _Optional[str] = ..., currency: _Optional[str] = ..., amount: _Optional[int] = ..., balance: _Optional[int] = ..., reference: _Optional[str] = ..., occurred_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ReferralCompleted(_message.Message):
    __slots__ = ("member", "referee", "activity", "currency", "referrer_amount", "referee_amount", "capped", "occurred_at")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    REFEREE_FIELD_NUMBER: _ClassVar[int]
    ACTIVITY_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    REFERRER_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    REFEREE_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    CAPPED_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_AT_FIELD_NUMBER: _ClassVar[int]
    member: str
    referee: str
    activity: str
    currency: str
    referrer_amount: int
    referee_amount: int
    capped: bool
    occurred_at: _timestamp_pb2.Timestamp
    def __init__(self, member: _Optional[str] = ..., referee: _Optional[str] = ..., activity: _Optional[str] = ..., currency: _Optional[str] = ..., referrer_amount: _Optional[int] = ..., referee_amount: _Optional[int] = ..., capped: _Optional[bool] = ..., occurred_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
