"""The SQL of groups."""

from collections.abc import Sequence
from typing import Any

import asyncpg
import orjson

from chassis.errors import InvalidArgument
from laurels.points.v1 import groups_pb2 as pb
from services.points.ledger import GROUP_MARK
from services.points.states import Group, Place, Places

_GROUPS = """
    SELECT "group", kind, name, owner, state, size, made_at, digest, ended_digest FROM groups
    WHERE brand = $1 AND "group" = ANY($2::text[])"""
_SAVE_GROUPS = """
    INSERT INTO groups (brand, "group", kind, name, owner, state, size, made_at, digest, ended_digest)
    SELECT $1, "group", kind, name, owner, state, size, made_at, digest, ended_digest
    FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::integer[], $7::integer[], $8::timestamptz[],
            $9::bytea[], $10::bytea[])
        AS new ("group", kind, name, owner, state, size, made_at, digest, ended_digest)
    ON CONFLICT (brand, "group") DO UPDATE SET name = excluded.name, owner = excluded.owner, state = excluded.state,
        size = excluded.size, ended_digest = excluded.ended_digest"""
_PLACES = """
    SELECT known.*
    FROM unnest($2::text[]) AS wanted (member)
    CROSS JOIN LATERAL (
        SELECT member, "group", kind, role, state, contributed::text, joined_at FROM group_members
        WHERE brand = $1 AND group_members.member = wanted.member ORDER BY "group"
    ) AS known"""
_SAVE_PLACES = """
    INSERT INTO group_members (brand, member, "group", kind, role, state, contributed, joined_at)
    SELECT $1, member, "group", kind, role, state, contributed::jsonb, joined_at
    FROM unnest($2::text[], $3::text[], $4::text[], $5::integer[], $6::integer[], $7::text[], $8::timestamptz[])
        AS new (member, "group", kind, role, state, contributed, joined_at)
    ON CONFLICT (brand, member, "group") DO UPDATE SET role = excluded.role, state = excluded.state,
        contributed = excluded.contributed, joined_at = excluded.joined_at"""
_IN_GROUPS = """
    SELECT "group", member, kind, role, state, contributed::text, joined_at FROM group_members
    WHERE brand = $1 AND "group" = ANY($2::text[]) AND state < 3 ORDER BY "group", member"""
_STATEMENT = """
    SELECT movement.id, accounts.currency, movement.amount, movement.balance, movement.kind,
        movement.reference, movement.occurred_at,
        CASE WHEN movement.key LIKE 'group-spend:%' THEN split_part(movement.key, ':', 2)
             WHEN starts_with(other.owner, '~') THEN '' ELSE other.owner END AS member
    FROM accounts CROSS JOIN LATERAL (
        (SELECT id, amount, credit_balance AS balance, kind, reference, occurred_at, key, debit AS other FROM entries
         WHERE credit = accounts.id AND credit > 0 AND id < $3 ORDER BY id DESC LIMIT $4)
        UNION ALL
        (SELECT id, -amount, debit_balance, kind, reference, occurred_at, key, credit FROM entries
         WHERE debit = accounts.id AND debit > 0 AND id < $3 ORDER BY id DESC LIMIT $4)
    ) AS movement
    JOIN accounts AS other ON other.id = movement.other
    WHERE accounts.brand = $1 AND accounts.owner = $2 AND accounts.kind = 'available'
    ORDER BY movement.id DESC LIMIT $4"""


async def lock_groups(connection: asyncpg.Connection, brand: str, groups: Sequence[str]) -> dict[str, Group]:
    """The groups of these ids, locked."""
    rows = await connection.fetch(_GROUPS + ' ORDER BY "group" FOR NO KEY UPDATE', brand, groups)
    return {row["group"]: Group(**row) for row in rows}


async def groups(connection: asyncpg.Connection, brand: str, names: Sequence[str]) -> dict[str, Group]:
    """The groups of these ids."""
    return {row["group"]: Group(**row) for row in await connection.fetch(_GROUPS, brand, names)}


async def save_groups(connection: asyncpg.Connection, brand: str, changed: Sequence[Group]) -> None:
    await connection.execute(
        _SAVE_GROUPS,
        brand,
        [group.group for group in changed],
        [group.kind for group in changed],
        [group.name for group in changed],
        [group.owner for group in changed],
        [group.state for group in changed],
        [group.size for group in changed],
        [group.made_at for group in changed],
        [group.digest for group in changed],
        [group.ended_digest for group in changed],
    )


async def places(connection: asyncpg.Connection, brand: str, members: Sequence[str]) -> dict[str, Places]:
    """The places that these members have or had, for those who have any.

    Who changes them holds the lock on the member.
    """
    found: dict[str, Places] = {}
    for row in await connection.fetch(_PLACES, brand, members):
        of_member = found.setdefault(row["member"], Places(row["member"]))
        of_member.by_group[row["group"]] = _place(row)
    return found


async def save_places(connection: asyncpg.Connection, brand: str, changed: Sequence[Places]) -> None:
    # A place that was left comes first, so that the next of its kind finds it free.
    rows = sorted(
        ((member.member, member.by_group[group]) for member in changed for group in member.changed),
        key=lambda row: (-row[1].state, row[0], row[1].group),
    )
    await connection.execute(
        _SAVE_PLACES,
        brand,
        [member for member, _ in rows],
        [place.group for _, place in rows],
        [place.kind for _, place in rows],
        [place.role for _, place in rows],
        [place.state for _, place in rows],
        [orjson.dumps(place.contributed).decode() for _, place in rows],
        [place.joined_at for _, place in rows],
    )


async def in_groups(
    connection: asyncpg.Connection, brand: str, groups: Sequence[str]
) -> dict[str, list[tuple[str, Place]]]:
    """Who is in these groups or invited, in the order of their ids, by group."""
    found: dict[str, list[tuple[str, Place]]] = {}
    for row in await connection.fetch(_IN_GROUPS, brand, groups):
        found.setdefault(row["group"], []).append((row["member"], _place(row)))
    return found


def _place(row: Any) -> Place:
    return Place(
        row["group"], row["kind"], row["role"], row["state"], orjson.loads(row["contributed"]), row["joined_at"]
    )


async def group_statement(
    connection: asyncpg.Connection, brand: str, group: str, page_size: int, page_token: str
) -> tuple[list[pb.GroupEntry], str]:
    """A page of the entries of a group's wallets, newest first, and the token of the next."""
    before = 2**63 - 1
    if page_token:
        if not (page_token.isascii() and page_token.isdigit()) or len(page_token) > 18:
            raise InvalidArgument(f"page_token {page_token!r} is not one that this list gave.")
        before = int(page_token)
    rows = await connection.fetch(_STATEMENT, brand, GROUP_MARK + group, before, page_size + 1)
    entries = [pb.GroupEntry(**row) for row in rows[:page_size]]
    return entries, str(entries[-1].id) if len(rows) > page_size else ""
