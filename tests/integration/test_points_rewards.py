# ruff: noqa: S608 - the statements are damage, put together from constants
"""Rewards over gRPC on the real servers: redemptions, stock, limits, coupon codes, perk menus and boosters."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import asyncpg
import pytest

from chassis.database import Database
from chassis.errors import DomainError
from cli.embedded import Servers
from laurels.points.v1 import ledger_pb2, ledger_pb2_grpc, points_pb2, rewards_pb2, rewards_pb2_grpc
from laurels.points.v1 import programme_pb2 as pb
from laurels.points.v1.events_pb2 import PointsCredited, PointsSpent
from laurels.points.v1.rewards_events_pb2 import RedemptionChanged
from laurels.programme.v1 import programme_pb2
from services.points.codes import ALPHABET
from services.points.verification import violations
from tests.conftest import running
from tests.integration.points_support import Points, Streams, earned, programme, purchase, streams_of

CALLERS = 50
RESERVED, ISSUED, FULFILLED, CANCELLED, EXPIRED = (
    rewards_pb2.REDEMPTION_STATE_RESERVED,
    rewards_pb2.REDEMPTION_STATE_ISSUED,
    rewards_pb2.REDEMPTION_STATE_FULFILLED,
    rewards_pb2.REDEMPTION_STATE_CANCELLED,
    rewards_pb2.REDEMPTION_STATE_EXPIRED,
)
IMPORTED = pb.CouponCodes(source=pb.CODE_SOURCE_IMPORTED)


@pytest.fixture(scope="module")
async def around(
    servers: Servers, settings_of: Callable[..., Any], token: Callable[..., str]
) -> AsyncIterator[tuple[Points, Streams]]:
    async with streams_of(servers) as client, running("points", settings_of("points")) as channel:
        more = (rewards_pb2_grpc.RewardsServiceStub(channel), ledger_pb2_grpc.LedgerServiceStub(channel))
        points = Points(channel, token, *more)
        streams = Streams(points, client)
        yield points, streams
        await streams.forget()


@pytest.fixture(scope="module")
def points(around: tuple[Points, Streams]) -> Points:
    return around[0]


@pytest.fixture(scope="module")
def streams(around: tuple[Points, Streams]) -> Streams:
    return around[1]


def reward(name: str, price: int = 0, **more: Any) -> pb.Reward:
    return pb.Reward(id=name, name=name.title(), currency="points" if price else "", price=price, **more)


def with_rewards(*rewards: pb.Reward, menus: Any = ()) -> programme_pb2.Programme:
    found = programme()
    found.points.currencies.add(id="euro", purpose=pb.CURRENCY_PURPOSE_CASHBACK, iso_currency="EUR")
    del found.points.rewards[:]
    found.points.rewards.extend(rewards)
    found.points.perk_menus.extend(menus)
    return found


async def shop(points: Points, brand: str, *rewards: pb.Reward, menus: Any = (), has: int = 1_000) -> None:
    """A brand with these rewards, whose member ann has points."""
    await points.apply(brand, with_rewards(*rewards, menus=menus))
    await points.record(brand, purchase("ann-has", amount=has))


async def redeem(
    points: Points, brand: str, reward: str, key: str, *, member: str = "ann", credential: Any = None, **more: Any
) -> rewards_pb2.Redemption:
    request = rewards_pb2.RedeemRewardRequest(member=member, reward=reward, idempotency_key=key, **more)
    return (await points.call("RedeemReward", request, brand, **(credential or {}))).redemption


async def end(
    points: Points, brand: str, how: str, redemption: rewards_pb2.Redemption, **credential: Any
) -> rewards_pb2.Redemption:
    kind = getattr(rewards_pb2, f"{how}RedemptionRequest")
    request = kind(member=redemption.member, redemption=redemption.redemption)
    return (await points.call(f"{how}Redemption", request, brand, **credential)).redemption


async def bring(points: Points, brand: str, reward: str, *codes: str) -> tuple[int, int, int]:
    """How many codes were added, were there already, and are another reward's."""
    request = rewards_pb2.ImportRewardCodesRequest(reward=reward, codes=codes)
    answer = await points.call("ImportRewardCodes", request, brand)
    return answer.accepted, answer.duplicates, answer.conflicts


async def standing(points: Points, brand: str, reward: str, member: str = "ann") -> points_pb2.RewardStanding:
    answer = await points.call("ListRewards", points_pb2.ListRewardsRequest(member=member), brand)
    assert [each.reward for each in answer.standings] == [each.id for each in answer.rewards]
    (found,) = [each for each in answer.standings if each.reward == reward]
    return found


async def report(points: Points, brand: str, reward: str) -> rewards_pb2.RewardUse:
    answer = await points.call("GetRewardsReport", rewards_pb2.GetRewardsReportRequest(), brand)
    (found,) = [each for each in answer.rewards if each.reward == reward]
    return found


async def code_of(call: Any) -> str:
    with pytest.raises(DomainError) as refusal:
        await call
    return refusal.value.reason


