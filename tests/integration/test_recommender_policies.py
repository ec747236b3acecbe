"""Models are kept, restored and the same in every replica; candidates are promoted on proof, or on a manager's word."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import numpy as np
import pytest

from chassis.errors import DomainError, FailedPrecondition, IdempotencyConflict, InvalidArgument, NotFound
from chassis.errors import PermissionDenied as Denied
from cli.embedded import Servers
from laurels.recommender.v1 import policies_pb2 as pb
from laurels.recommender.v1.policies_events_pb2 import ModelPromoted, ModelRestored
from services.recommender.choosing import Style
from services.recommender.features import NOTHING
from services.recommender.learner import Learner
from tests.conftest import running
from tests.integration.recommender_support import Points, Recommender, applied, eventually, points_of, programme

KEEP_EVERY = 10


@pytest.fixture(scope="module")
async def points(servers: Servers) -> AsyncIterator[Points]:
    async with points_of(servers) as found:
        yield found


@pytest.fixture(scope="module")
async def recommender(
    servers: Servers, points: Points, settings_of: Callable[..., Any], token: Callable[..., str]
) -> AsyncIterator[Recommender]:
    async with running("recommender", settings_of("recommender", keep_every=KEEP_EVERY)) as channel:
        yield Recommender(servers, channel, token)


@pytest.fixture
async def home(recommender: Recommender, points: Points, brand: str) -> str:
    """A brand whose slot `home` chooses among two rewards, evenly half of the time."""
    found = programme(home=2)
    found.recommender.slots[0].exploration = 0.5
    await recommender.settled(brand, await points.publish(brand, applied(found)))
    return brand


async def teach(recommender: Recommender, brand: str, members: range, best: str = "r0") -> None:
    """Each member is recommended one reward, and takes it if it is the best."""

    async def one(member: str) -> None:
        (choice,) = await recommender.recommend(brand, member)
        await recommender.record(brand, choice.decision, float(choice.reward == best))

    await asyncio.gather(*(one(f"m{number}") for number in members))


async def versions(recommender: Recommender, brand: str, at_least: int) -> list[pb.ModelVersion]:
    """The slot's versions, once there are so many."""

    async def found() -> Any:
        answer = await recommender.call("ListModelVersions", pb.ListModelVersionsRequest(slot="home"), brand)
        return list(answer.versions) if len(answer.versions) >= at_least else None

    return list(await eventually(found))


async def learnt(recommender: Recommender, brand: str) -> Learner:
    """What the slot's stream teaches, learnt here."""
    learner = Learner()
    for lesson in await recommender.lessons(brand, "home"):
        learner.learn(lesson)
    return learner


async def states(recommender: Recommender, brand: str) -> dict[int, bytes]:
    rows = await recommender.fetch("SELECT version, state FROM model_versions WHERE brand = $1", brand)
    return {row["version"]: row["state"] for row in rows}


async def refusal(call: Any) -> tuple[type[DomainError], str]:
    with pytest.raises(DomainError) as refused:
        await call
    return type(refused.value), refused.value.reason


# -- models -------------------------------------------------------------------


async def test_a_replay_of_the_stream_is_the_kept_model_bit_for_bit(recommender: Recommender, home: str) -> None:
    await teach(recommender, home, range(KEEP_EVERY))
    await versions(recommender, home, 1)
    await teach(recommender, home, range(KEEP_EVERY, 2 * KEEP_EVERY))
    newest, first = (await versions(recommender, home, 2))[:2]
    assert (newest.lessons, first.lessons) == (2 * KEEP_EVERY, KEEP_EVERY)
    assert (await states(recommender, home))[2] == (await learnt(recommender, home)).state()


async def test_two_replicas_learn_from_one_stream_and_converge(
    recommender: Recommender, servers: Servers, home: str, settings_of: Callable[..., Any], token: Callable[..., str]
) -> None:
    async with running("recommender", settings_of("recommender", keep_every=KEEP_EVERY)) as channel:
        replica = Recommender(servers, channel, token)
        await asyncio.gather(
            teach(recommender, home, range(20)), teach(replica, home, range(20, 40)), replica.recommend(home, "last")
        )
        stands = await learnt(recommender, home)
        exact = Style.of(None, 0.5).probabilities(stands, ["r0", "r1"], NOTHING)
        for one in (recommender, replica):
            for _ in range(5):
                (choice,) = await one.recommend(home, "nobody")
                assert choice.propensity == exact[["r0", "r1"].index(choice.reward)], "exactly, in both"


async def test_a_replica_that_starts_anew_begins_from_the_last_version(
    recommender: Recommender, servers: Servers, home: str, settings_of: Callable[..., Any], token: Callable[..., str]
) -> None:
    await teach(recommender, home, range(KEEP_EVERY))
    await versions(recommender, home, 1)
    await teach(recommender, home, range(3))
    stands = await learnt(recommender, home)
    # What is behind the version is not read: the version holds it.
    await recommender.fetch("UPDATE outcomes SET scaled = 1 - scaled WHERE brand = $1 AND lesson <= 10", home)
    async with running("recommender", settings_of("recommender", keep_every=KEEP_EVERY)) as channel:
        (choice,) = await Recommender(servers, channel, token).recommend(home, "nobody")
    exact = Style.of(None, 0.5).probabilities(stands, ["r0", "r1"], NOTHING)
    assert choice.propensity == exact[["r0", "r1"].index(choice.reward)]


