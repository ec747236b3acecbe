"""Members' particulars, consents, guardians and erasure, over gRPC on the real servers."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import nats
import pytest

from chassis.errors import DomainError, InvalidArgument
from chassis.events import message_class
from cli.embedded import Servers
from laurels.activity.v1.events_pb2 import ActivityRecorded
from laurels.erasure.v1.events_pb2 import ErasureReceipt, ErasureSettled, MemberErased
from laurels.export.v1 import export_pb2, export_pb2_grpc
from laurels.points.v1 import (
    groups_events_pb2,
    groups_pb2,
    groups_pb2_grpc,
    ledger_pb2,
    ledger_pb2_grpc,
    members_pb2,
    members_pb2_grpc,
    points_pb2,
)
from laurels.points.v1 import programme_groups_pb2 as pg
from laurels.points.v1 import programme_pb2 as pb
from laurels.points.v1.members_events_pb2 import ConsentChanged, MemberCorrected
from services import export
from services.points.erasing import RECEIPTS_DUE, SERVICES
from services.points.verification import violations
from tests.conftest import running
from tests.integration.points_support import (
    PER_UNIT,
    Points,
    Streams,
    earned,
    eventually,
    finished,
    programme,
    purchase,
    rule,
    streams_of,
)

TEXT, INTEGER, FLAG, DATE = (
    pb.MEMBER_ATTRIBUTE_KIND_TEXT,
    pb.MEMBER_ATTRIBUTE_KIND_INTEGER,
    pb.MEMBER_ATTRIBUTE_KIND_FLAG,
    pb.MEMBER_ATTRIBUTE_KIND_DATE,
)
PROFILING, MARKETING, GUARDIAN = (
    members_pb2.CONSENT_PURPOSE_PROFILING,
    members_pb2.CONSENT_PURPOSE_MARKETING,
    members_pb2.CONSENT_PURPOSE_GUARDIAN,
)
BY_GUARDIAN = members_pb2.CONSENT_GIVER_GUARDIAN
CANARY = "canary-7f3e"


@pytest.fixture(scope="module")
async def client(servers: Servers) -> AsyncIterator[nats.NATS]:
    async with streams_of(servers) as connected:
        yield connected


@pytest.fixture(scope="module")
async def points(client: Any, settings_of: Callable[..., Any], token: Callable[..., str]) -> AsyncIterator[Points]:
    async with running("points", settings_of("points")) as channel:
        yield Points(
            channel,
            token,
            ledger_pb2_grpc.LedgerServiceStub(channel),
            members_pb2_grpc.MembersServiceStub(channel),
            export_pb2_grpc.ExportServiceStub(channel),
            groups_pb2_grpc.GroupServiceStub(channel),
            groups_pb2_grpc.GiftServiceStub(channel),
            groups_pb2_grpc.ReferralServiceStub(channel),
        )


@pytest.fixture
async def streams(points: Points, client: nats.NATS) -> AsyncIterator[Streams]:
    found = Streams(points, client)
    yield found
    await found.forget()


def with_members(*rules: pb.EarningRule, guardian_age: int = 0) -> Any:
    found = programme(*rules)
    found.points.member_attributes.extend(
        [
            pb.MemberAttribute(name="birthday", kind=DATE, personal=True),
            pb.MemberAttribute(name="email", kind=TEXT, personal=True, length_min=3, length_max=60, self_service=True),
            pb.MemberAttribute(name="size", kind=TEXT, choices=["S", "M", "L"], self_service=True),
            pb.MemberAttribute(name="employee", kind=FLAG),
            pb.MemberAttribute(name="children", kind=INTEGER),
        ]
    )
    if guardian_age:
        found.points.guardianship.MergeFrom(pb.Guardianship(age=guardian_age, birthday_attribute="birthday"))
    return found


async def code_of(call: Any) -> str:
    with pytest.raises(DomainError) as refusal:
        await call
    return refusal.value.reason


async def enrol(points: Points, brand: str, member: str = "ann", name: str = "", **attributes: Any) -> Any:
    request = points_pb2.EnrolMemberRequest(member=member, display_name=name)
    request.attributes.update(attributes)
    return await points.call("EnrolMember", request, brand)


async def correct(points: Points, brand: str, mask: list[str] | None = None, name: str = "", **more: Any) -> Any:
    credential = more.pop("credential", {})
    request = members_pb2.CorrectMemberRequest(member="ann", display_name=name, update_mask=mask or [])
    request.attributes.update(more)
    return (await points.call("CorrectMember", request, brand, **credential)).member


async def consent(points: Points, brand: str, *consents: members_pb2.Consent, **credential: Any) -> int:
    request = members_pb2.PutConsentsRequest(member="ann", consents=consents)
    return (await points.call("PutConsents", request, brand, **credential)).changed


def said(purpose: Any, granted: bool = True, version: str = "v1", **more: Any) -> members_pb2.Consent:
    return members_pb2.Consent(purpose=purpose, granted=granted, text_version=version, **more)


async def consents(points: Points, brand: str) -> members_pb2.GetConsentsResponse:
    return await points.call("GetConsents", members_pb2.GetConsentsRequest(member="ann"), brand)


async def erase(points: Points, brand: str, member: str = "ann", **credential: Any) -> str:
    return (
        await points.call("EraseMember", members_pb2.EraseMemberRequest(member=member), brand, **credential)
    ).erasure


async def erasure(points: Points, brand: str, name: str) -> members_pb2.GetErasureResponse:
    return await points.call("GetErasure", members_pb2.GetErasureRequest(erasure=name), brand)


OWN = {"subject": "ann", "scope": "member"}


# -- particulars -------------------------------------------------------------


async def test_attributes_are_kept_as_declared_and_no_others(points: Points, brand: str) -> None:
    await points.apply(brand, with_members())
    made = await enrol(points, brand, name="Ann", birthday="1990-02-03", email="a@b.c", size="M", children=2)
    assert dict(made.member.attributes) == {"birthday": "1990-02-03", "email": "a@b.c", "size": "M", "children": 2}
    again = await enrol(points, brand, name="Ann", birthday="1990-02-03", email="a@b.c", size="M", children=2)
    assert not again.enrolled
    assert await code_of(enrol(points, brand, name="Ann", email="other@b.c")) == "idempotency_conflict"
    with pytest.raises(InvalidArgument) as refusal:
        await enrol(points, brand, "bob", birthday="1990-2-3", email="ab", size="XL", employee="yes", hobby="tennis")
    assert {violation.field for violation in refusal.value.violations} == {
        "attributes.birthday", "attributes.email", "attributes.size", "attributes.employee", "attributes.hobby",
    }  # fmt: skip


async def test_the_programme_manager_is_not_shown_what_is_personal(points: Points, brand: str) -> None:
    await points.apply(brand, with_members())
    await enrol(points, brand, email="a@b.c", size="M")
    shown = await points.member(brand, "ann", subject="boss", scope="manager")
    assert dict(shown.attributes) == {"size": "M"}
    own = await points.member(brand, "ann", **OWN)
    assert dict(own.attributes) == {"email": "a@b.c", "size": "M"}


async def test_a_correction_changes_what_its_mask_names(points: Points, brand: str, streams: Streams) -> None:
    await points.apply(brand, with_members())
    await enrol(points, brand, name="Ann", email="a@b.c", size="M", children=1)
    assert dict((await correct(points, brand, size="L")).attributes) == {"email": "a@b.c", "size": "L", "children": 1}
    cleared = await correct(points, brand, ["attributes.size", "display_name"], name="Anna")
    assert (cleared.display_name, dict(cleared.attributes)) == ("Anna", {"email": "a@b.c", "children": 1})
    replaced = await correct(points, brand, ["attributes"], children=3)
    assert (replaced.display_name, dict(replaced.attributes)) == ("Anna", {"children": 3})
    with pytest.raises(InvalidArgument):
        await correct(points, brand, ["attributes.hobby"])
    told = await streams.told(brand, MemberCorrected)
    assert [list(event.fields) for event in told] == [  # type: ignore[attr-defined]
        ["attributes.size"],
        ["attributes.size", "display_name"],
        ["attributes.children", "attributes.email"],
    ]


async def test_members_change_themselves_only_what_is_theirs_to_change(points: Points, brand: str) -> None:
    await points.apply(brand, with_members())
    await enrol(points, brand)
    assert (await correct(points, brand, size="S", credential=OWN)).attributes["size"] == "S"
    assert await code_of(correct(points, brand, employee=True, credential=OWN)) == "not_self_service"
    other = {"subject": "bob", "scope": "member"}
    assert await code_of(correct(points, brand, size="L", credential=other)) == "unknown_member"
    assert await code_of(consent(points, brand, said(PROFILING), **other)) == "unknown_member"
    assert await code_of(erase(points, brand, **other)) == "unknown_member"


async def test_earning_rules_read_attributes_that_are_not_personal(points: Points, brand: str) -> None:
    bonus = rule("bonus", "10 * member.attributes.children", condition="member.attributes.employee")
    await points.apply(brand, with_members(PER_UNIT, bonus))
    await enrol(points, brand, employee=True, children=2)
    await enrol(points, brand, "bob")
    answer = await points.record(brand, purchase("a"), purchase("b", member="bob"), purchase("c", member="new"))
    assert earned(answer) == [{"points": 120}, {"points": 100}, {"points": 100}]


async def test_a_bad_section_is_reported_with_its_paths(points: Points, brand: str) -> None:
    found = with_members(rule("spy", "1", condition="member.attributes.email == 'a@b.c'"))
    found.points.member_attributes.extend(
        [
            pb.MemberAttribute(name="Size", kind=TEXT),
            pb.MemberAttribute(name="size", kind=INTEGER, length_max=3),
            pb.MemberAttribute(name="kindless"),
        ]
    )
    found.points.guardianship.MergeFrom(
        pb.Guardianship(age=30, birthday_attribute="email", time_zone_attribute="missing")
    )
    with pytest.raises(InvalidArgument) as refusal:
        await points.apply(brand, found)
    assert {violation.field for violation in refusal.value.violations} == {
        "points.earning_rules[0].condition",
        "points.member_attributes[5].name",
        "points.member_attributes[6]",
        "points.member_attributes[6].name",
        "points.member_attributes[7].kind",
        "points.guardianship.age",
        "points.guardianship.birthday_attribute",
        "points.guardianship.time_zone_attribute",
    }


# -- consents and guardians --------------------------------------------------


async def test_consents_keep_their_history(points: Points, brand: str, streams: Streams) -> None:
    await points.apply(brand, with_members())
    await enrol(points, brand)
    assert await consent(points, brand, said(PROFILING), said(MARKETING, method="app"), **OWN) == 2
    assert await consent(points, brand, said(PROFILING), **OWN) == 0
    changes = await asyncio.gather(*(consent(points, brand, said(PROFILING, False, "v2")) for _ in range(10)))
    assert sum(changes) == 1
    found = await consents(points, brand)
    assert [(r.consent.purpose, r.consent.granted) for r in found.consents] == [(PROFILING, False), (MARKETING, True)]
    history = [(r.consent.purpose, r.consent.granted, r.consent.text_version, r.recorded_by) for r in found.history]
    assert history == [
        (PROFILING, False, "v2", "service:shop"),
        (MARKETING, True, "v1", "member:ann"),
        (PROFILING, True, "v1", "member:ann"),
    ]
    told = await streams.told(brand, ConsentChanged)
    assert [(event.purpose, event.granted) for event in told] == [  # type: ignore[attr-defined]
        (PROFILING, True),
        (MARKETING, True),
        (PROFILING, False),
    ]


async def test_withdrawing_a_consent_never_costs_points(points: Points, brand: str) -> None:
    await points.apply(brand, with_members())
    await enrol(points, brand)
    await points.record(brand, purchase("p", amount=300))
    purposes = [purpose for purpose in members_pb2.ConsentPurpose.values() if purpose]
    await consent(points, brand, *(said(purpose) for purpose in purposes))
    before = await points.member(brand, "ann")
    assert await consent(points, brand, *(said(purpose, False) for purpose in purposes), **OWN) == len(purposes)
    assert await points.member(brand, "ann") == before
    assert len(await points.statement(brand)) == 1


async def test_a_minor_earns_and_does_nothing_else_until_a_guardian_consents(points: Points, brand: str) -> None:
    await points.apply(brand, with_members(guardian_age=16))
    today = datetime.now(UTC).date()
    await enrol(points, brand, birthday=str(today - timedelta(days=12 * 365)))
    await enrol(points, brand, "bob", birthday=str(today.replace(year=today.year - 30, day=1)))
    await points.record(brand, purchase("p", amount=100), purchase("q", member="bob", amount=100))
    assert await points.available(brand) == 100
    assert (await points.member(brand, "ann")).awaits_guardian
    hold = ledger_pb2.HoldPointsRequest(member="ann", currency="points", amount=1, idempotency_key="h")
    gift = ledger_pb2.PostTransfersRequest(
        transfers=[
            ledger_pb2.Transfer(
                id="g",
                currency="points",
                amount=1,
                debit=ledger_pb2.LedgerAccount(member="ann"),
                credit=ledger_pb2.LedgerAccount(member="bob"),
            )
        ]
    )
    refused = "guardian_consent_required"
    assert await code_of(points.spend(brand, "s", 1)) == refused
    assert await code_of(points.call("HoldPoints", hold, brand)) == refused
    assert (await points.call("PostTransfers", gift, brand)).results[0].code == refused
    assert await code_of(consent(points, brand, said(PROFILING), **OWN)) == refused
    assert await code_of(consent(points, brand, said(GUARDIAN), **OWN)) == "not_the_guardian"
    assert await code_of(consent(points, brand, said(PROFILING, giver=BY_GUARDIAN), **OWN)) == "not_the_guardian"
    assert await code_of(correct(points, brand, birthday="1980-01-01", credential=OWN)) == "not_self_service"
    assert await consent(points, brand, said(PROFILING, giver=BY_GUARDIAN)) == 1
    assert await consent(points, brand, said(GUARDIAN, method="signed form")) == 1
    await points.spend(brand, "s", 1)
    await points.call("HoldPoints", hold, brand)
    assert await consent(points, brand, said(MARKETING), **OWN) == 1
    assert await consent(points, brand, said(GUARDIAN, False), **OWN) == 1
    assert await code_of(points.spend(brand, "t", 1)) == refused
    await points.spend(brand, "b", 100, member="bob")


# -- export and erasure ------------------------------------------------------


async def test_an_export_holds_everything_page_by_page(
    points: Points, brand: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "ROWS_MAX", 500)
    await points.apply(brand, with_members())
    await enrol(points, brand, name="Ann", email="a@b.c")
    await consent(points, brand, said(PROFILING))
    await points.record(brand, *(purchase(f"p{n}", amount=1, category="music") for n in range(600)))
    found: dict[str, list[Any]] = {}
    request, pages = export_pb2.ExportMemberRequest(member="ann"), 0
    while True:
        page = await points.call("ExportMember", request, brand, **OWN)
        pages += 1
        for section in page.sections:
            found.setdefault(section.name, []).extend(section.rows)
        request.cursor = page.next_cursor
        if not request.cursor:
            break
    assert pages == 3
    assert len(found["activities"]) == len(found["entries"]) == 600
    assert found["particulars"][0]["attributes"]["email"] == "a@b.c"
    assert [row["purpose"] for row in found["consents"]] == [PROFILING]
    assert {row["attributes"]["category"] for row in found["activities"]} == {"music"}
    assert sum(row["amount"] for row in found["entries"]) == 600
    request = export_pb2.ExportMemberRequest(member="nobody")
    assert await code_of(points.call("ExportMember", request, brand)) == "unknown_member"
    request = export_pb2.ExportMemberRequest(member="ann", cursor="x")
    assert await code_of(points.call("ExportMember", request, brand)) == "invalid_argument"


async def populated(points: Points, brand: str) -> None:
    """A member with something of everything, and another one."""
    found = with_members(PER_UNIT, rule("later", "7", of="visit"))
    found.points.earning_rules[1].pending.days = 3_000
    found.activity_types[1].attributes.add(name="note", kind=3)
    await points.apply(brand, found)
    await enrol(points, brand, CANARY, name=f"Name {CANARY}", email=f"{CANARY}@b.c")
    await enrol(points, brand, "bob")
    change = members_pb2.PutConsentsRequest(member=CANARY, consents=[said(PROFILING, method=CANARY)])
    await points.call("PutConsents", change, brand)
    await points.record(brand, *(purchase(f"{CANARY}-{n}", CANARY, category=CANARY) for n in range(5)))
    await points.record(brand, purchase("b", "bob"))
    visit = purchase(f"{CANARY}-v", CANARY)
    visit.type = "visit"
    visit.attributes.Clear()
    await points.record(brand, visit)
    await points.spend(brand, f"{CANARY}-s", 30, member=CANARY, reference=f"for {CANARY}")
    hold = ledger_pb2.HoldPointsRequest(
        member=CANARY, currency="points", amount=40, idempotency_key=f"{CANARY}-h", reference=CANARY
    )
    await points.call("HoldPoints", hold, brand)
    gift = ledger_pb2.Transfer(
        id=f"{CANARY}-g",
        currency="points",
        amount=5,
        reference=f"from {CANARY}",
        debit=ledger_pb2.LedgerAccount(member=CANARY),
        credit=ledger_pb2.LedgerAccount(member="bob"),
    )
    await points.call("PostTransfers", ledger_pb2.PostTransfersRequest(transfers=[gift]), brand)


async def receive(streams: Streams, brand: str, name: str, receipts: Any) -> None:
    for service, after in sorted(receipts):
        await streams.publish(service, brand, ErasureReceipt(erasure=name, service=service, after=after))


async def damage(servers: Servers, brand: str, *statements: str) -> list[str]:
    """What verification says in the brand after statements that are rolled back."""
    connection = await asyncpg.connect(servers.postgres.admin_url("laurels_points"))
    try:
        transaction = connection.transaction(isolation="repeatable_read")
        await transaction.start()
        for statement in statements:
            await connection.execute(statement)
        await connection.execute("SELECT set_config('laurels.brand', $1, true)", brand)
        await connection.execute("SET LOCAL ROLE laurels_points_app")
        found = await violations(connection)
        await transaction.rollback()
        return found
    finally:
        await connection.close()


async def mentions(servers: Servers, service: str, what: str) -> list[str]:
    """The tables of a service's database in which a text occurs anywhere, byte strings included."""
    connection = await asyncpg.connect(servers.postgres.admin_url(f"laurels_{service}"))
    try:
        tables = await connection.fetch(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
        )
        found = []
        for (table,) in tables:
            rows = f"SELECT count(*) FROM {table} AS t WHERE t::text LIKE $1 OR t::text LIKE $2"  # noqa: S608
            if await connection.fetchval(rows, f"%{what}%", f"%{what.encode().hex()}%"):
                found.append(table)
        return found
    finally:
        await connection.close()