async def run_schedules(points: Points, brand: str) -> None:
    await points.call("RunSchedules", ledger_pb2.RunSchedulesRequest(), brand)


async def found_wrong(servers: Servers, brand: str, *damage: str) -> list[str]:
    """What verification says of a brand, with damage that is undone after the look."""
    connection = await asyncpg.connect(servers.postgres.admin_url("laurels_points"))
    try:
        await connection.execute("SET enable_seqscan = off")
        transaction = connection.transaction(isolation="repeatable_read")
        await transaction.start()
        await connection.execute("SELECT set_config('laurels.brand', $1, true)", brand)
        for statement in damage:
            await connection.execute(statement)
        await connection.execute("SET LOCAL ROLE laurels_points_app")
        found = await violations(connection)
        await transaction.rollback()
        return found
    finally:
        await connection.close()


# -- one redemption -----------------------------------------------------------


async def test_a_thing_is_reserved_then_fulfilled_and_cannot_be_cancelled_after(points: Points, brand: str) -> None:
    await shop(points, brand, reward("mug", 300, stock=5))
    made = await redeem(points, brand, "mug", "k", reference="blue")
    assert (made.state, made.currency, made.price, made.reference) == (RESERVED, "points", 300, "blue")
    assert await points.available(brand) == 700
    (entry, _) = await points.statement(brand)
    assert (entry.kind, entry.amount, entry.reference) == (points_pb2.ENTRY_KIND_REDEMPTION, -300, "mug")
    done = await end(points, brand, "Fulfil", made)
    assert done.state == FULFILLED
    assert await end(points, brand, "Fulfil", made) == done
    assert await code_of(end(points, brand, "Cancel", made)) == "redemption_ended"
    request = rewards_pb2.GetRedemptionRequest(member="ann", redemption=made.redemption)
    assert (await points.call("GetRedemption", request, brand)).redemption == done
    assert (await report(points, brand, "mug")).stock_left == 4


async def test_a_cancelled_redemption_gives_points_to_their_lots_and_stock_back_once(
    points: Points, brand: str, servers: Servers
) -> None:
    found = with_rewards(reward("mug", 300, stock=1, limits=[pb.RewardLimit(most=1)]))
    found.points.currencies[0].expiry.days = 30
    await points.apply(brand, found)
    today = datetime.now(UTC)
    for name, days in (("old", 20), ("new", 1)):
        activity = purchase(name, amount=200)
        activity.occurred_at.FromDatetime(today - timedelta(days=days))
        await points.record(brand, activity)
    wallets = points_pb2.ListWalletsRequest(member="ann")
    before = (await points.call("ListWallets", wallets, brand)).wallets[0]
    assert before.expiring_next == 200
    made = await redeem(points, brand, "mug", "k")
    assert (await points.call("ListWallets", wallets, brand)).wallets[0].expiring_next == 100
    assert await code_of(redeem(points, brand, "mug", "k2")) == "limit_reached"
    answers = await asyncio.gather(*(end(points, brand, "Cancel", made) for _ in range(10)))
    assert {answer.state for answer in answers} == {CANCELLED}
    assert (await points.call("ListWallets", wallets, brand)).wallets[0] == before
    assert (await standing(points, brand, "mug")).left_for_member == 1
    assert (await redeem(points, brand, "mug", "k")).state == CANCELLED, "the key's redemption as it is now"
    assert (await redeem(points, brand, "mug", "k3")).state == RESERVED
    assert await found_wrong(servers, brand) == []


async def test_the_same_key_redeems_once_and_another_request_under_it_is_refused(points: Points, brand: str) -> None:
    await shop(points, brand, reward("mug", 300), reward("pen", 10), reward("code", 5, kind=pb.REWARD_KIND_COUPON))
    answers = await asyncio.gather(*(redeem(points, brand, "code", "k") for _ in range(CALLERS)))
    assert len({(answer.redemption, answer.code) for answer in answers}) == 1
    assert await points.available(brand) == 995
    assert await code_of(redeem(points, brand, "pen", "k")) == "idempotency_conflict"
    assert await code_of(redeem(points, brand, "mug", "")) == "invalid_argument"


