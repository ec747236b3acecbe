"""Whatever the missions service was doing when it died, asking again ends as if it had not.

Each operation is cut off before every one of its statements, before its commit
and after it, as a killed process leaves it, and then asked again of another.
"""

import asyncio
import itertools
from functools import partial
from typing import Any

import pytest

from chassis.configuration import Configurations
from chassis.database import Database
from chassis.events import Event
from chassis.write_path import WritePath
from cli.embedded import Servers
from laurels.missions.v1 import participation_pb2 as pb
from laurels.missions.v1 import programme_goals_pb2 as goals
from laurels.missions.v1 import programme_pb2
from laurels.programme.v1.events_pb2 import ProgrammeApplied
from services.missions.book import Book
from services.missions.journal import settle
from services.missions.operations import OPERATIONS
from services.missions.participation import PayDue
from services.missions.programme import compile_document
from services.missions.subscriber import request_of
from services.missions.verification import violations
from tests.integration.missions_support import fetch, mission
from tests.integration.mortal import Mortal
from tests.integration.test_missions_deterministic import documented, recorded

_ids = itertools.count(3 * 10**17)
KEPT = (
    "SELECT member, state::text, last_id FROM member_missions WHERE brand = $1 ORDER BY 1",
    "SELECT member, at, id, body::text FROM mission_facts WHERE brand = $1 AND id NOT LIKE 'j %' ORDER BY 1, 2, 3",
    "SELECT member, mission, run, activity, state, retracted FROM completions WHERE brand = $1 ORDER BY 1, 2, 3",
    "SELECT name, value FROM mission_counters WHERE brand = $1 ORDER BY 1",
    "SELECT member, badge FROM badges WHERE brand = $1 ORDER BY 1, 2",
    "SELECT member, type, count(*) FROM outbox WHERE brand = $1 GROUP BY 1, 2 ORDER BY 1, 2",
)
BEFORE = [recorded("ann", f"p{number}", number, amount=10, category="a") for number in range(4)]
CUT_OFF: dict[str, Any] = {
    "the activity that finishes": recorded("ann", "p8", 8, amount=10, category="b"),
    "an activity that is late": recorded("ann", "p9", 1.5, amount=10, category="b"),
    "a refund": recorded("ann", "r1", 9, "refund", purchase="p1", amount=10),
    "an activity after the window": recorded("ann", "p99", 24 * 9, amount=10, category="c"),
    "a claim": pb.ClaimMissionRequest(member="ann", mission="claimed"),
    "a bounded reward": PayDue([("ann", "bounded", "")]),
}


def applied() -> ProgrammeApplied:
    found = documented()
    claimed, bounded = mission("claimed", 2, reward=7), mission("bounded", 2, reward=9)
    claimed.claiming.CopyFrom(goals.Claiming())
    claimed.limits.times = bounded.limits.times = 1
    added: list[programme_pb2.Mission] = [claimed, bounded]
    found.missions.missions.extend(added)
    return ProgrammeApplied(version=1, programme=found)


def path_over(database: Database) -> WritePath:
    begin = partial(Book, programmes=Configurations(compile_document), operations=OPERATIONS, settle=settle)
    return WritePath("missions", database, begin, on_commit=lambda: None)


async def ask(path: WritePath, brand: str, request: Any, number: int) -> Any:
    """Asks as the service is asked: of an event by its number, of a caller's request as it is."""
    if isinstance(request, pb.ClaimMissionRequest | PayDue):
        return await path.submit(brand, request)
    member = request.activity.member if hasattr(request, "activity") else "_"
    event = Event("points", number, brand, member, request)
    (failure,) = await path.submit_events([(event, request_of(event))])
    assert failure is None
    return None


async def begun(servers: Servers, brand: str) -> None:
    database = Database(servers.postgres.url("missions"))
    path = path_over(database)
    await ask(path, brand, applied(), next(_ids))
    events = [Event("points", next(_ids), brand, "ann", request) for request in BEFORE]
    assert set(await path.submit_events([(event, request_of(event)) for event in events])) == {None}
    await database.close()


async def kept(servers: Servers, brand: str) -> list[Any]:
    return [[tuple(row) for row in await fetch(servers, query, brand)] for query in KEPT]


async def cut_off(servers: Servers, brand: str, request: Any, number: int, dies_at: int) -> bool:
    """Asks; whether the one who was asked died of it."""
    database = Mortal(servers.postgres.url("missions"), dies_at)
    asked = asyncio.create_task(ask(path_over(database), brand, request, number))
    died = asyncio.create_task(database.dead.wait())
    await asyncio.wait({asked, died}, return_when=asyncio.FIRST_COMPLETED)
    dead = database.dead.is_set()
    for task in (asked, died):
        task.cancel()
    await asyncio.gather(asked, died, return_exceptions=True)
    await database.close()
    return dead


@pytest.mark.parametrize("name", CUT_OFF)
async def test_cut_off_anywhere_and_asked_again_it_is_as_if_nothing_had_happened(
    servers: Servers, brand: str, name: str
) -> None:
    request, undisturbed = CUT_OFF[name], f"{brand}-undisturbed"
    await begun(servers, undisturbed)
    database = Database(servers.postgres.url("missions"))
    try:
        await ask(path_over(database), undisturbed, request, next(_ids))
        expected = await kept(servers, undisturbed)
        steps = 0
        while True:
            steps += 1
            cut = f"{brand}-{steps}"
            number = next(_ids)
            await begun(servers, cut)
            if not await cut_off(servers, cut, request, number, steps):
                break
            await ask(path_over(database), cut, request, number)
            assert await kept(servers, cut) == expected, f"cut off at step {steps}"
            async with database.reading(cut) as connection:
                assert await violations(connection) == []
        assert steps > 5
    finally:
        await database.close()
