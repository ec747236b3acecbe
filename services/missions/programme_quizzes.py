"""The quizzes and surveys of a programme, checked. No sentence tells which choice is right."""

from collections.abc import Sequence

from chassis.errors import FieldViolation
from laurels.missions.v1 import programme_quizzes_pb2 as pb
from services.missions.quiz_rules import is_survey
from services.programme import Problems

QUIZZES_MAX, QUESTIONS_MAX, CHOICES_MAX, POINTS_MAX = 1_000, 100, 20, 1_000
ATTEMPTS_MAX, TIME_LIMIT_S_MAX = 100, 86_400
QUESTION_LENGTH_MAX, CHOICE_LENGTH_MAX = 1_000, 500


def compile_quizzes(quizzes: Sequence[pb.Quiz], problems: Problems) -> dict[str, pb.Quiz]:
    """The quizzes by id; one with a problem is not offered, should it be recorded all the same."""
    found: dict[str, pb.Quiz] = {}
    problems.items("missions.quizzes", quizzes, QUIZZES_MAX)
    for place, quiz in enumerate(quizzes):
        before = len(problems.found)
        _check_quiz(f"missions.quizzes[{place}]", quiz, problems)
        if len(problems.found) == before and quiz.id not in found:
            found[quiz.id] = quiz
    return found


def _check_quiz(where: str, quiz: pb.Quiz, problems: Problems) -> None:
    problems.bounded(f"{where}.attempts_max", quiz.attempts_max, 0, ATTEMPTS_MAX)
    problems.bounded(f"{where}.time_limit_s", quiz.time_limit_s, 0, TIME_LIMIT_S_MAX)
    problems.bounded(f"{where}.passing_percent", quiz.passing_percent, 0, 100)
    if is_survey(quiz) and quiz.passing_percent:
        problems.add(f"{where}.passing_percent", "is stated of a survey, which nobody fails")
    if (
        quiz.HasField("begins_at")
        and quiz.HasField("ends_at")
        and quiz.ends_at.ToNanoseconds() <= (quiz.begins_at.ToNanoseconds())
    ):
        problems.add(f"{where}.ends_at", "is not after begins_at")
    if not 1 <= len(quiz.questions) <= QUESTIONS_MAX:
        problems.add(f"{where}.questions", f"has {len(quiz.questions)} items, not 1 to {QUESTIONS_MAX}")
    taken: set[str] = set()
    for place, question in enumerate(quiz.questions):
        problems.identifier(f"{where}.questions[{place}].id", question.id, taken)
        taken.add(question.id)
        _check_question(f"{where}.questions[{place}]", quiz, question, problems)
    if not is_survey(quiz) and all(question.kind == pb.QUESTION_KIND_OPEN for question in quiz.questions):
        problems.add(f"{where}.questions", "none has a right answer; state `kind: survey`, or a question with choices")


def _check_question(where: str, quiz: pb.Quiz, question: pb.Question, problems: Problems) -> None:
    for violation in _text(f"{where}.text", question.text, QUESTION_LENGTH_MAX):
        problems.add(violation.field, violation.detail)
    problems.bounded(f"{where}.points", question.points, 0, POINTS_MAX)
    if question.kind == pb.QUESTION_KIND_OPEN:
        if question.choices:
            problems.add(f"{where}.choices", "are stated of an open question")
        return
    if not 2 <= len(question.choices) <= CHOICES_MAX:
        problems.add(f"{where}.choices", f"has {len(question.choices)} items, not 2 to {CHOICES_MAX}")
    taken: set[str] = set()
    for place, choice in enumerate(question.choices):
        problems.identifier(f"{where}.choices[{place}].id", choice.id, taken)
        taken.add(choice.id)
        for violation in _text(f"{where}.choices[{place}].text", choice.text, CHOICE_LENGTH_MAX):
            problems.add(violation.field, violation.detail)
    right = sum(choice.right for choice in question.choices)
    if is_survey(quiz):
        if right:
            problems.add(f"{where}.choices", "state what is right, and the quiz is a survey")
    elif question.kind == pb.QUESTION_KIND_MULTIPLE:
        if not right:
            problems.add(f"{where}.choices", "state no right choice")
    elif right != 1:
        problems.add(f"{where}.choices", "do not state one right choice")


def _text(field: str, text: str, length_max: int) -> list[FieldViolation]:
    if not text.strip():
        return [FieldViolation(field, "is empty")]
    return [FieldViolation(field, f"is longer than {length_max} characters")] if len(text) > length_max else []
