"""The SQL of challenges and teams."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from services.missions.challenge_rules import Refunded, Standing
from services.missions.store import tallies

ContributionKey = tuple[str, str, str]
"""Challenge, member and activity."""
ChallengeMember = tuple[str, str]
"""Challenge and member."""
PayoutKey = tuple[str, str]
"""Challenge and payout."""
TeamKey = tuple[str, str]
"""Challenge and team."""

_CONTRIBUTION = "challenge, member, activity, team, value, counted, is_each, occurred_at"
_LOCK_CONTRIBUTIONS = f"""
    SELECT known.* FROM unnest($2::text[], $3::text[], $4::text[]) AS wanted (challenge, member, activity)
    CROSS JOIN LATERAL (
        SELECT {_CONTRIBUTION} FROM contributions AS own
        WHERE brand = $1 AND own.challenge = wanted.challenge AND own.member = wanted.member
            AND own.activity = wanted.activity
        FOR NO KEY UPDATE
    ) AS known"""  # noqa: S608
_ADD_CONTRIBUTIONS = f"""
    INSERT INTO contributions (brand, {_CONTRIBUTION})
    SELECT $1, {_CONTRIBUTION}
    FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::boolean[],
            $9::timestamptz[])
        AS new ({_CONTRIBUTION})"""  # noqa: S608
_SAVE_CONTRIBUTIONS = (
    _ADD_CONTRIBUTIONS + " ON CONFLICT (brand, challenge, member, activity) DO UPDATE SET counted = excluded.counted"
)
_LOCK_REFUNDS = """
    SELECT known.* FROM unnest($2::text[], $3::text[]) AS wanted (member, activity)
    CROSS JOIN LATERAL (
        SELECT member, activity, refunded, total FROM refunded_activities AS own
        WHERE brand = $1 AND own.member = wanted.member AND own.activity = wanted.activity FOR NO KEY UPDATE
    ) AS known"""
_SAVE_REFUNDS = """
    INSERT INTO refunded_activities (brand, member, activity, refunded, total)
    SELECT $1, member, activity, refunded, total
    FROM unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[]) AS new (member, activity, refunded, total)
    ON CONFLICT (brand, member, activity) DO UPDATE
    SET refunded = greatest(refunded_activities.refunded, excluded.refunded), total = excluded.total"""
_LOCK_STATES = """
    SELECT challenge, told_total, told_at, closed_at FROM challenge_states
    WHERE brand = $1 AND challenge = ANY($2::text[]) ORDER BY challenge"""
_SAVE_STATES = """
    INSERT INTO challenge_states (brand, challenge, told_total, told_at, closed_at)
    SELECT $1, challenge, told_total, told_at, closed_at
    FROM unnest($2::text[], $3::bigint[], $4::timestamptz[], $5::timestamptz[])
        AS new (challenge, told_total, told_at, closed_at)"""
_UPDATE_STATES = """
    ON CONFLICT (brand, challenge) DO UPDATE SET told_total = excluded.told_total, told_at = excluded.told_at,
        closed_at = excluded.closed_at"""
_REACHED = """
    SELECT challenge, milestone, total, reached_at FROM milestones_reached
    WHERE brand = $1 AND challenge = ANY($2::text[])"""
_ADD_REACHED = """
    INSERT INTO milestones_reached (brand, challenge, milestone, total, reached_at)
    SELECT $1, challenge, milestone, total, reached_at
    FROM unnest($2::text[], $3::text[], $4::bigint[], $5::timestamptz[])
        AS new (challenge, milestone, total, reached_at)"""
_PAYOUT = "challenge, payout, team, contribution_min, grants, programme_version, decided_at, paid_through, done"
_PAYOUTS = f"""
    SELECT known.* FROM unnest($2::text[], $3::text[]) AS wanted (challenge, payout)
    CROSS JOIN LATERAL (
        SELECT {_PAYOUT} FROM payouts AS own
        WHERE brand = $1 AND own.challenge = wanted.challenge AND own.payout = wanted.payout
        FOR NO KEY UPDATE
    ) AS known"""  # noqa: S608
_SAVE_PAYOUTS = f"""
    INSERT INTO payouts (brand, {_PAYOUT})
    SELECT $1, {_PAYOUT}
    FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::bytea[], $7::integer[], $8::timestamptz[],
            $9::text[], $10::boolean[])
        AS new ({_PAYOUT})
    ON CONFLICT (brand, challenge, payout) DO UPDATE SET decided_at = excluded.decided_at,
        paid_through = excluded.paid_through, done = excluded.done"""  # noqa: S608
_DUE_PAYOUTS = f"""
    SELECT {_PAYOUT} FROM payouts WHERE brand = $1 AND NOT done ORDER BY challenge, payout LIMIT 1"""  # noqa: S608
_CONTRIBUTORS = """
    SELECT page.member, page.contributed, EXISTS (
        SELECT FROM challenge_rewards AS had
        WHERE had.brand = $1 AND had.challenge = $2 AND had.reward = $3 AND had.member = page.member
    ) AS rewarded
    FROM (
        SELECT member, sum(counted)::bigint AS contributed FROM contributions
        WHERE brand = $1 AND challenge = $2 AND member > $4 GROUP BY member ORDER BY member LIMIT $5
    ) AS page ORDER BY member"""
_TEAM_MATES = """
    SELECT page.member, coalesce(own.contributed, 0)::bigint AS contributed, EXISTS (
        SELECT FROM challenge_rewards AS had
        WHERE had.brand = $1 AND had.challenge = $2 AND had.reward = $3 AND had.member = page.member
    ) AS rewarded
    FROM (
        SELECT member FROM team_members
        WHERE brand = $1 AND challenge = $2 AND team = $6 AND left_at IS NULL AND member > $4
        ORDER BY member LIMIT $5
    ) AS page
    CROSS JOIN LATERAL (
        SELECT sum(counted) AS contributed FROM contributions
        WHERE brand = $1 AND challenge = $2 AND contributions.member = page.member
    ) AS own
    ORDER BY member"""
_ADD_REWARDS = """
    INSERT INTO challenge_rewards (brand, challenge, reward, member, contributed, rewarded_at)
    SELECT $1, challenge, reward, member, contributed, rewarded_at
    FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::timestamptz[])
        AS new (challenge, reward, member, contributed, rewarded_at)"""
_TEAM = "challenge, team, name, code, owner, size, made_at"
_LOCK_TEAMS = f"""
    SELECT known.* FROM unnest($2::text[], $3::text[]) AS wanted (challenge, team)
    CROSS JOIN LATERAL (
        SELECT {_TEAM} FROM teams AS own
        WHERE brand = $1 AND own.challenge = wanted.challenge AND own.team = wanted.team FOR NO KEY UPDATE
    ) AS known"""  # noqa: S608
_ADD_TEAMS = f"""
    INSERT INTO teams (brand, {_TEAM})
    SELECT $1, {_TEAM}
    FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::integer[], $8::timestamptz[])
        AS new ({_TEAM})"""  # noqa: S608
_SAVE_TEAMS = _ADD_TEAMS + " ON CONFLICT (brand, challenge, team) DO UPDATE SET size = excluded.size"
_NAME_TEAMS = _ADD_TEAMS + " ON CONFLICT (brand, challenge, team) DO NOTHING"
_TEAMS_OF = f"""
    SELECT {_TEAM} FROM teams WHERE brand = $1 AND challenge = $2"""  # noqa: S608
_BY_CODE = f"SELECT {_TEAM} FROM teams WHERE brand = $1 AND code = ANY($2::text[])"  # noqa: S608
_LOCK_PLACES = """
    SELECT known.* FROM unnest($2::text[], $3::text[]) AS wanted (challenge, member)
    CROSS JOIN LATERAL (
        SELECT challenge, member, team, joined_at, left_at FROM team_members AS own
        WHERE brand = $1 AND own.challenge = wanted.challenge AND own.member = wanted.member FOR NO KEY UPDATE
    ) AS known"""
_ADD_PLACES = """
    INSERT INTO team_members (brand, challenge, member, team, joined_at, left_at)
    SELECT $1, challenge, member, team, joined_at, left_at
    FROM unnest($2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[])
        AS new (challenge, member, team, joined_at, left_at)"""
_SAVE_PLACES = (
    _ADD_PLACES
    + """
    ON CONFLICT (brand, challenge, member) DO UPDATE
    SET team = excluded.team, joined_at = excluded.joined_at, left_at = excluded.left_at"""
)
_PLACES_OF = """
    SELECT challenge, member, team, joined_at, left_at FROM team_members
    WHERE brand = $1 AND member = $2 AND team <> '' ORDER BY challenge"""
_RESULTS = """
    SELECT team, size, total, rank FROM team_results WHERE brand = $1 AND challenge = $2 ORDER BY rank, team"""
_ADD_RESULTS = """
    INSERT INTO team_results (brand, challenge, team, rank, size, total)
    SELECT $1, challenge, team, rank, size, total
    FROM unnest($2::text[], $3::text[], $4::integer[], $5::integer[], $6::bigint[])
        AS new (challenge, team, rank, size, total)"""
_CONTRIBUTED = """
    SELECT challenge, own.contributed FROM unnest($2::text[]) AS wanted (challenge)
    CROSS JOIN LATERAL (
        SELECT sum(counted)::bigint AS contributed FROM contributions
        WHERE brand = $1 AND contributions.challenge = wanted.challenge AND member = $3
    ) AS own WHERE own.contributed IS NOT NULL"""


@dataclass(slots=True)
class Contribution:
    """What an activity counts for in a challenge: its value, and how much of it refunds leave."""

    challenge: str
    member: str
    activity: str
    team: str
    value: int
    counted: int
    is_each: bool
    occurred_at: datetime
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class RefundedActivity:
    """How much of a member's activity is refunded."""

    member: str
    activity: str
    refunded: Refunded


