"""Groups, gifts and referrals, over gRPC on the real servers."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import asyncpg
import pytest

from chassis.configuration import Configurations
from chassis.database import Database
from chassis.errors import DomainError, InvalidArgument
from chassis.write_path import WritePath
from cli.embedded import Servers
from laurels.activity.v1.activity_pb2 import Activity, RecordActivitiesRequest
from laurels.points.v1 import events_pb2, groups_events_pb2, groups_pb2_grpc, ledger_pb2, ledger_pb2_grpc, points_pb2
from laurels.points.v1 import groups_pb2 as gb
from laurels.points.v1 import programme_earning_pb2 as pe
from laurels.points.v1 import programme_groups_pb2 as pg
from laurels.points.v1 import programme_pb2 as pb
from laurels.programme.v1.programme_pb2 import ActivityType, Attribute
from services.points import verification
from services.points.book import Book
from services.points.groups import group_id
from services.points.operations import OPERATIONS
from services.points.pending import lot_id
from services.points.programme import compile_document
from services.points.referrals import MakeCode
from tests.conftest import running
from tests.integration.points_support import (
    INTEGER,
    PER_UNIT,
    TEXT,
    Points,
    Streams,
    eventually,
    programme,
    purchase,
    rule,
    streams_of,
    visit,
)

OWNER, MANAGER, MEMBER = pg.GROUP_ROLE_OWNER, pg.GROUP_ROLE_MANAGER, pg.GROUP_ROLE_MEMBER
DAY, WEEK, MONTH, EVER = (
    pg.ALLOWANCE_PERIOD_DAY,
    pg.ALLOWANCE_PERIOD_WEEK,
    pg.ALLOWANCE_PERIOD_MONTH,
    pg.ALLOWANCE_PERIOD_EVER,
)
ISSUED = ledger_pb2.LedgerAccount(kind=points_pb2.ACCOUNT_KIND_ISSUED)


@pytest.fixture(scope="module")
async def points(settings_of: Callable[..., Any], token: Callable[..., str]) -> AsyncIterator[Points]:
    async with running("points", settings_of("points")) as channel:
        stubs = (
            groups_pb2_grpc.GroupServiceStub(channel),
            groups_pb2_grpc.GiftServiceStub(channel),
            groups_pb2_grpc.ReferralServiceStub(channel),
            ledger_pb2_grpc.LedgerServiceStub(channel),
        )
        yield Points(channel, token, *stubs)


@pytest.fixture
async def streams(servers: Servers, points: Points) -> AsyncIterator[Streams]:
    async with streams_of(servers) as client:
        yield Streams(points, client)


@pytest.fixture
async def database(servers: Servers) -> AsyncIterator[asyncpg.Connection]:
    """The database as the superuser sees it."""
    connection = await asyncpg.connect(servers.postgres.admin_url("laurels_points"))
    yield connection
    await connection.close()


class Replicas:
    """Four replicas of the service, each with connections of its own, whose transactions run beside each other."""

    def __init__(self, paths: list[WritePath]) -> None:
        self._paths = paths

    async def race(self, brand: str, *requests: Any) -> list[Any]:
        """The answers to requests that are made at once, refusals among them, in the order of the requests."""
        calls = [self._paths[n % len(self._paths)].submit(brand, request) for n, request in enumerate(requests)]
        answers = await asyncio.gather(*calls, return_exceptions=True)
        broken = [a for a in answers if isinstance(a, BaseException) and not isinstance(a, DomainError)]
        assert broken == []
        return list(answers)


@pytest.fixture
async def replicas(servers: Servers, database: asyncpg.Connection) -> AsyncIterator[Replicas]:
    """Fails the test when its requests made a deadlock."""
    deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = 'laurels_points'"
    before = await database.fetchval(deadlocks)
    async with AsyncExitStack() as stack:
        paths = []
        for _ in range(4):
            connections = Database(servers.postgres.url("points"))
            stack.push_async_callback(connections.close)
            begin = partial(Book, programmes=Configurations(compile_document), operations=OPERATIONS)
            # Small batches, so that most races are between transactions.
            paths.append(WritePath("points", connections, begin, on_commit=lambda: None, batch_weight_max=3))
            stack.push_async_callback(paths[-1].drain)
        yield Replicas(paths)
    assert await database.fetchval(deadlocks) == before


async def meanwhile(database: asyncpg.Connection, brand: str, member: str, statement: str, call: Any) -> Any:
    """The answer to a call that read before, and waits for the member while, another replica does a statement."""
    async with database.transaction():
        held = "SELECT FROM members WHERE brand = $1 AND member = $2 FOR NO KEY UPDATE"
        await database.execute(held, brand, member)
        answer = asyncio.ensure_future(call)
        waits = (
            "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid)))"
        )
        await eventually(lambda: database.fetchval(waits), True)
        await database.execute(statement, brand)
    return await answer


def refusals(answers: list[Any]) -> list[str]:
    return [answer.reason for answer in answers if isinstance(answer, DomainError)]


def recorded(*activities: Activity) -> RecordActivitiesRequest:
    return RecordActivitiesRequest(activities=activities)


def household(percent: int = 50, **kind: Any) -> pg.GroupKind:
    """A kind of groups of five, whose members pool what they earn and may spend 40 a day."""
    limit = pg.SpendingLimit(currency="points", allowance=pg.Allowance(amount=40, per=DAY))
    found = pg.GroupKind(
        id="household",
        name="Household",
        members_max=5,
        roles=[
            pg.GroupRoleRights(role=MANAGER, may_invite=True, may_remove=True, may_spend=True),
            pg.GroupRoleRights(role=MEMBER, may_spend=True, limits=[limit]),
        ],
    )
    if percent:
        found.pooled.add(currency="points", percent=percent)
    found.MergeFrom(pg.GroupKind(**kind))
    return found


def with_groups(*kinds: pg.GroupKind, expiry: pb.Expiry | None = None) -> Any:
    found = programme(PER_UNIT)
    found.points.groups.kinds.extend(kinds or [household()])
    if expiry is not None:
        found.points.currencies[0].expiry.CopyFrom(expiry)
    return found


def with_gifts(**bounds: Any) -> Any:
    found = programme(PER_UNIT)
    found.points.gifts.currencies.add(currency="points", **bounds)
    return found


def with_referrals(**terms: Any) -> Any:
    found = programme(PER_UNIT)
    usual: dict[str, Any] = {
        "currency": "gems",
        "referrer_amount": 50,
        "referee_amount": 20,
        "activity_type": "purchase",
        "condition": "attributes.amount >= 10",
        "window_days": 30,
    }
    found.points.referrals.MergeFrom(pg.ReferralProgramme(**(usual | terms)))
    return found


class Home:
    """A household of a brand, as its members see it."""

    def __init__(self, points: Points, brand: str, group: str) -> None:
        self.points, self.brand, self.group = points, brand, group

    @classmethod
    async def of(cls, points: Points, brand: str, owner: str, *members: str, kind: str = "household") -> "Home":
        for member in (owner, *members):
            await points.enrol(brand, member)
        request = gb.CreateGroupRequest(member=owner, kind=kind, name="Home", idempotency_key=kind)
        home = cls(points, brand, (await points.call("CreateGroup", request, brand)).group.group)
        for member in members:
            await home.call("AddToGroup", gb.AddToGroupRequest(group=home.group, target=member))
        return home

    async def call(self, method: str, request: Any, **credential: Any) -> Any:
        return await self.points.call(method, request, self.brand, **credential)

    async def get(self, **credential: Any) -> gb.GetGroupResponse:
        return await self.call("GetGroup", gb.GetGroupRequest(group=self.group), **credential)

    async def available(self, currency: str = "points") -> int:
        return {wallet.currency: wallet.available for wallet in (await self.get()).wallets}[currency]

    async def spend(self, key: str, amount: int, member: str = "ann", reference: str = "") -> gb.GroupEntry:
        request = gb.SpendFromGroupRequest(
            group=self.group, currency="points", member=member, amount=amount, reference=reference, idempotency_key=key
        )
        return (await self.call("SpendFromGroup", request)).entry

    async def contribute(self, key: str, amount: int, member: str = "ann") -> gb.GroupEntry:
        request = gb.ContributeToGroupRequest(
            group=self.group, currency="points", member=member, amount=amount, idempotency_key=key
        )
        return (await self.call("ContributeToGroup", request)).entry

    async def statement(self, page_size: int = 50, **credential: Any) -> list[gb.GroupEntry]:
        found: list[gb.GroupEntry] = []
        token = ""
        while True:
            request = gb.ListGroupEntriesRequest(group=self.group, page_size=page_size, page_token=token)
            answer = await self.call("ListGroupEntries", request, **credential)
            found += answer.entries
            token = answer.next_page_token
            if not token:
                return found


async def code_of(call: Any) -> str:
    with pytest.raises(DomainError) as refusal:
        await call
    return refusal.value.reason


async def give(
    points: Points, brand: str, key: str, amount: int, *, member: str = "ann", to: str = "bob", **credential: Any
) -> points_pb2.Entry:
    request = gb.GivePointsRequest(
        member=member, currency="points", to=to, amount=amount, reference="thanks", idempotency_key=key
    )
    return (await points.call("GivePoints", request, brand, **credential)).entry


async def code_for(points: Points, brand: str, member: str) -> str:
    return (await points.call("GetReferral", gb.GetReferralRequest(member=member), brand)).code


async def claim(points: Points, brand: str, member: str, code: str) -> None:
    await points.call("ClaimReferral", gb.ClaimReferralRequest(member=member, code=code), brand)


async def enrol(points: Points, brand: str, member: str, code: str) -> points_pb2.EnrolMemberResponse:
    return await points.call("EnrolMember", points_pb2.EnrolMemberRequest(member=member, referral_code=code), brand)


def bought(name: str, member: str, amount: int = 100, days_ago: float = 0) -> Activity:
    """A purchase so many days ago, by the real clock, which enrolments go by."""
    found = purchase(name, member, amount)
    found.occurred_at.FromDatetime(datetime.now(UTC) - timedelta(days=days_ago))
    return found


async def violations(database: asyncpg.Connection, brand: str) -> list[str]:
    """What is wrong with a brand's data, at one moment."""
    # Within a transaction of the test's own, which damages it, one moment is the test's matter.
    isolation = None if database.is_in_transaction() else "repeatable_read"
    async with database.transaction(isolation=isolation):
        await database.execute("SELECT set_config('laurels.brand', $1, true)", brand)
        await database.execute("SET LOCAL ROLE laurels_points_app")
        return await verification.violations(database)


