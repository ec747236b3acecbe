"""The SQL of what other services granted and asked to hold."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import asyncpg

from laurels.points.v1 import grants_pb2 as pb
from laurels.value.v1 import events_pb2 as value_pb

_PARKED = """
    SELECT "grant", key, place, effect, member, currency, amount, reward, reason, reference, occurred_at,
        programme_version, state, code, detail, redemption, parked_at, decided_at, decision_key, decision_digest, note
    FROM parked_grants WHERE brand = $1"""
# A grant that another transaction parked first must fail here, and be seen at the next try.
_ADD_PARKED = """
    INSERT INTO parked_grants (brand, "grant", key, place, effect, member, currency, amount, reward, reason, reference,
        occurred_at, programme_version, state, code, detail, redemption, parked_at, note)
    SELECT $1, new.*, '', $17, '' FROM unnest($2::text[], $3::text[], $4::integer[], $5::text[], $6::text[],
        $7::text[], $8::bigint[], $9::text[], $10::integer[], $11::text[], $12::timestamptz[], $13::integer[],
        $14::integer[], $15::text[], $16::text[]) AS new"""
_DECIDE = """
    UPDATE parked_grants SET state = new.state, redemption = new.redemption, decided_at = new.decided_at,
        decision_key = new.decision_key, decision_digest = new.decision_digest, note = new.note
    FROM unnest($2::text[], $3::integer[], $4::text[], $5::timestamptz[], $6::text[], $7::bytea[], $8::text[])
        AS new ("grant", state, redemption, decided_at, decision_key, decision_digest, note)
    WHERE parked_grants.brand = $1 AND parked_grants."grant" = new."grant\""""
_PAGE = _PARKED + """ AND state = $2 AND (parked_at, "grant") > ($3, $4) ORDER BY parked_at, "grant" LIMIT $5"""
_DECISIONS = """
    SELECT decision_key, decision_digest FROM parked_grants WHERE brand = $1 AND decision_key = ANY($2::text[])"""
_GIVEN = "SELECT key, member, redemption, given_at FROM given_rewards WHERE brand = $1 AND key = ANY($2::text[])"
_ADD_GIVEN = """
    INSERT INTO given_rewards (brand, key, member, redemption, given_at)
    SELECT $1, key, member, redemption, given_at
    FROM unnest($2::text[], $3::text[], $4::text[], $5::timestamptz[]) AS new (key, member, redemption, given_at)"""
_REQUESTS = """
    SELECT key, member, hold, code, ended, due_at, decided_at, ended_at FROM hold_requests
    WHERE brand = $1 AND key = ANY($2::text[])"""
_REQUESTED = "SELECT hold FROM hold_requests WHERE brand = $1 AND hold = ANY($2::text[]) AND hold <> ''"
_ADD_REQUESTS = """
    INSERT INTO hold_requests (brand, key, member, hold, code, ended, due_at, decided_at, ended_at)
    SELECT $1, key, member, hold, code, ended, due_at, decided_at, ended_at
    FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::integer[], $7::timestamptz[], $8::timestamptz[],
            $9::timestamptz[])
        AS new (key, member, hold, code, ended, due_at, decided_at, ended_at)"""
_END_REQUESTS = """
    UPDATE hold_requests SET ended = new.ended, due_at = new.due_at, ended_at = new.ended_at
    FROM unnest($2::text[], $3::integer[], $4::timestamptz[], $5::timestamptz[]) AS new (key, ended, due_at, ended_at)
    WHERE hold_requests.brand = $1 AND hold_requests.key = new.key"""
_DUE_REQUESTS = """
    SELECT key FROM hold_requests WHERE brand = $1 AND due_at <= $2 ORDER BY due_at, key LIMIT $3"""


@dataclass(slots=True)
class Parked:
    """A parked grant as loaded under its lock; of a reward when `reward` is stated, else of points."""

    grant: str
    key: str
    place: int
    effect: str
    member: str
    currency: str
    amount: int
    reward: str
    reason: int
    reference: str
    occurred_at: datetime
    programme_version: int
    state: int
    code: str
    detail: str
    redemption: str
    parked_at: datetime
    decided_at: datetime | None = None
    decision_key: str | None = None
    decision_digest: bytes | None = None
    note: str = ""
    is_new: bool = False

    def content(self) -> value_pb.Grant:
        """What was granted, as it was told."""
        if self.reward:
            return value_pb.Grant(reward=self.reward)
        return value_pb.Grant(points=value_pb.PointsGrant(currency=self.currency, amount=self.amount))

    def shown(self) -> pb.ParkedGrant:
        return pb.ParkedGrant(
            grant=self.grant,
            key=self.key,
            place=self.place,
            member=self.member,
            content=self.content(),
            reason=self.reason,  # type: ignore[arg-type]
            reference=self.reference,
            state=self.state,  # type: ignore[arg-type]
            code=self.code,
            detail=self.detail,
            occurred_at=self.occurred_at.astimezone(UTC),
            parked_at=self.parked_at.astimezone(UTC),
            decided_at=None if self.decided_at is None else self.decided_at.astimezone(UTC),
            redemption=self.redemption,
        )