@dataclass(slots=True)
class State:
    """How far a challenge is: the total that was last told, and when its result became final."""

    challenge: str
    told_total: int
    told_at: datetime
    closed_at: datetime | None
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class Reached:
    """A milestone that was reached, at a total."""

    challenge: str
    milestone: str
    total: int
    reached_at: datetime


@dataclass(slots=True)
class Milestones:
    """The milestones of a challenge that were reached; `added` are not saved yet. The state's lock guards them."""

    challenge: str
    reached: dict[str, Reached]
    added: list[Reached]


@dataclass(slots=True)
class Payout:
    """Rewards that go to many members, page by page, in the order of their ids.

    `paid_through` is the last member of the last page. `team` is the one whose
    members get it; empty for all who contributed.
    """

    challenge: str
    payout: str
    team: str
    contribution_min: int
    grants: bytes
    programme_version: int
    decided_at: datetime
    paid_through: str
    done: bool


@dataclass(frozen=True, slots=True)
class Recipient:
    """A member whom a payout reaches, with what they contributed, and whether they had it before."""

    member: str
    contributed: int
    rewarded: bool


@dataclass(frozen=True, slots=True)
class Rewarded:
    """A row of `challenge_rewards`."""

    challenge: str
    reward: str
    member: str
    contributed: int
    rewarded_at: datetime


