from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CampaignPeriod(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CAMPAIGN_PERIOD_UNSPECIFIED: _ClassVar[CampaignPeriod]
    CAMPAIGN_PERIOD_DAY: _ClassVar[CampaignPeriod]
    CAMPAIGN_PERIOD_WEEK: _ClassVar[CampaignPeriod]
    CAMPAIGN_PERIOD_MONTH: _ClassVar[CampaignPeriod]
    CAMPAIGN_PERIOD_YEAR: _ClassVar[CampaignPeriod]
    CAMPAIGN_PERIOD_EVER: _ClassVar[CampaignPeriod]

class PredictedKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PREDICTED_KIND_UNSPECIFIED: _ClassVar[PredictedKind]
    PREDICTED_KIND_REPLENISHMENT_DUE: _ClassVar[PredictedKind]
    PREDICTED_KIND_CHURN_LIKELY: _ClassVar[PredictedKind]
CAMPAIGN_PERIOD_UNSPECIFIED: CampaignPeriod
CAMPAIGN_PERIOD_DAY: CampaignPeriod
CAMPAIGN_PERIOD_WEEK: CampaignPeriod
CAMPAIGN_PERIOD_MONTH: CampaignPeriod
CAMPAIGN_PERIOD_YEAR: CampaignPeriod
CAMPAIGN_PERIOD_EVER: CampaignPeriod
PREDICTED_KIND_UNSPECIFIED: PredictedKind
PREDICTED_KIND_REPLENISHMENT_DUE: PredictedKind
PREDICTED_KIND_CHURN_LIKELY: PredictedKind

class Campaign(_message.Message):
    __slots__ = ("id", "name", "activity", "balance", "tier", "anniversary", "joining", "silence", "prediction", "segment", "condition", "until", "control_percent", "occurrences_max", "caps", "budget", "effects")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ACTIVITY_FIELD_NUMBER: _ClassVar[int]
    BALANCE_FIELD_NUMBER: _ClassVar[int]
    TIER_FIELD_NUMBER: _ClassVar[int]
    ANNIVERSARY_FIELD_NUMBER: _ClassVar[int]
    JOINING_FIELD_NUMBER: _ClassVar[int]
    SILENCE_FIELD_NUMBER: _ClassVar[int]
    PREDICTION_FIELD_NUMBER: _ClassVar[int]
    SEGMENT_FIELD_NUMBER: _ClassVar[int]
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    CONTROL_PERCENT_FIELD_NUMBER: _ClassVar[int]
    OCCURRENCES_MAX_FIELD_NUMBER: _ClassVar[int]
    CAPS_FIELD_NUMBER: _ClassVar[int]
    BUDGET_FIELD_NUMBER: _ClassVar[int]
    EFFECTS_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    activity: ActivityTrigger
    balance: BalanceTrigger
    tier: TierTrigger
    anniversary: AnniversaryTrigger
    joining: JoiningTrigger
    silence: SilenceTrigger
    prediction: PredictionTrigger
    segment: SegmentTrigger
    condition: str
    until: str
    control_percent: int
    occurrences_max: int
    caps: _containers.RepeatedCompositeFieldContainer[FrequencyCap]
    budget: CampaignBudget
    effects: _containers.RepeatedCompositeFieldContainer[CampaignEffect]
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., activity: _Optional[_Union[ActivityTrigger, _Mapping]] = ..., balance: _Optional[_Union[BalanceTrigger, _Mapping]] = ..., tier: _Optional[_Union[TierTrigger, _Mapping]] = ..., anniversary: _Optional[_Union[AnniversaryTrigger, _Mapping]] = ..., joining: _Optional[_Union[JoiningTrigger, _Mapping]] = ..., silence: _Optional[_Union[SilenceTrigger, _Mapping]] = ..., prediction: _Optional[_Union[PredictionTrigger, _Mapping]] = ..., segment: _Optional[_Union[SegmentTrigger, _Mapping]] = ..., condition: _Optional[str] = ..., until: _Optional[str] = ..., control_percent: _Optional[int] = ..., occurrences_max: _Optional[int] = ..., caps: _Optional[_Iterable[_Union[FrequencyCap, _Mapping]]] = ..., budget: _Optional[_Union[CampaignBudget, _Mapping]] = ..., effects: _Optional[_Iterable[_Union[CampaignEffect, _Mapping]]] = ..., **kwargs) -> None: ...

class CampaignPolicy(_message.Message):
    __slots__ = ("quiet_hours", "caps")
    QUIET_HOURS_FIELD_NUMBER: _ClassVar[int]
    CAPS_FIELD_NUMBER: _ClassVar[int]
    quiet_hours: QuietHours
    caps: _containers.RepeatedCompositeFieldContainer[FrequencyCap]
    def __init__(self, quiet_hours: _Optional[_Union[QuietHours, _Mapping]] = ..., caps: _Optional[_Iterable[_Union[FrequencyCap, _Mapping]]] = ...) -> None: ...

class QuietHours(_message.Message):
    __slots__ = ("until",)
    FROM_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    until: str
    def __init__(self, until: _Optional[str] = ..., **kwargs) -> None: ...

class FrequencyCap(_message.Message):
    __slots__ = ("per", "most")
    PER_FIELD_NUMBER: _ClassVar[int]
    MOST_FIELD_NUMBER: _ClassVar[int]
    per: CampaignPeriod
    most: int
    def __init__(self, per: _Optional[_Union[CampaignPeriod, str]] = ..., most: _Optional[int] = ...) -> None: ...

