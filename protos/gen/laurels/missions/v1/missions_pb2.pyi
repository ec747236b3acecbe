import datetime

from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from laurels.access.v1 import access_pb2 as _access_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class MissionProgress(_message.Message):
    __slots__ = ("mission", "name", "progress", "target", "completed_at")
    MISSION_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_AT_FIELD_NUMBER: _ClassVar[int]
    mission: str
    name: str
    progress: int
    target: int
    completed_at: _timestamp_pb2.Timestamp
    def __init__(self, mission: _Optional[str] = ..., name: _Optional[str] = ..., progress: _Optional[int] = ..., target: _Optional[int] = ..., completed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class EarnedBadge(_message.Message):
    __slots__ = ("badge", "name", "earned_at", "count", "family", "grade")
    BADGE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    EARNED_AT_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    FAMILY_FIELD_NUMBER: _ClassVar[int]
    GRADE_FIELD_NUMBER: _ClassVar[int]
    badge: str
    name: str
    earned_at: _timestamp_pb2.Timestamp
    count: int
    family: str
    grade: int
    def __init__(self, badge: _Optional[str] = ..., name: _Optional[str] = ..., earned_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., count: _Optional[int] = ..., family: _Optional[str] = ..., grade: _Optional[int] = ...) -> None: ...

class BadgeRarity(_message.Message):
    __slots__ = ("badge", "name", "holders", "share", "family", "grade")
    BADGE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    HOLDERS_FIELD_NUMBER: _ClassVar[int]
    SHARE_FIELD_NUMBER: _ClassVar[int]
    FAMILY_FIELD_NUMBER: _ClassVar[int]
    GRADE_FIELD_NUMBER: _ClassVar[int]
    badge: str
    name: str
    holders: int
    share: float
    family: str
    grade: int
    def __init__(self, badge: _Optional[str] = ..., name: _Optional[str] = ..., holders: _Optional[int] = ..., share: _Optional[float] = ..., family: _Optional[str] = ..., grade: _Optional[int] = ...) -> None: ...

class ListMissionsRequest(_message.Message):
    __slots__ = ("member",)
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    member: str
    def __init__(self, member: _Optional[str] = ...) -> None: ...

class ListMissionsResponse(_message.Message):
    __slots__ = ("missions",)
    MISSIONS_FIELD_NUMBER: _ClassVar[int]
    missions: _containers.RepeatedCompositeFieldContainer[MissionProgress]
    def __init__(self, missions: _Optional[_Iterable[_Union[MissionProgress, _Mapping]]] = ...) -> None: ...

class ListMemberBadgesRequest(_message.Message):
    __slots__ = ("member",)
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    member: str
    def __init__(self, member: _Optional[str] = ...) -> None: ...

class ListMemberBadgesResponse(_message.Message):
    __slots__ = ("badges",)
    BADGES_FIELD_NUMBER: _ClassVar[int]
    badges: _containers.RepeatedCompositeFieldContainer[EarnedBadge]
    def __init__(self, badges: _Optional[_Iterable[_Union[EarnedBadge, _Mapping]]] = ...) -> None: ...

class ListBadgesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListBadgesResponse(_message.Message):
    __slots__ = ("badges",)
    BADGES_FIELD_NUMBER: _ClassVar[int]
    badges: _containers.RepeatedCompositeFieldContainer[BadgeRarity]
    def __init__(self, badges: _Optional[_Iterable[_Union[BadgeRarity, _Mapping]]] = ...) -> None: ...

class GetMissionsReportRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetMissionsReportResponse(_message.Message):
    __slots__ = ("missions",)
    MISSIONS_FIELD_NUMBER: _ClassVar[int]
    missions: _containers.RepeatedCompositeFieldContainer[MissionCount]
    def __init__(self, missions: _Optional[_Iterable[_Union[MissionCount, _Mapping]]] = ...) -> None: ...

class MissionCount(_message.Message):
    __slots__ = ("mission", "name", "members", "completed")
    MISSION_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_FIELD_NUMBER: _ClassVar[int]
    mission: str
    name: str
    members: int
    completed: int
    def __init__(self, mission: _Optional[str] = ..., name: _Optional[str] = ..., members: _Optional[int] = ..., completed: _Optional[int] = ...) -> None: ...
