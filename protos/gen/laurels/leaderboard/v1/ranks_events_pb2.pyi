import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RankReached(_message.Message):
    __slots__ = ("member", "board", "period", "rank", "final", "occurred_at", "programme_version")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    BOARD_FIELD_NUMBER: _ClassVar[int]
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    RANK_FIELD_NUMBER: _ClassVar[int]
    FINAL_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_AT_FIELD_NUMBER: _ClassVar[int]
    PROGRAMME_VERSION_FIELD_NUMBER: _ClassVar[int]
    member: str
    board: str
    period: str
    rank: int
    final: bool
    occurred_at: _timestamp_pb2.Timestamp
    programme_version: int
    def __init__(self, member: _Optional[str] = ..., board: _Optional[str] = ..., period: _Optional[str] = ..., rank: _Optional[int] = ..., final: _Optional[bool] = ..., occurred_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., programme_version: _Optional[int] = ...) -> None: ...
