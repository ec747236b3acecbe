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

class PeriodState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PERIOD_STATE_UNSPECIFIED: _ClassVar[PeriodState]
    PERIOD_STATE_OPEN: _ClassVar[PeriodState]
    PERIOD_STATE_CLOSING: _ClassVar[PeriodState]
    PERIOD_STATE_CLOSED: _ClassVar[PeriodState]
PERIOD_STATE_UNSPECIFIED: PeriodState
PERIOD_STATE_OPEN: PeriodState
PERIOD_STATE_CLOSING: PeriodState
PERIOD_STATE_CLOSED: PeriodState

class ScoreSubmission(_message.Message):
    __slots__ = ("member", "score", "sub_score", "occurred_at", "value")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    SUB_SCORE_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_AT_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    member: str
    score: int
    sub_score: int
    occurred_at: _timestamp_pb2.Timestamp
    value: str
    def __init__(self, member: _Optional[str] = ..., score: _Optional[int] = ..., sub_score: _Optional[int] = ..., occurred_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., value: _Optional[str] = ...) -> None: ...

class SubmitScoresRequest(_message.Message):
    __slots__ = ("board", "scores", "idempotency_key")
    BOARD_FIELD_NUMBER: _ClassVar[int]
    SCORES_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    board: str
    scores: _containers.RepeatedCompositeFieldContainer[ScoreSubmission]
    idempotency_key: str
    def __init__(self, board: _Optional[str] = ..., scores: _Optional[_Iterable[_Union[ScoreSubmission, _Mapping]]] = ..., idempotency_key: _Optional[str] = ...) -> None: ...

class SubmitScoresResponse(_message.Message):
    __slots__ = ("accepted", "refused", "position")
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    accepted: int
    refused: _containers.RepeatedCompositeFieldContainer[RefusedScore]
    position: int
    def __init__(self, accepted: _Optional[int] = ..., refused: _Optional[_Iterable[_Union[RefusedScore, _Mapping]]] = ..., position: _Optional[int] = ...) -> None: ...

class RefusedScore(_message.Message):
    __slots__ = ("place", "code", "detail")
    PLACE_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    place: int
    code: str
    detail: str
    def __init__(self, place: _Optional[int] = ..., code: _Optional[str] = ..., detail: _Optional[str] = ...) -> None: ...

class ImportScoresRequest(_message.Message):
    __slots__ = ("board", "scores", "idempotency_key")
    BOARD_FIELD_NUMBER: _ClassVar[int]
    SCORES_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    board: str
    scores: _containers.RepeatedCompositeFieldContainer[ScoreSubmission]
    idempotency_key: str
    def __init__(self, board: _Optional[str] = ..., scores: _Optional[_Iterable[_Union[ScoreSubmission, _Mapping]]] = ..., idempotency_key: _Optional[str] = ...) -> None: ...

class ImportScoresResponse(_message.Message):
    __slots__ = ("accepted", "refused", "position")
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    accepted: int
    refused: _containers.RepeatedCompositeFieldContainer[RefusedScore]
    position: int
    def __init__(self, accepted: _Optional[int] = ..., refused: _Optional[_Iterable[_Union[RefusedScore, _Mapping]]] = ..., position: _Optional[int] = ...) -> None: ...

class GetLeaderboardRanksRequest(_message.Message):
    __slots__ = ("board", "members", "period", "position")
    BOARD_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    board: str
    members: _containers.RepeatedScalarFieldContainer[str]
    period: str
    position: int
    def __init__(self, board: _Optional[str] = ..., members: _Optional[_Iterable[str]] = ..., period: _Optional[str] = ..., position: _Optional[int] = ...) -> None: ...

class GetLeaderboardRanksResponse(_message.Message):
    __slots__ = ("entries", "members", "period", "position")
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[_leaderboard_pb2.LeaderboardEntry]
    members: int
    period: str
    position: int
    def __init__(self, entries: _Optional[_Iterable[_Union[_leaderboard_pb2.LeaderboardEntry, _Mapping]]] = ..., members: _Optional[int] = ..., period: _Optional[str] = ..., position: _Optional[int] = ...) -> None: ...

