import datetime

from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from laurels.points.v1 import members_pb2 as _members_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class MemberCorrected(_message.Message):
    __slots__ = ("member", "fields", "corrected_at")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    CORRECTED_AT_FIELD_NUMBER: _ClassVar[int]
    member: str
    fields: _containers.RepeatedScalarFieldContainer[str]
    corrected_at: _timestamp_pb2.Timestamp
    def __init__(self, member: _Optional[str] = ..., fields: _Optional[_Iterable[str]] = ..., corrected_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ConsentChanged(_message.Message):
    __slots__ = ("member", "purpose", "granted", "text_version", "changed_at")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    GRANTED_FIELD_NUMBER: _ClassVar[int]
    TEXT_VERSION_FIELD_NUMBER: _ClassVar[int]
    CHANGED_AT_FIELD_NUMBER: _ClassVar[int]
    member: str
    purpose: _members_pb2.ConsentPurpose
    granted: bool
    text_version: str
    changed_at: _timestamp_pb2.Timestamp
    def __init__(self, member: _Optional[str] = ..., purpose: _Optional[_Union[_members_pb2.ConsentPurpose, str]] = ..., granted: _Optional[bool] = ..., text_version: _Optional[str] = ..., changed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class SharedAttributesChanged(_message.Message):
    __slots__ = ("member", "attributes", "changed_at")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    CHANGED_AT_FIELD_NUMBER: _ClassVar[int]
    member: str
    attributes: _struct_pb2.Struct
    changed_at: _timestamp_pb2.Timestamp
    def __init__(self, member: _Optional[str] = ..., attributes: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., changed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class AnniversaryReached(_message.Message):
    __slots__ = ("member", "attribute", "day", "occurred_at")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTE_FIELD_NUMBER: _ClassVar[int]
    DAY_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_AT_FIELD_NUMBER: _ClassVar[int]
    member: str
    attribute: str
    day: str
    occurred_at: _timestamp_pb2.Timestamp
    def __init__(self, member: _Optional[str] = ..., attribute: _Optional[str] = ..., day: _Optional[str] = ..., occurred_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