async def test_a_redemption_is_refused_with_its_reason_and_takes_nothing(
    points: Points, brand: str, servers: Servers
) -> None:
    now = datetime.now(UTC)
    later, before = now + timedelta(hours=1), now - timedelta(hours=1)
    rewards = [
        reward("dear", 1_001),
        reward("gone", 1, stock=0),
        reward("later", 1, available_from=later),
        reward("past", 1, available_until=before),
        reward("golden", 1, tiers=["gold"]),
        reward("other", 1, condition="member.id == 'bob'"),
        reward("veteran", 1, condition="member.enrolled_days > 1000000 / (member.enrolled_days * 0)"),
        reward("coded", 1, kind=pb.REWARD_KIND_COUPON, codes=IMPORTED),
    ]
    await shop(points, brand, *rewards, has=199)
    await points.record(brand, purchase("more", amount=0))
    expected = {
        "dear": "insufficient_points",
        "gone": "reward_sold_out",
        "later": "reward_not_available",
        "past": "reward_not_available",
        "golden": "not_eligible",
        "other": "not_eligible",
        "veteran": "not_eligible",
        "coded": "codes_run_out",
        "nothing": "unknown_reward",
    }
    found = {name: await code_of(redeem(points, brand, name, f"k-{name}")) for name in expected}
    assert found == expected
    for name in expected.keys() - {"nothing"}:
        shown = await standing(points, brand, name)
        assert not shown.redeemable
        assert shown.code == ("" if name == "dear" else expected[name]), name
        assert shown.affordable == (name != "dear")
    assert await code_of(redeem(points, brand, "gone", "x", member="nobody")) == "unknown_member"
    assert await code_of(redeem(points, brand, "golden", "x", currency="gems")) == "invalid_argument"
    assert await code_of(redeem(points, brand, "golden", "x", menu="none")) == "unknown_menu"
    assert await points.available(brand) == 199
    assert await found_wrong(servers, brand) == []


async def test_a_member_pays_one_of_several_prices_or_none(points: Points, brand: str) -> None:
    other = [pb.PriceOption(currency="euro", price=250)]
    await shop(points, brand, reward("mug", 300, other_prices=other), reward("lounge", tiers=["gold"]))
    assert await code_of(redeem(points, brand, "mug", "e", currency="euro")) == "insufficient_points"
    assert (await redeem(points, brand, "mug", "p")).price == 300
    free = await redeem(points, brand, "lounge", "f")
    assert (free.currency, free.price) == ("", 0)
    assert await points.available(brand) == 700


async def test_a_reservation_that_is_not_fulfilled_in_time_gives_everything_back(
    points: Points, brand: str, servers: Servers
) -> None:
    await shop(points, brand, reward("trip", 300, kind=pb.REWARD_KIND_EXPERIENCE, stock=1, reserved_hours_max=2))
    made = await redeem(points, brand, "trip", "k")
    fulfilled_at = made.redeemed_at.ToDatetime(tzinfo=UTC) + timedelta(hours=2)
    assert made.expires_at.ToDatetime(tzinfo=UTC) == fulfilled_at
    await run_schedules(points, brand)
    assert await points.available(brand) == 700
    connection = await asyncpg.connect(servers.postgres.admin_url("laurels_points"))
    await connection.execute("UPDATE redemptions SET expires_at = now() - interval '1 minute' WHERE brand = $1", brand)
    await connection.close()
    await run_schedules(points, brand)
    await run_schedules(points, brand)
    assert await points.available(brand) == 1_000
    request = rewards_pb2.GetRedemptionRequest(member="ann", redemption=made.redemption)
    assert (await points.call("GetRedemption", request, brand)).redemption.state == EXPIRED
    assert await code_of(end(points, brand, "Fulfil", made)) == "redemption_ended"
    assert await code_of(end(points, brand, "Cancel", made)) == "redemption_ended"
    assert (await standing(points, brand, "trip")).stock_left == 1
    assert await found_wrong(servers, brand) == []


# -- kinds --------------------------------------------------------------------


async def test_cashback_is_credited_at_once_and_taken_back_while_it_is_there(
    points: Points, brand: str, servers: Servers
) -> None:
    cash = pb.Cashback(currency="euro", amount=500)
    await shop(points, brand, reward("five", 400, kind=pb.REWARD_KIND_CASHBACK, cashback=cash))
    first, second = [await redeem(points, brand, "five", key) for key in ("a", "b")]
    assert first.state == ISSUED
    assert await points.available(brand, currency="euro") == 1_000
    await points.spend(brand, "s", 400, currency="euro")
    assert (await end(points, brand, "Cancel", first)).state == CANCELLED
    assert await code_of(end(points, brand, "Cancel", second)) == "insufficient_points"
    assert await points.available(brand, currency="euro") == 100
    assert await points.available(brand) == 600
    assert await found_wrong(servers, brand) == []


async def test_a_donation_is_issued_at_once(points: Points, brand: str) -> None:
    await shop(points, brand, reward("trees", 100, kind=pb.REWARD_KIND_DONATION, recipient="Trees e.V."))
    made = await redeem(points, brand, "trees", "k")
    assert (made.state, made.code) == (ISSUED, "")


async def test_a_booster_multiplies_what_its_member_earns_until_it_ends(
    points: Points, brand: str, servers: Servers
) -> None:
    double = pb.Booster(percent=200, days=3, currencies=["points"])
    small = pb.Booster(percent=150, days=300)
    await shop(
        points,
        brand,
        reward("double", 100, kind=pb.REWARD_KIND_BOOSTER, booster=double),
        reward("small", 100, kind=pb.REWARD_KIND_BOOSTER, booster=small),
    )
    await redeem(points, brand, "small", "s")
    made = await redeem(points, brand, "double", "k")
    ends = made.redeemed_at.ToDatetime(tzinfo=UTC) + timedelta(days=3)
    assert made.expires_at.ToDatetime(tzinfo=UTC) == ends

    async def earns(name: str, member: str = "ann") -> int:
        activity = purchase(name, member, amount=101)
        activity.occurred_at.FromDatetime(datetime.now(UTC))
        (found,) = earned(await points.record(brand, activity))
        return found["points"]

    assert await earns("boosted") == 202
    assert await earns("another", "bob") == 101
    assert earned(await points.record(brand, purchase("before", amount=101))) == [{"points": 101}]
    await end(points, brand, "Cancel", made)
    assert await earns("less") == 151
    assert await found_wrong(servers, brand) == []