class BoardPeriod(_message.Message):
    __slots__ = ("period", "starts_at", "ends_at", "closes_at", "state", "members")
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    STARTS_AT_FIELD_NUMBER: _ClassVar[int]
    ENDS_AT_FIELD_NUMBER: _ClassVar[int]
    CLOSES_AT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    period: str
    starts_at: _timestamp_pb2.Timestamp
    ends_at: _timestamp_pb2.Timestamp
    closes_at: _timestamp_pb2.Timestamp
    state: PeriodState
    members: int
    def __init__(self, period: _Optional[str] = ..., starts_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., ends_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., closes_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., state: _Optional[_Union[PeriodState, str]] = ..., members: _Optional[int] = ...) -> None: ...

class ListLeaderboardPeriodsRequest(_message.Message):
    __slots__ = ("board", "page_size", "page_token")
    BOARD_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    board: str
    page_size: int
    page_token: str
    def __init__(self, board: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListLeaderboardPeriodsResponse(_message.Message):
    __slots__ = ("periods", "next_page_token")
    PERIODS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    periods: _containers.RepeatedCompositeFieldContainer[BoardPeriod]
    next_page_token: str
    def __init__(self, periods: _Optional[_Iterable[_Union[BoardPeriod, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class MemberStanding(_message.Message):
    __slots__ = ("board", "period", "entry", "members", "scope", "group")
    BOARD_FIELD_NUMBER: _ClassVar[int]
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    board: str
    period: str
    entry: _leaderboard_pb2.LeaderboardEntry
    members: int
    scope: str
    group: str
    def __init__(self, board: _Optional[str] = ..., period: _Optional[str] = ..., entry: _Optional[_Union[_leaderboard_pb2.LeaderboardEntry, _Mapping]] = ..., members: _Optional[int] = ..., scope: _Optional[str] = ..., group: _Optional[str] = ...) -> None: ...

class ListMemberStandingsRequest(_message.Message):
    __slots__ = ("member", "page_size", "page_token")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    member: str
    page_size: int
    page_token: str
    def __init__(self, member: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListMemberStandingsResponse(_message.Message):
    __slots__ = ("standings", "next_page_token")
    STANDINGS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    standings: _containers.RepeatedCompositeFieldContainer[MemberStanding]
    next_page_token: str
    def __init__(self, standings: _Optional[_Iterable[_Union[MemberStanding, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class RemoveLeaderboardMemberRequest(_message.Message):
    __slots__ = ("board", "member", "reason")
    BOARD_FIELD_NUMBER: _ClassVar[int]
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    board: str
    member: str
    reason: str
    def __init__(self, board: _Optional[str] = ..., member: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class RemoveLeaderboardMemberResponse(_message.Message):
    __slots__ = ("changed",)
    CHANGED_FIELD_NUMBER: _ClassVar[int]
    changed: bool
    def __init__(self, changed: _Optional[bool] = ...) -> None: ...

class RestoreLeaderboardMemberRequest(_message.Message):
    __slots__ = ("board", "member")
    BOARD_FIELD_NUMBER: _ClassVar[int]
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    board: str
    member: str
    def __init__(self, board: _Optional[str] = ..., member: _Optional[str] = ...) -> None: ...

class RestoreLeaderboardMemberResponse(_message.Message):
    __slots__ = ("changed",)
    CHANGED_FIELD_NUMBER: _ClassVar[int]
    changed: bool
    def __init__(self, changed: _Optional[bool] = ...) -> None: ...

class RebuildLeaderboardRequest(_message.Message):
    __slots__ = ("board", "period", "after")
    BOARD_FIELD_NUMBER: _ClassVar[int]
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    board: str
    period: str
    after: str
    def __init__(self, board: _Optional[str] = ..., period: _Optional[str] = ..., after: _Optional[str] = ...) -> None: ...

class RebuildLeaderboardResponse(_message.Message):
    __slots__ = ("looked_at", "mended", "next_after")
    LOOKED_AT_FIELD_NUMBER: _ClassVar[int]
    MENDED_FIELD_NUMBER: _ClassVar[int]
    NEXT_AFTER_FIELD_NUMBER: _ClassVar[int]
    looked_at: int
    mended: int
    next_after: str
    def __init__(self, looked_at: _Optional[int] = ..., mended: _Optional[int] = ..., next_after: _Optional[str] = ...) -> None: ...
