"""The scratch-card pools of a programme, checked and compiled."""

from collections.abc import Iterable, Mapping, Sequence

from laurels.leaderboard.v1 import programme_pb2 as pb
from laurels.programme.v1.programme_pb2 import Programme
from services.leaderboard.rules import Known, LeaderboardRules, of_type
from services.programme import Problems

POOLS_MAX, ISSUES_MAX, PRIZES_MAX = 1_000, 100, 1_000


def compile_pools(rules: LeaderboardRules, known: Known, section: pb.LeaderboardProgramme, problems: Problems) -> None:
    """Compiles what is right and reports what is not."""
    problems.items("leaderboard.scratch_pools", section.scratch_pools, POOLS_MAX)
    for place, pool in enumerate(section.scratch_pools):
        _compile_pool(rules, known, pool, f"leaderboard.scratch_pools[{place}]", problems)


def _compile_pool(rules: LeaderboardRules, known: Known, pool: pb.ScratchPool, where: str, problems: Problems) -> None:
    before = len(problems.found)
    _check_issues(known, pool, where, problems)
    _check_prizes(known, pool, where, problems)
    if len(problems.found) > before or pool.id in rules.pools:
        return
    rules.pools[pool.id] = pool
    for issue in pool.issues:
        if issue.WhichOneof("source") == "activity":
            issues = of_type(rules, known, issue.activity.activity_type).issues
            issues.append((pool.id, issue.activity.condition))
        elif pool.id not in (pools := rules.by_mission.setdefault(issue.mission, [])):
            pools.append(pool.id)


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