# -- groups -------------------------------------------------------------------


async def test_a_share_of_every_earning_goes_to_the_group_with_it(
    points: Points, brand: str, streams: Streams, database: asyncpg.Connection
) -> None:
    await points.apply(brand, with_groups())
    home = await Home.of(points, brand, "ann", "bob")
    answer = await points.record(brand, purchase("a", "ann", 101), purchase("b", "bob", 10), purchase("c", "cat", 7))
    assert [result.earned[0].amount for result in answer.results] == [101, 10, 7]
    assert await home.available() == 50 + 5
    assert await points.wallets(brand, "ann") == {"points": (51, 101), "gems": (0, 0)}
    assert await points.available(brand, "cat") == 7
    await points.record(brand, purchase("a", "ann", 101))
    assert await home.available() == 55
    shown = {place.member: place for place in (await home.get()).members}
    assert {member: place.contributed[0].amount for member, place in shown.items()} == {"ann": 50, "bob": 5}
    kinds = [(entry.kind, entry.amount) for entry in await points.statement(brand)]
    assert kinds == [(points_pb2.ENTRY_KIND_CONTRIBUTION, -50), (points_pb2.ENTRY_KIND_EARN, 101)]
    credited = await streams.told(brand, groups_events_pb2.GroupCredited)
    assert sorted((e.member, e.group, e.amount, e.balance, e.member_balance) for e in credited) == [
        ("ann", home.group, 50, 50, 51),
        ("bob", home.group, 5, 55, 5),
    ]
    assert await violations(database, brand) == []


async def test_who_joins_and_earns_at_once_is_pooled_or_not_and_never_lost(
    points: Points, brand: str, replicas: Replicas, database: asyncpg.Connection
) -> None:
    """Twenty joins race with twenty earnings; each earning is wholly of before or of after its join."""
    await points.apply(brand, with_groups(household(100, members_max=50)))
    members = [f"m{number}" for number in range(20)]
    home = await Home.of(points, brand, "ann")
    for member in members:
        await points.enrol(brand, member)
    adds = [gb.AddToGroupRequest(group=home.group, target=member) for member in members]
    earns = [recorded(purchase(f"p-{member}", member, 10)) for member in members]
    answers = await replicas.race(brand, *(request for pair in zip(adds, earns, strict=True) for request in pair))
    assert refusals(answers) == []
    own = [await points.available(brand, member) for member in members]
    assert set(own) <= {0, 10}
    assert sum(own) + await home.available() == 200
    await points.record(brand, *(purchase(f"q-{member}", member, 1) for member in members))
    assert await home.available() == 200 - sum(own) + 20
    assert await violations(database, brand) == []


async def test_who_joined_after_an_earning_was_read_and_before_it_was_decided_is_pooled(
    points: Points, brand: str, database: asyncpg.Connection
) -> None:
    await points.apply(brand, with_groups())
    home = await Home.of(points, brand, "ann")
    await points.enrol(brand, "bob")
    await home.call("InviteToGroup", gb.InviteToGroupRequest(group=home.group, target="bob"))
    join = "UPDATE group_members SET state = 2, joined_at = now() WHERE brand = $1 AND member = 'bob'"
    await meanwhile(database, brand, "bob", join, points.record(brand, purchase("a", "bob", 100)))
    assert await home.available() == 50
    leave = "UPDATE group_members SET state = 3 WHERE brand = $1 AND member = 'bob'"
    await meanwhile(database, brand, "bob", leave, points.record(brand, purchase("b", "bob", 100)))
    assert await home.available() == 50
    await database.execute("UPDATE groups SET size = 1 WHERE brand = $1", brand)
    assert await violations(database, brand) == []


