import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from laurels.points.v1 import rewards_pb2 as _rewards_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RedemptionChanged(_message.Message):
    __slots__ = ("redemption", "member", "occurred_at", "balance")
    REDEMPTION_FIELD_NUMBER: _ClassVar[int]
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_AT_FIELD_NUMBER: _ClassVar[int]
    BALANCE_FIELD_NUMBER: _ClassVar[int]
    redemption: _rewards_pb2.Redemption
    member: str
    occurred_at: _timestamp_pb2.Timestamp
    balance: int
    def __init__(self, redemption: _Optional[_Union[_rewards_pb2.Redemption, _Mapping]] = ..., member: _Optional[str] = ..., occurred_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., balance: _Optional[int] = ...) -> None: ...
