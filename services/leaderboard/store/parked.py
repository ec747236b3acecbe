"""Every SQL statement of parked cards that somebody decides on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import asyncpg

from laurels.leaderboard.v1 import scratch_cards_pb2 as pb
from services.leaderboard import pages

_COLUMNS = """parked, key, place, member, pool, code, detail, occurred_at, state, decided_at, card, decision_key,
    decision_digest, note"""
_FIND = f"""
    SELECT known.* FROM unnest($2::text[]) AS wanted (parked)
    CROSS JOIN LATERAL (
        SELECT {_COLUMNS} FROM parked_cards WHERE brand = $1 AND parked_cards.parked = wanted.parked LIMIT 1 %s
    ) AS known"""  # noqa: S608
_DECISIONS = """
    SELECT known.* FROM unnest($2::text[]) AS wanted (key)
    CROSS JOIN LATERAL (
        SELECT decision_key, decision_digest FROM parked_cards
        WHERE brand = $1 AND decision_key = wanted.key AND decision_key <> '' LIMIT 1
    ) AS known"""
_DECIDE = """
    UPDATE parked_cards SET state = new.state, decided_at = new.decided_at, card = new.card,
        decision_key = new.decision_key, decision_digest = new.decision_digest, note = new.note
    FROM unnest($2::text[], $3::smallint[], $4::timestamptz[], $5::text[], $6::text[], $7::bytea[], $8::text[])
        AS new (parked, state, decided_at, card, decision_key, decision_digest, note)
    WHERE parked_cards.brand = $1 AND parked_cards.parked = new.parked"""
_PAGE = f"""
    SELECT {_COLUMNS} FROM parked_cards
    WHERE brand = $1 AND state = $2 AND (occurred_at, key, place) < ($3, $4, $5)
    ORDER BY occurred_at DESC, key DESC, place DESC LIMIT $6"""  # noqa: S608


@dataclass(slots=True)
class ParkedCard:
    """A card that was parked, and what was decided of it under which key."""

    parked: str
    key: str
    place: int
    member: str
    pool: str
    code: str
    detail: str
    occurred_at: datetime
    state: int
    decided_at: datetime | None
    card: str
    decision_key: str
    decision_digest: bytes = field(repr=False)
    note: str

    def shown(self) -> pb.ParkedCard:
        return pb.ParkedCard(
            key=self.key,
            place=self.place,
            member=self.member,
            pool=self.pool,
            code=self.code,
            detail=self.detail,
            occurred_at=self.occurred_at.astimezone(UTC),
            parked=self.parked,
            state=pb.ParkedCardState.Name(self.state),
            decided_at=self.decided_at.astimezone(UTC) if self.decided_at is not None else None,
            card=self.card,
        )


async def find(connection: asyncpg.Connection, brand: str, ids: Iterable[str]) -> dict[str, ParkedCard]:
    """Parked cards; nothing is locked."""
    rows = await connection.fetch(_FIND % "", brand, sorted(ids))
    return {row["parked"]: ParkedCard(*row) for row in rows}


async def lock(connection: asyncpg.Connection, brand: str, ids: Sequence[str]) -> dict[str, ParkedCard]:
    rows = await connection.fetch(_FIND % "FOR NO KEY UPDATE", brand, list(ids))
    return {row["parked"]: ParkedCard(*row) for row in rows}


async def decide(connection: asyncpg.Connection, brand: str, cards: Sequence[ParkedCard]) -> None:
    """Writes decisions. A key that another transaction used first is a unique violation."""
    await connection.execute(
        _DECIDE,
        brand,
        [card.parked for card in cards],
        [card.state for card in cards],
        [card.decided_at for card in cards],
        [card.card for card in cards],
        [card.decision_key for card in cards],
        [card.decision_digest for card in cards],
        [card.note for card in cards],
    )


async def decisions(connection: asyncpg.Connection, brand: str, keys: Sequence[str]) -> dict[str, bytes]:
    """Digests of the requests that decided, by their keys."""
    rows = await connection.fetch(_DECISIONS, brand, list(keys))
    return {row["decision_key"]: row["decision_digest"] for row in rows}


async def leave(connection: asyncpg.Connection, brand: str, rows: Sequence[Any]) -> None:
    """The parked cards keep the decisions."""


async def page(
    connection: asyncpg.Connection, brand: str, state: int, page_size: int, page_token: str
) -> pb.ListParkedCardsResponse:
    """A page of the cards in a state, newest first."""
    rows = await connection.fetch(_PAGE, brand, state, *pages.parked_of(page_token), page_size + 1)
    found = [ParkedCard(*row) for row in rows[:page_size]]
    token = pages.after_parked(found[-1].occurred_at, found[-1].key, found[-1].place) if len(rows) > page_size else ""
    return pb.ListParkedCardsResponse(cards=[card.shown() for card in found], next_page_token=token)
