import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from laurels.missions.v1 import programme_pb2 as _programme_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class MissionCompleted(_message.Message):
    __slots__ = ("member", "mission", "reward", "completed_at", "programme_version", "run")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    MISSION_FIELD_NUMBER: _ClassVar[int]
    REWARD_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_AT_FIELD_NUMBER: _ClassVar[int]
    PROGRAMME_VERSION_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    member: str
    mission: str
    reward: _programme_pb2.MissionReward
    completed_at: _timestamp_pb2.Timestamp
    programme_version: int
    run: str
    def __init__(self, member: _Optional[str] = ..., mission: _Optional[str] = ..., reward: _Optional[_Union[_programme_pb2.MissionReward, _Mapping]] = ..., completed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., programme_version: _Optional[int] = ..., run: _Optional[str] = ...) -> None: ...

class MissionRetracted(_message.Message):
    __slots__ = ("member", "mission", "run", "completed_at", "rewarded")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    MISSION_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_AT_FIELD_NUMBER: _ClassVar[int]
    REWARDED_FIELD_NUMBER: _ClassVar[int]
    member: str
    mission: str
    run: str
    completed_at: _timestamp_pb2.Timestamp
    rewarded: bool
    def __init__(self, member: _Optional[str] = ..., mission: _Optional[str] = ..., run: _Optional[str] = ..., completed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., rewarded: _Optional[bool] = ...) -> None: ...

class BadgeEarned(_message.Message):
    __slots__ = ("member", "badge", "earned_at", "key", "count")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    BADGE_FIELD_NUMBER: _ClassVar[int]
    EARNED_AT_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    member: str
    badge: str
    earned_at: _timestamp_pb2.Timestamp
    key: str
    count: int
    def __init__(self, member: _Optional[str] = ..., badge: _Optional[str] = ..., earned_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., key: _Optional[str] = ..., count: _Optional[int] = ...) -> None: ...
