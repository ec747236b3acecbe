"""The SQL of quizzes: what members have begun, answered and passed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import asyncpg

from laurels.missions.v1 import quizzes_pb2 as pb
from services.missions.quiz_rules import Given

RecordKey = tuple[str, str]
"""Member and quiz."""
OPEN, FINISHED, TIMED_OUT = pb.ATTEMPT_STATE_OPEN, pb.ATTEMPT_STATE_FINISHED, pb.ATTEMPT_STATE_TIMED_OUT

_LOCK_RECORDS = """
    SELECT known.* FROM unnest($2::text[], $3::text[]) AS wanted (member, quiz)
    CROSS JOIN LATERAL (
        SELECT member, quiz, attempts, best_score, passed_at, open_attempt FROM quiz_records
        WHERE brand = $1 AND quiz_records.member = wanted.member AND quiz_records.quiz = wanted.quiz
        FOR NO KEY UPDATE
    ) AS known"""
_ADD_RECORDS = """
    INSERT INTO quiz_records (brand, member, quiz, attempts, best_score, passed_at, open_attempt)
    SELECT $1, member, quiz, attempts, best_score, passed_at, open_attempt
    FROM unnest($2::text[], $3::text[], $4::integer[], $5::integer[], $6::timestamptz[], $7::text[])
        AS new (member, quiz, attempts, best_score, passed_at, open_attempt)"""
_SAVE_RECORDS = (
    _ADD_RECORDS
    + """
    ON CONFLICT (brand, member, quiz) DO UPDATE SET attempts = excluded.attempts, best_score = excluded.best_score,
        passed_at = excluded.passed_at, open_attempt = excluded.open_attempt"""
)
_ATTEMPTS = """
    SELECT attempt, member, quiz, number, state, started_at, expires_at, finished_at, score, answered, passed,
        programme_version
    FROM quiz_attempts WHERE brand = $1 AND attempt = ANY($2::text[])"""
_SAVE_ATTEMPTS = """
    INSERT INTO quiz_attempts (brand, attempt, member, quiz, number, state, started_at, expires_at, finished_at, score,
        answered, passed, programme_version)
    SELECT $1, attempt, member, quiz, number, state, started_at, expires_at, finished_at, score, answered, passed,
        programme_version
    FROM unnest($2::text[], $3::text[], $4::text[], $5::integer[], $6::integer[], $7::timestamptz[],
            $8::timestamptz[], $9::timestamptz[], $10::integer[], $11::integer[], $12::boolean[], $13::integer[])
        AS new (attempt, member, quiz, number, state, started_at, expires_at, finished_at, score, answered, passed,
            programme_version)
    ON CONFLICT (brand, attempt) DO UPDATE SET state = excluded.state, finished_at = excluded.finished_at,
        score = excluded.score, answered = excluded.answered, passed = excluded.passed"""
_ANSWERS = """
    SELECT attempt, question, choices, open_text, is_right, answered_at FROM quiz_answers
    WHERE brand = $1 AND attempt = ANY($2::text[])"""
_ADD_ANSWERS = """
    INSERT INTO quiz_answers (brand, attempt, question, member, choices, open_text, is_right, answered_at)
    SELECT $1, attempt, question, member, string_to_array(choices, ' '), open_text, is_right, answered_at
    FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::boolean[], $8::timestamptz[])
        AS new (attempt, question, member, choices, open_text, is_right, answered_at)"""
_RECORDS_OF = """
    SELECT member, quiz, attempts, best_score, passed_at, open_attempt FROM quiz_records
    WHERE brand = $1 AND member = $2"""
_DUE = """
    SELECT attempt FROM quiz_attempts WHERE brand = $1 AND state = 1 AND expires_at <= $2
    ORDER BY expires_at LIMIT $3"""


@dataclass(slots=True)
class Record:
    """How a member did in a quiz: the finished attempts' best score, and the open attempt, if any."""

    member: str
    quiz: str
    attempts: int = 0
    best_score: int = 0
    passed_at: datetime | None = None
    open_attempt: str = ""
    is_new: bool = True


@dataclass(slots=True)
class Attempt:
    """One go at a quiz; `score` and `answered` are so far."""

    attempt: str
    member: str
    quiz: str
    number: int
    state: int
    started_at: datetime
    expires_at: datetime | None
    finished_at: datetime | None
    score: int
    answered: int
    passed: bool
    programme_version: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered to a question; `is_right` is None where nothing is right or wrong."""

    given: Given
    is_right: bool | None
    answered_at: datetime


@dataclass(slots=True)
class Answers:
    """The answers of an attempt by question; `added` are not saved yet. The attempt's lock guards them."""

    attempt: str
    member: str
    by_question: dict[str, Answer] = field(default_factory=dict)
    added: list[str] = field(default_factory=list)


