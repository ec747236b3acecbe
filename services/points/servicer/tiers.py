"""The RPCs of members' tiers."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from chassis.configuration import Configurations
from chassis.credentials import IDENTIFIER, caller
from chassis.database import Database
from chassis.errors import FieldViolation
from chassis.paging import page_size_of
from chassis.write_path import WritePath
from laurels.points.v1 import points_pb2, programme_tiers_pb2, tiers_pb2, tiers_pb2_grpc
from services.points import store
from services.points.form import (
    IDENTIFIER_DETAIL,
    MEMBER_DETAIL,
    REFERENCE_LENGTH_MAX,
    moment_violations,
    plain,
    refuse,
    text_violations,
)
from services.points.ledger import UnknownMember
from services.points.lots import end_of_day
from services.points.programme import PointsRules
from services.points.store import tiers
from services.points.tier_ladder import EVER, Buckets, Standing, missing
from services.points.tier_operations import Asked, shown
from services.points.tier_programme import benefits_of


class TiersServicer(tiers_pb2_grpc.TiersServiceServicer):
    """Members' tiers and subscriptions."""

    def __init__(self, write_path: WritePath, database: Database, programmes: Configurations[PointsRules]) -> None:
        self._write_path, self._database, self._programmes = write_path, database, programmes

    async def ListTiers(self, request: tiers_pb2.ListTiersRequest, context: Any) -> tiers_pb2.ListTiersResponse:
        brand = caller().brand
        async with self._database.reading(brand) as connection:
            _, rules = await self._programmes.newest(connection, brand)
        ladder = rules.ladder
        return tiers_pb2.ListTiersResponse(
            tiers=[
                tiers_pb2.TierShown(
                    id=level.id,
                    name=level.name,
                    requirements=[
                        programme_tiers_pb2.TierRequirement(qualifier=name, amount=least) for name, least in demands
                    ],
                    benefits=level.benefits,
                )
                for level, demands in zip(rules.programme.points.tiers.levels, ladder.requirements, strict=True)
            ],
            match=ladder.match,  # type: ignore[arg-type]
        )

    async def GetMemberTier(
        self, request: tiers_pb2.GetMemberTierRequest, context: Any
    ) -> tiers_pb2.GetMemberTierResponse:
        brand, now = caller().brand, datetime.now(UTC)
        async with self._database.reading(brand) as connection:
            member, rules = await self._member(connection, brand, request.member)
            found = await tiers.standings(connection, brand, [member.member])
            standing = found.get(member.member) or Standing(member.member, member.tier)
            since = await tiers.since(connection, brand, member.member)
            counts = await _counts(connection, brand, rules, member.member, now)
        return tiers_pb2.GetMemberTierResponse(tier=_shown(rules, member, standing, since, counts, now))

    async def SetMemberTier(
        self, request: tiers_pb2.SetMemberTierRequest, context: Any
    ) -> tiers_pb2.SetMemberTierResponse:
        refuse(_set_violations(request))
        answer: tiers_pb2.SetMemberTierResponse = await self._ask(request)
        return answer

    async def ListTierHistory(
        self, request: tiers_pb2.ListTierHistoryRequest, context: Any
    ) -> tiers_pb2.ListTierHistoryResponse:
        brand, page_size = caller().brand, page_size_of(request.page_size)
        async with self._database.reading(brand) as connection:
            member, _ = await self._member(connection, brand, request.member)
            entries, token = await tiers.history(connection, brand, member.member, page_size, request.page_token)
        return tiers_pb2.ListTierHistoryResponse(entries=entries, next_page_token=token)

    async def ListSubscriptions(
        self, request: tiers_pb2.ListSubscriptionsRequest, context: Any
    ) -> tiers_pb2.ListSubscriptionsResponse:
        brand = caller().brand
        async with self._database.reading(brand) as connection:
            member, rules = await self._member(connection, brand, request.member)
            found = (await tiers.subscriptions(connection, brand, [member.member])).get(member.member, {})
        return tiers_pb2.ListSubscriptionsResponse(subscriptions=[shown(rules, found[name]) for name in sorted(found)])

    async def PaySubscription(
        self, request: tiers_pb2.PaySubscriptionRequest, context: Any
    ) -> tiers_pb2.PaySubscriptionResponse:
        refuse(_pay_violations(request))
        answer: tiers_pb2.PaySubscriptionResponse = await self._ask(request)
        return answer

    async def CancelSubscription(
        self, request: tiers_pb2.CancelSubscriptionRequest, context: Any
    ) -> tiers_pb2.CancelSubscriptionResponse:
        refuse(_named_violations(request))
        answer: tiers_pb2.CancelSubscriptionResponse = await self._ask(request)
        return answer

    async def _ask(self, request: Any) -> Any:
        who = caller()
        return await self._write_path.submit(who.brand, Asked(request, who.subject))

    async def _member(
        self, connection: asyncpg.Connection, brand: str, name: str
    ) -> tuple[points_pb2.Member, PointsRules]:
        _, rules = await self._programmes.newest(connection, brand)
        member = await store.member(connection, brand, plain(name), ())
        if member is None:
            raise UnknownMember(name)
        return member, rules


