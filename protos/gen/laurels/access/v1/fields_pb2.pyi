from google.protobuf import descriptor_pb2 as _descriptor_pb2
from google.protobuf import descriptor as _descriptor
from typing import ClassVar as _ClassVar

DESCRIPTOR: _descriptor.FileDescriptor
OTHER_MEMBER_FIELD_NUMBER: _ClassVar[int]
other_member: _descriptor.FieldDescriptor
OF_OTHER_MEMBER_FIELD_NUMBER: _ClassVar[int]
of_other_member: _descriptor.FieldDescriptor
