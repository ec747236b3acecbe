"""Whatever was given, held or told between services when the process died, asking again ends as if it had not.

Each operation is cut off before every one of its statements, before its commit
and after it, and then asked again of another. Nothing else runs meanwhile.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chassis.database import Database
from cli.embedded import Servers
from laurels.activity.v1 import activity_pb2
from laurels.points.v1 import grants_pb2
from laurels.points.v1 import programme_pb2 as pb
from laurels.programme.v1 import programme_pb2
from laurels.value.v1 import events_pb2 as value_pb
from services.points.attribute_events import DueAnniversaries, SweepOn
from services.points.grants import Chance, Granted, Retry, drawn, granted
from services.points.operations import OPERATIONS
from services.points.service_holds import DueRequests, HoldAsked, asked
from services.points.sharing import Earning
from tests.integration.mortal import Mortal, died
from tests.integration.points_support import NOON, purchase
from tests.integration.test_points_crash_points import CASES
from tests.integration.value_support import (
    BIRTHDAY,
    COUNTRY,
    COUPON,
    KEPT_BACK,
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

CAPTURE, RELEASE = value_pb.HOLD_END_CAPTURE, value_pb.HOLD_END_RELEASE
CHANCES = tuple(Chance(f"{number:024d}", ("A" * 32, "B" * 32, "C" * 32)) for number in range(7))
LATER = datetime.now(UTC) + timedelta(days=3)
# Without the ids and codes that are drawn anew when an event comes again.
KEPT = (
    "SELECT owner, currency, kind, sum(balance)::bigint FROM accounts WHERE brand = $1 GROUP BY 1, 2, 3 "
    "ORDER BY 1, 2, 3",
    "SELECT regexp_replace(key, ':[0-9a-f]{24}$', ''), kind, amount FROM entries WHERE brand = $1 ORDER BY 1, 3",
    "SELECT amount, state, captured FROM holds WHERE brand = $1 ORDER BY 1, 2",
    "SELECT key, hold <> '', code, ended, due_at IS NULL FROM hold_requests WHERE brand = $1 ORDER BY 1",
    """SELECT "grant", state, code, redemption <> '' FROM parked_grants WHERE brand = $1 ORDER BY 1""",
    "SELECT key FROM given_rewards WHERE brand = $1 ORDER BY 1",
    "SELECT reward, state, code <> '' FROM redemptions WHERE brand = $1 ORDER BY 1, 2",
    "SELECT reward, state, count(*) FROM reward_codes WHERE brand = $1 GROUP BY 1, 2 ORDER BY 1, 2",
    "SELECT name, owner, value FROM counters WHERE brand = $1 AND value <> 0 ORDER BY 1, 2",
    "SELECT member, attribute, told_until FROM anniversaries WHERE brand = $1 ORDER BY 1, 2",
    "SELECT names, done_to FROM particulars_sweeps WHERE brand = $1",
    "SELECT member, type, count(*) FROM outbox WHERE brand = $1 GROUP BY 1, 2 ORDER BY 1, 2",
)


def crash_programme(*attributes: pb.MemberAttribute, stock: int = 1) -> programme_pb2.Programme:
    found = attributed(*attributes)
    found.points.rewards.extend([pb.Reward(id="mug", name="Mug", stock=stock), COUPON])
    return found


TODAY = datetime.now(UTC).date()
BORN_TODAY = f"1990-{TODAY:%m-%d}" if (TODAY.month, TODAY.day) != (2, 29) else "1988-02-29"
MIXED = granting("prize:c1", coins(10), prize("mug"), prize("mug"), prize("coupon"), coins(5, "shells"))
BEFORE = [
    programme_pb2.ApplyProgrammeRequest(programme=crash_programme(KEPT_BACK, BIRTHDAY)),
    activity_pb2.RecordActivitiesRequest(activities=[purchase("first")]),
    enrolment("eve", country="de", birthday=BORN_TODAY),
    HoldAsked(hold_of("held", 20, due=NOON), "a" * 24),
    Granted(granting("parked", prize("mug"), prize("mug")), CHANCES[5:]),
    programme_pb2.ApplyProgrammeRequest(programme=crash_programme(COUNTRY, BIRTHDAY, stock=3)),
]
CUT_OFF: dict[str, Any] = {
    "grants": Granted(MIXED, CHANCES[:5]),
    "hold": HoldAsked(hold_of("other", 30, due=LATER), "b" * 24),
    "refused hold": HoldAsked(hold_of("too-much", 3_000, due=LATER), "c" * 24),
    "capture": settled("held", CAPTURE),
    "release": settled("held", RELEASE),
    "due": DueRequests(["held"], LATER),
    "anniversary": DueAnniversaries(["eve"], datetime.now(UTC)),
    "sweep": SweepOn("", ["eve"]),
}


OF_PARKED: dict[str, Callable[[str], Any]] = {
    "retry": lambda grant: Retry(grants_pb2.RetryGrantRequest(grant=grant, idempotency_key="again"), CHANCES[0]),
    "dismissal": lambda grant: grants_pb2.DismissGrantRequest(grant=grant, reason="late", idempotency_key="again"),
}
KINDS = {*map(type, CUT_OFF.values()), *(type(made("")) for made in OF_PARKED.values())}


def test_every_request_that_the_service_decides_is_cut_off_somewhere() -> None:
    # What an earning causes is touched, and is no request of its own.
    assert {case.kind for case in CASES.values()} | KINDS == set(OPERATIONS) - {Earning}


def drawn_anew(request: Any) -> Any:
    """The request as it is made when its event comes again, or a caller asks again."""
    match request:
        case Granted():
            return granted(request.event)
        case HoldAsked():
            return asked(request.event)
        case Retry():
            return Retry(request.request, drawn())
    return request


async def died_of(servers: Servers, brand: str, request: Any, dies_at: int) -> bool:
    """Asks; whether the one who was asked died of it."""
    database = Mortal(servers.postgres.url("points"), dies_at)
    return await died(database, path_over(database).submit(brand, request))


@pytest.mark.parametrize("operation", [*CUT_OFF, *OF_PARKED])
async def test_what_died_anywhere_is_done_once_when_it_is_asked_again(
    servers: Servers, brand: str, operation: str
) -> None:
    healthy = Database(servers.postgres.url("points"))
    path = path_over(healthy)
    expected: list[Any] = []
    for dies_at in range(100):
        place = f"{brand}-{dies_at}"
        for before in BEFORE:
            await path.submit(place, before)
        async with connected(servers, place) as connection:
            waiting = await connection.fetchval('SELECT "grant" FROM parked_grants WHERE brand = $1', place)
        request = OF_PARKED[operation](waiting) if operation in OF_PARKED else CUT_OFF[operation]
        died = await died_of(servers, place, request, dies_at)
        await path.submit(place, drawn_anew(request))
        async with connected(servers, place) as connection:
            found = [[tuple(row) for row in await connection.fetch(query, place)] for query in KEPT]
        if dies_at == 0:
            expected = found
        assert found == expected, f"cut off at statement {dies_at}"
        if dies_at and not died:
            break
    await healthy.close()
    assert dies_at > 4, "it was cut off at each of its statements"
    assert await found_in(servers, f"{brand}-{dies_at}") == []
