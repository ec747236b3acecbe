from laurels.leaderboard.v1 import programme_boards_pb2 as _programme_boards_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CohortRule(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    COHORT_RULE_UNSPECIFIED: _ClassVar[CohortRule]
    COHORT_RULE_BY_JOINING: _ClassVar[CohortRule]
    COHORT_RULE_BY_LAST_SCORE: _ClassVar[CohortRule]
    COHORT_RULE_BY_RATING: _ClassVar[CohortRule]
COHORT_RULE_UNSPECIFIED: CohortRule
COHORT_RULE_BY_JOINING: CohortRule
COHORT_RULE_BY_LAST_SCORE: CohortRule
COHORT_RULE_BY_RATING: CohortRule

class League(_message.Message):
    __slots__ = ("id", "name", "board", "divisions", "cohort_size", "cohorts", "skill_bands", "opt_in", "idle")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    BOARD_FIELD_NUMBER: _ClassVar[int]
    DIVISIONS_FIELD_NUMBER: _ClassVar[int]
    COHORT_SIZE_FIELD_NUMBER: _ClassVar[int]
    COHORTS_FIELD_NUMBER: _ClassVar[int]
    SKILL_BANDS_FIELD_NUMBER: _ClassVar[int]
    OPT_IN_FIELD_NUMBER: _ClassVar[int]
    IDLE_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    board: str
    divisions: _containers.RepeatedCompositeFieldContainer[LeagueDivision]
    cohort_size: int
    cohorts: CohortRule
    skill_bands: _containers.RepeatedScalarFieldContainer[int]
    opt_in: bool
    idle: IdleRule
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., board: _Optional[str] = ..., divisions: _Optional[_Iterable[_Union[LeagueDivision, _Mapping]]] = ..., cohort_size: _Optional[int] = ..., cohorts: _Optional[_Union[CohortRule, str]] = ..., skill_bands: _Optional[_Iterable[int]] = ..., opt_in: _Optional[bool] = ..., idle: _Optional[_Union[IdleRule, _Mapping]] = ...) -> None: ...

class LeagueDivision(_message.Message):
    __slots__ = ("id", "name", "promotion", "demotion", "prizes")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PROMOTION_FIELD_NUMBER: _ClassVar[int]
    DEMOTION_FIELD_NUMBER: _ClassVar[int]
    PRIZES_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    promotion: LeagueZone
    demotion: LeagueZone
    prizes: _containers.RepeatedCompositeFieldContainer[_programme_boards_pb2.BoardPrize]
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., promotion: _Optional[_Union[LeagueZone, _Mapping]] = ..., demotion: _Optional[_Union[LeagueZone, _Mapping]] = ..., prizes: _Optional[_Iterable[_Union[_programme_boards_pb2.BoardPrize, _Mapping]]] = ...) -> None: ...

class LeagueZone(_message.Message):
    __slots__ = ("members", "percent")
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    PERCENT_FIELD_NUMBER: _ClassVar[int]
    members: int
    percent: int
    def __init__(self, members: _Optional[int] = ..., percent: _Optional[int] = ...) -> None: ...

class IdleRule(_message.Message):
    __slots__ = ("demote_after", "leave_after")
    DEMOTE_AFTER_FIELD_NUMBER: _ClassVar[int]
    LEAVE_AFTER_FIELD_NUMBER: _ClassVar[int]
    demote_after: int
    leave_after: int
    def __init__(self, demote_after: _Optional[int] = ..., leave_after: _Optional[int] = ...) -> None: ...
