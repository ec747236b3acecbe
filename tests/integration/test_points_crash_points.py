"""Whatever an operation of the points service was doing when it died, asking again ends as if it had not.

Each operation is cut off before every one of its statements, before its commit
and after it, as a killed process leaves it, and then asked again of another.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from typing import Any

import asyncpg
import pytest

from chassis.configuration import Configurations
from chassis.database import Database
from chassis.errors import DomainError
from chassis.events import partition
from chassis.write_path import WritePath
from cli.embedded import Servers
from laurels.activity.v1 import activity_pb2
from laurels.points.v1 import earning_pb2, groups_pb2, ledger_pb2, members_pb2, points_pb2, rewards_pb2, tiers_pb2
from laurels.points.v1 import programme_earning_pb2 as pe
from laurels.points.v1 import programme_groups_pb2 as pg
from laurels.points.v1 import programme_pb2 as pb
from laurels.programme.v1 import programme_pb2
from laurels.recommender.v1.predictions_events_pb2 import SegmentChanged
from services.fingerprints import Fingerprints
from services.points.book import Book
from services.points.erasing import Completed, Received, Scrubbed, new_erasure
from services.points.groups import group_id
from services.points.holds import DueHolds, hold_id
from services.points.members import ConsentChange, Correction
from services.points.operations import OPERATIONS
from services.points.pending import DueLots, lot_id
from services.points.programme import compile_document
from services.points.redemptions import Cancel, DueRedemptions, Fulfil, RedemptionAsked, redemption_id
from services.points.referrals import KeepSecret, MakeCode
from services.points.schedules import DueLot, Expire, Warn
from services.points.spending import Credit
from services.points.store.members import NewErasure
from services.points.tier_operations import Asked, DueTiers
from services.points.verification import violations
from services.points.versions import Adopted
from tests.integration.mortal import Mortal
from tests.integration.points_support import INTEGER, TEXT, programme, purchase, rule, visit

AGO = datetime.now(UTC) - timedelta(days=1)
ISSUED = ledger_pb2.LedgerAccount(kind=points_pb2.ACCOUNT_KIND_ISSUED)
REDEEMED = ledger_pb2.LedgerAccount(kind=points_pb2.ACCOUNT_KIND_REDEEMED)
HOLD, LOT = hold_id("held"), lot_id("activity:first:later")
WAITS, GROUP, CODE = lot_id("activity:review:checked"), group_id("bob", "made"), "ANNANNAN"
LATER = datetime.now(UTC) + timedelta(days=60)
PRINTS = Fingerprints("k" * 32)
UNCOUNTED = {"brand", "id", "account", "debit", "credit", "fingerprint", "payload", "place", "digest"}
"""Columns of every table that differ from brand to brand or are numbered in the order of things."""
NUMBERED = re.compile(r"\b(reverse|erase|expire):\d+(:\d+)*|\d{4}-\d\d-\d\dT[\d:.]+([+]00:00|Z)")
"""Ids of entries and accounts, and moments, where they stand within a text."""
KEPT = (
    # The programme's accounts are kept in stripes, and one of nothing is as good as none.
    "SELECT owner, currency, kind, sum(balance), sum(earned) FROM accounts WHERE brand = $1 GROUP BY 1, 2, 3 "
    "HAVING owner <> '' OR sum(balance) <> 0",
    "SELECT owner, expires_at, remaining FROM lots JOIN accounts ON accounts.id = account WHERE lots.brand = $1 "
    "ORDER BY 1, 2",
    "SELECT entries.key, source.owner, target.owner FROM entries JOIN accounts AS source ON source.id = abs(debit) "
    "JOIN accounts AS target ON target.id = abs(credit) WHERE entries.brand = $1",
)


def whole_programme(name: str = "Test") -> programme_pb2.Programme:
    """Something of all that the points service does."""
    later = rule("later", "attributes.amount / 2")
    later.pending.days = 30
    checked = rule("checked", "40", of="visit")
    checked.pending.until_approved = True
    found = programme(rule("now", "attributes.amount"), later, checked, name=name)
    points = found.points
    points.currencies[0].expiry.MergeFrom(pb.Expiry(days=365, warning_days=7))
    attributes = [
        programme_pb2.Attribute(name="of", kind=TEXT, required=True),
        programme_pb2.Attribute(name="amount", kind=INTEGER, required=True),
    ]
    found.activity_types.append(programme_pb2.ActivityType(type="refund", attributes=attributes))
    policy = pe.REFUND_POLICY_DOWN_TO_ZERO
    points.refunds.add(
        activity_type="refund", purchase_type="purchase", purchase="of", amount="amount", total="amount", policy=policy
    )
    household = points.groups.kinds.add(id="household", name="Household", members_max=5)
    household.pooled.add(currency="points", percent=50)
    limit = pg.SpendingLimit(currency="points", allowance=pg.Allowance(amount=90, per=pg.ALLOWANCE_PERIOD_EVER))
    household.roles.add(role=pg.GROUP_ROLE_MEMBER, may_spend=True, limits=[limit])
    most = pg.Allowance(amount=100, per=pg.ALLOWANCE_PERIOD_EVER)
    points.gifts.currencies.add(currency="points", giving=[most], receiving=[most])
    points.referrals.MergeFrom(
        pg.ReferralProgramme(
            currency="gems",
            referrer_amount=50,
            referee_amount=20,
            activity_type="purchase",
            window_days=30,
            caps=[most],
        )
    )
    points.rewards.add(
        id="box",
        name="Box",
        currency="points",
        price=30,
        kind=pb.REWARD_KIND_PHYSICAL,
        stock=5,
        member_may_cancel=True,
        limits=[pb.RewardLimit(per=pb.REWARD_PERIOD_EVER, most=3)],
    )
    coupon = points.rewards.add(id="coupon", name="Coupon", currency="points", price=10, kind=pb.REWARD_KIND_COUPON)
    coupon.codes.source = pb.CODE_SOURCE_IMPORTED
    points.subscriptions.add(id="club", name="Club", tier="gold")
    points.member_attributes.add(name="town", kind=pb.MEMBER_ATTRIBUTE_KIND_TEXT)
    return found


def bought(name: str, member: str = "ann", amount: int = 300) -> activity_pb2.Activity:
    activity = purchase(name, member, amount)
    activity.occurred_at.FromDatetime(AGO)
    return activity


def transfer(name: str, amount: int, debit: Any, credit: Any, *, linked: bool = False) -> ledger_pb2.Transfer:
    named = [side if not isinstance(side, str) else ledger_pb2.LedgerAccount(member=side) for side in (debit, credit)]
    return ledger_pb2.Transfer(
        id=name, currency="points", amount=amount, debit=named[0], credit=named[1], linked=linked, occurred_at=AGO
    )


def activities(*recorded: activity_pb2.Activity) -> activity_pb2.RecordActivitiesRequest:
    return activity_pb2.RecordActivitiesRequest(activities=recorded)


def refund(name: str, of: str, amount: int, member: str = "ann") -> activity_pb2.Activity:
    found = bought(name, member, amount)
    found.type = "refund"
    found.attributes.update({"of": of})
    return found


def redeem(reward: str, key: str) -> RedemptionAsked:
    request = rewards_pb2.RedeemRewardRequest(member="ann", reward=reward, idempotency_key=key)
    return RedemptionAsked(request, datetime.now(UTC), ("ABCDEFGHJKMN",))


@dataclass(frozen=True)
class InBrand:
    """A request that depends on what the brand's rows are numbered; made from a connection and the brand."""

    kind: type
    made: Callable[[asyncpg.Connection, str], Any]


