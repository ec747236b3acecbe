"""The RPCs of the leaderboard service.

Requests are checked for form here; a reveal is decided in the write path. The
brand is the caller's.
"""

from typing import Any

from chassis.configuration import Configurations
from chassis.credentials import caller
from chassis.database import Database
from chassis.errors import FieldViolation, InvalidArgument
from chassis.paging import page_size_of
from chassis.write_path import WritePath
from laurels.leaderboard.v1 import leaderboard_pb2, leaderboard_pb2_grpc, scratch_cards_pb2, scratch_cards_pb2_grpc
from laurels.programme.v1 import programme_pb2, programme_pb2_grpc
from services.leaderboard import store
from services.leaderboard.book import Reveal
from services.leaderboard.programme import LeaderboardRules, check_owed, check_published, compile_programme
from services.leaderboard.ranking import NotRanked, UnknownBoard
from services.leaderboard.scratch import UnknownPool
from services.programme import Problems

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


class ScratchCardServicer(scratch_cards_pb2_grpc.ScratchCardServiceServicer):
    """Scratch cards and their pools."""

    def __init__(self, write_path: WritePath, database: Database, programmes: Configurations[LeaderboardRules]) -> None:
        self._write_path, self._database, self._programmes = write_path, database, programmes

    async def ListScratchCards(
        self, request: scratch_cards_pb2.ListScratchCardsRequest, context: Any
    ) -> scratch_cards_pb2.ListScratchCardsResponse:
        brand, page_size = caller().brand, page_size_of(request.page_size)
        async with self._database.reading(brand) as connection:
            await self._programmes.newest(connection, brand)
            cards, token = await store.cards(connection, brand, request.member, page_size, request.page_token)
        return scratch_cards_pb2.ListScratchCardsResponse(cards=cards, next_page_token=token)

    async def RevealScratchCard(
        self, request: scratch_cards_pb2.RevealScratchCardRequest, context: Any
    ) -> scratch_cards_pb2.RevealScratchCardResponse:
        who = caller()
        owner = None if "service" in who.scopes else who.subject
        answer: scratch_cards_pb2.RevealScratchCardResponse = await self._write_path.submit(
            who.brand, Reveal(request.card, owner)
        )
        return answer

    async def GetScratchPool(
        self, request: scratch_cards_pb2.GetScratchPoolRequest, context: Any
    ) -> scratch_cards_pb2.GetScratchPoolResponse:
        brand = caller().brand
        async with self._database.reading(brand) as connection:
            _, rules = await self._programmes.newest(connection, brand)
            pool = (await store.pools(connection, brand, [request.pool])).get(request.pool)
        if pool is None:
            raise UnknownPool(request.pool)
        declared = rules.pools.get(pool.pool)
        return scratch_cards_pb2.GetScratchPoolResponse(
            pool=pool.pool,
            name=declared.name if declared is not None else pool.name,
            prizes=[
                scratch_cards_pb2.PrizeStock(prize=prize, remaining=pool.remaining[name])
                for name, prize in pool.prizes.items()
            ],
            nothing_weight=pool.nothing_weight,
            commitment=pool.commitment,
        )

    async def GetScratchPoolsReport(
        self, request: scratch_cards_pb2.GetScratchPoolsReportRequest, context: Any
    ) -> scratch_cards_pb2.GetScratchPoolsReportResponse:
        brand = caller().brand
        async with self._database.reading(brand) as connection:
            _, rules = await self._programmes.newest(connection, brand)
            published = await store.pool_names(connection, brand)
            counts = await store.card_counts(connection, brand)
        names = {pool.id: pool.name for pool in rules.pools.values()}
        return scratch_cards_pb2.GetScratchPoolsReportResponse(
            pools=[
                scratch_cards_pb2.ScratchPoolCount(**{"pool": pool, "name": name, **counts.get(pool, {})})
                for pool, name in {**names, **{p: n for p, n in published.items() if p not in names}}.items()
            ]
        )


class ValidationServicer(programme_pb2_grpc.ProgrammeValidationServiceServicer):
    """The check of a programme's leaderboard section."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def ValidateProgramme(
        self, request: programme_pb2.ValidateProgrammeRequest, context: Any
    ) -> programme_pb2.ValidateProgrammeResponse:
        problems = Problems()
        compile_programme(request.programme, problems)
        brand, declared = caller().brand, [pool.id for pool in request.programme.leaderboard.scratch_pools]
        async with self._database.reading(brand) as connection:
            published = await store.pools(connection, brand, declared)
            owed = await store.owed_currencies(connection, brand)
        check_published(request.programme, {name: pool.published for name, pool in published.items()}, problems)
        check_owed(request.programme, owed, problems)
        return problems.response()
