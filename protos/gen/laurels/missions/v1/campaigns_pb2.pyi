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

class SuppressionReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SUPPRESSION_REASON_UNSPECIFIED: _ClassVar[SuppressionReason]
    SUPPRESSION_REASON_OCCURRENCES: _ClassVar[SuppressionReason]
    SUPPRESSION_REASON_CAMPAIGN_CAP: _ClassVar[SuppressionReason]
    SUPPRESSION_REASON_OVERALL_CAP: _ClassVar[SuppressionReason]
    SUPPRESSION_REASON_NO_CONSENT: _ClassVar[SuppressionReason]
    SUPPRESSION_REASON_BUDGET: _ClassVar[SuppressionReason]

class OfferState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OFFER_STATE_UNSPECIFIED: _ClassVar[OfferState]
    OFFER_STATE_OPEN: _ClassVar[OfferState]
    OFFER_STATE_ACCEPTED: _ClassVar[OfferState]
    OFFER_STATE_EXPIRED: _ClassVar[OfferState]

class MessageState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MESSAGE_STATE_UNSPECIFIED: _ClassVar[MessageState]
    MESSAGE_STATE_WAITING: _ClassVar[MessageState]
    MESSAGE_STATE_REQUESTED: _ClassVar[MessageState]
    MESSAGE_STATE_DROPPED: _ClassVar[MessageState]
SUPPRESSION_REASON_UNSPECIFIED: SuppressionReason
SUPPRESSION_REASON_OCCURRENCES: SuppressionReason
SUPPRESSION_REASON_CAMPAIGN_CAP: SuppressionReason
SUPPRESSION_REASON_OVERALL_CAP: SuppressionReason
SUPPRESSION_REASON_NO_CONSENT: SuppressionReason
SUPPRESSION_REASON_BUDGET: SuppressionReason
OFFER_STATE_UNSPECIFIED: OfferState
OFFER_STATE_OPEN: OfferState
OFFER_STATE_ACCEPTED: OfferState
OFFER_STATE_EXPIRED: OfferState
MESSAGE_STATE_UNSPECIFIED: MessageState
MESSAGE_STATE_WAITING: MessageState
MESSAGE_STATE_REQUESTED: MessageState
MESSAGE_STATE_DROPPED: MessageState

class GetCampaignsReportRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetCampaignsReportResponse(_message.Message):
    __slots__ = ("campaigns",)
    CAMPAIGNS_FIELD_NUMBER: _ClassVar[int]
    campaigns: _containers.RepeatedCompositeFieldContainer[CampaignCount]
    def __init__(self, campaigns: _Optional[_Iterable[_Union[CampaignCount, _Mapping]]] = ...) -> None: ...

class CampaignCount(_message.Message):
    __slots__ = ("campaign", "name", "triggered", "happened", "control", "members", "control_members", "suppressed", "effects", "messages_waiting", "messages_requested", "messages_dropped", "deliveries_delivered", "deliveries_waiting", "deliveries_dead")
    CAMPAIGN_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    TRIGGERED_FIELD_NUMBER: _ClassVar[int]
    HAPPENED_FIELD_NUMBER: _ClassVar[int]
    CONTROL_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    CONTROL_MEMBERS_FIELD_NUMBER: _ClassVar[int]
    SUPPRESSED_FIELD_NUMBER: _ClassVar[int]
    EFFECTS_FIELD_NUMBER: _ClassVar[int]
    MESSAGES_WAITING_FIELD_NUMBER: _ClassVar[int]
    MESSAGES_REQUESTED_FIELD_NUMBER: _ClassVar[int]
    MESSAGES_DROPPED_FIELD_NUMBER: _ClassVar[int]
    DELIVERIES_DELIVERED_FIELD_NUMBER: _ClassVar[int]
    DELIVERIES_WAITING_FIELD_NUMBER: _ClassVar[int]
    DELIVERIES_DEAD_FIELD_NUMBER: _ClassVar[int]
    campaign: str
    name: str
    triggered: int
    happened: int
    control: int
    members: int
    control_members: int
    suppressed: _containers.RepeatedCompositeFieldContainer[SuppressedCount]
    effects: _containers.RepeatedCompositeFieldContainer[EffectCount]
    messages_waiting: int
    messages_requested: int
    messages_dropped: int
    deliveries_delivered: int
    deliveries_waiting: int
    deliveries_dead: int
    def __init__(self, campaign: _Optional[str] = ..., name: _Optional[str] = ..., triggered: _Optional[int] = ..., happened: _Optional[int] = ..., control: _Optional[int] = ..., members: _Optional[int] = ..., control_members: _Optional[int] = ..., suppressed: _Optional[_Iterable[_Union[SuppressedCount, _Mapping]]] = ..., effects: _Optional[_Iterable[_Union[EffectCount, _Mapping]]] = ..., messages_waiting: _Optional[int] = ..., messages_requested: _Optional[int] = ..., messages_dropped: _Optional[int] = ..., deliveries_delivered: _Optional[int] = ..., deliveries_waiting: _Optional[int] = ..., deliveries_dead: _Optional[int] = ...) -> None: ...