@dataclass(frozen=True)
class Case:
    """An operation that is cut off, after `before` was done; once it is done, asking again may be `refused`."""

    request: Any
    before: Sequence[Any] = ()
    refused: str = ""
    unscrubbed: bool = False
    """Whether an erasure is said to be over whose texts nobody scrubbed, which is not of the write path."""

    @property
    def kind(self) -> type:
        return self.request.kind if isinstance(self.request, InBrand) else type(self.request)


def reversal_of(key: str) -> InBrand:
    async def made(connection: asyncpg.Connection, brand: str) -> Any:
        number = await connection.fetchval("SELECT id FROM entries WHERE brand = $1 AND key = $2", brand, key)
        return ledger_pb2.ReverseTransferRequest(transfer=str(number), idempotency_key="back")

    return InBrand(ledger_pb2.ReverseTransferRequest, made)


def due_of(kind: type, *more: Any) -> InBrand:
    """All of ann's lots that were not warned of."""

    async def made(connection: asyncpg.Connection, brand: str) -> Any:
        rows = await connection.fetch(
            "SELECT account, expires_at, owner, currency FROM lots JOIN accounts ON accounts.id = account "
            "WHERE lots.brand = $1 AND owner = 'ann' AND warn_at IS NOT NULL ORDER BY expires_at",
            brand,
        )
        return kind([DueLot(**row) for row in rows], *more)

    return InBrand(kind, made)


