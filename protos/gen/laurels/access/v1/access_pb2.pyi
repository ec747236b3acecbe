from google.protobuf import descriptor_pb2 as _descriptor_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from typing import ClassVar as _ClassVar

DESCRIPTOR: _descriptor.FileDescriptor

class Scope(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SCOPE_UNSPECIFIED: _ClassVar[Scope]
    SCOPE_MEMBER: _ClassVar[Scope]
    SCOPE_SERVICE: _ClassVar[Scope]
    SCOPE_MANAGER: _ClassVar[Scope]
SCOPE_UNSPECIFIED: Scope
SCOPE_MEMBER: Scope
SCOPE_SERVICE: Scope
SCOPE_MANAGER: Scope
SCOPES_FIELD_NUMBER: _ClassVar[int]
scopes: _descriptor.FieldDescriptor
IDEMPOTENCY_KEY_REQUIRED_FIELD_NUMBER: _ClassVar[int]
idempotency_key_required: _descriptor.FieldDescriptor
