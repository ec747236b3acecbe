import datetime

from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from laurels.access.v1 import access_pb2 as _access_pb2
from laurels.leaderboard.v1 import leaderboard_pb2 as _leaderboard_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class LeagueOutcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LEAGUE_OUTCOME_UNSPECIFIED: _ClassVar[LeagueOutcome]
    LEAGUE_OUTCOME_PROMOTED: _ClassVar[LeagueOutcome]
    LEAGUE_OUTCOME_STAYED: _ClassVar[LeagueOutcome]
    LEAGUE_OUTCOME_DEMOTED: _ClassVar[LeagueOutcome]
    LEAGUE_OUTCOME_IDLE: _ClassVar[LeagueOutcome]

class LeagueMemberState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LEAGUE_MEMBER_STATE_UNSPECIFIED: _ClassVar[LeagueMemberState]
    LEAGUE_MEMBER_STATE_SEATED: _ClassVar[LeagueMemberState]
    LEAGUE_MEMBER_STATE_WAITING: _ClassVar[LeagueMemberState]
    LEAGUE_MEMBER_STATE_NOT_SEATED: _ClassVar[LeagueMemberState]
    LEAGUE_MEMBER_STATE_OUT: _ClassVar[LeagueMemberState]
LEAGUE_OUTCOME_UNSPECIFIED: LeagueOutcome
LEAGUE_OUTCOME_PROMOTED: LeagueOutcome
LEAGUE_OUTCOME_STAYED: LeagueOutcome
LEAGUE_OUTCOME_DEMOTED: LeagueOutcome
LEAGUE_OUTCOME_IDLE: LeagueOutcome
LEAGUE_MEMBER_STATE_UNSPECIFIED: LeagueMemberState
LEAGUE_MEMBER_STATE_SEATED: LeagueMemberState
LEAGUE_MEMBER_STATE_WAITING: LeagueMemberState
LEAGUE_MEMBER_STATE_NOT_SEATED: LeagueMemberState
LEAGUE_MEMBER_STATE_OUT: LeagueMemberState

class ListLeaguesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListLeaguesResponse(_message.Message):
    __slots__ = ("leagues",)
    LEAGUES_FIELD_NUMBER: _ClassVar[int]
    leagues: _containers.RepeatedCompositeFieldContainer[LeagueSummary]
    def __init__(self, leagues: _Optional[_Iterable[_Union[LeagueSummary, _Mapping]]] = ...) -> None: ...

