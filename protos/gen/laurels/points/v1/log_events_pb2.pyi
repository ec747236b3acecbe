from laurels.points.v1 import log_pb2 as _log_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CheckpointPublished(_message.Message):
    __slots__ = ("checkpoint", "public_key")
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    PUBLIC_KEY_FIELD_NUMBER: _ClassVar[int]
    checkpoint: _log_pb2.Checkpoint
    public_key: str
    def __init__(self, checkpoint: _Optional[_Union[_log_pb2.Checkpoint, _Mapping]] = ..., public_key: _Optional[str] = ...) -> None: ...
