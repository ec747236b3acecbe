from laurels.recommender.v1 import programme_slots_pb2 as _programme_slots_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RecommenderProgramme(_message.Message):
    __slots__ = ("slots", "control_share")
    SLOTS_FIELD_NUMBER: _ClassVar[int]
    CONTROL_SHARE_FIELD_NUMBER: _ClassVar[int]
    slots: _containers.RepeatedCompositeFieldContainer[Slot]
    control_share: float
    def __init__(self, slots: _Optional[_Iterable[_Union[Slot, _Mapping]]] = ..., control_share: _Optional[float] = ...) -> None: ...

class Slot(_message.Message):
    __slots__ = ("id", "name", "rewards", "exploration", "choices", "eligibility", "budget", "caps", "count_max", "category_max", "outcome", "mode", "trial_share")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    REWARDS_FIELD_NUMBER: _ClassVar[int]
    EXPLORATION_FIELD_NUMBER: _ClassVar[int]
    CHOICES_FIELD_NUMBER: _ClassVar[int]
    ELIGIBILITY_FIELD_NUMBER: _ClassVar[int]
    BUDGET_FIELD_NUMBER: _ClassVar[int]
    CAPS_FIELD_NUMBER: _ClassVar[int]
    COUNT_MAX_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_MAX_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    TRIAL_SHARE_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    rewards: _containers.RepeatedScalarFieldContainer[str]
    exploration: float
    choices: _containers.RepeatedCompositeFieldContainer[_programme_slots_pb2.SlotChoice]
    eligibility: str
    budget: _programme_slots_pb2.SlotBudget
    caps: _containers.RepeatedCompositeFieldContainer[_programme_slots_pb2.SlotCap]
    count_max: int
    category_max: int
    outcome: _programme_slots_pb2.SlotOutcome
    mode: _programme_slots_pb2.SlotMode
    trial_share: float
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., rewards: _Optional[_Iterable[str]] = ..., exploration: _Optional[float] = ..., choices: _Optional[_Iterable[_Union[_programme_slots_pb2.SlotChoice, _Mapping]]] = ..., eligibility: _Optional[str] = ..., budget: _Optional[_Union[_programme_slots_pb2.SlotBudget, _Mapping]] = ..., caps: _Optional[_Iterable[_Union[_programme_slots_pb2.SlotCap, _Mapping]]] = ..., count_max: _Optional[int] = ..., category_max: _Optional[int] = ..., outcome: _Optional[_Union[_programme_slots_pb2.SlotOutcome, _Mapping]] = ..., mode: _Optional[_Union[_programme_slots_pb2.SlotMode, str]] = ..., trial_share: _Optional[float] = ...) -> None: ...
