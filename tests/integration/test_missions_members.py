"""What missions knows of a member decides who takes part and in which zone days are, and goes with the member."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chassis.database import Database
from chassis.write_path import NotYet, WritePath
from cli.embedded import Servers
from laurels.erasure.v1.events_pb2 import ErasureReceipt, ErasureSettled, MemberErased
from laurels.missions.v1 import programme_goals_pb2 as goals
from laurels.missions.v1 import programme_pb2 as pb
from laurels.points.v1 import members_pb2
from laurels.points.v1 import programme_pb2 as points_pb
from laurels.points.v1.events_pb2 import MemberEnrolled, TierChanged
from laurels.points.v1.members_events_pb2 import ConsentChanged, SharedAttributesChanged
from laurels.programme.v1.events_pb2 import ProgrammeApplied
from laurels.value.v1.events_pb2 import Grant, RewardGranted
from services.missions.verification import violations
from tests.integration.missions_support import NOON, fetch, mission, programme
from tests.integration.test_missions_deterministic import outcome, recorded
from tests.integration.test_missions_write_path import apply_events, event, replica


def applied() -> ProgrammeApplied:
    consenting, local, early, climb = (
        mission("consenting", 9),
        mission("local", 9),
        mission("early", 9),
        mission("c", 1),
    )
    consenting.eligible = "member.consents.marketing && member.attributes.age >= 18"
    local.eligible = 'member.tier != ""'
    early.window.joined_days_until = 2
    climb.ClearField("goal")
    climb.id, climb.badge = "climb", "climber"
    climb.goals.add().tier.tier = "gold"
    streak = pb.Mission(id="row", name="Row", activity_type="purchase")
    streak.goals.add().streak.CopyFrom(goals.GoalStreak(target=30))
    given = mission("given", 2, badge="giver")
    given.start.by = goals.START_BY_ASSIGNMENT
    found = programme(consenting, local, early, climb, streak, given)
    found.points.tiers.levels.add(id="gold", name="Gold")
    for name, kind in (
        ("age", points_pb.MEMBER_ATTRIBUTE_KIND_INTEGER),
        ("zone", points_pb.MEMBER_ATTRIBUTE_KIND_TEXT),
    ):
        found.points.member_attributes.add(name=name, kind=kind, shared=True)
    found.missions.time_zone_attribute = "zone"
    return ProgrammeApplied(version=1, programme=found)


@pytest.fixture
async def database(servers: Servers) -> AsyncIterator[Database]:
    opened = Database(servers.postgres.url("missions"))
    yield opened
    await opened.close()


async def tell(path: WritePath, brand: str, *messages: Any, member: str = "ann") -> None:
    assert set(await apply_events(path, *(event(brand, each, member) for each in messages))) == {None}


def shared(**attributes: Any) -> SharedAttributesChanged:
    found = SharedAttributesChanged(member="ann")
    found.attributes.update(attributes)
    return found


async def test_consent_attributes_and_the_time_since_joining_decide_who_takes_part(
    database: Database, brand: str
) -> None:
    path = replica(database)
    await tell(path, brand, applied(), member="_")
    consented = ConsentChanged(member="ann", purpose=members_pb2.CONSENT_PURPOSE_MARKETING, granted=True)
    await tell(path, brand, MemberEnrolled(member="ann", enrolled_at=NOON), recorded("ann", "p1", 1))
    # What the member is when the activity arrives, in the same batch, too.
    await tell(path, brand, consented, shared(age=20), recorded("ann", "p2", 2))
    await tell(path, brand, recorded("ann", "p3", 24 * 3))
    await tell(path, brand, ConsentChanged(member="ann", purpose=consented.purpose), recorded("ann", "p4", 24 * 4))
    state, _ = await outcome(database, brand, "ann")
    assert state["m"]["consenting"][3] == [2]
    assert state["m"]["early"][3] == [2]
    assert "local" not in state["m"]
    # A late one has the others folded anew, each as the member was when it arrived.
    await tell(path, brand, recorded("ann", "p0", 1.5))
    state, _ = await outcome(database, brand, "ann")
    assert state["m"]["consenting"][3] == [2]
    assert state["m"]["early"][3] == [3]


async def test_reaching_a_tier_finishes_a_mission_once(database: Database, servers: Servers, brand: str) -> None:
    path = replica(database)
    climbed = TierChanged(member="ann", to_tier="gold", occurred_at=NOON)
    (refusal,) = await apply_events(path, event(brand, climbed, "ann"))
    assert isinstance(refusal, NotYet), "a tier may overtake the first programme"
    await tell(path, brand, applied(), member="_")
    await tell(path, brand, climbed, TierChanged(member="ann", to_tier="", occurred_at=NOON + timedelta(days=1)))
    await tell(path, brand, TierChanged(member="ann", to_tier="gold", occurred_at=NOON + timedelta(days=2)))
    _, completions = await outcome(database, brand, "ann")
    assert [(name, at) for name, _, at, _ in completions] == [("climb", NOON)]
    badges = await fetch(servers, "SELECT badge FROM badges WHERE brand = $1", brand)
    assert [row[0] for row in badges] == ["climber"]
    async with database.reading(brand) as connection:
        assert await violations(connection) == []


async def test_days_are_those_of_the_zone_that_the_member_is_in(database: Database, brand: str) -> None:
    path = replica(database)
    await tell(path, brand, applied(), member="_")
    # Two evenings in Honolulu, one and the same day in UTC.
    await tell(path, brand, shared(zone="Pacific/Honolulu"))
    day = datetime(2026, 3, 2, tzinfo=UTC)
    for number, moment in enumerate((day + timedelta(hours=9), day + timedelta(hours=11))):
        await tell(path, brand, recorded("ann", f"p{number}", (moment - NOON) / timedelta(hours=1)))
        await tell(path, brand, recorded("bob", f"b{number}", (moment - NOON) / timedelta(hours=1)), member="bob")
    assert (await outcome(database, brand, "ann"))[0]["m"]["row"][3][0][3] == 2
    assert (await outcome(database, brand, "bob"))[0]["m"]["row"][3][0][3] == 1


async def test_badges_and_missions_that_others_grant_are_given_once(
    database: Database, servers: Servers, brand: str
) -> None:
    path = replica(database)
    await tell(path, brand, applied(), member="_")
    granted = RewardGranted(
        key="prize:c1", member="ann", grants=[Grant(badge="climber"), Grant(mission="given")], occurred_at=NOON
    )
    for _ in range(2):
        await tell(path, brand, granted)
    await tell(path, brand, recorded("ann", "p1", 1), recorded("ann", "p2", 2))
    _, completions = await outcome(database, brand, "ann")
    assert [each[0] for each in completions] == ["given"]
    badges = await fetch(servers, "SELECT badge FROM badges WHERE brand = $1 ORDER BY 1", brand)
    assert [row[0] for row in badges] == ["climber", "giver"]
    async with database.reading(brand) as connection:
        assert await violations(connection) == []


async def test_an_erased_member_is_gone_and_leaderboards_receipt_is_answered_once(
    database: Database, servers: Servers, brand: str
) -> None:
    path = replica(database)
    await tell(path, brand, applied(), member="_")
    await tell(path, brand, shared(age=30), *(recorded("ann", f"p{number}", number) for number in range(3)))
    await tell(path, brand, MemberErased(member="ann", erasure="e1", alias="!a"))

    async def receipts() -> list[str]:
        query = "SELECT payload FROM outbox WHERE brand = $1 AND type LIKE '%ErasureReceipt' ORDER BY id"
        return [ErasureReceipt.FromString(row["payload"]).after for row in await fetch(servers, query, brand)]

    assert await receipts() == ["points"]
    # What arrives in between is taken in, told of nobody, and erased again.
    await tell(path, brand, *(recorded("ann", f"q{number}", number) for number in range(9)))
    assert await fetch(servers, "SELECT FROM mission_facts WHERE brand = $1", brand)
    for after in ("points", "missions"):
        receipt = ErasureReceipt(erasure="e1", service="leaderboard", after=after, alias="!a")
        heard = event(brand, receipt, "ann")
        heard = type(heard)("leaderboard", heard.id, heard.brand, heard.member, heard.message)
        assert await apply_events(path, heard) == [None]
    assert await receipts() == ["points", "leaderboard"]
    await tell(path, brand, ErasureSettled(erasure="e1"), member="_")
    for table in (
        "mission_members",
        "member_missions",
        "mission_facts",
        "mission_checkpoints",
        "completions",
        "badges",
    ):
        assert not await fetch(servers, f"SELECT FROM {table} WHERE brand = $1 AND member = 'ann'", brand), table
