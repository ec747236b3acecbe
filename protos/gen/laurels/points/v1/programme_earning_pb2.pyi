from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Stacking(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STACKING_UNSPECIFIED: _ClassVar[Stacking]
    STACKING_ADDITIVE: _ClassVar[Stacking]
    STACKING_EXCLUSIVE: _ClassVar[Stacking]

class CapScope(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CAP_SCOPE_UNSPECIFIED: _ClassVar[CapScope]
    CAP_SCOPE_MEMBER: _ClassVar[CapScope]
    CAP_SCOPE_PROGRAMME: _ClassVar[CapScope]

class CapPeriod(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CAP_PERIOD_UNSPECIFIED: _ClassVar[CapPeriod]
    CAP_PERIOD_DAY: _ClassVar[CapPeriod]
    CAP_PERIOD_WEEK: _ClassVar[CapPeriod]
    CAP_PERIOD_MONTH: _ClassVar[CapPeriod]
    CAP_PERIOD_EVER: _ClassVar[CapPeriod]

class RefundPolicy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REFUND_POLICY_UNSPECIFIED: _ClassVar[RefundPolicy]
    REFUND_POLICY_PENDING_ONLY: _ClassVar[RefundPolicy]
    REFUND_POLICY_DOWN_TO_ZERO: _ClassVar[RefundPolicy]
    REFUND_POLICY_INTO_NEGATIVE: _ClassVar[RefundPolicy]
STACKING_UNSPECIFIED: Stacking
STACKING_ADDITIVE: Stacking
STACKING_EXCLUSIVE: Stacking
CAP_SCOPE_UNSPECIFIED: CapScope
CAP_SCOPE_MEMBER: CapScope
CAP_SCOPE_PROGRAMME: CapScope
CAP_PERIOD_UNSPECIFIED: CapPeriod
CAP_PERIOD_DAY: CapPeriod
CAP_PERIOD_WEEK: CapPeriod
CAP_PERIOD_MONTH: CapPeriod
CAP_PERIOD_EVER: CapPeriod
REFUND_POLICY_UNSPECIFIED: RefundPolicy
REFUND_POLICY_PENDING_ONLY: RefundPolicy
REFUND_POLICY_DOWN_TO_ZERO: RefundPolicy
REFUND_POLICY_INTO_NEGATIVE: RefundPolicy

class Multiplier(_message.Message):
    __slots__ = ("id", "activity_type", "condition", "currencies", "percent", "until", "stacking", "group", "priority")
    ID_FIELD_NUMBER: _ClassVar[int]
    ACTIVITY_TYPE_FIELD_NUMBER: _ClassVar[int]
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    CURRENCIES_FIELD_NUMBER: _ClassVar[int]
    PERCENT_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    STACKING_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    id: str
    activity_type: str
    condition: str
    currencies: _containers.RepeatedScalarFieldContainer[str]
    percent: int
    until: str
    stacking: Stacking
    group: str
    priority: int
    def __init__(self, id: _Optional[str] = ..., activity_type: _Optional[str] = ..., condition: _Optional[str] = ..., currencies: _Optional[_Iterable[str]] = ..., percent: _Optional[int] = ..., until: _Optional[str] = ..., stacking: _Optional[_Union[Stacking, str]] = ..., group: _Optional[str] = ..., priority: _Optional[int] = ..., **kwargs) -> None: ...

class EarningCap(_message.Message):
    __slots__ = ("scope", "period", "amount")
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    scope: CapScope
    period: CapPeriod
    amount: int
    def __init__(self, scope: _Optional[_Union[CapScope, str]] = ..., period: _Optional[_Union[CapPeriod, str]] = ..., amount: _Optional[int] = ...) -> None: ...

class RefundRule(_message.Message):
    __slots__ = ("activity_type", "purchase_type", "purchase", "amount", "total", "policy")
    ACTIVITY_TYPE_FIELD_NUMBER: _ClassVar[int]
    PURCHASE_TYPE_FIELD_NUMBER: _ClassVar[int]
    PURCHASE_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    POLICY_FIELD_NUMBER: _ClassVar[int]
    activity_type: str
    purchase_type: str
    purchase: str
    amount: str
    total: str
    policy: RefundPolicy
    def __init__(self, activity_type: _Optional[str] = ..., purchase_type: _Optional[str] = ..., purchase: _Optional[str] = ..., amount: _Optional[str] = ..., total: _Optional[str] = ..., policy: _Optional[_Union[RefundPolicy, str]] = ...) -> None: ...