@dataclass(slots=True)
class Team:
    """A team; `size` counts who is in it and who left after the beginning, where members form it."""

    challenge: str
    team: str
    name: str
    code: str | None
    owner: str
    size: int
    made_at: datetime
    is_new: bool = False


@dataclass(slots=True)
class Place:
    """A member's team in a challenge; empty after leaving it before the beginning."""

    challenge: str
    member: str
    team: str
    joined_at: datetime
    left_at: datetime | None
    is_new: bool = False


async def lock_contributions(
    connection: asyncpg.Connection, brand: str, keys: list[ContributionKey]
) -> dict[ContributionKey, Contribution]:
    rows = await connection.fetch(_LOCK_CONTRIBUTIONS, brand, *_columns(keys, 3))
    return {(row["challenge"], row["member"], row["activity"]): Contribution(**row) for row in rows}


async def save_contributions(connection: asyncpg.Connection, brand: str, changed: list[Contribution]) -> None:
    for statement, is_new in ((_SAVE_CONTRIBUTIONS, False), (_ADD_CONTRIBUTIONS, True)):
        found = [contribution for contribution in changed if contribution.is_new == is_new]
        if found:
            await connection.execute(
                statement,
                brand,
                [each.challenge for each in found],
                [each.member for each in found],
                [each.activity for each in found],
                [each.team for each in found],
                [each.value for each in found],
                [each.counted for each in found],
                [each.is_each for each in found],
                [each.occurred_at for each in found],
            )


async def lock_refunds(
    connection: asyncpg.Connection, brand: str, keys: list[tuple[str, str]]
) -> dict[tuple[str, str], RefundedActivity]:
    rows = await connection.fetch(_LOCK_REFUNDS, brand, *_columns(keys, 2))
    return {
        (row["member"], row["activity"]): RefundedActivity(
            row["member"], row["activity"], Refunded(row["refunded"], row["total"])
        )
        for row in rows
    }


async def save_refunds(connection: asyncpg.Connection, brand: str, changed: list[RefundedActivity]) -> None:
    await connection.execute(
        _SAVE_REFUNDS,
        brand,
        [each.member for each in changed],
        [each.activity for each in changed],
        [each.refunded.refunded for each in changed],
        [each.refunded.total for each in changed],
    )


async def lock_states(connection: asyncpg.Connection, brand: str, challenges: list[str]) -> dict[str, State]:
    rows = await connection.fetch(_LOCK_STATES + " FOR NO KEY UPDATE", brand, challenges)
    return {row["challenge"]: State(**row) for row in rows}


