import datetime

from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from laurels.access.v1 import access_pb2 as _access_pb2
from laurels.leaderboard.v1 import programme_pb2 as _programme_pb2
from laurels.leaderboard.v1 import programme_cards_pb2 as _programme_cards_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CardState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CARD_STATE_UNSPECIFIED: _ClassVar[CardState]
    CARD_STATE_SEALED: _ClassVar[CardState]
    CARD_STATE_REVEALED: _ClassVar[CardState]
    CARD_STATE_EXPIRED: _ClassVar[CardState]

class ParkedCardState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PARKED_CARD_STATE_UNSPECIFIED: _ClassVar[ParkedCardState]
    PARKED_CARD_STATE_PARKED: _ClassVar[ParkedCardState]
    PARKED_CARD_STATE_GIVEN: _ClassVar[ParkedCardState]
    PARKED_CARD_STATE_DISMISSED: _ClassVar[ParkedCardState]
CARD_STATE_UNSPECIFIED: CardState
CARD_STATE_SEALED: CardState
CARD_STATE_REVEALED: CardState
CARD_STATE_EXPIRED: CardState
PARKED_CARD_STATE_UNSPECIFIED: ParkedCardState
PARKED_CARD_STATE_PARKED: ParkedCardState
PARKED_CARD_STATE_GIVEN: ParkedCardState
PARKED_CARD_STATE_DISMISSED: ParkedCardState

class ParkedPrize(_message.Message):
    __slots__ = ("code", "detail")
    CODE_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    code: str
    detail: str
    def __init__(self, code: _Optional[str] = ..., detail: _Optional[str] = ...) -> None: ...

class ScratchCard(_message.Message):
    __slots__ = ("card", "pool", "member", "issued_at", "revealed_at", "prize", "number", "state", "face", "expires_at", "own_seed", "parked")
    CARD_FIELD_NUMBER: _ClassVar[int]
    POOL_FIELD_NUMBER: _ClassVar[int]
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    ISSUED_AT_FIELD_NUMBER: _ClassVar[int]
    REVEALED_AT_FIELD_NUMBER: _ClassVar[int]
    PRIZE_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    FACE_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    OWN_SEED_FIELD_NUMBER: _ClassVar[int]
    PARKED_FIELD_NUMBER: _ClassVar[int]
    card: str
    pool: str
    member: str
    issued_at: _timestamp_pb2.Timestamp
    revealed_at: _timestamp_pb2.Timestamp
    prize: _programme_pb2.Prize
    number: int
    state: CardState
    face: _programme_cards_pb2.Face
    expires_at: _timestamp_pb2.Timestamp
    own_seed: str
    parked: ParkedPrize
    def __init__(self, card: _Optional[str] = ..., pool: _Optional[str] = ..., member: _Optional[str] = ..., issued_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., revealed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., prize: _Optional[_Union[_programme_pb2.Prize, _Mapping]] = ..., number: _Optional[int] = ..., state: _Optional[_Union[CardState, str]] = ..., face: _Optional[_Union[_programme_cards_pb2.Face, str]] = ..., expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., own_seed: _Optional[str] = ..., parked: _Optional[_Union[ParkedPrize, _Mapping]] = ...) -> None: ...

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
    __slots__ = ("card", "own_seed")
    CARD_FIELD_NUMBER: _ClassVar[int]
    OWN_SEED_FIELD_NUMBER: _ClassVar[int]
    card: str
    own_seed: str
    def __init__(self, card: _Optional[str] = ..., own_seed: _Optional[str] = ...) -> None: ...

class RevealScratchCardResponse(_message.Message):
    __slots__ = ("card",)
    CARD_FIELD_NUMBER: _ClassVar[int]
    card: ScratchCard
    def __init__(self, card: _Optional[_Union[ScratchCard, _Mapping]] = ...) -> None: ...

class IssueScratchCardRequest(_message.Message):
    __slots__ = ("pool", "member", "idempotency_key")
    POOL_FIELD_NUMBER: _ClassVar[int]
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    pool: str
    member: str
    idempotency_key: str
    def __init__(self, pool: _Optional[str] = ..., member: _Optional[str] = ..., idempotency_key: _Optional[str] = ...) -> None: ...

