"""Slots on the real servers: who is offered what within which bounds, what comes of it, who gets the plain order."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from chassis.errors import FailedPrecondition, IdempotencyConflict, InvalidArgument
from cli.embedded import Servers
from laurels.erasure.v1.events_pb2 import MemberErased
from laurels.leaderboard.v1.programme_pb2 import ScratchPool
from laurels.missions.v1.events_pb2 import MissionCompleted
from laurels.missions.v1.programme_pb2 import Mission
from laurels.points.v1 import rewards_pb2
from laurels.points.v1.rewards_events_pb2 import RedemptionChanged
from laurels.programme.v1.programme_pb2 import Programme
from laurels.recommender.v1 import programme_pb2 as section_pb2
from laurels.recommender.v1 import programme_slots_pb2 as slots_pb2
from laurels.recommender.v1 import recommender_pb2 as pb
from laurels.recommender.v1.events_pb2 import OutcomeRecorded
from laurels.value.v1.events_pb2 import GRANT_REASON_RECOMMENDATION, RewardGranted
from services.recommender.slots import share
from tests.conftest import running
from tests.integration.recommender_support import (
    Points,
    Recommender,
    applied,
    eventually,
    points_of,
    programme,
    purchase,
)


@pytest.fixture(scope="module")
async def points(servers: Servers) -> AsyncIterator[Points]:
    async with points_of(servers) as found:
        yield found


@pytest.fixture(scope="module")
async def recommender(
    servers: Servers, points: Points, settings_of: Callable[..., Any], token: Callable[..., str]
) -> AsyncIterator[Recommender]:
    async with running("recommender", settings_of("recommender")) as channel:
        yield Recommender(servers, channel, token)


Change = Callable[[section_pb2.Slot, Programme], None]


@pytest.fixture
def slot(recommender: Recommender, points: Points, brand: str) -> Callable[[Change], Any]:
    """Applies a programme whose slot `home` of four rewards a test changes; returns the brand."""

    async def apply(change: Change, version: int = 1) -> str:
        found = programme(home=4)
        found.missions.missions.add(id="walk", name="Walk")
        found.leaderboard.scratch_pools.append(ScratchPool(id="fun", name="Fun"))
        change(found.recommender.slots[0], found)
        request = Programme(
            activity_types=found.activity_types,
            points=found.points,
            recommender=found.recommender,
            missions=found.missions,
            leaderboard=found.leaderboard,
        )
        await recommender.settled(brand, await points.publish(brand, applied(request, version)))
        return brand

    return apply


async def offered(recommender: Recommender, brand: str, member: str = "m1", count: int = 10) -> list[str]:
    return [choice.reward for choice in await recommender.recommend(brand, member, count=count)]


def only(found: section_pb2.Slot, *rewards: str) -> None:
    del found.rewards[:]
    found.rewards.extend(rewards)


# -- what may be offered ------------------------------------------------------


async def test_rewards_missions_cards_and_messages_are_offered(recommender: Recommender, slot: Any) -> None:
    def change(home: section_pb2.Slot, _: Programme) -> None:
        only(home, "r0")
        home.choices.add(id="tour", mission="walk")
        home.choices.add(id="luck", scratch_card="fun")
        home.choices.add(id="hint", message="Try our tea.")
        home.choices.add(id="again", reward="r1")

    brand = await slot(change)
    found = {choice.reward: choice for choice in await recommender.recommend(brand, count=10)}
    assert {name: choice.WhichOneof("kind") for name, choice in found.items()} == {
        "r0": "catalogue_reward",
        "tour": "mission",
        "luck": "scratch_card",
        "hint": "message",
        "again": "catalogue_reward",
    }
    assert (found["tour"].mission, found["again"].catalogue_reward) == ("walk", "r1")
    assert found["hint"].message == "Try our tea."


async def test_only_who_is_eligible_is_offered_something(recommender: Recommender, points: Points, slot: Any) -> None:
    def change(home: section_pb2.Slot, _: Programme) -> None:
        only(home, "r0")
        home.eligibility = "member.id != 'nobody'"
        home.choices.add(id="gold", reward="r1", eligibility="member.tier == 'silver' && member.activities >= 2")

    brand = await slot(change)
    seen = [purchase("m2", day, tier="silver") for day in range(2)]
    await recommender.settled(brand, await points.publish(brand, *seen))
    assert await offered(recommender, brand, "nobody") == []
    assert await offered(recommender, brand, "m1") == ["r0"]
    assert set(await offered(recommender, brand, "m2")) == {"r0", "gold"}


async def test_an_answer_has_so_many_of_a_category_and_in_all(recommender: Recommender, slot: Any) -> None:
    def change(home: section_pb2.Slot, _: Programme) -> None:
        only(home)
        for number in range(4):
            home.choices.add(id=f"tea{number}", reward="r0", category="tea")
        home.choices.add(id="mug", reward="r1", category="mugs")
        home.choices.add(id="any", reward="r2")
        home.category_max, home.count_max = 1, 3

    brand = await slot(change)
    for _ in range(5):
        found = await offered(recommender, brand)
        assert len(found) == 3
        assert sum(name.startswith("tea") for name in found) == 1


# -- budgets and caps ---------------------------------------------------------


async def test_a_budget_is_never_exceeded_by_fifty_callers_of_two_replicas_at_once(
    recommender: Recommender, servers: Servers, slot: Any, settings_of: Callable[..., Any], token: Callable[..., str]
) -> None:
    def change(home: section_pb2.Slot, _: Programme) -> None:
        only(home)
        home.choices.add(id="dear", reward="r0", cost=30)
        home.choices.add(id="cheap", reward="r1", cost=7)
        home.budget.per, home.budget.value = slots_pb2.SLOT_PERIOD_EVER, 200

    brand = await slot(change)
    async with running("recommender", settings_of("recommender")) as channel:
        replica = Recommender(servers, channel, token)
        answers = await asyncio.gather(
            *((recommender, replica)[number % 2].recommend(brand, f"m{number}") for number in range(50))
        )
    costs = {"dear": 30, "cheap": 7}
    spent = sum(costs[choice.reward] for answer in answers for choice in answer)
    assert 200 - 7 < spent <= 200
    (row,) = await recommender.fetch("SELECT name, value FROM slot_counters WHERE brand = $1", brand)
    assert (row["name"], row["value"]) == ("value:slot:home", spent)
    report = await recommender.call("GetRecommendationsReport", pb.GetRecommendationsReportRequest(), brand)
    (budget,) = report.slots[0].budgets
    assert (budget.choice, budget.is_value, budget.most, budget.spent) == ("", True, 200, spent)


async def test_what_nothing_comes_of_is_given_back_and_what_is_accepted_stays_spent(
    recommender: Recommender, slot: Any
) -> None:
    def change(home: section_pb2.Slot, _: Programme) -> None:
        only(home)
        choice = home.choices.add(id="one", reward="r0")
        choice.budget.per, choice.budget.count = slots_pb2.SLOT_PERIOD_DAY, 1

    brand = await slot(change)
    (first,) = await recommender.recommend(brand, "m1")
    assert await offered(recommender, brand, "m2") == []
    assert await recommender.record(brand, first.decision, 0.0)
    assert not await recommender.record(brand, first.decision, 0.0), "twice gives back once"
    (second,) = await recommender.recommend(brand, "m2")
    await recommender.record(brand, second.decision, 1.0)
    assert await offered(recommender, brand, "m3") == []


async def test_a_member_is_offered_something_only_so_often(recommender: Recommender, slot: Any) -> None:
    def change(home: section_pb2.Slot, _: Programme) -> None:
        only(home, "r0")
        home.choices.add(id="rare", reward="r1").caps.add(per=slots_pb2.SLOT_PERIOD_EVER, most=1)
        home.caps.add(per=slots_pb2.SLOT_PERIOD_DAY, most=4)

    brand = await slot(change)
    answers = await asyncio.gather(*(offered(recommender, brand, "m1", count=2) for _ in range(10)))
    names = [name for answer in answers for name in answer]
    assert (len(names), names.count("rare")) == (4, 1)
    assert len(await offered(recommender, brand, "m2", count=2)) == 2


# -- who is chosen for --------------------------------------------------------


async def test_the_control_group_stays_the_same_and_gets_the_plain_order(
    recommender: Recommender, points: Points, slot: Any
) -> None:
    brand = await slot(lambda _, found: setattr(found.recommender, "control_share", 0.3))
    members = [f"m{number}" for number in range(60)]

    async def control() -> set[str]:
        await asyncio.gather(*(recommender.recommend(brand, member, count=2) for member in members))
        rows = await recommender.fetch(
            "SELECT DISTINCT member FROM decisions WHERE brand = $1 AND basis = 'control'", brand
        )
        return {row["member"] for row in rows}

    first = await control()
    assert first == {member for member in members if share(brand, member, "control") < 0.3}
    assert 5 < len(first) < 35
    assert await control() == first
    one = min(first)
    for _ in range(5):
        choices = await recommender.recommend(brand, one, count=3)
        assert [(choice.reward, choice.propensity) for choice in choices] == [("r0", 1.0), ("r1", 1.0), ("r2", 1.0)]
    # A larger group has the smaller one in it.
    await slot(lambda _, found: setattr(found.recommender, "control_share", 0.6), 2)
    assert first < await control()


async def test_in_shadow_everybody_gets_the_plain_order_and_the_choice_is_written_down(
    recommender: Recommender, slot: Any
) -> None:
    brand = await slot(lambda home, _: setattr(home, "mode", slots_pb2.SLOT_MODE_SHADOW))
    for number in range(10):
        assert await offered(recommender, brand, f"m{number}", count=2) == ["r0", "r1"]
    rows = await recommender.fetch(
        "SELECT basis, propensity, intended, intended_propensity FROM decisions WHERE brand = $1 AND place = 0", brand
    )
    assert {(row["basis"], row["propensity"]) for row in rows} == {("order", 1.0)}
    assert [row["intended_propensity"] for row in rows] == [pytest.approx(0.25)] * 10
    assert len({row["intended"] for row in rows}) > 1


async def test_a_trial_chooses_for_the_same_share_of_members_each_time(recommender: Recommender, slot: Any) -> None:
    def change(home: section_pb2.Slot, _: Programme) -> None:
        home.mode, home.trial_share = slots_pb2.SLOT_MODE_TRIAL, 0.5

    brand = await slot(change)
    for _ in range(2):
        await asyncio.gather(*(recommender.recommend(brand, f"m{number}") for number in range(40)))
    rows = await recommender.fetch(
        "SELECT member, array_agg(DISTINCT basis) AS bases FROM decisions WHERE brand = $1 GROUP BY member", brand
    )
    bases = {row["member"]: row["bases"] for row in rows}
    assert all(len(found) == 1 for found in bases.values())
    chosen = {member for member, found in bases.items() if found == ["policy"]}
    assert chosen == {member for member in bases if share(brand, member, "trial:home") < 0.5}
    assert 5 < len(chosen) < 35


# -- outcomes -----------------------------------------------------------------


async def test_what_is_not_heard_of_in_time_counts_as_none_and_a_late_word_changes_nothing(
    recommender: Recommender, points: Points, slot: Any
) -> None:
    brand = await slot(lambda home, _: setattr(home.outcome, "within_seconds", 1))
    (choice,) = await recommender.recommend(brand)

    async def defaulted() -> Any:
        return await recommender.fetch("SELECT value, defaulted, lesson FROM outcomes WHERE brand = $1", brand)

    (row,) = await eventually(defaulted)
    assert (row["value"], row["defaulted"], row["lesson"]) == (0.0, True, 1)
    request = pb.RecordOutcomeRequest(decision=choice.decision, value=1.0)
    for _ in range(2):
        answer = await recommender.call("RecordOutcome", request, brand)
        assert (answer.recorded, answer.late) == (False, True)
    with pytest.raises(IdempotencyConflict):
        await recommender.record(brand, choice.decision, 0.5)
    rows = await recommender.fetch("SELECT value FROM late_outcomes WHERE brand = $1", brand)
    assert [late["value"] for late in rows] == [1.0]
    assert await defaulted() == [row], "the default stands"
    assert [lesson.value for lesson in await recommender.lessons(brand, "home")] == [0.0]
    report = await recommender.call("GetRecommendationsReport", pb.GetRecommendationsReportRequest(), brand)
    assert (report.slots[0].late_outcomes, report.slots[0].mean_value) == (1, 0.0)

    async def told() -> bool:
        return [(each.value, each.defaulted) for each in await points.told(brand, OutcomeRecorded)] == [(0.0, True)]

    await eventually(told)


async def test_an_activity_is_the_outcome_of_the_newest_open_decision_with_its_value(
    recommender: Recommender, points: Points, slot: Any
) -> None:
    def change(home: section_pb2.Slot, _: Programme) -> None:
        counted = home.outcome.activity
        counted.activity_type, counted.condition, counted.value = (
            "purchase", "attributes.amount >= 10", "attributes.amount",
        )  # fmt: skip
        home.outcome.value_most = 200

    brand = await slot(change)
    (older,) = await recommender.recommend(brand, "m1")
    (newer,) = await recommender.recommend(brand, "m1")
    (others,) = await recommender.recommend(brand, "m2")
    with pytest.raises(FailedPrecondition) as refused:
        await recommender.record(brand, others.decision, 1.0)
    assert refused.value.reason == "outcome_not_reported"
    moment = (await recommender.fetch("SELECT now() AS now"))[0]["now"]

    async def buys(name: str, amount: int) -> None:
        told = purchase("m1", amount=amount)
        told.activity.id = name
        told.activity.occurred_at.FromDatetime(moment)
        await recommender.settled(brand, await points.publish(brand, told, times=2))

    async def outcomes() -> dict[str, tuple[float, float, str]]:
        rows = await recommender.fetch("SELECT decision, value, scaled, cause FROM outcomes WHERE brand = $1", brand)
        return {row["decision"]: (row["value"], row["scaled"], row["cause"]) for row in rows}

    await buys("little", 9)
    assert await outcomes() == {}
    await buys("first", 50)
    assert await outcomes() == {newer.decision: (50.0, 0.25, "first")}
    await buys("second", 900)
    assert (await outcomes())[older.decision] == (200.0, 1.0, "second")
    await buys("third", 50)
    assert len(await outcomes()) == 2


async def test_an_activity_before_the_decision_is_none_of_its_outcomes(
    recommender: Recommender, points: Points, slot: Any
) -> None:
    brand = await slot(lambda home, _: setattr(home.outcome.activity, "activity_type", "purchase"))
    await recommender.recommend(brand, "m1")
    await recommender.settled(brand, await points.publish(brand, purchase("m1", amount=50)))
    assert await recommender.fetch("SELECT FROM outcomes WHERE brand = $1", brand) == []


async def test_redeeming_what_was_recommended_is_its_outcome_once(
    recommender: Recommender, points: Points, slot: Any
) -> None:
    def change(home: section_pb2.Slot, _: Programme) -> None:
        home.outcome.redemption.SetInParent()
        only(home, "r1")

    brand = await slot(change)
    first, second = [(await recommender.recommend(brand, "m1"))[0] for _ in range(2)]
    now = (await recommender.fetch("SELECT now() AS now"))[0]["now"]

    def redeemed(reward: str, state: int, later: int = 0) -> RedemptionChanged:
        told = RedemptionChanged(member="m1")
        told.redemption.redemption, told.redemption.reward, told.redemption.state = "x1", reward, state  # type: ignore[assignment]
        told.redemption.redeemed_at.FromDatetime(now)
        told.redemption.changed_at.FromDatetime(now)
        told.redemption.changed_at.seconds += later
        return told

    told = [
        redeemed("r2", rewards_pb2.REDEMPTION_STATE_ISSUED),
        redeemed("r1", rewards_pb2.REDEMPTION_STATE_RESERVED),
        redeemed("r1", rewards_pb2.REDEMPTION_STATE_ISSUED, later=1),
        redeemed("r1", rewards_pb2.REDEMPTION_STATE_FULFILLED, later=2),
    ]
    await recommender.settled(brand, await points.publish(brand, *told))
    rows = await recommender.fetch("SELECT decision, value FROM outcomes WHERE brand = $1", brand)
    assert [(row["decision"], row["value"]) for row in rows] == [(second.decision, 1.0)]
    assert first.decision != second.decision


async def test_finishing_the_mission_that_was_recommended_is_its_outcome(
    recommender: Recommender, points: Points, slot: Any
) -> None:
    def change(home: section_pb2.Slot, found: Programme) -> None:
        only(home)
        found.missions.missions.append(Mission(id="run", name="Run"))
        home.choices.add(id="tour", mission="walk")
        home.outcome.mission.SetInParent()

    brand = await slot(change)
    (choice,) = await recommender.recommend(brand, "m1")
    now = (await recommender.fetch("SELECT now() AS now"))[0]["now"]
    for mission, known in (("run", []), ("walk", [(choice.decision, 1.0)])):
        told = MissionCompleted(member="m1", mission=mission)
        told.completed_at.FromDatetime(now)
        ids = await points.publish(brand, told, source="missions", times=2)
        await recommender.settled(brand, ids, "missions")
        rows = await recommender.fetch("SELECT decision, value FROM outcomes WHERE brand = $1", brand)
        assert [(row["decision"], row["value"]) for row in rows] == known


async def test_what_is_accepted_is_granted_once_where_the_programme_says_so(
    recommender: Recommender, points: Points, slot: Any
) -> None:
    def change(home: section_pb2.Slot, _: Programme) -> None:
        only(home, "r1")
        home.choices.add(id="gift", reward="r0", granted=True)

    brand = await slot(change)
    found = {choice.reward: choice for choice in await recommender.recommend(brand, count=2)}
    again = {choice.reward: choice for choice in await recommender.recommend(brand, count=2)}
    decision = found["gift"].decision
    await asyncio.gather(*(recommender.record(brand, decision, 1.0) for _ in range(10)))
    await recommender.record(brand, found["r1"].decision, 1.0)
    await recommender.record(brand, again["gift"].decision, 0.0)

    async def told() -> Any:
        return await points.told(brand, RewardGranted)

    (granted,) = await eventually(told)
    assert (granted.key, granted.member) == (f"recommendation:{decision}", "m1")
    assert (granted.grants[0].reward, granted.reason) == ("r0", GRANT_REASON_RECOMMENDATION)


# -- the report, erasure ------------------------------------------------------


async def test_the_report_says_what_choosing_gains_with_its_interval(recommender: Recommender, slot: Any) -> None:
    brand = await slot(lambda _, found: setattr(found.recommender, "control_share", 0.5))
    answers = await asyncio.gather(*(recommender.recommend(brand, f"m{number}") for number in range(60)))
    control = [share(brand, f"m{number}", "control") < 0.5 for number in range(60)]
    for number, ((choice,), is_control) in enumerate(zip(answers, control, strict=True)):
        await recommender.record(brand, choice.decision, float(number % 4 == 0 if is_control else number % 4 != 0))
    report = await recommender.call("GetRecommendationsReport", pb.GetRecommendationsReportRequest(), brand)
    (row,) = report.slots
    expected = [float(n % 4 != 0) for n in range(60) if not control[n]]
    others = [float(n % 4 == 0) for n in range(60) if control[n]]
    assert (row.decisions, row.outcomes, row.control_outcomes) == (len(expected), len(expected), len(others))
    assert row.rate == row.mean_value == pytest.approx(sum(expected) / len(expected))
    assert row.gain.value == pytest.approx(sum(expected) / len(expected) - sum(others) / len(others))
    assert row.gain.low < row.gain.value < row.gain.high
    assert row.gain.low > 0
    assert sum(choice.share for choice in row.choices) == pytest.approx(1.0)
    assert sum(choice.decisions for choice in row.choices) == row.decisions


async def test_erasing_a_member_gives_back_what_was_open_and_forgets_how_often(
    recommender: Recommender, points: Points, slot: Any
) -> None:
    def change(home: section_pb2.Slot, _: Programme) -> None:
        home.budget.per, home.budget.count = slots_pb2.SLOT_PERIOD_EVER, 10
        home.caps.add(per=slots_pb2.SLOT_PERIOD_EVER, most=5)

    brand = await slot(change)
    choices = await recommender.recommend(brand, "m1", count=3)
    await recommender.record(brand, choices[0].decision, 1.0)
    await recommender.recommend(brand, "m2")
    erased = MemberErased(member="m1", alias="!alias", erasure="e1")
    await recommender.settled(brand, await points.publish(brand, erased))
    query = "SELECT owner, value FROM slot_counters WHERE brand = $1 ORDER BY owner"
    assert [tuple(row) for row in await recommender.fetch(query, brand)] == [("", 2), ("m2", 1)]
    rows = await recommender.fetch("SELECT member FROM pending WHERE brand = $1", brand)
    assert [row["member"] for row in rows] == ["m2"]
    rows = await recommender.fetch("SELECT member FROM decisions WHERE brand = $1 AND member <> 'm2'", brand)
    assert [row["member"] for row in rows] == ["!alias"]
    await recommender.fetch("DELETE FROM erasing WHERE brand = $1", brand)


# -- refusals -----------------------------------------------------------------


async def test_a_value_past_what_the_slot_has_at_most_is_refused(recommender: Recommender, slot: Any) -> None:
    brand = await slot(lambda home, _: setattr(home.outcome, "value_most", 50.0))
    (choice,) = await recommender.recommend(brand)
    with pytest.raises(InvalidArgument):
        await recommender.record(brand, choice.decision, 50.5)
    assert await recommender.record(brand, choice.decision, 25.0)
    assert [lesson.value for lesson in await recommender.lessons(brand, "home")] == [0.5]