async def _counts(
    connection: asyncpg.Connection, brand: str, rules: PointsRules, member: str, now: datetime
) -> dict[str, Buckets]:
    """What counts of a member now, by qualifier and bucket."""
    ladder = rules.ladder
    day = ladder.day(now)
    found: dict[str, Buckets] = {}
    if wanted := [
        (member, each.id, each.window.bounds(day)[0])
        for each in ladder.qualifiers
        if not (each.currency and each.window.is_ever)
    ]:
        found.update((await tiers.buckets(connection, brand, wanted)).get(member, {}))
    earned = await tiers.earned(connection, brand, member)
    for each in ladder.qualifiers:
        if each.currency and each.window.is_ever:
            found[each.id] = {EVER: earned.get(each.currency, 0)}
    return found


def _shown(
    rules: PointsRules,
    member: points_pb2.Member,
    standing: Standing,
    since: datetime | None,
    counts: dict[str, Buckets],
    now: datetime,
) -> tiers_pb2.MemberTier:
    ladder, levels = rules.ladder, rules.programme.points.tiers.levels
    if not ladder.tiers:
        return tiers_pb2.MemberTier(member=member.member)
    day = ladder.day(now)
    amounts = ladder.amounts(ladder.tallies(counts), day)
    place = ladder.place(member.tier)
    to_keep, for_next = missing(ladder, amounts, place), missing(ladder, amounts, place + 1)
    found = tiers_pb2.MemberTier(
        member=member.member,
        tier=member.tier,
        name=levels[place].name,
        since=since,
        earned_tier=ladder.tiers[ladder.place(standing.earned)],
        keep_until=_utc(standing.keep_until),
        at_risk_until=_utc(standing.grace_until),
        next_tier=ladder.tiers[place + 1] if place + 1 < len(ladder.tiers) else "",
        benefits=benefits_of(rules.programme, member.tier),
        set_tier=standing.set_tier,
        locked=standing.locked,
        set_until=_utc(standing.set_until),
    )
    for each in ladder.qualifiers:
        first = None if each.window.is_ever else each.window.first(day)
        found.progress.add(
            qualifier=each.id,
            name=each.name,
            amount=amounts[each.id],
            counts_from=None if first is None else _utc(end_of_day(first - timedelta(days=1), ladder.zone)),
            missing_to_keep=to_keep.get(each.id, 0),
            missing_for_next=for_next.get(each.id, 0),
        )
    return found


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.astimezone(UTC)


def _set_violations(request: tiers_pb2.SetMemberTierRequest) -> Iterator[FieldViolation]:
    if not IDENTIFIER.fullmatch(request.member):
        yield FieldViolation("member", MEMBER_DETAIL)
    if request.tier and not IDENTIFIER.fullmatch(request.tier):
        yield FieldViolation("tier", IDENTIFIER_DETAIL)
    if request.locked and not request.tier:
        yield FieldViolation("locked", "needs a tier")
    if not request.reason.strip():
        yield FieldViolation("reason", "is required")
    yield from text_violations("reason", request.reason, REFERENCE_LENGTH_MAX)
    if request.HasField("until"):
        yield from moment_violations("until", request.until)
        if not request.tier:
            yield FieldViolation("until", "needs a tier")


def _named_violations(request: Any) -> Iterator[FieldViolation]:
    if not IDENTIFIER.fullmatch(request.member):
        yield FieldViolation("member", MEMBER_DETAIL)
    if not IDENTIFIER.fullmatch(request.subscription):
        yield FieldViolation("subscription", IDENTIFIER_DETAIL)


def _pay_violations(request: tiers_pb2.PaySubscriptionRequest) -> Iterator[FieldViolation]:
    yield from _named_violations(request)
    if not request.HasField("paid_until"):
        yield FieldViolation("paid_until", "is required")
    else:
        yield from moment_violations("paid_until", request.paid_until)
