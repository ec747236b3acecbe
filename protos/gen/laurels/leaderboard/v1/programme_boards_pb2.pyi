import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from laurels.value.v1 import events_pb2 as _events_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ScoreOperator(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SCORE_OPERATOR_UNSPECIFIED: _ClassVar[ScoreOperator]
    SCORE_OPERATOR_ADD: _ClassVar[ScoreOperator]
    SCORE_OPERATOR_BEST: _ClassVar[ScoreOperator]
    SCORE_OPERATOR_WORST: _ClassVar[ScoreOperator]
    SCORE_OPERATOR_LAST: _ClassVar[ScoreOperator]
    SCORE_OPERATOR_COUNT: _ClassVar[ScoreOperator]
    SCORE_OPERATOR_DISTINCT: _ClassVar[ScoreOperator]

class TieRule(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TIE_RULE_UNSPECIFIED: _ClassVar[TieRule]
    TIE_RULE_FIRST: _ClassVar[TieRule]
    TIE_RULE_LAST: _ClassVar[TieRule]
    TIE_RULE_SUB_SCORE: _ClassVar[TieRule]

class RankMethod(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RANK_METHOD_UNSPECIFIED: _ClassVar[RankMethod]
    RANK_METHOD_ORDINAL: _ClassVar[RankMethod]
    RANK_METHOD_COMPETITION: _ClassVar[RankMethod]
    RANK_METHOD_DENSE: _ClassVar[RankMethod]

class NameRule(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    NAME_RULE_UNSPECIFIED: _ClassVar[NameRule]
    NAME_RULE_UNLESS_WITHDRAWN: _ClassVar[NameRule]
    NAME_RULE_WITH_CONSENT: _ClassVar[NameRule]

class FeedEvent(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FEED_EVENT_UNSPECIFIED: _ClassVar[FeedEvent]
    FEED_EVENT_POINTS_CREDITED: _ClassVar[FeedEvent]
    FEED_EVENT_MISSION_COMPLETED: _ClassVar[FeedEvent]
    FEED_EVENT_LEVEL_REACHED: _ClassVar[FeedEvent]

class TeamAggregate(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TEAM_AGGREGATE_UNSPECIFIED: _ClassVar[TeamAggregate]
    TEAM_AGGREGATE_SUM: _ClassVar[TeamAggregate]
    TEAM_AGGREGATE_MEAN: _ClassVar[TeamAggregate]
    TEAM_AGGREGATE_BEST: _ClassVar[TeamAggregate]
SCORE_OPERATOR_UNSPECIFIED: ScoreOperator
SCORE_OPERATOR_ADD: ScoreOperator
SCORE_OPERATOR_BEST: ScoreOperator
SCORE_OPERATOR_WORST: ScoreOperator
SCORE_OPERATOR_LAST: ScoreOperator
SCORE_OPERATOR_COUNT: ScoreOperator
SCORE_OPERATOR_DISTINCT: ScoreOperator
TIE_RULE_UNSPECIFIED: TieRule
TIE_RULE_FIRST: TieRule
TIE_RULE_LAST: TieRule
TIE_RULE_SUB_SCORE: TieRule
RANK_METHOD_UNSPECIFIED: RankMethod
RANK_METHOD_ORDINAL: RankMethod
RANK_METHOD_COMPETITION: RankMethod
RANK_METHOD_DENSE: RankMethod
NAME_RULE_UNSPECIFIED: NameRule
NAME_RULE_UNLESS_WITHDRAWN: NameRule
NAME_RULE_WITH_CONSENT: NameRule
FEED_EVENT_UNSPECIFIED: FeedEvent
FEED_EVENT_POINTS_CREDITED: FeedEvent
FEED_EVENT_MISSION_COMPLETED: FeedEvent
FEED_EVENT_LEVEL_REACHED: FeedEvent
TEAM_AGGREGATE_UNSPECIFIED: TeamAggregate
TEAM_AGGREGATE_SUM: TeamAggregate
TEAM_AGGREGATE_MEAN: TeamAggregate
TEAM_AGGREGATE_BEST: TeamAggregate

class MissionFeed(_message.Message):
    __slots__ = ("mission", "score")
    MISSION_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    mission: str
    score: int
    def __init__(self, mission: _Optional[str] = ..., score: _Optional[int] = ...) -> None: ...

class EventFeed(_message.Message):
    __slots__ = ("event", "condition", "score")
    EVENT_FIELD_NUMBER: _ClassVar[int]
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    event: FeedEvent
    condition: str
    score: str
    def __init__(self, event: _Optional[_Union[FeedEvent, str]] = ..., condition: _Optional[str] = ..., score: _Optional[str] = ...) -> None: ...

class ScoreBounds(_message.Message):
    __slots__ = ("minimum", "maximum")
    MINIMUM_FIELD_NUMBER: _ClassVar[int]
    MAXIMUM_FIELD_NUMBER: _ClassVar[int]
    minimum: int
    maximum: int
    def __init__(self, minimum: _Optional[int] = ..., maximum: _Optional[int] = ...) -> None: ...

class ScoreRateLimit(_message.Message):
    __slots__ = ("count", "window_seconds")
    COUNT_FIELD_NUMBER: _ClassVar[int]
    WINDOW_SECONDS_FIELD_NUMBER: _ClassVar[int]
    count: int
    window_seconds: int
    def __init__(self, count: _Optional[int] = ..., window_seconds: _Optional[int] = ...) -> None: ...

class BoardSchedule(_message.Message):
    __slots__ = ("cron", "fixed", "grace_seconds")
    CRON_FIELD_NUMBER: _ClassVar[int]
    FIXED_FIELD_NUMBER: _ClassVar[int]
    GRACE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    cron: CronPeriods
    fixed: FixedPeriods
    grace_seconds: int
    def __init__(self, cron: _Optional[_Union[CronPeriods, _Mapping]] = ..., fixed: _Optional[_Union[FixedPeriods, _Mapping]] = ..., grace_seconds: _Optional[int] = ...) -> None: ...

class CronPeriods(_message.Message):
    __slots__ = ("expression", "zone")
    EXPRESSION_FIELD_NUMBER: _ClassVar[int]
    ZONE_FIELD_NUMBER: _ClassVar[int]
    expression: str
    zone: str
    def __init__(self, expression: _Optional[str] = ..., zone: _Optional[str] = ...) -> None: ...

class FixedPeriods(_message.Message):
    __slots__ = ("periods",)
    PERIODS_FIELD_NUMBER: _ClassVar[int]
    periods: _containers.RepeatedCompositeFieldContainer[FixedPeriod]
    def __init__(self, periods: _Optional[_Iterable[_Union[FixedPeriod, _Mapping]]] = ...) -> None: ...

class FixedPeriod(_message.Message):
    __slots__ = ("starts_at", "ends_at")
    STARTS_AT_FIELD_NUMBER: _ClassVar[int]
    ENDS_AT_FIELD_NUMBER: _ClassVar[int]
    starts_at: _timestamp_pb2.Timestamp
    ends_at: _timestamp_pb2.Timestamp
    def __init__(self, starts_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., ends_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class BoardPrize(_message.Message):
    __slots__ = ("ranks", "top_percent", "grants")
    RANKS_FIELD_NUMBER: _ClassVar[int]
    TOP_PERCENT_FIELD_NUMBER: _ClassVar[int]
    GRANTS_FIELD_NUMBER: _ClassVar[int]
    ranks: RankRange
    top_percent: int
    grants: _containers.RepeatedCompositeFieldContainer[_events_pb2.Grant]
    def __init__(self, ranks: _Optional[_Union[RankRange, _Mapping]] = ..., top_percent: _Optional[int] = ..., grants: _Optional[_Iterable[_Union[_events_pb2.Grant, _Mapping]]] = ...) -> None: ...

class RankRange(_message.Message):
    __slots__ = ("first", "last")
    FIRST_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    first: int
    last: int
    def __init__(self, first: _Optional[int] = ..., last: _Optional[int] = ...) -> None: ...

class BoardScope(_message.Message):
    __slots__ = ("id", "tier", "segment", "attribute", "team", "prizes")
    ID_FIELD_NUMBER: _ClassVar[int]
    TIER_FIELD_NUMBER: _ClassVar[int]
    SEGMENT_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTE_FIELD_NUMBER: _ClassVar[int]
    TEAM_FIELD_NUMBER: _ClassVar[int]
    PRIZES_FIELD_NUMBER: _ClassVar[int]
    id: str
    tier: ScopeByTier
    segment: ScopeBySegment
    attribute: str
    team: TeamRanking
    prizes: _containers.RepeatedCompositeFieldContainer[BoardPrize]
    def __init__(self, id: _Optional[str] = ..., tier: _Optional[_Union[ScopeByTier, _Mapping]] = ..., segment: _Optional[_Union[ScopeBySegment, _Mapping]] = ..., attribute: _Optional[str] = ..., team: _Optional[_Union[TeamRanking, _Mapping]] = ..., prizes: _Optional[_Iterable[_Union[BoardPrize, _Mapping]]] = ...) -> None: ...

class ScopeByTier(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ScopeBySegment(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class TeamRanking(_message.Message):
    __slots__ = ("aggregate", "best", "prizes")
    AGGREGATE_FIELD_NUMBER: _ClassVar[int]
    BEST_FIELD_NUMBER: _ClassVar[int]
    PRIZES_FIELD_NUMBER: _ClassVar[int]
    aggregate: TeamAggregate
    best: int
    prizes: _containers.RepeatedCompositeFieldContainer[BoardPrize]
    def __init__(self, aggregate: _Optional[_Union[TeamAggregate, str]] = ..., best: _Optional[int] = ..., prizes: _Optional[_Iterable[_Union[BoardPrize, _Mapping]]] = ...) -> None: ...
