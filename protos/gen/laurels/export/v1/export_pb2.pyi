from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from laurels.access.v1 import access_pb2 as _access_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ExportMemberRequest(_message.Message):
    __slots__ = ("member", "cursor")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    member: str
    cursor: str
    def __init__(self, member: _Optional[str] = ..., cursor: _Optional[str] = ...) -> None: ...

class ExportMemberResponse(_message.Message):
    __slots__ = ("member", "sections", "truncated", "next_cursor")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    SECTIONS_FIELD_NUMBER: _ClassVar[int]
    TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    NEXT_CURSOR_FIELD_NUMBER: _ClassVar[int]
    member: str
    sections: _containers.RepeatedCompositeFieldContainer[ExportSection]
    truncated: bool
    next_cursor: str
    def __init__(self, member: _Optional[str] = ..., sections: _Optional[_Iterable[_Union[ExportSection, _Mapping]]] = ..., truncated: _Optional[bool] = ..., next_cursor: _Optional[str] = ...) -> None: ...

class ExportSection(_message.Message):
    __slots__ = ("service", "name", "rows")
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    service: str
    name: str
    rows: _containers.RepeatedCompositeFieldContainer[_struct_pb2.Struct]
    def __init__(self, service: _Optional[str] = ..., name: _Optional[str] = ..., rows: _Optional[_Iterable[_Union[_struct_pb2.Struct, _Mapping]]] = ...) -> None: ...
