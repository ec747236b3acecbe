from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CalendarPeriod(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CALENDAR_PERIOD_UNSPECIFIED: _ClassVar[CalendarPeriod]
    CALENDAR_PERIOD_MONTH: _ClassVar[CalendarPeriod]
    CALENDAR_PERIOD_QUARTER: _ClassVar[CalendarPeriod]
    CALENDAR_PERIOD_YEAR: _ClassVar[CalendarPeriod]

class TierMatch(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TIER_MATCH_UNSPECIFIED: _ClassVar[TierMatch]
    TIER_MATCH_ALL: _ClassVar[TierMatch]
    TIER_MATCH_ANY: _ClassVar[TierMatch]

class TierDowngrade(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TIER_DOWNGRADE_UNSPECIFIED: _ClassVar[TierDowngrade]
    TIER_DOWNGRADE_NEVER: _ClassVar[TierDowngrade]
    TIER_DOWNGRADE_ONE_STEP: _ClassVar[TierDowngrade]
    TIER_DOWNGRADE_BALANCE: _ClassVar[TierDowngrade]
CALENDAR_PERIOD_UNSPECIFIED: CalendarPeriod
CALENDAR_PERIOD_MONTH: CalendarPeriod
CALENDAR_PERIOD_QUARTER: CalendarPeriod
CALENDAR_PERIOD_YEAR: CalendarPeriod
TIER_MATCH_UNSPECIFIED: TierMatch
TIER_MATCH_ALL: TierMatch
TIER_MATCH_ANY: TierMatch
TIER_DOWNGRADE_UNSPECIFIED: TierDowngrade
TIER_DOWNGRADE_NEVER: TierDowngrade
TIER_DOWNGRADE_ONE_STEP: TierDowngrade
TIER_DOWNGRADE_BALANCE: TierDowngrade

class TierQualifier(_message.Message):
    __slots__ = ("id", "name", "earned", "spend", "activities", "window")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    EARNED_FIELD_NUMBER: _ClassVar[int]
    SPEND_FIELD_NUMBER: _ClassVar[int]
    ACTIVITIES_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    earned: str
    spend: TierSpend
    activities: TierCountOf
    window: TierWindow
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., earned: _Optional[str] = ..., spend: _Optional[_Union[TierSpend, _Mapping]] = ..., activities: _Optional[_Union[TierCountOf, _Mapping]] = ..., window: _Optional[_Union[TierWindow, _Mapping]] = ...) -> None: ...

class TierSpend(_message.Message):
    __slots__ = ("activity_types", "attribute", "condition", "less_activity_types")
    ACTIVITY_TYPES_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTE_FIELD_NUMBER: _ClassVar[int]
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    LESS_ACTIVITY_TYPES_FIELD_NUMBER: _ClassVar[int]
    activity_types: _containers.RepeatedScalarFieldContainer[str]
    attribute: str
    condition: str
    less_activity_types: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, activity_types: _Optional[_Iterable[str]] = ..., attribute: _Optional[str] = ..., condition: _Optional[str] = ..., less_activity_types: _Optional[_Iterable[str]] = ...) -> None: ...

class TierCountOf(_message.Message):
    __slots__ = ("activity_types", "condition")
    ACTIVITY_TYPES_FIELD_NUMBER: _ClassVar[int]
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    activity_types: _containers.RepeatedScalarFieldContainer[str]
    condition: str
    def __init__(self, activity_types: _Optional[_Iterable[str]] = ..., condition: _Optional[str] = ...) -> None: ...

class TierWindow(_message.Message):
    __slots__ = ("rolling_days", "rolling_months", "calendar")
    ROLLING_DAYS_FIELD_NUMBER: _ClassVar[int]
    ROLLING_MONTHS_FIELD_NUMBER: _ClassVar[int]
    CALENDAR_FIELD_NUMBER: _ClassVar[int]
    rolling_days: int
    rolling_months: int
    calendar: CalendarPeriod
    def __init__(self, rolling_days: _Optional[int] = ..., rolling_months: _Optional[int] = ..., calendar: _Optional[_Union[CalendarPeriod, str]] = ...) -> None: ...

class TierRequirement(_message.Message):
    __slots__ = ("qualifier", "amount")
    QUALIFIER_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    qualifier: str
    amount: int
    def __init__(self, qualifier: _Optional[str] = ..., amount: _Optional[int] = ...) -> None: ...

class TierKeep(_message.Message):
    __slots__ = ("days", "months", "end_of_month_after", "end_of_year_after")
    DAYS_FIELD_NUMBER: _ClassVar[int]
    MONTHS_FIELD_NUMBER: _ClassVar[int]
    END_OF_MONTH_AFTER_FIELD_NUMBER: _ClassVar[int]
    END_OF_YEAR_AFTER_FIELD_NUMBER: _ClassVar[int]
    days: int
    months: int
    end_of_month_after: int
    end_of_year_after: int
    def __init__(self, days: _Optional[int] = ..., months: _Optional[int] = ..., end_of_month_after: _Optional[int] = ..., end_of_year_after: _Optional[int] = ...) -> None: ...

class TierBenefit(_message.Message):
    __slots__ = ("id", "name", "flags")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    FLAGS_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    flags: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., flags: _Optional[_Iterable[str]] = ...) -> None: ...

class TierSubscription(_message.Message):
    __slots__ = ("id", "name", "tier", "paid_activity_type", "paid_days", "cancelled_activity_type")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    TIER_FIELD_NUMBER: _ClassVar[int]
    PAID_ACTIVITY_TYPE_FIELD_NUMBER: _ClassVar[int]
    PAID_DAYS_FIELD_NUMBER: _ClassVar[int]
    CANCELLED_ACTIVITY_TYPE_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    tier: str
    paid_activity_type: str
    paid_days: int
    cancelled_activity_type: str
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., tier: _Optional[str] = ..., paid_activity_type: _Optional[str] = ..., paid_days: _Optional[int] = ..., cancelled_activity_type: _Optional[str] = ...) -> None: ...
