import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class MemberErased(_message.Message):
    __slots__ = ("member", "erasure", "alias", "erased_at")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    ERASURE_FIELD_NUMBER: _ClassVar[int]
    ALIAS_FIELD_NUMBER: _ClassVar[int]
    ERASED_AT_FIELD_NUMBER: _ClassVar[int]
    member: str
    erasure: str
    alias: str
    erased_at: _timestamp_pb2.Timestamp
    def __init__(self, member: _Optional[str] = ..., erasure: _Optional[str] = ..., alias: _Optional[str] = ..., erased_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ErasureReceipt(_message.Message):
    __slots__ = ("erasure", "service", "after", "alias")
    ERASURE_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    ALIAS_FIELD_NUMBER: _ClassVar[int]
    erasure: str
    service: str
    after: str
    alias: str
    def __init__(self, erasure: _Optional[str] = ..., service: _Optional[str] = ..., after: _Optional[str] = ..., alias: _Optional[str] = ...) -> None: ...

class ErasureSettled(_message.Message):
    __slots__ = ("erasure",)
    ERASURE_FIELD_NUMBER: _ClassVar[int]
    erasure: str
    def __init__(self, erasure: _Optional[str] = ...) -> None: ...
