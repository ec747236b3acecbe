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
ENROLMENT_POLICY_UNSPECIFIED: EnrolmentPolicy
ENROLMENT_POLICY_ON_FIRST_ACTIVITY: EnrolmentPolicy
ENROLMENT_POLICY_EXPLICIT: EnrolmentPolicy

class PointsProgramme(_message.Message):
    __slots__ = ("enrolment", "currencies", "earning_rules", "tiers", "rewards")
    ENROLMENT_FIELD_NUMBER: _ClassVar[int]
    CURRENCIES_FIELD_NUMBER: _ClassVar[int]
    EARNING_RULES_FIELD_NUMBER: _ClassVar[int]
    TIERS_FIELD_NUMBER: _ClassVar[int]
    REWARDS_FIELD_NUMBER: _ClassVar[int]
    enrolment: EnrolmentPolicy
    currencies: _containers.RepeatedCompositeFieldContainer[Currency]
    earning_rules: _containers.RepeatedCompositeFieldContainer[EarningRule]
    tiers: TierLadder
    rewards: _containers.RepeatedCompositeFieldContainer[Reward]
    def __init__(self, enrolment: _Optional[_Union[EnrolmentPolicy, str]] = ..., currencies: _Optional[_Iterable[_Union[Currency, _Mapping]]] = ..., earning_rules: _Optional[_Iterable[_Union[EarningRule, _Mapping]]] = ..., tiers: _Optional[_Union[TierLadder, _Mapping]] = ..., rewards: _Optional[_Iterable[_Union[Reward, _Mapping]]] = ...) -> None: ...

class Currency(_message.Message):
    __slots__ = ("id", "name")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...

class EarningRule(_message.Message):
    __slots__ = ("id", "activity_type", "condition", "amount", "currency")
    ID_FIELD_NUMBER: _ClassVar[int]
    ACTIVITY_TYPE_FIELD_NUMBER: _ClassVar[int]
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    id: str
    activity_type: str
    condition: str
    amount: str
    currency: str
    def __init__(self, id: _Optional[str] = ..., activity_type: _Optional[str] = ..., condition: _Optional[str] = ..., amount: _Optional[str] = ..., currency: _Optional[str] = ...) -> None: ...

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
