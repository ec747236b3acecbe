"""Members begin quizzes and surveys, answer them once, and finish them or run out of time.

An attempt is decided under the version of the programme that it was begun
under. What was answered when the time is over counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

import asyncpg

from chassis.book import Kind, Operation, Touched
from chassis.errors import FailedPrecondition, FieldViolation, IdempotencyConflict, InvalidArgument, NotFound
from laurels.missions.v1 import programme_quizzes_pb2, quizzes_events_pb2
from laurels.missions.v1 import quizzes_pb2 as pb
from services.missions import calendar, journal, quiz_rules
from services.missions.book import Book
from services.missions.moved import Moved
from services.missions.programme import MissionsRules
from services.missions.quiz_rules import Given
from services.missions.store import quizzes as rows
from services.missions.store.quizzes import FINISHED, OPEN, TIMED_OUT, Answer, Answers, Attempt, Record, RecordKey
from services.missions.store.tallies import count

RECORDS: Kind[RecordKey, Record] = Kind("quiz records", 62, rows.lock_records, rows.save_records)
ATTEMPTS: Kind[str, Attempt] = Kind("quiz attempts", 63, rows.lock_attempts, rows.save_attempts)
ANSWERS: Kind[str, Answers] = Kind("quiz answers", 64, rows.answers_of, rows.save_answers)


class UnknownQuiz(NotFound):
    """The programme has no such quiz or survey."""

    code = "unknown_quiz"

    def __init__(self, quiz: str) -> None:
        super().__init__(f"There is no quiz {quiz!r}.")


class UnknownAttempt(NotFound):
    """The member has no such attempt."""

    code = "unknown_attempt"

    def __init__(self, attempt: str) -> None:
        super().__init__(f"There is no attempt {attempt!r}.")


class QuizClosed(FailedPrecondition):
    """No attempt may begin now."""

    code = "quiz_closed"

    def __init__(self, quiz: str) -> None:
        super().__init__(f"The quiz {quiz!r} is not open now.")


class QuizDone(FailedPrecondition):
    """The member has passed the quiz, or answered the survey."""

    code = "quiz_finished"

    def __init__(self, quiz: str) -> None:
        super().__init__(f"The quiz {quiz!r} is passed or answered.")


class AttemptsUsedUp(FailedPrecondition):
    """The member has begun the quiz as often as they may."""

    code = "attempts_used_up"

    def __init__(self, most: int) -> None:
        super().__init__(f"The quiz was begun {most} times, which is the most.")


class AttemptFinished(FailedPrecondition):
    """The attempt has ended; it takes no more answers."""

    code = "attempt_finished"

    def __init__(self) -> None:
        super().__init__("The attempt is finished, or its time is over.")


class AlreadyAnswered(FailedPrecondition):
    """The question was answered otherwise in this attempt."""

    code = "already_answered"

    def __init__(self, question: str) -> None:
        super().__init__(f"The question {question!r} was answered before, and otherwise.")


@dataclass(frozen=True, slots=True)
class StartAsked:
    """A member begins a quiz under the newest version, `at` a moment."""

    request: pb.StartQuizRequest
    version: int
    at: datetime

    @property
    def attempt(self) -> str:
        """The id of the attempt that the member's key begins."""
        key = f"attempt:{self.request.member}:{self.request.idempotency_key}"
        return blake2b(key.encode(), digest_size=12).hexdigest()

    @property
    def record(self) -> RecordKey:
        return self.request.member, self.request.quiz


@dataclass(frozen=True, slots=True)
class AnswerAsked:
    """A member answers a question of an attempt, `at` a moment; `attempt` is as it was before."""

    request: pb.AnswerQuestionRequest
    attempt: Attempt
    at: datetime

    @property
    def given(self) -> Given:
        return Given(tuple(sorted(self.request.choices)), self.request.text.strip())


@dataclass(frozen=True, slots=True)
class AttemptDue:
    """An attempt, as it was, whose time may be over by `until`."""

    attempt: Attempt
    until: datetime


