"""What earning causes besides: groups have their share, and whoever brought the member is rewarded."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from services.points import group_wallets, referrals
from services.points.book import Operation, Touched
from services.points.programme import PointsRules
from services.points.states import Places, Referral
from services.points.store import groups as group_rows
from services.points.store import referrals as referral_rows


@dataclass(frozen=True, slots=True)
class Earning:
    """A member may earn in these currencies, by an activity of a type or, where it is empty, otherwise."""

    member: str
    currencies: Sequence[str]
    type: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class Shares:
    """The places in groups, and how they came, of those who earn."""

    places: dict[str, Places]
    referrals: dict[str, Referral]


def touch_earning(
    touched: Touched, rules: PointsRules, member: str, currencies: Sequence[str], kind: str, at: datetime
) -> None:
    """Has all touched that an earning causes besides; nothing where the programme has nothing of it."""
    pools = rules.groups.pooled and not rules.groups.pooled.isdisjoint(currencies)
    if pools or (rules.referral is not None and kind == rules.referral.terms.activity_type):
        touched.follow.append(Earning(member, currencies, kind, at))


class Sharing(Operation):
    """Touches what earnings cause; they are decided by what earned."""

    requests = (Earning,)

    async def find(
        self, connection: asyncpg.Connection, brand: str, rules: PointsRules, requests: Sequence[Earning]
    ) -> Shares:
        """Looked at again under the lock on the members."""
        places: dict[str, Places] = {}
        if rules.groups.pooled:
            members = {request.member for request in requests if not rules.groups.pooled.isdisjoint(request.currencies)}
            places = await group_rows.places(connection, brand, sorted(members))
        of_type = rules.referral.terms.activity_type if rules.referral is not None else ""
        named = {request.member for request in requests if request.type and request.type == of_type}
        found = await referral_rows.referrals(connection, brand, sorted(named)) if named else {}
        return Shares(places, found)

    def touch(self, request: Earning, found: Shares, rules: PointsRules, touched: Touched) -> None:
        if not rules.groups.pooled.isdisjoint(request.currencies):
            group_wallets.touch_pools(
                request.member, request.currencies, found.places.get(request.member), rules, touched
            )
        if rules.referral is not None and request.type == rules.referral.terms.activity_type:
            referral = found.referrals[request.member]
            referrals.touch_completion(referral, rules.referral, request.occurred_at, rules.zone, touched)

    def decide(self, book: Any, request: Earning) -> None:
        raise TypeError("an earning is no request of its own")
