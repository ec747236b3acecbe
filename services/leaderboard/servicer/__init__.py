"""The RPCs of the leaderboard service, a module a topic.

Requests are checked for form here; what changes anything is decided in the
write path. The brand is the caller's.
"""

from typing import Any

from chassis.configuration import Configurations, newest_version
from chassis.credentials import caller
from chassis.database import Database
from laurels.programme.v1 import programme_pb2, programme_pb2_grpc
from services.leaderboard.board_programme import check_scoring
from services.leaderboard.card_programme import check_owed, check_published
from services.leaderboard.league_programme import check_boards
from services.leaderboard.programme import compile_programme
from services.leaderboard.rules import LeaderboardRules
from services.leaderboard.servicer.boards import LeaderboardServicer
from services.leaderboard.servicer.cards import ScratchCardServicer
from services.leaderboard.servicer.leagues import LeagueServicer
from services.leaderboard.store import cards as card_store
from services.programme import Problems

__all__ = ["LeaderboardServicer", "LeagueServicer", "ScratchCardServicer", "ValidationServicer"]


class ValidationServicer(programme_pb2_grpc.ProgrammeValidationServiceServicer):
    """The check of a programme's leaderboard section."""

    def __init__(self, database: Database, programmes: Configurations[LeaderboardRules]) -> None:
        self._database, self._programmes = database, programmes

    async def ValidateProgramme(
        self, request: programme_pb2.ValidateProgrammeRequest, context: Any
    ) -> programme_pb2.ValidateProgrammeResponse:
        problems = Problems()
        proposed = compile_programme(request.programme, problems)
        brand, declared = caller().brand, [pool.id for pool in request.programme.leaderboard.scratch_pools]
        async with self._database.reading(brand) as connection:
            published = await card_store.pools(connection, brand, declared)
            owed = await card_store.owed_currencies(connection, brand)
            version = await newest_version(connection, brand)
            if version:
                before = await self._programmes.at(connection, brand, version)
                check_scoring(request.programme, before, proposed, problems)
                check_boards(request.programme, before, proposed, problems)
        check_published(request.programme, {name: pool.published for name, pool in published.items()}, brand, problems)
        check_owed(request.programme, owed, problems)
        return problems.response()
