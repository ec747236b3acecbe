"""What an answer is worth, when an attempt passes, and in which order it asks.

An order follows from the attempt's id alone, so that an attempt asks the same
way however often it is shown, and two attempts differ.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from laurels.missions.v1 import programme_quizzes_pb2 as pb

TEXT_LENGTH_MAX = 4_000
"""Characters of an open answer."""


@dataclass(frozen=True, slots=True)
class Given:
    """An answer to a question; neither choices nor text when it was passed over."""

    choices: tuple[str, ...] = ()
    text: str = ""


def shuffled(ids: Iterable[str], attempt: str) -> list[str]:
    """The ids in the attempt's own order.

    >>> shuffled(["a", "b", "c", "d"], "one") == shuffled(["d", "c", "b", "a"], "one")
    True
    """
    return sorted(ids, key=lambda name: (blake2b(f"{attempt}:{name}".encode(), digest_size=8).digest(), name))


def questions_of(quiz: pb.Quiz, attempt: str) -> list[pb.Question]:
    """The questions in the attempt's order."""
    if not quiz.shuffle_questions:
        return list(quiz.questions)
    by_id = {question.id: question for question in quiz.questions}
    return [by_id[name] for name in shuffled(by_id, attempt)]


def choices_of(quiz: pb.Quiz, question: pb.Question, attempt: str) -> list[pb.Choice]:
    """A question's choices in the attempt's order."""
    if not quiz.shuffle_choices:
        return list(question.choices)
    by_id = {choice.id: choice for choice in question.choices}
    return [by_id[name] for name in shuffled(by_id, f"{attempt}:{question.id}")]


def is_survey(quiz: pb.Quiz) -> bool:
    return quiz.kind == pb.QUIZ_KIND_SURVEY


def worth(quiz: pb.Quiz, question: pb.Question) -> int:
    """The points of the right answer; 0 where nothing is right or wrong."""
    if is_survey(quiz) or question.kind == pb.QUESTION_KIND_OPEN:
        return 0
    return question.points or 1


def score_max(quiz: pb.Quiz) -> int:
    """The points of all right answers."""
    return sum(worth(quiz, question) for question in quiz.questions)


def is_right(quiz: pb.Quiz, question: pb.Question, given: Given) -> bool | None:
    """Whether an answer is right; None where nothing is right or wrong."""
    if not worth(quiz, question):
        return None
    return set(given.choices) == {choice.id for choice in question.choices if choice.right}


def score_of(quiz: pb.Quiz, answers: Mapping[str, Given]) -> int:
    """The points of answers by question."""
    return sum(
        worth(quiz, question)
        for question in quiz.questions
        if question.id in answers and is_right(quiz, question, answers[question.id])
    )


def passes(quiz: pb.Quiz, score: int) -> bool:
    """Whether so many points pass; a survey that is finished passes always."""
    return is_survey(quiz) or score * 100 >= score_max(quiz) * (quiz.passing_percent or 100)


def attempts_max(quiz: pb.Quiz) -> int:
    return quiz.attempts_max or 1


def violations(question: pb.Question, given: Given) -> Iterator[tuple[str, str]]:
    """What is wrong with an answer: field and detail."""
    known: Sequence[str] = [choice.id for choice in question.choices]
    if question.kind == pb.QUESTION_KIND_OPEN:
        if given.choices:
            yield "choices", "are not asked for: the question is open"
        if len(given.text) > TEXT_LENGTH_MAX or "\0" in given.text:
            yield "text", f"is longer than {TEXT_LENGTH_MAX} characters, or holds NUL"
        if not given.text.strip() and not question.optional:
            yield "text", "is required"
        return
    if given.text:
        yield "text", "is not asked for: the question is not open"
    if unknown := [name for name in given.choices if name not in known]:
        yield "choices", f"{unknown[0]!r} is not a choice of the question"
    if len(set(given.choices)) < len(given.choices):
        yield "choices", "holds a choice twice"
    if question.kind != pb.QUESTION_KIND_MULTIPLE and len(given.choices) > 1:
        yield "choices", "holds more than one"
    if not given.choices and not question.optional and question.kind != pb.QUESTION_KIND_MULTIPLE:
        yield "choices", "is required"
