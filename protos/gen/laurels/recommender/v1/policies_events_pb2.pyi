import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ModelPromoted(_message.Message):
    __slots__ = ("slot", "candidate", "overridden", "promoted_at")
    SLOT_FIELD_NUMBER: _ClassVar[int]
    CANDIDATE_FIELD_NUMBER: _ClassVar[int]
    OVERRIDDEN_FIELD_NUMBER: _ClassVar[int]
    PROMOTED_AT_FIELD_NUMBER: _ClassVar[int]
    slot: str
    candidate: str
    overridden: bool
    promoted_at: _timestamp_pb2.Timestamp
    def __init__(self, slot: _Optional[str] = ..., candidate: _Optional[str] = ..., overridden: _Optional[bool] = ..., promoted_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ModelRestored(_message.Message):
    __slots__ = ("slot", "version", "restored_from", "restored_at")
    SLOT_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    RESTORED_FROM_FIELD_NUMBER: _ClassVar[int]
    RESTORED_AT_FIELD_NUMBER: _ClassVar[int]
    slot: str
    version: int
    restored_from: int
    restored_at: _timestamp_pb2.Timestamp
    def __init__(self, slot: _Optional[str] = ..., version: _Optional[int] = ..., restored_from: _Optional[int] = ..., restored_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
