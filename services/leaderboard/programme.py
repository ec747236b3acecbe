"""The leaderboard section of a programme, checked and compiled."""

from laurels.programme.v1.programme_pb2 import Programme
from services.activity import MEMBER_VARIABLES
from services.leaderboard.board_programme import ask_ranks, compile_boards
from services.leaderboard.card_programme import compile_pools
from services.leaderboard.league_programme import compile_leagues
from services.leaderboard.published import zone_of
from services.leaderboard.rules import Known, LeaderboardRules
from services.programme import Problems, schemas


def compile_document(document: bytes) -> LeaderboardRules:
    """A recorded programme, compiled; what was recorded had no problems."""
    return compile_programme(Programme.FromString(document), Problems())


def compile_programme(programme: Programme, problems: Problems) -> LeaderboardRules:
    """Compiles what is right and reports what is not."""
    known = Known(
        frozenset(currency.id for currency in programme.points.currencies),
        frozenset(mission.id for mission in programme.missions.missions),
        schemas(programme, MEMBER_VARIABLES),
        frozenset(reward.id for reward in programme.points.rewards),
        frozenset(badge.id for badge in programme.missions.badges),
        frozenset(pool.id for pool in programme.leaderboard.scratch_pools),
    )
    rules = LeaderboardRules(time_zone=zone_of(programme))
    compile_boards(rules, known, programme.leaderboard, problems)
    compile_pools(rules, known, programme.leaderboard, problems)
    ask_ranks(rules, programme)
    compile_leagues(rules, known, programme.leaderboard, problems)
    return rules
