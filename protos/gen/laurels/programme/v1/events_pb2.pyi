import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from laurels.programme.v1 import programme_pb2 as _programme_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ProgrammeApplied(_message.Message):
    __slots__ = ("version", "programme", "applied_at")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    PROGRAMME_FIELD_NUMBER: _ClassVar[int]
    APPLIED_AT_FIELD_NUMBER: _ClassVar[int]
    version: int
    programme: _programme_pb2.Programme
    applied_at: _timestamp_pb2.Timestamp
    def __init__(self, version: _Optional[int] = ..., programme: _Optional[_Union[_programme_pb2.Programme, _Mapping]] = ..., applied_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ProgrammeAdopted(_message.Message):
    __slots__ = ("service", "version")
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    service: str
    version: int
    def __init__(self, service: _Optional[str] = ..., version: _Optional[int] = ...) -> None: ...