async def test_a_group_that_is_dissolved_while_members_join_spend_and_earn_gives_all_it_has(
    points: Points, brand: str, replicas: Replicas, database: asyncpg.Connection
) -> None:
    kind = household(50, members_max=50, distribution=pg.GROUP_DISTRIBUTION_EQUALLY)
    await points.apply(brand, with_groups(kind))
    home = await Home.of(points, brand, "ann", "bob")
    await points.record(brand, purchase("a", "ann", 100))
    members = [f"m{number}" for number in range(12)]
    for member in members:
        await points.enrol(brand, member)
    requests: list[Any] = []
    for number, member in enumerate(members):
        requests.append(gb.AddToGroupRequest(group=home.group, target=member))
        requests.append(recorded(purchase(f"p-{member}", "bob", 7)))
        spend = gb.SpendFromGroupRequest(group=home.group, member="ann", currency="points", amount=1)
        spend.idempotency_key = f"s{number}"
        requests.append(spend)
    dissolve = gb.DissolveGroupRequest(group=home.group, member="ann", idempotency_key="d")
    answers = await replicas.race(brand, *requests[:15], dissolve, *requests[15:])
    assert set(refusals(answers)) <= {"unknown_group", "aborted"}
    # One that met a member who had just joined is told to try again.
    await home.call("DissolveGroup", dissolve)
    assert await home.available() == 0
    spent = sum(not isinstance(answer, DomainError) for answer in answers[2:15:3])
    spent += sum(not isinstance(answer, DomainError) for answer in answers[18::3])
    held = [await points.available(brand, member) for member in ("ann", "bob", *members)]
    assert sum(held) == 100 + 12 * 7 - spent
    assert await violations(database, brand) == []


async def test_pending_points_are_pooled_when_they_become_available(points: Points, brand: str) -> None:
    found = with_groups()
    found.points.earning_rules[0].pending.until_approved = True
    await points.apply(brand, found)
    home = await Home.of(points, brand, "ann")
    await points.record(brand, purchase("a", "ann", 100))
    assert await home.available() == 0
    request = ledger_pb2.ListPendingLotsRequest(member="ann")
    (lot,) = (await points.call("ListPendingLots", request, brand)).lots
    await points.call("ActivatePendingLot", ledger_pb2.ActivatePendingLotRequest(lot=lot.lot), brand)
    assert (await home.available(), await points.available(brand)) == (50, 50)


async def test_pooled_points_keep_the_moment_at_which_they_expire(
    points: Points, brand: str, database: asyncpg.Connection
) -> None:
    await points.apply(brand, with_groups(expiry=pb.Expiry(days=30)))
    home = await Home.of(points, brand, "ann")
    await points.record(brand, bought("old", "ann", 100, days_ago=20), bought("new", "ann", 60, days_ago=1))
    (wallet,) = [wallet for wallet in (await home.get()).wallets if wallet.currency == "points"]
    own = (await points.call("ListWallets", points_pb2.ListWalletsRequest(member="ann"), brand)).wallets[0]
    assert (wallet.available, wallet.expiring_next) == (own.available, own.expiring_next) == (80, 50)
    assert wallet.expires_at == own.expires_at
    await points.record(brand, bought("gone", "ann", 10, days_ago=40))
    await points.call("RunSchedules", ledger_pb2.RunSchedulesRequest(), brand)
    assert await home.available() == 80
    assert await violations(database, brand) == []


async def test_a_debt_is_paid_before_a_share_is_pooled(
    points: Points, brand: str, database: asyncpg.Connection
) -> None:
    found = with_groups(household(100), household(50, id="team"), expiry=pb.Expiry(days=30))
    found.points.currencies[0].overdraft_max = 100
    await points.apply(brand, found)
    home = await Home.of(points, brand, "ann")
    team = await Home.of(points, brand, "ann", kind="team")
    redeemed = ledger_pb2.LedgerAccount(kind=points_pb2.ACCOUNT_KIND_REDEEMED)
    debt = ledger_pb2.Transfer(id="t", currency="points", amount=60, credit=redeemed)
    debt.debit.member = "ann"
    await points.call("PostTransfers", ledger_pb2.PostTransfersRequest(transfers=[debt]), brand)
    await points.record(brand, bought("a", "ann", 50))
    assert (await points.available(brand), await home.available(), await team.available()) == (-10, 0, 0)
    await points.record(brand, bought("b", "ann", 100))
    # Of the 90 that are left, one group has half of what was earned at most, the other what remains.
    pooled = sorted([await home.available(), await team.available()])
    assert (await points.available(brand), sum(pooled)) == (0, 90)
    lots = """
        SELECT balance, (SELECT coalesce(sum(remaining), 0) FROM lots WHERE account = accounts.id) AS in_lots
        FROM accounts WHERE brand = $1 AND owner <> '' AND currency = 'points'"""
    for row in await database.fetch(lots, brand):
        assert row["balance"] == row["in_lots"]
    assert await violations(database, brand) == []


async def test_a_group_exists_for_its_members_only(points: Points, brand: str) -> None:
    await points.apply(brand, with_groups())
    home = await Home.of(points, brand, "ann", "bob")
    await points.enrol(brand, "eve")
    seen = await home.get(subject="bob", scope="member")
    assert [(place.member, place.role) for place in seen.members] == [("ann", OWNER), ("bob", MEMBER)]
    assert await home.statement(subject="bob", scope="member") == []
    eve = {"subject": "eve", "scope": "member"}
    group = home.group
    refused = [
        ("GetGroup", gb.GetGroupRequest(group=group)),
        ("ListGroupEntries", gb.ListGroupEntriesRequest(group=group)),
        ("InviteToGroup", gb.InviteToGroupRequest(group=group, member="eve", target="eve")),
        ("JoinGroup", gb.JoinGroupRequest(group=group, member="eve")),
        ("LeaveGroup", gb.LeaveGroupRequest(group=group, member="eve")),
        ("RemoveFromGroup", gb.RemoveFromGroupRequest(group=group, member="eve", target="bob")),
        ("ChangeGroupRole", gb.ChangeGroupRoleRequest(group=group, member="eve", target="eve", role=OWNER)),
        ("DissolveGroup", gb.DissolveGroupRequest(group=group, member="eve", idempotency_key="d")),
        (
            "SpendFromGroup",
            gb.SpendFromGroupRequest(group=group, member="eve", currency="points", amount=1, idempotency_key="s"),
        ),
        (
            "ContributeToGroup",
            gb.ContributeToGroupRequest(group=group, member="eve", currency="points", amount=1, idempotency_key="s"),
        ),
    ]
    for method, request in refused:
        assert await code_of(home.call(method, request, **eve)) == "unknown_group", method
        request.group = "nowhere"
        assert await code_of(home.call(method, request, **eve)) == "unknown_group", method
        request.group = group
        if hasattr(request, "member"):
            # As another, or as nobody, a member's token asks for nothing.
            for name in ("ann", ""):
                request.member = name
                assert await code_of(home.call(method, request, **eve)) == "unknown_member", method
    add = gb.AddToGroupRequest(group=group, target="eve")
    assert await code_of(home.call("AddToGroup", add, **eve)) == "permission_denied"
    assert (await home.get()).group.size == 2


