import datetime

from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from laurels.access.v1 import access_pb2 as _access_pb2
from laurels.leaderboard.v1 import programme_pb2 as _programme_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ScratchCard(_message.Message):
    __slots__ = ("card", "pool", "member", "issued_at", "revealed_at", "prize")
    CARD_FIELD_NUMBER: _ClassVar[int]
    POOL_FIELD_NUMBER: _ClassVar[int]
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    ISSUED_AT_FIELD_NUMBER: _ClassVar[int]
    REVEALED_AT_FIELD_NUMBER: _ClassVar[int]
    PRIZE_FIELD_NUMBER: _ClassVar[int]
    card: str
    pool: str
    member: str
    issued_at: _timestamp_pb2.Timestamp
    revealed_at: _timestamp_pb2.Timestamp
    prize: _programme_pb2.Prize
    def __init__(self, card: _Optional[str] = ..., pool: _Optional[str] = ..., member: _Optional[str] = ..., issued_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., revealed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., prize: _Optional[_Union[_programme_pb2.Prize, _Mapping]] = ...) -> None: ...

class PrizeStock(_message.Message):
    __slots__ = ("prize", "remaining")
    PRIZE_FIELD_NUMBER: _ClassVar[int]
    REMAINING_FIELD_NUMBER: _ClassVar[int]
    prize: _programme_pb2.Prize
    remaining: int
    def __init__(self, prize: _Optional[_Union[_programme_pb2.Prize, _Mapping]] = ..., remaining: _Optional[int] = ...) -> None: ...

class ListScratchCardsRequest(_message.Message):
    __slots__ = ("member", "page_size", "page_token")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    member: str
    page_size: int
    page_token: str
    def __init__(self, member: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListScratchCardsResponse(_message.Message):
    __slots__ = ("cards", "next_page_token")
    CARDS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    cards: _containers.RepeatedCompositeFieldContainer[ScratchCard]
    next_page_token: str
    def __init__(self, cards: _Optional[_Iterable[_Union[ScratchCard, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class RevealScratchCardRequest(_message.Message):
    __slots__ = ("card",)
    CARD_FIELD_NUMBER: _ClassVar[int]
    card: str
    def __init__(self, card: _Optional[str] = ...) -> None: ...

class RevealScratchCardResponse(_message.Message):
    __slots__ = ("card",)
    CARD_FIELD_NUMBER: _ClassVar[int]
    card: ScratchCard
    def __init__(self, card: _Optional[_Union[ScratchCard, _Mapping]] = ...) -> None: ...

class GetScratchPoolRequest(_message.Message):
    __slots__ = ("pool",)
    POOL_FIELD_NUMBER: _ClassVar[int]
    pool: str
    def __init__(self, pool: _Optional[str] = ...) -> None: ...

class GetScratchPoolResponse(_message.Message):
    __slots__ = ("pool", "name", "prizes", "nothing_weight", "commitment")
    POOL_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PRIZES_FIELD_NUMBER: _ClassVar[int]
    NOTHING_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    COMMITMENT_FIELD_NUMBER: _ClassVar[int]
    pool: str
    name: str
    prizes: _containers.RepeatedCompositeFieldContainer[PrizeStock]
    nothing_weight: int
    commitment: str
    def __init__(self, pool: _Optional[str] = ..., name: _Optional[str] = ..., prizes: _Optional[_Iterable[_Union[PrizeStock, _Mapping]]] = ..., nothing_weight: _Optional[int] = ..., commitment: _Optional[str] = ...) -> None: ...

class GetScratchPoolsReportRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetScratchPoolsReportResponse(_message.Message):
    __slots__ = ("pools",)
    POOLS_FIELD_NUMBER: _ClassVar[int]
    pools: _containers.RepeatedCompositeFieldContainer[ScratchPoolCount]
    def __init__(self, pools: _Optional[_Iterable[_Union[ScratchPoolCount, _Mapping]]] = ...) -> None: ...

class ScratchPoolCount(_message.Message):
    __slots__ = ("pool", "name", "issued", "revealed", "won")
    POOL_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ISSUED_FIELD_NUMBER: _ClassVar[int]
    REVEALED_FIELD_NUMBER: _ClassVar[int]
    WON_FIELD_NUMBER: _ClassVar[int]
    pool: str
    name: str
    issued: int
    revealed: int
    won: int
    def __init__(self, pool: _Optional[str] = ..., name: _Optional[str] = ..., issued: _Optional[int] = ..., revealed: _Optional[int] = ..., won: _Optional[int] = ...) -> None: ...
