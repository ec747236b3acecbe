import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class BadgeRevocation(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BADGE_REVOCATION_UNSPECIFIED: _ClassVar[BadgeRevocation]
    BADGE_REVOCATION_REFUND: _ClassVar[BadgeRevocation]
    BADGE_REVOCATION_REQUEST: _ClassVar[BadgeRevocation]
BADGE_REVOCATION_UNSPECIFIED: BadgeRevocation
BADGE_REVOCATION_REFUND: BadgeRevocation
BADGE_REVOCATION_REQUEST: BadgeRevocation

class BadgeRevoked(_message.Message):
    __slots__ = ("member", "badge", "key", "count", "reason", "revoked_at")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    BADGE_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    REVOKED_AT_FIELD_NUMBER: _ClassVar[int]
    member: str
    badge: str
    key: str
    count: int
    reason: BadgeRevocation
    revoked_at: _timestamp_pb2.Timestamp
    def __init__(self, member: _Optional[str] = ..., badge: _Optional[str] = ..., key: _Optional[str] = ..., count: _Optional[int] = ..., reason: _Optional[_Union[BadgeRevocation, str]] = ..., revoked_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