async def test_an_erased_member_is_gone_and_the_ledger_is_as_it_was(
    points: Points, brand: str, streams: Streams, servers: Servers, client: nats.NATS
) -> None:
    await populated(points, brand)
    connection = await asyncpg.connect(servers.postgres.admin_url("laurels_points"))
    hashed = """
        SELECT id, debit, credit, amount, kind, occurred_at, recorded_at FROM entries
        WHERE brand = $1 ORDER BY id"""
    before = await connection.fetch(hashed, brand)
    names = await asyncio.gather(*(erase(points, brand, CANARY) for _ in range(8)))
    assert len(set(names)) == 1
    # At once: nobody, no particulars, and what was left has expired.
    assert await code_of(points.member(brand, CANARY)) == "unknown_member"
    assert (await points.liability(brand))["points"] == (600, 30, 105)
    assert await points.available(brand, "bob") == 105
    # Nobody comes back under the id, however they come.
    assert await code_of(points.enrol(brand, CANARY)) == "member_erased"
    assert await code_of(points.record(brand, purchase("new", CANARY))) == "member_erased"
    assert await code_of(points.spend(brand, "new", 1, member=CANARY)) == "unknown_member"
    await streams.publish("missions", brand, finished(CANARY, "m", 10))
    found = await erasure(points, brand, names[0])
    assert found.state == members_pb2.ERASURE_STATE_ERASED
    await receive(streams, brand, names[0], RECEIPTS_DUE)

    async def state() -> Any:
        return (await erasure(points, brand, names[0])).state

    await eventually(state, members_pb2.ERASURE_STATE_SETTLED)
    (told,) = await streams.told(brand, MemberErased)
    (settled,) = await streams.told(brand, ErasureSettled)
    assert (told.member, told.erasure, settled.erasure) == (CANARY, names[0], names[0])  # type: ignore[attr-defined]
    await receive(streams, brand, names[0], {(service, "") for service in SERVICES})
    await eventually(state, members_pb2.ERASURE_STATE_COMPLETE)
    found = await erasure(points, brand, names[0])
    assert found.streams_purged == members_pb2.STREAMS_PURGED_YES
    assert len(found.receipts) == len(RECEIPTS_DUE) + len(SERVICES)
    assert found.alias.startswith("!")
    # The canary is in no table and no message.
    assert await mentions(servers, "points", CANARY) == []
    subscription = await client.jetstream().subscribe(
        f"laurels.*.*.*.{brand}.>", ordered_consumer=True, stream="POINTS"
    )
    left = [message async for message in _all(subscription)]
    assert not [m for m in left if CANARY in m.subject or CANARY.encode() in m.data]
    # What is under the ledger's hash is what it was.
    after = await connection.fetch(hashed, brand)
    assert after[: len(before)] == before
    await connection.close()
    assert await damage(servers, brand) == []
    assert await erase(points, brand, CANARY) == names[0]
    # What the alias holds is not moved again.
    spent = next(row["id"] for row in before if row["kind"] == points_pb2.ENTRY_KIND_SPEND)
    reversal = ledger_pb2.ReverseTransferRequest(transfer=str(spent), idempotency_key="r")
    assert await code_of(points.call("ReverseTransfer", reversal, brand)) == "member_erased"
    # What was scrubbed before it was published says nothing.
    told_still = await streams.told(brand, ActivityRecorded)
    assert [event.activity.id for event in told_still if event.ByteSize()] == ["b"]  # type: ignore[attr-defined]