async def test_a_model_is_restored_once_in_every_replica_and_learns_on(
    recommender: Recommender,
    servers: Servers,
    points: Points,
    home: str,
    settings_of: Callable[..., Any],
    token: Callable[..., str],
) -> None:
    await teach(recommender, home, range(KEEP_EVERY))
    await versions(recommender, home, 1)
    async with running("recommender", settings_of("recommender", keep_every=KEEP_EVERY)) as channel:
        replica = Recommender(servers, channel, token)
        await teach(recommender, home, range(KEEP_EVERY), best="r1")
        await versions(recommender, home, 2)
        await replica.recommend(home)
        request = pb.RestoreModelRequest(slot="home", version=1, idempotency_key="back")
        answers = await asyncio.gather(*(recommender.call("RestoreModel", request, home) for _ in range(5)))
        assert {(each.version.version, each.version.restored_from) for each in answers} == {(3, 1)}
        found = await states(recommender, home)
        assert found[3] == found[1] != found[2]
        stands = Learner.restored(found[1], lessons=0, epoch=1)
        assert stands is not None
        exact = Style.of(None, 0.5).probabilities(stands, ["r0", "r1"], NOTHING)
        for one in (recommender, replica):
            (choice,) = await one.recommend(home, "nobody")
            assert choice.propensity == exact[["r0", "r1"].index(choice.reward)]
        await recommender.record(home, choice.decision, 1.0)
        stands.learn((await recommender.lessons(home, "home"))[-1])
        exact = Style.of(None, 0.5).probabilities(stands, ["r0", "r1"], NOTHING)
        (choice,) = await replica.recommend(home, "nobody")
        assert choice.propensity == exact[["r0", "r1"].index(choice.reward)]
    other = pb.RestoreModelRequest(slot="home", version=2, idempotency_key="back")
    assert await refusal(recommender.call("RestoreModel", other, home)) == (IdempotencyConflict, "idempotency_conflict")
    gone = pb.RestoreModelRequest(slot="home", version=9, idempotency_key="gone")
    assert await refusal(recommender.call("RestoreModel", gone, home)) == (NotFound, "unknown_version")

    async def told() -> bool:
        return [each.version for each in await points.told(home, ModelRestored)] == [3]

    await eventually(told)


# -- candidates ---------------------------------------------------------------


def candidate(name: str, kind: int = pb.POLICY_KIND_PERSONAL, **numbers: float) -> pb.CreateCandidateRequest:
    return pb.CreateCandidateRequest(
        slot="home",
        candidate=name,
        configuration=pb.PolicyConfiguration(kind=kind, **numbers),  # type: ignore[arg-type]
    )


def promote(name: str, reason: str = "") -> pb.PromoteCandidateRequest:
    return pb.PromoteCandidateRequest(slot="home", candidate=name, override_reason=reason)


async def test_a_candidate_is_added_once_and_another_under_its_id_is_refused(
    recommender: Recommender, home: str
) -> None:
    answers = await asyncio.gather(*(recommender.call("CreateCandidate", candidate("calm"), home) for _ in range(5)))
    assert {answer.candidate.created_by for answer in answers} == {"shop"}
    other = candidate("calm", floor=0.1)
    conflict = (IdempotencyConflict, "idempotency_conflict")
    assert await refusal(recommender.call("CreateCandidate", other, home)) == conflict
    listed = await recommender.call("ListCandidates", pb.ListCandidatesRequest(slot="home"), home)
    assert [(each.candidate, each.live) for each in listed.candidates] == [("calm", False)]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (candidate("no spaces"), "candidate"),
        (candidate("a", kind=0), "configuration.kind"),
        (candidate("a", floor=1.5), "configuration.floor"),
        (candidate("a", noise=0.0), "configuration.noise"),
        (candidate("a", bonus=float("nan")), "configuration.bonus"),
    ],
)
async def test_a_candidate_out_of_bounds_is_refused(
    recommender: Recommender, home: str, wrong: pb.CreateCandidateRequest, field: str
) -> None:
    with pytest.raises(InvalidArgument) as refused:
        await recommender.call("CreateCandidate", wrong, home)
    assert [violation.field for violation in refused.value.violations] == [field]


