"""The points service on the real servers, as its callers and the services around it see it."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from itertools import accumulate, pairwise
from typing import Any

import pytest

from chassis.errors import Aborted, DomainError, FailedPrecondition, IdempotencyConflict, InvalidArgument, NotFound
from cli.embedded import Servers
from laurels.activity.v1.activity_pb2 import Activity, RecordActivitiesRequest
from laurels.activity.v1.events_pb2 import ActivityRecorded
from laurels.points.v1 import points_pb2 as pb
from laurels.points.v1.events_pb2 import MemberEnrolled, PointsCredited, PointsSpent, TierChanged
from laurels.programme.v1 import programme_pb2
from laurels.programme.v1.events_pb2 import ProgrammeAdopted, ProgrammeApplied
from tests.conftest import running
from tests.integration.points_support import (
    NOON,
    Points,
    Streams,
    earned,
    eventually,
    finished,
    programme,
    purchase,
    revealed,
    rule,
    streams_of,
    visit,
)

CALLERS = 50


@pytest.fixture(scope="module")
async def around(
    servers: Servers, settings_of: Callable[..., Any], token: Callable[..., str]
) -> AsyncIterator[tuple[Points, Streams]]:
    async with streams_of(servers) as client, running("points", settings_of("points")) as channel:
        points = Points(channel, token)
        streams = Streams(points, client)
        yield points, streams
        await streams.forget()


@pytest.fixture(scope="module")
def points(around: tuple[Points, Streams]) -> Points:
    return around[0]


@pytest.fixture(scope="module")
def streams(around: tuple[Points, Streams]) -> Streams:
    return around[1]


@pytest.fixture
async def shop(points: Points, streams: Streams, brand: str) -> str:
    """A brand in which a purchase earns as many points as was paid."""
    streams.touched(brand)
    await points.apply(brand, programme())
    return brand


async def applied(points: Points, streams: Streams, brand: str, *rules: Any, **arguments: Any) -> None:
    streams.touched(brand)
    await points.apply(brand, programme(*rules, **arguments))


def fields_of(refusal: DomainError) -> list[str]:
    return [violation.field for violation in refusal.violations]


# -- activities ---------------------------------------------------------------


async def test_all_rules_that_hold_are_added_up(points: Points, streams: Streams, brand: str) -> None:
    await applied(
        points,
        streams,
        brand,
        rule("each", "attributes.amount / 100"),
        rule("large", "25", condition="attributes.amount >= 5000"),
        rule("gift", "1", condition="attributes.gift && attributes.category == 'book'", currency="gems"),
        rule("negative", "-7"),
        rule("visits", "3", of="visit"),
    )
    answer = await points.record(
        brand,
        purchase("small", amount=499),
        purchase("large", amount=5_000),
        purchase("gift", amount=99, gift=True, category="book"),
        visit("visit"),
    )
    assert (answer.accepted, answer.duplicates) == (4, 0)
    assert [result.id for result in answer.results] == ["small", "large", "gift", "visit"]
    assert earned(answer) == [{"points": 4}, {"points": 75}, {"gems": 1}, {"points": 3}]
    assert await points.wallets(brand, "ann") == {"points": (82, 82), "gems": (1, 1)}


async def test_a_rule_that_fails_earns_nothing_and_refuses_nothing(
    points: Points, streams: Streams, brand: str
) -> None:
    await applied(points, streams, brand, rule("share", "attributes.amount / attributes.pieces"), rule("flat", "2"))
    answer = await points.record(brand, purchase("none", amount=10), purchase("two", amount=10, pieces=2))
    assert earned(answer) == [{"points": 2}, {"points": 7}]


async def test_the_first_activity_of_a_type_is_the_first_in_the_list(
    points: Points, streams: Streams, brand: str
) -> None:
    await applied(
        points,
        streams,
        brand,
        rule("welcome", "50", condition="member.is_first_activity"),
        rule("hello", "5", condition="member.is_first_activity", of="visit"),
        rule("each", "1"),
    )
    answer = await points.record(
        brand, purchase("b", minute=9), purchase("a", minute=1), visit("v"), purchase("c", "bob"), visit("w")
    )
    assert earned(answer) == [{"points": 51}, {"points": 1}, {"points": 5}, {"points": 51}, {}]


async def test_an_activity_is_judged_in_the_tier_that_the_one_before_it_led_to(
    points: Points, streams: Streams, brand: str
) -> None:
    await applied(
        points,
        streams,
        brand,
        rule("each", "attributes.amount"),
        rule("double", "attributes.amount", condition="member.tier == 'silver'"),
    )
    answer = await points.record(brand, *(purchase(str(place), amount=150) for place in range(4)))
    # 150 and 300 reach silver, so 300 a purchase from then on; 900 is gold, where the rule holds no more.
    assert earned(answer) == [{"points": 150}, {"points": 150}, {"points": 300}, {"points": 150}]


async def test_a_recorded_activity_is_answered_again_and_earns_nothing_again(points: Points, shop: str) -> None:
    first = await points.record(shop, purchase("a", amount=70))
    again = await points.record(shop, purchase("a", amount=70), purchase("b", amount=30), purchase("b", amount=30))
    assert [(result.id, result.duplicate) for result in again.results] == [("a", True), ("b", False), ("b", True)]
    assert (again.accepted, again.duplicates) == (1, 2)
    assert earned(again) == [*earned(first), {"points": 30}, {"points": 30}]
    assert await points.available(shop) == 100


async def test_a_duplicate_is_answered_as_it_was_also_under_a_later_programme(points: Points, shop: str) -> None:
    await points.record(shop, purchase("a", amount=70))
    later = programme(rule("flat", "1"))
    del later.activity_types[0].attributes[:]  # `amount` is declared no more
    assert await points.apply(shop, later) == (2, True)
    assert earned(await points.record(shop, purchase("a", amount=70))) == [{"points": 70}]


@pytest.mark.parametrize(
    "other",
    [
        purchase("known", amount=71),
        purchase("known", "bob", amount=70),
        purchase("known", amount=70, minute=1),
        purchase("known", amount=70, category="book"),
        visit("known"),
    ],
    ids=["amount", "member", "moment", "attribute", "type"],
)
async def test_another_body_under_a_known_id_is_refused_and_the_whole_request_with_it(
    points: Points, shop: str, other: Any
) -> None:
    await points.record(shop, purchase("known", amount=70))
    with pytest.raises(IdempotencyConflict, match="known") as refusal:
        await points.record(shop, purchase("new", "eve", amount=5), other)
    assert refusal.value.reason == "idempotency_conflict"
    with pytest.raises(NotFound):
        await points.member(shop, "eve")
    assert (await points.record(shop, purchase("new", "eve", amount=5))).accepted == 1
    assert await points.available(shop) == 70


async def test_two_bodies_under_one_id_in_one_request_are_refused(points: Points, shop: str) -> None:
    with pytest.raises(IdempotencyConflict, match=r"activities\[1\]"):
        await points.record(shop, purchase("same", amount=1), purchase("same", amount=2))
    assert (await points.record(shop, purchase("same", amount=2))).accepted == 1


async def test_everything_wrong_with_a_request_is_named_by_its_place(points: Points, shop: str) -> None:
    bare = visit("bare")
    bare.type = "purchase"
    wrong_kind = purchase("kinds", amount=1, pieces="two", category=3, gift="yes")
    wrong_kind.attributes["amount"] = 1.5
    with pytest.raises(InvalidArgument) as refusal:
        await points.record(
            shop,
            purchase("good", amount=1),
            bare,
            purchase("unknown", amount=1, colour="red"),
            Activity(id="stroll", member="ann", type="stroll", occurred_at=NOON),
            purchase("late", amount=1, minute=60 * 24 * 365 * 90),
            wrong_kind,
        )
    assert sorted(fields_of(refusal.value)) == [
        "activities[1].attributes.amount",
        "activities[2].attributes.colour",
        "activities[3].type",
        "activities[4].occurred_at",
        "activities[5].attributes.amount",
        "activities[5].attributes.category",
        "activities[5].attributes.gift",
        "activities[5].attributes.pieces",
    ]
    assert (await points.record(shop, purchase("good", amount=1))).accepted == 1


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("pieces", 2.5),
        ("pieces", 2**53),
        ("pieces", "2"),
        ("weight", True),
        ("weight", float("nan")),
        ("weight", float("inf")),
        ("category", "x" * 1_025),
        ("category", "nul \0"),
        ("category", None),
        ("gift", 1),
        ("gift", {"is": True}),
    ],
    ids=repr,
)
async def test_a_value_that_is_not_of_its_attributes_kind_is_refused(
    points: Points, shop: str, attribute: str, value: Any
) -> None:
    with pytest.raises(InvalidArgument) as refusal:
        await points.record(shop, purchase("p", **{attribute: value}))
    assert fields_of(refusal.value) == [f"activities[0].attributes.{attribute}"]


async def test_a_malformed_activity_is_named_by_its_place(points: Points, shop: str) -> None:
    timeless = purchase("timeless")
    timeless.ClearField("occurred_at")
    with pytest.raises(InvalidArgument) as refusal:
        await points.record(
            shop,
            purchase("", amount=1),
            purchase("with space", amount=1),
            purchase("x" * 129, amount=1),
            purchase("member", "a b"),
            purchase("nobody", ""),
            timeless,
            purchase("x" * 128, "m" * 64),
        )
    assert fields_of(refusal.value) == [
        "activities[0].id",
        "activities[1].id",
        "activities[2].id",
        "activities[3].member",
        "activities[4].member",
        "activities[5].occurred_at",
    ]
    assert (await points.record(shop, purchase("x" * 128, "m" * 64))).accepted == 1


@pytest.mark.parametrize("count", [0, 1_001])
async def test_a_request_of_no_activities_or_of_too_many_is_refused(points: Points, shop: str, count: int) -> None:
    with pytest.raises(InvalidArgument) as refusal:
        await points.record(shop, *(visit(str(place)) for place in range(count)))
    assert fields_of(refusal.value) == ["activities"]


async def test_a_thousand_activities_are_one_request(points: Points, shop: str) -> None:
    answer = await points.record(shop, *(purchase(str(n), f"m{n % 7}", amount=n) for n in range(1_000)))
    assert answer.accepted == 1_000
    for member in range(7):
        assert await points.available(shop, f"m{member}") == sum(range(member, 1_000, 7))


async def test_a_clock_may_be_five_minutes_ahead(points: Points, shop: str) -> None:
    near, far = purchase("near"), purchase("far")
    near.occurred_at.FromDatetime(datetime.now(UTC) + timedelta(minutes=4))
    far.occurred_at.FromDatetime(datetime.now(UTC) + timedelta(minutes=6))
    assert (await points.record(shop, near)).accepted == 1
    with pytest.raises(InvalidArgument) as refusal:
        await points.record(shop, far)
    assert fields_of(refusal.value) == ["activities[0].occurred_at"]


async def test_members_join_by_an_activity_where_the_programme_says_so(points: Points, shop: str) -> None:
    await points.record(shop, purchase("b", minute=5), purchase("a", minute=1))
    member = await points.member(shop, "ann")
    assert (member.member, member.display_name, member.tier) == ("ann", "", "silver")
    assert member.enrolled_at.ToDatetime(tzinfo=UTC) == NOON + timedelta(minutes=5)  # what came first, not what was


async def test_activities_of_strangers_are_refused_where_enrolment_is_explicit(
    points: Points, streams: Streams, brand: str
) -> None:
    await applied(points, streams, brand, explicit=True)
    await points.enrol(brand, "ann")
    with pytest.raises(NotFound, match="eve") as refusal:
        await points.record(brand, purchase("a"), purchase("e", "eve"))
    assert refusal.value.reason == "unknown_member"
    assert await points.available(brand) == 0
    await points.enrol(brand, "eve")
    assert (await points.record(brand, purchase("a"), purchase("e", "eve"))).accepted == 2


async def test_many_callers_with_the_same_activity_record_it_once_and_are_answered_alike(
    points: Points, streams: Streams, shop: str
) -> None:
    same = [purchase("one", amount=60), purchase("two", "bob", amount=40)]
    answers = await asyncio.gather(*(points.record(shop, *same) for _ in range(CALLERS)))
    assert Counter((answer.accepted, answer.duplicates) for answer in answers) == {(2, 0): 1, (0, 2): CALLERS - 1}
    assert {tuple(map(str, earned(answer))) for answer in answers} == {("{'points': 60}", "{'points': 40}")}
    assert (await points.available(shop), await points.available(shop, "bob")) == (60, 40)
    assert len(await streams.told(shop, ActivityRecorded)) == 2


async def test_many_callers_with_one_id_and_different_bodies_record_one_of_them(points: Points, shop: str) -> None:
    amounts = range(1, CALLERS + 1)
    answers = await asyncio.gather(
        *(points.record(shop, purchase("contested", amount=amount)) for amount in amounts), return_exceptions=True
    )
    (recorded,) = [amount for amount, answer in zip(amounts, answers, strict=True) if not isinstance(answer, Exception)]
    assert sum(isinstance(answer, IdempotencyConflict) for answer in answers) == CALLERS - 1
    assert await points.available(shop) == recorded


async def test_many_callers_for_one_member_lose_nothing_and_are_told_in_the_order_of_the_ledger(
    points: Points, streams: Streams, shop: str
) -> None:
    await asyncio.gather(
        *(
            points.record(shop, *(purchase(f"{caller}-{place}", amount=caller + 1, minute=place) for place in range(3)))
            for caller in range(CALLERS)
        )
    )
    total = 3 * sum(range(1, CALLERS + 1))
    assert await points.wallets(shop, "ann") == {"points": (total, total), "gems": (0, 0)}
    told = await streams.told(shop, ActivityRecorded)
    assert len({event.activity.id for event in told}) == len(told) == 3 * CALLERS
    amounts = [event.earned[0].amount for event in told]
    assert [event.earned[0].balance for event in told] == list(accumulate(amounts))
    for caller in range(CALLERS):
        of_caller = [event.activity.id for event in told if event.activity.id.startswith(f"{caller}-")]
        assert of_caller == [f"{caller}-{place}" for place in range(3)]


# -- members ------------------------------------------------------------------


async def test_enrolling_again_changes_nothing_and_other_particulars_are_refused(points: Points, shop: str) -> None:
    first = await points.enrol(shop, "ann", "Ann")
    assert (first.enrolled, first.member.tier) == (True, "bronze")
    assert [wallet.currency for wallet in first.member.wallets] == ["points", "gems"]
    await points.record(shop, purchase("a", amount=10))
    again = await points.enrol(shop, "ann", "Ann")
    assert not again.enrolled
    assert again.member == await points.member(shop, "ann")
    assert again.member.enrolled_at == first.member.enrolled_at
    with pytest.raises(IdempotencyConflict):
        await points.enrol(shop, "ann", "Anna")
    assert (await points.member(shop, "ann")).display_name == "Ann"


async def test_a_member_who_joined_by_an_activity_may_say_a_name_later(points: Points, shop: str) -> None:
    await points.record(shop, purchase("a", amount=10))
    assert not (await points.enrol(shop, "ann", "Ann")).enrolled
    member = await points.member(shop, "ann")
    assert (member.display_name, member.enrolled_at.ToDatetime(tzinfo=UTC)) == ("Ann", NOON)


async def test_many_callers_enrol_a_member_once(points: Points, streams: Streams, shop: str) -> None:
    answers = await asyncio.gather(*(points.enrol(shop, "ann", "Ann") for _ in range(CALLERS)))
    assert sum(answer.enrolled for answer in answers) == 1
    assert len(await streams.told(shop, MemberEnrolled)) == 1


@pytest.mark.parametrize(
    ("member", "name", "field"),
    [
        ("", "", "member"),
        ("a b", "", "member"),
        ("me", "", "member"),
        ("_", "", "member"),
        ("a", "x" * 101, "display_name"),
    ],
)
async def test_a_malformed_member_is_refused(points: Points, shop: str, member: str, name: str, field: str) -> None:
    with pytest.raises(InvalidArgument) as refusal:
        await points.enrol(shop, member, name)
    assert fields_of(refusal.value) == [field]


async def test_an_unknown_member_is_told_so_by_every_read_and_by_a_spend(points: Points, shop: str) -> None:
    with pytest.raises(InvalidArgument):  # refused, so that the brand knows of the name and not of the member
        await points.record(shop, purchase("a", "eve", colour="red"))
    for ask in (points.member, points.wallets, points.page):
        with pytest.raises(NotFound) as refusal:
            await ask(shop, "eve")
        assert refusal.value.reason == "unknown_member"
    with pytest.raises(NotFound) as refusal:
        await points.spend(shop, "k", 1, member="eve")
    assert refusal.value.reason == "unknown_member"


async def test_a_member_sees_themselves_and_nobody_else(points: Points, shop: str) -> None:
    await points.record(shop, purchase("a", amount=10), purchase("b", "bob", amount=10))
    credential = {"subject": "ann", "scope": "member"}
    assert (await points.member(shop, "ann", **credential)).member == "ann"
    for ask in (points.member, points.wallets):
        with pytest.raises(NotFound) as refusal:
            await ask(shop, "bob", **credential)
        assert refusal.value.reason == "unknown_member"
    spend = pb.SpendRequest(member="bob", currency="points", amount=1, idempotency_key="k")
    with pytest.raises(NotFound):
        await points.call("Spend", spend, shop, **credential)
    assert await points.available(shop, "bob") == 10


# -- spends -------------------------------------------------------------------


async def test_a_spend_takes_what_it_says_and_is_an_entry(points: Points, shop: str) -> None:
    await points.record(shop, purchase("a", amount=100))
    before = datetime.now(UTC)
    spent = await points.spend(shop, "k", 30, reference="reward single")
    assert (spent.amount, spent.balance, spent.kind) == (-30, 70, pb.ENTRY_KIND_SPEND)
    assert (spent.currency, spent.reference) == ("points", "reward single")
    assert before <= spent.occurred_at.ToDatetime(tzinfo=UTC) <= datetime.now(UTC)
    assert (await points.statement(shop))[0] == spent
    assert await points.wallets(shop, "ann") == {"points": (70, 100), "gems": (0, 0)}


async def test_everything_can_be_spent_and_nothing_more(points: Points, shop: str) -> None:
    await points.record(shop, purchase("a", amount=100))
    with pytest.raises(FailedPrecondition, match="holds 100") as refusal:
        await points.spend(shop, "much", 101)
    assert refusal.value.reason == "insufficient_points"
    assert (await points.spend(shop, "all", 100)).balance == 0
    with pytest.raises(FailedPrecondition):
        await points.spend(shop, "more", 1)


async def test_a_refused_spend_leaves_its_key_free(points: Points, shop: str) -> None:
    await points.record(shop, purchase("a", amount=100))
    with pytest.raises(FailedPrecondition):
        await points.spend(shop, "k", 150)
    await points.record(shop, purchase("b", amount=100))
    assert (await points.spend(shop, "k", 150)).balance == 50


async def test_the_same_spend_under_its_key_is_answered_again_however_the_wallet_moved(
    points: Points, shop: str
) -> None:
    await points.record(shop, purchase("a", amount=100))
    first = await points.spend(shop, "k", 60, reference="r")
    await points.spend(shop, "other", 40)
    assert await points.spend(shop, "k", 60, reference="r") == first
    assert await points.available(shop) == 0


@pytest.mark.parametrize(
    "other", [{"amount": 11}, {"reference": "x"}, {"member": "bob"}, {"currency": "gems"}], ids=lambda other: min(other)
)
async def test_another_spend_under_a_used_key_is_refused(points: Points, shop: str, other: dict[str, Any]) -> None:
    await points.record(shop, purchase("a", amount=100), purchase("b", "bob", amount=100))
    await points.spend(shop, "k", 10)
    with pytest.raises(IdempotencyConflict) as refusal:
        await points.spend(shop, "k", **({"amount": 10} | other))
    assert refusal.value.reason == "idempotency_conflict"
    assert (await points.available(shop), await points.available(shop, "bob")) == (90, 100)


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"amount": 0}, "amount"),
        ({"amount": -1}, "amount"),
        ({"amount": 2**53}, "amount"),
        ({"reference": "x" * 201}, "reference"),
        ({"key": ""}, "idempotency_key"),
        ({"key": "a b"}, "idempotency_key"),
        ({"key": "x" * 129}, "idempotency_key"),
    ],
)
async def test_a_malformed_spend_is_refused(points: Points, shop: str, arguments: dict[str, Any], field: str) -> None:
    await points.record(shop, purchase("a", amount=100))
    with pytest.raises(InvalidArgument) as refusal:
        await points.spend(shop, **({"key": "k", "amount": 1} | arguments))
    assert fields_of(refusal.value) == [field]
    assert await points.available(shop) == 100


async def test_a_currency_that_the_programme_does_not_have_cannot_be_spent(points: Points, shop: str) -> None:
    await points.record(shop, purchase("a", amount=100))
    with pytest.raises(NotFound) as refusal:
        await points.spend(shop, "k", 1, currency="shells")
    assert refusal.value.reason == "unknown_currency"


async def test_many_callers_with_one_key_spend_once_and_get_the_same_answer(
    points: Points, streams: Streams, shop: str
) -> None:
    await points.record(shop, purchase("a", amount=100))
    answers = await asyncio.gather(*(points.spend(shop, "k", 30, reference="r") for _ in range(CALLERS)))
    assert all(answer == answers[0] for answer in answers)
    assert answers[0].id > 0
    assert await points.available(shop) == 70
    assert len(await streams.told(shop, PointsSpent)) == 1


async def test_equal_spends_that_are_decided_together_get_the_same_answer(points: Points, shop: str) -> None:
    await points.record(shop, purchase("a", amount=100))
    # Five callers for each of twenty keys, so that the batches that form hold some of them together.
    keys = [f"k{number // 5}" for number in range(100)]
    answers = await asyncio.gather(*(points.spend(shop, key, 3) for key in keys))
    told = {key: {answer.id for of, answer in zip(keys, answers, strict=True) if of == key} for key in keys}
    assert {key: ids for key, ids in told.items() if len(ids) > 1} == {}
    assert set().union(*told.values()) == {entry.id for entry in await points.statement(shop) if entry.amount < 0}


async def test_many_spends_on_one_wallet_succeed_as_far_as_it_reaches(points: Points, shop: str) -> None:
    await points.record(shop, purchase("a", amount=100))
    answers = await asyncio.gather(*(points.spend(shop, f"k{n}", 7) for n in range(CALLERS)), return_exceptions=True)
    spent = [answer for answer in answers if isinstance(answer, pb.Entry)]
    refused = [answer.reason for answer in answers if isinstance(answer, DomainError)]
    assert len(spent) == 100 // 7
    assert refused == ["insufficient_points"] * (CALLERS - 100 // 7)
    assert sorted(entry.balance for entry in spent) == list(range(2, 100, 7))
    assert await points.available(shop) == 100 % 7


async def test_spends_and_purchases_at_once_keep_the_books(points: Points, streams: Streams, shop: str) -> None:
    work = [points.record(shop, purchase(f"p{n}", f"m{n % 3}", amount=10)) for n in range(CALLERS)]
    work += [points.spend(shop, f"k{n}", 15, member=f"m{n % 3}") for n in range(CALLERS)]
    answers = await asyncio.gather(*work, return_exceptions=True)
    assert not [answer for answer in answers[:CALLERS] if isinstance(answer, Exception)]
    issued, spent = CALLERS * 10, 15 * sum(isinstance(answer, pb.Entry) for answer in answers)
    assert (await points.liability(shop))["points"] == (issued, spent, issued - spent)
    assert sum([await points.available(shop, f"m{n}") for n in range(3)]) == issued - spent
    told = await streams.told(shop, PointsSpent)
    assert 15 * len(told) == spent
    assert min((event.balance for event in told), default=0) >= 0


# -- statement ----------------------------------------------------------------


@pytest.mark.parametrize("page_size", [1, 7, 40, 41, 1_000])
async def test_a_statement_has_every_entry_once_and_the_newest_first(points: Points, shop: str, page_size: int) -> None:
    for place in range(20):
        await points.record(shop, purchase(f"p{place}", amount=10 + place), purchase(f"q{place}", "bob", amount=1))
        await points.spend(shop, f"k{place}", 5 + place)
    entries = await points.statement(shop, page_size=page_size)
    ids = [entry.id for entry in entries]
    assert ids == sorted(set(ids), reverse=True)
    assert [entry.amount for entry in reversed(entries)] == [
        amount for place in range(20) for amount in (10 + place, -5 - place)
    ]
    assert [entry.balance for entry in reversed(entries)] == list(accumulate(e.amount for e in reversed(entries)))


async def test_a_statement_spans_currencies(points: Points, streams: Streams, brand: str) -> None:
    await applied(points, streams, brand, rule("points", "2"), rule("gems", "3", currency="gems"))
    await points.record(brand, *(purchase(f"p{place}") for place in range(10)))
    await points.spend(brand, "k", 4, currency="gems")
    entries = await points.statement(brand, page_size=3)
    assert len(entries) == 21
    assert all(newer.id > older.id for newer, older in pairwise(entries))
    assert Counter(entry.currency for entry in entries) == {"points": 10, "gems": 11}
    assert {entry.reference for entry in entries[1:]} == {"points", "gems"}


async def test_pages_do_not_move_when_entries_are_added_between_them(points: Points, shop: str) -> None:
    await points.record(shop, *(purchase(f"p{place}", amount=place + 1) for place in range(10)))
    first = await points.page(shop, page_size=4)
    await points.record(shop, *(purchase(f"q{place}", amount=100) for place in range(10)))
    second = await points.page(shop, page_size=4, page_token=first.next_page_token)
    third = await points.page(shop, page_size=4, page_token=second.next_page_token)
    seen = [entry.amount for page in (first, second, third) for entry in page.entries]
    assert seen == list(range(10, 0, -1))
    assert third.next_page_token == ""


async def test_a_page_has_fifty_entries_unless_another_size_is_asked_for(points: Points, shop: str) -> None:
    await points.record(shop, *(purchase(f"p{place}") for place in range(51)))
    assert len((await points.page(shop)).entries) == 50


@pytest.mark.parametrize("page_size", [-1, 1_001])
async def test_a_page_size_out_of_bounds_is_refused(points: Points, shop: str, page_size: int) -> None:
    await points.record(shop, purchase("p"))
    with pytest.raises(InvalidArgument) as refusal:
        await points.page(shop, page_size=page_size)
    assert fields_of(refusal.value) == ["page_size"]


@pytest.mark.parametrize("page_token", ["x", "-1", "1.5", "9" * 30])
async def test_a_page_token_that_nobody_gave_is_refused(points: Points, shop: str, page_token: str) -> None:
    await points.record(shop, purchase("p"))
    with pytest.raises(InvalidArgument):
        await points.page(shop, page_token=page_token)


# -- tiers --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amount", "tier"),
    [(1, "bronze"), (199, "bronze"), (200, "silver"), (599, "silver"), (600, "gold"), (9_999, "gold")],
)
async def test_a_tier_begins_at_its_threshold(points: Points, shop: str, amount: int, tier: str) -> None:
    await points.record(shop, purchase("p", amount=amount))
    assert (await points.member(shop, "ann")).tier == tier


async def test_each_step_up_is_told_once_with_the_moment_of_its_cause(
    points: Points, streams: Streams, shop: str
) -> None:
    await points.record(shop, *(purchase(f"p{place}", amount=100, minute=place) for place in range(7)))
    await points.record(shop, purchase("far", "bob", amount=600, minute=30))
    await points.spend(shop, "k", 700)  # spending lowers no tier
    await points.record(shop, purchase("p9", amount=1))
    told = [
        (event.member, event.from_tier, event.to_tier, event.occurred_at.ToDatetime(tzinfo=UTC))
        for event in await streams.told(shop, TierChanged)
    ]
    assert [step for step in told if step[0] == "ann"] == [
        ("ann", "bronze", "silver", NOON + timedelta(minutes=1)),
        ("ann", "silver", "gold", NOON + timedelta(minutes=5)),
    ]
    assert [step for step in told if step[0] == "bob"] == [("bob", "bronze", "gold", NOON + timedelta(minutes=30))]
    assert (await points.member(shop, "ann")).tier == "gold"
    assert [event.tier for event in await streams.told(shop, ActivityRecorded) if event.activity.member == "ann"] == [
        *("bronze", "silver", "silver", "silver", "silver", "gold", "gold", "gold")
    ]


async def test_only_the_tiers_currency_counts(points: Points, streams: Streams, brand: str) -> None:
    await applied(points, streams, brand, rule("gems", "attributes.amount", currency="gems"))
    await points.record(brand, purchase("p", amount=5_000))
    assert (await points.member(brand, "ann")).tier == "bronze"


# -- credits of other services' events ----------------------------------------


@pytest.mark.parametrize(
    ("service", "event", "kind", "reference"),
    [
        ("missions", finished("ann", "five", 40), pb.ENTRY_KIND_MISSION, "five"),
        ("leaderboard", revealed("ann", "card-1", 40), pb.ENTRY_KIND_PRIZE, "card-1"),
    ],
    ids=["mission", "card"],
)
async def test_a_reward_or_prize_is_credited_once_also_when_delivered_five_times(
    points: Points, streams: Streams, shop: str, service: str, event: Any, kind: int, reference: str
) -> None:
    await points.record(shop, purchase("p", amount=170))
    await streams.publish(service, shop, event, times=5)
    await streams.publish(service, shop, event)  # again under another event's id: the key in the event holds
    last = {"missions": finished, "leaderboard": revealed}[service]("ann", "last", 1)
    await streams.publish(service, shop, last)  # one member's events are applied in order, so this is the end
    await eventually(lambda: points.available(shop), 211)
    newest, credit, purchased = await points.statement(shop)
    assert (newest.amount, purchased.amount) == (1, 170)
    assert (credit.amount, credit.balance, credit.kind, credit.reference) == (40, 210, kind, reference)
    assert credit.occurred_at.ToDatetime(tzinfo=UTC) == NOON
    told = await streams.told(shop, PointsCredited)
    assert [(event.amount, event.balance, event.kind, event.reference) for event in told] == [
        (40, 210, kind, reference),
        (1, 211, kind, "last"),
    ]
    assert [event.to_tier for event in await streams.told(shop, TierChanged)] == ["silver"]


async def test_what_pays_nothing_credits_nothing(points: Points, streams: Streams, shop: str) -> None:
    await points.record(shop, purchase("p", amount=10))
    await streams.publish("missions", shop, finished("ann", "honour"), finished("ann", "last", 1))
    await streams.publish("leaderboard", shop, revealed("ann", "blank"), revealed("ann", "last", 2))
    await eventually(lambda: points.available(shop), 13)
    assert len(await points.statement(shop)) == 3


async def test_one_mission_pays_each_member_and_one_member_each_mission(
    points: Points, streams: Streams, shop: str
) -> None:
    await points.record(shop, purchase("a", amount=1), purchase("b", "bob", amount=1))
    done = [finished(member, mission, 10) for member in ("ann", "bob") for mission in ("five", "ten")]
    await streams.publish("missions", shop, *done, times=2)
    await eventually(lambda: points.available(shop), 21)
    await eventually(lambda: points.available(shop, "bob"), 21)
    assert len(await streams.told(shop, PointsCredited)) == 4


async def test_credits_are_in_the_currency_that_they_say(points: Points, streams: Streams, shop: str) -> None:
    await points.record(shop, purchase("a", amount=1))
    await streams.publish("leaderboard", shop, revealed("ann", "card", 7, "gems"))
    await eventually(lambda: points.wallets(shop, "ann"), {"points": (1, 1), "gems": (7, 7)})


# -- programme ----------------------------------------------------------------


async def test_a_programme_is_recorded_once_and_answered_as_it_is(points: Points, streams: Streams, brand: str) -> None:
    streams.touched(brand)
    first, second = programme(name="One"), programme(name="Two")
    assert await points.apply(brand, first) == (1, True)
    assert await points.apply(brand, first) == (1, False)
    assert await points.apply(brand, second, expected=1) == (2, True)
    assert await points.apply(brand, second, expected=2) == (2, False)
    assert await points.apply(brand, first) == (3, True)
    found = await points.programme(brand)
    assert (found.version, found.programme) == (3, first)
    told = await streams.told(brand, ProgrammeApplied)
    assert [(event.version, event.programme.name) for event in told] == [(1, "One"), (2, "Two"), (3, "One")]


@pytest.mark.parametrize("expected", [1, 3])
async def test_a_writer_who_saw_another_version_is_told_so(points: Points, shop: str, expected: int) -> None:
    await points.apply(shop, programme(name="Two"))
    with pytest.raises(Aborted) as refusal:
        await points.apply(shop, programme(name="Three"), expected=expected)
    assert refusal.value.reason == "stale_version"
    assert (await points.programme(shop)).version == 2


async def test_ten_writers_who_saw_the_same_version_leave_one_of_theirs(
    points: Points, streams: Streams, shop: str
) -> None:
    answers = await asyncio.gather(
        *(points.apply(shop, programme(name=f"By {n}"), expected=1) for n in range(10)), return_exceptions=True
    )
    assert sorted(str(getattr(answer, "reason", answer)) for answer in answers) == [
        "(2, True)",
        *["stale_version"] * 9,
    ]
    assert [event.version for event in await streams.told(shop, ProgrammeApplied)] == [1, 2]


async def test_ten_writers_at_once_get_each_version_once(points: Points, streams: Streams, brand: str) -> None:
    streams.touched(brand)

    async def insist(name: str) -> int:
        while True:
            try:
                version, changed = await points.apply(brand, programme(name=name))
            except Aborted:
                continue
            assert changed
            return version

    versions = await asyncio.gather(*(insist(f"By {n}") for n in range(10)))
    assert sorted(versions) == list(range(1, 11))
    told = await streams.told(brand, ProgrammeApplied)
    assert {event.version: event.programme.name for event in told} == {
        version: f"By {n}" for n, version in enumerate(versions)
    }
    assert len(told) == 10


async def test_an_activity_is_judged_by_the_newest_version_and_tells_which(
    points: Points, streams: Streams, shop: str
) -> None:
    await points.record(shop, purchase("a", amount=5))
    await points.apply(shop, programme(rule("tenfold", "10 * attributes.amount")))
    assert earned(await points.record(shop, purchase("b", amount=5))) == [{"points": 50}]
    told = await streams.told(shop, ActivityRecorded)
    assert [(event.activity.id, event.programme_version) for event in told] == [("a", 1), ("b", 2)]


async def test_a_wrong_programme_is_refused_by_place_and_not_recorded(points: Points, shop: str) -> None:
    wrong = programme(rule("bad", "attributes.amonut", currency="shells"), rule("bad", "1"))
    with pytest.raises(InvalidArgument) as refusal:
        await points.apply(shop, wrong)
    named = ["points.earning_rules[0].amount", "points.earning_rules[0].currency", "points.earning_rules[1].id"]
    assert sorted(fields_of(refusal.value)) == named
    request = programme_pb2.ValidateProgrammeRequest(programme=wrong)
    problems = (await points.call("ValidateProgramme", request, shop)).problems
    assert sorted(problem.field for problem in problems) == named
    assert (await points.programme(shop)).version == 1


async def test_who_works_under_which_version_is_kept_and_never_goes_back(
    points: Points, streams: Streams, shop: str
) -> None:
    async def adoptions() -> dict[str, int]:
        return {adoption.service: adoption.version for adoption in (await points.programme(shop)).adoptions}

    assert await adoptions() == {"points": 1, "missions": 0, "leaderboard": 0, "recommender": 0}
    await points.apply(shop, programme(name="Two"))
    adopted = {service: ProgrammeAdopted(service=service, version=2) for service in ("missions", "leaderboard")}
    for service, event in adopted.items():
        await streams.publish(service, shop, event)
    await streams.publish("missions", shop, ProgrammeAdopted(service="missions", version=1))
    await streams.publish("recommender", shop, ProgrammeAdopted(service="recommender", version=1))
    await eventually(adoptions, {"points": 2, "missions": 2, "leaderboard": 2, "recommender": 1})


async def test_rewards_are_listed_from_the_cheapest_up(points: Points, shop: str) -> None:
    assert await points.rewards(shop) == ["ring", "single", "album"]


# -- brands -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "request_"),
    [
        ("RecordActivities", RecordActivitiesRequest(activities=[purchase("a")])),
        ("EnrolMember", pb.EnrolMemberRequest(member="ann")),
        ("GetMember", pb.GetMemberRequest(member="ann")),
        ("ListWallets", pb.ListWalletsRequest(member="ann")),
        ("Spend", pb.SpendRequest(member="ann", currency="points", amount=1, idempotency_key="k")),
        ("ListRewards", pb.ListRewardsRequest()),
        ("GetLiabilityReport", pb.GetLiabilityReportRequest()),
        ("GetMembersReport", pb.GetMembersReportRequest()),
        ("GetProgramme", programme_pb2.GetProgrammeRequest()),
    ],
)
async def test_a_brand_without_a_programme_is_unknown(points: Points, brand: str, method: str, request_: Any) -> None:
    with pytest.raises(NotFound) as refusal:
        await points.call(method, request_, brand)
    assert refusal.value.reason == "unknown_brand"


async def test_two_brands_share_nothing_but_the_service(points: Points, streams: Streams, shop: str) -> None:
    other = f"{shop}-other"
    await applied(points, streams, other, rule("flat", "3"))
    assert earned(await points.record(shop, purchase("same", amount=100))) == [{"points": 100}]
    with pytest.raises(NotFound):
        await points.member(other, "ann")
    # The same activity, key and card are other things there.
    assert earned(await points.record(other, purchase("same", amount=7))) == [{"points": 3}]
    assert (await points.spend(shop, "key", 60)).balance == 40
    assert (await points.spend(other, "key", 1)).balance == 2
    await streams.publish("leaderboard", other, revealed("ann", "card", 10))
    await eventually(lambda: points.available(other), 12)
    assert await points.available(shop) == 40
    assert await points.liability(shop) == {"points": (100, 60, 40), "gems": (0, 0, 0)}
    assert await points.liability(other) == {"points": (13, 1, 12), "gems": (0, 0, 0)}
    assert [event.amount for event in await streams.told(shop, PointsSpent)] == [60]
    assert [event.amount for event in await streams.told(other, PointsSpent)] == [1]
    token = (await points.page(other, page_size=1)).next_page_token
    assert token
    assert all(entry.amount in (100, -60) for entry in (await points.page(shop, page_token=token)).entries)


async def test_brands_work_side_by_side(points: Points, streams: Streams, shop: str) -> None:
    brands = [shop, *(f"{shop}-{n}" for n in range(4))]
    for other in brands[1:]:
        await applied(points, streams, other)
    await asyncio.gather(
        *(
            points.record(each, purchase(f"p{n}", amount=place + 1))
            for place, each in enumerate(brands)
            for n in range(20)
        )
    )
    assert [await points.available(each) for each in brands] == [20, 40, 60, 80, 100]


# -- what is told -------------------------------------------------------------


async def test_the_events_tell_what_happened_and_nothing_else(points: Points, streams: Streams, shop: str) -> None:
    await points.enrol(shop, "bob", "Bob")
    bought = purchase("p", amount=250, category="book")
    await points.record(shop, bought, visit("v", minute=1))
    await points.record(shop, bought)
    spent = await points.spend(shop, "k", 50, reference="reward single")
    await streams.publish("missions", shop, finished("ann", "five", 40))
    await eventually(lambda: points.available(shop), 240)
    with pytest.raises(FailedPrecondition):
        await points.spend(shop, "k2", 900)
    with pytest.raises(InvalidArgument):
        await points.record(shop, purchase("q", colour="red"))
    told = await streams.told(shop)
    assert Counter(type(event) for event in told) == {
        ProgrammeApplied: 1,
        ProgrammeAdopted: 1,
        MemberEnrolled: 1,
        TierChanged: 1,
        ActivityRecorded: 2,
        PointsSpent: 1,
        PointsCredited: 1,
    }
    of = {type(event): event for event in reversed(told)}
    assert of[MemberEnrolled].member == "bob"
    recorded, visited = [event for event in told if isinstance(event, ActivityRecorded)]
    assert recorded.activity == bought
    assert (recorded.programme_version, recorded.tier, recorded.enrolled) == (1, "silver", True)
    assert [(e.currency, e.amount, e.balance) for e in recorded.earned] == [("points", 250, 250)]
    assert (visited.activity.id, list(visited.earned), visited.enrolled, visited.tier) == ("v", [], False, "silver")
    assert of[PointsSpent] == PointsSpent(
        member="ann",
        currency="points",
        amount=50,
        balance=200,
        reference="reward single",
        occurred_at=spent.occurred_at,
    )
    credited = of[PointsCredited]
    assert (credited.member, credited.amount, credited.balance, credited.programme_version) == ("ann", 40, 240, 1)
    of_ann = [type(event) for event in told if getattr(event, "member", "") == "ann" or hasattr(event, "activity")]
    assert of_ann.index(PointsSpent) > of_ann.index(ActivityRecorded)
    assert of_ann[-1] is PointsCredited


async def test_reports_count_what_happened(points: Points, shop: str) -> None:
    await points.record(shop, purchase("a", amount=250), purchase("b", "bob", amount=10), visit("v", "eve"))
    await points.enrol(shop, "dan")
    await points.spend(shop, "k", 70)
    report = await points.members(shop)
    assert (report.members, report.activities) == (4, 3)
    assert [(row.tier, row.name, row.members) for row in report.tiers] == [
        ("bronze", "Bronze", 3),
        ("silver", "Silver", 1),
        ("gold", "Gold", 0),
    ]
    assert await points.liability(shop) == {"points": (260, 70, 190), "gems": (0, 0, 0)}
