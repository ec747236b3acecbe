import datetime

from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from laurels.access.v1 import access_pb2 as _access_pb2
from laurels.points.v1 import points_pb2 as _points_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class HoldState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    HOLD_STATE_UNSPECIFIED: _ClassVar[HoldState]
    HOLD_STATE_OPEN: _ClassVar[HoldState]
    HOLD_STATE_CAPTURED: _ClassVar[HoldState]
    HOLD_STATE_RELEASED: _ClassVar[HoldState]
    HOLD_STATE_TIMED_OUT: _ClassVar[HoldState]

class PendingState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PENDING_STATE_UNSPECIFIED: _ClassVar[PendingState]
    PENDING_STATE_WAITING: _ClassVar[PendingState]
    PENDING_STATE_ACTIVATED: _ClassVar[PendingState]
    PENDING_STATE_CANCELLED: _ClassVar[PendingState]
HOLD_STATE_UNSPECIFIED: HoldState
HOLD_STATE_OPEN: HoldState
HOLD_STATE_CAPTURED: HoldState
HOLD_STATE_RELEASED: HoldState
HOLD_STATE_TIMED_OUT: HoldState
PENDING_STATE_UNSPECIFIED: PendingState
PENDING_STATE_WAITING: PendingState
PENDING_STATE_ACTIVATED: PendingState
PENDING_STATE_CANCELLED: PendingState

class LedgerAccount(_message.Message):
    __slots__ = ("member", "group", "kind")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    member: str
    group: str
    kind: _points_pb2.AccountKind
    def __init__(self, member: _Optional[str] = ..., group: _Optional[str] = ..., kind: _Optional[_Union[_points_pb2.AccountKind, str]] = ...) -> None: ...

class Transfer(_message.Message):
    __slots__ = ("id", "currency", "amount", "debit", "credit", "linked", "reference", "occurred_at")
    ID_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    DEBIT_FIELD_NUMBER: _ClassVar[int]
    CREDIT_FIELD_NUMBER: _ClassVar[int]
    LINKED_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_AT_FIELD_NUMBER: _ClassVar[int]
    id: str
    currency: str
    amount: int
    debit: LedgerAccount
    credit: LedgerAccount
    linked: bool
    reference: str
    occurred_at: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., currency: _Optional[str] = ..., amount: _Optional[int] = ..., debit: _Optional[_Union[LedgerAccount, _Mapping]] = ..., credit: _Optional[_Union[LedgerAccount, _Mapping]] = ..., linked: _Optional[bool] = ..., reference: _Optional[str] = ..., occurred_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class TransferResult(_message.Message):
    __slots__ = ("id", "entry", "duplicate", "code", "detail")
    ID_FIELD_NUMBER: _ClassVar[int]
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    DUPLICATE_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    id: str
    entry: int
    duplicate: bool
    code: str
    detail: str
    def __init__(self, id: _Optional[str] = ..., entry: _Optional[int] = ..., duplicate: _Optional[bool] = ..., code: _Optional[str] = ..., detail: _Optional[str] = ...) -> None: ...

class PostTransfersRequest(_message.Message):
    __slots__ = ("transfers", "silent")
    TRANSFERS_FIELD_NUMBER: _ClassVar[int]
    SILENT_FIELD_NUMBER: _ClassVar[int]
    transfers: _containers.RepeatedCompositeFieldContainer[Transfer]
    silent: bool
    def __init__(self, transfers: _Optional[_Iterable[_Union[Transfer, _Mapping]]] = ..., silent: _Optional[bool] = ...) -> None: ...

class PostTransfersResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[TransferResult]
    def __init__(self, results: _Optional[_Iterable[_Union[TransferResult, _Mapping]]] = ...) -> None: ...

class StreamTransfersRequest(_message.Message):
    __slots__ = ("transfer",)
    TRANSFER_FIELD_NUMBER: _ClassVar[int]
    transfer: Transfer
    def __init__(self, transfer: _Optional[_Union[Transfer, _Mapping]] = ...) -> None: ...

class StreamTransfersResponse(_message.Message):
    __slots__ = ("result",)
    RESULT_FIELD_NUMBER: _ClassVar[int]
    result: TransferResult
    def __init__(self, result: _Optional[_Union[TransferResult, _Mapping]] = ...) -> None: ...

class ReverseTransferRequest(_message.Message):
    __slots__ = ("transfer", "reference", "idempotency_key")
    TRANSFER_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    transfer: str
    reference: str
    idempotency_key: str
    def __init__(self, transfer: _Optional[str] = ..., reference: _Optional[str] = ..., idempotency_key: _Optional[str] = ...) -> None: ...

class ReverseTransferResponse(_message.Message):
    __slots__ = ("entry",)
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    entry: int
    def __init__(self, entry: _Optional[int] = ...) -> None: ...

