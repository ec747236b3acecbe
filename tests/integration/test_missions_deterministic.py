"""Progress does not depend on the order in which a member's activities arrive, nor on how often."""

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from chassis.database import Database
from chassis.write_path import WritePath
from cli.embedded import Servers
from laurels.activity.v1.events_pb2 import ActivityRecorded
from laurels.missions.v1 import programme_goals_pb2 as goals
from laurels.missions.v1 import programme_pb2 as pb
from laurels.missions.v1.events_pb2 import MissionCompleted, MissionRetracted
from laurels.points.v1.programme_earning_pb2 import RefundRule
from laurels.programme.v1 import programme_pb2
from laurels.programme.v1.events_pb2 import ProgrammeApplied
from laurels.value.v1.events_pb2 import RewardGranted
from services.missions.store import journal
from services.missions.verification import violations
from tests.integration.missions_support import NOON, fetch, mission, programme
from tests.integration.test_missions_write_path import apply_events, event, replica


def several(name: str, *some: goals.Goal, **fields: Any) -> pb.Mission:
    return pb.Mission(id=name, name=name.title(), activity_type="purchase", goals=some, **fields)


MISSIONS = (
    mission("five", 5, badge="keen", reward=10),
    mission("spent", 400, of="attributes.amount"),
    several("kinds", goals.Goal(distinct=goals.GoalDistinct(of="attributes.category", target=3))),
    several("both", goals.Goal(set=goals.GoalSet(of="attributes.category", values=["a", "b"]))),
    several(
        "steps",
        goals.Goal(
            sequence=goals.GoalSequence(
                steps=[
                    goals.SequenceStep(condition='attributes.category == "a"'),
                    goals.SequenceStep(condition='attributes.category == "b"', within_minutes=60 * 48),
                    goals.SequenceStep(activity_type="visit", within_minutes=60 * 72),
                ]
            )
        ),
    ),
    several("row", goals.Goal(streak=goals.GoalStreak(target=4, freeze_every=2, freezes_max=1))),
    several(
        "either",
        goals.Goal(count=goals.GoalCount(target=9)),
        goals.Goal(activity_type="visit", count=goals.GoalCount(target=3)),
        goals_needed=goals.GOALS_NEEDED_ANY,
    ),
    several(
        "weekly", goals.Goal(count=goals.GoalCount(target=3)), window=goals.Window(recurrence=goals.RECURRENCE_WEEKLY)
    ),
    several(
        "again",
        goals.Goal(count=goals.GoalCount(target=4)),
        window=goals.Window(recurrence=goals.RECURRENCE_ON_COMPLETION),
    ),
    several("payday", goals.Goal(count=goals.GoalCount(target=2)), window=goals.Window(cron="0 18 * * 5")),
    several(
        "then",
        goals.Goal(count=goals.GoalCount(target=2)),
        start=goals.Start(by=goals.START_BY_MISSION, after=["five"]),
        badges_needed=["keen"],
        claiming=goals.Claiming(within_hours=1),
        reward=pb.MissionReward(currency="points", amount=3),
    ),
)


def documented() -> programme_pb2.Programme:
    found = programme(*MISSIONS)
    found.activity_types.add(type="visit")
    found.activity_types.add(
        type="refund",
        attributes=[
            programme_pb2.Attribute(name="purchase", kind=programme_pb2.ATTRIBUTE_KIND_TEXT),
            programme_pb2.Attribute(name="amount", kind=programme_pb2.ATTRIBUTE_KIND_INTEGER),
        ],
    )
    found.points.refunds.append(
        RefundRule(
            activity_type="refund", purchase_type="purchase", purchase="purchase", amount="amount", total="amount"
        )
    )
    return found


def recorded(member: str, name: str, hours: float, type_name: str = "purchase", **attributes: Any) -> ActivityRecorded:
    moment = NOON + timedelta(hours=hours)
    found = ActivityRecorded(programme_version=1, recorded_at=moment)
    found.activity.id, found.activity.member, found.activity.type = name, member, type_name
    found.activity.occurred_at.FromDatetime(moment)
    found.activity.attributes.update(attributes)
    return found