class SuppressedCount(_message.Message):
    __slots__ = ("reason", "times")
    REASON_FIELD_NUMBER: _ClassVar[int]
    TIMES_FIELD_NUMBER: _ClassVar[int]
    reason: SuppressionReason
    times: int
    def __init__(self, reason: _Optional[_Union[SuppressionReason, str]] = ..., times: _Optional[int] = ...) -> None: ...

class EffectCount(_message.Message):
    __slots__ = ("kind", "times")
    KIND_FIELD_NUMBER: _ClassVar[int]
    TIMES_FIELD_NUMBER: _ClassVar[int]
    kind: str
    times: int
    def __init__(self, kind: _Optional[str] = ..., times: _Optional[int] = ...) -> None: ...

class Offer(_message.Message):
    __slots__ = ("offer", "campaign", "reward", "state", "offered_at", "expires_at", "accepted_at")
    OFFER_FIELD_NUMBER: _ClassVar[int]
    CAMPAIGN_FIELD_NUMBER: _ClassVar[int]
    REWARD_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    OFFERED_AT_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_AT_FIELD_NUMBER: _ClassVar[int]
    offer: str
    campaign: str
    reward: str
    state: OfferState
    offered_at: _timestamp_pb2.Timestamp
    expires_at: _timestamp_pb2.Timestamp
    accepted_at: _timestamp_pb2.Timestamp
    def __init__(self, offer: _Optional[str] = ..., campaign: _Optional[str] = ..., reward: _Optional[str] = ..., state: _Optional[_Union[OfferState, str]] = ..., offered_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., accepted_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ListOffersRequest(_message.Message):
    __slots__ = ("member",)
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    member: str
    def __init__(self, member: _Optional[str] = ...) -> None: ...

class ListOffersResponse(_message.Message):
    __slots__ = ("offers",)
    OFFERS_FIELD_NUMBER: _ClassVar[int]
    offers: _containers.RepeatedCompositeFieldContainer[Offer]
    def __init__(self, offers: _Optional[_Iterable[_Union[Offer, _Mapping]]] = ...) -> None: ...

class AcceptOfferRequest(_message.Message):
    __slots__ = ("member", "offer", "idempotency_key")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    OFFER_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    member: str
    offer: str
    idempotency_key: str
    def __init__(self, member: _Optional[str] = ..., offer: _Optional[str] = ..., idempotency_key: _Optional[str] = ...) -> None: ...

class AcceptOfferResponse(_message.Message):
    __slots__ = ("offer",)
    OFFER_FIELD_NUMBER: _ClassVar[int]
    offer: Offer
    def __init__(self, offer: _Optional[_Union[Offer, _Mapping]] = ...) -> None: ...

class Message(_message.Message):
    __slots__ = ("message", "campaign", "channel", "template", "fields", "state", "occurred_at", "due_at")
    class FieldsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    CAMPAIGN_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    TEMPLATE_FIELD_NUMBER: _ClassVar[int]
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_AT_FIELD_NUMBER: _ClassVar[int]
    DUE_AT_FIELD_NUMBER: _ClassVar[int]
    message: str
    campaign: str
    channel: str
    template: str
    fields: _containers.ScalarMap[str, str]
    state: MessageState
    occurred_at: _timestamp_pb2.Timestamp
    due_at: _timestamp_pb2.Timestamp
    def __init__(self, message: _Optional[str] = ..., campaign: _Optional[str] = ..., channel: _Optional[str] = ..., template: _Optional[str] = ..., fields: _Optional[_Mapping[str, str]] = ..., state: _Optional[_Union[MessageState, str]] = ..., occurred_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., due_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ListMessagesRequest(_message.Message):
    __slots__ = ("member", "page_size", "page_token")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    member: str
    page_size: int
    page_token: str
    def __init__(self, member: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListMessagesResponse(_message.Message):
    __slots__ = ("messages", "next_page_token")
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    messages: _containers.RepeatedCompositeFieldContainer[Message]
    next_page_token: str
    def __init__(self, messages: _Optional[_Iterable[_Union[Message, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...
