import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from laurels.leaderboard.v1 import programme_pb2 as _programme_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ScratchCardIssued(_message.Message):
    __slots__ = ("member", "card", "pool", "issued_at", "number", "expires_at")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    CARD_FIELD_NUMBER: _ClassVar[int]
    POOL_FIELD_NUMBER: _ClassVar[int]
    ISSUED_AT_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    member: str
    card: str
    pool: str
    issued_at: _timestamp_pb2.Timestamp
    number: int
    expires_at: _timestamp_pb2.Timestamp
    def __init__(self, member: _Optional[str] = ..., card: _Optional[str] = ..., pool: _Optional[str] = ..., issued_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., number: _Optional[int] = ..., expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ScratchCardRevealed(_message.Message):
    __slots__ = ("member", "card", "pool", "prize", "revealed_at", "granted")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    CARD_FIELD_NUMBER: _ClassVar[int]
    POOL_FIELD_NUMBER: _ClassVar[int]
    PRIZE_FIELD_NUMBER: _ClassVar[int]
    REVEALED_AT_FIELD_NUMBER: _ClassVar[int]
    GRANTED_FIELD_NUMBER: _ClassVar[int]
    member: str
    card: str
    pool: str
    prize: _programme_pb2.Prize
    revealed_at: _timestamp_pb2.Timestamp
    granted: bool
    def __init__(self, member: _Optional[str] = ..., card: _Optional[str] = ..., pool: _Optional[str] = ..., prize: _Optional[_Union[_programme_pb2.Prize, _Mapping]] = ..., revealed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., granted: _Optional[bool] = ...) -> None: ...

class ScratchPoolClosed(_message.Message):
    __slots__ = ("pool", "seed", "closed_at", "issued", "revealed", "head")
    POOL_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    CLOSED_AT_FIELD_NUMBER: _ClassVar[int]
    ISSUED_FIELD_NUMBER: _ClassVar[int]
    REVEALED_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    pool: str
    seed: str
    closed_at: _timestamp_pb2.Timestamp
    issued: int
    revealed: int
    head: str
    def __init__(self, pool: _Optional[str] = ..., seed: _Optional[str] = ..., closed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., issued: _Optional[int] = ..., revealed: _Optional[int] = ..., head: _Optional[str] = ...) -> None: ...
