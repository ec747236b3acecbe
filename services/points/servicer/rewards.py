"""The RPCs of rewards: the catalogue as a member sees it, redemptions, codes, perk menus and the report."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import asyncpg

from chassis.configuration import Configurations
from chassis.credentials import IDENTIFIER, caller
from chassis.database import Database
from chassis.errors import FieldViolation
from chassis.paging import page_size_of
from chassis.write_path import WritePath
from laurels.points.v1 import points_pb2, rewards_pb2_grpc
from laurels.points.v1 import rewards_pb2 as pb
from services.points import codes, rewards, store
from services.points.form import (
    IDENTIFIER_DETAIL,
    MEMBER_DETAIL,
    REFERENCE_LENGTH_MAX,
    plain,
    refuse,
    text_violations,
)
from services.points.ledger import UnknownMember
from services.points.programme import PointsRules
from services.points.redemptions import Cancel, Fulfil, RedemptionAsked, UnknownRedemption
from services.points.rewards import CodesRunOut, CounterKey, Offer
from services.points.states import MemberState
from services.points.store import rewards as rewards_store

CODES_MAX = 200_000
CODES_AT_ONCE = 5_000
"""So many codes a transaction, so that callers do not wait for it."""


class Standings:
    """What rewards are to a member at a moment, from one snapshot of the database."""

    def __init__(self, rules: PointsRules, member: MemberState, at: datetime) -> None:
        self._rules, self._member, self._at = rules, member, at
        self._counts: Mapping[CounterKey, int] = {}
        self._with_codes: set[str] = set()
        self._available: dict[str, int] = {}

    async def read(self, connection: asyncpg.Connection, brand: str) -> None:
        offers = self._rules.catalogue.offers.values()
        keys = {offer.stock_counter for offer in offers if offer.reward.HasField("stock")}
        for offer in offers:
            keys.update(key for key, _ in offer.limit_counters(self._member.member, self._at, self._rules.zone))
        for menu in self._rules.catalogue.menus.values():
            for reward in menu.rewards:
                keys.update(self._of_menu(menu, reward))
        self._counts = await rewards_store.counts(connection, brand, sorted(keys))
        imported = [offer.reward.id for offer in offers if offer.takes_imported_codes]
        if imported:
            self._with_codes = await rewards_store.with_free_codes(connection, brand, imported)
        wallets = await store.wallets(connection, brand, self._member.member, self._rules.currencies)
        self._available = {wallet.currency: wallet.available for wallet in wallets}

    def of(self, offer: Offer) -> points_pb2.RewardStanding:
        """What a reward is to the member."""
        refused = rewards.refusal(offer, self._member, self._at, self._rules.zone, self._count)
        if refused is None and offer.takes_imported_codes and offer.reward.id not in self._with_codes:
            refused = CodesRunOut(offer.reward.id)
        if refused is None and offer.only_by_menu:
            refused = self._menu_refusal(offer.reward.id)
        affordable = not offer.prices or any(
            self._available.get(currency, 0) >= price for currency, price in offer.prices
        )
        return points_pb2.RewardStanding(
            reward=offer.reward.id,
            redeemable=refused is None and affordable,
            affordable=affordable,
            code=refused.reason if refused is not None else "",
            detail=refused.detail if refused is not None else "",
            left_for_member=rewards.left_for_member(
                offer, self._member.member, self._at, self._rules.zone, self._count
            ),
            stock_left=rewards.stock_left(offer, self._count),
        )

    def menus(self) -> Iterator[pb.PerkMenuStanding]:
        """The menus that are open to the member's tier."""
        for menu in self._rules.catalogue.menus.values():
            if menu.tiers and self._member.tier not in menu.tiers:
                continue
            chosen = [reward for reward in menu.rewards if self._count(self._of_menu(menu, reward)[1])]
            left = max(menu.choose - self._count(self._of_menu(menu, menu.rewards[0])[0]), 0)
            yield pb.PerkMenuStanding(menu=menu.id, name=menu.name, rewards=menu.rewards, chosen=chosen, left=left)

    def _menu_refusal(self, reward: str) -> Any:
        """Why the member can choose a reward from none of its menus; None when from one."""
        refused = None
        for menu in self._rules.catalogue.menus.values():
            if reward in menu.rewards:
                zone = self._rules.zone
                refused = rewards.menu_refusal(menu, reward, self._member, self._at, zone, self._count)
                if refused is None:
                    return None
        return refused

    def _of_menu(self, menu: Any, reward: str) -> tuple[CounterKey, ...]:
        return rewards.menu_counters(menu, reward, self._member.member, self._at, self._rules.zone)

    def _count(self, key: CounterKey) -> int:
        return self._counts.get(key, 0)