async def states(connection: asyncpg.Connection, brand: str, challenges: Sequence[str]) -> dict[str, State]:
    """The states as they are, without a lock."""
    rows = await connection.fetch(_LOCK_STATES, brand, list(challenges)) if challenges else []
    return {row["challenge"]: State(**row) for row in rows}


async def save_states(connection: asyncpg.Connection, brand: str, changed: list[State]) -> None:
    """Saves locked rows, and adds new ones: one that another transaction added first is a unique violation."""
    for statement, is_new in ((_SAVE_STATES + _UPDATE_STATES, False), (_SAVE_STATES, True)):
        found = [state for state in changed if state.is_new == is_new]
        if found:
            await connection.execute(
                statement,
                brand,
                [each.challenge for each in found],
                [each.told_total for each in found],
                [each.told_at for each in found],
                [each.closed_at for each in found],
            )


async def totals(connection: asyncpg.Connection, brand: str, challenges: list[str]) -> dict[str, int]:
    """What all contributed to challenges, at one moment."""
    found = await tallies.read(connection, brand, [f"total:{challenge}" for challenge in challenges])
    return {challenge: found.get(f"total:{challenge}", 0) for challenge in challenges}


async def milestones(connection: asyncpg.Connection, brand: str, challenges: list[str]) -> dict[str, Milestones]:
    found = {challenge: Milestones(challenge, {}, []) for challenge in challenges}
    for row in await connection.fetch(_REACHED, brand, challenges):
        found[row["challenge"]].reached[row["milestone"]] = Reached(**row)
    return found


async def save_milestones(connection: asyncpg.Connection, brand: str, changed: list[Milestones]) -> None:
    added = [reached for each in changed for reached in each.added]
    await connection.execute(
        _ADD_REACHED,
        brand,
        [each.challenge for each in added],
        [each.milestone for each in added],
        [each.total for each in added],
        [each.reached_at for each in added],
    )


async def lock_payouts(connection: asyncpg.Connection, brand: str, keys: list[PayoutKey]) -> dict[PayoutKey, Payout]:
    rows = await connection.fetch(_PAYOUTS, brand, *_columns(keys, 2))
    return {(row["challenge"], row["payout"]): Payout(**row) for row in rows}


async def save_payouts(connection: asyncpg.Connection, brand: str, changed: list[Payout]) -> None:
    await connection.execute(
        _SAVE_PAYOUTS,
        brand,
        [each.challenge for each in changed],
        [each.payout for each in changed],
        [each.team for each in changed],
        [each.contribution_min for each in changed],
        [each.grants for each in changed],
        [each.programme_version for each in changed],
        [each.decided_at for each in changed],
        [each.paid_through for each in changed],
        [each.done for each in changed],
    )


async def due_payout(connection: asyncpg.Connection, brand: str) -> Payout | None:
    """A payout that is not done, if there is one."""
    row = await connection.fetchrow(_DUE_PAYOUTS, brand)
    return Payout(**row) if row is not None else None


async def recipients(connection: asyncpg.Connection, brand: str, payout: Payout, at_once: int) -> list[Recipient]:
    """The next page of the members whom a payout may reach."""
    arguments = [brand, payout.challenge, payout.payout, payout.paid_through, at_once]
    rows = (
        await connection.fetch(_TEAM_MATES, *arguments, payout.team)
        if payout.team
        else await connection.fetch(_CONTRIBUTORS, *arguments)
    )
    return [Recipient(**row) for row in rows]


async def add_rewards(connection: asyncpg.Connection, brand: str, rewards: Sequence[Rewarded]) -> None:
    await connection.execute(
        _ADD_REWARDS,
        brand,
        [each.challenge for each in rewards],
        [each.reward for each in rewards],
        [each.member for each in rewards],
        [each.contributed for each in rewards],
        [each.rewarded_at for each in rewards],
    )


async def lock_teams(connection: asyncpg.Connection, brand: str, keys: list[TeamKey]) -> dict[TeamKey, Team]:
    rows = await connection.fetch(_LOCK_TEAMS, brand, *_columns(keys, 2))
    return {(row["challenge"], row["team"]): Team(**row) for row in rows}


async def save_teams(connection: asyncpg.Connection, brand: str, changed: list[Team]) -> None:
    """Saves locked rows, and adds new ones: one that another transaction added first is a unique violation."""
    for statement, is_new in ((_SAVE_TEAMS, False), (_ADD_TEAMS, True)):
        found = [team for team in changed if team.is_new == is_new]
        if found:
            await connection.execute(statement, brand, *_team_columns(found))