async def test_members_are_invited_join_change_roles_and_leave(points: Points, brand: str, streams: Streams) -> None:
    await points.apply(brand, with_groups(household(0, members_max=3)))
    home = await Home.of(points, brand, "ann")
    for member in ("bob", "cat", "dan"):
        await points.enrol(brand, member)

    async def invite(by: str, target: str, role: Any = MEMBER) -> Any:
        request = gb.InviteToGroupRequest(group=home.group, member=by, target=target, role=role)
        return await home.call("InviteToGroup", request, subject=by, scope="member")

    async def join(member: str) -> Any:
        request = gb.JoinGroupRequest(group=home.group, member=member)
        return await home.call("JoinGroup", request, subject=member, scope="member")

    assert (await invite("ann", "bob", MANAGER)).group.size == 2
    await invite("ann", "bob", MANAGER)
    listed = await home.call("ListMemberGroups", gb.ListMemberGroupsRequest(member="bob"))
    assert [(m.group.name, m.place.state) for m in listed.groups] == [("Home", gb.GROUP_MEMBER_STATE_INVITED)]
    assert await code_of(home.get(subject="bob", scope="member")) == "unknown_group"
    await join("bob")
    await join("bob")
    assert await code_of(invite("bob", "cat", MANAGER)) == "no_right"
    await invite("bob", "cat")
    assert await code_of(invite("ann", "dan")) == "group_full"
    await join("cat")
    assert await code_of(invite("cat", "dan")) == "no_right"
    remove = gb.RemoveFromGroupRequest(group=home.group, member="bob", target="ann")
    assert await code_of(home.call("RemoveFromGroup", remove)) == "no_right"
    leave = gb.LeaveGroupRequest(group=home.group, member="ann")
    assert await code_of(home.call("LeaveGroup", leave)) == "owner_stays"
    change = gb.ChangeGroupRoleRequest(group=home.group, member="bob", target="bob", role=OWNER)
    assert await code_of(home.call("ChangeGroupRole", change)) == "no_right"
    change.member = "ann"
    assert (await home.call("ChangeGroupRole", change)).group.owner == "bob"
    await home.call("LeaveGroup", leave)
    assert await code_of(home.call("LeaveGroup", leave)) == "unknown_group"
    remove = gb.RemoveFromGroupRequest(group=home.group, member="bob", target="cat")
    assert (await home.call("RemoveFromGroup", remove)).group.size == 1
    changed = await streams.told(brand, groups_events_pb2.GroupChanged)
    told = [(e.member, groups_events_pb2.GroupChange.Name(e.change)[13:].lower(), e.by) for e in changed]
    # Each member's in their order; there is none between members.
    assert sorted(told, key=lambda event: event[0]) == [
        ("ann", "created", "ann"),
        ("ann", "role", "ann"),
        ("ann", "left", "ann"),
        ("bob", "invited", "ann"),
        ("bob", "joined", "bob"),
        ("bob", "role", "ann"),
        ("cat", "invited", "bob"),
        ("cat", "joined", "cat"),
        ("cat", "removed", "bob"),
    ]


async def test_a_member_is_in_one_group_of_a_kind_however_many_ask_at_once(
    points: Points, brand: str, replicas: Replicas, database: asyncpg.Connection
) -> None:
    await points.apply(brand, with_groups(household(0), household(0, id="team")))
    homes = [await Home.of(points, brand, owner) for owner in ("ann", "bob", "cat")]
    await Home.of(points, brand, "ann", kind="team")
    await points.enrol(brand, "dan")
    adds = [gb.AddToGroupRequest(group=home.group, target="dan") for home in homes]
    assert refusals(await replicas.race(brand, *adds)) == ["already_in_group"] * 2
    invite = gb.InviteToGroupRequest(group=homes[0].group, member="ann", target="bob")
    await points.call("InviteToGroup", invite, brand)  # That Bob has a household is not Ann's to know.
    join = gb.JoinGroupRequest(group=homes[0].group, member="bob")
    assert await code_of(points.call("JoinGroup", join, brand)) == "already_in_group"
    again = gb.CreateGroupRequest(member="ann", kind="household", name="Other", idempotency_key="other")
    assert await code_of(points.call("CreateGroup", again, brand)) == "already_in_group"
    assert await violations(database, brand) == []


async def test_a_group_is_made_once_a_key(points: Points, brand: str) -> None:
    await points.apply(brand, with_groups())
    await points.enrol(brand, "ann")
    request = gb.CreateGroupRequest(member="ann", kind="household", name="Home", idempotency_key="k")
    answers = await asyncio.gather(*(points.call("CreateGroup", request, brand) for _ in range(20)))
    assert len({answer.group.group for answer in answers}) == 1
    request.name = "Other"
    assert await code_of(points.call("CreateGroup", request, brand)) == "idempotency_conflict"
    # Whoever foresees a group's id, and asks of it in the transaction that makes it, holds nobody up.
    await points.enrol(brand, "bob")
    spends = [
        gb.SpendFromGroupRequest(
            group=group_id("bob", "k"), member="bob", currency="points", amount=1, idempotency_key=f"s{number}"
        )
        for number in range(5)
    ]
    request = gb.CreateGroupRequest(member="bob", kind="household", idempotency_key="k")
    calls = [points.call("CreateGroup", request, brand)]
    calls += [points.call("SpendFromGroup", spend, brand) for spend in spends]
    async with asyncio.timeout(10):
        answers = await asyncio.gather(*calls, return_exceptions=True)
    assert set(refusals(answers)) <= {"unknown_group", "insufficient_points"}
    request = gb.CreateGroupRequest(member="ann", kind="club", idempotency_key="k2")
    assert await code_of(points.call("CreateGroup", request, brand)) == "unknown_group_kind"


async def test_members_spend_of_the_wallet_within_their_limits_however_many_ask_at_once(
    points: Points, brand: str, replicas: Replicas, streams: Streams, database: asyncpg.Connection
) -> None:
    """Twenty spends of 10 by a member who may spend 40 a day."""
    await points.apply(brand, with_groups())
    home = await Home.of(points, brand, "ann", "bob")
    await points.record(brand, purchase("a", "ann", 400))
    spends = [
        gb.SpendFromGroupRequest(
            group=home.group, currency="points", member="bob", amount=10, idempotency_key=f"s{number}"
        )
        for number in range(20)
    ]
    assert refusals(await replicas.race(brand, *spends)) == ["spending_limit"] * 16
    assert await home.available() == 160
    entry = await home.spend("own", 100)
    assert (entry.amount, entry.balance, entry.member) == (-100, 60, "ann")
    own = gb.SpendFromGroupRequest(group=home.group, currency="points", member="ann", amount=100, idempotency_key="own")
    repeated = await replicas.race(brand, *[own] * 20)
    assert {answer.entry.id for answer in repeated} == {entry.id}
    assert entry.id > 0
    assert await code_of(home.spend("own", 99)) == "idempotency_conflict"
    assert await code_of(home.spend("more", 61)) == "insufficient_points"
    statement = await home.statement(page_size=2, subject="bob", scope="member")
    assert [(e.amount, e.member, e.balance) for e in statement] == [
        (-100, "ann", 60),
        *((-10, "bob", balance) for balance in (160, 170, 180, 190)),
        (200, "ann", 200),
    ]
    debited = await streams.told(brand, groups_events_pb2.GroupDebited)
    assert sorted((e.member, e.amount) for e in debited) == [("ann", 100)] + [("bob", 10)] * 4
    assert await violations(database, brand) == []


