"""The boards of a programme, checked and compiled."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from laurels.leaderboard.v1 import programme_boards_pb2 as boards_pb
from laurels.leaderboard.v1 import programme_pb2 as pb
from laurels.programme.v1 import programme_pb2
from laurels.programme.v1.programme_pb2 import Programme
from laurels.value.v1.events_pb2 import Grant
from services.leaderboard.board_rules import BoardRules, Prize
from services.leaderboard.periods import Continuous, Cron, Fixed, Periods
from services.leaderboard.rank_index import Order, Ranking, Ties
from services.leaderboard.ranking import SCORE_MAX, Limits, Operator, Scoring
from services.leaderboard.rules import Feed, Known, LeaderboardRules, of_type
from services.programme import Problems

Value = TypeVar("Value")
BOARDS_MAX, PRIZES_MAX, GRANTS_MAX, FIXED_MAX, SCOPES_MAX, BEST_MAX = 1_000, 100, 20, 1_000, 10, 100
GRACE_S_MAX, WINDOW_S_MAX, COUNT_MAX = 2_592_000, 31_536_000, 1_000_000
RANK_MAX = 10**9

_OPERATORS: Mapping[int, Operator] = {
    boards_pb.SCORE_OPERATOR_UNSPECIFIED: Operator.ADD,
    boards_pb.SCORE_OPERATOR_ADD: Operator.ADD,
    boards_pb.SCORE_OPERATOR_BEST: Operator.BEST,
    boards_pb.SCORE_OPERATOR_WORST: Operator.WORST,
    boards_pb.SCORE_OPERATOR_LAST: Operator.LAST,
    boards_pb.SCORE_OPERATOR_COUNT: Operator.COUNT,
    boards_pb.SCORE_OPERATOR_DISTINCT: Operator.DISTINCT,
}
_TIES: Mapping[int, Ties] = {
    boards_pb.TIE_RULE_UNSPECIFIED: Ties.FIRST,
    boards_pb.TIE_RULE_FIRST: Ties.FIRST,
    boards_pb.TIE_RULE_LAST: Ties.LAST,
    boards_pb.TIE_RULE_SUB_SCORE: Ties.SUB_SCORE,
}
_RANKINGS: Mapping[int, Ranking] = {
    boards_pb.RANK_METHOD_UNSPECIFIED: Ranking.ORDINAL,
    boards_pb.RANK_METHOD_ORDINAL: Ranking.ORDINAL,
    boards_pb.RANK_METHOD_COMPETITION: Ranking.COMPETITION,
    boards_pb.RANK_METHOD_DENSE: Ranking.DENSE,
}
SIGNED = frozenset({Operator.BEST, Operator.WORST, Operator.LAST})
"""Operators to which a feed's score below zero counts."""


def compile_boards(rules: LeaderboardRules, known: Known, section: pb.LeaderboardProgramme, problems: Problems) -> None:
    """Compiles what is right and reports what is not."""
    problems.items("leaderboard.boards", section.boards, BOARDS_MAX)
    for place, board in enumerate(section.boards):
        _compile_board(rules, known, board, f"leaderboard.boards[{place}]", problems)


