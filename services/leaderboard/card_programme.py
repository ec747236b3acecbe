"""The scratch-card pools of a programme, checked and compiled."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from laurels.leaderboard.v1 import programme_pb2 as pb
from laurels.programme.v1.programme_pb2 import Programme
from services.leaderboard.fairness import DECK, WHOLE
from services.leaderboard.published import FACES, KINDS, PRIZE_FIELDS, micros_of, table_of
from services.leaderboard.rules import Known, LeaderboardRules, of_type
from services.programme import Problems

POOLS_MAX, ISSUES_MAX, PRIZES_MAX, POINTS_MAX = 1_000, 100, 1_000, 100
DECK_MAX = 100_000
"""A deck of so many cards is shuffled and hashed in a second, within the event that publishes it."""
DAYS_MAX, REVEAL_DAYS_MAX = 3_660, 366
MOMENT_MAX_S = 250_246_454_400
"""The year 9900, so that no day that is added passes what a date can be."""


def compile_pools(rules: LeaderboardRules, known: Known, section: pb.LeaderboardProgramme, problems: Problems) -> None:
    """Compiles what is right and reports what is not."""
    problems.items("leaderboard.scratch_pools", section.scratch_pools, POOLS_MAX)
    for place, pool in enumerate(section.scratch_pools):
        _compile_pool(rules, known, pool, f"leaderboard.scratch_pools[{place}]", problems)


def _compile_pool(rules: LeaderboardRules, known: Known, pool: pb.ScratchPool, where: str, problems: Problems) -> None:
    before = len(problems.found)
    _check_issues(known, pool, where, problems)
    _check_prizes(known, pool, where, problems)
    _check_window(pool, where, problems)
    for name, numbers in (("kind", KINDS), ("face", FACES)):
        if getattr(pool, name) not in numbers:
            problems.add(f"{where}.{name}", f"is {getattr(pool, name)}, which is none")
    if KINDS.get(pool.kind) == DECK:
        _check_deck(pool, where, problems)
    else:
        _check_odds(pool, where, problems)
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
    for place, prize in enumerate(pool.prizes):
        spot = f"{where}.prizes[{place}]"
        problems.bounded(f"{spot}.stock", prize.stock, 1)
        problems.bounded(f"{spot}.value", prize.value, 0)
        _check_given(known, prize, spot, problems)


def _check_given(known: Known, prize: pb.Prize, spot: str, problems: Problems) -> None:
    """What a prize is: exactly one thing."""
    given = [name for name in ("reward", "badge", "scratch_card") if getattr(prize, name)]
    if len(given) + bool(prize.currency or prize.amount) > 1:
        problems.add(spot, "is more than one of `currency` with `amount`, `reward`, `badge` and `scratch_card`")
        return
    if prize.reward:
        problems.reference(f"{spot}.reward", prize.reward, known.rewards, "reward")
    elif prize.badge:
        problems.reference(f"{spot}.badge", prize.badge, known.badges, "badge")
    elif prize.scratch_card:
        problems.reference(f"{spot}.scratch_card", prize.scratch_card, known.pools, "scratch-card pool")
    else:
        problems.bounded(f"{spot}.amount", prize.amount, 1)
        problems.reference(f"{spot}.currency", prize.currency, known.currencies, "currency")


def _check_window(pool: pb.ScratchPool, where: str, problems: Problems) -> None:
    """Window, limits, validity and pacing."""
    problems.bounded(f"{where}.cards", pool.cards, 0)
    problems.bounded(f"{where}.valid_days", pool.valid_days, 0, DAYS_MAX)
    for name in ("per_member_day", "per_member", "per_day"):
        problems.bounded(f"{where}.limits.{name}", getattr(pool.limits, name), 0)
    if pool.HasField("window"):
        for name in ("starts_at", "ends_at"):
            if not pool.window.HasField(name):
                problems.add(f"{where}.window.{name}", "is missing")
        if micros_of(pool.window.ends_at) <= micros_of(pool.window.starts_at):
            problems.add(f"{where}.window.ends_at", "is not after `starts_at`")
        for name in ("starts_at", "ends_at"):
            if not 0 <= getattr(pool.window, name).seconds < MOMENT_MAX_S:
                problems.add(f"{where}.window.{name}", "is not within the years 1970 and 9899")
        problems.bounded(f"{where}.window.reveal_days", pool.window.reveal_days, 0, REVEAL_DAYS_MAX)
    elif pool.pacing:
        problems.add(f"{where}.pacing", "needs a window to go along")
    if len(pool.pacing) > POINTS_MAX:
        problems.add(f"{where}.pacing", f"has {len(pool.pacing)} items, more than {POINTS_MAX}")
    elapsed, released = -1, 0
    for place, point in enumerate(pool.pacing):
        spot = f"{where}.pacing[{place}]"
        problems.bounded(f"{spot}.elapsed", point.elapsed, elapsed + 1, WHOLE)
        problems.bounded(f"{spot}.released", point.released, WHOLE if point.elapsed == WHOLE else released, WHOLE)
        elapsed, released = point.elapsed, point.released


def _check_odds(pool: pb.ScratchPool, where: str, problems: Problems) -> None:
    problems.bounded(f"{where}.nothing_weight", pool.nothing_weight, 0)
    problems.bounded(f"{where}.budget", pool.budget, 0)
    places = {prize.id: place for place, prize in enumerate(pool.prizes)}
    for place, prize in enumerate(pool.prizes):
        spot = f"{where}.prizes[{place}]"
        problems.bounded(f"{spot}.weight", prize.weight, 1)
        known = prize.instead and problems.reference(f"{spot}.instead", prize.instead, places, "prize")
        if known and places[prize.instead] <= place:
            problems.add(f"{spot}.instead", f"refers to {prize.instead!r}, which does not stand after it")


def _check_deck(pool: pb.ScratchPool, where: str, problems: Problems) -> None:
    problems.bounded(f"{where}.nothing_weight", pool.nothing_weight, 0, 0)
    problems.bounded(f"{where}.budget", pool.budget, 0, 0)
    problems.bounded(f"{where}.cards", pool.cards, 1, DECK_MAX)
    if (stock := sum(prize.stock for prize in pool.prizes)) > pool.cards:
        problems.add(f"{where}.cards", f"is {pool.cards}, less than the {stock} prizes that the deck holds")
    for place, prize in enumerate(pool.prizes):
        problems.bounded(f"{where}.prizes[{place}].weight", prize.weight, 0, 0)
        if prize.instead:
            problems.add(f"{where}.prizes[{place}].instead", "is set; a deck's prizes are always there")


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


def check_published(
    programme: Programme, published: Mapping[str, pb.ScratchPool | str], brand: str, problems: Problems
) -> None:
    """Reports what differs from what a pool of the same id was published with.

    That is its table's text, or, where it was published before there were
    tables, a pool of the prizes and weights that it has.
    """
    for place, pool in enumerate(programme.leaderboard.scratch_pools):
        before = published.get(pool.id)
        if before is None:
            continue
        where = f"leaderboard.scratch_pools[{place}]"
        why = f"differs from what pool {pool.id!r} was published with, which must not change; give a new pool a new id"
        then = json.loads(before) if isinstance(before, str) else table_of(brand, before, "UTC")
        # The zone is the programme's; what was published keeps its own.
        now = table_of(brand, pool, then["limits"]["time_zone"])
        for path in differing(now, then):
            problems.add(f"{where}.{path}", why)


def differing(now: Mapping[str, Any], then: Mapping[str, Any]) -> Iterator[str]:
    """The paths at which two tables differ; of a prize, the first."""
    for name in sorted(now.keys() | then.keys()):
        if now.get(name) == then.get(name):
            continue
        if name != "prizes" or len(now[name]) != len(then[name]):
            yield name
            continue
        for number, (one, other) in enumerate(zip(now[name], then[name], strict=True)):
            if one != other:
                yield f"prizes[{number}].{next(key for key in PRIZE_FIELDS if one.get(key) != other.get(key))}"