async def test_a_member_contributes_by_request(points: Points, brand: str, database: asyncpg.Connection) -> None:
    await points.apply(brand, with_groups(household(0)))
    home = await Home.of(points, brand, "ann", "bob")
    await points.record(brand, purchase("a", "ann", 100))
    answers = await asyncio.gather(*(home.contribute("k", 60) for _ in range(20)))
    assert len({answer.id for answer in answers}) == 1
    assert (await home.available(), await points.available(brand)) == (60, 40)
    assert await code_of(home.contribute("k2", 41)) == "insufficient_points"
    assert await code_of(home.contribute("k", 61)) == "idempotency_conflict"
    await home.call("RemoveFromGroup", gb.RemoveFromGroupRequest(group=home.group, target="bob"))
    assert await code_of(home.contribute("k3", 1, "bob")) == "unknown_group"
    assert await violations(database, brand) == []


@pytest.mark.parametrize(
    ("distribution", "shares"),
    [(pg.GROUP_DISTRIBUTION_OWNER, [100, 0, 0]), (pg.GROUP_DISTRIBUTION_EQUALLY, [34, 33, 33])],
)
async def test_a_dissolved_group_gives_its_members_what_it_has(
    points: Points, brand: str, streams: Streams, database: asyncpg.Connection, distribution: Any, shares: list[int]
) -> None:
    await points.apply(brand, with_groups(household(100, distribution=distribution)))
    home = await Home.of(points, brand, "bob", "ann", "cat")
    await points.enrol(brand, "dan")
    await home.call("InviteToGroup", gb.InviteToGroupRequest(group=home.group, target="dan"))
    await points.record(brand, purchase("a", "ann", 100))
    request = gb.DissolveGroupRequest(group=home.group, member="ann", idempotency_key="d")
    assert await code_of(home.call("DissolveGroup", request)) == "no_right"
    request.member = "bob"
    answers = await asyncio.gather(*(home.call("DissolveGroup", request) for _ in range(10)))
    assert {answer.group.state for answer in answers} == {gb.GROUP_STATE_DISSOLVED}
    assert [await points.available(brand, member) for member in ("bob", "ann", "cat")] == shares
    assert await code_of(home.get(subject="bob", scope="member")) == "unknown_group"
    assert await code_of(home.spend("s", 1, "bob")) == "unknown_group"
    debited = await streams.told(brand, groups_events_pb2.GroupDebited)
    assert sum(event.amount for event in debited) == 100
    assert {event.member: event.member_balance for event in debited} == {
        member: share for member, share in zip(("bob", "ann", "cat"), shares, strict=True) if share
    }
    # Everybody is free again, and earns for themselves.
    await points.record(brand, purchase("b", "ann", 10))
    assert await points.available(brand, "ann") == shares[1] + 10
    changed = await streams.told(brand, groups_events_pb2.GroupChanged)
    dissolved = [event.member for event in changed if event.change == groups_events_pb2.GROUP_CHANGE_DISSOLVED]
    assert sorted(dissolved) == ["ann", "bob", "cat", "dan"]
    assert await violations(database, brand) == []


async def test_the_back_end_moves_points_of_groups(points: Points, brand: str, streams: Streams) -> None:
    await points.apply(brand, with_groups(household(0)))
    home = await Home.of(points, brand, "ann")
    wallet = ledger_pb2.LedgerAccount(group=home.group)

    async def post(name: str, amount: int, debit: Any, credit: Any, **more: Any) -> ledger_pb2.TransferResult:
        transfer = ledger_pb2.Transfer(id=name, currency="points", amount=amount, debit=debit, credit=credit, **more)
        request = ledger_pb2.PostTransfersRequest(transfers=[transfer])
        return (await points.call("PostTransfers", request, brand)).results[0]

    issued = await post("t1", 100, ISSUED, wallet)
    assert issued.entry > 0
    to_ann = await post("t2", 30, wallet, ledger_pb2.LedgerAccount(member="ann"))
    assert (await home.available(), await points.available(brand)) == (70, 30)
    assert (await post("t3", 71, wallet, ledger_pb2.LedgerAccount(member="ann"))).code == "insufficient_points"
    assert (await post("t4", 1, ISSUED, ledger_pb2.LedgerAccount(group="nowhere"))).code == "unknown_group"
    reverse = ledger_pb2.ReverseTransferRequest(transfer=str(to_ann.entry), idempotency_key="r")
    await points.call("ReverseTransfer", reverse, brand)
    assert (await home.available(), await points.available(brand)) == (100, 0)
    moved = await streams.told(brand, groups_events_pb2.GroupCredited, groups_events_pb2.GroupDebited)
    assert [(type(e).__name__, e.amount, e.balance) for e in moved] == [
        ("GroupCredited", 100, 100),
        ("GroupDebited", 30, 70),
        ("GroupCredited", 30, 100),
    ]
    request = gb.DissolveGroupRequest(group=home.group, idempotency_key="d")
    await home.call("DissolveGroup", request)
    assert (await post("t5", 1, ISSUED, wallet)).code == "unknown_group"
    reverse = ledger_pb2.ReverseTransferRequest(transfer=str(issued.entry), idempotency_key="r2")
    assert await code_of(points.call("ReverseTransfer", reverse, brand)) == "unknown_group"


async def test_group_points_expire_and_say_so(points: Points, brand: str, streams: Streams) -> None:
    await points.apply(brand, with_groups(household(100), expiry=pb.Expiry(days=10)))
    home = await Home.of(points, brand, "ann")
    await points.record(brand, bought("a", "ann", 25, days_ago=30))
    await points.call("RunSchedules", ledger_pb2.RunSchedulesRequest(), brand)
    await eventually(home.available, 0)
    (event,) = await streams.told(brand, groups_events_pb2.GroupDebited)
    assert (event.amount, event.balance, event.kind) == (25, 0, points_pb2.ENTRY_KIND_EXPIRE)


# -- gifts --------------------------------------------------------------------


async def test_a_gift_is_given_once_and_both_see_it(
    points: Points, brand: str, streams: Streams, database: asyncpg.Connection
) -> None:
    await points.apply(brand, with_gifts())
    await points.enrol(brand, "bob")
    await points.record(brand, purchase("a", "ann", 100))
    answers = await asyncio.gather(*(give(points, brand, "g", 30, subject="ann", scope="member") for _ in range(50)))
    assert len({(entry.id, entry.amount, entry.balance) for entry in answers}) == 1
    assert answers[0].id > 0
    assert [await points.available(brand, member) for member in ("ann", "bob")] == [70, 30]
    for member, amount in (("ann", -30), ("bob", 30)):
        entry = (await points.statement(brand, member))[0]
        assert (entry.amount, entry.kind, entry.reference) == (amount, points_pb2.ENTRY_KIND_GIFT, "thanks")
    given, received = groups_events_pb2.GiftGiven, groups_events_pb2.GiftReceived
    # No PointsCredited, by which boards rise: nobody earned it.
    told = await streams.told(brand, given, received, events_pb2.PointsCredited, events_pb2.PointsSpent)
    told.sort(key=lambda event: event.DESCRIPTOR.name)
    for event in told:
        event.ClearField("occurred_at")
    common = {"currency": "points", "amount": 30, "reference": "thanks"}
    assert told == [
        given(member="ann", to="bob", balance=70, **common),
        received(member="bob", giver="ann", balance=30, **common),
    ]
    assert await code_of(give(points, brand, "g", 31)) == "idempotency_conflict"
    assert await code_of(give(points, brand, "h", 71)) == "insufficient_points"
    assert await code_of(give(points, brand, "h", 1, to="ann")) == "invalid_argument"
    assert await code_of(give(points, brand, "h", 1, to="nobody")) == "unknown_member"
    assert await code_of(give(points, brand, "h", 1, member="ann", subject="bob", scope="member")) == "unknown_member"
    request = gb.GivePointsRequest(member="ann", currency="gems", to="bob", amount=1, idempotency_key="i")
    assert await code_of(points.call("GivePoints", request, brand)) == "not_giftable"
    assert await database.fetchval("SELECT count(*) FROM accounts WHERE brand = $1 AND owner = 'nobody'", brand) == 0
    assert await violations(database, brand) == []