# -- what others have of them ------------------------------------------------


def together() -> Any:
    """A programme of households, gifts and referrals."""
    found = programme(PER_UNIT)
    found.points.groups.kinds.add(id="household", name="Household", members_max=9)
    found.points.gifts.currencies.add(currency="points")
    found.points.referrals.MergeFrom(
        pg.ReferralProgramme(currency="gems", referrer_amount=50, activity_type="purchase", window_days=30)
    )
    return found


async def home_of(points: Points, brand: str, owner: str, *others: str, wallet: int = 90) -> str:
    """A household, to which its owner gave points and to whom others were added in this order."""
    made = groups_pb2.CreateGroupRequest(member=owner, kind="household", name=f"{owner}'s", idempotency_key=owner)
    group = (await points.call("CreateGroup", made, brand)).group.group
    for other in others:
        await points.call("AddToGroup", groups_pb2.AddToGroupRequest(group=group, target=other), brand)
    given = groups_pb2.ContributeToGroupRequest(
        member=owner, group=group, currency="points", amount=wallet, idempotency_key="filled"
    )
    await points.call("ContributeToGroup", given, brand)
    return group


async def completed(points: Points, brand: str, streams: Streams, member: str) -> None:
    """An erasure to its end; the test gives the other services' receipts."""
    name = await erase(points, brand, member)
    await receive(streams, brand, name, RECEIPTS_DUE)

    async def state() -> Any:
        return (await erasure(points, brand, name)).state

    await eventually(state, members_pb2.ERASURE_STATE_SETTLED)
    await receive(streams, brand, name, {(service, "") for service in SERVICES})
    await eventually(state, members_pb2.ERASURE_STATE_COMPLETE)


