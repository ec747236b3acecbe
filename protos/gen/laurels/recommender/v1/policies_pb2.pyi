import datetime

from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from laurels.access.v1 import access_pb2 as _access_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PolicyKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    POLICY_KIND_UNSPECIFIED: _ClassVar[PolicyKind]
    POLICY_KIND_PERSONAL: _ClassVar[PolicyKind]
    POLICY_KIND_POPULAR: _ClassVar[PolicyKind]
    POLICY_KIND_ORDER: _ClassVar[PolicyKind]
POLICY_KIND_UNSPECIFIED: PolicyKind
POLICY_KIND_PERSONAL: PolicyKind
POLICY_KIND_POPULAR: PolicyKind
POLICY_KIND_ORDER: PolicyKind

class ModelVersion(_message.Message):
    __slots__ = ("version", "lessons", "restored_from", "made_at")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    LESSONS_FIELD_NUMBER: _ClassVar[int]
    RESTORED_FROM_FIELD_NUMBER: _ClassVar[int]
    MADE_AT_FIELD_NUMBER: _ClassVar[int]
    version: int
    lessons: int
    restored_from: int
    made_at: _timestamp_pb2.Timestamp
    def __init__(self, version: _Optional[int] = ..., lessons: _Optional[int] = ..., restored_from: _Optional[int] = ..., made_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ListModelVersionsRequest(_message.Message):
    __slots__ = ("slot",)
    SLOT_FIELD_NUMBER: _ClassVar[int]
    slot: str
    def __init__(self, slot: _Optional[str] = ...) -> None: ...

class ListModelVersionsResponse(_message.Message):
    __slots__ = ("versions", "lessons")
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    LESSONS_FIELD_NUMBER: _ClassVar[int]
    versions: _containers.RepeatedCompositeFieldContainer[ModelVersion]
    lessons: int
    def __init__(self, versions: _Optional[_Iterable[_Union[ModelVersion, _Mapping]]] = ..., lessons: _Optional[int] = ...) -> None: ...

class RestoreModelRequest(_message.Message):
    __slots__ = ("slot", "version", "idempotency_key")
    SLOT_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    slot: str
    version: int
    idempotency_key: str
    def __init__(self, slot: _Optional[str] = ..., version: _Optional[int] = ..., idempotency_key: _Optional[str] = ...) -> None: ...

class RestoreModelResponse(_message.Message):
    __slots__ = ("version",)
    VERSION_FIELD_NUMBER: _ClassVar[int]
    version: ModelVersion
    def __init__(self, version: _Optional[_Union[ModelVersion, _Mapping]] = ...) -> None: ...

class PolicyConfiguration(_message.Message):
    __slots__ = ("kind", "bonus", "noise", "floor")
    KIND_FIELD_NUMBER: _ClassVar[int]
    BONUS_FIELD_NUMBER: _ClassVar[int]
    NOISE_FIELD_NUMBER: _ClassVar[int]
    FLOOR_FIELD_NUMBER: _ClassVar[int]
    kind: PolicyKind
    bonus: float
    noise: float
    floor: float
    def __init__(self, kind: _Optional[_Union[PolicyKind, str]] = ..., bonus: _Optional[float] = ..., noise: _Optional[float] = ..., floor: _Optional[float] = ...) -> None: ...

class Candidate(_message.Message):
    __slots__ = ("candidate", "configuration", "created_by", "created_at", "live")
    CANDIDATE_FIELD_NUMBER: _ClassVar[int]
    CONFIGURATION_FIELD_NUMBER: _ClassVar[int]
    CREATED_BY_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    LIVE_FIELD_NUMBER: _ClassVar[int]
    candidate: str
    configuration: PolicyConfiguration
    created_by: str
    created_at: _timestamp_pb2.Timestamp
    live: bool
    def __init__(self, candidate: _Optional[str] = ..., configuration: _Optional[_Union[PolicyConfiguration, _Mapping]] = ..., created_by: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., live: _Optional[bool] = ...) -> None: ...

class CreateCandidateRequest(_message.Message):
    __slots__ = ("slot", "candidate", "configuration")
    SLOT_FIELD_NUMBER: _ClassVar[int]
    CANDIDATE_FIELD_NUMBER: _ClassVar[int]
    CONFIGURATION_FIELD_NUMBER: _ClassVar[int]
    slot: str
    candidate: str
    configuration: PolicyConfiguration
    def __init__(self, slot: _Optional[str] = ..., candidate: _Optional[str] = ..., configuration: _Optional[_Union[PolicyConfiguration, _Mapping]] = ...) -> None: ...

class CreateCandidateResponse(_message.Message):
    __slots__ = ("candidate",)
    CANDIDATE_FIELD_NUMBER: _ClassVar[int]
    candidate: Candidate
    def __init__(self, candidate: _Optional[_Union[Candidate, _Mapping]] = ...) -> None: ...

class ListCandidatesRequest(_message.Message):
    __slots__ = ("slot",)
    SLOT_FIELD_NUMBER: _ClassVar[int]
    slot: str
    def __init__(self, slot: _Optional[str] = ...) -> None: ...

class ListCandidatesResponse(_message.Message):
    __slots__ = ("candidates", "promotions")
    CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    PROMOTIONS_FIELD_NUMBER: _ClassVar[int]
    candidates: _containers.RepeatedCompositeFieldContainer[Candidate]
    promotions: _containers.RepeatedCompositeFieldContainer[Promotion]
    def __init__(self, candidates: _Optional[_Iterable[_Union[Candidate, _Mapping]]] = ..., promotions: _Optional[_Iterable[_Union[Promotion, _Mapping]]] = ...) -> None: ...

class Promotion(_message.Message):
    __slots__ = ("candidate", "evaluation", "override_reason", "promoted_by", "promoted_at")
    CANDIDATE_FIELD_NUMBER: _ClassVar[int]
    EVALUATION_FIELD_NUMBER: _ClassVar[int]
    OVERRIDE_REASON_FIELD_NUMBER: _ClassVar[int]
    PROMOTED_BY_FIELD_NUMBER: _ClassVar[int]
    PROMOTED_AT_FIELD_NUMBER: _ClassVar[int]
    candidate: str
    evaluation: CandidateEvaluation
    override_reason: str
    promoted_by: str
    promoted_at: _timestamp_pb2.Timestamp
    def __init__(self, candidate: _Optional[str] = ..., evaluation: _Optional[_Union[CandidateEvaluation, _Mapping]] = ..., override_reason: _Optional[str] = ..., promoted_by: _Optional[str] = ..., promoted_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class OutcomeEstimate(_message.Message):
    __slots__ = ("value", "low", "high")
    VALUE_FIELD_NUMBER: _ClassVar[int]
    LOW_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    value: float
    low: float
    high: float
    def __init__(self, value: _Optional[float] = ..., low: _Optional[float] = ..., high: _Optional[float] = ...) -> None: ...

class CandidateEvaluation(_message.Message):
    __slots__ = ("decisions", "effective_size", "live", "ips", "snips", "direct", "doubly_robust", "proven")
    DECISIONS_FIELD_NUMBER: _ClassVar[int]
    EFFECTIVE_SIZE_FIELD_NUMBER: _ClassVar[int]
    LIVE_FIELD_NUMBER: _ClassVar[int]
    IPS_FIELD_NUMBER: _ClassVar[int]
    SNIPS_FIELD_NUMBER: _ClassVar[int]
    DIRECT_FIELD_NUMBER: _ClassVar[int]
    DOUBLY_ROBUST_FIELD_NUMBER: _ClassVar[int]
    PROVEN_FIELD_NUMBER: _ClassVar[int]
    decisions: int
    effective_size: float
    live: OutcomeEstimate
    ips: OutcomeEstimate
    snips: OutcomeEstimate
    direct: OutcomeEstimate
    doubly_robust: OutcomeEstimate
    proven: bool
    def __init__(self, decisions: _Optional[int] = ..., effective_size: _Optional[float] = ..., live: _Optional[_Union[OutcomeEstimate, _Mapping]] = ..., ips: _Optional[_Union[OutcomeEstimate, _Mapping]] = ..., snips: _Optional[_Union[OutcomeEstimate, _Mapping]] = ..., direct: _Optional[_Union[OutcomeEstimate, _Mapping]] = ..., doubly_robust: _Optional[_Union[OutcomeEstimate, _Mapping]] = ..., proven: _Optional[bool] = ...) -> None: ...

class EvaluateCandidateRequest(_message.Message):
    __slots__ = ("slot", "candidate")
    SLOT_FIELD_NUMBER: _ClassVar[int]
    CANDIDATE_FIELD_NUMBER: _ClassVar[int]
    slot: str
    candidate: str
    def __init__(self, slot: _Optional[str] = ..., candidate: _Optional[str] = ...) -> None: ...

class EvaluateCandidateResponse(_message.Message):
    __slots__ = ("evaluation",)
    EVALUATION_FIELD_NUMBER: _ClassVar[int]
    evaluation: CandidateEvaluation
    def __init__(self, evaluation: _Optional[_Union[CandidateEvaluation, _Mapping]] = ...) -> None: ...

class PromoteCandidateRequest(_message.Message):
    __slots__ = ("slot", "candidate", "override_reason")
    SLOT_FIELD_NUMBER: _ClassVar[int]
    CANDIDATE_FIELD_NUMBER: _ClassVar[int]
    OVERRIDE_REASON_FIELD_NUMBER: _ClassVar[int]
    slot: str
    candidate: str
    override_reason: str
    def __init__(self, slot: _Optional[str] = ..., candidate: _Optional[str] = ..., override_reason: _Optional[str] = ...) -> None: ...

class PromoteCandidateResponse(_message.Message):
    __slots__ = ("promotion",)
    PROMOTION_FIELD_NUMBER: _ClassVar[int]
    promotion: Promotion
    def __init__(self, promotion: _Optional[_Union[Promotion, _Mapping]] = ...) -> None: ...
