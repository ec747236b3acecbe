from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GroupRole(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    GROUP_ROLE_UNSPECIFIED: _ClassVar[GroupRole]
    GROUP_ROLE_OWNER: _ClassVar[GroupRole]
    GROUP_ROLE_MANAGER: _ClassVar[GroupRole]
    GROUP_ROLE_MEMBER: _ClassVar[GroupRole]

class AllowancePeriod(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ALLOWANCE_PERIOD_UNSPECIFIED: _ClassVar[AllowancePeriod]
    ALLOWANCE_PERIOD_DAY: _ClassVar[AllowancePeriod]
    ALLOWANCE_PERIOD_WEEK: _ClassVar[AllowancePeriod]
    ALLOWANCE_PERIOD_MONTH: _ClassVar[AllowancePeriod]
    ALLOWANCE_PERIOD_EVER: _ClassVar[AllowancePeriod]

class GroupDistribution(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    GROUP_DISTRIBUTION_UNSPECIFIED: _ClassVar[GroupDistribution]
    GROUP_DISTRIBUTION_OWNER: _ClassVar[GroupDistribution]
    GROUP_DISTRIBUTION_EQUALLY: _ClassVar[GroupDistribution]
GROUP_ROLE_UNSPECIFIED: GroupRole
GROUP_ROLE_OWNER: GroupRole
GROUP_ROLE_MANAGER: GroupRole
GROUP_ROLE_MEMBER: GroupRole
ALLOWANCE_PERIOD_UNSPECIFIED: AllowancePeriod
ALLOWANCE_PERIOD_DAY: AllowancePeriod
ALLOWANCE_PERIOD_WEEK: AllowancePeriod
ALLOWANCE_PERIOD_MONTH: AllowancePeriod
ALLOWANCE_PERIOD_EVER: AllowancePeriod
GROUP_DISTRIBUTION_UNSPECIFIED: GroupDistribution
GROUP_DISTRIBUTION_OWNER: GroupDistribution
GROUP_DISTRIBUTION_EQUALLY: GroupDistribution

class GroupsProgramme(_message.Message):
    __slots__ = ("kinds",)
    KINDS_FIELD_NUMBER: _ClassVar[int]
    kinds: _containers.RepeatedCompositeFieldContainer[GroupKind]
    def __init__(self, kinds: _Optional[_Iterable[_Union[GroupKind, _Mapping]]] = ...) -> None: ...

class GroupKind(_message.Message):
    __slots__ = ("id", "name", "members_max", "pooled", "roles", "distribution")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_MAX_FIELD_NUMBER: _ClassVar[int]
    POOLED_FIELD_NUMBER: _ClassVar[int]
    ROLES_FIELD_NUMBER: _ClassVar[int]
    DISTRIBUTION_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    members_max: int
    pooled: _containers.RepeatedCompositeFieldContainer[PooledShare]
    roles: _containers.RepeatedCompositeFieldContainer[GroupRoleRights]
    distribution: GroupDistribution
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., members_max: _Optional[int] = ..., pooled: _Optional[_Iterable[_Union[PooledShare, _Mapping]]] = ..., roles: _Optional[_Iterable[_Union[GroupRoleRights, _Mapping]]] = ..., distribution: _Optional[_Union[GroupDistribution, str]] = ...) -> None: ...

class PooledShare(_message.Message):
    __slots__ = ("currency", "percent")
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    PERCENT_FIELD_NUMBER: _ClassVar[int]
    currency: str
    percent: int
    def __init__(self, currency: _Optional[str] = ..., percent: _Optional[int] = ...) -> None: ...

class GroupRoleRights(_message.Message):
    __slots__ = ("role", "may_invite", "may_remove", "may_spend", "limits")
    ROLE_FIELD_NUMBER: _ClassVar[int]
    MAY_INVITE_FIELD_NUMBER: _ClassVar[int]
    MAY_REMOVE_FIELD_NUMBER: _ClassVar[int]
    MAY_SPEND_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    role: GroupRole
    may_invite: bool
    may_remove: bool
    may_spend: bool
    limits: _containers.RepeatedCompositeFieldContainer[SpendingLimit]
    def __init__(self, role: _Optional[_Union[GroupRole, str]] = ..., may_invite: _Optional[bool] = ..., may_remove: _Optional[bool] = ..., may_spend: _Optional[bool] = ..., limits: _Optional[_Iterable[_Union[SpendingLimit, _Mapping]]] = ...) -> None: ...

class SpendingLimit(_message.Message):
    __slots__ = ("currency", "allowance")
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    ALLOWANCE_FIELD_NUMBER: _ClassVar[int]
    currency: str
    allowance: Allowance
    def __init__(self, currency: _Optional[str] = ..., allowance: _Optional[_Union[Allowance, _Mapping]] = ...) -> None: ...

class Allowance(_message.Message):
    __slots__ = ("amount", "per")
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    PER_FIELD_NUMBER: _ClassVar[int]
    amount: int
    per: AllowancePeriod
    def __init__(self, amount: _Optional[int] = ..., per: _Optional[_Union[AllowancePeriod, str]] = ...) -> None: ...

class GiftsProgramme(_message.Message):
    __slots__ = ("currencies", "cooling_days")
    CURRENCIES_FIELD_NUMBER: _ClassVar[int]
    COOLING_DAYS_FIELD_NUMBER: _ClassVar[int]
    currencies: _containers.RepeatedCompositeFieldContainer[GiftCurrency]
    cooling_days: int
    def __init__(self, currencies: _Optional[_Iterable[_Union[GiftCurrency, _Mapping]]] = ..., cooling_days: _Optional[int] = ...) -> None: ...

class GiftCurrency(_message.Message):
    __slots__ = ("currency", "amount_min", "amount_max", "giving", "receiving")
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_MIN_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_MAX_FIELD_NUMBER: _ClassVar[int]
    GIVING_FIELD_NUMBER: _ClassVar[int]
    RECEIVING_FIELD_NUMBER: _ClassVar[int]
    currency: str
    amount_min: int
    amount_max: int
    giving: _containers.RepeatedCompositeFieldContainer[Allowance]
    receiving: _containers.RepeatedCompositeFieldContainer[Allowance]
    def __init__(self, currency: _Optional[str] = ..., amount_min: _Optional[int] = ..., amount_max: _Optional[int] = ..., giving: _Optional[_Iterable[_Union[Allowance, _Mapping]]] = ..., receiving: _Optional[_Iterable[_Union[Allowance, _Mapping]]] = ...) -> None: ...

class ReferralProgramme(_message.Message):
    __slots__ = ("currency", "referrer_amount", "referee_amount", "activity_type", "condition", "window_days", "caps", "code_length")
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    REFERRER_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    REFEREE_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    ACTIVITY_TYPE_FIELD_NUMBER: _ClassVar[int]
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    WINDOW_DAYS_FIELD_NUMBER: _ClassVar[int]
    CAPS_FIELD_NUMBER: _ClassVar[int]
    CODE_LENGTH_FIELD_NUMBER: _ClassVar[int]
    currency: str
    referrer_amount: int
    referee_amount: int
    activity_type: str
    condition: str
    window_days: int
    caps: _containers.RepeatedCompositeFieldContainer[Allowance]
    code_length: int
    def __init__(self, currency: _Optional[str] = ..., referrer_amount: _Optional[int] = ..., referee_amount: _Optional[int] = ..., activity_type: _Optional[str] = ..., condition: _Optional[str] = ..., window_days: _Optional[int] = ..., caps: _Optional[_Iterable[_Union[Allowance, _Mapping]]] = ..., code_length: _Optional[int] = ...) -> None: ...
