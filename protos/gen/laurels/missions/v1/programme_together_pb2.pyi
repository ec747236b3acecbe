import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from laurels.value.v1 import events_pb2 as _events_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TeamFormation(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TEAM_FORMATION_UNSPECIFIED: _ClassVar[TeamFormation]
    TEAM_FORMATION_MEMBERS: _ClassVar[TeamFormation]
    TEAM_FORMATION_ATTRIBUTE: _ClassVar[TeamFormation]

class TeamScore(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TEAM_SCORE_UNSPECIFIED: _ClassVar[TeamScore]
    TEAM_SCORE_SUM: _ClassVar[TeamScore]
    TEAM_SCORE_MEAN: _ClassVar[TeamScore]
TEAM_FORMATION_UNSPECIFIED: TeamFormation
TEAM_FORMATION_MEMBERS: TeamFormation
TEAM_FORMATION_ATTRIBUTE: TeamFormation
TEAM_SCORE_UNSPECIFIED: TeamScore
TEAM_SCORE_SUM: TeamScore
TEAM_SCORE_MEAN: TeamScore

class Contributions(_message.Message):
    __slots__ = ("activity_type", "condition", "of", "begins_at", "ends_at", "lateness_days")
    ACTIVITY_TYPE_FIELD_NUMBER: _ClassVar[int]
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    OF_FIELD_NUMBER: _ClassVar[int]
    BEGINS_AT_FIELD_NUMBER: _ClassVar[int]
    ENDS_AT_FIELD_NUMBER: _ClassVar[int]
    LATENESS_DAYS_FIELD_NUMBER: _ClassVar[int]
    activity_type: str
    condition: str
    of: str
    begins_at: _timestamp_pb2.Timestamp
    ends_at: _timestamp_pb2.Timestamp
    lateness_days: int
    def __init__(self, activity_type: _Optional[str] = ..., condition: _Optional[str] = ..., of: _Optional[str] = ..., begins_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., ends_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., lateness_days: _Optional[int] = ...) -> None: ...

class CommunityChallenge(_message.Message):
    __slots__ = ("id", "name", "contributions", "target", "milestones")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    CONTRIBUTIONS_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    MILESTONES_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    contributions: Contributions
    target: int
    milestones: _containers.RepeatedCompositeFieldContainer[Milestone]
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., contributions: _Optional[_Union[Contributions, _Mapping]] = ..., target: _Optional[int] = ..., milestones: _Optional[_Iterable[_Union[Milestone, _Mapping]]] = ...) -> None: ...

class Milestone(_message.Message):
    __slots__ = ("id", "name", "total", "contribution_min", "rewards")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    CONTRIBUTION_MIN_FIELD_NUMBER: _ClassVar[int]
    REWARDS_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    total: int
    contribution_min: int
    rewards: _containers.RepeatedCompositeFieldContainer[_events_pb2.Grant]
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., total: _Optional[int] = ..., contribution_min: _Optional[int] = ..., rewards: _Optional[_Iterable[_Union[_events_pb2.Grant, _Mapping]]] = ...) -> None: ...

class TeamChallenge(_message.Message):
    __slots__ = ("id", "name", "contributions", "formation", "attribute", "score", "size_min", "size_max", "prizes")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    CONTRIBUTIONS_FIELD_NUMBER: _ClassVar[int]
    FORMATION_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTE_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    SIZE_MIN_FIELD_NUMBER: _ClassVar[int]
    SIZE_MAX_FIELD_NUMBER: _ClassVar[int]
    PRIZES_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    contributions: Contributions
    formation: TeamFormation
    attribute: str
    score: TeamScore
    size_min: int
    size_max: int
    prizes: _containers.RepeatedCompositeFieldContainer[TeamPrize]
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., contributions: _Optional[_Union[Contributions, _Mapping]] = ..., formation: _Optional[_Union[TeamFormation, str]] = ..., attribute: _Optional[str] = ..., score: _Optional[_Union[TeamScore, str]] = ..., size_min: _Optional[int] = ..., size_max: _Optional[int] = ..., prizes: _Optional[_Iterable[_Union[TeamPrize, _Mapping]]] = ...) -> None: ...

class TeamPrize(_message.Message):
    __slots__ = ("from_rank", "to_rank", "contribution_min", "rewards")
    FROM_RANK_FIELD_NUMBER: _ClassVar[int]
    TO_RANK_FIELD_NUMBER: _ClassVar[int]
    CONTRIBUTION_MIN_FIELD_NUMBER: _ClassVar[int]
    REWARDS_FIELD_NUMBER: _ClassVar[int]
    from_rank: int
    to_rank: int
    contribution_min: int
    rewards: _containers.RepeatedCompositeFieldContainer[_events_pb2.Grant]
    def __init__(self, from_rank: _Optional[int] = ..., to_rank: _Optional[int] = ..., contribution_min: _Optional[int] = ..., rewards: _Optional[_Iterable[_Union[_events_pb2.Grant, _Mapping]]] = ...) -> None: ...