async def test_generated_codes_are_unlike_each_other_and_of_their_alphabet(points: Points, brand: str) -> None:
    codes = pb.CouponCodes(prefix="SALE-", length=10)
    await shop(points, brand, reward("coupon", 1, kind=pb.REWARD_KIND_COUPON, codes=codes))
    made = await asyncio.gather(*(redeem(points, brand, "coupon", f"k{number}") for number in range(40)))
    assert len({each.code for each in made}) == 40
    for each in made:
        assert each.state == ISSUED
        assert each.code.startswith("SALE-")
        assert len(each.code) == 15
        assert set(each.code[5:]) <= set(ALPHABET)
    seen = Counter(character for each in made for character in each.code[5:])
    assert len(seen) > 20, "400 even draws of 30 characters lack 10 of them with a chance below 10^-40"


# -- codes that were imported ---------------------------------------------------


async def test_imported_codes_are_issued_in_their_order_each_once_until_they_run_out(
    points: Points, brand: str, servers: Servers
) -> None:
    coupon = reward("coupon", 1, kind=pb.REWARD_KIND_COUPON, codes=IMPORTED)
    await shop(points, brand, coupon, reward("film", 1, kind=pb.REWARD_KIND_COUPON, codes=IMPORTED), reward("mug", 1))
    names = [f"Z{9_999 - number}" for number in range(30)]
    assert await bring(points, brand, "coupon", *names[:20]) == (20, 0, 0)
    assert await bring(points, brand, "coupon", *names[10:], names[29]) == (10, 11, 0)
    assert await bring(points, brand, "film", names[0], "F1") == (1, 0, 1)
    assert await code_of(bring(points, brand, "mug", "X")) == "codes_not_imported"
    assert await code_of(bring(points, brand, "none", "X")) == "unknown_reward"
    assert await code_of(bring(points, brand, "coupon", "has space")) == "invalid_argument"
    assert [(await redeem(points, brand, "coupon", f"a{number}")).code for number in range(3)] == names[:3]
    calls = (redeem(points, brand, "coupon", f"b{number}") for number in range(CALLERS))
    answers = await asyncio.gather(*calls, return_exceptions=True)
    issued = [answer.code for answer in answers if isinstance(answer, rewards_pb2.Redemption)]
    refused = [answer for answer in answers if isinstance(answer, DomainError)]
    assert sorted(issued) == sorted(names[3:])
    assert {refusal.reason for refusal in refused} == {"codes_run_out"}
    assert await points.available(brand) == 970
    assert (await report(points, brand, "coupon")).codes_left == 0
    assert await found_wrong(servers, brand) == []


async def test_a_code_that_was_issued_is_not_issued_again_after_its_redemption_is_cancelled(
    points: Points, brand: str, servers: Servers
) -> None:
    await shop(points, brand, reward("coupon", 1, kind=pb.REWARD_KIND_COUPON, codes=IMPORTED, stock=2))
    await bring(points, brand, "coupon", "one", "two")
    made = await redeem(points, brand, "coupon", "a")
    await end(points, brand, "Cancel", made)
    assert (await redeem(points, brand, "coupon", "b")).code == "two"
    assert await bring(points, brand, "coupon", "one") == (0, 1, 0)
    shown = await standing(points, brand, "coupon")
    assert (shown.stock_left, shown.code) == (1, "codes_run_out")
    assert await found_wrong(servers, brand) == []


async def test_codes_can_be_streamed_and_each_part_is_answered(points: Points, brand: str) -> None:
    await shop(points, brand, reward("coupon", 1, kind=pb.REWARD_KIND_COUPON, codes=IMPORTED))

    async def parts() -> AsyncIterator[rewards_pb2.StreamRewardCodesRequest]:
        for part in range(4):
            codes = [f"C{part * 5_000 + number:06}" for number in range(6_000)]
            yield rewards_pb2.StreamRewardCodesRequest(reward="coupon", codes=codes)

    answers = [(a.accepted, a.duplicates) async for a in points.stream("StreamRewardCodes", parts(), brand)]
    assert answers == [(6_000, 0), (5_000, 1_000), (5_000, 1_000), (5_000, 1_000)]
    assert (await report(points, brand, "coupon")).codes_left == 21_000


# -- bounds under concurrency -----------------------------------------------------


