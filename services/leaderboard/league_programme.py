"""The leagues of a programme, checked and compiled."""

from collections.abc import Mapping

from laurels.leaderboard.v1 import programme_leagues_pb2 as leagues_pb
from laurels.leaderboard.v1 import programme_pb2 as pb
from laurels.programme.v1.programme_pb2 import Programme
from services.leaderboard.board_programme import PRIZES_MAX, check_prizes
from services.leaderboard.league_rules import CohortRule, Division, LeagueRules, Zone, shares
from services.leaderboard.ranking import SCORE_MAX
from services.leaderboard.rules import Known, LeaderboardRules
from services.programme import Problems

LEAGUES_MAX, DIVISIONS_MAX, BANDS_MAX, IDLE_MAX = 100, 20, 50, 1_000
SIZE_LEAST, SIZE_MOST, SIZE = 2, 1_000, 30

_COHORTS: Mapping[int, CohortRule] = {
    leagues_pb.COHORT_RULE_UNSPECIFIED: CohortRule.BY_JOINING,
    leagues_pb.COHORT_RULE_BY_JOINING: CohortRule.BY_JOINING,
    leagues_pb.COHORT_RULE_BY_LAST_SCORE: CohortRule.BY_LAST_SCORE,
    leagues_pb.COHORT_RULE_BY_RATING: CohortRule.BY_RATING,
}


def compile_leagues(
    rules: LeaderboardRules, known: Known, section: pb.LeaderboardProgramme, problems: Problems
) -> None:
    """Compiles what is right and reports what is not; the boards are compiled before."""
    problems.items("leaderboard.leagues", section.leagues, LEAGUES_MAX)
    declared = {board.id: board for board in section.boards}
    for place, league in enumerate(section.leagues):
        where, before = f"leaderboard.leagues[{place}]", len(problems.found)
        is_declared = problems.reference(f"{where}.board", league.board, declared, "board")
        if is_declared and not declared[league.board].HasField("schedule"):
            problems.add(f"{where}.board", f"is board {league.board!r}, which has no schedule and so no periods")
        rule = _COHORTS.get(league.cohorts)
        if rule is None:
            problems.add(f"{where}.cohorts", f"is {league.cohorts}, which there is not")
        size = league.cohort_size or SIZE
        problems.bounded(f"{where}.cohort_size", size, SIZE_LEAST, SIZE_MOST)
        divisions = _divisions(known, league, size, where, problems)
        _check_bands(league, rule, where, problems)
        problems.bounded(f"{where}.idle.demote_after", league.idle.demote_after, 0, IDLE_MAX)
        problems.bounded(f"{where}.idle.leave_after", league.idle.leave_after, 0, IDLE_MAX)
        board = rules.compiled.get(league.board)
        if len(problems.found) > before or rule is None or board is None or league.id in rules.leagues:
            continue
        rules.leagues[league.id] = LeagueRules(
            league.id,
            league.name,
            league.board,
            board.periods,
            board.grace_s,
            divisions,
            size,
            rule,
            tuple(league.skill_bands),
            league.opt_in,
            league.idle.demote_after,
            league.idle.leave_after,
        )
        rules.leagues_by_board.setdefault(league.board, []).append(league.id)


def _divisions(
    known: Known, league: leagues_pb.League, size: int, where: str, problems: Problems
) -> tuple[Division, ...]:
    where = f"{where}.divisions"
    if not 1 <= len(league.divisions) <= DIVISIONS_MAX:
        problems.add(where, f"has {len(league.divisions)} items, not 1 to {DIVISIONS_MAX}")
    problems.items(where, league.divisions, DIVISIONS_MAX)
    found = []
    for place, division in enumerate(league.divisions):
        spot = f"{where}[{place}]"
        if place == len(league.divisions) - 1 and division.HasField("promotion"):
            problems.add(f"{spot}.promotion", "leads nowhere from the highest division")
        if place == 0 and division.HasField("demotion"):
            problems.add(f"{spot}.demotion", "leads nowhere from the lowest division")
        promotion = _zone(division, "promotion", size, spot, problems)
        demotion = _zone(division, "demotion", size, spot, problems)
        if not shares(promotion, demotion):
            problems.add(f"{spot}.demotion", "is, together with the promotion, more than a whole cohort")
        if len(division.prizes) > PRIZES_MAX:
            problems.add(f"{spot}.prizes", f"has {len(division.prizes)} items, more than {PRIZES_MAX}")
        prizes = check_prizes(known, division.prizes, f"{spot}.prizes", problems)
        found.append(Division(division.id, division.name, promotion, demotion, prizes))
    return tuple(found)


def _zone(division: leagues_pb.LeagueDivision, name: str, size: int, where: str, problems: Problems) -> Zone:
    if not division.HasField(name):
        return Zone()
    zone: leagues_pb.LeagueZone = getattr(division, name)
    match zone.WhichOneof("size"):
        case "members":
            problems.bounded(f"{where}.{name}.members", zone.members, 1, size)
            return Zone(zone.members, max(size, 1))
        case "percent":
            problems.bounded(f"{where}.{name}.percent", zone.percent, 1, 100)
            return Zone(zone.percent, 100)
    problems.add(f"{where}.{name}", "needs how much: `members` or `percent`")
    return Zone()


def _check_bands(league: leagues_pb.League, rule: CohortRule | None, where: str, problems: Problems) -> None:
    bands = list(league.skill_bands)
    if bands and rule is CohortRule.BY_JOINING:
        problems.add(f"{where}.skill_bands", "go with COHORT_RULE_BY_LAST_SCORE and COHORT_RULE_BY_RATING")
    if len(bands) > BANDS_MAX:
        problems.add(f"{where}.skill_bands", f"has {len(bands)} items, more than {BANDS_MAX}")
    for place, band in enumerate(bands):
        least = bands[place - 1] + 1 if place else -SCORE_MAX
        problems.bounded(f"{where}.skill_bands[{place}]", band, least, SCORE_MAX)


def check_boards(programme: Programme, before: LeaderboardRules, now: LeaderboardRules, problems: Problems) -> None:
    """Reports leagues that would rank by another board than the one whose periods they are in."""
    for place, league in enumerate(programme.leaderboard.leagues):
        then, proposed = before.leagues.get(league.id), now.leagues.get(league.id)
        if then is not None and proposed is not None and then.board != proposed.board:
            why = f"is not {then.board!r}, whose periods league {league.id!r} is in; give a new league a new id"
            problems.add(f"leaderboard.leagues[{place}].board", why)
