from laurels.leaderboard.v1 import programme_boards_pb2 as _programme_boards_pb2
from laurels.leaderboard.v1 import programme_cards_pb2 as _programme_cards_pb2
from laurels.leaderboard.v1 import programme_leagues_pb2 as _programme_leagues_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class LeaderboardProgramme(_message.Message):
    __slots__ = ("boards", "scratch_pools", "leagues")
    BOARDS_FIELD_NUMBER: _ClassVar[int]
    SCRATCH_POOLS_FIELD_NUMBER: _ClassVar[int]
    LEAGUES_FIELD_NUMBER: _ClassVar[int]
    boards: _containers.RepeatedCompositeFieldContainer[Board]
    scratch_pools: _containers.RepeatedCompositeFieldContainer[ScratchPool]
    leagues: _containers.RepeatedCompositeFieldContainer[_programme_leagues_pb2.League]
    def __init__(self, boards: _Optional[_Iterable[_Union[Board, _Mapping]]] = ..., scratch_pools: _Optional[_Iterable[_Union[ScratchPool, _Mapping]]] = ..., leagues: _Optional[_Iterable[_Union[_programme_leagues_pb2.League, _Mapping]]] = ...) -> None: ...

class Board(_message.Message):
    __slots__ = ("id", "name", "points", "activity", "mission", "event", "operator", "ascending", "ties", "ranks", "bounds", "rate_limit", "schedule", "prizes", "submissions", "names", "live", "scopes", "sub_score", "distinct")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    POINTS_FIELD_NUMBER: _ClassVar[int]
    ACTIVITY_FIELD_NUMBER: _ClassVar[int]
    MISSION_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    ASCENDING_FIELD_NUMBER: _ClassVar[int]
    TIES_FIELD_NUMBER: _ClassVar[int]
    RANKS_FIELD_NUMBER: _ClassVar[int]
    BOUNDS_FIELD_NUMBER: _ClassVar[int]
    RATE_LIMIT_FIELD_NUMBER: _ClassVar[int]
    SCHEDULE_FIELD_NUMBER: _ClassVar[int]
    PRIZES_FIELD_NUMBER: _ClassVar[int]
    SUBMISSIONS_FIELD_NUMBER: _ClassVar[int]
    NAMES_FIELD_NUMBER: _ClassVar[int]
    LIVE_FIELD_NUMBER: _ClassVar[int]
    SCOPES_FIELD_NUMBER: _ClassVar[int]
    SUB_SCORE_FIELD_NUMBER: _ClassVar[int]
    DISTINCT_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    points: PointsFeed
    activity: ActivityFeed
    mission: _programme_boards_pb2.MissionFeed
    event: _programme_boards_pb2.EventFeed
    operator: _programme_boards_pb2.ScoreOperator
    ascending: bool
    ties: _programme_boards_pb2.TieRule
    ranks: _programme_boards_pb2.RankMethod
    bounds: _programme_boards_pb2.ScoreBounds
    rate_limit: _programme_boards_pb2.ScoreRateLimit
    schedule: _programme_boards_pb2.BoardSchedule
    prizes: _containers.RepeatedCompositeFieldContainer[_programme_boards_pb2.BoardPrize]
    submissions: bool
    names: _programme_boards_pb2.NameRule
    live: bool
    scopes: _containers.RepeatedCompositeFieldContainer[_programme_boards_pb2.BoardScope]
    sub_score: str
    distinct: str
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., points: _Optional[_Union[PointsFeed, _Mapping]] = ..., activity: _Optional[_Union[ActivityFeed, _Mapping]] = ..., mission: _Optional[_Union[_programme_boards_pb2.MissionFeed, _Mapping]] = ..., event: _Optional[_Union[_programme_boards_pb2.EventFeed, _Mapping]] = ..., operator: _Optional[_Union[_programme_boards_pb2.ScoreOperator, str]] = ..., ascending: _Optional[bool] = ..., ties: _Optional[_Union[_programme_boards_pb2.TieRule, str]] = ..., ranks: _Optional[_Union[_programme_boards_pb2.RankMethod, str]] = ..., bounds: _Optional[_Union[_programme_boards_pb2.ScoreBounds, _Mapping]] = ..., rate_limit: _Optional[_Union[_programme_boards_pb2.ScoreRateLimit, _Mapping]] = ..., schedule: _Optional[_Union[_programme_boards_pb2.BoardSchedule, _Mapping]] = ..., prizes: _Optional[_Iterable[_Union[_programme_boards_pb2.BoardPrize, _Mapping]]] = ..., submissions: _Optional[bool] = ..., names: _Optional[_Union[_programme_boards_pb2.NameRule, str]] = ..., live: _Optional[bool] = ..., scopes: _Optional[_Iterable[_Union[_programme_boards_pb2.BoardScope, _Mapping]]] = ..., sub_score: _Optional[str] = ..., distinct: _Optional[str] = ...) -> None: ...

