"""Shares add up, codes can be read and not guessed, and the sections of a programme are compiled to what they say."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from laurels.points.v1 import programme_groups_pb2 as pg
from laurels.points.v1 import programme_pb2 as pb
from laurels.programme.v1 import programme_pb2
from services.points.book import Touched
from services.points.group_wallets import shares_of
from services.points.programme import PointsRules, compile_programme
from services.points.referrals import ALPHABET, CANDIDATES, code_as_kept, codes_of
from services.points.sharing import touch_earning
from services.programme import Problems

MEMBERS = st.lists(st.text("abcdefgh", min_size=1, max_size=8), min_size=1, max_size=50, unique=True)


@given(st.integers(0, 2**53 - 1), MEMBERS, st.data())
def test_shares_add_up_to_the_balance_and_differ_for_the_owner_only(
    balance: int, members: list[str], data: st.DataObject
) -> None:
    owner = data.draw(st.sampled_from(members))
    shares = shares_of(balance, members, owner)
    assert sum(shares.values()) == balance
    assert set(shares) == set(members)
    others = {amount for member, amount in shares.items() if member != owner}
    assert len(others) <= 1
    assert all(0 <= shares[owner] - amount < len(members) for amount in others)


@given(st.binary(min_size=32, max_size=32), st.text("abcXYZ0-_", min_size=1, max_size=64), st.integers(6, 16))
def test_a_code_is_the_same_for_a_member_and_a_secret_and_is_read_in_either_case(
    secret: bytes, member: str, length: int
) -> None:
    codes = codes_of(secret, member, length)
    assert codes == codes_of(secret, member, length)
    assert len(set(codes)) == CANDIDATES
    assert all(len(code) == length and set(code) <= set(ALPHABET) for code in codes)
    assert [code_as_kept(f" {code.lower()} ") for code in codes] == codes
    other = bytes([secret[0] ^ 1]) + secret[1:]
    assert not set(codes) & set(codes_of(other, member, length))


def test_what_cannot_be_a_code_is_none() -> None:
    assert [code_as_kept(code) for code in ("", "SHORT", "A" * 17, "ABCDEFG0", "ÄBCDEFGH", "ABC DEFG")] == [""] * 6


def compiled(section: pb.PointsProgramme) -> tuple[PointsRules, list[tuple[str, str]]]:
    programme = programme_pb2.Programme(
        activity_types=[
            programme_pb2.ActivityType(
                type="purchase",
                attributes=[programme_pb2.Attribute(name="amount", kind=programme_pb2.ATTRIBUTE_KIND_INTEGER)],
            )
        ],
        points=section,
    )
    problems = Problems()
    rules = compile_programme(programme, problems)
    return rules, [(problem.field, problem.detail) for problem in problems.found]


def test_a_programme_without_the_sections_has_nothing_of_them() -> None:
    rules, problems = compiled(pb.PointsProgramme(currencies=[pb.Currency(id="points")]))
    assert problems == []
    assert (rules.groups.pooled, rules.gifts.currencies, rules.referral) == (frozenset(), {}, None)
    assert not rules.groups.kind("household").may(pg.GROUP_ROLE_MEMBER, "may_spend")


def test_rights_and_limits_are_those_of_the_role() -> None:
    limit = pg.SpendingLimit(currency="points", allowance=pg.Allowance(amount=40, per=pg.ALLOWANCE_PERIOD_WEEK))
    kind = pg.GroupKind(
        id="household",
        members_max=4,
        pooled=[pg.PooledShare(currency="points", percent=30)],
        roles=[
            pg.GroupRoleRights(role=pg.GROUP_ROLE_OWNER, limits=[limit]),
            pg.GroupRoleRights(role=pg.GROUP_ROLE_MEMBER, may_spend=True, limits=[limit, limit]),
        ],
    )
    section = pb.PointsProgramme(
        currencies=[pb.Currency(id="points"), pb.Currency(id="gems")], groups=pg.GroupsProgramme(kinds=[kind])
    )
    rules, problems = compiled(section)
    assert problems == []
    found = rules.groups.kind("household")
    assert rules.groups.pooled == {"points"}
    assert rules.groups.periods == {"points": {pg.ALLOWANCE_PERIOD_WEEK}}
    rights = [
        [found.may(role, right) for right in ("may_invite", "may_remove", "may_spend")]
        for role in (pg.GROUP_ROLE_OWNER, pg.GROUP_ROLE_MANAGER, pg.GROUP_ROLE_MEMBER)
    ]
    assert rights == [[True, True, True], [False, False, False], [False, False, True]]
    # The owner may do everything, and yet has the owner's limits.
    assert found.limits[pg.GROUP_ROLE_OWNER, "points"] == [(40, pg.ALLOWANCE_PERIOD_WEEK)]
    assert len(found.limits[pg.GROUP_ROLE_MEMBER, "points"]) == 2


def test_a_referral_without_a_reward_or_with_a_condition_that_does_not_compile_is_refused() -> None:
    section = pb.PointsProgramme(
        currencies=[pb.Currency(id="points")],
        referrals=pg.ReferralProgramme(
            currency="points", activity_type="purchase", condition="attributes.amuont > 1", window_days=7
        ),
    )
    rules, problems = compiled(section)
    assert rules.referral is None
    assert [field for field, _ in problems] == ["points.referrals.referrer_amount", "points.referrals.condition"]
    section.referrals.condition = "attributes.amount > 1 && member.tier == ''"
    section.referrals.referee_amount = 5
    rules, problems = compiled(section)
    assert problems == []
    assert rules.referral is not None
    assert (rules.referral.window.days, rules.referral.code_length) == (7, 8)


def test_what_earns_touches_nothing_more_where_the_programme_has_nothing_of_it() -> None:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    section = pb.PointsProgramme(currencies=[pb.Currency(id="points"), pb.Currency(id="gems")])
    rules, _ = compiled(section)
    touched = Touched(now=at)
    touch_earning(touched, rules, "ann", ["points"], "purchase", at)
    assert touched.follow == []
    section.groups.kinds.add(id="household", members_max=2).pooled.add(currency="points", percent=1)
    rules, problems = compiled(section)
    assert problems == []
    touch_earning(touched, rules, "ann", ["gems"], "purchase", at)
    assert touched.follow == []
    touch_earning(touched, rules, "ann", ["gems", "points"], "purchase", at)
    assert [earning.member for earning in touched.follow] == ["ann"]