class Start(Operation):
    """Begins attempts; the answer is the id of the attempt that is begun or open."""

    requests = (StartAsked,)

    def version(self, asked: StartAsked) -> int:
        return asked.version

    async def find(
        self, connection: asyncpg.Connection, book: Book, rules: MissionsRules, requests: Sequence[StartAsked]
    ) -> dict[RecordKey, Attempt]:
        """The open attempts, by member and quiz."""
        records = await rows.records(connection, book.brand, [asked.record for asked in requests])
        names = {record.open_attempt: key for key, record in records.items() if record.open_attempt}
        found = await rows.attempts(connection, book.brand, list(names))
        return {names[name]: attempt for name, attempt in found.items()}

    def touch(self, asked: StartAsked, found: dict[RecordKey, Attempt], rules: MissionsRules, touched: Touched) -> None:
        touched.row(RECORDS, asked.record)
        touched.row(ATTEMPTS, asked.attempt)
        if (current := found.get(asked.record)) is not None:
            touched.follow.append(AttemptDue(current, asked.at))

    def decide(self, book: Book, rules: MissionsRules, asked: StartAsked) -> str:
        request, at = asked.request, asked.at
        known = book.row(ATTEMPTS, asked.attempt)
        if known is not None:
            if known.quiz != request.quiz:
                raise IdempotencyConflict(f"The key {request.idempotency_key!r} was used for another quiz.")
            return asked.attempt
        quiz = rules.quizzes.get(request.quiz)
        if quiz is None:
            raise UnknownQuiz(request.quiz)
        record = book.row(RECORDS, asked.record) or Record(request.member, request.quiz)
        current = book.row(ATTEMPTS, record.open_attempt) if record.open_attempt else None
        if record.open_attempt and current is None:
            raise Moved(f"{request.member} has begun another attempt just now")
        if current is not None and not _is_over(current, at):
            return current.attempt
        passes = record.passed_at is not None
        if current is not None:  # its time is over, and what it comes to is not decided yet
            passes = passes or quiz_rules.passes(_quiz(book, current), current.score)
        if passes:
            raise QuizDone(request.quiz)
        if record.attempts >= quiz_rules.attempts_max(quiz):
            raise AttemptsUsedUp(quiz_rules.attempts_max(quiz))
        if not _is_open(quiz, at):
            raise QuizClosed(request.quiz)
        if current is not None:
            _end(book, _quiz(book, current), current, TIMED_OUT, current.expires_at or at)
        record.attempts += 1
        record.open_attempt = asked.attempt
        book.put(RECORDS, asked.record, record)
        attempt = Attempt(
            attempt=asked.attempt,
            member=request.member,
            quiz=request.quiz,
            number=record.attempts,
            state=OPEN,
            started_at=at,
            expires_at=at + timedelta(seconds=quiz.time_limit_s) if quiz.time_limit_s else None,
            finished_at=None,
            score=0,
            answered=0,
            passed=False,
            programme_version=asked.version,
        )
        book.put(ATTEMPTS, attempt.attempt, attempt)
        return attempt.attempt


class AnswerOrEnd(Operation):
    """Takes answers, and ends attempts whose time is over."""

    requests = (AnswerAsked, AttemptDue)

    def version(self, request: AnswerAsked | AttemptDue) -> int:
        return request.attempt.programme_version

    async def find(
        self,
        connection: asyncpg.Connection,
        book: Book,
        rules: MissionsRules,
        requests: Sequence[AnswerAsked | AttemptDue],
    ) -> None:
        fed = [each.attempt.member for each in requests if _fed(each.attempt) in rules.by_feed]
        await journal.find_late(connection, book, fed)

    def touch(self, request: AnswerAsked | AttemptDue, found: None, rules: MissionsRules, touched: Touched) -> None:
        attempt = request.attempt
        if _fed(attempt) in rules.by_feed:
            journal.touch(touched, attempt.member, late=True)
        touched.row(RECORDS, (attempt.member, attempt.quiz))
        touched.row(ATTEMPTS, attempt.attempt)
        touched.row(ANSWERS, attempt.attempt)

    def decide(
        self, book: Book, rules: MissionsRules, request: AnswerAsked | AttemptDue
    ) -> pb.AnswerQuestionResponse | int:
        attempt = book.row(ATTEMPTS, request.attempt.attempt)
        if attempt is None:
            raise UnknownAttempt(request.attempt.attempt)
        quiz = rules.quizzes[attempt.quiz]
        if isinstance(request, AnswerAsked):
            return _answer(book, quiz, attempt, request)
        if attempt.state != OPEN or not _is_over(attempt, request.until):
            return 0
        _end(book, quiz, attempt, TIMED_OUT, attempt.expires_at or request.until)
        return 1