class PointsFeed(_message.Message):
    __slots__ = ("currency",)
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    currency: str
    def __init__(self, currency: _Optional[str] = ...) -> None: ...

class ActivityFeed(_message.Message):
    __slots__ = ("activity_type", "condition", "score")
    ACTIVITY_TYPE_FIELD_NUMBER: _ClassVar[int]
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    activity_type: str
    condition: str
    score: str
    def __init__(self, activity_type: _Optional[str] = ..., condition: _Optional[str] = ..., score: _Optional[str] = ...) -> None: ...

class ScratchPool(_message.Message):
    __slots__ = ("id", "name", "issues", "prizes", "nothing_weight", "kind", "face", "window", "cards", "budget", "limits", "pacing", "valid_days")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ISSUES_FIELD_NUMBER: _ClassVar[int]
    PRIZES_FIELD_NUMBER: _ClassVar[int]
    NOTHING_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    FACE_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    CARDS_FIELD_NUMBER: _ClassVar[int]
    BUDGET_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    PACING_FIELD_NUMBER: _ClassVar[int]
    VALID_DAYS_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    issues: _containers.RepeatedCompositeFieldContainer[CardIssue]
    prizes: _containers.RepeatedCompositeFieldContainer[Prize]
    nothing_weight: int
    kind: _programme_cards_pb2.PoolKind
    face: _programme_cards_pb2.Face
    window: _programme_cards_pb2.CardWindow
    cards: int
    budget: int
    limits: _programme_cards_pb2.CardLimits
    pacing: _containers.RepeatedCompositeFieldContainer[_programme_cards_pb2.PacePoint]
    valid_days: int
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., issues: _Optional[_Iterable[_Union[CardIssue, _Mapping]]] = ..., prizes: _Optional[_Iterable[_Union[Prize, _Mapping]]] = ..., nothing_weight: _Optional[int] = ..., kind: _Optional[_Union[_programme_cards_pb2.PoolKind, str]] = ..., face: _Optional[_Union[_programme_cards_pb2.Face, str]] = ..., window: _Optional[_Union[_programme_cards_pb2.CardWindow, _Mapping]] = ..., cards: _Optional[int] = ..., budget: _Optional[int] = ..., limits: _Optional[_Union[_programme_cards_pb2.CardLimits, _Mapping]] = ..., pacing: _Optional[_Iterable[_Union[_programme_cards_pb2.PacePoint, _Mapping]]] = ..., valid_days: _Optional[int] = ...) -> None: ...

class CardIssue(_message.Message):
    __slots__ = ("activity", "mission")
    ACTIVITY_FIELD_NUMBER: _ClassVar[int]
    MISSION_FIELD_NUMBER: _ClassVar[int]
    activity: ActivityIssue
    mission: str
    def __init__(self, activity: _Optional[_Union[ActivityIssue, _Mapping]] = ..., mission: _Optional[str] = ...) -> None: ...

class ActivityIssue(_message.Message):
    __slots__ = ("activity_type", "condition")
    ACTIVITY_TYPE_FIELD_NUMBER: _ClassVar[int]
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    activity_type: str
    condition: str
    def __init__(self, activity_type: _Optional[str] = ..., condition: _Optional[str] = ...) -> None: ...

class Prize(_message.Message):
    __slots__ = ("id", "name", "weight", "stock", "currency", "amount", "reward", "badge", "scratch_card", "value", "instead")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    STOCK_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    REWARD_FIELD_NUMBER: _ClassVar[int]
    BADGE_FIELD_NUMBER: _ClassVar[int]
    SCRATCH_CARD_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    INSTEAD_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    weight: int
    stock: int
    currency: str
    amount: int
    reward: str
    badge: str
    scratch_card: str
    value: int
    instead: str
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., weight: _Optional[int] = ..., stock: _Optional[int] = ..., currency: _Optional[str] = ..., amount: _Optional[int] = ..., reward: _Optional[str] = ..., badge: _Optional[str] = ..., scratch_card: _Optional[str] = ..., value: _Optional[int] = ..., instead: _Optional[str] = ...) -> None: ...
