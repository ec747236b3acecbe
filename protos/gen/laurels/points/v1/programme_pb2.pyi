from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EnrolmentPolicy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ENROLMENT_POLICY_UNSPECIFIED: _ClassVar[EnrolmentPolicy]
    ENROLMENT_POLICY_ON_FIRST_ACTIVITY: _ClassVar[EnrolmentPolicy]
    ENROLMENT_POLICY_EXPLICIT: _ClassVar[EnrolmentPolicy]

class CurrencyPurpose(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CURRENCY_PURPOSE_UNSPECIFIED: _ClassVar[CurrencyPurpose]
    CURRENCY_PURPOSE_SPENDABLE: _ClassVar[CurrencyPurpose]
    CURRENCY_PURPOSE_STATUS: _ClassVar[CurrencyPurpose]
    CURRENCY_PURPOSE_EXPERIENCE: _ClassVar[CurrencyPurpose]
    CURRENCY_PURPOSE_CASHBACK: _ClassVar[CurrencyPurpose]

class PendingRounding(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PENDING_ROUNDING_UNSPECIFIED: _ClassVar[PendingRounding]
    PENDING_ROUNDING_END_OF_DAY: _ClassVar[PendingRounding]
    PENDING_ROUNDING_END_OF_WEEK: _ClassVar[PendingRounding]
    PENDING_ROUNDING_END_OF_MONTH: _ClassVar[PendingRounding]

class MemberAttributeKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MEMBER_ATTRIBUTE_KIND_UNSPECIFIED: _ClassVar[MemberAttributeKind]
    MEMBER_ATTRIBUTE_KIND_TEXT: _ClassVar[MemberAttributeKind]
    MEMBER_ATTRIBUTE_KIND_INTEGER: _ClassVar[MemberAttributeKind]
    MEMBER_ATTRIBUTE_KIND_NUMBER: _ClassVar[MemberAttributeKind]
    MEMBER_ATTRIBUTE_KIND_FLAG: _ClassVar[MemberAttributeKind]
    MEMBER_ATTRIBUTE_KIND_DATE: _ClassVar[MemberAttributeKind]
ENROLMENT_POLICY_UNSPECIFIED: EnrolmentPolicy
ENROLMENT_POLICY_ON_FIRST_ACTIVITY: EnrolmentPolicy
ENROLMENT_POLICY_EXPLICIT: EnrolmentPolicy
CURRENCY_PURPOSE_UNSPECIFIED: CurrencyPurpose
CURRENCY_PURPOSE_SPENDABLE: CurrencyPurpose
CURRENCY_PURPOSE_STATUS: CurrencyPurpose
CURRENCY_PURPOSE_EXPERIENCE: CurrencyPurpose
CURRENCY_PURPOSE_CASHBACK: CurrencyPurpose
PENDING_ROUNDING_UNSPECIFIED: PendingRounding
PENDING_ROUNDING_END_OF_DAY: PendingRounding
PENDING_ROUNDING_END_OF_WEEK: PendingRounding
PENDING_ROUNDING_END_OF_MONTH: PendingRounding
MEMBER_ATTRIBUTE_KIND_UNSPECIFIED: MemberAttributeKind
MEMBER_ATTRIBUTE_KIND_TEXT: MemberAttributeKind
MEMBER_ATTRIBUTE_KIND_INTEGER: MemberAttributeKind
MEMBER_ATTRIBUTE_KIND_NUMBER: MemberAttributeKind
MEMBER_ATTRIBUTE_KIND_FLAG: MemberAttributeKind
MEMBER_ATTRIBUTE_KIND_DATE: MemberAttributeKind

class PointsProgramme(_message.Message):
    __slots__ = ("enrolment", "currencies", "earning_rules", "tiers", "rewards", "member_attributes", "guardianship")
    ENROLMENT_FIELD_NUMBER: _ClassVar[int]
    CURRENCIES_FIELD_NUMBER: _ClassVar[int]
    EARNING_RULES_FIELD_NUMBER: _ClassVar[int]
    TIERS_FIELD_NUMBER: _ClassVar[int]
    REWARDS_FIELD_NUMBER: _ClassVar[int]
    MEMBER_ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    GUARDIANSHIP_FIELD_NUMBER: _ClassVar[int]
    enrolment: EnrolmentPolicy
    currencies: _containers.RepeatedCompositeFieldContainer[Currency]
    earning_rules: _containers.RepeatedCompositeFieldContainer[EarningRule]
    tiers: TierLadder
    rewards: _containers.RepeatedCompositeFieldContainer[Reward]
    member_attributes: _containers.RepeatedCompositeFieldContainer[MemberAttribute]
    guardianship: Guardianship
    def __init__(self, enrolment: _Optional[_Union[EnrolmentPolicy, str]] = ..., currencies: _Optional[_Iterable[_Union[Currency, _Mapping]]] = ..., earning_rules: _Optional[_Iterable[_Union[EarningRule, _Mapping]]] = ..., tiers: _Optional[_Union[TierLadder, _Mapping]] = ..., rewards: _Optional[_Iterable[_Union[Reward, _Mapping]]] = ..., member_attributes: _Optional[_Iterable[_Union[MemberAttribute, _Mapping]]] = ..., guardianship: _Optional[_Union[Guardianship, _Mapping]] = ...) -> None: ...

class Currency(_message.Message):
    __slots__ = ("id", "name", "purpose", "iso_currency", "expiry", "overdraft_max")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    ISO_CURRENCY_FIELD_NUMBER: _ClassVar[int]
    EXPIRY_FIELD_NUMBER: _ClassVar[int]
    OVERDRAFT_MAX_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    purpose: CurrencyPurpose
    iso_currency: str
    expiry: Expiry
    overdraft_max: int
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., purpose: _Optional[_Union[CurrencyPurpose, str]] = ..., iso_currency: _Optional[str] = ..., expiry: _Optional[_Union[Expiry, _Mapping]] = ..., overdraft_max: _Optional[int] = ...) -> None: ...

class Expiry(_message.Message):
    __slots__ = ("days", "months", "end_of_month_after", "end_of_year_after", "date", "inactive_days", "warning_days")
    DAYS_FIELD_NUMBER: _ClassVar[int]
    MONTHS_FIELD_NUMBER: _ClassVar[int]
    END_OF_MONTH_AFTER_FIELD_NUMBER: _ClassVar[int]
    END_OF_YEAR_AFTER_FIELD_NUMBER: _ClassVar[int]
    DATE_FIELD_NUMBER: _ClassVar[int]
    INACTIVE_DAYS_FIELD_NUMBER: _ClassVar[int]
    WARNING_DAYS_FIELD_NUMBER: _ClassVar[int]
    days: int
    months: int
    end_of_month_after: int
    end_of_year_after: int
    date: str
    inactive_days: int
    warning_days: int
    def __init__(self, days: _Optional[int] = ..., months: _Optional[int] = ..., end_of_month_after: _Optional[int] = ..., end_of_year_after: _Optional[int] = ..., date: _Optional[str] = ..., inactive_days: _Optional[int] = ..., warning_days: _Optional[int] = ...) -> None: ...

class PendingPolicy(_message.Message):
    __slots__ = ("days", "hours", "until_activity", "until_approved", "rounding")
    DAYS_FIELD_NUMBER: _ClassVar[int]
    HOURS_FIELD_NUMBER: _ClassVar[int]
    UNTIL_ACTIVITY_FIELD_NUMBER: _ClassVar[int]
    UNTIL_APPROVED_FIELD_NUMBER: _ClassVar[int]
    ROUNDING_FIELD_NUMBER: _ClassVar[int]
    days: int
    hours: int
    until_activity: UntilActivity
    until_approved: bool
    rounding: PendingRounding
    def __init__(self, days: _Optional[int] = ..., hours: _Optional[int] = ..., until_activity: _Optional[_Union[UntilActivity, _Mapping]] = ..., until_approved: _Optional[bool] = ..., rounding: _Optional[_Union[PendingRounding, str]] = ...) -> None: ...

class UntilActivity(_message.Message):
    __slots__ = ("activity_type", "attribute")
    ACTIVITY_TYPE_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTE_FIELD_NUMBER: _ClassVar[int]
    activity_type: str
    attribute: str
    def __init__(self, activity_type: _Optional[str] = ..., attribute: _Optional[str] = ...) -> None: ...

class EarningRule(_message.Message):
    __slots__ = ("id", "activity_type", "condition", "amount", "currency", "pending")
    ID_FIELD_NUMBER: _ClassVar[int]
    ACTIVITY_TYPE_FIELD_NUMBER: _ClassVar[int]
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    PENDING_FIELD_NUMBER: _ClassVar[int]
    id: str
    activity_type: str
    condition: str
    amount: str
    currency: str
    pending: PendingPolicy
    def __init__(self, id: _Optional[str] = ..., activity_type: _Optional[str] = ..., condition: _Optional[str] = ..., amount: _Optional[str] = ..., currency: _Optional[str] = ..., pending: _Optional[_Union[PendingPolicy, _Mapping]] = ...) -> None: ...

class TierLadder(_message.Message):
    __slots__ = ("currency", "levels")
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    LEVELS_FIELD_NUMBER: _ClassVar[int]
    currency: str
    levels: _containers.RepeatedCompositeFieldContainer[Tier]
    def __init__(self, currency: _Optional[str] = ..., levels: _Optional[_Iterable[_Union[Tier, _Mapping]]] = ...) -> None: ...

class Tier(_message.Message):
    __slots__ = ("id", "name", "threshold")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    threshold: int
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., threshold: _Optional[int] = ...) -> None: ...