class LeagueSummary(_message.Message):
    __slots__ = ("league", "name", "board", "divisions", "cohort_size", "opt_in", "period", "starts_at", "ends_at")
    LEAGUE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    BOARD_FIELD_NUMBER: _ClassVar[int]
    DIVISIONS_FIELD_NUMBER: _ClassVar[int]
    COHORT_SIZE_FIELD_NUMBER: _ClassVar[int]
    OPT_IN_FIELD_NUMBER: _ClassVar[int]
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    STARTS_AT_FIELD_NUMBER: _ClassVar[int]
    ENDS_AT_FIELD_NUMBER: _ClassVar[int]
    league: str
    name: str
    board: str
    divisions: _containers.RepeatedCompositeFieldContainer[LeagueDivisionSummary]
    cohort_size: int
    opt_in: bool
    period: str
    starts_at: _timestamp_pb2.Timestamp
    ends_at: _timestamp_pb2.Timestamp
    def __init__(self, league: _Optional[str] = ..., name: _Optional[str] = ..., board: _Optional[str] = ..., divisions: _Optional[_Iterable[_Union[LeagueDivisionSummary, _Mapping]]] = ..., cohort_size: _Optional[int] = ..., opt_in: _Optional[bool] = ..., period: _Optional[str] = ..., starts_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., ends_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class LeagueDivisionSummary(_message.Message):
    __slots__ = ("division", "name")
    DIVISION_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    division: str
    name: str
    def __init__(self, division: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...

class LeagueEntry(_message.Message):
    __slots__ = ("entry", "outcome")
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    entry: _leaderboard_pb2.LeaderboardEntry
    outcome: LeagueOutcome
    def __init__(self, entry: _Optional[_Union[_leaderboard_pb2.LeaderboardEntry, _Mapping]] = ..., outcome: _Optional[_Union[LeagueOutcome, str]] = ...) -> None: ...

class GetMemberLeagueRequest(_message.Message):
    __slots__ = ("member", "league", "around", "position")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    LEAGUE_FIELD_NUMBER: _ClassVar[int]
    AROUND_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    member: str
    league: str
    around: int
    position: int
    def __init__(self, member: _Optional[str] = ..., league: _Optional[str] = ..., around: _Optional[int] = ..., position: _Optional[int] = ...) -> None: ...

class GetMemberLeagueResponse(_message.Message):
    __slots__ = ("league", "state", "period", "ends_at", "division", "cohort", "members", "entries", "own", "promoted_to_rank", "demoted_from_rank", "idle_periods", "position")
    LEAGUE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    ENDS_AT_FIELD_NUMBER: _ClassVar[int]
    DIVISION_FIELD_NUMBER: _ClassVar[int]
    COHORT_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    OWN_FIELD_NUMBER: _ClassVar[int]
    PROMOTED_TO_RANK_FIELD_NUMBER: _ClassVar[int]
    DEMOTED_FROM_RANK_FIELD_NUMBER: _ClassVar[int]
    IDLE_PERIODS_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    league: str
    state: LeagueMemberState
    period: str
    ends_at: _timestamp_pb2.Timestamp
    division: str
    cohort: int
    members: int
    entries: _containers.RepeatedCompositeFieldContainer[LeagueEntry]
    own: LeagueEntry
    promoted_to_rank: int
    demoted_from_rank: int
    idle_periods: int
    position: int
    def __init__(self, league: _Optional[str] = ..., state: _Optional[_Union[LeagueMemberState, str]] = ..., period: _Optional[str] = ..., ends_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., division: _Optional[str] = ..., cohort: _Optional[int] = ..., members: _Optional[int] = ..., entries: _Optional[_Iterable[_Union[LeagueEntry, _Mapping]]] = ..., own: _Optional[_Union[LeagueEntry, _Mapping]] = ..., promoted_to_rank: _Optional[int] = ..., demoted_from_rank: _Optional[int] = ..., idle_periods: _Optional[int] = ..., position: _Optional[int] = ...) -> None: ...

class ListMemberLeagueResultsRequest(_message.Message):
    __slots__ = ("member", "page_size", "page_token")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    member: str
    page_size: int
    page_token: str
    def __init__(self, member: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class LeagueResult(_message.Message):
    __slots__ = ("league", "period", "division", "to_division", "cohort", "rank", "score", "outcome")
    LEAGUE_FIELD_NUMBER: _ClassVar[int]
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    DIVISION_FIELD_NUMBER: _ClassVar[int]
    TO_DIVISION_FIELD_NUMBER: _ClassVar[int]
    COHORT_FIELD_NUMBER: _ClassVar[int]
    RANK_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    league: str
    period: str
    division: str
    to_division: str
    cohort: int
    rank: int
    score: int
    outcome: LeagueOutcome
    def __init__(self, league: _Optional[str] = ..., period: _Optional[str] = ..., division: _Optional[str] = ..., to_division: _Optional[str] = ..., cohort: _Optional[int] = ..., rank: _Optional[int] = ..., score: _Optional[int] = ..., outcome: _Optional[_Union[LeagueOutcome, str]] = ...) -> None: ...

class ListMemberLeagueResultsResponse(_message.Message):
    __slots__ = ("results", "next_page_token")
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[LeagueResult]
    next_page_token: str
    def __init__(self, results: _Optional[_Iterable[_Union[LeagueResult, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class JoinLeagueRequest(_message.Message):
    __slots__ = ("member", "league")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    LEAGUE_FIELD_NUMBER: _ClassVar[int]
    member: str
    league: str
    def __init__(self, member: _Optional[str] = ..., league: _Optional[str] = ...) -> None: ...

class JoinLeagueResponse(_message.Message):
    __slots__ = ("changed", "state", "period", "division", "cohort")
    CHANGED_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    DIVISION_FIELD_NUMBER: _ClassVar[int]
    COHORT_FIELD_NUMBER: _ClassVar[int]
    changed: bool
    state: LeagueMemberState
    period: str
    division: str
    cohort: int
    def __init__(self, changed: _Optional[bool] = ..., state: _Optional[_Union[LeagueMemberState, str]] = ..., period: _Optional[str] = ..., division: _Optional[str] = ..., cohort: _Optional[int] = ...) -> None: ...

class LeaveLeagueRequest(_message.Message):
    __slots__ = ("member", "league")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    LEAGUE_FIELD_NUMBER: _ClassVar[int]
    member: str
    league: str
    def __init__(self, member: _Optional[str] = ..., league: _Optional[str] = ...) -> None: ...

class LeaveLeagueResponse(_message.Message):
    __slots__ = ("changed",)
    CHANGED_FIELD_NUMBER: _ClassVar[int]
    changed: bool
    def __init__(self, changed: _Optional[bool] = ...) -> None: ...

class ListLeaguePeriodsRequest(_message.Message):
    __slots__ = ("league", "page_size", "page_token")
    LEAGUE_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    league: str
    page_size: int
    page_token: str
    def __init__(self, league: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class LeaguePeriod(_message.Message):
    __slots__ = ("period", "ended_at", "closed_at", "members", "promoted", "demoted")
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    ENDED_AT_FIELD_NUMBER: _ClassVar[int]
    CLOSED_AT_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    PROMOTED_FIELD_NUMBER: _ClassVar[int]
    DEMOTED_FIELD_NUMBER: _ClassVar[int]
    period: str
    ended_at: _timestamp_pb2.Timestamp
    closed_at: _timestamp_pb2.Timestamp
    members: int
    promoted: int
    demoted: int
    def __init__(self, period: _Optional[str] = ..., ended_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., closed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., members: _Optional[int] = ..., promoted: _Optional[int] = ..., demoted: _Optional[int] = ...) -> None: ...

class ListLeaguePeriodsResponse(_message.Message):
    __slots__ = ("periods", "next_page_token")
    PERIODS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    periods: _containers.RepeatedCompositeFieldContainer[LeaguePeriod]
    next_page_token: str
    def __init__(self, periods: _Optional[_Iterable[_Union[LeaguePeriod, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListLeagueCohortsRequest(_message.Message):
    __slots__ = ("league", "division", "period", "page_size", "page_token")
    LEAGUE_FIELD_NUMBER: _ClassVar[int]
    DIVISION_FIELD_NUMBER: _ClassVar[int]
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    league: str
    division: str
    period: str
    page_size: int
    page_token: str
    def __init__(self, league: _Optional[str] = ..., division: _Optional[str] = ..., period: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class LeagueCohort(_message.Message):
    __slots__ = ("cohort", "members")
    COHORT_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    cohort: int
    members: int
    def __init__(self, cohort: _Optional[int] = ..., members: _Optional[int] = ...) -> None: ...

class ListLeagueCohortsResponse(_message.Message):
    __slots__ = ("cohorts", "next_page_token", "period")
    COHORTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    cohorts: _containers.RepeatedCompositeFieldContainer[LeagueCohort]
    next_page_token: str
    period: str
    def __init__(self, cohorts: _Optional[_Iterable[_Union[LeagueCohort, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., period: _Optional[str] = ...) -> None: ...

class GetLeagueCohortRequest(_message.Message):
    __slots__ = ("league", "division", "cohort", "period", "position")
    LEAGUE_FIELD_NUMBER: _ClassVar[int]
    DIVISION_FIELD_NUMBER: _ClassVar[int]
    COHORT_FIELD_NUMBER: _ClassVar[int]
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    league: str
    division: str
    cohort: str
    period: str
    position: int
    def __init__(self, league: _Optional[str] = ..., division: _Optional[str] = ..., cohort: _Optional[str] = ..., period: _Optional[str] = ..., position: _Optional[int] = ...) -> None: ...

class GetLeagueCohortResponse(_message.Message):
    __slots__ = ("period", "entries", "promoted_to_rank", "demoted_from_rank", "position")
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    PROMOTED_TO_RANK_FIELD_NUMBER: _ClassVar[int]
    DEMOTED_FROM_RANK_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    period: str
    entries: _containers.RepeatedCompositeFieldContainer[LeagueEntry]
    promoted_to_rank: int
    demoted_from_rank: int
    position: int
    def __init__(self, period: _Optional[str] = ..., entries: _Optional[_Iterable[_Union[LeagueEntry, _Mapping]]] = ..., promoted_to_rank: _Optional[int] = ..., demoted_from_rank: _Optional[int] = ..., position: _Optional[int] = ...) -> None: ...