async def _erased(connection: asyncpg.Connection, brand: str) -> NewErasure:
    random = new_erasure(brand, "ann", PRINTS, AGO)
    numbers = (f"!{number}" for number in range(1_000_000))
    alias = next(alias for alias in numbers if partition(alias) == partition("ann"))
    return NewErasure("ann", "gone", alias, random.fingerprint, "salt", AGO)


ERASURE = InBrand(NewErasure, _erased)
BEFORE = [
    activities(bought("first"), bought("second", "bob"), visit("review")),
    points_pb2.SpendRequest(member="ann", currency="points", amount=20, idempotency_key="spent"),
    ledger_pb2.HoldPointsRequest(member="ann", currency="points", amount=50, idempotency_key="held"),
    MakeCode("ann", [CODE]),
]
"""What was there before each of the operations."""
MADE = groups_pb2.CreateGroupRequest(member="bob", kind="household", name="Home", idempotency_key="made")
JOINED = groups_pb2.AddToGroupRequest(group=GROUP, target="ann")
FILLED = groups_pb2.ContributeToGroupRequest(
    member="bob", group=GROUP, currency="points", amount=80, idempotency_key="filled"
)
CLAIMED = points_pb2.EnrolMemberRequest(member="cem", referral_code=CODE)
CONSENT = members_pb2.Consent(
    purpose=members_pb2.CONSENT_PURPOSE_PROFILING, granted=True, text_version="1", method="web"
)
SUBSCRIBED = tiers_pb2.PaySubscriptionRequest(member="ann", subscription="club", idempotency_key="paid")
SUBSCRIBED.paid_until.FromDatetime(LATER)
EVERYTHING = (MADE, JOINED, FILLED, CLAIMED, redeem("box", "boxed"), Asked(SUBSCRIBED, "till"))
"""Something of each kind that a member has, for an erasure."""
CASES = {
    "programme": Case(programme_pb2.ApplyProgrammeRequest(programme=whole_programme("Renamed"))),
    "adoption": Case(Adopted("missions", 1)),
    "activities": Case(activities(bought("third"), bought("new", "dan"))),
    "refund": Case(activities(refund("back", "first", 120))),
    "refund of all": Case(activities(refund("back", "first", 100), refund("rest", "first", 200))),
    "late purchase": Case(activities(bought("late")), [activities(refund("early", "late", 100))]),
    "pooled purchase": Case(activities(bought("shared")), [MADE, JOINED]),
    "refund of what was pooled": Case(
        activities(refund("back", "shared", 120)), [MADE, JOINED, activities(bought("shared"))]
    ),
    "referee's purchase": Case(activities(bought("brought", "cem")), [CLAIMED]),
    "enrolment": Case(points_pb2.EnrolMemberRequest(member="dan", display_name="Dan")),
    "enrolment by a code": Case(CLAIMED),
    "spend": Case(points_pb2.SpendRequest(member="ann", currency="points", amount=30, idempotency_key="more")),
    "credit": Case(Credit("ann", "points", 500, points_pb2.ENTRY_KIND_MISSION, "mission:m:ann", "m", AGO)),
    "segment": Case(SegmentChanged(member="ann", segment="champions", entered=True)),
    "transfers": Case(
        ledger_pb2.PostTransfersRequest(
            transfers=[
                transfer("t1", 10, "ann", "bob", linked=True),
                transfer("t2", 5, "bob", REDEEMED),
                transfer("t3", 7, ISSUED, "bob"),
            ]
        )
    ),
    "reversal of a spend": Case(reversal_of("spend:spent")),
    "reversal of an earning": Case(reversal_of("activity:second:now")),
    "hold": Case(ledger_pb2.HoldPointsRequest(member="ann", currency="points", amount=5, idempotency_key="other")),
    "capture": Case(ledger_pb2.CaptureHoldRequest(hold=HOLD, amount=15)),
    "release": Case(ledger_pb2.ReleaseHoldRequest(hold=HOLD)),
    "time-out": Case(DueHolds([HOLD], LATER)),
    "activation": Case(ledger_pb2.ActivatePendingLotRequest(lot=LOT)),
    "cancellation": Case(ledger_pb2.CancelPendingLotRequest(lot=LOT)),
    "change": Case(ledger_pb2.ChangePendingLotRequest(lot=LOT, amount=90, idempotency_key="changed")),
    "due lot": Case(DueLots([LOT], LATER)),
    "approval": Case(earning_pb2.DecideApprovalsRequest(approve=[WAITS])),
    "rejection": Case(earning_pb2.DecideApprovalsRequest(reject=[WAITS], reason="no")),
    "expiry": Case(due_of(Expire, datetime.now(UTC) + timedelta(days=500))),
    "warning": Case(due_of(Warn)),
    "set tier": Case(Asked(tiers_pb2.SetMemberTierRequest(member="ann", tier="gold", idempotency_key="set"), "till")),
    "subscription": Case(Asked(SUBSCRIBED, "till")),
    "end of a subscription": Case(
        Asked(tiers_pb2.CancelSubscriptionRequest(member="ann", subscription="club", idempotency_key="ended"), "till"),
        [Asked(SUBSCRIBED, "till")],
    ),
    "due tiers": Case(DueTiers([("ann", LATER)], LATER), [Asked(SUBSCRIBED, "till")]),
    "redemption": Case(redeem("box", "boxed")),
    "redemption with a code": Case(
        redeem("coupon", "coded"), [rewards_pb2.ImportRewardCodesRequest(reward="coupon", codes=["C-1", "C-2"])]
    ),
    "fulfilment": Case(Fulfil("ann", redemption_id("boxed")), [redeem("box", "boxed")]),
    "cancelled redemption": Case(Cancel("ann", redemption_id("boxed"), True), [redeem("box", "boxed")]),
    "due redemption": Case(DueRedemptions([redemption_id("boxed")], LATER), [redeem("box", "boxed")]),
    "codes": Case(rewards_pb2.ImportRewardCodesRequest(reward="coupon", codes=["C-1", "C-2"])),
    "group": Case(MADE),
    "invitation": Case(groups_pb2.InviteToGroupRequest(member="bob", group=GROUP, target="ann"), [MADE]),
    "addition": Case(JOINED, [MADE]),
    "joining": Case(
        groups_pb2.JoinGroupRequest(member="ann", group=GROUP),
        [MADE, groups_pb2.InviteToGroupRequest(member="bob", group=GROUP, target="ann")],
    ),
    "leaving": Case(groups_pb2.LeaveGroupRequest(member="ann", group=GROUP), [MADE, JOINED], "unknown_group"),
    "removal": Case(
        groups_pb2.RemoveFromGroupRequest(member="bob", group=GROUP, target="ann"), [MADE, JOINED], "unknown_member"
    ),
    "new owner": Case(
        groups_pb2.ChangeGroupRoleRequest(group=GROUP, target="ann", role=pg.GROUP_ROLE_OWNER), [MADE, JOINED]
    ),
    "contribution": Case(FILLED, [MADE]),
    "spend of a group": Case(
        groups_pb2.SpendFromGroupRequest(
            member="ann", group=GROUP, currency="points", amount=60, idempotency_key="shop"
        ),
        [MADE, JOINED, FILLED],
    ),
    "end of a group": Case(groups_pb2.DissolveGroupRequest(member="bob", group=GROUP), [MADE, JOINED, FILLED]),
    "gift": Case(
        groups_pb2.GivePointsRequest(member="ann", to="bob", currency="points", amount=25, idempotency_key="gift")
    ),
    "secret": Case(KeepSecret(b"s" * 32)),
    "referral code": Case(MakeCode("bob", ["BBBBBBBB"])),
    "claim": Case(
        groups_pb2.ClaimReferralRequest(member="cem", code=CODE), [points_pb2.EnrolMemberRequest(member="cem")]
    ),
    "correction": Case(
        Correction(
            members_pb2.CorrectMemberRequest(member="ann", display_name="Ann", update_mask=["display_name"]),
            False,
        )
    ),
    "consent": Case(
        ConsentChange(members_pb2.PutConsentsRequest(member="ann", consents=[CONSENT]), "service:till", False)
    ),
    "erasure": Case(ERASURE, EVERYTHING, "unknown_member"),
    "receipt": Case(Received("gone", "missions", "points"), [ERASURE]),
    "scrubbing": Case(Scrubbed("gone"), [ERASURE]),
    "end of an erasure": Case(Completed("gone", members_pb2.STREAMS_PURGED_YES), [ERASURE], unscrubbed=True),
}


