from google.api import annotations_pb2 as _annotations_pb2
from laurels.access.v1 import access_pb2 as _access_pb2
from laurels.points.v1 import ledger_pb2 as _ledger_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ListApprovalsRequest(_message.Message):
    __slots__ = ("rule", "page_size", "page_token")
    RULE_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    rule: str
    page_size: int
    page_token: str
    def __init__(self, rule: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListApprovalsResponse(_message.Message):
    __slots__ = ("lots", "next_page_token")
    LOTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    lots: _containers.RepeatedCompositeFieldContainer[_ledger_pb2.PendingLot]
    next_page_token: str
    def __init__(self, lots: _Optional[_Iterable[_Union[_ledger_pb2.PendingLot, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class DecideApprovalsRequest(_message.Message):
    __slots__ = ("approve", "reject", "reason")
    APPROVE_FIELD_NUMBER: _ClassVar[int]
    REJECT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    approve: _containers.RepeatedScalarFieldContainer[str]
    reject: _containers.RepeatedScalarFieldContainer[str]
    reason: str
    def __init__(self, approve: _Optional[_Iterable[str]] = ..., reject: _Optional[_Iterable[str]] = ..., reason: _Optional[str] = ...) -> None: ...

class DecideApprovalsResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[ApprovalResult]
    def __init__(self, results: _Optional[_Iterable[_Union[ApprovalResult, _Mapping]]] = ...) -> None: ...

class ApprovalResult(_message.Message):
    __slots__ = ("lot", "state", "code", "detail")
    LOT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    lot: str
    state: _ledger_pb2.PendingState
    code: str
    detail: str
    def __init__(self, lot: _Optional[str] = ..., state: _Optional[_Union[_ledger_pb2.PendingState, str]] = ..., code: _Optional[str] = ..., detail: _Optional[str] = ...) -> None: ...

class GetEarningRulesReportRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetEarningRulesReportResponse(_message.Message):
    __slots__ = ("rules",)
    RULES_FIELD_NUMBER: _ClassVar[int]
    rules: _containers.RepeatedCompositeFieldContainer[EarningRuleReport]
    def __init__(self, rules: _Optional[_Iterable[_Union[EarningRuleReport, _Mapping]]] = ...) -> None: ...

class EarningRuleReport(_message.Message):
    __slots__ = ("rule", "currency", "times", "issued", "budget", "budget_left", "paused")
    RULE_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    TIMES_FIELD_NUMBER: _ClassVar[int]
    ISSUED_FIELD_NUMBER: _ClassVar[int]
    BUDGET_FIELD_NUMBER: _ClassVar[int]
    BUDGET_LEFT_FIELD_NUMBER: _ClassVar[int]
    PAUSED_FIELD_NUMBER: _ClassVar[int]
    rule: str
    currency: str
    times: int
    issued: int
    budget: int
    budget_left: int
    paused: bool
    def __init__(self, rule: _Optional[str] = ..., currency: _Optional[str] = ..., times: _Optional[int] = ..., issued: _Optional[int] = ..., budget: _Optional[int] = ..., budget_left: _Optional[int] = ..., paused: _Optional[bool] = ...) -> None: ...
