import datetime

from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from laurels.access.v1 import access_pb2 as _access_pb2
from laurels.value.v1 import events_pb2 as _events_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ParkedGrantState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PARKED_GRANT_STATE_UNSPECIFIED: _ClassVar[ParkedGrantState]
    PARKED_GRANT_STATE_PARKED: _ClassVar[ParkedGrantState]
    PARKED_GRANT_STATE_GIVEN: _ClassVar[ParkedGrantState]
    PARKED_GRANT_STATE_DISMISSED: _ClassVar[ParkedGrantState]
PARKED_GRANT_STATE_UNSPECIFIED: ParkedGrantState
PARKED_GRANT_STATE_PARKED: ParkedGrantState
PARKED_GRANT_STATE_GIVEN: ParkedGrantState
PARKED_GRANT_STATE_DISMISSED: ParkedGrantState

class ParkedGrant(_message.Message):
    __slots__ = ("grant", "key", "place", "member", "content", "reason", "reference", "state", "code", "detail", "occurred_at", "parked_at", "decided_at", "redemption")
    GRANT_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    PLACE_FIELD_NUMBER: _ClassVar[int]
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_AT_FIELD_NUMBER: _ClassVar[int]
    PARKED_AT_FIELD_NUMBER: _ClassVar[int]
    DECIDED_AT_FIELD_NUMBER: _ClassVar[int]
    REDEMPTION_FIELD_NUMBER: _ClassVar[int]
    grant: str
    key: str
    place: int
    member: str
    content: _events_pb2.Grant
    reason: _events_pb2.GrantReason
    reference: str
    state: ParkedGrantState
    code: str
    detail: str
    occurred_at: _timestamp_pb2.Timestamp
    parked_at: _timestamp_pb2.Timestamp
    decided_at: _timestamp_pb2.Timestamp
    redemption: str
    def __init__(self, grant: _Optional[str] = ..., key: _Optional[str] = ..., place: _Optional[int] = ..., member: _Optional[str] = ..., content: _Optional[_Union[_events_pb2.Grant, _Mapping]] = ..., reason: _Optional[_Union[_events_pb2.GrantReason, str]] = ..., reference: _Optional[str] = ..., state: _Optional[_Union[ParkedGrantState, str]] = ..., code: _Optional[str] = ..., detail: _Optional[str] = ..., occurred_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., parked_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., decided_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., redemption: _Optional[str] = ...) -> None: ...

class ListParkedGrantsRequest(_message.Message):
    __slots__ = ("state", "page_size", "page_token")
    STATE_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    state: ParkedGrantState
    page_size: int
    page_token: str
    def __init__(self, state: _Optional[_Union[ParkedGrantState, str]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListParkedGrantsResponse(_message.Message):
    __slots__ = ("grants", "next_page_token")
    GRANTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    grants: _containers.RepeatedCompositeFieldContainer[ParkedGrant]
    next_page_token: str
    def __init__(self, grants: _Optional[_Iterable[_Union[ParkedGrant, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class RetryGrantRequest(_message.Message):
    __slots__ = ("grant", "idempotency_key")
    GRANT_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    grant: str
    idempotency_key: str
    def __init__(self, grant: _Optional[str] = ..., idempotency_key: _Optional[str] = ...) -> None: ...

class RetryGrantResponse(_message.Message):
    __slots__ = ("grant",)
    GRANT_FIELD_NUMBER: _ClassVar[int]
    grant: ParkedGrant
    def __init__(self, grant: _Optional[_Union[ParkedGrant, _Mapping]] = ...) -> None: ...

class DismissGrantRequest(_message.Message):
    __slots__ = ("grant", "reason", "idempotency_key")
    GRANT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    grant: str
    reason: str
    idempotency_key: str
    def __init__(self, grant: _Optional[str] = ..., reason: _Optional[str] = ..., idempotency_key: _Optional[str] = ...) -> None: ...

class DismissGrantResponse(_message.Message):
    __slots__ = ("grant",)
    GRANT_FIELD_NUMBER: _ClassVar[int]
    grant: ParkedGrant
    def __init__(self, grant: _Optional[_Union[ParkedGrant, _Mapping]] = ...) -> None: ...