def _compile_board(rules: LeaderboardRules, known: Known, board: pb.Board, where: str, problems: Problems) -> None:
    before = len(problems.found)
    feed = board.WhichOneof("feed")
    if feed is None and not board.submissions:
        problems.add(where, "needs what moves it: `points`, `activity`, `mission` or `submissions`")
    elif feed == "points":
        problems.reference(f"{where}.points.currency", board.points.currency, known.currencies, "currency")
    elif feed == "mission":
        _check_mission(known, board.mission, f"{where}.mission", problems)
    elif feed == "activity":
        _check_feed(known, board.activity, f"{where}.activity", problems)
    operator = _named(_OPERATORS, board.operator, f"{where}.operator", problems) or Operator.ADD
    _check_sub_score(known, board, operator, where, problems)
    compiled = BoardRules(
        board.id,
        Scoring(operator, _order(board, where, problems), _limits(board, where, problems)),
        _periods(board, where, problems),
        board.schedule.grace_seconds,
        _prizes(known, board, where, problems),
        board.submissions,
        board.names == boards_pb.NAME_RULE_WITH_CONSENT,
        board.live,
        _scopes(board, where, problems),
    )
    if board.names not in boards_pb.NameRule.values():
        problems.add(f"{where}.names", f"is {board.names}, which there is not")
    if len(problems.found) > before or board.id in rules.boards:
        return
    rules.boards[board.id] = board
    rules.compiled[board.id] = compiled
    if feed == "points":
        rules.by_currency.setdefault(board.points.currency, []).append(board.id)
    elif feed == "mission":
        rules.boards_by_mission.setdefault(board.mission.mission, []).append((board.id, board.mission.score))
    elif feed == "activity":
        moved = board.activity
        added = Feed(board.id, moved.condition, moved.score, board.sub_score, board.distinct, operator in SIGNED)
        of_type(rules, known, moved.activity_type).feeds.append(added)


def _check_feed(known: Known, feed: pb.ActivityFeed, where: str, problems: Problems) -> None:
    if problems.reference(f"{where}.activity_type", feed.activity_type, known.schemas, "activity type"):
        schema = known.schemas[feed.activity_type]
        problems.condition(f"{where}.condition", schema, feed.condition)
        problems.amount(f"{where}.score", schema, feed.score)


def _check_mission(known: Known, feed: boards_pb.MissionFeed, where: str, problems: Problems) -> None:
    if feed.mission:
        problems.reference(f"{where}.mission", feed.mission, known.missions, "mission")
    problems.bounded(f"{where}.score", feed.score, -SCORE_MAX)
    if feed.score == 0:
        problems.add(f"{where}.score", "is 0, which moves nothing")


def _check_sub_score(known: Known, board: pb.Board, operator: Operator, where: str, problems: Problems) -> None:
    schema = known.schemas.get(board.activity.activity_type) if board.WhichOneof("feed") == "activity" else None
    if board.sub_score and schema is None:
        problems.add(f"{where}.sub_score", "belongs to a board with an activity feed")
    elif board.sub_score and schema is not None:
        problems.amount(f"{where}.sub_score", schema, board.sub_score)
    if (operator is Operator.DISTINCT) != bool(board.distinct) and board.WhichOneof("feed") is not None:
        problems.add(f"{where}.distinct", "goes with SCORE_OPERATOR_DISTINCT and an activity feed, and each needs it")
    elif board.distinct and schema is None:
        problems.add(f"{where}.distinct", "belongs to a board with an activity feed")
    elif board.distinct and schema is not None:
        texts = [n for n, a in schema.attributes.items() if a.kind == programme_pb2.ATTRIBUTE_KIND_TEXT]
        problems.reference(f"{where}.distinct", board.distinct, texts, "text attribute")


def _order(board: pb.Board, where: str, problems: Problems) -> Order:
    return Order(
        board.ascending,
        _named(_TIES, board.ties, f"{where}.ties", problems) or Ties.FIRST,
        _named(_RANKINGS, board.ranks, f"{where}.ranks", problems) or Ranking.ORDINAL,
    )


def _limits(board: pb.Board, where: str, problems: Problems) -> Limits:
    bounds, rate = board.bounds, board.rate_limit
    least = bounds.minimum if bounds.HasField("minimum") else -SCORE_MAX
    most = bounds.maximum if bounds.HasField("maximum") else SCORE_MAX
    problems.bounded(f"{where}.bounds.minimum", least, -SCORE_MAX)
    problems.bounded(f"{where}.bounds.maximum", most, least)
    if not board.HasField("rate_limit"):
        return Limits(least, most)
    problems.bounded(f"{where}.rate_limit.count", rate.count, 1, COUNT_MAX)
    problems.bounded(f"{where}.rate_limit.window_seconds", rate.window_seconds, 1, WINDOW_S_MAX)
    return Limits(least, most, rate.count, rate.window_seconds)