async def test_a_candidate_that_the_log_does_not_prove_is_promoted_only_on_a_managers_word(
    recommender: Recommender, points: Points, home: str
) -> None:
    """The programme's order has the reward that nobody takes first."""
    await teach(recommender, home, range(60), best="r1")
    await recommender.call("CreateCandidate", candidate("plain", pb.POLICY_KIND_ORDER, floor=0.0), home)
    asked = pb.EvaluateCandidateRequest(slot="home", candidate="plain")
    found = (await recommender.call("EvaluateCandidate", asked, home)).evaluation
    assert (found.decisions, found.proven) == (60, False)
    assert found.doubly_robust.low < found.live.value
    assert 0 < found.effective_size < 60
    assert found.ips.value == pytest.approx(0.0)
    refused = (FailedPrecondition, "not_proven")
    assert await refusal(recommender.call("PromoteCandidate", promote("plain"), home)) == refused
    answer = await recommender.call("PromoteCandidate", promote("plain", "The board asked for it."), home)
    assert (answer.promotion.promoted_by, answer.promotion.override_reason) == ("shop", "The board asked for it.")
    assert answer.promotion.evaluation.decisions == 60
    again = await recommender.call("PromoteCandidate", promote("plain", "Another reason."), home)
    assert again.promotion == answer.promotion
    listed = await recommender.call("ListCandidates", pb.ListCandidatesRequest(slot="home"), home)
    assert [each.live for each in listed.candidates] == [True]
    assert list(listed.promotions) == [answer.promotion]
    (choice,) = await recommender.recommend(home, "m1")
    assert (choice.reward, choice.propensity) == ("r0", 1.0)

    async def told() -> bool:
        events = await points.told(home, ModelPromoted)
        return [(each.candidate, each.overridden) for each in events] == [("plain", True)]

    await eventually(told)


async def test_a_candidate_that_the_log_proves_is_promoted(recommender: Recommender, home: str) -> None:
    """Half of the live policy's choices are even; one without a floor takes what everybody takes."""
    await teach(recommender, home, range(40))
    await teach(recommender, home, range(160))
    await recommender.call("CreateCandidate", candidate("sure", floor=0.0), home)
    answer = await recommender.call("PromoteCandidate", promote("sure"), home)
    found = answer.promotion.evaluation
    assert (found.proven, answer.promotion.override_reason) == (True, "")
    assert found.doubly_robust.low >= found.live.value
    (choice,) = await recommender.recommend(home, "m1")
    assert choice.propensity > 0.9
    rows = await recommender.fetch("SELECT policy FROM decisions WHERE decision = $1", choice.decision)
    assert [row["policy"] for row in rows] == ["sure"]


async def test_with_nothing_logged_a_promotion_takes_a_reason(recommender: Recommender, home: str) -> None:
    await recommender.call("CreateCandidate", candidate("new"), home)
    nothing = (FailedPrecondition, "nothing_logged")
    assert await refusal(recommender.call("PromoteCandidate", promote("new"), home)) == nothing
    answer = await recommender.call("PromoteCandidate", promote("new", "We begin with it."), home)
    assert not answer.promotion.HasField("evaluation")


async def test_the_logged_propensities_are_those_of_the_replayed_stream(recommender: Recommender, home: str) -> None:
    """What is written down of a decision suffices to say how likely it was, exactly."""
    await teach(recommender, home, range(30))
    lessons = await recommender.lessons(home, "home")
    rows = await recommender.fetch(
        "SELECT lessons, choice, among, features, propensity FROM decisions WHERE brand = $1 ORDER BY lessons", home
    )
    learner, taken = Learner(), 0
    for row in rows:
        while taken < row["lessons"]:
            learner.learn(lessons[taken])
            taken += 1
        shares = Style.of(None, 0.5).probabilities(learner, row["among"], row["features"])
        assert np.isclose(shares.sum(), 1.0, atol=1e-9)
        assert shares[row["among"].index(row["choice"])] == row["propensity"]


# -- who may ------------------------------------------------------------------


async def test_only_managers_see_and_change_how_slots_choose(recommender: Recommender, home: str) -> None:
    for request in (
        pb.ListModelVersionsRequest(slot="home"),
        pb.RestoreModelRequest(slot="home", version=1, idempotency_key="k"),
        candidate("a"),
        pb.ListCandidatesRequest(slot="home"),
        pb.EvaluateCandidateRequest(slot="home", candidate="a"),
        promote("a", "why"),
    ):
        method = type(request).__name__.removesuffix("Request")
        for scope in ("service", "member"):
            refused = await refusal(recommender.call(method, request, home, scope=scope))
            assert refused == (Denied, "permission_denied")


async def test_what_does_not_exist_is_not_found(recommender: Recommender, home: str) -> None:
    assert await refusal(recommender.call("ListModelVersions", pb.ListModelVersionsRequest(slot="nowhere"), home)) == (
        NotFound,
        "unknown_slot",
    )
    asked = pb.EvaluateCandidateRequest(slot="home", candidate="nobody")
    assert await refusal(recommender.call("EvaluateCandidate", asked, home)) == (NotFound, "unknown_candidate")
    unknown = await refusal(recommender.call("ListCandidates", pb.ListCandidatesRequest(slot="home"), f"{home}-x"))
    assert unknown == (NotFound, "unknown_brand")
