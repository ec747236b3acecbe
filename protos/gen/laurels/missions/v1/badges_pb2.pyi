from google.api import annotations_pb2 as _annotations_pb2
from laurels.access.v1 import access_pb2 as _access_pb2
from laurels.missions.v1 import missions_pb2 as _missions_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AwardBadgeRequest(_message.Message):
    __slots__ = ("member", "badge", "idempotency_key", "activity")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    BADGE_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    ACTIVITY_FIELD_NUMBER: _ClassVar[int]
    member: str
    badge: str
    idempotency_key: str
    activity: str
    def __init__(self, member: _Optional[str] = ..., badge: _Optional[str] = ..., idempotency_key: _Optional[str] = ..., activity: _Optional[str] = ...) -> None: ...

class AwardBadgeResponse(_message.Message):
    __slots__ = ("badge",)
    BADGE_FIELD_NUMBER: _ClassVar[int]
    badge: _missions_pb2.EarnedBadge
    def __init__(self, badge: _Optional[_Union[_missions_pb2.EarnedBadge, _Mapping]] = ...) -> None: ...

class RevokeBadgeRequest(_message.Message):
    __slots__ = ("member", "badge")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    BADGE_FIELD_NUMBER: _ClassVar[int]
    member: str
    badge: str
    def __init__(self, member: _Optional[str] = ..., badge: _Optional[str] = ...) -> None: ...

class RevokeBadgeResponse(_message.Message):
    __slots__ = ("revoked",)
    REVOKED_FIELD_NUMBER: _ClassVar[int]
    revoked: bool
    def __init__(self, revoked: _Optional[bool] = ...) -> None: ...

class ListPublicBadgesRequest(_message.Message):
    __slots__ = ("holder",)
    HOLDER_FIELD_NUMBER: _ClassVar[int]
    holder: str
    def __init__(self, holder: _Optional[str] = ...) -> None: ...

class ListPublicBadgesResponse(_message.Message):
    __slots__ = ("badges",)
    BADGES_FIELD_NUMBER: _ClassVar[int]
    badges: _containers.RepeatedCompositeFieldContainer[_missions_pb2.EarnedBadge]
    def __init__(self, badges: _Optional[_Iterable[_Union[_missions_pb2.EarnedBadge, _Mapping]]] = ...) -> None: ...