class CampaignBudget(_message.Message):
    __slots__ = ("times", "points")
    TIMES_FIELD_NUMBER: _ClassVar[int]
    POINTS_FIELD_NUMBER: _ClassVar[int]
    times: int
    points: int
    def __init__(self, times: _Optional[int] = ..., points: _Optional[int] = ...) -> None: ...

class ActivityTrigger(_message.Message):
    __slots__ = ("type", "first")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    FIRST_FIELD_NUMBER: _ClassVar[int]
    type: str
    first: bool
    def __init__(self, type: _Optional[str] = ..., first: _Optional[bool] = ...) -> None: ...

class BalanceTrigger(_message.Message):
    __slots__ = ("currency", "reaches")
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    REACHES_FIELD_NUMBER: _ClassVar[int]
    currency: str
    reaches: int
    def __init__(self, currency: _Optional[str] = ..., reaches: _Optional[int] = ...) -> None: ...

class TierTrigger(_message.Message):
    __slots__ = ("to",)
    TO_FIELD_NUMBER: _ClassVar[int]
    to: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, to: _Optional[_Iterable[str]] = ...) -> None: ...

class AnniversaryTrigger(_message.Message):
    __slots__ = ("attribute",)
    ATTRIBUTE_FIELD_NUMBER: _ClassVar[int]
    attribute: str
    def __init__(self, attribute: _Optional[str] = ...) -> None: ...

class JoiningTrigger(_message.Message):
    __slots__ = ("days", "months")
    DAYS_FIELD_NUMBER: _ClassVar[int]
    MONTHS_FIELD_NUMBER: _ClassVar[int]
    days: int
    months: int
    def __init__(self, days: _Optional[int] = ..., months: _Optional[int] = ...) -> None: ...

class SilenceTrigger(_message.Message):
    __slots__ = ("type", "days")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    DAYS_FIELD_NUMBER: _ClassVar[int]
    type: str
    days: int
    def __init__(self, type: _Optional[str] = ..., days: _Optional[int] = ...) -> None: ...

class PredictionTrigger(_message.Message):
    __slots__ = ("kind", "subject", "percent_least")
    KIND_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    PERCENT_LEAST_FIELD_NUMBER: _ClassVar[int]
    kind: PredictedKind
    subject: str
    percent_least: int
    def __init__(self, kind: _Optional[_Union[PredictedKind, str]] = ..., subject: _Optional[str] = ..., percent_least: _Optional[int] = ...) -> None: ...

class SegmentTrigger(_message.Message):
    __slots__ = ("segment", "left")
    SEGMENT_FIELD_NUMBER: _ClassVar[int]
    LEFT_FIELD_NUMBER: _ClassVar[int]
    segment: str
    left: bool
    def __init__(self, segment: _Optional[str] = ..., left: _Optional[bool] = ...) -> None: ...

class CampaignEffect(_message.Message):
    __slots__ = ("points", "scratch_card", "mission", "offer", "message")
    POINTS_FIELD_NUMBER: _ClassVar[int]
    SCRATCH_CARD_FIELD_NUMBER: _ClassVar[int]
    MISSION_FIELD_NUMBER: _ClassVar[int]
    OFFER_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    points: CampaignPoints
    scratch_card: str
    mission: str
    offer: CampaignOffer
    message: CampaignMessage
    def __init__(self, points: _Optional[_Union[CampaignPoints, _Mapping]] = ..., scratch_card: _Optional[str] = ..., mission: _Optional[str] = ..., offer: _Optional[_Union[CampaignOffer, _Mapping]] = ..., message: _Optional[_Union[CampaignMessage, _Mapping]] = ...) -> None: ...

class CampaignPoints(_message.Message):
    __slots__ = ("currency", "amount")
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    currency: str
    amount: int
    def __init__(self, currency: _Optional[str] = ..., amount: _Optional[int] = ...) -> None: ...

class CampaignOffer(_message.Message):
    __slots__ = ("reward", "days")
    REWARD_FIELD_NUMBER: _ClassVar[int]
    DAYS_FIELD_NUMBER: _ClassVar[int]
    reward: str
    days: int
    def __init__(self, reward: _Optional[str] = ..., days: _Optional[int] = ...) -> None: ...

class CampaignMessage(_message.Message):
    __slots__ = ("channel", "template", "fields", "contact_hour")
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    TEMPLATE_FIELD_NUMBER: _ClassVar[int]
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    CONTACT_HOUR_FIELD_NUMBER: _ClassVar[int]
    channel: str
    template: str
    fields: _containers.RepeatedCompositeFieldContainer[MessageField]
    contact_hour: ContactHour
    def __init__(self, channel: _Optional[str] = ..., template: _Optional[str] = ..., fields: _Optional[_Iterable[_Union[MessageField, _Mapping]]] = ..., contact_hour: _Optional[_Union[ContactHour, _Mapping]] = ...) -> None: ...

class MessageField(_message.Message):
    __slots__ = ("name", "value")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    name: str
    value: str
    def __init__(self, name: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class ContactHour(_message.Message):
    __slots__ = ("hour", "best")
    HOUR_FIELD_NUMBER: _ClassVar[int]
    BEST_FIELD_NUMBER: _ClassVar[int]
    hour: int
    best: bool
    def __init__(self, hour: _Optional[int] = ..., best: _Optional[bool] = ...) -> None: ...
