import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class QuizFinished(_message.Message):
    __slots__ = ("member", "quiz", "attempt", "number", "score", "score_max", "passed", "timed_out", "finished_at", "programme_version")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    QUIZ_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    SCORE_MAX_FIELD_NUMBER: _ClassVar[int]
    PASSED_FIELD_NUMBER: _ClassVar[int]
    TIMED_OUT_FIELD_NUMBER: _ClassVar[int]
    FINISHED_AT_FIELD_NUMBER: _ClassVar[int]
    PROGRAMME_VERSION_FIELD_NUMBER: _ClassVar[int]
    member: str
    quiz: str
    attempt: str
    number: int
    score: int
    score_max: int
    passed: bool
    timed_out: bool
    finished_at: _timestamp_pb2.Timestamp
    programme_version: int
    def __init__(self, member: _Optional[str] = ..., quiz: _Optional[str] = ..., attempt: _Optional[str] = ..., number: _Optional[int] = ..., score: _Optional[int] = ..., score_max: _Optional[int] = ..., passed: _Optional[bool] = ..., timed_out: _Optional[bool] = ..., finished_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., programme_version: _Optional[int] = ...) -> None: ...

class SurveyAnswered(_message.Message):
    __slots__ = ("member", "quiz", "attempt", "answers", "finished_at", "programme_version")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    QUIZ_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    ANSWERS_FIELD_NUMBER: _ClassVar[int]
    FINISHED_AT_FIELD_NUMBER: _ClassVar[int]
    PROGRAMME_VERSION_FIELD_NUMBER: _ClassVar[int]
    member: str
    quiz: str
    attempt: str
    answers: _containers.RepeatedCompositeFieldContainer[SurveyChoice]
    finished_at: _timestamp_pb2.Timestamp
    programme_version: int
    def __init__(self, member: _Optional[str] = ..., quiz: _Optional[str] = ..., attempt: _Optional[str] = ..., answers: _Optional[_Iterable[_Union[SurveyChoice, _Mapping]]] = ..., finished_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., programme_version: _Optional[int] = ...) -> None: ...

class SurveyChoice(_message.Message):
    __slots__ = ("question", "choices")
    QUESTION_FIELD_NUMBER: _ClassVar[int]
    CHOICES_FIELD_NUMBER: _ClassVar[int]
    question: str
    choices: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, question: _Optional[str] = ..., choices: _Optional[_Iterable[str]] = ...) -> None: ...
