"""The recommender service on the real servers: events in, decisions and outcomes through gRPC, models in PostgreSQL."""

import asyncio
import math
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import UTC
from typing import Any

import asyncpg
import pytest

from chassis.errors import DomainError, IdempotencyConflict, InvalidArgument, NotFound, PermissionDenied
from cli.embedded import Servers
from laurels.points.v1.events_pb2 import TierChanged
from laurels.programme.v1 import programme_pb2
from laurels.programme.v1.events_pb2 import ProgrammeAdopted
from laurels.recommender.v1 import recommender_pb2 as pb
from laurels.recommender.v1.events_pb2 import OutcomeRecorded, RecommendationMade
from services.recommender import tables
from services.recommender.features import FEATURES, NOTHING
from tests.conftest import running
from tests.integration.recommender_support import (
    NOON,
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


@pytest.fixture
async def home(recommender: Recommender, points: Points, brand: str) -> str:
    """A brand with a slot `home` of four rewards and a slot `cart` of two."""
    await recommender.settled(brand, await points.publish(brand, applied(programme(home=4, cart=2))))
    return brand


# -- profiles ---------------------------------------------------------------


async def test_a_profile_counts_each_activity_once_also_when_delivered_twice(
    recommender: Recommender, points: Points, home: str
) -> None:
    found = [purchase("m1", day, amount=100 + day, tier="bronze") for day in range(5)]
    await recommender.settled(home, await points.publish(home, *found, times=2))
    profile = await recommender.profile(home, "m1")
    assert (profile.activities, profile.amount, profile.tier) == (5, 510, "bronze")
    assert profile.first_at.ToDatetime(tzinfo=UTC) == NOON
    assert (profile.last_at.ToDatetime(tzinfo=UTC) - NOON).days == 4


async def test_a_profile_does_not_depend_on_the_order_of_arrival(
    recommender: Recommender, points: Points, home: str
) -> None:
    for member, backwards in (("forth", False), ("back", True)):
        found = [
            purchase(member, 9, amount=5, tier="bronze"),
            purchase(member, 2, amount=-3, tier="silver"),
            TierChanged(member=member, from_tier="silver", to_tier="bronze"),
        ]
        await recommender.settled(home, await points.publish(home, *found, backwards=backwards))
    forth, back = [await recommender.profile(home, member) for member in ("forth", "back")]
    back.member = "forth"
    assert forth == back
    assert (forth.activities, forth.amount, forth.tier) == (2, 2, "bronze")


async def test_activities_wait_for_the_programme_that_they_were_judged_under(
    recommender: Recommender, points: Points, brand: str
) -> None:
    await points.publish(brand, purchase("m1", amount=7))
    await asyncio.sleep(0.3)
    with pytest.raises(NotFound, match="m1"):
        await recommender.profile(brand, "m1")
    await points.publish(brand, applied(programme(home=2)))

    async def known() -> bool:
        return bool(await recommender.fetch("SELECT FROM profiles WHERE brand = $1 AND amount = 7", brand))

    await eventually(known)
    assert not await recommender.fetch("SELECT FROM dead_letters WHERE brand = $1", brand)


async def test_only_amounts_declared_as_whole_numbers_add_up(
    recommender: Recommender, points: Points, home: str
) -> None:
    found = [purchase("m1", 0, amount=10), purchase("m1", 1, type_name="weighing", amount=12.0), purchase("m1", 2)]
    await recommender.settled(home, await points.publish(home, *found))
    profile = await recommender.profile(home, "m1")
    assert (profile.activities, profile.amount) == (3, 10)


async def test_amounts_past_every_bound_stop_nothing(recommender: Recommender, points: Points, home: str) -> None:
    """1,100 of the largest amounts are more than 64 bits hold; what is told stops at 2^53 - 1."""
    found = [purchase("m1", day, amount=2**53 - 1) for day in range(1_100)]
    await recommender.settled(home, await points.publish(home, *found))
    profile = await recommender.profile(home, "m1")
    assert (profile.activities, profile.amount) == (1_100, 2**53 - 1)
    assert len(await recommender.recommend(home, "m1")) == 1


async def test_a_new_version_of_the_programme_is_adopted_and_told(
    recommender: Recommender, points: Points, home: str
) -> None:
    await recommender.settled(home, await points.publish(home, applied(programme(other=1), version=2)))
    assert [choice.reward for choice in await recommender.recommend(home, slot="other")] == ["r0"]
    with pytest.raises(NotFound, match="home"):
        await recommender.recommend(home, slot="home")

    async def told() -> bool:
        adopted = [(a.service, a.version) for a in await points.told(home, ProgrammeAdopted)]
        return adopted == [("recommender", 1), ("recommender", 2)]

    await eventually(told)


# -- recommendations --------------------------------------------------------


async def test_a_decision_is_stored_with_all_it_was_made_on(
    recommender: Recommender, points: Points, home: str
) -> None:
    await recommender.settled(home, await points.publish(home, purchase("m1", amount=500, tier="silver")))
    choices = await recommender.recommend(home, "m1", count=3)
    rows = await recommender.fetch("SELECT * FROM decisions WHERE brand = $1 ORDER BY place", home)
    assert [(r["decision"], r["choice"], r["propensity"]) for r in rows] == [
        (c.decision, c.reward, c.propensity) for c in choices
    ]
    assert {(r["member"], r["slot"], r["programme_version"], r["lessons"]) for r in rows} == {("m1", "home", 1, 0)}
    features = dict(zip(FEATURES, rows[0]["features"], strict=True))
    assert features["constant"] == features["tier_1"] == 1.0
    assert features["amount"] == pytest.approx(math.log1p(500) / 12)
    assert features["recency"] > 0
    assert len({c.reward for c in choices}) == 3
    assert all(c.reason.endswith(".") for c in choices)


async def test_a_member_never_seen_gets_a_recommendation(recommender: Recommender, home: str) -> None:
    (choice,) = await recommender.recommend(home, "nobody")
    assert choice.reward in {"r0", "r1", "r2", "r3"}
    # Nothing is known yet, so that all four are equally likely.
    assert choice.propensity == pytest.approx(0.25)
    assert "you" not in choice.reason


async def test_there_are_never_more_choices_than_rewards(recommender: Recommender, home: str) -> None:
    choices = await recommender.recommend(home, slot="cart", count=10)
    assert {choice.reward for choice in choices} == {"r0", "r1"}
    assert choices[-1].propensity == 1.0


async def test_many_members_at_once_each_get_their_own_decision(recommender: Recommender, home: str) -> None:
    answers = await asyncio.gather(*(recommender.recommend(home, f"m{number}", count=2) for number in range(200)))
    decisions = [choice.decision for answer in answers for choice in answer]
    rows = await recommender.fetch("SELECT decision, member FROM decisions WHERE brand = $1", home)
    assert len(set(decisions)) == 400
    assert {row["decision"] for row in rows} == set(decisions)
    assert set(Counter(row["member"] for row in rows).values()) == {2}


async def test_bad_requests_are_told_what_is_wrong(recommender: Recommender, home: str, brand: str) -> None:
    for count in (-1, 11):
        with pytest.raises(InvalidArgument) as refused:
            await recommender.recommend(home, count=count)
        assert [violation.field for violation in refused.value.violations] == ["count"]
    with pytest.raises(InvalidArgument, match="member"):
        await recommender.recommend(home, "no spaces")
    with pytest.raises(NotFound) as unknown:
        await recommender.recommend(home, slot="nowhere")
    assert unknown.value.reason == "unknown_slot"
    with pytest.raises(NotFound) as foreign:
        await recommender.recommend(f"{brand}-new")
    assert foreign.value.reason == "unknown_brand"
    with pytest.raises(NotFound) as unreported:
        await recommender.report(f"{brand}-new")
    assert unreported.value.reason == "unknown_brand"


# -- outcomes ---------------------------------------------------------------


async def test_an_outcome_is_the_next_of_its_slots_stream(recommender: Recommender, home: str) -> None:
    (choice,) = await recommender.recommend(home)
    assert await recommender.record(home, choice.decision, 0.75)
    (lesson,) = await recommender.lessons(home, "home")
    assert (lesson.number, lesson.choice, lesson.value) == (1, choice.reward, 0.75)
    assert tuple(lesson.features) == NOTHING
    assert (await recommender.head(home, "home"))["lessons"] == 1


async def test_the_same_outcome_again_changes_nothing_and_another_is_refused(
    recommender: Recommender, home: str
) -> None:
    (choice,) = await recommender.recommend(home)
    assert await recommender.record(home, choice.decision, 1.0)
    assert not await recommender.record(home, choice.decision, 1.0)
    with pytest.raises(IdempotencyConflict) as conflict:
        await recommender.record(home, choice.decision, 0.0)
    assert conflict.value.reason == "idempotency_conflict"
    assert (await recommender.head(home, "home"))["lessons"] == 1


async def test_twenty_callers_at_once_record_an_outcome_once(recommender: Recommender, home: str) -> None:
    (choice,) = await recommender.recommend(home)
    answers = await asyncio.gather(*(recommender.record(home, choice.decision, 1.0) for _ in range(20)))
    assert sum(answers) == 1
    assert (await recommender.head(home, "home"))["lessons"] == 1
    assert len(await recommender.lessons(home, "home")) == 1


async def test_of_outcomes_at_once_that_disagree_one_stays(recommender: Recommender, home: str) -> None:
    (choice,) = await recommender.recommend(home)
    answers = await asyncio.gather(
        *(recommender.record(home, choice.decision, number / 20) for number in range(20)), return_exceptions=True
    )
    assert sum(answer is True for answer in answers) == 1
    assert sum(isinstance(answer, IdempotencyConflict) for answer in answers) == 19
    rows = await recommender.fetch("SELECT value, lesson FROM outcomes WHERE brand = $1", home)
    assert [(row["value"], row["lesson"]) for row in rows] == [(answers.index(True) / 20, 1)]


@pytest.mark.parametrize("value", [-0.01, math.nan, math.inf, -math.inf])
async def test_a_value_that_is_none_is_refused(recommender: Recommender, brand: str, value: float) -> None:
    with pytest.raises(InvalidArgument) as refused:
        await recommender.record(brand, "0" * 32, value)
    assert [violation.field for violation in refused.value.violations] == ["value"]


async def test_a_value_past_the_slots_most_is_refused(recommender: Recommender, home: str) -> None:
    (choice,) = await recommender.recommend(home)
    with pytest.raises(InvalidArgument) as refused:
        await recommender.record(home, choice.decision, 1.01)
    assert [violation.field for violation in refused.value.violations] == ["value"]
    assert await recommender.record(home, choice.decision, 1.0)


@pytest.mark.parametrize("decision", ["", "0" * 32, "x\x00y", "'; --", "F" * 32])
async def test_an_unknown_decision_is_not_found(recommender: Recommender, home: str, decision: str) -> None:
    with pytest.raises(NotFound) as unknown:
        await recommender.record(home, decision, 1.0)
    assert unknown.value.reason == "unknown_decision"


async def test_what_happened_is_told_to_others(recommender: Recommender, points: Points, home: str) -> None:
    choices = await recommender.recommend(home, count=2)
    await recommender.record(home, choices[1].decision, 0.5)

    async def told() -> bool:
        made = await points.told(home, RecommendationMade)
        outcomes = await points.told(home, OutcomeRecorded)
        return [(m.decision, m.reward, m.propensity) for m in made] == [
            (c.decision, c.reward, c.propensity) for c in choices
        ] and [(o.decision, o.reward, o.value, o.member) for o in outcomes] == [
            (choices[1].decision, choices[1].reward, 0.5, "m1")
        ]

    await eventually(told)


async def test_the_report_shows_every_reward_in_the_programmes_order(recommender: Recommender, home: str) -> None:
    both = await recommender.recommend(home, slot="cart", count=2)
    for choice, value in zip(both, (1.0, 0.5), strict=True):
        await recommender.record(home, choice.decision, value)
    (again,) = await recommender.recommend(home, slot="cart")
    values = {choice.reward: value for choice, value in zip(both, (1.0, 0.5), strict=True)}
    assert await recommender.report(home) == [
        *[("home", f"r{number}", 0, 0, 0.0) for number in range(4)],
        *[("cart", r, 1 + (r == again.reward), 1, values[r]) for r in ("r0", "r1")],
    ]


# -- replicas and restarts --------------------------------------------------


async def test_a_restart_keeps_what_was_learnt(
    recommender: Recommender,
    servers: Servers,
    home: str,
    settings_of: Callable[..., Any],
    token: Callable[..., str],
) -> None:
    """The second process begins with an empty memory, and decides on the models of the first."""
    for _ in range(10):
        for choice in await recommender.recommend(home, slot="cart", count=2):
            await recommender.record(home, choice.decision, float(choice.reward == "r0"))
    slot = {"member": "nobody", "slot": "cart", "count": 2}
    async with running("recommender", settings_of("recommender")) as channel:
        fresh = Recommender(servers, channel, token)
        (first, second) = await fresh.recommend(home, **slot)
        rows = await fresh.fetch("SELECT lessons FROM decisions WHERE brand = $1 AND member = 'nobody'", home)
    assert {row["lessons"] for row in rows} == {20}
    # Ten outcomes of 1 and ten of 0, by the same members: the better one is all but certain.
    assert first.propensity == pytest.approx(0.975 if first.reward == "r0" else 0.025, abs=0.001)
    assert second.propensity == 1.0
    for choice in await recommender.recommend(home, **slot):
        assert choice.propensity in (1.0, first.propensity, pytest.approx(1 - first.propensity))


async def test_a_replica_decides_on_what_the_other_has_just_learnt(
    recommender: Recommender,
    servers: Servers,
    home: str,
    settings_of: Callable[..., Any],
    token: Callable[..., str],
) -> None:
    async with running("recommender", settings_of("recommender")) as channel:
        replica = Recommender(servers, channel, token)
        for version in range(1, 6):
            choices = await replica.recommend(home, slot="cart", count=2)
            rows = await replica.fetch(
                "SELECT lessons FROM decisions WHERE decision = ANY($1::text[])", [c.decision for c in choices]
            )
            assert {row["lessons"] for row in rows} == {2 * (version - 1)}
            for choice in choices:
                assert await recommender.record(home, choice.decision, 0.0)


async def test_replicas_that_learn_at_once_lose_no_outcome(
    recommender: Recommender,
    servers: Servers,
    home: str,
    settings_of: Callable[..., Any],
    token: Callable[..., str],
) -> None:
    """Both replicas get every outcome, so that each is reported twice and counts once."""
    async with running("recommender", settings_of("recommender")) as channel:
        replica = Recommender(servers, channel, token)
        answers = await asyncio.gather(*(recommender.recommend(home, f"m{n}", count=4) for n in range(25)))
        decisions = [choice.decision for answer in answers for choice in answer]
        recorded = await asyncio.gather(
            *(one.record(home, decision, 1.0) for decision in decisions for one in (recommender, replica))
        )
    assert sum(recorded) == 100
    lessons = await recommender.lessons(home, "home")
    assert [lesson.number for lesson in lessons] == list(range(1, 101))
    assert set(Counter(lesson.choice for lesson in lessons).values()) == {25}


# -- who may do what --------------------------------------------------------


async def refusal(call: Any) -> tuple[type[DomainError], str]:
    with pytest.raises(DomainError) as refused:
        await call
    return type(refused.value), refused.value.reason


async def test_a_member_sees_only_their_own(recommender: Recommender, points: Points, home: str) -> None:
    await recommender.settled(home, await points.publish(home, purchase("m1"), purchase("m2")))
    mine = {"subject": "m1", "scope": "member"}
    assert (await recommender.profile(home, "m1", **mine)).activities == 1
    assert await refusal(recommender.profile(home, "m2", **mine)) == (NotFound, "unknown_member")
    assert await refusal(recommender.recommend(home, "m2", **mine)) == (NotFound, "unknown_member")
    (own,), (others,) = await recommender.recommend(home, "m1", **mine), await recommender.recommend(home, "m2")
    assert await refusal(recommender.record(home, others.decision, 1.0, **mine)) == (NotFound, "unknown_decision")
    assert await recommender.record(home, own.decision, 1.0, **mine)
    assert await recommender.record(home, others.decision, 1.0, subject="shop", scope="service")


async def test_a_member_who_is_a_manager_too_reports_only_their_own_outcomes(
    recommender: Recommender, home: str
) -> None:
    (others,) = await recommender.recommend(home, "m2")
    both = {"subject": "m1", "scope": "member manager"}
    assert await refusal(recommender.record(home, others.decision, 1.0, **both)) == (NotFound, "unknown_decision")


async def test_methods_are_refused_without_their_scope(recommender: Recommender, home: str) -> None:
    manager, member = {"scope": "manager"}, {"subject": "m1", "scope": "member"}
    denied = (PermissionDenied, "permission_denied")
    assert await refusal(recommender.recommend(home, **manager)) == denied
    assert await refusal(recommender.record(home, "0" * 32, 1.0, **manager)) == denied
    assert await refusal(recommender.profile(home, "m1", **manager)) == denied
    assert await refusal(recommender.report(home, **member)) == denied
    assert await refusal(recommender.report(home, scope="service")) == denied


async def test_brands_see_nothing_of_each_other(recommender: Recommender, points: Points, home: str) -> None:
    other = f"{home}-other"
    await recommender.settled(other, await points.publish(other, applied(programme(home=4))))
    await recommender.settled(home, await points.publish(home, purchase("m1", amount=5)))
    (choice,) = await recommender.recommend(home, "m1")
    assert await recommender.record(home, choice.decision, 1.0)
    assert await refusal(recommender.profile(other, "m1")) == (NotFound, "unknown_member")
    assert await refusal(recommender.record(other, choice.decision, 1.0)) == (NotFound, "unknown_decision")
    assert sum(decisions for _, _, decisions, _, _ in await recommender.report(other)) == 0
    (fresh,) = await recommender.recommend(other, "m1")
    assert fresh.propensity == pytest.approx(0.25)


async def test_the_applications_role_cannot_change_what_was_decided(
    recommender: Recommender, servers: Servers, home: str
) -> None:
    (choice,) = await recommender.recommend(home)
    await recommender.record(home, choice.decision, 1.0)
    session = await asyncpg.connect(servers.postgres.url("recommender"))
    try:
        await session.execute("SELECT set_config('laurels.brand', $1, false)", home)
        assert await session.fetchval("SELECT count(*) FROM outcomes") == 1
        for statement in (
            "UPDATE decisions SET propensity = 1",
            "DELETE FROM decisions",
            "UPDATE outcomes SET value = 0",
            "DELETE FROM outcomes",
            "TRUNCATE decisions, outcomes",
            "UPDATE learners SET slot = 'r9'",
            "DELETE FROM learners",
            "UPDATE model_versions SET state = ''",
            "UPDATE promotions SET override_reason = ''",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await session.execute(statement)
        await session.execute("SELECT set_config('laurels.brand', 'another', false)")
        assert await session.fetchval("SELECT count(*) FROM decisions") == 0
    finally:
        await session.close()


async def test_a_programme_is_validated_over_the_wire(recommender: Recommender, brand: str) -> None:
    draft = programme(home=2)
    draft.recommender.slots[0].rewards.append("gone")
    request = programme_pb2.ValidateProgrammeRequest(programme=draft)
    answer = await recommender.call("ValidateProgramme", request, brand)
    assert [problem.field for problem in answer.problems] == ["recommender.slots[0].rewards[2]"]


async def test_insights_of_nobody_are_not_found(recommender: Recommender, home: str) -> None:
    for member in ("nobody", "no spaces", "nul\x00"):
        assert await refusal(recommender.call("GetInsights", pb.GetInsightsRequest(member=member), home)) == (
            NotFound,
            "unknown_member",
        )


async def test_the_declared_tables_are_the_migrated_ones(recommender: Recommender) -> None:
    query = """
        SELECT column_name, is_nullable = 'YES' AS nullable FROM information_schema.columns
        WHERE table_schema = 'public' AND table_name = $1"""
    for table in (
        tables.Profile,
        tables.Decision,
        tables.Outcome,
        tables.Pending,
        tables.LateOutcome,
        tables.SlotCounter,
        tables.Learner,
        tables.ModelVersion,
        tables.Candidate,
        tables.Promotion,
    ):
        declared: Any = table.__table__  # type: ignore[attr-defined]
        migrated = {row["column_name"]: row["nullable"] for row in await recommender.fetch(query, declared.name)}
        assert migrated == {column.name: column.nullable for column in declared.columns}


async def test_every_table_with_a_brand_forces_row_level_security(recommender: Recommender) -> None:
    rows = await recommender.fetch("""
        SELECT relname, relrowsecurity AND relforcerowsecurity AS forced FROM pg_class
        WHERE oid IN (SELECT attrelid FROM pg_attribute WHERE attname = 'brand') AND relkind = 'r'""")
    assert {"profiles", "learners", "model_versions", "decisions", "outcomes", "outbox"} <= {
        row["relname"] for row in rows
    }
    assert all(row["forced"] for row in rows)
