import datetime

from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from laurels.access.v1 import access_pb2 as _access_pb2
from laurels.missions.v1 import programme_quizzes_pb2 as _programme_quizzes_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AttemptState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ATTEMPT_STATE_UNSPECIFIED: _ClassVar[AttemptState]
    ATTEMPT_STATE_OPEN: _ClassVar[AttemptState]
    ATTEMPT_STATE_FINISHED: _ClassVar[AttemptState]
    ATTEMPT_STATE_TIMED_OUT: _ClassVar[AttemptState]
ATTEMPT_STATE_UNSPECIFIED: AttemptState
ATTEMPT_STATE_OPEN: AttemptState
ATTEMPT_STATE_FINISHED: AttemptState
ATTEMPT_STATE_TIMED_OUT: AttemptState

class QuizStanding(_message.Message):
    __slots__ = ("quiz", "name", "kind", "questions", "attempts", "attempts_max", "time_limit_s", "best_score", "score_max", "passed", "open_attempt")
    QUIZ_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    QUESTIONS_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_MAX_FIELD_NUMBER: _ClassVar[int]
    TIME_LIMIT_S_FIELD_NUMBER: _ClassVar[int]
    BEST_SCORE_FIELD_NUMBER: _ClassVar[int]
    SCORE_MAX_FIELD_NUMBER: _ClassVar[int]
    PASSED_FIELD_NUMBER: _ClassVar[int]
    OPEN_ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    quiz: str
    name: str
    kind: _programme_quizzes_pb2.QuizKind
    questions: int
    attempts: int
    attempts_max: int
    time_limit_s: int
    best_score: int
    score_max: int
    passed: bool
    open_attempt: str
    def __init__(self, quiz: _Optional[str] = ..., name: _Optional[str] = ..., kind: _Optional[_Union[_programme_quizzes_pb2.QuizKind, str]] = ..., questions: _Optional[int] = ..., attempts: _Optional[int] = ..., attempts_max: _Optional[int] = ..., time_limit_s: _Optional[int] = ..., best_score: _Optional[int] = ..., score_max: _Optional[int] = ..., passed: _Optional[bool] = ..., open_attempt: _Optional[str] = ...) -> None: ...

class AskedQuestion(_message.Message):
    __slots__ = ("question", "text", "kind", "choices", "optional", "points", "answer")
    QUESTION_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    CHOICES_FIELD_NUMBER: _ClassVar[int]
    OPTIONAL_FIELD_NUMBER: _ClassVar[int]
    POINTS_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    question: str
    text: str
    kind: _programme_quizzes_pb2.QuestionKind
    choices: _containers.RepeatedCompositeFieldContainer[AskedChoice]
    optional: bool
    points: int
    answer: GivenAnswer
    def __init__(self, question: _Optional[str] = ..., text: _Optional[str] = ..., kind: _Optional[_Union[_programme_quizzes_pb2.QuestionKind, str]] = ..., choices: _Optional[_Iterable[_Union[AskedChoice, _Mapping]]] = ..., optional: _Optional[bool] = ..., points: _Optional[int] = ..., answer: _Optional[_Union[GivenAnswer, _Mapping]] = ...) -> None: ...

class AskedChoice(_message.Message):
    __slots__ = ("choice", "text")
    CHOICE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    choice: str
    text: str
    def __init__(self, choice: _Optional[str] = ..., text: _Optional[str] = ...) -> None: ...