class Hold(_message.Message):
    __slots__ = ("hold", "member", "currency", "amount", "captured", "state", "reference", "made_at", "expires_at")
    HOLD_FIELD_NUMBER: _ClassVar[int]
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    CAPTURED_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    MADE_AT_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    hold: str
    member: str
    currency: str
    amount: int
    captured: int
    state: HoldState
    reference: str
    made_at: _timestamp_pb2.Timestamp
    expires_at: _timestamp_pb2.Timestamp
    def __init__(self, hold: _Optional[str] = ..., member: _Optional[str] = ..., currency: _Optional[str] = ..., amount: _Optional[int] = ..., captured: _Optional[int] = ..., state: _Optional[_Union[HoldState, str]] = ..., reference: _Optional[str] = ..., made_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class HoldPointsRequest(_message.Message):
    __slots__ = ("member", "currency", "amount", "reference", "expires_after_s", "idempotency_key")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AFTER_S_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    member: str
    currency: str
    amount: int
    reference: str
    expires_after_s: int
    idempotency_key: str
    def __init__(self, member: _Optional[str] = ..., currency: _Optional[str] = ..., amount: _Optional[int] = ..., reference: _Optional[str] = ..., expires_after_s: _Optional[int] = ..., idempotency_key: _Optional[str] = ...) -> None: ...

class HoldPointsResponse(_message.Message):
    __slots__ = ("hold",)
    HOLD_FIELD_NUMBER: _ClassVar[int]
    hold: Hold
    def __init__(self, hold: _Optional[_Union[Hold, _Mapping]] = ...) -> None: ...

class GetHoldRequest(_message.Message):
    __slots__ = ("hold",)
    HOLD_FIELD_NUMBER: _ClassVar[int]
    hold: str
    def __init__(self, hold: _Optional[str] = ...) -> None: ...

class GetHoldResponse(_message.Message):
    __slots__ = ("hold",)
    HOLD_FIELD_NUMBER: _ClassVar[int]
    hold: Hold
    def __init__(self, hold: _Optional[_Union[Hold, _Mapping]] = ...) -> None: ...

class CaptureHoldRequest(_message.Message):
    __slots__ = ("hold", "amount")
    HOLD_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    hold: str
    amount: int
    def __init__(self, hold: _Optional[str] = ..., amount: _Optional[int] = ...) -> None: ...

class CaptureHoldResponse(_message.Message):
    __slots__ = ("hold",)
    HOLD_FIELD_NUMBER: _ClassVar[int]
    hold: Hold
    def __init__(self, hold: _Optional[_Union[Hold, _Mapping]] = ...) -> None: ...

class ReleaseHoldRequest(_message.Message):
    __slots__ = ("hold",)
    HOLD_FIELD_NUMBER: _ClassVar[int]
    hold: str
    def __init__(self, hold: _Optional[str] = ...) -> None: ...

class ReleaseHoldResponse(_message.Message):
    __slots__ = ("hold",)
    HOLD_FIELD_NUMBER: _ClassVar[int]
    hold: Hold
    def __init__(self, hold: _Optional[_Union[Hold, _Mapping]] = ...) -> None: ...

class PendingLot(_message.Message):
    __slots__ = ("lot", "member", "currency", "amount", "state", "reference", "activity", "occurred_at", "activates_at")
    LOT_FIELD_NUMBER: _ClassVar[int]
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    ACTIVITY_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_AT_FIELD_NUMBER: _ClassVar[int]
    ACTIVATES_AT_FIELD_NUMBER: _ClassVar[int]
    lot: str
    member: str
    currency: str
    amount: int
    state: PendingState
    reference: str
    activity: str
    occurred_at: _timestamp_pb2.Timestamp
    activates_at: _timestamp_pb2.Timestamp
    def __init__(self, lot: _Optional[str] = ..., member: _Optional[str] = ..., currency: _Optional[str] = ..., amount: _Optional[int] = ..., state: _Optional[_Union[PendingState, str]] = ..., reference: _Optional[str] = ..., activity: _Optional[str] = ..., occurred_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., activates_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ListPendingLotsRequest(_message.Message):
    __slots__ = ("member",)
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    member: str
    def __init__(self, member: _Optional[str] = ...) -> None: ...

class ListPendingLotsResponse(_message.Message):
    __slots__ = ("lots",)
    LOTS_FIELD_NUMBER: _ClassVar[int]
    lots: _containers.RepeatedCompositeFieldContainer[PendingLot]
    def __init__(self, lots: _Optional[_Iterable[_Union[PendingLot, _Mapping]]] = ...) -> None: ...

class ActivatePendingLotRequest(_message.Message):
    __slots__ = ("lot",)
    LOT_FIELD_NUMBER: _ClassVar[int]
    lot: str
    def __init__(self, lot: _Optional[str] = ...) -> None: ...

class ActivatePendingLotResponse(_message.Message):
    __slots__ = ("lot",)
    LOT_FIELD_NUMBER: _ClassVar[int]
    lot: PendingLot
    def __init__(self, lot: _Optional[_Union[PendingLot, _Mapping]] = ...) -> None: ...

class ChangePendingLotRequest(_message.Message):
    __slots__ = ("lot", "amount", "activates_at", "idempotency_key")
    LOT_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    ACTIVATES_AT_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    lot: str
    amount: int
    activates_at: _timestamp_pb2.Timestamp
    idempotency_key: str
    def __init__(self, lot: _Optional[str] = ..., amount: _Optional[int] = ..., activates_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., idempotency_key: _Optional[str] = ...) -> None: ...

class ChangePendingLotResponse(_message.Message):
    __slots__ = ("lot",)
    LOT_FIELD_NUMBER: _ClassVar[int]
    lot: PendingLot
    def __init__(self, lot: _Optional[_Union[PendingLot, _Mapping]] = ...) -> None: ...

class CancelPendingLotRequest(_message.Message):
    __slots__ = ("lot",)
    LOT_FIELD_NUMBER: _ClassVar[int]
    lot: str
    def __init__(self, lot: _Optional[str] = ...) -> None: ...

class CancelPendingLotResponse(_message.Message):
    __slots__ = ("lot",)
    LOT_FIELD_NUMBER: _ClassVar[int]
    lot: PendingLot
    def __init__(self, lot: _Optional[_Union[PendingLot, _Mapping]] = ...) -> None: ...

class RunSchedulesRequest(_message.Message):
    __slots__ = ("until",)
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    until: _timestamp_pb2.Timestamp
    def __init__(self, until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class RunSchedulesResponse(_message.Message):
    __slots__ = ("done",)
    DONE_FIELD_NUMBER: _ClassVar[int]
    done: int
    def __init__(self, done: _Optional[int] = ...) -> None: ...
