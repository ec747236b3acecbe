import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TeamChange(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TEAM_CHANGE_UNSPECIFIED: _ClassVar[TeamChange]
    TEAM_CHANGE_CREATED: _ClassVar[TeamChange]
    TEAM_CHANGE_JOINED: _ClassVar[TeamChange]
    TEAM_CHANGE_LEFT: _ClassVar[TeamChange]
TEAM_CHANGE_UNSPECIFIED: TeamChange
TEAM_CHANGE_CREATED: TeamChange
TEAM_CHANGE_JOINED: TeamChange
TEAM_CHANGE_LEFT: TeamChange

class CommunityProgressed(_message.Message):
    __slots__ = ("challenge", "total", "target", "reached", "occurred_at")
    CHALLENGE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    REACHED_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_AT_FIELD_NUMBER: _ClassVar[int]
    challenge: str
    total: int
    target: int
    reached: _containers.RepeatedScalarFieldContainer[str]
    occurred_at: _timestamp_pb2.Timestamp
    def __init__(self, challenge: _Optional[str] = ..., total: _Optional[int] = ..., target: _Optional[int] = ..., reached: _Optional[_Iterable[str]] = ..., occurred_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ChallengeClosed(_message.Message):
    __slots__ = ("challenge", "total", "closed_at")
    CHALLENGE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    CLOSED_AT_FIELD_NUMBER: _ClassVar[int]
    challenge: str
    total: int
    closed_at: _timestamp_pb2.Timestamp
    def __init__(self, challenge: _Optional[str] = ..., total: _Optional[int] = ..., closed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ChallengeRewarded(_message.Message):
    __slots__ = ("member", "challenge", "reward", "contributed", "occurred_at")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    CHALLENGE_FIELD_NUMBER: _ClassVar[int]
    REWARD_FIELD_NUMBER: _ClassVar[int]
    CONTRIBUTED_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_AT_FIELD_NUMBER: _ClassVar[int]
    member: str
    challenge: str
    reward: str
    contributed: int
    occurred_at: _timestamp_pb2.Timestamp
    def __init__(self, member: _Optional[str] = ..., challenge: _Optional[str] = ..., reward: _Optional[str] = ..., contributed: _Optional[int] = ..., occurred_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class TeamChanged(_message.Message):
    __slots__ = ("member", "challenge", "team", "change", "size", "occurred_at")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    CHALLENGE_FIELD_NUMBER: _ClassVar[int]
    TEAM_FIELD_NUMBER: _ClassVar[int]
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_AT_FIELD_NUMBER: _ClassVar[int]
    member: str
    challenge: str
    team: str
    change: TeamChange
    size: int
    occurred_at: _timestamp_pb2.Timestamp
    def __init__(self, member: _Optional[str] = ..., challenge: _Optional[str] = ..., team: _Optional[str] = ..., change: _Optional[_Union[TeamChange, str]] = ..., size: _Optional[int] = ..., occurred_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
