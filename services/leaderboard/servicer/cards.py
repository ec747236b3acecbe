"""The RPCs of scratch cards and their pools."""

import re
from typing import Any

import asyncpg

from chassis import merkle
from chassis.configuration import Configurations
from chassis.credentials import IDENTIFIER, Caller, caller
from chassis.database import Database
from chassis.erasure import is_alias
from chassis.errors import FieldViolation, InvalidArgument
from chassis.paging import page_size_of
from chassis.write_path import WritePath
from laurels.leaderboard.v1 import scratch_cards_pb2, scratch_cards_pb2_grpc
from laurels.leaderboard.v1.programme_cards_pb2 import POOL_KIND_ODDS
from services.leaderboard import fairness
from services.leaderboard.card_rules import NotRevealed
from services.leaderboard.cards import Close, Issue, Reveal, face_of, shown
from services.leaderboard.fairness import DECK, SCHEME
from services.leaderboard.parked_cards import PARKED
from services.leaderboard.published import KIND_NUMBERS
from services.leaderboard.rules import LeaderboardRules
from services.leaderboard.scratch import UnknownCard, UnknownPool
from services.leaderboard.sealing import Seal
from services.leaderboard.store import cards as store
from services.leaderboard.store import parked as parked_store
from services.leaderboard.store.cards import CardState, Pool, PoolState

OWN_SEED = re.compile(r"[A-Za-z0-9_-]{0,64}")
KEY = re.compile(r"[!-~]{1,128}")
REASON_LENGTH_MAX = 200


