import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from laurels.points.v1 import ledger_pb2 as _ledger_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EarningRulePaused(_message.Message):
    __slots__ = ("rule", "currency", "budget", "occurred_at", "programme_version")
    RULE_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    BUDGET_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_AT_FIELD_NUMBER: _ClassVar[int]
    PROGRAMME_VERSION_FIELD_NUMBER: _ClassVar[int]
    rule: str
    currency: str
    budget: int
    occurred_at: _timestamp_pb2.Timestamp
    programme_version: int
    def __init__(self, rule: _Optional[str] = ..., currency: _Optional[str] = ..., budget: _Optional[int] = ..., occurred_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., programme_version: _Optional[int] = ...) -> None: ...

class PointsRefunded(_message.Message):
    __slots__ = ("member", "purchase", "refund", "refunded", "total", "taken", "occurred_at", "programme_version")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    PURCHASE_FIELD_NUMBER: _ClassVar[int]
    REFUND_FIELD_NUMBER: _ClassVar[int]
    REFUNDED_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    TAKEN_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_AT_FIELD_NUMBER: _ClassVar[int]
    PROGRAMME_VERSION_FIELD_NUMBER: _ClassVar[int]
    member: str
    purchase: str
    refund: str
    refunded: int
    total: int
    taken: _containers.RepeatedCompositeFieldContainer[TakenBack]
    occurred_at: _timestamp_pb2.Timestamp
    programme_version: int
    def __init__(self, member: _Optional[str] = ..., purchase: _Optional[str] = ..., refund: _Optional[str] = ..., refunded: _Optional[int] = ..., total: _Optional[int] = ..., taken: _Optional[_Iterable[_Union[TakenBack, _Mapping]]] = ..., occurred_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., programme_version: _Optional[int] = ...) -> None: ...

class TakenBack(_message.Message):
    __slots__ = ("currency", "due", "pending", "available", "balance")
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    DUE_FIELD_NUMBER: _ClassVar[int]
    PENDING_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_FIELD_NUMBER: _ClassVar[int]
    BALANCE_FIELD_NUMBER: _ClassVar[int]
    currency: str
    due: int
    pending: int
    available: int
    balance: int
    def __init__(self, currency: _Optional[str] = ..., due: _Optional[int] = ..., pending: _Optional[int] = ..., available: _Optional[int] = ..., balance: _Optional[int] = ...) -> None: ...

class ApprovalDecided(_message.Message):
    __slots__ = ("lot", "member", "approved", "reason", "occurred_at")
    LOT_FIELD_NUMBER: _ClassVar[int]
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    APPROVED_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_AT_FIELD_NUMBER: _ClassVar[int]
    lot: _ledger_pb2.PendingLot
    member: str
    approved: bool
    reason: str
    occurred_at: _timestamp_pb2.Timestamp
    def __init__(self, lot: _Optional[_Union[_ledger_pb2.PendingLot, _Mapping]] = ..., member: _Optional[str] = ..., approved: _Optional[bool] = ..., reason: _Optional[str] = ..., occurred_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
