import datetime

from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from laurels.access.v1 import access_pb2 as _access_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetLevelRequest(_message.Message):
    __slots__ = ("member",)
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    member: str
    def __init__(self, member: _Optional[str] = ...) -> None: ...

class GetLevelResponse(_message.Message):
    __slots__ = ("level", "name", "place", "experience", "currency", "reached_at", "next_level", "next_name", "next_threshold")
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PLACE_FIELD_NUMBER: _ClassVar[int]
    EXPERIENCE_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    REACHED_AT_FIELD_NUMBER: _ClassVar[int]
    NEXT_LEVEL_FIELD_NUMBER: _ClassVar[int]
    NEXT_NAME_FIELD_NUMBER: _ClassVar[int]
    NEXT_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    level: str
    name: str
    place: int
    experience: int
    currency: str
    reached_at: _timestamp_pb2.Timestamp
    next_level: str
    next_name: str
    next_threshold: int
    def __init__(self, level: _Optional[str] = ..., name: _Optional[str] = ..., place: _Optional[int] = ..., experience: _Optional[int] = ..., currency: _Optional[str] = ..., reached_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., next_level: _Optional[str] = ..., next_name: _Optional[str] = ..., next_threshold: _Optional[int] = ...) -> None: ...
