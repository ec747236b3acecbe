import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GoalsNeeded(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    GOALS_NEEDED_UNSPECIFIED: _ClassVar[GoalsNeeded]
    GOALS_NEEDED_ALL: _ClassVar[GoalsNeeded]
    GOALS_NEEDED_ANY: _ClassVar[GoalsNeeded]

class StreakUnit(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STREAK_UNIT_UNSPECIFIED: _ClassVar[StreakUnit]
    STREAK_UNIT_DAY: _ClassVar[StreakUnit]
    STREAK_UNIT_WEEK: _ClassVar[StreakUnit]
    STREAK_UNIT_MONTH: _ClassVar[StreakUnit]

class Recurrence(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RECURRENCE_UNSPECIFIED: _ClassVar[Recurrence]
    RECURRENCE_DAILY: _ClassVar[Recurrence]
    RECURRENCE_WEEKLY: _ClassVar[Recurrence]
    RECURRENCE_MONTHLY: _ClassVar[Recurrence]
    RECURRENCE_ON_COMPLETION: _ClassVar[Recurrence]

class WindowZone(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    WINDOW_ZONE_UNSPECIFIED: _ClassVar[WindowZone]
    WINDOW_ZONE_MEMBER: _ClassVar[WindowZone]
    WINDOW_ZONE_BRAND: _ClassVar[WindowZone]

class StartBy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    START_BY_UNSPECIFIED: _ClassVar[StartBy]
    START_BY_ITSELF: _ClassVar[StartBy]
    START_BY_OPT_IN: _ClassVar[StartBy]
    START_BY_MISSION: _ClassVar[StartBy]
    START_BY_ASSIGNMENT: _ClassVar[StartBy]

class RefundedReward(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REFUNDED_REWARD_UNSPECIFIED: _ClassVar[RefundedReward]
    REFUNDED_REWARD_KEEP: _ClassVar[RefundedReward]
GOALS_NEEDED_UNSPECIFIED: GoalsNeeded
GOALS_NEEDED_ALL: GoalsNeeded
GOALS_NEEDED_ANY: GoalsNeeded
STREAK_UNIT_UNSPECIFIED: StreakUnit
STREAK_UNIT_DAY: StreakUnit
STREAK_UNIT_WEEK: StreakUnit
STREAK_UNIT_MONTH: StreakUnit
RECURRENCE_UNSPECIFIED: Recurrence
RECURRENCE_DAILY: Recurrence
RECURRENCE_WEEKLY: Recurrence
RECURRENCE_MONTHLY: Recurrence
RECURRENCE_ON_COMPLETION: Recurrence
WINDOW_ZONE_UNSPECIFIED: WindowZone
WINDOW_ZONE_MEMBER: WindowZone
WINDOW_ZONE_BRAND: WindowZone
START_BY_UNSPECIFIED: StartBy
START_BY_ITSELF: StartBy
START_BY_OPT_IN: StartBy
START_BY_MISSION: StartBy
START_BY_ASSIGNMENT: StartBy
REFUNDED_REWARD_UNSPECIFIED: RefundedReward
REFUNDED_REWARD_KEEP: RefundedReward

class Goal(_message.Message):
    __slots__ = ("activity_type", "condition", "count", "sum", "distinct", "set", "sequence", "streak", "tier", "rank", "quiz")
    ACTIVITY_TYPE_FIELD_NUMBER: _ClassVar[int]
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    SUM_FIELD_NUMBER: _ClassVar[int]
    DISTINCT_FIELD_NUMBER: _ClassVar[int]
    SET_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    STREAK_FIELD_NUMBER: _ClassVar[int]
    TIER_FIELD_NUMBER: _ClassVar[int]
    RANK_FIELD_NUMBER: _ClassVar[int]
    QUIZ_FIELD_NUMBER: _ClassVar[int]
    activity_type: str
    condition: str
    count: GoalCount
    sum: GoalSum
    distinct: GoalDistinct
    set: GoalSet
    sequence: GoalSequence
    streak: GoalStreak
    tier: GoalTier
    rank: GoalRank
    quiz: GoalQuiz
    def __init__(self, activity_type: _Optional[str] = ..., condition: _Optional[str] = ..., count: _Optional[_Union[GoalCount, _Mapping]] = ..., sum: _Optional[_Union[GoalSum, _Mapping]] = ..., distinct: _Optional[_Union[GoalDistinct, _Mapping]] = ..., set: _Optional[_Union[GoalSet, _Mapping]] = ..., sequence: _Optional[_Union[GoalSequence, _Mapping]] = ..., streak: _Optional[_Union[GoalStreak, _Mapping]] = ..., tier: _Optional[_Union[GoalTier, _Mapping]] = ..., rank: _Optional[_Union[GoalRank, _Mapping]] = ..., quiz: _Optional[_Union[GoalQuiz, _Mapping]] = ...) -> None: ...

class GoalCount(_message.Message):
    __slots__ = ("target",)
    TARGET_FIELD_NUMBER: _ClassVar[int]
    target: int
    def __init__(self, target: _Optional[int] = ...) -> None: ...

class GoalSum(_message.Message):
    __slots__ = ("of", "target")
    OF_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    of: str
    target: int
    def __init__(self, of: _Optional[str] = ..., target: _Optional[int] = ...) -> None: ...

class GoalDistinct(_message.Message):
    __slots__ = ("of", "target")
    OF_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    of: str
    target: int
    def __init__(self, of: _Optional[str] = ..., target: _Optional[int] = ...) -> None: ...

class GoalSet(_message.Message):
    __slots__ = ("of", "values")
    OF_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    of: str
    values: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, of: _Optional[str] = ..., values: _Optional[_Iterable[str]] = ...) -> None: ...

class GoalSequence(_message.Message):
    __slots__ = ("steps",)
    STEPS_FIELD_NUMBER: _ClassVar[int]
    steps: _containers.RepeatedCompositeFieldContainer[SequenceStep]
    def __init__(self, steps: _Optional[_Iterable[_Union[SequenceStep, _Mapping]]] = ...) -> None: ...

class SequenceStep(_message.Message):
    __slots__ = ("activity_type", "condition", "within_minutes")
    ACTIVITY_TYPE_FIELD_NUMBER: _ClassVar[int]
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    WITHIN_MINUTES_FIELD_NUMBER: _ClassVar[int]
    activity_type: str
    condition: str
    within_minutes: int
    def __init__(self, activity_type: _Optional[str] = ..., condition: _Optional[str] = ..., within_minutes: _Optional[int] = ...) -> None: ...

class GoalStreak(_message.Message):
    __slots__ = ("unit", "target", "freeze_every", "freezes_max", "grace_hours", "repair_days")
    UNIT_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    FREEZE_EVERY_FIELD_NUMBER: _ClassVar[int]
    FREEZES_MAX_FIELD_NUMBER: _ClassVar[int]
    GRACE_HOURS_FIELD_NUMBER: _ClassVar[int]
    REPAIR_DAYS_FIELD_NUMBER: _ClassVar[int]
    unit: StreakUnit
    target: int
    freeze_every: int
    freezes_max: int
    grace_hours: int
    repair_days: int
    def __init__(self, unit: _Optional[_Union[StreakUnit, str]] = ..., target: _Optional[int] = ..., freeze_every: _Optional[int] = ..., freezes_max: _Optional[int] = ..., grace_hours: _Optional[int] = ..., repair_days: _Optional[int] = ...) -> None: ...

class GoalTier(_message.Message):
    __slots__ = ("tier",)
    TIER_FIELD_NUMBER: _ClassVar[int]
    tier: str
    def __init__(self, tier: _Optional[str] = ...) -> None: ...

class GoalRank(_message.Message):
    __slots__ = ("board", "rank", "while_open")
    BOARD_FIELD_NUMBER: _ClassVar[int]
    RANK_FIELD_NUMBER: _ClassVar[int]
    WHILE_OPEN_FIELD_NUMBER: _ClassVar[int]
    board: str
    rank: int
    while_open: bool
    def __init__(self, board: _Optional[str] = ..., rank: _Optional[int] = ..., while_open: _Optional[bool] = ...) -> None: ...

class GoalQuiz(_message.Message):
    __slots__ = ("quiz",)
    QUIZ_FIELD_NUMBER: _ClassVar[int]
    quiz: str
    def __init__(self, quiz: _Optional[str] = ...) -> None: ...

class Window(_message.Message):
    __slots__ = ("starts_at", "ends_at", "joined_days_from", "joined_days_until", "recurrence", "cron", "zone")
    STARTS_AT_FIELD_NUMBER: _ClassVar[int]
    ENDS_AT_FIELD_NUMBER: _ClassVar[int]
    JOINED_DAYS_FROM_FIELD_NUMBER: _ClassVar[int]
    JOINED_DAYS_UNTIL_FIELD_NUMBER: _ClassVar[int]
    RECURRENCE_FIELD_NUMBER: _ClassVar[int]
    CRON_FIELD_NUMBER: _ClassVar[int]
    ZONE_FIELD_NUMBER: _ClassVar[int]
    starts_at: _timestamp_pb2.Timestamp
    ends_at: _timestamp_pb2.Timestamp
    joined_days_from: int
    joined_days_until: int
    recurrence: Recurrence
    cron: str
    zone: WindowZone
    def __init__(self, starts_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., ends_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., joined_days_from: _Optional[int] = ..., joined_days_until: _Optional[int] = ..., recurrence: _Optional[_Union[Recurrence, str]] = ..., cron: _Optional[str] = ..., zone: _Optional[_Union[WindowZone, str]] = ...) -> None: ...

class Start(_message.Message):
    __slots__ = ("by", "after", "deadline_hours")
    BY_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_HOURS_FIELD_NUMBER: _ClassVar[int]
    by: StartBy
    after: _containers.RepeatedScalarFieldContainer[str]
    deadline_hours: int
    def __init__(self, by: _Optional[_Union[StartBy, str]] = ..., after: _Optional[_Iterable[str]] = ..., deadline_hours: _Optional[int] = ...) -> None: ...

class Claiming(_message.Message):
    __slots__ = ("within_hours",)
    WITHIN_HOURS_FIELD_NUMBER: _ClassVar[int]
    within_hours: int
    def __init__(self, within_hours: _Optional[int] = ...) -> None: ...

class MissionLimits(_message.Message):
    __slots__ = ("times_a_member", "times", "budget", "budget_currency")
    TIMES_A_MEMBER_FIELD_NUMBER: _ClassVar[int]
    TIMES_FIELD_NUMBER: _ClassVar[int]
    BUDGET_FIELD_NUMBER: _ClassVar[int]
    BUDGET_CURRENCY_FIELD_NUMBER: _ClassVar[int]
    times_a_member: int
    times: int
    budget: int
    budget_currency: str
    def __init__(self, times_a_member: _Optional[int] = ..., times: _Optional[int] = ..., budget: _Optional[int] = ..., budget_currency: _Optional[str] = ...) -> None: ...
