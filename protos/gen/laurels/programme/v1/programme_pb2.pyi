import datetime

from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from laurels.access.v1 import access_pb2 as _access_pb2
from laurels.leaderboard.v1 import programme_pb2 as _programme_pb2
from laurels.missions.v1 import programme_pb2 as _programme_pb2_1
from laurels.points.v1 import programme_pb2 as _programme_pb2_1_1
from laurels.recommender.v1 import programme_pb2 as _programme_pb2_1_1_1
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AttributeKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ATTRIBUTE_KIND_UNSPECIFIED: _ClassVar[AttributeKind]
    ATTRIBUTE_KIND_INTEGER: _ClassVar[AttributeKind]
    ATTRIBUTE_KIND_NUMBER: _ClassVar[AttributeKind]
    ATTRIBUTE_KIND_TEXT: _ClassVar[AttributeKind]
    ATTRIBUTE_KIND_FLAG: _ClassVar[AttributeKind]
ATTRIBUTE_KIND_UNSPECIFIED: AttributeKind
ATTRIBUTE_KIND_INTEGER: AttributeKind
ATTRIBUTE_KIND_NUMBER: AttributeKind
ATTRIBUTE_KIND_TEXT: AttributeKind
ATTRIBUTE_KIND_FLAG: AttributeKind

class Programme(_message.Message):
    __slots__ = ("name", "time_zone", "activity_types", "points", "missions", "leaderboard", "recommender")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TIME_ZONE_FIELD_NUMBER: _ClassVar[int]
    ACTIVITY_TYPES_FIELD_NUMBER: _ClassVar[int]
    POINTS_FIELD_NUMBER: _ClassVar[int]
    MISSIONS_FIELD_NUMBER: _ClassVar[int]
    LEADERBOARD_FIELD_NUMBER: _ClassVar[int]
    RECOMMENDER_FIELD_NUMBER: _ClassVar[int]
    name: str
    time_zone: str
    activity_types: _containers.RepeatedCompositeFieldContainer[ActivityType]
    points: _programme_pb2_1_1.PointsProgramme
    missions: _programme_pb2_1.MissionsProgramme
    leaderboard: _programme_pb2.LeaderboardProgramme
    recommender: _programme_pb2_1_1_1.RecommenderProgramme
    def __init__(self, name: _Optional[str] = ..., time_zone: _Optional[str] = ..., activity_types: _Optional[_Iterable[_Union[ActivityType, _Mapping]]] = ..., points: _Optional[_Union[_programme_pb2_1_1.PointsProgramme, _Mapping]] = ..., missions: _Optional[_Union[_programme_pb2_1.MissionsProgramme, _Mapping]] = ..., leaderboard: _Optional[_Union[_programme_pb2.LeaderboardProgramme, _Mapping]] = ..., recommender: _Optional[_Union[_programme_pb2_1_1_1.RecommenderProgramme, _Mapping]] = ...) -> None: ...

class ActivityType(_message.Message):
    __slots__ = ("type", "attributes")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    type: str
    attributes: _containers.RepeatedCompositeFieldContainer[Attribute]
    def __init__(self, type: _Optional[str] = ..., attributes: _Optional[_Iterable[_Union[Attribute, _Mapping]]] = ...) -> None: ...

class Attribute(_message.Message):
    __slots__ = ("name", "kind", "required")
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    REQUIRED_FIELD_NUMBER: _ClassVar[int]
    name: str
    kind: AttributeKind
    required: bool
    def __init__(self, name: _Optional[str] = ..., kind: _Optional[_Union[AttributeKind, str]] = ..., required: _Optional[bool] = ...) -> None: ...

class GetProgrammeRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetProgrammeResponse(_message.Message):
    __slots__ = ("version", "programme", "applied_at", "adoptions")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    PROGRAMME_FIELD_NUMBER: _ClassVar[int]
    APPLIED_AT_FIELD_NUMBER: _ClassVar[int]
    ADOPTIONS_FIELD_NUMBER: _ClassVar[int]
    version: int
    programme: Programme
    applied_at: _timestamp_pb2.Timestamp
    adoptions: _containers.RepeatedCompositeFieldContainer[Adoption]
    def __init__(self, version: _Optional[int] = ..., programme: _Optional[_Union[Programme, _Mapping]] = ..., applied_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., adoptions: _Optional[_Iterable[_Union[Adoption, _Mapping]]] = ...) -> None: ...

class Adoption(_message.Message):
    __slots__ = ("service", "version")
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    service: str
    version: int
    def __init__(self, service: _Optional[str] = ..., version: _Optional[int] = ...) -> None: ...

class ApplyProgrammeRequest(_message.Message):
    __slots__ = ("programme", "expected_version")
    PROGRAMME_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_VERSION_FIELD_NUMBER: _ClassVar[int]
    programme: Programme
    expected_version: int
    def __init__(self, programme: _Optional[_Union[Programme, _Mapping]] = ..., expected_version: _Optional[int] = ...) -> None: ...

class ApplyProgrammeResponse(_message.Message):
    __slots__ = ("version", "changed")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CHANGED_FIELD_NUMBER: _ClassVar[int]
    version: int
    changed: bool
    def __init__(self, version: _Optional[int] = ..., changed: _Optional[bool] = ...) -> None: ...

class ValidateProgrammeRequest(_message.Message):
    __slots__ = ("programme",)
    PROGRAMME_FIELD_NUMBER: _ClassVar[int]
    programme: Programme
    def __init__(self, programme: _Optional[_Union[Programme, _Mapping]] = ...) -> None: ...

class ValidateProgrammeResponse(_message.Message):
    __slots__ = ("problems",)
    PROBLEMS_FIELD_NUMBER: _ClassVar[int]
    problems: _containers.RepeatedCompositeFieldContainer[Problem]
    def __init__(self, problems: _Optional[_Iterable[_Union[Problem, _Mapping]]] = ...) -> None: ...

class Problem(_message.Message):
    __slots__ = ("field", "detail")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    field: str
    detail: str
    def __init__(self, field: _Optional[str] = ..., detail: _Optional[str] = ...) -> None: ...