compiled = cache(compile_document)


def path_over(database: Database) -> WritePath:
    begin = partial(Book, programmes=Configurations(compiled), operations=OPERATIONS, prints=PRINTS)
    return WritePath("points", database, begin, on_commit=lambda: None)


async def cut_off(servers: Servers, brand: str, request: Any, dies_at: int) -> int:
    """Asks, and lets whoever is asked die at one of the statements; how many there were."""
    database = Mortal(servers.postgres.url("points"), dies_at)
    answer = asyncio.create_task(path_over(database).submit(brand, request))
    death = asyncio.create_task(database.dead.wait())
    try:
        await asyncio.wait({answer, death}, return_when=asyncio.FIRST_COMPLETED)
        if answer.done() and not database.dead.is_set():
            await answer
        return database.steps
    finally:
        answer.cancel()
        death.cancel()
        await database.close()


async def everything(connection: asyncpg.Connection) -> str:
    """The query for every row of a brand in every table, but for numbers and moments."""
    tables = await connection.fetch(
        "SELECT table_name, array_agg(column_name::text) FILTER (WHERE data_type LIKE 'timestamp%') AS moments "
        "FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name) "
        "WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND table_name <> 'accounts' "
        "GROUP BY 1 HAVING bool_or(column_name = 'brand') ORDER BY 1"
    )
    assert len(tables) > 25
    parts = []
    for table, moments in tables:
        uncounted = ", ".join(f"'{name}'" for name in sorted(UNCOUNTED | set(moments or ())))
        parts.append(
            f"SELECT '{table}', (to_jsonb(t) - ARRAY[{uncounted}])::text FROM \"{table}\" AS t WHERE brand = $1"  # noqa: S608
        )
    return " UNION ALL ".join(parts)


