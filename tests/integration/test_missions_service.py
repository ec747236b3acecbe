"""The missions service on the real servers: events of the points service in, progress and its own events out."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import pytest

from chassis import consumer, metrics
from chassis.database import Database
from chassis.errors import from_rpc
from cli.embedded import Servers
from laurels.missions.v1 import missions_pb2 as pb
from laurels.missions.v1 import missions_pb2_grpc
from laurels.missions.v1.events_pb2 import BadgeEarned, MissionCompleted
from laurels.programme.v1 import programme_pb2, programme_pb2_grpc
from laurels.programme.v1.events_pb2 import ProgrammeAdopted
from services.missions.verification import violations
from tests.conftest import running
from tests.integration.missions_support import (
    NOON,
    Points,
    eventually,
    fetch,
    mission,
    open_points,
    programme,
    purchase,
)


class Missions:
    """The service as its callers and its producer see it."""

    def __init__(self, servers: Servers, channel: grpc.aio.Channel, points: Points, token: Callable[..., str]) -> None:
        self.servers, self.channel, self.points, self._token = servers, channel, points, token
        self._missions = missions_pb2_grpc.MissionsServiceStub(channel)
        self._validation = programme_pb2_grpc.ProgrammeValidationServiceStub(channel)

    async def call(self, method: str, request: Any, brand: str, **credential: Any) -> Any:
        stub = self._validation if method == "ValidateProgramme" else self._missions
        metadata = (("authorization", f"Bearer {self._token(brand, **credential)}"),)
        return await getattr(stub, method)(request, metadata=metadata, timeout=10)

    async def progress(self, brand: str, member: str) -> dict[str, tuple[int, int, bool]]:
        """Progress, target and whether finished, by mission."""
        found = await self.call("ListMissions", pb.ListMissionsRequest(member=member), brand)
        return {m.mission: (m.progress, m.target, m.HasField("completed_at")) for m in found.missions}

    async def badges(self, brand: str, member: str) -> list[str]:
        found = await self.call("ListMemberBadges", pb.ListMemberBadgesRequest(member=member), brand)
        return [badge.badge for badge in found.badges]

    async def settled(self, brand: str, ids: list[int]) -> None:
        """Waits until the events are applied."""

        async def claimed() -> bool:
            query = "SELECT count(*) FROM claims WHERE brand = $1 AND source = 'points' AND id = ANY($2::bigint[])"
            return (await fetch(self.servers, query, brand, ids))[0][0] == len(set(ids))

        await eventually(claimed)

    async def started(self, brand: str, *missions: Any) -> None:
        """Applies a programme of the missions as version 1."""
        await self.points.apply(brand, programme(*missions))

        async def adopted() -> bool:
            return bool(await fetch(self.servers, "SELECT FROM configurations WHERE brand = $1", brand))

        await eventually(adopted)

    async def violations(self, brand: str) -> list[str]:
        database = Database(self.servers.postgres.url("missions"))
        try:
            async with database.reading(brand) as connection:
                return await violations(connection)
        finally:
            await database.close()


@pytest.fixture(scope="module")
async def missions(
    servers: Servers, settings_of: Callable[..., Any], token: Callable[..., str]
) -> AsyncIterator[Missions]:
    opened = open_points(servers)
    points = await anext(opened)
    async with running("missions", settings_of("missions")) as channel:
        yield Missions(servers, channel, points, token)
        await opened.aclose()


async def test_activities_lead_to_progress_completion_badge_and_events(missions: Missions, brand: str) -> None:
    await missions.started(
        brand,
        mission("first", 1, badge="newcomer", reward=50),
        mission("large", 3, condition="attributes.amount >= 100"),
        mission("spender", 1_000, of="attributes.amount", badge="spender"),
    )
    ids = await missions.points.publish(
        brand, *(purchase("ann", number, amount=amount) for number, amount in enumerate([99, 100, 901]))
    )
    await missions.settled(brand, ids)
    assert await missions.progress(brand, "ann") == {
        "first": (1, 1, True),
        "large": (2, 3, False),
        "spender": (1_000, 1_000, True),
    }
    assert await missions.badges(brand, "ann") == ["spender", "newcomer"]
    await eventually(lambda: missions.points.missions_events(brand, BadgeEarned))
    completed = [event for _, event in await missions.points.missions_events(brand, MissionCompleted)]
    assert [(e.member, e.mission, e.reward.amount, e.programme_version) for e in completed] == [
        ("ann", "first", 50, 1),
        ("ann", "spender", 0, 1),
    ]
    assert completed[0].completed_at.ToDatetime() == NOON.replace(tzinfo=None)
    assert not completed[1].HasField("reward")
    earned = [event for _, event in await missions.points.missions_events(brand, BadgeEarned)]
    assert [(e.member, e.badge) for e in earned] == [("ann", "newcomer"), ("ann", "spender")]
    assert await missions.violations(brand) == []


async def test_adopting_a_programme_is_told(missions: Missions, brand: str) -> None:
    await missions.started(brand, mission("first", 1))
    told = await eventually(lambda: missions.points.missions_events(brand, ProgrammeAdopted))
    assert [(event.service, event.version) for _, event in told] == [("missions", 1)]


async def test_an_event_delivered_many_times_counts_once(missions: Missions, brand: str) -> None:
    await missions.started(brand, mission("three", 3, badge="b", reward=5), mission("many", 100))
    purchases = [purchase("ann", number) for number in range(5)]
    ids = await missions.points.publish(brand, *purchases, times=3)
    await missions.settled(brand, ids)
    for event, number in zip(purchases, ids, strict=True):  # and once more, each in a later batch
        await missions.points.publish(brand, event, event_id=number)
    last = await missions.points.publish(brand, purchase("ann", 9))
    await missions.settled(brand, last)
    assert await missions.progress(brand, "ann") == {"three": (3, 3, True), "many": (6, 100, False)}
    assert len(await missions.points.missions_events(brand, MissionCompleted)) == 1
    assert len(await missions.points.missions_events(brand, BadgeEarned)) == 1
    assert await missions.violations(brand) == []


async def test_a_badge_that_two_missions_give_is_earned_once(missions: Missions, brand: str) -> None:
    await missions.started(
        brand, mission("one", 1, badge="b"), mission("two", 2, badge="b"), mission("uno", 1, badge="b")
    )
    await missions.settled(brand, await missions.points.publish(brand, purchase("ann", 0)))
    await missions.settled(brand, await missions.points.publish(brand, purchase("ann", 1)))
    assert await missions.badges(brand, "ann") == ["b"]
    await eventually(lambda: missions.points.missions_events(brand, BadgeEarned))
    assert len(await missions.points.missions_events(brand, MissionCompleted)) == 3
    assert len(await missions.points.missions_events(brand, BadgeEarned)) == 1
    assert await missions.violations(brand) == []


async def test_an_activity_waits_for_its_version_of_the_programme(missions: Missions, brand: str) -> None:
    await missions.started(brand, mission("first", 1))
    early = await missions.points.publish(brand, purchase("ann", 0, version=2), purchase("ann", 1, version=2))
    on_time = await missions.points.publish(brand, purchase("bob", 0, version=1))
    await missions.settled(brand, on_time)
    assert await missions.progress(brand, "ann") == {"first": (0, 1, False)}
    await missions.points.apply(brand, programme(mission("first", 2), mission("second", 3)), version=2)
    await missions.settled(brand, early)
    assert await missions.progress(brand, "ann") == {"first": (2, 2, True), "second": (2, 3, False)}
    assert await missions.violations(brand) == []


async def test_a_programme_and_activities_under_it_may_come_in_one_batch(missions: Missions, brand: str) -> None:
    await missions.points.apply(brand, programme(mission("many", 1_000)))
    ids = await missions.points.publish(brand, *(purchase(f"m{number % 7}", number) for number in range(300)))
    await missions.settled(brand, ids)
    report = await missions.call("GetMissionsReport", pb.GetMissionsReportRequest(), brand)
    assert [(row.mission, row.members, row.completed) for row in report.missions] == [("many", 7, 0)]
    assert sum([(await missions.progress(brand, f"m{n}"))["many"][0] for n in range(7)]) == 300


async def test_progress_is_kept_and_a_finished_mission_stays_finished_under_a_new_version(
    missions: Missions, brand: str
) -> None:
    await missions.started(brand, mission("short", 2), mission("long", 10), mission("old", 5))
    await missions.settled(
        brand, await missions.points.publish(brand, *(purchase("ann", number) for number in range(4)))
    )
    await missions.points.apply(brand, programme(mission("short", 9), mission("long", 3), mission("new", 9)), version=2)
    await eventually(lambda: _has(missions, brand, "new"))
    assert await missions.progress(brand, "ann") == {
        "short": (2, 2, True),
        "long": (3, 3, False),
        "new": (0, 9, False),
    }
    await missions.settled(brand, await missions.points.publish(brand, purchase("ann", 5, version=2)))
    assert await missions.progress(brand, "ann") == {"short": (2, 2, True), "long": (3, 3, True), "new": (1, 9, False)}
    assert await missions.violations(brand) == []


async def _has(missions: Missions, brand: str, name: str) -> bool:
    return name in await missions.progress(brand, "ann")


async def test_an_event_that_cannot_be_applied_is_parked_and_the_others_are_not_held_up(
    missions: Missions, brand: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer, "PAUSE_MAX_S", 0.05)  # eight deliveries in less than thirteen seconds
    await missions.started(brand, mission("large", 2, condition="attributes.amount > 1"))
    poison = purchase("ann", 0, amount=float("nan"))
    good = [purchase("ann", number, amount=5) for number in (1, 2)] + [purchase("bob", 1, amount=5)]
    parked = await missions.points.publish(brand, poison)
    await missions.settled(brand, await missions.points.publish(brand, *good))
    assert await missions.progress(brand, "ann") == {"large": (2, 2, True)}
    await missions.settled(brand, parked)
    rows = await fetch(missions.servers, "SELECT id, member, reason FROM dead_letters WHERE brand = $1", brand)
    assert [(row["id"], row["member"]) for row in rows] == [(parked[0], "ann")]
    assert "NaN" in rows[0]["reason"]
    said = await missions.violations(brand)
    assert len(said) == 1
    assert str(parked[0]) in said[0]


async def test_an_expression_that_fails_counts_nothing_and_is_counted(missions: Missions, brand: str) -> None:
    await missions.started(brand, mission("ratio", 1, condition="10 / attributes.amount > 1"), mission("any", 1))
    before = metrics.RULE_FAILURES.labels("missions")._value.get()
    await missions.settled(brand, await missions.points.publish(brand, purchase("ann", amount=0)))
    assert await missions.progress(brand, "ann") == {"ratio": (0, 1, False), "any": (1, 1, True)}
    assert metrics.RULE_FAILURES.labels("missions")._value.get() == before + 1


async def test_brands_do_not_see_each_other(missions: Missions, brand: str) -> None:
    other = f"{brand}-other"
    for name in (brand, other):
        await missions.started(name, mission("first", 2, badge="b"))
    await missions.settled(brand, await missions.points.publish(brand, purchase("ann", 0), purchase("ann", 1)))
    assert await missions.progress(other, "ann") == {"first": (0, 2, False)}
    assert await missions.badges(other, "ann") == []
    badges = await missions.call("ListBadges", pb.ListBadgesRequest(), other)
    assert [(badge.badge, badge.holders) for badge in badges.badges] == [("b", 0)]
    report = await missions.call("GetMissionsReport", pb.GetMissionsReportRequest(), other)
    assert [(row.members, row.completed) for row in report.missions] == [(0, 0)]
    badges = await missions.call("ListBadges", pb.ListBadgesRequest(), brand)
    assert [(badge.badge, badge.holders) for badge in badges.badges] == [("b", 1)]


@pytest.mark.parametrize("table", ["member_missions", "mission_facts", "completions", "badges"])
async def test_the_database_itself_keeps_brands_apart(missions: Missions, brand: str, table: str) -> None:
    await missions.started(brand, mission("first", 1, badge="b"))
    await missions.settled(brand, await missions.points.publish(brand, purchase("ann")))
    database = Database(missions.servers.postgres.url("missions"))
    try:
        async with database.reading(brand) as connection:
            assert await connection.fetchval(f"SELECT count(*) FROM {table}") == 1  # noqa: S608
        async with database.reading(f"{brand}-other") as connection:
            assert await connection.fetchval(f"SELECT count(*) FROM {table}") == 0  # noqa: S608
        async with database.reading("*") as connection:
            assert await connection.fetchval(f"SELECT count(*) FROM {table}") == 0  # noqa: S608
    finally:
        await database.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE completions SET mission = 'x'",
        "DELETE FROM completions",
        "UPDATE badges SET badge = 'x'",
        "DELETE FROM badges",
        "DELETE FROM member_missions",
        "UPDATE member_missions SET member = 'x'",
    ],
)
async def test_what_was_achieved_cannot_be_changed_by_the_application(
    missions: Missions, brand: str, statement: str
) -> None:
    database = Database(missions.servers.postgres.url("missions"))
    try:
        with pytest.raises(Exception, match="permission denied"):
            async with database.transaction(brand) as connection:
                await connection.execute(statement)
    finally:
        await database.close()


async def test_a_member_of_whom_nothing_is_known_has_no_progress_and_no_badges(missions: Missions, brand: str) -> None:
    await missions.started(brand, mission("first", 3, badge="b"))
    assert await missions.progress(brand, "nobody") == {"first": (0, 3, False)}
    assert await missions.badges(brand, "nobody") == []


def refusal(caught: Any) -> tuple[grpc.StatusCode, str]:
    return caught.value.code(), from_rpc(caught.value).reason


@pytest.mark.parametrize(
    ("method", "request_message"),
    [
        ("ListMissions", pb.ListMissionsRequest(member="ann")),
        ("ListMemberBadges", pb.ListMemberBadgesRequest(member="ann")),
        ("ListBadges", pb.ListBadgesRequest()),
        ("GetMissionsReport", pb.GetMissionsReportRequest()),
    ],
)
async def test_a_brand_without_a_programme_is_not_found(missions: Missions, method: str, request_message: Any) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await missions.call(method, request_message, "nothing-here")
    assert refusal(caught) == (grpc.StatusCode.NOT_FOUND, "unknown_brand")


async def test_a_member_sees_only_their_own_missions_and_badges(missions: Missions, brand: str) -> None:
    await missions.started(brand, mission("first", 3, badge="b"))
    own: dict[str, Any] = {"subject": "ann", "scope": "member"}
    await missions.call("ListMissions", pb.ListMissionsRequest(member="ann"), brand, **own)
    await missions.call("ListMemberBadges", pb.ListMemberBadgesRequest(member="ann"), brand, **own)
    await missions.call("ListBadges", pb.ListBadgesRequest(), brand, **own)
    for method, request in (
        ("ListMissions", pb.ListMissionsRequest(member="bob")),
        ("ListMemberBadges", pb.ListMemberBadgesRequest(member="bob")),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await missions.call(method, request, brand, **own)
        assert refusal(caught) == (grpc.StatusCode.NOT_FOUND, "unknown_member")


@pytest.mark.parametrize("member", ["", "no spaces", "a" * 65, "nul\0byte"])
async def test_an_id_that_no_member_can_have_is_not_found(missions: Missions, brand: str, member: str) -> None:
    await missions.started(brand, mission("first", 3))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await missions.call("ListMissions", pb.ListMissionsRequest(member=member), brand)
    assert refusal(caught) == (grpc.StatusCode.NOT_FOUND, "unknown_member")


@pytest.mark.parametrize(
    ("method", "request_message", "scope"),
    [
        ("GetMissionsReport", pb.GetMissionsReportRequest(), "member service"),
        ("ListMissions", pb.ListMissionsRequest(member="shop"), "manager"),
        ("ListMemberBadges", pb.ListMemberBadgesRequest(member="shop"), "manager"),
        ("ListBadges", pb.ListBadgesRequest(), ""),
        ("ValidateProgramme", programme_pb2.ValidateProgrammeRequest(), "service"),
    ],
)
async def test_a_call_outside_of_its_scopes_is_refused(
    missions: Missions, brand: str, method: str, request_message: Any, scope: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await missions.call(method, request_message, brand, scope=scope)
    assert refusal(caught) == (grpc.StatusCode.PERMISSION_DENIED, "permission_denied")


async def test_a_call_without_a_credential_or_with_an_expired_one_is_refused(missions: Missions, brand: str) -> None:
    stub = missions_pb2_grpc.MissionsServiceStub(missions.channel)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.ListBadges(pb.ListBadgesRequest())
    assert refusal(caught) == (grpc.StatusCode.UNAUTHENTICATED, "unauthenticated")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await missions.call("ListBadges", pb.ListBadgesRequest(), brand, lives_s=-60)
    assert refusal(caught) == (grpc.StatusCode.UNAUTHENTICATED, "expired_token")


async def test_a_programme_is_validated_over_the_wire(missions: Missions, brand: str) -> None:
    wrong = programme(mission("first", 1), mission("second", 0, condition="attributes.amonut > 3"))
    found = await missions.call(
        "ValidateProgramme", programme_pb2.ValidateProgrammeRequest(programme=wrong), brand, scope="manager"
    )
    assert [problem.field for problem in found.problems] == [
        "missions.missions[1].count.target",
        "missions.missions[1].condition",
    ]


async def test_replicas_that_come_and_go_lose_and_double_nothing(
    missions: Missions, brand: str, settings_of: Callable[..., Any]
) -> None:
    await missions.started(brand, mission("many", 1_000))
    ids = []
    for first in (0, 60):
        async with running("missions", settings_of("missions")):
            purchases = (purchase("ann", number) for number in range(first, first + 60))
            ids += await missions.points.publish(brand, *purchases)
    await missions.settled(brand, ids)
    assert await missions.progress(brand, "ann") == {"many": (120, 1_000, False)}
