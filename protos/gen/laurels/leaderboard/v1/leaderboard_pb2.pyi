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

class LeaderboardEntry(_message.Message):
    __slots__ = ("rank", "member", "score", "sub_score", "reached_at", "alias", "group")
    RANK_FIELD_NUMBER: _ClassVar[int]
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    SUB_SCORE_FIELD_NUMBER: _ClassVar[int]
    REACHED_AT_FIELD_NUMBER: _ClassVar[int]
    ALIAS_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    rank: int
    member: str
    score: int
    sub_score: int
    reached_at: _timestamp_pb2.Timestamp
    alias: str
    group: str
    def __init__(self, rank: _Optional[int] = ..., member: _Optional[str] = ..., score: _Optional[int] = ..., sub_score: _Optional[int] = ..., reached_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., alias: _Optional[str] = ..., group: _Optional[str] = ...) -> None: ...

class ListLeaderboardEntriesRequest(_message.Message):
    __slots__ = ("board", "page_size", "page_token", "period", "position", "skip", "scope", "group")
    BOARD_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    SKIP_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    board: str
    page_size: int
    page_token: str
    period: str
    position: int
    skip: int
    scope: str
    group: str
    def __init__(self, board: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., period: _Optional[str] = ..., position: _Optional[int] = ..., skip: _Optional[int] = ..., scope: _Optional[str] = ..., group: _Optional[str] = ...) -> None: ...

class ListLeaderboardEntriesResponse(_message.Message):
    __slots__ = ("entries", "next_page_token", "members", "period", "position")
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[LeaderboardEntry]
    next_page_token: str
    members: int
    period: str
    position: int
    def __init__(self, entries: _Optional[_Iterable[_Union[LeaderboardEntry, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., members: _Optional[int] = ..., period: _Optional[str] = ..., position: _Optional[int] = ...) -> None: ...

class GetLeaderboardMemberRequest(_message.Message):
    __slots__ = ("board", "member", "around", "period", "position", "scope", "group")
    BOARD_FIELD_NUMBER: _ClassVar[int]
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    AROUND_FIELD_NUMBER: _ClassVar[int]
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    board: str
    member: str
    around: int
    period: str
    position: int
    scope: str
    group: str
    def __init__(self, board: _Optional[str] = ..., member: _Optional[str] = ..., around: _Optional[int] = ..., period: _Optional[str] = ..., position: _Optional[int] = ..., scope: _Optional[str] = ..., group: _Optional[str] = ...) -> None: ...

class GetLeaderboardMemberResponse(_message.Message):
    __slots__ = ("entry", "neighbours", "members", "percentile", "period", "position")
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    NEIGHBOURS_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    PERCENTILE_FIELD_NUMBER: _ClassVar[int]
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    entry: LeaderboardEntry
    neighbours: _containers.RepeatedCompositeFieldContainer[LeaderboardEntry]
    members: int
    percentile: float
    period: str
    position: int
    def __init__(self, entry: _Optional[_Union[LeaderboardEntry, _Mapping]] = ..., neighbours: _Optional[_Iterable[_Union[LeaderboardEntry, _Mapping]]] = ..., members: _Optional[int] = ..., percentile: _Optional[float] = ..., period: _Optional[str] = ..., position: _Optional[int] = ...) -> None: ...
