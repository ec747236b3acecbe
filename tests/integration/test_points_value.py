# ruff: noqa: S608 - the statements are damage, put together from constants
"""What other services grant and ask to hold, and what they are told of attributes, on the real servers."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from chassis.database import Database
from chassis.errors import DomainError
from cli.embedded import Servers
from laurels.activity.v1.events_pb2 import ActivityRecorded
from laurels.erasure.v1.events_pb2 import MemberErased
from laurels.export.v1 import export_pb2, export_pb2_grpc
from laurels.points.v1 import (
    events_pb2,
    grants_pb2,
    grants_pb2_grpc,
    ledger_pb2,
    ledger_pb2_grpc,
    members_events_pb2,
    members_pb2,
    members_pb2_grpc,
    points_pb2,
    rewards_pb2,
    rewards_pb2_grpc,
)
from laurels.points.v1 import programme_pb2 as pb
from laurels.points.v1.rewards_events_pb2 import RedemptionChanged
from laurels.programme.v1 import programme_pb2
from laurels.value.v1 import events_pb2 as value_pb
from services.points.attribute_events import DueAnniversaries
from services.points.grants import granted
from tests.conftest import running
from tests.integration.points_support import (
    NOON,
    Points,
    Streams,
    eventually,
    finished,
    programme,
    purchase,
    streams_of,
)
from tests.integration.value_support import (
    BIRTHDAY,
    COUNTRY,
    COUPON,
    DATE,
    KEPT_BACK,
    TEXT,
    attributed,
    coins,
    connected,
    enrolment,
    found_in,
    granting,
    hold_of,
    path_over,
    prize,
    settled,
)

MISSION, STANDING, CAMPAIGN, LEVEL = (
    value_pb.GRANT_REASON_MISSION,
    value_pb.GRANT_REASON_STANDING,
    value_pb.GRANT_REASON_CAMPAIGN,
    value_pb.GRANT_REASON_LEVEL,
)
PARKED, GIVEN, DISMISSED = (
    grants_pb2.PARKED_GRANT_STATE_PARKED,
    grants_pb2.PARKED_GRANT_STATE_GIVEN,
    grants_pb2.PARKED_GRANT_STATE_DISMISSED,
)
CAPTURE, RELEASE = value_pb.HOLD_END_CAPTURE, value_pb.HOLD_END_RELEASE
SHARED, REACHED = members_events_pb2.SharedAttributesChanged, members_events_pb2.AnniversaryReached


@pytest.fixture(scope="module")
async def around(
    servers: Servers, settings_of: Callable[..., Any], token: Callable[..., str]
) -> AsyncIterator[tuple[Points, Streams]]:
    async with streams_of(servers) as client, running("points", settings_of("points")) as channel:
        more = (
            grants_pb2_grpc.GrantsServiceStub(channel),
            rewards_pb2_grpc.RewardsServiceStub(channel),
            ledger_pb2_grpc.LedgerServiceStub(channel),
            members_pb2_grpc.MembersServiceStub(channel),
            export_pb2_grpc.ExportServiceStub(channel),
        )
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


def shop(*rewards: pb.Reward) -> programme_pb2.Programme:
    found = programme()
    found.points.rewards.extend(rewards)
    return found


MUG = pb.Reward(id="mug", name="Mug", stock=1)
OVER = pb.Reward(id="over", name="Over", available_until=NOON - timedelta(days=1))
ONCE = pb.Reward(id="once", name="Once", limits=[pb.RewardLimit(most=1, per=pb.REWARD_PERIOD_DAY)])


async def parked(points: Points, brand: str, state: Any = PARKED) -> list[grants_pb2.ParkedGrant]:
    request = grants_pb2.ListParkedGrantsRequest(state=state)
    return list((await points.call("ListParkedGrants", request, brand)).grants)


async def codes(points: Points, brand: str) -> Counter[str]:
    return Counter(each.code for each in await parked(points, brand))


async def retry(points: Points, brand: str, grant: str, key: str) -> grants_pb2.ParkedGrant:
    request = grants_pb2.RetryGrantRequest(grant=grant, idempotency_key=key)
    return (await points.call("RetryGrant", request, brand)).grant


async def dismiss(points: Points, brand: str, grant: str, key: str, reason: str = "") -> grants_pb2.ParkedGrant:
    request = grants_pb2.DismissGrantRequest(grant=grant, reason=reason, idempotency_key=key)
    return (await points.call("DismissGrant", request, brand)).grant


async def redemptions(points: Points, brand: str, member: str = "ann", **credential: Any) -> list[Any]:
    request = rewards_pb2.ListRedemptionsRequest(member=member)
    return list((await points.call("ListRedemptions", request, brand, **credential)).redemptions)


async def refused(call: Any) -> str:
    with pytest.raises(DomainError) as refusal:
        await call
    return refusal.value.reason


# -- grants -------------------------------------------------------------------


async def test_points_are_credited_once_under_their_key_with_their_reason(
    points: Points, streams: Streams, servers: Servers, brand: str
) -> None:
    await points.apply(brand, programme())
    await points.record(brand, purchase("first"))
    await streams.publish("leaderboard", brand, granting("prize:c1", coins(10), coins(5, "gems"), coins(7)), times=3)
    for reason, amount in ((MISSION, 1), (STANDING, 2), (CAMPAIGN, 3), (LEVEL, 4)):
        await streams.publish("missions", brand, granting(f"by:{reason}", coins(amount), reason=reason))
    # The same key, told again by another event, and with another kind of event.
    await streams.publish("missions", brand, granting(f"by:{MISSION}", coins(1), reason=MISSION))
    await streams.publish(
        "missions", brand, granting("mission:m:ann", coins(50), reason=MISSION), finished("ann", "m", 50)
    )
    await eventually(lambda: points.available(brand), 100 + 17 + 1 + 2 + 3 + 4 + 50)
    assert await points.available(brand, currency="gems") == 5
    statement = {(entry.kind, entry.amount) for entry in await points.statement(brand)}
    kinds = points_pb2.EntryKind
    assert {
        (kinds.Value("ENTRY_KIND_PRIZE"), 10),
        (kinds.Value("ENTRY_KIND_STANDING"), 2),
        (kinds.Value("ENTRY_KIND_CAMPAIGN"), 3),
        (kinds.Value("ENTRY_KIND_LEVEL"), 4),
        (kinds.Value("ENTRY_KIND_MISSION"), 50),
    } <= statement
    async with connected(servers, brand) as connection:
        keys = await connection.fetch("SELECT key FROM entries WHERE brand = $1 AND key LIKE 'prize:%'", brand)
    assert {row["key"] for row in keys} == {"prize:c1", "prize:c1#1", "prize:c1#2"}
    told = await streams.told(brand, events_pb2.PointsCredited)
    assert sum(event.amount for event in told if event.currency == "points") == 77
    assert await parked(points, brand) == []
    assert await found_in(servers, brand) == []


async def test_a_granted_reward_is_a_redemption_without_a_price_whoever_may_ask_for_it(
    points: Points, streams: Streams, servers: Servers, brand: str
) -> None:
    await points.apply(brand, shop(MUG, COUPON))
    await points.record(brand, purchase("first"))
    event = granting("prize:c1", prize("mug"), prize("coupon"), prize("coupon"), value_pb.Grant(badge="b"))
    await streams.publish("leaderboard", brand, event, event)

    async def taken() -> Counter[str]:
        return Counter(each.reward for each in await redemptions(points, brand))

    await eventually(taken, Counter(mug=1, coupon=2))
    await streams.publish("leaderboard", brand, granting("last", coins(1)))
    await eventually(lambda: points.available(brand), 101)
    mine = await redemptions(points, brand, subject="ann", scope="member")
    assert {each.price for each in mine} == {0}
    assert len({each.code for each in mine if each.reward == "coupon"} - {""}) == 2
    assert {each.reference for each in mine} == {"cause"}
    told = await streams.told(brand, RedemptionChanged)
    assert Counter(each.redemption.reward for each in told) == Counter(mug=1, coupon=2)
    assert {each.redemption.code for each in told} == {""}
    assert await refused(redemptions(points, brand, subject="bob", scope="member")) == "unknown_member"
    assert await found_in(servers, brand) == []


async def test_what_cannot_be_given_is_parked_once_and_told_and_the_rest_is_given(
    points: Points, streams: Streams, servers: Servers, brand: str
) -> None:
    await points.apply(brand, shop(MUG, OVER, ONCE))
    await points.record(brand, purchase("first"))
    grants = (
        coins(9), prize("mug"), prize("mug"), prize("over"), prize("once"), prize("once"), prize("none"),
        coins(5, "shells"), coins(0),
    )  # fmt: skip
    event = granting("prize:c1", *grants)
    await streams.publish("leaderboard", brand, event, event, granting("to-nobody", coins(3), member="nobody"))
    await eventually(lambda: codes(points, brand), Counter({
        "reward_sold_out": 1, "reward_not_available": 1, "limit_reached": 1, "unknown_reward": 1,
        "unknown_currency": 1, "invalid_argument": 1, "unknown_member": 1,
    }))  # fmt: skip
    assert await points.available(brand) == 109
    assert Counter(each.reward for each in await redemptions(points, brand)) == Counter(mug=1, once=1)
    told = await streams.told(brand, value_pb.GrantParked)
    assert Counter(each.code for each in told) == await codes(points, brand)
    sold_out = next(each for each in told if each.code == "reward_sold_out")
    assert (sold_out.key, sold_out.grant.reward, sold_out.member) == ("prize:c1", "mug", "ann")
    assert await refused(points.call("ListParkedGrants", grants_pb2.ListParkedGrantsRequest(), brand, scope="service"))
    first = await points.call("ListParkedGrants", grants_pb2.ListParkedGrantsRequest(page_size=4), brand)
    rest = grants_pb2.ListParkedGrantsRequest(page_size=4, page_token=first.next_page_token)
    second = await points.call("ListParkedGrants", rest, brand)
    assert len({each.grant for each in (*first.grants, *second.grants)}) == 7
    assert not second.next_page_token
    assert await found_in(servers, brand) == []


async def test_a_manager_gives_a_parked_grant_once_or_writes_it_off(
    points: Points, streams: Streams, servers: Servers, brand: str
) -> None:
    await points.apply(brand, shop(MUG))
    await points.record(brand, purchase("first"))
    event = granting("prize:c1", prize("mug"), prize("mug"), prize("mug"), coins(5, "shells"))
    await streams.publish("leaderboard", brand, event, granting("to-bob", coins(30), member="bob"))
    await eventually(lambda: codes(points, brand), Counter(reward_sold_out=2, unknown_currency=1, unknown_member=1))
    by_code = {each.code: each for each in await parked(points, brand)}
    mug, other = [each for each in await parked(points, brand) if each.code == "reward_sold_out"]
    bob, shells = by_code["unknown_member"], by_code["unknown_currency"]
    assert await refused(retry(points, brand, mug.grant, "k1")) == "reward_sold_out"
    assert await refused(retry(points, brand, bob.grant, "k2")) == "unknown_member"
    assert await refused(retry(points, brand, "0" * 24, "k3")) == "unknown_grant"
    assert await refused(retry(points, f"{brand}-other", mug.grant, "k3")) in ("unknown_brand", "unknown_grant")
    await points.enrol(brand, "bob")
    answers = await asyncio.gather(*(retry(points, brand, bob.grant, f"many-{number}") for number in range(20)))
    assert {answer.state for answer in answers} == {GIVEN}
    assert await points.available(brand, "bob") == 30
    await points.apply(brand, shop(pb.Reward(id="mug", name="Mug", stock=2)))
    given = await retry(points, brand, mug.grant, "k1")
    assert given == await retry(points, brand, mug.grant, "k1")
    assert given.redemption in {each.redemption for each in await redemptions(points, brand)}
    assert await refused(retry(points, brand, other.grant, "k1")) == "idempotency_conflict"
    assert await refused(dismiss(points, brand, mug.grant, "k4")) == "grant_ended"
    assert await refused(retry(points, brand, other.grant, "k5")) == "reward_sold_out"
    off = await dismiss(points, brand, shells.grant, "k6", "A currency of another brand.")
    assert off.state == DISMISSED
    assert off == await dismiss(points, brand, shells.grant, "k6", "A currency of another brand.")
    assert await refused(dismiss(points, brand, shells.grant, "k6", "Other words.")) == "idempotency_conflict"
    assert await refused(retry(points, brand, shells.grant, "k7")) == "grant_ended"
    # Told again, nothing of it is given again.
    await streams.publish("leaderboard", brand, event, granting("to-bob", coins(30), member="bob"))
    await streams.publish("leaderboard", brand, granting("last", coins(1)), granting("last-b", coins(1), member="bob"))
    await eventually(lambda: points.available(brand, "bob"), 31)
    await eventually(lambda: points.available(brand), 101)
    assert [each.grant for each in await parked(points, brand)] == [other.grant]
    assert {each.grant for each in await parked(points, brand, GIVEN)} == {mug.grant, bob.grant}
    assert Counter(each.reward for each in await redemptions(points, brand)) == Counter(mug=2)
    assert await found_in(servers, brand) == []


async def test_a_key_that_both_services_tell_at_once_gives_once(
    points: Points, streams: Streams, servers: Servers, brand: str
) -> None:
    await points.apply(brand, shop(pb.Reward(id="pin", name="Pin", stock=50), COUPON))
    members = [f"m{number}" for number in range(10)]
    await asyncio.gather(*(points.enrol(brand, member) for member in members))

    def told(member: str) -> list[value_pb.RewardGranted]:
        event = granting(f"k:{member}", coins(5), prize("pin"), prize("coupon"), coins(1, "shells"), member=member)
        return [event, event, granting(f"last:{member}", coins(1), member=member)]

    await asyncio.gather(
        *(streams.publish(source, brand, *told(each)) for each in members for source in ("missions", "leaderboard"))
    )
    for member in members:
        await eventually(partial(points.available, brand, member), 6)
        assert Counter(each.reward for each in await redemptions(points, brand, member)) == Counter(pin=1, coupon=1)
    assert await codes(points, brand) == Counter(unknown_currency=10)
    assert len(await streams.told(brand, value_pb.GrantParked)) == 10
    assert await found_in(servers, brand) == []


async def test_an_export_has_what_was_given_parked_and_held(points: Points, streams: Streams, brand: str) -> None:
    found = attributed(BIRTHDAY)
    found.points.rewards.append(MUG)
    await points.apply(brand, found)
    await points.call("EnrolMember", enrolment("ann", birthday="1990-05-01"), brand)
    event = granting("k", prize("mug"), prize("mug"), coins(10))
    await streams.publish("leaderboard", brand, event, hold_of("h", 4))
    await eventually(lambda: available_and_held(points, brand), (6, 4))
    answer = await points.call("ExportMember", export_pb2.ExportMemberRequest(member="ann"), brand)
    rows = {section.name: [dict(row) for row in section.rows] for section in answer.sections}
    assert [row["key"] for row in rows["given_rewards"]] == ["k#0"]
    assert [row["code"] for row in rows["parked_grants"]] == ["reward_sold_out"]
    assert [row["key"] for row in rows["hold_requests"]] == ["h"]
    assert [row["on_date"] for row in rows["anniversaries"]] == ["1990-05-01"]
    assert [row["reward"] for row in rows["redemptions"]] == ["mug"]


async def test_a_key_that_another_entry_has_parks_the_grant_and_loses_nothing(
    points: Points, streams: Streams, brand: str
) -> None:
    await points.apply(brand, programme())
    await points.record(brand, purchase("first"))
    await streams.publish("leaderboard", brand, granting("k#1", coins(3)), granting("k", coins(5), coins(6)))
    await eventually(lambda: codes(points, brand), Counter(idempotency_conflict=1))
    assert await points.available(brand) == 100 + 3 + 5


async def test_a_grant_to_somebody_who_was_erased_is_nothing_and_parked_ones_go(
    points: Points, streams: Streams, servers: Servers, brand: str
) -> None:
    await points.apply(brand, shop(MUG))
    await points.enrol(brand, "ann")
    await streams.publish("leaderboard", brand, granting("prize:c1", prize("mug"), prize("mug"), coins(4)))
    await streams.publish("leaderboard", brand, hold_of("buy-in:ann", 3))
    await eventually(lambda: codes(points, brand), Counter(reward_sold_out=1))
    await eventually(lambda: available_and_held(points, brand), (1, 3))
    await points.call("EraseMember", members_pb2.EraseMemberRequest(member="ann"), brand)
    await points.enrol(brand, "bob")
    await streams.publish("leaderboard", brand, granting("prize:c2", coins(4)), hold_of("again:ann", 1))
    await streams.publish("leaderboard", brand, settled("buy-in:ann", CAPTURE), granting("b", coins(1), member="bob"))
    await streams.publish("leaderboard", brand, granting("prize:c3", coins(4)))
    await eventually(lambda: points.available(brand, "bob"), 1)
    assert await parked(points, brand) == []
    async with connected(servers, brand) as connection:
        for table in ("parked_grants", "given_rewards", "hold_requests", "anniversaries"):
            assert await connection.fetchval(f"SELECT count(*) FROM {table} WHERE brand = $1", brand) == 0, table
        states = await connection.fetch("SELECT state FROM holds WHERE brand = $1", brand)
    assert [row["state"] for row in states] == [ledger_pb2.HOLD_STATE_RELEASED]


# -- holds --------------------------------------------------------------------


async def available_and_held(points: Points, brand: str, member: str = "ann") -> tuple[int, int]:
    answer = await points.call("ListWallets", points_pb2.ListWalletsRequest(member=member), brand)
    (wallet,) = [each for each in answer.wallets if each.currency == "points"]
    return wallet.available, wallet.held


async def decisions(streams: Streams, brand: str) -> list[tuple[str, bool, str]]:
    return [(each.key, each.held, each.code) for each in await streams.told(brand, value_pb.HoldDecided)]


async def test_a_request_to_hold_is_decided_and_told_once_and_ends_by_the_first_word(
    points: Points, streams: Streams, servers: Servers, brand: str
) -> None:
    await points.apply(brand, programme())
    await points.record(brand, purchase("first", amount=100))
    await streams.publish("leaderboard", brand, hold_of("one", 40), times=3)
    # Again by another event, more than is there, none at all, and all at once with its end.
    await streams.publish("leaderboard", brand, hold_of("one", 40), hold_of("too-much", 61), hold_of("none", 0))
    await streams.publish("leaderboard", brand, hold_of("two", 25), settled("two", RELEASE), settled("two", CAPTURE))
    await streams.publish("leaderboard", brand, hold_of("nobody's", 1, member="nobody"))
    await streams.publish("leaderboard", brand, settled("too-much", CAPTURE), settled("unknown", CAPTURE))
    await streams.publish("leaderboard", brand, granting("mark", coins(1)), granting("mark-2", coins(1)))
    await eventually(lambda: available_and_held(points, brand), (62, 40))
    expected = [
        ("one", True, ""), ("too-much", False, "insufficient_points"), ("none", False, "invalid_argument"),
        ("two", True, ""), ("nobody's", False, "unknown_member"),
    ]  # fmt: skip

    async def decided() -> list[tuple[str, bool, str]]:
        return sorted(await decisions(streams, brand))

    await eventually(decided, sorted(expected))
    await streams.publish("leaderboard", brand, settled("one", CAPTURE), settled("one", RELEASE))
    await eventually(lambda: available_and_held(points, brand), (62, 0))
    changed = [each.hold for each in await streams.told(brand, events_pb2.HoldChanged)]
    assert [each.state for each in changed] == [
        ledger_pb2.HOLD_STATE_OPEN,
        ledger_pb2.HOLD_STATE_OPEN,
        ledger_pb2.HOLD_STATE_RELEASED,
        ledger_pb2.HOLD_STATE_CAPTURED,
    ]
    assert not any(each.HasField("expires_at") for each in changed)
    spent = await streams.told(brand, events_pb2.PointsSpent)
    assert [(each.amount, each.reference) for each in spent] == [(40, "buy-in")]
    assert await found_in(servers, brand) == []


async def test_nobody_ends_a_service_s_hold_by_a_call_and_being_due_does_not_end_it(
    points: Points, streams: Streams, servers: Servers, brand: str
) -> None:
    await points.apply(brand, programme())
    await points.record(brand, purchase("first", amount=100))
    due = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=5)
    await streams.publish("leaderboard", brand, hold_of("one", 40, due=due))

    async def asked() -> list[tuple[str, datetime]]:
        told = await streams.told(brand, value_pb.HoldDue)
        return [(each.key, each.occurred_at.ToDatetime(tzinfo=UTC)) for each in told]

    await eventually(asked, [("one", due)])
    (told,) = await streams.told(brand, events_pb2.HoldChanged)
    for request in (
        ledger_pb2.CaptureHoldRequest(hold=told.hold.hold),
        ledger_pb2.ReleaseHoldRequest(hold=told.hold.hold),
    ):
        method = type(request).__name__.removesuffix("Request")
        assert await refused(points.call(method, request, brand, scope="service")) == "hold_of_a_service"
    run = ledger_pb2.RunSchedulesRequest()
    await points.call("RunSchedules", run, brand)
    assert await available_and_held(points, brand) == (60, 40)
    assert len(await asked()) == 1, "it is asked once"
    await streams.publish("leaderboard", brand, settled("one", RELEASE))
    await eventually(lambda: available_and_held(points, brand), (100, 0))
    assert await found_in(servers, brand) == []


async def test_requests_at_once_never_hold_more_than_there_is(
    points: Points, streams: Streams, servers: Servers, brand: str
) -> None:
    await points.apply(brand, programme())
    await points.record(brand, purchase("first", amount=100))
    keys = [f"k{number}" for number in range(30)]
    await asyncio.gather(
        *(streams.publish("leaderboard", brand, hold_of(key, 30)) for key in keys),
        *(streams.publish("missions", brand, hold_of(key, 30)) for key in keys),
        *(points.spend(brand, "spent", 10) for _ in range(5)),
    )

    async def decided() -> Counter[str]:
        return Counter(code for _, _, code in await decisions(streams, brand))

    await eventually(decided, Counter({"": 3, "insufficient_points": 27}))
    assert await available_and_held(points, brand) == (0, 90)
    assert await found_in(servers, brand) == []


# -- attributes ---------------------------------------------------------------


async def shared(streams: Streams, brand: str) -> list[tuple[str, dict[str, Any]]]:
    return [(each.member, dict(each.attributes)) for each in await streams.told(brand, SHARED)]


async def correct(points: Points, brand: str, member: str, mask: str = "", **attributes: Any) -> None:
    request = members_pb2.CorrectMemberRequest(member=member, update_mask=[mask] if mask else [])
    request.attributes.update(attributes)
    await points.call("CorrectMember", request, brand)


async def test_shared_attributes_are_told_when_they_change_and_others_never(
    points: Points, streams: Streams, brand: str
) -> None:
    size = pb.MemberAttribute(name="size", kind=TEXT)
    await points.apply(brand, attributed(COUNTRY, size))
    await points.call("EnrolMember", enrolment("ann", country="de", size="L"), brand)
    await points.call("EnrolMember", enrolment("ann", country="de", size="L"), brand)
    await points.enrol(brand, "bob")
    await correct(points, brand, "ann", size="M")
    await correct(points, brand, "ann", country="at")
    await correct(points, brand, "ann", country="at")
    await correct(points, brand, "bob", country="fr")
    await correct(points, brand, "ann", "attributes.country")
    assert await shared(streams, brand) == [
        ("ann", {"country": "de"}),
        ("ann", {"country": "at"}),
        ("bob", {"country": "fr"}),
        ("ann", {}),
    ]


async def test_a_new_version_tells_what_it_shares_of_all_who_have_it_in_batches(
    points: Points, streams: Streams, servers: Servers, brand: str
) -> None:
    await points.apply(brand, attributed(KEPT_BACK))
    members = [f"m{number:03d}" for number in range(450)]
    await asyncio.gather(*(points.call("EnrolMember", enrolment(each, country="de"), brand) for each in members))
    await points.enrol(brand, "plain")
    assert await shared(streams, brand) == []
    await points.apply(brand, attributed(COUNTRY))

    async def told() -> list[tuple[str, str]]:
        return sorted((member, values.get("country", "")) for member, values in await shared(streams, brand))

    await eventually(told, [(each, "de") for each in members])
    await points.apply(brand, attributed(KEPT_BACK))
    await eventually(told, sorted([(each, "de") for each in members] + [(each, "") for each in members]))
    async with connected(servers, brand) as connection:
        assert await connection.fetchval("SELECT count(*) FROM particulars_sweeps WHERE brand = $1", brand) == 0


async def reached(streams: Streams, brand: str) -> list[tuple[str, str]]:
    return sorted((each.member, each.day) for each in await streams.told(brand, REACHED))


async def test_a_day_is_told_once_in_the_member_s_zone_until_the_date_is_withdrawn(
    points: Points, streams: Streams, servers: Servers, brand: str
) -> None:
    await points.apply(brand, attributed(BIRTHDAY, zone=True))
    far = "Pacific/Kiritimati"  # 14 hours ahead: there, another day than in Honolulu
    there, here = (datetime.now(ZoneInfo(zone)).date() for zone in (far, "Pacific/Honolulu"))
    born = date(1988, there.month, there.day)
    await points.call("EnrolMember", enrolment("ann", birthday=born.isoformat(), zone=far), brand)
    await points.call("EnrolMember", enrolment("bob", birthday=born.isoformat(), zone="Pacific/Honolulu"), brand)
    await eventually(lambda: reached(streams, brand), [("ann", there.isoformat())])
    assert here < there
    # Neither the same date again nor another zone makes it come round twice.
    await correct(points, brand, "ann", zone="Pacific/Honolulu")
    await correct(points, brand, "ann", "attributes.birthday")
    await correct(points, brand, "ann", birthday=born.isoformat())
    await points.call("RunSchedules", ledger_pb2.RunSchedulesRequest(), brand)
    assert await reached(streams, brand) == [("ann", there.isoformat())]
    (told,) = await streams.told(brand, REACHED)
    assert told.attribute == "birthday"
    assert told.occurred_at.ToDatetime(tzinfo=UTC).astimezone(ZoneInfo(far)).hour == 0
    assert await found_in(servers, brand) == []
    await correct(points, brand, "bob", "attributes.birthday")
    async with connected(servers, brand) as connection:
        left = await connection.fetch("SELECT member, due_at FROM anniversaries WHERE brand = $1", brand)
    assert [(row["member"], row["due_at"].year) for row in left] == [("ann", there.year + 1)]


TODAY = datetime.now(UTC).date()


@pytest.mark.parametrize(("days", "is_late"), [(7, False), (8, True)])
async def test_after_downtime_a_day_is_told_as_its_own_and_a_week_late_at_most(
    servers: Servers, brand: str, days: int, is_late: bool
) -> None:
    healthy = Database(servers.postgres.url("points"))
    path = path_over(healthy)
    await path.submit(brand, programme_pb2.ApplyProgrammeRequest(programme=attributed(BIRTHDAY)))
    tomorrow = TODAY + timedelta(days=1)
    born = date(1988, tomorrow.month, tomorrow.day)
    await path.submit(brand, enrolment("ann", birthday=born.isoformat()))
    until = datetime(tomorrow.year, tomorrow.month, tomorrow.day, 12, tzinfo=UTC) + timedelta(days=days)
    for _ in range(2):
        await path.submit(brand, DueAnniversaries(["ann"], until))
    await healthy.close()
    async with connected(servers, brand) as connection:
        rows = await connection.fetch("SELECT type, payload FROM outbox WHERE brand = $1", brand)
        due = await connection.fetchval("SELECT due_at FROM anniversaries WHERE brand = $1", brand)
    told = [REACHED.FromString(row["payload"]).day for row in rows if row["type"] == REACHED.DESCRIPTOR.full_name]
    assert told == ([] if is_late else [tomorrow.isoformat()])
    assert due.year == tomorrow.year + 1


async def test_a_version_that_follows_a_date_follows_it_of_those_who_are_there(
    points: Points, servers: Servers, brand: str
) -> None:
    plain = pb.MemberAttribute(name="birthday", kind=DATE, personal=True)
    await points.apply(brand, attributed(plain))
    await points.call("EnrolMember", enrolment("ann", birthday="1990-05-01"), brand)

    async def followed() -> list[str]:
        async with connected(servers, brand) as connection:
            rows = await connection.fetch("SELECT member FROM anniversaries WHERE brand = $1", brand)
        return [row["member"] for row in rows]

    assert await followed() == []
    await points.apply(brand, attributed(BIRTHDAY))
    await eventually(followed, ["ann"])
    await points.apply(brand, attributed(plain))
    await eventually(followed, [])


async def test_a_programme_shares_nothing_personal_and_follows_dates_only(points: Points, brand: str) -> None:
    wrong = attributed(
        pb.MemberAttribute(name="name", kind=TEXT, personal=True, shared=True),
        pb.MemberAttribute(name="size", kind=TEXT, anniversary=True),
    )
    answer = await points.call("ValidateProgramme", programme_pb2.ValidateProgrammeRequest(programme=wrong), brand)
    assert {problem.field for problem in answer.problems} == {
        "points.member_attributes[0].shared",
        "points.member_attributes[1].anniversary",
    }


# -- facts about members --------------------------------------------------------


async def test_every_way_into_the_programme_tells_when_and_in_which_tier(
    points: Points, streams: Streams, brand: str
) -> None:
    await points.apply(brand, programme())
    await points.record(brand, purchase("first", "by-activity", amount=10))
    await points.enrol(brand, "by-call")
    recorded = [e for e in await streams.told(brand, ActivityRecorded) if e.activity.member == "by-activity"]
    assert [(each.enrolled, each.tier, each.activity.occurred_at.ToDatetime(tzinfo=UTC)) for each in recorded] == [
        (True, "bronze", NOON)
    ]
    joined = await points.member(brand, "by-call")
    async with asyncio.timeout(20):
        told = [e for e in await streams.told(brand, events_pb2.MemberEnrolled) if e.member == "by-call"]
    assert [(each.enrolled_at, each.tier) for each in told] == [(joined.enrolled_at, "bronze")]


async def test_every_change_of_a_tier_is_told_whatever_moved_it(points: Points, streams: Streams, brand: str) -> None:
    await points.apply(brand, programme())
    for member in ("ann", "bob", "cem"):
        await points.enrol(brand, member)
    await streams.publish("missions", brand, granting("k", coins(200)))
    lifted = ledger_pb2.Transfer(
        id="t",
        currency="points",
        amount=600,
        debit=ledger_pb2.LedgerAccount(kind=points_pb2.ACCOUNT_KIND_ISSUED),
        credit=ledger_pb2.LedgerAccount(member="bob"),
    )
    posted = ledger_pb2.PostTransfersRequest(transfers=[lifted], silent=True)
    answer = await points.call("PostTransfers", posted, brand, scope="service")
    request = ledger_pb2.ReverseTransferRequest(transfer=str(answer.results[0].entry), idempotency_key="back")
    await points.call("ReverseTransfer", request, brand, scope="service")
    await points.record(brand, purchase("cem-1", "cem", amount=700))
    await eventually(lambda: points.available(brand), 200)
    told = [(each.member, each.from_tier, each.to_tier) for each in await streams.told(brand, events_pb2.TierChanged)]
    assert sorted(told) == [
        ("ann", "bronze", "silver"),
        ("bob", "bronze", "gold"),
        ("bob", "gold", "bronze"),
        ("cem", "bronze", "gold"),
    ]
    assert {(await points.member(brand, each)).tier for each in ("ann", "bob", "cem")} == {"silver", "bronze", "gold"}


async def test_every_word_on_a_consent_is_told_the_guardian_s_too_and_erasure_is_the_last(
    points: Points, streams: Streams, brand: str
) -> None:
    found = attributed(BIRTHDAY, zone=True)
    found.points.guardianship.age = 18
    await points.apply(brand, found)
    born = f"{TODAY.year - 10}-01-01"
    await points.call("EnrolMember", enrolment("kid", birthday=born), brand)

    async def say(**purposes: bool) -> None:
        consents = [
            members_pb2.Consent(
                purpose=members_pb2.ConsentPurpose.Value(f"CONSENT_PURPOSE_{name.upper()}"),
                granted=granted_,
                text_version="1",
            )
            for name, granted_ in purposes.items()
        ]
        request = members_pb2.PutConsentsRequest(member="kid", consents=consents)
        await points.call("PutConsents", request, brand, scope="service")

    assert await refused(say(leaderboards=True)) == "guardian_consent_required"
    await say(leaderboards=True, guardian=True)
    await say(leaderboards=True)
    await say(leaderboards=False)
    await say(guardian=False)
    await points.call("EraseMember", members_pb2.EraseMemberRequest(member="kid"), brand)
    told = [
        (members_pb2.ConsentPurpose.Name(each.purpose).removeprefix("CONSENT_PURPOSE_").lower(), each.granted)
        for each in await streams.told(brand, members_events_pb2.ConsentChanged)
    ]
    assert told == [("guardian", True), ("leaderboards", True), ("leaderboards", False), ("guardian", False)]
    assert [each.member for each in await streams.told(brand, MemberErased)] == ["kid"]


# -- verification -------------------------------------------------------------


async def test_verification_finds_what_does_not_add_up(
    points: Points, streams: Streams, servers: Servers, brand: str
) -> None:
    found = attributed(COUNTRY, BIRTHDAY)
    found.points.rewards.append(MUG)
    await points.apply(brand, found)
    await points.call("EnrolMember", enrolment("ann", birthday="1990-05-01"), brand)
    await streams.publish("leaderboard", brand, granting("k", prize("mug"), prize("mug"), coins(50)), hold_of("h", 20))
    await eventually(lambda: available_and_held(points, brand), (30, 20))
    assert await found_in(servers, brand) == []
    mine = f"WHERE brand = '{brand}'"
    for damage, says in (
        (f"UPDATE parked_grants SET state = 2 {mine}", "was given and has no effect"),
        (f"UPDATE given_rewards SET redemption = 'other' {mine}", "The redemption of granted reward k#0"),
        (f"UPDATE hold_requests SET ended = 1, ended_at = now() {mine}", "Request h to hold points"),
        (f"UPDATE hold_requests SET hold = 'other' {mine}", "Request h to hold points"),
        (f"UPDATE anniversaries SET on_date = '1990-05-02' {mine}", "The anniversary of ann (birthday)"),
        (f"DELETE FROM anniversaries {mine}", "The date of ann (birthday) is not followed."),
    ):
        said = await found_in(servers, brand, damage)
        assert any(says in sentence for sentence in said), (damage, said)


def test_an_event_that_grants_nothing_of_points_asks_for_nothing() -> None:
    assert granted(granting("k", value_pb.Grant(badge="b"), value_pb.Grant(scratch_card="p"))) is None