async def standings_of(connection: asyncpg.Connection, brand: str, rules: PointsRules, member: str) -> Standings:
    """What the rewards are to a member now. Raises UnknownMember."""
    state = await store.member_state(connection, brand, plain(member))
    if state is None:
        raise UnknownMember(member)
    standings = Standings(rules, state, datetime.now(UTC))
    await standings.read(connection, brand)
    return standings


class RewardsServicer(rewards_pb2_grpc.RewardsServiceServicer):
    """Rewards."""

    def __init__(self, write_path: WritePath, database: Database, programmes: Configurations[PointsRules]) -> None:
        self._write_path, self._database, self._programmes = write_path, database, programmes

    async def RedeemReward(self, request: pb.RedeemRewardRequest, context: Any) -> pb.RedeemRewardResponse:
        refuse(_redeem_violations(request))
        # Chance is drawn here: a decision has none of its own.
        asked = RedemptionAsked(request, datetime.now(UTC), codes.drawn())
        answer: pb.RedeemRewardResponse = await self._write_path.submit(caller().brand, asked)
        return answer

    async def ListRedemptions(self, request: pb.ListRedemptionsRequest, context: Any) -> pb.ListRedemptionsResponse:
        brand, page_size = caller().brand, page_size_of(request.page_size)
        async with self._database.reading(brand) as connection:
            if await store.member(connection, brand, plain(request.member), ()) is None:
                raise UnknownMember(request.member)
            found, token = await rewards_store.redemptions_of(
                connection, brand, request.member, page_size, request.page_token
            )
        return pb.ListRedemptionsResponse(redemptions=found, next_page_token=token)

    async def GetRedemption(self, request: pb.GetRedemptionRequest, context: Any) -> pb.GetRedemptionResponse:
        brand, name = caller().brand, plain(request.redemption)
        async with self._database.reading(brand) as connection:
            found = (await rewards_store.redemptions(connection, brand, [name])).get(name)
        if found is None or found.member != request.member:
            raise UnknownRedemption(request.redemption)
        return pb.GetRedemptionResponse(redemption=found.shown())

    async def FulfilRedemption(self, request: pb.FulfilRedemptionRequest, context: Any) -> pb.FulfilRedemptionResponse:
        asked = Fulfil(plain(request.member), plain(request.redemption))
        answer: pb.FulfilRedemptionResponse = await self._write_path.submit(caller().brand, asked)
        return answer

    async def CancelRedemption(self, request: pb.CancelRedemptionRequest, context: Any) -> pb.CancelRedemptionResponse:
        who = caller()
        asked = Cancel(plain(request.member), plain(request.redemption), by_member="service" not in who.scopes)
        answer: pb.CancelRedemptionResponse = await self._write_path.submit(who.brand, asked)
        return answer

    async def ListPerkMenus(self, request: pb.ListPerkMenusRequest, context: Any) -> pb.ListPerkMenusResponse:
        brand = caller().brand
        async with self._database.reading(brand) as connection:
            _, rules = await self._programmes.newest(connection, brand)
            standings = await standings_of(connection, brand, rules, request.member)
        return pb.ListPerkMenusResponse(menus=standings.menus())

    async def ImportRewardCodes(
        self, request: pb.ImportRewardCodesRequest, context: Any
    ) -> pb.ImportRewardCodesResponse:
        return await self._import(caller().brand, request)

    async def StreamRewardCodes(
        self, request_iterator: AsyncIterator[pb.StreamRewardCodesRequest], context: Any
    ) -> AsyncIterator[pb.StreamRewardCodesResponse]:
        brand = caller().brand
        async for part in request_iterator:
            added = await self._import(brand, pb.ImportRewardCodesRequest(reward=part.reward, codes=part.codes))
            yield pb.StreamRewardCodesResponse(
                accepted=added.accepted, duplicates=added.duplicates, conflicts=added.conflicts
            )

    async def _import(self, brand: str, request: pb.ImportRewardCodesRequest) -> pb.ImportRewardCodesResponse:
        """Adds the codes part by part, so that a large request holds nobody up."""
        refuse(_codes_violations(request.reward, request.codes))
        answer = pb.ImportRewardCodesResponse()
        for first in range(0, len(request.codes), CODES_AT_ONCE):
            part = pb.ImportRewardCodesRequest(
                reward=request.reward, codes=request.codes[first : first + CODES_AT_ONCE]
            )
            added = await self._write_path.submit(brand, part, weight=len(part.codes))
            answer.accepted += added.accepted
            answer.duplicates += added.duplicates
            answer.conflicts += added.conflicts
        return answer

    async def GetRewardsReport(self, request: pb.GetRewardsReportRequest, context: Any) -> pb.GetRewardsReportResponse:
        brand = caller().brand
        async with self._database.reading(brand) as connection:
            _, rules = await self._programmes.newest(connection, brand)
            offers = rules.catalogue.offers
            rows = await rewards_store.use(connection, brand)
            counts = await rewards_store.counts(
                connection, brand, [offer.stock_counter for offer in offers.values() if offer.reward.HasField("stock")]
            )
            imported = [name for name, offer in offers.items() if offer.takes_imported_codes]
            free = await rewards_store.free_codes(connection, brand, imported)
        found = {
            name: pb.RewardUse(
                reward=name,
                name=offer.reward.name,
                stock_left=rewards.stock_left(offer, lambda key: counts.get(key, 0)),
                codes_left=free.get(name, 0) if offer.takes_imported_codes else None,
            )
            for name, offer in offers.items()
        }
        for row in rows:
            use = found.setdefault(row["reward"], pb.RewardUse(reward=row["reward"]))
            use.redeemed += row["redeemed"]
            use.reserved += row["reserved"]
            use.cancelled += row["cancelled"]
            if row["amount"]:
                use.costs.add(currency=row["currency"], amount=row["amount"])
        return pb.GetRewardsReportResponse(rewards=found.values())