async def test_nothing_is_given_beyond_stock_limits_or_points_under_fifty_callers(
    points: Points, brand: str, servers: Servers
) -> None:
    await shop(
        points,
        brand,
        reward("few", 10, stock=7),
        reward("once", 10, limits=[pb.RewardLimit(per=pb.REWARD_PERIOD_DAY, most=2)]),
        reward("dear", 300),
        has=1_000,
    )
    members = [f"m{number}" for number in range(CALLERS)]
    await points.record(brand, *(purchase(f"of-{member}", member, amount=20) for member in members))
    calls = (redeem(points, brand, "few", f"f-{member}", member=member) for member in members)
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert Counter(getattr(answer, "reason", "") for answer in answers) == {"": 7, "reward_sold_out": 43}
    calls = (redeem(points, brand, "once", f"o-{number}") for number in range(CALLERS))
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert Counter(getattr(answer, "reason", "") for answer in answers) == {"": 2, "limit_reached": 48}
    calls = (redeem(points, brand, "dear", f"d-{number}") for number in range(CALLERS))
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert Counter(getattr(answer, "reason", "") for answer in answers) == {"": 3, "insufficient_points": 47}
    assert await points.available(brand) == 80
    assert (await standing(points, brand, "few")).stock_left == 0
    use = await report(points, brand, "few")
    assert (use.redeemed, use.reserved, use.stock_left) == (7, 7, 0)
    assert [(cost.currency, cost.amount) for cost in use.costs] == [("points", 70)]
    assert await found_wrong(servers, brand) == []


async def test_two_replicas_together_give_no_more_than_there_is(
    points: Points, brand: str, settings_of: Callable[..., Any], token: Callable[..., str], servers: Servers
) -> None:
    coupon = reward("coupon", 1, kind=pb.REWARD_KIND_COUPON, codes=IMPORTED, stock=25)
    await shop(points, brand, coupon, reward("free"))
    await bring(points, brand, "coupon", *(f"c{number}" for number in range(30)))
    async with running("points", settings_of("points")) as channel:
        second = Points(channel, token, rewards_pb2_grpc.RewardsServiceStub(channel))
        calls = [redeem([points, second][n % 2], brand, "coupon", f"k{n // 2}") for n in range(2 * CALLERS)]
        answers = await asyncio.gather(*calls, return_exceptions=True)
        await points.record(brand, purchase("bob-has", "bob", amount=1))
        calls = [
            redeem([points, second][n % 2], brand, "free", "same", member=("ann", "bob")[n % 2]) for n in range(CALLERS)
        ]
        same = await asyncio.gather(*calls, return_exceptions=True)
    assert Counter(getattr(answer, "reason", "") for answer in same) == {"": 25, "idempotency_conflict": 25}
    made = [answer for answer in answers if isinstance(answer, rewards_pb2.Redemption)]
    refused = [answer for answer in answers if not isinstance(answer, rewards_pb2.Redemption)]
    assert {getattr(answer, "reason", repr(answer)) for answer in refused} == {"reward_sold_out"}
    assert len({answer.redemption for answer in made}) == len({answer.code for answer in made}) == 25
    assert await points.available(brand) == 975
    assert await found_wrong(servers, brand) == []


class Breaking:
    """Makes the database go away once, at a statement of a brand's writes or after their commit."""

    def __init__(self, brand: str) -> None:
        self.brand, self.left, self.broke = brand, 0, False
        self._transaction = Database.transaction

    def at(self, statement: int) -> None:
        """Breaks at the statement of this number, or, if there are fewer, after the commit."""
        self.left, self.broke = statement, False

    def step(self) -> None:
        self.left -= 1
        if self.left == 0:
            self.broke = True
            raise asyncpg.ConnectionDoesNotExistError("broken by a test")

    @asynccontextmanager
    async def transaction(
        self, database: Database, brand: str, *, read_only: bool = False
    ) -> AsyncIterator[asyncpg.Connection]:
        ours = brand == self.brand and not read_only and self.left > 0
        async with self._transaction(database, brand, read_only=read_only) as connection:
            yield Stepping(connection, self) if ours else connection  # type: ignore[misc]
        if ours and self.left > 0:
            self.left = 0
            raise asyncpg.ConnectionDoesNotExistError("broken by a test after the commit")


class Stepping:
    """A connection whose every statement is a step."""

    def __init__(self, connection: Any, breaking: Breaking) -> None:
        self._connection, self._breaking = connection, breaking

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._connection, name)
        if name not in ("fetch", "fetchrow", "fetchval", "execute"):
            return found

        async def step(*arguments: Any) -> Any:
            self._breaking.step()
            return await found(*arguments)

        return step


