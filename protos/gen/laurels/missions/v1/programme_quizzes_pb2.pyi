import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class QuizKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    QUIZ_KIND_UNSPECIFIED: _ClassVar[QuizKind]
    QUIZ_KIND_QUIZ: _ClassVar[QuizKind]
    QUIZ_KIND_SURVEY: _ClassVar[QuizKind]

class QuestionKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    QUESTION_KIND_UNSPECIFIED: _ClassVar[QuestionKind]
    QUESTION_KIND_SINGLE: _ClassVar[QuestionKind]
    QUESTION_KIND_MULTIPLE: _ClassVar[QuestionKind]
    QUESTION_KIND_OPEN: _ClassVar[QuestionKind]
QUIZ_KIND_UNSPECIFIED: QuizKind
QUIZ_KIND_QUIZ: QuizKind
QUIZ_KIND_SURVEY: QuizKind
QUESTION_KIND_UNSPECIFIED: QuestionKind
QUESTION_KIND_SINGLE: QuestionKind
QUESTION_KIND_MULTIPLE: QuestionKind
QUESTION_KIND_OPEN: QuestionKind

class Quiz(_message.Message):
    __slots__ = ("id", "name", "kind", "questions", "attempts_max", "time_limit_s", "passing_percent", "shuffle_questions", "shuffle_choices", "begins_at", "ends_at")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    QUESTIONS_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_MAX_FIELD_NUMBER: _ClassVar[int]
    TIME_LIMIT_S_FIELD_NUMBER: _ClassVar[int]
    PASSING_PERCENT_FIELD_NUMBER: _ClassVar[int]
    SHUFFLE_QUESTIONS_FIELD_NUMBER: _ClassVar[int]
    SHUFFLE_CHOICES_FIELD_NUMBER: _ClassVar[int]
    BEGINS_AT_FIELD_NUMBER: _ClassVar[int]
    ENDS_AT_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    kind: QuizKind
    questions: _containers.RepeatedCompositeFieldContainer[Question]
    attempts_max: int
    time_limit_s: int
    passing_percent: int
    shuffle_questions: bool
    shuffle_choices: bool
    begins_at: _timestamp_pb2.Timestamp
    ends_at: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., kind: _Optional[_Union[QuizKind, str]] = ..., questions: _Optional[_Iterable[_Union[Question, _Mapping]]] = ..., attempts_max: _Optional[int] = ..., time_limit_s: _Optional[int] = ..., passing_percent: _Optional[int] = ..., shuffle_questions: _Optional[bool] = ..., shuffle_choices: _Optional[bool] = ..., begins_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., ends_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Question(_message.Message):
    __slots__ = ("id", "text", "kind", "choices", "points", "optional")
    ID_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    CHOICES_FIELD_NUMBER: _ClassVar[int]
    POINTS_FIELD_NUMBER: _ClassVar[int]
    OPTIONAL_FIELD_NUMBER: _ClassVar[int]
    id: str
    text: str
    kind: QuestionKind
    choices: _containers.RepeatedCompositeFieldContainer[Choice]
    points: int
    optional: bool
    def __init__(self, id: _Optional[str] = ..., text: _Optional[str] = ..., kind: _Optional[_Union[QuestionKind, str]] = ..., choices: _Optional[_Iterable[_Union[Choice, _Mapping]]] = ..., points: _Optional[int] = ..., optional: _Optional[bool] = ...) -> None: ...

class Choice(_message.Message):
    __slots__ = ("id", "text", "right")
    ID_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    RIGHT_FIELD_NUMBER: _ClassVar[int]
    id: str
    text: str
    right: bool
    def __init__(self, id: _Optional[str] = ..., text: _Optional[str] = ..., right: _Optional[bool] = ...) -> None: ...