async def name_teams(connection: asyncpg.Connection, brand: str, teams: Sequence[Team]) -> None:
    """Adds the teams that an attribute makes, unless they are there; nobody waits for a row of theirs."""
    by_key = {(team.challenge, team.team): team for team in teams}
    await connection.execute(_NAME_TEAMS, brand, *_team_columns([by_key[key] for key in sorted(by_key)]))


def _team_columns(teams: Sequence[Team]) -> tuple[list[Any], ...]:
    return (
        [each.challenge for each in teams],
        [each.team for each in teams],
        [each.name for each in teams],
        [each.code for each in teams],
        [each.owner for each in teams],
        [each.size for each in teams],
        [each.made_at for each in teams],
    )


async def teams(connection: asyncpg.Connection, brand: str, keys: Sequence[TeamKey]) -> dict[TeamKey, Team]:
    """Teams as they are, without a lock."""
    statement = _LOCK_TEAMS.replace("FOR NO KEY UPDATE", "")
    rows = await connection.fetch(statement, brand, *_columns(keys, 2)) if keys else []
    return {(row["challenge"], row["team"]): Team(**row) for row in rows}


async def by_code(connection: asyncpg.Connection, brand: str, codes: Sequence[str]) -> dict[str, Team]:
    """The teams that have codes."""
    return {row["code"]: Team(**row) for row in await connection.fetch(_BY_CODE, brand, list(codes))}


async def standings(connection: asyncpg.Connection, brand: str, challenges: list[str]) -> dict[str, list[Standing]]:
    """The teams of challenges with their sizes and totals at one moment, in no order."""
    found: dict[str, list[Standing]] = {}
    for challenge in challenges:
        names = [row["team"] for row in await connection.fetch(_TEAMS_OF, brand, challenge)]
        wanted = [f"{kind}:{challenge}:{name}" for name in names for kind in ("size", "team")]
        values = await tallies.read(connection, brand, wanted)
        found[challenge] = [
            Standing(name, values.get(f"size:{challenge}:{name}", 0), values.get(f"team:{challenge}:{name}", 0))
            for name in names
        ]
    return found


async def lock_places(
    connection: asyncpg.Connection, brand: str, keys: list[ChallengeMember]
) -> dict[ChallengeMember, Place]:
    rows = await connection.fetch(_LOCK_PLACES, brand, *_columns(keys, 2))
    return {(row["challenge"], row["member"]): Place(**row) for row in rows}


async def save_places(connection: asyncpg.Connection, brand: str, changed: list[Place]) -> None:
    """Saves locked rows, and adds new ones: one that another transaction added first is a unique violation."""
    for statement, is_new in ((_SAVE_PLACES, False), (_ADD_PLACES, True)):
        found = [place for place in changed if place.is_new == is_new]
        if found:
            await connection.execute(
                statement,
                brand,
                [each.challenge for each in found],
                [each.member for each in found],
                [each.team for each in found],
                [each.joined_at for each in found],
                [each.left_at for each in found],
            )


async def places_of(connection: asyncpg.Connection, brand: str, member: str) -> list[Place]:
    """A member's teams, those that they left after the beginning included."""
    return [Place(**row) for row in await connection.fetch(_PLACES_OF, brand, member)]


async def results(connection: asyncpg.Connection, brand: str, challenge: str) -> list[Standing]:
    """The final standing of a challenge's teams, best first; empty before it is final."""
    return [Standing(**row) for row in await connection.fetch(_RESULTS, brand, challenge)]


async def add_results(connection: asyncpg.Connection, brand: str, found: Sequence[tuple[str, Standing]]) -> None:
    """Adds the final standings of teams, each with its challenge."""
    await connection.execute(
        _ADD_RESULTS,
        brand,
        [challenge for challenge, _ in found],
        [team.team for _, team in found],
        [team.rank for _, team in found],
        [team.size for _, team in found],
        [team.total for _, team in found],
    )


async def contributed(
    connection: asyncpg.Connection, brand: str, member: str, challenges: Sequence[str]
) -> dict[str, int]:
    """What a member contributed, by challenge; those without are left out."""
    rows = await connection.fetch(_CONTRIBUTED, brand, list(challenges), member)
    return {row["challenge"]: row["contributed"] for row in rows}


async def save_nothing(_connection: asyncpg.Connection, _brand: str, _rows: Sequence[Any]) -> None:
    """For rows that are only read."""


def _columns(keys: Sequence[tuple[str, ...]], count: int) -> list[list[str]]:
    return [[key[place] for key in keys] for place in range(count)]
