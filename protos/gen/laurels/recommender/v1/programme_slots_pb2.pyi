from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SlotPeriod(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SLOT_PERIOD_UNSPECIFIED: _ClassVar[SlotPeriod]
    SLOT_PERIOD_DAY: _ClassVar[SlotPeriod]
    SLOT_PERIOD_WEEK: _ClassVar[SlotPeriod]
    SLOT_PERIOD_MONTH: _ClassVar[SlotPeriod]
    SLOT_PERIOD_QUARTER: _ClassVar[SlotPeriod]
    SLOT_PERIOD_YEAR: _ClassVar[SlotPeriod]
    SLOT_PERIOD_EVER: _ClassVar[SlotPeriod]

class SlotMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SLOT_MODE_UNSPECIFIED: _ClassVar[SlotMode]
    SLOT_MODE_LIVE: _ClassVar[SlotMode]
    SLOT_MODE_SHADOW: _ClassVar[SlotMode]
    SLOT_MODE_TRIAL: _ClassVar[SlotMode]
SLOT_PERIOD_UNSPECIFIED: SlotPeriod
SLOT_PERIOD_DAY: SlotPeriod
SLOT_PERIOD_WEEK: SlotPeriod
SLOT_PERIOD_MONTH: SlotPeriod
SLOT_PERIOD_QUARTER: SlotPeriod
SLOT_PERIOD_YEAR: SlotPeriod
SLOT_PERIOD_EVER: SlotPeriod
SLOT_MODE_UNSPECIFIED: SlotMode
SLOT_MODE_LIVE: SlotMode
SLOT_MODE_SHADOW: SlotMode
SLOT_MODE_TRIAL: SlotMode

class SlotChoice(_message.Message):
    __slots__ = ("id", "name", "reward", "mission", "scratch_card", "message", "eligibility", "category", "cost", "budget", "caps", "granted")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    REWARD_FIELD_NUMBER: _ClassVar[int]
    MISSION_FIELD_NUMBER: _ClassVar[int]
    SCRATCH_CARD_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    ELIGIBILITY_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    COST_FIELD_NUMBER: _ClassVar[int]
    BUDGET_FIELD_NUMBER: _ClassVar[int]
    CAPS_FIELD_NUMBER: _ClassVar[int]
    GRANTED_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    reward: str
    mission: str
    scratch_card: str
    message: str
    eligibility: str
    category: str
    cost: int
    budget: SlotBudget
    caps: _containers.RepeatedCompositeFieldContainer[SlotCap]
    granted: bool
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., reward: _Optional[str] = ..., mission: _Optional[str] = ..., scratch_card: _Optional[str] = ..., message: _Optional[str] = ..., eligibility: _Optional[str] = ..., category: _Optional[str] = ..., cost: _Optional[int] = ..., budget: _Optional[_Union[SlotBudget, _Mapping]] = ..., caps: _Optional[_Iterable[_Union[SlotCap, _Mapping]]] = ..., granted: _Optional[bool] = ...) -> None: ...

class SlotBudget(_message.Message):
    __slots__ = ("per", "count", "value")
    PER_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    per: SlotPeriod
    count: int
    value: int
    def __init__(self, per: _Optional[_Union[SlotPeriod, str]] = ..., count: _Optional[int] = ..., value: _Optional[int] = ...) -> None: ...

class SlotCap(_message.Message):
    __slots__ = ("per", "most")
    PER_FIELD_NUMBER: _ClassVar[int]
    MOST_FIELD_NUMBER: _ClassVar[int]
    per: SlotPeriod
    most: int
    def __init__(self, per: _Optional[_Union[SlotPeriod, str]] = ..., most: _Optional[int] = ...) -> None: ...

class SlotOutcome(_message.Message):
    __slots__ = ("activity", "redemption", "mission", "within_seconds", "value_most")
    ACTIVITY_FIELD_NUMBER: _ClassVar[int]
    REDEMPTION_FIELD_NUMBER: _ClassVar[int]
    MISSION_FIELD_NUMBER: _ClassVar[int]
    WITHIN_SECONDS_FIELD_NUMBER: _ClassVar[int]
    VALUE_MOST_FIELD_NUMBER: _ClassVar[int]
    activity: ActivityOutcome
    redemption: RedemptionOutcome
    mission: MissionOutcome
    within_seconds: int
    value_most: float
    def __init__(self, activity: _Optional[_Union[ActivityOutcome, _Mapping]] = ..., redemption: _Optional[_Union[RedemptionOutcome, _Mapping]] = ..., mission: _Optional[_Union[MissionOutcome, _Mapping]] = ..., within_seconds: _Optional[int] = ..., value_most: _Optional[float] = ...) -> None: ...

class ActivityOutcome(_message.Message):
    __slots__ = ("activity_type", "condition", "value")
    ACTIVITY_TYPE_FIELD_NUMBER: _ClassVar[int]
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    activity_type: str
    condition: str
    value: str
    def __init__(self, activity_type: _Optional[str] = ..., condition: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class RedemptionOutcome(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class MissionOutcome(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
