import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DecisionBasis(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DECISION_BASIS_UNSPECIFIED: _ClassVar[DecisionBasis]
    DECISION_BASIS_POLICY: _ClassVar[DecisionBasis]
    DECISION_BASIS_CONTROL: _ClassVar[DecisionBasis]
    DECISION_BASIS_ORDER: _ClassVar[DecisionBasis]
DECISION_BASIS_UNSPECIFIED: DecisionBasis
DECISION_BASIS_POLICY: DecisionBasis
DECISION_BASIS_CONTROL: DecisionBasis
DECISION_BASIS_ORDER: DecisionBasis

class RecommendationMade(_message.Message):
    __slots__ = ("member", "decision", "slot", "reward", "propensity", "decided_at", "basis", "policy")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    DECISION_FIELD_NUMBER: _ClassVar[int]
    SLOT_FIELD_NUMBER: _ClassVar[int]
    REWARD_FIELD_NUMBER: _ClassVar[int]
    PROPENSITY_FIELD_NUMBER: _ClassVar[int]
    DECIDED_AT_FIELD_NUMBER: _ClassVar[int]
    BASIS_FIELD_NUMBER: _ClassVar[int]
    POLICY_FIELD_NUMBER: _ClassVar[int]
    member: str
    decision: str
    slot: str
    reward: str
    propensity: float
    decided_at: _timestamp_pb2.Timestamp
    basis: DecisionBasis
    policy: str
    def __init__(self, member: _Optional[str] = ..., decision: _Optional[str] = ..., slot: _Optional[str] = ..., reward: _Optional[str] = ..., propensity: _Optional[float] = ..., decided_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., basis: _Optional[_Union[DecisionBasis, str]] = ..., policy: _Optional[str] = ...) -> None: ...

class OutcomeRecorded(_message.Message):
    __slots__ = ("member", "decision", "slot", "reward", "value", "recorded_at", "defaulted")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    DECISION_FIELD_NUMBER: _ClassVar[int]
    SLOT_FIELD_NUMBER: _ClassVar[int]
    REWARD_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    RECORDED_AT_FIELD_NUMBER: _ClassVar[int]
    DEFAULTED_FIELD_NUMBER: _ClassVar[int]
    member: str
    decision: str
    slot: str
    reward: str
    value: float
    recorded_at: _timestamp_pb2.Timestamp
    defaulted: bool
    def __init__(self, member: _Optional[str] = ..., decision: _Optional[str] = ..., slot: _Optional[str] = ..., reward: _Optional[str] = ..., value: _Optional[float] = ..., recorded_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., defaulted: _Optional[bool] = ...) -> None: ...