async def test_gifts_both_ways_at_once_neither_deadlock_nor_lose(
    points: Points, brand: str, replicas: Replicas, database: asyncpg.Connection
) -> None:
    """Forty gifts between two wallets, twenty each way; `replicas` looks for deadlocks."""
    await points.apply(brand, with_gifts(giving=[pg.Allowance(amount=10_000, per=DAY)]))
    await points.record(brand, purchase("a", "ann", 100), purchase("b", "bob", 100))
    gifts = [
        gb.GivePointsRequest(member=giver, to=to, currency="points", amount=amount, idempotency_key=f"g{number}")
        for number in range(20)
        for giver, to, amount in (("ann", "bob", 7), ("bob", "ann", 5))
    ]
    answers = await replicas.race(brand, *gifts)
    made = [answer.entry.amount for answer in answers if not isinstance(answer, DomainError)]
    assert set(refusals(answers)) <= {"insufficient_points"}
    net = made.count(-5) * 5 - made.count(-7) * 7
    assert [await points.available(brand, member) for member in ("ann", "bob")] == [100 + net, 100 - net]
    assert await violations(database, brand) == []


async def test_gifts_are_bounded_by_amount_giver_receiver_and_time(
    points: Points, brand: str, replicas: Replicas
) -> None:
    """A giver may give 50 a day, a receiver may be given 70 ever; ten ask at once."""
    bounds = {
        "amount_min": 5,
        "amount_max": 40,
        "giving": [pg.Allowance(amount=50, per=DAY)],
        "receiving": [pg.Allowance(amount=70, per=EVER)],
    }
    found = with_gifts(**bounds)
    await points.apply(brand, found)
    await points.enrol(brand, "bob")
    await points.record(brand, purchase("a", "ann", 500), purchase("c", "cat", 500))
    assert await code_of(give(points, brand, "g0", 4)) == "invalid_argument"
    assert await code_of(give(points, brand, "g0", 41)) == "invalid_argument"
    gifts = [
        gb.GivePointsRequest(member="ann", to="bob", currency="points", amount=10, idempotency_key=f"g{number}")
        for number in range(10)
    ]
    assert refusals(await replicas.race(brand, *gifts)) == ["gift_limit"] * 5
    await give(points, brand, "c1", 20, member="cat")
    assert await code_of(give(points, brand, "c2", 5, member="cat")) == "gift_limit"
    assert await points.available(brand, "bob") == 70
    found.points.gifts.cooling_days = 3
    await points.apply(brand, found)
    await points.enrol(brand, "new")
    transfer = ledger_pb2.Transfer(
        id="t", currency="points", amount=50, debit=ISSUED, credit=ledger_pb2.LedgerAccount(member="new")
    )
    await points.call("PostTransfers", ledger_pb2.PostTransfersRequest(transfers=[transfer]), brand)
    assert await code_of(give(points, brand, "n", 10, member="new", to="cat")) == "gift_too_early"


async def test_what_is_given_keeps_its_expiry_soonest_first(
    points: Points, brand: str, database: asyncpg.Connection
) -> None:
    found = with_gifts()
    found.points.currencies[0].expiry.days = 30
    await points.apply(brand, found)
    await points.enrol(brand, "bob")
    await points.record(brand, bought("old", "ann", 20, days_ago=25), bought("new", "ann", 50, days_ago=1))
    before = (await points.call("ListWallets", points_pb2.ListWalletsRequest(member="ann"), brand)).wallets[0]
    await give(points, brand, "g", 30)
    given = (await points.call("ListWallets", points_pb2.ListWalletsRequest(member="bob"), brand)).wallets[0]
    left = (await points.call("ListWallets", points_pb2.ListWalletsRequest(member="ann"), brand)).wallets[0]
    assert (given.available, given.expiring_next, given.expires_at) == (30, 20, before.expires_at)
    assert (left.available, left.expiring_next) == (40, 40)
    assert await violations(database, brand) == []


# -- refunds -----------------------------------------------------------------


def refund(name: str, of: str, amount: int) -> Activity:
    found = purchase(name, "ann", amount, of=of)
    found.type = "refund"
    return found


def with_refunds(policy: Any, overdraft: int = 0) -> Any:
    found = with_groups(expiry=pb.Expiry(days=5_000))
    attributes = [Attribute(name="of", kind=TEXT, required=True), Attribute(name="amount", kind=INTEGER, required=True)]
    found.activity_types.append(ActivityType(type="refund", attributes=attributes))
    found.points.currencies[0].overdraft_max = overdraft
    found.points.refunds.add(
        activity_type="refund", purchase_type="purchase", purchase="of", amount="amount", total="amount", policy=policy
    )
    return found


@pytest.mark.parametrize("order", ["refund later", "refund beside", "refund first"])
async def test_a_refund_takes_pooled_shares_back_from_the_group(points: Points, brand: str, order: str) -> None:
    await points.apply(brand, with_refunds(pe.REFUND_POLICY_DOWN_TO_ZERO))
    home = await Home.of(points, brand, "bob", "ann")
    activities = [purchase("p", "ann", 201), refund("r1", "p", 50)]
    if order == "refund first":
        activities.reverse()
    for batch in [activities] if order == "refund beside" else [[activity] for activity in activities]:
        await points.record(brand, *batch)
    # 50 of 201 are due: of the group's 100 it is 24, and of the member's own the rest.
    assert (await points.available(brand), await home.available()) == (101 - 26, 100 - 24)
    await points.record(brand, refund("r2", "p", 151))
    assert (await points.available(brand), await home.available()) == (0, 0)
    assert [entry.amount for entry in await home.statement()] == [-76, -24, 100]


async def test_a_refund_takes_back_what_was_pooled_when_pending_points_became_available(
    points: Points, brand: str
) -> None:
    found = with_refunds(pe.REFUND_POLICY_DOWN_TO_ZERO)
    found.points.earning_rules[0].pending.days = 3_000
    await points.apply(brand, found)
    home = await Home.of(points, brand, "bob", "ann")
    await points.record(brand, purchase("p", "ann", 200))
    lot = lot_id("activity:p:per_unit")
    await points.call("ActivatePendingLot", ledger_pb2.ActivatePendingLotRequest(lot=lot), brand)
    assert (await points.available(brand), await home.available()) == (100, 100)
    await points.record(brand, refund("r", "p", 100))
    assert (await points.available(brand), await home.available()) == (50, 50)


