import datetime

from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from laurels.access.v1 import access_pb2 as _access_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class MissionState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MISSION_STATE_UNSPECIFIED: _ClassVar[MissionState]
    MISSION_STATE_OPEN: _ClassVar[MissionState]
    MISSION_STATE_JOINABLE: _ClassVar[MissionState]
    MISSION_STATE_WAITING: _ClassVar[MissionState]
    MISSION_STATE_FINISHED: _ClassVar[MissionState]
    MISSION_STATE_OVER: _ClassVar[MissionState]
MISSION_STATE_UNSPECIFIED: MissionState
MISSION_STATE_OPEN: MissionState
MISSION_STATE_JOINABLE: MissionState
MISSION_STATE_WAITING: MissionState
MISSION_STATE_FINISHED: MissionState
MISSION_STATE_OVER: MissionState

class MissionProgress(_message.Message):
    __slots__ = ("mission", "name", "progress", "target", "completed_at", "state", "run", "goals", "completions", "ends_at", "claimable")
    MISSION_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_AT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    GOALS_FIELD_NUMBER: _ClassVar[int]
    COMPLETIONS_FIELD_NUMBER: _ClassVar[int]
    ENDS_AT_FIELD_NUMBER: _ClassVar[int]
    CLAIMABLE_FIELD_NUMBER: _ClassVar[int]
    mission: str
    name: str
    progress: int
    target: int
    completed_at: _timestamp_pb2.Timestamp
    state: MissionState
    run: str
    goals: _containers.RepeatedCompositeFieldContainer[GoalProgress]
    completions: int
    ends_at: _timestamp_pb2.Timestamp
    claimable: _containers.RepeatedCompositeFieldContainer[ClaimableReward]
    def __init__(self, mission: _Optional[str] = ..., name: _Optional[str] = ..., progress: _Optional[int] = ..., target: _Optional[int] = ..., completed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., state: _Optional[_Union[MissionState, str]] = ..., run: _Optional[str] = ..., goals: _Optional[_Iterable[_Union[GoalProgress, _Mapping]]] = ..., completions: _Optional[int] = ..., ends_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., claimable: _Optional[_Iterable[_Union[ClaimableReward, _Mapping]]] = ...) -> None: ...

class GoalProgress(_message.Message):
    __slots__ = ("progress", "target", "current_streak", "longest_streak", "freezes")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    CURRENT_STREAK_FIELD_NUMBER: _ClassVar[int]
    LONGEST_STREAK_FIELD_NUMBER: _ClassVar[int]
    FREEZES_FIELD_NUMBER: _ClassVar[int]
    progress: int
    target: int
    current_streak: int
    longest_streak: int
    freezes: int
    def __init__(self, progress: _Optional[int] = ..., target: _Optional[int] = ..., current_streak: _Optional[int] = ..., longest_streak: _Optional[int] = ..., freezes: _Optional[int] = ...) -> None: ...

class ClaimableReward(_message.Message):
    __slots__ = ("run", "completed_at", "claim_until")
    RUN_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_AT_FIELD_NUMBER: _ClassVar[int]
    CLAIM_UNTIL_FIELD_NUMBER: _ClassVar[int]
    run: str
    completed_at: _timestamp_pb2.Timestamp
    claim_until: _timestamp_pb2.Timestamp
    def __init__(self, run: _Optional[str] = ..., completed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., claim_until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

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
