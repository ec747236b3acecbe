"""The recommender's segments decide what members earn and may redeem, over gRPC on the real servers."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from chassis.errors import DomainError
from cli.embedded import Servers
from laurels.points.v1 import points_pb2, rewards_pb2, rewards_pb2_grpc
from laurels.points.v1 import programme_pb2 as pb
from laurels.programme.v1 import programme_pb2
from laurels.recommender.v1.predictions_events_pb2 import SegmentChanged
from tests.conftest import running
from tests.integration.points_support import Points, Streams, eventually, programme, purchase, rule, streams_of

LOYAL = "'loyal' in member.segments"


@pytest.fixture(scope="module")
async def points(settings_of: Callable[..., Any], token: Callable[..., str]) -> AsyncIterator[Points]:
    async with running("points", settings_of("points")) as channel:
        yield Points(channel, token, rewards_pb2_grpc.RewardsServiceStub(channel))


@pytest.fixture(scope="module")
async def streams(servers: Servers, points: Points) -> AsyncIterator[Streams]:
    async with streams_of(servers) as client:
        yield Streams(points, client)


def segmented() -> programme_pb2.Programme:
    found = programme(rule("all", "attributes.amount"), rule("loyal", "10", condition=LOYAL))
    found.points.multipliers.add(id="double", condition=LOYAL, currencies=["points"], percent=200)
    found.points.rewards.add(
        id="mug", name="Mug", currency="points", price=1, kind=pb.REWARD_KIND_PHYSICAL, condition=LOYAL
    )
    return found


def changed(segment: str, *, entered: bool, member: str = "ann") -> SegmentChanged:
    return SegmentChanged(member=member, segment=segment, entered=entered, as_of=datetime.now(UTC))


async def balance(points: Points, brand: str) -> int:
    answer = await points.call("ListWallets", points_pb2.ListWalletsRequest(member="ann"), brand)
    return next(int(wallet.available) for wallet in answer.wallets if wallet.currency == "points")


async def redeemable(points: Points, brand: str) -> bool:
    answer = await points.call("ListRewards", points_pb2.ListRewardsRequest(member="ann"), brand)
    return bool(answer.standings[0].redeemable)


async def test_a_segment_multiplies_adds_and_admits_while_the_member_is_in_it(
    points: Points, streams: Streams, brand: str
) -> None:
    await points.apply(brand, segmented())
    await points.record(brand, purchase("one", amount=100))
    assert (await balance(points, brand), await redeemable(points, brand)) == (100, False)
    redeem = rewards_pb2.RedeemRewardRequest(member="ann", reward="mug", idempotency_key="early")
    with pytest.raises(DomainError) as refused:
        await points.call("RedeemReward", redeem, brand)
    assert refused.value.reason == "not_eligible"

    entered = (changed("loyal", entered=True), changed("other", entered=True), changed("other", entered=False))
    await streams.publish("recommender", brand, *entered, times=2)
    await eventually(lambda: redeemable(points, brand), True)
    await points.record(brand, purchase("two", amount=100))
    assert await balance(points, brand) == 100 + 2 * (100 + 10)
    redeem.idempotency_key = "now"
    await points.call("RedeemReward", redeem, brand)

    await streams.publish("recommender", brand, changed("loyal", entered=False))
    await eventually(lambda: redeemable(points, brand), False)
    await points.record(brand, purchase("three", amount=100))
    assert await balance(points, brand) == 100 + 220 - 1 + 100


async def test_a_segment_of_nobody_makes_nobody(points: Points, streams: Streams, servers: Servers, brand: str) -> None:
    await points.apply(brand, segmented())
    await points.record(brand, purchase("one", amount=100))
    await streams.publish(
        "recommender", brand, changed("loyal", entered=True, member="stranger"), changed("loyal", entered=True)
    )
    await eventually(lambda: redeemable(points, brand), True)
    with pytest.raises(DomainError) as refused:
        await points.call("GetMember", points_pb2.GetMemberRequest(member="stranger"), brand)
    assert refused.value.reason == "unknown_member"
