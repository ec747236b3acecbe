import datetime

from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from laurels.access.v1 import access_pb2 as _access_pb2
from laurels.points.v1 import programme_pb2 as _programme_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RedemptionState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REDEMPTION_STATE_UNSPECIFIED: _ClassVar[RedemptionState]
    REDEMPTION_STATE_RESERVED: _ClassVar[RedemptionState]
    REDEMPTION_STATE_ISSUED: _ClassVar[RedemptionState]
    REDEMPTION_STATE_FULFILLED: _ClassVar[RedemptionState]
    REDEMPTION_STATE_CANCELLED: _ClassVar[RedemptionState]
    REDEMPTION_STATE_EXPIRED: _ClassVar[RedemptionState]
REDEMPTION_STATE_UNSPECIFIED: RedemptionState
REDEMPTION_STATE_RESERVED: RedemptionState
REDEMPTION_STATE_ISSUED: RedemptionState
REDEMPTION_STATE_FULFILLED: RedemptionState
REDEMPTION_STATE_CANCELLED: RedemptionState
REDEMPTION_STATE_EXPIRED: RedemptionState

class Redemption(_message.Message):
    __slots__ = ("redemption", "member", "reward", "kind", "state", "currency", "price", "code", "menu", "reference", "redeemed_at", "changed_at", "expires_at")
    REDEMPTION_FIELD_NUMBER: _ClassVar[int]
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    REWARD_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    MENU_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    REDEEMED_AT_FIELD_NUMBER: _ClassVar[int]
    CHANGED_AT_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    redemption: str
    member: str
    reward: str
    kind: _programme_pb2.RewardKind
    state: RedemptionState
    currency: str
    price: int
    code: str
    menu: str
    reference: str
    redeemed_at: _timestamp_pb2.Timestamp
    changed_at: _timestamp_pb2.Timestamp
    expires_at: _timestamp_pb2.Timestamp
    def __init__(self, redemption: _Optional[str] = ..., member: _Optional[str] = ..., reward: _Optional[str] = ..., kind: _Optional[_Union[_programme_pb2.RewardKind, str]] = ..., state: _Optional[_Union[RedemptionState, str]] = ..., currency: _Optional[str] = ..., price: _Optional[int] = ..., code: _Optional[str] = ..., menu: _Optional[str] = ..., reference: _Optional[str] = ..., redeemed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., changed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class RedeemRewardRequest(_message.Message):
    __slots__ = ("member", "reward", "currency", "menu", "reference", "idempotency_key")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    REWARD_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    MENU_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    member: str
    reward: str
    currency: str
    menu: str
    reference: str
    idempotency_key: str
    def __init__(self, member: _Optional[str] = ..., reward: _Optional[str] = ..., currency: _Optional[str] = ..., menu: _Optional[str] = ..., reference: _Optional[str] = ..., idempotency_key: _Optional[str] = ...) -> None: ...

class RedeemRewardResponse(_message.Message):
    __slots__ = ("redemption",)
    REDEMPTION_FIELD_NUMBER: _ClassVar[int]
    redemption: Redemption
    def __init__(self, redemption: _Optional[_Union[Redemption, _Mapping]] = ...) -> None: ...

class ListRedemptionsRequest(_message.Message):
    __slots__ = ("member", "page_size", "page_token")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    member: str
    page_size: int
    page_token: str
    def __init__(self, member: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListRedemptionsResponse(_message.Message):
    __slots__ = ("redemptions", "next_page_token")
    REDEMPTIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    redemptions: _containers.RepeatedCompositeFieldContainer[Redemption]
    next_page_token: str
    def __init__(self, redemptions: _Optional[_Iterable[_Union[Redemption, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetRedemptionRequest(_message.Message):
    __slots__ = ("member", "redemption")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    REDEMPTION_FIELD_NUMBER: _ClassVar[int]
    member: str
    redemption: str
    def __init__(self, member: _Optional[str] = ..., redemption: _Optional[str] = ...) -> None: ...

class GetRedemptionResponse(_message.Message):
    __slots__ = ("redemption",)
    REDEMPTION_FIELD_NUMBER: _ClassVar[int]
    redemption: Redemption
    def __init__(self, redemption: _Optional[_Union[Redemption, _Mapping]] = ...) -> None: ...

class FulfilRedemptionRequest(_message.Message):
    __slots__ = ("member", "redemption")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    REDEMPTION_FIELD_NUMBER: _ClassVar[int]
    member: str
    redemption: str
    def __init__(self, member: _Optional[str] = ..., redemption: _Optional[str] = ...) -> None: ...

class FulfilRedemptionResponse(_message.Message):
    __slots__ = ("redemption",)
    REDEMPTION_FIELD_NUMBER: _ClassVar[int]
    redemption: Redemption
    def __init__(self, redemption: _Optional[_Union[Redemption, _Mapping]] = ...) -> None: ...

class CancelRedemptionRequest(_message.Message):
    __slots__ = ("member", "redemption")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    REDEMPTION_FIELD_NUMBER: _ClassVar[int]
    member: str
    redemption: str
    def __init__(self, member: _Optional[str] = ..., redemption: _Optional[str] = ...) -> None: ...

class CancelRedemptionResponse(_message.Message):
    __slots__ = ("redemption",)
    REDEMPTION_FIELD_NUMBER: _ClassVar[int]
    redemption: Redemption
    def __init__(self, redemption: _Optional[_Union[Redemption, _Mapping]] = ...) -> None: ...

class ListPerkMenusRequest(_message.Message):
    __slots__ = ("member",)
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    member: str
    def __init__(self, member: _Optional[str] = ...) -> None: ...

class ListPerkMenusResponse(_message.Message):
    __slots__ = ("menus",)
    MENUS_FIELD_NUMBER: _ClassVar[int]
    menus: _containers.RepeatedCompositeFieldContainer[PerkMenuStanding]
    def __init__(self, menus: _Optional[_Iterable[_Union[PerkMenuStanding, _Mapping]]] = ...) -> None: ...

class PerkMenuStanding(_message.Message):
    __slots__ = ("menu", "name", "rewards", "chosen", "left")
    MENU_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    REWARDS_FIELD_NUMBER: _ClassVar[int]
    CHOSEN_FIELD_NUMBER: _ClassVar[int]
    LEFT_FIELD_NUMBER: _ClassVar[int]
    menu: str
    name: str
    rewards: _containers.RepeatedScalarFieldContainer[str]
    chosen: _containers.RepeatedScalarFieldContainer[str]
    left: int
    def __init__(self, menu: _Optional[str] = ..., name: _Optional[str] = ..., rewards: _Optional[_Iterable[str]] = ..., chosen: _Optional[_Iterable[str]] = ..., left: _Optional[int] = ...) -> None: ...

class ImportRewardCodesRequest(_message.Message):
    __slots__ = ("reward", "codes")
    REWARD_FIELD_NUMBER: _ClassVar[int]
    CODES_FIELD_NUMBER: _ClassVar[int]
    reward: str
    codes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, reward: _Optional[str] = ..., codes: _Optional[_Iterable[str]] = ...) -> None: ...

class ImportRewardCodesResponse(_message.Message):
    __slots__ = ("accepted", "duplicates", "conflicts")
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    DUPLICATES_FIELD_NUMBER: _ClassVar[int]
    CONFLICTS_FIELD_NUMBER: _ClassVar[int]
    accepted: int
    duplicates: int
    conflicts: int
    def __init__(self, accepted: _Optional[int] = ..., duplicates: _Optional[int] = ..., conflicts: _Optional[int] = ...) -> None: ...

class StreamRewardCodesRequest(_message.Message):
    __slots__ = ("reward", "codes")
    REWARD_FIELD_NUMBER: _ClassVar[int]
    CODES_FIELD_NUMBER: _ClassVar[int]
    reward: str
    codes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, reward: _Optional[str] = ..., codes: _Optional[_Iterable[str]] = ...) -> None: ...

class StreamRewardCodesResponse(_message.Message):
    __slots__ = ("accepted", "duplicates", "conflicts")
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    DUPLICATES_FIELD_NUMBER: _ClassVar[int]
    CONFLICTS_FIELD_NUMBER: _ClassVar[int]
    accepted: int
    duplicates: int
    conflicts: int
    def __init__(self, accepted: _Optional[int] = ..., duplicates: _Optional[int] = ..., conflicts: _Optional[int] = ...) -> None: ...

class GetRewardsReportRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetRewardsReportResponse(_message.Message):
    __slots__ = ("rewards",)
    REWARDS_FIELD_NUMBER: _ClassVar[int]
    rewards: _containers.RepeatedCompositeFieldContainer[RewardUse]
    def __init__(self, rewards: _Optional[_Iterable[_Union[RewardUse, _Mapping]]] = ...) -> None: ...

class RewardUse(_message.Message):
    __slots__ = ("reward", "name", "redeemed", "reserved", "cancelled", "stock_left", "codes_left", "costs")
    REWARD_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    REDEEMED_FIELD_NUMBER: _ClassVar[int]
    RESERVED_FIELD_NUMBER: _ClassVar[int]
    CANCELLED_FIELD_NUMBER: _ClassVar[int]
    STOCK_LEFT_FIELD_NUMBER: _ClassVar[int]
    CODES_LEFT_FIELD_NUMBER: _ClassVar[int]
    COSTS_FIELD_NUMBER: _ClassVar[int]
    reward: str
    name: str
    redeemed: int
    reserved: int
    cancelled: int
    stock_left: int
    codes_left: int
    costs: _containers.RepeatedCompositeFieldContainer[RewardCost]
    def __init__(self, reward: _Optional[str] = ..., name: _Optional[str] = ..., redeemed: _Optional[int] = ..., reserved: _Optional[int] = ..., cancelled: _Optional[int] = ..., stock_left: _Optional[int] = ..., codes_left: _Optional[int] = ..., costs: _Optional[_Iterable[_Union[RewardCost, _Mapping]]] = ...) -> None: ...

class RewardCost(_message.Message):
    __slots__ = ("currency", "amount")
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    currency: str
    amount: int
    def __init__(self, currency: _Optional[str] = ..., amount: _Optional[int] = ...) -> None: ...