class IssueScratchCardResponse(_message.Message):
    __slots__ = ("card",)
    CARD_FIELD_NUMBER: _ClassVar[int]
    card: ScratchCard
    def __init__(self, card: _Optional[_Union[ScratchCard, _Mapping]] = ...) -> None: ...

class GetScratchCardProofRequest(_message.Message):
    __slots__ = ("card",)
    CARD_FIELD_NUMBER: _ClassVar[int]
    card: str
    def __init__(self, card: _Optional[str] = ...) -> None: ...

class PrizeCount(_message.Message):
    __slots__ = ("prize", "count")
    PRIZE_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    prize: str
    count: int
    def __init__(self, prize: _Optional[str] = ..., count: _Optional[int] = ...) -> None: ...

class GetScratchCardProofResponse(_message.Message):
    __slots__ = ("card", "pool", "scheme", "table", "table_hash", "commitment", "seed", "root", "draw", "previous_link", "won_before", "spent_before", "taken_before", "salt", "path")
    CARD_FIELD_NUMBER: _ClassVar[int]
    POOL_FIELD_NUMBER: _ClassVar[int]
    SCHEME_FIELD_NUMBER: _ClassVar[int]
    TABLE_FIELD_NUMBER: _ClassVar[int]
    TABLE_HASH_FIELD_NUMBER: _ClassVar[int]
    COMMITMENT_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    ROOT_FIELD_NUMBER: _ClassVar[int]
    DRAW_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_LINK_FIELD_NUMBER: _ClassVar[int]
    WON_BEFORE_FIELD_NUMBER: _ClassVar[int]
    SPENT_BEFORE_FIELD_NUMBER: _ClassVar[int]
    TAKEN_BEFORE_FIELD_NUMBER: _ClassVar[int]
    SALT_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    card: str
    pool: str
    scheme: int
    table: str
    table_hash: str
    commitment: str
    seed: str
    root: str
    draw: ScratchDraw
    previous_link: str
    won_before: _containers.RepeatedCompositeFieldContainer[PrizeCount]
    spent_before: int
    taken_before: str
    salt: str
    path: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, card: _Optional[str] = ..., pool: _Optional[str] = ..., scheme: _Optional[int] = ..., table: _Optional[str] = ..., table_hash: _Optional[str] = ..., commitment: _Optional[str] = ..., seed: _Optional[str] = ..., root: _Optional[str] = ..., draw: _Optional[_Union[ScratchDraw, _Mapping]] = ..., previous_link: _Optional[str] = ..., won_before: _Optional[_Iterable[_Union[PrizeCount, _Mapping]]] = ..., spent_before: _Optional[int] = ..., taken_before: _Optional[str] = ..., salt: _Optional[str] = ..., path: _Optional[_Iterable[str]] = ...) -> None: ...

class ScratchDraw(_message.Message):
    __slots__ = ("draw", "number", "revealed_at", "own_seed", "position", "prize", "link")
    DRAW_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    REVEALED_AT_FIELD_NUMBER: _ClassVar[int]
    OWN_SEED_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    PRIZE_FIELD_NUMBER: _ClassVar[int]
    LINK_FIELD_NUMBER: _ClassVar[int]
    draw: int
    number: int
    revealed_at: _timestamp_pb2.Timestamp
    own_seed: str
    position: int
    prize: str
    link: str
    def __init__(self, draw: _Optional[int] = ..., number: _Optional[int] = ..., revealed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., own_seed: _Optional[str] = ..., position: _Optional[int] = ..., prize: _Optional[str] = ..., link: _Optional[str] = ...) -> None: ...

