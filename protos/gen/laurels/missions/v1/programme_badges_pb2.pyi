from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class BadgeGradePolicy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BADGE_GRADE_POLICY_UNSPECIFIED: _ClassVar[BadgeGradePolicy]
    BADGE_GRADE_POLICY_REPLACES: _ClassVar[BadgeGradePolicy]
    BADGE_GRADE_POLICY_ADDS: _ClassVar[BadgeGradePolicy]
BADGE_GRADE_POLICY_UNSPECIFIED: BadgeGradePolicy
BADGE_GRADE_POLICY_REPLACES: BadgeGradePolicy
BADGE_GRADE_POLICY_ADDS: BadgeGradePolicy

class BadgeFamily(_message.Message):
    __slots__ = ("id", "name", "policy")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    POLICY_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    policy: BadgeGradePolicy
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., policy: _Optional[_Union[BadgeGradePolicy, str]] = ...) -> None: ...