async def test_what_a_group_has_spent_is_taken_from_the_member_as_the_policy_lets(
    points: Points, brand: str, streams: Streams, database: asyncpg.Connection
) -> None:
    await points.apply(brand, with_refunds(pe.REFUND_POLICY_INTO_NEGATIVE, overdraft=1_000))
    home = await Home.of(points, brand, "bob", "ann")
    await points.record(brand, purchase("p", "ann", 200))
    await home.spend("all", 70, member="bob")
    await points.record(brand, refund("r", "p", 200))
    assert (await points.available(brand), await home.available()) == (-70, 0)
    told = [event for event in await streams.told(brand, groups_events_pb2.GroupDebited) if event.member == "ann"]  # type: ignore[attr-defined]
    assert [(event.amount, event.reference, event.member_balance) for event in told] == [(30, "p", 130)]  # type: ignore[attr-defined]
    async with database.transaction(isolation="repeatable_read"):
        await database.execute("SELECT set_config('laurels.brand', $1, true)", brand)
        await database.execute("SET LOCAL ROLE laurels_points_app")
        assert await verification.violations(database) == []


# -- referrals ----------------------------------------------------------------


async def test_both_sides_are_rewarded_once_on_the_first_qualifying_purchase(
    points: Points, brand: str, streams: Streams, database: asyncpg.Connection
) -> None:
    await points.apply(brand, with_referrals())
    await points.enrol(brand, "ann")
    code = await code_for(points, brand, "ann")
    assert len(code) == 8
    assert await code_for(points, brand, "ann") == code
    first = await enrol(points, brand, "bob", code.lower())
    assert first.enrolled
    assert not (await enrol(points, brand, "bob", code)).enrolled
    await points.record(brand, bought("small", "bob", 9), visit("v", "bob"))
    assert await points.available(brand, "ann", "gems") == 0
    purchases = [bought(f"p{number}", "bob", 10) for number in range(20)]
    await asyncio.gather(*(points.record(brand, activity) for activity in purchases))
    await points.record(brand, *purchases)
    assert [await points.available(brand, member, "gems") for member in ("ann", "bob")] == [50, 20]
    (event,) = await streams.told(brand, groups_events_pb2.ReferralCompleted)
    assert (event.member, event.referee, event.referrer_amount, event.referee_amount) == ("ann", "bob", 50, 20)
    credited = await streams.told(brand, events_pb2.PointsCredited)
    assert sorted((e.member, e.amount, e.kind) for e in credited) == [
        ("ann", 50, points_pb2.ENTRY_KIND_REFERRAL),
        ("bob", 20, points_pb2.ENTRY_KIND_REFERRAL),
    ]
    shown = await points.call("GetReferral", gb.GetReferralRequest(member="ann"), brand, subject="ann", scope="member")
    assert (shown.claimed, shown.completed, shown.rewarded, shown.currency) == (1, 1, 50, "gems")
    other = await points.call("GetReferral", gb.GetReferralRequest(member="bob"), brand)
    assert other.referred_by_code == code
    report = await points.call("GetReferralsReport", gb.GetReferralsReportRequest(), brand)
    assert report == gb.GetReferralsReportResponse(
        claimed=1, completed=1, referrers_rewarded=50, referees_rewarded=20, referrers=1
    )
    ann = {"subject": "ann", "scope": "member"}
    request = gb.GetReferralRequest(member="bob")
    assert await code_of(points.call("GetReferral", request, brand, **ann)) == "unknown_member"
    assert await violations(database, brand) == []


async def test_codes_are_made_once_whoever_asks_and_where_one_is_taken_the_next_is_given(
    points: Points, brand: str, replicas: Replicas
) -> None:
    await points.apply(brand, with_referrals(code_length=10))
    members = [f"m{number}" for number in range(10)]
    for member in members:
        await points.enrol(brand, member)
    codes = await asyncio.gather(*(code_for(points, brand, member) for member in members for _ in range(5)))
    assert len(set(codes)) == 10
    assert {len(code) for code in codes} == {10}
    # Members whose keyed hashes are the same.
    for member in ("ann", "bob", "cat"):
        await points.enrol(brand, member)
    same = [MakeCode(member, ("AAAAAAAA", "BBBBBBBB", "CCCCCCCC")) for member in ("ann", "bob", "cat") * 3]
    answers = await replicas.race(brand, *same)
    assert sorted(answers) == ["AAAAAAAA"] * 3 + ["BBBBBBBB"] * 3 + ["CCCCCCCC"] * 3
    assert answers[:3] == answers[3:6] == answers[6:]
    assert await code_for(points, brand, "ann") == answers[0]


async def test_a_code_is_stated_in_time_and_not_against_oneself(points: Points, brand: str) -> None:
    await points.apply(brand, with_referrals())
    for member in ("ann", "bob", "cat", "dan"):
        await points.enrol(brand, member)
    codes = {member: await code_for(points, brand, member) for member in ("ann", "bob", "cat", "dan")}
    assert await code_of(claim(points, brand, "ann", codes["ann"])) == "self_referral"
    assert await code_of(claim(points, brand, "ann", "ZZZZZZZZ")) == "unknown_referral_code"
    assert await code_of(claim(points, brand, "ann", "\u00e9")) == "unknown_referral_code"
    assert await code_of(claim(points, brand, "nobody", codes["ann"])) == "unknown_member"
    await claim(points, brand, "bob", codes["ann"])
    await claim(points, brand, "bob", codes["ann"])
    assert await code_of(claim(points, brand, "bob", codes["cat"])) == "already_referred"
    await claim(points, brand, "cat", codes["bob"])
    assert await code_of(claim(points, brand, "ann", codes["bob"])) == "referral_cycle"
    assert await code_of(claim(points, brand, "ann", codes["cat"])) == "referral_cycle"
    await points.record(brand, bought("small", "ann", 9))
    await points.record(brand, bought("a", "dan", 10))
    assert await code_of(claim(points, brand, "dan", codes["ann"])) == "referral_too_late"
    await claim(points, brand, "ann", codes["dan"])  # Bought, but nothing that qualifies.
    await points.record(brand, bought("late", "old", 9, days_ago=31))
    assert await code_of(claim(points, brand, "old", codes["ann"])) == "referral_too_late"
    assert await code_of(enrol(points, brand, "eve", "ZZZZZZZZ")) == "unknown_referral_code"
    request = points_pb2.GetMemberRequest(member="eve")
    assert await code_of(points.call("GetMember", request, brand)) == "unknown_member"
    other = gb.ClaimReferralRequest(member="cat", code=codes["dan"])
    assert await code_of(points.call("ClaimReferral", other, brand, subject="dan", scope="member")) == "unknown_member"


async def test_of_members_who_state_each_other_s_code_at_once_one_at_least_is_refused(
    points: Points, brand: str, replicas: Replicas, database: asyncpg.Connection
) -> None:
    """Five members in a ring, all at once, three rounds: never a cycle, which verification would find."""
    await points.apply(brand, with_referrals())
    for ring in range(3):
        members = [f"r{ring}m{number}" for number in range(5)]
        for member in members:
            await points.enrol(brand, member)
        codes = [await code_for(points, brand, member) for member in members]
        claims = [
            gb.ClaimReferralRequest(member=member, code=codes[number - 1]) for number, member in enumerate(members)
        ]
        assert refusals(await replicas.race(brand, *claims)) == ["referral_cycle"]
    assert await violations(database, brand) == []


