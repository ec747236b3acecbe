import datetime

from laurels.points.v1 import programme_earning_pb2 as _programme_earning_pb2
from laurels.points.v1 import programme_tiers_pb2 as _programme_tiers_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from laurels.points.v1 import programme_groups_pb2 as _programme_groups_pb2
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

class RewardKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REWARD_KIND_UNSPECIFIED: _ClassVar[RewardKind]
    REWARD_KIND_COUPON: _ClassVar[RewardKind]
    REWARD_KIND_PHYSICAL: _ClassVar[RewardKind]
    REWARD_KIND_EXPERIENCE: _ClassVar[RewardKind]
    REWARD_KIND_CASHBACK: _ClassVar[RewardKind]
    REWARD_KIND_DONATION: _ClassVar[RewardKind]
    REWARD_KIND_BOOSTER: _ClassVar[RewardKind]

class RewardPeriod(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REWARD_PERIOD_UNSPECIFIED: _ClassVar[RewardPeriod]
    REWARD_PERIOD_DAY: _ClassVar[RewardPeriod]
    REWARD_PERIOD_WEEK: _ClassVar[RewardPeriod]
    REWARD_PERIOD_MONTH: _ClassVar[RewardPeriod]
    REWARD_PERIOD_QUARTER: _ClassVar[RewardPeriod]
    REWARD_PERIOD_YEAR: _ClassVar[RewardPeriod]
    REWARD_PERIOD_EVER: _ClassVar[RewardPeriod]

class CodeSource(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CODE_SOURCE_UNSPECIFIED: _ClassVar[CodeSource]
    CODE_SOURCE_GENERATED: _ClassVar[CodeSource]
    CODE_SOURCE_IMPORTED: _ClassVar[CodeSource]

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
REWARD_KIND_UNSPECIFIED: RewardKind
REWARD_KIND_COUPON: RewardKind
REWARD_KIND_PHYSICAL: RewardKind
REWARD_KIND_EXPERIENCE: RewardKind
REWARD_KIND_CASHBACK: RewardKind
REWARD_KIND_DONATION: RewardKind
REWARD_KIND_BOOSTER: RewardKind
REWARD_PERIOD_UNSPECIFIED: RewardPeriod
REWARD_PERIOD_DAY: RewardPeriod
REWARD_PERIOD_WEEK: RewardPeriod
REWARD_PERIOD_MONTH: RewardPeriod
REWARD_PERIOD_QUARTER: RewardPeriod
REWARD_PERIOD_YEAR: RewardPeriod
REWARD_PERIOD_EVER: RewardPeriod
CODE_SOURCE_UNSPECIFIED: CodeSource
CODE_SOURCE_GENERATED: CodeSource
CODE_SOURCE_IMPORTED: CodeSource
MEMBER_ATTRIBUTE_KIND_UNSPECIFIED: MemberAttributeKind
MEMBER_ATTRIBUTE_KIND_TEXT: MemberAttributeKind
MEMBER_ATTRIBUTE_KIND_INTEGER: MemberAttributeKind
MEMBER_ATTRIBUTE_KIND_NUMBER: MemberAttributeKind
MEMBER_ATTRIBUTE_KIND_FLAG: MemberAttributeKind
MEMBER_ATTRIBUTE_KIND_DATE: MemberAttributeKind

class PointsProgramme(_message.Message):
    __slots__ = ("enrolment", "currencies", "earning_rules", "tiers", "rewards", "multipliers", "refunds", "subscriptions", "perk_menus", "referrals", "groups", "gifts", "member_attributes", "guardianship")
    ENROLMENT_FIELD_NUMBER: _ClassVar[int]
    CURRENCIES_FIELD_NUMBER: _ClassVar[int]
    EARNING_RULES_FIELD_NUMBER: _ClassVar[int]
    TIERS_FIELD_NUMBER: _ClassVar[int]
    REWARDS_FIELD_NUMBER: _ClassVar[int]
    MULTIPLIERS_FIELD_NUMBER: _ClassVar[int]
    REFUNDS_FIELD_NUMBER: _ClassVar[int]
    SUBSCRIPTIONS_FIELD_NUMBER: _ClassVar[int]
    PERK_MENUS_FIELD_NUMBER: _ClassVar[int]
    REFERRALS_FIELD_NUMBER: _ClassVar[int]
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    GIFTS_FIELD_NUMBER: _ClassVar[int]
    MEMBER_ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    GUARDIANSHIP_FIELD_NUMBER: _ClassVar[int]
    enrolment: EnrolmentPolicy
    currencies: _containers.RepeatedCompositeFieldContainer[Currency]
    earning_rules: _containers.RepeatedCompositeFieldContainer[EarningRule]
    tiers: TierLadder
    rewards: _containers.RepeatedCompositeFieldContainer[Reward]
    multipliers: _containers.RepeatedCompositeFieldContainer[_programme_earning_pb2.Multiplier]
    refunds: _containers.RepeatedCompositeFieldContainer[_programme_earning_pb2.RefundRule]
    subscriptions: _containers.RepeatedCompositeFieldContainer[_programme_tiers_pb2.TierSubscription]
    perk_menus: _containers.RepeatedCompositeFieldContainer[PerkMenu]
    referrals: _programme_groups_pb2.ReferralProgramme
    groups: _programme_groups_pb2.GroupsProgramme
    gifts: _programme_groups_pb2.GiftsProgramme
    member_attributes: _containers.RepeatedCompositeFieldContainer[MemberAttribute]
    guardianship: Guardianship
    def __init__(self, enrolment: _Optional[_Union[EnrolmentPolicy, str]] = ..., currencies: _Optional[_Iterable[_Union[Currency, _Mapping]]] = ..., earning_rules: _Optional[_Iterable[_Union[EarningRule, _Mapping]]] = ..., tiers: _Optional[_Union[TierLadder, _Mapping]] = ..., rewards: _Optional[_Iterable[_Union[Reward, _Mapping]]] = ..., multipliers: _Optional[_Iterable[_Union[_programme_earning_pb2.Multiplier, _Mapping]]] = ..., refunds: _Optional[_Iterable[_Union[_programme_earning_pb2.RefundRule, _Mapping]]] = ..., subscriptions: _Optional[_Iterable[_Union[_programme_tiers_pb2.TierSubscription, _Mapping]]] = ..., perk_menus: _Optional[_Iterable[_Union[PerkMenu, _Mapping]]] = ..., referrals: _Optional[_Union[_programme_groups_pb2.ReferralProgramme, _Mapping]] = ..., groups: _Optional[_Union[_programme_groups_pb2.GroupsProgramme, _Mapping]] = ..., gifts: _Optional[_Union[_programme_groups_pb2.GiftsProgramme, _Mapping]] = ..., member_attributes: _Optional[_Iterable[_Union[MemberAttribute, _Mapping]]] = ..., guardianship: _Optional[_Union[Guardianship, _Mapping]] = ...) -> None: ...

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
    __slots__ = ("id", "activity_type", "condition", "amount", "currency", "pending", "stacking", "group", "priority", "until", "caps", "budget")
    ID_FIELD_NUMBER: _ClassVar[int]
    ACTIVITY_TYPE_FIELD_NUMBER: _ClassVar[int]
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    PENDING_FIELD_NUMBER: _ClassVar[int]
    STACKING_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    CAPS_FIELD_NUMBER: _ClassVar[int]
    BUDGET_FIELD_NUMBER: _ClassVar[int]
    id: str
    activity_type: str
    condition: str
    amount: str
    currency: str
    pending: PendingPolicy
    stacking: _programme_earning_pb2.Stacking
    group: str
    priority: int
    until: str
    caps: _containers.RepeatedCompositeFieldContainer[_programme_earning_pb2.EarningCap]
    budget: int
    def __init__(self, id: _Optional[str] = ..., activity_type: _Optional[str] = ..., condition: _Optional[str] = ..., amount: _Optional[str] = ..., currency: _Optional[str] = ..., pending: _Optional[_Union[PendingPolicy, _Mapping]] = ..., stacking: _Optional[_Union[_programme_earning_pb2.Stacking, str]] = ..., group: _Optional[str] = ..., priority: _Optional[int] = ..., until: _Optional[str] = ..., caps: _Optional[_Iterable[_Union[_programme_earning_pb2.EarningCap, _Mapping]]] = ..., budget: _Optional[int] = ..., **kwargs) -> None: ...

class TierLadder(_message.Message):
    __slots__ = ("currency", "levels", "window", "qualifiers", "match", "keep", "downgrade", "grace_days")
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    LEVELS_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    QUALIFIERS_FIELD_NUMBER: _ClassVar[int]
    MATCH_FIELD_NUMBER: _ClassVar[int]
    KEEP_FIELD_NUMBER: _ClassVar[int]
    DOWNGRADE_FIELD_NUMBER: _ClassVar[int]
    GRACE_DAYS_FIELD_NUMBER: _ClassVar[int]
    currency: str
    levels: _containers.RepeatedCompositeFieldContainer[Tier]
    window: _programme_tiers_pb2.TierWindow
    qualifiers: _containers.RepeatedCompositeFieldContainer[_programme_tiers_pb2.TierQualifier]
    match: _programme_tiers_pb2.TierMatch
    keep: _programme_tiers_pb2.TierKeep
    downgrade: _programme_tiers_pb2.TierDowngrade
    grace_days: int
    def __init__(self, currency: _Optional[str] = ..., levels: _Optional[_Iterable[_Union[Tier, _Mapping]]] = ..., window: _Optional[_Union[_programme_tiers_pb2.TierWindow, _Mapping]] = ..., qualifiers: _Optional[_Iterable[_Union[_programme_tiers_pb2.TierQualifier, _Mapping]]] = ..., match: _Optional[_Union[_programme_tiers_pb2.TierMatch, str]] = ..., keep: _Optional[_Union[_programme_tiers_pb2.TierKeep, _Mapping]] = ..., downgrade: _Optional[_Union[_programme_tiers_pb2.TierDowngrade, str]] = ..., grace_days: _Optional[int] = ...) -> None: ...

class Tier(_message.Message):
    __slots__ = ("id", "name", "threshold", "requirements", "benefits")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    REQUIREMENTS_FIELD_NUMBER: _ClassVar[int]
    BENEFITS_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    threshold: int
    requirements: _containers.RepeatedCompositeFieldContainer[_programme_tiers_pb2.TierRequirement]
    benefits: _containers.RepeatedCompositeFieldContainer[_programme_tiers_pb2.TierBenefit]
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., threshold: _Optional[int] = ..., requirements: _Optional[_Iterable[_Union[_programme_tiers_pb2.TierRequirement, _Mapping]]] = ..., benefits: _Optional[_Iterable[_Union[_programme_tiers_pb2.TierBenefit, _Mapping]]] = ...) -> None: ...

class Reward(_message.Message):
    __slots__ = ("id", "name", "currency", "price", "kind", "other_prices", "stock", "limits", "available_from", "available_until", "tiers", "condition", "codes", "cashback", "booster", "recipient", "partner", "description", "images", "member_may_cancel", "reserved_hours_max")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    OTHER_PRICES_FIELD_NUMBER: _ClassVar[int]
    STOCK_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_FROM_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_UNTIL_FIELD_NUMBER: _ClassVar[int]
    TIERS_FIELD_NUMBER: _ClassVar[int]
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    CODES_FIELD_NUMBER: _ClassVar[int]
    CASHBACK_FIELD_NUMBER: _ClassVar[int]
    BOOSTER_FIELD_NUMBER: _ClassVar[int]
    RECIPIENT_FIELD_NUMBER: _ClassVar[int]
    PARTNER_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    IMAGES_FIELD_NUMBER: _ClassVar[int]
    MEMBER_MAY_CANCEL_FIELD_NUMBER: _ClassVar[int]
    RESERVED_HOURS_MAX_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    currency: str
    price: int
    kind: RewardKind
    other_prices: _containers.RepeatedCompositeFieldContainer[PriceOption]
    stock: int
    limits: _containers.RepeatedCompositeFieldContainer[RewardLimit]
    available_from: _timestamp_pb2.Timestamp
    available_until: _timestamp_pb2.Timestamp
    tiers: _containers.RepeatedScalarFieldContainer[str]
    condition: str
    codes: CouponCodes
    cashback: Cashback
    booster: Booster
    recipient: str
    partner: Partner
    description: str
    images: _containers.RepeatedScalarFieldContainer[str]
    member_may_cancel: bool
    reserved_hours_max: int
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., currency: _Optional[str] = ..., price: _Optional[int] = ..., kind: _Optional[_Union[RewardKind, str]] = ..., other_prices: _Optional[_Iterable[_Union[PriceOption, _Mapping]]] = ..., stock: _Optional[int] = ..., limits: _Optional[_Iterable[_Union[RewardLimit, _Mapping]]] = ..., available_from: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., available_until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., tiers: _Optional[_Iterable[str]] = ..., condition: _Optional[str] = ..., codes: _Optional[_Union[CouponCodes, _Mapping]] = ..., cashback: _Optional[_Union[Cashback, _Mapping]] = ..., booster: _Optional[_Union[Booster, _Mapping]] = ..., recipient: _Optional[str] = ..., partner: _Optional[_Union[Partner, _Mapping]] = ..., description: _Optional[str] = ..., images: _Optional[_Iterable[str]] = ..., member_may_cancel: _Optional[bool] = ..., reserved_hours_max: _Optional[int] = ...) -> None: ...

