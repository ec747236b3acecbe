import datetime

from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from laurels.access.v1 import access_pb2 as _access_pb2
from laurels.access.v1 import fields_pb2 as _fields_pb2
from laurels.points.v1 import points_pb2 as _points_pb2
from laurels.points.v1 import programme_groups_pb2 as _programme_groups_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GroupState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    GROUP_STATE_UNSPECIFIED: _ClassVar[GroupState]
    GROUP_STATE_ACTIVE: _ClassVar[GroupState]
    GROUP_STATE_DISSOLVED: _ClassVar[GroupState]

class GroupMemberState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    GROUP_MEMBER_STATE_UNSPECIFIED: _ClassVar[GroupMemberState]
    GROUP_MEMBER_STATE_INVITED: _ClassVar[GroupMemberState]
    GROUP_MEMBER_STATE_ACTIVE: _ClassVar[GroupMemberState]
    GROUP_MEMBER_STATE_LEFT: _ClassVar[GroupMemberState]
GROUP_STATE_UNSPECIFIED: GroupState
GROUP_STATE_ACTIVE: GroupState
GROUP_STATE_DISSOLVED: GroupState
GROUP_MEMBER_STATE_UNSPECIFIED: GroupMemberState
GROUP_MEMBER_STATE_INVITED: GroupMemberState
GROUP_MEMBER_STATE_ACTIVE: GroupMemberState
GROUP_MEMBER_STATE_LEFT: GroupMemberState

