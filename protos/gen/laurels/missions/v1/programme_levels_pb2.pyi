from laurels.value.v1 import events_pb2 as _events_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class LevelLadder(_message.Message):
    __slots__ = ("currency", "levels")
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    LEVELS_FIELD_NUMBER: _ClassVar[int]
    currency: str
    levels: _containers.RepeatedCompositeFieldContainer[Level]
    def __init__(self, currency: _Optional[str] = ..., levels: _Optional[_Iterable[_Union[Level, _Mapping]]] = ...) -> None: ...

class Level(_message.Message):
    __slots__ = ("id", "name", "threshold", "rewards")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    REWARDS_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    threshold: int
    rewards: _containers.RepeatedCompositeFieldContainer[_events_pb2.Grant]
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., threshold: _Optional[int] = ..., rewards: _Optional[_Iterable[_Union[_events_pb2.Grant, _Mapping]]] = ...) -> None: ...
