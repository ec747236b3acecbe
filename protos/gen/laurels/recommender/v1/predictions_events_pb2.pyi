import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PredictionKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PREDICTION_KIND_UNSPECIFIED: _ClassVar[PredictionKind]
    PREDICTION_KIND_REPLENISHMENT_DUE: _ClassVar[PredictionKind]
    PREDICTION_KIND_CHURN_LIKELY: _ClassVar[PredictionKind]
    PREDICTION_KIND_BEST_HOUR: _ClassVar[PredictionKind]
PREDICTION_KIND_UNSPECIFIED: PredictionKind
PREDICTION_KIND_REPLENISHMENT_DUE: PredictionKind
PREDICTION_KIND_CHURN_LIKELY: PredictionKind
PREDICTION_KIND_BEST_HOUR: PredictionKind

class PredictionMade(_message.Message):
    __slots__ = ("member", "kind", "subject", "probability", "as_of")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    AS_OF_FIELD_NUMBER: _ClassVar[int]
    member: str
    kind: PredictionKind
    subject: str
    probability: float
    as_of: _timestamp_pb2.Timestamp
    def __init__(self, member: _Optional[str] = ..., kind: _Optional[_Union[PredictionKind, str]] = ..., subject: _Optional[str] = ..., probability: _Optional[float] = ..., as_of: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class SegmentChanged(_message.Message):
    __slots__ = ("member", "segment", "entered", "as_of")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    SEGMENT_FIELD_NUMBER: _ClassVar[int]
    ENTERED_FIELD_NUMBER: _ClassVar[int]
    AS_OF_FIELD_NUMBER: _ClassVar[int]
    member: str
    segment: str
    entered: bool
    as_of: _timestamp_pb2.Timestamp
    def __init__(self, member: _Optional[str] = ..., segment: _Optional[str] = ..., entered: _Optional[bool] = ..., as_of: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
