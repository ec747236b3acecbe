import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class LeagueJoined(_message.Message):
    __slots__ = ("member", "league", "period", "division", "cohort", "joined_at")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    LEAGUE_FIELD_NUMBER: _ClassVar[int]
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    DIVISION_FIELD_NUMBER: _ClassVar[int]
    COHORT_FIELD_NUMBER: _ClassVar[int]
    JOINED_AT_FIELD_NUMBER: _ClassVar[int]
    member: str
    league: str
    period: str
    division: str
    cohort: int
    joined_at: _timestamp_pb2.Timestamp
    def __init__(self, member: _Optional[str] = ..., league: _Optional[str] = ..., period: _Optional[str] = ..., division: _Optional[str] = ..., cohort: _Optional[int] = ..., joined_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class LeaguePromoted(_message.Message):
    __slots__ = ("member", "league", "period", "from_division", "to_division", "rank", "score", "ended_at")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    LEAGUE_FIELD_NUMBER: _ClassVar[int]
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    FROM_DIVISION_FIELD_NUMBER: _ClassVar[int]
    TO_DIVISION_FIELD_NUMBER: _ClassVar[int]
    RANK_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    ENDED_AT_FIELD_NUMBER: _ClassVar[int]
    member: str
    league: str
    period: str
    from_division: str
    to_division: str
    rank: int
    score: int
    ended_at: _timestamp_pb2.Timestamp
    def __init__(self, member: _Optional[str] = ..., league: _Optional[str] = ..., period: _Optional[str] = ..., from_division: _Optional[str] = ..., to_division: _Optional[str] = ..., rank: _Optional[int] = ..., score: _Optional[int] = ..., ended_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class LeagueDemoted(_message.Message):
    __slots__ = ("member", "league", "period", "from_division", "to_division", "rank", "score", "ended_at", "idle_periods")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    LEAGUE_FIELD_NUMBER: _ClassVar[int]
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    FROM_DIVISION_FIELD_NUMBER: _ClassVar[int]
    TO_DIVISION_FIELD_NUMBER: _ClassVar[int]
    RANK_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    ENDED_AT_FIELD_NUMBER: _ClassVar[int]
    IDLE_PERIODS_FIELD_NUMBER: _ClassVar[int]
    member: str
    league: str
    period: str
    from_division: str
    to_division: str
    rank: int
    score: int
    ended_at: _timestamp_pb2.Timestamp
    idle_periods: int
    def __init__(self, member: _Optional[str] = ..., league: _Optional[str] = ..., period: _Optional[str] = ..., from_division: _Optional[str] = ..., to_division: _Optional[str] = ..., rank: _Optional[int] = ..., score: _Optional[int] = ..., ended_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., idle_periods: _Optional[int] = ...) -> None: ...

class LeagueStayed(_message.Message):
    __slots__ = ("member", "league", "period", "division", "rank", "score", "ended_at")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    LEAGUE_FIELD_NUMBER: _ClassVar[int]
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    DIVISION_FIELD_NUMBER: _ClassVar[int]
    RANK_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    ENDED_AT_FIELD_NUMBER: _ClassVar[int]
    member: str
    league: str
    period: str
    division: str
    rank: int
    score: int
    ended_at: _timestamp_pb2.Timestamp
    def __init__(self, member: _Optional[str] = ..., league: _Optional[str] = ..., period: _Optional[str] = ..., division: _Optional[str] = ..., rank: _Optional[int] = ..., score: _Optional[int] = ..., ended_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class LeagueLeft(_message.Message):
    __slots__ = ("member", "league", "division", "idle_periods", "left_at")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    LEAGUE_FIELD_NUMBER: _ClassVar[int]
    DIVISION_FIELD_NUMBER: _ClassVar[int]
    IDLE_PERIODS_FIELD_NUMBER: _ClassVar[int]
    LEFT_AT_FIELD_NUMBER: _ClassVar[int]
    member: str
    league: str
    division: str
    idle_periods: int
    left_at: _timestamp_pb2.Timestamp
    def __init__(self, member: _Optional[str] = ..., league: _Optional[str] = ..., division: _Optional[str] = ..., idle_periods: _Optional[int] = ..., left_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class LeaguePeriodClosed(_message.Message):
    __slots__ = ("league", "period", "members", "promoted", "demoted", "ended_at", "closed_at")
    LEAGUE_FIELD_NUMBER: _ClassVar[int]
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    PROMOTED_FIELD_NUMBER: _ClassVar[int]
    DEMOTED_FIELD_NUMBER: _ClassVar[int]
    ENDED_AT_FIELD_NUMBER: _ClassVar[int]
    CLOSED_AT_FIELD_NUMBER: _ClassVar[int]
    league: str
    period: str
    members: int
    promoted: int
    demoted: int
    ended_at: _timestamp_pb2.Timestamp
    closed_at: _timestamp_pb2.Timestamp
    def __init__(self, league: _Optional[str] = ..., period: _Optional[str] = ..., members: _Optional[int] = ..., promoted: _Optional[int] = ..., demoted: _Optional[int] = ..., ended_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., closed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