class ScratchCardServicer(scratch_cards_pb2_grpc.ScratchCardServiceServicer):
    """Scratch cards and their pools."""

    def __init__(
        self, write_path: WritePath, database: Database, programmes: Configurations[LeaderboardRules], seal: Seal
    ) -> None:
        self._write_path, self._database, self._programmes, self._seal = write_path, database, programmes, seal

    async def ListScratchCards(
        self, request: scratch_cards_pb2.ListScratchCardsRequest, context: Any
    ) -> scratch_cards_pb2.ListScratchCardsResponse:
        brand, page_size = caller().brand, page_size_of(request.page_size)
        async with self._database.reading(brand) as connection:
            await self._programmes.newest(connection, brand)
            cards, token = await store.cards(connection, brand, request.member, page_size, request.page_token)
            pools = await store.pools(connection, brand, (card.pool for card in cards))
            states = await store.states(connection, brand, pools)
            now = await connection.fetchval("SELECT now()")
        return scratch_cards_pb2.ListScratchCardsResponse(
            cards=[shown(pools[card.pool], card, now, states[card.pool].closed_at) for card in cards],
            next_page_token=token,
        )

    async def IssueScratchCard(
        self, request: scratch_cards_pb2.IssueScratchCardRequest, context: Any
    ) -> scratch_cards_pb2.IssueScratchCardResponse:
        wrong = []
        if not IDENTIFIER.fullmatch(request.member):
            wrong.append(FieldViolation("member", f"{request.member!r} is not 1 to 64 characters of A-Z a-z 0-9 _ -"))
        if not KEY.fullmatch(request.idempotency_key):
            wrong.append(FieldViolation("idempotency_key", "is not 1 to 128 printable characters without spaces"))
        if wrong:
            raise InvalidArgument.of(wrong)
        answer: scratch_cards_pb2.IssueScratchCardResponse = await self._write_path.submit(
            caller().brand, Issue(request.pool, request.member, request.idempotency_key)
        )
        return answer

    async def RevealScratchCard(
        self, request: scratch_cards_pb2.RevealScratchCardRequest, context: Any
    ) -> scratch_cards_pb2.RevealScratchCardResponse:
        if not OWN_SEED.fullmatch(request.own_seed):
            raise InvalidArgument.of([FieldViolation("own_seed", "is not up to 64 characters of A-Z a-z 0-9 _ -")])
        who = caller()
        answer: scratch_cards_pb2.RevealScratchCardResponse = await self._write_path.submit(
            who.brand, Reveal(request.card, _owner(who), request.own_seed)
        )
        return answer

    async def GetScratchCardProof(
        self, request: scratch_cards_pb2.GetScratchCardProofRequest, context: Any
    ) -> scratch_cards_pb2.GetScratchCardProofResponse:
        who = caller()
        owner = _owner(who)
        async with self._database.reading(who.brand) as connection:
            card = await store.card(connection, who.brand, request.card)
            if card is None or is_alias(card.member) or (owner is not None and card.member != owner):
                raise UnknownCard(request.card)
            if card.revealed_at is None:
                raise NotRevealed(request.card)
            pool = (await store.pools(connection, who.brand, [card.pool]))[card.pool]
            state = (await store.states(connection, who.brand, [card.pool]))[card.pool]
            return await self._proof(connection, who.brand, pool, state, card)

    async def _proof(
        self, connection: asyncpg.Connection, brand: str, pool: Pool, state: PoolState, card: CardState
    ) -> scratch_cards_pb2.GetScratchCardProofResponse:
        seed = self._seal.open(brand, pool.pool, pool.sealed_seed)
        proof = scratch_cards_pb2.GetScratchCardProofResponse(
            card=card.card,
            pool=pool.pool,
            scheme=pool.scheme,
            table=pool.table_text or fairness.canonical(_table_of_scheme_1(brand, pool)),
            commitment=pool.commitment,
            seed=seed.hex() if state.closed_at is not None else "",
            root=pool.root,
            draw=scratch_cards_pb2.ScratchDraw(
                draw=card.draw or 0,
                number=card.number,
                revealed_at=card.revealed_at,
                own_seed=card.own_seed,
                position=-1 if card.position is None else card.position,
                prize=card.prize or "",
                link=card.link,
            ),
        )
        if pool.terms is None:
            return proof
        table = pool.terms.table
        won, positions, link = await store.before(connection, brand, pool.pool, card.draw or 0)
        proof.table_hash = table.version.hex()
        proof.previous_link = link or proof.table_hash
        proof.won_before.extend(scratch_cards_pb2.PrizeCount(prize=name, count=won[name]) for name in sorted(won))
        proof.spent_before = sum(count * pool.prizes[name].value for name, count in won.items())
        if table.kind == DECK and card.position is not None:
            proof.taken_before = fairness.taken_of(positions, table.cards).hex()
            proof.salt = fairness.salt_of(table.version, seed, card.position).hex()
            ranges = merkle.inclusion_ranges(card.position, table.cards)
            tiles = await store.tiles(connection, brand, pool.pool, merkle.tiles_of(ranges))
            proof.path.extend(merkle.root_of(tiles, leaves).hex() for leaves in ranges)
        return proof

    async def ListScratchDraws(
        self, request: scratch_cards_pb2.ListScratchDrawsRequest, context: Any
    ) -> scratch_cards_pb2.ListScratchDrawsResponse:
        brand, page_size = caller().brand, page_size_of(request.page_size)
        async with self._database.reading(brand) as connection:
            await self._programmes.newest(connection, brand)
            if await store.unpublished(connection, brand, [request.pool]):
                raise UnknownPool(request.pool)
            return await store.draws(connection, brand, request.pool, page_size, request.page_token)

    async def CloseScratchPool(
        self, request: scratch_cards_pb2.CloseScratchPoolRequest, context: Any
    ) -> scratch_cards_pb2.CloseScratchPoolResponse:
        answer: scratch_cards_pb2.CloseScratchPoolResponse = await self._write_path.submit(
            caller().brand, Close([request.pool])
        )
        return answer

    async def ListParkedCards(
        self, request: scratch_cards_pb2.ListParkedCardsRequest, context: Any
    ) -> scratch_cards_pb2.ListParkedCardsResponse:
        brand, page_size = caller().brand, page_size_of(request.page_size)
        async with self._database.reading(brand) as connection:
            await self._programmes.newest(connection, brand)
            state = request.state or PARKED
            return await parked_store.page(connection, brand, state, page_size, request.page_token)

    async def RetryParkedCard(
        self, request: scratch_cards_pb2.RetryParkedCardRequest, context: Any
    ) -> scratch_cards_pb2.RetryParkedCardResponse:
        answer: scratch_cards_pb2.RetryParkedCardResponse = await self._write_path.submit(caller().brand, request)
        return answer

    async def DismissParkedCard(
        self, request: scratch_cards_pb2.DismissParkedCardRequest, context: Any
    ) -> scratch_cards_pb2.DismissParkedCardResponse:
        if len(request.reason) > REASON_LENGTH_MAX or "\0" in request.reason:
            raise InvalidArgument.of(
                [FieldViolation("reason", f"is longer than {REASON_LENGTH_MAX} characters, or has a NUL")]
            )
        answer: scratch_cards_pb2.DismissParkedCardResponse = await self._write_path.submit(caller().brand, request)
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
            state = (await store.states(connection, brand, [request.pool]))[request.pool]
        declared = rules.pools.get(pool.pool)
        table = pool.terms.table if pool.terms is not None else None
        budget = table.budget if table is not None else 0
        closed = state.closed_at is not None
        return scratch_cards_pb2.GetScratchPoolResponse(
            pool=pool.pool,
            name=declared.name if declared is not None else pool.name,
            prizes=[
                scratch_cards_pb2.PrizeStock(prize=prize, remaining=pool.remaining[name])
                for name, prize in pool.prizes.items()
            ],
            nothing_weight=pool.nothing_weight,
            commitment=pool.commitment,
            kind=KIND_NUMBERS[table.kind] if table is not None else POOL_KIND_ODDS,
            face=face_of(pool),
            scheme=pool.scheme,
            table=pool.table_text or fairness.canonical(_table_of_scheme_1(brand, pool)),
            table_hash=table.version.hex() if table is not None else "",
            root=pool.root,
            issued=state.issued,
            revealed=state.revealed,
            head=state.head,
            budget=budget,
            budget_left=max(budget - state.spent, 0),
            closes_at=state.closes_at,
            closed_at=state.closed_at,
            seed=self._seal.open(brand, pool.pool, pool.sealed_seed).hex() if closed else "",
        )

    async def GetScratchPoolsReport(
        self, request: scratch_cards_pb2.GetScratchPoolsReportRequest, context: Any
    ) -> scratch_cards_pb2.GetScratchPoolsReportResponse:
        brand = caller().brand
        async with self._database.reading(brand) as connection:
            _, rules = await self._programmes.newest(connection, brand)
            published = await store.pool_names(connection, brand)
            counts = await store.card_counts(connection, brand)
            pools = await store.pools(connection, brand, published)
        names = {pool.id: pool.name for pool in rules.pools.values()}
        return scratch_cards_pb2.GetScratchPoolsReportResponse(
            pools=[
                _count(pool, name, counts[pool], pools[pool])
                for pool, name in {**names, **{p: n for p, n in published.items() if p not in names}}.items()
            ]
        )


def _owner(who: Caller) -> str | None:
    """Whose cards a caller may see; None for any member's."""
    return None if "service" in who.scopes else who.subject


def _count(name: str, called: str, row: Any, pool: Pool) -> scratch_cards_pb2.ScratchPoolCount:
    budget = pool.terms.table.budget if pool.terms is not None else 0
    fields = {key: value for key, value in row.items() if key != "spent"}
    return scratch_cards_pb2.ScratchPoolCount(
        **{**fields, "pool": name, "name": called, "budget": budget, "budget_left": max(budget - row["spent"], 0)}
    )


def _table_of_scheme_1(brand: str, pool: Pool) -> dict[str, Any]:
    """What a pool of scheme 1 is drawn by, in the manner of a table; nothing committed to it."""
    return {
        "scheme": SCHEME - 1,
        "brand": brand,
        "pool": pool.pool,
        "prizes": [
            {"id": prize.id, "name": prize.name, "weight": prize.weight, "stock": prize.stock}
            for prize in pool.prizes.values()
        ],
        "nothing_weight": pool.nothing_weight,
    }
