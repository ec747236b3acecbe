"""The leaderboard section of a programme, checked and compiled."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from laurels.activity.v1.events_pb2 import ActivityRecorded
from laurels.leaderboard.v1 import programme_pb2 as pb
from laurels.programme.v1.programme_pb2 import Programme
from services.activity import MEMBER_VARIABLES, ActivitySchema, Expressions
from services.leaderboard.ranking import GAIN_MAX
from services.programme import Problems, schemas

BOARDS_MAX, POOLS_MAX, ISSUES_MAX, PRIZES_MAX = 1_000, 1_000, 100, 1_000

Failed = Callable[[str, str], None]
"""Is told which board or pool has an expression that failed on an activity, and why."""


class Outcome(NamedTuple):
    """What an activity does: boards with what they rise by, and pools that give a card."""

    gains: list[tuple[str, int]]
    pools: list[str]


@dataclass
class TypeRules:
    """What looks at one activity type.

    `feeds` are boards with condition and score; `issues` pools with a
    condition. A pool gives one card for an activity, whatever number of its
    conditions hold. All expressions are evaluated in one go.
    """

    schema: ActivitySchema
    feeds: list[tuple[str, str, str]] = field(default_factory=list)
    issues: list[tuple[str, str]] = field(default_factory=list)
    expressions: Expressions | None = None

    def outcome(self, recorded: ActivityRecorded, failed: Failed) -> Outcome:
        """What an activity does. What fails on it does nothing there and is told to `failed`."""
        expressions = self.expressions or self._compile()
        names = self._names
        activity = recorded.activity
        member = {"member.id": activity.member, "member.tier": recorded.tier}
        found = expressions.of(activity, member, lambda place, why: failed(names[place], why))
        gains = []
        for board, score in zip(names, found[: len(self.feeds)], strict=False):
            if score > GAIN_MAX:
                failed(board, f"the score {score} is over {GAIN_MAX}")
            elif score > 0:
                gains.append((board, score))
        holding = zip(self.issues, found[len(self.feeds) :], strict=True)
        return Outcome(gains, list(dict.fromkeys(pool for (pool, _), holds in holding if holds)))

    def _compile(self) -> Expressions:
        self._names = [board for board, _, _ in self.feeds] + [pool for pool, _ in self.issues]
        self.expressions = Expressions(self.schema)
        for _, condition, score in self.feeds:
            self.expressions.add(condition, score)
        for _, condition in self.issues:
            self.expressions.add(condition, "1")
        return self.expressions


@dataclass(slots=True)
class LeaderboardRules:
    """A programme as the leaderboard service uses it.

    `boards` and `pools` hold, in the programme's order, those without
    problems. The rest is indexed by what it looks at: a currency, an activity
    type, a mission.
    """

    boards: dict[str, pb.Board] = field(default_factory=dict)
    pools: dict[str, pb.ScratchPool] = field(default_factory=dict)
    by_currency: dict[str, list[str]] = field(default_factory=dict)
    by_type: dict[str, TypeRules] = field(default_factory=dict)
    by_mission: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Known:
    """The ids that the section may refer to."""

    currencies: frozenset[str]
    missions: frozenset[str]
    schemas: Mapping[str, ActivitySchema]


def compile_document(document: bytes) -> LeaderboardRules:
    """A recorded programme, compiled; what was recorded had no problems."""
    return compile_programme(Programme.FromString(document), Problems())


def compile_programme(programme: Programme, problems: Problems) -> LeaderboardRules:
    """Compiles what is right and reports what is not."""
    section = programme.leaderboard
    known = Known(
        frozenset(currency.id for currency in programme.points.currencies),
        frozenset(mission.id for mission in programme.missions.missions),
        schemas(programme, MEMBER_VARIABLES),
    )
    rules = LeaderboardRules()
    problems.items("leaderboard.boards", section.boards, BOARDS_MAX)
    for place, board in enumerate(section.boards):
        _compile_board(rules, known, board, f"leaderboard.boards[{place}]", problems)
    problems.items("leaderboard.scratch_pools", section.scratch_pools, POOLS_MAX)
    for place, pool in enumerate(section.scratch_pools):
        _compile_pool(rules, known, pool, f"leaderboard.scratch_pools[{place}]", problems)
    return rules


def _compile_board(rules: LeaderboardRules, known: Known, board: pb.Board, where: str, problems: Problems) -> None:
    before = len(problems.found)
    feed = board.WhichOneof("feed")
    if feed is None:
        problems.add(where, "needs what moves it: `points` or `activity`")
    elif feed == "points":
        problems.reference(f"{where}.points.currency", board.points.currency, known.currencies, "currency")
    else:
        _check_feed(known, board.activity, f"{where}.activity", problems)
    if len(problems.found) > before or board.id in rules.boards:
        return
    rules.boards[board.id] = board
    if feed == "points":
        rules.by_currency.setdefault(board.points.currency, []).append(board.id)
    else:
        moved = board.activity
        _of_type(rules, known, moved.activity_type).feeds.append((board.id, moved.condition, moved.score))


def _check_feed(known: Known, feed: pb.ActivityFeed, where: str, problems: Problems) -> None:
    if problems.reference(f"{where}.activity_type", feed.activity_type, known.schemas, "activity type"):
        schema = known.schemas[feed.activity_type]
        problems.condition(f"{where}.condition", schema, feed.condition)
        problems.amount(f"{where}.score", schema, feed.score)


def _compile_pool(rules: LeaderboardRules, known: Known, pool: pb.ScratchPool, where: str, problems: Problems) -> None:
    before = len(problems.found)
    _check_issues(known, pool, where, problems)
    _check_prizes(known, pool, where, problems)
    if len(problems.found) > before or pool.id in rules.pools:
        return
    rules.pools[pool.id] = pool
    for issue in pool.issues:
        if issue.WhichOneof("source") == "activity":
            issues = _of_type(rules, known, issue.activity.activity_type).issues
            issues.append((pool.id, issue.activity.condition))
        elif pool.id not in (pools := rules.by_mission.setdefault(issue.mission, [])):
            pools.append(pool.id)


def _of_type(rules: LeaderboardRules, known: Known, activity_type: str) -> TypeRules:
    return rules.by_type.setdefault(activity_type, TypeRules(known.schemas[activity_type]))


def _check_issues(known: Known, pool: pb.ScratchPool, where: str, problems: Problems) -> None:
    _check_some(f"{where}.issues", pool.issues, problems)
    if len(pool.issues) > ISSUES_MAX:
        problems.add(f"{where}.issues", f"has {len(pool.issues)} items, more than {ISSUES_MAX}")
    for place, issue in enumerate(pool.issues):
        spot = f"{where}.issues[{place}]"
        source = issue.WhichOneof("source")
        if source is None:
            problems.add(spot, "needs where cards come from: `activity` or `mission`")
        elif source == "mission":
            problems.reference(f"{spot}.mission", issue.mission, known.missions, "mission")
        else:
            _check_activity_issue(known, issue.activity, f"{spot}.activity", problems)


def _check_activity_issue(known: Known, issue: pb.ActivityIssue, where: str, problems: Problems) -> None:
    if problems.reference(f"{where}.activity_type", issue.activity_type, known.schemas, "activity type"):
        problems.condition(f"{where}.condition", known.schemas[issue.activity_type], issue.condition)


def _check_prizes(known: Known, pool: pb.ScratchPool, where: str, problems: Problems) -> None:
    _check_some(f"{where}.prizes", pool.prizes, problems)
    problems.items(f"{where}.prizes", pool.prizes, PRIZES_MAX)
    problems.bounded(f"{where}.nothing_weight", pool.nothing_weight, 0)
    for place, prize in enumerate(pool.prizes):
        spot = f"{where}.prizes[{place}]"
        problems.bounded(f"{spot}.weight", prize.weight, 1)
        problems.bounded(f"{spot}.stock", prize.stock, 1)
        problems.bounded(f"{spot}.amount", prize.amount, 1)
        problems.reference(f"{spot}.currency", prize.currency, known.currencies, "currency")


def _check_some(where: str, items: Sequence[object], problems: Problems) -> None:
    if not items:
        problems.add(where, "is empty; at least one is needed")


def check_owed(programme: Programme, owed: Iterable[tuple[str, str]], problems: Problems) -> None:
    """Reports currencies that unrevealed cards of a pool may win and the programme no longer has."""
    declared = {pool.id for pool in programme.leaderboard.scratch_pools}
    currencies = {currency.id for currency in programme.points.currencies}
    for pool, currency in owed:
        # What a declared pool refers to is checked with it.
        if pool not in declared and currency not in currencies:
            problems.add("points.currencies", f"lacks {currency!r}, which unrevealed cards of pool {pool!r} may win")


def check_published(programme: Programme, published: Mapping[str, pb.ScratchPool], problems: Problems) -> None:
    """Reports prizes that differ from those that a pool of the same id was published with."""
    for place, pool in enumerate(programme.leaderboard.scratch_pools):
        before = published.get(pool.id)
        if before is None:
            continue
        where = f"leaderboard.scratch_pools[{place}]"
        why = f"differs from what pool {pool.id!r} was published with, which must not change; give a new pool a new id"
        if pool.nothing_weight != before.nothing_weight:
            problems.add(f"{where}.nothing_weight", why)
        if len(pool.prizes) != len(before.prizes):
            problems.add(f"{where}.prizes", why)
            continue
        for number, (now, then) in enumerate(zip(pool.prizes, before.prizes, strict=True)):
            if now != then:
                fields = [d.name for d in now.DESCRIPTOR.fields if getattr(now, d.name) != getattr(then, d.name)]
                problems.add(f"{where}.prizes[{number}].{fields[0]}", why)