class Group(_message.Message):
    __slots__ = ("group", "kind", "name", "owner", "state", "size", "made_at")
    GROUP_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    MADE_AT_FIELD_NUMBER: _ClassVar[int]
    group: str
    kind: str
    name: str
    owner: str
    state: GroupState
    size: int
    made_at: _timestamp_pb2.Timestamp
    def __init__(self, group: _Optional[str] = ..., kind: _Optional[str] = ..., name: _Optional[str] = ..., owner: _Optional[str] = ..., state: _Optional[_Union[GroupState, str]] = ..., size: _Optional[int] = ..., made_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class GroupMember(_message.Message):
    __slots__ = ("member", "role", "state", "contributed", "joined_at")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CONTRIBUTED_FIELD_NUMBER: _ClassVar[int]
    JOINED_AT_FIELD_NUMBER: _ClassVar[int]
    member: str
    role: _programme_groups_pb2.GroupRole
    state: GroupMemberState
    contributed: _containers.RepeatedCompositeFieldContainer[GroupContribution]
    joined_at: _timestamp_pb2.Timestamp
    def __init__(self, member: _Optional[str] = ..., role: _Optional[_Union[_programme_groups_pb2.GroupRole, str]] = ..., state: _Optional[_Union[GroupMemberState, str]] = ..., contributed: _Optional[_Iterable[_Union[GroupContribution, _Mapping]]] = ..., joined_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class GroupContribution(_message.Message):
    __slots__ = ("currency", "amount")
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    currency: str
    amount: int
    def __init__(self, currency: _Optional[str] = ..., amount: _Optional[int] = ...) -> None: ...

class Membership(_message.Message):
    __slots__ = ("group", "place")
    GROUP_FIELD_NUMBER: _ClassVar[int]
    PLACE_FIELD_NUMBER: _ClassVar[int]
    group: Group
    place: GroupMember
    def __init__(self, group: _Optional[_Union[Group, _Mapping]] = ..., place: _Optional[_Union[GroupMember, _Mapping]] = ...) -> None: ...

class GroupEntry(_message.Message):
    __slots__ = ("id", "currency", "amount", "balance", "kind", "reference", "occurred_at", "member")
    ID_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    BALANCE_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_AT_FIELD_NUMBER: _ClassVar[int]
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    id: int
    currency: str
    amount: int
    balance: int
    kind: _points_pb2.EntryKind
    reference: str
    occurred_at: _timestamp_pb2.Timestamp
    member: str
    def __init__(self, id: _Optional[int] = ..., currency: _Optional[str] = ..., amount: _Optional[int] = ..., balance: _Optional[int] = ..., kind: _Optional[_Union[_points_pb2.EntryKind, str]] = ..., reference: _Optional[str] = ..., occurred_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., member: _Optional[str] = ...) -> None: ...

class CreateGroupRequest(_message.Message):
    __slots__ = ("member", "kind", "name", "idempotency_key")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    member: str
    kind: str
    name: str
    idempotency_key: str
    def __init__(self, member: _Optional[str] = ..., kind: _Optional[str] = ..., name: _Optional[str] = ..., idempotency_key: _Optional[str] = ...) -> None: ...

class CreateGroupResponse(_message.Message):
    __slots__ = ("group",)
    GROUP_FIELD_NUMBER: _ClassVar[int]
    group: Group
    def __init__(self, group: _Optional[_Union[Group, _Mapping]] = ...) -> None: ...

class ListMemberGroupsRequest(_message.Message):
    __slots__ = ("member",)
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    member: str
    def __init__(self, member: _Optional[str] = ...) -> None: ...

class ListMemberGroupsResponse(_message.Message):
    __slots__ = ("groups",)
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    groups: _containers.RepeatedCompositeFieldContainer[Membership]
    def __init__(self, groups: _Optional[_Iterable[_Union[Membership, _Mapping]]] = ...) -> None: ...

class GetGroupRequest(_message.Message):
    __slots__ = ("group",)
    GROUP_FIELD_NUMBER: _ClassVar[int]
    group: str
    def __init__(self, group: _Optional[str] = ...) -> None: ...

class GetGroupResponse(_message.Message):
    __slots__ = ("group", "members", "wallets")
    GROUP_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    WALLETS_FIELD_NUMBER: _ClassVar[int]
    group: Group
    members: _containers.RepeatedCompositeFieldContainer[GroupMember]
    wallets: _containers.RepeatedCompositeFieldContainer[_points_pb2.Wallet]
    def __init__(self, group: _Optional[_Union[Group, _Mapping]] = ..., members: _Optional[_Iterable[_Union[GroupMember, _Mapping]]] = ..., wallets: _Optional[_Iterable[_Union[_points_pb2.Wallet, _Mapping]]] = ...) -> None: ...

class ListGroupEntriesRequest(_message.Message):
    __slots__ = ("group", "page_size", "page_token")
    GROUP_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    group: str
    page_size: int
    page_token: str
    def __init__(self, group: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListGroupEntriesResponse(_message.Message):
    __slots__ = ("entries", "next_page_token")
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[GroupEntry]
    next_page_token: str
    def __init__(self, entries: _Optional[_Iterable[_Union[GroupEntry, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class InviteToGroupRequest(_message.Message):
    __slots__ = ("group", "member", "target", "role")
    GROUP_FIELD_NUMBER: _ClassVar[int]
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    group: str
    member: str
    target: str
    role: _programme_groups_pb2.GroupRole
    def __init__(self, group: _Optional[str] = ..., member: _Optional[str] = ..., target: _Optional[str] = ..., role: _Optional[_Union[_programme_groups_pb2.GroupRole, str]] = ...) -> None: ...

class InviteToGroupResponse(_message.Message):
    __slots__ = ("group",)
    GROUP_FIELD_NUMBER: _ClassVar[int]
    group: Group
    def __init__(self, group: _Optional[_Union[Group, _Mapping]] = ...) -> None: ...

class AddToGroupRequest(_message.Message):
    __slots__ = ("group", "target", "role")
    GROUP_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    group: str
    target: str
    role: _programme_groups_pb2.GroupRole
    def __init__(self, group: _Optional[str] = ..., target: _Optional[str] = ..., role: _Optional[_Union[_programme_groups_pb2.GroupRole, str]] = ...) -> None: ...

class AddToGroupResponse(_message.Message):
    __slots__ = ("group",)
    GROUP_FIELD_NUMBER: _ClassVar[int]
    group: Group
    def __init__(self, group: _Optional[_Union[Group, _Mapping]] = ...) -> None: ...

class JoinGroupRequest(_message.Message):
    __slots__ = ("member", "group")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    member: str
    group: str
    def __init__(self, member: _Optional[str] = ..., group: _Optional[str] = ...) -> None: ...

class JoinGroupResponse(_message.Message):
    __slots__ = ("group",)
    GROUP_FIELD_NUMBER: _ClassVar[int]
    group: Group
    def __init__(self, group: _Optional[_Union[Group, _Mapping]] = ...) -> None: ...

class LeaveGroupRequest(_message.Message):
    __slots__ = ("member", "group")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    member: str
    group: str
    def __init__(self, member: _Optional[str] = ..., group: _Optional[str] = ...) -> None: ...

class LeaveGroupResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class RemoveFromGroupRequest(_message.Message):
    __slots__ = ("group", "member", "target")
    GROUP_FIELD_NUMBER: _ClassVar[int]
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    group: str
    member: str
    target: str
    def __init__(self, group: _Optional[str] = ..., member: _Optional[str] = ..., target: _Optional[str] = ...) -> None: ...

class RemoveFromGroupResponse(_message.Message):
    __slots__ = ("group",)
    GROUP_FIELD_NUMBER: _ClassVar[int]
    group: Group
    def __init__(self, group: _Optional[_Union[Group, _Mapping]] = ...) -> None: ...

class ChangeGroupRoleRequest(_message.Message):
    __slots__ = ("group", "member", "target", "role")
    GROUP_FIELD_NUMBER: _ClassVar[int]
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    group: str
    member: str
    target: str
    role: _programme_groups_pb2.GroupRole
    def __init__(self, group: _Optional[str] = ..., member: _Optional[str] = ..., target: _Optional[str] = ..., role: _Optional[_Union[_programme_groups_pb2.GroupRole, str]] = ...) -> None: ...

class ChangeGroupRoleResponse(_message.Message):
    __slots__ = ("group",)
    GROUP_FIELD_NUMBER: _ClassVar[int]
    group: Group
    def __init__(self, group: _Optional[_Union[Group, _Mapping]] = ...) -> None: ...

class DissolveGroupRequest(_message.Message):
    __slots__ = ("group", "member", "idempotency_key")
    GROUP_FIELD_NUMBER: _ClassVar[int]
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    group: str
    member: str
    idempotency_key: str
    def __init__(self, group: _Optional[str] = ..., member: _Optional[str] = ..., idempotency_key: _Optional[str] = ...) -> None: ...

class DissolveGroupResponse(_message.Message):
    __slots__ = ("group",)
    GROUP_FIELD_NUMBER: _ClassVar[int]
    group: Group
    def __init__(self, group: _Optional[_Union[Group, _Mapping]] = ...) -> None: ...

class SpendFromGroupRequest(_message.Message):
    __slots__ = ("group", "currency", "member", "amount", "reference", "idempotency_key")
    GROUP_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    group: str
    currency: str
    member: str
    amount: int
    reference: str
    idempotency_key: str
    def __init__(self, group: _Optional[str] = ..., currency: _Optional[str] = ..., member: _Optional[str] = ..., amount: _Optional[int] = ..., reference: _Optional[str] = ..., idempotency_key: _Optional[str] = ...) -> None: ...

class SpendFromGroupResponse(_message.Message):
    __slots__ = ("entry",)
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    entry: GroupEntry
    def __init__(self, entry: _Optional[_Union[GroupEntry, _Mapping]] = ...) -> None: ...

class ContributeToGroupRequest(_message.Message):
    __slots__ = ("group", "currency", "member", "amount", "reference", "idempotency_key")
    GROUP_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    group: str
    currency: str
    member: str
    amount: int
    reference: str
    idempotency_key: str
    def __init__(self, group: _Optional[str] = ..., currency: _Optional[str] = ..., member: _Optional[str] = ..., amount: _Optional[int] = ..., reference: _Optional[str] = ..., idempotency_key: _Optional[str] = ...) -> None: ...

class ContributeToGroupResponse(_message.Message):
    __slots__ = ("entry",)
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    entry: GroupEntry
    def __init__(self, entry: _Optional[_Union[GroupEntry, _Mapping]] = ...) -> None: ...

class GivePointsRequest(_message.Message):
    __slots__ = ("member", "currency", "to", "amount", "reference", "idempotency_key")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    member: str
    currency: str
    to: str
    amount: int
    reference: str
    idempotency_key: str
    def __init__(self, member: _Optional[str] = ..., currency: _Optional[str] = ..., to: _Optional[str] = ..., amount: _Optional[int] = ..., reference: _Optional[str] = ..., idempotency_key: _Optional[str] = ...) -> None: ...

class GivePointsResponse(_message.Message):
    __slots__ = ("entry",)
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    entry: _points_pb2.Entry
    def __init__(self, entry: _Optional[_Union[_points_pb2.Entry, _Mapping]] = ...) -> None: ...

class GetReferralRequest(_message.Message):
    __slots__ = ("member",)
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    member: str
    def __init__(self, member: _Optional[str] = ...) -> None: ...

class GetReferralResponse(_message.Message):
    __slots__ = ("code", "claimed", "completed", "rewarded", "currency", "referred_by_code")
    CODE_FIELD_NUMBER: _ClassVar[int]
    CLAIMED_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_FIELD_NUMBER: _ClassVar[int]
    REWARDED_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    REFERRED_BY_CODE_FIELD_NUMBER: _ClassVar[int]
    code: str
    claimed: int
    completed: int
    rewarded: int
    currency: str
    referred_by_code: str
    def __init__(self, code: _Optional[str] = ..., claimed: _Optional[int] = ..., completed: _Optional[int] = ..., rewarded: _Optional[int] = ..., currency: _Optional[str] = ..., referred_by_code: _Optional[str] = ...) -> None: ...

class ClaimReferralRequest(_message.Message):
    __slots__ = ("member", "code")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    member: str
    code: str
    def __init__(self, member: _Optional[str] = ..., code: _Optional[str] = ...) -> None: ...

class ClaimReferralResponse(_message.Message):
    __slots__ = ("code",)
    CODE_FIELD_NUMBER: _ClassVar[int]
    code: str
    def __init__(self, code: _Optional[str] = ...) -> None: ...

class GetReferralsReportRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetReferralsReportResponse(_message.Message):
    __slots__ = ("claimed", "completed", "capped", "referrers_rewarded", "referees_rewarded", "referrers")
    CLAIMED_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_FIELD_NUMBER: _ClassVar[int]
    CAPPED_FIELD_NUMBER: _ClassVar[int]
    REFERRERS_REWARDED_FIELD_NUMBER: _ClassVar[int]
    REFEREES_REWARDED_FIELD_NUMBER: _ClassVar[int]
    REFERRERS_FIELD_NUMBER: _ClassVar[int]
    claimed: int
    completed: int
    capped: int
    referrers_rewarded: int
    referees_rewarded: int
    referrers: int
    def __init__(self, claimed: _Optional[int] = ..., completed: _Optional[int] = ..., capped: _Optional[int] = ..., referrers_rewarded: _Optional[int] = ..., referees_rewarded: _Optional[int] = ..., referrers: _Optional[int] = ...) -> None: ...