class PriceOption(_message.Message):
    __slots__ = ("currency", "price")
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    currency: str
    price: int
    def __init__(self, currency: _Optional[str] = ..., price: _Optional[int] = ...) -> None: ...

class RewardLimit(_message.Message):
    __slots__ = ("per", "most")
    PER_FIELD_NUMBER: _ClassVar[int]
    MOST_FIELD_NUMBER: _ClassVar[int]
    per: RewardPeriod
    most: int
    def __init__(self, per: _Optional[_Union[RewardPeriod, str]] = ..., most: _Optional[int] = ...) -> None: ...

class CouponCodes(_message.Message):
    __slots__ = ("source", "prefix", "length")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    PREFIX_FIELD_NUMBER: _ClassVar[int]
    LENGTH_FIELD_NUMBER: _ClassVar[int]
    source: CodeSource
    prefix: str
    length: int
    def __init__(self, source: _Optional[_Union[CodeSource, str]] = ..., prefix: _Optional[str] = ..., length: _Optional[int] = ...) -> None: ...

class Cashback(_message.Message):
    __slots__ = ("currency", "amount")
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    currency: str
    amount: int
    def __init__(self, currency: _Optional[str] = ..., amount: _Optional[int] = ...) -> None: ...

class Booster(_message.Message):
    __slots__ = ("percent", "days", "currencies")
    PERCENT_FIELD_NUMBER: _ClassVar[int]
    DAYS_FIELD_NUMBER: _ClassVar[int]
    CURRENCIES_FIELD_NUMBER: _ClassVar[int]
    percent: int
    days: int
    currencies: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, percent: _Optional[int] = ..., days: _Optional[int] = ..., currencies: _Optional[_Iterable[str]] = ...) -> None: ...

