import datetime

from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from laurels.access.v1 import access_pb2 as _access_pb2
from laurels.missions.v1 import missions_pb2 as _missions_pb2
from laurels.value.v1 import events_pb2 as _events_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class JoinMissionRequest(_message.Message):
    __slots__ = ("member", "mission")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    MISSION_FIELD_NUMBER: _ClassVar[int]
    member: str
    mission: str
    def __init__(self, member: _Optional[str] = ..., mission: _Optional[str] = ...) -> None: ...

class JoinMissionResponse(_message.Message):
    __slots__ = ("progress",)
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    progress: _missions_pb2.MissionProgress
    def __init__(self, progress: _Optional[_Union[_missions_pb2.MissionProgress, _Mapping]] = ...) -> None: ...

class ClaimMissionRequest(_message.Message):
    __slots__ = ("member", "mission", "run")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    MISSION_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    member: str
    mission: str
    run: str
    def __init__(self, member: _Optional[str] = ..., mission: _Optional[str] = ..., run: _Optional[str] = ...) -> None: ...

class ClaimMissionResponse(_message.Message):
    __slots__ = ("mission", "run", "rewards", "claimed_at")
    MISSION_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    REWARDS_FIELD_NUMBER: _ClassVar[int]
    CLAIMED_AT_FIELD_NUMBER: _ClassVar[int]
    mission: str
    run: str
    rewards: _containers.RepeatedCompositeFieldContainer[_events_pb2.Grant]
    claimed_at: _timestamp_pb2.Timestamp
    def __init__(self, mission: _Optional[str] = ..., run: _Optional[str] = ..., rewards: _Optional[_Iterable[_Union[_events_pb2.Grant, _Mapping]]] = ..., claimed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class AssignMissionRequest(_message.Message):
    __slots__ = ("member", "mission")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    MISSION_FIELD_NUMBER: _ClassVar[int]
    member: str
    mission: str
    def __init__(self, member: _Optional[str] = ..., mission: _Optional[str] = ...) -> None: ...

class AssignMissionResponse(_message.Message):
    __slots__ = ("progress",)
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    progress: _missions_pb2.MissionProgress
    def __init__(self, progress: _Optional[_Union[_missions_pb2.MissionProgress, _Mapping]] = ...) -> None: ...

class RepairStreakRequest(_message.Message):
    __slots__ = ("member", "mission")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    MISSION_FIELD_NUMBER: _ClassVar[int]
    member: str
    mission: str
    def __init__(self, member: _Optional[str] = ..., mission: _Optional[str] = ...) -> None: ...

class RepairStreakResponse(_message.Message):
    __slots__ = ("progress",)
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    progress: _missions_pb2.MissionProgress
    def __init__(self, progress: _Optional[_Union[_missions_pb2.MissionProgress, _Mapping]] = ...) -> None: ...

class ExplainMissionRequest(_message.Message):
    __slots__ = ("member", "mission", "activity")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    MISSION_FIELD_NUMBER: _ClassVar[int]
    ACTIVITY_FIELD_NUMBER: _ClassVar[int]
    member: str
    mission: str
    activity: str
    def __init__(self, member: _Optional[str] = ..., mission: _Optional[str] = ..., activity: _Optional[str] = ...) -> None: ...

class ExplainMissionResponse(_message.Message):
    __slots__ = ("holds", "clauses", "progress")
    HOLDS_FIELD_NUMBER: _ClassVar[int]
    CLAUSES_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    holds: bool
    clauses: _containers.RepeatedCompositeFieldContainer[Clause]
    progress: _missions_pb2.MissionProgress
    def __init__(self, holds: _Optional[bool] = ..., clauses: _Optional[_Iterable[_Union[Clause, _Mapping]]] = ..., progress: _Optional[_Union[_missions_pb2.MissionProgress, _Mapping]] = ...) -> None: ...

class Clause(_message.Message):
    __slots__ = ("clause", "holds", "says", "seen")
    CLAUSE_FIELD_NUMBER: _ClassVar[int]
    HOLDS_FIELD_NUMBER: _ClassVar[int]
    SAYS_FIELD_NUMBER: _ClassVar[int]
    SEEN_FIELD_NUMBER: _ClassVar[int]
    clause: str
    holds: bool
    says: str
    seen: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, clause: _Optional[str] = ..., holds: _Optional[bool] = ..., says: _Optional[str] = ..., seen: _Optional[_Iterable[str]] = ...) -> None: ...
