"""The RPCs of scratch cards and their pools."""

from typing import Any

from chassis.configuration import Configurations
from chassis.credentials import caller
from chassis.database import Database
from chassis.paging import page_size_of
from chassis.write_path import WritePath
from laurels.leaderboard.v1 import scratch_cards_pb2, scratch_cards_pb2_grpc
from services.leaderboard.cards import Reveal
from services.leaderboard.rules import LeaderboardRules
from services.leaderboard.scratch import UnknownPool
from services.leaderboard.store import cards as store


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
