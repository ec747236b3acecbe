"""The invariants of the standings of groups, checked over all that there are."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC
from typing import Any

import asyncpg

from services.leaderboard.periods import period_id
from services.leaderboard.prizes import LastRank
from services.leaderboard.ranking import microseconds
from services.leaderboard.rules import LeaderboardRules
from services.leaderboard.scopes import aggregated, ranked
from services.leaderboard.store.boards import CLOSED

_GROUPS = """
    SELECT groups.board, groups.period, scope, group_id, groups.members, score, place, rank, rewarded, state,
        coalesce(version, 0) AS version
    FROM board_groups AS groups LEFT JOIN board_periods AS closing ON closing.brand = $1
        AND closing.board = groups.board AND closing.period = groups.period
    WHERE groups.brand = $1 ORDER BY groups.board COLLATE "C", groups.period, scope, group_id"""
_PLACES = """
    SELECT place, rank, member, score, sub_score, reached_at FROM group_standings
    WHERE brand = $1 AND board = $2 AND period = $3 AND scope = $4 AND group_id = $5 ORDER BY place"""
_STRANGERS = """
    SELECT placed.board, placed.period, placed.scope, placed.group_id, placed.member
    FROM group_standings AS placed LEFT JOIN board_standings AS whole ON whole.brand = $1
        AND whole.board = placed.board AND whole.period = placed.period AND whole.member = placed.member
    WHERE placed.brand = $1 AND (whole.score, whole.sub_score, whole.reached_at)
        IS DISTINCT FROM (placed.score, placed.sub_score, placed.reached_at)
    ORDER BY placed.board, placed.period, placed.scope, placed.group_id, placed.place LIMIT 20"""


async def group_violations(
    connection: asyncpg.Connection, brand: str, rules: Mapping[int, LeaderboardRules]
) -> list[str]:
    """What does not hold: every group's standing is whole, in order, and of the board's own; groups rank by it."""
    found = [
        f"{row['member']!r} is in group {row['group_id']!r} of board {row['board']!r} otherwise than on the board."
        for row in await connection.fetch(_STRANGERS, brand)
    ]
    scopes: dict[tuple[str, int, str], list[Any]] = {}
    for row in await connection.fetch(_GROUPS, brand):
        scopes.setdefault((row["board"], row["period"], row["scope"]), []).append(row)
    for groups in scopes.values():
        found += [sentence async for sentence in _of_scope(connection, brand, rules, groups)]
    return found


async def _of_scope(
    connection: asyncpg.Connection, brand: str, rules: Mapping[int, LeaderboardRules], groups: Sequence[Any]
) -> AsyncIterator[str]:
    first = groups[0]
    under = rules.get(first["version"])
    board = under.compiled.get(first["board"]) if under is not None else None
    if board is None or first["scope"] not in board.scopes:
        yield f"Scope {first['scope']!r} of board {first['board']!r} has groups, and the programme has no such scope."
        return
    order, scope, prizes = board.scoring.order, board.scopes[first["scope"]], board.scope_prizes[first["scope"]]
    name = f"of scope {first['scope']!r} of board {first['board']!r} in period {period_id(first['period'])}"
    scores: dict[str, int] = {}
    for group in groups:
        key = (group["board"], group["period"], group["scope"], group["group_id"])
        rows = await connection.fetch(_PLACES, brand, *key)
        if len(rows) != group["members"] or not rows:
            yield f"Group {group['group_id']!r} {name} has {len(rows)} places and counts {group['members']}."
            continue
        last, before = LastRank(order, None), None
        for number, row in enumerate(rows, 1):
            at = microseconds(row["reached_at"].astimezone(UTC))
            sorts = order.key(row["score"], row["sub_score"], at, row["member"])[:3]
            expected = (number, last.rank_of(row["score"], row["sub_score"], number))
            if (row["place"], row["rank"]) != expected or (before is not None and sorts < before):
                yield f"Group {group['group_id']!r} {name} has {row['member']!r} at place {row['place']}, out of order."
            before = sorts
        whole = [row["score"] for row in rows]
        scores[group["group_id"]] = aggregated(scope.team, len(whole), sum(whole), sum(whole[: scope.team.best]))
        if first["state"] == CLOSED and (prizes.places or prizes.teams) and group["rewarded"] != group["members"]:
            yield f"Group {group['group_id']!r} {name} was not looked at for all that it wins."
    if first["state"] == CLOSED and scope.HasField("team"):
        kept = [(g["place"], g["rank"], g["group_id"], g["score"]) for g in groups]
        right = [(n, team.rank, team.group, team.score) for n, team in enumerate(ranked(order, scores), 1)]
        if sorted(kept, key=lambda team: team[0] or 0) != right:
            yield f"The groups {name} are not ranked by their members' scores."
