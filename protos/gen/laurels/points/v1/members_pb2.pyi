import datetime

from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import struct_pb2 as _struct_pb2
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

class ConsentPurpose(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CONSENT_PURPOSE_UNSPECIFIED: _ClassVar[ConsentPurpose]
    CONSENT_PURPOSE_PROFILING: _ClassVar[ConsentPurpose]
    CONSENT_PURPOSE_MARKETING: _ClassVar[ConsentPurpose]
    CONSENT_PURPOSE_LEADERBOARDS: _ClassVar[ConsentPurpose]
    CONSENT_PURPOSE_PARTNER_SHARING: _ClassVar[ConsentPurpose]
    CONSENT_PURPOSE_GUARDIAN: _ClassVar[ConsentPurpose]

class ConsentGiver(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CONSENT_GIVER_UNSPECIFIED: _ClassVar[ConsentGiver]
    CONSENT_GIVER_MEMBER: _ClassVar[ConsentGiver]
    CONSENT_GIVER_GUARDIAN: _ClassVar[ConsentGiver]

class ErasureState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ERASURE_STATE_UNSPECIFIED: _ClassVar[ErasureState]
    ERASURE_STATE_ERASED: _ClassVar[ErasureState]
    ERASURE_STATE_SETTLED: _ClassVar[ErasureState]
    ERASURE_STATE_COMPLETE: _ClassVar[ErasureState]

class StreamsPurged(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STREAMS_PURGED_UNSPECIFIED: _ClassVar[StreamsPurged]
    STREAMS_PURGED_YES: _ClassVar[StreamsPurged]
    STREAMS_PURGED_NOT_CONFIGURED: _ClassVar[StreamsPurged]
CONSENT_PURPOSE_UNSPECIFIED: ConsentPurpose
CONSENT_PURPOSE_PROFILING: ConsentPurpose
CONSENT_PURPOSE_MARKETING: ConsentPurpose
CONSENT_PURPOSE_LEADERBOARDS: ConsentPurpose
CONSENT_PURPOSE_PARTNER_SHARING: ConsentPurpose
CONSENT_PURPOSE_GUARDIAN: ConsentPurpose
CONSENT_GIVER_UNSPECIFIED: ConsentGiver
CONSENT_GIVER_MEMBER: ConsentGiver
CONSENT_GIVER_GUARDIAN: ConsentGiver
ERASURE_STATE_UNSPECIFIED: ErasureState
ERASURE_STATE_ERASED: ErasureState
ERASURE_STATE_SETTLED: ErasureState
ERASURE_STATE_COMPLETE: ErasureState
STREAMS_PURGED_UNSPECIFIED: StreamsPurged
STREAMS_PURGED_YES: StreamsPurged
STREAMS_PURGED_NOT_CONFIGURED: StreamsPurged

class Consent(_message.Message):
    __slots__ = ("purpose", "granted", "text_version", "method", "giver")
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    GRANTED_FIELD_NUMBER: _ClassVar[int]
    TEXT_VERSION_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    GIVER_FIELD_NUMBER: _ClassVar[int]
    purpose: ConsentPurpose
    granted: bool
    text_version: str
    method: str
    giver: ConsentGiver
    def __init__(self, purpose: _Optional[_Union[ConsentPurpose, str]] = ..., granted: _Optional[bool] = ..., text_version: _Optional[str] = ..., method: _Optional[str] = ..., giver: _Optional[_Union[ConsentGiver, str]] = ...) -> None: ...

class ConsentRecord(_message.Message):
    __slots__ = ("consent", "recorded_by", "recorded_at")
    CONSENT_FIELD_NUMBER: _ClassVar[int]
    RECORDED_BY_FIELD_NUMBER: _ClassVar[int]
    RECORDED_AT_FIELD_NUMBER: _ClassVar[int]
    consent: Consent
    recorded_by: str
    recorded_at: _timestamp_pb2.Timestamp
    def __init__(self, consent: _Optional[_Union[Consent, _Mapping]] = ..., recorded_by: _Optional[str] = ..., recorded_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class CorrectMemberRequest(_message.Message):
    __slots__ = ("member", "display_name", "attributes", "update_mask")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    member: str
    display_name: str
    attributes: _struct_pb2.Struct
    update_mask: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, member: _Optional[str] = ..., display_name: _Optional[str] = ..., attributes: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., update_mask: _Optional[_Iterable[str]] = ...) -> None: ...

class CorrectMemberResponse(_message.Message):
    __slots__ = ("member",)
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    member: _points_pb2.Member
    def __init__(self, member: _Optional[_Union[_points_pb2.Member, _Mapping]] = ...) -> None: ...

class GetConsentsRequest(_message.Message):
    __slots__ = ("member",)
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    member: str
    def __init__(self, member: _Optional[str] = ...) -> None: ...

class GetConsentsResponse(_message.Message):
    __slots__ = ("consents", "history", "awaits_guardian")
    CONSENTS_FIELD_NUMBER: _ClassVar[int]
    HISTORY_FIELD_NUMBER: _ClassVar[int]
    AWAITS_GUARDIAN_FIELD_NUMBER: _ClassVar[int]
    consents: _containers.RepeatedCompositeFieldContainer[ConsentRecord]
    history: _containers.RepeatedCompositeFieldContainer[ConsentRecord]
    awaits_guardian: bool
    def __init__(self, consents: _Optional[_Iterable[_Union[ConsentRecord, _Mapping]]] = ..., history: _Optional[_Iterable[_Union[ConsentRecord, _Mapping]]] = ..., awaits_guardian: _Optional[bool] = ...) -> None: ...

class PutConsentsRequest(_message.Message):
    __slots__ = ("member", "consents")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    CONSENTS_FIELD_NUMBER: _ClassVar[int]
    member: str
    consents: _containers.RepeatedCompositeFieldContainer[Consent]
    def __init__(self, member: _Optional[str] = ..., consents: _Optional[_Iterable[_Union[Consent, _Mapping]]] = ...) -> None: ...

class PutConsentsResponse(_message.Message):
    __slots__ = ("changed",)
    CHANGED_FIELD_NUMBER: _ClassVar[int]
    changed: int
    def __init__(self, changed: _Optional[int] = ...) -> None: ...

class EraseMemberRequest(_message.Message):
    __slots__ = ("member",)
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    member: str
    def __init__(self, member: _Optional[str] = ...) -> None: ...

class EraseMemberResponse(_message.Message):
    __slots__ = ("erasure",)
    ERASURE_FIELD_NUMBER: _ClassVar[int]
    erasure: str
    def __init__(self, erasure: _Optional[str] = ...) -> None: ...

class GetErasureRequest(_message.Message):
    __slots__ = ("erasure",)
    ERASURE_FIELD_NUMBER: _ClassVar[int]
    erasure: str
    def __init__(self, erasure: _Optional[str] = ...) -> None: ...

class ErasureReceiptRecord(_message.Message):
    __slots__ = ("service", "after", "received_at")
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_AT_FIELD_NUMBER: _ClassVar[int]
    service: str
    after: str
    received_at: _timestamp_pb2.Timestamp
    def __init__(self, service: _Optional[str] = ..., after: _Optional[str] = ..., received_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class GetErasureResponse(_message.Message):
    __slots__ = ("erasure", "state", "requested_at", "completed_at", "receipts", "streams_purged", "alias")
    ERASURE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REQUESTED_AT_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_AT_FIELD_NUMBER: _ClassVar[int]
    RECEIPTS_FIELD_NUMBER: _ClassVar[int]
    STREAMS_PURGED_FIELD_NUMBER: _ClassVar[int]
    ALIAS_FIELD_NUMBER: _ClassVar[int]
    erasure: str
    state: ErasureState
    requested_at: _timestamp_pb2.Timestamp
    completed_at: _timestamp_pb2.Timestamp
    receipts: _containers.RepeatedCompositeFieldContainer[ErasureReceiptRecord]
    streams_purged: StreamsPurged
    alias: str
    def __init__(self, erasure: _Optional[str] = ..., state: _Optional[_Union[ErasureState, str]] = ..., requested_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., completed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., receipts: _Optional[_Iterable[_Union[ErasureReceiptRecord, _Mapping]]] = ..., streams_purged: _Optional[_Union[StreamsPurged, str]] = ..., alias: _Optional[str] = ...) -> None: ...
