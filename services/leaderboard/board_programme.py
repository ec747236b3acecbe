"""The boards of a programme, checked and compiled."""

from laurels.leaderboard.v1 import programme_pb2 as pb
from services.leaderboard.rules import Known, LeaderboardRules, of_type
from services.programme import Problems

BOARDS_MAX = 1_000


def compile_boards(rules: LeaderboardRules, known: Known, section: pb.LeaderboardProgramme, problems: Problems) -> None:
    """Compiles what is right and reports what is not."""
    problems.items("leaderboard.boards", section.boards, BOARDS_MAX)
    for place, board in enumerate(section.boards):
        _compile_board(rules, known, board, f"leaderboard.boards[{place}]", problems)


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
        of_type(rules, known, moved.activity_type).feeds.append((board.id, moved.condition, moved.score))


def _check_feed(known: Known, feed: pb.ActivityFeed, where: str, problems: Problems) -> None:
    if problems.reference(f"{where}.activity_type", feed.activity_type, known.schemas, "activity type"):
        schema = known.schemas[feed.activity_type]
        problems.condition(f"{where}.condition", schema, feed.condition)
        problems.amount(f"{where}.score", schema, feed.score)