def _periods(board: pb.Board, where: str, problems: Problems) -> Periods:
    schedule, where = board.schedule, f"{where}.schedule"
    if not board.HasField("schedule"):
        return Continuous()
    problems.bounded(f"{where}.grace_seconds", schedule.grace_seconds, 0, GRACE_S_MAX)
    match schedule.WhichOneof("periods"):
        case "cron":
            return _cron(schedule.cron, f"{where}.cron", problems)
        case "fixed":
            return _fixed(schedule.fixed, f"{where}.fixed.periods", problems)
    problems.add(where, "needs how periods follow: `cron` or `fixed`")
    return Continuous()


def _cron(cron: boards_pb.CronPeriods, where: str, problems: Problems) -> Periods:
    try:
        zone = ZoneInfo(cron.zone or "UTC")
    except (KeyError, ValueError, OSError):
        problems.add(f"{where}.zone", f"{cron.zone!r} is no time zone")
        return Continuous()
    if len(cron.expression.split()) != 5:
        problems.add(f"{where}.expression", f"{cron.expression!r} does not have five fields")
        return Continuous()
    try:
        next(CronSim(cron.expression, datetime(2026, 1, 1, tzinfo=zone)))
    except (CronSimError, StopIteration):
        problems.add(f"{where}.expression", f"{cron.expression!r} is no cron expression, or names no day that there is")
        return Continuous()
    return Cron(cron.expression, zone)


def _fixed(fixed: boards_pb.FixedPeriods, where: str, problems: Problems) -> Periods:
    if not 1 <= len(fixed.periods) <= FIXED_MAX:
        problems.add(where, f"has {len(fixed.periods)} items, not 1 to {FIXED_MAX}")
    dates: list[tuple[datetime, datetime]] = []
    for place, period in enumerate(fixed.periods):
        if period.starts_at.nanos or period.starts_at.seconds <= 0:
            problems.add(f"{where}[{place}].starts_at", "is not on a whole second after 1970")
        starts_at, ends_at = (moment.ToDatetime(tzinfo=UTC) for moment in (period.starts_at, period.ends_at))
        if ends_at <= starts_at:
            problems.add(f"{where}[{place}].ends_at", "is not after its beginning")
        if dates and starts_at < dates[-1][1]:
            problems.add(f"{where}[{place}].starts_at", "is before the end of the period before it")
        dates.append((starts_at, ends_at))
    return Fixed(dates)


def _prizes(known: Known, board: pb.Board, where: str, problems: Problems) -> tuple[Prize, ...]:
    if board.prizes and not board.HasField("schedule"):
        problems.add(f"{where}.prizes", "are given when a period closes, and the board has no schedule")
    if len(board.prizes) > PRIZES_MAX:
        problems.add(f"{where}.prizes", f"has {len(board.prizes)} items, more than {PRIZES_MAX}")
    return check_prizes(known, board.prizes, f"{where}.prizes", problems)


def check_prizes(
    known: Known, prizes: Sequence[boards_pb.BoardPrize], where: str, problems: Problems
) -> tuple[Prize, ...]:
    """What places win; reports what is not right."""
    found = []
    for place, prize in enumerate(prizes):
        spot = f"{where}[{place}]"
        first, last = prize.ranks.first, prize.ranks.last or prize.ranks.first
        if prize.WhichOneof("places") == "ranks":
            problems.bounded(f"{spot}.ranks.first", first, 1, RANK_MAX)
            problems.bounded(f"{spot}.ranks.last", last, first, RANK_MAX)
        elif prize.WhichOneof("places") == "top_percent":
            problems.bounded(f"{spot}.top_percent", prize.top_percent, 1, 100)
        else:
            problems.add(spot, "needs which places: `ranks` or `top_percent`")
        if not 1 <= len(prize.grants) <= GRANTS_MAX:
            problems.add(f"{spot}.grants", f"has {len(prize.grants)} items, not 1 to {GRANTS_MAX}")
        for number, grant in enumerate(prize.grants):
            _check_grant(known, grant, f"{spot}.grants[{number}]", problems)
        found.append(Prize(first, last, prize.top_percent, tuple(prize.grants)))
    return tuple(found)


