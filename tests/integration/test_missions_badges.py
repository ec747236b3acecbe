"""Badges on the real servers: families, secrets, counts, refunds, rarity, and who sees them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from chassis.errors import FailedPrecondition, IdempotencyConflict, NotFound
from cli.embedded import Servers
from laurels.missions.v1 import badges_pb2, missions_pb2
from laurels.missions.v1 import programme_badges_pb2 as families
from laurels.missions.v1.badges_events_pb2 import BadgeRevoked
from laurels.missions.v1.events_pb2 import BadgeEarned
from laurels.missions.v1.programme_pb2 import Badge
from laurels.points.v1.earning_events_pb2 import PointsRefunded
from laurels.points.v1.events_pb2 import MemberEnrolled
from laurels.points.v1.members_events_pb2 import ConsentChanged
from laurels.points.v1.members_pb2 import CONSENT_PURPOSE_LEADERBOARDS
from laurels.programme.v1 import programme_pb2
from laurels.programme.v1.programme_pb2 import Programme
from tests.integration.missions_support import NOON, fetch, mission, programme, purchase
from tests.integration.social_support import Missions, missions_on


@pytest.fixture(scope="module")
async def missions(
    servers: Servers, settings_of: Callable[..., Any], token: Callable[..., str]
) -> AsyncIterator[Missions]:
    async with missions_on(servers, settings_of, token) as opened:
        yield opened


def of_badges(*badges: Badge, policy: int = families.BADGE_GRADE_POLICY_REPLACES) -> Programme:
    """A programme of these badges, all of which back ends give, with the families that they name."""
    applied = programme()
    for badge in badges:
        badge.awarded = True
        badge.name = badge.id.title()
    applied.missions.badges.extend(badges)
    for family in sorted({badge.family for badge in badges if badge.family}):
        applied.missions.badge_families.add(id=family, name=family, policy=policy)
    return applied


async def award(missions: Missions, brand: str, badge: str, key: str, member: str = "ann", activity: str = "") -> Any:
    request = badges_pb2.AwardBadgeRequest(member=member, badge=badge, idempotency_key=key, activity=activity)
    return (await missions.call("AwardBadge", request, brand)).badge


async def badges_of(missions: Missions, brand: str, member: str = "ann") -> dict[str, int]:
    answer = await missions.call("ListMemberBadges", missions_pb2.ListMemberBadgesRequest(member=member), brand)
    return {badge.badge: badge.count for badge in answer.badges}


async def rarity(missions: Missions, brand: str, **credential: Any) -> dict[str, tuple[int, float]]:
    answer = await missions.call("ListBadges", missions_pb2.ListBadgesRequest(), brand, **credential)
    return {badge.badge: (badge.holders, badge.share) for badge in answer.badges}


def refund(member: str, activity: str, refunded: int, total: int) -> PointsRefunded:
    return PointsRefunded(
        member=member,
        purchase=activity,
        refund=f"refund-{activity}-{refunded}",
        refunded=refunded,
        total=total,
        occurred_at=NOON,
        programme_version=1,
    )


async def test_a_higher_grade_replaces_the_lower_one_and_gives_it_back(missions: Missions, brand: str) -> None:
    await missions.started(
        brand,
        of_badges(*(Badge(id=name, family="metal", grade=grade) for grade, name in enumerate(["iron", "gold"], 1))),
    )
    await award(missions, brand, "iron", "1")
    await award(missions, brand, "gold", "2")
    assert await badges_of(missions, brand) == {"gold": 1}
    assert await rarity(missions, brand) == {"iron": (0, 0.0), "gold": (1, 0.0)}
    request = badges_pb2.RevokeBadgeRequest(member="ann", badge="gold")
    assert (await missions.call("RevokeBadge", request, brand)).revoked
    assert not (await missions.call("RevokeBadge", request, brand)).revoked
    assert await badges_of(missions, brand) == {"iron": 1}
    assert [event.badge for event in await missions.told(brand, BadgeRevoked)] == ["gold"]
    assert await missions.violations(brand) == []


async def test_grades_may_add_up(missions: Missions, brand: str) -> None:
    grades = [Badge(id=name, family="metal", grade=grade) for grade, name in enumerate(["iron", "gold"], 1)]
    await missions.started(brand, of_badges(*grades, policy=families.BADGE_GRADE_POLICY_ADDS))
    await award(missions, brand, "iron", "1")
    await award(missions, brand, "gold", "2")
    assert await badges_of(missions, brand) == {"iron": 1, "gold": 1}
    assert await missions.violations(brand) == []


async def test_a_secret_badge_is_not_shown_before_it_is_earned(missions: Missions, brand: str) -> None:
    await missions.started(brand, of_badges(Badge(id="plain"), Badge(id="hidden", secret=True)))
    as_ann = {"subject": "ann", "scope": "member"}
    assert set(await rarity(missions, brand, **as_ann)) == {"plain"}
    assert set(await rarity(missions, brand)) == {"plain", "hidden"}
    await award(missions, brand, "hidden", "1")
    assert set(await rarity(missions, brand, **as_ann)) == {"plain", "hidden"}
    assert set(await rarity(missions, brand, subject="bob", scope="member")) == {"plain"}


async def test_a_repeatable_badge_counts_and_another_is_earned_once(missions: Missions, brand: str) -> None:
    await missions.started(brand, of_badges(Badge(id="again", repeatable=True), Badge(id="once")))
    for key in ("1", "2", "3"):
        assert (await award(missions, brand, "again", key)).count == int(key)
        await award(missions, brand, "once", f"once-{key}")
    assert await badges_of(missions, brand) == {"again": 3, "once": 1}
    told = [(event.badge, event.count) for event in await missions.told(brand, BadgeEarned)]
    assert told == [("again", 1), ("once", 1), ("again", 2), ("again", 3)]
    assert await missions.violations(brand) == []


async def test_the_same_key_from_many_callers_gives_once(missions: Missions, brand: str) -> None:
    await missions.started(brand, of_badges(Badge(id="again", repeatable=True), Badge(id="other")))
    answers = await asyncio.gather(*(award(missions, brand, "again", "key") for _ in range(30)))
    assert {answer.count for answer in answers} == {1}
    with pytest.raises(IdempotencyConflict):
        await award(missions, brand, "other", "key")
    assert await badges_of(missions, brand) == {"again": 1}
    assert len(await missions.told(brand, BadgeEarned)) == 1


async def test_many_at_once_are_all_counted(missions: Missions, brand: str) -> None:
    await missions.started(brand, of_badges(Badge(id="again", repeatable=True)))
    await asyncio.gather(*(award(missions, brand, "again", f"{n}", f"m{n % 7}") for n in range(70)))
    assert await rarity(missions, brand) == {"again": (7, 0.0)}
    assert [await badges_of(missions, brand, f"m{n}") for n in range(7)] == [{"again": 10}] * 7
    assert await missions.violations(brand) == []


async def test_back_ends_give_only_what_is_declared_so(missions: Missions, brand: str) -> None:
    applied = programme(mission("first", 1, badge="earned"))
    await missions.started(brand, applied)
    with pytest.raises(FailedPrecondition) as refused:
        await award(missions, brand, "earned", "1")
    assert refused.value.reason == "not_awarded"
    with pytest.raises(NotFound):
        await award(missions, brand, "nothing", "1")


async def test_the_refund_of_a_purchase_takes_the_badge_that_it_earned_and_no_other(
    missions: Missions, brand: str
) -> None:
    applied = programme(mission("first", 1, badge="buyer"), mission("second", 2, badge="regular"))
    for badge in applied.missions.badges:
        badge.revocable = True
    text, whole = programme_pb2.ATTRIBUTE_KIND_TEXT, programme_pb2.ATTRIBUTE_KIND_INTEGER
    returned = applied.activity_types.add(type="return")
    returned.attributes.add(name="purchase", kind=text)
    returned.attributes.add(name="amount", kind=whole)
    applied.points.refunds.add(
        activity_type="return", purchase_type="purchase", purchase="purchase", amount="amount", total="amount"
    )
    await missions.started(brand, applied)
    await missions.heard(brand, *(purchase("ann", number, amount=10) for number in range(2)))
    assert await badges_of(missions, brand) == {"buyer": 1, "regular": 1}
    back = purchase("ann", 2, type_name="return", purchase="ann-1", amount=10)
    await missions.heard(brand, back, times=2)
    assert await badges_of(missions, brand) == {"buyer": 1}
    assert [(event.badge, event.count) for event in await missions.told(brand, BadgeRevoked)] == [("regular", 0)]
    await missions.heard(brand, purchase("ann", 3, amount=10))
    assert await badges_of(missions, brand) == {"buyer": 1, "regular": 1}, "and it is earned again"
    assert await missions.violations(brand) == []


async def test_a_refund_leaves_what_another_award_stands_for(missions: Missions, brand: str) -> None:
    await missions.started(brand, of_badges(Badge(id="once", revocable=True)))
    await award(missions, brand, "once", "1", activity="bought")
    await award(missions, brand, "once", "2")
    await missions.heard(brand, refund("ann", "bought", 10, 10))
    assert await badges_of(missions, brand) == {"once": 1}
    assert await missions.told(brand, BadgeRevoked) == []
    assert await missions.violations(brand) == []


async def test_rarity_is_a_share_of_the_members(missions: Missions, brand: str) -> None:
    await missions.started(brand, of_badges(Badge(id="rare")))
    joined = purchase("dan", 0)
    joined.enrolled = True
    await missions.heard(
        brand, *(MemberEnrolled(member=name, enrolled_at=NOON) for name in ("ann", "bob", "cem")), joined, times=2
    )
    await award(missions, brand, "rare", "1")
    assert await rarity(missions, brand) == {"rare": (1, 0.25)}
    assert await missions.violations(brand) == []


async def test_others_see_badges_only_with_the_consent_to_leaderboards(missions: Missions, brand: str) -> None:
    await missions.started(brand, of_badges(Badge(id="plain"), Badge(id="hidden", secret=True)))
    await award(missions, brand, "plain", "1")
    await award(missions, brand, "hidden", "2")
    request = badges_pb2.ListPublicBadgesRequest(holder="ann")
    as_bob = {"subject": "bob", "scope": "member"}
    with pytest.raises(NotFound) as refused:
        await missions.call("ListPublicBadges", request, brand, **as_bob)
    assert refused.value.reason == "unknown_member"
    consent = ConsentChanged(member="ann", purpose=CONSENT_PURPOSE_LEADERBOARDS, granted=True, changed_at=NOON)
    await missions.heard(brand, consent)
    seen = await missions.call("ListPublicBadges", request, brand, **as_bob)
    assert [badge.badge for badge in seen.badges] == ["plain"]
    with pytest.raises(NotFound):
        await missions.call("ListPublicBadges", request, f"{brand}-other", **as_bob)
    consent.granted = False
    await missions.heard(brand, consent)
    with pytest.raises(NotFound):
        await missions.call("ListPublicBadges", request, brand, **as_bob)


async def test_a_member_gives_themselves_no_badge(missions: Missions, brand: str) -> None:
    await missions.started(brand, of_badges(Badge(id="plain")))
    request = badges_pb2.AwardBadgeRequest(member="ann", badge="plain", idempotency_key="1")
    with pytest.raises(Exception, match="scopes"):
        await missions.call("AwardBadge", request, brand, subject="ann", scope="member")


async def test_bad_badges_are_reported_with_their_paths(missions: Missions, brand: str) -> None:
    applied = of_badges(Badge(id="iron", family="metal", grade=1), Badge(id="tin", family="metal", grade=1))
    applied.missions.badges.add(id="lost", family="nowhere", grade=2, awarded=True)
    applied.missions.badges.add(id="graded", grade=2)
    applied.missions.badge_families.add(id="empty")
    found = await missions.problems(brand, applied)
    assert found.keys() == {
        "missions.badges[1].grade",
        "missions.badges[2].family",
        "missions.badges[3].grade",
        "missions.badges[3]",
        "missions.badge_families[1]",
    }


async def test_verification_finds_damage_to_badges(missions: Missions, brand: str) -> None:
    await missions.started(brand, of_badges(Badge(id="plain")))
    await award(missions, brand, "plain", "1")
    assert await missions.violations(brand) == []
    for damage in (
        "UPDATE badges SET count = 2 WHERE brand = $1 RETURNING 1",
        "UPDATE tallies SET value = value + 1 WHERE brand = $1 AND tally = 'badge:plain' RETURNING 1",
        "DELETE FROM outbox WHERE brand = $1 AND type LIKE '%BadgeEarned' RETURNING 1",
    ):
        before = await missions.violations(brand)
        assert await fetch(missions.servers, damage, brand)
        assert len(await missions.violations(brand)) > len(before), damage