def shown(quiz: programme_quizzes_pb2.Quiz, attempt: Attempt, answers: dict[str, Answer]) -> pb.Attempt:
    """An attempt as its member sees it: without what is right."""
    found = pb.Attempt(
        attempt=attempt.attempt,
        quiz=attempt.quiz,
        number=attempt.number,
        state=attempt.state,  # type: ignore[arg-type]
        started_at=attempt.started_at,
        expires_at=attempt.expires_at,
        finished_at=attempt.finished_at,
        score=attempt.score,
        score_max=quiz_rules.score_max(quiz),
        passed=attempt.passed,
    )
    for question in quiz_rules.questions_of(quiz, attempt.attempt):
        asked = found.questions.add(
            question=question.id,
            text=question.text,
            kind=question.kind or programme_quizzes_pb2.QUESTION_KIND_SINGLE,
            optional=question.optional,
            points=quiz_rules.worth(quiz, question),
        )
        for choice in quiz_rules.choices_of(quiz, question, attempt.attempt):
            asked.choices.add(choice=choice.id, text=choice.text)
        if question.id in answers:
            asked.answer.CopyFrom(_shown_answer(answers[question.id]))
    return found


def _answer(
    book: Book, quiz: programme_quizzes_pb2.Quiz, attempt: Attempt, asked: AnswerAsked
) -> pb.AnswerQuestionResponse:
    request, given = asked.request, asked.given
    question = next((each for each in quiz.questions if each.id == request.question), None)
    if question is None:
        raise InvalidArgument.of([FieldViolation("question", f"{request.question!r} is not a question of the quiz")])
    if wrong := [FieldViolation(field, detail) for field, detail in quiz_rules.violations(question, given)]:
        raise InvalidArgument.of(wrong)
    answers = book.row(ANSWERS, attempt.attempt) or Answers(attempt.attempt, attempt.member)
    known = answers.by_question.get(question.id)
    if known is not None and known.given != given:
        raise AlreadyAnswered(question.id)
    if known is None:
        if attempt.state != OPEN or _is_over(attempt, asked.at):
            raise AttemptFinished
        right = quiz_rules.is_right(quiz, question, given)
        known = answers.by_question[question.id] = Answer(given, right, asked.at)
        answers.member = attempt.member
        answers.added.append(question.id)
        attempt.score = quiz_rules.score_of(quiz, {name: each.given for name, each in answers.by_question.items()})
        attempt.answered += 1
        book.put(ANSWERS, attempt.attempt, answers)
        book.put(ATTEMPTS, attempt.attempt, attempt)
        if attempt.answered == len(quiz.questions):
            _end(book, quiz, attempt, FINISHED, asked.at)
    return pb.AnswerQuestionResponse(
        answer=_shown_answer(known),
        state=attempt.state,  # type: ignore[arg-type]
        questions_left=len(quiz.questions) - attempt.answered,
        score=attempt.score,
        passed=attempt.passed,
    )