class Partner(_message.Message):
    __slots__ = ("name", "url", "terms")
    NAME_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    TERMS_FIELD_NUMBER: _ClassVar[int]
    name: str
    url: str
    terms: str
    def __init__(self, name: _Optional[str] = ..., url: _Optional[str] = ..., terms: _Optional[str] = ...) -> None: ...

class PerkMenu(_message.Message):
    __slots__ = ("id", "name", "rewards", "choose", "per", "tiers")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    REWARDS_FIELD_NUMBER: _ClassVar[int]
    CHOOSE_FIELD_NUMBER: _ClassVar[int]
    PER_FIELD_NUMBER: _ClassVar[int]
    TIERS_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    rewards: _containers.RepeatedScalarFieldContainer[str]
    choose: int
    per: RewardPeriod
    tiers: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., rewards: _Optional[_Iterable[str]] = ..., choose: _Optional[int] = ..., per: _Optional[_Union[RewardPeriod, str]] = ..., tiers: _Optional[_Iterable[str]] = ...) -> None: ...

class MemberAttribute(_message.Message):
    __slots__ = ("name", "kind", "required", "personal", "choices", "length_min", "length_max", "self_service", "shared", "anniversary")
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    REQUIRED_FIELD_NUMBER: _ClassVar[int]
    PERSONAL_FIELD_NUMBER: _ClassVar[int]
    CHOICES_FIELD_NUMBER: _ClassVar[int]
    LENGTH_MIN_FIELD_NUMBER: _ClassVar[int]
    LENGTH_MAX_FIELD_NUMBER: _ClassVar[int]
    SELF_SERVICE_FIELD_NUMBER: _ClassVar[int]
    SHARED_FIELD_NUMBER: _ClassVar[int]
    ANNIVERSARY_FIELD_NUMBER: _ClassVar[int]
    name: str
    kind: MemberAttributeKind
    required: bool
    personal: bool
    choices: _containers.RepeatedScalarFieldContainer[str]
    length_min: int
    length_max: int
    self_service: bool
    shared: bool
    anniversary: bool
    def __init__(self, name: _Optional[str] = ..., kind: _Optional[_Union[MemberAttributeKind, str]] = ..., required: _Optional[bool] = ..., personal: _Optional[bool] = ..., choices: _Optional[_Iterable[str]] = ..., length_min: _Optional[int] = ..., length_max: _Optional[int] = ..., self_service: _Optional[bool] = ..., shared: _Optional[bool] = ..., anniversary: _Optional[bool] = ...) -> None: ...

class Guardianship(_message.Message):
    __slots__ = ("age", "birthday_attribute", "time_zone_attribute")
    AGE_FIELD_NUMBER: _ClassVar[int]
    BIRTHDAY_ATTRIBUTE_FIELD_NUMBER: _ClassVar[int]
    TIME_ZONE_ATTRIBUTE_FIELD_NUMBER: _ClassVar[int]
    age: int
    birthday_attribute: str
    time_zone_attribute: str
    def __init__(self, age: _Optional[int] = ..., birthday_attribute: _Optional[str] = ..., time_zone_attribute: _Optional[str] = ...) -> None: ...