async def kept(connection: asyncpg.Connection, brand: str, query: str) -> list[tuple[str, ...]]:
    return [_plain(row) for each in (*KEPT, query) for row in await connection.fetch(each, brand)]


def differences(found: list[Any], expected: list[Any]) -> list[Any]:
    """The rows that are in one of them only."""
    return [row for kept, other in ((found, expected), (expected, found)) for row in (Counter(kept) - Counter(other))]


async def verified(servers: Servers, brand: str) -> list[str]:
    """What `laurels verify` finds in a brand."""
    connection = await asyncpg.connect(servers.postgres.url("points"))
    try:
        async with connection.transaction(isolation="repeatable_read"):
            await connection.execute("SELECT set_config('laurels.brand', $1, true)", brand)
            return await violations(connection)
    finally:
        await connection.close()


def _plain(row: Any) -> tuple[str, ...]:
    return tuple(NUMBERED.sub("-", str(value)) for value in row)


async def made_for(request: Any, connection: asyncpg.Connection, brand: str) -> Any:
    return await request.made(connection, brand) if isinstance(request, InBrand) else request


@pytest.mark.parametrize("operation", CASES)
async def test_an_operation_that_died_anywhere_is_done_once_when_it_is_asked_again(
    servers: Servers, brand: str, operation: str
) -> None:
    case = CASES[operation]
    healthy = Database(servers.postgres.url("points"))
    path = path_over(healthy)
    connection = await asyncpg.connect(servers.postgres.admin_url("laurels_points"))
    query = await everything(connection)

    async def ends_as(dies_at: int) -> tuple[int, list[Any]]:
        """How many statements there were, and what is kept when it is asked again."""
        place = f"{brand}-{dies_at}"
        await path.submit(place, programme_pb2.ApplyProgrammeRequest(programme=whole_programme()))
        await asyncio.gather(*(path.submit(place, before) for before in BEFORE))
        for before in case.before:
            await path.submit(place, await made_for(before, connection, place))
        request = await made_for(case.request, connection, place)
        steps = await cut_off(servers, place, request, dies_at)
        try:
            await path.submit(place, await made_for(case.request, connection, place))
        except DomainError as refusal:
            # That it was done before is what `kept` shows.
            assert refusal.reason == case.refused  # noqa: PT017
        return steps, await kept(connection, place, query)

    try:
        statements, expected = await ends_as(0)
        assert statements > 3, "it was cut off at each of its statements"
        for dies_at in range(1, statements + 1):
            _, found = await ends_as(dies_at)
            assert differences(found, expected) == [], f"cut off at statement {dies_at} of {statements}"
        if not case.unscrubbed:
            assert await verified(servers, f"{brand}-{statements}") == []
    finally:
        await connection.close()
        await healthy.close()
