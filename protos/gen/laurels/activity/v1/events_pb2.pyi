import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from laurels.activity.v1 import activity_pb2 as _activity_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ActivityRecorded(_message.Message):
    __slots__ = ("activity", "programme_version", "earned", "tier", "recorded_at", "enrolled")
    ACTIVITY_FIELD_NUMBER: _ClassVar[int]
    PROGRAMME_VERSION_FIELD_NUMBER: _ClassVar[int]
    EARNED_FIELD_NUMBER: _ClassVar[int]
    TIER_FIELD_NUMBER: _ClassVar[int]
    RECORDED_AT_FIELD_NUMBER: _ClassVar[int]
    ENROLLED_FIELD_NUMBER: _ClassVar[int]
    activity: _activity_pb2.Activity
    programme_version: int
    earned: _containers.RepeatedCompositeFieldContainer[Earned]
    tier: str
    recorded_at: _timestamp_pb2.Timestamp
    enrolled: bool
    def __init__(self, activity: _Optional[_Union[_activity_pb2.Activity, _Mapping]] = ..., programme_version: _Optional[int] = ..., earned: _Optional[_Iterable[_Union[Earned, _Mapping]]] = ..., tier: _Optional[str] = ..., recorded_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., enrolled: _Optional[bool] = ...) -> None: ...

class Earned(_message.Message):
    __slots__ = ("currency", "amount", "balance", "pending")
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    BALANCE_FIELD_NUMBER: _ClassVar[int]
    PENDING_FIELD_NUMBER: _ClassVar[int]
    currency: str
    amount: int
    balance: int
    pending: int
    def __init__(self, currency: _Optional[str] = ..., amount: _Optional[int] = ..., balance: _Optional[int] = ..., pending: _Optional[int] = ...) -> None: ...