async def test_caps_cut_the_referrer_s_reward_and_never_the_referee_s(
    points: Points, brand: str, replicas: Replicas, database: asyncpg.Connection
) -> None:
    """A referrer gets 120 a month at most: two rewards of 50, then 20, then nothing."""
    await points.apply(brand, with_referrals(caps=[pg.Allowance(amount=120, per=MONTH)]))
    await points.enrol(brand, "ann")
    code = await code_for(points, brand, "ann")
    referees = [f"r{number}" for number in range(6)]
    for member in referees:
        await enrol(points, brand, member, code)
    await replicas.race(brand, *(recorded(bought(f"p-{member}", member, 10)) for member in referees))
    assert await points.available(brand, "ann", "gems") == 120
    assert [await points.available(brand, member, "gems") for member in referees] == [20] * 6
    report = await points.call("GetReferralsReport", gb.GetReferralsReportRequest(), brand)
    assert (report.completed, report.capped, report.referrers_rewarded) == (6, 4, 120)
    assert await violations(database, brand) == []


async def test_a_claim_beside_a_purchase_is_rewarded_or_refused_and_never_lost(
    points: Points, brand: str, replicas: Replicas, database: asyncpg.Connection
) -> None:
    await points.apply(brand, with_referrals())
    await points.enrol(brand, "ann")
    code = await code_for(points, brand, "ann")
    members = [f"m{number}" for number in range(15)]
    for member in members:
        await points.enrol(brand, member)
    claims = [gb.ClaimReferralRequest(member=member, code=code) for member in members]
    buys = [recorded(bought(f"p-{member}", member, 10)) for member in members]
    answers = await replicas.race(brand, *(request for pair in zip(claims, buys, strict=True) for request in pair))
    refused = refusals(answers)
    assert set(refused) <= {"referral_too_late"}
    await points.record(brand, *(bought(f"q-{member}", member, 10) for member in members))
    assert await points.available(brand, "ann", "gems") == 50 * (15 - len(refused))
    assert await violations(database, brand) == []


async def test_a_code_stated_after_a_purchase_was_read_and_before_it_was_decided_is_rewarded(
    points: Points, brand: str, database: asyncpg.Connection
) -> None:
    await points.apply(brand, with_referrals(caps=[pg.Allowance(amount=1_000, per=WEEK)]))
    for member in ("ann", "bob"):
        await points.enrol(brand, member)
    await code_for(points, brand, "ann")
    stated = """
        INSERT INTO referrals SELECT $1, 'bob', 'ann', code, 1, now(), '', 0, 0, false, NULL
        FROM referral_codes WHERE brand = $1 AND member = 'ann'"""
    await meanwhile(database, brand, "bob", stated, points.record(brand, bought("p", "bob", 10)))
    assert await points.available(brand, "ann", "gems") == 50
    assert await violations(database, brand) == []


async def test_the_window_closes(points: Points, brand: str) -> None:
    await points.apply(brand, with_referrals(window_days=1))
    await points.enrol(brand, "ann")
    code = await code_for(points, brand, "ann")
    await points.record(brand, bought("small", "bob", 9, days_ago=0.9))
    await claim(points, brand, "bob", code)
    await points.record(brand, bought("other", "cat", 9, days_ago=1.1))
    assert await code_of(claim(points, brand, "cat", code)) == "referral_too_late"
    await points.record(brand, bought("in-time", "bob", 10))
    assert await points.available(brand, "ann", "gems") == 50


# -- the programme and the checks ----------------------------------------------


async def test_faults_of_the_sections_are_told_with_their_places(points: Points, brand: str) -> None:
    found = programme(PER_UNIT, rule("v", "1", of="visit"))
    found.points.currencies.add(id="status", purpose=pb.CURRENCY_PURPOSE_STATUS)
    kind = found.points.groups.kinds.add(id="a b", members_max=0)
    kind.pooled.add(currency="coins", percent=50)
    kind.pooled.add(currency="status", percent=101)
    kind.roles.add()
    kind.roles.add(role=MEMBER)
    kind.roles.add(role=MEMBER).limits.add(currency="points")
    gifts = found.points.gifts
    gifts.cooling_days = -1
    gifts.currencies.add(currency="points", amount_min=5, amount_max=4)
    gifts.currencies.add(currency="points").receiving.add(amount=-1, per=DAY)
    referrals = found.points.referrals
    referrals.MergeFrom(pg.ReferralProgramme(currency="coins", activity_type="visit", condition="1", code_length=5))
    with pytest.raises(InvalidArgument) as refusal:
        await points.apply(brand, found)
    assert [violation.field for violation in refusal.value.violations] == [
        "points.groups.kinds[0].id",
        "points.groups.kinds[0].members_max",
        "points.groups.kinds[0].pooled[0].currency",
        "points.groups.kinds[0].pooled[1].currency",
        "points.groups.kinds[0].pooled[1].percent",
        "points.groups.kinds[0].roles[0].role",
        "points.groups.kinds[0].roles[2].role",
        "points.groups.kinds[0].roles[2].limits[0].allowance.per",
        "points.gifts.cooling_days",
        "points.gifts.currencies[0].amount_max",
        "points.gifts.currencies[1].currency",
        "points.gifts.currencies[1].receiving[0].amount",
        "points.referrals.currency",
        "points.referrals.referrer_amount",
        "points.referrals.window_days",
        "points.referrals.code_length",
        "points.referrals.condition",
    ]
    await points.apply(brand, with_groups())
    assert await code_of(points.apply(brand, programme())) == "invalid_argument"


async def test_a_programme_without_them_offers_none(points: Points, brand: str) -> None:
    await points.apply(brand, programme())
    await points.enrol(brand, "ann")
    await points.enrol(brand, "bob")
    assert await code_of(give(points, brand, "g", 1)) == "not_giftable"
    assert await code_of(code_for(points, brand, "ann")) == "no_referrals"
    assert await code_of(enrol(points, brand, "cat", "ABCDEFGH")) == "no_referrals"
    assert await code_of(claim(points, brand, "bob", "ABCDEFGH")) == "no_referrals"


async def test_verification_finds_damage(points: Points, brand: str, database: asyncpg.Connection) -> None:
    found = with_groups()
    found.points.referrals.CopyFrom(with_referrals().points.referrals)
    await points.apply(brand, found)
    home = await Home.of(points, brand, "ann", "bob")
    code = await code_for(points, brand, "ann")
    for member in ("cat", "dan"):
        await enrol(points, brand, member, code)
    await points.record(brand, bought("a", "bob", 100), bought("c", "cat", 100))
    assert await violations(database, brand) == []
    damages = [
        ("UPDATE groups SET size = 3 WHERE brand = $1", "size"),
        ("UPDATE groups SET owner = 'bob' WHERE brand = $1", "owner"),
        (
            "UPDATE group_members SET contributed = '{\"points\": 51}' WHERE brand = $1 AND member = 'bob'",
            "contributed",
        ),
        ("UPDATE groups SET state = 2 WHERE brand = $1", "dissolved"),
        ("UPDATE referrals SET referrer_amount = 51 WHERE brand = $1 AND referee = 'cat'", "referral"),
        ("UPDATE referrals SET state = 2 WHERE brand = $1 AND referee = 'dan'", "completed"),
        ("INSERT INTO referrals VALUES ($1, 'ann', 'cat', 'X', 1, now(), '', 0, 0, false, NULL)", "circle"),
    ]
    for damage, word in damages:
        outer = database.transaction()
        await outer.start()
        await database.execute(damage, brand)
        told = await violations(database, brand)
        await outer.rollback()
        assert any(word in sentence for sentence in told), (damage, told)
    assert await home.available() == 50
