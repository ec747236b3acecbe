"""Requests that were answered under a key, for ever: the same one gets the same answer, another one is refused.

For requests that make no row which could carry their key. Two transactions
that take the same key at once meet at its insertion; the later is repeated and
then finds the answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, TypeVar

import asyncpg
from google.protobuf.message import Message

from chassis.book import Book, Kind, Touched
from chassis.errors import IdempotencyConflict

Response = TypeVar("Response", bound=Message)

# Each by its key alone: a list of keys may be looked up by the brand, and then costs what all its answers cost.
_LOCK = """
    SELECT known.* FROM unnest($2::text[]) AS wanted (key)
    CROSS JOIN LATERAL (
        SELECT key, member, digest, answer FROM answers WHERE brand = $1 AND answers.key = wanted.key LIMIT 1
    ) AS known"""
_SAVE = """
    INSERT INTO answers (brand, key, member, digest, answer)
    SELECT $1, key, member, digest, answer
    FROM unnest($2::text[], $3::text[], $4::bytea[], $5::bytea[]) AS new (key, member, digest, answer)"""


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered to a request about a member under a key."""

    key: str
    member: str
    digest: bytes
    answer: bytes


async def _lock(connection: asyncpg.Connection, brand: str, keys: list[str]) -> dict[str, Answer]:
    return {row["key"]: Answer(*row) for row in await connection.fetch(_LOCK, brand, keys)}


async def _save(connection: asyncpg.Connection, brand: str, answers: Sequence[Answer]) -> None:
    columns: list[list[Any]] = [
        [each.key for each in answers],
        [each.member for each in answers],
        [each.digest for each in answers],
        [each.answer for each in answers],
    ]
    await connection.execute(_SAVE, brand, *columns)


ANSWERS: Kind[str, Answer] = Kind("answers", 0, _lock, _save)


def touch(touched: Touched, key: str) -> None:
    """Has the answer under a key read. Keys of different kinds of requests differ by a prefix."""
    touched.row(ANSWERS, key)


def given(book: Book, key: str, request: Message, response: type[Response]) -> Response | None:
    """What was answered to this request before, or None. Raises IdempotencyConflict for another one."""
    found = book.row(ANSWERS, key)
    if found is None:
        return None
    if found.digest != digest(request):
        raise IdempotencyConflict("The key was used for another request.")
    return response.FromString(found.answer)


def keep(book: Book, key: str, member: str, request: Message, response: Message) -> None:
    """Keeps an answer, which nothing changes afterwards."""
    book.put(ANSWERS, key, Answer(key, member, digest(request), response.SerializeToString()))


def digest(request: Message) -> bytes:
    """What tells one request under a key from another."""
    return blake2b(request.SerializeToString(deterministic=True), digest_size=16).digest()