def history(seed: int, days: int = 40) -> list[tuple[float, dict[str, Any]]]:
    """What a member did, in its order: hours, and what `recorded` takes."""
    draw = random.Random(seed)
    found: list[tuple[float, dict[str, Any]]] = []
    hours = 0.0
    for number in range(days * 2):
        hours += draw.choice([0, 1, 5, 11, 20, 30])
        if draw.random() < 0.2:
            found.append((hours, {"name": f"v{number:03}", "type_name": "visit"}))
        elif draw.random() < 0.15 and number > 3:
            bought = [(at, each) for at, each in found if "category" in each and hours - at < 24]
            if bought:
                name, amount = bought[-1][1]["name"], bought[-1][1]["amount"]
                part = draw.choice([amount, amount // 2])
                found.append(
                    (hours, {"name": f"r{number:03}", "type_name": "refund", "purchase": name, "amount": part})
                )
        else:
            found.append(
                (hours, {"name": f"p{number:03}", "amount": draw.randint(10, 50), "category": draw.choice("abc")})
            )
    return found


def shuffled(found: list[tuple[float, dict[str, Any]]], seed: int) -> list[tuple[float, dict[str, Any]]]:
    """Each activity arrives up to six days after it happened."""
    draw = random.Random(seed)
    late = [(hours + draw.choice([0, 0, draw.uniform(0, 24 * 6)]), number) for number, (hours, _) in enumerate(found)]
    return [found[number] for _, number in sorted(late)]


@pytest.fixture
async def database(servers: Servers) -> AsyncIterator[Database]:
    opened = Database(servers.postgres.url("missions"))
    yield opened
    await opened.close()


async def start(path: WritePath, brand: str) -> None:
    assert await apply_events(path, event(brand, ProgrammeApplied(version=1, programme=documented()))) == [None]


async def outcome(database: Database, brand: str, member: str) -> tuple[Any, Any]:
    """The state and the completions that stand."""
    async with database.reading(brand) as connection:
        row = await journal.missions_of(connection, brand, member)
        completions = await journal.completions_of(connection, brand, member)
    standing = {
        (each.mission, each.run, each.completed_at, each.activity) for each in completions if not each.retracted
    }
    return row.state, standing


async def test_any_order_within_the_window_and_any_repetition_give_the_same(
    database: Database, servers: Servers, brand: str
) -> None:
    path = replica(database)
    await start(path, brand)
    for seed in range(6):
        found = history(seed)
        orders = [found, *(shuffled(found, 10 * seed + each) for each in range(1, 4))]
        for number, order in enumerate(orders):
            member = f"m{seed}-{number}"
            events = [event(brand, recorded(member, hours=hours, **what), member) for hours, what in order]
            draw = random.Random(number)
            size = draw.choice([1, 7, 40]) if number else 40
            for first in range(0, len(events), size):
                batch = events[first : first + size]
                assert set(await apply_events(path, *batch)) == {None}
                if draw.random() < 0.3:
                    assert set(await apply_events(path, *batch)) == {None}
        in_order = await outcome(database, brand, f"m{seed}-0")
        assert in_order[1]
        for number in range(1, len(orders)):
            state, completions = await outcome(database, brand, f"m{seed}-{number}")
            assert state["m"] == in_order[0]["m"], (seed, number)
            assert state["b"] == in_order[0]["b"]
            assert completions == in_order[1]
    async with database.reading(brand) as connection:
        assert await violations(connection) == []
    # Nothing is kept from before the older of two checkpoints.
    kept = await fetch(servers, "SELECT member, count(*) FROM mission_checkpoints WHERE brand = $1 GROUP BY 1", brand)
    assert {row[1] for row in kept} <= {1, 2}


async def test_a_refund_takes_its_purchase_out_and_what_was_given_stays(
    database: Database, servers: Servers, brand: str
) -> None:
    path = replica(database)
    await start(path, brand)

    async def told(kind: type[Any]) -> list[Any]:
        rows = await fetch(
            servers,
            "SELECT payload FROM outbox WHERE brand = $1 AND type = $2 ORDER BY id",
            brand,
            kind.DESCRIPTOR.full_name,
        )
        return [kind.FromString(row["payload"]) for row in rows]

    for number in range(5):
        await apply_events(path, event(brand, recorded("ann", f"p{number}", number, amount=10, category="a"), "ann"))
    assert [each.key for each in await told(RewardGranted)] == ["mission:five:ann"]
    refund = recorded("ann", "r1", 6, "refund", purchase="p2", amount=10)
    assert await apply_events(path, event(brand, refund, "ann")) == [None]
    state, completions = await outcome(database, brand, "ann")
    assert state["m"]["five"][3] == [4]
    assert "five" not in {each[0] for each in completions}
    retracted = [each for each in await told(MissionRetracted) if each.mission == "five"]
    assert [(each.mission, each.rewarded) for each in retracted] == [("five", True)]
    # Finished again by the next one, and not paid again.
    await apply_events(path, event(brand, recorded("ann", "p9", 9, amount=10, category="a"), "ann"))
    state, completions = await outcome(database, brand, "ann")
    assert "five" in {each[0] for each in completions}
    assert [each.key for each in await told(RewardGranted)] == ["mission:five:ann"]
    assert [each.mission for each in await told(MissionCompleted)].count("five") == 2
    async with database.reading(brand) as connection:
        assert await violations(connection) == []


async def test_a_refund_in_part_leaves_its_share_of_a_sum(database: Database, brand: str) -> None:
    path = replica(database)
    await start(path, brand)
    # The refund is there before its purchase.
    await apply_events(path, event(brand, recorded("ann", "r1", 3, "refund", purchase="p1", amount=30), "ann"))
    await apply_events(path, event(brand, recorded("ann", "p1", 2, amount=100, category="a"), "ann"))
    state, _ = await outcome(database, brand, "ann")
    assert state["m"]["spent"][3] == [70]
    assert state["m"]["five"][3] == [1]


async def test_two_replicas_that_shuffle_the_same_members_agree(database: Database, brand: str) -> None:
    one, other = replica(database), replica(database)
    await start(one, brand)
    found = history(77, days=15)
    events = [event(brand, recorded("ann", hours=hours, **what), "ann") for hours, what in shuffled(found, 3)]
    slices = [events[first : first + 5] for first in range(0, len(events), 5)]
    await asyncio.gather(*(apply_events(path, *piece) for piece in slices for path in (one, other)))
    for hours, what in found:
        await apply_events(one, event(brand, recorded("bob", hours=hours, **what), "bob"))
    shuffled_state, shuffled_completions = await outcome(database, brand, "ann")
    in_order_state, in_order_completions = await outcome(database, brand, "bob")
    assert shuffled_state["m"] == in_order_state["m"]
    assert shuffled_completions == in_order_completions