async def test_no_event_of_another_member_names_the_erased_and_each_keeps_its_effect(
    points: Points, brand: str, streams: Streams, servers: Servers, client: nats.NATS
) -> None:
    await points.apply(brand, together())
    await points.enrol(brand, "bob")
    code = (await points.call("GetReferral", groups_pb2.GetReferralRequest(member="bob"), brand)).code
    await points.call("EnrolMember", points_pb2.EnrolMemberRequest(member=CANARY, referral_code=code), brand)
    await points.record(brand, purchase(f"{CANARY}-1", CANARY, 400), purchase("b", "bob", 300))
    for giver, to in ((CANARY, "bob"), ("bob", CANARY)):
        gift = groups_pb2.GivePointsRequest(
            member=giver, to=to, currency="points", amount=7, reference=f"from {giver}", idempotency_key="gift"
        )
        await points.call("GivePoints", gift, brand)
    group = await home_of(points, brand, CANARY)
    invited = groups_pb2.InviteToGroupRequest(member=CANARY, group=group, target="bob")
    await points.call("InviteToGroup", invited, brand)
    await points.call("JoinGroup", groups_pb2.JoinGroupRequest(member="bob", group=group), brand)
    kinds = (groups_events_pb2.GiftReceived, groups_events_pb2.GiftGiven, groups_events_pb2.ReferralCompleted)
    before = [event for event in await streams.told(brand, *kinds) if event.member == "bob"]  # type: ignore[attr-defined]
    assert len(before) == 3
    await completed(points, brand, streams, CANARY)
    assert await mentions(servers, "points", CANARY) == []
    subscription = await client.jetstream().subscribe(
        f"laurels.*.*.*.{brand}.>", ordered_consumer=True, stream="POINTS"
    )
    left = [message async for message in _all(subscription)]
    assert not [m for m in left if CANARY in m.subject or CANARY.encode() in m.data]
    assert await damage(servers, brand) == []
    # What a consumer had missed is published again with all that it does, and of whom it names the alias.
    connection = await asyncpg.connect(servers.postgres.admin_url("laurels_points"))
    kept = "SELECT type, payload FROM outbox WHERE brand = $1 AND member = 'bob' AND type = ANY($2) ORDER BY id"
    rows = await connection.fetch(kept, brand, [kind.DESCRIPTOR.full_name for kind in kinds])
    await connection.close()
    after = [message_class(row["type"]).FromString(row["payload"]) for row in rows]
    assert [(e.currency, getattr(e, "amount", 0)) for e in after] == [
        (e.currency, getattr(e, "amount", 0))  # type: ignore[attr-defined]
        for e in before
    ]
    brought, received, given = after
    assert brought.referee.startswith("!")
    assert brought.activity == ""
    assert (received.giver, received.reference) == (brought.referee, "")
    assert (given.to, given.reference) == (brought.referee, "from bob")