def _redeem_violations(request: pb.RedeemRewardRequest) -> Iterator[FieldViolation]:
    if not IDENTIFIER.fullmatch(request.member):
        yield FieldViolation("member", MEMBER_DETAIL)
    if not IDENTIFIER.fullmatch(request.reward):
        yield FieldViolation("reward", IDENTIFIER_DETAIL)
    for name in ("currency", "menu"):
        if getattr(request, name) and not IDENTIFIER.fullmatch(getattr(request, name)):
            yield FieldViolation(name, IDENTIFIER_DETAIL)
    if request.menu and request.currency:
        yield FieldViolation("currency", "is not stated with a menu, whose rewards are free")
    yield from text_violations("reference", request.reference, REFERENCE_LENGTH_MAX)


def _codes_violations(reward: str, found: Sequence[str]) -> Iterator[FieldViolation]:
    if not IDENTIFIER.fullmatch(reward):
        yield FieldViolation("reward", IDENTIFIER_DETAIL)
    if not 1 <= len(found) <= CODES_MAX:
        yield FieldViolation("codes", f"has {len(found)} items, not 1 to {CODES_MAX}")
        return
    for place, code in enumerate(found):
        if not rewards.is_code(code):
            yield FieldViolation(f"codes[{place}]", "is not 1 to 64 printable ASCII characters without spaces")
