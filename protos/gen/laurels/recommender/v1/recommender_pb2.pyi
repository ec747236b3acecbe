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

class Recommendation(_message.Message):
    __slots__ = ("decision", "reward", "propensity", "reason", "catalogue_reward", "mission", "scratch_card", "message")
    DECISION_FIELD_NUMBER: _ClassVar[int]
    REWARD_FIELD_NUMBER: _ClassVar[int]
    PROPENSITY_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    CATALOGUE_REWARD_FIELD_NUMBER: _ClassVar[int]
    MISSION_FIELD_NUMBER: _ClassVar[int]
    SCRATCH_CARD_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    decision: str
    reward: str
    propensity: float
    reason: str
    catalogue_reward: str
    mission: str
    scratch_card: str
    message: str
    def __init__(self, decision: _Optional[str] = ..., reward: _Optional[str] = ..., propensity: _Optional[float] = ..., reason: _Optional[str] = ..., catalogue_reward: _Optional[str] = ..., mission: _Optional[str] = ..., scratch_card: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class ListRecommendationsRequest(_message.Message):
    __slots__ = ("member", "slot", "count")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    SLOT_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    member: str
    slot: str
    count: int
    def __init__(self, member: _Optional[str] = ..., slot: _Optional[str] = ..., count: _Optional[int] = ...) -> None: ...

class ListRecommendationsResponse(_message.Message):
    __slots__ = ("recommendations",)
    RECOMMENDATIONS_FIELD_NUMBER: _ClassVar[int]
    recommendations: _containers.RepeatedCompositeFieldContainer[Recommendation]
    def __init__(self, recommendations: _Optional[_Iterable[_Union[Recommendation, _Mapping]]] = ...) -> None: ...

class RecordOutcomeRequest(_message.Message):
    __slots__ = ("decision", "value")
    DECISION_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    decision: str
    value: float
    def __init__(self, decision: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...

class RecordOutcomeResponse(_message.Message):
    __slots__ = ("recorded", "late")
    RECORDED_FIELD_NUMBER: _ClassVar[int]
    LATE_FIELD_NUMBER: _ClassVar[int]
    recorded: bool
    late: bool
    def __init__(self, recorded: _Optional[bool] = ..., late: _Optional[bool] = ...) -> None: ...

class GetInsightsRequest(_message.Message):
    __slots__ = ("member",)
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    member: str
    def __init__(self, member: _Optional[str] = ...) -> None: ...

class GetInsightsResponse(_message.Message):
    __slots__ = ("profile",)
    PROFILE_FIELD_NUMBER: _ClassVar[int]
    profile: Profile
    def __init__(self, profile: _Optional[_Union[Profile, _Mapping]] = ...) -> None: ...

class Profile(_message.Message):
    __slots__ = ("member", "activities", "amount", "first_at", "last_at", "tier")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    ACTIVITIES_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    FIRST_AT_FIELD_NUMBER: _ClassVar[int]
    LAST_AT_FIELD_NUMBER: _ClassVar[int]
    TIER_FIELD_NUMBER: _ClassVar[int]
    member: str
    activities: int
    amount: int
    first_at: _timestamp_pb2.Timestamp
    last_at: _timestamp_pb2.Timestamp
    tier: str
    def __init__(self, member: _Optional[str] = ..., activities: _Optional[int] = ..., amount: _Optional[int] = ..., first_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., tier: _Optional[str] = ...) -> None: ...

class GetRecommendationsReportRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetRecommendationsReportResponse(_message.Message):
    __slots__ = ("outcomes", "slots")
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    SLOTS_FIELD_NUMBER: _ClassVar[int]
    outcomes: _containers.RepeatedCompositeFieldContainer[RewardOutcome]
    slots: _containers.RepeatedCompositeFieldContainer[SlotReport]
    def __init__(self, outcomes: _Optional[_Iterable[_Union[RewardOutcome, _Mapping]]] = ..., slots: _Optional[_Iterable[_Union[SlotReport, _Mapping]]] = ...) -> None: ...

class SlotReport(_message.Message):
    __slots__ = ("slot", "decisions", "outcomes", "rate", "mean_value", "control_outcomes", "control_mean_value", "gain", "late_outcomes", "budgets", "choices", "policy")
    SLOT_FIELD_NUMBER: _ClassVar[int]
    DECISIONS_FIELD_NUMBER: _ClassVar[int]
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    RATE_FIELD_NUMBER: _ClassVar[int]
    MEAN_VALUE_FIELD_NUMBER: _ClassVar[int]
    CONTROL_OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    CONTROL_MEAN_VALUE_FIELD_NUMBER: _ClassVar[int]
    GAIN_FIELD_NUMBER: _ClassVar[int]
    LATE_OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    BUDGETS_FIELD_NUMBER: _ClassVar[int]
    CHOICES_FIELD_NUMBER: _ClassVar[int]
    POLICY_FIELD_NUMBER: _ClassVar[int]
    slot: str
    decisions: int
    outcomes: int
    rate: float
    mean_value: float
    control_outcomes: int
    control_mean_value: float
    gain: Gain
    late_outcomes: int
    budgets: _containers.RepeatedCompositeFieldContainer[BudgetSpent]
    choices: _containers.RepeatedCompositeFieldContainer[ChoiceShare]
    policy: str
    def __init__(self, slot: _Optional[str] = ..., decisions: _Optional[int] = ..., outcomes: _Optional[int] = ..., rate: _Optional[float] = ..., mean_value: _Optional[float] = ..., control_outcomes: _Optional[int] = ..., control_mean_value: _Optional[float] = ..., gain: _Optional[_Union[Gain, _Mapping]] = ..., late_outcomes: _Optional[int] = ..., budgets: _Optional[_Iterable[_Union[BudgetSpent, _Mapping]]] = ..., choices: _Optional[_Iterable[_Union[ChoiceShare, _Mapping]]] = ..., policy: _Optional[str] = ...) -> None: ...

class Gain(_message.Message):
    __slots__ = ("value", "low", "high")
    VALUE_FIELD_NUMBER: _ClassVar[int]
    LOW_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    value: float
    low: float
    high: float
    def __init__(self, value: _Optional[float] = ..., low: _Optional[float] = ..., high: _Optional[float] = ...) -> None: ...

class BudgetSpent(_message.Message):
    __slots__ = ("choice", "is_value", "most", "spent")
    CHOICE_FIELD_NUMBER: _ClassVar[int]
    IS_VALUE_FIELD_NUMBER: _ClassVar[int]
    MOST_FIELD_NUMBER: _ClassVar[int]
    SPENT_FIELD_NUMBER: _ClassVar[int]
    choice: str
    is_value: bool
    most: int
    spent: int
    def __init__(self, choice: _Optional[str] = ..., is_value: _Optional[bool] = ..., most: _Optional[int] = ..., spent: _Optional[int] = ...) -> None: ...

class ChoiceShare(_message.Message):
    __slots__ = ("choice", "decisions", "share", "outcomes", "rate", "mean_value")
    CHOICE_FIELD_NUMBER: _ClassVar[int]
    DECISIONS_FIELD_NUMBER: _ClassVar[int]
    SHARE_FIELD_NUMBER: _ClassVar[int]
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    RATE_FIELD_NUMBER: _ClassVar[int]
    MEAN_VALUE_FIELD_NUMBER: _ClassVar[int]
    choice: str
    decisions: int
    share: float
    outcomes: int
    rate: float
    mean_value: float
    def __init__(self, choice: _Optional[str] = ..., decisions: _Optional[int] = ..., share: _Optional[float] = ..., outcomes: _Optional[int] = ..., rate: _Optional[float] = ..., mean_value: _Optional[float] = ...) -> None: ...

class RewardOutcome(_message.Message):
    __slots__ = ("slot", "reward", "decisions", "outcomes", "mean_value")
    SLOT_FIELD_NUMBER: _ClassVar[int]
    REWARD_FIELD_NUMBER: _ClassVar[int]
    DECISIONS_FIELD_NUMBER: _ClassVar[int]
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    MEAN_VALUE_FIELD_NUMBER: _ClassVar[int]
    slot: str
    reward: str
    decisions: int
    outcomes: int
    mean_value: float
    def __init__(self, slot: _Optional[str] = ..., reward: _Optional[str] = ..., decisions: _Optional[int] = ..., outcomes: _Optional[int] = ..., mean_value: _Optional[float] = ...) -> None: ...