async def test_the_manager_of_longest_standing_inherits_the_group_of_an_erased_owner(
    points: Points, brand: str, streams: Streams, servers: Servers
) -> None:
    await points.apply(brand, together())
    await points.record(brand, *(purchase(name, name, 200) for name in ("ann", "bob", "cem", "dan")))
    group = await home_of(points, brand, "ann", "bob", "cem", "dan")
    for name in ("cem", "dan"):
        role = groups_pb2.ChangeGroupRoleRequest(group=group, target=name, role=pg.GROUP_ROLE_MANAGER)
        await points.call("ChangeGroupRole", role, brand)
    await erase(points, brand, "ann")
    found = await points.call("GetGroup", groups_pb2.GetGroupRequest(group=group), brand)
    assert (found.group.owner, found.group.name, found.group.size) == ("cem", "", 3)
    assert [wallet.available for wallet in found.wallets if wallet.currency == "points"] == [90]
    told = await streams.told(brand, groups_events_pb2.GroupChanged)
    assert (told[-1].member, told[-1].role, told[-1].group.owner) == ("cem", pg.GROUP_ROLE_OWNER, "cem")  # type: ignore[attr-defined]
    # The next heir after a manager who left, a member after the last manager.
    await erase(points, brand, "cem")
    await erase(points, brand, "dan")
    found = await points.call("GetGroup", groups_pb2.GetGroupRequest(group=group), brand)
    assert (found.group.owner, found.group.size) == ("bob", 1)
    assert await damage(servers, brand) == []