async def lock_records(connection: asyncpg.Connection, brand: str, keys: list[RecordKey]) -> dict[RecordKey, Record]:
    rows = await connection.fetch(_LOCK_RECORDS, brand, [key[0] for key in keys], [key[1] for key in keys])
    return {(row["member"], row["quiz"]): Record(**row, is_new=False) for row in rows}


async def save_records(connection: asyncpg.Connection, brand: str, records: list[Record]) -> None:
    """Saves locked rows, and adds new ones: one that another transaction added first is a unique violation."""
    for statement, is_new in ((_SAVE_RECORDS, False), (_ADD_RECORDS, True)):
        found = [record for record in records if record.is_new == is_new]
        if found:
            await connection.execute(
                statement,
                brand,
                [each.member for each in found],
                [each.quiz for each in found],
                [each.attempts for each in found],
                [each.best_score for each in found],
                [each.passed_at for each in found],
                [each.open_attempt for each in found],
            )


async def lock_attempts(connection: asyncpg.Connection, brand: str, attempts: list[str]) -> dict[str, Attempt]:
    rows = await connection.fetch(_ATTEMPTS + " ORDER BY attempt FOR NO KEY UPDATE", brand, attempts)
    return {row["attempt"]: Attempt(**row) for row in rows}


async def attempts(connection: asyncpg.Connection, brand: str, names: Sequence[str]) -> dict[str, Attempt]:
    """Attempts as they are, without a lock."""
    return {row["attempt"]: Attempt(**row) for row in await connection.fetch(_ATTEMPTS, brand, list(names))}


async def save_attempts(connection: asyncpg.Connection, brand: str, changed: list[Attempt]) -> None:
    await connection.execute(
        _SAVE_ATTEMPTS,
        brand,
        [each.attempt for each in changed],
        [each.member for each in changed],
        [each.quiz for each in changed],
        [each.number for each in changed],
        [each.state for each in changed],
        [each.started_at for each in changed],
        [each.expires_at for each in changed],
        [each.finished_at for each in changed],
        [each.score for each in changed],
        [each.answered for each in changed],
        [each.passed for each in changed],
        [each.programme_version for each in changed],
    )


async def answers_of(connection: asyncpg.Connection, brand: str, names: list[str]) -> dict[str, Answers]:
    """The answers of attempts that have any."""
    found: dict[str, Answers] = {}
    for row in await connection.fetch(_ANSWERS, brand, names):
        of_attempt = found.setdefault(row["attempt"], Answers(row["attempt"], ""))
        of_attempt.by_question[row["question"]] = Answer(
            Given(tuple(row["choices"]), row["open_text"]), row["is_right"], row["answered_at"]
        )
    return found


async def save_answers(connection: asyncpg.Connection, brand: str, changed: list[Answers]) -> None:
    rows = [
        (each.attempt, question, each.member, each.by_question[question])
        for each in changed
        for question in sorted(each.added)
    ]
    await connection.execute(
        _ADD_ANSWERS,
        brand,
        [row[0] for row in rows],
        [row[1] for row in rows],
        [row[2] for row in rows],
        [" ".join(row[3].given.choices) for row in rows],
        [row[3].given.text for row in rows],
        [row[3].is_right for row in rows],
        [row[3].answered_at for row in rows],
    )


async def records(connection: asyncpg.Connection, brand: str, keys: Sequence[RecordKey]) -> dict[RecordKey, Record]:
    """Records as they are, without a lock."""
    rows = await connection.fetch(
        _LOCK_RECORDS.replace("FOR NO KEY UPDATE", ""), brand, [key[0] for key in keys], [key[1] for key in keys]
    )
    return {(row["member"], row["quiz"]): Record(**row, is_new=False) for row in rows}


async def records_of(connection: asyncpg.Connection, brand: str, member: str) -> dict[str, Record]:
    """A member's records by quiz."""
    rows = await connection.fetch(_RECORDS_OF, brand, member)
    return {row["quiz"]: Record(**row, is_new=False) for row in rows}


async def due(connection: asyncpg.Connection, brand: str, until: datetime, at_once: int) -> list[str]:
    """Open attempts whose time is over by a moment, those first that are over longest."""
    return [row["attempt"] for row in await connection.fetch(_DUE, brand, until, at_once)]
