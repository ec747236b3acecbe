import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PoolKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    POOL_KIND_UNSPECIFIED: _ClassVar[PoolKind]
    POOL_KIND_DECK: _ClassVar[PoolKind]
    POOL_KIND_ODDS: _ClassVar[PoolKind]

class Face(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FACE_UNSPECIFIED: _ClassVar[Face]
    FACE_SCRATCH_CARD: _ClassVar[Face]
    FACE_WHEEL: _ClassVar[Face]
    FACE_SEALED_BOX: _ClassVar[Face]
POOL_KIND_UNSPECIFIED: PoolKind
POOL_KIND_DECK: PoolKind
POOL_KIND_ODDS: PoolKind
FACE_UNSPECIFIED: Face
FACE_SCRATCH_CARD: Face
FACE_WHEEL: Face
FACE_SEALED_BOX: Face

class CardWindow(_message.Message):
    __slots__ = ("starts_at", "ends_at", "reveal_days")
    STARTS_AT_FIELD_NUMBER: _ClassVar[int]
    ENDS_AT_FIELD_NUMBER: _ClassVar[int]
    REVEAL_DAYS_FIELD_NUMBER: _ClassVar[int]
    starts_at: _timestamp_pb2.Timestamp
    ends_at: _timestamp_pb2.Timestamp
    reveal_days: int
    def __init__(self, starts_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., ends_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., reveal_days: _Optional[int] = ...) -> None: ...

class CardLimits(_message.Message):
    __slots__ = ("per_member_day", "per_member", "per_day")
    PER_MEMBER_DAY_FIELD_NUMBER: _ClassVar[int]
    PER_MEMBER_FIELD_NUMBER: _ClassVar[int]
    PER_DAY_FIELD_NUMBER: _ClassVar[int]
    per_member_day: int
    per_member: int
    per_day: int
    def __init__(self, per_member_day: _Optional[int] = ..., per_member: _Optional[int] = ..., per_day: _Optional[int] = ...) -> None: ...

class PacePoint(_message.Message):
    __slots__ = ("elapsed", "released")
    ELAPSED_FIELD_NUMBER: _ClassVar[int]
    RELEASED_FIELD_NUMBER: _ClassVar[int]
    elapsed: int
    released: int
    def __init__(self, elapsed: _Optional[int] = ..., released: _Optional[int] = ...) -> None: ...