class GivenAnswer(_message.Message):
    __slots__ = ("choices", "text", "right", "answered_at")
    CHOICES_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    RIGHT_FIELD_NUMBER: _ClassVar[int]
    ANSWERED_AT_FIELD_NUMBER: _ClassVar[int]
    choices: _containers.RepeatedScalarFieldContainer[str]
    text: str
    right: bool
    answered_at: _timestamp_pb2.Timestamp
    def __init__(self, choices: _Optional[_Iterable[str]] = ..., text: _Optional[str] = ..., right: _Optional[bool] = ..., answered_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Attempt(_message.Message):
    __slots__ = ("attempt", "quiz", "number", "state", "started_at", "expires_at", "finished_at", "score", "score_max", "passed", "questions")
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    QUIZ_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    FINISHED_AT_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    SCORE_MAX_FIELD_NUMBER: _ClassVar[int]
    PASSED_FIELD_NUMBER: _ClassVar[int]
    QUESTIONS_FIELD_NUMBER: _ClassVar[int]
    attempt: str
    quiz: str
    number: int
    state: AttemptState
    started_at: _timestamp_pb2.Timestamp
    expires_at: _timestamp_pb2.Timestamp
    finished_at: _timestamp_pb2.Timestamp
    score: int
    score_max: int
    passed: bool
    questions: _containers.RepeatedCompositeFieldContainer[AskedQuestion]
    def __init__(self, attempt: _Optional[str] = ..., quiz: _Optional[str] = ..., number: _Optional[int] = ..., state: _Optional[_Union[AttemptState, str]] = ..., started_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., finished_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., score: _Optional[int] = ..., score_max: _Optional[int] = ..., passed: _Optional[bool] = ..., questions: _Optional[_Iterable[_Union[AskedQuestion, _Mapping]]] = ...) -> None: ...

class ListQuizzesRequest(_message.Message):
    __slots__ = ("member",)
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    member: str
    def __init__(self, member: _Optional[str] = ...) -> None: ...

class ListQuizzesResponse(_message.Message):
    __slots__ = ("quizzes",)
    QUIZZES_FIELD_NUMBER: _ClassVar[int]
    quizzes: _containers.RepeatedCompositeFieldContainer[QuizStanding]
    def __init__(self, quizzes: _Optional[_Iterable[_Union[QuizStanding, _Mapping]]] = ...) -> None: ...

class StartQuizRequest(_message.Message):
    __slots__ = ("member", "quiz", "idempotency_key")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    QUIZ_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    member: str
    quiz: str
    idempotency_key: str
    def __init__(self, member: _Optional[str] = ..., quiz: _Optional[str] = ..., idempotency_key: _Optional[str] = ...) -> None: ...

class StartQuizResponse(_message.Message):
    __slots__ = ("attempt",)
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    attempt: Attempt
    def __init__(self, attempt: _Optional[_Union[Attempt, _Mapping]] = ...) -> None: ...

class AnswerQuestionRequest(_message.Message):
    __slots__ = ("member", "attempt", "question", "choices", "text")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    QUESTION_FIELD_NUMBER: _ClassVar[int]
    CHOICES_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    member: str
    attempt: str
    question: str
    choices: _containers.RepeatedScalarFieldContainer[str]
    text: str
    def __init__(self, member: _Optional[str] = ..., attempt: _Optional[str] = ..., question: _Optional[str] = ..., choices: _Optional[_Iterable[str]] = ..., text: _Optional[str] = ...) -> None: ...

class AnswerQuestionResponse(_message.Message):
    __slots__ = ("answer", "state", "questions_left", "score", "passed")
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    QUESTIONS_LEFT_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    PASSED_FIELD_NUMBER: _ClassVar[int]
    answer: GivenAnswer
    state: AttemptState
    questions_left: int
    score: int
    passed: bool
    def __init__(self, answer: _Optional[_Union[GivenAnswer, _Mapping]] = ..., state: _Optional[_Union[AttemptState, str]] = ..., questions_left: _Optional[int] = ..., score: _Optional[int] = ..., passed: _Optional[bool] = ...) -> None: ...

class GetAttemptRequest(_message.Message):
    __slots__ = ("member", "attempt")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    member: str
    attempt: str
    def __init__(self, member: _Optional[str] = ..., attempt: _Optional[str] = ...) -> None: ...

class GetAttemptResponse(_message.Message):
    __slots__ = ("attempt",)
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    attempt: Attempt
    def __init__(self, attempt: _Optional[_Union[Attempt, _Mapping]] = ...) -> None: ...

class GetSurveyReportRequest(_message.Message):
    __slots__ = ("quiz",)
    QUIZ_FIELD_NUMBER: _ClassVar[int]
    quiz: str
    def __init__(self, quiz: _Optional[str] = ...) -> None: ...

class GetSurveyReportResponse(_message.Message):
    __slots__ = ("quiz", "finished", "questions")
    QUIZ_FIELD_NUMBER: _ClassVar[int]
    FINISHED_FIELD_NUMBER: _ClassVar[int]
    QUESTIONS_FIELD_NUMBER: _ClassVar[int]
    quiz: str
    finished: int
    questions: _containers.RepeatedCompositeFieldContainer[QuestionCount]
    def __init__(self, quiz: _Optional[str] = ..., finished: _Optional[int] = ..., questions: _Optional[_Iterable[_Union[QuestionCount, _Mapping]]] = ...) -> None: ...

class QuestionCount(_message.Message):
    __slots__ = ("question", "text", "answers", "choices")
    QUESTION_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    ANSWERS_FIELD_NUMBER: _ClassVar[int]
    CHOICES_FIELD_NUMBER: _ClassVar[int]
    question: str
    text: str
    answers: int
    choices: _containers.RepeatedCompositeFieldContainer[ChoiceCount]
    def __init__(self, question: _Optional[str] = ..., text: _Optional[str] = ..., answers: _Optional[int] = ..., choices: _Optional[_Iterable[_Union[ChoiceCount, _Mapping]]] = ...) -> None: ...

class ChoiceCount(_message.Message):
    __slots__ = ("choice", "text", "answers")
    CHOICE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    ANSWERS_FIELD_NUMBER: _ClassVar[int]
    choice: str
    text: str
    answers: int
    def __init__(self, choice: _Optional[str] = ..., text: _Optional[str] = ..., answers: _Optional[int] = ...) -> None: ...
