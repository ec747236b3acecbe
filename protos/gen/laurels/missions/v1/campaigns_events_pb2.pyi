import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CampaignTriggered(_message.Message):
    __slots__ = ("member", "campaign", "occurrence", "occurred_at", "programme_version")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    CAMPAIGN_FIELD_NUMBER: _ClassVar[int]
    OCCURRENCE_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_AT_FIELD_NUMBER: _ClassVar[int]
    PROGRAMME_VERSION_FIELD_NUMBER: _ClassVar[int]
    member: str
    campaign: str
    occurrence: int
    occurred_at: _timestamp_pb2.Timestamp
    programme_version: int
    def __init__(self, member: _Optional[str] = ..., campaign: _Optional[str] = ..., occurrence: _Optional[int] = ..., occurred_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., programme_version: _Optional[int] = ...) -> None: ...

class MessageRequested(_message.Message):
    __slots__ = ("message", "member", "campaign", "channel", "template", "fields", "requested_at")
    class FieldsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    CAMPAIGN_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    TEMPLATE_FIELD_NUMBER: _ClassVar[int]
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    REQUESTED_AT_FIELD_NUMBER: _ClassVar[int]
    message: str
    member: str
    campaign: str
    channel: str
    template: str
    fields: _containers.ScalarMap[str, str]
    requested_at: _timestamp_pb2.Timestamp
    def __init__(self, message: _Optional[str] = ..., member: _Optional[str] = ..., campaign: _Optional[str] = ..., channel: _Optional[str] = ..., template: _Optional[str] = ..., fields: _Optional[_Mapping[str, str]] = ..., requested_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class OfferMade(_message.Message):
    __slots__ = ("offer", "member", "campaign", "reward", "expires_at")
    OFFER_FIELD_NUMBER: _ClassVar[int]
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    CAMPAIGN_FIELD_NUMBER: _ClassVar[int]
    REWARD_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    offer: str
    member: str
    campaign: str
    reward: str
    expires_at: _timestamp_pb2.Timestamp
    def __init__(self, offer: _Optional[str] = ..., member: _Optional[str] = ..., campaign: _Optional[str] = ..., reward: _Optional[str] = ..., expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class OfferAccepted(_message.Message):
    __slots__ = ("offer", "member", "campaign", "reward", "accepted_at")
    OFFER_FIELD_NUMBER: _ClassVar[int]
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    CAMPAIGN_FIELD_NUMBER: _ClassVar[int]
    REWARD_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_AT_FIELD_NUMBER: _ClassVar[int]
    offer: str
    member: str
    campaign: str
    reward: str
    accepted_at: _timestamp_pb2.Timestamp
    def __init__(self, offer: _Optional[str] = ..., member: _Optional[str] = ..., campaign: _Optional[str] = ..., reward: _Optional[str] = ..., accepted_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