@dataclass(frozen=True, slots=True)
class Given:
    """The redemption that a granted reward became, under the grant's key."""

    key: str
    member: str
    redemption: str
    given_at: datetime


@dataclass(slots=True)
class HoldRequest:
    """A request to hold points as loaded under its lock.

    `hold` is empty when it was refused, for the reason `code`. `ended` says how
    it ended, 0 while it has not; at `due_at` the service that asked is asked.
    """

    key: str
    member: str
    hold: str
    code: str
    ended: int
    due_at: datetime | None
    decided_at: datetime
    ended_at: datetime | None = None
    is_new: bool = False


async def parked(connection: asyncpg.Connection, brand: str, grants: Sequence[str]) -> dict[str, Parked]:
    """The parked grants of these ids."""
    rows = await connection.fetch(f'{_PARKED} AND "grant" = ANY($2::text[])', brand, grants)
    return {row["grant"]: Parked(**row) for row in rows}


async def lock_parked(connection: asyncpg.Connection, brand: str, grants: Sequence[str]) -> dict[str, Parked]:
    """The parked grants of these ids, locked."""
    query = f'{_PARKED} AND "grant" = ANY($2::text[]) ORDER BY "grant" FOR NO KEY UPDATE'
    return {row["grant"]: Parked(**row) for row in await connection.fetch(query, brand, grants)}


async def save_parked(connection: asyncpg.Connection, brand: str, changed: Sequence[Parked]) -> None:
    """Adds new ones, and writes what was decided of the others."""
    if made := [each for each in changed if each.is_new]:
        columns = (
            "grant", "key", "place", "effect", "member", "currency", "amount", "reward", "reason", "reference",
            "occurred_at", "programme_version", "state", "code", "detail",
        )  # fmt: skip
        await connection.execute(_ADD_PARKED, brand, *_columns(made, *columns), made[0].parked_at)
    if decided := [each for each in changed if not each.is_new]:
        of_decision = ("state", "redemption", "decided_at", "decision_key", "decision_digest", "note")
        await connection.execute(_DECIDE, brand, *_columns(decided, "grant", *of_decision))


def _columns(rows: Sequence[object], *names: str) -> list[list[object]]:
    return [[getattr(row, name) for row in rows] for name in names]


async def parked_page(
    connection: asyncpg.Connection, brand: str, state: int, after: tuple[datetime, str], most: int
) -> list[Parked]:
    """Parked grants in a state beyond a moment and an id, those parked first before others."""
    return [Parked(**row) for row in await connection.fetch(_PAGE, brand, state, *after, most)]


async def decisions(connection: asyncpg.Connection, brand: str, keys: Sequence[str]) -> dict[str, bytes]:
    """The digests of the decisions that were made under these keys."""
    return {row["decision_key"]: row["decision_digest"] for row in await connection.fetch(_DECISIONS, brand, keys)}


async def leave(_connection: asyncpg.Connection, _brand: str, _rows: Sequence[object]) -> None:
    """For what other rows keep."""


async def given(connection: asyncpg.Connection, brand: str, keys: Sequence[str]) -> dict[str, Given]:
    """The rewards that were given under these keys."""
    return {row["key"]: Given(**row) for row in await connection.fetch(_GIVEN, brand, keys)}


async def add_given(connection: asyncpg.Connection, brand: str, rows: Sequence[Given]) -> None:
    await connection.execute(_ADD_GIVEN, brand, *_columns(rows, "key", "member", "redemption", "given_at"))


async def requests(connection: asyncpg.Connection, brand: str, keys: Sequence[str]) -> dict[str, HoldRequest]:
    """The requests to hold points under these keys."""
    return {row["key"]: HoldRequest(**row) for row in await connection.fetch(_REQUESTS, brand, keys)}


async def lock_requests(connection: asyncpg.Connection, brand: str, keys: Sequence[str]) -> dict[str, HoldRequest]:
    """The requests to hold points under these keys, locked."""
    rows = await connection.fetch(f"{_REQUESTS} ORDER BY key FOR NO KEY UPDATE", brand, keys)
    return {row["key"]: HoldRequest(**row) for row in rows}


async def save_requests(connection: asyncpg.Connection, brand: str, changed: Sequence[HoldRequest]) -> None:
    """Adds new ones, and writes how the others ended."""
    if made := [each for each in changed if each.is_new]:
        columns = _columns(made, "key", "member", "hold", "code", "ended", "due_at", "decided_at", "ended_at")
        await connection.execute(_ADD_REQUESTS, brand, *columns)
    if ended := [each for each in changed if not each.is_new]:
        await connection.execute(_END_REQUESTS, brand, *_columns(ended, "key", "ended", "due_at", "ended_at"))


async def requested(connection: asyncpg.Connection, brand: str, holds: Sequence[str]) -> dict[str, str]:
    """Those of the holds that another service asked for."""
    return {row["hold"]: row["hold"] for row in await connection.fetch(_REQUESTED, brand, holds)}


async def due_requests(connection: asyncpg.Connection, brand: str, until: datetime, most: int) -> list[str]:
    """Requests whose holds are due by a moment."""
    return [row["key"] for row in await connection.fetch(_DUE_REQUESTS, brand, until, most)]
