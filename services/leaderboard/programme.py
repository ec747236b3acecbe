"""The leaderboard section of a programme, checked and compiled."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from laurels.leaderboard.v1 import programme_pb2 as pb
from laurels.programme.v1.programme_pb2 import Programme
from services.activity import MEMBER_VARIABLES, ActivitySchema
from services.leaderboard.ranking import Feed
from services.leaderboard.scratch import Issue
from services.programme import Problems, schemas

BOARDS_MAX, POOLS_MAX, ISSUES_MAX, PRIZES_MAX = 1_000, 1_000, 100, 1_000


@dataclass(slots=True)
class LeaderboardRules:
    """A programme as the leaderboard service uses it.

    `boards` and `pools` hold, in the programme's order, those without
    problems. Feeds and issues are indexed by what they look at: a currency, an
    activity type, a mission.
    """

    schemas: dict[str, ActivitySchema] = field(default_factory=dict)
    boards: dict[str, pb.Board] = field(default_factory=dict)
    pools: dict[str, pb.ScratchPool] = field(default_factory=dict)
    currency_boards: dict[str, list[str]] = field(default_factory=dict)
    activity_feeds: dict[str, list[Feed]] = field(default_factory=dict)
    activity_issues: dict[str, list[Issue]] = field(default_factory=dict)
    mission_pools: dict[str, list[str]] = field(default_factory=dict)


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
    rules = LeaderboardRules(dict(known.schemas))
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
    compiled: Feed | None = None
    if feed is None:
        problems.add(where, "needs what moves it: `points` or `activity`")
    elif feed == "points":
        problems.reference(f"{where}.points.currency", board.points.currency, known.currencies, "currency")
    else:
        compiled = _compile_feed(known, board, f"{where}.activity", problems)
    if len(problems.found) > before or board.id in rules.boards:
        return
    rules.boards[board.id] = board
    if compiled is not None:
        rules.activity_feeds.setdefault(board.activity.activity_type, []).append(compiled)
    else:
        rules.currency_boards.setdefault(board.points.currency, []).append(board.id)


def _compile_feed(known: Known, board: pb.Board, where: str, problems: Problems) -> Feed | None:
    feed = board.activity
    if not problems.reference(f"{where}.activity_type", feed.activity_type, known.schemas, "activity type"):
        return None
    schema = known.schemas[feed.activity_type]
    condition = problems.condition(f"{where}.condition", schema, feed.condition)
    score = problems.amount(f"{where}.score", schema, feed.score)
    return Feed(board.id, condition, score) if condition is not None and score is not None else None


def _compile_pool(rules: LeaderboardRules, known: Known, pool: pb.ScratchPool, where: str, problems: Problems) -> None:
    before = len(problems.found)
    _check_some(f"{where}.issues", pool.issues, problems)
    if len(pool.issues) > ISSUES_MAX:
        problems.add(f"{where}.issues", f"has {len(pool.issues)} items, more than {ISSUES_MAX}")
    issues: list[tuple[str, Issue]] = []
    for place, issue in enumerate(pool.issues):
        spot = f"{where}.issues[{place}]"
        source = issue.WhichOneof("source")
        if source is None:
            problems.add(spot, "needs where cards come from: `activity` or `mission`")
        elif source == "mission":
            problems.reference(f"{spot}.mission", issue.mission, known.missions, "mission")
        else:
            issues.extend(_compile_issue(known, pool.id, issue.activity, f"{spot}.activity", problems))
    _check_prizes(known, pool, where, problems)
    if len(problems.found) > before or pool.id in rules.pools:
        return
    rules.pools[pool.id] = pool
    for activity_type, compiled in issues:
        rules.activity_issues.setdefault(activity_type, []).append(compiled)
    for mission in dict.fromkeys(i.mission for i in pool.issues if i.WhichOneof("source") == "mission"):
        rules.mission_pools.setdefault(mission, []).append(pool.id)


def _compile_issue(
    known: Known, pool: str, issue: pb.ActivityIssue, where: str, problems: Problems
) -> Iterator[tuple[str, Issue]]:
    if problems.reference(f"{where}.activity_type", issue.activity_type, known.schemas, "activity type"):
        schema = known.schemas[issue.activity_type]
        condition = problems.condition(f"{where}.condition", schema, issue.condition)
        if condition is not None:
            yield issue.activity_type, Issue(pool, condition)


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