async def test_a_group_that_nobody_is_left_in_is_dissolved_and_what_it_has_expires(
    points: Points, brand: str, streams: Streams, servers: Servers
) -> None:
    await points.apply(brand, together())
    await points.record(brand, purchase("ann", "ann", 200), purchase("bob", "bob", 50))
    group = await home_of(points, brand, "ann")
    invited = groups_pb2.InviteToGroupRequest(member="ann", group=group, target="bob")
    await points.call("InviteToGroup", invited, brand)
    before = await points.liability(brand)
    await erase(points, brand, "ann")
    assert before["points"][2] - (await points.liability(brand))["points"][2] == 200
    found = (await points.call("GetGroup", groups_pb2.GetGroupRequest(group=group), brand)).group
    assert (found.state, found.size, found.name) == (groups_pb2.GROUP_STATE_DISSOLVED, 0, "")
    told = await streams.told(brand, groups_events_pb2.GroupChanged)
    assert (told[-1].member, told[-1].change) == ("bob", groups_events_pb2.GROUP_CHANGE_DISSOLVED)  # type: ignore[attr-defined]
    assert await damage(servers, brand) == []


async def test_nobody_is_scrubbed_who_is_not_being_erased(points: Points, brand: str, servers: Servers) -> None:
    await points.apply(brand, with_members())
    await enrol(points, brand, name="Ann")
    await points.record(brand, purchase("p"))
    await points.spend(brand, "s", 7, reference="a book")
    connection = await asyncpg.connect(servers.postgres.url("points"))
    try:
        async with connection.transaction():
            await connection.execute("SELECT set_config('laurels.brand', $1, true)", brand)
            for statement in (
                "SELECT scrub_entries('ann', 'salt', 0, 100)",
                "SELECT scrub_activities('ann', '!x', 'salt', 100)",
                "SELECT erase_member('ann', '!x')",
            ):
                await connection.execute(statement)
        for change in ("UPDATE entries SET reference = ''", "DELETE FROM consent_records", "DELETE FROM activities"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(change)
    finally:
        await connection.close()
    assert [entry.reference for entry in await points.statement(brand)] == ["a book", "per_unit"]
    assert (await points.member(brand, "ann")).display_name == "Ann"
    assert (await points.record(brand, purchase("p"))).duplicates == 1
    assert await damage(servers, brand) == []


async def _all(subscription: Any) -> AsyncIterator[Any]:
    """The messages of an ordered consumer until none has come for a moment."""
    while True:
        try:
            yield await subscription.next_msg(timeout=0.5)
        except nats.errors.TimeoutError:
            await subscription.unsubscribe()
            return


async def test_verification_finds_what_an_erasure_left_and_consents_that_differ(
    points: Points, brand: str, streams: Streams, servers: Servers
) -> None:
    await points.apply(brand, with_members())
    await enrol(points, brand, "ann")
    await enrol(points, brand, "bob")
    await consent(points, brand, said(PROFILING))
    await points.record(brand, purchase("b", "bob"))
    name = await erase(points, brand, "bob", subject="bob", scope="member")
    await receive(streams, brand, name, RECEIPTS_DUE | {(service, "") for service in SERVICES})

    async def state() -> Any:
        return (await erasure(points, brand, name)).state

    await eventually(state, members_pb2.ERASURE_STATE_COMPLETE)
    assert await damage(servers, brand) == []
    for statement in (
        f"UPDATE activities SET attributes = '{{\"a\": 1}}' WHERE brand = '{brand}'",  # noqa: S608
        f"UPDATE erasures SET salt = 'x' WHERE brand = '{brand}'",  # noqa: S608
    ):
        assert [s for s in await damage(servers, brand, statement) if "erased" in s], statement
    withdrawn = f"UPDATE consent_records SET granted = false WHERE brand = '{brand}'"  # noqa: S608
    assert [s for s in await damage(servers, brand, withdrawn) if "consents" in s]


async def test_another_brand_may_have_a_member_of_that_name(points: Points, brand: str) -> None:
    for name in (brand, f"{brand}-other"):
        await points.apply(name, with_members())
        await enrol(points, name)
    found = await erase(points, brand)
    assert (await points.member(f"{brand}-other", "ann")).member == "ann"
    assert (await enrol(points, f"{brand}-other", "bob")).enrolled
    assert await code_of(erasure(points, f"{brand}-other", found)) == "unknown_erasure"


async def test_activities_that_race_an_erasure_are_before_it_or_refused(
    points: Points, brand: str, servers: Servers
) -> None:
    await points.apply(brand, with_members())
    await enrol(points, brand)

    async def buy(number: int) -> str:
        try:
            await points.record(brand, purchase(f"p{number}"))
        except DomainError as refusal:
            return refusal.reason
        return "recorded"

    buying = [asyncio.ensure_future(buy(number)) for number in range(60)]
    await asyncio.sleep(0)
    await erase(points, brand)
    answers = await asyncio.gather(*buying)
    assert set(answers) <= {"recorded", "member_erased"}
    connection = await asyncpg.connect(servers.postgres.admin_url("laurels_points"))

    async def left() -> int:
        return int(
            await connection.fetchval("SELECT count(*) FROM activities WHERE brand = $1 AND member = 'ann'", brand)
        )

    await eventually(left, 0)
    owned = "SELECT count(*) FROM accounts WHERE brand = $1 AND owner = 'ann'"
    assert await connection.fetchval(owned, brand) == 0
    await connection.close()