async def test_a_break_at_any_statement_loses_and_doubles_nothing(
    points: Points, brand: str, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shop(
        points,
        brand,
        reward("coupon", 10, kind=pb.REWARD_KIND_COUPON, codes=IMPORTED, stock=100),
        reward("five", 10, kind=pb.REWARD_KIND_CASHBACK, cashback=pb.Cashback(currency="euro", amount=5)),
    )
    codes = [f"C{number:03}" for number in range(100)]
    await bring(points, brand, "coupon", *codes)
    breaking = Breaking(brand)
    monkeypatch.setattr(Database, "transaction", lambda *a, **k: breaking.transaction(*a, **k))
    made: list[rewards_pb2.Redemption] = []
    for name in ("coupon", "five"):
        for statement in range(1, 100):
            breaking.at(statement)
            made.append(await redeem(points, brand, name, f"{name}-{statement}"))
            if not breaking.broke:
                break
        assert statement > 8, "it breaks at more than a few statements"
        assert breaking.left == 0, "and at last after the commit"
    coupons = [each for each in made if each.reward == "coupon"]
    assert [each.code for each in coupons] == codes[: len(coupons)]
    assert await points.available(brand) == 1_000 - 10 * len(made)
    for statement, each in enumerate(made, 1):
        breaking.at(statement)
        assert (await end(points, brand, "Cancel", each)).state == CANCELLED
    monkeypatch.undo()
    assert await points.available(brand) == 1_000
    assert await points.available(brand, currency="euro") == 0
    assert (await standing(points, brand, "coupon")).stock_left == 100
    assert await found_wrong(servers, brand) == []


@dataclass
class Model:
    """What there must be after a history: balances, what is left of each reward, and how far each redemption is."""

    balance: dict[str, int]
    euros: dict[str, int]
    stock: dict[str, int]
    codes: deque[str]
    made: dict[str, tuple[str, str, int]] = field(default_factory=dict)

    def redeem(self, key: str, member: str, reward: str) -> str:
        """The refusal's code, or empty."""
        if key in self.made:
            return "" if self.made[key][:2] == (member, reward) else "idempotency_conflict"
        if self.stock.get(reward, 1) == 0:
            return "reward_sold_out"
        if reward == "coupon" and not self.codes:
            return "codes_run_out"
        if self.balance[member] < PRICES[reward]:
            return "insufficient_points"
        self.move(member, reward, 1)
        if reward == "coupon":
            self.codes.popleft()
        self.made[key] = member, reward, RESERVED if reward == "mug" else ISSUED
        return ""

    def end(self, key: str, state: int) -> str:
        member, reward, before = self.made[key]
        if before in (CANCELLED, FULFILLED):
            return "" if before == state else "redemption_ended"
        if state == CANCELLED:
            if reward == "five" and self.euros[member] < 5:
                return "insufficient_points"
            self.move(member, reward, -1)
        self.made[key] = member, reward, state
        return ""

    def move(self, member: str, reward: str, times: int) -> None:
        self.balance[member] -= times * PRICES[reward]
        self.euros[member] += times * 5 * (reward == "five")
        if reward in self.stock:
            self.stock[reward] -= times


PRICES = {"mug": 30, "coupon": 20, "five": 50}
STEPS = 150


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_random_history_leaves_what_a_model_of_a_page_says(
    points: Points, brand: str, servers: Servers, seed: int
) -> None:
    members, random = ("ann", "bob", "cas"), Random(seed)
    await shop(
        points,
        brand,
        reward("mug", 30, stock=6),
        reward("coupon", 20, kind=pb.REWARD_KIND_COUPON, codes=IMPORTED, stock=15),
        reward("five", 50, kind=pb.REWARD_KIND_CASHBACK, cashback=pb.Cashback(currency="euro", amount=5)),
        has=400,
    )
    await points.record(brand, *(purchase(f"{member}-has", member, amount=400) for member in members[1:]))
    codes = [f"C{number}" for number in range(20)]
    await bring(points, brand, "coupon", *codes)
    model = Model(dict.fromkeys(members, 400), dict.fromkeys(members, 0), {"mug": 6, "coupon": 15}, deque(codes))
    known: dict[str, rewards_pb2.Redemption] = {}
    for step in range(STEPS):
        choice = random.random()
        if choice < 0.6 or not known:
            key = random.choice([f"k{step}", f"k{step}", *list(known)[:1]])
            member, name = random.choice(members), random.choice(list(PRICES))
            next_code = model.codes[0] if model.codes else ""
            expected, call = model.redeem(key, member, name), redeem(points, brand, name, key, member=member)
        elif choice < 0.65:
            member = random.choice(members)
            expected = "" if model.euros[member] >= 3 else "insufficient_points"
            model.euros[member] -= 3 if not expected else 0
            call = points.spend(brand, f"s{step}", 3, member=member, currency="euro")
            key = ""
        else:
            key = random.choice(list(known))
            how, state = random.choice([("Cancel", CANCELLED), ("Cancel", CANCELLED), ("Fulfil", FULFILLED)])
            expected, call = model.end(key, state), end(points, brand, how, known[key])
        if expected:
            assert await code_of(call) == expected, step
            continue
        answer = await call
        if key and key not in known:
            assert answer.code == (next_code if answer.reward == "coupon" else ""), step
        if key:
            known[key] = answer
            assert answer.state == model.made[key][2], step
    for member in members:
        assert await points.available(brand, member) == model.balance[member]
        assert await points.available(brand, member, "euro") == model.euros[member]
    for name, left in model.stock.items():
        assert (await standing(points, brand, name)).stock_left == left
    assert (await report(points, brand, "coupon")).codes_left == len(model.codes)
    assert len({state for _, _, state in model.made.values()}) >= 3, "the history reached most states"
    assert await found_wrong(servers, brand) == []


# -- perk menus -------------------------------------------------------------------


async def test_a_member_chooses_so_many_of_a_menu_a_period_and_each_once(
    points: Points, brand: str, servers: Servers
) -> None:
    menu = pb.PerkMenu(
        id="gold_perks", name="Gold", rewards=["spa", "ride", "meal"], choose=2, per=pb.REWARD_PERIOD_QUARTER,
        tiers=["gold"],
    )  # fmt: skip
    await shop(points, brand, reward("spa"), reward("ride"), reward("meal", 50), menus=[menu])
    request = rewards_pb2.ListPerkMenusRequest(member="ann")
    assert await code_of(redeem(points, brand, "spa", "n")) == "menu_required"
    assert (await standing(points, brand, "spa")).redeemable
    first = await redeem(points, brand, "spa", "a", menu="gold_perks")
    assert (first.menu, first.price) == ("gold_perks", 0)
    assert await code_of(redeem(points, brand, "spa", "b", menu="gold_perks")) == "menu_used_up"
    (shown,) = (await points.call("ListPerkMenus", request, brand)).menus
    assert (list(shown.chosen), shown.left) == (["spa"], 1)
    names = ("ride", "meal")
    calls = (redeem(points, brand, names[n % 2], f"c{n}", menu="gold_perks") for n in range(20))
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert Counter(getattr(answer, "reason", "") for answer in answers) == {"": 1, "menu_used_up": 19}
    assert (await redeem(points, brand, "meal", "m")).price == 50
    await end(points, brand, "Cancel", first)
    (shown,) = (await points.call("ListPerkMenus", request, brand)).menus
    assert shown.left == 1
    await points.record(brand, purchase("b", "bob", amount=1))
    assert await code_of(redeem(points, brand, "spa", "z", member="bob", menu="gold_perks")) == "not_eligible"
    request.member = "bob"
    assert not (await points.call("ListPerkMenus", request, brand)).menus
    assert await found_wrong(servers, brand) == []


# -- who may ------------------------------------------------------------------------


async def test_a_member_s_token_reaches_the_member_s_own_redemptions_only(points: Points, brand: str) -> None:
    await shop(points, brand, reward("mug", 10, member_may_cancel=True), reward("pen", 10))
    await points.record(brand, purchase("b", "bob", amount=100))
    ann: Any = {"subject": "ann", "scope": "member"}
    bob: Any = {"subject": "bob", "scope": "member"}
    mug = await redeem(points, brand, "mug", "a", credential=ann)
    pen = await redeem(points, brand, "pen", "b", credential=ann)
    assert await code_of(redeem(points, brand, "mug", "c", credential=bob)) == "unknown_member"
    asked = rewards_pb2.GetRedemptionRequest(member="bob", redemption=mug.redemption)
    assert await code_of(points.call("GetRedemption", asked, brand, **bob)) == "unknown_redemption"
    stolen = rewards_pb2.CancelRedemptionRequest(member="bob", redemption=mug.redemption)
    assert await code_of(points.call("CancelRedemption", stolen, brand, **bob)) == "unknown_redemption"
    listed = rewards_pb2.ListRedemptionsRequest(member="ann")
    assert await code_of(points.call("ListRedemptions", listed, brand, **bob)) == "unknown_member"
    assert await code_of(end(points, brand, "Fulfil", mug, **ann)) == "permission_denied"
    assert await code_of(end(points, brand, "Cancel", pen, **ann)) == "not_cancellable"
    assert (await end(points, brand, "Cancel", mug, **ann)).state == CANCELLED
    assert (await end(points, brand, "Cancel", pen)).state == CANCELLED
    others = points_pb2.ListRewardsRequest(member="ann")
    assert await code_of(points.call("ListRewards", others, brand, **bob)) == "unknown_member"
    assert not (await points.call("ListRewards", points_pb2.ListRewardsRequest(), brand, **bob)).standings
    others.member = "bob"
    assert len((await points.call("ListRewards", others, brand, **bob)).standings) == 2


async def test_redemptions_are_listed_newest_first_by_pages(points: Points, brand: str) -> None:
    await shop(points, brand, reward("pen", 10))
    made = [(await redeem(points, brand, "pen", f"k{number}")).redemption for number in range(5)]
    found, token = [], ""
    while True:
        request = rewards_pb2.ListRedemptionsRequest(member="ann", page_size=2, page_token=token)
        answer = await points.call("ListRedemptions", request, brand)
        found += [each.redemption for each in answer.redemptions]
        token = answer.next_page_token
        if not token:
            break
    assert found == made[::-1]
    request = rewards_pb2.ListRedemptionsRequest(member="ann", page_token="no-such.token")
    assert await code_of(points.call("ListRedemptions", request, brand)) == "invalid_argument"


# -- events and verification --------------------------------------------------------


async def test_events_say_what_became_of_a_redemption_and_keep_its_code(
    points: Points, streams: Streams, brand: str
) -> None:
    streams.touched(brand)
    await shop(points, brand, reward("coupon", 40, kind=pb.REWARD_KIND_COUPON))
    made = await redeem(points, brand, "coupon", "k")
    await redeem(points, brand, "coupon", "k")
    await end(points, brand, "Cancel", made)
    told = await streams.told(brand, RedemptionChanged, PointsSpent, PointsCredited)
    assert [type(event) for event in told] == [PointsSpent, RedemptionChanged, RedemptionChanged]
    spent, first, last = told
    assert (spent.amount, spent.balance, spent.reference) == (40, 960, "coupon")
    assert [first.redemption.state, last.redemption.state] == [ISSUED, CANCELLED]
    assert [first.balance, last.balance] == [960, 1_000]
    assert made.code
    assert first.redemption.code == last.redemption.code == ""


async def test_verification_finds_damage(points: Points, brand: str, servers: Servers) -> None:
    cash = pb.Cashback(currency="euro", amount=5)
    await shop(
        points,
        brand,
        reward("coupon", 10, kind=pb.REWARD_KIND_COUPON, stock=3),
        reward("five", 10, kind=pb.REWARD_KIND_CASHBACK, cashback=cash),
        reward("mug", 10),
    )
    kept, undone = [await redeem(points, brand, "coupon", key) for key in ("a", "b")]
    await end(points, brand, "Cancel", undone)
    paid = await redeem(points, brand, "five", "c")
    assert await found_wrong(servers, brand) == []
    of_kept = f"redemption = '{kept.redemption}'"
    entries = "Redemption {} and the entries for it do not say the same."
    issued = "Coupon code {} is not issued to exactly the redemption that names it."
    counter = "Counter stock:coupon of  is not what the redemptions that hold have raised it to."
    stock = "name = 'stock:coupon' AND brand = current_setting('laurels.brand')"
    for damage, said in {
        f"DELETE FROM redemptions WHERE {of_kept}": entries.format(kept.redemption),
        f"UPDATE redemptions SET state = 3 WHERE redemption = '{undone.redemption}'": entries.format(undone.redemption),
        f"UPDATE redemptions SET price = 11 WHERE {of_kept}": entries.format(kept.redemption),
        f"UPDATE redemptions SET credited = 6 WHERE redemption = '{paid.redemption}'":
            f"The cashback of redemption {paid.redemption} and the entries for it do not say the same.",
        f"UPDATE reward_codes SET state = 3 WHERE code = '{kept.code}'": issued.format(kept.code),
        f"UPDATE reward_codes SET redemption = 'x' WHERE code = '{kept.code}'":
            issued.format(f"{kept.code}, {kept.code}"),
        f"DELETE FROM reward_codes WHERE code = '{kept.code}'": issued.format(kept.code),
        f"UPDATE counters SET value = 2 WHERE {stock}": counter,
        f"DELETE FROM counters WHERE {stock}": counter,
    }.items():  # fmt: skip
        found = await found_wrong(servers, brand, damage)
        assert said in found, damage
    more = "INSERT INTO redemptions SELECT brand, redemption || number, member, reward, kind, state, currency, 0, '', "
    more += "menu, reference, digest, lots, counted, credited_currency, credited, redeemed_at, changed_at, expires_at, "
    more += f"programme_version FROM redemptions, generate_series(1, 3) AS number WHERE {of_kept}"
    raised = f"UPDATE counters SET value = 4 WHERE {stock}"
    assert await found_wrong(servers, brand, more, raised) == [
        "More of reward coupon (4 of 3) are given than there were."
    ]


async def test_a_redemption_can_be_undone_after_its_reward_left_the_programme(
    points: Points, brand: str, servers: Servers
) -> None:
    limits = [pb.RewardLimit(per=pb.REWARD_PERIOD_WEEK, most=2)]
    await shop(points, brand, reward("mug", 300, stock=3, limits=limits, member_may_cancel=True))
    first, second = [await redeem(points, brand, "mug", key) for key in ("a", "b")]
    await points.apply(brand, with_rewards(reward("pen", 10)))
    assert await code_of(redeem(points, brand, "mug", "c")) == "unknown_reward"
    assert (await redeem(points, brand, "mug", "a")).redemption == first.redemption
    assert await code_of(end(points, brand, "Cancel", first, subject="ann", scope="member")) == "not_cancellable"
    assert (await end(points, brand, "Cancel", first)).state == CANCELLED
    assert (await end(points, brand, "Fulfil", second)).state == FULFILLED
    assert await points.available(brand) == 700
    use = await report(points, brand, "mug")
    assert (use.name, use.redeemed, use.cancelled, use.reserved) == ("", 1, 1, 0)
    assert await found_wrong(servers, brand) == []