def _check_grant(known: Known, grant: Grant, where: str, problems: Problems) -> None:
    match grant.WhichOneof("kind"):
        case None:
            problems.add(where, "needs what is given")
        case "points":
            problems.reference(f"{where}.points.currency", grant.points.currency, known.currencies, "currency")
            problems.bounded(f"{where}.points.amount", grant.points.amount, 1)
        case "reward":
            problems.reference(f"{where}.reward", grant.reward, known.rewards, "reward")
        case "scratch_card":
            problems.reference(f"{where}.scratch_card", grant.scratch_card, known.pools, "pool")
        case "badge":
            problems.reference(f"{where}.badge", grant.badge, known.badges, "badge")
        case "mission":
            problems.reference(f"{where}.mission", grant.mission, known.missions, "mission")


def _scopes(board: pb.Board, where: str, problems: Problems) -> dict[str, boards_pb.BoardScope]:
    if len(board.scopes) > SCOPES_MAX:
        problems.add(f"{where}.scopes", f"has {len(board.scopes)} items, more than {SCOPES_MAX}")
    found: dict[str, boards_pb.BoardScope] = {}
    for place, scope in enumerate(board.scopes):
        spot = f"{where}.scopes[{place}]"
        problems.identifier(f"{spot}.id", scope.id, found)
        if scope.WhichOneof("by") is None:
            problems.add(spot, "needs what puts members together: `tier`, `segment` or `attribute`")
        if scope.HasField("team"):
            if scope.team.aggregate not in _AGGREGATES:
                problems.add(f"{spot}.team.aggregate", "is none of the sum, the mean and the best")
            if scope.team.aggregate == boards_pb.TEAM_AGGREGATE_BEST:
                problems.bounded(f"{spot}.team.best", scope.team.best, 1, BEST_MAX)
        found[scope.id] = scope
    return found


_AGGREGATES = frozenset((boards_pb.TEAM_AGGREGATE_SUM, boards_pb.TEAM_AGGREGATE_MEAN, boards_pb.TEAM_AGGREGATE_BEST))


def check_scoring(programme: Programme, before: LeaderboardRules, now: LeaderboardRules, problems: Problems) -> None:
    """Reports boards that would reckon scores otherwise than those that they have were reckoned."""
    for place, board in enumerate(programme.leaderboard.boards):
        then, proposed = before.compiled.get(board.id), now.compiled.get(board.id)
        if then is None or proposed is None or _reckoning(then) == _reckoning(proposed):
            continue
        why = f"differs from how the scores of board {board.id!r} were reckoned; give a new board a new id"
        changed = [
            name
            for name, one, other in zip(_RECKONED, _reckoning(then), _reckoning(proposed), strict=True)
            if one != other
        ]
        problems.add(f"leaderboard.boards[{place}].{changed[0]}", why)


_RECKONED = ("operator", "ascending", "ties")


def _reckoning(board: BoardRules) -> tuple[object, ...]:
    """What a score depends on besides its facts: which of two is better matters to some operators."""
    scoring = board.scoring
    if scoring.operator not in SIGNED:
        return scoring.operator, None, None
    return scoring.operator, scoring.order.ascending, scoring.order.ties is Ties.SUB_SCORE


def _named(names: Mapping[int, Value], number: int, where: str, problems: Problems) -> Value | None:
    if number not in names:
        problems.add(where, f"is {number}, which there is not")
        return None
    return names[number]