class ListScratchDrawsRequest(_message.Message):
    __slots__ = ("pool", "page_size", "page_token")
    POOL_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    pool: str
    page_size: int
    page_token: str
    def __init__(self, pool: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListScratchDrawsResponse(_message.Message):
    __slots__ = ("draws", "next_page_token")
    DRAWS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    draws: _containers.RepeatedCompositeFieldContainer[ScratchDraw]
    next_page_token: str
    def __init__(self, draws: _Optional[_Iterable[_Union[ScratchDraw, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class CloseScratchPoolRequest(_message.Message):
    __slots__ = ("pool",)
    POOL_FIELD_NUMBER: _ClassVar[int]
    pool: str
    def __init__(self, pool: _Optional[str] = ...) -> None: ...

class CloseScratchPoolResponse(_message.Message):
    __slots__ = ("closed_at", "seed")
    CLOSED_AT_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    closed_at: _timestamp_pb2.Timestamp
    seed: str
    def __init__(self, closed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., seed: _Optional[str] = ...) -> None: ...

class ListParkedCardsRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "state")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    state: ParkedCardState
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., state: _Optional[_Union[ParkedCardState, str]] = ...) -> None: ...

class ParkedCard(_message.Message):
    __slots__ = ("key", "place", "member", "pool", "code", "detail", "occurred_at", "parked", "state", "decided_at", "card")
    KEY_FIELD_NUMBER: _ClassVar[int]
    PLACE_FIELD_NUMBER: _ClassVar[int]
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    POOL_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_AT_FIELD_NUMBER: _ClassVar[int]
    PARKED_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    DECIDED_AT_FIELD_NUMBER: _ClassVar[int]
    CARD_FIELD_NUMBER: _ClassVar[int]
    key: str
    place: int
    member: str
    pool: str
    code: str
    detail: str
    occurred_at: _timestamp_pb2.Timestamp
    parked: str
    state: ParkedCardState
    decided_at: _timestamp_pb2.Timestamp
    card: str
    def __init__(self, key: _Optional[str] = ..., place: _Optional[int] = ..., member: _Optional[str] = ..., pool: _Optional[str] = ..., code: _Optional[str] = ..., detail: _Optional[str] = ..., occurred_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., parked: _Optional[str] = ..., state: _Optional[_Union[ParkedCardState, str]] = ..., decided_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., card: _Optional[str] = ...) -> None: ...

class RetryParkedCardRequest(_message.Message):
    __slots__ = ("parked", "idempotency_key")
    PARKED_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    parked: str
    idempotency_key: str
    def __init__(self, parked: _Optional[str] = ..., idempotency_key: _Optional[str] = ...) -> None: ...

class RetryParkedCardResponse(_message.Message):
    __slots__ = ("card",)
    CARD_FIELD_NUMBER: _ClassVar[int]
    card: ParkedCard
    def __init__(self, card: _Optional[_Union[ParkedCard, _Mapping]] = ...) -> None: ...

class DismissParkedCardRequest(_message.Message):
    __slots__ = ("parked", "reason", "idempotency_key")
    PARKED_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    parked: str
    reason: str
    idempotency_key: str
    def __init__(self, parked: _Optional[str] = ..., reason: _Optional[str] = ..., idempotency_key: _Optional[str] = ...) -> None: ...

class DismissParkedCardResponse(_message.Message):
    __slots__ = ("card",)
    CARD_FIELD_NUMBER: _ClassVar[int]
    card: ParkedCard
    def __init__(self, card: _Optional[_Union[ParkedCard, _Mapping]] = ...) -> None: ...

class ListParkedCardsResponse(_message.Message):
    __slots__ = ("cards", "next_page_token")
    CARDS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    cards: _containers.RepeatedCompositeFieldContainer[ParkedCard]
    next_page_token: str
    def __init__(self, cards: _Optional[_Iterable[_Union[ParkedCard, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetScratchPoolRequest(_message.Message):
    __slots__ = ("pool",)
    POOL_FIELD_NUMBER: _ClassVar[int]
    pool: str
    def __init__(self, pool: _Optional[str] = ...) -> None: ...

class GetScratchPoolResponse(_message.Message):
    __slots__ = ("pool", "name", "prizes", "nothing_weight", "commitment", "kind", "face", "scheme", "table", "table_hash", "root", "issued", "revealed", "head", "budget", "budget_left", "closes_at", "closed_at", "seed")
    POOL_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PRIZES_FIELD_NUMBER: _ClassVar[int]
    NOTHING_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    COMMITMENT_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    FACE_FIELD_NUMBER: _ClassVar[int]
    SCHEME_FIELD_NUMBER: _ClassVar[int]
    TABLE_FIELD_NUMBER: _ClassVar[int]
    TABLE_HASH_FIELD_NUMBER: _ClassVar[int]
    ROOT_FIELD_NUMBER: _ClassVar[int]
    ISSUED_FIELD_NUMBER: _ClassVar[int]
    REVEALED_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    BUDGET_FIELD_NUMBER: _ClassVar[int]
    BUDGET_LEFT_FIELD_NUMBER: _ClassVar[int]
    CLOSES_AT_FIELD_NUMBER: _ClassVar[int]
    CLOSED_AT_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    pool: str
    name: str
    prizes: _containers.RepeatedCompositeFieldContainer[PrizeStock]
    nothing_weight: int
    commitment: str
    kind: _programme_cards_pb2.PoolKind
    face: _programme_cards_pb2.Face
    scheme: int
    table: str
    table_hash: str
    root: str
    issued: int
    revealed: int
    head: str
    budget: int
    budget_left: int
    closes_at: _timestamp_pb2.Timestamp
    closed_at: _timestamp_pb2.Timestamp
    seed: str
    def __init__(self, pool: _Optional[str] = ..., name: _Optional[str] = ..., prizes: _Optional[_Iterable[_Union[PrizeStock, _Mapping]]] = ..., nothing_weight: _Optional[int] = ..., commitment: _Optional[str] = ..., kind: _Optional[_Union[_programme_cards_pb2.PoolKind, str]] = ..., face: _Optional[_Union[_programme_cards_pb2.Face, str]] = ..., scheme: _Optional[int] = ..., table: _Optional[str] = ..., table_hash: _Optional[str] = ..., root: _Optional[str] = ..., issued: _Optional[int] = ..., revealed: _Optional[int] = ..., head: _Optional[str] = ..., budget: _Optional[int] = ..., budget_left: _Optional[int] = ..., closes_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., closed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., seed: _Optional[str] = ...) -> None: ...

class GetScratchPoolsReportRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetScratchPoolsReportResponse(_message.Message):
    __slots__ = ("pools",)
    POOLS_FIELD_NUMBER: _ClassVar[int]
    pools: _containers.RepeatedCompositeFieldContainer[ScratchPoolCount]
    def __init__(self, pools: _Optional[_Iterable[_Union[ScratchPoolCount, _Mapping]]] = ...) -> None: ...

class ScratchPoolCount(_message.Message):
    __slots__ = ("pool", "name", "issued", "revealed", "won", "stock", "stock_left", "budget", "budget_left", "parked", "closed_at")
    POOL_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ISSUED_FIELD_NUMBER: _ClassVar[int]
    REVEALED_FIELD_NUMBER: _ClassVar[int]
    WON_FIELD_NUMBER: _ClassVar[int]
    STOCK_FIELD_NUMBER: _ClassVar[int]
    STOCK_LEFT_FIELD_NUMBER: _ClassVar[int]
    BUDGET_FIELD_NUMBER: _ClassVar[int]
    BUDGET_LEFT_FIELD_NUMBER: _ClassVar[int]
    PARKED_FIELD_NUMBER: _ClassVar[int]
    CLOSED_AT_FIELD_NUMBER: _ClassVar[int]
    pool: str
    name: str
    issued: int
    revealed: int
    won: int
    stock: int
    stock_left: int
    budget: int
    budget_left: int
    parked: int
    closed_at: _timestamp_pb2.Timestamp
    def __init__(self, pool: _Optional[str] = ..., name: _Optional[str] = ..., issued: _Optional[int] = ..., revealed: _Optional[int] = ..., won: _Optional[int] = ..., stock: _Optional[int] = ..., stock_left: _Optional[int] = ..., budget: _Optional[int] = ..., budget_left: _Optional[int] = ..., parked: _Optional[int] = ..., closed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