def _end(book: Book, quiz: programme_quizzes_pb2.Quiz, attempt: Attempt, state: int, at: datetime) -> None:
    """Ends an attempt, and says so. A survey counts only when it was answered in time."""
    survey = quiz_rules.is_survey(quiz)
    attempt.state, attempt.finished_at = state, at
    attempt.passed = quiz_rules.passes(quiz, attempt.score) and not (survey and state == TIMED_OUT)
    book.put(ATTEMPTS, attempt.attempt, attempt)
    if attempt.passed:
        moment = calendar.micros(at)
        rules: MissionsRules = book.rules(attempt.programme_version)
        journal.feed(book, rules, attempt.member, _fed(attempt), 1, at=moment, key=attempt.attempt)
    key = (attempt.member, attempt.quiz)
    record = book.row(RECORDS, key) or Record(*key)
    record.open_attempt = ""
    record.best_score = max(record.best_score, attempt.score)
    record.passed_at = record.passed_at or (at if attempt.passed else None)
    book.put(RECORDS, key, record)
    given = book.row(ANSWERS, attempt.attempt)
    answers = given.by_question if given is not None else {}
    if state == FINISHED:
        _count(book, quiz, attempt, answers)
    if not survey:
        told = quizzes_events_pb2.QuizFinished(
            member=attempt.member,
            quiz=attempt.quiz,
            attempt=attempt.attempt,
            number=attempt.number,
            score=attempt.score,
            score_max=quiz_rules.score_max(quiz),
            passed=attempt.passed,
            timed_out=state == TIMED_OUT,
            finished_at=at.astimezone(UTC),
            programme_version=attempt.programme_version,
        )
        book.tell(attempt.member, told)
    elif attempt.passed:
        answered = quizzes_events_pb2.SurveyAnswered(
            member=attempt.member,
            quiz=attempt.quiz,
            attempt=attempt.attempt,
            finished_at=at.astimezone(UTC),
            programme_version=attempt.programme_version,
        )
        for question in quiz.questions:
            answered.answers.add(question=question.id, choices=answers[question.id].given.choices)
        book.tell(attempt.member, answered)


def _count(book: Book, quiz: programme_quizzes_pb2.Quiz, attempt: Attempt, answers: dict[str, Answer]) -> None:
    """Counts what was chosen, for the report."""
    count(book, f"quiz:{quiz.id}", attempt.member, 1)
    for question, answer in answers.items():
        if answer.given != Given():
            count(book, f"answers:{quiz.id}:{question}", attempt.member, 1)
        for choice in answer.given.choices:
            count(book, f"choice:{quiz.id}:{question}:{choice}", attempt.member, 1)


def _fed(attempt: Attempt) -> str:
    """What a passed quiz is called where goals are fed."""
    return f"quiz:{attempt.quiz}"


def _quiz(book: Book, attempt: Attempt) -> programme_quizzes_pb2.Quiz:
    """The quiz as it was when an attempt that was touched was begun."""
    rules: MissionsRules = book.rules(attempt.programme_version)
    return rules.quizzes[attempt.quiz]


def _is_over(attempt: Attempt, at: datetime) -> bool:
    return attempt.expires_at is not None and attempt.expires_at <= at


def _is_open(quiz: programme_quizzes_pb2.Quiz, at: datetime) -> bool:
    begun = not quiz.HasField("begins_at") or quiz.begins_at.ToDatetime(tzinfo=UTC) <= at
    return begun and not (quiz.HasField("ends_at") and quiz.ends_at.ToDatetime(tzinfo=UTC) <= at)


def _shown_answer(answer: Answer) -> pb.GivenAnswer:
    return pb.GivenAnswer(
        choices=answer.given.choices,
        text=answer.given.text,
        right=answer.is_right,
        answered_at=answer.answered_at.astimezone(UTC),
    )


async def due_attempts(connection: asyncpg.Connection, brand: str, until: datetime, _at_once: int) -> AttemptDue | None:
    """Finds an open attempt whose time is over."""
    names = await rows.due(connection, brand, until, 1)
    found = await rows.attempts(connection, brand, names)
    return AttemptDue(found[names[0]], until) if names else None
