"""The RPCs of boards."""

from typing import Any

from chassis.configuration import Configurations
from chassis.credentials import caller
from chassis.database import Database
from chassis.errors import FieldViolation, InvalidArgument
from chassis.paging import page_size_of
from laurels.leaderboard.v1 import leaderboard_pb2, leaderboard_pb2_grpc
from services.leaderboard.ranking import NotRanked, UnknownBoard
from services.leaderboard.rules import LeaderboardRules
from services.leaderboard.store import boards as store

AROUND_MAX = 100


class LeaderboardServicer(leaderboard_pb2_grpc.LeaderboardServiceServicer):
    """Boards."""

    def __init__(self, database: Database, programmes: Configurations[LeaderboardRules]) -> None:
        self._database, self._programmes = database, programmes

    async def ListLeaderboardEntries(
        self, request: leaderboard_pb2.ListLeaderboardEntriesRequest, context: Any
    ) -> leaderboard_pb2.ListLeaderboardEntriesResponse:
        brand, page_size = caller().brand, page_size_of(request.page_size)
        async with self._database.reading(brand) as connection:
            await self._check_board(connection, brand, request.board)
            return await store.entries(connection, brand, request.board, page_size, request.page_token)

    async def GetLeaderboardMember(
        self, request: leaderboard_pb2.GetLeaderboardMemberRequest, context: Any
    ) -> leaderboard_pb2.GetLeaderboardMemberResponse:
        if not 0 <= request.around <= AROUND_MAX:
            raise InvalidArgument.of([FieldViolation("around", f"is {request.around}, not within 0 and {AROUND_MAX}")])
        brand = caller().brand
        async with self._database.reading(brand) as connection:
            await self._check_board(connection, brand, request.board)
            found = await store.around(connection, brand, request.board, request.member, request.around)
        if found is None:
            raise NotRanked(request.board, request.member)
        return found

    async def _check_board(self, connection: Any, brand: str, board: str) -> None:
        _, rules = await self._programmes.newest(connection, brand)
        if board not in rules.boards:
            raise UnknownBoard(board)