class Reward(_message.Message):
    __slots__ = ("id", "name", "currency", "price")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    currency: str
    price: int
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., currency: _Optional[str] = ..., price: _Optional[int] = ...) -> None: ...

class MemberAttribute(_message.Message):
    __slots__ = ("name", "kind", "required", "personal", "choices", "length_min", "length_max", "self_service")
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    REQUIRED_FIELD_NUMBER: _ClassVar[int]
    PERSONAL_FIELD_NUMBER: _ClassVar[int]
    CHOICES_FIELD_NUMBER: _ClassVar[int]
    LENGTH_MIN_FIELD_NUMBER: _ClassVar[int]
    LENGTH_MAX_FIELD_NUMBER: _ClassVar[int]
    SELF_SERVICE_FIELD_NUMBER: _ClassVar[int]
    name: str
    kind: MemberAttributeKind
    required: bool
    personal: bool
    choices: _containers.RepeatedScalarFieldContainer[str]
    length_min: int
    length_max: int
    self_service: bool
    def __init__(self, name: _Optional[str] = ..., kind: _Optional[_Union[MemberAttributeKind, str]] = ..., required: _Optional[bool] = ..., personal: _Optional[bool] = ..., choices: _Optional[_Iterable[str]] = ..., length_min: _Optional[int] = ..., length_max: _Optional[int] = ..., self_service: _Optional[bool] = ...) -> None: ...

class Guardianship(_message.Message):
    __slots__ = ("age", "birthday_attribute", "time_zone_attribute")
    AGE_FIELD_NUMBER: _ClassVar[int]
    BIRTHDAY_ATTRIBUTE_FIELD_NUMBER: _ClassVar[int]
    TIME_ZONE_ATTRIBUTE_FIELD_NUMBER: _ClassVar[int]
    age: int
    birthday_attribute: str
    time_zone_attribute: str
    def __init__(self, age: _Optional[int] = ..., birthday_attribute: _Optional[str] = ..., time_zone_attribute: _Optional[str] = ...) -> None: ...
